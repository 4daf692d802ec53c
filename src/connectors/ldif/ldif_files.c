/*
 * ldif_files.c - open content and log, watermarks, the directory as it is
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif_files.h"

#include "base/hash.h"
#include "connectors/ldif/ldif_syntax.h"
#include "connectors/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_SIZE 1024

static const struct sv GENERATION = { "generation ", 11 };
static const struct sv INCLUDES = { "includes ", 9 };

/* 1: opened; 0: there is none; -1: err is set. */
static int open_file(const char *path, int *fd, struct stat *st,
		     struct error *err)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0 && errno == ENOENT)
		return 0;
	if (*fd < 0 || fstat(*fd, st) < 0)
		return error_errno(err, errno, "cannot read '%s'", path);
	if (!S_ISREG(st->st_mode))
		return error_set(err, ERR_INVALID, "'%s' is not a file", path);
	return 1;
}

/* What our comment at the file's top that begins with `word` says. */
static int head_line(const struct ldif_files *f, struct sv head, struct sv word,
		     struct sv *out)
{
	struct sv comment =
		sv_from(f->syntax ? f->syntax->comment : "# conjoin: ");
	size_t after = f->syntax ? strlen(f->syntax->comment_end) : 0;
	size_t at = 0;

	while (at < head.len) {
		size_t end = sv_find(head, '\n', at);
		struct sv line = sv_trim(sv_sub(head, at, end));
		struct sv rest = line;

		if (sv_starts(line, comment))
			rest = sv_sub(line, comment.len, line.len);
		if (rest.len < line.len && sv_starts(rest, word) &&
		    rest.len >= word.len + after) {
			*out = sv_trim(
				sv_sub(rest, word.len, rest.len - after));
			return 1;
		}
		if (line.len && rest.len == line.len && line.ptr[0] != '#' &&
		    !sv_starts(line, SV_LIT("version:")) &&
		    !sv_starts(line, SV_LIT("<?xml ")))
			return 0;
		at = end + 1;
	}
	return 0;
}

static int read_head(int fd, uint64_t size, char *buffer, struct sv *head,
		     struct error *err)
{
	size_t len = size < HEAD_SIZE ? (size_t)size : HEAD_SIZE;

	*head = sv_make(buffer, len);
	return spool_read_fd(fd, 0, len, buffer, err);
}

static void set_generation(char *to, struct sv text)
{
	(void)snprintf(to, LDIF_GENERATION_SIZE, SV_FMT, SV_ARG(text));
}

static int open_content(struct ldif_files *f, struct error *err)
{
	char buffer[HEAD_SIZE];
	struct stat st = { .st_size = 0 };
	struct sv head;
	struct sv text;
	size_t blank;
	int64_t to;
	int ret = open_file(f->content, &f->content_fd, &st, err);

	if (ret <= 0)
		return ret;
	f->content_size = (uint64_t)st.st_size;
	f->content_time =
		(int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (read_head(f->content_fd, f->content_size, buffer, &head, err) < 0)
		return -1;
	if (!head_line(f, head, INCLUDES, &text))
		return 0;
	blank = sv_find(text, ' ', 0);
	if (blank < text.len &&
	    sv_to_i64(sv_sub(text, blank + 1, text.len), &to) && to >= 0) {
		set_generation(f->included, sv_sub(text, 0, blank));
		f->included_to = (uint64_t)to;
	}
	return 0;
}

#define TAIL_SIZE ((size_t)64 * 1024)

/* Behind the last blank line: what follows it was cut off by a crash. */
static int whole_end(int fd, uint64_t size, uint64_t *out, struct error *err)
{
	char *tail = mem_alloc(TAIL_SIZE);
	uint64_t end = size;
	int ret = 0;

	*out = 0;
	while (end > 1 && !*out && ret == 0) {
		uint64_t from = end > TAIL_SIZE ? end - TAIL_SIZE : 0;
		size_t i = (size_t)(end - from);

		ret = spool_read_fd(fd, from, i, tail, err);
		for (; ret == 0 && i > 1 && !*out; i--)
			if (tail[i - 1] == '\n' && tail[i - 2] == '\n')
				*out = from + i;
		if (!from)
			break;
		end = from + 1;
	}
	mem_free(tail);
	return ret;
}

/* A fixed key: the hash only tells two beginnings apart. */
static uint64_t hash_head(struct sv head)
{
	struct hash_key key;
	size_t i;

	for (i = 0; i < sizeof(key.bytes); i++)
		key.bytes[i] = (unsigned char)(i * 151 + 89);
	return hash64(&key, head);
}

static int open_changes(struct ldif_files *f, struct error *err)
{
	char buffer[HEAD_SIZE];
	struct stat st = { .st_size = 0 };
	struct sv head;
	struct sv text;
	int ret;

	set_generation(f->generation, SV_LIT("-"));
	if (!f->changes)
		return 0;
	ret = open_file(f->changes, &f->changes_fd, &st, err);
	if (ret <= 0)
		return ret;
	f->changes_size = (uint64_t)st.st_size;
	f->changes_end = f->changes_size;
	if (read_head(f->changes_fd, f->changes_size, buffer, &head, err) < 0)
		return -1;
	f->changes_mark = f->changes_size;
	if (!head_line(f, head, GENERATION, &text)) {
		set_generation(f->generation, SV_LIT("~"));
		return f->syntax ? f->syntax->log_mark(f, &f->changes_mark, err)
				 : 0;
	}
	set_generation(f->generation, text);
	ret = whole_end(f->changes_fd, f->changes_size, &f->changes_end, err);
	f->changes_mark = f->changes_end;
	return ret;
}

int ldif_files_open(struct ldif_files *f, struct error *err)
{
	f->content_fd = -1;
	f->changes_fd = -1;
	f->content_size = 0;
	f->content_time = 0;
	f->included[0] = '\0';
	f->included_to = 0;
	f->changes_size = 0;
	f->changes_end = 0;
	f->changes_mark = 0;
	/* The log first: what is folded meanwhile is then in the content and
	 * known to be so. */
	if (open_changes(f, err) == 0 && open_content(f, err) == 0)
		return 0;
	ldif_files_close(f);
	return -1;
}

void ldif_files_close(struct ldif_files *f)
{
	if (f->content_fd >= 0)
		(void)close(f->content_fd);
	if (f->changes_fd >= 0)
		(void)close(f->changes_fd);
	f->content_fd = -1;
	f->changes_fd = -1;
}

bool ldif_files_owned(const struct ldif_files *f)
{
	return f->generation[0] != '-' && f->generation[0] != '~';
}

uint64_t ldif_files_start(const struct ldif_files *f)
{
	if (ldif_files_owned(f) && !strcmp(f->generation, f->included))
		return f->included_to < f->changes_end ? f->included_to
						       : f->changes_end;
	return 0;
}

void ldif_files_read_log(const struct ldif_files *f, struct ldif_reader *reader,
			 uint64_t from)
{
	ldif_reader_init(reader, f->syntax, f->changes_fd, f->changes, from,
			 f->changes_end);
	reader->open_end = ldif_files_owned(f);
}

/* That of a log of others which begins at `from` and was read for `size`
 * bytes. */
static int foreign_generation(const struct ldif_files *f, uint64_t from,
			      uint64_t size, struct arena *arena,
			      struct sv *out, struct error *err)
{
	size_t len = size < HEAD_SIZE ? (size_t)size : HEAD_SIZE;
	char buffer[HEAD_SIZE];

	if (spool_read_fd(f->changes_fd, from, len, buffer, err) < 0)
		return -1;
	*out = sv_from(arena_printf(arena, "~%016" PRIx64,
				    hash_head(sv_make(buffer, len))));
	return 0;
}

/* The generation as a watermark names it when the log is read up to `to`. */
static int generation_at(const struct ldif_files *f, uint64_t to,
			 struct arena *arena, struct sv *out, struct error *err)
{
	*out = sv_from(f->generation);
	if (f->generation[0] != '~')
		return 0;
	return foreign_generation(f, 0, to, arena, out, err);
}

struct sv ldif_files_watermark(const struct ldif_files *f, struct arena *arena)
{
	struct error err = ERROR_INIT;
	struct sv generation;

	if (!f->changes || f->content_fd < 0 ||
	    generation_at(f, f->changes_mark, arena, &generation, &err) < 0)
		return SV_NULL;
	return sv_from(arena_printf(
		arena, "ldif1 " SV_FMT " %" PRIu64 " %" PRIu64 " %" PRId64,
		SV_ARG(generation), f->changes_mark, f->content_size,
		f->content_time));
}

struct mark {
	struct sv generation;
	uint64_t offset;
	uint64_t size;
	int64_t time;
};

static int parse_mark(struct sv text, struct mark *out)
{
	struct sv words[5];
	int64_t numbers[3];
	size_t count = 0;
	size_t at = 0;

	while (at <= text.len && count < 5) {
		size_t end = sv_find(text, ' ', at);

		words[count++] = sv_sub(text, at, end);
		at = end + 1;
	}
	if (count != 5 || at <= text.len || !sv_eq_str(words[0], "ldif1") ||
	    !sv_to_i64(words[2], &numbers[0]) || numbers[0] < 0 ||
	    !sv_to_i64(words[3], &numbers[1]) ||
	    !sv_to_i64(words[4], &numbers[2]))
		return 0;
	out->generation = words[1];
	out->offset = (uint64_t)numbers[0];
	out->size = (uint64_t)numbers[1];
	out->time = numbers[2];
	return 1;
}

/* 1: an export took over the log of others that the mark speaks of: it lies
 * behind our head, *from_out is the same place in it. */
static int taken_over(const struct ldif_files *f, const struct mark *mark,
		      uint64_t *from_out, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct sv generation;
	char buffer[HEAD_SIZE];
	struct sv head;
	size_t begin;
	int ret = 0;

	if (f->syntax || !ldif_files_owned(f) ||
	    !sv_starts(mark->generation, SV_LIT("~")))
		return 0;
	if (read_head(f->changes_fd, f->changes_size, buffer, &head, err) < 0)
		return -1;
	begin = sv_find(head, '\n', 0);
	while (begin + 1 < head.len && head.ptr[begin + 1] != '\n')
		begin = sv_find(head, '\n', begin + 1);
	begin += 2;
	if (begin + mark->offset <= f->changes_end) {
		ret = foreign_generation(f, begin, mark->offset, &scratch,
					 &generation, err);
		if (ret == 0)
			ret = sv_eq(generation, mark->generation);
	}
	*from_out = begin + mark->offset;
	arena_release(&scratch);
	return ret;
}

int ldif_files_resume(const struct ldif_files *f, struct sv watermark,
		      uint64_t *from_out, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct sv generation = SV_NULL;
	struct mark mark;
	bool same_log;
	bool same_content;
	int ret = 0;

	if (!parse_mark(watermark, &mark))
		return 0;
	if (mark.offset <= f->changes_end &&
	    generation_at(f, mark.offset, &scratch, &generation, err) < 0)
		ret = -1;
	same_log = generation.len && sv_eq(generation, mark.generation) &&
		   mark.offset <= f->changes_end;
	same_content = f->content_fd >= 0 && f->content_size == mark.size &&
		       f->content_time == mark.time;
	*from_out = mark.offset;
	if (ret == 0 && same_content && same_log) {
		ret = 1;
	} else if (ret == 0 && same_content &&
		   sv_eq_str(mark.generation, "-")) {
		/* The log began after the last import. */
		*from_out = 0;
		ret = 1;
	} else if (ret == 0 && sv_eq_str(mark.generation, f->included) &&
		   mark.offset == f->included_to) {
		/* Folded since, but nothing that had not been read. */
		*from_out = same_log ? mark.offset : 0;
		ret = 1;
	} else if (ret == 0 && same_content) {
		ret = taken_over(f, &mark, from_out, err);
	}
	arena_release(&scratch);
	return ret;
}

enum { VIEW_CONTENT, VIEW_ADDED, VIEW_LOST, VIEW_END };

void ldif_view_init(struct ldif_view *view, struct ldif_files *files,
		    struct ldif_overlay *overlay)
{
	memset(view, 0, sizeof(*view));
	view->files = files;
	view->overlay = overlay;
	if (files->content_fd < 0)
		view->phase = VIEW_ADDED;
	else
		ldif_reader_init(&view->reader, files->syntax,
				 files->content_fd,
				 files->content_told ? files->content_told
						     : files->content,
				 0, files->content_end);
}

void ldif_view_release(struct ldif_view *view)
{
	ldif_reader_release(&view->reader);
}

static int content_item(struct ldif_view *view, struct arena *arena,
			struct ldif_item *out, struct error *err)
{
	bool changed = false;
	int ret = ldif_reader_next(&view->reader, arena, &out->record, err);

	if (ret <= 0)
		return ret;
	out->raw = view->reader.raw;
	out->lead = view->reader.lead;
	out->kind = LDIF_ITEM_SAME;
	if (!out->record.error && out->record.kind != LDIF_CONTENT &&
	    out->record.kind != LDIF_ADD) {
		out->record.error = "parse-error";
		out->record.message =
			SV_LIT("a change record among the entries: changes "
			       "belong into the file of `changes`");
	}
	if (out->record.error) {
		out->kind = LDIF_ITEM_ERROR;
		return 1;
	}
	if (!view->overlay)
		return 1;
	ret = ldif_overlay_apply(view->overlay, &out->record, arena,
				 &out->entry, &changed, err);
	if (ret < 0)
		return -1;
	if (ret == 0)
		out->kind = LDIF_ITEM_GONE;
	else if (changed)
		out->kind = LDIF_ITEM_ENTRY;
	return 1;
}

static int added_item(struct ldif_view *view, struct arena *arena,
		      struct ldif_item *out, struct error *err)
{
	out->kind = LDIF_ITEM_WHOLE;
	if (view->whole &&
	    ldif_overlay_next_whole(view->overlay, &view->cursor,
				    &out->record.begin, &out->record.end))
		return 1;
	out->kind = LDIF_ITEM_ENTRY;
	return ldif_overlay_next_added(view->overlay, &view->cursor, arena,
				       &out->entry, err);
}

int ldif_view_next(struct ldif_view *view, struct arena *arena,
		   struct ldif_item *out, struct error *err)
{
	int ret = 0;

	memset(out, 0, sizeof(*out));
	while (view->phase != VIEW_END) {
		if (view->phase == VIEW_CONTENT) {
			ret = content_item(view, arena, out, err);
		} else if (!view->overlay) {
			view->phase = VIEW_END;
			break;
		} else if (view->phase == VIEW_ADDED) {
			ret = added_item(view, arena, out, err);
		} else {
			out->kind = LDIF_ITEM_LOST;
			ret = ldif_overlay_next_lost(
				view->overlay, &view->cursor, &out->entry.dn);
		}
		if (ret != 0)
			return ret;
		view->phase++;
		view->cursor = 0;
	}
	return 0;
}

int ldif_files_overlay(struct ldif_files *f, ldif_bad_fn bad, void *data,
		       struct ldif_overlay **out, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct ldif_reader reader;
	struct ldif_record record;
	int ret;

	*out = ldif_overlay_new(f->types, f->type_count, f->syntax);
	if (f->changes_fd < 0)
		return 0;
	ldif_files_read_log(f, &reader, ldif_files_start(f));
	while ((ret = ldif_reader_next(&reader, &scratch, &record, err)) > 0) {
		if (!record.error && record.kind == LDIF_CONTENT) {
			record.error = "missing-change-type";
			record.message = SV_LIT("an entry among the changes: "
						"a changetype is missing");
		}
		if (!record.error)
			ldif_overlay_note(*out, f->changes_fd, &record);
		else if (bad)
			bad(data, &record);
		arena_reset(&scratch);
	}
	ldif_reader_release(&reader);
	arena_release(&scratch);
	if (ret == 0)
		return 0;
	ldif_overlay_free(*out);
	*out = NULL;
	return -1;
}
