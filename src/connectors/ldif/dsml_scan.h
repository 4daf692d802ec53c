/*
 * dsml_scan.h - the elements of a DSML document as records of a directory
 *
 * DSML 1 (dsml/directory-entries/entry) and DSML 2 (batchRequest,
 * batchResponse/searchResponse, each perhaps in a SOAP envelope). Names count
 * without their prefix. No document type is taken, so that there are no
 * entities but XML's own and nothing is read from elsewhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_DSML_SCAN_H
#define CONNECTORS_LDIF_DSML_SCAN_H

#include "base/vec.h"
#include "connectors/ldif/ldif_record.h"

#include <expat.h>

/* As what entries stand in a document. */
enum dsml_form {
	DSML_NONE,
	DSML_ENTRY,  /* entry, of version 1 */
	DSML_RESULT, /* searchResultEntry */
	DSML_ADD,    /* addRequest */
};

/* Where an entry that is added to the document goes, and what it looks like. */
struct dsml_frame {
	enum dsml_form form;  /* of the last record, or of the first place */
	struct strbuf prefix; /* "dsml:" */
	bool typed;           /* xsi: and xsd: are declared around it */
	uint64_t insert;      /* where a first record would stand */
	bool insert_empty;    /* it is behind a tag that ends at once */
	struct strbuf insert_name; /* of that tag */
	bool other_encoding;       /* than UTF-8 */
	bool wide;                 /* UTF-16, by its first bytes */
};

struct dsml_scan {
	XML_Parser parser;
	struct ldif_record *out; /* of the record that is read */
	struct arena *arena;
	uint64_t from;       /* what begins before is passed over */
	size_t depth;        /* of the element at hand */
	size_t skip;         /* of one that is passed over; 0: none */
	size_t record;       /* of the record's element; 0: outside of any */
	size_t container;    /* of what records stand in */
	enum dsml_form form; /* of that */
	bool any_container;
	int kind; /* of the record: enum record_kind of dsml_scan.c */
	struct dsml_frame frame;

	struct sv name; /* of the attribute at hand */
	enum attr_op op;
	bool in_value;
	bool base64;
	struct strbuf text;
	VEC(struct ldif_line) lines; /* of the record, or of a modification */
	VEC(struct ldif_mod) mods;
	int64_t code; /* of a result */
	struct sv description;
	struct sv message;
	struct sv request;

	uint64_t begin;    /* of the record: bytes of the document */
	uint64_t end;      /* of it, or of what was passed over last */
	bool found;        /* a record has ended */
	char problem[256]; /* why the document cannot be read; "": it can */
};

void dsml_scan_init(struct dsml_scan *scan);
void dsml_scan_release(struct dsml_scan *scan);
/* What stopped the parser. */
const char *dsml_scan_problem(const struct dsml_scan *scan);

/* One record out of its bytes. */
void dsml_parse(struct sv text, struct arena *arena, struct ldif_record *out);

#endif
