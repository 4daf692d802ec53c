/*
 * events.h - what happened to objects, as lines and as JSON
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include "cli/cli.h"
#include "inspect/history.h"

json_t *event_json(const struct history_event *event, struct arena *arena);
/* `whose`: the line names the object. */
void event_print(struct cli *cli, const struct history_event *event,
		 bool whose);

#endif
