/*
 * search_find.c - one connector space object by DN, anchor or id
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/search_private.h"
#include "model/dn.h"

#include <string.h>

struct found {
	struct display *display;
	uint32_t agent;
	struct sv name;
	VEC(int64_t) ids;
};

static void add_found(struct found *found, int64_t id)
{
	int64_t *known;

	vec_foreach(&found->ids, known)
		if (*known == id)
			return;
	vec_push(&found->ids, id);
}

#define SAME_HASH 16

/* `type` as for key_of_anchor. */
static int find_anchor(struct found *found, uint32_t type, struct error *err)
{
	struct store *store = found->display->store;
	struct arena arena = ARENA_INIT;
	struct anchor_key keys[SAME_HASH];
	struct cs_row row;
	int count = store_anchor_find(
		store, found->agent,
		key_of_anchor(store, found->agent, type, found->name), keys,
		SAME_HASH, err);
	int ret = count < 0 ? -1 : 0;
	int i;

	for (i = 0; i < count && ret == 0; i++) {
		int got = store_cs_get(store, keys[i].id, &arena, &row, err);

		if (got > 0 && anchor_same(type, row.anchor, found->name))
			add_found(found, keys[i].id);
		ret = got < 0 ? -1 : 0;
	}
	arena_release(&arena);
	return ret;
}

/* Anchors are unique within the agent or within each type; which of it need
 * not be known here. */
static int find_anchors(struct found *found, struct error *err)
{
	struct store *store = found->display->store;
	uint32_t type;

	if (find_anchor(found, 0, err) < 0)
		return -1;
	for (type = 1; store_name(store, NAME_TYPE, type); type++)
		if (find_anchor(found, type, err) < 0)
			return -1;
	return 0;
}

int search_cs_find(struct display *display, const char *agent, struct sv name,
		   struct arena *arena, int64_t **out, struct error *err)
{
	struct found found = { .display = display,
			       .name = name,
			       .ids = VEC_INIT };
	int64_t id;
	int count = 0;
	int ret = 0;

	*out = NULL;
	found.agent =
		store_name_find(display->store, NAME_AGENT, sv_from(agent));
	if (!found.agent)
		return config_agent_find(display->config, sv_from(agent))
			       ? 0
			       : search_no_agent(display, agent, err);
	if (display_cs_id_parse(name, &id) && CS_AGENT(id) == found.agent)
		add_found(&found, id);
	if (dn_valid(name))
		ret = tree_find(display_tree(display, found.agent), name,
				TREE_IMPORTED | TREE_EXPECTED, &id, err);
	if (ret > 0)
		add_found(&found, id);
	if (ret >= 0)
		ret = find_anchors(&found, err);
	if (ret >= 0 && found.ids.len) {
		count = (int)found.ids.len;
		*out = arena_alloc(arena, found.ids.len * sizeof(**out));
		memcpy(*out, found.ids.at, found.ids.len * sizeof(**out));
	}
	vec_release(&found.ids);
	return ret < 0 ? -1 : count;
}
