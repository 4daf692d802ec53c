/*
 * output.c - escape, align, colour, print JSON
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/output.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static size_t terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
		return size.ws_col;
	return 80;
}

void output_init(struct output *output, bool json, bool quiet)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	bool plain = (no_color && *no_color) || (term && !strcmp(term, "dumb"));

	memset(output, 0, sizeof(*output));
	output->json = json;
	output->quiet = quiet;
	output->terminal = isatty(STDOUT_FILENO) == 1;
	output->color = output->terminal && !plain && !json;
	output->color_err = isatty(STDERR_FILENO) == 1 && !plain;
	output->width = output->terminal ? terminal_width() : 0;
}

/* Characters that a terminal obeys or that turn text around. */
static bool is_unsafe(int32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c ||
	       c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void escape_char(int32_t c, struct strbuf *out)
{
	switch (c) {
	case '\n':
		strbuf_adds(out, "\\n");
		return;
	case '\r':
		strbuf_adds(out, "\\r");
		return;
	case '\t':
		strbuf_adds(out, "\\t");
		return;
	default:
		strbuf_addf(out, c < 0x80 ? "\\x%02x" : "\\u{%x}", (unsigned)c);
		return;
	}
}

void output_escape(struct sv text, struct strbuf *out)
{
	while (text.len) {
		size_t valid = text_valid_prefix(text);
		size_t at = 0;

		while (at < valid) {
			size_t from = at;
			int32_t c = text_next(text, &at);

			if (is_unsafe(c))
				escape_char(c, out);
			else
				strbuf_add(out, text.ptr + from, at - from);
		}
		text = sv_sub(text, valid, text.len);
		if (!text.len)
			return;
		strbuf_addf(out, "\\x%02x", (unsigned char)text.ptr[0]);
		text = sv_sub(text, 1, text.len);
	}
}

const char *output_safe(struct sv text, struct arena *arena)
{
	struct strbuf safe = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *copy;

	output_escape(text, &safe);
	copy = arena_cstr(arena, strbuf_sv(&safe));
	strbuf_release(&safe);
	return copy;
}

const char *output_style(const struct output *output, const FILE *stream,
			 enum output_style style)
{
	if (stream == stdout ? !output->color : !output->color_err)
		return "";
	switch (style) {
	case STYLE_NONE:
		return "\033[0m";
	case STYLE_BOLD:
		return "\033[1m";
	case STYLE_DIM:
		return "\033[2m";
	case STYLE_GOOD:
		return "\033[32m";
	case STYLE_WARN:
		return "\033[33m";
	case STYLE_BAD:
		return "\033[31m";
	}
	return "";
}

enum output_style output_result_style(const char *result)
{
	struct sv text = sv_from(result);

	if (sv_eq_str(text, "success"))
		return STYLE_GOOD;
	if (sv_starts(text, SV_LIT("completed-")) ||
	    sv_eq_str(text, "in-progress"))
		return STYLE_WARN;
	return STYLE_BAD;
}

/* --- tables ------------------------------------------------------------ */

void table_init(struct table *table, const struct table_column *columns,
		size_t column_count)
{
	memset(table, 0, sizeof(*table));
	table->columns = columns;
	table->column_count = column_count;
}

void table_add(struct table *table, struct sv text)
{
	vec_push(&table->cells, output_safe(text, &table->arena));
}

void table_addf(struct table *table, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	table_add(table, sv_from(text));
}

void table_release(struct table *table)
{
	vec_release(&table->cells);
	arena_release(&table->arena);
}

static void add_spaces(struct strbuf *line, size_t count)
{
	while (count--)
		strbuf_addc(line, ' ');
}

/* What fits into `room` columns, with an ellipsis where it was cut. */
static void add_cut(struct strbuf *line, struct sv text, size_t room)
{
	size_t chars = text_len(text);

	if (text_width(text) > room) {
		while (chars &&
		       text_width(sv_sub(text, 0, text_offset(text, chars))) >
			       room - 1)
			chars--;
		strbuf_addsv(line, sv_sub(text, 0, text_offset(text, chars)));
		strbuf_adds(line, "…");
		return;
	}
	strbuf_addsv(line, text);
}

static void print_row(const struct table *table, const struct output *output,
		      const char *const *cells, const size_t *widths,
		      enum output_style style)
{
	struct strbuf line = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct strbuf cut = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;

	for (i = 0; i < table->column_count; i++) {
		struct sv text = sv_from(cells[i]);
		size_t pad = widths[i] - text_width(text);

		if (table->columns[i].right)
			add_spaces(&line, pad);
		strbuf_addsv(&line, text);
		if (i + 1 == table->column_count)
			break;
		add_spaces(&line, table->columns[i].right ? 2 : pad + 2);
	}
	while (line.len && line.ptr[line.len - 1] == ' ')
		line.len--;
	add_cut(&cut, strbuf_sv(&line),
		output->width ? output->width : line.len + 1);
	if (style == STYLE_NONE)
		(void)puts(strbuf_cstr(&cut));
	else
		(void)printf("%s%s%s\n", output_style(output, stdout, style),
			     strbuf_cstr(&cut),
			     output_style(output, stdout, STYLE_NONE));
	strbuf_release(&line);
	strbuf_release(&cut);
}

void table_print(struct table *table, const struct output *output)
{
	size_t columns = table->column_count;
	size_t *widths = arena_array(&table->arena, columns, sizeof(*widths));
	const char **titles =
		arena_array(&table->arena, columns, sizeof(*titles));
	size_t row;
	size_t i;

	for (i = 0; i < columns; i++) {
		titles[i] = table->columns[i].title;
		widths[i] = text_width(sv_from(titles[i]));
		for (row = i; row < table->cells.len; row += columns) {
			size_t width =
				text_width(sv_from(table->cells.at[row]));

			if (width > widths[i])
				widths[i] = width;
		}
	}
	print_row(table, output, titles, widths, STYLE_BOLD);
	for (row = 0; row + columns <= table->cells.len; row += columns)
		print_row(table, output, table->cells.at + row, widths,
			  STYLE_NONE);
}

/* --- JSON -------------------------------------------------------------- */

json_t *json_of_sv(struct sv text)
{
	struct strbuf safe = STRBUF_INIT(STRBUF_NO_LIMIT);
	json_t *json = json_stringn(text.ptr ? text.ptr : "", text.len);

	if (json)
		return json;
	output_escape(text, &safe);
	json = json_stringn(safe.ptr, safe.len);
	strbuf_release(&safe);
	return json;
}

json_t *json_of_text(const char *text)
{
	return text ? json_of_sv(sv_from(text)) : json_null();
}

static size_t json_flags(const struct output *output)
{
	return output->terminal ? JSON_INDENT(2) : JSON_COMPACT;
}

void output_json(const struct output *output, json_t *document)
{
	(void)json_dumpf(document, stdout, json_flags(output));
	(void)putchar('\n');
	json_decref(document);
}

void json_stream_begin(struct json_stream *stream, const struct output *output)
{
	memset(stream, 0, sizeof(*stream));
	stream->output = output;
	(void)putchar('{');
}

void json_stream_list(struct json_stream *stream, const char *name)
{
	(void)printf("%s\"%s\":[", stream->open ? "],\n" : "", name);
	stream->open = true;
	stream->first = true;
}

void json_stream_add(struct json_stream *stream, json_t *item)
{
	(void)fputs(stream->first ? "\n" : ",\n", stdout);
	stream->first = false;
	stream->count++;
	(void)json_dumpf(item, stdout, json_flags(stream->output));
	json_decref(item);
}

void json_stream_end(struct json_stream *stream, bool with_count, json_t *error)
{
	const char *comma = stream->open ? "," : "";

	(void)fputs(stream->open ? "]" : "", stdout);
	if (with_count)
		(void)printf("%s\"count\":%lld", comma,
			     (long long)stream->count);
	if (error) {
		(void)printf("%s\"error\":", with_count ? "," : comma);
		(void)json_dumpf(error, stdout, JSON_COMPACT);
		json_decref(error);
	}
	(void)puts("}");
}

/* --- numbers and times ------------------------------------------------- */

const char *output_time(int64_t time, struct arena *arena)
{
	char text[40];

	if (!time)
		return "";
	clock_format_iso(time - time % CLOCK_SECOND, text);
	return arena_cstr(arena, sv_from(text));
}

const char *output_duration(int64_t milliseconds, struct arena *arena)
{
	int64_t seconds = milliseconds / 1000;

	if (milliseconds < 1000)
		return arena_printf(arena, "%lld ms", (long long)milliseconds);
	if (seconds < 100)
		return arena_printf(arena, "%lld.%lld s", (long long)seconds,
				    (long long)(milliseconds % 1000 / 100));
	if (seconds < 100 * 60)
		return arena_printf(arena, "%lld min",
				    (long long)(seconds / 60));
	if (seconds < 48 * 3600)
		return arena_printf(arena, "%lld h",
				    (long long)(seconds / 3600));
	return arena_printf(arena, "%lld days", (long long)(seconds / 86400));
}

const char *output_number(int64_t number, struct arena *arena)
{
	const char *digits = arena_printf(arena, "%lld", (long long)number);
	size_t len = strlen(digits);
	struct strbuf out = STRBUF_INIT(64);
	const char *text;
	size_t i;

	for (i = 0; i < len; i++) {
		strbuf_addc(&out, digits[i]);
		if ((len - i) % 3 == 1 && i + 1 < len && digits[i] != '-')
			strbuf_addc(&out, ',');
	}
	text = arena_cstr(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return text;
}

const char *output_bytes(int64_t bytes, struct arena *arena)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB" };
	double size = (double)bytes / 1000;
	size_t i = 0;

	if (bytes < 1000)
		return arena_printf(arena, "%lld bytes", (long long)bytes);
	for (; size >= 1000 && i + 1 < sizeof(units) / sizeof(*units); i++)
		size /= 1000;
	return arena_printf(arena, size < 100 ? "%.1f %s" : "%.0f %s", size,
			    units[i]);
}
