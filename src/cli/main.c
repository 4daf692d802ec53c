/*
 * main.c - the program `conjoin`
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/cli.h"

#include <malloc.h>

/* A batch's memory is given back whole and taken again at once: it stays with
 * the process, instead of going to the system and coming back page by page. */
static void keep_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

int main(int argc, char **argv)
{
	keep_memory();
	return cli_main(argc, (const char *const *)argv);
}
