/*
 * value.c - read, print and compare values
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model/value.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdlib.h>

static const char *const TYPE_NAMES[] = { "null",     "string", "integer",
					  "boolean",  "binary", "datetime",
					  "reference" };

const char *value_type_name(enum value_type type)
{
	return TYPE_NAMES[type];
}

int value_type_parse(struct sv name, enum value_type *out)
{
	int i;

	for (i = VALUE_STRING; i <= VALUE_REFERENCE; i++) {
		if (sv_eq_str(name, TYPE_NAMES[i])) {
			*out = (enum value_type)i;
			return 1;
		}
	}
	return 0;
}

static int parse_boolean(struct sv text, struct value *out)
{
	static const char *const yes[] = { "true", "yes", "on", "1" };
	static const char *const no[] = { "false", "no", "off", "0" };
	size_t i;

	text = sv_trim(text);
	for (i = 0; i < 4; i++) {
		if (sv_ieq_str(text, yes[i]) || sv_ieq_str(text, no[i])) {
			*out = value_boolean(sv_ieq_str(text, yes[i]));
			return 1;
		}
	}
	return 0;
}

/* A number of `width` digits; 0 when there are none. */
static int read_number(struct sv s, size_t *at, size_t width, int *out)
{
	size_t end = *at + width;

	if (end > s.len)
		return 0;
	*out = 0;
	for (; *at < end; (*at)++) {
		char c = s.ptr[*at];

		if (c < '0' || c > '9')
			return 0;
		*out = *out * 10 + (c - '0');
	}
	return 1;
}

static int parse_formatted(struct sv text, struct sv format, int64_t *out)
{
	struct civil_time c = { .year = 1601, .month = 1, .day = 1 };
	size_t at = 0;
	size_t i = 0;

	while (i < format.len) {
		char kind = format.ptr[i];
		size_t run = i;
		int n = 0;

		while (run < format.len && format.ptr[run] == kind)
			run++;
		if (!memchr("yMdHms", kind, 6)) {
			if (at >= text.len || text.ptr[at] != kind)
				return 0;
			at++;
			i++;
			continue;
		}
		if (!read_number(text, &at, run - i, &n))
			return 0;
		if (kind == 'y')
			c.year = run - i == 2 ? 2000 + n : n;
		else if (kind == 'M')
			c.month = n;
		else if (kind == 'd')
			c.day = n;
		else if (kind == 'H')
			c.hour = n;
		else if (kind == 'm')
			c.minute = n;
		else
			c.second = n;
		i = run;
	}
	return at == text.len && clock_from_civil(&c, out);
}

static int parse_datetime(struct sv text, struct sv format, struct value *out)
{
	int64_t time;
	int ok;

	if (format.len)
		ok = parse_formatted(sv_trim(text), format, &time);
	else
		ok = clock_parse_iso(text, &time) ||
		     clock_parse_generalized(text, &time);
	if (ok)
		*out = value_datetime(time);
	return ok;
}

int value_parse(enum value_type type, struct sv text, struct sv format,
		struct value *out)
{
	int64_t number;

	switch (type) {
	case VALUE_NULL:
		return 0;
	case VALUE_STRING:
		*out = value_string(text);
		return text_is_utf8(text);
	case VALUE_INTEGER:
		if (!sv_to_i64(sv_trim(text), &number))
			return 0;
		*out = value_integer(number);
		return 1;
	case VALUE_BOOLEAN:
		return parse_boolean(text, out);
	case VALUE_BINARY:
		*out = value_binary(text);
		return 1;
	case VALUE_DATETIME:
		return parse_datetime(text, format, out);
	case VALUE_REFERENCE:
		*out = value_reference(0, text);
		return text_is_utf8(text);
	}
	return 0;
}

struct sv value_text(const struct value *value, struct arena *arena)
{
	char time[40];

	switch (value->type) {
	case VALUE_NULL:
		return SV_NULL;
	case VALUE_STRING:
	case VALUE_BINARY:
		return value->text;
	case VALUE_INTEGER:
		return sv_from(
			arena_printf(arena, "%lld", (long long)value->number));
	case VALUE_BOOLEAN:
		return value->number ? SV_LIT("true") : SV_LIT("false");
	case VALUE_DATETIME:
		clock_format_iso(value->number, time);
		return arena_dup(arena, sv_from(time));
	case VALUE_REFERENCE:
		if (value->text.len)
			return value->text;
		return sv_from(
			arena_printf(arena, "#%lld", (long long)value->number));
	}
	return SV_NULL;
}

static bool by_text(enum value_type type)
{
	return type == VALUE_STRING || type == VALUE_BINARY;
}

static bool same_reference(const struct value *a, const struct value *b)
{
	if (a->number && b->number)
		return a->number == b->number;
	return a->number == b->number && text_ieq(a->text, b->text);
}

bool value_identical(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	if (by_text(a->type))
		return sv_eq(a->text, b->text);
	if (a->type == VALUE_REFERENCE)
		return same_reference(a, b);
	return a->number == b->number;
}

bool value_same(const struct value *a, const struct value *b,
		enum match_rule match)
{
	if (value_identical(a, b))
		return true;
	return a->type == VALUE_STRING && b->type == VALUE_STRING &&
	       match == MATCH_IGNORE_CASE && text_ieq(a->text, b->text);
}

int value_order(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (by_text(a->type))
		return sv_cmp(a->text, b->text);
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	if (a->type == VALUE_REFERENCE && !a->number)
		return text_icmp(a->text, b->text);
	return 0;
}

struct value value_dup(const struct value *value, struct arena *arena)
{
	struct value copy = *value;

	if (copy.text.len)
		copy.text = arena_dup(arena, copy.text);
	return copy;
}

struct values values_dup(const struct values *values, struct arena *arena)
{
	struct values copy = { NULL, values->len };
	size_t i;

	copy.at = arena_array(arena, values->len, sizeof(*copy.at));
	for (i = 0; i < values->len; i++)
		copy.at[i] = value_dup(&values->at[i], arena);
	return copy;
}

static int order_for_sort(const void *a, const void *b)
{
	return value_order(a, b);
}

static bool is_canonical(const struct values *values)
{
	bool sorted = true;
	size_t i;

	for (i = 1; i < values->len && sorted; i++)
		sorted = value_order(&values->at[i - 1], &values->at[i]) < 0;
	return sorted;
}

void values_canonical(struct values *values)
{
	size_t i;
	size_t kept = 0;

	if (is_canonical(values))
		return;
	qsort(values->at, values->len, sizeof(*values->at), order_for_sort);
	for (i = 0; i < values->len; i++)
		if (!kept ||
		    value_order(&values->at[kept - 1], &values->at[i]) != 0)
			values->at[kept++] = values->at[i];
	values->len = kept;
}

bool values_have(const struct values *set, const struct value *value,
		 enum match_rule match)
{
	size_t i;

	for (i = 0; i < set->len; i++)
		if (value_same(&set->at[i], value, match))
			return true;
	return false;
}

#define FEW 16

/* The set as it is when its values are in order already, as most are. */
static struct values sorted_copy(const struct values *set, struct arena *arena)
{
	struct values copy = *set;

	if (is_canonical(set))
		return copy;
	copy.at = arena_array(arena, set->len, sizeof(*copy.at));
	memcpy(copy.at, set->at, set->len * sizeof(*copy.at));
	values_canonical(&copy);
	return copy;
}

/* Past a few values sets are compared sorted, not each with each. */
static bool sorted_identical(const struct values *a, const struct values *b)
{
	struct arena scratch = ARENA_INIT;
	struct values x;
	struct values y;
	bool equal;
	size_t i;

	if (!a->len || !b->len)
		return a->len == b->len;
	x = sorted_copy(a, &scratch);
	y = sorted_copy(b, &scratch);
	equal = x.len == y.len;
	for (i = 0; equal && i < x.len; i++)
		equal = value_identical(&x.at[i], &y.at[i]);
	arena_release(&scratch);
	return equal;
}

bool values_identical(const struct values *a, const struct values *b)
{
	if (a->len == 1 && b->len == 1)
		return value_identical(&a->at[0], &b->at[0]);
	if (a->len > FEW || b->len > FEW)
		return sorted_identical(a, b);
	return values_same(a, b, MATCH_EXACT);
}

/* The matching rule makes a difference for some value. */
static bool has_text(const struct values *values)
{
	size_t i;

	for (i = 0; i < values->len; i++)
		if (values->at[i].type == VALUE_STRING)
			return true;
	return false;
}

bool values_same(const struct values *a, const struct values *b,
		 enum match_rule match)
{
	size_t i;

	if (a->len == 1 && b->len == 1)
		return value_same(&a->at[0], &b->at[0], match);
	if (a->len > FEW || b->len > FEW) {
		if (sorted_identical(a, b))
			return true;
		if (match == MATCH_EXACT || !has_text(a))
			return false;
	}
	for (i = 0; i < a->len; i++)
		if (!values_have(b, &a->at[i], match))
			return false;
	for (i = 0; i < b->len; i++)
		if (!values_have(a, &b->at[i], match))
			return false;
	return true;
}
