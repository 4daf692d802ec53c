/*
 * domino.c - the profile of Domino, the directory of Lotus Notes
 *
 * Its LDAP service shows documents of the Domino Directory. A name is a list of
 * fields of the document that other programs depend on: it is not changed by
 * LDAP, but by the Administration Process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/domino.h"

#include "connectors/ldap/ldap_private.h"

static const struct setting_def settings[] = {
	LDAP_CONNECTION_SETTINGS,
	LDAP_SCOPE_SETTINGS,
	LDAP_SETTING(
		"anchor", SETTING_TEXT, "dominoUNID",
		"attribute that identifies an entry for ever; dn: its name "
		"does"),
	{ .name = "delta",
	  .type = SETTING_CHOICE,
	  .fallback = "auto",
	  .words = "auto|compare|timestamp|off",
	  .help = "how changes only are read: compare, which auto means: by "
		  "modifyTimestamp, and by naming all that are there; "
		  "timestamp: without the latter, so without deletions" },
	LDAP_EXPORT_SETTINGS,
	{ .name = NULL },
};

#define ONE  false
#define MANY true
#define OF(kind, n, m)                                                         \
	{                                                                      \
		.name = (n), .type = (kind), .multi = (m)                      \
	}
#define TEXT(n, m) OF(VALUE_STRING, n, m)
#define DN(n, m)   OF(VALUE_REFERENCE, n, m)

/* clang-format off */
static const struct attr_def known_attrs[] = {
	TEXT("objectClass", MANY),
	TEXT("dominoUNID", ONE),
	OF(VALUE_DATETIME, "createTimestamp", ONE),
	OF(VALUE_DATETIME, "modifyTimestamp", ONE),
	TEXT("cn", MANY),
	TEXT("uid", MANY), /* ShortName */
	TEXT("displayName", ONE),
	TEXT("description", MANY),
	/* dominoPerson */
	TEXT("sn", MANY),
	TEXT("givenName", MANY),
	TEXT("middleInitial", ONE),
	TEXT("generationQualifier", MANY),
	TEXT("personalTitle", MANY),
	TEXT("title", MANY), /* JobTitle */
	TEXT("mail", MANY),  /* InternetAddress */
	TEXT("mailServer", ONE),
	TEXT("mailFile", ONE),
	TEXT("mailDomain", ONE),
	TEXT("mailSystem", ONE),
	TEXT("mailAddress", ONE),
	TEXT("messageStorage", ONE),
	TEXT("encryptIncomingMail", ONE),
	TEXT("employeeNumber", ONE),
	TEXT("companyName", ONE),
	TEXT("department", ONE),
	TEXT("departmentNumber", MANY),
	TEXT("location", ONE),
	DN("manager", MANY),
	DN("secretary", MANY),
	TEXT("telephoneNumber", MANY),
	TEXT("facsimileTelephoneNumber", MANY),
	TEXT("homePhone", MANY),
	TEXT("mobile", MANY),
	TEXT("pager", MANY),
	TEXT("street", MANY),
	TEXT("postalCode", MANY),
	TEXT("l", MANY),
	TEXT("st", MANY),
	TEXT("c", ONE),
	TEXT("labeledURI", MANY),
	TEXT("comments", ONE),
	TEXT("clientType", ONE),
	TEXT("profiles", ONE),
	TEXT("publicKey", ONE),
	TEXT("dominoCertificate", ONE),
	OF(VALUE_BINARY, "userCertificate", MANY),
	{ .name = "userPassword", .type = VALUE_STRING, .multi = true,
	  .match = MATCH_EXACT }, /* HTTPPassword */
	TEXT("checkPassword", ONE),
	/* dominoGroup */
	DN("member", MANY),
	DN("owner", MANY),
	TEXT("groupType", ONE),
	TEXT("dominoAccessGroups", MANY),
	{ .name = NULL },
};
/* clang-format on */

static const char *const secrets[] = { "userPassword", NULL };
static const struct ldap_delta *const deltas[] = { &ldap_compare, NULL };
static const struct ldap_delta *const deltas_by_name[] = { &ldap_timestamp,
							   NULL };

static const struct ldap_profile profile = {
	.name = "domino",
	.settings = settings,
	.secrets = secrets,
	.fixed_names = true,
	.deltas = deltas,
	.deltas_by_name = deltas_by_name,
};

const struct connector_ops domino_connector = {
	.abi = CONNECTOR_ABI,
	.name = "domino",
	.help = "Domino, the directory of Lotus Notes, by its LDAP service",
	.caps = (LDAP_CAPS & ~(uint32_t)CONNECTOR_CAP_RENAME) |
		CONNECTOR_CAP_DELTA | CONNECTOR_CAP_REFERENCES_LATER,
	.settings = settings,
	.known_attrs = known_attrs,
	.data = &profile,
	LDAP_OPERATIONS,
};
