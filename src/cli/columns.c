/*
 * columns.c - choose, sort and print the columns of what was found
 *
 * Rows that are not to be sorted are printed as they come when they go out as
 * CSV. Of sorted ones with a limit no more than twice that many are held.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/columns.h"

#include "base/text.h"
#include "cli/show.h"

#include <string.h>

/* --- the command line -------------------------------------------------- */

static void split(struct columns *columns, const char *text)
{
	struct sv all = sv_from(text);
	VEC(const char *) names = VEC_INIT;
	size_t at = 0;

	while (at <= all.len) {
		size_t end = sv_find(all, ',', at);
		struct sv name = sv_trim(sv_sub(all, at, end));

		if (name.len)
			vec_push(&names, arena_cstr(&columns->arena, name));
		at = end + 1;
	}
	columns->names = arena_array(&columns->arena, names.len + 1,
				     sizeof(*columns->names));
	if (names.len)
		memcpy(columns->names, names.at,
		       names.len * sizeof(*columns->names));
	columns->count = names.len;
	vec_release(&names);
}

int columns_begin(struct columns *columns, struct cli *cli,
		  const char *const *usual, size_t usual_count, int64_t limit,
		  struct error *err)
{
	const char *chosen = args_value(&cli->args, "columns");
	const char *sort = args_value(&cli->args, "sort");
	const char **titles;
	size_t i;

	memset(columns, 0, sizeof(*columns));
	columns->cli = cli;
	columns->limit = limit;
	columns->csv = args_has(&cli->args, "csv");
	if (!chosen && !sort && !columns->csv)
		return 0;
	if (columns->csv && cli->output.json)
		return error_set(err, ERR_INVALID,
				 "--csv and --json exclude each other");
	if (chosen)
		split(columns, chosen);
	if (chosen && !columns->count)
		return error_set(err, ERR_INVALID, "--columns names none");
	if (!chosen) {
		columns->count = usual_count;
		columns->names = arena_array(&columns->arena, usual_count + 1,
					     sizeof(*columns->names));
		memcpy(columns->names, usual,
		       usual_count * sizeof(*columns->names));
	}
	columns->descending = sort && sort[0] == '-';
	columns->sort = sort ? sort + columns->descending : NULL;
	titles = arena_array(&columns->arena, columns->count + 1,
			     sizeof(*titles));
	for (i = 0; i < columns->count; i++)
		titles[i] = columns->names[i] + (columns->names[i][0] == '@');
	if (columns->csv)
		return csv_out_begin(&columns->out, &cli->output, titles,
				     columns->count, err) < 0
			       ? -1
			       : 1;
	columns->titles = arena_array(&columns->arena, columns->count + 1,
				      sizeof(*columns->titles));
	for (i = 0; i < columns->count; i++)
		columns->titles[i] = (struct table_column){
			output_safe(
				text_upper(sv_from(titles[i]), &columns->arena),
				&columns->arena),
			false
		};
	table_init(&columns->table, columns->titles, columns->count);
	return 1;
}

/* --- cells ------------------------------------------------------------- */

static struct sv join_texts(const struct display_texts *texts,
			    struct arena *arena)
{
	struct strbuf all = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv copy;
	size_t i;

	if (texts->len == 1)
		return texts->at[0];
	for (i = 0; i < texts->len; i++)
		strbuf_addf(&all, "%s" SV_FMT, i ? "; " : "",
			    SV_ARG(texts->at[i]));
	copy = arena_dup(arena, strbuf_sv(&all));
	strbuf_release(&all);
	return copy;
}

/* 1: the object has the attribute */
static int attr_cell(const struct display_attrs *attrs, const char *name,
		     struct arena *arena, struct sv *out)
{
	size_t i;

	for (i = 0; i < attrs->len; i++) {
		if (!sv_ieq_str(sv_from(attrs->at[i].name), name))
			continue;
		*out = join_texts(&attrs->at[i].values, arena);
		return 1;
	}
	return 0;
}

static bool is(const char *name, const char *word)
{
	return sv_ieq_str(sv_from(name), word);
}

static struct sv mv_cell(const void *data, const char *name,
			 struct arena *arena)
{
	const struct display_mv *object = data;
	struct strbuf agents = STRBUF_INIT(4000);
	struct sv text = SV_LIT("");
	size_t i;

	if (name[0] == '@')
		name++;
	else if (attr_cell(&object->attrs, name, arena, &text))
		return text;
	if (is(name, "id"))
		return sv_from(
			arena_printf(arena, "%lld", (long long)object->id));
	if (is(name, "guid"))
		return sv_from(object->guid);
	if (is(name, "type"))
		return sv_from(object->type);
	if (is(name, "name"))
		return show_title(&object->attrs);
	if (!is(name, "connectors"))
		return text;
	for (i = 0; i < object->connector_count; i++)
		strbuf_addf(&agents, "%s%s", i ? ", " : "",
			    object->connectors[i].agent);
	text = arena_dup(arena, strbuf_sv(&agents));
	strbuf_release(&agents);
	return text;
}

static struct sv pending_cell(const struct display_cs *object,
			      struct arena *arena)
{
	struct sv text = SV_LIT("");

	if (object->import)
		text = sv_from(
			arena_printf(arena, "import %s", object->import));
	if (object->pending.operation)
		text = sv_from(arena_printf(arena, SV_FMT "%sexport %s",
					    SV_ARG(text), text.len ? ", " : "",
					    object->pending.operation));
	if (object->awaiting.operation)
		text = sv_from(arena_printf(arena, SV_FMT "%sawaiting %s",
					    SV_ARG(text), text.len ? ", " : "",
					    object->awaiting.operation));
	return text;
}

static struct sv cs_cell(const void *data, const char *name,
			 struct arena *arena)
{
	const struct display_cs *object = data;
	struct sv text = SV_LIT("");

	if (name[0] == '@')
		name++;
	else if (attr_cell(&object->expected, name, arena, &text))
		return text;
	if (is(name, "id"))
		return sv_from(display_cs_id(object->id, arena));
	if (is(name, "agent"))
		return sv_from(object->agent);
	if (is(name, "type"))
		return sv_from(object->type);
	if (is(name, "state"))
		return sv_from(object->state);
	if (is(name, "name"))
		return show_name(object, arena);
	if (is(name, "title"))
		return show_title(&object->expected);
	if (is(name, "dn"))
		return object->dn;
	if (is(name, "anchor"))
		return object->anchor;
	if (is(name, "rule_set") && object->rule_set)
		return sv_from(object->rule_set);
	if (is(name, "mv") && object->mv)
		return sv_from(
			arena_printf(arena, "%lld", (long long)object->mv));
	if (is(name, "error") && object->has_error)
		return object->error.code;
	if (is(name, "pending"))
		return pending_cell(object, arena);
	return text;
}

/* --- rows -------------------------------------------------------------- */

static int by_key(const struct column_row *a, const struct column_row *b)
{
	struct sv x = sv_from(a->key);
	struct sv y = sv_from(b->key);
	int64_t m;
	int64_t n;

	/* what has none comes last, numbers before texts */
	if (!x.len || !y.len)
		return (y.len > 0) - (x.len > 0);
	if (sv_to_i64(x, &m) && sv_to_i64(y, &n))
		return (m > n) - (m < n);
	return text_icmp(x, y);
}

static int ascending(const void *a, const void *b)
{
	const struct column_row *x = a;
	const struct column_row *y = b;
	int order = by_key(x, y);

	return order ? order
		     : (x->number > y->number) - (x->number < y->number);
}

static int descending(const void *a, const void *b)
{
	const struct column_row *x = a;
	const struct column_row *y = b;
	int order = by_key(y, x);

	if (!*x->key || !*y->key)
		order = by_key(x, y);
	return order ? order
		     : (x->number > y->number) - (x->number < y->number);
}

static void sort_rows(struct columns *columns)
{
	if (columns->descending)
		vec_sort(&columns->rows, descending);
	else
		vec_sort(&columns->rows, ascending);
}

#define SLACK 4096

/* What cannot be among the first any more is forgotten. */
static void prune(struct columns *columns)
{
	size_t limit = (size_t)columns->limit;
	size_t i;

	if (!limit || columns->rows.len < 2 * limit + SLACK)
		return;
	sort_rows(columns);
	for (i = limit; i < columns->rows.len; i++)
		json_decref(columns->rows.at[i].json);
	columns->rows.len = limit;
}

static int print_row(struct columns *columns, const struct sv *cells,
		     struct error *err)
{
	size_t i;

	if (columns->csv)
		return csv_out_row(&columns->out, cells, columns->count, err);
	for (i = 0; i < columns->count; i++)
		table_add(&columns->table, cells[i]);
	return 0;
}

/* Gives up `json`. */
static int take(struct columns *columns, const struct sv *cells, struct sv key,
		json_t *json, struct error *err)
{
	struct column_row row = { .json = json, .number = columns->found++ };
	size_t i;

	if (!columns->sort && !json)
		return print_row(columns, cells, err);
	row.key = arena_cstr(&columns->arena, key);
	if (!json)
		row.cells = arena_array(&columns->arena, columns->count + 1,
					sizeof(*row.cells));
	for (i = 0; i < columns->count && !json; i++)
		row.cells[i] = arena_cstr(&columns->arena, cells[i]);
	vec_push(&columns->rows, row);
	prune(columns);
	return 0;
}

/* A cell's text: of a struct display_mv, or a struct display_cs. */
typedef struct sv (*cell_fn)(const void *object, const char *name,
			     struct arena *arena);

static int take_object(struct columns *columns, const void *object,
		       cell_fn cell, json_t *json, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct sv *cells =
		arena_array(&arena, columns->count + 1, sizeof(*cells));
	struct sv key = SV_LIT("");
	size_t i;
	int ret;

	for (i = 0; i < columns->count && !json; i++)
		cells[i] = cell(object, columns->names[i], &arena);
	if (columns->sort)
		key = cell(object, columns->sort, &arena);
	ret = take(columns, cells, key, json, err);
	arena_release(&arena);
	return ret;
}

int columns_mv(struct columns *columns, const struct display_mv *object,
	       json_t *json, struct error *err)
{
	return take_object(columns, object, mv_cell, json, err);
}

int columns_cs(struct columns *columns, const struct display_cs *object,
	       json_t *json, struct error *err)
{
	return take_object(columns, object, cs_cell, json, err);
}

int columns_end(struct columns *columns, struct json_stream *stream,
		struct error *err)
{
	struct sv *cells = arena_array(&columns->arena, columns->count + 1,
				       sizeof(*cells));
	size_t limit = columns->limit ? (size_t)columns->limit
				      : columns->rows.len;
	size_t i;
	size_t c;

	if (columns->sort)
		sort_rows(columns);
	for (i = 0; i < columns->rows.len; i++) {
		struct column_row *row = &columns->rows.at[i];

		if (row->json && i < limit) {
			json_stream_add(stream, row->json);
			row->json = NULL;
		}
		if (!row->cells || i >= limit)
			continue;
		for (c = 0; c < columns->count; c++)
			cells[c] = sv_from(row->cells[c]);
		if (print_row(columns, cells, err) < 0)
			return -1;
	}
	if (columns->csv || stream)
		return 0;
	table_print(&columns->table, &columns->cli->output);
	return 0;
}

void columns_release(struct columns *columns)
{
	struct error ignored = ERROR_INIT;
	size_t i;

	if (columns->csv)
		(void)csv_out_end(&columns->out, &ignored);
	else if (columns->titles)
		table_release(&columns->table);
	for (i = 0; i < columns->rows.len; i++)
		json_decref(columns->rows.at[i].json);
	vec_release(&columns->rows);
	arena_release(&columns->arena);
}
