/*
 * test_yaml.c - nodes, places, anchors, merge keys, broken files
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "folder.h"

#include "config/config_private.h"

struct fixture {
	struct snapshot snapshot;
	struct loader loader;
};

static struct node *parse(struct fixture *f, const char *text)
{
	memset(f, 0, sizeof(*f));
	f->loader.snapshot = &f->snapshot;
	f->loader.config = &f->snapshot.config;
	f->loader.arena = &f->snapshot.arena;
	return yaml_parse(&f->loader, "a.yaml", sv_from(text));
}

static void done(struct fixture *f, const char *problems)
{
	problems_finish(&f->loader);
	expect_problems(f->loader.config, problems);
	vec_release(&f->loader.problems);
	arena_release(&f->snapshot.arena);
}

static void assert_node(const struct node *node, const char *text, int line,
			int column)
{
	assert_non_null(node);
	assert_true(sv_eq_str(node->text, text));
	assert_int_equal(node->line, line);
	assert_int_equal(node->column, column);
	assert_string_equal(node->file, "a.yaml");
}

static void places(void **state)
{
	struct fixture f;
	struct node *root = parse(&f, "# first\n"
				      "a:\n"
				      "  b: no\n"
				      "  c: 'it''s'\n"
				      "  d: \"x\"\n"
				      "l: [ 007, null ]\n"
				      "m:\n"
				      "  - { k: v }\n"
				      "e:\n");

	(void)state;
	assert_node(node_get(node_get(root, "a"), "b"), "no", 3, 6);
	assert_node(node_get(node_get(root, "a"), "c"), "it's", 4, 6);
	assert_true(node_get(node_get(root, "a"), "c")->quoted);
	assert_node(node_get(node_get(root, "a"), "d"), "x", 5, 6);
	assert_node(node_get(root, "l")->items[0], "007", 6, 6);
	assert_node(node_get(root, "l")->items[1], "null", 6, 11);
	assert_int_equal(node_get(root, "m")->items[0]->line, 8);
	assert_int_equal(node_get(root, "m")->items[0]->column, 5);
	assert_node(root->keys[0], "a", 2, 1);
	assert_true(read_absent(node_get(root, "e")));
	assert_null(read_find(root, "e"));
	done(&f, "");
}

static void anchors_and_merge_keys(void **state)
{
	struct fixture f;
	struct node *root = parse(&f, "base: &b { x: 1, y: 2 }\n"
				      "more: &m { y: 3, z: 4 }\n"
				      "one: { <<: *b, y: own }\n"
				      "two: { w: 0, <<: [*m, *b] }\n"
				      "same: *b\n");
	const struct node *one = node_get(root, "one");
	const struct node *two = node_get(root, "two");

	(void)state;
	assert_int_equal(one->len, 2);
	assert_node(node_get(one, "x"), "1", 1, 15);
	assert_node(node_get(one, "y"), "own", 3, 19);
	assert_int_equal(two->len, 4);
	assert_node(node_get(two, "y"), "3", 2, 15);
	assert_node(node_get(two, "x"), "1", 1, 15);
	assert_node(node_get(two, "w"), "0", 4, 11);
	assert_ptr_equal(node_get(root, "same"), node_get(root, "base"));
	done(&f, "");
}

static void empty_file_is_an_empty_map(void **state)
{
	struct fixture f;
	const struct node *root = parse(&f, "# nothing\n");

	(void)state;
	assert_int_equal(root->kind, NODE_MAP);
	assert_int_equal(root->len, 0);
	done(&f, "");
}

static void second_key(void **state)
{
	struct fixture f;
	const struct node *root = parse(&f, "a: 1\nb: 2\na: 3\n");

	(void)state;
	assert_node(node_get(root, "a"), "1", 1, 4);
	done(&f, "a.yaml:3:1: 'a' stands here a second time: it was given on "
		 "line 1\n");
}

static void broken(const char *text, const char *problems)
{
	struct fixture f;

	assert_null(parse(&f, text));
	done(&f, problems);
}

static void broken_files(void **state)
{
	(void)state;
	broken("a: 1\n  b: 3\n",
	       "a.yaml:1:4: not valid YAML: invalid multiline plain key\n");
	broken("a: 1\nb: *x\n", "a.yaml:2:5: no anchor '&x' stands before "
				"this alias\n");
	broken("a: &a [ *a ]\n", "a.yaml:1:10: no anchor '&a' stands before "
				 "this alias\n");
	broken("a: 1\nb: \xff\n",
	       "a.yaml:2:4: not UTF-8: save the file in this encoding\n");
	broken("a: \x01\n", "a.yaml:1:4: a control character; remove it\n");
	broken("? [x]\n: 1\n", "a.yaml:1:3: a key must be a name, not a list "
			       "or a map\n");
	broken("a: { <<: 1 }\n",
	       "a.yaml:1:10: '<<' takes a map or a list of maps\n");
	broken("a: 1\n---\nb: 2\n",
	       "a.yaml:3:1: a file holds one document only\n");
}

static void aliases_are_bounded(void **state)
{
	struct strbuf text = STRBUF_INIT(1 << 16);
	struct fixture f;
	int i;

	(void)state;
	strbuf_adds(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (i = 1; i < 20; i++)
		strbuf_addf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d]\n",
			    i, i, i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_null(parse(&f, strbuf_cstr(&text)));
	assert_int_equal(f.loader.problems.len, 1);
	strbuf_reset(&text);
	problems_finish(&f.loader);
	assert_non_null(strstr(f.loader.config->problems[0].text,
			       "more than 200000 values"));
	vec_release(&f.loader.problems);
	arena_release(&f.snapshot.arena);
	for (i = 0; i < 100; i++)
		strbuf_adds(&text, "[");
	assert_null(parse(&f, strbuf_cstr(&text)));
	problems_finish(&f.loader);
	assert_string_equal(f.loader.config->problems[0].text,
			    "nested too deeply: 64 levels at most");
	vec_release(&f.loader.problems);
	arena_release(&f.snapshot.arena);
	strbuf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places),
		cmocka_unit_test(anchors_and_merge_keys),
		cmocka_unit_test(empty_file_is_an_empty_map),
		cmocka_unit_test(second_key),
		cmocka_unit_test(broken_files),
		cmocka_unit_test(aliases_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
