/*
 * ldap.c - the plain profile: any LDAP v3 directory server
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap.h"

#include "connectors/ldap/profile.h"
#include "connectors/ldap_schema.h"

static const struct setting_def settings[] = {
	LDAP_CONNECTION_SETTINGS,
	LDAP_SCOPE_SETTINGS,
	LDAP_SETTING(
		"anchor", SETTING_TEXT, "entryUUID",
		"attribute that identifies an entry for ever; dn: its name "
		"does"),
	LDAP_EXPORT_SETTINGS,
	{ .name = NULL },
};

const struct ldap_profile ldap_plain = {
	.name = "ldap",
	.settings = settings,
};

static uint32_t caps_of(const struct node *connect)
{
	return ldap_caps(&ldap_plain, connect);
}

static void check(const struct connector_config *config,
		  setting_report_fn report, void *data)
{
	ldap_check(&ldap_plain, config, report, data);
}

static int open_session(const struct connector_config *config,
			struct connector_session **out, struct error *err)
{
	return ldap_session_open(&ldap_plain, config, out, err);
}

const struct connector_ops ldap_connector = {
	.abi = CONNECTOR_ABI,
	.name = "ldap",
	.help = "any LDAP v3 directory server, such as OpenLDAP or 389 "
		"Directory Server",
	.caps = LDAP_CAPS | CONNECTOR_CAP_REFERENCES_LATER,
	.settings = settings,
	.known_attrs = ldap_known_attrs,
	.caps_of = caps_of,
	.check = check,
	.open = open_session,
	LDAP_OPERATIONS,
};
