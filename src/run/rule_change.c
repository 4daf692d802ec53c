/*
 * rule_change.c - rules that are others than at the last synchronization
 *
 * A synchronization tells which parts of the rules differ (sync/parts.c); here
 * they are found again in the files, so that a cause names file and line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/rule_change.h"

#include "inspect/preview.h"
#include "sync/sync.h"

#include <string.h>

struct rule_change {
	const char *text;
	const char *kind;
	const struct config_rule_set *rule_set; /* or NULL */
	attr_id attr; /* target's or metaverse's; or ATTR_NONE */
};

struct rule_changes {
	struct display *display;
	struct arena arena;
	VEC(struct rule_change) all;
};

struct rule_changes *rule_changes_new(struct display *display)
{
	struct rule_changes *changes = mem_zalloc(sizeof(*changes));

	changes->display = display;
	return changes;
}

void rule_changes_free(struct rule_changes *changes)
{
	if (!changes)
		return;
	vec_release(&changes->all);
	arena_release(&changes->arena);
	mem_free(changes);
}

/* ---- found in the files ---- */

static const struct config_rule_set *rule_set_of(struct rule_changes *changes,
						 const struct sync_rule *rule)
{
	const char *agent_name =
		store_name(changes->display->store, NAME_AGENT, rule->agent);
	const char *name = display_rule_set(changes->display, rule->number);
	const struct config_agent *agent =
		agent_name ? config_agent_find(changes->display->config,
					       sv_from(agent_name))
			   : NULL;
	size_t i;

	for (i = 0; agent && name && i < agent->rule_set_count; i++)
		if (!strcmp(agent->rule_sets[i].name, name))
			return &agent->rule_sets[i];
	return NULL;
}

static attr_id attr_of(const struct rule_changes *changes, struct sv name)
{
	const struct config *config = changes->display->config;
	attr_id attr;

	for (attr = ATTR_DN + 1; attr <= config->attr_count; attr++)
		if (sv_ieq_str(name, config->attr_names[attr]))
			return attr;
	return ATTR_NONE;
}

/* "agents/ad.yaml:12: title" */
static const char *flow_place(const struct config *config,
			      const struct rule_change *change)
{
	const struct config_rule_set *rs = change->rule_set;
	size_t i;

	if (!strcmp(change->kind, "export"))
		for (i = 0; i < rs->export_count; i++)
			if (rs->exports[i].attr == change->attr)
				return config->rule_texts[rs->exports[i].rule];
	if (!strcmp(change->kind, "import"))
		for (i = 0; i < rs->import_count; i++)
			if (rs->imports[i].mv_attr == change->attr)
				return config->rule_texts[rs->imports[i].rule];
	return NULL;
}

static const char *place_of(struct rule_changes *changes,
			    const struct rule_change *change)
{
	const struct config_rule_set *rs = change->rule_set;
	const struct node *at = rs ? rs->at : NULL;

	if (!rs)
		return NULL;
	if (change->attr)
		return flow_place(changes->display->config, change);
	if (!strcmp(change->kind, "provision"))
		at = rs->provision.at;
	else if (!strcmp(change->kind, "join") && rs->join_count)
		at = rs->joins[0].at;
	else if (!strcmp(change->kind, "filter") && rs->filter_at)
		at = rs->filter_at;
	return preview_rule(at, change->kind, &changes->arena);
}

/* "export title of ad.user": where the files have no such rule. */
static const char *part_of(struct rule_changes *changes,
			   const struct sync_rule *rule)
{
	struct store *store = changes->display->store;
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *name = store_name(store,
				      rule->number ? NAME_RULE_SET : NAME_TYPE,
				      rule->number ? rule->number : rule->type);
	const char *agent = store_name(store, NAME_AGENT, rule->agent);
	const char *out;

	strbuf_adds(&text, rule->kind);
	if (!sv_eq_str(rule->rest, "-"))
		strbuf_addf(&text, " " SV_FMT, SV_ARG(rule->rest));
	if (!rule->agent)
		name = store_name(store, NAME_MV_TYPE, rule->number);
	strbuf_addf(&text, " of %s%s%s", rule->agent ? "" : "the metaverse's ",
		    rule->agent && !rule->number && agent ? agent : "",
		    rule->agent && !rule->number ? "." : "");
	strbuf_adds(&text, name ? name : "?");
	out = arena_cstr(&changes->arena, strbuf_sv(&text));
	strbuf_release(&text);
	return out;
}

static const char *text_of(struct rule_changes *changes,
			   const struct sync_rule *rule,
			   const struct rule_change *change)
{
	static const char *const hows[] = { "is new", "changed", "is gone" };
	const char *place = NULL;

	if (!strcmp(rule->kind, "everything"))
		return "rules: those of the last synchronization are not known";
	if (rule->how != SYNC_RULE_GONE)
		place = place_of(changes, change);
	return arena_printf(&changes->arena, "rules: %s %s",
			    place ? place : part_of(changes, rule),
			    hows[rule->how]);
}

void rule_changes_add(struct rule_changes *changes,
		      const struct sync_rule *rule)
{
	struct rule_change change = { .rule_set = NULL };
	const struct rule_change *known;

	change.kind = arena_cstr(&changes->arena, sv_from(rule->kind));
	if (rule->number && rule->agent)
		change.rule_set = rule_set_of(changes, rule);
	if (!sv_eq_str(rule->rest, "-"))
		change.attr = attr_of(changes, rule->rest);
	change.text = text_of(changes, rule, &change);
	vec_foreach(&changes->all, known)
		if (!strcmp(known->text, change.text))
			return;
	vec_push(&changes->all, change);
}

/* ---- what they decide ---- */

static bool is(const struct rule_change *change, const char *kind)
{
	return !strcmp(change->kind, kind);
}

static bool decides(const struct rule_change *change,
		    const struct config_rule_set *rule_set, attr_id attr,
		    const struct reach_path *path)
{
	if (is(change, "export"))
		return attr && change->rule_set == rule_set &&
		       change->attr == attr;
	if (is(change, "import") || is(change, "attribute") ||
	    is(change, "rank"))
		return change->attr && reach_reads(path, change->attr);
	if (is(change, "provision") || is(change, "deprovision"))
		return !attr && change->rule_set == rule_set;
	return !attr && is(change, "provisioning");
}

void rule_changes_reaching(const struct rule_changes *changes,
			   const struct config_rule_set *rule_set, attr_id attr,
			   const struct reach_path *path,
			   void (*fn)(void *data, const char *text), void *data)
{
	const struct rule_change *change;

	vec_foreach(&changes->all, change)
		if (decides(change, rule_set, attr, path))
			fn(data, change->text);
}

void rule_changes_general(const struct rule_changes *changes,
			  void (*fn)(void *data, const char *text), void *data)
{
	static const char *const kinds[] = { "select",       "filter",
					     "join",         "project",
					     "provision",    "deprovision",
					     "provisioning", "read",
					     "everything",   NULL };
	const struct rule_change *change;
	size_t i;

	vec_foreach(&changes->all, change)
		for (i = 0; kinds[i]; i++)
			if (is(change, kinds[i]))
				fn(data, change->text);
}
