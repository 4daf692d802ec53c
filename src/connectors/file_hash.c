/*
 * file_hash.c - hash a file block by block
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/file_hash.h"

#include "base/arena.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HASH_BLOCK ((size_t)256 * 1024)

/* Hashes block by block, each together with the hash so far. The key is fixed:
 * the hash only tells one file from another. */
static int hash_fd(int fd, char *out, size_t size)
{
	char *block = mem_alloc(HASH_BLOCK + sizeof(struct hash128));
	struct hash128 hash = { 0, 0 };
	struct hash_key key;
	ssize_t n;
	size_t i;

	for (i = 0; i < sizeof(key.bytes); i++)
		key.bytes[i] = (unsigned char)(i * 167 + 13);
	while ((n = read(fd, block, HASH_BLOCK)) > 0) {
		memcpy(block + n, &hash, sizeof(hash));
		hash = hash128(&key, sv_make(block, (size_t)n + sizeof(hash)));
	}
	mem_free(block);
	(void)snprintf(out, size, "%016" PRIx64 "%016" PRIx64, hash.high,
		       hash.low);
	return n < 0 ? -1 : 0;
}

int file_hash(const char *path, char *out, size_t size, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret = fd < 0 ? -1 : hash_fd(fd, out, size);

	if (ret < 0)
		(void)error_errno(err, errno, "cannot read '%s'", path);
	if (fd >= 0)
		(void)close(fd);
	return ret;
}
