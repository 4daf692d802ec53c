/*
 * ldif_map.c - lines and modifications as attributes of an object type
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif_map.h"

#include "base/text.h"
#include "connectors/ldap_schema.h"
#include "model/dn.h"

#include <string.h>

int ldif_map_type_name(struct sv name, const struct object_type *types,
		       size_t type_count, size_t *out)
{
	size_t i;

	for (i = 0; i < type_count; i++) {
		if (sv_ieq_str(name, types[i].name)) {
			*out = i;
			return 1;
		}
	}
	return 0;
}

int ldif_map_type(const struct ldif_line *lines, size_t count,
		  const struct object_type *types, size_t type_count,
		  size_t *out)
{
	while (count-- > 0)
		if (sv_ieq_str(lines[count].name, "objectClass") &&
		    ldif_map_type_name(lines[count].value, types, type_count,
				       out))
			return 1;
	return 0;
}

struct value ldif_map_value(const struct attr_def *def, struct sv value)
{
	if (def->type == VALUE_BINARY || !text_is_utf8(value))
		return value_binary(value);
	return value_string(value);
}

#define NOT_WANTED SIZE_MAX

/* As object_type_attr; `guess` is looked at first: entries have their
 * attributes in the same order, mostly. */
static int find_attr(const struct object_type *type, struct sv name,
		     size_t guess, size_t *out)
{
	if (guess < type->attr_count &&
	    sv_ieq_str(name, type->attrs[guess].name)) {
		*out = guess;
		return 1;
	}
	return object_type_attr(type, name, out);
}

void ldif_map_lines(const struct object_type *type,
		    const struct ldif_line *lines, size_t count,
		    struct arena *arena, struct change *change)
{
	size_t *wanted = arena_alloc(arena, (count + 1) * sizeof(*wanted));
	size_t *place =
		arena_alloc(arena, (type->attr_count + 1) * sizeof(*place));
	struct attr_change *attrs;
	size_t guess = 0;
	size_t i;

	for (i = 0; i < type->attr_count; i++)
		place[i] = NOT_WANTED;
	attrs = arena_array(arena, type->attr_count, sizeof(*attrs));
	for (i = 0; i < count; i++) {
		struct attr_change *attr;

		if (!find_attr(type, lines[i].name, guess, &wanted[i])) {
			wanted[i] = NOT_WANTED;
			continue;
		}
		guess = wanted[i] + 1;
		if (place[wanted[i]] == NOT_WANTED)
			place[wanted[i]] = change->attr_count++;
		attr = &attrs[place[wanted[i]]];
		attr->attr = wanted[i];
		attr->values.len++;
	}
	for (i = 0; i < change->attr_count; i++) {
		attrs[i].values.at = arena_alloc(
			arena, attrs[i].values.len * sizeof(struct value));
		attrs[i].values.len = 0;
	}
	for (i = 0; i < count; i++) {
		struct values *values;

		if (wanted[i] == NOT_WANTED)
			continue;
		values = &attrs[place[wanted[i]]].values;
		values->at[values->len++] =
			ldif_map_value(&type->attrs[wanted[i]], lines[i].value);
	}
	change->attrs = attrs;
}

/* Room for `count` more attributes. */
static void more_attrs(struct change *change, size_t count, struct arena *arena)
{
	struct attr_change *attrs =
		arena_array(arena, change->attr_count + count, sizeof(*attrs));

	if (change->attr_count)
		memcpy(attrs, change->attrs,
		       change->attr_count * sizeof(*attrs));
	change->attrs = attrs;
}

static void add_attr(const struct object_type *type, size_t attr,
		     enum attr_op op, const struct sv *values, size_t count,
		     struct arena *arena, struct change *change)
{
	struct attr_change *out = &change->attrs[change->attr_count++];
	size_t i;

	out->attr = attr;
	out->op = op;
	out->values.len = count;
	out->values.at = arena_array(arena, count, sizeof(*out->values.at));
	for (i = 0; i < count; i++)
		out->values.at[i] =
			ldif_map_value(&type->attrs[attr], values[i]);
}

void ldif_map_mods(const struct object_type *type, const struct ldif_mod *mods,
		   size_t count, struct arena *arena, struct change *change)
{
	size_t attr;
	size_t i;

	more_attrs(change, count, arena);
	for (i = 0; i < count; i++)
		if (object_type_attr(type, mods[i].name, &attr))
			add_attr(type, attr, mods[i].op, mods[i].values,
				 mods[i].count, arena, change);
}

#define RDN_PARTS 8

static void map_rdn(const struct object_type *type, struct sv dn,
		    enum attr_op op, struct arena *arena, struct change *change)
{
	struct sv rdn;
	struct sv parent;
	struct sv name;
	struct sv value;
	size_t attr;
	size_t i;

	if (!dn_split(dn, &rdn, &parent))
		return;
	more_attrs(change, RDN_PARTS, arena);
	for (i = 0;
	     i < RDN_PARTS && ldap_rdn_part(rdn, i, arena, &name, &value); i++)
		if (object_type_attr(type, name, &attr))
			add_attr(type, attr, op, &value, 1, arena, change);
}

void ldif_map_rename(const struct object_type *type,
		     const struct ldif_record *record, struct arena *arena,
		     struct change *change)
{
	if (record->delete_old)
		map_rdn(type, record->dn, ATTR_DELETE, arena, change);
	map_rdn(type, record->new_dn, ATTR_ADD, arena, change);
}
