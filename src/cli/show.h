/*
 * show.h - objects as JSON and as text
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/cli.h"
#include "inspect/display.h"

json_t *show_mv_json(const struct display_mv *object, struct arena *arena);

enum show_parts {
	SHOW_ALL = 0,
	SHOW_IMPORT = 1, /* names and the pending import */
	SHOW_EXPORT = 2, /* names and the pending export */
};
json_t *show_cs_json(const struct display_cs *object, enum show_parts parts,
		     struct arena *arena);
json_t *show_texts_json(const struct display_texts *texts);

#define SHOW_VALUES 20 /* of one attribute that are printed */
/* What goes and what comes, "- a; + b", at most SHOW_VALUES of each. */
void show_difference(struct strbuf *out, const struct display_texts *before,
		     const struct display_texts *after, struct arena *arena);

json_t *show_retry_json(const struct display_retry *retry, struct arena *arena);
/* "in quarantine since ..."; NULL: it is not. */
const char *show_retry(const struct display_retry *retry, struct arena *arena);

/* Everything about one object, as lines. */
void show_mv(struct cli *cli, const struct display_mv *object);
void show_cs(struct cli *cli, const struct display_cs *object);

/* "  add  NAME" and a line for each attribute: "old -> new". */
void show_import(struct cli *cli, const struct display_cs *object);
void show_export(struct cli *cli, const struct display_cs *object);

/* What a person would call it: display name, common name ...; "" */
struct sv show_title(const struct display_attrs *attrs);
/* DN, or anchor, or id. */
struct sv show_name(const struct display_cs *object, struct arena *arena);
/* The first value of an attribute (case ignored), or empty. */
struct sv show_first(const struct display_attrs *attrs, struct sv name);

/* An object that is held: {"agent","id","name","mv","rule_set","undone","run",
 * "since","user"} */
struct display_hold;
json_t *show_hold_json(const struct display_hold *hold, struct arena *arena);
/* "  AGENT NAME  held since ..." */
void show_hold(const struct display_hold *hold, struct arena *arena);

#endif
