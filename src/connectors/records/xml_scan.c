/*
 * xml_scan.c - find the records of a document, and what stands in them
 *
 * Outside of a record only names are followed; inside each element is told at
 * its end. At the end of a record the parser is held until the next is wanted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/xml_scan.h"

#include <string.h>

/* --- the way to records ------------------------------------------------ */

/* Step number `n` of the path; 0: there is none. */
static bool step_of(const struct xml_scan *s, size_t n, struct sv *out)
{
	size_t at = 0;

	if (!s->steps.len)
		return false;
	while (n--) {
		at = sv_find(s->steps, '/', at) + 1;
		if (at > s->steps.len)
			return false;
	}
	*out = sv_sub(s->steps, at, sv_find(s->steps, '/', at));
	return true;
}

static bool is_step(struct sv step, struct sv name)
{
	size_t at = 0;

	if (sv_eq_str(step, "*"))
		return true;
	while (at <= step.len) {
		size_t end = sv_find(step, '|', at);

		if (sv_eq(sv_sub(step, at, end), name))
			return true;
		at = end + 1;
	}
	return false;
}

static size_t step_count(const struct xml_scan *s)
{
	size_t count = s->steps.len ? 1 : 0;
	size_t i;

	for (i = 0; i < s->steps.len; i++)
		count += s->steps.ptr[i] == '/';
	return count;
}

/* --- events ------------------------------------------------------------ */

static void stop(struct xml_scan *s, const char *error)
{
	if (!s->error)
		s->error = error;
	(void)XML_StopParser(s->parser, XML_FALSE);
}

static uint64_t position(const struct xml_scan *s)
{
	return (uint64_t)XML_GetCurrentByteIndex(s->parser);
}

static uint64_t position_behind(const struct xml_scan *s)
{
	return position(s) + (uint64_t)XML_GetCurrentByteCount(s->parser);
}

static struct sv path_of(const struct xml_scan *s)
{
	return strbuf_sv(&s->path);
}

static void tell_attrs(struct xml_scan *s, const XML_Char **attrs)
{
	for (; s->visit.attr && *attrs; attrs += 2) {
		struct sv name = sv_from(attrs[0]);

		if (sv_eq_str(name, "xmlns") ||
		    sv_starts(name, SV_LIT("xmlns:")))
			continue;
		s->visit.attr(s->visit.data, path_of(s), xml_local(name),
			      sv_from(attrs[1]),
			      (size_t)(position(s) - s->begin));
	}
}

static void enter(struct xml_scan *s, struct sv name, const XML_Char **attrs)
{
	struct xml_level *level;

	if (s->inside == XML_DEPTH) {
		stop(s, "elements lie too deep in one another");
		return;
	}
	if (s->inside) {
		s->levels[s->inside].children = true;
		if (s->path.len)
			strbuf_addc(&s->path, '/');
		strbuf_addsv(&s->path, name);
	}
	level = &s->levels[++s->inside];
	level->path = s->path.len;
	level->text = s->text.len;
	level->begin = (size_t)(position(s) - s->begin);
	level->inner = (size_t)(position_behind(s) - s->begin);
	level->children = false;
	tell_attrs(s, attrs);
}

static void on_start(void *data, const XML_Char *qname, const XML_Char **attrs)
{
	struct xml_scan *s = data;
	struct sv name = xml_local(sv_from(qname));
	struct sv step;

	if (s->inside) {
		enter(s, name, attrs);
		return;
	}
	if (s->outside == s->matched && step_of(s, s->matched, &step) &&
	    is_step(step, name))
		s->matched++;
	s->outside++;
	if (s->matched < s->outside || s->matched < step_count(s))
		return;
	s->begin = position(s);
	s->line = (size_t)XML_GetCurrentLineNumber(s->parser);
	s->column = (size_t)XML_GetCurrentColumnNumber(s->parser) + 1;
	strbuf_reset(&s->path);
	strbuf_reset(&s->text);
	enter(s, name, attrs);
}

static void leave(struct xml_scan *s)
{
	struct xml_level *level = &s->levels[s->inside];
	size_t end = (size_t)(position_behind(s) - s->begin);
	struct xml_element element = {
		.path = path_of(s),
		.text = sv_sub(strbuf_sv(&s->text), level->text, s->text.len),
		.children = level->children,
		.begin = level->begin,
		.inner = level->inner,
		.inner_end = (size_t)(position(s) - s->begin),
		.end = end,
	};
	struct sv path = element.path;

	if (s->visit.element)
		s->visit.element(s->visit.data, &element);
	s->text.len = level->text;
	while (path.len && path.ptr[path.len - 1] != '/')
		path.len--;
	s->path.len = path.len ? path.len - 1 : 0;
	if (--s->inside)
		return;
	s->end = s->begin + end;
	s->found = true;
	s->outside--;
	s->matched--;
	(void)XML_StopParser(s->parser, XML_TRUE);
}

static void on_end(void *data, const XML_Char *qname)
{
	struct xml_scan *s = data;

	if (s->inside) {
		leave(s);
		return;
	}
	if (s->matched == s->outside && s->matched + 1 == step_count(s)) {
		s->insert = position(s);
		s->insert_empty = !XML_GetCurrentByteCount(s->parser);
		s->insert_name = arena_dup(&s->arena, sv_from(qname));
	}
	if (s->matched == s->outside)
		s->matched--;
	s->outside--;
}

static void on_text(void *data, const XML_Char *text, int len)
{
	struct xml_scan *s = data;

	if (s->inside)
		strbuf_add(&s->text, text, (size_t)len);
}

static void on_doctype(void *data, const XML_Char *name, const XML_Char *system,
		       const XML_Char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	stop(data, "a document type, which is not taken: it could define "
		   "entities without end");
}

void xml_scan_init(struct xml_scan *s, struct sv steps,
		   const struct xml_visit *visit)
{
	memset(s, 0, sizeof(*s));
	s->steps = steps;
	s->visit = *visit;
	s->path.max = STRBUF_NO_LIMIT;
	s->text.max = STRBUF_NO_LIMIT;
	s->insert = UINT64_MAX;
	s->parser = XML_ParserCreate("UTF-8");
	XML_SetUserData(s->parser, s);
	XML_SetElementHandler(s->parser, on_start, on_end);
	XML_SetCharacterDataHandler(s->parser, on_text);
	XML_SetStartDoctypeDeclHandler(s->parser, on_doctype);
}

void xml_scan_release(struct xml_scan *s)
{
	if (s->parser)
		XML_ParserFree(s->parser);
	strbuf_release(&s->path);
	strbuf_release(&s->text);
	arena_release(&s->arena);
	memset(s, 0, sizeof(*s));
}

static const char *problem(const struct xml_scan *s)
{
	return s->error ? s->error
			: XML_ErrorString(XML_GetErrorCode(s->parser));
}

const char *xml_scan_text(struct sv record, const struct xml_visit *visit,
			  size_t *at)
{
	const char *wrong = NULL;
	struct xml_scan s;
	enum XML_Status status;

	xml_scan_init(&s, SV_LIT("*"), visit);
	status = XML_Parse(s.parser, record.ptr, (int)record.len, XML_TRUE);
	if (status == XML_STATUS_SUSPENDED)
		status = XML_ResumeParser(s.parser);
	if (status == XML_STATUS_ERROR) {
		wrong = problem(&s);
		*at = (size_t)position(&s);
	}
	xml_scan_release(&s);
	return wrong;
}

/* --- streams ----------------------------------------------------------- */

void xml_stream_init(struct xml_stream *x, struct text_input *in,
		     struct sv steps, const struct xml_visit *visit, bool keep)
{
	memset(x, 0, sizeof(*x));
	xml_scan_init(&x->scan, steps, visit);
	x->in = in;
	x->keep = keep;
}

void xml_stream_release(struct xml_stream *x)
{
	xml_scan_release(&x->scan);
}

/* Lets go of bytes that nobody will ask for: all that the parser has taken, but
 * for a tag that is not whole yet. */
static void let_go(struct xml_stream *x)
{
	XML_Index token = XML_GetCurrentByteIndex(x->scan.parser);
	uint64_t from = x->keep          ? x->last
			: x->scan.inside ? x->scan.begin
			: token < 0      ? x->base
					 : (uint64_t)token;

	x->in->at += (size_t)(from - x->base);
	x->base = from;
}

#define PIECE ((size_t)64 * 1024)

/* More bytes for the parser, or the end. */
static int feed(struct xml_stream *x, struct sv file, struct error *err,
		enum XML_Status *status)
{
	struct text_input *in = x->in;
	size_t ahead;
	size_t n;

	let_go(x);
	ahead = (size_t)(x->fed - x->base);
	if (ahead > TEXT_INPUT_MOST)
		return error_set(err, ERR_LIMIT,
				 "'" SV_FMT "': what begins in line %zu is "
				 "longer than %zu bytes",
				 SV_ARG(file), x->scan.line, TEXT_INPUT_MOST);
	while (in->len - in->at == ahead && !in->end)
		if (text_input_fill(in, err) < 0)
			return -1;
	n = in->len - in->at - ahead;
	if (n > PIECE)
		n = PIECE;
	*status = XML_Parse(x->scan.parser, in->buffer + in->at + ahead, (int)n,
			    n == 0);
	x->fed += n;
	x->ended = n == 0;
	return 0;
}

int xml_stream_next(struct xml_stream *x, struct sv file, struct error *err)
{
	struct xml_scan *s = &x->scan;
	enum XML_Status status = XML_STATUS_OK;

	if (s->found)
		x->last = s->end;
	s->found = false;
	while (!s->found) {
		if (x->ended && !x->suspended)
			return 0;
		if (x->suspended)
			status = XML_ResumeParser(s->parser);
		else if (feed(x, file, err, &status) < 0)
			return -1;
		x->suspended = status == XML_STATUS_SUSPENDED;
		if (status == XML_STATUS_ERROR)
			return error_set(
				err, ERR_INVALID, SV_FMT ":%zu:%zu: %s",
				SV_ARG(file),
				(size_t)XML_GetCurrentLineNumber(s->parser),
				(size_t)XML_GetCurrentColumnNumber(s->parser) +
					1,
				problem(s));
	}
	return 1;
}

struct sv xml_stream_bytes(const struct xml_stream *x, uint64_t from,
			   uint64_t to)
{
	return sv_make(x->in->buffer + x->in->at + (size_t)(from - x->base),
		       (size_t)(to - from));
}
