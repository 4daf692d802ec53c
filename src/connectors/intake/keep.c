/*
 * keep.c - old versions of a file that an export replaces
 *
 * A link under another name, so that the file itself is never missing:
 * "hr.csv" becomes also "hr.csv.20261122-030500".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/intake/intake_private.h"

#include "base/clock.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATE_LEN 15 /* 20261122-030500 */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "NAME.20261122-030500" and "NAME.20261122-030500-2". */
static bool is_version(struct sv base, struct sv name)
{
	size_t i;

	if (!sv_starts(name, base) || name.len < base.len + 1 + DATE_LEN ||
	    name.ptr[base.len] != '.')
		return false;
	for (i = 0; i < DATE_LEN; i++) {
		char c = name.ptr[base.len + 1 + i];

		if (i == 8 ? c != '-' : c < '0' || c > '9')
			return false;
	}
	return true;
}

struct versions {
	VEC(char *) paths;
};

static void list_versions(const char *path, struct arena *arena,
			  struct versions *out)
{
	struct sv base = intake_base(sv_from(path));
	const char *folder = intake_folder(path, arena);
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_version(base, sv_from(entry->d_name)))
			vec_push(&out->paths,
				 arena_printf(arena, "%s/%s", folder,
					      entry->d_name));
	if (dir)
		(void)closedir(dir);
}

static void drop_oldest(const char *path, int64_t keep, struct arena *arena)
{
	struct versions versions = { VEC_INIT };
	size_t i;

	list_versions(path, arena, &versions);
	vec_sort(&versions.paths, by_name);
	for (i = 0; i + (size_t)keep < versions.paths.len; i++)
		(void)unlink(versions.paths.at[i]);
	vec_release(&versions.paths);
}

static int link_as(const char *path, const char *version, struct error *err)
{
	if (link(path, version) == 0)
		return 0;
	if (errno == EEXIST)
		return 1;
	if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS)
		return file_copy(path, version, err); /* no links there */
	return error_errno(err, errno, "cannot keep '%s' as '%s'", path,
			   version);
}

int intake_keep_old(const char *path, int64_t keep, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct civil_time now;
	const char *version;
	const char *other;
	int i = 1;
	int ret;

	if (keep <= 0 || !file_exists(path))
		return 0;
	clock_to_civil(clock_now(), &now);
	version = arena_printf(&scratch, "%s.%04d%02d%02d-%02d%02d%02d", path,
			       (int)now.year, now.month, now.day, now.hour,
			       now.minute, now.second);
	ret = link_as(path, version, err);
	while (ret > 0 && ++i < 1000) { /* several within a second */
		other = arena_printf(&scratch, "%s-%03d", version, i);
		ret = link_as(path, other, err);
	}
	if (ret == 0)
		drop_oldest(path, keep, &scratch);
	arena_release(&scratch);
	return ret < 0 ? -1 : 0;
}
