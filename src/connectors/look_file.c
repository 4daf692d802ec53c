/*
 * look_file.c - may a file be made or replaced?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/look_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void refuse(struct connector_look *out, const char *why)
{
	out->write = CONNECTOR_MAY_NOT;
	out->why = why;
}

/* The folder that a path lies in: "." of a name alone. */
static char *folder_of(const char *path, struct arena *arena)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return arena_cstr(arena, SV_LIT("."));
	return arena_cstr(
		arena,
		sv_make(path, slash == path ? 1 : (size_t)(slash - path)));
}

/* The folder itself, or of what is missing the next one above. */
static void look_at_folder(const char *path, struct arena *arena,
			   struct connector_look *out)
{
	char *folder = folder_of(path, arena);
	struct stat is;

	while (stat(folder, &is) < 0 && errno == ENOENT &&
	       strcmp(folder, "/") != 0 && strcmp(folder, ".") != 0)
		folder = folder_of(folder, arena);
	if (stat(folder, &is) < 0)
		refuse(out, arena_printf(arena, "'%s': %s", folder,
					 strerror(errno)));
	else if (!S_ISDIR(is.st_mode))
		refuse(out, arena_printf(arena, "'%s' is no folder", folder));
	else if (access(folder, W_OK | X_OK) < 0)
		refuse(out, arena_printf(arena, "the folder '%s': %s", folder,
					 strerror(errno)));
	else if (out->write == CONNECTOR_MAY_UNKNOWN)
		out->write = CONNECTOR_MAY_YES;
}

void look_at_file(const char *path, struct arena *arena,
		  struct connector_look *out)
{
	struct stat is;

	if (out->write == CONNECTOR_MAY_NOT)
		return;
	if (stat(path, &is) == 0 && !S_ISREG(is.st_mode))
		refuse(out, arena_printf(arena, "'%s' is no file", path));
	else
		look_at_folder(path, arena, out);
}
