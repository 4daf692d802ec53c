/*
 * exchange.c - proxy addresses: PREFIX:address, the primary one is SMTP:
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "expr/expr_private.h"

#include <string.h>

struct proxy {
	struct sv prefix;
	struct sv address; /* all behind the first colon: X.500 has more */
};

static bool proxy_split(struct sv text, struct proxy *out)
{
	size_t colon = sv_find(text, ':', 0);

	if (colon == text.len)
		return false;
	out->prefix = sv_sub(text, 0, colon);
	out->address = sv_sub(text, colon + 1, text.len);
	return true;
}

static bool primary(const struct proxy *p)
{
	return sv_eq_str(p->prefix, "SMTP");
}

static bool present(const struct list *list, const struct proxy *new)
{
	struct proxy p;
	size_t i;

	for (i = 0; i < list->len; i++) {
		if (!proxy_split(list->at[i].text, &p) ||
		    !text_ieq(p.address, new->address))
			continue;
		if (primary(new) ? primary(&p)
				 : text_ieq(p.prefix, new->prefix))
			return true;
	}
	return false;
}

static void take_out(struct list *list, size_t i)
{
	for (list->len--; i < list->len; i++)
		list->at[i] = list->at[i + 1];
}

/* The old primary address stays, as a secondary one. */
static void demote(struct eval *e, struct value *value, const struct proxy *old)
{
	value->text = sv_from(
		arena_printf(e->arena, "smtp:" SV_FMT, SV_ARG(old->address)));
}

/* What has to make way for a new primary address, or a new sip: address. */
static void make_way(struct eval *e, struct list *list, const struct proxy *new)
{
	bool sip = sv_ieq_str(new->prefix, "sip");
	struct proxy p;
	size_t i = 0;

	if (!primary(new) && !sip)
		return;
	while (i < list->len) {
		if (!proxy_split(list->at[i].text, &p)) {
			i++;
			continue;
		}
		if (sip ? sv_ieq_str(p.prefix, "sip")
			: sv_eq_str(p.prefix, "smtp") &&
				    text_ieq(p.address, new->address)) {
			take_out(list, i);
			continue;
		}
		if (!sip && primary(&p))
			demote(e, &list->at[i], &p);
		i++;
	}
}

static int insert(struct eval *e, struct list *list, const struct value *value)
{
	struct proxy new;
	struct value added = value_string(value->text);

	if (!proxy_split(value->text, &new))
		return call_fail(e,
				 "'" SV_FMT
				 "' is not a proxy address: it has no colon",
				 SV_ARG(value->text));
	/* "X500:" & NULL is no address */
	if (!new.address.len || present(list, &new))
		return 0;
	make_way(e, list, &new);
	return list_add(e, list, &added);
}

static int fn_proxies(struct eval *e, const struct datum *args, size_t argc,
		      struct datum *out)
{
	struct list list = { NULL, 0, 0 };
	size_t a;
	size_t i;

	if (list_add_datum(e, &list, &args[0]) < 0)
		return -1;
	/* of a reference its text */
	for (i = 0; i < list.len; i++)
		list.at[i] = value_string(list.at[i].text);
	for (a = 1; a < argc; a++) {
		for (i = 0; i < args[a].len; i++) {
			if (e->work < list.len)
				e->work = 0;
			else
				e->work -= list.len;
			if (eval_step(e) < 0 ||
			    insert(e, &list, datum_at(&args[a], i)) < 0)
				return -1;
		}
	}
	datum_list(out, list.at, list.len);
	return 0;
}

/* "@corp.com" and ".corp.com" end an address; "corp.com" is a whole domain. */
static bool has_suffix(struct eval *e, struct sv address, struct sv suffix)
{
	struct sv a = text_fold(address, e->arena);
	struct sv s = text_fold(sv_trim(suffix), e->arena);

	if (!s.len || !sv_ends(a, s))
		return false;
	return s.ptr[0] == '@' || s.ptr[0] == '.' ||
	       (a.len > s.len && a.ptr[a.len - s.len - 1] == '@');
}

static int chosen(struct eval *e, struct sv address, struct datum *out)
{
	struct strbuf sb = STRBUF_INIT(EXPR_RESULT_MAX);

	strbuf_adds(&sb, "SMTP:");
	strbuf_addsv(&sb, address);
	return call_text(e, &sb, out);
}

/* The least of the addresses with this suffix; empty: none */
static struct sv first_with(struct eval *e, const struct datum *proxies,
			    struct sv suffix)
{
	struct sv best = SV_NULL;
	struct sv best_text = SV_NULL;
	struct proxy p;
	size_t i;

	for (i = 0; i < proxies->len; i++) {
		struct sv text = datum_at(proxies, i)->text;

		if (!proxy_split(text, &p) || !sv_ieq_str(p.prefix, "smtp") ||
		    !has_suffix(e, p.address, suffix))
			continue;
		if (best.len && sv_cmp(text, best_text) >= 0)
			continue;
		best = p.address;
		best_text = text;
	}
	return best;
}

/* The primary address when it has one of the suffixes. */
static struct sv primary_with(struct eval *e, const struct datum *proxies,
			      const struct datum *suffixes)
{
	struct proxy p;
	size_t i;
	size_t s;

	for (i = 0; i < proxies->len; i++) {
		if (!proxy_split(datum_at(proxies, i)->text, &p) ||
		    !primary(&p))
			continue;
		for (s = 0; s < suffixes->len; s++)
			if (has_suffix(e, p.address,
				       datum_at(suffixes, s)->text))
				return p.address;
	}
	return SV_NULL;
}

static int fn_proxy_for_suffix(struct eval *e, const struct datum *args,
			       size_t argc, struct datum *out)
{
	struct sv address = primary_with(e, &args[0], &args[1]);
	size_t i;

	(void)argc;
	for (i = 0; !address.len && i < args[1].len; i++)
		address = first_with(e, &args[0], datum_at(&args[1], i)->text);
	return address.len ? chosen(e, address, out) : datum_null(out);
}

/* ---- names ---- */

/* What a letter of Latin-1 that is not made of another one becomes. */
static const struct {
	int32_t letter;
	const char *plain;
} LETTERS[] = {
	{ 0xc6, "AE" }, { 0xe6, "ae" }, { 0xd8, "O" },  { 0xf8, "o" },
	{ 0xd0, "D" },  { 0xf0, "d" },  { 0xde, "Th" }, { 0xfe, "th" },
	{ 0xdf, "ss" }, { '"', "'" },
};

/* May stand in a legacyExchangeDN as it is. */
static bool legacy_char(int32_t c)
{
	if (c >= '0' && c <= '9')
		return true;
	if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return true;
	return c > 0 && c < 0x80 && strchr(" !%&'()*+,-.:<=>@[]_|", c);
}

/* The letter below the accents of "Ä"; 0: there is none. */
static char letter_below(struct eval *e, struct sv character)
{
	struct sv parts = text_normalise(character, TEXT_NFD, e->arena);

	return parts.len > character.len && legacy_char(parts.ptr[0])
		       ? parts.ptr[0]
		       : '\0';
}

static void add_legacy(struct eval *e, struct strbuf *sb, int32_t c,
		       struct sv character)
{
	char plain;
	size_t i;

	for (i = 0; i < sizeof(LETTERS) / sizeof(*LETTERS); i++) {
		if (c == LETTERS[i].letter) {
			strbuf_adds(sb, LETTERS[i].plain);
			return;
		}
	}
	plain = c >= 0x80 && c <= 0xff ? letter_below(e, character) : '\0';
	if (legacy_char(c))
		strbuf_addsv(sb, character);
	else if (plain)
		strbuf_addc(sb, plain);
}

static int fn_legacy_name(struct eval *e, const struct datum *args, size_t argc,
			  struct datum *out)
{
	struct sv text = text_normalise(arg_text(args, 0), TEXT_NFC, e->arena);
	struct strbuf sb = STRBUF_INIT(EXPR_RESULT_MAX);
	size_t at = 0;

	(void)argc;
	while (at < text.len) {
		size_t from = at;
		int32_t c = text_next(text, &at);

		add_legacy(e, &sb, c, sv_sub(text, from, at));
	}
	return call_text(e, &sb, out);
}

static const struct function EXCHANGE[] = {
	{ .name = "Proxies",
	  .result = KIND_STR,
	  .flags = FN_LIST | FN_REPEAT,
	  .params = { { "current", KIND_STR, PARAM_LIST | PARAM_NULL },
		      { "new", KIND_STR, PARAM_LIST | PARAM_NULL } },
	  .call = fn_proxies,
	  .help = "proxy addresses with others added: none twice, a new SMTP: "
		  "makes the old one smtp:, a new sip: replaces the old one",
	  .example = "Join(Proxies(\"SMTP:a@x\", \"SMTP:b@x\", \"X500:/o=x\"))",
	  .gives = "smtp:a@x SMTP:b@x X500:/o=x" },
	{ .name = "ProxyForSuffix",
	  .result = KIND_STR,
	  .params = { { "proxies", KIND_STR, PARAM_LIST | PARAM_NULL },
		      { "suffixes", KIND_STR, PARAM_LIST | PARAM_NULL } },
	  .call = fn_proxy_for_suffix,
	  .help = "SMTP: and the address that ends with a suffix: the primary "
		  "one, else the first by suffix and in order; NULL when none "
		  "does",
	  .example = "ProxyForSuffix(Split(\"SMTP:a@y,smtp:a@x\", \",\"), "
		     "\"@x\")",
	  .gives = "SMTP:a@x" },
	{ .name = "LegacyName",
	  .result = KIND_STR,
	  .params = { { "text", KIND_STR, 0 } },
	  .call = fn_legacy_name,
	  .help = "what of a text may stand behind cn= in a legacyExchangeDN: "
		  "letters of Latin-1 without their accents, no others",
	  .example = "LegacyName(\"Jörg Æsop/2\")",
	  .gives = "Jorg AEsop2" },
};

FAMILY(exchange_family, "Mail addresses", EXCHANGE);
