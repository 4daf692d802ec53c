/*
 * dsml_scan.c - elements, attributes and values of DSML
 *
 * Outside of a record only the way to records is followed; a record is put
 * together as its elements end. At the end of a record the parser is held
 * until the next is wanted. What is wrong with a record is its own error; what
 * makes it unknown whether the document tells all is the document's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/dsml_scan.h"

#include "base/text.h"
#include "connectors/xml_text.h"
#include "model/dn.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 64

enum record_kind {
	KIND_ENTRY,
	KIND_ADD,
	KIND_DELETE,
	KIND_MODIFY,
	KIND_RENAME,
	KIND_RESULT, /* of a change: an error is its own */
	KIND_ANSWER, /* of a search: an error means that not all is told */
};

static const struct {
	const char *name;
	enum dsml_form in; /* DSML_NONE: anywhere */
	enum record_kind kind;
} record_names[] = {
	{ "entry", DSML_ENTRY, KIND_ENTRY },
	{ "searchResultEntry", DSML_RESULT, KIND_ENTRY },
	{ "addRequest", DSML_ADD, KIND_ADD },
	{ "delRequest", DSML_ADD, KIND_DELETE },
	{ "modifyRequest", DSML_ADD, KIND_MODIFY },
	{ "modDNRequest", DSML_ADD, KIND_RENAME },
	{ "addResponse", DSML_NONE, KIND_RESULT },
	{ "delResponse", DSML_NONE, KIND_RESULT },
	{ "modifyResponse", DSML_NONE, KIND_RESULT },
	{ "modDNResponse", DSML_NONE, KIND_RESULT },
	{ "extendedResponse", DSML_NONE, KIND_RESULT },
	{ "searchResultDone", DSML_NONE, KIND_ANSWER },
	{ "errorResponse", DSML_NONE, KIND_ANSWER },
	{ "authResponse", DSML_NONE, KIND_ANSWER },
};

static const struct {
	const char *name;
	enum dsml_form form;
} container_names[] = {
	{ "directory-entries", DSML_ENTRY },
	{ "searchResponse", DSML_RESULT },
	{ "batchRequest", DSML_ADD },
};

/* What only leads to these, and what is passed over. */
static const char *const way_names[] = { "Envelope", "Body", "dsml",
					 "batchResponse", NULL };
static const char *const other_names[] = {
	"Header",
	"directory-schema",
	"searchResultReference",
	"authRequest",
	"searchRequest",
	"compareRequest",
	"abandonRequest",
	"extendedRequest",
	"compareResponse",
	NULL,
};

static bool among(const char *const *names, struct sv name)
{
	for (; *names; names++)
		if (sv_eq_str(name, *names))
			return true;
	return false;
}

static uint64_t position(const struct dsml_scan *s)
{
	return (uint64_t)XML_GetCurrentByteIndex(s->parser);
}

static uint64_t position_behind(const struct dsml_scan *s)
{
	return position(s) + (uint64_t)XML_GetCurrentByteCount(s->parser);
}

/* The document cannot be read any further. */
static void stop(struct dsml_scan *s, const char *problem)
{
	if (!s->problem[0])
		(void)snprintf(s->problem, sizeof(s->problem), "%s", problem);
	(void)XML_StopParser(s->parser, XML_FALSE);
}

/* The record is in error, the document is not. */
static void fail(struct dsml_scan *s, const char *error, const char *message)
{
	if (s->out->error)
		return;
	s->out->error = error;
	s->out->message = arena_dup(s->arena, sv_from(message));
	s->out->line = (size_t)XML_GetCurrentLineNumber(s->parser);
}

/* An attribute of an element by its name without prefix; NULL: it has none. */
static const char *xml_attr(const XML_Char **attrs, const char *name)
{
	for (; *attrs; attrs += 2)
		if (sv_eq_str(xml_local(sv_from(attrs[0])), name))
			return attrs[1];
	return NULL;
}

static struct sv xml_attr_sv(const struct dsml_scan *s, const XML_Char **attrs,
			     const char *name)
{
	const char *value = xml_attr(attrs, name);

	return value ? arena_dup(s->arena, sv_from(value)) : SV_NULL;
}

/* ---- outside of records ---- */

static void set_frame(struct dsml_scan *s, struct sv qname)
{
	struct sv local = xml_local(qname);

	s->frame.form = s->form;
	strbuf_reset(&s->frame.prefix);
	strbuf_add(&s->frame.prefix, qname.ptr, qname.len - local.len);
}

static bool enter_container(struct dsml_scan *s, struct sv qname)
{
	struct sv name = xml_local(qname);
	size_t i;

	for (i = 0; i < sizeof(container_names) / sizeof(*container_names); i++)
		if (sv_eq_str(name, container_names[i].name))
			break;
	if (i == sizeof(container_names) / sizeof(*container_names) ||
	    s->container)
		return false;
	s->container = s->depth;
	s->form = container_names[i].form;
	if (!s->any_container) {
		set_frame(s, qname);
		s->frame.insert = position_behind(s);
		strbuf_addsv(&s->frame.insert_name, qname);
	}
	s->any_container = true;
	return true;
}

static void read_dn(struct dsml_scan *s, const XML_Char **attrs)
{
	struct sv dn = xml_attr_sv(s, attrs, "dn");

	if (!dn.len)
		fail(s, "missing-dn", "an element without its dn");
	else if (!dn_valid(dn))
		fail(s, "invalid-dn",
		     arena_printf(s->arena, "'" SV_FMT "' is not a name",
				  SV_ARG(dn)));
	else
		s->out->dn = dn;
}

static void read_rename(struct dsml_scan *s, const XML_Char **attrs)
{
	struct sv rdn = xml_attr_sv(s, attrs, "newrdn");
	struct sv keep = xml_attr_sv(s, attrs, "deleteoldrdn");
	const char *above = xml_attr(attrs, "newSuperior");
	struct sv parent = SV_NULL;
	struct sv first;
	struct sv rest;

	s->out->delete_old = !sv_eq_str(keep, "false") && !sv_eq_str(keep, "0");
	if (!dn_split(rdn, &first, &rest) || rest.len) {
		fail(s, "parse-error", "a rename needs newrdn with one RDN");
		return;
	}
	if (above)
		parent = arena_dup(s->arena, sv_from(above));
	else
		(void)dn_split(s->out->dn, &first, &parent);
	if (parent.len && !dn_valid(parent))
		fail(s, "invalid-dn", "newSuperior is not a name");
	/* without the blanks around its parts */
	(void)dn_split(dn_join(rdn, parent, s->arena), &first, &rest);
	s->out->new_dn = dn_join(first, rest, s->arena);
}

static void begin_record(struct dsml_scan *s, enum record_kind kind,
			 struct sv qname, const XML_Char **attrs)
{
	static const enum ldif_kind kinds[] = {
		[KIND_ENTRY] = LDIF_CONTENT,  [KIND_ADD] = LDIF_ADD,
		[KIND_DELETE] = LDIF_DELETE,  [KIND_MODIFY] = LDIF_MODIFY,
		[KIND_RENAME] = LDIF_RENAME,  [KIND_RESULT] = LDIF_CONTENT,
		[KIND_ANSWER] = LDIF_CONTENT,
	};

	if (position(s) < s->from) {
		s->skip = s->depth;
		return;
	}
	s->record = s->depth;
	s->kind = kind;
	s->begin = position(s);
	memset(s->out, 0, sizeof(*s->out));
	s->out->kind = kinds[kind];
	s->out->line = (size_t)XML_GetCurrentLineNumber(s->parser);
	vec_clear(&s->lines);
	vec_clear(&s->mods);
	if (kind == KIND_RESULT || kind == KIND_ANSWER) {
		/* An errorResponse has a kind instead of a number. */
		s->request = xml_attr_sv(s, attrs, "requestID");
		s->description = xml_attr_sv(s, attrs, "type");
		s->code = s->description.len ? -1 : 0;
		s->message = SV_NULL;
		return;
	}
	set_frame(s, qname);
	read_dn(s, attrs);
	if (kind == KIND_RENAME)
		read_rename(s, attrs);
}

static bool enter_record(struct dsml_scan *s, struct sv qname,
			 const XML_Char **attrs)
{
	struct sv name = xml_local(qname);
	size_t i;

	for (i = 0; i < sizeof(record_names) / sizeof(*record_names); i++) {
		if (!sv_eq_str(name, record_names[i].name) ||
		    (record_names[i].in && (record_names[i].in != s->form ||
					    s->depth != s->container + 1)))
			continue;
		begin_record(s, record_names[i].kind, qname, attrs);
		return true;
	}
	return false;
}

/* Are the prefixes that typed values need declared here? */
static void look_for_types(struct dsml_scan *s, const XML_Char **attrs)
{
	int found = 0;

	for (; *attrs; attrs += 2)
		found += !strcmp(attrs[0], "xmlns:xsi") ||
			 !strcmp(attrs[0], "xmlns:xsd");
	s->frame.typed |= found == 2;
}

static void start_outside(struct dsml_scan *s, struct sv qname,
			  const XML_Char **attrs)
{
	struct sv name = xml_local(qname);
	char problem[160];

	if (s->depth > DEPTH_MAX) {
		stop(s, "elements lie too deep in one another");
		return;
	}
	if (among(way_names, name) || enter_container(s, qname)) {
		look_for_types(s, attrs);
		return;
	}
	if (s->depth > 1 && enter_record(s, qname, attrs))
		return;
	if (s->depth > 1 && among(other_names, name)) {
		s->skip = s->depth;
		return;
	}
	(void)snprintf(problem, sizeof(problem),
		       sv_eq_str(name, "Fault")
			       ? "a SOAP fault: the server did not answer "
				 "what it was asked"
		       : s->depth == 1
			       ? "the element '%.*s': this is not a DSML "
				 "document"
			       : "the element '%.*s' has no place here in DSML",
		       (int)(name.len < 64 ? name.len : 64), name.ptr);
	stop(s, problem);
}

/* ---- inside a record ---- */

static bool name_valid(struct sv name)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];

		if (c <= ' ' || c >= 0x7f)
			return false;
	}
	return name.len > 0;
}

static void begin_modification(struct dsml_scan *s, const XML_Char **attrs)
{
	struct sv word = xml_attr_sv(s, attrs, "operation");

	if (sv_eq_str(word, "add"))
		s->op = ATTR_ADD;
	else if (sv_eq_str(word, "delete"))
		s->op = ATTR_DELETE;
	else if (sv_eq_str(word, "replace"))
		s->op = ATTR_REPLACE;
	else
		fail(s, "invalid-modification-type",
		     "the operation of a modification must be add, delete or "
		     "replace");
}

static void misplaced(struct dsml_scan *s, struct sv name)
{
	fail(s, "parse-error",
	     arena_printf(s->arena, "'%.*s' does not belong here",
			  (int)(name.len < 64 ? name.len : 64), name.ptr));
	s->skip = s->depth;
}

static void start_attr(struct dsml_scan *s, struct sv name,
		       const XML_Char **attrs)
{
	bool entry = s->kind == KIND_ENTRY || s->kind == KIND_ADD;

	if (sv_eq_str(name, "control")) {
		s->skip = s->depth;
		return;
	}
	if (s->kind == KIND_MODIFY)
		vec_clear(&s->lines);
	if (s->form == DSML_ENTRY && sv_eq_str(name, "objectclass")) {
		s->name = SV_LIT("objectClass");
		return;
	}
	if (!(entry && sv_eq_str(name, "attr")) &&
	    !(s->kind == KIND_MODIFY && sv_eq_str(name, "modification"))) {
		misplaced(s, name);
		return;
	}
	s->name = xml_attr_sv(s, attrs, "name");
	if (!name_valid(s->name))
		fail(s, "parse-error", "an attribute without its name");
	if (s->kind == KIND_MODIFY)
		begin_modification(s, attrs);
}

static void start_value(struct dsml_scan *s, struct sv name,
			const XML_Char **attrs)
{
	const char *encoding = xml_attr(attrs, "encoding");
	const char *type = xml_attr(attrs, "type");
	struct sv local = xml_local(sv_from(type ? type : ""));

	if (!sv_eq_str(name, "value") &&
	    !(s->form == DSML_ENTRY && sv_eq_str(name, "oc-value"))) {
		misplaced(s, name);
		return;
	}
	s->base64 = sv_eq_str(local, "base64Binary") ||
		    (encoding && sv_ieq_str(sv_from(encoding), "base64"));
	if (sv_eq_str(local, "anyURI"))
		fail(s, "unsupported-value-type",
		     arena_printf(s->arena,
				  "the value of '" SV_FMT "' is a URI, which "
				  "is not followed: write the value itself",
				  SV_ARG(s->name)));
	s->in_value = true;
	strbuf_reset(&s->text);
}

static void start_result(struct dsml_scan *s, struct sv name,
			 const XML_Char **attrs)
{
	struct sv code;

	strbuf_reset(&s->text);
	if (sv_eq_str(name, "resultCode")) {
		code = xml_attr_sv(s, attrs, "code");
		if (!sv_to_i64(code, &s->code))
			s->code = -1;
		s->description = xml_attr_sv(s, attrs, "descr");
	} else if (sv_eq_str(name, "errorMessage") ||
		   sv_eq_str(name, "message")) {
		s->in_value = true;
	} else {
		s->skip = s->depth;
	}
}

static void start_inside(struct dsml_scan *s, struct sv name,
			 const XML_Char **attrs)
{
	size_t level = s->depth - s->record;

	if (s->kind == KIND_RESULT || s->kind == KIND_ANSWER) {
		if (level == 1)
			start_result(s, name, attrs);
		else
			s->skip = s->depth;
	} else if (level == 1) {
		start_attr(s, name, attrs);
	} else if (level == 2) {
		start_value(s, name, attrs);
	} else {
		misplaced(s, name);
	}
}

static struct sv without_blanks(struct strbuf *text)
{
	size_t to = 0;
	size_t i;

	for (i = 0; i < text->len; i++)
		if (text->ptr[i] != ' ' && text->ptr[i] != '\n' &&
		    text->ptr[i] != '\t' && text->ptr[i] != '\r')
			text->ptr[to++] = text->ptr[i];
	text->len = to;
	return strbuf_sv(text);
}

static void keep_value(struct dsml_scan *s, struct sv bytes)
{
	struct ldif_line line = { s->name, arena_dup(s->arena, bytes) };

	vec_push(&s->lines, line);
}

static void end_base64(struct dsml_scan *s)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);

	if (!strbuf_add_unbase64(&bytes, without_blanks(&s->text)))
		fail(s, "invalid-base64-value",
		     arena_printf(s->arena,
				  "the value of '" SV_FMT "' is not base64",
				  SV_ARG(s->name)));
	keep_value(s, strbuf_sv(&bytes));
	strbuf_release(&bytes);
}

static void end_value(struct dsml_scan *s)
{
	struct sv text = strbuf_sv(&s->text);

	s->in_value = false;
	if (s->base64)
		end_base64(s);
	else if (sv_eq_str(s->name, "objectClass"))
		keep_value(s, sv_trim(text));
	else
		keep_value(s, text);
}

static void end_modification(struct dsml_scan *s)
{
	struct ldif_mod mod = { .op = s->op,
				.name = s->name,
				.count = s->lines.len };
	size_t i;

	if (s->op == ATTR_ADD && !mod.count)
		fail(s, "parse-error", "a modification that adds no value");
	if (s->op == ATTR_DELETE && !mod.count)
		mod.op = ATTR_REPLACE;
	mod.values = arena_array(s->arena, mod.count, sizeof(*mod.values));
	for (i = 0; i < mod.count; i++)
		mod.values[i] = s->lines.at[i].value;
	vec_clear(&s->lines);
	vec_push(&s->mods, mod);
}

/* What a request came to: only an error is a record. */
static void end_result(struct dsml_scan *s)
{
	char number[24] = "";
	const char *text;

	if (!s->code)
		return;
	if (s->code > 0)
		(void)snprintf(number, sizeof(number), " %" PRId64, s->code);
	text = arena_printf(s->arena,
			    "a request%s" SV_FMT "%s was answered by the error"
			    "%s%s" SV_FMT "%s" SV_FMT,
			    s->request.len ? " '" : "", SV_ARG(s->request),
			    s->request.len ? "'" : "", number,
			    s->description.len ? " " : "",
			    SV_ARG(s->description), s->message.len ? ": " : "",
			    SV_ARG(s->message));
	if (s->kind == KIND_ANSWER)
		stop(s, arena_printf(s->arena, "not all is told: %s", text));
	else
		fail(s, "read-error", text);
	s->found = s->kind == KIND_RESULT;
}

static void end_record(struct dsml_scan *s)
{
	struct ldif_record *out = s->out;

	s->record = 0;
	if (s->kind == KIND_RESULT || s->kind == KIND_ANSWER) {
		end_result(s);
	} else {
		out->line_count = s->lines.len;
		out->lines = arena_array(s->arena, s->lines.len,
					 sizeof(*out->lines));
		if (s->lines.len)
			memcpy(out->lines, s->lines.at,
			       s->lines.len * sizeof(*out->lines));
		out->mod_count = s->mods.len;
		out->mods =
			arena_array(s->arena, s->mods.len, sizeof(*out->mods));
		if (s->mods.len)
			memcpy(out->mods, s->mods.at,
			       s->mods.len * sizeof(*out->mods));
		s->found = true;
	}
	if (!s->found)
		return;
	s->end = position_behind(s);
	(void)XML_StopParser(s->parser, XML_TRUE);
}

static void end_inside(struct dsml_scan *s)
{
	size_t level = s->depth - s->record;

	if (!level) {
		end_record(s);
	} else if (s->kind == KIND_RESULT || s->kind == KIND_ANSWER) {
		if (s->in_value)
			s->message = arena_dup(s->arena,
					       sv_trim(strbuf_sv(&s->text)));
		s->in_value = false;
	} else if (level == 2) {
		end_value(s);
	} else if (s->kind == KIND_MODIFY) {
		end_modification(s);
	}
}

/* ---- events ---- */

static void on_start(void *data, const XML_Char *qname, const XML_Char **attrs)
{
	struct dsml_scan *s = data;

	s->depth++;
	if (s->skip)
		return;
	if (s->record)
		start_inside(s, xml_local(sv_from(qname)), attrs);
	else
		start_outside(s, sv_from(qname), attrs);
}

static void on_end(void *data, const XML_Char *qname)
{
	struct dsml_scan *s = data;

	(void)qname;
	if (s->skip) {
		if (s->skip == s->depth) {
			s->skip = 0;
			if (!s->record && position(s) < s->from)
				s->end = position_behind(s);
		}
	} else if (s->record) {
		end_inside(s);
	} else if (s->container == s->depth) {
		s->container = 0;
		s->form = DSML_NONE;
		if (position(s) == s->frame.insert &&
		    !XML_GetCurrentByteCount(s->parser))
			s->frame.insert_empty = true;
	}
	s->depth--;
}

static void on_text(void *data, const XML_Char *text, int len)
{
	struct dsml_scan *s = data;

	if (s->in_value && !s->skip)
		strbuf_add(&s->text, text, (size_t)len);
}

static const struct sv TYPE_HINT = { "type: ", 6 };

static void on_comment(void *data, const XML_Char *text)
{
	struct dsml_scan *s = data;
	struct sv comment = sv_trim(sv_from(text));

	if (s->record && sv_starts(comment, TYPE_HINT))
		s->out->type = arena_dup(
			s->arena, sv_sub(comment, TYPE_HINT.len, comment.len));
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

static void on_declaration(void *data, const XML_Char *version,
			   const XML_Char *encoding, int standalone)
{
	struct dsml_scan *s = data;

	(void)version;
	(void)standalone;
	if (encoding && !sv_ieq_str(sv_from(encoding), "UTF-8") &&
	    !sv_ieq_str(sv_from(encoding), "US-ASCII"))
		s->frame.other_encoding = true;
}

void dsml_scan_init(struct dsml_scan *s)
{
	memset(s, 0, sizeof(*s));
	s->text.max = STRBUF_NO_LIMIT;
	s->frame.prefix.max = STRBUF_NO_LIMIT;
	s->frame.insert_name.max = STRBUF_NO_LIMIT;
	s->frame.insert = UINT64_MAX;
	s->parser = XML_ParserCreate(NULL);
	XML_SetUserData(s->parser, s);
	XML_SetElementHandler(s->parser, on_start, on_end);
	XML_SetCharacterDataHandler(s->parser, on_text);
	XML_SetCommentHandler(s->parser, on_comment);
	XML_SetXmlDeclHandler(s->parser, on_declaration);
	XML_SetStartDoctypeDeclHandler(s->parser, on_doctype);
}

void dsml_scan_release(struct dsml_scan *s)
{
	if (s->parser)
		XML_ParserFree(s->parser);
	strbuf_release(&s->text);
	strbuf_release(&s->frame.prefix);
	strbuf_release(&s->frame.insert_name);
	vec_release(&s->lines);
	vec_release(&s->mods);
	memset(s, 0, sizeof(*s));
}

const char *dsml_scan_problem(const struct dsml_scan *s)
{
	return s->problem[0] ? s->problem
			     : XML_ErrorString(XML_GetErrorCode(s->parser));
}

void dsml_parse(struct sv text, struct arena *arena, struct ldif_record *out)
{
	struct dsml_scan s;

	memset(out, 0, sizeof(*out));
	dsml_scan_init(&s);
	s.out = out;
	s.arena = arena;
	/* Within what a log has around it. */
	s.form = DSML_ADD;
	s.depth = 1;
	s.container = 1;
	if (XML_Parse(s.parser, text.ptr, (int)text.len, XML_TRUE) ==
		    XML_STATUS_ERROR ||
	    !s.found) {
		out->error = "parse-error";
		out->message = arena_dup(arena, sv_from(dsml_scan_problem(&s)));
	}
	dsml_scan_release(&s);
}
