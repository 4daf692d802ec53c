/*
 * cmd_version.c - `conjoin version`: this program and what it is built with
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/cli.h"

#include <ldap.h>
#include <libfyaml.h>
#include <openssl/crypto.h>
#include <sodium.h>
#include <sqlite3.h>
#include <utf8proc.h>

static enum run_exit run(struct cli *cli)
{
	const struct {
		const char *name;
		const char *version;
	} parts[] = {
		{ "version", CONJOIN_VERSION },
		{ "sqlite", sqlite3_libversion() },
		{ "libfyaml", fy_library_version() },
		{ "jansson", jansson_version_str() },
		{ "libsodium", sodium_version_string() },
		{ "libcrypto", OpenSSL_version(OPENSSL_VERSION_STRING) },
		{ "utf8proc", utf8proc_version() },
		{ "libldap", arena_printf(&cli->arena, "%d.%d.%d",
					  LDAP_VENDOR_VERSION / 10000,
					  LDAP_VENDOR_VERSION / 100 % 100,
					  LDAP_VENDOR_VERSION % 100) },
	};
	json_t *json;
	size_t i;

	if (!cli->output.json) {
		(void)printf("conjoin %s\n", CONJOIN_VERSION);
		for (i = 1; i < sizeof(parts) / sizeof(*parts); i++)
			(void)printf("  %-9s  %s\n", parts[i].name,
				     parts[i].version);
		return RUN_OK;
	}
	json = json_object();
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		(void)json_object_set_new(json, parts[i].name,
					  json_of_text(parts[i].version));
	output_json(&cli->output, json);
	return RUN_OK;
}

const struct command command_version = {
	.name = "version",
	.usage = "",
	.help = "the version of this program and of its libraries",
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
