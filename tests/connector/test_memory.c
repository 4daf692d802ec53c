/*
 * test_memory.c - the memory connector keeps the contract
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/memory/memory.h"

#include "conformance.h"
#include "scratch.h"

static struct scratch scratch;

static void add_entry(struct strbuf *text, const char *base,
		      const struct conformance_object *o)
{
	struct sv phones = sv_from(o->phones);
	size_t from = 0;

	strbuf_addf(text,
		    "dn: uid=%s,%s\nobjectClass: inetOrgPerson\nuid: %s\n",
		    o->id, base, o->id);
	if (o->sn)
		strbuf_addf(text, "sn: %s\n", o->sn);
	if (o->title)
		strbuf_addf(text, "title: %s\n", o->title);
	while (from < phones.len) {
		size_t end = sv_find(phones, ';', from);

		strbuf_addf(text, "telephoneNumber: " SV_FMT "\n",
			    SV_ARG(sv_sub(phones, from, end)));
		from = end + 1;
	}
	strbuf_adds(text, "\n");
}

static int make(struct conformance *c, const struct conformance_object *objects,
		size_t count)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;
	int ret;

	if (scratch_make(&scratch) < 0)
		return -1;
	strbuf_addf(&text, "dn: %s\nobjectClass: organizationalUnit\n\n",
		    c->base);
	for (i = 0; i < count; i++)
		add_entry(&text, c->base, &objects[i]);
	ret = scratch_put(&scratch, "memory.ldif", "w", strbuf_sv(&text));
	strbuf_release(&text);
	c->config.folder = scratch.folder;
	c->config.connect = conformance_map(
		&scratch.arena, "path",
		conformance_text(&scratch.arena, "memory.ldif"), "anchors",
		conformance_text(&scratch.arena,
				 c->system_anchor ? "system" : "dn"),
		"at_once",
		conformance_text(&scratch.arena, c->data ? "yes" : "no"),
		"tree",
		conformance_text(&scratch.arena, c->data ? "yes" : "no"),
		"bases", conformance_text(&scratch.arena, c->base), NULL);
	return ret;
}

static void unmake(struct conformance *c)
{
	(void)c;
	scratch_remove(&scratch);
}

static int spoil(struct conformance *c)
{
	(void)c;
	return scratch_append(
		&scratch, "memory.ldif",
		"dn: uid=bad,dc=test\nobjectClass: inetOrgPerson\n"
		"no colon\n\n");
}

static const struct node *broken(struct conformance *c)
{
	struct arena *arena = &scratch.arena;

	(void)c;
	return conformance_map(arena, "fail",
			       conformance_map(arena, "operation",
					       conformance_text(arena, "open"),
					       NULL),
			       NULL);
}

int main(void)
{
	struct conformance c = { .ops = &memory_connector,
				 .type = "inetOrgPerson",
				 .base = "ou=people,dc=test",
				 .make = make,
				 .unmake = unmake,
				 .spoil = spoil,
				 .broken = broken };
	int failed = conformance_run(&c);

	c.system_anchor = true;
	c.data = &scratch; /* in a tree, all at once */
	return failed + conformance_run(&c);
}
