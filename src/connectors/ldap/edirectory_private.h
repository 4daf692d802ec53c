/*
 * edirectory_private.h - what the files of the edirectory profile share
 *
 *	edirectory.c         the profile and the connector's table
 *	edirectory_schema.c  attributes that are known, and the GUID's form
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_EDIRECTORY_PRIVATE_H
#define CONNECTORS_LDAP_EDIRECTORY_PRIVATE_H

#include "connectors/ldap/profile.h"

extern const struct attr_def edirectory_known_attrs[];
extern const struct ldap_form edirectory_forms[];

#endif
