/*
 * plan_show.c - a plan as text and as JSON
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/plan_document.h"

#include "cli/show.h"

#include <stdlib.h>
#include <string.h>

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

static struct display_texts texts_of(const json_t *values, struct arena *arena)
{
	struct display_texts texts = { .len = json_array_size(values) };
	size_t i;

	texts.at = arena_array(arena, texts.len + 1, sizeof(*texts.at));
	for (i = 0; i < texts.len; i++)
		texts.at[i] =
			sv_from(json_string_value(json_array_get(values, i)));
	return texts;
}

static void add_difference(struct strbuf *out, const json_t *before,
			   const json_t *after)
{
	struct arena arena = ARENA_INIT;
	struct display_texts old = texts_of(before, &arena);
	struct display_texts new = texts_of(after, &arena);

	show_difference(out, &old, &new, &arena);
	arena_release(&arena);
}

void plan_add_causes(struct strbuf *out, const json_t *object, const char *name)
{
	const json_t *causes = json_object_get(object, "causes");
	const json_t *own = json_object_get(
		json_object_get(object, "attribute_causes"), name);
	json_t *at;
	size_t i;

	json_array_foreach(own, i, at)
	{
		const json_t *cause =
			json_array_get(causes, (size_t)json_integer_value(at));

		strbuf_adds(out, i ? ", " : "");
		strbuf_adds(out, plan_text(cause, "cause"));
	}
}

static void print_change(const json_t *object, const char *name,
			 const json_t *change)
{
	const json_t *before = json_object_get(change, "old");
	const json_t *after = json_object_get(change, "new");
	const char *rule = plan_text(change, "rule");
	struct strbuf causes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct strbuf line = STRBUF_INIT(STRBUF_NO_LIMIT);

	if ((json_array_size(before) >= MANY && json_array_size(after)) ||
	    json_array_size(before) > SHOW_VALUES ||
	    json_array_size(after) > SHOW_VALUES) {
		add_difference(&line, before, after);
	} else {
		add_values(&line, before);
		if (json_array_size(before))
			strbuf_adds(&line, " -> ");
		if (!json_array_size(after))
			strbuf_adds(&line, "(none)");
		add_values(&line, after);
	}
	plan_add_causes(&causes, object, name);
	if (*rule || causes.len)
		strbuf_addf(&line, "  (%s%s", rule,
			    *rule && causes.len ? "; " : "");
	output_escape(strbuf_sv(&causes), &line);
	strbuf_adds(&line, *rule || causes.len ? ")" : "");
	(void)printf("      %-20s  %s\n", name, strbuf_cstr(&line));
	strbuf_release(&causes);
	strbuf_release(&line);
}

/* Each once, with the object at which it changed. */
static void print_causes(struct cli *cli, const json_t *object)
{
	const char *rule = plan_text(object, "rule");
	struct strbuf line = STRBUF_INIT(STRBUF_NO_LIMIT);
	json_t *cause;
	size_t i;

	json_array_foreach(json_object_get(object, "causes"), i, cause)
	{
		const char *at = plan_text(cause, "object");

		strbuf_addf(&line, "%s%s%s%s%s", i ? "; " : "",
			    plan_text(cause, "cause"), *at ? " (" : "", at,
			    *at ? ")" : "");
	}
	(void)printf("      because of %s%s%s%s\n",
		     output_safe(strbuf_sv(&line), &cli->arena),
		     *rule ? "  (" : "", rule, *rule ? ")" : "");
	strbuf_release(&line);
}

static void print_object(struct cli *cli, const json_t *object)
{
	const char *operation = plan_text(object, "operation");
	const char *new_dn = plan_text(object, "new_dn");
	const char *name;
	json_t *change;

	(void)printf(
		"  %-10s  %s  %s%s%s\n", operation, plan_text(object, "agent"),
		output_safe(sv_from(plan_object_name(object)), &cli->arena),
		*new_dn ? " -> " : "",
		output_safe(sv_from(new_dn), &cli->arena));
	print_causes(cli, object);
	if (*plan_text(object, "note"))
		(void)printf("      %s\n",
			     output_safe(sv_from(plan_text(object, "note")),
					 &cli->arena));
	json_object_foreach(json_object_get(object, "attributes"), name, change)
		print_change(object, name, change);
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

const char *plan_left_alone(const struct plan_document *document)
{
	return json_object_get(document->head, "cleanup")
		       ? "left out"
		       : "left alone, changed since";
}

/* What is left alone. */
static void print_conflicts(struct cli *cli,
			    const struct plan_document *document)
{
	const json_t *conflicts = document->conflicts;
	json_t *item;
	size_t i;

	if (json_array_size(conflicts))
		(void)printf("%zu %s\n", json_array_size(conflicts),
			     plan_left_alone(document));
	json_array_foreach(conflicts, i, item)(void) printf(
		"  %s: %s\n",
		output_safe(sv_from(plan_text(item, "object")), &cli->arena),
		output_safe(sv_from(plan_text(item, "why")), &cli->arena));
}

static void print_summary(struct cli *cli, const struct plan_document *document)
{
	const char *cause;
	json_t *value;
	size_t i;

	(void)printf("%lld object%s would be written\n",
		     (long long)document->count,
		     document->count == 1 ? "" : "s");
	print_counts(document->agents);
	print_conflicts(cli, document);
	if (json_object_size(document->causes))
		(void)puts("because of");
	json_object_foreach(document->causes, cause, value)(void)
		printf("  %6lld  %s\n", (long long)json_integer_value(value),
		       output_safe(sv_from(cause), &cli->arena));
	if (document->several)
		(void)printf("  (%lld object%s with several causes: counted in "
			     "each)\n",
			     (long long)document->several,
			     document->several == 1 ? "" : "s");
	json_array_foreach(document->warnings, i, value)(void) printf(
		"%swarning:%s %s\n",
		output_style(&cli->output, stdout, STYLE_WARN),
		output_style(&cli->output, stdout, STYLE_NONE),
		output_safe(sv_from(json_string_value(value)), &cli->arena));
}

int plan_print(struct cli *cli, struct plan_document *document,
	       const struct plan_view *view, struct error *err)
{
	struct plan_cursor cursor;
	json_t *object;
	int ret = plan_cursor_begin(&cursor, document, view, err);

	while (ret >= 0 &&
	       (ret = plan_cursor_next(&cursor, &object, err)) > 0) {
		print_object(cli, object);
		json_decref(object);
	}
	if (ret == 0 && cursor.left)
		(void)printf("  ... and %lld more; --limit N shows more, "
			     "--offset %lld goes on\n",
			     (long long)cursor.left,
			     (long long)view->offset + cursor.shown);
	if (ret == 0)
		print_summary(cli, document);
	plan_cursor_end(&cursor);
	return ret;
}

/* ---- JSON ---- */

static json_t *summary_json(const struct plan_document *document)
{
	json_t *json = json_copy(document->head);

	(void)json_object_del(json, "seed");
	(void)json_object_del(json, "edits");
	(void)json_object_del(json, "checks");
	if (document->guarded)
		(void)json_object_set_new(json, "guarded", json_true());
	(void)json_object_set(json, "agents", document->agents);
	(void)json_object_set(json, "causes", document->causes);
	(void)json_object_set_new(json, "in_several_causes",
				  json_integer(document->several));
	(void)json_object_set(json, "warnings", document->warnings);
	if (json_object_get(document->head, "undo") ||
	    json_object_get(document->head, "cleanup"))
		(void)json_object_set(json, "conflicts", document->conflicts);
	(void)json_object_set_new(json, "count", json_integer(document->count));
	return json;
}

/* The list of objects becomes the last member. */
int plan_print_json(struct cli *cli, struct plan_document *document,
		    const struct plan_view *view, struct error *err)
{
	json_t *summary = summary_json(document);
	char *text = json_dumps(summary, JSON_COMPACT);
	struct plan_cursor cursor;
	const char *comma = "";
	json_t *object;
	int ret = plan_cursor_begin(&cursor, document, view, err);

	(void)printf("%.*s,\n\"objects\":[", (int)strlen(text) - 1, text);
	while (ret >= 0 &&
	       (ret = plan_cursor_next(&cursor, &object, err)) > 0) {
		(void)printf("%s\n", comma);
		(void)json_dumpf(object, stdout,
				 cli->output.terminal ? JSON_INDENT(2)
						      : JSON_COMPACT);
		json_decref(object);
		comma = ",";
	}
	(void)puts("]}");
	plan_cursor_end(&cursor);
	free(text); /* jansson's */
	json_decref(summary);
	return ret;
}
