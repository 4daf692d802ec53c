/*
 * ldif_syntax.h - another way to write a directory and its changes down
 *
 * Import, export, renames and references work on records (struct ldif_record).
 * LDIF is read and written by ldif_record.c and ldif_export.c themselves; what
 * a file looks like otherwise stands in such a table. Spools of exports are
 * always LDIF.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_LDIF_SYNTAX_H
#define CONNECTORS_LDIF_LDIF_SYNTAX_H

#include "connectors/ldif/ldif_overlay.h"

#include <stdio.h>

struct connector_session;
struct ldif_files;

struct ldif_syntax {
	/* How a comment begins and ends that conjoin writes at the top. */
	const char *comment;
	const char *comment_end;

	/* As ldif_reader_next() and _release(), of a reader whose buffer is
	 * there. */
	int (*reader_next)(struct ldif_reader *reader, struct arena *arena,
			   struct ldif_record *out, struct error *err);
	void (*reader_release)(struct ldif_reader *reader);
	/* One record out of its bytes. */
	void (*parse)(struct sv text, struct arena *arena,
		      struct ldif_record *out);

	/* May an entry have this name? */
	bool (*can_hold)(struct sv dn);
	/* How far a log of others is read when all of it is read. */
	int (*log_mark)(const struct ldif_files *files, uint64_t *out,
			struct error *err);

	/* The content anew, with the overlay applied; `included` names the log
	 * that it holds, or is empty. */
	int (*write_content)(struct connector_session *session,
			     struct ldif_overlay *overlay, const char *included,
			     uint64_t included_to, FILE *to, struct error *err);
	/* What a new log begins with; of a log of others its changes too. */
	int (*write_log)(struct connector_session *session,
			 const char *generation, bool others, FILE *to,
			 struct error *err);
	/* Records of the spool, into a log. */
	int (*write_records)(struct connector_session *session, uint64_t begin,
			     uint64_t end, FILE *to, struct error *err);
	const char *log_end; /* what stands behind its last record */
};

extern const struct ldif_syntax dsml_syntax;

#endif
