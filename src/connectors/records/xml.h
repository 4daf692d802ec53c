/*
 * xml.h - what the parts of the xml format share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_XML_H
#define CONNECTORS_RECORDS_XML_H

#include "connectors/records/record_format.h"
#include "connectors/records/xml_scan.h"

/* The encoding that a document says it has, or NULL. */
const char *xml_declared(const char *path, struct arena *arena);
/* The name that the element of a new record gets. */
struct sv xml_record_name(const struct records_source *source);
int xml_compose(struct record_edit *edit);

#endif
