/*
 * frozen.c - links whose rule set or agent is in no file any more
 *
 * Called at the beginning of each run: nothing flows over such links and their
 * values stay, which somebody has to know. Rule sets that have another name
 * were renamed in the store before (takeover.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/run_private.h"

#include "base/sv.h"
#include "store/cs.h"

#include <stdio.h>

/* "agent.rule set", as it is now or was. */
static bool is_configured(const struct config *config, struct sv agent,
			  struct sv name)
{
	size_t a;
	size_t r;

	for (a = 0; a < config->agent_count; a++) {
		const struct config_agent *one = &config->agents[a];

		if (!sv_eq_str(agent, one->name))
			continue;
		for (r = 0; r < one->rule_set_count; r++) {
			const struct config_rule_set *rs = &one->rule_sets[r];

			if (sv_eq_str(name, rs->name) ||
			    (rs->was && sv_eq_str(name, rs->was)))
				return true;
		}
	}
	return false;
}

static int warn(struct run *run, uint32_t number, struct sv agent,
		const char *name, struct error *err)
{
	const struct run_hooks *hooks = run->options->hooks;
	uint32_t agent_number = store_name_find(run->store, NAME_AGENT, agent);
	char text[512];
	int64_t count;

	count = store_link_count(run->store, agent_number, number, err);
	if (count <= 0)
		return count < 0 ? -1 : 0;
	(void)snprintf(text, sizeof(text),
		       "%lld link%s under '%s' %s frozen: no such rule set is "
		       "in the files; nothing flows, the values stay",
		       (long long)count, count == 1 ? "" : "s", name,
		       count == 1 ? "is" : "are");
	if (hooks && hooks->warning)
		hooks->warning(hooks->data, text);
	return 0;
}

int run_warn_frozen(struct run *run, struct error *err)
{
	const char *name;
	uint32_t number;

	for (number = 1; (name = store_name(run->store, NAME_RULE_SET, number));
	     number++) {
		struct sv all = sv_from(name);
		size_t dot = sv_find(all, '.', 0);
		struct sv agent = sv_sub(all, 0, dot);
		struct sv rule_set =
			sv_sub(all, dot < all.len ? dot + 1 : all.len, all.len);

		if (!is_configured(run->config, agent, rule_set) &&
		    warn(run, number, agent, name, err) < 0)
			return -1;
	}
	return 0;
}
