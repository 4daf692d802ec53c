/*
 * planning.h - what `plan` and `apply` share: the run that a plan is made of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_PLANNING_H
#define CLI_PLANNING_H

#include "base/random.h"
#include "cli/plan_document.h"

struct cleanup_plan;

struct planning {
	struct session *session;
	struct run_hooks hooks;
	struct run_options options;
	bool imports;
	int64_t undo; /* the run to undo, instead of synchronizing; or 0 */
	struct cleanup_plan *cleanup; /* the same for values; or NULL */
	size_t withdrawn;     /* objects of which less is pending by it */
	const char *done_key; /* set when that is staged, or NULL */
	const char *done_text;
	unsigned char seed[RANDOM_SEED_SIZE];
	json_t *failures; /* what steps came to that were no success */
	json_t *told;     /* what they warned of */
	struct plan *plan;
};

void planning_init(struct planning *planning, struct session *session);
void planning_release(struct planning *planning);

/*
 * Imports, syncs, and what exports would write, in the store of the session;
 * random values come from the seed. Of `how` the plan is filled in. The worst
 * exit; past RUN_ERRORS: err tells why, and the document is not whole.
 */
enum run_exit planning_run(struct planning *planning,
			   struct plan_collector *how,
			   struct plan_document *out, struct error *err);

/* ---- plan_give.c: as the options say ---- */

struct plan_showing {
	struct plan_view view; /* of text and JSON */
	struct plan_view page;
	const char *html; /* or NULL */
	const char *ldif;
};

enum run_exit planning_showing(struct cli *cli, struct plan_showing *out);
int planning_show(struct cli *cli, struct plan_document *document,
		  const struct plan_showing *showing, struct error *err);
/* Made, kept when `--out` says so, and shown; a failure is told. */
enum run_exit planning_give(struct planning *planning, const char *agent,
			    const struct plan_showing *showing,
			    struct plan_document *document);

/* ---- planning.c ---- */

/* Where the store keeps what became of a plan. */
const char *planning_meta(const struct plan_document *document,
			  const char *what, struct arena *arena);

/* The guard of plans that it exceeds, as a sentence, or NULL. */
const char *planning_exceeds(const struct plan_document *document,
			     const struct config *config, struct arena *arena);

/* A plan of this store that is as it was made; else it was reported why not.
 */
enum run_exit planning_read(struct session *session, const char *path,
			    struct plan_document *out);

#endif
