/*
 * batch.c - the statements of a batch, or of a procedure, one after the other
 *
 * T-SQL has no end of a statement but the beginning of the next one. Those
 * that are of the language (IF, DECLARE, SET, EXEC ...) are done here, those
 * of the database in run.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include "base/clock.h"

struct batch {
	struct client *client;
	const struct token *tokens;
	size_t count;
	struct variables *vars;
};

static int run(struct batch *b, size_t from, size_t to);

/* ---- where statements end ---- */

static const char *const starters[] = {
	"SELECT",   "INSERT", "UPDATE",   "DELETE", "SET",     "BEGIN",
	"COMMIT",   "IF",     "ROLLBACK", "EXEC",   "EXECUTE", "DECLARE",
	"CREATE",   "ALTER",  "DROP",     "PRINT",  "WAITFOR", "RAISERROR",
	"THROW",    "RETURN", "USE",      "DENY",   "GRANT",   "REVOKE",
	"TRUNCATE", "SAVE",   NULL,
};

static bool is_block(const struct batch *b, size_t at)
{
	static const char *const words[] = { "TRAN", "TRANSACTION",
					     "DISTRIBUTED", NULL };

	return token_is(&b->tokens[at], "BEGIN") &&
	       (at + 1 >= b->count || !token_is_any(&b->tokens[at + 1], words));
}

/* Whether a word that may begin a statement goes on with this one. */
static bool goes_on(const struct batch *b, size_t first, size_t at,
		    bool seen_verb)
{
	static const char *const before[] = { "UNION", "ALL",       "EXCEPT",
					      "AS",    "INTERSECT", NULL };
	static const char *const events[] = { "ON", "FOR", "AFTER", NULL };
	static const char *const changes[] = { "INSERT", "UPDATE", "DELETE",
					       NULL };
	static const char *const lists[] = { "DENY", "GRANT", "REVOKE", NULL };
	const struct token *begin = &b->tokens[first];
	const struct token *token = &b->tokens[at];

	if (token_is_any(&b->tokens[at - 1], before))
		return true;
	/* ON DELETE CASCADE, but not SET NOCOUNT ON DELETE ... */
	if (token_is_any(&b->tokens[at - 1], events) &&
	    token_is_any(token, changes) && !token_is(begin, "SET"))
		return true;
	if (token_is(token, "SET"))
		return (token_is(begin, "UPDATE") || token_is(begin, "WITH") ||
			token_is(begin, "ALTER")) &&
		       !seen_verb;
	if (token_is(token, "IF"))
		return token_is(begin, "DROP");
	/* ALTER TABLE t DROP COLUMN c */
	if (token_is(token, "DROP") || token_is(token, "ALTER"))
		return token_is(begin, "ALTER") && at + 1 < b->count &&
		       (token_is(&b->tokens[at + 1], "COLUMN") ||
			token_is(&b->tokens[at + 1], "CONSTRAINT"));
	if (token_is_any(begin, lists))
		return !seen_verb;
	return (token_is(begin, "INSERT") || token_is(begin, "WITH")) &&
	       !seen_verb;
}

static size_t statement_end(const struct batch *b, size_t first, size_t to)
{
	int cases = 0;
	bool seen = false; /* the one verb that is this statement's own */
	size_t at = first + 1;

	if (token_is(&b->tokens[first], "CREATE") && at < to &&
	    (token_is(&b->tokens[at], "PROC") ||
	     token_is(&b->tokens[at], "PROCEDURE") ||
	     token_is(&b->tokens[at], "VIEW") ||
	     token_is(&b->tokens[at], "TRIGGER")))
		return to;
	while (at < to) {
		const struct token *token = &b->tokens[at];

		if (token_is(token, "(")) {
			at = token_behind(b->tokens, to, at);
			continue;
		}
		if (token_is(token, ";"))
			return at;
		if (token_is(token, "CASE"))
			cases++;
		else if ((token_is(token, "END") && cases-- == 0) ||
			 (token_is(token, "ELSE") && cases == 0))
			return at;
		else if (token_is(token, "VALUES") || token_is(token, "TO"))
			seen = true;
		else if (token->kind == TOKEN_NAME && cases == 0 &&
			 token_is_any(token, starters)) {
			if (!goes_on(b, first, at, seen))
				return at;
			if (!token_is(&b->tokens[first], "DENY") &&
			    !token_is(&b->tokens[first], "GRANT") &&
			    !token_is(&b->tokens[first], "REVOKE"))
				seen = !token_is(&b->tokens[first], "WITH") ||
				       !token_is(token, "UPDATE");
		}
		at++;
	}
	return to;
}

/* Behind the END of the block that begins at `at`. */
static size_t behind_block(const struct batch *b, size_t at, size_t to)
{
	int depth = 0;

	for (; at < to; at++) {
		if (is_block(b, at) || token_is(&b->tokens[at], "CASE"))
			depth++;
		else if (token_is(&b->tokens[at], "END") && --depth == 0)
			return at + 1;
	}
	return to;
}

static size_t condition_end(const struct batch *b, size_t at, size_t to)
{
	for (at++; at < to; at++) {
		if (token_is(&b->tokens[at], "("))
			at = token_behind(b->tokens, to, at) - 1;
		else if (b->tokens[at].kind == TOKEN_NAME &&
			 token_is_any(&b->tokens[at], starters))
			break;
	}
	return at;
}

static size_t pass_ends(const struct batch *b, size_t at, size_t to)
{
	while (at < to && token_is(&b->tokens[at], ";"))
		at++;
	return at;
}

/* Behind one statement, whatever it is made of. */
static size_t extent(const struct batch *b, size_t at, size_t to)
{
	size_t end;

	if (at >= to)
		return to;
	if (is_block(b, at))
		return behind_block(b, at, to);
	if (!token_is(&b->tokens[at], "IF"))
		return statement_end(b, at, to);
	end = extent(b, condition_end(b, at, to), to);
	at = pass_ends(b, end, to);
	if (at < to && token_is(&b->tokens[at], "ELSE"))
		return extent(b, at + 1, to);
	return end;
}

/* ---- variables ---- */

struct variable *variable_find(struct variables *vars, struct sv name)
{
	struct variable *var;

	vec_foreach(&vars->list, var) {
		if (sv_ieq(var->name, name))
			return var;
	}
	return NULL;
}

struct variable *variable_add(struct variables *vars, struct sv name)
{
	struct variable var = { .name = name, .type = { .id = T_NVARCHAR } };

	vec_push(&vars->list, var);
	return &vars->list.at[vars->list.len - 1];
}

static int set_variable(struct batch *b, struct variable *var, size_t from,
			size_t to)
{
	struct strbuf space = STRBUF_INIT(1 << 20);
	struct datum value;
	struct datum as;
	int ret = 0;

	if (batch_value(b->client, b->tokens + from, to - from, b->vars,
			&value) < 0)
		return -1;
	ret = convert_datum(&var->type, 0, &value, &space, &as);
	if (ret < 0) {
		reply_error(b->client, 8114, 16,
			    "Error converting data type to %s.",
			    type_name(&var->type));
	} else {
		if (as.kind == DATUM_TEXT || as.kind == DATUM_BYTES)
			as.s = arena_dup(&b->client->arena, as.s);
		var->value = as;
	}
	strbuf_release(&space);
	return ret;
}

static size_t item_end(const struct batch *b, size_t at, size_t to)
{
	while (at < to && !token_is(&b->tokens[at], ",")) {
		if (token_is(&b->tokens[at], "("))
			at = token_behind(b->tokens, to, at);
		else
			at++;
	}
	return at;
}

/* DECLARE @a int = 1, @b nvarchar(40) */
static int declare(struct batch *b, size_t at, size_t to)
{
	for (at++; at < to;) {
		size_t end = item_end(b, at, to);
		struct variable *var;
		size_t equals = at;

		var = variable_add(b->vars, b->tokens[at].value);
		while (equals < end && !token_is(&b->tokens[equals], "="))
			equals++;
		at++;
		if (at < end && token_is(&b->tokens[at], "AS"))
			at++;
		(void)type_parse(token_span(b->tokens + at, equals - at),
				 &var->type);
		if (equals < end && set_variable(b, var, equals + 1, end) < 0)
			return -1;
		at = end + 1;
	}
	return 0;
}

#define ASSIGNED_MAX 32

/* The query without the names that its values are for. */
static size_t without_names(const struct batch *b, size_t from, size_t to,
			    struct token *tokens, struct sv *names)
{
	size_t count = 0;
	size_t len = 0;

	for (size_t at = from; at < to; at++) {
		bool first = at == from + 1 ||
			     token_is(&b->tokens[at - 1], ",");

		if (first && at + 1 < to && count + 1 < ASSIGNED_MAX &&
		    b->tokens[at].kind == TOKEN_VAR &&
		    token_is(&b->tokens[at + 1], "=")) {
			names[count++] = b->tokens[at].value;
			at++;
			continue;
		}
		tokens[len++] = b->tokens[at];
	}
	names[count] = SV_NULL;
	return len;
}

static void take_row(struct batch *b, struct statement *st,
		     const struct sv *names)
{
	for (int i = 0; names[i].ptr; i++) {
		struct variable *var = variable_find(b->vars, names[i]);
		struct datum value = statement_datum(st->stmt, i);

		if (value.s.ptr)
			value.s = arena_dup(&b->client->arena, value.s);
		if (var)
			var->value = value;
	}
}

/* SELECT @a = x, @b = y FROM ...: the values of the first row */
static int assign(struct batch *b, size_t from, size_t to)
{
	struct token *tokens =
		arena_array(&b->client->arena, to - from, sizeof(*tokens));
	struct strbuf sql = STRBUF_INIT(1 << 20);
	struct statement hints = { 0 };
	struct statement *st = NULL;
	struct sv names[ASSIGNED_MAX];
	size_t len = without_names(b, from, to, tokens, names);
	int ret = rewrite_statement(b->client, tokens, len, &sql, &hints);

	if (ret == 0) {
		st = statement_compile(b->client, strbuf_sv(&sql), 's');
		ret = st ? statement_bind(b->client, st, b->vars) : -1;
	}
	if (ret == 0) {
		int step = sqlite3_step(st->stmt);

		if (step == SQLITE_ROW)
			take_row(b, st, names);
		else if (step != SQLITE_DONE)
			ret = run_error(b->client, st, step);
	}
	statement_free(st);
	vec_release(&hints.hints);
	strbuf_release(&sql);
	return ret;
}

int batch_value(struct client *client, const struct token *tokens, size_t count,
		struct variables *vars, struct datum *out)
{
	struct strbuf sql = STRBUF_INIT(1 << 20);
	struct statement hints = { 0 };
	struct statement *st = NULL;
	int ret;

	*out = (struct datum){ .kind = DATUM_NULL };
	strbuf_adds(&sql, "SELECT (");
	ret = rewrite_statement(client, tokens, count, &sql, &hints);
	strbuf_addc(&sql, ')');
	if (ret == 0) {
		st = statement_compile(client, strbuf_sv(&sql), 's');
		ret = st ? statement_bind(client, st, vars) : -1;
	}
	if (ret == 0 && sqlite3_step(st->stmt) == SQLITE_ROW) {
		*out = statement_datum(st->stmt, 0);
		if (out->s.ptr)
			out->s = arena_dup(&client->arena, out->s);
	} else if (ret == 0) {
		ret = run_error(client, st, sqlite3_errcode(client->db));
	}
	statement_free(st);
	vec_release(&hints.hints);
	strbuf_release(&sql);
	return ret;
}

/* ---- SET ---- */

static int set_option(struct batch *b, size_t at, size_t to)
{
	struct client *client = b->client;
	const struct token *last = &b->tokens[to - 1];
	bool on = token_is(last, "ON");
	int64_t number = 0;

	if (token_is(&b->tokens[at], "LOCK_TIMEOUT")) {
		(void)sv_to_i64(last->value, &number);
		client->lock_timeout = token_is(last - 1, "-") ? -1 : number;
	} else if (token_is(&b->tokens[at], "TRANSACTION")) {
		client->isolation = token_is(last, "SNAPSHOT") ? SNAPSHOT
				    : token_is(last, "UNCOMMITTED")
					    ? READ_UNCOMMITTED
					    : READ_COMMITTED;
	} else if (token_is(&b->tokens[at], "NOCOUNT")) {
		client->nocount = on;
	} else if (token_is(&b->tokens[at], "XACT_ABORT")) {
		client->abort_on_error = on;
	} else if (token_is(&b->tokens[at], "IDENTITY_INSERT")) {
		size_t name = at + 1;
		struct sv table = rewrite_table(client, b->tokens, to, &name);

		mem_free((char *)(uintptr_t)client->identity_insert.ptr);
		client->identity_insert = SV_NULL;
		if (on) {
			char *copy = mem_alloc(table.len + 1);

			memcpy(copy, table.ptr, table.len);
			client->identity_insert = sv_make(copy, table.len);
		}
		server_forget_identities(client->server);
	}
	reply_done(client, 0, false, 0);
	return 0;
}

static int set(struct batch *b, size_t at, size_t to)
{
	struct variable *var;

	if (at + 1 >= to)
		return 0;
	if (b->tokens[at + 1].kind != TOKEN_VAR)
		return set_option(b, at + 1, to);
	var = variable_find(b->vars, b->tokens[at + 1].value);
	if (!var) {
		reply_error(b->client, 137, 15,
			    "Must declare the scalar variable \"%.*s\".",
			    SV_ARG(b->tokens[at + 1].value));
		return -1;
	}
	return set_variable(b, var, at + 3, to);
}

/* ---- EXEC ---- */

/* One argument: a literal, a variable, a word. */
static int argument(struct batch *b, size_t from, size_t to,
		    struct variable *arg)
{
	const struct token *token = &b->tokens[from];

	if (token_is(token, "NULL") || token_is(token, "DEFAULT"))
		return 0;
	if (token->kind == TOKEN_NAME) {
		arg->value.kind = DATUM_TEXT;
		arg->value.s = token->value;
		return 0;
	}
	if (token->kind == TOKEN_VAR) {
		struct variable *var = variable_find(b->vars, token->value);

		if (var)
			arg->type = var->type;
	}
	return batch_value(b->client, b->tokens + from, to - from, b->vars,
			   &arg->value);
}

static int arguments(struct batch *b, size_t at, size_t to,
		     struct variables *args, struct sv *targets, size_t most)
{
	while (at < to) {
		size_t end = item_end(b, at, to);
		size_t value_end = end;
		struct variable *arg = variable_add(args, SV_NULL);

		if (at + 1 < end && b->tokens[at].kind == TOKEN_VAR &&
		    token_is(&b->tokens[at + 1], "=")) {
			arg->name = b->tokens[at].value;
			at += 2;
		}
		if (at >= end)
			return 0;
		if (token_is(&b->tokens[end - 1], "OUTPUT") ||
		    token_is(&b->tokens[end - 1], "OUT")) {
			arg->output = true;
			value_end--;
			if (args->list.len <= most)
				targets[args->list.len - 1] =
					b->tokens[at].value;
		}
		if (argument(b, at, value_end, arg) < 0)
			return -1;
		at = end + 1;
	}
	return 0;
}

static void take_outputs(struct batch *b, struct variables *args,
			 const struct sv *targets, size_t most)
{
	for (size_t i = 0; i < args->list.len && i < most; i++) {
		struct variable *arg = &args->list.at[i];
		struct variable *var =
			arg->output ? variable_find(b->vars, targets[i]) : NULL;

		if (var)
			var->value = arg->value;
	}
}

static int execute(struct batch *b, size_t at, size_t to)
{
	struct variables args = { VEC_INIT };
	struct sv targets[32];
	struct sv status = SV_NULL;
	struct sv name = SV_LIT("");
	struct variable *var;
	struct datum text = { .kind = DATUM_NULL };
	int ret;

	at++;
	if (at < to && token_is(&b->tokens[at], "(")) {
		if (batch_value(b->client, b->tokens + at, to - at, b->vars,
				&text) < 0)
			return -1;
		return batch_run(b->client, text.s, b->vars);
	}
	if (at + 1 < to && token_is(&b->tokens[at + 1], "=")) {
		status = b->tokens[at].value;
		at += 2;
	}
	while (at < to && (token_is_name(&b->tokens[at]) ||
			   token_is(&b->tokens[at], "."))) {
		if (token_is_name(&b->tokens[at]))
			name = b->tokens[at].value;
		at++;
		if (at < to && !token_is(&b->tokens[at], ".") &&
		    !token_is(&b->tokens[at - 1], "."))
			break;
	}
	ret = arguments(b, at, to, &args, targets, 32);
	if (ret == 0)
		ret = procedure_call(b->client, name, &args);
	take_outputs(b, &args, targets, 32);
	var = status.len ? variable_find(b->vars, status) : NULL;
	if (var) {
		var->value.kind = DATUM_INT;
		var->value.i = b->client->return_status;
	}
	vec_release(&args.list);
	return ret;
}

/* ---- the rest ---- */

static int wait_for(struct batch *b, size_t at, size_t to)
{
	struct client *client = b->client;
	int64_t timeout = client->lock_timeout;
	struct datum delay;
	struct moment m;

	if (batch_value(client, b->tokens + at + 2, to - at - 2, b->vars,
			&delay) < 0)
		return -1;
	if (delay.kind != DATUM_TEXT || !moment_parse(delay.s, &m))
		return 0;
	client->lock_timeout = m.ticks / 10000;
	client->wait_end = clock_monotonic_ms() + client->lock_timeout;
	while (client_may_wait(client))
		;
	client->lock_timeout = timeout;
	reply_done(client, 0, false, 0);
	return pipe_cancelled(client->pipe) ? -1 : 0;
}

/* RAISERROR('text', 16, 1), THROW 50001, 'text', 1 */
static int raise_error(struct batch *b, size_t at, size_t to)
{
	bool throws = token_is(&b->tokens[at], "THROW");
	int number = 50000;
	int severity = 16;
	struct datum value;

	at++;
	if (at < to && token_is(&b->tokens[at], "(")) {
		at++;
		to--;
	}
	if (throws && at + 1 < to) {
		int64_t given = 50000;

		(void)sv_to_i64(b->tokens[at].value, &given);
		number = (int)given;
		at += 2;
	}
	if (batch_value(b->client, b->tokens + at, item_end(b, at, to) - at,
			b->vars, &value) < 0)
		return -1;
	at = item_end(b, at, to) + 1;
	if (!throws && at < to) {
		int64_t given = 16;

		(void)sv_to_i64(b->tokens[at].value, &given);
		severity = (int)given;
	}
	reply_error(b->client, number, severity, "%.*s", SV_ARG(value.s));
	return throws || severity > 16 ? -1 : 0;
}

static int print(struct batch *b, size_t at, size_t to)
{
	struct datum value;

	if (batch_value(b->client, b->tokens + at + 1, to - at - 1, b->vars,
			&value) < 0)
		return -1;
	if (value.kind == DATUM_TEXT)
		reply_info(b->client, 0, value.s);
	reply_done(b->client, 0, false, 0);
	return 0;
}

/* DENY SELECT, UPDATE ON t TO u; GRANT and REVOKE take it back */
static int deny(struct batch *b, size_t at, size_t to)
{
	static const char *const actions[] = { "SELECT", "INSERT", "UPDATE",
					       "DELETE", NULL };
	struct server *server = b->client->server;
	bool denies = token_is(&b->tokens[at], "DENY");
	size_t on = at;
	struct sv table;

	while (on < to && !token_is(&b->tokens[on], "ON"))
		on++;
	for (size_t name = on + 1; at < on; at++) {
		struct denial denial;

		if (!token_is_any(&b->tokens[at], actions))
			continue;
		name = on + 1;
		table = rewrite_table(b->client, b->tokens, to, &name);
		server_lock(server);
		denial.table = arena_dup(&server->arena, table);
		denial.user =
			arena_dup(&server->arena, b->tokens[to - 1].value);
		denial.action = arena_dup(&server->arena, b->tokens[at].value);
		if (denies)
			vec_push(&server->denials, denial);
		else
			vec_clear(&server->denials);
		server->schema++;
		server_unlock(server);
	}
	reply_done(b->client, 0, false, 0);
	return 0;
}

static int use(struct batch *b, size_t at)
{
	struct sv name = b->tokens[at + 1].value;
	struct sv ours = sv_from(b->client->server->options.name);

	if (!sv_ieq(name, ours)) {
		reply_error(b->client, 911, 16,
			    "Database '%.*s' does not exist. Make sure that "
			    "the name is entered correctly.",
			    SV_ARG(name));
		return -1;
	}
	reply_change(b->client, 1, ours, ours);
	reply_done(b->client, 0, false, 0);
	return 0;
}

static int give_back(struct batch *b, size_t at, size_t to)
{
	struct datum value;

	if (at + 1 < to && batch_value(b->client, b->tokens + at + 1,
				       to - at - 1, b->vars, &value) == 0)
		b->client->return_status = (int)value.i;
	return -1;
}

static int transaction(struct batch *b, size_t at)
{
	struct client *client = b->client;
	int ret = 0;

	if (token_is(&b->tokens[at], "BEGIN")) {
		ret = transaction_begin(client);
	} else if (client->trancount == 0) {
		bool commit = token_is(&b->tokens[at], "COMMIT");

		reply_error(client, commit ? 3902 : 3903, 16,
			    "The %s TRANSACTION request has no corresponding "
			    "BEGIN TRANSACTION.",
			    commit ? "COMMIT" : "ROLLBACK");
		return 0;
	} else if (token_is(&b->tokens[at], "COMMIT")) {
		ret = transaction_commit(client);
	} else {
		transaction_rollback(client);
	}
	if (ret == 0)
		reply_done(client, 0, false, 0);
	return ret;
}

/* After these SQL Server goes on with the next statement. */
static bool ends_statement_only(const struct client *client)
{
	static const int numbers[] = { 2627, 2601, 547, 515, 2628,
				       8152, 220,  229, 1222 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (client->last_error == numbers[i])
			return !client->abort_on_error;
	}
	return false;
}

static int one(struct batch *b, size_t at, size_t to)
{
	const struct token *token = &b->tokens[at];

	if (token_is(token, "DECLARE"))
		return declare(b, at, to);
	if (token_is(token, "SET"))
		return set(b, at, to);
	if (token_is(token, "BEGIN") || token_is(token, "COMMIT") ||
	    token_is(token, "ROLLBACK"))
		return transaction(b, at);
	if (token_is(token, "SAVE"))
		return 0;
	if (token_is(token, "EXEC") || token_is(token, "EXECUTE"))
		return execute(b, at, to);
	if (token_is(token, "PRINT"))
		return print(b, at, to);
	if (token_is(token, "WAITFOR"))
		return wait_for(b, at, to);
	if (token_is(token, "RAISERROR") || token_is(token, "THROW"))
		return raise_error(b, at, to);
	if (token_is(token, "RETURN"))
		return give_back(b, at, to);
	if (token_is(token, "USE"))
		return use(b, at);
	if (token_is(token, "DENY") || token_is(token, "GRANT") ||
	    token_is(token, "REVOKE"))
		return deny(b, at, to);
	if (token_is(token, "SELECT") && at + 2 < to &&
	    b->tokens[at + 1].kind == TOKEN_VAR &&
	    token_is(&b->tokens[at + 2], "="))
		return assign(b, at, to);
	/* a procedure at the beginning of a batch needs no EXEC */
	if (at == 0 && token->kind == TOKEN_NAME &&
	    (sv_starts(token->value, SV_LIT("sp_")) ||
	     sv_starts(token->value, SV_LIT("tds_"))))
		return execute(b, at - 1, to);
	b->client->last_error = 0;
	if (statement_run(b->client, b->tokens + at, to - at, b->vars) == 0)
		return 0;
	return ends_statement_only(b->client) ? 0 : -1;
}

static int run_if(struct batch *b, size_t at, size_t to)
{
	size_t then = condition_end(b, at, to);
	size_t end = extent(b, then, to);
	size_t next = pass_ends(b, end, to);
	struct datum value = { .kind = DATUM_NULL };
	bool is_true;

	if (batch_value(b->client, b->tokens + at + 1, then - at - 1, b->vars,
			&value) < 0)
		return -1;
	is_true = value.kind == DATUM_INT && value.i;
	if (is_true)
		return run(b, then, end);
	if (next < to && token_is(&b->tokens[next], "ELSE"))
		return run(b, next + 1, to);
	return 0;
}

static int run(struct batch *b, size_t from, size_t to)
{
	int ret = 0;

	while (ret == 0) {
		size_t end;

		from = pass_ends(b, from, to);
		if (from >= to || pipe_cancelled(b->client->pipe))
			break;
		end = extent(b, from, to);
		if (end == from)
			end++;
		if (is_block(b, from))
			ret = run(b, from + 1, end - 1);
		else if (token_is(&b->tokens[from], "IF"))
			ret = run_if(b, from, end);
		else
			ret = one(b, from, end);
		from = end;
	}
	return ret;
}

int batch_run(struct client *client, struct sv text, struct variables *vars)
{
	struct batch b = { .client = client, .vars = vars };
	struct token *tokens;

	if (!lex(text, &client->arena, &tokens, &b.count)) {
		reply_error(client, 105, 15,
			    "Unclosed quotation mark after the character "
			    "string.");
		return -1;
	}
	b.tokens = tokens;
	return run(&b, 0, b.count);
}

void batch_describe(struct client *client, struct sv text)
{
	struct batch b = { .client = client };
	struct token *tokens;

	if (!lex(text, &client->arena, &tokens, &b.count) || !b.count)
		return;
	b.tokens = tokens;
	if (token_is(tokens, "SELECT") &&
	    statement_end(&b, 0, b.count) == b.count)
		(void)statement_describe(client, tokens, b.count);
}
