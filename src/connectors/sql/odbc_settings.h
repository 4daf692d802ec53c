/*
 * odbc_settings.h - how a database is reached over unixODBC, as settings
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_SQL_ODBC_SETTINGS_H
#define CONNECTORS_SQL_ODBC_SETTINGS_H

#include "model/setting.h"

#define ODBC_SETTING(n, t, f, h)                                               \
	{                                                                      \
		.name = (n), .type = (t), .fallback = (f), .help = (h)         \
	}

/* The driver's table has them, and the connector's with others beside. */
#define ODBC_SETTINGS                                                          \
	ODBC_SETTING("dsn", SETTING_TEXT, NULL, "a data source of odbc.ini"),  \
		ODBC_SETTING("driver", SETTING_TEXT, NULL,                     \
			     "in its place: a driver of odbcinst.ini, or the " \
			     "path of its library"),                           \
		ODBC_SETTING("server", SETTING_TEXT, NULL,                     \
			     "host name or address"),                          \
		ODBC_SETTING("port", SETTING_NUMBER, NULL,                     \
			     "default: the driver's own"),                     \
		ODBC_SETTING("database", SETTING_TEXT, NULL,                   \
			     "name of the database; of SQLite and Access the " \
			     "file"),                                          \
		ODBC_SETTING("user", SETTING_TEXT, NULL,                       \
			     "account to sign in as"),                         \
		ODBC_SETTING("password", SETTING_SECRET, NULL,                 \
			     "its password"),                                  \
		ODBC_SETTING("options", SETTING_NAMES, NULL,                   \
			     "the driver's own keywords, each KEY=VALUE"),     \
		{ .name = "dialect",                                           \
		  .type = SETTING_CHOICE,                                      \
		  .fallback = "auto",                                          \
		  .words = "auto|sqlserver|oracle|db2|informix|mysql|sqlite|"  \
			   "firebird|access|postgresql|other",                 \
		  .help = "how SQL is written; auto: as the database says "    \
			  "what it is" },                                      \
		{ .name = "tds_version",                                       \
		  .type = SETTING_CHOICE,                                      \
		  .fallback = "auto",                                          \
		  .words = "auto|7.0|7.1|7.2|7.3|7.4",                         \
		  .help = "FreeTDS: 7.0 for SQL Server 7, 7.1 for 2000, 7.2 "  \
			  "for 2005, 7.3 for 2008, 7.4 for later ones" },      \
		{ .name = "security",                                          \
		  .type = SETTING_CHOICE,                                      \
		  .fallback = "tls",                                           \
		  .words = "tls|none",                                         \
		  .help = "tls: encrypted, and the server's certificate is "   \
			  "verified, where the driver is known; none: not "    \
			  "encrypted" },                                       \
		ODBC_SETTING("ca_file", SETTING_PATH, NULL,                    \
			     "the authorities that servers' certificates "     \
			     "must come from; default: the system's"),         \
		ODBC_SETTING("certificate", SETTING_PATH, NULL,                \
			     "client certificate (PEM)"),                      \
		ODBC_SETTING("key", SETTING_PATH, NULL,                        \
			     "private key of certificate (PEM)"),              \
		ODBC_SETTING("timeout", SETTING_NUMBER, "300",                 \
			     "seconds for which a statement may give "         \
			     "nothing"),                                       \
		ODBC_SETTING("lock_timeout", SETTING_NUMBER, "30",             \
			     "seconds that a statement waits for a lock")

#endif
