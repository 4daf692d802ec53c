/*
 * likeness.h - how much two records look like the same person's
 *
 * Names (in any order, with or without accents, initials, a letter mistaken),
 * mail addresses and their local parts, telephone numbers by their last digits.
 * Which attribute holds what is told by its name. Pure functions over text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_LIKENESS_H
#define INSPECT_LIKENESS_H

#include "base/arena.h"
#include "base/sv.h"

enum likeness_kind {
	LIKENESS_NONE,
	LIKENESS_NAME,
	LIKENESS_GIVEN,
	LIKENESS_FAMILY,
	LIKENESS_MAIL,
	LIKENESS_PHONE,
};

#define LIKENESS_NAMES  3
#define LIKENESS_WORDS  6
#define LIKENESS_VALUES 4

/* Words of a name without accents and titles, in order of the alphabet. */
struct likeness_name {
	struct sv words[LIKENESS_WORDS];
	size_t count;
};

/* What a record has to be compared by; all zero to begin with. Texts are the
 * arena's of likeness_add(). */
struct likeness {
	struct likeness_name names[LIKENESS_NAMES];
	size_t name_count;
	struct sv mails[LIKENESS_VALUES]; /* folded */
	size_t mail_count;
	struct sv phones[LIKENESS_VALUES]; /* digits */
	size_t phone_count;
	struct sv given; /* until likeness_end() */
	struct sv family;
};

/* How alike, 0 .. 100. */
struct likeness_found {
	int name;
	bool mail;  /* the same address */
	bool local; /* the same before the @ */
	bool phone;
};

enum likeness_kind likeness_kind_of(struct sv attribute);
void likeness_add(struct likeness *like, enum likeness_kind kind,
		  struct sv value, struct arena *arena);
/* Given and family name together are a name. */
void likeness_end(struct likeness *like, struct arena *arena);

void likeness_compare(const struct likeness *a, const struct likeness *b,
		      struct likeness_found *out);
/* The chance in a hundred that what was found is left to be an accident of
 * `rest`: independent reasons multiply. */
int likeness_rest(const struct likeness_found *found, int rest);

/* The digits by which telephone numbers are the same. */
struct sv likeness_phone_key(struct sv phone);
struct sv likeness_local(struct sv mail);

#endif
