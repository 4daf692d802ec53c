/*
 * arena.c - blocks of memory, filled from the front, freed together
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCK_SIZE ((size_t)16 * 1024)
#define ALIGN      ((size_t)16)

struct arena_block {
	struct arena_block *next;
	size_t size; /* of the payload that follows the header */
};

static void out_of_memory(size_t size)
{
	(void)fprintf(stderr, "conjoin: out of memory (%zu bytes)\n", size);
	abort();
}

void *mem_alloc(size_t size)
{
	void *ptr = malloc(size ? size : 1);

	if (!ptr)
		out_of_memory(size);
	return ptr;
}

void *mem_zalloc(size_t size)
{
	void *ptr = calloc(1, size ? size : 1);

	if (!ptr)
		out_of_memory(size);
	return ptr;
}

void *mem_realloc(void *ptr, size_t size)
{
	void *grown = realloc(ptr, size ? size : 1);

	if (!grown)
		out_of_memory(size);
	return grown;
}

char *mem_strdup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = mem_alloc(size);

	memcpy(copy, s, size);
	return copy;
}

void mem_free(void *ptr)
{
	free(ptr);
}

#define LARGE_PAGE ((size_t)2 << 20)

void *mem_zalloc_large(size_t size)
{
	void *ptr;

	if (size < LARGE_PAGE)
		return mem_zalloc(size);
	ptr = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ptr == MAP_FAILED)
		out_of_memory(size);
	(void)madvise(ptr, size, MADV_HUGEPAGE);
	return ptr;
}

void mem_free_large(void *ptr, size_t size)
{
	if (size < LARGE_PAGE)
		mem_free(ptr);
	else
		(void)munmap(ptr, size);
}

static size_t header_size(void)
{
	return (sizeof(struct arena_block) + ALIGN - 1) & ~(ALIGN - 1);
}

static void add_block(struct arena *arena, size_t payload)
{
	struct arena_block *block;

	if (payload < BLOCK_SIZE)
		payload = BLOCK_SIZE;
	if (arena->block && payload < arena->block->size * 2 &&
	    arena->block->size < (size_t)1024 * 1024)
		payload = arena->block->size * 2;
	if (payload > SIZE_MAX - header_size())
		out_of_memory(payload);
	block = mem_alloc(header_size() + payload);
	block->next = arena->block;
	block->size = payload;
	arena->block = block;
	arena->at = (char *)block + header_size();
	arena->end = arena->at + payload;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	char *ptr;

	if (size > SIZE_MAX - ALIGN)
		out_of_memory(size);
	size = (size + ALIGN - 1) & ~(ALIGN - 1);
	if (!size)
		size = ALIGN;
	if (!arena->block || (size_t)(arena->end - arena->at) < size)
		add_block(arena, size);
	ptr = arena->at;
	arena->at += size;
	return ptr;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
	return memset(arena_alloc(arena, size), 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		out_of_memory(count);
	return arena_zalloc(arena, total);
}

char *arena_cstr(struct arena *arena, struct sv s)
{
	char *copy = arena_alloc(arena, s.len + 1);

	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}

struct sv arena_dup(struct arena *arena, struct sv s)
{
	return sv_make(arena_cstr(arena, s), s.len);
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	char few[128];
	va_list args;
	int len;
	char *text;

	va_start(args, fmt);
	len = vsnprintf(few, sizeof(few), fmt, args);
	va_end(args);
	if (len < 0)
		len = 0;
	if ((size_t)len < sizeof(few))
		return arena_cstr(arena, sv_make(few, (size_t)len));
	text = arena_alloc(arena, (size_t)len + 1);
	va_start(args, fmt);
	(void)vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return text;
}

size_t arena_size(const struct arena *arena)
{
	const struct arena_block *block;
	size_t size = 0;

	for (block = arena->block; block; block = block->next)
		size += block->size;
	return size;
}

size_t arena_used(const struct arena *arena)
{
	return arena_size(arena) - (size_t)(arena->end - arena->at);
}

static void free_blocks(struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;

		mem_free(block);
		block = next;
	}
}

void arena_reset(struct arena *arena)
{
	struct arena_block *kept = arena->block;

	if (!kept)
		return;
	free_blocks(kept->next);
	kept->next = NULL;
	arena->at = (char *)kept + header_size();
	arena->end = arena->at + kept->size;
}

void arena_wipe(struct arena *arena)
{
	struct arena_block *block;

	for (block = arena->block; block; block = block->next)
		explicit_bzero(block + 1, block->size);
	arena_release(arena);
}

void arena_release(struct arena *arena)
{
	free_blocks(arena->block);
	*arena = (struct arena)ARENA_INIT;
}
