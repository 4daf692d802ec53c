/*
 * records_settings.c - settings of files of records, and what is wrong in them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/records_private.h"

#include <stdio.h>

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

/* Where the settings of one of its files stand. */
static struct feed_place feed_place(const struct records_source *s)
{
	const struct connector_config *config = s->config;
	const struct node *types = node_get(config->connect, "types");
	unsigned flags = s->create ? INTAKE_OPTIONAL : 0;

	return (struct feed_place){
		.config = config,
		.own = s->own,
		.defs = s->format->file_settings,
		.id = types && s->type < config->type_count
			      ? config->types[s->type].name
			      : "*",
		.flags = flags | (s->format->packed ? INTAKE_PACKED : 0) |
			 (s->format->lines ? 0 : INTAKE_DOCUMENT),
	};
}

static int load_source(struct records_source *s, struct arena *arena,
		       struct error *err)
{
	struct feed_place place;
	struct sv encoding;

	s->anchor_count = load_names(s, "anchor", arena, &s->anchors);
	s->null = records_text(s, "null");
	s->create = records_switch(s, "create");
	if (!records_text(s, "path").len)
		return error_set(err, ERR_INVALID,
				 "'path' is missing: the file");
	if (!s->anchor_count && !s->config->explore)
		return error_set(err, ERR_INVALID,
				 "'anchor' is missing: the name that "
				 "identifies an object for ever");
	place = feed_place(s);
	if (feed_load(&place, arena, &s->feed, err) < 0)
		return -1;
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
	const struct record_format *format = ops->data;
	uint32_t caps = CONNECTOR_CAP_IMPORT |
			feeds_export_caps(connect, format->file_settings);

	if (feeds_have_delta(connect))
		caps |= CONNECTOR_CAP_DELTA;
	return caps & ops->caps;
}

/* A file that several types share may be named outside of them. */
static void check_alone(const struct connector_config *config, bool shared,
			setting_report_fn report, void *data)
{
	static const char *const alone[] = { "path", "delta", "type" };
	char message[256];
	size_t i;

	for (i = shared ? 1 : 0; i < sizeof(alone) / sizeof(*alone); i++) {
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
	const struct record_format *format = ops->data;
	struct records_source *sources;
	struct feed_place place;
	size_t count;
	size_t i;

	if (types)
		check_alone(config, format->shared_file, report, data);
	if (records_sources_load(ops->data, config, &scratch, &sources, &count,
				 &err) < 0) {
		report(data, types ? types : config->connect, err.msg);
		count = 0;
	}
	for (i = 0; i < count; i++) {
		place = feed_place(&sources[i]);
		feed_check(&place, report, data);
	}
	if (count && !types && config->type_count > 1 &&
	    sources[0].type != RECORDS_BY_NAME &&
	    sources[0].type != RECORDS_BY_FORMAT)
		report(data, config->connect,
		       "the rule sets have several types: write 'types' with "
		       "a file for each, or 'type' with the name that tells "
		       "it");
	arena_release(&scratch);
}
