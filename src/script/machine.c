/*
 * machine.c - one Lua state: its memory, its limits, its errors
 *
 * The count hook looks at steps and clock every TICK instructions. Once a limit
 * is passed it fires at every instruction, so a pcall in the rule cannot keep
 * it alive. Memory is refused by the allocator; what is taken in large pieces
 * makes the clock be looked at too, since much can be copied in one
 * instruction.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "script/script_private.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define LARGE       ((size_t)64 << 10)
#define TURNOVER    ((size_t)16 << 20)
#define TRACE_LINES 4
#define LOADING     "the file"

static void on_count(lua_State *lua, lua_Debug *about);

/* ---- memory ---- */

static void look_at_clock(struct machine *m)
{
	m->turnover = 0;
	if (!m->deadline) {
		m->deadline =
			clock_monotonic_ms() + m->script->limits.milliseconds;
		return;
	}
	if (m->stop == STOP_NONE && clock_monotonic_ms() >= m->deadline) {
		m->stop = STOP_TIME;
		lua_sethook(m->lua, on_count, LUA_MASKCOUNT, 1);
	}
}

static void *allocate(void *data, void *old, size_t old_size, size_t size)
{
	struct machine *m = data;

	if (!old)
		old_size = 0;
	if (!size) {
		mem_free(old);
		m->memory -= old_size;
		return NULL;
	}
	if (size > old_size && !m->unlimited &&
	    m->memory + (size - old_size) > m->script->limits.memory)
		return NULL;
	m->memory = m->memory - old_size + size;
	if (size > LARGE && m->lua) {
		m->turnover += size;
		if (m->turnover > TURNOVER)
			look_at_clock(m);
	}
	return mem_realloc(old, size);
}

/* ---- limits ---- */

static int stop_here(lua_State *lua, const struct machine *m)
{
	lua_Debug about;
	int level = 0;

	/* in a library's function: where that is called */
	while (lua_getstack(lua, level, &about) &&
	       lua_getinfo(lua, "l", &about) && about.currentline <= 0)
		level++;
	luaL_where(lua, level);
	if (m->stop == STOP_TIME)
		lua_pushfstring(lua, "it ran longer than %d ms",
				(int)m->script->limits.milliseconds);
	else
		lua_pushfstring(lua, "it took more than %I steps",
				(LUAI_UACINT)m->script->limits.steps);
	lua_concat(lua, 2);
	return lua_error(lua);
}

static void on_count(lua_State *lua, lua_Debug *about)
{
	struct machine *m = machine_of(lua);

	(void)about;
	if (m->stop == STOP_NONE) {
		m->left -= m->left < TICK ? m->left : TICK;
		look_at_clock(m);
		if (!m->left && m->stop == STOP_NONE) {
			m->stop = STOP_STEPS;
			lua_sethook(lua, on_count, LUA_MASKCOUNT, 1);
		}
	}
	if (m->stop != STOP_NONE)
		(void)stop_here(lua, m);
}

void machine_charge(lua_State *lua, uint64_t steps)
{
	struct machine *m = machine_of(lua);

	if (steps > m->left && m->stop == STOP_NONE) {
		m->stop = STOP_STEPS;
		lua_sethook(lua, on_count, LUA_MASKCOUNT, 1);
	}
	if (m->stop != STOP_NONE)
		(void)stop_here(lua, m);
	m->left -= steps;
}

void machine_begin(struct machine *m, const struct expr_env *env,
		   struct arena *arena)
{
	m->serial++;
	m->env = env;
	m->arena = arena;
	m->left = m->script->limits.steps;
	m->deadline = 0;
	m->turnover = 0;
	if (m->stop != STOP_NONE)
		lua_sethook(m->lua, on_count, LUA_MASKCOUNT, TICK);
	m->stop = STOP_NONE;
}

/* ---- errors ---- */

/* Adds where it was called from; the message has the line it happened in. */
static void add_trace(lua_State *lua)
{
	lua_Debug about;
	const char *between = " (called at ";
	int lines = 0;
	int skipped = 0;
	int level;

	for (level = 1; lines < TRACE_LINES && lua_getstack(lua, level, &about);
	     level++) {
		(void)lua_getinfo(lua, "Sl", &about);
		if (about.currentline <= 0 || !skipped++)
			continue;
		lua_pushfstring(lua, "%s%s:%d", between, about.short_src,
				about.currentline);
		lua_concat(lua, 2);
		between = ", ";
		lines++;
	}
	if (lines) {
		lua_pushliteral(lua, ")");
		lua_concat(lua, 2);
	}
}

static int on_error(lua_State *lua)
{
	if (luaL_testudata(lua, 1, ERROR_NAME))
		return 1;
	if (lua_type(lua, 1) != LUA_TSTRING)
		lua_pushfstring(lua, "it raised a %s, not a text",
				luaL_typename(lua, 1));
	else
		lua_pushvalue(lua, 1);
	add_trace(lua);
	return 1;
}

/* Lua's own words of a failed call; pops them. */
static int tell(struct machine *m, int status, const char *what,
		struct error *err)
{
	lua_State *lua = m->lua;
	bool stopped = m->stop != STOP_NONE;
	const char *text = NULL;
	int ret;

	if (luaL_testudata(lua, -1, ERROR_NAME)) {
		(void)lua_getiuservalue(lua, -1, 1);
		ret = error_set(err, ERR_INVALID, "%s", lua_tostring(lua, -1));
		lua_settop(lua, 0);
		return ret;
	}
	if (lua_type(lua, -1) == LUA_TSTRING)
		text = lua_tostring(lua, -1);
	if (status == LUA_ERRMEM)
		ret = error_set(err, ERR_LIMIT,
				"extension-dll-exception: %s: it needs more "
				"than %zu MB of memory",
				what, m->script->limits.memory >> 20);
	else
		ret = error_set(err, stopped ? ERR_LIMIT : ERR_INVALID,
				"%s: %s: %s",
				stopped ? "extension-dll-timeout"
					: "extension-dll-exception",
				what, text ? text : "it failed");
	lua_settop(lua, 0);
	return ret;
}

static int report(struct machine *m, int status, const char *what,
		  struct error *err)
{
	m->unlimited = true;
	(void)tell(m, status, what, err);
	m->unlimited = false;
	return -1;
}

int machine_call(struct machine *m, int args, int results, const char *what,
		 struct error *err)
{
	int base = lua_gettop(m->lua) - args;
	int status;

	lua_pushcfunction(m->lua, on_error);
	lua_insert(m->lua, base);
	status = lua_pcall(m->lua, args, results, base);
	if (status != LUA_OK)
		return report(m, status, what, err);
	lua_remove(m->lua, base);
	return 0;
}

/* ---- the state ---- */

struct machine *machine_new(struct script *script, struct error *err)
{
	struct machine *m = mem_zalloc(sizeof(*m));
	lua_State *lua;

	m->script = script;
	lua = lua_newstate(allocate, m);
	if (!lua) {
		mem_free(m);
		(void)error_set(err, ERR_LIMIT,
				"Lua cannot begin with %zu bytes of memory",
				script->limits.memory);
		return NULL;
	}
	*(struct machine **)lua_getextraspace(lua) = m;
	m->lua = lua;
	machine_begin(m, NULL, NULL);
	lua_sethook(lua, on_count, LUA_MASKCOUNT, TICK);
	m->loading = true;
	lua_pushcfunction(lua, sandbox_open);
	if (machine_call(m, 0, 0, "rules", err) < 0) {
		machine_free(m);
		return NULL;
	}
	m->loading = false;
	return m;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	lua_close(m->lua);
	mem_free(m->refs);
	mem_free(m);
}

/* ---- loading ---- */

/* The line in "rules/names.lua:12: text", and the text behind it. */
static const char *split_line(const char *name, const char *text, int *line_out)
{
	size_t len = strlen(name);
	char *end;
	long line;

	if (strncmp(text, name, len) != 0 || text[len] != ':')
		return text;
	line = strtol(text + len + 1, &end, 10);
	if (*end != ':' || line <= 0 || line > INT32_MAX)
		return text;
	*line_out = (int)line;
	return end[1] == ' ' ? end + 2 : end + 1;
}

struct load {
	const struct source *source;
	const char *chunk;
};

static int load_and_run(lua_State *lua)
{
	const struct load *load = lua_touserdata(lua, 1);
	struct sv text = load->source->text;

	if (luaL_loadbufferx(lua, text.ptr ? text.ptr : "", text.len,
			     load->chunk, "t") != LUA_OK)
		return lua_error(lua);
	sandbox_push(lua);
	if (!lua_setupvalue(lua, -2, 1))
		lua_pop(lua, 1);
	lua_call(lua, 0, 0);
	return 0;
}

int machine_load(struct machine *m, const struct source *source, int *line_out,
		 struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct load load = { source,
			     arena_printf(&arena, "@%s", source->name) };
	struct error why = ERROR_INIT;
	const char *text = why.msg;
	int ret;

	machine_begin(m, NULL, &arena);
	m->loading = true;
	lua_pushcfunction(m->lua, load_and_run);
	lua_pushlightuserdata(m->lua, &load);
	ret = machine_call(m, 1, 0, LOADING, &why);
	m->loading = false;
	m->arena = NULL;
	if (ret < 0) {
		if (strstr(text, ": " LOADING ": "))
			text = strstr(text, ": " LOADING ": ") +
			       sizeof(": " LOADING ": ") - 1;
		text = split_line(source->name, text, line_out);
		(void)error_set(err, ERR_INVALID, "%s", text);
	}
	arena_release(&arena);
	return ret;
}
