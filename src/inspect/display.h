/*
 * display.h - objects of the store as a person sees them
 *
 * Names instead of numbers, texts instead of typed values, references as what
 * they point to. Used by search, pending and whatever else shows objects;
 * changes nothing. Values of attributes that hold passwords are never given
 * out: "(secret)" stands in their place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef INSPECT_DISPLAY_H
#define INSPECT_DISPLAY_H

#include "base/vec.h"
#include "config/config.h"
#include "store/entry.h"
#include "store/member.h"
#include "store/mv.h"
#include "store/tree.h"

struct display {
	struct store *store;
	const struct config *config;
	VEC(struct tree *) trees; /* one for each agent that was asked for */
	VEC(char) secrets;        /* [attr]: is it one? 0: not asked yet */
	bool keep_names;
	struct idmap names; /* kept: id -> struct sv */
	struct arena name_texts;
};

/* Borrows both; the attributes must be bound to the store. */
void display_init(struct display *display, struct store *store,
		  const struct config *config);
void display_release(struct display *display); /* accepts the all-zero struct */

/* Names that references show are kept from now on: nothing gives objects other
 * names meanwhile. */
void display_keep_names(struct display *display);

/* The tree of names of an agent; lives as long as the display. */
struct tree *display_tree(struct display *display, uint32_t agent);

struct display_texts {
	struct sv *at;
	size_t len;
};

struct display_attr {
	const char *name;
	struct display_texts values;
};

struct display_attrs {
	struct display_attr *at;
	size_t len;
};

struct display_change {
	const char *name;
	uint32_t attr; /* configuration number */
	struct display_texts before;
	struct display_texts after;
};

/* When an export that failed is tried again. */
struct display_retry {
	bool failed; /* this very change failed; else all is 0 */
	int64_t failures;
	int64_t quarantined; /* since; 0: it is tried in each run */
	int64_t runs;        /* in so many export runs; 1: the next */
	bool held;           /* by a person: in none until it changes */
};

/* A pending export, or one that awaits confirmation. */
struct display_export {
	const char *operation; /* NULL: none; "add", "rename" ... */
	struct sv dn;          /* the new one, or empty */
	bool in_progress;
	struct display_retry retry;
	struct display_change *changes; /* against what lies below it */
	size_t change_count;
};

struct display_cs {
	int64_t id;
	const char *agent;
	const char *type;
	const char *state; /* one of display_states */
	struct sv dn;
	struct sv anchor;
	int64_t mv;           /* 0: not linked */
	const char *rule_set; /* or NULL */
	struct display_attrs
		expected; /* image, awaiting and pending together */
	bool has_image;
	struct display_attrs image;
	const char *import; /* NULL: nothing staged; "add", "update" ... */
	bool renamed;
	struct sv old_dn;
	struct display_change *import_changes;
	size_t import_change_count;
	struct display_export awaiting;
	struct display_export pending;
	bool has_error;
	struct cs_error error; /* the first of sync, export, import */
};

struct display_connector {
	int64_t cs;
	const char *agent;
	const char *rule_set;
	struct sv anchor;
	struct sv dn;
};

struct display_mv {
	int64_t id;
	char guid[37];
	const char *type;
	struct display_attrs attrs;
	struct display_connector *connectors;
	size_t connector_count;
};

/* "connector", "disconnector" ...; ends with NULL. */
extern const char *const display_states[];
const char *display_state(const struct entry *entry);

/* What the entry and the row say, in the arena; views of them stay views. */
int display_cs(struct display *display, const struct entry *entry,
	       struct arena *arena, struct display_cs *out, struct error *err);
/* The same, but of its attributes those that are pending only, no error and
 * no retry: image, expected, awaiting and the pending import stay empty. */
int display_cs_pending(struct display *display, const struct entry *entry,
		       struct arena *arena, struct display_cs *out,
		       struct error *err);
int display_mv(struct display *display, const struct mv_row *row,
	       struct arena *arena, struct display_mv *out, struct error *err);

/*
 * DN and anchor of a connector space object, empty where it has none: the name
 * that the system knows, of a pending add the one that it will have. 1 found,
 * 0 no such object, -1.
 */
int display_cs_name(struct display *display, int64_t id, struct arena *arena,
		    struct sv *dn_out, struct sv *anchor_out,
		    struct error *err);

/* "2:17": the agent's number and the object's; as people name it. */
const char *display_cs_id(int64_t id, struct arena *arena);
/* 1 read, 0 not such a text. */
int display_cs_id_parse(struct sv text, int64_t *out);

/* The attribute holds a password or what serves as one. */
bool display_is_secret(const char *attr);

/* What a person would call it: display name, common name ...; empty. */
struct sv display_title(const struct display_attrs *attrs);

/* A rule set's name without its agent's; NULL when there is none. */
const char *display_rule_set(struct display *display, uint32_t number);

enum display_space { DISPLAY_CS, DISPLAY_MV };
/* One value as text: binary as base64, a reference as DN or anchor of its
 * target, in the metaverse "mv 2". */
int display_value(struct display *display, const struct value *value,
		  enum display_space space, struct arena *arena, struct sv *out,
		  struct error *err);

/* All values of an attribute; NULL: none. A password is "(secret)". */
int display_values(struct display *display, uint32_t attr,
		   const struct values *values, enum display_space space,
		   struct arena *arena, struct display_texts *out,
		   struct error *err);
/* A metaverse object that was: the row says who it is, the image and links
 * what it had. */
struct past_link;
int display_mv_was(struct display *display, const struct mv_row *row,
		   const struct image *image, const struct past_link *links,
		   size_t link_count, struct arena *arena,
		   struct display_mv *out, struct error *err);

/* Of what is pending of an object. */
int display_retry(struct display *display, int64_t id,
		  struct display_retry *out, struct error *err);

#endif
