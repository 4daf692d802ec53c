/*
 * templates.h - folders to begin with, inside the program
 *
 * They lie in templates/ of the source tree. A template with settings has two
 * texts more: fields.yaml says what can be set, settings.yaml is a sample with
 * comments. Its .yaml files are filled in from the settings (template_fill.h),
 * all others are written as they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_TEMPLATES_H
#define CLI_TEMPLATES_H

#include "base/arena.h"
#include "base/error.h"
#include "base/sv.h"
#include "base/vec.h"

struct node;

struct template_file {
	const char *path; /* NULL ends the list */
	const char *text;
};

struct template
{
	const char *name; /* NULL ends the table */
	const char *help;
	const struct template_file *files;
	const char *fields;   /* NULL: it has no settings */
	const char *settings; /* the sample */
};

/* The first one is used when none is named. */
extern const struct template templates[];
const struct template *template_find(struct sv name);

/* A file of the new folder. */
struct made_file {
	const char *path;
	struct sv text;
};

struct made_files {
	struct made_file *at;
	size_t len;
	size_t size;
};

/* All files of the template, filled in from settings that were checked (or
 * NULL: it has none), in its order. The texts are in the arena. */
int template_make(const struct template *template, const struct node *settings,
		  struct arena *arena, struct made_files *out,
		  struct error *err);

#endif
