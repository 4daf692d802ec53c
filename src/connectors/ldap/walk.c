/*
 * walk.c - a search beside an import: entries one by one, page by page
 *
 * For what is looked at while an agent is set up. Nothing that a run depends
 * on is read by it: where a part is enough, a server's limit is no error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/describe.h"

#include <stdio.h>
#include <sys/time.h>

#define PAGE 500

static int send_page(struct connector_session *session,
		     const struct ldap_walk *walk, struct berval *cookie,
		     int *msgid)
{
	LDAPControl *controls[2] = { NULL, NULL };
	int code = LDAP_SUCCESS;

	if (session->paging)
		code = ldap_create_page_control(session->ld, PAGE, cookie, 0,
						&controls[0]);
	if (!code)
		code = ldap_search_ext(session->ld, walk->base, walk->scope,
				       walk->filter, walk->attrs, 0, controls,
				       NULL, NULL, 0, msgid);
	ldap_control_free(controls[0]);
	return code;
}

static bool is_limit(int code)
{
	return code == LDAP_SIZELIMIT_EXCEEDED ||
	       code == LDAP_TIMELIMIT_EXCEEDED ||
	       code == LDAP_ADMINLIMIT_EXCEEDED;
}

/* Of the answer that ends a page: a result code, and the next one's cookie. */
static int end_page(struct connector_session *session,
		    const struct ldap_walk *walk, LDAPMessage *message,
		    struct berval *cookie)
{
	LDAPControl **controls = NULL;
	LDAPControl *control;
	ber_int_t estimate;
	int result = LDAP_OTHER;
	int code = ldap_parse_result(session->ld, message, &result, NULL, NULL,
				     NULL, &controls, 0);

	ber_memfree(cookie->bv_val);
	*cookie = (struct berval){ 0, NULL };
	control = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	if (!code && !result && control)
		code = ldap_parse_pageresponse_control(session->ld, control,
						       &estimate, cookie);
	ldap_controls_free(controls);
	if (!code)
		code = result;
	return walk->part && is_limit(code) ? LDAP_SUCCESS : code;
}

/* 1: the page has been taken; 0: `take` wants no more; -1: err or *code. */
static int read_page(struct connector_session *session,
		     const struct ldap_walk *walk, int msgid,
		     struct berval *cookie, int *code, struct error *err)
{
	for (;;) {
		struct timeval tv = { session->timeout, 0 };
		LDAPMessage *message = NULL;
		int kind = ldap_result(session->ld, msgid, LDAP_MSG_ONE, &tv,
				       &message);
		int ret = 1;

		if (kind <= 0) {
			*code = kind ? ldap_session_code(session)
				     : LDAP_TIMEOUT;
			return -1;
		}
		if (kind == LDAP_RES_SEARCH_ENTRY)
			ret = walk->take(walk->data, session, message, err);
		else if (kind == LDAP_RES_SEARCH_RESULT)
			*code = end_page(session, walk, message, cookie);
		ldap_msgfree(message);
		if (ret <= 0)
			(void)ldap_abandon_ext(session->ld, msgid, NULL, NULL);
		if (ret <= 0 || kind == LDAP_RES_SEARCH_RESULT)
			return *code ? -1 : ret;
	}
}

int ldap_walk(struct connector_session *session, const struct ldap_walk *walk,
	      struct error *err)
{
	struct berval cookie = { 0, NULL };
	struct error inner = ERROR_INIT;
	char doing[200];
	int code;
	int msgid;
	int ret;

	do {
		code = send_page(session, walk, &cookie, &msgid);
		ret = code ? -1
			   : read_page(session, walk, msgid, &cookie, &code,
				       &inner);
	} while (ret > 0 && cookie.bv_len);
	ber_memfree(cookie.bv_val);
	if (ret < 0 && !code) {
		*err = inner;
		return -1;
	}
	if (ret >= 0)
		return 0;
	(void)snprintf(doing, sizeof(doing), "search '%.150s'", walk->base);
	return ldap_session_error(session, code, doing, err);
}
