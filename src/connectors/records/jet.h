/*
 * jet.h - tables of Access files: pages, catalogue, rows, values
 *
 * Reads Jet 4 (.mdb of Access 2000 to 2003) and ACE (.accdb). A file is taken
 * for whole only when each page of a table is the table's and it has as many
 * rows as it says: a copy that was cut off or made while Access wrote is an
 * error, never fewer rows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_JET_H
#define CONNECTORS_RECORDS_JET_H

#include "base/arena.h"
#include "base/error.h"
#include "base/vec.h"
#include "base/zone.h"

#include <stdbool.h>
#include <stdint.h>

#define JET_PAGE    4096
#define JET_COLUMNS 255

enum jet_kind {
	JET_BOOLEAN = 0x01,
	JET_BYTE = 0x02,
	JET_SHORT = 0x03,
	JET_LONG = 0x04,
	JET_MONEY = 0x05,
	JET_SINGLE = 0x06,
	JET_DOUBLE = 0x07,
	JET_DATETIME = 0x08,
	JET_BINARY = 0x09,
	JET_TEXT = 0x0A,
	JET_OLE = 0x0B,
	JET_MEMO = 0x0C,
	JET_GUID = 0x0F,
	JET_NUMERIC = 0x10,
	JET_COMPLEX = 0x12,
	JET_BIG = 0x13,
	JET_DATETIME_LONG = 0x14,
};

#define JET_CACHE 64

struct jet {
	int fd;           /* -1: it is in memory */
	struct sv memory; /* borrowed */
	uint32_t pages;
	const struct zone *zone; /* of its times; NULL: UTC */
	/* Of pages that were read, each at its number modulo JET_CACHE. */
	struct {
		uint32_t page; /* 0: none */
		char *bytes;
	} cache[JET_CACHE];
};

/* `fd`, which stays the caller's, or with -1 `memory`. */
int jet_open(struct jet *jet, int fd, struct sv memory, struct error *err);
/* Accepts the all-zero struct. */
void jet_close(struct jet *jet);

/* A whole page; a view until another one is read. */
int jet_page(struct jet *jet, uint32_t page, struct sv *out, struct error *err);

enum jet_row_flags {
	JET_ROW_ELSEWHERE = 0x4000, /* the row says where it lies */
	JET_ROW_HIDDEN = 0x8000,    /* reached from elsewhere, or deleted */
};

/* The bytes of a slot of a page of data, in the page itself. */
int jet_slot(struct sv page, unsigned slot, struct sv *out, unsigned *flags,
	     struct error *err);
/* What a pointer, slot and page in four bytes, leads to; memory from arena. */
int jet_follow(struct jet *jet, uint32_t pointer, struct arena *arena,
	       struct sv *out, struct error *err);
unsigned jet_slots(struct sv page);
/* The page of data is of the table whose definition is page `table`. */
bool jet_is_of(struct sv page, uint32_t table);

struct jet_column {
	struct sv name;
	enum jet_kind kind;
	bool fixed;
	unsigned number; /* of its bit */
	unsigned place;  /* among those without a fixed width */
	unsigned offset; /* of those with one */
	unsigned width;
	unsigned scale;
};

struct jet_table {
	uint32_t page;
	struct jet_column *columns;
	size_t count;
	uint32_t rows;
	bool variable; /* some column has no fixed width */
	VEC(uint32_t) pages;
};

/* The definition that begins at `page`; memory of columns from arena. */
int jet_table_read(struct jet *jet, uint32_t page, struct arena *arena,
		   struct jet_table *out, struct error *err);
void jet_table_release(struct jet_table *table);

/* Finds a table by its name, without case: 1 *page_out; 0 there is none. *names
 * are those that there are, for messages. */
int jet_find(struct jet *jet, struct sv name, struct arena *arena,
	     uint32_t *page_out, struct sv *names, struct error *err);

struct jet_cursor {
	size_t page;
	unsigned slot;
	uint64_t given;
};

/* The next row: 1, memory from arena; 0: there are no more; -1. */
int jet_next(struct jet *jet, const struct jet_table *table,
	     struct jet_cursor *cursor, struct arena *arena, struct sv *row,
	     struct error *err);

/* The value of a column as text: bytes as base64. 1: it has one; 0: NULL; -1:
 * err is set. */
int jet_value(struct jet *jet, const struct jet_table *table,
	      const struct jet_column *column, struct sv row,
	      struct arena *arena, struct sv *out, struct error *err);

/* ---- jet_text.c: bytes of a value as text ---- */

/* Of values that no table holds elsewhere; NULL in ptr: these are not so many
 * bytes as its kind has. */
struct sv jet_text(const struct jet_column *column, struct sv bytes,
		   const struct zone *zone, struct arena *arena);
/* Text in UTF-16, compressed or not. */
struct sv jet_unicode(struct sv bytes, struct arena *arena);

/* Little endian. */
static inline unsigned jet_u16(struct sv s, size_t at)
{
	return (unsigned char)s.ptr[at] | (unsigned)(unsigned char)s.ptr[at + 1]
						  << 8;
}

static inline uint32_t jet_u32(struct sv s, size_t at)
{
	return jet_u16(s, at) | (uint32_t)jet_u16(s, at + 2) << 16;
}

#endif
