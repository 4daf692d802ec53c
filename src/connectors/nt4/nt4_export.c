/*
 * nt4_export.c - one operation after the other, each in some calls of the two
 * programs
 *
 * An account is made, filled and given its password by different calls. When a
 * later one is refused, what was made is taken away again, so that the add can
 * be tried as a whole. What is so already is no error, so that everything but
 * an add can be repeated; an add that may have been sent before adopts an
 * account of that name when nothing in it is other than what it carries.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/nt4/nt4_private.h"

#include "model/dn.h"

#include <strings.h>

struct nt4_export {
	struct arena arena; /* of outcomes that were not taken */
	VEC(struct export_outcome) outcomes;
	size_t at;
};

/* One operation; every step is 0: done, 1: refused, the outcome says why, -1:
 * the server cannot be asked. */
struct work {
	struct connector_session *session;
	const struct export_op *op;
	const struct object_type *type;
	enum nt4_kind kind;
	struct sv name;
	struct arena *arena;
	struct export_outcome outcome;
	struct error *err;
};

void nt4_export_free(struct connector_session *session)
{
	struct nt4_export *export = session->export;

	if (!export)
		return;
	vec_release(&export->outcomes);
	arena_release(&export->arena);
	mem_free(export);
	session->export = NULL;
}

int nt4_export_begin(struct connector_session *session, struct error *err)
{
	(void)err;
	nt4_export_free(session);
	session->export = mem_zalloc(sizeof(*session->export));
	return 0;
}

static int refuse(struct work *work, const char *error, struct sv message)
{
	work->outcome.error = error;
	work->outcome.message = message;
	return 1;
}

static int refuse_word(struct work *work, struct sv word)
{
	return refuse(work, "invalid-attribute-value",
		      sv_from(arena_printf(work->arena,
					   "'" SV_FMT
					   "' has a character that rpcclient "
					   "cannot be given",
					   SV_ARG(word))));
}

/* The line of a program's answer that has the status. */
static struct sv line_of(struct sv text, struct sv status)
{
	struct sv line;
	size_t at = 0;

	while (nt4_next_line(text, &at, &line))
		if (sv_eq(nt4_find_status(line), status))
			return sv_trim(line);
	return status;
}

/* The status of a refusal; empty: it was done. */
static struct sv status_of(const struct process_talk *talk, struct sv *line)
{
	struct sv status = nt4_find_status(talk->errors);

	if (status.len) {
		*line = line_of(talk->errors, status);
		return status;
	}
	status = nt4_find_status(talk->out);
	*line = line_of(talk->out, status);
	return status;
}

static bool is(struct sv status, const char *word)
{
	return sv_eq_str(status, word);
}

static int judged(struct work *work, const struct process_talk *talk)
{
	struct sv line;
	struct sv status = status_of(talk, &line);

	if (!status.len)
		return 0;
	return refuse(work, nt4_status_error(status), line);
}

/* rpcclient with a command and the object's name behind it. */
static int call(struct work *work, const char *command, struct sv word,
		struct sv secret, struct process_talk *talk)
{
	struct strbuf text = STRBUF_INIT(4096);
	int ret = 0;

	strbuf_addf(&text, "%s ", command);
	if (!nt4_put_word(&text, word))
		ret = refuse_word(work, word);
	if (ret == 0 && secret.len) {
		strbuf_adds(&text, " 24 ");
		if (!nt4_put_word(&text, secret))
			ret = refuse(work, "invalid-attribute-value",
				     SV_LIT("the password has a double quote "
					    "or a control character, which "
					    "rpcclient cannot be given"));
	}
	strbuf_addc(&text, '\n');
	if (ret == 0)
		ret = nt4_rpcclient(work->session, strbuf_sv(&text), talk,
				    work->arena, work->err);
	if (text.len)
		explicit_bzero(text.ptr, text.len);
	strbuf_release(&text);
	return ret;
}

/* The RID of what has this name; 0: there is none. */
static int find_rid(struct work *work, struct sv name, uint32_t *rid)
{
	struct process_talk talk;
	struct sv line;
	size_t at = 0;
	int ret = call(work, "samlookupnames domain", name, SV_NULL, &talk);

	*rid = 0;
	while (ret == 0 && nt4_next_line(talk.out, &at, &line))
		if (nt4_parse_name(line, name, rid))
			break;
	return ret;
}

/* ---- fields of users ---- */

static const char *yes_no(const struct values *values)
{
	return values->len && values->at[0].number ? "yes" : "no";
}

static struct sv first_text(const struct values *values, struct arena *arena)
{
	return values->len ? value_text(&values->at[0], arena) : SV_NULL;
}

static bool is_named(const struct attr_def *def, const char *name)
{
	return !strcasecmp(def->name, name);
}

static bool is_member(const struct attr_def *def)
{
	return is_named(def, "member") || is_named(def, "foreignMember");
}

static int put_field(struct work *work, const struct attr_change *change,
		     struct strbuf *text)
{
	const struct attr_def *def = &work->type->attrs[change->attr];
	const struct nt4_attr *attr =
		work->kind == NT4_USER ? nt4_user_attr(def->name) : NULL;
	struct sv value;

	if (is_member(def) || is_named(def, "userPassword"))
		return 0;
	if (!attr || !attr->word)
		return refuse(
			work, "schema-violation",
			sv_from(arena_printf(work->arena,
					     "'%s' cannot be written with the "
					     "programs of Samba",
					     def->name)));
	value = attr->flag ? sv_from(yes_no(&change->values))
			   : first_text(&change->values, work->arena);
	strbuf_addf(text, "%s ", attr->word);
	if (!nt4_put_argument(text, work->name))
		return refuse_word(work, work->name);
	strbuf_addc(text, ' ');
	if (!nt4_put_argument(text, value))
		return refuse_word(work, value);
	strbuf_addc(text, '\n');
	return 0;
}

static int write_fields(struct work *work, bool enable)
{
	static const char *const words[] = { "shell", NULL };
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct process_talk talk;
	size_t empty;
	size_t i;
	int ret = 0;

	strbuf_adds(&text, "user\nedit\n");
	empty = text.len;
	for (i = 0; ret == 0 && i < work->op->attr_count; i++)
		ret = put_field(work, &work->op->attrs[i], &text);
	if (ret == 0 && enable) {
		strbuf_adds(&text, "disabled ");
		(void)nt4_put_argument(&text, work->name);
		strbuf_adds(&text, " no\n");
	}
	if (ret == 0 && text.len > empty) {
		ret = nt4_net(work->session, words, strbuf_sv(&text), &talk,
			      work->arena, work->err);
		if (ret == 0)
			ret = judged(work, &talk);
	}
	strbuf_release(&text);
	return ret;
}

static const struct attr_change *find_change(const struct work *work,
					     const char *name)
{
	size_t i;

	for (i = 0; i < work->op->attr_count; i++)
		if (is_named(&work->type->attrs[work->op->attrs[i].attr], name))
			return &work->op->attrs[i];
	return NULL;
}

static int write_password(struct work *work)
{
	const struct attr_change *change = find_change(work, "userPassword");
	struct process_talk talk;
	int ret;

	if (!change || !change->values.len || work->kind != NT4_USER)
		return 0;
	ret = call(work, "setuserinfo2", work->name,
		   first_text(&change->values, work->arena), &talk);
	return ret ? ret : judged(work, &talk);
}

/* ---- members ---- */

/* The account name, or the SID, of a member. */
static struct sv member_name(struct work *work, const struct attr_def *def,
			     const struct value *value)
{
	struct sv text = value_text(value, work->arena);

	return is_named(def, "member") ? nt4_name(text, work->arena) : text;
}

static int change_member(struct work *work, bool add, struct sv member)
{
	const char *words[] = { "group", add ? "addmem" : "delmem",
				arena_cstr(work->arena, work->name),
				arena_cstr(work->arena, member), NULL };
	struct process_talk talk;
	struct sv line;
	struct sv status;
	int ret;

	if (!member.len)
		return refuse(work, "invalid-attribute-value",
			      SV_LIT("a member is named as CN=NAME,DC=DOMAIN"));
	ret = nt4_net(work->session, words, SV_NULL, &talk, work->arena,
		      work->err);
	if (ret)
		return ret;
	status = status_of(&talk, &line);
	if (add ? is(status, "NT_STATUS_MEMBER_IN_GROUP") ||
			    is(status, "NT_STATUS_MEMBER_IN_ALIAS")
		: is(status, "NT_STATUS_MEMBER_NOT_IN_GROUP") ||
			    is(status, "NT_STATUS_MEMBER_NOT_IN_ALIAS"))
		return 0;
	if (!status.len && talk.status)
		return refuse(
			work, "cd-error",
			sv_trim(talk.errors.len ? talk.errors : talk.out));
	return judged(work, &talk);
}

/* Who is in it now: "NT4DOM\\ann", a line each. */
static int list_members(struct work *work, struct process_talk *talk)
{
	const char *words[] = { "group", "members",
				arena_cstr(work->arena, work->name), NULL };
	int ret = nt4_net(work->session, words, SV_NULL, talk, work->arena,
			  work->err);

	return ret ? ret : judged(work, talk);
}

static bool next_member(struct sv text, size_t *at, struct sv *name)
{
	struct sv line;
	size_t slash;

	while (nt4_next_line(text, at, &line)) {
		slash = sv_find(line, '\\', 0);
		if (slash == line.len)
			continue;
		*name = sv_sub(line, slash + 1, line.len);
		return true;
	}
	return false;
}

static bool wants(struct work *work, const struct attr_def *def,
		  const struct values *values, struct sv name)
{
	size_t i;

	for (i = 0; i < values->len; i++)
		if (sv_ieq(member_name(work, def, &values->at[i]), name))
			return true;
	return false;
}

/* A replacement: who is in it and not wanted goes. */
static int drop_others(struct work *work, const struct attr_change *change)
{
	const struct attr_def *def = &work->type->attrs[change->attr];
	struct process_talk talk;
	struct sv name;
	size_t at = 0;
	int ret;

	if (!is_named(def, "member"))
		return 0;
	ret = list_members(work, &talk);
	while (ret == 0 && next_member(talk.out, &at, &name))
		if (!wants(work, def, &change->values, name))
			ret = change_member(work, false, name);
	return ret;
}

static int write_members(struct work *work, bool is_new)
{
	size_t i;
	size_t k;
	int ret = 0;

	for (i = 0; ret == 0 && i < work->op->attr_count; i++) {
		const struct attr_change *change = &work->op->attrs[i];
		const struct attr_def *def = &work->type->attrs[change->attr];

		if (!is_member(def))
			continue;
		if (change->op == ATTR_REPLACE && !is_new)
			ret = drop_others(work, change);
		for (k = 0; ret == 0 && k < change->values.len; k++)
			ret = change_member(
				work, change->op != ATTR_DELETE,
				member_name(work, def, &change->values.at[k]));
	}
	return ret;
}

/* ---- operations ---- */

static int write_all(struct work *work, bool is_new)
{
	bool enable = is_new && work->kind == NT4_USER &&
		      find_change(work, "userPassword") &&
		      !find_change(work, "disabled");
	int ret = write_password(work);

	if (ret == 0)
		ret = write_fields(work, enable);
	return ret ? ret : write_members(work, is_new);
}

static int delete (struct work *work)
{
	static const char *const commands[NT4_KINDS] = {
		[NT4_USER] = "deletedomuser",
		[NT4_GROUP] = "deletedomgroup",
		[NT4_ALIAS] = "deletealias domain",
	};
	struct process_talk talk;
	int ret = call(work, commands[work->kind], work->name, SV_NULL, &talk);
	struct sv line;
	struct sv status;

	if (ret)
		return ret;
	status = status_of(&talk, &line);
	if (work->op->retry &&
	    (is(status, "NT_STATUS_NONE_MAPPED") ||
	     !strcmp(nt4_status_error(status), "cd-missing-object")))
		return 0;
	return judged(work, &talk);
}

static bool field_fits(struct work *work, const struct attr_change *change,
		       struct sv details)
{
	const struct attr_def *def = &work->type->attrs[change->attr];
	const struct nt4_attr *attr = nt4_user_attr(def->name);
	const char *label = attr ? attr->label : NULL;
	struct sv line;
	struct sv name;
	struct sv value;
	size_t at = 0;

	if (is_named(def, "fullName"))
		label = "Full Name";
	if (is_named(def, "description"))
		label = "Description";
	while (label && nt4_next_line(details, &at, &line))
		if (nt4_parse_field(line, &name, &value) &&
		    sv_eq_str(name, label))
			return !value.len ||
			       sv_eq(value,
				     first_text(&change->values, work->arena));
	return true;
}

/* Nothing in what bears the name already is other than what was sent. */
static int adopt(struct work *work, struct sv line)
{
	struct process_talk talk;
	size_t i;
	int ret;

	if (work->kind == NT4_USER) {
		ret = call(work, "queryuser", work->name, SV_NULL, &talk);
		for (i = 0; ret == 0 && i < work->op->attr_count; i++)
			if (!field_fits(work, &work->op->attrs[i], talk.out))
				ret = refuse(work, "cd-existing-object", line);
	} else {
		const struct attr_change *change = find_change(work, "member");
		const struct values none = { NULL, 0 };
		struct sv name;
		size_t at = 0;

		ret = list_members(work, &talk);
		while (ret == 0 && next_member(talk.out, &at, &name))
			if (!wants(work, &(struct attr_def){ .name = "member" },
				   change ? &change->values : &none, name))
				ret = refuse(work, "cd-existing-object", line);
	}
	if (ret == 0)
		work->outcome.adopted = true;
	return ret;
}

static int add(struct work *work)
{
	static const char *const commands[NT4_KINDS] = {
		[NT4_USER] = "createdomuser",
		[NT4_GROUP] = "createdomgroup",
		[NT4_ALIAS] = "createdomalias",
	};
	struct process_talk talk;
	struct sv line;
	struct sv status;
	uint32_t rid;
	int ret = call(work, commands[work->kind], work->name, SV_NULL, &talk);

	if (ret)
		return ret;
	status = status_of(&talk, &line);
	if (status.len && work->op->retry &&
	    !strcmp(nt4_status_error(status), "cd-existing-object"))
		ret = adopt(work, line);
	else
		ret = judged(work, &talk);
	if (ret)
		return ret;
	ret = write_all(work, true);
	if (ret > 0 && !work->outcome.adopted) {
		struct export_outcome outcome = work->outcome;

		if (delete (work) < 0)
			return -1;
		work->outcome = outcome;
		return 1;
	}
	if (ret == 0)
		ret = find_rid(work, work->name, &rid);
	if (ret == 0 && rid)
		work->outcome.anchor =
			sv_from(arena_printf(work->arena, "%u", rid));
	return ret;
}

static int rename_object(struct work *work)
{
	struct sv name = nt4_name(work->op->new_dn, work->arena);
	const char *words[] = { work->kind == NT4_USER ? "user" : "group",
				"rename", arena_cstr(work->arena, work->name),
				arena_cstr(work->arena, name), NULL };
	struct process_talk talk;
	uint32_t rid = 0;
	uint32_t own = 0;
	int ret;

	if (!name.len)
		return refuse(work, "invalid-dn",
			      SV_LIT("a name is CN=NAME,DC=DOMAIN"));
	(void)nt4_parse_number(work->op->anchor, &own);
	ret = find_rid(work, name, &rid);
	if (ret == 0 && (!rid || rid != own)) {
		ret = rid ? refuse(work, "rename-to-existing-dn",
				   SV_LIT("another object has that name"))
			  : nt4_net(work->session, words, SV_NULL, &talk,
				    work->arena, work->err);
		if (ret == 0)
			ret = judged(work, &talk);
		if (ret == 0 && talk.status)
			ret = refuse(work, "permission-issue",
				     sv_trim(talk.errors.len ? talk.errors
							     : talk.out));
	}
	work->name = name;
	return ret ? ret : write_all(work, false);
}

static int perform(struct work *work)
{
	int ret;

	switch (work->op->kind) {
	case EXPORT_ADD:
		return add(work);
	case EXPORT_UPDATE:
		return write_all(work, false);
	case EXPORT_RENAME:
		return rename_object(work);
	case EXPORT_DELETE:
		return delete (work);
	case EXPORT_DELETE_ADD:
		ret = delete (work);
		if (ret)
			return ret;
		if (work->op->new_dn.len)
			work->name = nt4_name(work->op->new_dn, work->arena);
		return add(work);
	}
	return 0;
}

int nt4_export_put(struct connector_session *session,
		   const struct export_op *op, struct error *err)
{
	struct nt4_export *export = session->export;
	struct arena *arena = &export->arena;
	struct work work = {
		.session = session,
		.op = op,
		.type = &session->config->types[op->type],
		.kind = nt4_kind_of(session->config->types[op->type].name),
		.arena = arena,
		.outcome = { .id = op->id },
		.err = err,
	};
	int ret;

	if (export->at == export->outcomes.len) {
		vec_clear(&export->outcomes);
		export->at = 0;
		arena_reset(arena);
	}
	work.name = nt4_name(op->dn, arena);
	if (!work.name.len || work.name.ptr[0] == '-')
		ret = refuse(&work, "invalid-dn",
			     SV_LIT("a name is CN=NAME,DC=DOMAIN"));
	else
		ret = perform(&work);
	if (ret < 0)
		return -1;
	work.outcome.ok = ret == 0;
	if (work.outcome.ok) {
		work.outcome.dn = nt4_dn(session, work.name, arena);
		if (!work.outcome.anchor.len && op->kind != EXPORT_ADD &&
		    op->kind != EXPORT_DELETE_ADD)
			work.outcome.anchor = arena_dup(arena, op->anchor);
	}
	vec_push(&export->outcomes, work.outcome);
	return 0;
}

int nt4_export_result(struct connector_session *session, bool wait,
		      struct arena *arena, struct export_outcome *out,
		      struct error *err)
{
	struct nt4_export *export = session->export;

	(void)wait;
	(void)err;
	if (export->at == export->outcomes.len)
		return 0;
	*out = export->outcomes.at[export->at++];
	out->message = arena_dup(arena, out->message);
	out->anchor = arena_dup(arena, out->anchor);
	out->dn = arena_dup(arena, out->dn);
	return 1;
}

int nt4_export_end(struct connector_session *session, struct error *err)
{
	(void)session;
	(void)err;
	return 0;
}
