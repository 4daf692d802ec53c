/*
 * test_postgresql.c - what is the PostgreSQL driver's own: the tables, the
 * words it translates, rows that are gathered, addresses
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include "store/outbox.h"
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

static void expect_read(const char *text, enum pg_read read)
{
	struct pg_catalogue catalogue = { 0 };
	struct strbuf out = STRBUF_INIT(2000);
	struct pg_words found;

	catalogue_read(&catalogue, postgresql_schema_steps);
	translate(&catalogue, text, &out, &found);
	assert_int_equal(found.read, read);
	strbuf_release(&out);
	catalogue_release(&catalogue);
}

/* Which questions need not be asked one by one. */
static void reads(void **state)
{
	(void)state;
	expect_read("SELECT id, length(image) IS NOT NULL FROM cs WHERE"
		    " id = ?1",
		    PG_READ_ROW);
	expect_read("SELECT id, length(image) FROM cs WHERE id = ?1",
		    PG_READ_OTHER);
	expect_read("SELECT cs FROM link WHERE cs > ?1", PG_READ_OTHER);
	expect_read("SELECT cs, mv FROM link WHERE mv = ?1 AND mv > 0 ORDER"
		    " BY cs",
		    PG_READ_ROWS);
	expect_read("SELECT id FROM mv_key WHERE h = ?1", PG_READ_KEYS);
	/* others write these */
	expect_read("SELECT kind FROM retry WHERE cs = ?1", PG_READ_OTHER);
}

/* What a holder of the lease reads by keys, again and again while it writes:
 * always what was written last, also after it is taken back. */
static void expect_flags(struct fixture *f, int64_t from, int64_t count,
			 uint32_t flags)
{
	struct cs_row row;
	int64_t i;
	int round;

	for (round = 0; round < 3; round++) {
		for (i = from; i < from + count; i++) {
			assert_int_equal(store_cs_head(f->store, CS_ID(1, i),
						       &f->arena, &row,
						       &f->err),
					 1);
			assert_int_equal(row.flags, flags);
		}
	}
}

static void put_flag(struct fixture *f, struct store_tx *tx, int64_t at,
		     uint32_t flags)
{
	struct cs_row row = object(CS_ID(1, at));

	row.flags = flags;
	OK(f, store_cs_put(tx, &row, &f->err));
}

static void put_flags(struct fixture *f, struct store_tx *tx, int64_t count,
		      uint32_t flags)
{
	int64_t i;

	for (i = 1; i <= count; i++)
		put_flag(f, tx, i, flags);
}

static void what_is_kept_is_true(void **state)
{
	/* more than are read with one answer */
	enum { PEOPLE = 3000 };
	struct fixture *f = *state;
	struct store_holder holder;
	struct store_tx *tx;
	int64_t i;

	assert_int_equal(store_lease(f->store, "a", &holder, &f->err), 1);
	tx = begin(f);
	put_flags(f, tx, PEOPLE, 1);
	expect_flags(f, 1, PEOPLE, 1);
	commit(f, tx);
	expect_flags(f, 1, PEOPLE, 1);
	tx = begin(f);
	put_flags(f, tx, 100, 2);
	expect_flags(f, 1, 100, 2);
	expect_flags(f, 101, PEOPLE - 100, 1);
	/* a statement that needs them written */
	assert_true(store_cs_count(f->store, 1, 0, &f->err) == PEOPLE);
	expect_flags(f, 1, 100, 2);
	/* rows here and there, while those around them are kept */
	for (i = 130; i < PEOPLE; i += 130)
		put_flag(f, tx, i, 3);
	for (i = 130; i < PEOPLE; i += 130) {
		expect_flags(f, i - 1, 1, 1);
		expect_flags(f, i, 1, 3);
		expect_flags(f, i + 1, 1, 1);
	}
	OK(f, store_cs_delete(tx, CS_ID(1, 50), &f->err));
	assert_false(has_object(f, CS_ID(1, 50)));
	store_rollback(tx);
	expect_flags(f, 1, PEOPLE, 1);
}

static void links_are(struct fixture *f, int64_t mv, int count)
{
	struct link_row *rows;
	int round;

	for (round = 0; round < 3; round++)
		assert_int_equal(store_link_of_mv(f->store, mv, &f->arena,
						  &rows, &f->err),
				 count);
}

/* By a column that is not the key, where a row may leave for another. */
static void what_is_kept_by_a_column_is_true(void **state)
{
	struct fixture *f = *state;
	struct link_row link = { .cs = CS_ID(1, 1), .mv = 5 };
	struct store_holder holder;
	struct store_tx *tx;

	assert_int_equal(store_lease(f->store, "a", &holder, &f->err), 1);
	tx = begin(f);
	OK(f, store_link_put(tx, &link, &f->err));
	links_are(f, 5, 1);
	links_are(f, 500, 0);
	link.mv = 500;
	OK(f, store_link_put(tx, &link, &f->err));
	links_are(f, 5, 0);
	links_are(f, 500, 1);
	OK(f, store_link_delete(tx, CS_ID(1, 1), &f->err));
	links_are(f, 500, 0);
	commit(f, tx);
}

/* A table of hashes that is asked so often that all of it is read. */
static void keys_that_are_kept_are_true(void **state)
{
	struct fixture *f = *state;
	struct key_row keys[2] = { { 7, CS_ID(1, 1) }, { 7, CS_ID(1, 2) } };
	struct store_holder holder;
	struct store_tx *tx;
	int64_t *ids;
	int i;

	assert_int_equal(store_lease(f->store, "a", &holder, &f->err), 1);
	tx = begin(f);
	OK(f, store_cs_key_put(tx, keys, 2, &f->err));
	for (i = 0; i < 1200; i++)
		assert_int_equal(store_cs_key_find(f->store, 7, &f->arena, &ids,
						   &f->err),
				 2);
	OK(f, store_cs_key_delete(tx, 7, CS_ID(1, 1), &f->err));
	assert_int_equal(
		store_cs_key_find(f->store, 7, &f->arena, &ids, &f->err), 1);
	assert_true(ids[0] == CS_ID(1, 2));
	OK(f, store_cs_key_put(tx, keys, 1, &f->err));
	assert_int_equal(
		store_cs_key_find(f->store, 7, &f->arena, &ids, &f->err), 2);
	store_rollback(tx);
	assert_int_equal(
		store_cs_key_find(f->store, 7, &f->arena, &ids, &f->err), 0);
}

/* A row that changes in one column, and one that goes to another table. */
static void rows_that_change(void **state)
{
	struct fixture *f = *state;
	struct pending_export row = { .cs = CS_ID(1, 1), .op = PENDING_ADD };
	struct store_holder holder;
	struct store_tx *tx;

	row.rdn = SV_LIT("cn=a");
	assert_int_equal(store_lease(f->store, "a", &holder, &f->err), 1);
	tx = begin(f);
	OK(f, store_pending_export_put(tx, &row, &f->err));
	commit(f, tx);
	tx = begin(f);
	OK(f, store_outbox_intend(tx, row.cs, false, &f->err));
	OK(f, store_outbox_intend(tx, CS_ID(1, 2), false, &f->err));
	assert_int_equal(store_pending_export_get(f->store, row.cs, &f->arena,
						  &row, &f->err),
			 1);
	assert_true(row.in_progress);
	OK(f, store_outbox_sent(tx, row.cs, &f->err));
	commit(f, tx);
	assert_int_equal(store_pending_export_get(f->store, CS_ID(1, 1),
						  &f->arena, &row, &f->err),
			 0);
	assert_int_equal(store_awaiting_get(f->store, CS_ID(1, 1), &f->arena,
					    &row, &f->err),
			 1);
	assert_false(row.in_progress);
	assert_true(sv_eq_str(row.rdn, "cn=a"));
	assert_int_equal(
		run_postgresql(f->url, "SELECT count(*) FROM awaiting"), 1);
	assert_int_equal(
		run_postgresql(f->url, "SELECT count(*) FROM pending_export"),
		0);
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
		TEST(same_schema),
		TEST(catalogue_is_true),
		cmocka_unit_test(words),
		TEST(last_one_counts),
		cmocka_unit_test(reads),
		TEST(what_is_kept_is_true),
		TEST(what_is_kept_by_a_column_is_true),
		TEST(keys_that_are_kept_are_true),
		TEST(rows_that_change),
		TEST(many_rows),
		TEST(statements_in_a_scan),
		TEST(texts_that_are_none),
		TEST(addresses),
		TEST(newer_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
