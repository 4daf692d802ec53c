/*
 * nt4_parse.c - what rpcclient and net print, line by line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/nt4/nt4_parse.h"

#include <string.h>

bool nt4_next_line(struct sv text, size_t *at, struct sv *line)
{
	size_t end;

	if (*at >= text.len)
		return false;
	end = sv_find(text, '\n', *at);
	*line = sv_sub(text, *at, end);
	if (line->len && line->ptr[line->len - 1] == '\r')
		line->len--;
	*at = end + 1;
	return true;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

bool nt4_parse_number(struct sv text, uint32_t *out)
{
	uint32_t base = 10;
	uint64_t number = 0;
	size_t i = 0;

	if (text.len > 2 && text.ptr[0] == '0' && text.ptr[1] == 'x') {
		base = 16;
		i = 2;
	}
	if (i == text.len)
		return false;
	for (; i < text.len; i++) {
		uint32_t one = (uint32_t)digit(text.ptr[i]);

		if (one >= base)
			return false;
		number = number * base + one;
		if (number > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)number;
	return true;
}

/* What stands behind `word` at the beginning of *rest, which moves there. */
static bool skip(struct sv *rest, const char *word)
{
	struct sv text = sv_from(word);

	if (!sv_starts(*rest, text))
		return false;
	*rest = sv_sub(*rest, text.len, rest->len);
	return true;
}

/* Up to the first `end`, behind which *rest moves. */
static bool take(struct sv *rest, const char *end, struct sv *out)
{
	size_t len = strlen(end);
	size_t at = 0;

	while (at + len <= rest->len && memcmp(rest->ptr + at, end, len) != 0)
		at++;
	if (at + len > rest->len)
		return false;
	*out = sv_sub(*rest, 0, at);
	*rest = sv_sub(*rest, at + len, rest->len);
	return true;
}

static bool take_number(struct sv *rest, const char *end, uint32_t *out)
{
	struct sv text;

	return take(rest, end, &text) && nt4_parse_number(text, out);
}

bool nt4_parse_account(struct sv line, struct nt4_account *out)
{
	uint32_t index;

	if (!skip(&line, "index: ") || !take_number(&line, " RID: ", &index) ||
	    !take_number(&line, " acb: ", &out->rid) ||
	    !take_number(&line, " Account: ", &out->flags) ||
	    !take(&line, "\tName: ", &out->name) ||
	    !take(&line, "\tDesc: ", &out->full_name))
		return false;
	out->description = line;
	return out->name.len > 0;
}

bool nt4_parse_group(struct sv line, struct sv *name, uint32_t *rid)
{
	return skip(&line, "group:[") && take(&line, "] rid:[", name) &&
	       take_number(&line, "]", rid) && name->len > 0;
}

bool nt4_parse_member(struct sv line, uint32_t *rid)
{
	return skip(&line, "\trid:[") && take_number(&line, "]", rid);
}

bool nt4_parse_sid(struct sv line, struct sv *sid)
{
	return skip(&line, "\tsid:[") && take(&line, "]", sid) &&
	       sv_starts(*sid, SV_LIT("S-"));
}

bool nt4_parse_field(struct sv line, struct sv *label, struct sv *value)
{
	if (!skip(&line, "\t") || !take(&line, ":", label))
		return false;
	*label = sv_trim(*label);
	*value = sv_trim(line);
	return label->len > 0;
}

bool nt4_parse_name(struct sv line, struct sv name, uint32_t *rid)
{
	struct sv found;

	return skip(&line, "name ") && line.len > name.len &&
	       (found = sv_sub(line, 0, name.len), sv_ieq(found, name)) &&
	       (line = sv_sub(line, name.len, line.len), skip(&line, ": ")) &&
	       take_number(&line, " ", rid);
}

struct sv nt4_find_status(struct sv text)
{
	struct sv word = SV_LIT("NT_STATUS_");
	size_t at;
	size_t end;

	for (at = 0; at + word.len <= text.len; at++) {
		if (memcmp(text.ptr + at, word.ptr, word.len) != 0)
			continue;
		end = at + word.len;
		while (end < text.len &&
		       ((text.ptr[end] >= 'A' && text.ptr[end] <= 'Z') ||
			(text.ptr[end] >= '0' && text.ptr[end] <= '9') ||
			text.ptr[end] == '_'))
			end++;
		return sv_sub(text, at, end);
	}
	return SV_NULL;
}
