/*
 * script_private.h - what the files of this room share
 *
 * A machine is one Lua state with all files loaded. A call takes a free one
 * or makes one more, so any number of threads may call at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SCRIPT_SCRIPT_PRIVATE_H
#define SCRIPT_SCRIPT_PRIVATE_H

#include "base/vec.h"
#include "script/script.h"

#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>
#include <pthread.h>

/* Steps between two looks at the clock. */
#define TICK 1000

struct script_fn {
	struct expr_extern is;
	struct script *script;
	size_t index;
};

struct source {
	const char *name;
	struct sv text;
};

struct script {
	struct arena arena;
	struct script_limits limits;
	VEC(struct source) sources;
	VEC(struct script_fn *) functions; /* by name */
	pthread_mutex_t mutex;             /* for `free` */
	struct machine *free;
};

enum stop { STOP_NONE, STOP_STEPS, STOP_TIME };

struct machine {
	lua_State *lua;
	struct script *script;
	struct machine *next;
	int *refs; /* [function] */
	size_t ref_count;
	bool loading;   /* globals may be set */
	bool unlimited; /* memory is given: an error is being told */
	size_t memory;
	size_t turnover; /* bytes taken since the clock was looked at */
	/* the call that runs */
	uint64_t serial;
	uint64_t left; /* steps */
	int64_t deadline;
	enum stop stop;
	const struct expr_env *env;
	struct arena *arena;
};

static inline struct machine *machine_of(lua_State *lua)
{
	return *(struct machine **)lua_getextraspace(lua);
}

/* machine.c: 0; -1 with what is wrong */
struct machine *machine_new(struct script *script, struct error *err);
void machine_free(struct machine *m); /* accepts NULL */
/* Runs a file in it. */
int machine_load(struct machine *m, const struct source *source, int *line_out,
		 struct error *err);
/* Begins a call: the limits count from here. */
void machine_begin(struct machine *m, const struct expr_env *env,
		   struct arena *arena);
/* lua_pcall with the limits' and the traceback's words: `what` names it. */
int machine_call(struct machine *m, int args, int results, const char *what,
		 struct error *err);
/* Work that Lua does not count: raises an error past the limit. */
void machine_charge(lua_State *lua, uint64_t steps);
/* A text that is raised as it is: conjoin.Error(). */
#define ERROR_NAME "conjoin.error"

/* sandbox.c: the global environment, below which the registry's key
 * `sandbox_key` finds what files define; pushes nothing */
extern const char sandbox_key;
int sandbox_open(lua_State *lua); /* a Lua function of no arguments */
/* Pushes the environment that files see. */
void sandbox_push(lua_State *lua);

/* library.c: text, conjoin */
int library_text(lua_State *lua);
int library_conjoin(lua_State *lua);

/* pattern.c: find, match, gmatch, gsub, which count their steps */
extern const luaL_Reg pattern_functions[];

/* value.c */
void value_open(lua_State *lua); /* metatables */
void value_push_arg(lua_State *lua, const struct expr_arg *arg);
/* The value at the top as a result; raises what cannot be one. */
void value_take(lua_State *lua, struct expr_result *out);
void value_push_ignore(lua_State *lua);
void value_push_stop(lua_State *lua);
/* A string, or a reference's text; raises anything else. */
struct sv value_check_text(lua_State *lua, int arg);

#endif
