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

/* What the session knows goes with it. */
static const char *keep(const struct describing *d, const char *text)
{
	return text ? arena_cstr(d->arena, sv_from(text)) : NULL;
}

/* An attribute of this name, which may be there already from another table. */
static struct schema_attr *add_attr(struct describing *d, const char *name)
{
	struct schema_attr *attr;

	vec_foreach(&d->attrs, attr)
		if (sv_ieq_str(sv_from(name), attr->name))
			return NULL;
	vec_push(&d->attrs, ((struct schema_attr){ .name = keep(d, name) }));
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
	attr->syntax = keep(d, column->type);
	attr->identifies = column->key && key_columns(table) == 1;
	if (source && source->anchor_count)
		attr->identifies = source->anchor_count == 1 &&
				   sv_ieq_str(source->anchors[0], column->name);
	if (!foreign)
		return;
	attr->help =
		arena_printf(d->arena, "names a row of %s", foreign->table);
	attr->refers_to = keep(d, foreign->table);
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
		add_member(type, keep(d, table->columns[i].name),
			   !table->columns[i].nullable);
	}
	return type;
}

/* --- an agent's own types ---------------------------------------------- */

static int add_children(struct describing *d, const struct sql_source *source,
			struct schema_type *type, struct error *err)
{
	const struct sql_table *table;
	const struct sql_foreign *foreign;
	const struct sql_column *column;
	struct schema_attr *attr;
	const char *name;
	size_t i;

	for (i = 0; i < source->child_count; i++) {
		const struct sql_child *child = &source->children[i];

		if (!child->attr.len)
			continue;
		if (sql_session_whole_table(d->session, child->table, &table,
					    err) < 0)
			return -1;
		name = arena_cstr(d->arena, child->attr);
		attr = add_attr(d, name);
		add_member(type, name, false);
		column = sql_table_column(table, child->values[0]);
		if (!attr)
			continue;
		attr->multi = true;
		attr->type = column ? type_of(column) : VALUE_STRING;
		attr->syntax = column ? keep(d, column->type) : NULL;
		foreign = column ? foreign_of(table, column) : NULL;
		if (!foreign)
			continue;
		attr->type = VALUE_REFERENCE;
		attr->refers_to = keep(d, foreign->table);
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
	if (sql_session_whole_table(d->session, source->table, &table, err) < 0)
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

/* The key begins with it, or where there is none the table: of a table that is
 * nothing but two references, the first says whose the other ones are. */
static bool comes_first(const struct sql_table *table,
			const struct sql_foreign *foreign)
{
	size_t i;

	for (i = 0; i < table->column_count; i++)
		if (!strcmp(table->columns[i].name, foreign->columns[0]))
			return key_columns(table) ? table->columns[i].key == 1
						  : i == 0;
	return false;
}

/* Does a table hold values of another's rows: its key is a foreign key and one
 * column, or it has no more than these. */
static const struct sql_foreign *values_of(const struct sql_table *table,
					   const struct sql_column **value_out)
{
	size_t keys = key_columns(table);
	size_t i;
	size_t k;
	size_t c;

	*value_out = NULL;
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
		if (*value_out && foreign_of(table, *value_out) &&
		    !comes_first(table, foreign))
			continue;
		if (*value_out &&
		    ((keys && in_key == foreign->count &&
		      keys == foreign->count + 1) ||
		     (!keys && table->column_count == foreign->count + 1)))
			return foreign;
	}
	return NULL;
}

static const char *full_name(const struct describing *d,
			     const struct sql_table *table)
{
	const char *usual = d->session->link->schema;

	if (!table->schema || (usual && !strcmp(usual, table->schema)))
		return table->name;
	return arena_printf(d->arena, "%s.%s", table->schema, table->name);
}

static struct node *text_node(const struct describing *d, const char *text)
{
	struct node *node = arena_zalloc(d->arena, sizeof(*node));

	node->text = sv_from(text);
	return node;
}

/* With room for so many. */
static struct node *new_node(const struct describing *d, enum node_kind kind,
			     size_t most)
{
	struct node *node = arena_zalloc(d->arena, sizeof(*node));

	node->kind = kind;
	node->keys = arena_array(d->arena, most + 1, sizeof(*node->keys));
	node->items = arena_array(d->arena, most + 1, sizeof(*node->items));
	return node;
}

static void put(const struct describing *d, struct node *map, const char *key,
		struct node *value)
{
	map->keys[map->len] = text_node(d, key);
	map->items[map->len++] = value;
}

/* One name as a text, several as a list. */
static struct node *names_node(const struct describing *d,
			       const char *const *names, size_t count)
{
	struct node *list;
	size_t i;

	if (count == 1)
		return text_node(d, names[0]);
	list = new_node(d, NODE_LIST, count);
	for (i = 0; i < count; i++)
		list->items[list->len++] = text_node(d, names[i]);
	return list;
}

static struct node *key_node(const struct describing *d,
			     const struct sql_table *table)
{
	const char **names =
		arena_array(d->arena, table->column_count + 1, sizeof(*names));
	size_t count = 0;
	size_t i;
	int at;

	for (at = 1; at <= (int)key_columns(table); at++)
		for (i = 0; i < table->column_count; i++)
			if (table->columns[i].key == at)
				names[count++] = table->columns[i].name;
	return names_node(d, names, count);
}

/* The tables that hold values of its rows. */
static struct node *values_node(const struct describing *d,
				const struct sql_table *tables, size_t count,
				const struct sql_table *table)
{
	struct node *values = new_node(d, NODE_MAP, count);
	const struct sql_column *value;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct sql_foreign *foreign =
			values_of(&tables[i], &value);
		struct node *child;

		if (!foreign || strcmp(foreign->table, table->name) != 0 ||
		    foreign->count != key_columns(table))
			continue;
		child = new_node(d, NODE_MAP, 3);
		put(d, child, "table", text_node(d, full_name(d, &tables[i])));
		put(d, child, "key",
		    names_node(d, foreign->columns, foreign->count));
		put(d, child, "value", text_node(d, value->name));
		put(d, values, tables[i].name, child);
	}
	return values;
}

/* What is to be set to read a table. */
static const struct node *connect_of(const struct describing *d,
				     const struct sql_table *tables,
				     size_t count,
				     const struct sql_table *table)
{
	struct node *connect = new_node(d, NODE_MAP, 3);
	struct node *values = values_node(d, tables, count, table);

	put(d, connect, "table", text_node(d, full_name(d, table)));
	if (key_columns(table))
		put(d, connect, "anchor", key_node(d, table));
	if (values->len)
		put(d, connect, "values", values);
	return connect;
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

	for (i = 0; i < count; i++) {
		int ret = driver->describe(d->session->link, tables[i].schema,
					   tables[i].name, d->arena, &tables[i],
					   err);

		if (ret > 0)
			ret = driver->foreign(d->session->link, d->arena,
					      &tables[i], err);
		if (ret < 0)
			return -1;
	}
	qsort(tables, count, sizeof(*tables), by_columns);
	for (i = 0; i < count; i++) {
		const char *name = full_name(d, &tables[i]);

		if (!(tables[i].view || key_columns(&tables[i])) ||
		    values_of(&tables[i], &value))
			continue;
		describe_table(d, name, &tables[i], NULL)->connect =
			connect_of(d, tables, count, &tables[i]);
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
