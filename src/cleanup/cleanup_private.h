/*
 * cleanup_private.h - what the files of the room share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLEANUP_CLEANUP_PRIVATE_H
#define CLEANUP_CLEANUP_PRIVATE_H

#include "cleanup/cleanup.h"
#include "inspect/where.h"

enum rule_kind {
	RULE_LENGTH,     /* at most so many UTF-16 units */
	RULE_BLANK,      /* there must be a value */
	RULE_UNIQUE,     /* no other object has it */
	RULE_CHARACTERS, /* none of these */
	RULE_BEGINS,     /* not with these */
	RULE_ENDS,       /* the same */
	RULE_TRIM,       /* no white space around it */
	RULE_COLON,      /* one at most */
	RULE_ADDRESS,    /* a mail address */
	RULE_IF,         /* not when this is true */
};

/* Kinds of values, by their prefix: bits. */
enum value_of { OF_SMTP = 1, OF_X400 = 2, OF_OTHER = 4 };

struct rule {
	enum rule_kind kind;
	unsigned of;              /* values of these kinds only; 0: all */
	const char *const *types; /* objects of these only */
	size_t type_count;        /* 0: all */
	struct where *when;       /* or NULL */
	size_t length;
	struct sv characters;
	bool white_space;
	bool diacritics;
	size_t group; /* RULE_UNIQUE: values of one group meet; 1 ... */
	bool address; /* of a group with a name: addresses are compared */
	struct where *condition; /* RULE_IF */
	unsigned error;          /* RULE_IF */
	struct where *fix;       /* what it could be instead, or NULL */
	struct where *action;    /* or NULL */
};

struct check {
	const char *attr;
	uint32_t number; /* of the configuration */
	struct rule *rules;
	size_t count;
};

struct checks {
	struct display *display;
	const struct config_agent *agent;
	uint32_t agent_number; /* of the store */
	struct where **skip;
	size_t skip_count;
	struct check *checks;
	size_t count;
	const char **unread;
	size_t unread_count;
	bool needs_names; /* [@dn] is asked */
	uint32_t name;    /* number of `cn`; UINT32_MAX: the agent has none */
};

/* ---- address.c ---- */

struct address {
	unsigned errors;
	struct sv repaired;
};
/* A mail address; of "smtp:a@b" what stands behind the colon. Repairs what can
 * be (RFC 5322 dot-atom, RFC 1123 host names, known top-level domains). */
struct address address_check(struct sv value, struct arena *arena);
/* It holds "smtp:", whatever the case. */
bool address_is_smtp(struct sv value);

/* ---- rule.c ---- */

/* One value on its way through the rules of its attribute. */
struct passage {
	const struct checks *checks;
	const struct where_object *object; /* `value` is set by the rules */
	struct arena *arena;
	/* Of RULE_UNIQUE: the value's key. True: others have it. */
	bool (*shared)(void *data, const struct rule *rule, uint64_t key,
		       size_t *set_out);
	void *data;
};
struct finding {
	unsigned errors;
	struct sv update;
	enum cleanup_action action;
	size_t set;
};
/* `value` NULL: the object has none. */
void check_value(struct passage *passage, const struct check *check,
		 struct sv value, struct finding *out);
unsigned value_of(struct sv value);
/* White space of Unicode. */
bool is_white(int32_t c);

/* ---- checks.c ---- */

/* Some object of the agent may have the attribute, and it may be shown. */
bool checks_find_attr(const struct checks *checks, struct sv name,
		      uint32_t *number_out, const char **name_out);

/* ---- scan.c ---- */

/* The agent's objects in order, each with what its system has as far as it is
 * known; memory until the next one. fn: 0 to go on, -1. */
int scan_each(const struct checks *checks,
	      int (*fn)(void *data, const struct entry *entry,
			const struct image *image, struct arena *arena,
			struct error *err),
	      void *data, struct error *err);

/* Objects as they would be. */
struct scan_change {
	/* Makes the object's values others; false: they are as they are. */
	bool (*change)(void *data, int64_t id, struct image *image,
		       struct arena *arena);
	void *data;
};
/* As cleanup_scan(); with a change, rows are of changed objects alone. */
int scan_changed(const struct checks *checks, const struct scan_change *change,
		 int (*fn)(void *data, const struct cleanup_row *row,
			   struct error *err),
		 void *data, struct cleanup_totals *totals, struct error *err);

#endif
