/*
 * exchange55.c - the profile of the directory of Exchange Server 5.5
 *
 * Entries are named o=ORGANIZATION,ou=SITE,cn=CONTAINER,cn=ALIAS from the top
 * and keep their names for ever. The attribute cn is the display name, whatever
 * the RDN says. An account that signs in with cn=admin at the end of its name
 * sees what is hidden from address books.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/exchange55.h"

#include "connectors/ldap/ad_private.h"
#include "connectors/ldap/exchange55_private.h"
#include "connectors/ldap/ldap_private.h"

static const struct setting_def settings[] = {
	LDAP_CONNECTION_SETTINGS,
	LDAP_SCOPE_SETTINGS,
	LDAP_SETTING(
		"anchor", SETTING_TEXT, "Obj-Dist-Name",
		"attribute that identifies an entry for ever; dn: its name "
		"does"),
	{ .name = "delta",
	  .type = SETTING_CHOICE,
	  .fallback = "auto",
	  .words = "auto|usn|off",
	  .help = "how changes only are read: by USN-Changed, and by naming "
		  "all that are there" },
	LDAP_EXPORT_SETTINGS,
	{ .name = NULL },
};

static const struct ldap_form forms[] = {
	{ .name = "Assoc-NT-Account",
	  .read = ad_read_sid,
	  .write = ad_write_sid },
	{ .name = NULL },
};

static const struct ldap_delta *const deltas[] = { &exchange55_usn, NULL };

static const struct ldap_profile profile = {
	.name = "exchange55",
	.settings = settings,
	.forms = forms,
	.fixed_names = true,
	.rdn_apart = true,
	.integrity = true,
	.deltas = deltas,
};

const struct connector_ops exchange55_connector = {
	.abi = CONNECTOR_ABI,
	.name = "exchange55",
	.help = "the directory of Exchange Server 5.5",
	.caps = (LDAP_CAPS & ~(uint32_t)CONNECTOR_CAP_RENAME) |
		CONNECTOR_CAP_DELTA | CONNECTOR_CAP_INTEGRITY |
		CONNECTOR_CAP_REFERENCES_LATER,
	.settings = settings,
	.known_attrs = exchange55_known_attrs,
	.data = &profile,
	LDAP_OPERATIONS,
};
