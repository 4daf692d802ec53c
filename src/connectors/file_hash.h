/*
 * file_hash.h - what tells one file from another
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_FILE_HASH_H
#define CONNECTORS_FILE_HASH_H

#include "base/error.h"

#include <stddef.h>

#define FILE_HASH_SIZE 33 /* 32 hex digits and NUL */

/* Of all bytes of the file, as text. */
int file_hash(const char *path, char *out, size_t size, struct error *err);

#endif
