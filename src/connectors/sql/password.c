/*
 * password.c - passwords by the settings' own statements
 *
 * One statement in a transaction of its own. The passwords are bound, so they
 * are never part of its text; copies of them on the way are wiped. What the
 * database says of a failure is told only where it cannot repeat a value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "connectors/sql/export.h"

#include <string.h>

void sql_password_free(struct connector_session *session)
{
	size_t i;

	for (i = 0; session->passwords && i < session->config->type_count; i++)
		sql_writer_close(session->passwords[i]);
	mem_free(session->passwords);
	session->passwords = NULL;
}

static int writer_of(struct connector_session *session, size_t type,
		     struct sql_writer **out, struct error *err)
{
	const struct sql_source *source = sql_source_of(session, type);
	size_t count = session->config->type_count;

	if (!session->passwords)
		session->passwords =
			mem_zalloc((count + 1) * sizeof(*session->passwords));
	if (source && !session->passwords[type] &&
	    sql_writer_open(session, source, type, &session->passwords[type],
			    err) < 0)
		return -1;
	*out = session->passwords[type];
	return 0;
}

/* Always 0. */
static int refuse(struct export_outcome *out, const char *code,
		  const char *message)
{
	out->ok = false;
	out->error = code;
	out->message = sv_from(message);
	return 0;
}

/* ---- the statement ---- */

static struct sv bound(const struct sql_own_param *param,
		       const struct password_op *op, const struct sv *parts,
		       struct arena *arena)
{
	switch (param->kind) {
	case SQL_OWN_NEW_PASSWORD:
		return secret_view(op->new_password);
	case SQL_OWN_OLD_PASSWORD:
		return op->old_password ? secret_view(op->old_password)
					: SV_NULL;
	case SQL_OWN_WHOLE_ANCHOR:
		return op->anchor;
	case SQL_OWN_ANCHOR:
		return sql_text_write(param->column, parts[param->index],
				      arena);
	case SQL_OWN_ATTR:
		break;
	}
	return SV_NULL;
}

/* The anchor's parts are split. 1; 0: refused. */
static int make_run(const struct sql_writer *writer, const struct sql_own *own,
		    const struct password_op *op, struct arena *arena,
		    struct sql_run *run)
{
	size_t count = writer->source->anchor_count;
	struct sv *parts = arena_array(arena, count + 1, sizeof(*parts));
	struct sql_param *params =
		arena_array(arena, own->param_count + 1, sizeof(*params));
	size_t i;

	if (!sql_anchor_split(op->anchor, count, parts))
		return 0;
	for (i = 0; i < own->param_count; i++)
		params[i] = (struct sql_param){ bound(&own->params[i], op,
						      parts, arena),
						own->params[i].column };
	*run = (struct sql_run){ .sql = own->sql,
				 .params = params,
				 .param_count = own->param_count,
				 .secret = true };
	return 1;
}

/* ---- what became of it ---- */

static bool is_false(struct sv text)
{
	return sv_eq_str(text, "0") || sv_ieq_str(text, "f") ||
	       sv_ieq_str(text, "false");
}

/* 1: it did what it should. */
static int take(const struct sql_own *own, const struct password_op *op,
		const struct sql_run *run, struct export_outcome *out)
{
	bool nothing = own->counts
			       ? !run->rows && !run->value_count
			       : run->value_count && is_false(run->values[0]);

	if (own->counts && run->rows > 1)
		return refuse(out, "cd-error",
			      "the statement touches several accounts; nothing "
			      "was written");
	if (nothing && op->old_password)
		return refuse(out, "permission-issue",
			      "the account is not there, or the old password "
			      "is not right");
	if (nothing)
		return refuse(out, "cd-missing-object",
			      "the account is not there");
	out->ok = true;
	return 1;
}

/* A procedure's own words, or words about rights and names: no values. */
static bool may_be_told(const struct sql_failure *failure)
{
	switch (failure->kind) {
	case SQL_FAILURE_CHECK:
		return strncmp(failure->state, "23", 2) != 0;
	case SQL_FAILURE_DENIED:
	case SQL_FAILURE_MISSING:
		return true;
	case SQL_FAILURE_NONE:
	case SQL_FAILURE_LOST:
	case SQL_FAILURE_UNIQUE:
	case SQL_FAILURE_REFERENCE:
	case SQL_FAILURE_NULL:
	case SQL_FAILURE_LENGTH:
	case SQL_FAILURE_VALUE:
	case SQL_FAILURE_DEADLOCK:
	case SQL_FAILURE_LOCKED:
	case SQL_FAILURE_OTHER:
		break;
	}
	return false;
}

static const char *code_of(const struct sql_failure *failure)
{
	switch (failure->kind) {
	case SQL_FAILURE_CHECK:
		return "password-policy-violation";
	case SQL_FAILURE_NULL:
	case SQL_FAILURE_LENGTH:
	case SQL_FAILURE_VALUE:
		return "invalid-attribute-value";
	case SQL_FAILURE_DENIED:
		return "permission-issue";
	case SQL_FAILURE_MISSING:
		return "schema-violation";
	case SQL_FAILURE_UNIQUE:
	case SQL_FAILURE_REFERENCE:
		return "constraint-violation";
	case SQL_FAILURE_NONE:
	case SQL_FAILURE_LOST:
	case SQL_FAILURE_DEADLOCK:
	case SQL_FAILURE_LOCKED:
	case SQL_FAILURE_OTHER:
		break;
	}
	return "cd-error";
}

/* 0 refused; -1: it may be tried again. */
static int fail(const struct connector_session *session,
		const struct sql_failure *failure, struct arena *arena,
		struct export_outcome *out, struct error *err)
{
	const char *state = *failure->state ? failure->state : "none";

	error_clear(err);
	if (failure->kind == SQL_FAILURE_DEADLOCK ||
	    failure->kind == SQL_FAILURE_LOCKED)
		return error_set(err, ERR_UNAVAILABLE,
				 "%s: others held the row for too long; try "
				 "again",
				 session->link->server);
	if (may_be_told(failure))
		return refuse(out, code_of(failure),
			      arena_printf(arena, "%s (SQLSTATE %s)",
					   failure->text, state));
	return refuse(out, code_of(failure),
		      arena_printf(arena,
				   "the database refuses it (SQLSTATE %s); its "
				   "own words are not shown, they may have the "
				   "password in them",
				   state));
}

static int run_it(struct connector_session *session, const struct sql_own *own,
		  const struct password_op *op, struct sql_run *run,
		  struct arena *scratch, struct arena *arena,
		  struct export_outcome *out, struct error *err)
{
	const struct sql_driver *driver = session->driver;
	struct sql_failure failure = { .kind = SQL_FAILURE_NONE };
	struct error ignored = ERROR_INIT;
	size_t failed;
	int ret;

	if (driver->begin(session->link, false, err) < 0)
		return -1;
	ret = driver->execute(session->link, run, 1, scratch, &failed, &failure,
			      err);
	if (ret < 0)
		return error_set(err, ERR_UNAVAILABLE,
				 "%s: the connection was lost; whether it was "
				 "done is not known",
				 session->link->server);
	if (ret > 0 && take(own, op, run, out) > 0)
		return driver->commit(session->link, err);
	if (driver->rollback(session->link, &ignored) < 0)
		return error_set(err, ERR_UNAVAILABLE, "%s", ignored.msg);
	return ret ? 0 : fail(session, &failure, arena, out, err);
}

/* ---- */

/* Bytes that can be bound as text: 1; 0: refused. */
static int is_sound(const struct secret *secret, struct export_outcome *out)
{
	struct sv text = secret ? secret_view(secret) : SV_LIT("none");

	if (!text.len)
		return refuse(out, "invalid-attribute-value",
			      "an empty password is none");
	if (sv_find(text, '\0', 0) < text.len || !text_is_utf8(text))
		return refuse(out, "invalid-attribute-value",
			      "the password has bytes that are no text");
	return 1;
}

int sql_password(struct connector_session *session,
		 const struct password_op *op, struct arena *arena,
		 struct export_outcome *out, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct sql_writer *writer;
	const struct sql_own *own;
	struct sql_run run;
	int ret;

	if (writer_of(session, op->type, &writer, err) < 0)
		return -1;
	own = !writer            ? NULL
	      : op->old_password ? &writer->password_change
				 : &writer->password_set;
	if (!own || !own->sql)
		return refuse(out, "no-export-to-this-object-type",
			      "'passwords' has no statement for this type");
	if (!is_sound(op->new_password, out) ||
	    !is_sound(op->old_password, out))
		return 0;
	if (make_run(writer, own, op, &scratch, &run))
		ret = run_it(session, own, op, &run, &scratch, arena, out, err);
	else
		ret = refuse(out, "missing-anchor-component",
			     "the anchor has not as many parts as the agent's "
			     "setting");
	arena_wipe(&scratch);
	return ret;
}
