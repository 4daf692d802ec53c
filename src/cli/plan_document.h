/*
 * plan_document.h - a plan: head, objects, summary; in memory and as a file
 *
 * Objects may be a hundred thousand, so they are lines of JSON in a file and
 * read one by one; all else is small and held. The file of a plan is the head,
 * a line for each object, the summary, and a last line with a hash of all
 * before it that is keyed with the secret of the store: who cannot read the
 * store cannot make one, and what is changed by hand is no plan any more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_PLAN_DOCUMENT_H
#define CLI_PLAN_DOCUMENT_H

#include "base/file.h"
#include "cli/session.h"
#include "run/plan.h"

#define PLAN_FORMAT 2

/* The lines of a plan with their running hash. */
struct plan_writer;

struct plan_document {
	json_t *head;
	json_t *agents;  /* {NAME:{"add":N,...}} */
	json_t *causes;  /* {TEXT:N} */
	int64_t several; /* objects in several of them */
	json_t *warnings;
	json_t *conflicts; /* of an undo or a cleanup: [{"object","why"}], left
			    * alone */
	bool guarded;      /* a guard would stop it */
	int64_t count;
	int64_t kept; /* so many have lines; fewer than all: nobody reads on */
	FILE *lines;  /* or NULL; the objects begin at `first` */
	long first;
};

void plan_document_init(struct plan_document *document);
void plan_document_release(struct plan_document *document);

/* ---- plan_record.c: one object ---- */

struct plan_record {
	struct strbuf line; /* without its end */
	size_t essence;  /* so much of it decides whether two are the same; not
			  * causes, nor how the store calls it */
	const char *key; /* its name, as in plan_object_key() */
};

/*
 * {"agent","type","operation","dn","new_dn","anchor","version",
 *  "attributes":{NAME:{"old","new","rule","binary"}},
 *  "id","mv","causes":[{"cause","object"}],"rule","note","moves",
 *  "attribute_causes":{NAME:[0]}}
 */
void plan_record_make(struct plan_record *record,
		      const struct plan_object *object,
		      const struct config *config, struct arena *arena);
/* The essence of a line that was read. */
size_t plan_record_essence(struct sv line);

/* The objects' names, as people and comparisons know them. */
const char *plan_object_key(const json_t *object, struct arena *arena);
/* DN, anchor or id; "" for what is not there. */
const char *plan_object_name(const json_t *object);
const char *plan_text(const json_t *object, const char *key);

/* ---- made ---- */

struct plan_comparison;

struct plan_collector {
	struct plan *plan;
	struct session *session;
	const char *agent;          /* or NULL: all */
	const struct idmap *only;   /* or NULL */
	struct plan_writer *writer; /* gets lines; or NULL */
	int64_t keep; /* without a comparison: lines of so many; -1: all */
	struct plan_comparison *comparison; /* is shown each; or NULL */
	json_t **tokens; /* by agent, the caller's object; or NULL */
};

/* Adds all that exports would write. */
int plan_collect(const struct plan_collector *collector,
		 struct plan_document *out, struct error *err);

/* ---- compared: plan_compare.c ---- */

/* With the objects of a plan that was read; borrows it. */
struct plan_comparison *plan_comparison_new(struct plan_document *then,
					    struct store *store,
					    struct error *err);
void plan_comparison_free(struct plan_comparison *comparison);
/* Of what would be written now. */
int plan_comparison_take(struct plan_comparison *comparison,
			 const struct plan_record *record,
			 const struct plan_object *object, struct error *err);
/* When all were shown. */
int plan_comparison_end(struct plan_comparison *comparison, struct error *err);
/* Of what was not left out then, and is now: said when something differs. */
void plan_comparison_conflicts(struct plan_comparison *comparison,
			       const json_t *conflicts);
/* How many sentences there are, the first of them, and what is the same: ids
 * of now, and by the order of the plan. */
int64_t plan_differences(const struct plan_comparison *comparison);
json_t *plan_differences_told(const struct plan_comparison *comparison);
const struct idmap *plan_same(const struct plan_comparison *comparison);
const bool *plan_same_lines(const struct plan_comparison *comparison);

/* ---- kept: plan_file.c ---- */

/* "3f2a...": of this store and no other. */
const char *plan_store_id(struct store *store, struct arena *arena);
const char *plan_rules_id(const struct config *config, struct arena *arena);

/* To `path`, or NULL: to a file without a name, which is gone with the
 * document. Writes the head. */
int plan_writer_open(struct plan_document *document, struct store *store,
		     const char *path, struct plan_writer **out,
		     struct error *err);
int plan_writer_add(struct plan_writer *writer, struct sv line,
		    struct error *err);
/* Writes the rest; from now on the document's lines can be read. */
int plan_writer_commit(struct plan_writer *writer, struct error *err);
void plan_writer_free(struct plan_writer *writer); /* accepts NULL */

/* ERR_INVALID: it is no whole plan, or not of this store. */
int plan_read(const char *path, struct store *store, struct plan_document *out,
	      struct error *err);

struct plan_reader {
	struct plan_document *document;
	char *line;
	size_t size;
	int64_t at; /* objects read */
};

int plan_reader_begin(struct plan_reader *reader,
		      struct plan_document *document, struct error *err);
/* 1: *line_out is the next object's, borrowed until the next call; 0; -1 */
int plan_reader_next(struct plan_reader *reader, struct sv *line_out,
		     struct error *err);
/* The same, parsed; the caller's. */
int plan_reader_object(struct plan_reader *reader, json_t **out,
		       struct error *err);
void plan_reader_end(struct plan_reader *reader);

/* ---- shown ---- */

struct plan_view {
	int64_t offset;    /* so many are passed over */
	int64_t limit;     /* so many are shown at most; 0: all */
	const char *cause; /* those with this one, or NULL */
	const bool *only;  /* [object], or NULL */
};

struct plan_cursor {
	const struct plan_view *view;
	struct plan_reader reader;
	int64_t passed;
	int64_t shown;
	int64_t left; /* behind the last that is shown */
};

int plan_cursor_begin(struct plan_cursor *cursor,
		      struct plan_document *document,
		      const struct plan_view *view, struct error *err);
/* 1: *out is the next to be shown, the caller's; 0: no more, see `left`; -1 */
int plan_cursor_next(struct plan_cursor *cursor, json_t **out,
		     struct error *err);
void plan_cursor_end(struct plan_cursor *cursor);

/* "left alone, changed since": what the conflicts are. */
const char *plan_left_alone(const struct plan_document *document);
int plan_print(struct cli *cli, struct plan_document *document,
	       const struct plan_view *view, struct error *err);
int plan_print_json(struct cli *cli, struct plan_document *document,
		    const struct plan_view *view, struct error *err);
/* Which of an attribute's object's several causes are its own, as text. */
void plan_add_causes(struct strbuf *out, const json_t *object,
		     const char *name);
/* plan_ldif.c: all objects */
int plan_write_ldif(struct plan_document *document, const char *path,
		    struct error *err);
/* plan_page.c */
int plan_write_html(struct plan_document *document, const char *path,
		    const struct plan_view *view, struct error *err);

#endif
