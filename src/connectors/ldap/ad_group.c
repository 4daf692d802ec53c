/*
 * ad_group.c - the primary group of an account, as a reference
 *
 * An account names it by a number (primaryGroupID), the last part of the
 * group's SID, and is not among the group's members. "primaryGroup" is that
 * group; it is looked for once in a session.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ad_private.h"
#include "connectors/ldap/ldap_private.h"

/* The SID in the account's domain that ends with this number. */
static struct sv group_sid(struct sv account, int64_t number,
			   struct arena *arena)
{
	struct sv sid = arena_dup(arena, account);
	unsigned char *end;
	size_t i;

	if (sid.len < 12)
		return SV_NULL;
	end = (unsigned char *)(uintptr_t)sid.ptr + sid.len - 4;
	for (i = 0; i < 4; i++)
		end[i] = (unsigned char)(number >> 8 * i);
	return sid;
}

/* 1 found, 0 there is none, -1 */
static int find_group(struct connector_session *session, struct sv sid,
		      struct sv *dn_out, struct error *err)
{
	char none[] = LDAP_NO_ATTRS;
	char *attrs[] = { none, NULL };
	char *base = arena_printf(&session->arena, "<SID=" SV_FMT ">",
				  SV_ARG(ad_sid_text(sid, &session->arena)));
	LDAPMessage *result;
	char *dn;
	int ret = ldap_session_read(session, base, LDAP_ANYTHING, attrs,
				    &result, err);

	if (ret <= 0)
		return ret;
	dn = ldap_get_dn(session->ld, ldap_first_entry(session->ld, result));
	*dn_out = arena_dup(&session->arena, sv_from(dn ? dn : ""));
	ldap_memfree(dn);
	ldap_msgfree(result);
	return 1;
}

static int make(struct connector_session *session, const struct sv from[2],
		struct arena *arena, struct value *out, struct error *err)
{
	struct ldap_known_group *known;
	int64_t number;
	struct sv sid;
	struct sv dn = SV_NULL;

	if (!sv_to_i64(from[0], &number))
		return 0;
	sid = group_sid(from[1], number, arena);
	if (!sid.len)
		return 0;
	for (known = session->groups; known; known = known->next)
		if (sv_eq(known->sid, sid))
			break;
	if (!known) {
		if (find_group(session, sid, &dn, err) < 0)
			return -1;
		known = arena_zalloc(&session->arena, sizeof(*known));
		known->sid = arena_dup(&session->arena, sid);
		known->dn = dn;
		known->next = session->groups;
		session->groups = known;
	}
	*out = value_reference(0, arena_dup(arena, known->dn));
	return known->dn.len > 0;
}

const struct ldap_derived ad_derived[] = {
	{ "primaryGroup", { "primaryGroupID", "objectSid" }, make },
	{ NULL, { NULL, NULL }, NULL },
};
