/*
 * folder.c - load a configuration folder: the passes, in order
 *
 * config_load() reads every file first, so that one bad file does not hide
 * what is wrong in the others; then the passes of config_private.h run over
 * all of it. See there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

#include "base/file.h"

#include <dirent.h>
#include <stdlib.h>

#define MAX_FILE ((size_t)16 << 20)

/* --- reading files ----------------------------------------------------- */

static const struct node *read_file(struct loader *loader, const char *name)
{
	struct strbuf text = STRBUF_INIT(MAX_FILE);
	struct error err = ERROR_INIT;
	struct file_draft file = { name, NULL };
	char *path = arena_printf(loader->arena, "%s/%s",
				  loader->config->folder, name);

	if (file_read(path, &text, &err) < 0)
		problem_at(loader, name, 1, 1, false, err.msg);
	else
		file.root = yaml_parse(loader, name, strbuf_sv(&text));
	strbuf_release(&text);
	if (file.root && file.root->kind != NODE_MAP) {
		problem_report(loader, file.root,
			       "a map of keys and values must stand here");
		file.root = NULL;
	}
	if (file.root)
		vec_push(&loader->files, file);
	return file.root;
}

static bool has_file(struct loader *loader, const char *name)
{
	return file_exists(arena_printf(loader->arena, "%s/%s",
					loader->config->folder, name));
}

static void read_overlay(struct loader *loader)
{
	static const char *const keys[] = { "parameters", "store", "connect",
					    NULL };
	const struct node *node = read_find(loader->root, "environment");
	struct sv name = read_text(loader, node, "'environment'");
	const char *file;

	if (name.len == 0)
		return;
	if (!read_is_name(name)) {
		problem_report(
			loader, node,
			"'environment' must be a name of letters, digits, '-' "
			"and '_'");
		return;
	}
	loader->config->environment = arena_cstr(loader->arena, name);
	file = arena_printf(loader->arena, "conjoin.%s.yaml",
			    loader->config->environment);
	if (!has_file(loader, file)) {
		problem_report(loader, node,
			       "environment '" SV_FMT
			       "': the file %s is missing",
			       SV_ARG(name), file);
		return;
	}
	loader->overlay = read_file(loader, file);
	read_keys(loader, loader->overlay, keys);
}

static bool agent_name_ok(struct loader *loader, const struct node *node)
{
	size_t i;

	if (node->kind != NODE_SCALAR || !read_is_name(node->text)) {
		problem_report(
			loader, node,
			"the name of an agent has letters, digits, '-' and "
			"'_' only");
		return false;
	}
	for (i = 0; i < loader->config->agent_count; i++) {
		if (!sv_ieq_str(node->text, loader->config->agents[i].name))
			continue;
		problem_report(loader, node,
			       "agent '" SV_FMT "' is named twice",
			       SV_ARG(node->text));
		return false;
	}
	return true;
}

static void read_agent(struct loader *loader, const struct node *node)
{
	struct config *config = loader->config;
	struct config_agent *agent = &config->agents[config->agent_count];
	struct agent_draft *draft = &loader->agents[config->agent_count];

	agent->name = arena_cstr(loader->arena, node->text);
	agent->index = config->agent_count++;
	agent->file =
		arena_printf(loader->arena, "agents/%s.yaml", agent->name);
	draft->agent = agent;
	if (has_file(loader, agent->file))
		draft->root = read_file(loader, agent->file);
	else
		problem_report(
			loader, node,
			"agent '%s' has no file: write %s or take the name out",
			agent->name, agent->file);
}

static void read_agents(struct loader *loader)
{
	const struct node *list = read_find(loader->root, "agents");
	size_t count = read_len(list);
	size_t i;

	if (!list)
		problem_at(loader, "conjoin.yaml", 1, 1, false,
			   "'agents' is missing: the agents' names, best "
			   "contributor first, as in agents: [hr, ad]");
	loader->config->agents = arena_array(loader->arena, count,
					     sizeof(*loader->config->agents));
	loader->agents =
		arena_array(loader->arena, count, sizeof(*loader->agents));
	for (i = 0; i < count; i++)
		if (agent_name_ok(loader, read_item(list, i)))
			read_agent(loader, read_item(list, i));
}

static bool is_listed(const struct loader *loader, const char *file)
{
	size_t i;

	for (i = 0; i < loader->config->agent_count; i++)
		if (strcmp(loader->config->agents[i].file, file) == 0)
			return true;
	return false;
}

/* A file in agents/ that nobody names is forgotten more often than meant. */
static void warn_unlisted(struct loader *loader)
{
	DIR *dir = opendir(arena_printf(loader->arena, "%s/agents",
					loader->config->folder));
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct sv name = sv_from(entry->d_name);
		const char *file;

		if (name.len == 0 || name.ptr[0] == '.' ||
		    !sv_ends(name, SV_LIT(".yaml")))
			continue;
		file = arena_printf(loader->arena, "agents/%s", entry->d_name);
		if (is_listed(loader, file))
			continue;
		problem_at(loader, file, 1, 1, true,
			   "this file is not used: 'agents' in conjoin.yaml "
			   "does not name it");
	}
	if (dir)
		(void)closedir(dir);
}

/* --- the hash of what the files say ------------------------------------ */

static void add_node(struct strbuf *out, const struct node *node)
{
	size_t i;

	switch (node->kind) {
	case NODE_SCALAR:
		strbuf_addf(out, "S%zu:", node->text.len);
		strbuf_addsv(out, node->text);
		return;
	case NODE_LIST:
		strbuf_addf(out, "L%zu:", node->len);
		break;
	case NODE_MAP:
		strbuf_addf(out, "M%zu:", node->len);
		break;
	}
	for (i = 0; i < node->len; i++) {
		if (node->kind == NODE_MAP)
			add_node(out, node->keys[i]);
		add_node(out, node->items[i]);
	}
}

static void compute_hash(struct loader *loader)
{
	static const struct hash_key no_key;
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	const struct file_draft *file;
	const struct param *param;

	vec_foreach(&loader->files, file) {
		strbuf_addf(&text, "F%s:", file->name);
		add_node(&text, file->root);
	}
	vec_foreach(&loader->params, param) {
		if (!param->overridden)
			continue;
		strbuf_addf(&text, "P" SV_FMT "=" SV_FMT ":",
			    SV_ARG(param->name),
			    SV_ARG(param->values.at[0].text));
	}
	tables_hash(loader->snapshot->tables, &text);
	strbuf_addsv(&text, strbuf_sv(&loader->scripts));
	loader->config->script_hash =
		hash64(&no_key, strbuf_sv(&loader->scripts));
	loader->config->hash = hash128(&no_key, strbuf_sv(&text));
	strbuf_reset(&text);
	tables_hash(loader->snapshot->tables, &text);
	loader->config->tables_hash = hash128(&no_key, strbuf_sv(&text));
	strbuf_release(&text);
}

/* --- the passes -------------------------------------------------------- */

static void read_all(struct loader *loader)
{
	loader->root = read_file(loader, "conjoin.yaml");
	if (!loader->root)
		return;
	read_overlay(loader);
	read_agents(loader);
	warn_unlisted(loader);
	tables_read(loader);
	scripts_read(loader);
}

static void declare_all(struct loader *loader)
{
	size_t count = loader->config->agent_count;
	size_t i;

	general_read(loader);
	params_read(loader);
	metaverse_declare(loader);
	for (i = 0; i < count; i++)
		agent_declare(loader, &loader->agents[i]);
	cycle_read(loader);
	for (i = 0; i < count; i++)
		attrs_infer(loader, &loader->agents[i]);
}

static void compile_all(struct loader *loader)
{
	size_t count = loader->config->agent_count;
	size_t i;

	metaverse_rules(loader);
	for (i = 0; i < count; i++)
		agent_rules(loader, &loader->agents[i]);
	merges_check(loader);
	for (i = 0; i < count; i++) {
		attrs_finish(loader, &loader->agents[i]);
		agent_check(loader, &loader->agents[i]);
	}
	hooks_finish(loader);
}

static const char **names_to_arena(struct arena *arena, const char *const *at,
				   size_t len)
{
	const char **out = arena_array(arena, len, sizeof(*out));

	memcpy(out, at, len * sizeof(*out));
	return out;
}

/* For config_review(). */
static void keep_nodes(struct loader *loader)
{
	struct snapshot *snapshot = loader->snapshot;
	size_t count = loader->config->agent_count;
	size_t i;

	snapshot->root = loader->root;
	snapshot->agent_roots = arena_array(loader->arena, count,
					    sizeof(*snapshot->agent_roots));
	for (i = 0; i < count; i++)
		snapshot->agent_roots[i] = loader->agents[i].root;
}

static void finish(struct loader *loader)
{
	struct config *config = loader->config;

	config->attr_names = names_to_arena(
		loader->arena, loader->attr_names.at, loader->attr_names.len);
	config->attr_count = loader->attr_names.len - 1;
	config->rule_texts = names_to_arena(
		loader->arena, loader->rule_texts.at, loader->rule_texts.len);
	config->rule_count = loader->rule_texts.len - 1;
	config->tables = loader->snapshot->tables;
	keep_nodes(loader);
	compute_hash(loader);
	problems_finish(loader);
}

static void release_drafts(struct loader *loader)
{
	size_t i;
	struct type_draft *type;

	for (i = 0; i < loader->config->agent_count; i++) {
		vec_foreach(&loader->agents[i].types, type) {
			vec_release(&type->attrs);
			namemap_free(type->index);
		}
		vec_release(&loader->agents[i].types);
	}
	vec_release(&loader->files);
	vec_release(&loader->problems);
	vec_release(&loader->attr_names);
	vec_release(&loader->rule_texts);
	vec_release(&loader->params);
	vec_release(&loader->import_notes);
	vec_release(&loader->fields);
	strbuf_release(&loader->scripts);
}

static void load(struct snapshot *snapshot,
		 const struct config_options *options)
{
	struct loader loader = { .snapshot = snapshot,
				 .config = &snapshot->config,
				 .arena = &snapshot->arena,
				 .options = options,
				 .scripts = STRBUF_INIT(STRBUF_NO_LIMIT) };

	vec_push(&loader.attr_names, NULL);
	vec_push(&loader.rule_texts, NULL);
	(void)attr_intern(&loader, SV_LIT("dn"));
	read_all(&loader);
	if (loader.root) {
		declare_all(&loader);
		compile_all(&loader);
	}
	finish(&loader);
	release_drafts(&loader);
}

int config_load(const char *folder, const struct config_options *options,
		struct config **out, struct error *err)
{
	struct snapshot *snapshot;
	char *path = realpath(folder, NULL);
	char *file;
	bool there;

	*out = NULL;
	if (!path)
		return error_set(err, ERR_NOTFOUND,
				 "there is no folder '%s'; name one with "
				 "--folder, or begin with 'conjoin init'",
				 folder);
	snapshot = mem_zalloc(sizeof(*snapshot));
	snapshot->config.folder = arena_cstr(&snapshot->arena, sv_from(path));
	mem_free(path);
	file = arena_printf(&snapshot->arena, "%s/conjoin.yaml",
			    snapshot->config.folder);
	there = file_exists(file);
	if (!there) {
		config_free(&snapshot->config);
		return error_set(err, ERR_NOTFOUND,
				 "there is no conjoin.yaml in the folder '%s'; "
				 "name another with --folder, or begin with "
				 "'conjoin init'",
				 folder);
	}
	snapshot->attr_ids = namemap_new(true);
	load(snapshot, options);
	*out = &snapshot->config;
	return 0;
}

void config_free(struct config *config)
{
	struct snapshot *snapshot = (struct snapshot *)config;

	if (!snapshot)
		return;
	namemap_free(snapshot->attr_ids);
	tables_free(snapshot->tables);
	script_free(snapshot->script);
	arena_release(&snapshot->arena);
	mem_free(snapshot);
}
