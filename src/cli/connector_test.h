/*
 * connector_test.h - does a program keep to the connector protocol
 *
 * What `conjoin connector test` tries, through the connector exec as a run has
 * it: connector_test.c what only reads, connector_write.c what writes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_CONNECTOR_TEST_H
#define CLI_CONNECTOR_TEST_H

#include "base/hash.h"
#include "base/vec.h"
#include "connectors/exec/exec.h"

/* An object as it was read. */
struct trial_object {
	const char *type;
	struct sv name;  /* its anchor, or DN */
	uint64_t values; /* a hash of all attributes */
	const struct change *change;
};

/* One import. */
struct trial_picture {
	struct arena arena;
	VEC(struct trial_object) objects;
	size_t deletions;
	size_t bad;
	struct sv watermark;
};

struct trial {
	struct arena arena;
	struct connector_config config;
	struct hash_key key;
	uint32_t caps;
	bool schema; /* it tells one */
	struct schema told;
	const char *notes; /* what a check has to say when it is fine */
};

/* What a check found: 0 it is as expected; -1 not, err->msg tells what was
 * seen; 1: it cannot be tried, err->msg tells why. */
typedef int (*trial_fn)(struct trial *trial, struct error *err);

struct trial_check {
	const char *name;
	const char *expected;
	uint32_t needs; /* enum connector_cap */
	trial_fn run;   /* NULL ends a table */
};

/* In this order; the second needs what the first finds out. */
extern const struct trial_check trial_reading[];
extern const struct trial_check trial_writing[];

/* `command` (count words) with options NAME=VALUE. */
int trial_init(struct trial *trial, const char *const *command, size_t count,
	       const char *const *options, size_t option_count,
	       const char *timeout, struct error *err);
void trial_release(struct trial *trial);

int trial_open(struct trial *trial, struct connector *connector,
	       struct error *err);
/* An import in a session of its own into an empty picture. */
int trial_read(struct trial *trial, enum import_kind kind, struct sv watermark,
	       struct trial_picture *picture, struct error *err);
/* The same in a session that is open. */
int trial_read_in(struct trial *trial, struct connector *connector,
		  enum import_kind kind, struct sv watermark,
		  struct trial_picture *picture, struct error *err);
const struct trial_object *trial_find(const struct trial_picture *picture,
				      const char *type, struct sv name);
void trial_picture_release(struct trial_picture *picture);

#endif
