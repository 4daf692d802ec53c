/*
 * fuzz_csv.c - any bytes as a delimited file
 *
 * The first byte chooses the dialect. Every row must lie within the input, and
 * what is written of plain fields must be read back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/csv/csv_reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int fine)
{
	if (!fine)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct csv_dialect dialects[] = {
		{ .delimiter = ',', .quote = '"' },
		{ .delimiter = ';', .quote = '\'', .trim = true },
		{ .delimiter = '\t' },
		{ .delimiter = '|',
		  .more = { "|+", 2 },
		  .quote = '"',
		  .escape = '\\' },
		{ .delimiter = ',', .escape = '\\', .comment = '#' },
	};
	struct arena arena = ARENA_INIT;
	struct csv_reader reader;
	struct csv_row row;
	size_t total = 0;
	size_t line = 0;
	size_t i;

	if (!size)
		return 0;
	csv_reader_open_text(&reader, sv_make((const char *)data + 1, size - 1),
			     &dialects[data[0] % 5]);
	while (csv_reader_next(&reader, &arena, &row, NULL) > 0) {
		check(row.line > line);
		check(!row.error || row.error_line >= row.line);
		line = row.line;
		total += row.raw.len + row.lead.len;
		for (i = 0;
		     i < row.count && (!reader.columns || i < reader.columns);
		     i++) {
			check(row.fields[i].ptr >= row.text.ptr);
			check(row.fields[i].ptr + row.fields[i].len <=
			      row.text.ptr + row.text.len);
			check(csv_row_column(&row, i) >= 1);
		}
		check(csv_row_column(&row, row.count) >= 1);
		if (!reader.columns)
			reader.columns = row.count;
	}
	check(total <= size);
	csv_reader_close(&reader);
	arena_release(&arena);
	return 0;
}
