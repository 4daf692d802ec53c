/*
 * import_flow.h - what the two files of the import flow share
 *
 * import_flow.c computes a metaverse object attribute by attribute;
 * precedence.c decides where the answer depends on who wrote last or on a Lua
 * function.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYNC_IMPORT_FLOW_H
#define SYNC_IMPORT_FLOW_H

#include "sync/sync_private.h"

/* What a contributor has to say. */
enum say {
	SAY_NOTHING, /* the next one may contribute */
	SAY_VALUES,
	SAY_STOP,   /* NULL, and nobody below may contribute */
	SAY_IGNORE, /* as if it were not there; the old value may stay */
};

struct flow {
	struct sync *sync;
	struct work_mv *mv;
	struct cs_view *views; /* [link]; made when first needed */
	bool *viewed;
	struct lineage lineage;
	size_t same;        /* attributes whose values are as before */
	bool owner_changed; /* of a value that is as before */
	/* of the rule asked last, for a preview */
	bool skipped; /* its condition is false */
	bool waits;   /* for the target of a reference or look-up */
	bool frozen;  /* a link's rule set is in no file */
};

/* The values that its rules see, made when first needed. */
struct cs_view *flow_view(struct flow *flow, const struct work_cs *cs);
/* A rule set's rules for the attribute, in order: the first that yields; enum
 * say or -1. `decided`: another has won already. */
int flow_ask(struct flow *flow, struct work_cs *cs,
	     const struct attr_plan *attr, const struct contributor *who,
	     struct values *out, bool decided, struct error *err);
/* `cs` gave these values of the attribute. */
void flow_lineage(struct flow *flow, attr_id attr, int64_t cs,
		  const struct values *values);
/* A frozen link's values stay: its rule set or agent is in no file. */
bool flow_keeps_frozen(const struct flow *flow, attr_id attr,
		       struct values *out, int64_t *cs_out);
void flow_trace_absent(const struct flow *flow, const struct attr_plan *attr,
		       const struct contributor *who);
/* A value that is not that of one rule. */
void flow_trace_stays(const struct flow *flow, const struct attr_plan *attr,
		      const char *found, const char *text, int64_t cs,
		      const struct values *values);

/* precedence.c: with `equal` precedence, who is asked before all others */
int precedence_last_writer(struct flow *flow, const struct attr_plan *attr,
			   const struct contributor **out, struct error *err);
/* Several values with `equal` precedence: what is added and removed counts. */
int precedence_equal(struct flow *flow, const struct attr_plan *attr,
		     struct image *image, struct error *err);
/* A Lua function chooses. */
int precedence_chosen(struct flow *flow, const struct attr_plan *attr,
		      struct image *image, struct error *err);

#endif
