/*
 * csv_out.c - results as CSV
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/csv_out.h"

#include <string.h>

int csv_out_begin(struct csv_out *csv, const struct output *output,
		  const char *const *titles, size_t count, struct error *err)
{
	static const struct csv_dialect dialect = { .delimiter = ',',
						    .quote = '"' };
	struct sv *fields;
	size_t i;

	memset(csv, 0, sizeof(*csv));
	csv->output = output;
	if (csv_writer_open(&csv->writer, &dialect, false, stdout, err) < 0)
		return -1;
	fields = arena_array(&csv->arena, count, sizeof(*fields));
	for (i = 0; i < count; i++)
		fields[i] = sv_from(titles[i]);
	return csv_out_row(csv, fields, count, err);
}

int csv_out_row(struct csv_out *csv, const struct sv *fields, size_t count,
		struct error *err)
{
	struct sv *safe;
	size_t i;
	int ret;

	if (!csv->output->terminal)
		return csv_write_row(&csv->writer, fields, count, err);
	safe = arena_array(&csv->arena, count, sizeof(*safe));
	for (i = 0; i < count; i++)
		safe[i] = sv_from(output_safe(fields[i], &csv->arena));
	ret = csv_write_row(&csv->writer, safe, count, err);
	arena_reset(&csv->arena);
	return ret;
}

int csv_out_end(struct csv_out *csv, struct error *err)
{
	int ret = 0;

	if (err->code == ERR_NONE)
		ret = csv_writer_flush(&csv->writer, err);
	csv_writer_close(&csv->writer);
	arena_release(&csv->arena);
	return ret;
}
