/*
 * session.h - what a command works on: the folder's configuration, its store
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/cli.h"
#include "cli/secrets.h"
#include "config/config.h"
#include "inspect/display.h"
#include "store/store.h"

#include <signal.h>

enum session_mode {
	SESSION_CONFIG, /* the configuration alone, right or wrong */
	SESSION_RIGHT,  /* the same, but a wrong one is refused */
	SESSION_READ,   /* and the store, to look at: a wrong configuration is
			 * a warning; without a store there is an error */
	SESSION_WRITE,  /* and the store, for small writes */
	SESSION_RUN,    /* a right configuration; the store is made when there
			 * is none, and the lease is taken */
	SESSION_OVER,   /* a right configuration, and over the store one that
			 * keeps nothing (STORE_OVERLAY) */
};

struct session {
	struct cli *cli;
	struct config *config;
	struct store *store;
	struct secrets secrets;
	struct display display; /* once the store is open */
	/* For SESSION_RUN, set before the store is opened: a run of these,
	 * which may need no more than the agent's lease. */
	const struct config_agent *agent;
	const struct config_profile *profile;
};

/* The options of commands that take the lease. */
#define SESSION_RUN_OPTIONS                                                    \
	{ "wait", "SECONDS", false,                                            \
	  "how long to wait for another run to end; default: 60" },            \
	{                                                                      \
		"allow", "TOKEN", false,                                       \
			"let exactly what a guard stopped pass"                \
	}

/*
 * RUN_OK: open; else what went wrong has been reported and nothing is left
 * open. `what` tells others who holds the lease ("hr full-import").
 */
enum run_exit session_open(struct session *session, struct cli *cli,
			   enum session_mode mode, const char *what);
/* The store as well, after SESSION_CONFIG or SESSION_RIGHT. */
enum run_exit session_open_store(struct session *session,
				 enum session_mode mode, const char *what);
void session_close(struct session *session);

/* The agent, or NULL: that was reported. */
const struct config_agent *session_agent(struct session *session,
					 const char *name);
/* The store's number of an agent that is in the files or in the store, which
 * may be 0 before its first run: 0, or -1: reported. */
int session_agent_number(struct session *session, const char *name,
			 uint32_t *out);

/* Reports that a wrong configuration is not worked with; the exit status. */
enum run_exit session_refuse_problems(struct session *session);
/* Problems as lines "FILE:LINE:COLUMN: error: TEXT", then a count. */
void session_print_problems(struct cli *cli, const struct config *config,
			    FILE *stream);
/* [{"file","line","column","severity","message"}] */
json_t *session_problems_json(const struct config *config);

/* The first interrupt (or termination) sets this, the second one kills. */
extern volatile sig_atomic_t session_interrupted;
void session_catch_interrupt(void);

#endif
