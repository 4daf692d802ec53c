/*
 * test_dsml.c - the dsml connector keeps the contract
 *
 * Run with documents of version 1, of version 2 and of requests, and with a
 * log of changes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/dsml.h"

#include "conformance.h"
#include "connectors/ldif/dsml_write.h"
#include "scratch.h"

#define LINES_MAX 64

static struct scratch scratch;
static enum dsml_form form;

static const struct {
	const char *head;
	const char *tail;
	const char *bad;
} frames[] = {
	[DSML_ENTRY] = { "<?xml version='1.0'?>\n<d:dsml "
			 "xmlns:d='http://www.dsml.org/DSML'>\n"
			 "<d:directory-schema><d:class id='x'/>"
			 "</d:directory-schema><d:directory-entries>",
			 "</d:directory-entries></d:dsml>",
			 "<d:entry dn='uid=bad,dc=test'><d:objectclass>"
			 "<d:oc-value>inetOrgPerson</d:oc-value>"
			 "</d:objectclass><d:attr name='jpegPhoto'>"
			 "<d:value encoding='base64'>not base64</d:value>"
			 "</d:attr></d:entry>" },
	[DSML_RESULT] = { "<s:Envelope xmlns:s='x'><s:Body><batchResponse>"
			  "<searchResponse>",
			  "<searchResultDone><resultCode code='0'/>"
			  "</searchResultDone></searchResponse>"
			  "</batchResponse></s:Body></s:Envelope>",
			  "<searchResultEntry/>" },
	[DSML_ADD] = { "<batchRequest>", "</batchRequest>", "<addRequest/>" },
};

static void add_line(struct ldif_line *lines, size_t *count, const char *name,
		     struct sv value)
{
	lines[(*count)++] = (struct ldif_line){ sv_from(name), value };
}

static void add_entry(struct strbuf *text, const char *base,
		      const struct conformance_object *o)
{
	struct dsml_style style = { .form = form };
	struct ldif_line lines[LINES_MAX];
	struct sv phones = sv_from(o->phones);
	size_t count = 0;
	size_t from = 0;

	add_line(lines, &count, "objectClass", SV_LIT("top"));
	add_line(lines, &count, "objectClass", SV_LIT("person"));
	add_line(lines, &count, "objectClass", SV_LIT("organizationalPerson"));
	add_line(lines, &count, "objectClass", SV_LIT("inetOrgPerson"));
	add_line(lines, &count, "uid", sv_from(o->id));
	add_line(lines, &count, "cn", sv_from(o->id));
	if (o->sn)
		add_line(lines, &count, "sn", sv_from(o->sn));
	if (o->title)
		add_line(lines, &count, "title", sv_from(o->title));
	while (from < phones.len && count < LINES_MAX) {
		size_t end = sv_find(phones, ';', from);

		add_line(lines, &count, "telephoneNumber",
			 sv_sub(phones, from, end));
		from = end + 1;
	}
	style.prefix = sv_from(form == DSML_ENTRY ? "d:" : "");
	dsml_write_entry(
		text, &style,
		sv_from(arena_printf(&scratch.arena, "uid=%s,%s", o->id, base)),
		lines, count);
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
	strbuf_adds(&text, frames[form].head);
	for (i = 0; i < count; i++)
		add_entry(&text, c->base, &objects[i]);
	strbuf_adds(&text, frames[form].tail);
	ret = scratch_put(&scratch, "content.xml", "w", strbuf_sv(&text));
	strbuf_release(&text);
	c->config.folder = scratch.folder;
	c->config.connect = conformance_map(
		arena, "path", conformance_text(arena, "content.xml"),
		c->trusting ? "changes" : NULL,
		conformance_text(arena, "changes.xml"), NULL);
	return ret;
}

static void unmake(struct conformance *c)
{
	(void)c;
	scratch_remove(&scratch);
}

static int spoil(struct conformance *c)
{
	struct sv text = scratch_read(&scratch, "content.xml");
	size_t tail = strlen(frames[form].tail);

	(void)c;
	return scratch_write(
		&scratch, "content.xml",
		arena_printf(&scratch.arena, SV_FMT "%s%s",
			     SV_ARG(sv_sub(text, 0, text.len - tail)),
			     frames[form].bad, frames[form].tail));
}

static const struct node *broken(struct conformance *c)
{
	(void)c;
	return conformance_map(&scratch.arena, "path",
			       conformance_text(&scratch.arena, "."), NULL);
}

int main(void)
{
	struct conformance c = { .ops = &dsml_connector,
				 .type = "inetOrgPerson",
				 .base = "ou=people,dc=test",
				 .make = make,
				 .unmake = unmake,
				 .spoil = spoil,
				 .broken = broken };
	int failed = 0;

	for (form = DSML_ENTRY; form <= DSML_ADD; form++)
		failed += conformance_run(&c);
	form = DSML_RESULT;
	c.trusting = true;
	return failed + conformance_run(&c);
}
