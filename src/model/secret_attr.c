/*
 * secret_attr.c - attributes whose values nobody is shown
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model/secret_attr.h"

#include "base/sv.h"

#include <stddef.h>

/* The first two are never shown by directories. */
static const struct sv NAMES[] = {
	{ "userPassword", 12 },    { "unicodePwd", 10 },
	{ "sambaNTPassword", 15 }, { "sambaLMPassword", 15 },
	{ "krbPrincipalKey", 15 }, { "dBCSPwd", 7 },
};

static bool among(const char *name, size_t count)
{
	struct sv text = name ? sv_from(name) : SV_NULL;
	size_t i;

	for (i = 0; i < count; i++)
		if (sv_ieq(text, NAMES[i]))
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
