/*
 * function.c - T-SQL's functions, conversions and comparisons for SQLite
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

static bool is_number(struct sv text)
{
	size_t digits = 0;

	text = sv_trim(text);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (isdigit((unsigned char)c))
			digits++;
		else if (!strchr("+-.eE", c))
			return false;
	}
	return digits > 0;
}

static double number_of(const struct datum *from)
{
	char space[64] = "";

	if (from->kind == DATUM_INT)
		return (double)from->i;
	if (from->kind == DATUM_REAL)
		return from->r;
	(void)snprintf(space, sizeof(space), SV_FMT, SV_ARG(from->s));
	return strtod(space, NULL);
}

static int to_integer(const struct type *type, const struct datum *from,
		      struct datum *out)
{
	out->kind = DATUM_INT;
	if (from->kind == DATUM_INT) {
		out->i = from->i;
	} else if (from->kind == DATUM_REAL) {
		out->i = (int64_t)from->r;
	} else if (from->kind == DATUM_BYTES) {
		uint64_t number = 0;

		for (size_t i = 0; i < from->s.len; i++)
			number = number << 8 | (unsigned char)from->s.ptr[i];
		out->i = (int64_t)number;
	} else if (type->id == T_BIT && sv_ieq_str(from->s, "true")) {
		out->i = 1;
	} else if (type->id == T_BIT && sv_ieq_str(from->s, "false")) {
		out->i = 0;
	} else if (!sv_to_i64(sv_trim(from->s), &out->i)) {
		return -1;
	}
	if (type->id == T_BIT)
		out->i = out->i != 0;
	return 0;
}

static void add_moment_text(struct strbuf *space, struct sv text, int style)
{
	struct moment m;
	size_t blank = sv_find(text, ' ', 0);

	if (!moment_parse(text, &m)) {
		strbuf_addsv(space, text);
		return;
	}
	if (style == 112)
		strbuf_addf(space, "%.4s%.2s%.2s", text.ptr, text.ptr + 5,
			    text.ptr + 8);
	else if (style == 23)
		strbuf_addsv(space, sv_sub(text, 0, 10));
	else if (style == 120)
		strbuf_addf(space, "%.10s %.8s", text.ptr, text.ptr + 11);
	else if ((style == 126 || style == 127) && blank < text.len)
		strbuf_addf(space,
			    "%.10s"
			    "T" SV_FMT,
			    text.ptr, SV_ARG(sv_sub(text, 11, text.len)));
	else
		strbuf_addsv(space, text);
	if (style == 127)
		strbuf_addc(space, 'Z');
}

static void to_text(const struct type *type, int style,
		    const struct datum *from, struct strbuf *space,
		    struct datum *out)
{
	if (from->kind == DATUM_INT)
		strbuf_addf(space, "%lld", (long long)from->i);
	else if (from->kind == DATUM_REAL)
		strbuf_addf(space, "%.15g", from->r);
	else if (from->kind == DATUM_BYTES && style) {
		strbuf_adds(space, style == 1 ? "0x" : "");
		strbuf_add_hex(space, from->s);
		for (size_t i = style == 1 ? 2 : 0; i < space->len; i++)
			space->ptr[i] =
				(char)toupper((unsigned char)space->ptr[i]);
	} else if (style) {
		add_moment_text(space, from->s, style);
	} else {
		strbuf_addsv(space, from->s);
	}
	out->kind = DATUM_TEXT;
	out->s = sv_make(strbuf_cstr(space), space->len);
	if (type->size && out->s.len > (size_t)type->size)
		out->s.len = (size_t)type->size;
}

static int to_bytes(const struct type *type, int style,
		    const struct datum *from, struct strbuf *space,
		    struct datum *out)
{
	size_t size = type->size ? (size_t)type->size : SIZE_MAX;

	if (from->kind == DATUM_INT) {
		for (int i = 7; i >= 0; i--)
			add_u8(space, (unsigned)(from->i >> (8 * i)) & 0xff);
	} else if (from->kind == DATUM_TEXT && style) {
		struct sv hex = from->s;

		if (style == 1 && hex.len >= 2)
			hex = sv_sub(hex, 2, hex.len);
		if (!strbuf_add_unhex(space, hex))
			return -1;
	} else {
		strbuf_addsv(space, from->s);
	}
	out->kind = DATUM_BYTES;
	out->s = sv_make(strbuf_cstr(space), space->len);
	/* of a number the last bytes, of others the first */
	if (out->s.len > size && from->kind == DATUM_INT)
		out->s = sv_sub(out->s, out->s.len - size, out->s.len);
	if (out->s.len > size)
		out->s.len = size;
	return 0;
}

static int to_moment(const struct type *type, const struct datum *from,
		     struct strbuf *space, struct datum *out)
{
	struct moment m;

	if (from->kind != DATUM_TEXT || !moment_parse(from->s, &m))
		return -1;
	moment_add(space, &m, type);
	out->kind = DATUM_TEXT;
	out->s = strbuf_sv(space);
	return 0;
}

static int to_decimal(const struct type *type, const struct datum *from,
		      struct strbuf *space, struct datum *out)
{
	if (from->kind == DATUM_INT) {
		*out = *from;
		return 0;
	}
	if (from->kind == DATUM_TEXT && !is_number(from->s))
		return -1;
	if (from->kind == DATUM_TEXT && type->precision > 15) {
		strbuf_addsv(space, sv_trim(from->s));
		out->kind = DATUM_TEXT;
		out->s = strbuf_sv(space);
		return 0;
	}
	strbuf_addf(space, "%.*f", type->scale, number_of(from));
	out->kind = DATUM_REAL;
	out->r = strtod(strbuf_cstr(space), NULL);
	return 0;
}

int convert_datum(const struct type *type, int style, const struct datum *from,
		  struct strbuf *space, struct datum *out)
{
	*out = (struct datum){ .kind = DATUM_NULL };
	if (from->kind == DATUM_NULL)
		return 0;
	if (type->id <= T_BIGINT)
		return to_integer(type, from, out);
	if (type->id <= T_SMALLMONEY)
		return to_decimal(type, from, space, out);
	if (type->id <= T_FLOAT) {
		if (from->kind == DATUM_TEXT && !is_number(from->s))
			return -1;
		out->kind = DATUM_REAL;
		out->r = number_of(from);
		return 0;
	}
	if (type_is_bytes(type))
		return to_bytes(type, style, from, space, out);
	if (type_is_moment(type))
		return to_moment(type, from, space, out);
	to_text(type, style, from, space, out);
	return 0;
}

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
	sqlite3_result_int(context, type == SQLITE_TEXT
					    ? is_number(text_value(args[0]))
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

/* ---- comparisons ---- */

static int fold(const unsigned char *text, size_t len, size_t i)
{
	int c = text[i];

	if (c >= 'A' && c <= 'Z')
		return c + 32;
	/* the letters of Latin-1 in UTF-8 */
	if (i > 0 && text[i - 1] == 0xc3 && c >= 0x80 && c <= 0x9e && c != 0x97)
		return c + 32;
	(void)len;
	return c;
}

/* Without case, and without blanks at the end. */
static int compare_ci(void *data, int a_len, const void *a, int b_len,
		      const void *b)
{
	const unsigned char *left = a;
	const unsigned char *right = b;
	size_t n = (size_t)a_len;
	size_t m = (size_t)b_len;

	(void)data;
	while (n && left[n - 1] == ' ')
		n--;
	while (m && right[m - 1] == ' ')
		m--;
	for (size_t i = 0; i < n && i < m; i++) {
		int diff = fold(left, n, i) - fold(right, m, i);

		if (diff)
			return diff;
	}
	return n < m ? -1 : n > m;
}

static int compare_date(void *data, int a_len, const void *a, int b_len,
			const void *b)
{
	struct moment left;
	struct moment right;

	if (!moment_parse(sv_make(a, (size_t)a_len), &left) ||
	    !moment_parse(sv_make(b, (size_t)b_len), &right))
		return compare_ci(data, a_len, a, b_len, b);
	moment_move(&left, left.offset * INT64_C(-600000000));
	moment_move(&right, right.offset * INT64_C(-600000000));
	if (left.days != right.days)
		return left.days < right.days ? -1 : 1;
	return left.ticks < right.ticks ? -1 : left.ticks > right.ticks;
}

static int compare_number(void *data, int a_len, const void *a, int b_len,
			  const void *b)
{
	char left[80] = "";
	char right[80] = "";
	long double x;
	long double y;

	(void)data;
	(void)snprintf(left, sizeof(left), "%.*s", a_len, (const char *)a);
	(void)snprintf(right, sizeof(right), "%.*s", b_len, (const char *)b);
	x = strtold(left, NULL);
	y = strtold(right, NULL);
	return x < y ? -1 : x > y;
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
	(void)sqlite3_create_collation(client->db, "SQL_CI", SQLITE_UTF8, NULL,
				       compare_ci);
	(void)sqlite3_create_collation(client->db, "SQL_DATE", SQLITE_UTF8,
				       NULL, compare_date);
	(void)sqlite3_create_collation(client->db, "SQL_NUMBER", SQLITE_UTF8,
				       NULL, compare_number);
}
