/*
 * keys.h - the keys that secrets and sealed passwords lie under
 *
 * FOLDER/state/key (or the file that CONJOIN_KEY_FILE names) holds one key or
 * several: the newest seals, all of them open. The file is text, a line with
 * the format's version, then a line for each key, newest first: when it was
 * made, a blank, base64 of the key. A file of 32 bytes is one key, as it was
 * kept before there were several. A file that others may read is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include "base/error.h"
#include "base/seal.h"
#include "base/vec.h"

#define KEY_ID_SIZE 9

struct key {
	unsigned char bytes[SEAL_KEY_SIZE];
	int64_t made;         /* 0: not known */
	char id[KEY_ID_SIZE]; /* made of the key: the same on every machine */
};

struct keys {
	VEC(struct key) all; /* newest first */
};

#define KEYS_INIT                                                              \
	{                                                                      \
		VEC_INIT                                                       \
	}

/* 1: *out filled; 0: there is no such file; -1 */
int keys_load(const char *path, struct keys *out, struct error *err);
int keys_save(const char *path, const struct keys *keys, struct error *err);
/* The same to a file that is not there: of two at once one fails. */
int keys_save_new(const char *path, const struct keys *keys, struct error *err);
void keys_release(struct keys *keys); /* wipes them */

/* A new one, the newest. */
void keys_add(struct keys *keys);
/* Its place, or -1. */
int keys_find(const struct keys *keys, const char *id);
void keys_remove(struct keys *keys, size_t at);
/* Takes in those of `more` that are not there, by their age; how many. */
size_t keys_merge(struct keys *keys, const struct keys *more);
/* All of them, one behind another: for struct seal. */
void keys_concat(const struct keys *keys, struct secret *out);

/* ---- to take them to another machine ---- */

/* Adds text that only the passphrase opens. */
int keys_export_passphrase(const struct keys *keys, struct sv passphrase,
			   struct strbuf *out, struct error *err);
/* Adds text that only the owner of this public key opens. */
void keys_export_box(const struct keys *keys,
		     const unsigned char public_key[BOX_KEY_SIZE],
		     struct strbuf *out);

enum keys_sealed { KEYS_PASSPHRASE, KEYS_BOX };
/* How an exported text is sealed; -1: it is none. `name` is told. */
int keys_exported(struct sv text, const char *name, enum keys_sealed *out,
		  struct error *err);
int keys_import_passphrase(struct sv text, struct sv passphrase,
			   struct keys *out, struct error *err);
int keys_import_box(struct sv text, const unsigned char key[BOX_KEY_SIZE],
		    struct keys *out, struct error *err);

#endif
