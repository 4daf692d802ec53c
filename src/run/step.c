/*
 * step.c - one step of a run: opens the connector, calls import, sync, export
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/run_private.h"

#include "connector/tape.h"
#include "export/export.h"
#include "import/import.h"
#include "run/share.h"
#include "sync/sync.h"

#include <stdio.h>
#include <string.h>

const char *step_kind_name(enum config_step_kind kind)
{
	switch (kind) {
	case STEP_FULL_IMPORT:
		return "full-import";
	case STEP_DELTA_IMPORT:
		return "delta-import";
	case STEP_FULL_SYNC:
		return "full-sync";
	case STEP_DELTA_SYNC:
		return "delta-sync";
	case STEP_EXPORT:
		return "export";
	}
	return "?";
}

static int progress(void *data, uint64_t objects, int permille)
{
	const struct run_hooks *hooks = data;

	return hooks && hooks->progress
		       ? hooks->progress(hooks->data, objects, permille)
		       : 0;
}

static void warning(void *data, const char *text)
{
	const struct run_hooks *hooks = data;

	if (hooks && hooks->warning)
		hooks->warning(hooks->data, text);
}

static void rule_changed(void *data, const struct sync_rule *rule)
{
	const struct run_hooks *hooks = data;

	if (hooks && hooks->rule)
		hooks->rule(hooks->data, rule);
}

static struct connector_config connector_setup(const struct run *run,
					       struct object_type *types,
					       size_t type_count)
{
	struct connector_config setup = {
		.agent = run->agent->name,
		.folder = run->config->folder,
		.connect = run->agent->connect,
		.types = types,
		.type_count = type_count,
		.secret = run->options->secret,
		.secret_data = run->options->secret_data,
	};

	return setup;
}

/* Why a step did not begin, in the words of the field. */
static const char *start_failure(const struct error *err)
{
	switch (err->code) {
	case ERR_NOTFOUND:
		return "no-start-file-not-found";
	case ERR_DENIED:
		return "no-start-credentials";
	case ERR_CONFLICT:
		return "no-start-full-import-required";
	case ERR_INVALID:
	case ERR_UNSUPPORTED:
		return "no-start-bad-ma-configuration";
	case ERR_NONE:
	case ERR_UNAVAILABLE:
	case ERR_LIMIT:
	case ERR_CORRUPT:
	case ERR_INTERNAL:
		break;
	}
	return "no-start-connection";
}

/* While connecting, what is not found is a secret: files are opened later. */
static const char *open_failure(const struct error *err)
{
	return err->code == ERR_NOTFOUND ? "no-start-credentials"
					 : start_failure(err);
}

/* Where an import reads: a connected system, perhaps recorded, or a file. */
struct source {
	struct connector_config setup;
	struct connector system;
	struct connector tape;
	struct connector *in_use;
};

static const char *file_failure(const struct error *err)
{
	switch (err->code) {
	case ERR_NOTFOUND:
		return "no-start-file-not-found";
	case ERR_DENIED:
		return "no-start-file-access-denied";
	case ERR_NONE:
	case ERR_INVALID:
	case ERR_CONFLICT:
	case ERR_UNAVAILABLE:
	case ERR_LIMIT:
	case ERR_UNSUPPORTED:
	case ERR_CORRUPT:
	case ERR_INTERNAL:
		break;
	}
	return "no-start-file-open";
}

static int open_replay(struct run *run, struct source *source,
		       enum import_kind kind, struct step_outcome *out,
		       struct error *err)
{
	int ret = tape_replay(&source->tape, &source->setup, run->agent->caps,
			      run->options->replay, kind, err);

	source->in_use = &source->tape;
	if (ret > 0)
		return 0;
	out->result = ret < 0 ? file_failure(err)
			      : "no-start-file-contains-incorrect-step-type";
	return -1;
}

static void close_source(struct source *source)
{
	connector_close(&source->tape);
	connector_close(&source->system);
}

static int open_source(struct run *run, struct source *source,
		       enum import_kind kind, struct step_outcome *out,
		       struct error *err)
{
	memset(source, 0, sizeof(*source));
	source->setup =
		connector_setup(run, run->agent->types, run->agent->type_count);
	if (run->options->replay)
		return open_replay(run, source, kind, out, err);
	if (connector_open(&source->system, run->agent->ops, &source->setup,
			   err) < 0) {
		out->result = open_failure(err);
		return -1;
	}
	source->in_use = &source->system;
	if (!run->options->record)
		return 0;
	if (tape_record(&source->tape, &source->system, run->options->record,
			err) < 0) {
		out->result = file_failure(err);
		close_source(source);
		return -1;
	}
	source->in_use = &source->tape;
	return 0;
}

static void tell_file(const struct run *run, const struct import_result *result,
		      struct step_outcome *out)
{
	const struct run_options *options = run->options;
	int64_t objects = result->read;

	if (out->message[0] || strcmp(result->result, "stopped-user") == 0)
		return;
	/* an import counts errors beside what it read */
	if (!options->record_only)
		objects += result->errors;
	if (options->replay)
		(void)snprintf(out->message, sizeof(out->message),
			       "read from '%s'", options->replay);
	else if (options->record)
		(void)snprintf(out->message, sizeof(out->message),
			       "%lld objects recorded in '%s'%s",
			       (long long)objects, options->record,
			       options->record_only ? ", nothing was staged"
						    : "");
}

static int import_step(struct run *run, const struct config_step *step,
		       int64_t step_id, struct step_outcome *out,
		       struct error *err)
{
	struct import_options options = {
		.kind = step->kind == STEP_FULL_IMPORT ? IMPORT_FULL
						       : IMPORT_DELTA,
		.guards = step->guards ? step->guards
				       : &run->agent->import_guards,
		.step = step_id,
		.allow = run->options->allow,
		.replayed = run->options->replay != NULL,
		.planned = run->options->no_keys,
		.deliver = step->deliver,
		.progress = progress,
		.progress_data = (void *)(uintptr_t)run->options->hooks,
	};
	struct import_result result;
	struct source source;
	int ret;

	if (options.kind == IMPORT_DELTA && !options.replayed) {
		ret = import_has_watermark(run->store, run->agent, err);
		if (ret < 0) {
			out->result = "stopped-server";
			return -1;
		}
		if (ret == 0) {
			out->result = "no-start-full-import-required";
			return error_set(err, ERR_CONFLICT,
					 "agent '%s' has no watermark yet: run "
					 "a full-import first",
					 run->agent->name);
		}
	}
	if (open_source(run, &source, options.kind, out, err) < 0)
		return -1;
	ret = run->options->record_only
		      ? import_read_only(run->store, run->agent, source.in_use,
					 &options, &result, err)
		      : import_run(run->store, run->config, run->agent,
				   source.in_use, &options, &out->counters,
				   &result, err);
	close_source(&source);
	if (ret < 0) {
		out->result = result.read ? "stopped-import-read"
					  : start_failure(err);
		return -1;
	}
	out->result = result.result;
	memcpy(out->message, result.message, sizeof(out->message));
	memcpy(out->token, result.token, sizeof(out->token));
	out->token_used = result.token_used;
	tell_file(run, &result, out);
	return 0;
}

static int sync_step(struct run *run, const struct config_step *step,
		     int64_t step_id, struct step_outcome *out,
		     struct error *err)
{
	struct sync_options options = {
		.full = step->kind == STEP_FULL_SYNC,
		.step = step_id,
		.run = run->id,
		.seal = run->options->no_keys ? NULL : &run->seal,
		.now = run->options->now,
		.later = run->options->later,
		.progress = progress,
		.progress_data = (void *)(uintptr_t)run->options->hooks,
		.warning = warning,
		.warning_data = (void *)(uintptr_t)run->options->hooks,
		.rule = rule_changed,
		.rule_data = (void *)(uintptr_t)run->options->hooks,
	};
	struct sync_result result;

	if (run->options->share) {
		options.quiet = share_find;
		options.quiet_data = run->options->share;
	}
	if (sync_run(run->store, run->config, run->agent, &options,
		     &out->counters, &result, err) < 0) {
		out->result = "stopped-server";
		return -1;
	}
	out->result = result.result;
	(void)snprintf(out->message, sizeof(out->message), "%s",
		       result.message);
	return 0;
}

static int export_step(struct run *run, const struct config_step *step,
		       struct step_outcome *out, struct error *err)
{
	struct export_plan *plan = NULL;
	struct export_options options = {
		.plan = &plan,
		.guards = step->guards ? step->guards
				       : &run->agent->export_guards,
		.seal = &run->seal,
		.allow = run->options->allow,
		.run = run->id,
		.only = run->options->only,
		.progress = progress,
		.progress_data = (void *)(uintptr_t)run->options->hooks,
	};
	struct arena arena = ARENA_INIT;
	struct export_result result;
	struct connector_config setup;
	struct connector connector;
	struct object_type *types;
	size_t type_count;
	int ret = export_any(run->store, run->agent, EXPORT_ANYTHING, err);

	out->result = ret < 0 ? "stopped-server" : "success";
	if (ret <= 0)
		return ret; /* nothing to write: nobody is bothered */
	if (export_guard(run->store, run->config, run->agent, &options, &result,
			 err) < 0) {
		out->result = "stopped-server";
		return -1;
	}
	out->result = result.result;
	memcpy(out->message, result.message, sizeof(out->message));
	memcpy(out->token, result.token, sizeof(out->token));
	out->token_used = result.token_used;
	if (result.message[0]) {
		export_plan_free(plan);
		return 0;
	}
	if (!result.operations) {
		export_plan_free(plan);
		ret = export_skip(run->store, run->config, run->agent, &options,
				  &result, err);
		out->result = ret < 0 ? "stopped-server" : result.result;
		memcpy(out->message, result.message, sizeof(out->message));
		return ret;
	}
	export_types(run->agent, &arena, &types, &type_count);
	setup = connector_setup(run, types, type_count);
	ret = connector_open(&connector, run->agent->ops, &setup, err);
	if (ret < 0) {
		out->result = open_failure(err);
	} else {
		ret = export_run(run->store, run->config, run->agent,
				 &connector, &options, &out->counters, &result,
				 err);
		connector_close(&connector);
		out->result = ret < 0 ? "stopped-export-write" : result.result;
		if (ret == 0)
			memcpy(out->message, result.message,
			       sizeof(out->message));
	}
	export_plan_free(plan);
	arena_release(&arena);
	return ret;
}

int step_run(struct run *run, const struct config_step *step, int64_t step_id,
	     struct step_outcome *out, struct error *err)
{
	int ret = 0;

	switch (step->kind) {
	case STEP_FULL_IMPORT:
	case STEP_DELTA_IMPORT:
		ret = import_step(run, step, step_id, out, err);
		break;
	case STEP_FULL_SYNC:
	case STEP_DELTA_SYNC:
		ret = sync_step(run, step, step_id, out, err);
		break;
	case STEP_EXPORT:
		ret = export_step(run, step, out, err);
		break;
	}
	out->failed = ret < 0;
	if (ret < 0)
		(void)snprintf(out->message, sizeof(out->message), "%s",
			       err->msg);
	return ret;
}
