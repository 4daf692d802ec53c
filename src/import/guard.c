/*
 * guard.c - limits that stop an import before harm is done
 *
 * Deletions are judged together, when all is read and before one is staged:
 * in all, by subtree, by type. Changes are counted as they are staged; past
 * their limit the import stops, since a source of which everything is
 * different is more likely broken.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "config/limit.h"
#include "model/dn.h"

#include <stdio.h>
#include <string.h>

struct tally {
	int64_t *ids; /* deletions to be staged, sorted */
	size_t len;
	int64_t *by_type;    /* [agent type] */
	int64_t *by_subtree; /* [guards->subtrees] */
};

static void make_token(struct import *import, const struct tally *tally)
{
	struct hash128 h = hash128(store_hash_key(import->store),
				   sv_make((const char *)tally->ids,
					   tally->len * sizeof(*tally->ids)));

	(void)snprintf(import->result->token, sizeof(import->result->token),
		       "%016llx", (unsigned long long)h.low);
}

static void describe(struct import *import, const char *what, int64_t count,
		     int64_t total, const struct config_limit *limit)
{
	struct import_result *result = import->result;

	result->result = "stopped-deletion-threshold-exceeded";
	if (limit->percent)
		(void)snprintf(result->message, sizeof(result->message),
			       "%lld of %lld %s would be deleted, the guard "
			       "allows %lld.%02lld%%; nothing was deleted. If "
			       "this is right: conjoin run %s %s --allow %s",
			       (long long)count, (long long)total, what,
			       (long long)limit->value / 100,
			       (long long)limit->value % 100,
			       import->agent->name,
			       import->full ? "full-import" : "delta-import",
			       result->token);
	else
		(void)snprintf(result->message, sizeof(result->message),
			       "%lld %s would be deleted, the guard allows "
			       "%lld; nothing was deleted. If this is right: "
			       "conjoin run %s %s --allow %s",
			       (long long)count, what, (long long)limit->value,
			       import->agent->name,
			       import->full ? "full-import" : "delta-import",
			       result->token);
}

/* Objects of the type when the import began; -1 on error. They are counted
 * only until there are enough for so many deletions. */
static int64_t total_of(struct import *import, size_t type,
			const struct config_limit *limit, int64_t deletions,
			struct error *err)
{
	return store_cs_count_most(
		import->store, import->number, import->types[type],
		config_limit_enough(limit, import->options->guards->above,
				    deletions),
		err);
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

static size_t type_of(const struct import *import, uint32_t number)
{
	size_t t;

	for (t = 0; t < import->agent->type_count; t++)
		if (import->types[t] == number)
			return t;
	return import->agent->type_count;
}

/* Counts one deletion where it belongs. */
static int tally_one(struct import *import, const struct cs_row *head,
		     struct tally *out, struct error *err)
{
	const struct config_guards *guards = import->options->guards;
	struct sv dn;
	size_t i;

	out->ids[out->len++] = head->id;
	out->by_type[type_of(import, head->type)]++;
	if (!guards->subtree_count)
		return 0;
	if (tree_dn(&import->tree, head->parent, head->rdn, TREE_IMPORTED,
		    &import->arena, &dn, err) < 0)
		return -1;
	for (i = 0; i < guards->subtree_count; i++)
		if (dn_within(dn, sv_from(guards->subtrees[i].container)))
			out->by_subtree[i]++;
	return 0;
}

/* Which of `ids` the guard counts: objects whose deletion is new. */
static int make_tally(struct import *import, const int64_t *ids, size_t count,
		      struct tally *out, struct error *err)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct pending_import staged;
		struct pending_export awaiting;
		struct cs_row head;

		arena_reset(&import->arena);
		if (store_cs_head(import->store, ids[i], &import->arena, &head,
				  err) < 0 ||
		    store_pending_import_get(import->store, ids[i],
					     &import->arena, &staged,
					     err) < 0 ||
		    store_awaiting_get(import->store, ids[i], &import->arena,
				       &awaiting, err) < 0)
			return -1;
		if (!head.type || staged.op == IMPORT_DELETE ||
		    awaiting.op == PENDING_DELETE)
			continue;
		if (tally_one(import, &head, out, err) < 0)
			return -1;
	}
	return 0;
}

/* 1: more than a subtree's limit; 0: not; -1 */
static int over_subtree(struct import *import,
			const struct config_subtree_guard *subtree,
			int64_t deletions, struct error *err)
{
	int64_t total = 0;
	char what[300];

	if (deletions && subtree->deletions.percent)
		total = tree_count_below(&import->tree,
					 sv_from(subtree->container), err);
	if (total < 0)
		return -1;
	if (!config_limit_exceeded(&subtree->deletions, 0, deletions, total))
		return 0;
	(void)snprintf(what, sizeof(what), "objects below '%s'",
		       subtree->container);
	describe(import, what, deletions, total, &subtree->deletions);
	return 1;
}

/* 1: more than a plain count of all, or of a subtree; 0: not; -1 */
static int over_counts(struct import *import, const struct tally *tally,
		       struct error *err)
{
	const struct config_guards *guards = import->options->guards;
	size_t i;
	int ret = 0;

	if (guards->deletions.set && !guards->deletions.percent &&
	    (int64_t)tally->len > guards->deletions.value) {
		describe(import, "objects", (int64_t)tally->len, 0,
			 &guards->deletions);
		return 1;
	}
	for (i = 0; i < guards->subtree_count && ret == 0; i++)
		ret = over_subtree(import, &guards->subtrees[i],
				   tally->by_subtree[i], err);
	return ret;
}

/* 1: more than a type's limit; 0: not; -1 */
static int over_types(struct import *import, const struct tally *tally,
		      struct error *err)
{
	const struct config_guards *guards = import->options->guards;
	size_t t;

	for (t = 0; t < import->agent->type_count; t++) {
		const struct config_limit *limit = limit_of(guards, t);
		int64_t total;

		if (!tally->by_type[t] || !limit || !limit->set)
			continue;
		total = total_of(import, t, limit, tally->by_type[t], err);
		if (total < 0)
			return -1;
		if (!config_limit_exceeded(limit, guards->above,
					   tally->by_type[t], total))
			continue;
		describe(import, import->agent->types[t].name,
			 tally->by_type[t], total, limit);
		return 1;
	}
	return 0;
}

static int judge(struct import *import, const struct tally *tally,
		 struct error *err)
{
	const char *allow = import->options->allow;
	int ret;

	make_token(import, tally);
	if (allow && strcmp(allow, import->result->token) == 0) {
		import->result->token_used = true;
		return 0;
	}
	ret = over_counts(import, tally, err);
	if (ret == 0)
		ret = over_types(import, tally, err);
	if (ret == 0)
		import->result->token[0] = '\0';
	return ret;
}

int guard_deletions(struct import *import, const int64_t *ids, size_t count,
		    struct error *err)
{
	size_t subtrees = import->options->guards->subtree_count;
	size_t types = import->agent->type_count;
	struct tally tally = { 0 };
	int ret;

	tally.ids = mem_alloc((count + 1) * sizeof(*tally.ids));
	tally.by_type = mem_zalloc((types + 1) * sizeof(*tally.by_type));
	tally.by_subtree =
		mem_zalloc((subtrees + 1) * sizeof(*tally.by_subtree));
	ret = make_tally(import, ids, count, &tally, err);
	if (ret == 0)
		ret = judge(import, &tally, err);
	mem_free(tally.ids);
	mem_free(tally.by_type);
	mem_free(tally.by_subtree);
	return ret;
}

/* Updates that wait for a synchronization. */
static int64_t count_waiting(struct import *import, struct error *err)
{
	int64_t ids[1024];
	int64_t after = 0;
	int64_t all = 0;
	int count;

	while ((count = store_pending_import_ids(import->store, import->number,
						 after, PENDING_IMPORT_OTHERS,
						 ids, 1024, err)) > 0) {
		after = ids[count - 1];
		all += count;
	}
	return count < 0 ? -1 : all;
}

int guard_begin(struct import *import, struct error *err)
{
	const struct config_limit *changes = &import->options->guards->changes;

	if (import->first || !changes->set)
		return 0;
	import->waiting = count_waiting(import, err);
	if (import->waiting >= 0 && changes->percent)
		import->total =
			store_cs_count(import->store, import->number, 0, err);
	return import->waiting < 0 || import->total < 0 ? -1 : 0;
}

int guard_changes(struct import *import)
{
	const struct config_guards *guards = import->options->guards;
	struct import_result *result = import->result;
	int64_t all = import->waiting + import->changes;

	if (import->first || import->changes <= 0 ||
	    !config_limit_exceeded(&guards->changes, guards->above, all,
				   import->total))
		return 0;
	result->result = "stopped-change-limit";
	(void)snprintf(result->message, sizeof(result->message),
		       "%lld new and changed objects would wait for a "
		       "synchronization, more than guards: import: changes "
		       "allows; the import was stopped, nothing was deleted. "
		       "What was read is staged: when the source is wrong, "
		       "mend it and import again, else synchronize, or raise "
		       "the limit",
		       (long long)all);
	return 1;
}
