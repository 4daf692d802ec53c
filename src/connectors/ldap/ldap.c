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

static const struct ldap_profile profile = {
	.name = "ldap",
	.settings = settings,
};

const struct connector_ops ldap_connector = {
	.abi = CONNECTOR_ABI,
	.name = "ldap",
	.help = "any LDAP v3 directory server, such as OpenLDAP or 389 "
		"Directory Server",
	.caps = LDAP_CAPS | CONNECTOR_CAP_REFERENCES_LATER,
	.settings = settings,
	.known_attrs = ldap_known_attrs,
	.data = &profile,
	LDAP_OPERATIONS,
};
