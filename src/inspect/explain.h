/*
 * explain.h - why an object is what it is: values, links, accounts, absence
 *
 * What is stored (values, lineage, links, staged changes, errors) together with
 * what a synchronization finds now. Nothing is written. Where the rules have
 * changed since the last synchronization both are told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_EXPLAIN_H
#define INSPECT_EXPLAIN_H

#include "inspect/preview.h"

/* Who contributes a metaverse value, or would have. */
struct explain_source {
	const char *agent;    /* or NULL */
	const char *rule_set; /* or NULL */
	int64_t cs;           /* 0: it has no connector */
	struct sv object;     /* DN or anchor */
	const char *rule;     /* "agents/hr.yaml:12: title", or NULL */
	struct sv source;     /* its expression */
	struct display_texts values;
	struct display_texts labels;
	const char *why;  /* it lost: "ranked below hr" */
	int64_t since;    /* it won: when the value came */
	int64_t imported; /* it won: the agent's last import; 0: not known */
};

struct explain_attr {
	const char *name; /* of the metaverse */
	struct display_texts values;
	struct display_texts labels;
	bool has_winner;
	struct explain_source winner;
	struct explain_source *losers;
	size_t loser_count;
	bool differs; /* a full synchronization would give it other values: */
	struct display_texts next;
	const char *next_rule; /* by this rule, or NULL */
};

struct explain_link {
	const char *agent;
	const char *rule_set; /* or NULL */
	int64_t cs;
	struct sv object;
	const char *how; /* "projected", "joined" ... */
	int64_t since;
	const char *state;  /* one of display_states */
	bool frozen;        /* its rule set is in no file */
	bool remembered;    /* no connector now: it was one */
	const char *import; /* staged: "update" ..., or NULL */
	const char *export; /* or NULL */
	const char *awaiting;
};

/* `state`: there provision join waits blocked off not-wanted left held
 * deprovision not-reached */
struct explain_provision {
	const char *agent;
	const char *rule_set;
	bool wanted;
	const char *state;
	const char *text;
	const char *rule;
	struct sv when; /* its condition, or empty: always */
};

/* A rule set that could only join, and did not. */
struct explain_absence {
	const char *agent;
	const char *rule_set;
	const char *text; /* what an object would be joined by */
	const char *rule;
};

/* What an export rule reads of the metaverse object. */
struct explain_read {
	const char *name;
	struct display_texts values;
	int64_t since; /* 0: not known */
};

/* An attribute of a connector that an export rule (or an initial value)
 * writes. `state`: written pending awaiting waiting condition ignored keep */
struct explain_export {
	const char *agent;
	int64_t cs;
	struct sv object;
	const char *name;
	const char *rule; /* NULL: an initial value, or given back */
	struct sv source;
	struct explain_read *reads;
	size_t read_count;
	struct display_texts wanted;
	struct display_texts has; /* what the system has, as far as is known */
	const char *state;
	const char *text;
};

struct explain {
	struct subject_view view;
	const char *attribute;    /* that was asked for, or NULL */
	struct display_texts own; /* its values, of a cs object */
	struct explain_attr *attrs;
	size_t attr_count;
	struct explain_link *links;
	size_t link_count;
	struct explain_provision *provisions;
	size_t provision_count;
	struct explain_absence *absences;
	size_t absence_count;
	struct explain_export *exports;
	size_t export_count;
	struct display_texts why; /* of a cs object: sentences */
	bool failed;              /* a synchronization would fail: */
	struct sv code;
	struct sv message;
};

/*
 * `attribute` NULL: all of them; of a metaverse object one of its type, of a
 * connector space object one of its own. Memory from the arena. ERR_NOTFOUND:
 * there is no such attribute.
 */
int explain_object(struct display *display, const struct subject *subject,
		   const char *attribute, struct arena *arena,
		   struct explain *out, struct error *err);

#endif
