/*
 * test_xls.c - workbooks of Excel 5 to 2003, made byte by byte
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/records.h"

#include "session.h"

static const struct attr_def attrs[] = {
	{ .name = "name", .type = VALUE_STRING },
	{ .name = "when", .type = VALUE_STRING },
	{ .name = "more", .type = VALUE_STRING, .multi = true },
};
static const struct object_type types[] = { { "person", attrs, 3 } };

static struct session s;
static struct strbuf book; /* the workbook's stream */
static size_t sheet_at;    /* where the offset of its sheet stands */

static int set_up(void **state)
{
	(void)state;
	session_make(&s, &xls_connector, types, 1);
	set_connect(&s, "path: p.xls; anchor: id");
	book.max = STRBUF_NO_LIMIT;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	session_remove(&s);
	strbuf_release(&book);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* --- records ----------------------------------------------------------- */

static void put(struct strbuf *to, uint64_t number, size_t bytes)
{
	for (; bytes--; number >>= 8)
		strbuf_addc(to, (char)(number & 0xFF));
}

static void part(unsigned id, struct sv bytes)
{
	put(&book, id, 2);
	put(&book, bytes.len, 2);
	strbuf_addsv(&book, bytes);
}

#define PART(id, bytes) part(id, SV_LIT(bytes))

static void number(size_t at, size_t value)
{
	size_t i;

	for (i = 0; i < 4; i++, value >>= 8)
		book.ptr[at + i] = (char)(value & 0xFF);
}

/* Globals of a workbook with one sheet, "S"; other parts may follow. */
static void begin(unsigned version)
{
	strbuf_reset(&book);
	put(&book, 0x0809, 2);
	put(&book, 8, 2);
	put(&book, version, 2);
	put(&book, 5, 6);
	sheet_at = book.len + 4;
	if (version == 0x0600)
		PART(0x85, "\0\0\0\0\0\0\1\0S");
	else
		PART(0x85, "\0\0\0\0\0\0\1S");
	/* styles: none, a day, one of a format of its own */
	PART(0xE0, "\0\0\0\0");
	PART(0xE0, "\0\0\x0E\0");
	PART(0xE0, "\0\0\xA4\0");
	if (version == 0x0600)
		PART(0x41E, "\xA4\0\4\0\0d\\xy");
	else
		PART(0x41E, "\xA4\0\4d\\xy");
}

static void begin_sheet(void)
{
	PART(0x0A, "");
	number(sheet_at, book.len);
	PART(0x809, "\0\6\x10\0\0\0\0\0");
}

/* --- compound files ---------------------------------------------------- */

static void pad(struct strbuf *to, size_t unit)
{
	while (to->len % unit)
		strbuf_addc(to, '\0');
}

static void entry(struct strbuf *to, const char *name, int kind, size_t start,
		  size_t size)
{
	size_t from = to->len;
	size_t i;

	for (i = 0; name[i]; i++)
		put(to, (unsigned char)name[i], 2);
	while (to->len < from + 64)
		strbuf_addc(to, '\0');
	put(to, 2 * (i + 1), 2);
	put(to, (unsigned)kind, 50);
	put(to, start, 4);
	put(to, size, 8);
}

/* Sectors: 0 the table, 1 the directory, 2 the table of small ones, then the
 * stream, which is small when it is. */
static struct strbuf pack(const char *name)
{
	struct strbuf file = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t size = book.len;
	bool small = size < 4096;
	size_t count = (size + 511) / 512;
	size_t minis = (size + 63) / 64;
	size_t i;

	strbuf_addsv(&file, SV_LIT("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"));
	put(&file, 0, 16);
	put(&file, 0x3E, 2);
	put(&file, 3, 2);
	put(&file, 0xFFFE, 2);
	put(&file, 9, 2);
	put(&file, 6, 2);
	put(&file, 0, 10);
	put(&file, 1, 4);
	put(&file, 1, 4);
	put(&file, 0, 4);
	put(&file, 4096, 4);
	put(&file, 2, 4);
	put(&file, 1, 4);
	put(&file, 0xFFFFFFFE, 4);
	put(&file, 0, 4);
	put(&file, 0, 4);
	while (file.len < 512)
		strbuf_addc(&file, '\xFF');
	put(&file, 0xFFFFFFFD, 4);
	put(&file, 0xFFFFFFFE, 4);
	put(&file, 0xFFFFFFFE, 4);
	for (i = 0; i < count; i++)
		put(&file, i + 1 < count ? i + 4 : 0xFFFFFFFE, 4);
	while (file.len < 1024)
		strbuf_addc(&file, '\xFF');
	entry(&file, "Root Entry", 5, small ? 3 : 0xFFFFFFFE, size);
	entry(&file, name, 2, small ? 0 : 3, size);
	pad(&file, 512);
	for (i = 0; i < minis && i < 128; i++)
		put(&file, i + 1 < minis ? i + 1 : 0xFFFFFFFE, 4);
	pad(&file, 512);
	strbuf_addsv(&file, strbuf_sv(&book));
	pad(&file, 512);
	return file;
}

static void save(const char *name)
{
	struct strbuf file = pack(name);

	assert_int_equal(
		scratch_put(&s.scratch, "p.xls", "w", strbuf_sv(&file)), 0);
	strbuf_release(&file);
}

static void refused(const char *why)
{
	assert_string_equal(import(&s, IMPORT_FULL), "failed");
	if (!strstr(s.err.msg, why))
		fail_msg("'%s' is not in: %s", why, s.err.msg);
}

/* --- tests ------------------------------------------------------------- */

/* Row 0 names columns: id name when more more. */
static void header(void)
{
	PART(0x204, "\0\0\0\0\0\0\2\0\0id");
	PART(0x204, "\0\0\1\0\0\0\4\0\0name");
	PART(0x204, "\0\0\2\0\0\0\4\0\0when");
	PART(0x204, "\0\0\3\0\0\0\4\0\0more");
	PART(0x204, "\0\0\4\0\0\0\4\0\1m\0o\0r\0e\0");
}

static void kinds_of_cells(void **state)
{
	(void)state;
	begin(0x0600);
	/* Texts that cells share: one ends in a record of its own, where its
	 * characters are wide; one has runs of fonts. */
	PART(0xFC, "\2\0\0\0\2\0\0\0\6\0\0abc");
	PART(0x3C, "\1\xE9\0\x3D\xD8\0\xDE\2\0\x8\1\0xy\0\0\1\0");
	begin_sheet();
	header();
	PART(0xFD, "\1\0\1\0\0\0\0\0\0\0");                /* a shared text */
	PART(0x27E, "\1\0\0\0\0\0\6\0\0\0");               /* 1 */
	PART(0x203, "\1\0\2\0\1\0\0\0\0\0\0\x40\xE6\x40"); /* 45568 */
	PART(0xBD, "\1\0\3\0\0\0\x4B\1\0\0\0\0\x2B\1\0\0\4\0");
	/* a formula's text, of two records */
	PART(0x06, "\2\0\1\0\0\0\0\0\0\0\0\0\xFF\xFF\0\0\0\0\0\0");
	PART(0x4BC, "shared");
	PART(0x207, "\4\0\0A ");
	PART(0x3C, "\0&B");
	PART(0x27E, "\2\0\0\0\0\0\xA\0\0\0"); /* 2 */
	/* formulas: a day, a truth, nothing */
	PART(0x06, "\2\0\2\0\2\0\0\0\0\0\0\x41\xE6\x40\0\0\0\0\0\0");
	PART(0x06, "\2\0\3\0\0\0\1\0\1\0\0\0\xFF\xFF\0\0\0\0\0\0");
	PART(0x06, "\2\0\4\0\0\0\3\0\0\0\0\0\xFF\xFF\0\0\0\0\0\0");
	/* a chart within the sheet */
	PART(0x809, "\0\6\x20\0\0\0\0\0");
	PART(0x203, "\x63\0\0\0\0\0\0\0\0\0\0\0\0\0");
	PART(0x0A, "");
	PART(0x27E, "\5\0\0\0\0\0\xE\0\0\0");  /* 3 */
	PART(0x205, "\5\0\3\0\0\0\1\0");       /* true */
	PART(0x205, "\4\0\1\0\0\0\x2A\1");     /* #N/A, of the row before */
	PART(0x27E, "\4\0\0\0\0\0\x12\0\0\0"); /* 4 */
	PART(0x0A, "");
	save("Workbook");
	assert_string_equal(
		import(&s, IMPORT_FULL),
		"object person 1: name=abc\xC3\xA9\xF0\x9F\x98\x80 "
		"when=2024-10-03 more=0.82,0.74\n"
		"object person 2: name=A &B when=2024-10-11 more=true\n"
		"error parse-error p.xls:B5 [4] the cell shows an error: "
		"#N/A\n"
		"object person 3: more=true\n");
}

static void of_excel_5(void **state)
{
	(void)state;
	begin(0x0500);
	PART(0x42, "\xE3\4"); /* windows-1251 */
	PART(0x22, "\1\0");   /* days from 1904 */
	begin_sheet();
	PART(0x204, "\0\0\0\0\0\0\2\0id");
	PART(0x204, "\0\0\1\0\0\0\4\0name");
	PART(0x204, "\0\0\2\0\0\0\4\0when");
	PART(0x204, "\0\0\3\0\0\0\4\0more");
	PART(0xD6, "\1\0\1\0\0\0\3\0\xC6\xF3k\0\0");
	PART(0x27E, "\1\0\0\0\0\0\6\0\0\0");
	PART(0x27E, "\1\0\2\0\1\0\6\0\0\0");
	PART(0x0A, "");
	save("Book");
	assert_string_equal(import(&s, IMPORT_FULL),
			    "object person 1: name=\xD0\x96\xD1\x83k "
			    "when=1904-01-02\n");
}

/* A stream that is large lies in sectors of the file itself. */
static void a_large_one(void **state)
{
	char row[] = "\0\0\0\0\0\0\0\0\0\0";
	unsigned i;

	(void)state;
	begin(0x0600);
	begin_sheet();
	header();
	for (i = 1; i <= 1000; i++) {
		row[0] = (char)(i & 0xFF);
		row[1] = (char)(i >> 8);
		row[6] = (char)((i << 2 | 2) & 0xFF);
		row[7] = (char)(i >> 6);
		part(0x27E, sv_make(row, 10));
	}
	PART(0x0A, "");
	save("Workbook");
	assert_non_null(import(&s, IMPORT_FULL));
	assert_non_null(strstr(strbuf_cstr(&s.log), "object person 1\n"));
	assert_non_null(strstr(strbuf_cstr(&s.log), "object person 1000\n"));
	assert_int_equal(s.err.code, 0);
}

static void what_cannot_be_read(void **state)
{
	(void)state;
	begin(0x0600);
	PART(0x2F, "\1\0");
	begin_sheet();
	header();
	PART(0x0A, "");
	save("Workbook");
	refused("'p.xls' cannot be read: it is protected by a password");
	begin(0x0600);
	begin_sheet();
	header();
	save("Workbook"); /* without the end of the sheet */
	refused("it ends within a record");
	PART(0x0A, "");
	save("Mail");
	refused("it has no workbook in it");
	set_connect(&s, "path: p.xls; anchor: id; sheet: T");
	save("Workbook");
	refused("it has no sheet 'T'");
	set_connect(&s, "path: p.xls; anchor: id; sheet: s");
	assert_string_equal(import(&s, IMPORT_FULL), "");
	begin(0x0600);
	begin_sheet();
	PART(0x0A, "");
	save("Workbook");
	refused("its sheet is empty");
	assert_int_equal(scratch_write(&s.scratch, "p.xls", "PK\3\4"), 0);
	refused("set type: xlsx");
	assert_int_equal(scratch_write(&s.scratch, "p.xls", "<html>"), 0);
	refused("it is no workbook of Excel");
}

static void it_is_not_written(void **state)
{
	(void)state;
	assert_int_equal(connector_caps(s.ops, s.config.connect),
			 CONNECTOR_CAP_IMPORT);
	set_connect(&s, "path: p.xls; anchor: id; delta.path: d.xls; "
			"delta.change: what");
	assert_string_equal(check_session(&s), "");
	assert_int_equal(connector_caps(s.ops, s.config.connect),
			 CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kinds_of_cells),    TEST(of_excel_5),
		TEST(a_large_one),       TEST(what_cannot_be_read),
		TEST(it_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
