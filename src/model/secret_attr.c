/*
 * secret_attr.c - attributes whose values nobody is shown
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model/secret_attr.h"

#include "base/sv.h"

#include <stddef.h>

/* The first two are never shown by directories. */
static const char *const NAMES[] = {
	"userPassword",    "unicodePwd",      "sambaNTPassword",
	"sambaLMPassword", "krbPrincipalKey", "dBCSPwd",
};

static bool among(const char *name, size_t count)
{
	size_t i;

	for (i = 0; name && i < count; i++)
		if (sv_ieq_str(sv_from(name), NAMES[i]))
			return true;
	return false;
}

bool attr_is_secret(const char *name)
{
	return among(name, sizeof(NAMES) / sizeof(*NAMES));
}

bool attr_is_write_only(const char *name)
{
	return among(name, 2);
}
