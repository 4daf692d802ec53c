/*
 * script.h - functions of rules/NAME.lua: loaded once, called from expressions
 *
 * The files are compiled when the configuration is read and run in a sandbox:
 * no files, no system, no clock, no chance, and limits on work, time and
 * memory for each call. Whatever a function does, at worst it fails the object
 * that it was called for. docs/reference/lua.md tells what functions may use
 * and how values look to them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include "expr/expr.h"

struct script_limits {
	int64_t milliseconds;
	uint64_t steps; /* instructions of Lua, and steps of its patterns */
	size_t memory;  /* bytes */
};

#define SCRIPT_MILLISECONDS 1000
#define SCRIPT_STEPS        10000000
#define SCRIPT_MEMORY       ((size_t)64 << 20)
#define SCRIPT_MEMORY_MIN   ((size_t)1 << 20)

struct script; /* any thread may call its functions */

struct script *script_new(void);
void script_free(struct script *script); /* accepts NULL */
void script_limit(struct script *script, const struct script_limits *limits);

/*
 * Compiles and runs a file: its global functions become known. `name` is what
 * messages call it. -1: what is wrong; *line_out is the line, or 0.
 */
int script_load(struct script *script, const char *name, struct sv text,
		int *line_out, struct error *err);

/* Global functions, in order of their names. */
size_t script_count(const struct script *script);
const struct expr_extern *script_function(const struct script *script,
					  size_t i);
/* NULL: there is none. */
const struct expr_extern *script_find(const struct script *script,
				      struct sv name);
const char *script_nearest(const struct script *script, struct sv name);

#endif
