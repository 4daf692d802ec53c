/*
 * ad_describe.c - types and attributes out of the schema partition
 *
 * Active Directory publishes its schema by RFC 4512, too, but says more where
 * it keeps it: which attributes only the system writes, and which way a link
 * goes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ad_private.h"
#include "connectors/ldap/describe.h"

#define CONSTRUCTED 4 /* of systemFlags: made when it is asked for */

static const struct {
	const char *syntax; /* attributeSyntax */
	enum value_type type;
	bool exact;
	const char *name; /* as Microsoft's documents have it */
} syntaxes[] = {
	{ "2.5.5.1", VALUE_REFERENCE, false, "Object(DS-DN)" },
	{ "2.5.5.2", VALUE_STRING, false, "String(Object-Identifier)" },
	{ "2.5.5.3", VALUE_STRING, true, "String(Case)" },
	{ "2.5.5.4", VALUE_STRING, false, "String(Teletex)" },
	{ "2.5.5.5", VALUE_STRING, true, "String(IA5)" },
	{ "2.5.5.6", VALUE_STRING, false, "String(Numeric)" },
	{ "2.5.5.7", VALUE_STRING, false, "Object(DN-Binary)" },
	{ "2.5.5.8", VALUE_BOOLEAN, false, "Boolean" },
	{ "2.5.5.9", VALUE_INTEGER, false, "Integer" },
	{ "2.5.5.10", VALUE_BINARY, false, "String(Octet)" },
	{ "2.5.5.11", VALUE_DATETIME, false, "String(Generalized-Time)" },
	{ "2.5.5.12", VALUE_STRING, false, "String(Unicode)" },
	{ "2.5.5.13", VALUE_STRING, false, "Object(Presentation-Address)" },
	{ "2.5.5.14", VALUE_STRING, false, "Object(DN-String)" },
	{ "2.5.5.15", VALUE_BINARY, false, "String(NT-Sec-Desc)" },
	{ "2.5.5.16", VALUE_INTEGER, false, "LargeInteger" },
	{ "2.5.5.17", VALUE_BINARY, false, "String(Sid)" },
};

struct reading {
	struct connector_session *session;
	struct arena *arena;
	VEC(struct schema_attr) attrs;
	VEC(struct schema_type) types;
	struct namemap *names; /* of attributes */
};

static struct sv text_of(const struct reading *r, LDAPMessage *entry,
			 const char *name)
{
	return ldap_entry_first(r->session->ld, entry, name, r->arena);
}

static bool is_true(const struct reading *r, LDAPMessage *entry,
		    const char *name)
{
	return sv_eq_str(text_of(r, entry, name), "TRUE");
}

static int64_t number_of(const struct reading *r, LDAPMessage *entry,
			 const char *name)
{
	int64_t number = 0;

	(void)sv_to_i64(text_of(r, entry, name), &number);
	return number;
}

static const char *help_of(const struct reading *r, LDAPMessage *entry)
{
	struct sv text = text_of(r, entry, "adminDescription");

	return text.len ? text.ptr : NULL;
}

static void add_attr(struct reading *r, LDAPMessage *entry, const char *name)
{
	const struct attr_def *known = ldap_attr_known(r->session, name);
	struct sv syntax = text_of(r, entry, "attributeSyntax");
	struct schema_attr attr = { .name = name, .type = VALUE_STRING };
	size_t i;

	attr.multi = !is_true(r, entry, "isSingleValued");
	/* the back of a link has an odd number */
	attr.read_only = is_true(r, entry, "systemOnly") ||
			 (number_of(r, entry, "systemFlags") & CONSTRUCTED) ||
			 (number_of(r, entry, "linkID") & 1);
	attr.identifies = ldap_attr_identifies(r->session, name);
	attr.syntax = syntax.ptr;
	attr.help = help_of(r, entry);
	for (i = 0; i < sizeof(syntaxes) / sizeof(*syntaxes); i++) {
		if (!sv_eq_str(syntax, syntaxes[i].syntax))
			continue;
		attr.type = syntaxes[i].type;
		attr.match = syntaxes[i].exact ? MATCH_EXACT
					       : MATCH_IGNORE_CASE;
		attr.syntax = syntaxes[i].name;
	}
	if (known) {
		attr.type = known->type;
		attr.match = known->match;
	}
	namemap_put(r->names, sv_from(name), r->attrs.len);
	vec_push(&r->attrs, attr);
}

/* --- classes ----------------------------------------------------------- */

static size_t count_values(const struct reading *r, LDAPMessage *entry,
			   const char *const *names)
{
	size_t count = 0;

	for (; *names; names++) {
		struct berval **values =
			ldap_get_values_len(r->session->ld, entry, *names);

		count += (size_t)ldap_count_values_len(values);
		ldap_value_free_len(values);
	}
	return count;
}

/* The values of several attributes as texts; ends with NULL. */
static const char **values_of(const struct reading *r, LDAPMessage *entry,
			      const char *const *names, size_t *count_out)
{
	const char **all = arena_array(
		r->arena, count_values(r, entry, names) + 1, sizeof(*all));
	size_t count = 0;
	size_t i;

	for (; *names; names++) {
		struct berval **values =
			ldap_get_values_len(r->session->ld, entry, *names);

		for (i = 0; values && values[i]; i++)
			all[count++] = arena_cstr(
				r->arena,
				sv_make(values[i]->bv_val, values[i]->bv_len));
		ldap_value_free_len(values);
	}
	*count_out = count;
	return all;
}

static void add_members(const struct reading *r, LDAPMessage *entry,
			struct schema_type *type)
{
	static const char *const must[] = { "systemMustContain", "mustContain",
					    NULL };
	static const char *const may[] = { "systemMayContain", "mayContain",
					   NULL };
	size_t required;
	size_t optional;
	const char **first = values_of(r, entry, must, &required);
	const char **second = values_of(r, entry, may, &optional);
	size_t i;

	type->member_count = required + optional;
	type->members = arena_array(r->arena, type->member_count + 1,
				    sizeof(*type->members));
	for (i = 0; i < type->member_count; i++)
		type->members[i] = (struct schema_member){
			i < required ? first[i] : second[i - required],
			i < required
		};
}

static enum schema_kind kind_of(int64_t category)
{
	if (category == 2)
		return SCHEMA_ABSTRACT;
	return category == 3 ? SCHEMA_AUXILIARY : SCHEMA_STRUCTURAL;
}

/* Auxiliary classes that belong to it for good are superiors, too. */
static void add_class(struct reading *r, LDAPMessage *entry, const char *name)
{
	static const char *const above[] = { "subClassOf",
					     "systemAuxiliaryClass",
					     "auxiliaryClass", NULL };
	struct schema_type type = { .name = name };

	type.kind = kind_of(number_of(r, entry, "objectClassCategory"));
	type.superiors = values_of(r, entry, above, &type.superior_count);
	type.help = help_of(r, entry);
	add_members(r, entry, &type);
	vec_push(&r->types, type);
}

static int take(void *data, struct connector_session *session,
		LDAPMessage *entry, struct error *err)
{
	struct reading *r = data;
	struct sv name = text_of(r, entry, "lDAPDisplayName");

	(void)session;
	(void)err;
	if (!name.len || is_true(r, entry, "isDefunct"))
		return 1;
	if (text_of(r, entry, "attributeSyntax").len)
		add_attr(r, entry, name.ptr);
	else
		add_class(r, entry, name.ptr);
	return 1;
}

/* Members that are no attributes (any more) go. */
static void finish_type(const struct reading *r, struct schema_type *type)
{
	size_t count = 0;
	size_t i;
	uint64_t at;

	for (i = 0; i < type->member_count; i++) {
		struct schema_member member = type->members[i];

		if (!namemap_get(r->names, sv_from(member.attr), &at))
			continue;
		member.attr = r->attrs.at[at].name;
		type->members[count++] = member;
	}
	type->member_count = count;
}

static void finish(const struct reading *r, struct schema *out)
{
	size_t i;

	for (i = 0; i < r->types.len; i++)
		finish_type(r, &r->types.at[i]);
	out->attr_count = r->attrs.len;
	out->attrs =
		arena_array(r->arena, r->attrs.len + 1, sizeof(*out->attrs));
	if (r->attrs.len)
		memcpy(out->attrs, r->attrs.at,
		       r->attrs.len * sizeof(*out->attrs));
	out->type_count = r->types.len;
	out->types =
		arena_array(r->arena, r->types.len + 1, sizeof(*out->types));
	if (r->types.len)
		memcpy(out->types, r->types.at,
		       r->types.len * sizeof(*out->types));
}

/* 1 found, 0 it names none, -1 */
static int find_partition(struct connector_session *s, struct arena *arena,
			  const char **out, struct error *err)
{
	char context[] = "schemaNamingContext";
	char *names[] = { context, NULL };
	LDAPMessage *result;
	struct sv dn;
	int ret = ldap_session_read(s, "", LDAP_ANYTHING, names, &result, err);

	if (ret <= 0)
		return ret;
	dn = ldap_entry_first(s->ld, ldap_first_entry(s->ld, result), context,
			      arena);
	ldap_msgfree(result);
	*out = dn.ptr;
	return dn.len > 0;
}

int ad_describe(struct connector_session *s, struct arena *arena,
		struct schema *out, struct error *err)
{
	struct reading r = { .session = s, .arena = arena };
	struct ldap_walk walk = {
		.scope = LDAP_SCOPE_ONELEVEL,
		.filter = "(|(objectClass=attributeSchema)"
			  "(objectClass=classSchema))",
		.take = take,
		.data = &r,
	};
	int ret = find_partition(s, arena, &walk.base, err);

	if (ret <= 0)
		return ret;
	r.names = namemap_new(true);
	ret = ldap_walk(s, &walk, err) < 0 ? -1 : 1;
	if (ret > 0) {
		finish(&r, out);
		out->source = walk.base;
	}
	namemap_free(r.names);
	vec_release(&r.attrs);
	vec_release(&r.types);
	return ret;
}
