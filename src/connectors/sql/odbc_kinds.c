/*
 * odbc_kinds.c - what each vendor's driver is told, and what is known of it
 *
 * A driver is known by the file of its library. What is said here of drivers
 * that Debian has was tried; of the others it is what their manuals say.
 *
 * FLAG_FOUND_ROWS (2) of MySQL's drivers: an UPDATE that finds the row as it is
 * to be has touched it, else it would look as if there were none.
 *
 * PacketSize of FreeTDS: the 4096 that servers take by themselves are twice as
 * many packets to read. SQL Server wants to be asked for no more than 8060;
 * Microsoft's own clients ask for 8000.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/odbc_private.h"

#include <strings.h>

static const struct odbc_kind kinds[] = {
	{ .library = "tdsodbc", /* FreeTDS */
	  .dialect = "sqlserver",
	  .server = "Server",
	  .port = "Port",
	  .database = "Database",
	  .user = "UID",
	  .password = "PWD",
	  .always = "ClientCharset=UTF-8;APP=conjoin;PacketSize=8000;",
	  .tls = "Encryption=require;",
	  .none = "Encryption=off;",
	  .reopen = "IF @@TRANCOUNT = 0 BEGIN TRANSACTION",
	  .code_pages = true,
	  .narrow = true,
	  .silence = true,
	  .lone_brace = true },
	{ .library = "maodbc", /* MariaDB */
	  .dialect = "mysql",
	  .server = "SERVER",
	  .port = "PORT",
	  .database = "DATABASE",
	  .user = "UID",
	  .password = "PWD",
	  .ca_file = "SSLCA",
	  .certificate = "SSLCERT",
	  .key = "SSLKEY",
	  .always = "CHARSET=utf8mb4;OPTION=2;FORWARDONLY=1;NO_PROMPT=1;"
		    "CONN_TIMEOUT=20;READ_TIMEOUT=%d;WRITE_TIMEOUT=%d;",
	  .tls = "FORCETLS=1;SSLVERIFY=1;",
	  .narrow = true,
	  .arrays = true },
	{ .library = "myodbc", /* MySQL's own */
	  .dialect = "mysql",
	  .server = "SERVER",
	  .port = "PORT",
	  .database = "DATABASE",
	  .user = "UID",
	  .password = "PWD",
	  .ca_file = "SSLCA",
	  .certificate = "SSLCERT",
	  .key = "SSLKEY",
	  .always = "CHARSET=utf8mb4;OPTION=2;NO_PROMPT=1;NO_CACHE=1;"
		    "FORWARD_CURSOR=1;",
	  .tls = "SSLMODE=VERIFY_IDENTITY;",
	  .none = "SSLMODE=DISABLED;" },
	{ .library = "sqlite3odbc",
	  .dialect = "sqlite",
	  .address = ODBC_ADDRESS_FILE,
	  .database = "Database",
	  .always = "FKSupport=1;NoCreat=1;StepAPI=1;NoWCHAR=1;BigInt=1;"
		    "ShortNames=1;",
	  .narrow = true,
	  .by_value = true },
	{ .library = "mdbodbc", /* mdbtools */
	  .dialect = "access",
	  .address = ODBC_ADDRESS_FILE,
	  .database = "DBQ",
	  .narrow = true,
	  .by_value = true },
	{ .library = "psqlodbc",
	  .dialect = "postgresql",
	  .server = "Servername",
	  .port = "Port",
	  .database = "Database",
	  .user = "UID",
	  .password = "PWD",
	  .always = "UseDeclareFetch=1;Fetch=2000;BoolsAsChar=0;"
		    "ByteaAsLongVarBinary=1;",
	  .tls = "SSLmode=verify-full;",
	  .none = "SSLmode=disable;" },
	{ .library = "msodbcsql", /* Microsoft's for SQL Server */
	  .dialect = "sqlserver",
	  .address = ODBC_ADDRESS_COMMA,
	  .server = "Server",
	  .database = "Database",
	  .user = "UID",
	  .password = "PWD",
	  .always = "APP=conjoin;",
	  .tls = "Encrypt=yes;TrustServerCertificate=no;",
	  .none = "Encrypt=no;" },
	{ .library = "sqora", /* Oracle's */
	  .dialect = "oracle",
	  .address = ODBC_ADDRESS_ORACLE,
	  .database = "DBQ",
	  .user = "UID",
	  .password = "PWD" },
	{ .library = "db2", /* IBM's for DB2: libdb2o.so */
	  .dialect = "db2",
	  .server = "Hostname",
	  .port = "Port",
	  .database = "Database",
	  .user = "UID",
	  .password = "PWD",
	  .ca_file = "SSLServerCertificate",
	  .always = "Protocol=TCPIP;",
	  .tls = "Security=SSL;" },
	{ .library = "iclit", /* IBM's for Informix: iclit09b.so */
	  .dialect = "informix",
	  .server = "Host",
	  .port = "Service",
	  .database = "Database",
	  .user = "UID",
	  .password = "PWD",
	  .always = "DELIMIDENT=y;" },
	{ .library = "OdbcFb", /* Firebird's */
	  .dialect = "firebird",
	  .address = ODBC_ADDRESS_FIREBIRD,
	  .database = "Dbname",
	  .user = "UID",
	  .password = "PWD",
	  .always = "CHARSET=UTF8;" },
};

static const struct odbc_kind any = { .library = "",
				      .server = "Server",
				      .port = "Port",
				      .database = "Database",
				      .user = "UID",
				      .password = "PWD" };

const struct odbc_kind *odbc_kind_of(const char *library)
{
	const char *name = strrchr(library, '/');
	size_t i;

	name = name ? name + 1 : library;
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcasestr(name, kinds[i].library))
			return &kinds[i];
	return &any;
}
