/*
 * xml_scan.h - elements of an XML document that are records, one by one
 *
 * No document type is taken, so that there are no entities but XML's own and
 * nothing is read from elsewhere. Names count without their prefix.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_XML_SCAN_H
#define CONNECTORS_RECORDS_XML_SCAN_H

#include "base/error.h"
#include "base/strbuf.h"
#include "connectors/text_input.h"
#include "connectors/xml_text.h"

#include <expat.h>

#define XML_DEPTH 64 /* no element of a record lies deeper */

/* An element of a record, at its end. Offsets are bytes of the record. */
struct xml_element {
	struct sv path;   /* "name/given"; of the record itself empty */
	struct sv text;   /* directly in it */
	bool children;    /* it has elements */
	size_t begin;     /* of its tag */
	size_t inner;     /* behind its tag */
	size_t inner_end; /* its end tag, or as inner */
	size_t end;
};

struct xml_visit {
	void *data;
	/* An attribute of the element of this path. */
	void (*attr)(void *data, struct sv path, struct sv name,
		     struct sv value, size_t at);
	void (*element)(void *data, const struct xml_element *element);
};

struct xml_level {
	size_t path;
	size_t text;
	size_t begin;
	size_t inner;
	bool children;
};

struct xml_scan {
	XML_Parser parser;
	struct sv steps; /* names joined by '/': * is any, a|b one of them */
	struct xml_visit visit;
	struct strbuf path; /* within the record */
	struct strbuf text;
	struct xml_level levels[XML_DEPTH + 1];
	size_t outside; /* depth of the document, above the record */
	size_t matched; /* of these, so many are on the way to it */
	size_t inside;  /* depth of the record; 0: outside of any */
	uint64_t begin; /* of the record: bytes of the document */
	uint64_t end;
	uint64_t insert;   /* where a first record would stand; or UINT64_MAX */
	bool insert_empty; /* it is behind a tag that ends at once */
	struct sv insert_name; /* of that tag */
	struct arena arena;
	size_t line; /* where the record begins */
	size_t column;
	bool found; /* a record has ended */
	const char *error;
};

void xml_scan_init(struct xml_scan *scan, struct sv steps,
		   const struct xml_visit *visit);
/* Accepts the all-zero struct. */
void xml_scan_release(struct xml_scan *scan);

/* Visits the elements of a record that lies in memory: NULL, or what is wrong
 * at *at. */
const char *xml_scan_text(struct sv record, const struct xml_visit *visit,
			  size_t *at);

/* A document that is read piece by piece. */
struct xml_stream {
	struct xml_scan scan;
	struct text_input *in; /* borrowed */
	uint64_t base;         /* the document's byte that in->at is */
	uint64_t fed;
	uint64_t last; /* behind the last record */
	bool keep;     /* what lies between records is wanted */
	bool suspended;
	bool ended;
};

void xml_stream_init(struct xml_stream *xml, struct text_input *in,
		     struct sv steps, const struct xml_visit *visit, bool keep);
/* 1: scan.begin and so on tell of a record; 0: the document has ended; -1: err
 * is set, `file` is its name. */
int xml_stream_next(struct xml_stream *xml, struct sv file, struct error *err);
/* Bytes of the document that are still there. */
struct sv xml_stream_bytes(const struct xml_stream *xml, uint64_t from,
			   uint64_t to);
void xml_stream_release(struct xml_stream *xml);

#endif
