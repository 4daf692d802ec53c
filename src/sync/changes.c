/*
 * changes.c - after a change of rules: whom it concerns is looked at again
 *
 * At the beginning of a synchronization the rules are compared with those of
 * the last one, part by part (parts.c). Objects that a changed part can concern
 * are queued, in chunks, like anything that waits to be synchronized; then the
 * new rules are recorded. Killed in between, the next one begins again, which
 * does no harm. So delta synchronizations are enough after any change of rules.
 *
 *	part         differs                concerns
 *	select       which rule set takes   all objects of the type
 *	filter                              all objects of the type
 *	join project                        unlinked objects of the type
 *	import export                       what is linked under the rule set,
 *and has an input where that decides provision    but not removed metaverse
 *objects of the type deprovision                         objects that wait for
 *their day attribute    type, match, merge     metaverse objects of the type
 *	rank         order of contributors  metaverse objects of the type
 *	key          new or other           keys are made anew
 *	provisioning switched on            metaverse objects of the type
 *	read         type of an attribute   all objects of the type
 *
 * Deletion rules and initial values act when something happens, not later: a
 * change of these concerns nobody.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/changes.h"

#include "store/rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 4096

/* Objects that are to be synchronized again. */
struct effect {
	enum concern concern;
	uint32_t agent;
	uint32_t number;
	bool outbound;    /* `inputs` are the metaverse object's */
	struct sv inputs; /* no pointer: whatever it has */
};

struct new_key {
	const struct mv_plan *plan;
	attr_id attr;
	uint32_t number;
};

struct changes {
	struct sync *sync;
	struct parts old;
	struct parts new;
	VEC(struct effect) effects;
	VEC(struct new_key) keys;
	struct strbuf why;
	size_t reasons;
	struct idmap seen_cs;
	struct idmap seen_mv;
	struct concern_row rows[CHUNK];
};

/* ---- what a part's name says ---- */

struct part_name {
	char kind[16];
	uint32_t agent;
	uint32_t number;
	uint32_t type;
	struct sv rest;
};

static uint32_t take_number(struct sv *rest)
{
	size_t end = sv_find(*rest, ' ', 0);
	int64_t number = 0;

	(void)sv_to_i64(sv_sub(*rest, 0, end), &number);
	*rest = end < rest->len ? sv_sub(*rest, end + 1, rest->len) : SV_NULL;
	return (uint32_t)number;
}

static void read_name(struct sv name, struct part_name *out)
{
	size_t end = sv_find(name, ' ', 0);
	size_t len = end < sizeof(out->kind) ? end : sizeof(out->kind) - 1;

	memset(out, 0, sizeof(*out));
	if (len)
		memcpy(out->kind, name.ptr, len);
	out->rest = end < name.len ? sv_sub(name, end + 1, name.len) : SV_NULL;
	out->agent = take_number(&out->rest);
	out->number = take_number(&out->rest);
	out->type = take_number(&out->rest);
}

static bool is(const struct part_name *name, const char *kind)
{
	return !strcmp(name->kind, kind);
}

static const char *name_or(struct changes *c, enum store_name_kind kind,
			   uint32_t number)
{
	const char *name = store_name(c->sync->store, kind, number);

	return name ? name : "?";
}

#define REASONS 5

static void add_reason(struct changes *c, const struct part_name *name)
{
	if (c->reasons++ >= REASONS)
		return;
	if (c->why.len)
		strbuf_adds(&c->why, ", ");
	strbuf_adds(&c->why, name->kind);
	if (!sv_eq_str(name->rest, "-"))
		strbuf_addf(&c->why, " " SV_FMT, SV_ARG(name->rest));
	if (!name->agent)
		strbuf_addf(&c->why, " of the metaverse's %s",
			    name_or(c, NAME_MV_TYPE, name->number));
	else if (name->number)
		strbuf_addf(&c->why, " of %s",
			    name_or(c, NAME_RULE_SET, name->number));
	else
		strbuf_addf(&c->why, " of %s.%s",
			    name_or(c, NAME_AGENT, name->agent),
			    name_or(c, NAME_TYPE, name->type));
}

/* ---- what follows from a difference ---- */

/* Both concern the same objects, or one those of the other and more. */
static bool merge_effects(struct effect *effect, const struct effect *more,
			  struct arena *arena)
{
	if (effect->concern != more->concern || effect->agent != more->agent ||
	    effect->number != more->number ||
	    effect->outbound != more->outbound)
		return false;
	if (!more->inputs.ptr)
		effect->inputs = SV_NULL;
	if (effect->inputs.ptr)
		effect->inputs = sv_from(arena_printf(
			arena, SV_FMT "%c" SV_FMT, SV_ARG(effect->inputs),
			INPUTS_MARK, SV_ARG(more->inputs)));
	return true;
}

static void put_effect(struct changes *c, struct effect found)
{
	struct effect *effect;

	vec_foreach(&c->effects, effect)
		if (merge_effects(effect, &found, &c->new.arena))
			return;
	vec_push(&c->effects, found);
}

static void add_effect(struct changes *c, const struct part_name *name,
		       enum concern concern, uint32_t agent, uint32_t number)
{
	const struct effect found = { concern, agent, number, false, SV_NULL };
	const struct sync *sync = c->sync;

	add_reason(c, name);
	/* an agent that is in no file any more, or is read through anyway */
	if (concern == CONCERN_TYPE || concern == CONCERN_UNLINKED)
		if (!plan_agent(c->sync, agent) ||
		    (sync->options->full && sync->number == agent))
			return;
	put_effect(c, found);
}

/* A flow concerns what has one of its inputs, where it does the same as
 * before for all others. */
static void add_flow(struct changes *c, const struct part_name *name,
		     const struct part *old, const struct part *new,
		     bool outbound)
{
	struct effect found = { CONCERN_LINKED, name->agent, name->number,
				outbound, SV_NULL };

	add_reason(c, name);
	if (!outbound || (old && new))
		found.inputs = inputs_of_change(old, new, &c->new.arena);
	put_effect(c, found);
}

static void add_key(struct changes *c, const struct part_name *name)
{
	const struct mv_plan *plan = plan_mv(c->sync, name->number);
	struct new_key key = { plan, 0, 0 };
	size_t i;

	for (i = 0; plan && i < plan->attr_count; i++)
		if (sv_eq_str(name->rest, plan->attrs[i].attr->attr.def.name)) {
			key.attr = plan->attrs[i].attr->attr.id;
			key.number = plan->attrs[i].number;
		}
	for (i = 0; plan && i < plan->type->key_count; i++)
		if (sv_eq_str(name->rest, plan->type->keys[i].name)) {
			key.attr = plan->type->keys[i].id;
			key.number = plan->key_numbers[i];
		}
	if (key.attr)
		vec_push(&c->keys, key);
}

static void warn(struct sync *sync, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void warn(struct sync *sync, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (sync->options->warning)
		sync->options->warning(sync->options->warning_data, text);
}

/* An attribute that was not read, or as something else: what is stored lacks
 * it. 0, -1 */
static int tell_unread(struct changes *c, const struct part_name *name,
		       struct error *err)
{
	int64_t after = 0;
	int some = store_concerned(c->sync->store, CONCERN_TYPE, name->agent,
				   name->type, &after, c->rows, 1, err);

	if (some > 0)
		warn(c->sync,
		     "'" SV_FMT "' of %s.%s is read anew: run %s full-import, "
		     "its values are not known before",
		     SV_ARG(name->rest), name_or(c, NAME_AGENT, name->agent),
		     name_or(c, NAME_TYPE, name->type),
		     name_or(c, NAME_AGENT, name->agent));
	return some < 0 ? -1 : 0;
}

static bool has_word(struct sv list, struct sv word)
{
	while (list.len) {
		size_t end = sv_find(list, ' ', 0);

		if (sv_eq(sv_sub(list, 0, end), word))
			return true;
		list = end < list.len ? sv_sub(list, end + 1, list.len)
				      : SV_NULL;
	}
	return false;
}

/* The next contributor that the other list has too; empty: none. */
static struct sv next_common(struct sv *list, struct sv other)
{
	while (list->len) {
		size_t end = sv_find(*list, ' ', 0);
		struct sv word = sv_sub(*list, 0, end);

		*list = end < list->len ? sv_sub(*list, end + 1, list->len)
					: SV_NULL;
		if (word.len && has_word(other, word))
			return word;
	}
	return SV_NULL;
}

/* Who came or went is told by its flows; here it is those who stayed. */
static bool same_order(struct sv old, struct sv new)
{
	struct sv a = old;
	struct sv b = new;

	for (;;) {
		struct sv x = next_common(&a, new);
		struct sv y = next_common(&b, old);

		if (!sv_eq(x, y))
			return false;
		if (!x.len)
			return true;
	}
}

/* `old` or `new` NULL: there was, or is, no such part. 0, -1 */
static int take_difference(struct changes *c, struct sv part,
			   const struct part *old, const struct part *new,
			   struct error *err)
{
	struct part_name name;

	read_name(part, &name);
	if (is(&name, "select") || is(&name, "filter")) {
		add_effect(c, &name, CONCERN_TYPE, name.agent, name.type);
	} else if (is(&name, "join") || is(&name, "project")) {
		add_effect(c, &name, CONCERN_UNLINKED, name.agent, name.type);
	} else if (is(&name, "import") || is(&name, "export")) {
		add_flow(c, &name, old, new, is(&name, "export"));
	} else if (is(&name, "provision") && new) {
		add_effect(c, &name, CONCERN_MV, 0, name.type);
	} else if (is(&name, "deprovision") && old) {
		add_effect(c, &name, CONCERN_LEAVING, name.agent, name.number);
	} else if ((is(&name, "attribute") && old) ||
		   (is(&name, "provisioning") && new)) {
		add_effect(c, &name, CONCERN_MV, 0, name.number);
	} else if (is(&name, "rank") && old && new) {
		if (!same_order(old->text, new->text))
			add_effect(c, &name, CONCERN_MV, 0, name.number);
	} else if (is(&name, "key") && new) {
		add_key(c, &name);
	} else if (is(&name, "read") && new) {
		if (old)
			add_effect(c, &name, CONCERN_TYPE, name.agent,
				   name.type);
		return tell_unread(c, &name, err);
	}
	return 0;
}

static void tell_rule(struct changes *c, struct sv part, const struct part *old,
		      const struct part *new)
{
	const struct sync_options *options = c->sync->options;
	struct part_name name;
	struct sync_rule rule;

	if (!options->rule)
		return;
	read_name(part, &name);
	rule.how = !old   ? SYNC_RULE_NEW
		   : !new ? SYNC_RULE_GONE
			  : SYNC_RULE_CHANGED;
	rule.kind = name.kind;
	rule.agent = name.agent;
	rule.number = name.number;
	rule.type = name.type;
	rule.rest = name.rest;
	options->rule(options->rule_data, &rule);
}

/* 0, -1 */
static int differs(struct changes *c, struct sv part, const struct part *old,
		   const struct part *new, struct error *err)
{
	size_t before = c->reasons;

	if (take_difference(c, part, old, new, err) < 0)
		return -1;
	if (c->reasons > before)
		tell_rule(c, part, old, new);
	return 0;
}

/* Both lists are sorted by name. 0, -1 */
static int compare(struct changes *c, struct error *err)
{
	size_t o = 0;
	size_t n = 0;

	while (o < c->old.all.len || n < c->new.all.len) {
		const struct part *old = &c->old.all.at[o];
		const struct part *new = &c->new.all.at[n];
		int order = o == c->old.all.len   ? 1
			    : n == c->new.all.len ? -1
						  : part_order(old, new);
		int ret = 0;

		if (order < 0)
			ret = differs(c, old->name, old, NULL, err);
		else if (order > 0)
			ret = differs(c, new->name, NULL, new, err);
		else if (!sv_eq(old->text, new->text))
			ret = differs(c, new->name, old, new, err);
		if (ret < 0)
			return -1;
		o += order <= 0;
		n += order >= 0;
	}
	return 0;
}

/* A store whose rules were never recorded: everything. */
static void concern_all(struct changes *c)
{
	struct sync *sync = c->sync;
	const struct part_name name = { .kind = "everything",
					.rest = SV_LIT("-") };
	size_t i;
	size_t k;

	for (i = 0; i < sync->config->agent_count; i++)
		for (k = 0; k < sync->agents[i].agent->type_count; k++)
			add_effect(c, &name, CONCERN_TYPE,
				   sync->agents[i].number,
				   sync->agents[i].types[k]);
	for (i = 0; i < sync->config->mv_type_count; i++)
		add_effect(c, &name, CONCERN_MV, 0, sync->mv_types[i].number);
	strbuf_reset(&c->why);
	strbuf_adds(&c->why, "those of the last synchronization are not known");
	c->reasons = 0;
	tell_rule(c, SV_LIT("everything"), NULL, NULL);
}

/* ---- doing it ---- */

static int queue_row(struct changes *c, const struct effect *effect,
		     const struct concern_row *row, struct error *err)
{
	bool by_mv = row->mv && effect->concern != CONCERN_TYPE;
	int64_t id = by_mv ? row->mv : row->cs;
	struct idmap *seen = by_mv ? &c->seen_mv : &c->seen_cs;

	if (!id || idmap_get(seen, (uint64_t)id, NULL))
		return 0;
	idmap_put(seen, (uint64_t)id, 1);
	return by_mv ? store_mv_queue_put(c->sync->tx, id, err)
		     : store_queue_put(c->sync->tx, id, err);
}

static bool has_any(const struct image *image, const attr_id *attrs,
		    size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (image_has(image, attrs[i]))
			return true;
	return false;
}

/* Does the object have one of the inputs, at whatever level? 1, 0, -1 */
static int has_input(struct changes *c, const struct effect *effect,
		     const struct concern_row *row, const attr_id *attrs,
		     size_t count, struct error *err)
{
	struct store *store = c->sync->store;
	struct arena *arena = &c->sync->scratch;
	struct image image;
	struct entry entry;
	struct mv_row mv;
	int ret;

	if (effect->outbound) {
		ret = store_mv_get(store, row->mv, arena, &mv, err);
		if (ret > 0 && mv_image(store, &mv, arena, &image, err) < 0)
			return -1;
		return ret > 0 ? has_any(&image, attrs, count) : ret;
	}
	ret = entry_load(store, row->cs, arena, &entry, err);
	if (ret <= 0)
		return ret;
	return has_any(&entry.image, attrs, count) ||
	       has_any(&entry.synced, attrs, count) ||
	       has_any(&entry.awaiting.attrs, attrs, count) ||
	       has_any(&entry.pending.attrs, attrs, count);
}

static int queue_rows(struct changes *c, const struct effect *effect,
		      const attr_id *attrs, size_t attr_count, int count,
		      struct error *err)
{
	int i;

	for (i = 0; i < count; i++) {
		int ret = 1;

		if (effect->inputs.ptr)
			ret = has_input(c, effect, &c->rows[i], attrs,
					attr_count, err);
		arena_reset(&c->sync->scratch);
		if (ret > 0)
			ret = queue_row(c, effect, &c->rows[i], err);
		if (ret < 0)
			return -1;
	}
	return 0;
}

static int queue_effect(struct changes *c, const struct effect *effect,
			struct error *err)
{
	attr_id *attrs;
	size_t attr_count = inputs_resolve(c->sync->store, effect->inputs,
					   &c->new.arena, &attrs);
	int64_t after = 0;
	int count;

	while ((count = store_concerned(c->sync->store, effect->concern,
					effect->agent, effect->number, &after,
					c->rows, CHUNK, err)) > 0) {
		if (queue_rows(c, effect, attrs, attr_count, count, err) < 0 ||
		    sync_commit(c->sync, err) < 0)
			return -1;
	}
	return count;
}

static int index_values(struct changes *c, const struct new_key *key,
			const struct mv_row *row, struct arena *arena,
			struct error *err)
{
	struct sync *sync = c->sync;
	struct work_mv mv = { .row = *row, .plan = key->plan };
	struct values values;
	size_t i;

	if (mv_image(sync->store, row, arena, &mv.image, err) < 0 ||
	    view_mv_key(sync, &mv, &mv.image, key->attr, &values, err) < 0)
		return -1;
	for (i = 0; i < values.len; i++) {
		struct key_row found = { key_of_mv(sync->store, key->number,
						   &values.at[i]),
					 row->id };

		if (store_mv_key_put(sync->tx, &found, 1, err) < 0)
			return -1;
	}
	return 0;
}

/* Keys of what is there: a new index, or another expression. */
static int make_keys(struct changes *c, struct error *err)
{
	struct mv_row *rows = mem_alloc(CHUNK * sizeof(*rows));
	struct arena arena = ARENA_INIT;
	const struct new_key *key;
	int64_t after = 0;
	int count = 0;
	int ret = 0;
	int i;

	while (c->keys.len && ret == 0 &&
	       (count = store_mv_scan(c->sync->store, after, rows, CHUNK,
				      &arena, err)) > 0) {
		after = rows[count - 1].id;
		for (i = 0; i < count && ret == 0; i++)
			vec_foreach(&c->keys, key)
				if (ret == 0 &&
				    key->plan->number == rows[i].type)
					ret = index_values(c, key, &rows[i],
							   &arena, err);
		if (ret == 0)
			ret = sync_commit(c->sync, err);
		arena_reset(&arena);
		arena_reset(&c->sync->scratch);
	}
	arena_release(&arena);
	mem_free(rows);
	return count < 0 ? -1 : ret;
}

/* Only what differs is written. */
static int record(struct changes *c, struct sv fingerprint, struct error *err)
{
	struct store_tx *tx = c->sync->tx;
	const struct part *part;

	vec_foreach(&c->old.all, part)
		if (!bsearch(part, c->new.all.at, c->new.all.len, sizeof(*part),
			     part_order) &&
		    store_rules_delete(tx, part->name, err) < 0)
			return -1;
	vec_foreach(&c->new.all, part) {
		const struct part *old =
			c->old.all.len
				? bsearch(part, c->old.all.at, c->old.all.len,
					  sizeof(*part), part_order)
				: NULL;

		if ((!old || !sv_eq(old->text, part->text)) &&
		    store_rules_put(tx, part->name, part->text, err) < 0)
			return -1;
	}
	if (store_meta_set(tx, "rules", fingerprint, err) < 0)
		return -1;
	return sync_commit(c->sync, err);
}

static void tell(struct changes *c)
{
	if (!c->seen_cs.len && !c->seen_mv.len)
		return;
	if (c->reasons > REASONS)
		strbuf_addf(&c->why, " and %zu more", c->reasons - REASONS);
	warn(c->sync,
	     "the rules have changed (%s): synchronized anew are %zu objects "
	     "of agents and %zu of the metaverse",
	     strbuf_cstr(&c->why), c->seen_cs.len, c->seen_mv.len);
}

static int keep_old(void *data, struct sv name, struct sv text)
{
	struct parts *parts = data;
	struct part part = { arena_dup(&parts->arena, name),
			     arena_dup(&parts->arena, text) };

	vec_push(&parts->all, part);
	return 0;
}

static int take(struct changes *c, struct sv fingerprint, struct error *err)
{
	struct sync *sync = c->sync;
	const struct effect *effect;
	int64_t known;

	if (store_rules_scan(sync->store, keep_old, &c->old, err) < 0)
		return -1;
	vec_sort(&c->old.all, part_order);
	known = c->old.all.len ? 0 : store_mv_count(sync->store, 0, err);
	if (known < 0)
		return -1;
	if (known)
		concern_all(c);
	else if (c->old.all.len && compare(c, err) < 0)
		return -1;
	vec_foreach(&c->effects, effect)
		if (queue_effect(c, effect, err) < 0)
			return -1;
	if (make_keys(c, err) < 0 || record(c, fingerprint, err) < 0)
		return -1;
	tell(c);
	return 0;
}

static struct hash128 fingerprint_of(struct sync *sync,
				     const struct parts *parts)
{
	struct strbuf all = STRBUF_INIT(STRBUF_NO_LIMIT);
	const struct part *part;
	struct hash128 hash;

	vec_foreach(&parts->all, part) {
		strbuf_addf(&all, "%zu:" SV_FMT "%zu:", part->name.len,
			    SV_ARG(part->name), part->text.len);
		strbuf_addsv(&all, part->text);
	}
	hash = hash128(store_hash_key(sync->store), strbuf_sv(&all));
	strbuf_release(&all);
	return hash;
}

int changes_take(struct sync *sync, struct error *err)
{
	struct changes *c = mem_zalloc(sizeof(*c));
	struct hash128 hash;
	struct sv fingerprint = sv_make((const char *)&hash, sizeof(hash));
	struct sv stored;
	int ret;

	c->sync = sync;
	c->why = (struct strbuf)STRBUF_INIT(STRBUF_NO_LIMIT);
	parts_make(sync, &c->new);
	hash = fingerprint_of(sync, &c->new);
	ret = store_meta_get(sync->store, "rules", &c->new.arena, &stored, err);
	if (ret >= 0)
		ret = ret > 0 && sv_eq(stored, fingerprint)
			      ? 0
			      : take(c, fingerprint, err);
	parts_release(&c->old);
	parts_release(&c->new);
	vec_release(&c->effects);
	vec_release(&c->keys);
	strbuf_release(&c->why);
	idmap_release(&c->seen_cs);
	idmap_release(&c->seen_mv);
	mem_free(c);
	return ret;
}
