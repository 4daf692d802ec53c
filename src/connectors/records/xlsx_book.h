/*
 * xlsx_book.h - the parts of a workbook: its sheets, texts and styles
 *
 * Of a part no more is taken out of the archive than limits allow, so that a
 * small file cannot fill a disk or memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_XLSX_BOOK_H
#define CONNECTORS_RECORDS_XLSX_BOOK_H

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/vec.h"
#include "connectors/records/xlsx_grow.h"

#include <stdbool.h>
#include <stdio.h>

struct xlsx_book {
	struct arena arena;
	struct sv part;         /* the sheet's name in the archive */
	bool from_1904;         /* days are counted from there */
	VEC(struct sv) strings; /* that cells refer to */
	VEC(bool) dates;        /* is a style that of a date? */
	struct hash128 meaning; /* of strings and styles */
};

/* Reads all but the rows of a sheet (empty: the first); *rows_out is an open
 * file with its XML. */
int xlsx_book_open(struct xlsx_book *book, const char *path, struct sv sheet,
		   FILE **rows_out, struct error *err);
/* Accepts the all-zero struct. */
void xlsx_book_release(struct xlsx_book *book);

/* Puts the sheet's new XML into the archive at `path`, and the sheet's tables
 * as they are to be; takes `rows`. With part empty the archive is made anew,
 * with one sheet of this name, and growth counts for nothing. */
int xlsx_book_write(const char *path, struct sv part, struct sv sheet,
		    FILE *rows, const struct xlsx_growth *growth,
		    struct error *err);

#endif
