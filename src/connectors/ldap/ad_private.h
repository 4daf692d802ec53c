/*
 * ad_private.h - what the files of the ad and adlds profiles share
 *
 *	ad.c, adlds.c  the profiles and the connectors' tables
 *	ad_schema.c  attributes that are known
 *	ad_forms.c   GUIDs, SIDs, times, passwords
 *	ad_group.c   the primary group
 *	ad_error.c   what a refusal means
 *	ad_dirsync.c, ad_usn.c  ways to read changes only
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_AD_PRIVATE_H
#define CONNECTORS_LDAP_AD_PRIVATE_H

#include "connectors/ldap/profile.h"

/* ---- settings of both ---- */

#define AD_SETTINGS                                                                 \
	LDAP_SETTING(                                                               \
		"anchor", SETTING_TEXT, "objectGUID",                               \
		"attribute that identifies an object for ever; dn: its name "       \
		"does"),                                                            \
		LDAP_SETTING(                                                       \
			"range_size", SETTING_NUMBER, "0",                          \
			"values of a reference attribute asked for at once; 0: as " \
			"many as the server gives"),                                \
	{                                                                           \
		.name = "delta", .type = SETTING_CHOICE, .fallback = "auto",        \
		.words = "auto|dirsync|usn|off",                                    \
		.help = "how changes only are read: by DirSync, by uSNChanged, or " \
			"auto: by the first that the account may"                   \
	}

/* ---- what both profiles and both tables have ---- */

#define AD_PROFILE                                                             \
	.forms = ad_forms, .classes_in_order = true, .ranges = true,           \
	.permissive = true, .integrity = true, .chunk = 1000,                  \
	.error_of = ad_error_of, .listen = ldap_listen_notification,           \
	.deltas = ad_deltas, .describe = ad_describe

#define AD_CAPS                                                                \
	(LDAP_CAPS | CONNECTOR_CAP_DELTA | CONNECTOR_CAP_NOTIFY |              \
	 CONNECTOR_CAP_INTEGRITY | CONNECTOR_CAP_REFERENCES_LATER)

extern const struct attr_def ad_known_attrs[]; /* ends with name NULL */
extern const struct ldap_form ad_forms[];      /* ends with name NULL */
extern const struct ldap_derived ad_derived[]; /* ends with name NULL */
extern const struct ldap_delta ad_dirsync;
extern const struct ldap_delta ad_usn;
extern const struct ldap_delta *const ad_deltas[]; /* both; ends with NULL */

/* ad_error.c: for ldap_profile.error_of */
const char *ad_error_of(int code, const char *text);

/* Does the account see what is deleted, in every naming context of the agent?
 * 0 also where nothing has been deleted yet. 1, 0, -1 */
int ad_sees_deleted(struct connector_session *session, struct error *err);

/* A GUID's 16 bytes as "03020100-0504-0706-0809-0a0b0c0d0e0f", as Windows keeps
 * them: the first three fields little-endian. SV_NULL: it is none. */
struct sv ad_guid_text(struct sv bytes, struct arena *arena);
/* The bytes of such a text; SV_NULL: it is none. */
struct sv ad_guid_bytes(struct sv text, struct arena *arena);
/* A security identifier as "S-1-5-21-..."; SV_NULL: it is none. */
struct sv ad_sid_text(struct sv bytes, struct arena *arena);
struct sv ad_sid_bytes(struct sv text, struct arena *arena);
/* The form of an attribute that holds one, see struct ldap_form. */
int ad_read_sid(const struct attr_def *def, struct sv bytes,
		struct arena *arena, struct value *out);
struct sv ad_write_sid(const struct value *value, struct arena *arena);
/* A password as Active Directory takes it: in quotes, UTF-16. */
struct sv ad_password_bytes(struct sv password, struct arena *arena);

#endif
