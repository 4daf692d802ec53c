/*
 * export.h - what the files of an export share
 *
 *	export.c   windows of operations, transactions, outcomes
 *	write.c    one operation as statements; its other parts are in write.h
 *	writer.c   where the attributes of a type lie, texts of statements
 *	own.c      statements of the settings' own, with :attribute in them
 *	password.c  passwords by own statements
 *	adopt.c    is what is to be added there already?
 *	write_value.c  values as they are bound
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_EXPORT_H
#define CONNECTORS_SQL_EXPORT_H

#include "base/map.h"
#include "base/vec.h"
#include "connectors/sql/sql_private.h"

/* What is set for a type; NULL: nothing. */
const struct sql_source *sql_source_of(const struct connector_session *session,
				       size_t type);

/* ---- writer.c ---- */

/* A child table with the columns of the catalogue. */
struct sql_child_place {
	const struct sql_child *child;
	const struct sql_table *table;
	const struct sql_column **keys;
	const struct sql_column *name; /* which attribute a row is of; NULL:
					* the child's */
	const struct sql_column **values;
};

/* Where an attribute lies: in a column, or in a child table; or nowhere. */
struct sql_attr_place {
	const struct sql_column *column;
	const struct sql_child_place *child;
	const struct sql_column *value; /* of the child, for this attribute */
	int anchor;                     /* it is this part of it; -1: none */
};

/* What a part of an own statement is bound to. */
enum sql_own_kind {
	SQL_OWN_ATTR,
	SQL_OWN_ANCHOR,
	SQL_OWN_WHOLE_ANCHOR,
	SQL_OWN_NEW_PASSWORD,
	SQL_OWN_OLD_PASSWORD,
};

struct sql_own_param {
	enum sql_own_kind kind;
	size_t index; /* of the type's attribute, or of the anchor's column */
	const struct sql_column *column; /* or NULL */
};

/* A statement of the settings, ready to be prepared. */
struct sql_own {
	const char *sql; /* NULL: none is set */
	struct sql_own_param *params;
	size_t param_count;
	bool counts; /* INSERT, UPDATE, DELETE, MERGE: tells rows */
};

/* How the objects of one type are written. */
struct sql_writer {
	const struct sql_source *source;
	const struct object_type *type;
	const struct sql_table *table;     /* NULL: a query */
	const struct sql_column **anchors; /* each NULL with a query */
	bool whole_key;                    /* they are the primary key */
	const struct sql_column *type_column;
	struct sql_attr_place *attrs;
	struct sql_child_place *children;
	struct sql_own add;
	struct sql_own update;
	struct sql_own remove;
	struct sql_own password_set;
	struct sql_own password_change;
	unsigned lacking;      /* adds that referred to what is not there */
	struct namemap *texts; /* what a statement does -> 1 + its index */
	VEC(char *) statements;
};

int sql_writer_open(struct connector_session *session,
		    const struct sql_source *source, size_t type,
		    struct sql_writer **out, struct error *err);
void sql_writer_close(struct sql_writer *writer);

/* The statement that `key` stands for, built by `build` the first time; it
 * stays where it is. */
struct sql_job;
typedef void (*sql_build_fn)(const struct sql_writer *writer,
			     const struct sql_dialect *dialect,
			     const void *data, struct strbuf *sql);
const char *sql_writer_text(struct sql_writer *writer,
			    const struct sql_dialect *dialect, struct sv key,
			    sql_build_fn build, const void *data);

/* ---- own.c ---- */

enum sql_own_flags {
	SQL_OWN_SETS = 1U << 0,    /* a password: no attributes, but it */
	SQL_OWN_CHANGES = 1U << 1, /* and the old one */
	SQL_OWN_LOOSE = 1U << 2,   /* which attributes there are is not known */
};

/* Takes the statement apart. ERR_INVALID names what it asks for in vain. Of a
 * password's, type and columns of the writer may be missing. */
int sql_own_parse(const struct sql_writer *writer,
		  const struct sql_dialect *dialect, const char *setting,
		  struct sv text, unsigned flags, struct arena *arena,
		  struct sql_own *out, struct error *err);

/* ---- write.c ---- */

/* What a statement has to have done. */
enum sql_want {
	SQL_WANT_ANY,
	SQL_WANT_ONE, /* it touched one row; none: the object is missing */
	SQL_WANT_AT_MOST_ONE,
	SQL_WANT_ROW,    /* it returned a row; none: the object is missing */
	SQL_WANT_ANCHOR, /* it returned the anchor of a new row */
	SQL_WANT_OWN,    /* what a statement of the settings may do */
};

struct sql_job {
	struct export_op op; /* a copy */
	struct sql_writer *writer;
	bool hold;        /* references are left for later */
	bool has_anchor;  /* `anchor` is known, or was read back */
	struct sv anchor; /* its parts are below */
	struct sv *parts;
	bool children_wait; /* for the anchor */
	bool done;          /* it has its outcome */
	bool given;         /* which waits to be asked for */
	struct export_outcome outcome;
};

struct sql_step {
	struct sql_job *job;
	enum sql_want want;
	bool one;    /* it touches one row at most, whatever its values are */
	bool child;  /* of a child table */
	bool insert; /* of a row */
};

/* Statements that are sent together. */
struct sql_batch {
	struct arena arena;
	VEC(struct sql_run) runs;
	VEC(struct sql_step) steps;
};

/* The operation's statements. 1: they are in the batch; 0: it is refused, or
 * nothing is left to be done: it has its outcome; -1 err is set, `failure` says
 * why: a query failed. */
int sql_write(struct connector_session *session, struct sql_job *job,
	      struct sql_batch *batch, struct sql_failure *failure,
	      struct error *err);
/* It needs something of the row that is there. */
bool sql_write_reads(const struct sql_job *job);
/* Those of its child tables, when the anchor of a new object is known. */
int sql_write_waiting(struct connector_session *session, struct sql_job *job,
		      struct sql_batch *batch);
/* Takes what the step's statement gave: 1 as it should be; 0 not: `failure` is
 * SQL_FAILURE_NONE and its outcome says what. */
int sql_write_take(struct connector_session *session, struct sql_step *step,
		   const struct sql_run *run, struct arena *arena);

/* The outcome is this error; always 0. */
int sql_refuse(struct sql_job *job, struct arena *arena, const char *code,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* It has no outcome again. */
void sql_unrefuse(struct sql_job *job);
/* Texts as they are bound become the job's anchor and its parts. */
void sql_job_set_anchor(struct sql_job *job, const struct sv *parts,
			struct arena *arena);
/* The anchor of an add as far as the operation gives it: true, it is known;
 * false: not, or it is refused. */
bool sql_job_key(struct connector_session *session, struct sql_job *job,
		 struct arena *arena);
/* What is bound for a part of the anchor. */
struct sql_param sql_anchor_param(const struct sql_job *job, size_t part,
				  struct arena *arena);
/* " WHERE " and the anchor's columns; parameters from `number` on. */
void sql_add_where(struct strbuf *sql, const struct sql_writer *writer,
		   const struct sql_dialect *dialect, size_t number);
void sql_add_source(struct strbuf *sql, const struct sql_writer *writer,
		    const struct sql_dialect *dialect);
/* The values that an attribute is to have, as one text of its column: 1 made
 * (ptr NULL: none); 0 refused. */
int sql_column_text(struct connector_session *session, struct sql_job *job,
		    const struct attr_def *def, const struct sql_column *column,
		    const struct values *values, struct arena *arena,
		    struct sv *out);
bool sql_is_reference(const struct sql_job *job,
		      const struct attr_change *change);

/* ---- adopt.c ---- */

/* Is what a repeated add was to make there, as it was to be? 1: it is, the job
 * has its outcome; 0: it is not there; 2: another one is: the outcome says so;
 * -1. */
int sql_adopt(struct connector_session *session, struct sql_job *job,
	      struct sql_batch *batch, struct sql_failure *failure,
	      struct error *err);
/* Is there a row of the job's anchor? 1, 0, -1. */
int sql_anchor_exists(struct connector_session *session,
		      const struct sql_job *job, struct arena *arena,
		      struct sql_failure *failure, struct error *err);
/* First row of a query: 1 copied to arena, 0 none, -1. */
int sql_first_row(struct connector_session *session, const char *sql,
		  const struct sql_param *params, size_t count,
		  struct arena *arena, struct sv **out,
		  struct sql_failure *failure, struct error *err);

#endif
