/*
 * locate.c - the domain controllers of a domain, by DNS (RFC 2782)
 *
 * Those of the agent's site come first, then the others of the domain. Among
 * equals the order is drawn anew each time, by weight: so the load is spread as
 * whoever keeps the domain wants it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/locate.h"

#include "connectors/ldap/ldap_private.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>

#define LDAP_PORT_PLAIN 389
#define ANSWER          65535

/* 1 read, 0 it is none or says that there is no such service */
static int read_record(const ns_msg *message, const ns_rr *record,
		       struct arena *arena, struct ldap_srv *out)
{
	const unsigned char *data = ns_rr_rdata(*record);
	char target[NS_MAXDNAME];

	if (ns_rr_type(*record) != ns_t_srv || ns_rr_rdlen(*record) < 7)
		return 0;
	if (ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message),
			       data + 6, target, sizeof(target)) < 0 ||
	    !target[0] || !strcmp(target, "."))
		return 0;
	out->priority = ns_get16(data);
	out->weight = ns_get16(data + 2);
	out->port = ns_get16(data + 4);
	out->target = arena_cstr(arena, sv_from(target));
	return 1;
}

size_t ldap_srv_parse(const unsigned char *answer, size_t len,
		      struct arena *arena, struct ldap_srv **out)
{
	size_t found = 0;
	ns_msg message;
	int count;
	int i;

	*out = NULL;
	if (ns_initparse(answer, (int)len, &message) < 0)
		return 0;
	count = ns_msg_count(message, ns_s_an);
	*out = arena_array(arena, (size_t)count + 1, sizeof(**out));
	for (i = 0; i < count; i++) {
		ns_rr record;

		if (ns_parserr(&message, ns_s_an, i, &record) == 0)
			found += (size_t)read_record(&message, &record, arena,
						     &(*out)[found]);
	}
	return found;
}

/* The next of those of one priority: with a chance as its weight is. */
static size_t draw(const struct ldap_srv *list, size_t count, uint32_t random)
{
	uint64_t sum = 0;
	uint64_t at;
	size_t i;

	for (i = 0; i < count; i++)
		sum += list[i].weight;
	at = random % (sum + 1);
	for (i = 0, sum = 0; i + 1 < count; i++) {
		sum += list[i].weight;
		if (sum >= at)
			break;
	}
	return i;
}

static int compare(const void *a, const void *b)
{
	const struct ldap_srv *one = a;
	const struct ldap_srv *other = b;

	if (one->priority != other->priority)
		return one->priority < other->priority ? -1 : 1;
	/* those without weight first, so that they are drawn at all */
	return (one->weight > 0) - (other->weight > 0);
}

void ldap_srv_order(struct ldap_srv *list, size_t count,
		    uint32_t (*random)(void *data), void *data)
{
	size_t i;

	if (count)
		qsort(list, count, sizeof(*list), compare);
	for (i = 0; i < count; i++) {
		struct ldap_srv first;
		size_t same = 1;
		size_t at;

		while (i + same < count &&
		       list[i + same].priority == list[i].priority)
			same++;
		at = i + draw(list + i, same, random(data));
		first = list[at];
		memmove(&list[i + 1], &list[i], (at - i) * sizeof(*list));
		list[i] = first;
	}
}

static uint32_t random_number(void *data)
{
	unsigned char bytes[16];
	uint32_t number;

	(void)data;
	uuid_random(bytes);
	memcpy(&number, bytes, sizeof(number));
	return number;
}

/* "ldaps://dc1.corp.test" */
static const char *url_of(struct connector_session *session,
			  const struct ldap_srv *srv)
{
	bool tls = sv_eq_str(ldap_session_setting(session, "security"), "tls");

	if (srv->port == LDAP_PORT_PLAIN)
		return arena_printf(&session->arena, "%s://%s",
				    tls ? "ldaps" : "ldap", srv->target);
	return arena_printf(&session->arena, "%s://%s:%u",
			    tls ? "ldaps" : "ldap", srv->target, srv->port);
}

static bool is_listed(const struct connector_session *session, const char *url)
{
	size_t i;

	for (i = 0; i < session->server_count; i++)
		if (!strcasecmp(session->servers[i], url))
			return true;
	return false;
}

static void add_servers(struct connector_session *session,
			const struct ldap_srv *list, size_t count)
{
	const char **all = arena_array(&session->arena,
				       session->server_count + count + 1,
				       sizeof(*all));
	size_t i;

	if (session->server_count)
		memcpy(all, session->servers,
		       session->server_count * sizeof(*all));
	session->servers = all;
	for (i = 0; i < count; i++) {
		const char *url = url_of(session, &list[i]);

		if (!is_listed(session, url))
			all[session->server_count++] = url;
	}
}

/* Those that this name stands for; that there are none is no error here. */
static void ask(struct connector_session *session, const char *name)
{
	struct arena *arena = &session->arena;
	unsigned char *answer = arena_alloc(arena, ANSWER);
	struct __res_state state = { .options = 0 };
	struct ldap_srv *list;
	size_t count;
	int len;

	if (res_ninit(&state) < 0)
		return;
	len = res_nquery(&state, name, ns_c_in, ns_t_srv, answer, ANSWER);
	res_nclose(&state);
	if (len <= 0)
		return;
	count = ldap_srv_parse(answer, len < ANSWER ? (size_t)len : ANSWER,
			       arena, &list);
	ldap_srv_order(list, count, random_number, NULL);
	add_servers(session, list, count);
}

int ldap_locate(struct connector_session *session, struct error *err)
{
	struct arena *arena = &session->arena;
	struct sv domain = ldap_session_setting(session, "domain");
	struct sv site = ldap_session_setting(session, "site");
	const char *all = arena_printf(arena, "_ldap._tcp.dc._msdcs." SV_FMT,
				       SV_ARG(domain));

	session->server_count = 0;
	if (site.len)
		ask(session, arena_printf(arena,
					  "_ldap._tcp." SV_FMT
					  "._sites.dc._msdcs." SV_FMT,
					  SV_ARG(site), SV_ARG(domain)));
	ask(session, all);
	if (session->server_count)
		return 0;
	return error_set(err, ERR_UNAVAILABLE,
			 "no domain controller of '" SV_FMT "' is found: DNS "
			 "does not answer for %s: check domain, and the name "
			 "servers that this machine asks",
			 SV_ARG(domain), all);
}
