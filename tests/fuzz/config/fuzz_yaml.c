/*
 * fuzz_yaml.c - any text as a file of the configuration folder
 *
 * Every node knows a place within the text; what is wrong is a problem with a
 * place. The YAML library itself (libfyaml 0.7.12) leaks on some broken input,
 * so leaks are not looked for here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

#define REQUIRE(condition)                                                     \
	do {                                                                   \
		if (!(condition))                                              \
			abort();                                               \
	} while (0)

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* How often a node may be met: aliases share nodes. */
#define VISITS 100000

static void check(const struct node *node, int lines, size_t *visits)
{
	size_t i;

	REQUIRE(node);
	if (++*visits > VISITS)
		return;
	REQUIRE(node->line >= 1 && node->line <= lines + 1);
	REQUIRE(node->column >= 1);
	REQUIRE(node->file);
	for (i = 0; i < node->len; i++) {
		check(node->items[i], lines, visits);
		if (node->kind != NODE_MAP)
			continue;
		REQUIRE(node->keys[i]->kind == NODE_SCALAR);
		check(node->keys[i], lines, visits);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot snapshot;
	struct loader loader;
	struct node *root;
	size_t visits = 0;
	int lines = 1;
	size_t i;

	memset(&snapshot, 0, sizeof(snapshot));
	memset(&loader, 0, sizeof(loader));
	loader.snapshot = &snapshot;
	loader.config = &snapshot.config;
	loader.arena = &snapshot.arena;
	/* every line break that YAML knows, so none is missed */
	for (i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r' ||
			 data[i] == 0x85 || data[i] >= 0xa8;
	root = yaml_parse(&loader, "a.yaml", sv_make((const char *)data, size));
	if (root)
		check(root, lines, &visits);
	problems_finish(&loader);
	REQUIRE(root || snapshot.config.problem_count);
	for (i = 0; i < snapshot.config.problem_count; i++)
		REQUIRE(snapshot.config.problems[i].text[0] &&
			snapshot.config.problems[i].file);
	vec_release(&loader.problems);
	arena_release(&snapshot.arena);
	return 0;
}
