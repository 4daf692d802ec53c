/*
 * param.c - %parameters% of expressions
 *
 * Those of conjoin.yaml, changed by conjoin.ENVIRONMENT.yaml, then by --set;
 * and those that come with an agent: its name and the domain of its first base.
 * %Run.Time% is the time at which the folder was read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config/config_private.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/dn.h"

#include <stdio.h>

static struct param *find(struct loader *loader, struct sv name)
{
	struct param *param;

	vec_foreach(&loader->params, param)
		if (sv_ieq(param->name, name))
			return param;
	return NULL;
}

static void set(struct loader *loader, struct sv name, struct values values)
{
	struct param *old = find(loader, name);
	struct param item = { arena_dup(loader->arena, name), values, false };

	if (old)
		old->values = values;
	else
		vec_push(&loader->params, item);
}

static struct values one_text(struct loader *loader, struct sv text)
{
	struct values values = { arena_alloc(loader->arena, sizeof(*values.at)),
				 1 };

	values.at[0] = value_string(arena_dup(loader->arena, text));
	return values;
}

static bool is_param_name(struct sv name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (name.ptr[i] != '.' && !read_is_name(sv_sub(name, i, i + 1)))
			return false;
	return name.len > 0;
}

static void read_param(struct loader *loader, const struct node *key,
		       const struct node *node)
{
	size_t count = node->kind == NODE_LIST ? node->len : 1;
	struct values values = {
		arena_array(loader->arena, count, sizeof(*values.at)), 0
	};
	size_t i;

	if (!is_param_name(key->text)) {
		problem_report(
			loader, key,
			"the name of a parameter has letters, digits, '-', "
			"'_' and '.' only");
		return;
	}
	if (sv_starts(key->text, SV_LIT("Connector.")) ||
	    sv_starts(key->text, SV_LIT("Domain.")) ||
	    sv_starts(key->text, SV_LIT("Forest.")) ||
	    sv_starts(key->text, SV_LIT("Run."))) {
		problem_report(loader, key,
			       "parameter '" SV_FMT
			       "' is built in; take another name",
			       SV_ARG(key->text));
		return;
	}
	for (i = 0; i < count; i++) {
		const struct node *item = read_item(node, i);

		if (item->kind != NODE_SCALAR) {
			problem_report(
				loader, item,
				"a parameter is a text or a list of texts");
			return;
		}
		values.at[values.len++] = value_string(item->text);
	}
	set(loader, key->text, values);
}

static void read_map_of(struct loader *loader, const struct node *root)
{
	const struct node *map =
		read_map(loader, read_find(root, "parameters"), "'parameters'");
	size_t i;

	for (i = 0; map && i < map->len; i++)
		read_param(loader, map->keys[i], map->items[i]);
}

static const char *nearest(struct loader *loader, struct sv name)
{
	const char **names =
		arena_array(loader->arena, loader->params.len, sizeof(*names));
	const struct param *param;
	size_t count = 0;

	vec_foreach(&loader->params, param)
		names[count++] = arena_cstr(loader->arena, param->name);
	return read_suggest(loader, name, names, count);
}

static void override(struct loader *loader, const struct config_override *item)
{
	struct param *param = find(loader, item->name);

	if (!param) {
		problem_at(loader, "--set", 1, 1, false,
			   arena_printf(loader->arena,
					"conjoin.yaml has no parameter '" SV_FMT
					"'%s",
					SV_ARG(item->name),
					nearest(loader, item->name)));
		return;
	}
	param->values = one_text(loader, item->value);
	param->overridden = true;
}

void params_read(struct loader *loader)
{
	const struct config_options *options = loader->options;
	size_t i;

	loader->run_time = value_datetime(clock_now());
	read_map_of(loader, loader->root);
	read_map_of(loader, loader->overlay);
	for (i = 0; options && i < options->override_count; i++)
		override(loader, &options->overrides[i]);
}

/* --- what comes with an agent ------------------------------------------ */

/* Always the same for a name, in the form of a UUID (version 8, RFC 9562). */
static void make_id(struct agent_draft *draft)
{
	static const struct hash_key no_key;
	struct hash128 hash = hash128(&no_key, sv_from(draft->agent->name));
	unsigned char bytes[16];
	char text[37];
	size_t i;

	for (i = 0; i < 8; i++) {
		bytes[i] = (unsigned char)(hash.high >> (56 - 8 * i));
		bytes[8 + i] = (unsigned char)(hash.low >> (56 - 8 * i));
	}
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x80);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	uuid_format(bytes, text);
	(void)snprintf(draft->id, sizeof(draft->id), "{%s}", text);
}

void param_agent(struct loader *loader, struct agent_draft *draft)
{
	const struct config_agent *agent = draft->agent;
	struct sv *bases = NULL;
	size_t count = 0;

	make_id(draft);
	if (!draft->connect_good || !agent->ops->bases)
		return;
	agent->ops->bases(agent->connect, loader->arena, &bases, &count);
	if (count)
		draft->base = bases[0];
}

/* The part of the base that is made of dc= only; empty when there is none. */
static struct sv domain_of(struct sv base, struct arena *arena)
{
	struct sv rest = base;
	struct sv domain = SV_NULL;
	struct sv rdn;
	struct sv parent;
	struct sv type;
	struct sv value;

	while (dn_split(rest, &rdn, &parent)) {
		bool dc = dn_component(rest, 1, arena, &type, &value) &&
			  sv_ieq_str(type, "dc");

		if (!dc)
			domain = SV_NULL;
		else if (domain.len == 0)
			domain = rest;
		rest = parent;
	}
	return domain;
}

static struct sv fqdn_of(struct sv domain, struct arena *arena)
{
	struct sv fqdn = SV_NULL;
	struct sv type;
	struct sv value;
	size_t i;

	for (i = 1; dn_component(domain, i, arena, &type, &value); i++)
		fqdn = sv_from(arena_printf(arena, SV_FMT "%s" SV_FMT,
					    SV_ARG(fqdn), i > 1 ? "." : "",
					    SV_ARG(value)));
	return fqdn;
}

/* The usual name: the first label in capitals, 15 characters at most. */
static struct sv netbios_of(struct sv domain, struct arena *arena)
{
	struct sv type;
	struct sv value;

	if (!dn_component(domain, 1, arena, &type, &value))
		return SV_NULL;
	value = sv_sub(value, 0, text_offset(value, 15));
	return text_upper(value, arena);
}

static struct sv domain_param(struct loader *loader,
			      const struct agent_draft *draft, struct sv what)
{
	struct sv domain = domain_of(draft->base, loader->arena);

	if (sv_ieq_str(what, "LDAP"))
		return domain.len ? domain : draft->base;
	if (sv_ieq_str(what, "FQDN"))
		return fqdn_of(domain, loader->arena);
	if (sv_ieq_str(what, "Netbios"))
		return netbios_of(domain, loader->arena);
	return SV_NULL;
}

static struct sv agent_param(struct loader *loader,
			     const struct agent_draft *draft, struct sv name)
{
	size_t dot = sv_find(name, '.', 0);
	struct sv group = sv_sub(name, 0, dot);
	struct sv what = dot < name.len ? sv_sub(name, dot + 1, name.len)
					: SV_NULL;

	if (sv_ieq_str(name, "Connector.Name"))
		return sv_from(draft->agent->name);
	if (sv_ieq_str(name, "Connector.ID"))
		return sv_from(draft->id);
	if (sv_ieq_str(group, "Domain") || sv_ieq_str(group, "Forest"))
		return domain_param(loader, draft, what);
	return SV_NULL;
}

int param_find(struct loader *loader, const struct agent_draft *draft,
	       struct sv name, struct values *out)
{
	const struct param *param = find(loader, name);
	struct sv text;

	if (param) {
		*out = param->values;
		return 1;
	}
	if (sv_ieq_str(name, "Run.Time")) {
		*out = (struct values){ &loader->run_time, 1 };
		return 1;
	}
	text = draft ? agent_param(loader, draft, name) : SV_NULL;
	if (text.len == 0)
		return 0;
	*out = one_text(loader, text);
	return 1;
}
