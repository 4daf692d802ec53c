/*
 * sample.c - some rows of each table, for who sets an agent up
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/sql_private.h"
#include "connectors/survey.h"
#include "model/secret_attr.h"

#define CHILDREN_MOST 5000 /* rows of a child table that are looked at */

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

/* --- values of child tables -------------------------------------------- */

/* Is the row, which begins with the key, one of the object's? */
static bool is_of(const struct sql_source *source,
		  const struct schema_object *object,
		  const struct sql_column *columns, const struct sv *cells)
{
	size_t i;

	for (i = 0; i < source->anchor_count; i++) {
		char name[256];
		const struct values *values;

		if (source->anchors[i].len >= sizeof(name))
			return false;
		memcpy(name, source->anchors[i].ptr, source->anchors[i].len);
		name[source->anchors[i].len] = '\0';
		values = schema_object_values(object, name);
		if (!values || !values->len ||
		    !sv_ieq(values->at[0].text,
			    sql_trim_char(&columns[i], cells[i])))
			return false;
	}
	return true;
}

static int take_children(struct connector_session *session,
			 const struct sql_source *source,
			 const struct sql_child *child, struct sql_rows *rows,
			 size_t from, struct arena *arena,
			 struct schema_sample *out, struct error *err)
{
	const struct sql_driver *driver = session->driver;
	const char *name = arena_cstr(arena, child->attr);
	const struct sql_column *columns;
	const struct sv *cells;
	size_t seen = 0;
	size_t broken;
	size_t count;
	size_t i;
	int ret = 0;

	columns = driver->columns(rows, &count);
	while (seen++ < CHILDREN_MOST &&
	       (ret = driver->fetch(rows, &cells, &broken, err)) > 0)
		for (i = from; !broken && i < out->count; i++)
			if (is_of(source, &out->objects[i], columns, cells) &&
			    cells[count - 1].len)
				survey_sample_value(&out->objects[i], name,
						    cells[count - 1], arena);
	return ret < 0 ? -1 : 0;
}

static int sample_child(struct connector_session *session,
			const struct sql_source *source,
			const struct sql_child *child, size_t from,
			struct arena *arena, struct schema_sample *out,
			struct error *err)
{
	const struct sql_dialect *dialect = session->link->dialect;
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	const struct sql_table *table;
	struct sql_rows *rows = NULL;
	size_t i;
	int ret;

	if (sql_session_table(session, child->table, &table, err) < 0)
		return -1;
	strbuf_adds(&sql, "SELECT ");
	for (i = 0; i < child->key_count; i++) {
		sql_add_name(&sql, dialect, child->keys[i]);
		strbuf_adds(&sql, ", ");
	}
	sql_add_name(&sql, dialect, child->values[0]);
	strbuf_adds(&sql, " FROM ");
	sql_add_table_of(&sql, dialect, table);
	ret = session->driver->query(session->link, strbuf_cstr(&sql), NULL, 0,
				     &rows, NULL, err);
	if (ret == 0)
		ret = take_children(session, source, child, rows, from, arena,
				    out, err);
	session->driver->rows_close(rows);
	strbuf_release(&sql);
	return ret;
}

static int sample_children(struct connector_session *session,
			   const struct sql_source *source, size_t from,
			   struct arena *arena, struct schema_sample *out,
			   struct error *err)
{
	size_t i;

	for (i = 0; i < source->child_count && out->count > from; i++) {
		const struct sql_child *child = &source->children[i];

		if (child->attr.len && child->value_count &&
		    child->key_count == source->anchor_count &&
		    !attr_is_secret(arena_cstr(arena, child->attr)) &&
		    sample_child(session, source, child, from, arena, out,
				 err) < 0)
			return -1;
	}
	return 0;
}

/* --- rows -------------------------------------------------------------- */

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
	size_t from = out->count;
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
	if (ret == 0)
		ret = sample_children(session, source, from, arena, out, err);
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
