/*
 * setup.c - the statements that make a history of changes
 *
 * A table with the anchor of whatever changed, and triggers that write to it:
 * on the objects' table and on their child tables. They are written for whoever
 * runs the database, and never run by conjoin, whose user needs no such rights.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "connectors/sql/logical.h"

#include <string.h>

struct setup {
	struct connector_session *session;
	const struct sql_dialect *dialect;
	const struct sql_source *source;
	const struct sql_table *objects;
	const struct sql_column **anchors;
	struct sql_table history; /* its name */
	struct strbuf *out;
	struct arena *arena;
};

static void add(const struct setup *s, const char *text)
{
	strbuf_adds(s->out, text);
}

static void add_table(const struct setup *s, const struct sql_table *table)
{
	sql_add_table_of(s->out, s->dialect, table);
}

static void add_name(const struct setup *s, const char *name)
{
	sql_add_name(s->out, s->dialect, sv_from(name));
}

/* "a", "b", each behind a prefix: OLD. */
static void add_list(const struct setup *s, const char *prefix,
		     const struct sql_column **columns)
{
	size_t i;

	for (i = 0; i < s->source->anchor_count; i++) {
		strbuf_addf(s->out, "%s%s", i ? ", " : "", prefix);
		add_name(s, columns[i]->name);
	}
}

/* people_changes_of_mails: of a trigger, in the history's schema. */
static void add_trigger_name(const struct setup *s,
			     const struct sql_table *table, const char *suffix)
{
	struct sql_table name = s->history;

	name.name = arena_printf(s->arena, "%s_of_%s%s", s->history.name,
				 table->name, suffix);
	add_table(s, &name);
}

static void add_insert(const struct setup *s, bool moment)
{
	add(s, "INSERT INTO ");
	add_table(s, &s->history);
	add(s, " (");
	add_list(s, "", s->anchors);
	add(s, moment ? ", changed_at) " : ") ");
}

static void add_columns(const struct setup *s)
{
	size_t i;

	add(s, "CREATE TABLE ");
	add_table(s, &s->history);
	add(s, " (\n");
	for (i = 0; i < s->source->anchor_count; i++) {
		add(s, "\t");
		add_name(s, s->anchors[i]->name);
		strbuf_addf(s->out, " %s,\n", s->anchors[i]->type);
	}
}

/* --- PostgreSQL -------------------------------------------------------- */

static void postgresql_table(const struct setup *s)
{
	add_columns(s);
	add(s, "\tchanged_in xid8 NOT NULL DEFAULT pg_current_xact_id(),\n"
	       "\tchanged_at timestamptz NOT NULL DEFAULT clock_timestamp()\n"
	       ");\nCREATE INDEX ON ");
	add_table(s, &s->history);
	add(s, " (changed_in);\n");
}

static void postgresql_function(const struct setup *s,
				const struct sql_table *table,
				const struct sql_column **keys)
{
	struct sv channel = sql_session_setting(s->session, "watch");

	add(s, "CREATE FUNCTION ");
	add_trigger_name(s, table, "");
	add(s, "() RETURNS trigger\n"
	       "LANGUAGE plpgsql SECURITY DEFINER "
	       "SET search_path = pg_catalog, pg_temp AS $conjoin$\n"
	       "BEGIN\n\tIF TG_OP = 'TRUNCATE' THEN\n\t\t");
	add_insert(s, false);
	add(s, "SELECT ");
	add_list(s, "", keys);
	add(s, " FROM ");
	add_table(s, table);
	add(s, ";\n\tEND IF;\n\tIF TG_OP IN ('UPDATE', 'DELETE') THEN\n\t\t");
	add_insert(s, false);
	add(s, "VALUES (");
	add_list(s, "OLD.", keys);
	add(s, ");\n\tEND IF;\n\tIF TG_OP IN ('INSERT', 'UPDATE') THEN\n\t\t");
	add_insert(s, false);
	add(s, "VALUES (");
	add_list(s, "NEW.", keys);
	add(s, ");\n\tEND IF;\n");
	if (channel.len) {
		add(s, "\tPERFORM pg_notify('");
		for (size_t i = 0; i < channel.len; i++)
			strbuf_addf(s->out, "%s%c",
				    channel.ptr[i] == '\'' ? "'" : "",
				    channel.ptr[i]);
		add(s, "', '');\n");
	}
	add(s, "\tRETURN NULL;\nEND\n$conjoin$;\n");
}

static void postgresql_trigger(const struct setup *s,
			       const struct sql_table *table,
			       const struct sql_column **keys)
{
	postgresql_function(s, table, keys);
	add(s, "CREATE TRIGGER conjoin_changes "
	       "AFTER INSERT OR UPDATE OR DELETE ON ");
	add_table(s, table);
	add(s, "\n\tFOR EACH ROW EXECUTE FUNCTION ");
	add_trigger_name(s, table, "");
	add(s, "();\nCREATE TRIGGER conjoin_truncation BEFORE TRUNCATE ON ");
	add_table(s, table);
	add(s, "\n\tFOR EACH STATEMENT EXECUTE FUNCTION ");
	add_trigger_name(s, table, "");
	add(s, "();\n");
}

/* --- the others -------------------------------------------------------- */

static void sqlserver_table(const struct setup *s)
{
	add_columns(s);
	add(s, "\tchanged_at datetime2 NOT NULL DEFAULT SYSUTCDATETIME(),\n"
	       "\tchanged_in rowversion NOT NULL\n);\nGO\n");
}

static void sqlserver_trigger(const struct setup *s,
			      const struct sql_table *table,
			      const struct sql_column **keys)
{
	add(s, "CREATE TRIGGER ");
	add_trigger_name(s, table, "");
	add(s, " ON ");
	add_table(s, table);
	add(s, " AFTER INSERT, UPDATE, DELETE AS\nBEGIN\n"
	       "\tSET NOCOUNT ON;\n\t");
	add_insert(s, false);
	add(s, "\n\tSELECT ");
	add_list(s, "", keys);
	add(s, " FROM inserted UNION SELECT ");
	add_list(s, "", keys);
	add(s, " FROM deleted;\nEND;\nGO\n");
}

static void mysql_table(const struct setup *s)
{
	add_columns(s);
	add(s, "\tchanged_at datetime(6) NOT NULL,\n"
	       "\tINDEX (changed_at)\n);\n");
}

static void sqlite_table(const struct setup *s)
{
	add_columns(s);
	add(s, "\tchanged_at timestamp NOT NULL\n);\nCREATE INDEX ");
	add_name(s, arena_printf(s->arena, "%s_at", s->history.name));
	add(s, " ON ");
	add_table(s, &s->history);
	add(s, " (changed_at);\n");
}

/* A trigger for each kind of change, as MySQL and SQLite have them. */
static void three_triggers(const struct setup *s, const struct sql_table *table,
			   const struct sql_column **keys, const char *now)
{
	static const struct {
		const char *event;
		const char *rows[2];
	} kinds[] = { { "insert", { "NEW.", NULL } },
		      { "update", { "OLD.", "NEW." } },
		      { "delete", { "OLD.", NULL } } };
	bool block = !strcmp(s->dialect->name, "sqlite");
	size_t i;
	size_t k;

	for (i = 0; i < 3; i++) {
		add(s, "CREATE TRIGGER ");
		add_trigger_name(s, table,
				 arena_printf(s->arena, "_%s", kinds[i].event));
		strbuf_addf(s->out, " AFTER %s ON ", kinds[i].event);
		add_table(s, table);
		strbuf_addf(s->out, " FOR EACH ROW\n%s\t",
			    block ? "BEGIN\n" : "");
		add_insert(s, true);
		add(s, "VALUES ");
		for (k = 0; k < 2 && kinds[i].rows[k]; k++) {
			add(s, k ? ", (" : "(");
			add_list(s, kinds[i].rows[k], keys);
			strbuf_addf(s->out, ", %s)", now);
		}
		add(s, block ? ";\nEND;\n" : ";\n");
	}
}

static void mysql_trigger(const struct setup *s, const struct sql_table *table,
			  const struct sql_column **keys)
{
	three_triggers(s, table, keys, "UTC_TIMESTAMP(6)");
}

static void sqlite_trigger(const struct setup *s, const struct sql_table *table,
			   const struct sql_column **keys)
{
	three_triggers(s, table, keys, "strftime('%Y-%m-%d %H:%M:%f', 'now')");
}

static void oracle_table(const struct setup *s)
{
	add_columns(s);
	add(s, "\tchanged_at TIMESTAMP NOT NULL\n);\nCREATE INDEX ");
	add_name(s, arena_printf(s->arena, "%s_AT", s->history.name));
	add(s, " ON ");
	add_table(s, &s->history);
	add(s, " (changed_at);\n");
}

static void oracle_row(const struct setup *s, const struct sql_column **keys,
		       const char *unless, const char *prefix)
{
	strbuf_addf(s->out, "\tIF NOT %s THEN\n\t\t", unless);
	add_insert(s, true);
	add(s, "VALUES (");
	add_list(s, prefix, keys);
	add(s, ", SYS_EXTRACT_UTC(SYSTIMESTAMP));\n\tEND IF;\n");
}

static void oracle_trigger(const struct setup *s, const struct sql_table *table,
			   const struct sql_column **keys)
{
	add(s, "CREATE TRIGGER ");
	add_trigger_name(s, table, "");
	add(s, "\n\tAFTER INSERT OR UPDATE OR DELETE ON ");
	add_table(s, table);
	add(s, " FOR EACH ROW\nBEGIN\n");
	oracle_row(s, keys, "INSERTING", ":OLD.");
	oracle_row(s, keys, "DELETING", ":NEW.");
	add(s, "END;\n/\n");
}

/* --- what is common ---------------------------------------------------- */

static const struct {
	const char *dialect;
	void (*table)(const struct setup *s);
	void (*trigger)(const struct setup *s, const struct sql_table *table,
			const struct sql_column **keys);
	const char *old; /* the condition of rows that may go; %d: days */
} databases[] = {
	{ "postgresql", postgresql_table, postgresql_trigger,
	  "changed_at < now() - interval '%d days'" },
	{ "sqlserver", sqlserver_table, sqlserver_trigger,
	  "changed_at < DATEADD(day, -%d, SYSUTCDATETIME())" },
	{ "mysql", mysql_table, mysql_trigger,
	  "changed_at < UTC_TIMESTAMP() - INTERVAL %d DAY" },
	{ "sqlite", sqlite_table, sqlite_trigger,
	  "changed_at < datetime('now', '-%d days')" },
	{ "oracle", oracle_table, oracle_trigger,
	  "changed_at < SYS_EXTRACT_UTC(SYSTIMESTAMP) - %d" },
};

#define DATABASES (sizeof(databases) / sizeof(*databases))

static size_t find_database(const struct setup *s)
{
	size_t i;

	for (i = 0; i < DATABASES; i++)
		if (!strcmp(databases[i].dialect, s->dialect->name))
			break;
	return i;
}

/* A day longer than the delta import relies on. */
static int days_kept(const struct setup *s)
{
	int64_t keep = 0;

	(void)setting_parse_duration(
		setting_text(s->source->delta, sql_delta_settings, "keep"),
		&keep);
	return (int)((keep + CLOCK_DAY - 1) / CLOCK_DAY) + 1;
}

static void add_end(const struct setup *s, const char *old)
{
	struct sv user =
		node_get(s->session->config->connect, "user")
			? node_get(s->session->config->connect, "user")->text
			: SV_NULL;

	if (user.len && strcmp(s->dialect->name, "sqlite") != 0) {
		add(s, "GRANT SELECT ON ");
		add_table(s, &s->history);
		add(s, " TO ");
		sql_add_name(s->out, s->dialect, user);
		add(s, ";\n");
	}
	add(s, "-- to be run once a day:\n-- DELETE FROM ");
	add_table(s, &s->history);
	add(s, " WHERE ");
	sql_add_statement(s->out, old, days_kept(s));
	add(s, ";\n");
}

/* Columns of a table by their names. */
static int columns_of(const struct setup *s, const struct sql_table *table,
		      const struct sv *names, const struct sql_column ***out,
		      struct error *err)
{
	size_t i;

	*out = arena_array(s->arena, s->source->anchor_count, sizeof(**out));
	for (i = 0; i < s->source->anchor_count; i++) {
		(*out)[i] = sql_table_column(table, names[i]);
		if (!(*out)[i])
			return sql_no_column(sv_from(table->name), names[i],
					     table->columns,
					     table->column_count, err);
	}
	return 0;
}

static int write_triggers(const struct setup *s, size_t database,
			  struct error *err)
{
	const struct sql_column **keys;
	const struct sql_table *table;
	size_t i;

	databases[database].trigger(s, s->objects, s->anchors);
	for (i = 0; i < s->source->child_count; i++) {
		const struct sql_child *child = &s->source->children[i];

		if (sql_session_table(s->session, child->table, &table, err) <
			    0 ||
		    columns_of(s, table, child->keys, &keys, err) < 0)
			return -1;
		databases[database].trigger(s, table, keys);
	}
	return 0;
}

static int write_history(struct setup *s, struct error *err)
{
	struct sv name = sql_history_table(s->source, s->arena);
	size_t database = find_database(s);

	if (database == DATABASES)
		return error_set(err, ERR_UNSUPPORTED,
				 "no triggers are written for this kind of "
				 "database: make them by hand, as in "
				 "docs/reference/connectors/sql.md");
	if (sql_session_table(s->session, s->source->table, &s->objects, err) <
		    0 ||
	    columns_of(s, s->objects, s->source->anchors, &s->anchors, err) < 0)
		return -1;
	sql_table_name(name, s->arena, &s->history.schema, &s->history.name);
	if (!s->history.schema)
		s->history.schema = s->objects->schema;
	databases[database].table(s);
	if (write_triggers(s, database, err) < 0)
		return -1;
	add_end(s, databases[database].old);
	return 0;
}

/* --- logical ----------------------------------------------------------- */

/* A child table's key is told when it is part of the primary key. */
static bool has_key(const struct sql_child_plan *child)
{
	size_t i;

	for (i = 0; i < child->child->key_count; i++)
		if (!child->keys[i]->key)
			return false;
	return true;
}

static int add_published(struct connector_session *session,
			 const struct sql_source *source, struct arena *arena,
			 struct strbuf *tables, struct strbuf *full,
			 struct error *err)
{
	const struct sql_dialect *dialect = session->link->dialect;
	struct sql_plan plan;
	size_t i;

	if (sql_plan_begin(session, source, arena, &plan, err) < 0)
		return -1;
	strbuf_adds(tables, tables->len ? ", " : "");
	sql_add_table_of(tables, dialect, plan.table);
	for (i = 0; i < plan.child_count; i++) {
		strbuf_adds(tables, ", ");
		sql_add_table_of(tables, dialect, plan.children[i].table);
		if (has_key(&plan.children[i]))
			continue;
		strbuf_adds(full, "ALTER TABLE ");
		sql_add_table_of(full, dialect, plan.children[i].table);
		strbuf_adds(full, " REPLICA IDENTITY FULL;\n");
	}
	return 0;
}

static bool is_by(const struct sql_source *source, const char *way)
{
	return source->table.len &&
	       sv_eq_str(setting_text(source->delta, sql_delta_settings, "by"),
			 way);
}

/* The publication and the slot, one for all types of the agent. */
static int write_slot(struct connector_session *session, struct arena *arena,
		      struct strbuf *out, struct error *err)
{
	const struct node *user = node_get(session->config->connect, "user");
	struct strbuf tables = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct strbuf full = STRBUF_INIT(STRBUF_NO_LIMIT);
	const struct sql_source *first = NULL;
	int ret = 0;
	size_t i;

	for (i = 0; ret == 0 && i < session->source_count; i++) {
		if (!is_by(&session->sources[i], "logical"))
			continue;
		if (!first)
			first = &session->sources[i];
		ret = add_published(session, &session->sources[i], arena,
				    &tables, &full, err);
	}
	if (ret == 0 && first) {
		strbuf_adds(out, "-- the server's wal_level must be logical\n");
		strbuf_adds(out, "CREATE PUBLICATION ");
		sql_add_name(out, session->link->dialect,
			     sv_from(sql_logical_publication(session, first,
							     arena)));
		strbuf_addf(out, " FOR TABLE %s;\n%s", strbuf_cstr(&tables),
			    strbuf_cstr(&full));
		if (user) {
			strbuf_adds(out, "ALTER ROLE ");
			sql_add_name(out, session->link->dialect, user->text);
			strbuf_adds(out, " REPLICATION;\n");
		}
		strbuf_addf(out,
			    "SELECT pg_create_logical_replication_slot('%s', "
			    "'pgoutput');\n",
			    sql_logical_slot(session, first, arena));
	}
	strbuf_release(&tables);
	strbuf_release(&full);
	return ret;
}

int sql_delta_setup(struct connector_session *session, struct arena *arena,
		    struct sv *out, struct error *err)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret = 0;
	size_t i;

	for (i = 0; ret == 0 && i < session->source_count; i++) {
		struct setup s = { .session = session,
				   .dialect = session->link->dialect,
				   .source = &session->sources[i],
				   .out = &text,
				   .arena = arena };

		if (is_by(s.source, "history"))
			ret = write_history(&s, err);
	}
	if (ret == 0)
		ret = write_slot(session, arena, &text, err);
	if (ret == 0 && !text.len)
		ret = error_set(err, ERR_UNSUPPORTED,
				"only 'delta: {by: history}' and 'by: logical' "
				"beside 'table' need something");
	*out = arena_dup(arena, strbuf_sv(&text));
	strbuf_release(&text);
	return ret;
}
