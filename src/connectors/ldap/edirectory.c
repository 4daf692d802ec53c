/*
 * edirectory.c - the profile of NetIQ (Novell) eDirectory
 *
 * It tells by LDAP when an entry was changed, and nothing of what is gone, so
 * that a delta compares. A membership stands in four attributes, two of the
 * group and two of the member; the server keeps none of them by the others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/edirectory.h"

#include "connectors/ldap/edirectory_private.h"
#include "connectors/ldap/ldap_private.h"

#include <stdlib.h>

static const struct setting_def settings[] = {
	LDAP_CONNECTION_SETTINGS,
	LDAP_SCOPE_SETTINGS,
	LDAP_SETTING(
		"anchor", SETTING_TEXT, "GUID",
		"attribute that identifies an entry for ever; dn: its name "
		"does"),
	{ .name = "delta",
	  .type = SETTING_CHOICE,
	  .fallback = "auto",
	  .words = "auto|compare|timestamp|off",
	  .help = "how changes only are read: compare, which auto means: by "
		  "modifyTimestamp, and by naming all that are there; "
		  "timestamp: without the latter, so without deletions" },
	{ .name = "membership",
	  .type = SETTING_CHOICE,
	  .fallback = "both",
	  .words = "both|member",
	  .help = "what a change of a group's member writes: both: "
		  "equivalentToMe of the group, and groupMembership and "
		  "securityEquals of the member with it; member: nothing more" },
	LDAP_EXPORT_SETTINGS,
	{ .name = NULL },
};

/* The number in "NDS error: no such entry (-601)"; 0: there is none. */
static long nds_error(const char *text)
{
	const char *at = text ? strstr(text, "(-") : NULL;
	char *end = NULL;
	long number = at ? strtol(at + 1, &end, 10) : 0;

	return end && *end == ')' ? number : 0;
}

static const char *error_of(int code, const char *text)
{
	(void)code;
	switch (nds_error(text)) {
	case -606: /* entry already exists */
		return "cd-existing-object";
	case -602: /* no such value */
	case -603: /* no such attribute */
	case -614: /* duplicate value */
	case -615: /* attribute already exists */
		return "cd-existing-attribute-or-value";
	case -604: /* no such class */
	case -608: /* illegal attribute */
	case -609: /* missing mandatory */
	case -611: /* illegal containment */
	case -631: /* can't remove mandatory */
		return "schema-violation";
	case -610: /* illegal ds name */
		return "invalid-dn";
	case -613: /* syntax violation */
		return "invalid-attribute-value";
	case -672: /* no access */
		return "permission-issue";
	case -215: /* duplicate password */
	case -216: /* password too short */
		return "password-policy-violation";
	default:
		return NULL;
	}
}

static const char *const secrets[] = { "userPassword", NULL };
static const struct ldap_delta *const deltas[] = { &ldap_compare, NULL };
static const struct ldap_delta *const deltas_by_name[] = { &ldap_timestamp,
							   NULL };

static const struct ldap_mirror mirror = {
	.setting = "membership",
	.on = "both",
	.attr = "member",
	.own = "equivalentToMe",
	.theirs = { "groupMembership", "securityEquals" },
};

static const struct ldap_profile profile = {
	.name = "edirectory",
	.settings = settings,
	.forms = edirectory_forms,
	.secrets = secrets,
	.integrity = true,
	.error_of = error_of,
	.deltas = deltas,
	.deltas_by_name = deltas_by_name,
	.mirror = &mirror,
};

static const struct connector_rule disabled[] = {
	{ "loginDisabled", "True" },
	{ NULL, NULL },
};

static const struct connector_rule *disable(const char *type)
{
	if (!strcasecmp(type, "inetOrgPerson") || !strcasecmp(type, "user") ||
	    !strcasecmp(type, "organizationalPerson") ||
	    !strcasecmp(type, "person"))
		return disabled;
	return NULL;
}

const struct connector_ops edirectory_connector = {
	.abi = CONNECTOR_ABI,
	.name = "edirectory",
	.help = "NetIQ (Novell) eDirectory",
	.caps = LDAP_CAPS | CONNECTOR_CAP_DELTA | CONNECTOR_CAP_INTEGRITY |
		CONNECTOR_CAP_REFERENCES_LATER,
	.settings = settings,
	.known_attrs = edirectory_known_attrs,
	.data = &profile,
	.disable = disable,
	LDAP_OPERATIONS,
};
