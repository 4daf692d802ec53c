/*
 * test_message.c - lines of the connector protocol
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/exec/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct test {
	struct message_parser *parser;
	struct arena arena;
	struct message *message;
	struct error err;
};

static int set_up(void **state)
{
	struct test *t = mem_zalloc(sizeof(*t));

	t->parser = message_parser_new();
	*state = t;
	return 0;
}

static int take_down(void **state)
{
	struct test *t = *state;

	message_parser_free(t->parser);
	arena_release(&t->arena);
	mem_free(t);
	return 0;
}

static int parse(struct test *t, const char *line)
{
	error_clear(&t->err);
	return message_parse(t->parser, sv_from(line), &t->arena, &t->message,
			     &t->err);
}

static void refused(struct test *t, const char *line, const char *why)
{
	assert_int_equal(parse(t, line), -1);
	if (!strstr(t->err.msg, why))
		fail_msg("'%s' is not in '%s'", why, t->err.msg);
	/* and the next line is read as ever */
	assert_int_equal(parse(t, "{\"msg\":\"ok\"}"), 0);
}

static void members_are_found(void **state)
{
	struct test *t = *state;
	int64_t number = 0;

	assert_int_equal(parse(t, " {\"msg\":\"e\\u00e9\\\"\",\"n\":-12,"
				  "\"x\":1.5,\"on\":true,\"off\":false,"
				  "\"no\":null,\"list\":[1,\"a\",{}]} "),
			 0);
	assert_true(sv_eq_str(message_text(t->message, "msg"), "e\xc3\xa9\""));
	assert_int_equal(message_number(t->message, "n", &number), 1);
	assert_int_equal(number, -12);
	assert_int_equal(message_number(t->message, "x", &number), 0);
	assert_true(message_true(t->message, "on"));
	assert_false(message_true(t->message, "off"));
	assert_int_equal(message_get(t->message, "no")->kind, MESSAGE_NULL);
	assert_int_equal(message_get(t->message, "list")->count, 3);
	assert_null(message_get(t->message, "nothing"));
}

static void texts_stay_in_the_line(void **state)
{
	static const char line[] = "{\"msg\":\"plain\"}";
	struct test *t = *state;

	assert_int_equal(parse(t, line), 0);
	assert_ptr_equal(message_text(t->message, "msg").ptr, line + 8);
}

static void rubbish_is_refused(void **state)
{
	struct test *t = *state;

	refused(t, "Hello, world", "not JSON");
	refused(t, "", "no whole JSON object");
	refused(t, "12", "one object");
	refused(t, "[1]", "one object");
	refused(t, "{\"a\":1}{\"b\":2}", "one object");
	refused(t, "{\"a\":1} 7", "one object");
	refused(t, "{\"a\":", "no whole JSON object");
	refused(t, "{\"a\":\"x", "not JSON");
	refused(t, "{\"a\":\"\xff\"}", "not UTF-8");
	refused(t, "{\"a\":NaN}", "not JSON");
}

static void limits_are_kept(void **state)
{
	struct test *t = *state;
	struct strbuf line = STRBUF_INIT(STRBUF_NO_LIMIT);
	int i;

	refused(t, "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "16 deep");
	assert_int_equal(parse(t, "{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}"),
			 0);
	strbuf_adds(&line, "{\"a\":[1");
	for (i = 0; i < MESSAGE_NODES; i++)
		strbuf_adds(&line, ",1");
	strbuf_adds(&line, "]}");
	refused(t, strbuf_cstr(&line), "1,000,000");
	strbuf_release(&line);
}

static void texts_go_out_escaped(void **state)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);

	(void)state;
	message_put_text(&out, SV_LIT("a\"b\\c\nd\001e\xc3\xa9"));
	message_put_value(&out, SV_LIT("x\0y"), false);
	message_put_value(&out, SV_LIT("\xff"), false);
	message_put_value(&out, SV_LIT("x"), true);
	assert_string_equal(strbuf_cstr(&out),
			    "\"a\\\"b\\\\c\\nd\\u0001e\xc3\xa9\""
			    "{\"b64\":\"eAB5\"}{\"b64\":\"/w==\"}"
			    "{\"b64\":\"eA==\"}");
	strbuf_release(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, take_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(members_are_found),    TEST(texts_stay_in_the_line),
		TEST(rubbish_is_refused),   TEST(limits_are_kept),
		TEST(texts_go_out_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
