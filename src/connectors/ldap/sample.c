/*
 * sample.c - some entries below the agent's bases, or the server's
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/describe.h"
#include "connectors/survey.h"
#include "model/secret_attr.h"

#define PASS_OVER 50 /* entries of other types for one that is wanted */

struct taking {
	const char *type; /* NULL: any */
	size_t most;
	size_t seen;
	struct arena *arena;
	struct schema_sample *out;
};

static struct sv copy_value(struct berval **values, size_t i,
			    struct arena *arena)
{
	return arena_dup(arena, sv_make(values[i]->bv_val, values[i]->bv_len));
}

/* The most specific structural class, as an import finds it. */
static int type_of(struct connector_session *s, LDAPMessage *entry,
		   struct arena *arena, struct sv *out, struct error *err)
{
	struct berval **classes =
		ldap_get_values_len(s->ld, entry, "objectClass");
	size_t count = (size_t)ldap_count_values_len(classes);
	struct berval *list;
	size_t i;
	int ret = 0;

	*out = SV_NULL;
	if (!s->profile->classes_in_order)
		*out = ldap_entry_first(s->ld, entry, "structuralObjectClass",
					arena);
	if (!out->len && count && !s->profile->classes_in_order) {
		ret = ldap_subschema_load(s, err);
		list = arena_array(arena, count + 1, sizeof(*list));
		for (i = 0; i < count; i++)
			list[i] = *classes[i];
		if (ret == 0)
			*out = arena_dup(arena, ldap_subschema_structural(
							s->subschema, list));
	}
	if (!out->len && count)
		*out = copy_value(classes, count - 1, arena);
	ldap_value_free_len(classes);
	return ret;
}

static void take_value(struct connector_session *s, const char *name,
		       struct sv bytes, struct schema_object *object,
		       struct arena *arena)
{
	const struct ldap_form *form = ldap_form_of(s->profile, name);
	const struct attr_def def = { .name = name, .type = VALUE_STRING };
	struct value value;

	if (bytes.len &&
	    ldap_entry_value(form, &def, bytes, arena, &value) == 1)
		survey_sample_value(object, name, value_text(&value, arena),
				    arena);
}

static void take_attrs(struct connector_session *s, LDAPMessage *entry,
		       struct schema_object *object, struct arena *arena)
{
	BerElement *ber = NULL;
	char *name = ldap_first_attribute(s->ld, entry, &ber);

	for (; name; name = ldap_next_attribute(s->ld, entry, ber)) {
		struct berval **values =
			ldap_get_values_len(s->ld, entry, name);
		struct sv whole = sv_from(name);
		char *base = arena_cstr(
			arena, sv_sub(whole, 0, sv_find(whole, ';', 0)));
		size_t i;

		for (i = 0; values && values[i] && !attr_is_secret(base); i++)
			take_value(s, base, copy_value(values, i, arena),
				   object, arena);
		ldap_value_free_len(values);
		ldap_memfree(name);
	}
	ber_free(ber, 0);
}

static int take_entry(void *data, struct connector_session *s,
		      LDAPMessage *entry, struct error *err)
{
	struct taking *taking = data;
	struct arena *arena = taking->arena;
	struct schema_object *object;
	struct sv type;
	char *dn;

	if (type_of(s, entry, arena, &type, err) < 0)
		return -1;
	taking->seen++;
	if (type.len && (!taking->type || sv_ieq_str(type, taking->type))) {
		object = &taking->out->objects[taking->out->count++];
		object->type = arena_cstr(arena, type);
		dn = ldap_get_dn(s->ld, entry);
		object->dn = arena_dup(arena, sv_from(dn ? dn : ""));
		ldap_memfree(dn);
		if (taking->type)
			take_attrs(s, entry, object, arena);
	}
	return taking->out->count < taking->most &&
	       taking->seen / PASS_OVER <= taking->most;
}

static const char *filter_of(const struct connector_session *s,
			     const char *type, struct arena *arena)
{
	const char *filter =
		arena_cstr(arena, ldap_session_setting(s, "filter"));
	struct sv escaped;

	if (!type)
		return filter;
	escaped = ldap_filter_bytes(sv_from(type), arena);
	return ldap_filter_and(filter,
			       arena_printf(arena, "(objectClass=" SV_FMT ")",
					    SV_ARG(escaped)),
			       arena);
}

int ldap_sample(struct connector_session *s, const char *type, size_t most,
		struct arena *arena, struct schema_sample *out,
		struct error *err)
{
	char all[] = "*";
	char class[] = "objectClass";
	char structural[] = "structuralObjectClass";
	char uuid[] = "entryUUID";
	char unique[] = "nsUniqueId";
	char guid[] = "objectGUID";
	char *whole[] = { all, structural, uuid, unique, guid, NULL, NULL };
	char *classes[] = { class, structural, NULL };
	struct taking taking = { type, most, 0, arena, out };
	struct ldap_walk walk = { .scope = LDAP_SCOPE_SUBTREE,
				  .filter = filter_of(s, type, arena),
				  .attrs = type ? whole : classes,
				  .part = true,
				  .take = take_entry,
				  .data = &taking };
	struct sv *bases;
	size_t count;
	size_t i;

	if (s->anchor)
		whole[5] = arena_cstr(arena, sv_from(s->anchor));
	ldap_bases(s->config->connect, arena, &bases, &count);
	if (!count) {
		bases = s->contexts;
		count = s->context_count;
	}
	out->objects = arena_array(arena, most + 1, sizeof(*out->objects));
	for (i = 0; i < count && out->count < most; i++) {
		walk.base = arena_cstr(arena, bases[i]);
		if (ldap_walk(s, &walk, err) < 0)
			return -1;
	}
	return 0;
}
