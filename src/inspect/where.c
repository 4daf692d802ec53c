/*
 * where.c - compile and ask a condition over objects
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/where.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Numbers past those of all attributes. */
#define KNOWN_FIRST 0x7f000000U

enum known {
	KNOWN_ID,
	KNOWN_AGENT,
	KNOWN_TYPE,
	KNOWN_STATE,
	KNOWN_RULE_SET,
	KNOWN_MV,
	KNOWN_DN,
	KNOWN_ANCHOR,
	KNOWN_ERROR,
	KNOWN_PENDING,
	KNOWN_VALUE,
	KNOWN_COUNT,
};

/* An attribute that nobody has. */
#define KNOWN_NOTHING (KNOWN_FIRST + KNOWN_COUNT)

static const char *const known_names[KNOWN_COUNT] = {
	"@id", "@agent",  "@type",  "@state",   "@rule_set", "@mv",
	"@dn", "@anchor", "@error", "@pending", "@value",
};

struct where {
	struct display *display;
	const struct config_agent *agent;
	struct expr *expr;
	bool asked[KNOWN_COUNT];
	bool any_name;
	const struct where_object *object; /* at hand */
	struct arena *arena;
	int64_t failed;
	char why[256];
};

/* --- names ------------------------------------------------------------- */

static const struct attr_def *def_of(const struct where *where, uint32_t id,
				     struct sv name)
{
	const struct config *config = where->display->config;
	size_t index;
	size_t i;

	for (i = 0; !where->agent && i < config->mv_type_count; i++) {
		const struct config_mv_attr *found =
			config_mv_attr_find(&config->mv_types[i], id);

		if (found)
			return &found->attr.def;
	}
	for (i = 0; where->agent && i < where->agent->type_count; i++)
		if (object_type_attr(&where->agent->types[i], name, &index))
			return &where->agent->types[i].attrs[index];
	return NULL;
}

static int find_known(struct where *where, struct sv name,
		      struct expr_attr *out)
{
	size_t i;

	for (i = 0; i < KNOWN_COUNT; i++) {
		if (!sv_ieq_str(name, known_names[i]))
			continue;
		where->asked[i] = true;
		out->id = KNOWN_FIRST + (uint32_t)i;
		out->type = VALUE_STRING;
		out->multi = i == KNOWN_ERROR || i == KNOWN_PENDING;
		out->name = known_names[i];
		return 1;
	}
	return 0;
}

static int find_attr(void *data, enum expr_view view, struct sv name,
		     struct expr_attr *out)
{
	struct where *where = data;
	const struct attr_def *def;
	const char *known;
	uint32_t i;

	(void)view;
	memset(out, 0, sizeof(*out));
	out->match = MATCH_IGNORE_CASE;
	if (name.len && name.ptr[0] == '@')
		return find_known(where, name, out);
	for (i = 1; (known = store_attr_name(where->display->store, i)); i++)
		if (sv_ieq_str(name, known))
			break;
	if (!known && where->any_name) {
		out->id = KNOWN_NOTHING;
		out->type = VALUE_STRING;
		out->name = "";
		return 1;
	}
	if (!known || display_is_secret(known))
		return 0;
	out->id = i;
	out->name = known;
	def = def_of(where, i, sv_from(known));
	if (def) {
		out->type = def->type == VALUE_REFERENCE ? VALUE_STRING
							 : def->type;
		out->multi = def->multi;
		out->match = def->match;
	}
	return 1;
}

static const char *suggest(void *data, enum expr_view view, struct sv name)
{
	const struct where *where = data;
	VEC(const char *) names = VEC_INIT;
	const char *known;
	const char *near;
	uint32_t i;

	(void)view;
	if (name.len && name.ptr[0] == '@')
		return sv_nearest(name, known_names, KNOWN_COUNT);
	for (i = 1; (known = store_attr_name(where->display->store, i)); i++)
		if (!display_is_secret(known))
			vec_push(&names, known);
	near = sv_nearest(name, names.at, names.len);
	vec_release(&names);
	return near;
}

static int compile(struct where *where, struct display *display,
		   const struct config_agent *agent, struct sv text,
		   struct arena *arena, struct expr_message *problem)
{
	const struct expr_scope scope = {
		.data = where,
		.attr = find_attr,
		.suggest = suggest,
	};

	where->display = display;
	where->agent = agent;
	return expr_compile(text, &scope, arena, &where->expr, problem, NULL,
			    NULL);
}

int where_compile(struct display *display, const struct config_agent *agent,
		  struct sv text, struct arena *arena, struct where **out,
		  struct error *err)
{
	struct where *where = arena_zalloc(arena, sizeof(*where));
	struct expr_message problem;

	*out = where;
	if (compile(where, display, agent, text, arena, &problem) == 0)
		return 0;
	return error_set(err, ERR_INVALID, "--where, at character %zu: %s",
			 text_len(sv_sub(text, 0, problem.offset)) + 1,
			 problem.text);
}

int where_compile_any(struct display *display, const struct config_agent *agent,
		      struct sv text, struct arena *arena, struct where **out,
		      struct expr_message *problem)
{
	*out = arena_zalloc(arena, sizeof(**out));
	(*out)->any_name = true;
	return compile(*out, display, agent, text, arena, problem);
}

struct asked_equalities {
	void (*fn)(void *data, uint32_t attr, const struct value *value);
	void *data;
};

static void on_equality(void *data, uint32_t id, const struct value *value)
{
	const struct asked_equalities *asked = data;

	if (id < KNOWN_FIRST)
		asked->fn(asked->data, id, value);
}

void where_equalities(const struct where *where,
		      void (*fn)(void *data, uint32_t attr,
				 const struct value *value),
		      void *data)
{
	struct asked_equalities asked = { fn, data };

	expr_equalities(where->expr, on_equality, &asked);
}

bool where_needs_names(const struct where *where)
{
	return where->asked[KNOWN_DN];
}

bool where_needs_errors(const struct where *where)
{
	return where->asked[KNOWN_ERROR];
}

/* --- values ------------------------------------------------------------ */

static struct values one(struct where *where, struct sv text)
{
	struct value *value = arena_alloc(where->arena, sizeof(*value));

	*value = value_string(text);
	return (struct values){ value, text.len ? 1 : 0 };
}

static struct values list(struct where *where, const struct sv *texts,
			  size_t count)
{
	struct values values = { NULL, count };
	size_t i;

	values.at = arena_array(where->arena, count + 1, sizeof(*values.at));
	for (i = 0; i < count; i++)
		values.at[i] = value_string(texts[i]);
	return values;
}

static struct values pending_of(struct where *where)
{
	const struct where_object *object = where->object;
	struct sv words[3];
	size_t count = 0;

	if (object->import)
		words[count++] = SV_LIT("import");
	if (object->export)
		words[count++] = SV_LIT("export");
	if (object->awaiting)
		words[count++] = SV_LIT("awaiting");
	return list(where, words, count);
}

static struct values known_values(struct where *where, enum known which)
{
	const struct where_object *object = where->object;

	switch (which) {
	case KNOWN_ID:
		return one(where, object->id);
	case KNOWN_AGENT:
		return one(where, sv_from(object->agent));
	case KNOWN_TYPE:
		return one(where, sv_from(object->type));
	case KNOWN_STATE:
		return one(where, sv_from(object->state));
	case KNOWN_RULE_SET:
		return one(where, sv_from(object->rule_set));
	case KNOWN_MV:
		return object->mv ? one(where, sv_from(arena_printf(
						       where->arena, "%lld",
						       (long long)object->mv)))
				  : (struct values){ NULL, 0 };
	case KNOWN_DN:
		return one(where, object->dn);
	case KNOWN_ANCHOR:
		return one(where, object->anchor);
	case KNOWN_ERROR:
		return list(where, object->errors, object->error_count);
	case KNOWN_PENDING:
		return pending_of(where);
	case KNOWN_VALUE:
		return one(where, object->value);
	case KNOWN_COUNT:
		break;
	}
	return (struct values){ NULL, 0 };
}

/* References are texts here, as they are shown. */
static struct values as_texts(struct where *where, const struct values *values)
{
	struct error ignored = ERROR_INIT;
	struct values out = { NULL, values->len };
	size_t i;

	out.at = arena_array(where->arena, values->len, sizeof(*out.at));
	for (i = 0; i < values->len; i++) {
		struct sv text = SV_NULL;

		(void)display_value(where->display, &values->at[i],
				    where->object->space, where->arena, &text,
				    &ignored);
		out.at[i] = value_string(text);
	}
	return out;
}

static int get_values(void *data, enum expr_view view, uint32_t id,
		      struct values *out)
{
	struct where *where = data;
	const struct values *values;

	(void)view;
	if (id >= KNOWN_FIRST) {
		*out = known_values(where, (enum known)(id - KNOWN_FIRST));
		return 0;
	}
	values = image_get(where->object->image, id);
	*out = values ? *values : (struct values){ NULL, 0 };
	if (out->len && out->at[0].type == VALUE_REFERENCE)
		*out = as_texts(where, out);
	return 0;
}

static void begin(struct where *where, const struct where_object *object,
		  struct arena *arena, struct expr_env *env)
{
	*env = (struct expr_env){
		.data = where,
		.now = clock_now(),
		.attr = get_values,
	};
	where->object = object;
	where->arena = arena;
}

static void note_failure(struct where *where, const struct error *err)
{
	if (!where->failed++)
		(void)snprintf(where->why, sizeof(where->why), "%s", err->msg);
}

int where_test(struct where *where, const struct where_object *object,
	       struct arena *arena)
{
	struct error err = ERROR_INIT;
	struct expr_env env;
	bool says = false;

	begin(where, object, arena, &env);
	if (expr_eval_condition(where->expr, &env, arena, &says, &err) == 0)
		return says;
	note_failure(where, &err);
	return 0;
}

struct sv where_text(struct where *where, const struct where_object *object,
		     struct arena *arena)
{
	struct error err = ERROR_INIT;
	struct expr_result result;
	struct sv text = SV_NULL;
	struct expr_env env;

	begin(where, object, arena, &env);
	if (expr_eval(where->expr, &env, arena, &result, &err) < 0 ||
	    (result.kind == EXPR_VALUES &&
	     display_value(where->display, &result.values.at[0], object->space,
			   arena, &text, &err) < 0))
		note_failure(where, &err);
	return text;
}

int64_t where_failed(const struct where *where, const char **why_out)
{
	*why_out = where->why;
	return where->failed;
}
