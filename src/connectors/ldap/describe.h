/*
 * describe.h - what is asked of a directory while an agent is set up
 *
 *	describe.c     types and attributes, by RFC 4512; where objects lie
 *	ad_describe.c  the same out of Active Directory's schema partition
 *	sample.c       some entries as they are
 *	walk.c         a search beside an import
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_DESCRIBE_H
#define CONNECTORS_LDAP_DESCRIBE_H

#include "connectors/ldap/ldap_private.h"

/* A search, its entries one by one. */
struct ldap_walk {
	const char *base;
	int scope;
	const char *filter;
	char **attrs; /* NULL: all */
	bool part;    /* some of the entries are enough */
	/* 1: go on; 0: enough; -1: err is set. */
	int (*take)(void *data, struct connector_session *session,
		    LDAPMessage *entry, struct error *err);
	void *data;
};

int ldap_walk(struct connector_session *session, const struct ldap_walk *walk,
	      struct error *err);

/* How an attribute is read whatever the server says of it; or NULL. */
const struct attr_def *ldap_attr_known(const struct connector_session *session,
				       const char *name);
/* The attribute is known to be an entry's for ever. */
bool ldap_attr_identifies(const struct connector_session *session,
			  const char *name);

/* For profile->describe: types and attributes of an Active Directory. 0: it
 * names no schema partition. */
int ad_describe(struct connector_session *session, struct arena *arena,
		struct schema *out, struct error *err);

#endif
