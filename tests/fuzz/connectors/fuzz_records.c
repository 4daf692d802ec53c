/*
 * fuzz_records.c - any bytes as a file of records
 *
 * The first byte chooses the format. What is read must lie within the input;
 * a record that is not broken gets other values, and must then have them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/record_format.h"
#include "connectors/records/records.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int fine)
{
	if (!fine)
		abort();
}

/* --- settings ---------------------------------------------------------- */

static struct node texts[] = {
	{ .text = { "id", 2 } },      { .text = { "4", 1 } },
	{ .text = { "name", 4 } },    { .text = { "8", 1 } },
	{ .text = { "a.b", 3 } },     { .text = { "*", 1 } },
	{ .text = { "columns", 7 } }, { .text = { "records", 7 } },
	{ .text = { "width", 5 } },   { .text = { "trailer", 7 } },
	{ .text = { "begins", 6 } },  { .text = { "2", 1 } },
	{ .text = { "start", 5 } },
};

static struct node *id_keys[] = { &texts[2], &texts[8] };
static struct node *id_items[] = { &texts[0], &texts[1] };
static struct node *name_items[] = { &texts[2], &texts[3] };
static struct node id_column = {
	.kind = NODE_MAP, .keys = id_keys, .items = id_items, .len = 2
};
static struct node name_column = {
	.kind = NODE_MAP, .keys = id_keys, .items = name_items, .len = 2
};
static struct node *column_items[] = { &id_column, &name_column };
static struct node columns = { .kind = NODE_LIST,
			       .items = column_items,
			       .len = 2 };
static struct node *trailer_keys[] = { &texts[10], &texts[12], &texts[8] };
static struct node *trailer_items[] = { &texts[5], &texts[11], &texts[1] };
static struct node trailer = {
	.kind = NODE_MAP, .keys = trailer_keys, .items = trailer_items, .len = 3
};
static struct node *fixed_keys[] = { &texts[6], &texts[9] };
static struct node *fixed_items[] = { &columns, &trailer };
static struct node *json_keys[] = { &texts[7] };
static struct node *json_items[] = { &texts[4] };

static struct node nothing = { .kind = NODE_MAP };
static struct node fixed_plain = {
	.kind = NODE_MAP, .keys = fixed_keys, .items = fixed_items, .len = 1
};
static struct node fixed_ended = {
	.kind = NODE_MAP, .keys = fixed_keys, .items = fixed_items, .len = 2
};
static struct node json_inside = {
	.kind = NODE_MAP, .keys = json_keys, .items = json_items, .len = 1
};

static const struct {
	const struct connector_ops *ops;
	const struct node *connect;
} kinds[] = {
	{ &json_connector, &nothing },      { &json_connector, &json_inside },
	{ &jsonl_connector, &nothing },     { &avp_connector, &nothing },
	{ &fixed_connector, &fixed_plain }, { &fixed_connector, &fixed_ended },
	{ &xml_connector, &nothing },       { &dbf_connector, &nothing },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* --- records ----------------------------------------------------------- */

static const struct sv values[] = { { "x", 1 }, { "7", 1 } };

/* The name has these values and no other. */
static void check_values(struct record_reader *r, struct sv raw, size_t name,
			 size_t count, struct arena *arena)
{
	struct record record = { .raw = raw };
	size_t seen = 0;
	size_t i;

	r->source->format->parse(r, false, arena, &record);
	check(!record.error);
	for (i = 0; i < record.count; i++) {
		if (record.fields[i].name != name || !record.fields[i].text.len)
			continue;
		check(seen < count);
		check(sv_eq(record.fields[i].text, values[seen++]));
	}
	check(seen == count);
}

static void rewrite(struct record_reader *r, const struct record *record,
		    size_t name, struct arena *arena)
{
	size_t count;

	for (count = 0; count <= 2; count++) {
		struct record_set set = { .name = SV_LIT("name"),
					  .values = values,
					  .count = count };
		struct record_edit edit = { .reader = r,
					    .old = record->raw,
					    .type = SV_LIT("person"),
					    .sets = &set,
					    .count = 1,
					    .end_of_line = "\n",
					    .arena = arena };

		if (r->source->format->compose(&edit) == 0)
			check_values(r, edit.out, name, count, arena);
		else
			check(edit.error && edit.message);
	}
}

static void read_all(struct record_reader *r, size_t name)
{
	const struct record_format *format = r->source->format;
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct record record = { .line = 0 };
	size_t total = 0;
	int ret;

	while ((ret = format->next(r, &arena, &record, &err)) > 0) {
		total += record.raw.len;
		record.raw = arena_dup(&arena, record.raw);
		if (!record.parsed)
			format->parse(r, false, &arena, &record);
		if (!record.error)
			rewrite(r, &record, name, &arena);
		arena_reset(&arena);
		memset(&record, 0, sizeof(record));
	}
	check(ret == 0 || err.msg[0]);
	check(total <= r->in.file_size);
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct connector_config config = { .agent = "fuzz" };
	struct records_source source = { .config = &config };
	struct record_reader r = { .source = &source };
	struct record_names names;
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	size_t name;

	if (!size)
		return 0;
	source.format = kinds[data[0] % KINDS].ops->data;
	source.own = kinds[data[0] % KINDS].connect;
	source.all = source.own;
	record_names_init(&names);
	(void)record_names_add(&names, SV_LIT("id"), &arena);
	name = record_names_add(&names, SV_LIT("name"), &arena);
	r.names = &names;
	r.line = 1;
	r.writing = size % 2;
	text_input_open_text(&r.in, sv_make((const char *)data + 1, size - 1));
	check(!source.format->load ||
	      source.format->load(&source, &arena, &err) == 0);
	if (!source.format->open || source.format->open(&r, &err) == 0)
		read_all(&r, name);
	if (source.format->close)
		source.format->close(&r);
	text_input_close(&r.in);
	arena_release(&r.arena);
	record_names_release(&names);
	arena_release(&arena);
	return 0;
}
