/*
 * test_csv.c - what the csv connector makes of files and settings
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/csv/csv.h"

#include "base/hash.h"
#include "session.h"

#include <sys/stat.h>

static const struct attr_def person_attrs[] = {
	{ .name = "id", .type = VALUE_STRING },
	{ .name = "last", .type = VALUE_STRING },
	{ .name = "phones",
	  .type = VALUE_STRING,
	  .multi = true,
	  .separator = { "/", 1 } },
};
static const struct attr_def team_attrs[] = {
	{ .name = "name", .type = VALUE_STRING },
};
static const struct object_type types[] = {
	{ "person", person_attrs, 3 },
	{ "team", team_attrs, 1 },
};

static struct session s;

static int set_up(void **state)
{
	(void)state;
	session_make(&s, &csv_connector, types, 1);
	set_connect(&s, "path: hr.csv; anchor: id");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	session_remove(&s);
	return 0;
}

static void hr(const char *text)
{
	assert_int_equal(scratch_write(&s.scratch, "hr.csv", text), 0);
}

static void delta(const char *text)
{
	assert_int_equal(scratch_write(&s.scratch, "delta.csv", text), 0);
}

#define FULL()  import(&s, IMPORT_FULL)
#define DELTA() import(&s, IMPORT_DELTA)

static void values(void **state)
{
	(void)state;
	hr("last,extra,id,phones\n"
	   "Adams,x,1,11/ 12 //13\n"
	   ",x,2,\n"
	   " Brown ,x,3,/\n");
	assert_string_equal(FULL(),
			    "object person 1: id=1 last=Adams phones=11,12,13\n"
			    "object person 2: id=2\n"
			    "object person 3: id=3 last= Brown \n");
	set_connect(&s, "path: hr.csv; anchor: id; trim: yes; null: x");
	hr("ID,Last,phones\n1, Adams ,x\n x,a,b\n");
	assert_string_equal(FULL(),
			    "object person 1: id=1 last=Adams\n"
			    "error missing-anchor-component hr.csv:3:2 [] the "
			    "anchor 'ID' has no value\n");
}

static void comments(void **state)
{
	struct export_op op = op_of(1, EXPORT_UPDATE, "2", NULL);

	(void)state;
	set_connect(&s, "path: hr.csv; anchor: id; comment: #");
	hr("# all\n\nid,last,phones\n#1,no,\n2,#a,\n\"#3\",\"x\n#y\",\n# e");
	assert_string_equal(FULL(), "object person 2: id=2 last=#a\n"
				    "object person #3: id=#3 last=x\n#y\n");
	set_attrs(&s, &op, "last=#b");
	assert_string_equal(export(&s, &op, 1), "1 ok 2\n");
	assert_string_equal(arena_cstr(&s.scratch.arena,
				       scratch_read(&s.scratch, "hr.csv")),
			    "# all\n\nid,last,phones\n#1,no,\n2,\"#b\",\n"
			    "\"#3\",\"x\n#y\",\n# e\n");
}

static void bad_rows(void **state)
{
	(void)state;
	hr("id,last,phones\n"
	   "1,Adams\n"
	   "2,Brown,22,more\n"
	   ",Cook,33\n"
	   "4,D\xFC"
	   "ring,44\n"
	   "5,\"Ed,55\n"
	   "6,Fox,66\n");
	assert_string_equal(
		FULL(),
		"error parse-error hr.csv:2:8 [1] 2 columns where the header "
		"has 3\n"
		"error parse-error hr.csv:3:12 [2] 4 columns where the header "
		"has 3\n"
		"error missing-anchor-component hr.csv:4:1 [] the anchor 'id' "
		"has no value\n"
		"error invalid-attribute-value hr.csv:5:3 [4] 'last' has bytes "
		"that are not in the file's encoding\n"
		"error parse-error hr.csv:6:3 [5] a quote is opened here and "
		"not closed\n"
		"object person 6: id=6 last=Fox phones=66\n");
}

/* A row's bytes, and a number for what gives them their meaning. */
static const char *bytes_of_rows(void)
{
	struct hash_key key = { { 1 } };
	struct connector connector;
	struct change change;
	struct error err = ERROR_INIT;

	strbuf_reset(&s.log);
	assert_int_equal(connector_open(&connector, s.ops, &s.config, &err), 0);
	assert_int_equal(
		connector_import_begin(&connector, IMPORT_FULL, SV_NULL, &err),
		0);
	while (connector_next_deferred(&connector, &s.scratch.arena, &change,
				       &err) > 0)
		strbuf_addf(&s.log, SV_FMT "=" SV_FMT " %x\n",
			    SV_ARG(change.anchor), SV_ARG(change.raw),
			    (unsigned)hash64(&key, change.raw_context));
	connector_close(&connector);
	return arena_printf(&s.scratch.arena, "%s", strbuf_cstr(&s.log));
}

static void rows_as_bytes(void **state)
{
	static const char *const others[] = {
		"path: hr.csv; anchor: id; null: x",
		"path: hr.csv; anchor: id; trim: yes",
		"path: hr.csv; anchor: last",
		"path: hr.csv; anchor[]: id|last",
		"path: hr.csv; anchor: id; quote: none",
	};
	const char *first;
	size_t i;

	(void)state;
	hr("id,last,phones\r\n1,a,\r\n\n2,b,\n");
	first = bytes_of_rows();
	assert_true(sv_starts(sv_from(first), SV_LIT("1=1,a, ")));
	assert_true(strstr(first, "\n2=2,b, ") != NULL);
	hr("id,last,phones\n1,a,\n2,b,");
	assert_string_equal(bytes_of_rows(), first);
	for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
		set_connect(&s, others[i]);
		assert_string_not_equal(bytes_of_rows(), first);
	}
	set_connect(&s, "path: hr.csv; anchor: id");
	hr("id,phones,last\n1,a,\n2,b,\n");
	assert_string_not_equal(bytes_of_rows(), first);
	/* of a quoted row all of it */
	hr("id,last,phones\n1,\"a\nb\",\n");
	first = bytes_of_rows();
	assert_true(sv_starts(sv_from(first), SV_LIT("1=1,\"a\nb\",")));
}

static void bytes_in_a_column_that_nobody_wants(void **state)
{
	(void)state;
	hr("id,note,last,phones\n1,\xFC,Adams,\n\xFC,x,Brown,\n");
	assert_string_equal(FULL(),
			    "object person 1: id=1 last=Adams\n"
			    "error invalid-attribute-value hr.csv:3:1 [] the "
			    "anchor 'id' is not in the file's encoding\n");
}

static void nul_bytes(void **state)
{
	(void)state;
	assert_int_equal(scratch_put(&s.scratch, "hr.csv", "w",
				     SV_LIT("id,last,phones\n1,a\0b,\n2,c,\n")),
			 0);
	assert_string_equal(FULL(),
			    "error parse-error hr.csv:2:1 [1] the row has NUL "
			    "bytes: is the encoding right?\n"
			    "object person 2: id=2 last=c\n");
	assert_int_equal(scratch_put(&s.scratch, "hr.csv", "w",
				     SV_LIT("i\0d\0,\0l\0\n\0")),
			 0);
	assert_string_equal(FULL(), "failed");
	assert_non_null(strstr(s.err.msg, "encoding: utf-16"));
}

static void fails_with(enum err_code code, const char *text)
{
	assert_string_equal(FULL(), "failed");
	assert_int_equal(s.err.code, code);
	if (!strstr(s.err.msg, text))
		fail_msg("'%s' is not in '%s'", text, s.err.msg);
}

static void no_start(void **state)
{
	(void)state;
	assert_string_equal(FULL(), "failed");
	assert_non_null(strstr(s.err.msg, "hr.csv"));
	hr("");
	fails_with(ERR_INVALID, "'hr.csv' is empty: it has no header");
	hr("idd,last,phones\n");
	fails_with(ERR_INVALID, "has no column 'id'; it has: idd, last, phones"
				"; did you mean 'idd'?");
	hr("id,lost,phones\n");
	fails_with(ERR_INVALID, "no column 'last'; it has: id, lost, phones; "
				"did you mean 'lost'?");
	hr("id,last,phones,last\n");
	fails_with(ERR_INVALID, "the column 'last' twice");
	hr("id,\"last\n");
	fails_with(ERR_INVALID, "hr.csv:1:4: the header cannot be read");
	set_connect(&s, "path: .; anchor: id");
	fails_with(ERR_INVALID, "folder");
	set_connect(&s, "path: new.csv; anchor: id; create: yes");
	assert_string_equal(FULL(), "");
}

static void several_columns_of_one_name(void **state)
{
	(void)state;
	hr("id,phones,last,phones\n1,11,Adams,12\n2,,Brown,22\n");
	assert_string_equal(FULL(),
			    "object person 1: id=1 last=Adams phones=11,12\n"
			    "object person 2: id=2 last=Brown phones=22\n");
}

static void several_anchors(void **state)
{
	(void)state;
	set_connect(&s, "path: hr.csv; anchor[]: last|id");
	hr("id,last,phones\n1,Adams,\n2,,\n");
	assert_string_equal(FULL(),
			    "object person Adams|1: id=1 last=Adams\n"
			    "error missing-anchor-component hr.csv:3:3 [] the "
			    "anchor 'last' has no value\n");
}

static void without_a_header(void **state)
{
	(void)state;
	set_connect(&s, "path: hr.csv; anchor: id; header: no; "
			"columns[]: id|last|phones; delimiter: tab; "
			"quote: none");
	hr("1\t\"Adams\t11\n");
	assert_string_equal(FULL(),
			    "object person 1: id=1 last=\"Adams phones=11\n");
}

static void types_in_a_column(void **state)
{
	(void)state;
	s.config.type_count = 2;
	set_connect(&s, "path: hr.csv; anchor: id; type: kind");
	s.filtered = true;
	hr("kind,id,last,phones,name\n"
	   "person,1,Adams,,\n"
	   "Team,2,,,Sales\n"
	   "robot,3,,,\n"
	   ",4,,,\n");
	assert_string_equal(
		FULL(), "object person 1: id=1 last=Adams\n"
			"object team 2: name=Sales\n"
			"filtered hr.csv:4:1 3\n"
			"error missing-object-type hr.csv:5:1 [4] the column "
			"that names the type is empty\n");
}

static void types_in_files(void **state)
{
	(void)state;
	s.config.type_count = 2;
	set_connect(&s, "delimiter: semicolon; types.person.path: hr.csv; "
			"types.person.anchor: id; "
			"types.team.path: teams.csv; types.team.anchor: name; "
			"types.team.delimiter: comma");
	assert_string_equal(check_session(&s), "");
	hr("id;last;phones\n1;Adams;\n");
	assert_int_equal(
		scratch_write(&s.scratch, "teams.csv", "name,x\nSales,y\n"), 0);
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n"
				    "object team Sales: name=Sales\n");
}

static void encodings(void **state)
{
	(void)state;
	set_connect(&s, "path: hr.csv; anchor: id; encoding: windows-1252");
	hr("id,last,phones\n1,M\xFCller,\n2,a\x81"
	   "b,\n3,ok,\n");
	assert_string_equal(FULL(),
			    "object person 1: id=1 last=M\xC3\xBCller\n"
			    "error invalid-attribute-value hr.csv:3:3 [2] "
			    "'last' has bytes that are not in the file's "
			    "encoding\n"
			    "object person 3: id=3 last=ok\n");
}

static void checks(void **state)
{
	(void)state;
	set_connect(&s,
		    "path: hr.csv; anchor: id; delimiter: 12345678901234567; "
		    "encoding: klingon; header: no");
	assert_string_equal(
		check_session(&s),
		"'delimiter' must be one or more characters without ends of "
		"line, or tab\n"
		"this encoding is not known; `iconv -l` lists those that are\n"
		"with 'header: no' the names of the columns must be listed "
		"under 'columns'\n");
	assert_string_equal(FULL(), "failed");
	set_connect(&s, "delta.path: x");
	assert_string_equal(
		check_session(&s),
		"'change' is missing: The column or name that says what "
		"happened to the object\n"
		"'path' is missing: the file\n"
		"'anchor' is missing: the column that identifies an object "
		"for ever\n");
	s.config.type_count = 2;
	set_connect(&s, "path: hr.csv; anchor: id");
	assert_non_null(strstr(check_session(&s), "have several types"));
	set_connect(&s, "types.person.path: a; types.person.anchor: b");
	assert_string_equal(
		check_session(&s),
		"no file is set for the type 'team' of a rule set\n");
	assert_string_equal(FULL(), "failed");
}

#define WITH_DELTA                                                             \
	"path: hr.csv; anchor: id; delta.path: delta.csv; delta.change: change"

static void deltas(void **state)
{
	(void)state;
	set_connect(&s, WITH_DELTA);
	hr("id,last,phones\n1,Adams,\n2,Brown,\n");
	assert_int_not_equal(FULL(), NULL);
	delta("id,last,phones,change\n"
	      "2,Braun,22,MODIFY\n"
	      "3,Cook,,add\n"
	      "1,,,Delete\n");
	assert_string_equal(DELTA(),
			    "object person 2: id=2 last=Braun phones=22\n"
			    "add person 3: id=3 last=Cook\n"
			    "delete person 1\n");
	/* The same file is not applied twice, nor after a full import. */
	assert_string_equal(DELTA(), "");
	assert_int_not_equal(FULL(), NULL);
	assert_string_equal(DELTA(), "");
	delta("id,last,phones,change\n2,Brown,22,Modify\n");
	assert_string_equal(DELTA(),
			    "object person 2: id=2 last=Brown phones=22\n");
	/* An empty file: nothing changed. */
	delta("");
	assert_string_equal(DELTA(), "");
}

static void bad_changes(void **state)
{
	(void)state;
	set_connect(&s, WITH_DELTA "; delta.delete: gone");
	hr("id,last,phones\n1,Adams,\n");
	assert_int_not_equal(FULL(), NULL);
	delta("change,id,last,phones\n"
	      "Replace-it,1,Adams,\n"
	      ",2,Brown,\n"
	      "Gone,3\n"
	      "Gone\n"
	      "Add,4\n"
	      "Gone,5,,\n");
	assert_string_equal(
		DELTA(),
		"error invalid-change-type delta.csv:2:1 [1] 'Replace-it' is "
		"none of Add, Modify, gone\n"
		"error missing-change-type delta.csv:3:1 [2] the column "
		"'change' is empty\n"
		"delete person 3\n"
		"error missing-anchor-component delta.csv:5:5 [] the anchor "
		"'id' has no value\n"
		"error parse-error delta.csv:6:6 [4] 2 columns where the "
		"header has 4\n"
		"delete person 5\n");
}

static void deltas_that_cannot_be(void **state)
{
	(void)state;
	hr("id,last,phones\n1,Adams,\n");
	assert_int_not_equal(FULL(), NULL);
	assert_int_equal(s.watermark.len, 0);
	assert_string_equal(DELTA(), "failed");
	assert_int_equal(s.err.code, ERR_UNSUPPORTED);
	set_connect(&s, WITH_DELTA);
	assert_string_equal(DELTA(), "failed");
	assert_int_equal(s.err.code, ERR_CONFLICT);
	assert_int_not_equal(FULL(), NULL);
	assert_string_equal(DELTA(), "failed"); /* there is no such file */
	assert_non_null(strstr(s.err.msg, "delta.csv"));
	delta("id,last,phones\n");
	assert_string_equal(DELTA(), "failed");
	assert_non_null(strstr(s.err.msg, "no column 'change'"));
}

static const char *file(void)
{
	return scratch_read(&s.scratch, "hr.csv").ptr;
}

static void exports_keep_what_they_do_not_know(void **state)
{
	struct export_op ops[3] = { op_of(1, EXPORT_UPDATE, "1", NULL),
				    op_of(2, EXPORT_DELETE, "2", NULL),
				    op_of(3, EXPORT_ADD, NULL, NULL) };

	(void)state;
	hr("note,id,last,phones\r\n"
	   "\"keep \"\"me\"\"\",1,Adams,11/12\r\n"
	   "x,2,Brown,\r\n"
	   "\"broken,3\r\n"
	   "\r\n"
	   "y,\"4\",\"Dent\",");
	set_attrs(&s, &ops[0], "last=Adam,_Jr phones-11 phones+13");
	ops[0].attrs[0].values.len = 1;
	ops[0].attrs[0].values.at[0].text = SV_LIT("Adam, Jr");
	set_attrs(&s, &ops[2], "id=5 last=Evans");
	assert_string_equal(export(&s, ops, 3), "1 ok 1\n2 ok\n3 ok 5\n");
	assert_string_equal(file(), "note,id,last,phones\r\n"
				    "\"keep \"\"me\"\"\",1,\"Adam, Jr\","
				    "12/13\r\n"
				    "\"broken,3\r\n"
				    "\r\n"
				    "y,\"4\",\"Dent\",\r\n"
				    ",5,Evans,\r\n");
}

static void exports_make_the_file(void **state)
{
	struct export_op ops[2] = { op_of(1, EXPORT_ADD, NULL, NULL),
				    op_of(2, EXPORT_ADD, "2", NULL) };

	(void)state;
	set_connect(&s, "path: out/new.csv; anchor: id");
	set_attrs(&s, &ops[0], "last=Adams id=1");
	set_attrs(&s, &ops[1], "phones=1,2");
	assert_string_equal(export(&s, ops, 2), "1 ok 1\n2 ok 2\n");
	assert_string_equal(scratch_read(&s.scratch, "out/new.csv").ptr,
			    "id,last,phones\n1,Adams,\n2,,1/2\n");
	assert_int_equal(unlink(scratch_path(&s.scratch, "out/new.csv")), 0);
	assert_int_equal(rmdir(scratch_path(&s.scratch, "out")), 0);
}

static void exports_add_columns(void **state)
{
	struct export_op op = op_of(1, EXPORT_UPDATE, "2", NULL);

	(void)state;
	hr("id,other\n1,a\n2,b\n\"x\n");
	set_attrs(&s, &op, "last=Brown");
	assert_string_equal(export(&s, &op, 1), "1 ok 2\n");
	assert_string_equal(file(), "id,other,last\n1,a,\n2,b,Brown\n\"x\n");
}

static void exports_that_are_refused(void **state)
{
	struct export_op ops[8] = { op_of(1, EXPORT_ADD, NULL, NULL),
				    op_of(2, EXPORT_ADD, "1", NULL),
				    op_of(3, EXPORT_UPDATE, "9", NULL),
				    op_of(4, EXPORT_DELETE, "9", NULL),
				    op_of(5, EXPORT_UPDATE, "1", NULL),
				    op_of(6, EXPORT_ADD, "6", NULL),
				    op_of(7, EXPORT_ADD, "6", NULL),
				    op_of(8, EXPORT_ADD, "8", NULL) };
	struct sv before;

	(void)state;
	set_connect(&s, "path: hr.csv; anchor: id; encoding: latin1");
	hr("id,last,phones\n1,M\xFCller,\n");
	before = scratch_read(&s.scratch, "hr.csv");
	set_attrs(&s, &ops[0], "last=Nobody");
	set_attrs(&s, &ops[2], "last=X");
	set_attrs(&s, &ops[4], "id=2");
	set_attrs(&s, &ops[5], "last=\xE5\xB1\xB1");
	set_attrs(&s, &ops[6], "phones=1/2");
	ops[7].type = 1;
	s.config.type_count = 2;
	assert_string_equal(export(&s, ops, 8),
			    "1 missing-anchor-component\n"
			    "2 cd-existing-object\n"
			    "3 cd-missing-object\n"
			    "4 ok\n"
			    "5 modify-naming-attribute\n"
			    "6 code-page-conversion\n"
			    "7 invalid-attribute-value\n"
			    "8 no-export-to-this-object-type\n");
	assert_true(sv_eq(scratch_read(&s.scratch, "hr.csv"), before));
	set_attrs(&s, &ops[1], "last=m\xC3\xBCller");
	ops[1].retry = true;
	assert_string_equal(export(&s, &ops[1], 1), "2 adopted 1\n");
}

static void undecodable_bytes_stop_a_rewrite(void **state)
{
	struct export_op op = op_of(1, EXPORT_DELETE, "1", NULL);

	(void)state;
	set_connect(&s, "path: hr.csv; anchor: id; encoding: windows-1252");
	hr("id,last,phones\n1,a,\n2,\x81,\n");
	assert_string_equal(export(&s, &op, 1), "failed");
	assert_non_null(strstr(s.err.msg, "line 3"));
	assert_string_equal(file(), "id,last,phones\n1,a,\n2,\x81,\n");
}

static void several_changes_of_one_row(void **state)
{
	struct export_op ops[4] = { op_of(1, EXPORT_DELETE, "1", NULL),
				    op_of(2, EXPORT_ADD, "1", NULL),
				    op_of(3, EXPORT_ADD, "A", NULL),
				    op_of(4, EXPORT_ADD, "a", NULL) };

	(void)state;
	hr("id,last,phones,x\n1,Adams,11,y\n2,B,,\n");
	set_attrs(&s, &ops[1], "last=New");
	assert_string_equal(export(&s, ops, 4),
			    "1 ok\n2 ok 1\n3 ok A\n4 cd-existing-object\n");
	assert_string_equal(file(), "id,last,phones,x\n1,New,,\n2,B,,\nA,,,\n");
}

static void the_mode_of_the_file_stays(void **state)
{
	struct export_op op = op_of(1, EXPORT_DELETE, "1", NULL);
	struct stat st;

	(void)state;
	hr("id,last,phones\n1,a,\n");
	assert_int_equal(chmod(scratch_path(&s.scratch, "hr.csv"), 0640), 0);
	assert_string_equal(export(&s, &op, 1), "1 ok\n");
	assert_string_equal(file(), "id,last,phones\n");
	assert_int_equal(stat(scratch_path(&s.scratch, "hr.csv"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values),
		TEST(comments),
		TEST(bad_rows),
		TEST(rows_as_bytes),
		TEST(bytes_in_a_column_that_nobody_wants),
		TEST(nul_bytes),
		TEST(no_start),
		TEST(several_columns_of_one_name),
		TEST(several_anchors),
		TEST(without_a_header),
		TEST(types_in_a_column),
		TEST(types_in_files),
		TEST(encodings),
		TEST(checks),
		TEST(deltas),
		TEST(bad_changes),
		TEST(deltas_that_cannot_be),
		TEST(exports_keep_what_they_do_not_know),
		TEST(exports_make_the_file),
		TEST(exports_add_columns),
		TEST(exports_that_are_refused),
		TEST(undecodable_bytes_stop_a_rewrite),
		TEST(several_changes_of_one_row),
		TEST(the_mode_of_the_file_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
