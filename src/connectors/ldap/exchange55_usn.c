/*
 * exchange55_usn.c - changes of an Exchange 5.5 directory by update sequence
 * numbers
 *
 * A server counts the changes that it makes or receives and writes the number
 * on the entry (USN-Changed). It does not say how far it has counted, so that
 * this is found by questions: is there an entry with this number or a higher
 * one? Twice the logarithm of the number of them are enough. The counts of two
 * servers have nothing to do with each other, so the mark names the server.
 * What is gone is found by naming all that are there.
 *
 *	mark: the server's URL and the number
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/exchange55_private.h"
#include "connectors/ldap/ldap_private.h"

#include <inttypes.h>
#include <sys/time.h>

struct usn {
	int64_t since;
	int64_t now;
	bool planned;
	bool compared;
};

/* An entry was changed by this number or a higher one: 1, 0, -1 */
static int reaches(struct connector_session *session, int64_t number,
		   struct error *err)
{
	struct timeval tv = { session->timeout, 0 };
	struct arena *scratch = &session->scratch;
	char none[] = LDAP_NO_ATTRS;
	char *attrs[] = { none, NULL };
	const char *filter =
		arena_printf(scratch, "(USN-Changed>=%" PRId64 ")", number);
	struct sv *contexts;
	size_t count = ldap_contexts(session, scratch, &contexts);
	int ret = 0;
	size_t i;

	for (i = 0; i < count && !ret; i++) {
		LDAPMessage *result = NULL;
		int code = ldap_search_ext_s(session->ld,
					     arena_cstr(scratch, contexts[i]),
					     LDAP_SCOPE_SUBTREE, filter, attrs,
					     0, NULL, NULL, &tv, 1, &result);

		ret = result && ldap_first_entry(session->ld, result);
		ldap_msgfree(result);
		if (code && code != LDAP_SIZELIMIT_EXCEEDED &&
		    code != LDAP_NO_SUCH_OBJECT)
			ret = ldap_session_error(session, code,
						 "look for USN-Changed", err);
	}
	arena_reset(scratch);
	return ret;
}

/* The highest number that there is, `low` at least. */
static int find_highest(struct connector_session *session, int64_t low,
			int64_t *out, struct error *err)
{
	int64_t step = 1;
	int ret;

	while ((ret = reaches(session, low + step, err)) > 0) {
		low += step;
		step *= 2;
	}
	/* low is there (or was), low + step is not */
	while (ret == 0 && step > 1) {
		step /= 2;
		ret = reaches(session, low + step, err);
		if (ret > 0) {
			low += step;
			ret = 0;
		}
	}
	*out = low;
	return ret;
}

static struct sv mark_of(const struct connector_session *session,
			 const struct usn *usn, struct arena *arena)
{
	return sv_from(
		arena_printf(arena, "%s %" PRId64, session->server, usn->now));
}

static int note(struct connector_session *session, struct arena *arena,
		struct sv *mark_out, struct error *err)
{
	struct usn usn = { .since = 0 };

	if (find_highest(session, 0, &usn.now, err) < 0)
		return -1;
	*mark_out = mark_of(session, &usn, arena);
	return usn.now > 0; /* else the account may not see them */
}

static int begin(struct connector_session *session, struct sv mark,
		 struct error *err)
{
	struct ldap_import *import = session->import;
	struct usn *usn = arena_zalloc(&import->arena, sizeof(*usn));
	size_t blank = sv_find(mark, ' ', 0);

	import->delta_data = usn;
	if (blank == mark.len ||
	    !sv_to_i64(sv_sub(mark, blank + 1, mark.len), &usn->since) ||
	    !sv_eq_str(sv_sub(mark, 0, blank), session->server))
		return error_set(err, ERR_CONFLICT,
				 "%s: the last import was of another server, "
				 "and each counts changes for itself: run a "
				 "full-import",
				 session->server);
	return find_highest(session, usn->since, &usn->now, err);
}

static void plan_changed(struct connector_session *session)
{
	struct ldap_import *import = session->import;
	struct usn *usn = import->delta_data;
	struct arena *round = &import->round;
	struct ldap_search search = {
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = arena_printf(round, "(USN-Changed>=%" PRId64 ")",
				       usn->since + 1),
		.moved = true,
	};
	struct sv *contexts;
	size_t count = ldap_contexts(session, round, &contexts);
	size_t i;

	for (i = 0; i < count; i++) {
		search.base = arena_cstr(round, contexts[i]);
		ldap_plan_changed(session, &search);
	}
}

static int more(struct connector_session *session, struct error *err)
{
	struct usn *usn = session->import->delta_data;

	(void)err;
	if (usn->compared)
		return 0;
	if (usn->planned) {
		usn->compared = true;
		ldap_plan_present(session);
		return 1;
	}
	usn->planned = true;
	plan_changed(session);
	return 1;
}

static int mark(struct connector_session *session, struct arena *arena,
		struct sv *mark_out, struct error *err)
{
	(void)err;
	*mark_out = mark_of(session, session->import->delta_data, arena);
	return 0;
}

const struct ldap_delta exchange55_usn = {
	.name = "usn",
	.note = note,
	.begin = begin,
	.more = more,
	.mark = mark,
};
