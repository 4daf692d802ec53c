/*
 * ahead_refs.c - who is linked to what the objects read ahead refer to
 *
 * Called by ahead.c for each chunk. A flow of references asks which metaverse
 * object a connector belongs to, and which connectors a metaverse object has;
 * each is asked for once and then remembered by the working set (work.c), so
 * what was told before is not read again. Of most objects both questions are
 * about the same person, so the second one is answered by the first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include <string.h>

/* Of a larger group the rest is asked for when it is needed: the working set
 * would not remember all of it. */
#define VALUES_MAX ((size_t)1 << 16)

/* Has the metaverse references by this name? */
static bool refers(const struct config *config, attr_id id)
{
	size_t i;

	for (i = 0; i < config->mv_type_count; i++) {
		const struct config_mv_attr *attr =
			config_mv_attr_find(&config->mv_types[i], id);

		if (attr && attr->attr.def.type == VALUE_REFERENCE)
			return true;
	}
	return false;
}

void ahead_refs_init(struct ahead_refs *refs, const struct config *config)
{
	size_t a;
	size_t r;
	size_t i;
	uint32_t id;

	memset(&refs->told, 0, sizeof(refs->told));
	refs->count = config->attr_count + 1;
	refs->imported = mem_zalloc(refs->count * sizeof(bool));
	refs->exported = mem_zalloc(refs->count * sizeof(bool));
	for (a = 0; a < config->agent_count; a++)
		for (r = 0; r < config->agents[a].rule_set_count; r++) {
			const struct config_rule_set *rule_set =
				&config->agents[a].rule_sets[r];

			for (i = 0; i < rule_set->import_count; i++)
				if (refers(config,
					   rule_set->imports[i].mv_attr) &&
				    expr_is_attr(rule_set->imports[i].source,
						 &id))
					refs->imported[id] = true;
			for (i = 0; i < rule_set->export_count; i++)
				if (expr_is_attr(rule_set->exports[i].source,
						 &id) &&
				    refers(config, id))
					refs->exported[id] = true;
		}
}

void ahead_refs_release(struct ahead_refs *refs)
{
	id_bytes_release(&refs->told);
	mem_free(refs->imported);
	mem_free(refs->exported);
}

/* Of a group with more members it is quicker to read. */
#define LOOK_THROUGH ((size_t)32)

/* Is it linked to what the object's metaverse object refers to? */
static int64_t known_partner(const struct ahead *ahead, int64_t cs)
{
	size_t i;
	size_t k;

	if (ahead->links.len - ahead->own_links > LOOK_THROUGH)
		return 0;
	for (i = ahead->own_links; i < ahead->links.len; i++)
		for (k = 0; k < ahead->links.at[i].list.len; k++)
			if (ahead->links.at[i].list.at[k].cs == cs)
				return ahead->links.at[i].mv;
	return 0;
}

static int tell_partner(struct ahead *ahead, int64_t cs, struct error *err)
{
	struct link_row row;
	struct link_pair pair = { known_partner(ahead, cs), cs };

	if (!pair.mv) {
		if (store_link_get(ahead->store, cs, &row, err) < 0)
			return -1;
		pair.mv = row.mv;
	}
	vec_push(&ahead->partners, pair);
	return 0;
}

static int tell_links(struct ahead *ahead, int64_t mv, struct error *err)
{
	struct links_of links = { .mv = mv };
	int count = store_link_refs(ahead->store, mv, &ahead->arena,
				    &links.list.at, err);

	if (count < 0)
		return -1;
	links.list.len = (size_t)count;
	vec_push(&ahead->links, links);
	return 0;
}

static int tell(struct ahead *ahead, const struct image *image,
		const bool *wanted,
		int (*one)(struct ahead *ahead, int64_t id, struct error *err),
		struct error *err)
{
	struct ahead_refs *refs = ahead->refs;
	size_t i;
	size_t k;

	for (i = 0; i < image->len; i++) {
		const struct image_attr *attr = &image->attrs[i];

		if (attr->attr >= refs->count || !wanted[attr->attr])
			continue;
		for (k = 0; k < attr->values.len && k < VALUES_MAX; k++) {
			const struct value *value = &attr->values.at[k];
			int64_t id = value->number;

			if (value->type != VALUE_REFERENCE)
				break;
			if (!id || id_bytes_get(&refs->told, id))
				continue;
			id_bytes_put(&refs->told, id, 1);
			if (one(ahead, id, err) < 0)
				return -1;
		}
	}
	return 0;
}

int ahead_refs_read(struct ahead *ahead, const struct ahead_object *object,
		    struct error *err)
{
	const struct read_mv *mv = object->mv;
	size_t i;

	ahead->own_links = ahead->links.len;
	if ((mv && tell(ahead, &mv->image, ahead->refs->exported, tell_links,
			err) < 0) ||
	    (object->entry &&
	     tell(ahead, &object->entry->image, ahead->refs->imported,
		  tell_partner, err) < 0))
		return -1;
	for (i = 0; mv && i < mv->link_count; i++)
		if (mv->entries[i] && mv->entries[i] != object->entry &&
		    tell(ahead, &mv->entries[i]->image, ahead->refs->imported,
			 tell_partner, err) < 0)
			return -1;
	return 0;
}
