/*
 * message.h - one line of the connector protocol as a tree, and its texts on
 * the way out
 *
 * The parser takes what another program wrote, so it takes nothing for
 * granted: depth and number of nodes are limited, texts are UTF-8. The tree and
 * the texts that had no escapes in them are views of the line and of the arena.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_EXEC_MESSAGE_H
#define CONNECTORS_EXEC_MESSAGE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#define MESSAGE_DEPTH 16
#define MESSAGE_NODES 1000000
#define MESSAGE_BYTES ((size_t)16 << 20)

enum message_kind {
	MESSAGE_NULL,
	MESSAGE_BOOLEAN, /* text: "true" or "false" */
	MESSAGE_NUMBER,  /* text: as it was written */
	MESSAGE_TEXT,
	MESSAGE_LIST,
	MESSAGE_MAP,
};

struct message {
	enum message_kind kind;
	struct sv key; /* of a member of a map */
	struct sv text;
	struct message *first; /* of a list or map */
	struct message *next;
	size_t count;
};

struct message_parser;

struct message_parser *message_parser_new(void);
void message_parser_free(struct message_parser *parser);

/* 0: *out is a map; -1: it is no such line, err says why. `line` must stay as
 * long as the arena's memory. */
int message_parse(struct message_parser *parser, struct sv line,
		  struct arena *arena, struct message **out, struct error *err);

/* The line that was parsed last. */
struct sv message_line(const struct message_parser *parser);

/* The member of a map, or NULL. */
const struct message *message_get(const struct message *map, const char *key);
/* Its text; SV_NULL: there is none. */
struct sv message_text(const struct message *map, const char *key);
bool message_true(const struct message *map, const char *key);
/* 1: *out filled; 0: it is no whole number, or not there. */
int message_number(const struct message *map, const char *key, int64_t *out);

/* A JSON string with its quotes; the text is UTF-8. */
void message_put_text(struct strbuf *out, struct sv text);
/* The same, or {"b64":...} of what is no text. */
void message_put_value(struct strbuf *out, struct sv bytes, bool binary);

#endif
