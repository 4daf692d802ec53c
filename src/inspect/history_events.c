/*
 * history_events.c - what happened, as a person reads it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/history_private.h"

#include "inspect/explain_private.h"
#include "store/history.h"
#include "sync/lineage.h"

#include <stdlib.h>
#include <string.h>

struct telling {
	struct display *display;
	struct store *store;
	const struct history_query *query;
	int (*fn)(void *data, const struct history_event *event);
	void *data;
	struct arena arena; /* of one event */
	struct arena kept;
	struct history_state state; /* after the change at hand; in kept */
	uint32_t *by;               /* [attribute]: who gave its values */
	size_t by_len;
	int64_t run; /* of which `profile` is known */
	const char *profile;
	int64_t told;
};

/* ---- who and when ---- */

static const char *rule_set_name(const struct telling *t, uint32_t number)
{
	return number ? store_name(t->store, NAME_RULE_SET, number) : NULL;
}

static int keep_run(void *data, const struct run_row *row)
{
	struct telling *t = data;

	t->profile = arena_printf(&t->kept, "%s %s", row->agent, row->profile);
	return 1;
}

static int find_run(struct telling *t, int64_t run, struct error *err)
{
	if (t->run == run)
		return 0;
	t->run = run;
	t->profile = NULL;
	return run ? store_run_scan(t->store, run, 1, keep_run, t, err) : 0;
}

static int begin_event(struct telling *t, struct history_event *event,
		       const char *what, int64_t run, int64_t time,
		       struct error *err)
{
	memset(event, 0, sizeof(*event));
	event->what = what;
	event->run = run;
	event->time = time;
	if (find_run(t, run, err) < 0)
		return -1;
	event->profile = t->profile;
	return 0;
}

/* Title and type are those that the object had when it happened. */
static int name_object(struct telling *t, const struct history_state *state,
		       struct history_event *event, struct error *err)
{
	struct display_mv mv;

	if (display_mv_was(t->display, &state->row, &state->image, NULL, 0,
			   &t->arena, &mv, err) < 0)
		return -1;
	event->mv = mv.id;
	event->type = mv.type;
	event->title = display_title(&mv.attrs);
	return 0;
}

/* ---- values and links ---- */

static bool is_asked(const struct telling *t, uint32_t attr)
{
	const char *name = store_attr_name(t->store, attr);

	return !t->query->attr.ptr ||
	       (name && sv_ieq_str(t->query->attr, name));
}

static int add_value(struct telling *t, struct history_event *event,
		     uint32_t attr, const struct values *before,
		     const struct values *after, enum display_space space,
		     struct error *err)
{
	const char *name = store_attr_name(t->store, attr);
	struct history_value *value;

	if (!is_asked(t, attr))
		return 0;
	value = &event->values[event->value_count++];
	memset(value, 0, sizeof(*value));
	value->name = name ? name : "?";
	if (display_values(t->display, attr, before, space, &t->arena,
			   &value->before, err) < 0 ||
	    display_values(t->display, attr, after, space, &t->arena,
			   &value->after, err) < 0)
		return -1;
	return 0;
}

static void add_links(struct telling *t, struct history_event *event,
		      const struct past_link *links, size_t count, bool came)
{
	size_t i;

	for (i = 0; i < count && !t->query->attr.ptr; i++) {
		struct history_link *link = &event->links[event->link_count++];

		link->came = came;
		link->cs = links[i].cs;
		link->agent =
			store_name(t->store, NAME_AGENT, CS_AGENT(links[i].cs));
		link->object =
			subject_cs_label(t->display, link->cs, &t->arena);
		link->rule_set = rule_set_name(t, links[i].rule_set);
		link->how = explain_how(links[i].how);
	}
}

static void room_for(struct telling *t, struct history_event *event,
		     size_t values, size_t links)
{
	event->values =
		arena_array(&t->arena, values + 1, sizeof(*event->values));
	event->links = arena_array(&t->arena, links + 1, sizeof(*event->links));
}

static int emit(struct telling *t, const struct history_event *event)
{
	bool asked = !t->query->attr.ptr || event->value_count;
	int ret = 0;

	if (asked && t->query->limit && t->told >= t->query->limit)
		return 1;
	if (asked) {
		t->told++;
		ret = t->fn(t->data, event);
	}
	arena_reset(&t->arena);
	return ret;
}

/* ---- of a metaverse object ---- */

static uint32_t *giver(struct telling *t, uint32_t attr)
{
	return attr < t->by_len ? &t->by[attr] : NULL;
}

/* Who gives the values that are there now. */
static void take_givers(struct telling *t)
{
	struct lineage lineage;
	size_t i;
	size_t k;

	t->by_len = store_attr_map(t->store)->to_store_len;
	t->by = arena_zalloc(&t->kept, (t->by_len + 1) * sizeof(*t->by));
	lineage_decode(t->state.row.lineage, store_attr_map(t->store), &t->kept,
		       &lineage);
	for (i = 0; i < lineage.len; i++)
		for (k = 0; k < t->state.link_count; k++)
			if (t->state.links[k].cs == lineage.at[i].cs &&
			    giver(t, lineage.at[i].attr))
				*giver(t, lineage.at[i].attr) =
					t->state.links[k].rule_set;
}

static int add_change(struct telling *t, struct history_event *event,
		      const struct past_value *value, struct error *err)
{
	const struct values *now = image_get(&t->state.image, value->attr);
	struct values before = past_before(value, now, &t->arena);
	struct history_value *told = &event->values[event->value_count];
	uint32_t *by = giver(t, value->attr);
	size_t count = event->value_count;

	if (value->secret)
		now = NULL;
	if (add_value(t, event, value->attr, &before, now, DISPLAY_MV, err) < 0)
		return -1;
	if (event->value_count > count) {
		told->secret = value->secret;
		told->by = by ? rule_set_name(t, *by) : NULL;
		told->was_by = rule_set_name(t, value->by);
	}
	if (by)
		*by = value->by;
	return 0;
}

/* All that the object was goes, or came: `what` says which. */
static int tell_whole(struct telling *t, const struct history_state *state,
		      struct history_event *event, bool came, struct error *err)
{
	size_t i;

	room_for(t, event, state->image.len, state->link_count);
	if (name_object(t, state, event, err) < 0)
		return -1;
	for (i = 0; i < state->image.len; i++) {
		const struct image_attr *attr = &state->image.attrs[i];
		struct history_value *value =
			&event->values[event->value_count];
		size_t count = event->value_count;
		uint32_t *by = giver(t, attr->attr);

		if (add_value(t, event, attr->attr, came ? NULL : &attr->values,
			      came ? &attr->values : NULL, DISPLAY_MV, err) < 0)
			return -1;
		if (came && by && event->value_count > count)
			value->by = rule_set_name(t, *by);
	}
	add_links(t, event, state->links, state->link_count, came);
	return 0;
}

static int tell_change(struct telling *t, const struct past *past,
		       struct history_event *event, struct error *err)
{
	size_t i;

	room_for(t, event, past->value_count,
		 past->gone_count + past->come_count);
	if (name_object(t, &t->state, event, err) < 0)
		return -1;
	for (i = 0; i < past->value_count; i++)
		if (add_change(t, event, &past->values[i], err) < 0)
			return -1;
	add_links(t, event, past->come, past->come_count, true);
	add_links(t, event, past->gone, past->gone_count, false);
	return 0;
}

/* ---- exports ---- */

static const char *operation_of(const struct past *past)
{
	switch (past->op) {
	case PENDING_ADD:
		return "add";
	case PENDING_UPDATE:
		return past->new_rdn.len ? "rename" : "update";
	case PENDING_DELETE_ADD:
		return "delete-add";
	case PENDING_DELETE:
		return "delete";
	case PENDING_NONE:
		break;
	}
	return "update";
}

static int dn_of(struct telling *t, int64_t parent, struct sv rdn,
		 struct sv *out, struct error *err)
{
	struct sv above = SV_NULL;
	struct sv anchor;

	*out = rdn;
	if (!rdn.len || !parent)
		return 0;
	if (display_cs_name(t->display, parent, &t->arena, &above, &anchor,
			    err) < 0)
		return -1;
	if (above.len)
		*out = sv_from(arena_printf(&t->arena, SV_FMT "," SV_FMT,
					    SV_ARG(rdn), SV_ARG(above)));
	return 0;
}

static int tell_values(struct telling *t, const struct past *past,
		       struct history_event *event, struct error *err)
{
	size_t i;

	for (i = 0; i < past->image.len; i++)
		if (add_value(t, event, past->image.attrs[i].attr,
			      &past->image.attrs[i].values, NULL, DISPLAY_CS,
			      err) < 0)
			return -1;
	for (i = 0; i < past->value_count; i++) {
		const struct past_value *value = &past->values[i];
		struct history_value *told = &event->values[event->value_count];
		size_t count = event->value_count;

		if (add_value(t, event, value->attr, &value->gone, &value->come,
			      DISPLAY_CS, err) < 0)
			return -1;
		if (event->value_count > count)
			told->secret = value->secret;
	}
	return 0;
}

/* The answer of one that is in progress still is not known. */
static int find_answer(struct telling *t, const struct past_row *row,
		       struct history_event *event, struct error *err)
{
	struct pending_export pending;
	struct past_row last;
	int ret;

	event->answer = row->answer;
	if (row->answer.len)
		return 0;
	ret = store_past_of(t->store, row->object, INT64_MAX, &last, 1,
			    &t->arena, err);
	if (ret <= 0 || last.id != row->id)
		return ret < 0 ? -1 : 0;
	ret = store_pending_export_get(t->store, row->object, &t->arena,
				       &pending, err);
	if (ret > 0 && pending.in_progress)
		event->answer = SV_LIT("no-answer: the run ended before the "
				       "system had answered");
	return ret < 0 ? -1 : 0;
}

static int tell_export(struct telling *t, const struct past_row *row,
		       struct error *err)
{
	struct history_event event;
	struct past past;

	if (begin_event(t, &event, "exported", PAST_RUN(row->id), row->time,
			err) < 0 ||
	    past_decode(row, t->store, &t->arena, &past, err) < 0)
		return -1;
	room_for(t, &event, past.image.len + past.value_count, 0);
	event.cs = row->object;
	event.type = store_name(t->store, NAME_TYPE, row->type);
	event.object = subject_cs_label(t->display, event.cs, &t->arena);
	event.operation = operation_of(&past);
	if (find_answer(t, row, &event, err) < 0 ||
	    dn_of(t, past.parent, past.rdn, &event.dn, err) < 0 ||
	    dn_of(t, past.new_parent, past.new_rdn, &event.new_dn, err) < 0 ||
	    tell_values(t, &past, &event, err) < 0)
		return -1;
	return emit(t, &event);
}

/* ---- one object ---- */

struct rows {
	struct past_row *at;
	size_t len;
	size_t size;
};

static void add_row(struct rows *rows, const struct past_row *row)
{
	vec_push(rows, *row);
}

/* Its bytes are in `kept`. */
static int add_rows(struct telling *t, int64_t object, struct rows *out,
		    struct error *err)
{
	struct past_row rows[CHUNK];
	int64_t before = INT64_MAX;
	int count;
	int i;

	do {
		count = store_past_of(t->store, object, before, rows, CHUNK,
				      &t->kept, err);
		for (i = 0; i < count; i++) {
			before = rows[i].id;
			add_row(out, &rows[i]);
		}
	} while (count == CHUNK);
	return count < 0 ? -1 : 0;
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = ((const struct past_row *)a)->id;
	int64_t y = ((const struct past_row *)b)->id;

	return (x < y) - (x > y);
}

static void add_cs(struct history_ids *ids, int64_t cs)
{
	const int64_t *known;

	vec_foreach(ids, known)
		if (*known == cs)
			return;
	vec_push(ids, cs);
}

/* Exports of all that the object ever was linked to. */
static int add_exports(struct telling *t, struct rows *rows, struct error *err)
{
	struct history_ids ids = VEC_INIT;
	size_t len = rows->len;
	struct past past;
	size_t i;
	size_t k;
	int ret = 0;

	for (i = 0; i < t->state.link_count; i++)
		add_cs(&ids, t->state.links[i].cs);
	for (i = 0; i < len && ret == 0; i++) {
		ret = past_decode(&rows->at[i], t->store, &t->arena, &past,
				  err);
		for (k = 0; ret == 0 && k < past.gone_count; k++)
			add_cs(&ids, past.gone[k].cs);
		arena_reset(&t->arena);
	}
	for (i = 0; i < ids.len && ret == 0; i++)
		ret = add_rows(t, ids.at[i], rows, err);
	vec_release(&ids);
	return ret;
}

static int tell_row(struct telling *t, const struct past_row *row,
		    struct error *err)
{
	struct history_event event;
	struct past past;
	int ret;

	if (row->kind == PAST_EXPORT)
		return tell_export(t, row, err);
	if (past_decode(row, t->store, &t->kept, &past, err) < 0 ||
	    begin_event(t, &event,
			row->kind == PAST_DELETE ? "deleted" : "changed",
			PAST_RUN(row->id), row->time, err) < 0)
		return -1;
	if (row->kind == PAST_DELETE) {
		history_take_back(&t->state, &past, &t->kept);
		ret = tell_whole(t, &t->state, &event, false, err);
	} else {
		ret = tell_change(t, &past, &event, err);
		history_take_back(&t->state, &past, &t->kept);
	}
	return ret < 0 ? -1 : emit(t, &event);
}

static int tell_creation(struct telling *t, struct error *err)
{
	struct history_event event;

	if (!t->state.exists || !t->state.row.created ||
	    t->state.row.created < t->query->since)
		return 0;
	if (begin_event(t, &event, "created", t->state.row.run,
			t->state.row.created, err) < 0 ||
	    tell_whole(t, &t->state, &event, true, err) < 0)
		return -1;
	return emit(t, &event);
}

/* An object was made before what its run sent of it: 1 told, 0 not yet */
static bool creation_comes(const struct telling *t, const struct past_row *row)
{
	return row->time < t->state.row.created ||
	       PAST_RUN(row->id) < t->state.row.run;
}

static int tell_object(struct telling *t, const struct rows *rows, bool of_mv,
		       struct error *err)
{
	bool made = !of_mv;
	size_t i;
	int ret = 0;

	for (i = 0; i < rows->len && ret == 0; i++) {
		const struct past_row *row = &rows->at[i];

		if (row->time < t->query->since)
			break;
		if (!made && t->state.exists && row->kind == PAST_EXPORT &&
		    creation_comes(t, row)) {
			made = true;
			ret = tell_creation(t, err);
		}
		if (ret == 0)
			ret = tell_row(t, row, err);
	}
	if (ret == 0 && !made)
		ret = tell_creation(t, err);
	return ret;
}

int history_of(struct display *display, const struct subject *subject,
	       const struct history_query *query,
	       int (*fn)(void *data, const struct history_event *event),
	       void *data, struct error *err)
{
	struct telling t = { .display = display,
			     .store = display->store,
			     .query = query,
			     .fn = fn,
			     .data = data };
	struct rows rows = VEC_INIT;
	int ret = 0;

	if (subject->mv) {
		ret = history_now(t.store, subject->mv, &t.kept, &t.state, err);
		if (ret >= 0)
			take_givers(&t);
		if (ret >= 0)
			ret = add_rows(&t, subject->mv, &rows, err);
		if (ret >= 0)
			ret = add_exports(&t, &rows, err);
	} else {
		ret = add_rows(&t, subject->cs, &rows, err);
	}
	vec_sort(&rows, newest_first);
	if (ret >= 0)
		ret = tell_object(&t, &rows, subject->mv != 0, err);
	vec_release(&rows);
	arena_release(&t.arena);
	arena_release(&t.kept);
	return ret;
}

/* ---- by number or GUID ---- */

static int find_guid(struct store *store, const char *guid, int64_t *out,
		     struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct mv_row rows[CHUNK];
	char text[37];
	int64_t after = 0;
	int found = 0;
	int count;
	int i;

	do {
		count = store_mv_scan(store, after, rows, CHUNK, &arena, err);
		for (i = 0; i < count && !found; i++) {
			after = rows[i].id;
			uuid_format(rows[i].guid, text);
			found = sv_ieq_str(sv_from(guid), text);
			*out = rows[i].id;
		}
		arena_reset(&arena);
	} while (count > 0 && !found);
	arena_release(&arena);
	return count < 0 ? -1 : found;
}

static int guid_of(struct store *store, const struct past_row *row,
		   struct arena *arena, char text[37], struct error *err)
{
	struct past_row whole;
	struct past past;
	int ret = store_past_of(store, row->object, row->id + 1, &whole, 1,
				arena, err);

	text[0] = '\0';
	if (ret > 0 && past_decode(&whole, store, arena, &past, err) < 0)
		return -1;
	if (ret > 0)
		uuid_format(past.row.guid, text);
	return ret < 0 ? -1 : 0;
}

static int find_gone(struct store *store, const char *guid, int64_t *out,
		     struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct past_row rows[CHUNK];
	char text[37];
	int64_t after = 0;
	int found = 0;
	int count;
	int i;

	do {
		count = store_past_scan(store, after, INT64_MAX, rows, CHUNK,
					err);
		for (i = 0; i < count && found == 0; i++) {
			after = rows[i].id;
			if (rows[i].kind != PAST_DELETE)
				continue;
			if (guid_of(store, &rows[i], &arena, text, err) < 0)
				found = -1;
			else if (sv_ieq_str(sv_from(guid), text))
				found = 1;
			*out = rows[i].object;
		}
		arena_reset(&arena);
	} while (count > 0 && found == 0);
	arena_release(&arena);
	return count < 0 ? -1 : found;
}

int history_find(struct display *display, struct sv name, int64_t *out,
		 struct error *err)
{
	struct arena arena = ARENA_INIT;
	const char *text = arena_cstr(&arena, name);
	struct past_row row;
	struct mv_row mv;
	int ret;

	if (sv_to_i64(name, out)) {
		ret = store_mv_get(display->store, *out, &arena, &mv, err);
		if (ret == 0)
			ret = store_past_of(display->store, *out, INT64_MAX,
					    &row, 1, &arena, err);
		if (ret > 0 && CS_AGENT(*out))
			ret = 0;
	} else if (name.len != 36) {
		ret = 0;
	} else {
		ret = find_guid(display->store, text, out, err);
		if (ret == 0)
			ret = find_gone(display->store, text, out, err);
	}
	arena_release(&arena);
	return ret;
}

/* ---- between two moments ---- */

static const struct values *had(const struct history_state *state,
				uint32_t attr)
{
	return state->exists ? image_get(&state->image, attr) : NULL;
}

static int diff_values(struct telling *t, const struct history_state *from,
		       const struct history_state *to,
		       struct history_event *event, struct error *err)
{
	struct image change = image_diff(&from->image, &to->image, &t->arena);
	size_t i;

	room_for(t, event, change.len, from->link_count + to->link_count);
	for (i = 0; i < change.len; i++)
		if (add_value(t, event, change.attrs[i].attr,
			      had(from, change.attrs[i].attr),
			      had(to, change.attrs[i].attr), DISPLAY_MV,
			      err) < 0)
			return -1;
	return 0;
}

static bool is_linked(const struct history_state *state, int64_t cs)
{
	size_t i;

	for (i = 0; i < state->link_count; i++)
		if (state->links[i].cs == cs)
			return true;
	return false;
}

static void diff_links(struct telling *t, const struct history_state *from,
		       const struct history_state *to,
		       struct history_event *event)
{
	size_t i;

	for (i = 0; i < to->link_count; i++)
		if (!is_linked(from, to->links[i].cs))
			add_links(t, event, &to->links[i], 1, true);
	for (i = 0; i < from->link_count; i++)
		if (!is_linked(to, from->links[i].cs))
			add_links(t, event, &from->links[i], 1, false);
}

static int diff_one(struct telling *t, int64_t mv,
		    const struct history_point *before,
		    const struct history_point *after, struct error *err)
{
	static const struct history_state nothing;
	struct history_event event;
	struct history_state from;
	struct history_state to;

	if (history_state(t->store, mv, before, &t->arena, &from, err) < 0 ||
	    history_state(t->store, mv, after, &t->arena, &to, err) < 0)
		return -1;
	if (!from.exists && !to.exists)
		return 0;
	if (begin_event(t, &event,
			!from.exists ? "created"
			: to.exists  ? "changed"
				     : "deleted",
			0, 0, err) < 0 ||
	    name_object(t, to.exists ? &to : &from, &event, err) < 0)
		return -1;
	if (!from.exists)
		from = nothing;
	if (!to.exists)
		to = nothing;
	if (diff_values(t, &from, &to, &event, err) < 0)
		return -1;
	diff_links(t, &from, &to, &event);
	if (!event.value_count && !event.link_count && from.exists == to.exists)
		return 0;
	return emit(t, &event);
}

static int diff_exports(struct telling *t, const struct history_point *from,
			const struct history_point *to, struct error *err)
{
	struct past_row rows[CHUNK];
	struct past_row whole;
	int64_t after = from->id - 1;
	int count;
	int ret = 0;
	int i;

	do {
		count = store_past_scan(t->store, after, to->id, rows, CHUNK,
					err);
		for (i = 0; i < count && ret == 0; i++) {
			after = rows[i].id;
			if (rows[i].kind != PAST_EXPORT)
				continue;
			ret = store_past_of(t->store, rows[i].object,
					    rows[i].id + 1, &whole, 1,
					    &t->arena, err);
			if (ret > 0)
				ret = tell_export(t, &whole, err);
			arena_reset(&t->arena);
		}
	} while (count == CHUNK && ret == 0);
	return count < 0 ? -1 : ret;
}

int history_diff(struct display *display, const struct history_point *from,
		 const struct history_point *to, bool exports,
		 int (*fn)(void *data, const struct history_event *event),
		 void *data, struct error *err)
{
	const struct history_query all = { .attr = SV_NULL };
	struct telling t = { .display = display,
			     .store = display->store,
			     .query = &all,
			     .fn = fn,
			     .data = data };
	struct history_ids changed = VEC_INIT;
	size_t i;
	int ret = history_changed(t.store, from, to, true, &changed, err);

	for (i = 0; i < changed.len && ret == 0; i++) {
		ret = diff_one(&t, changed.at[i], from, to, err);
		arena_reset(&t.arena);
	}
	if (ret == 0 && exports)
		ret = diff_exports(&t, from, to, err);
	vec_release(&changed);
	arena_release(&t.arena);
	arena_release(&t.kept);
	return ret < 0 ? -1 : 0;
}
