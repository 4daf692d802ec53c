/*
 * outcome.c - what the connected system's answer means for an object
 *
 *	pending --sent--> in progress --success--> awaiting confirmation
 *	   ^                   |                        |
 *	   +------refused------+     import: confirmed, or back to pending
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "export/export_private.h"

#include "base/clock.h"
#include "store/retry.h"

#include <string.h>

static const char *counter_of(enum export_kind kind)
{
	switch (kind) {
	case EXPORT_ADD:
		return "export-add";
	case EXPORT_UPDATE:
		return "export-update";
	case EXPORT_RENAME:
		return "export-rename";
	case EXPORT_DELETE:
		return "export-delete";
	case EXPORT_DELETE_ADD:
		return "export-delete-add";
	}
	return "export-failure";
}

int outcome_refused(struct export_step *step, int64_t cs,
		    const struct export_outcome *outcome, struct error *err)
{
	struct cs_error row = {
		.cs = cs,
		.kind = ERROR_EXPORT,
		.code = sv_from(outcome->error ? outcome->error
					       : "unexpected-error"),
		.message = outcome->message,
		.last = clock_now(),
	};

	step->result->errors++;
	counters_add(step->counters, 0, "export-failure", cs);
	if (store_error_put(step->tx, &row, err) < 0 ||
	    record_refused(step, cs, outcome, err) < 0)
		return -1;
	return retry_failed(step->tx, cs, RETRY_REFUSED, err);
}

static int refused(struct export_step *step, struct entry *entry,
		   const struct export_outcome *outcome, struct error *err)
{
	entry->pending.in_progress = false;
	if (entry_put_pending(step->tx, entry, err) < 0)
		return -1;
	return outcome_refused(step, entry->row.id, outcome, err);
}

/* What was sent lies over what was awaited already. */
static void await(struct export_step *step, struct entry *entry)
{
	struct export_state *awaiting = &entry->awaiting;
	const struct export_state *sent = &entry->pending;
	size_t i;

	if (awaiting->op != PENDING_ADD || sent->op == PENDING_DELETE)
		awaiting->op = sent->op;
	if (sent->op == PENDING_DELETE || sent->op == PENDING_DELETE_ADD)
		awaiting->attrs = IMAGE_EMPTY;
	awaiting->attrs = image_copy(&awaiting->attrs, &step->arena);
	for (i = 0; i < sent->attrs.len; i++)
		if (!deliver_secret(&sent->attrs.attrs[i].values))
			image_put(&awaiting->attrs, sent->attrs.attrs[i].attr,
				  sent->attrs.attrs[i].values, &step->arena);
	if (sent->rdn.len) {
		awaiting->parent = sent->parent;
		awaiting->rdn = sent->rdn;
	}
	memset(&entry->pending, 0, sizeof(entry->pending));
}

/* Takes the references out of what is pending. */
static struct image take_references(struct export_step *step,
				    struct entry *entry)
{
	const struct image all = entry->pending.attrs;
	struct image references = IMAGE_EMPTY;
	struct image others = IMAGE_EMPTY;
	size_t i;

	for (i = 0; i < all.len; i++) {
		const struct image_attr *attr = &all.attrs[i];
		bool refers = attr->values.len &&
			      attr->values.at[0].type == VALUE_REFERENCE;

		image_put(refers ? &references : &others, attr->attr,
			  attr->values, &step->arena);
	}
	entry->pending.attrs = others;
	return references;
}

/* They are what is pending from now on, and come last in this run. */
static void put_last(struct export_step *step, struct entry *entry,
		     struct image references)
{
	struct planned planned = { .cs = entry->row.id, .op = PENDING_UPDATE };

	entry->pending.op = PENDING_UPDATE;
	entry->pending.attrs = references;
	vec_push(&step->plan, planned);
	idmap_put(&step->again, (uint64_t)entry->row.id, step->plan.len);
}

static int take_anchor(struct export_step *step, struct entry *entry,
		       struct sv anchor, struct error *err)
{
	struct anchor_key key = { 0, entry->row.id, { 0, 0 } };

	if (!anchor.len || entry->row.anchor.len)
		return 0;
	entry->row.anchor = anchor;
	key.h = key_of_anchor(step->store, step->number,
			      step->has_dn ? 0 : entry->row.type, anchor);
	if (store_anchor_put(step->tx, step->number, &key, err) < 0)
		return -1;
	return entry_put_row(step->tx, entry, err);
}

static const struct export_outcome dangling = {
	.error = "dn-attributes-failure",
	.message = { "what it refers to is not there", 30 },
};

int take_outcome(struct export_step *step, struct entry *entry,
		 const struct export_op *op,
		 const struct export_outcome *outcome, struct error *err)
{
	bool last = idmap_get(&step->again, (uint64_t)entry->row.id, NULL) > 0;
	struct image references = IMAGE_EMPTY;

	if (!outcome->ok)
		return refused(step, entry, outcome, err);
	if (last && outcome->references_later)
		return refused(step, entry, &dangling, err);
	/* an object of no rule set's type is not counted: a container */
	if (entry->row.type && !last)
		counters_add(step->counters, 0, counter_of(op->kind),
			     entry->row.id);
	if (op->kind == EXPORT_ADD &&
	    take_anchor(step, entry, outcome->anchor, err) < 0)
		return -1;
	if (deliver_keep(step, entry, err) < 0)
		return -1;
	if (outcome->references_later || build_withholds(step, entry))
		references = take_references(step, entry);
	if (!entry->row.type) {
		/* containers are not awaited: they are there from now on, or
		 * what refers to them needs them as a gap in the tree */
		memset(&entry->pending, 0, sizeof(entry->pending));
		entry->row.has_image = op->kind != EXPORT_DELETE;
		if (op->kind == EXPORT_DELETE)
			entry->row.flags = CS_PLACEHOLDER;
		if (entry_put_row(step->tx, entry, err) < 0)
			return -1;
	} else {
		await(step, entry);
	}
	if (references.len)
		put_last(step, entry, references);
	if (entry_put_awaiting(step->tx, entry, err) < 0)
		return -1;
	return entry_put_pending(step->tx, entry, err);
}

int take_untied(struct export_step *step, struct entry *entry,
		const struct export_outcome *outcome, struct error *err)
{
	struct export_state *awaiting = &entry->awaiting;
	int64_t parent;
	struct sv rdn;

	entry->pending.in_progress = false;
	entry->pending.aside = false;
	if (entry_put_pending(step->tx, entry, err) < 0)
		return -1;
	/* refused: the rename proper will tell why */
	if (!outcome->ok)
		return 0;
	entry_written_name(entry, &parent, &rdn);
	if (build_passing_name(step, entry->row.id, rdn, &awaiting->rdn, err) <
	    0)
		return -1;
	awaiting->parent = parent;
	if (awaiting->op == PENDING_NONE)
		awaiting->op = PENDING_UPDATE;
	return entry_put_awaiting(step->tx, entry, err);
}

int take_plain(struct export_step *step, const struct planned *planned,
	       const struct export_outcome *outcome, struct error *err)
{
	struct anchor_key key = { 0, planned->cs, { 0, 0 } };

	if (planned->sets)
		return take_sets(step, planned, outcome, err);
	counters_add(step->counters, 0, counter_of(planned->kind), planned->cs);
	if (planned->kind == EXPORT_ADD && outcome->anchor.len &&
	    !planned->anchored) {
		key.h = key_of_anchor(step->store, step->number,
				      step->has_dn ? 0 : planned->type,
				      outcome->anchor);
		if (store_anchor_put(step->tx, step->number, &key, err) < 0 ||
		    store_cs_set_anchor(step->tx, planned->cs, outcome->anchor,
					err) < 0)
			return -1;
	}
	if (store_error_delete(step->tx, planned->cs, ERROR_EXPORT, err) < 0 ||
	    store_retry_delete(step->tx, planned->cs, RETRY_REFUSED, err) < 0)
		return -1;
	return store_outbox_sent(step->tx, planned->cs, err);
}
