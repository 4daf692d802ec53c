/*
 * edirectory_schema.c - attributes of eDirectory whose type is known before the
 * server is asked, and the form of its GUID
 *
 * A GUID is 16 octets; as text it is "{03020100-0504-0706-0809-0A0B0C0D0E0F}",
 * as Novell's tools show it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ad_private.h"
#include "connectors/ldap/edirectory_private.h"

static char upper(char c)
{
	return c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : c;
}

static struct sv guid_text(struct sv bytes, struct arena *arena)
{
	struct sv plain = ad_guid_text(bytes, arena);
	char *out = arena_alloc(arena, plain.len + 3);
	size_t i;

	if (!plain.len)
		return SV_NULL;
	out[0] = '{';
	for (i = 0; i < plain.len; i++)
		out[i + 1] = upper(plain.ptr[i]);
	out[i + 1] = '}';
	out[i + 2] = '\0';
	return sv_make(out, plain.len + 2);
}

static int read_guid(const struct attr_def *def, struct sv bytes,
		     struct arena *arena, struct value *out)
{
	if (def->type != VALUE_STRING)
		return value_parse(def->type == VALUE_NULL ? VALUE_BINARY
							   : def->type,
				   bytes, def->format, out);
	*out = value_string(guid_text(bytes, arena));
	return out->text.len > 0;
}

static struct sv write_guid(const struct value *value, struct arena *arena)
{
	struct sv bytes = ad_guid_bytes(value->text, arena);

	return value->type == VALUE_STRING && bytes.len ? bytes : value->text;
}

const struct ldap_form edirectory_forms[] = {
	{ .name = "GUID", .read = read_guid, .write = write_guid },
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
#define INT(n, m)  OF(VALUE_INTEGER, n, m)
#define BOOL(n)    OF(VALUE_BOOLEAN, n, ONE)
#define TIME(n)    OF(VALUE_DATETIME, n, ONE)

/* clang-format off */
const struct attr_def edirectory_known_attrs[] = {
	/* every entry */
	TEXT("objectClass", MANY),
	OF(VALUE_BINARY, "GUID", ONE),
	TEXT("entryFlags", ONE),
	INT("revision", ONE),
	TIME("createTimestamp"),
	TIME("modifyTimestamp"),
	DN("creatorsName", ONE),
	DN("modifiersName", ONE),
	TEXT("localEntryID", ONE),
	TEXT("DirXML-Associations", MANY),
	TEXT("ACL", MANY),
	TEXT("cn", MANY),
	TEXT("description", MANY),
	TEXT("ou", MANY),
	TEXT("o", MANY),
	/* accounts */
	TEXT("uid", MANY),
	OF(VALUE_STRING, "userPassword", MANY),
	BOOL("loginDisabled"),
	TIME("loginExpirationTime"),
	TIME("loginTime"),
	TIME("lastLoginTime"),
	INT("loginGraceLimit", ONE),
	INT("loginGraceRemaining", ONE),
	INT("loginMaximumSimultaneous", ONE),
	BOOL("loginIntruderLimit"),
	BOOL("lockedByIntruder"),
	TIME("loginIntruderResetTime"),
	BOOL("passwordAllowChange"),
	TIME("passwordExpirationTime"),
	INT("passwordExpirationInterval", ONE),
	INT("passwordMinimumLength", ONE),
	BOOL("passwordRequired"),
	BOOL("passwordUniqueRequired"),
	DN("nspmPasswordPolicyDN", ONE),
	DN("groupMembership", MANY),
	DN("securityEquals", MANY),
	DN("messageServer", ONE),
	TEXT("ndsHomeDirectory", ONE),
	TEXT("networkAddress", MANY),
	INT("uidNumber", ONE),
	INT("gidNumber", ONE),
	/* people */
	TEXT("sn", MANY),
	TEXT("givenName", MANY),
	TEXT("fullName", MANY),
	TEXT("initials", MANY),
	TEXT("generationQualifier", MANY),
	TEXT("displayName", ONE),
	TEXT("title", MANY),
	TEXT("mail", MANY),
	TEXT("telephoneNumber", MANY),
	TEXT("facsimileTelephoneNumber", MANY),
	TEXT("mobile", MANY),
	TEXT("pager", MANY),
	TEXT("homePhone", MANY),
	TEXT("company", MANY),
	TEXT("department", MANY),
	TEXT("departmentNumber", MANY),
	TEXT("costCenter", ONE),
	TEXT("employeeNumber", ONE),
	TEXT("employeeStatus", MANY),
	TEXT("employeeType", MANY),
	TEXT("workforceID", ONE),
	TEXT("jobCode", MANY),
	TEXT("siteLocation", MANY),
	TEXT("l", MANY),
	TEXT("st", MANY),
	TEXT("street", MANY),
	TEXT("postalCode", MANY),
	TEXT("postOfficeBox", MANY),
	TEXT("physicalDeliveryOfficeName", MANY),
	TEXT("postalAddress", MANY),
	TEXT("preferredLanguage", ONE),
	DN("manager", MANY),
	DN("directReports", MANY),
	DN("assistant", MANY),
	DN("secretary", MANY),
	DN("seeAlso", MANY),
	OF(VALUE_BINARY, "jpegPhoto", MANY),
	OF(VALUE_BINARY, "userCertificate", MANY),
	/* groups */
	DN("member", MANY),
	DN("uniqueMember", MANY),
	DN("equivalentToMe", MANY),
	DN("owner", MANY),
	{ .name = NULL },
};
/* clang-format on */
