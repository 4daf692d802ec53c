/*
 * text_output.h - text into a stream, in any encoding
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_TEXT_OUTPUT_H
#define CONNECTORS_TEXT_OUTPUT_H

#include "base/error.h"
#include "base/strbuf.h"

#include <iconv.h>
#include <stdio.h>

struct text_output {
	FILE *to;             /* borrowed */
	const char *encoding; /* NULL: UTF-8 */
	iconv_t convert;
	bool converting;
	struct strbuf out;
};

/* With `bom` a byte order mark is written first. */
int text_output_open(struct text_output *output, const char *encoding, bool bom,
		     FILE *to, struct error *err);
int text_output_add(struct text_output *output, struct sv text,
		    struct error *err);
/* Hands all to the stream. */
int text_output_flush(struct text_output *output, struct error *err);
/* Accepts the all-zero struct. */
void text_output_close(struct text_output *output);

/* Can all of the text be written in this encoding? */
bool text_encodable(iconv_t convert, struct sv text);

#endif
