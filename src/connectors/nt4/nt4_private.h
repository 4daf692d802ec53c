/*
 * nt4_private.h - what the files of the nt4 connector share
 *
 *	nt4.c         settings, session, table of operations
 *	nt4_schema.c  attributes, and what of the two programs each is
 *	nt4_tool.c    running rpcclient and net
 *	nt4_parse.c   what they print
 *	nt4_status.c  what their refusals mean
 *	nt4_import.c, nt4_export.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_NT4_NT4_PRIVATE_H
#define CONNECTORS_NT4_NT4_PRIVATE_H

#include "base/process.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "connector/connector.h"
#include "connectors/nt4/nt4_parse.h"

struct nt4_import;
struct nt4_export;

struct connector_session {
	const struct connector_config *config;
	struct arena arena; /* as long as the session */
	const char *server;
	const char *domain;
	const char *tools; /* folder of the programs, ends with '/'; or "" */
	bool old;          /* SMB 1, as a real NT 4 speaks */
	int timeout;       /* seconds */
	struct secret sign_in; /* the file of -A */
	struct nt4_import *import;
	struct nt4_export *export;
};

extern const struct setting_def nt4_settings[];

/* ---- nt4_schema.c ---- */

enum nt4_kind { NT4_USER, NT4_GROUP, NT4_ALIAS, NT4_KINDS };

/* The kind that a type of the configuration is; NT4_KINDS: none. */
enum nt4_kind nt4_kind_of(const char *type);

struct nt4_attr {
	const char *name;
	const char *label; /* in what queryuser prints; or NULL */
	const char *word;  /* in what net rpc shell takes; NULL: read only */
	uint32_t flag;     /* of the account's flags; or 0 */
};

extern const struct attr_def nt4_known_attrs[];
/* NULL: no attribute of users, or one that is looked after apart. */
const struct nt4_attr *nt4_user_attr(const char *name);

/* "CN=ann,DC=NT4DOM" */
struct sv nt4_dn(const struct connector_session *session, struct sv name,
		 struct arena *arena);
/* The name in such a DN; empty: it is none. */
struct sv nt4_name(struct sv dn, struct arena *arena);

/* ---- nt4_status.c ---- */

/* What a refusal of an object is called. */
const char *nt4_status_error(struct sv status);
/* The server cannot be asked any more; ERR_NONE: it can. */
enum err_code nt4_status_fatal(struct sv status);

/* ---- nt4_tool.c ---- */

/* rpcclient with these commands, a line each. 0: it ran, also when commands
 * were refused (nt4_find_status() of talk->errors says so); -1: the server
 * cannot be asked. */
int nt4_rpcclient(struct connector_session *session, struct sv commands,
		  struct process_talk *talk, struct arena *arena,
		  struct error *err);
/* net rpc with these words (ends with NULL) and this input. */
int nt4_net(struct connector_session *session, const char *const *words,
	    struct sv input, struct process_talk *talk, struct arena *arena,
	    struct error *err);
/* A word of a command of rpcclient; false: it cannot be written as one. */
bool nt4_put_word(struct strbuf *out, struct sv word);
/* The same for net rpc shell. */
bool nt4_put_argument(struct strbuf *out, struct sv word);

/* ---- operations ---- */

void nt4_import_free(struct connector_session *session);
int nt4_import_begin(struct connector_session *session, enum import_kind kind,
		     struct sv watermark, struct error *err);
int nt4_import_next(struct connector_session *session, struct arena *arena,
		    struct change *out, struct error *err);
int nt4_import_end(struct connector_session *session, struct arena *arena,
		   struct sv *watermark_out, struct error *err);
int nt4_import_progress(const struct connector_session *session);
void nt4_export_free(struct connector_session *session);
int nt4_export_begin(struct connector_session *session, struct error *err);
int nt4_export_put(struct connector_session *session,
		   const struct export_op *op, struct error *err);
int nt4_export_result(struct connector_session *session, bool wait,
		      struct arena *arena, struct export_outcome *out,
		      struct error *err);
int nt4_export_end(struct connector_session *session, struct error *err);

#endif
