/*
 * rule.c - one value through the rules of its attribute, in their order
 *
 * A rule that finds something wrong hands what the value could be on to the
 * next; what the last of them proposed is what counts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cleanup/cleanup_private.h"

#include "base/hash.h"
#include "base/text.h"

#include <string.h>

/* For keys that are compared within one scan only. */
static const struct hash_key KEY;

#define FIRST_COMBINING 0x0300
#define LAST_COMBINING  0x036f
#define FIRST_ASTRAL    0x10000

bool is_white(int32_t c)
{
	return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 ||
	       c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
	       c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

unsigned value_of(struct sv value)
{
	static const char *const x400[] = { "x400", "x.400", "x500", "x.500" };
	size_t i;

	if (address_is_smtp(value))
		return OF_SMTP;
	for (i = 0; i < sizeof(x400) / sizeof(x400[0]); i++)
		if (value.len >= strlen(x400[i]) &&
		    sv_ieq_str(sv_sub(value, 0, strlen(x400[i])), x400[i]))
			return OF_X400;
	return OF_OTHER;
}

/* ---- what a rule asks, and what it proposes ---- */

/* The longest beginning that is no longer than `most` UTF-16 units. */
static struct sv cut(struct sv value, size_t most)
{
	size_t units = 0;
	size_t at = 0;

	while (at < value.len) {
		size_t next = at;

		units += text_next(value, &next) >= FIRST_ASTRAL ? 2 : 1;
		if (units > most)
			break;
		at = next;
	}
	return sv_sub(value, 0, at);
}

static bool is_among(struct sv characters, int32_t c)
{
	size_t at = 0;

	while (at < characters.len)
		if (text_next(characters, &at) == c)
			return true;
	return false;
}

static struct sv without_characters(const struct rule *rule, struct sv value,
				    struct arena *arena)
{
	struct sv from = rule->diacritics
				 ? text_normalise(value, TEXT_NFD, arena)
				 : value;
	char *out = arena_alloc(arena, from.len + 1);
	bool found = false;
	size_t len = 0;
	size_t at = 0;

	while (at < from.len) {
		size_t begin = at;
		int32_t c = text_next(from, &at);

		if (is_among(rule->characters, c) ||
		    (rule->white_space && is_white(c)) ||
		    (rule->diacritics && c >= FIRST_COMBINING &&
		     c <= LAST_COMBINING)) {
			found = true;
			continue;
		}
		memcpy(out + len, from.ptr + begin, at - begin);
		len += at - begin;
	}
	return found ? sv_make(out, len) : value;
}

static struct sv without_ends(const struct rule *rule, struct sv value)
{
	size_t from = 0;
	size_t to = value.len;

	while (rule->kind == RULE_BEGINS && from < to) {
		size_t next = from;

		if (!is_among(rule->characters, text_next(value, &next)))
			break;
		from = next;
	}
	while (rule->kind == RULE_ENDS && to > from &&
	       strchr(rule->characters.ptr, value.ptr[to - 1]))
		to--;
	return sv_sub(value, from, to);
}

static struct sv trimmed(struct sv value)
{
	size_t end = 0;
	size_t at = 0;
	size_t from;

	while (at < value.len) {
		from = at;
		if (!is_white(text_next(value, &at))) {
			at = from;
			break;
		}
	}
	from = at;
	end = at;
	while (at < value.len)
		if (!is_white(text_next(value, &at)))
			end = at;
	return sv_sub(value, from, end);
}

/* Without the colons behind the first one. */
static struct sv without_colons(struct sv value, struct arena *arena)
{
	size_t first = sv_find(value, ':', 0);
	char *out;
	size_t len = 0;
	size_t i;

	if (first == value.len || sv_find(value, ':', first + 1) == value.len)
		return value;
	out = arena_alloc(arena, value.len);
	for (i = 0; i < value.len; i++)
		if (value.ptr[i] != ':' || i == first)
			out[len++] = value.ptr[i];
	return sv_make(out, len);
}

/* What is compared with those of other objects. */
static uint64_t key_of(const struct rule *rule, struct sv value,
		       struct arena *arena)
{
	struct sv text = value;

	if (rule->address && value_of(value) == OF_SMTP)
		text = sv_trim(
			sv_sub(value, sv_find(value, ':', 0) + 1, value.len));
	return hash64(&KEY, text_fold(text, arena)) ^
	       rule->group * UINT64_C(0x9e3779b97f4a7c15);
}

/* ---- one rule ---- */

struct step {
	struct passage *passage;
	struct where_object object;
	struct sv value;
	struct finding *out;
};

static bool applies(struct step *step, const struct rule *rule)
{
	size_t i;

	if (rule->of && !(rule->of & value_of(step->value)))
		return false;
	for (i = 0; i < rule->type_count; i++)
		if (sv_ieq_str(sv_from(step->object.type), rule->types[i]))
			break;
	if (rule->type_count && i == rule->type_count)
		return false;
	step->object.value = step->value;
	return !rule->when ||
	       where_test(rule->when, &step->object, step->passage->arena);
}

static void found(struct step *step, const struct rule *rule, unsigned errors,
		  struct sv update)
{
	struct arena *arena = step->passage->arena;

	step->object.value = step->value;
	if (rule->fix && (!update.len || sv_eq(update, step->value)))
		update = where_text(rule->fix, &step->object, arena);
	step->out->errors |= errors;
	step->out->action = sv_eq(update, step->value) ? CLEANUP_NONE
						       : CLEANUP_EDIT;
	if (rule->action) {
		struct sv action =
			where_text(rule->action, &step->object, arena);

		for (step->out->action = CLEANUP_COMPLETE;
		     step->out->action != CLEANUP_NONE; step->out->action--)
			if (sv_ieq_str(action,
				       cleanup_action_name(step->out->action)))
				break;
	}
	step->value = update;
	step->out->update = update;
}

static void expect(struct step *step, const struct rule *rule, unsigned error,
		   struct sv right)
{
	if (!sv_eq(right, step->value))
		found(step, rule, error, right);
}

static void check_unique(struct step *step, const struct rule *rule)
{
	struct passage *passage = step->passage;
	size_t set;

	if (step->value.len &&
	    passage->shared(passage->data, rule,
			    key_of(rule, step->value, passage->arena), &set)) {
		found(step, rule, CLEANUP_DUPLICATE, step->value);
		step->out->set = set;
	}
}

static void check_address(struct step *step, const struct rule *rule)
{
	struct address address =
		address_check(step->value, step->passage->arena);

	if (step->value.len && address.errors)
		found(step, rule, address.errors, address.repaired);
}

static void apply_rule(struct step *step, const struct rule *rule)
{
	struct arena *arena = step->passage->arena;

	switch (rule->kind) {
	case RULE_LENGTH:
		expect(step, rule, CLEANUP_LENGTH,
		       cut(step->value, rule->length));
		break;
	case RULE_BLANK:
		if (!step->value.len)
			found(step, rule, CLEANUP_BLANK, step->value);
		break;
	case RULE_UNIQUE:
		check_unique(step, rule);
		break;
	case RULE_CHARACTERS:
		expect(step, rule, CLEANUP_CHARACTER,
		       without_characters(rule, step->value, arena));
		break;
	case RULE_BEGINS:
	case RULE_ENDS:
		expect(step, rule, CLEANUP_CHARACTER,
		       without_ends(rule, step->value));
		break;
	case RULE_TRIM:
		expect(step, rule, CLEANUP_CHARACTER, trimmed(step->value));
		break;
	case RULE_COLON:
		expect(step, rule, CLEANUP_CHARACTER,
		       without_colons(step->value, arena));
		break;
	case RULE_ADDRESS:
		check_address(step, rule);
		break;
	case RULE_IF:
		step->object.value = step->value;
		if (where_test(rule->condition, &step->object, arena))
			found(step, rule, rule->error, step->value);
		break;
	}
}

void check_value(struct passage *passage, const struct check *check,
		 struct sv value, struct finding *out)
{
	struct step step = { .passage = passage,
			     .object = *passage->object,
			     .value = value,
			     .out = out };
	size_t i;

	*out = (struct finding){ .update = value };
	for (i = 0; i < check->count; i++)
		if (applies(&step, &check->rules[i]))
			apply_rule(&step, &check->rules[i]);
}
