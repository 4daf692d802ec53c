/*
 * test_tape.c - imports that are recorded and read again
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"
#include "connector/tape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct attr_def attrs[] = {
	{ .name = "name", .type = VALUE_STRING },
	{ .name = "phones", .type = VALUE_STRING, .multi = true },
	{ .name = "userPassword", .type = VALUE_STRING },
};
static const struct object_type types[] = {
	{ "person", attrs, 3 },
	{ "team", attrs, 1 },
};
static struct connector_config config = {
	.agent = "hr", .folder = "/", .types = types, .type_count = 2
};

/* ---- a connector that gives what it is told to ---- */

struct connector_session {
	const struct change *changes;
	size_t count;
	size_t at;
};

static int give_begin(struct connector_session *s, enum import_kind kind,
		      struct sv watermark, struct error *err)
{
	(void)kind;
	(void)watermark;
	(void)err;
	s->at = 0;
	return 0;
}

static int give_next(struct connector_session *s, struct arena *arena,
		     struct change *out, struct error *err)
{
	(void)arena;
	(void)err;
	if (s->at == s->count)
		return 0;
	*out = s->changes[s->at++];
	return 1;
}

static int give_end(struct connector_session *s, struct arena *arena,
		    struct sv *watermark_out, struct error *err)
{
	(void)s;
	(void)arena;
	(void)err;
	*watermark_out = SV_LIT("w1");
	return 0;
}

static const struct connector_ops give_ops = {
	.abi = CONNECTOR_ABI,
	.name = "give",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA,
	.import_begin = give_begin,
	.next = give_next,
	.import_end = give_end,
};

static char path[64];
static struct arena arena;
static struct error err;

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/conjoin-tape-XXXXXX");
	(void)close(mkstemp(path));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	arena_release(&arena);
	return 0;
}

static void record(const struct change *changes, size_t count)
{
	struct connector_session session = { changes, count, 0 };
	struct connector inner = { &give_ops, &config, &session,
				   give_ops.caps };
	struct connector tape;
	struct change change;
	struct sv watermark;

	assert_int_equal(tape_record(&tape, &inner, path, &err), 0);
	assert_int_equal(
		connector_import_begin(&tape, IMPORT_DELTA, SV_NULL, &err), 0);
	while (connector_next(&tape, &arena, &change, &err) > 0)
		count--;
	assert_int_equal(count, 0);
	assert_int_equal(connector_import_end(&tape, &arena, &watermark, &err),
			 0);
	assert_true(sv_eq_str(watermark, "w1"));
	connector_close(&tape);
}

static int replay(struct connector *tape)
{
	error_clear(&err);
	return tape_replay(tape, &config, 0, path, IMPORT_DELTA, &err);
}

static void next(struct connector *tape, struct change *out)
{
	if (connector_next(tape, &arena, out, &err) != 1)
		fail_msg("%s", err.msg);
}

static const char *text(void)
{
	struct strbuf all = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *copy;

	assert_int_equal(file_read(path, &all, &err), 0);
	copy = arena_cstr(&arena, strbuf_sv(&all));
	strbuf_release(&all);
	return copy;
}

static void write_text(const char *what)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(what, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* ---- what comes back ---- */

static void all_there_is(void **state)
{
	struct value values[] = {
		value_string(SV_LIT("J\xC3\xBCrgen \"x\"\n")),
		value_string(SV_LIT("\xFF")),
		value_string(sv_make("a\0b", 3)),
		value_binary(SV_LIT("\1\2")),
		value_integer(INT64_MIN),
		value_boolean(true),
		value_datetime(123456789012345678),
		value_reference(0, SV_LIT("cn=x")),
		value_string(SV_LIT("")),
	};
	size_t count = sizeof(values) / sizeof(*values);
	struct attr_change of[] = {
		{ 0, ATTR_REPLACE, { NULL, 0 } },
		{ 1, ATTR_ADD, { values, count } },
		{ 1, ATTR_DELETE, { values, 1 } },
	};
	const struct change changes[] = {
		{ .op = CHANGE_UPDATE,
		  .anchor = SV_LIT("1"),
		  .dn = SV_LIT("cn=a"),
		  .attrs = of,
		  .attr_count = 3 },
		{ .op = CHANGE_OBJECT, .type = 1, .anchor = SV_LIT("\xFE") },
		{ .op = CHANGE_RENAME,
		  .dn = SV_LIT("cn=a"),
		  .new_dn = SV_LIT("cn=b") },
		{ .op = CHANGE_OBJECT, .dn = SV_LIT("o=x"), .container = true },
		{ .op = CHANGE_ERROR,
		  .anchor = SV_LIT("7"),
		  .error = "parse-error",
		  .message = SV_LIT("bad"),
		  .where = SV_LIT("hr.csv:7:1") },
		{ .op = CHANGE_DELETE, .anchor = SV_LIT("8") },
	};
	struct connector tape;
	struct change change;
	struct stat st;
	size_t i;

	(void)state;
	record(changes, 6);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(replay(&tape), 1);
	next(&tape, &change);
	assert_int_equal(change.op, CHANGE_UPDATE);
	assert_int_equal(change.attr_count, 3);
	assert_int_equal(change.attrs[0].attr, 0);
	assert_int_equal(change.attrs[0].values.len, 0);
	assert_int_equal(change.attrs[1].op, ATTR_ADD);
	assert_int_equal(change.attrs[1].values.len, count);
	for (i = 0; i < count; i++)
		assert_true(value_identical(&change.attrs[1].values.at[i],
					    &values[i]) ||
			    values[i].type == VALUE_REFERENCE);
	assert_true(sv_eq_str(change.attrs[1].values.at[7].text, "cn=x"));
	assert_int_equal(change.attrs[2].op, ATTR_DELETE);
	next(&tape, &change);
	assert_int_equal(change.type, 1);
	assert_true(sv_eq_str(change.anchor, "\xFE"));
	next(&tape, &change);
	assert_true(sv_eq_str(change.new_dn, "cn=b"));
	next(&tape, &change);
	assert_true(change.container);
	next(&tape, &change);
	assert_int_equal(change.op, CHANGE_ERROR);
	assert_string_equal(change.error, "parse-error");
	assert_true(sv_eq_str(change.where, "hr.csv:7:1"));
	next(&tape, &change);
	assert_int_equal(change.op, CHANGE_DELETE);
	assert_int_equal(connector_next(&tape, &arena, &change, &err), 0);
	connector_close(&tape);
}

static void no_password(void **state)
{
	struct value secret = value_string(SV_LIT("hunter2"));
	struct attr_change of = { 2, ATTR_REPLACE, { &secret, 1 } };
	const struct change change = { .op = CHANGE_OBJECT,
				       .anchor = SV_LIT("1"),
				       .attrs = &of,
				       .attr_count = 1 };

	(void)state;
	record(&change, 1);
	assert_null(strstr(text(), "hunter2"));
	assert_null(strstr(text(), "userPassword"));
}

/* A recording that was not finished leaves what was there. */
static void broken_off(void **state)
{
	struct connector_session session = { NULL, 0, 0 };
	struct connector inner = { &give_ops, &config, &session,
				   give_ops.caps };
	struct connector tape;

	(void)state;
	write_text("before");
	assert_int_equal(tape_record(&tape, &inner, path, &err), 0);
	assert_int_equal(
		connector_import_begin(&tape, IMPORT_FULL, SV_NULL, &err), 0);
	connector_close(&tape);
	assert_string_equal(text(), "before");
}

static void refused(void **state)
{
	static const struct {
		const char *text;
		int ret;
		const char *part;
	} files[] = {
		{ "id,name\n", -1, "is no recording" },
		{ "", -1, "is no recording" },
		{ "[1]", -1, "is no recording" },
		{ "{\"tape\":1}", -1, "is no recording" },
		{ "{\"tape\":9,\"agent\":\"hr\",\"step\":\"full-import\"}", -1,
		  "another version" },
		{ "{\"tape\":1,\"agent\":\"ad\",\"step\":\"delta-import\"}", -1,
		  "agent 'ad', not of 'hr'" },
		{ "{\"tape\":1,\"agent\":\"hr\",\"step\":\"full-import\"}", 0,
		  "of a full-import, this step is a delta-import" },
	};
	struct connector tape;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		write_text(files[i].text);
		assert_int_equal(replay(&tape), files[i].ret);
		if (!strstr(err.msg, files[i].part))
			fail_msg("%s", err.msg);
	}
	(void)unlink(path);
	assert_int_equal(replay(&tape), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
}

#define HEAD "{\"tape\":1,\"agent\":\"hr\",\"step\":\"delta-import\"}\n"

static void damaged(void **state)
{
	static const struct {
		const char *text;
		const char *part;
	} files[] = {
		{ HEAD, ":2: the recording ends in the middle" },
		{ HEAD "{\"end\":1}\n", ":2: objects of the recording" },
		{ HEAD "{\"op\":\"x\"}\n", ":2: this line is not one" },
		{ HEAD "{\"op\":\"object\",\"anchor\":{}}\n", ":2: this line" },
		{ HEAD "{\"op\":\"object\",\"attrs\":[{}]}\n",
		  ":2: this line" },
		{ HEAD "{\"op\":\"object\",\"attrs\":[{\"name\":\"name\","
		       "\"values\":[{\"binary\":\"%\"}]}]}\n",
		  ":2: this line" },
		{ HEAD "{\"op\":\n", ":2: " },
	};
	struct connector tape;
	struct change change;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		write_text(files[i].text);
		assert_int_equal(replay(&tape), 1);
		assert_int_equal(connector_next(&tape, &arena, &change, &err),
				 -1);
		if (!strstr(err.msg, files[i].part))
			fail_msg("%s", err.msg);
		connector_close(&tape);
	}
}

/* The configuration has changed since. */
static void not_asked_for(void **state)
{
	struct connector tape;
	struct change change;

	(void)state;
	write_text(HEAD
		   "{\"op\":\"object\",\"type\":\"person\",\"anchor\":\"1\","
		   "\"attrs\":[{\"name\":\"old\",\"values\":[\"x\"]}]}\n"
		   "{\"op\":\"object\",\"type\":\"robot\",\"anchor\":\"2\"}\n"
		   "{\"end\":2}\n");
	assert_int_equal(replay(&tape), 1);
	next(&tape, &change);
	assert_int_equal(change.attr_count, 0);
	next(&tape, &change);
	assert_int_equal(change.op, CHANGE_ERROR);
	assert_string_equal(change.error, "unmappable-object-type");
	assert_true(sv_eq_str(change.anchor, "2"));
	assert_int_equal(connector_next(&tape, &arena, &change, &err), 0);
	connector_close(&tape);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_there_is), TEST(no_password), TEST(broken_off),
		TEST(refused),      TEST(damaged),     TEST(not_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
