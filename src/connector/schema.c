/*
 * schema.c - find things in a schema
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connector/schema.h"

#include "base/map.h"
#include "base/vec.h"

#include <strings.h>

const struct schema_attr *schema_attr_find(const struct schema *schema,
					   struct sv name)
{
	size_t i;

	for (i = 0; i < schema->attr_count; i++)
		if (sv_ieq_str(name, schema->attrs[i].name))
			return &schema->attrs[i];
	return NULL;
}

const struct schema_type *schema_type_find(const struct schema *schema,
					   struct sv name)
{
	size_t i;

	for (i = 0; i < schema->type_count; i++)
		if (sv_ieq_str(name, schema->types[i].name))
			return &schema->types[i];
	return NULL;
}

struct gather {
	const struct schema *schema;
	struct namemap *types;   /* that have been taken: a schema may hold a
				  * circle */
	struct namemap *members; /* name -> index into list */
	VEC(struct schema_member) list;
};

static void take_type(struct gather *gather, const struct schema_type *type)
{
	uint64_t at;
	size_t i;

	if (!type || namemap_get(gather->types, sv_from(type->name), NULL))
		return;
	namemap_put(gather->types, sv_from(type->name), 1);
	for (i = 0; i < type->member_count; i++) {
		const struct schema_member *member = &type->members[i];

		if (namemap_get(gather->members, sv_from(member->attr), &at) &&
		    at < gather->list.len) {
			gather->list.at[at].required |= member->required;
			continue;
		}
		namemap_put(gather->members, sv_from(member->attr),
			    gather->list.len);
		vec_push(&gather->list, *member);
	}
	for (i = 0; i < type->superior_count; i++)
		take_type(gather,
			  schema_type_find(gather->schema,
					   sv_from(type->superiors[i])));
}

static int by_name(const void *a, const void *b)
{
	const struct schema_member *left = a;
	const struct schema_member *right = b;

	return strcasecmp(left->attr, right->attr);
}

size_t schema_members(const struct schema *schema,
		      const struct schema_type *type, struct arena *arena,
		      struct schema_member **out)
{
	struct gather gather = { .schema = schema };
	size_t count;

	gather.types = namemap_new(true);
	gather.members = namemap_new(true);
	take_type(&gather, type);
	vec_sort(&gather.list, by_name);
	count = gather.list.len;
	*out = arena_array(arena, count + 1, sizeof(**out));
	if (count)
		memcpy(*out, gather.list.at, count * sizeof(**out));
	vec_release(&gather.list);
	namemap_free(gather.types);
	namemap_free(gather.members);
	return count;
}

const struct values *schema_object_values(const struct schema_object *object,
					  const char *attr)
{
	size_t i;

	for (i = 0; i < object->attr_count; i++)
		if (!strcasecmp(object->attrs[i].attr, attr))
			return &object->attrs[i].values;
	return NULL;
}
