/*
 * record.c - what is sent, and what it takes the place of, is kept
 *
 * Called when an operation is about to be handed out, in the transaction of its
 * intent. A row without an answer tells of a success; a refusal writes its
 * answer to the row, and an operation whose answer never came gets one that
 * says so when it is handed out again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "export/export_private.h"

#include "base/clock.h"
#include "store/past.h"

static const char UNKNOWN[] =
	"no-answer: the run ended before the system had answered";

static struct past_value *new_value(struct past *past)
{
	return &past->values[past->value_count];
}

static void take_attr(struct export_step *step, struct past *past,
		      const struct image *written,
		      const struct image_attr *attr)
{
	if (past_value(step->store, attr->attr, image_get(written, attr->attr),
		       &attr->values, true, &step->arena, new_value(past)))
		past->value_count++;
}

static bool refers(const struct image_attr *attr)
{
	return attr->values.len && attr->values.at[0].type == VALUE_REFERENCE;
}

/* Of more values than this an addition is not compared. */
#define SUMS_MOST 16

/* What it had is what it has until it changes: to see whether it did. */
static void take_sums(struct export_step *step, const struct entry *entry,
		      struct past *past)
{
	const struct image *sent = &entry->pending.attrs;
	size_t count = 0;
	size_t i;
	size_t k;

	for (i = 0; i < sent->len; i++)
		if (sent->attrs[i].values.len <= SUMS_MOST)
			count += sent->attrs[i].values.len;
	past->sums = arena_array(&step->arena, count + 1, sizeof(*past->sums));
	for (i = 0; i < sent->len; i++) {
		const struct image_attr *attr = &sent->attrs[i];

		if (attr->values.len > SUMS_MOST ||
		    past_secret(step->store, attr->attr, &attr->values))
			continue;
		for (k = 0; k < attr->values.len; k++) {
			struct past_sum *sum = &past->sums[past->sum_count++];

			sum->attr = attr->attr;
			sum->sum = past_sum(step->store, &attr->values.at[k],
					    &step->arena);
		}
	}
}

/* Who refers to what goes loses that, by the system's own doing. What is
 * awaited of it was sent, and has rows of its own. */
static int take_referrers(struct export_step *step, int64_t cs,
			  struct past *past, struct error *err)
{
	struct past_referrer *all;
	int count =
		store_cs_referring(step->store, cs, &step->arena, &all, err);
	int i;

	past->referrers = all;
	for (i = 0; i < count; i++) {
		struct pending_export awaiting;

		if (store_awaiting_get(step->store, all[i].cs, &step->arena,
				       &awaiting, err) < 0)
			return -1;
		if (awaiting.op == PENDING_NONE)
			all[past->referrer_count++] = all[i];
	}
	return count < 0 ? -1 : 0;
}

static int take_owner(struct export_step *step, int64_t cs, struct past *past,
		      struct error *err)
{
	struct link_row link;
	int ret = store_link_get(step->store, cs, &link, err);

	if (ret > 0) {
		past->mv = link.mv ? link.mv : link.last_mv;
		past->rule_set = link.rule_set;
	}
	return ret < 0 ? -1 : take_referrers(step, cs, past, err);
}

/* Made again with other values: all that it was changed. */
static void take_remade(struct export_step *step, const struct entry *entry,
			const struct image *written, struct past *past)
{
	const struct values none = { NULL, 0 };
	size_t i;

	for (i = 0; i < written->len; i++) {
		const struct image_attr *attr = &written->attrs[i];

		if (!image_has(&entry->pending.attrs, attr->attr) &&
		    past_value(step->store, attr->attr, &attr->values, &none,
			       true, &step->arena, new_value(past)))
			past->value_count++;
	}
}

/* A step aside is no name that it had. */
static void take_name(struct export_step *step, const struct entry *entry,
		      struct past *past)
{
	struct error ignored = ERROR_INIT;
	struct sv passing;

	entry_written_name(entry, &past->parent, &past->rdn);
	if (!entry->awaiting.rdn.len ||
	    build_passing_name(step, entry->row.id, entry->row.rdn, &passing,
			       &ignored) < 0 ||
	    !sv_eq(passing, past->rdn))
		return;
	past->parent = entry->row.parent;
	past->rdn = entry->row.rdn;
}

static int take_entry(struct export_step *step, const struct entry *entry,
		      struct past *past, struct error *err)
{
	const struct image *pending = &entry->pending.attrs;
	bool later = build_withholds(step, entry);
	struct image written;
	size_t i;

	past->op = entry->pending.op;
	if (past->op == PENDING_ADD) {
		take_sums(step, entry, past);
		return 0;
	}
	if (past->op == PENDING_DELETE || past->op == PENDING_DELETE_ADD ||
	    entry->pending.rdn.len)
		take_name(step, entry, past);
	if (entry->pending.rdn.len) {
		past->new_parent = entry->pending.parent;
		past->new_rdn = entry->pending.rdn;
	}
	written = entry_written(entry, &step->arena);
	if (past->op == PENDING_DELETE) {
		past->image = written;
		return take_owner(step, entry->row.id, past, err);
	}
	past->values = arena_array(&step->arena, pending->len + written.len + 1,
				   sizeof(*past->values));
	for (i = 0; i < pending->len; i++)
		if (!later || !refers(&pending->attrs[i]))
			take_attr(step, past, &written, &pending->attrs[i]);
	if (past->op == PENDING_DELETE_ADD)
		take_remade(step, entry, &written, past);
	return 0;
}

static void take_rows(struct export_step *step, const struct member *rows,
		      size_t count, struct past *past)
{
	const struct attr_map *map = store_attr_map(step->store);
	struct past_value *value = NULL;
	size_t i;

	past->op = PENDING_UPDATE;
	past->values = arena_array(&step->arena, count, sizeof(*past->values));
	for (i = 0; i < count; i++) {
		bool wanted = member_in_expected(&rows[i]);
		uint32_t attr = map->from_store[rows[i].attr];
		struct values *to;

		if (!(rows[i].flags & MEMBER_PENDING) ||
		    member_in_written(&rows[i]) == wanted)
			continue;
		if (!value || value->attr != attr) {
			value = &past->values[past->value_count++];
			*value = (struct past_value){ .attr = attr };
			value->gone.at = arena_array(&step->arena, count,
						     sizeof(struct value));
			value->come.at = arena_array(&step->arena, count,
						     sizeof(struct value));
		}
		to = wanted ? &value->come : &value->gone;
		to->at[to->len++] = value_reference(rows[i].target, SV_NULL);
	}
}

int record_sent(struct export_step *step, const struct entry *entry,
		const struct export_op *op, const struct member *rows,
		size_t count, struct error *err)
{
	struct past past = { .kind = PAST_EXPORT };
	struct past_row row = {
		.id = step->next_past,
		.object = entry->row.id,
		.kind = PAST_EXPORT,
		.type = entry->row.type,
		.time = clock_now(),
	};
	int ret = 0;

	if (!step->options->run)
		return 0;
	if (op->retry)
		ret = store_past_answer(step->tx, entry->row.id, 0,
					PAST_ID(step->options->run),
					sv_from(UNKNOWN), err);
	if (count)
		take_rows(step, rows, count, &past);
	else if (ret == 0)
		ret = take_entry(step, entry, &past, err);
	strbuf_reset(&step->past);
	past_encode(&past, step->store, &step->past);
	row.what = strbuf_sv(&step->past);
	if (ret == 0)
		ret = store_past_put(step->tx, &row, err);
	step->next_past++;
	return ret;
}

int record_refused(struct export_step *step, int64_t cs,
		   const struct export_outcome *outcome, struct error *err)
{
	struct sv answer;

	if (!step->options->run || step->unsent)
		return 0;
	answer = sv_from(arena_printf(&step->arena, "%s: " SV_FMT,
				      outcome->error ? outcome->error
						     : "unexpected-error",
				      SV_ARG(outcome->message)));
	return store_past_answer(step->tx, cs, PAST_ID(step->options->run),
				 PAST_ID(step->options->run + 1), answer, err);
}
