/*
 * file_ops.h - the operations of an export to files, kept until its end
 *
 * They are spooled as they come, and found again by the anchors of the objects
 * that a file has. Several on one object stay in their order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_FILE_OPS_H
#define CONNECTORS_FILE_OPS_H

#include "base/map.h"
#include "base/vec.h"
#include "connector/connector.h"
#include "connectors/spool.h"

/* One operation; what it sends is [begin, end) of the spool. */
struct file_op {
	uint64_t id;
	enum export_kind kind;
	bool retry;
	size_t type;
	struct sv anchor;
	uint64_t begin;
	uint64_t end;
	struct file_op *next; /* on the same object */
	bool met;             /* its object was met in the file */
	bool adopted;
	const char *error;
	struct sv message;
};

/* All of an export. */
struct file_ops {
	const struct connector_config *config;
	struct arena arena;
	struct spool spool;
	VEC(struct file_op *) all;
	size_t given;
	bool done; /* they have their outcomes */
};

/* Those on the objects of one file. */
struct file_objects {
	const struct sv *anchors; /* the names of the anchor's parts */
	size_t anchor_count;
	struct hashmap by_anchor; /* type and folded anchor -> 1 + index */
	VEC(struct file_op *) first;
};

/* An attribute of a spooled operation. */
struct file_op_attr {
	size_t attr;
	enum attr_op op;
	size_t count;
	struct sv *values; /* in an arena */
};

/* A new operation, without an anchor and what it sends. */
struct file_op *file_op_add(struct file_ops *ops, const struct export_op *from);
/* Its outcome is this error; returns -1. */
int file_op_refuse(struct file_op *op, const char *error, const char *message);
/* Its anchor, as the engine knows it or as it is sent; -1: it is refused. */
int file_op_find_anchor(struct file_ops *ops,
			const struct file_objects *objects,
			const struct export_op *from, struct file_op *op);
/* Does the change of an attribute give the object another anchor? */
bool file_op_moves_anchor(struct file_ops *ops,
			  const struct file_objects *objects,
			  const struct export_op *from,
			  const struct attr_change *change);
/* What it sends: made by file_op_put_*(), the number of attributes first. */
int file_op_spool(struct file_ops *ops, struct file_objects *objects,
		  struct file_op *op, struct sv bytes, struct error *err);
int file_op_read(const struct file_ops *ops, const struct file_op *op,
		 struct arena *arena, struct sv *out, struct error *err);

void file_op_put_number(struct strbuf *out, uint64_t number);
void file_op_put_text(struct strbuf *out, struct sv text);
/* The attribute, what is done to it, and how many texts follow. */
void file_op_put_attr(struct strbuf *out, const struct attr_change *change);
uint64_t file_op_take_number(struct sv *in);
void file_op_take_attr(struct sv *in, struct arena *arena,
		       struct file_op_attr *out);

/* Part `i` of an anchor joined by "|". */
struct sv file_anchor_part(struct sv anchor, size_t i, size_t count);
/* The number of the part of the anchor that this attribute is, or the count. */
size_t file_anchor_index(const struct file_objects *objects, const char *name);
/* The first of the operations on the object with this anchor, or NULL. */
struct file_op *file_ops_on(const struct file_ops *ops,
			    const struct file_objects *objects, size_t type,
			    struct sv anchor, struct arena *arena);

/* The next outcome, once they are done, in the order in which they came. */
int file_ops_result(struct file_ops *ops, struct arena *arena,
		    struct export_outcome *out);
void file_objects_release(struct file_objects *objects);
void file_ops_release(struct file_ops *ops);

/* ---- values of an attribute, as texts ---- */

struct texts {
	struct sv *at; /* in an arena */
	size_t len;
	size_t room;
};

void texts_push(struct texts *texts, struct arena *arena, struct sv text);
/* Splits the text at the attribute's separator, when it has one. */
void texts_push_parts(struct texts *texts, struct arena *arena,
		      const struct attr_def *def, struct sv text);
/* The number of the same value by the attribute's matching rule, or their
 * number. */
size_t texts_find(const struct texts *texts, const struct attr_def *def,
		  struct sv value);
/* What they are after the change. */
void texts_apply(struct texts *texts, struct arena *arena,
		 const struct attr_def *def, const struct file_op_attr *change);
/* One text, joined by the attribute's separator. */
struct sv texts_join(const struct texts *texts, const struct attr_def *def,
		     struct arena *arena);

#endif
