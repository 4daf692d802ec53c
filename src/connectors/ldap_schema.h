/*
 * ldap_schema.h - what every directory agrees on: well-known attribute types
 * and object classes (RFC 4512, 4519, 4524, 2798, 4530, 2307)
 *
 * For connectors whose system does not tell, or before it is asked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_SCHEMA_H
#define CONNECTORS_LDAP_SCHEMA_H

#include "base/arena.h"
#include "model/object.h"

#include <stdbool.h>
#include <stddef.h>

/* For connector_ops.known_attrs; ends with name NULL. */
extern const struct attr_def ldap_known_attrs[];

/* Aliases ("commonName") find their attribute; an option (";binary") does not
 * count. NULL: not known. */
const struct attr_def *ldap_known_attr(struct sv name);

#define LDAP_CLASS_DEPTH 8

/* The classes from "top" down to `name` itself, as many as are returned; a
 * class that is not known stands directly below top. */
size_t ldap_class_chain(struct sv name, struct sv chain[LDAP_CLASS_DEPTH]);

/* `name` is `superior` or lies below it. */
bool ldap_class_is(struct sv name, const char *superior);

/* One part of an RDN ("cn=Ann+uid=ann" has two), the value unescaped: 1
 * filled, 0 there is no i-th part (0 based). */
int ldap_rdn_part(struct sv rdn, size_t i, struct arena *arena,
		  struct sv *type_out, struct sv *value_out);

struct ldap_attr {
	struct sv name;
	const struct attr_def *def; /* of the object type; NULL: not in it */
	struct values values;
};

/*
 * Everything an add must carry: the operation's attributes, completed by the
 * object class of `type` with its superiors, by the values of the RDN, and for
 * a person without cn by that of the RDN. objectClass stands first. Returns
 * how many; memory from arena, values borrowed from the operation.
 */
size_t ldap_add_attrs(const struct object_type *type,
		      const struct export_op *op, struct arena *arena,
		      struct ldap_attr **out);

#endif
