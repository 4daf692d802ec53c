/*
 * matches.h - candidates for disconnectors, printed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_MATCHES_H
#define CLI_MATCHES_H

#include "cli/session.h"

/* `candidates AGENT DN|ANCHOR`: one object, all that it may be. */
enum run_exit matches_show(struct session *session);
/* `candidates --bulk AGENT`: the list that `join --from` takes. */
enum run_exit matches_list(struct session *session,
			   const struct config_agent *agent);

#endif
