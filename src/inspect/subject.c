/*
 * subject.c - words to one object
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/subject.h"

#include "inspect/search.h"
#include "model/dn.h"

#define SHOWN 5

struct finding {
	struct display *display;
	struct arena *arena;
	VEC(int64_t) ids;
};

/* --- labels ------------------------------------------------------------ */

struct sv subject_mv_label(struct display *display, int64_t mv,
			   struct arena *arena)
{
	struct error ignored = ERROR_INIT;
	struct sv title = SV_NULL;
	struct display_mv object;
	struct mv_row row;

	if (store_mv_get(display->store, mv, arena, &row, &ignored) > 0 &&
	    display_mv(display, &row, arena, &object, &ignored) == 0)
		title = display_title(&object.attrs);
	return sv_from(arena_printf(arena, "mv %lld%s" SV_FMT "%s",
				    (long long)mv, title.len ? " (" : "",
				    SV_ARG(title), title.len ? ")" : ""));
}

struct sv subject_cs_label(struct display *display, int64_t cs,
			   struct arena *arena)
{
	const char *agent =
		store_name(display->store, NAME_AGENT, CS_AGENT(cs));
	struct error ignored = ERROR_INIT;
	struct sv anchor = SV_NULL;
	struct sv name = SV_NULL;

	(void)display_cs_name(display, cs, arena, &name, &anchor, &ignored);
	if (!name.len)
		name = anchor.len ? anchor : sv_from(display_cs_id(cs, arena));
	return sv_from(arena_printf(arena, "%s " SV_FMT, agent ? agent : "?",
				    SV_ARG(name)));
}

/* --- exactly one ------------------------------------------------------- */

static int several(struct finding *found, bool in_cs, const char *what,
		   struct error *err)
{
	struct strbuf list = STRBUF_INIT(400);
	size_t count = found->ids.len;
	size_t i;

	for (i = 0; i < count && i < SHOWN; i++) {
		int64_t id = found->ids.at[i];

		strbuf_adds(&list, i ? ", " : "");
		if (!in_cs) {
			strbuf_addsv(&list, subject_mv_label(found->display, id,
							     found->arena));
			continue;
		}
		strbuf_addsv(&list, subject_cs_label(found->display, id,
						     found->arena));
		strbuf_addf(&list, " (%s)", display_cs_id(id, found->arena));
	}
	(void)error_set(err, ERR_INVALID,
			"'%s' finds %s: %s%s; name one by its %s", what,
			count > SHOWN ? "more than one object"
				      : "several objects",
			strbuf_cstr(&list), count > SHOWN ? " ..." : "",
			in_cs ? "id, as in AGENT 2:17" : "number, as in mv 17");
	strbuf_release(&list);
	return -1;
}

static int exactly_one(struct finding *found, bool in_cs, const char *what,
		       struct subject *out, struct error *err)
{
	if (!found->ids.len)
		return error_set(err, ERR_NOTFOUND, "'%s' finds no object",
				 what);
	if (found->ids.len > 1)
		return several(found, in_cs, what, err);
	if (in_cs)
		out->cs = found->ids.at[0];
	else
		out->mv = found->ids.at[0];
	return 0;
}

/* --- clauses ----------------------------------------------------------- */

static int keep(struct finding *found, int64_t id)
{
	vec_push(&found->ids, id);
	return found->ids.len > SHOWN;
}

static int on_mv(void *data, const struct display_mv *object)
{
	return keep(data, object->id);
}

static int on_cs(void *data, const struct display_cs *object)
{
	return keep(data, object->id);
}

/* As many words as are clauses; `agent` NULL: the metaverse. */
static int find_by_clauses(struct finding *found, const char *agent,
			   const char *const *words, size_t count,
			   struct subject *out, size_t *used_out,
			   struct error *err)
{
	struct search_clause *clauses =
		arena_array(found->arena, count, sizeof(*clauses));
	struct search_query query = { .agent = agent, .clauses = clauses };
	struct strbuf what = STRBUF_INIT(200);
	size_t i;
	int ret;

	for (i = 0; i < count; i++) {
		if (!search_clause_parse(sv_from(words[i]), &clauses[i]))
			break;
		strbuf_addf(&what, "%s%s", i ? " " : "", words[i]);
	}
	query.clause_count = i;
	*used_out = i;
	if (agent)
		ret = search_cs(found->display, &query, on_cs, found, err);
	else
		ret = search_mv(found->display, &query, on_mv, found, err);
	if (ret == 0)
		ret = exactly_one(found, agent != NULL, strbuf_cstr(&what), out,
				  err);
	strbuf_release(&what);
	return ret;
}

static bool is_clause(const char *word)
{
	struct search_clause clause;

	return search_clause_parse(sv_from(word), &clause) > 0;
}

/* --- names ------------------------------------------------------------- */

static int find_mv(struct finding *found, const char *word, struct subject *out,
		   struct error *err)
{
	struct mv_row row;
	int64_t id;
	int ret;

	if (!sv_to_i64(sv_from(word), &id))
		return error_set(err, ERR_INVALID,
				 "'%s' is not a number: write mv ID or "
				 "ATTRIBUTE=VALUE",
				 word);
	ret = store_mv_get(found->display->store, id, found->arena, &row, err);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return error_set(err, ERR_NOTFOUND,
				 "there is no metaverse object %s; it may "
				 "have been deleted",
				 word);
	out->mv = id;
	return 0;
}

static int find_cs(struct finding *found, const char *agent,
		   const char *const *words, size_t count, struct subject *out,
		   size_t *used_out, struct error *err)
{
	struct sv name = sv_from(words[0]);
	int64_t *ids;
	int i;
	int n = search_cs_find(found->display, agent, name, found->arena, &ids,
			       err);

	if (n < 0)
		return -1;
	if (n == 0 && is_clause(words[0]) &&
	    !(dn_valid(name) && dn_depth(name) > 1))
		return find_by_clauses(found, agent, words, count, out,
				       used_out, err);
	*used_out = 1;
	if (n == 0)
		return error_set(err, ERR_NOTFOUND,
				 "agent '%s' has no object '%s'; name it by "
				 "its DN, its anchor or its id",
				 agent, words[0]);
	for (i = 0; i < n; i++)
		vec_push(&found->ids, ids[i]);
	return exactly_one(found, true, words[0], out, err);
}

static int no_subject(struct display *display, const char *word,
		      struct error *err)
{
	VEC(const char *) names = VEC_INIT;
	const char *near;
	size_t i;

	for (i = 0; i < display->config->agent_count; i++)
		vec_push(&names, display->config->agents[i].name);
	near = sv_nearest(sv_from(word), names.at, names.len);
	vec_release(&names);
	return error_set(err, ERR_INVALID,
			 "'%s' is no agent%s%s%s; an object is AGENT NAME, mv "
			 "ID or ATTRIBUTE=VALUE",
			 word, near ? " (did you mean '" : "", near ? near : "",
			 near ? "'?)" : "");
}

static bool is_agent(const struct display *display, const char *word)
{
	return config_agent_find(display->config, sv_from(word)) ||
	       store_name_find(display->store, NAME_AGENT, sv_from(word));
}

int subject_find(struct display *display, const char *const *words,
		 size_t count, struct arena *arena, struct subject *out,
		 size_t *used_out, struct error *err)
{
	struct finding found = { display, arena, VEC_INIT };
	bool agent = is_agent(display, words[0]);
	bool metaverse = !agent && !strcmp(words[0], "mv");
	int ret;

	*out = (struct subject){ 0, 0 };
	*used_out = 0;
	if (metaverse && count < 2)
		ret = error_set(err, ERR_INVALID,
				"which metaverse object? add its number or a "
				"clause, as in mv 17");
	else if (agent && count < 2)
		ret = error_set(err, ERR_INVALID,
				"which object of agent '%s'? add its DN, its "
				"anchor or its id",
				words[0]);
	else if (agent)
		ret = find_cs(&found, words[0], words + 1, count - 1, out,
			      used_out, err);
	else if (is_clause(words[metaverse ? 1 : 0]))
		ret = find_by_clauses(&found, NULL, words + metaverse,
				      count - metaverse, out, used_out, err);
	else if (metaverse)
		ret = find_mv(&found, words[1], out, err);
	else
		ret = no_subject(display, words[0], err);
	if (ret == 0 && (agent || metaverse))
		*used_out += 1 + (metaverse && !is_clause(words[1]));
	vec_release(&found.ids);
	return ret;
}

int subject_load(struct display *display, const struct subject *subject,
		 struct arena *arena, struct subject_view *out,
		 struct error *err)
{
	int ret;

	memset(out, 0, sizeof(*out));
	out->in_cs = subject->cs != 0;
	if (out->in_cs)
		ret = entry_load(display->store, subject->cs, arena,
				 &out->entry, err);
	else
		ret = store_mv_get(display->store, subject->mv, arena,
				   &out->row, err);
	if (ret == 0)
		return error_set(err, ERR_NOTFOUND, "there is no such object");
	if (ret < 0)
		return -1;
	return out->in_cs
		       ? display_cs(display, &out->entry, arena, &out->cs, err)
		       : display_mv(display, &out->row, arena, &out->mv, err);
}
