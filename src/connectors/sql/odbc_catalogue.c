/*
 * odbc_catalogue.c - tables, columns and keys, as the driver tells them
 *
 * What a catalogue function takes for a name is a pattern to it, so what comes
 * is compared again. A database of MySQL is what elsewhere is a schema. Keys
 * are told by those drivers that can.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/odbc_private.h"

#include "base/vec.h"

#include <sqlucode.h>

enum call { CALL_TABLES, CALL_COLUMNS, CALL_PRIMARY, CALL_FOREIGN };

struct asked {
	const char *catalog; /* NULL: any */
	const char *schema;
	const char *table;
};

static bool is_mysql(const struct odbc_link *odbc)
{
	return strcmp(odbc->link.dialect->name, "mysql") == 0;
}

static struct asked ask_for(const struct odbc_link *odbc, const char *schema,
			    const char *table)
{
	struct asked asked = { .table = table };

	if (is_mysql(odbc))
		asked.catalog = schema ? schema : odbc->link.schema;
	else
		asked.schema = schema;
	return asked;
}

/* ---- the functions, by plain text and by UTF-16 ---- */

static SQLCHAR *plain(const char *text, struct arena *arena)
{
	return text ? (SQLCHAR *)arena_cstr(arena, sv_from(text)) : NULL;
}

static SQLWCHAR *wide(const char *text, struct arena *arena)
{
	size_t count;

	return text ? odbc_utf16(sv_from(text), arena, &count) : NULL;
}

static SQLRETURN call_plain(SQLHSTMT stmt, enum call what,
			    const struct asked *asked, struct arena *arena)
{
	SQLCHAR *catalog = plain(asked->catalog, arena);
	SQLCHAR *schema = plain(asked->schema, arena);
	SQLCHAR *table = plain(asked->table, arena);

	switch (what) {
	case CALL_TABLES:
		return SQLTables(stmt, catalog, SQL_NTS, schema, SQL_NTS, table,
				 SQL_NTS, NULL, 0);
	case CALL_COLUMNS:
		return SQLColumns(stmt, catalog, SQL_NTS, schema, SQL_NTS,
				  table, SQL_NTS, NULL, 0);
	case CALL_PRIMARY:
		return SQLPrimaryKeys(stmt, catalog, SQL_NTS, schema, SQL_NTS,
				      table, SQL_NTS);
	case CALL_FOREIGN:
		break;
	}
	return SQLForeignKeys(stmt, NULL, 0, NULL, 0, NULL, 0, catalog, SQL_NTS,
			      schema, SQL_NTS, table, SQL_NTS);
}

static SQLRETURN call_wide(SQLHSTMT stmt, enum call what,
			   const struct asked *asked, struct arena *arena)
{
	SQLWCHAR *catalog = wide(asked->catalog, arena);
	SQLWCHAR *schema = wide(asked->schema, arena);
	SQLWCHAR *table = wide(asked->table, arena);

	switch (what) {
	case CALL_TABLES:
		return SQLTablesW(stmt, catalog, SQL_NTS, schema, SQL_NTS,
				  table, SQL_NTS, NULL, 0);
	case CALL_COLUMNS:
		return SQLColumnsW(stmt, catalog, SQL_NTS, schema, SQL_NTS,
				   table, SQL_NTS, NULL, 0);
	case CALL_PRIMARY:
		return SQLPrimaryKeysW(stmt, catalog, SQL_NTS, schema, SQL_NTS,
				       table, SQL_NTS);
	case CALL_FOREIGN:
		break;
	}
	return SQLForeignKeysW(stmt, NULL, 0, NULL, 0, NULL, 0, catalog,
			       SQL_NTS, schema, SQL_NTS, table, SQL_NTS);
}

static int call(struct odbc_link *odbc, enum call what,
		const struct asked *asked, struct sql_rows **out,
		struct error *err)
{
	SQLHSTMT stmt = odbc_statement(odbc, err);
	struct arena arena = ARENA_INIT;
	SQLRETURN ret;

	if (!stmt)
		return -1;
	ret = odbc->kind->narrow ? call_plain(stmt, what, asked, &arena)
				 : call_wide(stmt, what, asked, &arena);
	arena_release(&arena);
	if (odbc_ok(ret))
		return odbc_rows_of(odbc, stmt, out, NULL, err);
	odbc_fail_stmt(odbc, stmt, "read the catalogue", NULL, err);
	(void)SQLFreeHandle(SQL_HANDLE_STMT, stmt);
	return -1;
}

/* ---- tables ---- */

static bool is_system(const struct odbc_link *odbc, struct sv schema)
{
	static const char *const names[] = {
		"sys",      "INFORMATION_SCHEMA",
		"SYS",      "SYSTEM",
		"SYSIBM",   "SYSCAT",
		"SYSSTAT",  "SYSPUBLIC",
		"SYSTOOLS", "SYSIBMADM",
		"XDB",      "MDSYS",
		"CTXSYS",   "pg_catalog",
		"WMSYS",    "information_schema",
		"OUTLN",    "DBSNMP",
	};
	size_t i;

	(void)odbc;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (sv_eq_str(schema, names[i]))
			return true;
	return false;
}

/* A row of SQLTables: catalog, schema, name, type. */
static bool take_table(const struct odbc_link *odbc, const struct sv *row,
		       struct arena *arena, struct sql_table *out)
{
	struct sv schema = is_mysql(odbc) ? row[0] : row[1];

	*out = (struct sql_table){ .view = sv_ieq_str(row[3], "VIEW") };
	if ((!out->view && !sv_ieq_str(row[3], "TABLE") &&
	     !sv_ieq_str(row[3], "SYNONYM") && !sv_ieq_str(row[3], "ALIAS") &&
	     !sv_ieq_str(row[3], "BASE TABLE")) ||
	    is_system(odbc, schema))
		return false;
	out->schema = schema.len ? arena_cstr(arena, schema) : NULL;
	out->name = arena_cstr(arena, row[2]);
	return true;
}

static int list_tables(struct odbc_link *odbc, const struct asked *asked,
		       struct arena *arena, struct sql_table **out,
		       size_t *count_out, struct error *err)
{
	VEC(struct sql_table) tables = VEC_INIT;
	struct sql_table table;
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	int ret;

	if (call(odbc, CALL_TABLES, asked, &rows, err) < 0)
		return -1;
	while ((ret = odbc_fetch(rows, &row, &broken, err)) > 0)
		if (take_table(odbc, row, arena, &table))
			vec_push(&tables, table);
	odbc_rows_close(rows);
	*count_out = tables.len;
	*out = arena_array(arena, tables.len + 1, sizeof(**out));
	if (tables.len)
		memcpy(*out, tables.at, tables.len * sizeof(**out));
	vec_release(&tables);
	return ret;
}

int odbc_tables(struct sql_link *link, struct arena *arena,
		struct sql_table **out, size_t *count_out, struct error *err)
{
	struct odbc_link *odbc = odbc_of(link);
	struct asked asked = ask_for(odbc, NULL, NULL);

	return list_tables(odbc, &asked, arena, out, count_out, err);
}

static bool same(const char *a, const char *b, bool exact)
{
	if (!b)
		return true;
	if (!a)
		return !*b;
	return exact ? strcmp(a, b) == 0 : sv_ieq(sv_from(a), sv_from(b));
}

/* Of those that fit the one that is meant: in the user's own schema before
 * any other. */
static const struct sql_table *choose(const struct odbc_link *odbc,
				      const struct sql_table *tables,
				      size_t count, const char *schema,
				      const char *name, bool exact)
{
	const struct sql_table *found = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		if (!same(tables[i].name, name, exact) ||
		    !same(tables[i].schema, schema, exact))
			continue;
		if (!found || (!schema && odbc->link.schema &&
			       same(tables[i].schema, odbc->link.schema, true)))
			found = &tables[i];
	}
	return found;
}

/* 1 found, 0 there is none, -1. */
static int find_table(struct odbc_link *odbc, const char *schema,
		      const char *name, struct arena *arena,
		      struct sql_table *out, struct error *err)
{
	struct asked asked = ask_for(odbc, schema, name);
	struct asked any = ask_for(odbc, NULL, NULL);
	const struct sql_table *found;
	struct sql_table *tables;
	size_t count;

	if (list_tables(odbc, &asked, arena, &tables, &count, err) < 0)
		return -1;
	found = choose(odbc, tables, count, schema, name, true);
	if (!found) {
		if (is_mysql(odbc) && schema)
			any = ask_for(odbc, schema, NULL);
		if (list_tables(odbc, &any, arena, &tables, &count, err) < 0)
			return -1;
		found = choose(odbc, tables, count, schema, name, true);
	}
	if (!found)
		found = choose(odbc, tables, count, schema, name, false);
	if (!found)
		return 0;
	*out = *found;
	return 1;
}

/* ---- columns ---- */

static int64_t number_of(struct sv text)
{
	int64_t number;

	return sv_to_i64(text, &number) ? number : 0;
}

static const char *type_text(const char *name, uint64_t size,
			     enum sql_column_kind kind, struct arena *arena)
{
	if ((kind == SQL_COLUMN_TEXT || kind == SQL_COLUMN_CHAR) && size &&
	    !strchr(name, '('))
		return arena_printf(arena, "%s(%llu)", name,
				    (unsigned long long)size);
	return name;
}

/* A row of SQLColumns: ..., name, type, its name, size, -, digits, -, nulls. */
static void take_column(const struct odbc_link *odbc, const struct sv *row,
			struct arena *arena, struct sql_column *out)
{
	struct odbc_column column = {
		.name = arena_cstr(arena, row[3]),
		.type = arena_cstr(arena, row[5]),
		.native = (SQLSMALLINT)number_of(row[4]),
		.size = (SQLULEN)number_of(row[6]),
		.digits = (SQLSMALLINT)number_of(row[8]),
		.is_unsigned = strcasestr(arena_cstr(arena, row[5]),
					  "unsigned") != NULL,
	};

	/* MariaDB's driver calls it bytes here, and a text in a result. */
	if (is_mysql(odbc) && sv_ieq_str(row[5], "uuid"))
		column.native = SQL_CHAR;
	*out = (struct sql_column){
		.name = column.name,
		.kind = odbc_column_kind(odbc, &column),
		.native = column.native,
		.size = column.size,
		.nullable = number_of(row[10]) != SQL_NO_NULLS,
		.generated = strcasestr(column.type, "identity") != NULL,
	};
	out->type = type_text(column.type, out->size, out->kind, arena);
}

static bool is_table(const struct odbc_link *odbc,
		     const struct sql_table *table, const struct sv *row)
{
	struct sv schema = is_mysql(odbc) ? row[0] : row[1];

	return sv_eq_str(row[2], table->name) &&
	       (!table->schema || sv_eq_str(schema, table->schema));
}

static int read_columns(struct odbc_link *odbc, const struct asked *asked,
			struct arena *arena, struct sql_table *table,
			struct error *err)
{
	VEC(struct sql_column) columns = VEC_INIT;
	struct sql_column column;
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	int ret;

	if (call(odbc, CALL_COLUMNS, asked, &rows, err) < 0)
		return -1;
	while ((ret = odbc_fetch(rows, &row, &broken, err)) > 0) {
		if (!is_table(odbc, table, row))
			continue;
		take_column(odbc, row, arena, &column);
		vec_push(&columns, column);
	}
	odbc_rows_close(rows);
	table->column_count = columns.len;
	table->columns =
		arena_array(arena, columns.len + 1, sizeof(*table->columns));
	if (columns.len)
		memcpy(table->columns, columns.at,
		       columns.len * sizeof(*table->columns));
	vec_release(&columns);
	return ret;
}

static struct sql_column *column_of(struct sql_table *table, struct sv name)
{
	size_t i;

	for (i = 0; i < table->column_count; i++)
		if (sv_eq_str(name, table->columns[i].name))
			return &table->columns[i];
	return NULL;
}

/* A row of SQLPrimaryKeys: ..., column, its place. */
static int read_primary(struct odbc_link *odbc, const struct asked *asked,
			struct sql_table *table, struct error *err)
{
	struct sql_column *column;
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	int ret;

	if (call(odbc, CALL_PRIMARY, asked, &rows, err) < 0)
		return -1;
	while ((ret = odbc_fetch(rows, &row, &broken, err)) > 0) {
		column = column_of(table, row[3]);
		if (column && is_table(odbc, table, row))
			column->key = (int)number_of(row[4]);
	}
	odbc_rows_close(rows);
	return ret;
}

static void push_name(struct arena *arena, const char ***list, size_t count,
		      struct sv name)
{
	const char **more = arena_array(arena, count + 1, sizeof(*more));

	if (count)
		memcpy(more, *list, count * sizeof(*more));
	more[count] = arena_cstr(arena, name);
	*list = more;
}

/* A row of SQLForeignKeys: catalog, schema, table and column of the other,
 * the same of this one, place in the key. The next column of `key`. */
static void take_foreign(const struct odbc_link *odbc, const struct sv *row,
			 struct arena *arena, struct sql_foreign *key)
{
	struct sv schema = is_mysql(odbc) ? row[0] : row[1];

	key->schema = schema.len ? arena_cstr(arena, schema) : NULL;
	key->table = arena_cstr(arena, row[2]);
	push_name(arena, &key->columns, key->count, row[7]);
	push_name(arena, &key->others, key->count, row[3]);
	key->count++;
}

static int read_foreign(struct odbc_link *odbc, const struct asked *asked,
			struct arena *arena, struct sql_table *table,
			struct error *err)
{
	VEC(struct sql_foreign) keys = VEC_INIT;
	struct sql_foreign fresh = { .count = 0 };
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	int ret;

	if (call(odbc, CALL_FOREIGN, asked, &rows, err) < 0)
		return -1;
	while ((ret = odbc_fetch(rows, &row, &broken, err)) > 0) {
		if (number_of(row[8]) <= 1 || !keys.len)
			vec_push(&keys, fresh);
		take_foreign(odbc, row, arena, &keys.at[keys.len - 1]);
	}
	odbc_rows_close(rows);
	table->foreign_count = keys.len;
	table->foreign =
		arena_array(arena, keys.len + 1, sizeof(*table->foreign));
	if (keys.len)
		memcpy(table->foreign, keys.at,
		       keys.len * sizeof(*table->foreign));
	vec_release(&keys);
	return ret;
}

static int read_generated(struct odbc_link *odbc, struct sql_table *table,
			  struct error *err)
{
	struct sql_param params[] = { { sv_from(table->schema), NULL },
				      { sv_from(table->name), NULL } };
	struct sql_column *column;
	struct sql_rows *rows;
	const struct sv *row;
	size_t broken;
	int ret;

	if (odbc_query(&odbc->link, odbc->link.dialect->generated, params, 2,
		       &rows, NULL, err) < 0)
		return -1;
	while ((ret = odbc_fetch(rows, &row, &broken, err)) > 0) {
		column = column_of(table, row[0]);
		if (column)
			column->generated = true;
	}
	odbc_rows_close(rows);
	return ret;
}

/* Not every driver can tell of keys, nor every server of the rest. */
static int as_told(const struct error *refused, struct error *err)
{
	return refused->code == ERR_UNAVAILABLE
		       ? error_set(err, refused->code, "%s", refused->msg)
		       : 1;
}

int odbc_describe(struct sql_link *link, const char *schema, const char *name,
		  struct arena *arena, struct sql_table *out, struct error *err)
{
	struct odbc_link *odbc = odbc_of(link);
	struct error ignored = ERROR_INIT;
	struct asked asked;
	int ret = find_table(odbc, schema, name, arena, out, err);

	if (ret <= 0)
		return ret;
	asked = ask_for(odbc, out->schema, out->name);
	if (read_columns(odbc, &asked, arena, out, err) < 0)
		return -1;
	(void)read_primary(odbc, &asked, out, &ignored);
	if (link->dialect->generated && out->schema)
		(void)read_generated(odbc, out, &ignored);
	return as_told(&ignored, err);
}

int odbc_foreign(struct sql_link *link, struct arena *arena,
		 struct sql_table *table, struct error *err)
{
	struct odbc_link *odbc = odbc_of(link);
	struct error ignored = ERROR_INIT;
	struct asked asked = ask_for(odbc, table->schema, table->name);

	(void)read_foreign(odbc, &asked, arena, table, &ignored);
	return as_told(&ignored, err) < 0 ? -1 : 0;
}
