/*
 * holds.c - objects that are held, with their names
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/holds.h"

#include "base/clock.h"

struct scanning {
	struct display *display;
	uint32_t agent;
	int (*fn)(void *data, const struct display_hold *row);
	void *data;
	struct arena arena;
	struct error *err;
};

static const char *what_of(enum hold_kind kind)
{
	switch (kind) {
	case HOLD_ADD:
		return "add";
	case HOLD_CHANGE:
		return "change";
	case HOLD_DELETE:
		return "delete";
	}
	return "change";
}

static int fill(struct display *display, const struct hold_row *row,
		struct arena *arena, struct display_hold *out,
		struct error *err)
{
	const char *agent =
		store_name(display->store, NAME_AGENT, CS_AGENT(row->cs));
	const struct display_hold hold = {
		.cs = row->cs,
		.agent = agent ? agent : "?",
		.name = arena_dup(arena, row->name),
		.what = what_of(row->kind),
		.mv = row->mv,
		.rule_set = display_rule_set(display, row->rule_set),
		.run = row->run,
		.since = row->since,
		.user = arena_cstr(arena, sv_from(row->user)),
	};
	struct sv anchor = SV_NULL;
	struct sv dn = SV_NULL;
	int ret = row->kind == HOLD_ADD
			  ? 0
			  : display_cs_name(display, row->cs, arena, &dn,
					    &anchor, err);

	*out = hold;
	if (dn.len || anchor.len)
		out->name = dn.len ? dn : anchor;
	return ret < 0 ? -1 : 0;
}

static int on_row(void *data, const struct hold_row *row)
{
	struct scanning *s = data;
	struct display_hold hold;

	if (s->agent && CS_AGENT(row->cs) != s->agent)
		return 0;
	arena_reset(&s->arena);
	if (fill(s->display, row, &s->arena, &hold, s->err) < 0)
		return -1;
	return s->fn(s->data, &hold);
}

int holds_scan(struct display *display, uint32_t agent,
	       int (*fn)(void *data, const struct display_hold *row),
	       void *data, struct error *err)
{
	struct scanning s = { display, agent, fn, data, ARENA_INIT, err };
	int ret = store_hold_scan(display->store, 0, on_row, &s, err);

	arena_release(&s.arena);
	return ret;
}

int holds_of_cs(struct display *display, int64_t cs, struct arena *arena,
		struct display_hold *out, struct error *err)
{
	struct hold_row row;
	int ret = store_hold_get(display->store, cs, arena, &row, err);

	if (ret > 0 && fill(display, &row, arena, out, err) < 0)
		return -1;
	return ret;
}

const char *holds_sentence(const struct display_hold *hold, struct arena *arena)
{
	char since[40];

	clock_format_iso(hold->since - hold->since % CLOCK_SECOND, since);
	return arena_printf(
		arena, "held since %s: run %lld was undone by %s (%s)", since,
		(long long)hold->run, hold->user, hold->what);
}
