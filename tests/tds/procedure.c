/*
 * procedure.c - procedures: the server's own, and those that were created
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

/* ---- parameters: "@a int, @b nvarchar(40) = N'x' OUTPUT" ---- */

struct declared {
	VEC(struct variable) list;
	VEC(struct token) defaults; /* kind TOKEN_OTHER: none */
};

static size_t declared_end(const struct token *tokens, size_t at, size_t to)
{
	while (at < to && !token_is(&tokens[at], ",")) {
		if (token_is(&tokens[at], "("))
			at = token_behind(tokens, to, at);
		else
			at++;
	}
	return at;
}

static void declare(struct declared *out, const struct token *tokens, size_t at,
		    size_t to)
{
	while (at < to) {
		size_t end = declared_end(tokens, at, to);
		size_t equals = at;
		struct variable var = { .name = tokens[at].value };
		struct token none = { .kind = TOKEN_OTHER };

		var.type.id = T_NVARCHAR;
		at++;
		if (at < end && token_is(&tokens[at], "AS"))
			at++;
		while (equals < end && !token_is(&tokens[equals], "="))
			equals++;
		if (at < end)
			(void)type_parse(token_span(tokens + at, equals - at),
					 &var.type);
		if (equals + 1 < end)
			none = tokens[equals + 1];
		vec_push(&out->list, var);
		vec_push(&out->defaults, none);
		at = end + 1;
	}
}

static int declare_text(struct client *client, struct sv text,
			struct declared *out)
{
	struct token *tokens;
	size_t count;

	if (!lex(text, &client->arena, &tokens, &count))
		return -1;
	declare(out, tokens, 0, count);
	return 0;
}

static void declared_release(struct declared *declared)
{
	vec_release(&declared->list);
	vec_release(&declared->defaults);
}

/* Variables of these names with the values that were given from `from` on. */
static void fill(const struct declared *declared, const struct variables *args,
		 size_t from, struct variables *vars)
{
	for (size_t i = 0; i < declared->list.len; i++) {
		struct variable var = declared->list.at[i];
		const struct token *text = &declared->defaults.at[i];

		if (text->kind == TOKEN_STRING) {
			var.value.kind = DATUM_TEXT;
			var.value.s = text->value;
		} else if (text->kind == TOKEN_NUMBER) {
			var.value.kind = DATUM_INT;
			(void)sv_to_i64(text->value, &var.value.i);
		}
		for (size_t k = from; k < args->list.len; k++) {
			const struct variable *arg = &args->list.at[k];
			bool named = arg->name.len &&
				     sv_ieq(arg->name, var.name);

			if (named || (!arg->name.len && k - from == i))
				var.value = arg->value;
		}
		vec_push(&vars->list, var);
	}
}

static void give_back(const struct variables *vars, struct variables *args,
		      size_t from)
{
	for (size_t k = from; k < args->list.len; k++) {
		struct variable *arg = &args->list.at[k];

		for (size_t i = 0; arg->output && i < vars->list.len; i++) {
			const struct variable *var = &vars->list.at[i];

			if ((arg->name.len && sv_ieq(arg->name, var->name)) ||
			    (!arg->name.len && k - from == i)) {
				arg->value = var->value;
				arg->type = var->type;
			}
		}
	}
}

static int run_with(struct client *client, struct sv text,
		    const struct declared *declared, struct variables *args,
		    size_t from)
{
	struct variables vars = { VEC_INIT };
	int ret;

	fill(declared, args, from, &vars);
	ret = batch_run(client, text, &vars);
	give_back(&vars, args, from);
	vec_release(&vars.list);
	return ret;
}

/* ---- prepared statements ---- */

static struct sv text_arg(const struct variables *args, size_t i)
{
	if (i < args->list.len && args->list.at[i].value.kind == DATUM_TEXT)
		return args->list.at[i].value.s;
	return SV_LIT("");
}

static int execute_sql(struct client *client, struct variables *args)
{
	struct declared declared = { VEC_INIT, VEC_INIT };
	int ret = declare_text(client, text_arg(args, 1), &declared);

	if (ret == 0)
		ret = run_with(client, text_arg(args, 0), &declared, args, 2);
	declared_release(&declared);
	return ret;
}

static char *copied(struct sv text)
{
	char *copy = mem_alloc(text.len + 1);

	memcpy(copy, text.ptr, text.len);
	copy[text.len] = 0;
	return copy;
}

static void prepare(struct client *client, struct variables *args)
{
	struct prepared one = { copied(text_arg(args, 2)),
				copied(text_arg(args, 1)) };

	vec_push(&client->prepared, one);
	args->list.at[0].output = true;
	args->list.at[0].type = (struct type){ .id = T_INT, .size = 4 };
	args->list.at[0].value =
		(struct datum){ .kind = DATUM_INT,
				.i = (int64_t)client->prepared.len };
}

static int execute_handle(struct client *client, struct variables *args,
			  int64_t handle, size_t from)
{
	struct declared declared = { VEC_INIT, VEC_INIT };
	const struct prepared *one;
	int ret;

	if (handle < 1 || (size_t)handle > client->prepared.len ||
	    !client->prepared.at[handle - 1].text) {
		reply_error(client, 8179, 16,
			    "Could not find prepared statement with handle "
			    "%lld.",
			    (long long)handle);
		return -1;
	}
	one = &client->prepared.at[handle - 1];
	ret = declare_text(client, sv_from(one->params), &declared);
	if (ret == 0)
		ret = run_with(client, sv_from(one->text), &declared, args,
			       from);
	declared_release(&declared);
	return ret;
}

static int unprepare(struct client *client, int64_t handle)
{
	if (handle >= 1 && (size_t)handle <= client->prepared.len) {
		mem_free(client->prepared.at[handle - 1].text);
		mem_free(client->prepared.at[handle - 1].params);
		client->prepared.at[handle - 1] =
			(struct prepared){ NULL, NULL };
	}
	return 0;
}

/* ---- procedures that were created ---- */

int procedure_create(struct client *client, const struct token *tokens,
		     size_t count)
{
	sqlite3_stmt *stmt = NULL;
	size_t at = 2;
	struct sv name = rewrite_table(client, tokens, count, &at);
	struct sv params;
	struct sv body;
	size_t as = at;

	while (as < count && !token_is(&tokens[as], "AS"))
		as++;
	if (as + 1 >= count) {
		reply_error(client, 102, 15, "Incorrect syntax near 'AS'.");
		return -1;
	}
	params = token_span(tokens + at, as - at);
	body = token_span(tokens + as + 1, count - as - 1);
	if (params.len && params.ptr[0] == '(')
		params = sv_sub(params, 1, params.len - 1);
	if (sqlite3_prepare_v2(client->db,
			       "INSERT OR REPLACE INTO tds_procedures"
			       " VALUES (?1, ?2, ?3)",
			       -1, &stmt, NULL) == SQLITE_OK) {
		(void)sqlite3_bind_text(stmt, 1, name.ptr, (int)name.len,
					SQLITE_STATIC);
		(void)sqlite3_bind_text(stmt, 2, params.ptr, (int)params.len,
					SQLITE_STATIC);
		(void)sqlite3_bind_text(stmt, 3, body.ptr, (int)body.len,
					SQLITE_STATIC);
		(void)sqlite3_step(stmt);
	}
	return sqlite3_finalize(stmt) == SQLITE_OK
		       ? 0
		       : run_error(client, NULL, SQLITE_ERROR);
}

static struct sv column_copy(struct client *client, sqlite3_stmt *stmt, int i)
{
	return arena_dup(&client->arena,
			 sv_make((const char *)sqlite3_column_text(stmt, i),
				 (size_t)sqlite3_column_bytes(stmt, i)));
}

static int call_created(struct client *client, struct sv name,
			struct variables *args)
{
	struct declared declared = { VEC_INIT, VEC_INIT };
	sqlite3_stmt *stmt = NULL;
	struct sv params = SV_NULL;
	struct sv body = SV_NULL;
	int ret = -1;

	if (sqlite3_prepare_v2(client->db,
			       "SELECT params, body FROM tds_procedures"
			       " WHERE name = ?1",
			       -1, &stmt, NULL) == SQLITE_OK) {
		(void)sqlite3_bind_text(stmt, 1, name.ptr, (int)name.len,
					SQLITE_STATIC);
		if (sqlite3_step(stmt) == SQLITE_ROW) {
			params = column_copy(client, stmt, 0);
			body = column_copy(client, stmt, 1);
		}
	}
	(void)sqlite3_finalize(stmt);
	if (!body.ptr) {
		reply_error(client, 2812, 16,
			    "Could not find stored procedure '%.*s'.",
			    SV_ARG(name));
		return -1;
	}
	client->in_procedure++;
	client->return_status = 0;
	client->last_error = 0;
	if (declare_text(client, params, &declared) == 0)
		ret = run_with(client, body, &declared, args, 0);
	client->in_procedure--;
	declared_release(&declared);
	/* RETURN ends the procedure, not its caller */
	return client->last_error ? ret : 0;
}

static int64_t handle_of(const struct variables *args)
{
	return args->list.len ? args->list.at[0].value.i : 0;
}

int procedure_call(struct client *client, struct sv name,
		   struct variables *args)
{
	size_t count = args->list.len;

	if (sv_ieq_str(name, "sp_executesql"))
		return execute_sql(client, args);
	if (sv_ieq_str(name, "sp_execute"))
		return execute_handle(client, args, handle_of(args), 1);
	if (sv_ieq_str(name, "sp_unprepare"))
		return unprepare(client, handle_of(args));
	if (sv_ieq_str(name, "sp_prepare") && count >= 3) {
		prepare(client, args);
		batch_describe(client, text_arg(args, 2));
		return 0;
	}
	if (sv_ieq_str(name, "sp_prepexec") && count >= 3) {
		prepare(client, args);
		return execute_handle(client, args, handle_of(args), 3);
	}
	if (sv_ieq_str(name, "tds_fault"))
		return fault_call(client, args);
	if (catalogue_call(client, name, args))
		return 0;
	return call_created(client, name, args);
}
