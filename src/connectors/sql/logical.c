/*
 * logical.c - what a replication slot of PostgreSQL tells of changes
 *
 * A slot keeps what was committed since it was moved on last; it is looked at
 * (pgoutput, its protocol's version 1) and moved on when all is in the store.
 * Of each change only the key is taken: objects are read anew. What was
 * committed and is not yet seen by the transaction that reads them is left for
 * the next time, and all behind it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/logical.h"

#include "base/map.h"
#include "base/vec.h"
#include "connectors/sql/delta.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MOST 4 /* columns of an anchor: a parameter for each */

/* A table as the slot describes it. */
struct relation {
	uint32_t id;
	struct sv schema;
	struct sv name;
	struct sv *columns;
	size_t column_count;
};

/* A table whose rows belong to the objects of an input. */
struct use {
	struct sql_input *input;
	const struct sql_table *table;
	const struct sql_column **keys;
};

struct key {
	const struct sql_input *input;
	size_t transaction; /* that told of it first */
	struct sv *parts;
};

struct transaction {
	uint32_t xid;
	char end[24]; /* where it ends, as a pg_lsn */
};

struct sql_logical {
	struct arena arena;
	VEC(struct relation) relations;
	VEC(struct use) uses;
	VEC(struct key) keys;
	VEC(struct transaction) transactions;
	struct hashmap seen;
	size_t visible; /* transactions that are */
	bool counted;   /* `visible` is known */
	/* keys are, and not only where the slot may go */
	bool keys_wanted;
	const char *slot;
};

void sql_logical_free(struct sql_logical *logical)
{
	if (!logical)
		return;
	vec_release(&logical->relations);
	vec_release(&logical->uses);
	vec_release(&logical->keys);
	vec_release(&logical->transactions);
	hashmap_release(&logical->seen);
	arena_release(&logical->arena);
	mem_free(logical);
}

/* --- names ------------------------------------------------------------- */

const char *sql_logical_slot(const struct connector_session *session,
			     const struct sql_source *source,
			     struct arena *arena)
{
	struct sv set = setting_text(source->delta, sql_delta_settings, "slot");
	char *name;
	size_t i;

	if (set.len)
		return arena_cstr(arena, set);
	name = arena_printf(arena, "conjoin_%s", session->config->agent);
	for (i = 0; name[i]; i++)
		name[i] = isalnum((unsigned char)name[i])
				  ? (char)tolower((unsigned char)name[i])
				  : '_';
	return name;
}

const char *sql_logical_publication(const struct connector_session *session,
				    const struct sql_source *source,
				    struct arena *arena)
{
	struct sv set =
		setting_text(source->delta, sql_delta_settings, "publication");

	return set.len ? arena_cstr(arena, set)
		       : sql_logical_slot(session, source, arena);
}

/* --- the messages ------------------------------------------------------ */

struct message {
	const unsigned char *at;
	size_t left;
	bool broken; /* it ended too early */
};

static uint64_t take_number(struct message *m, size_t size)
{
	uint64_t n = 0;

	if (m->left < size) {
		m->broken = true;
		return 0;
	}
	m->left -= size;
	while (size--)
		n = n << 8 | *m->at++;
	return n;
}

static struct sv take_bytes(struct message *m, size_t len)
{
	struct sv out = sv_make((const char *)m->at, len);

	if (m->left < len) {
		m->broken = true;
		return SV_NULL;
	}
	m->at += len;
	m->left -= len;
	return out;
}

static struct sv take_text(struct message *m)
{
	const unsigned char *end = m->left ? memchr(m->at, '\0', m->left)
					   : NULL;
	struct sv out;

	if (!end) {
		m->broken = true;
		return SV_NULL;
	}
	out = take_bytes(m, (size_t)(end - m->at));
	(void)take_number(m, 1);
	return out;
}

static void read_relation(struct sql_logical *logical, struct message *m)
{
	struct relation relation = { .id = (uint32_t)take_number(m, 4) };
	struct relation *old;
	size_t i;

	relation.schema = arena_dup(&logical->arena, take_text(m));
	relation.name = arena_dup(&logical->arena, take_text(m));
	(void)take_number(m, 1); /* its replica identity */
	relation.column_count = take_number(m, 2);
	relation.columns = arena_array(&logical->arena, relation.column_count,
				       sizeof(*relation.columns));
	for (i = 0; i < relation.column_count; i++) {
		(void)take_number(m, 1); /* flags */
		relation.columns[i] = arena_dup(&logical->arena, take_text(m));
		(void)take_number(m, 8); /* type, and what belongs to it */
	}
	if (!relation.schema.len)
		relation.schema = SV_LIT("pg_catalog");
	vec_foreach(&logical->relations, old) {
		if (old->id == relation.id) {
			*old = relation;
			return;
		}
	}
	vec_push(&logical->relations, relation);
}

/* The values of a row; those that are not told have no pointer. */
static struct sv *read_tuple(struct sql_logical *logical,
			     const struct relation *relation, struct message *m)
{
	struct sv *out = arena_array(&logical->arena,
				     relation->column_count + 1, sizeof(*out));
	size_t count = take_number(m, 2);
	size_t i;

	for (i = 0; i < count && !m->broken; i++) {
		bool told = take_number(m, 1) == 't';
		struct sv text = told ? take_bytes(m, take_number(m, 4))
				      : SV_NULL;

		if (i < relation->column_count)
			out[i] = text;
	}
	return out;
}

/* 1: all parts are there, copied; 0 */
static int key_of(struct sql_logical *logical, const struct relation *relation,
		  const struct use *use, const struct sv *tuple,
		  struct sv **out)
{
	size_t count = use->input->source->anchor_count;
	size_t i;
	size_t c;

	*out = arena_array(&logical->arena, count, sizeof(**out));
	for (i = 0; i < count; i++) {
		for (c = 0; c < relation->column_count; c++)
			if (sv_eq_str(relation->columns[c], use->keys[i]->name))
				(*out)[i] = tuple[c];
		if (!(*out)[i].ptr)
			return 0;
		(*out)[i] = arena_dup(&logical->arena, (*out)[i]);
	}
	return 1;
}

static void note_key(struct sql_logical *logical, const struct use *use,
		     struct sv *parts)
{
	struct key key = { use->input, logical->transactions.len, parts };
	struct strbuf name = STRBUF_INIT(STRBUF_NO_LIMIT);
	uint64_t *seen;
	size_t i;

	strbuf_addf(&name, "%p", (const void *)use->input);
	for (i = 0; i < use->input->source->anchor_count; i++)
		strbuf_addf(&name, " %zu:" SV_FMT, parts[i].len,
			    SV_ARG(parts[i]));
	seen = hashmap_at(&logical->seen, strbuf_sv(&name));
	strbuf_release(&name);
	if (*seen)
		return;
	*seen = 1;
	vec_push(&logical->keys, key);
}

static bool is_of(const struct use *use, const struct relation *relation)
{
	return sv_eq_str(relation->name, use->table->name) &&
	       (!use->table->schema ||
		sv_eq_str(relation->schema, use->table->schema));
}

static int no_key(const struct relation *relation, struct error *err)
{
	return error_set(err, ERR_INVALID,
			 "the slot does not tell the key of rows of '" SV_FMT
			 "': it must be the table's primary key, or write "
			 "ALTER TABLE ... REPLICA IDENTITY FULL",
			 SV_ARG(relation->name));
}

static const struct relation *find_relation(const struct sql_logical *logical,
					    uint64_t id)
{
	const struct relation *relation;

	vec_foreach(&logical->relations, relation)
		if (relation->id == id)
			return relation;
	return NULL;
}

/* A row before and after: 'K' or 'O' stands before the old one, 'N' before the
 * new one. */
static int read_change(struct sql_logical *logical, struct message *m,
		       struct error *err)
{
	const struct relation *relation =
		find_relation(logical, take_number(m, 4));
	const struct use *use;
	struct sv *parts;

	while (relation && m->left && !m->broken) {
		struct sv *tuple;

		(void)take_number(m, 1);
		tuple = read_tuple(logical, relation, m);
		vec_foreach(&logical->uses, use) {
			if (!is_of(use, relation))
				continue;
			if (!key_of(logical, relation, use, tuple, &parts))
				return no_key(relation, err);
			note_key(logical, use, parts);
		}
	}
	return 0;
}

static int read_truncation(const struct sql_logical *logical, struct message *m,
			   struct error *err)
{
	uint64_t count = take_number(m, 4);
	const struct relation *relation;
	const struct use *use;

	(void)take_number(m, 1);
	while (count-- && !m->broken) {
		relation = find_relation(logical, take_number(m, 4));
		vec_foreach(&logical->uses, use)
			if (relation && is_of(use, relation))
				return error_set(err, ERR_CONFLICT,
						 "'%s' was emptied by "
						 "TRUNCATE: run a full import",
						 use->table->name);
	}
	return 0;
}

static void read_commit(struct sql_logical *logical, struct message *m,
			uint32_t xid)
{
	struct transaction done = { .xid = xid };
	uint64_t end;

	(void)take_number(m, 1); /* flags */
	(void)take_number(m, 8); /* where the commit is */
	end = take_number(m, 8);
	(void)snprintf(done.end, sizeof(done.end), "%X/%X",
		       (unsigned)(end >> 32), (unsigned)(end & 0xffffffff));
	vec_push(&logical->transactions, done);
}

static int read_message(struct sql_logical *logical, struct sv data,
			uint32_t xid, struct error *err)
{
	struct message m = { (const unsigned char *)data.ptr, data.len, false };
	int ret = 0;

	int kind = (int)take_number(&m, 1);

	if (!logical->keys_wanted && kind != 'C')
		return 0;
	switch (kind) {
	case 'R':
		read_relation(logical, &m);
		break;
	case 'I':
	case 'U':
	case 'D':
		ret = read_change(logical, &m, err);
		break;
	case 'T':
		ret = read_truncation(logical, &m, err);
		break;
	case 'C':
		read_commit(logical, &m, xid);
		break;
	default: /* begin, type, origin: nothing that is needed */
		break;
	}
	if (ret == 0 && m.broken)
		return error_set(err, ERR_CORRUPT,
				 "a message of the slot '%s' ends too early",
				 logical->slot);
	return ret;
}

/* --- looking ----------------------------------------------------------- */

static void use_table(struct sql_logical *logical, struct sql_input *input,
		      const struct sql_table *table,
		      const struct sql_column **keys)
{
	struct use use = { input, table, keys };

	vec_push(&logical->uses, use);
}

static void use_tables(struct sql_logical *logical, struct sql_input *input)
{
	const struct sql_plan *plan = &input->objects;
	size_t i;

	use_table(logical, input, plan->table, plan->columns);
	for (i = 0; i < plan->child_count; i++)
		use_table(logical, input, plan->children[i].table,
			  plan->children[i].keys);
}

static int no_slot(const char *slot, struct error *err)
{
	return error_set(err, ERR_INVALID,
			 "there is no replication slot '%s' with pgoutput, or "
			 "no publication: `conjoin agent delta-setup` writes "
			 "what makes them; then run a full import",
			 slot);
}

static int read_slot(struct connector_session *session,
		     struct sql_logical *logical, const char *publication,
		     struct error *err)
{
	static const char sql[] =
		"SELECT CAST(xid AS text), data FROM "
		"pg_logical_slot_peek_binary_changes(CAST($1 AS name), NULL, "
		"NULL, 'proto_version', '1', 'publication_names', $2)";
	const struct sql_driver *driver = session->driver;
	const struct sql_param params[] = {
		{ .value = sv_from(logical->slot) },
		{ .value = sv_from(publication) },
	};
	struct sql_failure failure = { .kind = SQL_FAILURE_NONE };
	struct sql_rows *rows = NULL;
	const struct sv *cells;
	size_t broken;
	int64_t xid;
	int ret = driver->query(session->link, sql, params, 2, &rows, &failure,
				err);

	if (ret < 0 && failure.kind == SQL_FAILURE_MISSING)
		return no_slot(logical->slot, err);
	while (ret == 0 &&
	       (ret = driver->fetch(rows, &cells, &broken, err)) > 0)
		ret = sv_to_i64(cells[0], &xid)
			      ? read_message(logical, cells[1], (uint32_t)xid,
					     err)
			      : 0;
	driver->rows_close(rows);
	if (ret < 0)
		return error_context(err, "slot '%s'", logical->slot);
	return 0;
}

static bool is_logical(const struct sql_input *input)
{
	return input->delta && input->delta->way == SQL_WAY_LOGICAL;
}

int sql_logical_peek(struct connector_session *session, struct error *err)
{
	struct sql_import *im = session->import;
	struct sql_logical *logical;
	const struct sql_source *first = NULL;
	size_t i;

	for (i = 0; i < im->count; i++)
		if (!first && is_logical(&im->inputs[i]))
			first = im->inputs[i].source;
	if (!first)
		return 0;
	logical = mem_zalloc(sizeof(*logical));
	logical->keys_wanted = im->delta;
	im->logical = logical;
	hashmap_init(&logical->seen);
	logical->slot = sql_logical_slot(session, first, &logical->arena);
	for (i = 0; i < im->count; i++)
		if (is_logical(&im->inputs[i]))
			use_tables(logical, &im->inputs[i]);
	return read_slot(
		session, logical,
		sql_logical_publication(session, first, &logical->arena), err);
}

/* --- what is seen ------------------------------------------------------ */

/* xmin:xmax:those between that are at work. Slots tell 32 bits of a number. */
static bool is_visible(struct sv snapshot, uint32_t xid)
{
	size_t first = sv_find(snapshot, ':', 0);
	size_t second = sv_find(snapshot, ':', first + 1);
	size_t at = second + 1;
	int64_t xmax = 0;
	int64_t one;

	(void)sv_to_i64(sv_sub(snapshot, first + 1, second), &xmax);
	if ((int32_t)(xid - (uint32_t)xmax) >= 0)
		return false;
	while (at < snapshot.len) {
		size_t end = sv_find(snapshot, ',', at);

		if (sv_to_i64(sv_sub(snapshot, at, end), &one) &&
		    (uint32_t)one == xid)
			return false;
		at = end + 1;
	}
	return true;
}

static int count_visible(struct connector_session *session,
			 struct sql_logical *logical, struct error *err)
{
	struct sv snapshot;

	if (logical->counted)
		return 0;
	if (sql_ask(session, "SELECT CAST(pg_current_snapshot() AS text)",
		    &snapshot, 1, err) < 0)
		return -1;
	while (logical->visible < logical->transactions.len &&
	       is_visible(snapshot,
			  logical->transactions.at[logical->visible].xid))
		logical->visible++;
	logical->counted = true;
	return 0;
}

static void add_element(struct strbuf *array, struct sv text)
{
	size_t i;

	strbuf_adds(array, array->len > 1 ? ",\"" : "\"");
	for (i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\')
			strbuf_addc(array, '\\');
		strbuf_addc(array, text.ptr[i]);
	}
	strbuf_addc(array, '"');
}

/* The keys as an array for each column; how many there are. */
static size_t bind_keys(const struct sql_logical *logical,
			struct sql_input *input, struct arena *arena)
{
	const struct key *key;
	size_t count = 0;
	size_t i;

	input->scope.param_count = input->source->anchor_count;
	for (i = 0; i < input->source->anchor_count; i++) {
		struct strbuf array = STRBUF_INIT(STRBUF_NO_LIMIT);

		count = 0;
		strbuf_addc(&array, '{');
		vec_foreach(&logical->keys, key) {
			if (key->input != input ||
			    key->transaction >= logical->visible)
				continue;
			add_element(&array, key->parts[i]);
			count++;
		}
		strbuf_addc(&array, '}');
		input->scope.params[i] = (struct sql_param){
			.value = arena_dup(arena, strbuf_sv(&array))
		};
		strbuf_release(&array);
	}
	return count;
}

static void select_keys(const struct connector_session *session,
			struct sql_input *input, struct arena *arena)
{
	const struct sql_dialect *dialect = session->link->dialect;
	const struct sql_plan *plan = &input->objects;
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;

	strbuf_adds(&sql, "(SELECT ");
	for (i = 0; i < input->source->anchor_count; i++) {
		strbuf_addf(&sql, "%sCAST(u.k%zu AS %s) AS ", i ? ", " : "", i,
			    plan->columns[i]->type);
		sql_add_name(&sql, dialect, sv_from(plan->columns[i]->name));
	}
	strbuf_adds(&sql, " FROM unnest(");
	for (i = 0; i < input->source->anchor_count; i++)
		strbuf_addf(&sql, "%sCAST($%zu AS text[])", i ? ", " : "",
			    i + 1);
	strbuf_adds(&sql, ") AS u(");
	for (i = 0; i < input->source->anchor_count; i++)
		strbuf_addf(&sql, "%sk%zu", i ? ", " : "", i);
	strbuf_adds(&sql, "))");
	input->scope.keys = arena_cstr(arena, strbuf_sv(&sql));
	input->extra.keys = true;
	strbuf_release(&sql);
}

/* "1A/2B" as a number: 1 read; 0 */
static int parse_lsn(struct sv text, uint64_t *out)
{
	uint64_t half = 0;
	bool second = false;
	size_t i;

	*out = 0;
	for (i = 0; i < text.len; i++) {
		char c = (char)toupper((unsigned char)text.ptr[i]);

		if (c == '/' && !second) {
			*out = half << 32;
			half = 0;
			second = true;
			continue;
		}
		if (!isxdigit((unsigned char)c))
			return 0;
		half = half << 4 |
		       (uint64_t)(c <= '9' ? c - '0' : c - 'A' + 10);
	}
	*out |= half;
	return second;
}

/* Behind the last transaction that is seen. */
static int move_mark(struct connector_session *session, struct sql_input *input,
		     struct error *err)
{
	struct sql_logical *logical = session->import->logical;

	if (count_visible(session, logical, err) < 0)
		return -1;
	if (logical->visible)
		input->mark = arena_dup(
			&session->import->arena,
			sv_from(logical->transactions.at[logical->visible - 1]
					.end));
	return 0;
}

int sql_logical_mark(struct connector_session *session, struct sql_input *input,
		     struct error *err)
{
	struct arena *arena = &session->import->arena;
	const char *slot = sql_logical_slot(session, input->source, arena);
	struct strbuf sql = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct error why = ERROR_INIT;
	size_t i;
	int ret;

	strbuf_adds(&sql, "SELECT confirmed_flush_lsn FROM "
			  "pg_replication_slots WHERE slot_name = '");
	for (i = 0; slot[i]; i++)
		strbuf_addf(&sql, "%s%c", slot[i] == '\'' ? "'" : "", slot[i]);
	strbuf_adds(&sql, "' AND plugin = 'pgoutput'");
	ret = sql_ask(session, strbuf_cstr(&sql), &input->mark, 1, &why);
	strbuf_release(&sql);
	if (ret < 0 && why.code == ERR_INTERNAL)
		return no_slot(slot, err);
	if (ret < 0) {
		*err = why;
		return -1;
	}
	/* a full import has read all that is told up to there */
	return session->import->delta ? 0 : move_mark(session, input, err);
}

int sql_logical_begin(struct connector_session *session,
		      struct sql_input *input, struct sv mark,
		      struct error *err)
{
	struct arena *arena = &session->import->arena;
	struct sql_logical *logical = session->import->logical;
	uint64_t then;
	uint64_t now;

	if (input->source->anchor_count > KEYS_MOST)
		return error_set(err, ERR_UNSUPPORTED,
				 "'by: logical' takes anchors of at most %d "
				 "columns",
				 KEYS_MOST);
	if (!parse_lsn(mark, &then) || !parse_lsn(input->mark, &now) ||
	    now > then)
		return error_set(err, ERR_CONFLICT,
				 "the slot '%s' was moved on, or made anew, "
				 "since the last import: run a full import",
				 logical->slot);
	if (move_mark(session, input, err) < 0)
		return -1;
	input->done = !bind_keys(logical, input, arena);
	select_keys(session, input, arena);
	return 0;
}

int sql_logical_kept(struct connector_session *session, struct error *err)
{
	static const char sql[] =
		"SELECT pg_replication_slot_advance(CAST($1 AS name), "
		"CAST($2 AS pg_lsn))";
	const struct sql_driver *driver = session->driver;
	const struct sql_logical *logical = session->import->logical;
	struct sql_rows *rows = NULL;
	struct sql_param params[2] = { { .column = NULL }, { .column = NULL } };
	const struct sv *cells;
	size_t broken;
	int ret;

	if (!logical || !logical->visible)
		return 0;
	params[0].value = sv_from(logical->slot);
	params[1].value =
		sv_from(logical->transactions.at[logical->visible - 1].end);
	ret = driver->query(session->link, sql, params, 2, &rows, NULL, err);
	while (ret == 0 &&
	       (ret = driver->fetch(rows, &cells, &broken, err)) > 0)
		ret = 0;
	driver->rows_close(rows);
	return ret < 0 ? error_context(err, "slot '%s'", logical->slot) : 0;
}
