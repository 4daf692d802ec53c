/*
 * ldif_import.c - full and delta import from LDIF files
 *
 * A full import is the content with the log of changes applied. A delta import
 * is the log's records behind the watermark; the type of an entry that they
 * change stands in the comment that conjoin writes into them, else it is
 * looked up in the directory before reading begins.
 *
 * Without a log only name, type and anchor of an entry are read at first.
 * Whoever finds that its bytes are not those of before has the rest read by
 * ldif_import_expand(). With one, entries are known by their values: folding
 * the log into the content writes the same entry otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/map.h"
#include "base/vec.h"
#include "connectors/ldif/ldif_map.h"
#include "connectors/ldif/ldif_private.h"
#include "connectors/spool.h"
#include "model/dn.h"

#include <assert.h>
#include <string.h>

/* A record of the log that could not be read. */
struct bad {
	struct sv dn;
	const char *error;
	struct sv message;
	size_t line;
};

#define NO_TYPE UINT64_MAX

/* An entry whose attributes were not read yet. */
struct deferred {
	struct sv text;
	size_t line;
};

#define KEYS 2

struct ldif_import {
	enum import_kind kind;
	struct sv watermark;
	struct arena arena;
	struct ldif_overlay *overlay;
	struct ldif_view view;     /* full */
	struct ldif_reader reader; /* delta */
	size_t lines_before;       /* of the log, before what is read of it */
	struct namemap *type_of;   /* delta: folded DN -> type, or NO_TYPE */
	VEC(struct bad) bad;
	size_t bad_given;
	uint64_t rows;        /* entries of the content, also those in error */
	struct sv keys[KEYS]; /* full, without a log: what is read at first */
	struct sv context;    /* what gives an entry's bytes their meaning */
};

void ldif_import_free(struct ldif_import *im)
{
	if (!im)
		return;
	ldif_view_release(&im->view);
	ldif_reader_release(&im->reader);
	ldif_overlay_free(im->overlay);
	namemap_free(im->type_of);
	vec_release(&im->bad);
	arena_release(&im->arena);
	mem_free(im);
}

static void note_bad(void *data, const struct ldif_record *record)
{
	struct ldif_import *im = data;
	struct bad bad = { arena_dup(&im->arena, record->dn), record->error,
			   arena_dup(&im->arena, record->message),
			   record->line };

	vec_push(&im->bad, bad);
}

/* Those of the log that its reader does not count. */
static size_t lines_before(const struct connector_session *s, uint64_t to)
{
	int fd = s->files.changes_fd;
	char block[4096];
	size_t lines = 0;
	uint64_t at = 0;

	while (!s->files.syntax && at < to) {
		size_t len = to - at < sizeof(block) ? (size_t)(to - at)
						     : sizeof(block);
		size_t i;

		if (spool_read_fd(fd, at, len, block, NULL) < 0)
			break;
		for (i = 0; i < len; i++)
			lines += block[i] == '\n';
		at += len;
	}
	return lines;
}

/* Follows the names through the log, so that a type found for the name an
 * entry had before is known for the one it has then. */
static void follow(struct connector_session *s, const struct ldif_record *r,
		   struct arena *scratch)
{
	struct namemap *map = s->import->type_of;
	struct sv folded = dn_fold(r->dn, scratch);
	uint64_t type = NO_TYPE;
	size_t found;

	if (r->kind == LDIF_ADD) {
		if (ldif_map_type(r->lines, r->line_count, s->config->types,
				  s->config->type_count, &found))
			type = found;
		namemap_put(map, folded, type);
	} else if (r->kind == LDIF_RENAME && namemap_get(map, folded, &type)) {
		namemap_put(map, dn_fold(r->new_dn, scratch), type);
	}
}

/* Each record of the delta passes: names whose type nothing tells are put into
 * `unknown`. */
static int scan_delta(struct connector_session *s, uint64_t from,
		      struct namemap *unknown, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct ldif_reader reader;
	struct ldif_record r;
	int ret;

	ldif_files_read_log(&s->files, &reader, from);
	while ((ret = ldif_reader_next(&reader, &scratch, &r, err)) > 0) {
		struct sv folded = dn_fold(r.dn, &scratch);
		bool needs = !r.error && !r.type.len &&
			     (r.kind == LDIF_MODIFY || r.kind == LDIF_RENAME);

		if (!r.error && (r.kind == LDIF_ADD || r.kind == LDIF_RENAME))
			follow(s, &r, &scratch);
		if (needs && !namemap_get(s->import->type_of, folded, NULL))
			namemap_put(unknown, folded, 1);
		arena_reset(&scratch);
	}
	ldif_reader_release(&reader);
	arena_release(&scratch);
	return ret;
}

/* Reads the directory for the types of these names. It is read as it now is:
 * a name that a later change of the log took away is looked up by what the
 * content calls it. */
static int look_up_types(struct connector_session *s,
			 const struct namemap *unknown, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct ldif_view view;
	struct ldif_item item;
	int ret;

	ldif_view_init(&view, &s->files, NULL);
	while ((ret = ldif_view_next(&view, &scratch, &item, err)) > 0) {
		struct sv folded = dn_fold(item.record.dn, &scratch);
		size_t type;

		if (item.kind != LDIF_ITEM_ERROR &&
		    namemap_get(unknown, folded, NULL))
			namemap_put(s->import->type_of, folded,
				    ldif_map_type(item.record.lines,
						  item.record.line_count,
						  s->config->types,
						  s->config->type_count, &type)
					    ? type
					    : NO_TYPE);
		arena_reset(&scratch);
	}
	ldif_view_release(&view);
	arena_release(&scratch);
	return ret;
}

static int begin_delta(struct connector_session *s, struct sv watermark,
		       struct error *err)
{
	struct ldif_import *im = s->import;
	struct namemap *unknown;
	uint64_t from = 0;
	uint64_t start;
	int ret = ldif_files_resume(&s->files, watermark, &from, err);

	if (ret < 0)
		return -1;
	if (ret == 0)
		return error_set(err, ERR_CONFLICT,
				 "the changes in '" SV_FMT
				 "' do not continue what was imported last: "
				 "run a full import",
				 SV_ARG(s->files.changes_name));
	if (s->files.changes_fd < 0)
		return 0;
	im->type_of = namemap_new(false);
	unknown = namemap_new(false);
	/* What came before the watermark tells of entries that the log added
	 * or renamed. */
	start = ldif_files_start(&s->files);
	if (start > from)
		start = from;
	ret = scan_delta(s, start, unknown, err);
	if (ret == 0 && namemap_len(unknown)) {
		ret = look_up_types(s, unknown, err);
		if (ret == 0) /* again: what was found moves with renames */
			ret = scan_delta(s, start, unknown, err);
	}
	namemap_free(unknown);
	if (ret < 0)
		return -1;
	im->lines_before = lines_before(s, from);
	ldif_files_read_log(&s->files, &im->reader, from);
	return 0;
}

/* The content is where it is configured, or what the intake makes of it: 1
 * there is nothing new. */
static int take_content(struct connector_session *s, struct sv watermark,
			struct error *err)
{
	size_t line = sv_find(watermark, '\n', 0);
	struct intake_file *files;
	size_t count;
	int ret;

	if (s->files.changes)
		return 0;
	if (!sv_eq_str(sv_sub(watermark, 0, line), "ldif2") ||
	    line == watermark.len)
		watermark = SV_NULL;
	else
		watermark = sv_sub(watermark, line + 1, watermark.len);
	s->intake = intake_new(s->config, watermark);
	ret = intake_find(s->intake, s->source, err);
	if (ret <= 0)
		return ret < 0 ? -1 : !s->plain;
	if (intake_take(s->intake, s->source, &files, &count, err) < 0)
		return -1;
	if (!count)
		return !s->plain;
	s->file = files[0];
	s->taken = true;
	s->files.content = s->file.path;
	s->files.content_name = s->file.name;
	s->files.content_told = arena_cstr(&s->arena, s->file.name);
	s->files.content_end = s->file.end;
	return 0;
}

/* A full import of the content alone. */
static void begin_keys(struct connector_session *s)
{
	struct ldif_import *im = s->import;

	im->keys[0] = SV_LIT("objectClass");
	im->keys[1] = s->anchor;
	im->context = sv_from(
		arena_printf(&im->arena, "1 ldif " SV_FMT, SV_ARG(s->anchor)));
	ldif_view_init(&im->view, &s->files, NULL);
	im->view.reader.keys = im->keys;
	im->view.reader.key_count = s->anchor.len ? KEYS : 1;
}

int ldif_import_begin(struct connector_session *s, enum import_kind kind,
		      struct sv watermark, struct error *err)
{
	struct ldif_import *im;
	int ret = 0;

	ldif_import_free(s->import);
	im = mem_zalloc(sizeof(*im));
	s->import = im;
	im->kind = kind;
	ldif_files_close(&s->files);
	intake_free(s->intake);
	s->intake = NULL;
	s->taken = false;
	s->files.content = s->path;
	s->files.content_name = s->name;
	s->files.content_told = NULL;
	s->files.content_end = UINT64_MAX;
	if (kind == IMPORT_FULL)
		ret = take_content(s, watermark, err);
	if (ret)
		return ret;
	if (ldif_files_open(&s->files, err) < 0)
		return -1;
	im->watermark = ldif_files_watermark(&s->files, &im->arena);
	if (kind == IMPORT_DELTA)
		return begin_delta(s, watermark, err);
	if (!s->files.changes) {
		begin_keys(s);
		return 0;
	}
	if (s->files.changes_fd >= 0)
		im->lines_before = lines_before(s, ldif_files_start(&s->files));
	if (ldif_files_overlay(&s->files, note_bad, im, &im->overlay, err) < 0)
		return -1;
	ldif_view_init(&im->view, &s->files, im->overlay);
	return 0;
}

/* Without a line the file alone. */
static struct sv where(struct sv name, size_t line, struct arena *arena)
{
	if (!line)
		return name;
	return sv_from(arena_printf(arena, SV_FMT ":%zu", SV_ARG(name), line));
}

/* With the DN as anchor a name is also an anchor. */
static void set_name(const struct connector_session *s, struct change *out,
		     struct sv dn)
{
	out->dn = dn;
	if (!s->anchor.len)
		out->anchor = dn;
}

static int give_error(const struct connector_session *s, struct change *out,
		      struct sv dn, const char *error, struct sv message,
		      struct sv place)
{
	memset(out, 0, sizeof(*out));
	out->op = CHANGE_ERROR;
	set_name(s, out, dn);
	out->error = error;
	out->message = message;
	out->where = place;
	return 1;
}

static int give_filtered(const struct connector_session *s, struct change *out,
			 struct sv dn, struct sv place)
{
	memset(out, 0, sizeof(*out));
	out->op = CHANGE_FILTERED;
	set_name(s, out, dn);
	out->where = place;
	return 1;
}

/* The anchor among an entry's lines: NULL, or the name of the error. */
static const char *find_anchor(const struct connector_session *s,
			       const struct ldif_line *lines, size_t count,
			       struct change *out)
{
	size_t i;

	if (!s->anchor.len)
		return NULL;
	for (i = 0; i < count; i++) {
		if (!sv_ieq(lines[i].name, s->anchor) || !lines[i].value.len)
			continue;
		if (out->anchor.len)
			return "multi-valued-anchor-component";
		out->anchor = lines[i].value;
	}
	return out->anchor.len ? NULL : "missing-anchor-component";
}

static int give_entry(const struct connector_session *s, enum change_op op,
		      struct sv dn, const struct ldif_line *lines, size_t count,
		      struct sv file, size_t line, struct arena *arena,
		      struct change *out)
{
	const struct connector_config *config = s->config;
	const char *error;

	memset(out, 0, sizeof(*out));
	out->op = op;
	set_name(s, out, dn);
	if (!ldif_map_type(lines, count, config->types, config->type_count,
			   &out->type)) {
		if (!s->tree)
			return give_filtered(s, out, dn,
					     where(file, line, arena));
		out->container = true;
		(void)find_anchor(s, lines, count, out);
		return 1;
	}
	error = find_anchor(s, lines, count, out);
	if (error)
		return give_error(
			s, out, dn, error,
			sv_from(arena_printf(arena, "'" SV_FMT "' has %s",
					     SV_ARG(s->anchor),
					     out->anchor.len ? "several values"
							     : "no value")),
			where(file, line, arena));
	ldif_map_lines(&config->types[out->type], lines, count, arena, out);
	out->file = file;
	out->line = line;
	return 1;
}

/* An entry of the content of which only the keys were read: 1 it is a change
 * whose attributes are deferred; 0: it has to be read as a whole. */
static int give_keys(const struct connector_session *s,
		     const struct ldif_record *r, struct arena *arena,
		     struct change *out)
{
	const struct connector_config *config = s->config;
	struct deferred *deferred;

	memset(out, 0, sizeof(*out));
	out->op = CHANGE_OBJECT;
	set_name(s, out, r->dn);
	if (!ldif_map_type(r->lines, r->line_count, config->types,
			   config->type_count, &out->type) ||
	    find_anchor(s, r->lines, r->line_count, out))
		return 0;
	deferred = arena_alloc(arena, sizeof(*deferred));
	*deferred = (struct deferred){ r->whole, r->line };
	out->raw = r->whole;
	out->raw_context = s->import->context;
	out->record = deferred;
	out->deferred = true;
	return 1;
}

void ldif_import_expand(const struct connector_session *s, struct arena *arena,
			struct change *change)
{
	const struct deferred *deferred = change->record;
	struct ldif_record r;

	ldif_parse(deferred->text, deferred->line, arena, &r);
	if (!r.error) {
		ldif_map_lines(&s->config->types[change->type], r.lines,
			       r.line_count, arena, change);
		change->file = s->files.content_name;
		change->line = deferred->line;
		return;
	}
	change->op = CHANGE_ERROR;
	change->error = r.error;
	change->message = r.message;
	change->where = where(s->files.content_name, r.line, arena);
}

static int give_content(const struct connector_session *s,
			const struct ldif_record *read, struct arena *arena,
			struct change *out)
{
	struct sv name = s->files.content_name;
	struct ldif_record r = *read;

	if (r.whole.len) {
		if (give_keys(s, &r, arena, out))
			return 1;
		ldif_parse(read->whole, read->line, arena, &r);
	}
	if (r.error)
		return give_error(s, out, r.dn, r.error, r.message,
				  where(name, r.line, arena));
	return give_entry(s, CHANGE_OBJECT, r.dn, r.lines, r.line_count, name,
			  r.line, arena, out);
}

static int next_full(struct connector_session *s, struct arena *arena,
		     struct change *out, struct error *err)
{
	struct ldif_import *im = s->import;
	struct sv name = s->files.content_name;
	struct ldif_line *lines;
	struct ldif_item item;
	size_t count;
	int ret;

	while ((ret = ldif_view_next(&im->view, arena, &item, err)) > 0) {
		const struct ldif_record *r = &item.record;

		im->rows++;
		ret = 0;
		switch (item.kind) {
		case LDIF_ITEM_SAME:
			ret = give_content(s, r, arena, out);
			break;
		case LDIF_ITEM_ENTRY:
			count = ldif_entry_lines(&item.entry, arena, &lines);
			ret = give_entry(s, CHANGE_OBJECT,
					 arena_dup(arena, item.entry.dn), lines,
					 count,
					 r->line ? name : s->files.changes_name,
					 r->line, arena, out);
			break;
		case LDIF_ITEM_ERROR:
			ret = give_error(s, out, r->dn, r->error, r->message,
					 where(name, r->line, arena));
			break;
		case LDIF_ITEM_LOST:
			ret = give_error(
				s, out, arena_dup(arena, item.entry.dn),
				"read-error",
				SV_LIT("a change of an entry that is not in "
				       "the directory"),
				s->files.changes_name);
			break;
		case LDIF_ITEM_WHOLE: /* not asked for */
		case LDIF_ITEM_GONE:
			break;
		}
		if (ret)
			return ret;
	}
	return ret;
}

/* 1: the type of what a record changes; 0: nobody asks for it; -1: nothing
 * tells it. */
static int record_type(const struct connector_session *s,
		       const struct ldif_record *r, struct arena *arena,
		       size_t *out)
{
	uint64_t type;

	if (r->type.len)
		return ldif_map_type_name(r->type, s->config->types,
					  s->config->type_count, out);
	if (!namemap_get(s->import->type_of, dn_fold(r->dn, arena), &type))
		return -1;
	*out = (size_t)type;
	return type != NO_TYPE;
}

static int give_update(const struct connector_session *s,
		       const struct ldif_record *r, struct sv place,
		       struct arena *arena, struct change *out)
{
	int known = record_type(s, r, arena, &out->type);
	const struct object_type *type;

	set_name(s, out, r->dn);
	if (known < 0)
		return give_error(s, out, r->dn, "need-full-object",
				  SV_LIT("a change of an entry that is not in "
					 "the directory"),
				  place);
	out->where = place;
	out->op = r->kind == LDIF_RENAME ? CHANGE_RENAME : CHANGE_UPDATE;
	out->new_dn = r->new_dn;
	if (!known && (!s->tree || r->kind != LDIF_RENAME))
		return s->tree ? 0 : give_filtered(s, out, r->dn, place);
	if (!known) {
		out->type = 0;
		out->container = true;
		return 1;
	}
	type = &s->config->types[out->type];
	if (r->kind == LDIF_RENAME)
		ldif_map_rename(type, r, arena, out);
	else
		ldif_map_mods(type, r->mods, r->mod_count, arena, out);
	return r->kind == LDIF_RENAME || out->attr_count > 0;
}

static int next_delta(struct connector_session *s, struct arena *arena,
		      struct change *out, struct error *err)
{
	struct ldif_import *im = s->import;
	struct arena *scratch = &im->arena;
	struct ldif_record r;
	int ret;

	if (s->files.changes_fd < 0)
		return 0;
	while ((ret = ldif_reader_next(&im->reader, arena, &r, err)) > 0) {
		struct sv file = s->files.changes_name;
		size_t line = im->lines_before + r.line;
		struct sv place = where(file, line, arena);

		memset(out, 0, sizeof(*out));
		if (r.error)
			return give_error(s, out, r.dn, r.error, r.message,
					  place);
		switch (r.kind) {
		case LDIF_CONTENT:
			ret = give_error(s, out, r.dn, "missing-change-type",
					 SV_LIT("an entry among the changes: a "
						"changetype is missing"),
					 place);
			break;
		case LDIF_ADD:
			follow(s, &r, scratch);
			ret = give_entry(s, CHANGE_ADD, r.dn, r.lines,
					 r.line_count, file, line, arena, out);
			break;
		case LDIF_DELETE:
			out->op = CHANGE_DELETE;
			set_name(s, out, r.dn);
			ret = 1;
			break;
		case LDIF_MODIFY:
		case LDIF_RENAME:
			ret = give_update(s, &r, place, arena, out);
			if (r.kind == LDIF_RENAME)
				follow(s, &r, scratch);
			break;
		}
		if (ret)
			return ret;
	}
	return ret;
}

int ldif_import_next(struct connector_session *s, struct arena *arena,
		     struct change *out, struct error *err)
{
	struct ldif_import *im = s->import;
	const struct bad *bad;
	int ret;

	assert(im);
	if (im->kind == IMPORT_DELTA)
		return next_delta(s, arena, out, err);
	if (im->bad_given == im->bad.len) {
		ret = next_full(s, arena, out, err);
		if (ret > 0 || !s->taken)
			return ret;
		s->taken = false;
		return ret < 0 ? intake_failed(s->intake, &s->file, err)
			       : intake_ended(s->intake, &s->file, im->rows,
					      err);
	}
	bad = &im->bad.at[im->bad_given++];
	return give_error(s, out, arena_dup(arena, bad->dn), bad->error,
			  arena_dup(arena, bad->message),
			  where(s->files.changes_name,
				im->lines_before + bad->line, arena));
}

int ldif_import_end(struct connector_session *s, struct arena *arena,
		    struct sv *watermark_out, struct error *err)
{
	struct sv mark = s->intake ? intake_mark(s->intake, arena) : SV_NULL;

	(void)err;
	*watermark_out = arena_dup(arena, s->import->watermark);
	if (mark.len)
		*watermark_out = sv_from(
			arena_printf(arena, "ldif2\n" SV_FMT, SV_ARG(mark)));
	ldif_import_free(s->import);
	s->import = NULL;
	ldif_files_close(&s->files);
	return 0;
}

int ldif_import_kept(struct connector_session *s, struct error *err)
{
	return intake_kept(s->intake, err);
}

int ldif_import_flawed(struct connector_session *s, int64_t errors,
		       struct error *err)
{
	return intake_flawed(s->intake, errors, err);
}

const char *ldif_import_note(const struct connector_session *s)
{
	return intake_note(s->intake);
}

int ldif_import_progress(const struct connector_session *s)
{
	const struct ldif_import *im = s->import;
	const struct ldif_reader *reader;
	uint64_t size;
	uint64_t at;

	if (!im)
		return -1;
	reader = im->kind == IMPORT_FULL ? &im->view.reader : &im->reader;
	size = im->kind == IMPORT_FULL ? s->files.content_size
				       : s->files.changes_end;
	at = reader->from + reader->at;
	return size ? (int)((at < size ? at : size) * 1000 / size) : 1000;
}
