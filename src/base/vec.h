/*
 * vec.h - typed growable arrays
 *
 *	VEC(struct value) values = VEC_INIT;
 *	vec_push(&values, v);
 *	vec_foreach(&values, p) ... p points to each item
 *	vec_release(&values);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/arena.h"

#include <stddef.h>
#include <stdlib.h>

#define VEC(type)                                                              \
	struct {                                                               \
		type *at;                                                      \
		size_t len;                                                    \
		size_t size;                                                   \
	}
#define VEC_INIT                                                               \
	{                                                                      \
		NULL, 0, 0                                                     \
	}

/* Makes room for `n` items in all. */
#define vec_reserve(v, n)                                                      \
	do {                                                                   \
		if ((n) > (v)->size) {                                         \
			size_t vec_size_ = (v)->size ? (v)->size : 8;          \
			while (vec_size_ < (n))                                \
				vec_size_ *= 2;                                \
			(v)->at = mem_realloc((v)->at,                         \
					      vec_size_ * sizeof(*(v)->at));   \
			(v)->size = vec_size_;                                 \
		}                                                              \
	} while (0)

#define vec_push(v, item)                                                      \
	do {                                                                   \
		vec_reserve((v), (v)->len + 1);                                \
		(v)->at[(v)->len++] = (item);                                  \
	} while (0)

#define vec_foreach(v, p)                                                      \
	for ((p) = (v)->at; (v)->at && (p) < (v)->at + (v)->len; (p)++)

/* By qsort, which takes no empty array. */
#define vec_sort(v, order)                                                     \
	do {                                                                   \
		if ((v)->len)                                                  \
			qsort((v)->at, (v)->len, sizeof(*(v)->at), (order));   \
	} while (0)

#define vec_clear(v) ((void)((v)->len = 0))

#define vec_release(v)                                                         \
	do {                                                                   \
		mem_free((v)->at);                                             \
		(v)->at = NULL;                                                \
		(v)->len = 0;                                                  \
		(v)->size = 0;                                                 \
	} while (0)

#endif
