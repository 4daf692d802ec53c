/*
 * inputs.c - what a rule does for objects that have nothing of what it reads
 *
 * Most rules then do nothing, or the same before and after a change; so a
 * change of such a rule concerns only objects with one of its inputs. Found out
 * by asking the rule about an object without attributes. Rules that read more
 * than attributes (the time, chance, the target's values, a name) may do
 * anything.
 *
 * The text of a part ends with it: MARK what it does, MARK name, MARK name ...
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/changes.h"

#define MARK INPUTS_MARK

static void note_read(void *data, enum expr_view view, uint32_t id)
{
	struct inputs *inputs = data;

	if (id == ATTR_DN || view != EXPR_VIEW_HERE) {
		inputs->unknown = true;
		return;
	}
	strbuf_addc(&inputs->names, MARK);
	strbuf_adds(&inputs->names, inputs->sync->config->attr_names[id]);
}

static void note_expr(struct inputs *inputs, const struct expr *expr)
{
	if (!expr)
		return;
	if (expr_uses_now(expr) || expr_unstable(expr))
		inputs->unknown = true;
	expr_reads(expr, note_read, inputs);
}

void inputs_rule(struct inputs *inputs, const struct expr *when,
		 const struct expr *source, enum absent of_null)
{
	const struct rules_view nothing = { 0 };
	struct sync *sync = inputs->sync;
	struct error ignored = ERROR_INIT;
	enum absent absent = ABSENT_NOTHING;
	struct expr_result result;
	bool asked;

	note_expr(inputs, when);
	note_expr(inputs, source);
	if (rules_condition(&sync->rules, when, &nothing, &sync->scratch,
			    &asked, &ignored) < 0 ||
	    (asked && rules_eval(&sync->rules, source, &nothing, &sync->scratch,
				 &result, &ignored) < 0)) {
		inputs->unknown = true;
		return;
	}
	if (asked && result.kind == EXPR_NULL)
		absent = of_null;
	else if (asked)
		inputs->unknown = true;
	if (inputs->rules++ && absent != inputs->absent)
		inputs->unknown = true;
	inputs->absent = absent;
}

void inputs_add(struct inputs *inputs, struct strbuf *text)
{
	if (inputs->unknown)
		return;
	strbuf_addc(text, MARK);
	strbuf_addc(text, (char)('0' + inputs->absent));
	strbuf_addsv(text, strbuf_sv(&inputs->names));
}

/* What stands behind the first MARK; empty: it may do anything. */
static struct sv marked(struct sv text)
{
	size_t at = sv_find(text, MARK, 0);

	return at < text.len ? sv_sub(text, at + 1, text.len) : SV_NULL;
}

struct sv inputs_of_change(const struct part *old, const struct part *new,
			   struct arena *arena)
{
	struct sv a = old ? marked(old->text) : SV_NULL;
	struct sv b = new ? marked(new->text) : SV_NULL;
	const char nothing = '0' + ABSENT_NOTHING;

	if ((old && !a.len) || (new && !b.len))
		return SV_NULL;
	if ((old ? a.ptr[0] : nothing) != (new ? b.ptr[0] : nothing))
		return SV_NULL;
	return sv_from(arena_printf(arena, SV_FMT "%c" SV_FMT,
				    SV_ARG(sv_sub(a, a.len ? 1 : 0, a.len)),
				    MARK,
				    SV_ARG(sv_sub(b, b.len ? 1 : 0, b.len))));
}

/* The configuration's number of a name, also one that is in no file. */
static attr_id number_of(struct store *store, struct sv name)
{
	const struct attr_map *map = store_attr_map(store);
	uint32_t number = store_name_find(store, NAME_ATTRIBUTE, name);

	return number && number < map->from_store_len ? map->from_store[number]
						      : ATTR_NONE;
}

size_t inputs_resolve(struct store *store, struct sv inputs,
		      struct arena *arena, attr_id **out)
{
	size_t count = 0;

	*out = arena_array(arena, inputs.len + 1, sizeof(**out));
	while (inputs.len) {
		size_t end = sv_find(inputs, MARK, 0);
		attr_id attr = number_of(store, sv_sub(inputs, 0, end));

		if (end && attr)
			(*out)[count++] = attr;
		inputs = end < inputs.len ? sv_sub(inputs, end + 1, inputs.len)
					  : SV_NULL;
	}
	return count;
}
