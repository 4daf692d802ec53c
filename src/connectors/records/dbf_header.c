/*
 * dbf_header.c - the columns and code page of a dBase table
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/dbf.h"

#include <string.h>

static const struct setting_def column_settings[] = {
	{ .name = "name",
	  .type = SETTING_TEXT,
	  .required = true,
	  .help = "At most ten characters" },
	{ .name = "kind",
	  .type = SETTING_CHOICE,
	  .words = "text|number|date|logical",
	  .fallback = "text",
	  .help = "What it holds" },
	{ .name = "width",
	  .type = SETTING_NUMBER,
	  .fallback = "0",
	  .help = "Bytes of a text (to 254), digits of a number (to 20)" },
	{ .name = "decimals",
	  .type = SETTING_NUMBER,
	  .fallback = "0",
	  .help = "Digits of a number behind its point" },
	{ .name = NULL },
};

/* clang-format off */
#define DBF_SETTINGS                                                           \
	{ .name = "code_page", .type = SETTING_TEXT,                           \
	  .help = "The encoding of texts, when the file does not tell or "     \
		  "tells it wrongly" },                                        \
	{ .name = "columns", .type = SETTING_GROUPS,                           \
	  .group = column_settings,                                            \
	  .help = "The columns of a file that the first export makes" }
/* clang-format on */

const struct setting_def dbf_file_settings[] = {
	RECORDS_FILE_SETTINGS,
	DBF_SETTINGS,
	{ .name = NULL },
};

const struct setting_def dbf_settings[] = {
	RECORDS_FILE_SETTINGS,
	DBF_SETTINGS,
	RECORDS_TYPES(dbf_file_settings),
	{ .name = NULL },
};

uint32_t dbf_u32(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
	       (uint32_t)b[3] << 24;
}

static size_t u16(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return (size_t)b[0] | (size_t)b[1] << 8;
}

static const struct {
	unsigned char id;
	const char *name;
} code_pages[] = {
	{ 0x01, "CP437" },  { 0x02, "CP850" },  { 0x03, "CP1252" },
	{ 0x08, "CP865" },  { 0x09, "CP437" },  { 0x0A, "CP850" },
	{ 0x0B, "CP437" },  { 0x0D, "CP437" },  { 0x0E, "CP850" },
	{ 0x0F, "CP437" },  { 0x10, "CP850" },  { 0x11, "CP437" },
	{ 0x12, "CP850" },  { 0x13, "CP932" },  { 0x14, "CP850" },
	{ 0x15, "CP437" },  { 0x16, "CP850" },  { 0x17, "CP865" },
	{ 0x18, "CP437" },  { 0x19, "CP437" },  { 0x1A, "CP850" },
	{ 0x1B, "CP437" },  { 0x1C, "CP863" },  { 0x1D, "CP850" },
	{ 0x1F, "CP852" },  { 0x22, "CP852" },  { 0x23, "CP852" },
	{ 0x24, "CP860" },  { 0x25, "CP850" },  { 0x26, "CP866" },
	{ 0x37, "CP850" },  { 0x40, "CP852" },  { 0x4D, "CP936" },
	{ 0x4E, "CP949" },  { 0x4F, "CP950" },  { 0x50, "CP874" },
	{ 0x57, "CP1252" }, { 0x58, "CP1252" }, { 0x59, "CP1252" },
	{ 0x64, "CP852" },  { 0x65, "CP866" },  { 0x66, "CP865" },
	{ 0x67, "CP861" },  { 0x6A, "CP737" },  { 0x6B, "CP857" },
	{ 0x6C, "CP863" },  { 0x78, "CP950" },  { 0x79, "CP949" },
	{ 0x7A, "CP936" },  { 0x7B, "CP932" },  { 0x7C, "CP874" },
	{ 0x87, "CP852" },  { 0x88, "CP857" },  { 0xC8, "CP1250" },
	{ 0xC9, "CP1251" }, { 0xCA, "CP1254" }, { 0xCB, "CP1253" },
	{ 0xCC, "CP1257" },
};

const char *dbf_code_page(unsigned char id)
{
	size_t i;

	for (i = 0; i < sizeof(code_pages) / sizeof(*code_pages); i++)
		if (code_pages[i].id == id)
			return code_pages[i].name;
	return NULL;
}

static int fail(const char **problem, const char *what)
{
	*problem = what;
	return -1;
}

/* A text may be longer than a byte tells. */
static void read_column(const char *at, struct dbf_column *column,
			struct arena *arena)
{
	size_t len = strnlen(at, 11);

	column->name = sv_trim(arena_dup(arena, sv_make(at, len)));
	column->kind = at[11];
	column->width = (unsigned char)at[16];
	column->decimals = (unsigned char)at[17];
	if (column->kind == 'C') {
		column->width += column->decimals * 256;
		column->decimals = 0;
	}
}

int dbf_read_header(struct sv head, struct dbf_table *table,
		    struct arena *arena, const char **problem)
{
	size_t at = DBF_HEADER;
	size_t total = 1;

	if (head.len < DBF_HEADER)
		return fail(problem, "it is too short for its header");
	table->visual = (unsigned char)head.ptr[0] >= 0x30 &&
			(unsigned char)head.ptr[0] <= 0x32;
	table->records = dbf_u32(head.ptr + 4);
	table->header = u16(head.ptr + 8);
	table->width = u16(head.ptr + 10);
	table->code_page = dbf_code_page((unsigned char)head.ptr[29]);
	if (table->header < DBF_HEADER + 1 || table->width < 2)
		return fail(problem, "it does not begin as a table does");
	if (head.len < table->header)
		return 0; /* the rest is to be read first */
	table->columns = arena_array(arena, table->header / DBF_COLUMN,
				     sizeof(*table->columns));
	for (table->count = 0;
	     at + DBF_COLUMN <= table->header && head.ptr[at] != '\r';
	     at += DBF_COLUMN) {
		struct dbf_column *column = &table->columns[table->count++];

		read_column(head.ptr + at, column, arena);
		column->start = total;
		total += column->width;
	}
	if (!table->count || total > table->width)
		return fail(problem, "its columns are wider than its records");
	return 0;
}

/* --- new files --------------------------------------------------------- */

static int load_column(const struct node *node, struct dbf_column *column,
		       struct error *err)
{
	struct sv kind = setting_text(node, column_settings, "kind");
	int64_t width = setting_number(node, column_settings, "width");
	int64_t decimals = setting_number(node, column_settings, "decimals");
	int64_t most = 254;

	column->name = setting_text(node, column_settings, "name");
	column->kind = sv_eq_str(kind, "number")    ? 'N'
		       : sv_eq_str(kind, "date")    ? 'D'
		       : sv_eq_str(kind, "logical") ? 'L'
						    : 'C';
	if (column->kind == 'D')
		width = 8;
	if (column->kind == 'L')
		width = 1;
	if (column->kind == 'N')
		most = 20;
	if (!column->name.len || column->name.len > 10 || width < 1 ||
	    width > most || decimals < 0 || decimals > width - 1)
		return error_set(err, ERR_INVALID,
				 "the column '" SV_FMT "' needs a name of ten "
				 "characters at most and a 'width' from 1 to "
				 "%lld",
				 SV_ARG(column->name), (long long)most);
	column->width = (size_t)width;
	column->decimals = column->kind == 'N' ? (size_t)decimals : 0;
	return 0;
}

int dbf_load(struct records_source *source, struct arena *arena,
	     struct error *err)
{
	const struct node *columns = records_node(source, "columns");
	struct sv page = records_text(source, "code_page");
	struct dbf_table *table;
	const char *name;
	size_t i;

	if (page.len && !text_encoding(page, arena, &name))
		return error_set(err, ERR_INVALID,
				 "the encoding '" SV_FMT "' is not known; "
				 "`iconv -l` lists those that are",
				 SV_ARG(page));
	if (!columns || columns->kind != NODE_LIST)
		return 0;
	table = arena_zalloc(arena, sizeof(*table));
	table->count = columns->len;
	table->width = 1;
	table->columns =
		arena_array(arena, table->count + 1, sizeof(*table->columns));
	for (i = 0; i < table->count; i++) {
		if (load_column(columns->items[i], &table->columns[i], err) < 0)
			return -1;
		table->columns[i].start = table->width;
		table->width += table->columns[i].width;
	}
	table->header = DBF_HEADER + table->count * DBF_COLUMN + 1;
	table->code_page = "CP1252";
	if (page.len)
		(void)text_encoding(page, arena, &table->code_page);
	source->data = table;
	return 0;
}

/* The byte that tells a code page; 0: there is none. */
static char page_id(const char *name)
{
	size_t i;

	if (!name)
		return 0;
	if (sv_ieq_str(sv_from(name), "windows-1252"))
		return 0x03;
	for (i = 0; i < sizeof(code_pages) / sizeof(*code_pages); i++)
		if (sv_ieq_str(sv_from(name), code_pages[i].name))
			return (char)code_pages[i].id;
	return 0;
}

static void put_u16(char *at, size_t number)
{
	at[0] = (char)(number & 0xFF);
	at[1] = (char)(number >> 8 & 0xFF);
}

void dbf_frame(const struct records_source *source, struct arena *arena,
	       struct sv *head, struct sv *tail)
{
	const struct dbf_table *table = source->data;
	char *bytes;
	size_t i;

	*tail = SV_LIT("\x1A");
	if (!table)
		return;
	bytes = arena_zalloc(arena, table->header);
	bytes[0] = 0x03;
	put_u16(bytes + 8, table->header);
	put_u16(bytes + 10, table->width);
	bytes[29] = page_id(table->code_page);
	for (i = 0; i < table->count; i++) {
		const struct dbf_column *column = &table->columns[i];
		char *at = bytes + DBF_HEADER + i * DBF_COLUMN;

		memcpy(at, column->name.ptr, column->name.len);
		at[11] = column->kind;
		at[16] = (char)column->width;
		at[17] = (char)column->decimals;
	}
	bytes[table->header - 1] = '\r';
	*head = sv_make(bytes, table->header);
}
