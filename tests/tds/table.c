/*
 * table.c - CREATE TABLE, with what SQLite does not see to
 *
 * The length and the kind of a value are checked by constraints whose names
 * are the errors that SQL Server would tell ("tds:2628:table.column").
 * Identities and row versions are defaults.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include <stdio.h>

struct maker {
	struct client *client;
	const struct token *tokens;
	struct strbuf *sql;
	struct sv table;
};

static void add_expression(struct maker *mk, size_t from, size_t to)
{
	struct statement ignored = { 0 };

	if (from < to)
		(void)rewrite_statement(mk->client, mk->tokens + from,
					to - from, mk->sql, &ignored);
	vec_release(&ignored.hints);
}

/* ---- what a column may hold ---- */

static void add_check(struct maker *mk, int number, struct sv column,
		      const char *format, int limit)
{
	char before[40];

	(void)snprintf(before, sizeof(before), "tds:%d:", number);
	strbuf_adds(mk->sql, " CONSTRAINT ");
	rewrite_add_name(mk->sql,
			 sv_from(arena_printf(
				 &mk->client->arena, "%s" SV_FMT "." SV_FMT,
				 before, SV_ARG(mk->table), SV_ARG(column))));
	strbuf_adds(mk->sql, " CHECK (");
	for (; *format; format++) {
		if (*format == '$')
			rewrite_add_name(mk->sql, column);
		else if (*format == '#')
			strbuf_addf(mk->sql, "%d", limit);
		else
			strbuf_addc(mk->sql, *format);
	}
	strbuf_addc(mk->sql, ')');
}

#define IS_INTEGER "typeof($) IN ('integer', 'null')"

static void add_checks(struct maker *mk, struct sv column,
		       const struct type *type)
{
	static const char *const ranges[] = {
		[T_BIT] = "$ IN (0, 1)",
		[T_TINYINT] = "$ BETWEEN 0 AND 255",
		[T_SMALLINT] = "$ BETWEEN -32768 AND 32767",
		[T_INT] = "$ BETWEEN -2147483648 AND 2147483647",
		[T_BIGINT] = "1",
	};

	if (type->id <= T_BIGINT) {
		add_check(mk, 245, column, IS_INTEGER, 0);
		if (type->id != T_BIGINT)
			add_check(mk, 220, column, ranges[type->id], 0);
	} else if (type->id <= T_FLOAT) {
		add_check(mk, 8114, column, "tds_is_number($)", 0);
	} else if (type_is_text(type) && type->size) {
		add_check(mk, 2628, column,
			  type_is_wide(type) ? "tds_units($) <= #"
					     : "length($) <= #",
			  type->size);
	} else if (type_is_bytes(type) && type->size) {
		add_check(mk, 2628, column, "length($) <= #", type->size);
	} else if (type_is_moment(type)) {
		add_check(mk, 241, column, "tds_is_moment($)", 0);
	} else if (type->id == T_GUID) {
		add_check(mk, 8169, column, "$ IS NULL OR length($) = 36", 0);
	}
}

/* SQLite knows the kind of comparison by the word "text" in the type. */
static void add_type(struct maker *mk, const struct type *type, bool exact)
{
	bool digits = type->id == T_DECIMAL && type->precision > 15;

	strbuf_addf(mk->sql, " %s", type_name(type));
	if (type_is_moment(type) || type->id == T_GUID || digits)
		strbuf_adds(mk->sql, " text");
	if (type->id == T_DECIMAL)
		strbuf_addf(mk->sql, "(%d,%d)", type->precision, type->scale);
	else if (type->id >= T_TIME)
		strbuf_addf(mk->sql, "(%d)", type->scale);
	else if (type_is_text(type) || type_is_bytes(type))
		strbuf_addf(mk->sql, "(%d)", type->size);
	if (type_is_moment(type))
		strbuf_adds(mk->sql, " COLLATE SQL_DATE");
	else if (digits)
		strbuf_adds(mk->sql, " COLLATE SQL_NUMBER");
	else if ((type_is_text(type) || type->id == T_GUID) && !exact)
		strbuf_adds(mk->sql, " COLLATE SQL_CI");
}

/* ---- columns ---- */

static size_t behind_type(const struct maker *mk, size_t at, size_t to)
{
	at++;
	if (at < to && token_is(&mk->tokens[at], "PRECISION"))
		at++;
	if (at < to && token_is(&mk->tokens[at], "("))
		at = token_behind(mk->tokens, to, at);
	return at;
}

/* DEFAULT's expression: in brackets, a function, or one word. */
static size_t behind_default(const struct maker *mk, size_t at, size_t to)
{
	if (at < to && token_is(&mk->tokens[at], "("))
		return token_behind(mk->tokens, to, at);
	if (at < to &&
	    (token_is(&mk->tokens[at], "-") || token_is(&mk->tokens[at], "+")))
		at++;
	at++;
	if (at < to && token_is(&mk->tokens[at], "("))
		at = token_behind(mk->tokens, to, at);
	return at;
}

/* REFERENCES t (c) ON DELETE CASCADE */
static size_t add_references(struct maker *mk, size_t at, size_t to)
{
	struct sv table;

	at++;
	table = rewrite_table(mk->client, mk->tokens, to, &at);
	strbuf_adds(mk->sql, " REFERENCES ");
	rewrite_add_name(mk->sql, table);
	if (at < to && token_is(&mk->tokens[at], "(")) {
		size_t end = token_behind(mk->tokens, to, at);

		add_expression(mk, at, end);
		at = end;
	}
	while (at + 2 < to && token_is(&mk->tokens[at], "ON")) {
		size_t words = token_is(&mk->tokens[at + 2], "CASCADE") ? 3 : 4;

		for (size_t i = 0; i < words && at < to; i++, at++)
			strbuf_addf(mk->sql, " " SV_FMT,
				    SV_ARG(mk->tokens[at].value));
	}
	return at;
}

static size_t pass_clustered(const struct maker *mk, size_t at, size_t to)
{
	while (at < to && (token_is(&mk->tokens[at], "CLUSTERED") ||
			   token_is(&mk->tokens[at], "NONCLUSTERED")))
		at++;
	return at;
}

/* One of a column's words; gives what is behind it. */
static size_t attribute(struct maker *mk, size_t at, size_t to, bool *not_null)
{
	const struct token *tokens = mk->tokens;
	const struct token *token = &tokens[at];

	if (token_is(token, "NOT") && at + 1 < to) {
		*not_null = true;
		return at + 2;
	}
	if (token_is(token, "IDENTITY")) {
		strbuf_adds(mk->sql, " DEFAULT (tds_identity('");
		strbuf_addsv(mk->sql, mk->table);
		strbuf_adds(mk->sql, "'))");
		*not_null = true;
		at++;
		return at < to && token_is(&tokens[at], "(")
			       ? token_behind(tokens, to, at)
			       : at;
	}
	if (token_is(token, "PRIMARY")) {
		strbuf_adds(mk->sql, " PRIMARY KEY");
		*not_null = true;
		return pass_clustered(mk, at + 2, to);
	}
	if (token_is(token, "UNIQUE")) {
		strbuf_adds(mk->sql, " UNIQUE");
		return pass_clustered(mk, at + 1, to);
	}
	if (token_is(token, "DEFAULT")) {
		size_t end = behind_default(mk, at + 1, to);

		strbuf_adds(mk->sql, " DEFAULT (");
		add_expression(mk, at + 1, end);
		strbuf_addc(mk->sql, ')');
		return end;
	}
	if (token_is(token, "CHECK")) {
		size_t end = token_behind(tokens, to, at + 1);

		strbuf_adds(mk->sql, " CHECK");
		add_expression(mk, at + 1, end);
		return end;
	}
	if (token_is(token, "REFERENCES"))
		return add_references(mk, at, to);
	if (token_is(token, "CONSTRAINT") || token_is(token, "COLLATE"))
		return at + 2;
	return at + 1;
}

static bool is_exact(const struct maker *mk, size_t from, size_t to)
{
	for (; from + 1 < to; from++) {
		struct sv name = mk->tokens[from + 1].value;

		if (token_is(&mk->tokens[from], "COLLATE") &&
		    (sv_ends(name, SV_LIT("_BIN")) ||
		     sv_ends(name, SV_LIT("_BIN2")) ||
		     sv_ends(name, SV_LIT("_CS_AS"))))
			return true;
	}
	return false;
}

static int column(struct maker *mk, size_t from, size_t to)
{
	struct sv name = mk->tokens[from].value;
	struct type type;
	size_t at = from + 1;
	bool not_null = false;

	rewrite_add_name(mk->sql, name);
	if (at < to && token_is(&mk->tokens[at], "AS")) {
		strbuf_adds(mk->sql, " GENERATED ALWAYS AS (");
		add_expression(mk, at + 1, to);
		strbuf_addc(mk->sql, ')');
		return 0;
	}
	/* a column that is only called timestamp is one */
	if (at >= to && sv_ieq_str(name, "timestamp"))
		at = from;
	if (at >= to || !type_parse(token_span(mk->tokens + at,
					       behind_type(mk, at, to) - at),
				    &type)) {
		reply_error(mk->client, 2715, 16,
			    "Column '%.*s': Cannot find data type.",
			    SV_ARG(name));
		return -1;
	}
	add_type(mk, &type, is_exact(mk, at, to));
	at = behind_type(mk, at, to);
	if (type.id == T_ROWVERSION) {
		strbuf_adds(mk->sql, " DEFAULT (tds_rowversion())");
		not_null = true;
	}
	while (at < to)
		at = attribute(mk, at, to, &not_null);
	if (not_null)
		strbuf_adds(mk->sql, " NOT NULL");
	add_checks(mk, name, &type);
	return 0;
}

static void add_key_columns(struct maker *mk, size_t at, size_t to)
{
	at = pass_clustered(mk, at, to);
	if (at < to && token_is(&mk->tokens[at], "("))
		add_expression(mk, at, token_behind(mk->tokens, to, at));
}

/* A constraint of the table; 0: this is a column. */
static int constraint(struct maker *mk, size_t at, size_t to)
{
	const struct token *tokens = mk->tokens;

	if (token_is(&tokens[at], "CONSTRAINT")) {
		strbuf_adds(mk->sql, "CONSTRAINT ");
		rewrite_add_name(mk->sql, tokens[at + 1].value);
		strbuf_addc(mk->sql, ' ');
		at += 2;
	}
	if (token_is(&tokens[at], "PRIMARY")) {
		strbuf_adds(mk->sql, "PRIMARY KEY");
		add_key_columns(mk, at + 2, to);
	} else if (token_is(&tokens[at], "UNIQUE")) {
		strbuf_adds(mk->sql, "UNIQUE");
		add_key_columns(mk, at + 1, to);
	} else if (token_is(&tokens[at], "CHECK")) {
		strbuf_adds(mk->sql, "CHECK");
		add_expression(mk, at + 1, to);
	} else if (token_is(&tokens[at], "FOREIGN")) {
		size_t end = token_behind(tokens, to, at + 2);

		strbuf_adds(mk->sql, "FOREIGN KEY");
		add_expression(mk, at + 2, end);
		(void)add_references(mk, end, to);
	} else {
		return 0;
	}
	return 1;
}

static int elements(struct maker *mk, size_t from, size_t to)
{
	while (from < to) {
		size_t end = from;

		while (end < to && !token_is(&mk->tokens[end], ",")) {
			if (token_is(&mk->tokens[end], "("))
				end = token_behind(mk->tokens, to, end);
			else
				end++;
		}
		if (!constraint(mk, from, end) && column(mk, from, end) < 0)
			return -1;
		from = end + 1;
		if (from < to)
			strbuf_adds(mk->sql, ", ");
	}
	return 0;
}

int table_create(struct client *client, const struct token *tokens,
		 size_t count, struct strbuf *sql)
{
	struct maker mk = { client, tokens, sql, SV_NULL };
	size_t at = 2;
	int ret;

	mk.table = rewrite_table(client, tokens, count, &at);
	strbuf_adds(sql, "CREATE TABLE ");
	if (mk.table.len && mk.table.ptr[0] == '#')
		strbuf_adds(sql, "temp.");
	rewrite_add_name(sql, mk.table);
	strbuf_adds(sql, " (");
	ret = elements(&mk, at + 1, token_behind(tokens, count, at) - 1);
	strbuf_addc(sql, ')');
	return ret;
}

/* ALTER TABLE t ADD column */
int table_alter(struct client *client, const struct token *tokens, size_t count,
		struct strbuf *sql)
{
	struct maker mk = { client, tokens, sql, SV_NULL };
	size_t at = 2;

	mk.table = rewrite_table(client, tokens, count, &at);
	if (at + 1 < count && token_is(&tokens[at], "ENABLE"))
		return track_enable(client, mk.table);
	strbuf_adds(sql, "ALTER TABLE ");
	rewrite_add_name(sql, mk.table);
	if (at + 2 < count && token_is(&tokens[at], "DROP")) {
		strbuf_adds(sql, " DROP COLUMN ");
		rewrite_add_name(sql, tokens[count - 1].value);
		return 0;
	}
	strbuf_adds(sql, " ADD COLUMN ");
	return column(&mk, at + 1, count);
}

struct sv table_version_column(struct client *client, struct sv table,
			       struct arena *arena)
{
	struct sv name = SV_LIT("");
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(client->db,
			       "SELECT name FROM pragma_table_info(?1)"
			       " WHERE dflt_value LIKE 'tds_rowversion%'",
			       -1, &stmt, NULL) != SQLITE_OK)
		return name;
	(void)sqlite3_bind_text(stmt, 1, table.ptr, (int)table.len,
				SQLITE_STATIC);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		name = arena_dup(
			arena,
			sv_from((const char *)sqlite3_column_text(stmt, 0)));
	(void)sqlite3_finalize(stmt);
	return name;
}
