/*
 * memory.c - memory for the pages that SQLite keeps
 *
 * Called by SQLite for all its memory, from the first open on. Nearly all of
 * it are pages of the file, thousands that come one by one; the C library asks
 * the kernel for each when a thread takes them, and each is then a fault or
 * three. Here they are slots of one range of addresses, in large pages where
 * the kernel has those. What is free is used again, and when no slot is left in
 * use all go back. All else, and what finds no room, is the C library's.
 * (SQLITE_CONFIG_PAGECACHE would touch every slot of the range at the start.)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sqlite/sqlite_private.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* A page of 8 KiB with what SQLite keeps beside it. */
#define PAGE_SIZE  8192
#define SLOT       ((size_t)8512)
#define RANGE      ((size_t)1 << 30) /* of addresses, not of memory */
/* Who reads little needs little. */
#define FIRST_STEP ((size_t)256 << 10)
#define LARGE_PAGE ((size_t)2 << 20)

struct slot {
	struct slot *next;
};

static struct {
	pthread_mutex_t lock;
	sqlite3_mem_methods c; /* the C library's */
	char *from;            /* NULL: no range */
	char *next;            /* behind what was ever given out */
	char *ready;           /* behind what may be written */
	struct slot *free;
	size_t used;
} pages = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool is_slot(const void *ptr)
{
	uintptr_t at = (uintptr_t)ptr;
	uintptr_t from = (uintptr_t)pages.from;

	return from && at >= from && at < from + RANGE;
}

static bool grow(void)
{
	size_t done = (size_t)(pages.ready - pages.from);
	size_t step = done >= LARGE_PAGE ? LARGE_PAGE
		      : done             ? LARGE_PAGE - done
					 : FIRST_STEP;

	if (done + step > RANGE ||
	    mprotect(pages.ready, step, PROT_READ | PROT_WRITE) < 0)
		return false;
	if (step == LARGE_PAGE)
		(void)madvise(pages.ready, step, MADV_HUGEPAGE);
	pages.ready += step;
	return true;
}

static void *take_slot(void)
{
	struct slot *slot = NULL;

	(void)pthread_mutex_lock(&pages.lock);
	if (pages.free) {
		slot = pages.free;
		pages.free = slot->next;
	} else if (pages.from &&
		   ((size_t)(pages.ready - pages.next) >= SLOT || grow())) {
		slot = (struct slot *)(void *)pages.next;
		pages.next += SLOT;
	}
	pages.used += slot != NULL;
	(void)pthread_mutex_unlock(&pages.lock);
	return slot;
}

static void give_slot(void *ptr)
{
	struct slot *slot = ptr;

	(void)pthread_mutex_lock(&pages.lock);
	slot->next = pages.free;
	pages.free = slot;
	if (!--pages.used) {
		(void)madvise(pages.from, (size_t)(pages.ready - pages.from),
			      MADV_DONTNEED);
		pages.free = NULL;
		pages.next = pages.from;
	}
	(void)pthread_mutex_unlock(&pages.lock);
}

static void *take(int size)
{
	void *slot = NULL;

	if (size > PAGE_SIZE && size <= (int)SLOT)
		slot = take_slot();
	return slot ? slot : pages.c.xMalloc(size);
}

static void give(void *ptr)
{
	if (is_slot(ptr))
		give_slot(ptr);
	else
		pages.c.xFree(ptr);
}

static int size_of(void *ptr)
{
	return is_slot(ptr) ? (int)SLOT : pages.c.xSize(ptr);
}

static void *resize(void *ptr, int size)
{
	void *copy;

	if (!is_slot(ptr))
		return pages.c.xRealloc(ptr, size);
	if (size <= (int)SLOT)
		return ptr;
	copy = pages.c.xMalloc(size);
	if (copy) {
		memcpy(copy, ptr, SLOT);
		give_slot(ptr);
	}
	return copy;
}

/* With a large page's boundary at its begin. */
static char *reserve(void)
{
	char *at = mmap(NULL, RANGE + LARGE_PAGE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	return at + (LARGE_PAGE - (uintptr_t)at % LARGE_PAGE);
}

void sqlite_memory_init(void)
{
	sqlite3_mem_methods own;

	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &pages.c) != SQLITE_OK)
		return;
	own = pages.c;
	own.xMalloc = take;
	own.xFree = give;
	own.xRealloc = resize;
	own.xSize = size_of;
	pages.from = reserve();
	pages.next = pages.from;
	pages.ready = pages.from;
	(void)sqlite3_config(SQLITE_CONFIG_MALLOC, &own);
}
