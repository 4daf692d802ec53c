/*
 * test_keys.c - the file of keys, and keys that travel
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/keys.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char folder[64];
	char path[96];
	struct keys keys;
	struct keys other;
	struct error err;
};

static int set_up(void **state)
{
	struct fixture *f = mem_zalloc(sizeof(*f));

	(void)snprintf(f->folder, sizeof(f->folder),
		       "/tmp/conjoin-keys-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	(void)snprintf(f->path, sizeof(f->path), "%s/key", f->folder);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->path);
	(void)rmdir(f->folder);
	keys_release(&f->keys);
	keys_release(&f->other);
	mem_free(f);
	return 0;
}

static void write_file(struct fixture *f, struct sv text)
{
	FILE *file = fopen(f->path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(f->path, 0600), 0);
}

static void same(const struct keys *a, const struct keys *b)
{
	size_t i;

	assert_int_equal(a->all.len, b->all.len);
	for (i = 0; i < a->all.len; i++) {
		assert_memory_equal(a->all.at[i].bytes, b->all.at[i].bytes,
				    SEAL_KEY_SIZE);
		assert_int_equal(a->all.at[i].made, b->all.at[i].made);
		assert_string_equal(a->all.at[i].id, b->all.at[i].id);
	}
}

static void several_keys_come_back(void **state)
{
	struct fixture *f = *state;
	char first[KEY_ID_SIZE];
	struct stat st;

	assert_int_equal(keys_load(f->path, &f->other, &f->err), 0);
	keys_add(&f->keys);
	memcpy(first, f->keys.all.at[0].id, sizeof(first));
	keys_add(&f->keys);
	keys_add(&f->keys);
	assert_int_equal(keys_find(&f->keys, first), 2);
	assert_int_equal(keys_save(f->path, &f->keys, &f->err), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(keys_load(f->path, &f->other, &f->err), 1);
	same(&f->keys, &f->other);
	assert_int_equal(keys_save_new(f->path, &f->keys, &f->err), -1);
	keys_remove(&f->keys, 1);
	assert_int_equal(keys_find(&f->keys, first), 1);
	assert_int_equal(f->keys.all.len, 2);
}

/* What was there before there could be several. */
static void a_file_of_32_bytes(void **state)
{
	struct fixture *f = *state;
	char bytes[SEAL_KEY_SIZE];
	char id[KEY_ID_SIZE];

	memset(bytes, 7, sizeof(bytes));
	write_file(f, sv_make(bytes, sizeof(bytes)));
	assert_int_equal(keys_load(f->path, &f->keys, &f->err), 1);
	assert_int_equal(f->keys.all.len, 1);
	assert_int_equal(f->keys.all.at[0].made, 0);
	memcpy(id, f->keys.all.at[0].id, sizeof(id));
	keys_add(&f->keys);
	assert_int_equal(keys_save(f->path, &f->keys, &f->err), 0);
	assert_int_equal(keys_load(f->path, &f->other, &f->err), 1);
	same(&f->keys, &f->other);
	assert_int_equal(keys_find(&f->other, id), 1);
	assert_memory_equal(f->other.all.at[1].bytes, bytes, sizeof(bytes));
}

static void fails(struct fixture *f, const char *text)
{
	assert_int_equal(keys_load(f->path, &f->other, &f->err), -1);
	if (!strstr(f->err.msg, text) || !strstr(f->err.msg, f->path))
		fail_msg("%s", f->err.msg);
	assert_int_equal(f->other.all.len, 0);
}

static void damaged_files(void **state)
{
	static const char *const texts[] = {
		"",
		"short",
		"conjoin keys 1\n",
		"conjoin keys 2\n- AAAA\n",
		"conjoin keys 1\n- AAAA\n",
		"conjoin keys 1\nyesterday "
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		/* cut off within the last key */
		"conjoin keys 1\n- "
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		write_file(f, sv_from(texts[i]));
		fails(f, "damaged");
	}
	write_file(f, SV_LIT("conjoin keys 1\n- "
			     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
			     "\n"));
	assert_int_equal(keys_load(f->path, &f->keys, &f->err), 1);
	assert_int_equal(chmod(f->path, 0644), 0);
	fails(f, "can be used by others");
}

/* The link stays, what it names is replaced. */
static void a_link_to_the_file(void **state)
{
	struct fixture *f = *state;
	char link[128];
	struct stat st;

	(void)snprintf(link, sizeof(link), "%s/link", f->folder);
	keys_add(&f->keys);
	assert_int_equal(keys_save(f->path, &f->keys, &f->err), 0);
	assert_int_equal(symlink(f->path, link), 0);
	keys_add(&f->keys);
	assert_int_equal(keys_save(link, &f->keys, &f->err), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(keys_load(f->path, &f->other, &f->err), 1);
	same(&f->keys, &f->other);
	assert_int_equal(unlink(link), 0);
}

static void merged_by_age(void **state)
{
	struct fixture *f = *state;
	char ids[3][KEY_ID_SIZE];
	int i;

	for (i = 0; i < 3; i++) {
		keys_add(&f->keys);
		memcpy(ids[i], f->keys.all.at[0].id, sizeof(ids[i]));
	}
	/* the other one has the first and the second */
	assert_int_equal(keys_merge(&f->other, &f->keys), 3);
	keys_remove(&f->other, 0);
	keys_remove(&f->keys, 2);
	assert_int_equal(keys_merge(&f->keys, &f->other), 1);
	assert_int_equal(keys_merge(&f->keys, &f->other), 0);
	for (i = 0; i < 3; i++)
		assert_string_equal(f->keys.all.at[2 - i].id, ids[i]);
}

static void by_passphrase(void **state)
{
	struct fixture *f = *state;
	struct strbuf text = STRBUF_INIT(65536);
	enum keys_sealed how;

	keys_add(&f->keys);
	keys_add(&f->keys);
	assert_int_equal(keys_export_passphrase(&f->keys,
						SV_LIT("correct horse"), &text,
						&f->err),
			 0);
	assert_int_equal(keys_exported(strbuf_sv(&text), "x", &how, &f->err),
			 0);
	assert_int_equal(how, KEYS_PASSPHRASE);
	assert_int_equal(keys_import_passphrase(strbuf_sv(&text),
						SV_LIT("correct horse"),
						&f->other, &f->err),
			 0);
	same(&f->keys, &f->other);
	keys_release(&f->other);
	assert_int_equal(keys_import_passphrase(strbuf_sv(&text),
						SV_LIT("wrong horse"),
						&f->other, &f->err),
			 -1);
	assert_int_equal(f->err.code, ERR_DENIED);
	assert_int_equal(f->other.all.len, 0);
	strbuf_release(&text);
}

static void for_a_public_key(void **state)
{
	struct fixture *f = *state;
	struct strbuf text = STRBUF_INIT(65536);
	unsigned char public[BOX_KEY_SIZE];
	unsigned char secret[BOX_KEY_SIZE];
	unsigned char other[BOX_KEY_SIZE];
	enum keys_sealed how;

	box_keypair(public, secret);
	keys_add(&f->keys);
	keys_export_box(&f->keys, public, &text);
	assert_int_equal(keys_exported(strbuf_sv(&text), "x", &how, &f->err),
			 0);
	assert_int_equal(how, KEYS_BOX);
	assert_int_equal(
		keys_import_box(strbuf_sv(&text), secret, &f->other, &f->err),
		0);
	same(&f->keys, &f->other);
	box_keypair(public, other);
	keys_release(&f->other);
	assert_int_equal(
		keys_import_box(strbuf_sv(&text), other, &f->other, &f->err),
		-1);
	strbuf_release(&text);
}

/* What asks for more memory or time than it may is not begun. */
static void damaged_exports(void **state)
{
	static const char *const texts[] = {
		"conjoin exported keys 1\npassphrase\nAAAA\n",
		"conjoin exported keys 1\npassphrase 3 268435456 AAAA\nAAAA\n",
		"conjoin exported keys 1\npassphrase 3 99999999999999 "
		"AAAAAAAAAAAAAAAAAAAAAA==\nAAAA\n",
		"conjoin exported keys 1\npassphrase 3 1 "
		"AAAAAAAAAAAAAAAAAAAAAA==\nAAAA\n",
		"conjoin exported keys 1\npassphrase 3 268435456 "
		"AAAAAAAAAAAAAAAAAAAAAA==\nAAAA\n",
		"conjoin exported keys 1\npassphrase 3 268435456 "
		"AAAAAAAAAAAAAAAAAAAAAA==",
	};
	struct fixture *f = *state;
	enum keys_sealed how;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(keys_import_passphrase(sv_from(texts[i]),
							SV_LIT("x"), &f->other,
							&f->err),
				 -1);
		assert_int_equal(f->err.code, ERR_CORRUPT);
	}
	assert_int_equal(
		keys_exported(SV_LIT("conjoin exported keys 1\nhow\nAAAA\n"),
			      "file", &how, &f->err),
		-1);
	assert_non_null(strstr(f->err.msg, "'file'"));
	assert_int_equal(keys_exported(SV_LIT("no"), "file", &how, &f->err),
			 -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(several_keys_come_back), TEST(a_file_of_32_bytes),
		TEST(damaged_files),          TEST(a_link_to_the_file),
		TEST(merged_by_age),          TEST(by_passphrase),
		TEST(for_a_public_key),       TEST(damaged_exports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
