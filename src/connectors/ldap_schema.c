/*
 * ldap_schema.c - tables of well-known attribute types and object classes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap_schema.h"

#include "base/text.h"
#include "model/dn.h"

#define ONE  false
#define MANY true
#define OF(kind, n, m)                                                         \
	{                                                                      \
		.name = (n), .type = (kind), .multi = (m)                      \
	}
#define TEXT(n, m) OF(VALUE_STRING, n, m)
#define EXACT(n, m)                                                            \
	{                                                                      \
		.name = (n), .type = VALUE_STRING, .multi = (m),               \
		.match = MATCH_EXACT                                           \
	}

/* Of a text of known length: most names differ in it. */
#define SV(text)                                                               \
	{                                                                      \
		(text), sizeof(text) - 1                                       \
	}

/* clang-format off */
const struct attr_def ldap_known_attrs[] = {
	/* RFC 4512 and operational attributes */
	TEXT("objectClass", MANY),
	TEXT("structuralObjectClass", ONE),
	TEXT("entryUUID", ONE),
	OF(VALUE_REFERENCE, "entryDN", ONE),
	OF(VALUE_REFERENCE, "creatorsName", ONE),
	OF(VALUE_REFERENCE, "modifiersName", ONE),
	OF(VALUE_REFERENCE, "subschemaSubentry", ONE),
	OF(VALUE_REFERENCE, "aliasedObjectName", ONE),
	OF(VALUE_DATETIME, "createTimestamp", ONE),
	OF(VALUE_DATETIME, "modifyTimestamp", ONE),
	OF(VALUE_BOOLEAN, "hasSubordinates", ONE),
	OF(VALUE_INTEGER, "numSubordinates", ONE),
	OF(VALUE_REFERENCE, "memberOf", MANY),
	EXACT("ref", MANY),
	/* RFC 4519 */
	TEXT("businessCategory", MANY),
	TEXT("c", ONE),
	TEXT("cn", MANY),
	TEXT("dc", ONE),
	TEXT("description", MANY),
	TEXT("destinationIndicator", MANY),
	OF(VALUE_REFERENCE, "distinguishedName", MANY),
	TEXT("dnQualifier", MANY),
	TEXT("enhancedSearchGuide", MANY),
	EXACT("facsimileTelephoneNumber", MANY),
	TEXT("generationQualifier", MANY),
	TEXT("givenName", MANY),
	TEXT("houseIdentifier", MANY),
	TEXT("initials", MANY),
	TEXT("internationalISDNNumber", MANY),
	TEXT("l", MANY),
	OF(VALUE_REFERENCE, "member", MANY),
	TEXT("name", MANY),
	TEXT("o", MANY),
	TEXT("ou", MANY),
	OF(VALUE_REFERENCE, "owner", MANY),
	TEXT("physicalDeliveryOfficeName", MANY),
	TEXT("postalAddress", MANY),
	TEXT("postalCode", MANY),
	TEXT("postOfficeBox", MANY),
	TEXT("preferredDeliveryMethod", ONE),
	TEXT("registeredAddress", MANY),
	OF(VALUE_REFERENCE, "roleOccupant", MANY),
	TEXT("searchGuide", MANY),
	OF(VALUE_REFERENCE, "seeAlso", MANY),
	TEXT("serialNumber", MANY),
	TEXT("sn", MANY),
	TEXT("st", MANY),
	TEXT("street", MANY),
	TEXT("telephoneNumber", MANY),
	TEXT("teletexTerminalIdentifier", MANY),
	TEXT("telexNumber", MANY),
	TEXT("title", MANY),
	TEXT("uid", MANY),
	OF(VALUE_REFERENCE, "uniqueMember", MANY),
	EXACT("userPassword", MANY),
	TEXT("x121Address", MANY),
	EXACT("x500UniqueIdentifier", MANY),
	/* RFC 4523 */
	OF(VALUE_BINARY, "userCertificate", MANY),
	OF(VALUE_BINARY, "cACertificate", MANY),
	OF(VALUE_BINARY, "certificateRevocationList", MANY),
	OF(VALUE_BINARY, "authorityRevocationList", MANY),
	OF(VALUE_BINARY, "crossCertificatePair", MANY),
	/* RFC 4524 */
	TEXT("associatedDomain", MANY),
	OF(VALUE_REFERENCE, "associatedName", MANY),
	TEXT("buildingName", MANY),
	TEXT("co", MANY),
	OF(VALUE_REFERENCE, "documentAuthor", MANY),
	TEXT("documentIdentifier", MANY),
	TEXT("documentLocation", MANY),
	TEXT("documentPublisher", MANY),
	TEXT("documentTitle", MANY),
	TEXT("documentVersion", MANY),
	TEXT("drink", MANY),
	TEXT("homePhone", MANY),
	TEXT("homePostalAddress", MANY),
	TEXT("host", MANY),
	TEXT("info", MANY),
	TEXT("mail", MANY),
	OF(VALUE_REFERENCE, "manager", MANY),
	TEXT("mobile", MANY),
	TEXT("organizationalStatus", MANY),
	TEXT("pager", MANY),
	TEXT("personalTitle", MANY),
	TEXT("roomNumber", MANY),
	OF(VALUE_REFERENCE, "secretary", MANY),
	TEXT("uniqueIdentifier", MANY),
	TEXT("userClass", MANY),
	/* RFC 2798 and 2079 */
	OF(VALUE_BINARY, "audio", MANY),
	TEXT("carLicense", MANY),
	TEXT("departmentNumber", MANY),
	TEXT("displayName", ONE),
	TEXT("employeeNumber", ONE),
	TEXT("employeeType", MANY),
	OF(VALUE_BINARY, "jpegPhoto", MANY),
	EXACT("labeledURI", MANY),
	OF(VALUE_BINARY, "photo", MANY),
	TEXT("preferredLanguage", ONE),
	OF(VALUE_BINARY, "userSMIMECertificate", MANY),
	OF(VALUE_BINARY, "userPKCS12", MANY),
	/* RFC 2307 */
	OF(VALUE_INTEGER, "uidNumber", ONE),
	OF(VALUE_INTEGER, "gidNumber", ONE),
	EXACT("gecos", ONE),
	EXACT("homeDirectory", ONE),
	EXACT("loginShell", ONE),
	EXACT("memberUid", MANY),
	{ .name = NULL },
};

static const struct {
	struct sv alias;
	struct sv name;
} aliases[] = {
	{ SV("commonName"), SV("cn") },
	{ SV("countryName"), SV("c") },
	{ SV("countryOfOrigin"), SV("co") },
	{ SV("domainComponent"), SV("dc") },
	{ SV("favouriteDrink"), SV("drink") },
	{ SV("friendlyCountryName"), SV("co") },
	{ SV("gn"), SV("givenName") },
	{ SV("homeTelephoneNumber"), SV("homePhone") },
	{ SV("localityName"), SV("l") },
	{ SV("mobileTelephoneNumber"), SV("mobile") },
	{ SV("organizationName"), SV("o") },
	{ SV("organizationalUnitName"), SV("ou") },
	{ SV("pagerTelephoneNumber"), SV("pager") },
	{ SV("rfc822Mailbox"), SV("mail") },
	{ SV("stateOrProvinceName"), SV("st") },
	{ SV("streetAddress"), SV("street") },
	{ SV("surname"), SV("sn") },
	{ SV("userid"), SV("uid") },
};

static const struct {
	struct sv name;
	struct sv superior;
} classes[] = {
	{ SV("account"), SV("top") },
	{ SV("alias"), SV("top") },
	{ SV("applicationProcess"), SV("top") },
	{ SV("computer"), SV("user") },
	{ SV("contact"), SV("organizationalPerson") },
	{ SV("container"), SV("top") },
	{ SV("country"), SV("top") },
	{ SV("dNSDomain"), SV("domain") },
	{ SV("device"), SV("top") },
	{ SV("document"), SV("top") },
	{ SV("documentSeries"), SV("top") },
	{ SV("domain"), SV("top") },
	{ SV("domainDNS"), SV("domain") },
	{ SV("friendlyCountry"), SV("country") },
	{ SV("group"), SV("top") },
	{ SV("groupOfNames"), SV("top") },
	{ SV("groupOfUniqueNames"), SV("top") },
	{ SV("inetOrgPerson"), SV("organizationalPerson") },
	{ SV("locality"), SV("top") },
	{ SV("organization"), SV("top") },
	{ SV("organizationalPerson"), SV("person") },
	{ SV("organizationalRole"), SV("top") },
	{ SV("organizationalUnit"), SV("top") },
	{ SV("person"), SV("top") },
	{ SV("posixGroup"), SV("top") },
	{ SV("referral"), SV("top") },
	{ SV("residentialPerson"), SV("person") },
	{ SV("rFC822localPart"), SV("domain") },
	{ SV("room"), SV("top") },
	{ SV("user"), SV("organizationalPerson") },
};
/* clang-format on */

/* The name that an alias stands for; any other as it is. */
static struct sv canonical(struct sv name)
{
	size_t i;

	for (i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (sv_ieq(name, aliases[i].alias))
			return aliases[i].name;
	return name;
}

const struct attr_def *ldap_known_attr(struct sv name)
{
	const struct attr_def *def;

	name.len = sv_find(name, ';', 0);
	name = canonical(name);
	for (def = ldap_known_attrs; def->name; def++)
		if (sv_ieq_str(name, def->name))
			return def;
	return NULL;
}

/* "top" for a class that is not known; empty: it has none above it. */
static struct sv superior_of(struct sv name)
{
	size_t i;

	if (sv_ieq(name, SV_LIT("top")))
		return SV_NULL;
	for (i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (sv_ieq(name, classes[i].name))
			return classes[i].superior;
	return SV_LIT("top");
}

size_t ldap_class_chain(struct sv name, struct sv chain[LDAP_CLASS_DEPTH])
{
	struct sv upward[LDAP_CLASS_DEPTH];
	size_t count = 0;
	size_t i;

	upward[count++] = name;
	while (count < LDAP_CLASS_DEPTH && (name = superior_of(name)).len)
		upward[count++] = name;
	for (i = 0; i < count; i++)
		chain[i] = upward[count - 1 - i];
	return count;
}

bool ldap_class_is(struct sv name, const char *superior)
{
	struct sv chain[LDAP_CLASS_DEPTH];
	size_t count = ldap_class_chain(name, chain);

	while (count--)
		if (sv_ieq_str(chain[count], superior))
			return true;
	return false;
}

/* Where the RDN's part that begins at `from` ends. */
static size_t part_end(struct sv rdn, size_t from)
{
	bool quoted = false;
	size_t i;

	for (i = from; i < rdn.len; i++) {
		if (rdn.ptr[i] == '\\')
			i++;
		else if (rdn.ptr[i] == '"')
			quoted = !quoted;
		else if (rdn.ptr[i] == '+' && !quoted)
			return i;
	}
	return rdn.len;
}

int ldap_rdn_part(struct sv rdn, size_t i, struct arena *arena,
		  struct sv *type_out, struct sv *value_out)
{
	size_t from = 0;

	for (; from <= rdn.len; i--) {
		size_t end = part_end(rdn, from);

		if (!i)
			return dn_component(sv_sub(rdn, from, end), 1, arena,
					    type_out, value_out);
		from = end + 1;
	}
	return 0;
}

/* By any of its names: aliases are equal. */
static struct ldap_attr *find(struct ldap_attr *attrs, size_t count,
			      struct sv name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (sv_ieq(attrs[i].name, name))
			return &attrs[i];
	name = canonical(name);
	for (i = 0; i < count; i++)
		if (sv_ieq(canonical(attrs[i].name), name))
			return &attrs[i];
	return NULL;
}

static bool has_text(const struct values *values, struct sv text,
		     struct arena *arena)
{
	size_t i;

	for (i = 0; i < values->len; i++)
		if (text_ieq(value_text(&values->at[i], arena), text))
			return true;
	return false;
}

/* Puts `text` behind the values, in memory of its own. */
static void append(struct ldap_attr *attr, struct sv text, struct arena *arena)
{
	struct value *at =
		arena_array(arena, attr->values.len + 1, sizeof(*at));

	if (attr->values.len)
		memcpy(at, attr->values.at, attr->values.len * sizeof(*at));
	at[attr->values.len] = value_string(text);
	attr->values.at = at;
	attr->values.len++;
}

static void ensure(struct ldap_attr *attrs, size_t *count, struct sv name,
		   struct sv text, struct arena *arena)
{
	struct ldap_attr *attr = find(attrs, *count, name);

	if (!attr) {
		attr = &attrs[(*count)++];
		*attr = (struct ldap_attr){ .name = name };
	}
	if (!has_text(&attr->values, text, arena))
		append(attr, text, arena);
}

/* The class of the type and those above it, before what was given. */
static void complete_classes(struct ldap_attr *attr, const char *type,
			     struct arena *arena)
{
	struct sv chain[LDAP_CLASS_DEPTH];
	struct values given = attr->values;
	size_t count;
	size_t i;

	if (has_text(&given, sv_from(type), arena))
		return;
	count = ldap_class_chain(sv_from(type), chain);
	attr->values = (struct values){ NULL, 0 };
	for (i = 0; i < count; i++)
		append(attr, chain[i], arena);
	for (i = 0; i < given.len; i++)
		if (!has_text(&attr->values, given.at[i].text, arena))
			append(attr, given.at[i].text, arena);
}

#define EXTRAS 20 /* objectClass, cn and the parts of an RDN */

size_t ldap_add_attrs(const struct object_type *type,
		      const struct export_op *op, struct arena *arena,
		      struct ldap_attr **out)
{
	struct ldap_attr *attrs =
		arena_array(arena, op->attr_count + EXTRAS, sizeof(*attrs));
	struct sv rdn = SV_NULL;
	struct sv parent;
	struct sv name;
	struct sv value;
	size_t count = 1;
	size_t i;

	attrs[0].name = SV_LIT("objectClass");
	for (i = 0; i < op->attr_count; i++) {
		const struct attr_def *def = &type->attrs[op->attrs[i].attr];
		struct ldap_attr *attr = &attrs[0];

		if (!op->attrs[i].values.len)
			continue;
		if (!sv_ieq_str(attrs[0].name, def->name))
			attr = &attrs[count++];
		*attr = (struct ldap_attr){ sv_from(def->name), def,
					    op->attrs[i].values };
	}
	complete_classes(&attrs[0], type->name, arena);
	if (!dn_split(op->dn, &rdn, &parent))
		return (*out = attrs, count);
	for (i = 0;
	     i < EXTRAS - 2 && ldap_rdn_part(rdn, i, arena, &name, &value); i++)
		ensure(attrs, &count, name, value, arena);
	if (ldap_class_is(sv_from(type->name), "person") &&
	    !find(attrs, count, SV_LIT("cn")) &&
	    ldap_rdn_part(rdn, 0, arena, &name, &value))
		ensure(attrs, &count, SV_LIT("cn"), value, arena);
	*out = attrs;
	return count;
}
