/*
 * ldif_export.h - an export's operations, from being put to their outcomes
 *
 * ldif_export.c takes operations and writes files; ldif_judge.c decides what
 * becomes of each. There may be millions: what is kept of one in memory are its
 * id and where its records begin; its texts lie in spools, which are read in
 * the order of the operations.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_LDIF_EXPORT_H
#define CONNECTORS_LDIF_LDIF_EXPORT_H

#include "base/map.h"
#include "base/vec.h"
#include "connectors/ldif/ldif_private.h"
#include "connectors/spool.h"

enum ldif_refusal {
	LDIF_ACCEPTED,
	LDIF_INVALID_DN,
	LDIF_NO_ANCHOR,
	LDIF_BREAKS_NAME,
	LDIF_EXISTS,
	LDIF_MISSING,
	LDIF_NAME_TAKEN,
};

/* One operation. Its records in the spool end where the next one's begin. */
struct ldif_op {
	uint64_t id;
	uint64_t begin;
	uint32_t rest;   /* so many bytes are the record of the rename, or of
			  * the deletion before an add */
	uint8_t kind;    /* enum export_kind */
	uint8_t refused; /* enum ldif_refusal */
	bool retry : 1;
	bool adopted : 1; /* the directory has what the add sent */
	bool done : 1;    /* nothing of it is to be written */
	bool renamed : 1; /* its rename is done; `rest` is to be written */
};

/* The names of the operations, in their order. */
struct ldif_texts {
	struct spool_reader reader;
	struct sv dn;
	struct sv new_dn;
	struct sv anchor; /* of an add, where it is not the DN */
};

struct ldif_export {
	struct spool spool; /* of records */
	struct spool texts; /* of what ldif_texts_next() tells */
	struct strbuf text;
	struct arena scratch;
	VEC(struct ldif_op) ops;
	uint64_t end;          /* of the spool, when all is put */
	struct spool found;    /* anchors that adopted entries have */
	struct idmap found_of; /* 1 + index of an operation -> 1 + offset */
	struct ldif_texts answers;
	size_t given; /* outcomes handed out; none before `done` */
	bool done;
};

/* Those of the next operation; there must be one. Memory from arena. */
int ldif_texts_next(const struct ldif_export *ex, struct ldif_texts *texts,
		    struct arena *arena, struct error *err);

/* The bytes of the spool that are to be written for an operation. */
uint64_t ldif_op_begin(const struct ldif_export *ex, const struct ldif_op *op);
uint64_t ldif_op_end(const struct ldif_export *ex, const struct ldif_op *op);

/*
 * What becomes of each operation: by reading the directory, when there is one
 * (with its log when `log`), and by what the operations before it do. `written`
 * then has all names, and where the accepted records lie unless they are
 * written to the log.
 */
int ldif_judge(struct connector_session *s, bool log,
	       struct ldif_overlay **written, struct error *err);

#endif
