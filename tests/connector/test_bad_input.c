/*
 * test_bad_input.c - what is not as it should be, in every format of files
 *
 * Files of five people in which one thing is wrong: what an import makes of
 * each is told by a line. Whoever else stands in the file is read; an error
 * names file and place. And files that end too early, at every byte: where the
 * format can know, the import fails, so that nobody is taken to be gone;
 * where it cannot, only the last one may be lost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/csv/csv.h"
#include "connectors/ldif/dsml.h"
#include "connectors/ldif/ldif.h"
#include "connectors/records/records.h"
#include "connectors/records/xlsx_book.h"

#include "conformance.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PEOPLE 5

/* A kind of file. */
struct format {
	const char *label;
	const struct connector_ops *ops;
	const char *settings[8]; /* pairs, then NULL */
	const char *head;
	void (*row)(FILE *file, size_t i, struct sv text);
	const char *join; /* between rows */
	const char *tail;
	/* Can it be told that a file ends too early? */
	bool knows_end;
	void (*more)(struct node *connect);
	/* Makes a file of the bytes; NULL: they are the file. */
	int (*wrap)(const char *path, struct sv bytes);
};

static struct scratch scratch;
static const struct format *format;
static struct connector_config config;

static void put_text(FILE *file, struct sv text)
{
	(void)fwrite(text.ptr, 1, text.len, file);
}

static void csv_row(FILE *file, size_t i, struct sv text)
{
	(void)fprintf(file, "k%zu,", i);
	put_text(file, text);
	(void)fputs(",1\n", file);
}

static void ldif_row(FILE *file, size_t i, struct sv text)
{
	(void)fprintf(file, "dn: id=k%zu,o=x\nobjectClass: person\ntext: ", i);
	put_text(file, text);
	(void)fputs("\nmany: 1\n\n", file);
}

static void dsml_row(FILE *file, size_t i, struct sv text)
{
	(void)fprintf(file,
		      "<entry dn=\"id=k%zu,o=x\"><objectclass><oc-value>person"
		      "</oc-value></objectclass><attr name=\"text\"><value>",
		      i);
	put_text(file, text);
	(void)fputs("</value></attr><attr name=\"many\"><value>1</value>"
		    "</attr></entry>",
		    file);
}

static void json_row(FILE *file, size_t i, struct sv text)
{
	(void)fprintf(file, "{\"id\": \"k%zu\", \"text\": \"", i);
	put_text(file, text);
	(void)fputs("\", \"many\": [1]}", file);
}

static void jsonl_row(FILE *file, size_t i, struct sv text)
{
	json_row(file, i, text);
	(void)fputc('\n', file);
}

static void avp_row(FILE *file, size_t i, struct sv text)
{
	(void)fprintf(file, "id: k%zu\ntext: ", i);
	put_text(file, text);
	(void)fputs("\nmany: 1\n\n", file);
}

static void fixed_row(FILE *file, size_t i, struct sv text)
{
	size_t n;

	(void)fprintf(file, "k%-3zu", i);
	put_text(file, text);
	for (n = text.len; n < 8; n++)
		(void)fputc(' ', file);
	(void)fputs("1  \n", file);
}

static void xml_row(FILE *file, size_t i, struct sv text)
{
	(void)fprintf(file, "<person><id>k%zu</id><text>", i);
	put_text(file, text);
	(void)fputs("</text><many>1</many></person>\n", file);
}

static void xlsx_row(FILE *file, size_t i, struct sv text)
{
	(void)fprintf(file,
		      "<row r=\"%zu\"><c r=\"A%zu\" t=\"inlineStr\"><is><t>k%zu"
		      "</t></is></c><c r=\"B%zu\" t=\"inlineStr\"><is><t>",
		      i + 2, i + 2, i, i + 2);
	put_text(file, text);
	(void)fprintf(file, "</t></is></c><c r=\"C%zu\"><v>1</v></c></row>",
		      i + 2);
}

static void dbf_row(FILE *file, size_t i, struct sv text)
{
	size_t n;

	(void)fprintf(file, " k%-3zu", i);
	put_text(file, text);
	for (n = text.len; n < 8; n++)
		(void)fputc(' ', file);
	(void)fputs("1  ", file);
}

/* A header that tells of five records. */
static int dbf_wrap(const char *path, struct sv bytes)
{
	char head[32] = { 0x03, 126, 11, 22 };
	struct {
		const char *name;
		char width;
	} columns[] = { { "ID", 4 }, { "TEXT", 8 }, { "MANY", 3 } };
	FILE *file = fopen(path, "w");
	char at[32];
	size_t i;

	if (!file)
		return -1;
	head[4] = PEOPLE;
	head[8] = (char)(33 + 3 * 32);
	head[10] = 16;
	(void)fwrite(head, 1, sizeof(head), file);
	for (i = 0; i < 3; i++) {
		memset(at, 0, sizeof(at));
		(void)snprintf(at, 11, "%s", columns[i].name);
		at[11] = 'C';
		at[16] = columns[i].width;
		(void)fwrite(at, 1, sizeof(at), file);
	}
	(void)fputc('\r', file);
	put_text(file, bytes);
	return fclose(file);
}

static int xlsx_wrap(const char *path, struct sv bytes)
{
	FILE *file = tmpfile();

	if (!file)
		return -1;
	put_text(file, bytes);
	if (fflush(file))
		return -1;
	return xlsx_book_write(path, SV_NULL, SV_LIT("people"), file, NULL,
			       NULL);
}

static struct node *column(const char *name, const char *width)
{
	return conformance_map(&scratch.arena, "name",
			       conformance_text(&scratch.arena, name), "width",
			       conformance_text(&scratch.arena, width), NULL);
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

static void fixed_more(struct node *connect)
{
	add_setting(connect, "columns",
		    conformance_list(&scratch.arena, column("id", "4"),
				     column("text", "8"), column("many", "3"),
				     NULL));
}

static void trailer_more(struct node *connect)
{
	fixed_more(connect);
	add_setting(
		connect, "trailer",
		conformance_map(&scratch.arena, "begins",
				conformance_text(&scratch.arena, "T"), "start",
				conformance_text(&scratch.arena, "2"), "width",
				conformance_text(&scratch.arena, "3"), NULL));
}

enum {
	CSV,
	LDIF,
	DSML,
	JSON,
	JSONL,
	AVP,
	FIXED,
	TRAILER,
	XML,
	XLSX,
	DBF,
	FORMATS
};

static const struct format formats[FORMATS] = {
	[CSV] = { "csv",
		  &csv_connector,
		  { NULL },
		  "id,text,many\n",
		  csv_row,
		  "",
		  "",
		  false,
		  NULL,
		  NULL },
	[LDIF] = { "ldif",
		   &ldif_connector,
		   { NULL },
		   "version: 1\n\n",
		   ldif_row,
		   "",
		   "",
		   false,
		   NULL,
		   NULL },
	[DSML] = { "dsml",
		   &dsml_connector,
		   { NULL },
		   "<dsml><directory-entries>",
		   dsml_row,
		   "\n",
		   "</directory-entries></dsml>",
		   true,
		   NULL,
		   NULL },
	[JSON] = { "json",
		   &json_connector,
		   { "records", "people" },
		   "{\"people\": [\n",
		   json_row,
		   ",\n",
		   "\n]}",
		   true,
		   NULL,
		   NULL },
	[JSONL] = { "jsonl",
		    &jsonl_connector,
		    { NULL },
		    "",
		    jsonl_row,
		    "",
		    "",
		    false,
		    NULL,
		    NULL },
	[AVP] = { "avp",
		  &avp_connector,
		  { NULL },
		  "",
		  avp_row,
		  "",
		  "",
		  false,
		  NULL,
		  NULL },
	[FIXED] = { "fixed",
		    &fixed_connector,
		    { NULL },
		    "",
		    fixed_row,
		    "",
		    "",
		    false,
		    fixed_more,
		    NULL },
	[TRAILER] = { "fixed with a trailer",
		      &fixed_connector,
		      { NULL },
		      "",
		      fixed_row,
		      "",
		      "T005",
		      true,
		      trailer_more,
		      NULL },
	[XML] = { "xml",
		  &xml_connector,
		  { "records", "all/person" },
		  "<all>",
		  xml_row,
		  "",
		  "</all>",
		  true,
		  NULL,
		  NULL },
	[XLSX] = { "xlsx",
		   &xlsx_connector,
		   { NULL },
		   "<?xml version=\"1.0\"?><worksheet><sheetData><row r=\"1\">"
		   "<c r=\"A1\" t=\"inlineStr\"><is><t>id</t></is></c>"
		   "<c r=\"B1\" t=\"inlineStr\"><is><t>text</t></is></c>"
		   "<c r=\"C1\" t=\"inlineStr\"><is><t>many</t></is></c>"
		   "</row>",
		   xlsx_row,
		   "",
		   "</sheetData></worksheet>",
		   true,
		   NULL,
		   xlsx_wrap },
	[DBF] = { "dbf",
		  &dbf_connector,
		  { "code_page", "utf-8" },
		  "",
		  dbf_row,
		  "",
		  "\x1A",
		  true,
		  NULL,
		  dbf_wrap },
};

static void configure(const struct format *of)
{
	static const struct attr_def attrs[] = {
		{ .name = "text", .type = VALUE_STRING },
		{ .name = "many", .type = VALUE_STRING, .multi = true },
	};
	static const struct object_type type = { "person", attrs, 2 };
	struct arena *arena = &scratch.arena;
	struct node *connect = conformance_map(
		arena, "path", conformance_text(arena, "people.data"), "anchor",
		conformance_text(arena,
				 of->ops == &ldif_connector ||
						 of->ops == &dsml_connector
					 ? "dn"
					 : "id"),
		NULL);
	size_t i;

	format = of;
	for (i = 0; of->settings[i]; i += 2)
		add_setting(connect, of->settings[i],
			    conformance_text(arena, of->settings[i + 1]));
	if (of->more)
		of->more(connect);
	config = (struct connector_config){ .agent = "test",
					    .folder = scratch.folder,
					    .connect = connect,
					    .types = &type,
					    .type_count = 1 };
}

/* Five people; the text of the third is another one. */
static struct sv good_bytes(struct sv third)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&bytes, &len);
	struct sv copy;
	size_t i;

	assert_non_null(file);
	(void)fputs(format->head, file);
	for (i = 0; i < PEOPLE; i++) {
		(void)fputs(i ? format->join : "", file);
		format->row(file, i, i == 2 ? third : SV_LIT("Ada"));
	}
	(void)fputs(format->tail, file);
	assert_int_equal(fclose(file), 0);
	copy = arena_dup(&scratch.arena, sv_make(bytes, len));
	free(bytes);
	return copy;
}

static void write_bytes(struct sv bytes)
{
	const char *path = scratch_path(&scratch, "people.data");

	if (format->wrap)
		assert_int_equal(format->wrap(path, bytes), 0);
	else
		assert_int_equal(
			scratch_put(&scratch, "people.data", "w", bytes), 0);
}

static bool has_place(struct sv where)
{
	struct sv name = SV_LIT("people.data:");

	return sv_starts(where, name) && where.len > name.len;
}

/* --- what an import makes of it ---------------------------------------- */

struct told {
	struct strbuf text; /* "k0 k1 !k2:parse-error k3", "failed" */
	char error[512];
	size_t whole; /* people as they are in a good file */
	bool failed;
};

/* "k0" of "id=k0,o=x" */
static struct sv short_name(struct sv anchor)
{
	if (!sv_starts(anchor, SV_LIT("id=")))
		return anchor;
	return sv_sub(anchor, 3, sv_find(anchor, ',', 0));
}

static void tell(struct told *told, const struct change *change)
{
	struct strbuf *out = &told->text;
	struct sv name = short_name(change->anchor);
	size_t i;

	if (out->len)
		strbuf_addc(out, ' ');
	if (change->op == CHANGE_ERROR) {
		strbuf_addf(out, "!" SV_FMT ":%s", SV_ARG(name), change->error);
		if (!change->message.len || !has_place(change->where))
			fail_msg("%s: '%s' at '" SV_FMT "': " SV_FMT,
				 format->label, change->error,
				 SV_ARG(change->where),
				 SV_ARG(change->message));
		return;
	}
	strbuf_addsv(out, name);
	for (i = 0; i < change->attr_count; i++)
		if (!change->attrs[i].attr &&
		    sv_eq_str(change->attrs[i].values.at[0].text, "Ada"))
			told->whole++;
}

static void read_file(struct told *told)
{
	struct error err = ERROR_INIT;
	struct connector connector;
	struct arena arena = ARENA_INIT;
	struct change change;
	int ret;

	memset(told, 0, sizeof(*told));
	told->text.max = 100000;
	if (connector_open(&connector, format->ops, &config, &err) < 0)
		fail_msg("%s: %s", format->label, err.msg);
	ret = connector_import_begin(&connector, IMPORT_FULL, SV_NULL, &err);
	while (ret == 0 &&
	       (ret = connector_next(&connector, &arena, &change, &err)) > 0) {
		tell(told, &change);
		arena_reset(&arena);
		ret = 0;
	}
	arena_release(&arena);
	connector_close(&connector);
	told->failed = ret < 0;
	if (told->failed) {
		strbuf_adds(&told->text, told->text.len ? " failed" : "failed");
		(void)snprintf(told->error, sizeof(told->error), "%s", err.msg);
		if (!strstr(err.msg, "people.data"))
			fail_msg("%s: which file is it? %s", format->label,
				 err.msg);
	}
}

static void expect(const char *what, const char *expected)
{
	struct told told;

	read_file(&told);
	if (strcmp(strbuf_cstr(&told.text), expected) != 0)
		fail_msg("%s, %s: expected '%s', found '%s' (%s)",
			 format->label, what, expected, strbuf_cstr(&told.text),
			 told.error);
	strbuf_release(&told.text);
}

/* --- the matrix -------------------------------------------------------- */

#define ALL   "k0 k1 k2 k3 k4"
#define PARSE "k0 k1 !k2:parse-error k3 k4"
#define VALUE "k0 k1 !k2:invalid-attribute-value k3 k4"
#define ENDS  "k0 k1 failed"

/* What is wrong with the third one's text. */
enum { NUL, LATIN, HALF, SURROGATE, CONTROL, MEGABYTE, DEEP, DEEPER, WRONG };

static const char *const wrong_labels[WRONG] = {
	"a NUL byte",          "a byte of latin-1",
	"half a character",    "half a surrogate pair",
	"a control character", "a text of a megabyte",
	"deep nesting",        "nesting as deep as a megabyte",
};

/* Control characters are allowed in texts that are not XML or JSON; bytes that
 * are not UTF-8 make a value of bytes of an LDIF line. */
static const char *const wrong[FORMATS][WRONG] = {
	[CSV] = { PARSE, VALUE, VALUE, VALUE, ALL, ALL, ALL, ALL },
	[LDIF] = { PARSE, ALL, ALL, ALL, ALL, ALL, ALL, ALL },
	[DSML] = { ENDS, ENDS, ENDS, ENDS, ENDS, ALL, PARSE, PARSE },
	[JSON] = { PARSE, VALUE, VALUE, VALUE, PARSE, ALL, PARSE, PARSE },
	[JSONL] = { PARSE, VALUE, VALUE, VALUE, PARSE, ALL, PARSE, PARSE },
	[AVP] = { VALUE, VALUE, VALUE, VALUE, ALL, ALL, ALL, ALL },
	[FIXED] = { VALUE, VALUE, VALUE, VALUE, ALL, PARSE, PARSE, PARSE },
	[TRAILER] = { VALUE, VALUE, VALUE, VALUE, ALL, PARSE, PARSE, PARSE },
	[XML] = { ENDS, ENDS, ENDS, ENDS, ENDS, ALL, ENDS, ENDS },
	[XLSX] = { ENDS, ENDS, ENDS, ENDS, ENDS, ALL, ENDS, ENDS },
	[DBF] = { VALUE, VALUE, VALUE, VALUE, ALL, NULL, NULL, NULL },
};

static struct sv repeated(const char *text, size_t times)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv copy;

	while (times--)
		strbuf_adds(&out, text);
	copy = arena_dup(&scratch.arena, strbuf_sv(&out));
	strbuf_release(&out);
	return copy;
}

/* What nests in what, as the format does. */
static struct sv nested(size_t depth)
{
	bool json = format->ops == &json_connector ||
		    format->ops == &jsonl_connector;
	bool xml = format->ops == &xml_connector ||
		   format->ops == &xlsx_connector ||
		   format->ops == &dsml_connector;
	const char *open = xml ? "<a>" : "[";
	const char *close = xml ? "</a>" : "]";

	return sv_from(arena_printf(
		&scratch.arena, "%s" SV_FMT SV_FMT "%s",
		json ? "\", \"deep\": " : "", SV_ARG(repeated(open, depth)),
		SV_ARG(repeated(close, depth)), json ? ", \"text\": \"" : ""));
}

static struct sv wrong_text(size_t which)
{
	switch (which) {
	case NUL:
		return SV_LIT("B\0b");
	case LATIN:
		return SV_LIT("B\xE9\x62");
	case HALF:
		return SV_LIT("B\xC3");
	case SURROGATE:
		return SV_LIT("\xED\xA0\x80");
	case CONTROL:
		return SV_LIT("B\x01");
	case MEGABYTE:
		return repeated("0123456789abcdef", 65536);
	case DEEP:
		return nested(70);
	case DEEPER:
	default:
		return nested(200000);
	}
}

static void begin(const struct format *of)
{
	assert_int_equal(scratch_make(&scratch), 0);
	configure(of);
}

static void one_of_five(void **state)
{
	size_t f;
	size_t w;

	(void)state;
	for (f = 0; f < FORMATS; f++) {
		begin(&formats[f]);
		write_bytes(good_bytes(SV_LIT("Bob")));
		expect("nothing wrong", ALL);
		for (w = 0; w < WRONG; w++) {
			if (!wrong[f][w])
				continue;
			write_bytes(good_bytes(wrong_text(w)));
			expect(wrong_labels[w], wrong[f][w]);
		}
		scratch_remove(&scratch);
	}
}

/* Of a file without anything some formats know that it is not complete; the
 * others leave it to the guard of imports. One without people is one. */
static void nobody(void **state)
{
	size_t f;

	(void)state;
	for (f = 0; f < FORMATS; f++) {
		bool counts = f == TRAILER || f == DBF;

		begin(&formats[f]);
		write_bytes(SV_NULL);
		expect("an empty file",
		       format->knows_end || f == CSV ? "failed" : "");
		write_bytes(sv_from(arena_printf(&scratch.arena, "%s%s",
						 format->head, format->tail)));
		expect("nobody", counts ? "failed" : "");
		scratch_remove(&scratch);
	}
}

/* Longer than what is ever kept in memory of a line or record. */
static void too_long(void **state)
{
	static const size_t some[] = { CSV, JSON, JSONL, AVP, FIXED, XML };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(some) / sizeof(*some); i++) {
		begin(&formats[some[i]]);
		write_bytes(good_bytes(
			repeated("0123456789abcdef", (size_t)40 * 65536)));
		expect("a text of 40 megabytes", ENDS);
		scratch_remove(&scratch);
	}
}

/* --- files that end too early ------------------------------------------ */

/* Nobody but the last one of what is there may be lost or look otherwise. */
static void check_cut(struct sv all, size_t len)
{
	size_t whole = 0;
	struct told told;
	size_t at = 0;

	write_bytes(sv_sub(all, 0, len));
	read_file(&told);
	if (format->knows_end && len + 1 < all.len && !told.failed)
		fail_msg("%s of %zu bytes of %zu: '%s' is not known to end "
			 "too early",
			 format->label, len, all.len, strbuf_cstr(&told.text));
	while (at < len) { /* texts before the place, but for the last */
		const char *hit =
			memmem(all.ptr + at, len - at, "Ada", strlen("Ada"));

		if (!hit)
			break;
		whole++;
		at = (size_t)(hit - all.ptr) + 1;
	}
	if (told.whole + 1 < whole)
		fail_msg("%s of %zu bytes: %zu people of %zu: '%s' (%s)",
			 format->label, len, told.whole, whole,
			 strbuf_cstr(&told.text), told.error);
	strbuf_release(&told.text);
}

static void cut_anywhere(void **state)
{
	size_t f;

	(void)state;
	for (f = 0; f < FORMATS; f++) {
		struct sv all;
		size_t len;

		begin(&formats[f]);
		all = good_bytes(SV_LIT("Ada"));
		for (len = 0; len < all.len; len += f == XLSX ? 41 : 1)
			check_cut(all, len);
		scratch_remove(&scratch);
	}
}

/* The archive that a sheet lies in. */
static void cut_workbook(void **state)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct error err = ERROR_INIT;
	size_t len;

	(void)state;
	begin(&formats[XLSX]);
	write_bytes(good_bytes(SV_LIT("Bob")));
	assert_int_equal(
		file_read(scratch_path(&scratch, "people.data"), &bytes, &err),
		0);
	for (len = 0; len < bytes.len; len += 101) {
		assert_int_equal(scratch_put(&scratch, "people.data", "w",
					     sv_sub(strbuf_sv(&bytes), 0, len)),
				 0);
		expect("half an archive", "failed");
	}
	strbuf_release(&bytes);
	scratch_remove(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_of_five),  cmocka_unit_test(nobody),
		cmocka_unit_test(too_long),     cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(cut_workbook),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
