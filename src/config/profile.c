/*
 * profile.c - run profiles: those that every agent has, and `run_profiles:`
 *
 * A step is the name of a kind of step or of a built-in profile, or
 * { STEP: { guards: ... } }, whose guards hold for that step only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

#define STEP(kind)                                                             \
	{                                                                      \
		kind, NULL, false                                              \
	}

static struct config_step full_import[] = { STEP(STEP_FULL_IMPORT) };
static struct config_step delta_import[] = { STEP(STEP_DELTA_IMPORT) };
static struct config_step full_sync[] = { STEP(STEP_FULL_SYNC) };
static struct config_step delta_sync[] = { STEP(STEP_DELTA_SYNC) };
static struct config_step export[] = { STEP(STEP_EXPORT) };
static struct config_step full_full[] = { STEP(STEP_FULL_IMPORT),
					  STEP(STEP_FULL_SYNC) };
static struct config_step full_delta[] = { STEP(STEP_FULL_IMPORT),
					   STEP(STEP_DELTA_SYNC) };
/* Taken together: every object that the source reports is synchronized. */
static struct config_step delta_delta[] = { { STEP_DELTA_IMPORT, NULL, true },
					    STEP(STEP_DELTA_SYNC) };

static const struct config_profile built_in[] = {
	{ "full-import", full_import, 1 },
	{ "delta-import", delta_import, 1 },
	{ "full-sync", full_sync, 1 },
	{ "delta-sync", delta_sync, 1 },
	{ "export", export, 1 },
	{ "full-import-full-sync", full_full, 2 },
	{ "full-import-delta-sync", full_delta, 2 },
	{ "delta-import-delta-sync", delta_delta, 2 },
};

#define BUILT_IN_COUNT (sizeof(built_in) / sizeof(*built_in))

static const struct config_profile *find_built_in(struct sv name)
{
	size_t i;

	for (i = 0; i < BUILT_IN_COUNT; i++)
		if (sv_eq_str(name, built_in[i].name))
			return &built_in[i];
	return NULL;
}

int config_profile_find(const struct config_agent *agent, struct sv name,
			struct config_profile *out)
{
	const struct config_profile *profile = find_built_in(name);
	size_t i;

	for (i = 0; !profile && i < agent->profile_count; i++)
		if (sv_eq_str(name, agent->profiles[i].name))
			profile = &agent->profiles[i];
	if (!profile)
		return 0;
	*out = *profile;
	return 1;
}

const char *config_profile_name(const struct config_agent *agent, size_t i)
{
	if (i < BUILT_IN_COUNT)
		return built_in[i].name;
	i -= BUILT_IN_COUNT;
	return i < agent->profile_count ? agent->profiles[i].name : NULL;
}

/* --- reading ----------------------------------------------------------- */

struct step_vec {
	struct config_step *at;
	size_t len;
	size_t size;
};

static void unknown_step(struct loader *loader, const struct node *node,
			 struct sv name)
{
	const char *names[BUILT_IN_COUNT];
	size_t i;

	for (i = 0; i < BUILT_IN_COUNT; i++)
		names[i] = built_in[i].name;
	problem_report(loader, node,
		       "there is no step '" SV_FMT
		       "'; the steps are full-import, delta-import, full-sync, "
		       "delta-sync and export%s",
		       SV_ARG(name),
		       read_suggest(loader, name, names, BUILT_IN_COUNT));
}

static const struct config_guards *read_step_guards(struct loader *loader,
						    struct agent_draft *draft,
						    enum config_step_kind kind,
						    const struct node *node)
{
	const struct config_agent *agent = draft->agent;
	struct config_guards *guards =
		arena_alloc(loader->arena, sizeof(*guards));

	switch (kind) {
	case STEP_FULL_IMPORT:
	case STEP_DELTA_IMPORT:
		*guards = agent->import_guards;
		guards_read(loader, draft, GUARD_IMPORT, node, guards);
		return guards;
	case STEP_EXPORT:
		*guards = agent->export_guards;
		guards_read(loader, draft, GUARD_EXPORT, node, guards);
		return guards;
	case STEP_FULL_SYNC:
	case STEP_DELTA_SYNC:
		break;
	}
	problem_report(loader, node, "a sync step has no guards");
	return NULL;
}

static void add_step(struct loader *loader, struct agent_draft *draft,
		     const struct node *name, const struct node *guards,
		     struct step_vec *out)
{
	const struct config_profile *steps = find_built_in(name->text);
	size_t i;

	if (!steps) {
		unknown_step(loader, name, name->text);
		return;
	}
	if (guards && steps->step_count > 1) {
		problem_report(loader, guards,
			       "guards belong to one step: write the steps of "
			       "'%s' singly",
			       steps->name);
		return;
	}
	for (i = 0; i < steps->step_count; i++) {
		struct config_step step = steps->steps[i];

		if (guards)
			step.guards = read_step_guards(loader, draft, step.kind,
						       guards);
		vec_push(out, step);
	}
}

static void read_step(struct loader *loader, struct agent_draft *draft,
		      const struct node *node, struct step_vec *out)
{
	static const char *const keys[] = { "guards", NULL };
	const struct node *options;

	if (node->kind == NODE_SCALAR) {
		add_step(loader, draft, node, NULL, out);
		return;
	}
	if (node->kind != NODE_MAP || node->len != 1) {
		problem_report(loader, node,
			       "a step is a name or { STEP: { guards: ... } }");
		return;
	}
	options = read_map(loader, node->items[0], "what a step says");
	read_keys(loader, options, keys);
	add_step(loader, draft, node->keys[0], read_find(options, "guards"),
		 out);
}

static void read_profile(struct loader *loader, struct agent_draft *draft,
			 const struct node *name, const struct node *list)
{
	struct config_agent *agent = draft->agent;
	struct config_profile *out = &agent->profiles[agent->profile_count];
	struct step_vec steps = VEC_INIT;
	size_t i;

	if (find_built_in(name->text) || !read_is_name(name->text)) {
		problem_report(loader, name,
			       find_built_in(name->text)
				       ? "profile '" SV_FMT "' is built in; "
					 "take another name"
				       : "'" SV_FMT "': the name of a profile "
					 "has letters, digits, '-' and '_' "
					 "only",
			       SV_ARG(name->text));
		return;
	}
	if (read_len(list) == 0)
		problem_report(loader, name, "this profile has no steps");
	for (i = 0; i < read_len(list); i++)
		read_step(loader, draft, read_item(list, i), &steps);
	out->name = arena_cstr(loader->arena, name->text);
	out->steps = arena_array(loader->arena, steps.len, sizeof(*out->steps));
	out->step_count = steps.len;
	if (steps.len)
		memcpy(out->steps, steps.at, steps.len * sizeof(*steps.at));
	vec_release(&steps);
	agent->profile_count++;
}

void profiles_read(struct loader *loader, struct agent_draft *draft)
{
	const struct node *map =
		read_map(loader, read_find(draft->root, "run_profiles"),
			 "'run_profiles'");
	size_t i;

	draft->agent->profiles = arena_array(loader->arena, map ? map->len : 0,
					     sizeof(*draft->agent->profiles));
	for (i = 0; map && i < map->len; i++)
		read_profile(loader, draft, map->keys[i], map->items[i]);
}
