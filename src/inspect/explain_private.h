/*
 * explain_private.h - what the files of an explanation share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_EXPLAIN_PRIVATE_H
#define INSPECT_EXPLAIN_PRIVATE_H

#include "inspect/explain.h"
#include "sync/lineage.h"

struct explaining {
	struct display *display;
	struct arena *arena;
	struct explain *out;
	struct preview preview; /* of the object, or what it is linked to */
	int64_t mv;             /* 0: it is not linked */
	const struct config_mv_type *type; /* of mv, or NULL */
	struct image image;                /* of mv */
	struct lineage lineage;
	attr_id asked; /* ATTR_NONE: all */
};

/* "joined", "projected" ... */
const char *explain_how(enum link_how how);

/* explain_flow.c: the metaverse's values and who gave them */
int explain_attrs(struct explaining *e, struct error *err);
/* explain_link.c: connectors, provisioning, and why a cs object is where it
 * is */
int explain_links(struct explaining *e, struct error *err);
void explain_provisions(struct explaining *e);
void explain_state(struct explaining *e);
/* explain_absence.c: where it has no connector, and no provisioning makes one
 */
void explain_absences(struct explaining *e);
/* explain_export.c: what is written to connectors, and what waits */
void explain_exports(struct explaining *e);

/* The rule reads this attribute of its own object. */
bool explain_reads(const struct expr *expr, attr_id attr);
struct display_texts explain_texts(struct explaining *e, attr_id attr,
				   const struct values *values);

#endif
