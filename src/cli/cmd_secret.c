/*
 * cmd_secret.c - `conjoin secret`: keep the passwords that the files name
 *
 * A value is read from the terminal without echo or as one line from standard
 * input; never from the command line, where others could see it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"
#include "base/seal.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SEALED ((size_t)256 << 20)

static enum run_exit done(struct cli *cli, const char *name, const char *what)
{
	json_t *json;

	if (cli->output.json) {
		json = json_object();
		(void)json_object_set_new(json, "name", json_of_text(name));
		(void)json_object_set_new(json, "done", json_of_text(what));
		output_json(&cli->output, json);
	} else if (!cli->output.quiet) {
		(void)printf("secret '%s' is %s\n", name, what);
	}
	return RUN_OK;
}

static enum run_exit set(struct cli *cli, const struct secrets *secrets,
			 const char *name)
{
	struct secret value = SECRET_INIT;
	struct error err = ERROR_INIT;
	int ret = ask_secret(STDIN_FILENO,
			     arena_printf(&cli->arena, "value of '%s'", name),
			     &value, &err);

	if (ret == 0)
		ret = secrets_set(secrets, sv_from(name), secret_view(&value),
				  &err);
	secret_release(&value);
	return ret < 0 ? cli_fail(cli, &err) : done(cli, name, "set");
}

static enum run_exit delete (struct cli *cli, const struct secrets *secrets,
			     const char *name) {
	struct error err = ERROR_INIT;
	int ret = secrets_delete(secrets, sv_from(name), &err);

	if (ret == 0)(void)
		error_set(&err, ERR_NOTFOUND, "there is no secret '%s'", name);
	return ret <= 0 ? cli_fail(cli, &err) : done(cli, name, "deleted");
}

static enum run_exit list(struct cli *cli, const struct secrets *secrets)
{
	struct error err = ERROR_INIT;
	json_t *json;
	json_t *array;
	struct sv *names;
	size_t count;
	size_t i;

	if (secrets_list(secrets, &cli->arena, &names, &count, &err) < 0)
		return cli_fail(cli, &err);
	if (!cli->output.json) {
		for (i = 0; i < count; i++)
			(void)puts(output_safe(names[i], &cli->arena));
		if (!count && !cli->output.quiet)
			(void)puts("there are no secrets");
		return RUN_OK;
	}
	json = json_object();
	array = json_array();
	for (i = 0; i < count; i++)
		(void)json_array_append_new(array, json_of_sv(names[i]));
	(void)json_object_set_new(json, "secrets", array);
	output_json(&cli->output, json);
	return RUN_OK;
}

/* --- keys of those who are handed passwords ------------------------------ */

static int write_key(const char *path, const unsigned char secret[BOX_KEY_SIZE],
		     struct error *err)
{
	struct strbuf text = STRBUF_INIT(256);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int ret = 0;

	if (fd < 0)
		return error_errno(err, errno, "cannot make the key '%s'",
				   path);
	strbuf_add_base64(&text, sv_make((const char *)secret, BOX_KEY_SIZE));
	strbuf_addc(&text, '\n');
	if (write(fd, text.ptr, text.len) != (ssize_t)text.len ||
	    fsync(fd) < 0) {
		ret = error_errno(err, errno, "cannot write the key '%s'",
				  path);
		(void)unlink(path);
	}
	(void)close(fd);
	explicit_bzero(text.ptr, text.size);
	strbuf_release(&text);
	return ret;
}

static enum run_exit keypair(struct cli *cli, const char *path)
{
	struct strbuf text = STRBUF_INIT(256);
	unsigned char public[BOX_KEY_SIZE];
	unsigned char secret[BOX_KEY_SIZE];
	struct error err = ERROR_INIT;
	json_t *json;
	int ret;

	box_keypair(public, secret);
	ret = write_key(path, secret, &err);
	explicit_bzero(secret, sizeof(secret));
	if (ret < 0)
		return cli_fail(cli, &err);
	strbuf_add_base64(&text, sv_make((char *)public, sizeof(public)));
	if (cli->output.json) {
		json = json_object();
		(void)json_object_set_new(json, "public",
					  json_of_sv(strbuf_sv(&text)));
		output_json(&cli->output, json);
	} else {
		(void)puts(strbuf_cstr(&text));
		cli_hint(cli, "to read what is sealed for it",
			 "secret open FILE %s", path);
	}
	strbuf_release(&text);
	return RUN_OK;
}

/* Each line that can be opened, as it is: JSON. */
static enum run_exit open_lines(struct cli *cli, struct sv text,
				const unsigned char key[BOX_KEY_SIZE])
{
	struct error err = ERROR_INIT;
	size_t number = 0;
	size_t bad = 0;
	size_t at = 0;

	while (at < text.len) {
		size_t end = sv_find(text, '\n', at);
		struct arena arena = ARENA_INIT;
		struct sv plain;

		number++;
		if (box_open(key, sv_sub(text, at, end), &arena, &plain)) {
			(void)printf(SV_FMT "\n", SV_ARG(plain));
			seal_wipe(plain);
		} else if (!bad++) {
			(void)error_set(&err, ERR_INVALID,
					"line %zu is not sealed for this key",
					number);
		}
		arena_release(&arena);
		at = end + 1;
	}
	return bad ? cli_fail_as(cli, RUN_ERRORS, &err) : RUN_OK;
}

static enum run_exit open_file(struct cli *cli, const char *path,
			       const char *key_path)
{
	struct strbuf text = STRBUF_INIT(MAX_SEALED);
	unsigned char key[BOX_KEY_SIZE];
	struct error err = ERROR_INIT;
	enum run_exit exit;

	if (!key_path)
		return cli_misuse(cli, "open '%s' with which key file?", path);
	if (box_key_read(key_path, key, &err) < 0 ||
	    file_read(path, &text, &err) < 0)
		exit = cli_fail(cli, &err);
	else
		exit = open_lines(cli, strbuf_sv(&text), key);
	explicit_bzero(key, sizeof(key));
	strbuf_release(&text);
	return exit;
}

/* They need no folder: who reads passwords may have none. */
static bool of_keys(struct cli *cli, enum run_exit *exit)
{
	const char *word = cli_word(cli, 0);
	const char *file = cli_word(cli, 1);
	bool opens = !strcmp(word, "open");

	if (!opens && strcmp(word, "keypair") != 0)
		return false;
	if (!file)
		*exit = cli_misuse(cli, opens ? "open which file?"
					      : "write the key to which file?");
	else if (!opens && cli_word(cli, 2))
		*exit = cli_misuse(cli, "'keypair' does not take '%s'",
				   cli_word(cli, 2));
	else
		*exit = opens ? open_file(cli, file, cli_word(cli, 2))
			      : keypair(cli, file);
	return true;
}

static enum run_exit carry_out(struct cli *cli, const struct secrets *secrets)
{
	static const char *const words[] = { "set", "list", "delete", "keypair",
					     "open" };
	const char *word = cli_word(cli, 0);
	const char *name = cli_word(cli, 1);

	if (cli_word(cli, 2))
		return cli_misuse(cli, "'%s' does not take '%s'", word,
				  cli_word(cli, 2));

	if (!strcmp(word, "list"))
		return name ? cli_misuse(cli, "'list' does not take '%s'", name)
			    : list(cli, secrets);
	if (strcmp(word, "set") != 0 && strcmp(word, "delete") != 0)
		return cli_misuse(
			cli,
			"'%s' is none of set, list, delete, keypair, open%s",
			word, cli_near(cli, word, words, 5, ""));
	if (!name)
		return cli_misuse(cli, "%s which secret?", word);
	return !strcmp(word, "set") ? set(cli, secrets, name)
				    : delete (cli, secrets, name);
}

static enum run_exit run(struct cli *cli)
{
	struct secrets secrets;
	struct error err = ERROR_INIT;
	enum run_exit exit;

	if (of_keys(cli, &exit))
		return exit;
	if (!file_exists(arena_printf(&cli->arena, "%s/conjoin.yaml",
				      cli->folder))) {
		(void)error_set(&err, ERR_NOTFOUND,
				"there is no conjoin.yaml in the folder '%s'; "
				"name another with --folder",
				cli->folder);
		return cli_fail_as(cli, RUN_USAGE, &err);
	}
	secrets_init(&secrets, cli->folder);
	exit = carry_out(cli, &secrets);
	secrets_release(&secrets);
	return exit;
}

const struct command command_secret = {
	.name = "secret",
	.usage = "set NAME | list | delete NAME | keypair KEYFILE | "
		 "open FILE KEYFILE",
	.help = "passwords that the configuration names as secret:NAME",
	.more = "'set' reads the value from the terminal without showing it, "
		"or one line from\nstandard input. Secrets lie encrypted in "
		"state/secrets, their key in state/key (or the\nfile that "
		"CONJOIN_KEY_FILE names): keep both out of git, and a copy of "
		"the key safe.\n\n'keypair' makes a key for who is handed "
		"initial passwords (`deliver`): it writes the\nkey file and "
		"prints the public key. 'open' reads what was sealed for "
		"it.\n",
	.min_words = 1,
	.max_words = 3,
	.run = run,
};
