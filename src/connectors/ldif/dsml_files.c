/*
 * dsml_files.c - DSML documents that exports write
 *
 * A document that is there keeps its form, its prefixes and all that stands
 * between its entries; what is added follows its last entry. The log is a
 * batchRequest of ours: an empty line ends each of its requests, so that one
 * that was cut off is known.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/dsml_read.h"
#include "connectors/ldif/dsml_write.h"
#include "connectors/ldif/ldif_export.h"
#include "connectors/ldif/ldif_syntax.h"
#include "connectors/xml_text.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define COMMENT     "<!-- conjoin: "

static const struct sv BYTE_ORDER_MARK = { "\xEF\xBB\xBF", 3 };

/* ---- new documents ---- */

static const struct {
	const char *prefix;
	const char *head;
	const char *tail;
} frames[] = {
	[DSML_ENTRY] = { "dsml:",
			 "<dsml:dsml xmlns:dsml=\"" DSML_NAMESPACE_1 "\">\n"
			 "<dsml:directory-entries>",
			 "\n</dsml:directory-entries>\n</dsml:dsml>\n" },
	[DSML_RESULT] = { "",
			  "<batchResponse xmlns=\"" DSML_NAMESPACE_2
			  "\"" DSML_TYPES ">\n<searchResponse>",
			  "\n  <searchResultDone><resultCode code=\"0\"/>"
			  "</searchResultDone>\n"
			  "</searchResponse>\n</batchResponse>\n" },
	[DSML_ADD] = { "",
		       "<batchRequest xmlns=\"" DSML_NAMESPACE_2 "\"" DSML_TYPES
		       " processing=\"sequential\">",
		       "\n</batchRequest>\n" },
};

/* ---- the content ---- */

struct content {
	struct connector_session *s;
	const char *included;
	uint64_t included_to;
	FILE *to;
	struct strbuf text;
	struct dsml_style style;
	bool begun; /* the head is written */
};

static void put(FILE *to, struct sv bytes)
{
	(void)fwrite(bytes.ptr, 1, bytes.len, to);
}

static void put_comment(const struct content *c)
{
	if (c->included[0])
		(void)fprintf(c->to, COMMENT "includes %s %" PRIu64 " -->\n",
			      c->included, c->included_to);
}

/* Behind the last byte of `what`, or 0. */
static size_t behind(struct sv text, struct sv what)
{
	const char *at =
		text.len ? memmem(text.ptr, text.len, what.ptr, what.len)
			 : NULL;

	return at ? (size_t)(at - text.ptr) + what.len : 0;
}

/* What stands before the first entry, with our comment as it is to be now. */
static void put_head(struct content *c, struct sv head)
{
	size_t cut;

	c->begun = true;
	if (sv_starts(head, BYTE_ORDER_MARK))
		head = sv_sub(head, BYTE_ORDER_MARK.len, head.len);
	if (sv_starts(head, SV_LIT("<?xml"))) {
		cut = behind(head, SV_LIT("?>"));
		put(c->to, sv_sub(head, 0, cut));
		head = sv_sub(head, cut, head.len);
		if (!c->included[0] && !behind(head, SV_LIT(COMMENT))) {
			put(c->to, head);
			return;
		}
		(void)fputc('\n', c->to);
		if (head.len && head.ptr[0] == '\n')
			head = sv_sub(head, 1, head.len);
	}
	put_comment(c);
	if (sv_starts(head, SV_LIT(COMMENT "includes "))) {
		head = sv_sub(head, behind(head, SV_LIT("-->")), head.len);
		if (head.len && head.ptr[0] == '\n')
			head = sv_sub(head, 1, head.len);
	}
	put(c->to, head);
}

static void put_entry(struct content *c, const struct ldif_entry *entry,
		      struct arena *arena)
{
	struct ldif_line *lines;
	size_t count = ldif_entry_lines(entry, arena, &lines);

	strbuf_reset(&c->text);
	dsml_write_entry(&c->text, &c->style, entry->dn, lines, count);
	put(c->to, strbuf_sv(&c->text));
}

static void set_style(struct content *c, const struct ldif_view *view)
{
	const struct dsml_frame *frame = dsml_reader_frame(&view->reader);

	c->style.form = frame->form;
	c->style.prefix = strbuf_sv(&frame->prefix);
	c->style.typed = frame->typed;
}

static void put_item(struct content *c, const struct ldif_view *view,
		     const struct ldif_item *item, struct arena *arena)
{
	set_style(c, view);
	if (c->begun)
		put(c->to, item->lead);
	else
		put_head(c, item->lead);
	if (item->kind == LDIF_ITEM_ENTRY)
		put_entry(c, &item->entry, arena);
	else if (item->kind != LDIF_ITEM_GONE)
		put(c->to, item->raw);
}

/* All entries of the document were read: *tail_out follows what is added. */
static void begin_added(struct content *c, const struct ldif_view *view,
			struct sv *tail_out)
{
	const struct dsml_frame *frame = dsml_reader_frame(&view->reader);
	struct sv rest = view->reader.lead;
	size_t at;

	*tail_out = rest;
	if (c->begun)
		return;
	set_style(c, view);
	at = (size_t)frame->insert;
	*tail_out = sv_sub(rest, at, rest.len);
	if (!frame->insert_empty) {
		put_head(c, sv_sub(rest, 0, at));
		return;
	}
	while (at && rest.ptr[at - 1] != '/')
		at--;
	put_head(c, sv_sub(rest, 0, at - 1));
	(void)fputc('>', c->to);
}

static void begin_new(struct content *c)
{
	c->style.form = (enum dsml_form)c->s->form;
	c->style.prefix = sv_from(frames[c->style.form].prefix);
	c->style.typed = true;
	(void)fputs(DECLARATION "\n", c->to);
	put_comment(c);
	(void)fputs(frames[c->style.form].head, c->to);
	c->begun = true;
}

static int check_encoding(const struct ldif_reader *reader, struct error *err)
{
	const struct dsml_frame *frame = dsml_reader_frame(reader);

	if (!frame || !(frame->other_encoding || frame->wide))
		return 0;
	return error_set(err, ERR_UNSUPPORTED,
			 "'%s' is not UTF-8: only documents of UTF-8 are "
			 "written; convert it",
			 reader->path);
}

static void put_tail(struct content *c, const struct ldif_view *view,
		     struct sv tail)
{
	const struct dsml_frame *frame = dsml_reader_frame(&view->reader);

	if (!frame)
		(void)fputs(frames[c->style.form].tail, c->to);
	else if (frame->insert_empty && !dsml_reader_last(&view->reader))
		(void)fprintf(c->to, "\n</%.*s>" SV_FMT,
			      (int)frame->insert_name.len,
			      frame->insert_name.ptr, SV_ARG(tail));
	else
		put(c->to, tail);
}

static int put_all(struct content *c, struct ldif_view *view,
		   struct arena *scratch, struct error *err)
{
	struct sv tail = SV_NULL;
	struct ldif_item item;
	bool added = false;
	int ret;

	while ((ret = ldif_view_next(view, scratch, &item, err)) > 0) {
		bool more = item.kind == LDIF_ITEM_LOST ||
			    (item.kind == LDIF_ITEM_ENTRY && !item.record.line);

		if (more && !added) {
			if (view->reader.state)
				begin_added(c, view, &tail);
			added = true;
		}
		if (!more) {
			put_item(c, view, &item, scratch);
		} else if (item.kind == LDIF_ITEM_ENTRY) {
			(void)fputs("\n  ", c->to);
			put_entry(c, &item.entry, scratch);
		}
		arena_reset(scratch);
	}
	if (ret < 0 || check_encoding(&view->reader, err) < 0)
		return -1;
	if (!added && view->reader.state)
		begin_added(c, view, &tail);
	put_tail(c, view, tail);
	return 0;
}

static int write_content(struct connector_session *s,
			 struct ldif_overlay *overlay, const char *included,
			 uint64_t included_to, FILE *to, struct error *err)
{
	struct content c = { .s = s,
			     .included = included,
			     .included_to = included_to,
			     .to = to,
			     .text = STRBUF_INIT(STRBUF_NO_LIMIT) };
	struct arena scratch = ARENA_INIT;
	struct ldif_view view;
	int ret;

	if (s->files.content_fd < 0)
		begin_new(&c);
	ldif_view_init(&view, &s->files, overlay);
	ret = put_all(&c, &view, &scratch, err);
	ldif_view_release(&view);
	arena_release(&scratch);
	strbuf_release(&c.text);
	return ret;
}

/* ---- the log ---- */

static const struct dsml_style log_style = { .form = DSML_ADD,
					     .prefix = { "", 0 },
					     .typed = true };

static void write_request(const struct ldif_record *record, struct strbuf *text,
			  FILE *to)
{
	strbuf_reset(text);
	dsml_write_request(text, &log_style, record);
	put(to, strbuf_sv(text));
}

/* Requests of others, written as ours; one that cannot be read would be lost.
 */
static int write_others(struct connector_session *s, FILE *to,
			struct error *err)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct arena scratch = ARENA_INIT;
	struct ldif_reader reader;
	struct ldif_record r;
	int ret;

	ldif_files_read_log(&s->files, &reader, 0);
	while ((ret = ldif_reader_next(&reader, &scratch, &r, err)) > 0) {
		if (r.error || r.kind == LDIF_CONTENT) {
			ret = error_set(err, ERR_INVALID,
					"'%s':%zu: " SV_FMT
					": nothing can be added to a file with "
					"a request that cannot be read",
					s->files.changes, r.line,
					SV_ARG(r.error ? r.message
						       : SV_LIT("an entry")));
			break;
		}
		write_request(&r, &text, to);
		arena_reset(&scratch);
	}
	ldif_reader_release(&reader);
	arena_release(&scratch);
	strbuf_release(&text);
	return ret;
}

static int write_log(struct connector_session *s, const char *generation,
		     bool others, FILE *to, struct error *err)
{
	(void)fprintf(to, DECLARATION "\n" COMMENT "generation %s -->\n%s\n\n",
		      generation, frames[DSML_ADD].head);
	return others ? write_others(s, to, err) : 0;
}

static int write_records(struct connector_session *s, uint64_t begin,
			 uint64_t end, FILE *to, struct error *err)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct arena scratch = ARENA_INIT;
	struct ldif_reader reader;
	struct ldif_record r;
	int ret;

	if (begin == end)
		return 0;
	ldif_reader_init(&reader, NULL, spool_fd(&s->export->spool), "spool",
			 begin, end);
	while ((ret = ldif_reader_next(&reader, &scratch, &r, err)) > 0) {
		write_request(&r, &text, to);
		arena_reset(&scratch);
	}
	ldif_reader_release(&reader);
	arena_release(&scratch);
	strbuf_release(&text);
	return ret;
}

static int log_mark(const struct ldif_files *f, uint64_t *out,
		    struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct ldif_reader reader;
	struct ldif_record r;
	int ret;

	ldif_files_read_log(f, &reader, 0);
	while ((ret = ldif_reader_next(&reader, &scratch, &r, err)) > 0)
		arena_reset(&scratch);
	if (ret == 0)
		ret = check_encoding(&reader, err);
	*out = dsml_reader_last(&reader);
	ldif_reader_release(&reader);
	arena_release(&scratch);
	return ret;
}

static bool can_hold(struct sv dn)
{
	return text_is_utf8(dn) && xml_can_hold(dn);
}

const struct ldif_syntax dsml_syntax = {
	.comment = COMMENT,
	.comment_end = "-->",
	.reader_next = dsml_reader_next,
	.reader_release = dsml_reader_release,
	.parse = dsml_parse,
	.can_hold = can_hold,
	.log_mark = log_mark,
	.write_content = write_content,
	.write_log = write_log,
	.write_records = write_records,
	.log_end = "</batchRequest>\n",
};
