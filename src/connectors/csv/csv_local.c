/*
 * csv_local.c - the columns of a type's file, for the warnings of `check`
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/csv/csv_private.h"

/* The file's header alone; nothing has to be in it. */
static int read_names(const struct csv_source *of, struct arena *arena,
		      struct local_attrs *out)
{
	const struct connector_config nothing = { .agent = "" };
	struct csv_source source = *of;
	struct error err = ERROR_INIT;
	struct csv_reader reader;
	struct csv_layout layout;
	struct intake_file file;
	struct intake *intake = NULL;
	size_t i;
	int ret;

	source.anchor_count = 0;
	source.type = 0;
	if (intake_is_remote(source.feed.name))
		return 0;
	ret = intake_peek(source.feed.full, arena, &intake, &file, &err);
	if (ret > 0)
		ret = csv_source_open(&source, &file, &nothing,
				      CSV_LAYOUT_EXPORT, arena, &reader,
				      &layout, &err);
	intake_free(intake);
	if (ret <= 0)
		return 0;
	out->count = layout.count;
	out->names = arena_array(arena, layout.count, sizeof(*out->names));
	for (i = 0; i < layout.count; i++)
		out->names[i] = arena_cstr(arena, layout.names[i]);
	csv_reader_close(&reader);
	return layout.count > 0;
}

int csv_local_attrs(const struct connector_config *config, size_t type,
		    struct arena *arena, struct local_attrs *out)
{
	struct csv_source *sources;
	struct error err = ERROR_INIT;
	size_t count;
	size_t i;

	if (csv_sources_load(config, arena, &sources, &count, &err) < 0)
		return 0;
	for (i = 0; i < count; i++) {
		if (sources[i].type != type && sources[i].type != BY_COLUMN)
			continue;
		out->file = arena_cstr(arena, sources[i].feed.name);
		out->complete = true;
		return read_names(&sources[i], arena, out);
	}
	return 0;
}
