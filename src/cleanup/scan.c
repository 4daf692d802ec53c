/*
 * scan.c - all objects of an agent through the checks
 *
 * Twice: the first time values that must be unique leave a key each, so that
 * the second time every holder of a value that is there twice is told. Memory
 * is 16 bytes for such a value, whatever the objects are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cleanup/cleanup_private.h"

#include <string.h>

#define ROWS 1000

struct holder {
	uint64_t key;
	int64_t id;
};

struct scan {
	const struct checks *checks;
	const struct scan_change *change; /* or NULL */
	int (*fn)(void *data, const struct cleanup_row *row, struct error *err);
	void *data;
	struct cleanup_totals *totals;
	bool second;
	VEC(struct holder) holders; /* after the first: keys held twice */
	int64_t id;                 /* of the object at hand */
	struct arena *object;       /* its memory */
};

/* ---- values that several have ---- */

static int order_holders(const void *a, const void *b)
{
	const struct holder *x = a;
	const struct holder *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

/* What is left: one of each key that several objects have. */
static void keep_shared(struct scan *scan)
{
	struct holder *at = scan->holders.at;
	size_t len = 0;
	size_t i;
	size_t end;

	vec_sort(&scan->holders, order_holders);
	for (i = 0; i < scan->holders.len; i = end) {
		for (end = i + 1; end < scan->holders.len; end++)
			if (at[end].key != at[i].key)
				break;
		if (at[end - 1].id != at[i].id)
			at[len++] = at[i];
	}
	scan->holders.len = len;
}

static bool shared(void *data, const struct rule *rule, uint64_t key,
		   size_t *set_out)
{
	struct scan *scan = data;
	struct holder holder = { key, scan->id };
	size_t low = 0;
	size_t high = scan->holders.len;

	(void)rule;
	if (!scan->second) {
		vec_push(&scan->holders, holder);
		return false;
	}
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (scan->holders.at[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	*set_out = low + 1;
	return low < scan->holders.len && scan->holders.at[low].key == key;
}

/* ---- one object ---- */

static int tell(struct scan *scan, const struct where_object *object,
		const struct check *check, struct sv value,
		const struct finding *finding, struct error *err)
{
	struct cleanup_row row = {
		.id = scan->id,
		.type = object->type,
		.attr = check->attr,
		.errors = finding->errors,
		.value = value,
		.update = finding->update,
		.action = finding->action,
		.set = finding->set,
	};
	const struct values *name =
		image_get(object->image, scan->checks->name);

	if (!scan->second || !finding->errors)
		return 0;
	if (display_cs_name(scan->checks->display, scan->id, scan->object,
			    &row.dn, &row.anchor, err) < 0)
		return -1;
	if (name && display_value(scan->checks->display, &name->at[0],
				  DISPLAY_CS, scan->object, &row.name, err) < 0)
		return -1;
	scan->totals->rows++;
	scan->totals->duplicates += (row.errors & CLEANUP_DUPLICATE) != 0;
	return scan->fn(scan->data, &row, err);
}

static int check_attr(struct scan *scan, struct passage *passage,
		      const struct check *check, struct error *err)
{
	const struct values *values =
		image_get(passage->object->image, check->number);
	struct display *display = scan->checks->display;
	size_t i = 0;

	do {
		struct finding finding;
		struct sv value = SV_NULL;

		if (values && display_value(display, &values->at[i], DISPLAY_CS,
					    scan->object, &value, err) < 0)
			return -1;
		check_value(passage, check, value, &finding);
		if (tell(scan, passage->object, check, value, &finding, err) <
		    0)
			return -1;
	} while (values && ++i < values->len);
	return 0;
}

static bool is_skipped(struct scan *scan, const struct where_object *object)
{
	size_t i;

	for (i = 0; i < scan->checks->skip_count; i++)
		if (where_test(scan->checks->skip[i], object, scan->object))
			return true;
	return false;
}

/* As it is, or would be: false: in the second pass nobody asks for it. */
static bool take_values(struct scan *scan, struct image *image)
{
	const struct scan_change *change = scan->change;

	return !change ||
	       change->change(change->data, scan->id, image, scan->object) ||
	       !scan->second;
}

static int look_at(struct scan *scan, const struct entry *entry,
		   const struct image *image, struct error *err)
{
	const struct checks *checks = scan->checks;
	struct display *display = checks->display;
	struct image values = *image;
	struct where_object object = {
		.image = &values,
		.agent = checks->agent->name,
		.type = store_name(display->store, NAME_TYPE, entry->row.type),
		.anchor = entry->row.anchor,
	};
	struct passage passage = { .checks = checks,
				   .object = &object,
				   .arena = scan->object,
				   .shared = shared,
				   .data = scan };
	struct sv anchor;
	size_t i;

	if (!take_values(scan, &values))
		return 0;
	if (!object.type)
		object.type = "";
	if (checks->needs_names &&
	    display_cs_name(display, scan->id, scan->object, &object.dn,
			    &anchor, err) < 0)
		return -1;
	scan->totals->found += scan->second;
	if (is_skipped(scan, &object)) {
		scan->totals->skipped += scan->second;
		return 0;
	}
	scan->totals->checked += scan->second;
	for (i = 0; i < checks->count; i++)
		if (check_attr(scan, &passage, &checks->checks[i], err) < 0)
			return -1;
	return 0;
}

static int check_object(void *data, const struct entry *entry,
			const struct image *image, struct arena *arena,
			struct error *err)
{
	struct scan *scan = data;
	int ret;

	scan->id = entry->row.id;
	scan->object = arena;
	ret = look_at(scan, entry, image, err);
	scan->object = NULL;
	return ret;
}

/* ---- all of them ---- */

static struct image written(const struct entry *entry, struct arena *arena)
{
	return entry->awaiting.op == PENDING_NONE && !entry->awaiting.attrs.len
		       ? entry->image
		       : entry_written(entry, arena);
}

int scan_each(const struct checks *checks,
	      int (*fn)(void *data, const struct entry *entry,
			const struct image *image, struct arena *arena,
			struct error *err),
	      void *data, struct error *err)
{
	struct store *store = checks->display->store;
	struct entry *entries = mem_alloc(ROWS * sizeof(*entries));
	struct arena batch = ARENA_INIT;
	struct arena object = ARENA_INIT;
	int64_t after = 0;
	int count = 1;
	int i;
	int ret = 0;

	while (ret == 0 && count > 0) {
		count = entry_scan(store, checks->agent_number, after, entries,
				   ROWS, &batch, err);
		for (i = 0; i < count && ret == 0; i++) {
			const struct entry *entry = &entries[i];
			struct image image;

			after = entry->row.id;
			if (!entry->row.has_image || !entry->row.type ||
			    entry->import == IMPORT_DELETE)
				continue;
			image = written(entry, &object);
			ret = fn(data, entry, &image, &object, err);
			arena_reset(&object);
		}
		arena_reset(&batch);
	}
	mem_free(entries);
	arena_release(&batch);
	arena_release(&object);
	return count < 0 ? -1 : ret;
}

int scan_changed(const struct checks *checks, const struct scan_change *change,
		 int (*fn)(void *data, const struct cleanup_row *row,
			   struct error *err),
		 void *data, struct cleanup_totals *totals, struct error *err)
{
	struct scan scan = { .checks = checks,
			     .change = change,
			     .fn = fn,
			     .data = data,
			     .totals = totals };
	int ret;

	memset(totals, 0, sizeof(*totals));
	if (!checks->agent_number)
		return 0;
	ret = scan_each(checks, check_object, &scan, err);
	if (ret == 0) {
		keep_shared(&scan);
		scan.second = true;
		ret = scan_each(checks, check_object, &scan, err);
	}
	vec_release(&scan.holders);
	return ret;
}

int cleanup_scan(const struct checks *checks,
		 int (*fn)(void *data, const struct cleanup_row *row,
			   struct error *err),
		 void *data, struct cleanup_totals *totals, struct error *err)
{
	return scan_changed(checks, NULL, fn, data, totals, err);
}

/* ---- words ---- */

const char *cleanup_error_names(unsigned errors, struct arena *arena)
{
	static const char *const names[] = {
		"Format",         "Blank",      "Duplicate", "Character",
		"TopLevelDomain", "DomainPart", "LocalPart", "Length",
	};
	const char *out = "";
	unsigned i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (errors & 1U << i)
			out = *out ? arena_printf(arena, "%s, %s", out,
						  names[i])
				   : names[i];
	return out;
}

static const char *const actions[] = { "", "EDIT", "REMOVE", "COMPLETE" };

const char *cleanup_action_name(enum cleanup_action action)
{
	return actions[action];
}

int cleanup_action_parse(struct sv text, enum cleanup_action *out)
{
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (sv_ieq_str(text, actions[i])) {
			*out = (enum cleanup_action)i;
			return 1;
		}
	return 0;
}
