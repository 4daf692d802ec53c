/*
 * sync_private.h - what the files of the synchronization step share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYNC_PRIVATE_H
#define SYNC_PRIVATE_H

#include "base/idbytes.h"
#include "rules/rules.h"
#include "store/due.h"
#include "store/hold.h"
#include "store/member.h"
#include "store/mv.h"
#include "store/past.h"
#include "store/tree.h"
#include "sync/lineage.h"
#include "sync/sync.h"
#include "sync/unlinked.h"

/* ---- the plan: what the configuration means for a sync, made once ---- */

/* A rule set's flows into one metaverse attribute. */
struct contributor {
	const struct config_rule_set *rule_set;
	const struct config_import_flow **flows; /* in file order */
	size_t flow_count;
	attr_id direct; /* the first flow takes this attribute as it is; or
			 * ATTR_NONE */
};

struct attr_plan {
	const struct config_mv_attr *attr;
	struct contributor *contributors; /* best first */
	size_t contributor_count;
	uint32_t number;    /* store number of the attribute */
	bool lookup_target; /* look-ups may wait for its values */
};

struct mv_plan {
	const struct config_mv_type *type;
	uint32_t number; /* store number of the type */
	struct attr_plan *attrs;
	size_t attr_count;
	uint32_t *key_numbers; /* store numbers of its keys */
	bool *key_lookups;     /* look-ups may wait for their values */
	const struct config_rule_set **outbound; /* provision or export */
	size_t outbound_count;
	/* rule sets whose first join clause is on an attribute of this type */
	const struct config_rule_set **joining;
	size_t joining_count;
};

struct agent_plan {
	const struct config_agent *agent;
	uint32_t number; /* store number; 0: never seen */
	struct tree tree;
	bool joins; /* some rule set joins: disconnectors are indexed */
	uint64_t join_fingerprint;
	bool has_dn;
	bool has_tree;
	uint32_t *types; /* store numbers of its types */
	struct sv *bases;
	size_t base_count;
};

/* ---- the working set: objects in memory over the store ---- */

struct work_mv;
struct ahead;

struct work_cs {
	struct entry e;
	const struct agent_plan *agent; /* NULL: not in the configuration */
	const struct config_rule_set *rule_set; /* of its link; NULL: frozen */
	bool is_new;                            /* not in the store yet */
	bool removed;
	bool leave_placeholder; /* removed, but something refers to it */
	bool dirty_row;
	bool dirty_import;
	bool dirty_pending;
	bool dirty_awaiting;
	bool dirty_link;
	bool dirty_merged;
	bool queued; /* to be taken by its agent's next delta sync */
	bool unqueued;
	bool journaled; /* saved in this unit */
	bool has_merged;
	struct image merged;  /* a change: what merging export rules gave */
	struct past_link had; /* its link as it was read */
	uint64_t old_anchor_h;
	uint64_t new_anchor_h; /* to be written with a new object */
};

struct work_mv {
	struct mv_row row;
	const struct mv_plan *plan; /* NULL: its type is not configured */
	struct image image;
	struct lineage lineage;
	struct image before; /* as they were read: for the history */
	struct lineage lineage_before;
	struct work_cs **links_before;
	size_t links_before_count;
	struct work_cs **links; /* its connectors, replaced when it changes */
	size_t link_count;
	bool members; /* sets have changes beside the stored image */
	bool is_new;
	bool removed;
	bool dirty;
	bool journaled;
};

struct saved_cs {
	struct work_cs *at;
	struct work_cs copy;
};

struct saved_mv {
	struct work_mv *at;
	struct work_mv copy;
};

/* What happened to a target's object within the step: rule 8 of the counters,
 * the strongest counts. */
enum outcome {
	OUT_NONE = 0,
	OUT_NO_FLOW,
	OUT_FLOW,
	OUT_RENAME,
	OUT_DISCONNECT,
	OUT_DELETE_ADD,
	OUT_ADD,
};
#define OUT_WITH_FLOW 16 /* of add, delete-add and rename */

struct outcome_change {
	int64_t cs;
	unsigned outcome; /* enum outcome | OUT_WITH_FLOW */
};

/* Buffered waits before `at` are over: those for a key, or of an object. */
struct wait_end {
	bool of_object;
	uint64_t key; /* the key, or the metaverse object */
	size_t at;    /* length of `waits` then */
};

/* Ids by key; those of one key hang together. */
struct fresh_link {
	int64_t id;
	uint64_t next; /* 1 + index, 0: the last */
};

struct fresh_ids {
	struct idmap first; /* key -> 1 + index of its last id in `chain` */
	VEC(struct fresh_link) chain;
};

struct ref_change {
	int64_t target;
	int64_t source;
	bool add;
	uint32_t attr; /* store number, 0: several */
};

/* Of an object that is held: as it is now, or that it is so no longer. */
struct hold_change {
	struct hold_row *row; /* as it was */
	struct hold_row now;
	bool over;
};

/* What a batch changes, to be written with it. Keys and references of other
 * rows are hints; what is buffered here is found before the store is asked. */
struct writes {
	VEC(struct work_cs *) all_cs;
	VEC(struct work_mv *) all_mv;
	VEC(struct key_row) cs_keys; /* gathered when the batch is written */
	VEC(struct key_row) mv_keys;
	VEC(struct key_row) mv_keys_gone;
	VEC(struct key_row) waits;
	VEC(struct key_row) waits_gone;
	VEC(struct wait_end) wait_ends;
	VEC(struct ref_change) refs;
	VEC(struct due_row) dues; /* time 0: none any more */
	VEC(struct hold_change) holds;
	VEC(int64_t) marked; /* metaverse objects to evaluate again */
	VEC(int64_t) unmarked;
};

/* An object whose sync failed since a name was taken, and whose connector in
 * the target (or 0) would give up its own. */
struct deferred {
	int64_t cs;
	int64_t leaving;
};

/* Who took the name that another one was about to give up. */
struct name_taker {
	int64_t cs;
	int64_t from;
};

/* Why metaverse objects are marked: set_marks.c */
struct mark {
	int64_t mv;
	int64_t cause; /* an object of either space */
};
struct relink {
	int64_t cs;
	int64_t mv;
};
/* Who is looked up by a value lost it. */
struct lost_key {
	int64_t mv;
	uint64_t h;    /* as in the store's keys */
	uint64_t wait; /* who looks it up from now on waits for this */
};
struct marks {
	bool on;
	struct idmap of; /* metaverse object -> how many causes, or whole */
	VEC(struct mark) causes;
	VEC(struct relink) relinks; /* of the step */
	VEC(struct lost_key) lost;  /* too */
};

struct sync {
	struct store *store;
	const struct config *config;
	const struct config_agent *agent; /* that is synchronized */
	uint32_t number;
	int batch_objects; /* at most, in a batch */
	const struct sync_options *options;
	const struct sync_trace *trace; /* NULL in a run */
	struct sync_result *result;
	struct counters *counters;
	struct rules_env rules;
	int64_t now;
	int64_t stamp; /* of values and links that are written: of this run and
			* no other */
	_Atomic int64_t next_past; /* the next row of the history */

	struct agent_plan *agents;  /* [config agent] */
	struct mv_plan *mv_types;   /* [config type] */
	uint32_t *rule_set_numbers; /* [config_rule_set.id] */
	uint64_t **join_numbers;    /* [config_rule_set.id][join] */
	size_t rule_set_count;
	/* [rule] where a direct flow found its attribute in the image looked
	 * at last: images of an agent mostly have the same ones */
	size_t *places;

	struct store_tx *tx;  /* NULL in a preview */
	struct arena batch;   /* memory of the working set */
	struct arena scratch; /* of one unit */
	struct writes w;      /* what the batch changes */
	struct flush *behind; /* the batch before, being written; or NULL */
	size_t uncommitted;   /* memory of the batches that were */
	struct idmap cs;      /* id -> struct work_cs */
	struct idmap mv;      /* id -> struct work_mv */
	int64_t preview_id;   /* next id of a preview, negative */

	/* what the store says of links, over batches: cs -> 1 + mv, and
	 * mv -> its connectors; both forgotten when they grow large */
	struct idmap partners;
	struct idmap mv_links;
	struct arena mv_links_arena;
	VEC(int64_t) relinked; /* metaverse objects whose links changed */

	VEC(struct outcome_change) unit_outcomes;
	struct fresh_ids fresh_mv_keys;
	struct fresh_ids fresh_waits; /* of earlier batches too, while known */
	bool waits_known;             /* all that wait are in fresh_waits */
	bool waits_stored;   /* the store had some when the step began */
	bool joins_stored;   /* disconnectors are indexed */
	bool joins_told;     /* and the store says so, or will with a batch */
	bool dues_stored;    /* the store has what is due some day */
	bool alone;          /* a review: of metaverse objects the connectors
			      * are not read */
	bool forgot;         /* links, since ahead_refs.c was told */
	struct expr_due due; /* of what is evaluated: see due.c */
	struct held *held;   /* objects that are held; NULL: none is */

	/* the unit: one object's synchronization */
	VEC(struct saved_cs) saved_cs;
	VEC(struct saved_mv) saved_mv;
	size_t unit_cs; /* lengths when it began */
	size_t unit_mv;
	size_t unit_mv_keys;
	size_t unit_mv_keys_gone;
	size_t unit_waits;
	size_t unit_waits_gone;
	size_t unit_wait_ends;
	size_t unit_refs;
	size_t unit_dues;
	size_t unit_holds;
	size_t unit_marked;
	size_t unit_unmarked;
	int64_t processed;    /* the object that is synchronized, or 0 */
	int64_t equal_writer; /* it, when its own import or link is new */
	bool equals;          /* some attribute has `equal` precedence */
	bool writer_was_linked;
	struct image writer_before; /* the values it stood on until then */
	char blocked[512]; /* "code: why": not provisioned, no failure */
	unsigned round;    /* of evaluate(), counted over a preview */

	struct id_bytes outcomes; /* cs -> outcome, over the step */
	struct idmap
		read_sets;     /* attribute -> 1 rules read it, 2 they do not */
	struct id_bytes quiet; /* cs -> inbound counter "no-flow" so far */
	struct idmap failed_mv; /* not tried again in this step */
	size_t reevaluated;     /* marked objects, in this round */

	/* names that another object is about to give up: names.c */
	int64_t wants_other; /* unit: it could not be renamed, the name is taken
			      */
	bool last_try;
	bool sets;        /* pass_sets() takes what changes in sets */
	bool finds_quiet; /* this process looks for quiet objects */
	bool settled;     /* those in `quiet` have had their turn */
	bool has_others;  /* these are all others, in order */
	int64_t *others;
	size_t other_count;
	struct marks marks;
	VEC(struct deferred) deferred;
	struct idmap leaving; /* objects that wait for their new name */
	VEC(struct name_taker) takers;
};

/* ---- outcome.c ---- */
/* Counts a synchronized object, by a literal's name. */
void outcome_inbound(struct sync *sync, const char *counter, int64_t id);
/* Its values changed after the object itself was synchronized. */
void outcome_flowed(struct sync *sync, const struct work_mv *mv);
void outcome_flowed_of(struct sync *sync, int64_t cs);
/* What is counted at the end of the step; of one that did not end only
 * objects that were synchronized. */
void outcome_count(struct sync *sync, bool ended);

/* ---- plan.c ---- */
int plan_init(struct sync *sync, struct error *err);
void plan_release(struct sync *sync);
struct agent_plan *plan_agent(struct sync *sync, uint32_t number);
struct mv_plan *plan_mv(struct sync *sync, uint32_t number);
const struct config_rule_set *plan_rule_set(struct sync *sync, uint32_t number);
uint32_t plan_rule_set_number(struct sync *sync,
			      const struct config_rule_set *rs);

/* ---- work.c ---- */
void work_init(struct sync *sync);
void work_release(struct sync *sync);
/* 1: *out; 0: no such object (or removed in this batch); -1 */
int work_cs(struct sync *sync, int64_t id, struct work_cs **out,
	    struct error *err);
/* Of one that has been read; its memory lives as long as the batch. */
int work_cs_entry(struct sync *sync, const struct entry *entry,
		  struct work_cs **out);
int work_mv(struct sync *sync, int64_t id, struct work_mv **out,
	    struct error *err);
/* One that has been read, with its connectors: ids and entries (NULL: not
 * read). What the batch before may have changed is read anew. */
struct read_mv {
	struct mv_row row;
	struct image image;
	struct lineage lineage;
	bool members;
	int64_t *links;
	struct entry **entries;
	size_t link_count;
};
int work_mv_read(struct sync *sync, const struct read_mv *read,
		 struct error *err);
struct work_cs *work_new_cs(struct sync *sync, struct agent_plan *agent,
			    struct error *err);
struct work_mv *work_new_mv(struct sync *sync, struct mv_plan *plan,
			    struct error *err);
/* Call before changing a field: the unit can be taken back. */
void work_touch_cs(struct sync *sync, struct work_cs *cs);
void work_touch_mv(struct sync *sync, struct work_mv *mv);
void work_unit_begin(struct sync *sync, int64_t processed);
void work_unit_keep(struct sync *sync);
void work_unit_drop(struct sync *sync);
/* Moves the batch out; the working set is empty after that. */
void work_hand_over(struct sync *sync, struct writes *writes,
		    struct arena *batch, struct idmap *cs, struct idmap *mv);
void work_release_writes(struct writes *writes);
/* Nothing of it is kept. */
void work_forget(struct sync *sync);
/* The metaverse object that a connector space object is linked to, or 0. */
int work_partner(struct sync *sync, int64_t id, int64_t *mv_out,
		 struct error *err);
/* The stored links of an object outside of the working set. */
struct link_list {
	struct link_ref *at;
	size_t len;
};
int work_links_of(struct sync *sync, int64_t mv, const struct link_list **out,
		  struct error *err);
/* What has been read of both, or what the batch before made of it. */
void work_links_read(struct sync *sync, const struct ahead *ahead);
void work_outcome(struct sync *sync, const struct work_cs *cs,
		  enum outcome outcome, bool flow);
void work_outcome_of(struct sync *sync, int64_t cs, enum outcome outcome,
		     bool flow);
/* Evaluate this metaverse object again before the step ends. */
void work_mark(struct sync *sync, int64_t mv);
/* The same, because of a value that it may have: a connector space object that
 * was tied or untied, or a metaverse object whose connectors changed. */
void work_mark_value(struct sync *sync, int64_t mv, int64_t cause);
void work_wait(struct sync *sync, uint64_t h, int64_t mv);
/* What the object waited for is forgotten: it is evaluated anew. */
int work_wait_afresh(struct sync *sync, const struct work_mv *mv,
		     struct error *err);
/* What waits for `h` is marked. */
int work_wake(struct sync *sync, uint64_t h, struct error *err);
/* The same, because of such a value. */
int work_wake_value(struct sync *sync, uint64_t h, int64_t cause,
		    struct error *err);
void work_add_mv_key(struct sync *sync, uint64_t h, int64_t mv);
int work_find_mv_key(struct sync *sync, uint64_t h, int64_t **out,
		     struct error *err);
int work_dn(struct sync *sync, const struct work_cs *cs, struct sv *out,
	    struct error *err);
/* Tells a preview; does nothing in a run. `event` is whole but for its text
 * and round. */
void trace_event(struct sync *sync, const struct sync_event *event,
		 const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void trace(struct sync *sync, const char *step, const char *found,
	   const struct config_rule_set *rule_set, int64_t cs, int64_t mv,
	   const char *fmt, ...) __attribute__((format(printf, 7, 8)));

/* ---- flush.c: the batch is written, the working set empty after that ---- */
/* Into the present transaction. */
int flush_now(struct sync *sync, struct error *err);
/* By another thread, which also commits and begins the next transaction, then
 * reads `ahead`, if it is not NULL. What asks the store for rows meanwhile
 * waits for it. */
int flush_behind(struct sync *sync, struct ahead *ahead, struct error *err);
/* Waits until what is written behind is in the store. */
int flush_settle(struct sync *sync, struct error *err);
/* The object in the batch that is being written, or NULL. Of it only what the
 * writer leaves alone may be looked at: whether it is removed, and links. */
const struct work_cs *flush_cs(const struct sync *sync, int64_t id);
const struct work_mv *flush_mv(const struct sync *sync, int64_t id);

/* ---- ahead.c: objects are read before the batch that takes them ---- */

/* Which of the agent's objects a pass takes. */
enum pass {
	PASS_ALL,
	PASS_CHANGED,
	PASS_DELETED,
	PASS_MARKED, /* metaverse objects, of all agents */
};

struct ahead_object {
	int64_t id;
	struct entry *entry; /* NULL: it is gone, or a metaverse object */
	struct read_mv *mv;  /* NULL: none, or not read */
};
/* The links of what they refer to: ahead_refs.c. */
struct links_of {
	int64_t mv;
	struct link_list list;
};
struct ahead_refs {
	bool *imported; /* [attr_id] it may be a reference that flows */
	bool *exported;
	size_t count;
	struct id_bytes told; /* connectors and metaverse objects */
};
#define AHEAD_MAX 8192
struct ahead {
	struct store *store;
	struct ahead_refs *refs;
	uint32_t agent;
	enum pass pass;
	bool sets;       /* others take what changes in sets alone */
	bool has_others; /* PASS_ALL: these, in order, and no others */
	const int64_t *others;
	size_t other_count;
	int64_t after;      /* objects behind this one */
	int wanted;         /* about as many */
	struct arena arena; /* what is read, for the batch */
	struct ahead_object objects[AHEAD_MAX];
	int len;
	bool ended; /* nothing comes behind them */
	VEC(struct link_pair) partners;
	VEC(struct links_of) links;
	size_t own_links; /* from here on, those of the object at hand */
};
/* Asks the store alone: by any thread, one at a time. */
int ahead_read(struct ahead *ahead, struct error *err);
void ahead_free(struct ahead *ahead); /* of mem_zalloc() */
void ahead_refs_init(struct ahead_refs *refs, const struct config *config);
void ahead_refs_release(struct ahead_refs *refs);
int ahead_refs_read(struct ahead *ahead, const struct ahead_object *object,
		    struct error *err);

/* ---- record.c: what was before ---- */
/* What the batch changed of a metaverse object, before it is written; by the
 * thread that writes, with memory of the batch and room for bytes. */
int record_mv(struct sync *sync, struct store_tx *tx, const struct work_mv *mv,
	      struct arena *arena, struct strbuf *bytes, struct error *err);
/* Values of reference sets came or went; rows are as they are now. */
int record_members(struct sync *sync, int64_t mv, uint32_t type,
		   const struct member *rows, size_t count, struct error *err);

/* ---- encode.c: bytes of a batch, ahead of its writer ---- */
struct encode_job {
	const struct image *image;
	const struct lineage *lineage; /* NULL: none */
	struct sv bytes;
	struct sv lineage_bytes;
};
struct encoder;
/* Jobs and what they point at stay until encoder_stop(). */
struct encoder *encoder_start(const struct attr_map *map,
			      struct encode_job *jobs, size_t len);
/* Job `at` with its bytes, which live until encoder_stop(). */
const struct encode_job *encoder_wait(struct encoder *encoder, size_t at);
void encoder_stop(struct encoder *encoder);

/* ---- view.c: objects as rules see them ---- */
struct cs_view {
	struct sync *sync;
	struct work_cs *cs;
	struct image expected;
	struct image imported;
	struct value dn;
	struct values dn_values;
};
/* Memory from the unit's scratch; the object must not change meanwhile. */
void view_cs(struct sync *sync, struct work_cs *cs, struct cs_view *view);
struct rules_object view_expected(struct cs_view *view);
struct rules_object view_imported(struct cs_view *view);
struct rules_object view_mv(const struct work_mv *mv);
/* The values that the rules of an object stand on: what is expected, or while
 * an import of it is pending what was synchronized. */
struct image view_values(struct sync *sync, const struct work_cs *cs);
/* A computed key of a metaverse object, or the values of an attribute. */
int view_mv_key(struct sync *sync, const struct work_mv *mv,
		const struct image *image, attr_id attr, struct values *out,
		struct error *err);

/* ---- link.c: linking, unlinking, deletion rule, deprovisioning ---- */
/* The error says that another connector is in the way: it may not be for long.
 */
bool link_error_occupied(const struct error *err);
int link_connect(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
		 const struct config_rule_set *rule_set, enum link_how how,
		 struct error *err);
void link_disconnect(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
		     enum link_state state, enum link_how how, bool remember);
/* After `cs` of `rule_set` was lost by its import or its filter: 1 the object
 * was deleted with its other connectors deprovisioned, 0 it stays. */
int link_deletion_rule(struct sync *sync, struct work_mv *mv, int64_t cs,
		       const struct config_rule_set *rule_set,
		       struct error *err);
int link_deprovision(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
		     struct error *err);
/* It is to be deleted in its system, whatever the rules say; `mv` is what it is
 * linked to, or NULL. */
int link_take_away(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
		   struct error *err);
/* The object is gone: a placeholder stays where something needs it. */
int link_remove_object(struct sync *sync, struct work_cs *cs,
		       struct error *err);
/* Nothing of it ever reached the system. */
bool link_never_exported(const struct work_cs *cs);
/* What waited for its day is deprovisioned without its metaverse object. */
int link_deprovision_left(struct sync *sync, struct work_cs *cs,
			  struct error *err);
struct work_cs *link_find(const struct work_mv *mv,
			  const struct config_rule_set *rule_set);
/* Metaverse objects that refer to this one are evaluated again. */
int link_mark_mv_referrers(struct sync *sync, int64_t mv, struct error *err);
/* The same after a change of what it is found by. */
int link_mark_mv_finders(struct sync *sync, int64_t mv, struct error *err);
/* Referrers of a connector space object that lost its partner. */
int link_mark_referrers(struct sync *sync, int64_t id, struct error *err);

/* ---- leave.c: deprovisioning that waits ---- */
/* It waits, or is to from now on: not the day yet. */
bool leave_waits(struct sync *sync, const struct work_cs *cs);
/* It begins to wait, or goes on: 1 what is exported meanwhile is pending, 0
 * nothing changed, -1 */
int leave_begin(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
		struct error *err);
/* The wait is over, or not to be had any more. */
void leave_end(struct sync *sync, struct work_cs *cs);
/* It is wanted again: the export rules act again. */
void leave_cancel(struct sync *sync, struct work_cs *cs);

/* ---- the steps, in order ---- */
/* filter.c: 1 *out is the rule set, 0 none fits */
int filter_select(struct sync *sync, struct work_cs *cs,
		  const struct config_rule_set **out, struct error *err);
int filter_in_scope(struct sync *sync, struct work_cs *cs,
		    const struct config_rule_set *rule_set, struct error *err);
int filter_matches(struct sync *sync, struct work_cs *cs,
		   const struct config_rule_set *rule_set, struct error *err);
/* Why none fits, for a preview. */
void filter_trace_none(struct sync *sync, struct work_cs *cs);
/* join.c: 1 *out is the partner, 0 none, 2 several, so that it stays a
 * disconnector, -1 the object's error */
int join_find(struct sync *sync, struct work_cs *cs,
	      const struct config_rule_set *rule_set, struct work_mv **out,
	      struct error *err);
/* What the rules search for; what fails is left out. */
void join_values(struct sync *sync, struct work_cs *cs,
		 const struct config_rule_set *rule_set,
		 struct sync_unlinked *out, struct error *err);
/* The other way round, before provisioning: 1 a normal disconnector, 0 none,
 * 2 something stands in the way (noted), -1 */
int join_reverse(struct sync *sync, struct work_mv *mv,
		 const struct config_rule_set *rule_set, struct work_cs **out,
		 struct error *err);
/* Keys by which join_reverse and appearing values find a disconnector. */
int join_index(struct sync *sync, struct work_cs *cs,
	       const struct config_rule_set *rule_set, struct error *err);
/* The same of an object that lost its link. */
int join_index_unlinked(struct sync *sync, struct work_cs *cs,
			struct error *err);
/* Disconnectors that a new value of the metaverse object may join. */
int join_wake(struct sync *sync, struct work_mv *mv,
	      const struct config_rule_set *rule_set,
	      const struct image *before, struct error *err);
/* Indexes what other agents imported since. */
int join_index_imported(struct sync *sync, struct error *err);
/* The same of one object; what is linked or none is passed over. */
int join_index_one(struct sync *sync, int64_t id, struct error *err);
/* project.c: 1 *out is a new metaverse object, 0 not to be projected */
int project(struct sync *sync, struct work_cs *cs,
	    const struct config_rule_set *rule_set, struct work_mv **out,
	    struct error *err);
/* import_flow.c: computes mv->image from all connectors; 1 it changed */
int import_flow(struct sync *sync, struct work_mv *mv, struct error *err);
/* Keys of `before` that `after` has no more go, new ones come. */
int import_flow_keys(struct sync *sync, struct work_mv *mv,
		     const struct image *before, const struct image *after,
		     struct error *err);
/* provision.c: 1 connectors came or went, 0 not */
int provision(struct sync *sync, struct work_mv *mv, struct error *err);
/* export_flow.c: 1 pending exports changed, 0 not */
int export_flow(struct sync *sync, struct work_mv *mv, struct error *err);
/* Values that a merging rule gave and is to take back some day. */
int export_flow_gave(struct sync *sync, struct work_cs *cs, attr_id attr,
		     const struct values *values, struct error *err);
/* These rules and no others, once: 1 something is pending now. */
int export_flow_only(struct sync *sync, struct work_mv *mv, struct work_cs *cs,
		     const struct config_export_flow *rules, size_t count,
		     struct error *err);

/* names.c: DNs and unique values in an agent */
int names_taken(struct sync *sync, struct agent_plan *agent, struct sv dn,
		int64_t except, struct work_cs **out, struct error *err);
int names_place(struct sync *sync, struct agent_plan *agent, struct sv dn,
		bool create_parents, int64_t *parent_out, struct sv *rdn_out,
		struct error *err);
int names_unique_taken(struct sync *sync, struct agent_plan *agent,
		       attr_id attr, const struct value *value, int64_t except,
		       struct error *err);
/* The anchor that a new object will have, by its values; empty when the system
 * makes it. */
int names_anchor(struct sync *sync, struct agent_plan *agent, size_t type,
		 const struct image *image, struct sv *out);
/* 1: another object of the type has it; 0 not; -1 */
int names_anchor_taken(struct sync *sync, struct agent_plan *agent,
		       uint32_t type, struct sv anchor, struct work_cs **out,
		       struct error *err);
/* The error says that a name is taken: it may not be for long. */
bool names_error_taken(const struct error *err);
/* Names that were taken before their bearer failed to give them up. */
int names_give_back(struct sync *sync, struct error *err);
void names_add_keys(struct sync *sync, struct agent_plan *agent,
		    const struct work_cs *cs);

/* sets.c: changes of reference sets, value by value */
/* This step may have such. */
bool sets_any(const struct sync *sync);
/* 1: the object is synchronized; 0: it is to be like any other; -1 */
int sets_take(struct sync *sync, int64_t id, struct error *err);
/* Any agent has such: sets of others change with what they refer to. */
bool sets_anywhere(const struct sync *sync);

/* set_marks.c: sets whose values were tied, untied or are no more */
/* A connector space object and a metaverse object were tied, or untied. */
void marks_relink(struct sync *sync, int64_t cs, int64_t mv);
void marks_whole(struct sync *sync, int64_t mv);
/* A metaverse object is looked up by a value no more; who refers to it is
 * marked, with it as the cause. */
void marks_lost(struct sync *sync, int64_t mv, uint64_t h, uint64_t wait);
/* What is marked already is looked at as a whole. */
int marks_begin(struct sync *sync, struct error *err);
void marks_value(struct sync *sync, int64_t mv, int64_t cause);
/* Those marked objects that can be followed by value are; the others stay
 * marked. The working set is empty. */
int marks_take(struct sync *sync, struct error *err);
void marks_release(struct marks *marks);

/* sync.c: what is written is kept, the next transaction begins */
int sync_commit(struct sync *sync, struct error *err);
/* The six steps of one object, within a unit. */
int sync_take(struct sync *sync, struct work_cs *cs, const char **counter_out,
	      struct error *err);
/* One object through its steps: counted, or its error recorded. */
int sync_object(struct sync *sync, struct work_cs *cs, struct error *err);
/* The unit of `cs` succeeded: kept and counted; what blocked a part of it is
 * recorded, an error of before is over. */
int sync_keep(struct sync *sync, struct work_cs *cs, const char *counter,
	      struct error *err);
/* The step's frame, for what is not a whole pass: init, begin to end, release
 * in any case. */
void sync_init(struct sync *sync, struct store *store,
	       const struct config *config, const struct config_agent *agent,
	       const struct sync_options *options, struct counters *counters,
	       struct sync_result *out);
int sync_begin(struct sync *sync, struct error *err);
int sync_end(struct sync *sync, struct error *err);
void sync_release(struct sync *sync);

/* look.c: the frame for what keeps nothing. */
struct looking {
	struct store *store;
	const struct config *config;
	const struct config_agent *agent; /* or NULL */
	const struct sync_trace *trace;   /* or NULL */
	int64_t now;                      /* 0: the clock's */
};
int look(const struct looking *looking,
	 int (*fn)(void *data, struct sync *sync, struct error *err),
	 void *data, struct error *err);
/* The agent's objects one by one: fn returns 0 to go on, 1 to stop, -1. */
int look_at_all(struct sync *sync,
		int (*fn)(void *data, const struct entry *entry,
			  struct error *err),
		void *data, struct error *err);

/* What the six steps of one object are made of. The pending import is consumed:
 * the image is what is synchronized. */
void sync_consume(struct sync *sync, struct work_cs *cs);
/* The metaverse object of a connector. */
int sync_partner(struct sync *sync, struct work_cs *cs, struct work_mv **out,
		 struct error *err);
/* Its link is cut, the deletion rule asked, what is left evaluated. */
int sync_lose(struct sync *sync, struct work_cs *cs, struct work_mv *mv,
	      enum link_state state, enum link_how how, bool *removed_out,
	      struct error *err);
/* Of a disconnector; without effect when it has that state. */
void sync_set_state(struct sync *sync, struct work_cs *cs,
		    enum link_state state, enum link_how how);
/* It is linked and its metaverse object evaluated. */
int sync_link_up(struct sync *sync, struct work_cs *cs,
		 const struct config_rule_set *rule_set, struct work_mv *mv,
		 enum link_how how, enum link_state state,
		 const char **counter_out, struct error *err);
/* Records `why` as the object's error; the step goes on. */
int sync_record_error(struct sync *sync, int64_t cs, const struct error *why,
		      struct error *err);

/* pass.c: the loops of the step; the batch is written at the end of each. */
/* 1: stopped by the operator */
int pass_objects(struct sync *sync, enum pass pass, struct error *err);
/* Changes of reference sets: by value, or else as any other object. */
int pass_sets(struct sync *sync, struct error *err);
/* What was deferred: now it succeeds, or fails for good. */
int pass_last(struct sync *sync, struct error *err);
/* Objects that wait for what came, lost what they had, or were left over by
 * another run. What they touch in turn comes in the next round. */
int pass_fix_up(struct sync *sync, struct error *err);

/* quiet.c: other processes look for objects that stay as they are */
int quiet_take(struct sync *sync, struct error *err);

/* changes.c: after a change of rules: whom it concerns is queued */
int changes_take(struct sync *sync, struct error *err);

/* due.c: what changes with the time */
/* The rules that are evaluated from here on are of one object: its inbound
 * rules, or a metaverse object's. */
void due_begin(struct sync *sync);
/* Keeps when they are to be asked again. */
void due_keep(struct sync *sync, enum due_kind kind, int64_t id);
/* `time` 0: never. */
void due_put(struct sync *sync, enum due_kind kind, int64_t id, int64_t time,
	     struct sv why);
/* What Now() is in values of this object's rules. */
int due_as_of(struct sync *sync, const struct work_mv *mv, struct error *err);
/* Queues what has come due. */
int due_take(struct sync *sync, struct error *err);
/* 1: the object's deletion rule, asked before, may say something else now. */
int due_deletion(struct sync *sync, const struct work_mv *mv,
		 struct error *err);

/* evaluate.c: the metaverse object and its targets until nothing changes;
 * *flowed_out: an import flow changed it. */
int evaluate(struct sync *sync, struct work_mv *mv, bool *flowed_out,
	     struct error *err);

/* ask.c: Lua functions that choose */
/* 1 *out is the number of one (1 ...), 0 none, -1 */
int ask_candidate(struct sync *sync, const struct config_rule_set *rule_set,
		  const struct rules_view *rules, struct work_mv **candidates,
		  size_t count, size_t *out, struct error *err);
/* 1 it is to go, 0 not, -1; `lost` may be NULL */
int ask_deletion(struct sync *sync, const struct work_mv *mv,
		 const struct config_rule_set *lost, struct error *err);
struct contribution {
	const struct config_rule_set *rule_set;
	int64_t cs;
	struct values values;
	bool list;     /* the attribute takes several */
	bool current;  /* its value is the present one */
	bool changed;  /* its import is what is synchronized */
	int64_t since; /* current: since when */
};
/* 1 *out is the number of one (1 ...), 0 no value, 2 as it was, -1 */
int ask_contributor(struct sync *sync, const struct config_mv_attr *attr,
		    const struct contribution *all, size_t count, size_t *out,
		    struct error *err);

/* Object errors carry their code before the first blank of the message. */
int object_error(struct error *err, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
