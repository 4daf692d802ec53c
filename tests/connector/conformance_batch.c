/*
 * conformance_batch.c - operations of one export, and their outcomes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conformance_private.h"

#include <string.h>

void batch_init(struct batch *batch)
{
	memset(batch, 0, sizeof(*batch));
	picture_read_full(&batch->before);
}

void batch_empty(struct batch *batch)
{
	batch->len = 0;
	memset(batch->outcomes, 0, sizeof(batch->outcomes));
	memset(batch->ops, 0, sizeof(batch->ops));
}

void batch_release(struct batch *batch)
{
	arena_release(&batch->arena);
	picture_release(&batch->before);
}

struct export_op *batch_put(struct batch *batch, enum export_kind kind,
			    const char *id)
{
	struct export_op *op = &batch->ops[batch->len];
	const struct picture_object *seen = picture_find(&batch->before, id);

	assert_true(batch->len < BATCH_OPS);
	op->id = 1000 + batch->len++;
	op->kind = kind;
	op->dn = conformance_dn(&batch->arena, id);
	op->attrs = arena_array(&batch->arena, 8, sizeof(*op->attrs));
	if (kind == EXPORT_ADD)
		return op;
	if (seen)
		op->anchor = seen->anchor;
	else if (!conformance_now->base)
		op->anchor = arena_dup(&batch->arena, sv_from(id));
	return op;
}

void batch_put_attr(struct batch *batch, struct export_op *op,
		    enum conformance_attr attr, enum attr_op how,
		    const char *text)
{
	struct attr_change *change = &op->attrs[op->attr_count++];

	change->attr = attr;
	change->op = how;
	change->values = conformance_values(&batch->arena, text);
}

void batch_put_object(struct batch *batch, struct export_op *op,
		      const struct conformance_object *object)
{
	const char *const texts[CONFORMANCE_ATTRS] = { object->id, object->sn,
						       object->title,
						       object->phones };
	size_t i;

	for (i = 0; i < CONFORMANCE_ATTRS; i++)
		if (texts[i])
			batch_put_attr(batch, op, (enum conformance_attr)i,
				       ATTR_REPLACE, texts[i]);
}

struct export_op *batch_put_add(struct batch *batch,
				const struct conformance_object *object)
{
	struct export_op *op = batch_put(batch, EXPORT_ADD, object->id);

	batch_put_object(batch, op, object);
	return op;
}

static void take_outcome(struct batch *batch,
			 const struct export_outcome *outcome)
{
	size_t i = (size_t)outcome->id - 1000;

	assert_true(outcome->id >= 1000 && i < batch->len);
	/* One outcome for each operation. */
	assert_int_equal(batch->outcomes[i].id, 0);
	assert_true(outcome->ok == !outcome->error);
	batch->outcomes[i] = *outcome;
}

static void drain(struct connector *connector, struct batch *batch, bool wait)
{
	struct export_outcome outcome;
	struct error err = ERROR_INIT;
	int ret;

	while ((ret = connector_export_result(connector, wait, &batch->arena,
					      &outcome, &err)) > 0)
		take_outcome(batch, &outcome);
	if (ret < 0)
		fail_msg("result: %s", err.msg);
}

void batch_run(struct batch *batch)
{
	struct error err = ERROR_INIT;
	struct connector connector;
	size_t i;

	conformance_open(&connector);
	if (connector_export_begin(&connector, &err) < 0)
		fail_msg("export_begin: %s", err.msg);
	for (i = 0; i < batch->len; i++) {
		if (connector_export_put(&connector, &batch->ops[i], &err) < 0)
			fail_msg("put: %s", err.msg);
		drain(&connector, batch, false);
	}
	if (connector_export_end(&connector, &err) < 0)
		fail_msg("export_end: %s", err.msg);
	drain(&connector, batch, true);
	connector_close(&connector);
	for (i = 0; i < batch->len; i++)
		assert_int_equal(batch->outcomes[i].id, batch->ops[i].id);
}

void batch_check_ok(const struct batch *batch, size_t i)
{
	const struct export_outcome *outcome = &batch->outcomes[i];

	if (!outcome->ok)
		fail_msg("operation %zu: %s: " SV_FMT, i, outcome->error,
			 SV_ARG(outcome->message));
}

void batch_check_refused(const struct batch *batch, size_t i, const char *error)
{
	assert_false(batch->outcomes[i].ok);
	assert_string_equal(batch->outcomes[i].error, error);
	assert_true(batch->outcomes[i].message.len > 0);
}
