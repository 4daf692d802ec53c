/*
 * cmd_set_explicit.c - `conjoin set-explicit`: the rules leave an object's link
 * alone, or decide again
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/joiner.h"

static const struct option_def options[] = {
	JOINER_OPTIONS,
	{ "off", NULL, false, "the rules decide again" },
	{ NULL, NULL, false, NULL },
};

static enum run_exit run(struct cli *cli)
{
	const struct hand_order order = {
		.action = args_has(&cli->args, "off") ? HAND_NORMAL
						      : HAND_EXPLICIT,
	};

	return joiner_one(cli, &order);
}

const struct command command_set_explicit = {
	.name = "set-explicit",
	.usage = "AGENT DN|ANCHOR",
	.help = "keep a connector or disconnector what it is, by hand",
	.more = "A connector keeps its link whatever scope and filter say; a "
		"disconnector is joined and\nprojected by no rule. --off gives "
		"it back to the rules, which the next delta-sync asks.\n\n"
		"  conjoin set-explicit directory "
		"'cn=backup,ou=people,dc=corp,dc=test'\n",
	.options = options,
	.min_words = 1,
	.max_words = 32,
	.run = run,
};
