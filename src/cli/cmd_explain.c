/*
 * cmd_explain.c - `conjoin explain`: why a value, a link, or an absence
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/show.h"
#include "cli/tell.h"
#include "inspect/explain.h"

#include <string.h>

#define set json_object_set_new

/* Values that still stand beside the name of their attribute. */
#define BESIDE 3

static const struct option_def options[] = {
	{ "all", NULL, false,
	  "every attribute with all that contributes to it" },
	{ NULL, NULL, false, NULL },
};

/* --- JSON -------------------------------------------------------------- */

static json_t *id_json(int64_t cs, struct arena *arena)
{
	if (!cs || sync_is_new(cs))
		return json_null();
	return json_of_text(display_cs_id(cs, arena));
}

static json_t *time_json(int64_t time, struct arena *arena)
{
	return time ? json_of_text(output_time(time, arena)) : json_null();
}

static json_t *name_json(struct sv name)
{
	return name.len ? json_of_sv(name) : json_null();
}

static json_t *source_json(const struct explain_source *source,
			   struct arena *arena)
{
	json_t *json = json_object();

	(void)set(json, "agent", json_of_text(source->agent));
	(void)set(json, "rule_set", json_of_text(source->rule_set));
	(void)set(json, "object", name_json(source->object));
	(void)set(json, "id", id_json(source->cs, arena));
	(void)set(json, "rule", json_of_text(source->rule));
	(void)set(json, "source", name_json(source->source));
	(void)set(json, "values", show_texts_json(&source->values));
	(void)set(json, "why", json_of_text(source->why));
	return json;
}

static json_t *attr_json(const struct explain_attr *attr, struct arena *arena)
{
	json_t *json = json_object();
	json_t *winner = json_null();
	json_t *losers = json_array();
	size_t i;

	if (attr->has_winner) {
		winner = source_json(&attr->winner, arena);
		(void)set(winner, "since",
			  time_json(attr->winner.since, arena));
		(void)set(winner, "imported",
			  time_json(attr->winner.imported, arena));
	}
	for (i = 0; i < attr->loser_count; i++)
		(void)json_array_append_new(
			losers, source_json(&attr->losers[i], arena));
	(void)set(json, "name", json_of_text(attr->name));
	(void)set(json, "values", show_texts_json(&attr->values));
	(void)set(json, "winner", winner);
	(void)set(json, "losers", losers);
	(void)set(json, "after_sync",
		  attr->differs ? show_texts_json(&attr->next) : json_null());
	return json;
}

static json_t *link_json(const struct explain_link *link, struct arena *arena)
{
	json_t *json = json_object();

	(void)set(json, "agent", json_of_text(link->agent));
	(void)set(json, "rule_set", json_of_text(link->rule_set));
	(void)set(json, "object", name_json(link->object));
	(void)set(json, "id", id_json(link->cs, arena));
	(void)set(json, "how", json_of_text(link->how));
	(void)set(json, "since", time_json(link->since, arena));
	(void)set(json, "state", json_of_text(link->state));
	(void)set(json, "frozen", json_boolean(link->frozen));
	(void)set(json, "pending_import", json_of_text(link->import));
	(void)set(json, "pending_export", json_of_text(link->export));
	(void)set(json, "awaiting", json_of_text(link->awaiting));
	return json;
}

static json_t *absence_json(const struct explain_absence *absence)
{
	json_t *json = json_object();

	(void)set(json, "agent", json_of_text(absence->agent));
	(void)set(json, "rule_set", json_of_text(absence->rule_set));
	(void)set(json, "text", json_of_text(absence->text));
	(void)set(json, "rule", json_of_text(absence->rule));
	return json;
}

static json_t *provision_json(const struct explain_provision *provision)
{
	json_t *json = json_object();

	(void)set(json, "agent", json_of_text(provision->agent));
	(void)set(json, "rule_set", json_of_text(provision->rule_set));
	(void)set(json, "wanted", json_boolean(provision->wanted));
	(void)set(json, "state", json_of_text(provision->state));
	(void)set(json, "text", json_of_text(provision->text));
	(void)set(json, "rule", json_of_text(provision->rule));
	(void)set(json, "when", name_json(provision->when));
	return json;
}

static json_t *export_json(const struct explain_export *export,
			   struct arena *arena)
{
	json_t *json = json_object();
	json_t *reads = json_array();
	size_t i;

	for (i = 0; i < export->read_count; i++) {
		const struct explain_read *read = &export->reads[i];
		json_t *item = json_object();

		(void)set(item, "name", json_of_text(read->name));
		(void)set(item, "values", show_texts_json(&read->values));
		(void)set(item, "since", time_json(read->since, arena));
		(void)json_array_append_new(reads, item);
	}
	(void)set(json, "agent", json_of_text(export->agent));
	(void)set(json, "object", name_json(export->object));
	(void)set(json, "id", id_json(export->cs, arena));
	(void)set(json, "name", json_of_text(export->name));
	(void)set(json, "rule", json_of_text(export->rule));
	(void)set(json, "source", name_json(export->source));
	(void)set(json, "reads", reads);
	(void)set(json, "wanted", show_texts_json(&export->wanted));
	(void)set(json, "has", show_texts_json(&export->has));
	(void)set(json, "state", json_of_text(export->state));
	(void)set(json, "text", json_of_text(export->text));
	return json;
}

static void add_lists(json_t *document, const struct explain *explain,
		      struct arena *arena)
{
	json_t *attributes = json_array();
	json_t *connectors = json_array();
	json_t *remembered = json_array();
	json_t *provisioning = json_array();
	json_t *absent = json_array();
	json_t *exports = json_array();
	size_t i;

	for (i = 0; i < explain->attr_count; i++)
		(void)json_array_append_new(
			attributes, attr_json(&explain->attrs[i], arena));
	for (i = 0; i < explain->link_count; i++)
		(void)json_array_append_new(
			explain->links[i].remembered ? remembered : connectors,
			link_json(&explain->links[i], arena));
	for (i = 0; i < explain->provision_count; i++)
		(void)json_array_append_new(
			provisioning, provision_json(&explain->provisions[i]));
	for (i = 0; i < explain->export_count; i++)
		(void)json_array_append_new(
			exports, export_json(&explain->exports[i], arena));
	(void)set(document, "attributes", attributes);
	(void)set(document, "connectors", connectors);
	(void)set(document, "remembered", remembered);
	(void)set(document, "provisioning", provisioning);
	for (i = 0; i < explain->absence_count; i++)
		(void)json_array_append_new(
			absent, absence_json(&explain->absences[i]));
	(void)set(document, "absent", absent);
	(void)set(document, "exports", exports);
}

static void print_json(struct cli *cli, const struct explain *explain)
{
	json_t *document = json_object();
	json_t *error = explain->failed ? json_object() : json_null();
	const struct subject_view *view = &explain->view;

	if (explain->failed) {
		(void)set(error, "code", json_of_sv(explain->code));
		(void)set(error, "message", json_of_sv(explain->message));
	}
	(void)set(document, "object", tell_object_json(view, &cli->arena));
	(void)set(document, "state",
		  view->in_cs ? json_of_text(view->cs.state) : json_null());
	(void)set(document, "why", show_texts_json(&explain->why));
	(void)set(document, "attribute", json_of_text(explain->attribute));
	(void)set(document, "values",
		  view->in_cs && explain->attribute
			  ? show_texts_json(&explain->own)
			  : json_null());
	add_lists(document, explain, &cli->arena);
	(void)set(document, "error", error);
	output_json(&cli->output, document);
}

/* --- attributes as text ------------------------------------------------ */

static bool is_whole(const struct cli *cli, const struct explain *explain)
{
	return explain->attribute || args_has(&cli->args, "all");
}

static void print_source(struct cli *cli, const struct explain_source *source)
{
	if (source->agent)
		(void)printf("%s%s%s", source->agent,
			     source->object.len ? " " : "",
			     output_safe(source->object, &cli->arena));
	else
		(void)printf("(no object)");
	tell_place(cli, source->rule);
	if (source->source.len)
		(void)printf("  %s", output_safe(source->source, &cli->arena));
	(void)putchar('\n');
}

static void print_next(struct cli *cli, const struct explain_attr *attr,
		       const char *indent)
{
	if (!attr->differs)
		return;
	(void)printf("%s%snot synchronized yet:%s it will be %s", indent,
		     output_style(&cli->output, stdout, STYLE_WARN),
		     output_style(&cli->output, stdout, STYLE_NONE),
		     tell_values(cli, &attr->next, TELL_SHORT));
	tell_place(cli, attr->next_rule);
	(void)putchar('\n');
}

static void print_winner(struct cli *cli, const struct explain_attr *attr)
{
	const struct explain_source *winner = &attr->winner;

	if (!attr->has_winner)
		return;
	(void)printf("    from  ");
	print_source(cli, winner);
	if (winner->why)
		(void)printf("          %s\n",
			     output_safe(sv_from(winner->why), &cli->arena));
	if (winner->since)
		(void)printf("          since %s",
			     output_time(winner->since, &cli->arena));
	if (winner->since && winner->imported)
		(void)printf("; %s was last imported %s", winner->agent,
			     output_time(winner->imported, &cli->arena));
	if (winner->since)
		(void)putchar('\n');
}

static void print_loser(struct cli *cli, const struct explain_source *loser)
{
	(void)printf("    not   ");
	print_source(cli, loser);
	(void)printf("          ");
	if (loser->values.len)
		(void)printf("%s: ",
			     tell_values(cli, &loser->labels, TELL_SHORT));
	(void)puts(output_safe(sv_from(loser->why ? loser->why : ""),
			       &cli->arena));
}

/* Beside the name, or many of them below it. */
static void print_all_values(struct cli *cli, const struct explain_attr *attr)
{
	size_t i;

	(void)printf("%s%s%s", output_style(&cli->output, stdout, STYLE_BOLD),
		     attr->name,
		     output_style(&cli->output, stdout, STYLE_NONE));
	if (attr->values.len <= BESIDE) {
		(void)printf("  %s\n",
			     attr->values.len
				     ? tell_values(cli, &attr->labels, 0)
				     : "(no value)");
		return;
	}
	(void)printf("  %zu values\n", attr->values.len);
	for (i = 0; i < attr->labels.len; i++)
		(void)printf("          %s\n",
			     output_safe(attr->labels.at[i], &cli->arena));
}

static void print_whole_attr(struct cli *cli, const struct explain_attr *attr)
{
	size_t i;

	print_all_values(cli, attr);
	print_winner(cli, attr);
	for (i = 0; i < attr->loser_count; i++)
		print_loser(cli, &attr->losers[i]);
	if (!attr->has_winner && !attr->loser_count)
		(void)puts("    no rule gives it a value");
	print_next(cli, attr, "    ");
}

static void print_short_attr(struct cli *cli, const struct explain_attr *attr,
			     size_t width, size_t value_width)
{
	const struct explain_source *winner = &attr->winner;

	(void)printf("    ");
	tell_padded(attr->name, width);
	(void)printf("  ");
	tell_padded(tell_values(cli, &attr->labels, TELL_SHORT), value_width);
	if (winner->agent)
		(void)printf("  %s", winner->agent);
	tell_place(cli, winner->rule);
	if (winner->since)
		(void)printf("  %ssince %s%s",
			     output_style(&cli->output, stdout, STYLE_DIM),
			     output_time(winner->since, &cli->arena),
			     output_style(&cli->output, stdout, STYLE_NONE));
	(void)putchar('\n');
	print_next(cli, attr, "        ");
}

static void print_attrs(struct cli *cli, const struct explain *explain)
{
	bool whole = is_whole(cli, explain);
	size_t value_width = 0;
	size_t width = 12;
	size_t i;

	for (i = 0; i < explain->attr_count; i++) {
		const struct explain_attr *attr = &explain->attrs[i];

		if (!attr->values.len)
			continue;
		width = tell_wider(attr->name, width, 32);
		value_width =
			tell_wider(tell_values(cli, &attr->labels, TELL_SHORT),
				   value_width, 40);
	}
	for (i = 0; i < explain->attr_count; i++) {
		const struct explain_attr *attr = &explain->attrs[i];

		if (whole)
			print_whole_attr(cli, attr);
		else if (attr->values.len || attr->differs)
			print_short_attr(cli, attr, width, value_width);
	}
}

/* --- links and accounts as text ---------------------------------------- */

static void print_motion(const struct explain_link *link)
{
	if (link->import)
		(void)printf(", import %s pending", link->import);
	if (link->export)
		(void)printf(", export %s pending", link->export);
	if (link->awaiting)
		(void)printf(", %s awaits confirmation", link->awaiting);
	if (link->frozen)
		(void)printf(", frozen: its rule set is in no file");
}

static void print_links_of(struct cli *cli, const struct explain *explain,
			   bool remembered, const char *heading)
{
	bool first = true;
	size_t width = 8;
	size_t i;

	for (i = 0; i < explain->link_count; i++)
		width = tell_wider(arena_printf(&cli->arena, "%s.%s",
						explain->links[i].agent,
						explain->links[i].rule_set),
				   width, 32);
	for (i = 0; i < explain->link_count; i++) {
		const struct explain_link *link = &explain->links[i];

		if (link->remembered != remembered)
			continue;
		if (first)
			tell_heading(cli, heading);
		first = false;
		(void)printf("    ");
		tell_padded(arena_printf(&cli->arena, "%s.%s", link->agent,
					 link->rule_set ? link->rule_set : "?"),
			    width);
		(void)printf("  %s  %s %s",
			     output_safe(link->object, &cli->arena), link->how,
			     output_time(link->since, &cli->arena));
		print_motion(link);
		(void)putchar('\n');
	}
}

static void print_absences(struct cli *cli, const struct explain *explain)
{
	size_t i;

	if (explain->absence_count)
		tell_heading(cli, "not joined");
	for (i = 0; i < explain->absence_count; i++) {
		const struct explain_absence *at = &explain->absences[i];

		(void)printf("    %s.%s  %s", at->agent, at->rule_set,
			     output_safe(sv_from(at->text), &cli->arena));
		tell_place(cli, at->rule);
		(void)puts("");
	}
}

static void print_provisions(struct cli *cli, const struct explain *explain)
{
	size_t width = 8;
	size_t i;

	for (i = 0; i < explain->provision_count; i++)
		width = tell_wider(
			arena_printf(&cli->arena, "%s.%s",
				     explain->provisions[i].agent,
				     explain->provisions[i].rule_set),
			width, 32);
	if (explain->provision_count)
		tell_heading(cli, "provisioning");
	for (i = 0; i < explain->provision_count; i++) {
		const struct explain_provision *at = &explain->provisions[i];

		(void)printf("    ");
		tell_padded(arena_printf(&cli->arena, "%s.%s", at->agent,
					 at->rule_set),
			    width);
		(void)printf("  %s",
			     output_safe(sv_from(at->text), &cli->arena));
		tell_place(cli, at->rule);
		if (!at->wanted && at->when.len)
			(void)printf("  when %s",
				     output_safe(at->when, &cli->arena));
		(void)putchar('\n');
	}
}

/* --- exports as text --------------------------------------------------- */

static bool is_moving(const struct explain_export *export)
{
	return !strcmp(export->state, "pending") ||
	       !strcmp(export->state, "awaiting") ||
	       !strcmp(export->state, "waiting");
}

/* With an attribute all that is exported of it, else what is in motion. */
static bool is_shown(const struct cli *cli, const struct explain *explain,
		     const struct explain_export *export)
{
	return is_whole(cli, explain) || is_moving(export);
}

static void print_reads(struct cli *cli, const struct explain_export *export)
{
	size_t i;

	for (i = 0; i < export->read_count; i++) {
		const struct explain_read *read = &export->reads[i];

		(void)printf("        metaverse %s: %s", read->name,
			     tell_values(cli, &read->values, TELL_SHORT));
		if (read->since)
			(void)printf(", since %s",
				     output_time(read->since, &cli->arena));
		(void)putchar('\n');
	}
}

static void print_export(struct cli *cli, const struct explain *explain,
			 const struct explain_export *export, size_t width)
{
	bool pending = !strcmp(export->state, "pending");

	(void)printf("    ");
	tell_padded(export->name, width);
	(void)printf("  %s",
		     pending ? tell_change(cli, &export->has, &export->wanted,
					   TELL_SHORT)
			     : tell_values(cli, &export->has, TELL_SHORT));
	tell_place(cli, export->rule);
	if (!is_moving(export) && !explain->attribute) {
		(void)putchar('\n');
		return;
	}
	if (export->source.len)
		(void)printf("  %s", output_safe(export->source, &cli->arena));
	(void)printf("\n        %s\n",
		     output_safe(sv_from(export->text), &cli->arena));
	print_reads(cli, export);
}

static void print_exports(struct cli *cli, const struct explain *explain)
{
	const struct explain_export *last = NULL;
	size_t width = 12;
	size_t i;

	for (i = 0; i < explain->export_count; i++)
		if (is_shown(cli, explain, &explain->exports[i]))
			width = tell_wider(explain->exports[i].name, width, 32);
	for (i = 0; i < explain->export_count; i++) {
		const struct explain_export *export = &explain->exports[i];

		if (!is_shown(cli, explain, export))
			continue;
		if (!last || last->cs != export->cs)
			tell_heading(cli,
				     arena_printf(&cli->arena, "%s to %s %s",
						  is_whole(cli, explain)
							  ? "exported"
							  : "to be written",
						  export->agent,
						  output_safe(export->object,
							      &cli->arena)));
		last = export;
		print_export(cli, explain, export, width);
	}
}

/* --- a connector space object as text ---------------------------------- */

static void print_contribution(struct cli *cli, const struct explain *explain,
			       const struct explain_attr *attr)
{
	int64_t own = explain->view.cs.id;
	size_t i;

	(void)printf("    %s: %s\n", attr->name,
		     attr->values.len
			     ? tell_values(cli, &attr->labels, TELL_SHORT)
			     : "(no value)");
	if (attr->has_winner && attr->winner.cs == own) {
		(void)printf("        its value wins");
		tell_place(cli, attr->winner.rule);
		(void)putchar('\n');
	}
	for (i = 0; i < attr->loser_count; i++) {
		const struct explain_source *loser = &attr->losers[i];

		if (loser->cs != own)
			continue;
		(void)printf(
			"        its value %s%sdoes not count: %s",
			loser->values.len
				? tell_values(cli, &loser->labels, TELL_SHORT)
				: "",
			loser->values.len ? " " : "", loser->why);
		tell_place(cli, loser->rule);
		(void)putchar('\n');
	}
	print_next(cli, attr, "        ");
}

/* Metaverse attributes for which this object's value counts, or does not. */
static void print_names(struct cli *cli, const struct explain *explain,
			bool counts, const char *what)
{
	struct strbuf names = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;
	size_t k;

	for (i = 0; i < explain->attr_count; i++) {
		const struct explain_attr *attr = &explain->attrs[i];
		bool wins = attr->has_winner &&
			    attr->winner.cs == explain->view.cs.id;
		bool loses = false;

		for (k = 0; k < attr->loser_count; k++)
			loses |= attr->losers[k].cs == explain->view.cs.id &&
				 attr->losers[k].values.len > 0;
		if (counts ? wins : !wins && loses)
			strbuf_addf(&names, "%s%s", names.len ? ", " : "",
				    attr->name);
	}
	if (names.len)
		(void)printf("    %s %s\n", what,
			     output_safe(strbuf_sv(&names), &cli->arena));
	strbuf_release(&names);
}

static void print_own(struct cli *cli, const struct explain *explain)
{
	const struct display_cs *cs = &explain->view.cs;
	size_t i;

	(void)printf("    %s  %s\n", explain->attribute,
		     explain->own.len ? tell_values(cli, &explain->own, 0)
				      : "(no value)");
	for (i = 0; i < cs->import_change_count; i++)
		if (!strcmp(cs->import_changes[i].name, explain->attribute))
			(void)printf("        as the last import read it, not "
				     "synchronized yet; before: %s\n",
				     tell_values(cli,
						 &cs->import_changes[i].before,
						 TELL_SHORT));
}

static void print_cs(struct cli *cli, const struct explain *explain)
{
	size_t i;

	if (explain->attribute) {
		print_own(cli, explain);
	} else {
		for (i = 0; i < explain->why.len; i++)
			(void)printf("    %s\n", output_safe(explain->why.at[i],
							     &cli->arena));
	}
	if (explain->attr_count && !is_whole(cli, explain)) {
		print_names(cli, explain, true, "its values count for");
		print_names(cli, explain, false, "not for");
	}
	if (explain->attr_count && is_whole(cli, explain)) {
		tell_heading(cli, arena_printf(&cli->arena, "flows to mv %lld",
					       (long long)explain->view.cs.mv));
		for (i = 0; i < explain->attr_count; i++)
			print_contribution(cli, explain, &explain->attrs[i]);
	}
	print_exports(cli, explain);
	if (explain->attribute && !explain->attr_count &&
	    !explain->export_count && explain->view.cs.mv)
		(void)puts("    no rule imports or exports it");
}

/* The recorded error, which a synchronization meets again. */
static bool is_told(const struct explain *explain)
{
	const struct display_cs *cs = &explain->view.cs;

	return !explain->attribute && cs->has_error &&
	       sv_eq(cs->error.code, explain->code);
}

static void print_text(struct cli *cli, const struct explain *explain)
{
	tell_object(cli, &explain->view);
	if (explain->view.in_cs) {
		print_cs(cli, explain);
	} else {
		print_attrs(cli, explain);
		if (explain->attribute) {
			print_exports(cli, explain);
		} else {
			print_links_of(cli, explain, false, "connectors");
			print_links_of(cli, explain, true,
				       "remembered by, no connectors now");
			print_provisions(cli, explain);
			print_absences(cli, explain);
			print_exports(cli, explain);
		}
	}
	if (explain->failed && !is_told(explain))
		(void)printf("%sits synchronization ends in error%s %s: %s\n",
			     output_style(&cli->output, stdout, STYLE_BAD),
			     output_style(&cli->output, stdout, STYLE_NONE),
			     output_safe(explain->code, &cli->arena),
			     output_safe(explain->message, &cli->arena));
}

/* --- the command ------------------------------------------------------- */

static enum run_exit explain_one(struct session *session,
				 const struct subject *subject,
				 const char *attribute)
{
	struct cli *cli = session->cli;
	struct error err = ERROR_INIT;
	struct explain explain;

	if (explain_object(&session->display, subject, attribute, &cli->arena,
			   &explain, &err) < 0)
		return err.code == ERR_NOTFOUND
			       ? cli_fail(cli, &err)
			       : cli_fail_as(cli, RUN_FAILED, &err);
	if (cli->output.json)
		print_json(cli, &explain);
	else
		print_text(cli, &explain);
	return RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	struct session session;
	struct subject subject;
	enum run_exit exit;
	size_t used;

	exit = tell_open(&session, cli, &subject, &used);
	if (exit != RUN_OK)
		return exit;
	if (used + 1 < cli->args.words.len)
		exit = cli_misuse(cli, "'explain' does not take '%s'",
				  cli_word(cli, used + 1));
	else
		exit = explain_one(&session, &subject, cli_word(cli, used));
	tell_close(&session);
	return exit;
}

const struct command command_explain = {
	.name = "explain",
	.usage = "AGENT DN|ANCHOR | mv ID | CLAUSE... [ATTRIBUTE]",
	.help = "why a value is what it is, a link is there, or nothing is",
	.more = "Of a metaverse object: who gave each value, by which rule and "
		"since when, its connectors\nand why it has or lacks an "
		"account; with ATTRIBUTE also who lost and why. Of an object "
		"in\na connector space: why it is linked, filtered or left "
		"over, and what is pending for it.\n\n"
		"  conjoin explain mv 17 telephoneNumber\n"
		"  conjoin explain employeeID=1004\n"
		"  conjoin explain phone 203\n",
	.options = options,
	.min_words = 1,
	.max_words = 32,
	.run = run,
};
