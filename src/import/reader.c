/*
 * reader.c - read ahead: convert and hash on a thread of its own
 *
 * The thread is the only one that touches the connector's session until
 * reader_stop(). It hands over batches and takes them back empty; a batch ends
 * early when its objects are large, and nothing is read while what was handed
 * over takes too much memory. The content hash covers the encoding's version,
 * the attributes that are read, type, anchor, folded DN and all values in
 * canonical order; references by their folded text, sets of them so that one
 * value more is one addition (content.c). Of a record that comes as
 * raw bytes it covers these instead, with what gives them their meaning; its
 * attributes are deferred as long as most records are what they were.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "base/text.h"
#include "model/dn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCHES     256
/* once they are taken: few that are used again and again stay in the cache */
#define BATCHES_FEW 16
#define BATCH_BYTES ((size_t)2 << 20)
#define AHEAD_BYTES ((size_t)32 << 20)
#define VERSION     "3" /* of what is hashed, and of the conversion */

struct type_plan {
	size_t *order; /* attributes by store number: the order of hashing */
	size_t *by_id; /* attributes by configuration number */
	uint64_t fingerprint;
	/* of raw records: the context seen last, and the hash of both */
	const char *context;
	uint64_t raw_fingerprint;
};

struct reader {
	struct connector *connector;
	const struct config_agent *agent;
	struct store *store;
	const uint32_t *types;
	uint32_t number;
	bool has_dn;
	struct type_plan *plans;
	const struct values **slots; /* of the widest type; the thread's */
	const struct values **build_slots; /* the same, the importer's */
	struct strbuf hashed;
	struct strbuf build_hashed; /* the importer's */
	struct arena scratch;       /* of what is hashed; the thread's */
	pthread_t thread;
	bool started;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct batch *batches[BATCHES]; /* made when they are needed */
	size_t batch_count;             /* the thread's */
	struct batch *empty[BATCHES];
	size_t empty_len;
	struct batch *full[BATCHES];
	size_t full_len;
	size_t bytes; /* of all batches that were handed over */
	bool end;
	bool failed;
	bool stop;
	bool taken; /* the importer has begun to take batches */
	bool eager; /* expand at once what the importer would have to */
	struct error err;
};

static const char *bad_value_code(enum value_type type)
{
	switch (type) {
	case VALUE_INTEGER:
		return "invalid-numeric-value";
	case VALUE_BOOLEAN:
		return "invalid-boolean-value";
	case VALUE_REFERENCE:
		return "invalid-reference-value";
	case VALUE_NULL:
	case VALUE_STRING:
	case VALUE_BINARY:
	case VALUE_DATETIME:
		break;
	}
	return "invalid-attribute-value";
}

/* The change is an error, which stands at a value of the attribute. */
static void bad(const struct reader *reader, struct change *change, size_t attr,
		const char *code, const char *message, struct arena *arena)
{
	struct sv place =
		connector_place(reader->connector, arena, change, attr);

	if (place.len)
		change->where = place;
	change->op = CHANGE_ERROR;
	change->error = code;
	change->message = sv_from(message);
}

#define MANY 32 /* values; beyond they are known by their hashes */

static void note_value(const struct reader *reader, const struct value *value,
		       struct idmap *seen, uint64_t *hash_out)
{
	struct arena scratch = ARENA_INIT;
	struct sv text = value_text(value, &scratch);

	if (value->type == VALUE_REFERENCE)
		text = text_fold(text, &scratch);
	*hash_out = hash64(store_hash_key(reader->store), text);
	if (seen)
		idmap_put(seen, *hash_out, 1);
	arena_release(&scratch);
}

/* Was it among the first `kept` values? */
static bool is_repeated(const struct reader *reader,
			const struct values *values, size_t kept,
			const struct value *value, struct idmap *seen)
{
	struct values before = { values->at, kept };
	uint64_t h;
	size_t i;

	if (kept < MANY)
		return kept && values_have(&before, value, MATCH_EXACT);
	for (i = 0; kept == MANY && i < kept; i++)
		note_value(reader, &before.at[i], seen, &h);
	note_value(reader, value, NULL, &h);
	if (idmap_get(seen, h, NULL))
		return values_have(&before, value, MATCH_EXACT);
	idmap_put(seen, h, 1);
	return false;
}

static void drop_repeated(const struct reader *reader, struct values *values)
{
	struct idmap seen = IDMAP_INIT;
	size_t kept = 0;
	size_t i;

	for (i = 0; i < values->len; i++)
		if (!is_repeated(reader, values, kept, &values->at[i], &seen))
			values->at[kept++] = values->at[i];
	values->len = kept;
	idmap_release(&seen);
}

/* Text becomes a value of the attribute's type. */
static int convert(const struct reader *reader, struct change *change,
		   const struct attr_def *def, struct attr_change *attr,
		   struct arena *arena)
{
	size_t kept;
	size_t i;

	for (i = 0; i < attr->values.len; i++) {
		struct value *value = &attr->values.at[i];

		if (value->type != def->type &&
		    !value_parse(def->type, value->text, def->format, value)) {
			bad(reader, change, attr->attr,
			    bad_value_code(def->type),
			    arena_printf(arena,
					 "'" SV_FMT "' in '%s' is not a "
					 "valid %s",
					 (int)(value->text.len > 80
						       ? 80
						       : value->text.len),
					 value->text.ptr, def->name,
					 value_type_name(def->type)),
			    arena);
			return -1;
		}
	}
	drop_repeated(reader, &attr->values);
	kept = attr->values.len;
	if (kept > 1 && !def->multi) {
		bad(reader, change, attr->attr, "multi-single-mismatch",
		    arena_printf(arena,
				 "'%s' has %zu values but takes one; declare "
				 "it with multi: true",
				 def->name, kept),
		    arena);
		return -1;
	}
	return 0;
}

static void hash_values(const struct reader *reader, const struct attr_def *def,
			const struct values *values, struct strbuf *out,
			struct arena *arena)
{
	struct values sorted = *values;
	size_t i;

	if (def->type == VALUE_REFERENCE || values->len > 1) {
		sorted.at = arena_array(arena, values->len, sizeof(*sorted.at));
		memcpy(sorted.at, values->at, values->len * sizeof(*sorted.at));
		if (def->type == VALUE_REFERENCE)
			for (i = 0; i < sorted.len; i++)
				sorted.at[i] = value_string(
					reader->has_dn
						? dn_fold(sorted.at[i].text,
							  arena)
						: text_fold(sorted.at[i].text,
							    arena));
		values_canonical(&sorted);
	}
	image_encode_number(sorted.len, out);
	for (i = 0; i < sorted.len; i++)
		image_encode_value(&sorted.at[i], out);
}

/* A set is as the sum of its values (content.c), each counted once. */
static void add_set(const struct reader *reader, uint32_t number,
		    const struct values *values, struct hash128 *sum,
		    struct arena *arena)
{
	struct hash128 *all = arena_array(arena, values->len, sizeof(*all));
	size_t i;

	for (i = 0; i < values->len; i++)
		all[i] = content_of_value(reader->store, reader->has_dn, number,
					  values->at[i].text, arena);
	content_add_all(sum, all, values->len);
}

/* Fills slots[attr] from the change. */
static void spread(const struct values **slots, const struct prepared *item,
		   const struct object_type *type)
{
	size_t i;

	memset(slots, 0, (type->attr_count + 1) * sizeof(*slots));
	for (i = 0; i < item->change.attr_count; i++)
		slots[item->change.attrs[i].attr] =
			&item->change.attrs[i].values;
}

/* By the values; `slots` and `out` are those of the calling thread. */
static void hash_content(struct reader *reader, struct prepared *item,
			 const struct values **slots, struct strbuf *out,
			 struct arena *arena)
{
	const struct object_type *type =
		&reader->agent->types[item->change.type];
	const struct type_plan *plan = &reader->plans[item->change.type];
	const struct attr_map *map = store_attr_map(reader->store);
	struct hash128 sum = { 0, 0 };
	struct sv dn = SV_NULL;
	size_t i;

	spread(slots, item, type);
	strbuf_reset(out);
	strbuf_add(out, &plan->fingerprint, sizeof(plan->fingerprint));
	image_encode_number(item->change.anchor.len, out);
	strbuf_addsv(out, item->change.anchor);
	if (reader->has_dn)
		dn = dn_fold(item->change.dn, arena);
	image_encode_number(dn.len, out);
	strbuf_addsv(out, dn);
	for (i = 0; i < type->attr_count; i++) {
		size_t attr = plan->order[i];
		const struct attr_def *def = &type->attrs[attr];
		const struct values *values = slots[attr];

		if (!values || !values->len)
			continue;
		if (content_is_set(def)) {
			add_set(reader, map->to_store[item->ids[attr]], values,
				&sum, arena);
			continue;
		}
		image_encode_number(i, out);
		hash_values(reader, def, values, out, arena);
	}
	item->content = content_of_values(
		hash128(store_hash_key(reader->store), strbuf_sv(out)), sum);
}

void reader_hash_values(struct reader *reader, struct prepared *item,
			struct arena *arena)
{
	hash_content(reader, item, reader->build_slots, &reader->build_hashed,
		     arena);
}

static void take_references(struct prepared *item,
			    const struct object_type *type, size_t attr,
			    const struct values *values, struct arena *arena)
{
	struct reference_text *reference;
	size_t i;

	if (!item->references)
		item->references = arena_array(arena, type->attr_count,
					       sizeof(*item->references));
	reference = &item->references[item->reference_count++];
	reference->attr = item->ids[attr];
	reference->def = &type->attrs[attr];
	reference->texts =
		arena_array(arena, values->len, sizeof(*reference->texts));
	reference->len = values->len;
	for (i = 0; i < values->len; i++)
		reference->texts[i] = values->at[i].text;
}

void reader_build_image(struct reader *reader, struct prepared *item,
			struct arena *arena)
{
	const struct object_type *type =
		&reader->agent->types[item->change.type];
	const struct type_plan *plan = &reader->plans[item->change.type];
	struct image *image = &item->image;
	size_t i;

	if (item->change.container)
		return;
	spread(reader->build_slots, item, type);
	image->size = type->attr_count + 1;
	image->attrs = arena_alloc(arena, image->size * sizeof(*image->attrs));
	for (i = 0; i < type->attr_count; i++) {
		size_t attr = plan->by_id[i];
		const struct values *values = reader->build_slots[attr];

		if (!values || !values->len)
			continue;
		if (type->attrs[attr].type == VALUE_REFERENCE) {
			take_references(item, type, attr, values, arena);
			continue;
		}
		image->attrs[image->len].attr = item->ids[attr];
		image->attrs[image->len].values = *values;
		image->len++;
	}
}

/* The bytes in place of the values that they stand for. */
static void hash_raw(struct reader *reader, struct prepared *item)
{
	struct type_plan *plan = &reader->plans[item->change.type];
	const struct hash_key *key = store_hash_key(reader->store);
	struct sv context = item->change.raw_context;
	struct {
		uint64_t fingerprint;
		struct hash128 raw;
	} all;

	if (!plan->context || plan->context != context.ptr) {
		struct strbuf sb = STRBUF_INIT(STRBUF_NO_LIMIT);

		strbuf_addf(&sb, "raw %llu ",
			    (unsigned long long)plan->fingerprint);
		strbuf_addsv(&sb, context);
		plan->raw_fingerprint = hash64(key, strbuf_sv(&sb));
		plan->context = context.ptr;
		strbuf_release(&sb);
	}
	all.fingerprint = plan->raw_fingerprint;
	all.raw = hash128(key, item->change.raw);
	item->content = content_of_raw(
		hash128(key, sv_make((const char *)&all, sizeof(all))));
}

static void convert_all(const struct reader *reader, struct prepared *item,
			struct arena *arena)
{
	struct change *change = &item->change;
	const struct object_type *type;
	size_t i;

	if (change->op == CHANGE_ERROR || change->op == CHANGE_FILTERED ||
	    change->container || change->type >= reader->agent->type_count)
		return;
	type = &reader->agent->types[change->type];
	for (i = 0; i < change->attr_count; i++)
		if (convert(reader, change, &type->attrs[change->attrs[i].attr],
			    &change->attrs[i], arena) < 0)
			break;
}

void reader_expand(struct reader *reader, struct prepared *item,
		   struct arena *arena)
{
	if (!item->change.deferred)
		return;
	connector_expand(reader->connector, arena, &item->change);
	convert_all(reader, item, arena);
}

static void prepare(struct reader *reader, struct prepared *item, bool eager,
		    struct arena *arena)
{
	struct change *change = &item->change;

	if (eager)
		connector_expand(reader->connector, arena, change);
	if (change->op == CHANGE_FILTERED)
		return;
	if (change->op != CHANGE_ERROR && !change->container &&
	    change->type < reader->agent->type_count) {
		item->type = reader->types[change->type];
		item->ids = reader->agent->type_attr_ids[change->type];
	}
	if (!change->deferred)
		convert_all(reader, item, arena);
	if (change->anchor.len)
		item->anchor_h = key_of_anchor(reader->store, reader->number,
					       reader->has_dn ? 0 : item->type,
					       change->anchor);
	if (change->op != CHANGE_OBJECT && change->op != CHANGE_ADD)
		return;
	if (change->container) {
		item->content =
			(struct hash128){ CONTENT_CONTAINER,
					  key_of_anchor(reader->store,
							reader->number, 0,
							change->dn) };
		return;
	}
	if (change->raw.len) {
		hash_raw(reader, item);
		return;
	}
	arena_reset(&reader->scratch);
	hash_content(reader, item, reader->slots, &reader->hashed,
		     &reader->scratch);
}

/* 1: filled; 0: end of data; -1 */
static int fill(struct reader *reader, struct batch *batch, bool eager,
		struct error *err)
{
	int ret = 1;

	while (batch->len < READER_BATCH &&
	       arena_used(&batch->arena) < BATCH_BYTES) {
		struct prepared *item = &batch->items[batch->len];

		memset(item, 0, sizeof(*item));
		ret = connector_next_deferred(reader->connector, &batch->arena,
					      &item->change, err);
		if (ret <= 0)
			break;
		prepare(reader, item, eager, &batch->arena);
		batch->len++;
	}
	batch->permille = connector_import_progress(reader->connector);
	return ret;
}

/* One that was used before is in the processor's cache. */
static struct batch *take_empty(struct reader *reader, bool *eager)
{
	struct batch *batch = NULL;
	bool stop;

	(void)pthread_mutex_lock(&reader->mutex);
	while (!reader->stop &&
	       (reader->bytes > AHEAD_BYTES ||
		(reader->taken && reader->full_len >= BATCHES_FEW) ||
		(!reader->empty_len && reader->batch_count == BATCHES)))
		(void)pthread_cond_wait(&reader->changed, &reader->mutex);
	stop = reader->stop;
	if (!stop && reader->empty_len)
		batch = reader->empty[--reader->empty_len];
	*eager = reader->eager;
	(void)pthread_mutex_unlock(&reader->mutex);
	if (stop || batch)
		return batch;
	batch = mem_zalloc(sizeof(*batch));
	reader->batches[reader->batch_count++] = batch;
	return batch;
}

static void hand_over(struct reader *reader, struct batch *batch, int ret,
		      const struct error *err)
{
	batch->bytes = arena_size(&batch->arena) + sizeof(*batch);
	(void)pthread_mutex_lock(&reader->mutex);
	reader->bytes += batch->bytes;
	reader->full[reader->full_len++] = batch;
	reader->end = ret <= 0;
	reader->failed = ret < 0;
	if (ret < 0)
		reader->err = *err;
	(void)pthread_cond_broadcast(&reader->changed);
	(void)pthread_mutex_unlock(&reader->mutex);
}

static void *read_ahead(void *data)
{
	struct reader *reader = data;
	struct error err = ERROR_INIT;
	struct batch *batch;
	bool eager = false;
	int ret = 1;

	while (ret > 0 && (batch = take_empty(reader, &eager))) {
		arena_reset(&batch->arena);
		batch->len = 0;
		batch->differing = 0;
		ret = fill(reader, batch, eager, &err);
		hand_over(reader, batch, ret, &err);
	}
	return NULL;
}

/* qsort has no argument for its keys; set and used on one thread, at start */
static const uint32_t *sort_keys;

static int by_key(const void *a, const void *b)
{
	uint32_t x = sort_keys[*(const size_t *)a];
	uint32_t y = sort_keys[*(const size_t *)b];

	return (x > y) - (x < y);
}

static size_t *sorted_by(const uint32_t *keys, size_t count)
{
	size_t *order = mem_alloc((count + 1) * sizeof(*order));
	size_t i;

	for (i = 0; i < count; i++)
		order[i] = i;
	sort_keys = keys;
	qsort(order, count, sizeof(*order), by_key);
	return order;
}

static void make_plan(struct reader *reader, size_t t)
{
	const struct object_type *type = &reader->agent->types[t];
	const struct attr_map *map = store_attr_map(reader->store);
	const attr_id *ids = reader->agent->type_attr_ids[t];
	uint32_t *numbers =
		mem_zalloc((type->attr_count + 1) * sizeof(*numbers));
	struct type_plan *plan = &reader->plans[t];
	struct strbuf sb = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;

	for (i = 0; i < type->attr_count; i++)
		numbers[i] = map->to_store[ids[i]];
	plan->order = sorted_by(numbers, type->attr_count);
	plan->by_id = sorted_by(ids, type->attr_count);
	strbuf_addf(&sb, VERSION " %u", reader->types[t]);
	for (i = 0; i < type->attr_count; i++) {
		const struct attr_def *def = &type->attrs[plan->order[i]];

		strbuf_addf(&sb, " %u:%d:%d:%d:%zu:%zu:%s:" SV_FMT SV_FMT,
			    numbers[plan->order[i]], (int)def->type, def->multi,
			    (int)def->match, def->separator.len,
			    def->format.len, def->to ? def->to : "",
			    SV_ARG(def->separator), SV_ARG(def->format));
	}
	plan->fingerprint =
		hash64(store_hash_key(reader->store), strbuf_sv(&sb));
	strbuf_release(&sb);
	mem_free(numbers);
}

int reader_start(struct connector *connector, struct store *store,
		 const struct config_agent *agent, const uint32_t *types,
		 bool eager, struct reader **out, struct error *err)
{
	struct reader *reader = mem_zalloc(sizeof(*reader));
	size_t widest = 0;
	size_t i;

	*out = reader;
	reader->connector = connector;
	reader->agent = agent;
	reader->store = store;
	reader->types = types;
	reader->eager = eager;
	reader->number =
		store_name_find(store, NAME_AGENT, sv_from(agent->name));
	reader->has_dn = (agent->caps & CONNECTOR_CAP_DN) != 0;
	reader->hashed.max = STRBUF_NO_LIMIT;
	reader->build_hashed.max = STRBUF_NO_LIMIT;
	reader->plans =
		mem_zalloc((agent->type_count + 1) * sizeof(*reader->plans));
	for (i = 0; i < agent->type_count; i++) {
		make_plan(reader, i);
		if (agent->types[i].attr_count > widest)
			widest = agent->types[i].attr_count;
	}
	reader->slots = mem_zalloc((widest + 1) * sizeof(*reader->slots));
	reader->build_slots =
		mem_zalloc((widest + 1) * sizeof(*reader->build_slots));
	(void)pthread_mutex_init(&reader->mutex, NULL);
	(void)pthread_cond_init(&reader->changed, NULL);
	if (pthread_create(&reader->thread, NULL, read_ahead, reader) != 0)
		return error_set(err, ERR_UNAVAILABLE,
				 "cannot start a thread to read with");
	reader->started = true;
	return 0;
}

int reader_next(struct reader *reader, struct batch **out, struct error *err)
{
	int ret = 0;

	(void)pthread_mutex_lock(&reader->mutex);
	reader->taken = true;
	while (!reader->full_len && !reader->end)
		(void)pthread_cond_wait(&reader->changed, &reader->mutex);
	if (reader->full_len) {
		*out = reader->full[0];
		reader->full_len--;
		memmove(reader->full, reader->full + 1,
			reader->full_len * sizeof(*reader->full));
		ret = 1;
	} else if (reader->failed) {
		*err = reader->err;
		ret = -1;
	}
	(void)pthread_mutex_unlock(&reader->mutex);
	return ret;
}

void reader_give_back(struct reader *reader, struct batch *batch)
{
	(void)pthread_mutex_lock(&reader->mutex);
	reader->eager = batch->differing * 4 > batch->len;
	reader->bytes -= batch->bytes;
	reader->empty[reader->empty_len++] = batch;
	(void)pthread_cond_broadcast(&reader->changed);
	(void)pthread_mutex_unlock(&reader->mutex);
}

void reader_stop(struct reader *reader)
{
	size_t i;

	if (!reader)
		return;
	if (reader->started) {
		(void)pthread_mutex_lock(&reader->mutex);
		reader->stop = true;
		(void)pthread_cond_broadcast(&reader->changed);
		(void)pthread_mutex_unlock(&reader->mutex);
		(void)pthread_join(reader->thread, NULL);
	}
	for (i = 0; i < reader->batch_count; i++) {
		arena_release(&reader->batches[i]->arena);
		mem_free(reader->batches[i]);
	}
	for (i = 0; i < reader->agent->type_count; i++) {
		mem_free(reader->plans[i].order);
		mem_free(reader->plans[i].by_id);
	}
	(void)pthread_mutex_destroy(&reader->mutex);
	(void)pthread_cond_destroy(&reader->changed);
	mem_free(reader->plans);
	mem_free(reader->slots);
	mem_free(reader->build_slots);
	strbuf_release(&reader->hashed);
	strbuf_release(&reader->build_hashed);
	arena_release(&reader->scratch);
	mem_free(reader);
}
