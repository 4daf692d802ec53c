/*
 * config_private.h - what the files of this room share
 *
 * config_load() goes through the folder in passes, because rules name things
 * that other files declare: read all files, note what is declared (types,
 * attributes, rule sets), infer the types of attributes, compile the rules,
 * then check what only the whole can tell. A draft keeps what grows meanwhile;
 * the snapshot is made from it at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONFIG_CONFIG_PRIVATE_H
#define CONFIG_CONFIG_PRIVATE_H

#include "base/map.h"
#include "base/vec.h"
#include "config/config.h"
#include "script/script.h"

/* --- nodes ------------------------------------------------------------- */

enum node_style { STYLE_PLAIN, STYLE_SINGLE, STYLE_DOUBLE, STYLE_BLOCK };

/* Every struct node of this room is the first member of one of these. */
struct source_node {
	struct node node;
	enum node_style style;
	bool one_line;   /* a character's column can be told */
	uint32_t weight; /* nodes below it, aliases written out */
};

struct loader;

/*
 * Reads one file's YAML. Anchors, aliases and `<<` are resolved; what is wrong
 * is reported. NULL when nothing could be read; an empty file is an empty map.
 */
struct node *yaml_parse(struct loader *loader, const char *file,
			struct sv text);
/* A node that stands where `place` does; `place` may be NULL. */
struct node *source_node_new(struct arena *arena, enum node_kind kind,
			     const struct node *place);

/* --- drafts ------------------------------------------------------------ */

struct attr_draft {
	attr_id id;
	struct attr_def def;
	bool declared; /* in the configuration */
	bool known;    /* to the connector */
	bool inferred; /* from a direct flow */
	const struct node *at;
};

struct type_draft {
	const char *name;
	VEC(struct attr_draft) attrs;
	struct namemap *index;
};

struct rule_set_draft {
	const struct node *node;
	bool mv_unknown; /* its metaverse type is wrong, which was reported */
};

struct agent_draft {
	struct config_agent *agent;
	const struct node *root; /* NULL: the file could not be read */
	VEC(struct type_draft) types;
	struct rule_set_draft *rule_sets; /* as agent->rule_sets */
	bool connect_good;                /* checked without problems */
	struct sv base; /* the first DN that objects lie under, or empty */
	char id[40];    /* %Connector.ID% */
};

struct param {
	struct sv name;
	struct values values;
	bool overridden; /* --set */
};

/* How one import flow puts its values into the metaverse. */
struct import_note {
	const struct config_rule_set *rule_set;
	attr_id attr;
	enum config_merge merge;
	const struct node *at;
};

/* Attributes that a Lua function may read, when all are known. */
struct fields_draft {
	struct expr_fields *fields;
	const struct agent_draft *agent; /* NULL: of metaverse types */
	size_t type;                     /* the agent's, or ALL_TYPES */
	const size_t *mv_types;
	size_t mv_type_count;
};

struct file_draft {
	const char *name; /* relative to the folder */
	const struct node *root;
};

/* The snapshot with what frees it; config is its first member. */
struct snapshot {
	struct config config;
	struct arena arena;
	struct namemap *attr_ids; /* "dn" of the agents without DNs is apart */
	struct tables *tables;
	const struct node *root;         /* conjoin.yaml */
	const struct node **agent_roots; /* as config.agents */
	struct script *script;           /* NULL: there is no rules/ */
};

struct loader {
	struct snapshot *snapshot;
	struct config *config; /* of the snapshot */
	struct arena *arena;   /* of the snapshot */
	const struct config_options *options;
	const struct node *root;    /* conjoin.yaml */
	const struct node *overlay; /* conjoin.ENVIRONMENT.yaml or NULL */
	VEC(struct file_draft) files;
	VEC(struct config_problem) problems;
	VEC(const char *) attr_names; /* [attr_id] */
	VEC(const char *) rule_texts; /* [rule] */
	VEC(struct param) params;
	struct value run_time;      /* %Run.Time% */
	struct agent_draft *agents; /* as config->agents */
	VEC(struct import_note) import_notes;
	VEC(struct fields_draft) fields;
	struct strbuf scripts;   /* text of rules/, for the hash */
	uint32_t rule_set_count; /* numbers given out */
	attr_id plain_dn;        /* a column "dn" of an agent without DNs */
	struct config_guards import_guards; /* of conjoin.yaml */
	struct config_guards export_guards;
};

/* --- problem.c: what is wrong, and where ------------------------------- */

void problem_at(struct loader *loader, const char *file, int line, int column,
		bool warning, const char *text);
void problem_report(struct loader *loader, const struct node *at,
		    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void problem_warn(struct loader *loader, const struct node *at, const char *fmt,
		  ...) __attribute__((format(printf, 3, 4)));
/* At the character `offset` bytes into the scalar `at`. */
void problem_inside(struct loader *loader, const struct node *at, size_t offset,
		    bool is_warning, const char *text);
/* Sorts, drops repetitions (an aliased node is looked at more than once) and
 * hands the list to the snapshot. */
void problems_finish(struct loader *loader);
/* The same with a list; `at` is put into order. */
void problems_set(struct config *config, struct arena *arena,
		  struct config_problem *at, size_t len);

/* --- read.c: keys, words, numbers -------------------------------------- */

/* No node, or a key with nothing behind it. */
bool read_absent(const struct node *node);
/* node_get, with NULL for what read_absent() calls absent. */
const struct node *read_find(const struct node *map, const char *key);
/* The node when it is a map; NULL when absent (silently) or something else
 * (reported). `what` names it: "'import'". */
const struct node *read_map(struct loader *loader, const struct node *node,
			    const char *what);
/* The text of a scalar; SV_NULL when absent or (reported) no scalar. */
struct sv read_text(struct loader *loader, const struct node *node,
		    const char *what);
/* Reports keys of `map` that are not in `names`, which ends with NULL. */
void read_keys(struct loader *loader, const struct node *map,
	       const char *const *names);
/* Where one item or a list of them may stand. */
size_t read_len(const struct node *node);
const struct node *read_item(const struct node *node, size_t i);
/* The index of the scalar in `words`, which ends with NULL; -1: reported.
 * Absent: `fallback`. */
int read_word(struct loader *loader, const struct node *node, const char *what,
	      const char *const *words, int fallback);
bool read_switch(struct loader *loader, const struct node *node,
		 const char *what, bool fallback);
/* ": did you mean 'x'?" for the nearest of names, or "". */
const char *read_suggest(struct loader *loader, struct sv word,
			 const char *const *names, size_t count);
/* { lua: f } stands here, where none can: reported, true. */
bool read_lua(struct loader *loader, const struct node *node);
/* Letters, digits, '-' and '_', so that AGENT.RULESET can be told apart. */
bool read_is_name(struct sv name);

/* --- attribute.c ------------------------------------------------------- */

/* The number of a name, given out when it is new. */
attr_id attr_intern(struct loader *loader, struct sv name);
/* Type names, "multi", ...: the long or short form of an attribute. False:
 * reported. `agent` tells whether it is one of an agent. */
bool attr_read_def(struct loader *loader, const struct node *name,
		   const struct node *node, bool of_agent, struct attr_def *out,
		   bool *index_out);
struct type_draft *draft_type(struct loader *loader, struct agent_draft *draft,
			      struct sv name, size_t *index_out);
/* The attribute of an agent's type, noted as wanted when it was not. */
size_t draft_attr(struct loader *loader, struct agent_draft *draft, size_t type,
		  struct sv name, const struct node *at);
/* 1: *index_out filled; 0: nobody has named it yet. */
int draft_attr_find(const struct agent_draft *draft, size_t type,
		    struct sv name, size_t *index_out);
/* `attributes:` of a rule set. */
void attrs_declare(struct loader *loader, struct agent_draft *draft,
		   size_t type, const struct node *node);
/* Types from direct flows: `column: name` has the metaverse's type. */
void attrs_infer(struct loader *loader, struct agent_draft *draft);
/* Makes agent->types; reports references that lead nowhere. */
void attrs_finish(struct loader *loader, struct agent_draft *draft);
/* The name in "name" or "[First Name]": 1, or 0 when it is an expression. */
int flow_simple_name(struct sv text, struct sv *name_out);
/* NULL, AuthoritativeNull, IgnoreThisFlow: results, not attributes. */
bool flow_is_word(struct sv name);
/* Name, type and multi over several metaverse types: type is VALUE_NULL when
 * they differ. 1 found in one at least; 0 in none. */
int mv_attr_over(const struct config *config, const size_t *types, size_t count,
		 struct sv name, struct config_attr *out);
/* The nearest attribute name of these metaverse types, or NULL. */
const char *mv_attr_nearest(const struct config *config, const size_t *types,
			    size_t count, struct sv name);
bool draft_can(const struct agent_draft *draft, uint32_t cap);

/* --- param.c ----------------------------------------------------------- */

void params_read(struct loader *loader);
/* %name% as `draft` (or NULL: the metaverse) sees it: 1 found, 0 unknown. */
int param_find(struct loader *loader, const struct agent_draft *draft,
	       struct sv name, struct values *out);
void param_agent(struct loader *loader, struct agent_draft *draft);

/* --- scope.c: expressions ---------------------------------------------- */

/* Whose attributes an expression reads. */
struct scope {
	struct loader *loader;
	struct agent_draft *agent; /* NULL: an expression of the metaverse */
	const struct config_rule_set *rule_set;
	size_t type;     /* the agent's type, or ALL_TYPES */
	bool inbound;    /* [a] is the connector space object */
	bool mv_unknown; /* say nothing about metaverse attributes */
	uint32_t allow;  /* enum expr_allow */
	const size_t *mv_types;
	size_t mv_type_count;
	const struct node *at; /* being compiled */
};

#define ALL_TYPES SIZE_MAX

struct scope scope_inbound(struct loader *loader, struct agent_draft *draft,
			   const struct config_rule_set *rule_set);
struct scope scope_outbound(struct loader *loader, struct agent_draft *draft,
			    const struct config_rule_set *rule_set);
/* Expressions over one metaverse type: keys, deletion rules. */
struct scope scope_metaverse(struct loader *loader, const size_t *type);

/* What a name means; false: reported. */
bool scope_attr(struct scope *scope, const struct node *at, enum expr_view view,
		struct sv name, struct expr_attr *out);
/* NULL: reported, or absent. */
const struct expr *scope_rule(struct scope *scope, const struct node *at);
/* As scope_rule, and its result must be true or false. */
const struct expr *scope_condition(struct scope *scope, const struct node *at);
/* As scope_rule, and its result must be text. */
const struct expr *scope_text(struct scope *scope, const struct node *at);
/* A list of conditions, or one. */
const struct expr **scope_conditions(struct scope *scope, const struct node *at,
				     size_t *count_out);
/* Reports when values of `expr` cannot go into an attribute of this type. */
void scope_fit(struct scope *scope, const struct node *at,
	       const struct expr *expr, enum value_type type, const char *name);

/* --- script.c: { lua: f } ---------------------------------------------- */

void scripts_read(struct loader *loader);
bool hook_here(const struct node *node);
/* The function that `lua` of the map names; NULL: reported. */
const struct expr_extern *hook_function(struct loader *loader,
					const struct node *map);
/* The attributes of a view that it may read; `reads` may be NULL. */
const struct expr_fields *hook_fields(struct scope *scope, enum expr_view view,
				      const struct node *reads);
/* As a rule: the function is given the objects of the scope. */
const struct expr *hook_rule(struct scope *scope, const struct node *map);
void hooks_finish(struct loader *loader);

/* --- flow.c ------------------------------------------------------------ */

/* A rule in any of its forms but a list: text, { value }, { from }. */
struct rule {
	const struct expr *source;
	const struct node *source_at;
	const struct node *map; /* NULL: the short form */
};

/* Reads a rule whose values go into an attribute of this definition. `keys`
 * are the keys its long form may have. False: reported. */
bool flow_rule(struct scope *scope, const struct node *node,
	       const char *const *keys, const struct attr_def *target,
	       struct rule *out);
void imports_read(struct loader *loader, struct agent_draft *draft,
		  struct config_rule_set *rule_set,
		  const struct rule_set_draft *from);
/* One attribute's rule; false: reported. */
bool export_read(struct scope *scope, const struct node *key,
		 const struct node *node, struct config_export_flow *out);
void exports_read(struct loader *loader, struct agent_draft *draft,
		  struct config_rule_set *rule_set,
		  const struct rule_set_draft *from);
/* When all rules are read: does every contributor say merge? */
void merges_check(struct loader *loader);
/* The attribute that a rule writes; false: reported. */
bool export_target(struct loader *loader, struct agent_draft *draft,
		   size_t type, const struct node *name, size_t *out);

/* --- the files --------------------------------------------------------- */

void general_read(struct loader *loader);
/* "forever" (0) or a time; `out` stays when there is no node. */
void keep_read(struct loader *loader, const struct node *node, const char *key,
	       int64_t *out);
void cycle_read(struct loader *loader);

void metaverse_declare(struct loader *loader);
/* After the agents' rule sets are known. */
void metaverse_rules(struct loader *loader);
/* The type that a scalar names; NULL: reported. */
const struct config_mv_type *mv_type_named(struct loader *loader,
					   const struct node *node);
/* AGENT or AGENT.RULESET; false: reported. */
bool rank_read(struct loader *loader, const struct node *node,
	       struct config_rank *out);

void agent_declare(struct loader *loader, struct agent_draft *draft);
void agent_rules(struct loader *loader, struct agent_draft *draft);
/* The connector's own checks, when the attributes are known. */
void agent_check(struct loader *loader, struct agent_draft *draft);

void rule_set_declare(struct loader *loader, struct agent_draft *draft,
		      size_t index, const struct node *name,
		      const struct node *node);
void rule_set_rules(struct loader *loader, struct agent_draft *draft,
		    size_t index);
void joins_read(struct loader *loader, struct agent_draft *draft,
		struct config_rule_set *rule_set,
		const struct rule_set_draft *from);
void provision_read(struct loader *loader, struct agent_draft *draft,
		    struct config_rule_set *rule_set,
		    const struct rule_set_draft *from);
void deprovision_read(struct loader *loader, struct agent_draft *draft,
		      struct config_rule_set *rule_set,
		      const struct rule_set_draft *from);

enum guard_kind { GUARD_IMPORT, GUARD_EXPORT };
void guards_default(struct config_guards *imports,
		    struct config_guards *exports);
/* Changes what `node` (a map of limits, or absent) says. `draft` is NULL in
 * conjoin.yaml. */
void guards_read(struct loader *loader, struct agent_draft *draft,
		 enum guard_kind kind, const struct node *node,
		 struct config_guards *guards);
/* `plan` of conjoin.yaml. */
void guards_read_plan(struct loader *loader, const struct node *node,
		      struct config_plan_guard *out);
void profiles_read(struct loader *loader, struct agent_draft *draft);

/* --- table.c ----------------------------------------------------------- */

void tables_read(struct loader *loader);
void tables_free(struct tables *tables); /* accepts NULL */
/* 1 exists; 0 no such table; -1 no such column (an empty one always is). */
int tables_have(const struct tables *tables, struct sv table, struct sv column);
/* Adds the content to the hash's text. */
void tables_hash(const struct tables *tables, struct strbuf *out);

#endif
