/*
 * test_csv.c - the csv connector keeps the contract
 *
 * Run three times: a plain file, one with a file of changes, one in UTF-16
 * with semicolons.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/csv/csv.h"

#include "conformance.h"
#include "connectors/csv/csv_writer.h"
#include "scratch.h"

enum variant { PLAIN, DELTA, UTF16 };

static struct scratch scratch;
static struct conformance_object changes[8];
static size_t change_count;

static int write_file(const char *name, enum variant variant, bool change,
		      const struct conformance_object *objects, size_t count)
{
	struct csv_dialect dialect = {
		.delimiter = variant == UTF16 ? ';' : ',',
		.quote = '"',
		.encoding = variant == UTF16 ? "UTF-16LE" : NULL
	};
	struct sv header[] = { SV_LIT("telephoneNumber"), SV_LIT("uid"),
			       SV_LIT("sn"), SV_LIT("title"),
			       SV_LIT("change") };
	struct csv_writer out;
	FILE *file = fopen(scratch_path(&scratch, name), "w");
	size_t columns = change ? 5 : 4;
	size_t i;

	if (!file ||
	    csv_writer_open(&out, &dialect, variant == UTF16, file, NULL) < 0)
		return -1;
	(void)csv_write_row(&out, header, columns, NULL);
	for (i = 0; i < count; i++) {
		const struct conformance_object *o = &objects[i];
		struct sv cells[] = { sv_from(o->phones), sv_from(o->id),
				      sv_from(o->sn), sv_from(o->title),
				      o->sn ? SV_LIT("modify")
					    : SV_LIT("DELETE") };

		(void)csv_write_row(&out, cells, columns, NULL);
	}
	(void)csv_writer_flush(&out, NULL);
	csv_writer_close(&out);
	return fclose(file);
}

static int make(struct conformance *c, const struct conformance_object *objects,
		size_t count)
{
	const enum variant *variant = c->data;
	struct arena *arena = &scratch.arena;

	if (scratch_make(&scratch) < 0)
		return -1;
	change_count = 0;
	c->config.folder = scratch.folder;
	c->config.connect = conformance_map(
		arena, "path", conformance_text(arena, "people.csv"), "anchor",
		conformance_text(arena, "uid"), "delimiter",
		conformance_text(arena, *variant == UTF16 ? ";" : ","),
		"encoding",
		conformance_text(arena, *variant == UTF16 ? "utf-16" : "utf-8"),
		*variant == DELTA ? "delta" : NULL,
		conformance_map(arena, "path",
				conformance_text(arena, "delta.csv"), "change",
				conformance_text(arena, "change"), NULL),
		NULL);
	if (write_file("delta.csv", PLAIN, true, NULL, 0) < 0)
		return -1;
	return write_file("people.csv", *variant, false, objects, count);
}

static void unmake(struct conformance *c)
{
	(void)c;
	scratch_remove(&scratch);
}

static int spoil(struct conformance *c)
{
	const enum variant *variant = c->data;

	if (*variant == UTF16)
		return scratch_put(&scratch, "people.csv", "a",
				   SV_LIT("x\0;\0y\0\n\0"));
	return scratch_append(&scratch, "people.csv", "too,few\n");
}

static int change(struct conformance *c,
		  const struct conformance_object *object)
{
	(void)c;
	changes[change_count++] = *object;
	return write_file("delta.csv", PLAIN, true, changes, change_count);
}

static const struct node *broken(struct conformance *c)
{
	(void)c;
	return conformance_map(&scratch.arena, "path",
			       conformance_text(&scratch.arena, "nowhere.csv"),
			       "anchor",
			       conformance_text(&scratch.arena, "uid"), NULL);
}

int main(void)
{
	enum variant variant;
	struct conformance c = { .ops = &csv_connector,
				 .type = "person",
				 .make = make,
				 .unmake = unmake,
				 .spoil = spoil,
				 .broken = broken,
				 .data = &variant };
	int failed = 0;

	for (variant = PLAIN; variant <= UTF16; variant++) {
		c.change = variant == DELTA ? change : NULL;
		failed += conformance_run(&c);
	}
	return failed;
}
