/*
 * records.c - a session of a connector over files of records
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/look_file.h"
#include "connectors/records/records_private.h"

void records_close(struct connector_session *s)
{
	if (!s)
		return;
	records_import_free(s->import);
	intake_free(s->intake);
	records_export_free(s->export);
	arena_release(&s->arena);
	mem_free(s);
}

int records_open(const struct connector_ops *ops,
		 const struct connector_config *config,
		 struct connector_session **out, struct error *err)
{
	struct connector_session *s = mem_zalloc(sizeof(*s));

	s->config = config;
	s->format = ops->data;
	if (records_sources_load(s->format, config, &s->arena, &s->sources,
				 &s->source_count, err) < 0) {
		records_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

int records_look(struct connector_session *s, struct arena *arena,
		 struct connector_look *out, struct error *err)
{
	size_t i;

	(void)err;
	if (!feeds_are_plain(s->config->connect, s->format->file_settings))
		return 0;
	for (i = 0; i < s->source_count; i++)
		if (!feed_tells_changes(&s->sources[i].feed))
			look_at_file(s->sources[i].feed.path, arena, out);
	return 0;
}
