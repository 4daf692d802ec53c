/*
 * xml_text.h - names and texts of XML documents, for those who write them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_XML_TEXT_H
#define CONNECTORS_XML_TEXT_H

#include "base/strbuf.h"

#include <stdbool.h>

/* The part of a name behind its prefix. */
struct sv xml_local(struct sv name);
/* As text of an element, or in the quotes of an attribute. */
void xml_add_text(struct strbuf *out, struct sv text);
/* Can XML hold the text? It has to be UTF-8. */
bool xml_can_hold(struct sv text);
/* NULL: XML can hold the text, and more than blanks; else why not. */
const char *xml_text_problem(struct sv text);

#endif
