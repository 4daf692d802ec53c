/*
 * catalogue.c - which columns and keys a table has, read from the schema
 *
 * The steps say "CREATE TABLE name (column type ..., PRIMARY KEY (...))" and
 * "ALTER TABLE name ADD COLUMN column type" or "RENAME COLUMN a TO b"; other
 * statements are passed over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/postgresql/postgresql_private.h"

#include <assert.h>
#include <ctype.h>

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '"';
}

/* The next word of the text, or one other character; empty at the end. */
static struct sv next_word(const char **text)
{
	struct sv word;

	while (isspace((unsigned char)**text))
		(*text)++;
	word = sv_make(*text, 0);
	while (in_word(word.ptr[word.len]))
		word.len++;
	if (!word.len && **text)
		word.len = 1;
	*text += word.len;
	return word;
}

/* Up to the comma, parenthesis or semicolon that ends a column. */
static void skip_column(const char **text, bool *is_key, bool *numbered)
{
	int depth = 0;

	while (**text) {
		const char *before = *text;
		struct sv word = next_word(text);

		if (!depth && (word.ptr[0] == ',' || word.ptr[0] == ')' ||
			       word.ptr[0] == ';')) {
			*text = before;
			return;
		}
		depth += (word.ptr[0] == '(') - (word.ptr[0] == ')');
		*is_key |= sv_eq_str(word, "PRIMARY");
		*numbered |= sv_eq_str(word, "IDENTITY");
	}
}

static enum pg_type type_of(struct sv word)
{
	if (sv_eq_str(word, "bigint"))
		return PG_INT8;
	return sv_eq_str(word, "bytea") ? PG_BYTEA : PG_TEXT;
}

static void read_column(struct pg_table *table, struct sv name,
			const char **text)
{
	struct pg_column *column = &table->columns[table->count++];
	bool is_key = false;

	assert(table->count <= MAX_COLUMNS);
	column->name = name;
	column->type = type_of(next_word(text));
	skip_column(text, &is_key, &table->numbered);
	if (is_key)
		table->keys = 1;
}

/* "PRIMARY" was read: KEY (a, b). */
static void read_key(struct pg_table *table, const char **text)
{
	struct sv word;

	do {
		word = next_word(text);
		if (table->keys < table->count &&
		    sv_eq(word, table->columns[table->keys].name))
			table->keys++;
	} while (word.len && word.ptr[0] != ')');
	assert(table->keys <= MAX_KEYS);
}

static void read_table(struct pg_catalogue *catalogue, const char **text)
{
	struct pg_table table = { .name = next_word(text) };
	struct sv word;
	int i;

	do {
		(void)next_word(text); /* the parenthesis, then commas */
		word = next_word(text);
		if (sv_eq_str(word, "PRIMARY"))
			read_key(&table, text);
		else
			read_column(&table, word, text);
		while (isspace((unsigned char)**text))
			(*text)++;
	} while (**text == ',');
	for (i = 0; i < table.keys; i++)
		table.has_text_key |= table.columns[i].type != PG_INT8;
	vec_push(&catalogue->tables, table);
	assert(catalogue->tables.len <= MAX_TABLES);
}

/* "RENAME COLUMN" was read: a TO b. */
static void read_rename(struct pg_table *table, const char **text)
{
	struct sv old = next_word(text);
	int i;

	(void)next_word(text); /* TO */
	for (i = 0; i < table->count; i++)
		if (sv_eq(table->columns[i].name, old))
			table->columns[i].name = next_word(text);
}

static void read_alter(struct pg_catalogue *catalogue, const char **text)
{
	int at = catalogue_find(catalogue, next_word(text));
	struct sv verb = next_word(text);

	if (at < 0 || sv_eq_str(verb, "DROP"))
		return;
	(void)next_word(text); /* COLUMN */
	if (sv_eq_str(verb, "RENAME"))
		read_rename(&catalogue->tables.at[at], text);
	else
		read_column(&catalogue->tables.at[at], next_word(text), text);
}

/* Up to the end of a statement. */
static void skip_statement(const char **text)
{
	while (**text && **text != ';')
		(*text)++;
	if (**text)
		(*text)++;
}

static void read_step(struct pg_catalogue *catalogue, const char *text)
{
	while (*text) {
		struct sv verb = next_word(&text);
		struct sv what = next_word(&text);

		if (sv_eq_str(what, "TABLE") && sv_eq_str(verb, "CREATE"))
			read_table(catalogue, &text);
		else if (sv_eq_str(what, "TABLE") && sv_eq_str(verb, "ALTER"))
			read_alter(catalogue, &text);
		skip_statement(&text);
	}
}

void catalogue_read(struct pg_catalogue *catalogue, const char *const *steps)
{
	for (; *steps; steps++)
		read_step(catalogue, *steps);
}

void catalogue_release(struct pg_catalogue *catalogue)
{
	vec_release(&catalogue->tables);
}

int catalogue_find(const struct pg_catalogue *catalogue, struct sv name)
{
	size_t i;

	for (i = 0; i < catalogue->tables.len; i++)
		if (sv_eq(catalogue->tables.at[i].name, name))
			return (int)i;
	return -1;
}
