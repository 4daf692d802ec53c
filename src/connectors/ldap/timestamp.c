/*
 * timestamp.c - changes by modifyTimestamp, for servers that have nothing else
 *
 * What is gone is not seen: only a full import finds that, so this way must be
 * asked for by name. Clocks differ, and the time of a change is that of its
 * beginning: what changed in the ten minutes before the last import is read
 * again.
 *
 *	mark: a time (Generalized Time)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "base/clock.h"

#define OVERLAP (600 * CLOCK_SECOND)

struct timestamp {
	struct sv since;
	struct sv now;
	bool planned;
};

static struct sv time_text(struct arena *arena)
{
	char text[40];
	int64_t now = clock_now() - OVERLAP;

	clock_format_generalized(now - now % CLOCK_SECOND, text);
	return arena_dup(arena, sv_from(text));
}

static int note(struct connector_session *session, struct arena *arena,
		struct sv *mark_out, struct error *err)
{
	(void)session;
	(void)err;
	*mark_out = time_text(arena);
	return 1;
}

static int begin(struct connector_session *session, struct sv mark,
		 struct error *err)
{
	struct ldap_import *import = session->import;
	struct timestamp *state = arena_zalloc(&import->arena, sizeof(*state));
	int64_t time;

	import->delta_data = state;
	state->since = mark;
	state->now = time_text(&import->arena);
	if (!clock_parse_generalized(mark, &time))
		return error_set(err, ERR_CONFLICT,
				 "%s: the last import left no time: run a "
				 "full-import",
				 session->server);
	return 0;
}

static int more(struct connector_session *session, struct error *err)
{
	struct ldap_import *import = session->import;
	struct timestamp *state = import->delta_data;
	struct arena *round = &import->round;
	struct ldap_search search = { .scope = LDAP_SCOPE_SUBTREE,
				      .moved = true };
	struct sv *contexts;
	size_t count;
	size_t i;

	(void)err;
	if (state->planned)
		return 0;
	state->planned = true;
	count = ldap_contexts(session, round, &contexts);
	search.filter = arena_printf(round, "(modifyTimestamp>=" SV_FMT ")",
				     SV_ARG(state->since));
	for (i = 0; i < count; i++) {
		search.base = arena_cstr(round, contexts[i]);
		ldap_plan_changed(session, &search);
		ldap_plan_holders(session, search.base, search.filter);
	}
	return 1;
}

static int mark(struct connector_session *session, struct arena *arena,
		struct sv *mark_out, struct error *err)
{
	const struct timestamp *state = session->import->delta_data;

	(void)err;
	*mark_out = arena_dup(arena, state->now);
	return 0;
}

const struct ldap_delta ldap_timestamp = {
	.name = "timestamp",
	.by_name_only = true,
	.note = note,
	.begin = begin,
	.more = more,
	.mark = mark,
};
