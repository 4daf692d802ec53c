/*
 * find.c - which files are there, and which of them are complete
 *
 * A file that somebody else is reading, or has taken since the folder was
 * listed, is not there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/intake/intake_private.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NANOSECONDS INT64_C(1000000000)

static int64_t nanoseconds(struct timespec time)
{
	return (int64_t)time.tv_sec * NANOSECONDS + time.tv_nsec;
}

int find_by_name(const void *a, const void *b)
{
	const struct candidate *x = a;
	const struct candidate *y = b;
	int order = sv_cmp(x->base, y->base);

	return order ? order : (x->time > y->time) - (x->time < y->time);
}

int find_older(const void *a, const void *b)
{
	const struct candidate *x = a;
	const struct candidate *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return sv_cmp(x->base, y->base);
}

/* Names in `done` begin with the date. */
static int find_by_path(const void *a, const void *b)
{
	return strcmp(((const struct candidate *)a)->path,
		      ((const struct candidate *)b)->path);
}

/* The name that a file in `processing` came with: one that another of its name
 * stood in the way of has a number before it (claim.c). */
static struct sv name_it_came_with(struct sv base)
{
	size_t tilde = sv_find(base, '~', 0);
	int64_t number;

	if (tilde < base.len && sv_to_i64(sv_sub(base, 0, tilde), &number))
		return sv_sub(base, tilde + 1, base.len);
	return base;
}

/* Another conjoin reads it now. */
static bool is_held(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 &&
		    errno == EWOULDBLOCK;

	if (fd >= 0)
		(void)close(fd);
	return held;
}

static void add_file(const struct intake_source *source, char *path,
		     bool claimed, struct arena *arena, struct candidates *out)
{
	struct sv base = arena_dup(arena, intake_base(sv_from(path)));
	struct candidate file = { .path = path, .claimed = claimed };
	struct stat st;

	file.base = claimed ? name_it_came_with(base) : base;
	if (!intake_fits(source, file.base) || stat(path, &st) < 0 ||
	    !S_ISREG(st.st_mode) || (claimed && is_held(path)))
		return;
	file.time = nanoseconds(st.st_mtim);
	file.size = (uint64_t)st.st_size;
	vec_push(&out->list, file);
}

static int list_folder(const struct intake_source *source, const char *folder,
		       bool claimed, struct arena *arena,
		       struct candidates *out, struct error *err)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	/* It is made with the first claim, or the first export. */
	if (!dir && errno == ENOENT &&
	    (claimed || source->flags & INTAKE_OPTIONAL))
		return 0;
	if (!dir)
		return error_errno(err, errno,
				   "cannot look for '" SV_FMT "' in '%s'",
				   SV_ARG(source->name), folder);
	while ((errno = 0, entry = readdir(dir)))
		add_file(source,
			 arena_printf(arena, "%s/%s", folder, entry->d_name),
			 claimed, arena, out);
	if (errno) {
		(void)error_errno(err, errno, "cannot read the folder '%s'",
				  folder);
		(void)closedir(dir);
		return -1;
	}
	(void)closedir(dir);
	return 0;
}

/* "20261122-030500-1f0a3b22-" before it (claim.c). */
struct sv find_done_name(struct sv base)
{
	size_t second = sv_find(base, '-', sv_find(base, '-', 0) + 1);
	size_t third = second < base.len ? sv_find(base, '-', second + 1)
					 : base.len;

	if (second != 15 || third >= base.len)
		return SV_NULL;
	return sv_sub(base, third + 1, base.len);
}

static void add_done(const struct intake_source *source, const char *name,
		     struct arena *arena, struct candidates *out)
{
	struct candidate file = { .claimed = true };

	file.path = arena_printf(arena, "%s/%s", source->done, name);
	file.base = find_done_name(arena_dup(arena, sv_from(name)));
	if (file.base.len && intake_fits(source, file.base))
		vec_push(&out->list, file);
}

void find_done(const struct intake_source *source, struct arena *arena,
	       struct candidates *out)
{
	DIR *dir = opendir(source->done);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		add_done(source, entry->d_name, arena, out);
	if (dir)
		(void)closedir(dir);
	vec_sort(&out->list, find_by_path);
}

int find_local(const struct intake_source *source, bool claimed_too,
	       struct arena *arena, struct candidates *out, struct error *err)
{
	if (source->pattern) {
		if (list_folder(source, intake_folder(source->path, arena),
				false, arena, out, err) < 0)
			return -1;
	} else {
		add_file(source, arena_cstr(arena, sv_from(source->path)),
			 false, arena, out);
	}
	if (claimed_too && source->processing &&
	    list_folder(source, source->processing, true, arena, out, err) < 0)
		return -1;
	vec_sort(&out->list, source->by_name ? find_by_name : find_older);
	return 0;
}

char *find_marker(const struct intake_source *source, const char *path,
		  struct arena *arena)
{
	struct sv marker = sv_from(source->marker);
	struct sv base = intake_base(sv_from(path));
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	char *name;
	size_t i;

	strbuf_addf(&out, "%s/", intake_folder(path, arena));
	for (i = 0; i < marker.len; i++) {
		if (marker.ptr[i] == '%' && i + 1 < marker.len &&
		    marker.ptr[i + 1] == 's') {
			strbuf_addsv(&out, base);
			i++;
		} else {
			strbuf_addc(&out, marker.ptr[i]);
		}
	}
	name = arena_cstr(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return name;
}

/* A writer with a lock of either kind. */
static bool is_locked(const char *path)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool locked;

	if (fd < 0)
		return false;
	locked = fcntl(fd, F_OFD_SETLK, &lock) < 0 &&
		 (errno == EAGAIN || errno == EACCES);
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		locked = true;
	(void)close(fd);
	return locked;
}

/* Writing, renaming and setting its times all count: a copy that keeps the
 * times of its source is as young as the copying. */
static bool is_stable(const struct stat *st, int64_t stable)
{
	int64_t changed = (int64_t)st->st_ctim.tv_sec * CLOCK_SECOND +
			  st->st_ctim.tv_nsec / 100 + CLOCK_UNIX_EPOCH;

	return clock_now() - changed >= stable;
}

int find_ready(const struct intake_source *source, const char *path,
	       struct arena *arena, const char **why_out)
{
	const char *marker;
	struct stat mark;
	struct stat st;

	*why_out = "it is gone";
	if (stat(path, &st) < 0)
		return 0;
	*why_out = "its writer holds a lock on it";
	if (source->lock && is_locked(path))
		return 0;
	if (source->stable >= 0 && !is_stable(&st, source->stable)) {
		*why_out = arena_printf(arena,
					"it was changed less than %s ago",
					intake_duration(source->stable, arena));
		return 0;
	}
	if (!source->marker)
		return 1;
	marker = find_marker(source, path, arena);
	*why_out = arena_printf(arena, "its marker '%s' is not there", marker);
	if (stat(marker, &mark) < 0)
		return 0;
	*why_out =
		arena_printf(arena, "it is newer than its marker '%s'", marker);
	return nanoseconds(mark.st_mtim) >= nanoseconds(st.st_mtim);
}
