/*
 * jet_table.c - what tables an Access file has, their columns and rows
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/jet.h"

#include "base/strbuf.h"

#include <string.h>

#define KIND_TABLE 2
#define KIND_MAP   5

/* A definition: where its parts lie. It goes on in further pages, of which the
 * first eight bytes are not part of it. */
#define TABLE_NEXT     4
#define TABLE_ROWS     16
#define TABLE_VARIABLE 43
#define TABLE_COLUMNS  45
#define TABLE_INDEXES  51
#define TABLE_MAP      55
#define TABLE_PARTS    63
#define MORE_HEADER    8
#define INDEX_BYTES    12
#define COLUMN_BYTES   25
#define COLUMN_KIND    0
#define COLUMN_NUMBER  5
#define COLUMN_PLACE   7
#define COLUMN_SCALE   12
#define COLUMN_FLAGS   15
#define COLUMN_OFFSET  21
#define COLUMN_WIDTH   23

#define MOST_PAGES 1000 /* of one definition */

static int damaged(struct error *err, const char *what)
{
	return error_set(err, ERR_CORRUPT,
			 "%s: it is damaged; have Access compact and repair it",
			 what);
}

/* --- the definition ---------------------------------------------------- */

static int read_definition(struct jet *jet, uint32_t page, struct strbuf *out,
			   struct error *err)
{
	size_t count = 0;
	struct sv bytes;

	do {
		if (jet_page(jet, page, &bytes, err) < 0)
			return -1;
		if (bytes.ptr[0] != KIND_TABLE || count == MOST_PAGES)
			return damaged(err, "a table has no definition");
		strbuf_addsv(out,
			     sv_sub(bytes, count ? MORE_HEADER : 0, JET_PAGE));
		page = jet_u32(bytes, TABLE_NEXT);
		count++;
	} while (page);
	return 0;
}

static void read_column(struct sv bytes, struct jet_column *c)
{
	c->kind = (unsigned char)bytes.ptr[COLUMN_KIND];
	c->number = jet_u16(bytes, COLUMN_NUMBER);
	c->place = jet_u16(bytes, COLUMN_PLACE);
	c->scale = (unsigned char)bytes.ptr[COLUMN_SCALE];
	c->fixed = bytes.ptr[COLUMN_FLAGS] & 1;
	c->offset = jet_u16(bytes, COLUMN_OFFSET);
	c->width = jet_u16(bytes, COLUMN_WIDTH);
}

static int read_columns(struct sv bytes, struct arena *arena,
			struct jet_table *t, struct error *err)
{
	static const char what[] = "the definition of a table is too short";
	uint64_t at = TABLE_PARTS;
	uint64_t names;
	size_t i;

	if (bytes.len < TABLE_PARTS)
		return damaged(err, what);
	t->rows = jet_u32(bytes, TABLE_ROWS);
	t->variable = jet_u16(bytes, TABLE_VARIABLE) != 0;
	t->count = jet_u16(bytes, TABLE_COLUMNS);
	at += (uint64_t)jet_u32(bytes, TABLE_INDEXES) * INDEX_BYTES;
	names = at + t->count * COLUMN_BYTES;
	if (t->count > JET_COLUMNS || names > bytes.len)
		return damaged(err, what);
	t->columns = arena_array(arena, t->count + 1, sizeof(*t->columns));
	for (i = 0; i < t->count; i++) {
		struct jet_column *c = &t->columns[i];
		size_t len;

		read_column(sv_sub(bytes, at, at + COLUMN_BYTES), c);
		at += COLUMN_BYTES;
		if (names + 2 > bytes.len)
			return damaged(err, what);
		len = jet_u16(bytes, names);
		names += 2;
		if (names + len > bytes.len)
			return damaged(err, what);
		c->name = jet_unicode(sv_sub(bytes, names, names + len), arena);
		names += len;
	}
	return 0;
}

/* --- the pages of a table ---------------------------------------------- */

static int add_pages(struct jet *jet, struct jet_table *t, uint64_t first,
		     struct sv bits, struct error *err)
{
	size_t i;

	for (i = 0; i < bits.len * 8; i++) {
		if (!(bits.ptr[i / 8] >> (i % 8) & 1))
			continue;
		if (first + i >= jet->pages)
			return error_set(err, ERR_CORRUPT,
					 "a table has pages behind its end: it "
					 "was cut off, or is damaged; copy it "
					 "anew");
		vec_push(&t->pages, (uint32_t)(first + i));
	}
	return 0;
}

/* The map lies in the row itself, or in pages that it names. */
static int read_map(struct jet *jet, uint32_t pointer, struct jet_table *t,
		    struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct sv map;
	struct sv bits;
	size_t at;
	int ret = jet_follow(jet, pointer, &arena, &map, err);

	if (ret == 0 && (map.len < 5 || (unsigned char)map.ptr[0] > 1))
		ret = damaged(err, "a table has no map of its pages");
	if (ret == 0 && !map.ptr[0])
		ret = add_pages(jet, t, jet_u32(map, 1),
				sv_sub(map, 5, map.len), err);
	else if (ret == 0)
		for (at = 1; ret == 0 && at + 4 <= map.len; at += 4) {
			uint64_t first = (at / 4) * (JET_PAGE - 4) * 8;

			if (!jet_u32(map, at))
				continue;
			ret = jet_page(jet, jet_u32(map, at), &bits, err);
			if (ret == 0 && bits.ptr[0] != KIND_MAP)
				ret = damaged(err, "a map of pages is none");
			if (ret == 0)
				ret = add_pages(jet, t, first,
						sv_sub(bits, 4, JET_PAGE), err);
		}
	arena_release(&arena);
	return ret;
}

int jet_table_read(struct jet *jet, uint32_t page, struct arena *arena,
		   struct jet_table *t, struct error *err)
{
	struct strbuf bytes = STRBUF_INIT((size_t)MOST_PAGES * JET_PAGE);
	int ret = read_definition(jet, page, &bytes, err);
	struct sv all = strbuf_sv(&bytes);

	memset(t, 0, sizeof(*t));
	t->page = page;
	if (ret == 0 && all.ptr && all.len >= TABLE_MAP + 4) {
		ret = read_columns(all, arena, t, err);
		if (ret == 0)
			ret = read_map(jet, jet_u32(all, TABLE_MAP), t, err);
	} else if (ret == 0) {
		ret = damaged(err, "the description of a table is cut off");
	}
	strbuf_release(&bytes);
	return ret;
}

void jet_table_release(struct jet_table *t)
{
	vec_release(&t->pages);
}

/* --- rows -------------------------------------------------------------- */

/* 1: the row of a slot; 0: it has none that is to be seen. */
static int take_slot(struct jet *jet, struct sv page, unsigned slot,
		     struct arena *arena, struct sv *row, struct error *err)
{
	unsigned flags;

	if (jet_slot(page, slot, row, &flags, err) < 0)
		return -1;
	if (flags & JET_ROW_HIDDEN)
		return 0;
	if (!(flags & JET_ROW_ELSEWHERE)) {
		*row = arena_dup(arena, *row);
		return 1;
	}
	if (row->len < 4)
		return damaged(err, "a row does not say where it lies");
	return jet_follow(jet, jet_u32(*row, 0), arena, row, err) < 0 ? -1 : 1;
}

int jet_next(struct jet *jet, const struct jet_table *t,
	     struct jet_cursor *cursor, struct arena *arena, struct sv *row,
	     struct error *err)
{
	struct sv page;
	int ret;

	for (; cursor->page < t->pages.len; cursor->page++, cursor->slot = 0) {
		if (jet_page(jet, t->pages.at[cursor->page], &page, err) < 0)
			return -1;
		while (jet_is_of(page, t->page) &&
		       cursor->slot < jet_slots(page)) {
			ret = take_slot(jet, page, cursor->slot++, arena, row,
					err);
			if (ret) {
				cursor->given += ret > 0;
				return ret;
			}
		}
	}
	return 0;
}

/* --- values of a row --------------------------------------------------- */

#define LONG_HEADER  12
#define LONG_INSIDE  0x80000000U
#define LONG_ONE     0x40000000U
#define LONG_LENGTH  0x3FFFFFFFU
#define LONG_MOST    (16U * 1024 * 1024)
#define ROW_HEADER   2
#define NULLS(count) (((count) + 7) / 8)

/* Where the value of a column without a fixed width lies: 1; 0: NULL. Behind
 * the values stand, from the row's end: a bit for each column, how many such
 * values there are, and where each begins. */
static int find_variable(const struct jet_column *c, struct sv row, size_t bits,
			 struct sv *out, struct error *err)
{
	size_t end = row.len - bits;
	size_t count;
	size_t from;
	size_t to;

	if (end < ROW_HEADER + 2)
		return damaged(err, "a row is too short");
	end -= 2;
	count = jet_u16(row, end);
	if (c->place >= count)
		return 0;
	if ((count + 1) * 2 > end)
		return damaged(err, "a row is too short");
	from = jet_u16(row, end - 2 - (size_t)c->place * 2);
	to = jet_u16(row, end - 4 - (size_t)c->place * 2);
	if (from > to || to > end)
		return damaged(err, "a value lies outside of its row");
	*out = sv_sub(row, from, to);
	return 1;
}

/* 1: the bytes of a column, 0: NULL. */
static int find_bytes(const struct jet_table *t, const struct jet_column *c,
		      struct sv row, struct sv *out, struct error *err)
{
	size_t count = row.len < ROW_HEADER ? 0 : jet_u16(row, 0);
	size_t bits = NULLS(count);
	bool set;

	if (!count || ROW_HEADER + bits > row.len)
		return damaged(err, "a row is too short");
	set = c->number < count &&
	      row.ptr[row.len - bits + c->number / 8] >> (c->number % 8) & 1;
	if (c->kind == JET_BOOLEAN) { /* the bit is the value */
		*out = set ? SV_LIT("\1") : SV_LIT("\0");
		return 1;
	}
	if (!set)
		return 0;
	if (!c->fixed)
		return t->variable ? find_variable(c, row, bits, out, err) : 0;
	if (ROW_HEADER + (size_t)c->offset + c->width > row.len - bits)
		return damaged(err, "a value lies outside of its row");
	*out = sv_make(row.ptr + ROW_HEADER + c->offset, c->width);
	return 1;
}

/* A long value that lies in pages of its own. */
static int gather(struct jet *jet, struct sv head, struct arena *arena,
		  struct sv *out, struct error *err)
{
	uint32_t len = jet_u32(head, 0) & LONG_LENGTH;
	bool one = jet_u32(head, 0) & LONG_ONE;
	uint32_t pointer = jet_u32(head, 4);
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv part;
	int ret = 0;

	if (len > LONG_MOST)
		return error_set(err, ERR_LIMIT,
				 "a value has %u bytes: more than %u are not "
				 "read",
				 len, LONG_MOST);
	while (ret == 0 && pointer && bytes.len < len) {
		ret = jet_follow(jet, pointer, arena, &part, err);
		pointer = 0;
		if (ret == 0 && !one) {
			if (part.len < 5) {
				ret = damaged(err, "a long value breaks off");
				break;
			}
			pointer = jet_u32(part, 0);
			part = sv_sub(part, 4, part.len);
		}
		if (ret == 0)
			strbuf_addsv(&bytes, part);
	}
	if (ret == 0 && bytes.len < len)
		ret = damaged(err, "a long value breaks off");
	if (ret == 0)
		*out = arena_dup(arena, sv_sub(strbuf_sv(&bytes), 0, len));
	strbuf_release(&bytes);
	return ret;
}

static int long_value(struct jet *jet, struct sv bytes, struct arena *arena,
		      struct sv *out, struct error *err)
{
	if (bytes.len < LONG_HEADER)
		return damaged(err, "a long value breaks off");
	if (!(jet_u32(bytes, 0) & LONG_INSIDE))
		return gather(jet, bytes, arena, out, err);
	*out = sv_sub(bytes, LONG_HEADER, bytes.len);
	return 0;
}

int jet_value(struct jet *jet, const struct jet_table *t,
	      const struct jet_column *c, struct sv row, struct arena *arena,
	      struct sv *out, struct error *err)
{
	struct sv bytes = SV_NULL;
	int ret = find_bytes(t, c, row, &bytes, err);

	if (ret > 0 && (c->kind == JET_MEMO || c->kind == JET_OLE) &&
	    long_value(jet, bytes, arena, &bytes, err) < 0)
		ret = -1;
	if (ret <= 0)
		return ret < 0 ? error_context(err, "column '" SV_FMT "'",
					       SV_ARG(c->name))
			       : 0;
	*out = jet_text(c, bytes, jet->zone, arena);
	return out->len > 0;
}

/* --- the catalogue ----------------------------------------------------- */

#define CATALOGUE      2
#define OBJECT_TABLE   1
#define OBJECT_LINKED  6
#define OBJECT_ODBC    4
#define OBJECT_SYSTEM  0x80000002U
#define CATALOGUE_COLS 4

/* Id, Name, Type and Flags of one of its rows. */
static int read_entry(struct jet *jet, const struct jet_table *t, struct sv row,
		      struct arena *arena, struct sv *out, struct error *err)
{
	static const char *const names[CATALOGUE_COLS] = { "Id", "Name", "Type",
							   "Flags" };
	size_t i;
	size_t k;

	for (k = 0; k < CATALOGUE_COLS; k++) {
		out[k] = SV_NULL;
		for (i = 0; i < t->count; i++)
			if (sv_eq_str(t->columns[i].name, names[k]) &&
			    jet_value(jet, t, &t->columns[i], row, arena,
				      &out[k], err) < 0)
				return -1;
	}
	return 0;
}

static int64_t number(struct sv text)
{
	int64_t value = 0;

	(void)sv_to_i64(text, &value);
	return value;
}

/* 1: the entry is the table; 0: it is not; -1: it cannot be read. */
static int take_entry(const struct sv *entry, struct sv name,
		      struct strbuf *names, uint32_t *page, struct error *err)
{
	int64_t type = number(entry[2]);
	bool same = sv_ieq(entry[1], name);

	if (same && (type == OBJECT_LINKED || type == OBJECT_ODBC))
		return error_set(err, ERR_UNSUPPORTED,
				 "the table '" SV_FMT "' is only linked: name "
				 "the file that it lies in",
				 SV_ARG(entry[1]));
	if (type != OBJECT_TABLE)
		return 0;
	if (!((uint64_t)number(entry[3]) & OBJECT_SYSTEM))
		strbuf_addf(names, "%s" SV_FMT, names->len ? ", " : "",
			    SV_ARG(entry[1]));
	*page = (uint32_t)number(entry[0]) & 0xFFFFFF;
	return same;
}

int jet_find(struct jet *jet, struct sv name, struct arena *arena,
	     uint32_t *page_out, struct sv *names, struct error *err)
{
	struct strbuf list = STRBUF_INIT(300);
	struct arena scratch = ARENA_INIT;
	struct jet_cursor cursor = { 0 };
	struct jet_table t;
	struct sv entry[CATALOGUE_COLS];
	struct sv row;
	uint32_t page = 0;
	bool found = false;
	int ret = jet_table_read(jet, CATALOGUE, &scratch, &t, err);

	while (ret == 0 &&
	       (ret = jet_next(jet, &t, &cursor, &scratch, &row, err)) > 0) {
		ret = read_entry(jet, &t, row, &scratch, entry, err);
		if (ret == 0)
			ret = take_entry(entry, name, &list, &page, err);
		if (ret > 0) {
			*page_out = page;
			found = true;
			ret = 0;
		}
	}
	*names = arena_dup(arena, strbuf_sv(&list));
	strbuf_release(&list);
	jet_table_release(&t);
	arena_release(&scratch);
	return ret < 0 ? error_context(err, "its list of tables") : found;
}
