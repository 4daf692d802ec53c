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
 * There may be a million patches: each keeps its texts once, and names are
 * found by their hashes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif_overlay.h"

#include "base/map.h"
#include "base/vec.h"
#include "connectors/ldif/ldif_renames.h"
#include "model/dn.h"

#include <stdint.h>
#include <string.h>

/* A text that is kept. */
struct name {
	size_t len;
	char text[];
};

struct ref {
	uint64_t begin;
	uint64_t end;
	uint32_t time; /* how many renames came before */
	uint32_t next; /* 1 + index of the one behind it; 0: none */
};

struct patch {
	const struct name *dn;     /* now, as text */
	const struct name *folded; /* now */
	const struct name *origin; /* folded; NULL: not in the content; of an
				    * added one the content's entry that it
				    * replaces */
	uint32_t first;            /* 1 + index in `refs`; 0: none */
	uint32_t last;
	bool added : 1;
	bool renamed : 1; /* itself or an ancestor */
	bool gone : 1;
	bool seen : 1; /* its content streamed by */
};

/* Who had the name left it: it is not known, as others are not. */
#define NOBODY UINT32_MAX

/* What stands in `names`: whose a folded name is now, and whose origin it
 * is; 1 + index in `patches`, 0: not known. */
union owners {
	uint64_t number;
	struct {
		uint32_t now;
		uint32_t origin;
	} of;
};

#define KEEP_SIZE ((size_t)64 * 1024)

struct ldif_overlay {
	const struct ldif_syntax *syntax;
	int fd; /* where the records lie */
	struct arena arena;
	char *free; /* room for texts, in `arena` */
	size_t free_len;
	VEC(struct patch) patches;
	VEC(struct ref) refs;
	struct hashmap names; /* folded name -> owners */
	struct hashmap below; /* folded name -> patches below it now */
	bool counted;         /* `below` is; from the first rename on */
	struct ldif_renames *renames;
};

struct ldif_overlay *ldif_overlay_new(const struct object_type *types,
				      size_t type_count,
				      const struct ldif_syntax *syntax)
{
	struct ldif_overlay *overlay = mem_zalloc(sizeof(*overlay));

	overlay->syntax = syntax;
	overlay->renames = ldif_renames_new(types, type_count);
	hashmap_init(&overlay->names);
	hashmap_init(&overlay->below);
	return overlay;
}

void ldif_overlay_free(struct ldif_overlay *overlay)
{
	if (!overlay)
		return;
	hashmap_release(&overlay->names);
	hashmap_release(&overlay->below);
	ldif_renames_free(overlay->renames);
	vec_release(&overlay->patches);
	vec_release(&overlay->refs);
	arena_release(&overlay->arena);
	mem_free(overlay);
}

static const struct name *keep(struct ldif_overlay *o, struct sv text)
{
	size_t size = (sizeof(struct name) + text.len + sizeof(size_t) - 1) &
		      ~(sizeof(size_t) - 1);
	struct name *name;

	if (o->free_len < size) {
		o->free_len = size > KEEP_SIZE ? size : KEEP_SIZE;
		o->free = arena_alloc(&o->arena, o->free_len);
	}
	name = (struct name *)(void *)o->free;
	o->free += size;
	o->free_len -= size;
	name->len = text.len;
	if (text.len)
		memcpy(name->text, text.ptr, text.len);
	return name;
}

static struct sv text_of(const struct name *name)
{
	return name ? sv_make(name->text, name->len) : SV_NULL;
}

static union owners owners_of(const struct ldif_overlay *o, struct sv folded)
{
	const uint64_t *found = hashmap_find(&o->names, folded);

	return (union owners){ .number = found ? *found : 0 };
}

/* The patch of what has this name now, or NULL. */
static struct patch *by_name(const struct ldif_overlay *o, struct sv folded)
{
	uint32_t at = owners_of(o, folded).of.now;

	return at && at != NOBODY ? &o->patches.at[at - 1] : NULL;
}

/* The patch of what has this name in the content, or NULL. */
static struct patch *by_origin(const struct ldif_overlay *o, struct sv folded)
{
	uint32_t at = owners_of(o, folded).of.origin;

	return at ? &o->patches.at[at - 1] : NULL;
}

static void set_now(struct ldif_overlay *o, struct sv folded, uint32_t at)
{
	uint64_t *slot = hashmap_at(&o->names, folded);
	union owners owners = { .number = *slot };

	owners.of.now = at;
	*slot = owners.number;
}

static uint32_t number_of(const struct ldif_overlay *o, const struct patch *p)
{
	return (uint32_t)(p - o->patches.at) + 1;
}

/* Counts a patch in or out of all that stand above `folded`. */
static void count_below(struct ldif_overlay *o, struct sv folded, bool in)
{
	struct sv rdn;

	while (o->counted && dn_split(folded, &rdn, &folded) && folded.len) {
		uint64_t *count = hashmap_at(&o->below, folded);

		*count = in ? *count + 1 : *count - 1;
	}
}

static void leave(struct ldif_overlay *o, const struct patch *p)
{
	set_now(o, text_of(p->folded), NOBODY);
	count_below(o, text_of(p->folded), false);
}

static void settle_at(struct ldif_overlay *o, struct patch *p, struct sv dn,
		      struct sv folded)
{
	p->dn = keep(o, dn);
	p->folded = sv_eq(folded, dn) ? p->dn : keep(o, folded);
	set_now(o, folded, number_of(o, p));
	count_below(o, folded, true);
}

static void settle(struct ldif_overlay *o, struct patch *p, struct sv dn)
{
	struct arena scratch = ARENA_INIT;

	settle_at(o, p, dn, dn_fold(dn, &scratch));
	arena_release(&scratch);
}

static struct patch *new_patch(struct ldif_overlay *o, struct sv dn,
			       struct sv folded)
{
	struct patch *p;

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it has room */
	vec_push(&o->patches, (struct patch){ .first = 0 });
	p = &o->patches.at[o->patches.len - 1];
	settle_at(o, p, dn, folded);
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
		p = by_origin(o, folded);
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
			p = by_name(o, above);
			depth++;
		}
	if (p && !p->origin)
		return SV_NULL;
	if (p)
		origin = ldif_rebase(folded, depth, text_of(p->origin), arena);
	if (by_origin(o, origin))
		return SV_NULL;
	/* Did it come here, not go elsewhere with one in between? */
	p = carrier(o, origin, &depth);
	if (p && !sv_eq(ldif_rebase(origin, depth, text_of(p->folded), arena),
			folded))
		return SV_NULL;
	return p || sv_eq(origin, folded) ? origin : SV_NULL;
}

/* Ties a new patch to the entry of the content that it speaks of. */
static void set_origin(struct ldif_overlay *o, struct patch *p)
{
	struct arena scratch = ARENA_INIT;
	struct sv folded = text_of(p->folded);
	struct sv origin = origin_of(o, folded, &scratch);

	if (origin.len) {
		uint64_t *slot = hashmap_at(&o->names, origin);
		union owners owners = { .number = *slot };

		owners.of.origin = number_of(o, p);
		*slot = owners.number;
		p->renamed = !sv_eq(origin, folded);
		p->origin = p->renamed ? keep(o, origin) : p->folded;
	}
	arena_release(&scratch);
}

/* Is it an entry, as far as the changes tell? */
static bool exists(const struct patch *p)
{
	return p->added || p->origin;
}

/* The patch of what now has this name; a new one when it has none yet. */
static struct patch *present(struct ldif_overlay *o, struct sv dn)
{
	struct arena scratch = ARENA_INIT;
	struct sv folded = dn_fold(dn, &scratch);
	struct patch *p = by_name(o, folded);

	if (!p) {
		p = new_patch(o, dn, folded);
		set_origin(o, p);
	}
	arena_release(&scratch);
	return p;
}

static void add_ref(struct ldif_overlay *o, struct patch *p,
		    const struct ldif_record *record)
{
	struct ref ref = { record->begin, record->end,
			   (uint32_t)ldif_renames_time(o->renames), 0 };

	if (o->fd < 0)
		return;
	vec_push(&o->refs, ref);
	if (p->last)
		o->refs.at[p->last - 1].next = (uint32_t)o->refs.len;
	else
		p->first = (uint32_t)o->refs.len;
	p->last = (uint32_t)o->refs.len;
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

/* Where nothing is renamed nobody asks. */
static void count_all(struct ldif_overlay *o)
{
	const struct patch *p;

	if (o->counted)
		return;
	o->counted = true;
	vec_foreach(&o->patches, p)
		if (!p->gone)
			count_below(o, text_of(p->folded), true);
}

/* Patches below the old name follow the rename. */
static void move_below(struct ldif_overlay *o, struct sv old, struct sv new_dn)
{
	struct arena scratch = ARENA_INIT;
	const uint64_t *below;
	uint64_t count;
	size_t i;

	count_all(o);
	below = hashmap_find(&o->below, old);
	count = below ? *below : 0;
	for (i = 0; i < o->patches.len && count; i++) {
		struct patch *p = &o->patches.at[i];
		size_t steps = p->gone ? 0
				       : steps_below(text_of(p->folded), old);

		if (!steps)
			continue;
		leave(o, p);
		settle(o, p,
		       ldif_rebase(text_of(p->dn), steps, new_dn, &scratch));
		p->renamed = true;
		count--;
		arena_reset(&scratch);
	}
	arena_release(&scratch);
}

static void note_add(struct ldif_overlay *o, const struct ldif_record *record)
{
	struct arena scratch = ARENA_INIT;
	struct sv folded = dn_fold(record->dn, &scratch);
	struct patch *p = by_name(o, folded);

	if (p) {
		p->gone = true;
		leave(o, p);
	}
	p = new_patch(o, record->dn, folded);
	p->added = true;
	set_origin(o, p);
	add_ref(o, p, record);
	arena_release(&scratch);
}

static void note_rename(struct ldif_overlay *o,
			const struct ldif_record *record)
{
	struct patch *p = present(o, record->dn);
	struct sv old = text_of(p->folded);

	add_ref(o, p, record);
	leave(o, p);
	settle(o, p, record->new_dn);
	p->renamed = true;
	if (exists(p))
		ldif_renames_note(o->renames, old, text_of(p->dn));
	move_below(o, old, text_of(p->dn));
}

void ldif_overlay_note(struct ldif_overlay *o, int fd,
		       const struct ldif_record *record)
{
	struct patch *p;

	o->fd = fd;
	switch (record->kind) {
	case LDIF_CONTENT:
	case LDIF_ADD:
		note_add(o, record);
		break;
	case LDIF_MODIFY:
		add_ref(o, present(o, record->dn), record);
		break;
	case LDIF_DELETE:
		p = present(o, record->dn);
		p->gone = true;
		leave(o, p);
		break;
	case LDIF_RENAME:
		note_rename(o, record);
		break;
	}
}

enum ldif_name ldif_overlay_find(const struct ldif_overlay *o, struct sv dn,
				 struct arena *arena, struct sv *out)
{
	struct sv folded = dn_fold(dn, arena);
	const struct patch *p = by_name(o, folded);

	*out = SV_NULL;
	if (p && p->added)
		return LDIF_NAME_ADDED;
	*out = p ? text_of(p->origin) : origin_of(o, folded, arena);
	return out->len ? LDIF_NAME_CONTENT : LDIF_NAME_FREE;
}

static int apply_ref(const struct ldif_overlay *o, const struct ref *ref,
		     struct arena *arena, struct ldif_entry *entry,
		     struct error *err)
{
	struct ldif_record record;
	size_t i;

	if (ldif_reread(o->syntax, o->fd, ref->begin, ref->end, arena, &record,
			err) < 0)
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
	size_t time = 0;
	uint32_t at;

	for (at = p->first; at; at = o->refs.at[at - 1].next) {
		const struct ref *ref = &o->refs.at[at - 1];

		ldif_renames_entry(o->renames, entry, time, ref->time);
		if (apply_ref(o, ref, arena, entry, err) < 0)
			return -1;
		time = ref->time;
	}
	ldif_renames_entry(o->renames, entry, time,
			   ldif_renames_time(o->renames));
	if (p->renamed)
		entry->dn = text_of(p->dn);
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
		dn = ldif_rebase(dn, depth, text_of(p->dn), arena);
		folded = dn_fold(dn, arena);
	}
	p = by_name(o, folded);
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
	struct patch *p = by_origin(o, folded);

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
		const struct patch *p = &o->patches.at[(*cursor)++];

		if (p->added && !p->gone)
			return apply_all(o, p, arena, out, err);
	}
	return 0;
}

int ldif_overlay_next_whole(const struct ldif_overlay *o, size_t *cursor,
			    uint64_t *begin, uint64_t *end)
{
	const struct patch *p;

	if (ldif_renames_time(o->renames))
		return 0;
	while (*cursor < o->patches.len &&
	       (!o->patches.at[*cursor].added || o->patches.at[*cursor].gone))
		++*cursor;
	if (*cursor == o->patches.len)
		return 0;
	p = &o->patches.at[*cursor];
	if (!p->first || p->first != p->last)
		return 0;
	*begin = o->refs.at[p->first - 1].begin;
	*end = o->refs.at[p->first - 1].end;
	++*cursor;
	return 1;
}

int ldif_overlay_fd(const struct ldif_overlay *o)
{
	return o->refs.len ? o->fd : -1;
}

int ldif_overlay_next_lost(const struct ldif_overlay *o, size_t *cursor,
			   struct sv *dn_out)
{
	while (*cursor < o->patches.len) {
		const struct patch *p = &o->patches.at[(*cursor)++];

		if (!p->added && !p->seen && !p->gone) {
			*dn_out = text_of(p->dn);
			return 1;
		}
	}
	return 0;
}
