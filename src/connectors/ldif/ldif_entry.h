/*
 * ldif_entry.h - one directory entry in memory that changes can be applied to
 *
 * Applying is forgiving: a value that is there already is not added again, one
 * that is not there is not missed, so a change may be applied twice. Values
 * are compared by the matching rule of well-known attributes, others as text
 * without case.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_LDIF_ENTRY_H
#define CONNECTORS_LDIF_LDIF_ENTRY_H

#include "connectors/ldap_schema.h"
#include "connectors/ldif/ldif_record.h"

struct ldif_attr {
	struct sv name;
	struct sv *values;
	size_t len;
	size_t size;
};

struct ldif_entry {
	struct sv dn;
	struct ldif_attr *attrs; /* without values: it is gone */
	size_t len;
	size_t size;
	struct arena *arena; /* all of it lies here */
};

/* Views into `lines` stay views. */
void ldif_entry_init(struct ldif_entry *entry, struct sv dn,
		     const struct ldif_line *lines, size_t count,
		     struct arena *arena);
/* NULL: it has no such attribute or no value of it. */
struct ldif_attr *ldif_entry_attr(const struct ldif_entry *entry,
				  struct sv name);
/* Adds a value unless it is there. */
void ldif_entry_add(struct ldif_entry *entry, struct sv name, struct sv value);
void ldif_entry_apply(struct ldif_entry *entry, const struct ldif_mod *mod);
/* Gives it the name and the values of its RDN; with delete_old those of the
 * old one go. */
void ldif_entry_rename(struct ldif_entry *entry, struct sv new_dn,
		       bool delete_old);
/* Its values as lines, for what works on records. */
size_t ldif_entry_lines(const struct ldif_entry *entry, struct arena *arena,
			struct ldif_line **out);
/* dn and lines, without the blank line behind. */
void ldif_entry_write(const struct ldif_entry *entry, struct strbuf *out,
		      size_t width);

/* Are the two values of this attribute the same one? */
bool ldif_value_same(struct sv attr, struct sv a, struct sv b);

#endif
