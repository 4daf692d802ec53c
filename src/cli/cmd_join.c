/*
 * cmd_join.c - `conjoin join`: an object joined with a metaverse object by hand
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/joiner.h"

static const struct option_def options[] = {
	JOINER_OPTIONS,
	{ "rule-set", "NAME", false,
	  "link it under this rule set; default: the first that takes it" },
	{ NULL, NULL, false, NULL },
};

static enum run_exit run(struct cli *cli)
{
	const struct hand_order order = {
		.action = HAND_JOIN,
		.rule_set = args_value(&cli->args, "rule-set"),
	};

	return joiner_one(cli, &order);
}

const struct command command_join = {
	.name = "join",
	.usage = "AGENT DN|ANCHOR mv ID|CLAUSE...",
	.help = "join an object with a metaverse object, by hand",
	.more = "It becomes an explicit connector: scope and filter do not cut "
		"the link. What follows\n(values, accounts) is that of a "
		"synchronization. An object that is linked must be\n"
		"disconnected first.\n\n"
		"  conjoin join phone 105 mv 12\n"
		"  conjoin join phone 105 employeeID=1004 --preview\n",
	.options = options,
	.min_words = 1,
	.max_words = 32,
	.run = run,
};
