/*
 * review_file.c - names in rules against the files that are here
 *
 * Called by config_review(). Where a connector reads a file that lies on this
 * computer, its columns are known without connecting anywhere: a rule that
 * reads another one is mistyped, or ahead of its time. Where absence proves
 * nothing (ldif), only what is nearly a name that is there is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/review.h"

struct file_reader {
	struct review_reader reader;
	struct review *review;
	const struct local_attrs *local;
	const struct node *at;
	bool alone; /* the rule reads this and does nothing with it */
};

static bool has_name(const struct local_attrs *local, const char *name)
{
	size_t i;

	for (i = 0; i < local->count; i++) {
		struct sv have = sv_from(local->names[i]);

		/* userCertificate;binary */
		if (sv_ieq_str(have, name) ||
		    sv_ieq_str(sv_sub(have, 0, sv_find(have, ';', 0)), name))
			return true;
	}
	return false;
}

/* One or two letters changed, not at the beginning: uidNumber is no mistyped
 * gidNumber, employeeType no employeeNumber. */
static bool is_slip(struct sv a, struct sv b)
{
	size_t end = 0;
	size_t at = 0;
	size_t len = a.len < b.len ? a.len : b.len;

	if (len < 5)
		return false;
	while (at < len && (a.ptr[at] | 32) == (b.ptr[at] | 32))
		at++;
	while (end < len - at &&
	       (a.ptr[a.len - 1 - end] | 32) == (b.ptr[b.len - 1 - end] | 32))
		end++;
	return at && a.len - at - end <= 2 && b.len - at - end <= 2;
}

/* `alone`: the rule is this name and nothing else, so a text may be meant. */
static void check_name(struct review *review, const struct local_attrs *local,
		       const char *name, bool alone, const struct node *at)
{
	const char *near;

	if (has_name(local, name))
		return;
	near = sv_nearest(sv_from(name), local->names, local->count);
	if (near && (local->complete || is_slip(sv_from(name), sv_from(near))))
		review_warn(review, at, "'%s' has no '%s'; did you mean '%s'?",
			    local->file, name, near);
	else if (local->complete)
		review_warn(review, at,
			    "'%s' has no column '%s': correct the name, or "
			    "add the column before the next import%s%s%s",
			    local->file, name,
			    alone ? "; for the text write { value: " : "",
			    alone ? name : "", alone ? " }" : "");
}

static void note_name(struct review_reader *reader, attr_id attr)
{
	const struct file_reader *file = (struct file_reader *)reader;

	if (attr != ATTR_DN)
		check_name(file->review, file->local,
			   file->review->config->attr_names[attr], file->alone,
			   file->at);
}

static void check_rule(struct review *review, const struct local_attrs *local,
		       const struct expr *expr, const struct node *at)
{
	struct file_reader reader = { .reader = { note_name },
				      .review = review,
				      .local = local,
				      .at = at };
	uint32_t id;

	reader.alone = expr && expr_is_attr(expr, &id);
	review_reads(expr, &reader.reader);
}

static void check_rule_set(struct review *review,
			   const struct local_attrs *local,
			   const struct config_rule_set *r)
{
	size_t i;
	size_t j;

	check_rule(review, local, r->scope, review_node(review, r, "scope"));
	for (i = 0; i < r->filter_count; i++)
		check_rule(review, local, r->filters[i],
			   read_item(r->filter_at, i));
	for (i = 0; i < r->join_count; i++)
		for (j = 0; j < r->joins[i].clause_count; j++)
			check_rule(review, local, r->joins[i].clauses[j].source,
				   r->joins[i].at);
	check_rule(review, local, r->project_rule,
		   review_node(review, r, "project"));
	for (i = 0; i < r->import_count; i++) {
		check_rule(review, local, r->imports[i].source,
			   r->imports[i].at);
		check_rule(review, local, r->imports[i].when, r->imports[i].at);
	}
}

/* `anchor` of the type, or of all types. */
static void check_anchor(struct review *review, const struct local_attrs *local,
			 const struct config_agent *agent, const char *type)
{
	const struct node *own =
		node_get(node_get(agent->connect, "types"), type);
	const struct node *at = node_get(own, "anchor");
	size_t i;

	if (!at)
		at = node_get(agent->connect, "anchor");
	for (i = 0; local->complete && i < read_len(at); i++) {
		struct sv name = read_item(at, i)->text;

		check_name(review, local,
			   arena_cstr(&review->snapshot->arena, name), false,
			   read_item(at, i));
	}
}

static void check_type(struct review *review, const struct config_agent *agent,
		       size_t type)
{
	const struct connector_config config = {
		.agent = agent->name,
		.folder = review->config->folder,
		.connect = agent->connect,
		.types = agent->types,
		.type_count = agent->type_count
	};
	struct arena arena = ARENA_INIT;
	struct local_attrs local = { 0 };
	size_t i;

	if (agent->ops->local_attrs(&config, type, &arena, &local)) {
		check_anchor(review, &local, agent, agent->types[type].name);
		for (i = 0; i < agent->rule_set_count; i++)
			if (agent->rule_sets[i].type == type)
				check_rule_set(review, &local,
					       &agent->rule_sets[i]);
	}
	arena_release(&arena);
}

void review_files(struct review *review)
{
	const struct config *config = review->config;
	size_t type;
	size_t a;

	for (a = 0; a < config->agent_count; a++)
		for (type = 0; config->agents[a].ops->local_attrs &&
			       type < config->agents[a].type_count;
		     type++)
			check_type(review, &config->agents[a], type);
}
