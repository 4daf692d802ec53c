/*
 * dsml_write.c - entries and requests as text of DSML
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/dsml_write.h"

#include "base/text.h"
#include "connectors/xml_text.h"
#include "model/dn.h"

static void add_open(struct strbuf *out, const struct dsml_style *style,
		     const char *indent, const char *name)
{
	strbuf_addf(out, "%s<" SV_FMT "%s", indent, SV_ARG(style->prefix),
		    name);
}

static void add_close(struct strbuf *out, const struct dsml_style *style,
		      const char *indent, const char *name)
{
	strbuf_addf(out, "%s</" SV_FMT "%s>", indent, SV_ARG(style->prefix),
		    name);
}

static void add_attr(struct strbuf *out, const char *name, struct sv value)
{
	strbuf_addf(out, " %s=\"", name);
	xml_add_text(out, value);
	strbuf_addc(out, '"');
}

static bool is_text(struct sv value)
{
	return text_is_utf8(value) && xml_can_hold(value);
}

static void add_value(struct strbuf *out, const struct dsml_style *style,
		      const char *name, struct sv value)
{
	bool text = is_text(value);

	add_open(out, style, "", name);
	if (!text && style->form == DSML_ENTRY)
		strbuf_adds(out, " encoding=\"base64\"");
	else if (!text)
		strbuf_addf(out, "%s xsi:type=\"xsd:base64Binary\"",
			    style->typed ? "" : DSML_TYPES);
	strbuf_addc(out, '>');
	if (text)
		xml_add_text(out, value);
	else
		strbuf_add_base64(out, value);
	add_close(out, style, "", name);
}

/* Values of one attribute, which stand together. */
static size_t add_values(struct strbuf *out, const struct dsml_style *style,
			 const struct ldif_line *lines, size_t count)
{
	bool classes = style->form == DSML_ENTRY &&
		       sv_ieq_str(lines[0].name, "objectClass");
	const char *name = classes ? "objectclass" : "attr";
	size_t i;

	add_open(out, style, "\n    ", name);
	if (!classes)
		add_attr(out, "name", lines[0].name);
	strbuf_addc(out, '>');
	for (i = 0; i < count && sv_ieq(lines[i].name, lines[0].name); i++)
		add_value(out, style, classes ? "oc-value" : "value",
			  lines[i].value);
	add_close(out, style, "", name);
	return i;
}

static void add_lines(struct strbuf *out, const struct dsml_style *style,
		      const struct ldif_line *lines, size_t count)
{
	size_t at = 0;

	while (at < count)
		at += add_values(out, style, lines + at, count - at);
}

void dsml_write_entry(struct strbuf *out, const struct dsml_style *style,
		      struct sv dn, const struct ldif_line *lines, size_t count)
{
	static const char *const names[] = {
		[DSML_NONE] = "entry",
		[DSML_ENTRY] = "entry",
		[DSML_RESULT] = "searchResultEntry",
		[DSML_ADD] = "addRequest",
	};

	add_open(out, style, "", names[style->form]);
	add_attr(out, "dn", dn);
	strbuf_addc(out, '>');
	add_lines(out, style, lines, count);
	add_close(out, style, "\n  ", names[style->form]);
}

static void add_mods(struct strbuf *out, const struct dsml_style *style,
		     const struct ldif_record *record)
{
	static const char *const words[] = { "replace", "add", "delete" };
	size_t i;
	size_t j;

	for (i = 0; i < record->mod_count; i++) {
		const struct ldif_mod *mod = &record->mods[i];

		add_open(out, style, "\n    ", "modification");
		add_attr(out, "name", mod->name);
		add_attr(out, "operation", sv_from(words[mod->op]));
		strbuf_addc(out, '>');
		for (j = 0; j < mod->count; j++)
			add_value(out, style, "value", mod->values[j]);
		add_close(out, style, "", "modification");
	}
}

static void add_rename(struct strbuf *out, const struct ldif_record *record)
{
	struct sv parent = SV_NULL;
	struct sv rdn = SV_NULL;
	struct sv old;

	(void)dn_split(record->new_dn, &rdn, &parent);
	add_attr(out, "newrdn", rdn);
	add_attr(out, "deleteoldrdn",
		 record->delete_old ? SV_LIT("true") : SV_LIT("false"));
	if (dn_split(record->dn, &rdn, &old) && !sv_eq(parent, old))
		add_attr(out, "newSuperior", parent);
}

/* A comment cannot hold everything. */
static bool comment_can_hold(struct sv text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.ptr[i] == '\n' ||
		    (text.ptr[i] == '-' &&
		     (i + 1 == text.len || text.ptr[i + 1] == '-')))
			return false;
	return text.len && is_text(text);
}

static void add_type(struct strbuf *out, struct sv type)
{
	if (comment_can_hold(type))
		strbuf_addf(out, "\n    <!-- type: " SV_FMT " -->",
			    SV_ARG(type));
}

void dsml_write_request(struct strbuf *out, const struct dsml_style *style,
			const struct ldif_record *record)
{
	static const char *const names[] = {
		[LDIF_CONTENT] = "addRequest",  [LDIF_ADD] = "addRequest",
		[LDIF_DELETE] = "delRequest",   [LDIF_MODIFY] = "modifyRequest",
		[LDIF_RENAME] = "modDNRequest",
	};
	const char *name = names[record->kind];

	add_open(out, style, "  ", name);
	add_attr(out, "dn", record->dn);
	if (record->kind == LDIF_RENAME)
		add_rename(out, record);
	strbuf_addc(out, '>');
	add_type(out, record->type);
	if (record->kind == LDIF_CONTENT || record->kind == LDIF_ADD)
		add_lines(out, style, record->lines, record->line_count);
	else
		add_mods(out, style, record);
	add_close(out, style, "\n  ", name);
	strbuf_adds(out, "\n\n");
}
