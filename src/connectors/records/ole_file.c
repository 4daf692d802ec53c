/*
 * ole_file.c - compound files: sectors, chains of them, a directory of streams
 *
 * The whole file is in memory. Every chain is followed for as many steps as
 * the file has sectors at most.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/ole_file.h"

#include "base/vec.h"

#include <stdint.h>
#include <string.h>

#define HEADER      512
#define ENTRY       128
#define IN_HEADER   109         /* sectors of the table that the header names */
#define END_OF_ALL  0xFFFFFFFAU /* from here on no sector is meant */
#define MINI_SECTOR 64

static const char SHORT[] = "it ends before its last sector";
static const char BROKEN[] = "its table of sectors is broken";

struct ole {
	struct sv file;
	size_t size; /* of a sector */
	VEC(uint32_t) table;
	uint32_t cutoff;          /* smaller streams lie in small sectors */
	struct strbuf mini;       /* all of these */
	struct strbuf mini_table; /* four bytes each */
	struct strbuf directory;
};

static uint32_t u16(struct sv bytes, size_t at)
{
	return (uint32_t)(unsigned char)bytes.ptr[at] |
	       (uint32_t)(unsigned char)bytes.ptr[at + 1] << 8;
}

static uint32_t u32(struct sv bytes, size_t at)
{
	return u16(bytes, at) | u16(bytes, at + 2) << 16;
}

bool ole_is(struct sv file)
{
	return sv_starts(file, SV_LIT("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"));
}

/* The bytes of a sector; the file's last one may be shorter. */
static bool sector(const struct ole *o, uint32_t number, struct sv *out)
{
	uint64_t from = ((uint64_t)number + 1) * o->size;
	uint64_t to = from + o->size;

	if (from >= o->file.len)
		return false;
	*out = sv_sub(o->file, (size_t)from,
		      to < o->file.len ? (size_t)to : o->file.len);
	return true;
}

static const char *add_table_sector(struct ole *o, uint32_t number)
{
	struct sv bytes;
	size_t i;

	if (!sector(o, number, &bytes) || bytes.len < o->size)
		return SHORT;
	for (i = 0; i < o->size; i += 4)
		vec_push(&o->table, u32(bytes, i));
	return NULL;
}

/* The table says of each sector which one follows it. */
static const char *read_table(struct ole *o)
{
	size_t most = o->file.len / o->size;
	size_t left = u32(o->file, 0x2C);
	uint32_t next = u32(o->file, 0x44);
	const char *wrong = NULL;
	struct sv more;
	size_t i;

	if (left > most)
		return SHORT;
	for (i = 0; i < IN_HEADER && left && !wrong; i++, left--)
		wrong = add_table_sector(o, u32(o->file, 0x4C + 4 * i));
	while (left && !wrong) {
		if (!sector(o, next, &more) || more.len < o->size)
			return SHORT;
		for (i = 0; i + 4 < o->size && left && !wrong; i += 4, left--)
			wrong = add_table_sector(o, u32(more, i));
		next = u32(more, o->size - 4);
	}
	return wrong;
}

static const char *read_chain(const struct ole *o, uint32_t first,
			      struct strbuf *out)
{
	size_t left = o->table.len;
	uint32_t at = first;
	struct sv bytes;

	for (; at < END_OF_ALL; at = o->table.at[at]) {
		if (at >= o->table.len || !left--)
			return BROKEN;
		if (!sector(o, at, &bytes))
			return SHORT;
		strbuf_addsv(out, bytes);
	}
	return NULL;
}

static const char *read_mini_chain(const struct ole *o, uint32_t first,
				   struct strbuf *out)
{
	struct sv table = strbuf_sv(&o->mini_table);
	struct sv mini = strbuf_sv(&o->mini);
	size_t left = table.len / 4;
	uint32_t at = first;

	for (; at < END_OF_ALL; at = u32(table, (size_t)at * 4)) {
		size_t from = (size_t)at * MINI_SECTOR;

		if (at >= table.len / 4 || !left--)
			return BROKEN;
		if (from >= mini.len)
			return SHORT;
		strbuf_addsv(out, sv_sub(mini, from,
					 from + MINI_SECTOR < mini.len
						 ? from + MINI_SECTOR
						 : mini.len));
	}
	return NULL;
}

static bool has_name(struct sv entry, const char *name)
{
	size_t len = strlen(name);
	size_t i;

	if (u16(entry, 64) != 2 * (len + 1))
		return false;
	for (i = 0; i < len; i++)
		if ((u16(entry, 2 * i) | 0x20) !=
		    ((uint32_t)(unsigned char)name[i] | 0x20))
			return false;
	return true;
}

/* A stream's entry in the directory. */
static bool find(const struct ole *o, const char *name, struct sv *out)
{
	struct sv all = strbuf_sv(&o->directory);
	size_t at;

	for (at = 0; at + ENTRY <= all.len; at += ENTRY) {
		*out = sv_sub(all, at, at + ENTRY);
		if (out->ptr[66] == 2 && has_name(*out, name))
			return true;
	}
	return false;
}

static const char *read_stream(struct ole *o, struct sv entry,
			       struct strbuf *out)
{
	struct sv root = sv_sub(strbuf_sv(&o->directory), 0, ENTRY);
	uint32_t first = u32(entry, 116);
	uint32_t size = u32(entry, 120);
	const char *wrong;

	if (size >= o->cutoff) {
		wrong = read_chain(o, first, out);
	} else {
		wrong = read_chain(o, u32(root, 116), &o->mini);
		if (!wrong)
			wrong = read_chain(o, u32(o->file, 0x3C),
					   &o->mini_table);
		if (!wrong)
			wrong = read_mini_chain(o, first, out);
	}
	if (!wrong && out->len < size)
		wrong = SHORT;
	if (!wrong)
		out->len = size;
	return wrong;
}

static const char *read_any(struct ole *o, const char *const *names,
			    struct strbuf *out)
{
	uint32_t shift = u16(o->file, 0x1E);
	const char *wrong;
	struct sv entry;

	if (shift != 9 && shift != 12)
		return "its sectors have a size that does not exist";
	o->size = (size_t)1 << shift;
	o->cutoff = u32(o->file, 0x38);
	wrong = read_table(o);
	if (!wrong)
		wrong = read_chain(o, u32(o->file, 0x30), &o->directory);
	if (wrong)
		return wrong;
	for (; *names; names++)
		if (find(o, *names, &entry))
			return read_stream(o, entry, out);
	return "it has no workbook in it";
}

const char *ole_read(struct sv file, const char *const *names,
		     struct strbuf *out)
{
	struct ole o = { .file = file,
			 .mini = STRBUF_INIT(STRBUF_NO_LIMIT),
			 .mini_table = STRBUF_INIT(STRBUF_NO_LIMIT),
			 .directory = STRBUF_INIT(STRBUF_NO_LIMIT) };
	const char *wrong = SHORT;

	if (file.len >= HEADER)
		wrong = read_any(&o, names, out);
	vec_release(&o.table);
	strbuf_release(&o.mini);
	strbuf_release(&o.mini_table);
	strbuf_release(&o.directory);
	return wrong;
}
