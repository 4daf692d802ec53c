/*
 * sealed.c - the sealed values that lie in the store
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sealed.h"

#include "base/seal.h"
#include "store/outbox.h"

#define CHUNK 256

struct scan {
	struct store *store;
	struct store_tx *tx;
	store_sealed_fn fn;
	void *data;
	struct arena arena; /* of one row */
};

/* 1: the value has changed */
static int each_value(struct scan *scan, struct sealed_value *sealed,
		      struct value *value, struct error *err)
{
	struct sv put;
	int ret;

	if (!seal_is(value->text))
		return 0;
	sealed->value = value->text;
	ret = scan->fn(scan->data, sealed, &scan->arena, &put, err);
	if (ret > 0)
		value->text = put;
	return ret;
}

static int each_export(struct scan *scan, int64_t cs, struct error *err)
{
	const struct attr_map *map = store_attr_map(scan->store);
	struct sealed_value sealed = { .agent = CS_AGENT(cs), .cs = cs };
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct pending_export row;
	bool changed = false;
	struct image image;
	size_t i;
	size_t j;
	int ret = store_pending_export_get(scan->store, cs, &scan->arena, &row,
					   err);

	if (ret <= 0 || !row.attrs.len)
		return ret < 0 ? -1 : 0;
	if (image_decode(row.attrs, map, &scan->arena, &image, err) < 0)
		return -1;
	for (i = 0; i < image.len; i++)
		for (j = 0; j < image.attrs[i].values.len; j++) {
			ret = each_value(scan, &sealed,
					 &image.attrs[i].values.at[j], err);
			if (ret < 0)
				return -1;
			changed |= ret > 0;
		}
	if (!changed)
		return 0;
	image_encode(&image, map, &bytes);
	row.attrs = strbuf_sv(&bytes);
	ret = store_pending_export_put(scan->tx, &row, err);
	strbuf_release(&bytes);
	return ret;
}

static int each_of_agent(struct scan *scan, uint32_t agent, struct error *err)
{
	int64_t ids[CHUNK];
	int64_t after = 0;
	int count;
	int i;

	while ((count = store_pending_export_ids(scan->store, agent, after, ids,
						 CHUNK, err)) > 0) {
		for (i = 0; i < count; i++) {
			if (each_export(scan, ids[i], err) < 0)
				return -1;
			arena_reset(&scan->arena);
		}
		after = ids[count - 1];
	}
	return count;
}

static int each_delivery(struct scan *scan, uint32_t agent, struct error *err)
{
	struct delivery_row row;
	int64_t after = 0;
	struct sv put;
	int ret;

	while ((ret = store_delivery_next(scan->store, agent, after,
					  &scan->arena, &row, err)) > 0) {
		struct sealed_value sealed = { agent, 0, row.id, row.what };

		after = row.id;
		ret = scan->fn(scan->data, &sealed, &scan->arena, &put, err);
		if (ret > 0)
			ret = store_delivery_change(scan->tx, row.id, put, err);
		if (ret < 0)
			break;
		arena_reset(&scan->arena);
	}
	return ret;
}

int store_sealed_scan(struct store *store, struct store_tx *tx,
		      store_sealed_fn fn, void *data, struct error *err)
{
	struct scan scan = { store, tx, fn, data, ARENA_INIT };
	uint32_t agent;
	int ret = 0;

	for (agent = 1; ret >= 0 && store_name(store, NAME_AGENT, agent);
	     agent++) {
		ret = each_of_agent(&scan, agent, err);
		if (ret >= 0)
			ret = each_delivery(&scan, agent, err);
	}
	arena_release(&scan.arena);
	return ret < 0 ? -1 : 0;
}
