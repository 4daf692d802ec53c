/*
 * library.c - what rules have besides Lua's own: text, conjoin
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "script/script_private.h"

#include "base/clock.h"
#include "base/text.h"

/* ---- text: characters, not bytes ---- */

static struct arena *arena_of(lua_State *lua)
{
	return machine_of(lua)->arena;
}

static int push(lua_State *lua, struct sv s)
{
	lua_pushlstring(lua, s.ptr ? s.ptr : "", s.len);
	return 1;
}

static struct sv check(lua_State *lua, int arg)
{
	struct sv s = value_check_text(lua, arg);

	machine_charge(lua, s.len / 16);
	return s;
}

static int do_lower(lua_State *lua)
{
	return push(lua, text_lower(check(lua, 1), arena_of(lua)));
}

static int do_upper(lua_State *lua)
{
	return push(lua, text_upper(check(lua, 1), arena_of(lua)));
}

static int do_fold(lua_State *lua)
{
	return push(lua, text_fold(check(lua, 1), arena_of(lua)));
}

static int do_same(lua_State *lua)
{
	lua_pushboolean(lua, text_ieq(check(lua, 1), check(lua, 2)));
	return 1;
}

static int do_len(lua_State *lua)
{
	lua_pushinteger(lua, (lua_Integer)text_len(check(lua, 1)));
	return 1;
}

/* As string.sub, by characters: from and to, negative ones from the end. */
static int do_sub(lua_State *lua)
{
	struct sv s = check(lua, 1);
	lua_Integer len = (lua_Integer)text_len(s);
	lua_Integer from = luaL_checkinteger(lua, 2);
	lua_Integer to = luaL_optinteger(lua, 3, -1);
	size_t begin;

	if (from < 0)
		from = from < -len ? 1 : len + from + 1;
	if (to < 0)
		to = to < -len ? 0 : len + to + 1;
	if (from < 1)
		from = 1;
	if (to > len)
		to = len;
	if (from > to)
		return push(lua, SV_NULL);
	begin = text_offset(s, (size_t)from - 1);
	return push(lua, sv_sub(s, begin, text_offset(s, (size_t)to)));
}

/* Unicode's white space, as far as data has it. */
static bool is_space(int32_t c)
{
	return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 ||
	       (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202F || c == 0x205F || c == 0x3000 || c == 0xFEFF;
}

static int do_trim(lua_State *lua)
{
	struct sv s = check(lua, 1);
	size_t begin = s.len;
	size_t end = 0;
	size_t at = 0;

	while (at < s.len) {
		size_t here = at;

		if (is_space(text_next(s, &at)))
			continue;
		if (begin == s.len)
			begin = here;
		end = at;
	}
	return push(lua, begin < end ? sv_sub(s, begin, end) : SV_NULL);
}

static int do_normalise(lua_State *lua)
{
	static const char *const words[] = { "NFC", "NFD", "NFKC", "NFKD",
					     NULL };
	static const enum text_form forms[] = { TEXT_NFC, TEXT_NFD, TEXT_NFKC,
						TEXT_NFKD };
	struct sv s = check(lua, 1);
	int form = luaL_checkoption(lua, 2, "NFC", words);

	return push(lua, text_normalise(s, forms[form], arena_of(lua)));
}

int library_text(lua_State *lua)
{
	static const luaL_Reg functions[] = {
		{ "lower", do_lower }, { "upper", do_upper },
		{ "fold", do_fold },   { "same", do_same },
		{ "len", do_len },     { "sub", do_sub },
		{ "trim", do_trim },   { "normalise", do_normalise },
		{ NULL, NULL },
	};

	luaL_newlib(lua, functions);
	return 1;
}

/* ---- conjoin ---- */

static int error_text(lua_State *lua)
{
	(void)lua_getiuservalue(lua, 1, 1);
	return 1;
}

/* The object's error, in the rule's own words. */
static int do_error(lua_State *lua)
{
	(void)luaL_checkstring(lua, 1);
	(void)lua_newuserdatauv(lua, 0, 1);
	luaL_setmetatable(lua, ERROR_NAME);
	lua_pushvalue(lua, 1);
	(void)lua_setiuservalue(lua, -2, 1);
	return lua_error(lua);
}

static int do_lookup(lua_State *lua)
{
	const struct expr_env *env = machine_of(lua)->env;
	struct sv table = check(lua, 1);
	struct sv key = check(lua, 2);
	struct sv column = check(lua, 3);
	struct sv found;

	if (env && env->lookup &&
	    env->lookup(env->data, table, key, column, &found))
		return push(lua, found);
	lua_pushnil(lua);
	return 1;
}

/* Seconds since 1970 of a date: whole ones. */
static int do_seconds(lua_State *lua)
{
	struct sv text = check(lua, 1);
	int64_t time;

	if (!clock_parse_iso(text, &time))
		return luaL_error(lua,
				  "'%s' is no date; one is written as in "
				  "2026-11-21T09:30:00Z",
				  arena_cstr(arena_of(lua), text));
	lua_pushinteger(lua, (time - CLOCK_UNIX_EPOCH) / CLOCK_SECOND);
	return 1;
}

static int do_date(lua_State *lua)
{
	lua_Integer seconds = luaL_checkinteger(lua, 1);
	char out[40];

	/* the years 1601 to 9999 */
	if (seconds < -INT64_C(11644473600) || seconds > INT64_C(253402300799))
		return luaL_error(lua, "this is outside the years 1601 to "
				       "9999");
	clock_format_iso(seconds * CLOCK_SECOND + CLOCK_UNIX_EPOCH, out);
	lua_pushstring(lua, out);
	return 1;
}

int library_conjoin(lua_State *lua)
{
	static const luaL_Reg functions[] = {
		{ "Error", do_error },
		{ "Lookup", do_lookup },
		{ "Seconds", do_seconds },
		{ "Date", do_date },
		{ NULL, NULL },
	};

	(void)luaL_newmetatable(lua, ERROR_NAME);
	lua_pushcfunction(lua, error_text);
	lua_setfield(lua, -2, "__tostring");
	lua_pop(lua, 1);
	luaL_newlib(lua, functions);
	value_push_ignore(lua);
	lua_setfield(lua, -2, "IgnoreThisFlow");
	value_push_stop(lua);
	lua_setfield(lua, -2, "AuthoritativeNull");
	return 1;
}
