/*
 * plan.c - what exports would write, with cause and rule of each
 *
 * What causes are is known to cause.c, which is told when imports are done.
 * Rules are known from the configuration; where several write one attribute a
 * preview of the object tells which did.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/plan.h"

#include "export/export.h"
#include "inspect/preview.h"
#include "model/dn.h"
#include "store/cs.h"

#include <stdlib.h>
#include <string.h>

struct plan {
	struct display *display;
	struct run_options options;
	struct run_hooks hooks; /* the caller's, and for rules */
	const struct run_hooks *told;
	attr_id admin_count; /* or 0 */
	struct causes *causes;
	struct idmap rules; /* rule set and attribute -> struct known_rule */
	struct idmap notes; /* object -> struct note */
	struct arena arena;
};

/* ---- made and run ---- */

static void on_rule(void *data, const struct sync_rule *rule)
{
	causes_rule(((struct plan *)data)->causes, rule);
}

static void on_warning(void *data, const char *text)
{
	const struct run_hooks *told = ((struct plan *)data)->told;

	if (told && told->warning)
		told->warning(told->data, text);
}

static void on_run_begin(void *data, int64_t run, const char *agent,
			 const char *profile)
{
	struct plan *plan = data;
	const struct run_hooks *told = plan->told;

	/* who wrote last is told by the time of runs */
	plan->options.later++;
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
		.rule = on_rule,
	};
	struct plan *plan = mem_zalloc(sizeof(*plan));
	attr_id attr;

	plan->display = display;
	plan->causes = causes_new(display);
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
	causes_free(plan->causes);
	idmap_release(&plan->rules);
	idmap_release(&plan->notes);
	arena_release(&plan->arena);
	mem_free(plan);
}

/* Between imports and syncs. */
static int note_all(void *data, struct error *err)
{
	return causes_note(((struct plan *)data)->causes, err);
}

enum run_exit plan_run(struct plan *plan, bool imports, struct error *err)
{
	enum run_exit exit = run_syncs(plan->display->store,
				       plan->display->config, &plan->options,
				       imports, note_all, plan, err);

	if (exit <= RUN_ERRORS && causes_settle(plan->causes, err) < 0)
		exit = RUN_FAILED;
	display_keep_names(plan->display);
	return exit;
}

/* ---- what is not by the rules ---- */

struct note {
	struct cause cause;
	const char *text; /* or NULL */
};

void plan_note(struct plan *plan, int64_t cs, const char *cause,
	       const char *text)
{
	struct note *note = arena_zalloc(&plan->arena, sizeof(*note));

	note->cause.text = cause;
	note->text = arena_cstr(&plan->arena, sv_from(text ? text : ""));
	idmap_put_ptr(&plan->notes, (uint64_t)cs, note);
}

/* That alone is the cause, and no rule has a part in it. */
static void take_note(const struct note *note, struct plan_object *out,
		      struct arena *arena)
{
	size_t count = out->object->pending.change_count;
	const char **rules = arena_array(arena, count + 1, sizeof(*rules));
	struct cause_refs *refs = arena_array(arena, count + 1, sizeof(*refs));

	memset(rules, 0, (count + 1) * sizeof(*rules));
	memset(refs, 0, (count + 1) * sizeof(*refs));
	out->causes = (struct cause_list){ &note->cause, 1, refs };
	out->note = note->text;
	out->rules = rules;
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

/* The rule of an attribute under a rule set, found once. */
struct known_rule {
	const char *text; /* or NULL */
	bool several;
};

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

static const char *made_with(struct plan *plan,
			     const struct config_rule_set *rule_set,
			     attr_id attr, const char *name)
{
	const struct config_provision *provision = &rule_set->provision;
	struct arena *arena = &plan->arena;
	size_t i;

	for (i = 0; i < provision->initial_count; i++)
		if (provision->initial[i].attr == attr)
			return preview_rule(
				provision->at,
				arena_printf(arena, "initial %s", name), arena);
	for (i = 0; i < provision->unique_count; i++)
		if (provision->unique[i].attr == attr)
			return preview_rule(
				provision->at,
				arena_printf(arena, "unique %s", name), arena);
	return NULL;
}

static const struct config_export_flow *
flow_of(const struct config_export_flow *flows, size_t count, attr_id attr,
	bool *several)
{
	const struct config_export_flow *found = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		if (flows[i].attr != attr)
			continue;
		*several = found != NULL;
		found = &flows[i];
	}
	return found;
}

static struct known_rule find_rule(struct plan *plan,
				   const struct config_rule_set *rule_set,
				   attr_id attr, const char *name)
{
	struct known_rule known = { NULL, false };
	const struct config_export_flow *flow = flow_of(rule_set->exports,
							rule_set->export_count,
							attr, &known.several);

	if (!flow)
		flow = flow_of(rule_set->meanwhile, rule_set->meanwhile_count,
			       attr, &known.several);
	known.text = flow ? plan->display->config->rule_texts[flow->rule]
			  : made_with(plan, rule_set, attr, name);
	return known;
}

static const char *rule_of(struct ruling *ruling,
			   const struct display_change *change)
{
	struct plan *plan = ruling->plan;
	uint64_t key = (uint64_t)ruling->rule_set->id << 32 | change->attr;
	struct known_rule *known = idmap_get_ptr(&plan->rules, key);
	const char *rule = NULL;

	if (!known) {
		known = arena_alloc(&plan->arena, sizeof(*known));
		*known = find_rule(plan, ruling->rule_set, change->attr,
				   change->name);
		idmap_put_ptr(&plan->rules, key, known);
	}
	if (known->several)
		rule = previewed(ruling, change->name);
	return rule ? rule : known->text;
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
		       const struct config_rule_set *rule_set,
		       struct arena *arena)
{
	struct ruling ruling = { .plan = plan,
				 .rule_set = rule_set,
				 .object = out->object,
				 .arena = arena,
				 .preview = { .steps = VEC_INIT } };
	const struct display_export *export = &out->object->pending;
	const char **rules =
		arena_array(arena, export->change_count + 1, sizeof(*rules));
	size_t i;

	out->rules = rules;
	if (!rule_set)
		return;
	out->rule = operation_rule(&ruling);
	for (i = 0; i < export->change_count; i++)
		rules[i] = rule_of(&ruling, &export->changes[i]);
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

#define BATCH  256 /* objects that are read together */
#define SPREAD 2   /* objects between two of them that are worth reading */

struct listing {
	struct plan *plan;
	const struct plan_list *list;
	struct arena batch; /* what is read together */
	struct arena arena; /* of one object */
	int64_t ids[BATCH]; /* in the order of the export */
	size_t count;
	struct error *err;
};

static int tell(struct listing *listing, const struct entry *entry,
		const struct display_cs *object)
{
	struct plan *plan = listing->plan;
	struct arena *arena = &listing->arena;
	const struct config_rule_set *rule_set = rule_set_of(plan, object);
	const struct note *note =
		idmap_get_ptr(&plan->notes, (uint64_t)object->id);
	struct plan_object out = { .object = object };

	out.version = version_of(plan, entry, object);
	out.privileged = is_powerful(plan, entry, object, arena);
	if (note) {
		take_note(note, &out, arena);
	} else {
		causes_of(plan->causes, entry, object, rule_set, arena,
			  &out.causes);
		find_rules(plan, &out, rule_set, arena);
	}
	if (count_moved(plan, &out, listing->err) < 0)
		return -1;
	return listing->list->object(listing->list->data, &out);
}

static int tell_entry(struct listing *listing, const struct entry *entry)
{
	struct display_cs object = { 0 };
	int ret = display_cs_pending(listing->plan->display, entry,
				     &listing->arena, &object, listing->err);

	if (ret == 0 && object.pending.operation)
		ret = tell(listing, entry, &object);
	arena_reset(&listing->arena);
	return ret;
}

static int by_id(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

/* They lie close together: read as a range. Those found, or -1. */
static int read_range(struct listing *listing, int64_t first, int64_t last,
		      struct entry **out)
{
	int span = (int)(last - first) + 1;

	*out = arena_array(&listing->batch, (size_t)span, sizeof(**out));
	return entry_scan(listing->plan->display->store, CS_AGENT(first),
			  first - 1, *out, span, &listing->batch, listing->err);
}

static int tell_range(struct listing *listing, int64_t first, int64_t last)
{
	struct entry *entries;
	int count = read_range(listing, first, last, &entries);
	int ret = count < 0 ? -1 : 0;
	size_t i;

	for (i = 0; i < listing->count && ret == 0; i++) {
		int low = 0;
		int high = count;

		while (low < high) {
			int middle = low + (high - low) / 2;

			if (entries[middle].row.id < listing->ids[i])
				low = middle + 1;
			else
				high = middle;
		}
		if (low < count && entries[low].row.id == listing->ids[i])
			ret = tell_entry(listing, &entries[low]);
	}
	return ret;
}

static int tell_each(struct listing *listing)
{
	struct entry entry;
	int ret = 0;
	size_t i;

	for (i = 0; i < listing->count && ret >= 0; i++) {
		ret = entry_load(listing->plan->display->store, listing->ids[i],
				 &listing->batch, &entry, listing->err);
		if (ret > 0)
			ret = tell_entry(listing, &entry);
		arena_reset(&listing->batch);
	}
	return ret < 0 ? -1 : 0;
}

static int tell_batch(struct listing *listing)
{
	int64_t sorted[BATCH];
	size_t count = listing->count;
	int ret;

	if (!count)
		return 0;
	memcpy(sorted, listing->ids, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_id);
	ret = sorted[count - 1] - sorted[0] < (int64_t)count * SPREAD
		      ? tell_range(listing, sorted[0], sorted[count - 1])
		      : tell_each(listing);
	listing->count = 0;
	arena_reset(&listing->batch);
	return ret;
}

static int on_object(void *data, int64_t cs)
{
	struct listing *listing = data;

	listing->ids[listing->count++] = cs;
	return listing->count == BATCH ? tell_batch(listing) : 0;
}

/* Behind the last whole batch. */
static int tell_rest(struct listing *listing)
{
	struct store *store = listing->plan->display->store;
	int ret = store_read_begin(store, listing->err);

	if (ret == 0) {
		ret = tell_batch(listing);
		store_read_end(store);
	}
	return ret;
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
			listing->err) < 0 ||
	    tell_rest(listing) < 0)
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
	struct listing listing = { .plan = plan, .list = list, .err = err };
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
	arena_release(&listing.batch);
	return ret;
}
