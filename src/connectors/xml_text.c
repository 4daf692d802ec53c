/*
 * xml_text.c - what XML can hold, and how it is escaped
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/xml_text.h"

#include "base/text.h"

struct sv xml_local(struct sv name)
{
	size_t colon = sv_find(name, ':', 0);

	return colon < name.len ? sv_sub(name, colon + 1, name.len) : name;
}

void xml_add_text(struct strbuf *out, struct sv text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		switch (text.ptr[i]) {
		case '&':
			strbuf_adds(out, "&amp;");
			break;
		case '<':
			strbuf_adds(out, "&lt;");
			break;
		case '>':
			strbuf_adds(out, "&gt;");
			break;
		case '"':
			strbuf_adds(out, "&quot;");
			break;
		case '\t':
		case '\n':
		case '\r':
			strbuf_addf(out, "&#%d;", text.ptr[i]);
			break;
		default:
			strbuf_addc(out, text.ptr[i]);
			break;
		}
	}
}

bool xml_can_hold(struct sv text)
{
	size_t at = 0;

	while (at < text.len) {
		int32_t c = text_next(text, &at);

		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') ||
		    c == 0xFFFE || c == 0xFFFF)
			return false;
	}
	return true;
}

const char *xml_text_problem(struct sv text)
{
	if (text.len && !sv_trim(text).len)
		return "blanks alone would be lost in this file";
	return xml_can_hold(text) ? NULL : "XML cannot hold these characters";
}
