/*
 * referral.c - a full import goes on at the servers that it is referred to
 *
 * With `referrals: follow` what a search refers to is noted, and read when the
 * agent's own servers have been: signed in there as here, encrypted no less,
 * each place once. A place that cannot be read ends the import: it would look
 * deleted. No delta can follow, since what changes there is told to nobody
 * here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "model/dn.h"

#include <string.h>

#define DEEPEST 5 /* referrals to referrals */

bool ldap_follows(const struct connector_session *session)
{
	return session->import->full &&
	       sv_eq_str(ldap_session_setting(session, "referrals"), "follow");
}

/* "ldaps://HOST:PORT", or NULL: not encrypted as the agent's connections. */
static const char *server_of(const struct connector_session *session,
			     const LDAPURLDesc *url, struct arena *arena)
{
	bool tls = sv_eq_str(ldap_session_setting(session, "security"), "tls");

	if (!url->lud_host || !*url->lud_host ||
	    strcmp(url->lud_scheme, tls ? "ldaps" : "ldap") != 0)
		return NULL;
	return arena_printf(arena, "%s://%s:%d", url->lud_scheme, url->lud_host,
			    url->lud_port);
}

/* ldap://HOST/DN?ATTRIBUTES?SCOPE?FILTER: without a scope that of the search.
 */
static int scope_of(const char *text, const LDAPURLDesc *url, int scope)
{
	const char *mark = strchr(text, '?');

	mark = mark ? strchr(mark + 1, '?') : NULL;
	return mark && mark[1] && mark[1] != '?' ? url->lud_scope : scope;
}

/* False: it was visited before. */
static bool visit(struct ldap_import *import, const char *server, struct sv dn)
{
	struct sv folded = dn_fold(dn, &import->arena);
	struct sv key = sv_from(arena_printf(&import->arena, "%s/" SV_FMT,
					     server, SV_ARG(folded)));

	if (namemap_get(import->visited, key, NULL))
		return false;
	namemap_put(import->visited, key, 1);
	return true;
}

/* At the first referral: the agent's own bases, at the server that it is at. */
static void visit_own(struct connector_session *session)
{
	struct ldap_import *import = session->import;
	LDAPURLDesc *url = NULL;
	const char *server = NULL;
	size_t i;

	import->visited = namemap_new(true);
	if (ldap_url_parse(session->server, &url) == LDAP_URL_SUCCESS)
		server = server_of(session, url, &import->arena);
	ldap_free_urldesc(url);
	for (i = 0; server && i < import->partition_count; i++)
		(void)visit(import, server, import->partitions[i].base);
}

static int not_followed(struct connector_session *session, const char *text,
			struct error *err)
{
	struct sv security = ldap_session_setting(session, "security");

	return error_set(err, ERR_UNSUPPORTED,
			 "%s: refers to %s, which is not a server's URL as "
			 "'security: " SV_FMT "' asks for: have it name one, "
			 "or leave out 'referrals: follow' and read that "
			 "server by an agent of its own",
			 session->server, text, SV_ARG(security));
}

/* The URLs are alternatives: those of the first one's DN. */
static int note(struct connector_session *session,
		const struct ldap_search *search, char **urls,
		struct ldap_referral *out, struct error *err)
{
	struct arena *arena = &session->import->arena;
	size_t count = 0;

	while (urls[count])
		count++;
	out->servers = arena_array(arena, count + 1, sizeof(*out->servers));
	out->count = 0;
	for (; *urls; urls++) {
		LDAPURLDesc *url = NULL;
		const char *server;
		struct sv dn;

		if (ldap_url_parse(*urls, &url) != LDAP_URL_SUCCESS)
			continue;
		server = server_of(session, url, arena);
		dn = url->lud_dn && *url->lud_dn
			     ? arena_dup(arena, sv_from(url->lud_dn))
			     : sv_from(search->base);
		if (server && !out->count) {
			out->base = arena_cstr(arena, dn);
			out->scope = scope_of(*urls, url, search->scope);
		}
		if (server && dn_equal(dn, sv_from(out->base)))
			out->servers[out->count++] = server;
		ldap_free_urldesc(url);
	}
	return out->count ? 0 : not_followed(session, urls[-1], err);
}

int ldap_referral_note(struct connector_session *session,
		       const struct ldap_search *search, char **urls,
		       struct error *err)
{
	struct ldap_import *import = session->import;
	struct ldap_referral referral = { .partition = search->partition,
					  .depth = import->depth + 1 };

	if (!urls || !*urls)
		return 0;
	if (note(session, search, urls, &referral, err) < 0)
		return -1;
	if (!import->visited)
		visit_own(session);
	if (!visit(import, referral.servers[0], sv_from(referral.base)))
		return 0;
	if (referral.depth > DEEPEST)
		return error_set(err, ERR_LIMIT,
				 "%s: more than %d servers refer from one to "
				 "the next, here to %s: have one of them name "
				 "the server that has '%s'",
				 session->server, DEEPEST, referral.servers[0],
				 referral.base);
	vec_push(&import->referrals, referral);
	return 0;
}

static void plan(struct connector_session *session,
		 const struct ldap_referral *referral)
{
	struct ldap_import *import = session->import;
	struct sv filter = ldap_session_setting(session, "filter");
	struct ldap_search search = {
		.partition = referral->partition,
		.base = referral->base,
		.scope = referral->scope,
		.means = LDAP_MEANS_CONTAINERS,
	};

	vec_clear(&import->searches);
	import->search = 0;
	if (!sv_ieq_str(filter, LDAP_ANYTHING)) {
		search.filter = arena_printf(
			&import->arena, "(&" LDAP_CONTAINERS "(!" SV_FMT "))",
			SV_ARG(filter));
		vec_push(&import->searches, search);
	}
	search.means = LDAP_MEANS_OBJECTS;
	search.filter = arena_cstr(&import->arena, filter);
	vec_push(&import->searches, search);
}

int ldap_referral_next(struct connector_session *session, struct error *err)
{
	struct ldap_import *import = session->import;
	const struct ldap_referral *next;

	if (import->referral_at == import->referrals.len)
		return 0;
	next = &import->referrals.at[import->referral_at++];
	import->depth = next->depth;
	if (ldap_session_move(session, next->servers, next->count, err) < 0)
		return error_context(err, "cannot follow the referral to %s",
				     next->servers[0]);
	plan(session, next);
	return 1;
}
