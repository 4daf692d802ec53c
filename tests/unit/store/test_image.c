/*
 * test_image.c - images: laws of changes, the stored form, damaged bytes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/image.h"

#include "base/clock.h"
#include "model/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ATTRS 40

static struct arena arena;
static uint32_t to_store[ATTRS + 1];
static uint32_t from_store[ATTRS + 1];
static struct attr_map map = { to_store, ATTRS + 1, from_store, ATTRS + 1 };

/* Numbers that are in another order than the configuration's. */
static int set_up(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 1; i <= ATTRS; i++) {
		to_store[i] = i * 7 % (ATTRS + 1);
		from_store[to_store[i]] = i;
	}
	return 0;
}

static int release(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

/* ---- chance that is the same in every run ---- */

static uint64_t seed;

static uint64_t chance(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static struct sv random_bytes(size_t len)
{
	char *bytes = arena_alloc(&arena, len + 1);
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = (char)chance(256);
	return sv_make(bytes, len);
}

static int64_t random_number(void)
{
	static const int64_t edges[] = { 0,         1,         -1,  63,
					 64,        -64,       -65, INT64_MAX,
					 INT64_MIN, CLOCK_DAY, 127, 128 };

	if (chance(2))
		return edges[chance(sizeof(edges) / sizeof(*edges))];
	return (int64_t)chance(UINT64_MAX);
}

static struct value random_value(enum value_type type)
{
	switch (type) {
	case VALUE_STRING:
		return value_string(random_bytes(chance(20)));
	case VALUE_BINARY:
		return value_binary(random_bytes(chance(300)));
	case VALUE_BOOLEAN:
		return value_boolean(chance(2));
	case VALUE_INTEGER:
		return value_integer(random_number());
	case VALUE_DATETIME:
		return value_datetime(random_number());
	case VALUE_NULL:
	case VALUE_REFERENCE:
		break;
	}
	return value_reference((int64_t)chance(1 << 20) + 1, SV_NULL);
}

static struct values random_values(size_t len)
{
	enum value_type type = (enum value_type)(1 + chance(6));
	struct values values;
	size_t i;

	values.len = len;
	values.at = arena_array(&arena, len, sizeof(*values.at));
	for (i = 0; i < len; i++)
		values.at[i] = random_value(type);
	return values;
}

static struct image random_image(void)
{
	struct image image = IMAGE_EMPTY;
	size_t n = chance(ATTRS);

	while (n--)
		image_set(&image, (uint32_t)(1 + chance(ATTRS)),
			  random_values(1 + chance(chance(10) ? 3 : 60)),
			  &arena);
	return image;
}

static struct sv encoded(const struct image *image)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv copy;

	image_encode(image, &map, &bytes);
	copy = arena_dup(&arena, strbuf_sv(&bytes));
	strbuf_release(&bytes);
	return copy;
}

static void expect_sorted(const struct image *image)
{
	size_t i;

	for (i = 1; i < image->len; i++)
		assert_true(image->attrs[i - 1].attr < image->attrs[i].attr);
}

/* ---- in memory ---- */

static void look_up(void **state)
{
	struct value v = value_integer(1);
	struct values one = { &v, 1 };
	struct values none = { NULL, 0 };
	struct image image = IMAGE_EMPTY;

	(void)state;
	assert_null(image_get(&image, 1));
	image_set(&image, 5, one, &arena);
	image_set(&image, 3, one, &arena);
	image_set(&image, 9, one, &arena);
	expect_sorted(&image);
	assert_non_null(image_get(&image, 3));
	assert_null(image_get(&image, 4));
	assert_true(image_has(&image, 9));
	image_set(&image, 5, none, &arena);
	assert_null(image_get(&image, 5));
	assert_int_equal(image.len, 2);
	image_set(&image, 5, none, &arena);
	assert_int_equal(image.len, 2);
	image_put(&image, 5, none, &arena);
	assert_true(image_has(&image, 5));
	assert_int_equal(image_get(&image, 5)->len, 0);
}

static void a_copy_is_its_own(void **state)
{
	char text[] = "Ann";
	struct value v = value_string(sv_from(text));
	struct values one = { &v, 1 };
	struct image image = IMAGE_EMPTY;
	struct image shallow;
	struct image deep;

	(void)state;
	image_set(&image, 1, one, &arena);
	shallow = image_copy(&image, &arena);
	deep = image_dup(&image, &arena);
	image_set(&shallow, 2, one, &arena);
	assert_int_equal(image.len, 1);
	text[0] = 'X';
	assert_true(sv_eq_str(image_get(&shallow, 1)->at[0].text, "Xnn"));
	assert_true(sv_eq_str(image_get(&deep, 1)->at[0].text, "Ann"));
	image.len = 0;
	shallow = image_copy(&image, &arena);
	image_set(&shallow, 1, one, &arena);
	assert_int_equal(shallow.len, 1);
}

static void laws_of_changes(void **state)
{
	int round;

	(void)state;
	seed = 88172645463325252U;
	for (round = 0; round < 2000; round++) {
		struct image from = random_image();
		struct image to = chance(3) ? random_image()
					    : image_copy(&from, &arena);
		struct image diff;
		struct image made;
		struct image none;

		if (chance(2))
			image_set(&to, (uint32_t)(1 + chance(ATTRS)),
				  random_values(1), &arena);
		diff = image_diff(&from, &to, &arena);
		expect_sorted(&diff);
		made = image_copy(&from, &arena);
		image_apply(&made, &diff, &arena);
		assert_true(image_identical(&made, &to));
		/* nothing twice, nothing where nothing changed */
		image_apply(&made, &diff, &arena);
		assert_true(image_identical(&made, &to));
		none = image_diff(&to, &made, &arena);
		assert_int_equal(none.len, 0);
		assert_int_equal(diff.len == 0, image_identical(&from, &to));
		arena_reset(&arena);
	}
}

/* ---- as bytes ---- */

static void round_trips(void **state)
{
	struct error err = ERROR_INIT;
	int round;

	(void)state;
	seed = 362436069362436069U;
	for (round = 0; round < 3000; round++) {
		struct image image = random_image();
		struct sv bytes;
		struct image back;

		if (chance(2) && image.len) /* a change: some are gone */
			image.attrs[chance(image.len)].values.len = 0;
		bytes = encoded(&image);
		assert_int_equal(image_decode(bytes, &map, &arena, &back, &err),
				 0);
		expect_sorted(&back);
		assert_true(image_identical(&image, &back));
		assert_true(sv_eq(encoded(&back), bytes));
		arena_reset(&arena);
	}
}

static void numbers(void **state)
{
	static const uint64_t samples[] = {
		0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX
	};
	struct strbuf sb = STRBUF_INIT(100);
	uint64_t back;
	size_t at;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		strbuf_reset(&sb);
		image_encode_number(samples[i], &sb);
		at = 0;
		assert_int_equal(
			image_decode_number(strbuf_sv(&sb), &at, &back), 1);
		assert_true(back == samples[i]);
		assert_int_equal(at, sb.len);
		at = 0;
		assert_int_equal(
			image_decode_number(sv_make(sb.ptr, sb.len - 1), &at,
					    &back),
			0);
	}
	at = 0;
	assert_int_equal(
		image_decode_number(SV_LIT("\xff\xff\xff\xff\xff\xff\xff\xff"
					   "\xff\xff\xff\xff"),
				    &at, &back),
		0);
	strbuf_release(&sb);
}

/* A configuration that numbers its attributes otherwise reads the same. */
static void another_numbering(void **state)
{
	uint32_t other_to[ATTRS + 1];
	uint32_t other_from[ATTRS + 1];
	struct attr_map other = { other_to, ATTRS + 1, other_from, ATTRS + 1 };
	struct error err = ERROR_INIT;
	struct image image = IMAGE_EMPTY;
	struct image back;
	uint32_t i;

	(void)state;
	memset(other_to, 0, sizeof(other_to));
	memset(other_from, 0, sizeof(other_from));
	for (i = 1; i <= ATTRS; i++) {
		other_to[i] = to_store[ATTRS + 1 - i];
		other_from[other_to[i]] = i;
	}
	seed = 521288629521288629U;
	for (i = 1; i <= ATTRS; i++)
		image_set(&image, i, random_values(2), &arena);
	assert_int_equal(
		image_decode(encoded(&image), &other, &arena, &back, &err), 0);
	expect_sorted(&back);
	for (i = 1; i <= ATTRS; i++)
		assert_true(values_identical(image_get(&back, ATTRS + 1 - i),
					     image_get(&image, i)));
}

static struct image sample(void)
{
	struct image image = IMAGE_EMPTY;
	uint32_t i;

	seed = 123456789123456789U;
	for (i = 1; i <= 12; i++)
		image_set(&image, i, random_values(1 + i % 3), &arena);
	return image;
}

static void every_prefix_is_damaged(void **state)
{
	struct image image = sample();
	struct sv bytes = encoded(&image);
	size_t len;

	(void)state;
	for (len = 1; len < bytes.len; len++) {
		/* memory of its own, so that a read behind it is seen */
		char *copy = mem_alloc(len);
		struct error err = ERROR_INIT;
		struct image back;

		memcpy(copy, bytes.ptr, len);
		assert_int_equal(image_decode(sv_make(copy, len), &map, &arena,
					      &back, &err),
				 -1);
		assert_int_equal(err.code, ERR_CORRUPT);
		assert_non_null(strstr(err.msg, "damaged"));
		assert_int_equal(back.len, 0);
		mem_free(copy);
	}
	assert_int_equal(image_decode(SV_NULL, &map, &arena, &image, NULL), 0);
	assert_int_equal(image.len, 0);
}

/* A flipped bit is an error or another image, never a crash. */
static void every_flipped_bit_is_survived(void **state)
{
	struct image image = sample();
	struct sv bytes = encoded(&image);
	size_t corrupt = 0;
	size_t i;

	(void)state;
	for (i = 0; i < bytes.len * 8; i++) {
		char *copy = mem_alloc(bytes.len);
		struct error err = ERROR_INIT;
		struct image back;

		memcpy(copy, bytes.ptr, bytes.len);
		copy[i / 8] = (char)(copy[i / 8] ^ (1 << i % 8));
		if (image_decode(sv_make(copy, bytes.len), &map, &arena, &back,
				 &err) < 0) {
			assert_int_equal(err.code, ERR_CORRUPT);
			corrupt++;
		} else {
			expect_sorted(&back);
			(void)encoded(&back);
		}
		mem_free(copy);
	}
	assert_true(corrupt > 0);
}

static void hostile_lengths(void **state)
{
	static const struct sv cases[] = {
		/* more attributes than there are bytes */
		{ "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10 },
		/* more values than there are bytes */
		{ "\x01\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 12 },
		/* a text longer than the rest */
		{ "\x01\x01\x01\x01\x01\xff\xff\xff\xff\x7f"
		  "abc",
		  13 },
		{ "\x01\x01\x01\x01\x01\x04"
		  "abc",
		  9 },
		/* an attribute that the dictionary does not have */
		{ "\x01\x01\x7f\x01\x02\x02", 6 },
		/* a type that does not exist */
		{ "\x01\x01\x01\x01\x07\x02", 6 },
		{ "\x01\x01\x01\x01\x00\x02", 6 },
		/* another version */
		{ "\x02\x00", 2 },
		/* something behind the end */
		{ "\x01\x00x", 3 },
	};
	struct image back;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(
			image_decode(cases[i], &map, &arena, &back, &err), -1);
		assert_int_equal(err.code, ERR_CORRUPT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(look_up),
		cmocka_unit_test(a_copy_is_its_own),
		cmocka_unit_test(laws_of_changes),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(numbers),
		cmocka_unit_test(another_numbering),
		cmocka_unit_test(every_prefix_is_damaged),
		cmocka_unit_test(every_flipped_bit_is_survived),
		cmocka_unit_test(hostile_lengths),
	};

	return cmocka_run_group_tests(tests, set_up, release);
}
