/*
 * feed.c - settings and watermarks of the files of one kind of objects
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/intake/feed.h"

#include "base/strbuf.h"
#include "connectors/spool.h"

#include <stdio.h>
#include <string.h>

const struct setting_def feed_delta_settings[] = {
	{ .name = "path",
	  .type = SETTING_PATH,
	  .required = true,
	  .help = "The file with the changes" },
	{ .name = "change",
	  .type = SETTING_TEXT,
	  .required = true,
	  .help = "The column or name that says what happened to the object" },
	{ .name = "add",
	  .type = SETTING_TEXT,
	  .fallback = "Add",
	  .help = "The word for a new object" },
	{ .name = "modify",
	  .type = SETTING_TEXT,
	  .fallback = "Modify",
	  .help = "The word for a changed object; what is said of it is whole" },
	{ .name = "delete",
	  .type = SETTING_TEXT,
	  .fallback = "Delete",
	  .help = "The word for an object that is gone; only its anchor is "
		  "needed" },
	INTAKE_SETTINGS,
	{ .name = NULL },
};

/* ---- settings ---- */

/* Of one file, else of all, else the default. */
static struct sv text_of(const struct feed_place *place, const char *name)
{
	const struct node *all = place->config->connect;
	const struct node *from = node_get(place->own, name) ? place->own : all;

	return setting_text(from, place->defs, name);
}

static struct intake_nodes full_nodes(const struct feed_place *place)
{
	return (struct intake_nodes){ place->own,
				      { place->config->connect, NULL },
				      place->defs };
}

static struct intake_nodes delta_nodes(const struct feed_place *place)
{
	return (struct intake_nodes){ node_get(place->own, "delta"),
				      { place->own, place->config->connect },
				      feed_delta_settings };
}

/* Whose files these are, in the watermark. */
static const char *mark_id(const struct feed_place *place, const char *kind,
			   struct arena *arena)
{
	return arena_printf(arena, "%s %s", kind, place->id);
}

static int load_delta(const struct feed_place *place, struct arena *arena,
		      struct feed *feed, struct error *err)
{
	const struct setting_def *defs = feed_delta_settings;
	const struct node *delta = node_get(place->own, "delta");
	struct intake_nodes nodes = delta_nodes(place);
	unsigned flags = place->flags & INTAKE_PACKED;

	if (!delta)
		return 0;
	if (feed_tells_changes(feed)) /* the first export makes them */
		flags |= INTAKE_OPTIONAL;
	feed->change = setting_text(delta, defs, "change");
	feed->words[FEED_ADD] = setting_text(delta, defs, "add");
	feed->words[FEED_MODIFY] = setting_text(delta, defs, "modify");
	feed->words[FEED_DELETE] = setting_text(delta, defs, "delete");
	return intake_source_load(
		place->config, &nodes, setting_text(delta, defs, "path"),
		mark_id(place, "delta", arena), INTAKE_DELTA | flags, arena,
		&feed->changes, err);
}

static struct outlet_place outlet_place(const struct feed_place *place)
{
	const struct node *all = place->config->connect;
	const struct node *export = node_get(place->own, "export");

	return (struct outlet_place){
		.config = place->config,
		.own = export ? export : node_get(all, "export"),
		.outer = { place->own, all },
		.delta = node_get(place->own, "delta"),
		.delta_defs = feed_delta_settings,
	};
}

static int load_outlet(const struct feed_place *place, struct arena *arena,
		       struct feed *feed, struct error *err)
{
	struct outlet_place outlet = outlet_place(place);

	if (!outlet.own)
		return 0;
	feed->outlet = arena_zalloc(arena, sizeof(*feed->outlet));
	return outlet_load(&outlet, arena, feed->outlet, err);
}

int feed_load(const struct feed_place *place, struct arena *arena,
	      struct feed *feed, struct error *err)
{
	struct intake_nodes nodes = full_nodes(place);
	unsigned flags = place->flags;

	feed->name = text_of(place, "path");
	feed->path = connector_path(place->config, feed->name, arena);
	feed->plain = intake_is_plain(&nodes, feed->name);
	(void)sv_to_i64(text_of(place, "keep"), &feed->keep);
	if (node_get(place->config->connect, "types"))
		flags |= INTAKE_WHOLE;
	if (intake_source_load(place->config, &nodes, feed->name,
			       mark_id(place, "full", arena), flags, arena,
			       &feed->full, err) < 0)
		return -1;
	feed->expects_trailer = intake_expects_trailer(feed->full);
	return load_outlet(place, arena, feed, err) < 0
		       ? -1
		       : load_delta(place, arena, feed, err);
}

void feed_check(const struct feed_place *place, setting_report_fn report,
		void *data)
{
	const struct node *delta = node_get(place->own, "delta");
	const struct node *keep = node_get(place->own, "keep");
	struct intake_nodes nodes = full_nodes(place);
	struct intake_nodes changes = delta_nodes(place);
	struct outlet_place outlet = outlet_place(place);
	int64_t versions = 0;

	intake_check(&nodes, text_of(place, "path"), place->flags, report,
		     data);
	if (delta)
		intake_check(&changes,
			     setting_text(delta, feed_delta_settings, "path"),
			     place->flags | INTAKE_DELTA, report, data);
	if (outlet.own)
		outlet_check(&outlet, report, data);
	if (!keep)
		keep = node_get(place->config->connect, "keep");
	if (keep && (!sv_to_i64(text_of(place, "keep"), &versions) ||
		     versions < 0 || versions > 10000))
		report(data, keep, "'keep' must be 0 to 10000 versions");
}

static bool tells_changes(const struct node *own, const struct node *all)
{
	const struct node *export = node_get(own, "export");

	if (!export)
		export = node_get(all, "export");
	return export &&
	       sv_eq_str(setting_text(export, outlet_settings, "content"),
			 "changes");
}

uint32_t feeds_export_caps(const struct node *connect,
			   const struct setting_def *defs)
{
	const struct node *types = node_get(connect, "types");
	bool several = types && types->kind == NODE_MAP;
	size_t count = several ? types->len : 1;
	uint32_t caps = CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_AT_ONCE;
	struct intake_nodes nodes = { connect, { connect, NULL }, defs };
	size_t i;

	for (i = 0; i < count; i++) {
		nodes.own = several ? types->items[i] : connect;
		if (tells_changes(nodes.own, connect))
			caps |= CONNECTOR_CAP_WHOLE;
		else if (!intake_is_plain(
				 &nodes, setting_text(nodes.own, defs, "path")))
			return 0;
	}
	return caps;
}

bool feeds_are_plain(const struct node *connect, const struct setting_def *defs)
{
	const struct node *types = node_get(connect, "types");
	struct intake_nodes nodes = { connect, { connect, NULL }, defs };
	size_t i;

	if (!types || types->kind != NODE_MAP)
		return intake_is_plain(&nodes,
				       setting_text(connect, defs, "path"));
	for (i = 0; i < types->len; i++) {
		nodes.own = types->items[i];
		if (!intake_is_plain(&nodes,
				     setting_text(nodes.own, defs, "path")))
			return false;
	}
	return true;
}

bool feeds_have_delta(const struct node *connect)
{
	const struct node *types = node_get(connect, "types");
	size_t i;

	for (i = 0; types && types->kind == NODE_MAP && i < types->len; i++)
		if (node_get(types->items[i], "delta"))
			return true;
	return node_get(connect, "delta") != NULL;
}

int feed_word(const struct feed *feed, struct sv word, enum change_op *out)
{
	static const enum change_op ops[FEED_WORDS] = { CHANGE_ADD,
							CHANGE_OBJECT,
							CHANGE_DELETE };
	size_t i;

	for (i = 0; i < FEED_WORDS; i++) {
		if (sv_ieq(word, feed->words[i])) {
			*out = ops[i];
			return 1;
		}
	}
	return 0;
}

/* ---- what exports write ---- */

int feed_replace(const struct feed *feed, struct arena *arena,
		 struct file_replace *file, const char **path_out,
		 struct error *err)
{
	*path_out = feed->path;
	return feed_tells_changes(feed)
		       ? outlet_open(feed->outlet, arena, file, path_out, err)
		       : spool_replace(file, feed->path, err);
}

int feed_commit(const struct feed *feed, struct file_replace *file,
		const char *path, struct error *err)
{
	if (feed_tells_changes(feed))
		return outlet_close(feed->outlet, file, path, err);
	if ((feed->outlet && feed->outlet->to &&
	     outlet_copy(feed->outlet, file, err) < 0) ||
	    intake_keep_old(path, feed->keep, err) < 0) {
		file_replace_abort(file);
		return -1;
	}
	return file_replace_commit(file, err);
}

int feed_trailer(const struct feed *feed, const char *path, uint64_t *end_out,
		 struct error *err)
{
	*end_out = 0;
	return intake_trailer(feed->full, path, end_out, err);
}

/* What stands behind the rows: blank lines and the trailer. */
static int read_rest(struct text_input *in, struct sv *out, struct error *err)
{
	in->limit = 0;
	do {
		if (text_input_fill(in, err) < 0)
			return -1;
	} while (!in->end);
	*out = sv_make(in->buffer + in->at, in->len - in->at);
	in->at = in->len;
	return 0;
}

int feed_new_trailer(const struct feed *feed, struct text_input *in,
		     uint64_t rows, struct arena *arena, struct sv *out,
		     struct error *err)
{
	struct sv rest = SV_NULL;
	struct sv line;
	int ret;

	*out = SV_NULL;
	if (feed->outlet && feed->outlet->trailer.len && !in) {
		*out = outlet_trailer(feed->outlet, rows, arena);
		return 1;
	}
	if (feed_tells_changes(feed))
		return 0;
	if (!feed->expects_trailer)
		return 0;
	if (!in)
		return error_set(err, ERR_NOTFOUND,
				 "there is no '" SV_FMT "' whose trailer says "
				 "how one looks; write it as `trailer` under "
				 "`export`",
				 SV_ARG(feed->name));
	if (read_rest(in, &rest, err) < 0)
		return -1;
	line = rest;
	while (line.len && strchr(" \t\r\n\x1a", line.ptr[line.len - 1]))
		line.len--;
	ret = intake_trailer_with(feed->full, line, rows, arena, out, err);
	if (ret > 0)
		*out = sv_from(
			arena_printf(arena, SV_FMT SV_FMT, SV_ARG(*out),
				     SV_ARG(sv_sub(rest, line.len, rest.len))));
	return ret;
}

/* ---- watermarks ---- */

/* The lines "HASH TYPE" of the first kind of watermark as what the intake
 * keeps. */
static struct sv first_kind(struct sv mark, size_t at, struct arena *arena)
{
	struct strbuf lines = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv out;

	while (++at < mark.len) {
		size_t end = sv_find(mark, '\n', at);
		size_t blank = sv_find(mark, ' ', at);

		if (blank < end)
			strbuf_addf(&lines,
				    "seen " SV_FMT " delta " SV_FMT "\n",
				    SV_ARG(sv_sub(mark, at, blank)),
				    SV_ARG(sv_sub(mark, blank + 1, end)));
		at = end;
	}
	out = arena_dup(arena, strbuf_sv(&lines));
	strbuf_release(&lines);
	return out;
}

/* What the intake keeps in the watermark: 1 it is one of ours, 0 it is not. */
static int read_mark(struct sv mark, const char *kind, struct arena *arena,
		     struct sv *out)
{
	size_t at = sv_find(mark, '\n', 0);
	struct sv head = sv_sub(mark, 0, at);
	struct sv name = sv_from(kind);

	*out = SV_NULL;
	if (head.len != name.len + 1 || !sv_starts(head, name))
		return 0;
	if (head.ptr[name.len] == '2' && at < mark.len)
		*out = sv_sub(mark, at + 1, mark.len);
	if (head.ptr[name.len] == '1')
		*out = first_kind(mark, at, arena);
	return head.ptr[name.len] == '1' || head.ptr[name.len] == '2';
}

struct sv feeds_mark(const struct intake *intake, const char *kind,
		     const struct connector_config *config, struct arena *arena)
{
	struct sv mark = intake_mark(intake, arena);

	if (!mark.len && !feeds_have_delta(config->connect))
		return SV_NULL;
	return sv_from(arena_printf(arena, "%s2\n" SV_FMT, kind, SV_ARG(mark)));
}

/* ---- files of an import ---- */

struct beginning {
	struct intake *intake;
	const struct feed *const *feeds;
	size_t count;
	bool delta;
};

static const struct intake_source *source_of(const struct beginning *b,
					     size_t i)
{
	return b->delta ? b->feeds[i]->changes : b->feeds[i]->full;
}

/* How many sources have news; for a full import all must have them, or none.
 * Nothing has been touched yet. */
static int find_files(const struct beginning *b, size_t *news_out,
		      struct error *err)
{
	const struct feed *old = NULL;
	size_t i;

	*news_out = 0;
	for (i = 0; i < b->count; i++) {
		const struct intake_source *from = source_of(b, i);
		int ret = from ? intake_find(b->intake, from, err) : 0;

		if (ret < 0)
			return -1;
		if (ret > 0 || b->feeds[i]->plain)
			++*news_out;
		else
			old = b->feeds[i];
	}
	if (old && *news_out && !b->delta)
		return error_set(err, ERR_UNAVAILABLE,
				 "there is no new file '" SV_FMT "', but there "
				 "are others of this agent: a full import "
				 "reads all of them",
				 SV_ARG(old->name));
	return 0;
}

/* Claims, fetches and unpacks. */
static int take_files(const struct beginning *b, struct arena *arena,
		      struct feed_file **out, size_t *count_out,
		      struct error *err)
{
	struct intake_file **files =
		arena_array(arena, b->count, sizeof(*files));
	size_t *counts = arena_array(arena, b->count, sizeof(*counts));
	size_t total = 0;
	size_t i;
	size_t k;

	for (i = 0; i < b->count; i++) {
		const struct intake_source *from = source_of(b, i);

		if (from && intake_take(b->intake, from, &files[i], &counts[i],
					err) < 0)
			return -1;
		total += counts[i];
	}
	*out = arena_array(arena, total, sizeof(**out));
	for (i = 0; i < b->count; i++)
		for (k = 0; k < counts[i]; k++)
			(*out)[(*count_out)++] =
				(struct feed_file){ i, files[i][k] };
	return 0;
}

static bool all_plain(const struct beginning *b)
{
	size_t i;

	for (i = 0; i < b->count; i++)
		if (!b->feeds[i]->plain)
			return false;
	return true;
}

int feeds_begin(const struct connector_config *config, const char *kind,
		const struct feed *const *feeds, size_t count, bool delta,
		struct sv watermark, struct arena *arena, struct intake **out,
		struct feed_file **files_out, size_t *file_count_out,
		struct error *err)
{
	struct beginning b = { NULL, feeds, count, delta };
	struct sv mark;
	size_t news;

	*file_count_out = 0;
	if (!read_mark(watermark, kind, arena, &mark) && delta)
		return error_set(err, ERR_CONFLICT,
				 "the changes do not continue what was "
				 "imported last: run a full import");
	*out = intake_new(config, mark);
	b.intake = *out;
	if (find_files(&b, &news, err) < 0)
		return -1;
	if (!news && !delta)
		return 1;
	if (take_files(&b, arena, files_out, file_count_out, err) < 0)
		return -1;
	return !*file_count_out && !delta && !all_plain(&b);
}
