/*
 * plan.c - which columns of a source are read, and the queries that read them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/plan.h"

#include "base/text.h"

#include <string.h>

/* --- child tables ------------------------------------------------------ */

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

static size_t name_number(struct sql_plan *plan, const char *name)
{
	size_t i;

	for (i = 0; i < plan->name_count; i++)
		if (sv_ieq_str(sv_from(name), plan->names[i]))
			return i;
	plan->names[plan->name_count] = name;
	return plan->name_count++;
}

static int plan_child(struct connector_session *session,
		      const struct sql_child *child, struct arena *arena,
		      struct sql_plan *plan, struct error *err)
{
	struct sql_child_plan *out = &plan->children[plan->child_count++];
	size_t i;

	out->child = child;
	out->keys = arena_array(arena, child->key_count, sizeof(*out->keys));
	out->values =
		arena_array(arena, child->value_count, sizeof(*out->values));
	if (sql_session_table(session, child->table, &out->table, err) < 0)
		return -1;
	for (i = 0; i < child->key_count; i++)
		if (need_column(out->table, child->table, child->keys[i],
				&out->keys[i], err) < 0)
			return -1;
	for (i = 0; i < child->value_count; i++)
		if (need_column(out->table, child->table, child->values[i],
				&out->values[i], err) < 0)
			return -1;
	if (child->attr.len)
		out->number = name_number(plan, arena_cstr(arena, child->attr));
	else if (need_column(out->table, child->table, child->name, &out->name,
			     err) < 0)
		return -1;
	return 0;
}

static size_t attrs_of_all(const struct connector_config *config)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < config->type_count; i++)
		count += config->types[i].attr_count;
	return count;
}

int sql_plan_begin(struct connector_session *session,
		   const struct sql_source *source, struct arena *arena,
		   struct sql_plan *out, struct error *err)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	out->source = source;
	out->label = source->table.len ? source->table : SV_LIT("the query");
	out->type_column = SQL_NO_COLUMN;
	out->names = arena_array(
		arena, attrs_of_all(session->config) + source->child_count + 1,
		sizeof(*out->names));
	out->children =
		arena_array(arena, source->child_count, sizeof(*out->children));
	for (i = 0; i < source->child_count; i++)
		if (plan_child(session, &source->children[i], arena, out, err) <
		    0)
			return -1;
	if (!source->table.len)
		return 0;
	if (sql_session_table(session, source->table, &out->table, err) < 0)
		return -1;
	return sql_plan_columns(session, out->table->columns,
				out->table->column_count, arena, out, err);
}

/* --- columns ----------------------------------------------------------- */

struct finding {
	const struct sql_column *columns;
	size_t count;
	struct sql_plan *plan;
};

static size_t find(const struct finding *f, struct sv name)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		if (sv_eq_str(name, f->columns[i].name))
			return i;
	for (i = 0; i < f->count; i++)
		if (sv_ieq_str(name, f->columns[i].name))
			return i;
	return SQL_NO_COLUMN;
}

/* The plan's number of the column at `place`. */
static size_t take(const struct finding *f, size_t place)
{
	struct sql_plan *plan = f->plan;
	size_t i;

	for (i = 0; i < plan->column_count; i++)
		if (plan->places[i] == place)
			return i;
	plan->columns[i] = &f->columns[place];
	plan->places[i] = place;
	plan->column_count++;
	return i;
}

static int need(const struct finding *f, struct sv name, size_t *out,
		struct error *err)
{
	size_t place = find(f, name);

	if (place == SQL_NO_COLUMN)
		return sql_no_column(f->plan->label, name, f->columns, f->count,
				     err);
	*out = take(f, place);
	return 0;
}

static const struct sql_child_plan *child_of(const struct sql_plan *plan,
					     const char *attr)
{
	size_t i;

	for (i = 0; i < plan->child_count; i++)
		if (sv_ieq_str(plan->children[i].child->attr, attr))
			return &plan->children[i];
	return NULL;
}

/* A table with attributes' names may have any. */
static bool any_child(const struct sql_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->child_count; i++)
		if (plan->children[i].name)
			return true;
	return false;
}

static int want_attr(const struct finding *f, const struct attr_def *def,
		     struct sql_wanted *out, struct error *err)
{
	struct sv name = sv_from(def->name);

	out->column = SQL_NO_COLUMN;
	if (!child_of(f->plan, def->name) &&
	    (find(f, name) != SQL_NO_COLUMN || !any_child(f->plan)))
		return need(f, name, &out->column, err);
	out->name = name_number(f->plan, def->name);
	return 0;
}

static int want_type(const struct finding *f, const struct object_type *type,
		     size_t index, struct arena *arena, struct error *err)
{
	struct sql_wanted *wanted =
		arena_array(arena, type->attr_count, sizeof(*wanted));
	size_t i;

	for (i = 0; i < type->attr_count; i++) {
		wanted[i].attr = i;
		if (want_attr(f, &type->attrs[i], &wanted[i], err) < 0)
			return -1;
	}
	f->plan->wanted[index] = wanted;
	f->plan->wanted_count[index] = type->attr_count;
	return 0;
}

static void add_name(struct strbuf *sb, const char *name)
{
	strbuf_addf(sb, "%zu:%s ", strlen(name), name);
}

/* All that a row's bytes mean something by. */
static struct sv make_context(const struct connector_session *session,
			      const struct sql_plan *plan, struct arena *arena)
{
	struct sv zone = sql_session_setting(session, "time_zone");
	struct strbuf sb = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv context;
	size_t i;
	size_t k;

	strbuf_addf(&sb, "sql1 " SV_FMT " %zu %zu ", SV_ARG(zone),
		    plan->source->anchor_count, plan->type_column);
	for (i = 0; i < plan->column_count; i++) {
		strbuf_addf(&sb, "%d ", plan->columns[i]->kind);
		add_name(&sb, plan->columns[i]->name);
	}
	for (i = 0; i < plan->name_count; i++)
		add_name(&sb, plan->names[i]);
	for (i = 0; i < plan->child_count; i++) {
		const struct sql_child_plan *child = &plan->children[i];

		for (k = 0; k < child->child->value_count; k++)
			strbuf_addf(&sb, "%zu %d ", i, child->values[k]->kind);
	}
	context = arena_dup(arena, strbuf_sv(&sb));
	strbuf_release(&sb);
	return context;
}

int sql_plan_columns(const struct connector_session *session,
		     const struct sql_column *columns, size_t count,
		     struct arena *arena, struct sql_plan *plan,
		     struct error *err)
{
	const struct connector_config *config = session->config;
	const struct sql_source *source = plan->source;
	struct finding f = { columns, count, plan };
	size_t column = 0;
	size_t i;

	plan->column_count = 0;
	plan->columns = arena_array(arena, count + 1, sizeof(*plan->columns));
	plan->places = arena_array(arena, count + 1, sizeof(*plan->places));
	plan->wanted =
		arena_array(arena, config->type_count, sizeof(*plan->wanted));
	plan->wanted_count = arena_array(arena, config->type_count,
					 sizeof(*plan->wanted_count));
	for (i = 0; i < source->anchor_count; i++) {
		if (need(&f, source->anchors[i], &column, err) < 0)
			return -1;
		if (column != i)
			return error_set(err, ERR_INVALID,
					 "the column '" SV_FMT
					 "' stands twice in 'anchor'",
					 SV_ARG(source->anchors[i]));
	}
	if (source->type == SQL_TYPE_BY_COLUMN &&
	    need(&f, source->type_column, &plan->type_column, err) < 0)
		return -1;
	for (i = 0; i < config->type_count; i++)
		if ((source->type == SQL_TYPE_BY_COLUMN || source->type == i) &&
		    want_type(&f, &config->types[i], i, arena, err) < 0)
			return -1;
	plan->context = make_context(session, plan, arena);
	return 0;
}

/* --- queries ----------------------------------------------------------- */

/* The column of the anchor: as the database has it, or as it is set. */
static void add_anchor(struct strbuf *sql, const struct sql_dialect *dialect,
		       const struct sql_plan *plan, const char *alias, size_t i)
{
	if (plan->column_count) {
		sql_add_column(sql, dialect, alias, plan->columns[i]->name);
		return;
	}
	strbuf_addf(sql, "%s.", alias);
	sql_add_name(sql, dialect, plan->source->anchors[i]);
}

static void add_anchors(struct strbuf *sql, const struct sql_dialect *dialect,
			const struct sql_plan *plan, const char *alias)
{
	size_t i;

	for (i = 0; i < plan->source->anchor_count; i++) {
		strbuf_adds(sql, i ? ", " : "");
		add_anchor(sql, dialect, plan, alias, i);
	}
}

/* FROM, and where the objects are some only their keys before them. */
static void add_objects(struct strbuf *sql, const struct sql_dialect *dialect,
			const struct sql_plan *plan,
			const struct sql_scope *scope, const char *join)
{
	size_t i;

	strbuf_adds(sql, " FROM ");
	if (scope->keys)
		strbuf_addf(sql, "%s k %s ", scope->keys, join);
	if (plan->table)
		sql_add_table_of(sql, dialect, plan->table);
	else
		strbuf_addf(sql, "(" SV_FMT ")", SV_ARG(plan->source->query));
	strbuf_adds(sql, " t");
	for (i = 0; scope->keys && i < plan->source->anchor_count; i++) {
		strbuf_adds(sql, i ? " AND " : " ON ");
		add_anchor(sql, dialect, plan, "t", i);
		strbuf_adds(sql, " = ");
		add_anchor(sql, dialect, plan, "k", i);
	}
}

/* Without aliases, which mdbtools does not know. */
static void add_whole_table(struct strbuf *sql,
			    const struct sql_dialect *dialect,
			    const struct sql_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->column_count; i++) {
		strbuf_adds(sql, i ? ", " : "");
		sql_add_name(sql, dialect, sv_from(plan->columns[i]->name));
	}
	strbuf_adds(sql, " FROM ");
	sql_add_table_of(sql, dialect, plan->table);
}

void sql_plan_select(const struct connector_session *session,
		     const struct sql_plan *plan, const struct sql_scope *scope,
		     struct strbuf *sql)
{
	const struct sql_dialect *dialect = session->link->dialect;
	size_t i;

	if (!plan->table && !scope->keys && !scope->where) {
		strbuf_addsv(sql, plan->source->query);
		return;
	}
	strbuf_adds(sql, "SELECT ");
	if (!scope->keys && !scope->where) {
		add_whole_table(sql, dialect, plan);
		return;
	}
	if (scope->keys) {
		add_anchors(sql, dialect, plan, "k");
		strbuf_adds(sql, ", ");
	}
	for (i = 0; i < plan->column_count; i++) {
		strbuf_adds(sql, i ? ", " : "");
		sql_add_column(sql, dialect, "t", plan->columns[i]->name);
	}
	add_objects(sql, dialect, plan, scope, "LEFT JOIN");
	if (scope->where)
		strbuf_addf(sql, " WHERE %s", scope->where);
}

void sql_plan_select_nothing(const struct connector_session *session,
			     const struct sql_plan *plan, struct strbuf *sql)
{
	static const struct sql_scope all = { .keys = NULL };

	strbuf_adds(sql, "SELECT t.*");
	add_objects(sql, session->link->dialect, plan, &all, "");
	strbuf_adds(sql, " WHERE 1 = 0");
}

void sql_plan_select_anchors(const struct connector_session *session,
			     const struct sql_plan *plan, struct strbuf *sql)
{
	const struct sql_dialect *dialect = session->link->dialect;
	static const struct sql_scope all = { .keys = NULL };

	strbuf_adds(sql, "SELECT ");
	add_anchors(sql, dialect, plan, "t");
	if (plan->type_column != SQL_NO_COLUMN) {
		strbuf_adds(sql, ", ");
		sql_add_column(sql, dialect, "t",
			       plan->columns[plan->type_column]->name);
	}
	add_objects(sql, dialect, plan, &all, "");
}

void sql_plan_select_child(const struct connector_session *session,
			   const struct sql_plan *plan,
			   const struct sql_child_plan *child,
			   const struct sql_scope *scope, struct strbuf *sql)
{
	const struct sql_dialect *dialect = session->link->dialect;
	size_t i;

	strbuf_adds(sql, "SELECT ");
	add_anchors(sql, dialect, plan, "t");
	if (child->name) {
		strbuf_adds(sql, ", ");
		sql_add_column(sql, dialect, "c", child->name->name);
	}
	for (i = 0; i < child->child->value_count; i++) {
		strbuf_adds(sql, ", ");
		sql_add_column(sql, dialect, "c", child->values[i]->name);
	}
	add_objects(sql, dialect, plan, scope, "JOIN");
	strbuf_adds(sql, " JOIN ");
	sql_add_table_of(sql, dialect, child->table);
	strbuf_adds(sql, " c");
	for (i = 0; i < child->child->key_count; i++) {
		strbuf_adds(sql, i ? " AND " : " ON ");
		sql_add_column(sql, dialect, "c", child->keys[i]->name);
		strbuf_adds(sql, " = ");
		add_anchor(sql, dialect, plan, "t", i);
	}
	if (scope->where)
		strbuf_addf(sql, " WHERE %s", scope->where);
}

/* --- anchors ----------------------------------------------------------- */

static bool is_part(struct sv text, bool only)
{
	return text.len && text_is_utf8(text) &&
	       (only || sv_find(text, '|', 0) == text.len);
}

int sql_plan_anchor(const struct sql_plan *plan, const struct sv *cells,
		    struct arena *arena, struct sv *out, size_t *missing_out)
{
	struct strbuf joined = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t count = plan->source->anchor_count;
	size_t i;

	*out = SV_NULL;
	for (i = 0; i < count; i++) {
		struct sv part =
			sql_value_text(plan->columns[i], cells[i], arena);

		*missing_out = i;
		if (!is_part(part, count == 1)) {
			strbuf_release(&joined);
			return 0;
		}
		if (count == 1) {
			*out = part;
			return 1;
		}
		if (i)
			strbuf_addc(&joined, '|');
		strbuf_addsv(&joined, part);
	}
	*out = arena_dup(arena, strbuf_sv(&joined));
	strbuf_release(&joined);
	return 1;
}
