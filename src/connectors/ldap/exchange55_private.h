/*
 * exchange55_private.h - what the files of the exchange55 profile share
 *
 *	exchange55.c         the profile and the connector's table
 *	exchange55_schema.c  attributes that are known
 *	exchange55_usn.c     changes by their numbers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_EXCHANGE55_PRIVATE_H
#define CONNECTORS_LDAP_EXCHANGE55_PRIVATE_H

#include "connectors/ldap/profile.h"

extern const struct attr_def exchange55_known_attrs[];
extern const struct ldap_delta exchange55_usn;

#endif
