/*
 * settings.c - what of an agent's settings does not go together
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "model/dn.h"

#include <stdio.h>

const struct setting_def ldap_partition_settings[] = {
	{ .name = "base",
	  .type = SETTING_TEXT,
	  .required = true,
	  .help = "DN below which the agent's entries lie" },
	LDAP_SETTING("include", SETTING_NAMES, NULL,
		     "only these subtrees: DNs, whole or relative to base"),
	LDAP_SETTING("exclude", SETTING_NAMES, NULL,
		     "not these subtrees; of nested ones the innermost counts"),
	{ .name = NULL },
};

uint32_t ldap_caps(const struct ldap_profile *profile,
		   const struct node *connect)
{
	uint32_t caps = LDAP_CAPS;

	if (sv_eq_str(setting_text(connect, profile->settings, "references"),
		      "later"))
		caps |= CONNECTOR_CAP_REFERENCES_LATER;
	if (profile->deltas &&
	    !sv_eq_str(setting_text(connect, profile->settings, "referrals"),
		       "follow") &&
	    !sv_eq_str(setting_text(connect, profile->settings, "delta"),
		       "off") &&
	    sv_ieq(setting_text(connect, profile->settings, "anchor"),
		   setting_text(NULL, profile->settings, "anchor")))
		caps |= CONNECTOR_CAP_DELTA; /* deletions tell that anchor */
	if (profile->listen &&
	    setting_switch(connect, profile->settings, "watch"))
		caps |= CONNECTOR_CAP_NOTIFY;
	if (profile->integrity)
		caps |= CONNECTOR_CAP_INTEGRITY;
	if (profile->fixed_names)
		caps &= ~(uint32_t)CONNECTOR_CAP_RENAME;
	return caps;
}

uint32_t ldap_ops_caps(const struct connector_ops *ops,
		       const struct node *connect)
{
	return ldap_caps(ops->data, connect);
}

size_t ldap_setting_names(const struct node *map, const char *key,
			  struct arena *arena, struct sv **out)
{
	const struct node *node = node_get(map, key);
	size_t count = 0;
	size_t i;

	*out = NULL;
	if (!node || node->kind == NODE_MAP)
		return 0;
	*out = arena_array(arena, node->kind == NODE_LIST ? node->len + 1 : 1,
			   sizeof(**out));
	if (node->kind == NODE_SCALAR)
		(*out)[count++] = node->text;
	for (i = 0; node->kind == NODE_LIST && i < node->len; i++)
		if (node->items[i]->kind == NODE_SCALAR)
			(*out)[count++] = node->items[i]->text;
	return count;
}

struct check {
	const struct ldap_profile *profile;
	const struct node *connect;
	setting_report_fn report;
	void *data;
	struct arena arena;
	bool explore; /* bases are not known yet */
};

static void problem(struct check *check, const struct node *at,
		    const char *message)
{
	check->report(check->data, at ? at : check->connect, message);
}

static void check_server(struct check *check, const struct node *at,
			 struct sv security)
{
	char *url = arena_cstr(&check->arena, at->text);
	bool starttls = sv_eq_str(security, "starttls");
	bool none = sv_eq_str(security, "none");
	bool seal = sv_eq_str(security, "sign-and-encrypt");
	LDAPURLDesc *parts = NULL;
	bool plain;
	bool tls;

	if (ldap_url_parse(url, &parts) != LDAP_URL_SUCCESS) {
		problem(check, at,
			"this is no server's URL: write ldaps://HOST, "
			"ldap://HOST or ldapi://PATH, with :PORT if need be");
		return;
	}
	plain = !strcmp(parts->lud_scheme, "ldap");
	tls = !strcmp(parts->lud_scheme, "ldaps");
	if (parts->lud_dn && *parts->lud_dn)
		problem(check, at,
			"a server's URL ends with host and port: write the "
			"DN as 'base'");
	if (plain && !starttls && !none && !seal)
		problem(check, at,
			"ldap:// is not encrypted: write ldaps://, or "
			"'security: starttls'");
	if (tls && seal)
		problem(check, at,
			"ldaps:// is encrypted and Kerberos does not do it "
			"twice: write ldap://, or leave out 'security: "
			"sign-and-encrypt'");
	if (tls && starttls)
		problem(check, at,
			"StartTLS begins on a plain connection: write ldap://, "
			"or leave out 'security: starttls'");
	if (tls && none)
		problem(check, at,
			"ldaps:// is encrypted: leave out 'security: none'");
	ldap_free_urldesc(parts);
}

/* In the place of servers. */
static void check_domain(struct check *check)
{
	const struct node *domain = node_get(check->connect, "domain");
	const struct node *site = node_get(check->connect, "site");

	if (!domain && site)
		problem(check, site,
			"'domain' is missing: of which the site is");
	else if (!domain)
		problem(check, NULL,
			"'servers' is missing: URLs of the servers, tried in "
			"this order");
}

static void check_servers(struct check *check)
{
	const struct node *servers = node_get(check->connect, "servers");
	struct sv security = setting_text(check->connect,
					  check->profile->settings, "security");
	size_t i;

	if (!servers)
		check_domain(check);
	else if (node_get(check->connect, "domain"))
		problem(check, servers,
			"write 'servers' or 'domain', not both");
	if (!servers || servers->kind == NODE_MAP)
		return;
	if (servers->kind == NODE_SCALAR)
		check_server(check, servers, security);
	else if (!servers->len)
		problem(check, servers, "at least one server is needed");
	for (i = 0; servers->kind == NODE_LIST && i < servers->len; i++)
		if (servers->items[i]->kind == NODE_SCALAR)
			check_server(check, servers->items[i], security);
}

static void check_dn(struct check *check, const struct node *at)
{
	if (at && at->kind == NODE_SCALAR && !dn_valid(at->text))
		problem(check, at, "this is not a DN");
}

static void check_dns(struct check *check, const struct node *list)
{
	size_t i;

	check_dn(check, list);
	for (i = 0; list && list->kind == NODE_LIST && i < list->len; i++)
		check_dn(check, list->items[i]);
}

static void check_overlap(struct check *check, const struct node *list)
{
	struct ldap_partition *all;
	size_t count = ldap_partitions(check->connect, &check->arena, &all);
	size_t i;
	size_t k;

	if (count != list->len)
		return;
	for (i = 0; i < count; i++)
		for (k = 0; k < count; k++)
			if (i != k &&
			    (k < i || !sv_eq(all[i].folded, all[k].folded)) &&
			    ldap_folded_within(all[i].folded, all[k].folded))
				problem(check, list->items[i],
					"this base lies in another "
					"partition's: use its include and "
					"exclude");
}

static void check_bases(struct check *check)
{
	const struct node *base = node_get(check->connect, "base");
	const struct node *list = node_get(check->connect, "partitions");
	size_t i;

	if (!base && !check->explore &&
	    (!list || (list->kind == NODE_LIST && !list->len)))
		problem(check, list,
			"'base' is missing: DN below which the agent's "
			"entries lie");
	if (base && list)
		problem(check, base, "write 'base' or 'partitions', not both");
	check_dn(check, base);
	if (!list || list->kind != NODE_LIST)
		return;
	for (i = 0; i < list->len; i++) {
		check_dn(check, node_get(list->items[i], "base"));
		check_dns(check, node_get(list->items[i], "include"));
		check_dns(check, node_get(list->items[i], "exclude"));
	}
	if (!base)
		check_overlap(check, list);
}

static void check_kerberos(struct check *check, const struct node *principal)
{
	const struct node *security = node_get(check->connect, "security");
	const struct node *keytab = node_get(check->connect, "keytab");
	const struct node *cache = node_get(check->connect, "ticket_cache");
	int ways = !!keytab + !!cache + !!node_get(check->connect, "password");

	if (principal && node_get(check->connect, "bind_dn"))
		problem(check, principal,
			"write 'bind_dn' or 'principal', not both");
	else if (principal && ways != 1)
		problem(check, principal,
			"a principal needs one of 'password', 'keytab' and "
			"'ticket_cache'");
	if ((keytab || cache) && !principal)
		problem(check, keytab ? keytab : cache,
			"'principal' is missing: who to sign in as");
	if (!principal &&
	    sv_eq_str(setting_text(check->connect, check->profile->settings,
				   "security"),
		      "sign-and-encrypt"))
		problem(check, security,
			"'sign-and-encrypt' is done by Kerberos: write "
			"'principal', as conjoin@CORP.TEST");
}

static void check_sign_in(struct check *check)
{
	const struct node *bind_dn = node_get(check->connect, "bind_dn");
	const struct node *principal = node_get(check->connect, "principal");
	const struct node *password = node_get(check->connect, "password");
	const struct node *certificate =
		node_get(check->connect, "certificate");
	const struct node *key = node_get(check->connect, "key");

	if (bind_dn && !password)
		problem(check, bind_dn, "'password' is missing for bind_dn");
	if (password && !bind_dn && !principal)
		problem(check, password, "'bind_dn' is missing for password");
	check_kerberos(check, principal);
	if (certificate && !key)
		problem(check, certificate, "'key' is missing for certificate");
	if (key && !certificate)
		problem(check, key, "'certificate' is missing for key");
}

static void check_range(struct check *check, const char *name, int64_t least,
			int64_t most)
{
	const struct node *at = node_get(check->connect, name);
	char message[80];
	int64_t number;

	if (!at || at->kind != NODE_SCALAR || !sv_to_i64(at->text, &number) ||
	    (number >= least && number <= most))
		return;
	(void)snprintf(message, sizeof(message),
		       "'%s' must be between %d and %d", name, (int)least,
		       (int)most);
	problem(check, at, message);
}

/* Parentheses must match; the rest is for the server to judge. */
static void check_filter(struct check *check)
{
	const struct node *at = node_get(check->connect, "filter");
	size_t depth = 0;
	size_t i;

	if (!at || at->kind != NODE_SCALAR)
		return;
	for (i = 0; i < at->text.len; i++) {
		if (at->text.ptr[i] == '(')
			depth++;
		else if (at->text.ptr[i] == ')' && depth-- == 0)
			break;
		if (!depth)
			break;
	}
	if (!at->text.len || depth || i + 1 != at->text.len)
		problem(check, at,
			"this is no filter: it must stand in parentheses, as "
			"(objectClass=person)");
}

void ldap_check(const struct ldap_profile *profile,
		const struct connector_config *config, setting_report_fn report,
		void *data)
{
	struct check check = { profile, config->connect, report,
			       data,    ARENA_INIT,      config->explore };

	check_servers(&check);
	check_sign_in(&check);
	check_bases(&check);
	check_filter(&check);
	check_range(&check, "page_size", 0, 100000);
	check_range(&check, "timeout", 1, 3600);
	check_range(&check, "reconnect", 0, 3600);
	check_range(&check, "operations", 1, 500);
	arena_release(&check.arena);
}

const struct ldap_form *ldap_form_of(const struct ldap_profile *profile,
				     const char *name)
{
	const struct ldap_form *form;

	for (form = profile->forms; form && form->name; form++)
		if (sv_ieq_str(sv_from(name), form->name))
			return form;
	return NULL;
}

void ldap_ops_check(const struct connector_ops *ops,
		    const struct connector_config *config,
		    setting_report_fn report, void *data)
{
	ldap_check(ops->data, config, report, data);
}
