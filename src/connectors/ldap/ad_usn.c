/*
 * ad_usn.c - changes of a domain by update sequence numbers
 *
 * For accounts without the right to DirSync. Each domain controller counts the
 * changes that it makes or receives and writes the count on the object
 * (uSNChanged); what is greater than the count of the last import is read as a
 * whole. The counts of two controllers have nothing to do with each other, so
 * the mark names the controller's database. Deletions are found among the
 * deleted objects, which the account must be allowed to see.
 *
 * An object that holds others may have been moved, and no count of what lies
 * below changes with it: of one that changed, all below is read.
 *
 *	mark: the database's GUID and the count
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ad_private.h"
#include "connectors/ldap/ldap_private.h"

#include "model/dn.h"

#include <inttypes.h>
#include <stdio.h>

/* The well-known container of deleted objects. */
#define DELETED_OBJECTS "18e2ea80684f11d2b9aa00c04f79f805"

struct usn {
	struct sv database;
	int64_t since;
	int64_t now;
	bool planned;
};

int ad_sees_deleted(struct connector_session *session, struct error *err)
{
	struct timeval tv = { session->timeout, 0 };
	char show[] = LDAP_CONTROL_X_SHOW_DELETED;
	LDAPControl deleted = { show, { 0, NULL }, 1 };
	LDAPControl *controls[] = { &deleted, NULL };
	char none[] = LDAP_NO_ATTRS;
	char *attrs[] = { none, NULL };
	struct sv *contexts;
	size_t count = ldap_contexts(session, &session->scratch, &contexts);
	bool sees = true;
	size_t i;

	for (i = 0; i < count && sees; i++) {
		char *dn = arena_printf(&session->scratch,
					"<WKGUID=" DELETED_OBJECTS "," SV_FMT
					">",
					SV_ARG(contexts[i]));
		LDAPMessage *result = NULL;
		int code = ldap_search_ext_s(session->ld, dn,
					     LDAP_SCOPE_ONELEVEL,
					     "(isDeleted=TRUE)", attrs, 0,
					     controls, NULL, &tv, 1, &result);

		sees = result && ldap_first_entry(session->ld, result);
		ldap_msgfree(result);
		if (ldap_result_fatal(code))
			return ldap_session_error(
				session, code, "look for the deleted objects",
				err);
	}
	arena_reset(&session->scratch);
	return sees;
}

/* The database and its present count: 1, 0 it does not tell, -1 */
static int read_now(struct connector_session *session, struct usn *usn,
		    struct error *err)
{
	struct arena *arena = &session->import->arena;
	char highest[] = "highestCommittedUSN";
	char service[] = "dsServiceName";
	char invocation[] = "invocationId";
	char *root[] = { highest, service, NULL };
	char *attrs[] = { invocation, NULL };
	LDAPMessage *result;
	LDAPMessage *entry;
	struct sv count;
	struct sv dn;
	int ret;

	ret = ldap_session_read(session, "", LDAP_ANYTHING, root, &result, err);
	if (ret <= 0)
		return ret;
	entry = ldap_first_entry(session->ld, result);
	count = ldap_entry_first(session->ld, entry, highest, arena);
	dn = ldap_entry_first(session->ld, entry, service, arena);
	ldap_msgfree(result);
	if (!dn.len || !sv_to_i64(count, &usn->now))
		return 0;
	ret = ldap_session_read(session, arena_cstr(arena, dn), LDAP_ANYTHING,
				attrs, &result, err);
	if (ret <= 0)
		return ret;
	entry = ldap_first_entry(session->ld, result);
	usn->database = ad_guid_text(
		ldap_entry_first(session->ld, entry, invocation, arena), arena);
	ldap_msgfree(result);
	return usn->database.len > 0;
}

static struct sv mark_of(const struct usn *usn, struct arena *arena)
{
	return sv_from(arena_printf(arena, SV_FMT " %" PRId64,
				    SV_ARG(usn->database), usn->now));
}

static int note(struct connector_session *session, struct arena *arena,
		struct sv *mark_out, struct error *err)
{
	struct usn usn = { .since = 0 };
	int ret = ad_sees_deleted(session, err);

	if (ret > 0)
		ret = read_now(session, &usn, err);
	if (ret > 0)
		*mark_out = mark_of(&usn, arena);
	return ret;
}

static int begin(struct connector_session *session, struct sv mark,
		 struct error *err)
{
	struct ldap_import *import = session->import;
	struct usn *usn = arena_zalloc(&import->arena, sizeof(*usn));
	size_t blank = sv_find(mark, ' ', 0);
	int ret;

	import->delta_data = usn;
	ret = read_now(session, usn, err);
	if (ret < 0)
		return -1;
	if (!ret || blank == mark.len ||
	    !sv_to_i64(sv_sub(mark, blank + 1, mark.len), &usn->since) ||
	    !sv_eq(sv_sub(mark, 0, blank), usn->database) ||
	    usn->since > usn->now)
		return error_set(err, ERR_CONFLICT,
				 "%s: the last import was of another domain "
				 "controller, or of this one before it was "
				 "restored, and each counts changes for "
				 "itself: run a full-import",
				 session->server);
	ret = ad_sees_deleted(session, err);
	if (!ret)
		return error_set(err, ERR_CONFLICT,
				 "%s: the account may not see the deleted "
				 "objects any more: give it the right to read "
				 "them, or run a full-import",
				 session->server);
	return ret < 0 ? -1 : 0;
}

static void plan_changed(struct connector_session *session)
{
	struct ldap_import *import = session->import;
	struct usn *usn = import->delta_data;
	struct arena *round = &import->round;
	char *since = arena_printf(round, "(uSNChanged>=%" PRId64 ")",
				   usn->since + 1);
	struct sv *contexts;
	size_t count = ldap_contexts(session, round, &contexts);
	size_t i;

	for (i = 0; i < count; i++) {
		struct ldap_search search = {
			.base = arena_cstr(round, contexts[i]),
			.scope = LDAP_SCOPE_SUBTREE,
			.filter = ldap_filter_and(since, "(isDeleted=TRUE)",
						  round),
			.means = LDAP_MEANS_GONE,
			.deleted = true,
		};

		vec_push(&import->searches, search);
		search.deleted = false;
		search.means = LDAP_MEANS_OBJECTS;
		search.moved = true;
		search.filter = since;
		ldap_plan_changed(session, &search);
		ldap_plan_holders(session, search.base, since);
	}
}

static int more(struct connector_session *session, struct error *err)
{
	struct usn *usn = session->import->delta_data;

	(void)err;
	if (usn->planned)
		return 0;
	usn->planned = true;
	plan_changed(session);
	return 1;
}

static int mark(struct connector_session *session, struct arena *arena,
		struct sv *mark_out, struct error *err)
{
	(void)err;
	*mark_out = mark_of(session->import->delta_data, arena);
	return 0;
}

const struct ldap_delta ad_usn = {
	.name = "usn",
	.one_server = true,
	.note = note,
	.begin = begin,
	.more = more,
	.mark = mark,
};

const struct ldap_delta *const ad_deltas[] = { &ad_dirsync, &ad_usn, NULL };
