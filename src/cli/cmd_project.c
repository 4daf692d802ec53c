/*
 * cmd_project.c - `conjoin project`: a metaverse object made by hand
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/joiner.h"

static const struct option_def options[] = {
	JOINER_OPTIONS,
	{ "type", "TYPE", false,
	  "of the new object, when its rule set has several" },
	{ "rule-set", "NAME", false,
	  "link it under this rule set; default: the first that takes it" },
	{ NULL, NULL, false, NULL },
};

static enum run_exit run(struct cli *cli)
{
	const struct hand_order order = {
		.action = HAND_PROJECT,
		.type = args_value(&cli->args, "type"),
		.rule_set = args_value(&cli->args, "rule-set"),
	};

	return joiner_one(cli, &order);
}

const struct command command_project = {
	.name = "project",
	.usage = "AGENT DN|ANCHOR",
	.help = "make a metaverse object of a disconnector, by hand",
	.more = "Whether its rule set projects or not. It becomes an explicit "
		"connector: scope and filter do\nnot cut the link. What "
		"follows (values, accounts) is that of a synchronization.\n\n"
		"  conjoin project hr 1007 --preview\n",
	.options = options,
	.min_words = 1,
	.max_words = 32,
	.run = run,
};
