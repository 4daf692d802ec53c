/*
 * writer.c - where the attributes of a type lie, and texts of statements
 *
 * An attribute that has a table of its own (`values`) lies there; else in the
 * column of its name; else in the table that has attributes' names. As the
 * import reads it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/export.h"

#include <string.h>

static int need_column(const struct sql_table *table, struct sv label,
		       struct sv name, const struct sql_column **out,
		       struct error *err)
{
	*out = sql_table_column(table, name);
	if (!*out)
		return sql_no_column(label, name, table->columns,
				     table->column_count, err);
	return 0;
}

static int place_child(struct connector_session *session,
		       const struct sql_child *child,
		       struct sql_child_place *out, struct error *err)
{
	size_t i;

	out->child = child;
	if (sql_session_table(session, child->table, &out->table, err) < 0)
		return -1;
	out->keys = arena_array(&session->arena, child->key_count + 1,
				sizeof(*out->keys));
	out->values = arena_array(&session->arena, child->value_count + 1,
				  sizeof(*out->values));
	for (i = 0; i < child->key_count; i++)
		if (need_column(out->table, child->table, child->keys[i],
				&out->keys[i], err) < 0)
			return -1;
	for (i = 0; i < child->value_count; i++)
		if (need_column(out->table, child->table, child->values[i],
				&out->values[i], err) < 0)
			return -1;
	if (child->attr.len)
		return 0;
	return need_column(out->table, child->table, child->name, &out->name,
			   err);
}

/* Of several columns of values that for this type of attribute. */
static bool suits(enum value_type type, enum sql_column_kind kind)
{
	switch (type) {
	case VALUE_INTEGER:
		return kind == SQL_COLUMN_INTEGER || kind == SQL_COLUMN_DECIMAL;
	case VALUE_BOOLEAN:
		return kind == SQL_COLUMN_BOOLEAN || kind == SQL_COLUMN_INTEGER;
	case VALUE_BINARY:
		return kind == SQL_COLUMN_BYTES;
	case VALUE_DATETIME:
		return kind == SQL_COLUMN_MOMENT || kind == SQL_COLUMN_LOCAL ||
		       kind == SQL_COLUMN_DATE;
	case VALUE_NULL:
	case VALUE_STRING:
	case VALUE_REFERENCE:
		break;
	}
	return kind == SQL_COLUMN_TEXT || kind == SQL_COLUMN_CHAR;
}

static const struct sql_column *value_of(const struct sql_child_place *place,
					 enum value_type type)
{
	size_t i;

	for (i = 0; i < place->child->value_count; i++)
		if (suits(type, place->values[i]->kind))
			return place->values[i];
	return place->values[0];
}

static void place_attr(const struct sql_writer *writer,
		       const struct attr_def *def, struct sql_attr_place *out)
{
	const struct sql_source *source = writer->source;
	struct sv name = sv_from(def->name);
	size_t i;

	out->anchor = -1;
	for (i = 0; i < source->anchor_count; i++)
		if (sv_ieq(source->anchors[i], name))
			out->anchor = (int)i;
	for (i = 0; i < source->child_count && !out->child; i++)
		if (sv_ieq(writer->children[i].child->attr, name))
			out->child = &writer->children[i];
	if (!out->child && writer->table)
		out->column = sql_table_column(writer->table, name);
	for (i = 0; i < source->child_count && !out->child && !out->column; i++)
		if (writer->children[i].name)
			out->child = &writer->children[i];
	if (out->child)
		out->value = value_of(out->child, def->type);
}

static bool is_whole_key(const struct sql_writer *writer)
{
	size_t in_key = 0;
	size_t i;

	for (i = 0; i < writer->table->column_count; i++)
		in_key += writer->table->columns[i].key > 0;
	for (i = 0; i < writer->source->anchor_count; i++)
		if (!writer->anchors[i]->key)
			return false;
	return in_key == writer->source->anchor_count;
}

static int place_table(struct connector_session *session,
		       struct sql_writer *writer, struct error *err)
{
	const struct sql_source *source = writer->source;
	size_t i;

	writer->anchors = arena_array(&session->arena, source->anchor_count + 1,
				      sizeof(*writer->anchors));
	if (!source->table.len)
		return 0;
	if (sql_session_table(session, source->table, &writer->table, err) < 0)
		return -1;
	for (i = 0; i < source->anchor_count; i++)
		if (need_column(writer->table, source->table,
				source->anchors[i], &writer->anchors[i],
				err) < 0)
			return -1;
	writer->whole_key = is_whole_key(writer);
	if (source->type != SQL_TYPE_BY_COLUMN)
		return 0;
	return need_column(writer->table, source->table, source->type_column,
			   &writer->type_column, err);
}

static int place_passwords(struct sql_writer *writer,
			   const struct sql_dialect *dialect,
			   struct arena *arena, struct error *err)
{
	const struct sql_source *source = writer->source;

	if (sql_own_parse(writer, dialect, "passwords.set",
			  source->password_set, SQL_OWN_SETS, arena,
			  &writer->password_set, err) < 0)
		return -1;
	return sql_own_parse(writer, dialect, "passwords.change",
			     source->password_change,
			     SQL_OWN_SETS | SQL_OWN_CHANGES, arena,
			     &writer->password_change, err);
}

static int place_all(struct connector_session *session,
		     struct sql_writer *writer, struct error *err)
{
	const struct sql_source *source = writer->source;
	const struct sql_dialect *dialect = session->link->dialect;
	struct arena *arena = &session->arena;
	size_t i;

	if (place_table(session, writer, err) < 0)
		return -1;
	writer->children = arena_array(arena, source->child_count + 1,
				       sizeof(*writer->children));
	for (i = 0; i < source->child_count; i++)
		if (place_child(session, &source->children[i],
				&writer->children[i], err) < 0)
			return -1;
	writer->attrs = arena_array(arena, writer->type->attr_count + 1,
				    sizeof(*writer->attrs));
	for (i = 0; i < writer->type->attr_count; i++)
		place_attr(writer, &writer->type->attrs[i], &writer->attrs[i]);
	if (sql_own_parse(writer, dialect, "write.add", source->add, 0, arena,
			  &writer->add, err) < 0 ||
	    sql_own_parse(writer, dialect, "write.update", source->update, 0,
			  arena, &writer->update, err) < 0)
		return -1;
	if (sql_own_parse(writer, dialect, "write.delete", source->remove, 0,
			  arena, &writer->remove, err) < 0)
		return -1;
	return place_passwords(writer, dialect, arena, err);
}

int sql_writer_open(struct connector_session *session,
		    const struct sql_source *source, size_t type,
		    struct sql_writer **out, struct error *err)
{
	struct sql_writer *writer = mem_zalloc(sizeof(*writer));

	writer->source = source;
	writer->type = &session->config->types[type];
	writer->texts = namemap_new(false);
	if (place_all(session, writer, err) < 0) {
		sql_writer_close(writer);
		return -1;
	}
	*out = writer;
	return 0;
}

void sql_writer_close(struct sql_writer *writer)
{
	size_t i;

	if (!writer)
		return;
	for (i = 0; i < writer->statements.len; i++)
		mem_free(writer->statements.at[i]);
	vec_release(&writer->statements);
	namemap_free(writer->texts);
	mem_free(writer);
}

const char *sql_writer_text(struct sql_writer *writer,
			    const struct sql_dialect *dialect, struct sv key,
			    sql_build_fn build, const void *data)
{
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	uint64_t number;
	char *text;

	if (namemap_get(writer->texts, key, &number))
		return writer->statements.at[number - 1];
	build(writer, dialect, data, &sql);
	text = mem_strdup(strbuf_cstr(&sql));
	strbuf_release(&sql);
	vec_push(&writer->statements, text);
	namemap_put(writer->texts, key, writer->statements.len);
	return text;
}
