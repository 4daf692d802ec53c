/*
 * cleanup.h - what is wrong with the values of an agent's objects
 *
 * Checks of attributes, in a language of their own (docs/reference/cleanup.md),
 * over everything that the last import of an agent read. What is found is a row
 * an attribute's value, with what it could be instead. Read only: the source of
 * the rules is the published behaviour of IdFix and the preparation rules of
 * Microsoft 365.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLEANUP_CLEANUP_H
#define CLEANUP_CLEANUP_H

#include "inspect/display.h"

/* What is wrong with a value: bits. */
enum cleanup_error {
	CLEANUP_FORMAT = 1,
	CLEANUP_BLANK = 2,
	CLEANUP_DUPLICATE = 4,
	CLEANUP_CHARACTER = 8,
	CLEANUP_TOP_LEVEL_DOMAIN = 16,
	CLEANUP_DOMAIN_PART = 32,
	CLEANUP_LOCAL_PART = 64,
	CLEANUP_LENGTH = 128,
};

/* What is proposed. */
enum cleanup_action {
	CLEANUP_NONE,     /* nothing: a person must find the value */
	CLEANUP_EDIT,     /* write `update` */
	CLEANUP_REMOVE,   /* take the value away */
	CLEANUP_COMPLETE, /* leave it */
};

struct cleanup_row {
	int64_t id; /* of the object */
	struct sv dn;
	struct sv anchor;
	struct sv name; /* its common name, or empty */
	const char *type;
	const char *attr;
	unsigned errors;
	struct sv value;  /* empty: there is none */
	struct sv update; /* the same as the value: there is no proposal */
	enum cleanup_action action;
	size_t set; /* rows with the same number share a value; 0: none */
};

struct cleanup_totals {
	int64_t found;
	int64_t skipped;
	int64_t checked;
	int64_t rows;
	int64_t duplicates; /* rows with CLEANUP_DUPLICATE */
};

struct checks;

/* The checks that the program has: names that end with NULL; the text of one,
 * or NULL. */
extern const char *const checks_names[];
const char *checks_text(const char *name);

/*
 * Reads checks from a YAML text; memory from the arena, the display is
 * borrowed. ERR_INVALID: "FILE:LINE:COLUMN: what is wrong".
 */
int checks_read(struct display *display, const struct config_agent *agent,
		const char *file, struct sv text, struct arena *arena,
		struct checks **out, struct error *err);

/* Attributes that are checked and that the agent does not read: they are left
 * out. */
const char *const *checks_unread(const struct checks *checks,
				 size_t *count_out);

/* Goes through all objects twice. fn is called for each row, which is borrowed
 * for the call, in the order of objects; 0 to go on, -1 to stop with err. */
int cleanup_scan(const struct checks *checks,
		 int (*fn)(void *data, const struct cleanup_row *row,
			   struct error *err),
		 void *data, struct cleanup_totals *totals, struct error *err);

/* ---- what a person decided: review.c ---- */

/* A value that is to be otherwise. */
struct cleanup_edit {
	/* as it was told, and decided */
	size_t line; /* of the file */
	struct sv dn;
	struct sv anchor;
	struct sv type;
	struct sv attr;
	struct sv value;
	struct sv update;
	enum cleanup_action action; /* COMPLETE: the value stays, and what an
				     * earlier decision left pending goes */
	/* as it is now */
	int64_t id;        /* 0: there is no such object */
	uint32_t number;   /* of the configuration */
	struct value gone; /* VALUE_NULL: there was none */
	struct value come; /* VALUE_NULL: none does; COMPLETE: as `gone` */
	unsigned errors;   /* that what comes has */
	const char *why;   /* it is left out, or NULL */
};

/* Finds objects and values; what is otherwise than the edit has it gets a
 * `why`. Memory from the arena. */
int cleanup_find(const struct checks *checks, struct cleanup_edit *edits,
		 size_t count, struct arena *arena, struct error *err);
/*
 * The checks once more, over all objects as they would be with those edits
 * that have no `why`. One that leads to something wrong gets one, unless it is
 * accepted; then the others are asked again.
 */
int cleanup_recheck(const struct checks *checks, struct cleanup_edit *edits,
		    size_t count, bool accept, struct arena *arena,
		    struct error *err);

/* "Character, LocalPart" in the arena; "EDIT" or "". */
const char *cleanup_error_names(unsigned errors, struct arena *arena);
const char *cleanup_action_name(enum cleanup_action action);
/* 1: found, whatever the case; 0: it is none. */
int cleanup_action_parse(struct sv text, enum cleanup_action *out);

#endif
