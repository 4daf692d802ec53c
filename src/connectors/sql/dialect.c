/*
 * dialect.c - pieces of statements, and what a failure means
 *
 * Called by the core for every statement that it builds and by the drivers for
 * every failure. A name that comes from outside can only ever become one quoted
 * name; values are not written into statements at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/dialect.h"

#include <string.h>

const struct sql_dialect *sql_dialect_find(struct sv name)
{
	size_t i;

	for (i = 0; sql_dialects[i]; i++)
		if (sv_ieq_str(name, sql_dialects[i]->name))
			return sql_dialects[i];
	return NULL;
}

static bool product_is(const struct sql_dialect *dialect, struct sv product)
{
	struct sv names = sv_from(dialect->product);
	size_t from = 0;

	while (from < names.len) {
		size_t to = sv_find(names, '|', from);

		if (sv_starts(product, sv_sub(names, from, to)))
			return true;
		from = to + 1;
	}
	return !names.len; /* any other */
}

const struct sql_dialect *sql_dialect_of_product(const char *product)
{
	const struct sql_dialect *const *at = sql_dialects;

	while (at[1] && !product_is(*at, sv_from(product)))
		at++;
	return *at;
}

/* ---- failures ---- */

/* A whole SQLSTATE, or its class when two characters; the first that fits. */
static const struct {
	const char *state;
	enum sql_failure_kind kind;
} states[] = {
	{ "01002", SQL_FAILURE_LOST }, /* disconnected */
	{ "22001", SQL_FAILURE_LENGTH },
	{ "22026", SQL_FAILURE_LENGTH },
	{ "22002", SQL_FAILURE_NULL },
	{ "22004", SQL_FAILURE_NULL },
	{ "23001", SQL_FAILURE_REFERENCE },
	{ "23502", SQL_FAILURE_NULL },
	{ "23503", SQL_FAILURE_REFERENCE },
	{ "23504", SQL_FAILURE_REFERENCE },
	{ "23505", SQL_FAILURE_UNIQUE },
	{ "28P01", SQL_FAILURE_DENIED },
	{ "40003", SQL_FAILURE_LOST },
	{ "40P01", SQL_FAILURE_DEADLOCK },
	{ "42501", SQL_FAILURE_DENIED },
	{ "42601", SQL_FAILURE_OTHER },
	{ "42602", SQL_FAILURE_OTHER },
	{ "42703", SQL_FAILURE_MISSING },
	{ "42704", SQL_FAILURE_MISSING },
	{ "42883", SQL_FAILURE_MISSING },
	{ "42P01", SQL_FAILURE_MISSING },
	{ "42S02", SQL_FAILURE_MISSING },
	{ "42S22", SQL_FAILURE_MISSING },
	{ "53300", SQL_FAILURE_LOST },
	{ "55P03", SQL_FAILURE_LOCKED },
	{ "57014", SQL_FAILURE_LOCKED },
	{ "57033", SQL_FAILURE_DEADLOCK },
	{ "57P", SQL_FAILURE_LOST },
	{ "HY008", SQL_FAILURE_LOCKED },
	{ "HYT00", SQL_FAILURE_LOCKED },
	{ "HYT01", SQL_FAILURE_LOST },
	{ "S0002", SQL_FAILURE_MISSING }, /* of ODBC 2 drivers */
	{ "S0022", SQL_FAILURE_MISSING },
	{ "S1T00", SQL_FAILURE_LOCKED },
	{ "25006", SQL_FAILURE_DENIED }, /* reads only */
	{ "P0001", SQL_FAILURE_CHECK },
	{ "3F000", SQL_FAILURE_MISSING },
	{ "08", SQL_FAILURE_LOST },
	{ "22", SQL_FAILURE_VALUE },
	{ "23", SQL_FAILURE_CHECK },
	{ "27", SQL_FAILURE_CHECK },
	{ "28", SQL_FAILURE_DENIED },
	{ "40", SQL_FAILURE_DEADLOCK },
	{ "44", SQL_FAILURE_CHECK },
	{ "45", SQL_FAILURE_CHECK },
};

static enum sql_failure_kind kind_of_state(struct sv state)
{
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (sv_starts(state, sv_from(states[i].state)))
			return states[i].kind;
	return SQL_FAILURE_OTHER;
}

enum sql_failure_kind sql_failure_of(const struct sql_dialect *dialect,
				     const char *state, int native)
{
	const struct sql_error_number *at;

	for (at = dialect->errors; native && at && at->native; at++)
		if (native == at->native ||
		    (at->last && native > at->native && native <= at->last))
			return at->kind;
	return kind_of_state(sv_from(state));
}

enum sql_failure_kind sql_failure_told(const struct sql_dialect *dialect,
				       const char *state, int native,
				       const char *text)
{
	const struct sql_error_text *at;

	for (at = dialect->texts; at && at->piece; at++)
		if ((!at->native || at->native == native) &&
		    strstr(text, at->piece))
			return at->kind;
	return sql_failure_of(dialect, state, native);
}

enum err_code sql_failure_code(enum sql_failure_kind kind)
{
	switch (kind) {
	case SQL_FAILURE_LOST:
	case SQL_FAILURE_LOCKED:
		return ERR_UNAVAILABLE;
	case SQL_FAILURE_DEADLOCK:
		return ERR_CONFLICT;
	case SQL_FAILURE_DENIED:
		return ERR_DENIED;
	case SQL_FAILURE_MISSING:
		return ERR_NOTFOUND;
	case SQL_FAILURE_NONE:
	case SQL_FAILURE_UNIQUE:
	case SQL_FAILURE_REFERENCE:
	case SQL_FAILURE_NULL:
	case SQL_FAILURE_CHECK:
	case SQL_FAILURE_LENGTH:
	case SQL_FAILURE_VALUE:
	case SQL_FAILURE_OTHER:
		break;
	}
	return ERR_INVALID;
}

/* ---- pieces of statements ---- */

void sql_add_name(struct strbuf *sql, const struct sql_dialect *dialect,
		  struct sv name)
{
	size_t i;

	strbuf_addc(sql, dialect->quote_open);
	for (i = 0; i < name.len; i++) {
		if (name.ptr[i] == dialect->quote_close)
			strbuf_addc(sql, dialect->quote_close);
		strbuf_addc(sql, name.ptr[i]);
		if (!name.ptr[i])
			sql->overflow = true;
	}
	strbuf_addc(sql, dialect->quote_close);
}

/* The part of a table's name that begins at `from`, without its quotes (two of
 * them stand for one); where the next begins, or past the end. */
static size_t next_part(struct sv name, size_t from, struct strbuf *part)
{
	size_t at = from;

	strbuf_reset(part);
	if (at == name.len || name.ptr[at] != '"') {
		at = sv_find(name, '.', from);
		strbuf_addsv(part, sv_sub(name, from, at));
		return at + 1;
	}
	for (at++; at < name.len; at++) {
		if (name.ptr[at] == '"' &&
		    (++at == name.len || name.ptr[at] != '"'))
			break;
		strbuf_addc(part, name.ptr[at]);
	}
	/* What stands between the quote and the dot belongs to the name. */
	from = at;
	at = sv_find(name, '.', from);
	strbuf_addsv(part, sv_sub(name, from, at));
	return at + 1;
}

void sql_add_table(struct strbuf *sql, const struct sql_dialect *dialect,
		   struct sv name)
{
	struct strbuf part = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t from = 0;

	do {
		if (from)
			strbuf_addc(sql, '.');
		from = next_part(name, from, &part);
		sql_add_name(sql, dialect, strbuf_sv(&part));
	} while (from <= name.len);
	strbuf_release(&part);
}

void sql_add_marker(struct strbuf *sql, const struct sql_dialect *dialect,
		    size_t number)
{
	if (dialect->numbered)
		strbuf_addf(sql, "$%zu", number);
	else
		strbuf_addc(sql, '?');
}

void sql_add_statement(struct strbuf *sql, const char *statement, int number)
{
	const char *at;

	while ((at = strstr(statement, "%d"))) {
		strbuf_add(sql, statement, (size_t)(at - statement));
		strbuf_addf(sql, "%d", number);
		statement = at + 2;
	}
	strbuf_adds(sql, statement);
}
