/*
 * plan_ldif.c - a plan as LDIF change records (RFC 2849)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/plan_document.h"

#include <string.h>

#define LDIF_WIDTH 76

static bool is_safe(struct sv text)
{
	size_t i;

	if (text.len && strchr(" :<", text.ptr[0]))
		return false;
	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80 || text.ptr[i] == '\0' ||
		    text.ptr[i] == '\n' || text.ptr[i] == '\r')
			return false;
	return !text.len || text.ptr[text.len - 1] != ' ';
}

static void fold(struct strbuf *out, struct sv line)
{
	size_t at;

	for (at = 0; at < line.len; at += LDIF_WIDTH - (at > 0)) {
		size_t room = LDIF_WIDTH - (at > 0);
		size_t end = at + room < line.len ? at + room : line.len;

		if (at)
			strbuf_addc(out, ' ');
		strbuf_addsv(out, sv_sub(line, at, end));
		strbuf_addc(out, '\n');
	}
}

static void ldif_value(struct strbuf *out, const char *name, struct sv value,
		       bool encoded)
{
	struct strbuf line = STRBUF_INIT(STRBUF_NO_LIMIT);

	strbuf_adds(&line, name);
	if (encoded) {
		strbuf_adds(&line, ":: ");
		strbuf_addsv(&line, value);
	} else if (is_safe(value)) {
		strbuf_adds(&line, ": ");
		strbuf_addsv(&line, value);
	} else {
		strbuf_adds(&line, ":: ");
		strbuf_add_base64(&line, value);
	}
	fold(out, strbuf_sv(&line));
	strbuf_release(&line);
}

static void ldif_values(struct strbuf *out, const char *name,
			const json_t *change)
{
	bool binary = json_is_true(json_object_get(change, "binary"));
	json_t *value;
	size_t i;

	json_array_foreach(json_object_get(change, "new"), i, value) ldif_value(
		out, name, sv_from(json_string_value(value)), binary);
}

static void ldif_changes(struct strbuf *out, const json_t *attributes)
{
	const char *name;
	json_t *change;

	json_object_foreach((json_t *)(uintptr_t)attributes, name, change)
	{
		ldif_value(out, "replace", sv_from(name), false);
		ldif_values(out, name, change);
		strbuf_adds(out, "-\n");
	}
}

static void ldif_rename(struct strbuf *out, const json_t *object)
{
	struct sv dn = sv_from(plan_text(object, "new_dn"));
	size_t comma = 0;

	/* the first comma without a backslash before it */
	while (comma < dn.len && dn.ptr[comma] != ',')
		comma += dn.ptr[comma] == '\\' ? 2 : 1;
	if (comma > dn.len)
		comma = dn.len;
	ldif_value(out, "changetype", SV_LIT("modrdn"), false);
	ldif_value(out, "newrdn", sv_sub(dn, 0, comma), false);
	ldif_value(out, "deleteoldrdn", SV_LIT("1"), false);
	ldif_value(out, "newsuperior",
		   sv_sub(dn, comma < dn.len ? comma + 1 : comma, dn.len),
		   false);
}

static void ldif_begin(struct strbuf *out, const char *dn)
{
	strbuf_addc(out, '\n');
	ldif_value(out, "dn", sv_from(dn), false);
}

static void ldif_object(struct strbuf *out, const json_t *object)
{
	const json_t *attributes = json_object_get(object, "attributes");
	const char *operation = plan_text(object, "operation");
	const char *dn = plan_text(object, "dn");
	const char *name;
	json_t *change;

	if (!*dn)
		return;
	ldif_begin(out, dn);
	if (!strcmp(operation, "delete") || !strcmp(operation, "delete-add"))
		ldif_value(out, "changetype", SV_LIT("delete"), false);
	if (!strcmp(operation, "delete"))
		return;
	if (!strcmp(operation, "delete-add"))
		ldif_begin(out, dn);
	if (!strcmp(operation, "add") || !strcmp(operation, "delete-add")) {
		ldif_value(out, "changetype", SV_LIT("add"), false);
		if (strcmp(plan_text(object, "type"), "container") != 0)
			ldif_value(out, "objectClass",
				   sv_from(plan_text(object, "type")), false);
		json_object_foreach((json_t *)(uintptr_t)attributes, name,
				    change) ldif_values(out, name, change);
		return;
	}
	if (!strcmp(operation, "rename")) {
		ldif_rename(out, object);
		if (!json_object_size(attributes))
			return;
		ldif_begin(out, plan_text(object, "new_dn"));
	}
	ldif_value(out, "changetype", SV_LIT("modify"), false);
	ldif_changes(out, attributes);
}

static int write_objects(struct plan_cursor *cursor, FILE *to,
			 struct error *err)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct strbuf agent = STRBUF_INIT(STRBUF_NO_LIMIT);
	json_t *object;
	int ret;

	while ((ret = plan_cursor_next(cursor, &object, err)) > 0) {
		const char *name = plan_text(object, "agent");

		strbuf_reset(&out);
		if (strcmp(strbuf_cstr(&agent), name) != 0)
			strbuf_addf(&out, "\n# agent %s\n", name);
		strbuf_reset(&agent);
		strbuf_adds(&agent, name);
		ldif_object(&out, object);
		json_decref(object);
		(void)fwrite(out.ptr, 1, out.len, to);
	}
	strbuf_release(&out);
	strbuf_release(&agent);
	return ret;
}

int plan_write_ldif(struct plan_document *document, const char *path,
		    struct error *err)
{
	const struct plan_view all = { .limit = 0 };
	struct file_replace file = { 0 };
	struct plan_cursor cursor;
	int ret = plan_cursor_begin(&cursor, document, &all, err);

	if (ret == 0)
		ret = file_replace_open(&file, path, 0600, err);
	if (ret == 0) {
		(void)fputs("version: 1\n", file.stream);
		ret = write_objects(&cursor, file.stream, err);
	}
	if (ret == 0)
		ret = file_replace_commit(&file, err);
	file_replace_abort(&file);
	plan_cursor_end(&cursor);
	return ret;
}
