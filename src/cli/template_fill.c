/*
 * template_fill.c - the texts of templates: what stands in {{...}} is filled in
 *
 * Called for each .yaml file of a template. Text is copied while it is told
 * where it is: in a comment, in quotes, in the double quotes of an expression.
 * A block that is repeated is read once for each item; one that is left out is
 * read without being copied.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/template_fill.h"

#include <string.h>

#define DEPTH_MAX 16

enum place {
	PLACE_PLAIN,
	PLACE_COMMENT,
	PLACE_RULE, /* in single quotes */
	PLACE_TEXT, /* in double quotes, in single ones */
};

struct fill {
	struct sv text;
	size_t at;
	enum place place;
	struct strbuf *out;
	int depth;
	struct error *err;
};

/* A tag without its braces. */
enum tag_kind {
	TAG_END,
	TAG_VALUE,
	TAG_LIST,
	TAG_EACH,
	TAG_OTHERS,
	TAG_IF,
	TAG_ELSE,
	TAG_CLOSE
};

struct tag {
	enum tag_kind kind;
	struct sv name;      /* of a setting, or of what is closed */
	struct sv separator; /* TAG_EACH */
	bool not ;           /* TAG_IF */
	size_t next;         /* behind it */
};

static int fail(const struct fill *f, size_t at, const char *what,
		struct sv name)
{
	int line = 1;
	size_t i;

	for (i = 0; i < at; i++)
		line += f->text.ptr[i] == '\n';
	return error_set(f->err, ERR_INTERNAL,
			 "line %d of the template: %s '" SV_FMT "'", line, what,
			 SV_ARG(name));
}

bool template_is_name(struct sv text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter &&
		    (i == 0 || !((c >= '0' && c <= '9') || strchr("-_.;", c))))
			return false;
	}
	return text.len > 0;
}

/* ---- looking up ---- */

static const struct node *find(const struct fill_scope *scope, struct sv name)
{
	size_t i;

	for (; scope; scope = scope->up) {
		if (scope->node->kind != NODE_MAP)
			continue;
		for (i = 0; i < scope->node->len; i++)
			if (sv_eq(scope->node->keys[i]->text, name))
				return scope->node->items[i];
	}
	return NULL;
}

/* "a", "." for the item, "a.b" of the map a */
static const struct node *look_up(const struct fill_scope *scope,
				  struct sv name)
{
	size_t dot = sv_find(name, '.', 1);
	struct fill_scope inner = { NULL, NULL };

	if (sv_eq_str(name, "."))
		return scope->node;
	if (dot >= name.len)
		return find(scope, name);
	inner.node = find(scope, sv_sub(name, 0, dot));
	return inner.node ? find(&inner, sv_sub(name, dot + 1, name.len))
			  : NULL;
}

static bool truth(const struct node *node)
{
	if (!node)
		return false;
	if (node->kind != NODE_SCALAR)
		return node->len > 0;
	return node->text.len > 0 && !sv_eq_str(node->text, "false");
}

/* a, or of a list a one of the items has b */
static bool condition(const struct fill_scope *scope, struct sv name)
{
	size_t dot = sv_find(name, '.', 1);
	const struct node *list;
	size_t i;

	list = dot < name.len ? find(scope, sv_sub(name, 0, dot)) : NULL;
	if (!list || list->kind != NODE_LIST)
		return truth(look_up(scope, name));
	for (i = 0; i < list->len; i++) {
		struct fill_scope item = { list->items[i], NULL };

		if (truth(look_up(&item, sv_sub(name, dot + 1, name.len))))
			return true;
	}
	return false;
}

/* The item of this list that the text is about, or NULL. */
static const struct node *present(const struct fill_scope *scope,
				  const struct node *list)
{
	size_t i;

	for (; scope; scope = scope->up)
		for (i = 0; i < list->len; i++)
			if (list->items[i] == scope->node)
				return scope->node;
	return NULL;
}

/* ---- writing ---- */

/* What `text` does to the place. */
static void follow(struct fill *f, char c, char before)
{
	switch (f->place) {
	case PLACE_COMMENT:
		if (c == '\n')
			f->place = PLACE_PLAIN;
		return;
	case PLACE_RULE:
		if (c == '"')
			f->place = PLACE_TEXT;
		else if (c == '\'')
			f->place = PLACE_PLAIN;
		return;
	case PLACE_TEXT:
		if (c == '"')
			f->place = PLACE_RULE;
		return;
	case PLACE_PLAIN:
		if (c == '#' && (!before || strchr(" \t\n", before)))
			f->place = PLACE_COMMENT;
		else if (c == '\'' && before && strchr(" \t\n[{,('", before))
			f->place = PLACE_RULE;
		return;
	}
}

static void copy(struct fill *f, size_t from, size_t to)
{
	size_t i;

	for (i = from; i < to; i++)
		follow(f, f->text.ptr[i], i ? f->text.ptr[i - 1] : '\0');
	strbuf_addsv(f->out, sv_sub(f->text, from, to));
}

/* Doubles every `quote`. */
static void add_doubled(struct strbuf *out, struct sv text, const char *quotes)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		strbuf_addc(out, text.ptr[i]);
		if (strchr(quotes, text.ptr[i]))
			strbuf_addc(out, text.ptr[i]);
	}
}

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* Plain where nobody can read it otherwise. */
static void add_scalar(struct strbuf *out, struct sv text)
{
	bool plain = text.len > 0 && is_letter_or_digit(text.ptr[0]) &&
		     text.ptr[text.len - 1] != ' ';
	size_t i;

	for (i = 0; plain && i < text.len; i++)
		plain = is_letter_or_digit(text.ptr[i]) ||
			strchr("-_.= ", text.ptr[i]);
	if (plain) {
		strbuf_addsv(out, text);
		return;
	}
	strbuf_addc(out, '\'');
	add_doubled(out, text, "'");
	strbuf_addc(out, '\'');
}

/* A part of a name: "contact_{{name}}", "[{{.}}]", "%{{name}}_x%" */
static bool in_name(const struct fill *f, size_t at)
{
	char before = at ? f->text.ptr[at - 1] : '\0';

	if (f->place == PLACE_RULE && (before == '[' || before == '%'))
		return true;
	return (f->place == PLACE_PLAIN || f->place == PLACE_RULE) &&
	       (before == '_' || is_letter_or_digit(before));
}

static int add_value(struct fill *f, size_t at, struct sv text)
{
	if (f->place == PLACE_COMMENT) {
		strbuf_addsv(f->out, text);
	} else if (in_name(f, at)) {
		if (!template_is_name(text))
			return fail(f, at, "no part of a name:", text);
		strbuf_addsv(f->out, text);
	} else if (f->place == PLACE_PLAIN) {
		add_scalar(f->out, text);
	} else {
		/* '' for ' in YAML, "" for " and \\ for \ in the expression */
		if (f->place == PLACE_RULE)
			strbuf_addc(f->out, '"');
		add_doubled(f->out, text, "'\"\\");
		if (f->place == PLACE_RULE)
			strbuf_addc(f->out, '"');
	}
	return 0;
}

static int add_setting(struct fill *f, size_t at,
		       const struct fill_scope *scope, struct sv name)
{
	const struct node *node = look_up(scope, name);

	if (!node || node->kind != NODE_SCALAR)
		return fail(f, at, "no value", name);
	return add_value(f, at, node->text);
}

/* [a, b]: a list of names may be in `a.b` */
static int add_list(struct fill *f, size_t at, const struct fill_scope *scope,
		    struct sv name)
{
	size_t dot = sv_find(name, '.', 1);
	const struct node *list =
		dot < name.len ? find(scope, sv_sub(name, 0, dot)) : NULL;
	bool of_items = list && list->kind == NODE_LIST;
	size_t i;

	if (!of_items)
		list = look_up(scope, name);

	if (!list || list->kind != NODE_LIST || f->place != PLACE_PLAIN)
		return fail(f, at, "no list", name);
	strbuf_addc(f->out, '[');
	for (i = 0; i < list->len; i++) {
		struct fill_scope item = { list->items[i], NULL };
		const struct node *node =
			of_items ? look_up(&item,
					   sv_sub(name, dot + 1, name.len))
				 : list->items[i];

		if (!node || node->kind != NODE_SCALAR)
			return fail(f, at, "no value", name);
		if (i)
			strbuf_adds(f->out, ", ");
		add_scalar(f->out, node->text);
	}
	strbuf_addc(f->out, ']');
	return 0;
}

/* ---- tags ---- */

/* The next word of a tag, or a text in double quotes. */
static struct sv next_word(struct sv *rest)
{
	struct sv word;
	size_t end;

	*rest = sv_trim(*rest);
	if (rest->len && rest->ptr[0] == '"') {
		end = sv_find(*rest, '"', 1);
		word = sv_sub(*rest, 1, end);
		*rest = sv_sub(*rest, end < rest->len ? end + 1 : end,
			       rest->len);
		return word;
	}
	end = sv_find(*rest, ' ', 0);
	word = sv_sub(*rest, 0, end);
	*rest = sv_sub(*rest, end, rest->len);
	return word;
}

static struct tag read_tag(struct sv text)
{
	static const struct {
		const char *word;
		enum tag_kind kind;
	} words[] = {
		{ "list", TAG_LIST },      { "#each", TAG_EACH },
		{ "#others", TAG_OTHERS }, { "#if", TAG_IF },
		{ "else", TAG_ELSE },
	};
	struct tag tag = { .kind = TAG_VALUE };
	struct sv first = next_word(&text);
	size_t i;

	tag.name = first;
	if (first.len && first.ptr[0] == '/') {
		tag.kind = TAG_CLOSE;
		tag.name = sv_sub(first, 1, first.len);
		return tag;
	}
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (sv_eq_str(first, words[i].word))
			tag.kind = words[i].kind;
	if (tag.kind == TAG_VALUE || tag.kind == TAG_ELSE)
		return tag;
	tag.name = next_word(&text);
	if (tag.kind == TAG_IF && sv_eq_str(tag.name, "not")) {
		tag.not = true;
		tag.name = next_word(&text);
	}
	tag.separator = next_word(&text);
	return tag;
}

/* Where a tag begins and ends when it stands alone on its line. */
static void whole_line(struct sv text, size_t *from, size_t *to)
{
	size_t start = *from;
	size_t end = *to;

	while (start > 0 && text.ptr[start - 1] == ' ')
		start--;
	while (end < text.len && text.ptr[end] == ' ')
		end++;
	if ((start == 0 || text.ptr[start - 1] == '\n') &&
	    (end == text.len || text.ptr[end] == '\n')) {
		*from = start;
		*to = end < text.len ? end + 1 : end;
	}
}

static size_t find_braces(struct sv text, size_t from, char brace)
{
	for (; from + 1 < text.len; from++)
		if (text.ptr[from] == brace && text.ptr[from + 1] == brace)
			return from;
	return text.len;
}

/* Copies the text up to the next tag; where that begins goes to *at_out. */
static struct tag next_tag(struct fill *f, bool live, size_t *at_out)
{
	size_t from = find_braces(f->text, f->at, '{');
	size_t end = find_braces(f->text, from, '}');
	struct tag tag = { .kind = TAG_END, .next = f->text.len };
	size_t to;

	*at_out = from;
	if (end < f->text.len) {
		tag = read_tag(sv_sub(f->text, from + 2, end));
		to = end + 2;
		if (tag.kind != TAG_VALUE && tag.kind != TAG_LIST)
			whole_line(f->text, &from, &to);
		tag.next = to;
	} else {
		from = f->text.len;
	}
	if (live && from > f->at)
		copy(f, f->at, from);
	f->at = tag.next;
	return tag;
}

static int render(struct fill *f, const struct fill_scope *scope, bool live,
		  struct tag *end_out);

/* The rest of the block that `open` begins must end with its closing. */
static int check_closed(struct fill *f, const char *name, const struct tag *end)
{
	if (end->kind == TAG_CLOSE && sv_eq_str(end->name, name))
		return 0;
	return fail(f, f->at, "not closed:", sv_from(name));
}

static int render_if(struct fill *f, const struct fill_scope *scope, bool live,
		     const struct tag *open)
{
	bool chosen = condition(scope, open->name) != open->not ;
	struct tag end = { .kind = TAG_END };

	if (render(f, scope, live && chosen, &end) < 0)
		return -1;
	if (end.kind == TAG_ELSE && render(f, scope, live && !chosen, &end) < 0)
		return -1;
	return check_closed(f, "if", &end);
}

static int render_each(struct fill *f, const struct fill_scope *scope,
		       bool live, const struct tag *open)
{
	const char *name = open->kind == TAG_OTHERS ? "others" : "each";
	const struct node *list = look_up(scope, open->name);
	const struct node *without = NULL;
	size_t start = f->at;
	size_t count = 0;
	struct tag end = { .kind = TAG_END };
	size_t i;

	if (list && list->kind == NODE_LIST && open->kind == TAG_OTHERS)
		without = present(scope, list);
	for (i = 0; live && list && list->kind == NODE_LIST && i < list->len;
	     i++) {
		struct fill_scope item = { list->items[i], scope };

		if (list->items[i] == without)
			continue;
		if (count++)
			strbuf_addsv(f->out, open->separator);
		f->at = start;
		if (render(f, &item, true, &end) < 0 ||
		    check_closed(f, name, &end) < 0)
			return -1;
	}
	if (count)
		return 0;
	if (render(f, scope, false, &end) < 0)
		return -1;
	return check_closed(f, name, &end);
}

/* Up to the end of the text, or the tag that ends this block. */
static int render(struct fill *f, const struct fill_scope *scope, bool live,
		  struct tag *end_out)
{
	int ret = 0;
	size_t at;

	if (++f->depth > DEPTH_MAX)
		return fail(f, f->at, "too deep", SV_NULL);
	while (ret == 0) {
		struct tag tag = next_tag(f, live, &at);

		switch (tag.kind) {
		case TAG_END:
		case TAG_ELSE:
		case TAG_CLOSE:
			*end_out = tag;
			f->depth--;
			return 0;
		case TAG_VALUE:
			ret = live ? add_setting(f, at, scope, tag.name) : 0;
			break;
		case TAG_LIST:
			ret = live ? add_list(f, at, scope, tag.name) : 0;
			break;
		case TAG_IF:
			ret = render_if(f, scope, live, &tag);
			break;
		case TAG_EACH:
		case TAG_OTHERS:
			ret = render_each(f, scope, live, &tag);
			break;
		}
	}
	return ret;
}

int template_fill(struct sv text, const struct fill_scope *scope,
		  struct strbuf *out, struct error *err)
{
	struct fill f = { .text = text, .out = out, .err = err };
	struct tag end = { .kind = TAG_END };

	if (render(&f, scope, true, &end) < 0)
		return -1;
	if (end.kind != TAG_END)
		return fail(&f, f.at, "nothing is open for", end.name);
	return 0;
}
