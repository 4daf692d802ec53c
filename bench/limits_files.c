/*
 * limits_files.c - files of records parsed, and nothing else
 *
 * LDIF: every line unfolded, split, its base64 decoded. Columns of fixed
 * widths: every one of them cut out and its padding taken away.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "bench/limits.h"
#include "connectors/ldif/ldif_record.h"
#include "connectors/text_input.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define TOGETHER 1024 /* records whose memory is taken at once */

int limit_ldif(char **words, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct ldif_reader reader;
	struct ldif_record record;
	uint64_t count = 0;
	double started = limit_now();
	int fd = open(words[0], O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return error_errno(err, errno, "cannot read '%s'", words[0]);
	ldif_reader_init(&reader, NULL, fd, words[0], 0, UINT64_MAX);
	while ((ret = ldif_reader_next(&reader, &arena, &record, err)) > 0)
		if (++count % TOGETHER == 0)
			arena_reset(&arena);
	ldif_reader_release(&reader);
	arena_release(&arena);
	(void)close(fd);
	return limit_report(ret, started, count);
}

/* Where the column that begins at `from` ends. */
static size_t end_of(struct sv line, bool plain, size_t from, size_t width)
{
	if (!plain)
		return from + text_offset(sv_sub(line, from, line.len), width);
	return from + width < line.len ? from + width : line.len;
}

static bool is_plain(struct sv line)
{
	unsigned char high = 0;
	size_t i;

	for (i = 0; i < line.len; i++)
		high |= (unsigned char)line.ptr[i];
	return high < 0x80;
}

static void cut(struct sv line, size_t width, size_t columns, struct sv *out)
{
	bool plain = is_plain(line);
	size_t from = 0;
	size_t i;

	for (i = 0; i < columns; i++) {
		size_t to = end_of(line, plain, from, width);

		out[i] = sv_sub(line, from, to);
		while (out[i].len && out[i].ptr[out[i].len - 1] == ' ')
			out[i].len--;
		from = to;
	}
}

int limit_fixed(char **words, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct text_input in;
	uint64_t width;
	uint64_t columns;
	uint64_t count = 0;
	double started = limit_now();
	size_t end;
	int ret;

	if (limit_number(words[1], &width, err) < 0 ||
	    limit_number(words[2], &columns, err) < 0 ||
	    text_input_open(&in, words[0], NULL, err) < 0)
		return -1;
	while ((ret = text_input_find(&in, '\n', 0, &end, err)) > 0) {
		struct sv line = sv_make(in.buffer + in.at, end);

		cut(line, (size_t)width, (size_t)columns,
		    arena_alloc(&arena, (size_t)columns * sizeof(line)));
		in.at += end + 1;
		if (++count % TOGETHER == 0)
			arena_reset(&arena);
	}
	text_input_close(&in);
	arena_release(&arena);
	return limit_report(ret, started, count);
}
