/*
 * edit.c - the run that stages values which a person wants to be otherwise
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/edit.h"

#include "run/run_private.h"

#include <stdio.h>

static int edit_step(struct run *run, const struct run_task *task,
		     int64_t step_id, struct step_outcome *out,
		     struct error *err)
{
	struct edit_task *edit = task->data;
	const struct sync_options options = { .step = step_id,
					      .run = run->id,
					      .now = run->options->now };
	struct sync_result result;
	size_t staged = 0;
	size_t i;

	if (sync_edit(run->store, run->config, run->agent, &options, edit,
		      &out->counters, &result, err) < 0) {
		out->result = "stopped-server";
		out->failed = true;
		(void)snprintf(out->message, sizeof(out->message), "%s",
			       err->msg);
		return -1;
	}
	for (i = 0; i < edit->count; i++) {
		if (!edit->orders[i].staged)
			continue;
		staged++;
		counters_add(&out->counters, 0, "edited", edit->orders[i].cs);
	}
	out->result = result.result;
	(void)snprintf(out->message, sizeof(out->message), "%zu object%s",
		       staged, staged == 1 ? "" : "s");
	return 0;
}

enum run_exit run_edit(struct store *store, const struct config *config,
		       const struct config_agent *agent, struct edit_task *task,
		       const struct run_options *options, struct error *err)
{
	struct run run = {
		.store = store,
		.config = config,
		.agent = agent,
		.options = options,
	};
	const struct run_task steps = {
		.kind = task->what,
		.fn = edit_step,
		.data = task,
	};

	return run_tasks(&run, task->what, &steps, 1, err);
}
