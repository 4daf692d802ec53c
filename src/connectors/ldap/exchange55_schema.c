/*
 * exchange55_schema.c - attributes of Exchange 5.5 whose type is known before
 * the server is asked
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/exchange55_private.h"

#define ONE  false
#define MANY true
#define OF(kind, n, m)                                                         \
	{                                                                      \
		.name = (n), .type = (kind), .multi = (m)                      \
	}
#define TEXT(n, m)  OF(VALUE_STRING, n, m)
#define DN(n, m)    OF(VALUE_REFERENCE, n, m)
#define INT(n)      OF(VALUE_INTEGER, n, ONE)
#define BOOL(n)     OF(VALUE_BOOLEAN, n, ONE)
#define TIME(n)     OF(VALUE_DATETIME, n, ONE)
#define BYTES(n, m) OF(VALUE_BINARY, n, m)

/* clang-format off */
const struct attr_def exchange55_known_attrs[] = {
	/* every entry */
	TEXT("objectClass", MANY),
	DN("Obj-Dist-Name", ONE),
	TEXT("rdn", ONE),
	TEXT("cn", ONE), /* the display name */
	TEXT("Admin-Display-Name", ONE),
	TEXT("Admin-Description", ONE),
	INT("USN-Changed"),
	INT("USN-Created"),
	TIME("When-Changed"),
	TIME("When-Created"),
	BOOL("Is-Deleted"),
	BYTES("NT-Security-Descriptor", ONE),
	INT("Heuristics"),
	/* recipients */
	TEXT("uid", ONE), /* the alias */
	BOOL("Hide-From-Address-Book"),
	BOOL("MAPI-Recipient"),
	TEXT("mail", ONE),
	TEXT("rfc822Mailbox", ONE),
	TEXT("otherMailbox", MANY),
	TEXT("textEncodedORAddress", ONE),
	TEXT("Target-Address", ONE),
	DN("Home-MDB", ONE),
	DN("Home-MTA", ONE),
	DN("Alt-Recipient", ONE),
	DN("Public-Delegates", MANY),
	DN("Auth-Orig", MANY),
	DN("Unauth-Orig", MANY),
	DN("Is-Member-Of-DL", MANY),
	INT("Deliv-Cont-Length"),
	INT("Submission-Cont-Length"),
	BYTES("Assoc-NT-Account", ONE),
	/* people */
	TEXT("sn", ONE),
	TEXT("givenName", ONE),
	TEXT("initials", ONE),
	TEXT("title", ONE),
	TEXT("department", ONE),
	TEXT("company", ONE),
	TEXT("physicalDeliveryOfficeName", ONE),
	TEXT("telephoneNumber", ONE),
	TEXT("facsimileTelephoneNumber", ONE),
	TEXT("homePhone", ONE),
	TEXT("mobile", ONE),
	TEXT("pager", ONE),
	TEXT("street", ONE),
	TEXT("postalAddress", ONE),
	TEXT("postalCode", ONE),
	TEXT("l", ONE),
	TEXT("st", ONE),
	TEXT("co", ONE),
	TEXT("info", ONE),
	DN("manager", ONE),
	DN("Reports", MANY),
	TEXT("Assistant-Name", ONE),
	TEXT("Extension-Attribute-1", ONE),
	TEXT("Extension-Attribute-2", ONE),
	TEXT("Extension-Attribute-3", ONE),
	TEXT("Extension-Attribute-4", ONE),
	TEXT("Extension-Attribute-5", ONE),
	TEXT("Extension-Attribute-6", ONE),
	TEXT("Extension-Attribute-7", ONE),
	TEXT("Extension-Attribute-8", ONE),
	TEXT("Extension-Attribute-9", ONE),
	TEXT("Extension-Attribute-10", ONE),
	TEXT("Extension-Attribute-11", ONE),
	TEXT("Extension-Attribute-12", ONE),
	TEXT("Extension-Attribute-13", ONE),
	TEXT("Extension-Attribute-14", ONE),
	TEXT("Extension-Attribute-15", ONE),
	/* distribution lists */
	DN("member", MANY),
	DN("owner", ONE),
	BOOL("Hide-DL-Membership"),
	BOOL("Report-To-Originator"),
	BOOL("Report-To-Owner"),
	{ .name = NULL },
};
/* clang-format on */
