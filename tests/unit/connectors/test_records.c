/*
 * test_records.c - what files of records tell: values, places of errors, files
 * that are not complete, what stays of a file that is rewritten
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/records.h"

#include "session.h"

static const struct attr_def person_attrs[] = {
	{ .name = "id", .type = VALUE_STRING },
	{ .name = "last", .type = VALUE_STRING },
	{ .name = "phones", .type = VALUE_STRING, .multi = true },
	{ .name = "age", .type = VALUE_INTEGER },
	{ .name = "name/given", .type = VALUE_STRING },
	{ .name = "picture", .type = VALUE_BINARY },
};
static const struct attr_def team_attrs[] = {
	{ .name = "id", .type = VALUE_STRING },
};
static const struct object_type types[] = {
	{ "person", person_attrs, 6 },
	{ "team", team_attrs, 1 },
};

/* A table must have a column for each attribute. */
static const struct object_type narrow[] = {
	{ "person", person_attrs, 2 },
	{ "team", team_attrs, 1 },
};

static struct session s;

static int tear_down(void **state)
{
	(void)state;
	session_remove(&s);
	return 0;
}

static void begin(const struct connector_ops *ops, const char *settings,
		  const char *text)
{
	session_make(&s, ops, types, 2);
	set_connect(&s, settings);
	assert_int_equal(scratch_write(&s.scratch, "f", text), 0);
}

static void file(const char *text)
{
	assert_int_equal(scratch_write(&s.scratch, "f", text), 0);
}

#define FULL() import(&s, IMPORT_FULL)

/* The import fails, and says this. */
static void fails(const char *message)
{
	const char *told = FULL();

	if (!strstr(told, message) && !strstr(s.err.msg, message))
		fail_msg("'%s' and '%s', not '%s'", told, s.err.msg, message);
}

static void update(enum attr_op op, size_t attr, const char *value)
{
	struct value text = value_string(sv_from(value));
	struct attr_change change = { attr, op, { &text, value ? 1 : 0 } };
	struct export_op ex = { .id = 1,
				.kind = EXPORT_UPDATE,
				.anchor = SV_LIT("1"),
				.attrs = &change,
				.attr_count = 1 };

	assert_string_equal(export(&s, &ex, 1), "1 ok 1\n");
}

static void becomes(const char *text)
{
	struct sv now = scratch_read(&s.scratch, "f");

	assert_string_equal(arena_cstr(&s.scratch.arena, now), text);
}

/* --- JSON -------------------------------------------------------------- */

static void jsonl_values(void **state)
{
	(void)state;
	begin(&jsonl_connector, "path: f; anchor: id; type: kind",
	      "{\"ID\":1.50,\"kind\":\"Person\",\"phones\":[\"1\",[2],null,"
	      "{\"x\":3}],\"last\":\"a\\u00e9\\ud83d\\ude00\\\"\"}\n"
	      "\n"
	      "{\"id\":\"t\",\"kind\":\"team\",\"last\":\"no\"}\n"
	      "{\"id\":\"p\",\"kind\":\"person\",\"picture\":\"YWI=\"}\n");
	assert_string_equal(FULL(),
			    "object person 1.50: id=1.50 "
			    "last=a\xC3\xA9\xF0\x9F\x98\x80\" phones=1,2\n"
			    "object team t: id=t\n"
			    "object person p: id=p picture=ab(binary)\n");
}

static void jsonl_errors(void **state)
{
	(void)state;
	begin(&jsonl_connector, "path: f; anchor: id; type: kind",
	      "{\"kind\":\"person\",\n"
	      "{\"id\":\"1\",\"kind\":\"person\",\"last\":\"\\q\"}\n"
	      "{\"kind\":\"person\"}\n"
	      "{\"id\":\"2\"}\n"
	      "[1]\n"
	      "{\"id\":\"3\",\"kind\":\"person\",\"picture\":\"*\"}\n");
	assert_string_equal(
		FULL(), "error parse-error f:1:18 [] a string should be here\n"
			"error parse-error f:2:35 [1] not an escape that JSON "
			"knows\n"
			"error missing-anchor-component f:3:1 [] the anchor "
			"'id' has no value\n"
			"error missing-object-type f:4:1 [2] the type of the "
			"record is not told\n"
			"error parse-error f:5:1 [] a record should be here: "
			"{ ... }\n"
			"error invalid-attribute-value f:6:37 [3] 'picture' "
			"is not base64\n");
}

static void json_not_complete(void **state)
{
	static const char *const texts[] = { "",
					     "{\"d\":",
					     "{\"d\":[",
					     "{\"d\":[{\"id\":\"1\"}",
					     "{\"d\":[{\"id\":\"1\"},",
					     "{\"d\":[{\"id\":\"1\"},{\"a",
					     "{\"d\":[{\"id\":\"1\"}]" };
	size_t i;

	(void)state;
	begin(&json_connector, "path: f; anchor: id; records: d; types.x.y: z",
	      "");
	set_connect(&s, "path: f; anchor: id; records: d; type: kind");
	for (i = 1; i < sizeof(texts) / sizeof(*texts); i++) {
		file(texts[i]);
		fails("is not complete");
	}
	file("{\"e\":[]}");
	fails("has no member 'd'");
	file("{\"d\":{}}");
	fails("the list of records should be here");
	file("{\"d\":[{} {}]}");
	fails("f:1:10: a comma or the end");
	file("{\"d\":[]} x");
	fails("something stands behind the end");
}

static void json_stays(void **state)
{
	(void)state;
	begin(&json_connector, "path: f; anchor: id; records: d; type: kind",
	      "{\"v\": 1, \"d\" : [\n"
	      "  { \"id\": \"1\", \"kind\": \"person\", \"x\": [1, {}],\n"
	      "    \"last\": \"A\" },\n"
	      "  {\"id\":\"2\",  \"kind\":\"person\"}\n"
	      "], \"w\": 2}\n");
	update(ATTR_REPLACE, 1, "B\"");
	update(ATTR_ADD, 2, "11");
	update(ATTR_REPLACE, 3, "42");
	becomes("{\"v\": 1, \"d\" : [\n"
		"  { \"id\": \"1\", \"kind\": \"person\", \"x\": [1, {}],\n"
		"    \"last\": \"B\\\"\",\n"
		"    \"phones\": [\"11\"],\n"
		"    \"age\": 42 },\n"
		"  {\"id\":\"2\",  \"kind\":\"person\"}\n"
		"], \"w\": 2}\n");
}

/* --- fixed ------------------------------------------------------------- */

static struct node *column(const char *name, const char *width)
{
	struct node *map = map_node(&s);

	add_key(&s, map, "name", text_node(&s, name));
	add_key(&s, map, "width", text_node(&s, width));
	return map;
}

static struct node *columns(const char *first, const char *second)
{
	struct node *list = map_node(&s);

	list->kind = NODE_LIST;
	add_key(&s, list, "item", column("", "1"));
	add_key(&s, list, "item", column(first, "2"));
	if (second)
		add_key(&s, list, "item", column(second, "4"));
	return list;
}

static struct node *connect(void)
{
	/* the configuration borrows what the test made */
	union {
		const struct node *from;
		struct node *to;
	} node = { .from = s.config.connect };

	return node.to;
}

static void begin_fixed(const char *settings, const char *text)
{
	begin(&fixed_connector, settings, text);
	s.config.types = narrow;
	s.config.type_count = 1;
	add_key(&s, connect(), "columns", columns("id", "last"));
}

static void fixed_values(void **state)
{
	(void)state;
	begin_fixed("path: f; anchor: id",
		    "x1 \xC3\x84\xC3\x96  \r\nx2 abc \n\nx3 abcde\nx4 a\n\x1A");
	assert_string_equal(
		FULL(), "object person 1: id=1 last=\xC3\x84\xC3\x96\n"
			"object person 2: id=2 last=abc\n"
			"error parse-error f:4:8 [3] 8 characters where the "
			"columns take 7\n"
			"error parse-error f:5:5 [4] 4 characters where the "
			"columns take 7\n");
}

static void fixed_not_complete(void **state)
{
	(void)state;
	begin_fixed("path: f; anchor: id; header: 1; trailer.begins: T; "
		    "trailer.start: 2; trailer.width: 2",
		    "head\nx1 abcd\nx2 abcd\nT02\n");
	assert_string_equal(FULL(), "object person 1: id=1 last=abcd\n"
				    "object person 2: id=2 last=abcd\n");
	file("head\nx1 abcd\nT02\n");
	fails("'f' has 1 records, its trailer says 2: it is not complete");
	file("head\nx1 abcd\nx2 abcd\n");
	fails("has no trailer");
	file("head\nx1 abcd\nT01\nx2 abcd\n");
	fails("lines follow behind the trailer");
	file("");
	fails("ends within its header");
	file("head\nx1 abcd\nx2 abcd\nT02\n");
	update(ATTR_REPLACE, 1, "b");
	becomes("head\nx1 b   \nx2 abcd\nT02\n");
}

static void fixed_layouts(void **state)
{
	struct node *layouts;
	struct node *person;
	struct node *team;

	(void)state;
	begin(&fixed_connector, "path: f; anchor: id",
	      "P1 abcd\nTz \nX?\nPyyefg \n");
	s.config.types = narrow;
	layouts = map_node(&s);
	person = map_node(&s);
	team = map_node(&s);
	add_key(&s, person, "begins", text_node(&s, "P"));
	add_key(&s, person, "columns", columns("id", "last"));
	add_key(&s, team, "begins", text_node(&s, "T"));
	add_key(&s, team, "columns", columns("id", NULL));
	add_key(&s, layouts, "person", person);
	add_key(&s, layouts, "team", team);
	add_key(&s, connect(), "layouts", layouts);
	s.filtered = true;
	assert_string_equal(FULL(), "object person 1: id=1 last=abcd\n"
				    "object team z: id=z\n"
				    "filtered f:3:1 \n"
				    "object person yy: id=yy last=efg\n");
}

/* --- avp --------------------------------------------------------------- */

static void avp_stays(void **state)
{
	(void)state;
	begin(&avp_connector, "path: f; anchor: id",
	      "# all\n\nid: 1\n# his\nphones:1\nlast:\t a: b \nphones: 2\n"
	      "\n\nid: 2\nlast:: IGI=\n");
	s.config.type_count = 1;
	assert_string_equal(FULL(),
			    "object person 1: id=1 last=a: b phones=1,2\n"
			    "object person 2: id=2 last= b\n");
	update(ATTR_ADD, 2, "3");
	update(ATTR_REPLACE, 1, NULL);
	becomes("# all\n\nid: 1\n# his\nphones: 1\nphones: 2\nphones: 3\n"
		"\n\nid: 2\nlast:: IGI=\n");
}

static void avp_others(void **state)
{
	(void)state;
	begin(&avp_connector, "path: f; anchor: id; assign: =; first: id",
	      "id=1\nlast= x=y\nid=2\nlast\nid=3\n");
	s.config.type_count = 1;
	assert_string_equal(FULL(),
			    "object person 1: id=1 last=x=y\n"
			    "error parse-error f:4:1 [2] a line that is not a "
			    "name and a value\n"
			    "object person 3: id=3\n");
}

/* --- XML --------------------------------------------------------------- */

static void xml_stays(void **state)
{
	(void)state;
	begin(&xml_connector, "path: f; anchor: @id; records: a/p:b; type: .",
	      "<a/>");
	set_connect(&s, "path: f; anchor: id; records: a/person");
	s.config.type_count = 1;
	file("<?xml version='1.0' encoding='ISO-8859-1'?>\n"
	     "<a><!-- kept -->\n"
	     "  <person x='1'>\n    <id>1</id>\n"
	     "    <last lang=\"de\">M\xFCller</last><phones/>\n"
	     "  </person>\n  <else/>\n</a>\n");
	assert_string_equal(FULL(),
			    "object person 1: id=1 last=M\xC3\xBCller\n");
	update(ATTR_REPLACE, 1, "\xC3\x84 & <b>");
	update(ATTR_ADD, 2, "11");
	update(ATTR_ADD, 2, "12");
	update(ATTR_REPLACE, 4, "Ada");
	becomes("<?xml version='1.0' encoding='ISO-8859-1'?>\n"
		"<a><!-- kept -->\n"
		"  <person x='1'>\n    <id>1</id>\n"
		"    <last lang=\"de\">\xC4 &amp; &lt;b&gt;</last>"
		"<phones>11</phones><phones>12</phones>\n"
		"    <name><given>Ada</given></name>\n"
		"  </person>\n  <else/>\n</a>\n");
}

static void xml_refused(void **state)
{
	(void)state;
	begin(&xml_connector, "path: f; anchor: id; records: a/b", "");
	s.config.type_count = 1;
	file("<!DOCTYPE a [<!ENTITY e 'x'>]><a><b><id>&e;</id></b></a>");
	fails("a document type, which is not taken");
	file("<a><b><id>1</id></b>");
	fails("f:1:21: no element found");
	file("<a><b><id>1</id></b></c>");
	fails("f:1:23: mismatched tag");
	file("<a><b><id>&e;</id></b></a>");
	fails("undefined entity");
}

/* --- workbooks and tables ---------------------------------------------- */

static void no_workbook(void **state)
{
	(void)state;
	begin(&xlsx_connector, "path: f; anchor: id", "PK no");
	s.config.type_count = 1;
	fails("is no workbook");
	s.ops = &dbf_connector;
	fails("is no dBase table");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(jsonl_values),      TEST(jsonl_errors),
		TEST(json_not_complete), TEST(json_stays),
		TEST(fixed_values),      TEST(fixed_not_complete),
		TEST(fixed_layouts),     TEST(avp_stays),
		TEST(avp_others),        TEST(xml_stays),
		TEST(xml_refused),       TEST(no_workbook),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
