/*
 * dialects.c - the constant tables, one for each database
 *
 * Error numbers are those that a database's own manual gives; what is not in a
 * table is judged by its SQLSTATE (dialect.c). SQL Server's are those of the
 * server, and of FreeTDS for what happens on the way (200xx); Firebird's are
 * its own (335544xxx) and the SQLCODE that older drivers give.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/dialect.h"

static const struct sql_error_number sqlserver_errors[] = {
	{ 2627, SQL_FAILURE_UNIQUE, 0 },
	{ 2601, SQL_FAILURE_UNIQUE, 0 },
	{ 547, SQL_FAILURE_REFERENCE, 0 }, /* or CHECK: by its text */
	{ 515, SQL_FAILURE_NULL, 0 },
	{ 550, SQL_FAILURE_CHECK, 0 },
	{ 3609, SQL_FAILURE_CHECK, 0 }, /* a trigger ended the transaction */
	{ 50000, SQL_FAILURE_CHECK, INT32_MAX }, /* RAISERROR, THROW */
	{ 8152, SQL_FAILURE_LENGTH, 0 },
	{ 2628, SQL_FAILURE_LENGTH, 0 },
	{ 220, SQL_FAILURE_VALUE, 0 },
	{ 232, SQL_FAILURE_VALUE, 0 },
	{ 241, SQL_FAILURE_VALUE, 0 },
	{ 242, SQL_FAILURE_VALUE, 0 },
	{ 244, SQL_FAILURE_VALUE, 245 },
	{ 248, SQL_FAILURE_VALUE, 0 },
	{ 295, SQL_FAILURE_VALUE, 298 },
	{ 517, SQL_FAILURE_VALUE, 0 },
	{ 8114, SQL_FAILURE_VALUE, 8115 },
	{ 8169, SQL_FAILURE_VALUE, 0 },
	{ 1205, SQL_FAILURE_DEADLOCK, 0 },
	{ 3960, SQL_FAILURE_DEADLOCK, 0 },
	{ 1222, SQL_FAILURE_LOCKED, 0 },
	{ 20003, SQL_FAILURE_LOCKED, 0 },
	{ 229, SQL_FAILURE_DENIED, 230 },
	{ 262, SQL_FAILURE_DENIED, 0 },
	{ 916, SQL_FAILURE_DENIED, 0 },
	{ 3906, SQL_FAILURE_DENIED, 0 }, /* the database is read-only */
	{ 4060, SQL_FAILURE_DENIED, 0 },
	{ 18456, SQL_FAILURE_DENIED, 0 },
	{ 18486, SQL_FAILURE_DENIED, 18488 },
	{ 207, SQL_FAILURE_MISSING, 208 },
	{ 2812, SQL_FAILURE_MISSING, 0 },
	{ 976, SQL_FAILURE_LOST, 983 }, /* of an availability group */
	{ 6005, SQL_FAILURE_LOST, 6006 },
	{ 10928, SQL_FAILURE_LOST, 10929 },
	{ 17142, SQL_FAILURE_LOST, 0 },
	{ 20004, SQL_FAILURE_LOST, 0 },
	{ 20006, SQL_FAILURE_LOST, 0 },
	{ 20009, SQL_FAILURE_LOST, 0 },
	{ 20017, SQL_FAILURE_LOST, 0 },
	{ 20020, SQL_FAILURE_LOST, 0 },
	{ 20047, SQL_FAILURE_LOST, 0 },
	{ 40197, SQL_FAILURE_LOST, 0 },
	{ 40501, SQL_FAILURE_LOST, 0 },
	{ 40613, SQL_FAILURE_LOST, 0 },
	{ 49918, SQL_FAILURE_LOST, 49920 },
	{ 0, SQL_FAILURE_NONE, 0 },
};

static const struct sql_error_text sqlserver_texts[] = {
	{ "CHECK", 547, SQL_FAILURE_CHECK },
	{ NULL, 0, SQL_FAILURE_NONE },
};

static const struct sql_error_number oracle_errors[] = {
	{ 1, SQL_FAILURE_UNIQUE, 0 },
	{ 2291, SQL_FAILURE_REFERENCE, 2292 },
	{ 1400, SQL_FAILURE_NULL, 0 },
	{ 1407, SQL_FAILURE_NULL, 0 },
	{ 1402, SQL_FAILURE_CHECK, 0 },
	{ 2290, SQL_FAILURE_CHECK, 0 },
	{ 20000, SQL_FAILURE_CHECK, 20999 }, /* RAISE_APPLICATION_ERROR */
	{ 1401, SQL_FAILURE_LENGTH, 0 },
	{ 12899, SQL_FAILURE_LENGTH, 0 },
	{ 932, SQL_FAILURE_VALUE, 0 },
	{ 1426, SQL_FAILURE_VALUE, 0 },
	{ 1438, SQL_FAILURE_VALUE, 0 },
	{ 1465, SQL_FAILURE_VALUE, 0 },
	{ 1722, SQL_FAILURE_VALUE, 0 },
	{ 1800, SQL_FAILURE_VALUE, 1899 },
	{ 6502, SQL_FAILURE_VALUE, 0 },
	{ 60, SQL_FAILURE_DEADLOCK, 0 },
	{ 4068, SQL_FAILURE_DEADLOCK, 0 }, /* a package was made anew */
	{ 8177, SQL_FAILURE_DEADLOCK, 0 },
	{ 51, SQL_FAILURE_LOCKED, 0 },
	{ 54, SQL_FAILURE_LOCKED, 0 },
	{ 1013, SQL_FAILURE_LOCKED, 0 },
	{ 4021, SQL_FAILURE_LOCKED, 0 },
	{ 30006, SQL_FAILURE_LOCKED, 0 },
	{ 1017, SQL_FAILURE_DENIED, 0 },
	{ 1031, SQL_FAILURE_DENIED, 0 },
	{ 1045, SQL_FAILURE_DENIED, 0 },
	{ 16000, SQL_FAILURE_DENIED, 0 }, /* the database is read-only */
	{ 28000, SQL_FAILURE_DENIED, 28002 },
	{ 904, SQL_FAILURE_MISSING, 0 },
	{ 942, SQL_FAILURE_MISSING, 0 },
	{ 4043, SQL_FAILURE_MISSING, 0 },
	{ 6550, SQL_FAILURE_MISSING, 0 },
	{ 6576, SQL_FAILURE_MISSING, 0 },
	{ 28, SQL_FAILURE_LOST, 0 },
	{ 1012, SQL_FAILURE_LOST, 0 },
	{ 1033, SQL_FAILURE_LOST, 1034 },
	{ 1089, SQL_FAILURE_LOST, 1092 },
	{ 3113, SQL_FAILURE_LOST, 3114 },
	{ 3135, SQL_FAILURE_LOST, 0 },
	{ 12500, SQL_FAILURE_LOST, 12699 },
	{ 0, SQL_FAILURE_NONE, 0 },
};

static const struct sql_error_number db2_errors[] = {
	{ -803, SQL_FAILURE_UNIQUE, 0 },
	{ -532, SQL_FAILURE_REFERENCE, -530 },
	{ -407, SQL_FAILURE_NULL, 0 },
	{ -161, SQL_FAILURE_CHECK, 0 },
	{ -438, SQL_FAILURE_CHECK, 0 }, /* SIGNAL, RAISE_ERROR */
	{ -545, SQL_FAILURE_CHECK, 0 },
	{ -723, SQL_FAILURE_CHECK, 0 },
	{ -404, SQL_FAILURE_LENGTH, 0 },
	{ -433, SQL_FAILURE_LENGTH, 0 },
	{ -181, SQL_FAILURE_VALUE, -180 },
	{ -304, SQL_FAILURE_VALUE, 0 },
	{ -413, SQL_FAILURE_VALUE, 0 },
	{ -420, SQL_FAILURE_VALUE, 0 },
	{ -911, SQL_FAILURE_DEADLOCK, 0 }, /* or waited: rolled back */
	{ -913, SQL_FAILURE_DEADLOCK, 0 },
	{ -952, SQL_FAILURE_LOCKED, 0 },
	{ -552, SQL_FAILURE_DENIED, -551 },
	{ -567, SQL_FAILURE_DENIED, 0 },
	{ -30082, SQL_FAILURE_DENIED, 0 },
	{ -204, SQL_FAILURE_MISSING, 0 },
	{ -206, SQL_FAILURE_MISSING, 0 },
	{ -440, SQL_FAILURE_MISSING, 0 },
	{ -900, SQL_FAILURE_LOST, 0 },
	{ -1040, SQL_FAILURE_LOST, 0 },
	{ -1224, SQL_FAILURE_LOST, 0 },
	{ -1776, SQL_FAILURE_LOST, 0 },
	{ -30081, SQL_FAILURE_LOST, -30080 },
	{ 0, SQL_FAILURE_NONE, 0 },
};

static const struct sql_error_number informix_errors[] = {
	{ -100, SQL_FAILURE_UNIQUE, 0 },
	{ -239, SQL_FAILURE_UNIQUE, 0 },
	{ -268, SQL_FAILURE_UNIQUE, 0 },
	{ -692, SQL_FAILURE_REFERENCE, -691 },
	{ -391, SQL_FAILURE_NULL, 0 },
	{ -530, SQL_FAILURE_CHECK, 0 },
	{ -746, SQL_FAILURE_CHECK, 0 }, /* RAISE EXCEPTION */
	{ -1279, SQL_FAILURE_LENGTH, 0 },
	{ -1218, SQL_FAILURE_VALUE, -1204 },
	{ -1226, SQL_FAILURE_VALUE, 0 },
	{ -1267, SQL_FAILURE_VALUE, -1260 },
	{ -143, SQL_FAILURE_DEADLOCK, 0 },
	{ -107, SQL_FAILURE_LOCKED, 0 },
	{ -154, SQL_FAILURE_LOCKED, 0 },
	{ -246, SQL_FAILURE_LOCKED, -243 },
	{ -275, SQL_FAILURE_DENIED, -272 },
	{ -387, SQL_FAILURE_DENIED, 0 },
	{ -952, SQL_FAILURE_DENIED, -951 },
	{ -956, SQL_FAILURE_DENIED, 0 },
	{ -206, SQL_FAILURE_MISSING, 0 },
	{ -217, SQL_FAILURE_MISSING, 0 },
	{ -329, SQL_FAILURE_MISSING, 0 }, /* the database */
	{ -674, SQL_FAILURE_MISSING, 0 },
	{ -908, SQL_FAILURE_LOST, 0 },
	{ -25588, SQL_FAILURE_LOST, -25580 },
	{ -27002, SQL_FAILURE_LOST, -27001 },
	{ 0, SQL_FAILURE_NONE, 0 },
};

static const struct sql_error_number mysql_errors[] = {
	{ 1022, SQL_FAILURE_UNIQUE, 0 },
	{ 1062, SQL_FAILURE_UNIQUE, 0 },
	{ 1169, SQL_FAILURE_UNIQUE, 0 },
	{ 1586, SQL_FAILURE_UNIQUE, 0 },
	{ 1859, SQL_FAILURE_UNIQUE, 0 },
	{ 1216, SQL_FAILURE_REFERENCE, 1217 },
	{ 1451, SQL_FAILURE_REFERENCE, 1452 },
	{ 1048, SQL_FAILURE_NULL, 0 },
	{ 1364, SQL_FAILURE_NULL, 0 },
	{ 1369, SQL_FAILURE_CHECK, 0 },
	{ 1644, SQL_FAILURE_CHECK, 0 }, /* SIGNAL */
	{ 3819, SQL_FAILURE_CHECK, 0 },
	{ 4025, SQL_FAILURE_CHECK, 0 },
	{ 1406, SQL_FAILURE_LENGTH, 0 },
	{ 1264, SQL_FAILURE_VALUE, 1265 },
	{ 1292, SQL_FAILURE_VALUE, 0 },
	{ 1366, SQL_FAILURE_VALUE, 1367 },
	{ 1411, SQL_FAILURE_VALUE, 0 },
	{ 1690, SQL_FAILURE_VALUE, 0 },
	{ 3140, SQL_FAILURE_VALUE, 0 },
	{ 3988, SQL_FAILURE_VALUE, 0 },
	{ 1020, SQL_FAILURE_DEADLOCK, 0 },
	{ 1213, SQL_FAILURE_DEADLOCK, 0 },
	{ 1205, SQL_FAILURE_LOCKED, 0 },
	{ 1317, SQL_FAILURE_LOCKED, 0 },
	{ 1969, SQL_FAILURE_LOCKED, 0 },
	{ 3024, SQL_FAILURE_LOCKED, 0 },
	{ 1044, SQL_FAILURE_DENIED, 1045 },
	{ 1142, SQL_FAILURE_DENIED, 1143 },
	{ 1227, SQL_FAILURE_DENIED, 0 },
	{ 1290, SQL_FAILURE_DENIED, 0 }, /* started read-only */
	{ 1370, SQL_FAILURE_DENIED, 0 },
	{ 1698, SQL_FAILURE_DENIED, 0 },
	{ 1792, SQL_FAILURE_DENIED, 0 },
	{ 1820, SQL_FAILURE_DENIED, 0 }, /* the password must be changed */
	{ 1049, SQL_FAILURE_MISSING, 0 },
	{ 1054, SQL_FAILURE_MISSING, 0 },
	{ 1146, SQL_FAILURE_MISSING, 0 },
	{ 1305, SQL_FAILURE_MISSING, 0 },
	{ 1040, SQL_FAILURE_LOST, 0 },
	{ 1053, SQL_FAILURE_LOST, 0 },
	{ 1080, SQL_FAILURE_LOST, 0 },
	{ 1129, SQL_FAILURE_LOST, 0 },
	{ 1152, SQL_FAILURE_LOST, 0 },
	{ 1158, SQL_FAILURE_LOST, 1161 },
	{ 1203, SQL_FAILURE_LOST, 0 },
	{ 1927, SQL_FAILURE_LOST, 0 },
	{ 2002, SQL_FAILURE_LOST, 2003 },
	{ 2005, SQL_FAILURE_LOST, 2006 },
	{ 2013, SQL_FAILURE_LOST, 2014 },
	{ 2026, SQL_FAILURE_LOST, 0 }, /* of TLS */
	{ 2055, SQL_FAILURE_LOST, 0 },
	{ 4031, SQL_FAILURE_LOST, 0 },
	{ 0, SQL_FAILURE_NONE, 0 },
};

static const struct sql_error_number sqlite_errors[] = {
	{ 3, SQL_FAILURE_DENIED, 0 },
	{ 5, SQL_FAILURE_LOCKED, 6 },
	{ 8, SQL_FAILURE_DENIED, 0 },
	{ 10, SQL_FAILURE_LOST, 11 }, /* disk, damaged file */
	{ 13, SQL_FAILURE_LOST, 15 }, /* full, cannot be opened, protocol */
	{ 18, SQL_FAILURE_LENGTH, 0 },
	{ 19, SQL_FAILURE_CHECK, 0 }, /* of whatever kind: by its text */
	{ 20, SQL_FAILURE_VALUE, 0 },
	{ 23, SQL_FAILURE_DENIED, 0 },
	{ 26, SQL_FAILURE_LOST, 0 }, /* no database */
	{ 0, SQL_FAILURE_NONE, 0 },
};

static const struct sql_error_text sqlite_texts[] = {
	{ "UNIQUE constraint", 0, SQL_FAILURE_UNIQUE },
	{ "PRIMARY KEY must be unique", 0, SQL_FAILURE_UNIQUE },
	{ "FOREIGN KEY constraint", 0, SQL_FAILURE_REFERENCE },
	{ "NOT NULL constraint", 0, SQL_FAILURE_NULL },
	{ "CHECK constraint", 0, SQL_FAILURE_CHECK },
	{ "no such ", 0, SQL_FAILURE_MISSING },
	{ "datatype mismatch", 0, SQL_FAILURE_VALUE },
	{ "cannot store ", 0, SQL_FAILURE_VALUE },
	{ "readonly database", 0, SQL_FAILURE_DENIED },
	{ "is locked", 0, SQL_FAILURE_LOCKED },
	{ NULL, 0, SQL_FAILURE_NONE },
};

static const struct sql_error_number firebird_errors[] = {
	{ 335544349, SQL_FAILURE_UNIQUE, 0 },
	{ 335544665, SQL_FAILURE_UNIQUE, 0 },
	{ 335544466, SQL_FAILURE_REFERENCE, 0 },
	{ 335544347, SQL_FAILURE_NULL, 0 },
	{ 335544517, SQL_FAILURE_CHECK, 0 }, /* EXCEPTION */
	{ 335544558, SQL_FAILURE_CHECK, 0 },
	{ 335544914, SQL_FAILURE_LENGTH, 0 },
	{ 335544321, SQL_FAILURE_VALUE, 0 },
	{ 335544334, SQL_FAILURE_VALUE, 0 },
	{ 335544849, SQL_FAILURE_VALUE, 0 },
	{ 335544336, SQL_FAILURE_DEADLOCK, 0 },
	{ 335544451, SQL_FAILURE_DEADLOCK, 0 },
	{ 335544345, SQL_FAILURE_LOCKED, 0 },
	{ 335544510, SQL_FAILURE_LOCKED, 0 },
	{ 335544352, SQL_FAILURE_DENIED, 0 },
	{ 335544472, SQL_FAILURE_DENIED, 0 },
	{ 335544578, SQL_FAILURE_MISSING, 0 },
	{ 335544580, SQL_FAILURE_MISSING, 0 },
	{ 335544648, SQL_FAILURE_LOST, 0 },
	{ 335544721, SQL_FAILURE_LOST, 335544722 },
	{ 335544741, SQL_FAILURE_LOST, 0 },
	{ 335544856, SQL_FAILURE_LOST, 0 },
	{ -803, SQL_FAILURE_UNIQUE, 0 },
	{ -530, SQL_FAILURE_REFERENCE, 0 },
	{ -625, SQL_FAILURE_NULL, 0 },
	{ -297, SQL_FAILURE_CHECK, 0 },
	{ -836, SQL_FAILURE_CHECK, 0 },
	{ -913, SQL_FAILURE_DEADLOCK, 0 },
	{ -551, SQL_FAILURE_DENIED, 0 },
	{ -204, SQL_FAILURE_MISSING, 0 },
	{ -206, SQL_FAILURE_MISSING, 0 },
	{ 0, SQL_FAILURE_NONE, 0 },
};

static const struct sql_error_text firebird_texts[] = {
	{ "truncation", 335544321, SQL_FAILURE_LENGTH },
	{ "truncation", -802, SQL_FAILURE_LENGTH },
	{ NULL, 0, SQL_FAILURE_NONE },
};

static const struct sql_dialect sqlserver = {
	.name = "sqlserver",
	.help = "Microsoft SQL Server 7 to 2022",
	.product = "Microsoft SQL Server",
	.quote_open = '[',
	.quote_close = ']',
	.limit = SQL_LIMIT_TOP,
	.returning = SQL_RETURNING_OUTPUT,
	.lock_timeout = "SET NOCOUNT OFF SET LOCK_TIMEOUT %d000",
	.snapshot = "IF (SELECT snapshot_isolation_state FROM sys.databases "
		    "WHERE database_id = DB_ID()) = 1 "
		    "SET TRANSACTION ISOLATION LEVEL SNAPSHOT",
	.snapshot_off = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
	.now = "CONVERT(varchar(23), GETUTCDATE(), 126) + 'Z'",
	.own_schema = "SCHEMA_NAME()",
	/* With the tables of version 7, which every later one has, too. */
	.generated = "SELECT c.name FROM syscolumns c "
		     "JOIN sysobjects o ON o.id = c.id "
		     "JOIN sysusers u ON u.uid = o.uid "
		     "WHERE u.name = ? AND o.name = ? AND (c.iscomputed = 1 "
		     "OR COLUMNPROPERTY(c.id, c.name, 'IsIdentity') = 1 "
		     "OR c.xtype = 189)",
	.one_row = "",
	.errors = sqlserver_errors,
	.texts = sqlserver_texts,
	.call = "EXEC %s %s",
};

static const struct sql_dialect oracle = {
	.name = "oracle",
	.help = "Oracle 8i and later",
	.product = "Oracle",
	.quote_open = '"',
	.quote_close = '"',
	.fold = SQL_FOLD_UPPER,
	.limit = SQL_LIMIT_ROWNUM,
	.returning = SQL_RETURNING_NONE,
	.empty_is_null = true,
	.snapshot = "SET TRANSACTION READ ONLY",
	.now = "TO_CHAR(SYS_EXTRACT_UTC(SYSTIMESTAMP), "
	       "'YYYY-MM-DD\"T\"HH24:MI:SS.FF6\"Z\"')",
	.own_schema = "SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA')",
	/* From version 12 on: before it no column was an identity. */
	.generated = "SELECT column_name FROM all_tab_cols "
		     "WHERE owner = ? AND table_name = ? "
		     "AND (virtual_column = 'YES' OR identity_column = 'YES')",
	.one_row = " FROM DUAL",
	.errors = oracle_errors,
	.call = "{CALL %s(%s)}",
};

static const struct sql_dialect db2 = {
	.name = "db2",
	.help = "IBM DB2",
	.product = "DB2|DSN",
	.quote_open = '"',
	.quote_close = '"',
	.fold = SQL_FOLD_UPPER,
	.limit = SQL_LIMIT_FETCH,
	.returning = SQL_RETURNING_QUERY,
	.last_key = "SELECT IDENTITY_VAL_LOCAL() FROM SYSIBM.SYSDUMMY1",
	.lock_timeout = "SET CURRENT LOCK TIMEOUT %d",
	/* CHAR() gives 2026-11-22-08.15.00.123456 in every version. */
	.now = "SUBSTR(CHAR(CURRENT TIMESTAMP - CURRENT TIMEZONE), 1, 10) || "
	       "'T' || REPLACE(SUBSTR(CHAR(CURRENT TIMESTAMP - "
	       "CURRENT TIMEZONE), 12, 8), '.', ':') || "
	       "SUBSTR(CHAR(CURRENT TIMESTAMP - CURRENT TIMEZONE), 20, 7) || "
	       "'Z'",
	.own_schema = "CURRENT SCHEMA",
	.generated = "SELECT colname FROM syscat.columns WHERE tabschema = ? "
		     "AND tabname = ? AND generated IN ('A', 'D')",
	.one_row = " FROM SYSIBM.SYSDUMMY1",
	.errors = db2_errors,
	.call = "CALL %s(%s)",
};

static const struct sql_dialect informix = {
	.name = "informix",
	.help = "IBM Informix",
	.product = "Informix|INFORMIX|IDS",
	.quote_open = '"',
	.quote_close = '"',
	.fold = SQL_FOLD_LOWER,
	.limit = SQL_LIMIT_FIRST,
	.returning = SQL_RETURNING_QUERY,
	.last_key = "SELECT DBINFO('sqlca.sqlerrd1') FROM systables "
		    "WHERE tabid = 1",
	.lock_timeout = "SET LOCK MODE TO WAIT %d",
	/* Seconds since 1970 are too many for one interval. */
	.now = "TO_CHAR(DATETIME(1970-01-01 00:00:00) YEAR TO SECOND + "
	       "TRUNC(DBINFO('utc_current') / 86400) UNITS DAY + "
	       "MOD(DBINFO('utc_current'), 86400) UNITS SECOND, "
	       "'%Y-%m-%dT%H:%M:%SZ')",
	.one_row = " FROM systables WHERE tabid = 1",
	.errors = informix_errors,
	.call = "{CALL %s(%s)}",
};

static const struct sql_dialect mysql = {
	.name = "mysql",
	.help = "MySQL and MariaDB",
	.product = "MySQL|MariaDB",
	.quote_open = '`',
	.quote_close = '`',
	.limit = SQL_LIMIT_LIMIT,
	.returning = SQL_RETURNING_QUERY,
	.last_key = "SELECT LAST_INSERT_ID()",
	/* Strict: or else a value that does not fit is cut without an error. */
	.lock_timeout = "SET SESSION innodb_lock_wait_timeout = %d, "
			"SESSION lock_wait_timeout = %d, SESSION sql_mode = "
			"CONCAT(@@SESSION.sql_mode, ',STRICT_ALL_TABLES')",
	.snapshot = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
	.now = "DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ')",
	.own_schema = "DATABASE()",
	.generated = "SELECT column_name FROM information_schema.columns "
		     "WHERE table_schema = ? AND table_name = ? "
		     "AND (extra LIKE '%auto_increment%' "
		     "OR extra LIKE '%GENERATED%')",
	.one_row = "",
	.errors = mysql_errors,
	.call = "CALL %s(%s)",
};

/* A name in double quotes that is no column is a text to SQLite, without an
 * error, and backquotes would prevent that; but its ODBC driver does not know
 * them and counts parameters within. So names are looked up before. */
static const struct sql_dialect sqlite = {
	.name = "sqlite",
	.help = "SQLite",
	.product = "SQLite",
	.quote_open = '"',
	.quote_close = '"',
	.limit = SQL_LIMIT_LIMIT,
	.returning = SQL_RETURNING_QUERY,
	.last_key = "SELECT last_insert_rowid()",
	.lock_timeout = "PRAGMA busy_timeout = %d000",
	.now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
	.one_row = "",
	.errors = sqlite_errors,
	.texts = sqlite_texts,
};

static const struct sql_dialect firebird = {
	.name = "firebird",
	.help = "Firebird and InterBase",
	.product = "Firebird|InterBase",
	.quote_open = '"',
	.quote_close = '"',
	.fold = SQL_FOLD_UPPER,
	.limit = SQL_LIMIT_FIRST,
	.returning = SQL_RETURNING_CLAUSE,
	/* From version 4 on. */
	.now = "REPLACE(CAST(CAST(CURRENT_TIMESTAMP AT TIME ZONE 'UTC' AS "
	       "TIMESTAMP) AS VARCHAR(24)), ' ', 'T') || 'Z'",
	.one_row = " FROM RDB$DATABASE",
	.errors = firebird_errors,
	.texts = firebird_texts,
	.call = "EXECUTE PROCEDURE %s(%s)",
};

static const struct sql_dialect access_files = {
	.name = "access",
	.help = "Access files by mdbtools; they cannot be written to",
	.product = "MDBTools|mdbtools|ACCESS",
	.quote_open = '"',
	.quote_close = '"',
	.limit = SQL_LIMIT_LIMIT,
	.returning = SQL_RETURNING_NONE,
	.read_only = true,
	.one_row = "",
};

#define POSTGRESQL                                                             \
	.name = "postgresql", .product = "PostgreSQL", .quote_open = '"',      \
	.quote_close = '"', .fold = SQL_FOLD_LOWER, .limit = SQL_LIMIT_LIMIT,  \
	.returning = SQL_RETURNING_CLAUSE,                                     \
	.lock_timeout = "SET lock_timeout = '%ds'",                            \
	.snapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, "        \
		    "READ ONLY",                                               \
	.now = "to_char(clock_timestamp() AT TIME ZONE 'UTC', "                \
	       "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",                         \
	.own_schema = "current_schema()", .one_row = "", .call = "CALL %s(%s)"

const struct sql_dialect sql_postgresql = {
	POSTGRESQL,
	.help = "PostgreSQL",
	.numbered = true,
};

/* Over ODBC parameters are marked as everywhere there. */
static const struct sql_dialect postgresql_odbc = {
	POSTGRESQL,
	.help = "PostgreSQL; the connector 'postgresql' is better",
	.generated = "SELECT column_name FROM information_schema.columns "
		     "WHERE table_schema = ? AND table_name = ? "
		     "AND (is_identity = 'YES' OR is_generated <> 'NEVER' "
		     "OR column_default LIKE 'nextval(%')",
};

static const struct sql_dialect other = {
	.name = "other",
	.help = "any other database, by the SQL standard's words",
	.product = "",
	.quote_open = '"',
	.quote_close = '"',
	.limit = SQL_LIMIT_FETCH,
	.returning = SQL_RETURNING_NONE,
	.one_row = "",
	.call = "{CALL %s(%s)}",
};

const struct sql_dialect *const sql_dialects[] = {
	&sqlserver,       &oracle, &db2,      &informix,
	&mysql,           &sqlite, &firebird, &access_files,
	&postgresql_odbc, &other,  NULL,
};
