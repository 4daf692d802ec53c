/*
 * fuzz_ldif.c - any bytes as LDIF
 *
 * What is read of a content record and written again must read back the same,
 * and so must some of its lines alone; changes are applied to an entry.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif_entry.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int fine)
{
	if (!fine)
		abort();
}

static void write_and_read(const struct ldif_record *r, struct arena *arena)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct ldif_record again;
	size_t i;

	ldif_write_line(&text, SV_LIT("dn"), r->dn, 76);
	for (i = 0; i < r->line_count; i++)
		ldif_write_line(&text, r->lines[i].name, r->lines[i].value, 76);
	ldif_parse(strbuf_sv(&text), 1, arena, &again);
	strbuf_release(&text);
	/* control: and changetype: mean something at the beginning. */
	if (r->line_count && (sv_ieq_str(r->lines[0].name, "control") ||
			      sv_ieq_str(r->lines[0].name, "changetype")))
		return;
	check(!again.error && again.line_count == r->line_count);
	check(sv_eq(again.dn, r->dn));
	for (i = 0; i < r->line_count; i++)
		check(sv_eq(again.lines[i].value, r->lines[i].value));
}

static void read_keys(const struct ldif_reader *reader,
		      const struct ldif_record *r, struct arena *arena)
{
	static const struct sv keys[] = { { "objectClass", 11 }, { "cn", 2 } };
	struct ldif_record some;
	size_t from = 0;
	size_t i;

	if (!ldif_parse_keys(reader->raw, r->line, keys, 2, arena, &some))
		return;
	check(!some.error && r->kind == LDIF_CONTENT);
	check(sv_eq(some.dn, r->dn));
	for (i = 0; i < r->line_count; i++) {
		if (!sv_ieq(r->lines[i].name, keys[0]) &&
		    !sv_ieq(r->lines[i].name, keys[1]))
			continue;
		while (from < some.line_count &&
		       !sv_ieq(some.lines[from].name, r->lines[i].name))
			from++;
		check(from < some.line_count);
		check(sv_eq(some.lines[from].value, r->lines[i].value));
		from++;
	}
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
	while (ldif_reader_next(&reader, &arena, &r, NULL) > 0) {
		check(r.begin <= r.end && r.end <= size);
		if (r.error) {
			check(r.message.len > 0);
			continue;
		}
		check(r.dn.len > 0);
		read_keys(&reader, &r, &arena);
		if (r.kind == LDIF_CONTENT || r.kind == LDIF_ADD)
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
