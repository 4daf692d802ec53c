/*
 * exec_password.c - passwords that a program sets or changes
 *
 * One message, one result. It is not sent again when the program ends in
 * between: whether it was done is then not known.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "connectors/exec/exec_private.h"

#include <inttypes.h>
#include <string.h>

static void put_member(struct strbuf *out, const char *key, struct sv text)
{
	strbuf_addf(out, ",\"%s\":", key);
	message_put_value(out, text, false);
}

static int send_password(struct connector_session *s,
			 const struct password_op *op, struct error *err)
{
	struct strbuf line = STRBUF_INIT(MESSAGE_BYTES);

	/* room at once: what grows leaves copies behind */
	(void)strbuf_room(&line, 8192);
	strbuf_addf(&line,
		    "{\"msg\":\"password\",\"id\":%" PRId64 ",\"do\":\"%s\"",
		    ++s->passwords, op->old_password ? "change" : "set");
	put_member(&line, "type", sv_from(s->config->types[op->type].name));
	put_member(&line, "anchor", op->anchor);
	if (op->dn.len)
		put_member(&line, "dn", op->dn);
	if (op->old_password)
		put_member(&line, "old", secret_view(op->old_password));
	put_member(&line, "new", secret_view(op->new_password));
	strbuf_addc(&line, '}');
	if (!line.overflow)
		exec_send(s, strbuf_sv(&line));
	explicit_bzero(line.ptr, line.size);
	if (line.overflow)
		(void)error_set(err, ERR_LIMIT, "the password is too long");
	strbuf_release(&line);
	return line.overflow ? -1 : 0;
}

static int take_result(struct connector_session *s,
		       const struct message *message, struct arena *arena,
		       struct export_outcome *out, struct error *err)
{
	const struct message *ok = message_get(message, "ok");
	struct sv text = message_text(message, "message");
	int64_t id = 0;

	if (!message_number(message, "id", &id) || id != s->passwords)
		return exec_wrong(s, err,
				  "the result of password %" PRId64
				  " has another 'id', or none",
				  s->passwords);
	if (!ok || ok->kind != MESSAGE_BOOLEAN)
		return exec_wrong(s, err, "a result has 'ok', true or false");
	out->ok = message_true(message, "ok");
	if (out->ok)
		return 0;
	out->error = exec_error_name(message_text(message, "error"));
	out->message = text.len ? arena_dup(arena, text)
				: SV_LIT("the connector says no more");
	return 0;
}

static bool is_text(const struct secret *secret)
{
	struct sv text = secret ? secret_view(secret) : SV_NULL;

	return text_is_utf8(text) && sv_find(text, '\0', 0) == text.len;
}

int exec_password(struct connector_session *s, const struct password_op *op,
		  struct arena *arena, struct export_outcome *out,
		  struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct message *answer;
	int ret;

	if (!is_text(op->new_password) || !is_text(op->old_password)) {
		out->error = "invalid-attribute-value";
		out->message =
			SV_LIT("the password has bytes that are no text");
		return 0;
	}
	ret = send_password(s, op, err);
	if (ret == 0)
		ret = exec_expect(s, "answer", &scratch, &answer, err);
	if (ret == 0 && !exec_is(answer, "result"))
		ret = exec_wrong(s, err,
				 "'" SV_FMT "' is no answer to a password",
				 SV_ARG(message_text(answer, "msg")));
	if (ret == 0)
		ret = take_result(s, answer, arena, out, err);
	arena_wipe(&scratch);
	return ret;
}
