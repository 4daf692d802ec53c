/*
 * listen.c - to be told by the server that something has changed
 *
 * A search that does not end, on each naming context of the agent: as the
 * profile asks for it. Whatever it tells means "look": what changed is for the
 * delta import to find, so it does not matter what is told, nor how often.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include <stdio.h>
#include <sys/time.h>

#define NOTIFICATION "1.2.840.113556.1.4.528"
#define PSEARCH      "2.16.840.1.113730.3.4.3"
#define ANY_CHANGE   15 /* add, delete, modify, rename */

static int send_search(struct connector_session *session, const char *base,
		       LDAPControl **controls, int *msgid)
{
	char none[] = LDAP_NO_ATTRS;
	char *attrs[] = { none, NULL };

	return ldap_search_ext(session->ld, base, LDAP_SCOPE_SUBTREE,
			       LDAP_ANYTHING, attrs, 0, controls, NULL, NULL, 0,
			       msgid);
}

/* Who is deleted is moved and hidden. */
int ldap_listen_notification(struct connector_session *session,
			     const char *base, int *msgid)
{
	char oid[] = NOTIFICATION;
	char show[] = LDAP_CONTROL_X_SHOW_DELETED;
	LDAPControl control = { oid, { 0, NULL }, 1 };
	LDAPControl deleted = { show, { 0, NULL }, 1 };
	LDAPControl *controls[] = { &control, &deleted, NULL };

	return send_search(session, base, controls, msgid);
}

/* draft-ietf-ldapext-psearch: only what changes from now on. */
int ldap_listen_psearch(struct connector_session *session, const char *base,
			int *msgid)
{
	LDAPControl *controls[] = { NULL, NULL };
	struct berval *value = NULL;
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	int code = LDAP_ENCODING_ERROR;

	if (ber && ber_printf(ber, "{ibb}", ANY_CHANGE, 1, 0) >= 0 &&
	    ber_flatten(ber, &value) >= 0)
		code = ldap_control_create(PSEARCH, 1, value, 1, &controls[0]);
	if (!code)
		code = send_search(session, base, controls, msgid);
	if (controls[0])
		ldap_control_free(controls[0]);
	ber_bvfree(value);
	ber_free(ber, 1);
	return code;
}

static int failed(struct connector_session *session, int code,
		  struct error *err)
{
	(void)ldap_session_error(session, code, "be told of changes", err);
	if (code == LDAP_SUCCESS || code == LDAP_CANCELLED)
		(void)error_set(err, ERR_UNAVAILABLE,
				"%s: the server tells of changes no longer",
				session->server);
	else if (code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION ||
		 code == LDAP_PROTOCOL_ERROR)
		(void)error_set(err, ERR_UNSUPPORTED,
				"%s: the server does not tell of changes "
				"(result code %d %s): leave out 'watch', or "
				"have it switched on there",
				session->server, code, ldap_result_name(code));
	else if (code == LDAP_ADMINLIMIT_EXCEEDED)
		(void)error_set(err, ERR_LIMIT,
				"%s: the server tells no more connections of "
				"changes (result code %d %s): fewer agents "
				"with 'watch', or fewer naming contexts in "
				"one",
				session->server, code, ldap_result_name(code));
	else if (code == LDAP_SYNC_REFRESH_REQUIRED)
		err->code = ERR_UNAVAILABLE; /* anew, from now on */
	return -1;
}

void ldap_listen_free(struct connector_session *session)
{
	if (session->listen)
		mem_free(session->listen->msgids);
	mem_free(session->listen);
	session->listen = NULL;
}

/* What is sent behind the searches is answered when the server has them. */
static int listen_all(struct connector_session *session, struct error *err)
{
	struct arena arena = ARENA_INIT;
	char none[] = LDAP_NO_ATTRS;
	char *attrs[] = { none, NULL };
	struct ldap_listen *listen = mem_zalloc(sizeof(*listen));
	struct ldap_partition *partitions;
	struct sv *contexts;
	size_t parts =
		ldap_partitions(session->config->connect, &arena, &partitions);
	size_t count =
		ldap_contexts_of(session, partitions, parts, &arena, &contexts);
	LDAPMessage *root = NULL;
	int code = LDAP_SUCCESS;
	int ret = 0;

	session->listen = listen;
	listen->msgids = mem_zalloc((count + 1) * sizeof(int));
	while (!code && listen->count < count) {
		code = session->profile->listen(
			session, arena_cstr(&arena, contexts[listen->count]),
			&listen->msgids[listen->count]);
		listen->count++;
	}
	arena_release(&arena);
	if (code)
		return failed(session, code, err);
	ret = ldap_session_read(session, "", LDAP_ANYTHING, attrs, &root, err);
	ldap_msgfree(root);
	return ret < 0 ? -1 : 0;
}

static bool is_ours(const struct ldap_listen *listen, int msgid)
{
	size_t i;

	for (i = 0; i < listen->count; i++)
		if (listen->msgids[i] == msgid)
			return true;
	return false;
}

/* RFC 4533: ids of what changed, and not that the first part is over. */
static bool tells_ids(struct connector_session *session, LDAPMessage *message)
{
	struct berval *value = NULL;
	char *oid = NULL;
	bool tells = false;

	if (!ldap_parse_intermediate(session->ld, message, &oid, &value, NULL,
				     0))
		tells = value && value->bv_len && oid &&
			!strcmp(oid, LDAP_SYNC_INFO) &&
			(unsigned char)value->bv_val[0] == LDAP_TAG_SYNC_ID_SET;
	ber_bvfree(value);
	ldap_memfree(oid);
	return tells;
}

/* 1 something has changed, 0 nothing yet, -1 */
static int take(struct connector_session *session, int kind,
		LDAPMessage *message, struct error *err)
{
	int code = LDAP_UNAVAILABLE;

	if (ldap_msgid(message) == 0)
		return failed(session, code, err);
	if (!is_ours(session->listen, ldap_msgid(message)))
		return 0;
	if (kind == LDAP_RES_SEARCH_ENTRY)
		return 1;
	if (kind == LDAP_RES_INTERMEDIATE)
		return tells_ids(session, message);
	if (kind != LDAP_RES_SEARCH_RESULT)
		return 0;
	(void)ldap_parse_result(session->ld, message, &code, NULL, NULL, NULL,
				NULL, 0);
	return failed(session, code, err);
}

int ldap_wait(struct connector_session *session, int timeout_ms,
	      struct error *err)
{
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	bool changed = false;

	if (!session->listen && listen_all(session, err) < 0)
		return -1;
	for (;;) {
		LDAPMessage *message = NULL;
		int kind = ldap_result(session->ld, LDAP_RES_ANY, LDAP_MSG_ONE,
				       &tv, &message);
		int ret;

		if (kind < 0)
			return failed(session, ldap_session_code(session), err);
		if (!kind)
			return changed;
		ret = take(session, kind, message, err);
		ldap_msgfree(message);
		if (ret < 0)
			return -1;
		if (ret > 0) { /* and what has come with it */
			changed = true;
			tv = (struct timeval){ 0, 0 };
		}
	}
}
