/*
 * script.c - rules/NAME.lua, and the places where { lua: f } stands
 *
 * The files are loaded before any rule is compiled, so that rules can name
 * their functions. What a function may read of an object is known only when
 * all rules are: the lists of attributes are filled at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

#include "base/file.h"

#include <dirent.h>
#include <stdlib.h>

#define MAX_FILE ((size_t)4 << 20)

/* --- limits ------------------------------------------------------------ */

/* "NUMBER UNIT" with one of two units: 1 read, 0 not. */
static int read_amount(struct sv text, const char *small, const char *large,
		       int64_t factor, int64_t *out)
{
	struct sv number;
	struct sv unit;
	size_t digits = 0;

	text = sv_trim(text);
	while (digits < text.len && text.ptr[digits] >= '0' &&
	       text.ptr[digits] <= '9')
		digits++;
	number = sv_sub(text, 0, digits);
	unit = sv_trim(sv_sub(text, digits, text.len));
	if (!sv_to_i64(number, out) || *out <= 0 || *out > 1000000000)
		return 0;
	if (sv_ieq_str(unit, large))
		*out *= factor;
	else if (!sv_ieq_str(unit, small))
		return 0;
	return 1;
}

static void read_time(struct loader *loader, const struct node *node,
		      struct script_limits *limits)
{
	int64_t value;

	if (!node)
		return;
	if (node->kind == NODE_SCALAR &&
	    read_amount(node->text, "ms", "s", 1000, &value))
		limits->milliseconds = value;
	else
		problem_report(loader, node,
			       "'time' is a number of s or ms, as in 1 s");
}

static void read_memory(struct loader *loader, const struct node *node,
			struct script_limits *limits)
{
	int64_t value;

	if (!node)
		return;
	if (node->kind == NODE_SCALAR &&
	    read_amount(node->text, "MB", "GB", 1024, &value) && value <= 65536)
		limits->memory = (size_t)value << 20;
	else
		problem_report(loader, node,
			       "'memory' is a number of MB or GB, as in 64 MB");
}

static void read_steps(struct loader *loader, const struct node *node,
		       struct script_limits *limits)
{
	int64_t value;

	if (!node)
		return;
	if (node->kind == NODE_SCALAR && sv_to_i64(node->text, &value) &&
	    value > 0)
		limits->steps = (uint64_t)value;
	else
		problem_report(loader, node,
			       "'steps' is a number, as in 10000000");
}

static void read_limits(struct loader *loader)
{
	static const char *const keys[] = { "time", "memory", "steps", NULL };
	struct script_limits limits = { SCRIPT_MILLISECONDS, SCRIPT_STEPS,
					SCRIPT_MEMORY };
	const struct node *map =
		read_map(loader, read_find(loader->root, "lua"), "'lua'");

	read_keys(loader, map, keys);
	read_time(loader, read_find(map, "time"), &limits);
	read_memory(loader, read_find(map, "memory"), &limits);
	read_steps(loader, read_find(map, "steps"), &limits);
	script_limit(loader->snapshot->script, &limits);
}

/* --- the files --------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const char *const *x = a;
	const char *const *y = b;

	return strcmp(*x, *y);
}

static void read_script(struct loader *loader, const char *file)
{
	struct strbuf text = STRBUF_INIT(MAX_FILE);
	struct error err = ERROR_INIT;
	char *path = arena_printf(loader->arena, "%s/%s",
				  loader->config->folder, file);
	int line = 0;

	if (file_read(path, &text, &err) < 0 ||
	    script_load(loader->snapshot->script, file, strbuf_sv(&text), &line,
			&err) < 0)
		problem_at(loader, file, line ? line : 1, 1, false, err.msg);
	strbuf_addf(&loader->scripts, "R%s:%zu:", file, strbuf_sv(&text).len);
	strbuf_addsv(&loader->scripts, strbuf_sv(&text));
	strbuf_release(&text);
}

/* "rules/names.lua:12" */
static int line_of(const char *where, size_t *name_len)
{
	const char *colon = strrchr(where, ':');

	*name_len = (size_t)(colon - where);
	return (int)strtol(colon + 1, NULL, 10);
}

static void check_names(struct loader *loader)
{
	const struct script *script = loader->snapshot->script;
	size_t i;

	for (i = 0; i < script_count(script); i++) {
		const struct expr_extern *fn = script_function(script, i);
		size_t len;
		int line = line_of(fn->where, &len);

		if (expr_is_reserved(sv_from(fn->name)))
			problem_at(
				loader,
				arena_cstr(loader->arena,
					   sv_make(fn->where, len)),
				line, 1, false,
				arena_printf(loader->arena,
					     "'%s' is a function of the "
					     "expression language: give this "
					     "one another name, or write "
					     "'local' before it",
					     fn->name));
	}
}

struct names {
	const char **at;
	size_t len;
	size_t size;
};

static void find_scripts(struct loader *loader, DIR *dir, struct names *out)
{
	const struct dirent *entry;

	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (name[0] == '.' || !sv_ends(sv_from(name), SV_LIT(".lua")))
			continue;
		name = arena_printf(loader->arena, "rules/%s", name);
		vec_push(out, name);
	}
	if (out->len)
		qsort(out->at, out->len, sizeof(*out->at), by_name);
}

void scripts_read(struct loader *loader)
{
	struct names names = VEC_INIT;
	const char **name;
	DIR *dir = opendir(arena_printf(loader->arena, "%s/rules",
					loader->config->folder));

	if (!dir && !read_find(loader->root, "lua"))
		return;
	loader->snapshot->script = script_new();
	read_limits(loader);
	if (dir) {
		find_scripts(loader, dir, &names);
		(void)closedir(dir);
	}
	vec_foreach(&names, name)
		read_script(loader, *name);
	vec_release(&names);
	check_names(loader);
}

/* --- { lua: f, reads: [...] } ------------------------------------------ */

bool hook_here(const struct node *node)
{
	return node && node->kind == NODE_MAP && node_get(node, "lua");
}

const struct expr_extern *hook_function(struct loader *loader,
					const struct node *map)
{
	const struct node *node = node_get(map, "lua");
	struct sv name = read_text(loader, node, "'lua'");
	const struct script *script = loader->snapshot->script;
	const struct expr_extern *fn = script_find(script, name);
	const char *near;

	if (fn)
		return fn;
	if (read_absent(node))
		problem_report(loader, node ? node : map,
			       "'lua' names a function of rules/*.lua");
	if (!name.len)
		return NULL;
	near = script_nearest(script, name);
	problem_report(
		loader, node, "no file of rules/ has a function '" SV_FMT "'%s",
		SV_ARG(name), read_suggest(loader, name, &near, near ? 1 : 0));
	return NULL;
}

static struct expr_fields *
named_fields(struct scope *scope, enum expr_view view, const struct node *reads)
{
	struct loader *loader = scope->loader;
	struct expr_fields *fields =
		arena_zalloc(loader->arena, sizeof(*fields));
	size_t i;

	fields->named = true;
	fields->at = arena_array(loader->arena, read_len(reads),
				 sizeof(*fields->at));
	for (i = 0; i < read_len(reads); i++) {
		const struct node *node = read_item(reads, i);
		struct sv name = read_text(loader, node, "an item of 'reads'");
		struct expr_attr attr = { 0 };

		if (!name.len || !scope_attr(scope, node, view, name, &attr))
			continue;
		fields->at[fields->count++] = (struct expr_field){
			.name = attr.name ? attr.name
					  : arena_cstr(loader->arena, name),
			.id = attr.id,
			.multi = attr.multi,
			.text = attr.id == ATTR_DN,
		};
	}
	return fields;
}

/* All attributes of the view, filled by hooks_finish(). */
static struct expr_fields *all_fields(struct scope *scope, bool of_agent)
{
	struct fields_draft draft = {
		.fields = arena_zalloc(scope->loader->arena,
				       sizeof(struct expr_fields)),
		.agent = of_agent ? scope->agent : NULL,
		.type = scope->type,
		.mv_types = scope->mv_types,
		.mv_type_count = scope->mv_type_count,
	};

	vec_push(&scope->loader->fields, draft);
	return draft.fields;
}

const struct expr_fields *hook_fields(struct scope *scope, enum expr_view view,
				      const struct node *reads)
{
	bool of_agent = view == EXPR_VIEW_IMPORTED ||
			view == EXPR_VIEW_CURRENT ||
			(view == EXPR_VIEW_HERE && scope->inbound);

	return reads ? named_fields(scope, view, reads)
		     : all_fields(scope, of_agent);
}

const struct expr *hook_rule(struct scope *scope, const struct node *map)
{
	const struct expr_extern *fn = hook_function(scope->loader, map);
	const struct node *reads = read_find(map, "reads");
	struct expr_hook_arg args[3];
	size_t count = 0;

	if (!fn)
		return NULL;
	args[count].view = EXPR_VIEW_HERE;
	args[count++].fields = hook_fields(scope, EXPR_VIEW_HERE, reads);
	if (scope->agent && !scope->inbound) {
		args[count].view = EXPR_VIEW_CURRENT;
		args[count++].fields =
			hook_fields(scope, EXPR_VIEW_CURRENT, NULL);
	}
	if (scope->agent) {
		args[count].view = EXPR_VIEW_IMPORTED;
		args[count++].fields =
			hook_fields(scope, EXPR_VIEW_IMPORTED,
				    scope->inbound ? reads : NULL);
	}
	return expr_hook(fn, args, count, scope->loader->arena);
}

/* --- when all rules are read ------------------------------------------- */

static void add_field(struct loader *loader, struct expr_fields *fields,
		      struct expr_field field, size_t *size)
{
	struct expr_field *old = fields->at;
	size_t i;

	for (i = 0; i < fields->count; i++)
		if (fields->at[i].id == field.id)
			return;
	if (fields->count == *size) {
		*size = *size ? *size * 2 : 16;
		fields->at = arena_array(loader->arena, *size, sizeof(*old));
		if (fields->count)
			memcpy(fields->at, old, fields->count * sizeof(*old));
	}
	fields->at[fields->count++] = field;
}

static void fill_agent(struct loader *loader, const struct fields_draft *draft)
{
	const struct agent_draft *agent = draft->agent;
	size_t size = 0;
	size_t t;
	size_t i;

	if (draft_can(agent, CONNECTOR_CAP_DN))
		add_field(loader, draft->fields,
			  (struct expr_field){ "dn", ATTR_DN, false, true },
			  &size);
	for (t = 0; t < agent->types.len; t++) {
		const struct type_draft *type = &agent->types.at[t];

		if (draft->type != ALL_TYPES && draft->type != t)
			continue;
		for (i = 0; i < type->attrs.len; i++) {
			const struct attr_draft *attr = &type->attrs.at[i];
			struct expr_field field = {
				.name = attr->def.name,
				.id = attr->id,
				.multi = attr->def.multi && attr->declared,
			};

			add_field(loader, draft->fields, field, &size);
		}
	}
}

static void fill_mv(struct loader *loader, const struct fields_draft *draft)
{
	size_t size = 0;
	size_t t;
	size_t i;

	for (t = 0; t < draft->mv_type_count; t++) {
		const struct config_mv_type *type =
			&loader->config->mv_types[draft->mv_types[t]];

		for (i = 0; i < type->attr_count; i++) {
			const struct config_attr *attr = &type->attrs[i].attr;
			struct expr_field field = { .name = attr->def.name,
						    .id = attr->id,
						    .multi = attr->def.multi };

			add_field(loader, draft->fields, field, &size);
		}
	}
}

void hooks_finish(struct loader *loader)
{
	const struct fields_draft *draft;

	vec_foreach(&loader->fields, draft) {
		if (draft->agent)
			fill_agent(loader, draft);
		else
			fill_mv(loader, draft);
	}
}
