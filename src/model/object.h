/*
 * object.h - attributes, object types and changes: what crosses the border
 * between a connector and the engine
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MODEL_OBJECT_H
#define MODEL_OBJECT_H

#include "model/value.h"

/* What is known of an attribute of a connected system. */
struct attr_def {
	const char *name; /* as the configuration or the schema spells it */
	enum value_type type;
	bool multi;
	enum match_rule match;
	struct sv separator; /* several values in one column; or empty */
	struct sv format;    /* of a datetime column; or empty */
	const char *to;      /* reference by anchor: type of its target */
};

/* One type of object of an agent, with the attributes that are wanted. */
struct object_type {
	const char *name;
	const struct attr_def *attrs;
	size_t attr_count;
};

/* 1: *index_out filled; 0: no such attribute. Names ignore case. */
int object_type_attr(const struct object_type *type, struct sv name,
		     size_t *index_out);

enum change_op {
	CHANGE_OBJECT,   /* the whole object as it now is (full import), or a
			  * delta source's Add or Modify that gives all of it */
	CHANGE_ADD,      /* delta: a new object, whole */
	CHANGE_UPDATE,   /* delta: only the attributes given changed */
	CHANGE_RENAME,   /* delta: dn is the old name, new_dn the new one;
			  * attributes as in CHANGE_UPDATE */
	CHANGE_DELETE,   /* delta: gone; anchor or dn is given */
	CHANGE_PRESENT,  /* delta, behind all else: one of this anchor is there.
			  * Where a delta has such changes, what they do not
			  * name and no other change told of is gone */
	CHANGE_ERROR,    /* this object could not be read: see `error` */
	CHANGE_FILTERED, /* it was read and nobody asks for it: its type is in
			  * no rule set, or it lies outside of what is included;
			  * `message` may say why */
};

enum attr_op {
	ATTR_REPLACE, /* exactly these values; none: the attribute is gone */
	ATTR_ADD,     /* these values more */
	ATTR_DELETE,  /* these values less */
};

struct attr_change {
	size_t attr; /* index into the type's attrs */
	enum attr_op op;
	struct values values;
};

/* One object, as a connector reports it. */
struct change {
	enum change_op op;
	size_t type;      /* index into the agent's types */
	struct sv anchor; /* empty: this system names objects by DN only */
	struct sv dn;     /* empty: this system has no DNs */
	struct sv new_dn;
	struct attr_change *attrs;
	size_t attr_count;
	bool container; /* read only because objects lie below it */

	/* Of a whole object, or empty: the record as it was read. Objects whose
	 * types, raw_context and raw are equal are equal, so that their
	 * attributes need not be looked at. */
	struct sv raw;
	/* What else gives the record its meaning (header, separators); the
	 * same bytes at the same place during an import. */
	struct sv raw_context;
	/* The attributes are left out, connector_expand() fills them in. */
	bool deferred;
	/* The record for connector_expand() and connector_place(), the
	 * connector's own. */
	const void *record;
	/* Where it begins, when it is of a file. */
	struct sv file; /* empty: of none */
	size_t line;    /* or the row of a sheet */

	/* CHANGE_ERROR: a name of reference "discovery errors", a sentence
	 * for a person, and the place. The anchor is given when it is known;
	 * of a "parse-error" it may be wrong. */
	const char *error;
	struct sv message;
	struct sv where; /* "data/hr.csv:12:3" */
};

/* One change to be written to a connected system. */
enum export_kind {
	EXPORT_ADD,
	EXPORT_UPDATE, /* attributes only */
	EXPORT_RENAME, /* new_dn, and attributes when there are any */
	EXPORT_DELETE,
	EXPORT_DELETE_ADD, /* remove, then add anew */
};

struct export_op {
	uint64_t id; /* comes back with the outcome */
	enum export_kind kind;
	bool retry; /* sent before, outcome unknown: an add that meets an
		     * entry with these values, a delete of a missing one and
		     * a rename that is done are successes */
	size_t type;
	struct sv anchor; /* empty for an add whose anchor the system makes */
	struct sv dn;     /* the present name; of an add its name */
	struct sv new_dn;
	/* References carry the DN or anchor of their target as text. */
	struct attr_change *attrs;
	size_t attr_count;
};

struct export_outcome {
	uint64_t id;
	bool ok;
	bool adopted;          /* an add that met its own entry */
	bool references_later; /* ok, but no reference was written: what they
				* name may not be there yet */
	const char *error;     /* not ok: an export error code */
	struct sv message;     /* the system's own text */
	struct sv anchor;      /* ok: read back, or empty */
	struct sv dn;          /* ok: as the system has it, or empty */
};

#endif
