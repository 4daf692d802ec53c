/*
 * ad.c - the profile of Active Directory, and of servers that are one (Samba)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ad.h"

#include "connectors/ldap/ad_private.h"
#include "connectors/ldap/describe.h"
#include "connectors/ldap/ldap_private.h"

#include <strings.h>

static const struct setting_def settings[] = {
	LDAP_CONNECTION_SETTINGS,
	LDAP_SCOPE_SETTINGS,
	LDAP_SETTING("domain", SETTING_TEXT, NULL,
		     "DNS name, in the place of servers: its domain "
		     "controllers are found by DNS"),
	LDAP_SETTING("site", SETTING_TEXT, NULL,
		     "whose domain controllers are tried first"),
	AD_SETTINGS,
	LDAP_WATCH_SETTING,
	LDAP_EXPORT_SETTINGS,
	{ .name = NULL },
};

static const char *const secrets[] = { "unicodePwd", NULL };

static const struct ldap_profile ad_profile = {
	.name = "ad",
	.settings = settings,
	.kind = LDAP_ACTIVE_DIRECTORY,
	.derived = ad_derived,
	.secrets = secrets,
	AD_PROFILE,
};

/* Bit 2 of userAccountControl is "disabled". */
static const struct connector_rule disabled[] = {
	{ "userAccountControl", "BitOr(Current(\"userAccountControl\"), 2)" },
	{ NULL, NULL },
};

static const struct connector_rule *disable(const char *type)
{
	if (!strcasecmp(type, "user") || !strcasecmp(type, "inetOrgPerson") ||
	    !strcasecmp(type, "computer"))
		return disabled;
	return NULL;
}

const struct connector_ops ad_connector = {
	.abi = CONNECTOR_ABI,
	.name = "ad",
	.help = "Active Directory domains, and Samba's",
	.caps = AD_CAPS,
	.settings = settings,
	.known_attrs = ad_known_attrs,
	.data = &ad_profile,
	.disable = disable,
	LDAP_OPERATIONS,
};
