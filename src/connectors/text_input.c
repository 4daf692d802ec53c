/*
 * text_input.c - read blocks, convert them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/text_input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)1024 * 1024)

int text_encoding(struct sv name, struct arena *arena, const char **out)
{
	char *text = arena_cstr(arena, name);
	iconv_t test;

	*out = NULL;
	if (!name.len || sv_ieq_str(name, "utf-8") || sv_ieq_str(name, "utf8"))
		return 1;
	if (sv_ieq_str(name, "utf-16") || sv_ieq_str(name, "utf16"))
		text = arena_cstr(arena, SV_LIT("UTF-16LE"));
	test = iconv_open("UTF-8", text);
	if (test == (iconv_t)-1)
		return 0;
	(void)iconv_close(test);
	*out = text;
	return 1;
}

static void init(struct text_input *in)
{
	memset(in, 0, sizeof(*in));
	in->fd = -1;
	in->pending.max = STRBUF_NO_LIMIT;
}

void text_input_open_text(struct text_input *in, struct sv text)
{
	init(in);
	in->end = true;
	in->size = text.len;
	in->len = text.len;
	in->file_size = text.len;
	in->buffer = mem_alloc(text.len);
	if (text.len)
		memcpy(in->buffer, text.ptr, text.len);
}

void text_input_close(struct text_input *in)
{
	if (!in->buffer)
		return;
	if (in->fd >= 0)
		(void)close(in->fd);
	if (in->converting)
		(void)iconv_close(in->convert);
	mem_free(in->buffer);
	strbuf_release(&in->pending);
	memset(in, 0, sizeof(*in));
}

/* A byte order mark at the beginning says the encoding; it is passed over. */
static int sniff(struct text_input *in, struct error *err)
{
	static const struct {
		struct sv mark;
		const char *encoding;
	} marks[] = {
		{ { "\xEF\xBB\xBF", 3 }, NULL },
		{ { "\xFF\xFE", 2 }, "UTF-16LE" },
		{ { "\xFE\xFF", 2 }, "UTF-16BE" },
	};
	char head[4];
	ssize_t n = pread(in->fd, head, sizeof(head), 0);
	size_t i;

	if (n < 0)
		return error_errno(err, errno, "cannot read '%s'", in->path);
	for (i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		if (!sv_starts(sv_make(head, (size_t)n), marks[i].mark))
			continue;
		in->bom = true;
		in->encoding = marks[i].encoding;
		in->taken = marks[i].mark.len;
	}
	return 0;
}

static int start_converting(struct text_input *in, struct error *err)
{
	const char *encoding = in->encoding;

	in->convert = iconv_open("UTF-8", encoding);
	if (in->convert == (iconv_t)-1)
		return error_set(err, ERR_INVALID,
				 "'%s': the encoding '%s' is not known",
				 in->path, encoding);
	in->converting = true;
	in->unit = sv_starts(sv_from(encoding), SV_LIT("UTF-16")) ? 2 : 1;
	return 0;
}

int text_input_open(struct text_input *in, const char *path,
		    const char *encoding, struct error *err)
{
	return text_input_open_fd(in, open(path, O_RDONLY | O_CLOEXEC), path,
				  encoding, err);
}

int text_input_open_fd(struct text_input *in, int fd, const char *path,
		       const char *encoding, struct error *err)
{
	struct stat st;

	init(in);
	in->path = path;
	in->encoding = encoding;
	in->size = BUFFER_SIZE;
	in->buffer = mem_alloc(in->size);
	in->fd = fd;
	if (in->fd < 0 || fstat(in->fd, &st) < 0) {
		(void)error_errno(err, errno, "cannot read '%s'", path);
		text_input_close(in);
		return -1;
	}
	if (S_ISDIR(st.st_mode)) {
		(void)error_set(err, ERR_INVALID, "'%s' is a folder", path);
		text_input_close(in);
		return -1;
	}
	in->file_size = (uint64_t)st.st_size;
	if (sniff(in, err) < 0 ||
	    (in->encoding && start_converting(in, err) < 0)) {
		text_input_close(in);
		return -1;
	}
	return 0;
}

static ssize_t read_some(struct text_input *in, char *to, size_t room)
{
	ssize_t n;

	if (in->limit && in->taken >= in->limit)
		return 0;
	if (in->limit && room > in->limit - in->taken)
		room = (size_t)(in->limit - in->taken);
	do {
		n = pread(in->fd, to, room, (off_t)in->taken);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		in->taken += (size_t)n;
	return n;
}

static void ensure_room(struct text_input *in, size_t room)
{
	while (in->size - in->len < room)
		in->size *= 2;
	in->buffer = mem_realloc(in->buffer, in->size);
}

/* Converts what is pending; at the end of the file also what is incomplete. */
static void convert_pending(struct text_input *in, bool end)
{
	char *from = in->pending.ptr;
	size_t left = in->pending.len;

	ensure_room(in, left * 4 + 16);
	while (left) {
		char *out = in->buffer + in->len;
		size_t room = in->size - in->len;
		size_t ret = iconv(in->convert, &from, &left, &out, &room);
		size_t skip = in->unit < left ? in->unit : left;

		in->len = (size_t)(out - in->buffer);
		if (ret != (size_t)-1 || (errno == EINVAL && !end))
			break;
		ensure_room(in, left * 4 + 16);
		if (errno == E2BIG)
			continue;
		in->buffer[in->len++] = (char)0xFF;
		from += skip;
		left -= skip;
	}
	if (left)
		memmove(in->pending.ptr, from, left);
	in->pending.len = left;
}

#define CHUNK ((size_t)256 * 1024)

static int fill_converted(struct text_input *in)
{
	char *room = strbuf_room(&in->pending, CHUNK);
	ssize_t n = read_some(in, room, CHUNK);

	if (n < 0)
		return -1;
	strbuf_grew(&in->pending, (size_t)n);
	convert_pending(in, n == 0);
	in->end = n == 0;
	return 0;
}

int text_input_fill(struct text_input *in, struct error *err)
{
	ssize_t n = 0;

	if (in->at) {
		memmove(in->buffer, in->buffer + in->at, in->len - in->at);
		in->len -= in->at;
		in->at = 0;
	}
	if (in->converting) {
		n = fill_converted(in);
	} else {
		if (in->len == in->size)
			ensure_room(in, in->size);
		n = read_some(in, in->buffer + in->len, in->size - in->len);
		if (n > 0)
			in->len += (size_t)n;
		in->end = n == 0;
	}
	if (n < 0)
		return error_errno(err, errno, "cannot read '%s'", in->path);
	return 0;
}

int text_input_find(struct text_input *in, char c, size_t from, size_t *out,
		    struct error *err)
{
	for (;;) {
		size_t have = in->len - in->at;
		const char *hit = have > from
					  ? memchr(in->buffer + in->at + from,
						   c, have - from)
					  : NULL;

		if (hit) {
			*out = (size_t)(hit - in->buffer) - in->at;
			return 1;
		}
		*out = have;
		if (in->end || have > TEXT_INPUT_MOST)
			return 0;
		from = have > from ? have : from;
		if (text_input_fill(in, err) < 0)
			return -1;
	}
}
