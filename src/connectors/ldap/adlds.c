/*
 * adlds.c - the profile of Active Directory Lightweight Directory Services
 * (AD LDS, before ADAM)
 *
 * The server of Active Directory without a domain: partitions with any name,
 * accounts without an account name and without userAccountControl, and proxies
 * (userProxy) for accounts of a Windows domain, which are known by a SID that
 * is written with the add and never again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/adlds.h"

#include "connectors/ldap/ad_private.h"
#include "connectors/ldap/describe.h"
#include "connectors/ldap/ldap_private.h"

#include <strings.h>

static const struct setting_def settings[] = {
	LDAP_CONNECTION_SETTINGS, LDAP_SCOPE_SETTINGS,  AD_SETTINGS,
	LDAP_WATCH_SETTING,       LDAP_EXPORT_SETTINGS, { .name = NULL },
};

/* userPassword is another name of the password here, not a text to be read. */
static const char *const secrets[] = { "unicodePwd", "userPassword", NULL };

static const struct ldap_profile profile = {
	.name = "adlds",
	.settings = settings,
	.secrets = secrets,
	AD_PROFILE,
};

static const struct connector_rule disabled[] = {
	{ "msDS-UserAccountDisabled", "True" },
	{ NULL, NULL },
};

/* A proxy has no state of its own: its account is disabled in its domain. */
static const struct connector_rule *disable(const char *type)
{
	if (!strcasecmp(type, "user") || !strcasecmp(type, "inetOrgPerson"))
		return disabled;
	return NULL;
}

const struct connector_ops adlds_connector = {
	.abi = CONNECTOR_ABI,
	.name = "adlds",
	.help = "Active Directory Lightweight Directory Services (AD LDS, "
		"ADAM)",
	.caps = AD_CAPS,
	.settings = settings,
	.known_attrs = ad_known_attrs,
	.data = &profile,
	.disable = disable,
	LDAP_OPERATIONS,
};
