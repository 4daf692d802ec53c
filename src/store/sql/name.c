/*
 * name.c - small values and the dictionary of names
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sql/sql_private.h"

#include <string.h>

int store_meta_get(struct store *store, const char *key, struct arena *arena,
		   struct sv *out, struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store, "SELECT value FROM meta WHERE key = ?1",
			    &stmt, err, "s", key);

	*out = SV_NULL;
	if (ret > 0) {
		*out = sql_bytes(stmt, 0, arena);
		sql_reset(stmt);
	}
	return ret;
}

int store_meta_set(struct store_tx *tx, const char *key, struct sv value,
		   struct error *err)
{
	return sql_run(tx->store, "INSERT OR REPLACE INTO meta VALUES (?1, ?2)",
		       err, "sb", key, value);
}

int store_meta_delete(struct store_tx *tx, const char *key, struct error *err)
{
	return sql_run(tx->store, "DELETE FROM meta WHERE key = ?1", err, "s",
		       key);
}

static void index_name(struct store *store, const struct store_name_row *row)
{
	struct namemap **names = &store->names[row->kind];

	if (!*names)
		*names = namemap_new(row->kind == NAME_ATTRIBUTE);
	namemap_put(*names, sv_from(row->name), row->number);
}

static void remember(struct store *store, enum store_name_kind kind,
		     uint32_t number, struct sv name)
{
	struct store_name_row row = { kind, number, mem_alloc(name.len + 1) };

	if (name.len)
		memcpy(row.name, name.ptr, name.len);
	row.name[name.len] = '\0';
	vec_push(&store->name_rows, row);
	index_name(store, &row);
}

static void free_index(struct store *store)
{
	int i;

	for (i = 0; i < NAME_KINDS; i++) {
		namemap_free(store->names[i]);
		store->names[i] = NULL;
	}
}

static void index_all(struct store *store)
{
	const struct store_name_row *row;

	free_index(store);
	vec_foreach(&store->name_rows, row)
		index_name(store, row);
}

static struct store_name_row *row_of(struct store *store, int64_t kind,
				     uint32_t number)
{
	struct store_name_row *row;

	vec_foreach(&store->name_rows, row)
		if ((int64_t)row->kind == kind && row->number == number)
			return row;
	return NULL;
}

static void set_name(struct store_name_row *row, struct sv name)
{
	row->name = mem_realloc(row->name, name.len + 1);
	if (name.len)
		memcpy(row->name, name.ptr, name.len);
	row->name[name.len] = '\0';
}

int store_load_names(struct store *store, struct error *err)
{
	bool is_first = !store->name_rows.len;
	bool changed = false;
	struct statement *stmt;
	int ret;

	for (ret = sql_first(store, "SELECT kind, number, name FROM name",
			     &stmt, err, "");
	     ret > 0; ret = sql_next(stmt, err)) {
		int64_t kind = sql_int(stmt, 0);
		uint32_t number = (uint32_t)sql_int(stmt, 1);
		struct sv name = sql_view(stmt, 2);
		struct store_name_row *row =
			is_first ? NULL : row_of(store, kind, number);

		if (!row && kind > 0 && kind < NAME_KINDS) {
			remember(store, (enum store_name_kind)kind, number,
				 name);
		} else if (row && !sv_eq(sv_from(row->name), name)) {
			set_name(row, name);
			changed = true;
		}
	}
	if (changed)
		index_all(store);
	store->committed_names = store->name_rows.len;
	return ret;
}

void store_free_names(struct store *store)
{
	struct store_name_row *row;

	vec_foreach(&store->name_rows, row)
		mem_free(row->name);
	vec_release(&store->name_rows);
	free_index(store);
}

/* Committed names stay where they are: they are borrowed until close. */
void store_forget_uncommitted(struct store *store)
{
	idmap_release(&store->next_cs);
	known_forget_rows(store);
	store->next_mv = 0;
	store->end_mv = 0;
	if (store->committed_names == store->name_rows.len)
		return;
	while (store->name_rows.len > store->committed_names)
		mem_free(store->name_rows.at[--store->name_rows.len].name);
	index_all(store);
}

uint32_t store_name_find(struct store *store, enum store_name_kind kind,
			 struct sv name)
{
	uint64_t number;

	if (!store->names[kind] ||
	    !namemap_get(store->names[kind], name, &number))
		return 0;
	return (uint32_t)number;
}

/*
 * Under the lease of one agent others add names too. Who has a number must not
 * keep them waiting until a long transaction ends, so it is given in one of its
 * own, on a connection of its own: that happens once in the life of a name.
 */
static int add_aside(struct store *store, enum store_name_kind kind,
		     const struct sv *names, size_t count, struct error *err)
{
	struct store *aside;
	struct store_tx *tx;
	size_t i;
	int ret;

	if (store_open(store->db->name, 0, &aside, err) < 0)
		return -1;
	ret = store_begin(aside, STORE_ALONE, &tx, err);
	if (ret == 0)
		ret = store_load_names(aside, err);
	for (i = 0; i < count && ret == 0; i++)
		if (!store_name_add(tx, kind, names[i], err))
			ret = -1;
	if (ret == 0)
		ret = store_commit(tx, err);
	store_close(aside);
	return ret < 0 ? -1 : store_load_names(store, err);
}

uint32_t store_name_add(struct store_tx *tx, enum store_name_kind kind,
			struct sv name, struct error *err)
{
	struct store *store = tx->store;
	uint32_t number = store_name_find(store, kind, name);
	struct store_name_row *row;

	if (number)
		return number;
	if (store->scope)
		return add_aside(store, kind, &name, 1, err) < 0
			       ? 0
			       : store_name_find(store, kind, name);
	number = 1;
	vec_foreach(&store->name_rows, row)
		if (row->kind == kind && row->number >= number)
			number = row->number + 1;
	if (sql_run(store, "INSERT INTO name VALUES (?1, ?2, ?3)", err, "iit",
		    (int64_t)kind, (int64_t)number, name) < 0)
		return 0;
	remember(store, kind, number, name);
	return number;
}

int store_name_change(struct store_tx *tx, enum store_name_kind kind,
		      uint32_t number, struct sv name, struct error *err)
{
	struct store *store = tx->store;
	struct store_name_row *row;

	if (sql_run(store,
		    "UPDATE name SET name = ?3 WHERE kind = ?1"
		    " AND number = ?2",
		    err, "iit", (int64_t)kind, (int64_t)number, name) < 0)
		return -1;
	row = row_of(store, (int64_t)kind, number);
	if (row)
		set_name(row, name);
	index_all(store);
	return 0;
}

const char *store_name(struct store *store, enum store_name_kind kind,
		       uint32_t number)
{
	const struct store_name_row *row = row_of(store, (int64_t)kind, number);

	return row ? row->name : NULL;
}

void store_free_map(struct store *store)
{
	mem_free(store->map.to_store);
	mem_free(store->map.from_store);
	memset(&store->map, 0, sizeof(store->map));
	vec_release(&store->attr_names);
}

static int add_all(struct store *store, const struct sv *names, size_t count,
		   struct error *err)
{
	struct store_tx *tx;
	size_t i;

	if (store_begin(store, STORE_BULK, &tx, err) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		if (!store_name_add(tx, NAME_ATTRIBUTE, names[i], err)) {
			store_rollback(tx);
			return -1;
		}
	}
	return store_commit(tx, err);
}

static int add_missing(struct store *store, const char *const *names,
		       size_t count, struct error *err)
{
	struct sv *missing = mem_alloc((count + 1) * sizeof(*missing));
	size_t many = 0;
	size_t i;
	int ret = 0;

	for (i = 1; i <= count; i++)
		if (!store_name_find(store, NAME_ATTRIBUTE, sv_from(names[i])))
			missing[many++] = sv_from(names[i]);
	if (many && !store->read_only)
		ret = store->scope ? add_aside(store, NAME_ATTRIBUTE, missing,
					       many, err)
				   : add_all(store, missing, many, err);
	mem_free(missing);
	return ret;
}

int store_bind_attributes(struct store *store, const char *const *names,
			  size_t count, struct error *err)
{
	struct attr_map *map = &store->map;
	struct store_name_row *row;
	uint32_t highest = 0;
	size_t i;

	if (add_missing(store, names, count, err) < 0)
		return -1;
	store_free_map(store);
	vec_foreach(&store->name_rows, row)
		if (row->kind == NAME_ATTRIBUTE && row->number > highest)
			highest = row->number;
	map->from_store_len = (size_t)highest + 1;
	map->from_store = mem_zalloc(map->from_store_len * sizeof(uint32_t));
	map->to_store_len = count + map->from_store_len + 1;
	map->to_store = mem_zalloc(map->to_store_len * sizeof(uint32_t));
	vec_push(&store->attr_names, NULL);
	for (i = 1; i <= count; i++) {
		uint32_t number = store_name_find(store, NAME_ATTRIBUTE,
						  sv_from(names[i]));

		vec_push(&store->attr_names, names[i]);
		map->to_store[i] = number;
		if (number)
			map->from_store[number] = (uint32_t)i;
	}
	/* what only the store knows stays readable */
	vec_foreach(&store->name_rows, row) {
		if (row->kind != NAME_ATTRIBUTE || map->from_store[row->number])
			continue;
		map->from_store[row->number] = (uint32_t)store->attr_names.len;
		map->to_store[store->attr_names.len] = row->number;
		vec_push(&store->attr_names, row->name);
	}
	return 0;
}

const struct attr_map *store_attr_map(const struct store *store)
{
	return &store->map;
}

const char *store_attr_name(const struct store *store, uint32_t attr)
{
	if (attr >= store->attr_names.len)
		return NULL;
	return store->attr_names.at[attr];
}
