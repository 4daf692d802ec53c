/*
 * test_sqlite.c - the file: made, migrated, refused, damaged
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include "store/copy.h"
#include "store/entry.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

static void expect_refused(struct fixture *f, enum store_open_flags flags,
			   enum err_code code, const char *text)
{
	struct store *store = NULL;

	error_clear(&f->err);
	assert_int_equal(store_open(f->url, flags, &store, &f->err), -1);
	assert_null(store);
	assert_int_equal(f->err.code, code);
	if (!strstr(f->err.msg, text))
		fail_msg("'%s' does not tell '%s'", f->err.msg, text);
	assert_non_null(strstr(f->err.msg, "store.db"));
}

static void close_store(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
}

static void is_its_owners_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(path_of(f), &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
}

static void newer_version(void **state)
{
	struct fixture *f = *state;

	close_store(f);
	sql(f, "PRAGMA user_version = 1000");
	expect_refused(f, 0, ERR_UNSUPPORTED, "newer version");
	expect_refused(f, STORE_CREATE, ERR_UNSUPPORTED, "newer version");
	expect_refused(f, STORE_READ, ERR_UNSUPPORTED, "newer version");
}

/* What a store of the second version lacks is made when it is opened. */
static void older_version(void **state)
{
	struct fixture *f = *state;
	struct store_tx *tx = begin(f);
	struct cs_row row;

	put_object(f, tx, CS_ID(1, 1));
	put_object(f, tx, CS_ID(1, 2));
	commit(f, tx);
	close_store(f);
	sql(f, "DROP INDEX cs_type; DROP INDEX link_mv;"
	       "CREATE INDEX cs_type ON cs (type) WHERE type > 0 AND"
	       " image IS NOT NULL;"
	       "CREATE INDEX link_mv ON link (mv) WHERE mv > 0;"
	       "UPDATE cs SET image = NULL, flags = 0 WHERE id % 2 = 0;"
	       "PRAGMA user_version = 2");
	expect_refused(f, STORE_READ, ERR_NOTFOUND, "older version");
	OK(f, store_open(f->url, 0, &f->store, &f->err));
	assert_true(store_cs_count(f->store, 1, 0, &f->err) == 1);
	OK(f, store_cs_get(f->store, CS_ID(1, 2), &f->arena, &row, &f->err));
	assert_false(row.has_image);
	assert_int_equal(row.flags, 0);
}

/* Memory of the size of a page is SQLite's as any other. */
static void memory_of_pages(void **state)
{
	enum { COUNT = 600, SIZE = 8400 };
	unsigned char **at = mem_alloc(COUNT * sizeof(*at));
	int round;
	int i;

	(void)state;
	for (round = 0; round < 2; round++) {
		for (i = 0; i < COUNT; i++) {
			at[i] = sqlite3_malloc(SIZE);
			assert_non_null(at[i]);
			memset(at[i], i % 251, SIZE);
		}
		for (i = 0; i < COUNT; i += 2)
			at[i] = sqlite3_realloc(at[i], i % 4 ? 20000 : 100);
		for (i = 0; i < COUNT; i++) {
			assert_int_equal(at[i][0], i % 251);
			assert_int_equal(at[i][i % 2 ? SIZE - 1 : 99], i % 251);
			assert_true(sqlite3_msize(at[i]) >=
				    (i % 4 == 2 ? 20000 : 100));
			sqlite3_free(at[i]);
		}
	}
	mem_free(at);
}

/* A file that has nothing in it yet is made a store by who may write. */
static void empty_file(void **state)
{
	struct fixture *f = *state;
	int fd;

	close_store(f);
	assert_int_equal(unlink(path_of(f)), 0);
	fd = open(path_of(f), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	expect_refused(f, STORE_READ, ERR_NOTFOUND, "run an import first");
	OK(f, store_open(f->url, 0, &f->store, &f->err));
	assert_true(store_cs_count(f->store, 1, 0, &f->err) == 0);
}

/* Two that make it at the same time do not hurt one another. */
static void made_twice(void **state)
{
	struct fixture *f = *state;
	struct store *other;

	OK(f, store_open(f->url, STORE_CREATE, &other, &f->err));
	assert_memory_equal(store_hash_key(f->store), store_hash_key(other),
			    sizeof(struct hash_key));
	store_close(other);
}

static void no_store_at_all(void **state)
{
	struct fixture *f = *state;
	FILE *file;
	int i;

	close_store(f);
	file = fopen(path_of(f), "we");
	assert_non_null(file);
	for (i = 0; i < 5000; i++)
		assert_true(fputs("a;b;c\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	expect_refused(f, 0, ERR_CORRUPT, "not a database");
	expect_refused(f, STORE_READ, ERR_CORRUPT, "not a database");
}

static void damaged_secret(void **state)
{
	struct fixture *f = *state;

	close_store(f);
	sql(f, "UPDATE meta SET value = x'00' WHERE key = 'secret'");
	expect_refused(f, 0, ERR_CORRUPT, "damaged secret");
}

static void folder_that_cannot_be_made(void **state)
{
	struct fixture *f = *state;
	struct store *store;
	char url[200];

	(void)snprintf(url, sizeof(url), "sqlite:%s/store.db/x/y.db",
		       f->folder);
	assert_int_equal(store_open(url, STORE_CREATE, &store, &f->err), -1);
	assert_non_null(strstr(f->err.msg, "cannot"));
}

/* ---- damaged pages ---- */

static void fill(struct fixture *f)
{
	struct store_tx *tx = begin(f);
	struct strbuf image = STRBUF_INIT(1000);
	struct cs_row row = object(0);
	int i;

	strbuf_adds(&image, "\x01");
	for (i = 0; i < 500; i++)
		strbuf_addc(&image, 'x');
	row.image = strbuf_sv(&image);
	for (i = 1; i <= 500; i++) {
		row.id = CS_ID(1, i);
		OK(f, store_cs_put(tx, &row, &f->err));
	}
	commit(f, tx);
	strbuf_release(&image);
}

/* Reads everything; 0, or the code of the first error. */
static enum err_code read_all(struct fixture *f)
{
	struct cs_row rows[50];
	int64_t after = 0;
	int count;

	error_clear(&f->err);
	while ((count = store_cs_scan(f->store, 1, after, rows, 50, &f->arena,
				      &f->err)) > 0) {
		after = rows[count - 1].id;
		arena_reset(&f->arena);
	}
	return count < 0 ? f->err.code : ERR_NONE;
}

/* Whatever page is overwritten or lost, it is told and nothing breaks. */
static void damaged_pages(void **state)
{
	struct fixture *f = *state;
	unsigned char *good;
	unsigned char *bad;
	size_t corrupt = 0;
	struct stat st;
	off_t at;
	int fd;

	fill(f);
	close_store(f);
	assert_int_equal(stat(path_of(f), &st), 0);
	fd = open(path_of(f), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	good = mem_alloc((size_t)st.st_size);
	bad = mem_alloc(8192);
	memset(bad, 0x5a, 8192);
	assert_int_equal(pread(fd, good, (size_t)st.st_size, 0), st.st_size);
	for (at = 0; at < st.st_size; at += 8192) {
		enum err_code code;

		assert_int_equal(pwrite(fd, bad, 8192, at), 8192);
		error_clear(&f->err);
		if (store_open(f->url, 0, &f->store, &f->err) < 0)
			code = f->err.code;
		else
			code = read_all(f);
		close_store(f);
		assert_true(code == ERR_NONE || code == ERR_CORRUPT);
		corrupt += code == ERR_CORRUPT;
		assert_int_equal(pwrite(fd, good + at, 8192, at), 8192);
	}
	assert_true(corrupt > 5);
	/* cut off in the middle */
	assert_int_equal(ftruncate(fd, st.st_size / 16384 * 8192), 0);
	if (store_open(f->url, 0, &f->store, &f->err) == 0)
		assert_int_equal(read_all(f), ERR_CORRUPT);
	else
		assert_int_equal(f->err.code, ERR_CORRUPT);
	assert_int_equal(close(fd), 0);
	mem_free(good);
	mem_free(bad);
}

/* A row whose image is damaged is an error that names the object. */
static void damaged_image(void **state)
{
	struct fixture *f = *state;
	struct entry entry;

	fill(f);
	assert_int_equal(
		entry_load(f->store, CS_ID(1, 7), &f->arena, &entry, &f->err),
		-1);
	assert_int_equal(f->err.code, ERR_CORRUPT);
	assert_non_null(strstr(f->err.msg, "object 1099511627783"));
}

/* ---- the log beside it ---- */

/* Objects `first` and on, until the log has so many MB at least. */
static void write_mb(struct fixture *f, int64_t first, int mb)
{
	struct store_tx *tx = begin(f);
	const size_t size = (size_t)1 << 20;
	char *bytes = mem_zalloc(size);
	int i;

	for (i = 0; i < mb; i++) {
		struct cs_row row = object(CS_ID(1, first + i));

		row.image = sv_make(bytes, size);
		OK(f, store_cs_put(tx, &row, &f->err));
	}
	commit(f, tx);
	mem_free(bytes);
}

static bool is_there(struct fixture *f, const char *suffix)
{
	char path[600];

	(void)snprintf(path, sizeof(path), "%s%s", path_of(f), suffix);
	return access(path, F_OK) == 0;
}

static void short_log_goes_back(void **state)
{
	struct fixture *f = *state;

	write_mb(f, 1, 1);
	assert_true(is_there(f, "-wal"));
	close_store(f);
	assert_false(is_there(f, "-wal"));
}

/* It stays, whoever comes meanwhile, until there is more of it. */
static void middling_log_stays(void **state)
{
	struct fixture *f = *state;

	write_mb(f, 1, 5);
	close_store(f);
	assert_true(is_there(f, "-wal"));
	OK(f, store_open(f->url, STORE_READ, &f->store, &f->err));
	assert_true(has_object(f, CS_ID(1, 5)));
	close_store(f);
	assert_true(is_there(f, "-wal"));
	OK(f, store_open(f->url, 0, &f->store, &f->err));
	write_mb(f, 6, 1);
	close_store(f);
	assert_true(is_there(f, "-wal"));
	store_again(f);
	assert_true(has_object(f, CS_ID(1, 1)));
	assert_true(has_object(f, CS_ID(1, 6)));
}

static void long_log_goes_back(void **state)
{
	struct fixture *f = *state;

	write_mb(f, 1, 65);
	close_store(f);
	assert_false(is_there(f, "-wal"));
}

static void one_file_when_asked(void **state)
{
	struct fixture *f = *state;

	write_mb(f, 1, 5);
	store_leave_one_file(f->store);
	close_store(f);
	assert_false(is_there(f, "-wal"));
}

static void put_and_back_up(struct fixture *f, const char *path)
{
	struct store_tx *tx = begin(f);

	put_object(f, tx, CS_ID(2, 1));
	commit(f, tx);
	OK(f, store_backup(f->store, path, &f->err));
}

/* A log whose file is gone is nothing to the file that is restored. */
static void restored_beside_a_log(void **state)
{
	struct fixture *f = *state;
	struct store_restored restored;
	char backup[600];

	(void)snprintf(backup, sizeof(backup), "%s/backup.db", f->folder);
	put_and_back_up(f, backup);
	write_mb(f, 1, 5);
	close_store(f);
	assert_true(is_there(f, "-wal"));
	assert_int_equal(unlink(path_of(f)), 0);
	OK(f, store_restore(f->url, backup, &restored, &f->err));
	assert_false(is_there(f, "-wal"));
	OK(f, store_open(f->url, 0, &f->store, &f->err));
	assert_true(has_object(f, CS_ID(2, 1)));
	assert_false(has_object(f, CS_ID(1, 1)));
	assert_int_equal(unlink(backup), 0);
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_its_owners_alone),
		TEST(newer_version),
		TEST(memory_of_pages),
		TEST(older_version),
		TEST(empty_file),
		TEST(made_twice),
		TEST(no_store_at_all),
		TEST(damaged_secret),
		TEST(folder_that_cannot_be_made),
		TEST(damaged_pages),
		TEST(damaged_image),
		TEST(short_log_goes_back),
		TEST(middling_log_stays),
		TEST(long_log_goes_back),
		TEST(one_file_when_asked),
		TEST(restored_beside_a_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
