/*
 * output.h - what a person reads: safe text, tables, colours, one JSON document
 *
 * Data may hold anything, also what a terminal would obey; it is printed
 * through output_escape() only. Colours stand on a terminal only, and never
 * with NO_COLOR.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct output {
	bool json;
	bool quiet;
	bool terminal; /* standard output is one */
	bool color;    /* on standard output */
	bool color_err;
	size_t width; /* columns of the terminal; 0: not one */
};

void output_init(struct output *output, bool json, bool quiet);

/* Control characters, bidirectional overrides and bytes that are not UTF-8
 * become \n, \t or \xNN, \u{NNNN}. */
void output_escape(struct sv text, struct strbuf *out);
/* The same, as a C string in the arena. */
const char *output_safe(struct sv text, struct arena *arena);

enum output_style {
	STYLE_NONE,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD,
};
/* What begins a style on the stream, and STYLE_NONE ends it; "" without
 * colours. */
const char *output_style(const struct output *output, const FILE *stream,
			 enum output_style style);
/* The style of a result: "success" is good, "completed-..." a warning ... */
enum output_style output_result_style(const char *result);

/* ---- tables ---- */

struct table_column {
	const char *title;
	bool right; /* numbers */
};

struct table {
	struct arena arena;
	const struct table_column *columns;
	size_t column_count;
	VEC(const char *) cells; /* row by row */
};

void table_init(struct table *table, const struct table_column *columns,
		size_t column_count);
/* The next cell, escaped. */
void table_add(struct table *table, struct sv text);
void table_addf(struct table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* With a line of titles; lines are cut at the width of the terminal. */
void table_print(struct table *table, const struct output *output);
void table_release(struct table *table);

/* ---- JSON ---- */

/* Text that is not UTF-8 is escaped. */
json_t *json_of_sv(struct sv text);
json_t *json_of_text(const char *text); /* NULL: null */
/* Prints the document and gives it up. */
void output_json(const struct output *output, json_t *document);

/* {"NAME":[...],...}, item by item, so that lists may be long. */
struct json_stream {
	const struct output *output;
	int64_t count; /* items of all lists */
	bool first;    /* of the list at hand */
	bool open;     /* a list is */
};
void json_stream_begin(struct json_stream *stream, const struct output *output);
/* Begins a list, after the one before. */
void json_stream_list(struct json_stream *stream, const char *name);
void json_stream_add(struct json_stream *stream, json_t *item); /* gives up */
/* Ends lists and document. "count" when asked for; `error` is a member more or
 * NULL, and given up. */
void json_stream_end(struct json_stream *stream, bool with_count,
		     json_t *error);

/* "2026-11-21T09:30:00Z"; "" of 0 */
const char *output_time(int64_t time, struct arena *arena);
/* "12 ms", "3.4 s", "5 min", "2 h", "3 days" */
const char *output_duration(int64_t milliseconds, struct arena *arena);
/* "512 bytes", "1.5 kB", "234 MB" */
const char *output_bytes(int64_t bytes, struct arena *arena);
/* "1,234,567" */
const char *output_number(int64_t number, struct arena *arena);

#endif
