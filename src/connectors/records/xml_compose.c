/*
 * xml_compose.c - an element with other values, all else byte for byte
 *
 * Each name that is set is looked for in the element as it then is, and the
 * bytes of its values are replaced.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/xml.h"

#include <string.h>

/* Where an element stands. */
struct span {
	struct sv path;
	size_t begin;
	size_t inner;
	size_t inner_end;
	size_t end;
};

struct spans {
	struct arena *arena;
	VEC(struct span) list;
};

static void on_element(void *data, const struct xml_element *e)
{
	struct spans *spans = data;
	struct span span = { arena_dup(spans->arena, e->path), e->begin,
			     e->inner, e->inner_end, e->end };

	vec_push(&spans->list, span);
}

/* An element while it is changed. */
struct editing {
	struct record_edit *edit;
	struct sv raw;
	struct spans spans;
};

static int find_spans(struct editing *e)
{
	struct xml_visit visit = { &e->spans, NULL, on_element };
	size_t at;

	vec_clear(&e->spans.list);
	if (!xml_scan_text(e->raw, &visit, &at))
		return 0;
	return record_refuse(e->edit, "cd-error",
			     "the record in the file is broken");
}

/* The last element of a path, or NULL; "" is the record. */
static const struct span *find_last(const struct editing *e, struct sv path)
{
	size_t i = e->spans.list.len;

	while (i--)
		if (sv_ieq(e->spans.list.at[i].path, path))
			return &e->spans.list.at[i];
	return NULL;
}

/* Puts text in the place of [begin, end). */
static void splice(struct editing *e, size_t begin, size_t end, struct sv text)
{
	e->raw = sv_from(arena_printf(e->edit->arena, SV_FMT SV_FMT SV_FMT,
				      SV_ARG(sv_sub(e->raw, 0, begin)),
				      SV_ARG(text),
				      SV_ARG(sv_sub(e->raw, end, e->raw.len))));
}

/* The name in the tag at `begin`, with its prefix. */
static struct sv tag_name(const struct editing *e, size_t begin)
{
	size_t end = begin + 1;

	while (end < e->raw.len && !strchr(" \t\r\n/>", e->raw.ptr[end]))
		end++;
	return sv_sub(e->raw, begin + 1, end);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Where the blanks before `at` begin. */
static size_t blanks_before(const struct editing *e, size_t at)
{
	while (at && is_blank(e->raw.ptr[at - 1]))
		at--;
	return at;
}

static struct sv element_text(struct editing *e, struct sv name, struct sv text)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv made;

	strbuf_addf(&out, "<" SV_FMT ">", SV_ARG(name));
	xml_add_text(&out, text);
	strbuf_addf(&out, "</" SV_FMT ">", SV_ARG(name));
	made = arena_dup(e->edit->arena, strbuf_sv(&out));
	strbuf_release(&out);
	return made;
}

/* --- elements ---------------------------------------------------------- */

/* Makes room in <a/>: <a></a>. */
static int open_up(struct editing *e, struct sv path)
{
	const struct span *span = find_last(e, path);
	size_t slash;

	if (!span || span->inner < span->end)
		return 0;
	slash = span->end - 1;
	while (e->raw.ptr[slash] != '/')
		slash--;
	slash = blanks_before(e, slash);
	splice(e, slash, span->end,
	       sv_from(arena_printf(e->edit->arena, "></" SV_FMT ">",
				    SV_ARG(tag_name(e, span->begin)))));
	return find_spans(e);
}

static struct sv parent_of(struct sv path, struct sv *name)
{
	size_t at = path.len;

	while (at && path.ptr[at - 1] != '/')
		at--;
	*name = sv_sub(path, at, path.len);
	return sv_sub(path, 0, at ? at - 1 : 0);
}

/* A name as elements of the container are named, with its prefix. */
static struct sv prefixed(struct editing *e, const struct span *container,
			  struct sv name)
{
	struct sv tag = tag_name(e, container->begin);
	size_t colon = sv_find(tag, ':', 0);

	if (colon == tag.len)
		return name;
	return sv_from(arena_printf(e->edit->arena, SV_FMT ":" SV_FMT,
				    SV_ARG(sv_sub(tag, 0, colon)),
				    SV_ARG(name)));
}

/* The blanks before the first element of a container. */
static struct sv child_lead(const struct editing *e,
			    const struct span *container)
{
	size_t at = container->inner;

	while (at < container->inner_end && is_blank(e->raw.ptr[at]))
		at++;
	if (at == container->inner_end)
		return SV_NULL;
	return sv_sub(e->raw, container->inner, at);
}

static bool is_name(struct sv name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (strchr(" \t\r\n<>&\"'=/@:", name.ptr[i]) ||
		    (!i && strchr("-.0123456789", name.ptr[i])))
			return false;
	return name.len > 0;
}

/* Adds an element, and those that it is to stand in. */
static int append(struct editing *e, struct sv path, struct sv text)
{
	const struct span *container;
	struct sv parent;
	struct sv name;
	struct sv made;
	size_t at;

	parent = parent_of(path, &name);
	if (!is_name(name))
		return record_refuse(
			e->edit, "invalid-attribute-value",
			arena_printf(e->edit->arena,
				     "no element can be named '" SV_FMT "'",
				     SV_ARG(name)));
	if (!find_last(e, parent) && append(e, parent, SV_NULL) < 0)
		return -1;
	if (open_up(e, parent) < 0)
		return -1;
	container = find_last(e, parent);
	if (!container)
		return record_refuse(e->edit, "cd-error",
				     "the element cannot be made");
	made = element_text(e, prefixed(e, container, name), text);
	at = blanks_before(e, container->inner_end);
	if (at < container->inner)
		at = container->inner;
	splice(e, at, at,
	       sv_from(arena_printf(e->edit->arena, SV_FMT SV_FMT,
				    SV_ARG(child_lead(e, container)),
				    SV_ARG(made))));
	return find_spans(e);
}

static int replace(struct editing *e, const struct span *span, struct sv text)
{
	splice(e, span->begin, span->end,
	       element_text(e, tag_name(e, span->begin), text));
	return find_spans(e);
}

/* An element that stays keeps the attributes of its tag. */
static int set_text(struct editing *e, const struct span *span, struct sv text)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);

	if (span->inner == span->end)
		return replace(e, span, text);
	xml_add_text(&out, text);
	splice(e, span->inner, span->inner_end, strbuf_sv(&out));
	strbuf_release(&out);
	return find_spans(e);
}

/* Element number `n` of a path in the order in which they begin. */
static const struct span *find_nth(const struct editing *e, struct sv path,
				   size_t n)
{
	size_t i;

	for (i = 0; i < e->spans.list.len; i++)
		if (sv_ieq(e->spans.list.at[i].path, path) && !n--)
			return &e->spans.list.at[i];
	return NULL;
}

static int insert_behind(struct editing *e, const struct span *span,
			 struct sv text)
{
	size_t lead = blanks_before(e, span->begin);

	splice(e, span->end, span->end,
	       sv_from(arena_printf(
		       e->edit->arena, SV_FMT SV_FMT,
		       SV_ARG(sv_sub(e->raw, lead, span->begin)),
		       SV_ARG(element_text(e, tag_name(e, span->begin),
					   text)))));
	return find_spans(e);
}

static int set_elements(struct editing *e, const struct record_set *set)
{
	const struct span *span;
	size_t i;

	for (i = 0; i < set->count; i++) {
		span = find_nth(e, set->name, i);
		if (span) {
			if (set_text(e, span, set->values[i]) < 0)
				return -1;
			continue;
		}
		span = i ? find_nth(e, set->name, i - 1) : NULL;
		if ((span ? insert_behind(e, span, set->values[i])
			  : append(e, set->name, set->values[i])) < 0)
			return -1;
	}
	while ((span = find_nth(e, set->name, set->count))) {
		splice(e, blanks_before(e, span->begin), span->end, SV_NULL);
		if (find_spans(e) < 0)
			return -1;
	}
	return 0;
}

/* --- attributes -------------------------------------------------------- */

/* ` name="value"` in the tag at `begin`: [*from, *to), with the blanks before
 * it. */
static bool find_attr(const struct editing *e, size_t begin, struct sv name,
		      size_t *from, size_t *to)
{
	size_t at = begin + 1 + tag_name(e, begin).len;

	for (;;) {
		size_t start = at;
		size_t end;
		char quote;

		while (is_blank(e->raw.ptr[at]))
			at++;
		if (e->raw.ptr[at] == '/' || e->raw.ptr[at] == '>')
			return false;
		end = at;
		while (e->raw.ptr[end] != '=' && !is_blank(e->raw.ptr[end]))
			end++;
		*from = start;
		*to = end;
		while (e->raw.ptr[*to] != '"' && e->raw.ptr[*to] != '\'')
			(*to)++;
		quote = e->raw.ptr[*to];
		*to = sv_find(e->raw, quote, *to + 1) + 1;
		if (sv_ieq(xml_local(sv_sub(e->raw, at, end)), name))
			return true;
		at = *to;
	}
}

static int set_attr(struct editing *e, struct sv path, struct sv name,
		    const struct record_set *set)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	const struct span *span;
	size_t from;
	size_t to;

	if (set->count > 1)
		return record_refuse(
			e->edit, "insufficient-columns",
			arena_printf(e->edit->arena,
				     "'" SV_FMT "' is an attribute of XML, "
				     "which has one value, not %zu",
				     SV_ARG(set->name), set->count));
	if (!is_name(name))
		return record_refuse(e->edit, "invalid-attribute-value",
				     "no attribute of XML can have this name");
	if (!find_last(e, path) && !set->count)
		return 0;
	if (!find_last(e, path) && append(e, path, SV_NULL) < 0)
		return -1;
	span = find_last(e, path);
	if (!span)
		return record_refuse(e->edit, "cd-error",
				     "the element cannot be made");
	if (!find_attr(e, span->begin, name, &from, &to)) {
		from = span->begin + 1 + tag_name(e, span->begin).len;
		to = from;
	}
	if (set->count) {
		strbuf_addf(&out, " " SV_FMT "=\"", SV_ARG(name));
		xml_add_text(&out, set->values[0]);
		strbuf_addc(&out, '"');
	}
	splice(e, from, to, strbuf_sv(&out));
	strbuf_release(&out);
	return find_spans(e);
}

/* ----------------------------------------------------------------------- */

static int apply(struct editing *e, const struct record_set *set)
{
	const char *problem;
	struct sv path;
	struct sv name;
	size_t i;

	for (i = 0; i < set->count; i++) {
		problem = xml_text_problem(set->values[i]);
		if (problem)
			return record_refuse(
				e->edit, "invalid-attribute-value",
				arena_printf(e->edit->arena, "'" SV_FMT "': %s",
					     SV_ARG(set->name), problem));
	}
	if (sv_eq_str(set->name, "."))
		return 0; /* a new element has it already */
	path = parent_of(set->name, &name);
	if (name.len && name.ptr[0] == '@')
		return set_attr(e, path, sv_sub(name, 1, name.len), set);
	return set_elements(e, set);
}

/* A new record's element has the type's name when that is what tells it. */
static struct sv new_name(const struct record_edit *edit)
{
	size_t i;

	for (i = 0; i < edit->count; i++)
		if (sv_eq_str(edit->sets[i].name, ".") && edit->sets[i].count)
			return edit->sets[i].values[0];
	return xml_record_name(edit->reader->source);
}

int xml_compose(struct record_edit *edit)
{
	struct editing e = { .edit = edit, .raw = edit->old };
	int ret = 0;
	size_t i;

	e.spans.arena = edit->arena;
	if (!edit->old.len) {
		if (!is_name(new_name(edit)))
			return record_refuse(edit, "invalid-attribute-value",
					     "the type's name cannot be that "
					     "of an element");
		e.raw = sv_from(arena_printf(edit->arena, "<" SV_FMT "/>",
					     SV_ARG(new_name(edit))));
	}
	ret = find_spans(&e);
	for (i = 0; i < edit->count && ret == 0; i++)
		ret = apply(&e, &edit->sets[i]);
	edit->out = e.raw;
	vec_release(&e.spans.list);
	return ret;
}
