/*
 * own.c - statements of the settings' own, with :attribute in them
 *
 * Each :name becomes a parameter, so no value is ever part of a statement. What
 * stands in quotes and comments is left alone, and so is a cast (::text). A
 * name is an attribute's, an anchor's column, or `anchor` for all of it; one
 * with other characters is written :"employee number".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/export.h"

#include <ctype.h>
#include <string.h>

struct parse {
	const struct sql_writer *writer;
	const struct sql_dialect *dialect;
	const char *setting;
	struct sv text;
	unsigned flags;
	size_t at;
	struct strbuf sql;
	struct arena *arena;
	struct sql_own *out;
	struct error *err;
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static char peek(const struct parse *p, size_t ahead)
{
	return p->at + ahead < p->text.len ? p->text.ptr[p->at + ahead] : '\0';
}

static void copy(struct parse *p, size_t count)
{
	if (count > p->text.len - p->at)
		count = p->text.len - p->at;
	strbuf_add(&p->sql, p->text.ptr + p->at, count);
	p->at += count;
}

/* To the end of what begins here, with `end` as its last characters. */
static void copy_until(struct parse *p, size_t skip, struct sv end)
{
	copy(p, skip);
	while (p->at < p->text.len) {
		struct sv rest = sv_sub(p->text, p->at, p->text.len);

		if (sv_starts(rest, end)) {
			copy(p, end.len);
			return;
		}
		copy(p, 1);
	}
}

/* $tag$ ... $tag$ of PostgreSQL: how long its first mark is, or 0. */
static size_t dollar_tag(const struct parse *p)
{
	size_t len = 1;

	if (!p->dialect->numbered || peek(p, 0) != '$' ||
	    isdigit((unsigned char)peek(p, 1)))
		return 0;
	while (is_word(peek(p, len)))
		len++;
	return peek(p, len) == '$' ? len + 1 : 0;
}

/* What is no code: true when something was copied. */
static bool copy_passage(struct parse *p)
{
	char c = peek(p, 0);
	size_t tag = dollar_tag(p);

	if (c == '\'' || c == '"' || c == '`')
		copy_until(p, 1, sv_sub(p->text, p->at, p->at + 1));
	else if (c == '[' && p->dialect->quote_open == '[')
		copy_until(p, 1, SV_LIT("]"));
	else if (c == '-' && peek(p, 1) == '-')
		copy_until(p, 2, SV_LIT("\n"));
	else if (c == '/' && peek(p, 1) == '*')
		copy_until(p, 2, SV_LIT("*/"));
	else if (tag)
		copy_until(p, tag, sv_sub(p->text, p->at, p->at + tag));
	else if (c == ':' && peek(p, 1) == ':')
		copy(p, 2);
	else
		return false;
	return true;
}

/* A password, or no name of a password's statement: 1; 0 it may be the anchor's
 * column. */
static int resolve_password(const struct parse *p, struct sv name,
			    struct sql_own_param *out)
{
	bool is_new = sv_ieq_str(name, "new_password");

	if (!is_new &&
	    !((p->flags & SQL_OWN_CHANGES) && sv_ieq_str(name, "old_password")))
		return 0;
	out->kind = is_new ? SQL_OWN_NEW_PASSWORD : SQL_OWN_OLD_PASSWORD;
	return 1;
}

static int no_such_name(const struct parse *p, struct sv name)
{
	if (p->flags & SQL_OWN_SETS)
		return error_set(p->err, ERR_INVALID,
				 "'%s' asks for :" SV_FMT ": it may ask for "
				 "the columns of the anchor, :anchor%s and "
				 ":new_password",
				 p->setting, SV_ARG(name),
				 p->flags & SQL_OWN_CHANGES ? ", :old_password"
							    : "");
	return error_set(p->err, ERR_INVALID,
			 "'%s' asks for :" SV_FMT ", and '%s' has no attribute "
			 "of this name, nor the anchor a column",
			 p->setting, SV_ARG(name), p->writer->type->name);
}

/* Its values are rows of a table of their own. */
static const struct sql_child *child_of(const struct parse *p, struct sv name)
{
	const struct sql_source *source = p->writer->source;
	size_t i;

	for (i = 0; i < source->child_count; i++)
		if (source->children[i].attr.len &&
		    sv_ieq(source->children[i].attr, name))
			return &source->children[i];
	if (!p->writer->attrs || !object_type_attr(p->writer->type, name, &i) ||
	    !p->writer->attrs[i].child)
		return NULL;
	return p->writer->attrs[i].child->child;
}

static int lies_elsewhere(const struct parse *p, struct sv name,
			  const struct sql_child *child)
{
	return error_set(p->err, ERR_INVALID,
			 "'%s' asks for :" SV_FMT ", whose values are rows of "
			 "'" SV_FMT
			 "': a parameter is one value; leave it out, "
			 "conjoin writes these rows behind the statement",
			 p->setting, SV_ARG(name), SV_ARG(child->table));
}

static int resolve(struct parse *p, struct sv name, struct sql_own_param *out)
{
	const struct sql_writer *writer = p->writer;
	bool password = p->flags & SQL_OWN_SETS;
	const struct sql_child *child = password ? NULL : child_of(p, name);
	size_t i;

	if (child)
		return lies_elsewhere(p, name, child);
	if (p->flags & SQL_OWN_LOOSE)
		return 0;
	if (password && resolve_password(p, name, out))
		return 0;
	if (!password && object_type_attr(writer->type, name, &i)) {
		out->kind = SQL_OWN_ATTR;
		out->index = i;
		out->column = writer->attrs[i].column;
		return 0;
	}
	for (i = 0; i < writer->source->anchor_count; i++) {
		if (!sv_ieq(writer->source->anchors[i], name))
			continue;
		out->kind = SQL_OWN_ANCHOR;
		out->index = i;
		out->column = writer->anchors ? writer->anchors[i] : NULL;
		return 0;
	}
	if (sv_ieq_str(name, "anchor")) {
		out->kind = SQL_OWN_WHOLE_ANCHOR;
		return 0;
	}
	return no_such_name(p, name);
}

static void push_param(struct parse *p, const struct sql_own_param *param)
{
	struct sql_own *own = p->out;
	struct sql_own_param *more =
		arena_array(p->arena, own->param_count + 1, sizeof(*more));

	if (own->param_count)
		memcpy(more, own->params, own->param_count * sizeof(*more));
	more[own->param_count++] = *param;
	own->params = more;
	sql_add_marker(&p->sql, p->dialect, own->param_count);
}

/* ":name" or ":"name"" */
static int take_name(struct parse *p)
{
	struct sql_own_param param = { .kind = SQL_OWN_ATTR };
	bool quoted = peek(p, 1) == '"';
	size_t from = p->at + (quoted ? 2 : 1);
	size_t to = from;

	while (to < p->text.len &&
	       (quoted ? p->text.ptr[to] != '"' : is_word(p->text.ptr[to])))
		to++;
	if (resolve(p, sv_sub(p->text, from, to), &param) < 0)
		return -1;
	push_param(p, &param);
	p->at = to + (quoted ? 1 : 0);
	if (p->at > p->text.len)
		p->at = p->text.len;
	return 0;
}

static bool tells_rows(struct sv text)
{
	static const char *const words[] = { "insert", "update", "delete",
					     "merge", "replace" };
	size_t len = 0;
	size_t i;

	text = sv_trim(text);
	while (len < text.len && is_word(text.ptr[len]))
		len++;
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (sv_ieq_str(sv_sub(text, 0, len), words[i]))
			return true;
	return false;
}

static int parse_all(struct parse *p)
{
	while (p->at < p->text.len) {
		char c = peek(p, 0);

		if (copy_passage(p))
			continue;
		if (c == '?' && !p->dialect->numbered)
			return error_set(p->err, ERR_INVALID,
					 "'%s' has a ?: write :attribute, so "
					 "that it is known what belongs there",
					 p->setting);
		if (c == ':' && ((is_word(peek(p, 1)) &&
				  !isdigit((unsigned char)peek(p, 1))) ||
				 peek(p, 1) == '"')) {
			if (take_name(p) < 0)
				return -1;
			continue;
		}
		copy(p, 1);
	}
	return 0;
}

static bool asks_for(const struct sql_own *own, enum sql_own_kind kind)
{
	size_t i;

	for (i = 0; i < own->param_count; i++)
		if (own->params[i].kind == kind)
			return true;
	return false;
}

static int need_passwords(const struct parse *p)
{
	if (!asks_for(p->out, SQL_OWN_NEW_PASSWORD))
		return error_set(p->err, ERR_INVALID,
				 "'%s' does not use :new_password", p->setting);
	if ((p->flags & SQL_OWN_CHANGES) &&
	    !asks_for(p->out, SQL_OWN_OLD_PASSWORD))
		return error_set(p->err, ERR_INVALID,
				 "'%s' does not use :old_password: it must see "
				 "to it that it is the right one",
				 p->setting);
	if (!asks_for(p->out, SQL_OWN_ANCHOR) &&
	    !asks_for(p->out, SQL_OWN_WHOLE_ANCHOR))
		return error_set(p->err, ERR_INVALID,
				 "'%s' does not say whose password it is: use "
				 "a column of the anchor, or :anchor",
				 p->setting);
	return 0;
}

int sql_own_parse(const struct sql_writer *writer,
		  const struct sql_dialect *dialect, const char *setting,
		  struct sv text, unsigned flags, struct arena *arena,
		  struct sql_own *out, struct error *err)
{
	struct parse p = { .writer = writer,
			   .dialect = dialect,
			   .setting = setting,
			   .text = sv_trim(text),
			   .flags = flags,
			   .sql = STRBUF_INIT(STRBUF_NO_LIMIT),
			   .arena = arena,
			   .out = out,
			   .err = err };
	int ret;

	memset(out, 0, sizeof(*out));
	if (!p.text.len)
		return 0;
	if (memchr(p.text.ptr, '\0', p.text.len))
		return error_set(err, ERR_INVALID, "'%s' has a NUL in it",
				 setting);
	ret = parse_all(&p);
	if (ret == 0 && flags & SQL_OWN_SETS)
		ret = need_passwords(&p);
	if (ret == 0) {
		out->sql = arena_cstr(arena, strbuf_sv(&p.sql));
		out->counts = tells_rows(p.text);
	}
	strbuf_release(&p.sql);
	return ret;
}
