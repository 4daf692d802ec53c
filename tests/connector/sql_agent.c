/*
 * sql_agent.c - agents on tables of a server, for tests of imports
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sql_agent.h"

#include "password_suite.h"

#include "conformance.h"
#include "connectors/sql/libpq_settings.h"
#include "connectors/sql/odbc_settings.h"
#include "connectors/sql/postgresql.h"
#include "postgresql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka wants what stands above. */
#include <cmocka.h>

static const struct setting_def settings[] = {
	LIBPQ_SETTINGS,
	SQL_SOURCE_SETTINGS,
	{ .name = NULL },
};

const struct connector_ops agent_ops = {
	.abi = CONNECTOR_ABI,
	.name = "import",
	.help = "Only imports.",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA |
		CONNECTOR_CAP_PASSWORD_SET | CONNECTOR_CAP_PASSWORD_CHANGE,
	.settings = settings,
	.data = &sql_libpq,
	.caps_of = sql_caps_of,
	.check = sql_check,
	.open = sql_open,
	.close = sql_close,
	.import_begin = sql_import_begin,
	.next = sql_import_next,
	.expand = sql_import_expand,
	.import_end = sql_import_end,
	.password = sql_password,
	.import_kept = sql_import_kept,
	.delta_setup = sql_delta_setup,
};

static const struct setting_def odbc_settings[] = {
	ODBC_SETTINGS,
	SQL_SOURCE_SETTINGS,
	{ .name = NULL },
};

/* The same over unixODBC. */
static const struct connector_ops odbc_ops = {
	.abi = CONNECTOR_ABI,
	.name = "import",
	.help = "Only imports.",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA |
		CONNECTOR_CAP_PASSWORD_SET | CONNECTOR_CAP_PASSWORD_CHANGE,
	.settings = odbc_settings,
	.data = &sql_odbc,
	.caps_of = sql_caps_of,
	.check = sql_check,
	.open = sql_open,
	.close = sql_close,
	.import_begin = sql_import_begin,
	.next = sql_import_next,
	.expand = sql_import_expand,
	.import_end = sql_import_end,
	.password = sql_password,
	.import_kept = sql_import_kept,
	.delta_setup = sql_delta_setup,
};

static struct postgresql pg;
static PGconn *db;

/* What tests run against now: over unixODBC when there is a link. */
static const struct connector_ops *ops = &agent_ops;
static struct sql_link *link;
static struct arena of_link;
static struct secret password;

/* --- the database ------------------------------------------------------ */

PGconn *tables_connect(void)
{
	const char *address = arena_printf(&pg.arena,
					   "host=%s port=%s user=%s dbname=%s "
					   "password=%s",
					   pg.folder, pg.port, pg.user,
					   pg.database, pg.password.bytes);
	PGconn *out = PQconnectdb(address);

	assert_int_equal(PQstatus(out), CONNECTION_OK);
	PQclear(PQexec(out, "SET client_min_messages = warning"));
	return out;
}

void sql_on(PGconn *conn, const char *text)
{
	PGresult *result = PQexec(conn, text);

	if (PQresultStatus(result) != PGRES_COMMAND_OK &&
	    PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", text, PQresultErrorMessage(result));
	PQclear(result);
}

/* Statements that end with a line. */
static void sql_on_link(const char *text)
{
	struct sv all = sv_from(text);
	size_t at = 0;

	while (at < all.len) {
		size_t end = at;
		struct sql_failure failure = { .kind = SQL_FAILURE_NONE };
		struct sql_run run = { .sql = NULL };
		struct error err = ERROR_INIT;
		size_t failed;

		while (end < all.len &&
		       !sv_starts(sv_sub(all, end, all.len), SV_LIT(";\n")))
			end++;
		run.sql = arena_cstr(&of_link, sv_sub(all, at, end));
		at = end + 2;
		/* who owns all may not grant it to himself */
		if (sv_starts(sv_from(run.sql), SV_LIT("--")) ||
		    sv_starts(sv_from(run.sql), SV_LIT("GRANT ")))
			continue;
		if (sql_odbc.begin(link, false, &err) < 0 ||
		    sql_odbc.execute(link, &run, 1, &of_link, &failed, &failure,
				     &err) <= 0 ||
		    sql_odbc.commit(link, &err) < 0)
			fail_msg("%s: %s %s", run.sql, failure.text, err.msg);
	}
}

void sql(const char *text)
{
	if (link)
		sql_on_link(text);
	else
		sql_on(db, text);
}

int tables_fresh(void **state)
{
	(void)state;
	if (link) {
		sql("DROP DATABASE tables;\nCREATE DATABASE tables;\n"
		    "USE tables");
		return 0;
	}
	/* what a test that failed has left */
	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
	    "datname = current_database() AND pid <> pg_backend_pid()");
	sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
	return 0;
}

/* --- the agent --------------------------------------------------------- */

static int secret(void *data, struct sv reference, struct secret *out,
		  struct error *err)
{
	(void)data;
	(void)reference;
	(void)err;
	secret_set(out, secret_view(&password));
	return 0;
}

/* "{table: people, anchor: [id]}": enough of YAML's flow style for a test. */
static struct node *parse(struct arena *arena, const char **at);

static struct node *parse_list(struct arena *arena, const char **at, char end)
{
	struct node *out = arena_zalloc(arena, sizeof(*out));

	out->kind = end == '}' ? NODE_MAP : NODE_LIST;
	out->keys = arena_array(arena, 20, sizeof(*out->keys));
	out->items = arena_array(arena, 20, sizeof(*out->items));
	for (;;) {
		*at += strspn(*at, " ,");
		if (**at == end)
			break;
		if (end == '}') {
			out->keys[out->len] = parse(arena, at);
			*at += strspn(*at, " :");
		}
		out->items[out->len++] = parse(arena, at);
	}
	(*at)++;
	return out;
}

static struct node *parse(struct arena *arena, const char **at)
{
	size_t len;

	*at += strspn(*at, " ");
	if (**at == '{' || **at == '[')
		return parse_list(arena, at, *(*at)++ == '{' ? '}' : ']');
	if (**at == '\'') {
		len = strcspn(++*at, "'");
		*at += len + 1;
		return conformance_text(
			arena, arena_cstr(arena, sv_make(*at - len - 1, len)));
	}
	len = strcspn(*at, ",:]}");
	*at += len;
	return conformance_text(arena,
				arena_cstr(arena, sv_make(*at - len, len)));
}

/* An attribute: "name", "name:integer", "name:reference*" (several). */
static struct attr_def attr_of(struct arena *arena, struct sv text)
{
	struct attr_def def = { .type = VALUE_STRING };
	size_t colon = sv_find(text, ':', 0);
	struct sv type =
		sv_sub(text, colon < text.len ? colon + 1 : colon, text.len);

	def.name = arena_cstr(arena, sv_sub(text, 0, colon));
	if (sv_ends(type, SV_LIT("*"))) {
		def.multi = true;
		type.len--;
	}
	if (type.len)
		assert_int_equal(value_type_parse(type, &def.type), 1);
	return def;
}

static struct object_type type_of(struct arena *arena, const char *name,
				  const char *attrs)
{
	struct object_type type = { .name = name };
	struct attr_def *defs = arena_array(arena, 20, sizeof(*defs));
	struct sv all = sv_from(attrs);
	size_t at = 0;

	while (at < all.len) {
		size_t end = sv_find(all, ' ', at);

		defs[type.attr_count++] = attr_of(arena, sv_sub(all, at, end));
		at = end + 1;
	}
	type.attrs = defs;
	return type;
}

/* An agent with a type "person", or "person" and "group". */
static struct node *mariadb(void)
{
	struct arena *arena = &of_link;
	const char *const pairs[][2] = {
		{ "driver", "MariaDB Unicode" },
		{ "server", "127.0.0.1" },
		{ "port", getenv("CONJOIN_MARIADB_PORT") },
		{ "database", "tables" },
		{ "user", "conjoin" },
		{ "password", "secret:x" },
		{ "ca_file", getenv("CONJOIN_MARIADB_CA") },
	};
	struct node *map = conformance_map(arena, NULL);
	size_t i;

	map->keys = arena_array(arena, 40, sizeof(*map->keys));
	map->items = arena_array(arena, 40, sizeof(*map->items));
	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		map->keys[i] = conformance_text(arena, pairs[i][0]);
		map->items[i] = conformance_text(arena, pairs[i][1]);
	}
	map->len = i;
	return map;
}

struct agent *agent_new(const char *person, const char *group,
			const char *source)
{
	struct agent *agent = mem_zalloc(sizeof(*agent));
	struct node *connect =
		link ? mariadb()
		     : postgresql_connect(&pg, "password", "secret:x", NULL);
	struct node *more = parse(&agent->arena, &source);
	size_t i;

	for (i = 0; i < more->len; i++) {
		connect->keys[connect->len] = more->keys[i];
		connect->items[connect->len++] = more->items[i];
	}
	agent->types[0] = type_of(&agent->arena, "person", person);
	agent->types[1] = type_of(&agent->arena, "group", group ? group : "");
	agent->config = (struct connector_config){
		.agent = "hr",
		.folder = "/",
		.connect = connect,
		.types = agent->types,
		.type_count = group ? 2 : 1,
		.secret = secret,
	};
	return agent;
}

static int line_order(const void *a, const void *b)
{
	return sv_cmp(*(const struct sv *)a, *(const struct sv *)b);
}

const char *agent_sorted(struct agent *agent, const char *text)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv all = sv_from(text);
	struct sv *lines =
		arena_array(&agent->arena, all.len + 1, sizeof(*lines));
	size_t count = 0;
	size_t at = 0;
	size_t i;

	while (at < all.len) {
		size_t end = sv_find(all, '\n', at);

		lines[count++] = sv_sub(all, at, end);
		at = end + 1;
	}
	qsort(lines, count, sizeof(*lines), line_order);
	for (i = 0; i < count; i++)
		strbuf_addf(&out, SV_FMT "\n", SV_ARG(lines[i]));
	text = arena_cstr(&agent->arena, strbuf_sv(&out));
	strbuf_release(&out);
	return text;
}

static void add_problem(void *data, const struct node *at, const char *message)
{
	(void)at;
	strbuf_addf(data, "%s\n", message);
}

const char *agent_check(struct agent *agent)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *text;

	(void)setting_check(agent->config.connect, ops->settings, add_problem,
			    &out);
	sql_check(ops, &agent->config, add_problem, &out);
	text = arena_cstr(&agent->arena, sv_from(strbuf_cstr(&out)));
	strbuf_release(&out);
	return text;
}

const char *agent_setup(struct agent *agent)
{
	struct connector c;
	struct sv text = SV_NULL;
	int ret = connector_open(&c, ops, &agent->config, &agent->err);

	if (ret == 0)
		ret = connector_delta_setup(&c, &agent->arena, &text,
					    &agent->err);
	connector_close(&c);
	if (ret < 0)
		fail_msg("%s", agent->err.msg);
	return arena_cstr(&agent->arena, text);
}

void agent_free(struct agent *agent)
{
	arena_release(&agent->arena);
	mem_free(agent);
}

/* --- reading ----------------------------------------------------------- */

static const char *const op_names[] = { "object", "add",     "update",
					"rename", "delete",  "present",
					"error",  "filtered" };

static void write_change(struct strbuf *out, const struct agent *agent,
			 struct change *change, struct arena *arena)
{
	const struct object_type *type = &agent->types[change->type];
	size_t i;
	size_t k;

	strbuf_addf(out, "%s %s " SV_FMT, op_names[change->op], type->name,
		    SV_ARG(change->anchor));
	if (change->op == CHANGE_ERROR || change->op == CHANGE_FILTERED)
		strbuf_addf(out, " %s (" SV_FMT ") " SV_FMT,
			    change->error ? change->error : "",
			    SV_ARG(change->message), SV_ARG(change->where));
	for (i = 0; i < change->attr_count; i++) {
		strbuf_addf(out,
			    " %s=", type->attrs[change->attrs[i].attr].name);
		for (k = 0; k < change->attrs[i].values.len; k++)
			strbuf_addf(out, "%s" SV_FMT, k ? "," : "",
				    SV_ARG(value_text(
					    &change->attrs[i].values.at[k],
					    arena)));
	}
	strbuf_addc(out, '\n');
}

/* All that an import gives; nothing is expanded before all of it was read. */
const char *agent_read(struct agent *agent, enum import_kind kind)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct arena *arena = &agent->arena;
	struct change *changes = arena_array(arena, 1000, sizeof(*changes));
	struct connector c;
	const char *text;
	size_t count = 0;
	size_t i;
	int ret = connector_open(&c, ops, &agent->config, &agent->err);

	if (ret == 0)
		ret = connector_import_begin(&c, kind, agent->watermark,
					     &agent->err);
	while (ret == 0 &&
	       (ret = connector_next_deferred(&c, arena, &changes[count],
					      &agent->err)) > 0) {
		ret = 0;
		count++;
	}
	if (ret == 0)
		ret = connector_import_end(&c, arena, &agent->watermark,
					   &agent->err);
	if (ret == 0)
		ret = connector_import_kept(&c, &agent->err);
	for (i = 0; ret == 0 && i < count; i++) {
		connector_expand(&c, arena, &changes[i]);
		write_change(&out, agent, &changes[i], arena);
	}
	connector_close(&c);
	if (ret < 0)
		strbuf_addf(&out, "FAILED: %s", agent->err.msg);
	text = arena_cstr(arena, sv_from(strbuf_cstr(&out)));
	strbuf_release(&out);
	return text;
}

/* --- writing ------------------------------------------------------------ */

/* The next word, which ends at one of `ends`; *at is behind that. */
static struct sv word(const char **at, const char *ends)
{
	size_t len = strcspn(*at, ends);
	struct sv out = sv_make(*at, len);

	*at += len;
	*at += **at ? 1 : 0;
	return out;
}

static struct value value_of(const struct attr_def *def, struct sv text)
{
	struct value value = value_string(text);

	(void)value_parse(def->type, text, SV_NULL, &value);
	return value;
}

static void put_change(struct agent *agent, struct export_op *op,
		       struct sv text)
{
	const struct object_type *type = &agent->types[op->type];
	struct attr_change *change = &op->attrs[op->attr_count++];
	size_t end = sv_find(text, '=', 0);
	struct sv name = sv_sub(text, 0, end);
	struct sv list = sv_sub(text, end + 1, text.len);
	size_t at = 0;

	change->op = sv_ends(name, SV_LIT("+"))   ? ATTR_ADD
		     : sv_ends(name, SV_LIT("-")) ? ATTR_DELETE
						  : ATTR_REPLACE;
	name.len -= change->op != ATTR_REPLACE;
	assert_int_equal(object_type_attr(type, name, &change->attr), 1);
	change->values.at = arena_array(&agent->arena, list.len + 1,
					sizeof(*change->values.at));
	while (at < list.len) {
		size_t to = sv_find(list, ',', at);

		change->values.at[change->values.len++] = value_of(
			&type->attrs[change->attr], sv_sub(list, at, to));
		at = to + 1;
	}
}

static struct export_op *parse_op(struct agent *agent, const char **at)
{
	static const char *const kinds[] = { "add", "update", "rename",
					     "delete", "replace" };
	struct export_op *op = arena_zalloc(&agent->arena, sizeof(*op));
	const char *line = arena_cstr(&agent->arena, word(at, "\n"));
	struct sv kind = word(&line, " ");
	struct sv type;

	if (sv_eq_str(kind, "retry")) {
		op->retry = true;
		kind = word(&line, " ");
	}
	while (!sv_eq_str(kind, kinds[op->kind]))
		op->kind++;
	type = word(&line, " ");
	op->type = !sv_eq_str(type, agent->types[0].name);
	op->anchor = word(&line, " ");
	if (sv_eq_str(op->anchor, "-"))
		op->anchor = SV_NULL;
	op->attrs = arena_array(&agent->arena, 20, sizeof(*op->attrs));
	while (*line)
		put_change(agent, op, word(&line, " "));
	return op;
}

static void write_outcome(struct agent *agent, struct strbuf *out,
			  const struct export_outcome *outcome)
{
	if (!outcome->ok) {
		(void)snprintf(agent->message, sizeof(agent->message), SV_FMT,
			       SV_ARG(outcome->message));
		strbuf_addf(out, "%s\n", outcome->error);
		return;
	}
	strbuf_addf(out, "ok " SV_FMT "%s%s\n", SV_ARG(outcome->anchor),
		    outcome->adopted ? " adopted" : "",
		    outcome->references_later ? " later" : "");
}

const char *agent_write(struct agent *agent, const char *operations)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct arena *arena = &agent->arena;
	struct export_outcome *outcomes =
		arena_array(arena, 2000, sizeof(*outcomes));
	struct export_outcome one;
	struct connector c;
	size_t count = 0;
	const char *text;
	size_t i;
	int ret = connector_open(&c, &postgresql_connector, &agent->config,
				 &agent->err);

	if (ret == 0)
		ret = connector_export_begin(&c, &agent->err);
	while (ret == 0 && *operations) {
		struct export_op *op = parse_op(agent, &operations);

		op->id = ++count;
		ret = connector_export_put(&c, op, &agent->err);
	}
	while (ret == 0 && (ret = connector_export_result(&c, true, arena, &one,
							  &agent->err)) > 0) {
		outcomes[one.id] = one;
		ret = 0;
	}
	if (ret == 0)
		ret = connector_export_end(&c, &agent->err);
	for (i = 1; i <= count; i++)
		if (outcomes[i].id)
			write_outcome(agent, &out, &outcomes[i]);
	connector_close(&c);
	if (ret < 0)
		strbuf_addf(&out, "FAILED: %s", agent->err.msg);
	text = arena_cstr(arena, sv_from(strbuf_cstr(&out)));
	strbuf_release(&out);
	return text;
}

const char *agent_message(const struct agent *agent)
{
	return agent->message;
}

int tables_run(const struct CMUnitTest *tests, size_t count)
{
	int failed = 1;

	if (postgresql_begin(&pg) < 0)
		return 1;
	secret_set(&password, secret_view(&pg.password));
	db = tables_connect();
	failed = _cmocka_run_group_tests("tables", tests, count, NULL, NULL);
	PQfinish(db);
	postgresql_end(&pg);
	secret_release(&password);
	return failed;
}

int tables_run_mariadb(const struct CMUnitTest *tests, size_t count)
{
	struct sql_place place = { .folder = "/", .password = &password };
	struct error err = ERROR_INIT;
	struct node *connect;
	int failed;

	if (!getenv("CONJOIN_MARIADB_PORT")) {
		(void)fprintf(stderr, "start this by tools/mariadb.py "
				      "PROGRAM\n");
		return 1;
	}
	secret_set(&password, SV_LIT("Secret;of}tests{"));
	ops = &odbc_ops;
	connect = mariadb();
	connect->items[3] =
		conformance_text(&of_link, getenv("CONJOIN_MARIADB_DATABASE"));
	place.connect = connect;
	if (sql_odbc.open(&place, &link, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	sql("CREATE DATABASE tables");
	failed = _cmocka_run_group_tests("tables", tests, count, NULL, NULL);
	sql_odbc.close(link);
	arena_release(&of_link);
	secret_release(&password);
	return failed;
}

/* --- passwords --------------------------------------------------------- */

const char *agent_password(struct agent *agent, const char *anchor,
			   const char *old, const char *new_one)
{
	return password_try(ops, &agent->config, anchor, old, new_one);
}

void assert_same_bytes(struct agent *agent)
{
	struct connector c;
	struct change changes[2];
	int kind;

	for (kind = IMPORT_FULL; kind <= IMPORT_DELTA; kind++) {
		struct change *change = &changes[kind];

		assert_int_equal(
			connector_open(&c, ops, &agent->config, &agent->err),
			0);
		assert_int_equal(
			connector_import_begin(&c, (enum import_kind)kind,
					       agent->watermark, &agent->err),
			0);
		do
			assert_int_equal(
				connector_next_deferred(&c, &agent->arena,
							change, &agent->err),
				1);
		while (change->op != CHANGE_OBJECT);
		change->raw_context =
			arena_dup(&agent->arena, change->raw_context);
		connector_close(&c);
	}
	assert_true(changes[0].raw.len > 0);
	assert_true(sv_eq(changes[0].raw, changes[1].raw));
	assert_true(sv_eq(changes[0].raw_context, changes[1].raw_context));
}
