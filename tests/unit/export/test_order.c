/*
 * test_order.c - what is written before what
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

static void parents_first(void **state)
{
	struct fixture *f = *state;

	(void)provision(f, "cn=a,ou=2,ou=1,o=x", A_NAME, "A", 0);
	(void)container(f, "ou=3,ou=2,ou=1,o=x");
	(void)container(f, "ou=2,ou=1,o=x");
	(void)provision(f, "cn=b,o=x", A_NAME, "B", 0);
	(void)container(f, "ou=1,o=x");
	export_ok(f, "add ou=1,o=x\n"
		     "add ou=2,ou=1,o=x\n"
		     "add ou=3,ou=2,ou=1,o=x\n"
		     "add cn=b,o=x name=B\n"
		     "add cn=a,ou=2,ou=1,o=x name=A\n");
	/* containers are no objects of the rules: not counted, not awaited */
	assert_true(counted(f, "export-add") == 2);
	expect_states(f, 0, 0, 2);
}

static void deletions_last_deepest_first(void **state)
{
	struct fixture *f = *state;
	int64_t top = object(f, "1", "ou=t,o=x", 0);
	int64_t low = object(f, "2", "cn=l,ou=t,o=x", 0);
	int64_t lowest = object(f, "3", "cn=m,cn=l,ou=t,o=x", 0);
	int64_t other = object(f, "4", "cn=o,o=x", 0);

	pend(f, top, PENDING_DELETE, NULL, 0);
	pend(f, low, PENDING_DELETE, NULL, 0);
	pend(f, lowest, PENDING_DELETE, NULL, 0);
	pend(f, other, PENDING_UPDATE, NULL, A_NAME, "O", 0);
	(void)provision(f, "cn=n,o=x", A_NAME, "N", 0);
	export_ok(f, "add cn=n,o=x name=N\n"
		     "update cn=o,o=x name=O\n"
		     "delete cn=m,cn=l,ou=t,o=x\n"
		     "delete cn=l,ou=t,o=x\n"
		     "delete ou=t,o=x\n");
	assert_true(counted(f, "export-delete") == 3);
}

/* An object that takes a name waits for the one that gives it up. */
static void names_are_freed_before_they_are_taken(void **state)
{
	struct fixture *f = *state;
	int64_t old = object(f, "1", "cn=a,o=x", 0);
	int64_t other = object(f, "2", "cn=b,o=x", 0);
	int64_t moving = object(f, "3", "cn=c,o=x", 0);
	int64_t last = object(f, "4", "cn=z,o=x", 0);

	(void)provision(f, "cn=A,o=x", A_NAME, "New A", 0);
	pend(f, old, PENDING_DELETE, NULL, 0);
	pend(f, moving, PENDING_UPDATE, "cn=b,o=x", 0);
	pend(f, other, PENDING_DELETE, NULL, 0);
	pend(f, last, PENDING_DELETE, NULL, 0);
	(void)provision(f, "cn=c,o=x", A_NAME, "New C", 0);
	export_ok(f, "delete cn=a,o=x\n"
		     "delete cn=b,o=x\n"
		     "rename cn=c,o=x -> cn=b,o=x\n"
		     "add cn=A,o=x name=New A\n"
		     "add cn=c,o=x name=New C\n"
		     "delete cn=z,o=x\n");
}

static void rename_chain(void **state)
{
	struct fixture *f = *state;
	int64_t a = object(f, "1", "cn=a,o=x", 0);
	int64_t b = object(f, "2", "cn=b,o=x", 0);
	int64_t c = object(f, "3", "cn=c,o=x", 0);

	pend(f, a, PENDING_UPDATE, "cn=b,o=x", A_TITLE, "T", 0);
	pend(f, b, PENDING_UPDATE, "cn=c,o=x", 0);
	pend(f, c, PENDING_UPDATE, "cn=d,o=x", 0);
	export_ok(f, "rename cn=c,o=x -> cn=d,o=x\n"
		     "rename cn=b,o=x -> cn=c,o=x\n"
		     "rename cn=a,o=x -> cn=b,o=x title=T\n");
	assert_true(counted(f, "export-rename") == 3);
}

/* Names that go round cannot all be right at once: one of them steps aside. */
static void rename_circle(void **state)
{
	struct fixture *f = *state;
	int64_t a = object(f, "1", "cn=a,o=x", 0);
	int64_t b = object(f, "2", "cn=b,o=x", 0);

	pend(f, a, PENDING_UPDATE, "cn=b,o=x", 0);
	pend(f, b, PENDING_UPDATE, "cn=a,o=x", A_TITLE, "T", 0);
	OK(f, try_export(f));
	assert_string_equal(f->result.result, "success");
	assert_memory_equal(strbuf_cstr(&fake.log),
			    "rename cn=a,o=x -> cn=conjoin-", 30);
	assert_non_null(strstr(strbuf_cstr(&fake.log),
			       "\nrename cn=b,o=x -> cn=a,o=x title=T\n"));
	assert_non_null(strstr(strbuf_cstr(&fake.log), ",o=x -> cn=b,o=x\n"));
	/* the step aside is nobody's change */
	assert_true(f->result.pending == 2);
	assert_true(counted(f, "export-rename") == 2);
	expect_states(f, 0, 0, 2);
	assert_true(sv_eq_str(load(f, a).awaiting.rdn, "cn=b"));
}

static int64_t *shift(struct fixture *f, int count)
{
	int64_t top = object_of(f, 0, NULL, "o=x", IMAGE_EMPTY);
	int64_t *ids = arena_array(&f->arena, (size_t)count, sizeof(*ids));
	struct store_tx *tx = begin(f);
	struct entry entry;
	int i;

	for (i = 0; i < count; i++) {
		memset(&entry, 0, sizeof(entry));
		ids[i] = entry.row.id = store_cs_new_id(tx, 1);
		entry.row.type = 1;
		entry.row.has_image = true;
		entry.row.parent = entry.pending.parent = top;
		entry.row.rdn = sv_from(arena_printf(&f->arena, "cn=%d", i));
		entry.pending.op = PENDING_UPDATE;
		entry.pending.rdn =
			sv_from(arena_printf(&f->arena, "cn=%d", i + 1));
		OK(f, entry_put_row(tx, &entry, &f->err));
		OK(f, entry_put_pending(tx, &entry, &f->err));
	}
	commit(f, tx);
	return ids;
}

/* Along a long chain some step aside, so that not each waits for the one
 * before it. */
static void long_chain(void **state)
{
	struct fixture *f = *state;
	int64_t *ids = shift(f, 3000);
	size_t i;

	OK(f, try_export(f));
	assert_string_equal(f->result.result, "success");
	assert_true(f->result.pending == 3000);
	assert_true(fake.widest > 300);
	expect_states(f, 0, 0, 3000);
	for (i = 0; i < 3000; i++)
		assert_true(sv_eq(
			load(f, ids[i]).awaiting.rdn,
			sv_from(arena_printf(&f->arena, "cn=%zu", i + 1))));
}

/* A moved container is moved before what comes to lie in it. */
static void into_a_moved_container(void **state)
{
	struct fixture *f = *state;
	int64_t box = object(f, "1", "ou=a,o=x", 0);
	int64_t ann = object(f, "2", "cn=n,o=x", 0);

	pend(f, ann, PENDING_UPDATE, "cn=n,ou=a,o=x", 0);
	pend(f, box, PENDING_UPDATE, "ou=b,o=x", 0);
	export_ok(f, "rename ou=a,o=x -> ou=b,o=x\n"
		     "rename cn=n,o=x -> cn=n,ou=b,o=x\n");
}

static void nothing_to_do(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		export_any(f->store, &f->agent, EXPORT_ANYTHING, &f->err), 0);
	export_ok(f, "");
	assert_false(fake.at_end);
	(void)provision(f, "cn=n,o=x", A_NAME, "N", 0);
	assert_int_equal(
		export_any(f->store, &f->agent, EXPORT_ANYTHING, &f->err), 1);
	f->agent.name = "other";
	assert_int_equal(
		export_any(f->store, &f->agent, EXPORT_ANYTHING, &f->err), 0);
	f->agent.name = "dir";
}

static void set_flags(struct fixture *f, int64_t id, uint32_t flags)
{
	struct entry entry = load(f, id);
	struct store_tx *tx = begin(f);

	entry.row.flags = flags;
	OK(f, entry_put_row(tx, &entry, &f->err));
	commit(f, tx);
}

/* Another object took its name: nothing is sent to it, below it, out of it,
 * and nothing that would mean it by that name. */
static void what_has_no_name_waits(void **state)
{
	struct fixture *f = *state;
	int64_t top = object(f, "1", "ou=t,o=x", 0);
	int64_t low = object(f, "2", "cn=l,ou=t,o=x", 0);
	int64_t moving = object(f, "3", "cn=m,ou=t,o=x", 0);
	int64_t other = object(f, "4", "cn=o,o=x", 0);
	struct cs_error error = { .cs = top,
				  .kind = ERROR_NAME,
				  .code = SV_LIT("name-taken") };
	struct store_tx *tx = begin(f);

	OK(f, store_error_put(tx, &error, &f->err));
	commit(f, tx);
	set_flags(f, top, CS_TRANSIENT);
	pend(f, top, PENDING_UPDATE, NULL, A_NAME, "T", 0);
	pend(f, low, PENDING_UPDATE, NULL, A_NAME, "L", 0);
	pend(f, moving, PENDING_UPDATE, "cn=m,o=x", 0);
	(void)provision_of(f, 1, "cn=o2,o=x", IMAGE_EMPTY);
	export_ok(f, "add cn=o2,o=x\n");
	expect_states(f, 3, 0, 1);
	assert_int_equal(
		export_any(f->store, &f->agent, EXPORT_ANYTHING, &f->err), 0);
	pend(f, other, PENDING_UPDATE, NULL, A_MANAGER,
	     arena_printf(&f->arena, "#%lld", (long long)CS_SEQUENCE(low)), 0);
	export_as(f, "completed-export-errors", "");
	OK(f, store_error_get(f->store, other, ERROR_EXPORT, &f->arena, &error,
			      &f->err));
	assert_true(sv_eq_str(error.code, "dn-attributes-failure"));
	/* its new name */
	set_flags(f, top, 0);
	export_ok(f, "rename cn=m,ou=t,o=x -> cn=m,o=x\n"
		     "update ou=t,o=x name=T\n"
		     "update cn=o,o=x manager=cn=l,ou=t,o=x\n"
		     "update cn=l,ou=t,o=x name=L\n");
	expect_states(f, 0, 0, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE(parents_first),
		TREE(deletions_last_deepest_first),
		TREE(names_are_freed_before_they_are_taken),
		TREE(rename_chain),
		TREE(rename_circle),
		TREE(long_chain),
		TREE(into_a_moved_container),
		TREE(nothing_to_do),
		TREE(what_has_no_name_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
