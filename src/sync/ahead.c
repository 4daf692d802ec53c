/*
 * ahead.c - objects are read before the batch that takes them
 *
 * Called by pass.c, and by the thread that has written a batch (flush.c), while
 * another batch is evaluated. With each object come its metaverse object and
 * all of its connectors. Rows one behind another are read as ranges: ids of
 * objects that came together mostly are. Nothing is touched but the store and
 * what is read; whether the batch in between changed it is for those to see who
 * take it (work.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include "base/ids.h"

#include <string.h>

#define CHUNK       512
#define FIRST_CHUNK 32
#define AHEAD_BYTES ((size_t)16 << 20)
/* A gap that is read over; what lies alone is asked for by its id. */
#define GAP         4
#define FEW         4

/* In order, each once; their number. */
static int sort_ids(int64_t *ids, int count)
{
	int kept = 0;
	int i;

	ids_sort(ids, (size_t)count);
	for (i = 0; i < count; i++)
		if (!kept || ids[kept - 1] != ids[i])
			ids[kept++] = ids[i];
	return kept;
}

/* The end of the run that begins at `from`: ids that lie close together. */
static int run_end(const int64_t *ids, int from, int count)
{
	int to = from + 1;

	while (to < count && ids[to] - ids[to - 1] <= GAP)
		to++;
	return to;
}

/* ---- objects of an agent ---- */

static int load_alone(struct store *store, const int64_t *ids, int count,
		      struct arena *arena, struct entry *entries,
		      struct entry **out, struct error *err)
{
	int ret = 0;
	int i;

	for (i = 0; i < count && ret >= 0; i++) {
		ret = entry_load(store, ids[i], arena, &entries[i], err);
		out[i] = ret > 0 ? &entries[i] : NULL;
	}
	return ret < 0 ? -1 : 0;
}

static int load_run(struct store *store, const int64_t *ids, int count,
		    struct arena *arena, struct entry **out, struct error *err)
{
	int room = (int)(ids[count - 1] - ids[0]) + 1;
	struct entry *range = arena_alloc(
		arena, (size_t)(count < FEW ? count : room) * sizeof(*range));
	int found;
	int at = 0;
	int i;

	if (count < FEW)
		return load_alone(store, ids, count, arena, range, out, err);
	found = entry_scan(store, CS_AGENT(ids[0]), ids[0] - 1, range, room,
			   arena, err);
	for (i = 0; i < count; i++) {
		while (at < found && range[at].row.id < ids[i])
			at++;
		out[i] = at < found && range[at].row.id == ids[i] ? &range[at]
								  : NULL;
	}
	return found < 0 ? -1 : 0;
}

/* NULL for those that are not there. */
static int load_entries(struct store *store, const int64_t *ids, int count,
			struct arena *arena, struct entry **out,
			struct error *err)
{
	int from = 0;
	int ret = 0;

	while (from < count && ret == 0) {
		int to = run_end(ids, from, count);

		ret = load_run(store, ids + from, to - from, arena, out + from,
			       err);
		from = to;
	}
	return ret;
}

/* ---- metaverse objects ---- */

static int load_rows(struct store *store, const int64_t *ids, int count,
		     struct arena *arena, struct read_mv **out,
		     struct error *err)
{
	int room = (int)(ids[count - 1] - ids[0]) + 1;
	struct mv_row *rows;
	int found = 0;
	int at = 0;
	int i;

	rows = mem_alloc((size_t)room * sizeof(*rows));
	found = store_mv_scan(store, ids[0] - 1, rows, room, arena, err);
	for (i = 0; i < count; i++) {
		while (at < found && rows[at].id < ids[i])
			at++;
		if (at == found || found < 0 || rows[at].id != ids[i])
			continue;
		out[i] = arena_zalloc(arena, sizeof(**out));
		out[i]->row = rows[at];
	}
	mem_free(rows);
	return found < 0 ? -1 : 0;
}

static int decode(struct store *store, struct arena *arena,
		  struct read_mv *read, struct error *err)
{
	const struct attr_map *map = store_attr_map(store);
	struct member *rows;
	int members = mv_image_members(store, &read->row, arena, &read->image,
				       &rows, err);

	if (members < 0)
		return error_context(err, "mv %lld", (long long)read->row.id);
	read->members = members > 0;
	lineage_decode(read->row.lineage, map, arena, &read->lineage);
	lineage_lay(&read->lineage, rows, (size_t)members, map, arena);
	return 0;
}

/* Ids of their connectors. */
static int load_links(struct store *store, const int64_t *ids, int count,
		      struct arena *arena, struct read_mv **mvs,
		      struct error *err)
{
	struct link_pair *pairs;
	int found = store_link_pairs(store, ids[0], ids[count - 1], arena,
				     &pairs, err);
	int at = 0;
	int i;

	for (i = 0; i < count && found >= 0; i++) {
		int from;

		while (at < found && pairs[at].mv < ids[i])
			at++;
		from = at;
		while (at < found && pairs[at].mv == ids[i])
			at++;
		if (!mvs[i])
			continue;
		mvs[i]->links = arena_array(arena, (size_t)(at - from),
					    sizeof(*mvs[i]->links));
		mvs[i]->entries = arena_array(arena, (size_t)(at - from),
					      sizeof(*mvs[i]->entries));
		for (; from < at; from++)
			mvs[i]->links[mvs[i]->link_count++] = pairs[from].cs;
	}
	return found < 0 ? -1 : 0;
}

static int load_mvs(struct store *store, const int64_t *ids, int count,
		    struct arena *arena, struct read_mv **out,
		    struct error *err)
{
	int from = 0;
	int i;

	while (from < count) {
		int to = run_end(ids, from, count);

		if (load_rows(store, ids + from, to - from, arena, out + from,
			      err) < 0 ||
		    load_links(store, ids + from, to - from, arena, out + from,
			       err) < 0)
			return -1;
		from = to;
	}
	for (i = 0; i < count; i++)
		if (out[i] && decode(store, arena, out[i], err) < 0)
			return -1;
	return 0;
}

/* ---- what belongs to a chunk of objects ---- */

static int at_id(const int64_t *ids, int count, int64_t id)
{
	int low = 0;
	int high = count;

	while (low < high) {
		int middle = low + (high - low) / 2;

		if (ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && ids[low] == id ? low : -1;
}

static struct entry *chunk_entry(const struct ahead_object *chunk, int count,
				 int64_t id)
{
	int low = 0;
	int high = count;

	while (low < high) {
		int middle = low + (high - low) / 2;

		if (chunk[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && chunk[low].id == id ? chunk[low].entry : NULL;
}

/* Takes the connectors that the chunk has itself; `ids` are the others. */
static int find_missing(const struct ahead_object *chunk, int count,
			struct read_mv **mvs, int mv_count, int64_t *ids)
{
	int found = 0;
	size_t k;
	int i;

	for (i = 0; i < mv_count; i++)
		for (k = 0; mvs[i] && k < mvs[i]->link_count; k++) {
			mvs[i]->entries[k] =
				chunk_entry(chunk, count, mvs[i]->links[k]);
			if (!mvs[i]->entries[k])
				ids[found++] = mvs[i]->links[k];
		}
	return sort_ids(ids, found);
}

static void take_missing(struct read_mv *mv, const int64_t *ids, int count,
			 struct entry **entries)
{
	size_t k;

	for (k = 0; k < mv->link_count; k++)
		if (!mv->entries[k])
			mv->entries[k] =
				entries[at_id(ids, count, mv->links[k])];
}

/* The connectors that are not in the chunk themselves. */
static int load_connectors(struct ahead *ahead,
			   const struct ahead_object *chunk, int count,
			   struct read_mv **mvs, int mv_count,
			   struct error *err)
{
	struct entry **entries;
	size_t links = 0;
	int64_t *ids;
	int found;
	int ret;
	int i;

	for (i = 0; i < mv_count; i++)
		links += mvs[i] ? mvs[i]->link_count : 0;
	ids = mem_alloc(links * sizeof(*ids));
	entries = mem_zalloc(links * sizeof(struct entry *));
	found = find_missing(chunk, count, mvs, mv_count, ids);
	ret = load_entries(ahead->store, ids, found, &ahead->arena, entries,
			   err);
	for (i = 0; i < mv_count && ret == 0; i++)
		if (mvs[i])
			take_missing(mvs[i], ids, found, entries);
	mem_free(entries);
	mem_free(ids);
	return ret;
}

/* Their metaverse objects with all connectors. */
static int load_partners(struct ahead *ahead, struct ahead_object *chunk,
			 int count, struct error *err)
{
	struct read_mv *mvs[2 * CHUNK] = { NULL };
	int64_t ids[2 * CHUNK];
	int found = 0;
	int i;

	for (i = 0; i < count; i++)
		if (chunk[i].entry && chunk[i].entry->link.mv)
			ids[found++] = chunk[i].entry->link.mv;
	found = sort_ids(ids, found);
	if (load_mvs(ahead->store, ids, found, &ahead->arena, mvs, err) < 0 ||
	    load_connectors(ahead, chunk, count, mvs, found, err) < 0)
		return -1;
	for (i = 0; i < count; i++)
		if (chunk[i].entry && chunk[i].entry->link.mv)
			chunk[i].mv =
				mvs[at_id(ids, found, chunk[i].entry->link.mv)];
	return 0;
}

/* ---- the objects themselves ---- */

/* The next ids of both queues, in order, without repetition. */
static int next_ids(const struct ahead *ahead, int64_t *out, int most,
		    struct error *err)
{
	enum pending_import_filter filter = PENDING_IMPORT_OTHERS;
	int staged;
	int queued = 0;
	int64_t limit = INT64_MAX;
	int kept;
	int i;

	if (ahead->pass == PASS_DELETED)
		filter = PENDING_IMPORT_DELETES;
	else if (ahead->sets)
		filter = PENDING_IMPORT_WHOLE;
	staged = store_pending_import_ids(ahead->store, ahead->agent,
					  ahead->after, filter, out, most, err);
	if (staged < 0)
		return -1;
	if (ahead->pass != PASS_DELETED)
		queued = store_queue_ids(ahead->store, ahead->agent,
					 ahead->after, out + staged, most, err);
	if (queued < 0)
		return -1;
	/* a full half ends somewhere: beyond it the other may have gaps */
	if (staged == most)
		limit = out[staged - 1];
	if (queued == most && out[staged + queued - 1] < limit)
		limit = out[staged + queued - 1];
	kept = sort_ids(out, staged + queued);
	for (i = 0; i < kept && out[i] <= limit; i++)
		;
	return i;
}

/* The next of those that are not settled already. */
static int next_other(const struct ahead *ahead, int64_t *out, int most)
{
	size_t low = 0;
	size_t high = ahead->other_count;
	int count = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ahead->others[middle] > ahead->after)
			high = middle;
		else
			low = middle + 1;
	}
	while (count < most && low < ahead->other_count)
		out[count++] = ahead->others[low++];
	return count;
}

static int read_queued(struct ahead *ahead, struct ahead_object *chunk,
		       int most, struct error *err)
{
	struct entry *entries[2 * CHUNK];
	int64_t ids[2 * CHUNK];
	int count = ahead->has_others ? next_other(ahead, ids, most)
				      : next_ids(ahead, ids, most, err);
	int i;

	if (count > 0 && load_entries(ahead->store, ids, count, &ahead->arena,
				      entries, err) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		chunk[i].id = ids[i];
		chunk[i].entry = entries[i];
		chunk[i].mv = NULL;
	}
	return count;
}

static int read_marked(struct ahead *ahead, struct ahead_object *chunk,
		       int most, struct error *err)
{
	struct read_mv *mvs[CHUNK] = { NULL };
	int64_t ids[CHUNK];
	int count =
		store_mv_queue_ids(ahead->store, ahead->after, ids, most, err);
	int i;

	if (count <= 0)
		return count;
	if (load_mvs(ahead->store, ids, count, &ahead->arena, mvs, err) < 0 ||
	    load_connectors(ahead, chunk, 0, mvs, count, err) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		chunk[i].id = ids[i];
		chunk[i].entry = NULL;
		chunk[i].mv = mvs[i];
	}
	return count;
}

static int read_all(struct ahead *ahead, struct ahead_object *chunk, int most,
		    struct error *err)
{
	struct entry *entries =
		arena_alloc(&ahead->arena, (size_t)most * sizeof(*entries));
	int count = entry_scan(ahead->store, ahead->agent, ahead->after,
			       entries, most, &ahead->arena, err);
	int i;

	for (i = 0; i < count; i++) {
		chunk[i].id = entries[i].row.id;
		chunk[i].entry = &entries[i];
		chunk[i].mv = NULL;
	}
	return count;
}

static int read_objects(struct ahead *ahead, struct ahead_object *chunk,
			int most, struct error *err)
{
	int count = ahead->pass == PASS_ALL && !ahead->has_others
			    ? read_all(ahead, chunk, most, err)
			    : read_queued(ahead, chunk, most, err);

	if (count > 0 && load_partners(ahead, chunk, count, err) < 0)
		return -1;
	return count;
}

/* At most 2 * `most` objects; their number. */
static int read_chunk(struct ahead *ahead, int most, struct error *err)
{
	struct ahead_object *chunk = ahead->objects + ahead->len;
	int count = ahead->pass == PASS_MARKED
			    ? read_marked(ahead, chunk, most, err)
			    : read_objects(ahead, chunk, most, err);
	int i;

	for (i = 0; i < count; i++)
		if (ahead_refs_read(ahead, &chunk[i], err) < 0)
			return -1;
	return count;
}

/* A chunk is as large as its objects are small: groups may be huge. */
static int chunk_size(const struct ahead *ahead)
{
	size_t most = (size_t)(ahead->wanted - ahead->len);
	size_t fit = FIRST_CHUNK;

	if (ahead->len)
		fit = AHEAD_BYTES / 4 /
		      (arena_used(&ahead->arena) / (size_t)ahead->len + 1);
	fit = fit < CHUNK ? fit + 1 : CHUNK;
	return (int)(fit < most ? fit : most);
}

int ahead_read(struct ahead *ahead, struct error *err)
{
	int count = 1;

	ahead->len = 0;
	vec_clear(&ahead->partners);
	vec_clear(&ahead->links);
	while (count > 0 && ahead->len < ahead->wanted &&
	       ahead->len <= AHEAD_MAX - 2 * CHUNK &&
	       arena_size(&ahead->arena) < AHEAD_BYTES) {
		count = read_chunk(ahead, chunk_size(ahead), err);
		if (count > 0) {
			ahead->len += count;
			ahead->after = ahead->objects[ahead->len - 1].id;
		}
	}
	ahead->ended = count == 0;
	return count < 0 ? -1 : 0;
}

void ahead_free(struct ahead *ahead)
{
	arena_release(&ahead->arena);
	vec_release(&ahead->partners);
	vec_release(&ahead->links);
	mem_free(ahead);
}
