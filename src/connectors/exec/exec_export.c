/*
 * exec_export.c - exports to a program
 *
 * So many operations as its window says are under way at once; each is kept as
 * the line that it is until its result has come. When the program ends in the
 * middle it is started once more and what has no result is sent again with
 * `retry`. With at-once nothing is: whether its end was written is not known.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/exec/exec_private.h"

#include "base/clock.h"
#include "base/vec.h"

#include <inttypes.h>

#define UNSENT ((size_t)1 << 20) /* bytes that may wait to be taken */

/* An operation that was sent; the program knows it by a number of ours. */
struct pending {
	uint64_t id;      /* the engine's */
	const char *name; /* "add"; NULL: its result has come */
	char *rest;       /* of the line, behind the number; NULL: at-once */
	bool retry;
};

struct exec_export {
	VEC(struct pending) ops; /* the first has the number `first` */
	size_t head;             /* those before have their results */
	uint64_t first;
	size_t outstanding;
	VEC(struct export_outcome) outcomes; /* to be given */
	size_t given;
	struct arena arena; /* of the outcomes */
	uint64_t results;   /* since `export`, of this program */
	bool begun;
	bool at_once;
};

bool exec_export_is_idle(const struct connector_session *s)
{
	return !s->export || !s->export->begun;
}

void exec_export_free(struct connector_session *s)
{
	struct exec_export *ex = s->export;
	struct pending *op;

	if (!ex)
		return;
	vec_foreach(&ex->ops, op)
		mem_free(op->rest);
	vec_release(&ex->ops);
	vec_release(&ex->outcomes);
	arena_release(&ex->arena);
	mem_free(ex);
	s->export = NULL;
}

/* --- operations -------------------------------------------------------- */

static const char *name_of(enum export_kind kind)
{
	switch (kind) {
	case EXPORT_ADD:
		return "add";
	case EXPORT_UPDATE:
		return "update";
	case EXPORT_RENAME:
		return "rename";
	case EXPORT_DELETE:
		return "delete";
	case EXPORT_DELETE_ADD:
		return "replace";
	}
	return "";
}

static void put_member(struct strbuf *out, const char *key, struct sv text)
{
	if (!text.len)
		return;
	strbuf_addf(out, ",\"%s\":", key);
	message_put_value(out, text, false);
}

static char *rest_of(const struct connector_session *s,
		     const struct export_op *op)
{
	const struct object_type *type = &s->config->types[op->type];
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	char *copy;

	put_member(&out, "type", sv_from(type->name));
	put_member(&out, "anchor", op->anchor);
	put_member(&out, "dn", op->dn);
	if (op->kind == EXPORT_RENAME)
		put_member(&out, "new_dn", op->new_dn);
	if (op->kind != EXPORT_DELETE)
		exec_put_attrs(s, op, &out);
	strbuf_addc(&out, '}');
	copy = mem_strdup(strbuf_cstr(&out));
	strbuf_release(&out);
	return copy;
}

static void send_op(struct connector_session *s, uint64_t number,
		    const struct pending *op)
{
	struct strbuf line = STRBUF_INIT(STRBUF_NO_LIMIT);

	strbuf_addf(&line, "{\"msg\":\"%s\",\"id\":%" PRIu64 "%s%s", op->name,
		    number, op->retry ? ",\"retry\":true" : "", op->rest);
	exec_send(s, strbuf_sv(&line));
	/* a value may be a password */
	explicit_bzero(line.ptr, line.len);
	strbuf_release(&line);
}

/* --- results ----------------------------------------------------------- */

const char *exec_error_name(struct sv word)
{
	static const char *const names[] = {
		"cd-existing-object",
		"rename-to-existing-dn",
		"cd-missing-object",
		"non-existent-parent",
		"cd-existing-attribute-or-value",
		"dn-attributes-failure",
		"constraint-violation",
		"schema-violation",
		"invalid-attribute-value",
		"invalid-dn",
		"modify-naming-attribute",
		"permission-issue",
		"password-policy-violation",
		"encryption-not-enabled",
		"missing-anchor-component",
		"no-export-to-this-object-type",
		"insufficient-columns",
		"code-page-conversion",
		"unexpected-error",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (sv_eq_str(word, names[i]))
			return names[i];
	return "cd-error";
}

static void forget(struct pending *op)
{
	if (op->rest) {
		explicit_bzero(op->rest, strlen(op->rest));
		mem_free(op->rest);
	}
	op->rest = NULL;
	op->name = NULL;
}

/* Gives the places of those that have their results to others. */
static void trim(struct exec_export *ex)
{
	while (ex->head < ex->ops.len && !ex->ops.at[ex->head].name)
		ex->head++;
	if (ex->head * 2 < ex->ops.len || !ex->head)
		return;
	memmove(ex->ops.at, ex->ops.at + ex->head,
		(ex->ops.len - ex->head) * sizeof(*ex->ops.at));
	ex->ops.len -= ex->head;
	ex->first += ex->head;
	ex->head = 0;
}

static struct export_outcome make_outcome(struct exec_export *ex, uint64_t id,
					  const struct message *message)
{
	struct sv text = message_text(message, "message");
	struct export_outcome out = { .id = id };

	out.ok = message_true(message, "ok");
	if (out.ok) {
		out.adopted = message_true(message, "adopted");
		out.references_later =
			message_true(message, "references_later");
		out.anchor =
			arena_dup(&ex->arena, message_text(message, "anchor"));
		out.dn = arena_dup(&ex->arena, message_text(message, "dn"));
		return out;
	}
	out.error = exec_error_name(message_text(message, "error"));
	out.message = text.len ? arena_dup(&ex->arena, text)
			       : SV_LIT("the connector says no more");
	return out;
}

static int take_result(struct connector_session *s,
		       const struct message *message, struct error *err)
{
	const struct message *ok = message_get(message, "ok");
	struct exec_export *ex = s->export;
	struct export_outcome outcome;
	struct pending *op = NULL;
	int64_t number = 0;
	uint64_t at;

	if (!exec_is(message, "result"))
		return exec_wrong(s, err,
				  "'" SV_FMT "' is no message of an export",
				  SV_ARG(message_text(message, "msg")));
	if (!ok || ok->kind != MESSAGE_BOOLEAN)
		return exec_wrong(s, err, "a result has 'ok', true or false");
	if (!message_number(message, "id", &number))
		return exec_wrong(s, err, "a result has the number 'id'");
	at = (uint64_t)number - ex->first;
	if (number > 0 && (uint64_t)number >= ex->first && at < ex->ops.len)
		op = &ex->ops.at[at];
	if (!op || !op->name)
		return exec_wrong(s, err,
				  "there is no operation %" PRId64
				  " that has no result yet",
				  number);
	outcome = make_outcome(ex, op->id, message);
	vec_push(&ex->outcomes, outcome);
	forget(op);
	ex->outstanding--;
	ex->results++;
	trim(ex);
	return 0;
}

/* --- when it ends in the middle ---------------------------------------- */

static int ask_export(struct connector_session *s, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct message *answer;
	int ret = exec_ask(s, SV_LIT("{\"msg\":\"export\"}"), "ok", &scratch,
			   &answer, err);

	arena_release(&scratch);
	s->export->results = 0;
	return ret;
}

/* After -1: it goes on with all that has no result; or -1. */
static int go_on(struct connector_session *s, struct error *err)
{
	struct exec_export *ex = s->export;
	size_t i;

	if (ex->at_once)
		return -1;
	while (exec_again(s, err) < 0 || ask_export(s, err) < 0)
		if (!s->crashed || s->restarts < 1)
			return -1;
	for (i = ex->head; i < ex->ops.len; i++) {
		if (!ex->ops.at[i].name)
			continue;
		ex->ops.at[i].retry = true;
		send_op(s, ex->first + i, &ex->ops.at[i]);
	}
	return 0;
}

/* 1: a result was taken; 0: none; -1. */
static int take_one(struct connector_session *s, bool wait, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct message *message;
	int ret;

	if (wait) {
		ret = exec_expect(s, "answer an operation", &scratch, &message,
				  err);
		ret = ret < 0 ? -1 : 1;
	} else {
		ret = exec_receive(s, 0, &scratch, &message, err);
	}
	if (ret < 0)
		ret = go_on(s, err);
	else if (ret > 0 && take_result(s, message, err) < 0)
		ret = -1;
	arena_release(&scratch);
	return ret;
}

/* Until there is room for one more. */
static int make_room(struct connector_session *s, struct error *err)
{
	struct exec_export *ex = s->export;
	int64_t until = clock_monotonic_ms() + s->timeout_ms;

	while (!ex->at_once && ex->outstanding >= (size_t)s->hello.window)
		if (take_one(s, true, err) < 0)
			return -1;
	while (s->running && program_unsent(&s->program) > UNSENT) {
		if (clock_monotonic_ms() > until) {
			exec_stop(s, false);
			return error_set(err, ERR_UNAVAILABLE,
					 "'%s' took nothing for %d seconds, "
					 "and was ended: see `timeout`",
					 s->plan.argv[0], s->timeout_ms / 1000);
		}
		program_pump(&s->program, 1000);
		if (take_one(s, false, err) < 0)
			return -1;
	}
	return 0;
}

/* --- operations of the connector --------------------------------------- */

int exec_export_begin(struct connector_session *s, struct error *err)
{
	struct exec_export *ex = s->export;

	if (!ex) {
		ex = mem_zalloc(sizeof(*ex));
		ex->first = 1;
		ex->at_once = s->caps & CONNECTOR_CAP_AT_ONCE;
		s->export = ex;
	}
	if (ask_export(s, err) < 0 && go_on(s, err) < 0)
		return -1;
	ex->begun = true;
	return 0;
}

int exec_export_put(struct connector_session *s, const struct export_op *op,
		    struct error *err)
{
	struct exec_export *ex = s->export;
	struct pending pending = { op->id, name_of(op->kind), NULL, op->retry };

	if (make_room(s, err) < 0)
		return -1;
	pending.rest = rest_of(s, op);
	vec_push(&ex->ops, pending);
	ex->outstanding++;
	send_op(s, ex->first + ex->ops.len - 1, &pending);
	if (ex->at_once) {
		mem_free(pending.rest);
		ex->ops.at[ex->ops.len - 1].rest = NULL;
	}
	return 0;
}

static int take_end(struct connector_session *s, const struct message *message,
		    struct error *err)
{
	struct exec_export *ex = s->export;
	int64_t count = -1;

	if (!message_number(message, "count", &count))
		return exec_wrong(s, err, "'end' needs the number 'count'");
	if (ex->outstanding)
		return exec_wrong(s, err, "%zu operations have no result",
				  ex->outstanding);
	if (count < 0 || (uint64_t)count != ex->results)
		return exec_wrong(s, err,
				  "'end' counts %" PRId64 " results where it "
				  "gave %" PRIu64,
				  count, ex->results);
	ex->begun = false;
	return 0;
}

int exec_export_end(struct connector_session *s, struct error *err)
{
	struct exec_export *ex = s->export;
	struct arena scratch = ARENA_INIT;
	struct message *message;
	bool asked = false;
	int ret = 0;

	while (ret == 0 && ex->begun) {
		if (!asked)
			exec_send(s, SV_LIT("{\"msg\":\"export-end\"}"));
		asked = true;
		arena_reset(&scratch);
		if (exec_expect(s, "end the export", &scratch, &message, err) <
		    0) {
			ret = go_on(s, err);
			asked = false;
		} else if (exec_is(message, "end")) {
			ret = take_end(s, message, err);
		} else {
			ret = take_result(s, message, err);
		}
	}
	arena_release(&scratch);
	return ret;
}

int exec_export_result(struct connector_session *s, bool wait,
		       struct arena *arena, struct export_outcome *out,
		       struct error *err)
{
	struct exec_export *ex = s->export;
	int ret;

	if (!ex)
		return 0;
	while (ex->given == ex->outcomes.len && ex->begun && ex->outstanding &&
	       !(ex->at_once && wait)) {
		ret = take_one(s, wait, err);
		if (ret < 0)
			return -1;
		/* or it was started again */
		if (ret == 0 && !wait)
			break;
	}
	if (ex->given == ex->outcomes.len)
		return 0;
	*out = ex->outcomes.at[ex->given++];
	out->message = arena_dup(arena, out->message);
	out->anchor = arena_dup(arena, out->anchor);
	out->dn = arena_dup(arena, out->dn);
	if (ex->given == ex->outcomes.len) {
		vec_clear(&ex->outcomes);
		ex->given = 0;
		arena_reset(&ex->arena);
	}
	return 1;
}
