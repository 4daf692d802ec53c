/*
 * rules.c - evaluate expressions over objects
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rules/rules.h"

#include "base/map.h"
#include "base/text.h"

#include <string.h>

struct eval {
	const struct rules_env *env;
	const struct rules_view *view;
};

static int read_attr(void *data, enum expr_view which, uint32_t id,
		     struct values *out)
{
	const struct eval *eval = data;
	const struct rules_object *object = NULL;
	const struct values *values;

	switch (which) {
	case EXPR_VIEW_HERE:
		object = &eval->view->here;
		break;
	case EXPR_VIEW_IMPORTED:
		object = &eval->view->imported;
		break;
	case EXPR_VIEW_CURRENT:
		object = &eval->view->current;
		break;
	case EXPR_VIEW_METAVERSE:
		object = &eval->view->metaverse;
		break;
	}
	values = object && object->get ? object->get(object->data, id) : NULL;
	out->at = values ? values->at : NULL;
	out->len = values ? values->len : 0;
	return 0;
}

static int look_up(void *data, struct sv table, struct sv key, struct sv column,
		   struct sv *out)
{
	const struct eval *eval = data;

	return config_lookup(eval->env->config, table, key, column, out);
}

static struct expr_env make_env(struct eval *eval)
{
	struct expr_env env;

	memset(&env, 0, sizeof(env));
	env.data = eval;
	env.now = eval->env->now;
	env.as_of = eval->env->as_of;
	env.due = eval->env->due;
	env.counter = eval->view->counter;
	env.gap = eval->view->gap;
	env.attr = read_attr;
	env.lookup = look_up;
	return env;
}

int rules_eval(const struct rules_env *env, const struct expr *expr,
	       const struct rules_view *view, struct arena *arena,
	       struct expr_result *out, struct error *err)
{
	struct eval eval = { env, view };
	struct expr_env expr_env;
	uint32_t id;

	if (expr_is_attr(expr, &id)) {
		/* a direct flow is a look-up */
		(void)read_attr(&eval, EXPR_VIEW_HERE, id, &out->values);
		out->kind = out->values.len ? EXPR_VALUES : EXPR_NULL;
		out->multi = out->values.len > 1;
		return 0;
	}
	expr_env = make_env(&eval);
	return expr_eval(expr, &expr_env, arena, out, err);
}

int rules_condition(const struct rules_env *env, const struct expr *expr,
		    const struct rules_view *view, struct arena *arena,
		    bool *out, struct error *err)
{
	struct eval eval = { env, view };
	struct expr_env expr_env;

	*out = true;
	if (!expr)
		return 0;
	expr_env = make_env(&eval);
	expr_env.as_of = 0; /* of values only */
	return expr_eval_condition(expr, &expr_env, arena, out, err);
}

int rules_text(const struct rules_env *env, const struct expr *expr,
	       const struct rules_view *view, struct arena *arena,
	       struct sv *out, struct error *err)
{
	struct expr_result result;

	if (rules_eval(env, expr, view, arena, &result, err) < 0)
		return -1;
	*out = SV_NULL;
	if (result.kind != EXPR_VALUES || !result.values.len)
		return 0;
	*out = value_text(&result.values.at[0], arena);
	return out->len > 0;
}

static int read_given(void *data, enum expr_view which, uint32_t id,
		      struct values *out)
{
	const struct rules_given *given = data;
	struct eval eval = { given->env, &given->view };

	return read_attr(&eval, which, id, out);
}

struct expr_arg rules_give(const struct rules_env *env,
			   const struct rules_view *view, enum expr_view which,
			   const struct expr_fields *fields,
			   struct rules_given *holder)
{
	holder->env = env;
	holder->view = *view;
	memset(&holder->made, 0, sizeof(holder->made));
	holder->made.data = holder;
	holder->made.attr = read_given;
	return (struct expr_arg){ .kind = EXPR_ARG_OBJECT,
				  .env = &holder->made,
				  .view = which,
				  .fields = fields };
}

int rules_call(const struct rules_env *env, const struct expr_extern *fn,
	       const struct expr_arg *args, size_t count, struct arena *arena,
	       struct expr_result *out, struct error *err)
{
	struct rules_view nothing = { 0 };
	struct eval eval = { env, &nothing };
	struct expr_env expr_env = make_env(&eval);

	return fn->call(fn, &expr_env, args, count, arena, out, err);
}

void rules_drop_empty(struct values *values, struct arena *arena)
{
	struct values kept = { NULL, 0 };
	size_t i;

	for (i = 0; i < values->len; i++)
		if (values->at[i].type == VALUE_STRING &&
		    !values->at[i].text.len)
			break;
	if (i == values->len)
		return;
	kept.at = arena_array(arena, values->len, sizeof(*kept.at));
	for (i = 0; i < values->len; i++)
		if (values->at[i].type != VALUE_STRING ||
		    values->at[i].text.len)
			kept.at[kept.len++] = values->at[i];
	*values = kept;
}

static int fit_value(struct value *value, const struct attr_def *def,
		     struct arena *arena, struct error *err)
{
	struct sv text;

	if (value->type == def->type)
		return 0;
	text = value_text(value, arena);
	/* bytes and text pass where they read as what is wanted */
	if ((value->type == VALUE_STRING || value->type == VALUE_BINARY ||
	     def->type == VALUE_STRING) &&
	    def->type != VALUE_REFERENCE && value->type != VALUE_REFERENCE &&
	    value_parse(def->type, text, def->format, value))
		return 0;
	return error_set(err, ERR_INVALID,
			 "cs-attribute-type-mismatch: '%s' takes a %s, the "
			 "rule gave the %s '" SV_FMT "'",
			 def->name, value_type_name(def->type),
			 value_type_name(value->type),
			 (int)(text.len > 60 ? 60 : text.len), text.ptr);
}

/* Past so many, texts are looked up and not compared each with each. */
#define MANY 32

static bool is_there(const struct values *kept, struct namemap *folded,
		     const struct value *value, enum match_rule match,
		     struct arena *arena)
{
	struct sv text = value->text;

	if (!folded)
		return values_have(kept, value, match);
	if (match == MATCH_IGNORE_CASE)
		text = text_fold(text, arena);
	if (namemap_get(folded, text, NULL))
		return true;
	namemap_put(folded, text, 1);
	return false;
}

/* Texts that the attribute does not tell apart are one value: the first. */
static void drop_same(struct values *values, const struct attr_def *def,
		      struct arena *arena)
{
	struct values kept = { NULL, 0 };
	struct namemap *folded = NULL;
	size_t i;

	if (values->len < 2 || def->type != VALUE_STRING)
		return;
	if (values->len > MANY)
		folded = namemap_new(false);
	kept.at = arena_array(arena, values->len, sizeof(*kept.at));
	for (i = 0; i < values->len; i++)
		if (!is_there(&kept, folded, &values->at[i], def->match, arena))
			kept.at[kept.len++] = values->at[i];
	if (folded)
		namemap_free(folded);
	if (kept.len < values->len)
		*values = kept;
}

int rules_fit_count(const struct values *values, const struct attr_def *def,
		    struct error *err)
{
	if (values->len <= 1 || def->multi)
		return 0;
	return error_set(err, ERR_INVALID,
			 "flow-multi-values-to-single-value: '%s' "
			 "takes one value, the rule gave %zu",
			 def->name, values->len);
}

static int make_fit(struct values *values, const struct attr_def *def,
		    struct arena *arena, struct error *err)
{
	struct values own = { NULL, 0 };
	size_t i;

	if (rules_fit_count(values, def, err) < 0)
		return -1;
	for (i = 0; i < values->len; i++)
		if (values->at[i].type != def->type)
			break;
	if (i == values->len)
		return 0;
	own = values_dup(values, arena);
	for (i = 0; i < own.len; i++)
		if (fit_value(&own.at[i], def, arena, err) < 0)
			return -1;
	*values = own;
	return 0;
}

int rules_fit(struct values *values, const struct attr_def *def,
	      struct arena *arena, struct error *err)
{
	if (make_fit(values, def, arena, err) < 0)
		return -1;
	drop_same(values, def, arena);
	return 0;
}
