/*
 * test_round_trip.c - what an export writes an import reads, for every format
 *
 * Random objects are added, changed and deleted, in several exports of the same
 * file; after each the file is imported. It holds what was accepted, value by
 * value, and of what was refused nothing. A format that can hold everything
 * may refuse nothing.
 *
 * CONJOIN_ROUND_TRIPS is how many files each format gets (8), CONJOIN_SEED what
 * the first begins with; a failure names the seed that makes it again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "connectors/csv/csv.h"
#include "connectors/ldif/dsml.h"
#include "connectors/ldif/ldif.h"
#include "connectors/records/records.h"

#include "conformance.h"
#include "random_values.h"
#include "scratch.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
	ID,
	TEXT,
	OTHER,
	NUMBER,
	FLAG,
	MOMENT,
	MANY,
	BOSS,
	MEMBERS,
	BLOB,
	ATTRS
};

#define OBJECTS 12 /* ids there are */
#define EXPORTS 4  /* of one file */

struct format {
	const char *label;
	const struct connector_ops *ops;
	const char *settings[12]; /* pairs, then NULL */
	const char *separator;    /* of attributes with several values */
	void (*more)(struct node *connect);
	/* May this value be refused? NULL: none may. */
	bool (*refuses)(const struct attr_def *def, const struct value *value);
};

/* An object as it should be in the file: values[].len 0 is no value. */
struct object {
	bool there;
	struct values values[ATTRS];
};

static struct scratch scratch;
static struct object_type type;
static struct attr_def attrs[ATTRS];
static struct connector_config config;
static const struct format *format;
static uint64_t seed;
static uint64_t seed_now;

/* --- what formats cannot hold ------------------------------------------ */

static bool has_any(struct sv text, const char *characters)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (!text.ptr[i] || strchr(characters, text.ptr[i]))
			return true;
	return false;
}

/* Parts are told by a separator, blanks around them do not count. */
static bool not_a_part(const struct attr_def *def, struct sv text)
{
	return def->multi && def->separator.len &&
	       (memmem(text.ptr, text.len, def->separator.ptr,
		       def->separator.len) ||
		sv_trim(text).len != text.len);
}

static bool csv_refuses(const struct attr_def *def, const struct value *value)
{
	return not_a_part(def, value->text) || has_any(value->text, "") ||
	       !text_is_utf8(value->text);
}

/* Control characters, what is no character, blanks alone. */
static bool xml_refuses(const struct attr_def *def, const struct value *value)
{
	struct sv text = value->text;

	return def->type != VALUE_BINARY &&
	       (has_any(text, "\x01\x1A\x1B") || !sv_trim(text).len ||
		memmem(text.ptr, text.len, "\xEF\xBF\xBE", 3));
}

static bool xlsx_refuses(const struct attr_def *def, const struct value *value)
{
	return xml_refuses(def, value) || not_a_part(def, value->text) ||
	       value->text.len > 32767;
}

static bool any_refused(const struct attr_def *def, const struct value *value)
{
	(void)def;
	(void)value;
	return true;
}

/* --- formats ----------------------------------------------------------- */

static void add_setting(struct node *map, const char *key, struct node *value)
{
	struct arena *arena = &scratch.arena;
	struct node **keys = arena_array(arena, map->len + 1, sizeof(*keys));
	struct node **items = arena_array(arena, map->len + 1, sizeof(*items));

	memcpy(keys, map->keys, map->len * sizeof(*keys));
	memcpy(items, map->items, map->len * sizeof(*items));
	keys[map->len] = conformance_text(arena, key);
	items[map->len++] = value;
	map->keys = keys;
	map->items = items;
}

static struct node *column(const char *name, const char *width,
			   const char *third, const char *word)
{
	struct arena *arena = &scratch.arena;

	return conformance_map(arena, "name", conformance_text(arena, name),
			       "width", conformance_text(arena, width), third,
			       conformance_text(arena, word), NULL);
}

static void fixed_more(struct node *connect)
{
	struct node *number = column("number", "24", "align", "right");

	add_setting(number, "pad", conformance_text(&scratch.arena, "0"));
	add_setting(connect, "columns",
		    conformance_list(
			    &scratch.arena, column("id", "12", "align", "left"),
			    column("text", "20", "align", "left"),
			    column("other", "20", "align", "right"), number,
			    column("flag", "5", "align", "left"),
			    column("moment", "24", "align", "left"),
			    column("many", "16", "align", "left"),
			    column("many", "16", "align", "right"),
			    column("boss", "12", "align", "left"),
			    column("members", "12", "align", "left"),
			    column("members", "12", "align", "left"),
			    column("blob", "40", "align", "left"), NULL));
}

static void dbf_more(struct node *connect)
{
	add_setting(connect, "columns",
		    conformance_list(
			    &scratch.arena, column("id", "12", "kind", "text"),
			    column("text", "24", "kind", "text"),
			    column("other", "100", "kind", "text"),
			    column("number", "18", "kind", "number"),
			    column("flag", "1", "kind", "logical"),
			    column("moment", "8", "kind", "date"),
			    column("many", "40", "kind", "text"),
			    column("many", "40", "kind", "text"),
			    column("boss", "12", "kind", "text"),
			    column("members", "12", "kind", "text"),
			    column("members", "12", "kind", "text"),
			    column("blob", "40", "kind", "text"), NULL));
}

static const struct format formats[] = {
	{ "csv", &csv_connector, { "create", "yes" }, ";", NULL, csv_refuses },
	{ "csv with tabs and apostrophes",
	  &csv_connector,
	  { "create", "yes", "delimiter", "tab", "quote", "'" },
	  "|",
	  NULL,
	  csv_refuses },
	{ "csv in windows-1252",
	  &csv_connector,
	  { "create", "yes", "encoding", "windows-1252" },
	  ";",
	  NULL,
	  any_refused },
	{ "csv in utf-16",
	  &csv_connector,
	  { "create", "yes", "encoding", "utf-16", "null", "null" },
	  ";;",
	  NULL,
	  any_refused },
	{ "ldif", &ldif_connector, { NULL }, NULL, NULL, NULL },
	{ "ldif with changes",
	  &ldif_connector,
	  { "changes", "changes.ldif", "max_line", "0" },
	  NULL,
	  NULL,
	  NULL },
	{ "dsml", &dsml_connector, { "version", "1" }, NULL, NULL, NULL },
	{ "dsml with changes",
	  &dsml_connector,
	  { "changes", "changes.xml" },
	  NULL,
	  NULL,
	  NULL },
	{ "json",
	  &json_connector,
	  { "create", "yes", "records", "data.people" },
	  NULL,
	  NULL,
	  NULL },
	{ "jsonl", &jsonl_connector, { "create", "yes" }, NULL, NULL, NULL },
	{ "fixed",
	  &fixed_connector,
	  { "create", "yes" },
	  NULL,
	  fixed_more,
	  any_refused },
	{ "avp", &avp_connector, { "create", "yes" }, NULL, NULL, NULL },
	{ "xml",
	  &xml_connector,
	  { "create", "yes", "records", "all/people/person" },
	  NULL,
	  NULL,
	  xml_refuses },
	{ "xlsx",
	  &xlsx_connector,
	  { "create", "yes" },
	  ";",
	  NULL,
	  xlsx_refuses },
	{ "dbf",
	  &dbf_connector,
	  { "create", "yes", "code_page", "utf-8" },
	  NULL,
	  dbf_more,
	  any_refused },
};

/* Objects have names, and those names are what identifies them. */
static bool has_names(void)
{
	return format->ops == &ldif_connector || format->ops == &dsml_connector;
}

static void fill_types(void)
{
	static const struct attr_def plain[ATTRS] = {
		[ID] = { .name = "id", .type = VALUE_STRING },
		[TEXT] = { .name = "text", .type = VALUE_STRING },
		[OTHER] = { .name = "other", .type = VALUE_STRING },
		[NUMBER] = { .name = "number", .type = VALUE_INTEGER },
		[FLAG] = { .name = "flag", .type = VALUE_BOOLEAN },
		[MOMENT] = { .name = "moment", .type = VALUE_DATETIME },
		[MANY] = { .name = "many",
			   .type = VALUE_STRING,
			   .multi = true,
			   .match = MATCH_EXACT },
		[BOSS] = { .name = "boss",
			   .type = VALUE_REFERENCE,
			   .to = "person" },
		[MEMBERS] = { .name = "members",
			      .type = VALUE_REFERENCE,
			      .multi = true,
			      .to = "person" },
		[BLOB] = { .name = "blob", .type = VALUE_BINARY },
	};
	size_t i;

	for (i = 0; i < ATTRS; i++) {
		attrs[i] = plain[i];
		if (attrs[i].multi && format->separator)
			attrs[i].separator = sv_from(format->separator);
	}
	type = (struct object_type){ "person", attrs, ATTRS };
	config = (struct connector_config){
		.agent = "test",
		.folder = scratch.folder,
		.types = &type,
		.type_count = 1,
	};
}

static void configure(void)
{
	struct arena *arena = &scratch.arena;
	struct node *connect = conformance_map(
		arena, "path", conformance_text(arena, "people.data"), "anchor",
		conformance_text(arena, has_names() ? "dn" : "id"), NULL);
	size_t i;

	fill_types();
	for (i = 0; format->settings[i]; i += 2)
		add_setting(connect, format->settings[i],
			    conformance_text(arena, format->settings[i + 1]));
	if (format->more)
		format->more(connect);
	config.connect = connect;
}

/* --- exports ----------------------------------------------------------- */

/* Of every second object an identity that is not plain. */
static struct sv id_of(size_t i, struct arena *arena)
{
	if (i % 2 || has_names())
		return sv_from(arena_printf(arena, "k%zu", i));
	return sv_from(arena_printf(arena, "k%zu \"\xC3\xA9\", ", i));
}

/* What it is called by others. */
static struct sv name_of(size_t i, struct arena *arena)
{
	if (!has_names())
		return id_of(i, arena);
	return sv_from(arena_printf(arena, "id=k%zu,o=\xC3\xA9", i));
}

struct batch {
	struct arena arena;
	struct object *model;
	struct object next[OBJECTS]; /* as they are when all is accepted */
	size_t objects[OBJECTS];     /* whom each operation is about */
	bool may_fail[OBJECTS];
	struct export_op ops[OBJECTS];
	size_t len;
	size_t refused;
};

static bool may_refuse(const struct attr_change *change)
{
	size_t i;

	for (i = 0; format->refuses && i < change->values.len; i++)
		if (format->refuses(&attrs[change->attr],
				    &change->values.at[i]))
			return true;
	return false;
}

static struct values random_values(struct dice *dice, size_t attr,
				   struct arena *arena)
{
	const struct attr_def *def = &attrs[attr];
	size_t count = dice_roll(dice, def->multi ? 4 : 2);
	struct values values = {
		arena_array(arena, count, sizeof(struct value)), 0
	};
	struct sv names[OBJECTS];
	size_t i;

	for (i = 0; i < OBJECTS; i++)
		names[i] = name_of(i, arena);
	while (count--) {
		struct value value =
			random_value(dice, def, names, OBJECTS, arena);

		if (!values_have(&values, &value, MATCH_IGNORE_CASE))
			values.at[values.len++] = value;
	}
	return values;
}

static void put_attr(struct batch *b, struct export_op *op, size_t attr,
		     enum attr_op how, struct values values)
{
	struct attr_change *change = &op->attrs[op->attr_count++];

	*change = (struct attr_change){ attr, how, values };
	if (may_refuse(change))
		b->may_fail[b->len] = true;
}

/* Some values more, or some less. */
static void change_set(struct batch *b, struct export_op *op, size_t attr,
		       struct values fresh, struct values *now)
{
	struct values sum = { arena_array(&b->arena, now->len + fresh.len + 1,
					  sizeof(*sum.at)),
			      0 };
	struct values more = {
		arena_array(&b->arena, fresh.len + 1, sizeof(*more.at)), 0
	};
	size_t i;

	if (now->len && fresh.len != 1) {
		struct values one = { now->at, 1 };

		put_attr(b, op, attr, ATTR_DELETE, one);
		now->at++;
		now->len--;
		return;
	}
	for (i = 0; i < now->len; i++)
		sum.at[sum.len++] = now->at[i];
	for (i = 0; i < fresh.len; i++)
		if (!values_have(now, &fresh.at[i], MATCH_IGNORE_CASE))
			sum.at[sum.len++] = more.at[more.len++] = fresh.at[i];
	if (more.len)
		put_attr(b, op, attr, ATTR_ADD, more);
	*now = sum;
}

static void fill_op(struct batch *b, struct dice *dice, struct export_op *op,
		    struct object *next)
{
	size_t attr;

	op->attrs = arena_array(&b->arena, ATTRS, sizeof(*op->attrs));
	if (op->kind == EXPORT_ADD)
		put_attr(b, op, ID, ATTR_REPLACE, next->values[ID]);
	for (attr = TEXT; attr < ATTRS; attr++) {
		struct values fresh = random_values(dice, attr, &b->arena);

		if (op->kind == EXPORT_UPDATE && dice_roll(dice, 3))
			continue;
		if (op->kind == EXPORT_UPDATE && attrs[attr].multi &&
		    dice_roll(dice, 2)) {
			change_set(b, op, attr, fresh, &next->values[attr]);
			continue;
		}
		next->values[attr] = fresh;
		if (op->kind == EXPORT_UPDATE || fresh.len)
			put_attr(b, op, attr, ATTR_REPLACE, fresh);
	}
}

static void plan_one(struct batch *b, struct dice *dice, size_t i)
{
	const struct object *now = &b->model[i];
	struct object *next = &b->next[b->len];
	struct export_op *op = &b->ops[b->len];
	struct sv id = id_of(i, &b->arena);

	*next = *now;
	op->id = b->len;
	op->anchor = name_of(i, &b->arena);
	if (has_names())
		op->dn = op->anchor;
	op->kind = !now->there          ? EXPORT_ADD
		   : dice_roll(dice, 4) ? EXPORT_UPDATE
					: EXPORT_DELETE;
	b->objects[b->len] = i;
	if (op->kind == EXPORT_ADD) {
		next->values[ID].at =
			arena_array(&b->arena, 1, sizeof(struct value));
		next->values[ID].at[0] = value_string(id);
		next->values[ID].len = 1;
	}
	next->there = op->kind != EXPORT_DELETE;
	if (next->there)
		fill_op(b, dice, op, next);
	b->len++;
}

static const char *told(const struct export_op *op, size_t i)
{
	static const char *const words[] = { "add", "update", "rename",
					     "delete" };
	static char text[200];

	(void)snprintf(text, sizeof(text), "%s, seed %" PRIu64 ", %s of k%zu",
		       format->label, seed_now, words[op->kind], i);
	return text;
}

static void take_outcome(struct batch *b, const struct export_outcome *outcome)
{
	size_t at = (size_t)outcome->id;
	size_t i;

	assert_true(at < b->len);
	i = b->objects[at];
	if (outcome->ok) {
		struct object *to = &b->model[i];
		size_t attr;

		to->there = b->next[at].there;
		for (attr = 0; attr < ATTRS; attr++)
			to->values[attr] = to->there ? b->next[at].values[attr]
						     : (struct values){ 0 };
		return;
	}
	b->refused++;
	if (!b->may_fail[at] || !outcome->message.len)
		fail_msg("%s: %s: " SV_FMT, told(&b->ops[at], i),
			 outcome->error, SV_ARG(outcome->message));
}

static void run_export(struct batch *b)
{
	struct export_outcome outcome;
	struct error err = ERROR_INIT;
	struct connector connector;
	size_t i;

	if (connector_open(&connector, format->ops, &config, &err) < 0 ||
	    connector_export_begin(&connector, &err) < 0)
		fail_msg("%s: %s", format->label, err.msg);
	for (i = 0; i < b->len; i++)
		if (connector_export_put(&connector, &b->ops[i], &err) < 0)
			fail_msg("%s: %s", told(&b->ops[i], b->objects[i]),
				 err.msg);
	if (connector_export_end(&connector, &err) < 0)
		fail_msg("%s, seed %" PRIu64 ": %s", format->label, seed_now,
			 err.msg);
	for (i = 0; connector_export_result(&connector, true, &b->arena,
					    &outcome, &err) > 0;
	     i++)
		take_outcome(b, &outcome);
	assert_int_equal(i, b->len);
	connector_close(&connector);
}

/* --- imports ----------------------------------------------------------- */

static void show(struct strbuf *out, const struct values *values,
		 struct arena *arena)
{
	size_t i;

	for (i = 0; i < values->len; i++) {
		struct sv text = value_text(&values->at[i], arena);
		size_t k;

		strbuf_adds(out, " <");
		for (k = 0; k < text.len && k < 300; k++) {
			unsigned char c = (unsigned char)text.ptr[k];

			if (c < 0x20 || c >= 0x7F)
				strbuf_addf(out, "\\%02X", c);
			else
				strbuf_addc(out, (char)c);
		}
		strbuf_addc(out, '>');
	}
}

static void differs(size_t i, size_t attr, const struct values *wanted,
		    const struct values *read, struct arena *arena)
{
	struct strbuf text = STRBUF_INIT(8000);

	strbuf_adds(&text, "written");
	show(&text, wanted, arena);
	strbuf_adds(&text, ", read");
	show(&text, read, arena);
	fail_msg("%s, seed %" PRIu64 ": '%s' of k%zu: %s", format->label,
		 seed_now, attrs[attr].name, i, strbuf_cstr(&text));
}

/* As the import of the engine does. */
static void convert(size_t attr, struct values *values)
{
	size_t i;

	for (i = 0; i < values->len; i++) {
		struct value *value = &values->at[i];

		if (value->type != attrs[attr].type &&
		    !value_parse(attrs[attr].type, value->text, SV_NULL, value))
			fail_msg("%s, seed %" PRIu64 ": no %s: " SV_FMT,
				 format->label, seed_now,
				 value_type_name(attrs[attr].type),
				 SV_ARG(value->text));
	}
}

static void compare(const struct change *change, const struct object *wanted,
		    size_t i, struct arena *arena)
{
	struct values read[ATTRS] = { { NULL, 0 } };
	size_t attr;

	for (attr = 0; attr < change->attr_count; attr++)
		read[change->attrs[attr].attr] = change->attrs[attr].values;
	for (attr = 0; attr < ATTRS; attr++) {
		convert(attr, &read[attr]);
		if (!values_identical(&read[attr], &wanted->values[attr]))
			differs(i, attr, &wanted->values[attr], &read[attr],
				arena);
	}
}

static size_t whose(const struct change *change, struct arena *arena)
{
	size_t i;

	for (i = 0; i < OBJECTS; i++)
		if (sv_eq(name_of(i, arena), change->anchor))
			return i;
	fail_msg("%s, seed %" PRIu64 ": who is '" SV_FMT "'? (%s " SV_FMT ")",
		 format->label, seed_now, SV_ARG(change->anchor),
		 change->error ? change->error : "", SV_ARG(change->message));
	return 0;
}

static void check_import(const struct object *model)
{
	struct error err = ERROR_INIT;
	struct connector connector;
	struct arena arena = ARENA_INIT;
	struct change change;
	bool seen[OBJECTS] = { false };
	size_t i;
	int ret;

	if (connector_open(&connector, format->ops, &config, &err) < 0 ||
	    connector_import_begin(&connector, IMPORT_FULL, SV_NULL, &err) < 0)
		fail_msg("%s, seed %" PRIu64 ": %s", format->label, seed_now,
			 err.msg);
	while ((ret = connector_next(&connector, &arena, &change, &err)) > 0) {
		i = whose(&change, &arena);
		if (change.op != CHANGE_OBJECT || !model[i].there || seen[i])
			fail_msg("%s, seed %" PRIu64 ": k%zu: %s " SV_FMT,
				 format->label, seed_now, i,
				 change.error ? change.error : "not expected",
				 SV_ARG(change.message));
		seen[i] = true;
		compare(&change, &model[i], i, &arena);
	}
	if (ret < 0)
		fail_msg("%s, seed %" PRIu64 ": %s", format->label, seed_now,
			 err.msg);
	for (i = 0; i < OBJECTS; i++)
		if (model[i].there && !seen[i])
			fail_msg("%s, seed %" PRIu64 ": k%zu was not read",
				 format->label, seed_now, i);
	arena_release(&arena);
	connector_close(&connector);
}

/* --- the test ---------------------------------------------------------- */

/* A file and some exports to it; the number of operations refused. */
static size_t one_file(void)
{
	struct object model[OBJECTS] = { { .there = false } };
	struct dice dice = { seed_now * 2 + 1 };
	struct batch batches[EXPORTS] = { { .len = 0 } };
	size_t refused = 0;
	size_t n;
	size_t i;

	assert_int_equal(scratch_make(&scratch), 0);
	configure();
	for (i = 0; i < 20; i++)
		(void)dice_roll(&dice, 2);
	for (n = 0; n < EXPORTS; n++) {
		batches[n].model = model;
		for (i = 0; i < OBJECTS; i++)
			if (dice_roll(&dice, 3))
				plan_one(&batches[n], &dice, i);
		run_export(&batches[n]);
		check_import(model);
		refused += batches[n].refused;
	}
	for (n = 0; n < EXPORTS; n++)
		arena_release(&batches[n].arena);
	scratch_remove(&scratch);
	return refused;
}

static int64_t number_of(const char *name, int64_t fallback)
{
	const char *text = getenv(name);
	int64_t number;

	return text && sv_to_i64(sv_from(text), &number) && number > 0
		       ? number
		       : fallback;
}

static void what_is_written_is_read(void **state)
{
	int64_t files = number_of("CONJOIN_ROUND_TRIPS", 8);
	size_t refused = 0;
	int64_t n;

	const size_t *number = *state;

	format = &formats[*number];
	for (n = 0; n < files; n++) {
		seed_now = seed + (uint64_t)n;
		refused += one_file();
	}
	assert_true(!refused || format->refuses);
	assert_true(refused || !format->refuses);
}

int main(void)
{
	struct CMUnitTest tests[sizeof(formats) / sizeof(*formats)];
	size_t numbers[sizeof(formats) / sizeof(*formats)];
	size_t count = sizeof(formats) / sizeof(*formats);
	size_t i;

	seed = (uint64_t)number_of("CONJOIN_SEED", 20261122);
	(void)printf("seed %" PRIu64 "\n", seed);
	for (i = 0; i < count; i++) {
		numbers[i] = i;
		tests[i] = (struct CMUnitTest){ .name = formats[i].label,
						.test_func =
							what_is_written_is_read,
						.initial_state = &numbers[i] };
	}
	return _cmocka_run_group_tests("round trips", tests, count, NULL, NULL);
}
