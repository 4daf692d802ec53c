/*
 * plan_document.h - a plan as JSON: head, objects, summary; and as a file
 *
 * A file is a line for each, and a last one with a hash of all before it that
 * is keyed with the secret of the store: who cannot read the store cannot make
 * one, and what is changed by hand is no plan any more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_PLAN_DOCUMENT_H
#define CLI_PLAN_DOCUMENT_H

#include "cli/session.h"
#include "run/plan.h"

#define PLAN_FORMAT 1

struct plan_document {
	json_t *head;
	json_t *objects; /* [{"agent","id","type","operation","dn","new_dn",
			  * "anchor","mv","cause","rule","note","moves",
			  * "version","attributes":{NAME:{"old","new","rule"}}}]
			  */
	json_t *agents;  /* {NAME:{"add":N,...}} */
	json_t *causes;  /* {TEXT:N} */
	json_t *warnings;
};

void plan_document_init(struct plan_document *document);
void plan_document_release(struct plan_document *document);

/* Adds all that exports would write. `tokens_out`, when not NULL: by agent, an
 * object that is the caller's. */
int plan_collect(struct plan *plan, struct session *session, const char *agent,
		 const struct idmap *only, struct plan_document *out,
		 json_t **tokens_out, struct error *err);

/* The objects' names, as people and comparisons know them. */
const char *plan_object_key(const json_t *object, struct arena *arena);

/* What differs between the two: sentences. Of what does not the ids, by those
 * of `now`, go to *same (may be NULL). */
json_t *plan_compare(const struct plan_document *then,
		     const struct plan_document *now, struct idmap *same);

/* "3f2a...": of this store and no other. */
const char *plan_store_id(struct store *store, struct arena *arena);
const char *plan_rules_id(const struct config *config, struct arena *arena);

int plan_write(const struct plan_document *document, struct store *store,
	       const char *path, struct error *err);
/* ERR_INVALID: it is no plan; what it is of this store is for plan_verify(). */
int plan_read(const char *path, struct plan_document *out, struct strbuf *raw,
	      struct error *err);
/* It is whole, and of this store. */
int plan_verify(const struct plan_document *document, const struct strbuf *raw,
		struct store *store, const char *path, struct error *err);

/* ---- plan_show.c ---- */

void plan_print(struct cli *cli, const struct plan_document *document,
		int64_t limit);
void plan_print_json(struct cli *cli, const struct plan_document *document);
int plan_write_ldif(const struct plan_document *document, const char *path,
		    struct error *err);
int plan_write_html(const struct plan_document *document, const char *path,
		    struct error *err);

#endif
