/*
 * after.c - what is told to the database when the changes are safe
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/logical.h"

#include <string.h>

#define LASTS 8 /* places of :last in a statement */

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

/* Where the quoted text that begins at `at` ends. */
static size_t skip_quoted(struct sv text, size_t at)
{
	size_t end = sv_find(text, text.ptr[at], at + 1);

	return end < text.len ? end + 1 : end;
}

/* The statement with a marker for each :last, but for those in quotes. */
static size_t place_markers(struct sv text, const struct sql_dialect *dialect,
			    struct strbuf *out)
{
	static const char word[] = ":last";
	const size_t len = sizeof(word) - 1;
	size_t count = 0;
	size_t at = 0;

	while (at < text.len) {
		char c = text.ptr[at];
		struct sv rest = sv_sub(text, at, text.len);

		if (c == '\'' || c == '"') {
			size_t end = skip_quoted(text, at);

			strbuf_addsv(out, sv_sub(text, at, end));
			at = end;
		} else if (count < LASTS && sv_starts(rest, sv_from(word)) &&
			   (rest.len == len || !is_word(rest.ptr[len])) &&
			   !(at && text.ptr[at - 1] == ':')) {
			sql_add_marker(out, dialect, ++count);
			at += len;
		} else {
			strbuf_addc(out, c);
			at++;
		}
	}
	return count;
}

static int run(struct connector_session *session, struct sql_run *statement,
	       struct arena *arena, struct error *err)
{
	const struct sql_driver *driver = session->driver;
	struct sql_failure failure = { .kind = SQL_FAILURE_NONE };
	struct error ignored = ERROR_INIT;
	size_t failed;
	int ret;

	if (driver->begin(session->link, false, err) < 0)
		return -1;
	ret = driver->execute(session->link, statement, 1, arena, &failed,
			      &failure, err);
	if (ret > 0)
		return driver->commit(session->link, err);
	if (ret == 0) {
		(void)driver->rollback(session->link, &ignored);
		(void)error_set(err, ERR_INVALID, "%s", failure.text);
	}
	return error_context(err, "the statement 'after' failed");
}

static int tell(struct connector_session *session, struct sv text,
		struct sv last, const struct sql_column *column,
		struct error *err)
{
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sql_param params[LASTS];
	struct arena arena = ARENA_INIT;
	struct sql_run statement = {
		.params = params,
		.param_count =
			place_markers(text, session->link->dialect, &sql),
	};
	size_t i;
	int ret;

	for (i = 0; i < statement.param_count; i++)
		params[i] = (struct sql_param){ last, column };
	statement.sql = strbuf_cstr(&sql);
	ret = run(session, &statement, &arena, err);
	arena_release(&arena);
	strbuf_release(&sql);
	return ret;
}

int sql_import_kept(struct connector_session *session, struct error *err)
{
	struct sql_import *im = session->import;
	const struct sql_column *column;
	struct sv after;
	struct sv last;
	size_t i;

	if (im && sql_logical_kept(session, err) < 0)
		return -1;
	for (i = 0; im && i < im->count; i++) {
		after = sql_delta_after(&im->inputs[i], &last, &column);
		if (after.len && tell(session, after, last, column, err) < 0)
			return -1;
	}
	return 0;
}
