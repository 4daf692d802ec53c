/*
 * locate.h - servers of a service by DNS (RFC 2782)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_LOCATE_H
#define CONNECTORS_LDAP_LOCATE_H

#include "base/arena.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct connector_session;

struct ldap_srv {
	unsigned priority;
	unsigned weight;
	unsigned port;
	const char *target;
};

/* The SRV records of a DNS answer; memory from arena. */
size_t ldap_srv_parse(const unsigned char *answer, size_t len,
		      struct arena *arena, struct ldap_srv **out);
/* The order in which to try them: by priority, drawn by weight. */
void ldap_srv_order(struct ldap_srv *list, size_t count,
		    uint32_t (*random)(void *data), void *data);

/* The domain controllers of the setting `domain`, those of `site` first, as
 * session->servers. */
int ldap_locate(struct connector_session *session, struct error *err);

#endif
