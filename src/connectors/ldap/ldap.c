/*
 * ldap.c - the table of the ldap connector
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap.h"

#include "connectors/ldap/ldap_private.h"
#include "connectors/ldap_schema.h"

const struct connector_ops ldap_connector = {
	.abi = CONNECTOR_ABI,
	.name = "ldap",
	.help = "any LDAP v3 directory server, such as OpenLDAP or 389 "
		"Directory Server",
	.caps = LDAP_CAPS | CONNECTOR_CAP_REFERENCES_LATER,
	.caps_of = ldap_caps,
	.settings = ldap_settings,
	.known_attrs = ldap_known_attrs,
	.bases = ldap_bases,
	.check = ldap_check,
	.open = ldap_session_open,
	.close = ldap_session_close,
	.import_begin = ldap_import_begin,
	.next = ldap_import_next,
	.import_end = ldap_import_end,
	.export_begin = ldap_export_begin,
	.export_put = ldap_export_put,
	.export_result = ldap_export_result,
	.export_end = ldap_export_end,
};
