/*
 * cmd_disconnect.c - `conjoin disconnect`: a link is cut by hand
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/joiner.h"

static const struct option_def options[] = {
	JOINER_OPTIONS,
	{ "normal", NULL, false,
	  "as a normal disconnector: the rules may link it again" },
	{ NULL, NULL, false, NULL },
};

static enum run_exit run(struct cli *cli)
{
	const struct hand_order order = {
		.action = HAND_DISCONNECT,
		.normal = args_has(&cli->args, "normal"),
	};

	return joiner_one(cli, &order);
}

const struct command command_disconnect = {
	.name = "disconnect",
	.usage = "AGENT DN|ANCHOR",
	.help = "cut the link of an object with its metaverse object, by hand",
	.more = "It becomes an explicit disconnector: no rule links it again. "
		"The object deletion rule of\nits metaverse object is asked, "
		"values that it gave are taken back, and a rule set that\n"
		"provisions may make another account in its place: look first "
		"with --preview.\n\n"
		"  conjoin disconnect phone 103 --preview\n",
	.options = options,
	.min_words = 1,
	.max_words = 32,
	.run = run,
};
