/*
 * random_values.c - values as people would not choose them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "random_values.h"

#include "base/clock.h"
#include "base/strbuf.h"
#include "base/text.h"

/* xorshift64*, by S. Vigna */
size_t dice_roll(struct dice *dice, size_t sides)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return (size_t)((dice->state * UINT64_C(2685821657736338717)) >> 33) %
	       sides;
}

static const char *const pieces[] = {
	"a",
	"Ada",
	"Larkin",
	" ",
	"  ",
	"\t",
	"\n",
	"\r\n",
	"\r",
	"\n\n",
	"\"",
	"\"\"",
	"'",
	",",
	";",
	"|",
	":",
	"::",
	":< file:///etc/passwd",
	"=",
	"=1+1",
	"+",
	"-",
	"--",
	"#",
	"# no comment",
	"@",
	"\\",
	"\\n",
	"\\u0041",
	"<",
	"<b>",
	"</person>",
	"&",
	"&amp;",
	"&#65;",
	"]]>",
	"<![CDATA[",
	"{",
	"}",
	"[1, 2]",
	"null",
	"true",
	"TRUE",
	"007",
	"1e5",
	"-0",
	"3.250",
	"2026-11-22",
	"20261122093000Z",
	"QWRh",
	"#N/A",
	"_x0041_",
	"x000D_",
	"*",
	"* 0003",
	"\xC3\xA9",                 /* e acute */
	"e\xCC\x81",                /* the same, decomposed */
	"\xC3\x9F",                 /* sharp s */
	"\xC2\xA0",                 /* a blank that does not break */
	"\xE2\x80\xA8",             /* a line separator */
	"\xEF\xBB\xBF",             /* a byte order mark */
	"\xEF\xBF\xBD",             /* a replacement character */
	"\xE5\xB1\xB1\xE7\x94\xB0", /* Yamada */
	"\xD7\xA9\xD7\x9C",         /* from right to left */
	"\xF0\x9F\x98\x80",         /* beyond the basic plane */
	"\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB",
	"\xF0\xA0\x80\x8B",
	"\xF4\x8F\xBF\xBD",
	"\x01",
	"\x1A",
	"\x1B[31m",
	"\x7F",
	"\xC2\x85",     /* an end of line of old */
	"\xEF\xBF\xBE", /* no character */
};

struct sv random_text(struct dice *dice, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t count = 1 + dice_roll(dice, 5);
	struct sv text;

	if (!dice_roll(dice, 200))
		count = 400 + dice_roll(dice, 2000);
	while (count--)
		strbuf_adds(&out,
			    pieces[dice_roll(dice, sizeof(pieces) /
							   sizeof(*pieces))]);
	text = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return text;
}

static struct sv random_bytes(struct dice *dice, struct arena *arena)
{
	size_t len = 1 + dice_roll(dice, 40);
	char *bytes = arena_alloc(arena, len);
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = (char)dice_roll(dice, 256);
	return sv_make(bytes, len);
}

static int64_t random_number(struct dice *dice)
{
	static const int64_t odd[] = { 0,   -1,        1,         INT64_MAX,
				       10,  INT64_MIN, 123456789, -9999999,
				       100, 4294967296 };

	return odd[dice_roll(dice, sizeof(odd) / sizeof(*odd))];
}

static int64_t random_time(struct dice *dice)
{
	struct civil_time c = { .year = 1902 + (int64_t)dice_roll(dice, 200),
				.month = 1 + (int)dice_roll(dice, 12),
				.day = 1 + (int)dice_roll(dice, 28) };
	int64_t time = 0;

	if (dice_roll(dice, 2)) {
		c.hour = (int)dice_roll(dice, 24);
		c.minute = (int)dice_roll(dice, 60);
		c.second = (int)dice_roll(dice, 60);
	}
	(void)clock_from_civil(&c, &time);
	return time;
}

struct value random_value(struct dice *dice, const struct attr_def *def,
			  const struct sv *names, size_t name_count,
			  struct arena *arena)
{
	switch (def->type) {
	case VALUE_INTEGER:
		return value_integer(random_number(dice));
	case VALUE_BOOLEAN:
		return value_boolean(dice_roll(dice, 2));
	case VALUE_BINARY:
		return value_binary(random_bytes(dice, arena));
	case VALUE_DATETIME:
		return value_datetime(random_time(dice));
	case VALUE_REFERENCE:
		return value_reference(0, names[dice_roll(dice, name_count)]);
	case VALUE_STRING:
	case VALUE_NULL:
		break;
	}
	return value_string(random_text(dice, arena));
}
