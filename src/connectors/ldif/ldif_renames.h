/*
 * ldif_renames.h - references follow renames, as in a directory server with
 * referential integrity
 *
 * Renames are noted in the order in which they happened. The time of a value
 * is how many of them came before it was written; those that came later apply
 * to it. A value that names what was renamed, or something below it, gets the
 * new name; any other keeps its exact text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_LDIF_RENAMES_H
#define CONNECTORS_LDIF_LDIF_RENAMES_H

#include "connectors/ldif/ldif_entry.h"

struct ldif_renames;

/* References are what ldap_schema knows to be DNs, and what the types (which
 * are borrowed) declare as references. */
struct ldif_renames *ldif_renames_new(const struct object_type *types,
				      size_t type_count);
void ldif_renames_free(struct ldif_renames *renames);

/* `old` is folded (dn_fold); `new_dn` is borrowed. */
void ldif_renames_note(struct ldif_renames *renames, struct sv old,
		       struct sv new_dn);
/* How many have been noted: the time now. */
size_t ldif_renames_time(const struct ldif_renames *renames);

/* 1: *out is what became of a DN between the times; 0: it stayed. */
int ldif_renames_follow(const struct ldif_renames *renames, struct sv dn,
			size_t from, size_t to, struct arena *arena,
			struct sv *out);
/* Did any reference among these lines change from the beginning until now? */
bool ldif_renames_touch(struct ldif_renames *renames,
			const struct ldif_line *lines, size_t count);
/* Takes an entry's references from one time to a later one. Two values that
 * come to name the same entry become one. */
void ldif_renames_entry(struct ldif_renames *renames, struct ldif_entry *entry,
			size_t from, size_t to);

/* "cn=a,OLD" -> "cn=a,NEW": the RDNs of `dn` behind the first `keep` become
 * `parent`; `dn` itself when it has not as many. */
struct sv ldif_rebase(struct sv dn, size_t keep, struct sv parent,
		      struct arena *arena);

#endif
