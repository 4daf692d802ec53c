/*
 * test_runs.c - runs, steps, their counters and the errors of what was read
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

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

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(runs),
		TEST(old_runs),
		TEST(counters_and_discovery_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
