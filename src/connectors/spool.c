/*
 * spool.c - a buffered temporary file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/spool.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)256 * 1024)

int spool_flush(struct spool *spool, struct error *err)
{
	struct sv bytes = strbuf_sv(&spool->buffer);

	if (!spool->file) {
		spool->file = tmpfile();
		if (!spool->file)
			return error_errno(err, errno,
					   "cannot make a temporary file");
	}
	if (!bytes.len)
		return 0;
	if (fwrite(bytes.ptr, 1, bytes.len, spool->file) != bytes.len ||
	    fflush(spool->file) != 0)
		return error_errno(err, errno, "cannot write a temporary file");
	spool->written += bytes.len;
	strbuf_reset(&spool->buffer);
	return 0;
}

int spool_add(struct spool *spool, struct sv bytes, struct error *err)
{
	spool->buffer.max = STRBUF_NO_LIMIT;
	strbuf_addsv(&spool->buffer, bytes);
	if (spool->buffer.len >= BUFFER_SIZE)
		return spool_flush(spool, err);
	return 0;
}

int spool_fd(const struct spool *spool)
{
	return spool->file ? fileno(spool->file) : -1;
}

int spool_read_fd(int fd, uint64_t begin, size_t len, char *out,
		  struct error *err)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n =
			pread(fd, out + got, len - got, (off_t)(begin + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, errno, "cannot read back");
		if (n == 0)
			return error_set(err, ERR_CONFLICT,
					 "a file was cut off while it was "
					 "read");
		got += (size_t)n;
	}
	return 0;
}

int spool_read(const struct spool *spool, uint64_t begin, uint64_t end,
	       struct arena *arena, struct sv *out, struct error *err)
{
	size_t len = (size_t)(end - begin);
	char *text = arena_alloc(arena, len + 1);

	*out = sv_make(text, len);
	return spool_read_fd(spool_fd(spool), begin, len, text, err);
}

void spool_release(struct spool *spool)
{
	if (spool->file)
		(void)fclose(spool->file);
	strbuf_release(&spool->buffer);
	spool->file = NULL;
	spool->written = 0;
}

/* Makes at least `len` bytes of the block unread, so many as a block holds. */
static int fill(const struct spool *spool, struct spool_reader *reader,
		size_t len, struct error *err)
{
	struct strbuf *block = &reader->block;
	size_t have = block->len - reader->at;
	uint64_t left = spool->written - reader->from;
	size_t more = len > BUFFER_SIZE ? len - have : BUFFER_SIZE - have;

	if (left < more)
		more = (size_t)left;
	if (have + more < len)
		return error_set(err, ERR_INTERNAL,
				 "a temporary file ended too early");
	block->max = STRBUF_NO_LIMIT;
	if (have)
		memmove(block->ptr, block->ptr + reader->at, have);
	reader->at = 0;
	block->len = have;
	if (spool_read_fd(spool_fd(spool), reader->from, more,
			  strbuf_room(block, more), err) < 0)
		return -1;
	strbuf_grew(block, more);
	reader->from += more;
	return 0;
}

int spool_next(const struct spool *spool, struct spool_reader *reader,
	       size_t len, struct sv *out, struct error *err)
{
	if (reader->block.len - reader->at < len &&
	    fill(spool, reader, len, err) < 0)
		return -1;
	*out = sv_make(reader->block.ptr + reader->at, len);
	reader->at += len;
	return 0;
}

void spool_reader_release(struct spool_reader *reader)
{
	strbuf_release(&reader->block);
	memset(reader, 0, sizeof(*reader));
}

int spool_replace(struct file_replace *file, const char *path,
		  struct error *err)
{
	struct stat st;
	bool there = stat(path, &st) == 0;

	if (file_make_parent(path, err) < 0 ||
	    file_replace_open(file, path, there ? 0600 : 0666, err) < 0)
		return -1;
	if (there && fchmod(fileno(file->stream), st.st_mode & 07777) < 0) {
		(void)error_errno(err, errno, "cannot write '%s'", path);
		file_replace_abort(file);
		return -1;
	}
	return 0;
}

int spool_copy(int fd, uint64_t begin, uint64_t end, FILE *to,
	       struct error *err)
{
	char *block = mem_alloc(BUFFER_SIZE);
	int ret = 0;

	while (begin < end && ret == 0) {
		size_t len = end - begin < BUFFER_SIZE ? (size_t)(end - begin)
						       : BUFFER_SIZE;

		ret = spool_read_fd(fd, begin, len, block, err);
		if (ret == 0 && fwrite(block, 1, len, to) != len)
			ret = error_errno(err, errno, "cannot write");
		begin += len;
	}
	mem_free(block);
	return ret;
}
