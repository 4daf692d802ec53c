/*
 * session.c - a connection with a database, and what its catalogue says
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/zone.h"
#include "connectors/sql/sql_private.h"

#include <assert.h>
#include <string.h>

/* A list of tables: a session asks for few. */
struct sql_seen_table {
	struct sv name; /* as the settings write it */
	struct sql_table table;
	bool whole; /* with its foreign keys */
	struct sql_seen_table *next;
};

void sql_close(struct connector_session *session)
{
	if (!session)
		return;
	sql_import_free(session);
	sql_export_free(session);
	sql_password_free(session);
	if (session->link)
		session->driver->close(session->link);
	zone_close(session->zone);
	arena_release(&session->arena);
	mem_free(session);
}

static int open_link(struct connector_session *session, struct error *err)
{
	const struct connector_config *config = session->config;
	const struct node *password = node_get(config->connect, "password");
	const struct node *dialect = node_get(config->connect, "dialect");
	struct secret secret = SECRET_INIT;
	struct sql_place place = {
		.agent = config->agent,
		.folder = config->folder,
		.connect = config->connect,
	};
	int ret = 0;

	if (dialect && dialect->kind == NODE_SCALAR)
		place.dialect = sql_dialect_find(dialect->text);
	if (password && password->text.len) {
		ret = config->secret(config->secret_data, password->text,
				     &secret, err);
		place.password = &secret;
	}
	if (ret == 0)
		ret = session->driver->open(&place, &session->link, err);
	secret_release(&secret);
	return ret;
}

int sql_open(const struct connector_ops *ops,
	     const struct connector_config *config,
	     struct connector_session **out, struct error *err)
{
	struct connector_session *session = mem_zalloc(sizeof(*session));
	struct sv zone;

	session->config = config;
	session->driver = ops->data;
	zone = sql_session_setting(session, "time_zone");
	if (sql_sources_load(config, &session->arena, &session->sources,
			     &session->source_count, err) < 0 ||
	    (!sv_eq_str(zone, "UTC") &&
	     zone_open(zone, &session->zone, err) < 0) ||
	    open_link(session, err) < 0) {
		sql_close(session);
		return -1;
	}
	*out = session;
	return 0;
}

int sql_look(struct connector_session *session, struct arena *arena,
	     struct connector_look *out, struct error *err)
{
	(void)err;
	out->server = arena_cstr(arena, sv_from(session->link->server));
	out->certificate = arena_dup(arena, session->link->certificate);
	return 0;
}

int sql_wait(struct connector_session *session, int timeout_ms,
	     struct error *err)
{
	struct sv channel = sql_session_setting(session, "watch");

	return session->driver->wait(session->link,
				     arena_cstr(&session->arena, channel),
				     timeout_ms, err);
}

/* --- names ------------------------------------------------------------- */

/* One part of a name from `at`, without its quotes; where it ends. */
static size_t name_part(struct sv name, size_t at, struct strbuf *out)
{
	bool quoted = at < name.len && name.ptr[at] == '"';

	strbuf_reset(out);
	if (!quoted) {
		size_t end = sv_find(name, '.', at);

		strbuf_addsv(out, sv_sub(name, at, end));
		return end;
	}
	for (at++; at < name.len; at++) {
		if (name.ptr[at] == '"') {
			if (at + 1 == name.len || name.ptr[at + 1] != '"')
				return at + 1;
			at++;
		}
		strbuf_addc(out, name.ptr[at]);
	}
	return at;
}

void sql_table_name(struct sv name, struct arena *arena,
		    const char **schema_out, const char **table_out)
{
	struct strbuf part = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t at = name_part(name, 0, &part);

	*schema_out = NULL;
	*table_out = arena_cstr(arena, strbuf_sv(&part));
	if (at < name.len && name.ptr[at] == '.') {
		*schema_out = *table_out;
		(void)name_part(name, at + 1, &part);
		*table_out = arena_cstr(arena, strbuf_sv(&part));
	}
	strbuf_release(&part);
}

void sql_add_table_of(struct strbuf *sql, const struct sql_dialect *dialect,
		      const struct sql_table *table)
{
	if (table->schema && *table->schema) {
		sql_add_name(sql, dialect, sv_from(table->schema));
		strbuf_addc(sql, '.');
	}
	sql_add_name(sql, dialect, sv_from(table->name));
}

void sql_add_column(struct strbuf *sql, const struct sql_dialect *dialect,
		    const char *alias, const char *column)
{
	strbuf_addf(sql, "%s.", alias);
	sql_add_name(sql, dialect, sv_from(column));
}

/* --- catalogue --------------------------------------------------------- */

#define NAMES_MAX 256

/* The nearest of the tables that there are, for a name that is none. */
static int no_table(struct connector_session *session, struct sv name,
		    struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct error ignored = ERROR_INIT;
	const char *names[NAMES_MAX];
	const char *schema;
	const char *table;
	const char *near = NULL;
	struct sql_table *tables;
	size_t count = 0;
	size_t i;

	sql_table_name(name, &scratch, &schema, &table);
	if (session->driver->tables(session->link, &scratch, &tables, &count,
				    &ignored) == 0) {
		for (i = 0; i < count && i < NAMES_MAX; i++)
			names[i] = tables[i].name;
		near = sv_nearest(sv_from(table), names, i);
	}
	(void)error_set(err, ERR_INVALID,
			"there is no table or view '" SV_FMT
			"' that this user may read%s%s%s",
			SV_ARG(name), near ? "; did you mean '" : "",
			near ? near : "", near ? "'?" : "");
	arena_release(&scratch);
	return -1;
}

/* NULL: err is set. */
static struct sql_seen_table *find_table(struct connector_session *session,
					 struct sv name, struct error *err)
{
	struct sql_seen_table *seen;
	const char *schema;
	const char *table;
	int ret;

	for (seen = session->tables; seen; seen = seen->next)
		if (sv_eq(seen->name, name))
			return seen;
	seen = arena_zalloc(&session->arena, sizeof(*seen));
	sql_table_name(name, &session->arena, &schema, &table);
	ret = session->driver->describe(session->link, schema, table,
					&session->arena, &seen->table, err);
	if (ret == 0)
		(void)no_table(session, name, err);
	if (ret < 0)
		(void)error_context(err, "table '" SV_FMT "'", SV_ARG(name));
	if (ret <= 0)
		return NULL;
	seen->name = name;
	seen->next = session->tables;
	session->tables = seen;
	return seen;
}

int sql_session_table(struct connector_session *session, struct sv name,
		      const struct sql_table **out, struct error *err)
{
	struct sql_seen_table *seen = find_table(session, name, err);

	if (!seen)
		return -1;
	*out = &seen->table;
	return 0;
}

int sql_session_whole_table(struct connector_session *session, struct sv name,
			    const struct sql_table **out, struct error *err)
{
	struct sql_seen_table *seen = find_table(session, name, err);

	if (!seen)
		return -1;
	if (!seen->whole &&
	    session->driver->foreign(session->link, &session->arena,
				     &seen->table, err) < 0)
		return error_context(err, "table '" SV_FMT "'", SV_ARG(name));
	seen->whole = true;
	*out = &seen->table;
	return 0;
}

const struct sql_column *sql_table_column(const struct sql_table *table,
					  struct sv name)
{
	size_t i;

	for (i = 0; i < table->column_count; i++)
		if (sv_eq_str(name, table->columns[i].name))
			return &table->columns[i];
	for (i = 0; i < table->column_count; i++)
		if (sv_ieq_str(name, table->columns[i].name))
			return &table->columns[i];
	return NULL;
}

int sql_no_column(struct sv table, struct sv name,
		  const struct sql_column *columns, size_t count,
		  struct error *err)
{
	struct strbuf list = STRBUF_INIT(200);
	const char *names[NAMES_MAX];
	const char *near;
	size_t i;

	for (i = 0; i < count && i < NAMES_MAX; i++) {
		names[i] = columns[i].name;
		strbuf_addf(&list, "%s%s", i ? ", " : "", names[i]);
	}
	near = sv_nearest(name, names, i);
	(void)error_set(
		err, ERR_INVALID,
		"'" SV_FMT "' has no column '" SV_FMT "'; it has: %s%s%s%s%s",
		SV_ARG(table), SV_ARG(name), strbuf_cstr(&list),
		list.overflow ? " ..." : "", near ? "; did you mean '" : "",
		near ? near : "", near ? "'?" : "");
	strbuf_release(&list);
	return -1;
}
