/*
 * address.c - is a text a mail address, and what could it be instead
 *
 * The domain is looked at behind the last @, label by label; the local part is
 * a dot-atom. What may not stand there is taken out; whether something right
 * is left is asked once more at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cleanup/cleanup_private.h"

#include "base/text.h"

#include <libpsl.h>
#include <string.h>

#define SHORTEST_TOP 2
#define LONGEST_TOP  17

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static bool is_alpha(char c)
{
	return is_alnum(c) && (c < '0' || c > '9');
}

static bool is_atom(char c)
{
	return is_alnum(c) || (c && strchr("!#$%&'*+/=?^_`{|}~-", c) != NULL);
}

bool address_is_smtp(struct sv value)
{
	const struct sv prefix = SV_LIT("smtp:");
	size_t at;

	for (at = 0; at + prefix.len <= value.len; at++)
		if (sv_ieq(sv_sub(value, at, at + prefix.len), prefix))
			return true;
	return false;
}

/* Where the last @ is, or the length. */
static size_t last_at(struct sv text)
{
	size_t at = text.len;

	while (at > 0)
		if (text.ptr[--at] == '@')
			return at;
	return text.len;
}

/* ---- the domain ---- */

static bool is_label(struct sv label)
{
	size_t i;

	if (!label.len || label.ptr[0] == '-' ||
	    label.ptr[label.len - 1] == '-')
		return false;
	for (i = 0; i < label.len; i++)
		if (!is_alnum(label.ptr[i]) && label.ptr[i] != '-')
			return false;
	return true;
}

/* Letters, or a label of IDNA (RFC 5890). */
static bool is_top_label(struct sv label)
{
	size_t i;

	if (label.len > 4 && sv_ieq(sv_sub(label, 0, 4), SV_LIT("xn--")))
		return is_label(label);
	if (label.len < SHORTEST_TOP || label.len > LONGEST_TOP)
		return false;
	for (i = 0; i < label.len; i++)
		if (!is_alpha(label.ptr[i]))
			return false;
	return true;
}

static bool domain_is_right(struct sv domain)
{
	size_t from = 0;
	size_t dot;

	while ((dot = sv_find(domain, '.', from)) < domain.len) {
		if (!is_label(sv_sub(domain, from, dot)))
			return false;
		from = dot + 1;
	}
	return from > 0 && is_top_label(sv_sub(domain, from, domain.len));
}

/* The text behind its last dot is the name of a top-level domain. */
static bool top_is_known(struct sv text, struct arena *arena)
{
	const psl_ctx_t *list = psl_builtin();
	size_t dot = text.len;
	struct sv top;

	while (dot > 0 && text.ptr[dot - 1] != '.')
		dot--;
	top = sv_sub(text, dot, text.len);
	if (!dot || !top.len || !list)
		return true;
	top = text_lower(top, arena);
	return psl_is_public_suffix2(list, arena_cstr(arena, top),
				     PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) != 0;
}

/* ---- the local part ---- */

static bool local_is_right(struct sv local)
{
	size_t i;

	if (!local.len || local.ptr[0] == '.' ||
	    local.ptr[local.len - 1] == '.')
		return false;
	for (i = 0; i < local.len; i++)
		if (!is_atom(local.ptr[i]) &&
		    (local.ptr[i] != '.' || local.ptr[i - 1] == '.'))
			return false;
	return true;
}

static struct sv repair_local(struct sv local, struct arena *arena)
{
	char *out = arena_alloc(arena, local.len + 1);
	size_t len = 0;
	size_t i;

	for (i = 0; i < local.len; i++)
		if (is_atom(local.ptr[i]) || local.ptr[i] == '.')
			out[len++] = local.ptr[i];
	while (len && out[len - 1] == '.')
		len--;
	return sv_make(out, len);
}

static struct sv repair_domain(struct sv domain, struct arena *arena)
{
	char *out = arena_alloc(arena, domain.len + 1);
	size_t len = 0;
	size_t i;

	for (i = 0; i < domain.len; i++)
		if (is_alnum(domain.ptr[i]) || domain.ptr[i] == '.' ||
		    domain.ptr[i] == '-')
			out[len++] = domain.ptr[i];
	return sv_make(out, len);
}

/* ---- both ---- */

static unsigned check_parts(struct sv *text, struct arena *arena)
{
	size_t at = last_at(*text);
	bool has_at = at < text->len;
	struct sv local = sv_sub(*text, 0, at);
	struct sv domain = has_at ? sv_sub(*text, at + 1, text->len)
				  : sv_sub(*text, at, at);
	bool domain_right = has_at && domain_is_right(domain);
	bool local_right = has_at && local_is_right(local);
	unsigned errors = 0;

	if (!domain_right) {
		errors |= CLEANUP_DOMAIN_PART;
		domain = repair_domain(domain, arena);
	}
	if (!local_right) {
		errors |= CLEANUP_LOCAL_PART;
		if (has_at)
			local = repair_local(local, arena);
	}
	if ((!domain_right && !domain_is_right(domain)) ||
	    (!local_right && !local_is_right(local)))
		errors |= CLEANUP_FORMAT;
	*text = sv_from(arena_printf(arena, SV_FMT "%s" SV_FMT, SV_ARG(local),
				     has_at ? "@" : "", SV_ARG(domain)));
	return errors;
}

struct address address_check(struct sv value, struct arena *arena)
{
	struct address out = { 0, value };
	size_t colon = address_is_smtp(value) ? sv_find(value, ':', 0) : 0;
	struct sv prefix = sv_trim(sv_sub(value, 0, colon));
	struct sv text = value;

	if (colon)
		text = sv_trim(sv_sub(value, colon + 1, value.len));
	if (!top_is_known(text, arena))
		out.errors |= CLEANUP_TOP_LEVEL_DOMAIN;
	out.errors |= check_parts(&text, arena);
	out.repaired = text;
	if (colon)
		out.repaired =
			sv_from(arena_printf(arena, SV_FMT ":" SV_FMT,
					     SV_ARG(prefix), SV_ARG(text)));
	return out;
}
