/*
 * jsonl.c - a JSON object on each line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/json.h"
#include "connectors/records/records.h"

static int jsonl_next(struct record_reader *r, struct arena *arena,
		      struct record *record, struct error *err)
{
	struct strbuf blank = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv line = SV_NULL;
	int ret;

	for (;;) {
		record->line = r->line;
		ret = record_line(r, &line, &record->raw, err);
		if (ret <= 0 || sv_trim(line).len)
			break;
		if (r->writing)
			strbuf_addsv(&blank, record->raw);
	}
	record->lead = arena_dup(arena, strbuf_sv(&blank));
	if (!ret && blank.len)
		r->tail = arena_dup(&r->arena, strbuf_sv(&blank));
	strbuf_release(&blank);
	return ret;
}

/* The end of the line is none of the object's. */
static void jsonl_parse(const struct record_reader *r, bool keys,
			struct arena *arena, struct record *record)
{
	struct sv raw = record->raw;

	record->raw = record_strip(raw);
	json_parse(r, keys, arena, record);
	record->raw = raw;
}

static int jsonl_compose(struct record_edit *edit)
{
	edit->old = record_strip(edit->old);
	if (json_compose(edit) < 0)
		return -1;
	edit->out = sv_from(arena_printf(edit->arena, SV_FMT "%s",
					 SV_ARG(edit->out), edit->end_of_line));
	return 0;
}

static const struct setting_def jsonl_file_settings[] = {
	RECORDS_FILE_SETTINGS,
	RECORDS_ENCODING,
	{ .name = NULL },
};

static const struct setting_def jsonl_settings[] = {
	RECORDS_FILE_SETTINGS,
	RECORDS_ENCODING,
	RECORDS_TYPES(jsonl_file_settings),
	{ .name = NULL },
};

static const struct record_format jsonl_format = {
	.name = "jsonl",
	.file_settings = jsonl_file_settings,
	.lines = true,
	.base64 = true,
	.next = jsonl_next,
	.parse = jsonl_parse,
	.compose = jsonl_compose,
	.before = record_before_line,
};

const struct connector_ops jsonl_connector = {
	RECORDS_CONNECTOR(jsonl_format),
	.name = "jsonl",
	.help = "Files with a JSON object on each line.",
	.settings = jsonl_settings,
};
