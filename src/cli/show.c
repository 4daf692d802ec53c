/*
 * show.c - print metaverse and connector space objects
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/show.h"

#include "inspect/holds.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define set json_object_set_new

/* --- JSON -------------------------------------------------------------- */

json_t *show_texts_json(const struct display_texts *texts)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < texts->len; i++)
		(void)json_array_append_new(list, json_of_sv(texts->at[i]));
	return list;
}

static json_t *attrs_json(const struct display_attrs *attrs)
{
	json_t *json = json_object();
	size_t i;

	for (i = 0; i < attrs->len; i++)
		(void)set(json, attrs->at[i].name,
			  show_texts_json(&attrs->at[i].values));
	return json;
}

json_t *show_mv_json(const struct display_mv *object, struct arena *arena)
{
	json_t *json = json_object();
	json_t *list = json_array();
	size_t i;

	(void)set(json, "id", json_integer(object->id));
	(void)set(json, "guid", json_of_text(object->guid));
	(void)set(json, "type", json_of_text(object->type));
	(void)set(json, "attributes", attrs_json(&object->attrs));
	(void)set(json, "connectors", list);
	for (i = 0; i < object->connector_count; i++) {
		const struct display_connector *at = &object->connectors[i];
		json_t *item = json_object();

		(void)set(item, "agent", json_of_text(at->agent));
		(void)set(item, "rule_set", json_of_text(at->rule_set));
		(void)set(item, "id",
			  json_of_text(display_cs_id(at->cs, arena)));
		(void)set(item, "anchor", json_of_sv(at->anchor));
		(void)set(item, "dn", json_of_sv(at->dn));
		(void)json_array_append_new(list, item);
	}
	return json;
}

static json_t *import_json(const struct display_cs *object)
{
	json_t *json;
	json_t *attrs;
	size_t i;

	if (!object->import)
		return json_null();
	json = json_object();
	attrs = json_object();
	(void)set(json, "operation", json_of_text(object->import));
	(void)set(json, "renamed", json_boolean(object->renamed));
	if (object->renamed)
		(void)set(json, "old_dn", json_of_sv(object->old_dn));
	(void)set(json, "attributes", attrs);
	for (i = 0; i < object->import_change_count; i++) {
		const struct display_change *at = &object->import_changes[i];
		json_t *item = json_object();

		(void)set(item, "old", show_texts_json(&at->before));
		(void)set(item, "new", show_texts_json(&at->after));
		(void)set(attrs, at->name, item);
	}
	return json;
}

json_t *show_retry_json(const struct display_retry *retry, struct arena *arena)
{
	json_t *json;

	if (!retry->failed)
		return json_null();
	json = json_object();
	(void)set(json, "failures", json_integer(retry->failures));
	(void)set(json, "quarantined_since",
		  retry->quarantined
			  ? json_of_text(output_time(retry->quarantined, arena))
			  : json_null());
	(void)set(json, "next_in_runs",
		  retry->held ? json_null() : json_integer(retry->runs));
	return json;
}

const char *show_retry(const struct display_retry *retry, struct arena *arena)
{
	if (!retry->quarantined)
		return NULL;
	if (retry->held)
		return arena_printf(arena,
				    "in quarantine by hand since %s: not tried "
				    "until 'errors retry' or another change",
				    output_time(retry->quarantined, arena));
	return arena_printf(
		arena,
		"in quarantine since %s after %lld failures: tried again in "
		"%s",
		output_time(retry->quarantined, arena),
		(long long)retry->failures,
		retry->runs == 1 ? "the next export"
				 : arena_printf(arena, "%lld exports",
						(long long)retry->runs));
}

static json_t *export_json(const struct display_export *export,
			   bool with_progress, struct arena *arena)
{
	json_t *json;
	json_t *attrs;
	size_t i;

	if (!export->operation)
		return json_null();
	json = json_object();
	attrs = json_object();
	(void)set(json, "operation", json_of_text(export->operation));
	(void)set(json, "dn", json_of_sv(export->dn));
	if (with_progress)
		(void)set(json, "in_progress",
			  json_boolean(export->in_progress));
	if (with_progress)
		(void)set(json, "retry",
			  show_retry_json(&export->retry, arena));
	(void)set(json, "attributes", attrs);
	for (i = 0; i < export->change_count; i++)
		(void)set(attrs, export->changes[i].name,
			  show_texts_json(&export->changes[i].after));
	return json;
}

static json_t *cs_error_json(const struct display_cs *object,
			     struct arena *arena)
{
	const struct cs_error *error = &object->error;
	json_t *json;

	if (!object->has_error)
		return json_null();
	json = json_object();
	(void)set(json, "code", json_of_sv(error->code));
	(void)set(json, "message", json_of_sv(error->message));
	(void)set(json, "first",
		  json_of_text(output_time(error->first, arena)));
	(void)set(json, "last", json_of_text(output_time(error->last, arena)));
	(void)set(json, "count", json_integer(error->count));
	return json;
}

json_t *show_cs_json(const struct display_cs *object, enum show_parts parts,
		     struct arena *arena)
{
	json_t *json = json_object();

	(void)set(json, "id", json_of_text(display_cs_id(object->id, arena)));
	(void)set(json, "agent", json_of_text(object->agent));
	(void)set(json, "type", json_of_text(object->type));
	(void)set(json, "state", json_of_text(object->state));
	(void)set(json, "dn", json_of_sv(object->dn));
	(void)set(json, "anchor", json_of_sv(object->anchor));
	(void)set(json, "mv",
		  object->mv ? json_integer(object->mv) : json_null());
	(void)set(json, "rule_set", json_of_text(object->rule_set));
	if (parts == SHOW_ALL) {
		(void)set(json, "attributes", attrs_json(&object->expected));
		(void)set(json, "image",
			  object->has_image ? attrs_json(&object->image)
					    : json_null());
		(void)set(json, "awaiting",
			  export_json(&object->awaiting, false, arena));
	}
	if (parts == SHOW_ALL || parts == SHOW_IMPORT)
		(void)set(json, "pending_import", import_json(object));
	if (parts == SHOW_ALL || parts == SHOW_EXPORT)
		(void)set(json, "pending_export",
			  export_json(&object->pending, true, arena));
	(void)set(json, "error", cs_error_json(object, arena));
	return json;
}

/* --- text -------------------------------------------------------------- */

struct sv show_first(const struct display_attrs *attrs, struct sv name)
{
	size_t i;

	for (i = 0; i < attrs->len; i++)
		if (sv_ieq_str(name, attrs->at[i].name) &&
		    attrs->at[i].values.len)
			return attrs->at[i].values.at[0];
	return SV_NULL;
}

struct sv show_title(const struct display_attrs *attrs)
{
	return display_title(attrs);
}

struct sv show_name(const struct display_cs *object, struct arena *arena)
{
	if (object->dn.len)
		return object->dn;
	if (object->anchor.len)
		return object->anchor;
	if (object->pending.dn.len)
		return object->pending.dn;
	return sv_from(display_cs_id(object->id, arena));
}

static const char *bold(struct cli *cli)
{
	return output_style(&cli->output, stdout, STYLE_BOLD);
}

static const char *plain(struct cli *cli)
{
	return output_style(&cli->output, stdout, STYLE_NONE);
}

static size_t widest(const char *name, size_t width)
{
	size_t len = strlen(name);

	return len > width && len <= 32 ? len : width;
}

static void add_joined(struct strbuf *out, const struct display_texts *texts)
{
	size_t i;

	for (i = 0; i < texts->len; i++) {
		if (i)
			strbuf_adds(out, "; ");
		output_escape(texts->at[i], out);
	}
}

static void print_attrs(struct cli *cli, const struct display_attrs *attrs,
			const char *indent)
{
	size_t width = 12;
	size_t i;
	size_t k;

	for (i = 0; i < attrs->len; i++)
		width = widest(attrs->at[i].name, width);
	for (i = 0; i < attrs->len; i++) {
		const struct display_texts *texts = &attrs->at[i].values;

		for (k = 0; k < texts->len && k < SHOW_VALUES; k++)
			(void)printf("%s%-*s  %s\n", indent, (int)width,
				     k ? "" : attrs->at[i].name,
				     output_safe(texts->at[k], &cli->arena));
		if (texts->len > SHOW_VALUES)
			(void)printf("%s%-*s  ... and %zu more\n", indent,
				     (int)width, "", texts->len - SHOW_VALUES);
	}
}

void show_mv(struct cli *cli, const struct display_mv *object)
{
	size_t width = 8;
	size_t i;

	(void)printf("%smv %lld%s  %s  %s\n", bold(cli), (long long)object->id,
		     plain(cli), object->type, object->guid);
	print_attrs(cli, &object->attrs, "  ");
	for (i = 0; i < object->connector_count; i++)
		width = widest(object->connectors[i].agent, width);
	(void)printf("  %zu connector%s\n", object->connector_count,
		     object->connector_count == 1 ? "" : "s");
	for (i = 0; i < object->connector_count; i++) {
		const struct display_connector *at = &object->connectors[i];

		(void)printf("    %-*s  %-10s  %s\n", (int)width, at->agent,
			     at->rule_set ? at->rule_set : "",
			     output_safe(at->dn.len ? at->dn : at->anchor,
					 &cli->arena));
	}
}

static int by_text(const void *a, const void *b)
{
	const struct sv *x = a;
	const struct sv *y = b;

	return sv_cmp(*x, *y);
}

/* Those of `texts` that the others lack, with a sign before each. */
static void add_missing(struct strbuf *out, char sign,
			const struct display_texts *texts,
			const struct display_texts *others)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < texts->len; i++) {
		if (others->len &&
		    bsearch(&texts->at[i], others->at, others->len,
			    sizeof(*others->at), by_text))
			continue;
		if (count++ >= SHOW_VALUES)
			continue;
		strbuf_addf(out, "%s%c ", out->len ? "; " : "", sign);
		output_escape(texts->at[i], out);
	}
	if (count > SHOW_VALUES)
		strbuf_addf(out, "; %c %zu more", sign, count - SHOW_VALUES);
}

static struct display_texts sorted(const struct display_texts *texts,
				   struct arena *arena)
{
	struct display_texts out = { .len = texts->len };

	out.at = arena_array(arena, out.len + 1, sizeof(*out.at));
	if (out.len) {
		memcpy(out.at, texts->at, out.len * sizeof(*out.at));
		qsort(out.at, out.len, sizeof(*out.at), by_text);
	}
	return out;
}

void show_difference(struct strbuf *out, const struct display_texts *before,
		     const struct display_texts *after, struct arena *arena)
{
	struct display_texts old = sorted(before, arena);
	struct display_texts new = sorted(after, arena);

	add_missing(out, '-', &old, &new);
	add_missing(out, '+', &new, &old);
}

static void print_changes(struct cli *cli, const struct display_change *changes,
			  size_t count, const char *indent)
{
	size_t width = 12;
	size_t i;

	for (i = 0; i < count; i++)
		width = widest(changes[i].name, width);
	for (i = 0; i < count; i++) {
		const struct display_change *at = &changes[i];
		struct strbuf line = STRBUF_INIT(STRBUF_NO_LIMIT);

		if (at->before.len > SHOW_VALUES ||
		    at->after.len > SHOW_VALUES) {
			show_difference(&line, &at->before, &at->after,
					&cli->arena);
		} else {
			add_joined(&line, &at->before);
			if (at->before.len)
				strbuf_adds(&line, " -> ");
			if (!at->after.len)
				strbuf_adds(&line, "(none)");
			add_joined(&line, &at->after);
		}
		(void)printf("%s%-*s  %s\n", indent, (int)width, at->name,
			     strbuf_cstr(&line));
		strbuf_release(&line);
	}
}

static void print_error(struct cli *cli, const struct display_cs *object,
			const char *indent)
{
	const struct cs_error *error = &object->error;

	if (!object->has_error)
		return;
	(void)printf("%s%serror %s%s, %lld time%s since %s: %s\n", indent,
		     output_style(&cli->output, stdout, STYLE_BAD),
		     output_safe(error->code, &cli->arena), plain(cli),
		     (long long)error->count, error->count == 1 ? "" : "s",
		     output_time(error->first, &cli->arena),
		     output_safe(error->message, &cli->arena));
}

static void print_retry(struct cli *cli, const struct display_export *export,
			const char *indent)
{
	const char *text = show_retry(&export->retry, &cli->arena);

	if (text)
		(void)printf("%s%s\n", indent, text);
}

static void print_export(struct cli *cli, const char *title,
			 const struct display_export *export)
{
	if (!export->operation)
		return;
	(void)printf("  %s: %s%s%s%s\n", title, export->operation,
		     export->dn.len ? " " : "",
		     output_safe(export->dn, &cli->arena),
		     export->in_progress ? " (sent, outcome unknown)" : "");
	print_changes(cli, export->changes, export->change_count, "    ");
}

void show_cs(struct cli *cli, const struct display_cs *object)
{
	(void)printf("%s%s%s  %s\n", bold(cli), object->agent, plain(cli),
		     output_safe(show_name(object, &cli->arena), &cli->arena));
	(void)printf("  id %s, type %s, %s",
		     display_cs_id(object->id, &cli->arena), object->type,
		     object->state);
	if (object->mv)
		(void)printf(" of mv %lld by rule set %s",
			     (long long)object->mv,
			     object->rule_set ? object->rule_set : "?");
	(void)putchar('\n');
	if (object->dn.len && object->anchor.len)
		(void)printf("  anchor %s\n",
			     output_safe(object->anchor, &cli->arena));
	if (!object->has_image)
		(void)puts("  not seen by an import yet");
	print_attrs(cli, &object->expected, "    ");
	if (object->import) {
		(void)printf("  pending import: %s%s%s\n", object->import,
			     object->renamed ? ", renamed from " : "",
			     object->renamed
				     ? output_safe(object->old_dn, &cli->arena)
				     : "");
		print_changes(cli, object->import_changes,
			      object->import_change_count, "    ");
	}
	print_export(cli, "awaiting confirmation", &object->awaiting);
	print_export(cli, "pending export", &object->pending);
	print_retry(cli, &object->pending, "    ");
	print_error(cli, object, "  ");
}

void show_import(struct cli *cli, const struct display_cs *object)
{
	(void)printf("  %-10s  %s\n",
		     object->renamed ? "rename" : object->import,
		     output_safe(show_name(object, &cli->arena), &cli->arena));
	print_changes(cli, object->import_changes, object->import_change_count,
		      "      ");
	print_error(cli, object, "      ");
}

void show_export(struct cli *cli, const struct display_cs *object)
{
	const struct display_export *export = &object->pending;
	bool renames = !strcmp(export->operation, "rename");

	(void)printf("  %-10s  %s%s%s%s\n", export->operation,
		     output_safe(show_name(object, &cli->arena), &cli->arena),
		     renames ? " -> " : "",
		     renames ? output_safe(export->dn, &cli->arena) : "",
		     export->in_progress ? " (sent, outcome unknown)" : "");
	print_changes(cli, export->changes, export->change_count, "      ");
	print_error(cli, object, "      ");
	print_retry(cli, export, "      ");
}

json_t *show_hold_json(const struct display_hold *hold, struct arena *arena)
{
	json_t *json = json_object();

	(void)json_object_set_new(json, "agent", json_of_text(hold->agent));
	(void)json_object_set_new(json, "id",
				  json_of_text(display_cs_id(hold->cs, arena)));
	(void)json_object_set_new(json, "name", json_of_sv(hold->name));
	(void)json_object_set_new(
		json, "mv", hold->mv ? json_integer(hold->mv) : json_null());
	(void)json_object_set_new(json, "rule_set",
				  json_of_text(hold->rule_set));
	(void)json_object_set_new(json, "undone", json_of_text(hold->what));
	(void)json_object_set_new(json, "run", json_integer(hold->run));
	(void)json_object_set_new(
		json, "since", json_of_text(output_time(hold->since, arena)));
	(void)json_object_set_new(json, "user", json_of_text(hold->user));
	return json;
}

void show_hold(const struct display_hold *hold, struct arena *arena)
{
	(void)printf("  %s %s  %s\n", hold->agent,
		     output_safe(hold->name, arena),
		     output_safe(sv_from(holds_sentence(hold, arena)), arena));
}
