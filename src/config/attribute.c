/*
 * attribute.c - attributes of agents and metaverse: their numbers, what is
 * declared of them, and their types
 *
 * An agent's attributes are what its rules read or write, plus what
 * `attributes:` declares. The type of one is what is declared, else what the
 * connector knows, else that of the metaverse attribute it flows to or from
 * directly, else text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

attr_id attr_intern(struct loader *loader, struct sv name)
{
	struct namemap *ids = loader->snapshot->attr_ids;
	uint64_t id;

	if (namemap_get(ids, name, &id))
		return (attr_id)id;
	id = loader->attr_names.len;
	namemap_put(ids, name, id);
	vec_push(&loader->attr_names, arena_cstr(loader->arena, name));
	return (attr_id)id;
}

/* ATTR_DN is the name of an entry; a mere column "dn" is something else. */
static attr_id agent_attr_id(struct loader *loader, struct sv name)
{
	if (!sv_ieq_str(name, "dn"))
		return attr_intern(loader, name);
	if (loader->plain_dn == ATTR_NONE) {
		loader->plain_dn = (attr_id)loader->attr_names.len;
		vec_push(&loader->attr_names, "dn");
	}
	return loader->plain_dn;
}

bool draft_can(const struct agent_draft *draft, uint32_t cap)
{
	return (draft->agent->caps & cap) != 0;
}

/* --- declarations ------------------------------------------------------ */

static const char *const type_words[] = { "string", "integer",  "boolean",
					  "binary", "datetime", "reference",
					  NULL };

static bool read_type(struct loader *loader, const struct node *node,
		      enum value_type *out)
{
	int word = read_word(loader, node, "the type", type_words, 0);

	if (word < 0)
		return false;
	return value_type_parse(sv_from(type_words[word]), out) == 1;
}

static enum match_rule read_match(struct loader *loader,
				  const struct node *node)
{
	static const char *const words[] = { "ignore-case", "exact", NULL };

	return read_word(loader, node, "'match'", words, 0) == 1
		       ? MATCH_EXACT
		       : MATCH_IGNORE_CASE;
}

static void read_agent_keys(struct loader *loader, const struct node *node,
			    struct attr_def *out)
{
	static const char *const keys[] = { "type",   "multi", "separator",
					    "format", "to",    "match",
					    NULL };
	const struct node *format = read_find(node, "format");
	struct sv to = read_text(loader, read_find(node, "to"), "'to'");

	read_keys(loader, node, keys);
	out->separator =
		read_text(loader, node_get(node, "separator"), "'separator'");
	out->format = read_text(loader, format, "'format'");
	if (to.len)
		out->to = arena_cstr(loader->arena, to);
	if (to.len && !read_find(node, "type"))
		out->type = VALUE_REFERENCE;
	if (to.len && out->type != VALUE_REFERENCE)
		problem_report(loader, read_find(node, "to"),
			       "'to' says what a reference points to: write "
			       "type: reference");
	if (out->separator.len)
		out->multi = true;
	if (format && out->type != VALUE_DATETIME)
		problem_report(loader, format,
			       "'format' is for type: datetime only");
}

static void read_metaverse_keys(struct loader *loader, const struct node *node,
				bool *index_out)
{
	static const char *const keys[] = { "type", "multi", "index", "match",
					    NULL };

	read_keys(loader, node, keys);
	*index_out =
		read_switch(loader, read_find(node, "index"), "'index'", false);
}

bool attr_read_def(struct loader *loader, const struct node *name,
		   const struct node *node, bool of_agent, struct attr_def *out,
		   bool *index_out)
{
	const struct node *type = node;

	*out = (struct attr_def){ .name = arena_cstr(loader->arena,
						     name->text) };
	*index_out = false;
	if (node->kind == NODE_LIST) {
		out->multi = true;
		type = node->len == 1 ? node->items[0] : NULL;
		if (!type)
			problem_report(loader, node,
				       "an attribute of several values is "
				       "[TYPE], as in [string]");
		return type && read_type(loader, type, &out->type);
	}
	if (node->kind == NODE_MAP)
		type = read_find(node, "type");
	if (!read_type(loader, type, &out->type))
		return false;
	if (node->kind != NODE_MAP)
		return true;
	out->multi =
		read_switch(loader, read_find(node, "multi"), "'multi'", false);
	out->match = read_match(loader, read_find(node, "match"));
	if (of_agent)
		read_agent_keys(loader, node, out);
	else
		read_metaverse_keys(loader, node, index_out);
	return true;
}

/* --- an agent's types and attributes ----------------------------------- */

struct type_draft *draft_type(struct loader *loader, struct agent_draft *draft,
			      struct sv name, size_t *index_out)
{
	struct type_draft fresh = { 0 };
	size_t i;

	for (i = 0; i < draft->types.len; i++)
		if (sv_ieq_str(name, draft->types.at[i].name))
			break;
	if (i == draft->types.len) {
		fresh.name = arena_cstr(loader->arena, name);
		fresh.index = namemap_new(true);
		vec_push(&draft->types, fresh);
	}
	*index_out = i;
	return &draft->types.at[i];
}

int draft_attr_find(const struct agent_draft *draft, size_t type,
		    struct sv name, size_t *index_out)
{
	uint64_t index;

	if (!namemap_get(draft->types.at[type].index, name, &index))
		return 0;
	*index_out = (size_t)index;
	return 1;
}

static const struct attr_def *known_attr(const struct agent_draft *draft,
					 struct sv name)
{
	const struct connector_ops *ops = draft->agent->ops;
	const struct attr_def *def = ops ? ops->known_attrs : NULL;

	for (; def && def->name; def++)
		if (sv_ieq_str(name, def->name))
			return def;
	return NULL;
}

size_t draft_attr(struct loader *loader, struct agent_draft *draft, size_t type,
		  struct sv name, const struct node *at)
{
	struct type_draft *to = &draft->types.at[type];
	const struct attr_def *known = known_attr(draft, name);
	struct attr_draft attr = { .at = at };
	size_t index;

	if (draft_attr_find(draft, type, name, &index))
		return index;
	attr.id = agent_attr_id(loader, name);
	if (known) {
		attr.def = *known;
		attr.known = true;
	} else {
		attr.def.name = arena_cstr(loader->arena, name);
		/* A wrong connector was reported; no more of it. */
		attr.def.type = draft->agent->ops ? VALUE_STRING : VALUE_NULL;
		attr.def.multi = draft_can(draft, CONNECTOR_CAP_DN);
	}
	index = to->attrs.len;
	namemap_put(to->index, name, index);
	vec_push(&to->attrs, attr);
	return index;
}

static bool same_def(const struct attr_def *a, const struct attr_def *b)
{
	return a->type == b->type && a->multi == b->multi &&
	       a->match == b->match && sv_eq(a->separator, b->separator) &&
	       sv_eq(a->format, b->format) &&
	       sv_eq(sv_from(a->to), sv_from(b->to));
}

static void declare(struct loader *loader, struct agent_draft *draft,
		    size_t type, const struct node *key,
		    const struct node *node)
{
	struct attr_draft *attr;
	struct attr_def def;
	bool index;
	size_t at;

	if (sv_ieq_str(key->text, "dn") && draft_can(draft, CONNECTOR_CAP_DN)) {
		problem_report(loader, key,
			       "'dn' is the name of an entry; it is always "
			       "there and cannot be declared");
		return;
	}
	if (!attr_read_def(loader, key, node, true, &def, &index))
		return;
	at = draft_attr(loader, draft, type, key->text, key);
	attr = &draft->types.at[type].attrs.at[at];
	if (attr->declared && !same_def(&attr->def, &def))
		problem_report(loader, key,
			       "attribute '" SV_FMT
			       "' of type '%s' is declared "
			       "differently at %s:%d",
			       SV_ARG(key->text), draft->types.at[type].name,
			       attr->at->file, attr->at->line);
	attr->def = def;
	attr->declared = true;
	attr->at = key;
}

void attrs_declare(struct loader *loader, struct agent_draft *draft,
		   size_t type, const struct node *node)
{
	const struct node *map = read_map(loader, node, "'attributes'");
	size_t i;

	for (i = 0; map && i < map->len; i++)
		declare(loader, draft, type, map->keys[i], map->items[i]);
}

/* --- the metaverse's attributes over several types --------------------- */

int mv_attr_over(const struct config *config, const size_t *types, size_t count,
		 struct sv name, struct config_attr *out)
{
	attr_id id = config_attr_id(config, name);
	int found = 0;
	size_t i;

	for (i = 0; id != ATTR_NONE && i < count; i++) {
		const struct config_mv_attr *attr =
			config_mv_attr_find(&config->mv_types[types[i]], id);

		if (!attr)
			continue;
		if (!found) {
			*out = attr->attr;
			found = 1;
			continue;
		}
		if (out->def.type != attr->attr.def.type)
			out->def.type = VALUE_NULL;
		if (attr->attr.def.match == MATCH_EXACT)
			out->def.match = MATCH_EXACT;
		out->def.multi |= attr->attr.def.multi;
		out->index &= attr->attr.index;
	}
	return found;
}

const char *mv_attr_nearest(const struct config *config, const size_t *types,
			    size_t count, struct sv name)
{
	VEC(const char *) names = VEC_INIT;
	const char *near;
	size_t i;
	size_t j;

	for (i = 0; i < count; i++) {
		const struct config_mv_type *type = &config->mv_types[types[i]];

		for (j = 0; j < type->attr_count; j++)
			vec_push(&names, type->attrs[j].attr.def.name);
	}
	near = sv_nearest(name, names.at, names.len);
	vec_release(&names);
	return near;
}

/* --- the end ----------------------------------------------------------- */

static void check_reference(struct loader *loader,
			    const struct agent_draft *draft,
			    const struct attr_draft *attr)
{
	size_t i;

	if (attr->def.type != VALUE_REFERENCE)
		return;
	if (!attr->def.to) {
		if (!draft_can(draft, CONNECTOR_CAP_DN))
			problem_report(loader, attr->at,
				       "'%s' is a reference to which type? "
				       "declare attributes: { '%s': { type: "
				       "reference, to: TYPE } }",
				       attr->def.name, attr->def.name);
		return;
	}
	for (i = 0; i < draft->types.len; i++)
		if (strcmp(draft->types.at[i].name, attr->def.to) == 0)
			return;
	problem_report(loader, attr->at,
		       "'%s' refers to type '%s', which agent '%s' does not "
		       "have",
		       attr->def.name, attr->def.to, draft->agent->name);
}

static void finish_type(struct loader *loader, const struct agent_draft *draft,
			size_t index)
{
	const struct type_draft *from = &draft->types.at[index];
	struct attr_def *attrs =
		arena_array(loader->arena, from->attrs.len, sizeof(*attrs));
	attr_id *ids =
		arena_array(loader->arena, from->attrs.len, sizeof(*ids));
	size_t i;

	for (i = 0; i < from->attrs.len; i++) {
		check_reference(loader, draft, &from->attrs.at[i]);
		attrs[i] = from->attrs.at[i].def;
		ids[i] = from->attrs.at[i].id;
	}
	draft->agent->types[index] =
		(struct object_type){ from->name, attrs, from->attrs.len };
	draft->agent->type_attr_ids[index] = ids;
}

void attrs_finish(struct loader *loader, struct agent_draft *draft)
{
	struct config_agent *agent = draft->agent;
	size_t i;

	agent->type_count = draft->types.len;
	agent->types = arena_array(loader->arena, agent->type_count,
				   sizeof(*agent->types));
	agent->type_attr_ids = arena_array(loader->arena, agent->type_count,
					   sizeof(*agent->type_attr_ids));
	for (i = 0; i < agent->type_count; i++)
		finish_type(loader, draft, i);
}
