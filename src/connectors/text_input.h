/*
 * text_input.h - a text file in blocks, from any encoding into UTF-8
 *
 * Bytes that are not of the file's encoding become 0xFF, which is never UTF-8,
 * so that they spoil what they stand in only. Files that are UTF-8 already are
 * given as they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_TEXT_INPUT_H
#define CONNECTORS_TEXT_INPUT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"

#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>

/* No line or record is longer. */
#define TEXT_INPUT_MOST ((size_t)16 * 1024 * 1024)

struct text_input {
	const char *path;     /* borrowed, for messages */
	const char *encoding; /* NULL: UTF-8 */
	int fd;               /* -1: the text is in memory */
	char *buffer;
	size_t size;
	size_t at; /* of the unread part */
	size_t len;
	bool end;       /* the file has no more than the buffer */
	uint64_t taken; /* bytes read from the file */
	uint64_t file_size;
	uint64_t limit; /* what stands behind it is not read; 0: all is */
	bool bom;       /* the file began with a byte order mark */

	iconv_t convert; /* when the encoding is not UTF-8 */
	bool converting;
	size_t unit; /* bytes passed over when one cannot be converted */
	struct strbuf pending; /* bytes not converted yet */
};

/* Opens `path` and looks for a byte order mark, which outweighs `encoding`
 * (as text_encoding() gives it). */
int text_input_open(struct text_input *in, const char *path,
		    const char *encoding, struct error *err);
/* The same of an open file, which it closes; -1: errno tells why there is none.
 */
int text_input_open_fd(struct text_input *in, int fd, const char *path,
		       const char *encoding, struct error *err);
/* Reads UTF-8 from memory. */
void text_input_open_text(struct text_input *in, struct sv text);
/* More bytes behind the unread part, which moves to the buffer's front. */
int text_input_fill(struct text_input *in, struct error *err);
/* The offset from `at` of the next `c` at or behind offset `from`: 1 found;
 * 0: not before the end of data or TEXT_INPUT_MOST, *out is that end. */
int text_input_find(struct text_input *in, char c, size_t from, size_t *out,
		    struct error *err);
/* Accepts the all-zero struct. */
void text_input_close(struct text_input *in);

/* iconv's name of an encoding, NULL for UTF-8; 1 known, 0 not. */
int text_encoding(struct sv name, struct arena *arena, const char **out);

#endif
