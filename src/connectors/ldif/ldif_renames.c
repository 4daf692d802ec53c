/*
 * ldif_renames.c - what became of a DN
 *
 * A DN is looked up, and of the names above it those that are as deep as any
 * name that was renamed: mostly that is one look-up. Of the renames found the
 * earliest one that the DN has not seen applies; then its new name is looked
 * up, until none is left. So chains and swaps come out right.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif_renames.h"

#include "base/map.h"
#include "base/vec.h"
#include "model/dn.h"

/* When a name was renamed: positions in `new_dns`, ascending. */
struct history {
	VEC(size_t) times;
};

struct ldif_renames {
	const struct object_type *types;
	size_t type_count;
	struct namemap *attrs; /* that hold references; NULL: no rename yet */
	VEC(struct sv) new_dns;
	struct namemap *old; /* folded old name -> place in `histories` */
	VEC(struct history) histories;
	uint64_t depths; /* how many RDNs the old names have, a bit each */
	struct arena scratch;
};

struct ldif_renames *ldif_renames_new(const struct object_type *types,
				      size_t type_count)
{
	struct ldif_renames *renames = mem_zalloc(sizeof(*renames));

	renames->types = types;
	renames->type_count = type_count;
	return renames;
}

void ldif_renames_free(struct ldif_renames *r)
{
	struct history *history;

	if (!r)
		return;
	vec_foreach(&r->histories, history)
		vec_release(&history->times);
	vec_release(&r->histories);
	vec_release(&r->new_dns);
	namemap_free(r->attrs);
	namemap_free(r->old);
	arena_release(&r->scratch);
	mem_free(r);
}

size_t ldif_renames_time(const struct ldif_renames *r)
{
	return r->new_dns.len;
}

static void list_references(struct ldif_renames *r)
{
	const struct attr_def *def;
	size_t i;
	size_t j;

	for (def = ldap_known_attrs; def->name; def++)
		if (def->type == VALUE_REFERENCE)
			namemap_put(r->attrs, sv_from(def->name), 1);
	for (i = 0; i < r->type_count; i++) {
		for (j = 0; j < r->types[i].attr_count; j++) {
			def = &r->types[i].attrs[j];
			if (def->type == VALUE_REFERENCE)
				namemap_put(r->attrs, sv_from(def->name), 1);
		}
	}
}

static bool is_reference(const struct ldif_renames *r, struct sv name)
{
	size_t option = sv_find(name, ';', 0);

	return namemap_get(r->attrs, name, NULL) ||
	       (option < name.len &&
		namemap_get(r->attrs, sv_sub(name, 0, option), NULL));
}

/* Where the first RDN of a folded name ends: all commas in values are
 * escaped. */
static size_t first_end(struct sv folded)
{
	size_t i;

	for (i = 0; i < folded.len && folded.ptr[i] != ','; i++)
		if (folded.ptr[i] == '\\')
			i++;
	return i < folded.len ? i : folded.len;
}

static struct sv parent_of(struct sv folded)
{
	size_t end = first_end(folded);

	return sv_sub(folded, end < folded.len ? end + 1 : end, folded.len);
}

static size_t depth_of(struct sv folded)
{
	size_t depth = 0;

	for (; folded.len; folded = parent_of(folded))
		depth++;
	return depth;
}

/* The deepest names share a bit. */
static uint64_t depth_bit(size_t depth)
{
	return UINT64_C(1) << (depth < 63 ? depth : 63);
}

static void add_time(struct history *history, size_t time)
{
	vec_push(&history->times, time);
}

/* The history of a name, an empty one when it has none yet. */
static struct history *history_of(struct ldif_renames *r, struct sv old)
{
	struct history empty = { .times = VEC_INIT };
	uint64_t at;

	if (!namemap_get(r->old, old, &at)) {
		at = r->histories.len;
		vec_push(&r->histories, empty);
		namemap_put(r->old, old, at);
	}
	return &r->histories.at[at];
}

void ldif_renames_note(struct ldif_renames *r, struct sv old, struct sv new_dn)
{
	if (!r->attrs) {
		r->attrs = namemap_new(true);
		r->old = namemap_new(false);
		list_references(r);
	}
	add_time(history_of(r, old), r->new_dns.len);
	vec_push(&r->new_dns, new_dn);
	r->depths |= depth_bit(depth_of(old));
}

/* The first time at or after `from`, or SIZE_MAX. */
static size_t first_since(const struct history *history, size_t from)
{
	size_t low = 0;
	size_t high = history->times.len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (history->times.at[middle] < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low < history->times.len ? history->times.at[low] : SIZE_MAX;
}

/* The earliest rename at or after `from` of the name or one above it, which
 * leaves its first *keep_out RDNs; or SIZE_MAX. */
static size_t next_rename(const struct ldif_renames *r, struct sv folded,
			  size_t from, size_t *keep_out)
{
	size_t depth = depth_of(folded);
	size_t best = SIZE_MAX;
	size_t keep;

	for (keep = 0; keep < depth; keep++, folded = parent_of(folded)) {
		size_t time;
		uint64_t at;

		if (!(r->depths & depth_bit(depth - keep)) ||
		    !namemap_get(r->old, folded, &at))
			continue;
		time = first_since(&r->histories.at[at], from);
		if (time < best) {
			best = time;
			*keep_out = keep;
		}
	}
	return best;
}

struct sv ldif_rebase(struct sv dn, size_t keep, struct sv parent,
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

int ldif_renames_follow(const struct ldif_renames *r, struct sv dn, size_t from,
			size_t to, struct arena *arena, struct sv *out)
{
	size_t time;
	size_t keep = 0;

	*out = dn;
	while (from < to) {
		time = next_rename(r, dn_fold(*out, arena), from, &keep);
		if (time >= to)
			break;
		*out = ldif_rebase(*out, keep, r->new_dns.at[time], arena);
		from = time + 1;
	}
	return !sv_eq(*out, dn);
}

bool ldif_renames_touch(struct ldif_renames *r, const struct ldif_line *lines,
			size_t count)
{
	size_t now = ldif_renames_time(r);
	struct sv name = SV_NULL;
	bool reference = false;
	struct sv moved;
	size_t i;

	for (i = 0; now && i < count; i++) {
		/* Values of one attribute mostly stand together. */
		if (!i || !sv_eq(lines[i].name, name)) {
			name = lines[i].name;
			reference = is_reference(r, name);
		}
		if (!reference)
			continue;
		arena_reset(&r->scratch);
		if (ldif_renames_follow(r, lines[i].value, 0, now, &r->scratch,
					&moved))
			return true;
	}
	return false;
}

/* Of a moved value and another of the same meaning the other stays. */
static void drop_doubles(struct ldif_renames *r, struct ldif_attr *attr,
			 const bool *moved)
{
	struct namemap *seen = namemap_new(false);
	size_t kept = 0;
	size_t i;

	for (i = 0; i < attr->len; i++) {
		arena_reset(&r->scratch);
		if (!moved[i])
			namemap_put(seen, dn_fold(attr->values[i], &r->scratch),
				    1);
	}
	for (i = 0; i < attr->len; i++) {
		struct sv folded;

		arena_reset(&r->scratch);
		if (moved[i]) {
			folded = dn_fold(attr->values[i], &r->scratch);
			if (namemap_get(seen, folded, NULL))
				continue;
			namemap_put(seen, folded, 1);
		}
		attr->values[kept++] = attr->values[i];
	}
	attr->len = kept;
	namemap_free(seen);
}

static void follow_attr(struct ldif_renames *r, struct ldif_attr *attr,
			size_t from, size_t to, struct arena *arena)
{
	bool *moved = NULL;
	struct sv value;
	size_t i;

	for (i = 0; i < attr->len; i++) {
		arena_reset(&r->scratch);
		if (!ldif_renames_follow(r, attr->values[i], from, to,
					 &r->scratch, &value))
			continue;
		if (!moved)
			moved = arena_array(arena, attr->len, sizeof(*moved));
		moved[i] = true;
		attr->values[i] = arena_dup(arena, value);
	}
	if (moved && attr->len > 1)
		drop_doubles(r, attr, moved);
}

void ldif_renames_entry(struct ldif_renames *r, struct ldif_entry *entry,
			size_t from, size_t to)
{
	size_t i;

	for (i = 0; from < to && i < entry->len; i++)
		if (entry->attrs[i].len &&
		    is_reference(r, entry->attrs[i].name))
			follow_attr(r, &entry->attrs[i], from, to,
				    entry->arena);
}
