/*
 * import.c - paged searches (RFC 2696), one after the other: those of a full
 * import, or those that a delta plans round by round
 *
 * The next page is asked for as soon as one has arrived, so the server works
 * while the page is taken. An import ends with the end of data only when the
 * server said "success" to every search: a limit, a lost connection or a base
 * that is not there is an error, because what was not read would look deleted.
 *
 * A connection that is lost is made again and the import goes on (go_on()).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include <stdio.h>
#include <sys/time.h>

#define UNPAGED 256 /* messages read ahead when the server does not page */

void ldap_import_free(struct connector_session *session)
{
	struct ldap_import *import = session->import;

	if (!import)
		return;
	if (import->delta && import->delta->release)
		import->delta->release(session);
	while (import->at < import->page.len)
		ldap_msgfree(import->page.at[import->at++]);
	vec_release(&import->page);
	vec_release(&import->searches);
	vec_release(&import->told);
	vec_release(&import->holders);
	vec_release(&import->seen);
	vec_release(&import->referrals);
	namemap_free(import->visited);
	idmap_release(&import->given);
	ldap_wanted_release(&import->wanted);
	ldap_wanted_release(&import->identity);
	arena_release(&import->round);
	arena_release(&import->arena);
	mem_free(import);
	session->import = NULL;
}

static void set_page_size(struct connector_session *session)
{
	session->import->page_size =
		session->paging ? (int)ldap_session_number(session, "page_size")
				: 0;
}

/* All of what belongs to the agent, each search as `like` says the rest. */
static void plan_searches(const struct connector_session *session,
			  const struct ldap_search *like)
{
	struct ldap_import *import = session->import;
	struct sv filter = ldap_session_setting(session, "filter");
	size_t i;
	size_t k;

	for (i = 0; i < import->partition_count; i++) {
		struct ldap_search *some;
		size_t n = ldap_searches(&import->partitions[i], filter,
					 &import->arena, &some);

		for (k = 0; k < n; k++) {
			some[k].wanted = like->wanted;
			some[k].take = like->take;
			vec_push(&import->searches, some[k]);
		}
	}
}

/* What could not be read stays an error, so that nothing is taken for gone. */
static int take_present(struct connector_session *session, struct arena *arena,
			struct change *change)
{
	(void)session;
	(void)arena;
	if (change->op == CHANGE_ERROR)
		return 1;
	if (change->op != CHANGE_OBJECT || !change->anchor.len)
		return 0;
	*change = (struct change){ .op = CHANGE_PRESENT,
				   .container = change->container,
				   .anchor = change->anchor };
	return 1;
}

void ldap_plan_present(struct connector_session *session)
{
	struct ldap_import *import = session->import;
	struct ldap_search like = { .wanted = &import->identity,
				    .take = take_present };

	if (!import->identity.count)
		ldap_wanted_identity(&import->identity, session,
				     &import->arena);
	plan_searches(session, &like);
}

static int begin(struct connector_session *session, enum import_kind kind,
		 struct sv watermark, struct error *err)
{
	struct ldap_import *import;

	ldap_import_free(session);
	import = session->import = mem_zalloc(sizeof(*import));
	ldap_wanted_init(&import->wanted, session, &import->arena);
	import->full = kind == IMPORT_FULL;
	import->partition_count = ldap_partitions(
		session->config->connect, &import->arena, &import->partitions);
	set_page_size(session);
	if (kind == IMPORT_DELTA)
		return ldap_delta_begin(session, watermark, err);
	if (ldap_subschema_check(session, err) < 0 ||
	    ldap_delta_note(session, err) < 0)
		return -1;
	plan_searches(session, &(struct ldap_search){ .take = NULL });
	return 0;
}

/* Which server may go on. */
static enum ldap_again who(const struct connector_session *session)
{
	const struct ldap_import *import = session->import;

	return !import->full && import->delta && import->delta->one_server
		       ? LDAP_AGAIN_SAME
		       : LDAP_AGAIN_ANY;
}

int ldap_import_begin(struct connector_session *session, enum import_kind kind,
		      struct sv watermark, struct error *err)
{
	int ret;

	session->losses = 0;
	session->failed = (struct error)ERROR_INIT;
	session->watermark = arena_dup(&session->arena, watermark);
	hash_key_random(&session->key);
	while ((ret = begin(session, kind, session->watermark, err)) < 0)
		if (ldap_session_again(session, who(session), err) < 0)
			break;
	return ret;
}

/* `referrals`: where the base lies instead; or NULL. */
static int search_error_at(struct connector_session *session, int code,
			   char **referrals, struct error *err)
{
	struct ldap_import *import = session->import;
	const struct ldap_search *search = &import->searches.at[import->search];
	char doing[300];

	(void)snprintf(doing, sizeof(doing), "search '%.200s'", search->base);
	(void)ldap_session_error(session, code, doing, err);
	if (code == LDAP_SIZELIMIT_EXCEEDED || code == LDAP_ADMINLIMIT_EXCEEDED)
		error_set(err, ERR_UNAVAILABLE,
			  "%s: cannot %s: the server gives no more than a part "
			  "(result code %d %s): set page_size, or have the "
			  "limit raised for the agent's account",
			  session->server, doing, code, ldap_result_name(code));
	else if (code == LDAP_TIMELIMIT_EXCEEDED)
		error_set(err, ERR_UNAVAILABLE,
			  "%s: cannot %s: the server's time limit is over "
			  "(result code %d %s): give it indexes for the "
			  "filter, make the partitions smaller, or have the "
			  "limit raised for the agent's account",
			  session->server, doing, code, ldap_result_name(code));
	else if (code == LDAP_REFERRAL)
		error_set(err, ERR_UNSUPPORTED,
			  "%s: '%s' lies on another server, %s (result code %d "
			  "%s): name that one in servers, or write "
			  "'referrals: follow'",
			  session->server, search->base,
			  referrals && *referrals ? *referrals
						  : "which is not told",
			  code, ldap_result_name(code));
	else if (code == LDAP_NO_SUCH_OBJECT)
		error_set(err, ERR_NOTFOUND,
			  "%s: there is no '%s', or the agent's account may "
			  "not see it (result code %d %s): check base, include "
			  "and bind_dn",
			  session->server, search->base, code,
			  ldap_result_name(code));
	else if (code == LDAP_FILTER_ERROR)
		error_set(err, ERR_INVALID,
			  "the filter '" SV_FMT "' is not valid (RFC 4515)",
			  SV_ARG(ldap_session_setting(session, "filter")));
	return -1;
}

static int search_error(struct connector_session *session, int code,
			struct error *err)
{
	return search_error_at(session, code, NULL, err);
}

/* Asks for a page of the present search; an empty cookie begins it. */
static int send_search(struct connector_session *session, struct berval *cookie,
		       struct error *err)
{
	struct ldap_import *import = session->import;
	const struct ldap_search *search = &import->searches.at[import->search];
	const struct ldap_wanted *wanted = search->wanted ? search->wanted
							  : &import->wanted;
	char show[] = LDAP_CONTROL_X_SHOW_DELETED;
	LDAPControl deleted = { show, { 0, NULL }, 1 };
	LDAPControl *controls[3] = { NULL, NULL, NULL };
	LDAPControl *page = NULL;
	size_t count = 0;
	int code = LDAP_SUCCESS;

	if (search->deleted)
		controls[count++] = &deleted;
	if (import->page_size)
		code = ldap_create_page_control(session->ld, import->page_size,
						cookie, 1, &page);
	controls[count] = page;
	if (!code)
		code = ldap_search_ext(session->ld, search->base, search->scope,
				       search->filter, wanted->names, 0,
				       controls, NULL, NULL, 0, &import->msgid);
	if (page)
		ldap_control_free(page);
	return code ? search_error(session, code, err) : 0;
}

/* The cookie of the next page; empty: this was the last. */
static int next_cookie(struct connector_session *session,
		       LDAPControl **controls, struct berval *cookie)
{
	LDAPControl *control =
		ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	ber_int_t estimate;

	*cookie = (struct berval){ 0, NULL };
	if (!control)
		return LDAP_SUCCESS;
	return ldap_parse_pageresponse_control(session->ld, control, &estimate,
					       cookie);
}

/* The base lies on another server. */
static int follow(struct connector_session *session, char **referrals,
		  struct error *err)
{
	struct ldap_import *import = session->import;
	const struct ldap_search *search =
		&import->searches.at[import->search++];

	return ldap_referral_note(session, search, referrals, err);
}

/* A part of what lies below the base does. */
static int take_reference(struct connector_session *session,
			  LDAPMessage *message, struct error *err)
{
	char **urls = NULL;
	int ret = 0;

	if (ldap_follows(session) &&
	    !ldap_parse_reference(session->ld, message, &urls, NULL, 0))
		ret = ldap_referral_note(session, &session->import->page_search,
					 urls, err);
	ber_memvfree((void **)urls);
	return ret;
}

/* A search or one page of it is done: asks for what follows. */
static int end_page(struct connector_session *session, LDAPMessage *message,
		    struct error *err)
{
	struct ldap_import *import = session->import;
	LDAPControl **controls = NULL;
	struct berval cookie = { 0, NULL };
	char **referrals = NULL;
	int result = LDAP_OTHER;
	bool gone;
	int code;
	int ret = 0;

	import->msgid = 0;
	code = ldap_parse_result(session->ld, message, &result, NULL, NULL,
				 &referrals, &controls, 0);
	if (!code)
		code = result;
	if (!code)
		code = next_cookie(session, controls, &cookie);
	gone = code == LDAP_NO_SUCH_OBJECT &&
	       import->searches.at[import->search].may_be_gone;
	if (code == LDAP_REFERRAL && ldap_follows(session))
		ret = follow(session, referrals, err);
	else if (code && !gone)
		ret = search_error_at(session, code, referrals, err);
	else if (!gone && cookie.bv_len)
		ret = send_search(session, &cookie, err);
	else
		import->search++;
	ber_memfree(cookie.bv_val);
	ldap_controls_free(controls);
	ber_memvfree((void **)referrals);
	return ret;
}

/* The next message of the search: its kind, or -1. */
static int wait_message(struct connector_session *session, LDAPMessage **out,
			struct error *err)
{
	struct timeval tv = { session->timeout, 0 };
	int kind;

	kind = ldap_result(session->ld, session->import->msgid, LDAP_MSG_ONE,
			   &tv, out);
	if (kind > 0)
		return kind;
	return search_error(
		session, kind ? ldap_session_code(session) : LDAP_TIMEOUT, err);
}

/* Waits for a page, or for some entries when there are no pages. */
static int read_page(struct connector_session *session, struct error *err)
{
	struct ldap_import *import = session->import;
	LDAPMessage *message = NULL;
	int kind = 0;
	int ret = 0;

	vec_clear(&import->page);
	import->at = 0;
	import->page_at = import->search;
	import->page_search = import->searches.at[import->search];
	while (kind != LDAP_RES_SEARCH_RESULT && !ret &&
	       (import->page_size || import->page.len < UNPAGED)) {
		kind = wait_message(session, &message, err);
		if (kind < 0)
			return -1;
		if (kind == LDAP_RES_SEARCH_ENTRY) {
			vec_push(&import->page, message);
			continue;
		}
		if (kind == LDAP_RES_SEARCH_RESULT)
			ret = end_page(session, message, err);
		else if (kind == LDAP_RES_SEARCH_REFERENCE)
			ret = take_reference(session, message, err);
		ldap_msgfree(message);
	}
	return ret;
}

static void note_holder(struct connector_session *session, LDAPMessage *entry)
{
	struct ldap_import *import = session->import;
	char *dn = ldap_get_dn(session->ld, entry);

	if (dn)
		vec_push(&import->holders,
			 arena_dup(&import->arena, sv_from(dn)));
	ldap_memfree(dn);
}

/* ---- what the search that runs has given already ---- */

static struct hash128 hash_of(const struct connector_session *session,
			      const struct change *change)
{
	struct hash128 hash = hash128(&session->key, change->anchor.len
							     ? change->anchor
							     : change->dn);

	hash.low |= 1; /* a key is not 0 */
	return hash;
}

/* The search is begun anew: what it gave is not given again. */
static void search_again(struct ldap_import *import)
{
	const struct hash128 *seen;

	import->begun_anew = true;
	vec_foreach(&import->seen, seen)
		idmap_put(&import->given, seen->low, seen->high);
}

/* False: it was given before the connection was lost. */
static bool is_first(struct connector_session *session,
		     const struct change *change)
{
	struct ldap_import *import = session->import;
	struct hash128 hash = hash_of(session, change);
	uint64_t high;

	if (import->seen_search != import->page_at) {
		import->seen_search = import->page_at;
		vec_clear(&import->seen);
		idmap_clear(&import->given);
		import->begun_anew = false;
	}
	if (import->begun_anew) {
		if (idmap_get(&import->given, hash.low, &high) &&
		    high == hash.high)
			return false;
		idmap_put(&import->given, hash.low, hash.high);
	}
	vec_push(&import->seen, hash);
	session->losses = 0;
	return true;
}

/* 1: *out filled; 0: the page is empty; -1 */
static int next_of_page(struct connector_session *session, struct arena *arena,
			struct change *out, struct error *err)
{
	struct ldap_import *import = session->import;
	const struct ldap_search *search = &import->page_search;
	struct ldap_wanted *wanted = search->wanted ? search->wanted
						    : &import->wanted;

	while (import->at < import->page.len) {
		LDAPMessage *entry = import->page.at[import->at++];
		int ret = 0;

		if (search->means == LDAP_MEANS_HOLDERS)
			note_holder(session, entry);
		else
			ret = ldap_entry_change(session, wanted, search, entry,
						arena, out, err);
		if (ret < 0) { /* it may be read once more */
			import->at--;
			return -1;
		}
		ldap_msgfree(entry);
		if (ret > 0 && search->take)
			ret = search->take(session, arena, out);
		if (ret > 0 && import->full && !is_first(session, out))
			ret = 0;
		if (ret)
			return ret;
	}
	return 0;
}

/* Where a full import is referred to: as next_round() */
static int next_server(struct connector_session *session, struct error *err)
{
	struct ldap_import *import = session->import;
	int ret = ldap_referral_next(session, err);

	if (ret <= 0)
		return ret;
	import->delta = NULL;
	import->begun_anew = false;
	vec_clear(&import->seen);
	idmap_clear(&import->given);
	set_page_size(session);
	return 1;
}

/* 1: there may be more; 0: that was all; -1 */
static int next_round(struct connector_session *session, struct error *err)
{
	struct ldap_import *import = session->import;

	if (import->full)
		return next_server(session, err);
	vec_clear(&import->searches);
	vec_clear(&import->told);
	import->search = 0;
	import->told_at = 0;
	arena_reset(&import->round);
	if (ldap_plan_below(session))
		return 1;
	return import->delta->more(session, err);
}

static int next_change(struct connector_session *session, struct arena *arena,
		       struct change *out, struct error *err)
{
	struct ldap_import *import = session->import;
	int ret;

	for (;;) {
		if (import->told_at < import->told.len) {
			*out = import->told.at[import->told_at++];
			out->anchor = arena_dup(arena, out->anchor);
			out->dn = arena_dup(arena, out->dn);
			return 1;
		}
		ret = next_of_page(session, arena, out, err);
		if (ret)
			return ret;
		if (!import->msgid && import->search == import->searches.len) {
			ret = next_round(session, err);
			if (ret <= 0)
				return ret;
			continue;
		}
		if (!import->msgid && send_search(session, NULL, err) < 0)
			return -1;
		if (read_page(session, err) < 0)
			return -1;
	}
}

/*
 * The connection is there again, and what was asked over the last one is not.
 * A full import goes on with the search that it was in, from its beginning. At
 * another server that may be behind the first one, or ahead of it: no delta can
 * tell then what is not in this import. A delta is told once more from where it
 * began: whatever it says may be said twice.
 */
static int go_on(struct connector_session *session, bool other,
		 struct error *err)
{
	struct ldap_import *import = session->import;

	if (!import->full)
		return begin(session, IMPORT_DELTA, session->watermark, err);
	if (other)
		import->delta = NULL;
	import->msgid = 0;
	set_page_size(session);
	search_again(import);
	return 0;
}

int ldap_import_next(struct connector_session *session, struct arena *arena,
		     struct change *out, struct error *err)
{
	int ret;

	if (session->failed.code != ERR_NONE)
		return error_set(err, session->failed.code, "%s",
				 session->failed.msg);
	ret = next_change(session, arena, out, err);
	while (ret < 0) {
		ret = ldap_session_again(session, who(session), err);
		if (ret < 0)
			break;
		ret = go_on(session, ret > 0, err);
		if (!ret)
			ret = next_change(session, arena, out, err);
	}
	if (ret < 0)
		session->failed = *err;
	return ret;
}

int ldap_import_end(struct connector_session *session, struct arena *arena,
		    struct sv *watermark_out, struct error *err)
{
	int ret = ldap_delta_end(session, arena, watermark_out, err);

	ldap_import_free(session);
	return ret;
}
