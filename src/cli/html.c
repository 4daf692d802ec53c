/*
 * html.c - texts in a page that stands alone
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/html.h"

#include "cli/output.h"

void html_text(struct strbuf *out, struct sv text)
{
	struct strbuf safe = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv all;
	size_t i;

	output_escape(text, &safe);
	all = strbuf_sv(&safe);
	for (i = 0; i < all.len; i++)
		switch (all.ptr[i]) {
		case '<':
			strbuf_adds(out, "&lt;");
			break;
		case '>':
			strbuf_adds(out, "&gt;");
			break;
		case '&':
			strbuf_adds(out, "&amp;");
			break;
		case '"':
			strbuf_adds(out, "&quot;");
			break;
		default:
			strbuf_addc(out, all.ptr[i]);
		}
	strbuf_release(&safe);
}

void html_in(struct strbuf *out, const char *tag, struct sv text)
{
	strbuf_addf(out, "<%s>", tag);
	html_text(out, text);
	strbuf_addf(out, "</%s>", tag);
}
