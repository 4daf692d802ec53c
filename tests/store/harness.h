/*
 * harness.h - a store in a folder of its own, and rows in one line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_STORE_HARNESS_H
#define TESTS_STORE_HARNESS_H

#include "store/counters.h"
#include "store/cs.h"
#include "store/due.h"
#include "store/entry.h"
#include "store/mv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char folder[64];
	char url[128]; /* "sqlite:FOLDER/store.db" */
	struct store *store;
	struct arena arena;
	struct error err;
};

/* A failing call says why. */
#define OK(f, call)                                                            \
	do {                                                                   \
		if ((call) < 0)                                                \
			fail_msg("%s", (f)->err.msg);                          \
	} while (0)

static inline const char *path_of(const struct fixture *f)
{
	return f->url + strlen("sqlite:");
}

static inline void store_again(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
	OK(f, store_open(f->url, STORE_CREATE, &f->store, &f->err));
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = mem_zalloc(sizeof(*f));

	(void)snprintf(f->folder, sizeof(f->folder),
		       "/tmp/conjoin-store-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	(void)snprintf(f->url, sizeof(f->url), "sqlite:%s/store.db", f->folder);
	store_again(f);
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	struct fixture *f = *state;
	char path[160];
	size_t i;

	store_close(f->store);
	for (i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", path_of(f),
			       suffixes[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(f->folder), 0);
	arena_release(&f->arena);
	mem_free(f);
	return 0;
}

static inline struct store_tx *begin(struct fixture *f)
{
	struct store_tx *tx = NULL;

	OK(f, store_begin(f->store, STORE_BULK, &tx, &f->err));
	return tx;
}

static inline void commit(struct fixture *f, struct store_tx *tx)
{
	OK(f, store_commit(tx, &f->err));
}

static inline struct cs_row object(int64_t id)
{
	return (struct cs_row){ .id = id, .type = 1, .has_image = true };
}

static inline void put_object(struct fixture *f, struct store_tx *tx,
			      int64_t id)
{
	struct cs_row row = object(id);

	OK(f, store_cs_put(tx, &row, &f->err));
}

static inline bool has_object(struct fixture *f, int64_t id)
{
	struct cs_row row;
	int ret = store_cs_get(f->store, id, &f->arena, &row, &f->err);

	OK(f, ret);
	return ret > 0;
}

#endif
