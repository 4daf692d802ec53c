/*
 * test_file.c - whole files: read, and replace in one step
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"

#include "base/arena.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static const char *path(const char *name)
{
	static char text[256];

	(void)snprintf(text, sizeof(text), "%s/%s", folder, name);
	return text;
}

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/conjoin-file-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

/* How many entries are in the folder; removes them. */
static int empty_folder(const char *name)
{
	DIR *dir = opendir(name);
	struct dirent *entry;
	int count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
		count++;
	}
	(void)closedir(dir);
	return count;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)empty_folder(folder);
	return rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(path(name), "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void expect_file(const char *name, const char *text)
{
	struct strbuf sb = STRBUF_INIT(1 << 20);

	assert_int_equal(file_read(path(name), &sb, NULL), 0);
	assert_string_equal(strbuf_cstr(&sb), text);
	strbuf_release(&sb);
}

static void reads(void **state)
{
	struct strbuf sb = STRBUF_INIT(200000);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(file_read(path("none"), &sb, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "none"));
	assert_false(file_exists(path("none")));
	write_file("a", "text");
	assert_true(file_exists(path("a")));
	strbuf_adds(&sb, "before ");
	assert_int_equal(file_read(path("a"), &sb, &err), 0);
	assert_string_equal(strbuf_cstr(&sb), "before text");
	/* a folder is no file */
	assert_int_equal(file_read(folder, &sb, &err), -1);
	strbuf_release(&sb);
}

static void reads_no_more_than_allowed(void **state)
{
	struct strbuf sb = STRBUF_INIT(1000);
	struct error err = ERROR_INIT;
	char *text = mem_zalloc(100001);

	(void)state;
	memset(text, 'a', 100000);
	write_file("large", text);
	assert_int_equal(file_read(path("large"), &sb, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	strbuf_release(&sb);
	mem_free(text);
}

static void makes_folders(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(file_make_dirs(path("x/y/z"), &err), 0);
	assert_int_equal(file_make_dirs(path("x/y/z/"), &err), 0);
	assert_int_equal(file_make_parent(path("x/w/file"), &err), 0);
	assert_true(file_exists(path("x/w")));
	assert_false(file_exists(path("x/w/file")));
	assert_int_equal(file_make_parent("file", &err), 0);
	assert_int_equal(file_make_parent("/file", &err), 0);
	write_file("plain", "");
	assert_int_equal(file_make_dirs(path("plain/x"), &err), -1);
	assert_non_null(strstr(err.msg, "plain"));
	assert_int_equal(rmdir(path("x/y/z")), 0);
	assert_int_equal(rmdir(path("x/y")), 0);
	assert_int_equal(rmdir(path("x/w")), 0);
	assert_int_equal(rmdir(path("x")), 0);
	(void)empty_folder(folder);
}

static void replaces(void **state)
{
	struct file_replace file;
	struct error err = ERROR_INIT;

	(void)state;
	write_file("a", "old");
	assert_int_equal(file_replace_open(&file, path("a"), 0600, &err), 0);
	assert_true(fputs("new", file.stream) >= 0);
	assert_int_equal(fflush(file.stream), 0);
	expect_file("a", "old");
	assert_int_equal(file_replace_commit(&file, &err), 0);
	expect_file("a", "new");
	file_replace_abort(&file);
	expect_file("a", "new");
	assert_int_equal(empty_folder(folder), 1);
}

static void gives_up(void **state)
{
	struct file_replace file;
	struct file_replace nothing = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	file_replace_abort(&nothing);
	write_file("a", "old");
	assert_int_equal(file_replace_open(&file, path("a"), 0600, &err), 0);
	assert_true(fputs("new", file.stream) >= 0);
	file_replace_abort(&file);
	expect_file("a", "old");
	assert_int_equal(empty_folder(folder), 1);
	assert_int_equal(file_replace_open(&file, path("no/a"), 0600, &err),
			 -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_null(file.stream);
	assert_int_equal(empty_folder(folder), 0);
}

static void permissions(void **state)
{
	struct file_replace file;
	struct error err = ERROR_INIT;
	mode_t mask = umask(022);
	struct stat st;

	(void)state;
	assert_int_equal(file_replace_open(&file, path("s"), 0600, &err), 0);
	/* nobody else may read it while it is written either */
	assert_int_equal(stat(file.temporary, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_replace_commit(&file, &err), 0);
	assert_int_equal(stat(path("s"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_replace_open(&file, path("t"), 0666, &err), 0);
	assert_int_equal(file_replace_commit(&file, &err), 0);
	assert_int_equal(stat(path("t"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	(void)umask(mask);
	(void)empty_folder(folder);
}

/* A process that dies in the middle leaves the old file. */
static void crash_leaves_the_old_one(void **state)
{
	struct file_replace file;
	struct error err = ERROR_INIT;
	pid_t child;
	int status;

	(void)state;
	write_file("a", "old");
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (file_replace_open(&file, path("a"), 0600, &err) < 0)
			_exit(1);
		(void)fputs("half of the ne", file.stream);
		(void)fflush(file.stream);
		(void)kill(getpid(), SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	expect_file("a", "old");
	/* what it left behind is in nobody's way */
	assert_int_equal(file_replace_open(&file, path("a"), 0600, &err), 0);
	assert_true(fputs("new", file.stream) >= 0);
	assert_int_equal(file_replace_commit(&file, &err), 0);
	expect_file("a", "new");
}

/* A disk that is full (/dev/full) is told, and the old file stays. */
static void full_disk(void **state)
{
	struct file_replace file;
	struct error err = ERROR_INIT;
	FILE *full = fopen("/dev/full", "we");

	(void)state;
	if (!full)
		skip();
	write_file("a", "old");
	assert_int_equal(file_replace_open(&file, path("a"), 0600, &err), 0);
	assert_int_equal(fclose(file.stream), 0);
	file.stream = full;
	assert_true(fputs("new", file.stream) >= 0);
	assert_int_equal(file_replace_commit(&file, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err.msg, "No space left"));
	expect_file("a", "old");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(reads_no_more_than_allowed),
		cmocka_unit_test(makes_folders),
		cmocka_unit_test(replaces),
		cmocka_unit_test(gives_up),
		cmocka_unit_test(permissions),
		cmocka_unit_test(crash_leaves_the_old_one),
		cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
