/*
 * table.c - look-up tables for rules: tables/NAME.csv (RFC 4180)
 *
 * Read whole with the configuration; the first line names the columns, the
 * first column is the key, whose case does not count. Lookup() asks here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <stdlib.h>

#define MAX_TABLE ((size_t)64 << 20)

struct table {
	const char *name;
	const char *file;
	struct namemap *columns; /* name: index */
	struct namemap *rows;    /* folded key: index of its first cell */
	size_t width;
	VEC(struct sv) cells;
};

struct tables {
	struct arena arena;
	struct table *at;
	size_t len;
};

/* --- reading ----------------------------------------------------------- */

struct csv {
	struct sv text;
	size_t at;
	int line;
	int column; /* of the field being read */
	const char *wrong;
};

/* A field in quotes; behind the closing one afterwards. */
static struct sv quoted_field(struct csv *csv, struct strbuf *out)
{
	csv->at++;
	for (; csv->at < csv->text.len; csv->at++) {
		char c = csv->text.ptr[csv->at];

		if (c == '"') {
			if (csv->at + 1 == csv->text.len ||
			    csv->text.ptr[csv->at + 1] != '"') {
				csv->at++;
				return strbuf_sv(out);
			}
			csv->at++;
		} else if (c == '\n') {
			csv->line++;
		}
		strbuf_addc(out, c);
	}
	csv->wrong = "a quoted field has no closing quote";
	return strbuf_sv(out);
}

static bool ends_field(char c)
{
	return c == ',' || c == '\n' || c == '\r';
}

static struct sv next_field(struct csv *csv, struct strbuf *buffer)
{
	size_t start = csv->at;

	strbuf_reset(buffer);
	if (start < csv->text.len && csv->text.ptr[start] == '"') {
		struct sv field = quoted_field(csv, buffer);

		if (!csv->wrong && csv->at < csv->text.len &&
		    !ends_field(csv->text.ptr[csv->at]))
			csv->wrong = "text stands behind a closing quote";
		return field;
	}
	while (csv->at < csv->text.len && !ends_field(csv->text.ptr[csv->at]))
		csv->at++;
	return sv_sub(csv->text, start, csv->at);
}

/* Behind a field: true when another one follows on the line. */
static bool next_is_field(struct csv *csv)
{
	if (csv->at >= csv->text.len)
		return false;
	if (csv->text.ptr[csv->at] == ',') {
		csv->at++;
		csv->column++;
		return true;
	}
	if (csv->text.ptr[csv->at] == '\r')
		csv->at++;
	if (csv->at < csv->text.len && csv->text.ptr[csv->at] == '\n')
		csv->at++;
	csv->line++;
	return false;
}

/* One line's fields behind `cells`; their number. */
static size_t read_line(struct csv *csv, struct table *table,
			struct arena *arena)
{
	struct strbuf buffer = STRBUF_INIT(MAX_TABLE);
	size_t before = table->cells.len;

	csv->column = 1;
	do {
		struct sv field = next_field(csv, &buffer);

		vec_push(&table->cells, arena_dup(arena, field));
	} while (!csv->wrong && next_is_field(csv));
	strbuf_release(&buffer);
	return table->cells.len - before;
}

static void table_problem(struct loader *loader, const struct table *table,
			  int line, bool is_warning, const char *text)
{
	problem_at(loader, table->file, line, 1, is_warning, text);
}

static void read_header(struct loader *loader, struct table *table,
			struct csv *csv, struct arena *arena)
{
	size_t i;

	table->width = read_line(csv, table, arena);
	for (i = 0; i < table->width; i++) {
		struct sv name = table->cells.at[i];

		if (namemap_get(table->columns, name, NULL))
			table_problem(loader, table, 1, false,
				      "two columns have the same name");
		namemap_put(table->columns, name, i);
	}
}

static void note_row(struct loader *loader, struct table *table, int line,
		     size_t first)
{
	struct arena scratch = ARENA_INIT;
	struct sv key = text_fold(table->cells.at[first], &scratch);

	if (namemap_get(table->rows, key, NULL))
		table_problem(loader, table, line, true,
			      "this key stands in the table before; that row "
			      "counts");
	else
		namemap_put(table->rows, key, first);
	arena_release(&scratch);
}

static void read_rows(struct loader *loader, struct table *table,
		      struct sv text, struct arena *arena)
{
	struct csv csv = { text, 0, 1, 1, NULL };

	if (sv_starts(text, SV_LIT("\xef\xbb\xbf")))
		csv.at = 3;
	read_header(loader, table, &csv, arena);
	while (!csv.wrong && csv.at < text.len) {
		size_t first = table->cells.len;
		int line = csv.line;
		size_t width = read_line(&csv, table, arena);

		if (csv.wrong ||
		    (width == 1 && table->cells.at[first].len == 0)) {
			table->cells.len = first; /* or an empty line */
		} else if (width != table->width) {
			table_problem(loader, table, line, false,
				      "this line has not as many fields as the "
				      "first");
			table->cells.len = first;
		} else {
			note_row(loader, table, line, first);
		}
	}
	if (csv.wrong)
		table_problem(loader, table, csv.line, false, csv.wrong);
}

static void read_table(struct loader *loader, struct tables *tables,
		       struct table *table)
{
	struct strbuf text = STRBUF_INIT(MAX_TABLE);
	struct error err = ERROR_INIT;
	const char *path = arena_printf(loader->arena, "%s/%s",
					loader->config->folder, table->file);

	table->columns = namemap_new(true);
	table->rows = namemap_new(false);
	if (file_read(path, &text, &err) < 0)
		table_problem(loader, table, 1, false, err.msg);
	else if (!text_is_utf8(strbuf_sv(&text)))
		table_problem(loader, table, 1, false,
			      "not UTF-8: save the file in this encoding");
	else
		read_rows(loader, table, strbuf_sv(&text), &tables->arena);
	strbuf_release(&text);
}

static int compare_names(const void *left, const void *right)
{
	const struct table *a = left;
	const struct table *b = right;

	return strcmp(a->name, b->name);
}

static void find_tables(struct loader *loader, struct tables *tables, DIR *dir)
{
	VEC(struct table) found = VEC_INIT;
	const struct dirent *entry;

	while ((entry = readdir(dir))) {
		struct sv name = sv_from(entry->d_name);
		struct table table = { 0 };

		if (name.ptr[0] == '.' || !sv_ends(name, SV_LIT(".csv")))
			continue;
		table.file =
			arena_printf(loader->arena, "tables/%s", entry->d_name);
		name.len -= 4;
		table.name = arena_cstr(&tables->arena, name);
		vec_push(&found, table);
	}
	tables->len = found.len;
	tables->at = arena_array(&tables->arena, found.len, sizeof(*found.at));
	if (found.len) {
		qsort(found.at, found.len, sizeof(*found.at), compare_names);
		memcpy(tables->at, found.at, found.len * sizeof(*found.at));
	}
	vec_release(&found);
}

void tables_read(struct loader *loader)
{
	DIR *dir = opendir(arena_printf(loader->arena, "%s/tables",
					loader->config->folder));
	struct tables *tables;
	size_t i;

	if (!dir)
		return;
	tables = mem_zalloc(sizeof(*tables));
	loader->snapshot->tables = tables;
	find_tables(loader, tables, dir);
	(void)closedir(dir);
	for (i = 0; i < tables->len; i++)
		read_table(loader, tables, &tables->at[i]);
}

void tables_free(struct tables *tables)
{
	size_t i;

	if (!tables)
		return;
	for (i = 0; i < tables->len; i++) {
		namemap_free(tables->at[i].columns);
		namemap_free(tables->at[i].rows);
		vec_release(&tables->at[i].cells);
	}
	arena_release(&tables->arena);
	mem_free(tables);
}

/* --- asking ------------------------------------------------------------ */

static const struct table *find_table(const struct tables *tables,
				      struct sv name)
{
	size_t i;

	for (i = 0; tables && i < tables->len; i++)
		if (sv_ieq_str(name, tables->at[i].name))
			return &tables->at[i];
	return NULL;
}

int tables_have(const struct tables *tables, struct sv table, struct sv column)
{
	const struct table *found = find_table(tables, table);

	if (!found)
		return 0;
	if (column.len == 0 || namemap_get(found->columns, column, NULL))
		return 1;
	return -1;
}

int config_lookup(const struct config *config, struct sv table, struct sv key,
		  struct sv column, struct sv *out)
{
	const struct table *found = find_table(config->tables, table);
	struct arena scratch = ARENA_INIT;
	uint64_t at;
	uint64_t row;
	int ret = 0;

	if (found && namemap_get(found->columns, column, &at) &&
	    namemap_get(found->rows, text_fold(key, &scratch), &row)) {
		*out = found->cells.at[row + at];
		ret = 1;
	}
	arena_release(&scratch);
	return ret;
}

void tables_hash(const struct tables *tables, struct strbuf *out)
{
	size_t i;
	size_t cell;

	for (i = 0; tables && i < tables->len; i++) {
		const struct table *table = &tables->at[i];

		strbuf_addf(out, "T%s:%zu:", table->name, table->width);
		for (cell = 0; cell < table->cells.len; cell++) {
			strbuf_addf(out, "%zu:", table->cells.at[cell].len);
			strbuf_addsv(out, table->cells.at[cell]);
		}
	}
}
