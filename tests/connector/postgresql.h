/*
 * postgresql.h - the server that tools/pgserver.py has started for a test
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CONNECTOR_POSTGRESQL_H
#define TESTS_CONNECTOR_POSTGRESQL_H

#include "base/arena.h"
#include "base/secret.h"
#include "model/setting.h"

struct postgresql {
	struct arena arena;
	const char *folder; /* of the socket */
	const char *port;
	const char *user;
	const char *database;
	struct secret password;
	struct secret wrong;
};

/* Reads CONJOIN_POSTGRESQL and PGPASSWORD, and takes the password out of the
 * environment: -1 when they are not there. */
int postgresql_begin(struct postgresql *pg);
void postgresql_end(struct postgresql *pg);

/* Settings with which it is reached, by its socket; further ones, or others in
 * their place, as pairs of texts, then NULL. */
struct node *postgresql_connect(struct postgresql *pg, ...);
/* "127.0.0.1:PORT" */
const char *postgresql_host(struct postgresql *pg);
/* With two servers, not encrypted. */
struct node *postgresql_servers(struct postgresql *pg, const char *first,
				const char *second);

#endif
