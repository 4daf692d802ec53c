/*
 * outcome.c - what is counted of each object of a step
 *
 * Called by sync.c with each object's inbound counter, and at the step's end.
 * Numbers do not depend on the order of objects: of a target the strongest
 * outcome is kept over the step, and a "no-flow" becomes a "flow" when the
 * object's references were settled only later in the step.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include "base/ids.h"

#include <string.h>

/* Inbound counters that a later change in the step turns. */
static const char *const quiet[][2] = {
	{ "connector-no-flow", "connector-flow" },
	{ "disconnector-joined-no-flow", "disconnector-joined-flow" },
	{ "disconnector-projected-no-flow", "disconnector-projected-flow" },
};

#define QUIET_COUNT (sizeof(quiet) / sizeof(quiet[0]))
#define FLOWED      (1u << 8)

void outcome_inbound(struct sync *sync, const char *counter, int64_t id)
{
	size_t i;

	for (i = 0; i < QUIET_COUNT; i++) {
		if (!strcmp(counter, quiet[i][0])) {
			idmap_put(&sync->quiet, (uint64_t)id, i + 1);
			return;
		}
	}
	counters_add(sync->counters, 0, counter, id);
}

void outcome_flowed_of(struct sync *sync, int64_t cs)
{
	uint64_t at;

	if (idmap_get(&sync->quiet, (uint64_t)cs, &at))
		idmap_put(&sync->quiet, (uint64_t)cs, at | FLOWED);
}

void outcome_flowed(struct sync *sync, const struct work_mv *mv)
{
	size_t i;

	for (i = 0; i < mv->link_count; i++)
		outcome_flowed_of(sync, mv->links[i]->e.row.id);
}

static void count_outbound(struct sync *sync, int64_t cs, unsigned outcome)
{
	static const char *const names[][2] = {
		[OUT_NO_FLOW] = { "connector-no-flow", "connector-no-flow" },
		[OUT_FLOW] = { "connector-flow", "connector-flow" },
		[OUT_RENAME] = { "provisioned-rename-no-flow",
				 "provisioned-rename-flow" },
		[OUT_DISCONNECT] = { "provisioned-disconnect",
				     "provisioned-disconnect" },
		[OUT_DELETE_ADD] = { "provisioned-delete-add-no-flow",
				     "provisioned-delete-add-flow" },
		[OUT_ADD] = { "provisioned-add-no-flow",
			      "provisioned-add-flow" },
	};
	unsigned kind = outcome & (OUT_WITH_FLOW - 1);

	if (kind != OUT_NONE)
		counters_add(sync->counters, CS_AGENT(cs),
			     names[kind][(outcome & OUT_WITH_FLOW) != 0], cs);
}

static void count_inbound(struct sync *sync, int64_t cs, unsigned at)
{
	counters_add(sync->counters, 0,
		     quiet[(at & (FLOWED - 1)) - 1][(at & FLOWED) != 0], cs);
}

static void count_all(struct sync *sync, const struct idmap *map,
		      void (*count)(struct sync *, int64_t, unsigned))
{
	VEC(int64_t) ids = VEC_INIT;
	const int64_t *id;
	uint64_t value;
	size_t i;

	for (i = 0; i < map->size; i++)
		if (map->keys[i])
			vec_push(&ids, (int64_t)map->keys[i]);
	ids_sort(ids.at, ids.len);
	vec_foreach(&ids, id)
		if (idmap_get(map, (uint64_t)*id, &value))
			count(sync, *id, (unsigned)value);
	vec_release(&ids);
}

void outcome_count(struct sync *sync, bool ended)
{
	count_all(sync, &sync->quiet, count_inbound);
	if (ended)
		count_all(sync, &sync->outcomes, count_outbound);
}
