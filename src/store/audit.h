/*
 * audit.h - what people did or approved, in order, each entry chained to the
 * one before
 *
 * Entries are only added: the database refuses to change or remove one. The
 * hash of an entry is SHA-256 over the hash of the one before (32 zero bytes
 * for the first) and its fields, each as "LENGTH:TEXT": number, time (ISO
 * 8601), user, host, command, result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/store.h"

#define AUDIT_HASH 32

struct audit_row {
	int64_t id; /* 1, 2, ... */
	int64_t time;
	const char *user;
	const char *host;
	const char *command;
	const char *result;
	unsigned char hash[AUDIT_HASH];
};

/* Fills row->hash; `before` is the hash of the entry before. */
void audit_hash(struct audit_row *row, const unsigned char before[AUDIT_HASH]);

/* Its number and hash are made. */
int store_audit_add(struct store_tx *tx, struct audit_row *row,
		    struct error *err);
/* With id > after, in order; fn returns 0 to go on, 1 to stop, -1. */
int store_audit_scan(struct store *store, int64_t after,
		     int (*fn)(void *data, const struct audit_row *row),
		     void *data, struct error *err);

#endif
