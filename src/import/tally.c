/*
 * tally.c - what an import counts, now or when all has been read
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "store/mv.h"

#include <stdio.h>
#include <string.h>

/* A source may hold far more than what is asked for. */
#define FILTERED_KEPT 1000

/* Of an object that a delta reports several times the strongest counts. */
static const char *const COUNTERS[] = {
	"stage-no-change",  "stage-update", "stage-rename",
	"stage-delete-add", "stage-add",    "stage-delete",
};
#define COUNTER_COUNT (sizeof(COUNTERS) / sizeof(*COUNTERS))

void stage_count_one(struct import *import, const char *name, int64_t id)
{
	uint64_t before = 0;
	uint64_t now = 1;

	if (import->full) {
		counters_add(import->counters, 0, name, id);
		return;
	}
	while (now < COUNTER_COUNT && strcmp(COUNTERS[now - 1], name) != 0)
		now++;
	(void)idmap_get(&import->counted, (uint64_t)id, &before);
	if (now > before)
		idmap_put(&import->counted, (uint64_t)id, now);
}

/* A full import counts what it reads, when it does. */
void stage_count_below(struct import *import, int64_t id)
{
	if (!import->full)
		stage_count_one(import, "stage-rename", id);
	else if (!id_set_has(&import->seen, id))
		id_set_add(&import->below, id);
}

void import_toggle_set(struct import *import, int64_t source, uint32_t attr,
		       int64_t target)
{
	int64_t value[3] = { source, attr, target };
	uint64_t h = hash64(store_hash_key(import->store),
			    sv_make((const char *)value, sizeof(value)));
	uint64_t differs = 0;
	uint64_t count = 1;

	(void)idmap_get(&import->set_values, h, &differs);
	(void)idmap_get(&import->set_owners, (uint64_t)source, &count);
	idmap_put(&import->set_values, h, !differs);
	idmap_put(&import->set_owners, (uint64_t)source,
		  differs ? count - 1 : count + 1);
}

/* Where names may pass on, what changed is known at the end. */
void stage_count_sets(struct import *import, int64_t id, bool changed)
{
	if (!changed || !import->has_dn)
		stage_count_one(import,
				changed ? "stage-update" : "stage-no-change",
				id);
}

static void count_set_owners(struct import *import, bool all)
{
	const struct idmap *owners = &import->set_owners;
	size_t i;

	for (i = 0; i < owners->size; i++)
		if (owners->slots[i].key)
			stage_count_one(import,
					all || owners->slots[i].value > 1
						? "stage-update"
						: "stage-no-change",
					(int64_t)owners->slots[i].key);
	idmap_clear(&import->set_owners);
}

void stage_count(struct import *import)
{
	const struct doubtful *doubtful;
	size_t i;

	count_set_owners(import, true);

	/* the import broke off: what was said of them stands */
	vec_foreach(&import->doubtful, doubtful)
		stage_count_one(import, "stage-update", doubtful->id);
	for (i = 0; i < import->counted.size; i++)
		if (import->counted.slots[i].key)
			counters_add(
				import->counters, 0,
				COUNTERS[import->counted.slots[i].value - 1],
				(int64_t)import->counted.slots[i].key);
}

int stage_deliver(struct import *import, struct error *err)
{
	size_t i;

	for (i = 0; i < import->counted.size; i++)
		if (import->counted.slots[i].key &&
		    import->counted.slots[i].value == 1 &&
		    store_queue_put(import->tx,
				    (int64_t)import->counted.slots[i].key,
				    err) < 0)
			return -1;
	return 0;
}

/* Only references differ. */
bool stage_only_references(const struct image *a, const struct image *b)
{
	const struct image *both[2] = { a, b };
	size_t s;
	size_t i;

	for (s = 0; s < 2; s++) {
		for (i = 0; i < both[s]->len; i++) {
			const struct image_attr *attr = &both[s]->attrs[i];
			const struct values *other =
				image_get(both[1 - s], attr->attr);

			if (attr->values.at[0].type != VALUE_REFERENCE &&
			    (!other || !values_identical(&attr->values, other)))
				return false;
		}
	}
	return true;
}

/* The same of images that are identical. */
static struct hash128 hash_of_image(struct import *import,
				    const struct image *image)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct image sorted = image_dup(image, &import->arena);
	struct hash128 h;
	size_t i;

	for (i = 0; i < sorted.len; i++)
		values_canonical(&sorted.attrs[i].values);
	image_encode(&sorted, store_attr_map(import->store), &bytes);
	h = hash128(store_hash_key(import->store), strbuf_sv(&bytes));
	strbuf_release(&bytes);
	return h;
}

void stage_count_later(struct import *import, const struct entry *before)
{
	struct doubtful doubtful = { .id = before->row.id };

	/* a delta may tell of it again: what it was at first counts */
	if (id_set_has(&import->doubted, before->row.id))
		return;
	id_set_add(&import->doubted, before->row.id);
	doubtful.before = hash_of_image(import, &before->image);
	vec_push(&import->doubtful, doubtful);
}

int stage_count_doubtful(struct import *import, struct error *err)
{
	const struct doubtful *doubtful;

	count_set_owners(import, false);
	vec_foreach(&import->doubtful, doubtful) {
		struct entry entry;
		int ret = entry_load_staged(import->store, doubtful->id,
					    &import->arena, &entry, err);

		if (ret < 0)
			return -1;
		stage_count_one(
			import,
			ret > 0 && hash128_eq(
					   hash_of_image(import, &entry.image),
					   doubtful->before)
				? "stage-no-change"
				: "stage-update",
			doubtful->id);
		arena_reset(&import->arena);
	}
	vec_clear(&import->doubtful);
	return 0;
}
static int keep_name(struct import *import, const char *counter,
		     struct sv message, const struct change *change,
		     struct error *err)
{
	struct discovery_error row = {
		.step = import->options->step,
		.code = sv_from(counter),
		.message = message,
		.where = change->where,
		.anchor = change->anchor.len ? change->anchor : change->dn,
	};

	return store_discovery_put(import->tx, &row, err);
}

int stage_count_filtered(struct import *import, const struct change *change,
			 struct error *err)
{
	counters_add(import->counters, 0, STORE_FILTERED_DELETIONS, 0);
	return keep_name(import, STORE_FILTERED_DELETIONS,
			 SV_LIT("this object was not there to be deleted"),
			 change, err);
}

int stage_filtered(struct import *import, const struct change *change,
		   struct error *err)
{
	struct sv message = SV_LIT("its type is in no rule set");

	counters_add(import->counters, 0, STORE_FILTERED_OBJECTS, 0);
	if (import->filtered++ >= FILTERED_KEPT)
		return 0;
	return keep_name(import, STORE_FILTERED_OBJECTS,
			 change->message.len ? change->message : message,
			 change, err);
}

int stage_filtered_end(struct import *import, struct error *err)
{
	struct change none = { 0 };

	if (import->filtered <= FILTERED_KEPT)
		return 0;
	return keep_name(
		import, STORE_FILTERED_OBJECTS,
		sv_from(arena_printf(
			&import->run_arena, "%lld more are not listed",
			(long long)(import->filtered - FILTERED_KEPT))),
		&none, err);
}
