/*
 * test_connector.c - the wrappers: capabilities, version, context of errors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connector/connector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* What the fake connector was asked, and what it is to answer. */
static struct {
	int opened;
	int closed;
	int ret; /* of every operation */
	enum import_kind kind;
} fake;

struct connector_session {
	int dummy;
};

static struct connector_session the_session;

static int answer(struct error *err)
{
	if (fake.ret < 0)
		return error_set(err, ERR_UNAVAILABLE, "the line is cut");
	return fake.ret;
}

static int fake_open(const struct connector_ops *ops,
		     const struct connector_config *config,
		     struct connector_session **out, struct error *err)
{
	(void)ops;
	(void)config;
	if (answer(err) < 0)
		return -1;
	fake.opened++;
	*out = &the_session;
	return 0;
}

static void fake_close(struct connector_session *session)
{
	assert_ptr_equal(session, &the_session);
	fake.closed++;
}

static int fake_import_begin(struct connector_session *session,
			     enum import_kind kind, struct sv watermark,
			     struct error *err)
{
	(void)session;
	(void)watermark;
	fake.kind = kind;
	return answer(err);
}

static int fake_next(struct connector_session *session, struct arena *arena,
		     struct change *out, struct error *err)
{
	(void)session;
	(void)arena;
	/* the wrapper hands over a clean one */
	assert_int_equal(out->attr_count, 0);
	assert_null(out->error);
	return answer(err);
}

static int fake_import_end(struct connector_session *session,
			   struct arena *arena, struct sv *watermark_out,
			   struct error *err)
{
	(void)session;
	(void)arena;
	assert_null(watermark_out->ptr);
	return answer(err);
}

static int fake_kept(struct connector_session *session, struct error *err)
{
	(void)session;
	return answer(err);
}

static int fake_setup(struct connector_session *session, struct arena *arena,
		      struct sv *out, struct error *err)
{
	(void)session;
	(void)arena;
	*out = SV_LIT("CREATE TRIGGER");
	return answer(err);
}

static int fake_begin(struct connector_session *session, struct error *err)
{
	(void)session;
	return answer(err);
}

static int fake_put(struct connector_session *session,
		    const struct export_op *op, struct error *err)
{
	(void)session;
	(void)op;
	return answer(err);
}

static int fake_result(struct connector_session *session, bool wait,
		       struct arena *arena, struct export_outcome *out,
		       struct error *err)
{
	(void)session;
	(void)wait;
	(void)arena;
	assert_false(out->ok);
	return answer(err);
}

static int fake_wait(struct connector_session *session, int timeout_ms,
		     struct error *err)
{
	(void)session;
	assert_int_equal(timeout_ms, 5);
	return answer(err);
}

static const struct connector_ops full_ops = {
	.abi = CONNECTOR_ABI,
	.name = "full",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA |
		CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_NOTIFY,
	.open = fake_open,
	.close = fake_close,
	.import_begin = fake_import_begin,
	.next = fake_next,
	.import_end = fake_import_end,
	.import_kept = fake_kept,
	.delta_setup = fake_setup,
	.export_begin = fake_begin,
	.export_put = fake_put,
	.export_result = fake_result,
	.export_end = fake_begin,
	.wait = fake_wait,
};

static uint32_t no_delta(const struct connector_ops *ops,
			 const struct node *connect)
{
	(void)ops;
	(void)connect;
	return CONNECTOR_CAP_IMPORT;
}

static struct connector_config config = { .agent = "hr", .folder = "/conf" };

static int start(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	return 0;
}

static void a_session(void **state)
{
	struct connector connector;
	struct arena arena = ARENA_INIT;
	struct change change;
	struct export_outcome outcome;
	struct export_op op = { 0 };
	struct sv mark;

	(void)state;
	assert_int_equal(connector_open(&connector, &full_ops, &config, NULL),
			 0);
	assert_int_equal(
		connector_import_begin(&connector, IMPORT_DELTA, SV_NULL, NULL),
		0);
	assert_int_equal(fake.kind, IMPORT_DELTA);
	fake.ret = 1;
	memset(&change, 0xff, sizeof(change));
	assert_int_equal(connector_next(&connector, &arena, &change, NULL), 1);
	assert_int_equal(connector_wait(&connector, 5, NULL), 1);
	memset(&outcome, 0xff, sizeof(outcome));
	assert_int_equal(connector_export_result(&connector, true, &arena,
						 &outcome, NULL),
			 1);
	fake.ret = 0;
	assert_int_equal(connector_import_end(&connector, &arena, &mark, NULL),
			 0);
	assert_int_equal(connector_import_kept(&connector, NULL), 0);
	assert_int_equal(connector_delta_setup(&connector, &arena, &mark, NULL),
			 0);
	assert_true(sv_eq_str(mark, "CREATE TRIGGER"));
	assert_int_equal(connector_export_begin(&connector, NULL), 0);
	assert_int_equal(connector_export_put(&connector, &op, NULL), 0);
	assert_int_equal(connector_export_end(&connector, NULL), 0);
	/* not told: not known */
	assert_int_equal(connector_import_progress(&connector), -1);
	connector_close(&connector);
	connector_close(&connector);
	assert_int_equal(fake.closed, 1);
}

static void errors_name_the_agent(void **state)
{
	struct connector connector;
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct change change;
	struct export_outcome outcome;
	struct export_op op = { 0 };
	struct sv mark;

	(void)state;
	assert_int_equal(connector_open(&connector, &full_ops, &config, &err),
			 0);
	fake.ret = -1;
#define FAILS(call, doing)                                                     \
	do {                                                                   \
		error_clear(&err);                                             \
		assert_int_equal(call, -1);                                    \
		assert_int_equal(err.code, ERR_UNAVAILABLE);                   \
		assert_string_equal(err.msg, "agent 'hr': cannot " doing       \
					     ": the line is cut");             \
	} while (0)
	FAILS(connector_import_begin(&connector, IMPORT_FULL, SV_NULL, &err),
	      "begin the import");
	FAILS(connector_next(&connector, &arena, &change, &err), "read on");
	FAILS(connector_import_end(&connector, &arena, &mark, &err),
	      "end the import");
	FAILS(connector_import_kept(&connector, &err),
	      "let go of the changes that were imported");
	FAILS(connector_delta_setup(&connector, &arena, &mark, &err),
	      "write what deltas need");
	FAILS(connector_wait(&connector, 5, &err), "wait for changes");
	FAILS(connector_export_begin(&connector, &err), "begin the export");
	FAILS(connector_export_put(&connector, &op, &err), "write");
	FAILS(connector_export_result(&connector, false, &arena, &outcome,
				      &err),
	      "write");
	FAILS(connector_export_end(&connector, &err), "finish the export");
	connector_close(&connector);
	FAILS(connector_open(&connector, &full_ops, &config, &err), "connect");
	/* on failure nothing was left open */
	connector_close(&connector);
	assert_int_equal(fake.opened, fake.closed);
}

static void what_it_cannot_do(void **state)
{
	struct connector_ops ops = full_ops;
	struct connector connector;
	struct error err = ERROR_INIT;

	(void)state;
	ops.caps_of = no_delta;
	assert_int_equal(connector_caps(&ops, NULL), CONNECTOR_CAP_IMPORT);
	assert_int_equal(connector_caps(&full_ops, NULL), full_ops.caps);
	assert_int_equal(connector_open(&connector, &ops, &config, &err), 0);
	assert_int_equal(
		connector_import_begin(&connector, IMPORT_FULL, SV_NULL, &err),
		0);
	assert_int_equal(
		connector_import_begin(&connector, IMPORT_DELTA, SV_NULL, &err),
		-1);
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	assert_string_equal(err.msg, "agent 'hr': this 'full' agent is not "
				     "set up to import changes only");
	assert_int_equal(connector_export_begin(&connector, &err), -1);
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	error_clear(&err);
	assert_int_equal(connector_wait(&connector, 5, &err), -1);
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	connector_close(&connector);
}

static void another_version(void **state)
{
	struct connector_ops ops = full_ops;
	struct connector connector;
	struct error err = ERROR_INIT;

	(void)state;
	ops.abi = CONNECTOR_ABI + 1;
	assert_int_equal(connector_open(&connector, &ops, &config, &err), -1);
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	assert_int_equal(fake.opened, 0);
	connector_close(&connector);
}

static void operations_that_may_be_missing(void **state)
{
	struct connector_ops ops = full_ops;
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct connector connector;
	struct sv text;

	(void)state;
	ops.export_begin = NULL;
	ops.export_end = NULL;
	ops.import_kept = NULL;
	ops.delta_setup = NULL;
	assert_int_equal(connector_open(&connector, &ops, &config, NULL), 0);
	assert_int_equal(connector_export_begin(&connector, NULL), 0);
	assert_int_equal(connector_export_end(&connector, NULL), 0);
	assert_int_equal(connector_import_kept(&connector, NULL), 0);
	assert_int_equal(connector_delta_setup(&connector, &arena, &text, &err),
			 -1);
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	connector_close(&connector);
}

static void find_and_path(void **state)
{
	const struct connector_ops other = { .name = "other" };
	const struct connector_ops *const table[] = { &full_ops, &other, NULL };
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_ptr_equal(connector_find(table, SV_LIT("other")), &other);
	assert_null(connector_find(table, SV_LIT("oth")));
	assert_null(connector_find(table, SV_NULL));
	assert_string_equal(connector_path(&config, SV_LIT("data/a"), &arena),
			    "/conf/data/a");
	assert_string_equal(connector_path(&config, SV_LIT("/data/a"), &arena),
			    "/data/a");
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_session, start),
		cmocka_unit_test_setup(errors_name_the_agent, start),
		cmocka_unit_test_setup(what_it_cannot_do, start),
		cmocka_unit_test_setup(another_version, start),
		cmocka_unit_test_setup(operations_that_may_be_missing, start),
		cmocka_unit_test_setup(find_and_path, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
