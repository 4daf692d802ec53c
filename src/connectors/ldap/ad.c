/*
 * ad.c - the profile of Active Directory, and of servers that are one (Samba)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ad.h"

#include "connectors/ldap/ad_private.h"

#include <stdlib.h>
#include <string.h>

static const struct setting_def settings[] = {
	LDAP_CONNECTION_SETTINGS,
	LDAP_SCOPE_SETTINGS,
	LDAP_SETTING(
		"anchor", SETTING_TEXT, "objectGUID",
		"attribute that identifies an object for ever; dn: its name "
		"does"),
	LDAP_SETTING("range_size", SETTING_NUMBER, "0",
		     "values of a reference attribute asked for at once; 0: as "
		     "many as the server gives"),
	{ .name = "delta",
	  .type = SETTING_CHOICE,
	  .fallback = "auto",
	  .words = "auto|dirsync|usn|off",
	  .help = "how changes only are read: by DirSync, by uSNChanged, or "
		  "auto: by the first that the account may" },
	LDAP_EXPORT_SETTINGS,
	{ .name = NULL },
};

/* The Windows error behind a refusal: "0000052D: ..." */
static unsigned long windows_error(const char *text)
{
	char *end = NULL;
	unsigned long number = text ? strtoul(text, &end, 16) : 0;

	return end && end - text == 8 && *end == ':' ? number : 0;
}

static const char *error_of(int code, const char *text)
{
	(void)code;
	switch (windows_error(text)) {
	case 0x52d:  /* ERROR_PASSWORD_RESTRICTION */
	case 0x52c:  /* ERROR_ILL_FORMED_PASSWORD */
	case 0x521d: /* of later servers */
		return "password-policy-violation";
	case 0x5:
	case 0x2098: /* ERROR_DS_INSUFF_ACCESS_RIGHTS */
		return "permission-issue";
	case 0x2071: /* ERROR_DS_OBJ_STRING_NAME_EXISTS */
	case 0x524:  /* ERROR_USER_EXISTS */
	case 0x526:  /* ERROR_GROUP_EXISTS */
	case 0x21c7: /* a value that must be unique */
	case 0x21c8: /* userPrincipalName is taken in the forest */
		return "cd-existing-object";
	case 0x562: /* ERROR_MEMBER_IN_ALIAS */
	case 0x561:
		return "cd-existing-attribute-or-value";
	default:
		return NULL;
	}
}

static const struct ldap_delta *const deltas[] = { &ad_dirsync, &ad_usn, NULL };

static const struct ldap_profile ad_profile = {
	.name = "ad",
	.settings = settings,
	.forms = ad_forms,
	.derived = ad_derived,
	.classes_in_order = true,
	.ranges = true,
	.permissive = true,
	.integrity = true,
	.chunk = 1000,
	.error_of = error_of,
	.deltas = deltas,
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
	.caps = LDAP_CAPS | CONNECTOR_CAP_DELTA | CONNECTOR_CAP_INTEGRITY |
		CONNECTOR_CAP_REFERENCES_LATER,
	.settings = settings,
	.known_attrs = ad_known_attrs,
	.data = &ad_profile,
	.disable = disable,
	LDAP_OPERATIONS,
};
