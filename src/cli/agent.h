/*
 * agent.h - `conjoin agent`: its parts
 *
 *	cmd_agent.c      the command, the list of agents
 *	agent_schema.c   types and attributes of a connected system
 *	agent_setup.c    what its delta import needs there
 *	agent_new.c      a new agent, from the first question to its file
 *	agent_answer.c   settings that are given or asked for
 *	agent_propose.c  what a sample says of joins and flows
 *	agent_words.c    names that mean the same
 *	agent_sample.c   the sample as a table
 *	agent_yaml.c     the text of its file
 *	agent_enlist.c   its name in conjoin.yaml
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_AGENT_H
#define CLI_AGENT_H

#include "cli/session.h"
#include "connector/connector.h"

enum run_exit agent_schema(struct cli *cli);
enum run_exit agent_new(struct cli *cli);
enum run_exit agent_delta_setup(struct cli *cli);

/* ---- answers ---- */

/* What the new agent's `connect` says, and where it came from. */
struct agent_answers {
	struct cli *cli;
	const struct connector_ops *ops;
	const char *name; /* of the agent */
	bool ask;         /* there is somebody */
	struct node *connect;
	struct secrets *secrets;
	/* A password that was typed, kept under a new name when the agent is
	 * written. */
	struct secret password;
	const char *secret_name; /* NULL: none was typed */
};

/* Takes --set; what is missing is asked for, or an error that names it. */
int agent_answers_begin(struct agent_answers *answers, struct error *err);
/* Asks again, with what was said before as the default. */
int agent_answers_again(struct agent_answers *answers, struct error *err);
void agent_answers_release(struct agent_answers *answers);
/* Adds a setting, or replaces it. */
void agent_answers_set(struct agent_answers *answers, const char *name,
		       const char *value);
/* The same of any value, which is borrowed. */
void agent_answers_put(struct agent_answers *answers, const char *name,
		       struct node *value);
const char *agent_answers_get(const struct agent_answers *answers,
			      const char *name);
/* For connector_config.secret: `data` is the struct agent_answers. */
int agent_answers_secret(void *data, struct sv reference, struct secret *out,
			 struct error *err);

/* A line from the terminal; an empty one is `fallback` (may be NULL). -1: the
 * end of the input. */
int agent_ask(struct cli *cli, const char *question, const char *fallback,
	      const char **out, struct error *err);

/* ---- proposals ---- */

/* What flows from an attribute of the system to one of the metaverse. */
struct agent_flow {
	const char *mv;     /* NULL: there is nothing that fits */
	const char *attr;   /* of the system */
	const char *source; /* as the file has it */
	const struct schema_attr *schema;
	const char *declare; /* what `attributes` must say of it; or NULL */
	size_t filled;       /* objects of the sample that have it */
};

struct agent_join {
	const char *mv;
	const char *attr;
	const char *source;
	size_t tried; /* values of the sample that were looked for */
	size_t found; /* in the metaverse */
	bool proposed;
};

/* One object type that becomes a rule set. */
struct agent_type {
	const char *name;     /* of the system's type */
	const char *rule_set; /* its name in the file */
	bool named;           /* the file must say the type, too */
	const struct config_mv_type *mv;
	struct schema_sample sample;
	struct agent_flow *flows; /* those with mv first */
	size_t flow_count;
	struct agent_join *joins;
	size_t join_count;
	bool project;
	bool measured; /* the metaverse has objects to compare with */
};

struct agent_plan {
	struct cli *cli;
	const struct config *config;
	struct session *session; /* with a store, or session->store is NULL */
	const struct connector_ops *ops;
	const char *name;
	const struct node *connect;
	struct schema schema;
	const char *anchor; /* as `connect` has it or would have it by default;
			     * or NULL */
	struct agent_type *types;
	size_t type_count;
};

/* The metaverse type that objects of this one probably are, or NULL. */
const struct config_mv_type *agent_mv_type(const struct config *config,
					   const char *type, bool only);
/* What identifies objects: among the schema's attributes by what the samples
 * have; NULL: none does. */
const char *agent_propose_anchor(const struct agent_plan *plan,
				 const char *usual);
/* Flows, joins and projection of a type whose sample has been read. */
int agent_propose(const struct agent_plan *plan, struct agent_type *type,
		  struct error *err);

/* ---- words ---- */

/* How good `name` is for the metaverse attribute `mv`: 0 not at all, the lower
 * the better else; 1 is the same name. */
unsigned agent_word_rank(const char *mv, const char *name);
/* How probably a name is one that identifies: the lower the better. */
unsigned agent_anchor_rank(const char *name);
/* The same of joins by it. */
unsigned agent_join_rank(const char *name);

/* ---- texts ---- */

/* Twenty objects, the attributes that most of them have. */
#define AGENT_SHOWN 20
void agent_sample_print(const struct agent_plan *plan,
			const struct agent_type *type);
/* Objects of the sample that have the attribute. */
size_t agent_filled(const struct schema_sample *sample, const char *attr);

/* The agent's file. */
const char *agent_yaml(const struct agent_plan *plan);
/* A text as a scalar of a file: quoted when it must be. */
const char *agent_scalar(const char *text, struct arena *arena);

/* conjoin.yaml with the name behind the others; `before` and `after` are the
 * line that changes. ERR_UNSUPPORTED: it is written in a way that cannot be
 * added to. */
struct agent_enlisted {
	struct sv text;
	const char *before;
	const char *after;
	int line;
};
int agent_enlist(const char *path, const char *name, struct arena *arena,
		 struct agent_enlisted *out, struct error *err);

#endif
