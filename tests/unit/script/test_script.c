/*
 * test_script.c - functions of rules: values, limits, what the sandbox has and
 * what it has not
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../expr/harness.h"

#include "script/script.h"

#include <pthread.h>

static struct script *script;

static const struct expr_extern *find(void *data, struct sv name)
{
	(void)data;
	return script_find(script, name);
}

static int begin(void **state)
{
	(void)state;
	forget();
	script = script_new();
	functions = find;
	return 0;
}

static int end(void **state)
{
	(void)state;
	script_free(script);
	script = NULL;
	return 0;
}

static void load(const char *text)
{
	struct error err = ERROR_INIT;
	int line;

	if (script_load(script, "rules/t.lua", sv_from(text), &line, &err) < 0)
		fail_msg("%d: %s", line, err.msg);
}

static void load_fails(const char *text, int expected_line, const char *part)
{
	struct error err = ERROR_INIT;
	int line;

	assert_int_equal(
		script_load(script, "rules/t.lua", sv_from(text), &line, &err),
		-1);
	if (!strstr(err.msg, part))
		print_message("said: %s\n", err.msg);
	assert_non_null(strstr(err.msg, part));
	assert_int_equal(line, expected_line);
}

/* A function f of these lines of Lua, called as `call`. */
static void lua_gives(const char *lua, const char *call, const char *expected)
{
	end(NULL);
	script = script_new();
	load(lua);
	gives(call, expected);
}

static void lua_says(const char *lua, const char *call, const char *part)
{
	end(NULL);
	script = script_new();
	load(lua);
	says(call, part);
}

/* ---- values ---- */

static void values(void **state)
{
	(void)state;
	load("function same(v) return v end\n"
	     "function kind(v) return math.type(v) or type(v) end\n");
	has("s", VALUE_STRING, "Zoë");
	has("i", VALUE_INTEGER, "-9223372036854775808");
	has("b", VALUE_BOOLEAN, "true");
	has("d", VALUE_DATETIME, "2026-11-21T09:30:00Z");
	has("x", VALUE_BINARY, "ff0001");
	has("none", VALUE_STRING, NULL);
	gives("same([s])", "Zoë");
	gives("same([i])", "-9223372036854775808");
	gives("same([b])", "True");
	gives("same([d])", "2026-11-21T09:30:00Z");
	gives("same([x])", "ff0001");
	gives("same([none])", "NULL");
	gives("same()", "NULL");
	gives("kind([s])", "string");
	gives("kind([i])", "integer");
	gives("kind([b])", "boolean");
	gives("kind([d])", "string");
	gives("kind(NULL)", "nil");
	gives("same(IgnoreThisFlow)", "IgnoreThisFlow");
	gives("Len(same([s])) + 1", "4");
	gives("IIF(same([b]), \"y\", \"n\")", "y");
	gives("CDate(same([d])) = [d]", "True");
}

static void lists(void **state)
{
	(void)state;
	load("function same(v) return v end\n"
	     "function count(v) return v and #v or 0 end\n"
	     "function first(v) return v[1] end\n"
	     "function join(v) return table.concat(v, '+') end\n"
	     "function sorted(v)\n"
	     "  local t = {}\n"
	     "  for _, x in ipairs(v) do t[#t + 1] = x end\n"
	     "  table.sort(t) return t end\n"
	     "function turned(v)\n"
	     "  local t = {}\n"
	     "  for i, x in pairs(v) do t[#v + 1 - i] = x end\n"
	     "  return t end\n"
	     "function copy(v) return { table.unpack(v) } end\n"
	     "function set(v) v[1] = 'x' end\n"
	     "function beyond(v) return v[0] == nil and v[9] == nil end\n");
	has("m", VALUE_STRING, "b|c|a");
	has_multi("one", VALUE_STRING, "x");
	has_multi("empty", VALUE_STRING, NULL);
	gives("same([m])", "b | c | a");
	gives("count([m])", "3");
	gives("count([one])", "1");
	gives("count([empty])", "0");
	gives("first([m])", "b");
	gives("join([m])", "b+c+a");
	gives("sorted([m])", "a | b | c");
	gives("turned([m])", "a | c | b");
	gives("copy([m])", "b | c | a");
	gives("same(Split(\"p;q\", \";\"))", "p | q");
	gives("Join(sorted([m]), \"/\")", "a/b/c");
	gives("count(UCase([m]))", "3");
	gives("beyond([m])", "True");
	says("set([m])", "this is read-only");
}

static void references(void **state)
{
	struct sample *s;

	(void)state;
	load("function same(v) return v end\n"
	     "function text(v) return v.text end\n"
	     "function ou(v) return v.text:match(',(.*)') end\n"
	     "function joined(v) return '<' .. v .. '>' end\n"
	     "function equal(a, b) return a == b end\n"
	     "function kind(v) return type(v) end\n"
	     "function wrong(v) return v.name end\n");
	s = has("manager", VALUE_REFERENCE, "CN=a,OU=x");
	s->values.at[0].number = 7;
	s = has("other", VALUE_REFERENCE, "CN=b");
	s->values.at[0].number = 7;
	has("dn", VALUE_REFERENCE, "CN=me,OU=x");
	gives("same([manager])", "CN=a,OU=x");
	gives("text([manager])", "CN=a,OU=x");
	gives("ou([manager])", "OU=x");
	gives("joined([manager])", "<CN=a,OU=x>");
	gives("equal([manager], [other])", "True");
	gives("kind([dn])", "string");
	says("wrong([manager])", "a reference has no 'name'");
}

static void wrong_results(void **state)
{
	(void)state;
	lua_says("function f() return 1.5 end", "f()", "the number 1.5");
	lua_says("function f() return f end", "f()", "it returned a function");
	lua_says("function f() return { a = 1 } end", "f()", "the key 'a'");
	lua_says("function f() return { 1, nil, 3, [9] = 1 } end", "f()",
		 "no list");
	lua_says("function f() return { {} } end", "f()",
		 "it returned a table");
	lua_gives("function f() return {} end", "f()", "NULL");
	lua_gives("function f() return 2.0 end", "f()", "2");
	lua_gives("function f() return ('a'):gsub('a', 'b') end", "f()", "b");
	lua_gives("function f() return '\\xff' end", "f()", "ff");
	lua_gives("function f() return conjoin.IgnoreThisFlow end", "f()",
		  "IgnoreThisFlow");
	lua_gives("function f() return conjoin.AuthoritativeNull end", "f()",
		  "AuthoritativeNull");
}

static void kept_lists(void **state)
{
	(void)state;
	load("local old\n"
	     "function f(v) old = old or v return old[1] end\n");
	has("m", VALUE_STRING, "a|b");
	gives("f([m])", "a");
	says("f([m])", "of an earlier call");
}

/* ---- errors ---- */

static void errors(void **state)
{
	(void)state;
	load("function f(v)\n"
	     "  return v.x.y\n"
	     "end\n"
	     "function g(v)\n"
	     "  local r = f({})\n"
	     "  return r\n"
	     "end\n"
	     "function own() conjoin.Error('no such site') end\n"
	     "function plain() error('bad') end\n"
	     "function strange() error({}) end\n"
	     "function caught()\n"
	     "  local ok, e = pcall(conjoin.Error, 'x')\n"
	     "  return ok, tostring(e)\n"
	     "end\n");
	says("f(NULL)", "error: extension-dll-exception: f: rules/t.lua:2: "
			"attempt to index a nil value");
	says("g(NULL)", "(field 'x') (called at rules/t.lua:5)");
	gives("own()", "error: no such site");
	says("plain()", "plain: rules/t.lua:9: bad");
	says("strange()", "it raised a table, not a text");
	gives("caught()", "False");
	says("f(1, 2)", "0: f takes at most 1 argument, 2 given "
			"(rules/t.lua:1)");
	says("g2(1)", "unknown function 'g2'");
}

static void stack_overflow(void **state)
{
	(void)state;
	lua_says("function f(n) return 1 + f(n) end", "f(1)", "extension-dll-");
	lua_says("function f(n) return pcall(f, n) and f(n) end", "f(1)",
		 "extension-dll-");
	lua_says("function f() return (('('):rep(300)):find(('('):rep(300)) "
		 "end",
		 "f()", "extension-dll-");
	lua_says("function f() return ('a'):rep(40):find(('(a'):rep(40)) end",
		 "f()", "more than 32 captures");
	lua_says("function f() return ('a'):rep(300):find(('a?'):rep(300)) end",
		 "f()", "too complex");
}

/* ---- limits ---- */

static void runs_away(const char *lua, const char *part)
{
	struct script_limits limits = { 20000, 2000000, (size_t)8 << 20 };

	end(NULL);
	script = script_new();
	script_limit(script, &limits);
	load(lua);
	says("f([a])", part);
	/* what came before leaves nothing behind */
	load("function good() return 'good' end");
	gives("good()", "good");
}

static void runaways(void **state)
{
	(void)state;
	has("a", VALUE_STRING, "x");
	runs_away("function f(a) while true do end end",
		  "extension-dll-timeout: f: rules/t.lua:1: it took more than "
		  "2000000 steps");
	runs_away("function f(a) while true do pcall(function() while true do "
		  "end end) end end",
		  "extension-dll-timeout");
	runs_away("function f(a) local function g() pcall(g) end while true do "
		  "g() end end",
		  "extension-dll-");
	runs_away("function f(a) local t = setmetatable({}, { __index = "
		  "function(t, k) return t[k + 1] end }) return t[1] end",
		  "extension-dll-");
	runs_away("function f(a) for i = 1, 1e9 do local s = ('x'):rep(1000) "
		  "end end",
		  "extension-dll-timeout");
	runs_away("function f(a) return ('a'):rep(10000):find("
		  "('a*'):rep(30) .. 'b') end",
		  "extension-dll-timeout");
	runs_away("function f(a) return ('a'):rep(10000):match("
		  "('.-'):rep(30) .. 'b') end",
		  "extension-dll-timeout");
	runs_away("function f(a) return (('a'):rep(100000):gsub('a*a*a*b', "
		  "'')) end",
		  "extension-dll-timeout");
	runs_away("function f(a) table.move({}, 1, 1 << 50, 2) end",
		  "the list is too long");
	runs_away(
		"function f(a) local t = setmetatable({}, { __len = function()"
		" return 1 << 50 end }) table.insert(t, 1, 1) end",
		"the list is too long");
	runs_away(
		"function f(a) local t = setmetatable({}, { __len = function()"
		" return 1 << 24 end }) table.remove(t, 1) end",
		"extension-dll-timeout");
	runs_away(
		"function f(a) return (''):rep(1 << 60) .. ('x'):rep(1 << 60) "
		"end",
		"the text would be too long");
}

static void takes_long(const char *lua)
{
	struct script_limits limits = { 50, UINT64_MAX, (size_t)64 << 20 };

	end(NULL);
	script = script_new();
	script_limit(script, &limits);
	load(lua);
	says("f()", "it ran longer than 50 ms");
}

static void time_limit(void **state)
{
	(void)state;
	takes_long("function f() while true do end end");
	takes_long("function f() while true do pcall(f) end end");
	/* much is copied in few instructions */
	takes_long("function f() local s = ('x'):rep(1 << 22) while true do "
		   "local t = s .. 'y' end end");
}

static void memory(void **state)
{
	(void)state;
	has("a", VALUE_STRING, "x");
	runs_away("function f(a) return ('x'):rep(1 << 22) .. ('y'):rep(1 << "
		  "22) end",
		  "needs more than 8 MB of memory");
	runs_away(
		"function f(a) local t = {} for i = 1, 1e9 do t[i] = i end end",
		"extension-dll-");
	runs_away(
		"function f(a) local s = 'x' while true do s = s .. s end end",
		"needs more than 8 MB");
	runs_away("function f(a) local s = 'x' while true do pcall(function() "
		  "s = s .. s end) end end",
		  "extension-dll-");
	runs_away("function f(a) local t = {} while true do t = { t } end end",
		  "extension-dll-");
	runs_away("function f(a) error(('x'):rep(4000000)) end",
		  "extension-dll-");
}

/* ---- the sandbox ---- */

static void left_out(void **state)
{
	static const char *const names[] = {
		"io",
		"os",
		"require",
		"package",
		"debug",
		"load",
		"loadstring",
		"dofile",
		"loadfile",
		"collectgarbage",
		"coroutine",
		"_G",
		"rawset",
		"getmetatable",
		"next",
		"print",
		"xpcall",
		"warn",
		"string.dump",
		"math.random",
		"math.randomseed",
	};
	char text[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		(void)snprintf(text, sizeof(text),
			       "function f() return %s == nil end", names[i]);
		lua_gives(text, "f()", "True");
	}
}

static void read_only(void **state)
{
	(void)state;
	lua_says("function f() x = 1 end", "f()",
		 "the global 'x' cannot be set in a call: write 'local'");
	lua_says("count = 0 function f() count = count + 1 end", "f()",
		 "the global 'count' cannot be set");
	lua_says("function f() string.lower = nil end", "f()",
		 "'lower' cannot be set: this is read-only");
	lua_says("function f() setmetatable(string, {}) end", "f()",
		 "cannot be changed");
	lua_says("function f() setmetatable({}, { __gc = f }) end", "f()",
		 "'__gc' is not for rules");
	lua_gives("local t = { a = 1 } function f() return t.a end", "f()",
		  "1");
	load_fails("local x = ", 1, "unexpected symbol");
	load_fails("\n\nerror('no')", 3, "no");
	load_fails("\x1bLua", 0, "attempt to load a binary chunk");
	load_fails("while true do end", 1, "steps");
	load_fails("local a <const> = 1\na = 2", 2, "const");
}

static void order(void **state)
{
	(void)state;
	lua_gives("function f() local t, out = { z = 1, a = 2, m = 3, 'one', "
		  "'two' }, {}\n"
		  "for k, v in pairs(t) do out[#out + 1] = k .. '=' .. v end\n"
		  "return table.concat(out, ' ') end",
		  "f()", "1=one 2=two a=2 m=3 z=1");
	lua_gives("function f() return tostring({}) .. tostring(f) .. "
		  "tostring(1) .. tostring(nil) end",
		  "f()", "tablefunction1nil");
	lua_gives("function f() return string.format('%s %5.1f %s %q %s', {}, "
		  "1.25, nil, 'x', conjoin.IgnoreThisFlow) end",
		  "f()", "table   1.2 nil \"x\" userdata");
	lua_says("function f() return string.format('%10p', {}) end", "f()",
		 "%p is not for rules");
}

static void files(void **state)
{
	struct error err = ERROR_INIT;
	int line;

	(void)state;
	load("function a() return b() end\nlocal function hidden() end");
	assert_int_equal(script_load(script, "rules/u.lua",
				     SV_LIT("function b() return 'b' end"),
				     &line, &err),
			 0);
	assert_int_equal(script_count(script), 2);
	assert_string_equal(script_function(script, 0)->where, "rules/t.lua:1");
	gives("a()", "b");
	assert_int_equal(script_load(script, "rules/v.lua",
				     SV_LIT("\nfunction a() end"), &line, &err),
			 -1);
	assert_string_equal(err.msg, "the function 'a' is there already "
				     "(rules/t.lua:1); give one of them "
				     "another name");
	assert_int_equal(line, 2);
	assert_string_equal(script_nearest(script, SV_LIT("B")), "b");
}

/* ---- libraries ---- */

static void texts(void **state)
{
	(void)state;
	load("function call(name, ...) return text[name](...) end\n"
	     "function upper(s) return s:upper() end\n");
	gives("call(\"lower\", \"ÄÖ\")", "äö");
	gives("call(\"upper\", \"äö\")", "ÄÖ");
	gives("upper(\"äb\")", "ÄB");
	gives("call(\"fold\", \"Straße\")", "strasse");
	gives("call(\"same\", \"STRASSE\", \"straße\")", "True");
	gives("call(\"len\", \"Zoë\")", "3");
	gives("call(\"sub\", \"Zoë\", 3)", "ë");
	gives("call(\"sub\", \"Zoë\", -2)", "oë");
	gives("call(\"sub\", \"Zoë\", 1, 2)", "Zo");
	gives("call(\"sub\", \"Zoë\", 1, -2)", "Zo");
	gives("call(\"sub\", \"Zoë\", 5)", "");
	gives("call(\"sub\", \"Zoë\", -9, 1)", "Z");
	gives("call(\"trim\", \" \t a b  \")", "a b");
	gives("call(\"trim\", \"   \")", "");
	gives("call(\"len\", call(\"normalise\", \"é\", \"NFD\"))", "2");
	gives("call(\"normalise\", \"ﬁ\", \"NFKC\")", "fi");
	says("call(\"normalise\", \"x\", \"NFX\")", "invalid option 'NFX'");
}

static void helpers(void **state)
{
	(void)state;
	load("function add(d, days)\n"
	     "  return conjoin.Date(conjoin.Seconds(d) + days * 86400) end\n"
	     "function look(k) return conjoin.Lookup('sites', k, 'city') end\n");
	has("d", VALUE_DATETIME, "2026-02-28T09:30:00Z");
	gives("add([d], 1)", "2026-03-01T09:30:00Z");
	says("add(\"soon\", 1)", "'soon' is no date");
	gives("look(\"nowhere at all\")", "NULL");
}

/* What Lua's own manual says of patterns. */
static void patterns(void **state)
{
	static const struct {
		const char *call;
		const char *gives;
	} cases[] = {
		{ "('hello world'):find('wor')", "7,9" },
		{ "('hello world'):find('o', 6)", "8,8" },
		{ "('a.b'):find('.', 1, true)", "2,2" },
		{ "('a.b'):find('%.')", "2,2" },
		{ "('abc'):find('', 4)", "4,3" },
		{ "('abc'):find('', 5)", "nil" },
		{ "('abc'):find('b', -1)", "nil" },
		{ "('abc'):match('^b')", "nil" },
		{ "('abc'):match('^(a)(.)')", "a,b" },
		{ "('abc'):match('()b()')", "2,3" },
		{ "('key = value'):match('^(%w+)%s*=%s*(%w+)$')", "key,value" },
		{ "('  x  '):match('^%s*(.-)%s*$')", "x" },
		{ "('[[x]]'):match('%[(%b[])%]')", "[x]" },
		{ "('THE (quick) fox'):find('%((%a+)%)')", "5,11,quick" },
		{ "('THE (quick) fox'):gsub('%f[%a]%a+', '-')", "- (-) -,3" },
		{ "('hello'):gsub('l', { l = 'L' })", "heLLo,2" },
		{ "('hello'):gsub('(h)(e)', '%2%1%0')", "ehhello,1" },
		{ "('abc'):gsub('', '-')", "-a-b-c-,4" },
		{ "('abc'):gsub('%w', '%0%0', 2)", "aabbc,2" },
		{ "('hello world'):gsub('o', string.upper)", "hellO wOrld,2" },
		{ "('abc'):gsub('b', '%%')", "a%c,1" },
		{ "('aaa'):gsub('^a', 'b')", "baa,1" },
		{ "('a1b22'):gsub('%d+', function(d) return '<' .. d .. '>' "
		  "end)",
		  "a<1>b<22>,2" },
		{ "('\"x\"'):match('([\"\\'])(.-)%1')", "\",x" },
		{ "('x^y'):match('[%^]')", "^" },
		{ "(']'):match('[]]')", "]" },
		{ "('a-b'):match('[a-]+')", "a-" },
		{ "('abc'):match('[^a-b]')", "c" },
		{ "('aab'):match('a-b')", "aab" },
		{ "('ab'):match('a?b?c?')", "ab" },
		{ "('x'):match('$')", "" },
		{ "('a$'):match('a$$')", "a$" },
		{ "('\\0a'):find('%z')", "nil" },
		{ "('äö'):len()", "4" },
	};
	struct strbuf text = STRBUF_INIT(4096);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		strbuf_reset(&text);
		strbuf_addf(&text,
			    "local function show(...) local t = { ... }\n"
			    "for i = 1, select('#', ...) do t[i] = "
			    "tostring(t[i]) end\n"
			    "return table.concat(t, ',') end\n"
			    "function f() return show(%s) end",
			    cases[i].call);
		lua_gives(strbuf_cstr(&text), "f()", cases[i].gives);
	}
	strbuf_release(&text);
	lua_gives("function f() local t = {} for k, v in ('a=1, b=2'):gmatch("
		  "'(%w+)=(%w+)') do t[#t + 1] = v .. k end return "
		  "table.concat(t) end",
		  "f()", "1a2b");
	lua_gives("function f() local n = 0 for _ in ('abc'):gmatch('') do n = "
		  "n + 1 end return n end",
		  "f()", "4");
	lua_says("function f() return ('a'):find('[a') end", "f()",
		 "without its ']'");
	lua_says("function f() return ('a'):find('%') end", "f()",
		 "the pattern ends with '%'");
	lua_says("function f() return ('a'):match('(a') end", "f()",
		 "without its ')'");
	lua_says("function f() return ('a'):match('a)') end", "f()",
		 "without its '('");
	lua_says("function f() return ('a'):gsub('a', '%2') end", "f()",
		 "no capture %2");
}

/* ---- { lua: f } ---- */

static void objects(void **state)
{
	struct expr_field field[] = { { "sn", 1, false, false },
				      { "mails", 2, true, false },
				      { "title", 3, false, false } };
	struct expr_fields fields = { field, 3, false };
	struct expr_hook_arg arg = { EXPR_VIEW_HERE, &fields };
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct expr_result result;
	struct expr_env env;
	const struct expr *expr;

	(void)state;
	has("sn", VALUE_STRING, "Smith");
	has_multi("mails", VALUE_STRING, "a@x");
	has("title", VALUE_STRING, NULL);
	load("function f(o)\n"
	     "  local out = {}\n"
	     "  for k, v in pairs(o) do out[#out + 1] = k end\n"
	     "  return o.SN .. #o.mails .. tostring(o.title) .. #out\n"
	     "end\n"
	     "function wrong(o) return o.titel end\n"
	     "function set(o) o.sn = 'x' end\n"
	     "function whole(o) return o end\n");
	env_fill(&env);
	expr = expr_hook(script_find(script, SV_LIT("f")), &arg, 1, &arena);
	assert_string_equal(expr_source(expr).ptr, "lua: f (rules/t.lua:1)");
	assert_int_equal(expr_eval(expr, &env, &arena, &result, &err), 0);
	assert_true(sv_eq_str(result.values.at[0].text, "Smith1nil2"));
	expr = expr_hook(script_find(script, SV_LIT("wrong")), &arg, 1, &arena);
	assert_int_equal(expr_eval(expr, &env, &arena, &result, &err), -1);
	assert_non_null(strstr(err.msg, "no attribute 'titel' here (did you "
					"mean 'title'?)"));
	fields.named = true;
	assert_int_equal(expr_eval(expr, &env, &arena, &result, &err), -1);
	assert_non_null(strstr(err.msg, "'titel' is not among the attributes "
					"that 'reads' names"));
	expr = expr_hook(script_find(script, SV_LIT("set")), &arg, 1, &arena);
	assert_int_equal(expr_eval(expr, &env, &arena, &result, &err), -1);
	assert_non_null(strstr(err.msg, "read-only"));
	expr = expr_hook(script_find(script, SV_LIT("whole")), &arg, 1, &arena);
	assert_int_equal(expr_eval(expr, &env, &arena, &result, &err), -1);
	assert_non_null(strstr(err.msg, "it returned an object"));
	arena_release(&arena);
}

/* ---- threads ---- */

static void *call_often(void *failed)
{
	const struct expr_extern *fn = script_find(script, SV_LIT("f"));
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct value one = value_integer(0);
	struct expr_arg arg = { .kind = EXPR_ARG_VALUES,
				.values = { &one, 1 } };
	struct expr_result result;
	int64_t i;

	for (i = 0; i < 2000; i++) {
		one.number = i;
		int ret = fn->call(fn, NULL, &arg, 1, &arena, &result, &err);

		if (ret < 0 || result.values.at[0].number != i + 1)
			return failed;
		arena_reset(&arena);
	}
	arena_release(&arena);
	return NULL;
}

static void threads(void **state)
{
	pthread_t all[4];
	void *failed;
	size_t i;

	(void)state;
	load("function f(n) return n + 1 end");
	for (i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&all[i], NULL, call_often, script), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(all[i], &failed), 0);
		assert_null(failed);
	}
}

#undef CASE
#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(values),         CASE(lists),      CASE(references),
		CASE(wrong_results),  CASE(kept_lists), CASE(errors),
		CASE(stack_overflow), CASE(runaways),   CASE(time_limit),
		CASE(memory),         CASE(left_out),   CASE(read_only),
		CASE(order),          CASE(files),      CASE(texts),
		CASE(helpers),        CASE(patterns),   CASE(objects),
		CASE(threads),
	};

	return cmocka_run_group_tests(tests, NULL, release_all);
}
