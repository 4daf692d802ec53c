/*
 * scope.c - which entries belong to the agent, and the searches that find them
 *
 * Of the subtrees that include and exclude name, the innermost around an entry
 * decides; base counts as included when nothing is. What is included is
 * searched, not what is not: an agent of one unit in a large directory reads
 * that unit, and the containers above it one by one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "model/dn.h"

bool ldap_folded_within(struct sv dn, struct sv container)
{
	size_t escapes = 0;
	size_t comma;

	if (!sv_ends(dn, container))
		return false;
	if (dn.len == container.len || !container.len)
		return true;
	comma = dn.len - container.len - 1;
	while (escapes < comma && dn.ptr[comma - 1 - escapes] == '\\')
		escapes++;
	return dn.ptr[comma] == ',' && escapes % 2 == 0;
}

static void add_regions(struct ldap_partition *partition,
			const struct node *node, const char *key, bool included,
			struct arena *arena)
{
	struct sv *names;
	size_t count = ldap_setting_names(node, key, arena, &names);
	size_t i;

	for (i = 0; i < count; i++) {
		struct ldap_region *region =
			&partition->regions[partition->count++];

		region->dn = names[i];
		region->folded = dn_fold(names[i], arena);
		region->included = included;
		if (ldap_folded_within(region->folded, partition->folded))
			continue;
		region->dn = dn_join(names[i], partition->base, arena);
		region->folded = dn_fold(region->dn, arena);
	}
}

static size_t names_in(const struct node *node, const char *key)
{
	const struct node *names = node_get(node, key);

	if (!names)
		return 0;
	return names->kind == NODE_LIST ? names->len : 1;
}

static void init_partition(struct ldap_partition *partition,
			   const struct node *node, struct sv base,
			   struct arena *arena)
{
	size_t most = names_in(node, "include") + names_in(node, "exclude") + 1;

	partition->base = base;
	partition->folded = dn_fold(base, arena);
	partition->regions =
		arena_array(arena, most, sizeof(*partition->regions));
	partition->count = 0;
	if (!names_in(node, "include"))
		partition->regions[partition->count++] =
			(struct ldap_region){ base, partition->folded, true };
	add_regions(partition, node, "include", true, arena);
	add_regions(partition, node, "exclude", false, arena);
}

size_t ldap_partitions(const struct node *connect, struct arena *arena,
		       struct ldap_partition **out)
{
	const struct node *list = node_get(connect, "partitions");
	const struct node *base = node_get(connect, "base");
	size_t most = list && list->kind == NODE_LIST ? list->len : 1;
	size_t count = 0;
	size_t i;

	*out = arena_array(arena, most ? most : 1, sizeof(**out));
	if (base && base->kind == NODE_SCALAR) {
		init_partition(&(*out)[0], NULL, base->text, arena);
		return 1;
	}
	for (i = 0; list && list->kind == NODE_LIST && i < list->len; i++) {
		base = node_get(list->items[i], "base");
		if (base && base->kind == NODE_SCALAR)
			init_partition(&(*out)[count++], list->items[i],
				       base->text, arena);
	}
	return count;
}

void ldap_bases(const struct node *connect, struct arena *arena,
		struct sv **out, size_t *count_out)
{
	struct ldap_partition *partitions;
	size_t count = ldap_partitions(connect, arena, &partitions);
	size_t i;

	*out = arena_array(arena, count ? count : 1, sizeof(**out));
	*count_out = count;
	for (i = 0; i < count; i++)
		(*out)[i] = partitions[i].base;
}

/* The innermost region around `folded`, or NULL. */
static const struct ldap_region *
region_around(const struct ldap_partition *partition, struct sv folded)
{
	const struct ldap_region *best = NULL;
	size_t i;

	for (i = 0; i < partition->count; i++) {
		const struct ldap_region *region = &partition->regions[i];

		if (ldap_folded_within(folded, region->folded) &&
		    (!best || region->folded.len >= best->folded.len))
			best = region;
	}
	return best;
}

static bool above_included(const struct ldap_partition *partition,
			   struct sv folded)
{
	size_t i;

	if (!ldap_folded_within(folded, partition->folded))
		return false;
	for (i = 0; i < partition->count; i++)
		if (partition->regions[i].included &&
		    ldap_folded_within(partition->regions[i].folded, folded))
			return true;
	return false;
}

enum ldap_place ldap_place_of(const struct ldap_partition *partition,
			      struct sv dn, struct arena *scratch)
{
	struct sv folded = dn_fold(dn, scratch);
	const struct ldap_region *region = region_around(partition, folded);

	if (region && region->included)
		return LDAP_INSIDE;
	return above_included(partition, folded) ? LDAP_ANCESTOR : LDAP_OUTSIDE;
}

/* Another included region around it is searched anyway. */
static bool searched_already(const struct ldap_partition *partition,
			     const struct ldap_region *region)
{
	size_t i;

	for (i = 0; i < partition->count; i++) {
		const struct ldap_region *other = &partition->regions[i];

		if (other == region || !other->included ||
		    !ldap_folded_within(region->folded, other->folded))
			continue;
		if (other < region || region->folded.len > other->folded.len)
			return true;
	}
	return false;
}

struct searches {
	VEC(struct ldap_search) all;
	const struct ldap_partition *partition;
	struct arena *arena;
};

static void add_search(struct searches *searches, struct sv base, int scope,
		       const char *filter, enum ldap_means means)
{
	struct ldap_search search = {
		.partition = searches->partition,
		.base = arena_cstr(searches->arena, base),
		.scope = scope,
		.filter = filter,
		.means = means,
	};

	vec_push(&searches->all, search);
}

static bool has_search(const struct searches *searches, struct sv base)
{
	const struct ldap_search *search;

	vec_foreach(&searches->all, search)
		if (dn_equal(sv_from(search->base), base))
			return true;
	return false;
}

/* The containers between the partition's base and `dn`, from the top. */
static void add_ancestors(struct searches *searches, struct sv dn)
{
	struct sv rdn;
	struct sv parent;

	if (!dn_split(dn, &rdn, &parent) ||
	    !dn_within(parent, searches->partition->base))
		return;
	add_ancestors(searches, parent);
	if (!has_search(searches, parent))
		add_search(searches, parent, LDAP_SCOPE_BASE, LDAP_ANYTHING,
			   LDAP_MEANS_CONTAINERS);
}

size_t ldap_searches(const struct ldap_partition *partition, struct sv filter,
		     struct arena *arena, struct ldap_search **out)
{
	struct searches searches = { VEC_INIT, partition, arena };
	char *wanted = arena_cstr(arena, filter);
	char *others =
		arena_printf(arena, "(&" LDAP_CONTAINERS "(!%s))", wanted);
	bool all = sv_ieq_str(filter, LDAP_ANYTHING);
	size_t count;
	size_t i;

	for (i = 0; i < partition->count; i++) {
		const struct ldap_region *region = &partition->regions[i];

		if (!region->included || searched_already(partition, region))
			continue;
		add_ancestors(&searches, region->dn);
		if (!all)
			add_search(&searches, region->dn, LDAP_SCOPE_SUBTREE,
				   others, LDAP_MEANS_CONTAINERS);
		add_search(&searches, region->dn, LDAP_SCOPE_SUBTREE, wanted,
			   LDAP_MEANS_OBJECTS);
	}
	count = searches.all.len;
	*out = arena_array(arena, count ? count : 1, sizeof(**out));
	if (count)
		memcpy(*out, searches.all.at, count * sizeof(**out));
	vec_release(&searches.all);
	return count;
}
