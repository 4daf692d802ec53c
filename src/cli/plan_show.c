/*
 * plan_show.c - a plan as text, JSON, LDIF and a page
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/plan_document.h"

#include "base/file.h"

#include <string.h>

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static const char *name_of(const json_t *object)
{
	const char *name = text_of(object, "dn");

	if (!*name)
		name = text_of(object, "anchor");
	return *name ? name : text_of(object, "id");
}

/* ---- text ---- */

static void add_values(struct strbuf *out, const json_t *values)
{
	json_t *value;
	size_t i;

	json_array_foreach(values, i, value)
	{
		if (i)
			strbuf_adds(out, "; ");
		output_escape(sv_from(json_string_value(value)), out);
	}
}

/* Of many values what comes and what goes. */
#define MANY 4

static bool has_value(const json_t *values, const json_t *value)
{
	json_t *other;
	size_t i;

	json_array_foreach(
		values, i,
		other) if (json_equal(other,
				      (json_t *)(uintptr_t)value)) return true;
	return false;
}

static void add_difference(struct strbuf *out, const char *mark,
			   const json_t *values, const json_t *known)
{
	json_t *value;
	size_t i;

	json_array_foreach(values, i, value)
	{
		if (has_value(known, value))
			continue;
		strbuf_addf(out, "%s%s ", out->len ? "; " : "", mark);
		output_escape(sv_from(json_string_value(value)), out);
	}
}

static void print_change(const char *name, const json_t *change)
{
	const json_t *before = json_object_get(change, "old");
	const json_t *after = json_object_get(change, "new");
	const char *rule = text_of(change, "rule");
	struct strbuf line = STRBUF_INIT(STRBUF_NO_LIMIT);

	if (json_array_size(before) >= MANY && json_array_size(after)) {
		add_difference(&line, "-", before, after);
		add_difference(&line, "+", after, before);
	} else {
		add_values(&line, before);
		if (json_array_size(before))
			strbuf_adds(&line, " -> ");
		if (!json_array_size(after))
			strbuf_adds(&line, "(none)");
		add_values(&line, after);
	}
	if (*rule)
		strbuf_addf(&line, "  (%s)", rule);
	(void)printf("      %-20s  %s\n", name, strbuf_cstr(&line));
	strbuf_release(&line);
}

static void print_object(struct cli *cli, const json_t *object)
{
	const char *operation = text_of(object, "operation");
	const char *new_dn = text_of(object, "new_dn");
	const char *rule = text_of(object, "rule");
	const char *name;
	json_t *change;

	(void)printf("  %-10s  %s  %s%s%s\n", operation,
		     text_of(object, "agent"),
		     output_safe(sv_from(name_of(object)), &cli->arena),
		     *new_dn ? " -> " : "",
		     output_safe(sv_from(new_dn), &cli->arena));
	(void)printf(
		"      because of %s%s%s%s\n",
		output_safe(sv_from(text_of(object, "cause")), &cli->arena),
		*rule ? "  (" : "", rule, *rule ? ")" : "");
	if (*text_of(object, "note"))
		(void)printf("      %s\n",
			     output_safe(sv_from(text_of(object, "note")),
					 &cli->arena));
	json_object_foreach(json_object_get(object, "attributes"), name, change)
		print_change(name, change);
}

static void print_counts(json_t *agents)
{
	const char *agent;
	json_t *counts;

	json_object_foreach(agents, agent, counts)
	{
		const char *operation;
		const char *comma = "";
		json_t *count;

		(void)printf("  %s: ", agent);
		json_object_foreach(counts, operation, count)
		{
			(void)printf("%s%lld %s", comma,
				     (long long)json_integer_value(count),
				     operation);
			comma = ", ";
		}
		(void)putchar('\n');
	}
}

/* Of an undo: what is left alone. */
static void print_conflicts(struct cli *cli, const json_t *conflicts)
{
	json_t *item;
	size_t i;

	if (json_array_size(conflicts))
		(void)printf("%zu left alone, changed since\n",
			     json_array_size(conflicts));
	json_array_foreach(conflicts, i, item)(void) printf(
		"  %s: %s\n",
		output_safe(sv_from(text_of(item, "object")), &cli->arena),
		output_safe(sv_from(text_of(item, "why")), &cli->arena));
}

static void print_summary(struct cli *cli, const struct plan_document *document)
{
	const char *cause;
	json_t *value;
	size_t i;

	(void)printf("%zu object%s would be written\n",
		     json_array_size(document->objects),
		     json_array_size(document->objects) == 1 ? "" : "s");
	print_counts(document->agents);
	print_conflicts(cli, json_object_get(document->head, "conflicts"));
	if (json_object_size(document->causes))
		(void)puts("because of");
	json_object_foreach(document->causes, cause, value)(void)
		printf("  %6lld  %s\n", (long long)json_integer_value(value),
		       output_safe(sv_from(cause), &cli->arena));
	json_array_foreach(document->warnings, i, value)(void) printf(
		"%swarning:%s %s\n",
		output_style(&cli->output, stdout, STYLE_WARN),
		output_style(&cli->output, stdout, STYLE_NONE),
		output_safe(sv_from(json_string_value(value)), &cli->arena));
}

void plan_print(struct cli *cli, const struct plan_document *document,
		int64_t limit)
{
	size_t count = json_array_size(document->objects);
	json_t *object;
	size_t i;

	json_array_foreach(document->objects, i, object)
	{
		if (limit && i >= (size_t)limit) {
			(void)printf("  ... and %zu more; --limit N shows "
				     "more\n",
				     count - i);
			break;
		}
		print_object(cli, object);
	}
	print_summary(cli, document);
}

void plan_print_json(struct cli *cli, const struct plan_document *document)
{
	json_t *json = json_copy(document->head);

	(void)json_object_del(json, "seed");
	(void)json_object_set(json, "agents", document->agents);
	(void)json_object_set(json, "causes", document->causes);
	(void)json_object_set(json, "warnings", document->warnings);
	(void)json_object_set(json, "objects", document->objects);
	output_json(&cli->output, json);
}

/* ---- a file of the person who asked ---- */

static int write_file(const char *path, const struct strbuf *text,
		      struct error *err)
{
	struct file_replace file = { 0 };
	int ret = file_replace_open(&file, path, 0600, err);

	if (ret == 0 &&
	    fwrite(text->ptr, 1, text->len, file.stream) != text->len)
		ret = error_set(err, ERR_UNAVAILABLE, "cannot write '%s'",
				path);
	if (ret == 0)
		ret = file_replace_commit(&file, err);
	file_replace_abort(&file);
	return ret;
}

/* ---- LDIF (RFC 2849) ---- */

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
	struct sv dn = sv_from(text_of(object, "new_dn"));
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
	const char *operation = text_of(object, "operation");
	const char *dn = text_of(object, "dn");
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
		if (strcmp(text_of(object, "type"), "container") != 0)
			ldif_value(out, "objectClass",
				   sv_from(text_of(object, "type")), false);
		json_object_foreach((json_t *)(uintptr_t)attributes, name,
				    change) ldif_values(out, name, change);
		return;
	}
	if (!strcmp(operation, "rename")) {
		ldif_rename(out, object);
		if (!json_object_size(attributes))
			return;
		ldif_begin(out, text_of(object, "new_dn"));
	}
	ldif_value(out, "changetype", SV_LIT("modify"), false);
	ldif_changes(out, attributes);
}

int plan_write_ldif(const struct plan_document *document, const char *path,
		    struct error *err)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *agent = "";
	json_t *object;
	size_t i;
	int ret;

	strbuf_adds(&out, "version: 1\n");
	json_array_foreach(document->objects, i, object)
	{
		if (strcmp(agent, text_of(object, "agent")) != 0)
			strbuf_addf(&out, "\n# agent %s\n",
				    text_of(object, "agent"));
		agent = text_of(object, "agent");
		ldif_object(&out, object);
	}
	ret = write_file(path, &out, err);
	strbuf_release(&out);
	return ret;
}

/* ---- a page ---- */

static void html_text(struct strbuf *out, const char *text)
{
	struct strbuf safe = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv all;
	size_t i;

	output_escape(sv_from(text), &safe);
	all = strbuf_sv(&safe);
	for (i = 0; i < all.len; i++)
		switch (all.ptr[i]) {
		case '<':
			strbuf_adds(out, "&lt;");
			break;
		case '>':
			strbuf_adds(out, "&gt;");
			break;
		case '&':
			strbuf_adds(out, "&amp;");
			break;
		case '"':
			strbuf_adds(out, "&quot;");
			break;
		default:
			strbuf_addc(out, all.ptr[i]);
		}
	strbuf_release(&safe);
}

static void html_in(struct strbuf *out, const char *tag, const char *text)
{
	strbuf_addf(out, "<%s>", tag);
	html_text(out, text);
	strbuf_addf(out, "</%s>", tag);
}

static void html_values(struct strbuf *out, const json_t *values,
			const char *class)
{
	json_t *value;
	size_t i;

	strbuf_addf(out, "<td class=\"%s\">", class);
	json_array_foreach(values, i, value)
	{
		if (i)
			strbuf_adds(out, "<br>");
		html_text(out, json_string_value(value));
	}
	strbuf_adds(out, "</td>");
}

static void html_object(struct strbuf *out, const json_t *object)
{
	const char *operation = text_of(object, "operation");
	const char *new_dn = text_of(object, "new_dn");
	const char *name;
	json_t *change;

	strbuf_addf(out, "<details open class=\"%s\"><summary><b>%s</b> ",
		    operation, operation);
	html_text(out, name_of(object));
	if (*new_dn) {
		strbuf_adds(out, " &rarr; ");
		html_text(out, new_dn);
	}
	strbuf_adds(out, " <small>in ");
	html_text(out, text_of(object, "agent"));
	strbuf_adds(out, "</small></summary><p>Because of ");
	html_text(out, text_of(object, "cause"));
	strbuf_adds(out, "</p>");
	if (*text_of(object, "note"))
		html_in(out, "p", text_of(object, "note"));
	if (json_object_size(json_object_get(object, "attributes")))
		strbuf_adds(out, "<table><tr><th>Attribute</th><th>Now</th>"
				 "<th>Then</th><th>Rule</th></tr>\n");
	json_object_foreach(json_object_get(object, "attributes"), name, change)
	{
		strbuf_adds(out, "<tr>");
		html_in(out, "td", name);
		html_values(out, json_object_get(change, "old"), "old");
		html_values(out, json_object_get(change, "new"), "new");
		html_in(out, "td", text_of(change, "rule"));
		strbuf_adds(out, "</tr>\n");
	}
	if (json_object_size(json_object_get(object, "attributes")))
		strbuf_adds(out, "</table>");
	strbuf_adds(out, "</details>\n");
}

static const char STYLE[] =
	"body{font:16px/1.5 sans-serif;max-width:70em;margin:2em auto;"
	"padding:0 1em;color:#222}table{border-collapse:collapse;width:100%}"
	"td,th{border:1px solid #ccc;padding:.2em .5em;text-align:left;"
	"vertical-align:top;word-break:break-word}details{border-left:4px solid "
	"#88a;margin:.6em 0;padding:.3em .8em;background:#f8f8fa}"
	".add{border-color:#2a7}.delete{border-color:#c33}"
	".old{color:#933}.new{color:#063}.warning{background:#fff3cd;"
	"border-left:4px solid #d90;padding:.4em .8em}"
	"@media print{details{break-inside:avoid}}";

static void html_counts(struct strbuf *out, const json_t *agents)
{
	const char *agent;
	json_t *counts;

	strbuf_adds(out, "<h2>How many, and where</h2><table><tr><th>System"
			 "</th><th>What</th><th>Objects</th></tr>\n");
	json_object_foreach((json_t *)(uintptr_t)agents, agent, counts)
	{
		const char *operation;
		json_t *count;

		json_object_foreach(counts, operation, count)
		{
			strbuf_adds(out, "<tr>");
			html_in(out, "td", agent);
			html_in(out, "td", operation);
			strbuf_addf(out, "<td>%lld</td></tr>\n",
				    (long long)json_integer_value(count));
		}
	}
	strbuf_adds(out, "</table>\n");
}

static void html_causes(struct strbuf *out, const json_t *causes)
{
	const char *cause;
	json_t *count;

	strbuf_adds(out, "<h2>Why</h2><table><tr><th>Cause</th>"
			 "<th>Objects</th></tr>\n");
	json_object_foreach((json_t *)(uintptr_t)causes, cause, count)
	{
		strbuf_adds(out, "<tr>");
		html_in(out, "td", cause);
		strbuf_addf(out, "<td>%lld</td></tr>\n",
			    (long long)json_integer_value(count));
	}
	strbuf_adds(out, "</table>\n");
}

static void html_warning(struct strbuf *out, const char *text)
{
	strbuf_adds(out, "<p class=\"warning\">");
	html_text(out, text);
	strbuf_adds(out, "</p>\n");
}

static void html_conflicts(struct strbuf *out, const json_t *conflicts)
{
	json_t *item;
	size_t i;

	if (!json_array_size(conflicts))
		return;
	strbuf_adds(out, "<h2>Left alone, changed since</h2><table><tr><th>"
			 "Object</th><th>Why</th></tr>\n");
	json_array_foreach(conflicts, i, item)
	{
		strbuf_adds(out, "<tr>");
		html_in(out, "td", text_of(item, "object"));
		html_in(out, "td", text_of(item, "why"));
		strbuf_adds(out, "</tr>\n");
	}
	strbuf_adds(out, "</table>\n");
}

int plan_write_html(const struct plan_document *document, const char *path,
		    struct error *err)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	json_t *item;
	size_t i;
	int ret;

	strbuf_addf(&out,
		    "<!DOCTYPE html>\n<html lang=\"en\"><head>"
		    "<meta charset=\"utf-8\"><title>What would be written"
		    "</title><style>%s</style></head><body>\n"
		    "<h1>What would be written</h1>\n<p>%zu objects. Made ",
		    STYLE, json_array_size(document->objects));
	html_text(&out, text_of(document->head, "time"));
	strbuf_adds(&out, " by ");
	html_text(&out, text_of(document->head, "user"));
	strbuf_adds(&out, ". Nothing has been written yet.</p>\n");
	json_array_foreach(document->warnings, i, item)
		html_warning(&out, json_string_value(item));
	html_conflicts(&out, json_object_get(document->head, "conflicts"));
	html_counts(&out, document->agents);
	html_causes(&out, document->causes);
	strbuf_adds(&out, "<h2>Each object</h2>\n");
	json_array_foreach(document->objects, i, item) html_object(&out, item);
	strbuf_adds(&out, "</body></html>\n");
	ret = write_file(path, &out, err);
	strbuf_release(&out);
	return ret;
}
