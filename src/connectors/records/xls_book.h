/*
 * xls_book.h - the records of a workbook of Excel 5 to 2003 (BIFF5, BIFF8)
 *
 * All of it is in memory. The cells of one sheet are listed in the order of
 * rows and columns; their values are made when they are asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_XLS_BOOK_H
#define CONNECTORS_RECORDS_XLS_BOOK_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>

struct xls_cell {
	uint32_t row; /* 0 based */
	uint16_t column;
	uint16_t kind; /* id of its record */
	uint16_t style;
	size_t at;  /* of its value in the stream */
	size_t end; /* of the record */
};

struct xls_book {
	struct strbuf stream;
	struct arena arena;
	bool wide; /* BIFF8: texts are Unicode */
	bool from_1904;
	unsigned code_page;
	iconv_t convert; /* texts of BIFF5 */
	bool converting;
	VEC(uint32_t) formats;  /* of each style */
	VEC(uint32_t) dates;    /* formats of its own that show dates */
	VEC(struct sv) strings; /* that cells refer to */
	VEC(struct xls_cell) cells;
	struct strbuf text;
	char problem[160];
};

/* Takes what ole_read() filled stream with apart, and lists the cells of a
 * sheet (empty: the first): NULL, or what is wrong. */
const char *xls_book_read(struct xls_book *book, struct sv sheet);
/* Accepts the all-zero struct. */
void xls_book_release(struct xls_book *book);

/* The text of a cell; empty: it has no value. *wrong: it shows an error. */
struct sv xls_value(struct xls_book *book, const struct xls_cell *cell,
		    struct arena *arena, bool *wrong);

#endif
