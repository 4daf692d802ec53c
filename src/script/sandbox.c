/*
 * sandbox.c - what the files of rules/ may use
 *
 * Everything global that they define lies in one table; what they see is an
 * empty table before it, which lets nothing be set once they are loaded. The
 * libraries are behind such tables too. Left out is what reaches outside (io,
 * os, require, load, debug), what depends on chance (random, the order of
 * next) and what runs when nobody counts (finalizers, coroutines).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "script/script_private.h"

#include "base/text.h"

#define LONGEST ((lua_Integer)1 << 26) /* of a list handled at once */

const char sandbox_key = 0;
static const char env_key = 0;

/* ---- basic functions ---- */

/* As text; what Lua would show by its address is shown by its type. */
static void push_shown(lua_State *lua, int arg)
{
	int type = lua_type(lua, arg);

	if (type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER ||
	    type == LUA_TSTRING ||
	    luaL_getmetafield(lua, arg, "__tostring") != LUA_TNIL)
		(void)luaL_tolstring(lua, arg, NULL);
	else
		lua_pushstring(lua, lua_typename(lua, type));
}

static int base_tostring(lua_State *lua)
{
	luaL_checkany(lua, 1);
	push_shown(lua, 1);
	return 1;
}

static int base_setmetatable(lua_State *lua)
{
	static const char *const refused[] = { "__gc", "__mode",
					       "__metatable" };
	size_t i;

	luaL_checktype(lua, 1, LUA_TTABLE);
	if (!lua_isnoneornil(lua, 2))
		luaL_checktype(lua, 2, LUA_TTABLE);
	lua_settop(lua, 2);
	if (luaL_getmetafield(lua, 1, "__metatable") != LUA_TNIL)
		return luaL_error(lua, "this table cannot be changed");
	for (i = 0; lua_istable(lua, 2) && i < 3; i++) {
		lua_pushstring(lua, refused[i]);
		if (lua_rawget(lua, 2) != LUA_TNIL)
			return luaL_error(lua, "'%s' is not for rules",
					  refused[i]);
		lua_pop(lua, 1);
	}
	(void)lua_setmetatable(lua, 1);
	return 1;
}

/* ---- pairs, in order of the keys ---- */

/* Numbers first, then texts. */
static int key_less(lua_State *lua)
{
	int a = lua_type(lua, 1);
	int b = lua_type(lua, 2);

	if (a != b)
		lua_pushboolean(lua, a == LUA_TNUMBER);
	else
		lua_pushboolean(lua, lua_compare(lua, 1, 2, LUA_OPLT));
	return 1;
}

/* Upvalues: what is gone through, its keys, the last one's number. */
static int next_pair(lua_State *lua)
{
	lua_Integer i = lua_tointeger(lua, lua_upvalueindex(3));

	for (;;) {
		lua_pushinteger(lua, ++i);
		lua_replace(lua, lua_upvalueindex(3));
		if (lua_rawgeti(lua, lua_upvalueindex(2), i) == LUA_TNIL)
			return 1;
		lua_pushvalue(lua, -1);
		if (lua_gettable(lua, lua_upvalueindex(1)) != LUA_TNIL)
			return 2;
		lua_pop(lua, 2);
	}
}

/* Upvalue: table.sort */
static int base_pairs(lua_State *lua)
{
	lua_Integer count = 0;

	luaL_checkany(lua, 1);
	lua_settop(lua, 1);
	if (luaL_getmetafield(lua, 1, "__pairs") != LUA_TNIL) {
		lua_pushvalue(lua, 1);
		lua_call(lua, 1, 3);
		return 3;
	}
	luaL_checktype(lua, 1, LUA_TTABLE);
	lua_newtable(lua);
	lua_pushnil(lua);
	while (lua_next(lua, 1)) {
		lua_pop(lua, 1);
		if (lua_type(lua, -1) != LUA_TSTRING &&
		    lua_type(lua, -1) != LUA_TNUMBER)
			return luaL_error(lua,
					  "pairs: a key is a %s; rules go "
					  "through numbers and texts only",
					  luaL_typename(lua, -1));
		lua_pushvalue(lua, -1);
		lua_rawseti(lua, 2, ++count);
	}
	machine_charge(lua, (uint64_t)count * 4);
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_pushvalue(lua, 2);
	lua_pushcfunction(lua, key_less);
	lua_call(lua, 2, 0);
	lua_pushvalue(lua, 1);
	lua_pushvalue(lua, 2);
	lua_pushinteger(lua, 0);
	lua_pushcclosure(lua, next_pair, 3);
	return 1;
}

/* ---- libraries whose functions work outside of the count ---- */

static int call_behind(lua_State *lua)
{
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_insert(lua, 1);
	lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
	return lua_gettop(lua);
}

/* Upvalue: a function of table whose work grows with its first argument. */
static int counted(lua_State *lua)
{
	lua_Integer len;

	luaL_checkany(lua, 1);
	len = luaL_len(lua, 1);
	if (len < 0 || len > LONGEST)
		return luaL_error(lua, "the list is too long");
	machine_charge(lua, (uint64_t)len * 2);
	return call_behind(lua);
}

/* Upvalue: table.move */
static int counted_move(lua_State *lua)
{
	lua_Integer from = luaL_checkinteger(lua, 2);
	lua_Integer to = luaL_checkinteger(lua, 3);

	if (to >= from) {
		if (from < -LONGEST || to > LONGEST)
			return luaL_error(lua, "the list is too long");
		machine_charge(lua, (uint64_t)(to - from) * 2);
	}
	return call_behind(lua);
}

static void wrap(lua_State *lua, const char *name, lua_CFunction with)
{
	(void)lua_getfield(lua, -1, name);
	lua_pushcclosure(lua, with, 1);
	lua_setfield(lua, -2, name);
}

static int string_rep(lua_State *lua)
{
	size_t len;
	size_t between;
	const char *s = luaL_checklstring(lua, 1, &len);
	lua_Integer n = luaL_checkinteger(lua, 2);
	const char *sep = luaL_optlstring(lua, 3, "", &between);
	luaL_Buffer out;

	if (n <= 0 || !(len + between)) {
		lua_pushliteral(lua, "");
		return 1;
	}
	if ((lua_Unsigned)n > machine_of(lua)->script->limits.memory)
		return luaL_error(lua, "the text would be too long");
	machine_charge(lua, (uint64_t)n / 4);
	luaL_buffinit(lua, &out);
	for (; n > 1; n--) {
		luaL_addlstring(&out, s, len);
		luaL_addlstring(&out, sep, between);
	}
	luaL_addlstring(&out, s, len);
	luaL_pushresult(&out);
	return 1;
}

/* Upvalue: string.format. No addresses: neither by %p nor by %s. */
static int string_format(lua_State *lua)
{
	size_t len;
	const char *format = luaL_checklstring(lua, 1, &len);
	int count = lua_gettop(lua);
	size_t i;
	int arg;

	for (i = 0; i < len; i++) {
		if (format[i] != '%')
			continue;
		i++;
		while (i < len && strchr("-+ #0123456789.", format[i]))
			i++;
		if (i < len && format[i] == 'p')
			return luaL_error(lua, "%%p is not for rules");
	}
	for (arg = 2; arg <= count; arg++) {
		if (lua_type(lua, arg) == LUA_TNUMBER)
			continue;
		if (lua_type(lua, arg) == LUA_TSTRING)
			continue;
		push_shown(lua, arg);
		lua_replace(lua, arg);
		lua_settop(lua, count);
	}
	return call_behind(lua);
}

static int string_map(lua_State *lua,
		      struct sv (*map)(struct sv s, struct arena *arena))
{
	struct sv s = value_check_text(lua, 1);
	struct sv out = map(s, machine_of(lua)->arena);

	machine_charge(lua, s.len / 16);
	lua_pushlstring(lua, out.ptr, out.len);
	return 1;
}

static int string_lower(lua_State *lua)
{
	return string_map(lua, text_lower);
}

static int string_upper(lua_State *lua)
{
	return string_map(lua, text_upper);
}

/* ---- putting it together ---- */

static int refuse_set(lua_State *lua)
{
	return luaL_error(lua, "'%s' cannot be set: this is read-only",
			  luaL_tolstring(lua, 2, NULL));
}

/* The table at the top becomes what can be read of it. */
static void close_table(lua_State *lua)
{
	lua_newtable(lua);
	lua_newtable(lua);
	lua_pushvalue(lua, -3);
	lua_setfield(lua, -2, "__index");
	lua_pushcfunction(lua, refuse_set);
	lua_setfield(lua, -2, "__newindex");
	lua_pushboolean(lua, 0);
	lua_setfield(lua, -2, "__metatable");
	(void)lua_setmetatable(lua, -2);
	lua_remove(lua, -2);
}

static void drop(lua_State *lua, const char *const *names)
{
	for (; *names; names++) {
		lua_pushnil(lua);
		lua_setfield(lua, -2, *names);
	}
}

/* Makes a library; it is at the top, closed and known by its name. The open
 * one is below. */
static void open_library(lua_State *lua, const char *name, lua_CFunction open)
{
	lua_pushcfunction(lua, open);
	lua_pushstring(lua, name);
	lua_call(lua, 1, 1);
}

static void set_library(lua_State *lua, const char *name)
{
	close_table(lua);
	(void)lua_rawgetp(lua, LUA_REGISTRYINDEX, &sandbox_key);
	lua_insert(lua, -2);
	lua_setfield(lua, -2, name);
	lua_pop(lua, 1);
}

static void open_string(lua_State *lua)
{
	static const char *const dropped[] = { "dump", NULL };
	static const luaL_Reg own[] = { { "rep", string_rep },
					{ "lower", string_lower },
					{ "upper", string_upper },
					{ NULL, NULL } };

	open_library(lua, LUA_STRLIBNAME, luaopen_string);
	drop(lua, dropped);
	luaL_setfuncs(lua, own, 0);
	luaL_setfuncs(lua, pattern_functions, 0);
	wrap(lua, "format", string_format);
	set_library(lua, LUA_STRLIBNAME);
}

/* Leaves table.sort at the top. */
static void open_table(lua_State *lua)
{
	open_library(lua, LUA_TABLIBNAME, luaopen_table);
	wrap(lua, "concat", counted);
	wrap(lua, "insert", counted);
	wrap(lua, "remove", counted);
	wrap(lua, "unpack", counted);
	wrap(lua, "sort", counted);
	wrap(lua, "move", counted_move);
	(void)lua_getfield(lua, -1, "sort");
	lua_insert(lua, -2);
	set_library(lua, LUA_TABLIBNAME);
}

static void open_base(lua_State *lua)
{
	static const char *const kept[] = { "assert", "error",    "ipairs",
					    "pcall",  "rawequal", "rawget",
					    "rawlen", "select",   "tonumber",
					    "type",   "_VERSION" };
	size_t i;

	lua_newtable(lua);
	lua_rawsetp(lua, LUA_REGISTRYINDEX, &sandbox_key);
	/* fills the real table of globals, which no file sees */
	open_library(lua, "_G", luaopen_base);
	(void)lua_rawgetp(lua, LUA_REGISTRYINDEX, &sandbox_key);
	for (i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		(void)lua_getfield(lua, -2, kept[i]);
		lua_setfield(lua, -2, kept[i]);
	}
	lua_pushcfunction(lua, base_tostring);
	lua_setfield(lua, -2, "tostring");
	lua_pushcfunction(lua, base_setmetatable);
	lua_setfield(lua, -2, "setmetatable");
	lua_pop(lua, 2);
}

static int set_global(lua_State *lua)
{
	if (!machine_of(lua)->loading)
		return luaL_error(lua,
				  "the global '%s' cannot be set in a call: "
				  "write 'local' before it",
				  luaL_tolstring(lua, 2, NULL));
	(void)lua_rawgetp(lua, LUA_REGISTRYINDEX, &sandbox_key);
	lua_insert(lua, 1);
	lua_settop(lua, 4);
	lua_remove(lua, 2);
	lua_rawset(lua, 1);
	return 0;
}

int sandbox_open(lua_State *lua)
{
	static const char *const random[] = { "random", "randomseed", NULL };

	value_open(lua);
	open_base(lua);
	open_string(lua);
	open_table(lua);
	lua_pushcclosure(lua, base_pairs, 1);
	(void)lua_rawgetp(lua, LUA_REGISTRYINDEX, &sandbox_key);
	lua_insert(lua, -2);
	lua_setfield(lua, -2, "pairs");
	lua_pop(lua, 1);
	open_library(lua, LUA_MATHLIBNAME, luaopen_math);
	drop(lua, random);
	set_library(lua, LUA_MATHLIBNAME);
	open_library(lua, LUA_UTF8LIBNAME, luaopen_utf8);
	set_library(lua, LUA_UTF8LIBNAME);
	open_library(lua, "text", library_text);
	set_library(lua, "text");
	open_library(lua, "conjoin", library_conjoin);
	set_library(lua, "conjoin");
	(void)lua_rawgetp(lua, LUA_REGISTRYINDEX, &sandbox_key);
	close_table(lua);
	(void)lua_getmetatable(lua, -1);
	lua_pushcfunction(lua, set_global);
	lua_setfield(lua, -2, "__newindex");
	lua_pop(lua, 1);
	lua_rawsetp(lua, LUA_REGISTRYINDEX, &env_key);
	return 0;
}

void sandbox_push(lua_State *lua)
{
	(void)lua_rawgetp(lua, LUA_REGISTRYINDEX, &env_key);
}
