/*
 * setting.h - a configuration value with its place, and what is allowed
 *
 * A setting exists once, in a table of struct setting_def; the validator, the
 * help and the manual read that table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MODEL_SETTING_H
#define MODEL_SETTING_H

#include "base/error.h"
#include "base/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

/* A value of a YAML file. Every plain scalar is its text. */
struct node {
	enum node_kind kind;
	struct sv text;      /* NODE_SCALAR */
	bool quoted;         /* the scalar stood in quotes or was a block */
	struct node **items; /* NODE_LIST, NODE_MAP: the values */
	struct node **keys;  /* NODE_MAP: scalars, in file order */
	size_t len;
	const char *file;
	int line;   /* 1 based */
	int column; /* 1 based */
};

/* NULL when `map` is NULL, is no map or has no such key. */
struct node *node_get(const struct node *map, const char *key);

enum setting_type {
	SETTING_TEXT,
	SETTING_PATH,   /* relative to the configuration folder */
	SETTING_SECRET, /* secret:NAME, env:NAME or file:PATH */
	SETTING_NUMBER,
	SETTING_SWITCH,   /* true yes on / false no off */
	SETTING_DURATION, /* "30 days": a number and seconds ... */
	SETTING_CHOICE,   /* one of `words` */
	SETTING_NAMES,    /* a list of texts, or one text */
	SETTING_TEXTS,    /* a map from any name to a text or list of texts */
	SETTING_GROUP,    /* a map with the settings of `group` */
	SETTING_GROUPS,   /* a list of such maps */
	SETTING_NAMED,    /* a map from any name to such a map */
};

struct setting_def {
	const char *name; /* NULL ends a table */
	enum setting_type type;
	bool required;
	const char *fallback; /* the default as it would be written; or NULL */
	const char *words;    /* SETTING_CHOICE: "one|two|three" */
	const struct setting_def *group;
	const char *help; /* one sentence */
};

/* "text", "list of maps": for help and manual */
const char *setting_type_name(enum setting_type type);

/* Reports each problem of `node` against `defs` (unknown keys with the nearest
 * right one, missing ones, wrong words); the number of problems. */
typedef void (*setting_report_fn)(void *data, const struct node *at,
				  const char *message);
size_t setting_check(const struct node *node, const struct setting_def *defs,
		     setting_report_fn report, void *data);

/* What is set, or the definition's default; SV_NULL when neither is there.
 * Asserts that `defs` has `name`. */
struct sv setting_text(const struct node *node, const struct setting_def *defs,
		       const char *name);
int64_t setting_number(const struct node *node, const struct setting_def *defs,
		       const char *name);
bool setting_switch(const struct node *node, const struct setting_def *defs,
		    const char *name);

/* "true yes on" / "false no off", case ignored: 1 read, 0 neither. */
int setting_parse_switch(struct sv text, bool *out);
/* "30 seconds", "90 minutes", "2 weeks" -> 100 ns: 1 read, 0 not a duration. */
int setting_parse_duration(struct sv text, int64_t *out);

#endif
