/*
 * retry.c - when an export that failed is tried again
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/retry.h"

#include "store/member.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define AT_ONCE 5  /* so often in each run */
#define LONGEST 20 /* 2 to the power of this at most */

static void runs_key(uint32_t agent, char out[32])
{
	(void)snprintf(out, 32, "exports:%u", agent);
}

int64_t retry_runs(struct store *store, uint32_t agent, struct error *err)
{
	struct arena arena = ARENA_INIT;
	int64_t runs = 0;
	struct sv text;
	char key[32];
	int ret;

	runs_key(agent, key);
	ret = store_meta_get(store, key, &arena, &text, err);
	if (ret > 0 && !sv_to_i64(text, &runs))
		ret = error_set(err, ERR_CORRUPT,
				"the store's number of exports of agent %u is "
				"damaged",
				agent);
	arena_release(&arena);
	return ret < 0 ? -1 : runs;
}

int retry_count_run(struct store_tx *tx, uint32_t agent, struct error *err)
{
	int64_t runs = retry_runs(store_of(tx), agent, err);
	char key[32];
	char text[32];

	if (runs < 0)
		return -1;
	runs_key(agent, key);
	(void)snprintf(text, sizeof(text), "%lld", (long long)runs + 1);
	return store_meta_set(tx, key, sv_from(text), err);
}

static int hash_of(struct store *store, const struct pending_export *row,
		   uint64_t *out, struct error *err)
{
	struct strbuf all = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret;

	strbuf_addc(&all, (char)row->op);
	strbuf_add(&all, &row->parent, sizeof(row->parent));
	strbuf_addf(&all, "%zu ", row->rdn.len);
	strbuf_addsv(&all, row->rdn);
	strbuf_addsv(&all, row->attrs);
	ret = member_pending_text(store, row->cs, &all, err);
	*out = hash64(store_hash_key(store), strbuf_sv(&all));
	strbuf_release(&all);
	return ret;
}

static int hash_of_pending(struct store *store, int64_t cs, uint64_t *out,
			   struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct pending_export row;
	int ret = store_pending_export_get(store, cs, &arena, &row, err);

	*out = 0;
	if (ret > 0 && hash_of(store, &row, out, err) < 0)
		ret = -1;
	arena_release(&arena);
	return ret;
}

static int64_t runs_until_next(int64_t failures)
{
	int64_t power = failures - AT_ONCE;

	if (power <= 0)
		return 1;
	return INT64_C(1) << (power < LONGEST ? power : LONGEST);
}

int retry_failed(struct store_tx *tx, int64_t cs, enum retry_kind kind,
		 struct error *err)
{
	struct store *store = store_of(tx);
	int64_t runs = retry_runs(store, CS_AGENT(cs), err);
	struct retry_row row;
	uint64_t what;
	int ret;

	if (runs < 0 || hash_of_pending(store, cs, &what, err) < 0)
		return -1;
	ret = store_retry_get(store, cs, &row, err);
	if (ret < 0)
		return -1;
	if (ret == 0 || row.what != what)
		row = (struct retry_row){ .cs = cs, .what = what };
	row.kind = kind;
	row.failures++;
	row.next = runs + runs_until_next(row.failures);
	if (row.failures > AT_ONCE && !row.since)
		row.since = clock_now();
	return store_retry_put(tx, &row, err);
}

/* An export run that is never reached. */
#define NEVER (INT64_C(1) << 60)

bool retry_is_held(const struct retry_row *row)
{
	return row->next == NEVER;
}

int retry_hold(struct store_tx *tx, int64_t cs, struct error *err)
{
	struct store *store = store_of(tx);
	struct retry_row row;
	uint64_t what;
	int ret;

	if (hash_of_pending(store, cs, &what, err) < 0)
		return -1;
	if (!what)
		return 1;
	ret = store_retry_get(store, cs, &row, err);
	if (ret < 0)
		return -1;
	if (ret == 0 || row.what != what)
		row = (struct retry_row){ .cs = cs,
					  .kind = RETRY_REFUSED,
					  .what = what };
	row.next = NEVER;
	if (!row.since)
		row.since = clock_now();
	return store_retry_put(tx, &row, err);
}

int retry_get(struct store *store, int64_t cs,
	      const struct pending_export *pending, struct retry_row *out,
	      struct error *err)
{
	int ret = store_retry_get(store, cs, out, err);
	uint64_t what;

	if (ret <= 0)
		return ret;
	if ((pending ? hash_of(store, pending, &what, err)
		     : hash_of_pending(store, cs, &what, err)) < 0)
		return -1;
	return out->what == what;
}
