/*
 * evaluate.c - a metaverse object and its targets, until nothing changes
 *
 * A new connector may contribute values itself (a login name chosen with the
 * add), which may change what is exported: the round is repeated until it
 * changes nothing more. Rules that chase each other are stopped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include "base/text.h"

#define ROUNDS 10

/* Pending exports of a connector may be read by its own import rules. */
static bool contributes(const struct work_mv *mv)
{
	size_t i;

	for (i = 0; i < mv->link_count; i++) {
		const struct config_rule_set *rs = mv->links[i]->rule_set;

		if (rs && rs->import_count &&
		    (rs->export_count || rs->provisions))
			return true;
	}
	return false;
}

/* ---- rules that chase each other, told by what they change ---- */

#define TOLD_ROUNDS 2
#define TOLD_MAX    400

struct round {
	struct image image;
	struct work_cs **links; /* replaced when they change */
	size_t link_count;
};

static struct sv shown(struct sync *sync, const struct values *values)
{
	struct sv text;

	if (!values || !values->len)
		return SV_LIT("nothing");
	text = value_text(&values->at[0], &sync->scratch);
	if (text.len > 30)
		text.len = 30;
	return sv_from(arena_printf(&sync->scratch, "'" SV_FMT "'%s",
				    (int)text_valid_prefix(text), text.ptr,
				    values->len > 1 ? " ..." : ""));
}

static const char *of_rule_set(struct sync *sync,
			       const struct config_rule_set *rule_set)
{
	if (!rule_set)
		return "nobody";
	return arena_printf(&sync->scratch, "%s.%s",
			    sync->config->agents[rule_set->agent].name,
			    rule_set->name);
}

/* The rule set that gave the present value of an attribute. */
static const struct config_rule_set *giver(const struct work_mv *mv,
					   attr_id attr)
{
	const struct lineage_entry *from = lineage_get(&mv->lineage, attr);
	size_t i;

	for (i = 0; from && i < mv->link_count; i++)
		if (mv->links[i]->e.row.id == from->cs)
			return mv->links[i]->rule_set;
	return NULL;
}

static void tell_values(struct sync *sync, const struct work_mv *mv,
			const struct image *before, struct strbuf *out)
{
	size_t i;

	for (i = 0; i < mv->plan->attr_count; i++) {
		attr_id id = mv->plan->attrs[i].attr->attr.id;
		const struct values *old = image_get(before, id);
		const struct values *new = image_get(&mv->image, id);
		struct values none = { NULL, 0 };

		if (values_identical(old ? old : &none, new ? new : &none))
			continue;
		strbuf_addf(out, "; %s becomes " SV_FMT " (%s)",
			    sync->config->attr_names[id],
			    SV_ARG(shown(sync, new)),
			    of_rule_set(sync, giver(mv, id)));
	}
}

static bool had(const struct work_cs *const *links, size_t count,
		const struct work_cs *cs)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (links[i] == cs)
			return true;
	return false;
}

static void tell_links(struct sync *sync, const struct work_mv *mv,
		       const struct round *before, struct strbuf *out)
{
	const struct work_cs *const *now =
		(const struct work_cs *const *)mv->links;
	const struct work_cs *const *then =
		(const struct work_cs *const *)before->links;
	size_t i;

	for (i = 0; i < mv->link_count; i++)
		if (!had(then, before->link_count, now[i]))
			strbuf_addf(out, "; %s is provisioned",
				    of_rule_set(sync, now[i]->rule_set));
	for (i = 0; i < before->link_count; i++)
		if (!had(now, mv->link_count, then[i]))
			strbuf_addf(out, "; a connector of %s goes",
				    then[i]->agent->agent->name);
}

static int chasing(const struct work_mv *mv, const struct strbuf *told,
		   struct error *err)
{
	struct sv text = strbuf_sv(told);

	text.len = text_valid_prefix(text);
	return object_error(
		err, "extension-provisioning-call-limit-reached",
		"after %d rounds rules still change mv %lld, they "
		"depend on each other: in the last rounds" SV_FMT,
		ROUNDS, (long long)mv->row.id,
		SV_ARG(text.len > 1 ? sv_sub(text, 1, text.len) : text));
}

/* ---- rounds ---- */

/* One round: 1 another one is needed, 0 nothing changes any more, -1 */
static int one_round(struct sync *sync, struct work_mv *mv, bool first,
		     struct strbuf *told, bool *flowed_out, struct error *err)
{
	struct round before = { mv->image, mv->links, mv->link_count };
	int flowed;
	int provisioned;
	int exported;

	sync->round++;
	flowed = import_flow(sync, mv, err);
	if (flowed < 0)
		return -1;
	*flowed_out |= flowed > 0;
	if (told)
		tell_values(sync, mv, &before.image, told);
	if (!first && !flowed)
		return 0;
	provisioned = provision(sync, mv, err);
	if (provisioned < 0)
		return -1;
	if (told)
		tell_links(sync, mv, &before, told);
	if (!mv->link_count) {
		/* provisioning took the last one */
		return link_deletion_rule(sync, mv, 0, NULL, err) < 0 ? -1 : 0;
	}
	exported = export_flow(sync, mv, err);
	if (exported < 0)
		return -1;
	return provisioned || (exported && contributes(mv));
}

static int rounds(struct sync *sync, struct work_mv *mv, bool *flowed_out,
		  struct error *err)
{
	struct strbuf told = STRBUF_INIT(TOLD_MAX);
	int ret = 1;
	int round;

	for (round = 0; round < ROUNDS && ret > 0; round++)
		ret = one_round(sync, mv, !round,
				round < ROUNDS - TOLD_ROUNDS ? NULL : &told,
				flowed_out, err);
	if (ret > 0)
		ret = chasing(mv, &told, err);
	strbuf_release(&told);
	return ret;
}

int evaluate(struct sync *sync, struct work_mv *mv, bool *flowed_out,
	     struct error *err)
{
	struct expr_due outer = sync->due;
	int ret;

	*flowed_out = false;
	if (!mv->plan)
		return 0;
	if (work_wait_afresh(sync, mv, err) < 0 || due_as_of(sync, mv, err) < 0)
		return -1;
	due_begin(sync);
	ret = rounds(sync, mv, flowed_out, err);
	if (ret == 0)
		due_keep(sync, DUE_MV, mv->removed ? 0 : mv->row.id);
	sync->due = outer;
	sync->rules.as_of = 0;
	return ret;
}
