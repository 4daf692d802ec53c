/*
 * lex.h - the tokens of T-SQL
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TDS_LEX_H
#define TDS_LEX_H

#include "base/arena.h"
#include "base/sv.h"

#include <stdbool.h>

enum token_kind {
	TOKEN_NAME,   /* a word without quotes */
	TOKEN_QUOTED, /* [x], "x" */
	TOKEN_STRING, /* 'x', N'x' */
	TOKEN_NUMBER,
	TOKEN_HEX,    /* 0x1f */
	TOKEN_VAR,    /* @x */
	TOKEN_GLOBAL, /* @@x */
	TOKEN_OTHER,  /* an operator, a bracket, a comma */
};

struct token {
	enum token_kind kind;
	struct sv text;  /* as it stands */
	struct sv value; /* without quotes */
};

/* All tokens of a text, without comments; memory from arena. 1; 0: a string
 * or a comment does not end. */
int lex(struct sv text, struct arena *arena, struct token **out,
	size_t *count_out);

/* A word without quotes, in any case. */
bool token_is(const struct token *token, const char *word);
bool token_is_any(const struct token *token, const char *const *words);
bool token_is_name(const struct token *token);
/* Behind the bracket that closes the one at `at`. */
size_t token_behind(const struct token *tokens, size_t count, size_t at);
/* From the first to the last as they stood. */
struct sv token_span(const struct token *tokens, size_t count);

#endif
