/*
 * ignored.c - errors that are not shown for a while, as small values
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/ignored.h"

#include <stdio.h>

static void key_of(int64_t cs, struct sv code, char out[160])
{
	(void)snprintf(out, 160, "ignored:%lld:%.*s", (long long)cs,
		       (int)(code.len < 100 ? code.len : 100),
		       code.ptr ? code.ptr : "");
}

int ignored_put(struct store_tx *tx, const struct ignored *row,
		struct error *err)
{
	char text[400];
	char key[160];

	key_of(row->cs, row->code, key);
	(void)snprintf(text, sizeof(text), "%lld " SV_FMT,
		       (long long)row->until, SV_ARG(row->user));
	return store_meta_set(tx, key, sv_from(text), err);
}

int ignored_delete(struct store_tx *tx, int64_t cs, struct sv code,
		   struct error *err)
{
	char key[160];

	key_of(cs, code, key);
	return store_meta_delete(tx, key, err);
}

int ignored_get(struct store *store, int64_t cs, struct sv code, int64_t now,
		struct arena *arena, struct ignored *out, struct error *err)
{
	struct sv text;
	size_t blank;
	char key[160];
	int ret;

	key_of(cs, code, key);
	ret = store_meta_get(store, key, arena, &text, err);
	if (ret <= 0)
		return ret;
	blank = sv_find(text, ' ', 0);
	*out = (struct ignored){ .cs = cs, .code = code };
	if (!sv_to_i64(sv_sub(text, 0, blank), &out->until) ||
	    out->until <= now)
		return 0;
	if (blank < text.len)
		out->user = sv_sub(text, blank + 1, text.len);
	return 1;
}
