/*
 * csv_writer.h - rows of a delimited text file, into any encoding
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_CSV_CSV_WRITER_H
#define CONNECTORS_CSV_CSV_WRITER_H

#include "connectors/csv/csv_reader.h"
#include "connectors/text_output.h"

struct csv_writer {
	struct csv_dialect dialect;
	struct text_output to;
	const char *end_of_line;
	uint64_t rows; /* that were written */
};

/* With `bom` a byte order mark is written first. */
int csv_writer_open(struct csv_writer *writer,
		    const struct csv_dialect *dialect, bool bom, FILE *to,
		    struct error *err);
/* One row, its fields quoted where they need it. */
int csv_write_row(struct csv_writer *writer, const struct sv *fields,
		  size_t count, struct error *err);
/* What stands between two fields. */
void csv_write_delimiter(struct csv_writer *writer);
/* Text as it is: a row that is kept. */
int csv_write_text(struct csv_writer *writer, struct sv text,
		   struct error *err);
/* Hands all to the stream. */
int csv_writer_flush(struct csv_writer *writer, struct error *err);
/* Accepts the all-zero struct. */
void csv_writer_close(struct csv_writer *writer);

/* What a spreadsheet would take for a formula gets an apostrophe, where the
 * dialect says so. */
struct sv csv_marked(const struct csv_dialect *dialect, struct sv text,
		     struct arena *arena);

/* NULL: the text can stand in a field of this dialect and is read back as it
 * is; else why not. */
const char *csv_field_problem(const struct csv_dialect *dialect,
			      struct sv text);

#endif
