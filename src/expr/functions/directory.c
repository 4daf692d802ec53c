/*
 * directory.c - distinguished names
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/expr_private.h"
#include "model/dn.h"

/* Cuts off the first RDN; type and value of its first part, escapes kept:
 * 1; 0: no more, or not a DN */
static int next_rdn(struct sv *dn, struct sv *type, struct sv *value)
{
	struct sv rdn;
	struct sv parent;
	size_t eq;
	size_t end;

	if (!dn->len || !dn_split(*dn, &rdn, &parent))
		return 0;
	eq = sv_find(rdn, '=', 0);
	if (eq == rdn.len)
		return 0;
	*type = sv_trim(sv_sub(rdn, 0, eq));
	for (end = eq + 1; end < rdn.len && rdn.ptr[end] != '+'; end++)
		if (rdn.ptr[end] == '\\' && end + 1 < rdn.len)
			end++;
	*value = sv_trim(sv_sub(rdn, eq + 1, end));
	*dn = parent;
	return 1;
}

static int fn_component(struct eval *e, const struct datum *args, size_t argc,
			struct datum *out)
{
	struct sv dn = arg_text(args, 0);
	int64_t left = arg_number(args, 1);
	struct sv type;
	struct sv value;

	(void)e;
	(void)argc;
	while (left-- > 0 && next_rdn(&dn, &type, &value))
		if (left == 0)
			return datum_text(out, value);
	return datum_null(out);
}

/* How many components count: all, or those that are not dc=. */
static int64_t count_components(struct sv dn, bool skip_dc)
{
	struct sv type;
	struct sv value;
	int64_t count = 0;

	while (next_rdn(&dn, &type, &value))
		count += !(skip_dc && sv_ieq_str(type, "dc"));
	return count;
}

static int fn_component_rev(struct eval *e, const struct datum *args,
			    size_t argc, struct datum *out)
{
	struct sv dn = arg_text(args, 0);
	bool skip_dc = !arg_null(args, 2);
	int64_t count = count_components(dn, skip_dc);
	int64_t n = arg_number(args, 1);
	struct sv type;
	struct sv value;

	(void)e;
	(void)argc;
	if (n < 1)
		return datum_null(out);
	while (next_rdn(&dn, &type, &value)) {
		if (skip_dc && sv_ieq_str(type, "dc"))
			continue;
		if (count-- == n)
			return datum_text(out, value);
	}
	return datum_null(out);
}

/* Length of "cn=" at the beginning of a component; 0: a value only. */
static size_t naming_prefix(struct sv s)
{
	static const char *const types[] = {
		"cn",     "ou",  "dc",           "o",    "c", "l", "st", "sn",
		"street", "uid", "serialNumber", "mail",
	};
	size_t eq = sv_find(s, '=', 0);
	size_t i;

	for (i = 0; eq < s.len && i < sizeof(types) / sizeof(*types); i++)
		if (sv_ieq_str(sv_sub(s, 0, eq), types[i]))
			return eq + 1;
	return 0;
}

static int fn_escape(struct eval *e, const struct datum *args, size_t argc,
		     struct datum *out)
{
	struct strbuf sb = STRBUF_INIT(EXPR_RESULT_MAX);
	size_t i;

	for (i = 0; i < argc; i++) {
		struct sv s = arg_text(args, i);
		size_t prefix = naming_prefix(s);

		if (i)
			strbuf_addc(&sb, '+');
		strbuf_addsv(&sb, sv_sub(s, 0, prefix));
		strbuf_addsv(&sb,
			     dn_escape(sv_sub(s, prefix, s.len), e->arena));
	}
	return call_text(e, &sb, out);
}

static int fn_in_container(struct eval *e, const struct datum *args,
			   size_t argc, struct datum *out)
{
	struct sv dn = arg_text(args, 0);
	struct sv container = arg_text(args, 1);

	(void)e;
	(void)argc;
	return datum_boolean(out, dn.len && container.len &&
					  dn_within(dn, container) &&
					  !dn_equal(dn, container));
}

static int fn_domain_of(struct eval *e, const struct datum *args, size_t argc,
			struct datum *out)
{
	struct strbuf sb = STRBUF_INIT(EXPR_RESULT_MAX);
	struct sv dn = arg_text(args, 0);
	struct sv type;
	struct sv value;

	(void)argc;
	while (next_rdn(&dn, &type, &value)) {
		if (!sv_ieq_str(type, "dc"))
			continue;
		if (sb.len)
			strbuf_addc(&sb, '.');
		strbuf_addsv(&sb, dn_unescape(value, e->arena));
	}
	if (sb.len)
		return call_text(e, &sb, out);
	strbuf_release(&sb);
	return datum_null(out);
}

#define DN                                                                     \
	{                                                                      \
		"dn", KIND_REF, 0                                              \
	}
#define SAMPLE "\"cn=Joe,ou=Atlanta,ou=GA,ou=US,dc=contoso,dc=com\""

static const struct function DIRECTORY[] = {
	{ .name = "DNComponent",
	  .result = KIND_STR,
	  .params = { DN, { "number", KIND_NUM, 0 } },
	  .call = fn_component,
	  .help = "the value of a component of a DN, from the left, with its "
		  "escapes; NULL when there is none",
	  .example = "DNComponent(" SAMPLE ", 1)",
	  .gives = "Joe" },
	{ .name = "DNComponentRev",
	  .result = KIND_STR,
	  .params = { DN,
		      { "number", KIND_NUM, 0 },
		      { "option", KIND_DC, PARAM_OPTIONAL | PARAM_NULL } },
	  .call = fn_component_rev,
	  .help = "the value of a component of a DN, from the right; with DC "
		  "the dc= components do not count",
	  .example = "DNComponentRev(" SAMPLE ", 1, DC)",
	  .gives = "US" },
	{ .name = "EscapeDNComponent",
	  .result = KIND_STR,
	  .flags = FN_REPEAT,
	  .params = { { "text", KIND_STR, 0 } },
	  .call = fn_escape,
	  .help = "a component's value with what DNs want escaped; cn= and the "
		  "like may stand before it; several are joined by +",
	  .example = "\"CN=\" & EscapeDNComponent(\"Smith, Ann\")",
	  .gives = "CN=Smith\\, Ann" },
	{ .name = "InContainer",
	  .result = KIND_BOOL,
	  .params = { { "dn", KIND_REF, PARAM_NULL },
		      { "container", KIND_REF, PARAM_NULL } },
	  .call = fn_in_container,
	  .help = "the object lies below the container, whatever the case and "
		  "the blanks of the DNs",
	  .example =
		  "InContainer(\"cn=Ann,ou=Staff,dc=x\", \"OU=Staff, DC=x\")",
	  .gives = "True" },
	{ .name = "DomainOf",
	  .result = KIND_STR,
	  .params = { DN },
	  .call = fn_domain_of,
	  .help = "the dc= components joined by points; NULL when there are "
		  "none",
	  .example = "DomainOf(" SAMPLE ")",
	  .gives = "contoso.com" },
};

FAMILY(directory_family, "Directory", DIRECTORY);
