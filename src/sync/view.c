/*
 * view.c - connector space and metaverse objects as rules see them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include <string.h>

struct image view_values(struct sync *sync, const struct work_cs *cs)
{
	const struct entry *e = &cs->e;

	if (e->awaiting.op == PENDING_NONE && e->pending.op == PENDING_NONE &&
	    (e->import == IMPORT_NONE || !e->link.mv))
		return e->image;
	/* an object that nothing stands on yet is what was read of it */
	if (!e->link.mv)
		return entry_expected(e, &sync->scratch);
	return entry_settled(e, &sync->scratch);
}

void view_cs(struct sync *sync, struct work_cs *cs, struct cs_view *view)
{
	const struct entry *e = &cs->e;

	memset(view, 0, sizeof(*view));
	view->sync = sync;
	view->cs = cs;
	view->expected = view_values(sync, cs);
	if (e->import == IMPORT_NONE || !e->link.mv) {
		view->imported = e->image;
	} else {
		view->imported = image_copy(&e->synced, &sync->scratch);
		image_apply(&view->imported, &e->confirmed, &sync->scratch);
	}
}

/* What a reference is called: its target's DN or anchor. */
static struct sv target_text(struct sync *sync, int64_t id)
{
	struct error ignored = ERROR_INIT;
	struct work_cs *target;
	struct sv text = SV_NULL;

	if (work_cs(sync, id, &target, &ignored) < 0 || !target)
		return SV_NULL;
	if (work_dn(sync, target, &text, &ignored) < 0 || !text.len)
		text = target->e.row.anchor;
	return text;
}

static const struct values *with_texts(struct sync *sync,
				       const struct values *values)
{
	struct values *own;
	size_t i;

	if (!values || !values->len || values->at[0].type != VALUE_REFERENCE)
		return values;
	own = arena_alloc(&sync->scratch, sizeof(*own));
	*own = values_dup(values, &sync->scratch);
	for (i = 0; i < own->len; i++)
		own->at[i].text = target_text(sync, own->at[i].number);
	return own;
}

static const struct values *get_dn(struct cs_view *view)
{
	struct error ignored = ERROR_INIT;
	struct sv dn;

	if (!view->dn_values.at) {
		if (work_dn(view->sync, view->cs, &dn, &ignored) < 0)
			dn = SV_NULL;
		view->dn = value_reference(view->cs->e.row.id, dn);
		view->dn_values.at = &view->dn;
		view->dn_values.len = dn.len ? 1 : 0;
	}
	return &view->dn_values;
}

static const struct values *get_expected(void *data, attr_id attr)
{
	struct cs_view *view = data;

	if (attr == ATTR_DN)
		return get_dn(view);
	return with_texts(view->sync, image_get(&view->expected, attr));
}

static const struct values *get_imported(void *data, attr_id attr)
{
	struct cs_view *view = data;

	if (attr == ATTR_DN)
		return view->cs->e.row.has_image ? get_dn(view) : NULL;
	return with_texts(view->sync, image_get(&view->imported, attr));
}

struct rules_object view_expected(struct cs_view *view)
{
	return (struct rules_object){ view, get_expected };
}

struct rules_object view_imported(struct cs_view *view)
{
	return (struct rules_object){ view, get_imported };
}

static const struct values *get_mv(void *data, attr_id attr)
{
	const struct image *image = data;

	return image_get(image, attr);
}

static struct rules_object view_image(const struct image *image)
{
	return (struct rules_object){ (void *)(uintptr_t)image, get_mv };
}

struct rules_object view_mv(const struct work_mv *mv)
{
	return view_image(&mv->image);
}

int view_mv_key(struct sync *sync, const struct work_mv *mv,
		const struct image *image, attr_id attr, struct values *out,
		struct error *err)
{
	const struct config_mv_type *type = mv->plan->type;
	struct rules_view view = { 0 };
	struct expr_result result;
	const struct values *values;
	size_t i;

	for (i = 0; i < type->key_count; i++) {
		if (type->keys[i].id != attr)
			continue;
		view.here = view_image(image);
		if (rules_eval(&sync->rules, type->keys[i].expr, &view,
			       &sync->scratch, &result, err) < 0)
			return -1;
		*out = (struct values){ NULL, 0 };
		if (result.kind == EXPR_VALUES)
			*out = result.values;
		rules_drop_empty(out, &sync->scratch);
		return 0;
	}
	values = image_get(image, attr);
	*out = values ? *values : (struct values){ NULL, 0 };
	return 0;
}
