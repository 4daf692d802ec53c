/*
 * delta.c - reading changes only: what the ways to do it share
 *
 * A watermark is three parts with line breaks between: the way's name, its
 * mark, and what of the directory belongs to the agent. Where that has changed
 * since, objects came into the agent that no change tells of, so that a full
 * import is asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "model/dn.h"

#include <assert.h>

#define LDAP_MOST_DELTAS 4

/* One line for each part of the directory, and the filter. */
static struct sv scope_text(const struct connector_session *session,
			    struct arena *arena)
{
	const struct ldap_import *import = session->import;
	struct strbuf text = STRBUF_INIT(1 << 20);
	struct sv out;
	size_t i;
	size_t k;

	strbuf_addf(&text, SV_FMT " %s",
		    SV_ARG(ldap_session_setting(session, "filter")),
		    session->anchor ? session->anchor : "dn");
	for (i = 0; i < import->partition_count; i++) {
		const struct ldap_partition *partition = &import->partitions[i];

		strbuf_addf(&text, "\n" SV_FMT, SV_ARG(partition->folded));
		for (k = 0; k < partition->count; k++)
			strbuf_addf(&text, "\n%c" SV_FMT,
				    partition->regions[k].included ? '+' : '-',
				    SV_ARG(partition->regions[k].folded));
	}
	out = arena_dup(arena, sv_from(strbuf_cstr(&text)));
	strbuf_release(&text);
	return out;
}

/* Those that the setting `delta` means; ends with NULL. */
static const struct ldap_delta **ways(const struct connector_session *session,
				      struct arena *arena)
{
	const struct ldap_profile *profile = session->profile;
	const struct ldap_delta *const *lists[] = { profile->deltas,
						    profile->deltas_by_name };
	struct sv wish = ldap_session_setting(session, "delta");
	bool automatic = sv_eq_str(wish, "auto");
	const struct ldap_delta **out;
	size_t count = 0;
	size_t i;
	size_t k;

	out = arena_array(arena, LDAP_MOST_DELTAS + 1, sizeof(*out));
	for (i = 0; i < (automatic ? 1 : 2); i++)
		for (k = 0; lists[i] && lists[i][k]; k++)
			if (automatic || sv_eq_str(wish, lists[i][k]->name))
				out[count++] = lists[i][k];
	assert(count <= LDAP_MOST_DELTAS);
	out[count] = NULL;
	return out;
}

int ldap_delta_note(struct connector_session *session, struct error *err)
{
	struct ldap_import *import = session->import;
	const struct ldap_delta **way;
	int ret = 0;

	if (!(ldap_caps(session->profile, session->config->connect) &
	      CONNECTOR_CAP_DELTA))
		return 0;
	for (way = ways(session, &import->arena); *way && !ret; way++) {
		ret = (*way)->note(session, &import->arena, &import->mark, err);
		if (ret > 0)
			import->delta = *way;
	}
	return ret < 0 ? -1 : 0;
}

static const struct ldap_delta *find(const struct connector_session *session,
				     struct sv name)
{
	const struct ldap_delta **way = ways(session, &session->import->arena);

	for (; *way; way++)
		if (sv_eq_str(name, (*way)->name))
			return *way;
	return NULL;
}

int ldap_delta_begin(struct connector_session *session, struct sv watermark,
		     struct error *err)
{
	struct ldap_import *import = session->import;
	size_t name = sv_find(watermark, '\n', 0);
	size_t mark = name < watermark.len ? sv_find(watermark, '\n', name + 1)
					   : name;

	import->delta = find(session, sv_sub(watermark, 0, name));
	if (!import->delta || mark == watermark.len)
		return error_set(err, ERR_CONFLICT,
				 "%s: the last import left nothing that a "
				 "delta import by this configuration can go "
				 "on from: run a full-import",
				 session->server);
	if (!sv_eq(sv_sub(watermark, mark + 1, watermark.len),
		   scope_text(session, &import->arena)))
		return error_set(err, ERR_CONFLICT,
				 "base, include, exclude, filter or anchor "
				 "have changed since the last import: run a "
				 "full-import");
	return import->delta->begin(
		session,
		arena_dup(&import->arena, sv_sub(watermark, name + 1, mark)),
		err);
}

int ldap_delta_end(struct connector_session *session, struct arena *arena,
		   struct sv *watermark_out, struct error *err)
{
	struct ldap_import *import = session->import;
	struct sv mark = import->mark;

	*watermark_out = SV_NULL;
	if (!import->delta)
		return 0;
	if (!import->full &&
	    import->delta->mark(session, arena, &mark, err) < 0)
		return -1;
	if (mark.len)
		*watermark_out = sv_from(arena_printf(
			arena, "%s\n" SV_FMT "\n" SV_FMT, import->delta->name,
			SV_ARG(mark), SV_ARG(scope_text(session, arena))));
	return 0;
}

void ldap_tell_deleted(struct connector_session *session, struct sv anchor)
{
	struct ldap_import *import = session->import;
	struct change change = { .op = CHANGE_DELETE,
				 .anchor = arena_dup(&import->round, anchor) };

	vec_push(&import->told, change);
}

bool ldap_mark_word(struct sv mark, size_t *at, struct arena *arena,
		    struct sv *out)
{
	struct strbuf bytes = STRBUF_INIT(1 << 20);
	size_t end;
	bool good;

	if (*at >= mark.len)
		return false;
	end = sv_find(mark, ' ', *at);
	good = strbuf_add_unbase64(&bytes, sv_sub(mark, *at, end)) == 1;
	*out = arena_dup(arena, sv_make(bytes.ptr, bytes.len));
	*at = end + 1;
	strbuf_release(&bytes);
	return good;
}

const char *ldap_filter_and(const char *a, const char *b, struct arena *arena)
{
	return arena_printf(arena, "(&%s%s)", a, b);
}

void ldap_plan_changed(struct connector_session *session,
		       const struct ldap_search *search)
{
	struct ldap_import *import = session->import;
	struct arena *arena = &import->round;
	struct sv filter = ldap_session_setting(session, "filter");
	const char *own = arena_cstr(arena, filter);
	const char *other = arena_printf(arena, "(!%s)", own);
	struct ldap_search plan = *search;

	if (sv_ieq_str(filter, LDAP_ANYTHING)) {
		vec_push(&import->searches, plan);
		return;
	}
	plan.filter = ldap_filter_and(search->filter, own, arena);
	vec_push(&import->searches, plan);
	if (search->take)
		return;
	plan.filter =
		ldap_filter_and(ldap_filter_and(search->filter, other, arena),
				LDAP_CONTAINERS, arena);
	plan.means = LDAP_MEANS_CONTAINERS;
	vec_push(&import->searches, plan);
	plan.filter =
		ldap_filter_and(ldap_filter_and(search->filter, other, arena),
				"(!" LDAP_CONTAINERS ")", arena);
	plan.means = LDAP_MEANS_GONE;
	vec_push(&import->searches, plan);
}

#define BATCH 50 /* entries in one search */

static const char *values_filter(const char *name, const struct sv *values,
				 size_t count, struct arena *arena)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *out;
	size_t i;

	strbuf_addf(&text, "(|");
	for (i = 0; i < count; i++)
		strbuf_addf(&text, "(%s=" SV_FMT ")", name,
			    SV_ARG(ldap_filter_bytes(values[i], arena)));
	strbuf_addf(&text, ")");
	out = arena_cstr(arena, sv_from(strbuf_cstr(&text)));
	strbuf_release(&text);
	return out;
}

void ldap_plan_values(struct connector_session *session, const char *name,
		      const struct sv *values, size_t count,
		      const struct ldap_search *search)
{
	struct ldap_search plan = *search;
	size_t i;

	for (i = 0; i < count; i += BATCH) {
		plan.filter = values_filter(
			name, values + i, count - i < BATCH ? count - i : BATCH,
			&session->import->round);
		ldap_plan_changed(session, &plan);
	}
}

void ldap_plan_holders(struct connector_session *session, const char *base,
		       const char *filter)
{
	struct ldap_search search = {
		.base = base,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = ldap_filter_and(filter, LDAP_CONTAINERS,
					  &session->import->round),
		.means = LDAP_MEANS_HOLDERS,
	};

	vec_push(&session->import->searches, search);
}

void ldap_plan_value_holders(struct connector_session *session,
			     const char *name, const struct sv *values,
			     size_t count, const char *base)
{
	struct arena *round = &session->import->round;
	size_t i;

	for (i = 0; i < count; i += BATCH)
		ldap_plan_holders(
			session, base,
			values_filter(name, values + i,
				      count - i < BATCH ? count - i : BATCH,
				      round));
}

/* A naming context cannot be moved; below another one all is read anyway. */
static bool read_anyway(const struct connector_session *session, size_t at)
{
	const struct ldap_import *import = session->import;
	struct sv dn = import->holders.at[at];
	size_t i;

	for (i = 0; i < session->context_count; i++)
		if (dn_equal(dn, session->contexts[i]))
			return true;
	for (i = 0; i < import->holders.len; i++)
		if (i != at && dn_within(dn, import->holders.at[i]) &&
		    (i < at || !dn_equal(dn, import->holders.at[i])))
			return true;
	return false;
}

bool ldap_plan_below(struct connector_session *session)
{
	struct ldap_import *import = session->import;
	struct ldap_search search = {
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = LDAP_ANYTHING,
		.may_be_gone = true,
		.moved = true,
	};
	bool any = import->holders.len > 0;
	size_t i;

	for (i = 0; i < import->holders.len; i++) {
		if (read_anyway(session, i))
			continue;
		search.base = arena_cstr(&import->round, import->holders.at[i]);
		ldap_plan_changed(session, &search);
	}
	vec_clear(&import->holders);
	return any;
}

struct sv ldap_context_of(const struct connector_session *session, struct sv dn)
{
	struct sv best = SV_NULL;
	size_t i;

	for (i = 0; i < session->context_count; i++)
		if (session->contexts[i].len > best.len &&
		    dn_within(dn, session->contexts[i]))
			best = session->contexts[i];
	return best.len ? best : dn;
}

size_t ldap_contexts_of(const struct connector_session *session,
			const struct ldap_partition *partitions, size_t count,
			struct arena *arena, struct sv **out)
{
	size_t found = 0;
	size_t i;
	size_t k;

	*out = arena_array(arena, count + 1, sizeof(**out));
	for (i = 0; i < count; i++) {
		struct sv context =
			ldap_context_of(session, partitions[i].base);

		for (k = 0; k < found; k++)
			if (dn_equal((*out)[k], context))
				break;
		if (k == found)
			(*out)[found++] = context;
	}
	return found;
}

size_t ldap_contexts(const struct connector_session *session,
		     struct arena *arena, struct sv **out)
{
	const struct ldap_import *import = session->import;

	return ldap_contexts_of(session, import->partitions,
				import->partition_count, arena, out);
}

struct sv ldap_filter_bytes(struct sv bytes, struct arena *arena)
{
	static const char digits[] = "0123456789abcdef";
	char *out = arena_alloc(arena, 3 * bytes.len + 1);
	size_t i;

	for (i = 0; i < bytes.len; i++) {
		unsigned char byte = (unsigned char)bytes.ptr[i];

		out[3 * i] = '\\';
		out[3 * i + 1] = digits[byte >> 4];
		out[3 * i + 2] = digits[byte & 15];
	}
	out[3 * bytes.len] = '\0';
	return sv_make(out, 3 * bytes.len);
}
