/*
 * agent_answer.c - the settings of a new agent: given by --set, or asked for
 *
 * Asked for is what the connector cannot do without and how to sign in; all
 * else has a default and is written into the file later by whoever needs it. A
 * password is typed without echo, or named where it is kept; one that stands
 * on the command line is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/agent.h"

#include "cli/ask.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- the map ----------------------------------------------------------- */

static struct node *text_node(struct arena *arena, const char *text)
{
	struct node *node = arena_zalloc(arena, sizeof(*node));

	node->kind = NODE_SCALAR;
	node->text = arena_dup(arena, sv_from(text));
	return node;
}

/* "a,b" for a setting that takes a list. */
static struct node *list_node(struct arena *arena, const char *text)
{
	struct node *list = arena_zalloc(arena, sizeof(*list));
	struct sv rest = sv_from(text);
	size_t at = 0;

	list->kind = NODE_LIST;
	list->items = arena_array(arena, rest.len + 1, sizeof(*list->items));
	while (at <= rest.len) {
		size_t end = sv_find(rest, ',', at);

		list->items[list->len++] = text_node(
			arena,
			arena_cstr(arena, sv_trim(sv_sub(rest, at, end))));
		at = end + 1;
	}
	return list;
}

static const struct setting_def *def_of(const struct agent_answers *answers,
					const char *name)
{
	const struct setting_def *def = answers->ops->settings;

	for (; def->name; def++)
		if (!strcmp(def->name, name))
			return def;
	return NULL;
}

void agent_answers_set(struct agent_answers *answers, const char *name,
		       const char *value)
{
	struct arena *arena = &answers->cli->arena;
	const struct setting_def *def = def_of(answers, name);
	struct node *node = def && def->type == SETTING_NAMES &&
					    strchr(value, ',') &&
					    !strchr(value, '=')
				    ? list_node(arena, value)
				    : text_node(arena, value);

	agent_answers_put(answers, name, node);
}

void agent_answers_put(struct agent_answers *answers, const char *name,
		       struct node *value)
{
	struct node *map = answers->connect;
	size_t i;

	for (i = 0; i < map->len; i++) {
		if (sv_eq_str(map->keys[i]->text, name)) {
			map->items[i] = value;
			return;
		}
	}
	map->keys[map->len] = text_node(&answers->cli->arena, name);
	map->items[map->len++] = value;
}

const char *agent_answers_get(const struct agent_answers *answers,
			      const char *name)
{
	const struct node *node = node_get(answers->connect, name);

	if (node && node->kind == NODE_LIST && node->len)
		node = node->items[0];
	return node && node->kind == NODE_SCALAR
		       ? arena_cstr(&answers->cli->arena, node->text)
		       : NULL;
}

/* --- --set ------------------------------------------------------------- */

static bool is_reference(const char *value)
{
	return !strncmp(value, "secret:", 7) || !strncmp(value, "env:", 4) ||
	       !strncmp(value, "file:", 5);
}

static int no_setting(const struct agent_answers *answers, const char *name,
		      struct error *err)
{
	const char *names[64];
	size_t count = 0;
	const struct setting_def *def;

	for (def = answers->ops->settings; def->name && count < 64; def++)
		names[count++] = def->name;
	return error_set(err, ERR_INVALID,
			 "connector '%s' has no setting '%s'%s",
			 answers->ops->name, name,
			 cli_near(answers->cli, name, names, count,
				  "; 'conjoin help connector' lists them"));
}

static int take_option(struct agent_answers *answers, const char *option,
		       struct error *err)
{
	struct sv text = sv_from(option);
	size_t equal = sv_find(text, '=', 0);
	const struct setting_def *def;
	char *name;

	if (equal == 0 || equal == text.len)
		return error_set(err, ERR_INVALID,
				 "option '--set' needs KEY=VALUE, not '%s'",
				 option);
	name = arena_cstr(&answers->cli->arena, sv_sub(text, 0, equal));
	def = def_of(answers, name);
	if (!def)
		return no_setting(answers, name, err);
	if (def->type == SETTING_GROUP || def->type == SETTING_GROUPS ||
	    def->type == SETTING_NAMED || def->type == SETTING_TEXTS)
		return error_set(err, ERR_INVALID,
				 "'%s' is a %s: write it into the agent's file "
				 "when that is there",
				 name, setting_type_name(def->type));
	if (def->type == SETTING_SECRET && !is_reference(option + equal + 1))
		return error_set(
			err, ERR_INVALID,
			"'%s' must not stand on the command line, where others "
			"see it: keep it with 'conjoin secret set %s' and give "
			"--set %s=secret:%s",
			name, answers->name, name, answers->name);
	agent_answers_set(answers, name, option + equal + 1);
	return 0;
}

static int take_options(struct agent_answers *answers, struct error *err)
{
	const struct args_option *option;

	vec_foreach(&answers->cli->args.options, option)
		if (!strcmp(option->def->name, "set") &&
		    take_option(answers, option->value, err) < 0)
			return -1;
	return 0;
}

/* --- questions --------------------------------------------------------- */

int agent_ask(struct cli *cli, const char *question, const char *fallback,
	      const char **out, struct error *err)
{
	struct strbuf line = STRBUF_INIT(65536);
	char c = '\0';
	ssize_t n;

	(void)fflush(stdout);
	if (fallback && *fallback)
		(void)fprintf(stderr, "%s [%s]: ", question,
			      output_safe(sv_from(fallback), &cli->arena));
	else
		(void)fprintf(stderr, "%s: ", question);
	while ((n = read(STDIN_FILENO, &c, 1)) > 0 && c != '\n')
		strbuf_addc(&line, c);
	if (n <= 0 && !line.len) {
		strbuf_release(&line);
		return error_set(err, ERR_LIMIT,
				 "the questions were not answered: nothing was "
				 "written");
	}
	*out = arena_cstr(&cli->arena, sv_trim(strbuf_sv(&line)));
	if (!**out && fallback)
		*out = fallback;
	strbuf_release(&line);
	return 0;
}

/* What is asked for, in this order, of a connector that has it. */
static const char *const asked[] = { "servers",   "path",    "security",
				     "principal", "bind_dn", "password" };

#define ASKED (sizeof(asked) / sizeof(*asked))

static bool is_plain_ldap(const struct agent_answers *answers)
{
	const char *servers = agent_answers_get(answers, "servers");

	return servers && !strncmp(servers, "ldap://", 7);
}

/* Questions that earlier answers leave open. */
static bool is_due(const struct agent_answers *answers, const char *name)
{
	if (!strcmp(name, "servers") && node_get(answers->connect, "domain"))
		return false;
	if (!strcmp(name, "security"))
		return is_plain_ldap(answers);
	if (!strcmp(name, "principal"))
		return false; /* by --set only: most sign in by name */
	if (!strcmp(name, "bind_dn"))
		return !agent_answers_get(answers, "principal");
	if (!strcmp(name, "password"))
		return agent_answers_get(answers, "bind_dn") ||
		       (agent_answers_get(answers, "principal") &&
			!agent_answers_get(answers, "keytab") &&
			!agent_answers_get(answers, "ticket_cache"));
	return true;
}

/* One of two settings says where the system is. */
static bool has_other(const struct agent_answers *answers, const char *name)
{
	static const char *const pairs[][2] = { { "servers", "domain" },
						{ "path", "types" } };
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (!strcmp(name, pairs[i][0]))
			return node_get(answers->connect, pairs[i][1]);
	return true;
}

/* Not set, and without it nothing can be done. */
static bool is_needed(const struct agent_answers *answers,
		      const struct setting_def *def)
{
	return (def->required || !has_other(answers, def->name) ||
		(!strcmp(def->name, "password") &&
		 is_due(answers, "password"))) &&
	       !node_get(answers->connect, def->name);
}

static int ask_password(struct agent_answers *answers, struct error *err)
{
	struct arena *arena = &answers->cli->arena;
	const char *said = agent_answers_get(answers, "password");
	const char *who = agent_answers_get(answers, "bind_dn");
	struct secret typed = SECRET_INIT;
	int ret = ask_secret(
		STDIN_FILENO,
		arena_printf(arena, "password%s%s", who ? " of " : "",
			     who ? output_safe(sv_from(who), arena) : ""),
		&typed, err);

	if (ret == 0 && typed.len) {
		secret_set(&answers->password, secret_view(&typed));
		agent_answers_set(
			answers, "password",
			arena_printf(arena, "secret:%s", answers->secret_name));
	} else if (ret == 0 && !said) {
		ret = error_set(err, ERR_DENIED,
				"no password was typed: nothing was written");
	}
	secret_release(&typed);
	return ret;
}

/* Empty is "not set". */
static int ask_setting(struct agent_answers *answers,
		       const struct setting_def *def, struct error *err)
{
	const char *said = agent_answers_get(answers, def->name);
	const char *question =
		arena_printf(&answers->cli->arena, "%s (%s)", def->name,
			     def->words ? def->words : def->help);
	const char *value = "";

	if (def->type == SETTING_SECRET)
		return ask_password(answers, err);
	if (!said && !strcmp(def->name, "security"))
		said = "starttls";
	do {
		if (agent_ask(answers->cli, question, said, &value, err) < 0)
			return -1;
	} while (!value[0] && is_needed(answers, def));
	if (value[0])
		agent_answers_set(answers, def->name, value);
	return 0;
}

/* `again`: also what is set. */
static int ask_all(struct agent_answers *answers, bool again, struct error *err)
{
	const struct setting_def *def;
	size_t i;

	for (i = 0; i < ASKED; i++) {
		def = def_of(answers, asked[i]);
		if (def && is_due(answers, def->name) &&
		    (again || !node_get(answers->connect, def->name)) &&
		    ask_setting(answers, def, err) < 0)
			return -1;
	}
	for (def = answers->ops->settings; def->name; def++)
		if (is_needed(answers, def) &&
		    ask_setting(answers, def, err) < 0)
			return -1;
	return 0;
}

static int name_missing(const struct agent_answers *answers, struct error *err)
{
	struct arena *arena = &answers->cli->arena;
	const struct setting_def *def;
	const char *all = NULL;

	for (def = answers->ops->settings; def->name; def++)
		if (is_needed(answers, def))
			all = arena_printf(
				arena, "%s%s--set %s=%s", all ? all : "",
				all ? " " : "", def->name,
				def->type == SETTING_SECRET ? "secret:NAME"
							    : "VALUE");
	if (!all)
		return 0;
	return error_set(err, ERR_INVALID,
			 "there is nobody to ask; these are missing: %s", all);
}

/* --- secrets ----------------------------------------------------------- */

static bool is_there(const struct sv *names, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (sv_eq_str(names[i], name))
			return true;
	return false;
}

/* A name under which nothing is kept. */
static int choose_secret_name(struct agent_answers *answers, struct error *err)
{
	struct arena *arena = &answers->cli->arena;
	struct sv *names;
	size_t count;
	size_t n = 2;

	if (secrets_list(answers->secrets, arena, &names, &count, err) < 0)
		return -1;
	answers->secret_name = answers->name;
	while (is_there(names, count, answers->secret_name))
		answers->secret_name =
			arena_printf(arena, "%s-%zu", answers->name, n++);
	return 0;
}

int agent_answers_secret(void *data, struct sv reference, struct secret *out,
			 struct error *err)
{
	struct agent_answers *answers = data;

	if (answers->password.len && sv_starts(reference, SV_LIT("secret:")) &&
	    sv_eq_str(sv_sub(reference, 7, reference.len),
		      answers->secret_name)) {
		secret_set(out, secret_view(&answers->password));
		return 0;
	}
	return secrets_resolve(answers->secrets, reference, out, err);
}

/* --- all of it --------------------------------------------------------- */

int agent_answers_begin(struct agent_answers *answers, struct error *err)
{
	struct arena *arena = &answers->cli->arena;
	const struct setting_def *def;
	struct node *map = arena_zalloc(arena, sizeof(*map));
	size_t most = 1;

	for (def = answers->ops->settings; def->name; def++)
		most++;
	map->kind = NODE_MAP;
	map->keys = arena_array(arena, most, sizeof(*map->keys));
	map->items = arena_array(arena, most, sizeof(*map->items));
	answers->connect = map;
	if (take_options(answers, err) < 0 ||
	    choose_secret_name(answers, err) < 0)
		return -1;
	if (!answers->ask)
		return name_missing(answers, err);
	return ask_all(answers, false, err);
}

int agent_answers_again(struct agent_answers *answers, struct error *err)
{
	return ask_all(answers, true, err);
}

void agent_answers_release(struct agent_answers *answers)
{
	secret_release(&answers->password);
}
