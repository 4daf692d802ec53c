/*
 * args.h - the words and options of a command line, by tables of options
 *
 * "--name value", "--name=value" and switches "--name" in any order among the
 * words; "--" ends the options. What is mistyped is answered with the nearest
 * right name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct option_def {
	const char *name; /* without "--"; NULL ends a table */
	const char
		*value; /* what stands for the value in help; NULL: a switch */
	bool repeat;    /* may be given several times */
	const char *help; /* one line */
};

struct args_option {
	const struct option_def *def;
	const char *value; /* NULL of a switch */
};

/* Views of argv. */
struct args {
	VEC(const char *) words;
	VEC(struct args_option) options;
};

/* Position in argv of the first word that is no option, 0 when there is none:
 * the command. `common` tells which options before it take a value. */
int args_command(const struct option_def *common, int argc,
		 const char *const *argv);

/* Reads argv[1 ..] without argv[skip]; `common` and `own` (may be NULL) tell
 * what is allowed. */
int args_parse(const struct option_def *common, const struct option_def *own,
	       int argc, const char *const *argv, int skip, struct args *out,
	       struct error *err);
void args_release(struct args *args);

bool args_has(const struct args *args, const char *name);
/* The last one given, or NULL. */
const char *args_value(const struct args *args, const char *name);
/* A number >= 0: 0, *out filled or left as it is when not given; -1. */
int args_number(const struct args *args, const char *name, int64_t *out,
		struct error *err);

#endif
