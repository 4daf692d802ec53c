/*
 * fuzz_message.c - any bytes as lines of the connector protocol
 *
 * One parser takes all lines, as in a session. What it takes for a message is
 * one map within its limits, and its attributes are values or a refusal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/exec/exec_private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int fine)
{
	if (!fine)
		abort();
}

static void walk(const struct message *at, int depth)
{
	const struct message *item;
	size_t count = 0;

	check(depth <= MESSAGE_DEPTH);
	for (item = at->first; item; item = item->next) {
		check(at->kind == MESSAGE_LIST || at->kind == MESSAGE_MAP);
		check(at->kind == MESSAGE_MAP || !item->key.len);
		walk(item, depth + 1);
		count++;
	}
	check(count == at->count);
}

static void read_attrs(const struct connector_session *session,
		       const struct message *message, struct arena *arena)
{
	const char *problem = NULL;
	const char *error = NULL;
	struct attr_change *attrs;
	size_t count;
	size_t i;
	int change;

	for (change = 0; change < 2; change++) {
		if (exec_read_attrs(session, 0, message_get(message, "attrs"),
				    change, arena, &attrs, &count, &error,
				    &problem) < 0) {
			check(error && problem && problem[0]);
			continue;
		}
		for (i = 0; i < count; i++)
			check(attrs[i].attr < 2 &&
			      (attrs[i].op == ATTR_REPLACE ||
			       (change && attrs[i].values.len)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct attr_def attrs[] = { { .name = "sn" },
						 { .name = "mail" } };
	static const struct object_type type = { "person", attrs, 2 };
	const struct connector_config config = { .types = &type,
						 .type_count = 1 };
	struct namemap *names = namemap_new(true);
	struct connector_session session = { .config = &config,
					     .attrs = &names };
	struct message_parser *parser = message_parser_new();
	struct sv all = sv_make((const char *)data, size);
	struct arena arena = ARENA_INIT;
	struct message *message;
	size_t from = 0;

	namemap_put(names, SV_LIT("sn"), 0);
	namemap_put(names, SV_LIT("mail"), 1);
	while (from < size) {
		size_t end = sv_find(all, '\n', from);
		struct error err = ERROR_INIT;

		if (message_parse(parser, sv_sub(all, from, end), &arena,
				  &message, &err) == 0) {
			check(message->kind == MESSAGE_MAP);
			walk(message, 1);
			read_attrs(&session, message, &arena);
		} else {
			check(err.code == ERR_INVALID && err.msg[0]);
		}
		arena_reset(&arena);
		from = end + 1;
	}
	message_parser_free(parser);
	namemap_free(names);
	arena_release(&arena);
	return 0;
}
