/*
 * cmd_key.c - `conjoin key`: the keys that secrets and passwords lie under
 *
 * What lies under which key is found by trying: a sealed value does not name
 * its key. Secrets are few; of passwords only those are in the store that were
 * not written or not told yet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"
#include "cli/ask.h"
#include "cli/keys.h"
#include "cli/session.h"
#include "store/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define MIN_PASSPHRASE 12
#define MAX_EXPORT     ((size_t)1 << 20)

static const struct option_def options[] = {
	{ "to", "PUBLICKEY", false,
	  "export: for the owner of this key (secret keypair), instead of a "
	  "passphrase" },
	{ "passphrase-fd", "N", false,
	  "read the passphrase from this file descriptor; default: the "
	  "terminal, or standard input" },
	{ "force", NULL, false, "abandon: also a key that is still needed" },
	{ "wait", "SECONDS", false,
	  "how long to wait for a run to end; default: 60" },
	{ NULL, NULL, false, NULL },
};

struct password {
	uint32_t agent;
	int64_t cs; /* 0: of a delivery */
	int key;    /* place of the key that opens it, or -1 */
};

struct work {
	struct cli *cli;
	struct session session;
	struct keys keys;
	struct secret_use *secrets;
	size_t secret_count;
	VEC(struct password) passwords;
	/* to look through the store */
	struct seal seal;
	bool move; /* what is under an older key, to the newest */
	size_t moved;
};

static enum run_exit fail(struct work *work, const struct error *err)
{
	return cli_fail(work->cli, err);
}

static const struct secrets *secrets_of(const struct work *work)
{
	return &work->session.secrets;
}

static const char *safe(struct work *work, const char *text)
{
	return output_safe(sv_from(text), &work->cli->arena);
}

static int load_keys(struct work *work, struct error *err)
{
	const char *path = secrets_of(work)->key_file;
	int ret = keys_load(path, &work->keys, err);

	if (ret == 0)
		ret = error_set(err, ERR_NOTFOUND,
				"there is no key '%s' yet; 'conjoin key add' "
				"makes one",
				path);
	return ret < 0 ? -1 : 0;
}

/* --- what lies under which key ----------------------------------------- */

static int on_sealed(void *data, const struct sealed_value *sealed,
		     struct arena *arena, struct sv *put_out, struct error *err)
{
	struct work *work = data;
	struct password password = { sealed->agent, sealed->cs, -1 };
	struct error ignored = ERROR_INIT;
	struct sv plain;
	size_t key;
	int ret = 0;

	if (seal_open_by(&work->seal, sealed->value, arena, &plain, &key,
			 &ignored) == 0) {
		password.key = (int)key;
		if (work->move && key > 0) {
			ret = seal_close(&work->seal, plain, arena, put_out,
					 err) < 0
				      ? -1
				      : 1;
			work->moved++;
		}
		seal_wipe(plain);
	}
	vec_push(&work->passwords, password);
	return ret;
}

static int look_through_store(struct work *work, struct error *err)
{
	struct store *store = work->session.store;
	struct store_tx *tx = NULL;

	if (!store)
		return 0;
	if (work->move && store_begin(store, STORE_DURABLE, &tx, err) < 0)
		return -1;
	if (store_sealed_scan(store, tx, on_sealed, work, err) < 0) {
		store_rollback(tx);
		return -1;
	}
	return tx ? store_commit(tx, err) : 0;
}

static int find_uses(struct work *work, struct error *err)
{
	work->seal.key = secrets_seal_key;
	work->seal.data = &work->session.secrets;
	if (secrets_uses(secrets_of(work), &work->keys, &work->cli->arena,
			 &work->secrets, &work->secret_count, err) < 0)
		return -1;
	return look_through_store(work, err);
}

static size_t secrets_under(const struct work *work, int key)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < work->secret_count; i++)
		count += work->secrets[i].key == key;
	return count;
}

static size_t passwords_under(const struct work *work, int key)
{
	const struct password *password;
	size_t count = 0;

	vec_foreach(&work->passwords, password)
		count += password->key == key;
	return count;
}

static const char *agent_of(struct work *work, const struct password *password)
{
	const char *name =
		store_name(work->session.store, NAME_AGENT, password->agent);

	return name ? name : "";
}

static const char *name_of(struct work *work, const struct password *password)
{
	struct error err = ERROR_INIT;
	struct sv anchor;
	struct sv dn;

	if (!password->cs ||
	    display_cs_name(&work->session.display, password->cs,
			    &work->cli->arena, &dn, &anchor, &err) <= 0)
		return "";
	return arena_cstr(&work->cli->arena, dn.len ? dn : anchor);
}

/* {"secrets": [...], "passwords": [...]} under this key; -1: under none */
static json_t *under_json(struct work *work, int key)
{
	const struct password *password;
	json_t *json = json_object();
	json_t *names = json_array();
	json_t *objects = json_array();
	size_t i;

	for (i = 0; i < work->secret_count; i++)
		if (work->secrets[i].key == key)
			(void)json_array_append_new(
				names, json_of_sv(work->secrets[i].name));
	vec_foreach(&work->passwords, password) {
		json_t *one;

		if (password->key != key)
			continue;
		one = json_object();
		(void)json_object_set_new(
			one, "agent", json_of_text(agent_of(work, password)));
		(void)json_object_set_new(
			one, "id",
			password->cs ? json_of_text(display_cs_id(
					       password->cs, &work->cli->arena))
				     : json_null());
		(void)json_object_set_new(
			one, "object", json_of_text(name_of(work, password)));
		(void)json_array_append_new(objects, one);
	}
	(void)json_object_set_new(json, "secrets", names);
	(void)json_object_set_new(json, "passwords", objects);
	return json;
}

static void print_under(struct work *work, int key)
{
	const struct password *password;
	size_t i;

	for (i = 0; i < work->secret_count; i++)
		if (work->secrets[i].key == key)
			(void)printf("  secret %s\n",
				     output_safe(work->secrets[i].name,
						 &work->cli->arena));
	vec_foreach(&work->passwords, password)
		if (password->key == key && password->cs)
			(void)printf("  initial password of %s %s\n",
				     safe(work, agent_of(work, password)),
				     safe(work, name_of(work, password)));
		else if (password->key == key)
			(void)printf("  initial password of %s that is to be "
				     "handed over\n",
				     safe(work, agent_of(work, password)));
}

static void tell_lost(struct work *work)
{
	if (!secrets_under(work, -1) && !passwords_under(work, -1))
		return;
	(void)puts("under a key that is not here:");
	print_under(work, -1);
}

/* --- list -------------------------------------------------------------- */

static json_t *key_json(const struct work *work, size_t at)
{
	const struct key *key = &work->keys.all.at[at];
	struct arena *arena = &work->cli->arena;
	json_t *json = json_object();

	(void)json_object_set_new(json, "key", json_of_text(key->id));
	(void)json_object_set_new(
		json, "made",
		key->made ? json_of_text(output_time(key->made, arena))
			  : json_null());
	(void)json_object_set_new(json, "newest", json_boolean(at == 0));
	return json;
}

static void list_json(struct work *work)
{
	json_t *json = json_object();
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < work->keys.all.len; i++) {
		json_t *key = key_json(work, i);
		size_t secrets = secrets_under(work, (int)i);
		size_t passwords = passwords_under(work, (int)i);

		(void)json_object_set_new(key, "secrets",
					  json_integer((json_int_t)secrets));
		(void)json_object_set_new(key, "passwords",
					  json_integer((json_int_t)passwords));
		(void)json_array_append_new(list, key);
	}
	(void)json_object_set_new(json, "keys", list);
	(void)json_object_set_new(json, "lost", under_json(work, -1));
	output_json(&work->cli->output, json);
}

static void list_text(struct work *work)
{
	static const struct table_column columns[] = {
		{ "KEY", false },
		{ "MADE", false },
		{ "SECRETS", true },
		{ "PASSWORDS", true },
	};
	struct table table;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (i = 0; i < work->keys.all.len; i++) {
		const struct key *key = &work->keys.all.at[i];
		const char *made = output_time(key->made, &work->cli->arena);

		table_add(&table, sv_from(key->id));
		table_add(&table, sv_from(key->made ? made : "(not known)"));
		table_addf(&table, "%zu", secrets_under(work, (int)i));
		table_addf(&table, "%zu", passwords_under(work, (int)i));
	}
	table_print(&table, &work->cli->output);
	table_release(&table);
	tell_lost(work);
}

static enum run_exit list(struct work *work)
{
	struct error err = ERROR_INIT;

	if (find_uses(work, &err) < 0)
		return fail(work, &err);
	if (work->cli->output.json)
		list_json(work);
	else
		list_text(work);
	return RUN_OK;
}

/* --- reencrypt --------------------------------------------------------- */

static enum run_exit reencrypt(struct work *work)
{
	struct cli *cli = work->cli;
	struct error err = ERROR_INIT;
	size_t secrets;
	json_t *json;

	work->move = true;
	if (find_uses(work, &err) < 0 ||
	    secrets_reencrypt(secrets_of(work), &work->keys, &secrets, &err) <
		    0)
		return fail(work, &err);
	if (cli->output.json) {
		json = key_json(work, 0);
		(void)json_object_set_new(json, "secrets",
					  json_integer((json_int_t)secrets));
		(void)json_object_set_new(
			json, "passwords",
			json_integer((json_int_t)work->moved));
		(void)json_object_set_new(json, "lost", under_json(work, -1));
		output_json(&cli->output, json);
		return RUN_OK;
	}
	(void)printf("under key %s now: %zu secrets and %zu passwords that "
		     "were under older ones\n",
		     work->keys.all.at[0].id, secrets, work->moved);
	tell_lost(work);
	if (work->keys.all.len > 1)
		cli_hint(cli, "to forget the oldest key", "key abandon %s",
			 work->keys.all.at[work->keys.all.len - 1].id);
	return RUN_OK;
}

/* --- abandon ----------------------------------------------------------- */

static int check_abandon(struct work *work, const char *id, int at,
			 struct error *err)
{
	if (at < 0)
		return error_set(err, ERR_NOTFOUND,
				 "there is no key '%s'; 'conjoin key list' "
				 "lists them",
				 id);
	if (at == 0)
		return error_set(err, ERR_CONFLICT,
				 "the key '%s' is the newest, under which "
				 "things are sealed; make another one with "
				 "'conjoin key add' first",
				 id);
	return find_uses(work, err);
}

static enum run_exit refuse_needed(struct work *work, const char *id, int at,
				   size_t needed)
{
	struct error err = ERROR_INIT;
	json_t *json;

	(void)error_set(&err, ERR_LIMIT,
			"%zu secrets and passwords lie under the key '%s'; run "
			"'conjoin key reencrypt' first, or lose them with "
			"--force",
			needed, id);
	if (!work->cli->output.json) {
		print_under(work, at);
		return fail(work, &err);
	}
	json = json_object();
	(void)json_object_set_new(json, "error", cli_error_json(&err));
	(void)json_object_set_new(json, "needed", under_json(work, at));
	output_json(&work->cli->output, json);
	return cli_exit_of(err.code);
}

static enum run_exit forget(struct work *work, const char *id, int at)
{
	struct error err = ERROR_INIT;
	json_t *json;

	keys_remove(&work->keys, (size_t)at);
	if (keys_save(secrets_of(work)->key_file, &work->keys, &err) < 0)
		return fail(work, &err);
	if (work->cli->output.json) {
		json = json_object();
		(void)json_object_set_new(json, "key", json_of_text(id));
		(void)json_object_set_new(json, "lost", under_json(work, at));
		output_json(&work->cli->output, json);
		return RUN_OK;
	}
	(void)printf("key %s is forgotten\n", id);
	if (secrets_under(work, at) || passwords_under(work, at)) {
		(void)puts("lost with it:");
		print_under(work, at);
	}
	return RUN_OK;
}

static enum run_exit abandon(struct work *work)
{
	const char *id = cli_word(work->cli, 1);
	int at = keys_find(&work->keys, id);
	struct error err = ERROR_INIT;
	size_t needed;

	if (check_abandon(work, id, at, &err) < 0)
		return fail(work, &err);
	needed = secrets_under(work, at) + passwords_under(work, at);
	if (needed && !args_has(&work->cli->args, "force"))
		return refuse_needed(work, id, at, needed);
	return forget(work, id, at);
}

/* --- add, export, import ----------------------------------------------- */

static enum run_exit add(struct work *work)
{
	struct cli *cli = work->cli;
	struct secret unused = SECRET_INIT;
	struct error err = ERROR_INIT;
	int ret = keys_load(secrets_of(work)->key_file, &work->keys, &err);
	json_t *json;

	if (ret < 0)
		return fail(work, &err);
	if (ret == 0) {
		/* makes the first, unless secrets need one that is gone */
		ret = secrets_seal_key(&work->session.secrets, true, &unused,
				       &err);
		secret_release(&unused);
		if (ret == 0)
			ret = keys_load(secrets_of(work)->key_file, &work->keys,
					&err);
	} else {
		keys_add(&work->keys);
		ret = keys_save(secrets_of(work)->key_file, &work->keys, &err);
	}
	if (ret < 0)
		return fail(work, &err);
	if (cli->output.json) {
		json = key_json(work, 0);
		output_json(&cli->output, json);
		return RUN_OK;
	}
	(void)printf("key %s is the newest: what is sealed from now on lies "
		     "under it\n",
		     work->keys.all.at[0].id);
	if (work->keys.all.len > 1)
		cli_hint(cli, "to bring the rest under it", "key reencrypt");
	cli_hint(cli, "to keep a copy", "key export FILE");
	return RUN_OK;
}

static int passphrase_of(struct work *work, bool twice, struct secret *out,
			 struct error *err)
{
	struct secret again = SECRET_INIT;
	int64_t fd = STDIN_FILENO;
	int ret;

	if (args_number(&work->cli->args, "passphrase-fd", &fd, err) < 0)
		return -1;
	if (fd > INT_MAX || fcntl((int)fd, F_GETFD) < 0)
		return error_set(err, ERR_INVALID,
				 "there is no open file descriptor %lld to "
				 "read the passphrase from",
				 (long long)fd);
	ret = ask_secret((int)fd, "passphrase", out, err);
	if (ret == 0 && twice && out->len < MIN_PASSPHRASE)
		ret = error_set(err, ERR_INVALID,
				"a passphrase for keys has %d characters at "
				"least",
				MIN_PASSPHRASE);
	if (ret == 0 && twice && isatty((int)fd)) {
		ret = ask_secret((int)fd, "the same again", &again, err);
		if (ret == 0 && !sv_eq(secret_view(out), secret_view(&again)))
			ret = error_set(err, ERR_INVALID,
					"the two passphrases differ");
	}
	secret_release(&again);
	return ret;
}

static int seal_export(struct work *work, struct strbuf *text,
		       struct error *err)
{
	const char *to = args_value(&work->cli->args, "to");
	struct secret passphrase = SECRET_INIT;
	unsigned char public[BOX_KEY_SIZE];
	int ret;

	if (to) {
		if (!box_key_parse(sv_from(to), public))
			return error_set(err, ERR_INVALID,
					 "'%s' is not a public key as 'conjoin "
					 "secret keypair' prints it",
					 to);
		keys_export_box(&work->keys, public, text);
		return 0;
	}
	ret = passphrase_of(work, true, &passphrase, err);
	if (ret == 0)
		ret = keys_export_passphrase(
			&work->keys, secret_view(&passphrase), text, err);
	secret_release(&passphrase);
	return ret;
}

static int write_new(const char *path, struct sv text, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int ret = 0;

	if (fd < 0)
		return error_errno(err, errno, "cannot make '%s'", path);
	if (write(fd, text.ptr, text.len) != (ssize_t)text.len ||
	    fsync(fd) < 0) {
		ret = error_errno(err, errno, "cannot write '%s'", path);
		(void)unlink(path);
	}
	(void)close(fd);
	return ret;
}

static json_t *ids_json(const struct work *work)
{
	const struct key *key;
	json_t *list = json_array();

	vec_foreach(&work->keys.all, key)
		(void)json_array_append_new(list, json_of_text(key->id));
	return list;
}

static enum run_exit export_to(struct work *work)
{
	struct cli *cli = work->cli;
	const char *file = cli_word(cli, 1);
	struct strbuf text = STRBUF_INIT(MAX_EXPORT);
	struct error err = ERROR_INIT;
	int ret = -1;
	json_t *json;

	if (load_keys(work, &err) < 0)
		return fail(work, &err);
	if (file_exists(file))
		(void)error_set(&err, ERR_CONFLICT,
				"'%s' is there already; name another file",
				file);
	else if (seal_export(work, &text, &err) == 0)
		ret = write_new(file, strbuf_sv(&text), &err);
	strbuf_release(&text);
	if (ret < 0)
		return fail(work, &err);
	if (cli->output.json) {
		json = json_object();
		(void)json_object_set_new(json, "file", json_of_text(file));
		(void)json_object_set_new(json, "keys", ids_json(work));
		output_json(&cli->output, json);
		return RUN_OK;
	}
	(void)printf("%zu key%s written to %s; 'conjoin key import' puts them "
		     "in place elsewhere\n",
		     work->keys.all.len, work->keys.all.len == 1 ? "" : "s",
		     safe(work, file));
	return RUN_OK;
}

static int open_export(struct work *work, const char *file, struct keys *out,
		       struct error *err)
{
	const char *key_file = cli_word(work->cli, 2);
	struct strbuf text = STRBUF_INIT(MAX_EXPORT);
	struct secret passphrase = SECRET_INIT;
	unsigned char key[BOX_KEY_SIZE];
	enum keys_sealed how = KEYS_PASSPHRASE;
	int ret = file_read(file, &text, err);

	if (ret == 0)
		ret = keys_exported(strbuf_sv(&text), file, &how, err);
	if (ret == 0 && how == KEYS_BOX && !key_file)
		ret = error_set(err, ERR_INVALID,
				"'%s' was exported to a public key; name the "
				"key file that belongs to it: conjoin key "
				"import FILE KEYFILE",
				file);
	if (ret == 0 && how == KEYS_BOX) {
		ret = box_key_read(key_file, key, err);
		if (ret == 0)
			ret = keys_import_box(strbuf_sv(&text), key, out, err);
		explicit_bzero(key, sizeof(key));
	} else if (ret == 0) {
		ret = passphrase_of(work, false, &passphrase, err);
		if (ret == 0)
			ret = keys_import_passphrase(strbuf_sv(&text),
						     secret_view(&passphrase),
						     out, err);
		secret_release(&passphrase);
	}
	strbuf_release(&text);
	return ret;
}

static enum run_exit import_from(struct work *work)
{
	struct cli *cli = work->cli;
	const char *file = cli_word(cli, 1);
	struct keys more = KEYS_INIT;
	struct error err = ERROR_INIT;
	size_t count = 0;
	json_t *json;
	int ret = open_export(work, file, &more, &err);

	if (ret == 0)
		ret = keys_load(secrets_of(work)->key_file, &work->keys, &err);
	if (ret >= 0)
		count = keys_merge(&work->keys, &more);
	keys_release(&more);
	if (ret == 0)
		ret = keys_save_new(secrets_of(work)->key_file, &work->keys,
				    &err);
	else if (ret > 0 && count)
		ret = keys_save(secrets_of(work)->key_file, &work->keys, &err);
	if (ret < 0)
		return fail(work, &err);
	if (cli->output.json) {
		json = json_object();
		(void)json_object_set_new(json, "keys", ids_json(work));
		(void)json_object_set_new(json, "new",
					  json_integer((json_int_t)count));
		output_json(&cli->output, json);
		return RUN_OK;
	}
	(void)printf("%zu new key%s in %s; %s is the newest of %zu\n", count,
		     count == 1 ? "" : "s",
		     safe(work, secrets_of(work)->key_file),
		     work->keys.all.at[0].id, work->keys.all.len);
	return RUN_OK;
}

/* --- the command ------------------------------------------------------- */

/* Opens the store when there is one. */
static enum run_exit open_store(struct work *work, enum session_mode mode)
{
	struct session *session = &work->session;
	struct error err = ERROR_INIT;
	struct store *store;

	/* which may not be known: a wrong configuration is told */
	if (!session->config->store)
		return session_open_store(session, mode, "key");
	if (store_open(session->config->store, 0, &store, &err) < 0)
		return err.code == ERR_NOTFOUND
			       ? RUN_OK
			       : cli_fail_as(work->cli, RUN_FAILED, &err);
	store_close(store);
	return session_open_store(session, mode, "key");
}

enum part { PART_KEYS, PART_READ, PART_RUN };

static const struct verb {
	const char *name;
	const char *argument; /* that it needs, or NULL */
	size_t max_words;
	enum part part; /* of the folder that it works on */
	enum run_exit (*run)(struct work *work);
} VERBS[] = {
	{ "list", NULL, 1, PART_READ, list },
	{ "add", NULL, 1, PART_KEYS, add },
	{ "reencrypt", NULL, 1, PART_RUN, reencrypt },
	{ "abandon", "KEY", 2, PART_RUN, abandon },
	{ "export", "FILE", 2, PART_KEYS, export_to },
	{ "import", "FILE", 3, PART_KEYS, import_from },
};

#define VERB_COUNT (sizeof(VERBS) / sizeof(VERBS[0]))

static enum run_exit work_locked(struct work *work, const struct verb *verb)
{
	struct error err = ERROR_INIT;
	enum run_exit exit;
	int fd = secrets_lock(secrets_of(work), &err);

	if (fd < 0)
		return fail(work, &err);
	if (verb->part != PART_KEYS && load_keys(work, &err) < 0)
		exit = fail(work, &err);
	else
		exit = verb->run(work);
	(void)close(fd);
	return exit;
}

static enum run_exit do_verb(struct cli *cli, const struct verb *verb)
{
	struct work work = { .cli = cli };
	enum run_exit exit = session_open(
		&work.session, cli,
		verb->part == PART_RUN ? SESSION_RIGHT : SESSION_CONFIG, NULL);

	if (exit != RUN_OK)
		return exit;
	if (verb->part != PART_KEYS)
		exit = open_store(&work, verb->part == PART_RUN ? SESSION_RUN
								: SESSION_READ);
	if (exit == RUN_OK)
		exit = work_locked(&work, verb);
	seal_release(&work.seal);
	keys_release(&work.keys);
	vec_release(&work.passwords);
	session_close(&work.session);
	return exit;
}

static enum run_exit run(struct cli *cli)
{
	const char *word = cli_word(cli, 0);
	const char *names[VERB_COUNT];
	const struct verb *verb = NULL;
	size_t i;

	for (i = 0; i < VERB_COUNT; i++) {
		names[i] = VERBS[i].name;
		if (!strcmp(word, names[i]))
			verb = &VERBS[i];
	}
	if (!verb)
		return cli_misuse(cli,
				  "'%s' is none of list, add, reencrypt, "
				  "abandon, export, import%s",
				  word,
				  cli_near(cli, word, names, VERB_COUNT, ""));
	if (verb->argument && !cli_word(cli, 1))
		return cli_misuse(cli, "'%s' needs %s", word, verb->argument);
	if (cli_word(cli, verb->max_words))
		return cli_misuse(cli, "'%s' does not take '%s'", word,
				  cli_word(cli, verb->max_words));
	return do_verb(cli, verb);
}

const struct command command_key = {
	.name = "key",
	.usage = "list | add | reencrypt | abandon KEY | export FILE | "
		 "import FILE [KEYFILE]",
	.help = "the keys that secrets and initial passwords lie under",
	.more = "'list' tells what lies under which key. 'add' makes a new "
		"one: it seals from now on, and all\nof them open. "
		"'reencrypt' brings everything under the newest, 'abandon' "
		"forgets an older one.\n\n'export' writes the keys, sealed by "
		"a passphrase or for a public key (--to), 'import' puts\nthem "
		"in place on another machine; KEYFILE belongs to the public "
		"key.\n",
	.options = options,
	.min_words = 1,
	.max_words = 3,
	.run = run,
};
