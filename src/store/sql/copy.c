/*
 * copy.c - all rows of a store into an empty one
 *
 * Table by table in the order of their keys, some thousand rows at a time, so
 * that memory does not grow with the store and keys arrive sorted. One snapshot
 * is read; one transaction is written, so what breaks off leaves nothing.
 *
 * The lease stays out: whom a store belongs to is not copied, and its fencing
 * number is that of one database.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/copy.h"

#include "store/sql/sql_private.h"

#include <inttypes.h>
#include <string.h>

#define CHUNK "2000"
#define ROWS  2000

/* Where the next chunk begins: behind this key. */
struct place {
	int64_t a, b, c;
	struct sv text; /* in arena */
	struct arena arena;
	bool whole; /* a table without chunks was read */
};

struct table {
	struct store_table shape;
	int (*open)(struct store *from, const struct place *place,
		    struct statement **out, struct error *err);
	void (*note)(struct place *place, struct statement *row);
	int (*put)(struct store *to, struct statement *row, struct error *err);
	int (*count)(struct store *store, int64_t *out, struct error *err);
	bool chunks;
};

/* What the last row's key was, by the kind of the key. */

static void note_a(struct place *place, struct statement *row)
{
	place->a = sql_int(row, 0);
}

static void note_ab(struct place *place, struct statement *row)
{
	note_a(place, row);
	place->b = sql_int(row, 1);
}

static void note_abc(struct place *place, struct statement *row)
{
	note_ab(place, row);
	place->c = sql_int(row, 2);
}

static void note_ab_text(struct place *place, struct statement *row)
{
	note_ab(place, row);
	arena_reset(&place->arena);
	place->text = sql_bytes(row, 2, &place->arena);
}

static void note_all(struct place *place, struct statement *row)
{
	(void)row;
	place->whole = true;
}

/* Where in the table, which order, and what is bound: of each kind of key. */
#define BEHIND_A(k)  " WHERE " k " > ?1 ORDER BY " k " LIMIT " CHUNK
#define BEHIND_AB(k) " WHERE (" k ") > (?1, ?2) ORDER BY " k " LIMIT " CHUNK
#define BEHIND_ABC(k)                                                          \
	" WHERE (" k ") > (?1, ?2, ?3) ORDER BY " k " LIMIT " CHUNK
#define BEHIND_AB_TEXT(k) BEHIND_ABC(k)
#define BEHIND_ALL(k)     " ORDER BY " k

#define TYPES_A       "i"
#define TYPES_AB      "ii"
#define TYPES_ABC     "iii"
#define TYPES_AB_TEXT "iit"
#define TYPES_ALL     ""

#define BOUND_A(p)       , (p)->a
#define BOUND_AB(p)      , (p)->a, (p)->b
#define BOUND_ABC(p)     , (p)->a, (p)->b, (p)->c
#define BOUND_AB_TEXT(p) , (p)->a, (p)->b, (p)->text
#define BOUND_ALL(p)

#define NOTE_A       note_a
#define NOTE_AB      note_ab
#define NOTE_ABC     note_abc
#define NOTE_AB_TEXT note_ab_text
#define NOTE_ALL     note_all

/* A column of the row at hand: a number, or bytes (also of a text). */
#define I(n) sql_int(row, n)
#define B(n) sql_view(row, n)

#define MARKS_1  "?1"
#define MARKS_2  MARKS_1 ", ?2"
#define MARKS_3  MARKS_2 ", ?3"
#define MARKS_4  MARKS_3 ", ?4"
#define MARKS_5  MARKS_4 ", ?5"
#define MARKS_6  MARKS_5 ", ?6"
#define MARKS_7  MARKS_6 ", ?7"
#define MARKS_8  MARKS_7 ", ?8"
#define MARKS_9  MARKS_8 ", ?9"
#define MARKS_10 MARKS_9 ", ?10"
#define MARKS_11 MARKS_10 ", ?11"

/*
 * TABLE(name, kind of key, key, columns, their number, types, values...): the
 * columns begin with those of the key. The texts are literals, as statements
 * must be. A row is put as a driver knows to gather it: whole, by its key.
 */
#define TABLE(name, kind, key, columns, n, types, ...)                         \
	TABLE_OF(name, kind, key, columns, "", "INSERT OR REPLACE INTO ", n,   \
		 types, __VA_ARGS__)

#define TABLE_OF(name, kind, key, columns, which, put, n, types, ...)          \
	static int open_##name(struct store *from, const struct place *place,  \
			       struct statement **out, struct error *err)      \
	{                                                                      \
		(void)place;                                                   \
		return sql_first(from,                                         \
				 "SELECT " columns                             \
				 " FROM " #name which BEHIND_##kind(key),      \
				 out, err, TYPES_##kind BOUND_##kind(place));  \
	}                                                                      \
	static int put_##name(struct store *to, struct statement *row,         \
			      struct error *err)                               \
	{                                                                      \
		return sql_run(to, put #name " VALUES (" MARKS_##n ")", err,   \
			       types, __VA_ARGS__);                            \
	}                                                                      \
	static int count_##name(struct store *store, int64_t *out,             \
				struct error *err)                             \
	{                                                                      \
		return sql_number(store, "SELECT count(*) FROM " #name which,  \
				  out, err, "");                               \
	}                                                                      \
	static const struct table table_##name = {                             \
		{ #name, columns }, open_##name,  NOTE_##kind,                 \
		put_##name,         count_##name, NOTE_##kind != note_all,     \
	};

/* A database without a place of its own for it keeps the version there. */
#define NOT_VERSION " WHERE key <> 'version'"

/* clang-format off */
TABLE_OF(meta, ALL, "key", "key, value", NOT_VERSION, "INSERT OR REPLACE INTO ",
	 2, "tb", B(0), B(1))
TABLE(name, AB, "kind, number", "kind, number, name", 3, "iit",
      I(0), I(1), B(2))
TABLE(cs, A, "id", "id, type, flags, parent, rdn, anchor, image", 7, "iiiibbb",
      I(0), I(1), I(2), I(3), B(4), B(5), B(6))
TABLE(cs_anchor, ABC, "agent, h, id", "agent, h, id, high, low", 5, "iiiii",
      I(0), I(1), I(2), I(3), I(4))
TABLE(cs_key, AB, "h, id", "h, id", 2, "ii", I(0), I(1))
TABLE(cs_ref, AB, "target, source", "target, source, attribute", 3, "iii",
      I(0), I(1), I(2))
TABLE(member, ABC, "source, attribute, target",
      "source, attribute, target, flags", 4, "iiii", I(0), I(1), I(2), I(3))
TABLE(link, A, "cs",
      "cs, mv, rule_set, state, how, wanted, time, last_mv, leaving", 9,
      "iiiiiiiii", I(0), I(1), I(2), I(3), I(4), I(5), I(6), I(7), I(8))
TABLE(pending_import, A, "cs",
      "cs, op, renamed, old_dn, synced, confirmed, indexed, sets", 8,
      "iiibbbii", I(0), I(1), I(2), B(3), B(4), B(5), I(6), I(7))
TABLE(pending_export, A, "cs", "cs, op, in_progress, parent, rdn, attrs", 6,
      "iiiibb", I(0), I(1), I(2), I(3), B(4), B(5))
TABLE(awaiting, A, "cs", "cs, op, in_progress, parent, rdn, attrs", 6,
      "iiiibb", I(0), I(1), I(2), I(3), B(4), B(5))
TABLE(merged, A, "cs", "cs, image", 2, "ib", I(0), B(1))
TABLE(cs_error, AB, "cs, kind",
      "cs, kind, code, message, first, last, count", 7, "iittiii",
      I(0), I(1), B(2), B(3), I(4), I(5), I(6))
TABLE(queue, A, "cs", "cs", 1, "i", I(0))
TABLE(retry, A, "cs", "cs, kind, failures, next, since, what", 6, "iiiiii",
      I(0), I(1), I(2), I(3), I(4), I(5))
TABLE(delivery, A, "id", "id, agent, rule_set, what", 4, "iiib",
      I(0), I(1), I(2), B(3))
TABLE(due, AB, "kind, id", "kind, id, time, since, why", 5, "iiiit",
      I(0), I(1), I(2), I(3), B(4))
TABLE(hold, A, "cs",
      "cs, kind, mv, rule_set, run, since, wanted, who, name, attrs", 10,
      "iiiiiiitbb", I(0), I(1), I(2), I(3), I(4), I(5), I(6), B(7), B(8), B(9))
TABLE(rules_used, ALL, "part", "part, text", 2, "tt", B(0), B(1))
TABLE(mv, A, "id",
      "id, guid, type, projected, image, lineage, run, created", 8,
      "ibiibbii", I(0), B(1), I(2), I(3), B(4), B(5), I(6), I(7))
TABLE(mv_key, AB, "h, id", "h, id", 2, "ii", I(0), I(1))
TABLE(mv_ref, AB, "target, source", "target, source, attribute", 3, "iii",
      I(0), I(1), I(2))
TABLE(mv_wait, AB, "h, id", "h, id", 2, "ii", I(0), I(1))
TABLE(mv_queue, A, "mv", "mv", 1, "i", I(0))
TABLE(run, A, "id",
      "id, agent, profile, \"user\", host, process, started, ended, result,"
      " message, rules", 11, "ittttiiittb",
      I(0), B(1), B(2), B(3), B(4), I(5), I(6), I(7), B(8), B(9), B(10))
TABLE(step, A, "id",
      "id, run, number, kind, started, ended, result, message", 8, "iiitiitt",
      I(0), I(1), I(2), B(3), I(4), I(5), B(6), B(7))
TABLE(counter, AB_TEXT, "step, target, name",
      "step, target, name, value, ids", 5, "iitib",
      I(0), I(1), B(2), I(3), B(4))
TABLE(discovery_error, A, "id", "id, step, code, message, place, anchor", 6,
      "iitttb", I(0), I(1), B(2), B(3), B(4), B(5))
TABLE_OF(allowed, ALL, "run, time", "run, token, \"user\", time", "",
	 "INSERT INTO ", 4, "itti", I(0), B(1), B(2), I(3))
TABLE(past, A, "id", "id, object, kind, type, time, answer, what", 7,
      "iiiiitb", I(0), I(1), I(2), I(3), I(4), B(5), B(6))
TABLE_OF(audit, A, "id", "id, time, \"user\", host, command, result, hash",
	 "", "INSERT INTO ", 7, "iittttb",
	 I(0), I(1), B(2), B(3), B(4), B(5), B(6))
/* clang-format on */

static const struct table *const TABLES[] = {
	&table_meta,
	&table_name,
	&table_cs,
	&table_cs_anchor,
	&table_cs_key,
	&table_cs_ref,
	&table_member,
	&table_link,
	&table_pending_import,
	&table_pending_export,
	&table_awaiting,
	&table_merged,
	&table_cs_error,
	&table_queue,
	&table_retry,
	&table_delivery,
	&table_due,
	&table_hold,
	&table_rules_used,
	&table_mv,
	&table_mv_key,
	&table_mv_ref,
	&table_mv_wait,
	&table_mv_queue,
	&table_run,
	&table_step,
	&table_counter,
	&table_discovery_error,
	&table_allowed,
	&table_past,
	&table_audit,
};

#define TABLE_COUNT (sizeof(TABLES) / sizeof(TABLES[0]))

const struct store_table *store_table(size_t i)
{
	return i < TABLE_COUNT ? &TABLES[i]->shape : NULL;
}

/* The number of rows in this chunk, or -1. */
static int copy_chunk(const struct table *table, struct store *from,
		      struct store *to, struct place *place, struct error *err)
{
	struct statement *row;
	int count = 0;
	int ret;

	for (ret = table->open(from, place, &row, err); ret > 0;
	     ret = sql_next(row, err)) {
		if (table->put(to, row, err) < 0) {
			sql_reset(row);
			return -1;
		}
		table->note(place, row);
		count++;
	}
	return ret < 0 ? -1 : count;
}

static int verify(const struct table *table, struct store *from,
		  struct store *to, int64_t copied, struct error *err)
{
	int64_t here;
	int64_t there;

	if (table->count(from, &here, err) < 0 ||
	    table->count(to, &there, err) < 0)
		return -1;
	if (here == there && here == copied)
		return 0;
	return error_set(err, ERR_INTERNAL,
			 "the copy of table '%s' has %" PRId64
			 " rows instead of %" PRId64 "; nothing was copied",
			 table->shape.name, there, here);
}

static int copy_table(const struct table *table, struct store *from,
		      struct store *to, struct store_copied *out,
		      struct error *err)
{
	struct place place = { INT64_MIN,  INT64_MIN,  INT64_MIN,
			       SV_LIT(""), ARENA_INIT, false };
	int64_t rows = 0;
	int count;

	do {
		count = copy_chunk(table, from, to, &place, err);
		rows += count;
	} while (count == ROWS && table->chunks);
	arena_release(&place.arena);
	if (count < 0 || verify(table, from, to, rows, err) < 0)
		return error_context(err, "cannot copy the table '%s'",
				     table->shape.name);
	out->rows += rows;
	out->tables++;
	return 0;
}

static int check_empty(struct store *store, struct error *err)
{
	int64_t used;

	if (sql_number(store,
		       "SELECT (SELECT count(*) FROM run) +"
		       " (SELECT count(*) FROM cs) +"
		       " (SELECT count(*) FROM mv) +"
		       " (SELECT count(*) FROM name)",
		       &used, err, "") < 0)
		return -1;
	if (!used)
		return 0;
	return error_set(err, ERR_INVALID,
			 "the store '%s' is not empty; name another place, or "
			 "make it empty: a file is renamed, a database made "
			 "anew",
			 store->db->name);
}

static int copy_all(struct store *from, struct store *to,
		    struct store_copied *out, struct error *err)
{
	size_t i;

	/* the secret of the new one goes: hashes belong to that of the old */
	if (sql_run(to, "DELETE FROM meta" NOT_VERSION, err, "") < 0)
		return -1;
	for (i = 0; i < TABLE_COUNT; i++)
		if (copy_table(TABLES[i], from, to, out, err) < 0)
			return -1;
	return to->db->driver->renumber ? to->db->driver->renumber(to->db, err)
					: 0;
}

int store_copy(struct store *from, struct store *to, struct store_copied *out,
	       struct error *err)
{
	struct store_tx *tx;
	int ret;

	memset(out, 0, sizeof(*out));
	if (check_empty(to, err) < 0 || store_read_begin(from, err) < 0)
		return -1;
	ret = store_begin(to, STORE_DURABLE, &tx, err);
	if (ret == 0) {
		ret = copy_all(from, to, out, err);
		if (ret == 0)
			ret = store_commit(tx, err);
		else
			store_rollback(tx);
	}
	store_read_end(from);
	return ret;
}
