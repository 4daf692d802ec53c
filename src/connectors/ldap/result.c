/*
 * result.c - LDAP result codes (RFC 4511 appendix A) in our words
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

static const struct {
	int code;
	enum err_code err; /* when it ends a run */
	const char *name;
} results[] = {
	{ LDAP_SUCCESS, ERR_NONE, "success" },
	{ LDAP_OPERATIONS_ERROR, ERR_INVALID, "operationsError" },
	{ LDAP_PROTOCOL_ERROR, ERR_UNSUPPORTED, "protocolError" },
	{ LDAP_TIMELIMIT_EXCEEDED, ERR_UNAVAILABLE, "timeLimitExceeded" },
	{ LDAP_SIZELIMIT_EXCEEDED, ERR_UNAVAILABLE, "sizeLimitExceeded" },
	{ LDAP_AUTH_METHOD_NOT_SUPPORTED, ERR_DENIED,
	  "authMethodNotSupported" },
	{ LDAP_STRONG_AUTH_REQUIRED, ERR_DENIED, "strongerAuthRequired" },
	{ LDAP_REFERRAL, ERR_UNSUPPORTED, "referral" },
	{ LDAP_ADMINLIMIT_EXCEEDED, ERR_UNAVAILABLE, "adminLimitExceeded" },
	{ LDAP_UNAVAILABLE_CRITICAL_EXTENSION, ERR_UNSUPPORTED,
	  "unavailableCriticalExtension" },
	{ LDAP_CONFIDENTIALITY_REQUIRED, ERR_DENIED,
	  "confidentialityRequired" },
	{ LDAP_SASL_BIND_IN_PROGRESS, ERR_INVALID, "saslBindInProgress" },
	{ LDAP_NO_SUCH_ATTRIBUTE, ERR_INVALID, "noSuchAttribute" },
	{ LDAP_UNDEFINED_TYPE, ERR_INVALID, "undefinedAttributeType" },
	{ LDAP_INAPPROPRIATE_MATCHING, ERR_INVALID, "inappropriateMatching" },
	{ LDAP_CONSTRAINT_VIOLATION, ERR_INVALID, "constraintViolation" },
	{ LDAP_TYPE_OR_VALUE_EXISTS, ERR_INVALID, "attributeOrValueExists" },
	{ LDAP_INVALID_SYNTAX, ERR_INVALID, "invalidAttributeSyntax" },
	{ LDAP_NO_SUCH_OBJECT, ERR_NOTFOUND, "noSuchObject" },
	{ LDAP_ALIAS_PROBLEM, ERR_INVALID, "aliasProblem" },
	{ LDAP_INVALID_DN_SYNTAX, ERR_INVALID, "invalidDNSyntax" },
	{ LDAP_ALIAS_DEREF_PROBLEM, ERR_INVALID, "aliasDereferencingProblem" },
	{ LDAP_INAPPROPRIATE_AUTH, ERR_DENIED, "inappropriateAuthentication" },
	{ LDAP_INVALID_CREDENTIALS, ERR_DENIED, "invalidCredentials" },
	{ LDAP_INSUFFICIENT_ACCESS, ERR_DENIED, "insufficientAccessRights" },
	{ LDAP_BUSY, ERR_UNAVAILABLE, "busy" },
	{ LDAP_UNAVAILABLE, ERR_UNAVAILABLE, "unavailable" },
	{ LDAP_UNWILLING_TO_PERFORM, ERR_INVALID, "unwillingToPerform" },
	{ LDAP_LOOP_DETECT, ERR_INVALID, "loopDetect" },
	{ LDAP_NAMING_VIOLATION, ERR_INVALID, "namingViolation" },
	{ LDAP_OBJECT_CLASS_VIOLATION, ERR_INVALID, "objectClassViolation" },
	{ LDAP_NOT_ALLOWED_ON_NONLEAF, ERR_CONFLICT, "notAllowedOnNonLeaf" },
	{ LDAP_NOT_ALLOWED_ON_RDN, ERR_INVALID, "notAllowedOnRDN" },
	{ LDAP_ALREADY_EXISTS, ERR_CONFLICT, "entryAlreadyExists" },
	{ LDAP_NO_OBJECT_CLASS_MODS, ERR_INVALID, "objectClassModsProhibited" },
	{ LDAP_AFFECTS_MULTIPLE_DSAS, ERR_INVALID, "affectsMultipleDSAs" },
	{ LDAP_OTHER, ERR_UNAVAILABLE, "other" },
	/* the library's own */
	{ LDAP_SERVER_DOWN, ERR_UNAVAILABLE, "serverDown" },
	{ LDAP_LOCAL_ERROR, ERR_UNAVAILABLE, "localError" },
	{ LDAP_ENCODING_ERROR, ERR_INVALID, "encodingError" },
	{ LDAP_DECODING_ERROR, ERR_UNAVAILABLE, "decodingError" },
	{ LDAP_TIMEOUT, ERR_UNAVAILABLE, "timeout" },
	{ LDAP_AUTH_UNKNOWN, ERR_DENIED, "authUnknown" },
	{ LDAP_FILTER_ERROR, ERR_INVALID, "filterError" },
	{ LDAP_PARAM_ERROR, ERR_INVALID, "paramError" },
	{ LDAP_CONNECT_ERROR, ERR_UNAVAILABLE, "connectError" },
	{ LDAP_NOT_SUPPORTED, ERR_UNSUPPORTED, "notSupported" },
};

const char *ldap_result_name(int code)
{
	size_t i;

	for (i = 0; i < sizeof(results) / sizeof(*results); i++)
		if (results[i].code == code)
			return results[i].name;
	return "other";
}

enum err_code ldap_result_err(int code)
{
	size_t i;

	for (i = 0; i < sizeof(results) / sizeof(*results); i++)
		if (results[i].code == code)
			return results[i].err;
	return ERR_INVALID;
}

bool ldap_result_fatal(int code)
{
	switch (code) {
	case LDAP_BUSY:
	case LDAP_UNAVAILABLE:
	case LDAP_SERVER_DOWN:
	case LDAP_LOCAL_ERROR:
	case LDAP_DECODING_ERROR:
	case LDAP_TIMEOUT:
	case LDAP_CONNECT_ERROR:
		return true;
	default:
		return false;
	}
}

struct sv ldap_result_text(int code, const char *text, struct arena *arena)
{
	if (!text || !*text)
		text = ldap_err2string(code);
	return sv_from(arena_printf(arena, "%s (result code %d %s)", text, code,
				    ldap_result_name(code)));
}
