/*
 * test_template_fill.c - what stands in {{...}}, and that no value gets out of
 * its place
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/template_fill.h"

#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char SETTINGS[] =
	"who: Ann Lee\n"
	"name: london\n"
	"blank: 'x '\n"
	"unit: 'OU=O''Hara \\\"x\\\"\\, #1,DC=test'\n"
	"off: 'false'\n"
	"none: []\n"
	"parts: [a, b c]\n"
	"source: { name: hr, gets: 'true', parts: [x, y] }\n"
	"forests:\n"
	"  - { name: rome, target: OU=X, gets: 'true', of: [one, two] }\n"
	"  - { name: paris, target: '', gets: 'false', of: [] }\n";

static int fill(const char *text, struct strbuf *out, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct node *settings = NULL;
	struct fill_scope top = { NULL, NULL };
	int ret = config_yaml("settings.yaml", sv_from(SETTINGS), &arena,
			      &settings, err);

	top.node = settings;
	if (ret == 0)
		ret = template_fill(sv_from(text), &top, out, err);
	arena_release(&arena);
	return ret;
}

static void gives(const char *text, const char *expected)
{
	struct strbuf out = STRBUF_INIT(4096);
	struct error err = ERROR_INIT;

	if (fill(text, &out, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	assert_string_equal(strbuf_cstr(&out), expected);
	strbuf_release(&out);
}

static void fails(const char *text, const char *expected)
{
	struct strbuf out = STRBUF_INIT(4096);
	struct error err = ERROR_INIT;

	assert_int_equal(fill(text, &out, &err), -1);
	assert_non_null(strstr(err.msg, expected));
	strbuf_release(&out);
}

static void values_fit_their_place(void **state)
{
	(void)state;
	gives("a: {{name}}", "a: london");
	gives("a: {{who}}", "a: Ann Lee");
	gives("a: {{blank}}", "a: 'x '");
	gives("a: {{unit}}", "a: 'OU=O''Hara \\\"x\\\"\\, #1,DC=test'");
	gives("# {{who}} and {{unit}}",
	      "# Ann Lee and OU=O'Hara \\\"x\\\"\\, #1,DC=test");
	gives("a: '[b] = {{who}}'", "a: '[b] = \"Ann Lee\"'");
	gives("a: '\",{{unit}}\"'",
	      "a: '\",OU=O''Hara \\\\\"\"x\\\\\"\"\\\\, #1,DC=test\"'");
	gives("contact_{{name}}: %{{name}}_x%", "contact_london: %london_x%");
	gives("a: '%{{name}}_x% & [{{name}}]'", "a: '%london_x% & [london]'");
	fails("contact_{{who}}: x",
	      "line 1 of the template: no part of a name");
	fails("\na: '[{{who}}]'", "line 2");
}

/* A quote, a blank or '#' of the template itself tells where a value is. */
static void places_are_told_apart(void **state)
{
	(void)state;
	gives("a: 'x'  # it's {{who}}\nb: {{who}}",
	      "a: 'x'  # it's Ann Lee\nb: Ann Lee");
	gives("a: 'it''s \"{{who}}\"' # {{who}}",
	      "a: 'it''s \"Ann Lee\"' # Ann Lee");
	gives("a: x#{{name}}", "a: x#london");
	gives("[ '{{who}}', {{who}} ]", "[ '\"Ann Lee\"', Ann Lee ]");
}

static void lists(void **state)
{
	(void)state;
	gives("a: {{list parts}}", "a: [a, b c]");
	gives("a: {{list none}}", "a: []");
	gives("a: {{list forests.name}}", "a: [rome, paris]");
	gives("{{#each parts}}\n- {{.}}\n{{/each}}\nend", "- a\n- b c\nend");
	gives("x: '{{#each parts \" || \"}}f({{.}}){{/each}}'",
	      "x: 'f(\"a\") || f(\"b c\")'");
	gives("{{#each none}}x{{/each}}{{#each missing}}x{{/each}}", "");
	gives("{{#each forests}}{{name}}:{{#each of}}{{.}},{{/each}};{{/each}}",
	      "rome:one,two,;paris:;");
	gives("{{#each forests}}{{name}}>{{#others forests \"+\"}}{{name}}"
	      "{{/others}} {{/each}}",
	      "rome>paris paris>rome ");
	fails("a: {{list who}}", "no list 'who'");
	fails("a: {{parts}}", "no value 'parts'");
}

static void maps(void **state)
{
	(void)state;
	gives("{{source.name}}: [{{list source.parts}}]", "hr: [[x, y]]");
	gives("{{#if source.gets}}a{{/if}}{{#if source.none}}b{{/if}}", "a");
	gives("{{#each source.parts \"+\"}}{{.}}{{/each}}", "x+y");
	fails("a: {{source.none}}", "no value 'source.none'");
}

static void conditions(void **state)
{
	(void)state;
	gives("{{#if who}}yes{{else}}no{{/if}}", "yes");
	gives("{{#if off}}yes{{else}}no{{/if}}", "no");
	gives("{{#if none}}yes{{else}}no{{/if}}", "no");
	gives("{{#if missing}}yes{{/if}}{{#if not missing}}no{{/if}}", "no");
	gives("{{#if forests.gets}}some{{/if}}", "some");
	gives("{{#if forests.missing}}some{{/if}}", "");
	gives("{{#if off}}{{#each parts}}x{{/each}}{{missing}}{{/if}}.", ".");
	gives("a\n  {{#if who}}\n  b\n  {{else}}\n  c\n  {{/if}}\nd\n",
	      "a\n  b\nd\n");
	/* what is nearer hides what is further away */
	gives("{{#each forests}}{{#if target}}{{name}}{{/if}}{{/each}}",
	      "rome");
}

static void mistakes(void **state)
{
	(void)state;
	fails("a\n{{#if who}}\nb", "not closed: 'if'");
	fails("{{#each parts}}{{/if}}", "not closed: 'each'");
	fails("{{/each}}", "nothing is open for 'each'");
	fails("{{nobody}}", "no value 'nobody'");
	gives("a {{ b", "a {{ b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_fit_their_place),
		cmocka_unit_test(places_are_told_apart),
		cmocka_unit_test(lists),
		cmocka_unit_test(maps),
		cmocka_unit_test(conditions),
		cmocka_unit_test(mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
