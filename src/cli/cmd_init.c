/*
 * cmd_init.c - `conjoin init`: a configuration folder from a template
 *
 * Never writes over a file that is there, unless it is as `init` made it and
 * the settings that it was made from are given anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"
#include "cli/session.h"
#include "cli/template_settings.h"
#include "cli/template_write.h"

#include <string.h>

#define SETTINGS_FILE "settings.yaml"
#define SETTINGS_MAX  ((size_t)1 << 20)

static const struct option_def options[] = {
	{ "template", "TEMPLATE", false,
	  "which one; default: hr-to-directory" },
	{ "settings", "FILE", false,
	  "what the template is filled in with; default: its sample" },
	{ "show-settings", NULL, false,
	  "print the sample of the template, with its comments" },
	{ "list", NULL, false, "list the templates" },
	{ NULL, NULL, false, NULL },
};

static enum run_exit list(struct cli *cli)
{
	const struct template *template;
	json_t *json;
	json_t *array;

	if (!cli->output.json) {
		for (template = templates; template->name; template ++)
			(void)printf("  %-24s  %s\n", template->name,
				     template->help);
		(void)puts("\n'conjoin init [--template NAME] FOLDER' makes a "
			   "folder from one");
		return RUN_OK;
	}
	json = json_object();
	array = json_array();
	for (template = templates; template->name; template ++) {
		json_t *item = json_object();

		(void)json_object_set_new(item, "name",
					  json_of_text(template->name));
		(void)json_object_set_new(item, "help",
					  json_of_text(template->help));
		(void)json_array_append_new(array, item);
	}
	(void)json_object_set_new(json, "templates", array);
	output_json(&cli->output, json);
	return RUN_OK;
}

/* What a command works with. */
struct init {
	struct cli *cli;
	const char *folder;
	const struct template *template;
	const char *settings_file; /* of --settings, or the sample's name */
	struct sv text;            /* of the settings */
	struct node *settings;     /* NULL: the template has none */
	struct made_files files;
	bool again;
};

static const struct template *choose(struct cli *cli, const char *name,
				     enum run_exit *exit_out)
{
	const struct template *template = name ? template_find(sv_from(name))
					       : &templates[0];
	const char *names[16];
	size_t count = 0;

	if (template)
		return template;
	for (template = templates; template->name && count < 16; template ++)
		names[count++] = template->name;
	*exit_out = cli_misuse(cli, "no template '%s'%s", name,
			       cli_near(cli, name, names, count, ""));
	return NULL;
}

/* ---- settings ---- */

static int read_settings(struct init *init, struct error *err)
{
	struct arena *arena = &init->cli->arena;
	struct strbuf sb = STRBUF_INIT(SETTINGS_MAX);
	int ret;

	init->settings_file = args_value(&init->cli->args, "settings");
	if (!init->settings_file)
		return 0;
	ret = file_read(init->settings_file, &sb, err);
	if (ret == 0)
		init->text = arena_dup(arena, strbuf_sv(&sb));
	if (ret == 0)
		ret = config_yaml(init->settings_file, init->text, arena,
				  &init->settings, err);
	strbuf_release(&sb);
	return ret;
}

/* Named by --template, or by the settings. */
static enum run_exit find_template(struct init *init)
{
	const char *name = args_value(&init->cli->args, "template");
	struct sv told = template_of_settings(init->settings);
	enum run_exit exit = RUN_OK;

	if (!name && told.len)
		name = arena_cstr(&init->cli->arena, told);
	if (!name && init->settings_file)
		return cli_misuse(init->cli,
				  "'%s' does not say which template it is for; "
				  "write 'template: NAME' into it, or use "
				  "--template",
				  init->settings_file);
	init->template = choose(init->cli, name, &exit);
	if (!init->template)
		return exit;
	if (told.len && !sv_eq_str(told, init->template->name))
		return cli_misuse(init->cli, "'%s' is for the template '%s'",
				  init->settings_file,
				  arena_cstr(&init->cli->arena, told));
	if (init->settings_file && !init->template->fields)
		return cli_misuse(init->cli, "template '%s' has no settings",
				  init->template->name);
	return RUN_OK;
}

static enum run_exit tell_problems(struct init *init,
				   struct setting_problems *problems)
{
	struct cli *cli = init->cli;
	struct config told = { .problems = problems->at,
			       .problem_count = problems->len,
			       .error_count = problems->len };
	struct error err = ERROR_INIT;
	json_t *json;

	(void)error_set(&err, ERR_INVALID,
			"the settings are not right; 'conjoin init --template "
			"%s --show-settings' prints an example",
			init->template->name);
	if (!cli->output.json) {
		session_print_problems(cli, &told, stderr);
		return cli_fail(cli, &err);
	}
	json = json_object();
	(void)json_object_set_new(json, "error", cli_error_json(&err));
	(void)json_object_set_new(json, "problems",
				  session_problems_json(&told));
	output_json(&cli->output, json);
	return RUN_USAGE;
}

/* Reads and checks what the template is filled in with. */
static enum run_exit check_settings(struct init *init)
{
	struct setting_problems problems = VEC_INIT;
	enum run_exit exit = RUN_OK;
	struct error err = ERROR_INIT;

	if (!init->template->fields)
		return RUN_OK;
	if (!init->settings_file) {
		init->settings_file = SETTINGS_FILE;
		init->text = sv_from(init->template->settings);
	}
	if (template_settings(init->template, init->settings_file, init->text,
			      &init->cli->arena, &init->settings, &problems,
			      &err) < 0)
		exit = cli_fail(init->cli, &err);
	else if (problems.len)
		exit = tell_problems(init, &problems);
	vec_release(&problems);
	return exit;
}

/* ---- the folder ---- */

/* All texts, before the first is written. */
static enum run_exit make_texts(struct init *init)
{
	struct cli *cli = init->cli;
	struct made_file settings = { SETTINGS_FILE, init->text };
	struct error err = ERROR_INIT;

	init->again = args_has(&cli->args, "settings") &&
		      template_was_used(cli, init->folder, init->template);
	if (init->template->fields)
		vec_push(&init->files, settings);
	if (template_make(init->template, init->settings, &cli->arena,
			  &init->files, &err) < 0)
		return cli_fail(cli, &err);
	return RUN_OK;
}

static void tell_left_over(struct init *init, const struct made_files *left)
{
	const struct made_file *file;

	vec_foreach(left, file)
		cli_warn(init->cli,
			 "'%s' is not made by these settings any more: delete "
			 "it when it is not needed",
			 file->path);
}

static void report_json(const struct init *init)
{
	const struct made_file *file;
	json_t *json = json_object();
	json_t *list = json_array();

	vec_foreach(&init->files, file)
		(void)json_array_append_new(list, json_of_text(file->path));
	(void)json_object_set_new(json, "folder", json_of_text(init->folder));
	(void)json_object_set_new(json, "template",
				  json_of_text(init->template->name));
	(void)json_object_set_new(json, "files", list);
	output_json(&init->cli->output, json);
}

static bool has_agents(const struct init *init)
{
	const struct made_file *file;

	vec_foreach(&init->files, file)
		if (sv_starts(sv_from(file->path), SV_LIT("agents/")))
			return true;
	return false;
}

static void report(const struct init *init)
{
	struct cli *cli = init->cli;
	const struct made_file *file;
	const char *where = "";

	if (cli->output.json) {
		report_json(init);
		return;
	}
	if (cli->output.quiet)
		return;
	(void)printf("made from template %s:\n", init->template->name);
	vec_foreach(&init->files, file)
		(void)printf("  %s\n",
			     output_safe(sv_from(arena_printf(
						 &cli->arena, "%s/%s",
						 init->folder, file->path)),
					 &cli->arena));
	if (strcmp(init->folder, ".") != 0)
		where = arena_printf(&cli->arena, " --folder %s",
				     cli_quote(cli, init->folder));
	if (init->template->fields)
		(void)printf(
			"next, when %s has your servers and containers:\n"
			"  conjoin secret set%s AGENT      for each file in "
			"agents/ that has a password\n"
			"  conjoin check%s --online      is all right, do "
			"the systems answer?\n"
			"  conjoin cycle%s      read, synchronize, write\n",
			SETTINGS_FILE, where, where, where);
	else if (!has_agents(init))
		(void)printf("next:\n"
			     "  conjoin agent new csv hr%s   a first system, "
			     "from a file\n"
			     "  conjoin help agent   how to add any\n",
			     where);
	else
		(void)printf(
			"next:\n"
			"  conjoin check%s      is the configuration right?\n"
			"  conjoin cycle%s      read, synchronize, write\n"
			"  conjoin search mv person%s      see what came of "
			"it\n",
			where, where, where);
}

static enum run_exit make_folder(struct init *init)
{
	struct made_files left = VEC_INIT;
	struct error err = ERROR_INIT;
	enum run_exit exit = make_texts(init);

	if (exit == RUN_OK && init->again)
		left = template_left_over(init->cli, init->folder,
					  &init->files);
	if (exit == RUN_OK &&
	    template_write(init->cli, init->folder, init->template,
			   &init->files, init->again, &err) < 0)
		exit = cli_fail(init->cli, &err);
	if (exit == RUN_OK) {
		report(init);
		tell_left_over(init, &left);
	}
	vec_release(&left);
	vec_release(&init->files);
	return exit;
}

static enum run_exit show_settings(struct init *init)
{
	if (!init->template->settings)
		return cli_misuse(init->cli, "template '%s' has no settings",
				  init->template->name);
	(void)fputs(init->template->settings, stdout);
	return RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	struct init init = { .cli = cli, .folder = cli_word(cli, 0) };
	struct error err = ERROR_INIT;
	enum run_exit exit;
	bool nothing_said = !init.folder && !args_has(&cli->args, "template") &&
			    !args_has(&cli->args, "settings") &&
			    !args_has(&cli->args, "folder");

	if (args_has(&cli->args, "list") || nothing_said)
		return list(cli);
	if (!init.folder)
		init.folder = cli->folder;
	if (read_settings(&init, &err) < 0)
		return cli_fail(cli, &err);
	exit = find_template(&init);
	if (exit != RUN_OK || !init.template)
		return exit;
	if (args_has(&cli->args, "show-settings"))
		return show_settings(&init);
	exit = check_settings(&init);
	return exit == RUN_OK ? make_folder(&init) : exit;
}

const struct command command_init = {
	.name = "init",
	.usage = "[--template TEMPLATE] [--settings FILE] [FOLDER]",
	.help = "a new folder from a template; alone: list the templates",
	.more = "A template with settings is filled in from them: write the "
		"sample to a file (--show-settings),\nchange it, and give it "
		"with --settings. It is kept in the folder as settings.yaml. "
		"Given again\nfor the same folder, changed, it makes the files "
		"anew that nobody has changed by hand; when\nsomebody has, "
		"nothing is written.\n",
	.options = options,
	.min_words = 0,
	.max_words = 1,
	.run = run,
};
