/*
 * test_records.c - the connectors over files of records keep the contract
 *
 * Each format twice: a file alone, and one with a file of changes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/records.h"
#include "connectors/records/xlsx_book.h"
#include "connectors/records/xml_scan.h"

#include "conformance.h"
#include "scratch.h"

/* A kind of file. */
struct kind {
	const struct connector_ops *ops;
	/* Writes a file with these objects; with `change` also what happened to
	 * each. */
	void (*write)(FILE *file, const struct conformance_object *objects,
		      size_t count, bool change);
	/* What is put before the end to make a record that is broken ... */
	const char *spoil;
	const char *phone; /* the name of the attribute with several values */
	bool sheet;        /* what is written is that of a workbook */
	const char *end;   /* ... and the end that it stands before; or NULL */
	/* Further settings: pairs, then NULL. */
	const char *settings[8];
	void (*more)(struct arena *arena, struct node *connect);
};

static const struct kind *kind;
static bool with_delta;
static struct scratch scratch;
static struct conformance_object changes[8];
static size_t change_count;

static const char *word_of(const struct conformance_object *object)
{
	return object->sn ? "modify" : "DELETE";
}

static void add_setting(struct node *map, const char *key, struct node *value)
{
	struct arena *arena = &scratch.arena;
	struct node **keys = arena_array(arena, map->len + 1, sizeof(*keys));
	struct node **items = arena_array(arena, map->len + 1, sizeof(*items));

	memcpy(keys, map->keys, map->len * sizeof(*keys));
	memcpy(items, map->items, map->len * sizeof(*items));
	keys[map->len] = conformance_text(arena, key);
	items[map->len++] = value;
	map->keys = keys;
	map->items = items;
}

/* --- JSON -------------------------------------------------------------- */

static void json_member(FILE *file, const char *name, const char *value)
{
	if (!value)
		return;
	(void)fprintf(file, ", \"%s\": \"", name);
	for (; *value; value++)
		(void)fprintf(file, strchr("\"\\", *value) ? "\\%c" : "%c",
			      *value);
	(void)fputs("\"", file);
}

static void json_object(FILE *file, const struct conformance_object *o,
			bool change)
{
	const char *phones = o->phones ? o->phones : "";

	(void)fprintf(file, "{\"uid\": \"%s\", \"telephoneNumber\": [", o->id);
	while (*phones) {
		size_t len = strcspn(phones, ";");

		(void)fprintf(file, "\"%.*s\"%s", (int)len, phones,
			      phones[len] ? ", " : "");
		phones += len + (phones[len] == ';');
	}
	(void)fputs("], \"more\": {\"a\": [1, {\"b\": null}]}", file);
	json_member(file, "sn", o->sn);
	json_member(file, "title", o->title);
	if (change)
		json_member(file, "change", word_of(o));
	(void)fputs("}", file);
}

static void write_jsonl(FILE *file, const struct conformance_object *objects,
			size_t count, bool change)
{
	size_t i;

	for (i = 0; i < count; i++) {
		json_object(file, &objects[i], change);
		(void)fputs(i ? "\n" : "\n\n", file);
	}
}

static void write_json(FILE *file, const struct conformance_object *objects,
		       size_t count, bool change)
{
	size_t i;

	(void)fputs("{\"version\": [1, \"]\"],\n \"data\": {\"people\": [\n",
		    file);
	for (i = 0; i < count; i++) {
		(void)fputs(i ? ",\n  " : "  ", file);
		json_object(file, &objects[i], change);
	}
	(void)fputs("\n]}, \"end\": true}\n", file);
}

/* --- lines ------------------------------------------------------------- */

static void write_fixed(FILE *file, const struct conformance_object *objects,
			size_t count, bool change)
{
	size_t i;

	(void)fprintf(file, "people of today\n");
	for (i = 0; i < count; i++) {
		const struct conformance_object *o = &objects[i];
		const char *phones = o->phones ? o->phones : "";
		size_t len = strcspn(phones, ";");
		/* printf counts bytes, the file characters */
		size_t wide = o->sn && strchr(o->sn, 0xC3) ? 41 : 40;

		(void)fprintf(file, "x%-5s%-*s%-20s%16.*s%16s%-6s\n", o->id,
			      (int)wide, o->sn ? o->sn : "",
			      o->title ? o->title : "", (int)len, phones,
			      phones[len] ? phones + len + 1 : "",
			      change ? word_of(o) : "");
	}
	(void)fprintf(file, "TRAILER %04zu.\n", count);
}

static struct node *fixed_column(struct arena *arena, const char *name,
				 const char *width, const char *align)
{
	return conformance_map(arena, "name", conformance_text(arena, name),
			       "width", conformance_text(arena, width), "align",
			       conformance_text(arena, align), NULL);
}

static void fixed_more(struct arena *arena, struct node *map)
{
	struct node *first = conformance_map(
		arena, "width", conformance_text(arena, "1"), NULL);

	add_setting(
		map, "columns",
		conformance_list(
			arena, first, fixed_column(arena, "uid", "5", "left"),
			fixed_column(arena, "sn", "40", "left"),
			fixed_column(arena, "title", "20", "left"),
			fixed_column(arena, "telephoneNumber", "16", "right"),
			fixed_column(arena, "telephoneNumber", "16", "right"),
			fixed_column(arena, "change", "6", "left"), NULL));
	add_setting(map, "trailer",
		    conformance_map(arena, "begins",
				    conformance_text(arena, "TRAILER"), NULL));
}

static void avp_pair(FILE *file, const char *name, const char *value)
{
	if (value)
		(void)fprintf(file, "%s: %s\n", name, value);
}

static void write_avp(FILE *file, const struct conformance_object *objects,
		      size_t count, bool change)
{
	size_t i;

	(void)fputs("# people\n\n", file);
	for (i = 0; i < count; i++) {
		const struct conformance_object *o = &objects[i];
		const char *phones = o->phones ? o->phones : "";

		(void)fputs(i ? "\n" : "", file);
		avp_pair(file, "uid", o->id);
		while (*phones) {
			size_t len = strcspn(phones, ";");

			(void)fprintf(file, "telephoneNumber: %.*s\n", (int)len,
				      phones);
			phones += len + (phones[len] == ';');
		}
		avp_pair(file, "sn", o->sn);
		avp_pair(file, "title", o->title);
		if (change)
			avp_pair(file, "change", word_of(o));
	}
}

/* --- XML --------------------------------------------------------------- */

static void xml_element(FILE *file, const char *name, const char *value)
{
	if (!value)
		return;
	(void)fprintf(file, "<p:%s>", name);
	for (; *value; value++)
		(void)fprintf(file, strchr("<&", *value) ? "&#%d;" : "%c",
			      *value);
	(void)fprintf(file, "</p:%s>\n", name);
}

static void write_xml(FILE *file, const struct conformance_object *objects,
		      size_t count, bool change)
{
	size_t i;

	(void)fputs("<?xml version='1.0'?>\n<all xmlns:p='urn:people'>\n"
		    "<p:person><uid>not me</uid></p:person>\n<people>\n",
		    file);
	for (i = 0; i < count; i++) {
		const struct conformance_object *o = &objects[i];
		const char *phones = o->phones ? o->phones : "";

		(void)fputs("  <other><p:uid>x</p:uid></other>\n  <p:person>\n",
			    file);
		xml_element(file, "uid", o->id);
		while (*phones) {
			size_t len = strcspn(phones, ";");

			(void)fprintf(file,
				      "<p:telephoneNumber kind='w'>%.*s"
				      "</p:telephoneNumber>",
				      (int)len, phones);
			phones += len + (phones[len] == ';');
		}
		xml_element(file, "sn", o->sn);
		xml_element(file, "title", o->title);
		if (change)
			xml_element(file, "change", word_of(o));
		(void)fputs("</p:person>\n", file);
	}
	(void)fputs("</people></all>\n", file);
}

/* --- workbooks --------------------------------------------------------- */

static void sheet_cell(FILE *file, char column, size_t row, const char *value)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);

	if (!value)
		return;
	xml_add_text(&text, sv_from(value));
	(void)fprintf(file,
		      "<c r=\"%c%zu\" t=\"inlineStr\"><is><t>%s</t></is></c>",
		      column, row, strbuf_cstr(&text));
	strbuf_release(&text);
}

static void write_sheet(FILE *file, const struct conformance_object *objects,
			size_t count, bool change)
{
	static const char *const names[] = {
		"uid",   "sn", "title", "telephoneNumber", "telephoneNumber",
		"change"
	};
	size_t i;

	(void)fputs("<?xml version=\"1.0\"?><worksheet><sheetData>"
		    "<row r=\"3\">",
		    file);
	for (i = 0; i < 6; i++)
		sheet_cell(file, (char)('B' + i), 3, names[i]);
	(void)fputs("</row>", file);
	for (i = 0; i < count; i++) {
		const struct conformance_object *o = &objects[i];
		const char *phones = o->phones ? o->phones : "";
		size_t len = strcspn(phones, ";");
		size_t row = i * 2 + 6;

		(void)fprintf(file, "<row r=\"%zu\" spans=\"2:6\">", row);
		sheet_cell(file, 'B', row, o->id);
		sheet_cell(file, 'C', row, o->sn);
		sheet_cell(file, 'D', row, o->title);
		sheet_cell(
			file, 'E', row,
			arena_printf(&scratch.arena, "%.*s", (int)len, phones));
		sheet_cell(file, 'F', row,
			   phones[len] ? phones + len + 1 : NULL);
		if (change)
			sheet_cell(file, 'G', row, word_of(o));
		(void)fprintf(file, "</row><row r=\"%zu\"/>", row + 1);
	}
	(void)fputs("</sheetData></worksheet>", file);
}

/* --- tables ------------------------------------------------------------ */

static void dbf_column(FILE *file, const char *name, int width)
{
	char bytes[32] = { 0 };

	(void)snprintf(bytes, 11, "%s", name);
	bytes[11] = 'C';
	bytes[16] = (char)width;
	(void)fwrite(bytes, 1, sizeof(bytes), file);
}

static void write_dbf(FILE *file, const struct conformance_object *objects,
		      size_t count, bool change)
{
	static const struct {
		const char *name;
		int width;
	} columns[] = { { "UID", 10 },   { "SN", 60 },    { "TITLE", 30 },
			{ "PHONE", 20 }, { "PHONE", 20 }, { "CHANGE", 6 } };
	/* a record more, which is marked as deleted */
	char head[32] = { 0x03, 126, 11,        22, (char)(count + 1), 0,
			  0,    0,   (char)225, 0,  (char)147,         0 };
	size_t i;

	head[29] = 0x03;
	head[4] = (char)((count + 1) & 0xFF);
	head[5] = (char)((count + 1) >> 8);
	(void)fwrite(head, 1, sizeof(head), file);
	for (i = 0; i < 6; i++)
		dbf_column(file, columns[i].name, columns[i].width);
	(void)fprintf(file, "\r*%-146s", "gone");
	for (i = 0; i < count; i++) {
		const struct conformance_object *o = &objects[i];
		const char *phones = o->phones ? o->phones : "";
		size_t len = strcspn(phones, ";");

		(void)fprintf(file, " %-10s%-60s%-30s%-20.*s%-20s%-6s", o->id,
			      o->sn ? o->sn : "", o->title ? o->title : "",
			      (int)len, phones,
			      phones[len] ? phones + len + 1 : "",
			      change ? word_of(o) : "");
	}
	(void)fputc(0x1A, file);
}

/* --- the suite --------------------------------------------------------- */

static const struct kind kinds[] = {
	{ .ops = &jsonl_connector,
	  .write = write_jsonl,
	  .spoil = "{\"uid\": \"broken\", }\n" },
	{ .ops = &json_connector,
	  .write = write_json,
	  .spoil = ", {\"uid\": \"broken\", }",
	  .end = "\n]}",
	  .settings = { "records", "data.people" } },
	{ .ops = &fixed_connector,
	  .write = write_fixed,
	  .spoil = "xbroke\n",
	  .end = "TRAILER",
	  .settings = { "header", "1" },
	  .more = fixed_more },
	{ .ops = &avp_connector,
	  .write = write_avp,
	  .spoil = "\nuid: broken\nwhat is this\n" },
	{ .ops = &xml_connector,
	  .write = write_xml,
	  .spoil = "<p:person><p:sn>nobody</p:sn></p:person>",
	  .end = "</people>",
	  .settings = { "records", "all/people/person" } },
	{ .ops = &xlsx_connector, .write = write_sheet, .sheet = true },
	{ .ops = &dbf_connector,
	  .write = write_dbf,
	  .phone = "PHONE",
	  .settings = { "code_page", "utf-8" } },
};

static int write_file(const char *name,
		      const struct conformance_object *objects, size_t count,
		      bool change)
{
	const char *path = scratch_path(&scratch, name);
	FILE *file = kind->sheet ? tmpfile() : fopen(path, "w");

	if (!file)
		return -1;
	kind->write(file, objects, count, change);
	if (kind->sheet)
		return fflush(file) ? -1
				    : xlsx_book_write(path, SV_NULL,
						      SV_LIT("a sheet"), file,
						      NULL, NULL);
	return fclose(file);
}

static int make(struct conformance *c, const struct conformance_object *objects,
		size_t count)
{
	struct arena *arena = &scratch.arena;
	struct node *connect;
	size_t i;

	if (scratch_make(&scratch) < 0)
		return -1;
	change_count = 0;
	connect = conformance_map(
		arena, "path", conformance_text(arena, "people.data"), "anchor",
		conformance_text(arena, "uid"), with_delta ? "delta" : NULL,
		conformance_map(arena, "path",
				conformance_text(arena, "delta.data"), "change",
				conformance_text(arena, "change"), NULL),
		NULL);
	for (i = 0; kind->settings[i]; i += 2)
		add_setting(connect, kind->settings[i],
			    conformance_text(arena, kind->settings[i + 1]));
	if (kind->more)
		kind->more(arena, connect);
	c->config.folder = scratch.folder;
	c->config.connect = connect;
	if (write_file("delta.data", NULL, 0, true) < 0)
		return -1;
	return write_file("people.data", objects, count, false);
}

static void unmake(struct conformance *c)
{
	(void)c;
	scratch_remove(&scratch);
}

static int spoil(struct conformance *c)
{
	struct sv text = scratch_read(&scratch, "people.data");
	size_t end = text.len;

	(void)c;
	if (kind->end)
		end = (size_t)((const char *)memmem(text.ptr, text.len,
						    kind->end,
						    strlen(kind->end)) -
			       text.ptr);
	return scratch_write(&scratch, "people.data",
			     arena_printf(&scratch.arena, SV_FMT "%s" SV_FMT,
					  SV_ARG(sv_sub(text, 0, end)),
					  kind->spoil,
					  SV_ARG(sv_sub(text, end, text.len))));
}

static int change(struct conformance *c,
		  const struct conformance_object *object)
{
	(void)c;
	changes[change_count++] = *object;
	return write_file("delta.data", changes, change_count, true);
}

static const struct node *broken(struct conformance *c)
{
	struct node *map = conformance_map(
		&scratch.arena, "path",
		conformance_text(&scratch.arena, "nowhere.data"), "anchor",
		conformance_text(&scratch.arena, "uid"), NULL);
	size_t i;

	(void)c;
	for (i = 0; kind->settings[i]; i += 2)
		add_setting(map, kind->settings[i],
			    conformance_text(&scratch.arena,
					     kind->settings[i + 1]));
	if (kind->more)
		kind->more(&scratch.arena, map);
	return map;
}

int main(void)
{
	struct conformance c = { .type = "person",
				 .make = make,
				 .unmake = unmake,
				 .broken = broken };
	int failed = 0;
	size_t i;

	for (i = 0; i < 2 * sizeof(kinds) / sizeof(*kinds); i++) {
		kind = &kinds[i / 2];
		with_delta = i % 2;
		c.ops = kind->ops;
		c.phone = kind->phone;
		c.spoil = kind->spoil ? spoil : NULL;
		c.change = with_delta ? change : NULL;
		failed += conformance_run(&c);
	}
	return failed;
}
