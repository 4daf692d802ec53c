/*
 * counters.c - count objects by name and target
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/counters.h"

#include <string.h>

static bool keeps_list(const char *name)
{
	return strcmp(name, "stage-no-change") != 0 &&
	       strcmp(name, "connector-no-flow") != 0 &&
	       strcmp(name, "disconnector-remains") != 0;
}

static struct counter *find(const struct counters *counters, uint32_t target,
			    const char *name)
{
	struct counter *counter;

	vec_foreach(&counters->all, counter)
		if (counter->target == target &&
		    (counter->name == name || !strcmp(counter->name, name)))
			return counter;
	return NULL;
}

void counters_add(struct counters *counters, uint32_t target, const char *name,
		  int64_t id)
{
	struct counter *counter = find(counters, target, name);

	if (!counter) {
		struct counter new = { .name = name, .target = target };

		new.ids.max = STRBUF_NO_LIMIT;
		vec_push(&counters->all, new);
		counter = &counters->all.at[counters->all.len - 1];
	}
	counter->value++;
	if (keeps_list(name))
		store_ids_encode(&counter->ids, &counter->last, id);
}

void counters_take(struct counters *counters, uint32_t target, const char *name)
{
	struct counter *counter = find(counters, target, name);

	if (counter && counter->value)
		counter->value--;
}

int64_t counters_get(const struct counters *counters, uint32_t target,
		     const char *name)
{
	const struct counter *counter = find(counters, target, name);

	return counter ? counter->value : 0;
}

int64_t counters_sum(const struct counters *counters, const char *name)
{
	const struct counter *counter;
	int64_t sum = 0;

	vec_foreach(&counters->all, counter)
		if (!strcmp(counter->name, name))
			sum += counter->value;
	return sum;
}

int counters_save(const struct counters *counters, struct store_tx *tx,
		  int64_t step, struct error *err)
{
	const struct counter *counter;

	vec_foreach(&counters->all, counter) {
		struct counter_row row = {
			.step = step,
			.target = counter->target,
			.name = counter->name,
			.value = counter->value,
			.ids = strbuf_sv(&counter->ids),
		};

		if (store_counter_put(tx, &row, err) < 0)
			return -1;
	}
	return 0;
}

void counters_release(struct counters *counters)
{
	struct counter *counter;

	vec_foreach(&counters->all, counter)
		strbuf_release(&counter->ids);
	vec_release(&counters->all);
}
