/*
 * events.c - what happened to objects, as lines and as JSON
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/events.h"

#include "cli/show.h"
#include "cli/tell.h"

#include <string.h>

#define set json_object_set_new

/* ---- JSON ---- */

static json_t *text_json(struct sv text)
{
	return text.len ? json_of_sv(text) : json_null();
}

static json_t *value_json(const struct history_value *value)
{
	json_t *json = json_object();

	(void)set(json, "name", json_of_text(value->name));
	(void)set(json, "before", show_texts_json(&value->before));
	(void)set(json, "after", show_texts_json(&value->after));
	(void)set(json, "secret", json_boolean(value->secret));
	(void)set(json, "by", json_of_text(value->by));
	(void)set(json, "was_by", json_of_text(value->was_by));
	return json;
}

static json_t *link_json(const struct history_link *link, struct arena *arena)
{
	json_t *json = json_object();

	(void)set(json, "came", json_boolean(link->came));
	(void)set(json, "id", json_of_text(display_cs_id(link->cs, arena)));
	(void)set(json, "agent", json_of_text(link->agent));
	(void)set(json, "object", text_json(link->object));
	(void)set(json, "rule_set", json_of_text(link->rule_set));
	(void)set(json, "how", json_of_text(link->how));
	return json;
}

static void set_export(json_t *json, const struct history_event *event,
		       struct arena *arena)
{
	json_t *name = json_null();

	if (event->dn.len || event->new_dn.len) {
		name = json_object();
		(void)set(name, "before", text_json(event->dn));
		(void)set(name, "after", text_json(event->new_dn));
	}
	(void)set(json, "id", json_of_text(display_cs_id(event->cs, arena)));
	(void)set(json, "object", text_json(event->object));
	(void)set(json, "operation", json_of_text(event->operation));
	(void)set(json, "answer",
		  event->answer.len ? json_of_sv(event->answer)
				    : json_string("success"));
	(void)set(json, "dn", name);
}

json_t *event_json(const struct history_event *event, struct arena *arena)
{
	json_t *json = json_object();
	json_t *values = json_array();
	json_t *links = json_array();
	size_t i;

	(void)set(json, "what", json_of_text(event->what));
	(void)set(json, "time",
		  event->time ? json_of_text(output_time(event->time, arena))
			      : json_null());
	(void)set(json, "run",
		  event->run ? json_integer(event->run) : json_null());
	(void)set(json, "profile", json_of_text(event->profile));
	(void)set(json, "type", json_of_text(event->type));
	(void)set(json, "mv",
		  event->mv ? json_integer(event->mv) : json_null());
	(void)set(json, "title", text_json(event->title));
	if (event->operation)
		set_export(json, event, arena);
	for (i = 0; i < event->value_count; i++)
		(void)json_array_append_new(values,
					    value_json(&event->values[i]));
	for (i = 0; i < event->link_count; i++)
		(void)json_array_append_new(links,
					    link_json(&event->links[i], arena));
	(void)set(json, "attributes", values);
	(void)set(json, "links", links);
	return json;
}

/* ---- lines ---- */

static void print_head(struct cli *cli, const struct history_event *event,
		       bool whose)
{
	const char *bold = output_style(&cli->output, stdout, STYLE_BOLD);
	const char *plain = output_style(&cli->output, stdout, STYLE_NONE);

	if (event->time)
		(void)printf("%s  ", output_time(event->time, &cli->arena));
	(void)printf("%s%s%s", bold,
		     event->operation ? event->operation : event->what, plain);
	if (event->operation)
		(void)printf("  %s", output_safe(event->object, &cli->arena));
	else if (whose)
		(void)printf("  mv %lld  %s  %s", (long long)event->mv,
			     event->type ? event->type : "",
			     output_safe(event->title, &cli->arena));
	if (event->run && event->time)
		(void)printf("  run %lld", (long long)event->run);
	if (event->profile && event->time)
		(void)printf(": %s", event->profile);
	(void)putchar('\n');
}

static void print_value(struct cli *cli, const struct history_value *value,
			size_t width)
{
	(void)printf("    ");
	tell_padded(value->name, width);
	if (value->secret)
		(void)printf("  (secret)");
	else
		(void)printf("  %s", tell_change(cli, &value->before,
						 &value->after, TELL_SHORT));
	if (value->by)
		(void)printf("  %s%s%s",
			     output_style(&cli->output, stdout, STYLE_DIM),
			     value->by,
			     output_style(&cli->output, stdout, STYLE_NONE));
	(void)putchar('\n');
}

static void print_link(struct cli *cli, const struct history_link *link)
{
	(void)printf("    %s  %s", link->came ? "linked  " : "unlinked",
		     output_safe(link->object, &cli->arena));
	if (link->came)
		(void)printf("  %s", link->how);
	(void)putchar('\n');
}

void event_print(struct cli *cli, const struct history_event *event, bool whose)
{
	size_t width = 12;
	size_t i;

	print_head(cli, event, whose);
	if (event->answer.len)
		(void)printf("    %srefused%s  %s\n",
			     output_style(&cli->output, stdout, STYLE_BAD),
			     output_style(&cli->output, stdout, STYLE_NONE),
			     output_safe(event->answer, &cli->arena));
	if (event->new_dn.len)
		(void)printf("    name  %s -> %s\n",
			     output_safe(event->dn, &cli->arena),
			     output_safe(event->new_dn, &cli->arena));
	else if (event->dn.len)
		(void)printf("    name  %s\n",
			     output_safe(event->dn, &cli->arena));
	for (i = 0; i < event->value_count; i++)
		width = tell_wider(event->values[i].name, width, 30);
	for (i = 0; i < event->value_count; i++)
		print_value(cli, &event->values[i], width);
	for (i = 0; i < event->link_count; i++)
		print_link(cli, &event->links[i]);
}
