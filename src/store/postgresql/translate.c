/*
 * translate.c - from the words that the statements are written in to the
 * server's
 *
 *	?1                          $1
 *	INSERT OR REPLACE INTO t    INSERT INTO t ... ON CONFLICT (its key)
 *	                            DO UPDATE SET all else
 *	INSERT OR IGNORE INTO t     INSERT INTO t ... ON CONFLICT DO NOTHING
 *	INDEXED BY i                nothing
 *
 * Rows that are put or deleted by their whole key are told from the rest:
 * they need not be sent one by one (gather.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/postgresql/postgresql_private.h"

#include <ctype.h>

static size_t word_length(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '_')
		len++;
	return len;
}

static size_t literal_length(const char *text)
{
	const char *end = strchr(text + 1, '\'');

	return end ? (size_t)(end - text) + 1 : strlen(text);
}

static bool drop(const char **text, const char *words)
{
	size_t len = strlen(words);

	if (strncmp(*text, words, len) != 0)
		return false;
	*text += len;
	return true;
}

static void translate_words(const struct pg_catalogue *catalogue,
			    const char *text, struct strbuf *out,
			    struct pg_words *words)
{
	while (*text) {
		size_t len = word_length(text);
		int table;

		if (drop(&text, "INDEXED BY ")) {
			text += word_length(text);
		} else if (*text == '?') {
			strbuf_addc(out, '$');
			text++;
		} else if (len) {
			table = catalogue_find(catalogue, sv_make(text, len));
			if (table >= 0)
				words->tables |= UINT64_C(1) << table;
			strbuf_add(out, text, len);
			text += len;
		} else {
			len = *text == '\'' ? literal_length(text) : 1;
			strbuf_add(out, text, len);
			text += len;
		}
	}
}

void translate_upsert(const struct pg_table *table, struct strbuf *out)
{
	int i;

	strbuf_adds(out, " ON CONFLICT (");
	for (i = 0; i < table->keys; i++) {
		strbuf_adds(out, i ? ", " : "");
		strbuf_addsv(out, table->columns[i].name);
	}
	strbuf_adds(out, table->keys < table->count ? ") DO UPDATE SET "
						    : ") DO NOTHING");
	for (; i < table->count; i++) {
		strbuf_adds(out, i > table->keys ? ", " : "");
		strbuf_addsv(out, table->columns[i].name);
		strbuf_adds(out, " = excluded.");
		strbuf_addsv(out, table->columns[i].name);
	}
}

/* The text is " VALUES (?1, ?2 ...)" with as many as the table has columns. */
static bool is_whole_row(const struct pg_table *table, const char *text)
{
	struct strbuf whole = STRBUF_INIT(200);
	bool same;
	int i;

	strbuf_adds(&whole, " VALUES (");
	for (i = 1; i <= table->count; i++)
		strbuf_addf(&whole, "%s?%d", i > 1 ? ", " : "", i);
	strbuf_addc(&whole, ')');
	same = sv_eq_str(strbuf_sv(&whole), text);
	strbuf_release(&whole);
	return same;
}

/* The text is " WHERE key = ?1 AND ..." of the whole key. */
static bool is_whole_key(const struct pg_table *table, const char *text)
{
	struct strbuf whole = STRBUF_INIT(200);
	bool same;
	int i;

	for (i = 0; i < table->keys; i++) {
		strbuf_adds(&whole, i ? " AND " : " WHERE ");
		strbuf_addsv(&whole, table->columns[i].name);
		strbuf_addf(&whole, " = ?%d", i + 1);
	}
	same = table->keys && sv_eq_str(strbuf_sv(&whole), text);
	strbuf_release(&whole);
	return same;
}

static const struct pg_table *table_at(const struct pg_catalogue *catalogue,
				       const char **text, int *at_out)
{
	size_t len = word_length(*text);

	*at_out = catalogue_find(catalogue, sv_make(*text, len));
	*text += len;
	return *at_out < 0 ? NULL : &catalogue->tables.at[*at_out];
}

/* The text is " WHERE key BETWEEN ?1 AND ?2". */
static bool is_key_range(const struct pg_table *table, const char *text)
{
	return table->keys == 1 && drop(&text, " WHERE ") &&
	       sv_starts(sv_from(text), table->columns[0].name) &&
	       sv_eq_str(sv_from(text + table->columns[0].name.len),
			 " BETWEEN ?1 AND ?2");
}

/* One item of a list, *text behind it; false: it is more than a column. */
static bool read_item(const struct pg_table *table, const char **text,
		      struct pg_item *out)
{
	size_t len;
	bool is_length;

	out->kind = PG_ZERO;
	if (drop(text, "0,"))
		return *--*text == ',';
	is_length = drop(text, "length(");
	len = word_length(*text);
	for (out->column = 0; out->column < table->count; out->column++)
		if (sv_eq(table->columns[out->column].name,
			  sv_make(*text, len)))
			break;
	*text += len;
	if (is_length && !drop(text, ")"))
		return false;
	out->kind = drop(text, " IS NOT NULL") ? PG_IS_THERE : PG_COLUMN;
	if (is_length && out->kind != PG_IS_THERE)
		return false;
	return len && out->column < table->count;
}

static bool read_items(const struct pg_table *table, const char *text,
		       struct pg_item *items)
{
	int count = 0;

	do {
		if (count == MAX_COLUMNS ||
		    !read_item(table, &text, &items[count++]))
			return false;
	} while (drop(&text, ", "));
	return sv_starts(sv_from(text), SV_LIT(" FROM "));
}

/* The column of "WHERE column = ?1", *text behind it, or -1. */
static int asked_column(const struct pg_table *table, const char **text)
{
	struct pg_item item;

	if (!drop(text, " WHERE ") || !read_item(table, text, &item) ||
	    item.kind != PG_COLUMN || !drop(text, " = ?1"))
		return -1;
	return item.column;
}

static enum pg_read kind_of_read(const struct pg_table *table, int column,
				 const char *behind)
{
	int i;

	for (i = 0; i < table->count; i++)
		if (table->columns[i].type == PG_TEXT)
			return PG_READ_OTHER;
	if (column == 0 && table->keys == 1 && !*behind)
		return PG_READ_ROW;
	if (column == 0 && table->keys == 2 && table->count == 2 && !*behind)
		return PG_READ_KEYS;
	if (sv_eq_str(table->name, "link") && column == 1 &&
	    strcmp(behind, " AND mv > 0 ORDER BY cs") == 0)
		return PG_READ_ROWS;
	return PG_READ_OTHER;
}

/* Tables of which only the holder of the lease writes. */
static bool is_cached(struct sv name)
{
	static const char *const names[] = {
		"cs",
		"link",
		"mv",
		"pending_import",
		"pending_export",
		"awaiting",
		"cs_key",
		"mv_key",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (sv_eq_str(name, names[i]))
			return true;
	return false;
}

static void look_at_select(const struct pg_catalogue *catalogue,
			   const char *text, struct pg_words *words)
{
	const char *at = strstr(text, " FROM ");
	const struct pg_table *table;

	if (!at || !drop(&text, "SELECT "))
		return;
	at += 6;
	table = table_at(catalogue, &at, &words->table);
	if (!table || !is_cached(table->name) ||
	    !read_items(table, text, words->items))
		return;
	words->column = asked_column(table, &at);
	if (words->column >= 0)
		words->read = kind_of_read(table, words->column, at);
}

/* "SELECT items FROM table WHERE key = ?1", into a table of as many columns. */
static void look_at_copy(const struct pg_catalogue *catalogue, const char *text,
			 struct pg_words *words)
{
	int target = words->table;

	if (!drop(&text, " "))
		return;
	look_at_select(catalogue, text, words);
	if (words->read == PG_READ_ROW) {
		words->kind = PG_CHANGE;
		words->target = target;
	}
}

/* "UPDATE table SET column = ?2 WHERE key = ?1" */
static void look_at_update(const struct pg_catalogue *catalogue,
			   const char *text, struct pg_words *words)
{
	const struct pg_table *table;
	struct pg_item changed = { .column = -1 };
	int i;

	if (!drop(&text, "UPDATE "))
		return;
	table = table_at(catalogue, &text, &words->table);
	if (!table || !is_cached(table->name) || !drop(&text, " SET ") ||
	    !read_item(table, &text, &changed) || !drop(&text, " = ?2") ||
	    asked_column(table, &text) != 0 || table->keys != 1 || *text)
		return;
	words->kind = PG_CHANGE;
	words->read = PG_READ_ROW;
	words->target = words->table;
	for (i = 0; i < table->count; i++)
		words->items[i] = (struct pg_item){
			i == changed.column ? PG_SECOND : PG_COLUMN, i
		};
}

static void translate_insert(const struct pg_catalogue *catalogue,
			     const char *text, bool replace, struct strbuf *out,
			     struct pg_words *words)
{
	const char *behind = text;
	const struct pg_table *table =
		table_at(catalogue, &behind, &words->table);

	strbuf_adds(out, "INSERT INTO ");
	translate_words(catalogue, text, out, words);
	if (replace && table)
		translate_upsert(table, out);
	else
		strbuf_adds(out, " ON CONFLICT DO NOTHING");
	if (table && replace)
		look_at_copy(catalogue, behind, words);
	/* to ignore and to replace is the same where the key is all */
	if (table && (replace || table->keys == table->count) &&
	    is_whole_row(table, behind))
		words->kind = PG_PUT;
}

void translate(const struct pg_catalogue *catalogue, const char *text,
	       struct strbuf *out, struct pg_words *words_out)
{
	const char *behind = text;
	const struct pg_table *table;

	*words_out = (struct pg_words){ .kind = PG_PLAIN };
	if (drop(&behind, "INSERT OR REPLACE INTO ")) {
		translate_insert(catalogue, behind, true, out, words_out);
		return;
	}
	if (drop(&behind, "INSERT OR IGNORE INTO ")) {
		translate_insert(catalogue, behind, false, out, words_out);
		return;
	}
	translate_words(catalogue, text, out, words_out);
	words_out->streams = !strncmp(text, "SELECT ", 7) &&
			     !strstr(text, " LIMIT ");
	look_at_select(catalogue, text, words_out);
	look_at_update(catalogue, text, words_out);
	if (drop(&behind, "DELETE FROM ")) {
		table = table_at(catalogue, &behind, &words_out->table);
		if (table && is_whole_key(table, behind))
			words_out->kind = PG_DELETE;
		else if (table && is_key_range(table, behind))
			words_out->kind = PG_DELETE_RANGE;
	}
}
