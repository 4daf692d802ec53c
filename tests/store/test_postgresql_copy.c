/*
 * test_postgresql_copy.c - a store in PostgreSQL as a whole: copied there and
 * back, backed up to a file, its lease taken over
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include "filled.h"

#include <dirent.h>

struct files {
	struct fixture *f; /* the store in PostgreSQL */
	char one[160];     /* filled */
	char two[160];
};

static int set_up(void **state)
{
	struct files *files = mem_zalloc(sizeof(*files));
	struct store *store;
	void *fixture;

	assert_int_equal(fixture_setup(&fixture), 0);
	files->f = fixture;
	(void)snprintf(files->one, sizeof(files->one), "%s/one.db",
		       files->f->folder);
	(void)snprintf(files->two, sizeof(files->two), "%s/two.db",
		       files->f->folder);
	OK(files->f,
	   store_open(arena_printf(&files->f->arena, "sqlite:%s", files->one),
		      STORE_CREATE, &store, &files->f->err));
	store_close(store);
	fill(files->one);
	*state = files;
	return 0;
}

static int tear_down(void **state)
{
	struct files *files = *state;
	DIR *folder = opendir(files->f->folder);
	void *fixture = files->f;
	const struct dirent *entry;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			(void)unlink(arena_printf(&files->f->arena, "%s/%s",
						  files->f->folder,
						  entry->d_name));
	(void)closedir(folder);
	mem_free(files);
	return fixture_teardown(&fixture);
}

static struct store *open_file(struct files *files, const char *path)
{
	struct store *store;

	OK(files->f,
	   store_open(arena_printf(&files->f->arena, "sqlite:%s", path),
		      STORE_CREATE, &store, &files->f->err));
	return store;
}

static void copy(struct files *files, struct store *from, struct store *to)
{
	struct store_holder holder;
	struct store_copied copied;

	assert_int_equal(store_lease(to, "copy", &holder, &files->f->err), 1);
	OK(files->f, store_copy(from, to, &copied, &files->f->err));
	assert_true(copied.rows > 40000);
}

/* Into PostgreSQL; both stores are closed, that one opened again. */
static void copy_there(struct files *files)
{
	struct store *from = open_file(files, files->one);

	copy(files, from, files->f->store);
	store_close(from);
	store_again(files->f);
}

static void there_and_back(void **state)
{
	struct files *files = *state;
	struct store_info info;
	struct store *to;

	copy_there(files);
	OK(files->f, store_info(files->f->store, &info, &files->f->err));
	assert_string_equal(info.kind, "postgresql");
	assert_true(info.size > 100000);
	assert_string_equal(store_name(files->f->store, NAME_AGENT, 1), "hr");
	to = open_file(files, files->two);
	copy(files, files->f->store, to);
	store_close(to);
	same(files->one, files->two, 0);
}

/* What it numbers itself goes on behind what was copied. */
static void numbers_go_on(void **state)
{
	struct files *files = *state;
	struct step_row step = { .run = 3, .number = 2, .kind = "export" };
	struct store_tx *tx;

	copy_there(files);
	tx = begin(files->f);
	assert_int_equal(store_step_begin(tx, &step, &files->f->err), 9);
	commit(files->f, tx);
}

static void backed_up_to_a_file(void **state)
{
	struct files *files = *state;
	struct store_restored restored;
	struct arena arena = ARENA_INIT;
	struct sv value;

	copy_there(files);
	OK(files->f, store_backup(files->f->store, files->two, &files->f->err));
	same(files->one, files->two, 0);
	/* back into one that is not empty, and into one that is */
	assert_int_equal(store_restore(files->f->url, files->two, &restored,
				       &files->f->err),
			 -1);
	assert_non_null(strstr(files->f->err.msg, "not empty"));
	store_close(files->f->store);
	files->f->store = NULL;
	(void)run_postgresql(files->f->server,
			     "SET client_min_messages = error;"
			     "DROP SCHEMA t CASCADE; CREATE SCHEMA t");
	OK(files->f,
	   store_restore(files->f->url, files->two, &restored, &files->f->err));
	assert_null(restored.kept);
	store_again(files->f);
	assert_int_equal(store_cs_count(files->f->store, 1, 0, &files->f->err),
			 3000);
	assert_int_equal(store_meta_get(files->f->store, "watermark.hr", &arena,
					&value, &files->f->err),
			 0);
	arena_release(&arena);
}

/* The one that had it can write nothing more. */
static void taken_over(void **state)
{
	struct files *files = *state;
	struct fixture *f = files->f;
	struct store_holders before;
	struct store_holder holder;
	struct store_tx *tx = NULL;
	struct store *other;

	OK(f, store_open(f->url, 0, &other, &f->err));
	assert_int_equal(store_take_over(other, 0, "first", &before, &f->err),
			 1);
	assert_int_equal(before.count, 0);
	assert_int_equal(store_lease(f->store, "x", &holder, &f->err), 0);
	assert_int_equal(
		store_take_over(f->store, 0, "second", &before, &f->err), 1);
	assert_int_equal(before.count, 1);
	assert_string_equal(before.at[0].what, "first");
	assert_int_equal(before.at[0].process, getpid());
	assert_int_equal(store_begin(other, STORE_BULK, &tx, &f->err), -1);
	tx = begin(f);
	put_object(f, tx, CS_ID(1, 1));
	commit(f, tx);
	store_close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(there_and_back),
		TEST(numbers_go_on),
		TEST(backed_up_to_a_file),
		TEST(taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
