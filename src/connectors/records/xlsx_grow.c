/*
 * xlsx_grow.c - the ranges that have to know of new rows
 *
 * Of a sheet's filter the range stands in the sheet, of its tables in parts of
 * their own, which the sheet's relations name. A table with a row of totals
 * cannot grow over it and stays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/xlsx_grow.h"

#include "connectors/records/xlsx_part.h"

#include <string.h>

#define PART_MOST ((zip_uint64_t)16 * 1024 * 1024)

/* Where `what` begins at or behind `from`, or the text's length. */
static size_t find(struct sv text, const char *what, size_t from)
{
	size_t len = strlen(what);
	const char *at = NULL;

	if (text.ptr && text.len >= from + len)
		at = memmem(&text.ptr[from], text.len - from, what, len);
	return at ? (size_t)(at - text.ptr) : text.len;
}

/* Where the number of the last row stands in "A1:F10"; the length: nowhere. */
static size_t last_row(struct sv range, int64_t *out)
{
	size_t at = range.len;

	while (at && range.ptr[at - 1] >= '0' && range.ptr[at - 1] <= '9')
		at--;
	if (!sv_to_i64(sv_sub(range, at, range.len), out) ||
	    sv_find(range, ':', 0) >= at)
		return range.len;
	return at;
}

/* The range of the first tag of this name, in place of which another is put. */
static struct sv grow_tag(struct sv xml, const char *tag,
			  const struct xlsx_growth *growth, struct arena *arena)
{
	size_t begin = find(xml, tag, 0);
	struct sv inside = sv_sub(xml, 0, sv_find(xml, '>', begin));
	size_t from = find(inside, " ref=\"", begin);
	size_t to;
	size_t at;
	int64_t last;

	if (begin == xml.len || from == inside.len)
		return xml;
	from += 6;
	to = sv_find(inside, '"', from);
	at = from + last_row(sv_sub(inside, from, to), &last);
	if (at == to || last < (int64_t)growth->from ||
	    last >= (int64_t)growth->to)
		return xml;
	return sv_from(arena_printf(arena, SV_FMT "%zu" SV_FMT,
				    SV_ARG(sv_sub(xml, 0, at)), growth->to,
				    SV_ARG(sv_sub(xml, to, xml.len))));
}

struct sv xlsx_grow_ranges(struct sv xml, const struct xlsx_growth *growth,
			   struct arena *arena)
{
	if (growth->to <= growth->from)
		return xml;
	xml = grow_tag(xml, "<table ", growth, arena);
	return grow_tag(xml, "<autoFilter ", growth, arena);
}

/* ---- tables ----------------------------------------------------------- */

struct tables {
	zip_t *zip;
	struct sv folder; /* of the sheet: "xl/worksheets/" */
	const struct xlsx_growth *growth;
	struct arena *arena;
	struct sv type; /* of the relation that is looked at */
	struct sv target;
	struct error *err;
	int ret;
};

/* "../tables/table1.xml" as it is named in the archive. */
static const char *part_of(const struct tables *t)
{
	struct sv folder = t->folder;
	struct sv target = t->target;

	if (target.len && target.ptr[0] == '/')
		return arena_cstr(t->arena, sv_sub(target, 1, target.len));
	while (sv_starts(target, SV_LIT("../"))) {
		target = sv_sub(target, 3, target.len);
		if (folder.len)
			folder.len--;
		while (folder.len && folder.ptr[folder.len - 1] != '/')
			folder.len--;
	}
	return arena_printf(t->arena, SV_FMT SV_FMT, SV_ARG(folder),
			    SV_ARG(target));
}

static bool has_totals(struct sv xml)
{
	size_t at = find(xml, " totalsRowCount=\"", 0);

	return at < xml.len && xml.ptr[at + 17] != '0';
}

static int replace(zip_t *zip, const char *name, struct sv text,
		   struct error *err)
{
	zip_int64_t at = zip_name_locate(zip, name, 0);
	zip_source_t *source = zip_source_buffer(zip, text.ptr, text.len, 0);

	if (source && at >= 0 &&
	    zip_file_replace(zip, (zip_uint64_t)at, source, 0) == 0)
		return 0;
	zip_source_free(source);
	return error_set(err, ERR_UNAVAILABLE,
			 "cannot write '%s' into the workbook: %s", name,
			 zip_strerror(zip));
}

static int grow_table(const struct tables *t, const char *name)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret = xlsx_read_part(t->zip, name, PART_MOST, &text, t->err);
	struct sv xml = strbuf_sv(&text);
	struct sv grown = xml;

	if (ret == 0 && !has_totals(xml))
		grown = xlsx_grow_ranges(xml, t->growth, t->arena);
	if (ret == 0 && !sv_eq(grown, xml))
		ret = replace(t->zip, name, arena_dup(t->arena, grown), t->err);
	strbuf_release(&text);
	return ret;
}

static void on_attr(void *data, struct sv path, struct sv name, struct sv value,
		    size_t at)
{
	struct tables *t = data;

	(void)path;
	(void)at;
	if (sv_eq_str(name, "Type"))
		t->type = arena_dup(t->arena, value);
	else if (sv_eq_str(name, "Target"))
		t->target = arena_dup(t->arena, value);
}

static void relation_end(void *data)
{
	struct tables *t = data;

	if (t->ret == 0 && sv_ends(t->type, SV_LIT("/relationships/table")))
		t->ret = grow_table(t, part_of(t));
}

int xlsx_grow_tables(zip_t *zip, struct sv sheet,
		     const struct xlsx_growth *growth, struct arena *arena,
		     struct error *err)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct tables t = {
		.zip = zip, .growth = growth, .arena = arena, .err = err
	};
	struct xml_visit visit = { &t, on_attr, NULL };
	size_t slash = sheet.len;
	int ret;

	if (growth->to <= growth->from)
		return 0;
	while (slash && sheet.ptr[slash - 1] != '/')
		slash--;
	t.folder = sv_sub(sheet, 0, slash);
	ret = xlsx_read_part(
		zip,
		arena_printf(arena, SV_FMT "_rels/" SV_FMT ".rels",
			     SV_ARG(t.folder),
			     SV_ARG(sv_sub(sheet, slash, sheet.len))),
		PART_MOST, &text, err);
	if (ret == 0 && text.len)
		ret = xlsx_each_element(strbuf_sv(&text),
					"Relationships/Relationship", &visit,
					relation_end, err);
	strbuf_release(&text);
	return ret < 0 ? -1 : t.ret;
}
