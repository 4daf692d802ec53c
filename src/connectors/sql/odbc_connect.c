/*
 * odbc_connect.c - settings of a database over unixODBC, and the connection
 *
 * The text that unixODBC connects by is made here, with the password in it: it
 * lies in one piece of memory, which is wiped. Values are quoted so that one
 * can never become another keyword.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/odbc_private.h"

#include <ctype.h>
#include <odbcinst.h>
#include <sqlucode.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECT_SECONDS   20
#define ROOT_CERTIFICATES "/etc/ssl/certs/ca-certificates.crt"
#define TEXT_MAX          8192

/* NOLINTBEGIN(performance-no-int-to-ptr): ODBC's attributes are such */
#define ATTR(number) ((SQLPOINTER)(uintptr_t)(number))

const struct setting_def odbc_settings[] = { ODBC_SETTINGS, { .name = NULL } };

static struct sv text_of(const struct sql_place *place, const char *name)
{
	return setting_text(place->connect, odbc_settings, name);
}

/* ---- the driver's library ---- */

static bool profile(const char *section, const char *key, const char *file,
		    char *out, size_t size)
{
	*out = '\0';
	return SQLGetPrivateProfileString(section, key, "", out, (int)size,
					  file) > 0 &&
	       *out;
}

/* The file of the driver that the settings name; or what they name. */
static const char *library_of(const struct sql_place *place,
			      struct arena *arena)
{
	struct sv dsn = text_of(place, "dsn");
	const char *driver = arena_cstr(arena, text_of(place, "driver"));
	char found[1024];

	if (dsn.len && profile(arena_cstr(arena, dsn), "Driver", "odbc.ini",
			       found, sizeof(found)))
		driver = arena_cstr(arena, sv_from(found));
	if (*driver && *driver != '/' &&
	    profile(driver, "Driver", "odbcinst.ini", found, sizeof(found)))
		driver = arena_cstr(arena, sv_from(found));
	return driver;
}

/* ---- the text to connect by ---- */

static bool has(struct sv text, char c)
{
	return sv_find(text, c, 0) < text.len;
}

/* A value that no quotes can make one of the driver's. */
static bool cannot_be_told(const struct odbc_kind *kind, struct sv value)
{
	return kind->lone_brace && has(value, '}') &&
	       (has(value, ';') || value.ptr[0] == '{');
}

static void add_value(struct strbuf *out, const struct odbc_kind *kind,
		      struct sv value)
{
	bool plain = value.len > 0;
	size_t i;

	for (i = 0; i < value.len; i++)
		if (!isalnum((unsigned char)value.ptr[i]) &&
		    !strchr("-_./:,@+\\", value.ptr[i]) &&
		    (unsigned char)value.ptr[i] < 0x80)
			plain = false;
	if (plain || (kind->lone_brace && has(value, '}'))) {
		strbuf_addsv(out, value);
		return;
	}
	strbuf_addc(out, '{');
	for (i = 0; i < value.len; i++) {
		if (value.ptr[i] == '}')
			strbuf_addc(out, '}');
		strbuf_addc(out, value.ptr[i]);
	}
	strbuf_addc(out, '}');
}

/* Whether the settings' own options have this keyword. */
static bool is_option(const struct sql_place *place, struct sv key)
{
	const struct node *node = node_get(place->connect, "options");
	size_t count = node && node->kind == NODE_LIST ? node->len : 0;
	size_t i;

	if (node && node->kind == NODE_SCALAR)
		return sv_ieq(key,
			      sv_trim(sv_sub(node->text, 0,
					     sv_find(node->text, '=', 0))));
	for (i = 0; i < count; i++) {
		struct sv text = node->items[i]->text;

		if (sv_ieq(key,
			   sv_trim(sv_sub(text, 0, sv_find(text, '=', 0)))))
			return true;
	}
	return false;
}

static void add_pair(struct strbuf *out, const struct sql_place *place,
		     const struct odbc_kind *kind, const char *key,
		     struct sv value)
{
	if (!key || !value.len || is_option(place, sv_from(key)))
		return;
	strbuf_addf(out, "%s=", key);
	add_value(out, kind, value);
	strbuf_addc(out, ';');
}

/* Of "KEY=VALUE;KEY=VALUE;" those that are no option; %d: seconds. */
static void add_pieces(struct strbuf *out, const struct sql_place *place,
		       const char *text, int seconds)
{
	struct strbuf all = STRBUF_INIT(2000);
	struct sv pieces;
	size_t from = 0;

	if (text)
		sql_add_statement(&all, text, seconds);
	pieces = strbuf_sv(&all);
	while (from < pieces.len) {
		size_t to = sv_find(pieces, ';', from);
		struct sv piece = sv_sub(pieces, from, to);

		if (!is_option(place, sv_sub(piece, 0, sv_find(piece, '=', 0))))
			strbuf_addf(out, SV_FMT ";", SV_ARG(piece));
		from = to + 1;
	}
	strbuf_release(&all);
}

/* A path of the settings, relative to the configuration's folder. */
static struct sv path_of(const struct sql_place *place, struct sv path,
			 struct arena *arena)
{
	if (!path.len || path.ptr[0] == '/')
		return path;
	return sv_from(
		arena_printf(arena, "%s/" SV_FMT, place->folder, SV_ARG(path)));
}

/* "HOST", what divides, "PORT": the second part only when a port is set. */
static void add_host(struct strbuf *out, const struct sql_place *place,
		     const char *divider)
{
	struct sv port = text_of(place, "port");

	strbuf_addsv(out, text_of(place, "server"));
	if (port.len)
		strbuf_addf(out, "%s" SV_FMT, divider, SV_ARG(port));
}

/* The server's name as the driver wants it, or the database with the server in
 * it. */
static struct sv address_of(const struct sql_place *place,
			    const struct odbc_kind *kind, struct arena *arena)
{
	struct sv database = text_of(place, "database");
	struct strbuf text = STRBUF_INIT(2000);
	struct sv out;

	switch (kind->address) {
	case ODBC_ADDRESS_PLAIN:
	case ODBC_ADDRESS_FILE:
		break;
	case ODBC_ADDRESS_COMMA:
		strbuf_adds(&text, "tcp:");
		add_host(&text, place, ",");
		break;
	case ODBC_ADDRESS_ORACLE:
		strbuf_adds(&text, "//");
		add_host(&text, place, ":");
		strbuf_addf(&text, "/" SV_FMT, SV_ARG(database));
		break;
	case ODBC_ADDRESS_FIREBIRD:
		add_host(&text, place, "/");
		strbuf_addf(&text, ":" SV_FMT, SV_ARG(database));
		break;
	}
	out = arena_dup(arena, strbuf_sv(&text));
	strbuf_release(&text);
	return out;
}

static void add_address(struct strbuf *out, const struct sql_place *place,
			const struct odbc_kind *kind, struct arena *arena)
{
	struct sv server = text_of(place, "server");
	struct sv database = text_of(place, "database");

	if (kind->address == ODBC_ADDRESS_FILE) {
		database = path_of(place, database, arena);
	} else if (kind->address == ODBC_ADDRESS_PLAIN) {
		add_pair(out, place, kind, kind->server, server);
		add_pair(out, place, kind, kind->port, text_of(place, "port"));
	} else if (server.len && kind->server) {
		add_pair(out, place, kind, kind->server,
			 address_of(place, kind, arena));
	} else if (server.len) {
		database = address_of(place, kind, arena);
	}
	add_pair(out, place, kind, kind->database, database);
}

static void add_security(struct strbuf *out, const struct sql_place *place,
			 const struct odbc_kind *kind, struct arena *arena)
{
	bool none = sv_eq_str(text_of(place, "security"), "none");
	struct sv ca = path_of(place, text_of(place, "ca_file"), arena);

	if (kind->address == ODBC_ADDRESS_FILE)
		return;
	add_pieces(out, place, none ? kind->none : kind->tls, 0);
	if (none)
		return;
	add_pair(out, place, kind, kind->ca_file,
		 ca.len ? ca
			: (kind->tls ? SV_LIT(ROOT_CERTIFICATES) : SV_NULL));
	add_pair(out, place, kind, kind->certificate,
		 path_of(place, text_of(place, "certificate"), arena));
	add_pair(out, place, kind, kind->key,
		 path_of(place, text_of(place, "key"), arena));
}

/* KEY=VALUE of the settings: the value is quoted here. */
static int add_option(struct strbuf *out, const struct odbc_kind *kind,
		      struct sv option, struct error *err)
{
	size_t at = sv_find(option, '=', 0);
	struct sv key = sv_trim(sv_sub(option, 0, at));
	size_t i;

	for (i = 0; i < key.len; i++)
		if (!isalnum((unsigned char)key.ptr[i]) &&
		    !strchr(" _-", key.ptr[i]))
			break;
	if (at == option.len || !key.len || i < key.len)
		return error_set(err, ERR_INVALID,
				 "option '" SV_FMT "' is not KEY=VALUE",
				 SV_ARG(sv_sub(option, 0, at)));
	strbuf_addf(out, SV_FMT "=", SV_ARG(key));
	add_value(out, kind, sv_trim(sv_sub(option, at + 1, option.len)));
	strbuf_addc(out, ';');
	return 0;
}

static int add_options(struct strbuf *out, const struct sql_place *place,
		       const struct odbc_kind *kind, struct error *err)
{
	const struct node *node = node_get(place->connect, "options");
	size_t i;

	if (!node)
		return 0;
	if (node->kind == NODE_SCALAR)
		return add_option(out, kind, node->text, err);
	for (i = 0; node->kind == NODE_LIST && i < node->len; i++)
		if (add_option(out, kind, node->items[i]->text, err) < 0)
			return -1;
	return 0;
}

static int make_text(struct odbc_link *odbc, const struct sql_place *place,
		     struct strbuf *out, struct error *err)
{
	const struct odbc_kind *kind = odbc->kind;
	struct sv dsn = text_of(place, "dsn");
	struct sv tds = text_of(place, "tds_version");

	if (dsn.len)
		add_pair(out, place, kind, "DSN", dsn);
	else
		add_pair(out, place, kind, "DRIVER", text_of(place, "driver"));
	/* In the place of what would be set here. */
	if (add_options(out, place, kind, err) < 0)
		return -1;
	add_address(out, place, kind, &odbc->arena);
	if (strstr(kind->library, "tdsodbc") && !sv_eq_str(tds, "auto"))
		add_pair(out, place, kind, "TDS_Version", tds);
	add_pieces(out, place, kind->always, odbc->timeout);
	add_security(out, place, kind, &odbc->arena);
	add_pair(out, place, kind, kind->user, text_of(place, "user"));
	if (place->password)
		add_pair(out, place, kind, kind->password,
			 secret_view(place->password));
	if (place->password &&
	    cannot_be_told(kind, secret_view(place->password)))
		return error_set(
			err, ERR_UNSUPPORTED,
			"the driver takes no password that has both "
			"';' and '}' in it, or begins with '{' and has "
			"'}' in it: choose another");
	if (out->overflow)
		return error_set(err, ERR_INVALID,
				 "the settings are too long to connect by");
	return 0;
}

/* ---- the connection ---- */

/* What a message says of the password is taken out. */
static void hide(char *text, const struct secret *password)
{
	struct sv secret = password ? secret_view(password) : SV_NULL;
	char *at;

	while (secret.len && (at = strstr(text, secret.ptr)))
		memset(at, '*', secret.len);
}

static int not_reached(struct odbc_link *odbc, const struct sql_place *place,
		       struct error *err)
{
	struct sql_failure why;
	bool file = odbc->kind->address == ODBC_ADDRESS_FILE;

	odbc_diagnose(odbc, SQL_HANDLE_DBC, odbc->dbc, &why);
	hide(why.text, place->password);
	if (strncmp(why.state, "IM00", 4) == 0 ||
	    strcmp(why.state, "01000") == 0)
		return error_set(err, ERR_NOTFOUND,
				 "%s: %s; look whether the driver is installed "
				 "and 'odbcinst -q -d' or 'odbcinst -q -s' "
				 "has its name",
				 odbc->link.server, why.text);
	if (why.kind == SQL_FAILURE_DENIED)
		return error_set(err, ERR_DENIED,
				 "%s: %s; look whether 'user' and 'password' "
				 "are right",
				 odbc->link.server, why.text);
	if (why.kind == SQL_FAILURE_MISSING)
		return error_set(err, ERR_NOTFOUND,
				 "%s: %s; look whether 'database' is right",
				 odbc->link.server, why.text);
	return error_set(err, ERR_UNAVAILABLE, "%s: cannot %s: %s",
			 odbc->link.server, file ? "be opened" : "connect",
			 why.text);
}

static SQLRETURN drive(struct odbc_link *odbc, struct strbuf *text)
{
	struct arena arena = ARENA_INIT;
	SQLWCHAR ignored[1024];
	SQLSMALLINT len = 0;
	SQLWCHAR *wide;
	SQLRETURN ret;
	size_t count;

	(void)strbuf_cstr(text);
	if (odbc->kind->narrow) {
		ret = SQLDriverConnect(odbc->dbc, NULL, (SQLCHAR *)text->ptr,
				       SQL_NTS, (SQLCHAR *)ignored,
				       sizeof(ignored), &len,
				       SQL_DRIVER_NOPROMPT);
	} else {
		wide = odbc_utf16(strbuf_sv(text), &arena, &count);
		ret = SQLDriverConnectW(odbc->dbc, NULL, wide, SQL_NTS, ignored,
					1024, &len, SQL_DRIVER_NOPROMPT);
		explicit_bzero(wide, count * sizeof(*wide));
	}
	explicit_bzero(ignored, sizeof(ignored));
	arena_release(&arena);
	return ret;
}

static int connect_by(struct odbc_link *odbc, const struct sql_place *place,
		      struct error *err)
{
	struct strbuf text = STRBUF_INIT(TEXT_MAX);
	SQLRETURN ret = SQL_ERROR;
	int made = -1;

	/* Its place does not change any more, so that it can be wiped. */
	if (strbuf_room(&text, TEXT_MAX - 1))
		made = make_text(odbc, place, &text, err);
	if (made == 0)
		ret = drive(odbc, &text);
	explicit_bzero(text.ptr, text.size);
	strbuf_release(&text);
	if (made < 0)
		return -1;
	if (!odbc_ok(ret))
		return not_reached(odbc, place, err);
	odbc->connected = true;
	return 0;
}

static int make_handles(struct odbc_link *odbc, struct error *err)
{
	if (!odbc_ok(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE,
				    &odbc->env)) ||
	    !odbc_ok(SQLSetEnvAttr(odbc->env, SQL_ATTR_ODBC_VERSION,
				   ATTR(SQL_OV_ODBC3), 0)) ||
	    !odbc_ok(SQLAllocHandle(SQL_HANDLE_DBC, odbc->env, &odbc->dbc)))
		return error_set(err, ERR_INTERNAL,
				 "unixODBC gives no connection");
	(void)SQLSetConnectAttr(odbc->dbc, SQL_ATTR_LOGIN_TIMEOUT,
				ATTR(CONNECT_SECONDS), 0);
	return 0;
}

/* "db1.example.org:1433", the data source, or the file. */
static const char *server_of(const struct sql_place *place, struct arena *arena)
{
	struct sv server = text_of(place, "server");
	struct sv port = text_of(place, "port");

	if (server.len)
		return arena_printf(arena, SV_FMT "%s" SV_FMT, SV_ARG(server),
				    port.len ? ":" : "", SV_ARG(port));
	if (text_of(place, "dsn").len)
		return arena_cstr(arena, text_of(place, "dsn"));
	return arena_cstr(arena, text_of(place, "database"));
}

/* "10.11.0019" -> 1011 */
static int version_of(const char *text)
{
	char *end;
	long major = strtol(text, &end, 10);
	long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;

	if (major < 0 || major > 9999 || minor < 0 || minor > 99)
		return 0;
	return (int)(major * 100 + minor);
}

int odbc_run(struct odbc_link *odbc, const char *sql,
	     struct sql_failure *failure, struct error *err)
{
	SQLHSTMT stmt = odbc_statement(odbc, err);
	SQLRETURN ret;
	int made = 0;

	if (!stmt)
		return -1;
	ret = odbc_exec_text(odbc, stmt, sql);
	if (!odbc_ok(ret) && ret != SQL_NO_DATA)
		made = odbc_fail_stmt(odbc, stmt, "set the connection up",
				      failure, err);
	(void)SQLFreeHandle(SQL_HANDLE_STMT, stmt);
	return made;
}

/* The one value of a query, or NULL; memory of the link. */
static const char *one_value(struct odbc_link *odbc, const char *sql)
{
	struct error ignored = ERROR_INIT;
	struct sql_rows *rows;
	const struct sv *row;
	const char *out = NULL;
	size_t broken;

	if (odbc_query(&odbc->link, sql, NULL, 0, &rows, NULL, &ignored) < 0)
		return NULL;
	if (odbc_fetch(rows, &row, &broken, &ignored) > 0 && row[0].ptr)
		out = arena_cstr(&odbc->arena, sv_trim(row[0]));
	odbc_rows_close(rows);
	return out;
}

/* What is known when the database has answered. */
static int learn(struct odbc_link *odbc, const struct sql_place *place,
		 struct error *err)
{
	const char *product = odbc_info(odbc, SQL_DBMS_NAME, &odbc->arena);
	const char *version = odbc_info(odbc, SQL_DBMS_VER, &odbc->arena);
	const struct sql_dialect *dialect = place->dialect;
	struct strbuf sql = STRBUF_INIT(1000);
	int ret = 0;

	odbc->link.product =
		arena_printf(&odbc->arena, "%s %s", product, version);
	odbc->link.version = version_of(version);
	odbc->link.dialect = dialect ? dialect
				     : sql_dialect_of_product(product);
	dialect = odbc->link.dialect;
	if (dialect->lock_timeout) {
		sql_add_statement(&sql, dialect->lock_timeout,
				  (int)setting_number(place->connect,
						      odbc_settings,
						      "lock_timeout"));
		ret = odbc_run(odbc, strbuf_cstr(&sql), NULL, err);
	}
	if (ret == 0 && dialect->own_schema) {
		strbuf_reset(&sql);
		strbuf_addf(&sql, "SELECT %s%s", dialect->own_schema,
			    dialect->one_row);
		odbc->link.schema = one_value(odbc, strbuf_cstr(&sql));
	}
	strbuf_release(&sql);
	return ret;
}

int odbc_open(const struct sql_place *place, struct sql_link **out,
	      struct error *err)
{
	struct odbc_link *odbc = mem_zalloc(sizeof(*odbc));

	odbc->link.driver = &sql_odbc;
	odbc->link.server = server_of(place, &odbc->arena);
	odbc->link.product = "";
	odbc->kind = odbc_kind_of(library_of(place, &odbc->arena));
	odbc->link.dialect =
		place->dialect ? place->dialect
		: odbc->kind->dialect
			? sql_dialect_find(sv_from(odbc->kind->dialect))
			: sql_dialect_of_product("");
	odbc->timeout =
		(int)setting_number(place->connect, odbc_settings, "timeout");
	if (make_handles(odbc, err) < 0 || connect_by(odbc, place, err) < 0 ||
	    learn(odbc, place, err) < 0) {
		odbc_close(&odbc->link);
		return -1;
	}
	*out = &odbc->link;
	return 0;
}

void odbc_close(struct sql_link *link)
{
	struct odbc_link *odbc = odbc_of(link);
	size_t i;

	if (!link)
		return;
	for (i = 0; i < ODBC_PREPARED; i++) {
		mem_free(odbc->prepared[i].sql);
		if (odbc->prepared[i].stmt)
			(void)SQLFreeHandle(SQL_HANDLE_STMT,
					    odbc->prepared[i].stmt);
	}
	if (odbc->in_transaction)
		(void)SQLEndTran(SQL_HANDLE_DBC, odbc->dbc, SQL_ROLLBACK);
	if (odbc->connected)
		(void)SQLDisconnect(odbc->dbc);
	if (odbc->dbc)
		(void)SQLFreeHandle(SQL_HANDLE_DBC, odbc->dbc);
	if (odbc->env)
		(void)SQLFreeHandle(SQL_HANDLE_ENV, odbc->env);
	arena_release(&odbc->arena);
	mem_free(odbc);
}
/* NOLINTEND(performance-no-int-to-ptr) */
