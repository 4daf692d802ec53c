/*
 * ids.h - lists of object ids in ascending order
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_IDS_H
#define BASE_IDS_H

#include <stddef.h>
#include <stdint.h>

/* Sorts in place; negative ones come first. Takes time by the number of ids and
 * by how many of their bytes differ, and as much memory again. */
void ids_sort(int64_t *ids, size_t count);

#endif
