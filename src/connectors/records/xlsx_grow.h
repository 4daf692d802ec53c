/*
 * xlsx_grow.h - filters and tables reach as far down as the rows that were
 * added
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_XLSX_GROW_H
#define CONNECTORS_RECORDS_XLSX_GROW_H

#include "base/arena.h"
#include "base/error.h"

#include <zip.h>

/* Rows up to `from` were there; now there are some up to `to`. */
struct xlsx_growth {
	size_t from;
	size_t to;
};

/* XML with the ranges of its filter, or of the table that it is, as they are
 * to be: such as ended with the last row, or behind it. */
struct sv xlsx_grow_ranges(struct sv xml, const struct xlsx_growth *growth,
			   struct arena *arena);
/* The tables that stand in a sheet, which is a part of the archive. Memory from
 * the arena has to stay until the archive is closed. */
int xlsx_grow_tables(zip_t *zip, struct sv sheet,
		     const struct xlsx_growth *growth, struct arena *arena,
		     struct error *err);

#endif
