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

#include <string.h>

/* Inbound counters that a later change in the step turns. */
static const char *const quiet[][2] = {
	{ "connector-no-flow", "connector-flow" },
	{ "disconnector-joined-no-flow", "disconnector-joined-flow" },
	{ "disconnector-projected-no-flow", "disconnector-projected-flow" },
};

#define QUIET_COUNT (sizeof(quiet) / sizeof(quiet[0]))
#define FLOWED      (1u << 7)

void outcome_inbound(struct sync *sync, const char *counter, int64_t id)
{
	size_t i;

	for (i = 0; i < QUIET_COUNT; i++) {
		if (!strcmp(counter, quiet[i][0])) {
			id_bytes_put(&sync->quiet, id, (uint8_t)(i + 1));
			return;
		}
	}
	counters_add(sync->counters, 0, counter, id);
}

void outcome_flowed_of(struct sync *sync, int64_t cs)
{
	uint8_t at = id_bytes_get(&sync->quiet, cs);

	if (at)
		id_bytes_put(&sync->quiet, cs, at | FLOWED);
}

void outcome_flowed(struct sync *sync, const struct work_mv *mv)
{
	size_t i;

	for (i = 0; i < mv->link_count; i++)
		outcome_flowed_of(sync, mv->links[i]->e.row.id);
}

static void count_outbound(void *data, int64_t cs, uint8_t outcome)
{
	struct sync *sync = data;
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

static void count_inbound(void *data, int64_t cs, uint8_t at)
{
	struct sync *sync = data;

	counters_add(sync->counters, 0,
		     quiet[(at & (FLOWED - 1)) - 1][(at & FLOWED) != 0], cs);
}

void outcome_count(struct sync *sync, bool ended)
{
	id_bytes_each(&sync->quiet, count_inbound, sync);
	if (ended)
		id_bytes_each(&sync->outcomes, count_outbound, sync);
}
