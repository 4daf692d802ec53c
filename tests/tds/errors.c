/*
 * errors.c - SQLite's errors as SQL Server's
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include <stdlib.h>

static struct sv behind(struct sv text, const char *word)
{
	struct sv part = sv_from(word);

	for (size_t i = 0; i + part.len <= text.len; i++) {
		if (sv_starts(sv_sub(text, i, text.len), part))
			return sv_sub(text, i + part.len, text.len);
	}
	return SV_NULL;
}

static const char *verb_of(const struct statement *st)
{
	switch (st->kind) {
	case 'u':
		return "UPDATE";
	case 'd':
		return "DELETE";
	default:
		return "INSERT";
	}
}

/* "tds:2628:people.name" */
static int of_check(struct client *client, const struct statement *st,
		    struct sv name)
{
	struct sv given = sv_sub(name, 4, name.len);
	struct sv column = sv_sub(given, sv_find(given, ':', 0) + 1, given.len);
	int64_t number = 0;

	(void)sv_to_i64(sv_sub(given, 0, sv_find(given, ':', 0)), &number);
	if (number == 2628 && client->server->options.major < 15)
		reply_error(client, 8152, 16,
			    "String or binary data would be truncated.");
	else if (number == 2628)
		reply_error(client, 2628, 16,
			    "String or binary data would be truncated in "
			    "table and column '%.*s'. Truncated value: ''.",
			    SV_ARG(column));
	else if (number == 220)
		reply_error(client, 220, 16,
			    "Arithmetic overflow error for the data type of "
			    "'%.*s'.",
			    SV_ARG(column));
	else
		reply_error(client, (int)number, 16,
			    "Conversion failed when converting a value to the "
			    "data type of '%.*s'.",
			    SV_ARG(column));
	(void)st;
	return -1;
}

/* Whether the columns ("t.a, t.b") are those of an index, not a constraint. */
static bool is_index(struct client *client, struct sv columns)
{
	struct sv table = sv_sub(columns, 0, sv_find(columns, '.', 0));
	sqlite3_stmt *stmt = NULL;
	bool found = false;

	if (sqlite3_prepare_v2(
		    client->db,
		    "SELECT 1 FROM pragma_index_list(?1) AS i"
		    " WHERE i.origin = 'c' AND i.[unique] AND"
		    " (SELECT group_concat(?1 || '.' || name, ', ')"
		    "  FROM pragma_index_info(i.name)) = ?2 COLLATE NOCASE",
		    -1, &stmt, NULL) == SQLITE_OK) {
		(void)sqlite3_bind_text(stmt, 1, table.ptr, (int)table.len,
					SQLITE_STATIC);
		(void)sqlite3_bind_text(stmt, 2, columns.ptr, (int)columns.len,
					SQLITE_STATIC);
		found = sqlite3_step(stmt) == SQLITE_ROW;
	}
	(void)sqlite3_finalize(stmt);
	return found;
}

static int of_constraint(struct client *client, const struct statement *st,
			 struct sv text)
{
	struct sv what = behind(text, "UNIQUE constraint failed: ");

	if (what.ptr && is_index(client, what))
		reply_error(client, 2601, 14,
			    "Cannot insert duplicate key row in object with "
			    "unique index: %.*s.",
			    SV_ARG(what));
	else if (what.ptr)
		reply_error(client, 2627, 14,
			    "Violation of PRIMARY KEY or UNIQUE KEY "
			    "constraint. Cannot insert duplicate key: %.*s.",
			    SV_ARG(what));
	else if ((what = behind(text, "NOT NULL constraint failed: ")).ptr)
		reply_error(client, 515, 16,
			    "Cannot insert the value NULL into column "
			    "'%.*s'; column does not allow nulls. %s fails.",
			    SV_ARG(what), verb_of(st));
	else if ((what = behind(text, "CHECK constraint failed: ")).ptr &&
		 sv_starts(what, SV_LIT("tds:")))
		return of_check(client, st, what);
	else if (what.ptr)
		reply_error(client, 547, 16,
			    "The %s statement conflicted with the CHECK "
			    "constraint \"%.*s\".",
			    verb_of(st), SV_ARG(what));
	else
		reply_error(client, 547, 16,
			    "The %s statement conflicted with the %s "
			    "constraint.",
			    verb_of(st),
			    st->kind == 'd' ? "REFERENCE" : "FOREIGN KEY");
	return -1;
}

/* What a function of ours said: "tds:245:text". */
static bool of_function(struct client *client, struct sv text)
{
	int64_t number = 0;
	size_t colon;

	if (!sv_starts(text, SV_LIT("tds:")))
		return false;
	text = sv_sub(text, 4, text.len);
	colon = sv_find(text, ':', 0);
	(void)sv_to_i64(sv_sub(text, 0, colon), &number);
	reply_error(client, (int)number, 16, "%.*s",
		    SV_ARG(sv_sub(text, colon + 1, text.len)));
	return true;
}

static void of_text(struct client *client, struct sv text)
{
	struct sv what;

	if (of_function(client, text))
		return;
	if ((what = behind(text, "no such table: ")).ptr)
		reply_error(client, 208, 16, "Invalid object name '%.*s'.",
			    SV_ARG(what));
	else if ((what = behind(text, "no such column: ")).ptr ||
		 (what = behind(text, "has no column named ")).ptr)
		reply_error(client, 207, 16, "Invalid column name '%.*s'.",
			    SV_ARG(what));
	else if ((what = behind(text, "no such function: ")).ptr)
		reply_error(client, 195, 15,
			    "'%.*s' is not a recognized built-in function "
			    "name.",
			    SV_ARG(what));
	else if (behind(text, " already exists").ptr)
		reply_error(client, 2714, 16,
			    "There is already an object with this name: %.*s",
			    SV_ARG(text));
	else
		reply_error(client, 102, 15, "Incorrect syntax: %.*s.",
			    SV_ARG(text));
}

int run_error(struct client *client, struct statement *st, int code)
{
	const char *text = sqlite3_errmsg(client->db);

	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		return of_constraint(client, st, sv_from(text));
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		if (code == SQLITE_BUSY_SNAPSHOT) {
			reply_error(client, 3960, 16,
				    "Snapshot isolation transaction aborted "
				    "due to update conflict.");
			transaction_rollback(client);
		} else {
			reply_error(client, 1222, 16,
				    "Lock request time out period exceeded.");
		}
		return -1;
	case SQLITE_AUTH:
		reply_error(client, 229, 14,
			    "The permission was denied on the object, "
			    "database '%s', schema 'dbo'.",
			    client->server->options.name);
		return -1;
	case SQLITE_TOOBIG:
		reply_error(client, 8152, 16,
			    "String or binary data would be truncated.");
		return -1;
	default:
		of_text(client, sv_from(text));
		return -1;
	}
}
