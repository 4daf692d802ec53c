/*
 * names.c - names and unique values in an agent, after all pending exports
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include "model/dn.h"

#include <string.h>

static bool bears(const struct work_cs *cs, int64_t parent, struct sv rdn)
{
	int64_t own_parent;
	struct sv own_rdn;

	if (entry_going(&cs->e))
		return false;
	/* another one took its name, and no export gives it one */
	if (cs->e.row.flags & CS_TRANSIENT && !cs->e.pending.rdn.len &&
	    !cs->e.awaiting.rdn.len)
		return false;
	entry_expected_name(&cs->e, &own_parent, &own_rdn);
	return own_parent == parent && own_rdn.len && dn_equal(own_rdn, rdn);
}

/* It waits for another name itself, so this one may be had by a rename. */
static bool gives_up(struct sync *sync, const struct work_cs *cs,
		     int64_t except)
{
	struct name_taker taker = { except, cs->e.row.id };
	uint64_t leaving = 0;

	if (!except ||
	    !idmap_get(&sync->leaving, (uint64_t)cs->e.row.id, &leaving) ||
	    !leaving)
		return false;
	vec_push(&sync->takers, taker);
	return true;
}

bool names_error_taken(const struct error *err)
{
	return err->code == ERR_INVALID &&
	       strncmp(err->msg, "object-already-exists:", 22) == 0;
}

static bool same_name(const struct work_cs *a, const struct work_cs *b)
{
	int64_t parent_a;
	int64_t parent_b;
	struct sv rdn_a;
	struct sv rdn_b;

	entry_expected_name(&a->e, &parent_a, &rdn_a);
	entry_expected_name(&b->e, &parent_b, &rdn_b);
	return parent_a == parent_b && dn_equal(rdn_a, rdn_b);
}

int names_give_back(struct sync *sync, struct error *err)
{
	const struct name_taker *taker;

	vec_foreach(&sync->takers, taker) {
		struct work_cs *from;
		struct work_cs *cs;
		int ret = work_cs(sync, taker->cs, &cs, err);

		if (ret > 0)
			ret = work_cs(sync, taker->from, &from, err);
		if (ret < 0)
			return -1;
		if (ret == 0 || !cs->e.pending.rdn.len || !same_name(cs, from))
			continue;
		work_unit_begin(sync, 0);
		work_touch_cs(sync, cs);
		cs->e.pending.parent = 0;
		cs->e.pending.rdn = SV_NULL;
		if (!cs->e.pending.attrs.len)
			cs->e.pending.op = PENDING_NONE;
		cs->dirty_pending = true;
		work_mark(sync, cs->e.link.mv);
		work_unit_keep(sync);
	}
	return 0;
}

/* The object of this name below `parent`, placeholders too. */
static int find_below(struct sync *sync, struct agent_plan *agent,
		      int64_t parent, struct sv rdn, int64_t except,
		      struct work_cs **out, struct error *err)
{
	uint64_t h = key_of_name(sync->store, agent->number, parent, rdn);
	int64_t *ids;
	int count = tree_find_key(&agent->tree, h, &sync->scratch, &ids, err);
	struct work_cs *placeholder = NULL;
	int i;

	for (i = 0; i < count; i++) {
		struct work_cs *cs;
		int ret;

		if (ids[i] == except)
			continue;
		ret = work_cs(sync, ids[i], &cs, err);
		if (ret < 0)
			return -1;
		if (ret == 0 || !bears(cs, parent, rdn))
			continue;
		if (cs->e.row.flags & CS_PLACEHOLDER) {
			placeholder = cs;
			continue;
		}
		if (gives_up(sync, cs, except))
			continue;
		*out = cs;
		return 1;
	}
	*out = placeholder;
	return count < 0 ? -1 : placeholder != NULL;
}

/* Containers are asked for again and again: by their folded DN. A unit that was
 * taken back may have left one that never was. */
static int cached_container(struct sync *sync, struct agent_plan *agent,
			    struct sv folded, struct work_cs **out,
			    struct error *err)
{
	uint64_t id;

	if (!namemap_get(agent->tree.found, folded, &id))
		return 0;
	return work_cs(sync, (int64_t)id, out, err);
}

/* The container's id: 1, or 0 when no such name is known. */
static int find_container(struct sync *sync, struct agent_plan *agent,
			  struct sv dn, struct work_cs **out, struct error *err)
{
	struct sv folded = dn_fold(dn, &sync->scratch);
	struct work_cs *above = NULL;
	struct sv rdn;
	struct sv rest;
	int ret = cached_container(sync, agent, folded, out, err);

	if (ret)
		return ret;
	if (!dn_split(dn, &rdn, &rest))
		return 0;
	if (rest.len) {
		ret = find_container(sync, agent, rest, &above, err);
		if (ret <= 0)
			return ret;
	}
	ret = find_below(sync, agent, above ? above->e.row.id : 0, rdn, 0, out,
			 err);
	if (ret > 0)
		namemap_put(agent->tree.found, folded,
			    (uint64_t)(*out)->e.row.id);
	return ret;
}

int names_taken(struct sync *sync, struct agent_plan *agent, struct sv dn,
		int64_t except, struct work_cs **out, struct error *err)
{
	struct work_cs *above = NULL;
	struct sv rdn;
	struct sv rest;
	int ret;

	if (!dn_split(dn, &rdn, &rest))
		return object_error(err, "invalid-dn",
				    "'" SV_FMT "' is not a distinguished name",
				    SV_ARG(dn));
	if (rest.len) {
		ret = find_container(sync, agent, rest, &above, err);
		if (ret <= 0)
			return ret;
	}
	ret = find_below(sync, agent, above ? above->e.row.id : 0, rdn, except,
			 out, err);
	if (ret > 0 && (*out)->e.row.flags & CS_PLACEHOLDER)
		ret = 0;
	return ret;
}

static bool is_base(const struct agent_plan *agent, struct sv dn)
{
	size_t i;

	for (i = 0; i < agent->base_count; i++)
		if (dn_equal(agent->bases[i], dn))
			return true;
	return false;
}

static struct work_cs *make_node(struct sync *sync, struct agent_plan *agent,
				 int64_t parent, struct sv rdn, uint32_t flags,
				 struct error *err)
{
	struct work_cs *cs = work_new_cs(sync, agent, err);

	if (!cs)
		return NULL;
	cs->e.row.flags = flags;
	cs->e.row.parent = parent;
	cs->e.row.rdn = arena_dup(&sync->batch, rdn);
	tree_add_key(&agent->tree,
		     key_of_name(sync->store, agent->number, parent, rdn),
		     cs->e.row.id);
	return cs;
}

/* The container of this DN, made when it may be: a placeholder where the tree
 * is not checked, a pending add where parents are to be created. */
static int need_container(struct sync *sync, struct agent_plan *agent,
			  struct sv dn, bool check, bool create,
			  struct work_cs **out, struct error *err)
{
	struct work_cs *above = NULL;
	/* what lies above a base is not ours to check */
	bool checked = check && !is_base(agent, dn);
	struct sv folded = dn_fold(dn, &sync->scratch);
	struct sv rdn;
	struct sv rest;
	int ret = cached_container(sync, agent, folded, out, err);

	if (ret < 0)
		return -1;
	if (ret > 0 && (!checked || !((*out)->e.row.flags & CS_PLACEHOLDER)))
		return 0;
	if (!dn_split(dn, &rdn, &rest))
		return object_error(err, "invalid-dn",
				    "'" SV_FMT "' is not a distinguished name",
				    SV_ARG(dn));
	if (rest.len &&
	    need_container(sync, agent, rest, checked, create, &above, err) < 0)
		return -1;
	ret = find_below(sync, agent, above ? above->e.row.id : 0, rdn, 0, out,
			 err);
	if (ret < 0)
		return -1;
	if (ret > 0 && (!checked || !((*out)->e.row.flags & CS_PLACEHOLDER)))
		return 0;
	if (checked && !create)
		return object_error(err, "missing-parent",
				    "the container '" SV_FMT "' is not known; "
				    "create it and import, or set parents: "
				    "create",
				    SV_ARG(dn));
	if (ret == 0) {
		*out = make_node(sync, agent, above ? above->e.row.id : 0, rdn,
				 checked ? CS_CONTAINER : CS_PLACEHOLDER, err);
		if (!*out)
			return -1;
	} else {
		work_touch_cs(sync, *out);
		(*out)->e.row.flags = CS_CONTAINER;
		(*out)->dirty_row = true;
	}
	namemap_put(agent->tree.found, folded, (uint64_t)(*out)->e.row.id);
	if (checked) {
		(*out)->e.pending.op = PENDING_ADD;
		(*out)->dirty_pending = true;
		trace(sync, "provision", "parent", NULL, (*out)->e.row.id, 0,
		      "the parent '" SV_FMT "' will be made", SV_ARG(dn));
	}
	return 0;
}

int names_place(struct sync *sync, struct agent_plan *agent, struct sv dn,
		bool create_parents, int64_t *parent_out, struct sv *rdn_out,
		struct error *err)
{
	struct work_cs *above = NULL;
	struct sv rest;

	*parent_out = 0;
	if (!dn_split(dn, rdn_out, &rest))
		return object_error(err, "invalid-dn",
				    "'" SV_FMT "' is not a distinguished name",
				    SV_ARG(dn));
	*rdn_out = arena_dup(&sync->batch, *rdn_out);
	if (!rest.len)
		return 0;
	if (need_container(sync, agent, rest, agent->has_tree, create_parents,
			   &above, err) < 0)
		return -1;
	*parent_out = above ? above->e.row.id : 0;
	return 0;
}

int names_unique_taken(struct sync *sync, struct agent_plan *agent,
		       attr_id attr, const struct value *value, int64_t except,
		       struct error *err)
{
	uint32_t number = store_attr_map(sync->store)->to_store[attr];
	int64_t *ids;
	int count = tree_find_key(
		&agent->tree,
		key_of_unique(sync->store, agent->number, number, value),
		&sync->scratch, &ids, err);
	int i;

	for (i = 0; i < count; i++) {
		const struct values *values;
		struct image expected;
		struct work_cs *cs;
		int ret;

		if (ids[i] == except)
			continue;
		ret = work_cs(sync, ids[i], &cs, err);
		if (ret < 0)
			return -1;
		if (ret == 0 || entry_going(&cs->e))
			continue;
		expected = entry_expected(&cs->e, &sync->scratch);
		values = image_get(&expected, attr);
		if (values && values_have(values, value, MATCH_IGNORE_CASE))
			return 1;
	}
	return count < 0 ? -1 : 0;
}

int names_anchor(struct sync *sync, struct agent_plan *agent, size_t type,
		 const struct image *image, struct sv *out)
{
	attr_id attrs[CONFIG_ANCHOR_MAX];
	size_t count = config_anchor_attrs(agent->agent, type, attrs);
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;

	*out = SV_NULL;
	for (i = 0; i < count; i++) {
		const struct values *values = image_get(image, attrs[i]);

		if (!values || !values->len)
			break;
		if (i)
			strbuf_addc(&text, '|');
		strbuf_addsv(&text, value_text(&values->at[0], &sync->scratch));
	}
	if (count && i == count)
		*out = arena_dup(&sync->batch, strbuf_sv(&text));
	strbuf_release(&text);
	return out->len > 0;
}

#define SAME_HASH 16

int names_anchor_taken(struct sync *sync, struct agent_plan *agent,
		       uint32_t type, struct sv anchor, struct work_cs **out,
		       struct error *err)
{
	struct anchor_key keys[SAME_HASH];
	uint64_t h = key_of_anchor(sync->store, agent->number, type, anchor);
	int64_t *fresh;
	int count = store_anchor_find(sync->store, agent->number, h, keys,
				      SAME_HASH, err);
	int more;
	int i;

	if (count < 0)
		return -1;
	/* new objects of this batch stand under the same hash */
	more = tree_find_key(&agent->tree, h, &sync->scratch, &fresh, err);
	for (i = 0; i < count + more; i++) {
		struct work_cs *cs;
		int ret = work_cs(sync,
				  i < count ? keys[i].id : fresh[i - count],
				  &cs, err);

		if (ret < 0)
			return -1;
		if (ret == 0 || entry_going(&cs->e) ||
		    cs->e.row.flags & CS_PLACEHOLDER ||
		    !anchor_same(type, cs->e.row.anchor, anchor))
			continue;
		*out = cs;
		return 1;
	}
	return more < 0 ? -1 : 0;
}

void names_add_keys(struct sync *sync, struct agent_plan *agent,
		    const struct work_cs *cs)
{
	int64_t parent;
	struct sv rdn;

	entry_expected_name(&cs->e, &parent, &rdn);
	if (rdn.len)
		tree_add_key(
			&agent->tree,
			key_of_name(sync->store, agent->number, parent, rdn),
			cs->e.row.id);
}
