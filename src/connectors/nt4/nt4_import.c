/*
 * nt4_import.c - all users, groups and aliases of a domain
 *
 * What the lists of the server tell comes with one call of rpcclient; the rest
 * (members, and of users what the lists do not tell, when a rule asks for it)
 * is asked for some hundred objects at a time. The answers to several commands
 * are kept apart by a word between them that is no command.
 *
 * An object that is gone before it is its turn is passed over. There is no log
 * of changes: the engine compares.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/nt4/nt4_private.h"

#include <stdlib.h>
#include <strings.h>

#define TOGETHER 500 /* objects in one call of the program */
#define MARK     "conjoin-mark"
#define MARKED   "command not found: " MARK

struct item {
	enum nt4_kind kind;
	size_t type; /* of the configuration */
	struct nt4_account account;
	struct sv details; /* what rpcclient printed of it */
};

struct nt4_import {
	struct arena arena;
	struct arena part; /* of the items that are looked at together */
	struct sv sid;     /* of the domain */
	VEC(struct item) items;
	VEC(struct item) by_rid; /* a sorted copy */
	size_t at;
	size_t ready; /* the items before this have their details */
	bool details; /* of users, too */
};

void nt4_import_free(struct connector_session *session)
{
	struct nt4_import *import = session->import;

	if (!import)
		return;
	vec_release(&import->items);
	vec_release(&import->by_rid);
	arena_release(&import->part);
	arena_release(&import->arena);
	mem_free(import);
	session->import = NULL;
}

/* The answer to the next command; *at moves behind its mark. False: there is no
 * mark, so that it is not whole. */
static bool next_answer(struct sv text, size_t *at, struct sv *out)
{
	size_t from = *at;
	size_t before = *at;
	struct sv line;

	while (nt4_next_line(text, at, &line)) {
		*out = sv_sub(text, from, before);
		if (sv_eq_str(line, MARKED))
			return true;
		before = *at;
	}
	*out = SV_NULL;
	return false;
}

/* The program was cut off, or is another one. */
static int not_whole(const struct connector_session *session, struct error *err)
{
	return error_set(err, ERR_UNAVAILABLE,
			 "%s: the answer of rpcclient is not as it should be: "
			 "is it Samba's, of version 4?",
			 session->server);
}

static bool find_type(const struct connector_session *session,
		      enum nt4_kind kind, size_t *out)
{
	const struct connector_config *config = session->config;

	for (*out = 0; *out < config->type_count; (*out)++)
		if (nt4_kind_of(config->types[*out].name) == kind)
			return true;
	return false;
}

static void take_list(struct connector_session *session, enum nt4_kind kind,
		      struct sv answer)
{
	struct nt4_import *import = session->import;
	struct item item = { .kind = kind, .type = SIZE_MAX };
	struct sv line;
	size_t at = 0;

	if (!find_type(session, kind, &item.type))
		item.type = SIZE_MAX; /* a target of references all the same */
	while (nt4_next_line(answer, &at, &line)) {
		item.account = (struct nt4_account){ .rid = 0 };
		if (kind == NT4_USER ? nt4_parse_account(line, &item.account)
				     : nt4_parse_group(line, &item.account.name,
						       &item.account.rid))
			vec_push(&import->items, item);
	}
}

static void take_sid(struct nt4_import *import, struct sv answer)
{
	struct sv line;
	size_t at = 0;

	while (nt4_next_line(answer, &at, &line))
		if (sv_starts(line, SV_LIT("Domain Sid: ")))
			import->sid = sv_trim(sv_sub(line, 12, line.len));
}

static int by_rid(const void *a, const void *b)
{
	uint32_t x = ((const struct item *)a)->account.rid;
	uint32_t y = ((const struct item *)b)->account.rid;

	return (x > y) - (x < y);
}

static const struct item *find_rid(const struct nt4_import *import,
				   uint32_t rid)
{
	struct item key = { .account = { .rid = rid } };

	if (!import->by_rid.len)
		return NULL;
	return bsearch(&key, import->by_rid.at, import->by_rid.len, sizeof(key),
		       by_rid);
}

/* A refusal of a whole list ends the import: what it did not tell would look
 * deleted. */
static int refused(const struct connector_session *session,
		   const struct process_talk *talk, struct error *err)
{
	struct sv status = nt4_find_status(talk->errors);

	if (!status.len)
		return 0;
	return error_set(err, ERR_DENIED,
			 "%s: cannot list what is in the domain: " SV_FMT
			 ": check the rights of the agent's account",
			 session->server, SV_ARG(status));
}

/* Does a rule ask for what only queryuser tells? */
static bool asks_for_details(const struct connector_session *session)
{
	const struct object_type *type;
	size_t index;
	size_t i;

	if (!find_type(session, NT4_USER, &index))
		return false;
	type = &session->config->types[index];
	for (i = 0; i < type->attr_count; i++) {
		const struct nt4_attr *attr =
			nt4_user_attr(type->attrs[i].name);

		if (attr && attr->label)
			return true;
	}
	return false;
}

int nt4_import_begin(struct connector_session *session, enum import_kind kind,
		     struct sv watermark, struct error *err)
{
	static const char lists[] = "lsaquery\n" MARK "\nquerydispinfo\n" MARK
				    "\nenumdomgroups\n" MARK
				    "\nenumalsgroups domain\n" MARK "\n";
	struct nt4_import *import;
	struct process_talk talk;
	const struct item *item;
	struct sv answer;
	bool whole;
	size_t at = 0;
	int i;

	(void)kind;
	(void)watermark;
	nt4_import_free(session);
	import = session->import = mem_zalloc(sizeof(*import));
	import->details = asks_for_details(session);
	if (nt4_rpcclient(session, sv_from(lists), &talk, &import->arena, err) <
		    0 ||
	    refused(session, &talk, err) < 0)
		return -1;
	whole = next_answer(talk.out, &at, &answer);
	take_sid(import, answer);
	for (i = 0; whole && i < NT4_KINDS; i++) {
		whole = next_answer(talk.out, &at, &answer);
		take_list(session, (enum nt4_kind)i, answer);
	}
	if (!whole || !import->sid.len)
		return not_whole(session, err);
	vec_foreach(&import->items, item)
		vec_push(&import->by_rid, *item);
	vec_sort(&import->by_rid, by_rid);
	return 0;
}

static void ask_for(const struct nt4_import *import, const struct item *item,
		    struct strbuf *out)
{
	uint32_t rid = item->account.rid;

	if (item->type == SIZE_MAX)
		return;
	if (item->kind == NT4_USER && import->details)
		strbuf_addf(out, "queryuser 0x%x\n", rid);
	if (item->kind == NT4_GROUP)
		strbuf_addf(out, "querygroup 0x%x\nquerygroupmem 0x%x\n", rid,
			    rid);
	if (item->kind == NT4_ALIAS)
		strbuf_addf(out, "queryaliasmem domain 0x%x\n", rid);
}

static bool only_gone(struct sv errors)
{
	struct sv line;
	size_t at = 0;

	while (nt4_next_line(errors, &at, &line)) {
		struct sv status = nt4_find_status(line);

		if (status.len &&
		    !sv_starts(status, SV_LIT("NT_STATUS_NO_SUCH_")))
			return false;
	}
	return true;
}

/* Details of the items from `at` on, as many as are asked for together. */
static int read_details(struct connector_session *session, struct error *err)
{
	struct nt4_import *import = session->import;
	struct strbuf commands = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t end = import->at + TOGETHER;
	struct process_talk talk;
	size_t at = 0;
	size_t i;
	int ret;

	if (end > import->items.len)
		end = import->items.len;
	arena_reset(&import->part);
	for (i = import->at; i < end; i++) {
		ask_for(import, &import->items.at[i], &commands);
		strbuf_adds(&commands, MARK "\n");
	}
	ret = nt4_rpcclient(session, strbuf_sv(&commands), &talk, &import->part,
			    err);
	if (ret == 0 && !only_gone(talk.errors))
		ret = refused(session, &talk, err);
	for (i = import->at; ret == 0 && i < end; i++)
		if (!next_answer(talk.out, &at, &import->items.at[i].details))
			ret = not_whole(session, err);
	import->ready = end;
	strbuf_release(&commands);
	return ret;
}

static struct sv field(struct sv details, const char *label)
{
	struct sv line;
	struct sv name;
	struct sv value;
	size_t at = 0;

	while (nt4_next_line(details, &at, &line))
		if (nt4_parse_field(line, &name, &value) &&
		    sv_eq_str(name, label))
			return value;
	return SV_NULL;
}

static void add_value(struct values *values, struct value value,
		      struct arena *arena)
{
	struct value *at =
		arena_array(arena, values->len + 1, sizeof(*values->at));

	if (values->len)
		memcpy(at, values->at, values->len * sizeof(*at));
	at[values->len++] = value;
	values->at = at;
}

/* Who is in it: one of the domain as a reference, others by their SIDs. */
static void set_members(const struct connector_session *session,
			const struct item *item, bool foreign,
			struct values *values, struct arena *arena)
{
	const struct nt4_import *import = session->import;
	VEC(struct value) all = VEC_INIT;
	struct sv line;
	size_t at = 0;

	while (nt4_next_line(item->details, &at, &line)) {
		const struct item *member = NULL;
		uint32_t rid = 0;
		struct sv sid;
		bool own = false;

		if (item->kind == NT4_GROUP && nt4_parse_member(line, &rid)) {
			own = true;
		} else if (item->kind == NT4_ALIAS &&
			   nt4_parse_sid(line, &sid)) {
			own = sid.len > import->sid.len + 1 &&
			      sv_starts(sid, import->sid) &&
			      nt4_parse_number(
				      sv_sub(sid, import->sid.len + 1, sid.len),
				      &rid);
			if (!own && foreign)
				vec_push(&all,
					 value_string(arena_dup(arena, sid)));
		}
		member = own ? find_rid(import, rid) : NULL;
		if (member && !foreign)
			vec_push(&all,
				 value_reference(0, nt4_dn(session,
							   member->account.name,
							   arena)));
	}
	values->at = arena_array(arena, all.len + 1, sizeof(*values->at));
	values->len = all.len;
	if (all.len)
		memcpy(values->at, all.at, all.len * sizeof(*values->at));
	vec_release(&all);
}

/* The text of an attribute that has one value; empty: none. */
static struct sv text_of(const struct connector_session *session,
			 const struct item *item, const char *name,
			 struct arena *arena)
{
	const struct nt4_account *account = &item->account;
	const struct nt4_attr *attr;

	if (!strcasecmp(name, "accountName"))
		return account->name;
	if (!strcasecmp(name, "rid"))
		return sv_from(arena_printf(arena, "%u", account->rid));
	if (!strcasecmp(name, "sid"))
		return sv_from(arena_printf(arena, SV_FMT "-%u",
					    SV_ARG(session->import->sid),
					    account->rid));
	if (item->kind != NT4_USER)
		return !strcasecmp(name, "description")
			       ? field(item->details, "Description")
			       : SV_NULL;
	if (!strcasecmp(name, "fullName"))
		return sv_trim(account->full_name);
	if (!strcasecmp(name, "description"))
		return sv_trim(account->description);
	if (!strcasecmp(name, "accountFlags"))
		return sv_from(arena_printf(arena, "%u", account->flags));
	attr = nt4_user_attr(name);
	if (attr && attr->flag)
		return account->flags & attr->flag ? SV_LIT("true")
						   : SV_LIT("false");
	return attr && attr->label ? field(item->details, attr->label)
				   : SV_NULL;
}

/* False: the value does not fit, `out` says so. */
static bool set_text(const struct attr_def *def, struct sv text,
		     struct values *values, struct arena *arena,
		     struct change *out)
{
	struct value value;
	uint32_t number;

	text = arena_dup(arena, text);
	if (def->type == VALUE_INTEGER && nt4_parse_number(text, &number))
		value = value_integer(number);
	else if (def->type == VALUE_STRING || def->type == VALUE_NULL)
		value = value_string(text);
	else if (!value_parse(def->type, text, def->format, &value)) {
		out->op = CHANGE_ERROR;
		out->error = "invalid-attribute-value";
		out->message = sv_from(arena_printf(
			arena,
			"'%s' has the value '" SV_FMT "', which is no "
			"%s",
			def->name, SV_ARG(text), value_type_name(def->type)));
		out->where = out->dn;
		return false;
	}
	add_value(values, value, arena);
	return true;
}

static void set_attrs(const struct connector_session *session,
		      const struct item *item, struct arena *arena,
		      struct change *out)
{
	const struct object_type *type = &session->config->types[item->type];
	size_t i;

	out->attrs =
		arena_array(arena, type->attr_count + 1, sizeof(*out->attrs));
	for (i = 0; i < type->attr_count; i++) {
		const struct attr_def *def = &type->attrs[i];
		struct attr_change *attr = &out->attrs[out->attr_count];
		struct sv text;

		*attr = (struct attr_change){ .attr = i, .op = ATTR_REPLACE };
		if (!strcasecmp(def->name, "member") ||
		    !strcasecmp(def->name, "foreignMember")) {
			set_members(session, item,
				    !strcasecmp(def->name, "foreignMember"),
				    &attr->values, arena);
		} else {
			text = text_of(session, item, def->name, arena);
			if (text.len &&
			    !set_text(def, text, &attr->values, arena, out))
				break;
		}
		out->attr_count += attr->values.len > 0;
	}
	if (out->op == CHANGE_ERROR)
		out->attr_count = 0;
}

/* It has details when it is there still. */
static bool is_gone(const struct nt4_import *import, const struct item *item)
{
	bool asked = item->kind == NT4_GROUP ||
		     (item->kind == NT4_USER && import->details);

	return asked && !item->details.len;
}

int nt4_import_next(struct connector_session *session, struct arena *arena,
		    struct change *out, struct error *err)
{
	struct nt4_import *import = session->import;

	while (import->at < import->items.len) {
		const struct item *item;

		if (import->at == import->ready &&
		    read_details(session, err) < 0)
			return -1;
		item = &import->items.at[import->at++];
		if (item->type == SIZE_MAX || is_gone(import, item))
			continue;
		*out = (struct change){
			.op = CHANGE_OBJECT,
			.type = item->type,
			.anchor = sv_from(
				arena_printf(arena, "%u", item->account.rid)),
			.dn = nt4_dn(session, item->account.name, arena),
		};
		set_attrs(session, item, arena, out);
		return 1;
	}
	return 0;
}

int nt4_import_end(struct connector_session *session, struct arena *arena,
		   struct sv *watermark_out, struct error *err)
{
	(void)arena;
	(void)err;
	*watermark_out = SV_NULL;
	nt4_import_free(session);
	return 0;
}

int nt4_import_progress(const struct connector_session *session)
{
	const struct nt4_import *import = session->import;

	if (!import || !import->items.len)
		return -1;
	return (int)(import->at * 1000 / import->items.len);
}
