/*
 * ldif_map.h - an entry's lines as the engine's attributes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_LDIF_MAP_H
#define CONNECTORS_LDIF_LDIF_MAP_H

#include "connectors/ldif/ldif_record.h"

/* The last objectClass value that is one of the types: 1 *out is its index; 0
 * there is none. */
int ldif_map_type(const struct ldif_line *lines, size_t count,
		  const struct object_type *types, size_t type_count,
		  size_t *out);

/* The type of this name, case ignored: 1 found, 0 not. */
int ldif_map_type_name(struct sv name, const struct object_type *types,
		       size_t type_count, size_t *out);

/* Text, or bytes when it is not UTF-8 or declared binary. */
struct value ldif_map_value(const struct attr_def *def, struct sv value);

/* Fills change->attrs with the lines that the type wants; values are views. */
void ldif_map_lines(const struct object_type *type,
		    const struct ldif_line *lines, size_t count,
		    struct arena *arena, struct change *change);
/* Adds to change->attrs what the modifications say of wanted attributes. */
void ldif_map_mods(const struct object_type *type, const struct ldif_mod *mods,
		   size_t count, struct arena *arena, struct change *change);
/* Adds what a rename does to wanted attributes of the RDN. */
void ldif_map_rename(const struct object_type *type,
		     const struct ldif_record *record, struct arena *arena,
		     struct change *change);

#endif
