/*
 * text_output.c - collect, encode, write
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/text_output.h"

#include "base/arena.h"

#include <errno.h>
#include <string.h>

#define BUFFER_SIZE ((size_t)256 * 1024)

int text_output_open(struct text_output *o, const char *encoding, bool bom,
		     FILE *to, struct error *err)
{
	memset(o, 0, sizeof(*o));
	o->encoding = encoding;
	o->to = to;
	o->out.max = STRBUF_NO_LIMIT;
	if (encoding) {
		o->convert = iconv_open(encoding, "UTF-8");
		if (o->convert == (iconv_t)-1)
			return error_set(err, ERR_INVALID,
					 "the encoding '%s' cannot be written",
					 encoding);
		o->converting = true;
	}
	if (bom)
		strbuf_adds(&o->out, "\xEF\xBB\xBF");
	return 0;
}

void text_output_close(struct text_output *o)
{
	if (o->converting)
		(void)iconv_close(o->convert);
	strbuf_release(&o->out);
	memset(o, 0, sizeof(*o));
}

static int put(struct text_output *o, const char *bytes, size_t len,
	       struct error *err)
{
	if (fwrite(bytes, 1, len, o->to) != len)
		return error_errno(err, errno, "cannot write");
	return 0;
}

static int put_converted(struct text_output *o, struct error *err)
{
	char block[8192];
	char *in = o->out.ptr;
	size_t left = o->out.len;

	while (left) {
		char *out = block;
		size_t room = sizeof(block);
		size_t ret = iconv(o->convert, &in, &left, &out, &room);
		int problem = errno;

		if (put(o, block, (size_t)(out - block), err) < 0)
			return -1;
		if (ret == (size_t)-1 && problem != E2BIG)
			return error_set(err, ERR_INVALID,
					 "text that cannot be written in the "
					 "encoding '%s'",
					 o->encoding);
	}
	return 0;
}

int text_output_flush(struct text_output *o, struct error *err)
{
	int ret = 0;

	if (o->converting)
		ret = put_converted(o, err);
	else if (o->out.len)
		ret = put(o, o->out.ptr, o->out.len, err);
	strbuf_reset(&o->out);
	return ret;
}

int text_output_add(struct text_output *o, struct sv text, struct error *err)
{
	strbuf_addsv(&o->out, text);
	return o->out.len >= BUFFER_SIZE ? text_output_flush(o, err) : 0;
}

bool text_encodable(iconv_t convert, struct sv text)
{
	char *copy = mem_alloc(text.len);
	char *in = copy;
	size_t left = text.len;
	bool ok = true;

	if (text.len)
		memcpy(copy, text.ptr, text.len);
	while (left && ok) {
		char block[1024];
		char *out = block;
		size_t room = sizeof(block);

		ok = iconv(convert, &in, &left, &out, &room) != (size_t)-1 ||
		     errno == E2BIG;
	}
	mem_free(copy);
	return ok;
}
