/*
 * test_store.c - the contract of the store: what every back end must do
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include <sys/wait.h>

/* ---- opening ---- */

static void opening(void **state)
{
	struct fixture *f = *state;
	struct store *store;
	char url[600];

	assert_int_equal(store_open("oracle:x", STORE_CREATE, &store, &f->err),
			 -1);
	assert_int_equal(f->err.code, ERR_UNSUPPORTED);
	assert_non_null(strstr(f->err.msg, "sqlite:PATH"));
	assert_non_null(strstr(f->err.msg, "postgresql:"));
	if (f->server) {
		store_close(f->store);
		f->store = NULL;
		sql(f, "DROP SCHEMA t CASCADE");
		sql(f, "CREATE SCHEMA t");
		(void)snprintf(url, sizeof(url), "%s", f->url);
	} else {
		(void)snprintf(url, sizeof(url), "sqlite:%s/none.db",
			       f->folder);
	}
	assert_int_equal(store_open(url, 0, &store, &f->err), -1);
	assert_int_equal(f->err.code, ERR_NOTFOUND);
	assert_null(store);
	assert_int_equal(store_open(url, STORE_READ, &store, &f->err), -1);
	assert_int_equal(f->err.code, ERR_NOTFOUND);
	store_close(NULL);
}

static void reading_only(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct store *store;

	put_object(f, tx, CS_ID(1, 1));
	commit(f, tx);
	OK(f, store_open(f->url, STORE_READ, &store, &f->err));
	assert_true(store_cs_count(store, 1, 0, &f->err) == 1);
	assert_int_equal(store_begin(store, STORE_BULK, &tx, &f->err), -1);
	assert_int_equal(f->err.code, ERR_DENIED);
	assert_true(store_cs_count(store, 1, 0, &f->err) == 1);
	store_close(store);
}

static void secret_is_stable(void **state)
{
	struct fixture *f = *state;
	struct hash_key key = *store_hash_key(f->store);
	struct hash_key zero = { { 0 } };

	assert_memory_not_equal(&key, &zero, sizeof(key));
	store_again(f);
	assert_memory_equal(&key, store_hash_key(f->store), sizeof(key));
}

static void small_values(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx;
	struct sv value;

	assert_int_equal(
		store_meta_get(f->store, "a", &f->arena, &value, &f->err), 0);
	assert_null(value.ptr);
	tx = begin(f);
	assert_ptr_equal(store_of(tx), f->store);
	OK(f, store_meta_set(tx, "a",
			     SV_LIT("1\0"
				    "2"),
			     &f->err));
	OK(f, store_meta_set(tx, "b", SV_LIT("x"), &f->err));
	OK(f, store_meta_set(tx, "b", SV_LIT("y"), &f->err));
	/* one's own transaction is seen at once */
	assert_int_equal(
		store_meta_get(f->store, "b", &f->arena, &value, &f->err), 1);
	assert_true(sv_eq_str(value, "y"));
	OK(f, store_meta_delete(tx, "b", &f->err));
	OK(f, store_meta_delete(tx, "never there", &f->err));
	commit(f, tx);
	store_again(f);
	assert_int_equal(
		store_meta_get(f->store, "a", &f->arena, &value, &f->err), 1);
	assert_true(sv_eq(value, SV_LIT("1\0"
					"2")));
	assert_int_equal(
		store_meta_get(f->store, "b", &f->arena, &value, &f->err), 0);
}

/* ---- names ---- */

static void names(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	uint32_t hr = store_name_add(tx, NAME_AGENT, SV_LIT("hr"), &f->err);
	uint32_t ad = store_name_add(tx, NAME_AGENT, SV_LIT("ad"), &f->err);
	uint32_t mail =
		store_name_add(tx, NAME_ATTRIBUTE, SV_LIT("mail"), &f->err);

	assert_int_equal(hr, 1);
	assert_int_equal(ad, 2);
	/* kinds do not meet */
	assert_int_equal(mail, 1);
	assert_int_equal(store_name_add(tx, NAME_AGENT, SV_LIT("hr"), &f->err),
			 hr);
	/* only attributes ignore case */
	assert_int_equal(
		store_name_add(tx, NAME_ATTRIBUTE, SV_LIT("MAIL"), &f->err),
		mail);
	assert_int_equal(store_name_find(f->store, NAME_AGENT, SV_LIT("HR")),
			 0);
	assert_int_equal(store_name_find(f->store, NAME_TYPE, SV_LIT("hr")), 0);
	commit(f, tx);
	store_again(f);
	assert_int_equal(store_name_find(f->store, NAME_AGENT, SV_LIT("ad")),
			 ad);
	assert_string_equal(store_name(f->store, NAME_ATTRIBUTE, mail), "mail");
	assert_null(store_name(f->store, NAME_AGENT, 3));
	assert_null(store_name(f->store, NAME_MV_TYPE, 1));
}

static void rollback_forgets_names(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	const char *kept;

	(void)store_name_add(tx, NAME_AGENT, SV_LIT("hr"), &f->err);
	commit(f, tx);
	kept = store_name(f->store, NAME_AGENT, 1);
	tx = begin(f);
	assert_int_equal(store_name_add(tx, NAME_AGENT, SV_LIT("ad"), &f->err),
			 2);
	store_rollback(tx);
	assert_int_equal(store_name_find(f->store, NAME_AGENT, SV_LIT("ad")),
			 0);
	assert_null(store_name(f->store, NAME_AGENT, 2));
	/* a name is borrowed until close */
	assert_ptr_equal(store_name(f->store, NAME_AGENT, 1), kept);
	assert_string_equal(kept, "hr");
	tx = begin(f);
	assert_int_equal(store_name_add(tx, NAME_AGENT, SV_LIT("x"), &f->err),
			 2);
	commit(f, tx);
	store_rollback(NULL);
}

static void binding_attributes(void **state)
{
	struct fixture *f = *state;
	const char *const first[] = { NULL, "dn", "mail", "title" };
	const char *const second[] = { NULL, "title", "dn" };
	const struct attr_map *map;
	struct store_tx *tx;
	uint32_t mail;

	OK(f, store_bind_attributes(f->store, first, 3, &f->err));
	map = store_attr_map(f->store);
	mail = map->to_store[2];
	assert_int_equal(map->from_store[mail], 2);
	/* another configuration: other numbers, the same meaning */
	store_again(f);
	OK(f, store_bind_attributes(f->store, second, 2, &f->err));
	map = store_attr_map(f->store);
	assert_int_equal(
		map->to_store[2],
		store_name_find(f->store, NAME_ATTRIBUTE, SV_LIT("dn")));
	/* what only the store knows comes behind */
	assert_int_equal(map->from_store[mail], 3);
	assert_string_equal(store_attr_name(f->store, 3), "mail");
	assert_string_equal(store_attr_name(f->store, 1), "title");
	assert_null(store_attr_name(f->store, 4));
	/* a rollback that forgets names leaves these */
	tx = begin(f);
	(void)store_name_add(tx, NAME_TYPE, SV_LIT("person"), &f->err);
	store_rollback(tx);
	assert_string_equal(store_attr_name(f->store, 3), "mail");
}

/* ---- ids ---- */

static void ids_are_given_once(void **state)
{
	struct fixture *f = *state;
	int64_t highest = 0;
	int round;
	int i;

	for (round = 0; round < 6; round++) {
		struct store_tx *tx = begin(f);
		int64_t id = 0;

		for (i = 0; i < 3000; i++) {
			int64_t last = id;

			id = store_cs_new_id(tx, 7);
			assert_int_equal(CS_AGENT(id), 7);
			assert_true(id > last);
			assert_true(id > highest);
			if (i % 1000 == 0)
				put_object(f, tx, id);
		}
		/* deleted ones are not given again either */
		OK(f, store_cs_delete(tx, id, &f->err));
		commit(f, tx);
		highest = id;
		if (round % 2)
			store_again(f);
		/* what was rolled back nobody has seen */
		tx = begin(f);
		for (i = 0; i < 5000; i++)
			assert_true(store_cs_new_id(tx, 7) > highest);
		store_rollback(tx);
	}
}

static void ids_of_agents_do_not_meet(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	int64_t a = store_cs_new_id(tx, 1);
	int64_t b = store_cs_new_id(tx, 65535);

	assert_int_equal(CS_AGENT(a), 1);
	assert_int_equal(CS_AGENT(b), 65535);
	assert_true(CS_SEQUENCE(a) == 1);
	assert_true(CS_SEQUENCE(b) == 1);
	assert_true(b > 0);
	commit(f, tx);
}

static void metaverse_ids_are_given_once(void **state)
{
	struct fixture *f = *state;
	int64_t highest = 0;
	int round;
	int i;

	for (round = 0; round < 6; round++) {
		struct store_tx *tx = begin(f);
		int64_t id = 0;

		for (i = 0; i < 5000; i++) {
			id = store_mv_new_id(tx);
			assert_true(id > highest);
			highest = id;
		}
		commit(f, tx);
		if (round % 2)
			store_again(f);
		tx = begin(f);
		for (i = 0; i < 5000; i++)
			assert_true(store_mv_new_id(tx) > highest);
		store_rollback(tx);
	}
}

/* ---- connector space ---- */

static void cs_rows(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct cs_row row = {
		.id = CS_ID(1, 5),
		.type = 3,
		.flags = CS_CONTAINER,
		.parent = CS_ID(1, 2),
		.rdn = SV_LIT("cn=a\0b"),
		.anchor = SV_LIT("\xff\x00\x01"),
		.has_image = true,
		.image = SV_LIT("\x01\x00"),
	};
	struct cs_row back;

	OK(f, store_cs_put(tx, &row, &f->err));
	commit(f, tx);
	assert_int_equal(
		store_cs_get(f->store, row.id, &f->arena, &back, &f->err), 1);
	assert_true(back.id == row.id);
	assert_int_equal(back.type, 3);
	assert_int_equal(back.flags, CS_CONTAINER);
	assert_true(back.parent == row.parent);
	assert_true(sv_eq(back.rdn, row.rdn));
	assert_true(sv_eq(back.anchor, row.anchor));
	assert_true(back.has_image);
	assert_true(sv_eq(back.image, row.image));
	assert_int_equal(
		store_cs_head(f->store, row.id, &f->arena, &back, &f->err), 1);
	assert_true(sv_eq(back.rdn, row.rdn));
	/* no image and an empty one are not the same */
	tx = begin(f);
	row.image = SV_NULL;
	OK(f, store_cs_put(tx, &row, &f->err));
	OK(f, store_cs_get(f->store, row.id, &f->arena, &back, &f->err));
	assert_true(back.has_image);
	row.has_image = false;
	OK(f, store_cs_put(tx, &row, &f->err));
	OK(f, store_cs_get(f->store, row.id, &f->arena, &back, &f->err));
	assert_false(back.has_image);
	OK(f, store_cs_delete(tx, row.id, &f->err));
	commit(f, tx);
	assert_false(has_object(f, row.id));
}

static void cs_scans(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct cs_row rows[40];
	int64_t after = 0;
	int64_t last = 0;
	int total = 0;
	int count;
	int i;

	/* put in any order, of three agents */
	for (i = 0; i < 100; i++)
		put_object(f, tx, CS_ID(1 + i % 3, 1 + i * 37 % 100));
	commit(f, tx);
	while ((count = store_cs_scan(f->store, 2, after, rows, 10, &f->arena,
				      &f->err)) > 0) {
		assert_true(count <= 10);
		for (i = 0; i < count; i++) {
			assert_int_equal(CS_AGENT(rows[i].id), 2);
			assert_true(rows[i].id > last);
			last = rows[i].id;
			total++;
		}
		after = last;
	}
	assert_int_equal(count, 0);
	assert_int_equal(total, 33);
	assert_int_equal(
		store_cs_scan(f->store, 9, 0, rows, 10, &f->arena, &f->err), 0);
}

static void cs_counts(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct cs_row row = object(CS_ID(1, 1));

	OK(f, store_cs_put(tx, &row, &f->err));
	row.id = CS_ID(1, 2);
	row.type = 2;
	OK(f, store_cs_put(tx, &row, &f->err));
	row.id = CS_ID(1, 3); /* provisioned, not imported */
	row.has_image = false;
	OK(f, store_cs_put(tx, &row, &f->err));
	row.id = CS_ID(1, 4); /* a container */
	row.type = 0;
	row.flags = CS_CONTAINER;
	row.has_image = true;
	OK(f, store_cs_put(tx, &row, &f->err));
	put_object(f, tx, CS_ID(2, 1));
	commit(f, tx);
	assert_true(store_cs_count(f->store, 1, 0, &f->err) == 2);
	assert_true(store_cs_count(f->store, 1, 2, &f->err) == 1);
	assert_true(store_cs_count(f->store, 1, 9, &f->err) == 0);
	assert_true(store_cs_count(f->store, 2, 0, &f->err) == 1);
}

/* Whatever differs from what is there, and when there is nothing. */
static void cs_updates(void **state)
{
	struct fixture *f = *state;
	struct cs_row row = object(CS_ID(1, 1));
	int64_t imported;
	unsigned i;

	for (i = 0; i < 64; i++) {
		struct store_tx *tx = begin(f);
		struct cs_row back;
		int64_t *ids;
		size_t count;

		row.type = i & 1 ? 2 : 1;
		row.flags = i & 2 ? CS_TRANSIENT : 0;
		row.parent = i & 4 ? CS_ID(1, 9) : 0;
		row.has_image = (i & 8) != 0;
		row.image = sv_make((const char *)&i, row.has_image ? 1 : 0);
		row.rdn = i & 16 ? SV_LIT("cn=a") : SV_LIT("cn=b");
		if (i & 32)
			OK(f, store_cs_delete(tx, row.id, &f->err));
		OK(f, store_cs_update(tx, &row, &f->err));
		commit(f, tx);
		OK(f,
		   store_cs_get(f->store, row.id, &f->arena, &back, &f->err));
		assert_int_equal(back.type, row.type);
		assert_int_equal(back.flags, row.flags);
		assert_true(back.parent == row.parent);
		assert_int_equal(back.has_image, row.has_image);
		assert_true(sv_eq(back.image, row.image));
		assert_true(sv_eq(back.rdn, row.rdn));
		assert_true(sv_eq(back.anchor, row.anchor));
		imported = row.has_image ? 1 : 0;
		assert_true(store_cs_count(f->store, 1, 0, &f->err) ==
			    imported);
		assert_true(store_cs_count(f->store, 1, row.type, &f->err) ==
			    imported);
		assert_true(store_cs_count_most(f->store, 1, row.type, 5,
						&f->err) == imported);
		OK(f, store_cs_children(f->store, CS_ID(1, 9), &f->arena, &ids,
					&count, &f->err));
		assert_int_equal(count, i & 4 ? 1 : 0);
	}
}

static void cs_tree(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct cs_row row = object(0);
	int64_t *ids;
	size_t count;
	int i;

	for (i = 1; i <= 10; i++) {
		row.id = CS_ID(1, i);
		row.parent = i == 1 ? 0 : CS_ID(1, i / 2);
		OK(f, store_cs_put(tx, &row, &f->err));
	}
	commit(f, tx);
	OK(f, store_cs_children(f->store, CS_ID(1, 2), &f->arena, &ids, &count,
				&f->err));
	assert_int_equal(count, 2);
	assert_true(ids[0] + ids[1] == CS_ID(1, 4) + CS_ID(1, 5));
	/* the tops are nobody's children */
	OK(f, store_cs_children(f->store, 0, &f->arena, &ids, &count, &f->err));
	assert_int_equal(count, 0);
}

/* ---- keys ---- */

static int sum_key(void *data, const struct anchor_key *key)
{
	int64_t *sum = data;

	*sum += key->id;
	return 0;
}

static int stop_at_once(void *data, const struct anchor_key *key)
{
	(void)key;
	++*(int *)data;
	return -1;
}

static void anchors(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct anchor_key key = { UINT64_MAX, 1, { UINT64_MAX, 7 } };
	struct anchor_key found[4];
	int64_t sum = 0;
	int calls = 0;
	int i;

	/* several objects may have the same hash */
	for (i = 1; i <= 3; i++) {
		key.id = i;
		OK(f, store_anchor_put(tx, 1, &key, &f->err));
	}
	OK(f, store_anchor_put(tx, 2, &key, &f->err));
	key.h = 5;
	key.id = 10;
	OK(f, store_anchor_put(tx, 1, &key, &f->err));
	key.content.low = 8; /* replaces */
	OK(f, store_anchor_put(tx, 1, &key, &f->err));
	commit(f, tx);
	assert_int_equal(
		store_anchor_find(f->store, 1, UINT64_MAX, found, 4, &f->err),
		3);
	assert_true(found[0].h == UINT64_MAX);
	assert_true(found[0].content.high == UINT64_MAX);
	assert_int_equal(
		store_anchor_find(f->store, 1, UINT64_MAX, found, 2, &f->err),
		2);
	assert_int_equal(store_anchor_find(f->store, 1, 5, found, 4, &f->err),
			 1);
	assert_true(found[0].content.low == 8);
	assert_int_equal(store_anchor_find(f->store, 1, 6, found, 4, &f->err),
			 0);
	OK(f, store_anchor_scan(f->store, 1, sum_key, &sum, &f->err));
	assert_true(sum == 16);
	assert_int_equal(
		store_anchor_scan(f->store, 1, stop_at_once, &calls, &f->err),
		-1);
	assert_int_equal(calls, 1);
	tx = begin(f);
	OK(f, store_anchor_delete(tx, 1, UINT64_MAX, 2, &f->err));
	commit(f, tx);
	assert_int_equal(
		store_anchor_find(f->store, 1, UINT64_MAX, found, 4, &f->err),
		2);
}

typedef int (*key_put)(struct store_tx *, const struct key_row *, size_t,
		       struct error *);
typedef int (*key_delete)(struct store_tx *, uint64_t, int64_t, struct error *);
typedef int (*key_find)(struct store *, uint64_t, struct arena *, int64_t **,
			struct error *);

static void keys(struct fixture *f, key_put put, key_delete del, key_find find)
{
	static const struct key_row rows[] = {
		{ UINT64_MAX, 3 }, { 1, 1 }, { UINT64_MAX, 2 },
		{ 1, 1 },          { 9, 4 },
	};
	struct store_tx *tx = begin(f);
	int64_t *ids;

	OK(f, put(tx, rows, 5, &f->err));
	OK(f, put(tx, rows, 2, &f->err));
	OK(f, put(tx, NULL, 0, &f->err));
	assert_int_equal(find(f->store, UINT64_MAX, &f->arena, &ids, &f->err),
			 2);
	assert_true(ids[0] + ids[1] == 5);
	assert_int_equal(find(f->store, 1, &f->arena, &ids, &f->err), 1);
	assert_int_equal(find(f->store, 2, &f->arena, &ids, &f->err), 0);
	OK(f, del(tx, UINT64_MAX, 3, &f->err));
	OK(f, del(tx, UINT64_MAX, 99, &f->err));
	assert_int_equal(find(f->store, UINT64_MAX, &f->arena, &ids, &f->err),
			 1);
	assert_true(ids[0] == 2);
	commit(f, tx);
}

static void other_keys(void **state)
{
	struct fixture *f = *state;

	keys(f, store_cs_key_put, store_cs_key_delete, store_cs_key_find);
	keys(f, store_mv_key_put, store_mv_key_delete, store_mv_key_find);
	keys(f, store_mv_wait_put, store_mv_wait_delete, store_mv_wait_find);
}

static void waiting(void **state)
{
	struct fixture *f = *state;
	struct key_row rows[] = { { 1, 5 }, { 2, 5 }, { 2, 3 }, { 3, 9 } };
	struct store_tx *tx;
	int64_t ids[4];
	int64_t *h;

	assert_false(store_mv_wait_any(f->store));
	tx = begin(f);
	OK(f, store_mv_wait_put(tx, rows, 4, &f->err));
	commit(f, tx);
	assert_true(store_mv_wait_any(f->store));
	assert_int_equal(store_mv_wait_ids(f->store, 0, ids, 4, &f->err), 3);
	assert_true(ids[0] == 3 && ids[1] == 5 && ids[2] == 9);
	assert_int_equal(store_mv_wait_ids(f->store, 5, ids, 4, &f->err), 1);
	assert_int_equal(
		store_mv_wait_keys(f->store, 5, &f->arena, &h, &f->err), 2);
	assert_true(h[0] + h[1] == 3);
}

typedef int (*ref_put)(struct store_tx *, int64_t, int64_t, uint32_t,
		       struct error *);
typedef int (*ref_write)(struct store_tx *, int64_t, int64_t, struct error *);
typedef int (*ref_find)(struct store *, int64_t, struct arena *, int64_t **,
			struct error *);

static void refs(struct fixture *f, ref_put put, ref_write del, ref_find find)
{
	struct store_tx *tx = begin(f);
	int64_t *ids;

	OK(f, put(tx, 7, 1, 3, &f->err));
	OK(f, put(tx, 7, 2, 3, &f->err));
	OK(f, put(tx, 7, 2, 3, &f->err));
	OK(f, put(tx, 8, 1, 3, &f->err));
	assert_int_equal(find(f->store, 7, &f->arena, &ids, &f->err), 2);
	OK(f, del(tx, 7, 1, &f->err));
	assert_int_equal(find(f->store, 7, &f->arena, &ids, &f->err), 1);
	assert_true(ids[0] == 2);
	assert_int_equal(find(f->store, 1, &f->arena, &ids, &f->err), 0);
	commit(f, tx);
}

static void references(void **state)
{
	struct fixture *f = *state;

	refs(f, store_cs_ref_put, store_cs_ref_delete, store_cs_referrers);
	refs(f, store_mv_ref_put, store_mv_ref_delete, store_mv_referrers);
}

/* ---- metaverse ---- */

static void same_entry(const struct entry *a, const struct entry *b)
{
	assert_true(a->row.id == b->row.id && a->row.parent == b->row.parent);
	assert_true(image_identical(&a->image, &b->image));
	assert_true(a->import == b->import && a->renamed == b->renamed);
	assert_true(image_identical(&a->synced, &b->synced));
	assert_true(a->pending.op == b->pending.op &&
		    sv_eq(a->pending.rdn, b->pending.rdn));
	assert_true(a->awaiting.op == b->awaiting.op);
	assert_true(a->has_link == b->has_link && a->link.cs == b->link.cs &&
		    a->link.mv == b->link.mv);
}

/* A scan gives the same as loading one by one, gaps and rows of objects that
 * are gone notwithstanding. */
static void scanned_entries(void **state)
{
	struct fixture *f = *state;
	struct entry entries[40];
	struct store_tx *tx = begin(f);
	int64_t id;
	int count;
	int i;

	for (id = CS_ID(1, 1); id < CS_ID(1, 40); id++) {
		struct cs_row row = { .id = id, .type = 1 };
		struct pending_import import = { .cs = id,
						 .op = IMPORT_UPDATE };
		struct pending_export export = { .cs = id,
						 .op = PENDING_UPDATE,
						 .rdn = SV_LIT("cn=x") };
		struct link_row link = { .cs = id, .mv = id + 1 };

		if (id % 5)
			OK(f, store_cs_put(tx, &row, &f->err));
		if (id % 2)
			OK(f, store_pending_import_put(tx, &import, &f->err));
		if (id % 3 == 0)
			OK(f, store_pending_export_put(tx, &export, &f->err));
		if (id % 7 == 0)
			OK(f, store_awaiting_put(tx, &export, &f->err));
		if (id % 4)
			OK(f, store_link_put(tx, &link, &f->err));
	}
	commit(f, tx);
	count = entry_scan(f->store, 1, 0, entries, 40, &f->arena, &f->err);
	assert_int_equal(count, 31);
	for (i = 0; i < count; i++) {
		struct entry one;

		assert_int_equal(entry_load(f->store, entries[i].row.id,
					    &f->arena, &one, &f->err),
				 1);
		same_entry(&entries[i], &one);
	}
	count = entry_scan(f->store, 1, entries[29].row.id, entries, 40,
			   &f->arena, &f->err);
	assert_int_equal(count, 1);
}

static void mv_rows(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct mv_row row = {
		.type = 2,
		.projected = CS_ID(1, 7),
		.image = SV_LIT("\x01\x00"),
		.lineage = SV_LIT("why"),
	};
	struct mv_row rows[10];
	struct mv_row back;
	int64_t ids[5];
	int i;

	for (i = 0; i < 5; i++) {
		row.id = ids[i] = store_mv_new_id(tx);
		row.type = 1 + (uint32_t)i % 2;
		memset(row.guid, i + 1, sizeof(row.guid));
		OK(f, store_mv_put(tx, &row, &f->err));
	}
	OK(f, store_mv_delete(tx, ids[3], &f->err));
	commit(f, tx);
	assert_int_equal(
		store_mv_get(f->store, ids[1], &f->arena, &back, &f->err), 1);
	assert_int_equal(back.type, 2);
	assert_true(back.projected == row.projected);
	assert_int_equal(back.guid[15], 2);
	assert_true(sv_eq_str(back.lineage, "why"));
	assert_true(sv_eq(back.image, row.image));
	assert_int_equal(
		store_mv_get(f->store, ids[3], &f->arena, &back, &f->err), 0);
	assert_int_equal(
		store_mv_scan(f->store, 0, rows, 10, &f->arena, &f->err), 4);
	assert_true(rows[0].id == ids[0] && rows[3].id == ids[4]);
	assert_int_equal(
		store_mv_scan(f->store, ids[0], rows, 2, &f->arena, &f->err),
		2);
	assert_true(store_mv_count(f->store, 0, &f->err) == 4);
	assert_true(store_mv_count(f->store, 1, &f->err) == 3);
}

/* ---- transactions ---- */

static void rollback_takes_all_back(void **state)
{
	struct fixture *f = *state;
	struct key_row key = { 5, 1 };
	struct store_tx *tx = begin(f);
	int64_t *ids;
	struct sv value;

	put_object(f, tx, CS_ID(1, 1));
	OK(f, store_cs_key_put(tx, &key, 1, &f->err));
	OK(f, store_meta_set(tx, "watermark.hr", SV_LIT("7"), &f->err));
	store_rollback(tx);
	assert_false(has_object(f, CS_ID(1, 1)));
	assert_int_equal(
		store_cs_key_find(f->store, 5, &f->arena, &ids, &f->err), 0);
	assert_int_equal(store_meta_get(f->store, "watermark.hr", &f->arena,
					&value, &f->err),
			 0);
	/* one that is open when the store is closed is dropped */
	tx = begin(f);
	put_object(f, tx, CS_ID(1, 1));
	store_again(f);
	assert_false(has_object(f, CS_ID(1, 1)));
	OK(f, store_begin(f->store, STORE_DURABLE, &tx, &f->err));
	put_object(f, tx, CS_ID(1, 1));
	commit(f, tx);
	store_again(f);
	assert_true(has_object(f, CS_ID(1, 1)));
}

static void snapshots_stand_still(void **state)
{
	struct fixture *f = *state;
	struct store *reader;
	struct store_tx *tx;
	int i;

	OK(f, store_open(f->url, STORE_READ, &reader, &f->err));
	OK(f, store_read_begin(reader, &f->err));
	assert_true(store_cs_count(reader, 1, 0, &f->err) == 0);
	for (i = 1; i <= 3; i++) {
		tx = begin(f);
		put_object(f, tx, CS_ID(1, i));
		commit(f, tx);
		assert_true(store_cs_count(reader, 1, 0, &f->err) == 0);
	}
	store_read_end(reader);
	assert_true(store_cs_count(reader, 1, 0, &f->err) == 3);
	/* an open transaction is nobody else's business */
	tx = begin(f);
	put_object(f, tx, CS_ID(1, 4));
	assert_true(store_cs_count(reader, 1, 0, &f->err) == 3);
	commit(f, tx);
	assert_true(store_cs_count(reader, 1, 0, &f->err) == 4);
	store_close(reader);
}

#define OPENERS 8

/* Opens the store when the pipe is closed, and tells the secret. */
static void open_and_tell(const struct fixture *f, int start, int out)
{
	struct error err = ERROR_INIT;
	struct store *store;
	char byte;

	while (read(start, &byte, 1) > 0)
		;
	if (store_open(f->url, STORE_CREATE, &store, &err) < 0 ||
	    write(out, store_hash_key(store), sizeof(struct hash_key)) < 0)
		_exit(1);
	store_close(store);
	_exit(0);
}

/* Who opens a new store beside others has the same secret as they. */
static void secret_of_several(void **state)
{
	struct fixture *f = *state;
	struct hash_key keys[OPENERS];
	int start[2];
	int out[2];
	size_t i;

	store_close(f->store);
	f->store = NULL;
	sql(f, "DELETE FROM meta WHERE key = 'secret'");
	assert_int_equal(pipe(start), 0);
	assert_int_equal(pipe(out), 0);
	for (i = 0; i < OPENERS; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid)
			continue;
		(void)close(start[1]);
		open_and_tell(f, start[0], out[1]);
	}
	(void)close(start[0]);
	(void)close(start[1]);
	for (i = 0; i < OPENERS; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
		assert_int_equal(read(out[0], &keys[i], sizeof(keys[i])),
				 sizeof(keys[i]));
	}
	for (i = 1; i < OPENERS; i++)
		assert_memory_equal(&keys[i], &keys[0], sizeof(keys[0]));
	(void)close(out[0]);
	(void)close(out[1]);
	store_again(f);
	assert_memory_equal(store_hash_key(f->store), &keys[0],
			    sizeof(keys[0]));
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opening),
		TEST(reading_only),
		TEST(secret_is_stable),
		TEST(secret_of_several),
		TEST(small_values),
		TEST(names),
		TEST(rollback_forgets_names),
		TEST(binding_attributes),
		TEST(ids_are_given_once),
		TEST(ids_of_agents_do_not_meet),
		TEST(metaverse_ids_are_given_once),
		TEST(cs_rows),
		TEST(cs_scans),
		TEST(cs_counts),
		TEST(cs_updates),
		TEST(cs_tree),
		TEST(anchors),
		TEST(other_keys),
		TEST(waiting),
		TEST(references),
		TEST(scanned_entries),
		TEST(mv_rows),
		TEST(rollback_takes_all_back),
		TEST(snapshots_stand_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
