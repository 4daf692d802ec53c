/*
 * sql_target.c - the suite of connectors on a database over ODBC
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sql_target.h"

#include "connectors/sql/dialect.h"
#include "connectors/sql/sql.h"

#include <stdio.h>
#include <string.h>

static int secret(void *data, struct sv reference, struct secret *out,
		  struct error *err)
{
	const struct sql_target *target = data;

	(void)reference;
	(void)err;
	secret_set(out, secret_view(target->password));
	return 0;
}

static int run(struct sql_target *target, const char *sql,
	       const char *const *values, size_t count)
{
	struct sql_param params[3];
	struct sql_run one = { .sql = sql,
			       .params = params,
			       .param_count = count };
	struct sql_failure failure;
	struct error err = ERROR_INIT;
	size_t failed;
	size_t i;

	for (i = 0; i < count; i++)
		params[i] = (struct sql_param){ sv_from(values[i]), NULL };
	if (sql_odbc.execute(target->link, &one, 1, target->arena, &failed,
			     &failure, &err) == 1)
		return 0;
	(void)fprintf(stderr, "%s: %s\n", sql, err.msg);
	return -1;
}

static int put(struct sql_target *target,
	       const struct conformance_object *object)
{
	const char *const row[] = { object->id, object->sn, object->title };
	struct sv phones = object->phones ? sv_from(object->phones) : SV_NULL;
	size_t from = 0;

	if (run(target, "INSERT INTO person VALUES (?, ?, ?)", row, 3) < 0)
		return -1;
	while (from < phones.len) {
		size_t to = sv_find(phones, ';', from);
		const char *const phone[] = {
			object->id,
			arena_cstr(target->arena, sv_sub(phones, from, to))
		};

		if (run(target, "INSERT INTO phone VALUES (?, ?)", phone, 2) <
		    0)
			return -1;
		from = to + 1;
	}
	return 0;
}

static struct node *text(struct sql_target *target, const char *value)
{
	return conformance_text(target->arena, value);
}

/* The map with these pairs behind its own. */
static struct node *with(struct sql_target *target, struct node *map,
			 const char *const *pairs)
{
	struct node *out = arena_zalloc(target->arena, sizeof(*out));
	size_t i;

	*out = *map;
	out->keys =
		arena_array(target->arena, map->len + 10, sizeof(*map->keys));
	out->items =
		arena_array(target->arena, map->len + 10, sizeof(*map->items));
	for (i = 0; i < map->len; i++) {
		out->keys[i] = map->keys[i];
		out->items[i] = map->items[i];
	}
	for (; *pairs; pairs += 2) {
		out->keys[out->len] = text(target, pairs[0]);
		out->items[out->len++] = text(target, pairs[1]);
	}
	return out;
}

static int make(struct conformance *c, const struct conformance_object *objects,
		size_t count)
{
	struct sql_target *target = c->data;
	const char *const pairs[] = { "table",    "person",
				      "anchor",   "uid",
				      "batch",    target->alone ? "1" : "5",
				      "password", "env:X",
				      NULL };
	/* SQL Server's varchar is of a code page */
	const char *type = strcmp(target->link->dialect->name, "sqlserver") == 0
				   ? "nvarchar"
				   : "varchar";
	struct node *phones;
	struct node *map;
	size_t i;

	if (run(target, "DROP TABLE IF EXISTS phone", NULL, 0) < 0 ||
	    run(target, "DROP TABLE IF EXISTS person", NULL, 0) < 0 ||
	    run(target,
		arena_printf(target->arena,
			     "CREATE TABLE person (uid %s(40) UNIQUE, "
			     "sn %s(60) NOT NULL, title %s(200))",
			     type, type, type),
		NULL, 0) < 0 ||
	    run(target,
		arena_printf(target->arena,
			     "CREATE TABLE phone (uid %s(40) REFERENCES "
			     "person (uid), number %s(40), "
			     "PRIMARY KEY (uid, number))",
			     type, type),
		NULL, 0) < 0)
		return -1;
	for (i = 0; i < count; i++)
		if (put(target, &objects[i]) < 0)
			return -1;
	map = with(target, target->reach(target), pairs);
	if (!target->password)
		map->len--;
	phones = conformance_map(target->arena, "telephoneNumber",
				 conformance_map(target->arena, "table",
						 text(target, "phone"), "key",
						 text(target, "uid"), "value",
						 text(target, "number"), NULL),
				 NULL);
	map->keys[map->len] = text(target, "values");
	map->items[map->len++] = phones;
	c->config.folder = target->folder;
	c->config.connect = map;
	c->config.secret = secret;
	c->config.secret_data = target;
	return 0;
}

static int spoil(struct conformance *c)
{
	return run(c->data, "INSERT INTO person (uid, sn) VALUES (NULL, 'x')",
		   NULL, 0);
}

static const struct node *broken(struct conformance *c)
{
	static const char *const pairs[] = { "table", "nowhere", "anchor",
					     "uid", NULL };
	struct sql_target *target = c->data;

	return with(target, target->reach(target), pairs);
}

int sql_target_run(struct sql_target *target)
{
	struct conformance c = { .ops = &sql_connector,
				 .type = "person",
				 .make = make,
				 .spoil = spoil,
				 .broken = broken,
				 .data = target };
	struct sql_place place = { .folder = target->folder,
				   .password = target->password,
				   .connect = target->reach(target) };
	struct error err = ERROR_INIT;
	int failed = 0;
	int round;

	if (sql_odbc.open(&place, &target->link, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	for (round = 0; round < 2; round++) {
		target->alone = round == 1;
		failed += conformance_run(&c);
	}
	sql_odbc.close(target->link);
	return failed;
}
