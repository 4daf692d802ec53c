/*
 * nt4_schema.c - attributes of users, groups and aliases, and what each is
 * called by the two programs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/nt4/nt4_private.h"

#include "model/dn.h"

#include <strings.h>

#define OF(kind, n, m)                                                         \
	{                                                                      \
		.name = (n), .type = (kind), .multi = (m)                      \
	}

/* clang-format off */
const struct attr_def nt4_known_attrs[] = {
	OF(VALUE_STRING, "accountName", false),
	OF(VALUE_INTEGER, "rid", false),
	OF(VALUE_STRING, "sid", false),
	OF(VALUE_STRING, "fullName", false),
	OF(VALUE_STRING, "description", false),
	OF(VALUE_STRING, "homeDirectory", false),
	OF(VALUE_STRING, "homeDrive", false),
	OF(VALUE_STRING, "profilePath", false),
	OF(VALUE_STRING, "scriptPath", false),
	OF(VALUE_STRING, "workstations", false),
	OF(VALUE_INTEGER, "primaryGroupID", false),
	OF(VALUE_INTEGER, "accountFlags", false),
	OF(VALUE_BOOLEAN, "disabled", false),
	OF(VALUE_BOOLEAN, "locked", false),
	OF(VALUE_BOOLEAN, "passwordNeverExpires", false),
	OF(VALUE_BOOLEAN, "passwordNotRequired", false),
	{ .name = "userPassword", .type = VALUE_STRING, .match = MATCH_EXACT },
	OF(VALUE_REFERENCE, "member", true),
	OF(VALUE_STRING, "foreignMember", true),
	{ .name = NULL },
};

/* rpcclient calls the home directory a drive. */
static const struct nt4_attr user_attrs[] = {
	{ "fullName", NULL, "fullname", 0 },
	{ "description", NULL, "description", 0 },
	{ "homeDirectory", "Home Drive", "homedir", 0 },
	{ "homeDrive", "Dir Drive", "homedrive", 0 },
	{ "profilePath", "Profile Path", "profilepath", 0 },
	{ "scriptPath", "Logon Script", "logonscript", 0 },
	{ "workstations", "Workstations", NULL, 0 },
	{ "primaryGroupID", "group_rid", NULL, 0 },
	{ "disabled", NULL, "disabled", 0x1 },
	{ "passwordNotRequired", NULL, "pwnotreq", 0x4 },
	{ "passwordNeverExpires", NULL, "pwnoexp", 0x200 },
	{ "locked", NULL, "autolock", 0x400 },
};
/* clang-format on */

const struct nt4_attr *nt4_user_attr(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(user_attrs) / sizeof(*user_attrs); i++)
		if (!strcasecmp(name, user_attrs[i].name))
			return &user_attrs[i];
	return NULL;
}

enum nt4_kind nt4_kind_of(const char *type)
{
	static const char *const names[NT4_KINDS] = { "user", "group",
						      "alias" };
	int kind;

	for (kind = 0; kind < NT4_KINDS; kind++)
		if (!strcasecmp(type, names[kind]))
			break;
	return (enum nt4_kind)kind;
}

struct sv nt4_dn(const struct connector_session *session, struct sv name,
		 struct arena *arena)
{
	return sv_from(arena_printf(arena, "CN=" SV_FMT ",DC=%s",
				    SV_ARG(dn_escape(name, arena)),
				    session->domain));
}

struct sv nt4_name(struct sv dn, struct arena *arena)
{
	struct sv type;
	struct sv value;

	if (dn_component(dn, 1, arena, &type, &value) <= 0 ||
	    !sv_ieq_str(type, "CN"))
		return SV_NULL;
	return value;
}
