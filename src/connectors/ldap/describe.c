/*
 * describe.c - types and attributes as the server publishes them (RFC 4512)
 *
 * For people who set an agent up. What conjoin knows of an attribute by its
 * name goes before what the server says of its type, because that is how it is
 * read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/describe.h"

#include "connectors/ldap_schema.h"

#include <ldap_schema.h>

#define SCHEMA_FLAGS LDAP_SCHEMA_ALLOW_ALL
#define SYNTAX       "1.3.6.1.4.1.1466.115.121.1."
#define MOST_ABOVE   16 /* superiors of an attribute: there may be a circle */

/* --- attributes -------------------------------------------------------- */

static const struct {
	const char *oid;
	enum value_type type;
} syntaxes[] = {
	{ SYNTAX "4", VALUE_BINARY }, /* audio */
	{ SYNTAX "5", VALUE_BINARY },
	{ SYNTAX "7", VALUE_BOOLEAN },
	{ SYNTAX "8", VALUE_BINARY }, /* certificates and lists of them */
	{ SYNTAX "9", VALUE_BINARY },
	{ SYNTAX "10", VALUE_BINARY },
	{ SYNTAX "12", VALUE_REFERENCE },
	{ SYNTAX "23", VALUE_BINARY }, /* fax */
	{ SYNTAX "24", VALUE_DATETIME },
	{ SYNTAX "27", VALUE_INTEGER },
	{ SYNTAX "28", VALUE_BINARY },    /* JPEG */
	{ SYNTAX "34", VALUE_REFERENCE }, /* name and optional UID */
	{ SYNTAX "40", VALUE_BINARY },    /* octets */
	{ SYNTAX "53", VALUE_DATETIME },
};

static enum value_type type_of_syntax(const char *oid)
{
	size_t i;

	for (i = 0; oid && i < sizeof(syntaxes) / sizeof(*syntaxes); i++)
		if (!strcmp(oid, syntaxes[i].oid))
			return syntaxes[i].type;
	return VALUE_STRING;
}

static bool starts(const char *text, const char *with)
{
	return text && sv_starts(sv_from(text), sv_from(with));
}

static enum match_rule match_of(const char *rule)
{
	return starts(rule, "caseExact") || starts(rule, "octetString") ||
			       starts(rule, "2.5.13.5") ||
			       starts(rule, "2.5.13.17")
		       ? MATCH_EXACT
		       : MATCH_IGNORE_CASE;
}

const struct attr_def *ldap_attr_known(const struct connector_session *session,
				       const char *name)
{
	const struct attr_def *def = session->known;

	if (def == ldap_known_attrs)
		return ldap_known_attr(sv_from(name)); /* aliases, too */
	for (; def && def->name; def++)
		if (sv_ieq_str(sv_from(name), def->name))
			return def;
	return NULL;
}

bool ldap_attr_identifies(const struct connector_session *session,
			  const char *name)
{
	static const char *const names[] = { "entryUUID", "nsUniqueId",
					     "objectGUID", "ibm-entryuuid" };
	struct sv anchor =
		setting_text(NULL, session->profile->settings, "anchor");
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (sv_ieq_str(sv_from(name), names[i]))
			return true;
	return sv_ieq_str(anchor, name);
}

struct types {
	struct arena *arena;
	struct namemap *names; /* names and OIDs -> index of an attribute */
	LDAPAttributeType **parsed;
	struct schema_attr *attrs;
	size_t count;
};

static const char *copy(struct arena *arena, const char *text)
{
	return text ? arena_cstr(arena, sv_from(text)) : NULL;
}

static const LDAPAttributeType *superior_of(const struct types *types,
					    const LDAPAttributeType *type)
{
	uint64_t at;

	if (!type->at_sup_oid ||
	    !namemap_get(types->names, sv_from(type->at_sup_oid), &at))
		return NULL;
	return types->parsed[at];
}

/* Syntax and matching rule are those of the superior when it has none. */
static void finish_attr(const struct types *types,
			const struct connector_session *s,
			const LDAPAttributeType *type, struct schema_attr *out)
{
	const struct attr_def *known = ldap_attr_known(s, out->name);
	const LDAPAttributeType *above = type;
	size_t depth;

	for (depth = 0; above && depth < MOST_ABOVE; depth++) {
		if (!out->syntax)
			out->syntax = copy(types->arena, above->at_syntax_oid);
		if (!out->equality)
			out->equality =
				copy(types->arena, above->at_equality_oid);
		above = superior_of(types, above);
	}
	out->type = known ? known->type : type_of_syntax(out->syntax);
	out->match = known ? known->match : match_of(out->equality);
}

static void add_attr(struct types *types, const struct connector_session *s,
		     const struct berval *text)
{
	const char *where;
	int code;
	LDAPAttributeType *type = ldap_str2attributetype(text->bv_val, &code,
							 &where, SCHEMA_FLAGS);
	struct schema_attr *out = &types->attrs[types->count];
	char **name;

	if (!type)
		return;
	out->name = copy(types->arena, type->at_names && type->at_names[0]
					       ? type->at_names[0]
					       : type->at_oid);
	out->multi = !type->at_single_value;
	out->read_only = type->at_no_user_mod;
	out->identifies = ldap_attr_identifies(s, out->name);
	out->help = copy(types->arena, type->at_desc);
	if (type->at_oid)
		namemap_put(types->names, sv_from(type->at_oid), types->count);
	for (name = type->at_names; name && *name; name++)
		namemap_put(types->names, sv_from(*name), types->count);
	types->parsed[types->count++] = type;
}

static void read_attrs(struct types *types, const struct connector_session *s,
		       LDAPMessage *entry, struct schema *out)
{
	struct berval **texts =
		ldap_get_values_len(s->ld, entry, "attributeTypes");
	size_t count = (size_t)ldap_count_values_len(texts);
	size_t i;

	types->attrs =
		arena_array(types->arena, count + 1, sizeof(*types->attrs));
	types->parsed = arena_array(types->arena, count + 1,
				    sizeof(LDAPAttributeType *));
	for (i = 0; i < count; i++)
		add_attr(types, s, texts[i]);
	ldap_value_free_len(texts);
	for (i = 0; i < types->count; i++)
		finish_attr(types, s, types->parsed[i], &types->attrs[i]);
	out->attrs = types->attrs;
	out->attr_count = types->count;
}

/* --- classes ----------------------------------------------------------- */

static size_t count_names(char **names)
{
	size_t count = 0;

	while (names && names[count])
		count++;
	return count;
}

static void add_members(const struct types *types, char **names, bool required,
			struct schema_type *out)
{
	uint64_t at;

	for (; names && *names; names++)
		if (namemap_get(types->names, sv_from(*names), &at))
			out->members[out->member_count++] =
				(struct schema_member){ types->attrs[at].name,
							required };
}

static enum schema_kind kind_of(const LDAPObjectClass *class)
{
	if (class->oc_kind == LDAP_SCHEMA_ABSTRACT)
		return SCHEMA_ABSTRACT;
	return class->oc_kind == LDAP_SCHEMA_AUXILIARY ? SCHEMA_AUXILIARY
						       : SCHEMA_STRUCTURAL;
}

static void add_class(const struct types *types, const struct berval *text,
		      struct schema *out)
{
	struct arena *arena = types->arena;
	const char *where;
	int code;
	LDAPObjectClass *class =
		ldap_str2objectclass(text->bv_val, &code, &where, SCHEMA_FLAGS);
	struct schema_type *type = &out->types[out->type_count];
	size_t superiors;
	size_t i;

	if (!class)
		return;
	superiors = count_names(class->oc_sup_oids);
	out->type_count++;
	type->name = copy(arena, class->oc_names && class->oc_names[0]
					 ? class->oc_names[0]
					 : class->oc_oid);
	type->kind = kind_of(class);
	type->help = copy(arena, class->oc_desc);
	type->superiors =
		arena_array(arena, superiors + 1, sizeof(*type->superiors));
	for (i = 0; i < superiors; i++)
		type->superiors[i] = copy(arena, class->oc_sup_oids[i]);
	type->superior_count = superiors;
	type->members =
		arena_array(arena,
			    count_names(class->oc_at_oids_must) +
				    count_names(class->oc_at_oids_may) + 1,
			    sizeof(*type->members));
	add_members(types, class->oc_at_oids_must, true, type);
	add_members(types, class->oc_at_oids_may, false, type);
	ldap_objectclass_free(class);
}

static void read_classes(const struct types *types,
			 const struct connector_session *s, LDAPMessage *entry,
			 struct schema *out)
{
	struct berval **texts =
		ldap_get_values_len(s->ld, entry, "objectClasses");
	size_t count = (size_t)ldap_count_values_len(texts);
	size_t i;

	out->types = arena_array(types->arena, count + 1, sizeof(*out->types));
	for (i = 0; i < count; i++)
		add_class(types, texts[i], out);
	ldap_value_free_len(texts);
}

static int read_subschema(struct connector_session *s, struct arena *arena,
			  struct schema *out, struct error *err)
{
	char classes[] = "objectClasses";
	char attrs[] = "attributeTypes";
	char *names[] = { classes, attrs, NULL };
	struct types types = { .arena = arena };
	LDAPMessage *result = NULL;
	LDAPMessage *entry;
	size_t i;
	int ret = 0;

	if (s->subschema_dn)
		ret = ldap_session_read(s, s->subschema_dn,
					"(objectClass=subschema)", names,
					&result, err);
	if (ret < 0)
		return -1;
	if (!ret)
		return error_set(err, ERR_UNSUPPORTED,
				 "%s: the server does not publish its schema, "
				 "or the agent's account may not read it",
				 s->server);
	types.names = namemap_new(true);
	entry = ldap_first_entry(s->ld, result);
	read_attrs(&types, s, entry, out);
	read_classes(&types, s, entry, out);
	out->source = copy(arena, s->subschema_dn);
	for (i = 0; i < types.count; i++)
		ldap_attributetype_free(types.parsed[i]);
	namemap_free(types.names);
	ldap_msgfree(result);
	return 0;
}

/* --- where objects lie ------------------------------------------------- */

/* The server's own affairs. */
static bool is_inner(struct sv context)
{
	static const char *const names[] = {
		"cn=config",         "cn=schema",         "cn=configuration",
		"cn=monitor",        "cn=changelog",      "o=netscaperoot",
		"dc=domaindnszones", "dc=forestdnszones", "cn=accesslog",
	};
	size_t end = sv_find(context, ',', 0);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (sv_ieq_str(sv_sub(context, 0, end), names[i]))
			return true;
	return false;
}

static void propose_base(struct schema *out, const char *base, const char *why)
{
	size_t i;

	for (i = 0; i < out->setting_count; i++)
		if (sv_ieq_str(sv_from(base), out->settings[i].value))
			return;
	out->settings[out->setting_count++] =
		(struct schema_setting){ "base", base, why };
}

static int propose_bases(struct connector_session *s, struct arena *arena,
			 struct schema *out, struct error *err)
{
	char usual[] = "defaultNamingContext";
	char *names[] = { usual, NULL };
	LDAPMessage *result;
	struct sv first;
	size_t i;
	int ret = ldap_session_read(s, "", LDAP_ANYTHING, names, &result, err);

	if (ret < 0)
		return -1;
	out->settings = arena_array(arena, s->context_count + 1,
				    sizeof(*out->settings));
	if (ret) {
		first = ldap_entry_first(s->ld, ldap_first_entry(s->ld, result),
					 usual, arena);
		ldap_msgfree(result);
		if (first.len)
			propose_base(out, first.ptr,
				     "the server's default naming context");
	}
	for (i = 0; i < s->context_count; i++)
		if (s->contexts[i].len && !is_inner(s->contexts[i]))
			propose_base(out, arena_cstr(arena, s->contexts[i]),
				     "a naming context of the server");
	return 0;
}

int ldap_describe(struct connector_session *s, struct arena *arena,
		  struct schema *out, struct error *err)
{
	int ret = 0;

	if (s->profile->describe)
		ret = s->profile->describe(s, arena, out, err);
	if (ret == 0)
		ret = read_subschema(s, arena, out, err);
	return ret < 0 ? -1 : propose_bases(s, arena, out, err);
}
