/*
 * likeness.c - normalise names, addresses and numbers, and compare them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/likeness.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* --- which attribute holds what ---------------------------------------- */

#define NAME_MAX 40

/* Letters alone, small: "First_Name" and "firstName" are the same. */
static size_t plain(struct sv name, char out[NAME_MAX])
{
	size_t len = 0;
	size_t i;

	for (i = 0; i < name.len && len < NAME_MAX - 1; i++) {
		char c = name.ptr[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c >= 'a' && c <= 'z')
			out[len++] = c;
	}
	out[len] = '\0';
	return len;
}

static bool listed(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(name, *list))
			return true;
	return false;
}

enum likeness_kind likeness_kind_of(struct sv attribute)
{
	static const char *const given[] = { "givenname", "first", "firstname",
					     "forename",  "given", NULL };
	static const char *const family[] = { "sn",       "surname",    "last",
					      "lastname", "familyname", NULL };
	static const char *const full[] = { "displayname", "cn",
					    "name",        "commonname",
					    "fullname",    "display",
					    "gecos",       NULL };
	char name[NAME_MAX];

	if (!plain(attribute, name))
		return LIKENESS_NONE;
	if (listed(name, given))
		return LIKENESS_GIVEN;
	if (listed(name, family))
		return LIKENESS_FAMILY;
	if (listed(name, full))
		return LIKENESS_NAME;
	if (strstr(name, "mail") || strstr(name, "proxyaddress") ||
	    !strcmp(name, "userprincipalname") || !strcmp(name, "upn"))
		return strstr(name, "nickname") ? LIKENESS_NONE : LIKENESS_MAIL;
	if (strstr(name, "phone") || strstr(name, "mobile") ||
	    !strcmp(name, "tel"))
		return LIKENESS_PHONE;
	return LIKENESS_NONE;
}

/* --- names ------------------------------------------------------------- */

static bool is_title(struct sv word)
{
	static const char *const titles[] = {
		"dr", "prof", "mr", "mrs", "ms", "ing", "dipl", "jr", "sr", NULL
	};
	const char *const *title;

	for (title = titles; *title; title++)
		if (sv_eq_str(word, *title))
			return true;
	return false;
}

static bool is_letter(int32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c > 0x7f;
}

/* Letters that no accent is taken from. */
static const char *plain_letter(int32_t c)
{
	switch (c) {
	case 0xf8:
		return "o";
	case 0x142:
		return "l";
	case 0x111:
	case 0xf0:
		return "d";
	case 0xe6:
		return "ae";
	case 0x153:
		return "oe";
	case 0x131:
		return "i";
	default:
		return NULL;
	}
}

/* Small letters without accents; what divides words is a blank. */
static struct sv simple(struct sv text, struct arena *arena)
{
	struct sv from =
		text_normalise(text_fold(text, arena), TEXT_NFKD, arena);
	char *to = arena_alloc(arena, from.len * 2 + 1);
	size_t len = 0;
	size_t at = 0;

	while (at < from.len) {
		int32_t c = text_next(from, &at);
		const char *as = plain_letter(c);

		if (c >= 0x300 && c < 0x370)
			continue;
		if (c == '\'' || c == 0x2019 || c == '.')
			c = c == '.' ? ' ' : 0;
		if (!c)
			continue;
		if (as) {
			memcpy(to + len, as, strlen(as));
			len += strlen(as);
		} else if (is_letter(c)) {
			len += text_put(c, to + len);
		} else {
			to[len++] = ' ';
		}
	}
	return sv_make(to, len);
}

static int by_text(const void *a, const void *b)
{
	return sv_cmp(*(const struct sv *)a, *(const struct sv *)b);
}

static bool same_name(const struct likeness_name *a,
		      const struct likeness_name *b)
{
	size_t i;

	for (i = 0; i < a->count && i < b->count; i++)
		if (!sv_eq(a->words[i], b->words[i]))
			return false;
	return a->count == b->count;
}

static void add_name(struct likeness *like, struct sv text, struct arena *arena)
{
	struct likeness_name name = { .count = 0 };
	struct sv all = simple(text, arena);
	size_t at = 0;
	size_t i;

	while (at < all.len && name.count < LIKENESS_WORDS) {
		size_t end = sv_find(all, ' ', at);
		struct sv word = sv_sub(all, at, end);

		if (word.len && !is_title(word))
			name.words[name.count++] = word;
		at = end + 1;
	}
	if (!name.count || like->name_count == LIKENESS_NAMES)
		return;
	qsort(name.words, name.count, sizeof(*name.words), by_text);
	for (i = 0; i < like->name_count; i++)
		if (same_name(&like->names[i], &name))
			return;
	like->names[like->name_count++] = name;
}

/* Jaro and Winkler's measure, 0 .. 100; of short words. */
#define WORD_MAX 64

static int jaro(struct sv a, struct sv b)
{
	bool taken[WORD_MAX] = { false };
	char matched[WORD_MAX];
	size_t reach = (a.len > b.len ? a.len : b.len) / 2;
	size_t count = 0;
	size_t moved = 0;
	size_t prefix = 0;
	size_t i;
	size_t k = 0;
	double score;

	if (!a.len || !b.len || a.len > WORD_MAX || b.len > WORD_MAX)
		return 0;
	reach = reach ? reach - 1 : 0;
	for (i = 0; i < a.len; i++) {
		size_t from = i > reach ? i - reach : 0;

		for (k = from; k < b.len && k <= i + reach; k++) {
			if (taken[k] || a.ptr[i] != b.ptr[k])
				continue;
			taken[k] = true;
			matched[count++] = a.ptr[i];
			break;
		}
	}
	if (!count)
		return 0;
	for (i = 0, k = 0; i < b.len; i++)
		if (taken[i])
			moved += matched[k++] != b.ptr[i];
	score = ((double)count / (double)a.len + (double)count / (double)b.len +
		 ((double)count - (double)moved / 2) / (double)count) /
		3;
	while (prefix < 4 && prefix < a.len && prefix < b.len &&
	       a.ptr[prefix] == b.ptr[prefix])
		prefix++;
	score += (double)prefix * 0.1 * (1 - score);
	return (int)(score * 100 + 0.5);
}

#define INITIAL   85 /* an initial stands for a name */
#define WORD_LIKE 80 /* less alike are other words */

static int word_likeness(struct sv a, struct sv b)
{
	int score;

	if (sv_eq(a, b))
		return 100;
	if (a.len == 1 || b.len == 1)
		return a.ptr[0] == b.ptr[0] ? INITIAL : 0;
	score = jaro(a, b);
	return score < WORD_LIKE ? 0 : score;
}

/* Each word of the shorter name has its like in the longer one. */
static int name_likeness(const struct likeness_name *a,
			 const struct likeness_name *b)
{
	bool taken[LIKENESS_WORDS] = { false };
	int full = 0;
	int sum = 0;
	size_t i;
	size_t k;

	if (a->count > b->count)
		return name_likeness(b, a);
	for (i = 0; i < a->count; i++) {
		size_t best = 0;
		int most = 0;

		for (k = 0; k < b->count; k++) {
			int score = taken[k] ? 0
					     : word_likeness(a->words[i],
							     b->words[k]);

			if (score > most) {
				most = score;
				best = k;
			}
		}
		if (!most)
			return 0;
		taken[best] = true;
		full += most > INITIAL && a->words[i].len > 1;
		sum += most;
	}
	/* one word alone says little of who has several */
	if (!full || (a->count == 1 && b->count > 1))
		return 0;
	/* further names take a little away */
	return sum / (int)a->count - 4 * (int)(b->count - a->count);
}

/* --- addresses and numbers --------------------------------------------- */

struct sv likeness_local(struct sv mail)
{
	return sv_sub(mail, 0, sv_find(mail, '@', 0));
}

static void add_mail(struct likeness *like, struct sv value,
		     struct arena *arena)
{
	struct sv mail = text_fold(sv_trim(value), arena);
	size_t at = sv_find(mail, '@', 0);
	size_t colon = sv_find(mail, ':', 0);
	size_t i;

	if (at == mail.len || like->mail_count == LIKENESS_VALUES)
		return;
	if (colon < at) /* "smtp:" */
		mail = sv_sub(mail, colon + 1, mail.len);
	for (i = 0; i < like->mail_count; i++)
		if (sv_eq(like->mails[i], mail))
			return;
	like->mails[like->mail_count++] = arena_dup(arena, mail);
}

#define PHONE_KEY 8
#define PHONE_MIN 5

struct sv likeness_phone_key(struct sv phone)
{
	return phone.len > PHONE_KEY
		       ? sv_sub(phone, phone.len - PHONE_KEY, phone.len)
		       : phone;
}

static void add_phone(struct likeness *like, struct sv value,
		      struct arena *arena)
{
	char *digits = arena_alloc(arena, value.len + 1);
	struct sv phone = { digits, 0 };
	size_t i;

	for (i = 0; i < value.len; i++)
		if (value.ptr[i] >= '0' && value.ptr[i] <= '9')
			digits[phone.len++] = value.ptr[i];
	if (phone.len < PHONE_MIN || like->phone_count == LIKENESS_VALUES)
		return;
	like->phones[like->phone_count++] = phone;
}

/* --- a record ---------------------------------------------------------- */

void likeness_add(struct likeness *like, enum likeness_kind kind,
		  struct sv value, struct arena *arena)
{
	if (value.len > 256)
		return;
	switch (kind) {
	case LIKENESS_NAME:
		add_name(like, value, arena);
		break;
	case LIKENESS_GIVEN:
		if (!like->given.len)
			like->given = arena_dup(arena, value);
		break;
	case LIKENESS_FAMILY:
		if (!like->family.len)
			like->family = arena_dup(arena, value);
		break;
	case LIKENESS_MAIL:
		add_mail(like, value, arena);
		break;
	case LIKENESS_PHONE:
		add_phone(like, value, arena);
		break;
	case LIKENESS_NONE:
		break;
	}
}

void likeness_end(struct likeness *like, struct arena *arena)
{
	if (like->family.len)
		add_name(like,
			 sv_from(arena_printf(arena, SV_FMT " " SV_FMT,
					      SV_ARG(like->given),
					      SV_ARG(like->family))),
			 arena);
	like->given = SV_NULL;
	like->family = SV_NULL;
}

void likeness_compare(const struct likeness *a, const struct likeness *b,
		      struct likeness_found *out)
{
	size_t i;
	size_t k;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < a->name_count; i++) {
		for (k = 0; k < b->name_count; k++) {
			int score = name_likeness(&a->names[i], &b->names[k]);

			if (score > out->name)
				out->name = score;
		}
	}
	for (i = 0; i < a->mail_count; i++) {
		for (k = 0; k < b->mail_count; k++) {
			out->mail |= sv_eq(a->mails[i], b->mails[k]);
			out->local |= sv_eq(likeness_local(a->mails[i]),
					    likeness_local(b->mails[k]));
		}
	}
	for (i = 0; i < a->phone_count; i++)
		for (k = 0; k < b->phone_count; k++)
			out->phone |= sv_eq(likeness_phone_key(a->phones[i]),
					    likeness_phone_key(b->phones[k]));
}

/* What is left to chance, in percent: of the same name, and of each point that
 * it is less alike; of an address, its local part, a number. */
#define NAME_REST  25
#define NAME_LEAST 75
#define MAIL_REST  10
#define LOCAL_REST 40
#define PHONE_REST 40

int likeness_rest(const struct likeness_found *found, int rest)
{
	if (found->name >= NAME_LEAST)
		rest = rest * (NAME_REST + 2 * (100 - found->name)) / 100;
	if (found->mail)
		rest = rest * MAIL_REST / 100;
	else if (found->local)
		rest = rest * LOCAL_REST / 100;
	if (found->phone)
		rest = rest * PHONE_REST / 100;
	return rest;
}
