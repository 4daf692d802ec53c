/*
 * describe.c - what the tables of a database hold, by its catalogue
 *
 * Of an agent that is set up: its types, by their tables. For somebody who is
 * setting one up: each table with a key is a type of its name. A column of a
 * foreign key is a reference, and a table whose key begins with a foreign key
 * and has one column more holds values of the other's objects.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "base/vec.h"
#include "connectors/sql/sql_private.h"
#include "connectors/survey.h"
#include "model/secret_attr.h"

#include <stdlib.h>
#include <string.h>

#define TABLES_MOST 200 /* that are looked at while nothing is set */

struct describing {
	struct connector_session *session;
	struct arena *arena;
	struct schema *out;
	VEC(struct schema_attr) attrs;
	VEC(struct schema_type) types;
};

static enum value_type type_of(const struct sql_column *column)
{
	switch (column->kind) {
	case SQL_COLUMN_INTEGER:
		return VALUE_INTEGER;
	case SQL_COLUMN_BOOLEAN:
		return VALUE_BOOLEAN;
	case SQL_COLUMN_DATE:
	case SQL_COLUMN_LOCAL:
	case SQL_COLUMN_MOMENT:
		return VALUE_DATETIME;
	case SQL_COLUMN_BYTES:
		return VALUE_BINARY;
	case SQL_COLUMN_TEXT:
	case SQL_COLUMN_CHAR:
	case SQL_COLUMN_DECIMAL:
	case SQL_COLUMN_FLOAT:
	case SQL_COLUMN_TIME:
	case SQL_COLUMN_GUID:
	case SQL_COLUMN_OTHER:
		break;
	}
	return VALUE_STRING;
}

/* The foreign key that a column is, all alone. */
static const struct sql_foreign *foreign_of(const struct sql_table *table,
					    const struct sql_column *column)
{
	size_t i;

	for (i = 0; i < table->foreign_count; i++)
		if (table->foreign[i].count == 1 &&
		    !strcmp(table->foreign[i].columns[0], column->name))
			return &table->foreign[i];
	return NULL;
}

static size_t key_columns(const struct sql_table *table)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < table->column_count; i++)
		count += table->columns[i].key > 0;
	return count;
}

/* An attribute of this name, which may be there already from another table. */
static struct schema_attr *add_attr(struct describing *d, const char *name)
{
	struct schema_attr *attr;

	vec_foreach(&d->attrs, attr)
		if (sv_ieq_str(sv_from(name), attr->name))
			return NULL;
	vec_push(&d->attrs, ((struct schema_attr){ .name = name }));
	return &d->attrs.at[d->attrs.len - 1];
}

static void add_column(struct describing *d, const struct sql_table *table,
		       const struct sql_column *column,
		       const struct sql_source *source)
{
	const struct sql_foreign *foreign = foreign_of(table, column);
	struct schema_attr *attr = add_attr(d, column->name);

	if (!attr)
		return;
	attr->type = foreign ? VALUE_REFERENCE : type_of(column);
	attr->read_only = column->generated;
	attr->syntax = column->type;
	attr->identifies = column->key && key_columns(table) == 1;
	if (source && source->anchor_count)
		attr->identifies = source->anchor_count == 1 &&
				   sv_ieq_str(source->anchors[0], column->name);
	if (foreign)
		attr->help = arena_printf(d->arena, "names a row of %s",
					  foreign->table);
}

static struct schema_type *add_type(struct describing *d, const char *name,
				    size_t members)
{
	struct schema_type type = { .name = name };

	type.members = arena_array(d->arena, members, sizeof(*type.members));
	vec_push(&d->types, type);
	return &d->types.at[d->types.len - 1];
}

static void add_member(struct schema_type *type, const char *name,
		       bool required)
{
	type->members[type->member_count++] =
		(struct schema_member){ name, required };
}

static struct schema_type *describe_table(struct describing *d,
					  const char *name,
					  const struct sql_table *table,
					  const struct sql_source *source)
{
	size_t more = source ? source->child_count : 0;
	struct schema_type *type =
		add_type(d, name, table->column_count + more);
	size_t i;

	for (i = 0; i < table->column_count; i++) {
		add_column(d, table, &table->columns[i], source);
		add_member(type, table->columns[i].name,
			   !table->columns[i].nullable);
	}
	return type;
}

/* --- an agent's own types ---------------------------------------------- */

static int add_children(struct describing *d, const struct sql_source *source,
			struct schema_type *type, struct error *err)
{
	const struct sql_table *table;
	const struct sql_column *column;
	struct schema_attr *attr;
	const char *name;
	size_t i;

	for (i = 0; i < source->child_count; i++) {
		const struct sql_child *child = &source->children[i];

		if (!child->attr.len)
			continue;
		if (sql_session_table(d->session, child->table, &table, err) <
		    0)
			return -1;
		name = arena_cstr(d->arena, child->attr);
		attr = add_attr(d, name);
		add_member(type, name, false);
		column = sql_table_column(table, child->values[0]);
		if (!attr)
			continue;
		attr->multi = true;
		attr->type = column ? type_of(column) : VALUE_STRING;
		attr->syntax = column ? column->type : NULL;
		if (column && foreign_of(table, column))
			attr->type = VALUE_REFERENCE;
	}
	return 0;
}

static const char *name_of(const struct describing *d,
			   const struct sql_source *source)
{
	const struct connector_config *config = d->session->config;

	return source->type < config->type_count
		       ? config->types[source->type].name
		       : arena_cstr(d->arena, source->table);
}

static int of_source(struct describing *d, const struct sql_source *source,
		     struct error *err)
{
	const struct connector_config *config = d->session->config;
	const struct sql_table *table;
	struct schema_type *type;
	size_t i;

	if (!source->table.len)
		return 0;
	if (sql_session_table(d->session, source->table, &table, err) < 0)
		return -1;
	if (!d->out->source)
		d->out->source = arena_cstr(d->arena, source->table);
	if (source->type != SQL_TYPE_BY_COLUMN || !config->type_count) {
		type = describe_table(d, name_of(d, source), table, source);
		return add_children(d, source, type, err);
	}
	for (i = 0; i < config->type_count; i++) {
		type = describe_table(d, config->types[i].name, table, source);
		if (add_children(d, source, type, err) < 0)
			return -1;
	}
	return 0;
}

/* --- all there is ------------------------------------------------------ */

/* Does a table hold values of another's rows: its key is a foreign key and one
 * column, or it has no more than these. */
static const struct sql_foreign *values_of(const struct sql_table *table,
					   const struct sql_column **value_out)
{
	size_t keys = key_columns(table);
	size_t i;
	size_t k;
	size_t c;

	for (i = 0; i < table->foreign_count; i++) {
		const struct sql_foreign *foreign = &table->foreign[i];
		size_t in_key = 0;

		*value_out = NULL;
		for (c = 0; c < table->column_count; c++) {
			const struct sql_column *column = &table->columns[c];
			bool of_foreign = false;

			for (k = 0; k < foreign->count; k++)
				of_foreign |= !strcmp(foreign->columns[k],
						      column->name);
			if (of_foreign)
				in_key += column->key > 0;
			else if (column->key || !keys)
				*value_out = column;
		}
		if (*value_out &&
		    ((keys && in_key == foreign->count &&
		      keys == foreign->count + 1) ||
		     (!keys && table->column_count == foreign->count + 1)))
			return foreign;
	}
	return NULL;
}

/* What stands in the settings for the values that other tables hold. */
static const char *help_of(const struct describing *d,
			   const struct sql_table *tables, size_t count,
			   const struct sql_table *table)
{
	struct strbuf sb = STRBUF_INIT(4096);
	const struct sql_column *value;
	const char *help;
	size_t i;
	size_t k;

	for (i = 0; i < count; i++) {
		const struct sql_foreign *foreign =
			values_of(&tables[i], &value);

		if (!foreign || strcmp(foreign->table, table->name) != 0)
			continue;
		strbuf_addf(&sb, "%s%s: {table: %s, key: [",
			    sb.len ? ", " : "values: {", tables[i].name,
			    tables[i].name);
		for (k = 0; k < foreign->count; k++)
			strbuf_addf(&sb, "%s%s", k ? ", " : "",
				    foreign->columns[k]);
		strbuf_addf(&sb, "], value: %s}", value->name);
	}
	if (sb.len)
		strbuf_addc(&sb, '}');
	help = sb.len ? arena_cstr(d->arena, strbuf_sv(&sb)) : NULL;
	strbuf_release(&sb);
	return help;
}

/* Those with most columns first: people rather than their rooms. */
static int by_columns(const void *a, const void *b)
{
	const struct sql_table *x = a;
	const struct sql_table *y = b;

	if (x->column_count != y->column_count)
		return x->column_count > y->column_count ? -1 : 1;
	return strcmp(x->name, y->name);
}

static const char *full_name(const struct describing *d,
			     const struct sql_table *table)
{
	const char *usual = d->session->link->schema;

	if (!table->schema || (usual && !strcmp(usual, table->schema)))
		return table->name;
	return arena_printf(d->arena, "%s.%s", table->schema, table->name);
}

static void propose(struct describing *d, const char *name, const char *value,
		    const char *why)
{
	d->out->settings[d->out->setting_count++] =
		(struct schema_setting){ name, value, why };
}

static int describe_all(struct describing *d, struct sql_table *tables,
			size_t count, struct error *err)
{
	const struct sql_driver *driver = d->session->driver;
	const struct sql_column *value;
	size_t i;

	for (i = 0; i < count; i++)
		if (driver->describe(d->session->link, tables[i].schema,
				     tables[i].name, d->arena, &tables[i],
				     err) < 0)
			return -1;
	qsort(tables, count, sizeof(*tables), by_columns);
	for (i = 0; i < count; i++) {
		const char *name = full_name(d, &tables[i]);

		if (!(tables[i].view || key_columns(&tables[i])) ||
		    values_of(&tables[i], &value))
			continue;
		describe_table(d, name, &tables[i], NULL)->help =
			help_of(d, tables, count, &tables[i]);
		propose(d, "table", name,
			tables[i].view ? "a view" : "a table with a key");
	}
	return 0;
}

static int of_everything(struct describing *d, struct error *err)
{
	struct sql_table *tables;
	size_t count;

	if (d->session->driver->tables(d->session->link, d->arena, &tables,
				       &count, err) < 0)
		return -1;
	if (count > TABLES_MOST)
		count = TABLES_MOST;
	d->out->source = "the catalogue of the database";
	d->out->settings =
		arena_array(d->arena, count + 1, sizeof(*d->out->settings));
	return count ? describe_all(d, tables, count, err) : 0;
}

/* The key of a table that is set, when it has several columns. */
static int propose_anchor(struct describing *d, const struct sql_source *source,
			  struct error *err)
{
	struct strbuf names = STRBUF_INIT(STRBUF_NO_LIMIT);
	const struct sql_table *table;
	size_t i;
	int at;

	if (source->anchor_count ||
	    sql_session_table(d->session, source->table, &table, err) < 0)
		return source->anchor_count ? 0 : -1;
	d->out->settings = arena_array(d->arena, 1, sizeof(*d->out->settings));
	for (at = 1; at <= (int)key_columns(table); at++)
		for (i = 0; i < table->column_count; i++)
			if (table->columns[i].key == at)
				strbuf_addf(&names, "%s%s", at > 1 ? "," : "",
					    table->columns[i].name);
	if (names.len)
		propose(d, "anchor", arena_cstr(d->arena, strbuf_sv(&names)),
			"the table's primary key");
	strbuf_release(&names);
	return 0;
}

static int describe(struct describing *d, struct error *err)
{
	struct connector_session *session = d->session;
	size_t i;

	if (session->config->explore && session->source_count == 1 &&
	    !session->sources[0].table.len && !session->sources[0].query.len)
		return of_everything(d, err);
	for (i = 0; i < session->source_count; i++)
		if (of_source(d, &session->sources[i], err) < 0)
			return -1;
	if (session->config->explore && session->sources[0].table.len)
		return propose_anchor(d, &session->sources[0], err);
	return 0;
}

int sql_schema(struct connector_session *session, struct arena *arena,
	       struct schema *out, struct error *err)
{
	struct describing d = { .session = session,
				.arena = arena,
				.out = out };
	int ret = describe(&d, err);

	if (!out->source)
		out->source = "the settings";
	out->attr_count = d.attrs.len;
	out->attrs = arena_array(arena, d.attrs.len, sizeof(*out->attrs));
	if (d.attrs.len)
		memcpy(out->attrs, d.attrs.at,
		       d.attrs.len * sizeof(*out->attrs));
	out->type_count = d.types.len;
	out->types = arena_array(arena, d.types.len, sizeof(*out->types));
	if (d.types.len)
		memcpy(out->types, d.types.at,
		       d.types.len * sizeof(*out->types));
	vec_release(&d.attrs);
	vec_release(&d.types);
	return ret;
}

/* --- sample ------------------------------------------------------------ */

static void take_row(const struct sql_column *columns, size_t count,
		     const struct sv *cells, const char *type,
		     struct arena *arena, struct schema_object *object)
{
	size_t i;

	object->type = type;
	for (i = 0; i < count; i++) {
		struct sv text = sql_trim_char(&columns[i], cells[i]);
		char *name = arena_cstr(arena, sv_from(columns[i].name));

		if (text.len && !attr_is_secret(name))
			survey_sample_value(object, name, text, arena);
	}
}

/* The type of a row, when a column tells it. */
static const char *row_type(const struct sql_source *source,
			    const struct sql_column *columns, size_t count,
			    const struct sv *cells, const char *type,
			    struct arena *arena)
{
	size_t i;

	for (i = 0; source->type == SQL_TYPE_BY_COLUMN && i < count; i++)
		if (sv_ieq_str(source->type_column, columns[i].name))
			return arena_cstr(arena, sv_trim(cells[i]));
	return type;
}

static int sample_rows(struct connector_session *session,
		       const struct sql_source *source, const char *name,
		       struct sql_rows *rows, const char *type, size_t most,
		       struct arena *arena, struct schema_sample *out,
		       struct error *err)
{
	const struct sql_driver *driver = session->driver;
	const struct sql_column *columns;
	const struct sv *cells;
	size_t broken;
	size_t count;
	int ret = 0;

	columns = driver->columns(rows, &count);
	while (out->count < most &&
	       (ret = driver->fetch(rows, &cells, &broken, err)) > 0) {
		const char *of =
			row_type(source, columns, count, cells, name, arena);

		if (broken || (type && !sv_ieq_str(sv_from(type), of)))
			continue;
		take_row(columns, count, cells, of, arena,
			 &out->objects[out->count++]);
	}
	return ret < 0 ? -1 : 0;
}

static int sample_source(struct connector_session *session,
			 const struct sql_source *source, const char *type,
			 size_t most, struct arena *arena,
			 struct schema_sample *out, struct error *err)
{
	const struct connector_config *config = session->config;
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	const struct sql_table *table = NULL;
	struct sql_rows *rows = NULL;
	const char *name = "record";
	int ret;

	if (source->table.len) {
		if (sql_session_table(session, source->table, &table, err) < 0)
			return -1;
		name = arena_cstr(arena, source->table);
		strbuf_adds(&sql, "SELECT * FROM ");
		sql_add_table_of(&sql, session->link->dialect, table);
	} else {
		strbuf_addsv(&sql, source->query);
	}
	if (source->type < config->type_count)
		name = config->types[source->type].name;
	ret = session->driver->query(session->link, strbuf_cstr(&sql), NULL, 0,
				     &rows, NULL, err);
	if (ret == 0)
		ret = sample_rows(session, source, name, rows, type, most,
				  arena, out, err);
	session->driver->rows_close(rows);
	strbuf_release(&sql);
	return ret;
}

int sql_sample(struct connector_session *session, const char *type, size_t most,
	       struct arena *arena, struct schema_sample *out,
	       struct error *err)
{
	size_t i;

	out->objects = arena_array(arena, most + 1, sizeof(*out->objects));
	for (i = 0; i < session->source_count; i++) {
		const struct sql_source *source = &session->sources[i];

		if ((source->table.len || source->query.len) &&
		    sample_source(session, source, type, most, arena, out,
				  err) < 0)
			return -1;
	}
	return 0;
}
