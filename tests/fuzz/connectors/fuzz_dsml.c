/*
 * fuzz_dsml.c - any bytes as DSML
 *
 * What is read of a record and written again must read back the same; changes
 * are applied to an entry.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/dsml_write.h"
#include "connectors/ldif/ldif_syntax.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int fine)
{
	if (!fine)
		abort();
}

static void same_values(const struct ldif_mod *a, const struct ldif_mod *b)
{
	size_t i;

	check(a->count == b->count && a->op == b->op);
	check(sv_eq(a->name, b->name));
	for (i = 0; i < a->count; i++)
		check(sv_eq(a->values[i], b->values[i]));
}

static void write_and_read(const struct ldif_record *r, struct arena *arena)
{
	struct dsml_style style = { .form = DSML_ADD, .prefix = SV_LIT("") };
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct ldif_record again;
	size_t i;

	dsml_write_request(&text, &style, r);
	/* An empty line is the end of a record. */
	check(!memmem(text.ptr, text.len - 2, "\n\n", 2));
	dsml_parse(strbuf_sv(&text), arena, &again);
	strbuf_release(&text);
	check(!again.error && sv_eq(again.dn, r->dn));
	check(again.kind == (r->kind == LDIF_CONTENT ? LDIF_ADD : r->kind));
	check(again.line_count == r->line_count);
	for (i = 0; i < r->line_count; i++)
		check(sv_eq(again.lines[i].value, r->lines[i].value));
	check(again.mod_count == r->mod_count);
	for (i = 0; i < r->mod_count; i++)
		same_values(&again.mods[i], &r->mods[i]);
	check(sv_eq(again.new_dn, r->new_dn));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct arena kept = ARENA_INIT;
	struct ldif_reader reader;
	struct ldif_entry entry;
	struct ldif_record r;
	size_t i;

	ldif_entry_init(&entry, SV_LIT("cn=x"), NULL, 0, &kept);
	ldif_reader_init_text(&reader, sv_make((const char *)data, size), "x");
	reader.syntax = &dsml_syntax;
	while (ldif_reader_next(&reader, &arena, &r, NULL) > 0) {
		check(r.begin < r.end && r.end <= size);
		check(reader.raw.len == r.end - r.begin);
		if (r.error) {
			check(r.message.len > 0);
			continue;
		}
		check(r.dn.len > 0);
		write_and_read(&r, &arena);
		for (i = 0; i < r.mod_count; i++)
			ldif_entry_apply(&entry, &r.mods[i]);
		if (r.kind == LDIF_RENAME)
			ldif_entry_rename(&entry, r.new_dn, r.delete_old);
	}
	ldif_reader_release(&reader);
	arena_release(&arena);
	arena_release(&kept);
	return 0;
}
