/*
 * test_copy.c - the store as a whole: copied, backed up, restored
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include "filled.h"

#include "base/file.h"
#include "store/copy.h"

#include <dirent.h>
#include <sys/stat.h>

struct files {
	struct fixture *f;
	char backup[160];
	char other[160];
	char other_url[176];
};

static int set_up(void **state)
{
	struct files *files = mem_zalloc(sizeof(*files));
	void *fixture;

	assert_int_equal(fixture_setup(&fixture), 0);
	files->f = fixture;
	(void)snprintf(files->backup, sizeof(files->backup), "%s/backup.db",
		       files->f->folder);
	(void)snprintf(files->other, sizeof(files->other), "%s/other.db",
		       files->f->folder);
	(void)snprintf(files->other_url, sizeof(files->other_url), "sqlite:%s",
		       files->other);
	*state = files;
	return 0;
}

static void remove_all_but_store(struct fixture *f)
{
	DIR *folder = opendir(f->folder);
	const struct dirent *entry;

	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		const char *name = entry->d_name;

		if (name[0] != '.')
			(void)unlink(arena_printf(&f->arena, "%s/%s", f->folder,
						  name));
	}
	(void)closedir(folder);
}

static int tear_down(void **state)
{
	struct files *files = *state;
	void *fixture = files->f;

	store_close(files->f->store);
	files->f->store = NULL;
	remove_all_but_store(files->f);
	mem_free(files);
	return fixture_teardown(&fixture);
}

static size_t files_in(struct fixture *f, const char *part)
{
	DIR *folder = opendir(f->folder);
	const struct dirent *entry;
	size_t count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		count += strstr(entry->d_name, part) != NULL;
	(void)closedir(folder);
	return count;
}

/* ---- every table, every column ---- */

/* "id, type, ..." of the database */
static const char *columns_of(struct fixture *f, sqlite3 *db, const char *table)
{
	struct strbuf text = STRBUF_INIT(4096);
	const char *copy;
	sqlite3_stmt *stmt;

	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT name FROM pragma_table_info(?1)",
				   -1, &stmt, NULL),
		SQLITE_OK);
	(void)sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		strbuf_addf(&text, "%s%s", text.len ? ", " : "",
			    (const char *)sqlite3_column_text(stmt, 0));
	(void)sqlite3_finalize(stmt);
	copy = arena_cstr(&f->arena, strbuf_sv(&text));
	strbuf_release(&text);
	return copy;
}

static const char *without_quotes(struct fixture *f, const char *columns)
{
	char *copy = arena_alloc(&f->arena, strlen(columns) + 1);
	size_t len = 0;

	for (; *columns; columns++)
		if (*columns != '"')
			copy[len++] = *columns;
	copy[len] = '\0';
	return copy;
}

static void nothing_is_forgotten(void **state)
{
	struct files *files = *state;
	sqlite3 *db = open_raw(path_of(files->f));
	const struct store_table *table;
	int64_t tables = 0;

	for (; (table = store_table((size_t)tables)); tables++)
		assert_string_equal(columns_of(files->f, db, table->name),
				    without_quotes(files->f, table->columns));
	assert_int_equal(number(db, "SELECT count(*) FROM sqlite_master WHERE"
				    " type = 'table' AND name <> 'lease' AND"
				    " name NOT LIKE 'sqlite_%'"),
			 tables);
	(void)sqlite3_close(db);
}

static int copy_to_other(struct files *files, struct store_copied *copied)
{
	struct store_holder holder;
	struct store *to;
	int ret;

	OK(files->f,
	   store_open(files->other_url, STORE_CREATE, &to, &files->f->err));
	assert_int_equal(store_lease(to, "copy", &holder, &files->f->err), 1);
	ret = store_copy(files->f->store, to, copied, &files->f->err);
	store_close(to);
	return ret;
}

static void copies_all(void **state)
{
	struct files *files = *state;
	struct store_copied copied;
	struct store *store;

	fill(path_of(files->f));
	OK(files->f, copy_to_other(files, &copied));
	assert_int_equal(copied.tables, 31);
	assert_true(copied.rows > 40000);
	same(path_of(files->f), files->other, 0);
	OK(files->f, store_open(files->other_url, 0, &store, &files->f->err));
	assert_memory_equal(store_hash_key(store),
			    store_hash_key(files->f->store),
			    sizeof(struct hash_key));
	assert_string_equal(store_name(store, NAME_AGENT, 1), "hr");
	store_close(store);
}

static void only_into_an_empty_one(void **state)
{
	struct files *files = *state;
	struct store_copied copied;

	fill(path_of(files->f));
	OK(files->f, copy_to_other(files, &copied));
	assert_int_equal(copy_to_other(files, &copied), -1);
	assert_int_equal(files->f->err.code, ERR_INVALID);
	assert_non_null(strstr(files->f->err.msg, "not empty"));
	same(path_of(files->f), files->other, 0);
}

/* What breaks off leaves an empty store. */
static void all_or_nothing(void **state)
{
	struct files *files = *state;
	struct store_copied copied;
	struct store *to;
	sqlite3 *db;

	fill(path_of(files->f));
	OK(files->f,
	   store_open(files->other_url, STORE_CREATE, &to, &files->f->err));
	store_close(to);
	run_raw(files->other, "DROP TABLE allowed");
	assert_int_equal(copy_to_other(files, &copied), -1);
	assert_non_null(strstr(files->f->err.msg, "'allowed'"));
	db = open_raw(files->other);
	assert_int_equal(number(db, "SELECT count(*) FROM cs"), 0);
	(void)sqlite3_close(db);
}

/* ---- backup ---- */

static void backs_up(void **state)
{
	struct files *files = *state;
	struct store_tx *tx;
	struct stat st;

	fill(path_of(files->f));
	OK(files->f,
	   store_backup(files->f->store, files->backup, &files->f->err));
	same(path_of(files->f), files->backup, 0);
	assert_int_equal(stat(files->backup, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	assert_int_equal(files_in(files->f, "backup.db"), 1);
	/* again, over the older one; what is not committed is not in it */
	OK(files->f,
	   store_backup(files->f->store, files->backup, &files->f->err));
	run_raw(path_of(files->f), "DELETE FROM cs");
	tx = begin(files->f);
	put_object(files->f, tx, CS_ID(1, 9));
	commit(files->f, tx);
	OK(files->f,
	   store_backup(files->f->store, files->backup, &files->f->err));
	same(path_of(files->f), files->backup, 0);
}

static void during_a_transaction_of_another(void **state)
{
	struct files *files = *state;
	struct store *other;
	struct store_tx *tx;

	fill(path_of(files->f));
	OK(files->f, store_open(files->f->url, 0, &other, &files->f->err));
	tx = begin(files->f);
	put_object(files->f, tx, CS_ID(2, 1));
	OK(files->f, store_backup(other, files->backup, &files->f->err));
	store_rollback(tx);
	store_close(other);
	same(path_of(files->f), files->backup, 0);
}

static void refuses_to_replace(struct files *files, const char *path,
			       const char *text)
{
	assert_int_equal(store_backup(files->f->store, path, &files->f->err),
			 -1);
	assert_int_equal(files->f->err.code, ERR_CONFLICT);
	if (!strstr(files->f->err.msg, text))
		fail_msg("%s", files->f->err.msg);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void replaces_nothing_else(void **state)
{
	struct files *files = *state;

	write_file(files->other, "conjoin: 1\n");
	refuses_to_replace(files, files->other, "no backup");
	refuses_to_replace(files, path_of(files->f), "the store itself");
	assert_int_equal(files_in(files->f, ".tmp"), 0);
}

/* ---- restore ---- */

static void close_store(struct files *files)
{
	store_close(files->f->store);
	files->f->store = NULL;
}

static void back_up_filled(struct files *files)
{
	fill(path_of(files->f));
	OK(files->f,
	   store_backup(files->f->store, files->backup, &files->f->err));
}

static void restores(void **state)
{
	struct files *files = *state;
	struct store_restored restored;
	struct arena arena = ARENA_INIT;
	struct sv value;
	sqlite3 *db;

	back_up_filled(files);
	run_raw(path_of(files->f), "DELETE FROM cs; DELETE FROM run");
	close_store(files);
	OK(files->f, store_restore(files->f->url, files->backup, &restored,
				   &files->f->err));
	assert_true(restored.version >= 2);
	assert_true(restored.size > 0);
	same(path_of(files->f), files->backup, -1);
	/* what it was before */
	db = open_raw(restored.kept);
	assert_int_equal(number(db, "SELECT count(*) FROM cs"), 0);
	assert_int_equal(number(db, "SELECT count(*) FROM mv"), 4500);
	(void)sqlite3_close(db);
	mem_free(restored.kept);
	/* the backup is as it was, the store knows no watermark */
	db = open_raw(files->backup);
	assert_int_equal(number(db, "SELECT count(*) FROM meta WHERE key ="
				    " 'watermark.hr'"),
			 1);
	(void)sqlite3_close(db);
	store_again(files->f);
	assert_int_equal(store_meta_get(files->f->store, "watermark.hr", &arena,
					&value, &files->f->err),
			 0);
	assert_int_equal(store_meta_get(files->f->store, "next_cs.1", &arena,
					&value, &files->f->err),
			 1);
	arena_release(&arena);
	assert_int_equal(files_in(files->f, ".tmp"), 0);
}

static void restores_where_nothing_is(void **state)
{
	struct files *files = *state;
	struct store_restored restored;

	back_up_filled(files);
	OK(files->f, store_restore(files->other_url, files->backup, &restored,
				   &files->f->err));
	assert_null(restored.kept);
	same(path_of(files->f), files->other, 1);
}

/* Who reads meanwhile sees the old state to the end of the snapshot. */
static void a_reader_is_not_disturbed(void **state)
{
	struct files *files = *state;
	struct store_restored restored;
	struct store *reader;

	back_up_filled(files);
	run_raw(path_of(files->f), "DELETE FROM cs");
	close_store(files);
	OK(files->f,
	   store_open(files->f->url, STORE_READ, &reader, &files->f->err));
	OK(files->f, store_read_begin(reader, &files->f->err));
	assert_int_equal(store_cs_count(reader, 1, 0, &files->f->err), 0);
	OK(files->f, store_restore(files->f->url, files->backup, &restored,
				   &files->f->err));
	assert_int_equal(store_cs_count(reader, 1, 0, &files->f->err), 0);
	store_read_end(reader);
	assert_int_equal(store_cs_count(reader, 1, 0, &files->f->err), 3000);
	store_close(reader);
	mem_free(restored.kept);
}

static void not_during_a_run(void **state)
{
	struct files *files = *state;
	struct store_restored restored;
	struct store_holder holder;

	back_up_filled(files);
	assert_int_equal(
		store_lease(files->f->store, "hr", &holder, &files->f->err), 1);
	assert_int_equal(store_restore(files->f->url, files->backup, &restored,
				       &files->f->err),
			 -1);
	assert_int_equal(files->f->err.code, ERR_CONFLICT);
	assert_non_null(strstr(files->f->err.msg, "a run works"));
	assert_int_equal(files_in(files->f, ".tmp"), 0);
	assert_int_equal(files_in(files->f, "before-restore"), 0);
}

static void not_restored(struct files *files, const char *text)
{
	struct store_restored restored;

	assert_int_equal(store_restore(files->f->url, files->backup, &restored,
				       &files->f->err),
			 -1);
	if (!strstr(files->f->err.msg, text))
		fail_msg("%s", files->f->err.msg);
	assert_non_null(strstr(files->f->err.msg, "backup.db"));
	assert_int_equal(files_in(files->f, ".tmp"), 0);
	assert_int_equal(files_in(files->f, "before-restore"), 0);
}

static void what_is_no_backup(void **state)
{
	struct files *files = *state;

	close_store(files);
	not_restored(files, "cannot read");
	write_file(files->backup, "conjoin: 1\n");
	not_restored(files, "no backup");
	assert_int_equal(unlink(files->backup), 0);
	run_raw(files->backup, "CREATE TABLE x (y)");
	not_restored(files, "no store");
}

static void damaged_or_too_new(void **state)
{
	struct files *files = *state;
	FILE *file;
	long page;

	back_up_filled(files);
	close_store(files);
	file = fopen(files->backup, "r+e");
	assert_non_null(file);
	for (page = 40; page < 60; page++) {
		assert_int_equal(fseek(file, page * 8192 + 11, SEEK_SET), 0);
		assert_int_equal(fwrite("damaged", 1, 7, file), 7);
	}
	assert_int_equal(fclose(file), 0);
	not_restored(files, "cannot restore from");
	run_raw(files->backup, "PRAGMA user_version = 1000");
	not_restored(files, "newer");
	store_again(files->f);
	assert_int_equal(store_cs_count(files->f->store, 1, 0, &files->f->err),
			 3000);
}

static void in_the_place_of_a_damaged_one(void **state)
{
	struct files *files = *state;
	struct store_restored restored;

	back_up_filled(files);
	close_store(files);
	write_file(path_of(files->f), "this was a store, and now it is not one "
				      "any more, whatever became of it\n");
	OK(files->f, store_restore(files->f->url, files->backup, &restored,
				   &files->f->err));
	assert_non_null(restored.kept);
	assert_true(file_exists(restored.kept));
	mem_free(restored.kept);
	store_again(files->f);
	assert_int_equal(store_cs_count(files->f->store, 1, 0, &files->f->err),
			 3000);
}

static void tells_what_it_is(void **state)
{
	struct files *files = *state;
	struct store_info info;

	fill(path_of(files->f));
	OK(files->f, store_info(files->f->store, &info, &files->f->err));
	assert_string_equal(info.kind, "sqlite");
	assert_string_equal(info.name, path_of(files->f));
	assert_true(info.version >= 2);
	assert_true(info.size > 8192);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_forgotten),
		TEST(copies_all),
		TEST(only_into_an_empty_one),
		TEST(all_or_nothing),
		TEST(backs_up),
		TEST(during_a_transaction_of_another),
		TEST(replaces_nothing_else),
		TEST(restores),
		TEST(restores_where_nothing_is),
		TEST(a_reader_is_not_disturbed),
		TEST(not_during_a_run),
		TEST(what_is_no_backup),
		TEST(damaged_or_too_new),
		TEST(in_the_place_of_a_damaged_one),
		TEST(tells_what_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
