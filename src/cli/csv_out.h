/*
 * csv_out.h - results as CSV (RFC 4180, UTF-8), on standard output
 *
 * On a terminal what it would obey is escaped; in a file text is as it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_CSV_OUT_H
#define CLI_CSV_OUT_H

#include "cli/output.h"
#include "connectors/csv/csv_writer.h"

struct csv_out {
	struct csv_writer writer;
	const struct output *output;
	struct arena arena;
};

/* With a row of titles. */
int csv_out_begin(struct csv_out *csv, const struct output *output,
		  const char *const *titles, size_t count, struct error *err);
int csv_out_row(struct csv_out *csv, const struct sv *fields, size_t count,
		struct error *err);
/* Flushes, unless an error is set already; releases. */
int csv_out_end(struct csv_out *csv, struct error *err);

#endif
