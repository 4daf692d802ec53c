/*
 * timestamp.c - changes by modifyTimestamp, for servers that have nothing else
 *
 * No time tells what is gone. `compare` names all that are there behind the
 * changes, with their anchors alone, and what was there before and is not among
 * them is gone; `timestamp` leaves that to full imports, so it must be asked
 * for by name. Clocks differ, and the time of a change is that of its
 * beginning: what changed in the ten minutes before the last import is read
 * again.
 *
 *	mark: a time (Generalized Time)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "base/clock.h"

#include <sys/time.h>

#define OVERLAP (600 * CLOCK_SECOND)

struct timestamp {
	struct sv since;
	struct sv now;
	bool planned;
	bool compared;
};

static struct sv time_text(struct arena *arena)
{
	char text[40];
	int64_t now = clock_now() - OVERLAP;

	clock_format_generalized(now - now % CLOCK_SECOND, text);
	return arena_dup(arena, sv_from(text));
}

/* Where the account may not see the times, changes would go unnoticed. */
static int sees_times(struct connector_session *session, struct error *err)
{
	struct timeval tv = { session->timeout, 0 };
	char none[] = LDAP_NO_ATTRS;
	char *attrs[] = { none, NULL };
	struct sv *contexts;
	size_t count = ldap_contexts(session, &session->scratch, &contexts);
	bool sees = true;
	size_t i;

	for (i = 0; i < count && sees; i++) {
		LDAPMessage *result = NULL;
		int code = ldap_search_ext_s(
			session->ld, arena_cstr(&session->scratch, contexts[i]),
			LDAP_SCOPE_SUBTREE,
			"(modifyTimestamp>=19700101000000Z)", attrs, 0, NULL,
			NULL, &tv, 1, &result);

		sees = result && ldap_first_entry(session->ld, result);
		ldap_msgfree(result);
		if (ldap_result_fatal(code))
			return ldap_session_error(
				session, code, "look for modifyTimestamp", err);
	}
	arena_reset(&session->scratch);
	return sees;
}

static int note(struct connector_session *session, struct arena *arena,
		struct sv *mark_out, struct error *err)
{
	*mark_out = time_text(arena);
	return sees_times(session, err);
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

static int more_or_compare(struct connector_session *session, struct error *err)
{
	struct timestamp *state = session->import->delta_data;

	if (!state->planned)
		return more(session, err);
	if (state->compared)
		return 0;
	state->compared = true;
	ldap_plan_present(session);
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
	.note = note,
	.begin = begin,
	.more = more,
	.mark = mark,
};

const struct ldap_delta ldap_compare = {
	.name = "compare",
	.note = note,
	.begin = begin,
	.more = more_or_compare,
	.mark = mark,
};
