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
	{ "from", "FILE", false,
	  "join what is marked yes in a list of 'candidates --bulk'" },
	{ NULL, NULL, false, NULL },
};

static enum run_exit run(struct cli *cli)
{
	const struct hand_order order = {
		.action = HAND_JOIN,
		.rule_set = args_value(&cli->args, "rule-set"),
	};
	const char *from = args_value(&cli->args, "from");

	if (!from && !cli_word(cli, 0))
		return cli_misuse(cli, "join which object?");
	if (!from)
		return joiner_one(cli, &order);
	if (cli_word(cli, 0) || order.rule_set ||
	    args_has(&cli->args, "preview"))
		return cli_misuse(cli, "--from takes the list alone");
	return joiner_from(cli, from);
}

const struct command command_join = {
	.name = "join",
	.usage = "AGENT DN|ANCHOR mv ID|CLAUSE... | --from FILE",
	.help = "join an object with a metaverse object, by hand",
	.more = "It becomes an explicit connector: scope and filter do not cut "
		"the link. What follows\n(values, accounts) is that of a "
		"synchronization. An object that is linked must be\n"
		"disconnected first.\n\n"
		"  conjoin join phone 105 mv 12\n"
		"  conjoin join phone 105 employeeID=1004 --preview\n"
		"  conjoin join --from list.csv\n",
	.options = options,
	.min_words = 0,
	.max_words = 32,
	.run = run,
};
