/*
 * password_suite.c - passwords through the contract, for tests
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "password_suite.h"

#include <stdio.h>

const char *password_try(const struct connector_ops *ops,
			 const struct connector_config *config,
			 const char *anchor, const char *old,
			 const char *new_one)
{
	static char said[800];
	struct secret secrets[2] = { SECRET_INIT, SECRET_INIT };
	struct password_op op = { .anchor = sv_from(anchor),
				  .old_password = old ? &secrets[0] : NULL,
				  .new_password = &secrets[1] };
	struct export_outcome out;
	struct connector connector;
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	int ret = connector_open(&connector, ops, config, &err);

	secret_set(&secrets[0], sv_from(old ? old : ""));
	secret_set(&secrets[1], sv_from(new_one));
	if (ret == 0)
		ret = connector_password(&connector, &op, &arena, &out, &err);
	if (ret < 0)
		(void)snprintf(said, sizeof(said), "FAILED: %s", err.msg);
	else if (out.ok)
		(void)snprintf(said, sizeof(said), "ok");
	else
		(void)snprintf(said, sizeof(said), "%s: " SV_FMT, out.error,
			       SV_ARG(out.message));
	connector_close(&connector);
	secret_release(&secrets[0]);
	secret_release(&secrets[1]);
	arena_release(&arena);
	return said;
}
