/*
 * tree.c - find, make and compose the names of connector space objects
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/tree.h"

#include "base/text.h"
#include "model/dn.h"

#include <string.h>

/* What a key is for: part of what is hashed, so kinds never meet. */
enum purpose {
	FOR_ANCHOR = 1,
	FOR_NAME,
	FOR_UNIQUE,
	FOR_MV,
	FOR_WAIT_VALUE,
	FOR_WAIT_LINK,
	FOR_WAIT_CONNECTOR,
	FOR_JOIN,
};

static uint64_t key(const struct store *store, enum purpose purpose, uint64_t a,
		    uint64_t b, struct sv bytes)
{
	char room[512];
	char *at = room;
	uint64_t head[3] = { (uint64_t)purpose, a, b };
	uint64_t h;

	if (bytes.len > sizeof(room) - sizeof(head))
		at = mem_alloc(bytes.len + sizeof(head));
	memcpy(at, head, sizeof(head));
	if (bytes.len)
		memcpy(at + sizeof(head), bytes.ptr, bytes.len);
	h = hash64(store_hash_key(store),
		   sv_make(at, bytes.len + sizeof(head)));
	if (at != room)
		mem_free(at);
	return h;
}

/* Most anchors are short and plain: as text_fold(), without its memory. */
static bool fold_plain(struct sv s, char *room, size_t size)
{
	size_t i;

	if (s.len > size)
		return false;
	for (i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if ((unsigned char)c >= 0x80)
			return false;
		room[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return true;
}

uint64_t key_of_anchor(const struct store *store, uint32_t agent, uint32_t type,
		       struct sv anchor)
{
	struct arena scratch = ARENA_INIT;
	char room[128];
	struct sv folded = sv_make(room, anchor.len);
	uint64_t h;

	if (!type)
		folded = dn_fold(anchor, &scratch);
	else if (!fold_plain(anchor, room, sizeof(room)))
		folded = text_fold(anchor, &scratch);
	h = key(store, FOR_ANCHOR, agent, type, folded);
	arena_release(&scratch);
	return h;
}

bool anchor_same(uint32_t type, struct sv a, struct sv b)
{
	return type ? text_ieq(a, b) : dn_equal(a, b);
}

uint64_t key_of_name(const struct store *store, uint32_t agent, int64_t parent,
		     struct sv rdn)
{
	struct arena scratch = ARENA_INIT;
	uint64_t h = key(store, FOR_NAME, agent, (uint64_t)parent,
			 dn_fold(rdn, &scratch));

	arena_release(&scratch);
	return h;
}

static uint64_t value_key(const struct store *store, enum purpose purpose,
			  uint64_t a, uint64_t b, const struct value *value)
{
	struct arena scratch = ARENA_INIT;
	struct sv text = value->text;
	uint64_t h;

	if (value->type == VALUE_STRING)
		text = text_fold(text, &scratch);
	else if (value->type != VALUE_BINARY)
		text = sv_make((const char *)&value->number,
			       sizeof(value->number));
	h = key(store, purpose, a, b, text);
	arena_release(&scratch);
	return h;
}

uint64_t key_of_unique(const struct store *store, uint32_t agent, uint32_t attr,
		       const struct value *value)
{
	return value_key(store, FOR_UNIQUE, agent, attr, value);
}

uint64_t key_of_mv(const struct store *store, uint32_t attr,
		   const struct value *value)
{
	return value_key(store, FOR_MV, attr, 0, value);
}

uint64_t key_of_wait_value(const struct store *store, uint32_t mv_type,
			   uint32_t attr, const struct value *value)
{
	return value_key(store, FOR_WAIT_VALUE, mv_type, attr, value);
}

uint64_t key_of_wait_link(const struct store *store, int64_t cs)
{
	return key(store, FOR_WAIT_LINK, (uint64_t)cs, 0, SV_NULL);
}

uint64_t key_of_wait_connector(const struct store *store, int64_t mv,
			       uint32_t agent)
{
	return key(store, FOR_WAIT_CONNECTOR, (uint64_t)mv, agent, SV_NULL);
}

uint64_t key_of_join(const struct store *store, uint64_t rule,
		     const struct values *values)
{
	uint64_t h = rule;
	size_t i;

	for (i = 0; i < values->len; i++)
		h = value_key(store, FOR_JOIN, h, i, &values->at[i]);
	return h;
}

void tree_init(struct tree *tree, struct store *store, uint32_t agent)
{
	memset(tree, 0, sizeof(*tree));
	tree->store = store;
	tree->agent = agent;
	tree->found = namemap_new(false);
}

void tree_forget(struct tree *tree)
{
	namemap_free(tree->found);
	tree->found = namemap_new(false);
	idmap_release(&tree->names);
	arena_reset(&tree->arena);
}

void tree_release(struct tree *tree)
{
	namemap_free(tree->found);
	idmap_release(&tree->names);
	idmap_release(&tree->fresh);
	vec_release(&tree->keys);
	vec_release(&tree->same_key);
	arena_release(&tree->arena);
	memset(tree, 0, sizeof(*tree));
}

void tree_add_key(struct tree *tree, uint64_t h, int64_t id)
{
	struct key_row row = { h, id };
	uint64_t before = 0;

	(void)idmap_get(&tree->fresh, h, &before);
	vec_push(&tree->keys, row);
	vec_push(&tree->same_key, (size_t)before);
	idmap_put(&tree->fresh, h, tree->keys.len);
}

int tree_flush(struct tree *tree, struct store_tx *tx, struct error *err)
{
	int ret = store_cs_key_put(tx, tree->keys.at, tree->keys.len, err);

	tree_forget_keys(tree);
	return ret;
}

void tree_forget_keys(struct tree *tree)
{
	vec_clear(&tree->keys);
	vec_clear(&tree->same_key);
	idmap_clear(&tree->fresh);
}

int tree_find_key(struct tree *tree, uint64_t h, struct arena *arena,
		  int64_t **out, struct error *err)
{
	uint64_t fresh;
	int64_t *ids;
	int count = store_cs_key_find(tree->store, h, arena, &ids, err);
	size_t more = 0;
	size_t at;

	*out = ids;
	if (count < 0 || !idmap_get(&tree->fresh, h, &fresh))
		return count;
	for (at = (size_t)fresh; at; at = tree->same_key.at[at - 1])
		more++;
	*out = arena_alloc(arena, ((size_t)count + more) * sizeof(**out));
	if (count)
		memcpy(*out + more, ids, (size_t)count * sizeof(**out));
	for (at = (size_t)fresh, more = 0; at; at = tree->same_key.at[at - 1])
		(*out)[more++] = tree->keys.at[at - 1].id;
	return count + (int)more;
}

static bool same_name(int64_t parent, struct sv rdn, int64_t other_parent,
		      struct sv other_rdn)
{
	return parent == other_parent && rdn.len && dn_equal(rdn, other_rdn);
}

/* How well an object bears the name: 0 not, higher is better. */
static int bears(struct tree *tree, int64_t id, int64_t parent, struct sv rdn,
		 unsigned views, struct arena *arena, struct error *err)
{
	struct pending_export pending;
	struct pending_export awaiting;
	struct pending_import import;
	struct cs_row head;
	bool imported;
	bool expected;
	int ret = store_cs_head(tree->store, id, arena, &head, err);

	if (ret <= 0)
		return ret;
	if (store_pending_export_get(tree->store, id, arena, &pending, err) <
		    0 ||
	    store_awaiting_get(tree->store, id, arena, &awaiting, err) < 0 ||
	    store_pending_import_get(tree->store, id, arena, &import, err) < 0)
		return -1;
	imported = !(head.flags & CS_TRANSIENT) &&
		   same_name(parent, rdn, head.parent, head.rdn);
	if (pending.rdn.len)
		expected = same_name(parent, rdn, pending.parent, pending.rdn);
	else if (awaiting.rdn.len)
		expected =
			same_name(parent, rdn, awaiting.parent, awaiting.rdn);
	else
		expected = imported;
	if (pending.op == PENDING_DELETE && !(views & TREE_IMPORTED))
		expected = false;
	/* what only holds a name for others comes last */
	if (imported &&
	    (head.flags & CS_PLACEHOLDER || awaiting.op == PENDING_DELETE))
		return 1;
	if (imported && (views & TREE_IMPORTED))
		return import.op == IMPORT_DELETE ? 1 : 3;
	if (expected && (views & TREE_EXPECTED))
		return import.op == IMPORT_DELETE ? 1 : 2;
	return 0;
}

static int find_below(struct tree *tree, int64_t parent, struct sv rdn,
		      unsigned views, int64_t *id_out, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	uint64_t h = key_of_name(tree->store, tree->agent, parent, rdn);
	int64_t *ids;
	int count = tree_find_key(tree, h, &scratch, &ids, err);
	int best = 0;
	int i;

	for (i = 0; i < count; i++) {
		int rank =
			bears(tree, ids[i], parent, rdn, views, &scratch, err);

		if (rank < 0) {
			count = -1;
			break;
		}
		if (rank > best) {
			best = rank;
			*id_out = ids[i];
		}
	}
	arena_release(&scratch);
	return count < 0 ? -1 : best > 0;
}

/* The id of a container, by the cache or the store. */
static int find_container(struct tree *tree, struct sv dn, unsigned views,
			  int64_t *id_out, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct sv folded = dn_fold(dn, &scratch);
	uint64_t id;
	int ret;

	if (namemap_get(tree->found, folded, &id)) {
		*id_out = (int64_t)id;
		ret = 1;
	} else {
		ret = tree_find(tree, dn, views, id_out, err);
		if (ret > 0)
			namemap_put(tree->found, folded, (uint64_t)*id_out);
	}
	arena_release(&scratch);
	return ret;
}

int tree_find(struct tree *tree, struct sv dn, unsigned views, int64_t *id_out,
	      struct error *err)
{
	struct sv rdn;
	struct sv above;
	int64_t parent = 0;
	int ret;

	if (!dn_split(dn, &rdn, &above))
		return 0;
	if (above.len) {
		ret = find_container(tree, above, TREE_IMPORTED | TREE_EXPECTED,
				     &parent, err);
		if (ret <= 0)
			return ret;
	}
	return find_below(tree, parent, rdn, views, id_out, err);
}

int64_t tree_count_below(struct tree *tree, struct sv container,
			 struct error *err)
{
	int64_t top = 0;
	int ret = tree_find(tree, container, TREE_IMPORTED, &top, err);

	return ret > 0 ? store_cs_count_below(tree->store, top, err) : ret;
}

int tree_place(struct tree *tree, struct store_tx *tx, struct sv dn,
	       int64_t *parent_out, struct sv *rdn_out, struct error *err)
{
	struct sv above;
	struct arena scratch = ARENA_INIT;
	uint64_t id;
	int ret = 0;

	*parent_out = 0;
	if (!dn_split(dn, rdn_out, &above))
		return error_set(err, ERR_INVALID,
				 "'" SV_FMT "' is not a distinguished name",
				 SV_ARG(dn));
	if (!above.len)
		return 0;
	if (namemap_get(tree->found, dn_fold(above, &scratch), &id)) {
		*parent_out = (int64_t)id;
	} else {
		ret = tree_make(tree, tx, above, parent_out, err);
		if (ret == 0)
			namemap_put(tree->found, dn_fold(above, &scratch),
				    (uint64_t)*parent_out);
	}
	arena_release(&scratch);
	return ret;
}

int tree_make(struct tree *tree, struct store_tx *tx, struct sv dn,
	      int64_t *id_out, struct error *err)
{
	struct cs_row row = { .flags = CS_PLACEHOLDER };
	int ret;

	if (tree_place(tree, tx, dn, &row.parent, &row.rdn, err) < 0)
		return -1;
	ret = find_below(tree, row.parent, row.rdn,
			 TREE_IMPORTED | TREE_EXPECTED, id_out, err);
	if (ret)
		return ret < 0 ? -1 : 0;
	row.id = store_cs_new_id(tx, tree->agent);
	if (row.id < 0 || store_cs_put(tx, &row, err) < 0)
		return -1;
	tree_add_key(tree,
		     key_of_name(tree->store, tree->agent, row.parent, row.rdn),
		     row.id);
	*id_out = row.id;
	return 0;
}

static int ancestor_name(struct tree *tree, int64_t id, enum tree_view view,
			 struct arena *arena, int64_t *parent_out,
			 struct sv *rdn_out, struct error *err)
{
	struct pending_export state;
	struct cs_row head;
	int ret = store_cs_head(tree->store, id, arena, &head, err);

	if (ret <= 0)
		return ret < 0 ? -1
			       : error_set(err, ERR_CORRUPT,
					   "the container %lld is missing",
					   (long long)id);
	*parent_out = head.parent;
	*rdn_out = head.rdn;
	if (view == TREE_IMPORTED)
		return 0;
	if (store_awaiting_get(tree->store, id, arena, &state, err) < 0)
		return -1;
	if (state.rdn.len) {
		*parent_out = state.parent;
		*rdn_out = state.rdn;
	}
	if (store_pending_export_get(tree->store, id, arena, &state, err) < 0)
		return -1;
	if (state.rdn.len) {
		*parent_out = state.parent;
		*rdn_out = state.rdn;
	}
	return 0;
}

#define MAX_DEPTH 256

/* The DN of a container, cached. */
static int container_dn(struct tree *tree, int64_t id, enum tree_view view,
			int depth, struct sv *out, struct error *err)
{
	uint64_t cache_key = (uint64_t)id * 2 + (view == TREE_EXPECTED);
	struct sv *cached = idmap_get_ptr(&tree->names, cache_key);
	struct arena scratch = ARENA_INIT;
	struct sv above = SV_NULL;
	struct sv rdn = SV_NULL;
	int64_t parent = 0;
	int ret;

	if (cached) {
		*out = *cached;
		return 0;
	}
	if (depth > MAX_DEPTH)
		return error_set(err, ERR_CORRUPT,
				 "the containers above %lld form a circle",
				 (long long)id);
	ret = ancestor_name(tree, id, view, &scratch, &parent, &rdn, err);
	if (ret == 0 && parent)
		ret = container_dn(tree, parent, view, depth + 1, &above, err);
	if (ret == 0) {
		cached = arena_alloc(&tree->arena, sizeof(*cached));
		*cached =
			arena_dup(&tree->arena, dn_join(rdn, above, &scratch));
		idmap_put_ptr(&tree->names, cache_key, cached);
		*out = *cached;
	}
	arena_release(&scratch);
	return ret;
}

int tree_dn(struct tree *tree, int64_t parent, struct sv rdn,
	    enum tree_view view, struct arena *arena, struct sv *out,
	    struct error *err)
{
	struct sv above = SV_NULL;

	*out = SV_NULL;
	if (!rdn.len)
		return 0;
	if (parent && container_dn(tree, parent, view, 0, &above, err) < 0)
		return -1;
	*out = dn_join(rdn, above, arena);
	if (!above.len)
		*out = arena_dup(arena, rdn);
	return 0;
}
