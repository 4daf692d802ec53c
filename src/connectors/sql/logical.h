/*
 * logical.h - what a replication slot of PostgreSQL tells of changes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_LOGICAL_H
#define CONNECTORS_SQL_LOGICAL_H

#include "connectors/sql/import.h"

struct sql_logical;

/* The slot of an agent: as it is set, or named after the agent. The publication
 * has the same name when it is not set. */
const char *sql_logical_slot(const struct connector_session *session,
			     const struct sql_source *source,
			     struct arena *arena);
const char *sql_logical_publication(const struct connector_session *session,
				    const struct sql_source *source,
				    struct arena *arena);

/* Where the slot stands: nothing before it is told any more. For a full import
 * where it may go. */
int sql_logical_mark(struct connector_session *session, struct sql_input *input,
		     struct error *err);
/* Looks at what the slot has, which stays there; outside of a transaction, when
 * all plans are made. Nothing when no source is found so. */
int sql_logical_peek(struct connector_session *session, struct error *err);
/* Of that what the transaction sees that is open now: the keys become the
 * scope, the mark where the slot may go. */
int sql_logical_begin(struct connector_session *session,
		      struct sql_input *input, struct sv mark,
		      struct error *err);
/* Lets the slot go on to the marks. */
int sql_logical_kept(struct connector_session *session, struct error *err);
/* Accepts NULL. */
void sql_logical_free(struct sql_logical *logical);

#endif
