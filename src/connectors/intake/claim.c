/*
 * claim.c - files move: processing, then done or failed
 *
 *	inbox -> processing	claim_take(), before a byte is read
 *	processing -> done	claim_done(), when all is safe in the store
 *	processing -> failed	claim_failed(), with a text that says why
 *
 * Every move is a rename within one file system, so a file is always in one
 * place. What a crash leaves in `processing` is found there by the next import
 * (find.c). While a file is read its lock says that somebody lives who does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/intake/intake_private.h"

#include "base/clock.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 1000

int claim_rename(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* a file system that does not know this */
	if (link(from, to) < 0)
		return -1;
	return unlink(from);
}

static int move_failed(const char *from, const char *to, struct error *err)
{
	if (errno == EXDEV)
		return error_set(err, ERR_INVALID,
				 "cannot move '%s' to '%s': they are on "
				 "different file systems; the folders of "
				 "'claim' must be on that of the files",
				 from, to);
	return error_errno(err, errno, "cannot move '%s' to '%s'", from, to);
}

/* Into a folder, under a name that is free. 1; 0: it is gone; -1 */
static int move_into(const char *from, const char *folder, struct sv prefix,
		     struct sv base, struct arena *arena, char **to_out,
		     struct error *err)
{
	int i;

	if (file_make_dirs(folder, err) < 0)
		return -1;
	for (i = 1; i <= TRIES; i++) {
		*to_out = arena_printf(
			arena, "%s/" SV_FMT "%s" SV_FMT, folder, SV_ARG(prefix),
			i == 1 ? "" : arena_printf(arena, "%d~", i),
			SV_ARG(base));
		if (claim_rename(from, *to_out) == 0)
			return 1;
		if (errno == ENOENT)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return move_failed(from, *to_out, err);
}

int claim_take(struct taken *t, struct arena *arena, struct error *err)
{
	char *to;
	int ret;

	/* held before it moves, so that nobody takes it for left behind */
	t->fd = open(t->path, O_RDONLY | O_CLOEXEC);
	if (t->fd < 0)
		return errno == ENOENT
			       ? 0
			       : error_errno(err, errno, "cannot read '%s'",
					     t->path);
	if (!t->source->processing)
		return 1;
	if (flock(t->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return 0;
	if (!t->claimed) {
		ret = move_into(t->path, t->source->processing, SV_NULL,
				t->base, arena, &to, err);
		if (ret <= 0)
			return ret;
		t->path = to;
		t->claimed = true;
	}
	return 1;
}

/* "20261122-030500-1f0a3b22-": the date, then what it is known by. */
static struct sv stamp(const char *mark, struct arena *arena)
{
	struct civil_time now;

	clock_to_civil(clock_now(), &now);
	return sv_from(arena_printf(arena, "%04d%02d%02d-%02d%02d%02d-%.8s-",
				    (int)now.year, now.month, now.day, now.hour,
				    now.minute, now.second, mark));
}

static void drop_marker(const struct intake_source *source, struct sv base,
			struct arena *arena)
{
	char *path;

	if (!source->marker)
		return;
	path = arena_printf(arena, "%s/" SV_FMT,
			    intake_folder(source->path, arena), SV_ARG(base));
	/* the next file of this name has a marker of its own */
	if (!file_exists(path))
		(void)unlink(find_marker(source, path, arena));
}

int claim_done(const struct taken *t, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	char *to;
	int ret = move_into(t->path, t->source->done, stamp(t->hash, &scratch),
			    t->base, &scratch, &to, err);

	if (ret > 0) {
		drop_marker(t->source, t->base, &scratch);
		ret = file_sync(to, err);
	}
	arena_release(&scratch);
	return ret < 0 ? -1 : 0;
}

int claim_passed(const struct passed *passed, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	char *to;
	int ret = move_into(passed->path, passed->source->done,
			    stamp("older", &scratch), passed->base, &scratch,
			    &to, err);

	if (ret > 0)
		drop_marker(passed->source, passed->base, &scratch);
	arena_release(&scratch);
	return ret < 0 ? -1 : 0;
}

/* What is wrong, for whoever looks into the folder. */
static int write_why(const struct taken *t, const char *path,
		     const struct error *why, struct error *err)
{
	struct file_replace file;
	char now[40];

	if (file_replace_open(&file, path, 0666, err) < 0)
		return -1;
	clock_format_iso(clock_now(), now);
	(void)fprintf(file.stream,
		      "file:   " SV_FMT "\nagent:  %s\ntime:   %s\n"
		      "why:    %s\n\n"
		      "It was not imported. When it is right, or the agent's "
		      "settings are,\nmove it to where such files come from, "
		      "with its first name.\n",
		      SV_ARG(t->base), t->source->config->agent, now, why->msg);
	return file_replace_commit(&file, err);
}

int claim_failed(struct taken *t, const struct error *why, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct sv prefix = stamp(t->hash[0] ? t->hash : "unread", &scratch);
	char *to;
	int ret = move_into(t->path, t->source->failed, prefix, t->base,
			    &scratch, &to, err);

	if (ret > 0) {
		drop_marker(t->source, t->base, &scratch);
		ret = write_why(t, arena_printf(&scratch, "%s.txt", to), why,
				err);
	}
	arena_release(&scratch);
	return ret < 0 ? -1 : 0;
}

/* When a file came into `done`, by its name; 0: it is none of ours. */
static int64_t time_of(const struct intake_source *source, struct sv name)
{
	static const unsigned char lens[] = { 4, 2, 2, 0, 2, 2, 2 };
	struct sv base = find_done_name(name);
	struct civil_time at = { 0, 0, 0, 0, 0, 0, 0 };
	int64_t numbers[7] = { 0 };
	int64_t time = 0;
	size_t from = 0;
	size_t i;

	if (!base.len || !intake_fits(source, base))
		return 0;
	for (i = 0; i < 7; i++) {
		if (!lens[i])
			from++;
		else if (!sv_to_i64(sv_sub(name, from, from + lens[i]),
				    &numbers[i]))
			return 0;
		from += lens[i];
	}
	at.year = numbers[0];
	at.month = (int)numbers[1];
	at.day = (int)numbers[2];
	at.hour = (int)numbers[4];
	at.minute = (int)numbers[5];
	at.second = (int)numbers[6];
	return clock_from_civil(&at, &time) ? time : 0;
}

void claim_purge(const struct intake_source *source)
{
	int64_t before = clock_now() - source->keep;
	const struct dirent *entry;
	DIR *dir;

	if (!source->processing || !source->keep)
		return;
	dir = opendir(source->done);
	while (dir && (entry = readdir(dir))) {
		int64_t time = time_of(source, sv_from(entry->d_name));

		if (time && time < before)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		(void)closedir(dir);
}
