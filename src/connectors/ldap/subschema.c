/*
 * subschema.c - classes and names of attributes as the server publishes them
 *
 * Read once: by a full import, to tell an attribute that the server does not
 * know from one that nobody has; else only when it is needed, since most
 * servers tell the structural class of an entry themselves, and most
 * configurations spell names as the server does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include <ldap_schema.h>

struct class
{
	const char *name; /* the first of its names */
	bool structural;
	struct sv superiors[4];
	size_t superior_count;
};

struct ldap_subschema {
	struct arena arena;
	VEC(struct class) classes;
	struct namemap *class_names; /* also OIDs */
	struct namemap *attr_names;  /* name or OID -> number of the type */
};

#define SCHEMA_FLAGS LDAP_SCHEMA_ALLOW_ALL

static void map_names(struct namemap *map, char **names, const char *oid,
		      size_t number)
{
	if (oid)
		namemap_put(map, sv_from(oid), number);
	for (; names && *names; names++)
		namemap_put(map, sv_from(*names), number);
}

static void add_class(struct ldap_subschema *subschema, const char *text)
{
	const char *where;
	LDAPObjectClass *parsed;
	struct class class = { 0 };
	char **superior;
	int code;

	parsed = ldap_str2objectclass(text, &code, &where, SCHEMA_FLAGS);
	if (!parsed)
		return;
	map_names(subschema->class_names, parsed->oc_names, parsed->oc_oid,
		  subschema->classes.len);
	class.name = arena_cstr(&subschema->arena,
				sv_from(parsed->oc_names && parsed->oc_names[0]
						? parsed->oc_names[0]
						: parsed->oc_oid));
	class.structural = parsed->oc_kind == LDAP_SCHEMA_STRUCTURAL;
	for (superior = parsed->oc_sup_oids;
	     superior && *superior && class.superior_count < 4; superior++)
		class.superiors[class.superior_count++] =
			arena_dup(&subschema->arena, sv_from(*superior));
	vec_push(&subschema->classes, class);
	ldap_objectclass_free(parsed);
}

static void add_type(struct ldap_subschema *subschema, const char *text,
		     size_t number)
{
	const char *where;
	LDAPAttributeType *parsed;
	int code;

	parsed = ldap_str2attributetype(text, &code, &where, SCHEMA_FLAGS);
	if (!parsed)
		return;
	map_names(subschema->attr_names, parsed->at_names, parsed->at_oid,
		  number);
	ldap_attributetype_free(parsed);
}

static void fill(struct ldap_subschema *subschema, LDAP *ld, LDAPMessage *entry)
{
	struct berval **values;
	size_t i;

	values = ldap_get_values_len(ld, entry, "objectClasses");
	for (i = 0; values && values[i]; i++)
		add_class(subschema, values[i]->bv_val);
	ldap_value_free_len(values);
	values = ldap_get_values_len(ld, entry, "attributeTypes");
	for (i = 0; values && values[i]; i++)
		add_type(subschema, values[i]->bv_val, i);
	ldap_value_free_len(values);
}

int ldap_subschema_load(struct connector_session *session, struct error *err)
{
	char classes[] = "objectClasses";
	char types[] = "attributeTypes";
	char *attrs[] = { classes, types, NULL };
	LDAPMessage *result = NULL;
	int ret = 0;

	if (session->subschema)
		return 0;
	if (session->subschema_dn)
		ret = ldap_session_read(session, session->subschema_dn,
					"(objectClass=subschema)", attrs,
					&result, err);
	if (ret < 0)
		return error_context(err, "cannot read the schema");
	session->subschema = mem_zalloc(sizeof(*session->subschema));
	session->subschema->class_names = namemap_new(true);
	session->subschema->attr_names = namemap_new(true);
	if (ret)
		fill(session->subschema, session->ld,
		     ldap_first_entry(session->ld, result));
	ldap_msgfree(result);
	return 0;
}

void ldap_subschema_free(struct ldap_subschema *subschema)
{
	if (!subschema)
		return;
	namemap_free(subschema->class_names);
	namemap_free(subschema->attr_names);
	vec_release(&subschema->classes);
	arena_release(&subschema->arena);
	mem_free(subschema);
}

static const struct class *class_of(const struct ldap_subschema *subschema,
				    struct sv name)
{
	uint64_t number;

	if (!namemap_get(subschema->class_names, name, &number))
		return NULL;
	return &subschema->classes.at[number];
}

#define MOST_CLASSES 32 /* in one chain: a schema may hold a circle */

static const struct class *superior_of(const struct ldap_subschema *subschema,
				       const struct class *class)
{
	size_t i;

	for (i = 0; i < class->superior_count; i++) {
		const struct class *superior =
			class_of(subschema, class->superiors[i]);

		if (superior && superior->structural)
			return superior;
	}
	return NULL;
}

static size_t depth_of(const struct ldap_subschema *subschema,
		       const struct class *class)
{
	size_t depth = 0;

	while (class && depth++ < MOST_CLASSES)
		class = superior_of(subschema, class);
	return depth;
}

struct sv ldap_subschema_structural(const struct ldap_subschema *subschema,
				    const struct berval *classes)
{
	struct sv best = SV_NULL;
	size_t deepest = 0;

	for (; classes && classes->bv_val; classes++) {
		const struct class *class = class_of(
			subschema, sv_make(classes->bv_val, classes->bv_len));
		size_t depth;

		if (!class || !class->structural)
			continue;
		depth = depth_of(subschema, class);
		if (depth > deepest) {
			deepest = depth;
			best = sv_from(class->name);
		}
	}
	return best;
}

bool ldap_subschema_same(const struct ldap_subschema *subschema, struct sv a,
			 struct sv b)
{
	uint64_t type_a;
	uint64_t type_b;

	return namemap_get(subschema->attr_names, a, &type_a) &&
	       namemap_get(subschema->attr_names, b, &type_b) &&
	       type_a == type_b;
}

static bool is_derived(const struct connector_session *session,
		       const char *name)
{
	const struct ldap_derived *derived = session->profile->derived;

	for (; derived && derived->name; derived++)
		if (sv_ieq_str(sv_from(name), derived->name))
			return true;
	return false;
}

/* The server would know it, whatever it has of it. */
static bool is_known(const struct connector_session *session, const char *name)
{
	struct sv plain = sv_from(name);

	plain = sv_sub(plain, 0, sv_find(plain, ';', 0)); /* no options */
	return is_derived(session, name) ||
	       namemap_get(session->subschema->attr_names, plain, NULL);
}

static void list_unknown(const struct connector_session *session,
			 struct strbuf *out)
{
	const struct connector_config *config = session->config;
	size_t i;
	size_t k;

	for (i = 0; i < config->type_count; i++) {
		const struct object_type *type = &config->types[i];

		for (k = 0; k < type->attr_count; k++)
			if (!is_known(session, type->attrs[k].name))
				strbuf_addf(out, "%s'%s' of %s",
					    out->len ? ", " : "",
					    type->attrs[k].name, type->name);
	}
}

int ldap_subschema_check(struct connector_session *session, struct error *err)
{
	struct strbuf unknown = STRBUF_INIT(300);

	if (ldap_subschema_load(session, err) < 0)
		return -1;
	if (!namemap_len(session->subschema->attr_names))
		return 0; /* it does not tell */
	list_unknown(session, &unknown);
	if (unknown.len)
		(void)error_set(err, ERR_INVALID,
				"%s: the server's schema has no attribute "
				"%s%s: correct the names in the agent's file, "
				"or leave them out",
				session->server, strbuf_cstr(&unknown),
				unknown.overflow ? " ..." : "");
	strbuf_release(&unknown);
	return err->code == ERR_NONE ? 0 : -1;
}
