/*
 * script.c - the files, the functions they define, and calling them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "script/script_private.h"

#include <stdlib.h>

struct script *script_new(void)
{
	struct script *script = mem_zalloc(sizeof(*script));

	script->limits = (struct script_limits){ SCRIPT_MILLISECONDS,
						 SCRIPT_STEPS, SCRIPT_MEMORY };
	(void)pthread_mutex_init(&script->mutex, NULL);
	return script;
}

static void free_machines(struct script *script)
{
	while (script->free) {
		struct machine *m = script->free;

		script->free = m->next;
		machine_free(m);
	}
}

void script_free(struct script *script)
{
	if (!script)
		return;
	free_machines(script);
	(void)pthread_mutex_destroy(&script->mutex);
	vec_release(&script->sources);
	vec_release(&script->functions);
	arena_release(&script->arena);
	mem_free(script);
}

void script_limit(struct script *script, const struct script_limits *limits)
{
	script->limits = *limits;
}

/* ---- machines ---- */

static struct machine *take_free(struct script *script)
{
	struct machine *m;

	(void)pthread_mutex_lock(&script->mutex);
	m = script->free;
	if (m)
		script->free = m->next;
	(void)pthread_mutex_unlock(&script->mutex);
	return m;
}

static void give_back(struct script *script, struct machine *m)
{
	(void)pthread_mutex_lock(&script->mutex);
	m->next = script->free;
	script->free = m;
	(void)pthread_mutex_unlock(&script->mutex);
}

static int bind(lua_State *lua)
{
	struct machine *m = lua_touserdata(lua, 1);
	const struct script *script = m->script;
	size_t i;

	for (i = 0; i < script->functions.len; i++) {
		lua_rawgetp(lua, LUA_REGISTRYINDEX, &sandbox_key);
		(void)lua_getfield(lua, -1, script->functions.at[i]->is.name);
		m->refs[i] = luaL_ref(lua, LUA_REGISTRYINDEX);
		lua_pop(lua, 1);
	}
	return 0;
}

static int bind_functions(struct machine *m, struct error *err)
{
	size_t count = m->script->functions.len;

	mem_free(m->refs);
	m->refs = mem_zalloc((count + 1) * sizeof(*m->refs));
	m->ref_count = count;
	lua_pushcfunction(m->lua, bind);
	lua_pushlightuserdata(m->lua, m);
	return machine_call(m, 1, 0, "rules", err);
}

static int take_machine(struct script *script, struct machine **out,
			struct error *err)
{
	struct machine *m = take_free(script);
	const struct source *source;
	int line;

	*out = m;
	if (m && m->ref_count == script->functions.len)
		return 0;
	if (!m) {
		m = machine_new(script, err);
		if (!m)
			return -1;
		vec_foreach(&script->sources, source) {
			if (machine_load(m, source, &line, err) == 0)
				continue;
			machine_free(m);
			return -1;
		}
	}
	*out = m;
	if (bind_functions(m, err) == 0)
		return 0;
	machine_free(m);
	return -1;
}

/* ---- calls ---- */

struct call {
	const struct expr_arg *args;
	size_t count;
	struct expr_result *out;
	int ref;
};

/* In protected mode: all that may fail for want of memory. */
static int run(lua_State *lua)
{
	struct call *call = lua_touserdata(lua, 1);
	size_t i;

	luaL_checkstack(lua, (int)call->count + 8, NULL);
	(void)lua_rawgeti(lua, LUA_REGISTRYINDEX, call->ref);
	for (i = 0; i < call->count; i++)
		value_push_arg(lua, &call->args[i]);
	lua_call(lua, (int)call->count, 1);
	value_take(lua, call->out);
	return 0;
}

static int call_function(const struct expr_extern *fn,
			 const struct expr_env *env,
			 const struct expr_arg *args, size_t count,
			 struct arena *arena, struct expr_result *out,
			 struct error *err)
{
	const struct script_fn *own = (const struct script_fn *)fn;
	struct call call = { args, count, out, 0 };
	struct machine *m;
	int ret;

	if (take_machine(own->script, &m, err) < 0)
		return -1;
	call.ref = m->refs[own->index];
	machine_begin(m, env, arena);
	lua_pushcfunction(m->lua, run);
	lua_pushlightuserdata(m->lua, &call);
	ret = machine_call(m, 1, 0, fn->name, err);
	m->env = NULL;
	m->arena = NULL;
	give_back(own->script, m);
	return ret;
}

/* ---- what a file defines ---- */

static struct script_fn *known(const struct script *script, struct sv name)
{
	size_t i;

	for (i = 0; i < script->functions.len; i++)
		if (sv_eq_str(name, script->functions.at[i]->is.name))
			return script->functions.at[i];
	return NULL;
}

/* The function at the top of the stack, under its name. */
static int add_function(struct script *script, lua_State *lua, struct sv name,
			int *line_out, struct error *err)
{
	struct script_fn *fn = known(script, name);
	const char *where;
	lua_Debug about;

	lua_pushvalue(lua, -1);
	(void)lua_getinfo(lua, ">Su", &about);
	where = arena_printf(&script->arena, "%s:%d", about.short_src,
			     about.linedefined);
	if (fn && strcmp(fn->is.where, where) == 0)
		return 0;
	*line_out = about.linedefined;
	if (fn)
		return error_set(err, ERR_CONFLICT,
				 "the function '%s' is there already (%s); "
				 "give one of them another name",
				 fn->is.name, fn->is.where);
	fn = arena_zalloc(&script->arena, sizeof(*fn));
	fn->is.name = arena_cstr(&script->arena, name);
	fn->is.where = where;
	fn->is.params = about.nparams;
	fn->is.any_number = about.isvararg;
	fn->is.call = call_function;
	fn->script = script;
	vec_push(&script->functions, fn);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct script_fn *const *x = a;
	const struct script_fn *const *y = b;

	return strcmp((*x)->is.name, (*y)->is.name);
}

/* Everything global that is a Lua function. */
static int note_functions(struct script *script, lua_State *lua, int *line_out,
			  struct error *err)
{
	size_t i;
	int ret = 0;

	(void)lua_rawgetp(lua, LUA_REGISTRYINDEX, &sandbox_key);
	lua_pushnil(lua);
	while (ret == 0 && lua_next(lua, -2)) {
		size_t len;
		const char *name = lua_type(lua, -2) == LUA_TSTRING
					   ? lua_tolstring(lua, -2, &len)
					   : NULL;

		if (name && lua_isfunction(lua, -1) &&
		    !lua_iscfunction(lua, -1))
			ret = add_function(script, lua, sv_make(name, len),
					   line_out, err);
		lua_pop(lua, 1);
	}
	lua_settop(lua, 0);
	if (script->functions.len)
		qsort(script->functions.at, script->functions.len,
		      sizeof(struct script_fn *), by_name);
	for (i = 0; i < script->functions.len; i++)
		script->functions.at[i]->index = i;
	return ret;
}

int script_load(struct script *script, const char *name, struct sv text,
		int *line_out, struct error *err)
{
	struct source source;
	struct machine *m = take_free(script);
	int ret;

	*line_out = 0;
	if (!m)
		m = machine_new(script, err);
	if (!m)
		return -1;
	source.name = arena_cstr(&script->arena, sv_from(name));
	source.text = arena_dup(&script->arena, text);
	ret = machine_load(m, &source, line_out, err);
	if (ret == 0) {
		vec_push(&script->sources, source);
		ret = note_functions(script, m->lua, line_out, err);
	}
	give_back(script, m);
	return ret;
}

/* ---- asking ---- */

size_t script_count(const struct script *script)
{
	return script ? script->functions.len : 0;
}

const struct expr_extern *script_function(const struct script *script, size_t i)
{
	return &script->functions.at[i]->is;
}

const struct expr_extern *script_find(const struct script *script,
				      struct sv name)
{
	const struct script_fn *fn = script ? known(script, name) : NULL;

	return fn ? &fn->is : NULL;
}

const char *script_nearest(const struct script *script, struct sv name)
{
	size_t count = script_count(script);
	const char **names;
	const char *near;
	size_t i;

	if (!count)
		return NULL;
	names = mem_alloc(count * sizeof(*names));
	for (i = 0; i < count; i++)
		names[i] = script->functions.at[i]->is.name;
	near = sv_nearest(name, names, count);
	mem_free(names);
	return near;
}
