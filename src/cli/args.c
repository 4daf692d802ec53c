/*
 * args.c - parse options by tables
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/args.h"

#include <string.h>

static const struct option_def *find_in(const struct option_def *defs,
					struct sv name)
{
	for (; defs && defs->name; defs++)
		if (sv_eq_str(name, defs->name))
			return defs;
	return NULL;
}

static bool is_option(const char *arg)
{
	return arg[0] == '-' && arg[1] != '\0';
}

/* "-h" is the one short form, for "--help". */
static struct sv option_name(const char *arg)
{
	struct sv text = sv_from(arg);

	if (!strcmp(arg, "-h"))
		return SV_LIT("help");
	if (!sv_starts(text, SV_LIT("--")))
		return text;
	text = sv_sub(text, 2, text.len);
	return sv_sub(text, 0, sv_find(text, '=', 0));
}

int args_command(const struct option_def *common, int argc,
		 const char *const *argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		const struct option_def *def;

		if (!is_option(argv[i]))
			return i;
		if (!strcmp(argv[i], "--"))
			return i + 1 < argc ? i + 1 : 0;
		def = find_in(common, option_name(argv[i]));
		if (def && def->value && !strchr(argv[i], '='))
			i++;
	}
	return 0;
}

static void add_names(const struct option_def *defs, const char **names,
		      size_t *count, size_t max)
{
	for (; defs && defs->name && *count < max; defs++)
		names[(*count)++] = defs->name;
}

#define MAX_NAMES 64

static int unknown(const struct option_def *common,
		   const struct option_def *own, const char *arg,
		   struct error *err)
{
	const char *names[MAX_NAMES];
	struct sv name = option_name(arg);
	const char *near;
	size_t count = 0;

	add_names(own, names, &count, MAX_NAMES);
	add_names(common, names, &count, MAX_NAMES);
	near = sv_nearest(name, names, count);
	if (near)
		return error_set(
			err, ERR_INVALID,
			"unknown option '" SV_FMT "': did you mean '--%s'?",
			SV_ARG(sv_sub(sv_from(arg), 0, strcspn(arg, "="))),
			near);
	return error_set(err, ERR_INVALID, "unknown option '%s'", arg);
}

static int add_option(struct args *args, const struct option_def *def,
		      const char *value, struct error *err)
{
	struct args_option option = { def, value };

	if (!def->repeat && args_has(args, def->name) && def->value)
		return error_set(err, ERR_INVALID,
				 "option '--%s' is given twice", def->name);
	vec_push(&args->options, option);
	return 0;
}

/* Reads the option at *at, moves *at to its last word. */
static int parse_option(const struct option_def *common,
			const struct option_def *own, int argc,
			const char *const *argv, int skip, int *at,
			struct args *out, struct error *err)
{
	const char *arg = argv[*at];
	const char *equal = strchr(arg, '=');
	struct sv name = option_name(arg);
	const struct option_def *def = find_in(own, name);

	if (!def)
		def = find_in(common, name);
	if (!def || (arg[1] != '-' && strcmp(arg, "-h") != 0))
		return unknown(common, own, arg, err);
	if (!def->value && equal)
		return error_set(err, ERR_INVALID,
				 "option '--%s' takes no value", def->name);
	if (!def->value)
		return add_option(out, def, NULL, err);
	if (equal)
		return add_option(out, def, equal + 1, err);
	++*at;
	if (*at >= argc || *at == skip)
		return error_set(err, ERR_INVALID,
				 "option '--%s' needs a value: --%s %s",
				 def->name, def->name, def->value);
	return add_option(out, def, argv[*at], err);
}

int args_parse(const struct option_def *common, const struct option_def *own,
	       int argc, const char *const *argv, int skip, struct args *out,
	       struct error *err)
{
	bool words_only = false;
	int i;

	memset(out, 0, sizeof(*out));
	for (i = 1; i < argc; i++) {
		if (i == skip)
			continue;
		if (words_only || !is_option(argv[i]))
			vec_push(&out->words, argv[i]);
		else if (!strcmp(argv[i], "--"))
			words_only = true;
		else if (parse_option(common, own, argc, argv, skip, &i, out,
				      err) < 0)
			return -1;
	}
	return 0;
}

void args_release(struct args *args)
{
	vec_release(&args->words);
	vec_release(&args->options);
}

static const struct args_option *last_of(const struct args *args,
					 const char *name)
{
	const struct args_option *option;
	const struct args_option *found = NULL;

	vec_foreach(&args->options, option)
		if (!strcmp(option->def->name, name))
			found = option;
	return found;
}

bool args_has(const struct args *args, const char *name)
{
	return last_of(args, name) != NULL;
}

const char *args_value(const struct args *args, const char *name)
{
	const struct args_option *option = last_of(args, name);

	return option ? option->value : NULL;
}

int args_number(const struct args *args, const char *name, int64_t *out,
		struct error *err)
{
	const char *value = args_value(args, name);
	int64_t number;

	if (!value)
		return 0;
	if (!sv_to_i64(sv_from(value), &number) || number < 0)
		return error_set(err, ERR_INVALID,
				 "option '--%s' needs a number, not '%s'", name,
				 value);
	*out = number;
	return 0;
}
