/*
 * pattern.c - find, match, gmatch, gsub with the patterns of Lua 5.4
 *
 * Lua's own matcher cannot be interrupted, and a pattern of many repetitions
 * takes for ever on a text that nearly fits. This one counts each character
 * that it looks at as a step of the call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "script/script_private.h"

#include <ctype.h>
#include <string.h>

#define CAPTURES 32
#define DEPTH    200
#define BUDGET   64   /* steps taken from the call at once */
#define OPEN     (-1) /* length of a capture that is not closed yet */
#define PLACE    (-2) /* of one that yields its place */
#define MAGIC    "^$*+?.([%-"
#define ESCAPE   '%'

struct capture {
	const char *at;
	ptrdiff_t len;
};

struct matcher {
	lua_State *lua;
	const char *text;
	const char *end;
	const char *pattern_end;
	size_t budget;
	int depth;
	int count;
	struct capture captures[CAPTURES];
};

static void step(struct matcher *m)
{
	if (m->budget--)
		return;
	machine_charge(m->lua, BUDGET);
	m->budget = BUDGET - 1;
}

static const char *match(struct matcher *m, const char *s, const char *p);

/* ---- one character ---- */

static bool in_class(int c, int class)
{
	bool is;

	switch (tolower(class)) {
	case 'a':
		is = isalpha(c);
		break;
	case 'c':
		is = iscntrl(c);
		break;
	case 'd':
		is = isdigit(c);
		break;
	case 'g':
		is = isgraph(c);
		break;
	case 'l':
		is = islower(c);
		break;
	case 'p':
		is = ispunct(c);
		break;
	case 's':
		is = isspace(c);
		break;
	case 'u':
		is = isupper(c);
		break;
	case 'w':
		is = isalnum(c);
		break;
	case 'x':
		is = isxdigit(c);
		break;
	default:
		return class == c;
	}
	return isupper(class) ? !is : is;
}

/* Behind the item that begins at `p`: a character, %x, . or a [set]. */
static const char *item_end(struct matcher *m, const char *p)
{
	char c = *p++;

	if (c == ESCAPE) {
		if (p >= m->pattern_end)
			luaL_error(m->lua, "the pattern ends with '%%'");
		return p + 1;
	}
	if (c != '[')
		return p;
	if (p < m->pattern_end && *p == '^')
		p++;
	do { /* a ']' that stands first is itself */
		if (p >= m->pattern_end)
			luaL_error(m->lua, "the pattern has a '[' without its "
					   "']'");
		c = *p++;
		if (c == ESCAPE)
			p++;
	} while (p >= m->pattern_end || *p != ']');
	return p + 1;
}

/* `p` at '[', `last` at its ']'. */
static bool in_set(int c, const char *p, const char *last)
{
	bool wanted = true;

	if (p[1] == '^') {
		wanted = false;
		p++;
	}
	for (p++; p < last; p++) {
		if (*p == ESCAPE) {
			if (in_class(c, (unsigned char)*++p))
				return wanted;
		} else if (p[1] == '-' && p + 2 < last) {
			if ((unsigned char)*p <= c && c <= (unsigned char)p[2])
				return wanted;
			p += 2;
		} else if ((unsigned char)*p == c) {
			return wanted;
		}
	}
	return !wanted;
}

static bool one(struct matcher *m, const char *s, const char *p,
		const char *behind)
{
	int c;

	step(m);
	if (s >= m->end)
		return false;
	c = (unsigned char)*s;
	switch (*p) {
	case '.':
		return true;
	case ESCAPE:
		return in_class(c, (unsigned char)p[1]);
	case '[':
		return in_set(c, p, behind - 1);
	default:
		return (unsigned char)*p == c;
	}
}

/* ---- repetition ---- */

static const char *most(struct matcher *m, const char *s, const char *p,
			const char *behind)
{
	ptrdiff_t n = 0;

	while (one(m, s + n, p, behind))
		n++;
	for (; n >= 0; n--) {
		const char *found = match(m, s + n, behind + 1);

		if (found)
			return found;
	}
	return NULL;
}

static const char *least(struct matcher *m, const char *s, const char *p,
			 const char *behind)
{
	for (;; s++) {
		const char *found = match(m, s, behind + 1);

		if (found)
			return found;
		if (!one(m, s, p, behind))
			return NULL;
	}
}

/* ---- captures ---- */

static const char *begin_capture(struct matcher *m, const char *s,
				 const char *p, ptrdiff_t len)
{
	const char *found;

	if (m->count >= CAPTURES)
		luaL_error(m->lua, "the pattern has more than %d captures",
			   CAPTURES);
	m->captures[m->count].at = s;
	m->captures[m->count].len = len;
	m->count++;
	found = match(m, s, p);
	if (!found)
		m->count--;
	return found;
}

static const char *end_capture(struct matcher *m, const char *s, const char *p)
{
	const char *found;
	int i = m->count - 1;

	while (i >= 0 && m->captures[i].len != OPEN)
		i--;
	if (i < 0) {
		luaL_error(m->lua, "the pattern has a ')' without its '('");
		return NULL;
	}
	m->captures[i].len = s - m->captures[i].at;
	found = match(m, s, p);
	if (!found)
		m->captures[i].len = OPEN;
	return found;
}

/* %1: the text of a capture again */
static const char *same_again(struct matcher *m, const char *s, int digit)
{
	int i = digit - '1';
	size_t len;

	if (i < 0 || i >= m->count || m->captures[i].len < 0) {
		luaL_error(m->lua, "the pattern's %%%d is no finished capture",
			   i + 1);
		return NULL;
	}
	len = (size_t)m->captures[i].len;
	if ((size_t)(m->end - s) < len ||
	    memcmp(m->captures[i].at, s, len) != 0)
		return NULL;
	return s + len;
}

/* %bxy: from x to the y that closes it */
static const char *balanced(struct matcher *m, const char *s, const char *p)
{
	int open = 1;

	if (p + 1 >= m->pattern_end)
		luaL_error(m->lua, "%%b in a pattern needs two characters");
	if (s >= m->end || *s != p[0])
		return NULL;
	for (s++; s < m->end; s++) {
		step(m);
		if (*s == p[1]) {
			if (!--open)
				return s + 1;
		} else if (*s == p[0]) {
			open++;
		}
	}
	return NULL;
}

/* %f[set]: a place where the set begins to hold */
static bool frontier(struct matcher *m, const char *s, const char *p,
		     const char *behind)
{
	int before = s == m->text ? 0 : (unsigned char)s[-1];
	int here = s < m->end ? (unsigned char)*s : 0;

	return !in_set(before, p, behind - 1) && in_set(here, p, behind - 1);
}

/* ---- the pattern ---- */

/* %b, %f and %1 at `p`: 1 went on (s and p moved), 0 no match, -1 none. */
static int special(struct matcher *m, const char **s, const char **p)
{
	const char *at = *p + 1;
	const char *behind;

	if (**p != ESCAPE || at >= m->pattern_end)
		return -1;
	if (*at == 'b') {
		*s = balanced(m, *s, at + 1);
		*p = at + 3;
		return *s != NULL;
	}
	if (*at == 'f') {
		at++;
		if (at >= m->pattern_end || *at != '[')
			luaL_error(m->lua, "%%f in a pattern needs a [set]");
		behind = item_end(m, at);
		*p = behind;
		return frontier(m, *s, at, behind);
	}
	if (isdigit((unsigned char)*at)) {
		*s = same_again(m, *s, *at);
		*p = at + 1;
		return *s != NULL;
	}
	return -1;
}

/* (, ) and the last $: true, *found is what the rest of the pattern makes. */
static bool ends_here(struct matcher *m, const char *s, const char *p,
		      const char **found)
{
	bool place = *p == '(' && p + 1 < m->pattern_end && p[1] == ')';

	if (*p == '(')
		*found = begin_capture(m, s, p + 1 + place,
				       place ? PLACE : OPEN);
	else if (*p == ')')
		*found = end_capture(m, s, p + 1);
	else if (*p == '$' && p + 1 == m->pattern_end)
		*found = s == m->end ? s : NULL;
	else
		return false;
	return true;
}

/* The item at `p` with *, - or + behind it: true, *found is what it and the
 * rest of the pattern make. */
static bool repeats(struct matcher *m, const char *s, const char *p,
		    const char *behind, const char **found)
{
	switch (behind < m->pattern_end ? *behind : '\0') {
	case '*':
		*found = most(m, s, p, behind);
		return true;
	case '-':
		*found = least(m, s, p, behind);
		return true;
	case '+':
		*found = one(m, s, p, behind) ? most(m, s + 1, p, behind)
					      : NULL;
		return true;
	default:
		return false;
	}
}

/* An item that is not repeated goes on in the loop: only what may have to be
 * tried again takes a level of the stack. */
static const char *match_items(struct matcher *m, const char *s, const char *p)
{
	while (p < m->pattern_end) {
		const char *behind;
		const char *found = NULL;
		int ret;

		if (ends_here(m, s, p, &found))
			return found;
		ret = special(m, &s, &p);
		if (ret == 0)
			return NULL;
		if (ret > 0)
			continue;
		behind = item_end(m, p);
		if (repeats(m, s, p, behind, &found))
			return found;
		if (behind < m->pattern_end && *behind == '?') {
			if (one(m, s, p, behind))
				found = match(m, s + 1, behind + 1);
			if (found)
				return found;
			p = behind + 1;
		} else if (one(m, s, p, behind)) {
			s++;
			p = behind;
		} else {
			return NULL;
		}
	}
	return s;
}

static const char *match(struct matcher *m, const char *s, const char *p)
{
	const char *found;

	if (m->depth == DEPTH)
		luaL_error(m->lua, "the pattern is too complex");
	m->depth++;
	found = match_items(m, s, p);
	m->depth--;
	return found;
}

/* ---- what a match yields ---- */

static void push_capture(struct matcher *m, int i, const char *s,
			 const char *end)
{
	const struct capture *c = &m->captures[i];

	if (i >= m->count) {
		/* without captures the whole is the first */
		if (i)
			luaL_error(m->lua, "there is no capture %%%d", i + 1);
		lua_pushlstring(m->lua, s, (size_t)(end - s));
	} else if (c->len == PLACE) {
		lua_pushinteger(m->lua, c->at - m->text + 1);
	} else if (c->len == OPEN) {
		luaL_error(m->lua, "the pattern has a '(' without its ')'");
	} else {
		lua_pushlstring(m->lua, c->at, (size_t)c->len);
	}
}

static int push_captures(struct matcher *m, const char *s, const char *end)
{
	int count = m->count || !s ? m->count : 1;
	int i;

	luaL_checkstack(m->lua, count, "too many captures");
	for (i = 0; i < count; i++)
		push_capture(m, i, s, end);
	return count;
}

static void begin(struct matcher *m, lua_State *lua, struct sv text,
		  struct sv pattern)
{
	m->lua = lua;
	m->text = text.ptr;
	m->end = text.ptr + text.len;
	m->pattern_end = pattern.ptr + pattern.len;
	m->budget = 0;
	m->depth = 0;
	m->count = 0;
}

static const char *try_at(struct matcher *m, const char *s, const char *p)
{
	m->depth = 0;
	m->count = 0;
	return match(m, s, p);
}

static struct sv check_pattern(lua_State *lua)
{
	struct sv s;

	s.ptr = luaL_checklstring(lua, 2, &s.len);
	return s.ptr ? s : SV_LIT("");
}

/* ---- find and match ---- */

/* Bytes before the place where the search begins; past the end: false. */
static bool first_place(lua_State *lua, size_t len, size_t *out)
{
	lua_Integer at = luaL_optinteger(lua, 3, 1);

	if (at < 0)
		at = (lua_Unsigned)-at > len ? 1 : (lua_Integer)len + at + 1;
	if (at < 1)
		at = 1;
	*out = (size_t)at - 1;
	return *out <= len;
}

static bool is_plain(struct sv pattern)
{
	size_t i;

	for (i = 0; i < pattern.len; i++)
		if (!pattern.ptr[i] || strchr(MAGIC, pattern.ptr[i]))
			return false;
	return true;
}

static int find_plain(lua_State *lua, struct sv text, struct sv what,
		      size_t from)
{
	const char *found;

	machine_charge(lua, (text.len - from) / 16);
	found = memmem(text.ptr + from, text.len - from, what.ptr, what.len);
	if (!found) {
		lua_pushnil(lua);
		return 1;
	}
	lua_pushinteger(lua, found - text.ptr + 1);
	lua_pushinteger(lua, found - text.ptr + (lua_Integer)what.len);
	return 2;
}

static int search(lua_State *lua, bool find)
{
	struct sv text = value_check_text(lua, 1);
	struct sv pattern = check_pattern(lua);
	struct matcher m;
	bool anchored;
	const char *s;
	size_t from;

	if (!first_place(lua, text.len, &from)) {
		lua_pushnil(lua);
		return 1;
	}
	if (find && (lua_toboolean(lua, 4) || is_plain(pattern)))
		return find_plain(lua, text, pattern, from);
	begin(&m, lua, text, pattern);
	anchored = pattern.len && pattern.ptr[0] == '^';
	for (s = text.ptr + from; s <= m.end; s++) {
		const char *end = try_at(&m, s, pattern.ptr + anchored);

		if (end && !find)
			return push_captures(&m, s, end);
		if (end) {
			lua_pushinteger(lua, s - text.ptr + 1);
			lua_pushinteger(lua, end - text.ptr);
			return 2 + push_captures(&m, NULL, NULL);
		}
		if (anchored)
			break;
	}
	lua_pushnil(lua);
	return 1;
}

static int do_find(lua_State *lua)
{
	return search(lua, true);
}

static int do_match(lua_State *lua)
{
	return search(lua, false);
}

/* ---- gmatch ---- */

/* Upvalues: text, pattern, where to go on, where the last match ended. */
static int next_match(lua_State *lua)
{
	struct sv text;
	struct sv pattern;
	lua_Integer at = lua_tointeger(lua, lua_upvalueindex(3));
	lua_Integer last = lua_tointeger(lua, lua_upvalueindex(4));
	struct matcher m;

	text.ptr = lua_tolstring(lua, lua_upvalueindex(1), &text.len);
	pattern.ptr = lua_tolstring(lua, lua_upvalueindex(2), &pattern.len);
	if (!text.ptr || !pattern.ptr)
		return 0;
	begin(&m, lua, text, pattern);
	for (; at <= (lua_Integer)text.len; at++) {
		const char *s = text.ptr + at;
		const char *end = try_at(&m, s, pattern.ptr);

		if (!end || end - text.ptr == last)
			continue;
		lua_pushinteger(lua, end - text.ptr);
		lua_copy(lua, -1, lua_upvalueindex(3));
		lua_replace(lua, lua_upvalueindex(4));
		return push_captures(&m, s, end);
	}
	return 0;
}

static int do_gmatch(lua_State *lua)
{
	struct sv text = value_check_text(lua, 1);
	size_t from;

	(void)check_pattern(lua);
	if (!first_place(lua, text.len, &from))
		from = text.len + 1;
	lua_pushlstring(lua, text.ptr, text.len);
	lua_pushvalue(lua, 2);
	lua_pushinteger(lua, (lua_Integer)from);
	lua_pushinteger(lua, -1);
	lua_pushcclosure(lua, next_match, 4);
	return 1;
}

/* ---- gsub ---- */

static void add_template(struct matcher *m, luaL_Buffer *out, const char *s,
			 const char *end)
{
	size_t len;
	const char *with = lua_tolstring(m->lua, 3, &len);
	size_t i;

	for (i = 0; i < len; i++) {
		if (with[i] != ESCAPE) {
			luaL_addchar(out, with[i]);
			continue;
		}
		i++;
		if (i < len && with[i] == ESCAPE) {
			luaL_addchar(out, ESCAPE);
		} else if (i < len && with[i] == '0') {
			luaL_addlstring(out, s, (size_t)(end - s));
		} else if (i < len && isdigit((unsigned char)with[i])) {
			push_capture(m, with[i] - '1', s, end);
			(void)luaL_tolstring(m->lua, -1, NULL);
			lua_remove(m->lua, -2);
			luaL_addvalue(out);
		} else {
			luaL_error(m->lua, "%% in the replacement is followed "
					   "by a digit or %%");
		}
	}
	machine_charge(m->lua, len / 16);
}

/* What stands for the match s .. end. */
static void add_value(struct matcher *m, luaL_Buffer *out, const char *s,
		      const char *end)
{
	lua_State *lua = m->lua;

	if (lua_type(lua, 3) == LUA_TSTRING ||
	    lua_type(lua, 3) == LUA_TNUMBER) {
		add_template(m, out, s, end);
		return;
	}
	if (lua_isfunction(lua, 3)) {
		lua_pushvalue(lua, 3);
		lua_call(lua, push_captures(m, s, end), 1);
	} else {
		push_capture(m, 0, s, end);
		(void)lua_gettable(lua, 3);
	}
	if (!lua_toboolean(lua, -1)) {
		lua_pop(lua, 1);
		luaL_addlstring(out, s, (size_t)(end - s));
	} else if (!lua_isstring(lua, -1)) {
		luaL_error(lua, "the replacement is a %s, not a text",
			   luaL_typename(lua, -1));
	} else {
		luaL_addvalue(out);
	}
}

static void check_replacement(lua_State *lua)
{
	int type = lua_type(lua, 3);

	luaL_argexpected(lua,
			 type == LUA_TNUMBER || type == LUA_TSTRING ||
				 type == LUA_TFUNCTION || type == LUA_TTABLE,
			 3, "string/function/table");
}

static int do_gsub(lua_State *lua)
{
	struct sv text = value_check_text(lua, 1);
	struct sv pattern = check_pattern(lua);
	bool anchored = pattern.len && pattern.ptr[0] == '^';
	lua_Integer max;
	lua_Integer count = 0;
	const char *s = text.ptr;
	const char *from = s; /* what is not in `out` yet */
	const char *last = NULL;
	struct matcher m;
	luaL_Buffer out;

	check_replacement(lua);
	max = luaL_optinteger(lua, 4, (lua_Integer)text.len + 1);
	begin(&m, lua, text, pattern);
	luaL_buffinit(lua, &out);
	while (count < max) {
		const char *end = try_at(&m, s, pattern.ptr + anchored);

		if (end && end != last) {
			count++;
			luaL_addlstring(&out, from, (size_t)(s - from));
			add_value(&m, &out, s, end);
			s = last = from = end;
		} else if (s < m.end) {
			s++;
		} else {
			break;
		}
		if (anchored)
			break;
	}
	luaL_addlstring(&out, from, (size_t)(m.end - from));
	luaL_pushresult(&out);
	lua_pushinteger(lua, count);
	return 2;
}

const luaL_Reg pattern_functions[] = {
	{ "find", do_find }, { "match", do_match }, { "gmatch", do_gmatch },
	{ "gsub", do_gsub }, { NULL, NULL },
};
