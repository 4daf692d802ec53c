/*
 * exec.c - the exec connector: settings, session, table of operations
 *
 * A program of anybody's, in any language, is started as a process of its own
 * and spoken with by lines of JSON. Nothing that it does may harm more than its
 * own run: it is held to the protocol, to limits and to time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/exec/exec.h"

#include "connectors/exec/exec_private.h"

#include <signal.h>
#include <stdio.h>

#define SETTING(n, t, f, h)                                                    \
	{                                                                      \
		.name = (n), .type = (t), .fallback = (f), .help = (h)         \
	}

const struct setting_def exec_settings[] = {
	{ .name = "command",
	  .type = SETTING_NAMES,
	  .required = true,
	  .help = "the program and its arguments; with a '/' in it seen from "
		  "the configuration folder, else looked for in the path" },
	SETTING("can", SETTING_NAMES, "import",
		"what the program can do, the words of its hello: import, "
		"delta, export ..."),
	SETTING("options", SETTING_TEXTS, NULL,
		"what the program is told; secret:NAME stands for a secret"),
	SETTING("partitions", SETTING_NAMES, NULL,
		"parts of the system to read; default: all"),
	SETTING("bases", SETTING_NAMES, NULL,
		"with tree: the DNs that need no parent"),
	SETTING("timeout", SETTING_NUMBER, "60",
		"seconds that the program may be silent when it is to answer"),
	SETTING("restarts", SETTING_NUMBER, "1",
		"how often it is started again when it ends in the middle"),
	SETTING("memory", SETTING_NUMBER, "4096",
		"address space that it may have, in MiB; 0: any"),
	SETTING("user", SETTING_TEXT, NULL,
		"the account that it runs as; default: that of conjoin"),
	SETTING("folder", SETTING_PATH, ".", "where it runs"),
	SETTING("environment", SETTING_TEXTS, NULL,
		"further variables of its environment"),
	{ .name = NULL },
};

const struct exec_word exec_words[] = {
	{ "import", CONNECTOR_CAP_IMPORT },
	{ "delta", CONNECTOR_CAP_DELTA },
	{ "export", CONNECTOR_CAP_EXPORT },
	{ "dn", CONNECTOR_CAP_DN },
	{ "tree", CONNECTOR_CAP_TREE },
	{ "rename", CONNECTOR_CAP_RENAME },
	{ "at-once", CONNECTOR_CAP_AT_ONCE },
	{ "references-later", CONNECTOR_CAP_REFERENCES_LATER },
	{ "integrity", CONNECTOR_CAP_INTEGRITY },
	{ "schema", 0 },
	{ "partitions", 0 },
	{ "password",
	  CONNECTOR_CAP_PASSWORD_SET | CONNECTOR_CAP_PASSWORD_CHANGE },
	{ NULL, 0 },
};

static const struct exec_word *find_word(struct sv text)
{
	const struct exec_word *word;

	for (word = exec_words; word->word; word++)
		if (sv_eq_str(text, word->word))
			return word;
	return NULL;
}

/* The i-th name of a setting of names; NULL: there are no more. */
static const struct node *name_at(const struct node *names, size_t i)
{
	if (!names)
		return NULL;
	if (names->kind == NODE_SCALAR)
		return i ? NULL : names;
	return i < names->len ? names->items[i] : NULL;
}

static uint32_t exec_caps(const struct connector_ops *ops,
			  const struct node *connect)
{
	const struct node *can = node_get(connect, "can");
	const struct node *name;
	uint32_t caps = can ? 0 : CONNECTOR_CAP_IMPORT;
	size_t i;

	(void)ops;
	for (i = 0; (name = name_at(can, i)); i++) {
		const struct exec_word *word = find_word(name->text);

		caps |= word ? word->cap : 0;
	}
	return caps;
}

static void exec_bases(const struct node *connect, struct arena *arena,
		       struct sv **out, size_t *count_out)
{
	const struct node *bases = node_get(connect, "bases");
	const struct node *name;
	size_t count = 0;

	*out = arena_array(arena, bases ? bases->len + 1 : 1, sizeof(**out));
	while ((name = name_at(bases, count)))
		(*out)[count++] = name->text;
	*count_out = count;
}

/* --- check ------------------------------------------------------------- */

static void check_number(const struct node *connect, const char *name,
			 int64_t least, int64_t most, setting_report_fn report,
			 void *data)
{
	const struct node *at = node_get(connect, name);
	char message[96];
	int64_t number;

	if (!at || at->kind != NODE_SCALAR || !sv_to_i64(at->text, &number) ||
	    (number >= least && number <= most))
		return;
	(void)snprintf(message, sizeof(message),
		       "'%s' must be between %lld and %lld", name,
		       (long long)least, (long long)most);
	report(data, at, message);
}

static void check_can(const struct node *connect, setting_report_fn report,
		      void *data)
{
	const struct node *can = node_get(connect, "can");
	const struct node *name;
	uint32_t caps = exec_caps(NULL, connect);
	char message[192];
	size_t i;

	for (i = 0; (name = name_at(can, i)); i++) {
		if (find_word(name->text))
			continue;
		(void)snprintf(message, sizeof(message),
			       "'" SV_FMT "' is none of import, delta, export, "
			       "dn, tree, rename, at-once, references-later, "
			       "integrity, schema, partitions, password",
			       SV_ARG(name->text));
		report(data, name, message);
	}
	if ((caps & (CONNECTOR_CAP_TREE | CONNECTOR_CAP_RENAME)) &&
	    !(caps & CONNECTOR_CAP_DN))
		report(data, can, "'tree' and 'rename' need 'dn'");
	if ((caps & CONNECTOR_CAP_DELTA) && !(caps & CONNECTOR_CAP_IMPORT))
		report(data, can, "'delta' needs 'import'");
}

static void check_environment(const struct node *connect,
			      setting_report_fn report, void *data)
{
	const struct node *map = node_get(connect, "environment");
	size_t i;

	for (i = 0; map && i < map->len; i++)
		if (map->items[i]->kind != NODE_SCALAR)
			report(data, map->items[i],
			       "a variable of the environment is one text");
}

static void exec_check(const struct connector_ops *ops,
		       const struct connector_config *config,
		       setting_report_fn report, void *data)
{
	const struct node *command = node_get(config->connect, "command");
	const struct node *first = name_at(command, 0);

	(void)ops;
	if (command && (!first || !first->text.len))
		report(data, command, "'command' names no program");
	check_can(config->connect, report, data);
	check_environment(config->connect, report, data);
	check_number(config->connect, "timeout", 1, 86400, report, data);
	check_number(config->connect, "restarts", 0, 100, report, data);
	check_number(config->connect, "memory", 0, 1 << 20, report, data);
}

/* --- session ----------------------------------------------------------- */

static void exec_close(struct connector_session *s)
{
	size_t i;

	if (!s)
		return;
	exec_stop(s, exec_import_is_idle(s) && exec_export_is_idle(s));
	exec_import_free(s);
	exec_export_free(s);
	message_parser_free(s->parser);
	for (i = 0; s->attrs && i < s->config->type_count; i++)
		namemap_free(s->attrs[i]);
	arena_release(&s->arena);
	mem_free(s);
}

static void index_attrs(struct connector_session *s)
{
	const struct connector_config *config = s->config;
	size_t i;
	size_t k;

	s->attrs = arena_array(&s->arena, config->type_count,
			       sizeof(struct namemap *));
	for (i = 0; i < config->type_count; i++) {
		s->attrs[i] = namemap_new(true);
		for (k = 0; k < config->types[i].attr_count; k++)
			namemap_put(s->attrs[i],
				    sv_from(config->types[i].attrs[k].name), k);
	}
}

/* All words of the agent's `can` are in the program's. */
static int compare_can(const struct connector_session *s, struct error *err)
{
	const struct node *can = node_get(s->config->connect, "can");
	const struct node *name;
	size_t i;
	size_t k;

	for (i = 0; (name = name_at(can, i)); i++) {
		for (k = 0; k < s->hello.can_count; k++)
			if (sv_eq(name->text, s->hello.can[k]))
				break;
		if (k == s->hello.can_count)
			return error_set(
				err, ERR_INVALID,
				"'can' of the agent has '" SV_FMT
				"', which '%s' cannot do: take it away "
				"there",
				SV_ARG(name->text), s->plan.argv[0]);
	}
	if (!can && !exec_can(&s->hello, "import"))
		return error_set(err, ERR_INVALID,
				 "'%s' cannot import: say with 'can' what the "
				 "agent is for",
				 s->plan.argv[0]);
	return 0;
}

static int exec_open(const struct connector_ops *ops,
		     const struct connector_config *config,
		     struct connector_session **out, struct error *err)
{
	struct connector_session *s = mem_zalloc(sizeof(*s));
	const struct node *connect = config->connect;

	(void)ops;
	/* what it does not read any more is told by what it writes */
	(void)signal(SIGPIPE, SIG_IGN);
	s->config = config;
	s->caps = exec_caps(NULL, connect);
	s->timeout_ms =
		1000 * (int)setting_number(connect, exec_settings, "timeout");
	s->restarts = setting_number(connect, exec_settings, "restarts");
	s->parser = message_parser_new();
	index_attrs(s);
	if (exec_plan(s, err) < 0 || exec_start(s, err) < 0 ||
	    compare_can(s, err) < 0) {
		exec_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

static int exec_look(struct connector_session *s, struct arena *arena,
		     struct connector_look *out, struct error *err)
{
	(void)err;
	out->server = arena_printf(
		arena, "%s%s%s", *s->hello.name ? s->hello.name : "a program",
		*s->hello.version ? " " : "", s->hello.version);
	return 0;
}

const struct exec_hello *exec_hello_of(const struct connector_session *session)
{
	return &session->hello;
}

bool exec_can(const struct exec_hello *hello, const char *word)
{
	size_t i;

	for (i = 0; i < hello->can_count; i++)
		if (sv_eq_str(hello->can[i], word))
			return true;
	return false;
}

const struct connector_ops exec_connector = {
	.abi = CONNECTOR_ABI,
	.name = "exec",
	.help = "A program of your own that speaks the connector protocol.",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA |
		CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_DN | CONNECTOR_CAP_TREE |
		CONNECTOR_CAP_RENAME | CONNECTOR_CAP_AT_ONCE |
		CONNECTOR_CAP_REFERENCES_LATER | CONNECTOR_CAP_INTEGRITY |
		CONNECTOR_CAP_PASSWORD_SET | CONNECTOR_CAP_PASSWORD_CHANGE,
	.settings = exec_settings,
	.caps_of = exec_caps,
	.bases = exec_bases,
	.check = exec_check,
	.open = exec_open,
	.close = exec_close,
	.look = exec_look,
	.schema = exec_schema,
	.sample = exec_sample,
	.import_begin = exec_import_begin,
	.next = exec_import_next,
	.expand = exec_import_expand,
	.import_end = exec_import_end,
	.import_progress = exec_import_progress,
	.export_begin = exec_export_begin,
	.export_put = exec_export_put,
	.export_result = exec_export_result,
	.export_end = exec_export_end,
	.password = exec_password,
};
