/*
 * lex.c - the tokens of T-SQL
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lex.h"

#include <ctype.h>

struct lexer {
	struct sv text;
	size_t at;
	struct arena *arena;
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '#' || c == '$' ||
	       c == '@' || (c & 0x80);
}

static bool begins(const struct lexer *lx, const char *what)
{
	size_t len = strlen(what);

	return lx->text.len - lx->at >= len &&
	       !memcmp(lx->text.ptr + lx->at, what, len);
}

/* Comments may stand in one another. */
static int pass_comment(struct lexer *lx)
{
	int depth = 0;

	do {
		if (lx->at >= lx->text.len)
			return 0;
		if (begins(lx, "/*")) {
			depth++;
			lx->at += 2;
		} else if (begins(lx, "*/")) {
			depth--;
			lx->at += 2;
		} else {
			lx->at++;
		}
	} while (depth);
	return 1;
}

static int pass_space(struct lexer *lx)
{
	while (lx->at < lx->text.len) {
		if (isspace((unsigned char)lx->text.ptr[lx->at])) {
			lx->at++;
		} else if (begins(lx, "--")) {
			lx->at = sv_find(lx->text, '\n', lx->at);
		} else if (begins(lx, "/*")) {
			if (!pass_comment(lx))
				return 0;
		} else {
			break;
		}
	}
	return 1;
}

/* Room for what stands in quotes. */
static size_t quoted_size(const struct lexer *lx, char close)
{
	size_t end = lx->at + 1;

	for (; end < lx->text.len; end++) {
		if (lx->text.ptr[end] != close)
			continue;
		if (end + 1 >= lx->text.len || lx->text.ptr[end + 1] != close)
			break;
		end++;
	}
	return end - lx->at + 1;
}

/* Up to the closing quote, which doubled is one character. */
static int quoted(struct lexer *lx, char close, struct sv *out)
{
	char *to = arena_alloc(lx->arena, quoted_size(lx, close));
	size_t len = 0;

	for (lx->at++; lx->at < lx->text.len; lx->at++) {
		char c = lx->text.ptr[lx->at];

		if (c == close) {
			if (lx->at + 1 >= lx->text.len ||
			    lx->text.ptr[lx->at + 1] != close) {
				lx->at++;
				to[len] = 0;
				*out = sv_make(to, len);
				return 1;
			}
			lx->at++;
		}
		to[len++] = c;
	}
	return 0;
}

static void word(struct lexer *lx, struct token *token)
{
	size_t from = lx->at;

	while (lx->at < lx->text.len && is_word(lx->text.ptr[lx->at]))
		lx->at++;
	token->value = sv_sub(lx->text, from, lx->at);
	token->kind = TOKEN_NAME;
	if (token->value.ptr[0] == '@') {
		token->kind = TOKEN_VAR;
		if (token->value.len > 1 && token->value.ptr[1] == '@')
			token->kind = TOKEN_GLOBAL;
	}
}

static void number(struct lexer *lx, struct token *token)
{
	size_t from = lx->at;

	token->kind = TOKEN_NUMBER;
	if (begins(lx, "0x") || begins(lx, "0X")) {
		token->kind = TOKEN_HEX;
		lx->at += 2;
		from = lx->at;
	}
	while (lx->at < lx->text.len) {
		char c = lx->text.ptr[lx->at];
		char before = lx->text.ptr[lx->at - (lx->at > from)];

		if (!isalnum((unsigned char)c) && c != '.' &&
		    !((c == '-' || c == '+') && token->kind == TOKEN_NUMBER &&
		      (before == 'e' || before == 'E')))
			break;
		lx->at++;
	}
	token->value = sv_sub(lx->text, from, lx->at);
}

static void other(struct lexer *lx, struct token *token)
{
	static const char *const pairs[] = { "<>", "<=", ">=", "!=", "!<",
					     "!>", "+=", "-=", "||", NULL };
	size_t len = 1;

	for (size_t i = 0; pairs[i]; i++) {
		if (begins(lx, pairs[i]))
			len = 2;
	}
	token->kind = TOKEN_OTHER;
	token->value = sv_sub(lx->text, lx->at, lx->at + len);
	lx->at += len;
}

static int next(struct lexer *lx, struct token *token)
{
	size_t from = lx->at;
	char c = lx->text.ptr[lx->at];

	if ((c == 'N' || c == 'n') && lx->at + 1 < lx->text.len &&
	    lx->text.ptr[lx->at + 1] == '\'') {
		lx->at++;
		c = '\'';
	}
	if (c == '\'' || c == '[' || c == '"') {
		token->kind = c == '\'' ? TOKEN_STRING : TOKEN_QUOTED;
		if (!quoted(lx, c == '[' ? ']' : c, &token->value))
			return 0;
	} else if (isdigit((unsigned char)c)) {
		number(lx, token);
	} else if (is_word(c)) {
		word(lx, token);
	} else {
		other(lx, token);
	}
	token->text = sv_sub(lx->text, from, lx->at);
	return 1;
}

int lex(struct sv text, struct arena *arena, struct token **out,
	size_t *count_out)
{
	struct lexer lx = { text, 0, arena };
	struct token *tokens =
		arena_array(arena, text.len + 1, sizeof(*tokens));
	size_t count = 0;

	*out = tokens;
	while (pass_space(&lx)) {
		if (lx.at >= text.len) {
			*count_out = count;
			return 1;
		}
		if (!next(&lx, &tokens[count++]))
			return 0;
	}
	return 0;
}

bool token_is(const struct token *token, const char *word)
{
	return (token->kind == TOKEN_NAME || token->kind == TOKEN_OTHER) &&
	       sv_ieq_str(token->value, word);
}

bool token_is_any(const struct token *token, const char *const *words)
{
	for (size_t i = 0; words[i]; i++) {
		if (token_is(token, words[i]))
			return true;
	}
	return false;
}

bool token_is_name(const struct token *token)
{
	return token->kind == TOKEN_NAME || token->kind == TOKEN_QUOTED;
}

size_t token_behind(const struct token *tokens, size_t count, size_t at)
{
	int depth = 0;

	for (; at < count; at++) {
		if (token_is(&tokens[at], "("))
			depth++;
		else if (token_is(&tokens[at], ")") && --depth == 0)
			return at + 1;
	}
	return count;
}

struct sv token_span(const struct token *tokens, size_t count)
{
	const struct token *last = tokens + count - 1;

	if (!count)
		return SV_LIT("");
	return sv_make(
		tokens->text.ptr,
		(size_t)(last->text.ptr + last->text.len - tokens->text.ptr));
}
