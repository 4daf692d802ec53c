/*
 * secret.h - a password or key: wiped when released, without a formatter
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/sv.h"

struct secret {
	char *bytes;
	size_t len;
};

#define SECRET_INIT                                                            \
	{                                                                      \
		NULL, 0                                                        \
	}

/* Copies; what was there before is wiped. A NUL follows, not counted. */
void secret_set(struct secret *secret, struct sv bytes);
/* For the call that needs it; never log it. */
static inline struct sv secret_view(const struct secret *secret)
{
	return sv_make(secret->bytes, secret->len);
}
void secret_release(struct secret *secret);

#endif
