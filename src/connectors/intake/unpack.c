/*
 * unpack.c - gzip and zip into a temporary file, in constant memory
 *
 * By what a file begins with, whatever its name. What a small file may unpack
 * to is limited, or a few kilobytes fill the disk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/intake/intake_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>
#include <zlib.h>

#define BLOCK     ((size_t)256 * 1024)
#define RATIO_MIN ((uint64_t)16 << 20) /* below, the ratio does not count */

static const char *temporary_folder(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && folder[0] ? folder : "/var/tmp";
}

int unpack_temporary(struct error *err)
{
	const char *folder = temporary_folder();
	struct arena scratch = ARENA_INIT;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *path;

	if (fd < 0) {
		path = arena_printf(&scratch, "%s/conjoin-XXXXXX", folder);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			(void)unlink(path);
	}
	arena_release(&scratch);
	if (fd < 0)
		(void)error_errno(err, errno,
				  "cannot make a temporary file in '%s', which "
				  "TMPDIR names",
				  folder);
	return fd;
}

/* A file that is being unpacked. */
struct unpacking {
	const struct intake_source *source;
	struct sv name;
	int in;
	int out;
	uint64_t packed; /* size of what is unpacked */
	uint64_t size;   /* so far */
	bool enough;     /* only the beginning is wanted */
	unsigned char *block;
};

static int too_big(const struct unpacking *u, struct error *err)
{
	const struct intake_source *s = u->source;

	if (u->size > s->max_size)
		return error_set(err, ERR_LIMIT,
				 "'" SV_FMT "' unpacks to more than %" PRIu64
				 " MiB; if that is right, raise `unpack: "
				 "max_size`",
				 SV_ARG(u->name), s->max_size >> 20);
	if (u->size > RATIO_MIN && u->packed &&
	    u->size / u->packed >= s->max_ratio)
		return error_set(err, ERR_LIMIT,
				 "'" SV_FMT "' unpacks to more than %" PRIu64
				 " times its size; if that is right, raise "
				 "`unpack: max_ratio`",
				 SV_ARG(u->name), s->max_ratio);
	return 0;
}

static int put(struct unpacking *u, size_t len, struct error *err)
{
	size_t done = 0;

	u->size += len;
	if (too_big(u, err) < 0)
		return -1;
	while (done < len) {
		ssize_t n = write(u->out, u->block + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, errno,
					   "cannot unpack '" SV_FMT
					   "' into '%s', which TMPDIR names",
					   SV_ARG(u->name), temporary_folder());
		done += (size_t)n;
	}
	u->enough = u->source->most && u->size >= u->source->most;
	return 0;
}

static int broken(const struct unpacking *u, const char *why, struct error *err)
{
	return error_set(err, ERR_INVALID,
			 "'" SV_FMT "' cannot be unpacked: %s; have it sent "
			 "again",
			 SV_ARG(u->name), why);
}

/* All that the input buffer gives. 1: a member ended; 0: more is wanted */
static int inflate_some(struct unpacking *u, z_stream *z, struct error *err)
{
	int ret;

	do {
		z->next_out = u->block;
		z->avail_out = BLOCK;
		ret = inflate(z, Z_NO_FLUSH);
		if (ret != Z_OK && ret != Z_STREAM_END && ret != Z_BUF_ERROR)
			return broken(u, z->msg ? z->msg : "it is damaged",
				      err);
		if (put(u, BLOCK - z->avail_out, err) < 0)
			return -1;
	} while (ret == Z_OK && (z->avail_in || !z->avail_out) && !u->enough);
	return ret == Z_STREAM_END;
}

/* A gzip file may be several, one behind the other. */
static int inflate_all(struct unpacking *u, z_stream *z, struct error *err)
{
	unsigned char *in = mem_alloc(BLOCK);
	bool ended = false;
	ssize_t n = 0;
	int ret = 0;

	while (ret >= 0 && !u->enough && (n = read(u->in, in, BLOCK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		z->next_in = in;
		z->avail_in = (uInt)n;
		while (ret >= 0 && z->avail_in && !u->enough) {
			if (ended && inflateReset(z) != Z_OK)
				ret = broken(u, "it is damaged", err);
			if (ret >= 0)
				ret = inflate_some(u, z, err);
			ended = ret > 0;
		}
	}
	mem_free(in);
	if (ret < 0)
		return -1;
	if (n < 0)
		return error_errno(err, errno, "cannot read '" SV_FMT "'",
				   SV_ARG(u->name));
	return ended || u->enough ? 0 : broken(u, "it is cut off", err);
}

static int unpack_gzip(struct unpacking *u, struct error *err)
{
	z_stream z;
	int ret;

	memset(&z, 0, sizeof(z));
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return error_set(err, ERR_INTERNAL, "cannot begin to unpack");
	ret = inflate_all(u, &z, err);
	(void)inflateEnd(&z);
	return ret;
}

/* The one member that is a file. */
static int find_member(const struct unpacking *u, zip_t *zip, zip_stat_t *out,
		       struct error *err)
{
	zip_int64_t count = zip_get_num_entries(zip, 0);
	zip_int64_t i;
	int files = 0;

	for (i = 0; i < count; i++) {
		zip_stat_t st;
		size_t len;

		if (zip_stat_index(zip, (zip_uint64_t)i, 0, &st) < 0)
			return broken(u, zip_strerror(zip), err);
		len = strlen(st.name);
		if (len && st.name[len - 1] == '/')
			continue;
		*out = st;
		files++;
	}
	if (files == 1)
		return 0;
	return error_set(err, ERR_INVALID,
			 "'" SV_FMT "' is a zip with %d files: one is expected",
			 SV_ARG(u->name), files);
}

static int copy_member(struct unpacking *u, zip_t *zip, const zip_stat_t *st,
		       struct error *err)
{
	zip_file_t *file = zip_fopen_index(zip, st->index, 0);
	zip_int64_t n;
	int ret = 0;

	if (!file)
		return broken(u, zip_strerror(zip), err);
	if (st->valid & ZIP_STAT_COMP_SIZE)
		u->packed = st->comp_size;
	while (ret == 0 && !u->enough &&
	       (n = zip_fread(file, u->block, BLOCK)) != 0)
		ret = n < 0 ? broken(u, zip_file_strerror(file), err)
			    : put(u, (size_t)n, err);
	(void)zip_fclose(file);
	return ret;
}

static int unpack_zip(struct unpacking *u, struct error *err)
{
	zip_error_t why;
	zip_stat_t st;
	zip_t *zip;
	int code = 0;
	int fd = dup(u->in);
	int ret;

	if (fd < 0)
		return error_errno(err, errno, "cannot read '" SV_FMT "'",
				   SV_ARG(u->name));
	zip = zip_fdopen(fd, ZIP_CHECKCONS, &code);
	if (!zip) {
		(void)close(fd);
		zip_error_init_with_code(&why, code);
		ret = broken(u, zip_error_strerror(&why), err);
		zip_error_fini(&why);
		return ret;
	}
	zip_stat_init(&st);
	ret = find_member(u, zip, &st, err);
	if (ret == 0)
		ret = copy_member(u, zip, &st, err);
	zip_discard(zip);
	return ret;
}

enum packed_kind { NOT_PACKED, GZIP, ZIP };

static enum packed_kind kind_of(int fd)
{
	unsigned char head[4];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n == 4 && head[0] == 0x1f && head[1] == 0x8b && head[2] == 8)
		return GZIP;
	if (n == 4 && !memcmp(head, "PK\3\4", 4))
		return ZIP;
	return NOT_PACKED;
}

int unpack_file(const struct intake_source *source, int fd, struct sv name,
		int *fd_out, struct error *err)
{
	struct unpacking u = { .source = source, .name = name };
	enum packed_kind kind = kind_of(fd);
	char path[64];
	struct stat st;
	int ret;

	*fd_out = -1;
	if (kind == NOT_PACKED ||
	    (kind == ZIP && source->flags & INTAKE_PACKED))
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	u.in = open(path, O_RDONLY | O_CLOEXEC); /* with an offset of its own */
	if (u.in < 0 || fstat(u.in, &st) < 0) {
		(void)error_errno(err, errno, "cannot read '" SV_FMT "'",
				  SV_ARG(name));
		if (u.in >= 0)
			(void)close(u.in);
		return -1;
	}
	u.packed = (uint64_t)st.st_size;
	u.out = unpack_temporary(err);
	u.block = mem_alloc(BLOCK);
	ret = u.out < 0      ? -1
	      : kind == GZIP ? unpack_gzip(&u, err)
			     : unpack_zip(&u, err);
	mem_free(u.block);
	(void)close(u.in);
	if (ret < 0) {
		if (u.out >= 0)
			(void)close(u.out);
		return -1;
	}
	*fd_out = u.out;
	return 1;
}

int intake_check_plain(const char *path, struct sv name, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool packed = fd >= 0 && kind_of(fd) != NOT_PACKED;

	if (fd >= 0)
		(void)close(fd);
	if (!packed)
		return 0;
	return error_set(err, ERR_UNSUPPORTED,
			 "'" SV_FMT "' is compressed: it can be read, but an "
			 "export cannot change it; unpack it, or export to "
			 "another file",
			 SV_ARG(name));
}
