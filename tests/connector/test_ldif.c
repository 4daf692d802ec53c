/*
 * test_ldif.c - the ldif connector keeps the contract
 *
 * Run twice: with the content alone, and with a log of changes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif.h"

#include "conformance.h"
#include "connectors/ldif/ldif_record.h"
#include "scratch.h"

static struct scratch scratch;

static void add_line(struct strbuf *text, const char *name, struct sv value)
{
	ldif_write_line(text, sv_from(name), value, 76);
}

static void add_entry(struct strbuf *text, const char *base,
		      const struct conformance_object *o)
{
	struct sv phones = sv_from(o->phones);
	size_t from = 0;

	strbuf_addf(text,
		    "dn: uid=%s,%s\nobjectClass: top\nobjectClass: person\n"
		    "objectClass: organizationalPerson\n"
		    "objectClass: inetOrgPerson\n",
		    o->id, base);
	add_line(text, "uid", sv_from(o->id));
	add_line(text, "cn", sv_from(o->id));
	if (o->sn)
		add_line(text, "sn", sv_from(o->sn));
	if (o->title)
		add_line(text, "title", sv_from(o->title));
	while (from < phones.len) {
		size_t end = sv_find(phones, ';', from);

		add_line(text, "telephoneNumber", sv_sub(phones, from, end));
		from = end + 1;
	}
	strbuf_adds(text, "\n");
}

static int make(struct conformance *c, const struct conformance_object *objects,
		size_t count)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct arena *arena = &scratch.arena;
	size_t i;
	int ret;

	if (scratch_make(&scratch) < 0)
		return -1;
	strbuf_adds(&text, "version: 1\n\n");
	for (i = 0; i < count; i++)
		add_entry(&text, c->base, &objects[i]);
	ret = scratch_put(&scratch, "content.ldif", "w", strbuf_sv(&text));
	strbuf_release(&text);
	c->config.folder = scratch.folder;
	c->config.connect = conformance_map(
		arena, "path", conformance_text(arena, "content.ldif"),
		c->trusting ? "changes" : NULL,
		conformance_text(arena, "changes.ldif"), NULL);
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
		&scratch, "content.ldif",
		"dn: uid=bad,dc=test\nobjectClass: inetOrgPerson\n"
		"jpegPhoto:: not base64\n\n");
}

static const struct node *broken(struct conformance *c)
{
	(void)c;
	(void)scratch_write(&scratch, "content.ldif",
			    "version: 7\n\ndn: cn=x\n");
	return conformance_map(&scratch.arena, "path",
			       conformance_text(&scratch.arena, "."), NULL);
}

int main(void)
{
	struct conformance c = { .ops = &ldif_connector,
				 .type = "inetOrgPerson",
				 .base = "ou=people,dc=test",
				 .make = make,
				 .unmake = unmake,
				 .spoil = spoil,
				 .broken = broken };
	int failed = conformance_run(&c);

	c.trusting = true;
	return failed + conformance_run(&c);
}
