/*
 * test_table.c - anchors in memory, sets of objects
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void anchors(void **state)
{
	struct anchor_table table = { 0 };
	struct anchor_key *slot;
	size_t at = SIZE_MAX;
	uint64_t i;

	(void)state;
	assert_null(anchor_table_find(&table, 1, &at));
	for (i = 1; i <= 20000; i++)
		anchor_table_put(&table, i << 32 | i, (int64_t)i,
				 (struct hash128){ i, 0 });
	for (i = 1; i <= 20000; i++) {
		at = SIZE_MAX;
		slot = anchor_table_find(&table, i << 32 | i, &at);
		assert_non_null(slot);
		assert_true(slot->id == (int64_t)i);
		assert_true(slot->content.high == i);
		assert_null(anchor_table_find(&table, i << 32 | i, &at));
	}
	at = SIZE_MAX;
	assert_null(anchor_table_find(&table, 20001, &at));
	anchor_table_release(&table);
	anchor_table_release(&table);
}

/* A 64-bit hash is not unique: all that have it are found. */
static void the_same_hash(void **state)
{
	struct anchor_table table = { 0 };
	const struct anchor_key *slot;
	size_t at = SIZE_MAX;
	int64_t sum = 0;
	int64_t i;

	(void)state;
	for (i = 1; i <= 3; i++) {
		anchor_table_put(&table, 1023, i, (struct hash128){ 0, 0 });
		/* others that begin at the same place, and wrap around */
		anchor_table_put(&table, 2047, 100 + i,
				 (struct hash128){ 0, 0 });
	}
	while ((slot = anchor_table_find(&table, 1023, &at)))
		sum += slot->id;
	assert_true(sum == 6);
	anchor_table_release(&table);
}

/* What the store has, in whatever order, and what comes beside it. */
static void known(void **state)
{
	struct anchor_table table = { 0 };
	const struct anchor_key *key;
	size_t at = SIZE_MAX;
	int64_t sum = 0;
	uint64_t i;

	(void)state;
	for (i = 1; i <= 5000; i++) {
		uint64_t h = i / 2 * UINT64_C(0x9e3779b97f4a7c15);

		anchor_table_add(&table, &(struct anchor_key){
						 h, (int64_t)i, { i, 1 } });
	}
	anchor_table_ready(&table);
	for (i = 2501; i <= 3000; i++)
		anchor_table_put(&table, i * UINT64_C(0x9e3779b97f4a7c15),
				 (int64_t)i * 10, (struct hash128){ i, 2 });
	anchor_table_put(&table, UINT64_C(0x9e3779b97f4a7c15), 7,
			 (struct hash128){ 0, 0 });
	for (i = 1; i <= 3000; i++) {
		uint64_t h = i * UINT64_C(0x9e3779b97f4a7c15);

		anchor_table_fetch(&table, h);
		sum = 0;
		at = SIZE_MAX;
		while ((key = anchor_table_find(&table, h, &at))) {
			assert_true(key->h == h);
			sum += key->id;
		}
		assert_true(sum == (i == 1      ? 2 + 3 + 7
				    : i < 2500  ? (int64_t)i * 4 + 1
				    : i == 2500 ? 5000
						: (int64_t)i * 10));
	}
	at = SIZE_MAX;
	assert_null(anchor_table_find(&table, 12345, &at));
	sum = 0;
	at = SIZE_MAX;
	for (i = 0; anchor_table_next(&table, &at); i++)
		sum++;
	assert_true(sum == 5501);
	anchor_table_release(&table);
}

/* One alone, and the ends of what there is. */
static void known_ends(void **state)
{
	static const uint64_t ends[] = { 0, 1, INT64_MAX, UINT64_C(1) << 63,
					 UINT64_MAX };
	struct anchor_table table = { 0 };
	size_t at;
	size_t i;

	(void)state;
	anchor_table_ready(&table);
	at = SIZE_MAX;
	assert_null(anchor_table_find(&table, 0, &at));
	at = SIZE_MAX;
	assert_null(anchor_table_next(&table, &at));
	anchor_table_release(&table);
	for (i = 0; i < 5; i++)
		anchor_table_add(
			&table,
			&(struct anchor_key){ ends[i], (int64_t)i, { 1, 1 } });
	anchor_table_ready(&table);
	for (i = 0; i < 5; i++) {
		const struct anchor_key *key;

		at = SIZE_MAX;
		key = anchor_table_find(&table, ends[i], &at);
		assert_non_null(key);
		assert_true(key->id == (int64_t)i);
		assert_null(anchor_table_find(&table, ends[i], &at));
	}
	anchor_table_release(&table);
}

static void sets(void **state)
{
	struct id_set set = { 0 };
	int64_t i;

	(void)state;
	assert_false(id_set_has(&set, CS_ID(3, 1)));
	id_set_remove(&set, CS_ID(3, 1));
	for (i = 1; i < 200000; i += 3)
		id_set_add(&set, CS_ID(3, i));
	for (i = 1; i < 200000; i++)
		assert_int_equal(id_set_has(&set, CS_ID(3, i)), i % 3 == 1);
	assert_false(id_set_has(&set, CS_ID(3, 1 << 30)));
	id_set_remove(&set, CS_ID(3, 1));
	assert_false(id_set_has(&set, CS_ID(3, 1)));
	assert_true(id_set_has(&set, CS_ID(3, 4)));
	id_set_release(&set);
	assert_false(id_set_has(&set, CS_ID(3, 4)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(anchors), cmocka_unit_test(the_same_hash),
		cmocka_unit_test(known),   cmocka_unit_test(known_ends),
		cmocka_unit_test(sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
