/*
 * display.c - rows of the store to names and texts
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/display.h"

#include "base/seal.h"
#include "base/strbuf.h"
#include "model/secret_attr.h"
#include "store/past.h"
#include "store/retry.h"

#include <string.h>

const char *const display_states[] = {
	"connector",
	"explicit-connector",
	"disconnector",
	"filtered-disconnector",
	"explicit-disconnector",
	"placeholder",
	"container",
	"transient",
	NULL,
};

void display_init(struct display *display, struct store *store,
		  const struct config *config)
{
	memset(display, 0, sizeof(*display));
	display->store = store;
	display->config = config;
}

void display_release(struct display *display)
{
	struct tree **tree;

	vec_foreach(&display->trees, tree) {
		tree_release(*tree);
		mem_free(*tree);
	}
	vec_release(&display->trees);
	vec_release(&display->secrets);
	idmap_release(&display->names);
	arena_release(&display->name_texts);
}

void display_keep_names(struct display *display)
{
	display->keep_names = true;
}

struct tree *display_tree(struct display *display, uint32_t agent)
{
	struct tree **known;
	struct tree *tree;

	vec_foreach(&display->trees, known)
		if ((*known)->agent == agent)
			return *known;
	tree = mem_alloc(sizeof(*tree));
	tree_init(tree, display->store, agent);
	vec_push(&display->trees, tree);
	return tree;
}

const char *display_cs_id(int64_t id, struct arena *arena)
{
	return arena_printf(arena, "%u:%lld", CS_AGENT(id),
			    (long long)CS_SEQUENCE(id));
}

int display_cs_id_parse(struct sv text, int64_t *out)
{
	size_t colon = sv_find(text, ':', 0);
	int64_t agent;
	int64_t sequence;

	if (colon == text.len || !sv_to_i64(sv_sub(text, 0, colon), &agent) ||
	    !sv_to_i64(sv_sub(text, colon + 1, text.len), &sequence) ||
	    agent < 1 || agent > UINT16_MAX || sequence < 1 ||
	    sequence >> CS_AGENT_SHIFT)
		return 0;
	*out = CS_ID(agent, sequence);
	return 1;
}

const char *display_rule_set(struct display *display, uint32_t number)
{
	const char *name = store_name(display->store, NAME_RULE_SET, number);
	const char *dot = name ? strchr(name, '.') : NULL;

	return dot ? dot + 1 : name;
}

/* --- names ------------------------------------------------------------- */

static int written_dn(struct display *display, const struct entry *entry,
		      struct arena *arena, struct sv *out, struct error *err)
{
	struct tree *tree = display_tree(display, CS_AGENT(entry->row.id));
	enum tree_view which = TREE_EXPECTED;
	int64_t parent;
	struct sv rdn;

	entry_written_name(entry, &parent, &rdn);
	if (!rdn.len)
		entry_expected_name(entry, &parent, &rdn);
	else if (!entry->awaiting.rdn.len)
		which = TREE_IMPORTED;
	return tree_dn(tree, parent, rdn, which, arena, out, err);
}

static void copy_name(struct export_state *state,
		      const struct pending_export *row)
{
	state->op = row->op;
	state->parent = row->parent;
	state->rdn = row->rdn;
}

int display_cs_name(struct display *display, int64_t id, struct arena *arena,
		    struct sv *dn_out, struct sv *anchor_out, struct error *err)
{
	struct pending_export row;
	struct entry entry;
	int ret;

	memset(&entry, 0, sizeof(entry));
	*dn_out = SV_NULL;
	*anchor_out = SV_NULL;
	ret = store_cs_get(display->store, id, arena, &entry.row, err);
	if (ret <= 0)
		return ret;
	*anchor_out = entry.row.anchor;
	if (store_awaiting_get(display->store, id, arena, &row, err) < 0)
		return -1;
	copy_name(&entry.awaiting, &row);
	if (store_pending_export_get(display->store, id, arena, &row, err) < 0)
		return -1;
	copy_name(&entry.pending, &row);
	if (written_dn(display, &entry, arena, dn_out, err) < 0)
		return -1;
	return 1;
}

/* --- values ------------------------------------------------------------ */

#define NAMES_MOST ((size_t)16 << 20) /* bytes of kept names */

static struct sv *kept_name(const struct display *display, int64_t id)
{
	return display->keep_names
		       ? idmap_get_ptr(&display->names, (uint64_t)id)
		       : NULL;
}

static void keep_name(struct display *display, int64_t id, struct sv name)
{
	struct sv *kept;

	if (!display->keep_names)
		return;
	if (arena_size(&display->name_texts) > NAMES_MOST) {
		idmap_clear(&display->names);
		arena_reset(&display->name_texts);
	}
	kept = arena_alloc(&display->name_texts, sizeof(*kept));
	*kept = arena_dup(&display->name_texts, name);
	idmap_put_ptr(&display->names, (uint64_t)id, kept);
}

/* DN or anchor; empty: there is no such object. */
static int cs_text(struct display *display, int64_t id, struct arena *arena,
		   struct sv *out, struct error *err)
{
	const struct sv *kept = kept_name(display, id);
	struct sv dn;
	struct sv anchor;

	if (kept) {
		*out = arena_dup(arena, *kept);
		return 0;
	}
	if (display_cs_name(display, id, arena, &dn, &anchor, err) < 0)
		return -1;
	*out = dn.len ? dn : anchor;
	keep_name(display, id, *out);
	return 0;
}

static int reference_text(struct display *display, const struct value *value,
			  enum display_space space, struct arena *arena,
			  struct sv *out, struct error *err)
{
	struct sv name;

	if (!value->number) {
		*out = value->text;
		return 0;
	}
	*out = sv_from(arena_printf(arena, "%s%lld",
				    space == DISPLAY_MV ? "mv " : "#",
				    (long long)value->number));
	if (space == DISPLAY_MV)
		return 0;
	if (cs_text(display, value->number, arena, &name, err) < 0)
		return -1;
	if (name.len)
		*out = name;
	return 0;
}

int display_value(struct display *display, const struct value *value,
		  enum display_space space, struct arena *arena, struct sv *out,
		  struct error *err)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);

	if (value->type == VALUE_REFERENCE)
		return reference_text(display, value, space, arena, out, err);
	if (seal_is(value->text)) {
		*out = SV_LIT("(secret)");
		return 0;
	}
	if (value->type != VALUE_BINARY) {
		*out = value_text(value, arena);
		return 0;
	}
	strbuf_add_base64(&text, value->text);
	*out = arena_dup(arena, strbuf_sv(&text));
	strbuf_release(&text);
	return 0;
}

bool display_is_secret(const char *attr)
{
	return attr_is_secret(attr);
}

static struct sv first_of(const struct display_attrs *attrs, const char *name)
{
	size_t i;

	for (i = 0; i < attrs->len; i++)
		if (sv_ieq_str(sv_from(name), attrs->at[i].name) &&
		    attrs->at[i].values.len)
			return attrs->at[i].values.at[0];
	return SV_NULL;
}

struct sv display_title(const struct display_attrs *attrs)
{
	static const char *const names[] = { "displayName", "cn",        "name",
					     "uid",         "mail",      "ou",
					     "accountName", "employeeID" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct sv value = first_of(attrs, names[i]);

		if (value.len)
			return value;
	}
	return SV_NULL;
}

static const char *attr_name(struct display *display, uint32_t attr)
{
	const char *name = store_attr_name(display->store, attr);

	return name ? name : "?";
}

static bool is_secret(struct display *display, uint32_t attr)
{
	while (display->secrets.len <= attr)
		vec_push(&display->secrets, 0);
	if (!display->secrets.at[attr])
		display->secrets.at[attr] =
			display_is_secret(attr_name(display, attr)) ? 'y' : 'n';
	return display->secrets.at[attr] == 'y';
}

static int texts(struct display *display, uint32_t attr,
		 const struct values *values, enum display_space space,
		 struct arena *arena, struct display_texts *out,
		 struct error *err)
{
	bool secret;
	size_t i;

	out->len = 0;
	out->at = NULL;
	if (!values || !values->len)
		return 0;
	secret = is_secret(display, attr);
	out->at = arena_array(arena, values->len, sizeof(*out->at));
	for (i = 0; i < values->len; i++) {
		struct sv *text = &out->at[out->len++];

		if (secret)
			*text = SV_LIT("(secret)");
		else if (display_value(display, &values->at[i], space, arena,
				       text, err) < 0)
			return -1;
	}
	return 0;
}

int display_values(struct display *display, uint32_t attr,
		   const struct values *values, enum display_space space,
		   struct arena *arena, struct display_texts *out,
		   struct error *err)
{
	return texts(display, attr, values, space, arena, out, err);
}

static int attrs_of(struct display *display, const struct image *image,
		    enum display_space space, struct arena *arena,
		    struct display_attrs *out, struct error *err)
{
	size_t i;

	out->len = image->len;
	out->at = arena_array(arena, image->len, sizeof(*out->at));
	for (i = 0; i < image->len; i++) {
		const struct image_attr *attr = &image->attrs[i];

		out->at[i].name = attr_name(display, attr->attr);
		if (texts(display, attr->attr, &attr->values, space, arena,
			  &out->at[i].values, err) < 0)
			return -1;
	}
	return 0;
}

/* What `change` makes of `base`. */
static int changes_of(struct display *display, const struct image *base,
		      const struct image *change, struct arena *arena,
		      struct display_change **out, size_t *count_out,
		      struct error *err)
{
	size_t i;

	*count_out = change->len;
	*out = arena_array(arena, change->len, sizeof(**out));
	for (i = 0; i < change->len; i++) {
		const struct image_attr *attr = &change->attrs[i];
		struct display_change *item = &(*out)[i];

		item->name = attr_name(display, attr->attr);
		item->attr = attr->attr;
		if (texts(display, attr->attr, image_get(base, attr->attr),
			  DISPLAY_CS, arena, &item->before, err) < 0 ||
		    texts(display, attr->attr, &attr->values, DISPLAY_CS, arena,
			  &item->after, err) < 0)
			return -1;
	}
	return 0;
}

/* --- connector space --------------------------------------------------- */

const char *display_state(const struct entry *entry)
{
	if (entry->row.flags & CS_PLACEHOLDER)
		return "placeholder";
	if (entry->row.flags & CS_TRANSIENT)
		return "transient";
	if (entry->row.flags & CS_CONTAINER)
		return "container";
	if (!entry->has_link)
		return "disconnector";
	if (entry->link.mv)
		return entry->link.state == LINK_EXPLICIT ? "explicit-connector"
							  : "connector";
	switch (entry->link.state) {
	case LINK_NORMAL:
		return "disconnector";
	case LINK_EXPLICIT:
		return "explicit-disconnector";
	case LINK_FILTERED:
		return "filtered-disconnector";
	}
	return "disconnector";
}

static const char *import_name(enum import_op op)
{
	switch (op) {
	case IMPORT_NONE:
		return NULL;
	case IMPORT_ADD:
		return "add";
	case IMPORT_UPDATE:
		return "update";
	case IMPORT_DELETE_ADD:
		return "delete-add";
	case IMPORT_DELETE:
		return "delete";
	}
	return NULL;
}

static const char *export_name(const struct export_state *state)
{
	switch (state->op) {
	case PENDING_NONE:
		return NULL;
	case PENDING_ADD:
		return "add";
	case PENDING_UPDATE:
		return state->rdn.len ? "rename" : "update";
	case PENDING_DELETE_ADD:
		return "delete-add";
	case PENDING_DELETE:
		return "delete";
	}
	return NULL;
}

static int display_import(struct display *display, const struct entry *entry,
			  struct arena *arena, struct display_cs *out,
			  struct error *err)
{
	struct image change;

	out->import = import_name(entry->import);
	out->renamed = entry->renamed;
	out->old_dn = entry->old_dn;
	if (entry->import == IMPORT_NONE || entry->import == IMPORT_DELETE)
		return 0;
	change = image_diff(&entry->synced, &entry->image, arena);
	return changes_of(display, &entry->synced, &change, arena,
			  &out->import_changes, &out->import_change_count, err);
}

int display_retry(struct display *display, int64_t id,
		  struct display_retry *out, struct error *err)
{
	struct retry_row row;
	int64_t runs;
	int ret = retry_get(display->store, id, NULL, &row, err);

	memset(out, 0, sizeof(*out));
	if (ret <= 0)
		return ret;
	runs = retry_runs(display->store, CS_AGENT(id), err);
	if (runs < 0)
		return -1;
	out->failed = true;
	out->failures = row.failures;
	out->quarantined = row.since;
	out->held = retry_is_held(&row);
	out->runs = row.next > runs ? row.next - runs : 1;
	return 1;
}

static int display_export(struct display *display, const struct entry *entry,
			  const struct export_state *state,
			  const struct image *base, struct arena *arena,
			  struct display_export *out, struct error *err)
{
	static const struct image nothing;
	bool anew = state->op == PENDING_ADD || state->op == PENDING_DELETE_ADD;

	out->operation = export_name(state);
	out->in_progress = state->in_progress;
	if (!out->operation)
		return 0;
	if (state->rdn.len &&
	    tree_dn(display_tree(display, CS_AGENT(entry->row.id)),
		    state->parent, state->rdn, TREE_EXPECTED, arena, &out->dn,
		    err) < 0)
		return -1;
	return changes_of(display, anew ? &nothing : base, &state->attrs, arena,
			  &out->changes, &out->change_count, err);
}

static int display_error(struct display *display, int64_t id,
			 struct arena *arena, struct display_cs *out,
			 struct error *err)
{
	static const enum cs_error_kind kinds[] = { ERROR_NAME, ERROR_SYNC,
						    ERROR_EXPORT,
						    ERROR_IMPORT };
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		int ret = store_error_get(display->store, id, kinds[i], arena,
					  &out->error, err);

		if (ret < 0)
			return -1;
		if (ret > 0) {
			out->has_error = true;
			return 0;
		}
	}
	return 0;
}

static const char *name_of(struct display *display, enum store_name_kind kind,
			   uint32_t number)
{
	const char *name = store_name(display->store, kind, number);

	return name ? name : "";
}

static void display_head(struct display *display, const struct entry *entry,
			 struct display_cs *out)
{
	memset(out, 0, sizeof(*out));
	out->id = entry->row.id;
	out->agent = name_of(display, NAME_AGENT, CS_AGENT(out->id));
	out->type = name_of(display, NAME_TYPE, entry->row.type);
	out->state = display_state(entry);
	out->anchor = entry->row.anchor;
	out->mv = entry->has_link ? entry->link.mv : 0;
	if (entry->has_link && entry->link.rule_set)
		out->rule_set = display_rule_set(display, entry->link.rule_set);
	out->has_image = entry->row.has_image;
}

int display_cs_pending(struct display *display, const struct entry *entry,
		       struct arena *arena, struct display_cs *out,
		       struct error *err)
{
	struct image written = entry_written(entry, arena);

	display_head(display, entry, out);
	if (written_dn(display, entry, arena, &out->dn, err) < 0)
		return -1;
	return display_export(display, entry, &entry->pending, &written, arena,
			      &out->pending, err);
}

int display_cs(struct display *display, const struct entry *entry,
	       struct arena *arena, struct display_cs *out, struct error *err)
{
	struct image written = entry_written(entry, arena);
	struct image expected = entry_expected(entry, arena);

	display_head(display, entry, out);
	if (written_dn(display, entry, arena, &out->dn, err) < 0 ||
	    attrs_of(display, &expected, DISPLAY_CS, arena, &out->expected,
		     err) < 0 ||
	    attrs_of(display, &entry->image, DISPLAY_CS, arena, &out->image,
		     err) < 0)
		return -1;
	if (display_import(display, entry, arena, out, err) < 0 ||
	    display_export(display, entry, &entry->awaiting, &entry->image,
			   arena, &out->awaiting, err) < 0 ||
	    display_export(display, entry, &entry->pending, &written, arena,
			   &out->pending, err) < 0)
		return -1;
	if (out->pending.operation &&
	    display_retry(display, entry->row.id, &out->pending.retry, err) < 0)
		return -1;
	return display_error(display, out->id, arena, out, err);
}

/* --- metaverse --------------------------------------------------------- */

static int connectors_of(struct display *display, int64_t mv,
			 struct arena *arena, struct display_mv *out,
			 struct error *err)
{
	struct link_row *links;
	int count = store_link_of_mv(display->store, mv, arena, &links, err);
	int i;

	if (count < 0)
		return -1;
	out->connector_count = (size_t)count;
	out->connectors =
		arena_array(arena, (size_t)count, sizeof(*out->connectors));
	for (i = 0; i < count; i++) {
		struct display_connector *item = &out->connectors[i];

		item->cs = links[i].cs;
		item->agent = name_of(display, NAME_AGENT, CS_AGENT(item->cs));
		item->rule_set = display_rule_set(display, links[i].rule_set);
		if (display_cs_name(display, item->cs, arena, &item->dn,
				    &item->anchor, err) < 0)
			return -1;
	}
	return 0;
}

int display_mv(struct display *display, const struct mv_row *row,
	       struct arena *arena, struct display_mv *out, struct error *err)
{
	struct image image;

	memset(out, 0, sizeof(*out));
	out->id = row->id;
	uuid_format(row->guid, out->guid);
	out->type = name_of(display, NAME_MV_TYPE, row->type);
	if (mv_image(display->store, row, arena, &image, err) < 0)
		return error_context(err, "metaverse object %lld",
				     (long long)row->id);
	if (attrs_of(display, &image, DISPLAY_MV, arena, &out->attrs, err) < 0)
		return -1;
	return connectors_of(display, row->id, arena, out, err);
}

int display_mv_was(struct display *display, const struct mv_row *row,
		   const struct image *image, const struct past_link *links,
		   size_t link_count, struct arena *arena,
		   struct display_mv *out, struct error *err)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	out->id = row->id;
	uuid_format(row->guid, out->guid);
	out->type = name_of(display, NAME_MV_TYPE, row->type);
	out->connectors =
		arena_array(arena, link_count + 1, sizeof(*out->connectors));
	out->connector_count = link_count;
	for (i = 0; i < link_count; i++) {
		struct display_connector *item = &out->connectors[i];

		memset(item, 0, sizeof(*item));
		item->cs = links[i].cs;
		item->agent = name_of(display, NAME_AGENT, CS_AGENT(item->cs));
		item->rule_set = display_rule_set(display, links[i].rule_set);
		if (display_cs_name(display, item->cs, arena, &item->dn,
				    &item->anchor, err) < 0)
			return -1;
	}
	return attrs_of(display, image, DISPLAY_MV, arena, &out->attrs, err);
}
