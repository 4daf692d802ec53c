/*
 * statement.c - run a statement, read its rows
 *
 * The first time a text is sent as it is, the second time it is prepared. Rows
 * of statements that may have very many come one by one; when another
 * statement needs the connection meanwhile, those still to come are read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "store/postgresql/postgresql_private.h"

#include <endian.h>
#include <stdio.h>

struct pg_statement {
	struct statement base;
	struct pg_database *db;
	struct pg_words words;
	struct strbuf text;
	char name[24];
	unsigned runs;
	int count; /* of parameters */
	Oid types[MAX_COLUMNS];
	const char *values[MAX_COLUMNS];
	int lengths[MAX_COLUMNS];
	int formats[MAX_COLUMNS];
	uint64_t numbers[MAX_COLUMNS];
	struct arena arena; /* texts that had to be changed */
	bool ran;
	int cache; /* that may answer it */
	struct pg_served served;
	PGresult *result;
	int row;
	VEC(PGresult *) more; /* read ahead */
	size_t next_more;
};

static struct pg_statement *stmt_of(struct statement *stmt)
{
	return (struct pg_statement *)stmt;
}

static enum pg_type type_of(char type)
{
	if (type == 'i')
		return PG_INT8;
	return type == 'b' ? PG_BYTEA : PG_TEXT;
}

struct statement *pg_prepare(struct database *base, const char *text,
			     const char *types, struct error *err)
{
	struct pg_database *db = pg_of(base);
	struct pg_statement *stmt = mem_zalloc(sizeof(*stmt));

	(void)err;
	stmt->base.driver = base->driver;
	stmt->db = db;
	stmt->text.max = STRBUF_NO_LIMIT;
	translate(&db->catalogue, text, &stmt->text, &stmt->words);
	if (stmt->words.read == PG_READ_ROW || stmt->words.read == PG_READ_ROWS)
		stmt->cache =
			cache_of(db, stmt->words.table, stmt->words.column);
	for (; types[stmt->count]; stmt->count++) {
		stmt->types[stmt->count] = type_of(types[stmt->count]);
		stmt->formats[stmt->count] = 1;
	}
	(void)snprintf(stmt->name, sizeof(stmt->name), "s%zu",
		       db->statements.len);
	vec_push(&db->statements, stmt);
	return &stmt->base;
}

void pg_free_statement(struct pg_statement *stmt)
{
	pg_reset(&stmt->base);
	vec_release(&stmt->served.ids);
	strbuf_release(&stmt->text);
	arena_release(&stmt->arena);
	vec_release(&stmt->more);
	mem_free(stmt);
}

/* ---- parameters ---- */

/* The server's texts are UTF-8 without NUL; what is not becomes U+FFFD. */
static struct sv clean(struct pg_statement *stmt, struct sv text)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv copy;

	if (!text.ptr ||
	    (!memchr(text.ptr, '\0', text.len) && text_is_utf8(text)))
		return text;
	while (text.len) {
		size_t valid = text_valid_prefix(text);
		size_t nul = sv_find(text, '\0', 0);
		size_t good = nul < valid ? nul : valid;

		strbuf_add(&out, text.ptr, good);
		text = sv_sub(text, good, text.len);
		if (text.len) {
			strbuf_adds(&out, "\xef\xbf\xbd");
			text = sv_sub(text, 1, text.len);
		}
	}
	copy = arena_dup(&stmt->arena, strbuf_sv(&out));
	strbuf_release(&out);
	return copy;
}

static struct sv next_bytes(struct pg_statement *stmt, char type, va_list *args)
{
	if (type == 'b')
		return va_arg(*args, struct sv);
	if (type == 't')
		return clean(stmt, va_arg(*args, struct sv));
	return clean(stmt, sv_from(va_arg(*args, const char *)));
}

static void bind_all(struct pg_statement *stmt, const char *types,
		     va_list *args)
{
	int i;

	for (i = 0; i < stmt->count; i++) {
		struct sv bytes;

		if (types[i] == 'i') {
			stmt->numbers[i] =
				htobe64((uint64_t)va_arg(*args, int64_t));
			bytes = sv_make((const char *)&stmt->numbers[i], 8);
		} else {
			bytes = next_bytes(stmt, types[i], args);
		}
		stmt->values[i] = bytes.ptr;
		stmt->lengths[i] = (int)bytes.len;
	}
}

/* A row was added to what is gathered. */
static int gathered_one(struct pg_database *db, int table, struct error *err)
{
	db->waiting |= UINT64_C(1) << table;
	if (db->gathered[table].bytes.len < MAX_GATHERED || table == db->shared)
		return 0;
	return pg_flush(db, UINT64_C(1) << table, NULL, err);
}

static int gather_all(struct pg_statement *stmt, const char *types,
		      va_list *args, struct error *err)
{
	struct pg_database *db = stmt->db;
	int table = stmt->words.table;
	struct gathered *to = &db->gathered[table];
	struct gather gather;

	gather_begin(&gather, to, &db->catalogue.tables.at[table],
		     stmt->words.kind == PG_DELETE);
	for (; *types; types++) {
		if (*types == 'i')
			gather_int(&gather, va_arg(*args, int64_t));
		else
			gather_bytes(&gather, next_bytes(stmt, *types, args));
	}
	gather_end(&gather);
	keys_written(&db->keys[table], gather.row.key[0], gather.row.key[1],
		     gather.row.gone);
	return gathered_one(db, table, err);
}

int pg_start(struct statement *base, const char *types, va_list args,
	     struct error *err)
{
	struct pg_statement *stmt = stmt_of(base);
	va_list copy;
	int ret = 0;

	pg_reset(base);
	arena_reset(&stmt->arena);
	va_copy(copy, args);
	if (stmt->words.kind == PG_PUT || stmt->words.kind == PG_DELETE)
		ret = gather_all(stmt, types, &copy, err);
	else
		bind_all(stmt, types, &copy);
	va_end(copy);
	return ret;
}

/* ---- running ---- */

static const char *doing(const struct pg_statement *stmt)
{
	return stmt->words.streams ? "read" : "write to";
}

static int prepare_text(struct pg_statement *stmt, struct error *err)
{
	struct pg_database *db = stmt->db;
	PGresult *result = PQprepare(db->conn, stmt->name,
				     strbuf_cstr(&stmt->text), stmt->count,
				     stmt->types);
	int ret = 0;

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		ret = pg_fail(db, result, "query", err);
	PQclear(result);
	return ret;
}

/* Sends it; the results are still to be read. */
static int send_statement(struct pg_statement *stmt, struct error *err)
{
	struct pg_database *db = stmt->db;
	int sent;

	if (stmt->runs == 1 && prepare_text(stmt, err) < 0)
		return -1;
	if (stmt->runs == 0)
		sent = PQsendQueryParams(db->conn, strbuf_cstr(&stmt->text),
					 stmt->count, stmt->types, stmt->values,
					 stmt->lengths, stmt->formats, 1);
	else
		sent = PQsendQueryPrepared(db->conn, stmt->name, stmt->count,
					   stmt->values, stmt->lengths,
					   stmt->formats, 1);
	if (!sent)
		return pg_fail(db, NULL, doing(stmt), err);
	if (stmt->runs < 2)
		stmt->runs++;
	return 0;
}

static void drain(struct pg_database *db)
{
	PGresult *result;

	while ((result = PQgetResult(db->conn)) != NULL)
		PQclear(result);
}

/* ---- fields ---- */

static int64_t number_of(struct sv field)
{
	uint64_t eight;
	uint32_t four;

	switch (field.len) {
	case 8:
		memcpy(&eight, field.ptr, sizeof(eight));
		return (int64_t)be64toh(eight);
	case 4:
		memcpy(&four, field.ptr, sizeof(four));
		return (int32_t)be32toh(four);
	case 1:
		return *field.ptr != 0;
	default:
		return 0;
	}
}

static struct sv field_of(const PGresult *result, int row, int column)
{
	if (PQgetisnull(result, row, column))
		return SV_NULL;
	return sv_make(PQgetvalue(result, row, column),
		       (size_t)PQgetlength(result, row, column));
}

int64_t pg_number(const PGresult *result, int row, int column)
{
	return number_of(field_of(result, row, column));
}

static struct sv served_field(const struct pg_served *served, int column)
{
	return served->rows ? field_of(served->rows, served->row, column)
			    : served->fields[column];
}

/* ---- what the server need not be asked ---- */

/* A copy: what is gathered may move. */
static void serve_gathered(struct pg_statement *stmt, const struct pg_row *row)
{
	const struct gathered *from = &stmt->db->gathered[stmt->words.table];
	struct pg_served *served = &stmt->served;
	struct sv bytes;
	size_t at = 0;
	int i;

	served->is = true;
	served->rows = NULL;
	served->row = 0;
	served->end = row->gone ? 0 : 1;
	bytes = arena_dup(&stmt->arena,
			  sv_make(from->bytes.ptr + row->at, row->len));
	for (i = 0; at < bytes.len && i < MAX_COLUMNS; i++) {
		uint32_t len;

		memcpy(&len, bytes.ptr + at, sizeof(len));
		len = be32toh(len);
		at += sizeof(len);
		served->fields[i] = SV_NULL;
		if (len == UINT32_MAX)
			continue;
		served->fields[i] = sv_make(bytes.ptr + at, len);
		at += len;
	}
}

/* The row of a key, that is gathered or was read. 1 served, 0, -1. */
static int serve_row(struct pg_statement *stmt, int64_t key, bool alone,
		     bool *flush_out, struct error *err)
{
	struct pg_database *db = stmt->db;
	int table = stmt->words.table;

	if (*flush_out) {
		const struct pg_row *row =
			gather_find(&db->gathered[table],
				    &db->catalogue.tables.at[table], key);

		if (row) {
			serve_gathered(stmt, row);
			return 1;
		}
		*flush_out = false;
	}
	return alone ? cache_read(db, &db->caches.at[stmt->cache], key,
				  &stmt->served, err)
		     : 0;
}

/* 1 served; 0 the server is to be asked, *flush_out: after what is gathered
 * was written; -1. */
static int serve(struct pg_statement *stmt, bool *flush_out, struct error *err)
{
	struct pg_database *db = stmt->db;
	const struct pg_words *words = &stmt->words;
	bool alone = db->leased || db->snapshot;
	int64_t key;

	*flush_out = (db->waiting & words->tables) != 0;
	key = (int64_t)be64toh(stmt->numbers[0]);
	if (words->read == PG_READ_OTHER)
		return 0;
	if (words->read == PG_READ_ROW)
		return serve_row(stmt, key, pg_is_ours(db, key), flush_out,
				 err);
	/* of a table of hashes nobody asks for keys that are not ours */
	if (words->read == PG_READ_KEYS)
		return alone ? keys_read(db, words->table, key, &stmt->served,
					 err)
			     : 0;
	/* rows of all agents belong to a metaverse object */
	if (*flush_out || !alone || db->scope)
		return 0;
	return cache_read(db, &db->caches.at[stmt->cache], key, &stmt->served,
			  err);
}

#define SHORT_RANGE 64

/* 1 done, 0 it is to be sent, -1. */
static int delete_range(struct pg_statement *stmt, struct error *err)
{
	struct pg_database *db = stmt->db;
	int table = stmt->words.table;
	int64_t from = (int64_t)be64toh(stmt->numbers[0]);
	int64_t to = (int64_t)be64toh(stmt->numbers[1]);
	struct gather gather;

	if (to - from >= SHORT_RANGE)
		return 0;
	for (; from <= to; from++) {
		gather_begin(&gather, &db->gathered[table],
			     &db->catalogue.tables.at[table], true);
		gather_int(&gather, from);
		gather_end(&gather);
		if (gathered_one(db, table, err) < 0)
			return -1;
	}
	return 1;
}

static struct sv changed_field(const struct pg_statement *stmt, int at)
{
	static const char zero[8];
	const struct pg_item *item = &stmt->words.items[at];

	if (item->kind == PG_ZERO)
		return sv_make(zero, sizeof(zero));
	if (item->kind == PG_SECOND)
		return sv_make(stmt->values[1], (size_t)stmt->lengths[1]);
	return served_field(&stmt->served, item->column);
}

/* The same. */
static int change_row(struct pg_statement *stmt, struct error *err)
{
	struct pg_database *db = stmt->db;
	int table = stmt->words.target;
	struct gather gather;
	bool flush;
	int ret;
	int i;

	if (!db->leased || !pg_is_ours(db, (int64_t)be64toh(stmt->numbers[0])))
		return 0;
	ret = serve(stmt, &flush, err);
	if (ret == 0) /* a first question about its block */
		ret = serve(stmt, &flush, err);
	if (ret <= 0)
		return ret;
	if (stmt->served.row < stmt->served.end) {
		gather_begin(&gather, &db->gathered[table],
			     &db->catalogue.tables.at[table], false);
		for (i = 0; i < gather.table->count; i++)
			gather_field(&gather, changed_field(stmt, i));
		gather_end(&gather);
		ret = gathered_one(db, table, err) < 0 ? -1 : 1;
	}
	served_release(&stmt->served);
	return ret;
}

/* What is not sent, or not now. The same. */
static int do_without(struct pg_statement *stmt, bool *flush_out,
		      struct error *err)
{
	*flush_out = (stmt->db->waiting & stmt->words.tables) != 0;
	switch (stmt->words.kind) {
	case PG_PUT:
	case PG_DELETE:
		return 1;
	case PG_DELETE_RANGE:
		return delete_range(stmt, err);
	case PG_CHANGE:
		return change_row(stmt, err);
	case PG_PLAIN:
		break;
	}
	return serve(stmt, flush_out, err);
}

static bool is_read(struct pg_statement *stmt)
{
	return sv_starts(strbuf_sv(&stmt->text), SV_LIT("SELECT ")) ||
	       sv_starts(strbuf_sv(&stmt->text), SV_LIT("WITH "));
}

static int run_statement(struct pg_statement *stmt, struct error *err)
{
	struct pg_database *db = stmt->db;
	bool flush;
	int ret;

	stmt->ran = true;
	ret = do_without(stmt, &flush, err);
	if (ret)
		return ret < 0 ? -1 : 0;
	if (flush && pg_flush(db, stmt->words.tables, NULL, err) < 0)
		return -1;
	if (!is_read(stmt))
		pg_forget_tables(db, stmt->words.tables);
	pg_settle_stream(db);
	if (send_statement(stmt, err) < 0)
		return -1;
	if (stmt->words.streams) {
		(void)PQsetSingleRowMode(db->conn);
		db->streaming = stmt;
		return 0;
	}
	vec_push(&stmt->more, PQgetResult(db->conn));
	drain(db);
	return 0;
}

void pg_settle_stream(struct pg_database *db)
{
	struct pg_statement *stmt = db->streaming;
	PGresult *result;

	if (!stmt)
		return;
	db->streaming = NULL;
	while ((result = PQgetResult(db->conn)) != NULL)
		vec_push(&stmt->more, result);
}

/* The next result, of what was read ahead or of what comes. */
static PGresult *next_result(struct pg_statement *stmt)
{
	struct pg_database *db = stmt->db;
	PGresult *result;

	if (stmt->next_more < stmt->more.len)
		return stmt->more.at[stmt->next_more++];
	if (db->streaming != stmt)
		return NULL;
	result = PQgetResult(db->conn);
	if (!result || PQresultStatus(result) != PGRES_SINGLE_TUPLE) {
		db->streaming = NULL;
		if (result)
			drain(db);
	}
	return result;
}

/* 1: it has rows; 0: none; -1. */
static int check_result(struct pg_statement *stmt, struct error *err)
{
	switch ((int)PQresultStatus(stmt->result)) {
	case PGRES_SINGLE_TUPLE:
	case PGRES_TUPLES_OK:
		return PQntuples(stmt->result) > 0;
	case PGRES_COMMAND_OK:
		return 0;
	default:
		return pg_fail(stmt->db, stmt->result, doing(stmt), err);
	}
}

int pg_next(struct statement *base, struct error *err)
{
	struct pg_statement *stmt = stmt_of(base);
	int ret = 0;

	if (!stmt->ran)
		ret = run_statement(stmt, err);
	else if (stmt->served.is)
		stmt->served.row++;
	else if (stmt->result && ++stmt->row < PQntuples(stmt->result))
		return 1;
	if (ret == 0 && stmt->served.is && stmt->served.row < stmt->served.end)
		return 1;
	while (ret == 0 && !stmt->served.is) {
		PQclear(stmt->result);
		stmt->row = 0;
		stmt->result = next_result(stmt);
		if (!stmt->result)
			break;
		ret = check_result(stmt, err);
	}
	if (ret <= 0)
		pg_reset(base);
	return ret;
}

void pg_reset(struct statement *base)
{
	struct pg_statement *stmt = stmt_of(base);
	struct pg_database *db = stmt->db;

	if (db->streaming == stmt) {
		db->streaming = NULL;
		drain(db);
	}
	served_release(&stmt->served);
	PQclear(stmt->result);
	stmt->result = NULL;
	while (stmt->next_more < stmt->more.len)
		PQclear(stmt->more.at[stmt->next_more++]);
	vec_clear(&stmt->more);
	stmt->next_more = 0;
	stmt->row = 0;
	stmt->ran = false;
}

/* ---- columns ---- */

int64_t pg_integer(struct statement *base, int column)
{
	const struct pg_statement *stmt = stmt_of(base);
	const struct pg_item *item = &stmt->words.items[column];
	struct sv field;

	if (!stmt->served.is)
		return pg_number(stmt->result, stmt->row, column);
	if (stmt->words.read == PG_READ_KEYS)
		return stmt->served.ids.at[stmt->served.row];
	field = served_field(&stmt->served, item->column);
	return item->kind == PG_IS_THERE ? field.ptr != NULL : number_of(field);
}

struct sv pg_bytes(struct statement *base, int column)
{
	const struct pg_statement *stmt = stmt_of(base);

	if (!stmt->served.is)
		return field_of(stmt->result, stmt->row, column);
	return served_field(&stmt->served, stmt->words.items[column].column);
}

const char *pg_text(struct statement *base, int column)
{
	return PQgetvalue(stmt_of(base)->result, stmt_of(base)->row, column);
}
