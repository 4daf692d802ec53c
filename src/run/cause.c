/*
 * cause.c - what is staged and which rules changed, laid beside what is pending
 *
 * An object's sources are those that its metaverse object was linked to before
 * the syncs or is linked to now, so also those that are gone. Which of their
 * changes comes to which attribute follows from the rules (reach.h); what no
 * rule explains has all of them as its causes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/cause.h"

#include "inspect/pending.h"
#include "run/reach.h"
#include "run/rule_change.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK  256
#define SPREAD 16 /* objects between two of a chunk that are worth reading */
#define NO_ONE SIZE_MAX

/* What happened to objects, once for all to which the same did. */
struct staged {
	size_t agent; /* in the configuration; NO_ONE: it is in no file */
	size_t type;
	enum import_op op;
	const char *text; /* of all but an update */
	size_t count;     /* of an update */
	attr_id *attrs;   /* ATTR_DN: its name */
	const char **texts;
};

struct source {
	int64_t cs;
	const struct staged *staged;
	const char *name;
};

/* A source of a metaverse object. */
struct tie {
	int64_t mv;
	size_t source;
};

struct causes {
	struct display *display;
	struct arena arena;
	struct idmap texts;         /* hash of a text -> it */
	struct idmap staged;        /* hash of all its texts -> struct staged */
	struct idmap before;        /* what was pending already */
	VEC(struct source) sources; /* by number */
	VEC(struct tie) ties;       /* sorted when settled */
	struct rule_changes *rules;
	struct reach *reach;
};

static const char EARLIER[] = "an earlier synchronization";
static const char OTHERS[] =
	"other objects: references, names, or a time that came";

struct causes *causes_new(struct display *display)
{
	struct causes *causes = mem_zalloc(sizeof(*causes));

	causes->display = display;
	causes->reach = reach_new(display->config);
	causes->rules = rule_changes_new(display);
	return causes;
}

void causes_free(struct causes *causes)
{
	if (!causes)
		return;
	idmap_release(&causes->texts);
	idmap_release(&causes->staged);
	idmap_release(&causes->before);
	vec_release(&causes->sources);
	vec_release(&causes->ties);
	rule_changes_free(causes->rules);
	reach_free(causes->reach);
	arena_release(&causes->arena);
	mem_free(causes);
}

void causes_rule(struct causes *causes, const struct sync_rule *rule)
{
	rule_changes_add(causes->rules, rule);
}

/* ---- whose sources they are ---- */

static void tie_to(struct causes *causes, const struct link_row *link,
		   size_t source)
{
	struct tie tie = { link->mv, source };

	if (tie.mv)
		vec_push(&causes->ties, tie);
}

/* Sources first..end lie close together: their links are read as a range. */
static int tie_range(struct causes *causes, size_t first, size_t end,
		     struct arena *arena, struct error *err)
{
	const struct source *sources = causes->sources.at;
	struct link_row *links;
	int count = store_link_range(causes->display->store, sources[first].cs,
				     sources[end - 1].cs, arena, &links, err);
	size_t at = first;
	int i;

	for (i = 0; i < count; i++) {
		while (at < end && sources[at].cs < links[i].cs)
			at++;
		if (at < end && sources[at].cs == links[i].cs)
			tie_to(causes, &links[i], at);
	}
	return count < 0 ? -1 : 0;
}

static int tie_each(struct causes *causes, size_t first, size_t end,
		    struct error *err)
{
	struct link_row link;
	size_t i;

	for (i = first; i < end; i++) {
		int ret = store_link_get(causes->display->store,
					 causes->sources.at[i].cs, &link, err);

		if (ret > 0)
			tie_to(causes, &link, i);
		if (ret < 0)
			return -1;
	}
	return 0;
}

/* The end of those that are taken with the first. */
static size_t end_of(const struct causes *causes, size_t first)
{
	const struct source *sources = causes->sources.at;
	size_t end = first + 1;

	while (end < causes->sources.len && end < first + CHUNK &&
	       CS_AGENT(sources[end].cs) == CS_AGENT(sources[first].cs))
		end++;
	return end;
}

static int tie_order(const void *a, const void *b)
{
	const struct tie *x = a;
	const struct tie *y = b;

	if (x->mv != y->mv)
		return x->mv < y->mv ? -1 : 1;
	return (x->source > y->source) - (x->source < y->source);
}

/* Links as they are now, of the sources from the one with this number on. */
static int tie_sources(struct causes *causes, size_t first, struct error *err)
{
	struct arena arena = ARENA_INIT;
	size_t end;
	int ret = 0;

	for (; first < causes->sources.len && ret == 0; first = end) {
		int64_t from = causes->sources.at[first].cs;
		int64_t to;

		end = end_of(causes, first);
		to = causes->sources.at[end - 1].cs;
		ret = to - from < (int64_t)(end - first) * SPREAD
			      ? tie_range(causes, first, end, &arena, err)
			      : tie_each(causes, first, end, err);
		arena_reset(&arena);
	}
	arena_release(&arena);
	return ret;
}

/* ---- what is staged ---- */

/* One text for all that have the same. */
static const char *keep_text(struct causes *causes, struct sv text)
{
	uint64_t h = hash64(store_hash_key(causes->display->store), text);
	const char *kept = idmap_get_ptr(&causes->texts, h);

	if (!kept || !sv_eq_str(text, kept)) {
		kept = arena_cstr(&causes->arena, text);
		idmap_put_ptr(&causes->texts, h, (void *)(uintptr_t)kept);
	}
	return kept;
}

static void find_place(const struct causes *causes, const char *agent,
		       const char *type, struct staged *out)
{
	const struct config_agent *at =
		config_agent_find(causes->display->config, sv_from(agent));
	size_t i;

	out->agent = at ? at->index : NO_ONE;
	out->type = NO_ONE;
	for (i = 0; at && i < at->type_count; i++)
		if (!strcmp(at->types[i].name, type))
			out->type = i;
}

static void add_changed(struct causes *causes, const struct entry *entry,
			const char *agent, struct staged *out,
			struct arena *arena)
{
	struct image change = image_diff(&entry->synced, &entry->image, arena);
	size_t i;

	out->attrs = arena_array(arena, change.len + 1, sizeof(*out->attrs));
	out->texts = arena_array(arena, change.len + 1, sizeof(*out->texts));
	if (entry->renamed)
		out->attrs[out->count++] = ATTR_DN;
	for (i = 0; i < change.len; i++)
		out->attrs[out->count++] = change.attrs[i].attr;
	for (i = 0; i < out->count; i++) {
		const char *name =
			out->attrs[i] == ATTR_DN
				? "name"
				: store_attr_name(causes->display->store,
						  out->attrs[i]);

		out->texts[i] = keep_text(
			causes,
			sv_from(arena_printf(arena, "%s: %s changed", agent,
					     name ? name : "?")));
	}
}

static const char *told(const struct entry *entry, const char *agent,
			const char *type, struct arena *arena)
{
	switch (entry->import) {
	case IMPORT_ADD:
		return arena_printf(arena, "%s: new %s", agent, type);
	case IMPORT_DELETE:
		return arena_printf(arena, "%s: %s gone", agent, type);
	case IMPORT_DELETE_ADD:
		return arena_printf(arena,
				    "%s: another %s under the same anchor",
				    agent, type);
	case IMPORT_NONE:
	case IMPORT_UPDATE:
		break;
	}
	return NULL;
}

/* Texts are kept, so what has the same has the same pointers. */
static bool same_staged(const struct staged *a, const struct staged *b)
{
	return a->agent == b->agent && a->type == b->type && a->op == b->op &&
	       a->text == b->text && a->count == b->count &&
	       (!a->count ||
		!memcmp(a->texts, b->texts, a->count * sizeof(*a->texts)));
}

static const struct staged *keep_staged(struct causes *causes,
					const struct staged *found)
{
	const char *texts[] = { found->text };
	struct sv all = found->count
				? sv_make((const char *)found->texts,
					  found->count * sizeof(*found->texts))
				: sv_make((const char *)texts, sizeof(texts));
	uint64_t h = hash64(store_hash_key(causes->display->store), all);
	struct staged *kept = idmap_get_ptr(&causes->staged, h);
	size_t size = found->count * sizeof(*found->attrs);

	if (kept && same_staged(kept, found))
		return kept;
	kept = arena_alloc(&causes->arena, sizeof(*kept));
	*kept = *found;
	if (found->count) {
		kept->attrs = arena_alloc(&causes->arena, size);
		memcpy(kept->attrs, found->attrs, size);
		kept->texts =
			(const char **)(uintptr_t)arena_dup(&causes->arena, all)
				.ptr;
	}
	idmap_put_ptr(&causes->staged, h, kept);
	return kept;
}

static const struct staged *
staged_of(struct causes *causes, const struct entry *entry, struct arena *arena)
{
	struct store *store = causes->display->store;
	const char *type = store_name(store, NAME_TYPE, entry->row.type);
	const char *agent =
		store_name(store, NAME_AGENT, CS_AGENT(entry->row.id));
	struct staged found = { .op = entry->import };
	const char *text;

	if (!type)
		type = "object";
	find_place(causes, agent, type, &found);
	text = told(entry, agent, type, arena);
	if (text)
		found.text = keep_text(causes, sv_from(text));
	else
		add_changed(causes, entry, agent, &found, arena);
	return keep_staged(causes, &found);
}

/* As the last import read it. */
static int name_of(struct causes *causes, const struct cs_row *row,
		   struct arena *arena, const char **out, struct error *err)
{
	struct tree *tree = display_tree(causes->display, CS_AGENT(row->id));
	struct sv name = SV_NULL;

	if (tree_dn(tree, row->parent, row->rdn, TREE_IMPORTED, arena, &name,
		    err) < 0)
		return -1;
	if (!name.len)
		name = row->anchor;
	*out = arena_cstr(&causes->arena, name);
	return 0;
}

/* Of an update also what it was and is. 1, 0 there is no such object, -1 */
static int load(struct causes *causes, const struct pending_import *import,
		struct arena *arena, struct entry *out, struct error *err)
{
	struct store *store = causes->display->store;

	if (import->op == IMPORT_UPDATE)
		return entry_load(store, import->cs, arena, out, err);
	memset(out, 0, sizeof(*out));
	out->import = import->op;
	return store_cs_named(store, import->cs, arena, &out->row, err);
}

static int note_import(struct causes *causes,
		       const struct pending_import *import, struct arena *arena,
		       struct error *err)
{
	struct source source = { .cs = import->cs };
	struct entry entry;
	int ret = load(causes, import, arena, &entry, err);

	if (ret <= 0)
		return ret;
	source.staged = staged_of(causes, &entry, arena);
	if (name_of(causes, &entry.row, arena, &source.name, err) < 0)
		return -1;
	vec_push(&causes->sources, source);
	return 0;
}

static int note_chunk(struct causes *causes, int64_t first, int64_t last,
		      struct arena *arena, struct error *err)
{
	struct pending_import *imports;
	int count = store_pending_import_range(causes->display->store, first,
					       last, arena, &imports, err);
	int ret = 0;
	int i;

	for (i = 0; i < count && ret == 0; i++)
		ret = note_import(causes, &imports[i], arena, err);
	return count < 0 ? -1 : ret;
}

static int note_imports(struct causes *causes, uint32_t agent,
			struct error *err)
{
	size_t before = causes->sources.len;
	struct arena arena = ARENA_INIT;
	int64_t ids[CHUNK];
	int64_t after = 0;
	int count = 0;
	int ret = 0;

	while (ret == 0 &&
	       (count = pending_ids(causes->display->store, PENDING_IMPORTS,
				    agent, after, ids, CHUNK, err)) > 0) {
		ret = note_chunk(causes, ids[0], ids[count - 1], &arena, err);
		arena_reset(&arena);
		after = ids[count - 1];
	}
	arena_release(&arena);
	if (ret == 0 && count == 0)
		ret = tie_sources(causes, before, err);
	return ret < 0 || count < 0 ? -1 : 0;
}

static int note_exports(struct causes *causes, uint32_t agent,
			struct error *err)
{
	int64_t ids[CHUNK];
	int64_t after = 0;
	int count;
	int i;

	while ((count = pending_ids(causes->display->store, PENDING_EXPORTS,
				    agent, after, ids, CHUNK, err)) > 0) {
		for (i = 0; i < count; i++)
			idmap_put(&causes->before, (uint64_t)ids[i], 1);
		after = ids[count - 1];
	}
	return count;
}

int causes_note(struct causes *causes, struct error *err)
{
	struct store *store = causes->display->store;
	uint32_t number;
	int ret = store_read_begin(store, err);

	if (ret < 0)
		return -1;
	for (number = 1; ret == 0 && store_name(store, NAME_AGENT, number);
	     number++) {
		ret = note_imports(causes, number, err);
		if (ret == 0)
			ret = note_exports(causes, number, err);
		/* the syncs give containers other names */
		tree_forget(display_tree(causes->display, number));
	}
	store_read_end(store);
	return ret < 0 ? -1 : 0;
}

/* ---- when all is synchronized ---- */

int causes_settle(struct causes *causes, struct error *err)
{
	int ret = store_read_begin(causes->display->store, err);

	if (ret < 0)
		return -1;
	ret = tie_sources(causes, 0, err);
	store_read_end(causes->display->store);
	if (causes->ties.len)
		qsort(causes->ties.at, causes->ties.len,
		      sizeof(*causes->ties.at), tie_order);
	return ret;
}

/* ---- laid beside what is pending ---- */

struct asking {
	struct causes *causes;
	const struct entry *entry;
	const struct config_rule_set *rule_set;
	struct arena *arena;
	const struct source **sources;
	size_t source_count;
	VEC(struct cause) found;
	VEC(size_t) refs; /* into `found`, of the change at hand */
};

static void add_source(struct asking *ask, const struct source *source)
{
	size_t i;

	for (i = 0; i < ask->source_count; i++)
		if (ask->sources[i] == source)
			return;
	ask->sources[ask->source_count++] = source;
}

static const struct source *own_source(const struct asking *ask)
{
	const struct source *at = ask->causes->sources.at;
	size_t low = 0;
	size_t high = ask->causes->sources.len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (at[middle].cs < ask->entry->row.id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ask->causes->sources.len &&
			       at[low].cs == ask->entry->row.id
		       ? &at[low]
		       : NULL;
}

static void find_sources(struct asking *ask)
{
	const struct causes *causes = ask->causes;
	const struct link_row *link = &ask->entry->link;
	int64_t mv = link->mv ? link->mv : link->last_mv;
	const struct source *own = own_source(ask);
	size_t low = 0;
	size_t high = causes->ties.len;
	size_t end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (causes->ties.at[middle].mv < mv)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low;
	     mv && end < causes->ties.len && causes->ties.at[end].mv == mv;)
		end++;
	ask->sources =
		arena_array(ask->arena, end - low + 1, sizeof(*ask->sources));
	if (own)
		add_source(ask, own);
	for (; low < end; low++)
		add_source(ask,
			   &causes->sources.at[causes->ties.at[low].source]);
}

/* Its place among the causes of the object. */
static size_t place_of(struct asking *ask, const char *text, const char *object)
{
	const struct cause cause = { text, object };
	size_t i;

	for (i = 0; i < ask->found.len; i++)
		if (ask->found.at[i].text == text &&
		    ask->found.at[i].object == object)
			return i;
	vec_push(&ask->found, cause);
	return i;
}

static void add_ref(struct asking *ask, const char *text, const char *object)
{
	size_t place = place_of(ask, text, object);
	size_t i;

	for (i = 0; i < ask->refs.len; i++)
		if (ask->refs.at[i] == place)
			return;
	vec_push(&ask->refs, place);
}

static void add_all_of(struct asking *ask, const struct source *source)
{
	const struct staged *staged = source->staged;
	size_t i;

	if (staged->text)
		add_ref(ask, staged->text, source->name);
	for (i = 0; i < staged->count; i++)
		add_ref(ask, staged->texts[i], source->name);
}

/* What of the source comes along the path; `attr`: what the object itself has
 * at the path's end. */
static void add_reaching(struct asking *ask, const struct source *source,
			 const struct reach_path *path, attr_id attr)
{
	const struct staged *staged = source->staged;
	bool own = source->cs == ask->entry->row.id;
	size_t i;

	if (staged->text &&
	    (own || reach_from(path, staged->agent, staged->type, ATTR_NONE)))
		add_ref(ask, staged->text, source->name);
	for (i = 0; i < staged->count; i++)
		if ((own && staged->attrs[i] == attr) ||
		    reach_from(path, staged->agent, staged->type,
			       staged->attrs[i]))
			add_ref(ask, staged->texts[i], source->name);
}

static void add_rule(void *data, const char *text)
{
	add_ref(data, text, NULL);
}

/* ATTR_NONE: of the operation itself. */
static void explain(struct asking *ask, attr_id attr)
{
	const struct reach_path *path =
		reach_to(ask->causes->reach, ask->rule_set, attr);
	size_t i;

	for (i = 0; i < ask->source_count; i++)
		add_reaching(ask, ask->sources[i], path, attr ? attr : ATTR_DN);
	rule_changes_reaching(ask->causes->rules, ask->rule_set, attr, path,
			      add_rule, ask);
}

/* What no rule explains. */
static void explain_otherwise(struct asking *ask)
{
	size_t i;

	if (ask->refs.len)
		return;
	if (idmap_get(&ask->causes->before, (uint64_t)ask->entry->row.id,
		      NULL)) {
		add_ref(ask, EARLIER, NULL);
		return;
	}
	for (i = 0; i < ask->source_count; i++)
		add_all_of(ask, ask->sources[i]);
	if (!ask->refs.len)
		rule_changes_general(ask->causes->rules, add_rule, ask);
	if (!ask->refs.len)
		add_ref(ask, OTHERS, NULL);
}

/* Who goes goes with whoever went, whatever that contributed. */
static void explain_operation(struct asking *ask, const char *operation)
{
	bool goes = !strcmp(operation, "delete");
	size_t i;

	if (!strcmp(operation, "update"))
		return;
	for (i = 0; i < ask->source_count && goes; i++)
		if (ask->sources[i]->staged->op == IMPORT_DELETE)
			add_all_of(ask, ask->sources[i]);
	if (ask->rule_set && !ask->refs.len)
		explain(ask, ATTR_NONE);
	if (goes || !ask->rule_set)
		explain_otherwise(ask);
}

static struct cause_refs take_refs(struct asking *ask)
{
	size_t size = ask->refs.len * sizeof(size_t);
	size_t *at = arena_alloc(ask->arena, size + 1);
	struct cause_refs refs = { at, ask->refs.len };

	if (size)
		memcpy(at, ask->refs.at, size);
	vec_clear(&ask->refs);
	return refs;
}

static void explain_changes(struct asking *ask,
			    const struct display_export *export,
			    struct cause_list *out)
{
	struct cause_refs *refs = arena_array(
		ask->arena, export->change_count + 1, sizeof(*refs));
	bool update = !strcmp(export->operation, "update");
	size_t i;

	for (i = 0; i < export->change_count; i++) {
		if (ask->rule_set)
			explain(ask, export->changes[i].attr);
		/* what a new object has beside has the object's causes */
		if (update)
			explain_otherwise(ask);
		refs[i] = take_refs(ask);
	}
	out->changes = refs;
}

void causes_of(struct causes *causes, const struct entry *entry,
	       const struct display_cs *object,
	       const struct config_rule_set *rule_set, struct arena *arena,
	       struct cause_list *out)
{
	struct asking ask = { .causes = causes,
			      .entry = entry,
			      .rule_set = rule_set,
			      .arena = arena };
	struct cause *at;

	find_sources(&ask);
	explain_operation(&ask, object->pending.operation);
	vec_clear(&ask.refs);
	explain_changes(&ask, &object->pending, out);
	if (!ask.found.len)
		explain_otherwise(&ask);
	at = arena_alloc(arena, ask.found.len * sizeof(*at) + 1);
	if (ask.found.len)
		memcpy(at, ask.found.at, ask.found.len * sizeof(*at));
	out->at = at;
	out->len = ask.found.len;
	vec_release(&ask.found);
	vec_release(&ask.refs);
}
