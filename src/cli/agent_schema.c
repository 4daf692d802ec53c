/*
 * agent_schema.c - `conjoin agent schema`: types and attributes of a system
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/agent.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct view {
	struct cli *cli;
	const struct config_agent *agent;
	struct schema schema;
};

static const char *kind_name(enum schema_kind kind)
{
	switch (kind) {
	case SCHEMA_STRUCTURAL:
		return "structural";
	case SCHEMA_AUXILIARY:
		return "auxiliary";
	case SCHEMA_ABSTRACT:
		return "abstract";
	}
	return "";
}

/* The agent's type of this name, or NULL. */
static const struct object_type *mapped_type(const struct view *view,
					     const char *name)
{
	size_t i;

	for (i = 0; i < view->agent->type_count; i++)
		if (sv_ieq_str(sv_from(name), view->agent->types[i].name))
			return &view->agent->types[i];
	return NULL;
}

static bool is_mapped(const struct object_type *type, const char *attr)
{
	size_t index;

	return type && object_type_attr(type, sv_from(attr), &index);
}

static json_t *texts_json(const char *const *texts, size_t count)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		(void)json_array_append_new(list, json_of_text(texts[i]));
	return list;
}

/* --- types ------------------------------------------------------------- */

/* What an object can be of alone, and what the agent reads. */
static bool is_shown(const struct view *view, const struct schema_type *type)
{
	return type->kind == SCHEMA_STRUCTURAL ||
	       args_has(&view->cli->args, "all") ||
	       mapped_type(view, type->name);
}

static json_t *type_json(const struct view *view,
			 const struct schema_type *type)
{
	json_t *json = json_object();

	(void)json_object_set_new(json, "type", json_of_text(type->name));
	(void)json_object_set_new(json, "kind",
				  json_of_text(kind_name(type->kind)));
	(void)json_object_set_new(
		json, "superiors",
		texts_json(type->superiors, type->superior_count));
	(void)json_object_set_new(json, "mapped",
				  json_boolean(mapped_type(view, type->name)));
	(void)json_object_set_new(json, "help", json_of_text(type->help));
	return json;
}

static void types_text(const struct view *view)
{
	static const struct table_column columns[] = {
		{ "type", false },     { "kind", false },
		{ "superior", false }, { "attributes", true },
		{ "", false },
	};
	struct arena arena = ARENA_INIT;
	struct schema_member *members;
	struct table table;
	size_t left_out = 0;
	size_t i;

	table_init(&table, columns, 5);
	for (i = 0; i < view->schema.type_count; i++) {
		const struct schema_type *type = &view->schema.types[i];

		if (!is_shown(view, type)) {
			left_out++;
			continue;
		}
		table_addf(&table, "%s", type->name);
		table_addf(&table, "%s", kind_name(type->kind));
		table_addf(&table, "%s",
			   type->superior_count ? type->superiors[0] : "");
		table_addf(
			&table, "%zu",
			schema_members(&view->schema, type, &arena, &members));
		table_addf(&table, "%s",
			   mapped_type(view, type->name) ? "mapped" : "");
		arena_reset(&arena);
	}
	table_print(&table, &view->cli->output);
	table_release(&table);
	arena_release(&arena);
	if (left_out && !view->cli->output.quiet)
		(void)printf("%zu abstract and auxiliary types more with "
			     "--all\n",
			     left_out);
}

static json_t *types_json(const struct view *view)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < view->schema.type_count; i++)
		if (is_shown(view, &view->schema.types[i]))
			(void)json_array_append_new(
				list, type_json(view, &view->schema.types[i]));
	return list;
}

/* --- attributes -------------------------------------------------------- */

static void add_member(struct schema_member *list, size_t *count,
		       struct namemap *taken, const char *attr)
{
	if (namemap_get(taken, sv_from(attr), NULL))
		return;
	namemap_put(taken, sv_from(attr), 1);
	list[(*count)++] = (struct schema_member){ attr, false };
}

/* What servers keep beside every entry belongs to no class. */
static size_t with_others(const struct view *view,
			  const struct schema_member *members, size_t count,
			  struct schema_member **out)
{
	struct namemap *taken = namemap_new(true);
	struct schema_member *all = arena_array(&view->cli->arena,
						count + view->schema.attr_count,
						sizeof(*all));
	size_t i;
	size_t k;

	for (i = 0; i < count; i++) {
		all[i] = members[i];
		namemap_put(taken, sv_from(members[i].attr), 1);
	}
	for (i = 0; i < view->schema.type_count; i++)
		for (k = 0; k < view->schema.types[i].member_count; k++)
			namemap_put(
				taken,
				sv_from(view->schema.types[i].members[k].attr),
				1);
	for (i = 0; i < view->schema.attr_count; i++)
		add_member(all, &count, taken, view->schema.attrs[i].name);
	namemap_free(taken);
	*out = all;
	return count;
}

static size_t members_of(const struct view *view,
			 const struct schema_type *type,
			 struct schema_member **out)
{
	size_t count =
		schema_members(&view->schema, type, &view->cli->arena, out);

	if (args_has(&view->cli->args, "all"))
		count = with_others(view, *out, count, out);
	return count;
}

/* "required, read-only, mapped" */
static const char *notes_of(const struct schema_attr *attr,
			    const struct schema_member *member, bool mapped,
			    struct arena *arena)
{
	const struct {
		bool on;
		const char *word;
	} notes[] = {
		{ member->required, "required" },
		{ attr->identifies, "identifies" },
		{ attr->read_only, "read-only" },
		{ attr->type == VALUE_STRING && attr->match == MATCH_EXACT,
		  "case counts" },
		{ mapped, "mapped" },
	};
	const char *all = "";
	size_t i;

	for (i = 0; i < sizeof(notes) / sizeof(*notes); i++)
		if (notes[i].on)
			all = arena_printf(arena, "%s%s%s", all,
					   *all ? ", " : "", notes[i].word);
	return all;
}

static void attrs_text(const struct view *view, const struct schema_type *type)
{
	static const struct table_column columns[] = {
		{ "attribute", false }, { "type", false }, { "syntax", false },
		{ "matching", false },  { "", false },
	};
	const struct object_type *mapped = mapped_type(view, type->name);
	struct schema_member *members;
	size_t count = members_of(view, type, &members);
	struct table table;
	size_t i;

	table_init(&table, columns, 5);
	for (i = 0; i < count; i++) {
		const struct schema_attr *attr = schema_attr_find(
			&view->schema, sv_from(members[i].attr));

		if (!attr)
			continue;
		table_addf(&table, "%s", attr->name);
		table_addf(&table, attr->multi ? "[%s]" : "%s",
			   value_type_name(attr->type));
		table_addf(&table, "%s", attr->syntax ? attr->syntax : "");
		table_addf(&table, "%s", attr->equality ? attr->equality : "");
		table_addf(&table, "%s",
			   notes_of(attr, &members[i],
				    is_mapped(mapped, attr->name),
				    &view->cli->arena));
	}
	table_print(&table, &view->cli->output);
	table_release(&table);
}

static json_t *attr_json(const struct schema_attr *attr,
			 const struct schema_member *member, bool mapped)
{
	json_t *json = json_object();

	(void)json_object_set_new(json, "attribute", json_of_text(attr->name));
	(void)json_object_set_new(json, "type",
				  json_of_text(value_type_name(attr->type)));
	(void)json_object_set_new(json, "multi", json_boolean(attr->multi));
	(void)json_object_set_new(json, "required",
				  json_boolean(member->required));
	(void)json_object_set_new(json, "read_only",
				  json_boolean(attr->read_only));
	(void)json_object_set_new(json, "identifies",
				  json_boolean(attr->identifies));
	(void)json_object_set_new(json, "match",
				  json_of_text(attr->match == MATCH_EXACT
						       ? "exact"
						       : "ignore-case"));
	(void)json_object_set_new(json, "syntax", json_of_text(attr->syntax));
	(void)json_object_set_new(json, "matching",
				  json_of_text(attr->equality));
	(void)json_object_set_new(json, "mapped", json_boolean(mapped));
	(void)json_object_set_new(json, "help", json_of_text(attr->help));
	return json;
}

static json_t *attrs_json(const struct view *view,
			  const struct schema_type *type)
{
	const struct object_type *mapped = mapped_type(view, type->name);
	json_t *list = json_array();
	struct schema_member *members;
	size_t count = members_of(view, type, &members);
	size_t i;

	for (i = 0; i < count; i++) {
		const struct schema_attr *attr = schema_attr_find(
			&view->schema, sv_from(members[i].attr));

		if (attr)
			(void)json_array_append_new(
				list, attr_json(attr, &members[i],
						is_mapped(mapped, attr->name)));
	}
	return list;
}

/* --- the command ------------------------------------------------------- */

static enum run_exit no_type(const struct view *view, const char *name)
{
	const char **names = arena_array(
		&view->cli->arena, view->schema.type_count + 1, sizeof(*names));
	struct error err = ERROR_INIT;
	size_t i;

	for (i = 0; i < view->schema.type_count; i++)
		names[i] = view->schema.types[i].name;
	(void)error_set(
		&err, ERR_NOTFOUND, "the system of '%s' has no type '%s'%s",
		view->agent->name, name,
		cli_near(view->cli, name, names, view->schema.type_count,
			 "; without --type they are listed"));
	return cli_fail(view->cli, &err);
}

static int by_name(const void *a, const void *b)
{
	const struct schema_type *left = a;
	const struct schema_type *right = b;

	return strcasecmp(left->name, right->name);
}

static enum run_exit show(const struct view *view)
{
	struct cli *cli = view->cli;
	const char *name = args_value(&cli->args, "type");
	const struct schema_type *type = NULL;
	json_t *json;

	if (name) {
		type = schema_type_find(&view->schema, sv_from(name));
		if (!type)
			return no_type(view, name);
	}
	if (cli->output.json) {
		json = type ? type_json(view, type) : json_object();
		(void)json_object_set_new(json, "agent",
					  json_of_text(view->agent->name));
		(void)json_object_set_new(json, "source",
					  json_of_text(view->schema.source));
		(void)json_object_set_new(json, "guessed",
					  json_boolean(view->schema.guessed));
		(void)json_object_set_new(json, type ? "attributes" : "types",
					  type ? attrs_json(view, type)
					       : types_json(view));
		output_json(&cli->output, json);
		return RUN_OK;
	}
	if (type)
		attrs_text(view, type);
	else
		types_text(view);
	if (!cli->output.quiet)
		(void)printf(
			"%s %s\n",
			view->schema.guessed ? "by the first objects of"
					     : "as the system publishes it in",
			output_safe(sv_from(view->schema.source), &cli->arena));
	return RUN_OK;
}

static enum run_exit ask_system(struct session *session, struct view *view)
{
	const struct config_agent *agent = view->agent;
	const struct connector_config config = {
		.agent = agent->name,
		.folder = session->config->folder,
		.connect = agent->connect,
		.types = agent->types,
		.type_count = agent->type_count,
		.secret = secrets_resolve,
		.secret_data = &session->secrets,
	};
	struct connector connector;
	struct error err = ERROR_INIT;
	int ret = connector_open(&connector, agent->ops, &config, &err);

	if (ret == 0)
		ret = connector_schema(&connector, &view->cli->arena,
				       &view->schema, &err);
	connector_close(&connector);
	if (ret == 0 && view->schema.type_count)
		qsort(view->schema.types, view->schema.type_count,
		      sizeof(*view->schema.types), by_name);
	if (ret == 0)
		return show(view);
	/* the system was not as it should be, whatever is wrong with it */
	return err.code == ERR_UNSUPPORTED
		       ? cli_fail(view->cli, &err)
		       : cli_fail_as(view->cli, RUN_FAILED, &err);
}

enum run_exit agent_schema(struct cli *cli)
{
	struct view view = { .cli = cli };
	struct session session;
	enum run_exit exit;

	if (!cli_word(cli, 1))
		return cli_misuse(cli, "the schema of which agent?");
	if (cli_word(cli, 2))
		return cli_misuse(cli, "'schema' does not take '%s'",
				  cli_word(cli, 2));
	exit = session_open(&session, cli, SESSION_RIGHT, NULL);
	if (exit != RUN_OK)
		return exit;
	view.agent = session_agent(&session, cli_word(cli, 1));
	exit = view.agent ? ask_system(&session, &view) : RUN_USAGE;
	session_close(&session);
	return exit;
}
