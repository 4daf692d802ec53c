/*
 * explain_export.c - what export rules want of connectors, and what waits
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/explain_private.h"

/* --- what a rule reads ------------------------------------------------- */

struct reads {
	VEC(attr_id) ids;
};

static void on_read(void *data, enum expr_view view, uint32_t id)
{
	struct reads *reads = data;

	if (view == EXPR_VIEW_HERE)
		vec_push(&reads->ids, id);
}

static void add_reads(struct explaining *e, uint32_t rule,
		      struct explain_export *out)
{
	const struct expr *source =
		rule ? preview_source(e->display->config, rule) : NULL;
	struct reads reads = { VEC_INIT };
	size_t i;

	if (source)
		expr_reads(source, on_read, &reads);
	out->reads = arena_array(e->arena, reads.ids.len, sizeof(*out->reads));
	for (i = 0; i < reads.ids.len; i++) {
		attr_id id = reads.ids.at[i];
		const struct lineage_entry *from = lineage_get(&e->lineage, id);
		struct explain_read *read = &out->reads[out->read_count++];

		read->name = store_attr_name(e->display->store, id);
		read->values = explain_texts(e, id, image_get(&e->image, id));
		read->since = from && read->values.len ? from->time : 0;
	}
	vec_release(&reads.ids);
}

/* --- how far it is ----------------------------------------------------- */

static void say_pending(struct explaining *e, const struct preview_step *step,
			const struct entry *entry, struct explain_export *out)
{
	struct error ignored = ERROR_INIT;
	struct display_retry retry = { 0 };
	struct cs_error failed;

	if (step->known)
		(void)display_retry(e->display, step->cs, &retry, &ignored);
	out->state = "pending";
	if (sync_is_new(step->cs)) {
		out->text = "to be written with the new object";
	} else if (!step->known) {
		out->text = "not staged yet: the next synchronization stages "
			    "it";
	} else if (entry->row.flags & CS_TRANSIENT) {
		out->text = "waits: another object took its name; the export "
			    "is sent when an import tells the new one";
	} else if (entry->pending.in_progress) {
		out->text = "sent, the outcome is not known: the next export "
			    "finds out";
	} else if (store_error_get(e->display->store, step->cs, ERROR_EXPORT,
				   e->arena, &failed, &ignored) > 0) {
		out->text = arena_printf(
			e->arena, "the export failed: " SV_FMT ": " SV_FMT "%s",
			SV_ARG(failed.code), SV_ARG(failed.message),
			retry.quarantined ? "; in quarantine" : "");
	} else if (retry.quarantined) {
		out->text = "written several times, but the system came back "
			    "with another value; in quarantine";
	} else {
		out->text = arena_printf(e->arena,
					 "to be written by the next export of "
					 "%s",
					 step->agent);
	}
}

static void say_state(struct explaining *e, const struct preview_step *step,
		      const struct entry *entry, struct explain_export *out)
{
	out->text = step->text;
	out->state = step->found;
	if (preview_found(step, "pending")) {
		say_pending(e, step, entry, out);
	} else if (preview_found(step, "same")) {
		out->state = "written";
		if (image_get(&entry->awaiting.attrs, step->attr)) {
			out->state = "awaiting";
			out->text = arena_printf(
				e->arena,
				"written; the next import of %s confirms it",
				step->agent);
		}
	}
}

/* --- which ------------------------------------------------------------- */

static bool is_asked(const struct explaining *e,
		     const struct preview_step *step)
{
	const struct expr *source;

	if (!preview_is(step, "export-flow"))
		return false;
	if (e->out->view.in_cs)
		return step->cs == e->out->view.cs.id &&
		       (!e->asked || step->attr == e->asked);
	if (!e->asked)
		return true;
	source = step->number ? preview_source(e->display->config, step->number)
			      : NULL;
	return explain_reads(source, e->asked);
}

void explain_exports(struct explaining *e)
{
	static const struct entry nothing;
	const struct preview_step *step;
	struct entry entry = nothing;
	int64_t loaded = 0;

	e->out->exports = arena_array(e->arena, e->preview.steps.len,
				      sizeof(*e->out->exports));
	vec_foreach(&e->preview.steps, step) {
		struct explain_export *out =
			&e->out->exports[e->out->export_count];
		struct error ignored = ERROR_INIT;

		if (!is_asked(e, step))
			continue;
		if (loaded != step->cs &&
		    entry_load(e->display->store, step->cs, e->arena, &entry,
			       &ignored) <= 0)
			entry = nothing;
		loaded = step->cs;
		e->out->export_count++;
		out->agent = step->agent;
		out->cs = step->cs;
		out->object = step->object;
		out->name = step->attribute;
		out->rule = step->rule;
		if (!step->number)
			out->rule = NULL;
		out->source = step->source;
		out->wanted = step->values;
		out->has = step->before;
		add_reads(e, step->number, out);
		say_state(e, step, &entry, out);
	}
}
