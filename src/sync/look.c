/*
 * look.c - evaluates without keeping anything
 *
 * For previews and reviews: the frame in which they call the code that a run
 * uses. Nothing is written, so what they change ends with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "sync/held.h"

#define CHUNK 512

int look(const struct looking *looking,
	 int (*fn)(void *data, struct sync *sync, struct error *err),
	 void *data, struct error *err)
{
	struct sync_result result = { .result = "success" };
	struct counters counters = { VEC_INIT };
	struct sync sync = {
		.store = looking->store,
		.config = looking->config,
		.agent = looking->agent,
		.result = &result,
		.counters = &counters,
		.trace = looking->trace,
		.now = looking->now ? looking->now : clock_now(),
		.joins_stored = true,
		.last_try = true,
	};
	int ret;

	sync.rules.config = looking->config;
	sync.rules.now = sync.now;
	sync.stamp = sync.now;
	ret = plan_init(&sync, err);
	if (ret == 0)
		ret = held_load(&sync, err);
	if (ret == 0) {
		work_init(&sync);
		sync.dues_stored = store_due_any(sync.store);
		if (looking->agent)
			sync.number =
				store_name_find(sync.store, NAME_AGENT,
						sv_from(looking->agent->name));
		ret = fn(data, &sync, err);
	}
	sync_release(&sync);
	counters_release(&counters);
	return ret;
}

int look_at_all(struct sync *sync,
		int (*fn)(void *data, const struct entry *entry,
			  struct error *err),
		void *data, struct error *err)
{
	struct entry *entries;
	int64_t after = 0;
	int count = 0;
	int ret = 0;
	int i;

	if (!sync->number)
		return 0;
	entries = mem_alloc(CHUNK * sizeof(*entries));
	while (ret == 0 &&
	       (count = entry_scan(sync->store, sync->number, after, entries,
				   CHUNK, &sync->batch, err)) > 0) {
		after = entries[count - 1].row.id;
		for (i = 0; i < count && ret == 0; i++)
			ret = fn(data, &entries[i], err);
		work_forget(sync);
	}
	mem_free(entries);
	return count < 0 || ret < 0 ? -1 : 0;
}
