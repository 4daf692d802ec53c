/*
 * cmd_init.c - `conjoin init`: a new configuration folder from a template
 *
 * Never writes over a file that is there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/templates.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct option_def options[] = {
	{ "template", "TEMPLATE", false,
	  "which one; default: hr-to-directory" },
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
			(void)printf("  %-16s  %s\n", template->name,
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

static const struct template *choose(struct cli *cli, enum run_exit *exit_out)
{
	const char *name = args_value(&cli->args, "template");
	const struct template *template = name ? template_find(name)
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

static const char *path_of(struct cli *cli, const char *folder,
			   const char *name)
{
	return arena_printf(&cli->arena, "%s/%s", folder, name);
}

/* Nothing is written when any of the files is there. */
static int check_free(struct cli *cli, const char *folder,
		      const struct template *template, struct error *err)
{
	const struct template_file *file;

	if (file_exists(path_of(cli, folder, "conjoin.yaml")))
		return error_set(err, ERR_CONFLICT,
				 "the folder '%s' has a conjoin.yaml already; "
				 "name another folder",
				 folder);
	for (file = template->files; file->path; file++)
		if (strcmp(file->path, ".gitignore") != 0 &&
		    file_exists(path_of(cli, folder, file->path)))
			return error_set(err, ERR_CONFLICT,
					 "'%s' is there already; name another "
					 "folder",
					 path_of(cli, folder, file->path));
	return 0;
}

static int write_new(const char *path, const char *text, struct error *err)
{
	size_t len = strlen(text);
	int fd;
	int ret = 0;

	if (file_make_parent(path, err) < 0)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_errno(err, errno, "cannot write '%s'", path);
	if (write(fd, text, len) != (ssize_t)len)
		ret = error_errno(err, errno, "cannot write '%s'", path);
	if (close(fd) < 0 && ret == 0)
		ret = error_errno(err, errno, "cannot write '%s'", path);
	return ret;
}

static int write_all(struct cli *cli, const char *folder,
		     const struct template *template, struct error *err)
{
	const struct template_file *file;

	if (check_free(cli, folder, template, err) < 0 ||
	    file_make_dirs(folder, err) < 0)
		return -1;
	for (file = template->files; file->path; file++) {
		const char *path = path_of(cli, folder, file->path);

		/* that of a git repository stays */
		if (!strcmp(file->path, ".gitignore") && file_exists(path))
			continue;
		if (write_new(path, file->text, err) < 0)
			return -1;
	}
	return 0;
}

static void report(struct cli *cli, const char *folder,
		   const struct template *template)
{
	const struct template_file *file;
	const char *where = "";
	json_t *json;
	json_t *list;

	if (cli->output.json) {
		json = json_object();
		list = json_array();
		for (file = template->files; file->path; file++)
			(void)json_array_append_new(list,
						    json_of_text(file->path));
		(void)json_object_set_new(json, "folder", json_of_text(folder));
		(void)json_object_set_new(json, "template",
					  json_of_text(template->name));
		(void)json_object_set_new(json, "files", list);
		output_json(&cli->output, json);
		return;
	}
	if (cli->output.quiet)
		return;
	(void)printf("made from template %s:\n", template->name);
	for (file = template->files; file->path; file++)
		(void)printf("  %s\n", output_safe(sv_from(path_of(cli, folder,
								   file->path)),
						   &cli->arena));
	if (strcmp(folder, ".") != 0)
		where = arena_printf(&cli->arena, " --folder %s",
				     cli_quote(cli, folder));
	(void)printf("next:\n"
		     "  conjoin check%s      is the configuration right?\n"
		     "  conjoin cycle%s      read, synchronize, write\n"
		     "  conjoin search mv person%s      see what came of it\n",
		     where, where, where);
}

static enum run_exit run(struct cli *cli)
{
	const char *folder = cli_word(cli, 0);
	const struct template *template;
	struct error err = ERROR_INIT;
	enum run_exit exit = RUN_OK;
	bool nothing_said = !folder && !args_has(&cli->args, "template") &&
			    !args_has(&cli->args, "folder");

	if (args_has(&cli->args, "list") || nothing_said)
		return list(cli);
	if (!folder)
		folder = cli->folder;
	template = choose(cli, &exit);
	if (!template)
		return exit;
	if (write_all(cli, folder, template, &err) < 0)
		return cli_fail(cli, &err);
	report(cli, folder, template);
	return RUN_OK;
}

const struct command command_init = {
	.name = "init",
	.usage = "[--template TEMPLATE] [FOLDER]",
	.help = "a new folder from a template; alone: list the templates",
	.options = options,
	.min_words = 0,
	.max_words = 1,
	.run = run,
};
