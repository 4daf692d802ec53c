/*
 * arena.h - memory with one lifetime: one object, or one run
 *
 * A function that returns memory takes the arena to put it in, so its
 * signature tells how long it lives. Out of memory aborts, here alone: every
 * step is a transaction, a restart is the recovery path.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/sv.h"

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *block; /* the one being filled; older ones behind */
	char *at;
	char *end;
};

#define ARENA_INIT                                                             \
	{                                                                      \
		NULL, NULL, NULL                                               \
	}

/* Aligned for any type; never NULL. Not zeroed. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);

/* `count` items of `size`, zeroed; aborts on overflow. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A copy; a NUL byte follows the copy, not counted in len. */
struct sv arena_dup(struct arena *arena, struct sv s);
char *arena_cstr(struct arena *arena, struct sv s);
char *arena_printf(struct arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Bytes taken from the heap. */
size_t arena_size(const struct arena *arena);
/* Without what is free for what comes next. */
size_t arena_used(const struct arena *arena);

/* Forgets everything, keeps one block of memory for what comes next. */
void arena_reset(struct arena *arena);

/* Gives all memory back; the arena may be used again. */
void arena_release(struct arena *arena);
/* The same when there were secrets in it: what was there is wiped first. */
void arena_wipe(struct arena *arena);

/* Heap memory for things that live long; abort when there is none. */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_realloc(void *ptr, size_t size);
char *mem_strdup(const char *s);
void mem_free(void *ptr);

/* Zeroed memory for tables of megabytes that are looked up all over: in large
 * pages where the system has them. It is freed with the same size. */
void *mem_zalloc_large(size_t size);
void mem_free_large(void *ptr, size_t size);

#endif
