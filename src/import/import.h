/*
 * import.h - the import step: read a connected system, stage what differs
 *
 * Compares every object that the connector reports with the image of the last
 * import; unchanged ones cost a hash and a look-up. Batches are committed as
 * they come, the watermark with the last one; a step that was killed is run
 * again and goes on from what is staged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "config/config.h"
#include "connector/connector.h"
#include "store/counters.h"

struct import_options {
	enum import_kind kind;
	const struct config_guards *guards;
	int64_t step;      /* run history: where discovery errors go */
	const char *allow; /* a token that passes the deletion guard, or NULL */
	/* What is read was recorded earlier: no delta can follow a full one,
	 * and one that is a delta moves no watermark. */
	bool replayed;
	bool planned; /* nothing is kept: the system is not told that it is */
	bool deliver; /* delta: also what does not differ is to be
		       * synchronized */
	/* Called now and then; may be NULL. Returns non-zero to stop. */
	int (*progress)(void *data, uint64_t objects, int permille);
	void *progress_data;
};

struct import_result {
	const char *result; /* "success", "completed-discovery-errors" ... */
	char message[512];  /* of a guard or stop; what the connector notes */
	char token[40];     /* that would pass the guard; else empty */
	bool token_used;
	int64_t read;
	int64_t errors;   /* discovery errors */
	int64_t warnings; /* exported-change-not-reimported */
};

/* 0: the step ended, see result (a guard stop is a result). -1: the connected
 * system or the store failed; what is committed stays, the watermark too. */
int import_run(struct store *store, const struct config *config,
	       const struct config_agent *agent, struct connector *connector,
	       const struct import_options *options, struct counters *counters,
	       struct import_result *out, struct error *err);

/* Reads all that an import would, and stages nothing: for a recording. The
 * watermark stays. */
int import_read_only(struct store *store, const struct config_agent *agent,
		     struct connector *connector,
		     const struct import_options *options,
		     struct import_result *out, struct error *err);

/* 1: the agent has a watermark, a delta import may follow; 0: not. */
int import_has_watermark(struct store *store, const struct config_agent *agent,
			 struct error *err);

#endif
