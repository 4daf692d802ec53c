/*
 * random.h - random bytes, and the same ones again
 *
 * What a plan made up (passwords, GUIDs) is made again when the plan is carried
 * out: from the same seed the same calls in the same order give the same
 * bytes. Without a seed they are the operating system's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#define RANDOM_SEED_SIZE 32

/* NULL: as the operating system gives them. Of this process; not while
 * another thread asks for some. */
void random_repeat(const unsigned char *seed);

void random_bytes(void *out, size_t size);
/* 0 .. end - 1, each as likely as the others; 0 of 0. */
uint32_t random_below(uint32_t end);

#endif
