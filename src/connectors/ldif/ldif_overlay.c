/*
 * ldif_overlay.c - apply a log of changes to a stream of entries
 *
 * Each entry that a change names has a patch: where it was in the content (its
 * origin, unless the changes added it), where it is now, and its records. A
 * renamed entry takes those below it along, both patched ones (moved when the
 * rename is noted) and others (found by their nearest ancestor when they
 * stream by). References are taken through the renames between the records that
 * an entry has, each of which speaks of the names of its time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif_overlay.h"

#include "base/map.h"
#include "base/vec.h"
#include "connectors/ldif/ldif_renames.h"
#include "model/dn.h"

#include <string.h>

struct ref {
	int fd;
	uint64_t begin;
	uint64_t end;
	size_t time; /* how many renames came before */
	struct ref *next;
};

struct patch {
	size_t index;     /* in `patches` */
	struct sv origin; /* folded; empty: not in the content; of an added
			   * one the content's entry that it replaces */
	struct sv dn;     /* now, as text */
	struct sv folded; /* now */
	bool added;
	bool renamed; /* itself or an ancestor */
	bool gone;
	bool seen; /* its content streamed by */
	struct ref *first;
	struct ref *last;
};

/* Who had the name left it: it is not known, as others are not. */
#define NOBODY UINT64_MAX

struct ldif_overlay {
	struct arena arena;
	VEC(struct patch *) patches;
	struct namemap *origins; /* folded origin -> patch */
	struct namemap *now;     /* folded name -> patch, or NOBODY */
	struct namemap *below;   /* folded name -> patches below it now */
	struct ldif_renames *renames;
};

struct ldif_overlay *ldif_overlay_new(const struct object_type *types,
				      size_t type_count)
{
	struct ldif_overlay *overlay = mem_zalloc(sizeof(*overlay));

	overlay->renames = ldif_renames_new(types, type_count);
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
	ldif_renames_free(overlay->renames);
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

/* The renamed patch, nearest above a name of the content, that takes what has
 * no patch along; *depth_out: how far above. NULL: it stays. */
static const struct patch *carrier(const struct ldif_overlay *o,
				   struct sv folded, size_t *depth_out)
{
	const struct patch *p;
	struct sv rdn;

	*depth_out = 0;
	if (!ldif_renames_time(o->renames))
		return NULL;
	while (dn_split(folded, &rdn, &folded) && folded.len) {
		++*depth_out;
		p = look_up(o, o->origins, folded);
		if (p)
			return p->renamed && !p->gone ? p : NULL;
	}
	return NULL;
}

/* The name in the content, folded, of what is at `folded` now and has no patch:
 * below a renamed entry it is where that came from. Empty when nothing of the
 * content can be there, because it has a patch, moved away, or what is above is
 * new. */
static struct sv origin_of(const struct ldif_overlay *o, struct sv folded,
			   struct arena *arena)
{
	const struct patch *p = NULL;
	struct sv origin = folded;
	struct sv above = folded;
	struct sv rdn;
	size_t depth = 0;

	if (ldif_renames_time(o->renames))
		while (!p && dn_split(above, &rdn, &above) && above.len) {
			p = look_up(o, o->now, above);
			depth++;
		}
	if (p && !p->origin.len)
		return SV_NULL;
	if (p)
		origin = ldif_rebase(folded, depth, p->origin, arena);
	if (namemap_get(o->origins, origin, NULL))
		return SV_NULL;
	/* Did it come here, not go elsewhere with one in between? */
	p = carrier(o, origin, &depth);
	if (p && !sv_eq(ldif_rebase(origin, depth, p->folded, arena), folded))
		return SV_NULL;
	return p || sv_eq(origin, folded) ? origin : SV_NULL;
}

/* Ties a new patch to the entry of the content that it speaks of. */
static void set_origin(struct ldif_overlay *o, struct patch *p)
{
	struct sv origin = origin_of(o, p->folded, &o->arena);

	if (!origin.len)
		return;
	p->origin = origin;
	p->renamed = !sv_eq(origin, p->folded);
	namemap_put(o->origins, origin, p->index);
}

/* Is it an entry, as far as the changes tell? */
static bool exists(const struct patch *p)
{
	return p->added || p->origin.len;
}

/* The patch of what now has this name; a new one when it has none yet. */
static struct patch *present(struct ldif_overlay *o, struct sv dn)
{
	struct arena scratch = ARENA_INIT;
	struct patch *p = look_up(o, o->now, dn_fold(dn, &scratch));

	if (!p) {
		p = new_patch(o, dn);
		set_origin(o, p);
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
	ref->time = ldif_renames_time(o->renames);
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
		settle(o, p, ldif_rebase(p->dn, steps, new_dn, &o->arena));
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
	set_origin(o, p);
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
	if (exists(p))
		ldif_renames_note(o->renames, old, p->dn);
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

enum ldif_name ldif_overlay_find(const struct ldif_overlay *o, struct sv dn,
				 struct arena *arena, struct sv *out)
{
	struct sv folded = dn_fold(dn, arena);
	const struct patch *p = look_up(o, o->now, folded);

	*out = SV_NULL;
	if (p && p->added)
		return LDIF_NAME_ADDED;
	*out = p ? p->origin : origin_of(o, folded, arena);
	return out->len ? LDIF_NAME_CONTENT : LDIF_NAME_FREE;
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

static int apply_all(struct ldif_overlay *o, const struct patch *p,
		     struct arena *arena, struct ldif_entry *entry,
		     struct error *err)
{
	const struct ref *ref;
	size_t time = 0;

	for (ref = p->first; ref; ref = ref->next) {
		ldif_renames_entry(o->renames, entry, time, ref->time);
		if (apply_ref(ref, arena, entry, err) < 0)
			return -1;
		time = ref->time;
	}
	ldif_renames_entry(o->renames, entry, time,
			   ldif_renames_time(o->renames));
	if (p->renamed)
		entry->dn = p->dn;
	return 1;
}

/* An entry that no change names: it may move with one above it, and its
 * references may follow others. */
static int apply_unnamed(struct ldif_overlay *o,
			 const struct ldif_record *content, struct sv folded,
			 struct arena *arena, struct ldif_entry *out,
			 bool *changed_out)
{
	struct sv dn = content->dn;
	size_t depth;
	const struct patch *p = carrier(o, folded, &depth);

	*changed_out = p;
	if (p) {
		dn = ldif_rebase(dn, depth, p->dn, arena);
		folded = dn_fold(dn, arena);
	}
	p = look_up(o, o->now, folded);
	if (p && exists(p))
		return 0; /* replaced by what was renamed to its name */
	if (!*changed_out && !ldif_renames_touch(o->renames, content->lines,
						 content->line_count))
		return 1;
	*changed_out = true;
	ldif_entry_init(out, dn, content->lines, content->line_count, arena);
	ldif_renames_entry(o->renames, out, 0, ldif_renames_time(o->renames));
	return 1;
}

int ldif_overlay_apply(struct ldif_overlay *o,
		       const struct ldif_record *content, struct arena *arena,
		       struct ldif_entry *out, bool *changed_out,
		       struct error *err)
{
	struct sv folded = dn_fold(content->dn, arena);
	struct patch *p = look_up(o, o->origins, folded);

	*changed_out = false;
	if (!p)
		return apply_unnamed(o, content, folded, arena, out,
				     changed_out);
	p->seen = true;
	if (p->gone || p->added)
		return 0;
	*changed_out = true;
	ldif_entry_init(out, content->dn, content->lines, content->line_count,
			arena);
	return apply_all(o, p, arena, out, err);
}

int ldif_overlay_next_added(struct ldif_overlay *o, size_t *cursor,
			    struct arena *arena, struct ldif_entry *out,
			    struct error *err)
{
	while (*cursor < o->patches.len) {
		const struct patch *p = o->patches.at[(*cursor)++];

		if (p->added && !p->gone)
			return apply_all(o, p, arena, out, err);
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
