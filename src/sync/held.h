/*
 * held.h - objects that a run was undone for: the sync room's own part
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYNC_HELD_H
#define SYNC_HELD_H

#include "sync/sync_private.h"

/* What the store has; nothing is kept when there is none. */
int held_load(struct sync *sync, struct error *err);
void held_release(struct sync *sync);

/* A new one; what the rules want is learned by the object's next evaluation. */
void held_add(struct sync *sync, const struct hold_row *row);
/* Nothing is to be exported to the account, or no account be made (`cs` NULL)
 * under this rule set. Ends the hold when the rules want something else. */
bool held_back(struct sync *sync, struct work_mv *mv,
	       const struct config_rule_set *rule_set, struct work_cs *cs);
/* The account is held, whatever the rules want. */
bool held_object(const struct sync *sync, const struct work_cs *cs);
/* It was deleted and came back. */
bool held_returned(const struct sync *sync, const struct work_cs *cs);
/* An account that came back and belongs to nobody: it is not for those who
 * were there when it did, but for who comes later. */
bool held_apart(const struct sync *sync, const struct work_cs *cs,
		const struct work_mv *mv);
/* It is held, by its number, without regard of the unit. */
bool held_id(const struct sync *sync, int64_t cs);
/* What ends it: another owner, the account or the metaverse object go. */
void held_linked(struct sync *sync, const struct work_cs *cs, int64_t mv);
void held_gone(struct sync *sync, const struct work_cs *cs);
void held_mv_gone(struct sync *sync, const struct work_mv *mv);

/* The unit is kept: its changes count. */
void held_keep(struct sync *sync);
int held_write(struct store_tx *tx, const struct hold_change *it,
	       struct error *err);

#endif
