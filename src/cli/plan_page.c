/*
 * plan_page.c - a plan as one page that needs nothing from elsewhere
 *
 * Of a plan of a hundred thousand objects a page shows some; what all come to
 * stands above them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/html.h"
#include "cli/plan_document.h"

#include <string.h>

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
		html_text(out, sv_from(json_string_value(value)));
	}
	strbuf_adds(out, "</td>");
}

static void html_object_causes(struct strbuf *out, const json_t *object)
{
	json_t *cause;
	size_t i;

	json_array_foreach(json_object_get(object, "causes"), i, cause)
	{
		const char *at = plan_text(cause, "object");

		strbuf_adds(out, i ? "; " : "");
		html_text(out, sv_from(plan_text(cause, "cause")));
		strbuf_adds(out, *at ? " (" : "");
		html_text(out, sv_from(at));
		strbuf_adds(out, *at ? ")" : "");
	}
}

static void html_object(struct strbuf *out, const json_t *object)
{
	const char *operation = plan_text(object, "operation");
	const char *new_dn = plan_text(object, "new_dn");
	bool several = json_array_size(json_object_get(object, "causes")) > 1;
	struct strbuf causes = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *name;
	json_t *change;

	strbuf_addf(out, "<details open class=\"%s\"><summary><b>%s</b> ",
		    operation, operation);
	html_text(out, sv_from(plan_object_name(object)));
	if (*new_dn) {
		strbuf_adds(out, " &rarr; ");
		html_text(out, sv_from(new_dn));
	}
	strbuf_adds(out, " <small>in ");
	html_text(out, sv_from(plan_text(object, "agent")));
	strbuf_adds(out, "</small></summary><p>Because of ");
	html_object_causes(out, object);
	strbuf_adds(out, "</p>");
	if (*plan_text(object, "note"))
		html_in(out, "p", sv_from(plan_text(object, "note")));
	if (json_object_size(json_object_get(object, "attributes")))
		strbuf_addf(out,
			    "<table><tr><th>Attribute</th><th>Now</th>"
			    "<th>Then</th><th>Rule</th>%s</tr>\n",
			    several ? "<th>Cause</th>" : "");
	json_object_foreach(json_object_get(object, "attributes"), name, change)
	{
		strbuf_adds(out, "<tr>");
		html_in(out, "td", sv_from(name));
		html_values(out, json_object_get(change, "old"), "old");
		html_values(out, json_object_get(change, "new"), "new");
		html_in(out, "td", sv_from(plan_text(change, "rule")));
		strbuf_reset(&causes);
		plan_add_causes(&causes, object, name);
		if (several)
			html_in(out, "td", sv_from(strbuf_cstr(&causes)));
		strbuf_adds(out, "</tr>\n");
	}
	if (json_object_size(json_object_get(object, "attributes")))
		strbuf_adds(out, "</table>");
	strbuf_adds(out, "</details>\n");
	strbuf_release(&causes);
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
			html_in(out, "td", sv_from(agent));
			html_in(out, "td", sv_from(operation));
			strbuf_addf(out, "<td>%lld</td></tr>\n",
				    (long long)json_integer_value(count));
		}
	}
	strbuf_adds(out, "</table>\n");
}

static void html_causes(struct strbuf *out,
			const struct plan_document *document)
{
	const char *cause;
	json_t *count;

	strbuf_adds(out, "<h2>Why</h2><table><tr><th>Cause</th>"
			 "<th>Objects</th></tr>\n");
	json_object_foreach(document->causes, cause, count)
	{
		strbuf_adds(out, "<tr>");
		html_in(out, "td", sv_from(cause));
		strbuf_addf(out, "<td>%lld</td></tr>\n",
			    (long long)json_integer_value(count));
	}
	strbuf_adds(out, "</table>\n");
	if (document->several)
		strbuf_addf(out,
			    "<p>Objects with several causes, counted in each: "
			    "%lld</p>\n",
			    (long long)document->several);
}

static void html_warning(struct strbuf *out, const char *text)
{
	strbuf_adds(out, "<p class=\"warning\">");
	html_text(out, sv_from(text));
	strbuf_adds(out, "</p>\n");
}

static void html_conflicts(struct strbuf *out,
			   const struct plan_document *document)
{
	const json_t *conflicts = document->conflicts;
	json_t *item;
	size_t i;

	if (!json_array_size(conflicts))
		return;
	strbuf_addf(out,
		    "<h2>%zu %s</h2><table><tr><th>"
		    "Object</th><th>Why</th></tr>\n",
		    json_array_size(conflicts), plan_left_alone(document));
	json_array_foreach(conflicts, i, item)
	{
		strbuf_adds(out, "<tr>");
		html_in(out, "td", sv_from(plan_text(item, "object")));
		html_in(out, "td", sv_from(plan_text(item, "why")));
		strbuf_adds(out, "</tr>\n");
	}
	strbuf_adds(out, "</table>\n");
}

static void html_head(struct strbuf *out, const struct plan_document *document)
{
	json_t *item;
	size_t i;

	strbuf_addf(out,
		    "<!DOCTYPE html>\n<html lang=\"en\"><head>"
		    "<meta charset=\"utf-8\"><title>What would be written"
		    "</title><style>%s</style></head><body>\n"
		    "<h1>What would be written</h1>\n<p>%lld objects. Made ",
		    STYLE, (long long)document->count);
	html_text(out, sv_from(plan_text(document->head, "time")));
	strbuf_adds(out, " by ");
	html_text(out, sv_from(plan_text(document->head, "user")));
	strbuf_adds(out, ". Nothing has been written yet.</p>\n");
	json_array_foreach(document->warnings, i, item)
		html_warning(out, json_string_value(item));
	html_conflicts(out, document);
	html_counts(out, document->agents);
	html_causes(out, document);
	strbuf_adds(out, "<h2>Each object</h2>\n");
}

static void html_end(struct strbuf *out, const struct plan_cursor *cursor)
{
	const struct plan_view *view = cursor->view;

	if (view->offset)
		strbuf_addf(out, "<p>%lld objects stand before these.</p>\n",
			    (long long)view->offset);
	if (cursor->left)
		strbuf_addf(out,
			    "<p>... and %lld more: <code>conjoin plan show "
			    "FILE --html PAGE --offset %lld</code></p>\n",
			    (long long)cursor->left,
			    (long long)view->offset + cursor->shown);
	strbuf_adds(out, "</body></html>\n");
}

static int write_page(struct plan_document *document,
		      struct plan_cursor *cursor, FILE *to, struct error *err)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	json_t *object;
	int ret;

	html_head(&out, document);
	while ((ret = plan_cursor_next(cursor, &object, err)) > 0) {
		html_object(&out, object);
		json_decref(object);
		(void)fwrite(out.ptr, 1, out.len, to);
		strbuf_reset(&out);
	}
	html_end(&out, cursor);
	(void)fwrite(out.ptr, 1, out.len, to);
	strbuf_release(&out);
	return ret;
}

int plan_write_html(struct plan_document *document, const char *path,
		    const struct plan_view *view, struct error *err)
{
	struct file_replace file = { 0 };
	struct plan_cursor cursor;
	int ret = plan_cursor_begin(&cursor, document, view, err);

	if (ret == 0)
		ret = file_replace_open(&file, path, 0600, err);
	if (ret == 0)
		ret = write_page(document, &cursor, file.stream, err);
	if (ret == 0)
		ret = file_replace_commit(&file, err);
	file_replace_abort(&file);
	plan_cursor_end(&cursor);
	return ret;
}
