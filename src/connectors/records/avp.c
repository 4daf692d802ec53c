/*
 * avp.c - files of attribute-value pairs
 *
 * A line is a name and a value; a record ends with a blank line or another that
 * is set, or where a name comes with which each begins. What a line cannot hold
 * stands as base64 behind two colons, as in LDIF.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/record_format.h"
#include "connectors/records/records.h"

#include "base/text.h"

#include <string.h>

struct avp {
	struct sv assign;
	struct sv separator; /* a line; empty: a blank one */
	struct sv first;     /* the name that each record begins with */
	bool base64;
};

static int avp_load(struct records_source *source, struct arena *arena,
		    struct error *err)
{
	struct avp *avp = arena_zalloc(arena, sizeof(*avp));

	avp->assign = records_text(source, "assign");
	avp->separator = sv_trim(records_text(source, "separator"));
	avp->first = records_text(source, "first");
	avp->base64 = sv_eq_str(avp->assign, ":");
	source->data = avp;
	if (!avp->assign.len || sv_trim(avp->assign).len != avp->assign.len)
		return error_set(err, ERR_INVALID,
				 "'assign' must be a text without blanks at "
				 "its ends");
	return 0;
}

/* --- lines ------------------------------------------------------------- */

struct pair {
	struct sv name;
	struct sv value;
	size_t value_at;
	bool base64;
};

/* 1: a pair; 0: it has no sign between name and value. */
static int split(const struct avp *avp, struct sv line, struct pair *out)
{
	const char *hit =
		memmem(line.ptr, line.len, avp->assign.ptr, avp->assign.len);
	struct sv rest;

	if (!hit)
		return 0;
	memset(out, 0, sizeof(*out));
	out->name = sv_trim(sv_sub(line, 0, (size_t)(hit - line.ptr)));
	rest = sv_sub(line, (size_t)(hit - line.ptr) + avp->assign.len,
		      line.len);
	if (avp->base64 && rest.len && rest.ptr[0] == ':') {
		out->base64 = true;
		rest = sv_sub(rest, 1, rest.len);
	}
	out->value = sv_trim(rest);
	out->value_at = (size_t)((out->value.len ? out->value.ptr : rest.ptr) -
				 line.ptr);
	return out->name.len > 0;
}

static bool is_comment(struct sv line)
{
	return line.len && line.ptr[0] == '#';
}

static bool ends_record(const struct avp *avp, struct sv line)
{
	struct sv text = sv_trim(line);

	return avp->separator.len ? sv_eq(text, avp->separator) : !text.len;
}

static bool begins_record(const struct avp *avp, struct sv line)
{
	struct pair pair;

	return avp->first.len && !is_comment(line) && split(avp, line, &pair) &&
	       sv_ieq(pair.name, avp->first);
}

/* To the first line of a record: 1, 0 there is none, -1. */
static int find_begin(struct record_reader *r, size_t *off, struct error *err)
{
	const struct avp *avp = r->source->data;
	struct sv line;
	size_t end;
	int ret;

	*off = 0;
	while ((ret = record_line_ahead(r, *off, &line, &end, err)) > 0) {
		if (!is_comment(line) && sv_trim(line).len &&
		    !ends_record(avp, line))
			break;
		*off = end;
		if (!r->writing) {
			record_pass(r, *off);
			*off = 0;
		}
	}
	return ret;
}

static int avp_next(struct record_reader *r, struct arena *arena,
		    struct record *record, struct error *err)
{
	const struct avp *avp = r->source->data;
	struct sv line;
	size_t lead;
	size_t off;
	size_t end;
	int ret = find_begin(r, &lead, err);

	if (ret < 0)
		return -1;
	if (r->writing)
		record->lead = arena_dup(
			arena, sv_make(r->in.buffer + r->in.at, lead));
	if (!ret)
		r->tail = arena_dup(&r->arena, record->lead);
	record_pass(r, lead);
	record->line = r->line;
	for (off = 0; ret > 0; off = end) {
		ret = record_line_ahead(r, off, &line, &end, err);
		if (ret < 0)
			return -1;
		if (!ret || ends_record(avp, line) ||
		    (off && begins_record(avp, line)))
			break;
	}
	if (!off)
		return 0;
	record->raw = sv_make(r->in.buffer + r->in.at, off);
	record_pass(r, off);
	return 1;
}

/* The line at *at of a text of lines, without its end; moves on. */
static bool take_line(struct sv text, size_t *at, struct sv *line)
{
	size_t end;

	if (*at >= text.len)
		return false;
	end = sv_find(text, '\n', *at);
	*line = record_strip(sv_sub(text, *at, end));
	*at = end + (end < text.len);
	return true;
}

static void avp_parse(const struct record_reader *r, bool keys,
		      struct arena *arena, struct record *record)
{
	const struct avp *avp = r->source->data;
	struct sv raw = record->raw;
	size_t at = 0;
	struct sv line;
	size_t name;

	while (take_line(raw, &at, &line)) {
		size_t begin = (size_t)(line.ptr - raw.ptr);
		struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
		struct pair pair;

		if (is_comment(line) || !sv_trim(line).len)
			continue;
		if (!split(avp, line, &pair)) {
			record->error = "a line that is not a name and a value";
			record->error_at = begin;
			return;
		}
		name = record_names_find(r->names, pair.name);
		if (name == RECORD_NO_NAME || (keys && name >= r->names->keys))
			continue;
		if (pair.base64) {
			if (!strbuf_add_unbase64(&bytes, pair.value)) {
				record->error = "no base64 behind '::'";
				record->error_at = begin + pair.value_at;
			}
			pair.value = arena_dup(arena, strbuf_sv(&bytes));
			strbuf_release(&bytes);
		}
		record_add(record, arena, name, pair.value,
			   begin + pair.value_at);
	}
}

/* --- writing ----------------------------------------------------------- */

/* Bytes that a line would not give back as they are. */
static bool needs_base64(struct sv text)
{
	return sv_trim(text).len != text.len || !text_is_utf8(text) ||
	       memchr(text.ptr, '\n', text.len) ||
	       memchr(text.ptr, '\r', text.len) ||
	       memchr(text.ptr, '\0', text.len);
}

static int add_pair(struct record_edit *edit, const struct avp *avp,
		    struct sv name, struct sv text, struct strbuf *out)
{
	bool coded = text.len && needs_base64(text);

	if (coded && !avp->base64)
		return record_refuse(
			edit, "invalid-attribute-value",
			arena_printf(edit->arena,
				     "'" SV_FMT "': a line cannot hold this "
				     "value; with 'assign: \":\"' it would be "
				     "base64",
				     SV_ARG(name)));
	strbuf_addsv(out, name);
	strbuf_addsv(out, avp->assign);
	strbuf_adds(out, coded ? ": " : " ");
	if (coded)
		strbuf_add_base64(out, text);
	else
		strbuf_addsv(out, text);
	strbuf_adds(out, edit->end_of_line);
	return 0;
}

static int check_name(struct record_edit *edit, const struct avp *avp,
		      struct sv name)
{
	if (!memmem(name.ptr, name.len, avp->assign.ptr, avp->assign.len) &&
	    sv_trim(name).len == name.len && name.ptr[0] != '#')
		return 0;
	return record_refuse(edit, "invalid-attribute-value",
			     arena_printf(edit->arena,
					  "the name '" SV_FMT
					  "' cannot stand in this file",
					  SV_ARG(name)));
}

/* What of `sets` a line is of, or NULL. */
static const struct record_set *set_of(const struct record_edit *edit,
				       const struct avp *avp, struct sv line)
{
	struct pair pair;
	size_t i;

	if (is_comment(line) || !split(avp, line, &pair))
		return NULL;
	for (i = 0; i < edit->count; i++)
		if (sv_ieq(edit->sets[i].name, pair.name))
			return &edit->sets[i];
	return NULL;
}

/* Values from number `from` on. */
static int add_values(struct record_edit *edit, const struct avp *avp,
		      const struct record_set *set, size_t from,
		      struct strbuf *out)
{
	for (; from < set->count; from++)
		if (add_pair(edit, avp, set->name, set->values[from], out) < 0)
			return -1;
	return 0;
}

/* Is there a line of this name in the text from `at` on? */
static bool comes_again(const struct record_edit *edit, const struct avp *avp,
			const struct record_set *set, size_t at)
{
	struct sv line;

	while (take_line(edit->old, &at, &line))
		if (set_of(edit, avp, line) == set)
			return true;
	return false;
}

/* Lines of names that are set get other values where they stand. */
static int rewrite(struct record_edit *edit, const struct avp *avp,
		   size_t *used, struct strbuf *out)
{
	struct sv line;
	size_t at = 0;

	while (take_line(edit->old, &at, &line)) {
		const struct record_set *set = set_of(edit, avp, line);
		size_t *n;

		if (!set) {
			strbuf_addsv(out, line);
			strbuf_adds(out, edit->end_of_line);
			continue;
		}
		n = &used[set - edit->sets];
		if (*n < set->count &&
		    add_pair(edit, avp, set->name, set->values[*n], out) < 0)
			return -1;
		if (*n < set->count)
			(*n)++;
		if (comes_again(edit, avp, set, at))
			continue;
		if (add_values(edit, avp, set, *n, out) < 0)
			return -1;
		*n = set->count;
	}
	return 0;
}

static int avp_compose(struct record_edit *edit)
{
	const struct avp *avp = edit->reader->source->data;
	size_t *used = arena_array(edit->arena, edit->count + 1, sizeof(*used));
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ret = 0;
	size_t i;

	for (i = 0; i < edit->count && ret == 0; i++)
		ret = check_name(edit, avp, edit->sets[i].name);
	/* The name that a record begins with, first of all. */
	for (i = 0; !edit->old.len && i < edit->count && ret == 0; i++) {
		if (!sv_ieq(edit->sets[i].name, avp->first))
			continue;
		ret = add_values(edit, avp, &edit->sets[i], 0, &out);
		used[i] = edit->sets[i].count;
	}
	if (ret == 0)
		ret = rewrite(edit, avp, used, &out);
	for (i = 0; i < edit->count && ret == 0; i++)
		ret = add_values(edit, avp, &edit->sets[i], used[i], &out);
	edit->out = arena_dup(edit->arena, strbuf_sv(&out));
	strbuf_release(&out);
	return ret;
}

/* Two records must not become one. */
static struct sv avp_before(const struct record_writer *w, struct sv lead,
			    bool first, struct arena *arena)
{
	const struct avp *avp = w->source->data;
	size_t at = 0;
	struct sv line;

	lead = record_before_line(w, lead, first, arena);
	if (first || avp->first.len)
		return lead;
	while (take_line(lead, &at, &line))
		if (ends_record(avp, line) && w->last == '\n')
			return lead;
	return sv_from(arena_printf(arena, SV_FMT SV_FMT "%s", SV_ARG(lead),
				    SV_ARG(avp->separator), w->end_of_line));
}

/* clang-format off */
#define AVP_SETTINGS                                                           \
	{ .name = "assign", .type = SETTING_TEXT, .fallback = ":",             \
	  .help = "What stands between a name and its value" },                \
	{ .name = "separator", .type = SETTING_TEXT,                           \
	  .help = "The line between two records, when it is not a blank one" },\
	{ .name = "first", .type = SETTING_TEXT,                               \
	  .help = "The name with which each record begins, when nothing "      \
		  "stands between them" }
/* clang-format on */

static const struct setting_def avp_file_settings[] = {
	RECORDS_FILE_SETTINGS,
	RECORDS_ENCODING,
	AVP_SETTINGS,
	{ .name = NULL },
};

static const struct setting_def avp_settings[] = {
	RECORDS_FILE_SETTINGS, RECORDS_ENCODING,
	AVP_SETTINGS,          RECORDS_TYPES(avp_file_settings),
	{ .name = NULL },
};

static const struct record_format avp_format = {
	.name = "avp",
	.file_settings = avp_file_settings,
	.lines = true,
	.bytes = true,
	.load = avp_load,
	.next = avp_next,
	.parse = avp_parse,
	.compose = avp_compose,
	.before = avp_before,
};

const struct connector_ops avp_connector = {
	RECORDS_CONNECTOR(avp_format),
	.name = "avp",
	.help = "Files of attribute-value pairs, a pair on each line.",
	.settings = avp_settings,
};
