/*
 * dbf.h - what the parts of the dbf format share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_DBF_H
#define CONNECTORS_RECORDS_DBF_H

#include "connectors/records/record_format.h"

#define DBF_HEADER 32 /* bytes, and those of each column behind it */
#define DBF_COLUMN 32

struct dbf_column {
	struct sv name;
	char kind; /* C, N, D ... */
	size_t start;
	size_t width;
	size_t decimals;
};

/* What the header tells, or for a new file the settings. */
struct dbf_table {
	struct dbf_column *columns;
	size_t count;
	size_t width; /* of a record, with the byte before it */
	size_t header;
	uint32_t records;
	bool visual; /* of Visual FoxPro, which has kinds of its own */
	const char *code_page; /* iconv's name; NULL: UTF-8 */
};

extern const struct setting_def dbf_file_settings[];
extern const struct setting_def dbf_settings[];

/* The columns that are set for a new file, in source->data; none: NULL. */
int dbf_load(struct records_source *source, struct arena *arena,
	     struct error *err);
/* 0, or -1: it is no header. */
int dbf_read_header(struct sv head, struct dbf_table *table,
		    struct arena *arena, const char **problem);
/* The code page that a header's byte means, or NULL. */
const char *dbf_code_page(unsigned char id);

/* An open file. */
struct dbf_file {
	struct dbf_table table;
	size_t *names; /* of each column the number of its name */
	struct sv *columns;
	iconv_t convert;
	bool converting;
	size_t given; /* records so far, deleted ones too */
};

int dbf_compose(struct record_edit *edit);
void dbf_frame(const struct records_source *source, struct arena *arena,
	       struct sv *head, struct sv *tail);
int dbf_write_begin(struct record_writer *writer, struct error *err);
int dbf_write_end(struct record_writer *writer, struct error *err);

/* Little endian. */
uint32_t dbf_u32(const char *at);

#endif
