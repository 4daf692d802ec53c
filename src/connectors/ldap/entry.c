/*
 * entry.c - an entry that was read becomes a change
 *
 * The type of an entry is its most specific structural class: as the server
 * says (structuralObjectClass), else by its schema, else the last of the
 * entry's classes that is configured. An entry of another type, or one that
 * only lies above included ones, is a container. A value that does not fit its
 * type makes the object an error; the others are not touched by it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "base/text.h"
#include "connectors/ldap_schema.h"

#define NONE SIZE_MAX

enum { WANT_CLASS, WANT_STRUCTURAL, WANT_UUID, WANT_ANCHOR };

static void want(struct ldap_wanted *wanted, const char *name,
		 struct arena *arena)
{
	struct sv text = sv_from(name);

	if (namemap_get(wanted->map, text, NULL))
		return;
	namemap_put(wanted->map, text, wanted->count);
	wanted->bases[wanted->count] = arena_cstr(arena, text);
	wanted->names[wanted->count] = wanted->bases[wanted->count];
	wanted->count++;
}

static const struct ldap_derived *
derived_of(const struct connector_session *session, const char *name)
{
	const struct ldap_derived *derived = session->profile->derived;

	for (; derived && derived->name; derived++)
		if (sv_ieq_str(sv_from(name), derived->name))
			return derived;
	return NULL;
}

/* What is made of others is not asked for; values that may be many are, in
 * parts. */
static void want_attr(struct ldap_wanted *wanted,
		      const struct connector_session *session,
		      const struct attr_def *def, size_t range_size,
		      struct arena *arena)
{
	const struct ldap_derived *derived = derived_of(session, def->name);
	size_t before = wanted->count;

	if (derived) {
		want(wanted, derived->from[0], arena);
		want(wanted, derived->from[1], arena);
		return;
	}
	want(wanted, def->name, arena);
	if (range_size && wanted->count > before && def->multi &&
	    def->type == VALUE_REFERENCE)
		wanted->names[before] = arena_printf(arena, "%s;range=0-%zu",
						     def->name, range_size - 1);
}

static void want_always(struct ldap_wanted *wanted,
			const struct connector_session *session,
			struct arena *arena)
{
	want(wanted, "objectClass", arena);
	want(wanted, "structuralObjectClass", arena);
	want(wanted, "entryUUID", arena);
	if (session->anchor)
		want(wanted, session->anchor, arena);
}

void ldap_wanted_init(struct ldap_wanted *wanted,
		      const struct connector_session *session,
		      struct arena *arena)
{
	const struct connector_config *config = session->config;
	size_t range_size =
		session->profile->ranges
			? (size_t)ldap_session_number(session, "range_size")
			: 0;
	size_t most = 5;
	size_t i;
	size_t k;

	for (i = 0; i < config->type_count; i++)
		most += 2 * config->types[i].attr_count;
	wanted->names = arena_array(arena, most, sizeof(*wanted->names));
	wanted->bases = arena_array(arena, most, sizeof(*wanted->bases));
	wanted->map = namemap_new(true);
	want_always(wanted, session, arena);
	for (i = 0; i < config->type_count; i++)
		for (k = 0; k < config->types[i].attr_count; k++)
			want_attr(wanted, session, &config->types[i].attrs[k],
				  range_size, arena);
}

void ldap_wanted_identity(struct ldap_wanted *wanted,
			  const struct connector_session *session,
			  struct arena *arena)
{
	wanted->names = arena_array(arena, 5, sizeof(*wanted->names));
	wanted->bases = arena_array(arena, 5, sizeof(*wanted->bases));
	wanted->map = namemap_new(true);
	want_always(wanted, session, arena);
}

void ldap_wanted_release(struct ldap_wanted *wanted)
{
	namemap_free(wanted->map);
	wanted->map = NULL;
}

/* A name that was not asked for as such: an alias of one that was? */
static int find_alias(struct connector_session *session,
		      struct ldap_wanted *wanted, struct sv name, size_t *out,
		      struct error *err)
{
	const struct attr_def *known = ldap_known_attr(name);
	size_t i;

	*out = NONE;
	if (sv_find(name, ';', 0) < name.len)
		return 0;
	if (ldap_subschema_load(session, err) < 0)
		return -1;
	for (i = 0; i < wanted->count && *out == NONE; i++) {
		struct sv other = sv_from(wanted->names[i]);

		if ((known && known == ldap_known_attr(other) &&
		     sv_find(other, ';', 0) == other.len) ||
		    ldap_subschema_same(session->subschema, name, other))
			*out = i;
	}
	return 0;
}

/* Which of the wanted names the server's `name` is; NONE: none. */
static int find_wanted(struct connector_session *session,
		       struct ldap_wanted *wanted, struct sv name, size_t *out,
		       struct error *err)
{
	struct sv binary = SV_LIT(";binary");
	uint64_t index;

	if (namemap_get(wanted->map, name, &index)) {
		*out = (size_t)index;
		return 0;
	}
	if (sv_ends(name, binary) &&
	    namemap_get(wanted->map, sv_sub(name, 0, name.len - binary.len),
			&index))
		*out = (size_t)index;
	else if (find_alias(session, wanted, name, out, err) < 0)
		return -1;
	namemap_put(wanted->map, name, *out);
	return 0;
}

/* An entry as it was received: values by the index of their wanted name. */
struct raw {
	struct sv dn;
	struct berval **values; /* of each wanted name, or NULL */
	size_t *next;           /* where values are missing: from this one */
	size_t count;
	BerElement *ber;
};

static void raw_release(struct raw *raw)
{
	size_t i;

	for (i = 0; i < raw->count; i++)
		ber_memfree(raw->values[i]);
	ber_free(raw->ber, 0);
}

static int raw_begin(struct connector_session *session, LDAPMessage *entry,
		     struct raw *raw, struct error *err)
{
	struct berval dn;
	int code;

	*raw = (struct raw){ .count = 0 };
	code = ldap_get_dn_ber(session->ld, entry, &raw->ber, &dn);
	if (code)
		return ldap_session_error(session, code, "read an entry", err);
	raw->dn = sv_make(dn.bv_val, dn.bv_len);
	return 0;
}

static bool has_more(const struct berval *old, const struct berval *values)
{
	return values && (!old || (!old->bv_val && values->bv_val));
}

/* Reads those values that did not come with the entry. */
static int raw_complete(struct connector_session *session,
			const struct ldap_wanted *wanted, struct raw *raw,
			struct arena *arena, struct error *err)
{
	size_t i;

	for (i = 0; i < raw->count; i++)
		if (raw->next[i] &&
		    ldap_range_read(session, arena_cstr(arena, raw->dn),
				    wanted->bases[i], raw->next[i], arena,
				    &raw->values[i], err) < 0)
			return -1;
	return 0;
}

static int raw_read(struct connector_session *session,
		    struct ldap_wanted *wanted, LDAPMessage *entry,
		    struct arena *arena, struct raw *raw, struct error *err)
{
	struct berval name;
	struct berval *values;
	struct sv text;
	size_t index;
	size_t next;
	int code;

	raw->count = wanted->count;
	raw->values = arena_array(arena, wanted->count, sizeof(*raw->values));
	raw->next = arena_array(arena, wanted->count, sizeof(*raw->next));
	for (;;) {
		code = ldap_get_attribute_ber(session->ld, entry, raw->ber,
					      &name, &values);
		if (code)
			return ldap_session_error(session, code,
						  "read an entry", err);
		if (!name.bv_val)
			return 0;
		text = sv_make(name.bv_val, name.bv_len);
		next = 0;
		if (session->profile->ranges)
			(void)ldap_range_name(text, &text, &next);
		if (find_wanted(session, wanted, text, &index, err) < 0) {
			ber_memfree(values);
			return -1;
		}
		/* where values come in parts, the plain name comes without */
		if (index == NONE || !has_more(raw->values[index], values)) {
			ber_memfree(values);
			continue;
		}
		ber_memfree(raw->values[index]);
		raw->values[index] = values;
		raw->next[index] = next;
	}
}

static struct sv first_of(const struct berval *values)
{
	if (!values || !values->bv_val)
		return SV_NULL;
	return sv_make(values->bv_val, values->bv_len);
}

static struct sv last_of(const struct berval *values)
{
	if (!values || !values->bv_val)
		return SV_NULL;
	while (values[1].bv_val)
		values++;
	return first_of(values);
}

static bool find_type(const struct connector_config *config, struct sv name,
		      size_t *type_out)
{
	size_t i;

	for (i = 0; i < config->type_count; i++) {
		if (sv_ieq_str(name, config->types[i].name)) {
			*type_out = i;
			return true;
		}
	}
	return false;
}

/* 1: the entry is of a configured type; 0: of another; -1. */
static int type_of(struct connector_session *session, const struct raw *raw,
		   size_t *type_out, struct error *err)
{
	const struct berval *classes = raw->values[WANT_CLASS];
	struct sv name = first_of(raw->values[WANT_STRUCTURAL]);
	bool found = false;

	if (session->profile->classes_in_order)
		return find_type(session->config, last_of(classes), type_out);

	if (!name.len) {
		if (ldap_subschema_load(session, err) < 0)
			return -1;
		name = ldap_subschema_structural(session->subschema, classes);
	}
	if (name.len)
		return find_type(session->config, name, type_out);
	for (; classes && classes->bv_val; classes++)
		if (find_type(session->config, first_of(classes), type_out))
			found = true;
	return found;
}

static void object_error(struct change *out, const char *error,
			 const char *message)
{
	out->op = CHANGE_ERROR;
	out->error = error;
	out->message = sv_from(message);
	out->where = out->dn;
}

/* The anchor; false when the entry has none or several: `out` says so. */
static bool set_anchor(const struct connector_session *session,
		       const struct raw *raw, const struct ldap_wanted *wanted,
		       struct arena *arena, struct change *out)
{
	const struct berval *values;
	uint64_t index = WANT_UUID;
	struct sv bytes;

	if (!session->anchor) {
		out->anchor = out->dn;
		return true;
	}
	(void)namemap_get(wanted->map, sv_from(session->anchor), &index);
	values = raw->values[index];
	if (!first_of(values).len && out->container)
		values = raw->values[WANT_UUID];
	bytes = first_of(values);
	out->anchor = ldap_anchor_text(session, bytes, arena);
	if (out->container)
		return true;
	if (!out->anchor.len)
		object_error(out, "missing-anchor-component",
			     arena_printf(arena,
					  "the entry has no '%s', which is its "
					  "anchor",
					  session->anchor));
	else if (values[1].bv_val)
		object_error(out, "multi-valued-anchor-component",
			     arena_printf(arena,
					  "the entry has several values of "
					  "'%s', which is its anchor",
					  session->anchor));
	return out->op != CHANGE_ERROR;
}

int ldap_entry_value(const struct ldap_form *form, const struct attr_def *def,
		     struct sv bytes, struct arena *arena, struct value *out)
{
	bool text = def->type == VALUE_STRING || def->type == VALUE_NULL;

	if (form && form->read)
		return form->read(def, bytes, arena, out);
	if (!text)
		return value_parse(def->type, bytes, def->format, out);
	*out = text_is_utf8(bytes) ? value_string(bytes) : value_binary(bytes);
	return 1;
}

static const char *value_error(enum value_type type)
{
	if (type == VALUE_INTEGER)
		return "invalid-numeric-value";
	if (type == VALUE_BOOLEAN)
		return "invalid-boolean-value";
	return "invalid-attribute-value";
}

/* False: a value does not fit, `out` says which. */
static bool set_values(const struct ldap_form *form, const struct attr_def *def,
		       const struct berval *from, struct values *values,
		       struct arena *arena, struct change *out)
{
	size_t count = 0;
	size_t i;

	while (from[count].bv_val)
		count++;
	values->at = arena_array(arena, count, sizeof(*values->at));
	values->len = 0;
	for (i = 0; i < count; i++) {
		struct sv copy = arena_dup(
			arena, sv_make(from[i].bv_val, from[i].bv_len));
		int ret = ldap_entry_value(form, def, copy, arena,
					   &values->at[values->len]);

		if (ret == 1)
			values->len++;
		if (ret)
			continue;
		object_error(out, value_error(def->type),
			     arena_printf(arena,
					  "'%s' has the value '%.100s', which "
					  "is no %s",
					  def->name, copy.ptr,
					  value_type_name(def->type)));
		return false;
	}
	return true;
}

/* 1 made, 0 there is none, -1 */
static int set_derived(struct connector_session *session,
		       const struct ldap_derived *derived,
		       const struct raw *raw, const struct ldap_wanted *wanted,
		       struct values *values, struct arena *arena,
		       struct error *err)
{
	struct sv from[2];
	uint64_t index = 0;
	size_t i;

	for (i = 0; i < 2; i++) {
		(void)namemap_get(wanted->map, sv_from(derived->from[i]),
				  &index);
		from[i] = first_of(raw->values[index]);
		if (!from[i].len)
			return 0;
	}
	values->at = arena_alloc(arena, sizeof(*values->at));
	values->len = 1;
	return derived->make(session, from, arena, values->at, err);
}

/* 1 set, 0 it has no values, -1; of a value that does not fit `out` tells. */
static int set_attr(struct connector_session *session,
		    const struct attr_def *def, const struct raw *raw,
		    const struct ldap_wanted *wanted, struct values *values,
		    struct arena *arena, struct change *out, struct error *err)
{
	const struct ldap_derived *derived = derived_of(session, def->name);
	uint64_t index;

	if (derived)
		return set_derived(session, derived, raw, wanted, values, arena,
				   err);
	if (!namemap_get(wanted->map, sv_from(def->name), &index) ||
	    !first_of(raw->values[index]).ptr ||
	    !set_values(ldap_form_of(session->profile, def->name), def,
			raw->values[index], values, arena, out))
		return 0;
	return values->len > 0;
}

static int set_attrs(struct connector_session *session,
		     const struct object_type *type, const struct raw *raw,
		     const struct ldap_wanted *wanted, struct arena *arena,
		     struct change *out, struct error *err)
{
	size_t i;

	out->attrs = arena_array(arena, type->attr_count, sizeof(*out->attrs));
	for (i = 0; i < type->attr_count && out->op != CHANGE_ERROR; i++) {
		struct attr_change *attr = &out->attrs[out->attr_count];
		int ret = set_attr(session, &type->attrs[i], raw, wanted,
				   &attr->values, arena, out, err);

		if (ret < 0)
			return -1;
		attr->attr = i;
		attr->op = ATTR_REPLACE;
		out->attr_count += ret > 0;
	}
	if (out->op == CHANGE_ERROR)
		out->attr_count = 0;
	return 0;
}

static int to_change(struct connector_session *session,
		     struct ldap_wanted *wanted, bool container,
		     const struct raw *raw, struct arena *arena,
		     struct change *out, struct error *err)
{
	int ret = 0;

	*out = (struct change){ .op = CHANGE_OBJECT,
				.dn = arena_dup(arena, raw->dn) };
	out->where = out->dn;
	if (!container)
		ret = type_of(session, raw, &out->type, err);
	if (ret < 0)
		return -1;
	out->container = !ret;
	if (set_anchor(session, raw, wanted, arena, out) && !out->container &&
	    set_attrs(session, &session->config->types[out->type], raw, wanted,
		      arena, out, err) < 0)
		return -1;
	return 1;
}

/* The server gave what lies in an excluded part of the tree. */
static int filtered(const struct raw *raw, struct arena *arena,
		    struct change *out)
{
	*out = (struct change){
		.op = CHANGE_FILTERED,
		.dn = arena_dup(arena, raw->dn),
		.message = SV_LIT("it lies outside of what is included"),
	};
	return 1;
}

/* Where it lies in the partition that the search is of, or in whichever. */
static enum ldap_place place_of(struct connector_session *session,
				const struct ldap_search *search, struct sv dn)
{
	const struct ldap_import *import = session->import;
	enum ldap_place best = LDAP_OUTSIDE;
	size_t i;

	if (search->partition)
		best = ldap_place_of(search->partition, dn, &session->scratch);
	for (i = 0; !search->partition && i < import->partition_count; i++) {
		enum ldap_place place = ldap_place_of(&import->partitions[i],
						      dn, &session->scratch);

		if (place > best)
			best = place;
	}
	arena_reset(&session->scratch);
	return best;
}

/* It was this agent's, or was not: the anchor tells. */
static int gone(struct connector_session *session, struct ldap_wanted *wanted,
		struct raw *raw, LDAPMessage *entry, struct arena *arena,
		struct change *out, struct error *err)
{
	if (raw_read(session, wanted, entry, arena, raw, err) < 0)
		return -1;
	*out = (struct change){ .container = true };
	(void)set_anchor(session, raw, wanted, arena, out);
	*out = (struct change){ .op = CHANGE_DELETE, .anchor = out->anchor };
	return out->anchor.len > 0;
}

int ldap_entry_change(struct connector_session *session,
		      struct ldap_wanted *wanted,
		      const struct ldap_search *search, LDAPMessage *entry,
		      struct arena *arena, struct change *out,
		      struct error *err)
{
	enum ldap_place place;
	struct raw raw;
	int ret;

	if (raw_begin(session, entry, &raw, err) < 0)
		return -1;
	place = place_of(session, search, raw.dn);
	if (search->means == LDAP_MEANS_GONE ||
	    (place == LDAP_OUTSIDE && search->moved))
		ret = gone(session, wanted, &raw, entry, arena, out, err);
	else if (place == LDAP_OUTSIDE)
		ret = search->partition ? filtered(&raw, arena, out) : 0;
	else if (raw_read(session, wanted, entry, arena, &raw, err) < 0 ||
		 raw_complete(session, wanted, &raw, arena, err) < 0)
		ret = -1;
	else
		ret = to_change(session, wanted,
				search->means == LDAP_MEANS_CONTAINERS ||
					place == LDAP_ANCESTOR,
				&raw, arena, out, err);
	raw_release(&raw);
	return ret;
}

struct sv ldap_entry_first(LDAP *ld, LDAPMessage *entry, const char *name,
			   struct arena *arena)
{
	struct berval **values = ldap_get_values_len(ld, entry, name);
	struct sv out = SV_NULL;

	if (values && values[0])
		out = arena_dup(arena,
				sv_make(values[0]->bv_val, values[0]->bv_len));
	ldap_value_free_len(values);
	return out;
}

struct sv ldap_anchor_text(const struct connector_session *session,
			   struct sv bytes, struct arena *arena)
{
	const struct ldap_form *form =
		ldap_form_of(session->profile, session->anchor);
	const struct attr_def def = { .name = session->anchor,
				      .type = VALUE_STRING };
	struct value value;

	if (!bytes.len || !form || !form->read)
		return arena_dup(arena, bytes);
	return form->read(&def, bytes, arena, &value) == 1 ? value.text
							   : SV_NULL;
}

struct sv ldap_entry_anchor(const struct connector_session *session,
			    LDAPMessage *entry, struct arena *arena)
{
	return ldap_anchor_text(
		session,
		ldap_entry_first(session->ld, entry, session->anchor, arena),
		arena);
}
