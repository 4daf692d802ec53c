/*
 * fuzz_image.c - any bytes as a stored image
 *
 * What can be read is written and read again as the same; what cannot is
 * ERR_CORRUPT. Lists of ids and numbers go along.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/history.h"
#include "store/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                     \
	do {                                                                   \
		if (!(condition))                                              \
			abort();                                               \
	} while (0)

#define ATTRS 32

/* Numbers in another order than the store's. */
static const struct attr_map *the_map(void)
{
	static uint32_t to_store[ATTRS];
	static uint32_t from_store[ATTRS];
	static const struct attr_map map = { to_store, ATTRS, from_store,
					     ATTRS };
	uint32_t i;

	for (i = 0; i < ATTRS; i++) {
		to_store[i] = i ? ATTRS - i : 0;
		from_store[to_store[i]] = i;
	}
	return &map;
}

static void written_again(const struct image *image, struct arena *arena)
{
	struct strbuf first = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct strbuf second = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct error err = ERROR_INIT;
	struct image back;
	struct image made;
	struct image diff;
	size_t i;

	for (i = 1; i < image->len; i++)
		REQUIRE(image->attrs[i - 1].attr < image->attrs[i].attr);
	image_encode(image, the_map(), &first);
	REQUIRE(image_decode(strbuf_sv(&first), the_map(), arena, &back,
			     &err) == 0);
	REQUIRE(image_identical(image, &back));
	image_encode(&back, the_map(), &second);
	REQUIRE(sv_eq(strbuf_sv(&first), strbuf_sv(&second)));
	made = image_copy(&(const struct image){ NULL, 0, 0 }, arena);
	diff = image_diff(&made, image, arena);
	image_apply(&made, &diff, arena);
	for (i = 0; i < made.len; i++)
		REQUIRE(made.attrs[i].values.len > 0);
	strbuf_release(&first);
	strbuf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv bytes = sv_make((const char *)data, size);
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct image image;
	int64_t last = 0;
	int64_t id;
	size_t at = 0;

	if (image_decode(bytes, the_map(), &arena, &image, &err) == 0)
		written_again(&image, &arena);
	else
		REQUIRE(err.code == ERR_CORRUPT && image.len == 0);
	while (store_ids_decode(bytes, &at, &last, &id) > 0)
		REQUIRE(at <= size);
	arena_release(&arena);
	return 0;
}
