/*
 * test_store.c - the contract of the store: what every back end must do
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

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

/* ---- what is in motion ---- */

static void links(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct link_row row = {
		.cs = CS_ID(1, 1),
		.mv = 10,
		.rule_set = 4,
		.state = LINK_NORMAL,
		.how = LINK_JOIN,
		.wanted = true,
		.time = INT64_MAX,
	};
	struct link_row back;
	struct link_row *rows;

	assert_int_equal(store_link_get(f->store, row.cs, &back, &f->err), 0);
	assert_true(back.cs == row.cs && back.mv == 0);
	OK(f, store_link_put(tx, &row, &f->err));
	row.cs = CS_ID(2, 1);
	OK(f, store_link_put(tx, &row, &f->err));
	row.cs = CS_ID(3, 1);
	row.mv = 0;
	row.state = LINK_EXPLICIT;
	row.last_mv = 10;
	OK(f, store_link_put(tx, &row, &f->err));
	commit(f, tx);
	assert_int_equal(store_link_get(f->store, CS_ID(1, 1), &back, &f->err),
			 1);
	assert_true(back.mv == 10 && back.rule_set == 4 && back.wanted &&
		    back.how == LINK_JOIN && back.time == INT64_MAX);
	assert_int_equal(
		store_link_of_mv(f->store, 10, &f->arena, &rows, &f->err), 2);
	assert_true(rows[0].cs == CS_ID(1, 1) && rows[1].cs == CS_ID(2, 1));
	assert_int_equal(
		store_link_remembering(f->store, 10, &f->arena, &rows, &f->err),
		1);
	assert_true(rows[0].cs == CS_ID(3, 1));
	/* disconnectors are not all linked to object 0 */
	assert_int_equal(
		store_link_of_mv(f->store, 0, &f->arena, &rows, &f->err), 0);
	tx = begin(f);
	OK(f, store_link_delete(tx, CS_ID(1, 1), &f->err));
	commit(f, tx);
	assert_int_equal(
		store_link_of_mv(f->store, 10, &f->arena, &rows, &f->err), 1);
}

static void pending_imports(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct pending_import row = {
		.op = IMPORT_UPDATE,
		.renamed = true,
		.old_dn = SV_LIT("cn=a"),
		.synced = SV_LIT("\x01\x00"),
		.indexed = true,
	};
	struct pending_import back;
	int64_t ids[10];
	int i;

	for (i = 1; i <= 6; i++) {
		row.cs = CS_ID(i > 4 ? 2 : 1, i);
		row.op = i % 2 ? IMPORT_UPDATE : IMPORT_DELETE;
		row.indexed = i == 1;
		OK(f, store_pending_import_put(tx, &row, &f->err));
	}
	commit(f, tx);
	assert_int_equal(store_pending_import_get(f->store, CS_ID(1, 1),
						  &f->arena, &back, &f->err),
			 1);
	assert_int_equal(back.op, IMPORT_UPDATE);
	assert_true(back.renamed && back.indexed);
	assert_true(sv_eq_str(back.old_dn, "cn=a"));
	assert_true(sv_eq(back.synced, row.synced));
	assert_null(back.confirmed.ptr);
	assert_int_equal(store_pending_import_get(f->store, CS_ID(1, 99),
						  &f->arena, &back, &f->err),
			 0);
	assert_int_equal(back.op, IMPORT_NONE);
	assert_int_equal(store_pending_import_ids(f->store, 1, 0,
						  PENDING_IMPORT_ALL, ids, 10,
						  &f->err),
			 4);
	assert_int_equal(store_pending_import_ids(f->store, 1, CS_ID(1, 2),
						  PENDING_IMPORT_ALL, ids, 1,
						  &f->err),
			 1);
	assert_true(ids[0] == CS_ID(1, 3));
	assert_int_equal(store_pending_import_ids(f->store, 1, 0,
						  PENDING_IMPORT_DELETES, ids,
						  10, &f->err),
			 2);
	assert_int_equal(store_pending_import_ids(f->store, 1, 0,
						  PENDING_IMPORT_OTHERS, ids,
						  10, &f->err),
			 2);
	assert_int_equal(store_pending_import_ids(f->store, 1, 0,
						  PENDING_IMPORT_NOT_INDEXED,
						  ids, 10, &f->err),
			 3);
	tx = begin(f);
	OK(f,
	   store_pending_import_delete(tx, CS_ID(1, 1), CS_ID(1, 1), &f->err));
	commit(f, tx);
	assert_int_equal(store_pending_import_ids(f->store, 1, 0,
						  PENDING_IMPORT_ALL, ids, 10,
						  &f->err),
			 3);
}

typedef int (*export_get)(struct store *, int64_t, struct arena *,
			  struct pending_export *, struct error *);
typedef int (*export_put)(struct store_tx *, const struct pending_export *,
			  struct error *);
typedef int (*export_delete)(struct store_tx *, int64_t, struct error *);
typedef int (*export_ids)(struct store *, uint32_t, int64_t, int64_t *, int,
			  struct error *);

static void exports(struct fixture *f, export_get get, export_put put,
		    export_delete del, export_ids list)
{
	struct store_tx *tx = begin(f);
	struct pending_export row = {
		.op = PENDING_DELETE_ADD,
		.in_progress = true,
		.parent = CS_ID(1, 9),
		.rdn = SV_LIT("cn=b"),
		.attrs = SV_LIT("\x01\x00"),
	};
	struct pending_export back;
	int64_t ids[10];
	int i;

	for (i = 5; i > 0; i--) {
		row.cs = CS_ID(1 + i % 2, i);
		OK(f, put(tx, &row, &f->err));
	}
	commit(f, tx);
	assert_int_equal(get(f->store, CS_ID(1, 2), &f->arena, &back, &f->err),
			 1);
	assert_int_equal(back.op, PENDING_DELETE_ADD);
	assert_true(back.in_progress);
	assert_true(back.parent == row.parent && sv_eq(back.rdn, row.rdn) &&
		    sv_eq(back.attrs, row.attrs));
	assert_int_equal(get(f->store, CS_ID(1, 3), &f->arena, &back, &f->err),
			 0);
	assert_int_equal(back.op, PENDING_NONE);
	assert_int_equal(list(f->store, 2, 0, ids, 10, &f->err), 3);
	assert_true(ids[0] == CS_ID(2, 1) && ids[2] == CS_ID(2, 5));
	assert_int_equal(list(f->store, 2, ids[0], ids, 10, &f->err), 2);
	tx = begin(f);
	OK(f, del(tx, CS_ID(2, 1), &f->err));
	OK(f, del(tx, CS_ID(2, 77), &f->err));
	commit(f, tx);
	assert_int_equal(list(f->store, 2, 0, ids, 10, &f->err), 2);
}

static void pending_and_awaiting(void **state)
{
	struct fixture *f = *state;

	exports(f, store_pending_export_get, store_pending_export_put,
		store_pending_export_delete, store_pending_export_ids);
	exports(f, store_awaiting_get, store_awaiting_put,
		store_awaiting_delete, store_awaiting_ids);
}

static void merged_values(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct sv image;

	OK(f, store_merged_put(tx, CS_ID(1, 1), SV_LIT("\x01\x00"), &f->err));
	assert_int_equal(store_merged_get(f->store, CS_ID(1, 1), &f->arena,
					  &image, &f->err),
			 1);
	assert_int_equal(image.len, 2);
	OK(f, store_merged_put(tx, CS_ID(1, 1), SV_NULL, &f->err));
	assert_int_equal(store_merged_get(f->store, CS_ID(1, 1), &f->arena,
					  &image, &f->err),
			 0);
	commit(f, tx);
}

static int count_error(void *data, const struct cs_error *row)
{
	assert_true(row->count > 0);
	return ++*(int *)data == 2 ? 1 : 0;
}

static void errors(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct cs_error row = {
		.cs = CS_ID(1, 1),
		.kind = ERROR_EXPORT,
		.code = SV_LIT("missing-parent"),
		.message = SV_LIT("no 'ou=x'"),
		.last = 100,
	};
	struct cs_error back;
	int count = 0;

	OK(f, store_error_put(tx, &row, &f->err));
	row.last = 200;
	OK(f, store_error_put(tx, &row, &f->err));
	assert_int_equal(store_error_get(f->store, row.cs, ERROR_EXPORT,
					 &f->arena, &back, &f->err),
			 1);
	assert_true(back.first == 100 && back.last == 200 && back.count == 2);
	/* another code starts afresh */
	row.code = SV_LIT("permission-issue");
	row.last = 300;
	OK(f, store_error_put(tx, &row, &f->err));
	OK(f, store_error_get(f->store, row.cs, ERROR_EXPORT, &f->arena, &back,
			      &f->err));
	assert_true(back.first == 300 && back.count == 1);
	assert_true(sv_eq_str(back.code, "permission-issue"));
	/* kinds are apart */
	row.kind = ERROR_SYNC;
	OK(f, store_error_put(tx, &row, &f->err));
	row.cs = CS_ID(2, 1);
	OK(f, store_error_put(tx, &row, &f->err));
	commit(f, tx);
	OK(f, store_error_scan(f->store, 0, count_error, &count, &f->err));
	assert_int_equal(count, 2);
	count = 2;
	OK(f, store_error_scan(f->store, 2, count_error, &count, &f->err));
	assert_int_equal(count, 3);
	tx = begin(f);
	OK(f, store_error_delete(tx, CS_ID(1, 1), ERROR_EXPORT, &f->err));
	commit(f, tx);
	assert_int_equal(store_error_get(f->store, CS_ID(1, 1), ERROR_EXPORT,
					 &f->arena, &back, &f->err),
			 0);
	assert_int_equal(store_error_get(f->store, CS_ID(1, 1), ERROR_SYNC,
					 &f->arena, &back, &f->err),
			 1);
}

static int note_due(void *data, const struct due_row *row)
{
	struct strbuf *out = data;

	strbuf_addf(out, "%d:%lld@%lld/%lld " SV_FMT "|", (int)row->kind,
		    (long long)row->id, (long long)row->time,
		    (long long)row->since, SV_ARG(row->why));
	return 0;
}

static void put_due(struct fixture *f, struct store_tx *tx, enum due_kind kind,
		    int64_t id, int64_t time)
{
	struct due_row row = { kind, id, time, kind == DUE_MV ? 7 : 0,
			       SV_LIT("why") };

	OK(f, store_due_put(tx, &row, &f->err));
}

static void what_is_due(void **state)
{
	struct fixture *f = *state;
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct store_tx *tx;
	struct due_row row;
	int64_t ids[4];

	assert_false(store_due_any(f->store));
	OK(f, store_begin(f->store, STORE_BULK, &tx, &f->err));
	put_due(f, tx, DUE_MV, 1, 200);
	put_due(f, tx, DUE_MV, 1, 100);
	put_due(f, tx, DUE_MV, 2, 101);
	put_due(f, tx, DUE_CS, 3, 100);
	put_due(f, tx, DUE_DELETION, 4, 90);
	assert_true(store_due_any(f->store));
	assert_int_equal(store_due_get(f->store, DUE_MV, 1, &row, &f->err), 1);
	assert_int_equal(row.time, 100);
	assert_int_equal(row.since, 7);
	assert_int_equal(store_due_get(f->store, DUE_CS, 1, &row, &f->err), 0);
	OK(f, store_due_wake(tx, DUE_DELETION, 100, &f->err));
	while (store_due_take(tx, 100, 1, &f->err) > 0)
		;
	assert_int_equal(store_mv_queue_ids(f->store, 0, ids, 4, &f->err), 2);
	assert_int_equal(ids[0], 1);
	assert_int_equal(ids[1], 4);
	assert_int_equal(store_queue_ids(f->store, 0, 0, ids, 4, &f->err), 1);
	OK(f, store_due_delete(tx, DUE_CS, 3, &f->err));
	OK(f, store_due_scan(f->store, note_due, &out, &f->err));
	assert_string_equal(strbuf_cstr(&out), "3:4@90/0 why|2:2@101/7 why|");
	strbuf_release(&out);
	OK(f, store_commit(tx, &f->err));
}

static void queues(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	int64_t ids[10];
	int i;

	for (i = 5; i > 0; i--) {
		OK(f, store_queue_put(tx, CS_ID(1, i), &f->err));
		OK(f, store_queue_put(tx, CS_ID(1, i), &f->err));
		OK(f, store_mv_queue_put(tx, i, &f->err));
		OK(f, store_mv_queue_put(tx, i, &f->err));
	}
	OK(f, store_queue_put(tx, CS_ID(2, 1), &f->err));
	OK(f, store_queue_delete(tx, CS_ID(1, 2), &f->err));
	OK(f, store_mv_queue_delete(tx, 2, &f->err));
	commit(f, tx);
	assert_int_equal(store_queue_ids(f->store, 1, 0, ids, 10, &f->err), 4);
	assert_true(ids[0] == CS_ID(1, 1) && ids[3] == CS_ID(1, 5));
	assert_int_equal(
		store_queue_ids(f->store, 1, CS_ID(1, 3), ids, 10, &f->err), 2);
	assert_int_equal(store_mv_queue_ids(f->store, 0, ids, 10, &f->err), 4);
	assert_int_equal(store_mv_queue_ids(f->store, 3, ids, 10, &f->err), 2);
}

/* With the lease, tables known to be empty are not asked; what this process
 * puts there must still be found, and what it rolls back must not. */
static void under_the_lease(void **state)
{
	struct fixture *f = *state;
	struct link_row link = { .cs = CS_ID(1, 1), .mv = 5 };
	struct link_row back;
	struct store_holder holder;
	struct store_tx *tx;
	int i;

	assert_int_equal(store_lease(f->store, "test", &holder, &f->err), 1);
	for (i = 0; i < 2; i++) {
		assert_int_equal(
			store_link_get(f->store, link.cs, &back, &f->err), 0);
		tx = begin(f);
		OK(f, store_link_put(tx, &link, &f->err));
		assert_int_equal(
			store_link_get(f->store, link.cs, &back, &f->err), 1);
		store_rollback(tx);
		assert_int_equal(
			store_link_get(f->store, link.cs, &back, &f->err), 0);
	}
	tx = begin(f);
	OK(f, store_link_put(tx, &link, &f->err));
	commit(f, tx);
	assert_int_equal(store_link_get(f->store, link.cs, &back, &f->err), 1);
	tx = begin(f);
	OK(f, store_link_delete(tx, link.cs, &f->err));
	commit(f, tx);
	assert_int_equal(store_link_get(f->store, link.cs, &back, &f->err), 0);
}

/* ---- metaverse ---- */

/* What is said to be absent is absent, whatever was put or taken back before,
 * and whether the table was empty when the lease was taken or not. */
static void keys_under_the_lease(void **state)
{
	struct fixture *f = *state;
	struct key_row old = { 77, 1 };
	struct key_row taken_back = { 78, 2 };
	struct store_holder holder;
	struct store_tx *tx;
	int64_t *ids;
	uint64_t h;

	tx = begin(f);
	OK(f, store_mv_key_put(tx, &old, 1, &f->err));
	OK(f, store_mv_wait_put(tx, &old, 1, &f->err));
	commit(f, tx);
	assert_int_equal(store_lease(f->store, "test", &holder, &f->err), 1);
	tx = begin(f);
	OK(f, store_cs_key_put(tx, &taken_back, 1, &f->err));
	store_rollback(tx);
	tx = begin(f);
	for (h = 1000; h < 4000; h++) {
		struct key_row row = { h * UINT64_C(0x9e3779b97f4a7c15), 5 };

		assert_int_equal(store_cs_key_find(f->store, row.h, &f->arena,
						   &ids, &f->err),
				 0);
		OK(f, store_cs_key_put(tx, &row, 1, &f->err));
		OK(f, store_mv_wait_put(tx, &row, 1, &f->err));
		assert_int_equal(store_cs_key_find(f->store, row.h, &f->arena,
						   &ids, &f->err),
				 1);
		assert_int_equal(store_mv_wait_find(f->store, row.h, &f->arena,
						    &ids, &f->err),
				 1);
		assert_int_equal(store_mv_wait_find(f->store, row.h + 1,
						    &f->arena, &ids, &f->err),
				 0);
	}
	commit(f, tx);
	assert_int_equal(
		store_cs_key_find(f->store, 78, &f->arena, &ids, &f->err), 0);
	assert_int_equal(
		store_mv_key_find(f->store, 77, &f->arena, &ids, &f->err), 1);
	assert_int_equal(
		store_mv_wait_find(f->store, 77, &f->arena, &ids, &f->err), 1);
}

struct behind {
	struct fixture *f;
	int64_t from;
	bool fail;
};

static int write_some(void *data, struct store_tx *tx, struct error *err)
{
	const struct behind *behind = data;
	int64_t id;

	for (id = behind->from; id < behind->from + 100; id++) {
		struct link_row link = { .cs = CS_ID(1, id), .mv = id };
		struct key_row key = { (uint64_t)id * 3, id };

		if (store_link_put(tx, &link, err) < 0 ||
		    store_mv_key_put(tx, &key, 1, err) < 0)
			return -1;
	}
	if (behind->fail)
		return error_set(err, ERR_UNAVAILABLE, "no more room");
	return 0;
}

static void announce(struct fixture *f, int64_t from)
{
	int64_t id;

	for (id = from; id < from + 100; id++) {
		struct key_row key = { (uint64_t)id * 3, id };

		store_expect_rows(f->store, CS_ID(1, id), STORE_ROWS_LINK);
		store_expect_keys(f->store, STORE_KEYS_MV, &key, 1);
	}
}

/* Whoever asks for rows that another thread writes gets them. */
static void written_behind(void **state)
{
	struct fixture *f = *state;
	struct behind first = { f, 1, false };
	struct behind second = { f, 101, false };
	struct store_holder holder;
	struct link_row link;
	struct store_tx *tx;
	int64_t *ids;

	assert_int_equal(store_lease(f->store, "test", &holder, &f->err), 1);
	assert_int_equal(
		store_mv_key_find(f->store, 30, &f->arena, &ids, &f->err), 0);
	assert_int_equal(store_link_get(f->store, CS_ID(1, 7), &link, &f->err),
			 0);
	tx = begin(f);
	announce(f, 1);
	OK(f, store_write_behind(tx, write_some, &first, &f->err));
	assert_int_equal(store_link_get(f->store, CS_ID(1, 7), &link, &f->err),
			 1);
	assert_int_equal(link.mv, 7);
	announce(f, 101);
	OK(f, store_write_behind(tx, write_some, &second, &f->err));
	assert_int_equal(
		store_mv_key_find(f->store, 600, &f->arena, &ids, &f->err), 1);
	assert_int_equal(ids[0], 200);
	OK(f, store_settle(f->store, &f->err));
	store_rollback(tx); /* only what came after it */
	assert_int_equal(
		store_link_get(f->store, CS_ID(1, 150), &link, &f->err), 1);
}

/* A failure takes all of it back, and nothing is written until the rollback:
 * not even without a transaction. */
static void failed_behind(void **state)
{
	struct fixture *f = *state;
	struct behind behind = { f, 1, true };
	struct link_row link = { .cs = CS_ID(1, 500), .mv = 1 };
	struct store_tx *tx = begin(f);

	OK(f, store_write_behind(tx, write_some, &behind, &f->err));
	assert_int_equal(store_link_put(tx, &link, &f->err), -1);
	assert_non_null(strstr(f->err.msg, "no more room"));
	assert_int_equal(store_settle(f->store, &f->err), -1);
	assert_int_equal(store_link_put(tx, &link, &f->err), -1);
	assert_int_equal(store_commit(tx, &f->err), -1);
	store_rollback(tx);
	assert_int_equal(store_link_get(f->store, CS_ID(1, 7), &link, &f->err),
			 0);
	tx = begin(f);
	link.cs = CS_ID(1, 500);
	OK(f, store_link_put(tx, &link, &f->err));
	commit(f, tx);
}

/* More keys than the filter was made for. */
static void many_keys_under_the_lease(void **state)
{
	enum { BATCH = 100000, BATCHES = 6 };
	struct fixture *f = *state;
	struct key_row *keys = mem_alloc(BATCH * sizeof(*keys));
	struct store_holder holder;
	struct store_tx *tx;
	uint64_t at = 0;
	int64_t *ids;
	int b;
	int i;

	assert_int_equal(store_lease(f->store, "test", &holder, &f->err), 1);
	assert_int_equal(
		store_mv_key_find(f->store, 30, &f->arena, &ids, &f->err), 0);
	for (b = 0; b < BATCHES; b++) {
		for (i = 0; i < BATCH; i++) {
			at += UINT64_C(0x9e3779b97f4a7c15);
			keys[i] = (struct key_row){ at, b + 1 };
		}
		tx = begin(f);
		store_expect_keys(f->store, STORE_KEYS_MV, keys, BATCH);
		OK(f, store_mv_key_put(tx, keys, BATCH, &f->err));
		commit(f, tx);
	}
	for (; b > 0; b--, at -= (BATCH - 1) * UINT64_C(0x9e3779b97f4a7c15))
		assert_int_equal(store_mv_key_find(f->store, at, &f->arena,
						   &ids, &f->err),
				 1);
	mem_free(keys);
}

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

/* ---- history ---- */

static int see_run(void *data, const struct run_row *row)
{
	char *text = data;

	(void)snprintf(text + strlen(text), 100, "%s/%s/%s/%s;", row->agent,
		       row->profile, row->result, row->message);
	return 0;
}

static int see_step(void *data, const struct step_row *row)
{
	char *text = data;

	(void)snprintf(text + strlen(text), 100, "%d:%s:%s:%s;", row->number,
		       row->kind, row->result, row->message);
	return 0;
}

static int see_counter(void *data, const struct counter_row *row)
{
	struct strbuf *text = data;
	int64_t last = 0;
	int64_t id;
	size_t at = 0;

	strbuf_addf(text, "%u %s %lld", row->target, row->name,
		    (long long)row->value);
	while (store_ids_decode(row->ids, &at, &last, &id) > 0)
		strbuf_addf(text, " %lld", (long long)CS_SEQUENCE(id));
	strbuf_addc(text, ';');
	return 0;
}

static void runs(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct run_row run = {
		.agent = "hr",
		.profile = "full-import",
		.user = "ann",
		.host = "a",
		.process = 7,
		.started = 100,
	};
	struct step_row step = { .number = 1,
				 .kind = "full-import",
				 .started = 100 };
	struct step_row second = { .number = 2, .kind = "delta-sync" };
	char text[500] = "";
	int64_t first = store_run_begin(tx, &run, &f->err);

	assert_true(first > 0);
	step.run = second.run = first;
	second.id = store_step_begin(tx, &second, &f->err);
	step.id = store_step_begin(tx, &step, &f->err);
	step.result = "success";
	OK(f, store_step_end(tx, &step, &f->err));
	OK(f, store_run_end(tx, first, 200, "stopped-user", "by ann", &f->err));
	run.profile = "export";
	assert_true(store_run_begin(tx, &run, &f->err) > first);
	OK(f, store_allow_record(tx, first, "token", "ann", &f->err));
	commit(f, tx);
	OK(f, store_run_scan(f->store, 0, 10, see_run, text, &f->err));
	assert_string_equal(text, "hr/export/in-progress/;"
				  "hr/full-import/stopped-user/by ann;");
	text[0] = '\0';
	OK(f, store_run_scan(f->store, first, 10, see_run, text, &f->err));
	assert_string_equal(text, "hr/full-import/stopped-user/by ann;");
	text[0] = '\0';
	OK(f, store_run_scan(f->store, 0, 1, see_run, text, &f->err));
	assert_string_equal(text, "hr/export/in-progress/;");
	text[0] = '\0';
	OK(f, store_step_scan(f->store, first, see_step, text, &f->err));
	assert_string_equal(text, "1:full-import:success:;"
				  "2:delta-sync:in-progress:;");
}

static int64_t old_run(struct fixture *f, struct store_tx *tx,
		       const char *agent, const char *kind, int64_t started,
		       const char *result)
{
	struct run_row run = { .agent = agent,
			       .profile = kind,
			       .user = "ann",
			       .host = "a",
			       .started = started };
	struct step_row step = { .number = 1, .kind = kind, .result = result };
	struct counter_row counter = { .name = "stage-add", .value = 1 };
	struct discovery_error bad = { .code = SV_LIT("parse-error"),
				       .message = SV_LIT("bad"),
				       .where = SV_LIT("1") };
	int64_t id = store_run_begin(tx, &run, &f->err);

	step.run = id;
	step.id = store_step_begin(tx, &step, &f->err);
	counter.step = step.id;
	bad.step = step.id;
	OK(f, store_step_end(tx, &step, &f->err));
	OK(f, store_counter_put(tx, &counter, &f->err));
	OK(f, store_discovery_put(tx, &bad, &f->err));
	return id;
}

static int see_any_discovery(void *data, const struct discovery_error *row)
{
	(void)row;
	++*(int *)data;
	return 0;
}

/* The last of each agent and kind stays, and the last that came to an end. */
static void old_runs(void **state)
{
	struct fixture *f = *state;
	struct store_holder holder;
	struct store_tx *tx = begin(f);
	struct strbuf text = STRBUF_INIT(1000);
	int64_t ids[8];
	int64_t old[8];
	int count = 0;
	int i;

	ids[0] = old_run(f, tx, "hr", "full-import", 10, "success");
	ids[1] = old_run(f, tx, "hr", "full-import", 20, "completed-warnings");
	ids[2] = old_run(f, tx, "hr", "full-import", 30, "stopped-import-read");
	ids[3] = old_run(f, tx, "hr", "full-import", 40, "stopped-import-read");
	ids[4] = old_run(f, tx, "hr", "delta-sync", 50, "success");
	ids[5] = old_run(f, tx, "ad", "full-import", 60, "success");
	ids[6] = old_run(f, tx, "ad", "full-import", 70, "success");
	commit(f, tx);
	assert_int_equal(store_run_old(f->store, 1000, old, 8, &f->err), 0);
	assert_true(store_lease(f->store, "run", &holder, &f->err) == 1);
	assert_int_equal(store_run_old(f->store, 1000, old, 8, &f->err), 3);
	assert_true(old[0] == ids[0] && old[1] == ids[2] && old[2] == ids[5]);
	assert_int_equal(store_run_old(f->store, 30, old, 8, &f->err), 1);
	assert_int_equal(store_run_old(f->store, 1000, old, 2, &f->err), 2);
	tx = begin(f);
	for (i = 0; i < 2; i++)
		OK(f, store_run_remove(tx, old[i], &f->err));
	commit(f, tx);
	assert_int_equal(store_run_old(f->store, 1000, old, 8, &f->err), 1);
	for (i = 1; i <= 7; i++) {
		OK(f, store_discovery_scan(f->store, i, see_any_discovery,
					   &count, &f->err));
		OK(f, store_counter_scan(f->store, i, see_counter, &text,
					 &f->err));
	}
	assert_int_equal(count, 5);
	assert_int_equal(text.len, 5 * strlen("0 stage-add 1;"));
	strbuf_release(&text);
}

static int see_discovery(void *data, const struct discovery_error *row)
{
	struct strbuf *text = data;

	strbuf_addf(text, SV_FMT "|" SV_FMT "|" SV_FMT "|" SV_FMT ";",
		    SV_ARG(row->code), SV_ARG(row->message), SV_ARG(row->where),
		    SV_ARG(row->anchor));
	return 0;
}

static void counters_and_discovery_errors(void **state)
{
	struct fixture *f = *state;
	struct counters counters = { 0 };
	struct strbuf text = STRBUF_INIT(1000);
	struct discovery_error row = {
		.step = 3,
		.code = SV_LIT("parse-error"),
		.message = SV_LIT("too few columns"),
		.where = SV_LIT("hr.csv:3"),
	};
	struct store_tx *tx = begin(f);

	counters_add(&counters, 0, "stage-add", CS_ID(1, 3));
	counters_add(&counters, 0, "stage-add", CS_ID(1, 1));
	counters_add(&counters, 2, "connector-flow", CS_ID(2, 9));
	counters_add(&counters, 0, "stage-no-change", CS_ID(1, 2));
	OK(f, counters_save(&counters, tx, 3, &f->err));
	OK(f, store_discovery_put(tx, &row, &f->err));
	row.anchor = SV_LIT("17");
	OK(f, store_discovery_put(tx, &row, &f->err));
	commit(f, tx);
	OK(f, store_counter_scan(f->store, 3, see_counter, &text, &f->err));
	assert_string_equal(strbuf_cstr(&text),
			    "0 stage-add 2 3 1;0 stage-no-change 1;"
			    "2 connector-flow 1 9;");
	strbuf_reset(&text);
	OK(f, store_counter_scan(f->store, 4, see_counter, &text, &f->err));
	assert_int_equal(text.len, 0);
	OK(f, store_discovery_scan(f->store, 3, see_discovery, &text, &f->err));
	assert_string_equal(strbuf_cstr(&text),
			    "parse-error|too few columns|hr.csv:3|;"
			    "parse-error|too few columns|hr.csv:3|17;");
	strbuf_release(&text);
	counters_release(&counters);
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

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opening),
		TEST(reading_only),
		TEST(secret_is_stable),
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
		TEST(cs_tree),
		TEST(anchors),
		TEST(other_keys),
		TEST(waiting),
		TEST(references),
		TEST(links),
		TEST(pending_imports),
		TEST(pending_and_awaiting),
		TEST(merged_values),
		TEST(errors),
		TEST(queues),
		TEST(what_is_due),
		TEST(under_the_lease),
		TEST(keys_under_the_lease),
		TEST(written_behind),
		TEST(failed_behind),
		TEST(many_keys_under_the_lease),
		TEST(scanned_entries),
		TEST(mv_rows),
		TEST(runs),
		TEST(old_runs),
		TEST(counters_and_discovery_errors),
		TEST(rollback_takes_all_back),
		TEST(snapshots_stand_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
