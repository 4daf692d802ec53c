/*
 * dn.h - distinguished names (RFC 4514)
 *
 * A DN is kept as the text it came in; comparing goes by components: attribute
 * type and value ignore case, spaces around separators and runs of spaces in
 * values do not count, escapes are equal to what they stand for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MODEL_DN_H
#define MODEL_DN_H

#include "base/arena.h"
#include "base/sv.h"

#include <stdbool.h>
#include <stddef.h>

/* 1: a well-formed DN with at least one RDN; 0: not. */
int dn_valid(struct sv dn);

/*
 * Splits off the first RDN: "cn=Ann,ou=people" -> "cn=Ann" and "ou=people"
 * (views, blanks around them trimmed; the parent of a top RDN is empty).
 * 1: split; 0: empty or not well formed.
 */
int dn_split(struct sv dn, struct sv *rdn, struct sv *parent);

/* Number of RDNs; 0 when empty or not well formed. */
size_t dn_depth(struct sv dn);

/*
 * The i-th RDN from the left, 1 based: attribute type and unescaped value of
 * its first part. 1: filled; 0: no such component.
 */
int dn_component(struct sv dn, size_t i, struct arena *arena,
		 struct sv *type_out, struct sv *value_out);

/* The form in which DNs and RDNs are compared and hashed; an ill-formed text
 * is folded as text. */
struct sv dn_fold(struct sv dn, struct arena *arena);
bool dn_equal(struct sv a, struct sv b);

/* `dn` is `container` or lies below it. */
bool dn_within(struct sv dn, struct sv container);

/* "rdn,parent", or the one that is not empty. */
struct sv dn_join(struct sv rdn, struct sv parent, struct arena *arena);

/* One component's value with what RFC 4514 section 2.4 wants escaped. */
struct sv dn_escape(struct sv value, struct arena *arena);
/* The value behind an escaped text or "#hex". */
struct sv dn_unescape(struct sv text, struct arena *arena);

#endif
