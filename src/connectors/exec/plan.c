/*
 * plan.c - what is started and what it is told first, from the settings
 *
 * The program's environment is its own: where commands are, a language, and
 * what the agent sets. Secrets stand in no argument and no variable: they are
 * in the message `open` alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/exec/exec_private.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char path[] =
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static bool can_run(const char *file)
{
	struct stat info;

	return stat(file, &info) == 0 && S_ISREG(info.st_mode) &&
	       access(file, X_OK) == 0;
}

/* argv[0] as a path: -1, err says what is wrong with it. */
static const char *find_program(struct connector_session *s, struct sv word,
				struct error *err)
{
	struct sv all = sv_from(path);
	size_t from = 0;

	if (sv_find(word, '/', 0) < word.len) {
		const char *file = connector_path(s->config, word, &s->arena);
		const char *real = realpath(file, NULL);
		const char *copy = real ? arena_cstr(&s->arena, sv_from(real))
					: file;

		free((char *)(uintptr_t)real);
		if (can_run(file))
			return copy;
		(void)error_set(err, ERR_INVALID,
				"there is no program '%s' that may be run: "
				"check `command` and its mode",
				file);
		return NULL;
	}
	while (from < all.len) {
		size_t end = sv_find(all, ':', from);
		const char *file = arena_printf(&s->arena, SV_FMT "/" SV_FMT,
						SV_ARG(sv_sub(all, from, end)),
						SV_ARG(word));

		if (can_run(file))
			return file;
		from = end + 1;
	}
	(void)error_set(err, ERR_INVALID,
			"there is no program '" SV_FMT "' in %s", SV_ARG(word),
			path);
	return NULL;
}

static int plan_argv(struct connector_session *s, struct error *err)
{
	const struct node *command = node_get(s->config->connect, "command");
	bool list = command && command->kind == NODE_LIST;
	size_t count = list ? command->len : 1;
	const char **argv = arena_array(&s->arena, count + 2, sizeof(char *));
	size_t i;

	for (i = 0; command && i < count; i++)
		argv[i] = arena_cstr(&s->arena, list ? command->items[i]->text
						     : command->text);
	if (!argv[0] || !*argv[0])
		return error_set(err, ERR_INVALID, "`command` is empty");
	argv[0] = find_program(s, sv_from(argv[0]), err);
	s->plan.argv = argv;
	return argv[0] ? 0 : -1;
}

static void plan_environment(struct connector_session *s)
{
	const struct node *more = node_get(s->config->connect, "environment");
	size_t len = more && more->kind == NODE_MAP ? more->len : 0;
	const char **list = arena_array(&s->arena, len + 3, sizeof(char *));
	size_t i;

	list[0] = arena_printf(&s->arena, "PATH=%s", path);
	list[1] = "LANG=C.UTF-8";
	for (i = 0; more && i < len; i++)
		list[i + 2] = arena_printf(&s->arena, SV_FMT "=" SV_FMT,
					   SV_ARG(more->keys[i]->text),
					   SV_ARG(more->items[i]->text));
	s->plan.environment = list;
}

int exec_plan(struct connector_session *s, struct error *err)
{
	const struct node *connect = s->config->connect;
	struct sv user = setting_text(connect, exec_settings, "user");

	s->plan.agent = s->config->agent;
	s->plan.memory =
		(uint64_t)setting_number(connect, exec_settings, "memory")
		<< 20;
	s->plan.user = user.len ? arena_cstr(&s->arena, user) : NULL;
	s->plan.folder = connector_path(
		s->config, setting_text(connect, exec_settings, "folder"),
		&s->arena);
	plan_environment(s);
	return plan_argv(s, err);
}

/* --- open -------------------------------------------------------------- */

static int put_option(struct connector_session *s, const struct node *value,
		      struct strbuf *out, struct error *err)
{
	const struct connector_config *config = s->config;
	struct secret secret = SECRET_INIT;
	size_t i;

	if (value->kind == NODE_LIST) {
		strbuf_addc(out, '[');
		for (i = 0; i < value->len; i++) {
			strbuf_adds(out, i ? "," : "");
			if (put_option(s, value->items[i], out, err) < 0)
				return -1;
		}
		strbuf_addc(out, ']');
		return 0;
	}
	if (!sv_starts(value->text, SV_LIT("secret:"))) {
		message_put_text(out, value->text);
		return 0;
	}
	if (config->secret(config->secret_data, value->text, &secret, err) < 0)
		return -1;
	message_put_value(out, secret_view(&secret), false);
	secret_release(&secret);
	return 0;
}

static int put_options(struct connector_session *s, struct strbuf *out,
		       struct error *err)
{
	const struct node *options = node_get(s->config->connect, "options");
	size_t i;

	strbuf_adds(out, ",\"options\":{");
	for (i = 0; options && i < options->len; i++) {
		strbuf_adds(out, i ? "," : "");
		message_put_text(out, options->keys[i]->text);
		strbuf_addc(out, ':');
		if (put_option(s, options->items[i], out, err) < 0)
			return -1;
	}
	strbuf_addc(out, '}');
	return 0;
}

static void put_partitions(struct connector_session *s, struct strbuf *out)
{
	const struct node *names = node_get(s->config->connect, "partitions");
	size_t i;

	strbuf_adds(out, ",\"partitions\":[");
	if (names && names->kind == NODE_SCALAR)
		message_put_text(out, names->text);
	for (i = 0; names && names->kind == NODE_LIST && i < names->len; i++) {
		strbuf_adds(out, i ? "," : "");
		message_put_text(out, names->items[i]->text);
	}
	strbuf_addc(out, ']');
}

static void put_type(const struct object_type *type, struct strbuf *out)
{
	size_t i;

	message_put_text(out, sv_from(type->name));
	strbuf_adds(out, ":{");
	for (i = 0; i < type->attr_count; i++) {
		const struct attr_def *def = &type->attrs[i];

		strbuf_adds(out, i ? "," : "");
		message_put_text(out, sv_from(def->name));
		strbuf_addf(out, ":{\"type\":\"%s\"%s",
			    value_type_name(def->type),
			    def->multi ? ",\"multi\":true" : "");
		if (def->to) {
			strbuf_adds(out, ",\"to\":");
			message_put_text(out, sv_from(def->to));
		}
		strbuf_addc(out, '}');
	}
	strbuf_addc(out, '}');
}

int exec_put_open(struct connector_session *s, struct strbuf *out,
		  struct error *err)
{
	size_t i;

	strbuf_adds(out, "{\"msg\":\"open\",\"agent\":");
	message_put_text(out, sv_from(s->config->agent));
	if (put_options(s, out, err) < 0)
		return -1;
	put_partitions(s, out);
	strbuf_adds(out, ",\"types\":{");
	for (i = 0; i < s->config->type_count; i++) {
		strbuf_adds(out, i ? "," : "");
		put_type(&s->config->types[i], out);
	}
	strbuf_adds(out, "}}");
	return 0;
}
