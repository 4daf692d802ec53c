/*
 * export_private.h - what the files of the export step share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPORT_PRIVATE_H
#define EXPORT_PRIVATE_H

#include "export/export.h"
#include "store/member.h"
#include "store/outbox.h"
#include "store/tree.h"

/* One operation of the plan: there may be millions of them. */
struct planned {
	int64_t cs;
	uint32_t type;
	uint8_t op;         /* enum export_op_kind */
	uint8_t kind;       /* enum export_kind: of what was sent, when plain */
	bool container : 1; /* is to be made for others */
	bool untie : 1;    /* a rename to a passing name: others want its own */
	bool anchored : 1; /* its anchor is known */
	bool plain : 1;    /* what was sent is all there is to await: no need
			    * to look at the object again */
	bool sets : 1;     /* its values are rows: plain too, in its own way */
	bool apart : 1;    /* sent when all before it has its answer */
};

/* Of the operation that untie is; ids of objects have less. */
#define UNTIE_ID (UINT64_C(1) << 62)

struct export_step {
	struct store *store;
	const struct config *config;
	const struct config_agent *agent;
	const struct export_options *options;
	struct connector *connector;
	struct counters *counters;
	struct export_result *result;
	uint32_t number;
	int64_t run;        /* the number of this export of the agent */
	int64_t next_past;  /* the next row of the history */
	struct strbuf past; /* its bytes */
	bool unsent;        /* what fails now was never handed out */
	bool has_dn;
	bool any_nameless; /* some object may have lost its name to another */
	struct tree tree;
	VEC(struct planned) plan;
	VEC(size_t) rows;   /* where the ids in the plan begin to ascend anew */
	struct idmap names; /* id -> struct sv: the DN of what is written, as
			     * others may refer to it; in run_arena */
	struct idmap again; /* whose references are written last: id ->
			     * 1 + the index of that in the plan */
	VEC(struct sv) opened; /* passwords, to be wiped */
	struct store_tx *tx;
	struct arena run_arena;
	struct arena arena; /* of one window */
};

/* export.c: 1: it, or a container above it, lost its name to another object. */
int export_nameless(struct store *store, int64_t id, struct error *err);

/* order.c: fills step->plan, in the order of writing. */
int order_plan(struct export_step *step, struct error *err);
/* What is planned for the object, its step aside left out; or NULL. */
struct planned *order_find(struct export_step *step, int64_t cs);
/* Whose success is written down without a look at it; NULL: it is not so. */
const struct planned *order_plain(struct export_step *step,
				  const struct export_outcome *outcome);

/* build.c: the operation of a pending export; memory from step->arena. */
int build_op(struct export_step *step, const struct entry *entry,
	     struct export_op *out, struct error *err);

/* The operation of values that are pending by rows. */
int build_sets(struct export_step *step, const struct entry *entry,
	       const struct member *rows, size_t count, struct export_op *out,
	       struct error *err);

/* The rename to a passing name. */
int build_untie(struct export_step *step, const struct entry *entry,
		struct export_op *out, struct error *err);
/* That name of an object that has the name `rdn`. */
int build_passing_name(struct export_step *step, int64_t id, struct sv rdn,
		       struct sv *out, struct error *err);

/* Its references are not sent with it, but when all else was. */
bool build_withholds(const struct export_step *step, const struct entry *entry);

enum export_kind build_kind(const struct entry *entry);

/* outcome.c: what an answer means for the object; writes it. */
int take_outcome(struct export_step *step, struct entry *entry,
		 const struct export_op *op,
		 const struct export_outcome *outcome, struct error *err);

/* An object's change was refused; what is pending is written by the caller. */
int outcome_refused(struct export_step *step, int64_t cs,
		    const struct export_outcome *outcome, struct error *err);

/* record.c: the history of what is sent. `rows`: of an update by rows. */
int record_sent(struct export_step *step, const struct entry *entry,
		const struct export_op *op, const struct member *rows,
		size_t count, struct error *err);
int record_refused(struct export_step *step, int64_t cs,
		   const struct export_outcome *outcome, struct error *err);

/* set.c: the number of rows when all that is pending of the object lies in
 * rows, 0 when not, -1; `entry` has its name and state then, no values. */
int set_load(struct export_step *step, const struct planned *planned,
	     struct entry *entry, struct member **rows, struct error *err);
int take_sets(struct export_step *step, const struct planned *planned,
	      const struct export_outcome *outcome, struct error *err);

/* The same of one that is plain. */
int take_plain(struct export_step *step, const struct planned *planned,
	       const struct export_outcome *outcome, struct error *err);

/* The same of the rename to a passing name. */
int take_untied(struct export_step *step, struct entry *entry,
		const struct export_outcome *outcome, struct error *err);

/* Passwords that were opened for one moment are wiped. */
void export_wipe(struct export_step *step);

/* deliver.c: a password, which is not awaited and never shown. */
bool deliver_secret(const struct values *values);
bool deliver_any(const struct image *attrs); /* has one */

/* What is to be handed over of an add that succeeded, kept sealed
 * with its outcome; before `pending` is moved. */
int deliver_keep(struct export_step *step, const struct entry *entry,
		 struct error *err);

/* guard.c: 0 go on, 1 stopped (result says why), -1 */
int guard_check(struct export_step *step, struct error *err);

#endif
