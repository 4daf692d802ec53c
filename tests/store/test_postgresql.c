/*
 * test_postgresql.c - what is the PostgreSQL driver's own: the tables, the
 * words it translates, rows that are gathered, addresses
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include "store/postgresql/postgresql_private.h"
#include "store/sqlite/sqlite_private.h"

/* ---- the schema ---- */

/* "table.column" of all there are, sorted, a line each. */
static void list_sqlite(struct strbuf *out)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	size_t i;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	for (i = 0; sqlite_schema_steps[i]; i++)
		assert_int_equal(sqlite3_exec(db, sqlite_schema_steps[i], NULL,
					      NULL, NULL),
				 SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db,
				   "SELECT t.name || '.' || c.name || ' ' ||"
				   " c.cid FROM sqlite_schema t, "
				   " pragma_table_info(t.name) c WHERE"
				   " t.type = 'table' ORDER BY t.name, c.cid",
				   -1, &stmt, NULL),
		SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		strbuf_addf(out, "%s\n",
			    (const char *)sqlite3_column_text(stmt, 0));
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void list_postgresql(struct fixture *f, struct strbuf *out)
{
	PGconn *conn = PQconnectdb(f->url);
	PGresult *result = PQexec(
		conn, "SELECT table_name || '.' || column_name || ' ' ||"
		      " ordinal_position - 1 FROM information_schema.columns"
		      " WHERE table_schema = 't' ORDER BY table_name COLLATE"
		      " \"C\", ordinal_position");
	int i;

	assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
	for (i = 0; i < PQntuples(result); i++)
		strbuf_addf(out, "%s\n", PQgetvalue(result, i, 0));
	PQclear(result);
	PQfinish(conn);
}

/* Both databases have the same tables with the same columns in one order. */
static void same_schema(void **state)
{
	struct fixture *f = *state;
	struct strbuf sqlite = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct strbuf postgresql = STRBUF_INIT(STRBUF_NO_LIMIT);

	list_sqlite(&sqlite);
	list_postgresql(f, &postgresql);
	assert_true(sqlite.len > 500);
	assert_string_equal(strbuf_cstr(&sqlite), strbuf_cstr(&postgresql));
	strbuf_release(&sqlite);
	strbuf_release(&postgresql);
}

/* What the catalogue reads from the schema is what the server has. */
static void catalogue_is_true(void **state)
{
	struct fixture *f = *state;
	struct pg_catalogue catalogue = { 0 };
	struct pg_table *table;
	char text[500];

	catalogue_read(&catalogue, postgresql_schema_steps);
	assert_int_equal(catalogue.tables.len,
			 run_postgresql(f->url,
					"SELECT count(*) FROM pg_tables WHERE"
					" schemaname = 't'"));
	vec_foreach(&catalogue.tables, table) {
		(void)snprintf(text, sizeof(text),
			       "SELECT count(*) FROM pg_attribute WHERE"
			       " attrelid = '" SV_FMT "'::regclass AND"
			       " attnum > 0",
			       SV_ARG(table->name));
		assert_int_equal(run_postgresql(f->url, text), table->count);
		(void)snprintf(
			text, sizeof(text),
			"SELECT coalesce(sum(indnkeyatts), 0) FROM"
			" pg_index WHERE indisprimary AND indrelid = '" SV_FMT
			"'::regclass",
			SV_ARG(table->name));
		assert_int_equal(run_postgresql(f->url, text), table->keys);
	}
	catalogue_release(&catalogue);
}

/* ---- the words ---- */

static void expect_words(const char *text, enum pg_kind kind, const char *out)
{
	struct pg_catalogue catalogue = { 0 };
	struct strbuf found = STRBUF_INIT(2000);
	struct pg_words words;

	catalogue_read(&catalogue, postgresql_schema_steps);
	translate(&catalogue, text, &found, &words);
	assert_string_equal(strbuf_cstr(&found), out);
	assert_int_equal(words.kind, kind);
	strbuf_release(&found);
	catalogue_release(&catalogue);
}

static void words(void **state)
{
	(void)state;
	expect_words("SELECT '?1' FROM cs INDEXED BY cs_type WHERE id = ?1",
		     PG_PLAIN, "SELECT '?1' FROM cs  WHERE id = $1");
	expect_words("INSERT OR REPLACE INTO cs_ref VALUES (?1, ?2, ?3)",
		     PG_PUT,
		     "INSERT INTO cs_ref VALUES ($1, $2, $3) ON CONFLICT"
		     " (target, source) DO UPDATE SET attribute ="
		     " excluded.attribute");
	expect_words("INSERT OR IGNORE INTO queue VALUES (?1)", PG_PUT,
		     "INSERT INTO queue VALUES ($1) ON CONFLICT DO NOTHING");
	/* to ignore is not to replace */
	expect_words("INSERT OR IGNORE INTO merged VALUES (?1, ?2)", PG_PLAIN,
		     "INSERT INTO merged VALUES ($1, $2) ON CONFLICT"
		     " DO NOTHING");
	expect_words("INSERT OR REPLACE INTO merged SELECT cs, rdn FROM"
		     " awaiting",
		     PG_PLAIN,
		     "INSERT INTO merged SELECT cs, rdn FROM awaiting ON"
		     " CONFLICT (cs) DO UPDATE SET image = excluded.image");
	expect_words("DELETE FROM due WHERE kind = ?1 AND id = ?2", PG_DELETE,
		     "DELETE FROM due WHERE kind = $1 AND id = $2");
	/* not by the whole key */
	expect_words("DELETE FROM due WHERE kind = ?1", PG_PLAIN,
		     "DELETE FROM due WHERE kind = $1");
	expect_words("DELETE FROM retry WHERE cs = ?1 AND (kind & ?2) <> 0",
		     PG_PLAIN,
		     "DELETE FROM retry WHERE cs = $1 AND (kind & $2) <> 0");
}

/* ---- gathered rows ---- */

/* Of a key the last one counts, also between what is put and deleted; what is
 * read is what was written. */
static void last_one_counts(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct key_row key = { 7, CS_ID(1, 1) };
	int64_t *ids;

	put_object(f, tx, CS_ID(1, 1));
	OK(f, store_cs_delete(tx, CS_ID(1, 1), &f->err));
	put_object(f, tx, CS_ID(1, 2));
	OK(f, store_cs_delete(tx, CS_ID(1, 3), &f->err));
	put_object(f, tx, CS_ID(1, 3));
	OK(f, store_meta_set(tx, "a", SV_LIT("1"), &f->err));
	OK(f, store_meta_set(tx, "b", SV_LIT("2"), &f->err));
	OK(f, store_meta_delete(tx, "a", &f->err));
	OK(f, store_cs_key_put(tx, &key, 1, &f->err));
	OK(f, store_cs_key_put(tx, &key, 1, &f->err));
	assert_false(has_object(f, CS_ID(1, 1)));
	assert_true(has_object(f, CS_ID(1, 2)));
	assert_true(has_object(f, CS_ID(1, 3)));
	OK(f, store_cs_delete(tx, CS_ID(1, 2), &f->err));
	commit(f, tx);
	assert_false(has_object(f, CS_ID(1, 2)));
	assert_int_equal(
		store_cs_key_find(f->store, 7, &f->arena, &ids, &f->err), 1);
	assert_int_equal(run_postgresql(f->url, "SELECT count(*) FROM meta"
						" WHERE key IN ('a', 'b')"),
			 1);
}

/* More than is kept at most, in an order that is not the keys'. */
static void many_rows(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	static char bytes[20000];
	struct cs_row row = object(0);
	int64_t i;

	memset(bytes, 'x', sizeof(bytes));
	row.image = sv_make(bytes, sizeof(bytes));
	for (i = 0; i < 1000; i++) {
		row.id = CS_ID(1, 1 + i * 7 % 1000);
		OK(f, store_cs_put(tx, &row, &f->err));
	}
	assert_true(store_cs_count(f->store, 1, 0, &f->err) == 1000);
	store_rollback(tx);
	assert_true(store_cs_count(f->store, 1, 0, &f->err) == 0);
}

/* A scan goes on while other statements use the connection. */
static int write_in_scan(void *data, const struct anchor_key *key)
{
	struct fixture *f = data;
	struct cs_row row;

	OK(f, store_cs_head(f->store, key->id, &f->arena, &row, &f->err));
	return 0;
}

static int stop_scan(void *data, const struct anchor_key *key)
{
	(void)key;
	return (*(int *)data)++ ? -1 : 0;
}

static void statements_in_a_scan(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	int seen = 0;
	int64_t i;

	for (i = 1; i <= 3000; i++) {
		struct anchor_key anchor = { (uint64_t)i,
					     CS_ID(1, i),
					     { 1, 2 } };

		put_object(f, tx, CS_ID(1, i));
		OK(f, store_anchor_put(tx, 1, &anchor, &f->err));
	}
	commit(f, tx);
	OK(f, store_anchor_scan(f->store, 1, write_in_scan, f, &f->err));
	assert_int_equal(
		store_anchor_scan(f->store, 1, stop_scan, &seen, &f->err), -1);
	assert_int_equal(seen, 2);
	assert_true(has_object(f, CS_ID(1, 3000)));
}

/* Texts come from outside; the server takes UTF-8 only. */
static void texts_that_are_none(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct due_row row = { .kind = DUE_CS, .id = 5, .time = 1 };

	row.why = SV_LIT("caf\xe9\0!");
	OK(f, store_due_put(tx, &row, &f->err));
	commit(f, tx);
	assert_int_equal(run_postgresql(f->url,
					"SELECT count(*) FROM due WHERE why ="
					" U&'caf\\FFFD\\FFFD!'"),
			 1);
}

/* ---- addresses ---- */

static void expect_no_store(struct fixture *f, const char *url,
			    const char *text)
{
	struct store *store;

	error_clear(&f->err);
	assert_int_equal(store_open(url, STORE_CREATE, &store, &f->err), -1);
	assert_null(store);
	if (!strstr(f->err.msg, text))
		fail_msg("'%s' does not tell '%s'", f->err.msg, text);
	assert_null(strstr(f->err.msg, "geheim"));
}

static void addresses(void **state)
{
	struct fixture *f = *state;

	expect_no_store(f, "postgresql://u:geheim@localhost/x",
			"has a password in it");
	expect_no_store(f, "postgresql://u@localhost/x?password=geheim",
			"has a password in it");
	expect_no_store(f, "postgresql://u@localhost/x?nothing=1", "is wrong");
	expect_no_store(f, "postgresql://u@127.0.0.1:1/x",
			"look whether the server runs");
}

static void newer_version(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	f->store = NULL;
	sql(f, "UPDATE meta SET value = '1000' WHERE key = 'version'");
	expect_no_store(f, f->url, "newer version");
	assert_int_equal(f->err.code, ERR_UNSUPPORTED);
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(same_schema),         TEST(catalogue_is_true),
		cmocka_unit_test(words),   TEST(last_one_counts),
		TEST(many_rows),           TEST(statements_in_a_scan),
		TEST(texts_that_are_none), TEST(addresses),
		TEST(newer_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
