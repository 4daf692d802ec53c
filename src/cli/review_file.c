/*
 * review_file.c - the file in which a person decides about values
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/review_file.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum column {
	COLUMN_DN,
	COLUMN_NAME,
	COLUMN_TYPE,
	COLUMN_ATTRIBUTE,
	COLUMN_ERROR,
	COLUMN_VALUE,
	COLUMN_UPDATE,
	COLUMN_ACTION,
	COLUMN_SET,
	COLUMN_ANCHOR,
	COLUMN_AGENT,
	COLUMN_CHECKS,
	COLUMN_COUNT,
};

static const char *const titles[COLUMN_COUNT] = {
	"distinguishedName",
	"commonName",
	"objectClass",
	"attribute",
	"error",
	"value",
	"update",
	"action",
	"set",
	"anchor",
	"agent",
	"checks",
};

/* ---- formulas ---- */

static bool is_formula(char c)
{
	return c && strchr("=+-@\t\r", c) != NULL;
}

/* An apostrophe that stands there for itself has one before it, too. */
static bool is_guarded(struct sv text)
{
	return text.len > 1 && text.ptr[0] == '\'' &&
	       (text.ptr[1] == '\'' || is_formula(text.ptr[1]));
}

struct sv review_guard(struct sv text, struct arena *arena)
{
	char *out;

	if (!text.len || !(is_formula(text.ptr[0]) || is_guarded(text)))
		return text;
	out = arena_alloc(arena, text.len + 1);
	out[0] = '\'';
	memcpy(out + 1, text.ptr, text.len);
	return sv_make(out, text.len + 1);
}

struct sv review_unguard(struct sv text)
{
	return is_guarded(text) ? sv_sub(text, 1, text.len) : text;
}

/* ---- written ---- */

static int write_row(struct review_out *out, struct sv *fields,
		     struct error *err)
{
	size_t i;

	for (i = 0; i < COLUMN_COUNT; i++)
		fields[i] = review_guard(fields[i], &out->arena);
	return csv_write_row(&out->writer, fields, COLUMN_COUNT, err);
}

int review_out_begin(struct review_out *out, const char *path,
		     const char *agent, const char *checks, struct error *err)
{
	static const struct csv_dialect dialect = { .delimiter = ',',
						    .quote = '"' };
	struct sv fields[COLUMN_COUNT];
	size_t i;

	memset(out, 0, sizeof(*out));
	out->agent = agent;
	out->checks = checks;
	for (i = 0; i < COLUMN_COUNT; i++)
		fields[i] = sv_from(titles[i]);
	if (file_replace_open(&out->file, path, 0600, err) < 0 ||
	    csv_writer_open(&out->writer, &dialect, true, out->file.stream,
			    err) < 0)
		return -1;
	return write_row(out, fields, err);
}

int review_out_add(struct review_out *out, const struct cleanup_row *row,
		   struct error *err)
{
	bool proposed = !sv_eq(row->value, row->update);
	struct sv fields[COLUMN_COUNT] = {
		[COLUMN_DN] = row->dn,
		[COLUMN_NAME] = row->name,
		[COLUMN_TYPE] = sv_from(row->type),
		[COLUMN_ATTRIBUTE] = sv_from(row->attr),
		[COLUMN_ERROR] =
			sv_from(cleanup_error_names(row->errors, &out->arena)),
		[COLUMN_VALUE] = row->value,
		[COLUMN_UPDATE] = proposed ? row->update : SV_NULL,
		[COLUMN_ACTION] = sv_from(cleanup_action_name(row->action)),
		[COLUMN_SET] = sv_from(
			row->set ? arena_printf(&out->arena, "%zu", row->set)
				 : ""),
		[COLUMN_ANCHOR] = row->anchor,
		[COLUMN_AGENT] = sv_from(out->agent),
		[COLUMN_CHECKS] = sv_from(out->checks),
	};
	int ret = write_row(out, fields, err);

	arena_reset(&out->arena);
	return ret;
}

int review_out_commit(struct review_out *out, struct error *err)
{
	if (csv_writer_flush(&out->writer, err) < 0)
		return -1;
	return file_replace_commit(&out->file, err);
}

void review_out_release(struct review_out *out)
{
	csv_writer_close(&out->writer);
	file_replace_abort(&out->file);
	arena_release(&out->arena);
}

/* ---- read ---- */

struct reading {
	const char *path;
	struct csv_reader reader;
	struct csv_row row;
	struct arena *arena;
	struct review_rows *out;
	struct error *err;
};

__attribute__((format(printf, 2, 3))) static int wrong(struct reading *r,
						       const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return error_set(r->err, ERR_INVALID, "%s:%zu: %s", r->path,
			 r->row.line, text);
}

/* Spreadsheets write what their country is used to: what stands behind the
 * first title. */
static char find_delimiter(struct sv head)
{
	size_t i;

	for (i = 0; i < head.len && head.ptr[i] != '\n'; i++)
		if (head.ptr[i] && strchr(",;\t", head.ptr[i]))
			return head.ptr[i];
	return ',';
}

static int open_file(struct reading *r, struct csv_dialect *dialect)
{
	char head[256];
	FILE *file = fopen(r->path, "re");
	size_t len;

	if (!file)
		return error_errno(r->err, errno, "cannot read '%s'", r->path);
	len = fread(head, 1, sizeof(head), file);
	(void)fclose(file);
	dialect->delimiter = find_delimiter(sv_make(head, len));
	return csv_reader_open(&r->reader, r->path, dialect, r->err);
}

static int next_row(struct reading *r)
{
	int ret = csv_reader_next(&r->reader, r->arena, &r->row, r->err);

	if (ret > 0 && r->row.error)
		return wrong(r, "%s", r->row.error);
	return ret;
}

static int check_titles(struct reading *r)
{
	size_t i;

	for (i = 0; i < COLUMN_COUNT; i++)
		if (i >= r->row.count ||
		    !sv_eq_str(sv_trim(r->row.fields[i]), titles[i]))
			return wrong(r,
				     "column %zu is not '%s': only what stands "
				     "in 'update' and 'action' may be changed",
				     i + 1, titles[i]);
	if (r->row.count > COLUMN_COUNT)
		return wrong(r, "there are more columns than %d", COLUMN_COUNT);
	return 0;
}

static int read_titles(struct reading *r)
{
	int ret = next_row(r);

	if (ret == 0)
		return error_set(r->err, ERR_INVALID,
				 "'%s' is empty: make it with: conjoin cleanup "
				 "AGENT --review %s",
				 r->path, r->path);
	return ret < 0 ? -1 : check_titles(r);
}

static bool is_blank(const struct csv_row *row)
{
	size_t i;

	for (i = 0; i < row->count; i++)
		if (sv_trim(row->fields[i]).len)
			return false;
	return true;
}

static int check_row(struct reading *r)
{
	size_t i;

	if (r->row.count != COLUMN_COUNT)
		return wrong(r, "%zu columns instead of %d", r->row.count,
			     COLUMN_COUNT);
	for (i = 0; i < COLUMN_COUNT; i++) {
		const struct sv text = r->row.fields[i];

		if (!text_is_utf8(text))
			return wrong(r,
				     "'%s' is not UTF-8: save the file as 'CSV "
				     "UTF-8'",
				     titles[i]);
		if (text.len && memchr(text.ptr, 0, text.len))
			return wrong(r, "'%s' has a byte 0", titles[i]);
	}
	return 0;
}

/* All rows are of one agent and of the same checks. */
static int take_same(struct reading *r, enum column column, const char **known)
{
	struct sv text = review_unguard(r->row.fields[column]);

	if (!*known)
		*known = arena_cstr(r->arena, text);
	if (sv_eq_str(text, *known))
		return 0;
	return wrong(r, "'%s' is '" SV_FMT "', in the rows before it is '%s'",
		     titles[column], SV_ARG(text), *known);
}

static int take_row(struct reading *r)
{
	struct review_rows *out = r->out;
	const struct sv *fields = r->row.fields;
	struct cleanup_edit edit = {
		.line = r->row.line,
		.dn = review_unguard(fields[COLUMN_DN]),
		.anchor = review_unguard(fields[COLUMN_ANCHOR]),
		.type = review_unguard(fields[COLUMN_TYPE]),
		.attr = review_unguard(fields[COLUMN_ATTRIBUTE]),
		.value = review_unguard(fields[COLUMN_VALUE]),
		.update = review_unguard(fields[COLUMN_UPDATE]),
	};
	struct sv action = sv_trim(fields[COLUMN_ACTION]);

	if (take_same(r, COLUMN_AGENT, &out->agent) < 0 ||
	    take_same(r, COLUMN_CHECKS, &out->checks) < 0)
		return -1;
	if (!cleanup_action_parse(action, &edit.action))
		return wrong(r,
			     "'" SV_FMT "' is no action: EDIT, REMOVE, "
			     "COMPLETE, or nothing",
			     SV_ARG(action));
	out->edited += edit.action == CLEANUP_EDIT;
	out->removed += edit.action == CLEANUP_REMOVE;
	out->complete += edit.action == CLEANUP_COMPLETE;
	out->open += edit.action == CLEANUP_NONE;
	if (edit.action != CLEANUP_NONE)
		vec_push(&out->edits, edit);
	return 0;
}

static int read_rows(struct reading *r)
{
	int ret;

	if (read_titles(r) < 0)
		return -1;
	while ((ret = next_row(r)) > 0) {
		if (is_blank(&r->row))
			continue;
		if (check_row(r) < 0 || take_row(r) < 0)
			return -1;
	}
	return ret;
}

int review_read(const char *path, struct arena *arena, struct review_rows *out,
		struct error *err)
{
	struct csv_dialect dialect = { .quote = '"' };
	struct reading r = {
		.path = path, .arena = arena, .out = out, .err = err
	};
	int ret = -1;

	memset(out, 0, sizeof(*out));
	if (open_file(&r, &dialect) == 0)
		ret = read_rows(&r);
	csv_reader_close(&r.reader);
	return ret;
}

int review_read_text(const char *name, struct sv text, struct arena *arena,
		     struct review_rows *out, struct error *err)
{
	const struct csv_dialect dialect = {
		.quote = '"', .delimiter = find_delimiter(text)
	};
	struct reading r = {
		.path = name, .arena = arena, .out = out, .err = err
	};
	int ret;

	memset(out, 0, sizeof(*out));
	csv_reader_open_text(&r.reader, text, &dialect);
	ret = read_rows(&r);
	csv_reader_close(&r.reader);
	return ret;
}
