/*
 * template_settings.c - what a person sets before a template becomes a folder
 *
 * The fields are read into the tables that connectors have their settings in,
 * so keys, lists and switches are checked, and told of, as theirs. Then each
 * value is checked by its kind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/template_settings.h"

#include "base/text.h"
#include "cli/template_fill.h"
#include "model/dn.h"
#include "model/setting.h"

#include <stdio.h>
#include <string.h>

enum field_kind {
	KIND_TEXT,
	KIND_NAME,
	KIND_DN,
	KIND_SUFFIX,
	KIND_ATTRIBUTE,
	KIND_NUMBER,
	KIND_DURATION,
	KIND_SWITCH
};

static const char *const kinds[] = { "text",     "name",      "dn",
				     "suffix",   "attribute", "number",
				     "duration", "switch",    NULL };

static const enum setting_type types[] = {
	[KIND_TEXT] = SETTING_TEXT,         [KIND_NAME] = SETTING_TEXT,
	[KIND_DN] = SETTING_TEXT,           [KIND_SUFFIX] = SETTING_TEXT,
	[KIND_ATTRIBUTE] = SETTING_TEXT,    [KIND_NUMBER] = SETTING_NUMBER,
	[KIND_DURATION] = SETTING_DURATION, [KIND_SWITCH] = SETTING_SWITCH,
};

struct field {
	enum field_kind kind;
	bool list;
	int64_t at_least;    /* of maps */
	struct fields *each; /* NULL: values */
	bool one_map;        /* with these fields, not a list of them */
};

/* The same number of both. */
struct fields {
	struct setting_def *defs; /* ends with NULL */
	struct field *fields;
	size_t len;
};

struct reading {
	struct arena *arena;
	struct setting_problems *problems;
};

/* ---- the fields ---- */

static struct sv text_at(const struct node *map, const char *key)
{
	const struct node *node = node_get(map, key);

	return node ? node->text : SV_NULL;
}

static enum field_kind kind_of(const struct node *map)
{
	struct sv word = text_at(map, "kind");
	size_t i;

	for (i = 0; kinds[i]; i++)
		if (sv_eq_str(word, kinds[i]))
			return (enum field_kind)i;
	return KIND_TEXT;
}

static struct fields *read_fields(const struct node *map, struct arena *arena);

static void read_field(const struct node *key, const struct node *map,
		       struct arena *arena, struct setting_def *def,
		       struct field *field)
{
	const struct node *fallback = node_get(map, "default");
	const struct node *of = node_get(map, "of");
	const struct node *each = of ? of : node_get(map, "each");

	field->kind = kind_of(map);
	field->list = sv_eq_str(text_at(map, "list"), "true");
	(void)sv_to_i64(text_at(map, "at_least"), &field->at_least);
	def->name = arena_cstr(arena, key->text);
	def->help = arena_cstr(arena, text_at(map, "help"));
	def->required = !fallback;
	def->type = field->list ? SETTING_NAMES : types[field->kind];
	if (each) {
		def->type = of ? SETTING_GROUP : SETTING_GROUPS;
		field->one_map = of != NULL;
		field->each = read_fields(each, arena);
		def->group = field->each->defs;
	}
}

static struct fields *read_fields(const struct node *map, struct arena *arena)
{
	struct fields *out = arena_zalloc(arena, sizeof(*out));
	size_t i;

	out->len = map->len;
	out->defs = arena_array(arena, map->len + 1, sizeof(*out->defs));
	out->fields = arena_array(arena, map->len + 1, sizeof(*out->fields));
	for (i = 0; i < map->len; i++)
		read_field(map->keys[i], map->items[i], arena, &out->defs[i],
			   &out->fields[i]);
	return out;
}

/* ---- problems ---- */

static void report(void *data, const struct node *at, const char *message)
{
	struct reading *r = data;
	struct config_problem problem = {
		.file = at->file,
		.line = at->line,
		.column = at->column,
		.text = arena_cstr(r->arena, sv_from(message)),
	};

	vec_push(r->problems, problem);
}

static void wrong(struct reading *r, const struct node *at, const char *what,
		  const char *name)
{
	report(r, at,
	       arena_printf(r->arena, "'" SV_FMT "' %s ('%s')",
			    SV_ARG(at->text), what, name));
}

/* A domain with its @, so that @corp.test is not also @notcorp.test. */
static bool is_suffix(struct sv text)
{
	return text.len > 1 && text.ptr[0] == '@' &&
	       sv_find(text, ' ', 0) == text.len &&
	       sv_find(text, '@', 1) == text.len;
}

static bool is_agent_name(struct sv text)
{
	return template_is_name(text) && sv_find(text, '.', 0) == text.len &&
	       sv_find(text, ';', 0) == text.len;
}

/* Control characters and all that ends a line: such a value could not be kept
 * in its place, be it a comment. */
static bool is_one_line(struct sv text)
{
	size_t at = 0;

	while (at < text.len) {
		int32_t c = text_next(text, &at);

		if (c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
		    c == 0x2029)
			return false;
	}
	return true;
}

static void check_kind(struct reading *r, const struct field *field,
		       const struct node *at, const char *name)
{
	if (!is_one_line(at->text)) {
		report(r, at,
		       arena_printf(r->arena,
				    "'%s' has a line break or a control "
				    "character: remove it",
				    name));
		return;
	}
	switch (field->kind) {
	case KIND_NAME:
		if (!is_agent_name(at->text))
			wrong(r, at,
			      "is no name: letters, digits, '-' and '_', "
			      "beginning with a letter",
			      name);
		return;
	case KIND_DN:
		if (!dn_valid(at->text))
			wrong(r, at, "is not a distinguished name", name);
		return;
	case KIND_SUFFIX:
		if (!is_suffix(at->text))
			wrong(r, at,
			      "is no mail domain: write it as '@corp.test'",
			      name);
		return;
	case KIND_ATTRIBUTE:
		if (!template_is_name(at->text))
			wrong(r, at, "is not the name of an attribute", name);
		return;
	case KIND_TEXT:
	case KIND_NUMBER:
	case KIND_DURATION:
	case KIND_SWITCH:
		return;
	}
}

static void check_unique(struct reading *r, const struct node *list,
			 const char *name)
{
	size_t i;
	size_t j;

	for (i = 1; i < list->len; i++) {
		const struct node *mine = node_get(list->items[i], name);

		for (j = 0; mine && j < i; j++) {
			const struct node *other =
				node_get(list->items[j], name);

			if (other && text_ieq(mine->text, other->text))
				wrong(r, mine, "stands here a second time",
				      name);
		}
	}
}

/* ---- completing ---- */

static struct node *new_node(struct arena *arena, enum node_kind kind,
			     const struct node *place)
{
	struct node *node = arena_zalloc(arena, sizeof(*node));

	node->kind = kind;
	node->file = place->file;
	node->line = place->line;
	node->column = place->column;
	return node;
}

static struct node *text_node(struct arena *arena, struct sv text,
			      const struct node *place)
{
	struct node *node = new_node(arena, NODE_SCALAR, place);

	node->text = arena_dup(arena, text);
	return node;
}

static struct node *list_of(struct arena *arena, struct node *only,
			    const struct node *place)
{
	struct node *node = new_node(arena, NODE_LIST, place);

	node->items = arena_array(arena, 1, sizeof(*node->items));
	node->items[0] = only;
	node->len = only != NULL;
	return node;
}

static void complete(struct reading *r, struct node *map,
		     const struct node *defaults, const struct fields *fields);

static void complete_groups(struct reading *r, struct node *list,
			    const struct node *each, const struct field *field,
			    const char *name)
{
	size_t i;

	if ((int64_t)list->len < field->at_least)
		report(r, list,
		       arena_printf(r->arena, "'%s': at least %d are needed",
				    name, (int)field->at_least));
	for (i = 0; i < field->each->len; i++)
		if (field->each->fields[i].kind == KIND_NAME)
			check_unique(r, list, field->each->defs[i].name);
	for (i = 0; i < list->len; i++)
		complete(r, list->items[i], each, field->each);
}

/* The value that is there, checked and in its usual form. */
static struct node *complete_value(struct reading *r, struct node *value,
				   const struct field *field, const char *name)
{
	bool on = false;
	size_t i;

	if (field->list && value->kind == NODE_SCALAR)
		value = list_of(r->arena, value->text.len ? value : NULL,
				value);
	if (field->list) {
		for (i = 0; i < value->len; i++)
			check_kind(r, field, value->items[i], name);
	} else if (field->kind == KIND_SWITCH) {
		(void)setting_parse_switch(value->text, &on);
		value = text_node(r->arena, sv_from(on ? "true" : "false"),
				  value);
	} else if (value->text.len) {
		check_kind(r, field, value, name);
	}
	return value;
}

/* `map` with all fields, in their order. */
static void complete(struct reading *r, struct node *map,
		     const struct node *defaults, const struct fields *fields)
{
	struct node **keys = arena_array(r->arena, fields->len, sizeof(*keys));
	struct node **items =
		arena_array(r->arena, fields->len, sizeof(*items));
	size_t i;

	for (i = 0; i < fields->len; i++) {
		const struct node *field = defaults->items[i];
		const char *name = fields->defs[i].name;
		struct node *value = node_get(map, name);

		if (!value)
			value = node_get(field, "default");
		if (!value)
			value = text_node(r->arena, SV_NULL, map);
		if (fields->fields[i].one_map)
			complete(r, value, node_get(field, "of"),
				 fields->fields[i].each);
		else if (fields->fields[i].each)
			complete_groups(r, value, node_get(field, "each"),
					&fields->fields[i], name);
		else
			value = complete_value(r, value, &fields->fields[i],
					       name);
		if (fields->defs[i].required && !fields->fields[i].each &&
		    (value->kind == NODE_LIST ? !value->len : !value->text.len))
			report(r, value,
			       arena_printf(r->arena, "'%s' has no value: %s",
					    name, fields->defs[i].help));
		keys[i] = defaults->keys[i];
		items[i] = value;
	}
	map->keys = keys;
	map->items = items;
	map->len = fields->len;
}

struct sv template_of_settings(const struct node *settings)
{
	const struct node *node = node_get(settings, "template");

	return node && node->kind == NODE_SCALAR ? node->text : SV_NULL;
}

int template_settings(const struct template *template, const char *file,
		      struct sv text, struct arena *arena, struct node **out,
		      struct setting_problems *problems, struct error *err)
{
	struct reading r = { arena, problems };
	struct node *described = NULL;
	struct fields *fields;

	if (config_yaml(file, text, arena, out, err) < 0 ||
	    config_yaml("fields.yaml", sv_from(template->fields), arena,
			&described, err) < 0)
		return -1;
	fields = read_fields(described, arena);
	setting_check(*out, fields->defs, report, &r);
	/* the rest wants every value to be of the form that was checked */
	if (!problems->len)
		complete(&r, *out, described, fields);
	return 0;
}
