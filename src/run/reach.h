/*
 * reach.h - which attributes of sources come to an attribute of a target
 *
 * By the rules alone: export rules read the metaverse, import rules fill what
 * they read. No object is looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUN_REACH_H
#define RUN_REACH_H

#include "config/config.h"

struct reach;
struct reach_path;

struct reach *reach_new(const struct config *config);
void reach_free(struct reach *reach); /* accepts NULL */

/* To an attribute under a rule set; ATTR_NONE: to whether there is an object,
 * and what its name is. Lives as long as `reach`. */
const struct reach_path *reach_to(struct reach *reach,
				  const struct config_rule_set *target,
				  attr_id attr);

bool reach_reads(const struct reach_path *path, attr_id mv_attr);
/* From objects of an agent's type; ATTR_NONE: from any attribute of theirs. */
bool reach_from(const struct reach_path *path, size_t agent, size_t type,
		attr_id attr);

#endif
