/*
 * history_private.h - what the files of the history share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_HISTORY_PRIVATE_H
#define INSPECT_HISTORY_PRIVATE_H

#include "inspect/history.h"

#define CHUNK 64

struct history_ids {
	int64_t *at;
	size_t len;
	size_t size;
};

bool history_is_later(const struct history_point *at,
		      const struct past_row *row);
/* As it is now; one that is gone does not exist, and is what rows make it. */
int history_now(struct store *store, int64_t mv, struct arena *arena,
		struct history_state *out, struct error *err);
/* Makes what was before a change of what was after it. */
void history_take_back(struct history_state *state, const struct past *past,
		       struct arena *arena);
/* Metaverse objects that changed, or with `made` came, after `from` and not
 * after `to` (NULL: until now), in order, each once. */
int history_changed(struct store *store, const struct history_point *from,
		    const struct history_point *to, bool made,
		    struct history_ids *out, struct error *err);

#endif
