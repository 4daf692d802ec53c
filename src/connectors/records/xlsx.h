/*
 * xlsx.h - what the parts of the xlsx format share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_XLSX_H
#define CONNECTORS_RECORDS_XLSX_H

#include "connectors/records/record_format.h"
#include "connectors/records/xlsx_book.h"
#include "connectors/records/xml_scan.h"

/* One cell of a row, at its end. */
struct xlsx_cell {
	size_t column; /* 0 based */
	struct sv kind;
	size_t style;
	struct sv text; /* as it stands: of shared texts the number */
};

/* Puts the cells of a row together from its elements. */
struct xlsx_row {
	void *data;
	void (*cell)(void *data, const struct xlsx_cell *cell);
	struct xlsx_cell now;
	struct strbuf text;
	size_t next; /* column of a cell that does not tell it */
	size_t number;
};

void xlsx_row_attr(void *data, struct sv path, struct sv name, struct sv value,
		   size_t at);
void xlsx_row_element(void *data, const struct xml_element *element);

/* The value of a cell; NULL in ptr: it is none. *wrong: the cell has an error.
 */
struct sv xlsx_value(const struct xlsx_book *book, const struct xlsx_cell *cell,
		     struct arena *arena, bool *wrong);

/* An open sheet. */
struct xlsx_file {
	struct xlsx_book book;
	FILE *rows;
	struct xml_stream stream;
	bool streaming;
	struct xlsx_row row;
	VEC(size_t) names; /* of each column the number of its name */
	VEC(struct sv) columns;
	/* Of the row that is read. */
	struct record *record;
	struct arena *arena;
	struct strbuf blank; /* rows without values before it */
	uint64_t from;       /* what has not been given yet begins here */
	size_t last;         /* number of the last row with values */
};

/* "B": its number; SIZE_MAX: no column. */
size_t xlsx_column(struct sv reference);
const char *xlsx_letters(size_t column, struct arena *arena);

int xlsx_compose(struct record_edit *edit);
/* A row that has no number yet gets one. */
struct sv xlsx_place(struct record_writer *writer, struct sv raw,
		     struct arena *arena);
int xlsx_finish(struct record_writer *writer, struct sv *tail,
		struct arena *arena, struct error *err);
void xlsx_frame(const struct records_source *source, struct arena *arena,
		struct sv *head, struct sv *tail);
int xlsx_write_begin(struct record_writer *writer, struct error *err);
int xlsx_write_end(struct record_writer *writer, struct error *err);
void xlsx_write_free(struct record_writer *writer);

#endif
