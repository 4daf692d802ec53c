/*
 * flush.c - sends what was gathered: all of a table's rows in one statement
 *
 * Each column goes as an array. The statements of several tables, and the
 * commit when that is what it is for, are one message.
 *
 * Holders of different agents may put the same row into one table, mv_queue:
 * each says that a metaverse object is to be looked at. Who comes second waits
 * for the transaction of the first, so that table is written last, once, in
 * the order of its keys: no two can wait for each other, and the commit is
 * already on its way when the rows are locked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/postgresql/postgresql_private.h"

#include <arpa/inet.h>

static enum pg_type array_of(enum pg_type type)
{
	if (type == PG_INT8)
		return PG_INT8_ARRAY;
	return type == PG_BYTEA ? PG_BYTEA_ARRAY : PG_TEXT_ARRAY;
}

static const char *array_name(enum pg_type type)
{
	if (type == PG_INT8)
		return "bigint[]";
	return type == PG_BYTEA ? "bytea[]" : "text[]";
}

static void add_u32(struct strbuf *out, uint32_t number)
{
	uint32_t bytes = htonl(number);

	strbuf_add(out, &bytes, sizeof(bytes));
}

/* Of one dimension that begins with 1; NULLs may be in it. */
static void begin_array(struct strbuf *out, enum pg_type type, size_t count)
{
	out->max = STRBUF_NO_LIMIT;
	strbuf_reset(out);
	add_u32(out, 1);
	add_u32(out, 1);
	add_u32(out, (uint32_t)type);
	add_u32(out, (uint32_t)count);
	add_u32(out, 1);
}

static void add_row(struct pg_database *db, const char *field, int columns)
{
	int i;

	for (i = 0; i < columns; i++) {
		uint32_t len;

		memcpy(&len, field, sizeof(len));
		len = ntohl(len);
		len = len == UINT32_MAX ? 4 : len + 4;
		strbuf_add(&db->columns[i], field, len);
		field += len;
	}
}

/* "unnest($1::bigint[], ...)" */
static void add_unnest(struct strbuf *text, const struct pg_table *table,
		       int columns)
{
	int i;

	strbuf_adds(text, "unnest(");
	for (i = 0; i < columns; i++)
		strbuf_addf(text, "%s$%d::%s", i ? ", " : "", i + 1,
			    array_name(table->columns[i].type));
	strbuf_addc(text, ')');
}

static void put_text(struct strbuf *text, const struct pg_table *table)
{
	strbuf_adds(text, "INSERT INTO ");
	strbuf_addsv(text, table->name);
	strbuf_adds(text, " SELECT * FROM ");
	add_unnest(text, table, table->count);
	translate_upsert(table, text);
}

static void delete_text(struct strbuf *text, const struct pg_table *table)
{
	int i;

	strbuf_adds(text, "DELETE FROM ");
	strbuf_addsv(text, table->name);
	if (table->keys == 1) {
		strbuf_addf(text, " WHERE " SV_FMT " = ANY($1::%s)",
			    SV_ARG(table->columns[0].name),
			    array_name(table->columns[0].type));
		return;
	}
	strbuf_adds(text, " t USING ");
	add_unnest(text, table, table->keys);
	strbuf_adds(text, " AS gone (");
	for (i = 0; i < table->keys; i++)
		strbuf_addf(text, "%sk%d", i ? ", " : "", i);
	strbuf_adds(text, ") WHERE ");
	for (i = 0; i < table->keys; i++)
		strbuf_addf(text, "%st." SV_FMT " = gone.k%d", i ? " AND " : "",
			    SV_ARG(table->columns[i].name), i);
}

/* Rows `from` to `to`, of which `columns` columns are sent. */
static int send_rows(struct pg_database *db, const struct pg_table *table,
		     const struct gathered *gathered, size_t from, size_t to,
		     const char *text, int columns)
{
	Oid types[MAX_COLUMNS];
	const char *values[MAX_COLUMNS];
	int lengths[MAX_COLUMNS];
	int formats[MAX_COLUMNS];
	size_t row;
	int i;

	for (i = 0; i < columns; i++) {
		types[i] = array_of(table->columns[i].type);
		formats[i] = 1;
		begin_array(&db->columns[i], table->columns[i].type, to - from);
	}
	for (row = from; row < to; row++)
		add_row(db, gathered->bytes.ptr + gathered->rows.at[row].at,
			columns);
	for (i = 0; i < columns; i++) {
		values[i] = db->columns[i].ptr;
		lengths[i] = (int)db->columns[i].len;
	}
	return PQsendQueryParams(db->conn, text, columns, types, values,
				 lengths, formats, 1);
}

static int send_table(struct pg_database *db, int at)
{
	const struct pg_table *table = &db->catalogue.tables.at[at];
	struct gathered *gathered = &db->gathered[at];
	struct strbuf text = STRBUF_INIT(4000);
	size_t count = gathered->rows.len;
	size_t gone = 0;
	int sent = 1;

	gather_sort(gathered);
	while (gone < count && gathered->rows.at[gone].gone)
		gone++;
	if (gone) {
		delete_text(&text, table);
		sent = send_rows(db, table, gathered, 0, gone,
				 strbuf_cstr(&text), table->keys);
	}
	if (sent && gone < count) {
		strbuf_reset(&text);
		put_text(&text, table);
		sent = send_rows(db, table, gathered, gone, count,
				 strbuf_cstr(&text), table->count);
	}
	strbuf_release(&text);
	cache_written(db, at);
	gather_clear(gathered);
	db->waiting &= ~(UINT64_C(1) << at);
	return sent;
}

static int send_all(struct pg_database *db, uint64_t tables, const char *last)
{
	size_t i;

	for (i = 0; i < db->catalogue.tables.len; i++)
		if (tables >> i & 1 && (int)i != db->shared &&
		    !send_table(db, (int)i))
			return 0;
	if (tables >> db->shared & 1 && !send_table(db, db->shared))
		return 0;
	if (last &&
	    !PQsendQueryParams(db->conn, last, 0, NULL, NULL, NULL, NULL, 1))
		return 0;
	return PQpipelineSync(db->conn);
}

/* Reads all results; -1 with the first error among them. */
static int receive_all(struct pg_database *db, const char *last,
		       struct error *err)
{
	bool synced = false;
	int nothing = 0; /* how often: once between two statements, for ever
			  * from a server that crashed */
	int ret = 0;

	while (!synced) {
		PGresult *result = PQgetResult(db->conn);
		ExecStatusType status = PQresultStatus(result);

		nothing = result ? 0 : nothing + 1;
		if (nothing > 1 ||
		    (!result && PQstatus(db->conn) == CONNECTION_BAD))
			return ret < 0 ? ret
				       : pg_fail(db, NULL, "write to", err);
		synced = result && status == PGRES_PIPELINE_SYNC;
		if (result && status == PGRES_FATAL_ERROR && ret == 0)
			ret = pg_fail(db, result, "write to", err);
		if (result && last && status == PGRES_COMMAND_OK &&
		    strcmp(PQcmdStatus(result), "ROLLBACK") == 0 && ret == 0)
			ret = error_set(err, ERR_UNAVAILABLE,
					"cannot write to the store '%s': an "
					"earlier statement of the transaction "
					"failed",
					db->base.name);
		PQclear(result);
	}
	return ret;
}

int pg_flush(struct pg_database *db, uint64_t tables, const char *last,
	     struct error *err)
{
	int ret;

	tables &= db->waiting;
	if (!tables && !last)
		return 0;
	pg_settle_stream(db);
	if (!PQenterPipelineMode(db->conn))
		return pg_fail(db, NULL, "write to", err);
	if (send_all(db, tables, last))
		ret = receive_all(db, last, err);
	else
		ret = pg_fail(db, NULL, "write to", err);
	(void)PQexitPipelineMode(db->conn);
	return ret;
}

void pg_forget(struct pg_database *db)
{
	size_t i;

	for (i = 0; i < db->catalogue.tables.len; i++)
		if (db->waiting >> i & 1)
			gather_clear(&db->gathered[i]);
	db->waiting = 0;
}
