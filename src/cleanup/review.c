/*
 * review.c - what a person decided about values, against what is there now
 *
 * A decision is about a value as it was told. Objects are found by type and
 * anchor while all of them are gone through; then the checks see all objects
 * as they would be, since what repairs one value may collide with another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cleanup/cleanup_private.h"

#include "base/hash.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 60 /* bytes of a value in a sentence */

/* For keys of one review only. */
static const struct hash_key KEY;

struct review {
	const struct checks *checks;
	struct cleanup_edit **edits; /* those of one object side by side */
	size_t count;
	struct idmap first; /* of what they are sorted by -> 1 + index */
	bool accept;
	size_t refused;
	struct arena *arena;
};

__attribute__((format(printf, 3, 4))) static void
refuse(struct review *review, struct cleanup_edit *edit, const char *fmt, ...)
{
	char text[400];
	va_list args;

	if (edit->why)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	edit->why = arena_cstr(review->arena, sv_from(text));
	review->refused++;
}

static struct sv shown(struct sv text)
{
	if (text.len > SHOWN)
		text.len = SHOWN;
	text.len = text_valid_prefix(text);
	return text;
}

/* ---- those of an object ---- */

static int order_keys(const struct cleanup_edit *x,
		      const struct cleanup_edit *y)
{
	int order = sv_cmp(x->anchor, y->anchor);

	return order ? order : sv_cmp(x->type, y->type);
}

static int by_key(const void *a, const void *b)
{
	const struct cleanup_edit *const *x = a;
	const struct cleanup_edit *const *y = b;
	int order = order_keys(*x, *y);

	return order ? order
		     : ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

static int by_id(const void *a, const void *b)
{
	const struct cleanup_edit *const *x = a;
	const struct cleanup_edit *const *y = b;

	if ((*x)->id != (*y)->id)
		return (*x)->id < (*y)->id ? -1 : 1;
	return ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

static uint64_t key_of(struct sv type, struct sv anchor)
{
	uint64_t key = hash64(&KEY, anchor) ^
		       hash64(&KEY, type) * UINT64_C(0x9e3779b97f4a7c15);

	return key ? key : 1;
}

static void begin(struct review *review, const struct checks *checks,
		  struct cleanup_edit *edits, size_t count, struct arena *arena)
{
	size_t i;

	memset(review, 0, sizeof(*review));
	review->checks = checks;
	review->arena = arena;
	review->count = count;
	review->edits =
		arena_array(arena, count + 1, sizeof(struct cleanup_edit *));
	for (i = 0; i < count; i++)
		review->edits[i] = &edits[i];
}

/* ---- found ---- */

static const struct attr_def *def_of(const struct checks *checks,
				     const struct cleanup_edit *edit)
{
	const struct config_agent *agent = checks->agent;
	size_t t;
	size_t i;

	for (t = 0; t < agent->type_count; t++)
		for (i = 0; sv_ieq_str(edit->type, agent->types[t].name) &&
			    i < agent->types[t].attr_count;
		     i++)
			if (agent->type_attr_ids[t][i] == edit->number)
				return &agent->types[t].attrs[i];
	return NULL;
}

static void take_update(struct review *review, struct cleanup_edit *edit)
{
	const struct attr_def *def = def_of(review->checks, edit);

	if (edit->action == CLEANUP_REMOVE)
		return;
	if (!def)
		refuse(review, edit,
		       "objects of this type have no such attribute in the "
		       "configuration");
	else if (def->type == VALUE_BINARY || def->type == VALUE_REFERENCE)
		refuse(review, edit, "a %s cannot be written from a file",
		       def->type == VALUE_BINARY ? "binary value"
						 : "reference");
	else if (!value_parse(def->type, edit->update, def->format,
			      &edit->come))
		refuse(review, edit, "'" SV_FMT "' is no %s",
		       SV_ARG(shown(edit->update)), value_type_name(def->type));
}

static void check_sense(struct review *review, struct cleanup_edit *edit)
{
	if (edit->action == CLEANUP_REMOVE && !edit->value.len)
		refuse(review, edit, "there is no value to remove");
	else if (edit->action == CLEANUP_EDIT && !edit->update.len)
		refuse(review, edit,
		       "there is nothing to write; a value is taken away with "
		       "REMOVE");
	else if (edit->action == CLEANUP_EDIT &&
		 sv_eq(edit->update, edit->value))
		refuse(review, edit, "the update is the value that it has");
}

/* Its value is there as it was told: then edit->gone is it. */
static int find_value(struct review *review, struct cleanup_edit *edit,
		      const struct image *image, struct arena *arena,
		      struct error *err)
{
	const struct values *values = image_get(image, edit->number);
	struct sv first = SV_NULL;
	struct sv text;
	size_t i;

	for (i = 0; values && i < values->len; i++) {
		if (display_value(review->checks->display, &values->at[i],
				  DISPLAY_CS, arena, &text, err) < 0)
			return -1;
		if (sv_eq(text, edit->value)) {
			edit->gone = value_dup(&values->at[i], review->arena);
			return 0;
		}
		if (!i)
			first = text;
	}
	if (!edit->value.len && (!values || !values->len))
		return 0;
	refuse(review, edit, "it has changed since: it is %s" SV_FMT "%s%s",
	       first.len ? "'" : "", SV_ARG(shown(first)),
	       first.len ? "'" : "nothing",
	       values && values->len > 1 ? " and others" : "");
	return 0;
}

static int take_edit(struct review *review, struct cleanup_edit *edit,
		     const struct image *image, struct arena *arena,
		     struct error *err)
{
	const char *name;

	if (!checks_find_attr(review->checks, edit->attr, &edit->number,
			      &name)) {
		refuse(review, edit, "no object has such an attribute");
		return 0;
	}
	if (find_value(review, edit, image, arena, err) < 0)
		return -1;
	check_sense(review, edit);
	if (edit->action == CLEANUP_COMPLETE)
		edit->come = edit->gone;
	else if (!edit->why)
		take_update(review, edit);
	return 0;
}

/* A line before it decided about the same value. */
static void check_twice(struct review *review, size_t first, size_t at)
{
	struct cleanup_edit *edit = review->edits[at];
	size_t i;

	for (i = first; i < at; i++) {
		const struct cleanup_edit *other = review->edits[i];

		if (!other->why && other->number == edit->number &&
		    sv_eq(other->value, edit->value))
			refuse(review, edit, "line %zu is about the same value",
			       other->line);
	}
}

static int find_object(void *data, const struct entry *entry,
		       const struct image *image, struct arena *arena,
		       struct error *err)
{
	struct review *review = data;
	const char *type = store_name(review->checks->display->store, NAME_TYPE,
				      entry->row.type);
	const struct cleanup_edit is = { .type = sv_from(type ? type : ""),
					 .anchor = entry->row.anchor };
	uint64_t first;
	size_t i;

	if (!idmap_get(&review->first, key_of(is.type, is.anchor), &first))
		return 0;
	for (i = first - 1; i < review->count; i++) {
		struct cleanup_edit *edit = review->edits[i];

		if (order_keys(edit, &is) != 0)
			break;
		edit->id = entry->row.id;
		if (take_edit(review, edit, image, arena, err) < 0)
			return -1;
		check_twice(review, first - 1, i);
	}
	return 0;
}

int cleanup_find(const struct checks *checks, struct cleanup_edit *edits,
		 size_t count, struct arena *arena, struct error *err)
{
	struct review review;
	size_t i;
	int ret = 0;

	begin(&review, checks, edits, count, arena);
	if (count)
		qsort(review.edits, count, sizeof(struct cleanup_edit *),
		      by_key);
	for (i = count; i > 0; i--)
		idmap_put(&review.first,
			  key_of(review.edits[i - 1]->type,
				 review.edits[i - 1]->anchor),
			  i);
	if (checks->agent_number)
		ret = scan_each(checks, find_object, &review, err);
	for (i = 0; i < count && ret == 0; i++)
		if (!edits[i].id)
			refuse(&review, &edits[i],
			       "there is no object of this type with the "
			       "anchor '" SV_FMT "'",
			       SV_ARG(shown(edits[i].anchor)));
	idmap_release(&review.first);
	return ret;
}

/* ---- checked again ---- */

static bool change(void *data, int64_t id, struct image *image,
		   struct arena *arena)
{
	struct review *review = data;
	bool changed = false;
	uint64_t first;
	size_t i;
	size_t k;

	if (!idmap_get(&review->first, (uint64_t)id, &first))
		return false;
	*image = image_copy(image, arena);
	for (i = first - 1; i < review->count && review->edits[i]->id == id;
	     i++) {
		const struct cleanup_edit *edit = review->edits[i];
		const struct values *is = image_get(image, edit->number);
		size_t count = is ? is->len : 0;
		struct values all = { NULL, 0 };

		if (edit->why)
			continue;
		all.at = arena_array(arena, count + 1, sizeof(*all.at));
		for (k = 0; k < count; k++)
			if (!value_identical(&is->at[k], &edit->gone))
				all.at[all.len++] = is->at[k];
		if (edit->come.type != VALUE_NULL)
			all.at[all.len++] = edit->come;
		values_canonical(&all);
		image_set(image, edit->number, all, arena);
		changed = true;
	}
	return changed;
}

/* What is wrong comes from this edit: its value, or that there is none. */
static bool is_of(const struct cleanup_row *row,
		  const struct cleanup_edit *edit, struct arena *arena)
{
	if (!sv_ieq_str(edit->attr, row->attr))
		return false;
	if (edit->come.type == VALUE_NULL)
		return !row->value.len;
	return sv_eq(value_text(&edit->come, arena), row->value);
}

static int on_row(void *data, const struct cleanup_row *row, struct error *err)
{
	struct review *review = data;
	struct arena arena = ARENA_INIT;
	uint64_t first;
	size_t i;

	(void)err;
	if (!idmap_get(&review->first, (uint64_t)row->id, &first))
		return 0;
	for (i = first - 1;
	     i < review->count && review->edits[i]->id == row->id; i++) {
		struct cleanup_edit *edit = review->edits[i];

		if (edit->why || edit->action == CLEANUP_COMPLETE ||
		    !is_of(row, edit, &arena))
			continue;
		edit->errors = row->errors;
		if (!review->accept)
			refuse(review, edit, "%s" SV_FMT "%s: %s",
			       row->value.len ? "'" : "",
			       SV_ARG(shown(row->value)),
			       row->value.len ? "' would be wrong"
					      : "without it there is none",
			       cleanup_error_names(row->errors, &arena));
	}
	arena_release(&arena);
	return 0;
}

int cleanup_recheck(const struct checks *checks, struct cleanup_edit *edits,
		    size_t count, bool accept, struct arena *arena,
		    struct error *err)
{
	struct scan_change would = { change, NULL };
	struct cleanup_totals ignored;
	struct review review;
	int ret = 0;
	size_t i;

	begin(&review, checks, edits, count, arena);
	review.accept = accept;
	would.data = &review;
	if (count)
		qsort(review.edits, count, sizeof(struct cleanup_edit *),
		      by_id);
	for (i = count; i > 0; i--)
		if (review.edits[i - 1]->id)
			idmap_put(&review.first,
				  (uint64_t)review.edits[i - 1]->id, i);
	/* what is left out goes back to what it was, and others with it */
	do {
		review.refused = 0;
		ret = scan_changed(checks, &would, on_row, &review, &ignored,
				   err);
	} while (ret == 0 && review.refused);
	idmap_release(&review.first);
	return ret;
}
