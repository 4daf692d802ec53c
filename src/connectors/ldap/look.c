/*
 * look.c - the server's certificate, and whether the account may write
 *
 * A directory that tells which classes may be made below an entry by whoever
 * asks (Active Directory, and servers that do the same) is asked that of each
 * base. Others' access rules cannot be asked for without writing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

static void take_certificate(struct connector_session *session,
			     struct arena *arena, struct connector_look *out)
{
	struct berval der = { 0, NULL };

	if (ldap_get_option(session->ld, LDAP_OPT_X_TLS_PEERCERT, &der) ||
	    !der.bv_val)
		return;
	out->certificate = arena_dup(arena, sv_make(der.bv_val, der.bv_len));
	ldap_memfree(der.bv_val);
}

/* May anything be made below it? */
static int ask_base(struct connector_session *session, const char *base,
		    struct arena *arena, struct connector_look *out,
		    struct error *err)
{
	char allowed[] = "allowedChildClassesEffective";
	char *attrs[] = { allowed, NULL };
	LDAPMessage *result;
	struct sv first;
	int ret = ldap_session_read(session, base, "(objectClass=*)", attrs,
				    &result, err);

	if (ret <= 0)
		return ret;
	first = ldap_entry_first(session->ld,
				 ldap_first_entry(session->ld, result), allowed,
				 arena);
	ldap_msgfree(result);
	if (first.len) {
		if (out->write == CONNECTOR_MAY_UNKNOWN)
			out->write = CONNECTOR_MAY_YES;
	} else if (session->tells_allowed) {
		out->write = CONNECTOR_MAY_NOT;
		out->why = arena_printf(arena,
					"%s: the account may make nothing "
					"below '%s'",
					session->server, base);
	}
	return 0;
}

int ldap_look(struct connector_session *session, struct arena *arena,
	      struct connector_look *out, struct error *err)
{
	struct sv *bases;
	size_t count;
	size_t i;

	out->server = arena_cstr(arena, sv_from(session->server));
	take_certificate(session, arena, out);
	ldap_bases(session->config->connect, arena, &bases, &count);
	for (i = 0; i < count && out->write != CONNECTOR_MAY_NOT; i++)
		if (ask_base(session, arena_cstr(arena, bases[i]), arena, out,
			     err) < 0)
			return -1;
	return 0;
}
