/*
 * rewrite.c - a query or change in T-SQL as SQLite has it
 *
 * Token by token; what is in brackets is a scope of its own, with a TOP of its
 * own. What is the same in both languages passes through.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

struct rewriter {
	struct client *client;
	const struct token *tokens;
	struct strbuf *sql;
	struct statement *out;
	struct sv table; /* that is written to */
	bool failed;
};

static void scope(struct rewriter *rw, size_t from, size_t to);

static const char *const hint_words[] = {
	"NOLOCK",          "UPDLOCK",        "HOLDLOCK",     "ROWLOCK",
	"READPAST",        "TABLOCK",        "TABLOCKX",     "XLOCK",
	"READCOMMITTED",   "PAGLOCK",        "NOWAIT",       "SNAPSHOT",
	"READUNCOMMITTED", "REPEATABLEREAD", "SERIALIZABLE", NULL,
};

/* Words of SQLite that are names in T-SQL. */
static const char *const sqlite_words[] = {
	"NOTHING", "LIMIT", "ISNULL",    "NOTNULL",    "GLOB", "REGEXP",
	"MATCH",   "TEMP",  "RETURNING", "DEFERRABLE", NULL,
};

void rewrite_add_name(struct strbuf *sql, struct sv name)
{
	strbuf_addc(sql, '"');
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '"')
			strbuf_addc(sql, '"');
		strbuf_addc(sql, name.ptr[i]);
	}
	strbuf_addc(sql, '"');
}

static void add_string(struct strbuf *sql, struct sv text)
{
	strbuf_addc(sql, '\'');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\'')
			strbuf_addc(sql, '\'');
		strbuf_addc(sql, text.ptr[i]);
	}
	strbuf_addc(sql, '\'');
}

/* ---- names ---- */

static bool is_schema(struct client *client, struct sv name)
{
	sqlite3_stmt *stmt = NULL;
	bool found = false;

	if (sqlite3_prepare_v2(client->db,
			       "SELECT 1 FROM tds_schemas WHERE name = ?1", -1,
			       &stmt, NULL) == SQLITE_OK) {
		(void)sqlite3_bind_text(stmt, 1, name.ptr, (int)name.len,
					SQLITE_STATIC);
		found = sqlite3_step(stmt) == SQLITE_ROW;
	}
	(void)sqlite3_finalize(stmt);
	return found;
}

#define PARTS_MAX 5

/* Names with dots between them; the number of parts, and *at behind them. */
static size_t take_parts(const struct token *tokens, size_t count, size_t *at,
			 struct sv *parts)
{
	size_t found = 0;

	parts[found++] = tokens[(*at)++].value;
	while (*at < count && token_is(&tokens[*at], ".") &&
	       found < PARTS_MAX) {
		(*at)++;
		if (*at < count && token_is(&tokens[*at], "."))
			parts[found++] = SV_LIT("");
		else if (*at < count)
			parts[found++] = tokens[(*at)++].value;
	}
	return found;
}

/* Leaves out the database and dbo; another schema is a part of the name. */
static size_t without_schema(struct client *client, struct sv *parts,
			     size_t count)
{
	if (count >= 3 && sv_ieq_str(parts[0], client->server->options.name)) {
		count--;
		memmove(parts, parts + 1, count * sizeof(*parts));
	}
	if (count < 2)
		return count;
	if (!parts[0].len || sv_ieq_str(parts[0], "dbo")) {
		count--;
		memmove(parts, parts + 1, count * sizeof(*parts));
	} else if (is_schema(client, parts[0])) {
		parts[1] = sv_from(
			arena_printf(&client->arena, SV_FMT "." SV_FMT,
				     SV_ARG(parts[0]), SV_ARG(parts[1])));
		count--;
		memmove(parts, parts + 1, count * sizeof(*parts));
	}
	return count;
}

struct sv rewrite_table(struct client *client, const struct token *tokens,
			size_t count, size_t *at)
{
	struct sv parts[PARTS_MAX];
	size_t found;

	if (*at >= count || !token_is_name(&tokens[*at]))
		return SV_LIT("");
	found = take_parts(tokens, count, at, parts);
	found = without_schema(client, parts, found);
	return parts[found - 1];
}

static size_t names(struct rewriter *rw, size_t from, size_t to)
{
	struct sv parts[PARTS_MAX];
	size_t at = from;
	size_t count = take_parts(rw->tokens, to, &at, parts);

	count = without_schema(rw->client, parts, count);
	if (count == 2 && (sv_ieq_str(parts[0], "inserted") ||
			   sv_ieq_str(parts[0], "deleted")))
		parts[0] = parts[--count];
	strbuf_addc(rw->sql, ' ');
	for (size_t i = 0; i < count; i++) {
		if (i)
			strbuf_addc(rw->sql, '.');
		if (sv_eq_str(parts[i], "*"))
			strbuf_addc(rw->sql, '*');
		else
			rewrite_add_name(rw->sql, parts[i]);
	}
	return at;
}

/* ---- functions ---- */

static const struct {
	const char *name;
	const char *ours;
} functions[] = {
	{ "ISNULL", "ifnull" },
	{ "LEN", "tds_len" },
	{ "DATALENGTH", "tds_datalength" },
	{ "GETDATE", "tds_getdate" },
	{ "GETUTCDATE", "tds_getdate" },
	{ "SYSDATETIME", "tds_sysdatetime" },
	{ "SYSUTCDATETIME", "tds_sysdatetime" },
	{ "SYSDATETIMEOFFSET", "tds_sysoffset" },
	{ "NEWID", "tds_newid" },
	{ "NEWSEQUENTIALID", "tds_newid" },
	{ "CHARINDEX", "tds_charindex" },
	{ "LEFT", "tds_left" },
	{ "RIGHT", "tds_right" },
	{ "SUBSTRING", "substr" },
	{ "CONCAT", "tds_concat" },
	{ "CEILING", "ceil" },
	{ "DB_NAME", "tds_db_name" },
	{ "DB_ID", "tds_db_id" },
	{ "COLUMNPROPERTY", "tds_column_property" },
	{ "SUSER_SNAME", "tds_user" },
	{ "SUSER_NAME", "tds_user" },
	{ "USER_NAME", "tds_user" },
	{ "ORIGINAL_LOGIN", "tds_user" },
	{ "SCHEMA_NAME", "tds_schema_name" },
	{ "SERVERPROPERTY", "tds_property" },
	{ "SCOPE_IDENTITY", "tds_scope_identity" },
	{ "MIN_ACTIVE_ROWVERSION", "tds_min_active" },
	{ "OBJECT_ID", "tds_object_id" },
	{ "YEAR", "tds_year" },
	{ "MONTH", "tds_month" },
	{ "DAY", "tds_day" },
};

static const char *function_of(const struct token *token)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (token_is(token, functions[i].name))
			return functions[i].ours;
	}
	return NULL;
}

/* The comma, or `word`, in brackets that are open; or `to`. */
static size_t find_level(const struct rewriter *rw, size_t from, size_t to,
			 const char *word)
{
	while (from < to && !token_is(&rw->tokens[from], word)) {
		if (token_is(&rw->tokens[from], "("))
			from = token_behind(rw->tokens, to, from);
		else
			from++;
	}
	return from;
}

static size_t last_as(const struct rewriter *rw, size_t from, size_t to)
{
	size_t found = to;

	for (;;) {
		from = find_level(rw, from, to, "AS");
		if (from >= to)
			return found;
		found = from++;
	}
}

/* CONVERT(type, value, style), CAST(value AS type) */
static void convert(struct rewriter *rw, size_t name, size_t to)
{
	const struct token *tokens = rw->tokens;
	bool cast = token_is(&tokens[name], "CAST") ||
		    token_is(&tokens[name], "TRY_CAST");
	bool tries = token_is(&tokens[name], "TRY_CAST") ||
		     token_is(&tokens[name], "TRY_CONVERT");
	size_t from = name + 2;
	size_t split = cast ? last_as(rw, from, to)
			    : find_level(rw, from, to, ",");

	if (split >= to) {
		rw->failed = true;
		return;
	}
	strbuf_adds(rw->sql, tries ? " tds_try_convert(" : " tds_convert(");
	if (cast) {
		add_string(rw->sql,
			   token_span(tokens + split + 1, to - split - 1));
		strbuf_addc(rw->sql, ',');
		scope(rw, from, split);
	} else {
		add_string(rw->sql, token_span(tokens + from, split - from));
		strbuf_addc(rw->sql, ',');
		scope(rw, split + 1, to);
	}
	strbuf_addc(rw->sql, ')');
}

/* DATEADD(day, ...): the part is a name, to us a text. */
static void with_part(struct rewriter *rw, size_t name, size_t to)
{
	strbuf_addf(rw->sql, " tds_" SV_FMT "('" SV_FMT "'",
		    SV_ARG(rw->tokens[name].value),
		    SV_ARG(rw->tokens[name + 2].value));
	scope(rw, name + 3, to);
	strbuf_addc(rw->sql, ')');
}

static void changetable(struct rewriter *rw, size_t name, size_t to)
{
	struct strbuf since = STRBUF_INIT(10000);
	struct strbuf *sql = rw->sql;
	size_t at = name + 3;
	struct sv table = rewrite_table(rw->client, rw->tokens, to, &at);

	rw->sql = &since;
	scope(rw, at + 1, to);
	rw->sql = sql;
	if (track_changes(rw->client, table, strbuf_sv(&since), sql) < 0)
		rw->failed = true;
	strbuf_release(&since);
}

static void min_valid(struct rewriter *rw, size_t name, size_t to)
{
	strbuf_adds(rw->sql, " (SELECT min_valid FROM tds_tracked WHERE id =");
	scope(rw, name + 2, to);
	strbuf_addc(rw->sql, ')');
}

/* A name with brackets behind it; gives what is behind those, or 0. */
static size_t function(struct rewriter *rw, size_t at, size_t to)
{
	static const char *const converts[] = { "CONVERT", "CAST",
						"TRY_CONVERT", "TRY_CAST",
						NULL };
	static const char *const dates[] = { "DATEADD", "DATEDIFF", "DATEPART",
					     NULL };
	const struct token *token = &rw->tokens[at];
	const char *ours = function_of(token);
	size_t behind = token_behind(rw->tokens, to, at + 1);

	if (token_is_any(token, converts)) {
		convert(rw, at, behind - 1);
	} else if (token_is_any(token, dates)) {
		with_part(rw, at, behind - 1);
	} else if (token_is(token, "CHANGETABLE")) {
		changetable(rw, at, behind - 1);
	} else if (token_is(token, "CHANGE_TRACKING_CURRENT_VERSION")) {
		strbuf_adds(rw->sql,
			    " (SELECT max(version) FROM tds_tracking)");
	} else if (token_is(token, "CHANGE_TRACKING_MIN_VALID_VERSION")) {
		min_valid(rw, at, behind - 1);
	} else if (ours) {
		strbuf_addf(rw->sql, " %s(", ours);
		scope(rw, at + 2, behind - 1);
		strbuf_addc(rw->sql, ')');
	} else {
		return 0;
	}
	return behind;
}

/* ---- single tokens ---- */

/* Whether this is text by its looks. */
static bool looks_text(const struct rewriter *rw, size_t at, size_t to)
{
	static const char *const texts[] = { "CONCAT", "UPPER", "LOWER",
					     "LEFT",   "RIGHT", "SUBSTRING",
					     "LTRIM",  "RTRIM", NULL };
	const struct token *token = &rw->tokens[at];
	struct type type;

	if (token->kind == TOKEN_STRING || token_is_any(token, texts))
		return true;
	return token_is(token, "CONVERT") && at + 2 < to &&
	       type_parse(rw->tokens[at + 2].value, &type) &&
	       type_is_text(&type);
}

static void other(struct rewriter *rw, size_t from, size_t at, size_t to)
{
	struct sv text = rw->tokens[at].value;

	strbuf_addc(rw->sql, ' ');
	if (sv_eq_str(text, "+") && at > from && at + 1 < to &&
	    (looks_text(rw, at - 1, to) || looks_text(rw, at + 1, to) ||
	     (at + 3 < to && token_is(&rw->tokens[at + 2], "+") &&
	      looks_text(rw, at + 3, to))))
		text = SV_LIT("||");
	strbuf_addsv(rw->sql, text);
}

static void single(struct rewriter *rw, size_t from, size_t at, size_t to)
{
	const struct token *token = &rw->tokens[at];

	switch (token->kind) {
	case TOKEN_QUOTED:
		strbuf_addc(rw->sql, ' ');
		rewrite_add_name(rw->sql, token->value);
		break;
	case TOKEN_STRING:
		strbuf_addc(rw->sql, ' ');
		add_string(rw->sql, token->value);
		break;
	case TOKEN_HEX:
		strbuf_addf(rw->sql, " x'%s" SV_FMT "'",
			    token->value.len % 2 ? "0" : "",
			    SV_ARG(token->value));
		break;
	case TOKEN_GLOBAL:
		strbuf_addf(rw->sql, " tds_global('" SV_FMT "')",
			    SV_ARG(token->value));
		break;
	case TOKEN_NAME:
		if (token->value.ptr[0] == '#' ||
		    token_is_any(token, sqlite_words)) {
			strbuf_addc(rw->sql, ' ');
			rewrite_add_name(rw->sql, token->value);
			break;
		}
		strbuf_addf(rw->sql, " " SV_FMT, SV_ARG(token->value));
		break;
	case TOKEN_NUMBER:
		/* SQLite would make a float of it */
		if (token->value.len > 15 &&
		    sv_find(token->value, '.', 0) < token->value.len) {
			strbuf_addf(rw->sql, " '" SV_FMT "'",
				    SV_ARG(token->value));
			break;
		}
		strbuf_addf(rw->sql, " " SV_FMT, SV_ARG(token->value));
		break;
	case TOKEN_VAR:
		strbuf_addf(rw->sql, " " SV_FMT, SV_ARG(token->value));
		break;
	case TOKEN_OTHER:
		other(rw, from, at, to);
		break;
	}
}

/* ---- clauses ---- */

struct clauses {
	size_t limit_from;
	size_t limit_to;
	size_t offset_from;
	size_t offset_to;
	size_t returning_from;
	size_t returning_to;
};

static size_t take_top(struct rewriter *rw, size_t at, size_t to,
		       struct clauses *clauses)
{
	size_t behind = at + 1;

	if (at >= to || !token_is(&rw->tokens[at], "TOP"))
		return at;
	if (token_is(&rw->tokens[behind], "(")) {
		behind = token_behind(rw->tokens, to, behind);
		clauses->limit_from = at + 2;
		clauses->limit_to = behind - 1;
	} else {
		clauses->limit_from = behind++;
		clauses->limit_to = behind;
	}
	return behind;
}

static size_t select_words(struct rewriter *rw, size_t at, size_t to,
			   struct clauses *clauses)
{
	strbuf_adds(rw->sql, " SELECT");
	at++;
	if (at < to && (token_is(&rw->tokens[at], "DISTINCT") ||
			token_is(&rw->tokens[at], "ALL"))) {
		single(rw, at, at, to);
		at++;
	}
	return take_top(rw, at, to, clauses);
}

static size_t output_clause(struct rewriter *rw, size_t at, size_t to,
			    struct clauses *clauses)
{
	static const char *const ends[] = { "VALUES", "SELECT",  "FROM",
					    "WHERE",  "DEFAULT", "EXEC",
					    NULL };

	clauses->returning_from = ++at;
	while (at < to && !token_is_any(&rw->tokens[at], ends))
		at++;
	clauses->returning_to = at;
	return at;
}

/* OFFSET n ROWS FETCH NEXT m ROWS ONLY */
static size_t offset_clause(struct rewriter *rw, size_t at, size_t to,
			    struct clauses *clauses)
{
	clauses->offset_from = at + 1;
	while (at < to && !token_is(&rw->tokens[at], "ROWS") &&
	       !token_is(&rw->tokens[at], "ROW"))
		at++;
	clauses->offset_to = at++;
	if (at + 1 >= to || !token_is(&rw->tokens[at], "FETCH"))
		return at;
	clauses->limit_from = at + 2;
	while (at < to && !token_is(&rw->tokens[at], "ROWS") &&
	       !token_is(&rw->tokens[at], "ROW"))
		at++;
	clauses->limit_to = at;
	return at + 2 < to ? at + 2 : to;
}

static void add_clauses(struct rewriter *rw, const struct clauses *clauses)
{
	if (clauses->limit_to) {
		strbuf_adds(rw->sql, " LIMIT");
		scope(rw, clauses->limit_from, clauses->limit_to);
	} else if (clauses->offset_to) {
		strbuf_adds(rw->sql, " LIMIT -1");
	}
	if (clauses->offset_to) {
		strbuf_adds(rw->sql, " OFFSET");
		scope(rw, clauses->offset_from, clauses->offset_to);
	}
	if (clauses->returning_to) {
		strbuf_adds(rw->sql, " RETURNING");
		scope(rw, clauses->returning_from, clauses->returning_to);
	}
}

static size_t collation(struct rewriter *rw, size_t at)
{
	struct sv name = rw->tokens[at + 1].value;
	bool exact = false;

	for (size_t i = 0; i + 3 <= name.len; i++) {
		struct sv part = sv_sub(name, i, i + 3);

		exact = exact || sv_ieq_str(part, "_CS") ||
			sv_ieq_str(part, "_BI");
	}
	strbuf_addf(rw->sql, " COLLATE %s", exact ? "BINARY" : "SQL_CI");
	return at + 2;
}

/* What is left out: hints. 0: this is none. */
static size_t hint(const struct rewriter *rw, size_t at, size_t to)
{
	const struct token *tokens = rw->tokens;

	if (at + 2 < to && token_is(&tokens[at], "WITH") &&
	    token_is(&tokens[at + 1], "(") &&
	    token_is_any(&tokens[at + 2], hint_words))
		return token_behind(tokens, to, at + 1);
	if (at + 1 < to && token_is(&tokens[at], "OPTION") &&
	    token_is(&tokens[at + 1], "("))
		return token_behind(tokens, to, at + 1);
	return 0;
}

static size_t one(struct rewriter *rw, size_t from, size_t at, size_t to,
		  struct clauses *clauses)
{
	const struct token *token = &rw->tokens[at];
	bool open = at + 1 < to && token_is(&rw->tokens[at + 1], "(");
	size_t behind;

	if (token_is(token, "(")) {
		behind = token_behind(rw->tokens, to, at);
		strbuf_adds(rw->sql, " (");
		scope(rw, at + 1, behind - 1);
		strbuf_addc(rw->sql, ')');
		return behind;
	}
	if (token->kind == TOKEN_NAME) {
		behind = hint(rw, at, to);
		if (!behind && open)
			behind = function(rw, at, to);
		if (behind)
			return behind;
		if (token_is(token, "SELECT"))
			return select_words(rw, at, to, clauses);
		if (token_is(token, "OUTPUT"))
			return output_clause(rw, at, to, clauses);
		if (token_is(token, "COLLATE") && at + 1 < to)
			return collation(rw, at);
		if (token_is(token, "OFFSET") && at + 2 < to && at > from)
			return offset_clause(rw, at, to, clauses);
	}
	if (token_is_name(token) && at + 1 < to &&
	    token_is(&rw->tokens[at + 1], "."))
		return names(rw, at, to);
	single(rw, from, at, to);
	return at + 1;
}

static void scope(struct rewriter *rw, size_t from, size_t to)
{
	struct clauses clauses = { 0 };
	size_t at = from;

	while (at < to && !rw->failed)
		at = one(rw, from, at, to, &clauses);
	add_clauses(rw, &clauses);
}

/* ---- what the columns are ---- */

static const struct type unknown = { .size = -1 };

static void push_hint(struct rewriter *rw, const char *name)
{
	struct type type = unknown;

	if (name)
		(void)type_parse(sv_from(name), &type);
	vec_push(&rw->out->hints, type);
}

static const struct {
	const char *word;
	const char *type;
} hint_types[] = {
	{ "COUNT", "int" },
	{ "GETDATE", "datetime" },
	{ "GETUTCDATE", "datetime" },
	{ "SYSDATETIME", "datetime2(7)" },
	{ "SYSUTCDATETIME", "datetime2(7)" },
	{ "SYSDATETIMEOFFSET", "datetimeoffset(7)" },
	{ "NEWID", "uniqueidentifier" },
	{ "LEN", "int" },
	{ "OBJECT_ID", "int" },
	{ "MIN_ACTIVE_ROWVERSION", "binary(8)" },
	{ "CHANGE_TRACKING_CURRENT_VERSION", "bigint" },
	{ "CHANGE_TRACKING_MIN_VALID_VERSION", "bigint" },
	{ "SCOPE_IDENTITY", "decimal(38,0)" },
	{ "DB_NAME", "nvarchar(128)" },
	{ "SUSER_SNAME", "nvarchar(128)" },
	{ "@@DBTS", "binary(8)" },
	{ "@@IDENTITY", "decimal(38,0)" },
	{ "@@VERSION", "nvarchar(300)" },
	{ "@@SERVERNAME", "nvarchar(128)" },
	{ "@@SPID", "smallint" },
	{ "@@TRANCOUNT", "int" },
	{ "@@ROWCOUNT", "int" },
	{ "@@ERROR", "int" },
};

static void hint_of_item(struct rewriter *rw, size_t from, size_t to)
{
	const struct token *first = &rw->tokens[from];
	size_t split = from + 1;

	/* of a sum of things the first says nothing */
	if (split < to && token_is(&rw->tokens[split], "("))
		split = token_behind(rw->tokens, to, split);
	if (split < to && !token_is_name(&rw->tokens[split])) {
		push_hint(rw, NULL);
		return;
	}
	if (token_is(first, "CONVERT") || token_is(first, "CAST") ||
	    token_is(first, "TRY_CONVERT") || token_is(first, "TRY_CAST")) {
		size_t end = token_behind(rw->tokens, to, from + 1) - 1;
		struct type type = unknown;

		split = last_as(rw, from + 2, end);
		split = split < end ? split + 1 : from + 2;
		(void)type_parse(token_span(rw->tokens + split, end - split),
				 &type);
		vec_push(&rw->out->hints, type);
		return;
	}
	for (size_t i = 0; i < sizeof(hint_types) / sizeof(hint_types[0]);
	     i++) {
		if (sv_ieq_str(first->value, hint_types[i].word)) {
			push_hint(rw, hint_types[i].type);
			return;
		}
	}
	if (first->kind == TOKEN_NUMBER && first->value.len < 10 &&
	    sv_find(first->value, '.', 0) == first->value.len &&
	    (from + 1 == to || token_is_name(&rw->tokens[from + 1]) ||
	     token_is(&rw->tokens[from + 1], "AS")))
		push_hint(rw, "int");
	else
		push_hint(rw, NULL);
}

static void hints_of_select(struct rewriter *rw, size_t from, size_t to)
{
	static const char *const ends[] = { "FROM",  "INTO",  "WHERE", "UNION",
					    "ORDER", "GROUP", NULL };
	struct clauses ignored;
	size_t at = from + 1;
	size_t end;

	if (at < to && (token_is(&rw->tokens[at], "DISTINCT") ||
			token_is(&rw->tokens[at], "ALL")))
		at++;
	at = take_top(rw, at, to, &ignored);
	for (end = at; end < to && !token_is_any(&rw->tokens[end], ends);) {
		if (token_is(&rw->tokens[end], "("))
			end = token_behind(rw->tokens, to, end);
		else
			end++;
	}
	while (at < end) {
		size_t item = find_level(rw, at, end, ",");

		if (item == at || token_is(&rw->tokens[item - 1], "*"))
			return;
		hint_of_item(rw, at, item);
		at = item + 1;
	}
}

/* OUTPUT inserted.id: SQLite does not tell the type of what it returns. */
static void hints_of_output(struct rewriter *rw, size_t to)
{
	size_t at = find_level(rw, 0, to, "OUTPUT");

	for (at++; at < to; at++) {
		sqlite3_stmt *stmt = NULL;
		struct sv column;

		if (!token_is(&rw->tokens[at], "inserted") &&
		    !token_is(&rw->tokens[at], "deleted"))
			continue;
		column = rw->tokens[at + 2].value;
		if (sqlite3_prepare_v2(rw->client->db,
				       "SELECT type FROM pragma_table_info(?1)"
				       " WHERE name = ?2 COLLATE NOCASE",
				       -1, &stmt, NULL) != SQLITE_OK)
			return;
		(void)sqlite3_bind_text(stmt, 1, rw->table.ptr,
					(int)rw->table.len, SQLITE_STATIC);
		(void)sqlite3_bind_text(stmt, 2, column.ptr, (int)column.len,
					SQLITE_STATIC);
		push_hint(rw,
			  sqlite3_step(stmt) == SQLITE_ROW
				  ? (const char *)sqlite3_column_text(stmt, 0)
				  : NULL);
		(void)sqlite3_finalize(stmt);
	}
}

/* ---- statements that write ---- */

/* The columns that a client gives values for when it names none. */
static void add_columns(struct rewriter *rw)
{
	sqlite3_stmt *stmt = NULL;
	const char *comma = " (";

	if (sqlite3_prepare_v2(rw->client->db,
			       "SELECT name FROM pragma_table_info(?1)"
			       " WHERE coalesce(dflt_value, '') NOT LIKE"
			       " 'tds_identity%' AND coalesce(dflt_value, '')"
			       " NOT LIKE 'tds_rowversion%'",
			       -1, &stmt, NULL) != SQLITE_OK)
		return;
	(void)sqlite3_bind_text(stmt, 1, rw->table.ptr, (int)rw->table.len,
				SQLITE_STATIC);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		strbuf_adds(rw->sql, comma);
		rewrite_add_name(
			rw->sql,
			sv_from((const char *)sqlite3_column_text(stmt, 0)));
		comma = ", ";
	}
	if (comma[0] == ',')
		strbuf_addc(rw->sql, ')');
	(void)sqlite3_finalize(stmt);
}

/* An identity, or a rowversion, that the statement would write. */
static int refuse_column(struct rewriter *rw, struct sv column)
{
	struct client *client = rw->client;
	sqlite3_stmt *stmt = NULL;
	int ret = 0;

	if (sqlite3_prepare_v2(client->db,
			       "SELECT dflt_value FROM pragma_table_info(?1)"
			       " WHERE name = ?2 COLLATE NOCASE"
			       " AND (dflt_value LIKE 'tds_identity%'"
			       " OR dflt_value LIKE 'tds_rowversion%')",
			       -1, &stmt, NULL) != SQLITE_OK)
		return 0;
	(void)sqlite3_bind_text(stmt, 1, rw->table.ptr, (int)rw->table.len,
				SQLITE_STATIC);
	(void)sqlite3_bind_text(stmt, 2, column.ptr, (int)column.len,
				SQLITE_STATIC);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		struct sv by =
			sv_from((const char *)sqlite3_column_text(stmt, 0));

		ret = -1;
		if (sv_starts(by, SV_LIT("tds_identity"))) {
			if (sv_ieq(client->identity_insert, rw->table))
				ret = 0;
			else
				reply_error(client, 544, 16,
					    "Cannot insert explicit value for "
					    "identity column in table '%.*s' "
					    "when IDENTITY_INSERT is set to "
					    "OFF.",
					    SV_ARG(rw->table));
		} else {
			reply_error(client, 273, 16,
				    "Cannot insert an explicit value into a "
				    "timestamp column.");
		}
	}
	(void)sqlite3_finalize(stmt);
	return ret;
}

static int insert(struct rewriter *rw, size_t to)
{
	size_t at = 1;

	if (at < to && token_is(&rw->tokens[at], "INTO"))
		at++;
	rw->table = rewrite_table(rw->client, rw->tokens, to, &at);
	strbuf_adds(rw->sql, "INSERT INTO ");
	rewrite_add_name(rw->sql, rw->table);
	if (at < to && token_is(&rw->tokens[at], "(") &&
	    !token_is(&rw->tokens[at + 1], "SELECT")) {
		size_t end = token_behind(rw->tokens, to, at);

		for (size_t i = at; i < end; i++) {
			if (token_is_name(&rw->tokens[i]) &&
			    refuse_column(rw, rw->tokens[i].value) < 0)
				return -2;
		}
	} else if (at < to && !token_is(&rw->tokens[at], "DEFAULT")) {
		add_columns(rw);
	}
	hints_of_output(rw, to);
	scope(rw, at, to);
	return 0;
}

static void update(struct rewriter *rw, size_t to)
{
	struct clauses ignored = { 0 };
	size_t at = take_top(rw, 1, to, &ignored);
	struct sv version;

	rw->table = rewrite_table(rw->client, rw->tokens, to, &at);
	at += hint(rw, at, to) ? hint(rw, at, to) - at : 0;
	strbuf_adds(rw->sql, "UPDATE ");
	rewrite_add_name(rw->sql, rw->table);
	strbuf_adds(rw->sql, " SET");
	if (at < to && token_is(&rw->tokens[at], "SET"))
		at++;
	version =
		table_version_column(rw->client, rw->table, &rw->client->arena);
	if (version.len) {
		strbuf_addc(rw->sql, ' ');
		rewrite_add_name(rw->sql, version);
		strbuf_adds(rw->sql, " = tds_rowversion(),");
	}
	hints_of_output(rw, to);
	scope(rw, at, to);
}

static void delete (struct rewriter *rw, size_t to)
{
	size_t at = 1;

	if (at < to && token_is(&rw->tokens[at], "FROM"))
		at++;
	rw->table = rewrite_table(rw->client, rw->tokens, to, &at);
	strbuf_adds(rw->sql, "DELETE FROM ");
	rewrite_add_name(rw->sql, rw->table);
	hints_of_output(rw, to);
	scope(rw, at, to);
}

int rewrite_statement(struct client *client, const struct token *tokens,
		      size_t count, struct strbuf *sql, struct statement *out)
{
	struct rewriter rw = { client, tokens, sql, out, SV_NULL, false };
	int ret = 0;

	if (token_is(tokens, "INSERT"))
		ret = insert(&rw, count);
	else if (token_is(tokens, "UPDATE"))
		update(&rw, count);
	else if (token_is(tokens, "DELETE"))
		delete (&rw, count);
	else {
		if (token_is(tokens, "SELECT"))
			hints_of_select(&rw, 0, count);
		scope(&rw, 0, count);
	}
	if (ret < 0)
		return -1;
	if (rw.failed) {
		reply_error(client, 102, 15, "Incorrect syntax near '%.*s'.",
			    SV_ARG(tokens->value));
		return -1;
	}
	return 0;
}
