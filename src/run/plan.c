/*
 * plan.c - what exports would write, with cause and rule of each
 *
 * Before the syncs it is noted what was staged, by object and by what that is
 * linked to; afterwards the pending exports are laid beside it. Rules are known
 * from the configuration; where several write one attribute a preview of the
 * object tells which did.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/plan.h"

#include "export/export.h"
#include "inspect/pending.h"
#include "inspect/preview.h"
#include "model/dn.h"
#include "store/cs.h"

#include <string.h>

#define CHUNK      256
#define NAMED_MOST 4

struct plan {
	struct display *display;
	struct run_options options;
	struct run_hooks hooks; /* the caller's, but for warnings */
	const struct run_hooks *told;
	struct arena arena;
	struct idmap texts;  /* hash of a text -> it */
	attr_id admin_count; /* or 0 */
	struct idmap causes; /* connector space id -> const char * */
	struct idmap before; /* those that were pending already */
	struct idmap notes;  /* cs -> const char *: not by the rules */
	const char *rules;   /* "the rules have changed (...)", or NULL */
};

/* ---- made and run ---- */

static const char RULES[] = "the rules have changed (";

/* The rules that changed are the cause of what no source caused. */
static void on_warning(void *data, const char *text)
{
	struct plan *plan = data;
	const char *end = strstr(text, "): ");

	if (!plan->rules && end && sv_starts(sv_from(text), sv_from(RULES)))
		plan->rules =
			arena_printf(&plan->arena, "rules: %.*s",
				     (int)(end - text - sizeof(RULES) + 1),
				     text + sizeof(RULES) - 1);
	if (plan->told && plan->told->warning)
		plan->told->warning(plan->told->data, text);
}

static void on_run_begin(void *data, int64_t run, const char *agent,
			 const char *profile)
{
	const struct run_hooks *told = ((struct plan *)data)->told;

	if (told && told->run_begin)
		told->run_begin(told->data, run, agent, profile);
}

static void on_step_begin(void *data, int number, const char *kind)
{
	const struct run_hooks *told = ((struct plan *)data)->told;

	if (told && told->step_begin)
		told->step_begin(told->data, number, kind);
}

static int on_progress(void *data, uint64_t objects, int permille)
{
	const struct run_hooks *told = ((struct plan *)data)->told;

	return told && told->progress
		       ? told->progress(told->data, objects, permille)
		       : 0;
}

static void on_step_end(void *data, const struct run_step *step)
{
	const struct run_hooks *told = ((struct plan *)data)->told;

	if (told && told->step_end)
		told->step_end(told->data, step);
}

static void on_run_end(void *data, int64_t run, const char *result,
		       enum run_exit exit)
{
	const struct run_hooks *told = ((struct plan *)data)->told;

	if (told && told->run_end)
		told->run_end(told->data, run, result, exit);
}

struct plan *plan_new(struct display *display,
		      const struct run_options *options)
{
	const struct run_hooks hooks = {
		.run_begin = on_run_begin,
		.step_begin = on_step_begin,
		.progress = on_progress,
		.step_end = on_step_end,
		.run_end = on_run_end,
		.warning = on_warning,
	};
	struct plan *plan = mem_zalloc(sizeof(*plan));
	attr_id attr;

	plan->display = display;
	plan->options = *options;
	plan->told = options->hooks;
	plan->hooks = hooks;
	plan->hooks.data = plan;
	plan->options.hooks = &plan->hooks;
	for (attr = 1; attr <= display->config->attr_count; attr++)
		if (sv_ieq_str(SV_LIT("adminCount"),
			       display->config->attr_names[attr]))
			plan->admin_count = attr;
	return plan;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	idmap_release(&plan->texts);
	idmap_release(&plan->causes);
	idmap_release(&plan->before);
	idmap_release(&plan->notes);
	arena_release(&plan->arena);
	mem_free(plan);
}

/* ---- causes ---- */

static const char *attr_name(struct plan *plan, attr_id attr)
{
	const char *name = store_attr_name(plan->display->store, attr);

	return name ? name : "?";
}

static void add_changed(struct plan *plan, const struct entry *entry,
			struct arena *arena, struct strbuf *out)
{
	struct image change = image_diff(&entry->synced, &entry->image, arena);
	size_t i;

	if (entry->renamed)
		strbuf_adds(out, change.len ? "name, " : "name");
	for (i = 0; i < change.len && i < NAMED_MOST; i++) {
		strbuf_adds(out, i ? ", " : "");
		strbuf_adds(out, attr_name(plan, change.attrs[i].attr));
	}
	if (change.len > NAMED_MOST)
		strbuf_addf(out, " and %zu more", change.len - NAMED_MOST);
	strbuf_adds(out, " changed");
}

/* One text for all that have the same. */
static const char *keep_text(struct plan *plan, struct sv text)
{
	uint64_t h = hash64(store_hash_key(plan->display->store), text);
	const char *kept = idmap_get_ptr(&plan->texts, h);

	if (!kept || !sv_eq_str(text, kept)) {
		kept = arena_cstr(&plan->arena, text);
		idmap_put_ptr(&plan->texts, h, (void *)(uintptr_t)kept);
	}
	return kept;
}

static const char *cause_of(struct plan *plan, const struct entry *entry,
			    struct arena *arena)
{
	struct store *store = plan->display->store;
	const char *type = store_name(store, NAME_TYPE, entry->row.type);
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *cause;

	if (!type)
		type = "object";
	strbuf_adds(&text,
		    store_name(store, NAME_AGENT, CS_AGENT(entry->row.id)));
	strbuf_adds(&text, ": ");
	if (entry->import == IMPORT_ADD)
		strbuf_addf(&text, "new %s", type);
	else if (entry->import == IMPORT_DELETE)
		strbuf_addf(&text, "%s gone", type);
	else if (entry->import == IMPORT_DELETE_ADD)
		strbuf_addf(&text, "another %s under the same anchor", type);
	else
		add_changed(plan, entry, arena, &text);
	cause = keep_text(plan, strbuf_sv(&text));
	strbuf_release(&text);
	return cause;
}

static void put_cause(struct plan *plan, int64_t id, const char *cause)
{
	if (!idmap_get(&plan->causes, (uint64_t)id, NULL))
		idmap_put_ptr(&plan->causes, (uint64_t)id,
			      (void *)(uintptr_t)cause);
}

void plan_note(struct plan *plan, int64_t cs, const char *cause,
	       const char *note)
{
	put_cause(plan, cs, cause);
	idmap_put_ptr(&plan->notes, (uint64_t)cs,
		      (void *)(uintptr_t)(note ? note : ""));
}

/* It may lose its link in the sync, so its fellows are noted too. */
static int note_import(struct plan *plan, int64_t id, struct arena *arena,
		       struct error *err)
{
	struct link_row *links;
	struct entry entry;
	const char *cause;
	int ret = entry_load(plan->display->store, id, arena, &entry, err);
	int i;

	if (ret <= 0)
		return ret;
	cause = cause_of(plan, &entry, arena);
	put_cause(plan, id, cause);
	if (!entry.link.mv)
		return 0;
	ret = store_link_of_mv(plan->display->store, entry.link.mv, arena,
			       &links, err);
	for (i = 0; i < ret; i++)
		put_cause(plan, links[i].cs, cause);
	return ret < 0 ? -1 : 0;
}

static int note_imports(struct plan *plan, uint32_t agent, struct error *err)
{
	struct arena arena = ARENA_INIT;
	int64_t ids[CHUNK];
	int64_t after = 0;
	int count = 0;
	int ret = 0;
	int i;

	while (ret == 0 &&
	       (count = pending_ids(plan->display->store, PENDING_IMPORTS,
				    agent, after, ids, CHUNK, err)) > 0) {
		for (i = 0; i < count && ret == 0; i++) {
			ret = note_import(plan, ids[i], &arena, err);
			arena_reset(&arena);
		}
		after = ids[count - 1];
	}
	arena_release(&arena);
	return ret < 0 || count < 0 ? -1 : 0;
}

static int note_exports(struct plan *plan, uint32_t agent, struct error *err)
{
	int64_t ids[CHUNK];
	int64_t after = 0;
	int count;
	int i;

	while ((count = pending_ids(plan->display->store, PENDING_EXPORTS,
				    agent, after, ids, CHUNK, err)) > 0) {
		for (i = 0; i < count; i++)
			idmap_put(&plan->before, (uint64_t)ids[i], 1);
		after = ids[count - 1];
	}
	return count;
}

/* Between imports and syncs. */
static int note_all(void *data, struct error *err)
{
	struct plan *plan = data;
	struct store *store = plan->display->store;
	uint32_t number;
	int ret = store_read_begin(store, err);

	if (ret < 0)
		return -1;
	for (number = 1; ret == 0 && store_name(store, NAME_AGENT, number);
	     number++) {
		ret = note_imports(plan, number, err);
		if (ret == 0)
			ret = note_exports(plan, number, err);
	}
	store_read_end(store);
	return ret < 0 ? -1 : 0;
}

enum run_exit plan_run(struct plan *plan, bool imports, struct error *err)
{
	return run_syncs(plan->display->store, plan->display->config,
			 &plan->options, imports, note_all, plan, err);
}

/* What its metaverse object's connectors had staged. */
static const char *find_cause(struct plan *plan, const struct entry *entry,
			      struct arena *arena, struct error *err)
{
	const char *cause =
		idmap_get_ptr(&plan->causes, (uint64_t)entry->row.id);
	int64_t mv = entry->link.mv ? entry->link.mv : entry->link.last_mv;
	struct link_row *links;
	int count = 0;
	int i;

	if (!cause && mv)
		count = store_link_of_mv(plan->display->store, mv, arena,
					 &links, err);
	if (count < 0)
		return NULL;
	for (i = 0; i < count && !cause; i++)
		cause = idmap_get_ptr(&plan->causes, (uint64_t)links[i].cs);
	if (!cause && idmap_get(&plan->before, (uint64_t)entry->row.id, NULL))
		cause = "an earlier synchronization";
	if (!cause)
		cause = plan->rules;
	return cause ? cause
		     : "other objects: references, names, or a time that came";
}

/* ---- rules ---- */

static const struct config_rule_set *
rule_set_of(struct plan *plan, const struct display_cs *object)
{
	const struct config_agent *agent = config_agent_find(
		plan->display->config, sv_from(object->agent));
	size_t i;

	for (i = 0; agent && object->rule_set && i < agent->rule_set_count; i++)
		if (!strcmp(agent->rule_sets[i].name, object->rule_set))
			return &agent->rule_sets[i];
	return NULL;
}

struct ruling {
	struct plan *plan;
	const struct config_rule_set *rule_set;
	const struct display_cs *object;
	struct arena *arena;
	struct preview preview;
	bool previewed;
};

static bool is_name(const struct ruling *ruling, attr_id attr, const char *name)
{
	const struct config *config = ruling->plan->display->config;

	return attr != ATTR_DN && attr <= config->attr_count &&
	       sv_ieq_str(sv_from(name), config->attr_names[attr]);
}

/* Where several rules write it: which did. */
static const char *previewed(struct ruling *ruling, const char *name)
{
	const struct subject subject = { .mv = ruling->object->mv };
	struct error ignored = ERROR_INIT;
	const struct preview_step *step;
	const char *rule = NULL;

	if (!ruling->previewed && subject.mv)
		(void)preview_run(ruling->plan->display, &subject,
				  ruling->arena, &ruling->preview, &ignored);
	ruling->previewed = true;
	vec_foreach(&ruling->preview.steps, step)
		if (preview_is(step, "export-flow") && step->attribute &&
		    step->number && step->cs == ruling->object->id &&
		    !strcmp(step->attribute, name) &&
		    (!rule || preview_found(step, "pending")))
			rule = step->rule;
	return rule;
}

static const char *made_with(const struct ruling *ruling, const char *name)
{
	const struct config_provision *provision = &ruling->rule_set->provision;
	size_t i;

	for (i = 0; i < provision->initial_count; i++)
		if (is_name(ruling, provision->initial[i].attr, name))
			return preview_rule(
				provision->at,
				arena_printf(ruling->arena, "initial %s", name),
				ruling->arena);
	for (i = 0; i < provision->unique_count; i++)
		if (is_name(ruling, provision->unique[i].attr, name))
			return preview_rule(
				provision->at,
				arena_printf(ruling->arena, "unique %s", name),
				ruling->arena);
	return NULL;
}

static const char *rule_of(struct ruling *ruling, const char *name)
{
	const struct config *config = ruling->plan->display->config;
	const struct config_rule_set *rule_set = ruling->rule_set;
	const struct config_export_flow *found = NULL;
	size_t count = 0;
	size_t i;

	for (i = 0; i < rule_set->export_count; i++)
		if (is_name(ruling, rule_set->exports[i].attr, name)) {
			found = &rule_set->exports[i];
			count++;
		}
	for (i = 0; i < rule_set->meanwhile_count && !found; i++)
		if (is_name(ruling, rule_set->meanwhile[i].attr, name)) {
			found = &rule_set->meanwhile[i];
			count++;
		}
	if (count > 1) {
		const char *rule = previewed(ruling, name);

		if (rule)
			return rule;
	}
	return found ? config->rule_texts[found->rule]
		     : made_with(ruling, name);
}

/* Of the operation itself. */
static const char *operation_rule(struct ruling *ruling)
{
	const struct config_rule_set *rule_set = ruling->rule_set;
	const char *operation = ruling->object->pending.operation;

	if (!strcmp(operation, "delete"))
		return preview_rule(rule_set->at, "deprovision", ruling->arena);
	if (strcmp(operation, "update") != 0 && rule_set->provisions)
		return preview_rule(rule_set->provision.at, "provision",
				    ruling->arena);
	return NULL;
}

static void find_rules(struct plan *plan, struct plan_object *out,
		       struct arena *arena)
{
	struct ruling ruling = { .plan = plan,
				 .rule_set = rule_set_of(plan, out->object),
				 .object = out->object,
				 .arena = arena,
				 .preview = { .steps = VEC_INIT } };
	const struct display_export *export = &out->object->pending;
	const char **rules =
		arena_array(arena, export->change_count + 1, sizeof(*rules));
	size_t i;

	out->rules = rules;
	out->note = idmap_get_ptr(&plan->notes, (uint64_t)out->object->id);
	if (!ruling.rule_set || out->note)
		return;
	out->rule = operation_rule(&ruling);
	for (i = 0; i < export->change_count; i++)
		rules[i] = rule_of(&ruling, export->changes[i].name);
	preview_release(&ruling.preview);
}

/* ---- what it stands on ---- */

/* All that an import would have to change. */
static struct hash128 version_of(struct plan *plan, const struct entry *entry,
				 const struct display_cs *object)
{
	const struct attr_map *map = store_attr_map(plan->display->store);
	struct strbuf all = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct hash128 hash;

	strbuf_addf(&all, "%zu:" SV_FMT "%zu:" SV_FMT, object->dn.len,
		    SV_ARG(object->dn), object->anchor.len,
		    SV_ARG(object->anchor));
	image_encode(&entry->image, map, &all);
	image_encode(&entry->awaiting.attrs, map, &all);
	hash = hash128(store_hash_key(plan->display->store), strbuf_sv(&all));
	strbuf_release(&all);
	return hash;
}

/* ---- warnings ---- */

static const char *const POWERFUL[] = {
	"Account Operators",
	"Administrators",
	"Backup Operators",
	"Cert Publishers",
	"DnsAdmins",
	"Domain Admins",
	"Domain Controllers",
	"Enterprise Admins",
	"Enterprise Key Admins",
	"Group Policy Creator Owners",
	"Key Admins",
	"Print Operators",
	"Replicator",
	"Schema Admins",
	"Server Operators",
	"wheel",
	"sudo",
};

static bool is_powerful(struct plan *plan, const struct entry *entry,
			const struct display_cs *object, struct arena *arena)
{
	const struct values *count =
		plan->admin_count ? image_get(&entry->image, plan->admin_count)
				  : NULL;
	struct sv type = SV_NULL;
	struct sv value = SV_NULL;
	size_t i;

	if (count && count->len &&
	    !sv_eq(value_text(&count->at[0], arena), SV_LIT("0")))
		return true;
	if (!object->dn.len ||
	    !dn_component(object->dn, 1, arena, &type, &value))
		return false;
	for (i = 0; i < sizeof(POWERFUL) / sizeof(*POWERFUL); i++)
		if (sv_ieq_str(value, POWERFUL[i]))
			return true;
	return false;
}

static int count_moved(struct plan *plan, struct plan_object *out,
		       struct error *err)
{
	int64_t count;

	if (strcmp(out->object->pending.operation, "rename") != 0)
		return 0;
	count = store_cs_count_below(plan->display->store, out->object->id,
				     err);
	out->moves = count > 0 ? count - 1 : 0;
	return count < 0 ? -1 : 0;
}

/* ---- the list ---- */

struct listing {
	struct plan *plan;
	const struct plan_list *list;
	struct arena arena;
	struct error *err;
};

static int on_object(void *data, int64_t cs)
{
	struct listing *listing = data;
	struct plan *plan = listing->plan;
	struct plan_object out = { 0 };
	struct display_cs object = { 0 };
	struct entry entry;
	int ret = entry_load(plan->display->store, cs, &listing->arena, &entry,
			     listing->err);

	if (ret > 0)
		ret = display_cs_pending(plan->display, &entry, &listing->arena,
					 &object, listing->err);
	if (ret == 0 && object.pending.operation) {
		out.object = &object;
		out.cause =
			find_cause(plan, &entry, &listing->arena, listing->err);
		out.version = version_of(plan, &entry, &object);
		out.privileged =
			is_powerful(plan, &entry, &object, &listing->arena);
		find_rules(plan, &out, &listing->arena);
		ret = out.cause && count_moved(plan, &out, listing->err) == 0
			      ? listing->list->object(listing->list->data, &out)
			      : -1;
	}
	arena_reset(&listing->arena);
	return ret < 0 ? -1 : 0;
}

static int each_of(struct listing *listing, const struct config_agent *agent,
		   const struct idmap *only)
{
	const struct plan_list *list = listing->list;
	struct plan *plan = listing->plan;
	const struct export_options options = {
		.guards = &agent->export_guards,
		/* no token, but then one is made */
		.allow = list->tokens ? "" : NULL,
		.only = only,
	};
	struct export_result result;
	struct plan_agent out = { .name = agent->name };

	if (export_list(plan->display->store, plan->display->config, agent,
			&options, &result, on_object, listing,
			listing->err) < 0)
		return -1;
	out.guard = result.message;
	out.token = result.token;
	out.quarantined = result.quarantined;
	return listing->list->agent(listing->list->data, &out);
}

int plan_each(struct plan *plan, const char *agent, const struct idmap *only,
	      const struct plan_list *list, struct error *err)
{
	const struct config *config = plan->display->config;
	struct listing listing = { plan, list, ARENA_INIT, err };
	int ret = 0;
	size_t i;

	for (i = 0; i < config->cycle_count && ret == 0; i++) {
		const struct config_agent *at =
			&config->agents[config->cycle[i]];

		if (!(at->caps & CONNECTOR_CAP_EXPORT) ||
		    (agent && strcmp(agent, at->name) != 0))
			continue;
		ret = each_of(&listing, at, only);
	}
	arena_release(&listing.arena);
	return ret;
}
