/*
 * postgresql_private.h - what the files of the PostgreSQL driver share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_POSTGRESQL_PRIVATE_H
#define STORE_POSTGRESQL_PRIVATE_H

#include "base/arena.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "store/cs.h"
#include "store/sql/database.h"

#include <libpq-fe.h>
#include <pthread.h>

#define MAX_COLUMNS  12
#define MAX_KEYS     3
#define MAX_TABLES   64 /* they are bits of a number */
/* Bytes of a table's rows that are gathered at most. */
#define MAX_GATHERED ((size_t)8 << 20)

/*
 * Advisory locks of the server. Their second number is that of our `lease`, so
 * stores in one database do not meet. Who has the lease of an agent shares the
 * first one, so that nobody has it for the whole; those of agents are one
 * number of 64 bits, with the agent's in the lowest 16.
 */
#define PG_WRITE_LOCK "25458"
#define PG_LEASE_LOCK "25459"
#define PG_AGENT_LOCK(lock, agent)                                             \
	"((" lock "::bigint << 48) |"                                          \
	" ('lease'::regclass::oid::bigint << 16) | " agent ")"

/* The numbers of the server's types. */
enum pg_type {
	PG_BOOL = 16,
	PG_BYTEA = 17,
	PG_INT8 = 20,
	PG_INT4 = 23,
	PG_TEXT = 25,
	PG_BYTEA_ARRAY = 1001,
	PG_TEXT_ARRAY = 1009,
	PG_INT8_ARRAY = 1016,
};

/* ---- catalogue.c: the tables, as the schema's text has them ---- */

struct pg_column {
	struct sv name;
	enum pg_type type;
};

struct pg_table {
	struct sv name;
	struct pg_column columns[MAX_COLUMNS];
	int count;
	int keys;      /* the first ones are the primary key; 0: none */
	bool numbered; /* the key is given by the database */
	bool has_text_key;
};

struct pg_catalogue {
	VEC(struct pg_table) tables;
};

void catalogue_read(struct pg_catalogue *catalogue, const char *const *steps);
void catalogue_release(struct pg_catalogue *catalogue);
/* Its place, or -1. */
int catalogue_find(const struct pg_catalogue *catalogue, struct sv name);

/* ---- translate.c: the words of a statement ---- */

enum pg_kind {
	PG_PLAIN,  /* is sent when it is run */
	PG_PUT,    /* of a whole row, the last one of a key stays: gathered */
	PG_DELETE, /* by the whole key: gathered */
	PG_DELETE_RANGE, /* of a key: the same when it is short */
	PG_CHANGE,       /* a row becomes one of a table: read, then gathered */
};

/* A column of a row, whether it is not NULL, the second parameter, or 0. */
enum pg_item_kind { PG_COLUMN, PG_IS_THERE, PG_SECOND, PG_ZERO };

struct pg_item {
	enum pg_item_kind kind;
	int column;
};

/* "SELECT items FROM table WHERE column = ?1 ...": what cache.c may answer. */
enum pg_read {
	PG_READ_OTHER,
	PG_READ_ROW,  /* the one of the whole key */
	PG_READ_ROWS, /* of an indexed column */
	PG_READ_KEYS, /* of a table of hashes */
};

struct pg_words {
	enum pg_kind kind;
	enum pg_read read;
	int column; /* that is asked by */
	struct pg_item items[MAX_COLUMNS];
	int table;       /* of PUT, DELETE and what may be answered */
	int target;      /* of CHANGE: where the row goes */
	uint64_t tables; /* all that it names, as bits */
	bool streams;    /* may give very many rows */
};

/* `out`: the text that the server understands. */
void translate(const struct pg_catalogue *catalogue, const char *text,
	       struct strbuf *out, struct pg_words *words_out);
/* " ON CONFLICT ..." that lets the new row win. */
void translate_upsert(const struct pg_table *table, struct strbuf *out);

/* ---- gather.c: rows that are still to be written ---- */

struct pg_row {
	int64_t key[MAX_KEYS]; /* of a text its hash */
	size_t at;             /* of its fields in `bytes` */
	uint32_t len;
	uint32_t next; /* in the chain of equal hashes; 0: none */
	bool gone;     /* delete the row of this key */
};

/* What is to become of a table. */
struct gathered {
	VEC(struct pg_row) rows;
	struct strbuf bytes; /* fields as the server reads them */
	uint32_t *heads;     /* hash -> row + 1 */
	size_t size;         /* of heads: a power of two, or 0 */
};

/* Begins a row, adds its fields in order, ends it. */
struct gather {
	struct gathered *to;
	const struct pg_table *table;
	struct pg_row row;
	int column;
};

void gather_begin(struct gather *gather, struct gathered *to,
		  const struct pg_table *table, bool gone);
void gather_int(struct gather *gather, int64_t value);
void gather_bytes(struct gather *gather, struct sv value);
/* As the server writes it. */
void gather_field(struct gather *gather, struct sv field);
void gather_end(struct gather *gather);
/* Deletions first, then in the order of the keys. */
void gather_sort(struct gathered *from);
/* The row of a key that is one number, or NULL. */
const struct pg_row *gather_find(struct gathered *in,
				 const struct pg_table *table, int64_t key);
void gather_clear(struct gathered *gathered);
void gather_release(struct gathered *gathered);

/* ---- cache.c: rows that need not be asked for ---- */

/* Blocks of a table's rows, by the numbers of a column. */
struct pg_cache {
	int table;
	int column;
	bool prepared;
	struct idmap blocks; /* -> struct pg_block */
	struct idmap asked;  /* blocks that were asked for once */
	uint64_t next;       /* the block behind what was read last */
	int run;             /* blocks that were read with it */
};

struct pg_pair {
	int64_t h;
	int64_t id;
	bool used;
	bool gone;
};

/* All of a table of hashes; no pairs: not read. */
struct pg_keys {
	struct pg_pair *pairs;
	size_t size; /* a power of two */
	size_t len;
	int64_t asked;  /* how often the server was */
	int64_t enough; /* that reading it pays */
};

/* An answer: rows of a block, one that is gathered, or ids. */
struct pg_served {
	bool is;
	struct pg_block *block;
	const PGresult *rows;          /* of the block */
	struct sv fields[MAX_COLUMNS]; /* of the gathered one, SV_NULL: NULL */
	VEC(int64_t) ids;
	int row;
	int end;
};

struct pg_database;

void served_release(struct pg_served *served);
int cache_of(struct pg_database *db, int table, int column);
/* 1 served, 0 the server is to be asked, -1. */
int cache_read(struct pg_database *db, struct pg_cache *cache, int64_t key,
	       struct pg_served *out, struct error *err);
int keys_read(struct pg_database *db, int table, int64_t h,
	      struct pg_served *out, struct error *err);
/* What is gathered for the table is about to be written. */
void cache_written(struct pg_database *db, int table);
void keys_written(struct pg_keys *keys, int64_t h, int64_t id, bool gone);
void keys_forget(struct pg_keys *keys);
/* What was read of these tables, or of all, is not true any more. */
void pg_forget_tables(struct pg_database *db, uint64_t tables);
void pg_forget_read(struct pg_database *db);

/* ---- the connection ---- */

struct pg_statement;

/* The lease, while we hold it: see lease.c. */
struct pg_keeper {
	bool running;
	bool stop; /* under the lock */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	PGconn *conn; /* its own */
	int64_t fencing;
};

struct pg_database {
	struct database base;
	PGconn *conn;
	struct pg_catalogue catalogue;
	VEC(struct pg_statement *) statements;
	struct pg_statement *streaming; /* whose rows are still to come */
	struct gathered *gathered;      /* [table] */
	uint64_t waiting;               /* tables that have gathered rows */
	int shared; /* the table in which holders of agents may meet */
	bool leased;
	uint32_t scope;       /* the agent whose lease it is, 0: of all */
	bool snapshot;        /* what is read does not change */
	struct pg_keys *keys; /* [table] */
	VEC(struct pg_cache) caches;
	size_t cached; /* bytes of blocks */
	struct pg_keeper keeper;
	struct strbuf columns[MAX_COLUMNS]; /* arrays that are sent */
};

static inline struct pg_database *pg_of(struct database *db)
{
	return (struct pg_database *)db;
}

/* Nobody else writes rows of this key, which begins with the agent's number (0:
 * of the metaverse). */
static inline bool pg_is_ours(const struct pg_database *db, int64_t key)
{
	uint32_t agent = CS_AGENT(key);

	return db->snapshot ||
	       (db->leased && (!db->scope || !agent || agent == db->scope));
}

/* connect.c */
PGconn *pg_connect(const char *address, const char *name, struct error *err);
int pg_open(const char *where, enum store_open_flags flags,
	    struct database **out, struct error *err);
void pg_close(struct database *base);

/* error.c: -1, with what the server says. */
int pg_fail(struct pg_database *db, const PGresult *result, const char *doing,
	    struct error *err);
int pg_fail_open(const PGconn *conn, const char *name, struct error *err);

/* statement.c */
struct statement *pg_prepare(struct database *base, const char *text,
			     const char *types, struct error *err);
int pg_start(struct statement *base, const char *types, va_list args,
	     struct error *err);
int pg_next(struct statement *base, struct error *err);
void pg_reset(struct statement *base);
int64_t pg_integer(struct statement *base, int column);
struct sv pg_bytes(struct statement *base, int column);
const char *pg_text(struct statement *base, int column);
void pg_free_statement(struct pg_statement *stmt);
/* Makes the connection free: rows that are still to come are read. */
void pg_settle_stream(struct pg_database *db);
/* A simple query; NULL: err is set. */
PGresult *pg_query(struct pg_database *db, const char *text, const char *doing,
		   struct error *err);
/* A query with two numbers, that is prepared once; with none, for all rows. */
PGresult *pg_ask(struct pg_database *db, bool *prepared, const char *text,
		 int64_t a, int64_t b, struct error *err);
PGresult *pg_ask_all(struct pg_database *db, const char *text,
		     struct error *err);
/* A field of a binary result; NULL is 0. */
int64_t pg_number(const PGresult *result, int row, int column);

/* flush.c: writes what was gathered for these tables, then runs `last` (or
 * NULL), all in one message. */
int pg_flush(struct pg_database *db, uint64_t tables, const char *last,
	     struct error *err);
void pg_forget(struct pg_database *db);

/* lease.c */
int pg_lease(struct database *base, uint32_t agent, struct error *err);
int pg_leased(struct database *base, uint32_t *agents_out, int max,
	      struct error *err);
int pg_take_over(struct database *base, uint32_t agent, struct error *err);
int pg_keep_lease(struct database *base, int64_t fencing, struct error *err);
void pg_end_lease(struct pg_database *db);
/* Another process has the lease that was ours. */
bool pg_overtaken(struct pg_database *db);

/* whole.c */
int pg_size(struct database *base, int64_t *out, struct error *err);
int pg_renumber(struct database *base, struct error *err);

extern const char *const postgresql_schema_steps[];

#endif
