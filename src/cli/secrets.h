/*
 * secrets.h - passwords that the configuration names, kept encrypted
 *
 * FOLDER/state/secrets holds them, each sealed by libsodium's secretbox under
 * the newest key in FOLDER/state/key (keys.h). Names can be read, values never
 * without the key. A value is sealed together with its name, so entries cannot
 * be exchanged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_SECRETS_H
#define CLI_SECRETS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/secret.h"

struct secrets {
	char *folder; /* of the configuration */
	char *file;
	char *key_file;
};

void secrets_init(struct secrets *secrets, const char *folder);
void secrets_release(struct secrets *secrets);

/* Adds or replaces; makes the key when there is none. */
int secrets_set(const struct secrets *secrets, struct sv name, struct sv value,
		struct error *err);
/* 1: taken out; 0: there is none of this name; -1 */
int secrets_delete(const struct secrets *secrets, struct sv name,
		   struct error *err);
/* The names, in order; memory from arena. */
int secrets_list(const struct secrets *secrets, struct arena *arena,
		 struct sv **out, size_t *count_out, struct error *err);
/* 0: *out filled; -1: no such secret, or it cannot be opened. */
int secrets_get(const struct secrets *secrets, struct sv name,
		struct secret *out, struct error *err);

/* secret:NAME, env:NAME or file:PATH (relative to the folder; an end of line is
 * cut off). For connector_config.secret: `data` is a struct secrets. */
int secrets_resolve(void *data, struct sv reference, struct secret *out,
		    struct error *err);

/* The keys themselves, for struct seal: `data` is a struct secrets. */
int secrets_seal_key(void *data, bool make, struct secret *out,
		     struct error *err);

/* ---- keys come and go ---- */

struct keys;

/* Keeps others from changing secrets and keys until the descriptor is closed;
 * -1. The calls above do so themselves. */
int secrets_lock(const struct secrets *secrets, struct error *err);

struct secret_use {
	struct sv name;
	int key; /* place of the key that opens it, or -1 */
};
/* Which secret lies under which key, by name; memory from arena. */
int secrets_uses(const struct secrets *secrets, const struct keys *keys,
		 struct arena *arena, struct secret_use **out,
		 size_t *count_out, struct error *err);
/* Those under an older key come under the newest: how many. The caller has
 * locked. */
int secrets_reencrypt(const struct secrets *secrets, const struct keys *keys,
		      size_t *count_out, struct error *err);

#endif
