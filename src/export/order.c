/*
 * order.c - in which order pending exports are written
 *
 * Containers before what lies in them; a name is freed before it is taken;
 * then other adds and updates by depth; then other deletions, deepest first.
 * What lost its name to another object, and what lies below it, waits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "export/export_private.h"

#include "model/dn.h"
#include "store/retry.h"

#include <stdlib.h>
#include <string.h>

enum phase {
	PHASE_CONTAINER,
	PHASE_FREE,  /* deletions whose name another change takes */
	PHASE_ASIDE, /* renames to a passing name */
	PHASE_RENAME,
	PHASE_ADD,
	PHASE_UPDATE,
	PHASE_DELETE,
};

#define GUARD    256
#define NAMELESS 1024 /* from this depth on: below an object without a name */

static int depth_of(struct export_step *step, struct idmap *depths, int64_t id,
		    int guard, struct error *err)
{
	struct cs_row head;
	uint64_t known;
	int above = 0;
	int ret;

	if (!id || guard > GUARD)
		return 0;
	if (idmap_get(depths, (uint64_t)id, &known))
		return (int)known;
	ret = store_cs_head(step->store, id, &step->arena, &head, err);
	if (ret < 0)
		return -1;
	if (ret > 0) {
		above = head.flags & CS_TRANSIENT
				? NAMELESS
				: depth_of(step, depths, head.parent, guard + 1,
					   err);
		if (above < 0)
			return -1;
	}
	idmap_put(depths, (uint64_t)id, (uint64_t)above + 1);
	return above + 1;
}

/* Types that refer to many come behind those that they refer to. */
static int refers(const struct export_step *step, uint32_t type)
{
	int most = 0;
	size_t t;
	size_t i;

	for (t = 0; t < step->agent->type_count; t++) {
		const struct object_type *def = &step->agent->types[t];

		if (store_name_find(step->store, NAME_TYPE,
				    sv_from(def->name)) != type)
			continue;
		for (i = 0; i < def->attr_count; i++)
			if (def->attrs[i].type == VALUE_REFERENCE &&
			    most < 1 + def->attrs[i].multi)
				most = 1 + def->attrs[i].multi;
	}
	return most;
}

/* What failed too often waits for its run; what was sent and not answered is
 * sent in any case. */
static int is_due(struct export_step *step, const struct pending_export *row,
		  struct error *err)
{
	struct retry_row retry;
	int ret = row->in_progress
			  ? 0
			  : retry_get(step->store, row->cs, NULL, &retry, err);

	if (ret <= 0)
		return ret < 0 ? -1 : 1;
	if (retry.next <= step->run)
		return 1;
	step->result->quarantined++;
	return 0;
}

/* An import may have found it under that name. */
static bool has_passing_name(struct export_step *step, int64_t id,
			     struct sv rdn)
{
	struct error ignored = ERROR_INIT;
	struct sv passing;

	return build_passing_name(step, id, rdn, &passing, &ignored) == 0 &&
	       dn_equal(rdn, passing);
}

static int plan_one(struct export_step *step, struct idmap *depths,
		    const struct outbox_row *row, struct error *err)
{
	const struct pending_export *pending = &row->pending;
	struct planned planned = { .cs = pending->cs,
				   .op = pending->op,
				   .type = row->type,
				   .anchored = row->anchor.len > 0 };
	int64_t parent = row->parent;
	int ret;

	if (row->gone) /* its name may be another one's by now */
		return 0;
	ret = is_due(step, pending, err);
	if (ret <= 0)
		return ret;
	planned.aside = pending->aside &&
			!has_passing_name(step, pending->cs, row->rdn);
	if (row->rdn.len)
		planned.frees = key_of_name(step->store, step->number, parent,
					    row->rdn);
	else if (!step->has_dn && row->anchor.len)
		/* where there are no names the anchor is one */
		planned.frees = key_of_anchor(step->store, step->number,
					      row->type, row->anchor);
	if (pending->rdn.len) {
		parent = pending->parent;
		planned.takes = key_of_name(step->store, step->number, parent,
					    pending->rdn);
	} else if (pending->op == PENDING_ADD) {
		planned.takes = planned.frees;
		planned.frees = 0;
	}
	planned.parent = parent;
	planned.depth = depth_of(step, depths, parent, 0, err);
	if (planned.depth < 0)
		return -1;
	ret = row->flags & CS_TRANSIENT
		      ? NAMELESS
		      : depth_of(step, depths, row->parent, 0, err);
	if (ret < 0)
		return -1;
	if (ret >= NAMELESS || planned.depth >= NAMELESS)
		return 0;
	switch (pending->op) {
	case PENDING_NONE:
		return 0;
	case PENDING_ADD:
		planned.refers = refers(step, row->type);
		planned.phase = row->flags & CS_CONTAINER ? PHASE_CONTAINER
							  : PHASE_ADD;
		break;
	case PENDING_UPDATE:
		planned.phase = pending->rdn.len ? PHASE_RENAME : PHASE_UPDATE;
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
	if (x->wave != y->wave)
		return x->wave - y->wave;
	if (x->depth != y->depth)
		return x->depth - y->depth;
	if (x->refers != y->refers)
		return x->refers - y->refers;
	return (x->cs > y->cs) - (x->cs < y->cs);
}

/* What lies below an entry goes before it. */
static void free_below(struct export_step *step, struct idmap *freed)
{
	struct planned *planned;
	bool more = true;

	while (more) {
		more = false;
		vec_foreach(&step->plan, planned) {
			if (planned->phase != PHASE_DELETE ||
			    !idmap_get(freed, (uint64_t)planned->parent, NULL))
				continue;
			planned->phase = PHASE_FREE;
			idmap_put(freed, (uint64_t)planned->cs, 1);
			more = true;
		}
	}
}

/* Deletions go first whose name is taken. */
static void free_names(struct export_step *step)
{
	struct idmap taken = IDMAP_INIT;
	struct idmap freed = IDMAP_INIT;
	struct planned *planned;
	bool any = false;

	vec_foreach(&step->plan, planned)
		if (planned->takes)
			idmap_put(&taken, planned->takes, 1);
	vec_foreach(&step->plan, planned) {
		if (planned->op != PENDING_DELETE || !planned->frees ||
		    !idmap_get(&taken, planned->frees, NULL))
			continue;
		planned->phase = PHASE_FREE;
		idmap_put(&freed, (uint64_t)planned->cs, 1);
		any = true;
	}
	if (any)
		free_below(step, &freed);
	idmap_release(&taken);
	idmap_release(&freed);
}

#define WAVES 8

/* The renames of a plan while they are told apart. */
struct renames {
	struct planned *at;
	size_t count;
	int waves;            /* so many at most */
	struct idmap holders; /* name -> 1 + who gives it up */
	unsigned char *state; /* 1 on the path, 2 placed */
	size_t *path;
	VEC(struct planned) ties;
};

/* Who gives up the name that `i` takes: 1 + its place, or 0. */
static size_t holder_of(const struct renames *renames, size_t i)
{
	uint64_t holder = 0;

	(void)idmap_get(&renames->holders, renames->at[i].takes, &holder);
	return holder == i + 1 ? 0 : (size_t)holder;
}

/* It leaves its name for a passing one before all others. */
static void step_aside(struct renames *renames, struct planned *planned)
{
	struct planned tie = *planned;

	if (planned->steps_aside)
		return;
	planned->steps_aside = true;
	tie.phase = PHASE_ASIDE;
	tie.untie = true;
	vec_push(&renames->ties, tie);
}

/* Who takes a name comes a wave behind who gives it up, so that the one is
 * known before the other is sent. In a circle, and where the chain is long,
 * one steps aside. */
static void place_rename(struct renames *renames, size_t i)
{
	size_t depth = 0;
	size_t holder;
	int wave = 0;

	for (;;) {
		renames->state[i] = 1;
		renames->path[depth++] = i;
		holder = holder_of(renames, i);
		if (!holder || renames->state[holder - 1] == 2)
			break;
		if (renames->state[holder - 1] == 1) {
			step_aside(renames, &renames->at[holder - 1]);
			break;
		}
		i = holder - 1;
	}
	while (depth) {
		struct planned *planned;

		i = renames->path[--depth];
		planned = &renames->at[i];
		holder = holder_of(renames, i);
		wave = 0;
		if (holder && renames->at[holder - 1].wave == renames->waves)
			step_aside(renames, &renames->at[holder - 1]);
		if (holder && !renames->at[holder - 1].steps_aside)
			wave = renames->at[holder - 1].wave + 1;
		planned->wave = wave;
		renames->state[i] = 2;
	}
}

static void find_waves(struct export_step *step, struct renames *renames)
{
	size_t first = 0;
	size_t i;

	while (first < step->plan.len &&
	       step->plan.at[first].phase != PHASE_RENAME)
		first++;
	while (first + renames->count < step->plan.len &&
	       step->plan.at[first + renames->count].phase == PHASE_RENAME)
		renames->count++;
	if (!renames->count)
		return;
	renames->at = &step->plan.at[first];
	renames->path = mem_alloc(renames->count * sizeof(*renames->path));
	renames->state = mem_zalloc(renames->count);
	for (i = 0; i < renames->count; i++)
		if (renames->at[i].frees)
			idmap_put(&renames->holders, renames->at[i].frees,
				  i + 1);
	for (i = 0; i < renames->count; i++)
		if (!renames->state[i])
			place_rename(renames, i);
	mem_free(renames->path);
	mem_free(renames->state);
}

/* What was sent to a passing name and not answered is sent there again. */
static void keep_aside(struct export_step *step, struct renames *renames)
{
	struct planned *planned;

	vec_foreach(&step->plan, planned)
		if (planned->aside)
			step_aside(renames, planned);
}

/* Does an add take a name that a rename gives up? */
static bool adds_follow(const struct export_step *step,
			const struct renames *renames)
{
	const struct planned *planned;

	vec_foreach(&step->plan, planned)
		if (planned->phase == PHASE_ADD && planned->takes &&
		    idmap_get(&renames->holders, planned->takes, NULL))
			return true;
	return false;
}

/*
 * What takes a name is sent when it is known that the name was given up: sent
 * together and cut off, neither could be told from the other afterwards. An
 * add that takes the name of a deletion may go with it where both are written
 * at once: done again they lead to the same.
 */
static void tell_apart(struct export_step *step, bool adds)
{
	bool at_once = (step->agent->caps & CONNECTOR_CAP_AT_ONCE) != 0;
	size_t i;

	for (i = 1; i < step->plan.len; i++) {
		struct planned *planned = &step->plan.at[i];
		const struct planned *before = &step->plan.at[i - 1];

		if (planned->phase == before->phase)
			planned->apart = planned->wave != before->wave;
		else if (before->phase == PHASE_FREE)
			planned->apart = !at_once || planned->phase < PHASE_ADD;
		else if (before->phase == PHASE_ASIDE)
			planned->apart = true;
		else if (before->phase == PHASE_RENAME)
			planned->apart = adds;
	}
}

static void order_renames(struct export_step *step)
{
	struct renames renames = { .holders = IDMAP_INIT };
	const struct planned *tie;

	/* a file would be written once more for each */
	renames.waves = step->agent->caps & CONNECTOR_CAP_AT_ONCE ? 0 : WAVES;
	keep_aside(step, &renames);
	find_waves(step, &renames);
	vec_foreach(&renames.ties, tie)
		vec_push(&step->plan, *tie);
	vec_sort(&step->plan, order_planned);
	tell_apart(step, adds_follow(step, &renames));
	idmap_release(&renames.holders);
	vec_release(&renames.ties);
}

#define CHUNK 1024

int order_plan(struct export_step *step, struct error *err)
{
	struct idmap depths = IDMAP_INIT;
	struct outbox_row *rows = mem_alloc(CHUNK * sizeof(*rows));
	int64_t after = 0;
	int count = 0;
	int ret = store_read_begin(step->store, err);
	const struct planned *planned;
	int i;

	step->result->pending = step->result->quarantined = 0;
	while (ret == 0 && (count = store_outbox_scan(step->store, step->number,
						      after, rows, CHUNK,
						      &step->arena, err)) > 0) {
		after = rows[count - 1].pending.cs;
		for (i = 0; i < count && ret == 0; i++)
			ret = plan_one(step, &depths, &rows[i], err);
		arena_reset(&step->arena);
	}
	idmap_release(&depths);
	mem_free(rows);
	store_read_end(step->store);
	if (ret < 0 || count < 0)
		return -1;
	free_names(step);
	vec_sort(&step->plan, order_planned);
	order_renames(step);
	step->result->operations = step->plan.len;
	vec_foreach(&step->plan, planned)
		if (!planned->untie && planned->phase != PHASE_CONTAINER)
			step->result->pending++;
	return 0;
}
