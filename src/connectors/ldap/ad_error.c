/*
 * ad_error.c - what a refusal means, by the Windows error in the server's text
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ad_private.h"

#include <stdlib.h>

/* The Windows error behind a refusal: "0000052D: ..." */
static unsigned long windows_error(const char *text)
{
	char *end = NULL;
	unsigned long number = text ? strtoul(text, &end, 16) : 0;

	return end && end - text == 8 && *end == ':' ? number : 0;
}

const char *ad_error_of(int code, const char *text)
{
	(void)code;
	switch (windows_error(text)) {
	case 0x52d:  /* ERROR_PASSWORD_RESTRICTION */
	case 0x52c:  /* ERROR_ILL_FORMED_PASSWORD */
	case 0x521d: /* of later servers */
		return "password-policy-violation";
	case 0x5:
	case 0x2098: /* ERROR_DS_INSUFF_ACCESS_RIGHTS */
		return "permission-issue";
	case 0x2071: /* ERROR_DS_OBJ_STRING_NAME_EXISTS */
	case 0x524:  /* ERROR_USER_EXISTS */
	case 0x526:  /* ERROR_GROUP_EXISTS */
	case 0x21c7: /* a value that must be unique */
	case 0x21c8: /* userPrincipalName is taken in the forest */
		return "cd-existing-object";
	case 0x2077: /* ERROR_DS_ILLEGAL_MOD_OPERATION */
	case 0x209a: /* ERROR_DS_CANT_MOD_SYSTEM_ONLY */
		return "constraint-violation";
	case 0x562: /* ERROR_MEMBER_IN_ALIAS */
	case 0x561:
		return "cd-existing-attribute-or-value";
	default:
		return NULL;
	}
}
