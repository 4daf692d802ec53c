/*
 * access.c - tables of Access files: a row is a record
 *
 * The bytes of a record are its values as they were found, "COLUMN:LENGTH:TEXT"
 * one behind the other, since a long value lies in other pages than its row.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/zone.h"
#include "connectors/records/jet.h"
#include "connectors/records/record_format.h"
#include "connectors/records/records.h"

#include <inttypes.h>

/* clang-format off */
#define ACCESS_FILE_SETTINGS                                                   \
	{ .name = "path", .type = SETTING_PATH, .help = "The file" },          \
	{ .name = "table", .type = SETTING_TEXT,                               \
	  .help = "The table with a row for each object" },                    \
	{ .name = "anchor", .type = SETTING_NAMES,                             \
	  .help = "The column, or the columns, that identify an object for "   \
		  "ever" },                                                    \
	{ .name = "time_zone", .type = SETTING_TEXT, .fallback = "UTC",        \
	  .help = "The zone of its times, as the IANA names it: "              \
		  "Europe/Rome" },                                             \
	{ .name = "null", .type = SETTING_TEXT,                                \
	  .help = "A text that stands for no value, as an empty one does" },   \
	{ .name = "count", .type = SETTING_SWITCH, .fallback = "yes",          \
	  .help = "The table must have as many rows as it says; no: where "    \
		  "Access itself counts fewer" }
/* clang-format on */

static const struct setting_def access_file_settings[] = {
	ACCESS_FILE_SETTINGS,
	{ .name = NULL },
};

static const struct setting_def access_settings[] = {
	ACCESS_FILE_SETTINGS,
	{ .name = "type",
	  .type = SETTING_TEXT,
	  .help = "The column that tells the type of the row's object" },
	{ .name = "types",
	  .type = SETTING_NAMED,
	  .group = access_file_settings,
	  .help = "A table for each type of object; what is not set for one is "
		  "taken from outside" },
	{ .name = NULL },
};

/* An open table. */
struct access_file {
	struct jet jet;
	struct jet_table table;
	struct jet_cursor cursor;
	struct zone *zone;
	size_t *names; /* of each column the number of its name */
};

/* --- settings ---------------------------------------------------------- */

static int access_load(struct records_source *source, struct arena *arena,
		       struct error *err)
{
	struct sv name = records_text(source, "time_zone");
	struct zone *zone = NULL;

	(void)arena;
	if (!records_text(source, "table").len && !source->config->explore)
		return error_set(err, ERR_INVALID,
				 "'table' is missing: the table with a row for "
				 "each object");
	if (zone_open(name, &zone, err) < 0)
		return error_context(err, "'time_zone'");
	zone_close(zone);
	return 0;
}

/* --- opening ----------------------------------------------------------- */

static int bad_file(const struct record_reader *r, struct error *err)
{
	return error_context(err, "'" SV_FMT "'", SV_ARG(r->file));
}

static int find_table(struct record_reader *r, struct error *err)
{
	struct access_file *file = r->state;
	struct sv name = records_text(r->source, "table");
	uint32_t page = 0;
	struct sv there;
	int ret = jet_find(&file->jet, name, &r->arena, &page, &there, err);

	if (ret < 0)
		return -1;
	if (!ret && !name.len)
		return error_set(err, ERR_INVALID,
				 "say with 'table' which: it has " SV_FMT,
				 SV_ARG(there));
	if (!ret)
		return error_set(err, ERR_NOTFOUND,
				 "it has no table '" SV_FMT
				 "'; it has: " SV_FMT,
				 SV_ARG(name), SV_ARG(there));
	if (jet_table_read(&file->jet, page, &r->arena, &file->table, err) < 0)
		return error_context(err, "table '" SV_FMT "'", SV_ARG(name));
	return 0;
}

static void name_columns(struct record_reader *r)
{
	struct access_file *file = r->state;
	const struct jet_table *table = &file->table;
	struct sv *columns =
		arena_array(&r->arena, table->count + 1, sizeof(*columns));
	size_t i;

	file->names =
		arena_array(&r->arena, table->count + 1, sizeof(*file->names));
	for (i = 0; i < table->count; i++) {
		columns[i] = table->columns[i].name;
		file->names[i] = record_names_find(r->names, columns[i]);
	}
	r->columns = columns;
	r->column_count = table->count;
}

static int access_open(struct record_reader *r, struct error *err)
{
	struct access_file *file = arena_zalloc(&r->arena, sizeof(*file));
	struct sv memory =
		sv_make(r->in.buffer + r->in.at, r->in.len - r->in.at);

	r->state = file;
	if (zone_open(records_text(r->source, "time_zone"), &file->zone, err) <
	    0)
		return -1;
	if (jet_open(&file->jet, r->in.fd, memory, err) < 0 ||
	    find_table(r, err) < 0)
		return bad_file(r, err);
	file->jet.zone = file->zone;
	name_columns(r);
	return 0;
}

static void access_close(struct record_reader *r)
{
	struct access_file *file = r->state;

	if (!file)
		return;
	jet_table_release(&file->table);
	jet_close(&file->jet);
	zone_close(file->zone);
}

/* --- rows -------------------------------------------------------------- */

static int too_few(const struct record_reader *r, struct error *err)
{
	const struct access_file *file = r->state;

	return error_set(err, ERR_CORRUPT,
			 "the table '" SV_FMT "' of '" SV_FMT "' has %" PRIu64
			 " rows and says %" PRIu32
			 ": it was written to while it was read or copied, or "
			 "is damaged; copy it anew, or have Access compact and "
			 "repair it",
			 SV_ARG(records_text(r->source, "table")),
			 SV_ARG(r->file), file->cursor.given, file->table.rows);
}

/* 0, or -1: what is wrong stands in the record. */
static void put_values(struct record_reader *r, struct sv row,
		       struct arena *arena, struct record *record,
		       struct strbuf *out)
{
	struct access_file *file = r->state;
	struct error problem = ERROR_INIT;
	struct sv text;
	size_t i;

	for (i = 0; i < file->table.count && !record->error; i++) {
		int ret = file->names[i] == RECORD_NO_NAME
				  ? 0
				  : jet_value(&file->jet, &file->table,
					      &file->table.columns[i], row,
					      arena, &text, &problem);

		if (ret < 0)
			record->error = arena_printf(arena, "%s", problem.msg);
		else if (ret > 0)
			strbuf_addf(out, "%zu:%zu:", i, text.len);
		if (ret > 0)
			strbuf_addsv(out, text);
	}
}

static int access_next(struct record_reader *r, struct arena *arena,
		       struct record *record, struct error *err)
{
	struct access_file *file = r->state;
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv row;
	int ret = jet_next(&file->jet, &file->table, &file->cursor, arena, &row,
			   err);

	if (ret < 0)
		return bad_file(r, err);
	r->in.taken = r->in.file_size;
	if (file->table.pages.len)
		r->in.taken = r->in.file_size * file->cursor.page /
			      file->table.pages.len;
	if (!ret)
		return records_switch(r->source, "count") &&
				       file->cursor.given != file->table.rows
			       ? too_few(r, err)
			       : 0;
	record->line = file->cursor.given;
	put_values(r, row, arena, record, &bytes);
	record->raw = arena_dup(arena, strbuf_sv(&bytes));
	strbuf_release(&bytes);
	return 1;
}

/* The number before the next colon; moves behind it. */
static size_t take_number(struct sv raw, size_t *at)
{
	size_t number = 0;

	for (; *at < raw.len && raw.ptr[*at] != ':'; (*at)++)
		number = number * 10 + (size_t)(raw.ptr[*at] - '0');
	(*at)++;
	return number;
}

static void access_parse(const struct record_reader *r, bool keys,
			 struct arena *arena, struct record *record)
{
	const struct access_file *file = r->state;
	struct sv raw = record->raw;
	size_t at = 0;

	while (at < raw.len) {
		size_t column = take_number(raw, &at);
		size_t len = take_number(raw, &at);
		size_t name = file->names[column];

		if (!keys || name < r->names->keys)
			record_add(record, arena, name,
				   sv_sub(raw, at, at + len), 0);
		at += len;
	}
}

static const struct record_format access_format = {
	.name = "access",
	.file_settings = access_file_settings,
	.base64 = true,
	.shared_file = true,
	.load = access_load,
	.open = access_open,
	.close = access_close,
	.next = access_next,
	.parse = access_parse,
};

const struct connector_ops access_connector = {
	RECORDS_READER(access_format),
	.name = "access",
	.help = "Tables of Access files, read only.",
	.caps = CONNECTOR_CAP_IMPORT,
	.settings = access_settings,
};
