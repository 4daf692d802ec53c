/*
 * dsml_write.h - entries and requests as text of DSML
 *
 * No line of what is written is empty: an empty one ends a record of a log.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_DSML_WRITE_H
#define CONNECTORS_LDIF_DSML_WRITE_H

#include "connectors/ldif/dsml_scan.h"

#define DSML_NAMESPACE_1 "http://www.dsml.org/DSML"
#define DSML_NAMESPACE_2 "urn:oasis:names:tc:DSML:2:0:core"

/* The attributes that an element of version 2 has around typed values. */
#define DSML_TYPES                                                             \
	" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""             \
	" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\""

struct dsml_style {
	enum dsml_form form;
	struct sv prefix; /* "dsml:" or nothing */
	bool typed;       /* xsi: and xsd: are declared */
};

void dsml_write_entry(struct strbuf *out, const struct dsml_style *style,
		      struct sv dn, const struct ldif_line *lines,
		      size_t count);
/* A record of a log, with a comment that tells its type. */
void dsml_write_request(struct strbuf *out, const struct dsml_style *style,
			const struct ldif_record *record);

#endif
