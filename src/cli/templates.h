/*
 * templates.h - folders to begin with, inside the program
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_TEMPLATES_H
#define CLI_TEMPLATES_H

struct template_file {
	const char *path; /* NULL ends the list */
	const char *text;
};

struct template
{
	const char *name; /* NULL ends the table */
	const char *help;
	const struct template_file *files;
};

/* The first one is used when none is named. */
extern const struct template templates[];
const struct template *template_find(const char *name);

#endif
