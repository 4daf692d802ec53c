/*
 * cmd_preview.c - `conjoin preview`: one object through the six steps
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/show.h"
#include "cli/tell.h"

#define set json_object_set_new

struct telling {
	struct cli *cli;
	const struct preview *preview;
};

/* --- JSON -------------------------------------------------------------- */

static json_t *step_json(const struct preview_step *step, struct arena *arena)
{
	json_t *json = json_object();
	bool is_new = step->cs && sync_is_new(step->cs);
	bool new_mv = step->mv && sync_is_new(step->mv);

	(void)set(json, "step", json_of_text(step->step));
	(void)set(json, "found", json_of_text(step->found));
	(void)set(json, "text", json_of_text(step->text));
	(void)set(json, "rule", json_of_text(step->rule));
	(void)set(json, "rule_set",
		  json_of_text(step->rule_set ? step->rule_set->name : NULL));
	(void)set(json, "agent", json_of_text(step->agent));
	(void)set(json, "object",
		  step->cs ? json_of_sv(step->object) : json_null());
	(void)set(json, "id",
		  step->cs && !is_new
			  ? json_of_text(display_cs_id(step->cs, arena))
			  : json_null());
	(void)set(json, "mv",
		  step->mv && !new_mv ? json_integer(step->mv) : json_null());
	(void)set(json, "attribute", json_of_text(step->attribute));
	(void)set(json, "values", show_texts_json(&step->values));
	(void)set(json, "before", show_texts_json(&step->before));
	(void)set(json, "changed", json_boolean(step->changed));
	(void)set(json, "won", json_boolean(step->won));
	(void)set(json, "candidates", show_texts_json(&step->candidates));
	return json;
}

static void print_json(struct cli *cli, const struct subject_view *view,
		       const struct preview *preview)
{
	json_t *document = json_object();
	json_t *steps = json_array();
	json_t *error = preview->failed ? json_object() : json_null();
	const struct preview_step *step;

	vec_foreach(&preview->steps, step)
		(void)json_array_append_new(steps,
					    step_json(step, &cli->arena));
	if (preview->failed) {
		(void)set(error, "code", json_of_sv(preview->code));
		(void)set(error, "message", json_of_sv(preview->message));
	}
	(void)set(document, "object", tell_object_json(view, &cli->arena));
	(void)set(document, "steps", steps);
	(void)set(document, "result", json_of_text(preview->result));
	(void)set(document, "error", error);
	output_json(&cli->output, document);
}

/* --- text -------------------------------------------------------------- */

/* Filter, join, projection, and what cuts a tie: a line each. */
static void print_plain(const struct telling *telling, const char *name,
			const char *heading)
{
	const struct preview_step *step;
	bool first = true;

	vec_foreach(&telling->preview->steps, step) {
		if (!preview_is(step, name) || preview_found(step, "value"))
			continue;
		if (first)
			tell_heading(telling->cli, heading);
		first = false;
		(void)printf("    %s", output_safe(sv_from(step->text),
						   &telling->cli->arena));
		tell_place(telling->cli, step->rule);
		(void)putchar('\n');
	}
}

/* The first step about this metaverse object: its heading goes before it. */
static bool is_first(const struct telling *telling,
		     const struct preview_step *at, bool by_cs)
{
	const struct preview_step *step;

	for (step = telling->preview->steps.at; step < at; step++)
		if (preview_is(step, at->step) &&
		    (by_cs ? step->cs == at->cs : step->mv == at->mv))
			return false;
	return true;
}

static const char *mark(struct cli *cli, bool changed)
{
	if (!changed)
		return "    ";
	return arena_printf(&cli->arena, "  %s*%s ",
			    output_style(&cli->output, stdout, STYLE_WARN),
			    output_style(&cli->output, stdout, STYLE_NONE));
}

static const char *flow_values(const struct telling *telling,
			       const struct preview_step *step)
{
	if (step->changed && step->before.len)
		return tell_change(telling->cli, &step->before, &step->labels,
				   TELL_SHORT);
	return tell_values(telling->cli, &step->labels, TELL_SHORT);
}

static void print_source(const struct telling *telling,
			 const struct preview_step *step)
{
	if (step->agent)
		(void)printf("  %s", step->agent);
	tell_place(telling->cli, step->rule);
	(void)putchar('\n');
}

/* What was passed over for the value that won. */
static void print_losers(const struct telling *telling,
			 const struct preview_step *winner, size_t width)
{
	bool merged = preview_found(winner, "merged");
	const struct preview_step *step;

	vec_foreach(&telling->preview->steps, step) {
		if (!preview_is(step, "import-flow") || step->won ||
		    step->mv != winner->mv || step->attr != winner->attr ||
		    !step->values.len)
			continue;
		(void)printf(
			"      %*s%s %s", (int)width, "",
			merged ? "from" : "not ",
			tell_values(telling->cli, &step->labels, TELL_SHORT));
		print_source(telling, step);
	}
}

static void print_flow(const struct telling *telling,
		       const struct preview_step *step, size_t width,
		       size_t value_width)
{
	(void)printf("%s", mark(telling->cli, step->changed));
	tell_padded(step->attribute, width);
	(void)printf("  ");
	if (preview_found(step, "removed")) {
		(void)printf(
			"%s -> (none)  %s\n",
			tell_values(telling->cli, &step->before, TELL_SHORT),
			step->text);
	} else if (!step->rule && !preview_found(step, "merged")) {
		(void)printf("%s  %s\n", flow_values(telling, step),
			     step->text);
	} else {
		tell_padded(flow_values(telling, step), value_width);
		if (preview_found(step, "merged"))
			(void)putchar('\n');
		else
			print_source(telling, step);
	}
	print_losers(telling, step, width);
}

static bool is_outcome(const struct preview_step *step)
{
	return preview_is(step, "import-flow") &&
	       (step->won || preview_found(step, "removed"));
}

static void print_flows_of(const struct telling *telling, int64_t mv)
{
	const struct preview_step *step;
	size_t changes = 0;
	size_t width = 12;
	size_t value_width = 0;
	size_t count = 0;

	vec_foreach(&telling->preview->steps, step) {
		if (!is_outcome(step) || step->mv != mv)
			continue;
		count++;
		changes += step->changed;
		width = tell_wider(step->attribute, width, 32);
		value_width =
			tell_wider(flow_values(telling, step), value_width, 40);
	}
	tell_heading(telling->cli, "import flow");
	if (sync_is_new(mv))
		(void)printf("    to a new metaverse object\n");
	else
		(void)printf(
			"    to mv %lld: %zu of %zu attribute%s change%s\n",
			(long long)mv, changes, count, count == 1 ? "" : "s",
			changes == 1 ? "s" : "");
	vec_foreach(&telling->preview->steps, step)
		if (is_outcome(step) && step->mv == mv)
			print_flow(telling, step, width, value_width);
}

static void print_import_flow(const struct telling *telling)
{
	const struct preview_step *step;

	vec_foreach(&telling->preview->steps, step)
		if (preview_is(step, "import-flow") &&
		    is_first(telling, step, false))
			print_flows_of(telling, step->mv);
}

static bool is_provisioning(const struct preview_step *step)
{
	return preview_is(step, "provision") || preview_is(step, "held") ||
	       preview_is(step, "deprovision");
}

/* All that happens under one rule set stands on one line. */
static void print_rule_set(const struct telling *telling,
			   const struct preview_step *first, size_t width)
{
	const struct preview_step *step;
	const char *between = "";
	struct arena *arena = &telling->cli->arena;

	(void)printf("    ");
	tell_padded(arena_printf(arena, "%s%s%s", first->agent,
				 first->rule_set ? "." : "",
				 first->rule_set ? first->rule_set->name : ""),
		    width);
	(void)printf("  ");
	vec_foreach(&telling->preview->steps, step) {
		if (step->rule_set != first->rule_set ||
		    step->mv != first->mv || !is_provisioning(step))
			continue;
		(void)printf("%s%s", between,
			     output_safe(sv_from(step->text), arena));
		between = "; ";
	}
	tell_place(telling->cli, first->rule);
	(void)putchar('\n');
}

static void print_provisioning(const struct telling *telling)
{
	const struct preview_step *step;
	const struct preview_step *other;
	bool first = true;
	size_t width = 12;

	vec_foreach(&telling->preview->steps, step)
		if (is_provisioning(step) && step->rule_set && step->agent)
			width = tell_wider(arena_printf(&telling->cli->arena,
							"%s.%s", step->agent,
							step->rule_set->name),
					   width, 32);
	vec_foreach(&telling->preview->steps, step) {
		if (!is_provisioning(step))
			continue;
		for (other = telling->preview->steps.at; other < step; other++)
			if (is_provisioning(other) &&
			    other->rule_set == step->rule_set &&
			    other->mv == step->mv)
				break;
		if (other != step)
			continue;
		if (first)
			tell_heading(telling->cli, "provisioning");
		first = false;
		print_rule_set(telling, step, width);
	}
}

static void print_export(const struct telling *telling,
			 const struct preview_step *step, size_t width)
{
	(void)printf("%s", mark(telling->cli, !step->known));
	(void)printf("  ");
	tell_padded(step->attribute, width);
	(void)printf("  %s", tell_change(telling->cli, &step->before,
					 &step->values, TELL_SHORT));
	tell_place(telling->cli, step->rule);
	(void)printf("%s\n", step->known ? "  (pending already)" : "");
}

/* A reference whose target has no account yet. */
static void print_waiting(const struct telling *telling,
			  const struct preview_step *step, size_t width)
{
	(void)printf("      ");
	tell_padded(step->attribute, width);
	(void)printf("  (%s)", step->text);
	tell_place(telling->cli, step->rule);
	(void)putchar('\n');
}

static void print_exports_of(const struct telling *telling,
			     const struct preview_step *first)
{
	const struct preview_step *step;
	size_t pending = 0;
	size_t width = 12;

	vec_foreach(&telling->preview->steps, step) {
		if (!preview_is(step, "export-flow") || step->cs != first->cs ||
		    !preview_found(step, "pending"))
			continue;
		pending++;
		width = tell_wider(step->attribute, width, 32);
	}
	(void)printf("    %s %s", first->agent,
		     output_safe(first->object, &telling->cli->arena));
	if (pending)
		(void)printf(": %zu attribute%s to be written\n", pending,
			     pending == 1 ? "" : "s");
	else
		(void)printf(": nothing to write\n");
	vec_foreach(&telling->preview->steps, step) {
		if (!preview_is(step, "export-flow") || step->cs != first->cs)
			continue;
		if (preview_found(step, "pending"))
			print_export(telling, step, width);
		else if (preview_found(step, "waiting"))
			print_waiting(telling, step, width);
	}
}

static void print_export_flow(const struct telling *telling)
{
	const struct preview_step *step;
	bool first = true;

	vec_foreach(&telling->preview->steps, step) {
		if (!preview_is(step, "export-flow") ||
		    !is_first(telling, step, true))
			continue;
		if (first)
			tell_heading(telling->cli, "export flow");
		first = false;
		print_exports_of(telling, step);
	}
}

static void print_result(const struct telling *telling)
{
	const struct preview *preview = telling->preview;
	struct cli *cli = telling->cli;

	if (preview->result)
		(void)printf("%sresult%s: %s\n",
			     output_style(&cli->output, stdout, STYLE_BOLD),
			     output_style(&cli->output, stdout, STYLE_NONE),
			     preview->result);
	if (preview->failed)
		(void)printf("%serror %s%s: %s\n",
			     output_style(&cli->output, stdout, STYLE_BAD),
			     output_safe(preview->code, &cli->arena),
			     output_style(&cli->output, stdout, STYLE_NONE),
			     output_safe(preview->message, &cli->arena));
	if (preview->failed && !preview->partly && !cli->output.quiet)
		(void)puts("nothing of the above would be done");
}

static bool changes_anything(const struct preview *preview)
{
	const struct preview_step *step;

	vec_foreach(&preview->steps, step)
		if ((is_outcome(step) && step->changed) ||
		    preview_found(step, "joined") ||
		    preview_found(step, "projected") ||
		    preview_found(step, "new") ||
		    preview_found(step, "renamed") ||
		    preview_is(step, "disconnect") ||
		    preview_is(step, "deprovision") ||
		    (preview_is(step, "export-flow") && !step->known &&
		     preview_found(step, "pending")))
			return true;
	return false;
}

static void print_text(struct cli *cli, const struct subject_view *view,
		       const struct preview *preview)
{
	struct telling telling = { cli, preview };

	tell_object(cli, view);
	if (view->cs.import)
		(void)printf("    with what the last import staged: %s\n",
			     view->cs.import);
	print_plain(&telling, "filter", "filter");
	print_plain(&telling, "join", "join");
	print_plain(&telling, "project", "project");
	print_plain(&telling, "disconnect", "disconnect");
	print_plain(&telling, "mv-deletion", "object deletion");
	print_import_flow(&telling);
	print_provisioning(&telling);
	print_export_flow(&telling);
	print_result(&telling);
}

void tell_preview(struct cli *cli, const struct subject_view *view,
		  const struct preview *preview)
{
	if (cli->output.json)
		print_json(cli, view, preview);
	else
		print_text(cli, view, preview);
}

/* --- the command ------------------------------------------------------- */

static enum run_exit preview_one(struct session *session,
				 const struct subject *subject)
{
	struct cli *cli = session->cli;
	struct error err = ERROR_INIT;
	struct subject_view view;
	struct preview preview;
	bool failed;

	if (subject_load(&session->display, subject, &cli->arena, &view, &err) <
		    0 ||
	    preview_run(&session->display, subject, &cli->arena, &preview,
			&err) < 0)
		return cli_fail_as(cli, RUN_FAILED, &err);
	tell_preview(cli, &view, &preview);
	if (view.in_cs && !preview.failed &&
	    (view.cs.import || changes_anything(&preview)))
		cli_hint(cli, "nothing was kept; to do it", "run %s %s",
			 cli_quote(cli, view.cs.agent),
			 view.cs.import ? "delta-sync" : "full-sync");
	failed = preview.failed;
	preview_release(&preview);
	return failed ? RUN_ERRORS : RUN_OK;
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
	if (used < cli->args.words.len)
		exit = cli_misuse(cli, "'preview' does not take '%s'",
				  cli_word(cli, used));
	else
		exit = preview_one(&session, &subject);
	tell_close(&session);
	return exit;
}

const struct command command_preview = {
	.name = "preview",
	.usage = "AGENT DN|ANCHOR | mv ID | CLAUSE...",
	.help = "one object through the six steps, nothing kept",
	.more = "What a full synchronization of the object would find and do, "
		"step by step, with the file\nand line of each rule. A * "
		"stands before what would change.\n\n"
		"  conjoin preview hr 1001\n"
		"  conjoin preview directory 'cn=Carl "
		"Carter,ou=people,dc=corp,dc=test'\n"
		"  conjoin preview employeeID=1001\n",
	.min_words = 1,
	.max_words = 32,
	.run = run,
};
