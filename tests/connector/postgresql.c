/*
 * postgresql.c - the server that tools/pgserver.py has started for a test
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "postgresql.h"

#include "conformance.h"

#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int postgresql_begin(struct postgresql *pg)
{
	const char *address = getenv("CONJOIN_POSTGRESQL");
	const char *password = getenv("PGPASSWORD");
	PQconninfoOption *all;
	PQconninfoOption *at;

	memset(pg, 0, sizeof(*pg));
	all = address ? PQconninfoParse(address, NULL) : NULL;
	if (!all || !password) {
		(void)fprintf(stderr,
			      "start this by tools/pgserver.py PROGRAM\n");
		PQconninfoFree(all);
		return -1;
	}
	for (at = all; at->keyword; at++) {
		char *value = at->val ? arena_cstr(&pg->arena, sv_from(at->val))
				      : NULL;

		if (!strcmp(at->keyword, "host"))
			pg->folder = value;
		if (!strcmp(at->keyword, "port"))
			pg->port = value;
		if (!strcmp(at->keyword, "user"))
			pg->user = value;
		if (!strcmp(at->keyword, "dbname"))
			pg->database = value;
	}
	PQconninfoFree(all);
	secret_set(&pg->password, sv_from(password));
	secret_set(&pg->wrong, SV_LIT("not-this-one"));
	(void)unsetenv("PGPASSWORD");
	return 0;
}

void postgresql_end(struct postgresql *pg)
{
	secret_release(&pg->password);
	secret_release(&pg->wrong);
	arena_release(&pg->arena);
}

static void put(struct postgresql *pg, struct node *map, const char *key,
		struct node *value)
{
	size_t i;

	for (i = 0; i < map->len; i++) {
		if (sv_eq_str(map->keys[i]->text, key)) {
			map->items[i] = value;
			return;
		}
	}
	map->keys[map->len] = conformance_text(&pg->arena, key);
	map->items[map->len++] = value;
}

static struct node *settings(struct postgresql *pg, struct node *server)
{
	struct node *map = conformance_map(&pg->arena, NULL);

	map->keys = arena_array(&pg->arena, 40, sizeof(*map->keys));
	map->items = arena_array(&pg->arena, 40, sizeof(*map->items));
	put(pg, map, "server", server);
	put(pg, map, "port", conformance_text(&pg->arena, pg->port));
	put(pg, map, "database", conformance_text(&pg->arena, pg->database));
	put(pg, map, "user", conformance_text(&pg->arena, pg->user));
	put(pg, map, "security", conformance_text(&pg->arena, "none"));
	return map;
}

struct node *postgresql_connect(struct postgresql *pg, ...)
{
	struct node *map =
		settings(pg, conformance_text(&pg->arena, pg->folder));
	const char *key;
	va_list args;

	va_start(args, pg);
	while ((key = va_arg(args, const char *)))
		put(pg, map, key,
		    conformance_text(&pg->arena, va_arg(args, const char *)));
	va_end(args);
	return map;
}

const char *postgresql_host(struct postgresql *pg)
{
	return arena_printf(&pg->arena, "127.0.0.1:%s", pg->port);
}

struct node *postgresql_servers(struct postgresql *pg, const char *first,
				const char *second)
{
	struct arena *arena = &pg->arena;

	return settings(
		pg, conformance_list(arena, conformance_text(arena, first),
				     conformance_text(arena, second), NULL));
}
