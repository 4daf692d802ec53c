/*
 * agent_yaml.c - a proposed agent as the text of its file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/agent.h"

#include "model/secret_attr.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define LEFT_MAX 40 /* attributes without a flow that are told of */

/* Words that YAML or a rule takes for something else. */
static bool is_word(const char *text)
{
	static const char *const words[] = { "true", "false", "null", "yes",
					     "no",   "on",    "off" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcasecmp(text, words[i]))
			return true;
	return false;
}

const char *agent_scalar(const char *text, struct arena *arena)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_./=";
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *copy;

	if ((isalnum((unsigned char)text[0]) || strchr("./", text[0])) &&
	    text[0] && !text[strspn(text, plain)] && !is_word(text))
		return text;
	if (!strncmp(text, "secret:", 7) || !strncmp(text, "env:", 4) ||
	    !strncmp(text, "file:", 5))
		if (!text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789-_./:")])
			return text;
	strbuf_addc(&out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			strbuf_addc(&out, '\'');
		strbuf_addc(&out, *text);
	}
	strbuf_addc(&out, '\'');
	copy = arena_cstr(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return copy;
}

/* In one line. */
static void add_value(struct strbuf *out, const struct node *node,
		      struct arena *arena)
{
	size_t i;

	if (node->kind == NODE_SCALAR) {
		strbuf_adds(out,
			    agent_scalar(arena_cstr(arena, node->text), arena));
		return;
	}
	if (node->kind == NODE_MAP) {
		strbuf_adds(out, "{ ");
		for (i = 0; i < node->len; i++) {
			strbuf_addf(
				out, "%s%s: ", i ? ", " : "",
				agent_scalar(
					arena_cstr(arena, node->keys[i]->text),
					arena));
			add_value(out, node->items[i], arena);
		}
		strbuf_adds(out, " }");
		return;
	}
	strbuf_adds(out, "[ ");
	for (i = 0; i < node->len; i++)
		strbuf_addf(
			out, "%s%s", i ? ", " : "",
			agent_scalar(arena_cstr(arena, node->items[i]->text),
				     arena));
	strbuf_adds(out, " ]");
}

/* A line for each of its members. */
static void add_block(struct strbuf *out, const struct node *map,
		      struct arena *arena)
{
	size_t i;

	for (i = 0; i < map->len; i++) {
		strbuf_addf(out, "\n    %s: ",
			    agent_scalar(arena_cstr(arena, map->keys[i]->text),
					 arena));
		add_value(out, map->items[i], arena);
	}
}

static void add_connect(struct strbuf *out, const struct agent_plan *plan)
{
	const struct node *connect = plan->connect;
	size_t i;

	strbuf_addf(out,
		    "# 'conjoin help connector %s' lists what may stand under "
		    "connect.\n"
		    "type: %s\n"
		    "connect:\n",
		    plan->ops->name, plan->ops->name);
	for (i = 0; i < connect->len; i++) {
		strbuf_addf(out, "  " SV_FMT ":%s",
			    SV_ARG(connect->keys[i]->text),
			    connect->items[i]->kind == NODE_MAP ? "" : " ");
		if (connect->items[i]->kind == NODE_MAP)
			add_block(out, connect->items[i], &plan->cli->arena);
		else
			add_value(out, connect->items[i], &plan->cli->arena);
		strbuf_addc(out, '\n');
	}
	if (plan->anchor && !node_get(connect, "anchor"))
		strbuf_addf(out,
			    "  # anchor: %s   (the default) identifies an "
			    "object for ever\n",
			    plan->anchor);
}

static void add_declared(struct strbuf *out, const struct agent_plan *plan,
			 const struct agent_type *type)
{
	bool any = false;
	size_t i;

	for (i = 0; i < type->flow_count; i++) {
		const struct agent_flow *flow = &type->flows[i];

		if (!flow->mv || !flow->declare)
			continue;
		if (!any)
			strbuf_adds(out, "    attributes:\n");
		any = true;
		strbuf_addf(out, "      %s: %s\n",
			    agent_scalar(flow->attr, &plan->cli->arena),
			    flow->declare);
	}
}

/* "18 of 20 values are in the metaverse" */
static const char *join_note(const struct agent_join *join, struct arena *arena)
{
	if (!join->tried)
		return "";
	return arena_printf(arena,
			    "   # %zu of %zu values are in the metaverse",
			    join->found, join->tried);
}

static void add_joins(struct strbuf *out, const struct agent_plan *plan,
		      const struct agent_type *type)
{
	bool any = false;
	size_t i;

	if (type->join_count && !type->measured)
		strbuf_adds(out, "    # By their names: there is nothing in "
				 "the metaverse yet to compare with.\n");
	for (i = 0; i < type->join_count; i++)
		any |= type->joins[i].proposed;
	strbuf_adds(out, any ? "    join:\n" : "    # join:\n");
	for (i = 0; i < type->join_count; i++)
		strbuf_addf(out, "    %s  - %s: %s%s\n",
			    type->joins[i].proposed ? "" : "# ",
			    type->joins[i].mv, type->joins[i].source,
			    join_note(&type->joins[i], &plan->cli->arena));
	if (!type->join_count)
		strbuf_adds(out,
			    "    #   - ATTRIBUTE: SOURCE   # no attribute of "
			    "the metaverse that is indexed fits\n");
}

static void add_flows(struct strbuf *out, const struct agent_type *type)
{
	size_t widest = 0;
	size_t count = 0;
	size_t i;

	for (i = 0; i < type->flow_count; i++) {
		if (!type->flows[i].mv)
			continue;
		count++;
		if (strlen(type->flows[i].mv) > widest)
			widest = strlen(type->flows[i].mv);
	}
	strbuf_adds(out, count ? "    import:\n" : "    # import:\n");
	for (i = 0; i < type->flow_count; i++)
		if (type->flows[i].mv)
			strbuf_addf(out, "      %s:%*s %s\n", type->flows[i].mv,
				    (int)(widest - strlen(type->flows[i].mv)),
				    "", type->flows[i].source);
}

/* What nobody asked for may be what somebody misses. */
static void add_left(struct strbuf *out, const struct agent_type *type,
		     struct arena *arena)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < type->flow_count && count < LEFT_MAX; i++) {
		const struct agent_flow *flow = &type->flows[i];

		if (flow->mv || attr_is_secret(flow->attr) ||
		    flow->schema->read_only ||
		    !strcasecmp(flow->attr, "objectClass"))
			continue;
		if (!count++)
			strbuf_adds(out, "    # Also there, and without a flow "
					 "(of so many objects of the sample):"
					 "\n");
		strbuf_addf(out, "    #   %s: %s%s%s, %zu of %zu\n",
			    output_safe(sv_from(flow->attr), arena),
			    flow->schema->multi ? "[" : "",
			    value_type_name(flow->schema->type),
			    flow->schema->multi ? "]" : "", flow->filled,
			    type->sample.count);
	}
}

static void add_type(struct strbuf *out, const struct agent_plan *plan,
		     const struct agent_type *type)
{
	strbuf_addf(out, "  %s:\n",
		    agent_scalar(type->rule_set, &plan->cli->arena));
	if (type->named)
		strbuf_addf(out, "    type: %s\n",
			    agent_scalar(type->name, &plan->cli->arena));
	add_declared(out, plan, type);
	strbuf_addf(out, "    metaverse: %s\n", type->mv->name);
	add_joins(out, plan, type);
	if (type->project)
		strbuf_adds(out, "    # Who joins nobody becomes a new object "
				 "of the metaverse.\n"
				 "    project: true\n");
	else
		strbuf_adds(out, "    # Another agent makes the objects of the "
				 "metaverse; who joins none of them waits.\n"
				 "    # project: true\n");
	add_flows(out, type);
	add_left(out, type, &plan->cli->arena);
}

const char *agent_yaml(const struct agent_plan *plan)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *copy;
	size_t i;

	add_connect(&out, plan);
	strbuf_adds(&out, "objects:\n");
	for (i = 0; i < plan->type_count; i++)
		add_type(&out, plan, &plan->types[i]);
	copy = arena_cstr(&plan->cli->arena, strbuf_sv(&out));
	strbuf_release(&out);
	return copy;
}
