/*
 * object.c - look up attributes of an object type
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model/object.h"

int object_type_attr(const struct object_type *type, struct sv name,
		     size_t *index_out)
{
	size_t i;

	for (i = 0; i < type->attr_count; i++) {
		if (sv_ieq_str(name, type->attrs[i].name)) {
			*index_out = i;
			return 1;
		}
	}
	return 0;
}
