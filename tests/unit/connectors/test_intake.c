/*
 * test_intake.c - files as operators handle them, read by the csv connector
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/intake/intake.h"

#include "connectors/csv/csv.h"
#include "connectors/ldif/ldif.h"
#include "session.h"

#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <zip.h>
#include <zlib.h>

static const struct attr_def person_attrs[] = {
	{ .name = "id", .type = VALUE_STRING },
	{ .name = "last", .type = VALUE_STRING },
};
static const struct attr_def team_attrs[] = {
	{ .name = "name", .type = VALUE_STRING },
};
static const struct object_type types[] = {
	{ "person", person_attrs, 2 },
	{ "team", team_attrs, 1 },
};

#define CLAIM "claim.processing: work; claim.done: done; claim.failed: failed"

static struct session s;

static int set_up(void **state)
{
	(void)state;
	session_make(&s, &csv_connector, types, 1);
	s.keeps = true;
	assert_int_equal(mkdir(scratch_path(&s.scratch, "in"), 0700), 0);
	set_connect(&s, "path: in/hr-*.csv; anchor: id");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unsetenv("CONJOIN_FAKE_TIME");
	session_remove(&s);
	return 0;
}

/* A file that was changed so many minutes after the others began. */
static void put(const char *name, int minute, const char *text)
{
	struct timespec times[2] = { { 1700000000 + minute * 60, 0 },
				     { 1700000000 + minute * 60, 0 } };

	assert_int_equal(scratch_write(&s.scratch, name, text), 0);
	assert_int_equal(
		utimensat(AT_FDCWD, scratch_path(&s.scratch, name), times, 0),
		0);
}

static size_t count_files(const char *pattern)
{
	glob_t found;
	size_t count = 0;

	if (glob(scratch_path(&s.scratch, pattern), 0, NULL, &found) == 0)
		count = found.gl_pathc;
	globfree(&found);
	return count;
}

/* The text of the one file that fits. */
static const char *read_one(const char *pattern)
{
	glob_t found;
	const char *text;

	assert_int_equal(count_files(pattern), 1);
	assert_int_equal(
		glob(scratch_path(&s.scratch, pattern), 0, NULL, &found), 0);
	text = arena_cstr(
		&s.scratch.arena,
		scratch_read(&s.scratch,
			     found.gl_pathv[0] + strlen(s.scratch.folder) + 1));
	globfree(&found);
	return text;
}

#define FULL()  import(&s, IMPORT_FULL)
#define DELTA() import(&s, IMPORT_DELTA)

#define fails(call, message)                                                   \
	do {                                                                   \
		assert_string_equal(call, "failed");                           \
		if (!strstr(s.err.msg, message))                               \
			fail_msg("'%s' lacks '%s'", s.err.msg, message);       \
	} while (0)

#define A "id,last\n1,Adams\n"
#define B "id,last\n1,Brown\n"
#define C "id,last\n1,Clark\n"

static void newest(void **state)
{
	(void)state;
	fails(FULL(), "there is no file 'in/hr-*.csv': no name in its folder "
		      "fits the pattern");
	put("in/hr-2.csv", 1, A);
	put("in/hr-1.csv", 2, B);
	put("in/team.csv", 3, C);
	assert_string_equal(FULL(), "object person 1: id=1 last=Brown\n");
	assert_string_equal(FULL(), "object person 1: id=1 last=Brown\n");
	assert_string_equal(s.note, "'in/hr-1.csv' has the content of the "
				    "import before");
	set_connect(&s, "path: in/hr-*.csv; anchor: id; order: name");
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	set_connect(&s, "path: in/hr-*.csv; anchor: id; take: oldest");
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	set_connect(&s, "path: in/hr-*.csv; anchor: id; take: each");
	put("in/hr-1.csv", 2, "id,last\n2,Brown\n");
	put("in/hr-3.csv", 4, "id,last\n3\n");
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n"
				    "object person 2: id=2 last=Brown\n"
				    "error parse-error in/hr-3.csv:2:2 [3] 1 "
				    "columns where the header has 2\n");
}

#define DELTAS                                                                 \
	"path: hr.csv; anchor: id; delta.path: in/d-*.csv; delta.change: do"
#define DELTA_CLAIM                                                            \
	"; delta.claim.processing: work; delta.claim.done: done; "             \
	"delta.claim.failed: failed"
#define D(id, last) "do,id,last\nModify," id "," last "\n"

static void each_delta(void **state)
{
	(void)state;
	set_connect(&s, DELTAS);
	put("hr.csv", 0, A);
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	assert_string_equal(DELTA(), "");
	put("in/d-9.csv", 1, D("1", "Brown"));
	put("in/d-1.csv", 2, D("1", "Clark"));
	assert_string_equal(DELTA(), "object person 1: id=1 last=Brown\n"
				     "object person 1: id=1 last=Clark\n");
	assert_string_equal(DELTA(), "");
	put("in/d-2.csv", 3, D("1", "Brown")); /* another name, same content */
	put("in/d-3.csv", 4, D("1", "Davis"));
	assert_string_equal(DELTA(), "object person 1: id=1 last=Davis\n");
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	assert_string_equal(DELTA(), "");
	set_connect(&s, DELTAS "; delta.take: newest");
	put("in/d-4.csv", 5, D("2", "Old"));
	put("in/d-5.csv", 6, D("2", "New"));
	assert_string_equal(DELTA(), "object person 2: id=2 last=New\n");
}

static void of_two_kinds(void **state)
{
	(void)state;
	/* the watermark of before */
	set_connect(&s, DELTAS);
	put("hr.csv", 0, A);
	put("in/d-1.csv", 1, D("1", "Brown"));
	s.watermark = SV_LIT("csv1\n00000000000000000000000000000000 *");
	assert_string_equal(DELTA(), "object person 1: id=1 last=Brown\n");
	assert_true(sv_starts(s.watermark, SV_LIT("csv2\n")));
	s.watermark = SV_LIT("ldif1 x");
	fails(DELTA(), "run a full import");
}

static void claimed(void **state)
{
	(void)state;
	set_connect(&s, "path: in/hr-*.csv; anchor: id; " CLAIM);
	fails(FULL(), "there is no file 'in/hr-*.csv', nor was one imported "
		      "before");
	put("in/hr-1.csv", 1, A);
	put("in/hr-2.csv", 2, B);
	s.keeps = false; /* a crash, or a guard */
	assert_string_equal(FULL(), "object person 1: id=1 last=Brown\n");
	assert_int_equal(count_files("work/hr-2.csv"), 1);
	assert_int_equal(count_files("in/hr-1.csv"), 1);
	s.keeps = true;
	assert_string_equal(FULL(), "object person 1: id=1 last=Brown\n");
	assert_int_equal(count_files("work/*"), 0);
	assert_int_equal(count_files("in/*"), 0);
	assert_string_equal(read_one("done/*-*-*-hr-2.csv"), B);
	assert_string_equal(read_one("done/*-*-older-hr-1.csv"), A);
	/* nothing new is not an empty file */
	assert_string_equal(FULL(), "");
	assert_string_equal(s.note, "no new file 'in/hr-*.csv'");
	put("in/hr-3.csv", 3, B);
	assert_string_equal(FULL(), "object person 1: id=1 last=Brown\n");
	assert_string_equal(s.note, "'work/hr-3.csv' has the content of the "
				    "import before");
}

static void claimed_names(void **state)
{
	(void)state;
	/* one lies there, and another of its name comes */
	set_connect(&s, "path: in/hr-1.csv; anchor: id; take: oldest; " CLAIM);
	put("in/hr-1.csv", 1, A);
	s.keeps = false;
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	put("in/hr-1.csv", 2, B);
	s.keeps = true;
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	assert_string_equal(FULL(), "object person 1: id=1 last=Brown\n");
	assert_int_equal(count_files("done/*-hr-1.csv"), 2);
	put("in/hr-1.csv", 4, A);
	s.keeps = false;
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	put("in/hr-1.csv", 3, C); /* moved there, with its time */
	assert_string_equal(FULL(), "object person 1: id=1 last=Clark\n");
	assert_int_equal(count_files("work/*"), 2);
	assert_string_equal(read_one("work/2~hr-1.csv"), C);
	s.keeps = true;
	assert_string_equal(FULL(), "object person 1: id=1 last=Clark\n");
	assert_int_equal(count_files("done/*-hr-1.csv"), 3);
}

static void claimed_deltas(void **state)
{
	(void)state;
	set_connect(&s, DELTAS DELTA_CLAIM);
	put("hr.csv", 0, A);
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	put("in/d-1.csv", 1, D("1", "Brown"));
	put("in/d-2.csv", 2, "do,id,last\nModify,1\n");
	assert_string_equal(DELTA(), "object person 1: id=1 last=Brown\n"
				     "error parse-error work/d-2.csv:2:9 [1] "
				     "2 columns where the header has 3\n");
	put("in/d-3.csv", 3, D("1", "Brown"));
	assert_string_equal(DELTA(), "");
	assert_string_equal(s.note, "'work/d-3.csv' was imported before and is "
				    "passed over");
	assert_int_equal(count_files("in/*"), 0);
	assert_int_equal(count_files("done/*"), 3);
}

static void failed(void **state)
{
	(void)state;
	set_connect(&s, "path: in/hr-*.csv; anchor: id; " CLAIM);
	put("in/hr-1.csv", 1, "name,last\n1,x\n");
	fails(FULL(), "'work/hr-1.csv' has no column 'id'; it has: name, last");
	fails(FULL(), "there is no file");
	assert_int_equal(count_files("work/*"), 0);
	assert_string_equal(read_one("failed/*-hr-1.csv"), "name,last\n1,x\n");
	assert_non_null(strstr(read_one("failed/*-hr-1.csv.txt"),
			       "why:    'work/hr-1.csv' has no column 'id'"));
}

static void held(void **state)
{
	int fd;

	(void)state;
	set_connect(&s, "path: in/hr-*.csv; anchor: id; " CLAIM);
	put("in/hr-1.csv", 1, A);
	s.keeps = false;
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	/* another conjoin reads it */
	fd = open(scratch_path(&s.scratch, "work/hr-1.csv"), O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_string_equal(FULL(), "");
	assert_int_equal(close(fd), 0);
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
}

static void purged(void **state)
{
	(void)state;
	set_connect(
		&s,
		"path: in/hr-*.csv; anchor: id; claim.keep: 30 days; " CLAIM);
	assert_int_equal(mkdir(scratch_path(&s.scratch, "done"), 0700), 0);
	put("done/20200101-000000-01234567-hr-1.csv", 1, A);
	put("done/20200101-000000-01234567-other.csv", 1, A);
	put("done/20200101-000000-notes", 1, A);
	put("in/hr-1.csv", 1, A);
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	assert_int_equal(count_files("done/*"), 3);
	assert_int_equal(count_files("done/2020*-hr-1.csv"), 0);
}

static void ready(void **state)
{
	int fd;

	(void)state;
	set_connect(&s, "path: in/hr-*.csv; anchor: id; "
			"ready.stable: 30 seconds");
	put("in/hr-1.csv", 1, A);
	fails(FULL(), "'in/hr-1.csv' is not complete yet: it was changed less "
		      "than 30 seconds ago; run the import later");
	assert_int_equal(setenv("CONJOIN_FAKE_TIME", "2200-01-01", 1), 0);
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");

	set_connect(&s, "path: in/hr-*.csv; anchor: id; ready.marker: %s.done");
	fails(FULL(), "its marker '");
	put("in/hr-1.csv.done", 0, "");
	fails(FULL(), "it is newer than its marker");
	put("in/hr-1.csv.done", 1, "");
	put("in/hr-2.csv", 2, B);
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");

	set_connect(&s, "path: in/hr-*.csv; anchor: id; ready.lock: yes");
	fd = open(scratch_path(&s.scratch, "in/hr-2.csv"), O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	assert_string_equal(s.note,
			    "'in/hr-2.csv' is not complete yet: its writer "
			    "holds a lock on it; 'in/hr-1.csv' has the content "
			    "of the import before");
	assert_int_equal(close(fd), 0);
	assert_string_equal(FULL(), "object person 1: id=1 last=Brown\n");
}

static void ready_in_order(void **state)
{
	(void)state;
	set_connect(&s, DELTAS DELTA_CLAIM "; delta.ready.marker: %s.ok");
	put("hr.csv", 0, A);
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	put("in/d-1.csv", 1, D("1", "Brown"));
	put("in/d-2.csv", 2, D("1", "Clark"));
	put("in/d-2.csv.ok", 2, "");
	assert_string_equal(DELTA(), "");
	assert_non_null(strstr(s.note, "'in/d-1.csv' is not complete yet"));
	put("in/d-1.csv.ok", 2, "");
	assert_string_equal(DELTA(), "object person 1: id=1 last=Brown\n"
				     "object person 1: id=1 last=Clark\n");
	assert_int_equal(count_files("in/*"), 0); /* markers are gone too */
}

static void gzip(const char *name, const char *text, size_t times)
{
	gzFile file = gzopen(scratch_path(&s.scratch, name), "wb9");

	assert_non_null(file);
	while (times--)
		assert_int_equal(gzputs(file, text), (int)strlen(text));
	assert_int_equal(gzclose(file), Z_OK);
}

static void zip_up(const char *name, const char *member, const char *text)
{
	int code;
	zip_t *zip =
		zip_open(scratch_path(&s.scratch, name), ZIP_CREATE, &code);

	assert_non_null(zip);
	(void)zip_dir_add(zip, "folder", 0);
	assert_true(zip_file_add(zip, member,
				 zip_source_buffer(zip, text, strlen(text), 0),
				 0) >= 0);
	assert_int_equal(zip_close(zip), 0);
}

static void packed(void **state)
{
	struct sv text;

	(void)state;
	set_connect(&s, "path: hr.csv; anchor: id");
	gzip("hr.csv", A, 1);
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	/* two, one behind the other */
	gzip("more", "2,Brown\n3\n", 1);
	text = scratch_read(&s.scratch, "more");
	assert_int_equal(scratch_put(&s.scratch, "hr.csv", "a", text), 0);
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n"
				    "object person 2: id=2 last=Brown\n"
				    "error parse-error hr.csv:4:2 [3] 1 "
				    "columns where the header has 2\n");
	/* cut off */
	text = scratch_read(&s.scratch, "hr.csv");
	text.len -= 6;
	assert_int_equal(scratch_put(&s.scratch, "hr.csv", "w", text), 0);
	fails(FULL(), "'hr.csv' cannot be unpacked: it is cut off");
	text = arena_dup(&s.scratch.arena, text);
	((char *)(uintptr_t)text.ptr)[12] ^= 0x55;
	assert_int_equal(scratch_put(&s.scratch, "hr.csv", "w", text), 0);
	fails(FULL(), "'hr.csv' cannot be unpacked");

	(void)unlink(scratch_path(&s.scratch, "hr.csv"));
	zip_up("hr.csv", "folder/any name", B);
	assert_string_equal(FULL(), "object person 1: id=1 last=Brown\n");
	zip_up("hr.csv", "another", A);
	fails(FULL(), "'hr.csv' is a zip with 2 files: one is expected");
	text = scratch_read(&s.scratch, "hr.csv");
	text.len /= 2;
	assert_int_equal(scratch_put(&s.scratch, "hr.csv", "w", text), 0);
	fails(FULL(), "'hr.csv' cannot be unpacked");
}

static void bombs(void **state)
{
	static char row[1 << 16];

	(void)state;
	memset(row, 'x', sizeof(row) - 2);
	row[sizeof(row) - 2] = '\n';
	gzip("hr.csv", row, 500);
	set_connect(&s, "path: hr.csv; anchor: id");
	fails(FULL(), "'hr.csv' unpacks to more than 200 times its size; if "
		      "that is right, raise `unpack: max_ratio`");
	set_connect(&s, "path: hr.csv; anchor: id; unpack.max_ratio: 100000; "
			"unpack.max_size: 20");
	fails(FULL(), "'hr.csv' unpacks to more than 20 MiB; if that is right, "
		      "raise `unpack: max_size`");
	assert_int_equal(s.err.code, ERR_LIMIT);
}

static void trailer(void **state)
{
	(void)state;
	set_connect(&s, "path: hr.csv; anchor: id; "
			"expect.trailer: ^TRAILER,(\\d+)$");
	put("hr.csv", 1, A "2,Brown\nTRAILER,2\n\n");
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n"
				    "object person 2: id=2 last=Brown\n");
	put("hr.csv", 1, A "TRAILER,2");
	fails(FULL(), "'hr.csv' is not whole: its trailer says 2 rows, it has "
		      "1; nothing was taken as gone");
	put("hr.csv", 1, A "2,Bro");
	fails(FULL(), "'hr.csv' is not whole: its last line should be as the "
		      "trailer '^TRAILER,(\\d+)$' has it, but is '2,Bro'");
	gzip("hr.csv", A "TRAILER,1\r\n", 1);
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n");
	put("hr.csv", 1, "");
	fails(FULL(), "but is ''");
}

static void rows(void **state)
{
	(void)state;
	set_connect(&s, "path: hr.csv; anchor: id; expect.rows: 2; "
			"expect.percent: 80");
	put("hr.csv", 1, A);
	fails(FULL(), "'hr.csv' has 1 rows, but `expect: rows` wants 2 at "
		      "least");
	put("hr.csv", 1, A "2,b\n3,c\n4,d\n5,e\n6,f\n");
	(void)FULL();
	put("hr.csv", 1, A "2,b\n3,c\n4,d\n5,e\n");
	assert_string_not_equal(FULL(), "failed");
	assert_true(sv_eq_str(s.watermark, "csv2\nrows 5 full *"));
	put("hr.csv", 1, A "2,b\n3,c\n");
	fails(FULL(), "'hr.csv' has 3 rows, but the last one had 5 and "
		      "`expect: percent` wants 80 percent of that");
}

/* Somebody appends to the file when its first rows were read. */
static void grows(void **state)
{
	struct arena arena = ARENA_INIT;
	struct connector connector;
	struct change change;

	(void)state;
	put("in/hr-1.csv", 1, A "2,Brown\n");
	assert_int_equal(connector_open(&connector, s.ops, &s.config, &s.err),
			 0);
	assert_int_equal(connector_import_begin(&connector, IMPORT_FULL,
						SV_NULL, &s.err),
			 0);
	assert_int_equal(connector_next(&connector, &arena, &change, &s.err),
			 1);
	assert_int_equal(scratch_append(&s.scratch, "in/hr-1.csv", "3,C"), 0);
	while (connector_next(&connector, &arena, &change, &s.err) > 0)
		;
	assert_non_null(strstr(s.err.msg, "'in/hr-1.csv' was written to while "
					  "it was read"));
	assert_int_equal(s.err.code, ERR_UNAVAILABLE);
	connector_close(&connector);
	arena_release(&arena);
}

static void several_types(void **state)
{
	(void)state;
	s.config.type_count = 2;
	set_connect(&s, "anchor: id; types.person.path: in/hr-*.csv; "
			"types.team.path: in/t-*.csv; "
			"types.team.anchor: name; " CLAIM);
	put("in/hr-1.csv", 1, A);
	put("in/t-1.csv", 1, "name\nx\n");
	assert_string_equal(FULL(), "object person 1: id=1 last=Adams\n"
				    "object team x: name=x\n");
	assert_int_equal(count_files("done/*"), 2);
	put("in/hr-2.csv", 2, B);
	fails(FULL(), "there is no new file 'in/t-*.csv', but there are others "
		      "of this agent: a full import reads all of them");
	assert_int_equal(count_files("in/hr-2.csv"), 1);
	put("in/t-2.csv", 2, "name\nx\n");
	assert_string_equal(FULL(), "object person 1: id=1 last=Brown\n"
				    "object team x: name=x\n");
	assert_string_equal(FULL(), "");
}

static void versions(void **state)
{
	struct export_op op = op_of(1, EXPORT_ADD, "", "");
	int i;

	(void)state;
	set_connect(&s, "path: out.csv; anchor: id; create: yes; keep: 2");
	for (i = 1; i <= 4; i++) {
		op = op_of(1, EXPORT_ADD, "", "");
		set_attrs(&s, &op,
			  arena_printf(&s.scratch.arena, "id=%d last=x", i));
		assert_string_not_equal(export(&s, &op, 1), "failed");
	}
	assert_int_equal(count_files("out.csv.*"), 2);
	assert_non_null(strstr(read_one("out.csv"), "4,x"));
	set_connect(&s, "path: hr.csv; anchor: id");
	gzip("hr.csv", A, 1);
	assert_string_equal(export(&s, &op, 1), "failed");
	assert_non_null(strstr(s.err.msg, "'hr.csv' is compressed: it can be "
					  "read, but an export cannot change "
					  "it"));
}

static void checked(void **state)
{
	(void)state;
	assert_string_equal(check_session(&s), "");
	set_connect(&s, "path: in/*.csv; anchor: id; take: some; "
			"expect.trailer: END; expect.percent: 120; "
			"ready.marker: ../x; claim.done: d; "
			"delta.path: d; delta.change: c; "
			"delta.expect.rows: 3; keep: -1; unpack.max_size: 0");
	assert_string_equal(
		check_session(&s),
		"'take' must be one of newest|oldest|each\n"
		"'processing' is missing: The folder of files that are being "
		"read\n"
		"'failed' is missing: The folder of files that cannot be read, "
		"each with a text that says why\n"
		"'marker' is the name of a file in the same folder\n"
		"'trailer' has no group for the number of rows, such as "
		"'TRAILER;(\\d+)'\n"
		"'percent' must be 0 to 100\n"
		"a limit must be 1 or more\n"
		"'marker' is the name of a file in the same folder\n"
		"a file of changes may be short: only 'trailer' tells that it "
		"is whole\n"
		"a limit must be 1 or more\n"
		"'keep' must be 0 to 10000 versions\n");
	set_connect(&s, "path: sftp://me:pw@host/x; anchor: id; ready.lock: y");
	assert_non_null(strstr(check_session(&s),
			       "a password never stands in the address"));
	assert_non_null(strstr(check_session(&s), "'known_hosts' is missing"));
	assert_non_null(strstr(check_session(&s),
			       "'lock' is for files of this machine"));
	set_connect(&s, "path: http://host/x; anchor: id; " CLAIM);
	assert_non_null(strstr(check_session(&s),
			       "a file on another machine is https://... or "
			       "sftp://..."));
	assert_non_null(strstr(check_session(&s),
			       "'claim' moves files of this machine"));
	fails(FULL(), "is neither a file, nor https:// or sftp://");
}

static void what_it_can(void **state)
{
	(void)state;
	assert_false(connector_caps(s.ops, s.config.connect) &
		     CONNECTOR_CAP_EXPORT);
	set_connect(&s, "path: hr.csv; anchor: id; " CLAIM);
	assert_false(connector_caps(s.ops, s.config.connect) &
		     CONNECTOR_CAP_EXPORT);
	set_connect(&s, "path: hr.csv; anchor: id");
	assert_true(connector_caps(s.ops, s.config.connect) &
		    CONNECTOR_CAP_EXPORT);
}

#define ENTRY(cn) "dn: cn=" cn "\nobjectClass: person\nlast: " cn "\n\n"

static void of_directories(void **state)
{
	static const char *const x = "object person cn=x: last=x\n";

	(void)state;
	s.ops = &ldif_connector;
	set_connect(&s, "path: in/d-*.ldif; expect.trailer: ^# (\\d+)$; "
			"expect.percent: 60; " CLAIM);
	assert_string_equal(check_session(&s), "");
	gzip("in/d-1.ldif", ENTRY("x") ENTRY("y") "# 2\n", 1);
	assert_string_equal(FULL(), "object person cn=x: last=x\n"
				    "object person cn=y: last=y\n");
	assert_true(sv_starts(s.watermark, SV_LIT("ldif2\nseen ")));
	assert_int_equal(count_files("done/*-d-1.ldif"), 1);
	assert_string_equal(FULL(), "");
	put("in/d-2.ldif", 2, ENTRY("x") "# 2\n");
	fails(FULL(), "its trailer says 2 rows, it has 1");
	put("in/d-2.ldif", 3, ENTRY("x") "# 1\n");
	fails(FULL(), "the last one had 2 and `expect: percent` wants 60");
	assert_int_equal(count_files("failed/*"), 4);
	set_connect(&s, "path: in/d-*.ldif");
	put("in/d-3.ldif", 4, ENTRY("x"));
	assert_string_equal(FULL(), x);
	assert_string_equal(FULL(), x);
	assert_non_null(strstr(s.note, "the content of the import before"));
	set_connect(&s,
		    "path: in/d-*.ldif; changes: log; take: each; keep: -1; "
		    "expect.rows: 3");
	assert_string_equal(
		check_session(&s),
		"'keep' must be 0 to 10000 versions\n"
		"a directory is one file: take newest or oldest\n"
		"'changes' lies beside a file that exports write: no pattern, "
		"no claim, no other machine\n"
		"this is for files that others write: not with 'changes'\n");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(newest),  TEST(each_delta),     TEST(of_two_kinds),
		TEST(claimed), TEST(claimed_names),  TEST(claimed_deltas),
		TEST(failed),  TEST(held),           TEST(purged),
		TEST(ready),   TEST(ready_in_order), TEST(packed),
		TEST(bombs),   TEST(trailer),        TEST(rows),
		TEST(grows),   TEST(several_types),  TEST(versions),
		TEST(checked), TEST(what_it_can),    TEST(of_directories),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
