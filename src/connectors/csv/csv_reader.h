/*
 * csv_reader.h - rows of a delimited text file (RFC 4180 and its relatives)
 *
 * Reads any encoding that iconv knows as UTF-8; bytes that are not of that
 * encoding become 0xFF, which is never UTF-8, so that they spoil their own row
 * only. A row is copied once into the arena and its fields are views of that
 * copy. A quote that is opened and not closed spoils the row it stands in;
 * reading goes on with the line behind the quote.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_CSV_CSV_READER_H
#define CONNECTORS_CSV_CSV_READER_H

#include "base/arena.h"
#include "base/error.h"
#include "connectors/text_input.h"

struct csv_dialect {
	char delimiter;       /* or the first character of it */
	struct sv more;       /* those that follow; mostly none */
	char quote;           /* '\0': there are no quotes */
	char escape;          /* the character behind it is one; or '\0' */
	char comment;         /* lines that begin with it are passed over */
	bool trim;            /* blanks around fields do not count */
	bool formulas;        /* what looks like one has an apostrophe */
	struct sv null;       /* the text that stands for no value; or empty */
	const char *encoding; /* NULL: UTF-8 */
};

struct csv_row {
	struct sv *fields;
	size_t count;   /* of the row; `fields` has as many as there is room */
	struct sv text; /* of the whole row; fields of plain rows view it */
	size_t *starts; /* where in raw each field begins; NULL: as in text */
	size_t line;    /* where the row begins */
	bool partial;   /* it may have more fields than `count` */

	/* A broken quote: what is wrong, and where. `fields` has what stands
	 * before it. */
	const char *error;
	size_t error_line;
	size_t error_column; /* characters, 1 based */

	/* Until the next row: the row with its end of line as it is in the
	 * file (in UTF-8), and the blank lines and comments before it; at the
	 * end those behind the last row. */
	struct sv raw;
	struct sv lead;
};

struct csv_reader {
	struct csv_dialect dialect;
	size_t columns; /* that a row should have; 0: not known yet */
	size_t first;   /* of plain rows only so many are cut; 0: all */
	size_t line;    /* of what is read next */
	struct text_input in;
};

/* Opens `path` and looks for a byte order mark, which outweighs the dialect's
 * encoding (and is put into reader->dialect). */
int csv_reader_open(struct csv_reader *reader, const char *path,
		    const struct csv_dialect *dialect, struct error *err);
/* Reads UTF-8 from memory. */
void csv_reader_open_text(struct csv_reader *reader, struct sv text,
			  const struct csv_dialect *dialect);
/* 1: a row; 0: end; -1: err is set. Empty lines and
 * comments are passed over. A plain row of
 * which only the first fields were cut has `partial` set. */
int csv_reader_next(struct csv_reader *reader, struct arena *arena,
		    struct csv_row *row, struct error *err);
/* Cuts the rest of a partial row. */
void csv_row_cut(const struct csv_reader *reader, struct arena *arena,
		 struct csv_row *row);
/* Accepts the all-zero struct. */
void csv_reader_close(struct csv_reader *reader);

/* Where in a text the next delimiter begins, or its length. */
size_t csv_find_delimiter(const struct csv_dialect *dialect, struct sv text,
			  size_t from);

/* A field without the apostrophe that marks what a spreadsheet would take for a
 * formula. */
struct sv csv_unmarked(const struct csv_dialect *dialect, struct sv field);

/* In which character of its line field `i` begins, 1 based; for a field that
 * the row lacks its end. */
size_t csv_row_column(const struct csv_row *row, size_t i);

#endif
