/*
 * ldif_entry.c - entries in memory
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif_entry.h"

#include "base/map.h"
#include "base/text.h"
#include "model/dn.h"

#include <string.h>

/* The form in which values of an attribute are compared. */
static struct sv fold_value(const struct attr_def *def, struct sv value,
			    struct arena *arena)
{
	if (def && def->type == VALUE_REFERENCE)
		return dn_fold(value, arena);
	if (def && (def->type == VALUE_BINARY || def->match == MATCH_EXACT))
		return value;
	return text_is_utf8(value) ? text_fold(value, arena) : value;
}

bool ldif_value_same(struct sv attr, struct sv a, struct sv b)
{
	const struct attr_def *def;
	struct arena scratch = ARENA_INIT;
	bool same;

	if (sv_eq(a, b))
		return true;
	def = ldap_known_attr(attr);
	same = sv_eq(fold_value(def, a, &scratch),
		     fold_value(def, b, &scratch));
	arena_release(&scratch);
	return same;
}

static struct ldif_attr *find(const struct ldif_entry *entry, struct sv name)
{
	size_t i;

	for (i = entry->len; i-- > 0;)
		if (sv_ieq(entry->attrs[i].name, name))
			return &entry->attrs[i];
	return NULL;
}

struct ldif_attr *ldif_entry_attr(const struct ldif_entry *entry,
				  struct sv name)
{
	struct ldif_attr *attr = find(entry, name);

	return attr && attr->len ? attr : NULL;
}

static void *grow(struct arena *arena, const void *old, size_t len,
		  size_t *size, size_t item)
{
	size_t bigger = *size ? *size * 2 : 4;
	void *copy = arena_array(arena, bigger, item);

	if (len)
		memcpy(copy, old, len * item);
	*size = bigger;
	return copy;
}

static struct ldif_attr *find_or_make(struct ldif_entry *entry, struct sv name)
{
	struct ldif_attr *attr = find(entry, name);

	if (attr)
		return attr;
	if (entry->len == entry->size)
		entry->attrs = grow(entry->arena, entry->attrs, entry->len,
				    &entry->size, sizeof(*entry->attrs));
	attr = &entry->attrs[entry->len++];
	*attr = (struct ldif_attr){ .name = name };
	return attr;
}

static void push(struct ldif_entry *entry, struct ldif_attr *attr,
		 struct sv value)
{
	if (attr->len == attr->size)
		attr->values = grow(entry->arena, attr->values, attr->len,
				    &attr->size, sizeof(*attr->values));
	attr->values[attr->len++] = value;
}

void ldif_entry_init(struct ldif_entry *entry, struct sv dn,
		     const struct ldif_line *lines, size_t count,
		     struct arena *arena)
{
	size_t i;

	memset(entry, 0, sizeof(*entry));
	entry->dn = dn;
	entry->arena = arena;
	for (i = 0; i < count; i++)
		push(entry, find_or_make(entry, lines[i].name), lines[i].value);
}

/* Finds values of one attribute; past a few by a table of folded forms. */
struct finder {
	const struct ldif_attr *attr;
	const struct attr_def *def;
	struct arena scratch;
	struct namemap *table;
};

#define FEW 16

static void finder_init(struct finder *f, const struct ldif_attr *attr,
			size_t asked)
{
	size_t i;

	memset(f, 0, sizeof(*f));
	f->attr = attr;
	f->def = ldap_known_attr(attr->name);
	if (asked <= 1 || attr->len + asked <= FEW)
		return;
	f->table = namemap_new(false);
	for (i = attr->len; i-- > 0;)
		namemap_put(f->table,
			    fold_value(f->def, attr->values[i], &f->scratch),
			    i);
}

static void finder_release(struct finder *f)
{
	namemap_free(f->table);
	arena_release(&f->scratch);
}

/* Position of the value, or len. */
static size_t finder_find(struct finder *f, struct sv value)
{
	const struct ldif_attr *attr = f->attr;
	struct sv folded = fold_value(f->def, value, &f->scratch);
	uint64_t at;
	size_t i;

	if (f->table)
		return namemap_get(f->table, folded, &at) ? (size_t)at
							  : attr->len;
	for (i = 0; i < attr->len; i++)
		if (sv_eq(attr->values[i], value))
			return i;
	for (i = 0; i < attr->len; i++)
		if (attr->values[i].ptr &&
		    sv_eq(fold_value(f->def, attr->values[i], &f->scratch),
			  folded))
			return i;
	return attr->len;
}

/* A value that differs only in its spelling takes the new one. */
static void add_values(struct ldif_entry *entry, struct sv name,
		       const struct sv *values, size_t count)
{
	struct ldif_attr *attr = find_or_make(entry, name);
	struct finder finder;
	size_t i;

	finder_init(&finder, attr, count);
	for (i = 0; i < count; i++) {
		size_t at = finder_find(&finder, values[i]);

		if (at < attr->len) {
			attr->values[at] = values[i];
			continue;
		}
		if (finder.table)
			namemap_put(finder.table,
				    fold_value(finder.def, values[i],
					       &finder.scratch),
				    attr->len);
		push(entry, attr, values[i]);
	}
	finder_release(&finder);
}

static void delete_values(struct ldif_entry *entry, struct sv name,
			  const struct sv *values, size_t count)
{
	struct ldif_attr *attr = find(entry, name);
	struct finder finder;
	size_t kept = 0;
	bool *gone;
	size_t i;

	if (!attr || !attr->len)
		return;
	gone = arena_array(entry->arena, attr->len, sizeof(*gone));
	finder_init(&finder, attr, count);
	for (i = 0; i < count; i++) {
		size_t at = finder_find(&finder, values[i]);

		if (at < attr->len)
			gone[at] = true;
	}
	finder_release(&finder);
	for (i = 0; i < attr->len; i++)
		if (!gone[i])
			attr->values[kept++] = attr->values[i];
	attr->len = kept;
}

void ldif_entry_add(struct ldif_entry *entry, struct sv name, struct sv value)
{
	add_values(entry, name, &value, 1);
}

void ldif_entry_apply(struct ldif_entry *entry, const struct ldif_mod *mod)
{
	struct ldif_attr *attr;

	switch (mod->op) {
	case ATTR_REPLACE:
		attr = find(entry, mod->name);
		if (attr)
			attr->len = 0;
		if (mod->count)
			add_values(entry, mod->name, mod->values, mod->count);
		break;
	case ATTR_ADD:
		add_values(entry, mod->name, mod->values, mod->count);
		break;
	case ATTR_DELETE:
		delete_values(entry, mod->name, mod->values, mod->count);
		break;
	}
}

void ldif_entry_rename(struct ldif_entry *entry, struct sv new_dn,
		       bool delete_old)
{
	struct sv rdn;
	struct sv parent;
	struct sv name;
	struct sv value;
	size_t i;

	if (delete_old && dn_split(entry->dn, &rdn, &parent))
		for (i = 0; ldap_rdn_part(rdn, i, entry->arena, &name, &value);
		     i++)
			delete_values(entry, name, &value, 1);
	entry->dn = new_dn;
	if (dn_split(new_dn, &rdn, &parent))
		for (i = 0; ldap_rdn_part(rdn, i, entry->arena, &name, &value);
		     i++)
			add_values(entry, name, &value, 1);
}

size_t ldif_entry_lines(const struct ldif_entry *entry, struct arena *arena,
			struct ldif_line **out)
{
	size_t count = 0;
	size_t i;
	size_t j;

	for (i = 0; i < entry->len; i++)
		count += entry->attrs[i].len;
	*out = arena_array(arena, count, sizeof(**out));
	count = 0;
	for (i = 0; i < entry->len; i++)
		for (j = 0; j < entry->attrs[i].len; j++)
			(*out)[count++] =
				(struct ldif_line){ entry->attrs[i].name,
						    entry->attrs[i].values[j] };
	return count;
}

void ldif_entry_write(const struct ldif_entry *entry, struct strbuf *out,
		      size_t width)
{
	size_t i;
	size_t j;

	ldif_write_line(out, SV_LIT("dn"), entry->dn, width);
	for (i = 0; i < entry->len; i++)
		for (j = 0; j < entry->attrs[i].len; j++)
			ldif_write_line(out, entry->attrs[i].name,
					entry->attrs[i].values[j], width);
}
