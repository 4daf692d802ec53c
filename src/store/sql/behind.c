/*
 * behind.c - a batch is written while the next one is made
 *
 * The connection belongs to one thread at a time: to the one that writes
 * behind until it has committed and begun anew, then to whoever waited for it.
 * All that touches the connection passes through behind_enter().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sql/sql_private.h"

/* The store that this thread writes behind. */
static _Thread_local const struct store *written;

bool behind_is_writer(const struct store *store)
{
	return written == store;
}

static void *write_all(void *data)
{
	struct store *store = data;
	struct write_behind *behind = &store->behind;
	struct store_tx *tx = &store->tx;

	written = store;
	behind->ret = behind->fn(behind->data, tx, &behind->err);
	if (behind->ret < 0)
		store_rollback(tx);
	else if ((behind->ret == 0 &&
		  (store_commit(tx, &behind->err) < 0 ||
		   store_begin(store, STORE_BULK, &tx, &behind->err) < 0)) ||
		 (behind->then &&
		  behind->then(behind->data, tx, &behind->err) < 0))
		behind->ret = -1;
	written = NULL;
	return NULL;
}

int store_write_behind(struct store_tx *tx, store_write_fn fn,
		       store_write_fn then, void *data, struct error *err)
{
	struct store *store = tx->store;
	struct write_behind *behind = &store->behind;

	if (store_settle(store, err) < 0)
		return -1;
	behind->fn = fn;
	behind->then = then;
	behind->data = data;
	error_clear(&behind->err);
	behind->running = true;
	if (pthread_create(&behind->thread, NULL, write_all, store) == 0)
		return 0;
	/* no thread to be had: then now */
	(void)write_all(store);
	behind->running = false;
	behind->failed = behind->ret < 0;
	return store_settle(store, err);
}

int store_settle(struct store *store, struct error *err)
{
	struct write_behind *behind = &store->behind;

	if (behind->running) {
		(void)pthread_join(behind->thread, NULL);
		behind->running = false;
		behind->failed = behind->ret < 0;
	}
	if (!behind->failed)
		return 0;
	if (err)
		*err = behind->err;
	return -1;
}

void store_hold_back(struct store *store, store_write_fn fn, void *data)
{
	store->held = fn;
	store->held_data = data;
}

int behind_enter(struct store *store, struct error *err)
{
	store_write_fn held;

	if (behind_is_writer(store))
		return 0;
	if (store_settle(store, err) < 0)
		return -1;
	held = store->held;
	if (!held)
		return 0;
	store->held = NULL;
	return held(store->held_data, &store->tx, err) < 0 ? -1 : 0;
}
