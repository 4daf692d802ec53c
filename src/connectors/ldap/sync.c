/*
 * sync.c - changes by the content synchronization of RFC 4533 (refreshOnly)
 *
 * The server answers a cookie with the entries that were added or changed
 *since, and with the UUIDs of those that are gone. What changed is read anew as
 *a whole. A server that keeps no log that goes back so far answers with all
 * that is still there instead: what is gone can then not be told, and a full
 * import is asked for.
 *
 * The cookie of a full import is made of the suffix's contextCSN, read before
 * its first search.
 *
 *	mark: for each naming context its DN and cookie in base64
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "model/dn.h"

#include <sys/time.h>

#ifndef LDAP_SYNC_REFRESH_REQUIRED
#define LDAP_SYNC_REFRESH_REQUIRED 0x1000
#endif

struct context {
	struct sv dn;
	struct sv cookie;
	VEC(struct sv) changed; /* UUIDs as text */
};

struct sync {
	struct context *contexts;
	size_t count;
	VEC(struct sv) deleted;
	bool present; /* the server told what is there, not what is gone */
	bool planned;
};

static struct sync *new_state(struct connector_session *session)
{
	struct ldap_import *import = session->import;
	struct sync *sync = arena_zalloc(&import->arena, sizeof(*sync));
	struct sv *contexts;
	size_t i;

	sync->count = ldap_contexts(session, &import->arena, &contexts);
	sync->contexts = arena_array(&import->arena, sync->count + 1,
				     sizeof(*sync->contexts));
	for (i = 0; i < sync->count; i++)
		sync->contexts[i].dn = contexts[i];
	return sync;
}

static struct sv mark_of(const struct sync *sync, struct arena *arena)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv out;
	size_t i;

	for (i = 0; i < sync->count; i++) {
		strbuf_addf(&text, "%s", i ? " " : "");
		strbuf_add_base64(&text, sync->contexts[i].dn);
		strbuf_addf(&text, " ");
		strbuf_add_base64(&text, sync->contexts[i].cookie);
	}
	out = arena_dup(arena, sv_from(strbuf_cstr(&text)));
	strbuf_release(&text);
	return out;
}

static bool read_mark(struct sync *sync, struct sv mark, struct arena *arena)
{
	size_t at = 0;
	size_t i;

	for (i = 0; i < sync->count; i++) {
		struct sv dn;

		if (!ldap_mark_word(mark, &at, arena, &dn) ||
		    !sv_eq(dn, sync->contexts[i].dn) ||
		    !ldap_mark_word(mark, &at, arena,
				    &sync->contexts[i].cookie))
			return false;
	}
	return at >= mark.len;
}

/* ---- where a full import begins ---- */

/* 1 the cookie of now, 0 the server keeps none, -1 */
static int note_context(struct connector_session *session,
			struct context *context, struct arena *arena,
			struct error *err)
{
	struct strbuf cookie = STRBUF_INIT(STRBUF_NO_LIMIT);
	char csn[] = "contextCSN";
	char *attrs[] = { csn, NULL };
	struct berval **values;
	LDAPMessage *result;
	int count;
	int i;
	int ret = ldap_session_read(session, arena_cstr(arena, context->dn),
				    LDAP_ANYTHING, attrs, &result, err);

	if (ret <= 0)
		return ret;
	values = ldap_get_values_len(
		session->ld, ldap_first_entry(session->ld, result), csn);
	count = ldap_count_values_len(values);
	for (i = 0; i < count; i++)
		strbuf_addf(&cookie, "%s%.*s",
			    i ? ";" : "rid=000,csn=", (int)values[i]->bv_len,
			    values[i]->bv_val);
	context->cookie = arena_dup(arena, sv_from(strbuf_cstr(&cookie)));
	strbuf_release(&cookie);
	ldap_value_free_len(values);
	ldap_msgfree(result);
	return count > 0;
}

static int note(struct connector_session *session, struct arena *arena,
		struct sv *mark_out, struct error *err)
{
	struct sync *sync = new_state(session);
	int ret = session->sync;
	size_t i;

	for (i = 0; i < sync->count && ret > 0; i++)
		ret = note_context(session, &sync->contexts[i],
				   &session->import->arena, err);
	if (ret > 0)
		*mark_out = mark_of(sync, arena);
	return ret;
}

/* ---- the answer ---- */

static struct sv uuid_text(const struct berval *uuid, struct arena *arena)
{
	char text[37];

	if (uuid->bv_len != 16)
		return SV_NULL;
	uuid_format((const unsigned char *)uuid->bv_val, text);
	return arena_dup(arena, sv_from(text));
}

static void take_cookie(struct connector_session *session,
			struct context *context, const struct berval *cookie)
{
	if (cookie->bv_len)
		context->cookie =
			arena_dup(&session->import->arena,
				  sv_make(cookie->bv_val, cookie->bv_len));
}

/* { state, entryUUID, cookie OPTIONAL } */
static void take_entry(struct connector_session *session,
		       struct context *context, LDAPMessage *message)
{
	struct sync *sync = session->import->delta_data;
	LDAPControl **controls = NULL;
	LDAPControl *control;
	struct berval uuid;
	ber_int_t state;
	BerElement *ber;

	if (ldap_get_entry_controls(session->ld, message, &controls))
		return;
	control = ldap_control_find(LDAP_CONTROL_SYNC_STATE, controls, NULL);
	ber = control ? ber_init(&control->ldctl_value) : NULL;
	if (ber && ber_scanf(ber, "{em", &state, &uuid) != LBER_ERROR) {
		struct sv text = uuid_text(&uuid, &session->import->arena);

		if (state == LDAP_SYNC_PRESENT)
			sync->present = true;
		else if (state == LDAP_SYNC_DELETE)
			vec_push(&sync->deleted, text);
		else
			vec_push(&context->changed, text);
	}
	ber_free(ber, 1);
	ldap_controls_free(controls);
}

/* { cookie OPTIONAL, refreshDeletes DEFAULT FALSE, SET OF UUID } */
static void take_id_set(struct connector_session *session,
			struct context *context, BerElement *ber)
{
	struct sync *sync = session->import->delta_data;
	struct berval cookie = { 0, NULL };
	BerVarray uuids = NULL;
	ber_int_t deletes = 0;
	ber_len_t len;
	size_t i;

	if (ber_scanf(ber, "{") == LBER_ERROR)
		return;
	if (ber_peek_tag(ber, &len) == LDAP_TAG_SYNC_COOKIE)
		(void)ber_scanf(ber, "m", &cookie);
	if (ber_peek_tag(ber, &len) == LDAP_TAG_REFRESHDELETES)
		(void)ber_scanf(ber, "b", &deletes);
	if (ber_scanf(ber, "[W]", &uuids) == LBER_ERROR)
		return;
	take_cookie(session, context, &cookie);
	if (!deletes)
		sync->present = true;
	for (i = 0; deletes && uuids && uuids[i].bv_val; i++)
		vec_push(&sync->deleted,
			 uuid_text(&uuids[i], &session->import->arena));
	ber_bvarray_free(uuids);
}

static void take_info(struct connector_session *session,
		      struct context *context, LDAPMessage *message)
{
	struct sync *sync = session->import->delta_data;
	struct berval *value = NULL;
	struct berval cookie;
	char *oid = NULL;
	BerElement *ber;
	ber_len_t len;

	if (ldap_parse_intermediate(session->ld, message, &oid, &value, NULL,
				    0))
		return;
	ber = value && oid && !strcmp(oid, LDAP_SYNC_INFO) ? ber_init(value)
							   : NULL;
	switch (ber ? ber_peek_tag(ber, &len) : LBER_ERROR) {
	case LDAP_TAG_SYNC_NEW_COOKIE:
		if (ber_scanf(ber, "m", &cookie) != LBER_ERROR)
			take_cookie(session, context, &cookie);
		break;
	case LDAP_TAG_SYNC_REFRESH_PRESENT:
		sync->present = true;
		break;
	case LDAP_TAG_SYNC_ID_SET:
		take_id_set(session, context, ber);
		break;
	default:
		break;
	}
	ber_free(ber, 1);
	ber_bvfree(value);
	ldap_memfree(oid);
}

/* The result code. */
static int take_done(struct connector_session *session, struct context *context,
		     LDAPMessage *message)
{
	LDAPControl **controls = NULL;
	LDAPControl *control;
	struct berval cookie = { 0, NULL };
	BerElement *ber;
	ber_len_t len;
	int result = LDAP_OTHER;
	int code = ldap_parse_result(session->ld, message, &result, NULL, NULL,
				     NULL, &controls, 0);

	control = ldap_control_find(LDAP_CONTROL_SYNC_DONE, controls, NULL);
	ber = control ? ber_init(&control->ldctl_value) : NULL;
	if (ber && ber_scanf(ber, "{") != LBER_ERROR &&
	    ber_peek_tag(ber, &len) == LDAP_TAG_SYNC_COOKIE &&
	    ber_scanf(ber, "m", &cookie) != LBER_ERROR)
		take_cookie(session, context, &cookie);
	ber_free(ber, 1);
	ldap_controls_free(controls);
	return code ? code : result;
}

static int send_sync(struct connector_session *session,
		     const struct context *context, int mode, int *msgid)
{
	LDAPControl *controls[2] = { NULL, NULL };
	char none[] = LDAP_NO_ATTRS;
	char *attrs[] = { none, NULL };
	struct berval cookie = { context->cookie.len,
				 arena_cstr(&session->scratch,
					    context->cookie) };
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	struct berval *value = NULL;
	int code = LDAP_ENCODING_ERROR;

	if (ber &&
	    ber_printf(ber, cookie.bv_len ? "{eOb}" : "{e}", mode, &cookie,
		       0) >= 0 &&
	    ber_flatten(ber, &value) >= 0)
		code = ldap_control_create(LDAP_CONTROL_SYNC, 1, value, 1,
					   &controls[0]);
	if (!code)
		code = ldap_search_ext(
			session->ld, arena_cstr(&session->scratch, context->dn),
			LDAP_SCOPE_SUBTREE, LDAP_ANYTHING, attrs, 0, controls,
			NULL, NULL, 0, msgid);
	if (controls[0])
		ldap_control_free(controls[0]);
	ber_bvfree(value);
	ber_free(ber, 1);
	arena_reset(&session->scratch);
	return code;
}

/* The result code of all. */
static int ask(struct connector_session *session, struct context *context)
{
	struct timeval tv = { session->timeout, 0 };
	LDAPMessage *message;
	int msgid = 0;
	int code = send_sync(session, context, LDAP_SYNC_REFRESH_ONLY, &msgid);
	bool done = false;

	while (!code && !done) {
		int kind = ldap_result(session->ld, msgid, LDAP_MSG_ONE, &tv,
				       &message);

		if (kind <= 0)
			return kind ? ldap_session_code(session) : LDAP_TIMEOUT;
		if (kind == LDAP_RES_SEARCH_ENTRY)
			take_entry(session, context, message);
		else if (kind == LDAP_RES_INTERMEDIATE)
			take_info(session, context, message);
		else if (kind == LDAP_RES_SEARCH_RESULT)
			code = take_done(session, context, message);
		done = kind == LDAP_RES_SEARCH_RESULT;
		ldap_msgfree(message);
	}
	return code;
}

static int refused(struct connector_session *session, int code,
		   struct error *err)
{
	(void)ldap_session_error(session, code,
				 "read changes by synchronization (RFC 4533)",
				 err);
	if (code == LDAP_SYNC_REFRESH_REQUIRED || code == LDAP_PROTOCOL_ERROR ||
	    code == LDAP_UNWILLING_TO_PERFORM)
		(void)error_set(err, ERR_CONFLICT,
				"%s: the server does not take the cookie of "
				"the last import (result code %d): run a "
				"full-import",
				session->server, code);
	return -1;
}

static int begin(struct connector_session *session, struct sv mark,
		 struct error *err)
{
	struct ldap_import *import = session->import;
	struct sync *sync = new_state(session);
	size_t i;

	import->delta_data = sync;
	if (!read_mark(sync, mark, &import->arena))
		return error_set(err, ERR_CONFLICT,
				 "%s: the naming contexts are not those of the "
				 "last import: run a full-import",
				 session->server);
	for (i = 0; i < sync->count; i++) {
		int code = ask(session, &sync->contexts[i]);

		if (code)
			return refused(session, code, err);
	}
	if (sync->present)
		return error_set(
			err, ERR_CONFLICT,
			"%s: the server's log does not go back to the "
			"last import, so that it cannot tell what is "
			"gone: run a full-import, and give its overlay "
			"syncprov a longer syncprov-sessionlog",
			session->server);
	return 0;
}

static int more(struct connector_session *session, struct error *err)
{
	struct ldap_import *import = session->import;
	struct sync *sync = import->delta_data;
	const struct sv *gone;
	size_t i;

	(void)err;
	if (sync->planned)
		return 0;
	sync->planned = true;
	vec_foreach(&sync->deleted, gone)
		ldap_tell_deleted(session, *gone);
	for (i = 0; i < sync->count; i++) {
		struct context *context = &sync->contexts[i];
		struct ldap_search search = {
			.base = arena_cstr(&import->round, context->dn),
			.scope = LDAP_SCOPE_SUBTREE,
			.moved = true,
		};

		ldap_plan_values(session, "entryUUID", context->changed.at,
				 context->changed.len, &search);
		ldap_plan_value_holders(session, "entryUUID",
					context->changed.at,
					context->changed.len, search.base);
	}
	return 1;
}

static int mark(struct connector_session *session, struct arena *arena,
		struct sv *mark_out, struct error *err)
{
	(void)err;
	*mark_out = mark_of(session->import->delta_data, arena);
	return 0;
}

static void release(struct connector_session *session)
{
	struct sync *sync = session->import->delta_data;
	size_t i;

	if (!sync)
		return;
	for (i = 0; i < sync->count; i++)
		vec_release(&sync->contexts[i].changed);
	vec_release(&sync->deleted);
	session->import->delta_data = NULL;
}

/* ---- to be told as it comes ---- */

int ldap_listen_sync(struct connector_session *session, const char *base,
		     int *msgid)
{
	struct arena arena = ARENA_INIT;
	struct context context = { .dn = sv_from(base) };
	struct error ignored = ERROR_INIT;
	int code = LDAP_UNAVAILABLE_CRITICAL_EXTENSION;

	/* all of it comes at first where the cookie of now is not known */
	if (session->sync &&
	    note_context(session, &context, &arena, &ignored) >= 0)
		code = send_sync(session, &context,
				 LDAP_SYNC_REFRESH_AND_PERSIST, msgid);
	arena_release(&arena);
	return session->lost ? session->lost : code;
}

const struct ldap_delta ldap_sync = {
	.name = "sync",
	.note = note,
	.begin = begin,
	.more = more,
	.mark = mark,
	.release = release,
};
