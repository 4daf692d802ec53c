/*
 * type.c - T-SQL's types by name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "type.h"

#include <ctype.h>
#include <stdlib.h>

static const struct {
	const char *name;
	enum type_id id;
	int size; /* that is meant when none is said */
} names[] = {
	{ "bit", T_BIT, 1 },
	{ "tinyint", T_TINYINT, 1 },
	{ "smallint", T_SMALLINT, 2 },
	{ "int", T_INT, 4 },
	{ "integer", T_INT, 4 },
	{ "bigint", T_BIGINT, 8 },
	{ "decimal", T_DECIMAL, 0 },
	{ "numeric", T_DECIMAL, 0 },
	{ "dec", T_DECIMAL, 0 },
	{ "money", T_MONEY, 8 },
	{ "smallmoney", T_SMALLMONEY, 4 },
	{ "real", T_REAL, 4 },
	{ "float", T_FLOAT, 8 },
	{ "double", T_FLOAT, 8 },
	{ "char", T_CHAR, 1 },
	{ "varchar", T_VARCHAR, 1 },
	{ "nchar", T_NCHAR, 1 },
	{ "nvarchar", T_NVARCHAR, 1 },
	{ "sysname", T_NVARCHAR, 128 },
	{ "text", T_TEXT, 0 },
	{ "ntext", T_NTEXT, 0 },
	{ "xml", T_NVARCHAR, 0 },
	{ "binary", T_BINARY, 1 },
	{ "varbinary", T_VARBINARY, 1 },
	{ "image", T_IMAGE, 0 },
	{ "rowversion", T_ROWVERSION, 8 },
	{ "timestamp", T_ROWVERSION, 8 },
	{ "uniqueidentifier", T_GUID, 16 },
	{ "datetime", T_DATETIME, 8 },
	{ "smalldatetime", T_SMALLDATETIME, 4 },
	{ "date", T_DATE, 3 },
	{ "time", T_TIME, 5 },
	{ "datetime2", T_DATETIME2, 8 },
	{ "datetimeoffset", T_OFFSET, 10 },
};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

static struct sv word_of(struct sv text)
{
	size_t len = 0;

	while (len < text.len &&
	       (isalnum((unsigned char)text.ptr[len]) || text.ptr[len] == '_'))
		len++;
	return sv_sub(text, 0, len);
}

/* The numbers in brackets behind a type's name; -1: "max". */
static int numbers_of(struct sv text, long *out)
{
	char copy[24] = "";
	char *at = copy;
	int count = 0;

	text = sv_trim(text);
	if (!text.len || text.ptr[0] != '(')
		return 0;
	text.ptr++;
	text.len--;
	text = sv_trim(sv_sub(text, 0, sv_find(text, ')', 0)));
	if (sv_ieq_str(text, "max")) {
		out[0] = -1;
		return 1;
	}
	memcpy(copy, text.ptr,
	       text.len < sizeof(copy) ? text.len : sizeof(copy) - 1);
	while (count < 2 && *at) {
		out[count++] = strtol(at, &at, 10);
		while (*at == ',' || *at == ' ')
			at++;
	}
	return count;
}

static void set_sizes(struct type *type, const long *given, int count)
{
	switch (type->id) {
	case T_DECIMAL:
		type->precision = count > 0 ? (int)given[0] : 18;
		type->scale = count > 1 ? (int)given[1] : 0;
		break;
	case T_MONEY:
	case T_SMALLMONEY:
		type->precision = type->id == T_MONEY ? 19 : 10;
		type->scale = 4;
		break;
	case T_TIME:
	case T_DATETIME2:
	case T_OFFSET:
		type->scale = count > 0 ? (int)given[0] : 7;
		break;
	case T_FLOAT:
		if (count > 0 && given[0] <= 24)
			type->id = T_REAL;
		break;
	case T_CHAR:
	case T_VARCHAR:
	case T_NCHAR:
	case T_NVARCHAR:
	case T_BINARY:
	case T_VARBINARY:
		if (count > 0)
			type->size = given[0] < 0 ? 0 : (int)given[0];
		break;
	case T_BIT:
	case T_TINYINT:
	case T_SMALLINT:
	case T_INT:
	case T_BIGINT:
	case T_REAL:
	case T_TEXT:
	case T_NTEXT:
	case T_IMAGE:
	case T_ROWVERSION:
	case T_GUID:
	case T_DATETIME:
	case T_SMALLDATETIME:
	case T_DATE:
		break;
	}
}

int type_parse(struct sv text, struct type *out)
{
	long given[2] = { 0, 0 };
	struct sv word;

	text = sv_trim(text);
	if (text.len && text.ptr[0] == '[') {
		text.ptr++;
		text.len--;
	}
	word = word_of(text);
	for (size_t i = 0; i < NAME_COUNT; i++) {
		if (!sv_ieq_str(word, names[i].name))
			continue;
		*out = (struct type){ .id = names[i].id,
				      .size = names[i].size };
		text = sv_sub(text, word.len, text.len);
		if (text.len && text.ptr[0] == ']')
			text = sv_sub(text, 1, text.len);
		if (sv_starts(text, SV_LIT(" text")))
			text = sv_sub(text, 5, text.len);
		set_sizes(out, given, numbers_of(text, given));
		return 1;
	}
	return 0;
}

const char *type_name(const struct type *type)
{
	if (type->id == T_ROWVERSION)
		return "timestamp";
	for (size_t i = 0; i < NAME_COUNT; i++) {
		if (names[i].id == type->id)
			return names[i].name;
	}
	return "";
}

void type_add(struct strbuf *sb, const struct type *type)
{
	strbuf_adds(sb, type_name(type));
	if (type->id == T_DECIMAL)
		strbuf_addf(sb, "(%d,%d)", type->precision, type->scale);
	else if (type->id == T_TIME || type->id == T_DATETIME2 ||
		 type->id == T_OFFSET)
		strbuf_addf(sb, "(%d)", type->scale);
	else if (type->id >= T_CHAR && type->id <= T_VARBINARY &&
		 type->id != T_TEXT && type->id != T_NTEXT) {
		if (type->size)
			strbuf_addf(sb, "(%d)", type->size);
		else
			strbuf_adds(sb, "(max)");
	}
}

bool type_is_text(const struct type *type)
{
	return type->id >= T_CHAR && type->id <= T_NTEXT;
}

bool type_is_wide(const struct type *type)
{
	return type->id == T_NCHAR || type->id == T_NVARCHAR ||
	       type->id == T_NTEXT;
}

bool type_is_bytes(const struct type *type)
{
	return type->id >= T_BINARY && type->id <= T_ROWVERSION;
}

bool type_is_moment(const struct type *type)
{
	return type->id >= T_DATETIME;
}

static struct type of_size(enum type_id id, int size)
{
	return (struct type){ .id = id, .size = size };
}

static const int moment_lengths[] = { 10, 16, 27, 34 };

/* Dates were text before 7.3, "max" was text and image before 7.2. */
struct type type_sent(struct type type, int version)
{
	if (type.id == T_ROWVERSION)
		type = of_size(T_BINARY, 8);
	if (version < 73 && type.id >= T_DATE)
		return (struct type){ .id = T_NVARCHAR,
				      .size = moment_lengths[type.id - T_DATE],
				      .precision = (int)type.id,
				      .scale = type.scale };
	if (version < 72 && !type.size) {
		if (type.id == T_VARCHAR)
			type.id = T_TEXT;
		else if (type.id == T_NVARCHAR)
			type.id = T_NTEXT;
		else if (type.id == T_VARBINARY)
			type.id = T_IMAGE;
	}
	if (version == 70 && type.id == T_BIGINT)
		type = (struct type){ .id = T_DECIMAL, .precision = 19 };
	return type;
}

size_t text_units(struct sv text)
{
	size_t units = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if ((c & 0xc0) != 0x80)
			units += c >= 0xf0 ? 2 : 1;
	}
	return units;
}
