/*
 * function.c - T-SQL's functions for SQLite
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- values ---- */

static struct datum datum_of(sqlite3_value *value)
{
	struct datum out = { .kind = DATUM_NULL };

	switch (sqlite3_value_type(value)) {
	case SQLITE_INTEGER:
		out.kind = DATUM_INT;
		out.i = sqlite3_value_int64(value);
		break;
	case SQLITE_FLOAT:
		out.kind = DATUM_REAL;
		out.r = sqlite3_value_double(value);
		break;
	case SQLITE_TEXT:
		out.kind = DATUM_TEXT;
		out.s.ptr = (const char *)sqlite3_value_text(value);
		out.s.len = (size_t)sqlite3_value_bytes(value);
		break;
	case SQLITE_BLOB:
		out.kind = DATUM_BYTES;
		out.s.ptr = sqlite3_value_blob(value);
		out.s.len = (size_t)sqlite3_value_bytes(value);
		if (!out.s.ptr)
			out.s = SV_LIT("");
		break;
	default:
		break;
	}
	return out;
}

static void give(sqlite3_context *context, const struct datum *value)
{
	switch (value->kind) {
	case DATUM_NULL:
		sqlite3_result_null(context);
		break;
	case DATUM_INT:
		sqlite3_result_int64(context, value->i);
		break;
	case DATUM_REAL:
		sqlite3_result_double(context, value->r);
		break;
	case DATUM_TEXT:
		sqlite3_result_text(context, value->s.ptr, (int)value->s.len,
				    SQLITE_TRANSIENT);
		break;
	case DATUM_BYTES:
		sqlite3_result_blob(context, value->s.ptr, (int)value->s.len,
				    SQLITE_TRANSIENT);
		break;
	}
}

static void give_text(sqlite3_context *context, struct sv text)
{
	give(context, &(struct datum){ .kind = DATUM_TEXT, .s = text });
}

static struct client *client_of(sqlite3_context *context)
{
	return sqlite3_user_data(context);
}

static struct sv text_value(sqlite3_value *value)
{
	const char *text = (const char *)sqlite3_value_text(value);

	return sv_make(text ? text : "", (size_t)sqlite3_value_bytes(value));
}

/* ---- CONVERT ---- */

static void convert(sqlite3_context *context, int count, sqlite3_value **args,
		    bool tries)
{
	struct strbuf space = STRBUF_INIT((size_t)1 << 28);
	struct datum from = datum_of(args[1]);
	int style = count > 2 ? sqlite3_value_int(args[2]) : 0;
	char text[160];
	struct type type;
	struct datum out;

	if (!type_parse(text_value(args[0]), &type)) {
		sqlite3_result_error(context,
				     "tds:243:Type is not a defined "
				     "system type.",
				     -1);
		return;
	}
	/* without a size it is 30 in a conversion */
	if (type.size == 1 && (type_is_text(&type) || type_is_bytes(&type)))
		type.size = 30;
	if (convert_datum(&type, style, &from, &space, &out) == 0) {
		give(context, &out);
	} else if (tries) {
		sqlite3_result_null(context);
	} else {
		(void)snprintf(text, sizeof(text),
			       "tds:%d:Conversion failed when converting "
			       "the value to data type %s.",
			       type_is_moment(&type) ? 241
			       : type.id <= T_BIGINT ? 245
						     : 8114,
			       type_name(&type));
		sqlite3_result_error(context, text, -1);
	}
	strbuf_release(&space);
}

static void f_convert(sqlite3_context *context, int count, sqlite3_value **args)
{
	convert(context, count, args, false);
}

static void f_try_convert(sqlite3_context *context, int count,
			  sqlite3_value **args)
{
	convert(context, count, args, true);
}

/* ---- texts ---- */

static void f_len(sqlite3_context *context, int count, sqlite3_value **args)
{
	struct sv text = text_value(args[0]);

	(void)count;
	if (sqlite3_value_type(args[0]) == SQLITE_NULL)
		return;
	while (text.len && text.ptr[text.len - 1] == ' ')
		text.len--;
	sqlite3_result_int64(context, (int64_t)text_units(text));
}

static void f_units(sqlite3_context *context, int count, sqlite3_value **args)
{
	(void)count;
	if (sqlite3_value_type(args[0]) != SQLITE_NULL)
		sqlite3_result_int64(context,
				     (int64_t)text_units(text_value(args[0])));
}

static void f_datalength(sqlite3_context *context, int count,
			 sqlite3_value **args)
{
	(void)count;
	if (sqlite3_value_type(args[0]) == SQLITE_NULL)
		return;
	if (sqlite3_value_type(args[0]) == SQLITE_BLOB)
		sqlite3_result_int(context, sqlite3_value_bytes(args[0]));
	else
		sqlite3_result_int64(
			context, (int64_t)text_units(text_value(args[0])) * 2);
}

static void f_concat(sqlite3_context *context, int count, sqlite3_value **args)
{
	struct strbuf sb = STRBUF_INIT(1 << 24);

	for (int i = 0; i < count; i++)
		strbuf_addsv(&sb, text_value(args[i]));
	give_text(context, sv_make(strbuf_cstr(&sb), sb.len));
	strbuf_release(&sb);
}

static void f_charindex(sqlite3_context *context, int count,
			sqlite3_value **args)
{
	struct sv part = text_value(args[0]);
	struct sv text = text_value(args[1]);

	(void)count;
	for (size_t i = 0; i + part.len <= text.len; i++) {
		if (sv_ieq(sv_sub(text, i, i + part.len), part)) {
			sqlite3_result_int64(context, (int64_t)i + 1);
			return;
		}
	}
	sqlite3_result_int(context, 0);
}

/* Characters from the left or the right end. */
static void part(sqlite3_context *context, sqlite3_value **args, bool right)
{
	struct sv text = text_value(args[0]);
	size_t wanted = (size_t)sqlite3_value_int64(args[1]);
	size_t from = 0;
	size_t to = 0;

	if (right) {
		for (from = text.len; from > 0 && wanted; wanted--) {
			while (--from > 0 && (text.ptr[from] & 0xc0) == 0x80)
				;
		}
		to = text.len;
	} else {
		for (; to < text.len && wanted; wanted--) {
			while (++to < text.len && (text.ptr[to] & 0xc0) == 0x80)
				;
		}
	}
	give_text(context, sv_sub(text, from, to));
}

static void f_left(sqlite3_context *context, int count, sqlite3_value **args)
{
	(void)count;
	part(context, args, false);
}

static void f_right(sqlite3_context *context, int count, sqlite3_value **args)
{
	(void)count;
	part(context, args, true);
}

static void f_newid(sqlite3_context *context, int count, sqlite3_value **args)
{
	unsigned char b[16];
	char text[40];

	(void)count;
	(void)args;
	sqlite3_randomness(sizeof(b), b);
	(void)snprintf(text, sizeof(text),
		       "%02X%02X%02X%02X-%02X%02X-4%01X%02X-A%01X%02X-"
		       "%02X%02X%02X%02X%02X%02X",
		       b[0], b[1], b[2], b[3], b[4], b[5], b[6] & 15, b[7],
		       b[8] & 15, b[9], b[10], b[11], b[12], b[13], b[14],
		       b[15]);
	give_text(context, sv_from(text));
}

/* ---- moments ---- */

static void give_now(sqlite3_context *context, enum type_id id, int scale)
{
	struct strbuf sb = STRBUF_INIT(64);
	struct type type = { .id = id, .scale = scale };
	struct moment m;

	moment_now(&m);
	moment_add(&sb, &m, &type);
	give_text(context, strbuf_sv(&sb));
	strbuf_release(&sb);
}

static void f_getdate(sqlite3_context *context, int count, sqlite3_value **args)
{
	(void)count;
	(void)args;
	give_now(context, T_DATETIME, 3);
}

static void f_sysdatetime(sqlite3_context *context, int count,
			  sqlite3_value **args)
{
	(void)count;
	(void)args;
	give_now(context, T_DATETIME2, 7);
}

static void f_sysoffset(sqlite3_context *context, int count,
			sqlite3_value **args)
{
	(void)count;
	(void)args;
	give_now(context, T_OFFSET, 7);
}

static int64_t ticks_of_part(struct sv part)
{
	static const struct {
		const char *names[4];
		int64_t ticks;
	} parts[] = {
		{ { "DAY", "DD", "D", "DAYOFYEAR" }, MOMENT_DAY },
		{ { "WEEK", "WK", "WW", NULL }, MOMENT_DAY * 7 },
		{ { "HOUR", "HH", NULL, NULL }, INT64_C(36000000000) },
		{ { "MINUTE", "MI", "N", NULL }, INT64_C(600000000) },
		{ { "SECOND", "SS", "S", NULL }, INT64_C(10000000) },
		{ { "MILLISECOND", "MS", NULL, NULL }, INT64_C(10000) },
		{ { "MICROSECOND", "MCS", NULL, NULL }, INT64_C(10) },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (size_t k = 0; k < 4 && parts[i].names[k]; k++) {
			if (sv_ieq_str(part, parts[i].names[k]))
				return parts[i].ticks;
		}
	}
	return 0;
}

static void f_dateadd(sqlite3_context *context, int count, sqlite3_value **args)
{
	struct strbuf sb = STRBUF_INIT(64);
	struct sv part = text_value(args[0]);
	int64_t number = sqlite3_value_int64(args[1]);
	struct type type = { .id = T_DATETIME2, .scale = 7 };
	struct moment m;

	(void)count;
	if (!moment_parse(text_value(args[2]), &m))
		return;
	if (ticks_of_part(part)) {
		moment_move(&m, number * ticks_of_part(part));
	} else {
		int64_t year;
		int month;
		int day;
		bool years = toupper((unsigned char)part.ptr[0]) == 'Y';

		civil_from_days(m.days, &year, &month, &day);
		number = year * 12 + month - 1 + (years ? number * 12 : number);
		if (day > 28)
			day = 28;
		m.days = days_from_civil(number / 12, (int)(number % 12) + 1,
					 day);
	}
	if (text_value(args[2]).len <= 23)
		type.id = T_DATETIME;
	moment_add(&sb, &m, &type);
	give_text(context, strbuf_sv(&sb));
	strbuf_release(&sb);
}

static void f_datediff(sqlite3_context *context, int count,
		       sqlite3_value **args)
{
	int64_t unit = ticks_of_part(text_value(args[0]));
	struct moment a;
	struct moment b;

	(void)count;
	if (!unit || !moment_parse(text_value(args[1]), &a) ||
	    !moment_parse(text_value(args[2]), &b))
		return;
	if (unit >= MOMENT_DAY)
		sqlite3_result_int64(context,
				     (b.days - a.days) / (unit / MOMENT_DAY));
	else
		sqlite3_result_int64(context,
				     (b.days - a.days) * (MOMENT_DAY / unit) +
					     b.ticks / unit - a.ticks / unit);
}

static void date_part(sqlite3_context *context, sqlite3_value *value, int which)
{
	struct moment m;
	int64_t year;
	int month;
	int day;

	if (!moment_parse(text_value(value), &m))
		return;
	civil_from_days(m.days, &year, &month, &day);
	sqlite3_result_int64(context, which == 0   ? year
				      : which == 1 ? month
						   : day);
}

static void f_year(sqlite3_context *context, int count, sqlite3_value **args)
{
	(void)count;
	date_part(context, args[0], 0);
}

static void f_month(sqlite3_context *context, int count, sqlite3_value **args)
{
	(void)count;
	date_part(context, args[0], 1);
}

static void f_day(sqlite3_context *context, int count, sqlite3_value **args)
{
	(void)count;
	date_part(context, args[0], 2);
}

/* ---- checks of a column ---- */

static void f_is_moment(sqlite3_context *context, int count,
			sqlite3_value **args)
{
	struct moment m;

	(void)count;
	sqlite3_result_int(context,
			   sqlite3_value_type(args[0]) == SQLITE_NULL ||
				   moment_parse(text_value(args[0]), &m));
}

static void f_is_number(sqlite3_context *context, int count,
			sqlite3_value **args)
{
	int type = sqlite3_value_type(args[0]);

	(void)count;
	sqlite3_result_int(context,
			   type == SQLITE_TEXT
				   ? text_is_number(text_value(args[0]))
				   : type != SQLITE_BLOB);
}

/* ---- counters ---- */

static void give_version(sqlite3_context *context, uint64_t version)
{
	char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(version >> (56 - 8 * i));
	give(context,
	     &(struct datum){ .kind = DATUM_BYTES, .s = sv_make(bytes, 8) });
}

static void f_rowversion(sqlite3_context *context, int count,
			 sqlite3_value **args)
{
	struct client *client = client_of(context);
	uint64_t version;

	(void)count;
	(void)args;
	server_lock(client->server);
	version = ++client->server->last_version;
	if (!client->first_version)
		client->first_version = version;
	server_unlock(client->server);
	give_version(context, version);
}

static void f_min_active(sqlite3_context *context, int count,
			 sqlite3_value **args)
{
	struct server *server = client_of(context)->server;
	struct client **client;
	uint64_t version;

	(void)count;
	(void)args;
	server_lock(server);
	version = server->last_version + 1;
	vec_foreach(&server->clients, client) {
		if ((*client)->first_version &&
		    (*client)->first_version < version)
			version = (*client)->first_version;
	}
	server_unlock(server);
	give_version(context, version);
}

static void f_tracked(sqlite3_context *context, int count, sqlite3_value **args)
{
	(void)count;
	(void)args;
	client_of(context)->tracked = true;
	sqlite3_result_int(context, 1);
}

/* The next number of a table's identity; numbers of what was rolled back are
 * not given again. */
static void f_identity(sqlite3_context *context, int count,
		       sqlite3_value **args)
{
	struct client *client = client_of(context);
	struct sv table = text_value(args[0]);

	(void)count;
	client->identity = server_identity(client->server, client->db, table);
	client->has_identity = true;
	sqlite3_result_int64(context, client->identity);
}

static void f_scope_identity(sqlite3_context *context, int count,
			     sqlite3_value **args)
{
	(void)count;
	(void)args;
	if (client_of(context)->has_identity)
		sqlite3_result_int64(context, client_of(context)->identity);
}

/* ---- the server ---- */

static void give_product(sqlite3_context *context, struct client *client)
{
	char text[200];

	(void)snprintf(text, sizeof(text),
		       "Microsoft SQL Server (conjoin's stand-in) - %d.0.0.0",
		       client->server->options.major);
	give_text(context, sv_from(text));
}

static void f_global(sqlite3_context *context, int count, sqlite3_value **args)
{
	struct client *client = client_of(context);
	struct sv name = text_value(args[0]);

	(void)count;
	if (sv_ieq_str(name, "@@VERSION"))
		give_product(context, client);
	else if (sv_ieq_str(name, "@@TRANCOUNT"))
		sqlite3_result_int(context, client->trancount);
	else if (sv_ieq_str(name, "@@SPID"))
		sqlite3_result_int(context, client->session);
	else if (sv_ieq_str(name, "@@ROWCOUNT"))
		sqlite3_result_int64(context, client->rowcount);
	else if (sv_ieq_str(name, "@@ERROR"))
		sqlite3_result_int(context, client->last_error);
	else if (sv_ieq_str(name, "@@IDENTITY"))
		f_scope_identity(context, 0, NULL);
	else if (sv_ieq_str(name, "@@DBTS"))
		give_version(context, client->server->last_version);
	else if (sv_ieq_str(name, "@@SERVERNAME"))
		give_text(context, sv_from(client->server->options.server));
	else if (sv_ieq_str(name, "@@LOCK_TIMEOUT"))
		sqlite3_result_int64(context, client->lock_timeout);
	else
		sqlite3_result_error(
			context, "tds:137:Must declare the scalar variable.",
			-1);
}

static void f_property(sqlite3_context *context, int count,
		       sqlite3_value **args)
{
	struct client *client = client_of(context);
	struct sv name = text_value(args[0]);
	char text[40];

	(void)count;
	(void)snprintf(text, sizeof(text), "%d.0.0.0",
		       client->server->options.major);
	if (sv_ieq_str(name, "ProductVersion"))
		give_text(context, sv_from(text));
	else if (sv_ieq_str(name, "Collation"))
		give_text(context, SV_LIT("SQL_Latin1_General_CP1_CI_AS"));
	else if (sv_ieq_str(name, "Edition"))
		give_text(context, SV_LIT("Stand-in"));
}

static void f_db_name(sqlite3_context *context, int count, sqlite3_value **args)
{
	(void)count;
	(void)args;
	give_text(context, sv_from(client_of(context)->server->options.name));
}

static void f_user(sqlite3_context *context, int count, sqlite3_value **args)
{
	(void)count;
	(void)args;
	give_text(context, sv_from(client_of(context)->user));
}

static void f_schema_name(sqlite3_context *context, int count,
			  sqlite3_value **args)
{
	(void)count;
	(void)args;
	give_text(context, SV_LIT("dbo"));
}

static void f_object_id(sqlite3_context *context, int count,
			sqlite3_value **args)
{
	struct client *client = client_of(context);
	struct sv text = text_value(args[0]);
	struct token *tokens;
	size_t tokens_len = 0;
	size_t at = 0;
	uint32_t id = 2166136261U;
	sqlite3_stmt *stmt = NULL;

	(void)count;
	if (!lex(text, &client->arena, &tokens, &tokens_len) || !tokens_len)
		return;
	text = rewrite_table(client, tokens, tokens_len, &at);
	if (sqlite3_prepare_v2(client->db,
			       "SELECT lower(name) FROM sqlite_master"
			       " WHERE name = ?1 COLLATE NOCASE",
			       -1, &stmt, NULL) != SQLITE_OK)
		return;
	(void)sqlite3_bind_text(stmt, 1, text.ptr, (int)text.len,
				SQLITE_STATIC);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(stmt, 0);

		for (; *name; name++)
			id = (id ^ (unsigned char)*name) * 16777619U;
		sqlite3_result_int64(context, id & 0x7fffffff);
	}
	(void)sqlite3_finalize(stmt);
}

static void f_db_id(sqlite3_context *context, int count, sqlite3_value **args)
{
	(void)count;
	(void)args;
	sqlite3_result_int(context, 5);
}

/* COLUMNPROPERTY(id, 'name', 'IsIdentity') */
static void f_column_property(sqlite3_context *context, int count,
			      sqlite3_value **args)
{
	struct client *client = client_of(context);
	sqlite3_stmt *stmt = NULL;

	(void)count;
	if (!sv_ieq_str(text_value(args[2]), "IsIdentity") ||
	    sqlite3_prepare_v2(client->db,
			       "SELECT c.dflt_value LIKE 'tds_identity%'"
			       " FROM tds_objects AS o,"
			       " pragma_table_info(o.whole) AS c"
			       " WHERE tds_object_id(o.whole) = ?1"
			       " AND c.name = ?2 COLLATE NOCASE",
			       -1, &stmt, NULL) != SQLITE_OK)
		return;
	(void)sqlite3_bind_value(stmt, 1, args[0]);
	(void)sqlite3_bind_value(stmt, 2, args[1]);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		sqlite3_result_int(context, sqlite3_column_int(stmt, 0));
	(void)sqlite3_finalize(stmt);
}

static const struct {
	const char *name;
	int args;
	void (*function)(sqlite3_context *context, int count,
			 sqlite3_value **args);
} ours[] = {
	{ "tds_convert", -1, f_convert },
	{ "tds_try_convert", -1, f_try_convert },
	{ "tds_len", 1, f_len },
	{ "tds_units", 1, f_units },
	{ "tds_datalength", 1, f_datalength },
	{ "tds_concat", -1, f_concat },
	{ "tds_charindex", 2, f_charindex },
	{ "tds_left", 2, f_left },
	{ "tds_right", 2, f_right },
	{ "tds_newid", 0, f_newid },
	{ "tds_getdate", 0, f_getdate },
	{ "tds_sysdatetime", 0, f_sysdatetime },
	{ "tds_sysoffset", 0, f_sysoffset },
	{ "tds_dateadd", 3, f_dateadd },
	{ "tds_datediff", 3, f_datediff },
	{ "tds_year", 1, f_year },
	{ "tds_month", 1, f_month },
	{ "tds_day", 1, f_day },
	{ "tds_is_moment", 1, f_is_moment },
	{ "tds_is_number", 1, f_is_number },
	{ "tds_rowversion", 0, f_rowversion },
	{ "tds_min_active", 0, f_min_active },
	{ "tds_tracked", 0, f_tracked },
	{ "tds_identity", 1, f_identity },
	{ "tds_scope_identity", 0, f_scope_identity },
	{ "tds_global", 1, f_global },
	{ "tds_property", 1, f_property },
	{ "tds_db_name", -1, f_db_name },
	{ "tds_db_id", -1, f_db_id },
	{ "tds_column_property", 3, f_column_property },
	{ "tds_user", -1, f_user },
	{ "tds_schema_name", -1, f_schema_name },
	{ "tds_object_id", -1, f_object_id },
};

void functions_add(struct client *client)
{
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		(void)sqlite3_create_function(client->db, ours[i].name,
					      ours[i].args, SQLITE_UTF8, client,
					      ours[i].function, NULL, NULL);
}
