/*
 * matches.c - candidates for disconnectors, by score
 *
 * Disconnectors are held in memory with what they can be found by: values of
 * their join clauses, local parts of addresses, ends of telephone numbers, the
 * beginnings of two words of their name. The metaverse is streamed past them;
 * an object is compared with those only that share one of these.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/matches.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/text.h"
#include "inspect/likeness.h"
#include "rules/rules.h"
#include "sync/unlinked.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS    256
#define BEST    5
#define CERTAIN 90    /* found by a key: nobody else is looked for */
#define CHAIN   400   /* as many share one key at most: others are too common */
#define WHOLE   10000 /* what is left to chance, to begin with */

struct best {
	int64_t mv;
	int score;
};

/* A disconnector. */
struct lone {
	int64_t cs;
	const struct config_rule_set *rule_set;
	struct sync_sought *sought;
	size_t sought_count;
	struct likeness like;
	struct best best[BEST]; /* best first; score 0: none */
	int64_t seen;           /* the metaverse object compared with last */
};

struct chain_link {
	size_t lone;
	uint64_t next; /* 1 + index, 0: the last */
	unsigned length;
};

struct matching {
	struct display *display;
	const struct config_agent *agent;
	struct rules_env rules;
	struct arena arena;  /* of the whole */
	struct arena object; /* of one object */
	VEC(struct lone) lones;
	struct idmap first; /* key -> 1 + index of its last link */
	VEC(struct chain_link) chain;
	VEC(attr_id) sought;       /* attributes that some clause searches */
	enum likeness_kind *kinds; /* [attribute]: of its name */
	size_t kind_count;
};

/* --- begin and end ----------------------------------------------------- */

static void begin(struct matching *m, struct display *display,
		  const struct config_agent *agent)
{
	const char *name;
	uint32_t i;

	memset(m, 0, sizeof(*m));
	m->display = display;
	m->agent = agent;
	m->rules.config = display->config;
	m->rules.now = clock_now();
	while (store_attr_name(display->store, (uint32_t)m->kind_count + 1))
		m->kind_count++;
	m->kinds = arena_zalloc(&m->arena,
				(m->kind_count + 1) * sizeof(*m->kinds));
	for (i = 1; (name = store_attr_name(display->store, i)); i++)
		if (!display_is_secret(name))
			m->kinds[i] = likeness_kind_of(sv_from(name));
}

static void end(struct matching *m)
{
	vec_release(&m->lones);
	vec_release(&m->chain);
	vec_release(&m->sought);
	idmap_release(&m->first);
	arena_release(&m->arena);
	arena_release(&m->object);
}

/* --- what a record has ------------------------------------------------- */

static void add_values(struct likeness *like, enum likeness_kind kind,
		       const struct values *values, struct arena *arena)
{
	size_t i;

	for (i = 0; i < values->len; i++)
		if (values->at[i].type == VALUE_STRING)
			likeness_add(like, kind, values->at[i].text, arena);
}

/* What a column holds that has a name of its own: as the metaverse attribute
 * that it flows to. */
static enum likeness_kind kind_of(const struct matching *m,
				  const struct config_rule_set *rule_set,
				  attr_id attr)
{
	uint32_t from;
	size_t i;

	if (attr > m->kind_count)
		return LIKENESS_NONE;
	if (m->kinds[attr] != LIKENESS_NONE || !rule_set)
		return m->kinds[attr];
	for (i = 0; i < rule_set->import_count; i++) {
		const struct config_import_flow *flow = &rule_set->imports[i];

		if (flow->source && expr_is_attr(flow->source, &from) &&
		    from == attr && flow->mv_attr <= m->kind_count)
			return m->kinds[flow->mv_attr];
	}
	return LIKENESS_NONE;
}

static void read_image(const struct matching *m,
		       const struct config_rule_set *rule_set,
		       const struct image *image, struct arena *arena,
		       struct likeness *out)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < image->len; i++) {
		enum likeness_kind kind =
			kind_of(m, rule_set, image->attrs[i].attr);

		if (kind != LIKENESS_NONE)
			add_values(out, kind, &image->attrs[i].values, arena);
	}
	likeness_end(out, arena);
}

/* --- keys -------------------------------------------------------------- */

static uint64_t key_of(const struct matching *m, char kind, uint32_t attr,
		       struct sv a, struct sv b)
{
	char text[300];
	int len = snprintf(text, sizeof(text), "%c%u " SV_FMT "|" SV_FMT, kind,
			   attr, SV_ARG(a), SV_ARG(b));

	if (len < 0 || (size_t)len >= sizeof(text))
		len = sizeof(text) - 1;
	return hash64(store_hash_key(m->display->store),
		      sv_make(text, (size_t)len));
}

static struct sv front(struct sv word, size_t letters)
{
	return sv_sub(word, 0, text_offset(word, letters));
}

typedef void (*key_fn)(struct matching *m, uint64_t key, void *data);

static void name_keys(struct matching *m, const struct likeness_name *name,
		      key_fn fn, void *data)
{
	size_t i;
	size_t k;

	if (name->count == 1)
		fn(m, key_of(m, 'n', 0, name->words[0], SV_NULL), data);
	for (i = 0; i < name->count; i++)
		for (k = 0; k < name->count; k++)
			if (i != k)
				fn(m,
				   key_of(m, 'N', 0, front(name->words[i], 3),
					  front(name->words[k], 1)),
				   data);
}

static void likeness_keys(struct matching *m, const struct likeness *like,
			  key_fn fn, void *data)
{
	size_t i;

	for (i = 0; i < like->name_count; i++)
		name_keys(m, &like->names[i], fn, data);
	for (i = 0; i < like->mail_count; i++)
		fn(m,
		   key_of(m, 'L', 0, likeness_local(like->mails[i]), SV_NULL),
		   data);
	for (i = 0; i < like->phone_count; i++)
		fn(m,
		   key_of(m, 'P', 0, likeness_phone_key(like->phones[i]),
			  SV_NULL),
		   data);
}

static void value_keys(struct matching *m, attr_id attr,
		       const struct values *values, key_fn fn, void *data)
{
	size_t i;

	for (i = 0; i < values->len; i++) {
		struct sv text = value_text(&values->at[i], &m->object);

		fn(m,
		   key_of(m, 'V', attr, text_fold(text, &m->object), SV_NULL),
		   data);
	}
}

/* --- the disconnectors ------------------------------------------------- */

static void add_key(struct matching *m, uint64_t key, void *data)
{
	struct chain_link link = { *(size_t *)data, 0, 1 };

	if (idmap_get(&m->first, key, &link.next)) {
		const struct chain_link *last = &m->chain.at[link.next - 1];

		if (last->lone == link.lone)
			return;
		link.length = last->length + 1;
	}
	vec_push(&m->chain, link);
	idmap_put(&m->first, key, m->chain.len);
}

static void note_sought(struct matching *m, attr_id attr)
{
	const attr_id *known;

	vec_foreach(&m->sought, known)
		if (*known == attr)
			return;
	vec_push(&m->sought, attr);
}

static int on_unlinked(void *data, const struct sync_unlinked *row)
{
	struct matching *m = data;
	struct lone lone = { .cs = row->cs, .rule_set = row->rule_set };
	size_t index = m->lones.len;
	size_t i;

	lone.sought = arena_array(&m->arena, row->sought_count + 1,
				  sizeof(*lone.sought));
	lone.sought_count = row->sought_count;
	for (i = 0; i < row->sought_count; i++) {
		lone.sought[i] = row->sought[i];
		lone.sought[i].values =
			values_dup(&row->sought[i].values, &m->arena);
		note_sought(m, row->sought[i].attr);
		value_keys(m, row->sought[i].attr, &lone.sought[i].values,
			   add_key, &index);
	}
	read_image(m, row->rule_set, row->expected, &m->arena, &lone.like);
	likeness_keys(m, &lone.like, add_key, &index);
	vec_push(&m->lones, lone);
	arena_reset(&m->object);
	return 0;
}

/* --- a metaverse object ------------------------------------------------ */

struct mv_side {
	int64_t id;
	const struct config_mv_type *type;
	struct image image;
	struct likeness like;
	struct values *values; /* [number in m->sought] */
	struct strbuf *why;    /* NULL: nobody asks */
};

static const struct values *get_value(void *data, attr_id attr)
{
	return image_get(data, attr);
}

/* An attribute's values, or those of a computed key. */
static struct values values_of(struct matching *m, const struct mv_side *mv,
			       attr_id attr)
{
	const struct rules_view view = {
		.here = { (void *)(uintptr_t)&mv->image, get_value },
	};
	const struct values *values = image_get(&mv->image, attr);
	struct error ignored = ERROR_INIT;
	struct expr_result result;
	size_t i;

	for (i = 0; i < mv->type->key_count; i++)
		if (mv->type->keys[i].id == attr &&
		    rules_eval(&m->rules, mv->type->keys[i].expr, &view,
			       &m->object, &result, &ignored) == 0 &&
		    result.kind == EXPR_VALUES)
			return result.values;
	return values ? *values : (struct values){ NULL, 0 };
}

/* 1: it can have candidates among them; 0: not; -1 */
static int load(struct matching *m, const struct mv_row *row,
		struct mv_side *out, struct error *err)
{
	struct store *store = m->display->store;
	const char *type = store_name(store, NAME_MV_TYPE, row->type);
	size_t i;

	memset(out, 0, sizeof(*out));
	out->id = row->id;
	out->type = config_mv_type_find(m->display->config, sv_from(type));
	if (!out->type)
		return 0;
	if (mv_image(store, row, &m->object, &out->image, err) < 0)
		return error_context(err, "metaverse object %lld",
				     (long long)row->id);
	read_image(m, NULL, &out->image, &m->object, &out->like);
	out->values = arena_array(&m->object, m->sought.len + 1,
				  sizeof(*out->values));
	for (i = 0; i < m->sought.len; i++)
		out->values[i] = values_of(m, out, m->sought.at[i]);
	return 1;
}

/* --- the score --------------------------------------------------------- */

static void say(const struct mv_side *mv, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void say(const struct mv_side *mv, const char *fmt, ...)
{
	char text[200];
	va_list args;

	if (!mv->why)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	strbuf_addf(mv->why, "%s%s", mv->why->len ? "; " : "", text);
}

enum hit { HIT_NONE, HIT_OTHER, HIT_SAME };

/* Does it have the value that a clause searches, or another one? */
static enum hit clause_hit(const struct matching *m, const struct mv_side *mv,
			   const struct sync_sought *sought)
{
	const struct values *there = NULL;
	size_t i;

	for (i = 0; i < m->sought.len; i++)
		if (m->sought.at[i] == sought->attr)
			there = &mv->values[i];
	if (!there || !there->len)
		return HIT_NONE;
	for (i = 0; i < sought->values.len; i++)
		if (values_have(there, &sought->values.at[i], sought->match))
			return HIT_SAME;
	return HIT_OTHER;
}

#define RULE_REST   3 /* a whole join rule */
#define CLAUSE_REST 45

/* The join rules: what is left to chance. *other_out: an identifying value
 * contradicts. */
static int rules_rest(const struct matching *m, const struct lone *lone,
		      const struct mv_side *mv, const char **other_out)
{
	const struct store *store = m->display->store;
	int rest = WHOLE;
	size_t from;
	size_t to;
	size_t i;

	if (!lone->rule_set)
		return rest;
	for (from = 0; from < lone->sought_count; from = to) {
		size_t rule = lone->sought[from].rule;
		size_t hits = 0;

		for (to = from;
		     to < lone->sought_count && lone->sought[to].rule == rule;
		     to++)
			hits += clause_hit(m, mv, &lone->sought[to]) ==
				HIT_SAME;
		if (hits == lone->rule_set->joins[rule - 1].clause_count) {
			rest = rest * RULE_REST / 100;
			say(mv, "join rule %zu: %s%s", rule,
			    store_attr_name(store, lone->sought[from].attr),
			    hits > 1 ? " ..." : "");
			continue;
		}
		for (i = from; i < to; i++) {
			attr_id attr = lone->sought[i].attr;
			enum hit hit = clause_hit(m, mv, &lone->sought[i]);

			if (attr <= m->kind_count &&
			    m->kinds[attr] != LIKENESS_NONE)
				continue;
			if (hit == HIT_OTHER)
				*other_out = store_attr_name(store, attr);
			if (hit != HIT_SAME)
				continue;
			rest = rest * CLAUSE_REST / 100;
			say(mv, "same %s", store_attr_name(store, attr));
		}
	}
	return rest;
}

static void say_likeness(const struct mv_side *mv,
			 const struct likeness_found *found)
{
	if (found->name == 100)
		say(mv, "same name");
	else if (likeness_rest(&(struct likeness_found){ .name = found->name },
			       WHOLE) < WHOLE)
		say(mv, "name %d%%", found->name);
	if (found->mail)
		say(mv, "same mail");
	else if (found->local)
		say(mv, "same mail before the @");
	if (found->phone)
		say(mv, "same telephone");
}

static bool takes(const struct lone *lone, const struct mv_side *mv)
{
	size_t i;

	for (i = 0; lone->rule_set && i < lone->rule_set->mv_type_count; i++)
		if (lone->rule_set->mv_types[i] == mv->type->index)
			return true;
	return !lone->rule_set;
}

static int score(const struct matching *m, const struct lone *lone,
		 const struct mv_side *mv)
{
	struct likeness_found found;
	const char *other = NULL;
	int rest;

	if (!takes(lone, mv))
		return 0;
	rest = rules_rest(m, lone, mv, &other);
	likeness_compare(&lone->like, &mv->like, &found);
	say_likeness(mv, &found);
	rest = likeness_rest(&found, rest);
	if (other)
		say(mv, "another %s", other);
	rest = 100 - (rest + 99) / 100;
	/* one who has another number is another one, mostly */
	return other ? rest * 6 / 10 : rest;
}

static void keep_best(struct lone *lone, int64_t mv, int score)
{
	size_t at = BEST;

	while (at > 0 && lone->best[at - 1].score < score)
		at--;
	if (at == BEST || !score)
		return;
	memmove(&lone->best[at + 1], &lone->best[at],
		(BEST - 1 - at) * sizeof(*lone->best));
	lone->best[at] = (struct best){ mv, score };
}

/* --- the pass ---------------------------------------------------------- */

static void try_key(struct matching *m, uint64_t key, void *data)
{
	const struct mv_side *mv = data;
	uint64_t at = 0;

	if (!idmap_get(&m->first, key, &at) ||
	    m->chain.at[at - 1].length > CHAIN)
		return;
	for (; at; at = m->chain.at[at - 1].next) {
		struct lone *lone = &m->lones.at[m->chain.at[at - 1].lone];

		if (lone->seen == mv->id)
			continue;
		lone->seen = mv->id;
		keep_best(lone, mv->id, score(m, lone, mv));
	}
}

static int try_row(struct matching *m, const struct mv_row *row,
		   struct error *err)
{
	struct mv_side mv;
	size_t i;
	int ret = load(m, row, &mv, err);

	if (ret > 0) {
		for (i = 0; i < m->sought.len; i++)
			value_keys(m, m->sought.at[i], &mv.values[i], try_key,
				   &mv);
		likeness_keys(m, &mv.like, try_key, &mv);
	}
	arena_reset(&m->object);
	return ret < 0 ? -1 : 0;
}

static int scan(struct matching *m, struct error *err)
{
	struct arena batch = ARENA_INIT;
	struct mv_row rows[ROWS];
	int64_t after = 0;
	int ret = 0;
	int count;
	int i;

	do {
		count = store_mv_scan(m->display->store, after, rows, ROWS,
				      &batch, err);
		for (i = 0; i < count && ret == 0; i++) {
			after = rows[i].id;
			ret = try_row(m, &rows[i], err);
		}
		arena_reset(&batch);
	} while (count > 0 && ret == 0);
	arena_release(&batch);
	return count < 0 || ret < 0 ? -1 : 0;
}

/* By the metaverse's own keys, of one disconnector. */
static int by_keys(struct matching *m, struct lone *lone, struct error *err)
{
	struct store *store = m->display->store;
	const struct attr_map *map = store_attr_map(store);
	size_t i;
	size_t v;
	int k;

	for (i = 0; i < lone->sought_count; i++) {
		const struct sync_sought *sought = &lone->sought[i];

		for (v = 0; sought->indexed && v < sought->values.len; v++) {
			int64_t *ids;
			int count = store_mv_key_find(
				store,
				key_of_mv(store, map->to_store[sought->attr],
					  &sought->values.at[v]),
				&m->arena, &ids, err);

			for (k = 0; k < count; k++) {
				struct mv_row row;
				int ret = store_mv_get(store, ids[k], &m->arena,
						       &row, err);

				if (ret > 0)
					ret = try_row(m, &row, err);
				if (ret < 0)
					return -1;
			}
			if (count < 0)
				return -1;
		}
	}
	return 0;
}

/* --- what is found, for people ----------------------------------------- */

/* Its connector under the rule set: 1 *out, 0 none, -1 */
static int taken_by(struct matching *m, const struct lone *lone, int64_t mv,
		    struct arena *arena, int64_t *out, struct error *err)
{
	struct store *store = m->display->store;
	struct link_row *links;
	uint32_t number;
	int count;
	int i;

	*out = 0;
	if (!lone->rule_set)
		return 0;
	number = store_name_find(
		store, NAME_RULE_SET,
		sv_from(arena_printf(arena, "%s.%s", m->agent->name,
				     lone->rule_set->name)));
	count = store_link_of_mv(store, mv, arena, &links, err);
	for (i = 0; i < count; i++)
		if (links[i].rule_set == number)
			*out = links[i].cs;
	return count < 0 ? -1 : *out != 0;
}

static int fill_match(struct matching *m, const struct lone *lone,
		      const struct best *best, struct arena *arena,
		      struct match *out, struct error *err)
{
	struct strbuf why = STRBUF_INIT(1000);
	struct display_mv object;
	struct mv_row row;
	struct mv_side mv;
	int ret = store_mv_get(m->display->store, best->mv, arena, &row, err);

	if (ret > 0)
		ret = load(m, &row, &mv, err);
	if (ret > 0) {
		mv.why = &why;
		*out = (struct match){ .mv = best->mv,
				       .type = mv.type->name,
				       .score = score(m, lone, &mv) };
		out->reasons = arena_cstr(arena, strbuf_sv(&why));
		ret = display_mv(m->display, &row, arena, &object, err) < 0 ? -1
									    : 1;
	}
	if (ret > 0)
		out->title = display_title(&object.attrs);
	if (ret > 0 &&
	    taken_by(m, lone, best->mv, arena, &out->taken_by, err) < 0)
		ret = -1;
	strbuf_release(&why);
	arena_reset(&m->object);
	return ret;
}

/* Candidates of at least `least`; of `free_only` those that it could join. */
static int fill(struct matching *m, const struct lone *lone, size_t most,
		int least, bool free_only, struct arena *arena,
		struct match_object *out, struct error *err)
{
	struct display_cs object;
	struct entry entry;
	size_t i;
	int ret = entry_load(m->display->store, lone->cs, arena, &entry, err);

	*out = (struct match_object){ .cs = lone->cs, .agent = m->agent->name };
	if (ret > 0)
		ret = display_cs(m->display, &entry, arena, &object, err) < 0
			      ? -1
			      : 1;
	if (ret <= 0)
		return ret;
	out->rule_set = lone->rule_set ? lone->rule_set->name : NULL;
	out->dn = object.dn;
	out->anchor = object.anchor;
	out->title = display_title(&object.expected);
	out->matches = arena_array(arena, BEST, sizeof(*out->matches));
	for (i = 0; i < BEST && out->match_count < most; i++) {
		struct match *match = &out->matches[out->match_count];

		if (lone->best[i].score < least || !lone->best[i].score)
			break;
		ret = fill_match(m, lone, &lone->best[i], arena, match, err);
		if (ret < 0)
			return -1;
		out->match_count += ret > 0 && !(free_only && match->taken_by);
	}
	return 1;
}

int matches_of(struct display *display, const struct config_agent *agent,
	       int64_t cs, bool whole, size_t most, int least,
	       struct arena *arena, struct match_object *out, struct error *err)
{
	struct matching m;
	struct lone *lone;
	int ret;

	begin(&m, display, agent);
	ret = sync_unlinked(display->store, display->config, agent, cs,
			    on_unlinked, &m, err);
	if (ret == 0 && !m.lones.len)
		ret = error_set(err, ERR_INVALID,
				"it is linked, on its way out, or was never "
				"imported: 'conjoin explain' tells");
	lone = m.lones.at;
	if (ret == 0)
		ret = by_keys(&m, lone, err);
	if (ret == 0 && (whole || lone->best[0].score < CERTAIN)) {
		memset(lone->best, 0, sizeof(lone->best));
		lone->seen = 0;
		ret = scan(&m, err);
	}
	if (ret == 0)
		ret = fill(&m, lone, most, least, false, arena, out, err) < 0
			      ? -1
			      : 0;
	end(&m);
	return ret;
}

static int by_score(const void *a, const void *b)
{
	const struct lone *x = a;
	const struct lone *y = b;

	if (x->best[0].score != y->best[0].score)
		return y->best[0].score - x->best[0].score;
	return (x->cs > y->cs) - (x->cs < y->cs);
}

int matches_bulk(struct display *display, const struct config_agent *agent,
		 int least,
		 int (*fn)(void *data, const struct match_object *object),
		 void *data, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct match_object object;
	const struct lone *lone;
	struct matching m;
	int ret;

	begin(&m, display, agent);
	ret = sync_unlinked(display->store, display->config, agent, 0,
			    on_unlinked, &m, err);
	if (ret == 0 && m.lones.len)
		ret = scan(&m, err);
	if (ret == 0)
		vec_sort(&m.lones, by_score);
	vec_foreach(&m.lones, lone) {
		if (ret != 0 || !lone->best[0].score)
			break;
		ret = fill(&m, lone, BEST, least, true, &arena, &object, err);
		if (ret > 0)
			ret = object.match_count ? fn(data, &object) : 0;
		arena_reset(&arena);
	}
	arena_release(&arena);
	end(&m);
	return ret < 0 ? -1 : 0;
}
