/*
 * nt4_tool.c - rpcclient and net as programs beside us
 *
 * The name and password are a file in memory that the program reads as its
 * file 3 and that goes with it: they are in no argument, no environment and on
 * no disk. Commands, which may hold new passwords, come by standard input. The
 * system's own smb.conf is not read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/nt4/nt4_private.h"

#define MOST_WORDS 16

static size_t put_common(const struct connector_session *session,
			 const char **argv, size_t count)
{
	argv[count++] = "--configfile=/dev/null";
	argv[count++] = "-A";
	argv[count++] = "/dev/fd/3";
	argv[count++] = session->old ? "--option=client min protocol=NT1"
				     : "--option=client min protocol=SMB2_02";
	if (session->old)
		argv[count++] = "--option=client max protocol=NT1";
	argv[count] = NULL;
	return count;
}

/* The first line that is worth showing. */
static struct sv first_line(struct sv text)
{
	struct sv line = SV_NULL;
	size_t at = 0;

	while (nt4_next_line(text, &at, &line))
		if (sv_trim(line).len)
			return sv_trim(line);
	return SV_NULL;
}

/* `failed`: the program says itself that it could not even ask. */
static int judge(struct connector_session *session,
		 const struct process_talk *talk, bool failed,
		 struct error *err)
{
	struct sv status = nt4_find_status(talk->errors);
	struct sv line;
	enum err_code code;

	if (!status.len)
		status = nt4_find_status(talk->out);
	code = status.len ? nt4_status_fatal(status) : ERR_NONE;
	if (code == ERR_NONE && !failed)
		return 0;
	line = first_line(talk->errors);
	if (!line.len)
		line = first_line(talk->out);
	if (code == ERR_DENIED)
		return error_set(err, code,
				 "%s: the server does not let the agent's "
				 "account in: " SV_FMT ": check user, domain "
				 "and password",
				 session->server, SV_ARG(line));
	return error_set(err, ERR_UNAVAILABLE,
			 "%s: the server cannot be asked: " SV_FMT,
			 session->server, SV_ARG(line));
}

int nt4_rpcclient(struct connector_session *session, struct sv commands,
		  struct process_talk *talk, struct arena *arena,
		  struct error *err)
{
	const char *argv[MOST_WORDS] = { arena_printf(arena, "%srpcclient",
						      session->tools) };

	argv[put_common(session, argv, 1)] = session->server;
	*talk = (struct process_talk){
		.input = commands, .secret = secret_view(&session->sign_in)
	};
	if (process_talk(argv, talk, session->timeout, arena, err) < 0)
		return -1;
	return judge(session, talk, talk->status == 1 && !talk->out.len, err);
}

int nt4_net(struct connector_session *session, const char *const *words,
	    struct sv input, struct process_talk *talk, struct arena *arena,
	    struct error *err)
{
	const char *argv[MOST_WORDS] = {
		arena_printf(arena, "%snet", session->tools), "rpc"
	};
	size_t count = put_common(session, argv, 2);

	argv[count++] = "-S";
	argv[count++] = session->server;
	argv[count++] = "--";
	while (*words && count < MOST_WORDS - 1)
		argv[count++] = *words++;
	argv[count] = NULL;
	*talk = (struct process_talk){
		.input = input, .secret = secret_view(&session->sign_in)
	};
	if (process_talk(argv, talk, session->timeout, arena, err) < 0)
		return -1;
	return judge(session, talk, false, err);
}

static bool has_control(struct sv word)
{
	size_t i;

	for (i = 0; i < word.len; i++)
		if ((unsigned char)word.ptr[i] < ' ')
			return true;
	return false;
}

/* It knows quotes and no way to write one. */
bool nt4_put_word(struct strbuf *out, struct sv word)
{
	if (has_control(word) || sv_find(word, '"', 0) < word.len)
		return false;
	strbuf_addf(out, "\"" SV_FMT "\"", SV_ARG(word));
	return true;
}

/* A backslash before a character takes its meaning away. Nothing cannot be
 * written: a blank stands for it, which is read as nothing. */
bool nt4_put_argument(struct strbuf *out, struct sv word)
{
	size_t i;

	if (has_control(word))
		return false;
	if (!word.len)
		strbuf_adds(out, "\" \"");
	for (i = 0; i < word.len; i++) {
		char c = word.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || (c & 0x80)))
			strbuf_addc(out, '\\');
		strbuf_addc(out, c);
	}
	return true;
}
