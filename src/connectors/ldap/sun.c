/*
 * sun.c - the profile of 389 Directory Server and its family (Netscape,
 * iPlanet, Sun)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/sun.h"

#include "connectors/ldap/ldap_private.h"
#include "connectors/ldap_schema.h"

static const struct setting_def settings[] = {
	LDAP_CONNECTION_SETTINGS,
	LDAP_SCOPE_SETTINGS,
	LDAP_SETTING(
		"anchor", SETTING_TEXT, "nsUniqueId",
		"attribute that identifies an entry for ever; dn: its name "
		"does"),
	{ .name = "delta",
	  .type = SETTING_CHOICE,
	  .fallback = "auto",
	  .words = "auto|changelog|off",
	  .help = "how changes only are read: auto: by the server's change "
		  "log, where it keeps one" },
	LDAP_WATCH_SETTING,
	LDAP_EXPORT_SETTINGS,
	{ .name = NULL },
};

static const struct ldap_delta *const deltas[] = { &ldap_changelog, NULL };

static const struct ldap_profile profile = {
	.name = "sun",
	.settings = settings,
	.kind = LDAP_389,
	.listen = ldap_listen_psearch,
	.deltas = deltas,
};

const struct connector_ops sun_connector = {
	.abi = CONNECTOR_ABI,
	.name = "sun",
	.help = "389 Directory Server and its family: Netscape, iPlanet, Sun "
		"Directory Server",
	.caps = LDAP_CAPS | CONNECTOR_CAP_DELTA | CONNECTOR_CAP_NOTIFY |
		CONNECTOR_CAP_REFERENCES_LATER,
	.settings = settings,
	.known_attrs = ldap_known_attrs,
	.data = &profile,
	LDAP_OPERATIONS,
};
