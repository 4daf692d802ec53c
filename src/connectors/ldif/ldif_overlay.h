/*
 * ldif_overlay.h - a directory as its content and a log of changes leave it
 *
 * The changes are noted first, in their order; then the content streams
 * through and comes out as it now is; what only the changes added follows.
 * Memory holds where each changed entry's records lie, not the records.
 * Renames keep references right: what named a renamed entry, or one below it,
 * names it still, unless it was written later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_LDIF_OVERLAY_H
#define CONNECTORS_LDIF_LDIF_OVERLAY_H

#include "connectors/ldif/ldif_entry.h"

struct ldif_overlay;

/* The types, which are borrowed, tell which attributes are references beside
 * the well-known ones. The changes are written in `syntax`, NULL: LDIF. */
struct ldif_overlay *ldif_overlay_new(const struct object_type *types,
				      size_t type_count,
				      const struct ldif_syntax *syntax);
void ldif_overlay_free(struct ldif_overlay *overlay);

/* Notes a change record without error; its bytes can be read again from `fd`
 * as long as the overlay is used. The same `fd` each time, or -1 where only
 * names count. */
void ldif_overlay_note(struct ldif_overlay *overlay, int fd,
		       const struct ldif_record *record);

enum ldif_name {
	LDIF_NAME_FREE,    /* no entry has it */
	LDIF_NAME_ADDED,   /* one that the changes added */
	LDIF_NAME_CONTENT, /* what has this folded name in the content, if
			    * there is such an entry */
};

/* Whose the name is after the changes noted so far. */
enum ldif_name ldif_overlay_find(const struct ldif_overlay *overlay,
				 struct sv dn, struct arena *arena,
				 struct sv *out);

/* 1: *out is the content's entry as it now is, *changed_out tells whether that
 * differs from the record (if not, *out is not filled); 0: it is gone; -1: err
 * is set. */
int ldif_overlay_apply(struct ldif_overlay *overlay,
		       const struct ldif_record *content, struct arena *arena,
		       struct ldif_entry *out, bool *changed_out,
		       struct error *err);

/* After the content: 1: the next entry that the changes added; 0: no more. */
int ldif_overlay_next_added(struct ldif_overlay *overlay, size_t *cursor,
			    struct arena *arena, struct ldif_entry *out,
			    struct error *err);
/* The same of an entry that is as the one record says that added it: where
 * that lies, in the file of the records. 0: the next one is not, or there is
 * none. */
int ldif_overlay_next_whole(const struct ldif_overlay *overlay, size_t *cursor,
			    uint64_t *begin, uint64_t *end);
/* The file of the records; -1: there are none. */
int ldif_overlay_fd(const struct ldif_overlay *overlay);
/* After the content: 1: the next name that was changed or renamed but is
 * nowhere; 0: no more. */
int ldif_overlay_next_lost(const struct ldif_overlay *overlay, size_t *cursor,
			   struct sv *dn_out);

#endif
