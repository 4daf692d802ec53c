/*
 * talk.c - starting a program, asking it, and what its answers may be
 *
 * Whatever is not as the protocol has it ends the session: the message names
 * the line of the program's output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/exec/exec_private.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

#define GRACE_MS 5000
#define SHOWN    60 /* bytes of a line that is quoted */

bool exec_is(const struct message *message, const char *name)
{
	return sv_eq_str(message_text(message, "msg"), name);
}

int exec_wrong(const struct connector_session *s, struct error *err,
	       const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return error_set(err, ERR_INVALID,
			 "'%s' does not keep to the protocol, line %" PRIu64
			 " of its output: %s",
			 s->plan.argv[0], s->line, text);
}

/* The line, as far as it can be shown. */
static const char *quote(struct sv line, char out[SHOWN + 8])
{
	size_t len = line.len < SHOWN ? line.len : SHOWN;
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line.ptr[i];

		out[i] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
	}
	(void)snprintf(out + len, 8, "%s", line.len > len ? " ..." : "");
	return out;
}

static enum err_code code_of(struct sv word)
{
	static const struct {
		const char *word;
		enum err_code code;
	} codes[] = {
		{ "unavailable", ERR_UNAVAILABLE },
		{ "denied", ERR_DENIED },
		{ "invalid", ERR_INVALID },
		{ "conflict", ERR_CONFLICT },
		{ "limit", ERR_LIMIT },
		{ "unsupported", ERR_UNSUPPORTED },
	};
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (sv_eq_str(word, codes[i].word))
			return codes[i].code;
	return ERR_INTERNAL;
}

/* It says that it failed. */
static int take_error(struct connector_session *s,
		      const struct message *message, struct error *err)
{
	struct sv text = message_text(message, "message");
	enum err_code code = code_of(message_text(message, "code"));

	s->finished = code != ERR_UNSUPPORTED;
	return error_set(err, code, "'%s' says: " SV_FMT, s->plan.argv[0],
			 SV_ARG(text.len ? text : SV_LIT("it failed")));
}

static void take_log(struct connector_session *s, const struct message *message)
{
	struct sv level = message_text(message, "level");
	struct sv text = message_text(message, "message");
	enum log_level as = LOG_LEVEL_INFO;

	if (s->program.noisy++ >= PROGRAM_NOISE)
		return;
	if (text.len > PROGRAM_NOISE_LINE)
		text.len = PROGRAM_NOISE_LINE;
	if (sv_eq_str(level, "error"))
		as = LOG_LEVEL_ERROR;
	else if (sv_eq_str(level, "warn"))
		as = LOG_LEVEL_WARN;
	else if (sv_eq_str(level, "debug"))
		as = LOG_LEVEL_DEBUG;
	log_event(as, "connector says",
		  (const struct log_field[]){ F_STR("agent", s->config->agent),
					      F_SV("text", text), F_END });
}

static int tell_end(struct connector_session *s, struct error *err)
{
	size_t left = s->program.inbox.len - s->program.at;
	char how[320];

	program_epitaph(&s->program, how, sizeof(how));
	s->running = false;
	s->crashed = true;
	return error_set(err, ERR_UNAVAILABLE,
			 "'%s' %s, after line %" PRIu64 " of its output%s",
			 s->plan.argv[0], how, s->line,
			 left ? ", in the middle of the next" : "");
}

static int read_line(struct connector_session *s, struct sv line,
		     struct arena *arena, struct message **out,
		     struct error *err)
{
	char shown[SHOWN + 8];

	if (message_parse(s->parser, arena_dup(arena, line), arena, out, err) <
	    0)
		return exec_wrong(s, err, "%s: %s", err ? err->msg : "",
				  quote(line, shown));
	if (!message_text(*out, "msg").len)
		return exec_wrong(s, err, "a message has a text 'msg': %s",
				  quote(line, shown));
	return 0;
}

int exec_receive(struct connector_session *s, int timeout_ms,
		 struct arena *arena, struct message **out, struct error *err)
{
	for (;;) {
		struct sv line;
		int got;

		if (!s->running || s->finished)
			return error_set(err, ERR_UNAVAILABLE,
					 "'%s' is not running any more",
					 s->plan.argv[0]);
		got = program_line(&s->program, timeout_ms, &line, err);
		if (got == PROGRAM_SILENT)
			return 0;
		if (got == PROGRAM_ENDED)
			return tell_end(s, err);
		s->line++;
		if (got < 0)
			return exec_wrong(s, err, "%s", err ? err->msg : "");
		if (read_line(s, line, arena, out, err) < 0)
			return -1;
		if (exec_is(*out, "error"))
			return take_error(s, *out, err);
		if (!exec_is(*out, "log"))
			return 1;
		take_log(s, *out);
	}
}

int exec_expect(struct connector_session *s, const char *what,
		struct arena *arena, struct message **out, struct error *err)
{
	int ret = exec_receive(s, s->timeout_ms, arena, out, err);

	if (ret < 0)
		return -1;
	if (ret > 0)
		return 0;
	exec_stop(s, false);
	return error_set(err, ERR_UNAVAILABLE,
			 "'%s' was silent for %d seconds where it had to %s, "
			 "and was ended: see `timeout`",
			 s->plan.argv[0], s->timeout_ms / 1000, what);
}

void exec_send(struct connector_session *s, struct sv line)
{
	if (s->running)
		program_send(&s->program, line);
}

int exec_ask(struct connector_session *s, struct sv question,
	     const char *answer, struct arena *arena, struct message **out,
	     struct error *err)
{
	struct sv name;

	exec_send(s, question);
	if (exec_expect(s, "answer", arena, out, err) < 0)
		return -1;
	if (exec_is(*out, answer))
		return 0;
	name = message_text(*out, "msg");
	return exec_wrong(s, err,
			  "it answers '" SV_FMT "' where '%s' is expected",
			  SV_ARG(name), answer);
}

/* --- beginning and end ------------------------------------------------- */

static int take_hello(struct connector_session *s,
		      const struct message *message, struct error *err)
{
	const struct message *can = message_get(message, "can");
	const struct message *at;
	int64_t protocol = 0;
	struct exec_hello *hello = &s->hello;

	if (!message_number(message, "protocol", &protocol))
		return exec_wrong(s, err, "'protocol' must be a number");
	if (protocol != EXEC_PROTOCOL)
		return error_set(err, ERR_UNSUPPORTED,
				 "'%s' speaks version %" PRId64 " of the "
				 "protocol, this is version %d",
				 s->plan.argv[0], protocol, EXEC_PROTOCOL);
	if (!can || can->kind != MESSAGE_LIST)
		return exec_wrong(s, err, "'can' must be a list of words");
	*hello = (struct exec_hello){ .window = EXEC_WINDOW };
	hello->name = arena_cstr(&s->arena, message_text(message, "name"));
	hello->version =
		arena_cstr(&s->arena, message_text(message, "version"));
	hello->can = arena_array(&s->arena, can->count, sizeof(struct sv));
	for (at = can->first; at; at = at->next)
		hello->can[hello->can_count++] = arena_dup(&s->arena, at->text);
	hello->credits = message_true(message, "credits");
	(void)message_number(message, "window", &hello->window);
	if (hello->window < 1 || hello->window > EXEC_MOST_WINDOW)
		return exec_wrong(s, err, "'window' must be 1 to 10000");
	return 0;
}

static int greet(struct connector_session *s, struct arena *arena,
		 struct error *err)
{
	struct strbuf line = STRBUF_INIT(MESSAGE_BYTES);
	struct message *answer = NULL;
	int ret;

	strbuf_addf(&line,
		    "{\"msg\":\"hello\",\"protocol\":%d,\"conjoin\":\"%s\"}",
		    EXEC_PROTOCOL, CONJOIN_VERSION);
	ret = exec_ask(s, strbuf_sv(&line), "hello", arena, &answer, err);
	if (ret == 0)
		ret = take_hello(s, answer, err);
	strbuf_reset(&line);
	if (ret == 0)
		ret = exec_put_open(s, &line, err);
	if (ret == 0)
		ret = exec_ask(s, strbuf_sv(&line), "ok", arena, &answer, err);
	if (line.ptr)
		explicit_bzero(line.ptr, line.size);
	strbuf_release(&line);
	return ret;
}

int exec_start(struct connector_session *s, struct error *err)
{
	struct arena arena = ARENA_INIT;
	int ret;

	s->line = 0;
	s->finished = false;
	s->crashed = false;
	if (program_start(&s->program, &s->plan, err) < 0)
		return -1;
	s->running = true;
	ret = greet(s, &arena, err);
	arena_release(&arena);
	if (ret < 0)
		exec_stop(s, false);
	return ret;
}

void exec_stop(struct connector_session *s, bool idle)
{
	if (!s->running)
		return;
	idle = idle && !s->finished;
	if (idle)
		exec_send(s, SV_LIT("{\"msg\":\"bye\"}"));
	program_stop(&s->program, idle ? GRACE_MS : 0);
	s->running = false;
}

int exec_again(struct connector_session *s, struct error *err)
{
	if (!s->crashed || s->restarts < 1)
		return -1;
	s->restarts--;
	log_warn("connector is started again", F_STR("agent", s->config->agent),
		 F_STR("since", err ? err->msg : ""));
	error_clear(err);
	return exec_start(s, err);
}

int exec_try(struct connector_session *s, struct sv line, struct arena *arena,
	     struct sv *answer, struct error *err)
{
	struct message *message = NULL;

	exec_send(s, line);
	if (exec_expect(s, "answer", arena, &message, err) < 0)
		return -1;
	*answer = message_text(message, "msg");
	return 0;
}

int exec_leave(struct connector_session *s, bool bye)
{
	if (!s->running)
		return -1;
	if (bye)
		exec_send(s, SV_LIT("{\"msg\":\"bye\"}"));
	program_stop(&s->program, GRACE_MS);
	s->running = false;
	return WIFEXITED(s->program.status) ? WEXITSTATUS(s->program.status)
					    : -1;
}
