/*
 * libpq_settings.h - how a PostgreSQL server is reached, as settings
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_LIBPQ_SETTINGS_H
#define CONNECTORS_SQL_LIBPQ_SETTINGS_H

#include "model/setting.h"

#define LIBPQ_SETTING(n, t, f, h)                                              \
	{                                                                      \
		.name = (n), .type = (t), .fallback = (f), .help = (h)         \
	}

/* The driver's table has them, and the connector's with others beside. */
#define LIBPQ_SETTINGS                                                         \
	{ .name = "server",                                                    \
	  .type = SETTING_NAMES,                                               \
	  .required = true,                                                    \
	  .help = "HOST or HOST:PORT, or several, tried in this order; or "    \
		  "the folder of a socket" },                                  \
		LIBPQ_SETTING("port", SETTING_NUMBER, "5432",                  \
			      "of servers that are written without"),          \
		{ .name = "database",                                          \
		  .type = SETTING_TEXT,                                        \
		  .required = true,                                            \
		  .help = "name of the database" },                            \
		{ .name = "user",                                              \
		  .type = SETTING_TEXT,                                        \
		  .required = true,                                            \
		  .help = "role to sign in as" },                              \
		LIBPQ_SETTING("password", SETTING_SECRET, NULL,                \
			      "the role's password"),                          \
		{ .name = "security",                                          \
		  .type = SETTING_CHOICE,                                      \
		  .fallback = "tls",                                           \
		  .words = "tls|none",                                         \
		  .help = "tls: encrypted, and the server's certificate is "   \
			  "verified; none: not encrypted" },                   \
		LIBPQ_SETTING("ca_file", SETTING_PATH, NULL,                   \
			      "the authorities that servers' certificates "    \
			      "must come from; default: the system's"),        \
		LIBPQ_SETTING("certificate", SETTING_PATH, NULL,               \
			      "client certificate (PEM)"),                     \
		LIBPQ_SETTING("key", SETTING_PATH, NULL,                       \
			      "private key of certificate (PEM)"),             \
		LIBPQ_SETTING("timeout", SETTING_NUMBER, "300",                \
			      "seconds for which a statement may give "        \
			      "nothing; then it is cancelled"),                \
		LIBPQ_SETTING("lock_timeout", SETTING_NUMBER, "30",            \
			      "seconds that a statement waits for a lock; 0: " \
			      "as long as `timeout`")

#endif
