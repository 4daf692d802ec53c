/*
 * sets_private.h - what the files share that follow sets by value
 *
 * A unit is a metaverse object of which values of sets are followed to its
 * connectors. Its functions give 1; 0 when it is not that simple, so that the
 * object has to be looked at as a whole; -1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SETS_PRIVATE_H
#define SETS_PRIVATE_H

#include "sync/sync_private.h"

#include "store/outbox.h"

/* ---- set_rules.c ---- */
/* Some rule does more with the attribute (of whatever object) than to let it
 * flow as it is, or to ask whether it has a value. */
bool set_is_read(struct sync *sync, attr_id attr);
/* Provisioning asks whether it has a value. */
bool set_is_required(struct sync *sync, attr_id attr);
/* The attribute of the metaverse type when its values are those of one
 * connector, as they are; or NULL. */
const struct attr_plan *set_fed_by(const struct mv_plan *plan,
				   const struct config_rule_set *rs,
				   attr_id from, attr_id to);
/* The attribute of the metaverse type when its values are those that one
 * connector looks up by this rule, and by nothing that changes by itself; or
 * NULL. */
const struct attr_plan *set_found_by(const struct mv_plan *plan,
				     const struct config_rule_set *rs,
				     const struct config_import_flow *rule);
bool set_flows_from(const struct config_rule_set *rs, attr_id from);
/* The rule that writes an attribute: NULL none, or with others. */
const struct config_export_flow *set_rule_for(const struct config_rule_set *rs,
					      attr_id attr, size_t *count_out);
/* It writes the set as it is, whatever it was. */
bool set_is_plain(struct sync *sync, const struct config_rule_set *rs,
		  const struct config_export_flow *rule);

/* ---- sets.c ---- */

struct target {
	int64_t cs;
	const struct config_rule_set *rule_set; /* NULL: exports nothing */
	bool own;
	bool touched;
	bool changed;
	bool pending; /* it has a pending export already */
	bool renames;
};

struct unit {
	struct sync *sync;
	struct cs_row row;
	struct link_row link;
	const struct config_rule_set *rule_set;
	const struct mv_plan *plan;
	struct member *rows; /* that are moving, as they will be */
	size_t row_count;
	struct target *targets;
	size_t target_count;
	struct idmap done; /* metaverse objects, of the attribute at hand */
	bool flowed;
	VEC(struct member) mv_members; /* changed */
	VEC(struct member) cs_members; /* changed, of targets */
	VEC(struct key_row) waits;
};

void unit_release(struct unit *unit);
/* The metaverse object's connectors. */
int unit_find_targets(struct unit *unit, struct error *err);
/* Some account of the metaverse object is a value of the unit's own set. */
int unit_is_wanted(struct unit *unit, uint32_t attr, int64_t mv,
		   bool *wanted_out, struct error *err);
/* A value of the metaverse set comes or goes, when it is not as it should. */
int unit_flow(struct unit *unit, const struct attr_plan *attr, int64_t mv,
	      bool wanted, bool *changed_out, struct error *err);
/* *out is the connector of a metaverse object in the target's agent, or 0. */
int unit_connector_of(struct unit *unit, const struct target *target,
		      const struct config_export_flow *rule, int64_t mv,
		      int64_t *out, struct error *err);
/* One value of a target's set as the rule wants it. */
int unit_want(struct unit *unit, struct target *target, uint32_t attr,
	      int64_t connector, bool wanted, struct error *err);
/* Of sets that provisioning asks for: they have a value, and keep one. */
int unit_keeps_required(struct unit *unit, struct error *err);
/* The metaverse object waits for what has this key. */
void unit_wait_for(struct unit *unit, uint64_t h);
/* All that was worked out: 0, -1 */
int unit_write(struct unit *unit, struct error *err);

#endif
