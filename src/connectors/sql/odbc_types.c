/*
 * odbc_types.c - what kind of column a type of ODBC, or a vendor's own, is
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/odbc_private.h"

/* Types outside of the standard. */
#define SS_VARIANT     (-150)
#define SS_XML         (-152)
#define SS_TIME2       (-154)
#define SS_OFFSET      (-155)
#define DB2_GRAPHIC    (-95)
#define DB2_VARGRAPHIC (-96)
#define DB2_LONGVARG   (-97)
#define DB2_BLOB       (-98)
#define DB2_CLOB       (-99)
#define DB2_DBCLOB     (-350)
#define DB2_DECFLOAT   (-360)

#define I64_DIGITS 18 /* as many always fit 64 bits */

static const struct {
	SQLSMALLINT native;
	enum sql_column_kind kind;
} types[] = {
	{ SQL_VARCHAR, SQL_COLUMN_TEXT },
	{ SQL_WVARCHAR, SQL_COLUMN_TEXT },
	{ SQL_LONGVARCHAR, SQL_COLUMN_TEXT },
	{ SQL_WLONGVARCHAR, SQL_COLUMN_TEXT },
	{ DB2_VARGRAPHIC, SQL_COLUMN_TEXT },
	{ DB2_LONGVARG, SQL_COLUMN_TEXT },
	{ DB2_CLOB, SQL_COLUMN_TEXT },
	{ DB2_DBCLOB, SQL_COLUMN_TEXT },
	{ SQL_CHAR, SQL_COLUMN_CHAR },
	{ SQL_WCHAR, SQL_COLUMN_CHAR },
	{ DB2_GRAPHIC, SQL_COLUMN_CHAR },
	{ SQL_INTEGER, SQL_COLUMN_INTEGER },
	{ SQL_SMALLINT, SQL_COLUMN_INTEGER },
	{ SQL_TINYINT, SQL_COLUMN_INTEGER },
	{ SQL_BIGINT, SQL_COLUMN_INTEGER },
	{ SQL_DECIMAL, SQL_COLUMN_DECIMAL },
	{ SQL_NUMERIC, SQL_COLUMN_DECIMAL },
	{ DB2_DECFLOAT, SQL_COLUMN_DECIMAL },
	{ SQL_DOUBLE, SQL_COLUMN_FLOAT },
	{ SQL_FLOAT, SQL_COLUMN_FLOAT },
	{ SQL_REAL, SQL_COLUMN_FLOAT },
	{ SQL_BIT, SQL_COLUMN_BOOLEAN },
	{ SQL_TYPE_DATE, SQL_COLUMN_DATE },
	{ SQL_DATE, SQL_COLUMN_DATE },
	{ SQL_TYPE_TIME, SQL_COLUMN_TIME },
	{ SQL_TIME, SQL_COLUMN_TIME },
	{ SS_TIME2, SQL_COLUMN_TIME },
	{ SQL_TYPE_TIMESTAMP, SQL_COLUMN_LOCAL },
	{ SQL_TIMESTAMP, SQL_COLUMN_LOCAL },
	{ SS_OFFSET, SQL_COLUMN_MOMENT },
	{ SQL_GUID, SQL_COLUMN_GUID },
	{ SQL_BINARY, SQL_COLUMN_BYTES },
	{ SQL_VARBINARY, SQL_COLUMN_BYTES },
	{ SQL_LONGVARBINARY, SQL_COLUMN_BYTES },
	{ DB2_BLOB, SQL_COLUMN_BYTES },
	{ SS_XML, SQL_COLUMN_TEXT },
	{ SS_VARIANT, SQL_COLUMN_OTHER },
};

/* SQL Server's sp_columns is older than these and calls them nvarchar. */
static const struct {
	const char *name;
	enum sql_column_kind kind;
} sqlserver_types[] = {
	{ "date", SQL_COLUMN_DATE },
	{ "time", SQL_COLUMN_TIME },
	{ "datetime2", SQL_COLUMN_LOCAL },
	{ "datetimeoffset", SQL_COLUMN_MOMENT },
};

static bool is(const struct odbc_link *odbc, const char *dialect)
{
	return strcmp(odbc->link.dialect->name, dialect) == 0;
}

enum sql_column_kind odbc_column_kind(const struct odbc_link *odbc,
				      const struct odbc_column *column)
{
	enum sql_column_kind kind = SQL_COLUMN_OTHER;
	struct sv type = sv_from(column->type);
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].native == column->native)
			kind = types[i].kind;
	for (i = 0; is(odbc, "sqlserver") && column->native == SQL_WVARCHAR &&
		    i < sizeof(sqlserver_types) / sizeof(*sqlserver_types);
	     i++)
		if (sv_ieq_str(type, sqlserver_types[i].name))
			kind = sqlserver_types[i].kind;
	/* Oracle has one type of numbers. */
	if (kind == SQL_COLUMN_DECIMAL && !column->digits && column->size &&
	    column->size <= I64_DIGITS)
		return SQL_COLUMN_INTEGER;
	if (is(odbc, "oracle") && column->native == SQL_DOUBLE)
		return SQL_COLUMN_DECIMAL;
	if (column->native == SQL_BIGINT && column->is_unsigned)
		return SQL_COLUMN_DECIMAL;
	/* SQLite's driver calls its decimals floating. */
	if (is(odbc, "sqlite") && (sv_starts(type, SV_LIT("numeric")) ||
				   sv_starts(type, SV_LIT("NUMERIC")) ||
				   sv_starts(type, SV_LIT("decimal")) ||
				   sv_starts(type, SV_LIT("DECIMAL"))))
		return SQL_COLUMN_DECIMAL;
	if (is(odbc, "postgresql") && sv_ieq_str(type, "timestamptz"))
		return SQL_COLUMN_OTHER;
	return kind;
}
