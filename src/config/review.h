/*
 * review.h - what the two files of the review share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONFIG_REVIEW_H
#define CONFIG_REVIEW_H

#include "config/config_private.h"

struct review {
	struct config *config;
	struct snapshot *snapshot;
	VEC(struct config_problem) found; /* those there were, and new ones */
};

/* A warning at a node; none when `at` is NULL. */
void review_warn(struct review *review, const struct node *at, const char *fmt,
		 ...) __attribute__((format(printf, 3, 4)));
/* 1: always true (also NULL, no condition); 0: never; -1: it depends. */
int review_truth(const struct expr *condition);
/* What stands at a key of a rule set, or NULL. */
const struct node *review_node(const struct review *review,
			       const struct config_rule_set *rule_set,
			       const char *key);

/* Calls for each attribute of the object at hand that the expression reads. */
struct review_reader {
	void (*fn)(struct review_reader *reader, attr_id attr);
};
void review_reads(const struct expr *expr, struct review_reader *reader);

/* review_flow.c: contributors, precedence, values that go round */
void review_flows(struct review *review);

/* review_file.c: names that the files that are here do not have */
void review_files(struct review *review);

#endif
