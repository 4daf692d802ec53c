/*
 * scratch.h - a folder for a test's files, and whole files in one call
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CONNECTOR_SCRATCH_H
#define TESTS_CONNECTOR_SCRATCH_H

#include "base/arena.h"
#include "base/file.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scratch {
	struct arena arena;
	char folder[64];
};

/* 0, or -1 when there can be no folder. */
static inline int scratch_make(struct scratch *s)
{
	(void)snprintf(s->folder, sizeof(s->folder),
		       P_tmpdir "/conjoin-XXXXXX");
	return mkdtemp(s->folder) ? 0 : -1;
}

static inline int scratch_drop(const char *path, const struct stat *st,
			       int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	(void)remove(path);
	return 0;
}

static inline void scratch_remove(struct scratch *s)
{
	if (s->folder[0])
		(void)nftw(s->folder, scratch_drop, 8, FTW_DEPTH | FTW_PHYS);
	arena_release(&s->arena);
	memset(s, 0, sizeof(*s));
}

static inline const char *scratch_path(struct scratch *s, const char *name)
{
	return arena_printf(&s->arena, "%s/%s", s->folder, name);
}

static inline int scratch_put(struct scratch *s, const char *name,
			      const char *mode, struct sv text)
{
	FILE *file = fopen(scratch_path(s, name), mode);
	size_t n;

	if (!file)
		return -1;
	n = fwrite(text.ptr, 1, text.len, file);
	return fclose(file) == 0 && n == text.len ? 0 : -1;
}

static inline int scratch_write(struct scratch *s, const char *name,
				const char *text)
{
	return scratch_put(s, name, "w", sv_from(text));
}

static inline int scratch_append(struct scratch *s, const char *name,
				 const char *text)
{
	return scratch_put(s, name, "a", sv_from(text));
}

/* The file's text; empty when there is none. */
static inline struct sv scratch_read(struct scratch *s, const char *name)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv copy;

	(void)file_read(scratch_path(s, name), &text, NULL);
	copy = arena_dup(&s->arena, strbuf_sv(&text));
	strbuf_release(&text);
	return copy;
}

#endif
