/*
 * unlinked.c - disconnectors with what their join rules search for
 *
 * For whoever looks for partners of them beyond the rules (the joiner). Reads
 * only; the rules are evaluated by the code that a run uses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/unlinked.h"

#include "sync/sync_private.h"

struct reading {
	struct sync *sync;
	int64_t only; /* asked for this very object: whatever its state; 0 */
	int (*fn)(void *data, const struct sync_unlinked *row);
	void *data;
};

static bool is_wanted(const struct reading *reading, const struct entry *e)
{
	if (e->link.mv || !e->row.has_image || !e->row.type ||
	    e->import == IMPORT_DELETE || entry_going(e))
		return false;
	return reading->only || e->link.state == LINK_NORMAL;
}

/* fn's answer, or 0 */
static int read_one(void *data, const struct entry *entry, struct error *err)
{
	struct reading *reading = data;
	struct sync *sync = reading->sync;
	struct sync_unlinked row = { .cs = entry->row.id };
	struct error ignored = ERROR_INIT;
	struct cs_view view;
	struct work_cs *cs;
	int ret;

	if (!is_wanted(reading, entry) || !work_cs_entry(sync, entry, &cs))
		return 0;
	ret = filter_select(sync, cs, &row.rule_set, err);
	if (ret > 0 && !reading->only)
		ret = filter_matches(sync, cs, row.rule_set, err) > 0 ? 0 : 1;
	if (ret < 0 && sync_error_fatal(err))
		return -1;
	if (ret <= 0 && !reading->only)
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

static int read_only(struct reading *reading, struct error *err)
{
	struct sync *sync = reading->sync;
	struct entry entry;
	int ret = entry_load(sync->store, reading->only, &sync->batch, &entry,
			     err);

	if (ret > 0)
		ret = read_one(reading, &entry, err);
	return ret < 0 ? -1 : 0;
}

static int read_them(void *data, struct sync *sync, struct error *err)
{
	struct reading *reading = data;

	reading->sync = sync;
	sync->alone = true;
	return reading->only ? read_only(reading, err)
			     : look_at_all(sync, read_one, reading, err);
}

int sync_unlinked(struct store *store, const struct config *config,
		  const struct config_agent *agent, int64_t only,
		  int (*fn)(void *data, const struct sync_unlinked *row),
		  void *data, struct error *err)
{
	const struct looking looking = { store, config, agent, NULL, 0 };
	struct reading reading = { .only = only, .fn = fn, .data = data };

	return look(&looking, read_them, &reading, err);
}
