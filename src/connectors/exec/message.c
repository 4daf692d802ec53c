/*
 * message.c - one line of the connector protocol as a tree
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/exec/message.h"

#include "base/text.h"

#include <string.h>
#include <yajl/yajl_parse.h>

struct message_parser {
	yajl_handle handle;
	struct arena *arena;
	struct sv line;
	struct message *root;
	struct message *open[MESSAGE_DEPTH]; /* lists and maps around */
	struct message *last[MESSAGE_DEPTH]; /* what was put into each last */
	size_t depth;
	size_t nodes;
	struct sv key;
	const char *problem;
};

static void *take(void *ctx, size_t size)
{
	(void)ctx;
	return mem_alloc(size);
}

static void *resize(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	return mem_realloc(ptr, size);
}

static void give(void *ctx, void *ptr)
{
	(void)ctx;
	mem_free(ptr);
}

static yajl_alloc_funcs memory = { take, resize, give, NULL };

/* Texts without escapes lie in the line itself. */
static struct sv keep(const struct message_parser *parser,
		      const unsigned char *text, size_t len)
{
	const char *at = (const char *)text;
	uintptr_t begin = (uintptr_t)parser->line.ptr;

	if ((uintptr_t)at >= begin && (uintptr_t)at < begin + parser->line.len)
		return sv_make(at, len);
	return arena_dup(parser->arena, sv_make(at, len));
}

static int refuse(struct message_parser *parser, const char *problem)
{
	parser->problem = problem;
	return 0;
}

/* Puts a node where the parser stands; NULL: refused. */
static struct message *put(struct message_parser *parser,
			   enum message_kind kind, struct sv text)
{
	struct message *node;
	size_t at = parser->depth;

	if (at == 0 && (parser->root || kind != MESSAGE_MAP)) {
		(void)refuse(parser, "a line is one object, { to }");
		return NULL;
	}
	if (++parser->nodes > MESSAGE_NODES) {
		(void)refuse(parser, "it has more than 1,000,000 values");
		return NULL;
	}
	node = arena_zalloc(parser->arena, sizeof(*node));
	node->kind = kind;
	node->text = text;
	if (at == 0) {
		parser->root = node;
		return node;
	}
	node->key = parser->key;
	parser->key = SV_NULL;
	if (parser->last[at - 1])
		parser->last[at - 1]->next = node;
	else
		parser->open[at - 1]->first = node;
	parser->last[at - 1] = node;
	parser->open[at - 1]->count++;
	return node;
}

static int begin(struct message_parser *parser, enum message_kind kind)
{
	struct message *node;

	if (parser->depth == MESSAGE_DEPTH)
		return refuse(parser, "it is nested more than 16 deep");
	node = put(parser, kind, SV_NULL);
	if (!node)
		return 0;
	parser->open[parser->depth] = node;
	parser->last[parser->depth++] = NULL;
	return 1;
}

static int on_null(void *ctx)
{
	return put(ctx, MESSAGE_NULL, SV_NULL) != NULL;
}

static int on_boolean(void *ctx, int on)
{
	return put(ctx, MESSAGE_BOOLEAN,
		   on ? SV_LIT("true") : SV_LIT("false")) != NULL;
}

static int on_number(void *ctx, const char *text, size_t len)
{
	return put(ctx, MESSAGE_NUMBER,
		   keep(ctx, (const unsigned char *)text, len)) != NULL;
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
	return put(ctx, MESSAGE_TEXT, keep(ctx, text, len)) != NULL;
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
	struct message_parser *parser = ctx;

	parser->key = keep(parser, text, len);
	return 1;
}

static int on_start_map(void *ctx)
{
	return begin(ctx, MESSAGE_MAP);
}

static int on_start_list(void *ctx)
{
	return begin(ctx, MESSAGE_LIST);
}

static int on_end(void *ctx)
{
	struct message_parser *parser = ctx;

	parser->depth--;
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_map_key = on_key,
	.yajl_start_map = on_start_map,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_list,
	.yajl_end_array = on_end,
};

static void make_handle(struct message_parser *parser)
{
	if (parser->handle)
		yajl_free(parser->handle);
	parser->handle = yajl_alloc(&callbacks, &memory, parser);
	/* one handle for all lines; UTF-8 is looked at before */
	(void)yajl_config(parser->handle, yajl_allow_multiple_values, 1);
	(void)yajl_config(parser->handle, yajl_dont_validate_strings, 1);
}

struct message_parser *message_parser_new(void)
{
	struct message_parser *parser = mem_zalloc(sizeof(*parser));

	make_handle(parser);
	return parser;
}

void message_parser_free(struct message_parser *parser)
{
	if (!parser)
		return;
	yajl_free(parser->handle);
	mem_free(parser);
}

/* "parse error: invalid token\n" */
static int say_problem(struct message_parser *parser, yajl_status status,
		       struct error *err)
{
	size_t at = yajl_get_bytes_consumed(parser->handle);
	unsigned char *text;
	struct sv words;

	if (parser->problem)
		return error_set(err, ERR_INVALID, "%s", parser->problem);
	if (status == yajl_status_ok)
		return error_set(err, ERR_INVALID,
				 "it is no whole JSON object, which must end "
				 "in its line");
	text = yajl_get_error(parser->handle, 0, NULL, 0);
	words = sv_trim(sv_from((const char *)text));
	(void)error_set(err, ERR_INVALID, "it is not JSON, byte %zu: " SV_FMT,
			at, SV_ARG(words));
	yajl_free_error(parser->handle, text);
	return -1;
}

int message_parse(struct message_parser *parser, struct sv line,
		  struct arena *arena, struct message **out, struct error *err)
{
	const unsigned char *bytes = (const unsigned char *)line.ptr;
	size_t valid = text_valid_prefix(line);
	yajl_status status;

	if (valid != line.len)
		return error_set(err, ERR_INVALID,
				 "byte %zu is not UTF-8: bytes that are no "
				 "text are written {\"b64\":\"...\"}",
				 valid + 1);
	if (line.len > MESSAGE_BYTES)
		return error_set(err, ERR_INVALID, "it is longer than 16 MiB");
	parser->arena = arena;
	parser->line = line;
	parser->root = NULL;
	parser->depth = 0;
	parser->nodes = 0;
	parser->key = SV_NULL;
	parser->problem = NULL;
	status = line.len ? yajl_parse(parser->handle, bytes, line.len)
			  : yajl_status_ok;
	/* a number that ends the line is a number only behind it */
	if (status == yajl_status_ok)
		status = yajl_parse(parser->handle, (const unsigned char *)"\n",
				    1);
	if (status == yajl_status_ok && parser->root && !parser->depth) {
		*out = parser->root;
		return 0;
	}
	(void)say_problem(parser, status, err);
	make_handle(parser);
	return -1;
}

struct sv message_line(const struct message_parser *parser)
{
	return parser->line;
}

const struct message *message_get(const struct message *map, const char *key)
{
	const struct message *at;

	if (!map || map->kind != MESSAGE_MAP)
		return NULL;
	for (at = map->first; at; at = at->next)
		if (sv_eq_str(at->key, key))
			return at;
	return NULL;
}

struct sv message_text(const struct message *map, const char *key)
{
	const struct message *at = message_get(map, key);

	return at && at->kind == MESSAGE_TEXT ? at->text : SV_NULL;
}

bool message_true(const struct message *map, const char *key)
{
	const struct message *at = message_get(map, key);

	return at && at->kind == MESSAGE_BOOLEAN && at->text.ptr[0] == 't';
}

int message_number(const struct message *map, const char *key, int64_t *out)
{
	const struct message *at = message_get(map, key);

	return at && at->kind == MESSAGE_NUMBER && sv_to_i64(at->text, out);
}

void message_put_text(struct strbuf *out, struct sv text)
{
	size_t from = 0;
	size_t i;

	strbuf_addc(out, '"');
	for (i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		strbuf_add(out, text.ptr + from, i - from);
		from = i + 1;
		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else if (c == '\n')
			strbuf_adds(out, "\\n");
		else
			strbuf_addf(out, "\\u%04x", c);
	}
	if (from < text.len)
		strbuf_add(out, text.ptr + from, text.len - from);
	strbuf_addc(out, '"');
}

void message_put_value(struct strbuf *out, struct sv bytes, bool binary)
{
	if (!binary && text_is_utf8(bytes) &&
	    sv_find(bytes, '\0', 0) == bytes.len) {
		message_put_text(out, bytes);
		return;
	}
	strbuf_adds(out, "{\"b64\":\"");
	strbuf_add_base64(out, bytes);
	strbuf_adds(out, "\"}");
}
