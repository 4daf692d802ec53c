/*
 * fuzz_xls.c - any bytes as a compound file, or as the records in one
 *
 * Values of all cells are asked for; cells must come in the order of rows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/ole_file.h"
#include "connectors/records/xls_book.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int fine)
{
	if (!fine)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "Workbook", "Book", NULL };
	struct sv bytes = sv_make((const char *)data, size);
	struct arena arena = ARENA_INIT;
	struct xls_book book = { .stream = STRBUF_INIT(STRBUF_NO_LIMIT) };
	const char *wrong = NULL;
	uint32_t row = 0;
	bool shows;
	size_t i;

	if (ole_is(bytes))
		wrong = ole_read(bytes, names, &book.stream);
	else
		strbuf_addsv(&book.stream, bytes);
	if (!wrong)
		wrong = xls_book_read(&book, SV_NULL);
	for (i = 0; !wrong && i < book.cells.len; i++) {
		const struct xls_cell *cell = &book.cells.at[i];

		check(cell->row >= row && cell->end <= book.stream.len);
		row = cell->row;
		(void)xls_value(&book, cell, &arena, &shows);
		arena_reset(&arena);
	}
	check(!wrong || *wrong);
	xls_book_release(&book);
	arena_release(&arena);
	return 0;
}
