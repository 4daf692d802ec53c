/*
 * sheet_value.h - what cells of sheets mean, for all kinds of workbooks
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_SHEET_VALUE_H
#define CONNECTORS_RECORDS_SHEET_VALUE_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

/* Do cells of this number format show days or hours: by the numbers that every
 * workbook knows, or by the format's own code. */
bool sheet_date_number(int64_t format);
bool sheet_date_code(struct sv code);

/* A day's number and its fraction as text: 2026-11-21, or with T and a time;
 * days are counted from 1900 or 1904. */
struct sv sheet_date(bool from_1904, double number, struct arena *arena);
/* The shortest text that is this number. */
struct sv sheet_number(double number, struct arena *arena);
/* The text of a number in a cell of a date, or of another one. */
struct sv sheet_cell_number(bool date, bool from_1904, double number,
			    struct arena *arena);

#endif
