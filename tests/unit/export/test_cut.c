/*
 * test_cut.c - names that pass from one to another, cut off at any place
 *
 * The connected system knows entries by their names alone. Wherever the line
 * is cut, before or behind an operation, an answer or the end, the next export
 * leaves each entry with its own name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include "model/dn.h"

#define ENTRIES 32

/* Whose entry has the name; ids of those that conjoin knows. */
static struct {
	char dn[64];
	int64_t whose;
} entries[ENTRIES];

static int find(struct sv dn)
{
	int i;

	for (i = 0; i < ENTRIES; i++)
		if (entries[i].whose && dn_equal(sv_from(entries[i].dn), dn))
			return i;
	return -1;
}

static void put(int64_t whose, struct sv dn)
{
	int i = 0;

	while (entries[i].whose)
		i++;
	entries[i].whose = whose;
	(void)snprintf(entries[i].dn, sizeof(entries[i].dn), SV_FMT,
		       SV_ARG(dn));
}

/* As the contract of connectors wants it. */
static bool perform(const struct export_op *op)
{
	int at = find(op->dn);
	int to = find(op->new_dn);

	switch (op->kind) {
	case EXPORT_ADD:
		if (at >= 0)
			return op->retry;
		put((int64_t)op->id, op->dn);
		return true;
	case EXPORT_RENAME:
		if (at < 0)
			return op->retry && to >= 0;
		if (to >= 0 && to != at)
			return false;
		(void)snprintf(entries[at].dn, sizeof(entries[at].dn), SV_FMT,
			       SV_ARG(op->new_dn));
		return true;
	case EXPORT_DELETE:
		if (at >= 0)
			entries[at].whose = 0;
		return at >= 0 || op->retry;
	case EXPORT_UPDATE:
	case EXPORT_DELETE_ADD:
		break;
	}
	return at >= 0;
}

static int64_t entry(struct fixture *f, const char *dn, const char *new_dn)
{
	int64_t id = object(f, dn, dn, 0);

	put(id, sv_from(dn));
	if (new_dn)
		pend(f, id, PENDING_UPDATE, new_dn, 0);
	return id;
}

static int64_t wanted_id[ENTRIES];
static const char *wanted_dn[ENTRIES];
static int wanted;

static void want(int64_t id, const char *dn)
{
	wanted_id[wanted] = id;
	wanted_dn[wanted++] = dn;
}

static void prepare(struct fixture *f)
{
	int64_t gone;

	memset(entries, 0, sizeof(entries));
	wanted = 0;
	want(entry(f, "cn=a,o=x", "cn=b,o=x"), "cn=b,o=x");
	want(entry(f, "cn=b,o=x", "cn=a,o=x"), "cn=a,o=x");
	want(entry(f, "cn=1,o=x", "cn=2,o=x"), "cn=2,o=x");
	want(entry(f, "cn=2,o=x", "cn=3,o=x"), "cn=3,o=x");
	want(entry(f, "cn=3,o=x", "cn=1,o=x"), "cn=1,o=x");
	/* a chain; at its end a name that a deletion frees, at its beginning
	 * one that an add takes */
	gone = entry(f, "cn=r,o=x", NULL);
	pend(f, gone, PENDING_DELETE, NULL, 0);
	want(entry(f, "cn=p,o=x", "cn=q,o=x"), "cn=q,o=x");
	want(entry(f, "cn=q,o=x", "cn=r,o=x"), "cn=r,o=x");
	want(provision(f, "cn=p,o=x", A_NAME, "P", 0), "cn=p,o=x");
	gone = entry(f, "cn=z,o=x", NULL);
	pend(f, gone, PENDING_DELETE, NULL, 0);
	want(provision(f, "cn=z,o=x", A_NAME, "Z", 0), "cn=z,o=x");
	fake.perform = perform;
}

static void expect_names(struct fixture *f, const char *cut, size_t n)
{
	int there = 0;
	int i;

	for (i = 0; i < ENTRIES; i++)
		there += entries[i].whose != 0;
	for (i = 0; i < wanted; i++) {
		int at = find(sv_from(wanted_dn[i]));

		if (at < 0 || entries[at].whose != wanted_id[i])
			fail_msg("%s %zu: '%s' is of %lld, not of %lld", cut, n,
				 wanted_dn[i],
				 at < 0 ? 0LL : (long long)entries[at].whose,
				 (long long)wanted_id[i]);
	}
	assert_int_equal(there, wanted);
	expect_states(f, 0, 0, wanted + 2);
}

enum cut { CUT_PUT, CUT_BEHIND, CUT_RESULT, CUT_END, CUT_BEHIND_END };

static void cut_off(enum cut cut, size_t n)
{
	fake.cut_behind = cut == CUT_BEHIND || cut == CUT_BEHIND_END;
	fake.fail_put = cut == CUT_PUT || cut == CUT_BEHIND ? n : 0;
	fake.fail_result = cut == CUT_RESULT ? n : 0;
	fake.fail_end = cut == CUT_END || cut == CUT_BEHIND_END;
}

static void mend(void)
{
	fake.cut_behind = fake.fail_end = false;
	fake.fail_put = fake.fail_result = 0;
}

/* Cut off there twice, then not. */
static void everywhere(void **state, enum cut cut, const char *name)
{
	uint32_t caps = fake_ops.caps & ~(uint32_t)CONNECTOR_CAP_EXPORT;
	bool failed = true;
	size_t n;

	for (n = 1; failed; n++) {
		struct fixture *f;

		OK(*(struct fixture **)state, fixture_teardown(state));
		OK(*(struct fixture **)state, make_fixture(state, caps));
		f = *state;
		prepare(f);
		cut_off(cut, n);
		failed = try_export(f) < 0;
		if (failed)
			(void)try_export(f);
		mend();
		OK(f, try_export(f));
		assert_string_equal(f->result.result, "success");
		expect_names(f, name, n);
		if (cut == CUT_END || cut == CUT_BEHIND_END)
			break;
	}
	assert_true(n > 10 || cut == CUT_END || cut == CUT_BEHIND_END);
}

static void at_any_place(void **state)
{
	everywhere(state, CUT_PUT, "before operation");
	everywhere(state, CUT_BEHIND, "behind operation");
	everywhere(state, CUT_RESULT, "before answer");
	everywhere(state, CUT_END, "before the end");
	everywhere(state, CUT_BEHIND_END, "behind the end");
}

/* An import found it under its passing name before it was sent again. */
static void seen_aside(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx;
	struct entry moved;

	memset(entries, 0, sizeof(entries));
	wanted = 0;
	want(entry(f, "cn=a,o=x", "cn=b,o=x"), "cn=b,o=x");
	want(entry(f, "cn=b,o=x", "cn=a,o=x"), "cn=a,o=x");
	fake.perform = perform;
	cut_off(CUT_BEHIND, 1);
	assert_int_equal(try_export(f), -1);
	mend();
	moved = load(f, wanted_id[0]);
	assert_true(moved.pending.in_progress && moved.pending.aside);
	assert_int_equal(moved.awaiting.op, PENDING_NONE);
	moved.row.rdn = sv_from(arena_printf(&f->arena, "cn=conjoin-%llx",
					     (long long)wanted_id[0]));
	tx = begin(f);
	OK(f, entry_put_row(tx, &moved, &f->err));
	commit(f, tx);
	OK(f, try_export(f));
	assert_string_equal(f->result.result, "success");
	assert_null(strstr(strbuf_cstr(&fake.log), "-> cn=conjoin"));
	wanted -= 2;
	expect_states(f, 0, 0, 2);
	wanted += 2;
	assert_int_equal(entries[find(SV_LIT("cn=b,o=x"))].whose, wanted_id[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE(at_any_place),
		AT_ONCE(at_any_place),
		TREE(seen_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
