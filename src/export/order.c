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

/* A pending export as the order needs it; forgotten when there is a plan. */
struct draft {
	int64_t cs;
	int64_t parent;
	uint64_t takes; /* key of the name that it will have, or 0 */
	uint64_t frees; /* key of the name that it gives up, or 0 */
	uint32_t type;
	int16_t depth;
	uint8_t phase;
	uint8_t op;
	uint8_t refers;       /* of adds: to nothing, to one, to many */
	uint8_t wave;         /* of renames: who takes a name comes behind */
	bool untie : 1;       /* a rename to a passing name */
	bool aside : 1;       /* that was sent before, its outcome unknown */
	bool steps_aside : 1; /* it has an untie too */
	bool anchored : 1;
	bool apart : 1;
};

struct drafts {
	VEC(struct draft) all;
	struct idmap depths; /* id -> how deep what lies below it is */
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

static int draft_one(struct export_step *step, struct drafts *drafts,
		     const struct outbox_row *row, struct error *err)
{
	const struct pending_export *pending = &row->pending;
	struct draft draft = { .cs = pending->cs,
			       .op = (uint8_t)pending->op,
			       .type = row->type,
			       .anchored = row->anchor.len > 0 };
	int64_t parent = row->parent;
	int ret;
	int depth;

	if (row->gone) /* its name may be another one's by now */
		return 0;
	if (step->options->only &&
	    !idmap_get(step->options->only, (uint64_t)pending->cs, NULL))
		return 0;
	ret = is_due(step, pending, err);
	if (ret <= 0)
		return ret;
	draft.aside = pending->aside &&
		      !has_passing_name(step, pending->cs, row->rdn);
	if (row->rdn.len)
		draft.frees = key_of_name(step->store, step->number, parent,
					  row->rdn);
	else if (!step->has_dn && row->anchor.len)
		/* where there are no names the anchor is one */
		draft.frees = key_of_anchor(step->store, step->number,
					    row->type, row->anchor);
	if (pending->rdn.len) {
		parent = pending->parent;
		draft.takes = key_of_name(step->store, step->number, parent,
					  pending->rdn);
	} else if (pending->op == PENDING_ADD) {
		draft.takes = draft.frees;
		draft.frees = 0;
	}
	draft.parent = parent;
	depth = depth_of(step, &drafts->depths, parent, 0, err);
	if (depth < 0)
		return -1;
	ret = row->flags & CS_TRANSIENT
		      ? NAMELESS
		      : depth_of(step, &drafts->depths, row->parent, 0, err);
	if (ret < 0)
		return -1;
	if (ret >= NAMELESS || depth >= NAMELESS)
		return 0;
	draft.depth = (int16_t)depth;
	switch (pending->op) {
	case PENDING_NONE:
		return 0;
	case PENDING_ADD:
		draft.refers = (uint8_t)refers(step, row->type);
		draft.phase = row->flags & CS_CONTAINER ? PHASE_CONTAINER
							: PHASE_ADD;
		break;
	case PENDING_UPDATE:
		draft.phase = pending->rdn.len ? PHASE_RENAME : PHASE_UPDATE;
		break;
	case PENDING_DELETE_ADD:
		draft.phase = PHASE_ADD;
		break;
	case PENDING_DELETE:
		draft.phase = PHASE_DELETE;
		draft.depth = (int16_t)-depth;
		break;
	}
	vec_push(&drafts->all, draft);
	return 0;
}

static int order_drafts(const void *a, const void *b)
{
	const struct draft *x = a;
	const struct draft *y = b;

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

/* Mostly they are in order as they come, or nearly. */
static void sort_drafts(struct drafts *drafts)
{
	size_t i;

	for (i = 1; i < drafts->all.len; i++)
		if (order_drafts(&drafts->all.at[i - 1], &drafts->all.at[i]) >
		    0)
			break;
	if (i < drafts->all.len)
		vec_sort(&drafts->all, order_drafts);
}

/* What lies below an entry goes before it. */
static void free_below(struct drafts *drafts, struct idmap *freed)
{
	struct draft *draft;
	bool more = true;

	while (more) {
		more = false;
		vec_foreach(&drafts->all, draft) {
			if (draft->phase != PHASE_DELETE ||
			    !idmap_get(freed, (uint64_t)draft->parent, NULL))
				continue;
			draft->phase = PHASE_FREE;
			idmap_put(freed, (uint64_t)draft->cs, 1);
			more = true;
		}
	}
}

/* Deletions go first whose name is taken. */
static void free_names(struct drafts *drafts)
{
	struct idmap wanted = IDMAP_INIT; /* name of a deletion -> 1 taken */
	struct idmap freed = IDMAP_INIT;
	struct draft *draft;
	uint64_t taken;

	vec_foreach(&drafts->all, draft)
		if (draft->op == PENDING_DELETE && draft->frees)
			idmap_put(&wanted, draft->frees, 0);
	vec_foreach(&drafts->all, draft)
		if (wanted.len && draft->takes &&
		    idmap_get(&wanted, draft->takes, NULL))
			idmap_put(&wanted, draft->takes, 1);
	vec_foreach(&drafts->all, draft) {
		if (draft->op != PENDING_DELETE || !draft->frees ||
		    !idmap_get(&wanted, draft->frees, &taken) || !taken)
			continue;
		draft->phase = PHASE_FREE;
		idmap_put(&freed, (uint64_t)draft->cs, 1);
	}
	if (freed.len)
		free_below(drafts, &freed);
	idmap_release(&wanted);
	idmap_release(&freed);
}

#define WAVES 8

/* The renames of a plan while they are told apart. */
struct renames {
	struct draft *at;
	size_t count;
	int waves;            /* so many at most */
	struct idmap holders; /* name -> 1 + who gives it up */
	unsigned char *state; /* 1 on the path, 2 placed */
	size_t *path;
	VEC(struct draft) ties;
};

/* Who gives up the name that `i` takes: 1 + its place, or 0. */
static size_t holder_of(const struct renames *renames, size_t i)
{
	uint64_t holder = 0;

	(void)idmap_get(&renames->holders, renames->at[i].takes, &holder);
	return holder == i + 1 ? 0 : (size_t)holder;
}

/* It leaves its name for a passing one before all others. */
static void step_aside(struct renames *renames, struct draft *draft)
{
	struct draft tie = *draft;

	if (draft->steps_aside)
		return;
	draft->steps_aside = true;
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
		struct draft *draft;

		i = renames->path[--depth];
		draft = &renames->at[i];
		holder = holder_of(renames, i);
		wave = 0;
		if (holder && renames->at[holder - 1].wave == renames->waves)
			step_aside(renames, &renames->at[holder - 1]);
		if (holder && !renames->at[holder - 1].steps_aside)
			wave = renames->at[holder - 1].wave + 1;
		draft->wave = (uint8_t)wave;
		renames->state[i] = 2;
	}
}

static void find_waves(struct drafts *drafts, struct renames *renames)
{
	size_t first = 0;
	size_t i;

	while (first < drafts->all.len &&
	       drafts->all.at[first].phase != PHASE_RENAME)
		first++;
	while (first + renames->count < drafts->all.len &&
	       drafts->all.at[first + renames->count].phase == PHASE_RENAME)
		renames->count++;
	if (!renames->count)
		return;
	renames->at = &drafts->all.at[first];
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
static void keep_aside(struct drafts *drafts, struct renames *renames)
{
	struct draft *draft;

	vec_foreach(&drafts->all, draft)
		if (draft->aside)
			step_aside(renames, draft);
}

/* Does an add take a name that a rename gives up? */
static bool adds_follow(const struct drafts *drafts,
			const struct renames *renames)
{
	const struct draft *draft;

	vec_foreach(&drafts->all, draft)
		if (draft->phase == PHASE_ADD && draft->takes &&
		    idmap_get(&renames->holders, draft->takes, NULL))
			return true;
	return false;
}

/*
 * What takes a name is sent when it is known that the name was given up: sent
 * together and cut off, neither could be told from the other afterwards. An
 * add that takes the name of a deletion may go with it where both are written
 * at once: done again they lead to the same.
 */
static void tell_apart(struct drafts *drafts, bool at_once, bool adds)
{
	size_t i;

	for (i = 1; i < drafts->all.len; i++) {
		struct draft *draft = &drafts->all.at[i];
		const struct draft *before = &drafts->all.at[i - 1];

		if (draft->phase == before->phase)
			draft->apart = draft->wave != before->wave;
		else if (before->phase == PHASE_FREE)
			draft->apart = !at_once || draft->phase < PHASE_ADD;
		else if (before->phase == PHASE_ASIDE)
			draft->apart = true;
		else if (before->phase == PHASE_RENAME)
			draft->apart = adds;
	}
}

static void order_renames(struct drafts *drafts, bool at_once)
{
	struct renames renames = { .holders = IDMAP_INIT };
	const struct draft *tie;

	/* a file would be written once more for each */
	renames.waves = at_once ? 0 : WAVES;
	keep_aside(drafts, &renames);
	find_waves(drafts, &renames);
	vec_foreach(&renames.ties, tie)
		vec_push(&drafts->all, *tie);
	sort_drafts(drafts);
	tell_apart(drafts, at_once, adds_follow(drafts, &renames));
	idmap_release(&renames.holders);
	vec_release(&renames.ties);
}

static void order_drafted(struct drafts *drafts, bool at_once)
{
	free_names(drafts);
	sort_drafts(drafts);
	order_renames(drafts, at_once);
}

/* The plan is what of the drafts is needed to write them. */
static void make_plan(struct export_step *step, const struct drafts *drafts)
{
	const struct draft *draft;
	int64_t before = INT64_MAX;

	vec_reserve(&step->plan, drafts->all.len);
	vec_foreach(&drafts->all, draft) {
		struct planned planned = {
			.cs = draft->cs,
			.type = draft->type,
			.op = draft->op,
			.container = draft->phase == PHASE_CONTAINER,
			.untie = draft->untie,
			.anchored = draft->anchored,
			.apart = draft->apart,
		};

		if (draft->cs <= before)
			vec_push(&step->rows, step->plan.len);
		before = draft->cs;
		vec_push(&step->plan, planned);
		if (!planned.untie && !planned.container)
			step->result->pending++;
	}
	step->result->operations = step->plan.len;
}

/* Of one row, whose ids ascend. */
static struct planned *find_in(struct export_step *step, size_t from, size_t to,
			       int64_t cs)
{
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (step->plan.at[middle].cs < cs)
			from = middle + 1;
		else
			to = middle;
	}
	return from < step->plan.len && step->plan.at[from].cs == cs
		       ? &step->plan.at[from]
		       : NULL;
}

struct planned *order_find(struct export_step *step, int64_t cs)
{
	uint64_t at;
	size_t row;

	if (idmap_get(&step->again, (uint64_t)cs, &at))
		return &step->plan.at[at - 1];
	for (row = 0; row < step->rows.len; row++) {
		size_t to = row + 1 < step->rows.len ? step->rows.at[row + 1]
						     : step->result->operations;
		struct planned *found =
			find_in(step, step->rows.at[row], to, cs);

		if (found && !found->untie)
			return found;
	}
	return NULL;
}

const struct planned *order_plain(struct export_step *step,
				  const struct export_outcome *outcome)
{
	const struct planned *planned;

	if (outcome->references_later || outcome->id & UNTIE_ID)
		return NULL;
	planned = order_find(step, (int64_t)outcome->id);
	if (!planned || !planned->plain || (!outcome->ok && !planned->sets))
		return NULL;
	return planned;
}

#define CHUNK 1024

static int read_drafts(struct export_step *step, struct drafts *drafts,
		       struct error *err)
{
	struct outbox_row *rows = mem_alloc(CHUNK * sizeof(*rows));
	int64_t after = 0;
	int count = 0;
	int ret = store_read_begin(step->store, err);
	int i;

	while (ret == 0 && (count = store_outbox_scan(step->store, step->number,
						      after, rows, CHUNK,
						      &step->arena, err)) > 0) {
		after = rows[count - 1].pending.cs;
		for (i = 0; i < count && ret == 0; i++)
			ret = draft_one(step, drafts, &rows[i], err);
		arena_reset(&step->arena);
	}
	mem_free(rows);
	store_read_end(step->store);
	return ret < 0 || count < 0 ? -1 : 0;
}

int order_plan(struct export_step *step, struct error *err)
{
	bool at_once = (step->agent->caps & CONNECTOR_CAP_AT_ONCE) != 0;
	struct drafts drafts = { .depths = IDMAP_INIT };
	int ret;

	step->result->pending = step->result->quarantined = 0;
	ret = read_drafts(step, &drafts, err);
	idmap_release(&drafts.depths);
	if (ret == 0) {
		order_drafted(&drafts, at_once);
		make_plan(step, &drafts);
	}
	vec_release(&drafts.all);
	return ret;
}
