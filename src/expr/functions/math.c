/*
 * math.c - bits and chance
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/hash.h"
#include "base/random.h"
#include "expr/expr_private.h"

#include <sodium.h>

static int fn_bit_and(struct eval *e, const struct datum *args, size_t argc,
		      struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_number(out, arg_number(args, 0) & arg_number(args, 1));
}

static int fn_bit_or(struct eval *e, const struct datum *args, size_t argc,
		     struct datum *out)
{
	(void)e;
	(void)argc;
	return datum_number(out, arg_number(args, 0) | arg_number(args, 1));
}

static int fn_random_num(struct eval *e, const struct datum *args, size_t argc,
			 struct datum *out)
{
	int64_t low = arg_number(args, 0);
	int64_t high = arg_number(args, 1);
	uint64_t span = (uint64_t)high - (uint64_t)low + 1;
	uint64_t limit;
	uint64_t number;

	(void)argc;
	if (low > high)
		return call_fail(e, "%lld is larger than %lld", (long long)low,
				 (long long)high);
	/* numbers past the last whole span would favour the small ones */
	limit = span ? UINT64_MAX - UINT64_MAX % span : UINT64_MAX;
	do {
		random_bytes(&number, sizeof(number));
	} while (span && number >= limit);
	if (span)
		number %= span;
	return datum_number(out, (int64_t)((uint64_t)low + number));
}

static int fn_guid(struct eval *e, const struct datum *args, size_t argc,
		   struct datum *out)
{
	unsigned char bytes[16];
	char text[37];

	(void)args;
	(void)argc;
	uuid_random(bytes);
	uuid_format(bytes, text);
	return datum_text(out, arena_dup(e->arena, sv_make(text, 36)));
}

#define PASSWORD_MIN 8
#define PASSWORD_MAX 256

#define CLASS_COUNT 4

/* Without those that look alike: 0 O o 1 l I | and the like. */
static const char *const CLASSES[CLASS_COUNT] = {
	"ABCDEFGHJKLMNPQRSTUVWXYZ",
	"abcdefghijkmnpqrstuvwxyz",
	"23456789",
	"!#$%*+-=?@_",
};

static char random_of(size_t class)
{
	return CLASSES[class][random_below((uint32_t)strlen(CLASSES[class]))];
}

/* A character of all classes together, each as likely as every other. */
static char random_any(void)
{
	uint32_t total = 0;
	uint32_t pick;
	size_t i;

	for (i = 0; i < CLASS_COUNT; i++)
		total += (uint32_t)strlen(CLASSES[i]);
	pick = random_below(total);
	for (i = 0; pick >= strlen(CLASSES[i]); i++)
		pick -= (uint32_t)strlen(CLASSES[i]);
	return CLASSES[i][pick];
}

static int fn_random_password(struct eval *e, const struct datum *args,
			      size_t argc, struct datum *out)
{
	int64_t length = arg_number(args, 0);
	char *text;
	size_t i;

	(void)argc;
	if (length < PASSWORD_MIN || length > PASSWORD_MAX)
		return call_fail(e, "a password has %d to %d characters",
				 PASSWORD_MIN, PASSWORD_MAX);
	text = arena_alloc(e->arena, (size_t)length);
	for (i = 0; i < (size_t)length; i++)
		text[i] = (char)(i < CLASS_COUNT ? random_of(i) : random_any());
	for (i = (size_t)length - 1; i > 0; i--) {
		size_t other = random_below((uint32_t)i + 1);
		char c = text[i];

		text[i] = text[other];
		text[other] = c;
	}
	return datum_text(out, sv_make(text, (size_t)length));
}

static const struct function MATH[] = {
	{ .name = "BitAnd",
	  .result = KIND_NUM,
	  .params = { { "a", KIND_NUM, 0 }, { "b", KIND_NUM, 0 } },
	  .call = fn_bit_and,
	  .help = "the bits that both have",
	  .example = "BitAnd(&HF, &HF7)",
	  .gives = "7" },
	{ .name = "BitOr",
	  .result = KIND_NUM,
	  .params = { { "a", KIND_NUM, 0 }, { "b", KIND_NUM, 0 } },
	  .call = fn_bit_or,
	  .help = "the bits that one of them has",
	  .example = "BitOr(512, 2)",
	  .gives = "514" },
	{ .name = "RandomNum",
	  .result = KIND_NUM,
	  .flags = FN_UNSTABLE,
	  .params = { { "low", KIND_NUM, 0 }, { "high", KIND_NUM, 0 } },
	  .call = fn_random_num,
	  .help = "a random number, both ends included; in `initial`",
	  .example = "RandomNum(1000, 9999)" },
	{ .name = "Guid",
	  .result = KIND_STR,
	  .flags = FN_UNSTABLE,
	  .call = fn_guid,
	  .help = "a new random GUID; in `initial`",
	  .example = "Guid()" },
	{ .name = "RandomPassword",
	  .result = KIND_STR,
	  .flags = FN_UNSTABLE,
	  .params = { { "length", KIND_NUM, 0 } },
	  .call = fn_random_password,
	  .special = SPECIAL_RANDOM_PASSWORD,
	  .help = "a password with capital and small letters, digits and "
		  "signs, none that look alike; only in `initial`",
	  .example = "RandomPassword(24)" },
};

FAMILY(math_family, "Numbers and chance", MATH);
