/*
 * part.c - which attributes with several values are taken one by one
 *
 * A part is the whole expression, or an argument that takes a list. Where an
 * attribute with several values stands in a part at a place for one value, the
 * part is evaluated once per value, the attribute standing for that value all
 * over the part. Two such attributes would make a product of people and
 * numbers that nobody meant, so they are refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/expr_private.h"

/* One part while it is searched. */
struct part {
	struct read **each;
	size_t count;
	size_t size;
	const struct read *declared;
};

static int part_add(struct compile *c, struct part *part,
		    const struct node *node)
{
	struct read *attr = node->attr;
	size_t i;

	for (i = 0; i < part->count; i++)
		if (part->each[i] == attr)
			return 0;
	if (attr->multi && part->declared) {
		(void)compile_fail(
			c, node->from,
			"[%s] and [%s] both have several values here; take one "
			"of them with Item(...), or join it with Join(...)",
			part->declared->name, attr->name);
		return -1;
	}
	if (attr->multi)
		part->declared = attr;
	if (part->count == part->size) {
		struct read **old = part->each;

		part->size = part->size ? part->size * 2 : 4;
		part->each = arena_array(c->arena, part->size,
					 sizeof(struct read *));
		for (i = 0; i < part->count; i++)
			part->each[i] = old[i];
	}
	part->each[part->count++] = attr;
	return 0;
}

static int search(struct compile *c, struct part *part, struct node *node,
		  bool one);

static int search_call(struct compile *c, struct part *part, struct node *node)
{
	size_t i;

	for (i = 0; i < node->argc; i++) {
		const struct param *param = function_param(node->fn, i);
		bool whole = param->flags & PARAM_WHOLE;

		if (param->flags & PARAM_LIST) {
			node->args[i] = part_make(c, node->args[i]);
			if (!node->args[i])
				return -1;
		} else if (search(c, part, node->args[i], !whole) < 0) {
			return -1;
		}
	}
	return 0;
}

/* `one`: the node stands at a place for one value. */
static int search(struct compile *c, struct part *part, struct node *node,
		  bool one)
{
	size_t i;

	switch (node->kind) {
	case NODE_ATTR:
		if (one && node->multi)
			return part_add(c, part, node);
		return 0;
	case NODE_CALL:
		return search_call(c, part, node);
	case NODE_IS_NULL:
		return search(c, part, node->args[0], false);
	case NODE_CHAIN:
	case NODE_NEGATE:
	case NODE_COMPARE:
	case NODE_AND:
	case NODE_OR:
		for (i = 0; i < node->argc; i++)
			if (search(c, part, node->args[i], true) < 0)
				return -1;
		return 0;
	case NODE_CONST:
	case NODE_NULL:
	case NODE_COUNT:
	case NODE_VAR:
	case NODE_COUNTER:
	case NODE_EACH:
	case NODE_HOOK:
		return 0;
	}
	return 0;
}

struct node *part_make(struct compile *c, struct node *node)
{
	struct part part = { NULL, 0, 0, NULL };
	struct node *each;

	if (search(c, &part, node, false) < 0)
		return NULL;
	if (!part.count)
		return node;
	each = node_new(c, NODE_EACH, node->from);
	each->end = node->end;
	each->args = arena_array(c->arena, 1, sizeof(struct node *));
	each->args[0] = node;
	each->argc = 1;
	each->each = part.each;
	each->each_count = part.count;
	each->types = node->types;
	each->multi = true;
	return each;
}
