/*
 * unlinked.c - disconnectors with what their join rules search for
 *
 * For whoever looks for partners of them beyond the rules (the joiner). Reads
 * only; the rules are evaluated by the code that a run uses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/unlinked.h"

#include "base/clock.h"
#include "sync/sync_private.h"

#define CHUNK 512

struct reading {
	struct sync *sync;
	bool asked; /* for this very object: whatever its state */
	int (*fn)(void *data, const struct sync_unlinked *row);
	void *data;
};

static bool is_wanted(const struct reading *reading, const struct entry *e)
{
	if (e->link.mv || !e->row.has_image || !e->row.type ||
	    e->import == IMPORT_DELETE || entry_going(e))
		return false;
	return reading->asked || e->link.state == LINK_NORMAL;
}

/* fn's answer, or 0 */
static int read_one(struct reading *reading, const struct entry *entry,
		    struct error *err)
{
	struct sync *sync = reading->sync;
	struct sync_unlinked row = { .cs = entry->row.id };
	struct error ignored = ERROR_INIT;
	struct cs_view view;
	struct work_cs *cs;
	int ret;

	if (!is_wanted(reading, entry) || !work_cs_entry(sync, entry, &cs))
		return 0;
	ret = filter_select(sync, cs, &row.rule_set, err);
	if (ret > 0 && !reading->asked)
		ret = filter_matches(sync, cs, row.rule_set, err) > 0 ? 0 : 1;
	if (ret < 0 && sync_error_fatal(err))
		return -1;
	if (ret <= 0 && !reading->asked)
		return 0;
	view_cs(sync, cs, &view);
	row.expected = &view.expected;
	row.state = entry->link.state;
	if (row.rule_set)
		join_values(sync, cs, row.rule_set, &row, &ignored);
	ret = reading->fn(reading->data, &row);
	arena_reset(&sync->scratch);
	return ret;
}

static int read_all(struct reading *reading, struct error *err)
{
	struct sync *sync = reading->sync;
	struct entry *entries = mem_alloc(CHUNK * sizeof(*entries));
	int64_t after = 0;
	int count = 0;
	int ret = 0;
	int i;

	while (ret == 0 &&
	       (count = entry_scan(sync->store, sync->number, after, entries,
				   CHUNK, &sync->batch, err)) > 0) {
		after = entries[count - 1].row.id;
		for (i = 0; i < count && ret == 0; i++)
			ret = read_one(reading, &entries[i], err);
		work_forget(sync);
	}
	mem_free(entries);
	return count < 0 || ret < 0 ? -1 : 0;
}

static int read_only(struct reading *reading, int64_t only, struct error *err)
{
	struct sync *sync = reading->sync;
	struct entry entry;
	int ret = entry_load(sync->store, only, &sync->batch, &entry, err);

	if (ret > 0)
		ret = read_one(reading, &entry, err);
	return ret < 0 ? -1 : 0;
}

int sync_unlinked(struct store *store, const struct config *config,
		  const struct config_agent *agent, int64_t only,
		  int (*fn)(void *data, const struct sync_unlinked *row),
		  void *data, struct error *err)
{
	struct sync_result result = { .result = "success" };
	struct sync sync = {
		.store = store,
		.config = config,
		.agent = agent,
		.result = &result,
		.now = clock_now(),
		.alone = true,
	};
	struct reading reading = { &sync, only != 0, fn, data };
	int ret;

	sync.rules.config = config;
	sync.rules.now = sync.now;
	ret = plan_init(&sync, err);
	if (ret == 0) {
		work_init(&sync);
		sync.number = store_name_find(store, NAME_AGENT,
					      sv_from(agent->name));
		if (sync.number)
			ret = only ? read_only(&reading, only, err)
				   : read_all(&reading, err);
	}
	work_release(&sync);
	plan_release(&sync);
	return ret;
}
