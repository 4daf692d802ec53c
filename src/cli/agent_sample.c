/*
 * agent_sample.c - some objects of a new agent as a table
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/agent.h"

#include "model/dn.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS    6
#define CELL_BYTES 40

size_t agent_filled(const struct schema_sample *sample, const char *attr)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < sample->count; i++) {
		const struct values *values =
			schema_object_values(&sample->objects[i], attr);

		count += values && values->len > 0;
	}
	return count;
}

/* Says little of a person: names and texts do. */
static bool is_dull(const struct agent_flow *flow)
{
	static const char *const names[] = {
		"objectClass",       "structuralObjectClass",
		"objectCategory",    "instanceType",
		"distinguishedName", "entryUUID",
		"uSNCreated",        "uSNChanged",
		"whenCreated",       "whenChanged"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (sv_ieq_str(sv_from(flow->attr), names[i]))
			return true;
	return flow->schema->type == VALUE_BINARY ||
	       (!flow->mv && flow->schema->type != VALUE_STRING);
}

/* Those that most objects have; of these those that flow. */
static size_t choose(const struct agent_type *type, const char **out)
{
	const struct agent_flow *best;
	size_t count = 0;
	size_t i;
	size_t k;

	while (count < COLUMNS) {
		best = NULL;
		for (i = 0; i < type->flow_count; i++) {
			const struct agent_flow *flow = &type->flows[i];

			for (k = 0; k < count; k++)
				if (!strcmp(out[k], flow->attr))
					break;
			if (k < count || is_dull(flow) || !flow->filled)
				continue;
			if (!best || flow->filled > best->filled ||
			    (flow->filled == best->filled && flow->mv &&
			     !best->mv))
				best = flow;
		}
		if (!best)
			break;
		out[count++] = best->attr;
	}
	return count;
}

static void add_cell(struct table *table, const struct schema_object *object,
		     const char *attr)
{
	const struct values *values = schema_object_values(object, attr);
	struct sv text = SV_NULL;

	if (values && values->len && values->at[0].type == VALUE_STRING)
		text = values->at[0].text;
	if (text.len > CELL_BYTES) /* not in the middle of a character */
		for (text.len = CELL_BYTES;
		     ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80;)
			text.len--;
	if (values && values->len > 1)
		table_addf(table, SV_FMT " +%zu", SV_ARG(text),
			   values->len - 1);
	else
		table_add(table, text);
}

void agent_sample_print(const struct agent_plan *plan,
			const struct agent_type *type)
{
	struct table_column columns[COLUMNS];
	const char *names[COLUMNS] = { NULL };
	size_t count = choose(type, names);
	struct table table;
	size_t i;
	size_t k;

	if (!count || !type->sample.count)
		return;
	for (k = 0; k < count; k++)
		columns[k] = (struct table_column){ names[k], false };
	(void)printf("\n%zu of type %s:\n",
		     type->sample.count < AGENT_SHOWN ? type->sample.count
						      : (size_t)AGENT_SHOWN,
		     type->name);
	table_init(&table, columns, count);
	for (i = 0; i < type->sample.count && i < AGENT_SHOWN; i++)
		for (k = 0; k < count; k++)
			add_cell(&table, &type->sample.objects[i], names[k]);
	table_print(&table, &plan->cli->output);
	table_release(&table);
}
