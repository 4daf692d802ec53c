/*
 * type.h - T-SQL's types and values, and how they are written in TDS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TDS_TYPE_H
#define TDS_TYPE_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "base/sv.h"

#include <stdbool.h>
#include <stdint.h>

enum type_id {
	T_BIT,
	T_TINYINT,
	T_SMALLINT,
	T_INT,
	T_BIGINT,
	T_DECIMAL,
	T_MONEY,
	T_SMALLMONEY,
	T_REAL,
	T_FLOAT,
	T_CHAR,
	T_VARCHAR,
	T_NCHAR,
	T_NVARCHAR,
	T_TEXT,
	T_NTEXT,
	T_BINARY,
	T_VARBINARY,
	T_IMAGE,
	T_ROWVERSION,
	T_GUID,
	T_DATETIME,
	T_SMALLDATETIME,
	T_DATE,
	T_TIME,
	T_DATETIME2,
	T_OFFSET,
};

struct type {
	enum type_id id;
	int size; /* characters or bytes; 0: max */
	int precision;
	int scale;
};

enum datum_kind {
	DATUM_NULL,
	DATUM_INT,
	DATUM_REAL,
	DATUM_TEXT,
	DATUM_BYTES,
};

struct datum {
	enum datum_kind kind;
	int64_t i;
	double r;
	struct sv s;
};

/* ---- type.c ---- */

/* "nvarchar(40)", "decimal(10, 2)": 1 read, 0 not a type. What stands behind
 * the type is passed over. */
int type_parse(struct sv text, struct type *out);
/* Its name without size: "nvarchar". */
const char *type_name(const struct type *type);
void type_add(struct strbuf *sb, const struct type *type);
bool type_is_text(const struct type *type);
bool type_is_wide(const struct type *type);
bool type_is_bytes(const struct type *type);
bool type_is_moment(const struct type *type);
/* What is sent for it to a client of this version (70 to 74). */
struct type type_sent(struct type type, int version);
/* UTF-16 units, as SQL Server counts an nvarchar. */
size_t text_units(struct sv text);

/* ---- moment.c: dates ---- */

struct moment {
	int64_t days;  /* since 0001-01-01 */
	int64_t ticks; /* of the day, 100 ns */
	int offset;    /* minutes */
};

#define MOMENT_DAY  INT64_C(864000000000)
#define MOMENT_1900 INT64_C(693595) /* days */

/* What T-SQL reads: 1 read, 0 not a moment. */
int moment_parse(struct sv text, struct moment *out);
/* As SQL Server writes a value of this type as text. */
void moment_add(struct strbuf *sb, const struct moment *m,
		const struct type *type);
void moment_now(struct moment *out); /* UTC */
void moment_move(struct moment *m, int64_t ticks);
int64_t days_from_civil(int64_t year, int month, int day);
void civil_from_days(int64_t days, int64_t *year, int *month, int *day);

/* ---- wire.c: as they stand in TDS ---- */

void add_u8(struct strbuf *sb, unsigned value);
void add_u16(struct strbuf *sb, unsigned value);
void add_u32(struct strbuf *sb, uint32_t value);
void add_u64(struct strbuf *sb, uint64_t value);
/* UTF-8 as UTF-16; gives the number of its units. */
size_t add_utf16(struct strbuf *sb, struct sv text);
/* With a length of one byte, or two, in front. */
void add_b_varchar(struct strbuf *sb, struct sv text);
void add_us_varchar(struct strbuf *sb, struct sv text);

/* `type` as type_sent() gave it. */
void wire_add_type(struct strbuf *sb, const struct type *type, int version);
/* 1 added; 0 the value is not one of this type. */
int wire_add_value(struct strbuf *sb, const struct type *type,
		   const struct datum *value);

/* ---- parse.c: what the client sends ---- */

/* Reads on from `at`; past the end `broken` is set and all is zero. */
struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool broken;
};

unsigned take_u8(struct cursor *c);
unsigned take_u16(struct cursor *c);
uint32_t take_u32(struct cursor *c);
uint64_t take_u64(struct cursor *c);
struct sv take_bytes(struct cursor *c, size_t len);
/* UTF-16 of so many units as UTF-8. */
struct sv take_utf16(struct cursor *c, size_t units, struct arena *arena);
struct sv utf16_text(struct sv bytes, struct arena *arena);
/* A parameter's type and value. */
void take_typed(struct cursor *c, int version, struct arena *arena,
		struct type *type, struct datum *out);

#endif
