/*
 * ad_dirsync.c - changes of a domain by the DirSync control
 *
 * A cookie says what was read. The server answers with the attributes that
 * changed since, of whatever object of the naming context, and with values of
 * linked attributes one by one. An object of which more changed than such
 * values is read anew as a whole, many in one search: so the type, the agent's
 * filter and its parts of the tree are judged as in a full import. Under an
 * object that was moved all is read, for whole subtrees come into an agent's
 * part and leave it without any change of what lies below.
 *
 * The cookie of a full import is asked for before its first search, by a
 * request that lets nothing through.
 *
 *	mark: FLAGS, then for each naming context its DN and cookie in base64
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ad_private.h"
#include "connectors/ldap/ldap_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define PAGE_BYTES 1000000
#define NOTHING    "(objectGUID=\\00)"

struct context {
	struct sv dn;
	struct berval cookie; /* the library's memory */
	bool done;
};

/* Values of one object that came and went. */
struct link_change {
	struct sv anchor;
	struct sv name;
	bool added;
	struct sv value;
};

struct dirsync {
	int flags;
	struct context *contexts;
	size_t count;
	size_t at;
	char **attrs;
	LDAPMessage *page; /* read already, of contexts[at] */
	struct ldap_wanted identity;
	VEC(struct link_change) links; /* of this round */
	struct namemap *changed;       /* anchors planned in this round */
};

static void forget_cookie(struct berval *cookie)
{
	ber_memfree(cookie->bv_val);
	*cookie = (struct berval){ 0, NULL };
}

/* One request; `context` gets the new cookie. The result code. */
static int request(struct connector_session *session, struct context *context,
		   int flags, const char *filter, char **attrs,
		   LDAPMessage **out, char **text)
{
	struct timeval tv = { session->timeout, 0 };
	char nothing[] = "";
	struct berval empty = { 0, nothing };
	LDAPControl *controls[2] = { NULL, NULL };
	LDAPControl **answer = NULL;
	LDAPControl *control;
	char *dn = arena_cstr(&session->scratch, context->dn);
	struct berval cookie = { 0, NULL };
	int more = 0;
	int code;

	*out = NULL;
	code = ldap_create_dirsync_control(
		session->ld, flags, PAGE_BYTES,
		context->cookie.bv_val ? &context->cookie : &empty,
		&controls[0]);
	if (!code)
		code = ldap_search_ext_s(session->ld, dn, LDAP_SCOPE_SUBTREE,
					 filter, attrs, 0, controls, NULL, &tv,
					 0, out);
	if (controls[0])
		ldap_control_free(controls[0]);
	arena_reset(&session->scratch);
	if (code) {
		(void)ldap_get_option(session->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE,
				      text);
		return code;
	}
	code = ldap_parse_result(session->ld, *out, NULL, NULL, NULL, NULL,
				 &answer, 0);
	control = ldap_control_find(LDAP_CONTROL_X_DIRSYNC, answer, NULL);
	if (!code && !control)
		code = LDAP_UNAVAILABLE_CRITICAL_EXTENSION;
	if (!code)
		code = ldap_parse_dirsync_control(session->ld, control, &more,
						  &cookie);
	ldap_controls_free(answer);
	if (code)
		return code;
	forget_cookie(&context->cookie);
	context->cookie = cookie;
	context->done = !more;
	return LDAP_SUCCESS;
}

/* ---- marks ---- */

static struct sv mark_of(const struct dirsync *dirsync, struct arena *arena)
{
	struct strbuf text = STRBUF_INIT(1 << 20);
	struct sv out;
	size_t i;

	strbuf_addf(&text, "%d", dirsync->flags);
	for (i = 0; i < dirsync->count; i++) {
		const struct context *context = &dirsync->contexts[i];

		strbuf_addf(&text, " ");
		strbuf_add_base64(&text, context->dn);
		strbuf_addf(&text, " ");
		strbuf_add_base64(&text, sv_make(context->cookie.bv_val,
						 context->cookie.bv_len));
	}
	out = arena_dup(arena, sv_from(strbuf_cstr(&text)));
	strbuf_release(&text);
	return out;
}

static struct dirsync *new_state(struct connector_session *session)
{
	struct ldap_import *import = session->import;
	struct dirsync *dirsync =
		arena_zalloc(&import->arena, sizeof(*dirsync));
	struct sv *contexts;
	size_t i;

	dirsync->count = ldap_contexts(session, &import->arena, &contexts);
	dirsync->contexts = arena_array(&import->arena, dirsync->count + 1,
					sizeof(*dirsync->contexts));
	for (i = 0; i < dirsync->count; i++)
		dirsync->contexts[i].dn = contexts[i];
	return dirsync;
}

static bool read_mark(struct dirsync *dirsync, struct sv mark,
		      struct arena *arena)
{
	size_t at = sv_find(mark, ' ', 0);
	int64_t flags;
	size_t i;

	if (!sv_to_i64(sv_sub(mark, 0, at), &flags))
		return false;
	dirsync->flags = (int)flags;
	at++;
	for (i = 0; i < dirsync->count; i++) {
		struct sv dn;
		struct sv cookie;

		if (!ldap_mark_word(mark, &at, arena, &dn) ||
		    !sv_eq(dn, dirsync->contexts[i].dn) ||
		    !ldap_mark_word(mark, &at, arena, &cookie))
			return false;
		dirsync->contexts[i].cookie.bv_val =
			ber_memalloc(cookie.len + 1);
		memcpy(dirsync->contexts[i].cookie.bv_val, cookie.ptr,
		       cookie.len);
		dirsync->contexts[i].cookie.bv_len = cookie.len;
	}
	return at >= mark.len;
}

static void release(struct connector_session *session)
{
	struct dirsync *dirsync = session->import->delta_data;
	size_t i;

	if (!dirsync)
		return;
	for (i = 0; i < dirsync->count; i++)
		forget_cookie(&dirsync->contexts[i].cookie);
	ldap_msgfree(dirsync->page);
	ldap_wanted_release(&dirsync->identity);
	namemap_free(dirsync->changed);
	vec_release(&dirsync->links);
	session->import->delta_data = NULL;
}

/* ---- where a full import begins ---- */

static bool is_refused(int code)
{
	return code == LDAP_INSUFFICIENT_ACCESS ||
	       code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION ||
	       code == LDAP_UNWILLING_TO_PERFORM;
}

/* The cookies of now: 1, 0 refused, -1 */
static int note_with(struct connector_session *session, struct dirsync *dirsync,
		     int flags, struct error *err)
{
	char guid[] = "objectGUID";
	char *attrs[] = { guid, NULL };
	size_t i;

	dirsync->flags = flags;
	for (i = 0; i < dirsync->count; i++) {
		struct context *context = &dirsync->contexts[i];

		forget_cookie(&context->cookie);
		context->done = false;
		while (!context->done) {
			LDAPMessage *page;
			char *text = NULL;
			int code = request(session, context, flags, NOTHING,
					   attrs, &page, &text);

			ldap_msgfree(page);
			ldap_memfree(text);
			if (is_refused(code))
				return 0;
			if (code)
				return ldap_session_error(
					session, code,
					"ask for a DirSync cookie", err);
		}
	}
	return 1;
}

static int note(struct connector_session *session, struct arena *arena,
		struct sv *mark_out, struct error *err)
{
	int all = (int)LDAP_CONTROL_X_DIRSYNC_INCREMENTAL_VALUES;
	struct dirsync *dirsync = new_state(session);
	int ret;

	session->import->delta_data = dirsync;
	ret = note_with(session, dirsync, all, err);
	if (!ret && ad_sees_deleted(session, err) > 0)
		ret = note_with(session, dirsync,
				all | LDAP_CONTROL_X_DIRSYNC_OBJECT_SECURITY,
				err);
	if (ret > 0)
		*mark_out = mark_of(dirsync, arena);
	release(session);
	return ret;
}

/* ---- changes ---- */

static void plan_attrs(struct connector_session *session,
		       struct dirsync *dirsync)
{
	static char extra[][16] = { "objectClass", "isDeleted", "name",
				    "parentGUID" };
	const struct ldap_wanted *wanted = &session->import->wanted;
	size_t count = 0;
	size_t i;

	dirsync->attrs = arena_array(&session->import->arena, wanted->count + 5,
				     sizeof(char *));
	for (i = 0; i < wanted->count; i++)
		dirsync->attrs[count++] = wanted->bases[i];
	for (i = 0; i < 4; i++)
		if (!namemap_get(wanted->map, sv_from(extra[i]), NULL))
			dirsync->attrs[count++] = extra[i];
}

/* Reads the next page, of the context that is not done. */
static int read_page(struct connector_session *session, bool first,
		     struct error *err)
{
	struct dirsync *dirsync = session->import->delta_data;
	struct context *context = &dirsync->contexts[dirsync->at];
	char *text = NULL;
	int code;

	code = request(session, context, dirsync->flags, LDAP_ANYTHING,
		       dirsync->attrs, &dirsync->page, &text);
	ldap_memfree(text);
	if (!code)
		return 0;
	(void)ldap_session_error(session, code, "read changes by DirSync", err);
	if (first && !ldap_result_fatal(code) &&
	    ldap_result_err(code) != ERR_UNAVAILABLE)
		(void)error_set(err, ERR_CONFLICT,
				"%s: the server does not take the cookie of "
				"the last import (result code %d %s), or the "
				"account has lost the right 'Replicating "
				"Directory Changes': run a full-import",
				session->server, code, ldap_result_name(code));
	return -1;
}

static int begin(struct connector_session *session, struct sv mark,
		 struct error *err)
{
	struct ldap_import *import = session->import;
	struct dirsync *dirsync = new_state(session);

	import->delta_data = dirsync;
	if (!read_mark(dirsync, mark, &import->arena))
		return error_set(err, ERR_CONFLICT,
				 "%s: the naming contexts are not those of the "
				 "last import: run a full-import",
				 session->server);
	plan_attrs(session, dirsync);
	ldap_wanted_identity(&dirsync->identity, session, &import->arena);
	dirsync->changed = namemap_new(false);
	return read_page(session, true, err);
}

/* What an entry of the answer says. */
struct told {
	struct sv guid; /* bytes */
	bool deleted;
	bool is_new;
	bool moved;
	bool other; /* more than values of links */
};

static void take_values(struct told *told, struct sv name,
			struct berval **values)
{
	struct sv first = SV_NULL;

	if (values && values[0])
		first = sv_make(values[0]->bv_val, values[0]->bv_len);
	if (sv_ieq_str(name, "objectGUID"))
		told->guid = first;
	else if (sv_ieq_str(name, "isDeleted"))
		told->deleted = sv_eq_str(first, "TRUE");
	else if (sv_ieq_str(name, "objectClass"))
		told->is_new = true;
	else if (sv_ieq_str(name, "parentGUID") || sv_ieq_str(name, "name"))
		told->moved = true;
	else if (!sv_ieq_str(name, "instanceType"))
		told->other = true;
}

/* The name of an object that is deleted: who names it is told without. */
static bool is_deleted_name(struct sv dn)
{
	struct sv mark = SV_LIT("\\0ADEL:");
	size_t i;

	for (i = 0; i + mark.len <= dn.len; i++)
		if (!memcmp(dn.ptr + i, mark.ptr, mark.len))
			return true;
	return false;
}

/* "member;range=1-1" came, "member;range=0-0" went. */
static bool link_of(struct sv name, struct sv *base_out, bool *added_out)
{
	size_t next;

	if (!ldap_range_name(name, base_out, &next))
		return false;
	*added_out = next == 2;
	return next == 1 || next == 2;
}

static void take_links(struct connector_session *session, struct sv base,
		       bool added, struct berval **values, size_t *count)
{
	struct dirsync *dirsync = session->import->delta_data;
	struct arena *round = &session->import->round;

	for (; values && *values; values++) {
		struct link_change link = {
			.name = arena_dup(round, base),
			.added = added,
			.value = arena_dup(round, sv_make((*values)->bv_val,
							  (*values)->bv_len)),
		};

		if (is_deleted_name(link.value))
			continue;
		vec_push(&dirsync->links, link);
		(*count)++;
	}
}

/* Reads one entry of the answer; its links are the last of dirsync->links. */
static size_t read_told(struct connector_session *session, LDAPMessage *entry,
			struct told *told)
{
	BerElement *ber = NULL;
	size_t links = 0;
	char *name;

	*told = (struct told){ .deleted = false };
	for (name = ldap_first_attribute(session->ld, entry, &ber); name;
	     name = ldap_next_attribute(session->ld, entry, ber)) {
		struct berval **values =
			ldap_get_values_len(session->ld, entry, name);
		struct sv base;
		bool added;

		if (link_of(sv_from(name), &base, &added))
			take_links(session, base, added, values, &links);
		else
			take_values(told, sv_from(name), values);
		if (sv_ieq_str(sv_from(name), "objectGUID"))
			told->guid =
				arena_dup(&session->import->round, told->guid);
		ldap_value_free_len(values);
		ldap_memfree(name);
	}
	ber_free(ber, 0);
	return links;
}

struct guids {
	struct sv *at;
	size_t len;
};

static void add_guid(struct guids *guids, struct sv guid)
{
	guids->at[guids->len++] = guid;
}

/* Whatever lies below it may have come into the agent's part, or have left. */
static void plan_subtree(struct connector_session *session, struct sv guid)
{
	struct arena *round = &session->import->round;
	struct ldap_search plan = {
		.base = arena_printf(round, "<GUID=" SV_FMT ">",
				     SV_ARG(ad_guid_text(guid, round))),
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = LDAP_ANYTHING,
		.may_be_gone = true,
		.moved = true,
	};

	ldap_plan_changed(session, &plan);
}

/* What changed is known by the anchor: its links, of an object that is there
 * and has them. */
static int take_members(struct connector_session *session, struct arena *arena,
			struct change *change)
{
	const struct dirsync *dirsync = session->import->delta_data;
	const struct object_type *type = &session->config->types[change->type];
	const struct link_change *link;
	struct attr_change *attrs;
	size_t count = 0;
	size_t index;

	if (change->op != CHANGE_OBJECT || change->container ||
	    namemap_get(dirsync->changed, change->anchor, NULL))
		return 0;
	attrs = arena_array(arena, dirsync->links.len + 1, sizeof(*attrs));
	vec_foreach(&dirsync->links, link) {
		struct attr_change *attr = &attrs[count];

		if (!sv_eq(link->anchor, change->anchor) ||
		    !object_type_attr(type, link->name, &index))
			continue;
		attr->attr = index;
		attr->op = link->added ? ATTR_ADD : ATTR_DELETE;
		if (!type->attrs[index].multi)
			attr->op = ATTR_REPLACE;
		attr->values.at = arena_alloc(arena, sizeof(struct value));
		attr->values.at[0] =
			value_reference(0, arena_dup(arena, link->value));
		attr->values.len = link->added || type->attrs[index].multi ? 1
									   : 0;
		count++;
	}
	change->op = CHANGE_UPDATE;
	change->attrs = attrs;
	change->attr_count = count;
	return count > 0;
}

static void name_links(struct dirsync *dirsync, size_t count, struct sv anchor)
{
	size_t i;

	for (i = 0; i < count; i++)
		dirsync->links.at[dirsync->links.len - 1 - i].anchor = anchor;
}

struct plan {
	struct guids changed;
	struct guids linked;
};

static void plan_entry(struct connector_session *session, LDAPMessage *entry,
		       struct plan *plan)
{
	struct dirsync *dirsync = session->import->delta_data;
	struct told told;
	size_t links = read_told(session, entry, &told);
	struct sv anchor = ad_guid_text(told.guid, &session->import->arena);

	if (!anchor.len)
		return;
	name_links(dirsync, links, anchor);
	if (told.deleted) {
		ldap_tell_deleted(session, anchor);
		return;
	}
	if (!told.other && !told.is_new && !told.moved) {
		if (links)
			add_guid(&plan->linked, told.guid);
		return;
	}
	if (namemap_get(dirsync->changed, anchor, NULL))
		return;
	namemap_put(dirsync->changed, anchor, 1);
	if (told.moved && !told.is_new)
		plan_subtree(session, told.guid);
	else
		add_guid(&plan->changed, told.guid);
}

static void plan_page(struct connector_session *session, LDAPMessage *page)
{
	struct dirsync *dirsync = session->import->delta_data;
	struct arena *round = &session->import->round;
	size_t most = (size_t)ldap_count_entries(session->ld, page);
	struct ldap_search search = {
		.base = arena_cstr(round, dirsync->contexts[dirsync->at].dn),
		.scope = LDAP_SCOPE_SUBTREE,
	};
	struct plan plan = {
		{ arena_array(round, most + 1, sizeof(struct sv)), 0 },
		{ arena_array(round, most + 1, sizeof(struct sv)), 0 },
	};
	LDAPMessage *entry;

	vec_clear(&dirsync->links);
	for (entry = ldap_first_entry(session->ld, page); entry;
	     entry = ldap_next_entry(session->ld, entry))
		plan_entry(session, entry, &plan);
	ldap_plan_values(session, "objectGUID", plan.changed.at,
			 plan.changed.len, &search);
	search.wanted = &dirsync->identity;
	search.take = take_members;
	ldap_plan_values(session, "objectGUID", plan.linked.at, plan.linked.len,
			 &search);
}

static int more(struct connector_session *session, struct error *err)
{
	struct dirsync *dirsync = session->import->delta_data;

	if (!dirsync->page) {
		while (dirsync->at < dirsync->count &&
		       dirsync->contexts[dirsync->at].done)
			dirsync->at++;
		if (dirsync->at == dirsync->count)
			return 0;
		if (read_page(session, false, err) < 0)
			return -1;
	}
	plan_page(session, dirsync->page);
	ldap_msgfree(dirsync->page);
	dirsync->page = NULL;
	return 1;
}

static int mark(struct connector_session *session, struct arena *arena,
		struct sv *mark_out, struct error *err)
{
	(void)err;
	*mark_out = mark_of(session->import->delta_data, arena);
	return 0;
}

const struct ldap_delta ad_dirsync = {
	.name = "dirsync",
	.note = note,
	.begin = begin,
	.more = more,
	.mark = mark,
	.release = release,
};
