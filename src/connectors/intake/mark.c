/*
 * mark.c - what was read before, in the agent's watermark
 *
 *	seen HASH SOURCE	a file that was imported, oldest first
 *	rows COUNT SOURCE	of the last full import
 *	tag HEX SOURCE		what the server calls the file that was fetched
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/intake/intake_private.h"

#include <inttypes.h>

#define SEEN_MAX 1000 /* hashes that are kept of a source */

static void parse_line(struct intake *in, struct sv line)
{
	size_t first = sv_find(line, ' ', 0);
	size_t second = first < line.len ? sv_find(line, ' ', first + 1)
					 : line.len;
	struct mark_line *new;

	if (second == line.len)
		return;
	new = arena_zalloc(&in->arena, sizeof(*new));
	new->word = sv_sub(line, 0, first);
	new->value = sv_sub(line, first + 1, second);
	new->id = sv_sub(line, second + 1, line.len);
	vec_push(&in->old, new);
}

void mark_parse(struct intake *in, struct sv mark)
{
	size_t at = 0;

	mark = arena_dup(&in->arena, mark);
	while (at < mark.len) {
		size_t end = sv_find(mark, '\n', at);

		parse_line(in, sv_sub(mark, at, end));
		at = end + 1;
	}
}

static bool is_line(const struct mark_line *line, const char *word,
		    const struct intake_source *source)
{
	return sv_eq_str(line->word, word) && sv_eq_str(line->id, source->id);
}

bool mark_seen(const struct intake *in, const struct intake_source *source,
	       const char *hash)
{
	size_t i;

	for (i = 0; i < in->old.len; i++)
		if (is_line(in->old.at[i], "seen", source) &&
		    sv_eq_str(in->old.at[i]->value, hash))
			return true;
	return false;
}

struct sv mark_last(const struct intake *in, const struct intake_source *source,
		    const char *word)
{
	size_t i = in->old.len;

	while (i--)
		if (is_line(in->old.at[i], word, source))
			return in->old.at[i]->value;
	return SV_NULL;
}

/* What was taken says the same, or something else in its place. */
static bool is_said_anew(const struct intake *in, const struct mark_line *line)
{
	size_t i;

	for (i = 0; i < in->found.len; i++)
		if (sv_eq_str(line->word, "rows") && in->found.at[i]->ended &&
		    sv_eq_str(line->id, in->found.at[i]->source->id))
			return true;
	for (i = 0; i < in->taken.len; i++) {
		const struct taken *taken = in->taken.at[i];

		if (taken->state != TAKEN_READ ||
		    !sv_eq_str(line->id, taken->source->id))
			continue;
		if (sv_eq_str(line->word, "seen") &&
		    sv_eq_str(line->value, taken->hash))
			return true;
		if (sv_eq_str(line->word, "tag") && taken->last)
			return true;
	}
	return false;
}

static void add_line(struct strbuf *out, struct sv word, struct sv value,
		     struct sv id)
{
	strbuf_addf(out, "%s" SV_FMT " " SV_FMT " " SV_FMT,
		    out->len ? "\n" : "", SV_ARG(word), SV_ARG(value),
		    SV_ARG(id));
}

/* How many hashes of the same source stand behind a line: past a thousand. */
static bool is_long_ago(const struct intake *in, size_t at)
{
	size_t behind = 0;
	size_t i;

	if (in->old.len <= SEEN_MAX)
		return false;
	for (i = at + 1; i < in->old.len; i++)
		behind += sv_eq(in->old.at[i]->id, in->old.at[at]->id);
	return behind >= SEEN_MAX;
}

static void add_taken(const struct intake *in, struct strbuf *out)
{
	size_t i;

	for (i = 0; i < in->taken.len; i++) {
		const struct taken *taken = in->taken.at[i];
		struct sv id = sv_from(taken->source->id);

		if (taken->state != TAKEN_READ)
			continue;
		if (taken->hash[0])
			add_line(out, SV_LIT("seen"), sv_from(taken->hash), id);
		if (taken->tag.len && taken->last)
			add_line(out, SV_LIT("tag"), taken->tag, id);
	}
}

/* A count for each full import that tells one by the other. */
static void add_rows(const struct intake *in, struct strbuf *out,
		     struct arena *arena)
{
	size_t i;

	for (i = 0; i < in->found.len; i++) {
		const struct found *found = in->found.at[i];

		if (found->ended && found->source->percent)
			add_line(out, SV_LIT("rows"),
				 sv_from(arena_printf(arena, "%" PRIu64,
						      found->rows)),
				 sv_from(found->source->id));
	}
}

struct sv intake_mark(const struct intake *in, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv mark;
	size_t i;

	for (i = 0; i < in->old.len; i++) {
		const struct mark_line *line = in->old.at[i];

		if (!is_said_anew(in, line) && !is_long_ago(in, i))
			add_line(&out, line->word, line->value, line->id);
	}
	add_taken(in, &out);
	add_rows(in, &out, arena);
	mark = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return mark;
}
