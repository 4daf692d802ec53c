/*
 * html.h - texts in a page that stands alone
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_HTML_H
#define CLI_HTML_H

#include "base/strbuf.h"

/* Escaped as on a terminal (output_escape()), then for HTML. */
void html_text(struct strbuf *out, struct sv text);
/* The same as the content of an element without attributes. */
void html_in(struct strbuf *out, const char *tag, struct sv text);

#endif
