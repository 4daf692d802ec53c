/*
 * fixed_settings.c - columns, layouts, header and trailer
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/fixed.h"

#include "base/text.h"

const struct setting_def fixed_column_settings[] = {
	{ .name = "name",
	  .type = SETTING_TEXT,
	  .help = "Of the attribute; a column without a name is passed over" },
	{ .name = "width",
	  .type = SETTING_NUMBER,
	  .required = true,
	  .help = "Characters (or bytes) that it takes" },
	{ .name = "start",
	  .type = SETTING_NUMBER,
	  .help = "The first of them, from 1 on, when it does not follow the "
		  "column before" },
	{ .name = "align",
	  .type = SETTING_CHOICE,
	  .words = "left|right",
	  .fallback = "left",
	  .help = "Where the value stands" },
	{ .name = "pad",
	  .type = SETTING_TEXT,
	  .fallback = " ",
	  .help = "The character that fills the rest" },
	{ .name = NULL },
};

static const struct setting_def layout_settings[] = {
	{ .name = "begins",
	  .type = SETTING_TEXT,
	  .required = true,
	  .help = "What a line of this type begins with" },
	{ .name = "columns",
	  .type = SETTING_GROUPS,
	  .group = fixed_column_settings,
	  .required = true,
	  .help = "The columns of such a line" },
	{ .name = NULL },
};

static const struct setting_def trailer_settings[] = {
	{ .name = "begins",
	  .type = SETTING_TEXT,
	  .required = true,
	  .help = "What the last line begins with" },
	{ .name = "start",
	  .type = SETTING_NUMBER,
	  .help = "Where in it the number of records stands, from 1 on" },
	{ .name = "width",
	  .type = SETTING_NUMBER,
	  .help = "How many characters the number takes" },
	{ .name = NULL },
};

/* clang-format off */
#define FIXED_SETTINGS                                                         \
	{ .name = "columns", .type = SETTING_GROUPS,                           \
	  .group = fixed_column_settings,                                      \
	  .help = "The columns of a line, in order" },                         \
	{ .name = "layouts", .type = SETTING_NAMED, .group = layout_settings,  \
	  .help = "When there are several kinds of lines: the columns of each "\
		  "type, and what its lines begin with" },                     \
	{ .name = "unit", .type = SETTING_CHOICE, .words = "characters|bytes", \
	  .fallback = "characters", .help = "What widths are in" },            \
	{ .name = "lines", .type = SETTING_SWITCH, .fallback = "yes",          \
	  .help = "Each record is a line; no: nothing is between them" },      \
	{ .name = "shorter", .type = SETTING_SWITCH, .fallback = "no",         \
	  .help = "A line may end early: what it lacks is empty" },            \
	{ .name = "header", .type = SETTING_NUMBER, .fallback = "0",           \
	  .help = "How many lines at the beginning are no records" },          \
	{ .name = "trailer", .type = SETTING_GROUP, .group = trailer_settings, \
	  .help = "The last line, without which the file is not complete" }
/* clang-format on */

const struct setting_def fixed_file_settings[] = {
	RECORDS_FILE_SETTINGS,
	RECORDS_ENCODING,
	FIXED_SETTINGS,
	{ .name = NULL },
};

const struct setting_def fixed_settings[] = {
	RECORDS_FILE_SETTINGS, RECORDS_ENCODING,
	FIXED_SETTINGS,        RECORDS_TYPES(fixed_file_settings),
	{ .name = NULL },
};

#define WIDTH_MOST 1000000

static int load_column(const struct node *node, size_t *at,
		       struct fixed_column *out, struct error *err)
{
	const struct setting_def *defs = fixed_column_settings;
	int64_t width = setting_number(node, defs, "width");
	struct sv pad = setting_text(node, defs, "pad");

	out->name = setting_text(node, defs, "name");
	if (node_get(node, "start")) {
		int64_t start = setting_number(node, defs, "start");

		if (start < 1 || start > WIDTH_MOST)
			return error_set(err, ERR_INVALID,
					 "the column '" SV_FMT
					 "' must start at "
					 "1 or behind",
					 SV_ARG(out->name));
		*at = (size_t)start - 1;
	}
	if (width < 1 || width > WIDTH_MOST)
		return error_set(err, ERR_INVALID,
				 "the 'width' of column '" SV_FMT "' must be a "
				 "number from 1 to %d",
				 SV_ARG(out->name), WIDTH_MOST);
	if (pad.len != 1 || (unsigned char)pad.ptr[0] >= 0x80 ||
	    pad.ptr[0] == '\n' || pad.ptr[0] == '\r')
		return error_set(err, ERR_INVALID,
				 "the 'pad' of column '" SV_FMT "' must be one "
				 "character",
				 SV_ARG(out->name));
	out->start = *at;
	out->width = (size_t)width;
	out->right = sv_eq_str(setting_text(node, defs, "align"), "right");
	out->pad = pad.ptr[0];
	*at += out->width;
	return 0;
}

static int load_layout(const struct node *columns, struct arena *arena,
		       struct fixed_layout *out, struct error *err)
{
	size_t at = 0;
	size_t i;

	if (!columns || columns->kind != NODE_LIST || !columns->len)
		return error_set(err, ERR_INVALID,
				 "'columns' is missing: a list of columns "
				 "with 'name' and 'width'");
	out->count = columns->len;
	out->columns = arena_array(arena, out->count, sizeof(*out->columns));
	for (i = 0; i < out->count; i++) {
		if (load_column(columns->items[i], &at, &out->columns[i], err) <
		    0)
			return -1;
		if (at > out->width)
			out->width = at;
	}
	return 0;
}

static int load_layouts(struct fixed *fixed, const struct node *layouts,
			struct arena *arena, struct error *err)
{
	size_t i;

	fixed->several = true;
	fixed->count = layouts->kind == NODE_MAP ? layouts->len : 0;
	fixed->layouts =
		arena_array(arena, fixed->count + 1, sizeof(*fixed->layouts));
	for (i = 0; i < fixed->count; i++) {
		struct fixed_layout *layout = &fixed->layouts[i];
		const struct node *node = layouts->items[i];

		layout->type = layouts->keys[i]->text;
		layout->begins = setting_text(node, layout_settings, "begins");
		if (load_layout(node_get(node, "columns"), arena, layout, err) <
		    0)
			return error_context(err, "layout '" SV_FMT "'",
					     SV_ARG(layout->type));
		if (layout->width != fixed->layouts[0].width && !fixed->lines)
			return error_set(err, ERR_INVALID,
					 "with 'lines: no' all layouts must be "
					 "as wide as one another");
	}
	return 0;
}

static int load_trailer(struct fixed *fixed, const struct node *trailer,
			struct error *err)
{
	int64_t start;
	int64_t width;

	if (!trailer)
		return 0;
	fixed->trailer = setting_text(trailer, trailer_settings, "begins");
	if (!node_get(trailer, "start") && !node_get(trailer, "width"))
		return 0;
	start = setting_number(trailer, trailer_settings, "start");
	width = setting_number(trailer, trailer_settings, "width");
	if (start < 1 || width < 1 || width > 18)
		return error_set(err, ERR_INVALID,
				 "the trailer's number needs a 'start' from 1 "
				 "on and a 'width' from 1 to 18");
	fixed->count_at = (size_t)start - 1;
	fixed->count_width = (size_t)width;
	return 0;
}

/* Are its characters of several bytes? Then bytes cannot be counted in what
 * they become. */
static bool wide(const char *encoding)
{
	static const char *const single[] = {
		"ISO",  "LATIN", "WINDOWS", "CP125", "CP437", "CP85",
		"CP86", "IBM",   "EBCDIC",  "KOI8",  "MAC",   "ASCII",
		"US-",  "L1",    "CP037",   "CP500", "CP1047"
	};
	struct sv name = sv_from(encoding);
	size_t i;

	for (i = 0; i < sizeof(single) / sizeof(*single); i++) {
		size_t len = strlen(single[i]);

		if (name.len >= len &&
		    sv_ieq_str(sv_sub(name, 0, len), single[i]))
			return false;
	}
	return true;
}

int fixed_load(struct records_source *source, struct arena *arena,
	       struct error *err)
{
	const struct node *layouts = records_node(source, "layouts");
	struct fixed *fixed = arena_zalloc(arena, sizeof(*fixed));
	int64_t header = 0;

	source->data = fixed;
	(void)sv_to_i64(records_text(source, "header"), &header);
	if (header < 0 || header > 1000)
		return error_set(err, ERR_INVALID,
				 "'header' must be a number of lines");
	fixed->header = (size_t)header;
	fixed->bytes = sv_eq_str(records_text(source, "unit"), "bytes");
	fixed->lines = records_switch(source, "lines");
	fixed->shorter = records_switch(source, "shorter");
	if (fixed->bytes && source->encoding && wide(source->encoding))
		return error_set(err, ERR_INVALID,
				 "'unit: bytes' is for UTF-8 and for encodings "
				 "of one byte a character");
	if (load_trailer(fixed, records_node(source, "trailer"), err) < 0)
		return -1;
	if (!fixed->lines && (fixed->header || fixed->trailer.len))
		return error_set(err, ERR_INVALID,
				 "'header' and 'trailer' are lines, which a "
				 "file with 'lines: no' has none of");
	if (layouts) {
		source->type = RECORDS_BY_FORMAT;
		return load_layouts(fixed, layouts, arena, err);
	}
	fixed->count = 1;
	fixed->layouts = arena_array(arena, 1, sizeof(*fixed->layouts));
	return load_layout(records_node(source, "columns"), arena,
			   fixed->layouts, err);
}
