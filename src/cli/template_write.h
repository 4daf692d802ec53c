/*
 * template_write.h - files of a template to a folder, the first time or again
 *
 * A folder made from settings knows its files as they were made
 * (`.conjoin-template`), so that other settings change those that nobody has
 * changed by hand, and no others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_TEMPLATE_WRITE_H
#define CLI_TEMPLATE_WRITE_H

#include "cli/cli.h"
#include "cli/templates.h"

/* Was the folder made from this template, with settings? */
bool template_was_used(struct cli *cli, const char *folder,
		       const struct template *template);

/*
 * Writes the files to a folder that has none of them (a .gitignore may be
 * there); with `again` over those that are as they were made. Nothing is
 * written when one of the others is in the way.
 */
int template_write(struct cli *cli, const char *folder,
		   const struct template *template, struct made_files *files,
		   bool again, struct error *err);

/* Files made by earlier settings that are not made any more, as paths in the
 * folder, in the arena of the command; only before template_write(). */
struct made_files template_left_over(struct cli *cli, const char *folder,
				     const struct made_files *files);

#endif
