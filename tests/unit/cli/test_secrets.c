/*
 * test_secrets.c - secrets come back, and only with their key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/secrets.h"

#include "base/file.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char folder[64];
	struct secrets secrets;
	struct error err;
	struct secret value;
	struct arena arena;
};

static int set_up(void **state)
{
	struct fixture *fixture = mem_zalloc(sizeof(*fixture));

	(void)unsetenv("CONJOIN_KEY_FILE");
	(void)snprintf(fixture->folder, sizeof(fixture->folder),
		       "/tmp/conjoin-secrets-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	secrets_init(&fixture->secrets, fixture->folder);
	*state = fixture;
	return 0;
}

static const char *path_of(struct fixture *fixture, const char *name)
{
	return arena_printf(&fixture->arena, "%s/%s", fixture->folder, name);
}

static int tear_down(void **state)
{
	static const char *const names[] = { "state/secrets",      "state/key",
					     "state/secrets.lock", "state",
					     "other.key",          "password" };
	struct fixture *fixture = *state;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		(void)remove(path_of(fixture, names[i]));
	(void)rmdir(fixture->folder);
	secret_release(&fixture->value);
	secrets_release(&fixture->secrets);
	arena_release(&fixture->arena);
	mem_free(fixture);
	return 0;
}

static void put(struct fixture *fixture, const char *name, struct sv value)
{
	assert_int_equal(secrets_set(&fixture->secrets, sv_from(name), value,
				     &fixture->err),
			 0);
}

static void has(struct fixture *fixture, const char *reference,
		struct sv expected)
{
	assert_int_equal(secrets_resolve(&fixture->secrets, sv_from(reference),
					 &fixture->value, &fixture->err),
			 0);
	assert_true(sv_eq(secret_view(&fixture->value), expected));
}

static void fails(struct fixture *fixture, const char *reference,
		  enum err_code code)
{
	assert_int_equal(secrets_resolve(&fixture->secrets, sv_from(reference),
					 &fixture->value, &fixture->err),
			 -1);
	assert_int_equal(fixture->err.code, code);
}

static void write_file(const char *path, struct sv text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static struct sv read_whole(struct fixture *fixture, const char *path)
{
	struct strbuf text = STRBUF_INIT(100000);
	struct sv copy;

	assert_int_equal(file_read(path, &text, &fixture->err), 0);
	copy = arena_dup(&fixture->arena, strbuf_sv(&text));
	strbuf_release(&text);
	return copy;
}

static void a_round_trip(void **state)
{
	struct fixture *fixture = *state;
	struct sv *names;
	size_t count;

	put(fixture, "ad", SV_LIT("p\xc3\xa4ss w\0rd"));
	put(fixture, "hr-db", SV_LIT("one"));
	put(fixture, "hr-db", SV_LIT("two"));
	has(fixture, "secret:ad", SV_LIT("p\xc3\xa4ss w\0rd"));
	has(fixture, "secret:hr-db", SV_LIT("two"));
	assert_int_equal(secrets_list(&fixture->secrets, &fixture->arena,
				      &names, &count, &fixture->err),
			 0);
	assert_int_equal(count, 2);
	assert_true(sv_eq_str(names[0], "ad"));
	assert_true(sv_eq_str(names[1], "hr-db"));
	assert_int_equal(
		secrets_delete(&fixture->secrets, SV_LIT("ad"), &fixture->err),
		1);
	assert_int_equal(
		secrets_delete(&fixture->secrets, SV_LIT("ad"), &fixture->err),
		0);
	fails(fixture, "secret:ad", ERR_NOTFOUND);
	has(fixture, "secret:hr-db", SV_LIT("two"));
}

static void files_are_for_their_owner_and_hide_values(void **state)
{
	struct fixture *fixture = *state;
	struct stat st;
	struct sv text;

	put(fixture, "ad", SV_LIT("correct horse"));
	assert_int_equal(stat(path_of(fixture, "state/key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(st.st_size > 32);
	assert_int_equal(stat(path_of(fixture, "state/secrets"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	text = read_whole(fixture, path_of(fixture, "state/secrets"));
	assert_non_null(memmem(text.ptr, text.len, "ad ", 3));
	assert_null(memmem(text.ptr, text.len, "horse", 5));
}

static void another_key_opens_nothing(void **state)
{
	struct fixture *fixture = *state;
	char key[32] = { 7 };

	put(fixture, "ad", SV_LIT("value"));
	write_file(path_of(fixture, "other.key"), sv_make(key, sizeof(key)),
		   0600);
	assert_int_equal(
		setenv("CONJOIN_KEY_FILE", path_of(fixture, "other.key"), 1),
		0);
	secrets_release(&fixture->secrets);
	secrets_init(&fixture->secrets, fixture->folder);
	fails(fixture, "secret:ad", ERR_DENIED);
	assert_int_equal(unsetenv("CONJOIN_KEY_FILE"), 0);
	secrets_release(&fixture->secrets);
	secrets_init(&fixture->secrets, fixture->folder);
	has(fixture, "secret:ad", SV_LIT("value"));
}

static void a_key_that_others_can_read_is_refused(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, "ad", SV_LIT("value"));
	assert_int_equal(chmod(path_of(fixture, "state/key"), 0640), 0);
	fails(fixture, "secret:ad", ERR_DENIED);
	assert_non_null(strstr(fixture->err.msg, "chmod 600"));
	assert_int_equal(secrets_set(&fixture->secrets, SV_LIT("b"),
				     SV_LIT("x"), &fixture->err),
			 -1);
	assert_int_equal(chmod(path_of(fixture, "state/key"), 0600), 0);
	has(fixture, "secret:ad", SV_LIT("value"));
}

static void a_missing_or_damaged_key(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, "ad", SV_LIT("value"));
	assert_int_equal(unlink(path_of(fixture, "state/key")), 0);
	fails(fixture, "secret:ad", ERR_NOTFOUND);
	/* a new key would leave the old secrets for ever closed */
	assert_int_equal(secrets_set(&fixture->secrets, SV_LIT("b"),
				     SV_LIT("x"), &fixture->err),
			 -1);
	assert_false(file_exists(path_of(fixture, "state/key")));
	write_file(path_of(fixture, "state/key"), SV_LIT("short"), 0600);
	fails(fixture, "secret:ad", ERR_CORRUPT);
}

static void entries_cannot_be_exchanged(void **state)
{
	struct fixture *fixture = *state;
	struct sv text;
	char *copy;
	char *low;

	put(fixture, "high", SV_LIT("administrator"));
	put(fixture, "low", SV_LIT("guest"));
	text = read_whole(fixture, path_of(fixture, "state/secrets"));
	copy = arena_cstr(&fixture->arena, text);
	/* the box of "high" under the name of "low" and the other way round */
	low = strstr(copy, "\nlow ");
	assert_non_null(low);
	memcpy(strstr(copy, "high"), "lowx", 4);
	memcpy(low + 1, "hig", 3);
	write_file(path_of(fixture, "state/secrets"), sv_from(copy), 0600);
	fails(fixture, "secret:lowx", ERR_DENIED);
	fails(fixture, "secret:hig", ERR_DENIED);
}

static void damaged_files_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"something else\n",
		"conjoin secrets 1\nad\n",
		"conjoin secrets 1\nad ***\n",
		"conjoin secrets 1\nad AAAA\n",
	};
	struct fixture *fixture = *state;
	size_t i;

	put(fixture, "ad", SV_LIT("value"));
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		write_file(path_of(fixture, "state/secrets"), sv_from(texts[i]),
			   0600);
		fails(fixture, "secret:ad", ERR_CORRUPT);
	}
}

static void names_and_values_are_checked(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(secrets_set(&fixture->secrets, SV_LIT("a b"),
				     SV_LIT("x"), &fixture->err),
			 -1);
	assert_int_equal(secrets_set(&fixture->secrets, SV_LIT(""), SV_LIT("x"),
				     &fixture->err),
			 -1);
	assert_int_equal(secrets_set(&fixture->secrets, SV_LIT("a"), SV_LIT(""),
				     &fixture->err),
			 -1);
	assert_false(file_exists(path_of(fixture, "state")));
}

static void other_sources(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(setenv("CONJOIN_TEST_SECRET", "from here", 1), 0);
	has(fixture, "env:CONJOIN_TEST_SECRET", SV_LIT("from here"));
	fails(fixture, "env:CONJOIN_TEST_NOT_SET", ERR_NOTFOUND);
	write_file(path_of(fixture, "password"), SV_LIT("line\r\n"), 0600);
	has(fixture, "file:password", SV_LIT("line"));
	has(fixture,
	    arena_printf(&fixture->arena, "file:%s/password", fixture->folder),
	    SV_LIT("line"));
	write_file(path_of(fixture, "password"), SV_LIT("two\nlines\n"), 0600);
	has(fixture, "file:password", SV_LIT("two\nlines"));
	write_file(path_of(fixture, "password"), SV_LIT("\n"), 0600);
	fails(fixture, "file:password", ERR_INVALID);
	fails(fixture, "file:nowhere", ERR_NOTFOUND);
}

static void a_secret_in_the_wrong_place_is_not_shown(void **state)
{
	struct fixture *fixture = *state;

	fails(fixture, "hunter2", ERR_INVALID);
	assert_null(strstr(fixture->err.msg, "hunter2"));
	fails(fixture, "pass:hunter2", ERR_INVALID);
	assert_null(strstr(fixture->err.msg, "hunter2"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_round_trip),
		TEST(files_are_for_their_owner_and_hide_values),
		TEST(another_key_opens_nothing),
		TEST(a_key_that_others_can_read_is_refused),
		TEST(a_missing_or_damaged_key),
		TEST(entries_cannot_be_exchanged),
		TEST(damaged_files_are_refused),
		TEST(names_and_values_are_checked),
		TEST(other_sources),
		TEST(a_secret_in_the_wrong_place_is_not_shown),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
