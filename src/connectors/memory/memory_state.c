/*
 * memory_state.c - entries in memory
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/memory/memory_state.h"

#include "base/file.h"
#include "base/hash.h"
#include "connectors/spool.h"
#include "model/dn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct sv HEAD = { "# memory: ", 10 };

static void index_entry(struct memory_state *state, struct sv dn, uint64_t at)
{
	struct arena scratch = ARENA_INIT;

	namemap_put(state->by_dn, dn_fold(dn, &scratch), at);
	arena_release(&scratch);
}

static uint64_t place_of(const struct memory_state *state,
			 const struct memory_entry *entry)
{
	uint64_t i;

	for (i = 0; i < state->entries.len; i++)
		if (state->entries.at[i] == entry)
			return i;
	return MEMORY_NONE;
}

struct memory_entry *memory_find(const struct memory_state *state, struct sv dn)
{
	struct arena scratch = ARENA_INIT;
	uint64_t at = MEMORY_NONE;

	(void)namemap_get(state->by_dn, dn_fold(dn, &scratch), &at);
	arena_release(&scratch);
	return at == MEMORY_NONE ? NULL : state->entries.at[at];
}

bool memory_has_children(const struct memory_state *state, struct sv dn)
{
	size_t i;

	for (i = 0; i < state->entries.len; i++) {
		const struct memory_entry *e = state->entries.at[i];

		if (!e->gone && e->entry.dn.len && dn_within(e->entry.dn, dn) &&
		    !dn_equal(e->entry.dn, dn))
			return true;
	}
	return false;
}

static struct memory_entry *push_entry(struct memory_state *state, struct sv dn)
{
	struct memory_entry *e = arena_zalloc(&state->arena, sizeof(*e));

	ldif_entry_init(&e->entry, arena_dup(&state->arena, dn), NULL, 0,
			&state->arena);
	vec_push(&state->entries, e);
	return e;
}

struct memory_entry *memory_add(struct memory_state *state, struct sv dn)
{
	struct memory_entry *e = push_entry(state, dn);

	e->anchor = ++state->last_anchor;
	e->created = ++state->counter;
	e->changed = e->created;
	index_entry(state, e->entry.dn, state->entries.len - 1);
	state->dirty = true;
	return e;
}

void memory_touch(struct memory_state *state, struct memory_entry *e)
{
	e->changed = ++state->counter;
	state->dirty = true;
}

static void move(struct memory_state *state, struct memory_entry *e,
		 struct sv new_dn)
{
	index_entry(state, e->entry.dn, MEMORY_NONE);
	e->old_dn = e->entry.dn;
	e->entry.dn = arena_dup(&state->arena, new_dn);
	index_entry(state, e->entry.dn, place_of(state, e));
	memory_touch(state, e);
	e->renamed = e->changed;
}

void memory_rename(struct memory_state *state, struct memory_entry *entry,
		   struct sv new_dn)
{
	struct sv old = entry->entry.dn;
	size_t depth = dn_depth(old);
	size_t i;

	ldif_entry_rename(&entry->entry, new_dn, true);
	entry->entry.dn = old;
	move(state, entry, new_dn);
	for (i = 0; i < state->entries.len; i++) {
		struct memory_entry *e = state->entries.at[i];
		struct sv rest = e->entry.dn;
		struct sv rdn = SV_NULL;
		size_t keep;

		if (e == entry || e->gone || !rest.len || !dn_within(rest, old))
			continue;
		for (keep = dn_depth(rest) - depth; keep > 0; keep--)
			(void)dn_split(rest, &rdn, &rest);
		rest = sv_make(e->entry.dn.ptr,
			       (size_t)(rdn.ptr + rdn.len - e->entry.dn.ptr));
		move(state, e, dn_join(rest, new_dn, &state->arena));
	}
}

void memory_delete(struct memory_state *state, struct memory_entry *e)
{
	index_entry(state, e->entry.dn, MEMORY_NONE);
	e->gone = true;
	memory_touch(state, e);
}

void memory_state_release(struct memory_state *state)
{
	namemap_free(state->by_dn);
	vec_release(&state->entries);
	arena_release(&state->arena);
	memset(state, 0, sizeof(*state));
}

static uint64_t number(struct sv text)
{
	int64_t n = 0;

	return sv_to_i64(text, &n) && n > 0 ? (uint64_t)n : 0;
}

/* "# memory: GENERATION COUNTER LAST-ANCHOR" */
static void read_head(struct memory_state *state, struct sv text)
{
	size_t end = sv_find(text, '\n', 0);
	struct sv line = sv_sub(text, 0, end);
	size_t first;
	size_t second;

	if (!sv_starts(line, HEAD))
		return;
	line = sv_sub(line, HEAD.len, line.len);
	first = sv_find(line, ' ', 0);
	if (first == line.len)
		return;
	second = sv_find(line, ' ', first + 1);
	if (second == line.len)
		return;
	(void)snprintf(state->generation, sizeof(state->generation), SV_FMT,
		       SV_ARG(sv_sub(line, 0, first)));
	state->counter = number(sv_sub(line, first + 1, second));
	state->last_anchor = number(sv_sub(line, second + 1, line.len));
}

/* One of the lines that tell about the entry: 1 it was one, 0 not. */
static int read_own(struct memory_state *state, struct memory_entry *e,
		    const struct ldif_line *line)
{
	size_t blank;

	if (sv_eq_str(line->name, "x-anchor")) {
		e->anchor = number(line->value);
	} else if (sv_eq_str(line->name, "x-created")) {
		e->created = number(line->value);
	} else if (sv_eq_str(line->name, "x-changed")) {
		e->changed = number(line->value);
	} else if (sv_eq_str(line->name, "x-deleted")) {
		e->gone = true;
	} else if (sv_eq_str(line->name, "x-renamed")) {
		blank = sv_find(line->value, ' ', 0);
		e->renamed = number(sv_sub(line->value, 0, blank));
		if (blank < line->value.len)
			e->old_dn = arena_dup(&state->arena,
					      sv_sub(line->value, blank + 1,
						     line->value.len));
	} else {
		return 0;
	}
	return 1;
}

static void load_record(struct memory_state *state, const struct ldif_record *r)
{
	struct memory_entry *e = push_entry(state, r->dn);
	size_t i;

	e->error = r->error;
	e->message = r->message;
	for (i = 0; i < r->line_count; i++)
		if (!read_own(state, e, &r->lines[i]))
			ldif_entry_add(&e->entry, r->lines[i].name,
				       r->lines[i].value);
	if (!e->anchor) {
		e->anchor = ++state->last_anchor;
		e->created = ++state->counter;
		e->changed = e->created;
		state->dirty = true;
	}
	if (!e->gone && e->entry.dn.len)
		index_entry(state, e->entry.dn, state->entries.len - 1);
}

int memory_state_load(struct memory_state *state, struct sv text,
		      const char *name, struct error *err)
{
	struct ldif_reader reader;
	struct ldif_record record;
	unsigned char uuid[16];
	int ret;

	state->by_dn = namemap_new(false);
	read_head(state, text);
	if (!state->generation[0]) {
		uuid_random(uuid);
		uuid_format(uuid, state->generation);
		state->dirty = true;
	}
	ldif_reader_init_text(&reader, text, name);
	while ((ret = ldif_reader_next(&reader, &state->arena, &record, err)) >
	       0)
		load_record(state, &record);
	ldif_reader_release(&reader);
	return ret;
}

static void write_number(struct strbuf *out, const char *name, uint64_t n)
{
	if (n)
		strbuf_addf(out, "%s: %" PRIu64 "\n", name, n);
}

static void write_entry(const struct memory_entry *e, struct strbuf *out)
{
	struct strbuf renamed = STRBUF_INIT(STRBUF_NO_LIMIT);

	if (e->error) { /* again something that cannot be read */
		if (e->entry.dn.len)
			ldif_write_line(out, SV_LIT("dn"), e->entry.dn, 0);
		strbuf_adds(out, "!\n\n");
		return;
	}
	ldif_entry_write(&e->entry, out, 0);
	write_number(out, "x-anchor", e->anchor);
	write_number(out, "x-created", e->created);
	write_number(out, "x-changed", e->changed);
	if (e->gone)
		strbuf_adds(out, "x-deleted: 1\n");
	if (e->renamed) {
		strbuf_addf(&renamed, "%" PRIu64 " " SV_FMT, e->renamed,
			    SV_ARG(e->old_dn));
		ldif_write_line(out, SV_LIT("x-renamed"), strbuf_sv(&renamed),
				0);
		strbuf_release(&renamed);
	}
	strbuf_addc(out, '\n');
}

int memory_state_save(struct memory_state *state, const char *path,
		      struct error *err)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct file_replace file;
	size_t i;
	int ret;

	if (!state->dirty)
		return 0;
	strbuf_addf(&out, SV_FMT "%s %" PRIu64 " %" PRIu64 "\n\n", SV_ARG(HEAD),
		    state->generation, state->counter, state->last_anchor);
	for (i = 0; i < state->entries.len; i++)
		write_entry(state->entries.at[i], &out);
	ret = spool_replace(&file, path, err);
	if (ret == 0 && fwrite(out.ptr, 1, out.len, file.stream) != out.len)
		ret = error_errno(err, errno, "cannot write '%s'", path);
	if (ret == 0)
		ret = file_replace_commit(&file, err);
	else
		file_replace_abort(&file);
	strbuf_release(&out);
	state->dirty = ret < 0;
	return ret;
}
