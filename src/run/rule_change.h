/*
 * rule_change.h - rules that are others than at the last synchronization, as
 * causes of what is pending
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUN_RULE_CHANGE_H
#define RUN_RULE_CHANGE_H

#include "inspect/display.h"
#include "run/reach.h"

struct rule_changes;
struct sync_rule;

struct rule_changes *rule_changes_new(struct display *display);
void rule_changes_free(struct rule_changes *changes); /* accepts NULL */

void rule_changes_add(struct rule_changes *changes,
		      const struct sync_rule *rule);

/* Texts of those that decide about the attribute of the rule set, or with
 * ATTR_NONE whether there is an object; they live as long as `changes`. */
void rule_changes_reaching(const struct rule_changes *changes,
			   const struct config_rule_set *rule_set, attr_id attr,
			   const struct reach_path *path,
			   void (*fn)(void *data, const char *text),
			   void *data);
/* Those that may concern anybody: joins, filters and the like. */
void rule_changes_general(const struct rule_changes *changes,
			  void (*fn)(void *data, const char *text), void *data);

#endif
