/*
 * mv.h - the metaverse: objects, keys, references
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_MV_H
#define STORE_MV_H

#include "store/cs.h"

struct mv_row {
	int64_t id;
	unsigned char guid[16];
	uint32_t type;     /* NAME_MV_TYPE */
	int64_t projected; /* the connector that created it */
	struct sv image;
	struct sv lineage; /* see sync/lineage.h */
	int64_t run;       /* that created it; 0: not known */
	int64_t created;   /* when; 0: not known */
};

int store_mv_get(struct store *store, int64_t id, struct arena *arena,
		 struct mv_row *out, struct error *err);
int64_t store_mv_new_id(struct store_tx *tx);
int store_mv_put(struct store_tx *tx, const struct mv_row *row,
		 struct error *err);
int store_mv_delete(struct store_tx *tx, int64_t id, struct error *err);
int store_mv_scan(struct store *store, int64_t after, struct mv_row *rows,
		  int limit, struct arena *arena, struct error *err);
int64_t store_mv_count(struct store *store, uint32_t type, struct error *err);

/* Keys of indexed attributes; hints as in cs.h. */
int store_mv_key_put(struct store_tx *tx, const struct key_row *keys,
		     size_t count, struct error *err);
int store_mv_key_delete(struct store_tx *tx, uint64_t h, int64_t id,
			struct error *err);
int store_mv_key_find(struct store *store, uint64_t h, struct arena *arena,
		      int64_t **out, struct error *err);

/* Objects that wait for something (key_of_wait), to be evaluated again when
 * it comes. */
int store_mv_wait_put(struct store_tx *tx, const struct key_row *keys,
		      size_t count, struct error *err);
int store_mv_wait_delete(struct store_tx *tx, uint64_t h, int64_t id,
			 struct error *err);
int store_mv_wait_find(struct store *store, uint64_t h, struct arena *arena,
		       int64_t **out, struct error *err);
/* The keys that an object waits for. */
int store_mv_wait_keys(struct store *store, int64_t mv, struct arena *arena,
		       int64_t **out, struct error *err);
/* Ids > after of objects that wait for something, in order. */
int store_mv_wait_ids(struct store *store, int64_t after, int64_t *out,
		      int limit, struct error *err);
bool store_mv_wait_any(struct store *store);

/* By the attribute (store number); 0: by several. */
int store_mv_ref_put(struct store_tx *tx, int64_t target, int64_t source,
		     uint32_t attr, struct error *err);
int store_mv_ref_delete(struct store_tx *tx, int64_t target, int64_t source,
			struct error *err);
int store_mv_referrers(struct store *store, int64_t target, struct arena *arena,
		       int64_t **out, struct error *err);

/* Objects whose outbound side is to be evaluated by the next delta sync of
 * any agent. */
int store_mv_queue_put(struct store_tx *tx, int64_t mv, struct error *err);
int store_mv_queue_delete(struct store_tx *tx, int64_t mv, struct error *err);
int store_mv_queue_ids(struct store *store, int64_t after, int64_t *out,
		       int limit, struct error *err);

#endif
