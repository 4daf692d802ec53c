/*
 * test_build.c - a pending export as an operation: values, references, types
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

static void single_values(void **state)
{
	struct fixture *f = *state;
	int64_t id =
		object(f, "1", "cn=a,o=x", A_NAME, "Ann", A_TITLE, "Old", 0);

	pend(f, id, PENDING_UPDATE, NULL, A_NAME, "", A_TITLE, "New", 0);
	export_ok(f, "update cn=a,o=x name= title=New\n");
	assert_true(counted(f, "export-update") == 1);
}

/* Of several values only the difference is sent. */
static void several_values(void **state)
{
	struct fixture *f = *state;
	int64_t a = object(f, "1", "cn=a,o=x", A_PHONES, "1;2;3", 0);
	int64_t b = object(f, "2", "cn=b,o=x", A_PHONES, "1;2", 0);
	int64_t c = object(f, "3", "cn=c,o=x", A_PHONES, "1", 0);
	int64_t d = object(f, "4", "cn=d,o=x", A_NAME, "D", 0);
	int64_t e = object(f, "5", "cn=e,o=x", A_PHONES, "1;2", 0);

	pend(f, a, PENDING_UPDATE, NULL, A_PHONES, "2;3;4", 0);
	pend(f, b, PENDING_UPDATE, NULL, A_PHONES, "7;8", 0);
	pend(f, c, PENDING_UPDATE, NULL, A_PHONES, "1;2", 0);
	pend(f, d, PENDING_UPDATE, NULL, A_PHONES, "1;2", 0);
	pend(f, e, PENDING_UPDATE, NULL, A_PHONES, "", 0);
	export_ok(f, "update cn=a,o=x phones-1 phones+4\n"
		     "update cn=b,o=x phones=7;8\n"
		     "update cn=c,o=x phones+2\n"
		     "update cn=d,o=x phones=1;2\n"
		     "update cn=e,o=x phones=\n");
}

/* The difference is to what was written last, seen again or not. */
static void against_what_was_written(void **state)
{
	struct fixture *f = *state;
	int64_t id = object(f, "1", "cn=a,o=x", A_PHONES, "1", 0);

	pend(f, id, PENDING_UPDATE, NULL, A_PHONES, "1;2", 0);
	export_ok(f, "update cn=a,o=x phones+2\n");
	pend(f, id, PENDING_UPDATE, NULL, A_PHONES, "2;3", 0);
	export_ok(f, "update cn=a,o=x phones-1 phones+3\n");
}

static void case_is_a_difference(void **state)
{
	struct fixture *f = *state;
	int64_t id = object(f, "1", "cn=a,o=x", A_PHONES, "a;b", 0);

	pend(f, id, PENDING_UPDATE, NULL, A_PHONES, "A;b", 0);
	export_ok(f, "update cn=a,o=x phones-a phones+A\n");
}

static void references_by_name(void **state)
{
	struct fixture *f = *state;
	int64_t boss = object(f, "1", "cn=boss,o=x", 0); /* #2: after o=x */
	int64_t ann = object(f, "2", "cn=a,o=x", 0);
	char boss_ref[40];
	char members[80];

	(void)snprintf(boss_ref, sizeof(boss_ref), "#%lld",
		       (long long)CS_SEQUENCE(boss));
	(void)snprintf(members, sizeof(members), "%s;#%lld", boss_ref,
		       (long long)CS_SEQUENCE(ann));
	/* by the name that it will have after this export */
	pend(f, boss, PENDING_UPDATE, "cn=chief,o=x", 0);
	pend(f, ann, PENDING_UPDATE, NULL, A_MANAGER, boss_ref, A_MEMBER,
	     members, 0);
	export_ok(f, "rename cn=boss,o=x -> cn=chief,o=x\n"
		     "update cn=a,o=x manager=cn=chief,o=x "
		     "member=cn=chief,o=x;cn=a,o=x\n");
	/* an object that is no more is left out */
	pend(f, ann, PENDING_UPDATE, NULL, A_MANAGER, "#999", 0);
	export_ok(f, "update cn=a,o=x manager=\n");
}

static void references_by_anchor(void **state)
{
	struct fixture *f = *state;
	int64_t ann = object(f, "7", NULL, 0);
	int64_t bob = object(f, "8", NULL, 0);
	char ref[40];

	(void)snprintf(ref, sizeof(ref), "#%lld", (long long)CS_SEQUENCE(ann));
	pend(f, bob, PENDING_UPDATE, NULL, A_MANAGER, ref, A_NAME, "B", 0);
	export_ok(f, "update 8 name=B manager=7\n");
}

/* For a file whose readers know nothing of before. */
static int whole_setup(void **state)
{
	return make_fixture(state, CONNECTOR_CAP_AT_ONCE | CONNECTOR_CAP_WHOLE);
}

static void whole_objects(void **state)
{
	struct fixture *f = *state;
	int64_t boss = object(f, "7", NULL, 0);
	int64_t ann = object(f, "8", NULL, A_NAME, "Ann", A_TITLE, "Old",
			     A_PHONES, "1;2", 0);
	char ref[40];

	(void)snprintf(ref, sizeof(ref), "#%lld", (long long)CS_SEQUENCE(boss));
	pend(f, ann, PENDING_UPDATE, NULL, A_TITLE, "", A_PHONES, "2;3",
	     A_MANAGER, ref, 0);
	export_ok(f, "update 8 name=Ann phones=2;3 manager=7\n");
	/* what was told and not yet confirmed too */
	pend(f, ann, PENDING_UPDATE, NULL, A_NAME, "Eve", 0);
	export_ok(f, "update 8 name=Eve phones=2;3 manager=7\n");
}

static void large_group(void **state)
{
	struct fixture *f = *state;
	struct strbuf before = STRBUF_INIT(1 << 20);
	struct strbuf after = STRBUF_INIT(1 << 20);
	int64_t ids[60];
	int64_t group;
	int i;

	for (i = 0; i < 60; i++) {
		ids[i] = object(f, arena_printf(&f->arena, "m%d", i),
				arena_printf(&f->arena, "cn=m%d,o=x", i), 0);
		if (i)
			strbuf_addf(&before, "#%lld;",
				    (long long)CS_SEQUENCE(ids[i]));
		if (i != 30)
			strbuf_addf(&after, "#%lld;",
				    (long long)CS_SEQUENCE(ids[i]));
	}
	before.len--;
	after.len--;
	group = object(f, "g", "cn=g,o=x", A_MEMBER, strbuf_cstr(&before), 0);
	pend(f, group, PENDING_UPDATE, NULL, A_MEMBER, strbuf_cstr(&after), 0);
	export_ok(f, "update cn=g,o=x member-cn=m30,o=x member+cn=m0,o=x\n");
	strbuf_release(&before);
	strbuf_release(&after);
}

static void delete_then_add(void **state)
{
	struct fixture *f = *state;
	int64_t id =
		object(f, "1", "cn=a,o=x", A_NAME, "Ann", A_PHONES, "1;2", 0);

	pend(f, id, PENDING_DELETE_ADD, NULL, A_NAME, "Ann", A_PHONES, "2", 0);
	/* all of it is sent: the old object is gone by then */
	export_ok(f, "delete-add cn=a,o=x name=Ann phones=2\n");
	assert_true(counted(f, "export-delete-add") == 1);
}

/* A type that is no longer configured is an object's error, not the run's. */
static void unknown_type(void **state)
{
	struct fixture *f = *state;
	struct cs_error error;
	struct store_tx *tx = begin(f);
	uint32_t type =
		store_name_add(tx, NAME_TYPE, SV_LIT("printer"), &f->err);
	int64_t id;

	commit(f, tx);
	id = object_of(f, type, "1", "cn=p,o=x", IMAGE_EMPTY);
	pend(f, id, PENDING_UPDATE, NULL, A_NAME, "P", 0);
	(void)provision(f, "cn=n,o=x", A_NAME, "N", 0);
	export_as(f, "completed-export-errors", "add cn=n,o=x name=N\n");
	assert_int_equal(store_error_get(f->store, id, ERROR_EXPORT, &f->arena,
					 &error, &f->err),
			 1);
	assert_non_null(strstr(error.message.ptr, "printer"));
	expect_states(f, 1, 0, 1);
}

/* Attributes that the agent's type does not have are not sent. */
static void foreign_attribute(void **state)
{
	struct fixture *f = *state;
	static attr_id few[] = { A_NAME };
	static const struct attr_def def[] = { { .name = "name",
						 .type = VALUE_STRING } };
	struct object_type one = { "person", def, 1 };
	attr_id *ids[] = { few };

	f->agent.types = &one;
	f->agent.type_count = 1;
	f->agent.type_attr_ids = ids;
	(void)provision(f, "cn=n,o=x", A_NAME, "N", A_TITLE, "T", 0);
	export_ok(f, "add cn=n,o=x name=N\n");
}

static void container_types(void **state)
{
	struct fixture *f = *state;
	struct object_type *all;
	size_t count;

	export_types(&f->agent, &f->arena, &all, &count);
	assert_true(count > 2);
	assert_string_equal(all[0].name, "person");
	assert_string_equal(all[2].name, "organizationalUnit");
	assert_string_equal(all[count - 1].name, "container");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE(single_values),
		TREE(several_values),
		TREE(against_what_was_written),
		TREE(case_is_a_difference),
		TREE(references_by_name),
		PLAIN(references_by_anchor),
		cmocka_unit_test_setup_teardown(whole_objects, whole_setup,
						fixture_teardown),
		TREE(large_group),
		TREE(delete_then_add),
		TREE(unknown_type),
		TREE(foreign_attribute),
		TREE(container_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
