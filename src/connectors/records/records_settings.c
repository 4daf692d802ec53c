/*
 * records_settings.c - settings of files of records, and what is wrong in them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/records_private.h"

#include <stdio.h>

const struct setting_def records_delta_settings[] = {
	{ .name = "path",
	  .type = SETTING_PATH,
	  .required = true,
	  .help = "The file with the changes" },
	{ .name = "change",
	  .type = SETTING_TEXT,
	  .required = true,
	  .help = "The name that says what happened to the record's object" },
	{ .name = "add",
	  .type = SETTING_TEXT,
	  .fallback = "Add",
	  .help = "The word for a new object" },
	{ .name = "modify",
	  .type = SETTING_TEXT,
	  .fallback = "Modify",
	  .help = "The word for a changed object; its record is whole" },
	{ .name = "delete",
	  .type = SETTING_TEXT,
	  .fallback = "Delete",
	  .help = "The word for an object that is gone; its record needs only "
		  "the anchor" },
	{ .name = NULL },
};

static bool has_setting(const struct record_format *format, const char *name)
{
	const struct setting_def *def;

	for (def = format->file_settings; def->name; def++)
		if (sv_eq_str(sv_from(name), def->name))
			return true;
	return false;
}

const struct node *records_node(const struct records_source *source,
				const char *name)
{
	const struct node *node = node_get(source->own, name);

	return node ? node : node_get(source->all, name);
}

struct sv records_text(const struct records_source *source, const char *name)
{
	const struct node *from = node_get(source->own, name) ? source->own
							      : source->all;

	return setting_text(from, source->format->file_settings, name);
}

bool records_switch(const struct records_source *source, const char *name)
{
	bool on = false;

	(void)setting_parse_switch(records_text(source, name), &on);
	return on;
}

static size_t load_names(const struct records_source *source, const char *name,
			 struct arena *arena, struct sv **out)
{
	const struct node *node = records_node(source, name);
	size_t count;
	size_t i;

	if (!node)
		return 0;
	count = node->kind == NODE_SCALAR ? 1 : node->len;
	*out = arena_array(arena, count, sizeof(**out));
	for (i = 0; i < count; i++)
		(*out)[i] = node->kind == NODE_SCALAR ? node->text
						      : node->items[i]->text;
	return count;
}

static void load_delta(struct records_source *s, struct arena *arena)
{
	const struct setting_def *defs = records_delta_settings;
	const struct node *delta = node_get(s->own, "delta");

	if (!delta)
		return;
	s->delta_name = setting_text(delta, defs, "path");
	s->delta_path = connector_path(s->config, s->delta_name, arena);
	s->change = setting_text(delta, defs, "change");
	s->words[RECORDS_ADD] = setting_text(delta, defs, "add");
	s->words[RECORDS_MODIFY] = setting_text(delta, defs, "modify");
	s->words[RECORDS_DELETE] = setting_text(delta, defs, "delete");
}

static int load_source(struct records_source *s, struct arena *arena,
		       struct error *err)
{
	struct sv encoding;

	s->name = records_text(s, "path");
	s->path = connector_path(s->config, s->name, arena);
	s->anchor_count = load_names(s, "anchor", arena, &s->anchors);
	s->null = records_text(s, "null");
	s->create = records_switch(s, "create");
	if (!s->name.len)
		return error_set(err, ERR_INVALID,
				 "'path' is missing: the file");
	if (!s->anchor_count && !s->config->explore)
		return error_set(err, ERR_INVALID,
				 "'anchor' is missing: the name that "
				 "identifies an object for ever");
	load_delta(s, arena);
	if (has_setting(s->format, "encoding")) {
		encoding = records_text(s, "encoding");
		if (!text_encoding(encoding, arena, &s->encoding))
			return error_set(err, ERR_INVALID,
					 "the encoding '" SV_FMT "' is not "
					 "known; `iconv -l` lists those that "
					 "are",
					 SV_ARG(encoding));
	}
	return s->format->load ? s->format->load(s, arena, err) : 0;
}

int records_sources_load(const struct record_format *format,
			 const struct connector_config *config,
			 struct arena *arena, struct records_source **out,
			 size_t *count_out, struct error *err)
{
	const struct node *types = node_get(config->connect, "types");
	struct records_source *s;
	size_t i;

	*count_out = types ? config->type_count : 1;
	*out = arena_array(arena, *count_out, sizeof(**out));
	for (i = 0; i < *count_out; i++) {
		const struct node *type = node_get(config->connect, "type");

		s = &(*out)[i];
		s->format = format;
		s->config = config;
		s->all = config->connect;
		s->type = i;
		s->own = types ? node_get(types, config->types[i].name)
			       : config->connect;
		if (!s->own)
			return error_set(err, ERR_INVALID,
					 "no file is set for the type '%s'",
					 config->types[i].name);
		if (!types && type) {
			s->type = RECORDS_BY_NAME;
			s->type_name = type->text;
		}
		if (load_source(s, arena, err) < 0)
			return types ? error_context(err, "type '%s'",
						     config->types[i].name)
				     : -1;
	}
	return 0;
}

uint32_t records_caps(const struct connector_ops *ops,
		      const struct node *connect)
{
	const struct node *types = node_get(connect, "types");
	uint32_t caps = ops->caps & ~(uint32_t)CONNECTOR_CAP_DELTA;
	bool delta = node_get(connect, "delta") != NULL;
	size_t i;

	for (i = 0; types && types->kind == NODE_MAP && i < types->len; i++)
		delta = delta || node_get(types->items[i], "delta");
	return delta ? ops->caps : caps;
}

static void check_alone(const struct connector_config *config,
			setting_report_fn report, void *data)
{
	static const char *const alone[] = { "path", "delta", "type" };
	char message[256];
	size_t i;

	for (i = 0; i < sizeof(alone) / sizeof(*alone); i++) {
		if (!node_get(config->connect, alone[i]))
			continue;
		(void)snprintf(message, sizeof(message),
			       "'%s' stands inside each type when there is "
			       "'types'",
			       alone[i]);
		report(data, node_get(config->connect, alone[i]), message);
	}
}

void records_check(const struct connector_ops *ops,
		   const struct connector_config *config,
		   setting_report_fn report, void *data)
{
	const struct node *types = node_get(config->connect, "types");
	struct arena scratch = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct records_source *sources;
	size_t count;

	if (types)
		check_alone(config, report, data);
	if (records_sources_load(ops->data, config, &scratch, &sources, &count,
				 &err) < 0)
		report(data, types ? types : config->connect, err.msg);
	else if (!types && config->type_count > 1 &&
		 sources[0].type != RECORDS_BY_NAME &&
		 sources[0].type != RECORDS_BY_FORMAT)
		report(data, config->connect,
		       "the rule sets have several types: write 'types' with "
		       "a file for each, or 'type' with the name that tells "
		       "it");
	arena_release(&scratch);
}
