/*
 * replay.c - runs a fuzz target over the files of its kept corpus
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	struct strbuf path = STRBUF_INIT(4096);
	struct strbuf input = STRBUF_INIT((size_t)16 << 20);
	struct error err = ERROR_INIT;
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	dir = argc == 2 ? opendir(argv[1]) : NULL;
	if (!dir) {
		(void)fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		strbuf_reset(&path);
		strbuf_addf(&path, "%s/%s", argv[1], entry->d_name);
		strbuf_reset(&input);
		if (file_read(strbuf_cstr(&path), &input, &err) < 0) {
			(void)fprintf(stderr, "%s\n", err.msg);
			return 1;
		}
		(void)LLVMFuzzerTestOneInput(
			(const uint8_t *)strbuf_cstr(&input), input.len);
		count++;
	}
	(void)closedir(dir);
	strbuf_release(&path);
	strbuf_release(&input);
	(void)printf("%d inputs replayed\n", count);
	return count ? 0 : 1;
}
