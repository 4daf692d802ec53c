/*
 * nt4_status.c - what NT_STATUS codes mean here
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/nt4/nt4_private.h"

static const struct {
	const char *status; /* behind NT_STATUS_ */
	const char *error;
} errors[] = {
	{ "USER_EXISTS", "cd-existing-object" },
	{ "GROUP_EXISTS", "cd-existing-object" },
	{ "ALIAS_EXISTS", "cd-existing-object" },
	{ "NO_SUCH_USER", "cd-missing-object" },
	{ "NO_SUCH_GROUP", "cd-missing-object" },
	{ "NO_SUCH_ALIAS", "cd-missing-object" },
	{ "NO_SUCH_MEMBER", "cd-missing-object" },
	{ "NONE_MAPPED", "cd-missing-object" },
	{ "ACCESS_DENIED", "permission-issue" },
	{ "PRIVILEGE_NOT_HELD", "permission-issue" },
	{ "PASSWORD_RESTRICTION", "password-policy-violation" },
	{ "ILL_FORMED_PASSWORD", "password-policy-violation" },
	{ "PASSWORD_TOO_SHORT", "password-policy-violation" },
	{ "MEMBER_IN_GROUP", "cd-existing-attribute-or-value" },
	{ "MEMBER_IN_ALIAS", "cd-existing-attribute-or-value" },
	{ "MEMBER_NOT_IN_GROUP", "cd-existing-attribute-or-value" },
	{ "MEMBER_NOT_IN_ALIAS", "cd-existing-attribute-or-value" },
	{ "SPECIAL_ACCOUNT", "constraint-violation" },
	{ "SPECIAL_GROUP", "constraint-violation" },
	{ "LAST_ADMIN", "constraint-violation" },
	{ "INVALID_ACCOUNT_NAME", "invalid-attribute-value" },
	{ "INVALID_PARAMETER", "invalid-attribute-value" },
};

static const struct {
	const char *status;
	enum err_code code;
} fatal[] = {
	{ "LOGON_FAILURE", ERR_DENIED },
	{ "ACCOUNT_DISABLED", ERR_DENIED },
	{ "ACCOUNT_LOCKED_OUT", ERR_DENIED },
	{ "ACCOUNT_RESTRICTION", ERR_DENIED },
	{ "PASSWORD_EXPIRED", ERR_DENIED },
	{ "PASSWORD_MUST_CHANGE", ERR_DENIED },
	{ "CONNECTION_REFUSED", ERR_UNAVAILABLE },
	{ "CONNECTION_RESET", ERR_UNAVAILABLE },
	{ "CONNECTION_DISCONNECTED", ERR_UNAVAILABLE },
	{ "PIPE_DISCONNECTED", ERR_UNAVAILABLE },
	{ "HOST_UNREACHABLE", ERR_UNAVAILABLE },
	{ "NETWORK_UNREACHABLE", ERR_UNAVAILABLE },
	{ "IO_TIMEOUT", ERR_UNAVAILABLE },
	{ "BAD_NETWORK_NAME", ERR_UNAVAILABLE },
	{ "UNSUCCESSFUL", ERR_UNAVAILABLE },
	{ "NOT_FOUND", ERR_UNAVAILABLE },
	{ "INVALID_NETWORK_RESPONSE", ERR_UNAVAILABLE },
	{ "DOMAIN_CONTROLLER_NOT_FOUND", ERR_UNAVAILABLE },
};

static struct sv short_name(struct sv status)
{
	return sv_sub(status, sizeof("NT_STATUS_") - 1, status.len);
}

const char *nt4_status_error(struct sv status)
{
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (sv_eq_str(short_name(status), errors[i].status))
			return errors[i].error;
	return "cd-error";
}

enum err_code nt4_status_fatal(struct sv status)
{
	size_t i;

	for (i = 0; i < sizeof(fatal) / sizeof(*fatal); i++)
		if (sv_eq_str(short_name(status), fatal[i].status))
			return fatal[i].code;
	return ERR_NONE;
}
