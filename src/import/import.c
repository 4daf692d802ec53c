/*
 * import.c - the import step from begin to watermark
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TX_OBJECTS    65536
#define TX_MS         2000
/* of a first import, where the keys of few objects would rewrite the tables of
 * keys again and again */
#define FIRST_OBJECTS 262144
#define FIRST_MS      5000
/* parts of these are written while the next ones are read */
#define TX_PART       8192
#define TX_BYTES      ((size_t)16 << 20)
#define TX_DELTA      1000000
/* anchors that room is made for at once */
#define ROOM_MOST     4000000
/* objects, before one is looked up */
#define FETCH_AHEAD   8

static void watermark_key(const struct config_agent *agent, char out[256])
{
	(void)snprintf(out, 256, "watermark.%s", agent->name);
}

int import_has_watermark(struct store *store, const struct config_agent *agent,
			 struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct sv value;
	char key[256];
	int ret;

	watermark_key(agent, key);
	ret = store_meta_get(store, key, &arena, &value, err);
	arena_release(&arena);
	return ret;
}

int anchor_order(const void *a, const void *b)
{
	const struct anchor_key *x = a;
	const struct anchor_key *y = b;
	int64_t hx = (int64_t)x->h;
	int64_t hy = (int64_t)y->h;

	if (hx != hy)
		return hx < hy ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->content.high || x->content.low) -
	       (y->content.high || y->content.low);
}

static int write_anchors(struct import *import, struct error *err)
{
	const struct anchor_key *key;

	vec_sort(&import->anchors, anchor_order);
	vec_foreach(&import->anchors, key)
		if (store_anchor_put(import->tx, import->number, key, err) < 0)
			return -1;
	vec_clear(&import->anchors);
	anchor_table_release(&import->fresh);
	return 0;
}

static int begin(struct import *import, struct error *err)
{
	import->in_tx = 0;
	import->tx_started = clock_monotonic_ms();
	return store_begin(import->store, STORE_BULK, &import->tx, err);
}

static bool is_full(const struct import *import)
{
	bool first = fresh_holds(import);

	return import->in_tx >= (first ? FIRST_OBJECTS : TX_OBJECTS) ||
	       (import->in_tx % 256 == 0 &&
		clock_monotonic_ms() - import->tx_started >=
			(first ? FIRST_MS : TX_MS));
}

/*
 * A full import may stop after any object and be run again. A delta is applied
 * as a whole, with its watermark: its records may build on each other, and
 * read twice could mean another object.
 */
static bool is_time(const struct import *import)
{
	if (!import->full)
		return import->in_tx >= TX_DELTA;
	if (fresh_holds(import) &&
	    (import->in_tx % TX_PART == 0 || fresh_bytes(import) > TX_BYTES))
		return true;
	return is_full(import);
}

int import_commit(struct import *import, bool now, struct error *err)
{
	import->in_tx++;
	if (!now && !is_time(import))
		return 0;
	if (!now && fresh_holds(import)) {
		bool more = !is_full(import);

		if (!more) {
			import->in_tx = 0;
			import->tx_started = clock_monotonic_ms();
		}
		return fresh_hand_over(import, more, err);
	}
	if (write_anchors(import, err) < 0 ||
	    tree_flush(&import->tree, import->tx, err) < 0)
		return -1;
	if (store_commit(import->tx, err) < 0) {
		import->tx = NULL;
		return -1;
	}
	import->tx = NULL;
	return begin(import, err);
}

/* At a value, or where the record begins. */
static struct sv place_of(const struct change *change, struct arena *arena)
{
	if (change->where.len || !change->file.len)
		return change->where;
	return sv_from(arena_printf(arena, SV_FMT ":%zu", SV_ARG(change->file),
				    change->line));
}

void import_error(struct import *import, const struct change *change,
		  const char *code, const char *message)
{
	struct error ignored = ERROR_INIT;
	struct discovery_error row = {
		.step = import->options->step,
		.code = sv_from(code),
		.message = sv_from(message),
		.where = place_of(change, &import->arena),
		.anchor = change->anchor.len ? change->anchor : change->dn,
	};

	import->result->errors++;
	spare_note(import, change, code);
	counters_add(import->counters, 0, "stage-failure", 0);
	(void)store_discovery_put(import->tx, &row, &ignored);
}

/* The same object as last time: nothing to compare, nothing to write. */
static bool is_unchanged(struct import *import, const struct prepared *item)
{
	struct anchor_key *slot;
	size_t at = SIZE_MAX;

	while ((slot = anchor_table_find(&import->table, item->anchor_h,
					 &at))) {
		if (!hash128_eq(slot->content, item->content))
			continue;
		if (id_set_has(&import->special, slot->id) ||
		    id_set_has(&import->seen, slot->id))
			return false;
		id_set_add(&import->seen, slot->id);
		id_set_add(&import->same, slot->id);
		if (!item->change.container)
			counters_add(import->counters, 0, "stage-no-change",
				     slot->id);
		return true;
	}
	return false;
}

/* Bytes cannot tell what a delta changed by value: such an object is known by
 * its values, and is kept by them. */
static bool is_unchanged_by_value(struct import *import, struct prepared *item)
{
	const struct anchor_key *slot;
	size_t at = SIZE_MAX;

	if (!item->change.raw.len || item->change.container ||
	    item->change.op == CHANGE_ERROR)
		return false;
	while ((slot = anchor_table_find(&import->table, item->anchor_h,
					 &at))) {
		if (!content_wants_values(slot->content))
			continue;
		reader_hash_values(import->reader, item, &import->arena);
		return is_unchanged(import, item);
	}
	return false;
}

static bool is_whole(const struct import *import, const struct prepared *item)
{
	return import->full && item->anchor_h &&
	       (item->change.op == CHANGE_OBJECT ||
		item->change.op == CHANGE_ADD);
}

/* 1: nothing is to be done; 0: it was staged, or is an error; -1 */
static int stage(struct import *import, struct prepared *item,
		 struct error *err)
{
	struct change *change = &item->change;
	char message[512];
	int ret;

	if (is_whole(import, item) && is_unchanged(import, item)) {
		import->result->read++;
		return 1;
	}
	if (change->op == CHANGE_FILTERED)
		return stage_filtered(import, change, err);
	if (change->op == CHANGE_PRESENT)
		return present_note(import, item, err);
	reader_expand(import->reader, item, &import->arena);
	if (is_whole(import, item) && is_unchanged_by_value(import, item)) {
		import->result->read++;
		return 0;
	}
	switch (change->op) {
	case CHANGE_ERROR:
		(void)snprintf(message, sizeof(message), SV_FMT,
			       SV_ARG(change->message));
		import_error(import, change,
			     change->error ? change->error : "parse-error",
			     message);
		return 0;
	case CHANGE_OBJECT:
	case CHANGE_ADD:
		import->result->read++;
		if (!item->anchor_h && !import->has_dn) {
			import_error(import, change, "missing-anchor-component",
				     "the object has no anchor");
			return 0;
		}
		reader_build_image(import->reader, item, &import->arena);
		ret = stage_whole_set(import, item, err);
		if (ret)
			return ret < 0 ? -1 : 0;
		return stage_object(import, item, err);
	case CHANGE_UPDATE:
	case CHANGE_RENAME:
		import->result->read++;
		ret = stage_sets(import, item, err);
		if (ret)
			return ret < 0 ? -1 : 0;
		return stage_update(import, item, err);
	case CHANGE_DELETE:
		import->result->read++;
		return stage_report_deleted(import, item, err);
	case CHANGE_FILTERED:
	case CHANGE_PRESENT:
		break;
	}
	return 0;
}

static bool too_many_errors(struct import *import)
{
	struct import_result *result = import->result;
	int64_t limit = import->options->guards->errors;

	if (!limit || result->errors <= limit)
		return false;
	result->result = "stopped-error-limit";
	(void)snprintf(result->message, sizeof(result->message),
		       "more than %lld objects could not be read; the import "
		       "was stopped, nothing was deleted",
		       (long long)limit);
	return true;
}

static void fetch_ahead(const struct import *import, const struct batch *batch,
			size_t i)
{
	if (i + 2 * FETCH_AHEAD < batch->len)
		anchor_table_fetch_start(
			&import->table,
			batch->items[i + 2 * FETCH_AHEAD].anchor_h);
	if (i + FETCH_AHEAD < batch->len)
		anchor_table_fetch(&import->table,
				   batch->items[i + FETCH_AHEAD].anchor_h);
}

/* 0: all of it was read; 1: stopped, the result says why; -1 */
static int read_all(struct import *import, struct error *err)
{
	struct reader *reader = import->reader;
	struct batch *batch;
	int ret;
	size_t i;

	while ((ret = reader_next(reader, &batch, err)) > 0) {
		for (i = 0; i < batch->len; i++) {
			fetch_ahead(import, batch, i);
			ret = stage(import, &batch->items[i], err);
			if (ret < 0 || import_commit(import, false, err) < 0)
				return -1;
			if (ret > 0)
				continue;
			batch->differing++;
			arena_reset(&import->arena);
		}
		if (too_many_errors(import))
			return 1;
		if (guard_changes(import))
			return 1;
		if (import->options->progress &&
		    import->options->progress(import->options->progress_data,
					      (uint64_t)import->result->read,
					      batch->permille)) {
			import->result->result = "stopped-user";
			(void)snprintf(import->result->message,
				       sizeof(import->result->message),
				       "stopped by the operator; what was read "
				       "is staged");
			return 1;
		}
		reader_give_back(reader, batch);
	}
	return ret;
}

static int load_key(void *data, const struct anchor_key *key)
{
	struct import *import = data;

	anchor_table_add(&import->table, key);
	if (key->content.high || key->content.low)
		import->existing++;
	return 0;
}

static int load_anchors(struct import *import, struct error *err)
{
	int64_t given;
	int ret = store_cs_given(import->store, import->number, &given, err);

	if (ret < 0)
		return -1;
	anchor_table_expect(&import->table,
			    (size_t)(given < ROOM_MOST ? given : ROOM_MOST));
	ret = store_anchor_scan(import->store, import->number, load_key, import,
				err);
	anchor_table_ready(&import->table);
	return ret;
}

/* Objects whose hash alone does not settle it. */
static int load_special(struct import *import, struct error *err)
{
	int64_t ids[1024];
	int64_t after = 0;
	int count;
	int i;

	while ((count = store_awaiting_ids(import->store, import->number, after,
					   ids, 1024, err)) > 0) {
		for (i = 0; i < count; i++)
			id_set_add(&import->special, ids[i]);
		after = ids[count - 1];
	}
	if (count < 0)
		return -1;
	if (transient_load(import, err) < 0)
		return -1;
	after = 0;
	while ((count = store_pending_import_ids(import->store, import->number,
						 after, PENDING_IMPORT_DELETES,
						 ids, 1024, err)) > 0) {
		for (i = 0; i < count; i++)
			id_set_add(&import->special, ids[i]);
		after = ids[count - 1];
	}
	return count < 0 ? -1 : 0;
}

static int note_any(void *data, const struct anchor_key *key)
{
	(void)key;
	*(bool *)data = true;
	return -1;
}

/* Was anything of the agent read before? */
static int look_before(struct import *import, struct error *err)
{
	bool any = false;
	int ret = store_anchor_scan(import->store, import->number, note_any,
				    &any, err);

	import->first = !any;
	if (!any && ret < 0)
		return -1;
	return guard_begin(import, err);
}

static int set_up(struct import *import, struct error *err)
{
	const struct config_agent *agent = import->agent;
	size_t i;

	if (begin(import, err) < 0)
		return -1;
	import->number = store_name_add(import->tx, NAME_AGENT,
					sv_from(agent->name), err);
	import->types = mem_zalloc((agent->type_count + 1) * sizeof(uint32_t));
	for (i = 0; i < agent->type_count; i++) {
		import->types[i] = store_name_add(import->tx, NAME_TYPE,
						  sv_from(agent->types[i].name),
						  err);
		if (!import->types[i])
			return -1;
	}
	if (!import->number)
		return -1;
	tree_init(&import->tree, import->store, import->number);
	return import_commit(import, true, err);
}

/* While the reader reads ahead. */
static int load_known(struct import *import, struct error *err)
{
	if (!import->full)
		return load_special(import, err);
	if (load_anchors(import, err) < 0)
		return -1;
	return load_special(import, err);
}

static void release(struct import *import)
{
	store_rollback(import->tx);
	fresh_release(import);
	tree_release(&import->tree);
	anchor_table_release(&import->table);
	anchor_table_release(&import->fresh);
	anchor_table_release(&import->present);
	vec_release(&import->anchors);
	vec_release(&import->deletes);
	vec_release(&import->dn_references);
	vec_release(&import->renamed);
	vec_release(&import->doubtful);
	vec_release(&import->unread);
	vec_release(&import->transients);
	vec_release(&import->claims);
	id_set_release(&import->seen);
	id_set_release(&import->special);
	id_set_release(&import->changed);
	id_set_release(&import->same);
	id_set_release(&import->moved);
	id_set_release(&import->below);
	id_set_release(&import->walked);
	id_set_release(&import->doubted);
	id_set_release(&import->renamed_ids);
	id_set_release(&import->deleting);
	id_set_release(&import->named);
	idmap_release(&import->counted);
	idmap_release(&import->set_values);
	idmap_release(&import->set_owners);
	idmap_release(&import->resolved);
	idmap_release(&import->told);
	mem_free(import->types);
	arena_release(&import->arena);
	arena_release(&import->run_arena);
}

static int stage_deletions(struct import *import, struct error *err)
{
	int ret = 1;

	/* a delta says itself what is gone */
	if (!import->full)
		return present_end(import) ? 0 : obsolete_reported(import, err);
	if (import->result->errors)
		ret = import->options->guards->keep_all
			      ? 0
			      : spare_unread(import, err);
	return ret > 0 ? obsolete_unseen(import, err) : ret;
}

static int set_watermark(struct import *import, struct sv watermark,
			 struct error *err)
{
	char key[256];

	watermark_key(import->agent, key);
	if (import->options->replayed && !import->full)
		return 0;
	if (watermark.len)
		return store_meta_set(import->tx, key, watermark, err);
	return store_meta_delete(import->tx, key, err);
}

/* All is in the store: what told of it in the system may go. Should that fail,
 * it is told again, which does no harm, and somebody must look at it. */
static void let_go(struct import *import, struct connector *connector)
{
	struct import_result *result = import->result;
	struct error err = ERROR_INIT;

	int ret = 0;

	if (import->options->planned)
		return;
	/* a message of a guard, or of objects that were spared for errors */
	if (!strcmp(result->result, "completed-discovery-errors"))
		ret = connector_import_flawed(connector, result->errors, &err);
	else if (!result->errors && !result->message[0])
		ret = connector_import_kept(connector, &err);
	if (ret == 0)
		return;
	result->warnings++;
	if (!result->errors)
		result->result = "completed-warnings";
	(void)snprintf(result->message, sizeof(result->message),
		       "all is imported, but: %.480s", err.msg);
}

/* What the connector has to say of an import that went through. */
static void tell_note(struct import *import, const struct connector *connector)
{
	struct import_result *result = import->result;
	const char *note = connector_import_note(connector);

	if (note && !result->message[0])
		(void)snprintf(result->message, sizeof(result->message),
			       "%.500s", note);
}

/* Deletions, references that moved, then the watermark with the last batch. */
static int finish(struct import *import, struct connector *connector,
		  struct error *err)
{
	struct import_result *result = import->result;
	struct sv watermark = SV_NULL;

	if (connector_import_end(connector, &import->run_arena, &watermark,
				 err) < 0 ||
	    stage_filtered_end(import, err) < 0 ||
	    transient_settle(import, err) < 0 ||
	    settle_references(import, err) < 0 ||
	    stage_count_doubtful(import, err) < 0 ||
	    stage_deletions(import, err) < 0)
		return -1;
	if (result->errors && strcmp(result->result, "success") == 0)
		result->result = "completed-discovery-errors";
	else if (!result->message[0] && result->warnings)
		result->result = "completed-warnings";
	if (!import->full && import->options->deliver &&
	    stage_deliver(import, err) < 0)
		return -1;
	if (!result->errors && !result->message[0] &&
	    set_watermark(import, watermark, err) < 0)
		return -1;
	if (transient_end(import, err) < 0 ||
	    import_commit(import, true, err) < 0)
		return -1;
	let_go(import, connector);
	tell_note(import, connector);
	return 0;
}

static int run(struct import *import, struct connector *connector,
	       struct error *err)
{
	struct sv watermark;
	char key[256];
	int ret;

	watermark_key(import->agent, key);
	if (set_up(import, err) < 0 || look_before(import, err) < 0 ||
	    store_meta_get(import->store, key, &import->run_arena, &watermark,
			   err) < 0)
		return -1;
	ret = connector_import_begin(connector, import->options->kind,
				     watermark, err);
	if (ret > 0)
		tell_note(import, connector);
	if (ret)
		return ret < 0 ? -1 : 0;
	ret = reader_start(connector, import->store, import->agent,
			   import->types, import->first || !import->full,
			   &import->reader, err);
	if (ret == 0)
		ret = load_known(import, err);
	if (ret == 0)
		ret = read_all(import, err);
	reader_stop(import->reader);
	if (ret < 0)
		return -1;
	if (ret > 0)
		return import_commit(import, true, err);
	return finish(import, connector, err);
}

int import_run(struct store *store, const struct config *config,
	       const struct config_agent *agent, struct connector *connector,
	       const struct import_options *options, struct counters *counters,
	       struct import_result *out, struct error *err)
{
	struct import import = {
		.store = store,
		.config = config,
		.agent = agent,
		.options = options,
		.counters = counters,
		.result = out,
		.has_dn = (agent->caps & CONNECTOR_CAP_DN) != 0,
		.full = options->kind == IMPORT_FULL,
	};
	int ret;

	memset(out, 0, sizeof(*out));
	out->result = "success";
	ret = run(&import, connector, err);
	stage_count(&import);
	release(&import);
	return ret;
}

/* 0: all is read; 1: stopped by the operator; -1 */
static int read_to_nobody(struct connector *connector,
			  const struct import_options *options,
			  struct import_result *out, struct arena *arena,
			  struct error *err)
{
	struct change change;
	int ret;

	while ((ret = connector_next(connector, arena, &change, err)) > 0) {
		arena_reset(arena);
		if (change.op == CHANGE_ERROR)
			out->errors++;
		if (++out->read % 1024 == 0 && options->progress &&
		    options->progress(options->progress_data,
				      (uint64_t)out->read,
				      connector_import_progress(connector)))
			return 1;
	}
	return ret;
}

int import_read_only(struct store *store, const struct config_agent *agent,
		     struct connector *connector,
		     const struct import_options *options,
		     struct import_result *out, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct arena each = ARENA_INIT;
	struct sv watermark;
	char key[256];
	int ret;

	memset(out, 0, sizeof(*out));
	out->result = "success";
	watermark_key(agent, key);
	ret = store_meta_get(store, key, &arena, &watermark, err);
	if (ret >= 0)
		ret = connector_import_begin(connector, options->kind,
					     watermark, err);
	if (ret == 0) {
		ret = read_to_nobody(connector, options, out, &each, err);
		if (ret > 0)
			out->result = "stopped-user";
		if (ret == 0)
			ret = connector_import_end(connector, &arena,
						   &watermark, err);
	}
	if (out->errors)
		out->result = "completed-discovery-errors";
	arena_release(&arena);
	arena_release(&each);
	return ret < 0 ? -1 : 0;
}
