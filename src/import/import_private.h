/*
 * import_private.h - what the files of the import step share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef IMPORT_PRIVATE_H
#define IMPORT_PRIVATE_H

#include "import/import.h"
#include "store/member.h"
#include "store/tree.h"

#include <pthread.h>

/* ---- table.c: anchor -> object ---- */

/* A content of zero: a placeholder, no object. */
struct anchor_table {
	/* what the store has, sorted, and where the hashes with the same upper
	 * bits begin */
	struct anchor_key *known;
	size_t known_len;
	size_t known_size;
	uint32_t *starts;
	unsigned known_shift;
	/* what came since, at the place of its upper bits; h 0: free */
	struct anchor_key *slots;
	size_t size; /* a power of two */
	unsigned shift;
	size_t len;
};

/* What the store has: how many about, each one, and when these are all, before
 * anything is looked up. */
void anchor_table_expect(struct anchor_table *table, size_t about);
void anchor_table_add(struct anchor_table *table, const struct anchor_key *key);
void anchor_table_ready(struct anchor_table *table);
void anchor_table_put(struct anchor_table *table, uint64_t h, int64_t id,
		      struct hash128 content);
/* The next one with this hash after `*at` (start with SIZE_MAX), or NULL. */
struct anchor_key *anchor_table_find(const struct anchor_table *table,
				     uint64_t h, size_t *at);
/* The next one of all after `*at` (start with SIZE_MAX), or NULL. */
const struct anchor_key *anchor_table_next(const struct anchor_table *table,
					   size_t *at);
/* Have the processor fetch what anchor_table_find() will look at: first the
 * one, and some time later the other. */
void anchor_table_fetch_start(const struct anchor_table *table, uint64_t h);
void anchor_table_fetch(const struct anchor_table *table, uint64_t h);
void anchor_table_release(struct anchor_table *table);

/* A set of objects of one agent, by their sequence numbers. */
struct id_set {
	unsigned char *bits;
	size_t size;
};

void id_set_add(struct id_set *set, int64_t id);
void id_set_remove(struct id_set *set, int64_t id);
bool id_set_has(const struct id_set *set, int64_t id);
void id_set_release(struct id_set *set);

/* ---- content.c: hashes of what was read ---- */

#define CONTENT_CONTAINER 1 /* hash128.high; below, and zero, no object */

struct attr_def;

/* Values of this attribute are a set, whose hash follows changes by value. */
bool content_is_set(const struct attr_def *def);
/* Of one value of a set; `number` is the store's of its attribute. */
struct hash128 content_of_value(const struct store *store, bool dn,
				uint32_t number, struct sv text,
				struct arena *arena);
/* Adds all of them, the same ones once; sorts. */
void content_add_all(struct hash128 *sum, struct hash128 *all, size_t len);
struct hash128 content_plus(struct hash128 a, struct hash128 b);
struct hash128 content_minus(struct hash128 a, struct hash128 b);
/* Of a whole object: by the hash of its other values and the sum of its sets,
 * or of its bytes. */
struct hash128 content_of_values(struct hash128 others, struct hash128 sum);
struct hash128 content_of_raw(struct hash128 bytes);
/* Like no hash: the next full import compares by value. */
struct hash128 content_unlike(int64_t id);
/* The same, and from then on it is known by its values: its sets change by
 * value, which a hash of bytes cannot follow. */
struct hash128 content_unlike_sets(int64_t id);
/* It was made by content_of_values(). */
bool content_by_values(struct hash128 content);
/* What is kept of this object is a hash of its values, or will be. */
bool content_wants_values(struct hash128 content);
/* After a change of its sets by such a sum. */
struct hash128 content_follow(struct hash128 content, struct hash128 sum,
			      int64_t id);

/* ---- reader.c: what the connector reports, converted and hashed ---- */

struct reference_text {
	attr_id attr;
	const struct attr_def *def;
	struct sv *texts;
	size_t len;
};

struct prepared {
	struct change change; /* its attrs are converted values, unless they
			       * are deferred: see reader_expand() */
	uint32_t type;        /* store number */
	attr_id *ids;         /* of the type's attributes */
	/* of whole objects, by reader_build_image() */
	struct image image; /* without references */
	struct reference_text *references;
	size_t reference_count;
	uint64_t anchor_h; /* 0: no anchor */
	struct hash128 content;
};

#define READER_BATCH 512

struct batch {
	struct arena arena;
	struct prepared items[READER_BATCH];
	size_t len;
	size_t bytes;     /* of all of it, when it was handed over */
	size_t differing; /* the importer's: how many had to be expanded */
	int permille;
};

struct reader;

/* Starts a thread that reads ahead by a few batches. `eager`: what it reads
 * will differ, so that nothing is left to reader_expand() at first. */
int reader_start(struct connector *connector, struct store *store,
		 const struct config_agent *agent, const uint32_t *types,
		 bool eager, struct reader **out, struct error *err);
/* 1: a batch, to be given back; 0: end of data; -1. */
int reader_next(struct reader *reader, struct batch **out, struct error *err);
/* Attributes that were deferred are read and converted; the change may turn out
 * to be an error. Called by the importer, memory from its arena. */
void reader_expand(struct reader *reader, struct prepared *item,
		   struct arena *arena);
/* The image and references of an object that is to be compared by value;
 * called by the importer, memory from its arena. */
void reader_build_image(struct reader *reader, struct prepared *item,
			struct arena *arena);
/* The content of a record that came as bytes, by its values; called by the
 * importer after reader_expand(). */
void reader_hash_values(struct reader *reader, struct prepared *item,
			struct arena *arena);
void reader_give_back(struct reader *reader, struct batch *batch);
/* Ends the thread, also in the middle; accepts NULL. */
void reader_stop(struct reader *reader);

/* ---- the step ---- */

/* A reference by DN to an object that was there before this run: its name may
 * still pass to another. */
struct dn_reference {
	int64_t source;
	int64_t target;
	attr_id attr;
	struct sv text; /* in import.run_arena */
};

/* An object of which only references differ: names may yet pass on. */
struct doubtful {
	int64_t id;
	struct hash128 before; /* of its image */
};

/* An object that could not be read. */
struct unread {
	struct sv anchor; /* all in import.run_arena */
	struct sv dn;
	struct sv where;
	bool certain; /* the anchor is this object's */
};

struct import {
	struct store *store;
	const struct config *config;
	const struct config_agent *agent;
	const struct import_options *options;
	struct counters *counters;
	struct reader *reader;
	struct import_result *result;
	uint32_t number; /* of the agent in the store */
	bool has_dn;
	bool full;
	bool first;      /* nothing of the agent was read before */
	bool compares;   /* delta: it names all that are there */
	uint32_t *types; /* store numbers of the agent's types */
	struct tree tree;
	struct store_tx *tx;
	size_t in_tx; /* objects handled since begin */
	int64_t tx_started;
	struct anchor_table table;
	struct anchor_table fresh;      /* anchors not written yet */
	VEC(struct anchor_key) anchors; /* to be written sorted */
	struct id_set seen;
	struct id_set special; /* awaiting, transient, or a deletion staged:
				* look closer */
	struct id_set changed; /* staged by this run */
	struct id_set same;    /* read as last time, to the letter */
	struct id_set moved;   /* refer by a merge, not by an old name */
	struct id_set walked;  /* read with sets of which most is the same */
	struct idmap told;     /* of them: a reference by a new name -> 1 */
	struct id_set renamed_ids;
	struct id_set below;  /* full: of another name, not read yet */
	int64_t existing;     /* objects with an image when the import began */
	int64_t total;        /* then, for a percentage of changes */
	int64_t waiting;      /* then staged and not synchronized */
	int64_t changes;      /* staged by this run, less those taken back */
	int64_t filtered;     /* that nobody asks for */
	VEC(int64_t) deletes; /* delta: reported gone, staged at the end */
	struct id_set deleting;
	struct anchor_table present; /* of one that compares: what was there */
	struct id_set named;         /* and which of it is named */
	int64_t named_count;
	struct idmap resolved; /* anchor key of a reference -> its target */
	struct idmap counted;  /* delta: object -> 1 + what counts of it */
	VEC(struct dn_reference) dn_references;
	VEC(struct doubtful) doubtful;
	struct id_set doubted;   /* their ids */
	struct idmap set_values; /* hash of a value that a delta changed -> 1,
				  * 0 when it changed it back */
	struct idmap
		set_owners; /* object -> 1 + how many of its values differ */
	VEC(struct dn_reference) renamed; /* source, and its DN before */
	VEC(struct unread) unread;
	struct fresh *fresh_rows[2]; /* fresh.c: held back, being written */
	VEC(uint32_t) checks;        /* its objects' anchors, by sequence */
	VEC(int64_t) transients;     /* that are, or were in this run */
	VEC(int64_t) claims;         /* of them: read by their old name */
	struct arena run_arena;
	struct arena arena; /* per object */
};

/* Writes what is buffered and commits when enough has come together. */
int import_commit(struct import *import, bool now, struct error *err);

void import_error(struct import *import, const struct change *change,
		  const char *code, const char *message);

/* ---- set.c: values of sets, one by one ---- */

struct set_value {
	attr_id attr;
	uint32_t number; /* of the attribute in the store */
	int64_t target;
	bool there; /* after the change */
	struct hash128 hash;
};

/* The object, and what is in motion of it. */
struct set_owner {
	struct import *import;
	struct cs_row row;
	bool staged; /* it has a pending import */
	bool pending;
	bool awaiting;
	bool changed;
	struct image lost; /* sent, and not there */
	struct image kept; /* taken away, and there still */
	bool confirmed;
	struct hash128 sum;        /* of hashes of what came, less what went */
	struct idmap pending_sets; /* or they will be */
	VEC(struct set_value) values;
};

void set_release(struct set_owner *owner);

/* The object meant, when nothing is special about it: 1, 0, -1 */
int set_find(struct import *import, const struct prepared *item,
	     struct cs_row *out, struct error *err);
/* Nothing else of it is in motion: 1, 0, -1 */
int set_at_rest(struct set_owner *owner, struct error *err);
/* Each of its values can be told without the image: 1, 0, -1 */
int set_can_tell(struct set_owner *owner, struct error *err);
/* They are staged: 1, -1 */
int set_stage(struct set_owner *owner, struct error *err);

/* ---- stage.c ---- */
int stage_object(struct import *import, struct prepared *item,
		 struct error *err);
/* A delta's partial change or rename. */
int stage_update(struct import *import, struct prepared *item,
		 struct error *err);
/* set.c: one that names values of reference sets: 1 it is staged, 0 all of the
 * object has to be looked at, -1 */
int stage_sets(struct import *import, const struct prepared *item,
	       struct error *err);
/* whole.c: a full import's object of which only values of large sets differ:
 * 1 it is staged; 0 all of it has to be looked at; -1 */
int stage_whole_set(struct import *import, struct prepared *item,
		    struct error *err);
/* A delta's deletion: kept until the guard has seen all of them. */
int stage_report_deleted(struct import *import, struct prepared *item,
			 struct error *err);
/* A pending update that came to nothing is none. */
void stage_settled(struct entry *entry);
/* Whoever the object is linked to is synchronized again. */
int stage_queue_partner(struct import *import, int64_t id, struct error *err);
int stage_delete(struct import *import, int64_t id, struct error *err);
/* `source` refers to `gone` no more, though no report said so. */
int stage_without(struct import *import, int64_t source, int64_t gone,
		  struct error *err);

/* ---- tally.c ---- */
void stage_count_one(struct import *import, const char *name, int64_t id);
/* An update of references alone may prove to be none when names have passed. */
bool stage_only_references(const struct image *a, const struct image *b);
void stage_count_later(struct import *import, const struct entry *before);
/* A value came or went, perhaps not for the first time. */
void import_toggle_set(struct import *import, int64_t source, uint32_t attr,
		       int64_t target);
/* Counts such an object, now or when all names are read. */
void stage_count_sets(struct import *import, int64_t id, bool changed);
/* It has another name since what it lies below was renamed. */
void stage_count_below(struct import *import, int64_t id);
/* Counts what could not be counted before all names were read. */
int stage_count_doubtful(struct import *import, struct error *err);
/* A delta's counters, when all of it is staged. */
void stage_count(struct import *import);
/* Unchanged objects that a delta reported are put into the queue of syncs. */
int stage_deliver(struct import *import, struct error *err);
/* What nobody asks for is counted, and the first of them are kept by name. */
int stage_filtered(struct import *import, const struct change *change,
		   struct error *err);
/* A deletion of what nobody knew: counted, and kept by its name. */
int stage_count_filtered(struct import *import, const struct change *change,
			 struct error *err);
/* Says how many more there were. */
int stage_filtered_end(struct import *import, struct error *err);

/* ---- anchors.c ---- */
/* 0 where anchors are unique over all types. */
uint32_t stage_anchor_type(const struct import *import, uint32_t type);
/* The object of this anchor and type (store number): 1, 0, -1. `told`: what is
 * reported of it. */
int stage_find_anchor(struct import *import, uint64_t h, uint32_t type,
		      struct sv anchor, enum change_op told, int64_t *id_out,
		      struct error *err);
/* All that may have an anchor of this hash: the number, or -1. */
int stage_anchor_ids(struct import *import, uint64_t h, int64_t **out,
		     struct error *err);
/* The object's content hash follows a change of its sets. */
int stage_follow(struct import *import, const struct cs_row *row,
		 struct hash128 sum, struct error *err);
/* What is known of the content of one of this anchor: 1, 0, -1 */
int stage_content(struct import *import, uint64_t h, int64_t id,
		  struct hash128 *out, struct error *err);
/* The content that was read, by the anchor's hash. */
void stage_put_content(struct import *import, uint64_t h, int64_t id,
		       struct hash128 content);
/* The next full import compares the object by value. */
void stage_compare(struct import *import, const struct cs_row *row);
/* The anchor of a placeholder, so that the object will find it. */
void stage_anchor(struct import *import, uint64_t h, int64_t id);

/* What a report says of an object: all of it, or some attributes and perhaps
 * the name. */
struct report {
	bool whole;
	bool named;
	bool same_name;     /* the name is the one that the system was given */
	struct image attrs; /* mentioned; only the numbers count */
};

/* confirm.c: compares what was exported with `new`; sets confirmed, pending
 * and awaiting of the entry. What the report does not mention stays awaited. */
int confirm_exports(struct import *import, struct entry *entry,
		    const struct image *new, const struct report *report,
		    struct error *err);
/* Exported values of sets that did not come back (`lost`), or were taken away
 * and are there still: they are pending again. */
int confirm_contradicted(struct import *import, int64_t id,
			 const struct image *lost, const struct image *kept,
			 struct error *err);
/* What was exported came back, and nothing else. */
int confirm_confirmed(struct import *import, int64_t id, struct error *err);
/* An exported add that a full import did not see, or a deletion that it did:
 * back to pending export. */
int confirm_lost(struct import *import, struct entry *entry,
		 const char *message, struct error *err);

/* below.c: `top` has a new name, its row is not written yet: what lies below
 * it is staged as renamed. */
int below_rename(struct import *import, const struct entry *top, struct sv old,
		 struct error *err);

/* reference.c: adds the references of `item` to `image`, as ids. */
int resolve_references(struct import *import, const struct prepared *item,
		       int64_t source, struct image *image, struct error *err);
/* One text, of an object `source` (0: not known): *id_out is the target, or 0
 * when the text names nothing. */
int resolve_text(struct import *import, const struct prepared *item,
		 const struct attr_def *def, struct sv text, int64_t source,
		 int64_t *id_out, struct error *err);
/* A walked object refers by a name that it did not refer by before. */
void remember_reference(struct import *import,
			const struct dn_reference *reference);
/* The texts of reference values become ids, in place. */
int resolve_values(struct import *import, const struct prepared *item,
		   const struct attr_def *def, struct values *values,
		   struct error *err);
/* merge.c: placeholders that stood for the object give way to it. */
int merge_placeholders(struct import *import, const struct entry *entry,
		       struct error *err);
/* What lies below `from` lies below `to` after it. */
int merge_children(struct import *import, int64_t from, int64_t to,
		   struct error *err);
/* A placeholder that was just left gives way to who bears its name now. */
int merge_left(struct import *import, const struct cs_row *left, uint32_t type,
	       struct error *err);
/* Brings the reverse rows up to date. */
int update_references(struct import *import, int64_t source,
		      const struct image *old, const struct image *new,
		      struct error *err);
/* At the end: references by names that passed on meanwhile. */
int settle_references(struct import *import, struct error *err);
/* All that refers to `from` refers to `to` after it. */
int move_referrers(struct import *import, int64_t from, int64_t to,
		   struct error *err);

/* fresh.c: rows of new objects are held back: it is a first full import. */
bool fresh_holds(const struct import *import);
/* Of the rows that are held back. */
size_t fresh_bytes(const struct import *import);
void fresh_placeholder(struct import *import, const struct cs_row *row);
/* With its references and, when it has one, its pending import, an add. */
void fresh_object(struct import *import, const struct entry *entry);
/* Remembers whose anchor this is ... */
void fresh_note(struct import *import, int64_t id, uint32_t type,
		struct sv anchor);
/* ... so that it is found without the store; 0: look there. */
int64_t fresh_find(const struct import *import, uint64_t h, uint32_t type,
		   struct sv anchor, bool *placeholder_out);
/* All that is held back, and the anchors and keys of the batch, are written
 * by another thread, and committed unless the transaction stays `open`. */
int fresh_hand_over(struct import *import, bool open, struct error *err);
/* When the store is done with it. */
void fresh_release(struct import *import);

/* import.c: by hash; what has a content behind what has none. */
int anchor_order(const void *a, const void *b);

/* transient.c: those that earlier imports left. */
int transient_load(struct import *import, struct error *err);
/* `taker` was read by the name of `bearer`, which has none from now on. */
int transient_take(struct import *import, int64_t bearer,
		   const struct entry *taker, struct error *err);
/* A transient was read by a name of its own; the caller writes its row. */
int transient_named(struct import *import, struct entry *entry,
		    struct error *err);
/* At the end: who was read by its old name has it again when it is free. */
int transient_settle(struct import *import, struct error *err);
/* Those that are left are the result, when nothing worse is. */
int transient_end(struct import *import, struct error *err);

/* spare.c: notes a discovery error of a full import. */
void spare_note(struct import *import, const struct change *change,
		const char *code);
/* Counts as seen what errors are about. 1: the rest may be deleted; 0: an error
 * may be about any object, the result's message says which; -1 */
int spare_unread(struct import *import, struct error *err);

/* guard.c: may these be deleted? `ids` are sorted. 0: they may; 1: a guard
 * stops it, the result says which; -1 */
int guard_deletions(struct import *import, const int64_t *ids, size_t count,
		    struct error *err);
/* What guard_changes() compares with. */
int guard_begin(struct import *import, struct error *err);
/* 1: more was staged than may change, the result says so; 0: the import may go
 * on. */
int guard_changes(struct import *import);

/* obsolete.c: after a full import, or for the deletes of a delta. */
int obsolete_unseen(struct import *import, struct error *err);
int obsolete_reported(struct import *import, struct error *err);
/* Nothing was read where there was something: the guard stops it, the result
 * says so. */
bool obsolete_empty_stop(struct import *import, int64_t read, size_t unseen);
/* present.c: a delta's CHANGE_PRESENT: 1, -1 */
int present_note(struct import *import, const struct prepared *item,
		 struct error *err);
/* At the end what was not named is among the deletions that were reported.
 * True: a guard stops them all. */
bool present_end(struct import *import);
/* Takes the object away at once, leaves a placeholder where one is needed. */
int obsolete_remove(struct import *import, struct entry *entry,
		    struct error *err);

#endif
