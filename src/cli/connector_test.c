/*
 * connector_test.c - what is tried of a program without writing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/connector_test.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/strbuf.h"

#include <inttypes.h>
#include <stdio.h>

#define SAMPLE     100
#define GRACE_MS   4900
#define NO_MARK    "conjoin connector test: no watermark of yours"
#define NO_MESSAGE "{\"msg\":\"conjoin-connector-test\"}"

/* --- the agent that there would be ------------------------------------- */

static struct node *new_node(struct trial *trial, enum node_kind kind,
			     struct sv text, size_t room)
{
	struct node *node = arena_zalloc(&trial->arena, sizeof(*node));

	node->kind = kind;
	node->text = text;
	node->file = "command line";
	node->line = 1;
	node->column = 1;
	node->items = arena_array(&trial->arena, room + 1, sizeof(node));
	node->keys = arena_array(&trial->arena, room + 1, sizeof(node));
	return node;
}

static void put_node(struct trial *trial, struct node *map, struct sv key,
		     struct node *value)
{
	if (key.ptr)
		map->keys[map->len] = new_node(trial, NODE_SCALAR, key, 0);
	map->items[map->len++] = value;
}

static struct node *list_of(struct trial *trial, const char *const *words,
			    size_t count)
{
	struct node *list = new_node(trial, NODE_LIST, SV_NULL, count);
	size_t i;

	for (i = 0; i < count; i++)
		put_node(trial, list, SV_NULL,
			 new_node(trial, NODE_SCALAR, sv_from(words[i]), 0));
	return list;
}

static int no_secret(void *data, struct sv reference, struct secret *out,
		     struct error *err)
{
	(void)data;
	(void)out;
	return error_set(err, ERR_NOTFOUND,
			 "'" SV_FMT "' is not known here: give an account for "
			 "tests and its password itself",
			 SV_ARG(reference));
}

static struct node *connect_of(const struct trial *trial)
{
	return (struct node *)(uintptr_t)trial->config.connect;
}

int trial_init(struct trial *trial, const char *const *command, size_t count,
	       const char *const *options, size_t option_count,
	       const char *timeout, struct error *err)
{
	struct node *connect;
	struct node *map;
	size_t i;

	memset(trial, 0, sizeof(*trial));
	hash_key_random(&trial->key);
	connect = new_node(trial, NODE_MAP, SV_NULL, 8);
	map = new_node(trial, NODE_MAP, SV_NULL, option_count);
	for (i = 0; i < option_count; i++) {
		struct sv text = sv_from(options[i]);
		size_t equal = sv_find(text, '=', 0);

		if (equal == 0 || equal == text.len)
			return error_set(err, ERR_INVALID,
					 "option '--option' needs NAME=VALUE, "
					 "not '%s'",
					 options[i]);
		put_node(trial, map, sv_sub(text, 0, equal),
			 new_node(trial, NODE_SCALAR,
				  sv_sub(text, equal + 1, text.len), 0));
	}
	put_node(trial, connect, SV_LIT("command"),
		 list_of(trial, command, count));
	put_node(trial, connect, SV_LIT("options"), map);
	put_node(trial, connect, SV_LIT("timeout"),
		 new_node(trial, NODE_SCALAR, sv_from(timeout), 0));
	put_node(trial, connect, SV_LIT("restarts"),
		 new_node(trial, NODE_SCALAR, SV_LIT("0"), 0));
	/* must be last: it is replaced by what the program can do */
	put_node(trial, connect, SV_LIT("can"), list_of(trial, NULL, 0));
	trial->config = (struct connector_config){ .agent = "test",
						   .folder = ".",
						   .connect = connect,
						   .secret = no_secret,
						   .explore = true };
	return 0;
}

void trial_release(struct trial *trial)
{
	arena_release(&trial->arena);
}

int trial_open(struct trial *trial, struct connector *connector,
	       struct error *err)
{
	return connector_open(connector, &exec_connector, &trial->config, err);
}

/* --- imports ----------------------------------------------------------- */

void trial_picture_release(struct trial_picture *picture)
{
	vec_release(&picture->objects);
	arena_release(&picture->arena);
	memset(picture, 0, sizeof(*picture));
}

const struct trial_object *trial_find(const struct trial_picture *picture,
				      const char *type, struct sv name)
{
	const struct trial_object *object;

	vec_foreach(&picture->objects, object)
		if (!strcmp(object->type, type) && sv_eq(object->name, name))
			return object;
	return NULL;
}

static uint64_t hash_values(const struct trial *trial, struct change *change)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	uint64_t sum = 0;
	size_t i;
	size_t k;

	for (i = 0; i < change->attr_count; i++) {
		struct attr_change *attr = &change->attrs[i];

		strbuf_reset(&text);
		strbuf_addf(&text, "%zu %d", attr->attr, (int)attr->op);
		values_canonical(&attr->values);
		for (k = 0; k < attr->values.len; k++) {
			struct sv value = attr->values.at[k].text;

			strbuf_addf(&text, " %zu ", value.len);
			strbuf_addsv(&text, value);
		}
		sum += hash64(&trial->key, strbuf_sv(&text));
	}
	strbuf_release(&text);
	return sum;
}

/* A change that tells what an object has, not only that it is, or is gone. */
static bool has_values(const struct change *change)
{
	return change->op != CHANGE_ERROR && change->op != CHANGE_PRESENT &&
	       change->op != CHANGE_DELETE;
}

static int take_change(struct trial *trial, const struct connector *connector,
		       struct change *change, struct trial_picture *picture,
		       struct error *err)
{
	struct trial_object object;

	connector_expand(connector, &picture->arena, change);
	picture->bad += change->op == CHANGE_ERROR;
	picture->deletions += change->op == CHANGE_DELETE;
	if (change->op == CHANGE_FILTERED)
		return error_set(err, ERR_INVALID,
				 "an object of a type that its schema does not "
				 "have, or of none: " SV_FMT,
				 SV_ARG(change->anchor.len ? change->anchor
							   : change->dn));
	if (!has_values(change))
		return 0;
	object.type = trial->config.types[change->type].name;
	object.name = change->anchor.len ? change->anchor : change->dn;
	object.values = hash_values(trial, change);
	object.change = arena_alloc(&picture->arena, sizeof(*change));
	*(struct change *)(uintptr_t)object.change = *change;
	vec_push(&picture->objects, object);
	return 0;
}

/* No object twice. */
static int check_names(const struct trial *trial,
		       const struct trial_picture *picture, struct error *err)
{
	const struct trial_object *object;
	struct arena scratch = ARENA_INIT;
	struct hashmap seen;
	int ret = 0;

	(void)trial;
	hashmap_init(&seen);
	vec_foreach(&picture->objects, object) {
		const char *name = arena_printf(&scratch, "%s " SV_FMT,
						object->type,
						SV_ARG(object->name));
		uint64_t *at = hashmap_at(&seen, sv_from(name));

		if (ret == 0 && (*at)++)
			ret = error_set(err, ERR_INVALID,
					"it gives the object '" SV_FMT
					"' of the type '%s' twice",
					SV_ARG(object->name), object->type);
	}
	hashmap_release(&seen);
	arena_release(&scratch);
	return ret;
}

int trial_read_in(struct trial *trial, struct connector *connector,
		  enum import_kind kind, struct sv watermark,
		  struct trial_picture *picture, struct error *err)
{
	struct change change;
	int ret;

	memset(picture, 0, sizeof(*picture));
	if (connector_import_begin(connector, kind, watermark, err) < 0)
		return -1;
	while ((ret = connector_next_deferred(connector, &picture->arena,
					      &change, err)) > 0)
		if (take_change(trial, connector, &change, picture, err) < 0)
			return -1;
	if (ret == 0)
		ret = connector_import_end(connector, &picture->arena,
					   &picture->watermark, err);
	if (ret == 0 && kind == IMPORT_FULL)
		ret = check_names(trial, picture, err);
	return ret;
}

int trial_read(struct trial *trial, enum import_kind kind, struct sv watermark,
	       struct trial_picture *picture, struct error *err)
{
	struct connector connector;
	int ret;

	memset(picture, 0, sizeof(*picture));
	if (trial_open(trial, &connector, err) < 0)
		return -1;
	ret = trial_read_in(trial, &connector, kind, watermark, picture, err);
	connector_close(&connector);
	return ret;
}

/* --- checks ------------------------------------------------------------ */

static int is_fine(int ret, struct connector *connector)
{
	connector_close(connector);
	return ret;
}

static int says_hello(struct trial *trial, struct error *err)
{
	struct connector connector;
	const struct exec_hello *hello;
	const char **words;
	size_t i;

	if (trial_open(trial, &connector, err) < 0)
		return -1;
	hello = exec_hello_of(connector.session);
	words = arena_array(&trial->arena, hello->can_count, sizeof(*words));
	trial->notes = "";
	for (i = 0; i < hello->can_count; i++) {
		words[i] = arena_cstr(&trial->arena, hello->can[i]);
		trial->notes = arena_printf(&trial->arena, "%s%s%s",
					    trial->notes, i ? ", " : "it can ",
					    words[i]);
	}
	trial->schema = exec_can(hello, "schema");
	connect_of(trial)->items[connect_of(trial)->len - 1] =
		list_of(trial, words, hello->can_count);
	trial->caps = connector_caps(&exec_connector, trial->config.connect);
	connector_close(&connector);
	return 0;
}

static void no_problem(void *data, const struct node *at, const char *message)
{
	(void)at;
	(void)error_set(data, ERR_INVALID, "%s", message);
}

static int knows_its_words(struct trial *trial, struct error *err)
{
	error_clear(err);
	exec_connector.check(&exec_connector, &trial->config, no_problem, err);
	return err->code == ERR_NONE ? 0 : -1;
}

static int refuses_unknown(struct trial *trial, struct error *err)
{
	struct connector connector;
	struct error told = ERROR_INIT;
	struct sv answer = SV_NULL;
	int ret;

	if (trial_open(trial, &connector, err) < 0)
		return -1;
	ret = exec_try(connector.session, SV_LIT(NO_MESSAGE), &trial->arena,
		       &answer, &told);
	if (ret == 0)
		ret = error_set(err, ERR_INVALID, "it answers '" SV_FMT "'",
				SV_ARG(answer));
	else if (told.code == ERR_UNSUPPORTED)
		ret = 0;
	else
		ret = error_set(err, ERR_INVALID, "%s", told.msg);
	return is_fine(ret, &connector);
}

static int leave(struct trial *trial, bool bye, struct error *err)
{
	struct connector connector;
	int64_t begin;
	int status;

	if (trial_open(trial, &connector, err) < 0)
		return -1;
	begin = clock_monotonic_ms();
	status = exec_leave(connector.session, bye);
	connector_close(&connector);
	if (status < 0 || clock_monotonic_ms() - begin > GRACE_MS)
		return error_set(err, ERR_INVALID,
				 "it went on and had to be killed");
	if (status != 0 && bye)
		return error_set(err, ERR_INVALID, "it ended with status %d",
				 status);
	return 0;
}

static int ends_after_bye(struct trial *trial, struct error *err)
{
	return leave(trial, true, err);
}

static int ends_with_its_input(struct trial *trial, struct error *err)
{
	return leave(trial, false, err);
}

/* Types and attributes of what it gives, where it tells no schema. */
static int survey(struct trial *trial, struct connector *connector,
		  struct error *err)
{
	struct schema_sample sample;
	struct schema *told = &trial->told;
	size_t i;
	size_t k;

	if (!(trial->caps & CONNECTOR_CAP_IMPORT))
		return 0;
	if (connector_sample(connector, NULL, SAMPLE, &trial->arena, &sample,
			     err) < 0)
		return -1;
	told->types =
		arena_array(&trial->arena, sample.count, sizeof(*told->types));
	for (i = 0; i < sample.count; i++) {
		const struct schema_object *object = &sample.objects[i];
		struct schema_type *type;

		if (!object->type[0] ||
		    schema_type_find(told, sv_from(object->type)))
			continue;
		type = &told->types[told->type_count++];
		type->name = object->type;
		type->members = arena_array(&trial->arena, object->attr_count,
					    sizeof(*type->members));
		for (k = 0; k < object->attr_count; k++)
			type->members[type->member_count++].attr =
				object->attrs[k].attr;
	}
	return 0;
}

/* The object types of the agent are all that there are. */
static void take_types(struct trial *trial)
{
	const struct schema *told = &trial->told;
	struct object_type *types =
		arena_array(&trial->arena, told->type_count, sizeof(*types));
	size_t i;
	size_t k;

	for (i = 0; i < told->type_count; i++) {
		const struct schema_type *from = &told->types[i];
		struct attr_def *attrs = arena_array(
			&trial->arena, from->member_count, sizeof(*attrs));

		for (k = 0; k < from->member_count; k++) {
			const struct schema_attr *attr = schema_attr_find(
				told, sv_from(from->members[k].attr));

			attrs[k].name = from->members[k].attr;
			attrs[k].type = attr ? attr->type : VALUE_STRING;
			attrs[k].multi = attr ? attr->multi : true;
		}
		types[i] = (struct object_type){ from->name, attrs,
						 from->member_count };
	}
	trial->config.types = types;
	trial->config.type_count = told->type_count;
}

static int tells_its_schema(struct trial *trial, struct error *err)
{
	struct connector connector;
	int ret;

	if (trial_open(trial, &connector, err) < 0)
		return -1;
	ret = trial->schema ? connector_schema(&connector, &trial->arena,
					       &trial->told, err)
			    : survey(trial, &connector, err);
	connector_close(&connector);
	if (ret < 0)
		return -1;
	if (trial->schema && !trial->told.type_count)
		return error_set(err, ERR_INVALID, "it has no types");
	take_types(trial);
	if (!trial->schema) {
		(void)error_set(err, ERR_NONE, "'can' has no 'schema'");
		return 1;
	}
	trial->notes = arena_printf(&trial->arena, "%zu types",
				    trial->told.type_count);
	return 0;
}

static int reads_all(struct trial *trial, struct error *err)
{
	struct trial_picture picture;
	int ret = trial_read(trial, IMPORT_FULL, SV_NULL, &picture, err);

	if (ret == 0)
		trial->notes = arena_printf(&trial->arena,
					    "%zu objects, %zu that are bad",
					    picture.objects.len, picture.bad);
	trial_picture_release(&picture);
	return ret;
}

static int same(const struct trial_picture *a, const struct trial_picture *b,
		struct error *err)
{
	const struct trial_object *object;
	size_t i = 0;

	if (a->objects.len != b->objects.len)
		return error_set(err, ERR_INVALID, "%zu objects, then %zu",
				 a->objects.len, b->objects.len);
	vec_foreach(&a->objects, object) {
		const struct trial_object *other = &b->objects.at[i++];

		if (!sv_eq(other->name, object->name))
			other = trial_find(b, object->type, object->name);
		if (!other || other->values != object->values)
			return error_set(err, ERR_INVALID, "'" SV_FMT "' is %s",
					 SV_ARG(object->name),
					 other ? "another one then"
					       : "not there then");
	}
	return 0;
}

static int reads_the_same_again(struct trial *trial, struct error *err)
{
	struct trial_picture first = { .bad = 0 };
	struct trial_picture second = { .bad = 0 };
	struct connector connector;
	int ret;

	if (trial_open(trial, &connector, err) < 0)
		return -1;
	ret = trial_read_in(trial, &connector, IMPORT_FULL, SV_NULL, &first,
			    err);
	if (ret == 0)
		ret = trial_read_in(trial, &connector, IMPORT_FULL,
				    SV_LIT(NO_MARK), &second, err);
	connector_close(&connector);
	if (ret == 0)
		ret = same(&first, &second, err);
	trial_picture_release(&first);
	trial_picture_release(&second);
	return ret;
}

static int may_be_broken_off(struct trial *trial, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct connector connector;
	struct change change;
	int64_t begin;
	int ret;

	if (trial_open(trial, &connector, err) < 0)
		return -1;
	ret = connector_import_begin(&connector, IMPORT_FULL, SV_NULL, err);
	if (ret == 0)
		ret = connector_next(&connector, &scratch, &change, err);
	begin = clock_monotonic_ms();
	connector_close(&connector);
	arena_release(&scratch);
	if (ret >= 0 && clock_monotonic_ms() - begin > 1900)
		return error_set(err, ERR_INVALID,
				 "it went on and had to be killed");
	return ret < 0 ? -1 : 0;
}

static int refuses_a_foreign_watermark(struct trial *trial, struct error *err)
{
	struct error told = ERROR_INIT;
	struct trial_picture picture;
	int ret = trial_read(trial, IMPORT_DELTA, SV_LIT(NO_MARK), &picture,
			     &told);

	trial_picture_release(&picture);
	if (ret < 0 && told.code == ERR_CONFLICT)
		return 0;
	return error_set(err, ERR_INVALID, "%s",
			 ret < 0 ? told.msg : "it gives changes");
}

static int goes_on_from_a_watermark(struct trial *trial, struct error *err)
{
	struct trial_picture full = { .bad = 0 };
	struct trial_picture delta = { .bad = 0 };
	int ret = trial_read(trial, IMPORT_FULL, SV_NULL, &full, err);

	if (ret == 0 && !full.watermark.len)
		ret = error_set(err, ERR_INVALID,
				"its full import gives no watermark");
	if (ret == 0)
		ret = trial_read(trial, IMPORT_DELTA, full.watermark, &delta,
				 err);
	if (ret == 0 && !delta.watermark.len)
		ret = error_set(err, ERR_INVALID,
				"its delta import gives no watermark");
	if (ret == 0)
		trial->notes =
			arena_printf(&trial->arena, "%zu changes",
				     delta.objects.len + delta.deletions);
	trial_picture_release(&full);
	trial_picture_release(&delta);
	return ret;
}

const struct trial_check trial_reading[] = {
	{ "begins a session",
	  "hello with protocol 1 and `can`, then ok to open", 0, says_hello },
	{ "has words of `can` that go together", "words of the protocol", 0,
	  knows_its_words },
	{ "refuses a question that it does not know",
	  "an error with the code unsupported", 0, refuses_unknown },
	{ "ends after bye", "status 0 within 5 seconds", 0, ends_after_bye },
	{ "ends when its input ends", "an end within 5 seconds", 0,
	  ends_with_its_input },
	{ "tells its schema", "types with their attributes", 0,
	  tells_its_schema },
	{ "reads all", "objects, each once, then end with their count",
	  CONNECTOR_CAP_IMPORT, reads_all },
	{ "reads the same again in one session, with any watermark",
	  "the same objects", CONNECTOR_CAP_IMPORT, reads_the_same_again },
	{ "may be broken off", "an end within 2 seconds when it is told to",
	  CONNECTOR_CAP_IMPORT, may_be_broken_off },
	{ "refuses a foreign watermark", "an error with the code conflict",
	  CONNECTOR_CAP_DELTA, refuses_a_foreign_watermark },
	{ "goes on from its watermark", "a delta and a new watermark",
	  CONNECTOR_CAP_DELTA, goes_on_from_a_watermark },
	{ NULL, NULL, 0, NULL },
};
