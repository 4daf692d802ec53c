/*
 * guard.c - limits that stop a step before harm is done
 *
 * What conjoin.yaml says holds for all agents; an agent's file changes it for
 * itself, a step of a run profile for itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

#include "model/dn.h"

void guards_default(struct config_guards *imports,
		    struct config_guards *exports)
{
	static const struct config_limit fifth = { true, true, 2000 };

	*imports = (struct config_guards){ .deletions = fifth,
					   .above = 20,
					   .errors = 1000,
					   .empty_stop = true };
	*exports = (struct config_guards){ .deletions = fifth, .above = 20 };
}

/* "20%", "12.5%": hundredths of a percent */
static bool parse_percent(struct sv text, int64_t *out)
{
	size_t dot;
	struct sv fraction;
	int64_t whole;
	int64_t part = 0;

	text = sv_trim(sv_sub(text, 0, text.len - 1));
	dot = sv_find(text, '.', 0);
	fraction = dot < text.len ? sv_sub(text, dot + 1, text.len) : SV_NULL;
	if (!sv_to_i64(sv_sub(text, 0, dot), &whole) || whole < 0 ||
	    whole > 100 || text.ptr[0] == '-' || fraction.len > 2)
		return false;
	if (dot < text.len &&
	    (!sv_to_i64(fraction, &part) || part < 0 ||
	     fraction.ptr[0] == '+' || fraction.ptr[0] == '-'))
		return false;
	*out = whole * 100 + (fraction.len == 1 ? part * 10 : part);
	return *out <= 10000;
}

static void read_limit(struct loader *loader, const struct node *node,
		       const char *what, struct config_limit *out)
{
	struct config_limit limit = { true, false, 0 };
	struct sv text = read_text(loader, node, what);
	bool on = true;

	if (text.len == 0)
		return;
	if (setting_parse_switch(text, &on) && !on) {
		*out = (struct config_limit){ false, false, 0 };
		return;
	}
	limit.percent = text.ptr[text.len - 1] == '%';
	if (limit.percent ? parse_percent(text, &limit.value)
			  : sv_to_i64(text, &limit.value) && limit.value >= 0)
		*out = limit;
	else
		problem_report(loader, node,
			       "%s must be a count, a percentage such as 20%%, "
			       "or off",
			       what);
}

static void read_count(struct loader *loader, const struct node *node,
		       const char *what, int64_t *out)
{
	struct sv text = read_text(loader, node, what);
	int64_t value;

	if (text.len == 0)
		return;
	if (sv_to_i64(text, &value) && value >= 0)
		*out = value;
	else
		problem_report(loader, node, "%s must be a number", what);
}

/* { deletions: 5 } of a type or subtree */
static struct config_limit read_deletions(struct loader *loader,
					  const struct node *node)
{
	static const char *const keys[] = { "deletions", NULL };
	const struct node *map = read_map(loader, node, "this guard");
	struct config_limit limit = { false, false, 0 };

	read_keys(loader, map, keys);
	read_limit(loader, read_find(map, "deletions"), "'deletions'", &limit);
	return limit;
}

/* --- types ------------------------------------------------------------- */

static bool find_type(struct loader *loader, const struct agent_draft *draft,
		      const struct node *key, size_t *out)
{
	const char **names =
		arena_array(loader->arena, draft->types.len, sizeof(*names));
	size_t i;

	for (i = 0; i < draft->types.len; i++) {
		names[i] = draft->types.at[i].name;
		if (sv_ieq_str(key->text, names[i])) {
			*out = i;
			return true;
		}
	}
	problem_report(loader, key,
		       "agent '%s' has no objects of type '" SV_FMT "'%s",
		       draft->agent->name, SV_ARG(key->text),
		       read_suggest(loader, key->text, names, i));
	return false;
}

static void read_types(struct loader *loader, const struct agent_draft *draft,
		       const struct node *node, struct config_guards *out)
{
	const struct node *map = read_map(loader, node, "'types'");
	struct config_type_guard *guards;
	size_t count = 0;
	size_t i;

	if (!map)
		return;
	guards = arena_array(loader->arena, map->len, sizeof(*guards));
	for (i = 0; i < map->len; i++) {
		guards[count].deletions = read_deletions(loader, map->items[i]);
		if (find_type(loader, draft, map->keys[i], &guards[count].type))
			count++;
	}
	out->types = guards;
	out->type_count = count;
}

/* --- subtrees ---------------------------------------------------------- */

/*
 * The DN of a container that is given below something: the shortest ending of
 * the base with which it lies in the base. "OU=Chiefs,OU=Staff" in the base
 * "OU=Staff,DC=corp" is "OU=Chiefs,OU=Staff,DC=corp". Empty: it does not.
 */
static struct sv resolve_container(struct loader *loader, struct sv container,
				   struct sv base)
{
	struct sv endings[64];
	struct sv rest = base;
	struct sv rdn;
	struct sv parent;
	size_t count = 0;

	if (dn_within(container, base))
		return container;
	for (; count < 64 && dn_split(rest, &rdn, &parent); rest = parent)
		endings[count++] = rest;
	while (count--) {
		struct sv dn =
			dn_join(container, endings[count], loader->arena);

		if (dn_within(dn, base))
			return dn;
	}
	return SV_NULL;
}

static void add_subtree(struct loader *loader, const struct agent_draft *draft,
			const struct node *key, struct config_limit limit,
			struct config_guards *out, size_t room)
{
	const struct config_agent *agent = draft->agent;
	struct sv *bases = NULL;
	size_t base_count = 0;
	size_t before = out->subtree_count;
	size_t i;

	if (!dn_valid(key->text)) {
		problem_report(loader, key, "'" SV_FMT "' is not a DN",
			       SV_ARG(key->text));
		return;
	}
	if (draft->connect_good && agent->ops->bases)
		agent->ops->bases(agent->connect, loader->arena, &bases,
				  &base_count);
	for (i = 0; i < base_count && out->subtree_count < room; i++) {
		struct sv dn = resolve_container(loader, key->text, bases[i]);

		if (dn.len)
			out->subtrees[out->subtree_count++] =
				(struct config_subtree_guard){
					arena_cstr(loader->arena, dn), limit
				};
	}
	if (out->subtree_count == before && out->subtree_count < room)
		out->subtrees[out->subtree_count++] =
			(struct config_subtree_guard){
				arena_cstr(loader->arena, key->text), limit
			};
}

static void read_subtrees(struct loader *loader,
			  const struct agent_draft *draft,
			  const struct node *node, struct config_guards *out)
{
	const struct node *map = read_map(loader, node, "'subtrees'");
	size_t room = map ? map->len * 16 : 0;
	size_t i;

	if (!map)
		return;
	if (!draft_can(draft, CONNECTOR_CAP_DN))
		problem_report(loader, node,
			       "objects of agent '%s' have no DNs, so they lie "
			       "in no subtree",
			       draft->agent->name);
	out->subtrees =
		arena_array(loader->arena, room, sizeof(*out->subtrees));
	out->subtree_count = 0;
	for (i = 0; i < map->len; i++)
		add_subtree(loader, draft, map->keys[i],
			    read_deletions(loader, map->items[i]), out, room);
}

/* --- all of them ------------------------------------------------------- */

static void read_of_agent(struct loader *loader, struct agent_draft *draft,
			  enum guard_kind kind, const struct node *map,
			  struct config_guards *out)
{
	const struct node *never = read_find(map, "never");
	struct scope scope = scope_inbound(loader, draft, NULL);

	read_types(loader, draft, read_find(map, "types"), out);
	read_subtrees(loader, draft, read_find(map, "subtrees"), out);
	if (never && kind == GUARD_EXPORT)
		out->never = scope_conditions(&scope, never, &out->never_count);
}

static void check_guard_keys(struct loader *loader, bool of_agent,
			     enum guard_kind kind, const struct node *map)
{
	static const char *const common_import[] = {
		"deletions", "changes",          "above", "errors",
		"empty",     "discovery_errors", NULL
	};
	static const char *const agent_import[] = {
		"deletions",        "changes", "above",    "errors", "empty",
		"discovery_errors", "types",   "subtrees", NULL
	};
	static const char *const common_export[] = { "deletions", "changes",
						     "above", "errors", NULL };
	static const char *const agent_export[] = { "deletions", "changes",
						    "above",     "errors",
						    "types",     "subtrees",
						    "never",     NULL };

	if (kind == GUARD_IMPORT)
		read_keys(loader, map, of_agent ? agent_import : common_import);
	else
		read_keys(loader, map, of_agent ? agent_export : common_export);
}

void guards_read(struct loader *loader, struct agent_draft *draft,
		 enum guard_kind kind, const struct node *node,
		 struct config_guards *guards)
{
	static const char *const words[] = { "stop", "allow", NULL };
	static const char *const after_errors[] = { "spare", "keep-all", NULL };
	const struct node *map = read_map(
		loader, node,
		kind == GUARD_IMPORT ? "the import guard" : "the export guard");

	if (!map)
		return;
	check_guard_keys(loader, draft != NULL, kind, map);
	read_limit(loader, read_find(map, "deletions"), "'deletions'",
		   &guards->deletions);
	read_limit(loader, read_find(map, "changes"), "'changes'",
		   &guards->changes);
	read_count(loader, read_find(map, "above"), "'above'", &guards->above);
	read_count(loader, read_find(map, "errors"), "'errors'",
		   &guards->errors);
	if (kind == GUARD_IMPORT) {
		guards->empty_stop = read_word(loader, read_find(map, "empty"),
					       "'empty'", words,
					       guards->empty_stop ? 0 : 1) != 1;
		guards->keep_all = read_word(loader,
					     read_find(map, "discovery_errors"),
					     "'discovery_errors'", after_errors,
					     guards->keep_all ? 1 : 0) == 1;
	}
	if (draft)
		read_of_agent(loader, draft, kind, map, guards);
}

/* A plan is of all agents, so there is nothing to take a percentage of. */
static void read_plain(struct loader *loader, const struct node *node,
		       const char *what, struct config_limit *out)
{
	struct sv text = read_text(loader, node, what);
	struct config_limit limit = { true, false, 0 };
	bool on = true;

	if (text.len == 0)
		return;
	if (setting_parse_switch(text, &on) && !on)
		*out = (struct config_limit){ false, false, 0 };
	else if (sv_to_i64(text, &limit.value) && limit.value >= 0)
		*out = limit;
	else
		problem_report(loader, node,
			       "%s of a plan must be a count or off", what);
}

void guards_read_plan(struct loader *loader, const struct node *node,
		      struct config_plan_guard *out)
{
	static const char *const keys[] = { "deletions", "changes", NULL };
	const struct node *map = read_map(loader, node, "the plan guard");

	read_keys(loader, map, keys);
	read_plain(loader, read_find(map, "deletions"), "'deletions'",
		   &out->deletions);
	read_plain(loader, read_find(map, "changes"), "'changes'",
		   &out->changes);
}
