/*
 * explain.c - put an explanation together
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/explain_private.h"

#include <string.h>

/* --- what the parts share ---------------------------------------------- */

struct reading {
	attr_id attr;
	bool found;
};

static void on_read(void *data, enum expr_view view, uint32_t id)
{
	struct reading *reading = data;

	if (id == reading->attr &&
	    (view == EXPR_VIEW_HERE || view == EXPR_VIEW_IMPORTED))
		reading->found = true;
}

bool explain_reads(const struct expr *expr, attr_id attr)
{
	struct reading reading = { attr, false };

	if (expr)
		expr_reads(expr, on_read, &reading);
	return reading.found;
}

struct display_texts explain_texts(struct explaining *e, attr_id attr,
				   const struct values *values)
{
	const char *name = store_attr_name(e->display->store, attr);
	struct display_texts texts = { NULL, 0 };
	struct error ignored = ERROR_INIT;
	size_t i;

	if (!values || !values->len)
		return texts;
	texts.at = arena_array(e->arena, values->len, sizeof(*texts.at));
	texts.len = values->len;
	for (i = 0; i < values->len; i++) {
		texts.at[i] = SV_LIT("(secret)");
		if (!name || !display_is_secret(name))
			(void)display_value(e->display, &values->at[i],
					    DISPLAY_MV, e->arena, &texts.at[i],
					    &ignored);
	}
	return texts;
}

/* --- the attribute that was asked for ---------------------------------- */

static attr_id find_name(const struct explaining *e, const char *name)
{
	const char *known;
	attr_id id;

	for (id = 1; (known = store_attr_name(e->display->store, id)); id++)
		if (sv_ieq_str(sv_from(name), known))
			return id;
	return ATTR_NONE;
}

static bool has_mv_attr(const struct explaining *e, attr_id attr)
{
	return image_get(&e->image, attr) ||
	       (e->type && config_mv_attr_find(e->type, attr));
}

static const struct object_type *cs_type(const struct explaining *e)
{
	const struct display_cs *cs = &e->out->view.cs;
	const struct config_agent *agent =
		config_agent_find(e->display->config, sv_from(cs->agent));
	size_t i;

	for (i = 0; agent && i < agent->type_count; i++)
		if (sv_ieq_str(sv_from(cs->type), agent->types[i].name))
			return &agent->types[i];
	return NULL;
}

static bool has_cs_attr(const struct explaining *e, const char *name)
{
	const struct object_type *type = cs_type(e);
	const struct display_attrs *attrs = &e->out->view.cs.expected;
	size_t i;

	if (type && object_type_attr(type, sv_from(name), &i))
		return true;
	for (i = 0; i < attrs->len; i++)
		if (sv_ieq_str(sv_from(name), attrs->at[i].name))
			return true;
	return false;
}

/* The names that an attribute of the object may have: the number of them. */
static size_t all_names(const struct explaining *e, const char ***out)
{
	const struct object_type *type = e->out->view.in_cs ? cs_type(e) : NULL;
	size_t count = type ? type->attr_count : 0;
	size_t i;

	if (!e->out->view.in_cs && e->type)
		count = e->type->attr_count;
	*out = arena_array(e->arena, count, sizeof(**out));
	for (i = 0; i < count; i++)
		(*out)[i] = type ? type->attrs[i].name
				 : e->type->attrs[i].attr.def.name;
	return count;
}

static const char *nearest(const struct explaining *e, const char *name)
{
	const char **names;
	size_t count = all_names(e, &names);
	const char *near = sv_nearest(sv_from(name), names, count);

	return near ? arena_printf(e->arena, ": did you mean '%s'?", near) : "";
}

static int read_asked(struct explaining *e, const char *name, struct error *err)
{
	const struct subject_view *view = &e->out->view;
	const char *near;

	if (!name)
		return 0;
	e->asked = find_name(e, name);
	e->out->attribute = store_attr_name(e->display->store, e->asked);
	if (e->asked &&
	    (view->in_cs ? has_cs_attr(e, name) : has_mv_attr(e, e->asked)))
		return 0;
	near = nearest(e, name);
	if (!view->in_cs)
		return error_set(err, ERR_NOTFOUND,
				 "type '%s' of the metaverse has no attribute "
				 "'%s'%s",
				 view->mv.type, name, near);
	if (!*near && e->asked && e->mv && has_mv_attr(e, e->asked))
		near = arena_printf(e->arena,
				    "; it is one of mv %lld: explain that",
				    (long long)e->mv);
	return error_set(err, ERR_NOTFOUND,
			 "type '%s' of agent '%s' has no attribute '%s'%s",
			 view->cs.type, view->cs.agent, name, near);
}

static void add_own(struct explaining *e)
{
	const struct display_attrs *attrs = &e->out->view.cs.expected;
	size_t i;

	for (i = 0; e->out->attribute && i < attrs->len; i++)
		if (sv_ieq_str(sv_from(e->out->attribute), attrs->at[i].name))
			e->out->own = attrs->at[i].values;
}

/* --- the whole --------------------------------------------------------- */

static int load_mv(struct explaining *e, struct error *err)
{
	const struct store *store = e->display->store;
	struct mv_row row;
	struct member *rows;
	int members;
	int ret;

	if (!e->mv)
		return 0;
	ret = store_mv_get(e->display->store, e->mv, e->arena, &row, err);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return error_set(err, ERR_CORRUPT,
				 "mv %lld, to which the object is linked, is "
				 "missing",
				 (long long)e->mv);
	members = mv_image_members(e->display->store, &row, e->arena, &e->image,
				   &rows, err);
	if (members < 0)
		return -1;
	lineage_decode(row.lineage, store_attr_map(store), e->arena,
		       &e->lineage);
	lineage_lay(&e->lineage, rows, (size_t)members, store_attr_map(store),
		    e->arena);
	e->type = config_mv_type_find(
		e->display->config,
		sv_from(store_name(e->display->store, NAME_MV_TYPE, row.type)));
	return 0;
}

static int explain_parts(struct explaining *e, struct error *err)
{
	bool in_cs = e->out->view.in_cs;

	if (e->mv && explain_attrs(e, err) < 0)
		return -1;
	if (!in_cs && explain_links(e, err) < 0)
		return -1;
	if (!in_cs) {
		explain_provisions(e);
		explain_absences(e);
	}
	if (e->mv)
		explain_exports(e);
	add_own(e);
	if (in_cs)
		explain_state(e);
	return 0;
}

int explain_object(struct display *display, const struct subject *subject,
		   const char *attribute, struct arena *arena,
		   struct explain *out, struct error *err)
{
	struct explaining e = {
		.display = display,
		.arena = arena,
		.out = out,
	};
	struct subject about = *subject;
	int ret;

	memset(out, 0, sizeof(*out));
	if (subject_load(display, subject, arena, &out->view, err) < 0)
		return -1;
	e.mv = out->view.in_cs ? out->view.cs.mv : subject->mv;
	if (e.mv)
		about = (struct subject){ 0, e.mv };
	if (load_mv(&e, err) < 0 || read_asked(&e, attribute, err) < 0 ||
	    preview_run(display, &about, arena, &e.preview, err) < 0)
		return -1;
	out->failed = e.preview.failed;
	out->code = e.preview.code;
	out->message = e.preview.message;
	ret = explain_parts(&e, err);
	preview_release(&e.preview);
	return ret;
}
