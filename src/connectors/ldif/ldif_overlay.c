/*
 * ldif_overlay.c - apply a log of changes to a stream of entries
 *
 * Each entry that a change names has a patch: where it was in the content (its
 * origin, unless the changes added it), where it is now, and its records. A
 * renamed entry takes those below it along, both patched ones (moved when the
 * rename is noted) and others (found by their nearest ancestor when they
 * stream by).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif_overlay.h"

#include "base/map.h"
#include "base/vec.h"
#include "model/dn.h"

#include <string.h>

struct ref {
	int fd;
	uint64_t begin;
	uint64_t end;
	struct ref *next;
};

struct patch {
	size_t index;     /* in `patches` */
	struct sv origin; /* folded; empty: not in the content */
	struct sv dn;     /* now, as text */
	struct sv folded; /* now */
	bool added;
	bool renamed; /* itself or an ancestor */
	bool gone;
	bool seen; /* its content streamed by */
	struct ref *first;
	struct ref *last;
};

#define NOBODY UINT64_MAX

struct ldif_overlay {
	struct arena arena;
	VEC(struct patch *) patches;
	struct namemap *origins; /* folded origin -> patch */
	struct namemap *now;     /* folded name -> patch, or NOBODY */
	struct namemap *below;   /* folded name -> patches below it now */
	bool renames;
};

struct ldif_overlay *ldif_overlay_new(void)
{
	struct ldif_overlay *overlay = mem_zalloc(sizeof(*overlay));

	overlay->origins = namemap_new(false);
	overlay->now = namemap_new(false);
	overlay->below = namemap_new(false);
	return overlay;
}

void ldif_overlay_free(struct ldif_overlay *overlay)
{
	if (!overlay)
		return;
	namemap_free(overlay->origins);
	namemap_free(overlay->now);
	namemap_free(overlay->below);
	vec_release(&overlay->patches);
	arena_release(&overlay->arena);
	mem_free(overlay);
}

static struct patch *look_up(const struct ldif_overlay *o,
			     const struct namemap *map, struct sv folded)
{
	uint64_t at;

	if (!namemap_get(map, folded, &at) || at == NOBODY)
		return NULL;
	return o->patches.at[at];
}

/* Counts a patch in or out of all that stand above `folded`. */
static void count_below(struct ldif_overlay *o, struct sv folded, bool in)
{
	struct sv rdn;

	while (dn_split(folded, &rdn, &folded) && folded.len) {
		uint64_t count = 0;

		(void)namemap_get(o->below, folded, &count);
		namemap_put(o->below, folded, in ? count + 1 : count - 1);
	}
}

static void leave(struct ldif_overlay *o, struct patch *p)
{
	namemap_put(o->now, p->folded, NOBODY);
	count_below(o, p->folded, false);
}

static void settle(struct ldif_overlay *o, struct patch *p, struct sv dn)
{
	p->dn = arena_dup(&o->arena, dn);
	p->folded = dn_fold(p->dn, &o->arena);
	namemap_put(o->now, p->folded, p->index);
	count_below(o, p->folded, true);
}

static struct patch *new_patch(struct ldif_overlay *o, struct sv dn)
{
	struct patch *p = arena_zalloc(&o->arena, sizeof(*p));

	p->index = o->patches.len;
	vec_push(&o->patches, p);
	settle(o, p, dn);
	return p;
}

/* "cn=a,OLD" -> "cn=a,NEW": the last RDNs of `dn`, all but `keep`, become
 * `parent`. */
static struct sv rebase(struct sv dn, size_t keep, struct sv parent,
			struct arena *arena)
{
	struct sv rest = dn;
	struct sv rdn = sv_sub(dn, 0, 0);
	size_t i;

	for (i = 0; i < keep; i++)
		if (!dn_split(rest, &rdn, &rest))
			return dn;
	return dn_join(sv_sub(dn, 0, (size_t)(rdn.ptr + rdn.len - dn.ptr)),
		       parent, arena);
}

/* The folded place in the content of what now is at `folded`: below a renamed
 * entry it is where that came from. */
static struct sv origin_of(struct ldif_overlay *o, struct sv folded)
{
	struct sv above = folded;
	struct sv rdn;
	size_t depth = 0;

	if (!o->renames)
		return folded;
	while (dn_split(above, &rdn, &above) && above.len) {
		struct patch *p = look_up(o, o->now, above);

		depth++;
		if (p && p->origin.len)
			return rebase(folded, depth, p->origin, &o->arena);
	}
	return folded;
}

/* The patch of what now has this name; a new one when it has none yet. */
static struct patch *present(struct ldif_overlay *o, struct sv dn)
{
	struct arena scratch = ARENA_INIT;
	struct sv folded = dn_fold(dn, &scratch);
	uint64_t at;
	struct patch *p;

	if (namemap_get(o->now, folded, &at)) {
		p = at == NOBODY ? new_patch(o, dn) : o->patches.at[at];
	} else {
		p = new_patch(o, dn);
		p->origin = arena_dup(&o->arena, origin_of(o, folded));
		p->renamed = !sv_eq(p->origin, folded);
		namemap_put(o->origins, p->origin, p->index);
	}
	arena_release(&scratch);
	return p;
}

static void add_ref(struct ldif_overlay *o, struct patch *p, int fd,
		    const struct ldif_record *record)
{
	struct ref *ref = arena_zalloc(&o->arena, sizeof(*ref));

	ref->fd = fd;
	ref->begin = record->begin;
	ref->end = record->end;
	if (p->last)
		p->last->next = ref;
	else
		p->first = ref;
	p->last = ref;
}

/* How many RDNs `folded` lies below `old`; 0: it does not. */
static size_t steps_below(struct sv folded, struct sv old)
{
	struct sv rdn;
	size_t steps = 0;

	if (!sv_ends(folded, old))
		return 0;
	while (folded.len > old.len && dn_split(folded, &rdn, &folded))
		steps++;
	return sv_eq(folded, old) ? steps : 0;
}

/* Patches below the old name follow the rename. */
static void move_below(struct ldif_overlay *o, struct sv old, struct sv new_dn)
{
	uint64_t count = 0;
	size_t i;

	(void)namemap_get(o->below, old, &count);
	for (i = 0; i < o->patches.len && count; i++) {
		struct patch *p = o->patches.at[i];
		size_t steps = p->gone ? 0 : steps_below(p->folded, old);

		if (!steps)
			continue;
		leave(o, p);
		settle(o, p, rebase(p->dn, steps, new_dn, &o->arena));
		p->renamed = true;
		count--;
	}
}

static void note_add(struct ldif_overlay *o, int fd,
		     const struct ldif_record *record)
{
	struct arena scratch = ARENA_INIT;
	struct patch *p = look_up(o, o->now, dn_fold(record->dn, &scratch));

	if (p) {
		p->gone = true;
		leave(o, p);
	}
	p = new_patch(o, record->dn);
	p->added = true;
	add_ref(o, p, fd, record);
	arena_release(&scratch);
}

static void note_rename(struct ldif_overlay *o, int fd,
			const struct ldif_record *record)
{
	struct patch *p = present(o, record->dn);
	struct sv old = p->folded;

	add_ref(o, p, fd, record);
	leave(o, p);
	settle(o, p, record->new_dn);
	p->renamed = true;
	o->renames = true;
	move_below(o, old, p->dn);
}

void ldif_overlay_note(struct ldif_overlay *o, int fd,
		       const struct ldif_record *record)
{
	struct patch *p;

	switch (record->kind) {
	case LDIF_CONTENT:
	case LDIF_ADD:
		note_add(o, fd, record);
		break;
	case LDIF_MODIFY:
		add_ref(o, present(o, record->dn), fd, record);
		break;
	case LDIF_DELETE:
		p = present(o, record->dn);
		p->gone = true;
		leave(o, p);
		break;
	case LDIF_RENAME:
		note_rename(o, fd, record);
		break;
	}
}

static int apply_ref(const struct ref *ref, struct arena *arena,
		     struct ldif_entry *entry, struct error *err)
{
	struct ldif_record record;
	size_t i;

	if (ldif_reread(ref->fd, ref->begin, ref->end, arena, &record, err) < 0)
		return -1;
	switch (record.kind) {
	case LDIF_CONTENT:
	case LDIF_ADD:
		ldif_entry_init(entry, record.dn, record.lines,
				record.line_count, arena);
		break;
	case LDIF_MODIFY:
		for (i = 0; i < record.mod_count; i++)
			ldif_entry_apply(entry, &record.mods[i]);
		break;
	case LDIF_RENAME:
		ldif_entry_rename(entry, record.new_dn, record.delete_old);
		break;
	case LDIF_DELETE:
		break;
	}
	return 0;
}

static int apply_all(const struct patch *p, struct arena *arena,
		     struct ldif_entry *entry, struct error *err)
{
	const struct ref *ref;

	for (ref = p->first; ref; ref = ref->next)
		if (apply_ref(ref, arena, entry, err) < 0)
			return -1;
	if (p->renamed)
		entry->dn = p->dn;
	return 1;
}

/* An entry without a patch moves with the nearest one above it. */
static bool moved_along(struct ldif_overlay *o, struct sv dn, struct sv folded,
			struct arena *arena, struct sv *new_dn)
{
	struct sv above = folded;
	struct sv rdn;
	size_t depth = 0;

	while (o->renames && dn_split(above, &rdn, &above) && above.len) {
		const struct patch *p = look_up(o, o->origins, above);

		depth++;
		if (!p)
			continue;
		if (!p->renamed || p->gone)
			return false;
		*new_dn = rebase(dn, depth, p->dn, arena);
		return true;
	}
	return false;
}

int ldif_overlay_apply(struct ldif_overlay *o,
		       const struct ldif_record *content, struct arena *arena,
		       struct ldif_entry *out, bool *changed_out,
		       struct error *err)
{
	struct sv folded = dn_fold(content->dn, arena);
	struct patch *p = look_up(o, o->origins, folded);
	struct sv new_dn;

	*changed_out = false;
	if (p) {
		p->seen = true;
		if (p->gone)
			return 0;
		*changed_out = true;
		ldif_entry_init(out, content->dn, content->lines,
				content->line_count, arena);
		return apply_all(p, arena, out, err);
	}
	if (namemap_get(o->now, folded, NULL))
		return 0;
	if (moved_along(o, content->dn, folded, arena, &new_dn)) {
		*changed_out = true;
		ldif_entry_init(out, new_dn, content->lines,
				content->line_count, arena);
	}
	return 1;
}

int ldif_overlay_next_added(struct ldif_overlay *o, size_t *cursor,
			    struct arena *arena, struct ldif_entry *out,
			    struct error *err)
{
	while (*cursor < o->patches.len) {
		const struct patch *p = o->patches.at[(*cursor)++];

		if (p->added && !p->gone)
			return apply_all(p, arena, out, err);
	}
	return 0;
}

int ldif_overlay_next_lost(const struct ldif_overlay *o, size_t *cursor,
			   struct sv *dn_out)
{
	while (*cursor < o->patches.len) {
		const struct patch *p = o->patches.at[(*cursor)++];

		if (!p->added && !p->seen && !p->gone) {
			*dn_out = p->dn;
			return 1;
		}
	}
	return 0;
}
