/*
 * dsml_read.c - a DSML file in pieces, held at each record
 *
 * The document is parsed from its beginning, whatever part of it is asked for;
 * records before that are passed over. Bytes stay in the buffer from the end
 * of the last record on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/dsml_read.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define PIECE      ((size_t)64 * 1024)
#define RECORD_MAX ((size_t)1024 * 1024 * 1024)

struct dsml_reader {
	struct dsml_scan scan;
	uint64_t fed;  /* bytes of the file that the parser has */
	uint64_t last; /* behind the last record */
	bool suspended;
	bool ended; /* the parser was told that there is no more */
};

static struct dsml_reader *state_of(struct ldif_reader *r)
{
	struct dsml_reader *d = r->state;

	if (d)
		return d;
	d = mem_zalloc(sizeof(*d));
	dsml_scan_init(&d->scan);
	d->scan.from = r->from;
	if (r->fd >= 0)
		r->from = 0;
	r->state = d;
	return d;
}

void dsml_reader_release(struct ldif_reader *r)
{
	struct dsml_reader *d = r->state;

	if (d)
		dsml_scan_release(&d->scan);
	mem_free(d);
}

const struct dsml_frame *dsml_reader_frame(const struct ldif_reader *r)
{
	const struct dsml_reader *d = r->state;

	return d ? &d->scan.frame : NULL;
}

uint64_t dsml_reader_last(const struct ldif_reader *r)
{
	const struct dsml_reader *d = r->state;

	return d ? d->last : 0;
}

/* More of the file behind what is in the buffer. */
static int fill(struct ldif_reader *r, uint64_t keep, struct error *err)
{
	uint64_t offset = r->from + r->len;
	uint64_t left = r->to > offset ? r->to - offset : 0;
	size_t gone = (size_t)(keep - r->from);
	size_t room;
	ssize_t n;

	if (gone && r->len + PIECE > r->size) {
		memmove(r->buffer, r->buffer + gone, r->len - gone);
		r->len -= gone;
		r->from += gone;
	}
	if (r->len + PIECE > r->size) {
		if (r->size >= RECORD_MAX)
			return error_set(err, ERR_LIMIT,
					 "'%s': what stands at byte %" PRIu64
					 " is larger than %zu bytes",
					 r->path, r->from, r->size);
		r->size *= 2;
		r->buffer = mem_realloc(r->buffer, r->size);
	}
	room = r->size - r->len;
	if (room > left)
		room = (size_t)left;
	do {
		n = pread(r->fd, r->buffer + r->len, room, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_errno(err, errno, "cannot read '%s'", r->path);
	r->len += (size_t)n;
	r->end = n == 0;
	return 0;
}

static const char log_end[] = "</batchRequest>";

/* The next piece for the parser, or the end. */
static int feed(struct ldif_reader *r, struct dsml_reader *d,
		enum XML_Status *status, struct error *err)
{
	size_t n;

	while (d->fed == r->from + r->len && !r->end)
		if (fill(r, d->last, err) < 0)
			return -1;
	n = (size_t)(r->from + r->len - d->fed);
	if (!d->fed && n > 1)
		d->scan.frame.wide = !r->buffer[0] || !r->buffer[1] ||
				     (unsigned char)r->buffer[0] >= 0xFE;
	if (n > PIECE)
		n = PIECE;
	d->ended = n == 0;
	if (d->ended && r->open_end)
		*status = XML_Parse(d->scan.parser, log_end,
				    (int)sizeof(log_end) - 1, XML_TRUE);
	else
		*status = XML_Parse(d->scan.parser,
				    r->buffer + (size_t)(d->fed - r->from),
				    (int)n, n == 0);
	d->fed += n;
	return 0;
}

static int fault(const struct ldif_reader *r, const struct dsml_reader *d,
		 struct error *err)
{
	XML_Parser parser = d->scan.parser;

	return error_set(err, ERR_INVALID, "'%s':%zu:%zu: %s", r->path,
			 (size_t)XML_GetCurrentLineNumber(parser),
			 (size_t)XML_GetCurrentColumnNumber(parser) + 1,
			 dsml_scan_problem(&d->scan));
}

static struct sv bytes_of(const struct ldif_reader *r, uint64_t from,
			  uint64_t to)
{
	return sv_make(r->buffer + (size_t)(from - r->from),
		       (size_t)(to - from));
}

/* Nothing may be left out silently: a document must have a place for entries.
 */
static int at_end(struct ldif_reader *r, struct dsml_reader *d,
		  struct error *err)
{
	if (!d->scan.any_container)
		return error_set(
			err, ERR_INVALID,
			"'%s' has no directory-entries, searchResponse "
			"or batchRequest: it tells of no directory",
			r->path);
	r->raw = SV_NULL;
	if (!r->open_end)
		r->lead = bytes_of(r, d->last, d->fed);
	return 0;
}

int dsml_reader_next(struct ldif_reader *r, struct arena *arena,
		     struct ldif_record *out, struct error *err)
{
	struct dsml_reader *d = state_of(r);
	struct dsml_scan *s = &d->scan;
	enum XML_Status status = XML_STATUS_OK;

	s->out = out;
	s->arena = arena;
	s->found = false;
	while (!s->found) {
		if (d->ended && !d->suspended) {
			memset(out, 0, sizeof(*out));
			return at_end(r, d, err);
		}
		if (d->suspended)
			status = XML_ResumeParser(s->parser);
		else if (feed(r, d, &status, err) < 0)
			return -1;
		d->suspended = status == XML_STATUS_SUSPENDED;
		if (status == XML_STATUS_ERROR)
			return fault(r, d, err);
		if (!s->found && s->end > d->last)
			d->last = s->end; /* passed over */
	}
	out->begin = s->begin;
	out->end = s->end;
	out->closed = true;
	r->lead = bytes_of(r, d->last, s->begin);
	r->raw = bytes_of(r, s->begin, s->end);
	r->at = (size_t)(s->end - r->from);
	d->last = s->end;
	return 1;
}
