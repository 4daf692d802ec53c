/*
 * run.c - one statement: compiled, run, its rows and its errors told
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include "base/clock.h"

#include <stdlib.h>

#define CACHE_MOST 200

/* ---- compiled statements ---- */

void statement_free(struct statement *st)
{
	char **name;

	if (!st)
		return;
	(void)sqlite3_finalize(st->stmt);
	vec_foreach(&st->reads, name)
		mem_free(*name);
	vec_foreach(&st->writes, name)
		mem_free(*name);
	vec_release(&st->reads);
	vec_release(&st->writes);
	vec_release(&st->hints);
	mem_free(st->text);
	mem_free(st);
}

struct statement *statement_compile(struct client *client, struct sv sql,
				    char kind)
{
	struct statement *st = mem_zalloc(sizeof(*st));
	int ret;

	st->kind = kind;
	st->schema = client->server->schema;
	client->compiling = st;
	ret = sqlite3_prepare_v2(client->db, sql.ptr, (int)sql.len, &st->stmt,
				 NULL);
	client->compiling = NULL;
	if (ret == SQLITE_OK)
		return st;
	(void)run_error(client, st, ret);
	statement_free(st);
	return NULL;
}

static char kind_of(const struct token *token)
{
	if (token_is(token, "SELECT") || token_is(token, "WITH"))
		return 's';
	if (token_is(token, "INSERT"))
		return 'i';
	if (token_is(token, "UPDATE"))
		return 'u';
	if (token_is(token, "DELETE") || token_is(token, "TRUNCATE"))
		return 'd';
	return 'x';
}

static void forget_all(struct client *client)
{
	struct statement **st;

	vec_foreach(&client->cache, st)
		statement_free(*st);
	vec_clear(&client->cache);
}

static struct statement *cached(struct client *client, struct sv text)
{
	struct statement **st;

	vec_foreach(&client->cache, st) {
		if ((*st)->schema != client->server->schema) {
			forget_all(client);
			return NULL;
		}
		if (sv_eq_str(text, (*st)->text))
			return *st;
	}
	return NULL;
}

static struct statement *made(struct client *client, const struct token *tokens,
			      size_t count)
{
	struct sv text = token_span(tokens, count);
	struct statement *st = cached(client, text);
	struct strbuf sql = STRBUF_INIT((size_t)1 << 28);
	struct statement hints = { 0 };

	if (st)
		return st;
	if (rewrite_statement(client, tokens, count, &sql, &hints) == 0)
		st = statement_compile(client, strbuf_sv(&sql),
				       kind_of(tokens));
	strbuf_release(&sql);
	if (!st) {
		vec_release(&hints.hints);
		return NULL;
	}
	memcpy(&st->hints, &hints.hints, sizeof(st->hints));
	st->text = mem_alloc(text.len + 1);
	memcpy(st->text, text.ptr, text.len);
	st->text[text.len] = 0;
	if (client->cache.len >= CACHE_MOST)
		forget_all(client);
	vec_push(&client->cache, st);
	return st;
}

static int bind_one(sqlite3_stmt *stmt, int number, const struct datum *value)
{
	switch (value->kind) {
	case DATUM_NULL:
		return sqlite3_bind_null(stmt, number);
	case DATUM_INT:
		return sqlite3_bind_int64(stmt, number, value->i);
	case DATUM_REAL:
		return sqlite3_bind_double(stmt, number, value->r);
	case DATUM_TEXT:
		return sqlite3_bind_text(stmt, number, value->s.ptr,
					 (int)value->s.len, SQLITE_STATIC);
	case DATUM_BYTES:
		return sqlite3_bind_blob(stmt, number,
					 value->s.len ? value->s.ptr : "",
					 (int)value->s.len, SQLITE_STATIC);
	}
	return SQLITE_OK;
}

int statement_bind(struct client *client, struct statement *st,
		   struct variables *vars)
{
	int count = sqlite3_bind_parameter_count(st->stmt);

	for (int i = 1; i <= count; i++) {
		const char *name = sqlite3_bind_parameter_name(st->stmt, i);
		struct variable *var =
			vars && name ? variable_find(vars, sv_from(name))
				     : NULL;

		if (!var) {
			reply_error(client, 137, 15,
				    "Must declare the scalar variable \"%s\".",
				    name ? name : "?");
			return -1;
		}
		if (bind_one(st->stmt, i, &var->value) != SQLITE_OK)
			return run_error(client, st, SQLITE_ERROR);
	}
	return 0;
}

struct datum statement_datum(sqlite3_stmt *stmt, int column)
{
	struct datum value = { .kind = DATUM_NULL };

	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_INTEGER:
		value.kind = DATUM_INT;
		value.i = sqlite3_column_int64(stmt, column);
		break;
	case SQLITE_FLOAT:
		value.kind = DATUM_REAL;
		value.r = sqlite3_column_double(stmt, column);
		break;
	case SQLITE_TEXT:
		value.kind = DATUM_TEXT;
		value.s.ptr = (const char *)sqlite3_column_text(stmt, column);
		value.s.len = (size_t)sqlite3_column_bytes(stmt, column);
		break;
	case SQLITE_BLOB:
		value.kind = DATUM_BYTES;
		value.s.ptr = sqlite3_column_blob(stmt, column);
		value.s.len = (size_t)sqlite3_column_bytes(stmt, column);
		if (!value.s.ptr)
			value.s = SV_LIT("");
		break;
	default:
		break;
	}
	return value;
}

/* ---- types of a result ---- */

static struct type type_of_datum(const struct datum *value)
{
	switch (value->kind) {
	case DATUM_INT:
		return (struct type){ .id = T_BIGINT, .size = 8 };
	case DATUM_REAL:
		return (struct type){ .id = T_FLOAT, .size = 8 };
	case DATUM_BYTES:
		return (struct type){ .id = T_VARBINARY,
				      .size = value->s.len <= 8000 ? 8000 : 0 };
	case DATUM_NULL:
	case DATUM_TEXT:
		break;
	}
	return (struct type){ .id = T_NVARCHAR,
			      .size = value->s.len <= 4000 ? 4000 : 0 };
}

static struct type type_of_column(const struct statement *st, int column,
				  const struct datum *first)
{
	const char *declared = sqlite3_column_decltype(st->stmt, column);
	struct type type;

	if (declared && type_parse(sv_from(declared), &type))
		return type;
	if ((size_t)column < st->hints.len && st->hints.at[column].size >= 0)
		return st->hints.at[column];
	return type_of_datum(first);
}

struct result {
	size_t count;
	struct type *types;
	struct datum *values;
};

static void take_values(struct statement *st, struct result *result)
{
	for (size_t i = 0; i < result->count; i++)
		result->values[i] = statement_datum(st->stmt, (int)i);
}

/* COLMETADATA by what the first row is, if there is one. */
static void begin_result(struct client *client, struct statement *st, bool row,
			 struct result *result)
{
	const char **names;
	bool *nullable;

	result->count = (size_t)sqlite3_column_count(st->stmt);
	names = arena_array(&client->arena, result->count, sizeof(*names));
	nullable =
		arena_array(&client->arena, result->count, sizeof(*nullable));
	result->types = arena_array(&client->arena, result->count,
				    sizeof(*result->types));
	result->values = arena_array(&client->arena, result->count,
				     sizeof(*result->values));
	if (row)
		take_values(st, result);
	for (size_t i = 0; i < result->count; i++) {
		const char *name = sqlite3_column_name(st->stmt, (int)i);

		/* what has no name has none in SQL Server */
		names[i] = name && !strpbrk(name, "()'") ? name : "";
		nullable[i] = true;
		result->types[i] = type_sent(
			type_of_column(st, (int)i, &result->values[i]),
			client->version);
	}
	reply_columns(client, names, result->types, nullable, result->count);
}

int statement_describe(struct client *client, const struct token *tokens,
		       size_t count)
{
	struct statement *st = made(client, tokens, count);
	struct result result;

	if (!st)
		return -1;
	begin_result(client, st, false, &result);
	reply_done(client, 0xc1, false, 0);
	return 0;
}

/* ---- running ---- */

static bool is_dropped(struct client *client, uint64_t rows, int64_t drop_at,
		       int64_t break_at)
{
	if (drop_at >= 0 && rows >= (uint64_t)drop_at)
		pipe_drop(client->pipe, false);
	else if (break_at >= 0 && rows >= (uint64_t)break_at)
		pipe_drop(client->pipe, true);
	else
		return false;
	return true;
}

static int send_rows(struct client *client, struct statement *st, int step,
		     uint64_t *rows)
{
	struct sv text = sv_from(st->text);
	struct result result = { 0 };
	int64_t drop_at = -1;
	int64_t break_at = -1;

	(void)fault_now(client, "drop", text, &drop_at);
	(void)fault_now(client, "garbage", text, &break_at);
	begin_result(client, st, step == SQLITE_ROW, &result);
	for (; step == SQLITE_ROW; step = sqlite3_step(st->stmt)) {
		if (is_dropped(client, *rows, drop_at, break_at) ||
		    ((*rows & 63) == 0 && pipe_cancelled(client->pipe)))
			return SQLITE_INTERRUPT;
		if (*rows)
			take_values(st, &result);
		if (!reply_row(client, result.types, result.values,
			       result.count)) {
			reply_error(client, 8152, 16,
				    "A value is not of its column's type.");
			return SQLITE_INTERRUPT;
		}
		(*rows)++;
	}
	if (!is_dropped(client, *rows, drop_at, break_at) && drop_at >= 0)
		fault_again(client, "drop", text);
	else if (break_at >= 0 && !pipe_broken(client->pipe))
		fault_again(client, "garbage", text);
	return step;
}

static unsigned command_of(char kind)
{
	switch (kind) {
	case 'i':
		return 0xc3;
	case 'u':
		return 0xc5;
	case 'd':
		return 0xc4;
	default:
		return 0xc1;
	}
}

static int step_all(struct client *client, struct statement *st)
{
	uint64_t rows = 0;
	int step = sqlite3_step(st->stmt);
	bool result = sqlite3_column_count(st->stmt) > 0;
	uint64_t count;

	if (result && (step == SQLITE_ROW || step == SQLITE_DONE))
		step = send_rows(client, st, step, &rows);
	if (step == SQLITE_INTERRUPT)
		return -1;
	if (step != SQLITE_DONE)
		return run_error(client, st, step);
	count = st->kind == 's' ? rows
				: (uint64_t)sqlite3_changes64(client->db);
	client->rowcount = (int64_t)count;
	client->last_error = 0;
	reply_done(client, command_of(st->kind), true, count);
	return 0;
}

/* What was asked to go wrong with a statement like this one. */
static int faults(struct client *client, struct sv text)
{
	int64_t number = 0;

	if (fault_now(client, "deadlock", text, &number)) {
		transaction_rollback(client);
		reply_error(client, 1205, 13,
			    "Transaction (Process ID %d) was deadlocked on "
			    "lock resources with another process and has been "
			    "chosen as the deadlock victim. Rerun the "
			    "transaction.",
			    client->session);
		return -1;
	}
	if (fault_now(client, "error", text, &number)) {
		reply_error(client, (int)number, 16, "An error, as asked for.");
		return -1;
	}
	if (fault_now(client, "lock", text, &number)) {
		int64_t end = clock_monotonic_ms() + number * 1000;

		while (clock_monotonic_ms() < end) {
			if (client_may_wait(client))
				continue;
			if (!pipe_cancelled(client->pipe))
				reply_error(client, 1222, 16,
					    "Lock request time out period "
					    "exceeded.");
			return -1;
		}
	}
	return 0;
}

static int run_compiled(struct client *client, struct statement *st,
			struct variables *vars)
{
	int ret;

	client->wait_end = clock_monotonic_ms() + client->lock_timeout;
	if (st->text && client->server->faults.len &&
	    faults(client, sv_from(st->text)) < 0)
		return -1;
	ret = st->writes.len ? transaction_write(client, st)
			     : transaction_read(client, st);
	if (ret == 0)
		ret = statement_bind(client, st, vars);
	if (ret == 0)
		ret = step_all(client, st);
	(void)sqlite3_reset(st->stmt);
	(void)sqlite3_clear_bindings(st->stmt);
	if (transaction_after(client, ret == 0) < 0)
		ret = -1;
	if (ret == -1 && client->abort_on_error)
		transaction_rollback(client);
	return ret;
}

int statement_rows(struct client *client, const char *sql,
		   struct variables *vars, const char *const *types)
{
	struct statement *st = statement_compile(client, sv_from(sql), 's');
	int ret;

	if (!st)
		return -1;
	for (; types && *types; types++) {
		struct type type = { .size = -1 };

		(void)type_parse(sv_from(*types), &type);
		vec_push(&st->hints, type);
	}
	st->text = mem_strdup("");
	ret = run_compiled(client, st, vars);
	statement_free(st);
	return ret;
}

/* ---- CREATE, ALTER, DROP ---- */

static int run_text(struct client *client, struct sv sql)
{
	struct statement *st;
	int ret;

	if (!sql.len)
		return 0;
	st = statement_compile(client, sql, 'x');
	if (!st)
		return -1;
	ret = sqlite3_step(st->stmt);
	ret = ret == SQLITE_DONE || ret == SQLITE_ROW
		      ? 0
		      : run_error(client, st, ret);
	statement_free(st);
	return ret;
}

/* CREATE UNIQUE INDEX i ON t (a, b) INCLUDE (...) WHERE ... */
static int create_index(struct client *client, const struct token *tokens,
			size_t count, struct strbuf *sql)
{
	struct statement ignored = { 0 };
	size_t at = 1;
	size_t end;

	strbuf_adds(sql, "CREATE");
	for (; at < count && !token_is(&tokens[at], "INDEX"); at++) {
		if (token_is(&tokens[at], "UNIQUE"))
			strbuf_adds(sql, " UNIQUE");
	}
	strbuf_adds(sql, " INDEX ");
	rewrite_add_name(sql, tokens[at + 1].value);
	strbuf_adds(sql, " ON ");
	at += 3;
	rewrite_add_name(sql, rewrite_table(client, tokens, count, &at));
	end = token_behind(tokens, count, at);
	return rewrite_statement(client, tokens + at, end - at, sql, &ignored);
}

static int drop(struct client *client, const struct token *tokens, size_t count,
		struct strbuf *sql)
{
	size_t at = 2;

	if (token_is(&tokens[1], "PROCEDURE") || token_is(&tokens[1], "PROC")) {
		strbuf_adds(sql, "DELETE FROM tds_procedures WHERE name = '");
		strbuf_addsv(sql, tokens[count - 1].value);
		strbuf_addc(sql, '\'');
		return 0;
	}
	strbuf_addf(sql, "DROP " SV_FMT, SV_ARG(tokens[1].value));
	if (at + 1 < count && token_is(&tokens[at], "IF")) {
		strbuf_adds(sql, " IF EXISTS");
		at += 2;
	}
	strbuf_addc(sql, ' ');
	rewrite_add_name(sql, rewrite_table(client, tokens, count, &at));
	return 0;
}

static int create_view(struct client *client, const struct token *tokens,
		       size_t count, struct strbuf *sql)
{
	struct statement ignored = { 0 };
	size_t at = 2;
	int ret;

	strbuf_adds(sql, "CREATE VIEW ");
	rewrite_add_name(sql, rewrite_table(client, tokens, count, &at));
	ret = rewrite_statement(client, tokens + at, count - at, sql, &ignored);
	vec_release(&ignored.hints);
	return ret;
}

/* The statement for SQLite, or an empty one when it is done. */
static int define(struct client *client, const struct token *tokens,
		  size_t count, struct strbuf *sql)
{
	const struct token *what = &tokens[1];

	if (token_is(tokens, "DROP"))
		return drop(client, tokens, count, sql);
	if (token_is(tokens, "TRUNCATE")) {
		size_t at = 2;

		strbuf_adds(sql, "DELETE FROM ");
		rewrite_add_name(sql,
				 rewrite_table(client, tokens, count, &at));
		return 0;
	}
	if (token_is(what, "DATABASE")) {
		strbuf_adds(sql, "INSERT OR IGNORE INTO tds_tracking "
				 "VALUES (1, 0)");
		return 0;
	}
	if (token_is(tokens, "ALTER"))
		return table_alter(client, tokens, count, sql);
	if (token_is(what, "TABLE"))
		return table_create(client, tokens, count, sql);
	if (token_is(what, "VIEW"))
		return create_view(client, tokens, count, sql);
	if (token_is(what, "SCHEMA")) {
		strbuf_adds(sql, "INSERT INTO tds_schemas VALUES ('");
		strbuf_addsv(sql, tokens[2].value);
		strbuf_adds(sql, "')");
		return 0;
	}
	if (token_is(what, "PROC") || token_is(what, "PROCEDURE"))
		return procedure_create(client, tokens, count);
	if (token_is(what, "LOGIN") || token_is(what, "USER"))
		return 0;
	return create_index(client, tokens, count, sql);
}

static int run_definition(struct client *client, const struct token *tokens,
			  size_t count)
{
	struct strbuf sql = STRBUF_INIT((size_t)1 << 24);
	int ret = -1;

	client->wait_end = clock_monotonic_ms() + client->lock_timeout;
	if (count > 1 && define(client, tokens, count, &sql) == 0)
		ret = run_text(client, strbuf_sv(&sql));
	strbuf_release(&sql);
	server_lock(client->server);
	client->server->schema++;
	server_unlock(client->server);
	if (ret == 0)
		reply_done(client, 0, false, 0);
	return ret;
}

int statement_run(struct client *client, const struct token *tokens,
		  size_t count, struct variables *vars)
{
	static const char *const known[] = { "SELECT", "INSERT", "UPDATE",
					     "DELETE", "WITH",   NULL };
	static const char *const defines[] = { "CREATE", "ALTER", "DROP",
					       "TRUNCATE", NULL };
	struct statement *st;

	if (token_is_any(tokens, defines))
		return run_definition(client, tokens, count);
	if (!token_is_any(tokens, known)) {
		reply_error(client, 102, 15, "Incorrect syntax near '%.*s'.",
			    SV_ARG(tokens->text));
		return -1;
	}
	st = made(client, tokens, count);
	return st ? run_compiled(client, st, vars) : -1;
}
