/*
 * doctor.h - what `conjoin doctor` looks at, and what it finds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/session.h"

enum finding_level {
	FINDING_OK,
	FINDING_WARNING, /* may become one, or somebody should know */
	FINDING_ERROR,   /* something does not work */
};

struct doctor {
	struct session *session;
	struct cli *cli;
	int64_t now;
	int64_t late;  /* a run that is older is late; 100 ns */
	int64_t ahead; /* a certificate that ends sooner is near its end */
	bool quick;    /* leave out what reads through the whole store */
	json_t *findings;
	int64_t counts[3]; /* by level */
};

/* A finding, printed as it is made. `agent` and `fix` may be NULL. */
void doctor_tell(struct doctor *doctor, enum finding_level level,
		 const char *area, const char *agent, const char *fix,
		 const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* doctor_store.c: store, disk, clock, runs, errors, links */
void doctor_store(struct doctor *doctor);
/* doctor_systems.c: the connected systems, certificates */
void doctor_systems(struct doctor *doctor);

#endif
