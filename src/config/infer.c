/*
 * infer.c - types of an agent's attributes from direct flows
 *
 * Called when everything is declared and no rule is compiled yet. A column
 * that flows as it is to or from a metaverse attribute (`badge: badge_no`) has
 * that attribute's type, unless somebody said otherwise; when several flows
 * disagree it is text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool flow_is_word(struct sv name)
{
	return sv_eq_str(name, "NULL") ||
	       sv_eq_str(name, "AuthoritativeNull") ||
	       sv_eq_str(name, "IgnoreThisFlow");
}

static bool is_bare_name(struct sv text)
{
	size_t i;

	if (text.len == 0 || !is_letter(text.ptr[0]) ||
	    sv_ieq_str(text, "true") || sv_ieq_str(text, "false") ||
	    flow_is_word(text))
		return false;
	for (i = 1; i < text.len; i++) {
		char c = text.ptr[i];

		if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '-' &&
		    c != '_' && c != '.' && c != ';')
			return false;
	}
	return true;
}

int flow_simple_name(struct sv text, struct sv *name_out)
{
	text = sv_trim(text);
	if (is_bare_name(text)) {
		*name_out = text;
		return 1;
	}
	if (text.len < 3 || text.ptr[0] != '[' ||
	    sv_find(text, ']', 0) != text.len - 1)
		return 0;
	*name_out = sv_sub(text, 1, text.len - 1);
	return 1;
}

struct infer {
	struct loader *loader;
	struct agent_draft *draft;
	const struct config_rule_set *rule_set;
};

static void take_type(struct infer *infer, struct sv column,
		      const struct config_attr *partner, const struct node *at)
{
	size_t type = infer->rule_set->type;
	size_t index =
		draft_attr(infer->loader, infer->draft, type, column, at);
	struct attr_draft *attr = &infer->draft->types.at[type].attrs.at[index];
	bool directory = draft_can(infer->draft, CONNECTOR_CAP_DN);

	if (attr->declared || attr->known || partner->def.type == VALUE_NULL)
		return;
	if (attr->inferred && attr->def.type != partner->def.type) {
		attr->def.type = VALUE_STRING;
		attr->def.multi = directory;
		return;
	}
	if (attr->inferred)
		return;
	attr->inferred = true;
	attr->def.type = partner->def.type;
	if (directory && partner->def.type != VALUE_STRING)
		attr->def.multi = partner->def.multi;
}

/* A rule `column` on one side, the metaverse attribute `name` on the other. */
static void pair(struct infer *infer, struct sv name, struct sv column,
		 const struct node *at)
{
	struct config_attr partner;

	if (sv_ieq_str(column, "dn") &&
	    draft_can(infer->draft, CONNECTOR_CAP_DN))
		return;
	if (mv_attr_over(infer->loader->config, infer->rule_set->mv_types,
			 infer->rule_set->mv_type_count, name, &partner))
		take_type(infer, column, &partner, at);
}

/* The plain name that a rule consists of, whatever its form. */
static int source_name(const struct node *node, struct sv *out)
{
	if (node->kind == NODE_MAP && !node_get(node, "lookup"))
		node = node_get(node, "from");
	if (!node || node->kind != NODE_SCALAR)
		return 0;
	return flow_simple_name(node->text, out);
}

static void infer_inbound(struct infer *infer, const struct node *map)
{
	struct sv column;
	size_t i;
	size_t j;

	for (i = 0; map && map->kind == NODE_MAP && i < map->len; i++)
		for (j = 0; j < read_len(map->items[i]); j++) {
			const struct node *node = read_item(map->items[i], j);

			if (source_name(node, &column))
				pair(infer, map->keys[i]->text, column, node);
		}
}

static void infer_outbound(struct infer *infer, const struct node *map)
{
	struct sv name;
	size_t i;

	for (i = 0; map && map->kind == NODE_MAP && i < map->len; i++)
		if (source_name(map->items[i], &name))
			pair(infer, name, map->keys[i]->text, map->keys[i]);
}

static void infer_joins(struct infer *infer, const struct node *joins)
{
	size_t i;

	for (i = 0; i < read_len(joins); i++) {
		const struct node *line = read_item(joins, i);
		const struct node *any = node_get(line, "any");

		infer_inbound(infer, any ? any : line);
	}
}

void attrs_infer(struct loader *loader, struct agent_draft *draft)
{
	size_t i;

	for (i = 0; i < draft->agent->rule_set_count; i++) {
		const struct node *node = draft->rule_sets[i].node;
		struct infer infer = { loader, draft,
				       &draft->agent->rule_sets[i] };

		infer_inbound(&infer, read_find(node, "import"));
		infer_outbound(&infer, read_find(node, "export"));
		infer_joins(&infer, read_find(node, "join"));
		infer_outbound(&infer, node_get(read_find(node, "provision"),
						"initial"));
	}
}
