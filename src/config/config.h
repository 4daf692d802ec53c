/*
 * config.h - a folder of YAML files as one checked, read-only snapshot
 *
 * Loaded once per command and handed to every room as const; a run keeps the
 * snapshot that it began with. All names are resolved, all expressions
 * compiled and typed; what is wrong is a list of problems, each with file,
 * line and column. The layout of the files: docs/reference/configuration.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "connector/connector.h"
#include "expr/expr.h"
#include "model/object.h"
#include "model/setting.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Attributes, of agents and metaverse alike, are numbered by name (case
 * ignored) over the whole folder; rules and objects in memory carry these
 * numbers. The store has numbers of its own (store/attribute.h).
 */
typedef uint32_t attr_id;
#define ATTR_NONE 0U
#define ATTR_DN   1U /* [dn] of a connector space object */

struct config_attr {
	attr_id id;
	struct attr_def def;
	bool index; /* metaverse: look-ups by value are fast */
};

/* keys: { name: expression } of a metaverse type */
struct config_key {
	attr_id id; /* numbered like an attribute */
	const char *name;
	const struct expr *expr; /* reads the metaverse object */
};

/* A Lua function that is given more than one object. */
struct config_lua {
	const struct expr_extern *fn;     /* NULL: none */
	const struct expr_fields *fields; /* of its first object */
	const struct expr_fields *others; /* of candidates */
};

enum config_precedence { PRECEDENCE_RANKED, PRECEDENCE_EQUAL, PRECEDENCE_LUA };

/* One contributor in a `precedence` list: an agent, or one rule set of it. */
struct config_rank {
	size_t agent;
	const struct config_rule_set *rule_set; /* NULL: all of the agent */
};

struct config_mv_attr {
	struct config_attr attr;
	enum config_precedence precedence;
	/* best first; contributors not named follow in order of agents */
	struct config_rank *ranks;
	size_t rank_count;
	const struct expr_extern *choose; /* PRECEDENCE_LUA */
	bool merge;                       /* the union over its contributors */
	enum match_rule merge_match;      /* merge: ignore-case | yes */
};

enum config_delete {
	DELETE_LAST,      /* the last connector of all (default) */
	DELETE_LAST_OF,   /* the last of those named */
	DELETE_ANY_OF,    /* as soon as one of those named has none left */
	DELETE_PROJECTED, /* the connector that created it */
	DELETE_NEVER,
	DELETE_RULE, /* an expression over the metaverse object */
	DELETE_LUA,
};

struct config_mv_type {
	const char *name;
	size_t index;
	struct config_mv_attr *attrs;
	size_t attr_count;
	struct config_key *keys;
	size_t key_count;
	enum config_delete delete_when;
	struct config_rank *delete_of; /* DELETE_LAST_OF, DELETE_ANY_OF */
	size_t delete_of_count;
	const struct expr *delete_rule;
	struct config_lua delete_lua;
	int64_t keep_changes; /* how long history keeps them; 0: for ever */
};

/* One line of `join:`. */
struct config_join_clause {
	attr_id mv_attr; /* an attribute or key of the metaverse */
	bool indexed;
	const struct expr *source; /* reads the connector space object */
	enum match_rule match;
};

struct config_join {
	struct config_join_clause *clauses;
	size_t clause_count;
	bool any;                /* any value may match (one clause) */
	const struct expr *when; /* NULL: always */
	const struct node *at;
};

enum config_ambiguous { AMBIGUOUS_STOP, AMBIGUOUS_NEXT, AMBIGUOUS_ERROR };
enum config_when_null {
	WHEN_NULL_NEXT,
	WHEN_NULL_CONTRIBUTE,
	WHEN_NULL_IGNORE
};

/* One source of a metaverse attribute. */
struct config_import_flow {
	attr_id mv_attr;
	uint32_t rule; /* number of this rule within the folder, for lineage */
	const struct expr *source; /* reads the connector space object */
	const struct expr *when;   /* NULL: always */
	enum config_when_null when_null;
	bool merge;
	attr_id lookup;     /* ATTR_NONE, or: `source` yields values of
			     * this attribute of objects of lookup_type */
	size_t lookup_type; /* index of the metaverse type */
	const struct node *at;
};

enum config_flow_null { FLOW_NULL_REMOVE, FLOW_NULL_KEEP };
enum config_merge { MERGE_NO, MERGE_EXACT, MERGE_IGNORE_CASE };

/* One target attribute of a connector space object. */
struct config_export_flow {
	attr_id attr;
	size_t type_attr; /* index into the agent's object type */
	uint32_t rule;
	const struct expr *source; /* reads the metaverse object */
	const struct expr *when;   /* NULL: always */
	enum config_flow_null when_null;
	enum config_merge merge;
	const struct config_rule_set *to; /* references: of which account */
	const struct node *at;
};

/* Candidates for an attribute's value that must be unique in the agent. */
struct config_unique {
	attr_id attr; /* ATTR_DN: further candidates of the DN */
	size_t type_attr;
	const struct expr **candidates;
	size_t count;
};

struct config_initial {
	attr_id attr;
	size_t type_attr;
	const struct expr *source;
	bool secret; /* a password: sealed in the store, never shown */
};

enum config_existing { EXISTING_ERROR, EXISTING_ADOPT, EXISTING_UNIQUE };
enum config_deprovision {
	DEPROVISION_EXPLICIT, /* default: explicit-disconnect */
	DEPROVISION_DISCONNECT,
	DEPROVISION_DELETE,
	DEPROVISION_RULE, /* an expression that yields one of these words */
};

/* Who is told the secret values of a new object, once. */
struct config_deliver {
	const char *file; /* or NULL */
	unsigned char to[32];
	const char **command; /* ends with NULL; or NULL */
	int64_t timeout;      /* in seconds */
};

struct config_provision {
	const struct expr *when; /* NULL: always */
	attr_id *require;
	size_t require_count;
	const struct expr *dn; /* NULL: agents without DNs */
	struct config_unique *unique;
	size_t unique_count;
	bool rename;
	enum config_existing existing;
	bool create_parents;
	struct config_initial *initial;
	size_t initial_count;
	const struct config_deliver *deliver; /* or NULL */
	const struct node *at;
};

enum config_project { PROJECT_NO, PROJECT_YES, PROJECT_RULE };

struct config_rule_set {
	const char *name;
	size_t agent;    /* index into config.agents */
	size_t index;    /* in file order within the agent */
	uint32_t id;     /* number within the folder, 1 based */
	const char *was; /* its earlier name: takes over those links; or NULL */
	size_t type;     /* index into the agent's types */
	const struct expr *scope; /* NULL: all of the type */
	size_t *mv_types; /* joins search all, provisioning comes from any */
	size_t mv_type_count;
	const struct expr **filters;
	size_t filter_count;
	const struct node *filter_at; /* the list of them, or the only one */
	struct config_join *joins;
	size_t join_count;
	enum config_ambiguous ambiguous;
	const struct expr *resolve;
	struct config_lua resolve_lua;
	enum config_project project;
	size_t project_type; /* metaverse type of a new object */
	/* PROJECT_RULE: a condition, or the name of one of the types */
	const struct expr *project_rule;
	struct config_import_flow *imports;
	size_t import_count;
	bool provisions;
	struct config_provision provision;
	struct config_export_flow *exports;
	size_t export_count;
	enum config_deprovision deprovision;
	const struct expr *deprovision_rule;
	int64_t deprovision_after; /* 100 ns; 0: at once */
	/* exported once, until then */
	struct config_export_flow *meanwhile;
	size_t meanwhile_count;
	const struct node *at;
};

/* A limit: a count, or a percentage that counts up to `above` pass. */
struct config_limit {
	bool set;
	bool percent;
	int64_t value; /* the count, or hundredths of a percent */
};

struct config_type_guard {
	size_t type; /* index into the agent's types */
	struct config_limit deletions;
};

struct config_subtree_guard {
	const char *container;
	struct config_limit deletions;
};

struct config_guards {
	struct config_limit deletions;
	struct config_limit changes;
	int64_t above;
	int64_t errors;  /* stop after more than so many; 0: never */
	bool empty_stop; /* import: reading nothing where there was something */
	bool keep_all;   /* import: no deletion after a discovery error */
	struct config_type_guard *types;
	size_t type_count;
	struct config_subtree_guard *subtrees;
	size_t subtree_count;
	const struct expr **never; /* export: no deletion of such an object */
	size_t never_count;
};

/* More than this in a plan demands that somebody approved it. */
struct config_plan_guard {
	struct config_limit deletions; /* counts only */
	struct config_limit changes;
};

enum config_step_kind {
	STEP_FULL_IMPORT,
	STEP_DELTA_IMPORT,
	STEP_FULL_SYNC,
	STEP_DELTA_SYNC,
	STEP_EXPORT,
};

struct config_step {
	enum config_step_kind kind;
	const struct config_guards *guards; /* NULL: the agent's */
	bool deliver; /* a delta import: what it reports is synchronized by the
		       * next sync, also when nothing differs */
};

struct config_profile {
	const char *name;
	struct config_step *steps;
	size_t step_count;
};

struct config_agent {
	const char *name;
	const char *was; /* its earlier name, or NULL */
	size_t index;    /* rank: 0 is best */
	const struct connector_ops *ops;
	uint32_t caps;
	const struct node *connect;
	struct object_type *types; /* what its connector is to read */
	attr_id **type_attr_ids;   /* [type][attr]: number of that attribute */
	size_t type_count;
	struct config_rule_set *rule_sets;
	size_t rule_set_count;
	struct config_profile *profiles; /* besides the built-in ones */
	size_t profile_count;
	struct config_guards import_guards;
	struct config_guards export_guards;
	const char *file;
};

struct config_problem {
	const char *file; /* relative to the folder */
	int line;
	int column;
	bool warning;
	const char *text;
};

struct config {
	const char *folder;
	const char *store;       /* "sqlite:PATH" (made absolute) */
	const char *environment; /* or NULL */
	bool provisioning;
	int64_t keep_runs;    /* how long history keeps them; 0: for ever */
	int64_t keep_changes; /* the same of changes of objects */
	struct config_plan_guard plan_guard;
	struct config_agent *agents; /* in order of rank */
	size_t agent_count;
	size_t *cycle; /* indexes into agents */
	size_t cycle_count;
	struct config_mv_type *mv_types;
	size_t mv_type_count;
	const char **attr_names; /* [attr_id]: its spelling; [0] NULL */
	size_t attr_count;       /* numbers 1 .. attr_count */
	const char *
		*rule_texts; /* [rule]: "agents/hr.yaml:12: title"; [0] NULL */
	size_t rule_count;   /* numbers 1 .. rule_count */
	struct config_problem *problems; /* in order of file and line */
	size_t problem_count;
	size_t error_count;          /* problems that are not warnings */
	bool uses_now;               /* some rule does */
	bool now_flows;              /* and more than compares with it */
	struct hash128 hash;         /* of all that the files say */
	struct hash128 tables_hash;  /* of tables/ *.csv */
	uint64_t script_hash;        /* of rules/ *.lua */
	const struct tables *tables; /* tables/ *.csv, for Lookup() */
};

struct config_override {
	struct sv name; /* --set NAME=VALUE */
	struct sv value;
};

struct config_options {
	const struct connector_ops *const *connectors; /* ends with NULL */
	const struct config_override *overrides;
	size_t override_count;
};

/* A file beside the configuration: its YAML as nodes, in the arena; `file` is
 * borrowed. ERR_INVALID: "FILE:LINE:COLUMN: what is wrong". */
int config_yaml(const char *file, struct sv text, struct arena *arena,
		struct node **out, struct error *err);

/*
 * Reads the folder. 0: *out is a snapshot, perhaps with problems (a snapshot
 * with error_count > 0 must only be looked at); -1: there is no folder or no
 * conjoin.yaml in it.
 */
int config_load(const char *folder, const struct config_options *options,
		struct config **out, struct error *err);
/*
 * Adds warnings of what is allowed and can hardly be meant: rules that are
 * never reached, attributes that nothing flows to, values that go round. Does
 * nothing when the configuration is wrong.
 */
void config_review(struct config *config);
void config_free(struct config *config); /* accepts NULL */

/* By name: NULL when there is none. */
const struct config_agent *config_agent_find(const struct config *config,
					     struct sv name);
const struct config_mv_type *config_mv_type_find(const struct config *config,
						 struct sv name);
const struct config_mv_attr *
config_mv_attr_find(const struct config_mv_type *type, attr_id id);
/* A built-in or configured profile: 1 filled, 0 no such profile. */
int config_profile_find(const struct config_agent *agent, struct sv name,
			struct config_profile *out);
/* The i-th profile that the agent has, built-in ones first; NULL: no more. */
const char *config_profile_name(const struct config_agent *agent, size_t i);
/* ATTR_NONE when no such name occurs in the folder. */
attr_id config_attr_id(const struct config *config, struct sv name);

/*
 * The attributes that make the anchor of a type (`connect: anchor`, a name or
 * a list, for all types or below `types: NAME`), at most `max`. Their number; 0
 * when it is no attribute of the type: the system makes it.
 */
#define CONFIG_ANCHOR_MAX 8
size_t config_anchor_attrs(const struct config_agent *agent, size_t type,
			   attr_id out[CONFIG_ANCHOR_MAX]);

/* The value of tables/TABLE.csv at (key, column): 1 found, 0 absent. */
int config_lookup(const struct config *config, struct sv table, struct sv key,
		  struct sv column, struct sv *out);

#endif
