/*
 * intake.c - one import's files from the folder to the watermark
 *
 *	found	intake_find(): it lies there and is complete
 *	TAKEN_READING	take_one(): claimed or fetched, unpacked, open
 *	TAKEN_BEFORE	take_one(): its changes were imported before
 *	TAKEN_READ	intake_ended(): all of it was read and it is whole
 *	TAKEN_FAILED	intake_failed(): the file itself is at fault
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/intake/intake_private.h"

#include "base/hash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_SIZE ((uint64_t)4 << 20)

struct intake *intake_new(const struct connector_config *config, struct sv mark)
{
	struct intake *in = mem_zalloc(sizeof(*in));

	in->config = config;
	in->note.max = 400;
	mark_parse(in, mark);
	return in;
}

void intake_free(struct intake *in)
{
	size_t i;

	if (!in)
		return;
	for (i = 0; i < in->taken.len; i++) {
		if (in->taken.at[i]->fd >= 0)
			(void)close(in->taken.at[i]->fd);
		if (in->taken.at[i]->plain >= 0)
			(void)close(in->taken.at[i]->plain);
	}
	for (i = 0; i < in->found.len; i++)
		vec_release(&in->found.at[i]->files.list);
	vec_release(&in->old);
	vec_release(&in->found);
	vec_release(&in->taken);
	vec_release(&in->passed);
	strbuf_release(&in->note);
	arena_release(&in->arena);
	mem_free(in);
}

void intake_tell(struct intake *in, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	strbuf_addf(&in->note, "%s%s", in->note.len ? "; " : "", text);
}

const char *intake_note(struct intake *in)
{
	return in && in->note.len ? strbuf_cstr(&in->note) : NULL;
}

/* ---- which files are read ---- */

/* Where a file lies is told as the configuration tells it. */
static struct sv name_of(const struct intake *in,
			 const struct intake_source *source,
			 const struct candidate *file, struct arena *arena)
{
	struct sv folder = sv_from(in->config->folder);
	struct sv path = sv_from(file->path);

	if (source->remote || (!source->pattern && !file->claimed))
		return source->pattern ? arena_dup(arena, path) : source->name;
	if (sv_starts(path, folder) && path.len > folder.len &&
	    path.ptr[folder.len] == '/')
		path = sv_sub(path, folder.len + 1, path.len);
	return arena_dup(arena, path);
}

/* Files in `processing` were complete when they were moved there. */
static bool is_ready(struct intake *in, const struct intake_source *source,
		     const struct candidate *file, const char **why)
{
	return file->claimed || source->remote ||
	       find_ready(source, file->path, &in->arena, why);
}

static void tell_unready(struct intake *in, const struct intake_source *source,
			 const struct candidate *file, const char *why)
{
	intake_tell(in, "'" SV_FMT "' is not complete yet: %s",
		    SV_ARG(name_of(in, source, file, &in->arena)), why);
}

/* The newest that is complete; those before it are passed over. */
static void choose_newest(struct intake *in, struct found *found)
{
	struct candidates *files = &found->files;
	const char *why = NULL;
	size_t i = files->list.len;
	size_t k;

	while (i && !is_ready(in, found->source, &files->list.at[i - 1], &why))
		tell_unready(in, found->source, &files->list.at[--i], why);
	for (k = 0; k + 1 < i; k++) {
		const struct candidate *file = &files->list.at[k];
		struct passed passed = { found->source, file->path,
					 file->base };

		if (is_ready(in, found->source, file, &why))
			vec_push(&in->passed, passed);
	}
	if (i)
		files->list.at[0] = files->list.at[i - 1];
	files->list.len = i ? 1 : 0;
}

/* In their order, up to the first that is not complete: what comes behind it
 * may build on it. */
static void choose_in_order(struct intake *in, struct found *found)
{
	struct candidates *files = &found->files;
	size_t most = found->source->take == INTAKE_OLDEST ? 1
							   : files->list.len;
	const char *why = NULL;
	size_t i = 0;

	while (i < files->list.len && i < most &&
	       is_ready(in, found->source, &files->list.at[i], &why))
		i++;
	if (i < files->list.len && i < most)
		tell_unready(in, found->source, &files->list.at[i], why);
	files->list.len = i;
}

static int find_remote(const struct intake_source *source, struct arena *arena,
		       struct candidates *out, struct error *err)
{
	struct candidate file = { .path = arena_cstr(arena,
						     sv_from(source->path)) };

	if (source->pattern || source->stable >= 0 || source->marker)
		return fetch_list(source, arena, out, err);
	file.base = intake_base(sv_from(file.path));
	vec_push(&out->list, file);
	return 0;
}

/* A plain file that cannot be read. */
static int no_plain_file(const struct intake_source *source, struct error *err)
{
	struct stat st;

	if (stat(source->path, &st) < 0) {
		if (errno == ENOENT && source->flags & INTAKE_OPTIONAL)
			return 0;
		return error_errno(err, errno, "cannot read '%s'",
				   source->path);
	}
	return error_set(err, ERR_INVALID, "'%s' is %s", source->path,
			 S_ISDIR(st.st_mode) ? "a folder" : "no file");
}

/* With objects in error nothing comes into the watermark. */
static bool was_imported(struct intake *in, const struct intake_source *source)
{
	struct candidates done = { VEC_INIT };
	bool any = mark_last(in, source, "seen").len > 0;

	if (!any && source->processing) {
		find_done(source, &in->arena, &done);
		any = done.list.len > 0;
		vec_release(&done.list);
	}
	return any;
}

static int nothing_found(struct intake *in, const struct intake_source *source,
			 struct error *err)
{
	bool before = was_imported(in, source);

	if (!source->pattern && !source->processing && !source->remote)
		return no_plain_file(source, err);
	if (source->flags & INTAKE_DELTA)
		return 0;
	if (source->processing && before) {
		intake_tell(in, "no new file '" SV_FMT "'",
			    SV_ARG(source->name));
		return 0;
	}
	return error_set(err, ERR_NOTFOUND, "there is no file '" SV_FMT "'%s%s",
			 SV_ARG(source->name),
			 source->processing ? ", nor was one imported before"
					    : "",
			 source->pattern && !source->remote
				 ? ": no name in its folder fits the pattern"
				 : "");
}

/* Files are there, none is complete. */
static int nothing_ready(struct intake *in, const struct intake_source *source,
			 struct error *err)
{
	if (source->flags & INTAKE_DELTA ||
	    (source->processing && was_imported(in, source)))
		return 0;
	return error_set(err, ERR_UNAVAILABLE, "%s; run the import later",
			 strbuf_cstr(&in->note));
}

int intake_find(struct intake *in, const struct intake_source *source,
		struct error *err)
{
	struct found *found = arena_zalloc(&in->arena, sizeof(*found));
	struct candidates *files = &found->files;

	found->source = source;
	vec_push(&in->found, found);
	if ((source->remote
		     ? find_remote(source, &in->arena, files, err)
		     : find_local(source, true, &in->arena, files, err)) < 0)
		return -1;
	if (!files->list.len)
		return nothing_found(in, source, err);
	if (source->take == INTAKE_NEWEST)
		choose_newest(in, found);
	else
		choose_in_order(in, found);
	return files->list.len ? 1 : nothing_ready(in, source, err);
}

/* ---- making each one that can be opened ---- */

static bool wants_hash(const struct intake_source *source)
{
	return source->flags & INTAKE_DELTA || source->pattern ||
	       source->processing || source->remote;
}

/* Was it taken before, or a moment ago? */
static bool is_repeated(const struct intake *in, const struct taken *t)
{
	size_t i;

	if (mark_seen(in, t->source, t->hash))
		return true;
	for (i = 0; i < in->taken.len; i++)
		if (in->taken.at[i] != t &&
		    in->taken.at[i]->source == t->source &&
		    !strcmp(in->taken.at[i]->hash, t->hash))
			return true;
	return false;
}

static char *fd_path(int fd, struct arena *arena)
{
	return arena_printf(arena, "/proc/self/fd/%d", fd);
}

static int hash_file(struct intake *in, struct taken *t, struct error *err)
{
	struct sv last = mark_last(in, t->source, "seen");

	if (file_hash(fd_path(t->fd, &in->arena), t->hash, sizeof(t->hash),
		      err) < 0)
		return error_context(err, "'" SV_FMT "'", SV_ARG(t->file.name));
	if (t->source->flags & INTAKE_DELTA) {
		if (t->source->again || !is_repeated(in, t))
			return 0;
		t->state = TAKEN_BEFORE;
		if (t->claimed)
			intake_tell(in,
				    "'" SV_FMT "' was imported before and is "
				    "passed over",
				    SV_ARG(t->file.name));
		return 0;
	}
	if (sv_eq_str(last, t->hash))
		intake_tell(in,
			    "'" SV_FMT "' has the content of the import before",
			    SV_ARG(t->file.name));
	return 0;
}

/* What is open becomes one plain file. */
static int prepare(struct intake *in, struct taken *t, struct error *err)
{
	struct stat st;

	if (fstat(t->fd, &st) < 0)
		return error_errno(err, errno, "cannot read '" SV_FMT "'",
				   SV_ARG(t->file.name));
	t->size = (uint64_t)st.st_size;
	t->time = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (wants_hash(t->source) && hash_file(in, t, err) < 0)
		return -1;
	if (t->state == TAKEN_BEFORE)
		return 0;
	if (unpack_file(t->source, t->fd, t->file.name, &t->plain, err) < 0)
		return -1;
	if (t->plain >= 0)
		t->file.path = fd_path(t->plain, &in->arena);
	else if (!t->path || wants_hash(t->source))
		t->file.path = fd_path(t->fd, &in->arena);
	else
		t->file.path = t->path;
	return expect_trailer(t, err);
}

static struct taken *taken_new(struct intake *in, const struct found *found,
			       const struct candidate *file)
{
	struct taken *t = arena_zalloc(&in->arena, sizeof(*t));

	t->source = found->source;
	t->base = file->base;
	t->claimed = file->claimed;
	t->path = found->source->remote ? NULL : file->path;
	t->fd = -1;
	t->plain = -1;
	t->file.end = UINT64_MAX;
	t->file.name = name_of(in, found->source, file, &in->arena);
	return t;
}

static void add_settings(struct strbuf *out, const struct node *node)
{
	size_t i;

	strbuf_addf(out, "%d %zu " SV_FMT "\n", (int)node->kind, node->len,
		    SV_ARG(node->text));
	for (i = 0; i < node->len; i++) {
		if (node->kind == NODE_MAP)
			add_settings(out, node->keys[i]);
		add_settings(out, node->items[i]);
	}
}

/* How a fetched file is read, and which attributes; when that changes it is
 * fetched again. */
static uint64_t wanted_hash(const struct connector_config *config)
{
	struct strbuf all = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct hash_key key;
	uint64_t hash;
	size_t i;
	size_t k;

	memset(&key, 7, sizeof(key));
	for (i = 0; i < config->type_count; i++) {
		strbuf_addf(&all, "%s\n", config->types[i].name);
		for (k = 0; k < config->types[i].attr_count; k++)
			strbuf_addf(
				&all, "%s %d " SV_FMT "\n",
				config->types[i].attrs[k].name,
				(int)config->types[i].attrs[k].type,
				SV_ARG(config->types[i].attrs[k].separator));
	}
	if (config->connect)
		add_settings(&all, config->connect);
	hash = hash64(&key, strbuf_sv(&all));
	strbuf_release(&all);
	return hash;
}

/* The tag as it stands in the mark: hex, then what was wanted. */
static struct sv tag_value(struct sv tag, uint64_t wanted, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv value;

	strbuf_add_hex(&out, tag);
	strbuf_addf(&out, ".%016" PRIx64, wanted);
	value = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return value;
}

static struct sv tag_of(const struct intake *in,
			const struct intake_source *source, uint64_t wanted,
			struct arena *arena)
{
	struct sv value = mark_last(in, source, "tag");
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t dot = sv_find(value, '.', 0);
	char now[32];
	struct sv tag = SV_NULL;

	(void)snprintf(now, sizeof(now), ".%016" PRIx64, wanted);
	if (source->flags & INTAKE_WHOLE || source->pattern ||
	    !sv_eq_str(sv_sub(value, dot, value.len), now))
		return SV_NULL;
	if (strbuf_add_unhex(&out, sv_sub(value, 0, dot)))
		tag = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return tag;
}

/* 1: open; 0: it is not there any more, or is the one of the last time */
static int open_one(struct intake *in, struct taken *t,
		    const struct candidate *file, struct error *err)
{
	uint64_t wanted;
	struct sv tag;
	int ret;

	if (!t->source->remote)
		return claim_take(t, &in->arena, err);
	wanted = wanted_hash(in->config);
	ret = fetch_file(t->source, file->path,
			 tag_of(in, t->source, wanted, &in->arena), &in->arena,
			 &t->fd, &tag, err);
	if (ret == 0)
		intake_tell(in, "'" SV_FMT "' is the one of the import before",
			    SV_ARG(t->file.name));
	if (ret > 0 && tag.len)
		t->tag = tag_value(tag, wanted, &in->arena);
	return ret;
}

static int take_one(struct intake *in, struct found *found,
		    const struct candidate *file, struct error *err)
{
	struct taken *t = taken_new(in, found, file);
	int ret;

	vec_push(&in->taken, t);
	ret = open_one(in, t, file, err);
	if (ret <= 0) {
		t->state = TAKEN_FAILED;
		return ret;
	}
	t->file.name = t->claimed
			       ? name_of(in, t->source,
					 &(struct candidate){ .path = t->path,
							      .claimed = true },
					 &in->arena)
			       : t->file.name;
	if (prepare(in, t, err) < 0)
		return intake_failed(in, &t->file, err);
	return 1;
}

static struct found *found_of(struct intake *in,
			      const struct intake_source *source)
{
	size_t i;

	for (i = 0; i < in->found.len; i++)
		if (in->found.at[i]->source == source)
			return in->found.at[i];
	return NULL;
}

int intake_take(struct intake *in, const struct intake_source *source,
		struct intake_file **out, size_t *count_out, struct error *err)
{
	struct found *found = found_of(in, source);
	size_t count = found ? found->files.list.len : 0;
	struct taken *last = NULL;
	size_t i;

	*out = arena_array(&in->arena, count, sizeof(**out));
	*count_out = 0;
	for (i = 0; i < count; i++) {
		struct taken *t;

		if (take_one(in, found, &found->files.list.at[i], err) < 0)
			return -1;
		t = in->taken.at[in->taken.len - 1];
		if (t->state != TAKEN_READING)
			continue;
		t->file.id = in->taken.len - 1;
		(*out)[(*count_out)++] = t->file;
		last = t;
	}
	if (last)
		last->last = true;
	return 0;
}

int intake_peek(const struct intake_source *source, struct arena *arena,
		struct intake **held_out, struct intake_file *out,
		struct error *err)
{
	struct intake_source *look = arena_zalloc(arena, sizeof(*look));
	struct intake *in = intake_new(source->config, SV_NULL);
	struct found *found = arena_zalloc(&in->arena, sizeof(*found));
	struct candidates *files = &found->files;
	int ret;

	*look = *source;
	found->source = look;
	vec_push(&in->found, found);
	*held_out = in;
	ret = look->remote ? find_remote(look, &in->arena, files, err)
			   : find_local(look, true, &in->arena, files, err);
	if (ret == 0 && !files->list.len && look->processing)
		find_done(look, &in->arena, files);
	if (ret == 0 && !files->list.len)
		return nothing_found(in, look, err);
	look->processing = NULL; /* it stays where it is */
	look->trailer = SV_NULL;
	look->most = LOOK_SIZE;
	look->flags &= ~(unsigned)INTAKE_DELTA;
	if (ret == 0)
		ret = take_one(in, found, &files->list.at[files->list.len - 1],
			       err);
	if (ret > 0)
		*out = in->taken.at[0]->file;
	return ret;
}

/* ---- the end ---- */

int intake_ended(struct intake *in, const struct intake_file *file,
		 uint64_t rows, struct error *err)
{
	struct taken *t = in->taken.at[file->id];
	struct found *found = found_of(in, t->source);

	if (expect_same(t, err) < 0)
		return -1;
	if (t->has_trailer && t->expected != rows) {
		(void)error_set(err, ERR_INVALID,
				"'" SV_FMT "' is not whole: its trailer says "
				"%" PRIu64 " rows, it has %" PRIu64
				"; nothing was taken as gone, have it sent "
				"again",
				SV_ARG(t->file.name), t->expected, rows);
		return intake_failed(in, file, err);
	}
	t->state = TAKEN_READ;
	found->rows += rows;
	if (!t->last || t->source->flags & INTAKE_DELTA)
		return 0;
	if (expect_rows(in, t, found->rows, err) < 0)
		return intake_failed(in, file, err);
	found->ended = true;
	return 0;
}

/* Is it the file that is wrong, and not the world around it? */
static bool is_its_fault(enum err_code code)
{
	return code == ERR_INVALID || code == ERR_CORRUPT ||
	       code == ERR_LIMIT || code == ERR_UNSUPPORTED;
}

int intake_failed(struct intake *in, const struct intake_file *file,
		  struct error *err)
{
	struct taken *t = in->taken.at[file->id];
	struct error moving = ERROR_INIT;
	struct error why = *err;
	size_t len = strlen(err->msg);

	if (t->state == TAKEN_FAILED || !t->claimed || !t->source->processing ||
	    !is_its_fault(err->code)) {
		t->state = TAKEN_FAILED;
		return -1;
	}
	t->state = TAKEN_FAILED;
	if (claim_failed(t, &why, &moving) < 0)
		(void)snprintf(err->msg + len, sizeof(err->msg) - len,
			       "; and it cannot be moved away: %.200s",
			       moving.msg);
	else
		(void)snprintf(err->msg + len, sizeof(err->msg) - len,
			       "; it was moved to '%s'", t->source->failed);
	return -1;
}

/* Where a file goes that was read to its end. */
static int put_away(struct taken *t, int64_t errors, struct error *err)
{
	struct error why = ERROR_INIT;

	if (!t->claimed || !t->source->processing ||
	    (t->state != TAKEN_READ && t->state != TAKEN_BEFORE))
		return 0;
	if (!errors || !(t->source->flags & INTAKE_DELTA) ||
	    t->state == TAKEN_BEFORE)
		return claim_done(t, err);
	(void)error_set(&why, ERR_INVALID,
			"%" PRId64 " objects of this import are in error, "
			"`conjoin errors` tells which; all other changes were "
			"imported",
			errors);
	return claim_failed(t, &why, err);
}

int intake_flawed(struct intake *in, int64_t errors, struct error *err)
{
	struct error other = ERROR_INIT;
	int ret = 0;
	size_t i;

	for (i = 0; in && i < in->taken.len; i++)
		if (put_away(in->taken.at[i], errors, ret < 0 ? &other : err) <
		    0)
			ret = -1;
	for (i = 0; in && i < in->passed.len; i++)
		if (in->passed.at[i].source->processing &&
		    claim_passed(&in->passed.at[i], ret < 0 ? &other : err) < 0)
			ret = -1;
	for (i = 0; in && i < in->found.len; i++)
		claim_purge(in->found.at[i]->source);
	return ret;
}

int intake_kept(struct intake *in, struct error *err)
{
	return intake_flawed(in, 0, err);
}
