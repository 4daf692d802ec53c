/*
 * json_parse.c - the fields of an object
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/json.h"
#include "connectors/records/json_scan.h"

struct walk {
	struct json_scan scan;
	struct record_names *names;
	struct record *record;
	struct arena *arena;
	struct strbuf path; /* of the value that is read */
	bool keys;          /* nothing else is wanted ... */
	size_t found;       /* ... and so many have been */
};

/* All keys have been found: the rest does not matter. */
static bool enough(const struct walk *w)
{
	return w->keys && w->found == w->names->keys;
}

static void take(struct walk *w, struct sv text, size_t at)
{
	size_t name = record_names_find(w->names, strbuf_sv(&w->path));

	if (name == RECORD_NO_NAME || (w->keys && name >= w->names->keys))
		return;
	if (name < w->names->keys && text.len && !record_find(w->record, name))
		w->found++;
	record_add(w->record, w->arena, name, text, at);
}

static bool walk_value(struct walk *w);

static bool walk_object(struct walk *w)
{
	size_t len = w->path.len;
	bool first = true;
	struct sv name;

	if (!json_enter(&w->scan))
		return false;
	while (json_more(&w->scan, first)) {
		first = false;
		if (!json_member(&w->scan, w->arena, &name))
			return false;
		if (len)
			strbuf_addc(&w->path, '.');
		strbuf_addsv(&w->path, name);
		if (!walk_value(w))
			return false;
		w->path.len = len;
	}
	return !w->scan.error;
}

static bool walk_list(struct walk *w)
{
	bool first = true;

	if (!json_enter(&w->scan))
		return false;
	while (json_more(&w->scan, first)) {
		first = false;
		if (!walk_value(w))
			return false;
	}
	return !w->scan.error;
}

/* false: broken, or enough has been read. */
static bool walk_value(struct walk *w)
{
	struct sv text = SV_NULL;
	enum json_kind kind = json_peek(&w->scan);
	size_t at = w->scan.at;

	switch (kind) {
	case JSON_OBJECT:
		return walk_object(w);
	case JSON_ARRAY:
		return walk_list(w);
	case JSON_STRING:
		if (!json_scan_string(&w->scan, w->arena, &text))
			return false;
		take(w, text, at);
		return !enough(w);
	case JSON_WORD:
	case JSON_NULL:
		if (!json_word(&w->scan, &text))
			return false;
		take(w, kind == JSON_NULL ? SV_NULL : text, at);
		return !enough(w);
	case JSON_BROKEN:
		break;
	}
	return false;
}

void json_parse(const struct record_reader *r, bool keys, struct arena *arena,
		struct record *record)
{
	struct walk w = { .scan = json_scan(record->raw),
			  .names = r->names,
			  .record = record,
			  .arena = arena,
			  .path = STRBUF_INIT(STRBUF_NO_LIMIT),
			  .keys = keys && r->names->keys };

	if (json_peek(&w.scan) != JSON_OBJECT) {
		record->error = "a record should be here: { ... }";
	} else {
		if (walk_value(&w))
			(void)json_end(&w.scan);
		record->error = w.scan.error;
	}
	record->error_at = w.scan.at;
	strbuf_release(&w.path);
}
