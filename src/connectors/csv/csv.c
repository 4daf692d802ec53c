/*
 * csv.c - the csv connector: session, table of operations
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/csv/csv.h"

#include "connectors/csv/csv_private.h"
#include "connectors/look_file.h"

static uint32_t csv_caps(const struct connector_ops *ops,
			 const struct node *connect)
{
	uint32_t caps = CONNECTOR_CAP_IMPORT;

	(void)ops;
	caps |= feeds_export_caps(connect, csv_settings);
	return feeds_have_delta(connect) ? caps | CONNECTOR_CAP_DELTA : caps;
}

static void csv_close(struct connector_session *s)
{
	if (!s)
		return;
	csv_import_free(s->import);
	intake_free(s->intake);
	csv_export_free(s->export);
	arena_release(&s->arena);
	mem_free(s);
}

static int csv_open(const struct connector_ops *ops,
		    const struct connector_config *config,
		    struct connector_session **out, struct error *err)
{
	struct connector_session *s = mem_zalloc(sizeof(*s));

	(void)ops;
	s->config = config;
	if (csv_sources_load(config, &s->arena, &s->sources, &s->source_count,
			     err) < 0) {
		csv_close(s);
		return -1;
	}
	if (config->explore)
		csv_guess_dialect(s);
	*out = s;
	return 0;
}

static int csv_look(struct connector_session *s, struct arena *arena,
		    struct connector_look *out, struct error *err)
{
	size_t i;

	(void)err;
	if (!feeds_are_plain(s->config->connect, csv_settings))
		return 0;
	for (i = 0; i < s->source_count; i++)
		if (!feed_tells_changes(&s->sources[i].feed))
			look_at_file(s->sources[i].feed.path, arena, out);
	return 0;
}

int csv_row_type(const struct connector_session *s,
		 const struct csv_source *source,
		 const struct csv_layout *layout, const struct csv_row *row,
		 size_t *out)
{
	struct sv name;
	size_t i;

	if (source->type != BY_COLUMN) {
		*out = source->type;
		return source->type < s->config->type_count;
	}
	name = sv_trim(csv_field(source, row, layout->type));
	for (i = 0; i < s->config->type_count; i++) {
		if (sv_ieq_str(name, s->config->types[i].name)) {
			*out = i;
			return 1;
		}
	}
	return 0;
}

#define CSV_CONNECTOR                                                          \
	.abi = CONNECTOR_ABI,                                                  \
	.help = "Delimited text files, one row for each object.",              \
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA |                   \
		CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_AT_ONCE |                 \
		CONNECTOR_CAP_WHOLE,                                           \
	.settings = csv_settings, .caps_of = csv_caps, .check = csv_check,     \
	.local_attrs = csv_local_attrs, .open = csv_open, .close = csv_close,  \
	.look = csv_look, .schema = csv_schema, .sample = csv_sample,          \
	.import_begin = csv_import_begin, .next = csv_import_next,             \
	.expand = csv_import_expand, .place = csv_import_place,                \
	.import_end = csv_import_end, .import_kept = csv_import_kept,          \
	.import_flawed = csv_import_flawed, .import_note = csv_import_note,    \
	.import_progress = csv_import_progress,                                \
	.export_begin = csv_export_begin, .export_put = csv_export_put,        \
	.export_result = csv_export_result, .export_end = csv_export_end,

const struct connector_ops csv_connector = { .name = "csv", CSV_CONNECTOR };

const struct connector_ops delimited_connector = { .name = "delimited",
						   CSV_CONNECTOR };
