/*
 * hand.c - what a person orders in the joiner, recorded like any other run
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/hand.h"

#include "run/run_private.h"

#include <stdio.h>

struct work {
	struct hand_order *orders;
	size_t count;
	struct arena *arena;
};

static const char *action_name(enum hand_action action)
{
	switch (action) {
	case HAND_JOIN:
		return "join";
	case HAND_PROJECT:
		return "project";
	case HAND_DISCONNECT:
		return "disconnect";
	case HAND_EXPLICIT:
	case HAND_NORMAL:
		return "set-explicit";
	}
	return "?";
}

/* The first that was refused stands for all in the history. */
static void tell_refused(const struct work *work, struct step_outcome *out)
{
	size_t i;

	for (i = 0; i < work->count; i++) {
		if (work->orders[i].done)
			continue;
		(void)snprintf(out->message, sizeof(out->message), "%s",
			       work->orders[i].why ? work->orders[i].why : "");
		return;
	}
}

static int hand_step(struct run *run, const struct run_task *task,
		     int64_t step_id, struct step_outcome *out,
		     struct error *err)
{
	const struct work *work = task->data;
	struct sync_options options = { .step = step_id,
					.run = run->id,
					.seal = &run->seal };
	struct sync_result result;

	if (sync_hand(run->store, run->config, run->agent, &options,
		      work->orders, work->count, work->arena, &out->counters,
		      &result, err) < 0) {
		out->result = "stopped-server";
		out->failed = true;
		(void)snprintf(out->message, sizeof(out->message), "%s",
			       err->msg);
		return -1;
	}
	out->result = result.result;
	tell_refused(work, out);
	return 0;
}

enum run_exit run_hand(struct store *store, const struct config *config,
		       const struct config_agent *agent,
		       struct hand_order *orders, size_t count,
		       const struct run_options *options, struct arena *arena,
		       struct error *err)
{
	struct run run = {
		.store = store,
		.config = config,
		.agent = agent,
		.options = options,
	};
	struct work work = { orders, count, arena };
	struct run_task task = {
		.kind = action_name(orders[0].action),
		.fn = hand_step,
		.data = &work,
	};

	return run_tasks(&run, task.kind, &task, 1, err);
}
