/*
 * guard.c - limits on deletions, before anything is written
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "export/export_private.h"

#include "config/limit.h"
#include "model/dn.h"

#include <stdio.h>
#include <string.h>

/* The token names exactly what is pending: every object, operation, value. */
static int make_token(struct export_step *step, struct error *err)
{
	struct strbuf all = STRBUF_INIT(STRBUF_NO_LIMIT);
	const struct planned *planned;
	struct hash128 h = { 0, 0 };

	vec_foreach(&step->plan, planned) {
		struct pending_export row;

		arena_reset(&step->arena);
		if (store_pending_export_get(step->store, planned->cs,
					     &step->arena, &row, err) < 0) {
			strbuf_release(&all);
			return -1;
		}
		strbuf_reset(&all);
		strbuf_add(&all, &h, sizeof(h));
		strbuf_add(&all, &row.cs, sizeof(row.cs));
		strbuf_addc(&all, (char)row.op);
		strbuf_add(&all, &row.parent, sizeof(row.parent));
		strbuf_addsv(&all, row.rdn);
		strbuf_addc(&all, '\0');
		strbuf_addsv(&all, row.attrs);
		if (member_pending_text(step->store, planned->cs, &all, err) <
		    0) {
			strbuf_release(&all);
			return -1;
		}
		h = hash128(store_hash_key(step->store), strbuf_sv(&all));
	}
	strbuf_release(&all);
	(void)snprintf(step->result->token, sizeof(step->result->token),
		       "%016llx", (unsigned long long)h.low);
	return 0;
}

struct tally {
	int64_t deletions;
	int64_t *by_type;    /* [agent type] */
	int64_t *by_subtree; /* [guards->subtrees] */
	int64_t never;
	struct sv never_dn;
};

static size_t type_index(const struct export_step *step, uint32_t number)
{
	size_t i;

	for (i = 0; i < step->agent->type_count; i++)
		if (store_name_find(step->store, NAME_TYPE,
				    sv_from(step->agent->types[i].name)) ==
		    number)
			break;
	return i;
}

struct never_view {
	const struct image *image;
	struct value dn;
	struct values dn_values;
};

static int never_attr(void *data, enum expr_view view, uint32_t id,
		      struct values *out)
{
	struct never_view *never = data;
	const struct values *values = image_get(never->image, id);

	(void)view;
	if (id == ATTR_DN)
		values = &never->dn_values;
	out->at = values ? values->at : NULL;
	out->len = values ? values->len : 0;
	return 0;
}

static int is_never(struct export_step *step, const struct entry *entry,
		    struct sv dn, struct error *err)
{
	const struct config_guards *guards = step->options->guards;
	struct never_view view = { .image = &entry->image };
	struct expr_env env;
	size_t i;

	memset(&env, 0, sizeof(env));
	view.dn = value_reference(entry->row.id, dn);
	view.dn_values.at = &view.dn;
	view.dn_values.len = dn.len ? 1 : 0;
	env.data = &view;
	env.attr = never_attr;
	for (i = 0; i < guards->never_count; i++) {
		bool hit;

		if (expr_eval_condition(guards->never[i], &env, &step->arena,
					&hit, err) < 0)
			return -1;
		if (hit)
			return 1;
	}
	return 0;
}

static int tally_one(struct export_step *step, const struct planned *planned,
		     struct tally *tally, struct error *err)
{
	const struct config_guards *guards = step->options->guards;
	struct entry entry;
	struct sv dn;
	int64_t parent;
	struct sv rdn;
	size_t i;
	int ret =
		entry_load(step->store, planned->cs, &step->arena, &entry, err);

	if (ret <= 0)
		return ret;
	entry_written_name(&entry, &parent, &rdn);
	if (tree_dn(&step->tree, parent, rdn, TREE_IMPORTED, &step->arena, &dn,
		    err) < 0)
		return -1;
	tally->deletions++;
	tally->by_type[type_index(step, entry.row.type)]++;
	for (i = 0; i < guards->subtree_count; i++)
		if (dn_within(dn, sv_from(guards->subtrees[i].container)))
			tally->by_subtree[i]++;
	ret = is_never(step, &entry, dn, err);
	if (ret > 0 && !tally->never++)
		tally->never_dn = arena_dup(&step->run_arena,
					    dn.len ? dn : entry.row.anchor);
	return ret < 0 ? -1 : 0;
}

static int stop(struct export_step *step, const char *what, int64_t count,
		int64_t total, const struct config_limit *limit,
		struct error *err)
{
	struct export_result *result = step->result;
	char allowed[64];

	if (make_token(step, err) < 0)
		return -1;
	result->result = "stopped-deletion-threshold-exceeded";
	if (limit->percent)
		(void)snprintf(allowed, sizeof(allowed),
			       "%lld.%02lld%% of %lld",
			       (long long)limit->value / 100,
			       (long long)limit->value % 100, (long long)total);
	else
		(void)snprintf(allowed, sizeof(allowed), "%lld",
			       (long long)limit->value);
	(void)snprintf(result->message, sizeof(result->message),
		       "%lld %s are pending, the guard allows "
		       "%s; nothing was written. See them with: conjoin "
		       "pending %s --exports. If this is right: conjoin run "
		       "%s export --allow %s",
		       (long long)count, what, allowed, step->agent->name,
		       step->agent->name, result->token);
	return 1;
}

static const struct config_limit *limit_of(const struct config_guards *guards,
					   size_t type)
{
	size_t i;

	for (i = 0; i < guards->type_count; i++)
		if (guards->types[i].type == type)
			return &guards->types[i].deletions;
	return guards->deletions.percent ? &guards->deletions : NULL;
}

/* They are counted only until there are enough for so many deletions. */
static int64_t total_of(struct export_step *step, const char *name,
			const struct config_limit *limit, int64_t deletions,
			struct error *err)
{
	uint32_t type = store_name_find(step->store, NAME_TYPE, sv_from(name));

	return store_cs_count_most(
		step->store, step->number, type,
		config_limit_enough(limit, step->options->guards->above,
				    deletions),
		err);
}

static int check_types(struct export_step *step, const struct tally *tally,
		       struct error *err)
{
	const struct config_guards *guards = step->options->guards;
	char what[300];
	size_t t;

	for (t = 0; t < step->agent->type_count; t++) {
		const struct config_limit *limit = limit_of(guards, t);
		const char *name = step->agent->types[t].name;
		int64_t total;

		if (!tally->by_type[t] || !limit)
			continue;
		total = total_of(step, name, limit, tally->by_type[t], err);
		if (total < 0)
			return -1;
		if (!config_limit_exceeded(limit, guards->above,
					   tally->by_type[t], total))
			continue;
		(void)snprintf(what, sizeof(what), "deletions of %s", name);
		return stop(step, what, tally->by_type[t], total, limit, err);
	}
	return 0;
}

static int check_subtree(struct export_step *step,
			 const struct config_subtree_guard *subtree,
			 int64_t deletions, struct error *err)
{
	int64_t total = 0;
	char what[300];

	if (deletions && subtree->deletions.percent)
		total = tree_count_below(&step->tree,
					 sv_from(subtree->container), err);
	if (total < 0)
		return -1;
	if (!config_limit_exceeded(&subtree->deletions, 0, deletions, total))
		return 0;
	(void)snprintf(what, sizeof(what), "deletions of objects below '%s'",
		       subtree->container);
	return stop(step, what, deletions, total, &subtree->deletions, err);
}

static int check_tally(struct export_step *step, const struct tally *tally,
		       struct error *err)
{
	const struct config_guards *guards = step->options->guards;
	const struct config_limit none = { true, false, 0 };
	char what[300];
	size_t i;
	int ret;

	if (tally->never) {
		(void)snprintf(
			what, sizeof(what),
			"deletions of objects that a 'never' rule protects (" SV_FMT
			")",
			SV_ARG(tally->never_dn));
		return stop(step, what, tally->never, 0, &none, err);
	}
	if (guards->deletions.set && !guards->deletions.percent &&
	    tally->deletions > guards->deletions.value)
		return stop(step, "deletions of objects", tally->deletions, 0,
			    &guards->deletions, err);
	for (i = 0; i < guards->subtree_count; i++) {
		ret = check_subtree(step, &guards->subtrees[i],
				    tally->by_subtree[i], err);
		if (ret)
			return ret;
	}
	return check_types(step, tally, err);
}

static int check_changes(struct export_step *step, struct error *err)
{
	const struct config_guards *guards = step->options->guards;
	int64_t total = 0;

	if (!guards->changes.set)
		return 0;
	if (guards->changes.percent)
		total = store_cs_count(step->store, step->number, 0, err);
	if (total < 0)
		return -1;
	if (!config_limit_exceeded(&guards->changes, guards->above,
				   step->result->pending, total))
		return 0;
	if (stop(step, "changes", step->result->pending, total,
		 &guards->changes, err) < 0)
		return -1;
	step->result->result = "stopped-change-limit";
	return 1;
}

int guard_check(struct export_step *step, struct error *err)
{
	const struct config_guards *guards = step->options->guards;
	const struct planned *planned;
	struct tally tally = { 0 };
	int ret = 0;

	if (step->options->allow) {
		if (make_token(step, err) < 0)
			return -1;
		if (!strcmp(step->options->allow, step->result->token)) {
			step->result->token_used = true;
			return 0;
		}
	}
	tally.by_type = mem_zalloc((step->agent->type_count + 1) *
				   sizeof(*tally.by_type));
	tally.by_subtree = mem_zalloc((guards->subtree_count + 1) *
				      sizeof(*tally.by_subtree));
	vec_foreach(&step->plan, planned) {
		if (planned->op != PENDING_DELETE &&
		    planned->op != PENDING_DELETE_ADD)
			continue;
		arena_reset(&step->arena);
		ret = tally_one(step, planned, &tally, err);
		if (ret < 0)
			break;
	}
	if (ret == 0)
		ret = check_tally(step, &tally, err);
	if (ret == 0)
		ret = check_changes(step, err);
	mem_free(tally.by_type);
	mem_free(tally.by_subtree);
	return ret;
}
