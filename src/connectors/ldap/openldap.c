/*
 * openldap.c - the profile of OpenLDAP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/openldap.h"

#include "connectors/ldap/ldap_private.h"
#include "connectors/ldap_schema.h"

static const struct setting_def settings[] = {
	LDAP_CONNECTION_SETTINGS,
	LDAP_SCOPE_SETTINGS,
	LDAP_SETTING(
		"anchor", SETTING_TEXT, "entryUUID",
		"attribute that identifies an entry for ever; dn: its name "
		"does"),
	{ .name = "delta",
	  .type = SETTING_CHOICE,
	  .fallback = "auto",
	  .words = "auto|sync|compare|timestamp|off",
	  .help = "how changes only are read: auto: by sync (RFC 4533) where "
		  "the server has it; compare: by modifyTimestamp, and by "
		  "naming all that are there; timestamp: without the latter, "
		  "so without deletions" },
	LDAP_WATCH_SETTING,
	LDAP_EXPORT_SETTINGS,
	{ .name = NULL },
};

static const struct ldap_delta *const deltas[] = { &ldap_sync, NULL };
static const struct ldap_delta *const deltas_by_name[] = { &ldap_compare,
							   &ldap_timestamp,
							   NULL };

static const struct ldap_profile profile = {
	.name = "openldap",
	.settings = settings,
	.kind = LDAP_OPENLDAP,
	.listen = ldap_listen_sync,
	.deltas = deltas,
	.deltas_by_name = deltas_by_name,
};

const struct connector_ops openldap_connector = {
	.abi = CONNECTOR_ABI,
	.name = "openldap",
	.help = "OpenLDAP, with changes by the synchronization protocol of "
		"RFC 4533",
	.caps = LDAP_CAPS | CONNECTOR_CAP_DELTA | CONNECTOR_CAP_NOTIFY |
		CONNECTOR_CAP_REFERENCES_LATER,
	.settings = settings,
	.known_attrs = ldap_known_attrs,
	.data = &profile,
	LDAP_OPERATIONS,
};
