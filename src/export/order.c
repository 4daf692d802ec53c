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
#include <string.h>

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

/* Where there are no names the anchor is one. */
static int anchor_key(struct export_step *step, int64_t id, uint64_t *out,
		      struct error *err)
{
	struct cs_row row;
	int ret = store_cs_get(step->store, id, &step->arena, &row, err);

	if (ret > 0 && row.anchor.len)
		*out = key_of_anchor(step->store, step->number, row.type,
				     row.anchor);
	return ret < 0 ? -1 : 0;
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
	else if (!step->has_dn && anchor_key(step, id, &planned.frees, err) < 0)
		return -1;
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

/* The renames of a plan while they are sorted. */
struct renames {
	struct planned *at;
	size_t count;
	struct idmap holders; /* name -> 1 + who gives it up */
	unsigned char *state; /* 1 on the path, 2 placed */
	size_t *path;
	struct planned *sorted;
	size_t len;
	VEC(struct planned) ties;
};

/* Who gives up the name that `i` takes: 1 + its place, or 0. */
static size_t holder_of(const struct renames *renames, size_t i)
{
	uint64_t holder = 0;

	(void)idmap_get(&renames->holders, renames->at[i].takes, &holder);
	return holder == i + 1 ? 0 : (size_t)holder;
}

/* Who gives up a name comes before who takes it. In a circle one of them gets a
 * passing name first. */
static void place_rename(struct renames *renames, size_t i)
{
	size_t depth = 0;
	size_t holder;

	for (;;) {
		renames->state[i] = 1;
		renames->path[depth++] = i;
		holder = holder_of(renames, i);
		if (!holder || renames->state[holder - 1] == 2)
			break;
		if (renames->state[holder - 1] == 1) {
			struct planned tie = renames->at[holder - 1];

			tie.untie = true;
			vec_push(&renames->ties, tie);
			break;
		}
		i = holder - 1;
	}
	while (depth) {
		i = renames->path[--depth];
		renames->state[i] = 2;
		renames->sorted[renames->len++] = renames->at[i];
	}
}

/* Puts the passing names before the renames, these in their new order. */
static void put_back(struct export_step *step, struct renames *renames,
		     size_t first)
{
	size_t ties = renames->ties.len;
	size_t i;

	vec_reserve(&step->plan, step->plan.len + ties);
	memmove(&step->plan.at[first + ties], &step->plan.at[first],
		(step->plan.len - first) * sizeof(*step->plan.at));
	step->plan.len += ties;
	for (i = 0; i < ties; i++)
		step->plan.at[first + i] = renames->ties.at[i];
	for (i = 0; i < renames->count; i++)
		step->plan.at[first + ties + i] = renames->sorted[i];
}

static void order_renames(struct export_step *step)
{
	struct renames renames = { .holders = IDMAP_INIT };
	size_t first = 0;
	size_t i;

	while (first < step->plan.len &&
	       step->plan.at[first].phase != PHASE_RENAME)
		first++;
	while (first + renames.count < step->plan.len &&
	       step->plan.at[first + renames.count].phase == PHASE_RENAME)
		renames.count++;
	if (renames.count < 2)
		return;
	renames.at = &step->plan.at[first];
	renames.sorted = mem_alloc(renames.count * sizeof(*renames.sorted));
	renames.path = mem_alloc(renames.count * sizeof(*renames.path));
	renames.state = mem_zalloc(renames.count);
	for (i = 0; i < renames.count; i++)
		if (renames.at[i].frees)
			idmap_put(&renames.holders, renames.at[i].frees, i + 1);
	for (i = 0; i < renames.count; i++)
		if (!renames.state[i])
			place_rename(&renames, i);
	put_back(step, &renames, first);
	mem_free(renames.sorted);
	mem_free(renames.path);
	mem_free(renames.state);
	idmap_release(&renames.holders);
	vec_release(&renames.ties);
}

int order_plan(struct export_step *step, struct error *err)
{
	struct idmap depths = IDMAP_INIT;
	int64_t ids[1024];
	int64_t after = 0;
	int count = 0;
	int ret = store_read_begin(step->store, err);
	const struct planned *planned;
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
	step->result->pending = 0;
	vec_foreach(&step->plan, planned)
		if (!planned->untie && planned->phase != PHASE_CONTAINER)
			step->result->pending++;
	return 0;
}
