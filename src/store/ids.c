/*
 * ids.c - lists of ids as differences, as a run keeps them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/history.h"

void store_ids_encode(struct strbuf *list, int64_t *last, int64_t id)
{
	int64_t step = (int64_t)((uint64_t)id - (uint64_t)*last);

	image_encode_number(((uint64_t)step << 1) ^ (uint64_t)(step >> 63),
			    list);
	*last = id;
}

int store_ids_decode(struct sv list, size_t *at, int64_t *last, int64_t *id_out)
{
	uint64_t n;

	if (*at >= list.len)
		return 0;
	if (!image_decode_number(list, at, &n))
		return -1;
	/* damaged bytes may run over; the ids are wrong then, nothing else */
	*last = (int64_t)((uint64_t)*last + ((n >> 1) ^ (0 - (n & 1))));
	*id_out = *last;
	return 1;
}
