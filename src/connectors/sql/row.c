/*
 * row.c - a row of a table becomes a change
 *
 * What is read of it is put down as it came, and that is what it is known by:
 *
 *	length of each column's text		4 each
 *	number of values of child tables	4
 *	the columns' texts
 *	values: name, child, value, length	4 each
 *		bytes
 *
 * Or it is the row's line, where the driver has such and nothing is needed that
 * is not in it. Attributes are made of it when somebody asks for them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "connectors/sql/import.h"

#include <string.h>

#define KID ((size_t)16)

struct deferred {
	const struct sql_input *input;
	uint64_t row;
};

/* --- putting it down --------------------------------------------------- */

/* The texts of the plan's columns, in order. */
static const struct sv *cells_of(struct sql_input *input,
				 const struct sv *cells)
{
	const struct sql_plan *plan = &input->plan;
	size_t from = input->extra.keys ? plan->source->anchor_count : 0;
	size_t i;

	for (i = 0; i < plan->column_count; i++) {
		size_t place = input->in_order ? from + i : plan->places[i];

		input->cells[i] = cells[place];
		if (plan->columns[i]->kind == SQL_COLUMN_CHAR)
			input->cells[i] =
				sql_trim_char(plan->columns[i], cells[place]);
	}
	return input->cells;
}

/* Most texts are short: that is quicker than a call. */
static inline char *put(char *at, const void *bytes, size_t len)
{
	const char *from = bytes;
	uint64_t word[2];

	if (len > 2 * sizeof(*word)) {
		memcpy(at, from, len);
	} else if (len >= sizeof(*word)) {
		memcpy(&word[0], from, sizeof(*word));
		memcpy(&word[1], from + len - sizeof(*word), sizeof(*word));
		memcpy(at, &word[0], sizeof(*word));
		memcpy(at + len - sizeof(*word), &word[1], sizeof(*word));
	} else {
		for (; len; len--)
			*at++ = *from++;
		return at;
	}
	return at + len;
}

static struct sv put_down(const struct sql_plan *plan, const struct sv *cells,
			  const struct sql_kid *kids, size_t kid_count,
			  struct arena *arena)
{
	size_t header = (plan->column_count + 1) * sizeof(uint32_t);
	uint32_t number = (uint32_t)kid_count;
	size_t len = header;
	char *lens;
	char *raw;
	char *at;
	size_t i;

	for (i = 0; i < plan->column_count; i++)
		len += cells[i].len;
	for (i = 0; i < kid_count; i++)
		len += KID + kids[i].len;
	raw = arena_alloc(arena, len);
	lens = raw;
	at = raw + header;
	for (i = 0; i < plan->column_count; i++) {
		uint32_t cell = (uint32_t)cells[i].len;

		memcpy(lens, &cell, sizeof(cell));
		lens += sizeof(cell);
		at = put(at, cells[i].ptr, cells[i].len);
	}
	memcpy(lens, &number, sizeof(number));
	for (i = 0; i < kid_count; i++) {
		at = put(at, &kids[i].name, 4);
		at = put(at, &kids[i].child, 4);
		at = put(at, &kids[i].value, 4);
		at = put(at, &kids[i].len, 4);
		at = put(at, kids[i].bytes, kids[i].len);
	}
	return sv_make(raw, len);
}

/* --- attributes -------------------------------------------------------- */

/* A record that was put down, as it is read again. */
struct record {
	const struct connector_session *session;
	const struct sql_input *input;
	uint64_t row;
	struct arena *arena;
	struct change *change;
	struct sv *cells;
	const char *kids;
	uint32_t kid_count;
};

static void take_up(struct record *r, struct sv raw)
{
	size_t count = r->input->plan.column_count;
	const char *at = raw.ptr + (count + 1) * sizeof(uint32_t);
	uint32_t len;
	size_t i;

	r->cells = arena_alloc(r->arena, (count + 1) * sizeof(*r->cells));
	for (i = 0; i < count; i++) {
		memcpy(&len, raw.ptr + i * sizeof(len), sizeof(len));
		r->cells[i] = sv_make(at, len);
		at += len;
	}
	memcpy(&r->kid_count, raw.ptr + count * sizeof(len), sizeof(len));
	r->kids = at;
}

static struct sv place(const struct record *r)
{
	return sv_from(arena_printf(r->arena, SV_FMT ", row %llu",
				    SV_ARG(r->input->plan.label),
				    (unsigned long long)r->row));
}

/* The row is an error. Returns 0. */
static int bad(const struct record *r, const char *error, const char *message)
{
	struct change *change = r->change;

	change->op = CHANGE_ERROR;
	change->error = error;
	change->message = sv_from(message);
	change->attrs = NULL;
	change->attr_count = 0;
	change->where = place(r);
	return 0;
}

static const char *code_of(enum value_type type)
{
	switch (type) {
	case VALUE_INTEGER:
		return "invalid-numeric-value";
	case VALUE_BOOLEAN:
		return "invalid-boolean-value";
	case VALUE_REFERENCE:
		return "invalid-reference-value";
	case VALUE_NULL:
	case VALUE_STRING:
	case VALUE_BINARY:
	case VALUE_DATETIME:
		break;
	}
	return "invalid-attribute-value";
}

static int bad_value(const struct record *r, const struct attr_def *def,
		     struct sv text)
{
	if (!text_is_utf8(text))
		return bad(r, "invalid-attribute-value",
			   arena_printf(r->arena,
					"'%s' has bytes that are no text",
					def->name));
	return bad(r, code_of(def->type),
		   arena_printf(r->arena,
				"'" SV_FMT "' in '%s' is not a valid %s",
				(int)text_offset(text, 80), text.ptr, def->name,
				value_type_name(def->type)));
}

/* 1: one value more, or none; 0: the row is an error. */
static int add_value(const struct record *r, const struct sql_column *column,
		     const struct attr_def *def, struct sv text,
		     struct values *values)
{
	int ret = sql_value_read(r->session, column, def, text, r->arena,
				 &values->at[values->len]);

	if (ret < 0)
		return bad_value(r, def, text);
	values->len += (size_t)ret;
	return 1;
}

static bool cut_here(struct sv text, size_t at, struct sv separator)
{
	return at + separator.len <= text.len &&
	       !memcmp(text.ptr + at, separator.ptr, separator.len);
}

static size_t count_parts(struct sv text, struct sv separator)
{
	size_t count = 1;
	size_t at;

	for (at = 0; at < text.len; at++)
		count += cut_here(text, at, separator);
	return count;
}

/* Several values in one column, blanks around them trimmed. */
static int add_parts(const struct record *r, const struct sql_column *column,
		     const struct attr_def *def, struct sv text,
		     struct values *values)
{
	size_t from = 0;
	size_t at = 0;

	while (at <= text.len) {
		bool cut = cut_here(text, at, def->separator);

		if (!cut && at < text.len) {
			at++;
			continue;
		}
		if (!add_value(r, column, def, sv_trim(sv_sub(text, from, at)),
			       values))
			return 0;
		at += cut ? def->separator.len : 1;
		from = at;
	}
	return 1;
}

static int of_column(const struct record *r, const struct attr_def *def,
		     size_t column, struct values *values)
{
	const struct sql_column *of = r->input->plan.columns[column];
	struct sv text = r->cells[column];
	bool parts = def->multi && def->separator.len &&
		     of->kind != SQL_COLUMN_BYTES;

	if (!text.len)
		return 1;
	values->at = arena_alloc(
		r->arena, (parts ? count_parts(text, def->separator) : 1) *
				  sizeof(*values->at));
	return parts ? add_parts(r, of, def, text, values)
		     : add_value(r, of, def, text, values);
}

/* The values of child tables are in the order of their names' numbers. */
static int of_kids(const struct record *r, const struct attr_def *def,
		   size_t name, struct values *values)
{
	const char *at = r->kids;
	uint32_t number;
	uint32_t i;

	for (i = 0; i < r->kid_count; i++) {
		uint32_t kid[4];

		memcpy(kid, at, KID);
		at += KID + kid[3];
		if (kid[0] != name)
			continue;
		if (!values->at) {
			number = r->kid_count - i;
			values->at = arena_alloc(r->arena,
						 number * sizeof(*values->at));
		}
		if (!add_value(r,
			       r->input->plan.children[kid[1]].values[kid[2]],
			       def, sv_make(at - kid[3], kid[3]), values))
			return 0;
	}
	return 1;
}

/* 1: the attributes are filled, with `only` this one alone, even when it has no
 * value; 0: the row is an error. */
static int fill_attrs(const struct record *r, const struct sql_wanted *only)
{
	const struct sql_plan *plan = &r->input->plan;
	struct change *change = r->change;
	const struct object_type *type =
		&r->session->config->types[change->type];
	const struct sql_wanted *wanted = only ? only
					       : plan->wanted[change->type];
	size_t count = only ? 1 : plan->wanted_count[change->type];
	struct attr_change *attrs =
		arena_alloc(r->arena, (count + 1) * sizeof(*attrs));
	size_t len = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct attr_def *def = &type->attrs[wanted[i].attr];
		struct values values = { NULL, 0 };

		if (!(wanted[i].column != SQL_NO_COLUMN
			      ? of_column(r, def, wanted[i].column, &values)
			      : of_kids(r, def, wanted[i].name, &values)))
			return 0;
		if (values.len || only)
			attrs[len++] = (struct attr_change){ wanted[i].attr,
							     ATTR_REPLACE,
							     values };
	}
	change->attrs = attrs;
	change->attr_count = len;
	return 1;
}

/* --- the row ----------------------------------------------------------- */

/* 1: its type; 0: it is none of the agent's. */
static int type_of(const struct record *r, const struct sv *cells, size_t *out)
{
	const struct connector_config *config = r->session->config;
	const struct sql_plan *plan = &r->input->plan;
	struct sv name;
	size_t i;

	if (plan->type_column == SQL_NO_COLUMN) {
		*out = plan->source->type;
		return *out < config->type_count;
	}
	name = sv_trim(cells[plan->type_column]);
	for (i = 0; i < config->type_count; i++) {
		if (sv_ieq_str(name, config->types[i].name)) {
			*out = i;
			return 1;
		}
	}
	return 0;
}

/* The row's type is in no rule set, or it has none. */
static int no_type(const struct record *r, const struct sv *cells)
{
	const struct sql_plan *plan = &r->input->plan;
	struct sv name;

	if (plan->type_column == SQL_NO_COLUMN)
		return 0;
	name = sv_trim(cells[plan->type_column]);
	if (!name.len) {
		(void)bad(r, "missing-object-type",
			  "the column that names the type is empty");
		return 1;
	}
	r->change->op = CHANGE_FILTERED;
	r->change->where = place(r);
	r->change->message = sv_from(arena_printf(
		r->arena, "'" SV_FMT "' is the type of no rule set",
		SV_ARG(name)));
	return 1;
}

static int no_anchor(const struct record *r, const struct sv *cells,
		     size_t part)
{
	const struct sql_plan *plan = &r->input->plan;
	const char *name = plan->columns[part]->name;

	if (!cells[part].len)
		return bad(r, "missing-anchor-component",
			   arena_printf(r->arena,
					"the anchor '%s' has no value", name));
	if (!text_is_utf8(cells[part]))
		return bad(r, "invalid-attribute-value",
			   arena_printf(r->arena,
					"the anchor '%s' has bytes that are no "
					"text",
					name));
	return bad(r, "invalid-attribute-value",
		   arena_printf(r->arena,
				"the anchor '%s' has a '|', which divides the "
				"columns of an anchor",
				name));
}

/* A value that the driver could not read: is it of use as it is? */
static bool spoiled(const struct record *r, size_t broken)
{
	const struct sql_plan *plan = &r->input->plan;
	const char *name = "";
	size_t i;

	if (!broken)
		return false;
	broken--;
	for (i = 0; i < plan->column_count; i++)
		if (broken ==
		    (r->input->in_order
			     ? i + (r->input->extra.keys
					    ? plan->source->anchor_count
					    : 0)
			     : plan->places[i]))
			name = plan->columns[i]->name;
	(void)bad(r, "invalid-attribute-value",
		  arena_printf(r->arena,
			       "the column '%s' has bytes that are not in the "
			       "database's encoding",
			       name));
	return true;
}

static void defer(const struct record *r)
{
	struct deferred *deferred = arena_alloc(r->arena, sizeof(*deferred));

	deferred->input = r->input;
	deferred->row = r->row;
	r->change->record = deferred;
	r->change->deferred = true;
	r->change->raw_context = r->input->plan.context;
}

/* 1: what happened to the object is understood; 0: the row is an error. */
static int read_word(const struct record *r, const struct sv *cells)
{
	static const struct {
		const char *setting;
		enum change_op op;
	} words[] = { { "add", CHANGE_ADD },
		      { "modify", CHANGE_OBJECT },
		      { "delete", CHANGE_DELETE },
		      { "modify_attribute", CHANGE_UPDATE } };
	const struct node *delta = r->input->source->delta;
	struct sv word = sv_trim(cells[r->input->extra.change]);
	size_t i;

	if (!word.len)
		return bad(r, "missing-change-type",
			   "the column that says what happened is empty");
	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!sv_ieq(word, setting_text(delta, sql_delta_settings,
					       words[i].setting)))
			continue;
		r->change->op = words[i].op;
		return 1;
	}
	return bad(r, "invalid-change-type",
		   arena_printf(r->arena,
				"'" SV_FMT "' is none of the words of 'delta'",
				SV_ARG(word)));
}

/* The one attribute that a row is about. */
static const struct sql_wanted *attr_of(const struct record *r,
					const struct sv *cells)
{
	const struct sql_plan *plan = &r->input->plan;
	const struct object_type *type =
		&r->session->config->types[r->change->type];
	struct sv name = r->input->extra.attr == SQL_NO_COLUMN
				 ? SV_NULL
				 : sv_trim(cells[r->input->extra.attr]);
	size_t i;

	for (i = 0; i < plan->wanted_count[r->change->type]; i++) {
		const struct sql_wanted *wanted =
			&plan->wanted[r->change->type][i];

		if (sv_ieq_str(name, type->attrs[wanted->attr].name))
			return wanted;
	}
	return NULL;
}

/* The anchor of a row; in a delta that of its key, so that who is gone has
 * one. */
static int read_anchor(const struct record *r, const struct sv *cells,
		       const struct sv *own, size_t *missing)
{
	const struct sql_plan *plan = &r->input->plan;
	bool gone = r->input->extra.keys &&
		    !cells[plan->source->anchor_count].ptr;
	int ret = sql_plan_anchor(plan, gone ? cells : own, r->arena,
				  &r->change->anchor, missing);

	if (gone && ret)
		r->change->op = CHANGE_DELETE;
	return ret;
}

/* The anchor may be a view into the driver's row, or into the record. */
static void keep_anchor(const struct record *r, struct sv raw)
{
	const struct sql_plan *plan = &r->input->plan;
	struct sv *anchor = &r->change->anchor;
	size_t header = (plan->column_count + 1) * sizeof(uint32_t);

	if (plan->source->anchor_count == 1 && raw.ptr &&
	    r->cells[0].ptr == anchor->ptr)
		*anchor = sv_make(raw.ptr + header, anchor->len);
	else if (plan->source->anchor_count == 1)
		*anchor = arena_dup(r->arena, *anchor);
}

int sql_row_read(struct connector_session *session, struct sql_input *input,
		 const struct sv *cells, size_t broken, struct arena *arena,
		 struct change *out, struct error *err)
{
	struct record r = { .session = session,
			    .input = input,
			    .row = input->row,
			    .arena = arena,
			    .change = out };
	const struct sv *own = cells_of(input, cells);
	const struct sql_wanted *only = NULL;
	const struct sql_kid *kids = NULL;
	size_t kid_count = 0;
	size_t missing = 0;
	int has_anchor;

	r.cells = input->cells;
	out->op = CHANGE_OBJECT;
	has_anchor = read_anchor(&r, cells, own, &missing);
	if (!type_of(&r, own, &out->type) && out->op != CHANGE_DELETE) {
		keep_anchor(&r, SV_NULL);
		return no_type(&r, own);
	}
	if (!has_anchor)
		return no_anchor(&r, own, missing) + 1;
	if (input->extra.change != SQL_NO_COLUMN && !read_word(&r, cells)) {
		keep_anchor(&r, SV_NULL);
		return 1;
	}
	if (out->op == CHANGE_DELETE || spoiled(&r, broken)) {
		keep_anchor(&r, SV_NULL);
		return 1;
	}
	if (out->op == CHANGE_UPDATE) {
		only = attr_of(&r, cells);
		if (!only)
			return 0;
	}
	if (input->plan.child_count &&
	    sql_kids_of(&input->kids, out->anchor, &kids, &kid_count, err) < 0)
		return -1;
	if (input->lines && !only) {
		out->raw = session->driver->line_of(
			input->rows,
			input->extra.keys ? input->plan.source->anchor_count
					  : 0,
			input->plan.column_count, arena);
		keep_anchor(&r, SV_NULL);
	} else {
		out->raw = put_down(&input->plan, own, kids, kid_count, arena);
		keep_anchor(&r, out->raw);
	}
	if (!only) {
		defer(&r);
		return 1;
	}
	take_up(&r, out->raw);
	out->raw = SV_NULL;
	(void)fill_attrs(&r, only);
	return 1;
}

/* --- in one piece ------------------------------------------------------ */

bool sql_row_by_line(const struct connector_session *session,
		     const struct sql_source *source)
{
	return source->table.len && !source->child_count &&
	       source->type < session->config->type_count;
}

/* The first values of a line: 1; 0: the row is an error. */
static int split(struct record *r, struct sv line, size_t count, size_t *broken)
{
	const struct sql_plan *plan = &r->input->plan;
	size_t i;

	if (!r->session->driver->split(r->session->link, line, plan->columns,
				       count, r->arena, r->cells, broken))
		return bad(r, "parse-error",
			   "the row has not the columns of its query");
	for (i = 0; i < count; i++)
		r->cells[i] = sql_trim_char(plan->columns[i], r->cells[i]);
	return 1;
}

int sql_row_line(struct connector_session *session, struct sql_input *input,
		 struct arena *arena, struct change *out)
{
	const struct sql_plan *plan = &input->plan;
	struct record r = { .session = session,
			    .input = input,
			    .row = input->row,
			    .arena = arena,
			    .change = out,
			    .cells = input->cells };
	size_t missing = 0;
	size_t broken;

	out->op = CHANGE_OBJECT;
	out->type = plan->source->type;
	if (!split(&r, out->raw, plan->source->anchor_count, &broken))
		return 1;
	if (!sql_plan_anchor(plan, r.cells, arena, &out->anchor, &missing))
		return no_anchor(&r, r.cells, missing) + 1;
	if (!spoiled(&r, broken))
		defer(&r);
	return 1;
}

/* The columns that were left; what is wrong with one is told now. */
static void expand_line(struct record *r)
{
	size_t count = r->input->plan.column_count;
	size_t broken;

	r->cells = arena_alloc(r->arena, (count + 1) * sizeof(*r->cells));
	if (split(r, r->change->raw, count, &broken) && !spoiled(r, broken))
		(void)fill_attrs(r, NULL);
}

void sql_import_expand(const struct connector_session *session,
		       struct arena *arena, struct change *change)
{
	const struct deferred *deferred = change->record;
	struct record r = { .session = session,
			    .input = deferred->input,
			    .row = deferred->row,
			    .arena = arena,
			    .change = change };

	if (deferred->input->lines) {
		expand_line(&r);
		return;
	}
	take_up(&r, change->raw);
	(void)fill_attrs(&r, NULL);
}

int sql_row_present(struct connector_session *session, struct sql_input *input,
		    const struct sv *cells, struct arena *arena,
		    struct change *out)
{
	const struct sql_plan *plan = &input->objects;
	struct record r = { .session = session,
			    .input = input,
			    .row = input->row,
			    .arena = arena,
			    .change = out };
	struct sv *own =
		arena_array(arena, plan->column_count + 1, sizeof(*own));
	size_t missing = 0;
	size_t i;

	for (i = 0; i < plan->source->anchor_count; i++)
		own[i] = sql_trim_char(plan->columns[i], cells[i]);
	if (plan->type_column != SQL_NO_COLUMN)
		own[plan->type_column] = sql_trim_char(
			plan->columns[plan->type_column], cells[i]);
	if (!type_of(&r, own, &out->type))
		return 0;
	out->op = CHANGE_PRESENT;
	if (!sql_plan_anchor(plan, own, arena, &out->anchor, &missing))
		return no_anchor(&r, own, missing) + 1;
	out->anchor = arena_dup(arena, out->anchor);
	return 1;
}
