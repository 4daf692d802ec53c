/*
 * yaml.c - from YAML text to nodes that know their place
 *
 * Called for each file of the folder. Every plain scalar is its text. An alias
 * is the very node that its anchor names, so it points where the text stands;
 * `<<` copies pairs that the map lacks. Aliases cannot blow up: what they
 * would be when written out is counted and limited.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

#include "base/text.h"

#include <libfyaml.h>
#include <stdio.h>

#define MAX_DEPTH  64
#define MAX_WEIGHT 200000

struct yaml {
	struct loader *loader;
	const char *file;
	struct fy_parser *parser;
	struct namemap *anchors; /* name: index into `anchored` */
	VEC(struct node *) anchored;
	int line; /* where the last event ended, 1 based */
	int column;
	int depth;
	bool failed; /* reported by us; reading ends */
};

struct node *source_node_new(struct arena *arena, enum node_kind kind,
			     const struct node *place)
{
	struct source_node *source = arena_zalloc(arena, sizeof(*source));

	source->node.kind = kind;
	source->node.file = place ? place->file : "";
	source->node.line = place ? place->line : 1;
	source->node.column = place ? place->column : 1;
	source->weight = 1;
	return &source->node;
}

static struct source_node *source_of(struct node *node)
{
	return (struct source_node *)node;
}

static void fail(struct yaml *yaml, int line, int column, const char *text)
{
	if (!yaml->failed)
		problem_at(yaml->loader, yaml->file, line, column, false, text);
	yaml->failed = true;
}

/* A node at the event's place. */
static struct node *new_at(struct yaml *yaml, enum node_kind kind,
			   struct fy_event *event)
{
	const struct fy_mark *start = fy_event_start_mark(event);
	const struct fy_mark *end = fy_event_end_mark(event);
	struct node *node = source_node_new(yaml->loader->arena, kind, NULL);

	if (start) {
		yaml->line = start->line + 1;
		yaml->column = start->column + 1;
	}
	node->file = yaml->file;
	node->line = yaml->line;
	node->column = yaml->column;
	source_of(node)->one_line = start && end && start->line == end->line;
	return node;
}

static struct sv token_text(struct fy_token *token)
{
	size_t len = 0;
	const char *text = token ? fy_token_get_text(token, &len) : NULL;

	return text ? sv_make(text, len) : sv_make("", 0);
}

static struct node *parse_scalar(struct yaml *yaml, struct fy_event *event)
{
	struct node *node = new_at(yaml, NODE_SCALAR, event);
	struct source_node *source = source_of(node);

	node->text =
		arena_dup(yaml->loader->arena, token_text(event->scalar.value));
	switch (fy_token_scalar_style(event->scalar.value)) {
	case FYSS_SINGLE_QUOTED:
		source->style = STYLE_SINGLE;
		break;
	case FYSS_DOUBLE_QUOTED:
		source->style = STYLE_DOUBLE;
		break;
	case FYSS_LITERAL:
	case FYSS_FOLDED:
		source->style = STYLE_BLOCK;
		source->one_line = false;
		break;
	case FYSS_ANY:
	case FYSS_PLAIN:
	case FYSS_MAX:
		source->style = STYLE_PLAIN;
		break;
	}
	node->quoted = source->style != STYLE_PLAIN;
	/* The mark is behind the opening quote. */
	if (source->style == STYLE_SINGLE || source->style == STYLE_DOUBLE)
		node->column--;
	return node;
}

static struct node *parse_alias(struct yaml *yaml, struct fy_event *event)
{
	struct sv name = token_text(event->alias.anchor);
	struct node *place = new_at(yaml, NODE_SCALAR, event);
	char text[160];
	uint64_t index;

	if (namemap_get(yaml->anchors, name, &index))
		return yaml->anchored.at[index];
	(void)snprintf(text, sizeof(text),
		       "no anchor '&" SV_FMT "' stands before this alias",
		       SV_ARG(name));
	fail(yaml, place->line, place->column, text);
	return place;
}

static void remember_anchor(struct yaml *yaml, struct sv name,
			    struct node *node)
{
	if (name.len == 0)
		return;
	namemap_put(yaml->anchors, name, yaml->anchored.len);
	vec_push(&yaml->anchored, node);
}

struct node_vec {
	struct node **at;
	size_t len;
	size_t size;
};

/* Counts what `node` adds to the map or list `to`. */
static void add_weight(struct yaml *yaml, struct node *to, struct node *node)
{
	struct source_node *source = source_of(to);

	source->weight += source_of(node)->weight;
	if (source->weight > MAX_WEIGHT)
		fail(yaml, to->line, to->column,
		     "this is too much: more than 200000 values when all "
		     "aliases are written out");
}

static struct node **to_arena(struct arena *arena, const struct node_vec *nodes)
{
	struct node **out = arena_array(arena, nodes->len, sizeof(*out));

	if (nodes->len)
		memcpy(out, nodes->at, nodes->len * sizeof(*out));
	return out;
}

static struct node *parse_event(struct yaml *yaml, struct fy_event *event);

/* The next event, or NULL at an error. */
static struct fy_event *next_event(struct yaml *yaml)
{
	return yaml->failed ? NULL : fy_parser_parse(yaml->parser);
}

static void parse_items(struct yaml *yaml, struct node_vec *items)
{
	struct fy_event *event;

	while ((event = next_event(yaml)) && event->type != FYET_SEQUENCE_END &&
	       event->type != FYET_MAPPING_END) {
		struct node *node = parse_event(yaml, event);

		if (!node)
			return;
		vec_push(items, node);
	}
	if (event)
		fy_parser_event_free(yaml->parser, event);
	else if (!fy_parser_get_stream_error(yaml->parser))
		fail(yaml, yaml->line, yaml->column, "the file ends too early");
}

static struct node *parse_list(struct yaml *yaml, struct node *node)
{
	struct node_vec items = VEC_INIT;
	size_t i;

	parse_items(yaml, &items);
	node->items = to_arena(yaml->loader->arena, &items);
	node->len = items.len;
	for (i = 0; i < node->len; i++)
		add_weight(yaml, node, node->items[i]);
	vec_release(&items);
	return node;
}

/* --- maps -------------------------------------------------------------- */

struct map_draft {
	struct namemap *own; /* every key written in this map: its line */
	struct namemap *merged;
	struct node_vec keys;
	struct node_vec items;
};

static bool is_merge_key(const struct node *key)
{
	return !key->quoted && sv_eq_str(key->text, "<<");
}

static void merge_map(struct yaml *yaml, struct map_draft *map,
		      const struct node *from)
{
	size_t i;

	if (from->kind != NODE_MAP) {
		fail(yaml, from->line, from->column,
		     "'<<' takes a map or a list of maps");
		return;
	}
	for (i = 0; i < from->len; i++) {
		struct sv key = from->keys[i]->text;

		if (namemap_get(map->own, key, NULL) ||
		    namemap_get(map->merged, key, NULL))
			continue;
		namemap_put(map->merged, key, 1);
		vec_push(&map->keys, from->keys[i]);
		vec_push(&map->items, from->items[i]);
	}
}

/* Notes the keys written here; a second one of a name is left out. */
static void note_keys(struct yaml *yaml, struct map_draft *map,
		      struct node_vec *pairs)
{
	char text[256];
	size_t i;

	for (i = 0; i + 1 < pairs->len; i += 2) {
		struct node *key = pairs->at[i];
		uint64_t line;

		if (key->kind != NODE_SCALAR) {
			fail(yaml, key->line, key->column,
			     "a key must be a name, not a list or a map");
			return;
		}
		if (is_merge_key(key))
			continue;
		if (!namemap_get(map->own, key->text, &line)) {
			namemap_put(map->own, key->text, (uint64_t)key->line);
			continue;
		}
		(void)snprintf(text, sizeof(text),
			       "'" SV_FMT "' stands here a second time: it "
			       "was given on line %d",
			       SV_ARG(key->text), (int)line);
		problem_at(yaml->loader, key->file, key->line, key->column,
			   false, text);
		pairs->at[i] = NULL;
	}
}

static void join_pairs(struct yaml *yaml, struct map_draft *map,
		       const struct node_vec *pairs)
{
	size_t i;
	size_t j;

	for (i = 0; i + 1 < pairs->len && !yaml->failed; i += 2) {
		struct node *key = pairs->at[i];
		struct node *item = pairs->at[i + 1];

		if (!key)
			continue;
		if (!is_merge_key(key)) {
			vec_push(&map->keys, key);
			vec_push(&map->items, item);
			continue;
		}
		for (j = 0; j < read_len(item); j++)
			merge_map(yaml, map, read_item(item, j));
	}
}

static struct node *parse_map(struct yaml *yaml, struct node *node)
{
	struct arena *arena = yaml->loader->arena;
	struct node_vec pairs = VEC_INIT;
	struct map_draft map = { namemap_new(false), namemap_new(false),
				 VEC_INIT, VEC_INIT };
	size_t i;

	parse_items(yaml, &pairs);
	if (!yaml->failed)
		note_keys(yaml, &map, &pairs);
	join_pairs(yaml, &map, &pairs);
	node->keys = to_arena(arena, &map.keys);
	node->items = to_arena(arena, &map.items);
	node->len = map.items.len;
	for (i = 0; i < node->len; i++)
		add_weight(yaml, node, node->items[i]);
	namemap_free(map.own);
	namemap_free(map.merged);
	vec_release(&map.keys);
	vec_release(&map.items);
	vec_release(&pairs);
	return node;
}

/* --- documents --------------------------------------------------------- */

static struct node *parse_collection(struct yaml *yaml, struct node *node)
{
	if (yaml->depth >= MAX_DEPTH) {
		fail(yaml, node->line, node->column,
		     "nested too deeply: 64 levels at most");
		return node;
	}
	yaml->depth++;
	if (node->kind == NODE_LIST)
		(void)parse_list(yaml, node);
	else
		(void)parse_map(yaml, node);
	yaml->depth--;
	return node;
}

/* Takes the event. NULL: there is no value here. */
static struct node *parse_event(struct yaml *yaml, struct fy_event *event)
{
	enum fy_event_type type = event->type;
	struct node *node = NULL;
	struct sv anchor = SV_NULL;

	if (type == FYET_SCALAR) {
		node = parse_scalar(yaml, event);
		anchor = token_text(event->scalar.anchor);
	} else if (type == FYET_ALIAS) {
		node = parse_alias(yaml, event);
	} else if (type == FYET_SEQUENCE_START) {
		node = new_at(yaml, NODE_LIST, event);
		anchor = token_text(event->sequence_start.anchor);
	} else if (type == FYET_MAPPING_START) {
		node = new_at(yaml, NODE_MAP, event);
		anchor = token_text(event->mapping_start.anchor);
	}
	anchor = arena_dup(yaml->loader->arena, anchor);
	fy_parser_event_free(yaml->parser, event);
	if (type == FYET_SEQUENCE_START || type == FYET_MAPPING_START)
		node = parse_collection(yaml, node);
	if (node && anchor.len)
		remember_anchor(yaml, anchor, node);
	return node;
}

static struct node *parse_stream(struct yaml *yaml)
{
	struct node *root = NULL;
	struct fy_event *event;

	while ((event = next_event(yaml))) {
		switch (event->type) {
		case FYET_SCALAR:
		case FYET_ALIAS:
		case FYET_SEQUENCE_START:
		case FYET_MAPPING_START:
			if (root) {
				struct node *at = new_at(yaml, NODE_MAP, event);

				fail(yaml, at->line, at->column,
				     "a file holds one document only");
				fy_parser_event_free(yaml->parser, event);
				break;
			}
			root = parse_event(yaml, event);
			break;
		case FYET_NONE:
		case FYET_STREAM_START:
		case FYET_STREAM_END:
		case FYET_DOCUMENT_START:
		case FYET_DOCUMENT_END:
		case FYET_SEQUENCE_END:
		case FYET_MAPPING_END:
			fy_parser_event_free(yaml->parser, event);
			break;
		}
	}
	return root;
}

/* What the parser itself found: one problem, the first. */
static void report_syntax(struct yaml *yaml, struct fy_diag *diag)
{
	struct fy_diag_error *found;
	void *prev = NULL;

	found = fy_diag_errors_iterate(diag, &prev);
	if (found)
		fail(yaml, found->line, found->column,
		     arena_printf(yaml->loader->arena, "not valid YAML: %s",
				  found->msg));
	else
		fail(yaml, yaml->line, yaml->column, "not valid YAML");
}

/* Bytes that the YAML library would take for the end of the file. */
static bool check_bytes(struct yaml *yaml, struct sv text)
{
	size_t bad = text_valid_prefix(text);
	int line = 1;
	size_t start = 0;
	size_t i;

	for (i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (i >= bad ||
		    (c < ' ' && c != '\t' && c != '\n' && c != '\r'))
			break;
		if (c == '\n') {
			line++;
			start = i + 1;
		}
	}
	if (i == text.len)
		return true;
	fail(yaml, line, (int)text_len(sv_sub(text, start, i)) + 1,
	     i >= bad ? "not UTF-8: save the file in this encoding"
		      : "a control character; remove it");
	return false;
}

static struct node *parse_text(struct yaml *yaml, struct sv text)
{
	struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET };
	struct node *root = NULL;

	cfg.diag = fy_diag_create(NULL);
	fy_diag_set_collect_errors(cfg.diag, true);
	yaml->parser = fy_parser_create(&cfg);
	if (yaml->parser &&
	    fy_parser_set_string(yaml->parser, text.ptr, text.len) == 0) {
		root = parse_stream(yaml);
		if (fy_parser_get_stream_error(yaml->parser))
			report_syntax(yaml, cfg.diag);
	} else {
		fail(yaml, 1, 1, "cannot be read as YAML");
	}
	fy_parser_destroy(yaml->parser);
	fy_diag_destroy(cfg.diag);
	return root;
}

struct node *yaml_parse(struct loader *loader, const char *file, struct sv text)
{
	struct yaml yaml = {
		.loader = loader, .file = file, .line = 1, .column = 1
	};
	struct node *root = NULL;

	yaml.anchors = namemap_new(false);
	if (text.len && check_bytes(&yaml, text))
		root = parse_text(&yaml, text);
	namemap_free(yaml.anchors);
	vec_release(&yaml.anchored);
	if (yaml.failed)
		return NULL;
	if (read_absent(root)) {
		root = source_node_new(loader->arena, NODE_MAP, NULL);
		root->file = file;
	}
	return root;
}

int config_yaml(const char *file, struct sv text, struct arena *arena,
		struct node **out, struct error *err)
{
	struct loader loader = { .arena = arena };
	const struct config_problem *problem;
	int ret = 0;

	*out = yaml_parse(&loader, file, text);
	vec_foreach(&loader.problems, problem)
		if (ret == 0 && !problem->warning)
			ret = error_set(err, ERR_INVALID, "%s:%d:%d: %s",
					problem->file, problem->line,
					problem->column, problem->text);
	vec_release(&loader.problems);
	return ret;
}
