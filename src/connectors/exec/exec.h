/*
 * exec.h - connector for programs that speak the connector protocol
 *
 * docs/reference/connector-protocol.md describes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_EXEC_EXEC_H
#define CONNECTORS_EXEC_EXEC_H

#include "connector/connector.h"

extern const struct connector_ops exec_connector;

/* What a program said of itself. */
struct exec_hello {
	const char *name;    /* or "" */
	const char *version; /* or "" */
	struct sv *can;
	size_t can_count;
	int64_t window;
	bool credits;
};

/* Of an open session of exec_connector. */
const struct exec_hello *exec_hello_of(const struct connector_session *session);
bool exec_can(const struct exec_hello *hello, const char *word);
/* Sends a line as it is and waits for its answer, which is put into `arena`: 0;
 * -1: there was none, err says why. */
int exec_try(struct connector_session *session, struct sv line,
	     struct arena *arena, struct sv *answer, struct error *err);
/* Closes its input, with `bye` after saying so, and waits: the exit status, or
 * -1 when it had to be killed. */
int exec_leave(struct connector_session *session, bool bye);

#endif
