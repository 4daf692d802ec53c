/*
 * test_raw.c - records that are compared by their bytes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

static int raw_setup(void **state)
{
	int ret = plain_setup(state);

	the_session.context = "a";
	return ret;
}

/* A full import that has to look into so many records. */
static void full_expanding(struct fixture *f, const char *script,
			   const char *counters, unsigned expanded)
{
	the_session.expanded = 0;
	full(f, script, counters);
	assert_int_equal(the_session.expanded, expanded);
}

#define ANN "object|1||name=Ann|phones=1;2|manager=2\n"
#define BOB "object|2||name=Bob|badge=7\n"

static void the_same_bytes(void **state)
{
	struct fixture *f = *state;

	full_expanding(f, ANN BOB, "stage-add 2", 2);
	expect_attr(f, "1", A_PHONES, "1;2");
	expect_attr(f, "2", A_BADGE, "7");
	expect_reference(f, "1", A_MANAGER, find(f, "2"));
	full_expanding(f, BOB ANN, "stage-no-change 2", 0);
	full_expanding(f, ANN "object|2||name=Rob|badge=7\n",
		       "stage-no-change 1, stage-update 1", 1);
	full_expanding(f, ANN "object|2||name=Rob|badge=7\n",
		       "stage-no-change 2", 0);
	full_expanding(f, ANN, "stage-no-change 1, stage-delete 1", 0);
}

/* Other bytes, equal values: nothing changed, and the new bytes are known. */
static void written_otherwise(void **state)
{
	struct fixture *f = *state;

	full(f, ANN BOB, "stage-add 2");
	consume(f);
	full_expanding(f, ANN "object|2||badge=007|name=Bob\n",
		       "stage-no-change 2", 1);
	expect_import(f, "2", IMPORT_NONE);
	full_expanding(f, ANN "object|2||badge=007|name=Bob\n",
		       "stage-no-change 2", 0);
}

/* The same bytes may mean something else. */
static void another_meaning(void **state)
{
	struct fixture *f = *state;

	full(f, ANN BOB, "stage-add 2");
	the_session.context = "b";
	full_expanding(f, ANN BOB, "stage-no-change 2", 2);
	full_expanding(f, ANN BOB, "stage-no-change 2", 0);
	/* and by value alone, where the connector gives no bytes any more */
	the_session.context = NULL;
	full(f, ANN BOB, "stage-no-change 2");
	full(f, ANN BOB, "stage-no-change 2");
}

static void another_type_of_attribute(void **state)
{
	struct attr_def attrs[8];
	struct fixture *f = *state;
	struct object_type was = types[0];

	full(f, ANN BOB, "stage-add 2");
	memcpy(attrs, person_attrs, sizeof(attrs));
	attrs[5].type = VALUE_STRING; /* badge */
	types[0].attrs = attrs;
	full_expanding(f, ANN BOB, "stage-no-change 1, stage-update 1", 2);
	attrs[4].to = "team"; /* manager */
	full_expanding(f, ANN BOB, "stage-no-change 1, stage-update 1", 2);
	types[0] = was;
}

static void it_cannot_be_read(void **state)
{
	struct fixture *f = *state;
	int i;

	full(f, ANN BOB, "stage-add 2");
	for (i = 0; i < 2; i++) {
		import_as(f, IMPORT_FULL, ANN "object|2||name=Bob|badge=x\n",
			  "completed-discovery-errors",
			  "stage-no-change 1, stage-failure 1");
		expect_attr(f, "2", A_BADGE, "7");
	}
	full_expanding(f, ANN BOB, "stage-no-change 2", 0);
}

static void twice(void **state)
{
	struct fixture *f = *state;

	full(f, ANN BOB, "stage-add 2");
	import_as(f, IMPORT_FULL, ANN BOB ANN, "completed-discovery-errors",
		  "stage-no-change 2, stage-failure 1");
}

/* Staged as gone: that it is as it was is a change. */
static void gone_and_back(void **state)
{
	struct fixture *f = *state;

	full(f, ANN BOB, "stage-add 2");
	consume(f);
	full(f, ANN, "stage-no-change 1, stage-delete 1");
	full_expanding(f, ANN BOB, "stage-no-change 1, stage-update 1", 1);
	expect_import(f, "2", IMPORT_NONE);
}

#define RAW(test)                                                              \
	cmocka_unit_test_setup_teardown(test, raw_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RAW(the_same_bytes),    RAW(written_otherwise),
		RAW(another_meaning),   RAW(another_type_of_attribute),
		RAW(it_cannot_be_read), RAW(twice),
		RAW(gone_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
