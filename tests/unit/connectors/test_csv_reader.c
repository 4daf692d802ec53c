/*
 * test_csv_reader.c - rows, quotes, encodings, places of errors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/csv/csv_reader.h"
#include "connectors/csv/csv_writer.h"

#include "session.h"

static const struct csv_dialect plain = { .delimiter = ',', .quote = '"' };

/* All rows: fields between '[' and ']', "!LINE:COLUMN" for a broken row. */
static const char *rows_of(struct sv text, const struct csv_dialect *dialect,
			   size_t columns)
{
	static char told[4096];
	struct strbuf log = STRBUF_INIT(sizeof(told) - 1);
	struct arena arena = ARENA_INIT;
	struct csv_reader reader;
	struct csv_row row;
	size_t i;

	csv_reader_open_text(&reader, text, dialect);
	reader.columns = columns;
	while (csv_reader_next(&reader, &arena, &row, NULL) > 0) {
		strbuf_addf(&log, "%zu:", row.line);
		for (i = 0; i < row.count && (!columns || i < columns); i++)
			strbuf_addf(&log, "[" SV_FMT "]",
				    SV_ARG(row.fields[i]));
		if (row.error)
			strbuf_addf(&log, "!%zu:%zu", row.error_line,
				    row.error_column);
		strbuf_addc(&log, ' ');
	}
	csv_reader_close(&reader);
	arena_release(&arena);
	(void)snprintf(told, sizeof(told), "%s", strbuf_cstr(&log));
	strbuf_release(&log);
	return told;
}

#define ROWS(text, columns) rows_of(SV_LIT(text), &plain, columns)

static void plain_rows(void **state)
{
	(void)state;
	assert_string_equal(ROWS("", 0), "");
	assert_string_equal(ROWS("a,b\n1,2\n", 0), "1:[a][b] 2:[1][2] ");
	assert_string_equal(ROWS("a,b\r\n1,2\r\n", 0), "1:[a][b] 2:[1][2] ");
	assert_string_equal(ROWS("a\nlast", 0), "1:[a] 2:[last] ");
	assert_string_equal(ROWS(",\n,,\n", 0), "1:[][] 2:[][][] ");
	assert_string_equal(ROWS("\n\r\na\n\n\nb\n\n", 0), "3:[a] 6:[b] ");
	/* A quote inside a field that has none at its beginning is text. */
	assert_string_equal(ROWS("5\" disk,b\n", 0), "1:[5\" disk][b] ");
}

static void quoted_fields(void **state)
{
	(void)state;
	assert_string_equal(ROWS("\"a,b\",c\n", 2), "1:[a,b][c] ");
	assert_string_equal(ROWS("\"a\"\"b\",\"\"\n", 2), "1:[a\"b][] ");
	assert_string_equal(ROWS("\"\"\"\",x\n", 2), "1:[\"][x] ");
	assert_string_equal(ROWS("x,\"two\nlines\"\ny,z\n", 2),
			    "1:[x][two\nlines] 3:[y][z] ");
	assert_string_equal(ROWS("x,\"two\r\nlines\"\r\ny,z\r\n", 2),
			    "1:[x][two\r\nlines] 3:[y][z] ");
	assert_string_equal(ROWS("x,\"end\"", 2), "1:[x][end] ");
	assert_string_equal(ROWS("x,\"\n\n\"\n\ny,z", 2),
			    "1:[x][\n\n] 5:[y][z] ");
}

static void separators_and_escapes(void **state)
{
	const struct csv_dialect bars = { .delimiter = '|',
					  .more = SV_LIT("|"),
					  .quote = '"' };
	const struct csv_dialect slashes = { .delimiter = ',',
					     .quote = '"',
					     .escape = '\\' };
	const struct csv_dialect bare = { .delimiter = ',', .escape = '\\' };

	(void)state;
	assert_string_equal(rows_of(SV_LIT("a||b|c||\r\n||x|\n"), &bars, 0),
			    "1:[a][b|c][] 2:[][x|] ");
	assert_string_equal(
		rows_of(SV_LIT("\"a||b\"||\"c\"\"\"|| d\n"), &bars, 3),
		"1:[a||b][c\"][ d] ");
	assert_string_equal(rows_of(SV_LIT("\"a\"|b||c\nd||e\n"), &bars, 2),
			    "1:!1:1 2:[d][e] ");
	assert_string_equal(rows_of(SV_LIT("\"a\\\"b\\\\\",c\\,d\r\n\"e\"\"f\","
					   "\"\"\n"),
				    &slashes, 2),
			    "1:[a\"b\\][c,d] 2:[e\"f][] ");
	assert_string_equal(rows_of(SV_LIT("\"a\\\",b\nc,d\n"), &slashes, 2),
			    "1:!1:1 2:[c][d] ");
	assert_string_equal(rows_of(SV_LIT("a\\,b,\"c\\\\\nd\\"), &bare, 0),
			    "1:[a,b][\"c\\] 2:[d\\] ");
}

static void a_broken_quote_spoils_its_row_only(void **state)
{
	(void)state;
	/* Not closed at all. */
	assert_string_equal(ROWS("1,\"abc\n2,d\n3,e\n", 2),
			    "1:[1]!1:3 2:[2][d] 3:[3][e] ");
	/* Closed by the next row's quote, with text behind it. */
	assert_string_equal(ROWS("1,\"abc\n2,\"d\"\n3,e\n", 2),
			    "1:[1]!1:3 2:[2][d] 3:[3][e] ");
	/* Text behind the closing quote. */
	assert_string_equal(ROWS("1,\"ab\"c\n2,d\n", 2), "1:[1]!1:3 2:[2][d] ");
	/* Swallows a row and still parses: then the columns do not fit. */
	assert_string_equal(ROWS("1,\"abc\n2,\",d\n3,e\n", 2),
			    "1:[1]!1:3 2:[2]!2:3 3:[3][e] ");
	/* In the second line of a row that began well. */
	assert_string_equal(ROWS("\"a\nb\",\"c\nd,e\n", 2),
			    "1:[a\nb]!2:4 3:[d][e] ");
	assert_string_equal(ROWS("\"", 1), "1:!1:1 ");
}

static void other_dialects(void **state)
{
	const struct csv_dialect semicolon = { .delimiter = ';',
					       .quote = '\'' };
	const struct csv_dialect bare = { .delimiter = '\t' };
	const struct csv_dialect trim = { .delimiter = ',',
					  .quote = '"',
					  .trim = true };

	(void)state;
	assert_string_equal(rows_of(SV_LIT("a;'b;c'\n"), &semicolon, 2),
			    "1:[a][b;c] ");
	assert_string_equal(rows_of(SV_LIT("a\t\"b\n\"\tc\n"), &bare, 2),
			    "1:[a][\"b] 2:[\"][c] ");
	assert_string_equal(rows_of(SV_LIT(" a , \"b \" ,c\n"), &trim, 3),
			    "1:[a][b ][c] ");
}

static void places_of_fields(void **state)
{
	struct arena arena = ARENA_INIT;
	struct csv_reader reader;
	struct csv_row row;

	(void)state;
	csv_reader_open_text(&reader,
			     SV_LIT("\xC3\xA4\xC3\xB6,b,c\n\"x\ny\",\"z\",\n"),
			     &plain);
	reader.columns = 3;
	assert_int_equal(csv_reader_next(&reader, &arena, &row, NULL), 1);
	assert_int_equal(csv_row_column(&row, 0), 1);
	assert_int_equal(csv_row_column(&row, 1), 4); /* characters */
	assert_int_equal(csv_row_column(&row, 3), 7);
	assert_int_equal(csv_reader_next(&reader, &arena, &row, NULL), 1);
	assert_int_equal(csv_row_column(&row, 1), 4); /* of the second line */
	assert_int_equal(csv_reader_next(&reader, &arena, &row, NULL), 0);
	csv_reader_close(&reader);
	arena_release(&arena);
}

/* Reads a file in an encoding; fields of all rows with '|' between them. */
static const char *file_rows(struct sv bytes, const char *encoding)
{
	static char told[1024];
	struct csv_dialect dialect = plain;
	struct scratch scratch = { .folder = "" };
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct csv_reader reader;
	struct csv_row row;
	size_t len = 0;
	size_t i;

	dialect.encoding = encoding;
	told[0] = '\0';
	assert_int_equal(scratch_make(&scratch), 0);
	assert_int_equal(scratch_put(&scratch, "x.csv", "w", bytes), 0);
	assert_int_equal(csv_reader_open(&reader,
					 scratch_path(&scratch, "x.csv"),
					 &dialect, &err),
			 0);
	while (csv_reader_next(&reader, &arena, &row, &err) > 0)
		for (i = 0; i < row.count; i++)
			len += (size_t)snprintf(told + len, sizeof(told) - len,
						SV_FMT "|",
						SV_ARG(row.fields[i]));
	csv_reader_close(&reader);
	scratch_remove(&scratch);
	arena_release(&arena);
	return told;
}

static void encodings(void **state)
{
	struct arena arena = ARENA_INIT;
	const char *name;

	(void)state;
	assert_string_equal(file_rows(SV_LIT("\xEF\xBB\xBFid,b\n"), NULL),
			    "id|b|");
	assert_string_equal(
		file_rows(SV_LIT("M\xFCller,\x80\n"), "windows-1252"),
		"M\xC3\xBCller|\xE2\x82\xAC|");
	/* What is not of the encoding becomes a byte that is not UTF-8. */
	assert_string_equal(file_rows(SV_LIT("a\x81,b\n"), "windows-1252"),
			    "a\xFF|b|");
	assert_string_equal(
		file_rows(SV_LIT("\xFF\xFEi\0d\0,\0\xE4\0\n\0"), NULL),
		"id|\xC3\xA4|");
	assert_string_equal(file_rows(SV_LIT("\xFE\xFF\0i\0d\0\n"), "latin1"),
			    "id|");
	assert_int_equal(text_encoding(SV_LIT("UTF-8"), &arena, &name), 1);
	assert_null(name);
	assert_int_equal(text_encoding(SV_LIT("latin1"), &arena, &name), 1);
	assert_non_null(name);
	assert_int_equal(text_encoding(SV_LIT("klingon"), &arena, &name), 0);
	arena_release(&arena);
}

/* Rows longer than the buffer, and rows that lie across its end. */
static void large_rows(void **state)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct scratch scratch = { .folder = "" };
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct csv_reader reader;
	struct csv_row row;
	size_t count = 0;
	size_t i;

	(void)state;
	for (i = 0; i < 40; i++) {
		size_t j;

		strbuf_addf(&text, "%zu,\"", i);
		for (j = 0; j < 100000 + i * 1000; j++)
			strbuf_adds(&text, j % 50 ? "x" : "\"\"\n");
		strbuf_adds(&text, "\"\n");
	}
	assert_int_equal(scratch_make(&scratch), 0);
	assert_int_equal(scratch_put(&scratch, "x.csv", "w", strbuf_sv(&text)),
			 0);
	assert_int_equal(csv_reader_open(&reader,
					 scratch_path(&scratch, "x.csv"),
					 &plain, &err),
			 0);
	reader.columns = 2;
	while (csv_reader_next(&reader, &arena, &row, &err) > 0) {
		assert_null(row.error);
		assert_int_equal(row.count, 2);
		assert_int_equal(row.fields[1].len,
				 100000 + count * 1000 +
					 (100000 + count * 1000) / 50);
		count++;
		arena_reset(&arena);
	}
	assert_int_equal(count, 40);
	csv_reader_close(&reader);
	scratch_remove(&scratch);
	arena_release(&arena);
	strbuf_release(&text);
}

static void what_is_written_is_read(void **state)
{
	struct sv fields[] = { SV_LIT("plain"), SV_LIT("a,b"),
			       SV_LIT("q\"q"),  SV_LIT("two\nlines"),
			       SV_LIT(""),      SV_LIT("\xC3\xA4") };
	struct csv_writer writer;
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	(void)state;
	assert_non_null(stream);
	assert_int_equal(csv_writer_open(&writer, &plain, false, stream, NULL),
			 0);
	assert_int_equal(csv_write_row(&writer, fields, 6, NULL), 0);
	assert_int_equal(csv_write_row(&writer, &fields[4], 1, NULL), 0);
	assert_int_equal(csv_writer_flush(&writer, NULL), 0);
	csv_writer_close(&writer);
	assert_int_equal(fclose(stream), 0);
	assert_string_equal(text, "plain,\"a,b\",\"q\"\"q\",\"two\nlines\",,"
				  "\xC3\xA4\n\"\"\n");
	assert_string_equal(
		rows_of(sv_make(text, len), &plain, 0),
		"1:[plain][a,b][q\"q][two\nlines][][\xC3\xA4] 3:[] ");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_rows),
		cmocka_unit_test(quoted_fields),
		cmocka_unit_test(separators_and_escapes),
		cmocka_unit_test(a_broken_quote_spoils_its_row_only),
		cmocka_unit_test(other_dialects),
		cmocka_unit_test(places_of_fields),
		cmocka_unit_test(encodings),
		cmocka_unit_test(large_rows),
		cmocka_unit_test(what_is_written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
