/*
 * odbc_rows.c - queries, whose rows come in constant memory
 *
 * Where sizes of columns can be trusted and none is long, rows come in blocks
 * into bound memory. From the first long column on, and with drivers of which
 * neither is true, values are asked for one by one and a block is one row. What
 * a driver does with blocks is not taken from what it says: a fetch that
 * succeeded and gave no rows gave one.
 *
 * The line of a row is
 *
 *	number of columns, and of the one that cannot be read, or 0	4 each
 *	length of each column's value					4 each
 *	of each: is it a text that is still to be checked?		1 each
 *	the values
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/odbc_private.h"

#include "base/text.h"

#define BLOCK_ROWS  64
#define BLOCK_BYTES ((size_t)1 << 18) /* what lies near is written and read */
#define BOUND_MAX   16000 /* bytes of a value; longer ones are not bound */
#define CHUNK       8192
#define SHORT       16 /* bytes that are copied at once, whatever there is */

/* NOLINTBEGIN(performance-no-int-to-ptr): ODBC's attributes are such */
#define ATTR(number) ((SQLPOINTER)(uintptr_t)(number))

struct bind {
	SQLSMALLINT c_type;
	size_t plain; /* texts shorter than that are the value as they come */
	size_t width; /* of a value in `data` */
	char *data;   /* of all rows of a block; NULL: by SQLGetData */
	SQLLEN *lengths; /* the same */
};

struct sql_rows {
	struct odbc_link *odbc;
	SQLHSTMT stmt;
	struct arena arena; /* as long as the rows */
	struct arena row;   /* a row */
	struct strbuf buffer;
	struct sql_column *columns;
	struct bind *binds;
	size_t count;
	struct sv *values;
	uint32_t *lens; /* of a line that is being made */
	char *texts;    /* of each column: are its values texts as they come? */
	SQLULEN fetched;
	SQLULEN block;
	SQLULEN at; /* in the block that was fetched */
	SQLUSMALLINT states[BLOCK_ROWS];
	bool single_real; /* any column is a float */
};

/* How a column's values are asked for, and what one takes; 0: it is long. */
static SQLSMALLINT c_type_of(const struct odbc_link *odbc,
			     const struct sql_column *column, size_t *width_out)
{
	bool wide = !odbc->kind->narrow;
	size_t size = column->size;

	switch (column->kind) {
	case SQL_COLUMN_INTEGER:
		*width_out = 24;
		if (column->native == SQL_DECIMAL ||
		    column->native == SQL_NUMERIC)
			return SQL_C_CHAR;
		*width_out = sizeof(SQLBIGINT);
		return SQL_C_SBIGINT;
	case SQL_COLUMN_FLOAT:
		*width_out = sizeof(SQLDOUBLE);
		return SQL_C_DOUBLE;
	case SQL_COLUMN_BOOLEAN:
		*width_out = 1;
		return SQL_C_BIT;
	case SQL_COLUMN_DATE:
		*width_out = sizeof(SQL_DATE_STRUCT);
		return SQL_C_TYPE_DATE;
	case SQL_COLUMN_LOCAL:
		*width_out = sizeof(SQL_TIMESTAMP_STRUCT);
		return SQL_C_TYPE_TIMESTAMP;
	case SQL_COLUMN_DECIMAL:
	case SQL_COLUMN_TIME:
	case SQL_COLUMN_MOMENT:
	case SQL_COLUMN_GUID:
		*width_out = 80;
		return SQL_C_CHAR;
	case SQL_COLUMN_BYTES:
		*width_out = size <= BOUND_MAX ? size : 0;
		return SQL_C_BINARY;
	case SQL_COLUMN_TEXT:
	case SQL_COLUMN_CHAR:
	case SQL_COLUMN_OTHER:
		break;
	}
	/* A character is four bytes at most, in either form. */
	*width_out = size && size <= BOUND_MAX / 4 ? 4 * size + 4 : 0;
	return wide ? SQL_C_WCHAR : SQL_C_CHAR;
}

static int describe(struct sql_rows *rows, struct sql_failure *failure,
		    struct error *err)
{
	struct odbc_link *odbc = rows->odbc;
	struct odbc_column column;
	SQLSMALLINT count = 0;
	size_t i;

	if (!odbc_ok(SQLNumResultCols(rows->stmt, &count)))
		return odbc_fail_stmt(odbc, rows->stmt, "read columns", failure,
				      err);
	if (!count)
		return error_set(err, ERR_INVALID,
				 "%s: the query gives no rows",
				 odbc->link.server);
	rows->count = (size_t)count;
	rows->columns =
		arena_array(&rows->arena, rows->count, sizeof(*rows->columns));
	rows->binds =
		arena_array(&rows->arena, rows->count, sizeof(*rows->binds));
	rows->values =
		arena_array(&rows->arena, rows->count, sizeof(*rows->values));
	rows->lens =
		arena_array(&rows->arena, rows->count, sizeof(*rows->lens));
	rows->texts = arena_array(&rows->arena, rows->count, 1);
	for (i = 0; i < rows->count; i++) {
		if (odbc_describe_column(odbc, rows->stmt, (int)i + 1,
					 &rows->arena, &column) < 0)
			return odbc_fail_stmt(odbc, rows->stmt, "read columns",
					      failure, err);
		rows->columns[i] = (struct sql_column){
			.name = column.name,
			.kind = odbc_column_kind(odbc, &column),
			.type = column.type,
			.native = column.native,
			.size = column.size,
			.nullable = column.nullable,
			.generated = column.generated,
		};
	}
	return 0;
}

static bool is_text_kind(enum sql_column_kind kind)
{
	return kind == SQL_COLUMN_TEXT || kind == SQL_COLUMN_CHAR ||
	       kind == SQL_COLUMN_OTHER;
}

/* The first `count` columns are bound, as blocks where all are. */
static int bind(struct sql_rows *rows, size_t count, size_t row_bytes,
		struct sql_failure *failure, struct error *err)
{
	SQLULEN block = 1;
	SQLULEN real = 0;
	size_t i;

	if (count == rows->count && row_bytes * 2 <= BLOCK_BYTES)
		block = BLOCK_BYTES / row_bytes;
	if (block > BLOCK_ROWS)
		block = BLOCK_ROWS;
	if (block > 1 &&
	    (!odbc_ok(SQLSetStmtAttr(rows->stmt, SQL_ATTR_ROW_ARRAY_SIZE,
				     ATTR(block), 0)) ||
	     !odbc_ok(SQLGetStmtAttr(rows->stmt, SQL_ATTR_ROW_ARRAY_SIZE, &real,
				     0, NULL)) ||
	     real != block)) {
		(void)SQLSetStmtAttr(rows->stmt, SQL_ATTR_ROW_ARRAY_SIZE,
				     ATTR(1), 0);
		block = 1;
	}
	rows->block = block;
	(void)SQLSetStmtAttr(rows->stmt, SQL_ATTR_ROWS_FETCHED_PTR,
			     &rows->fetched, 0);
	(void)SQLSetStmtAttr(rows->stmt, SQL_ATTR_ROW_STATUS_PTR, rows->states,
			     0);
	for (i = 0; i < count; i++) {
		struct bind *bind = &rows->binds[i];

		bind->data =
			arena_alloc(&rows->arena, bind->width * block + SHORT);
		bind->lengths = arena_array(&rows->arena, block,
					    sizeof(*bind->lengths));
		if (rows->texts[i])
			bind->plain = bind->width;
		if (!odbc_ok(SQLBindCol(rows->stmt, (SQLUSMALLINT)(i + 1),
					bind->c_type, bind->data,
					(SQLLEN)bind->width, bind->lengths)))
			return odbc_fail_stmt(rows->odbc, rows->stmt,
					      "read rows", failure, err);
	}
	return 0;
}

static int prepare_fetch(struct sql_rows *rows, struct sql_failure *failure,
			 struct error *err)
{
	size_t bytes = 0;
	size_t bound = rows->odbc->kind->by_value ? 0 : rows->count;
	size_t i;

	for (i = 0; i < rows->count; i++) {
		struct bind *bind = &rows->binds[i];

		bind->c_type =
			c_type_of(rows->odbc, &rows->columns[i], &bind->width);
		bytes += bind->width;
		if (!bind->width && i < bound)
			bound = i;
		/* Its values have types of their own there. */
		if (rows->odbc->kind->by_value && bind->c_type != SQL_C_BINARY)
			bind->c_type = SQL_C_CHAR;
		rows->texts[i] = bind->c_type == SQL_C_CHAR &&
				 is_text_kind(rows->columns[i].kind);
	}
	if (!bound)
		return 0;
	return bind(rows, bound, bytes, failure, err);
}

int odbc_rows_of(struct odbc_link *odbc, SQLHSTMT stmt, struct sql_rows **out,
		 struct sql_failure *failure, struct error *err)
{
	struct sql_rows *rows = mem_zalloc(sizeof(*rows));

	rows->odbc = odbc;
	rows->stmt = stmt;
	rows->buffer.max = STRBUF_NO_LIMIT;
	if (describe(rows, failure, err) < 0 ||
	    prepare_fetch(rows, failure, err) < 0) {
		odbc_rows_close(rows);
		return -1;
	}
	*out = rows;
	return 0;
}

/* 1 done, 0 a value cannot be sent, -1 diagnose. */
static int exec_with(struct odbc_link *odbc, SQLHSTMT stmt, const char *sql,
		     const struct sql_param *params, size_t count,
		     struct arena *arena, struct sql_failure *failure)
{
	struct sql_run run = { .params = params, .param_count = count };
	size_t which;
	SQLRETURN ret;
	size_t i;
	int made;

	if (!count) {
		ret = odbc_exec_text(odbc, stmt, sql);
		return odbc_ok(ret) || ret == SQL_NO_DATA ? 1 : -1;
	}
	if (!odbc_ok(odbc_prepare(odbc, stmt, sql)))
		return -1;
	for (i = 0; i < count; i++) {
		made = odbc_bind(odbc, stmt, &run, 1, i, arena, &which,
				 failure);
		if (made <= 0)
			return made;
	}
	ret = SQLExecute(stmt);
	return odbc_ok(ret) || ret == SQL_NO_DATA ? 1 : -1;
}

int odbc_query(struct sql_link *link, const char *sql,
	       const struct sql_param *params, size_t param_count,
	       struct sql_rows **out, struct sql_failure *failure,
	       struct error *err)
{
	struct odbc_link *odbc = odbc_of(link);
	struct sql_failure own = { .kind = SQL_FAILURE_NONE };
	SQLHSTMT stmt = odbc_statement(odbc, err);
	struct arena arena = ARENA_INIT;
	int made;

	if (!stmt)
		return -1;
	made = exec_with(odbc, stmt, sql, params, param_count, &arena, &own);
	arena_release(&arena);
	if (made > 0)
		return odbc_rows_of(odbc, stmt, out, failure, err);
	if (made < 0)
		odbc_fail_stmt(odbc, stmt, "run a query", &own, err);
	else
		error_set(err, ERR_INVALID, "%s: cannot run a query: %s",
			  link->server, own.text);
	if (failure)
		*failure = own;
	(void)SQLFreeHandle(SQL_HANDLE_STMT, stmt);
	return -1;
}

const struct sql_column *odbc_columns(const struct sql_rows *rows,
				      size_t *count_out)
{
	*count_out = rows->count;
	return rows->columns;
}

/* ---- values ---- */

/* UTF-16 in memory as UTF-8; 0: it is none. */
static int from_wide(const char *data, size_t bytes, struct arena *arena,
		     struct sv *out)
{
	size_t units = bytes / sizeof(SQLWCHAR);
	char *text = arena_alloc(arena, 3 * units + 1);
	size_t len = 0;
	bool good = odbc_put_utf8(data, units, text, &len);

	*out = sv_make(text, len);
	return good;
}

int odbc_get_text(struct odbc_link *odbc, SQLHSTMT stmt, int number,
		  SQLSMALLINT c_type, struct strbuf *buffer,
		  struct arena *arena, struct sv *out)
{
	size_t end = c_type == SQL_C_BINARY  ? 0
		     : c_type == SQL_C_WCHAR ? sizeof(SQLWCHAR)
					     : 1;
	SQLRETURN ret;
	SQLLEN len;

	(void)odbc;
	strbuf_reset(buffer);
	do {
		char *room = strbuf_room(buffer, CHUNK);
		size_t got = CHUNK - end;

		len = 0;
		ret = SQLGetData(stmt, (SQLUSMALLINT)number, c_type, room,
				 CHUNK, &len);
		if (ret == SQL_NO_DATA)
			break;
		if (!odbc_ok(ret))
			return -1;
		if (len == SQL_NULL_DATA) {
			*out = SV_NULL;
			return 1;
		}
		if (len >= 0 && (size_t)len <= got)
			got = (size_t)len;
		else
			ret = SQL_SUCCESS_WITH_INFO; /* there is more */
		strbuf_grew(buffer, got);
		if (got < CHUNK - end)
			break;
	} while (ret == SQL_SUCCESS_WITH_INFO);
	if (c_type == SQL_C_WCHAR)
		return from_wide(buffer->ptr, buffer->len, arena, out);
	*out = arena_dup(arena, strbuf_sv(buffer));
	return 1;
}

/* A value that is not as text; memory from arena. 1, 0 it is none. */
static int from_struct(const struct sql_column *column, SQLSMALLINT c_type,
		       const char *data, struct arena *arena, struct sv *out)
{
	SQL_TIMESTAMP_STRUCT moment;
	SQL_DATE_STRUCT date;
	SQLDOUBLE real;
	SQLBIGINT number;

	switch (c_type) {
	case SQL_C_SBIGINT:
		memcpy(&number, data, sizeof(number));
		*out = odbc_form_i64(number, arena);
		return 1;
	case SQL_C_DOUBLE:
		memcpy(&real, data, sizeof(real));
		*out = odbc_form_double(real, column->native == SQL_REAL,
					arena);
		return 1;
	case SQL_C_BIT:
		*out = *data ? SV_LIT("true") : SV_LIT("false");
		return 1;
	case SQL_C_TYPE_DATE:
		memcpy(&date, data, sizeof(date));
		return odbc_form_date(&date, arena, out);
	default:
		memcpy(&moment, data, sizeof(moment));
		return odbc_form_timestamp(&moment, arena, out);
	}
}

static bool is_text(SQLSMALLINT c_type)
{
	return c_type == SQL_C_CHAR || c_type == SQL_C_WCHAR ||
	       c_type == SQL_C_BINARY;
}

/* What most values are. */
static inline bool bound_text(const struct bind *bind, SQLULEN at,
			      struct sv *out)
{
	/* those that are not of use are negative */
	size_t len = bind->plain ? (size_t)bind->lengths[at] : 0;

	if (len >= bind->plain)
		return false;
	*out = sv_make(bind->data + bind->width * at, len);
	return true;
}

/* 1; 0 it is not what its column is; -1 diagnose. */
static int bound_value(struct sql_rows *rows, size_t i, struct sv *out)
{
	const struct bind *bind = &rows->binds[i];
	const char *data = bind->data + bind->width * rows->at;
	SQLLEN len = bind->lengths[rows->at];
	size_t room = bind->width;

	*out = SV_NULL;
	if (len == SQL_NULL_DATA)
		return 1;
	if (!is_text(bind->c_type))
		return from_struct(&rows->columns[i], bind->c_type, data,
				   &rows->row, out);
	if (bind->c_type != SQL_C_BINARY)
		room -= bind->c_type == SQL_C_WCHAR ? sizeof(SQLWCHAR) : 1;
	if (len < 0 || (size_t)len > room)
		return -2;
	if (bind->c_type == SQL_C_WCHAR) {
		if (!from_wide(data, (size_t)len, &rows->row, out))
			return 0;
		return 1;
	}
	return odbc_form(rows->columns[i].kind, sv_make(data, (size_t)len),
			 &rows->row, out);
}

static int asked_value(struct sql_rows *rows, size_t i, struct sv *out)
{
	const struct bind *bind = &rows->binds[i];
	SQLSMALLINT c_type = is_text(bind->c_type) ? bind->c_type : SQL_C_CHAR;
	struct sv text = SV_NULL;
	int ret = odbc_get_text(rows->odbc, rows->stmt, (int)i + 1, c_type,
				&rows->buffer, &rows->row, &text);

	*out = text;
	if (ret <= 0 || !text.ptr)
		return ret;
	return odbc_form(rows->columns[i].kind, text, &rows->row, out);
}

static int too_long(const struct sql_rows *rows, size_t i, struct error *err)
{
	return error_set(err, ERR_INVALID,
			 "%s: column '%s' has a value that is longer than the "
			 "%llu characters that the driver says; give the "
			 "column a type of that length",
			 rows->odbc->link.server, rows->columns[i].name,
			 (unsigned long long)rows->columns[i].size);
}

static int next_block(struct sql_rows *rows, struct error *err)
{
	SQLRETURN ret;

	rows->fetched = 0;
	rows->at = 0;
	rows->states[0] = SQL_ROW_SUCCESS;
	ret = SQLFetch(rows->stmt);
	if (ret == SQL_NO_DATA)
		return 0;
	if (!odbc_ok(ret))
		return odbc_fail_stmt(rows->odbc, rows->stmt, "read rows", NULL,
				      err);
	if (!rows->fetched || rows->fetched > rows->block)
		rows->fetched = 1;
	return 1;
}

/* To the row that is to be given out: 1; 0 there are no more; -1. */
static int step(struct sql_rows *rows, struct error *err)
{
	int ret;

	arena_reset(&rows->row);
	if (++rows->at >= rows->fetched) {
		ret = next_block(rows, err);
		if (ret <= 0)
			return ret;
	}
	if (rows->states[rows->at] == SQL_ROW_ERROR)
		return odbc_fail_stmt(rows->odbc, rows->stmt, "read a row",
				      NULL, err);
	return 1;
}

/* 1; 0 it is not what its column is; -1. */
static int any_value(struct sql_rows *rows, size_t i, struct sv *out,
		     struct error *err)
{
	int ret = rows->binds[i].data ? bound_value(rows, i, out)
				      : asked_value(rows, i, out);

	if (ret == -2)
		return too_long(rows, i, err);
	if (ret < 0)
		return odbc_fail_stmt(rows->odbc, rows->stmt, "read a value",
				      NULL, err);
	return ret;
}

int odbc_fetch(struct sql_rows *rows, const struct sv **out, size_t *broken_out,
	       struct error *err)
{
	size_t i;
	int ret = step(rows, err);

	*broken_out = 0;
	if (ret <= 0)
		return ret;
	for (i = 0; i < rows->count; i++) {
		struct sv *value = &rows->values[i];

		if (bound_text(&rows->binds[i], rows->at, value) &&
		    text_is_ascii(*value))
			continue;
		ret = any_value(rows, i, value, err);
		if (ret < 0)
			return -1;
		if (ret == 0 && !*broken_out)
			*broken_out = i + 1;
	}
	*out = rows->values;
	return 1;
}

/* ---- lines ---- */

bool odbc_has_lines(const struct sql_rows *rows)
{
	return rows->count > 0;
}

static size_t header_of(size_t count)
{
	return (2 + count) * sizeof(uint32_t) + count;
}

/* Puts down the values `from` and on, whose lengths are `lens`. */
static struct sv put_line(const struct sql_rows *rows, size_t from,
			  size_t count, const uint32_t *lens, uint32_t broken,
			  struct arena *arena)
{
	uint32_t numbers[2] = { (uint32_t)count, broken };
	size_t size = header_of(count);
	char *line;
	char *at;
	size_t i;

	for (i = 0; i < count; i++)
		size += lens[i];
	line = arena_alloc(arena, size + SHORT);
	at = line;
	memcpy(at, numbers, sizeof(numbers));
	at += sizeof(numbers);
	memcpy(at, lens, count * sizeof(*lens));
	at += count * sizeof(*lens);
	memcpy(at, rows->texts + from, count);
	at += count;
	for (i = 0; i < count; i++) {
		const struct bind *bind = &rows->binds[from + i];
		const char *value = rows->values[from + i].ptr;

		if (value && bind->plain && lens[i] <= SHORT)
			memcpy(at, value, SHORT);
		else if (value)
			memcpy(at, value, lens[i]);
		at += lens[i];
	}
	return sv_make(line, size);
}

int odbc_line(struct sql_rows *rows, struct arena *arena, struct sv *out,
	      struct error *err)
{
	uint32_t broken = 0;
	size_t i;
	int ret = step(rows, err);

	if (ret <= 0)
		return ret;
	for (i = 0; i < rows->count; i++) {
		struct sv *value = &rows->values[i];

		if (!bound_text(&rows->binds[i], rows->at, value)) {
			ret = any_value(rows, i, value, err);
			if (ret < 0)
				return -1;
			if (ret == 0 && !broken)
				broken = (uint32_t)i + 1;
		}
		rows->lens[i] = (uint32_t)value->len;
	}
	*out = put_line(rows, 0, rows->count, rows->lens, broken, arena);
	return 1;
}

struct sv odbc_line_of(const struct sql_rows *rows, size_t from, size_t count,
		       struct arena *arena)
{
	size_t i;

	for (i = 0; i < count; i++)
		rows->lens[i] = (uint32_t)rows->values[from + i].len;
	return put_line(rows, from, count, rows->lens, 0, arena);
}

int odbc_split(const struct sql_link *link, struct sv line,
	       const struct sql_column *const *columns, size_t count,
	       struct arena *arena, struct sv *out, size_t *broken_out)
{
	const char *len_at = line.ptr + 2 * sizeof(uint32_t);
	uint32_t numbers[2];
	const char *flag;
	const char *at;
	uint32_t len;
	size_t i;

	(void)link;
	(void)columns;
	(void)arena;
	memcpy(numbers, line.ptr, sizeof(numbers));
	flag = len_at + numbers[0] * sizeof(len);
	at = flag + numbers[0];
	*broken_out = 0;
	if (count > numbers[0])
		return 0;
	for (i = 0; i < count; i++) {
		memcpy(&len, len_at + i * sizeof(len), sizeof(len));
		out[i] = sv_make(at, len);
		at += len;
		if (!*broken_out &&
		    (numbers[1] == i + 1 || (flag[i] && !text_is_utf8(out[i]))))
			*broken_out = i + 1;
	}
	return 1;
}

void odbc_rows_close(struct sql_rows *rows)
{
	if (!rows)
		return;
	(void)SQLFreeHandle(SQL_HANDLE_STMT, rows->stmt);
	strbuf_release(&rows->buffer);
	arena_release(&rows->row);
	arena_release(&rows->arena);
	mem_free(rows);
}
/* NOLINTEND(performance-no-int-to-ptr) */
