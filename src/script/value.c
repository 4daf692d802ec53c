/*
 * value.c - values as functions see them, and results
 *
 *	string      a string                boolean     true, false
 *	integer     an integer              datetime    "2026-11-21T09:30:00Z"
 *	binary      a string of its bytes   reference   an object, see below
 *	NULL        nil                     several     a read-only list
 *
 * Lists and objects are borrowed: their values are read when asked for, and
 * one that was kept from an earlier call is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "script/script_private.h"

#include "base/clock.h"
#include "base/text.h"

#define LIST_NAME      "list"
#define OBJECT_NAME    "object"
#define REFERENCE_NAME "reference"

static const char ignore_word = 0;
static const char stop_word = 0;

struct list {
	uint64_t serial;
	struct values values;
	bool text;
};

struct object {
	uint64_t serial;
	const struct expr_env *env;
	enum expr_view view;
	const struct expr_fields *fields;
};

struct reference {
	int64_t id;
	size_t len;
	char text[];
};

/* ---- pushing ---- */

static void push_reference(lua_State *lua, const struct value *value)
{
	struct reference *r =
		lua_newuserdatauv(lua, sizeof(*r) + value->text.len, 0);

	r->id = value->number;
	r->len = value->text.len;
	if (r->len)
		memcpy(r->text, value->text.ptr, r->len);
	luaL_setmetatable(lua, REFERENCE_NAME);
}

static void push_text(lua_State *lua, struct sv s)
{
	lua_pushlstring(lua, s.ptr ? s.ptr : "", s.len);
}

static void push_value(lua_State *lua, const struct value *value, bool text)
{
	char time[40];

	switch (value->type) {
	case VALUE_NULL:
		lua_pushnil(lua);
		return;
	case VALUE_STRING:
	case VALUE_BINARY:
		push_text(lua, value->text);
		return;
	case VALUE_INTEGER:
		lua_pushinteger(lua, value->number);
		return;
	case VALUE_BOOLEAN:
		lua_pushboolean(lua, value->number != 0);
		return;
	case VALUE_DATETIME:
		clock_format_iso(value->number, time);
		lua_pushstring(lua, time);
		return;
	case VALUE_REFERENCE:
		if (text)
			push_text(lua, value->text);
		else
			push_reference(lua, value);
		return;
	}
}

static void push_values(lua_State *lua, const struct values *values,
			bool as_list, bool text)
{
	struct list *list;

	if (!values->len) {
		lua_pushnil(lua);
		return;
	}
	if (values->len == 1 && !as_list) {
		push_value(lua, &values->at[0], text);
		return;
	}
	list = lua_newuserdatauv(lua, sizeof(*list), 0);
	list->serial = machine_of(lua)->serial;
	list->values = *values;
	list->text = text;
	luaL_setmetatable(lua, LIST_NAME);
}

static void push_object(lua_State *lua, const struct expr_arg *arg)
{
	struct object *o = lua_newuserdatauv(lua, sizeof(*o), 0);

	o->serial = machine_of(lua)->serial;
	o->env = arg->env;
	o->view = arg->view;
	o->fields = arg->fields;
	luaL_setmetatable(lua, OBJECT_NAME);
}

void value_push_arg(lua_State *lua, const struct expr_arg *arg)
{
	size_t i;

	luaL_checkstack(lua, 4, NULL);
	switch (arg->kind) {
	case EXPR_ARG_VALUES:
		push_values(lua, &arg->values, arg->list, false);
		return;
	case EXPR_ARG_OBJECT:
		push_object(lua, arg);
		return;
	case EXPR_ARG_LIST:
		lua_createtable(lua, (int)arg->count, 0);
		for (i = 0; i < arg->count; i++) {
			value_push_arg(lua, &arg->items[i]);
			lua_rawseti(lua, -2, (lua_Integer)i + 1);
		}
		return;
	case EXPR_ARG_RECORD:
		lua_createtable(lua, 0, (int)arg->count);
		for (i = 0; i < arg->count; i++) {
			value_push_arg(lua, &arg->items[i]);
			lua_setfield(lua, -2, arg->names[i]);
		}
		return;
	}
}

/* ---- lists ---- */

static struct list *check_list(lua_State *lua)
{
	struct list *list = luaL_checkudata(lua, 1, LIST_NAME);

	if (list->serial != machine_of(lua)->serial)
		luaL_error(lua, "this list is of an earlier call: copy what "
				"is to be kept");
	return list;
}

static int list_index(lua_State *lua)
{
	const struct list *list = check_list(lua);
	lua_Integer i;

	if (lua_type(lua, 2) != LUA_TNUMBER)
		return luaL_error(lua,
				  "several values have no '%s': take one "
				  "of them, as in list[1]",
				  luaL_tolstring(lua, 2, NULL));
	i = luaL_checkinteger(lua, 2);
	if (i < 1 || (lua_Unsigned)i > list->values.len)
		lua_pushnil(lua);
	else
		push_value(lua, &list->values.at[i - 1], list->text);
	return 1;
}

static int list_len(lua_State *lua)
{
	lua_pushinteger(lua, (lua_Integer)check_list(lua)->values.len);
	return 1;
}

/* next of ipairs() and pairs() */
static int list_next(lua_State *lua)
{
	const struct list *list = check_list(lua);
	lua_Integer i = luaL_checkinteger(lua, 2);

	if (i < 0 || (lua_Unsigned)i >= list->values.len)
		return 0;
	lua_pushinteger(lua, i + 1);
	push_value(lua, &list->values.at[i], list->text);
	return 2;
}

static int list_pairs(lua_State *lua)
{
	(void)check_list(lua);
	lua_pushcfunction(lua, list_next);
	lua_pushvalue(lua, 1);
	lua_pushinteger(lua, 0);
	return 3;
}

static int refuse_set(lua_State *lua)
{
	return luaL_error(lua, "this is read-only");
}

/* ---- objects ---- */

static const struct expr_field *find_field(const struct expr_fields *fields,
					   struct sv name)
{
	size_t i;

	for (i = 0; i < fields->count; i++)
		if (sv_ieq_str(name, fields->at[i].name))
			return &fields->at[i];
	return NULL;
}

static int no_field(lua_State *lua, const struct expr_fields *fields,
		    struct sv name)
{
	struct arena *arena = machine_of(lua)->arena;
	const char **names = arena_array(arena, fields->count, sizeof(*names));
	const char *near;
	size_t i;

	if (fields->named)
		return luaL_error(lua,
				  "'%s' is not among the attributes that "
				  "'reads' names",
				  arena_cstr(arena, name));
	for (i = 0; i < fields->count; i++)
		names[i] = fields->at[i].name;
	near = sv_nearest(name, names, fields->count);
	return luaL_error(
		lua,
		"no attribute '%s' here%s%s%s; one that no other rule "
		"reads is named by 'reads', or under 'attributes'",
		arena_cstr(arena, name), near ? " (did you mean '" : "",
		near ? near : "", near ? "'?)" : "");
}

static struct object *check_object(lua_State *lua)
{
	struct object *o = luaL_checkudata(lua, 1, OBJECT_NAME);

	if (o->serial != machine_of(lua)->serial)
		luaL_error(lua, "this object is of an earlier call: copy what "
				"is to be kept");
	return o;
}

static void push_field(lua_State *lua, const struct object *o,
		       const struct expr_field *field)
{
	struct values values = { NULL, 0 };

	(void)o->env->attr(o->env->data, o->view, field->id, &values);
	push_values(lua, &values, field->multi, field->text);
}

static int object_index(lua_State *lua)
{
	const struct object *o = check_object(lua);
	const struct expr_field *field;
	struct sv name;

	name.ptr = luaL_checklstring(lua, 2, &name.len);
	field = find_field(o->fields, name);
	if (!field)
		return no_field(lua, o->fields, name);
	push_field(lua, o, field);
	return 1;
}

/* Upvalue: the number of the attribute before. */
static int object_next(lua_State *lua)
{
	const struct object *o = check_object(lua);
	size_t i = (size_t)lua_tointeger(lua, lua_upvalueindex(1));

	for (; i < o->fields->count; i++) {
		lua_pushstring(lua, o->fields->at[i].name);
		push_field(lua, o, &o->fields->at[i]);
		if (!lua_isnil(lua, -1))
			break;
		lua_pop(lua, 2);
	}
	lua_pushinteger(lua, (lua_Integer)i + 1);
	lua_replace(lua, lua_upvalueindex(1));
	return i < o->fields->count ? 2 : 0;
}

static int object_pairs(lua_State *lua)
{
	(void)check_object(lua);
	lua_pushinteger(lua, 0);
	lua_pushcclosure(lua, object_next, 1);
	lua_pushvalue(lua, 1);
	return 2;
}

/* ---- references ---- */

static void push_reference_text(lua_State *lua, int arg)
{
	const struct reference *r = luaL_checkudata(lua, arg, REFERENCE_NAME);

	lua_pushlstring(lua, r->text, r->len);
}

static int reference_text(lua_State *lua)
{
	push_reference_text(lua, 1);
	return 1;
}

static int reference_index(lua_State *lua)
{
	const char *key = luaL_checkstring(lua, 2);

	if (strcmp(key, "text") != 0)
		return luaL_error(lua,
				  "a reference has no '%s', its name is "
				  "its 'text'",
				  key);
	push_reference_text(lua, 1);
	return 1;
}

static int reference_equal(lua_State *lua)
{
	const struct reference *a = luaL_testudata(lua, 1, REFERENCE_NAME);
	const struct reference *b = luaL_testudata(lua, 2, REFERENCE_NAME);
	bool same = a && b && a->id == b->id;

	if (same && !a->id)
		same = text_ieq(sv_make(a->text, a->len),
				sv_make(b->text, b->len));
	lua_pushboolean(lua, same);
	return 1;
}

static int reference_concat(lua_State *lua)
{
	int i;

	for (i = 1; i <= 2; i++) {
		if (luaL_testudata(lua, i, REFERENCE_NAME))
			push_reference_text(lua, i);
		else
			(void)luaL_tolstring(lua, i, NULL);
	}
	lua_concat(lua, 2);
	return 1;
}

struct sv value_check_text(lua_State *lua, int arg)
{
	const struct reference *r = luaL_testudata(lua, arg, REFERENCE_NAME);
	struct sv s;

	if (r)
		return sv_make(r->text, r->len);
	s.ptr = luaL_checklstring(lua, arg, &s.len);
	return s.ptr ? s : SV_LIT("");
}

/* ---- results ---- */

void value_push_ignore(lua_State *lua)
{
	lua_pushlightuserdata(lua, (void *)(uintptr_t)&ignore_word);
}

void value_push_stop(lua_State *lua)
{
	lua_pushlightuserdata(lua, (void *)(uintptr_t)&stop_word);
}

static struct value take_text(lua_State *lua, int at)
{
	size_t len;
	const char *text = lua_tolstring(lua, at, &len);
	struct sv copy;

	if (len > EXPR_RESULT_MAX)
		luaL_error(lua, "it returned a text of more than %d MB",
			   (int)(EXPR_RESULT_MAX >> 20));
	copy = arena_dup(machine_of(lua)->arena, sv_make(text, len));
	return text_is_utf8(copy) ? value_string(copy) : value_binary(copy);
}

static struct value take_userdata(lua_State *lua, int at)
{
	const struct reference *r = luaL_testudata(lua, at, REFERENCE_NAME);

	if (!r) {
		luaL_error(lua,
			   "it returned %s; a value or a list of values "
			   "is wanted",
			   luaL_testudata(lua, at, OBJECT_NAME)
				   ? "an object"
				   : "something else");
		return (struct value){ .type = VALUE_NULL };
	}
	return value_reference(r->id, arena_dup(machine_of(lua)->arena,
						sv_make(r->text, r->len)));
}

static struct value take_one(lua_State *lua, int at)
{
	lua_Integer number;
	int whole;

	switch (lua_type(lua, at)) {
	case LUA_TBOOLEAN:
		return value_boolean(lua_toboolean(lua, at));
	case LUA_TNUMBER:
		number = lua_tointegerx(lua, at, &whole);
		if (!whole)
			luaL_error(lua,
				   "it returned the number %f; only whole "
				   "numbers are values",
				   lua_tonumber(lua, at));
		return value_integer(number);
	case LUA_TSTRING:
		return take_text(lua, at);
	case LUA_TUSERDATA:
		return take_userdata(lua, at);
	default:
		luaL_error(lua,
			   "it returned a %s; a value or a list of values "
			   "is wanted",
			   luaL_typename(lua, at));
		return (struct value){ .type = VALUE_NULL };
	}
}

/* A table of values 1, 2, 3 ... */
static void take_table(lua_State *lua, struct values *out)
{
	lua_Unsigned len = lua_rawlen(lua, -1);
	lua_Unsigned count = 0;

	lua_pushnil(lua);
	while (lua_next(lua, -2)) {
		lua_pop(lua, 1);
		if (!lua_isinteger(lua, -1) || lua_tointeger(lua, -1) < 1 ||
		    (lua_Unsigned)lua_tointeger(lua, -1) > len)
			luaL_error(
				lua,
				"it returned a table that is no list: it has "
				"the key '%s'",
				luaL_tolstring(lua, -1, NULL));
		count++;
	}
	if (count != len || len > EXPR_LIST_MAX)
		luaL_error(lua, count != len ? "it returned a list with gaps"
					     : "it returned too long a list");
	out->at = arena_array(machine_of(lua)->arena, len, sizeof(*out->at));
	for (count = 0; count < len; count++) {
		(void)lua_rawgeti(lua, -1, (lua_Integer)count + 1);
		out->at[out->len++] = take_one(lua, -1);
		lua_pop(lua, 1);
	}
}

static void take_list(lua_State *lua, struct values *out)
{
	const struct list *list = lua_touserdata(lua, -1);
	size_t i;

	if (list->serial != machine_of(lua)->serial)
		luaL_error(lua, "it returned a list of an earlier call");
	*out = values_dup(&list->values, machine_of(lua)->arena);
	for (i = 0; list->text && i < out->len; i++)
		out->at[i].type = VALUE_STRING;
}

void value_take(lua_State *lua, struct expr_result *out)
{
	*out = (struct expr_result){ .kind = EXPR_VALUES };
	if (lua_isnil(lua, -1)) {
		out->kind = EXPR_NULL;
	} else if (lua_islightuserdata(lua, -1)) {
		out->kind = lua_touserdata(lua, -1) ==
					    (const void *)&ignore_word
				    ? EXPR_IGNORE
				    : EXPR_AUTHORITATIVE_NULL;
	} else if (lua_istable(lua, -1)) {
		take_table(lua, &out->values);
	} else if (luaL_testudata(lua, -1, LIST_NAME)) {
		take_list(lua, &out->values);
	} else {
		out->values.at = arena_array(machine_of(lua)->arena, 1,
					     sizeof(*out->values.at));
		out->values.at[0] = take_one(lua, -1);
		out->values.len = 1;
	}
	if (out->kind == EXPR_VALUES && !out->values.len)
		out->kind = EXPR_NULL;
	out->multi = out->values.len > 1;
}

/* ---- their metatables ---- */

static void open_type(lua_State *lua, const char *name,
		      const luaL_Reg *functions)
{
	(void)luaL_newmetatable(lua, name);
	luaL_setfuncs(lua, functions, 0);
	lua_pushcfunction(lua, refuse_set);
	lua_setfield(lua, -2, "__newindex");
	lua_pushboolean(lua, 0);
	lua_setfield(lua, -2, "__metatable");
	lua_pop(lua, 1);
}

void value_open(lua_State *lua)
{
	static const luaL_Reg list[] = { { "__index", list_index },
					 { "__len", list_len },
					 { "__pairs", list_pairs },
					 { NULL, NULL } };
	static const luaL_Reg object[] = { { "__index", object_index },
					   { "__pairs", object_pairs },
					   { NULL, NULL } };
	static const luaL_Reg reference[] = { { "__index", reference_index },
					      { "__eq", reference_equal },
					      { "__concat", reference_concat },
					      { "__tostring", reference_text },
					      { NULL, NULL } };

	open_type(lua, LIST_NAME, list);
	open_type(lua, OBJECT_NAME, object);
	open_type(lua, REFERENCE_NAME, reference);
}
