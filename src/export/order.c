/*
 * order.c - in which order pending exports are written
 *
 * Containers before what lies in them; a name is freed before it is taken;
 * then other adds and updates by depth; then other deletions, deepest first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "export/export_private.h"

#include <stdlib.h>

enum phase {
	PHASE_CONTAINER,
	PHASE_FREE, /* deletions whose name another change takes */
	PHASE_RENAME,
	PHASE_ADD,
	PHASE_UPDATE,
	PHASE_DELETE,
};

static int depth_of(struct export_step *step, struct idmap *depths, int64_t id,
		    int guard, struct error *err)
{
	struct cs_row head;
	uint64_t known;
	int above = 0;
	int ret;

	if (!id || guard > 256)
		return 0;
	if (idmap_get(depths, (uint64_t)id, &known))
		return (int)known;
	ret = store_cs_head(step->store, id, &step->arena, &head, err);
	if (ret < 0)
		return -1;
	if (ret > 0) {
		above = depth_of(step, depths, head.parent, guard + 1, err);
		if (above < 0)
			return -1;
	}
	idmap_put(depths, (uint64_t)id, (uint64_t)above + 1);
	return above + 1;
}

static int plan_one(struct export_step *step, struct idmap *depths, int64_t id,
		    struct error *err)
{
	struct planned planned = { .cs = id };
	struct pending_export pending;
	struct pending_export awaiting;
	struct cs_row head;
	int64_t parent;
	struct sv rdn;
	int ret = store_pending_export_get(step->store, id, &step->arena,
					   &pending, err);

	if (ret > 0)
		ret = store_cs_head(step->store, id, &step->arena, &head, err);
	if (ret <= 0)
		return ret;
	if (store_awaiting_get(step->store, id, &step->arena, &awaiting, err) <
	    0)
		return -1;
	parent = awaiting.rdn.len ? awaiting.parent : head.parent;
	rdn = awaiting.rdn.len ? awaiting.rdn : head.rdn;
	planned.op = pending.op;
	if (rdn.len)
		planned.frees =
			key_of_name(step->store, step->number, parent, rdn);
	if (pending.rdn.len) {
		parent = pending.parent;
		planned.takes = key_of_name(step->store, step->number, parent,
					    pending.rdn);
	} else if (pending.op == PENDING_ADD) {
		planned.takes = planned.frees;
		planned.frees = 0;
	}
	planned.depth = depth_of(step, depths, parent, 0, err);
	if (planned.depth < 0)
		return -1;
	switch (pending.op) {
	case PENDING_NONE:
		return 0;
	case PENDING_ADD:
		planned.phase = head.flags & CS_CONTAINER ? PHASE_CONTAINER
							  : PHASE_ADD;
		break;
	case PENDING_UPDATE:
		planned.phase = pending.rdn.len ? PHASE_RENAME : PHASE_UPDATE;
		break;
	case PENDING_DELETE_ADD:
		planned.phase = PHASE_ADD;
		break;
	case PENDING_DELETE:
		planned.phase = PHASE_DELETE;
		planned.depth = -planned.depth;
		break;
	}
	vec_push(&step->plan, planned);
	return 0;
}

static int order_planned(const void *a, const void *b)
{
	const struct planned *x = a;
	const struct planned *y = b;

	if (x->phase != y->phase)
		return x->phase - y->phase;
	if (x->depth != y->depth)
		return x->depth - y->depth;
	return (x->cs > y->cs) - (x->cs < y->cs);
}

/* Deletions go first whose name is taken. */
static void free_names(struct export_step *step)
{
	struct idmap taken = IDMAP_INIT;
	struct planned *planned;

	vec_foreach(&step->plan, planned)
		if (planned->takes)
			idmap_put(&taken, planned->takes, 1);
	vec_foreach(&step->plan, planned)
		if (planned->op == PENDING_DELETE && planned->frees &&
		    idmap_get(&taken, planned->frees, NULL))
			planned->phase = PHASE_FREE;
	idmap_release(&taken);
}

/* Within renames: who gives up a name comes before who takes it. */
static void place_rename(struct planned *renames, size_t i,
			 const struct idmap *holders, unsigned char *state,
			 struct planned *out, size_t *len)
{
	uint64_t holder;

	state[i] = 1;
	if (idmap_get(holders, renames[i].takes, &holder) &&
	    state[holder - 1] == 0)
		place_rename(renames, (size_t)holder - 1, holders, state, out,
			     len);
	out[(*len)++] = renames[i];
	state[i] = 2;
}

static void order_renames(struct export_step *step)
{
	struct idmap holders = IDMAP_INIT;
	struct planned *first = NULL;
	struct planned *sorted;
	unsigned char *state;
	struct planned *planned;
	size_t count = 0;
	size_t len = 0;
	size_t i;

	vec_foreach(&step->plan, planned) {
		if (planned->phase != PHASE_RENAME)
			continue;
		if (!first)
			first = planned;
		count++;
	}
	if (count < 2)
		return;
	sorted = mem_alloc(count * sizeof(*sorted));
	state = mem_zalloc(count);
	for (i = 0; i < count; i++)
		if (first[i].frees)
			idmap_put(&holders, first[i].frees, i + 1);
	for (i = 0; i < count; i++)
		if (!state[i])
			place_rename(first, i, &holders, state, sorted, &len);
	for (i = 0; i < count; i++)
		first[i] = sorted[i];
	mem_free(sorted);
	mem_free(state);
	idmap_release(&holders);
}

int order_plan(struct export_step *step, struct error *err)
{
	struct idmap depths = IDMAP_INIT;
	int64_t ids[1024];
	int64_t after = 0;
	int count = 0;
	int ret = store_read_begin(step->store, err);
	int i;

	while (ret == 0 &&
	       (count = store_pending_export_ids(step->store, step->number,
						 after, ids, 1024, err)) > 0) {
		after = ids[count - 1];
		for (i = 0; i < count && ret == 0; i++)
			ret = plan_one(step, &depths, ids[i], err);
		arena_reset(&step->arena);
	}
	idmap_release(&depths);
	store_read_end(step->store);
	if (ret < 0 || count < 0)
		return -1;
	free_names(step);
	vec_sort(&step->plan, order_planned);
	order_renames(step);
	return 0;
}
