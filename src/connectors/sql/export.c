/*
 * export.c - windows of operations, each in one transaction
 *
 * The statements of a window are sent together and each tells how many rows it
 * touched. When all did what they had to, the window is committed. When one did
 * not, the transaction is rolled back; those before it are written once more
 * and committed, it is judged alone, and those behind it become a window of
 * their own. So each outcome is the object's own, and what went wrong costs
 * little more than itself.
 *
 * An outcome is known when its transaction is committed. When the connection is
 * lost, those that are known are given out first, then the error: what became
 * of the others nobody knows, so that they come again as repeated ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/export.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define DEADLOCKS_TOGETHER 2
#define DEADLOCKS_ALONE    6
/* adds of a type that refer to what is not there, before the others are
 * written without references at once */
#define LACKING            3

static const struct setting_def export_settings[] = { SQL_EXPORT_SETTINGS,
						      { .name = NULL } };

struct sql_export {
	size_t most;                 /* operations of a window */
	struct sql_writer **writers; /* for each type of the agent */
	struct arena arena;          /* of what is waiting */
	VEC(struct sql_job *) waiting;
	struct arena done_arena;
	VEC(struct export_outcome) done;
	size_t given; /* of those done */
	struct sql_batch batch;
	struct error failed;
};

/* What became of an attempt. */
struct attempt {
	size_t at; /* the operation that it failed at; SIZE_MAX: committing */
	bool child;
	bool insert;
	bool unsure; /* whether it was that one: see sql_run.one */
	struct sql_failure failure;
	struct error error;
};

void sql_export_free(struct connector_session *session)
{
	struct sql_export *export = session->export;
	size_t i;

	if (!export)
		return;
	for (i = 0; export->writers && i < session->config->type_count; i++)
		sql_writer_close(export->writers[i]);
	vec_release(&export->waiting);
	vec_release(&export->done);
	vec_release(&export->batch.runs);
	vec_release(&export->batch.steps);
	arena_release(&export->batch.arena);
	arena_release(&export->done_arena);
	arena_release(&export->arena);
	mem_free(export->writers);
	mem_free(export);
	session->export = NULL;
}

const struct sql_source *sql_source_of(const struct connector_session *session,
				       size_t type)
{
	size_t i;

	for (i = 0; i < session->source_count; i++)
		if (session->sources[i].type == type ||
		    session->sources[i].type == SQL_TYPE_BY_COLUMN)
			return &session->sources[i];
	return NULL;
}

int sql_export_begin(struct connector_session *session, struct error *err)
{
	struct sql_export *export;
	size_t count = session->config->type_count;
	int64_t most;
	size_t i;

	sql_export_free(session);
	export = mem_zalloc(sizeof(*export));
	session->export = export;
	most = setting_number(session->config->connect, export_settings,
			      "batch");
	export->most = most < 1 ? 1 : most > 1000 ? 1000 : (size_t)most;
	export->writers = mem_zalloc((count + 1) * sizeof(*export->writers));
	for (i = 0; i < count; i++) {
		const struct sql_source *source = sql_source_of(session, i);

		if (source && sql_writer_open(session, source, i,
					      &export->writers[i], err) < 0)
			return -1;
	}
	return 0;
}

/* ---- outcomes ---- */

/* Puts the outcome where it waits to be asked for. */
static void give(struct sql_export *export, struct sql_job *job)
{
	struct export_outcome outcome = job->outcome;

	outcome.id = job->op.id;
	outcome.message = arena_dup(&export->done_arena, outcome.message);
	outcome.anchor = arena_dup(&export->done_arena, outcome.anchor);
	vec_push(&export->done, outcome);
	job->done = true;
	job->given = true;
}

/* It stays when the window's statements are forgotten. */
static void keep_outcome(struct sql_export *export, struct sql_job *job)
{
	struct export_outcome *outcome = &job->outcome;

	outcome->message = arena_dup(&export->arena, outcome->message);
	outcome->anchor = arena_dup(&export->arena, outcome->anchor);
}

static void give_success(struct sql_export *export, struct sql_job *job)
{
	job->outcome.ok = true;
	job->outcome.error = NULL;
	if (job->has_anchor)
		job->outcome.anchor = job->anchor;
	job->outcome.references_later = job->hold;
	give(export, job);
}

static const char *code_of(const struct sql_job *job,
			   const struct attempt *attempt)
{
	switch (attempt->failure.kind) {
	case SQL_FAILURE_UNIQUE:
		return attempt->child ? "cd-existing-attribute-or-value"
				      : "constraint-violation";
	case SQL_FAILURE_REFERENCE:
		return job->op.kind == EXPORT_DELETE ? "constraint-violation"
						     : "dn-attributes-failure";
	case SQL_FAILURE_NULL:
	case SQL_FAILURE_MISSING:
		return "schema-violation";
	case SQL_FAILURE_CHECK:
		return "constraint-violation";
	case SQL_FAILURE_LENGTH:
	case SQL_FAILURE_VALUE:
		return "invalid-attribute-value";
	case SQL_FAILURE_DENIED:
		return "permission-issue";
	case SQL_FAILURE_NONE:
	case SQL_FAILURE_LOST:
	case SQL_FAILURE_DEADLOCK:
	case SQL_FAILURE_LOCKED:
	case SQL_FAILURE_OTHER:
		break;
	}
	return "cd-error";
}

/* The outcome is what the database says. */
static void refuse(struct sql_job *job, const struct attempt *attempt,
		   struct arena *arena)
{
	const char *text = attempt->failure.text[0] ? attempt->failure.text
						    : attempt->error.msg;
	const char *state = attempt->failure.state;

	(void)sql_refuse(job, arena, code_of(job, attempt), "%s%s%s%s", text,
			 *state ? " (SQLSTATE " : "", state, *state ? ")" : "");
}

/* ---- one attempt ---- */

static void empty(struct sql_batch *batch)
{
	arena_reset(&batch->arena);
	vec_clear(&batch->runs);
	vec_clear(&batch->steps);
}

static size_t index_of(const struct sql_export *export,
		       const struct sql_job *job, size_t from)
{
	while (export->waiting.at[from] != job)
		from++;
	return from;
}

/* Several were sent as one and not each touched a row: which, is not told. */
static bool is_unsure(const struct sql_batch *batch, size_t at)
{
	const struct sql_run *run = &batch->runs.at[at];
	size_t others = 0;
	size_t i;

	for (i = 0; run->one && !run->rows && i < batch->runs.len; i++) {
		if (i == at || batch->runs.at[i].sql != run->sql)
			continue;
		if (batch->runs.at[i].rows)
			return false;
		others++;
	}
	return others > 0;
}

/* Sends the statements from `first` on. 1 all is well, 0 not, -1 lost. */
static int run(struct connector_session *session, size_t from, size_t first,
	       struct attempt *attempt)
{
	struct sql_export *export = session->export;
	struct sql_batch *batch = &export->batch;
	size_t count = batch->runs.len - first;
	struct sql_step *step;
	size_t failed = 0;
	size_t i;
	int ret;

	if (!count)
		return 1;
	ret = session->driver->execute(session->link, batch->runs.at + first,
				       count, &batch->arena, &failed,
				       &attempt->failure, &attempt->error);
	if (ret < 0)
		return -1;
	for (i = first; i < batch->steps.len; i++) {
		step = &batch->steps.at[i];
		if ((ret > 0 || i < first + failed) &&
		    sql_write_take(session, step, &batch->runs.at[i],
				   &batch->arena))
			continue;
		attempt->at = index_of(export, step->job, from);
		attempt->unsure = ret > 0 && is_unsure(batch, i);
		if (attempt->unsure)
			sql_unrefuse(step->job);
		attempt->child = step->child;
		attempt->insert = step->insert;
		return 0;
	}
	return 1;
}

/* What is to be read for it may be written by one before it. */
static bool reads_what_waits(const struct sql_export *export, size_t from,
			     size_t at)
{
	const struct sql_job *job = export->waiting.at[at];
	size_t i;

	if (!sql_write_reads(job))
		return false;
	for (i = from; i < at; i++)
		if (!export->waiting.at[i]->done &&
		    export->waiting.at[i]->writer == job->writer &&
		    sv_eq(export->waiting.at[i]->anchor, job->op.anchor))
			return true;
	return false;
}

/* Makes the statements of all, and sends them; then those that wait for an
 * anchor that the database makes. 1, 0 or -1, as run(). */
static int write_all(struct connector_session *session, size_t from, size_t to,
		     struct attempt *attempt)
{
	struct sql_export *export = session->export;
	bool waits = false;
	size_t before;
	size_t sent = 0;
	size_t i;
	int ret;

	for (i = from; i < to; i++) {
		struct sql_job *job = export->waiting.at[i];

		if (job->done)
			continue;
		if (reads_what_waits(export, from, i)) {
			ret = run(session, from, sent, attempt);
			if (ret <= 0)
				return ret;
			sent = export->batch.runs.len;
		}
		before = export->batch.runs.len;
		ret = sql_write(session, job, &export->batch, &attempt->failure,
				&attempt->error);
		attempt->at = i;
		if (ret < 0)
			return attempt->failure.kind == SQL_FAILURE_LOST ||
					       attempt->failure.kind ==
						       SQL_FAILURE_NONE
				       ? -1
				       : 0;
		if (job->done) {
			/* refused, or there already: none of it is sent */
			export->batch.runs.len = before;
			export->batch.steps.len = before;
			keep_outcome(export, job);
		}
		waits |= job->children_wait;
	}
	ret = run(session, from, sent, attempt);
	sent = export->batch.runs.len;
	for (i = from; ret > 0 && waits && i < to; i++) {
		struct sql_job *job = export->waiting.at[i];

		if (job->done || !job->children_wait)
			continue;
		attempt->at = i;
		if (!sql_write_waiting(session, job, &export->batch))
			return 0;
	}
	return ret > 0 ? run(session, from, sent, attempt) : ret;
}

/* One transaction with the operations [from, to) that have no outcome yet. 1
 * committed; 0 rolled back; -1 the connection is lost. */
static int attempt_range(struct connector_session *session, size_t from,
			 size_t to, struct attempt *attempt)
{
	const struct sql_driver *driver = session->driver;
	struct sql_export *export = session->export;
	int ret;

	memset(attempt, 0, sizeof(*attempt));
	empty(&export->batch);
	if (driver->begin(session->link, false, &export->failed) < 0)
		return -1;
	ret = write_all(session, from, to, attempt);
	if (ret < 0) {
		export->failed = attempt->error;
		return -1;
	}
	if (!ret)
		return driver->rollback(session->link, &export->failed) < 0 ? -1
									    : 0;
	if (driver->commit(session->link, &attempt->error) == 0)
		return 1;
	attempt->at = SIZE_MAX;
	if (attempt->error.code == ERR_UNAVAILABLE) {
		export->failed = attempt->error;
		return -1;
	}
	attempt->failure.kind = attempt->error.code == ERR_CONFLICT
					? SQL_FAILURE_DEADLOCK
					: SQL_FAILURE_CHECK;
	return 0;
}

/* ---- what is done about a failure ---- */

static bool has_references(const struct sql_job *job, bool *others)
{
	bool any = false;
	size_t i;

	*others = job->op.kind != EXPORT_UPDATE;
	for (i = 0; i < job->op.attr_count; i++) {
		if (sql_is_reference(job, &job->op.attrs[i]))
			any = true;
		else
			*others = true;
	}
	return any;
}

static bool is_new(const struct sql_job *job)
{
	return job->op.kind == EXPORT_ADD || job->op.kind == EXPORT_DELETE_ADD;
}

/* Their targets may come yet: it is written without them. */
static bool hold_references(struct sql_job *job, const struct attempt *attempt)
{
	bool others;

	if (job->hold || attempt->failure.kind != SQL_FAILURE_REFERENCE ||
	    job->op.kind == EXPORT_DELETE || !has_references(job, &others) ||
	    !others)
		return false;
	job->hold = true;
	if (is_new(job))
		job->writer->lacking++;
	return true;
}

/* A new row that is refused since one of its keys is there: is it the anchor?
 * -1: the connection is lost. */
static int judge_existing(struct connector_session *session,
			  struct sql_job *job, const struct attempt *attempt)
{
	struct sql_export *export = session->export;
	struct sql_failure failure = { .kind = SQL_FAILURE_NONE };
	struct error err = ERROR_INIT;
	int ret;

	if (attempt->failure.kind != SQL_FAILURE_UNIQUE || attempt->child ||
	    !attempt->insert || !job->has_anchor)
		return 0;
	ret = sql_anchor_exists(session, job, &export->batch.arena, &failure,
				&err);
	if (ret < 0 && failure.kind == SQL_FAILURE_LOST) {
		export->failed = err;
		return -1;
	}
	if (ret > 0)
		(void)sql_refuse(job, &export->batch.arena,
				 "cd-existing-object",
				 "there is a row of this anchor already: %s",
				 attempt->failure.text);
	return 0;
}

static void pause_for(unsigned tries)
{
	(void)poll(NULL, 0, (int)(10 * tries * tries));
}

/* The operation in a transaction of its own, until it has its outcome. */
static int write_alone(struct connector_session *session, size_t at)
{
	struct sql_job *job = session->export->waiting.at[at];
	struct attempt attempt;
	unsigned deadlocks = 0;
	int ret;

	for (;;) {
		ret = attempt_range(session, at, at + 1, &attempt);
		if (ret < 0)
			return -1;
		if (ret > 0 && !job->done) {
			give_success(session->export, job);
			return 0;
		}
		if (job->done) {
			give(session->export, job);
			return 0;
		}
		if (attempt.failure.kind == SQL_FAILURE_DEADLOCK &&
		    deadlocks++ < DEADLOCKS_ALONE)
			pause_for(deadlocks);
		else if (!hold_references(job, &attempt))
			break;
	}
	if (judge_existing(session, job, &attempt) < 0)
		return -1;
	if (!job->done)
		refuse(job, &attempt, &session->export->batch.arena);
	give(session->export, job);
	return 0;
}

/* Would another try, alone, tell more? */
static bool is_settled(const struct attempt *attempt)
{
	switch (attempt->failure.kind) {
	case SQL_FAILURE_NULL:
	case SQL_FAILURE_CHECK:
	case SQL_FAILURE_LENGTH:
	case SQL_FAILURE_VALUE:
	case SQL_FAILURE_DENIED:
	case SQL_FAILURE_LOCKED: /* and it would wait as long once more */
		return true;
	case SQL_FAILURE_NONE:
	case SQL_FAILURE_LOST:
	case SQL_FAILURE_UNIQUE:
	case SQL_FAILURE_REFERENCE:
	case SQL_FAILURE_DEADLOCK:
	case SQL_FAILURE_MISSING:
	case SQL_FAILURE_OTHER:
		break;
	}
	return false;
}

static int each_alone(struct connector_session *session, size_t from, size_t to)
{
	struct sql_export *export = session->export;
	int ret = 0;

	for (; ret == 0 && from < to; from++) {
		struct sql_job *job = export->waiting.at[from];

		if (job->done && !job->given)
			give(export, job);
		else if (!job->done)
			ret = write_alone(session, from);
	}
	return ret;
}

/* Together, as far as that is possible: 1 all have their outcome or a success
 * to be given; else where it ended. */
static int together(struct connector_session *session, size_t from, size_t to,
		    struct attempt *attempt)
{
	struct sql_export *export = session->export;
	unsigned deadlocks = 0;
	size_t i;
	int ret;

	do {
		ret = attempt_range(session, from, to, attempt);
		if (!ret && attempt->failure.kind == SQL_FAILURE_DEADLOCK)
			pause_for(deadlocks + 1);
	} while (!ret && attempt->failure.kind == SQL_FAILURE_DEADLOCK &&
		 deadlocks++ < DEADLOCKS_TOGETHER);
	for (i = from; ret > 0 && i < to; i++) {
		struct sql_job *job = export->waiting.at[i];

		if (!job->done)
			give_success(export, job);
		else if (!job->given)
			give(export, job);
	}
	return ret;
}

/* The one at which the window failed: true, it has its outcome;
 * false, it is to be judged alone. */
static bool settle(struct sql_export *export, const struct attempt *attempt)
{
	struct sql_job *job = export->waiting.at[attempt->at];

	if (!job->done && !is_settled(attempt))
		return false;
	if (!job->done)
		refuse(job, attempt, &export->arena);
	keep_outcome(export, job);
	return true;
}

static int write_range(struct connector_session *session, size_t from,
		       size_t to)
{
	struct sql_export *export = session->export;
	struct attempt attempt;
	struct attempt before;
	bool settled;
	int ret;

	while (from < to) {
		ret = together(session, from, to, &attempt);
		if (ret)
			return ret < 0 ? -1 : 0;
		if (attempt.at == SIZE_MAX || attempt.unsure ||
		    attempt.failure.kind == SQL_FAILURE_DEADLOCK)
			return each_alone(session, from, to);
		settled = settle(export, &attempt);
		/* Those before it were well. */
		ret = attempt.at > from
			      ? together(session, from, attempt.at, &before)
			      : 1;
		if (ret < 0 ||
		    (ret == 0 && each_alone(session, from, attempt.at) < 0))
			return -1;
		if (settled)
			give(export, export->waiting.at[attempt.at]);
		else if (write_alone(session, attempt.at) < 0)
			return -1;
		from = attempt.at + 1;
	}
	return 0;
}

/* Writes all that is waiting; a failure of the connection is kept. */
static int flush(struct connector_session *session)
{
	struct sql_export *export = session->export;
	int ret;

	if (export->failed.code != ERR_NONE)
		return -1;
	ret = write_range(session, 0, export->waiting.len);
	vec_clear(&export->waiting);
	arena_reset(&export->arena);
	if (ret < 0 && export->failed.code == ERR_NONE)
		(void)error_set(&export->failed, ERR_UNAVAILABLE,
				"the connection to the database was lost");
	return ret;
}

/* ---- operations of the table ---- */

/* What was answered before is given out first. */
static int lost(const struct sql_export *export, struct error *err)
{
	if (export->given < export->done.len)
		return 0;
	return error_set(err, export->failed.code, "%s", export->failed.msg);
}

static void keep_op(struct sql_export *export, struct sql_job *job,
		    const struct export_op *op)
{
	struct arena *arena = &export->arena;
	size_t i;

	job->op = *op;
	job->op.anchor = arena_dup(arena, op->anchor);
	job->op.attrs =
		arena_array(arena, op->attr_count + 1, sizeof(*op->attrs));
	for (i = 0; i < op->attr_count; i++) {
		job->op.attrs[i] = op->attrs[i];
		job->op.attrs[i].values =
			values_dup(&op->attrs[i].values, arena);
	}
}

int sql_export_put(struct connector_session *session,
		   const struct export_op *op, struct error *err)
{
	struct sql_export *export = session->export;
	struct sql_job *job;
	bool others;

	if (export->failed.code != ERR_NONE)
		return lost(export, err);
	job = arena_zalloc(&export->arena, sizeof(*job));
	keep_op(export, job, op);
	if (op->type < session->config->type_count)
		job->writer = export->writers[op->type];
	if (!job->writer) {
		(void)sql_refuse(job, &export->arena,
				 "no-export-to-this-object-type",
				 "no table is set for objects of this type");
		give(export, job);
		return 0;
	}
	job->hold = op->kind == EXPORT_ADD && job->writer->lacking >= LACKING &&
		    has_references(job, &others);
	vec_push(&export->waiting, job);
	if (export->waiting.len >= export->most && flush(session) < 0)
		return lost(export, err);
	return 0;
}

int sql_export_result(struct connector_session *session, bool wait,
		      struct arena *arena, struct export_outcome *out,
		      struct error *err)
{
	struct sql_export *export = session->export;

	if (export->given == export->done.len && wait && export->waiting.len)
		(void)flush(session);
	if (export->given == export->done.len)
		return export->failed.code == ERR_NONE ? 0 : lost(export, err);
	*out = export->done.at[export->given++];
	out->message = arena_dup(arena, out->message);
	out->anchor = arena_dup(arena, out->anchor);
	if (export->given == export->done.len) {
		vec_clear(&export->done);
		export->given = 0;
		arena_reset(&export->done_arena);
	}
	return 1;
}

int sql_export_end(struct connector_session *session, struct error *err)
{
	struct sql_export *export = session->export;

	if (export->waiting.len && flush(session) < 0)
		return lost(export, err);
	return export->failed.code == ERR_NONE ? 0 : lost(export, err);
}
