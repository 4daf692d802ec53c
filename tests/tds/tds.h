/*
 * tds.h - what the files of tds-server share
 *
 * The program plays Microsoft SQL Server for tests: TDS 7.0 to 7.4 on one side,
 * a SQLite database on the other. A thread serves each connection, with a
 * SQLite connection of its own. docs/internals/tds-server.md tells what it
 * takes from SQL Server and what it does not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TDS_TDS_H
#define TDS_TDS_H

#include "base/vec.h"
#include "lex.h"
#include "type.h"

#include <pthread.h>
#include <sqlite3.h>

struct client;
struct pipe;
struct ssl_ctx_st;

/* ---- pipe.c, tls.c: packets ---- */

enum packet {
	PACKET_BATCH = 1,
	PACKET_RPC = 3,
	PACKET_ANSWER = 4,
	PACKET_ATTENTION = 6,
	PACKET_BULK = 7,
	PACKET_TRANSACTION = 14,
	PACKET_LOGIN = 16,
	PACKET_PRELOGIN = 18,
};

struct pipe *pipe_new(int fd);
void pipe_free(struct pipe *pipe);
void pipe_set_size(struct pipe *pipe, unsigned size);
/* A whole message: 1; 0 the client has gone. */
int pipe_read(struct pipe *pipe, struct strbuf *body, enum packet *type);
void pipe_write(struct pipe *pipe, const void *bytes, size_t len);
/* The end of an answer. */
void pipe_finish(struct pipe *pipe);
/* Sends what there is as packets, and reads whether the client wants no more
 * of it; does not wait. */
bool pipe_cancelled(struct pipe *pipe);
void pipe_clear_cancel(struct pipe *pipe);
bool pipe_broken(const struct pipe *pipe);
bool pipe_nowhere(const struct pipe *pipe);
/* Ends the connection without a word; `garbage`: with some bytes before. */
void pipe_drop(struct pipe *pipe, bool garbage);
/* TLS: its beginning stands in packets. */
int pipe_begin_tls(struct pipe *pipe, struct ssl_ctx_st *context);
void pipe_end_tls(struct pipe *pipe);

/* ---- server.c: what all connections share ---- */

struct options {
	const char *database; /* the SQLite file */
	const char *name;     /* that it is called */
	const char *server;   /* the server's own name */
	int major;            /* 7 is SQL Server 7, 16 is 2022 */
	bool prelogin_needed; /* encryption is asked for */
	struct ssl_ctx_st *tls;
};

struct login {
	struct sv user;
	struct sv password;
};

/* What is done to those who ask, see fault.c. */
struct fault {
	struct sv kind;
	struct sv pattern; /* in the statement's text; empty: any */
	int64_t number;    /* rows, seconds: what the kind says */
	int64_t skip;      /* times that it does nothing yet */
	int64_t times;     /* that it happens */
};

struct denial {
	struct sv user;
	struct sv table;
	struct sv action;
};

struct identity {
	struct sv table;
	int64_t last;
};

struct held {
	struct sv table;
	const struct client *client;
};

struct server {
	struct options options;
	pthread_mutex_t mutex;
	struct arena arena; /* under the mutex */
	VEC(struct login) logins;
	VEC(struct fault) faults;
	VEC(struct denial) denials;
	VEC(struct held) held;
	VEC(struct identity) identities;
	VEC(struct client *) clients;
	uint64_t last_version; /* rowversion */
	uint64_t schema;       /* grows with each CREATE, ALTER, DROP */
	int next_session;
};

void server_lock(struct server *server);
void server_unlock(struct server *server);
/* Once, when the options are known: 0; -1 and a line on stderr. */
int server_begin(struct server *server);
/* Opens the database for one connection; NULL and a line on stderr. */
sqlite3 *server_open(struct server *server);
/* The next number of a table's identity. */
int64_t server_identity(struct server *server, sqlite3 *db, struct sv table);
void server_forget_identities(struct server *server);

/* ---- a connection ---- */

struct variable {
	struct sv name; /* "@P1", or empty */
	struct type type;
	struct datum value;
	bool output;
};

struct variables {
	VEC(struct variable) list;
};

struct variable *variable_find(struct variables *vars, struct sv name);
struct variable *variable_add(struct variables *vars, struct sv name);

/* A statement that is ready to run; kept by its text. */
struct statement {
	char *text;
	sqlite3_stmt *stmt;
	char kind; /* 's'elect, 'i'nsert, 'u'pdate, 'd'elete, 'x' other */
	VEC(struct type) hints; /* types of the columns, as far as they say */
	VEC(char *) reads;
	VEC(char *) writes;
	uint64_t schema;
};

struct prepared {
	char *text;
	char *params;
};

enum isolation {
	READ_COMMITTED,
	READ_UNCOMMITTED,
	SNAPSHOT,
};

struct client {
	struct server *server;
	struct pipe *pipe;
	sqlite3 *db;
	pthread_t thread;
	int session;
	int version; /* 70 to 74 */
	char user[128];
	char host[128];
	unsigned packet_size;
	bool done;

	int trancount;
	bool begun; /* SQLite's transaction */
	bool wrote; /* in it */
	bool tracked;
	uint64_t transaction;   /* as 7.2 and later are told */
	uint64_t first_version; /* rowversion that is not committed; 0 */
	enum isolation isolation;
	int64_t lock_timeout; /* ms, -1: for ever */
	bool nocount;
	bool abort_on_error;
	int64_t identity;
	bool has_identity;
	int64_t rowcount;
	int last_error;
	struct sv identity_insert; /* the table */
	int64_t wait_end;          /* of the wait for a lock */

	VEC(struct statement *) cache;
	VEC(struct prepared) prepared;
	struct statement *compiling;
	struct arena arena; /* of the request */

	/* the answer, see reply.c */
	struct strbuf out;
	bool pending;
	unsigned done_status;
	unsigned done_command;
	uint64_t done_count;
	int in_procedure;
	int return_status;
};

/* `fd` -1: answers go nowhere, errors to stderr. NULL when the database cannot
 * be opened. */
struct client *client_new(struct server *server, int fd);
void client_serve(struct client *client);
void client_free(struct client *client);

/* ---- login.c ---- */

/* 1: may go on; 0: the connection is to be closed. */
int client_login(struct client *client);

/* ---- reply.c: what is answered ---- */

void reply_columns(struct client *client, const char **names,
		   const struct type *types, const bool *nullable,
		   size_t count);
/* 1; 0: a value is not of its column's type, and nothing was sent. */
int reply_row(struct client *client, const struct type *types,
	      const struct datum *values, size_t count);
/* The end of a statement; `command` as in TDS, or 0. */
void reply_done(struct client *client, unsigned command, bool counted,
		uint64_t count);
void reply_error(struct client *client, int number, int severity,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));
void reply_info(struct client *client, int number, struct sv text);
void reply_change(struct client *client, unsigned type, struct sv new_value,
		  struct sv old_value);
/* With bytes for values: collation, transactions. */
void reply_change_bytes(struct client *client, unsigned type,
			struct sv new_value, struct sv old_value);
/* What a procedure gives back; `more`: another one is answered next. */
void reply_procedure(struct client *client, struct variables *outputs,
		     bool more);
/* The end of the answer. */
void reply_end(struct client *client);
void reply_cancelled(struct client *client);
void reply_flush(struct client *client);

/* ---- request.c: RPC ---- */

void request_procedure(struct client *client, struct sv body);
void request_transaction(struct client *client, struct sv body);

/* ---- batch.c: T-SQL's statements in order ---- */

/* 0; -1 when what follows is not to run. */
int batch_run(struct client *client, struct sv text, struct variables *vars);
/* Columns of the first query in it, without running. */
void batch_describe(struct client *client, struct sv text);
/* The value of an expression: 0; -1 and the error is sent. */
int batch_value(struct client *client, const struct token *tokens, size_t count,
		struct variables *vars, struct datum *out);

/* ---- run.c: one statement ---- */

/* 0; -1 the error is sent; -2 the rest of the batch is not to run either. */
int statement_run(struct client *client, const struct token *tokens,
		  size_t count, struct variables *vars);
/* A query of the server's own; its first row is kept in values. */
int statement_rows(struct client *client, const char *sql,
		   struct variables *vars, const char *const *types);
struct statement *statement_compile(struct client *client, struct sv sql,
				    char kind);
void statement_free(struct statement *st);
/* Binds by name: 0; -1 the error is sent. */
int statement_bind(struct client *client, struct statement *st,
		   struct variables *vars);
struct datum statement_datum(sqlite3_stmt *stmt, int column);
int statement_describe(struct client *client, const struct token *tokens,
		       size_t count);
int run_error(struct client *client, struct statement *st, int code);

/* ---- transaction.c ---- */

int transaction_begin(struct client *client);
int transaction_commit(struct client *client);
void transaction_rollback(struct client *client);
/* Before a statement that writes, or reads: 0; -1 the error is sent. */
int transaction_write(struct client *client, struct statement *st);
int transaction_read(struct client *client, struct statement *st);
/* After it, of a client without a transaction. */
int transaction_after(struct client *client, bool good);
/* Whether a wait may go on; told now and then. */
bool client_may_wait(struct client *client);

/* ---- rewrite.c, table.c: T-SQL as SQLite has it ---- */

/* 0; -1 and the error is sent. */
int rewrite_statement(struct client *client, const struct token *tokens,
		      size_t count, struct strbuf *sql, struct statement *out);
/* The name of a table: "t", or "schema.t". */
struct sv rewrite_table(struct client *client, const struct token *tokens,
			size_t count, size_t *at);
void rewrite_add_name(struct strbuf *sql, struct sv name);
int table_create(struct client *client, const struct token *tokens,
		 size_t count, struct strbuf *sql);
int table_alter(struct client *client, const struct token *tokens, size_t count,
		struct strbuf *sql);
/* The column that counts the row's changes, or an empty one. */
struct sv table_version_column(struct client *client, struct sv table,
			       struct arena *arena);

/* ---- track.c ---- */

int track_enable(struct client *client, struct sv table);
/* A table to select from; `since` is an expression of SQLite. */
int track_changes(struct client *client, struct sv table, struct sv since,
		  struct strbuf *sql);

/* ---- function.c: T-SQL's functions; compare.c, convert.c ---- */

void functions_add(struct client *client);
void compare_add(sqlite3 *db);
bool text_is_number(struct sv text);
/* 0; -1 the value is none of this type. Memory is the value's own, or of
 * `space`. */
int convert_datum(const struct type *type, int style, const struct datum *from,
		  struct strbuf *space, struct datum *out);

/* ---- procedure.c, catalogue.c ---- */

int procedure_create(struct client *client, const struct token *tokens,
		     size_t count);
/* Runs a procedure by name: 0, -1 as batch_run(). Outputs are set in args. */
int procedure_call(struct client *client, struct sv name,
		   struct variables *args);
/* sp_tables and its like: 1 it is one of them and ran, 0 it is not. */
int catalogue_call(struct client *client, struct sv name,
		   struct variables *args);
void catalogue_views(sqlite3 *db);
void catalogue_functions(struct client *client);

/* ---- fault.c ---- */

/* Whether this kind happens now, to this statement; *number_out as it was
 * asked for. */
bool fault_now(struct client *client, const char *kind, struct sv text,
	       int64_t *number_out);
/* It did not come to it: the statement had too few rows. */
void fault_again(struct client *client, const char *kind, struct sv text);
void fault_add(struct server *server, const struct fault *fault);
/* "kind[:number[:pattern[:skip[:times]]]]": 1 added, 0 not such a text. */
int fault_parse(struct server *server, struct sv text);
int fault_call(struct client *client, struct variables *args);

#endif
