/*
 * secret.c - keep, wipe
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/secret.h"

#include "base/arena.h"

#include <string.h>

void secret_release(struct secret *secret)
{
	if (secret->bytes)
		explicit_bzero(secret->bytes, secret->len);
	mem_free(secret->bytes);
	secret->bytes = NULL;
	secret->len = 0;
}

void secret_set(struct secret *secret, struct sv bytes)
{
	char *copy = mem_alloc(bytes.len + 1);

	if (bytes.len)
		memcpy(copy, bytes.ptr, bytes.len);
	copy[bytes.len] = '\0';
	secret_release(secret);
	secret->bytes = copy;
	secret->len = bytes.len;
}
