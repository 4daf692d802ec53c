/*
 * plan_compare.c - what was planned beside what would be written now
 *
 * Of each object of the plan the hash of its name and of what it comes to are
 * held; a line is read again when the two differ, to say in what.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/plan_document.h"

#include <errno.h>
#include <string.h>

#define set json_object_set_new

#define TOLD_MOST 1000 /* sentences; the others are counted */

struct planned {
	struct hash128 essence;
	long offset; /* of its line */
	bool seen;
};

struct plan_comparison {
	struct plan_document *then;
	struct store *store;
	VEC(struct planned) planned;
	struct idmap by_key; /* hash of its name -> 1 + index */
	struct idmap same;
	bool *same_lines;
	json_t *told;
	int64_t differences;
};

static uint64_t hash_key(const struct plan_comparison *comparison,
			 const char *key)
{
	uint64_t h = hash64(store_hash_key(comparison->store), sv_from(key));

	return h ? h : 1;
}

static struct hash128 hash_essence(const struct plan_comparison *comparison,
				   struct sv line, size_t len)
{
	return hash128(store_hash_key(comparison->store), sv_sub(line, 0, len));
}

static int take_planned(struct plan_comparison *comparison, struct sv line,
			long offset, struct error *err)
{
	struct planned planned = { .offset = offset };
	struct arena arena = ARENA_INIT;
	json_t *object = json_loadb(line.ptr, line.len, 0, NULL);

	if (!object)
		return error_set(err, ERR_CORRUPT,
				 "an object of the plan cannot be read");
	planned.essence =
		hash_essence(comparison, line, plan_record_essence(line));
	vec_push(&comparison->planned, planned);
	idmap_put(&comparison->by_key,
		  hash_key(comparison, plan_object_key(object, &arena)),
		  comparison->planned.len);
	arena_release(&arena);
	json_decref(object);
	return 0;
}

struct plan_comparison *plan_comparison_new(struct plan_document *then,
					    struct store *store,
					    struct error *err)
{
	struct plan_comparison *comparison = mem_zalloc(sizeof(*comparison));
	struct plan_reader reader;
	long offset = then->first;
	struct sv line;
	int ret = plan_reader_begin(&reader, then, err);

	comparison->then = then;
	comparison->store = store;
	comparison->told = json_array();
	while (ret == 0 && (ret = plan_reader_next(&reader, &line, err)) > 0) {
		ret = take_planned(comparison, line, offset, err);
		offset += (long)line.len + 1;
	}
	plan_reader_end(&reader);
	comparison->same_lines = mem_zalloc(comparison->planned.len + 1);
	if (ret == 0)
		return comparison;
	plan_comparison_free(comparison);
	return NULL;
}

void plan_comparison_free(struct plan_comparison *comparison)
{
	if (!comparison)
		return;
	vec_release(&comparison->planned);
	idmap_release(&comparison->by_key);
	idmap_release(&comparison->same);
	mem_free(comparison->same_lines);
	json_decref(comparison->told);
	mem_free(comparison);
}

/* ---- said ---- */

static void say(struct plan_comparison *comparison, const char *key,
		const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void say(struct plan_comparison *comparison, const char *key,
		const char *fmt, ...)
{
	char what[512];
	json_t *item;
	va_list args;

	if (comparison->differences++ >= TOLD_MOST)
		return;
	va_start(args, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	item = json_object();
	(void)set(item, "object", json_of_text(key));
	(void)set(item, "what", json_of_text(what));
	(void)json_array_append_new(comparison->told, item);
}

/* The first thing that tells why. */
static void say_difference(struct plan_comparison *comparison, const char *key,
			   const json_t *then, const json_t *now)
{
	json_t *was = json_object_get(then, "attributes");
	json_t *is = json_object_get(now, "attributes");
	const char *name;
	json_t *change;

	if (strcmp(plan_text(then, "operation"), plan_text(now, "operation")) !=
	    0) {
		say(comparison, key, "the plan has: %s, now it would be: %s",
		    plan_text(then, "operation"), plan_text(now, "operation"));
		return;
	}
	json_object_foreach(was, name, change)
	{
		json_t *other = json_object_get(is, name);

		if (other && json_equal(change, other))
			continue;
		say(comparison, key,
		    other ? "%s would be written otherwise now"
			  : "%s would not be written any more",
		    name);
		return;
	}
	json_object_foreach(is, name, change)
	{
		if (json_object_get(was, name))
			continue;
		say(comparison, key, "%s would be written too now", name);
		return;
	}
	say(comparison, key,
	    "it has changed in its system since the plan was made");
}

/* The object of the plan, the caller's; or NULL: err is set. */
static json_t *read_again(const struct plan_comparison *comparison,
			  const struct planned *planned, struct error *err)
{
	FILE *lines = comparison->then->lines;
	json_t *object = NULL;

	if (fseek(lines, planned->offset, SEEK_SET) == 0)
		object = json_loadf(lines, JSON_DISABLE_EOF_CHECK, NULL);
	if (!object)
		(void)error_set(err, ERR_UNAVAILABLE,
				"an object of the plan cannot be read again");
	return object;
}

static int take_difference(struct plan_comparison *comparison,
			   const struct planned *planned,
			   const struct plan_record *record, struct error *err)
{
	struct sv line = strbuf_sv(&record->line);
	json_t *now;
	json_t *then;

	if (comparison->differences >= TOLD_MOST) {
		comparison->differences++;
		return 0;
	}
	then = read_again(comparison, planned, err);
	if (!then)
		return -1;
	now = json_loadb(line.ptr, line.len, 0, NULL);
	say_difference(comparison, record->key, then, now);
	json_decref(now);
	json_decref(then);
	return 0;
}

int plan_comparison_take(struct plan_comparison *comparison,
			 const struct plan_record *record,
			 const struct plan_object *object, struct error *err)
{
	struct hash128 essence = hash_essence(
		comparison, strbuf_sv(&record->line), record->essence);
	struct planned *planned;
	uint64_t index;

	if (!idmap_get(&comparison->by_key, hash_key(comparison, record->key),
		       &index)) {
		say(comparison, record->key, "is not in the plan: %s",
		    object->object->pending.operation);
		return 0;
	}
	planned = &comparison->planned.at[index - 1];
	planned->seen = true;
	if (!hash128_eq(essence, planned->essence))
		return take_difference(comparison, planned, record, err);
	idmap_put(&comparison->same, (uint64_t)object->object->id, 1);
	comparison->same_lines[index - 1] = true;
	return 0;
}

static int say_gone(struct plan_comparison *comparison,
		    const struct planned *planned, struct error *err)
{
	struct arena arena = ARENA_INIT;
	json_t *then = read_again(comparison, planned, err);

	if (!then)
		return -1;
	say(comparison, plan_object_key(then, &arena),
	    "nothing would be written any more");
	arena_release(&arena);
	json_decref(then);
	return 0;
}

int plan_comparison_end(struct plan_comparison *comparison, struct error *err)
{
	const struct planned *planned;

	vec_foreach(&comparison->planned, planned) {
		if (planned->seen)
			continue;
		if (comparison->differences >= TOLD_MOST)
			comparison->differences++;
		else if (say_gone(comparison, planned, err) < 0)
			return -1;
	}
	return 0;
}

static bool was_left_out(const struct plan_comparison *comparison,
			 const json_t *conflict)
{
	const json_t *line = json_object_get(conflict, "line");
	json_t *known;
	size_t i;

	json_array_foreach(comparison->then->conflicts, i, known)
	{
		if (json_equal(json_object_get(known, "line"), line))
			return true;
	}
	return false;
}

void plan_comparison_conflicts(struct plan_comparison *comparison,
			       const json_t *conflicts)
{
	json_t *conflict;
	size_t i;

	json_array_foreach(conflicts, i, conflict)
	{
		if (comparison->differences &&
		    !was_left_out(comparison, conflict))
			say(comparison, plan_text(conflict, "object"), "%s",
			    plan_text(conflict, "why"));
	}
}

int64_t plan_differences(const struct plan_comparison *comparison)
{
	return comparison->differences;
}

json_t *plan_differences_told(const struct plan_comparison *comparison)
{
	return comparison->told;
}

const struct idmap *plan_same(const struct plan_comparison *comparison)
{
	return &comparison->same;
}

const bool *plan_same_lines(const struct plan_comparison *comparison)
{
	return comparison->same_lines;
}
