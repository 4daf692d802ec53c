/*
 * scope.c - compile expressions where they stand
 *
 * A scope says what names mean: [a] is the connector space object in inbound
 * rules and the metaverse object in outbound ones. What an inbound rule reads
 * becomes an attribute that the agent imports. Problems point at the very
 * character inside the YAML scalar.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

struct scope scope_inbound(struct loader *loader, struct agent_draft *draft,
			   const struct config_rule_set *rule_set)
{
	return (struct scope){ .loader = loader,
			       .agent = draft,
			       .type = rule_set ? rule_set->type : ALL_TYPES,
			       .inbound = true,
			       .allow = EXPR_ALLOW_IMPORTED };
}

struct scope scope_outbound(struct loader *loader, struct agent_draft *draft,
			    const struct config_rule_set *rule_set)
{
	return (struct scope){
		.loader = loader,
		.agent = draft,
		.type = rule_set->type,
		.allow = EXPR_ALLOW_IMPORTED | EXPR_ALLOW_CURRENT,
		.mv_types = rule_set->mv_types,
		.mv_type_count = rule_set->mv_type_count,
		.mv_unknown = draft->rule_sets[rule_set->index].mv_unknown,
	};
}

struct scope scope_metaverse(struct loader *loader, const size_t *type)
{
	return (struct scope){ .loader = loader,
			       .mv_types = type,
			       .mv_type_count = 1 };
}

/* --- what the compiler asks -------------------------------------------- */

static int mv_attr(const struct scope *scope, struct sv name,
		   struct expr_attr *out)
{
	struct config_attr attr;

	if (mv_attr_over(scope->loader->config, scope->mv_types,
			 scope->mv_type_count, name, &attr)) {
		*out = (struct expr_attr){ .id = attr.id,
					   .type = attr.def.type,
					   .multi = attr.def.multi,
					   .match = attr.def.match,
					   .name = attr.def.name };
		return 1;
	}
	if (!scope->mv_unknown)
		return 0;
	*out = (struct expr_attr){ .id = attr_intern(scope->loader, name) };
	return 1;
}

/* The attribute in a type that has it already; else in all of them. */
static const struct attr_draft *attr_of_any(struct scope *scope, struct sv name)
{
	struct agent_draft *draft = scope->agent;
	const struct attr_draft *found = NULL;
	size_t index;
	size_t i;

	for (i = 0; i < draft->types.len; i++)
		if (draft_attr_find(draft, i, name, &index))
			return &draft->types.at[i].attrs.at[index];
	for (i = 0; i < draft->types.len; i++) {
		index = draft_attr(scope->loader, draft, i, name, scope->at);
		found = &draft->types.at[i].attrs.at[index];
	}
	return found;
}

static const struct attr_draft *attr_of_type(struct scope *scope,
					     struct sv name)
{
	size_t index;

	if (scope->type == ALL_TYPES)
		return attr_of_any(scope, name);
	index = draft_attr(scope->loader, scope->agent, scope->type, name,
			   scope->at);
	return &scope->agent->types.at[scope->type].attrs.at[index];
}

static int agent_attr(struct scope *scope, struct sv name,
		      struct expr_attr *out)
{
	const struct attr_draft *attr;

	if (!scope->agent || name.len == 0)
		return 0;
	if (sv_ieq_str(name, "dn") &&
	    draft_can(scope->agent, CONNECTOR_CAP_DN)) {
		*out = (struct expr_attr){ .id = ATTR_DN,
					   .type = VALUE_REFERENCE,
					   .name = "dn" };
		return 1;
	}
	if (flow_is_word(name))
		return 0;
	attr = attr_of_type(scope, name);
	if (!attr)
		return 0;
	*out = (struct expr_attr){
		.id = attr->id,
		.type = attr->def.type,
		.multi = attr->def.multi && attr->declared,
		.schema_multi = attr->def.multi && !attr->declared,
		.match = attr->def.match,
		.name = attr->def.name,
	};
	return 1;
}

static int ask_attr(void *data, enum expr_view view, struct sv name,
		    struct expr_attr *out)
{
	struct scope *scope = data;

	switch (view) {
	case EXPR_VIEW_HERE:
		return scope->inbound ? agent_attr(scope, name, out)
				      : mv_attr(scope, name, out);
	case EXPR_VIEW_IMPORTED:
	case EXPR_VIEW_CURRENT:
		return agent_attr(scope, name, out);
	case EXPR_VIEW_METAVERSE:
		return mv_attr(scope, name, out);
	}
	return 0;
}

static const char *ask_nearest(void *data, enum expr_view view, struct sv name)
{
	const struct scope *scope = data;

	if (view == EXPR_VIEW_METAVERSE ||
	    (view == EXPR_VIEW_HERE && !scope->inbound))
		return mv_attr_nearest(scope->loader->config, scope->mv_types,
				       scope->mv_type_count, name);
	return NULL;
}

static int ask_param(void *data, struct sv name, struct values *out)
{
	const struct scope *scope = data;

	return param_find(scope->loader, scope->agent, name, out);
}

static int ask_table(void *data, struct sv table, struct sv column)
{
	const struct scope *scope = data;

	return tables_have(scope->loader->snapshot->tables, table, column);
}

static const struct expr_extern *ask_function(void *data, struct sv name)
{
	const struct scope *scope = data;

	return script_find(scope->loader->snapshot->script, name);
}

static const char *ask_function_nearest(void *data, struct sv name)
{
	const struct scope *scope = data;

	return script_nearest(scope->loader->snapshot->script, name);
}

bool scope_attr(struct scope *scope, const struct node *at, enum expr_view view,
		struct sv name, struct expr_attr *out)
{
	const char *near;

	scope->at = at;
	if (ask_attr(scope, view, name, out))
		return true;
	near = ask_nearest(scope, view, name);
	problem_report(scope->loader, at, "no attribute '" SV_FMT "'%s",
		       SV_ARG(name),
		       read_suggest(scope->loader, name, &near, near ? 1 : 0));
	return false;
}

static void take_warning(void *data, const struct expr_message *message)
{
	const struct scope *scope = data;

	problem_inside(scope->loader, scope->at, message->offset, true,
		       message->text);
}

/* --- compiling --------------------------------------------------------- */

const struct expr *scope_rule(struct scope *scope, const struct node *at)
{
	struct expr_scope names = { .data = scope,
				    .allow = scope->allow,
				    .attr = ask_attr,
				    .suggest = ask_nearest,
				    .param = ask_param,
				    .table = ask_table,
				    .function = ask_function,
				    .function_nearest = ask_function_nearest };
	static const char *const keys[] = { "lua", "reads", NULL };
	struct expr_message message;
	struct expr *expr = NULL;

	if (read_absent(at))
		return NULL;
	if (hook_here(at)) {
		read_keys(scope->loader, at, keys);
		return hook_rule(scope, at);
	}
	if (at->kind != NODE_SCALAR) {
		problem_report(scope->loader, at,
			       "a rule must stand here: a name, or an "
			       "expression in single quotes");
		return NULL;
	}
	scope->at = at;
	if (expr_compile_rule(at->text, &names, scope->loader->arena, &expr,
			      &message, take_warning, scope) == 0) {
		scope->loader->config->uses_now |= expr_uses_now(expr);
		scope->loader->config->now_flows |= expr_now_flows(expr);
		return expr;
	}
	problem_inside(scope->loader, at, message.offset, false, message.text);
	return NULL;
}

const struct expr *scope_condition(struct scope *scope, const struct node *at)
{
	const struct expr *expr = scope_rule(scope, at);
	enum value_type type = expr ? expr_type(expr) : VALUE_NULL;

	if (type != VALUE_NULL && type != VALUE_BOOLEAN)
		problem_report(scope->loader, at,
			       "a condition is true or false, this is of type "
			       "%s: compare it with something, or write "
			       "CBool(...)",
			       value_type_name(type));
	return expr;
}

const struct expr *scope_text(struct scope *scope, const struct node *at)
{
	const struct expr *expr = scope_rule(scope, at);
	enum value_type type = expr ? expr_type(expr) : VALUE_NULL;

	if (type != VALUE_NULL && type != VALUE_STRING &&
	    type != VALUE_REFERENCE)
		problem_report(scope->loader, at,
			       "text is needed here, this is of type %s: write "
			       "CStr(...)",
			       value_type_name(type));
	return expr;
}

const struct expr **scope_conditions(struct scope *scope, const struct node *at,
				     size_t *count_out)
{
	size_t count = read_len(at);
	const struct expr **out =
		arena_array(scope->loader->arena, count, sizeof(*out));
	size_t i;

	*count_out = 0;
	for (i = 0; i < count; i++) {
		const struct expr *expr =
			scope_condition(scope, read_item(at, i));

		if (expr)
			out[(*count_out)++] = expr;
	}
	return out;
}

/* --- types of flows ---------------------------------------------------- */

static const struct {
	enum value_type from;
	enum value_type to;
	const char *hint;
} conversions[] = {
	{ VALUE_INTEGER, VALUE_STRING, "write CStr(...)" },
	{ VALUE_BOOLEAN, VALUE_STRING, "write CStr(...)" },
	{ VALUE_REFERENCE, VALUE_STRING, "write CStr(...)" },
	{ VALUE_DATETIME, VALUE_STRING,
	  "write FormatDateTime(..., \"yyyy-MM-dd\")" },
	{ VALUE_BINARY, VALUE_STRING, "write ConvertToBase64(...)" },
	{ VALUE_STRING, VALUE_INTEGER, "write CNum(...)" },
	{ VALUE_DATETIME, VALUE_INTEGER, "write NumFromDate(...)" },
	{ VALUE_BOOLEAN, VALUE_INTEGER, "write IIF(..., 1, 0)" },
	{ VALUE_STRING, VALUE_BOOLEAN, "write CBool(...)" },
	{ VALUE_INTEGER, VALUE_BOOLEAN, "write CBool(...)" },
	{ VALUE_STRING, VALUE_DATETIME, "write CDate(...)" },
	{ VALUE_INTEGER, VALUE_DATETIME, "write DateFromNum(...)" },
};

static const char *fit_hint(const struct scope *scope, enum value_type from,
			    enum value_type to)
{
	size_t i;

	if (from == VALUE_STRING && to == VALUE_REFERENCE) {
		if (scope->inbound &&
		    !draft_can(scope->agent, CONNECTOR_CAP_DN))
			return "write { lookup: ATTRIBUTE, of: TYPE, from: "
			       "... }, or declare the column with type: "
			       "reference";
		return "write CRef(...) when it is a DN";
	}
	for (i = 0; i < sizeof(conversions) / sizeof(*conversions); i++)
		if (conversions[i].from == from && conversions[i].to == to)
			return conversions[i].hint;
	return "there is no conversion; take another source";
}

void scope_fit(struct scope *scope, const struct node *at,
	       const struct expr *expr, enum value_type type, const char *name)
{
	enum value_type from = expr ? expr_type(expr) : VALUE_NULL;

	if (from == VALUE_NULL || type == VALUE_NULL || from == type)
		return;
	problem_report(scope->loader, at,
		       "'%s' is of type %s, the source of type %s: %s", name,
		       value_type_name(type), value_type_name(from),
		       fit_hint(scope, from, type));
}
