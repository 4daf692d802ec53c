/*
 * fuzz_jet.c - any pages as an Access file
 *
 * The input is a list of pieces, each behind its page, its place in two bytes
 * and its length; all else is zeros. All values of all tables are read;
 * more rows than the pages have room for must not come of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/jet.h"

#include "base/text.h"

#include <stdlib.h>

#define PAGES 64
#define PIECE 4 /* bytes before one */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int fine)
{
	if (!fine)
		abort();
}

static void read_row(struct jet *jet, const struct jet_table *table,
		     struct sv row, struct arena *arena)
{
	struct error err = ERROR_INIT;
	struct sv text;
	size_t i;

	for (i = 0; i < table->count; i++) {
		int ret = jet_value(jet, table, &table->columns[i], row, arena,
				    &text, &err);

		check(ret >= 0 || err.msg[0]);
		check(ret <= 0 || text_is_utf8(text));
	}
}

static void read_table(struct jet *jet, uint32_t page)
{
	struct arena of_table = ARENA_INIT;
	struct arena arena = ARENA_INIT;
	struct jet_cursor cursor = { 0 };
	struct error err = ERROR_INIT;
	struct jet_table table;
	struct sv row;

	if (jet_table_read(jet, page, &of_table, &table, &err) == 0)
		while (jet_next(jet, &table, &cursor, &arena, &row, &err) > 0) {
			check(cursor.given < (uint64_t)PAGES * JET_PAGE);
			if (cursor.given < 100)
				read_row(jet, &table, row, &arena);
			arena_reset(&arena);
		}
	jet_table_release(&table);
	arena_release(&arena);
	arena_release(&of_table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *file = calloc(PAGES, JET_PAGE);
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct jet jet;
	struct sv names;
	uint32_t page = 0;
	size_t at;

	check(file != NULL);
	for (at = 0; at + PIECE < size; at += PIECE + data[at + 3]) {
		size_t place =
			(data[at + 1] | (size_t)data[at + 2] << 8) % JET_PAGE;
		size_t len = data[at + 3];

		if (len > size - at - PIECE)
			len = size - at - PIECE;
		if (len > JET_PAGE - place)
			len = JET_PAGE - place;
		memcpy(file + (size_t)(data[at] % PAGES) * JET_PAGE + place,
		       data + at + PIECE, len);
	}
	if (jet_open(&jet, -1, sv_make(file, (size_t)PAGES * JET_PAGE), &err) ==
	    0) {
		(void)jet_find(&jet, SV_LIT("people"), &arena, &page, &names,
			       &err);
		for (page = 0; page < PAGES; page++)
			read_table(&jet, page);
	}
	jet_close(&jet);
	arena_release(&arena);
	free(file);
	return 0;
}
