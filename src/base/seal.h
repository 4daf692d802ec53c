/*
 * seal.h - values that lie encrypted in the store until they are needed
 *
 * A value is sealed by libsodium's secretbox under the newest key of the
 * folder; what comes out begins with a mark by which it is known among other
 * values. The keys are asked for when the first value is sealed or opened.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include "base/arena.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/strbuf.h"

#define SEAL_KEY_SIZE 32

struct seal {
	/* Gives the keys, SEAL_KEY_SIZE bytes each, the newest first, and makes
	 * one when there is none and `make` says so: the first seals, all
	 * open. 0; -1 err is set. */
	int (*key)(void *data, bool make, struct secret *out,
		   struct error *err);
	void *data;
	struct secret loaded;
};

void seal_release(struct seal *seal);

bool seal_is(struct sv value);
/* Sealed with nothing in it: for looking only. */
struct sv seal_empty(void);
/* 0; -1 err is set. Memory from arena. */
int seal_close(struct seal *seal, struct sv plain, struct arena *arena,
	       struct sv *out, struct error *err);
/* *out is to be wiped by the caller (seal_wipe). -1: ERR_INVALID when it was
 * sealed with another key or is damaged. */
int seal_open(struct seal *seal, struct sv sealed, struct arena *arena,
	      struct sv *out, struct error *err);
void seal_wipe(struct sv plain);
/* As seal_open(), and *key_out: which of the keys opened it. */
int seal_open_by(struct seal *seal, struct sv sealed, struct arena *arena,
		 struct sv *out, size_t *key_out, struct error *err);

/* ---- for somebody else: a public key seals, its secret key opens ---- */

#define BOX_KEY_SIZE 32

/* base64 of a key: 1 filled, 0 it is none */
int box_key_parse(struct sv text, unsigned char out[BOX_KEY_SIZE]);
/* From a file: 0, or -1. */
int box_key_read(const char *path, unsigned char out[BOX_KEY_SIZE],
		 struct error *err);
void box_keypair(unsigned char public_out[BOX_KEY_SIZE],
		 unsigned char secret_out[BOX_KEY_SIZE]);
/* Adds base64 of the sealed text. */
void box_seal(const unsigned char public_key[BOX_KEY_SIZE], struct sv plain,
	      struct strbuf *out);
/* 1: *out filled, to be wiped; 0: it is not sealed for this key */
int box_open(const unsigned char secret_key[BOX_KEY_SIZE], struct sv text,
	     struct arena *arena, struct sv *out);

#endif
