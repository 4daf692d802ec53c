/*
 * test_entry.c - the levels of an object, and what it refers to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/entry.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static int release(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

enum { A = 1, B, C, D };

static struct values text(const char *s)
{
	struct value *value = arena_alloc(&arena, sizeof(*value));

	*value = value_string(sv_from(s));
	return (struct values){ value, *s ? 1 : 0 };
}

/* "A=x B= ..." */
static const char *shown(const struct image *image)
{
	const char *out = "";
	size_t i;

	for (i = 0; i < image->len; i++)
		out = arena_printf(&arena, "%s%s%c=" SV_FMT, out, i ? " " : "",
				   (char)('A' + image->attrs[i].attr - 1),
				   SV_ARG(image->attrs[i].values.at[0].text));
	return out;
}

static struct entry sample(void)
{
	struct entry entry;

	memset(&entry, 0, sizeof(entry));
	image_set(&entry.image, A, text("a"), &arena);
	image_set(&entry.image, B, text("b"), &arena);
	image_set(&entry.image, C, text("c"), &arena);
	entry.awaiting.op = PENDING_UPDATE;
	image_put(&entry.awaiting.attrs, B, text("b2"), &arena);
	image_put(&entry.awaiting.attrs, C, text(""), &arena);
	entry.pending.op = PENDING_UPDATE;
	image_put(&entry.pending.attrs, B, text("b3"), &arena);
	image_put(&entry.pending.attrs, D, text("d"), &arena);
	return entry;
}

static void values(void **state)
{
	struct entry entry = sample();
	struct image image;

	(void)state;
	image = entry_written(&entry, &arena);
	assert_string_equal(shown(&image), "A=a B=b2");
	image = entry_expected(&entry, &arena);
	assert_string_equal(shown(&image), "A=a B=b3 D=d");
	image = entry_settled(&entry, &arena);
	assert_string_equal(shown(&image), "A=a B=b3 D=d");
	assert_string_equal(shown(&entry.image), "A=a B=b C=c");
	/* while an import is pending sync stands on what it has taken */
	entry.import = IMPORT_UPDATE;
	image_set(&entry.synced, A, text("a0"), &arena);
	image_put(&entry.confirmed, C, text("c1"), &arena);
	image = entry_settled(&entry, &arena);
	assert_string_equal(shown(&image), "A=a0 B=b3 D=d");
	/* removed and made again: nothing of before is left */
	entry.pending.op = PENDING_DELETE_ADD;
	image = entry_expected(&entry, &arena);
	assert_string_equal(shown(&image), "B=b3 D=d");
	entry.awaiting.op = PENDING_DELETE_ADD;
	image = entry_written(&entry, &arena);
	assert_string_equal(shown(&image), "B=b2");
}

static void
expect_name(void (*of)(const struct entry *, int64_t *, struct sv *),
	    const struct entry *entry, int64_t parent, const char *rdn)
{
	int64_t found;
	struct sv name;

	of(entry, &found, &name);
	assert_true(found == parent);
	assert_true(sv_eq_str(name, rdn));
}

/* Nothing of the copy lies in the original's memory. */
static void copies(void **state)
{
	struct entry entry = sample();
	struct arena other = ARENA_INIT;
	struct entry copy;
	struct image image;

	(void)state;
	entry.row.id = 7;
	entry.pending.rdn = arena_dup(&arena, SV_LIT("cn=new"));
	entry.row.image = SV_LIT("bytes");
	copy = entry_dup(&entry, &other);
	assert_true(copy.row.id == 7 && !copy.row.image.ptr);
	/* NULL and no letters are not the same in a row */
	assert_true(!copy.row.rdn.ptr && !copy.row.anchor.ptr);
	assert_true(sv_eq(copy.pending.rdn, entry.pending.rdn) &&
		    copy.pending.rdn.ptr != entry.pending.rdn.ptr);
	assert_true(copy.image.attrs != entry.image.attrs &&
		    copy.image.attrs[0].values.at !=
			    entry.image.attrs[0].values.at);
	image = entry_expected(&copy, &arena);
	assert_string_equal(shown(&image), "A=a B=b3 D=d");
	arena_release(&other);
}

static void names(void **state)
{
	struct entry entry = sample();

	(void)state;
	entry.row.parent = 1;
	entry.row.rdn = SV_LIT("cn=a");
	expect_name(entry_written_name, &entry, 1, "cn=a");
	expect_name(entry_expected_name, &entry, 1, "cn=a");
	entry.awaiting.parent = 2;
	entry.awaiting.rdn = SV_LIT("cn=b");
	expect_name(entry_written_name, &entry, 2, "cn=b");
	expect_name(entry_expected_name, &entry, 2, "cn=b");
	entry.pending.parent = 3;
	entry.pending.rdn = SV_LIT("cn=c");
	expect_name(entry_written_name, &entry, 2, "cn=b");
	expect_name(entry_expected_name, &entry, 3, "cn=c");
}

static void going(void **state)
{
	struct entry entry;

	(void)state;
	memset(&entry, 0, sizeof(entry));
	assert_false(entry_going(&entry));
	entry.awaiting.op = PENDING_DELETE;
	assert_true(entry_going(&entry));
	/* deleted, and wanted again */
	entry.pending.op = PENDING_ADD;
	assert_false(entry_going(&entry));
	entry.pending.op = PENDING_DELETE;
	assert_true(entry_going(&entry));
	memset(&entry, 0, sizeof(entry));
	entry.import = IMPORT_DELETE;
	assert_true(entry_going(&entry));
}

/* References to the numbers from .. from + count - 1, one of them 0. */
static struct values references(int64_t from, size_t count)
{
	struct values out = {
		arena_array(&arena, count + 1, sizeof(struct value)), count + 1
	};
	size_t i;

	for (i = 0; i < count; i++)
		out.at[i] = value_reference(from + (int64_t)i, SV_NULL);
	out.at[count] = value_reference(0, SV_LIT("cn=unknown"));
	return out;
}

static void what_it_refers_to(void **state)
{
	static const size_t sizes[] = { 3, 8, 9, 1000 };
	const struct values none = { NULL, 0 };
	struct reference_diff diff;
	int64_t *ids;
	size_t count;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct image from = IMAGE_EMPTY;
		struct image to = IMAGE_EMPTY;

		image_set(&from, A, text("no reference"), &arena);
		image_set(&from, B, references(1, sizes[i]), &arena);
		image_set(&to, B, references(2, sizes[i]), &arena);
		image_put(&to, C, none, &arena);
		image_references(&from, &arena, &ids, &count);
		assert_int_equal(count, sizes[i]);
		image_reference_diff(&from, &to, &arena, &diff);
		assert_int_equal(diff.gone_count, 1);
		assert_true(diff.gone[0] == 1);
		assert_int_equal(diff.come_count, 1);
		assert_true(diff.come[0].target == (int64_t)sizes[i] + 1);
		assert_int_equal(diff.come[0].attr, B);
		image_reference_diff(&to, &to, &arena, &diff);
		assert_int_equal(diff.come_count + diff.gone_count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(copies),
		cmocka_unit_test(names),
		cmocka_unit_test(going),
		cmocka_unit_test(what_it_refers_to),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
