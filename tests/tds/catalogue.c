/*
 * catalogue.c - sp_tables, sp_columns and the like; INFORMATION_SCHEMA
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include <stdio.h>

/* ---- a type's properties, for the queries below ---- */

static const struct {
	int odbc;
	int precision;
	int length;
	int radix;
} facts[] = {
	[T_BIT] = { -7, 1, 1, 0 },
	[T_TINYINT] = { -6, 3, 1, 10 },
	[T_SMALLINT] = { 5, 5, 2, 10 },
	[T_INT] = { 4, 10, 4, 10 },
	[T_BIGINT] = { -5, 19, 8, 10 },
	[T_DECIMAL] = { 3, 0, 0, 10 },
	[T_MONEY] = { 3, 19, 21, 10 },
	[T_SMALLMONEY] = { 3, 10, 12, 10 },
	[T_REAL] = { 7, 24, 4, 2 },
	[T_FLOAT] = { 6, 53, 8, 2 },
	[T_CHAR] = { 1, 0, 0, 0 },
	[T_VARCHAR] = { 12, 0, 0, 0 },
	[T_NCHAR] = { -8, 0, 0, 0 },
	[T_NVARCHAR] = { -9, 0, 0, 0 },
	[T_TEXT] = { -1, 2147483647, 2147483647, 0 },
	[T_NTEXT] = { -10, 1073741823, 2147483646, 0 },
	[T_BINARY] = { -2, 0, 0, 0 },
	[T_VARBINARY] = { -3, 0, 0, 0 },
	[T_IMAGE] = { -4, 2147483647, 2147483647, 0 },
	[T_ROWVERSION] = { -2, 8, 8, 0 },
	[T_GUID] = { -11, 36, 16, 0 },
	[T_DATETIME] = { 93, 23, 16, 0 },
	[T_SMALLDATETIME] = { 93, 16, 16, 0 },
	/* sp_columns tells these as texts: it is older than they are */
	[T_DATE] = { -9, 10, 20, 0 },
	[T_TIME] = { -9, 16, 32, 0 },
	[T_DATETIME2] = { -9, 27, 54, 0 },
	[T_OFFSET] = { -9, 34, 68, 0 },
};

static void f_type(sqlite3_context *context, int count, sqlite3_value **args)
{
	const char *declared = (const char *)sqlite3_value_text(args[0]);
	const char *text = (const char *)sqlite3_value_text(args[1]);
	char what = text ? text[0] : 0;
	bool sized;
	struct type type;

	(void)count;
	if (!declared || !type_parse(sv_from(declared), &type))
		type = (struct type){ .id = T_NVARCHAR, .size = 4000 };
	sized = type_is_text(&type) || type_is_bytes(&type);
	switch (what) {
	case 'n':
		sqlite3_result_text(context, type_name(&type), -1,
				    SQLITE_TRANSIENT);
		break;
	case 'o':
		sqlite3_result_int(context, facts[type.id].odbc);
		break;
	case 'p':
		sqlite3_result_int(context, type.id == T_DECIMAL
						    ? type.precision
					    : facts[type.id].precision
						    ? facts[type.id].precision
						    : type.size);
		break;
	case 'l':
		sqlite3_result_int(
			context, type.id == T_DECIMAL    ? type.precision + 2
				 : facts[type.id].length ? facts[type.id].length
				 : type_is_wide(&type)   ? type.size * 2
							 : type.size);
		break;
	case 's':
		if (type.id == T_DATETIME)
			sqlite3_result_int(context, 3);
		else if (type.id <= T_SMALLMONEY || type_is_moment(&type))
			sqlite3_result_int(context, type.scale);
		break;
	case 'r':
		if (facts[type.id].radix)
			sqlite3_result_int(context, facts[type.id].radix);
		break;
	case 'c': /* characters, -1 for max */
		if (sized)
			sqlite3_result_int(context, type.size ? type.size : -1);
		break;
	default:
		break;
	}
}

void catalogue_functions(struct client *client)
{
	(void)sqlite3_create_function(client->db, "tds_type", 2, SQLITE_UTF8,
				      client, f_type, NULL, NULL);
}

void catalogue_views(sqlite3 *db)
{
	static const char sql[] =
		"CREATE VIEW IF NOT EXISTS tds_objects AS SELECT"
		" name AS whole, type AS kind, CASE WHEN instr(name, '.') > 0"
		" THEN substr(name, 1, instr(name, '.') - 1) ELSE 'dbo' END"
		" AS owner, substr(name, instr(name, '.') + 1) AS name"
		" FROM sqlite_master WHERE type IN ('table', 'view')"
		" AND name NOT LIKE 'tds\\_%' ESCAPE '\\'"
		" AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
		" AND name NOT LIKE 'INFORMATION_SCHEMA.%'"
		" AND name NOT LIKE 'sys.%' AND name NOT IN"
		" ('sysobjects', 'syscolumns', 'sysusers', 'sysdatabases');"
		"CREATE VIEW IF NOT EXISTS \"INFORMATION_SCHEMA.TABLES\" AS"
		" SELECT tds_db_name() AS TABLE_CATALOG,"
		" owner AS TABLE_SCHEMA, name AS TABLE_NAME,"
		" CASE kind WHEN 'table' THEN 'BASE TABLE' ELSE 'VIEW' END"
		" AS TABLE_TYPE FROM tds_objects;"
		"CREATE VIEW IF NOT EXISTS \"INFORMATION_SCHEMA.COLUMNS\" AS"
		" SELECT tds_db_name() AS TABLE_CATALOG,"
		" o.owner AS TABLE_SCHEMA, o.name AS TABLE_NAME,"
		" c.name AS COLUMN_NAME, c.cid + 1 AS ORDINAL_POSITION,"
		" c.dflt_value AS COLUMN_DEFAULT,"
		" CASE WHEN c.[notnull] OR c.pk THEN 'NO' ELSE 'YES' END"
		" AS IS_NULLABLE, tds_type(c.type, 'n') AS DATA_TYPE,"
		" tds_type(c.type, 'c') AS CHARACTER_MAXIMUM_LENGTH,"
		" tds_type(c.type, 'p') AS NUMERIC_PRECISION,"
		" tds_type(c.type, 's') AS NUMERIC_SCALE"
		" FROM tds_objects AS o, pragma_table_xinfo(o.whole) AS c;"
		"CREATE VIEW IF NOT EXISTS \"sys.tables\" AS SELECT name,"
		" tds_object_id(whole) AS object_id FROM tds_objects"
		" WHERE kind = 'table';"
		"CREATE VIEW IF NOT EXISTS \"sys.databases\" AS"
		" SELECT tds_db_name() AS name, 5 AS database_id,"
		" 1 AS snapshot_isolation_state;"
		/* as version 7 has them, and later ones still */
		"CREATE VIEW IF NOT EXISTS sysusers AS SELECT 1 AS uid,"
		" 'dbo' AS name UNION SELECT rowid + 4, name FROM tds_schemas;"
		"CREATE VIEW IF NOT EXISTS sysobjects AS SELECT o.name,"
		" tds_object_id(o.whole) AS id, u.uid,"
		" CASE o.kind WHEN 'table' THEN 'U' ELSE 'V' END AS xtype"
		" FROM tds_objects AS o JOIN sysusers AS u"
		" ON u.name = o.owner COLLATE NOCASE;"
		"CREATE VIEW IF NOT EXISTS syscolumns AS SELECT c.name,"
		" tds_object_id(o.whole) AS id, c.cid + 1 AS colid,"
		" c.hidden > 1 AS iscomputed,"
		" CASE WHEN c.dflt_value LIKE 'tds_rowversion%' THEN 189"
		" ELSE 231 END AS xtype"
		" FROM tds_objects AS o, pragma_table_xinfo(o.whole) AS c;"
		"CREATE VIEW IF NOT EXISTS \"sys.change_tracking_tables\" AS"
		" SELECT id AS object_id, min_valid AS min_valid_version"
		" FROM tds_tracked;";

	(void)sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* ---- procedures ---- */

struct catalogue {
	const char *name;
	const char *params; /* in order, with blanks between */
	const char *sql;
	const char *const *types;
};

static const char *const table_types[] = {
	"nvarchar(128)", "nvarchar(128)", "nvarchar(128)",
	"varchar(32)",   "varchar(254)",  NULL,
};

static const char *const column_types[] = {
	"nvarchar(128)",
	"nvarchar(128)",
	"nvarchar(128)",
	"nvarchar(128)",
	"smallint",
	"nvarchar(128)",
	"int",
	"int",
	"smallint",
	"smallint",
	"smallint",
	"varchar(254)",
	"nvarchar(4000)",
	"smallint",
	"smallint",
	"int",
	"int",
	"varchar(254)",
	"tinyint",
	NULL,
};

static const char *const key_types[] = {
	"nvarchar(128)",
	"nvarchar(128)",
	"nvarchar(128)",
	"nvarchar(128)",
	"smallint",
	"nvarchar(128)",
	NULL,
};

static const char *const foreign_types[] = {
	"nvarchar(128)", "nvarchar(128)", "nvarchar(128)",
	"nvarchar(128)", "nvarchar(128)", "nvarchar(128)",
	"nvarchar(128)", "nvarchar(128)", "smallint",
	"smallint",      "smallint",      "nvarchar(128)",
	"nvarchar(128)", "smallint",      NULL,
};

static const char *const index_types[] = {
	"nvarchar(128)", "nvarchar(128)",
	"nvarchar(128)", "smallint",
	"nvarchar(128)", "nvarchar(128)",
	"smallint",      "smallint",
	"nvarchar(128)", "varchar(1)",
	"int",           "int",
	"varchar(128)",  NULL,
};

static const char *const special_types[] = {
	"smallint", "nvarchar(128)", "smallint", "nvarchar(128)", "int", "int",
	"smallint", "smallint",      NULL,
};

static const char *const info_types[] = {
	"nvarchar(128)", "smallint",    "int",      "varchar(32)",
	"varchar(32)",   "varchar(32)", "smallint", "smallint",
	"smallint",      "smallint",    "smallint", "smallint",
	"nvarchar(128)", "smallint",    "smallint", "smallint",
	"smallint",      "int",         "smallint", NULL,
};

#define LIKE_TABLE                                                             \
	" (@table_name IS NULL OR o.name LIKE @table_name ESCAPE '\\')"        \
	" AND (@table_owner IS NULL OR @table_owner = ''"                      \
	" OR o.owner LIKE @table_owner ESCAPE '\\')"
#define IS_TABLE                                                               \
	" o.name = @table_name COLLATE NOCASE AND (@table_owner IS NULL"       \
	" OR @table_owner = '' OR o.owner = @table_owner COLLATE NOCASE)"

static const struct catalogue catalogues[] = {
	{ "sp_tables", "@table_name @table_owner @table_qualifier @table_type",
	  "SELECT tds_db_name() AS TABLE_QUALIFIER, owner AS TABLE_OWNER,"
	  " name AS TABLE_NAME, upper(kind) AS TABLE_TYPE, NULL AS REMARKS"
	  " FROM tds_objects AS o WHERE" LIKE_TABLE
	  " AND (@table_type IS NULL OR"
	  " instr(upper(@table_type), upper(kind)) > 0)"
	  " AND (@table_qualifier IS NULL OR @table_qualifier <> '')"
	  " ORDER BY 4, 1, 2, 3",
	  table_types },
	{ "sp_columns",
	  "@table_name @table_owner @table_qualifier @column_name @ODBCVer",
	  "SELECT tds_db_name() AS TABLE_QUALIFIER, o.owner AS TABLE_OWNER,"
	  " o.name AS TABLE_NAME, c.name AS COLUMN_NAME,"
	  " tds_type(c.type, 'o') AS DATA_TYPE, tds_type(c.type, 'n') ||"
	  " CASE WHEN c.dflt_value LIKE 'tds_identity%' THEN ' identity'"
	  " ELSE '' END AS TYPE_NAME, tds_type(c.type, 'p') AS [PRECISION],"
	  " tds_type(c.type, 'l') AS LENGTH, tds_type(c.type, 's') AS SCALE,"
	  " tds_type(c.type, 'r') AS RADIX,"
	  " NOT (c.[notnull] OR c.pk) AS NULLABLE, NULL AS REMARKS,"
	  " CASE WHEN c.dflt_value LIKE 'tds_identity%' OR"
	  " c.dflt_value LIKE 'tds_rowversion%' THEN NULL ELSE c.dflt_value"
	  " END AS COLUMN_DEF, tds_type(c.type, 'o') AS SQL_DATA_TYPE,"
	  " NULL AS SQL_DATETIME_SUB, CASE WHEN tds_type(c.type, 'c')"
	  " THEN tds_type(c.type, 'l') END AS CHAR_OCTET_LENGTH,"
	  " c.cid + 1 AS ORDINAL_POSITION,"
	  " CASE WHEN c.[notnull] OR c.pk THEN 'NO' ELSE 'YES' END"
	  " AS IS_NULLABLE, 0 AS SS_DATA_TYPE"
	  " FROM tds_objects AS o, pragma_table_xinfo(o.whole) AS c"
	  " WHERE" LIKE_TABLE " AND (@column_name IS NULL OR"
	  " c.name LIKE @column_name ESCAPE '\\') ORDER BY 2, 3, 17",
	  column_types },
	{ "sp_pkeys", "@table_name @table_owner @table_qualifier",
	  "SELECT tds_db_name() AS TABLE_QUALIFIER, o.owner AS TABLE_OWNER,"
	  " o.name AS TABLE_NAME, c.name AS COLUMN_NAME, c.pk AS KEY_SEQ,"
	  " 'PK_' || o.name AS PK_NAME"
	  " FROM tds_objects AS o, pragma_table_xinfo(o.whole) AS c"
	  " WHERE c.pk > 0 AND" IS_TABLE " ORDER BY 5",
	  key_types },
	{ "sp_fkeys",
	  "@pktable_name @pktable_owner @pktable_qualifier"
	  " @fktable_name @fktable_owner @fktable_qualifier",
	  "SELECT tds_db_name() AS PKTABLE_QUALIFIER,"
	  " p.owner AS PKTABLE_OWNER, p.name AS PKTABLE_NAME,"
	  " coalesce(k.[to], (SELECT name FROM pragma_table_xinfo(p.whole)"
	  " WHERE pk = k.seq + 1)) AS PKCOLUMN_NAME,"
	  " tds_db_name() AS FKTABLE_QUALIFIER, o.owner AS FKTABLE_OWNER,"
	  " o.name AS FKTABLE_NAME, k.[from] AS FKCOLUMN_NAME,"
	  " k.seq + 1 AS KEY_SEQ, 1 AS UPDATE_RULE,"
	  " CASE k.on_delete WHEN 'CASCADE' THEN 0 ELSE 1 END AS DELETE_RULE,"
	  " 'FK_' || o.name || '_' || k.id AS FK_NAME,"
	  " 'PK_' || p.name AS PK_NAME, 7 AS DEFERRABILITY"
	  " FROM tds_objects AS o, pragma_foreign_key_list(o.whole) AS k"
	  " JOIN tds_objects AS p ON p.whole = k.[table] COLLATE NOCASE"
	  " WHERE (@fktable_name IS NULL OR"
	  " o.name = @fktable_name COLLATE NOCASE)"
	  " AND (@fktable_owner IS NULL OR"
	  " o.owner = @fktable_owner COLLATE NOCASE)"
	  " AND (@pktable_name IS NULL OR"
	  " p.name = @pktable_name COLLATE NOCASE)"
	  " AND (@pktable_owner IS NULL OR"
	  " p.owner = @pktable_owner COLLATE NOCASE)"
	  " ORDER BY 5, 6, 7, 12, 9",
	  foreign_types },
	{ "sp_statistics",
	  "@table_name @table_owner @table_qualifier @index_name @is_unique",
	  "SELECT tds_db_name() AS TABLE_QUALIFIER, o.owner AS TABLE_OWNER,"
	  " o.name AS TABLE_NAME, NOT i.[unique] AS NON_UNIQUE,"
	  " o.name AS INDEX_QUALIFIER, i.name AS INDEX_NAME, 3 AS TYPE,"
	  " c.seqno + 1 AS SEQ_IN_INDEX, c.name AS COLUMN_NAME,"
	  " 'A' AS [COLLATION], NULL AS CARDINALITY, NULL AS PAGES,"
	  " NULL AS FILTER_CONDITION"
	  " FROM tds_objects AS o, pragma_index_list(o.whole) AS i,"
	  " pragma_index_info(i.name) AS c WHERE" IS_TABLE
	  " AND (coalesce(@is_unique, 'N') <> 'Y' OR i.[unique])"
	  " ORDER BY 4, 7, 6, 8",
	  index_types },
	{ "sp_special_columns",
	  "@table_name @table_owner @table_qualifier @col_type",
	  "SELECT 0 AS SCOPE, c.name AS COLUMN_NAME,"
	  " tds_type(c.type, 'o') AS DATA_TYPE,"
	  " tds_type(c.type, 'n') AS TYPE_NAME,"
	  " tds_type(c.type, 'p') AS [PRECISION],"
	  " tds_type(c.type, 'l') AS LENGTH, tds_type(c.type, 's') AS SCALE,"
	  " 1 AS PSEUDO_COLUMN"
	  " FROM tds_objects AS o, pragma_table_xinfo(o.whole) AS c WHERE"
	  " CASE WHEN @col_type = 'V'"
	  " THEN c.dflt_value LIKE 'tds_rowversion%' ELSE c.pk > 0 END"
	  " AND" IS_TABLE " ORDER BY c.pk",
	  special_types },
	{ "sp_datatype_info", "@data_type @ODBCVer",
	  "WITH t (n) AS (VALUES ('bit'), ('tinyint'), ('smallint'), ('int'),"
	  " ('bigint'), ('decimal(38,0)'), ('money'), ('real'), ('float'),"
	  " ('char(8000)'), ('varchar(8000)'), ('nchar(4000)'),"
	  " ('nvarchar(4000)'), ('text'), ('ntext'), ('binary(8000)'),"
	  " ('varbinary(8000)'), ('image'), ('uniqueidentifier'),"
	  " ('datetime'))"
	  " SELECT tds_type(n, 'n') AS TYPE_NAME,"
	  " tds_type(n, 'o') AS DATA_TYPE, tds_type(n, 'p') AS [PRECISION],"
	  " NULL AS LITERAL_PREFIX, NULL AS LITERAL_SUFFIX,"
	  " NULL AS CREATE_PARAMS, 1 AS NULLABLE, 0 AS CASE_SENSITIVE,"
	  " 3 AS SEARCHABLE, 0 AS UNSIGNED_ATTRIBUTE, 0 AS MONEY,"
	  " 0 AS AUTO_INCREMENT, tds_type(n, 'n') AS LOCAL_TYPE_NAME,"
	  " 0 AS MINIMUM_SCALE, 0 AS MAXIMUM_SCALE,"
	  " tds_type(n, 'o') AS SQL_DATA_TYPE, NULL AS SQL_DATETIME_SUB,"
	  " tds_type(n, 'r') AS NUM_PREC_RADIX, NULL AS INTERVAL_PRECISION"
	  " FROM t WHERE coalesce(@data_type, 0) = 0"
	  " OR tds_type(n, 'o') = @data_type ORDER BY 2",
	  info_types },
};

/* Arguments by name, or by place. */
static void named(struct client *client, const char *params,
		  const struct variables *args, struct variables *out)
{
	struct sv left = sv_from(params);
	size_t place = 0;

	while (left.len) {
		size_t end = sv_find(left, ' ', 0);
		struct variable *var = variable_add(
			out, arena_dup(&client->arena, sv_sub(left, 0, end)));

		for (size_t i = 0; i < args->list.len; i++) {
			const struct variable *arg = &args->list.at[i];

			if (arg->name.len ? sv_ieq(arg->name, var->name)
					  : i == place)
				var->value = arg->value;
		}
		place++;
		left = sv_sub(left, end < left.len ? end + 1 : end, left.len);
	}
}

int catalogue_call(struct client *client, struct sv name,
		   struct variables *args)
{
	const struct catalogue *one = NULL;
	struct variables vars = { VEC_INIT };

	for (size_t i = 0; i < sizeof(catalogues) / sizeof(catalogues[0]);
	     i++) {
		struct sv known = sv_from(catalogues[i].name);

		/* sp_columns_90 and sp_columns_100 are later ones */
		if (sv_ieq(name, known) ||
		    (name.len > known.len && name.ptr[known.len] == '_' &&
		     sv_ieq(sv_sub(name, 0, known.len), known)))
			one = &catalogues[i];
	}
	if (!one)
		return 0;
	named(client, one->params, args, &vars);
	(void)statement_rows(client, one->sql, &vars, one->types);
	vec_release(&vars.list);
	return 1;
}
