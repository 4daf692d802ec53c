/*
 * exec_private.h - what the files of the exec connector share
 *
 *	exec.c         settings, session, table of operations
 *	plan.c         what is started, from the settings
 *	talk.c         starting, asking, answers
 *	values.c       attributes of messages
 *	exec_import.c, exec_export.c, exec_schema.c, exec_password.c
 *	program.c      the process; message.c its lines
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_EXEC_EXEC_PRIVATE_H
#define CONNECTORS_EXEC_EXEC_PRIVATE_H

#include "base/map.h"
#include "connectors/exec/exec.h"
#include "connectors/exec/message.h"
#include "connectors/exec/program.h"

#define EXEC_PROTOCOL      1
#define EXEC_WINDOW        100
#define EXEC_MOST_WINDOW   10000
#define EXEC_WATERMARK_MAX ((size_t)64 * 1024)
#define EXEC_CREDIT        1000

struct exec_import;
struct exec_export;

struct connector_session {
	const struct connector_config *config;
	struct arena arena; /* as long as the session */
	struct program_plan plan;
	struct program program;
	bool running;
	bool crashed;  /* it ended by itself */
	bool finished; /* an error was told: nothing is to be asked any more */
	struct message_parser *parser;
	struct exec_hello hello;
	struct namemap **attrs; /* of each type: name to index */
	uint32_t caps;
	int timeout_ms;
	int64_t restarts;  /* that are left */
	uint64_t line;     /* of what it wrote, since it was started */
	int64_t passwords; /* that were sent */
	struct exec_import *import;
	struct exec_export *export;
};

extern const struct setting_def exec_settings[];

/* ---- exec.c ---- */

struct exec_word {
	const char *word;
	uint32_t cap; /* 0: a question only */
};

/* The words of `can`; ends with NULL. */
extern const struct exec_word exec_words[];

/* ---- plan.c ---- */

/* Fills session->plan. */
int exec_plan(struct connector_session *session, struct error *err);
/* The message `open`, with secrets in it: the caller wipes it. */
int exec_put_open(struct connector_session *session, struct strbuf *out,
		  struct error *err);

/* ---- talk.c ---- */

/* Starts the program, and says hello and open. */
int exec_start(struct connector_session *session, struct error *err);
/* In the middle of something it is ended at once. */
void exec_stop(struct connector_session *session, bool idle);
void exec_send(struct connector_session *session, struct sv line);

/* The next message but those to the log: 1; 0: there is none within the time;
 * -1: err is set: it ended (EXEC_ENDED), told an error, or wrote what is no
 * message. Memory from arena. */
int exec_receive(struct connector_session *session, int timeout_ms,
		 struct arena *arena, struct message **out, struct error *err);
/* The same where one is due; 0: it has come. */
int exec_expect(struct connector_session *session, const char *what,
		struct arena *arena, struct message **out, struct error *err);
/* Asks, and takes the answer of this name. */
int exec_ask(struct connector_session *session, struct sv question,
	     const char *answer, struct arena *arena, struct message **out,
	     struct error *err);
bool exec_is(const struct message *message, const char *name);
/* The last answer breaks the protocol; returns -1. */
int exec_wrong(const struct connector_session *session, struct error *err,
	       const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* After -1: 0: the program had ended by itself, could be started once more and
 * has been; -1: err is as it was, or says why it could not be. */
int exec_again(struct connector_session *session, struct error *err);

/* ---- values.c ---- */

/* The attributes of a message; 0, or -1: *problem says why they cannot be, with
 * the name of the error. */
int exec_read_attrs(const struct connector_session *session, size_t type,
		    const struct message *attrs, bool change,
		    struct arena *arena, struct attr_change **out,
		    size_t *count, const char **error, const char **problem);
/* ,"attrs":{...} of an operation */
void exec_put_attrs(const struct connector_session *session,
		    const struct export_op *op, struct strbuf *out);

/* ---- operations ---- */

void exec_import_free(struct connector_session *session);
int exec_import_begin(struct connector_session *session, enum import_kind kind,
		      struct sv watermark, struct error *err);
/* The same for a sample. */
int exec_import_some(struct connector_session *session, size_t most,
		     struct error *err);
int exec_import_next(struct connector_session *session, struct arena *arena,
		     struct change *out, struct error *err);
/* The next message about an object: 1, 0 or -1 as next(). */
int exec_import_message(struct connector_session *session, struct arena *arena,
			struct message **out, struct sv *line_out,
			struct error *err);
void exec_import_expand(const struct connector_session *session,
			struct arena *arena, struct change *change);
int exec_import_end(struct connector_session *session, struct arena *arena,
		    struct sv *watermark_out, struct error *err);
int exec_import_progress(const struct connector_session *session);
bool exec_import_is_idle(const struct connector_session *session);

void exec_export_free(struct connector_session *session);
int exec_export_begin(struct connector_session *session, struct error *err);
int exec_export_put(struct connector_session *session,
		    const struct export_op *op, struct error *err);
int exec_export_result(struct connector_session *session, bool wait,
		       struct arena *arena, struct export_outcome *out,
		       struct error *err);
int exec_export_end(struct connector_session *session, struct error *err);
bool exec_export_is_idle(const struct connector_session *session);
/* The name of an error of an export as the program gives it. */
const char *exec_error_name(struct sv word);

int exec_password(struct connector_session *session,
		  const struct password_op *op, struct arena *arena,
		  struct export_outcome *out, struct error *err);

int exec_schema(struct connector_session *session, struct arena *arena,
		struct schema *out, struct error *err);
int exec_sample(struct connector_session *session, const char *type,
		size_t most, struct arena *arena, struct schema_sample *out,
		struct error *err);

#endif
