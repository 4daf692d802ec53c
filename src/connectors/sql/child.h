/*
 * child.h - the values that objects have in child tables, until they are asked
 * for
 *
 * They lie in a file without a name. In memory are for each object with values
 * the hash of its anchor and the place of what was put last.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_CHILD_H
#define CONNECTORS_SQL_CHILD_H

#include "base/map.h"
#include "base/vec.h"
#include "connectors/spool.h"
#include "connectors/sql/plan.h"

/* A value of a child table. */
struct sql_kid {
	uint32_t name;  /* number of the attribute's name in the plan */
	uint32_t child; /* and which of whose values it is */
	uint32_t value;
	uint32_t len;
	const char *bytes;
};

struct sql_kids {
	struct spool spool;
	struct hash_key key;
	struct idmap last; /* hash of an anchor -> offset + 1 */
	/* values of one object that come one behind the other are one piece */
	struct strbuf piece;
	struct sv anchor; /* of the piece */
	struct arena of_anchor;
	/* what was read of the file last */
	struct strbuf window;
	uint64_t window_at;
	/* of the object that was asked for last */
	VEC(struct sql_kid) found;
	struct arena of_found;
};

void sql_kids_init(struct sql_kids *kids);
void sql_kids_release(struct sql_kids *kids);

/* Reads the child tables of a plan. */
int sql_kids_read(struct connector_session *session,
		  const struct sql_plan *plan, const struct sql_scope *scope,
		  struct sql_kids *kids, struct error *err);

/* The values of an object in an order of their own, until the next call. */
int sql_kids_of(struct sql_kids *kids, struct sv anchor,
		const struct sql_kid **out, size_t *count_out,
		struct error *err);

#endif
