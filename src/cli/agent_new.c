/*
 * agent_new.c - `conjoin agent new`: from a few answers to an agent's file
 *
 *	answers -> connect -> what it can hold -> base, types -> samples ->
 *	anchor -> flows and joins -> the file, shown -> written
 *
 * Nothing is written before the end, and nothing that is there is written over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/agent.h"

#include "base/file.h"
#include "cli/connectors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES      5    /* at answers that do not connect */
#define LOOKED_AT  2000 /* objects whose type is looked at */
#define SAMPLE     200  /* objects of each type that are compared */
#define TYPES_MAX  16
#define FOUND_MAX  200 /* different types that are counted */
#define TOLD_TYPES 8

/* Objects of one type among those looked at. */
struct found_type {
	const char *name;
	size_t count;
};

struct making {
	struct cli *cli;
	struct session session; /* the configuration, perhaps a store */
	struct agent_answers answers;
	struct agent_plan plan;
	struct agent_enlisted enlisted;
	struct found_type found[FOUND_MAX];
	size_t found_count;
	const char *main_path; /* conjoin.yaml */
	const char *file;      /* agents/NAME.yaml, below the folder */
	const char *path;
};

static bool talks(const struct making *making)
{
	const struct cli *cli = making->cli;

	return !cli->output.json && !cli->output.quiet &&
	       (making->answers.ask || !args_has(&cli->args, "dry-run"));
}

/* --- before anything is asked ------------------------------------------ */

static const struct connector_ops *find_connector(struct cli *cli)
{
	const char *name = cli_word(cli, 1);
	const struct connector_ops *ops =
		connector_find(connectors, sv_from(name));
	const char *names[64];
	size_t count = 0;

	if (ops)
		return ops;
	for (; count < 64 && connectors[count]; count++)
		names[count] = connectors[count]->name;
	(void)cli_misuse(cli, "no connector '%s'%s", name,
			 cli_near(cli, name, names, count,
				  "; 'conjoin help' lists them"));
	return NULL;
}

static bool is_name(const char *name)
{
	return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
					   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789-_")];
}

static int check_free(struct making *making, struct error *err)
{
	const struct config *config = making->session.config;
	const char *name = making->plan.name;

	if (!is_name(name))
		return error_set(err, ERR_INVALID,
				 "the name of an agent has letters, digits, "
				 "'-' and '_' only, unlike '%s'",
				 name);
	if (config_agent_find(config, sv_from(name)))
		return error_set(err, ERR_CONFLICT,
				 "there is an agent '%s'; give the new one "
				 "another name: conjoin agent new %s NAME",
				 name, making->plan.ops->name);
	if (file_exists(making->path))
		return error_set(err, ERR_CONFLICT,
				 "'%s' is there already, though 'agents' in "
				 "conjoin.yaml does not name it; give the new "
				 "agent another name",
				 making->path);
	return agent_enlist(making->main_path, name, &making->cli->arena,
			    &making->enlisted, err);
}

/* The store has what samples are compared with; there may be none yet. */
static void open_store(struct making *making)
{
	struct session *session = &making->session;
	struct error err = ERROR_INIT;

	if (!session->config->store)
		return;
	if (store_open(session->config->store, STORE_READ, &session->store,
		       &err) == 0 &&
	    store_bind_attributes(session->store, session->config->attr_names,
				  session->config->attr_count, &err) == 0) {
		display_init(&session->display, session->store,
			     session->config);
		return;
	}
	store_close(session->store);
	session->store = NULL;
	if (err.code != ERR_NOTFOUND)
		cli_warn(making->cli,
			 "joins are proposed by name alone, the store cannot "
			 "be asked: %s",
			 err.msg);
}

/* RUN_OK, or it has been told what is wrong. --set is for the connector here,
 * and no parameter. */
static enum run_exit load(struct making *making)
{
	const struct config_options options = { connectors, NULL, 0 };
	struct session *session = &making->session;
	struct cli *cli = making->cli;
	struct error err = ERROR_INIT;

	session->cli = cli;
	if (config_load(cli->folder, &options, &session->config, &err) < 0)
		return cli_fail_as(cli, RUN_USAGE, &err);
	secrets_init(&session->secrets, session->config->folder);
	if (session->config->error_count)
		return session_refuse_problems(session);
	making->plan.config = session->config;
	making->plan.session = session;
	making->main_path =
		arena_printf(&cli->arena, "%s/conjoin.yaml", cli->folder);
	making->file =
		arena_printf(&cli->arena, "agents/%s.yaml", making->plan.name);
	making->path =
		arena_printf(&cli->arena, "%s/%s", cli->folder, making->file);
	if (check_free(making, &err) < 0)
		return cli_fail_as(cli, RUN_USAGE, &err);
	open_store(making);
	return RUN_OK;
}

/* --- the system -------------------------------------------------------- */

static void first_problem(void *data, const struct node *at,
			  const char *message)
{
	struct error *err = data;

	(void)at;
	if (err->code == ERR_NONE)
		(void)error_set(err, ERR_INVALID, "%s", message);
}

static int open_system(struct making *making, struct connector_config *config,
		       struct connector *out, struct error *err)
{
	const struct connector_ops *ops = making->plan.ops;
	struct error wrong = ERROR_INIT;

	*config = (struct connector_config){
		.agent = making->plan.name,
		.folder = making->session.config->folder,
		.connect = making->answers.connect,
		.secret = agent_answers_secret,
		.secret_data = &making->answers,
		.explore = true,
	};
	(void)setting_check(config->connect, ops->settings, first_problem,
			    &wrong);
	if (wrong.code != ERR_NONE) {
		*err = wrong;
		return -1;
	}
	return connector_open(out, ops, config, err);
}

static int read_schema(struct making *making, struct error *err)
{
	struct connector_config config;
	struct connector connector = { .ops = NULL };
	int ret = open_system(making, &config, &connector, err);

	if (ret == 0)
		ret = connector_schema(&connector, &making->cli->arena,
				       &making->plan.schema, err);
	connector_close(&connector);
	return ret;
}

/* Whoever is there may correct what does not connect. */
static int connect_system(struct making *making, struct error *err)
{
	struct cli *cli = making->cli;
	size_t tries = 0;

	while (read_schema(making, err) < 0) {
		if (!making->answers.ask || ++tries == TRIES ||
		    err->code == ERR_UNSUPPORTED)
			return -1;
		(void)fflush(stdout);
		(void)fprintf(stderr, "%s\nonce more:\n",
			      output_safe(sv_from(err->msg), &cli->arena));
		memset(err, 0, sizeof(*err));
		if (agent_answers_again(&making->answers, err) < 0)
			return -1;
	}
	if (talks(making))
		(void)printf("connected: %zu type%s and %zu attributes in %s\n",
			     making->plan.schema.type_count,
			     making->plan.schema.type_count == 1 ? "" : "s",
			     making->plan.schema.attr_count,
			     output_safe(sv_from(making->plan.schema.source),
					 &cli->arena));
	return 0;
}

/* Of several values that fit a setting the best one, or which is wanted. */
static int settle(struct making *making, size_t first, struct error *err)
{
	const struct schema *schema = &making->plan.schema;
	const struct schema_setting *best = &schema->settings[first];
	struct cli *cli = making->cli;
	const char *value = best->value;
	size_t count = 0;
	size_t i;

	for (i = first; i < schema->setting_count; i++) {
		const struct schema_setting *one = &schema->settings[i];

		if (strcmp(one->name, best->name) != 0)
			continue;
		count++;
		if (talks(making))
			(void)printf(
				"  %s: %s   (%s)\n", one->name,
				output_safe(sv_from(one->value), &cli->arena),
				one->why);
	}
	if (count > 1 && making->answers.ask &&
	    agent_ask(cli, best->name, best->value, &value, err) < 0)
		return -1;
	agent_answers_set(&making->answers, best->name, value);
	return 0;
}

static int settle_all(struct making *making, struct error *err)
{
	const struct schema *schema = &making->plan.schema;
	size_t i;

	for (i = 0; i < schema->setting_count; i++)
		if (!node_get(making->answers.connect,
			      schema->settings[i].name) &&
		    settle(making, i, err) < 0)
			return -1;
	return 0;
}

/* --- types ------------------------------------------------------------- */

static void count_types(struct making *making,
			const struct schema_sample *sample)
{
	size_t i;
	size_t k;

	for (i = 0; i < sample->count; i++) {
		const char *name = sample->objects[i].type;

		for (k = 0; k < making->found_count; k++)
			if (!strcasecmp(making->found[k].name, name))
				break;
		if (k == FOUND_MAX)
			continue;
		if (k == making->found_count)
			making->found[making->found_count++].name = name;
		making->found[k].count++;
	}
}

static int by_count(const void *a, const void *b)
{
	const struct found_type *left = a;
	const struct found_type *right = b;

	if (left->count != right->count)
		return left->count > right->count ? -1 : 1;
	return strcmp(left->name, right->name);
}

/* "inetOrgPerson 83, groupOfNames 5" */
static const char *found_text(const struct making *making)
{
	struct arena *arena = &making->cli->arena;
	const char *all = "";
	size_t i;

	for (i = 0; i < making->found_count && i < TOLD_TYPES; i++)
		all = arena_printf(
			arena, "%s%s%s %zu", all, i ? ", " : "",
			output_safe(sv_from(making->found[i].name), arena),
			making->found[i].count);
	return making->found_count > TOLD_TYPES
		       ? arena_printf(arena, "%s and others", all)
		       : all;
}

/* A name as a file may have it: types of other systems have any. */
static const char *rule_set_name(const char *type, struct arena *arena)
{
	char *name = arena_cstr(arena, sv_from(type));
	size_t i;

	for (i = 0; name[i]; i++)
		if (!is_name((const char[]){ name[i], '\0' }))
			name[i] = '-';
	return name;
}

static int add_type(struct making *making, const char *name, const char *mv,
		    struct error *err)
{
	struct agent_plan *plan = &making->plan;
	const struct config *config = plan->config;
	struct agent_type *type = &plan->types[plan->type_count];
	const struct schema_type *known =
		schema_type_find(&plan->schema, sv_from(name));
	bool only = plan->schema.guessed && plan->schema.type_count == 1;

	if (plan->type_count == TYPES_MAX)
		return error_set(err, ERR_LIMIT,
				 "more than %d types; add the others to the "
				 "file when it is there",
				 TYPES_MAX);
	if (!known)
		return error_set(err, ERR_NOTFOUND,
				 "the system has no type '%s'; among its first "
				 "objects are: %s",
				 name, found_text(making));
	type->name = known->name;
	type->mv = mv ? config_mv_type_find(config, sv_from(mv))
		      : agent_mv_type(config, name, only);
	if (!type->mv)
		return error_set(err, ERR_NOTFOUND,
				 mv ? "the metaverse has no type '%s'"
				    : "no type of the metaverse is like '%s'; "
				      "say which it is: TYPE=METAVERSE-TYPE",
				 mv ? mv : name);
	/* files with one kind of objects have no name for it */
	if (only && !(plan->ops->caps & CONNECTOR_CAP_DN))
		type->rule_set = type->mv->name;
	else
		type->rule_set = rule_set_name(type->name, &making->cli->arena);
	type->named = !only && strcmp(type->rule_set, type->name) != 0;
	plan->type_count++;
	return 0;
}

/* "user,group=team" */
static int add_types(struct making *making, const char *text, struct error *err)
{
	struct arena *arena = &making->cli->arena;
	struct sv all = sv_from(text);
	size_t at = 0;

	while (at <= all.len) {
		size_t end = sv_find(all, ',', at);
		struct sv one = sv_trim(sv_sub(all, at, end));
		size_t equal = sv_find(one, '=', 0);
		const char *mv =
			equal < one.len
				? arena_cstr(arena,
					     sv_sub(one, equal + 1, one.len))
				: NULL;

		if (one.len &&
		    add_type(making, arena_cstr(arena, sv_sub(one, 0, equal)),
			     mv, err) < 0)
			return -1;
		at = end + 1;
	}
	return 0;
}

/* What occurs and has its like in the metaverse; those that occur most first.
 * Several of one kind are all proposed: contacts beside users. */
static const char *propose_types(const struct making *making)
{
	const struct agent_plan *plan = &making->plan;
	bool only = plan->schema.guessed && plan->schema.type_count == 1;
	const char *all = "";
	size_t i;

	for (i = 0; i < making->found_count; i++)
		if (agent_mv_type(plan->config, making->found[i].name, only))
			all = arena_printf(&making->cli->arena, "%s%s%s", all,
					   *all ? "," : "",
					   making->found[i].name);
	return all;
}

static int given_types(struct making *making, struct error *err)
{
	const struct args_option *option;

	vec_foreach(&making->cli->args.options, option)
		if (!strcmp(option->def->name, "type") &&
		    add_types(making, option->value, err) < 0)
			return -1;
	return 0;
}

static int choose_types(struct making *making, struct error *err)
{
	struct agent_plan *plan = &making->plan;
	const char *proposed = propose_types(making);

	plan->types = arena_array(&making->cli->arena, TYPES_MAX,
				  sizeof(*plan->types));
	if (talks(making) && making->found_count > 1)
		(void)printf("  objects: %s\n", found_text(making));
	if (given_types(making, err) < 0 || plan->type_count)
		return plan->type_count && err->code == ERR_NONE ? 0 : -1;
	if (making->answers.ask && making->found_count > 1 &&
	    agent_ask(making->cli, "types to read", proposed, &proposed, err) <
		    0)
		return -1;
	if (add_types(making, proposed, err) < 0)
		return -1;
	if (plan->type_count)
		return 0;
	if (!making->found_count)
		return error_set(err, ERR_NOTFOUND,
				 "there are no objects to learn from; check "
				 "path or base, and that the account may read "
				 "there");
	return error_set(err, ERR_NOTFOUND,
			 "no type of the metaverse is like those that were "
			 "found (%s); say which is which: --type "
			 "TYPE=METAVERSE-TYPE",
			 found_text(making));
}

/* --- samples ----------------------------------------------------------- */

static int read_samples(struct making *making, struct connector *connector,
			struct error *err)
{
	struct agent_plan *plan = &making->plan;
	struct arena *arena = &making->cli->arena;
	struct schema_sample any;
	size_t i;

	if (connector_sample(connector, NULL, LOOKED_AT, arena, &any, err) < 0)
		return -1;
	count_types(making, &any);
	qsort(making->found, making->found_count, sizeof(*making->found),
	      by_count);
	if (choose_types(making, err) < 0)
		return -1;
	for (i = 0; i < plan->type_count; i++)
		if (connector_sample(connector, plan->types[i].name, SAMPLE,
				     arena, &plan->types[i].sample, err) < 0)
			return -1;
	return 0;
}

static int look(struct making *making, struct error *err)
{
	struct connector_config config;
	struct connector connector = { .ops = NULL };
	int ret = open_system(making, &config, &connector, err);

	if (ret == 0)
		ret = read_samples(making, &connector, err);
	connector_close(&connector);
	return ret;
}

/* --- what identifies --------------------------------------------------- */

/* The connector's default; NULL: it has none. */
static const char *usual_anchor(const struct agent_plan *plan)
{
	const struct setting_def *def = plan->ops->settings;

	for (; def->name; def++)
		if (!strcmp(def->name, "anchor"))
			return def->fallback;
	return NULL;
}

static int settle_anchor(struct making *making, struct error *err)
{
	struct agent_plan *plan = &making->plan;
	bool by_dn = plan->ops->caps & CONNECTOR_CAP_DN;
	const char *usual = usual_anchor(plan);
	const char *best;

	plan->anchor = agent_answers_get(&making->answers, "anchor");
	if (plan->anchor || node_get(making->answers.connect, "types"))
		return 0;
	best = agent_propose_anchor(plan, usual);
	if (!best && by_dn)
		best = "dn";
	if (making->answers.ask && !by_dn &&
	    agent_ask(making->cli, "anchor (what identifies an object)", best,
		      &best, err) < 0)
		return -1;
	if (!best || !*best)
		return error_set(err, ERR_INVALID,
				 "in the first objects of '%s' nothing is "
				 "always there and never the same; say what "
				 "identifies an object: --set anchor=COLUMN",
				 plan->schema.source);
	plan->anchor = best;
	if (!usual || strcasecmp(usual, best) != 0)
		agent_answers_set(&making->answers, "anchor", best);
	return 0;
}

/* --- the files --------------------------------------------------------- */

static int write_agent(const struct making *making, const char *yaml,
		       struct error *err)
{
	size_t len = strlen(yaml);
	int ret = 0;
	int fd;

	if (file_make_parent(making->path, err) < 0)
		return -1;
	fd = open(making->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_errno(err, errno, "cannot write '%s'",
				   making->path);
	if (write(fd, yaml, len) != (ssize_t)len)
		ret = error_errno(err, errno, "cannot write '%s'",
				  making->path);
	if (close(fd) < 0 && ret == 0)
		ret = error_errno(err, errno, "cannot write '%s'",
				  making->path);
	if (ret < 0)
		(void)unlink(making->path);
	return ret;
}

/* As long as questions were asked somebody else may have worked on it. */
static int write_main(struct making *making, struct error *err)
{
	struct file_replace file = { .stream = NULL };
	struct stat st;
	struct sv text;

	if (agent_enlist(making->main_path, making->plan.name,
			 &making->cli->arena, &making->enlisted, err) < 0)
		return -1;
	text = making->enlisted.text;
	if (stat(making->main_path, &st) < 0)
		return error_errno(err, errno, "cannot read '%s'",
				   making->main_path);
	if (file_replace_open(&file, making->main_path, st.st_mode & 0777,
			      err) < 0)
		return -1;
	if (fwrite(text.ptr, 1, text.len, file.stream) != text.len) {
		(void)error_errno(err, errno, "cannot write '%s'",
				  making->main_path);
		file_replace_abort(&file);
		return -1;
	}
	return file_replace_commit(&file, err);
}

static int write_all(struct making *making, const char *yaml, struct error *err)
{
	const struct agent_answers *answers = &making->answers;

	if (answers->password.len &&
	    secrets_set(&making->session.secrets, sv_from(answers->secret_name),
			secret_view(&answers->password), err) < 0)
		return -1;
	if (write_agent(making, yaml, err) < 0)
		return -1;
	if (write_main(making, err) < 0) {
		(void)unlink(making->path);
		return -1;
	}
	return 0;
}

/* --- what is told ------------------------------------------------------ */

static void show_plan(const struct making *making, const char *yaml)
{
	const struct agent_enlisted *enlisted = &making->enlisted;
	struct arena *arena = &making->cli->arena;
	size_t i;

	for (i = 0; i < making->plan.type_count; i++)
		agent_sample_print(&making->plan, &making->plan.types[i]);
	(void)printf("\n%s:\n\n%s\nconjoin.yaml:%d:\n", making->file, yaml,
		     enlisted->line);
	if (enlisted->before)
		(void)printf("  - %s\n",
			     output_safe(sv_from(enlisted->before), arena));
	(void)printf("  + %s\n", output_safe(sv_from(enlisted->after), arena));
}

static json_t *types_json(const struct agent_plan *plan)
{
	json_t *list = json_array();
	size_t i;
	size_t k;

	for (i = 0; i < plan->type_count; i++) {
		const struct agent_type *type = &plan->types[i];
		json_t *item = json_object();
		json_t *joins = json_array();
		json_t *flows = json_object();

		for (k = 0; k < type->join_count; k++)
			if (type->joins[k].proposed)
				(void)json_array_append_new(
					joins, json_of_text(type->joins[k].mv));
		for (k = 0; k < type->flow_count; k++)
			if (type->flows[k].mv)
				(void)json_object_set_new(
					flows, type->flows[k].mv,
					json_of_text(type->flows[k].attr));
		(void)json_object_set_new(item, "type",
					  json_of_text(type->name));
		(void)json_object_set_new(item, "metaverse",
					  json_of_text(type->mv->name));
		(void)json_object_set_new(
			item, "sample",
			json_integer((json_int_t)type->sample.count));
		(void)json_object_set_new(item, "project",
					  json_boolean(type->project));
		(void)json_object_set_new(item, "joins", joins);
		(void)json_object_set_new(item, "import", flows);
		(void)json_array_append_new(list, item);
	}
	return list;
}

static void tell_json(const struct making *making, const char *yaml,
		      bool written)
{
	json_t *json = json_object();

	(void)json_object_set_new(json, "agent",
				  json_of_text(making->plan.name));
	(void)json_object_set_new(json, "file", json_of_text(making->file));
	(void)json_object_set_new(json, "anchor",
				  json_of_text(making->plan.anchor));
	(void)json_object_set_new(json, "types", types_json(&making->plan));
	(void)json_object_set_new(json, "yaml", json_of_text(yaml));
	(void)json_object_set_new(json, "written", json_boolean(written));
	output_json(&making->cli->output, json);
}

/* A file that was just written is right, or whoever has it knows why not. */
static enum run_exit check_result(const struct making *making)
{
	const struct config_options options = { connectors, NULL, 0 };
	struct cli *cli = making->cli;
	struct error err = ERROR_INIT;
	enum run_exit exit = RUN_OK;
	struct config *config;

	if (config_load(cli->folder, &options, &config, &err) < 0)
		return cli_fail_as(cli, RUN_USAGE, &err);
	if (config->error_count) {
		session_print_problems(cli, config, stderr);
		exit = RUN_USAGE;
	}
	config_free(config);
	return exit;
}

static enum run_exit tell_written(const struct making *making, const char *yaml)
{
	struct cli *cli = making->cli;
	enum run_exit exit;

	if (cli->output.json)
		tell_json(making, yaml, true);
	else if (!cli->output.quiet)
		(void)printf("written: %s, and '%s' in conjoin.yaml%s\n",
			     making->file, making->plan.name,
			     making->answers.password.len
				     ? "; the password is kept encrypted"
				     : "");
	exit = check_result(making);
	if (exit != RUN_OK)
		return exit;
	cli_hint(cli, "read the file, then see whether all is right", "check");
	cli_hint(cli, "read the system, without any effect on others",
		 "run %s full-import", making->plan.name);
	cli_hint(cli, "see what would come of it", "preview %s NAME",
		 making->plan.name);
	return RUN_OK;
}

/* --- tables ------------------------------------------------------------ */

/* The schema's is not to be written to; its texts are shared. */
static struct node *copy_node(const struct node *node, struct arena *arena)
{
	struct node *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *node;
	return copy;
}

/* What --type names, each of which the system said how to read; NULL: it is
 * for `settle` to choose. */
static struct node *wanted_tables(struct making *making)
{
	struct arena *arena = &making->cli->arena;
	const struct args_option *option;
	struct node *types = arena_zalloc(arena, sizeof(*types));

	types->kind = NODE_MAP;
	types->keys = arena_array(arena, TYPES_MAX, sizeof(*types->keys));
	types->items = arena_array(arena, TYPES_MAX, sizeof(*types->items));
	vec_foreach(&making->cli->args.options, option) {
		struct sv all = sv_from(option->value);
		size_t at = 0;

		if (strcmp(option->def->name, "type") != 0)
			continue;
		while (at <= all.len) {
			size_t end = sv_find(all, ',', at);
			struct sv one = sv_sub(all, at, end);
			const struct schema_type *type;
			struct node *key;

			one = sv_trim(sv_sub(one, 0, sv_find(one, '=', 0)));
			at = end + 1;
			if (!one.len)
				continue;
			type = schema_type_find(&making->plan.schema, one);
			if (!type || !type->connect || types->len == TYPES_MAX)
				return NULL;
			key = arena_zalloc(arena, sizeof(*key));
			key->text = sv_from(type->name);
			types->keys[types->len] = key;
			types->items[types->len++] =
				copy_node(type->connect, arena);
		}
	}
	return types->len ? types : NULL;
}

/* Settings for the tables that --type names, and what they hold then. */
static int take_tables(struct making *making, struct error *err)
{
	struct node *types = wanted_tables(making);
	const struct node *only;
	size_t i;

	if (!types)
		return 0;
	if (types->len > 1)
		agent_answers_put(&making->answers, "types", types);
	only = types->items[0];
	for (i = 0; types->len == 1 && i < only->len; i++) {
		const char *name =
			arena_cstr(&making->cli->arena, only->keys[i]->text);

		if (!node_get(making->answers.connect, name))
			agent_answers_put(&making->answers, name,
					  only->items[i]);
	}
	return read_schema(making, err);
}

/* --- the command ------------------------------------------------------- */

static int learn(struct making *making, struct error *err)
{
	struct agent_plan *plan = &making->plan;
	size_t i;

	if (agent_answers_begin(&making->answers, err) < 0 ||
	    connect_system(making, err) < 0 || take_tables(making, err) < 0 ||
	    settle_all(making, err) < 0 || look(making, err) < 0 ||
	    settle_anchor(making, err) < 0)
		return -1;
	plan->connect = making->answers.connect;
	for (i = 0; i < plan->type_count; i++)
		if (agent_propose(plan, &plan->types[i], err) < 0)
			return -1;
	return 0;
}

static bool is_agreed(struct making *making, struct error *err)
{
	const char *answer;
	bool yes;

	if (!making->answers.ask)
		return true;
	do {
		if (agent_ask(making->cli, "write this? (yes|no)", "yes",
			      &answer, err) < 0)
			return false;
	} while (!setting_parse_switch(sv_from(answer), &yes));
	if (!yes)
		(void)puts("nothing was written");
	return yes;
}

static enum run_exit finish(struct making *making)
{
	struct cli *cli = making->cli;
	const char *yaml = agent_yaml(&making->plan);
	struct error err = ERROR_INIT;

	if (args_has(&cli->args, "dry-run")) {
		if (cli->output.json)
			tell_json(making, yaml, false);
		else
			(void)fputs(yaml, stdout);
		return RUN_OK;
	}
	if (talks(making))
		show_plan(making, yaml);
	if (!is_agreed(making, &err))
		return err.code == ERR_NONE ? RUN_OK : cli_fail(cli, &err);
	if (write_all(making, yaml, &err) < 0)
		return cli_fail(cli, &err);
	return tell_written(making, yaml);
}

/* What went wrong with the system is not wrong use. */
static enum run_exit fail(struct making *making, const struct error *err)
{
	bool reached = making->plan.schema.source != NULL;

	if (!reached && making->answers.connect &&
	    (err->code == ERR_NOTFOUND || err->code == ERR_CONFLICT))
		return cli_fail_as(making->cli, RUN_FAILED, err);
	return cli_fail(making->cli, err);
}

static enum run_exit make(struct making *making)
{
	struct error err = ERROR_INIT;
	enum run_exit exit;

	making->answers.secrets = &making->session.secrets;
	if (!making->plan.ops->schema) {
		(void)error_set(&err, ERR_UNSUPPORTED,
				"a '%s' system does not tell what it can hold; "
				"write agents/%s.yaml by hand, as in "
				"docs/reference/configuration.md",
				making->plan.ops->name, making->plan.name);
		return cli_fail(making->cli, &err);
	}
	exit = load(making);
	if (exit == RUN_OK)
		exit = learn(making, &err) < 0 ? fail(making, &err)
					       : finish(making);
	agent_answers_release(&making->answers);
	session_close(&making->session);
	return exit;
}

enum run_exit agent_new(struct cli *cli)
{
	struct making *making = arena_zalloc(&cli->arena, sizeof(*making));
	const struct connector_ops *ops;
	bool alone = args_has(&cli->args, "yes") ||
		     args_has(&cli->args, "dry-run");

	if (!cli_word(cli, 1))
		return cli_misuse(cli, "a new agent of which connector?");
	ops = find_connector(cli);
	if (!ops)
		return RUN_USAGE;
	making->cli = cli;
	making->answers.cli = cli;
	making->answers.ops = ops;
	making->answers.name = cli_word(cli, 2) ? cli_word(cli, 2) : ops->name;
	making->answers.ask = isatty(STDIN_FILENO) && !cli->output.json &&
			      !args_has(&cli->args, "yes");
	making->plan.cli = cli;
	making->plan.ops = ops;
	making->plan.name = making->answers.name;
	if (!making->answers.ask && !alone)
		return cli_misuse(cli, "there is nobody to ask: take what is "
				       "proposed with --yes, or see it with "
				       "--dry-run");
	return make(making);
}
