/*
 * listen.h - to be told by a connected system that something has changed
 *
 * A thread of its own for each agent keeps a session and waits in the
 * connector. It reads nothing and writes nothing: what changed is for an import
 * to find. A connection that is lost is made again, with growing pauses;
 * meanwhile changes may have gone unheard, so that it counts as one when it is
 * there again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUN_LISTEN_H
#define RUN_LISTEN_H

#include "config/config.h"
#include "connector/connector.h"

struct listener;

/* What has happened since it was asked last. */
enum listen_news {
	LISTEN_BEGAN = 1 << 0,   /* it listens, for the first time or again */
	LISTEN_CHANGED = 1 << 1, /* something changed */
	LISTEN_LOST = 1 << 2,    /* the connection; it is tried again */
	LISTEN_REFUSED = 1 << 3, /* and that is the end of it */
};

struct listen_options {
	const struct config *config;
	/* connector_config.secret; several threads ask one after another */
	int (*secret)(void *data, struct sv reference, struct secret *out,
		      struct error *err);
	void *secret_data;
	int wake; /* a byte is written to it when there is news */
};

/* The configuration stays; the options are copied. */
struct listener *listen_start(const struct config_agent *agent,
			      const struct listen_options *options);
/* Bits of enum listen_news, each told once; *why of LOST and REFUSED. */
unsigned listen_take(struct listener *listener, struct error *why);
/* Waits for the thread; a connection that is being made may take its
 * timeout. Accepts NULL. */
void listen_stop(struct listener *listener);

#endif
