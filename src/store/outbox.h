/*
 * outbox.h - what only an export reads and writes
 *
 * Its plan is read in one go, intents and answers are one statement each, and
 * what failed or is to be handed over lies in tables of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include "store/cs.h"

/* A pending export, without its values, and what is known of its object. */
struct outbox_row {
	struct pending_export pending; /* attrs are left out */
	bool awaits;                   /* something else is awaited */
	bool gone; /* an import did not find it, and no sync took that yet */
	uint32_t type;
	uint32_t flags;
	int64_t parent; /* as written: what is awaited over what was read */
	struct sv rdn;
	struct sv anchor;
};

/* Those of an agent with id > after, in order; the number, or -1. */
int store_outbox_scan(struct store *store, uint32_t agent, int64_t after,
		      struct outbox_row *rows, int limit, struct arena *arena,
		      struct error *err);
/* Handed out from now on; with aside only the step to a passing name is. */
int store_outbox_intend(struct store_tx *tx, int64_t cs, bool aside,
			struct error *err);
/* It succeeded: what was pending is awaited. Nothing else may be. */
int store_outbox_sent(struct store_tx *tx, int64_t cs, struct error *err);
/* Where the object will be after all exports, and its anchor: what a reference
 * to it is written as. 1, 0 no such object, -1. */
int store_expected_name(struct store *store, int64_t cs, struct arena *arena,
			int64_t *parent_out, struct sv *rdn_out,
			struct sv *anchor_out, struct error *err);
/* Of an object that the system named. */
int store_cs_set_anchor(struct store_tx *tx, int64_t cs, struct sv anchor,
			struct error *err);

enum retry_kind {
	RETRY_REFUSED = 1,      /* until an export of it succeeds */
	RETRY_CONTRADICTED = 2, /* until it comes back as it was sent */
};

/* How often the export of an object failed and when it is tried again; who
 * counts is retry.h. */
struct retry_row {
	int64_t cs;
	enum retry_kind kind;
	int64_t failures;
	int64_t next;  /* the export run of its agent */
	int64_t since; /* it is in quarantine; 0: it is not */
	uint64_t what; /* hash of what failed */
};

int store_retry_get(struct store *store, int64_t cs, struct retry_row *out,
		    struct error *err);
int store_retry_put(struct store_tx *tx, const struct retry_row *row,
		    struct error *err);
/* When it is one of these kinds. */
int store_retry_delete(struct store_tx *tx, int64_t cs, unsigned kinds,
		       struct error *err);

/* Secret values of a new object that are to be handed over. */
struct delivery_row {
	int64_t id;
	uint32_t agent;
	uint32_t rule_set;
	struct sv what; /* sealed */
};

int store_delivery_put(struct store_tx *tx, const struct delivery_row *row,
		       struct error *err); /* the id is made */
/* The agent's next one with id > after: 1, 0 none, -1. */
int store_delivery_next(struct store *store, uint32_t agent, int64_t after,
			struct arena *arena, struct delivery_row *out,
			struct error *err);
int store_delivery_change(struct store_tx *tx, int64_t id, struct sv what,
			  struct error *err);
int store_delivery_delete(struct store_tx *tx, int64_t id, struct error *err);

#endif
