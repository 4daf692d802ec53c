/*
 * ldif_judge.c - what becomes of each operation of an export to LDIF
 *
 * Called at the end of an export, when the content is rewritten or when what
 * became of an operation that was sent before is not known. First the directory
 * is read for the names that the operations mention, then they are judged one
 * after the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif_export.h"

#include "model/dn.h"

#include <string.h>

/* What is known of a folded name that an operation is about. */
#define PRESENT (UINT64_C(1) << 63) /* the directory has it */
#define SAME    (UINT64_C(1) << 62) /* ... as a repeated add sent it */
#define ADD     (SAME - 1)          /* 1 + index of that add; 0: none */

struct judge {
	struct connector_session *s;
	struct ldif_export *ex;
	struct hashmap names;        /* folded name -> what is known of it */
	struct ldif_overlay *before; /* while names are collected: renames */
	struct ldif_overlay *after;  /* as the operations judged leave them */
	int fd; /* of the records that `after` shall know, or -1 */
	struct arena scratch;
	struct ldif_texts texts; /* of the operation at hand */
};

static void note(struct ldif_overlay *overlay, int fd, enum ldif_kind kind,
		 const struct ldif_texts *texts, uint64_t begin, uint64_t end)
{
	struct ldif_record record = { .kind = kind,
				      .dn = texts->dn,
				      .new_dn = texts->new_dn,
				      .begin = begin,
				      .end = end };

	ldif_overlay_note(overlay, fd, &record);
}

/* ---- the names that operations mention ---- */

static void mention_folded(struct judge *j, struct sv folded, uint64_t add)
{
	uint64_t *known = hashmap_at(&j->names, folded);

	if (add)
		*known = (*known & ~ADD) | add;
}

/* The name as it is given and, when it is one that comes with a rename before
 * in this export, the one that this entry has now. */
static void mention(struct judge *j, struct sv dn, uint64_t add)
{
	struct sv now;

	mention_folded(j, dn_fold(dn, &j->scratch), add);
	if (j->before && ldif_overlay_find(j->before, dn, &j->scratch, &now) ==
				 LDIF_NAME_CONTENT)
		mention_folded(j, now, add);
}

static void mention_op(struct judge *j, size_t index)
{
	struct connector_session *s = j->s;
	const struct ldif_op *op = &j->ex->ops.at[index];

	mention(j, j->texts.dn,
		op->kind == EXPORT_ADD && op->retry ? index + 1 : 0);
	if (op->kind != EXPORT_RENAME)
		return;
	mention(j, j->texts.new_dn, 0);
	if (!j->before)
		j->before = ldif_overlay_new(s->config->types,
					     s->config->type_count, NULL);
	note(j->before, -1, LDIF_RENAME, &j->texts, 0, 0);
}

static int each_op(struct judge *j, void (*fn)(struct judge *, size_t),
		   struct error *err)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < j->ex->ops.len && ret == 0; i++) {
		arena_reset(&j->scratch);
		ret = ldif_texts_next(j->ex, &j->texts, &j->scratch, err);
		if (ret == 0 && !j->ex->ops.at[i].refused)
			fn(j, i);
	}
	spool_reader_release(&j->texts.reader);
	return ret;
}

/* ---- which of them are there ---- */

/* Does the entry carry each value that the add sent? */
static int carries(struct ldif_export *ex, const struct ldif_op *add,
		   const struct ldif_line *lines, size_t count,
		   struct arena *arena, bool *out, struct error *err)
{
	struct ldif_record sent;
	struct ldif_entry entry;
	struct ldif_attr *attr;
	size_t i;
	size_t j;

	if (ldif_reread(NULL, spool_fd(&ex->spool), add->begin,
			ldif_op_end(ex, add), arena, &sent, err) < 0)
		return -1;
	ldif_entry_init(&entry, SV_NULL, lines, count, arena);
	*out = true;
	for (i = 0; i < sent.line_count && *out; i++) {
		if (sv_ieq_str(sent.lines[i].name, "entryUUID"))
			continue; /* made anew with each attempt */
		attr = ldif_entry_attr(&entry, sent.lines[i].name);
		*out = false;
		for (j = 0; attr && j < attr->len && !*out; j++)
			*out = ldif_value_same(attr->name, attr->values[j],
					       sent.lines[i].value);
	}
	return 0;
}

/* The entry has an anchor of its own, which the outcome will tell. */
static int keep_anchor(struct ldif_export *ex, uint64_t add, struct sv anchor,
		       struct error *err)
{
	uint64_t len = anchor.len;

	idmap_put(&ex->found_of, add, 1 + spool_size(&ex->found));
	if (spool_add(&ex->found, sv_make((const char *)&len, sizeof(len)),
		      err) < 0)
		return -1;
	return spool_add(&ex->found, anchor, err);
}

static int survey_entry(struct judge *j, struct sv dn,
			const struct ldif_line *lines, size_t count,
			struct error *err)
{
	struct sv anchor = j->s->anchor;
	uint64_t *known = hashmap_find(&j->names, dn_fold(dn, &j->scratch));
	uint64_t add;
	bool same;
	size_t i;

	if (!known)
		return 0;
	*known |= PRESENT;
	add = *known & ADD;
	if (!add)
		return 0;
	if (carries(j->ex, &j->ex->ops.at[add - 1], lines, count, &j->scratch,
		    &same, err) < 0)
		return -1;
	*known = (*known & ~SAME) | (same ? SAME : 0);
	for (i = 0; same && anchor.len && i < count; i++)
		if (sv_ieq(lines[i].name, anchor) &&
		    keep_anchor(j->ex, add, lines[i].value, err) < 0)
			return -1;
	return 0;
}

static int survey_item(struct judge *j, const struct ldif_item *item,
		       struct error *err)
{
	struct ldif_line *lines;
	size_t count;

	if (item->kind == LDIF_ITEM_SAME)
		return survey_entry(j, item->record.dn, item->record.lines,
				    item->record.line_count, err);
	if (item->kind != LDIF_ITEM_ENTRY)
		return 0;
	count = ldif_entry_lines(&item->entry, &j->scratch, &lines);
	return survey_entry(j, item->entry.dn, lines, count, err);
}

static int read_directory(struct judge *j, struct ldif_overlay *log,
			  struct error *err)
{
	struct ldif_view view;
	struct ldif_item item;
	int ret;

	ldif_view_init(&view, &j->s->files, log);
	while ((ret = ldif_view_next(&view, &j->scratch, &item, err)) > 0) {
		ret = survey_item(j, &item, err);
		if (ret < 0)
			break;
		arena_reset(&j->scratch);
	}
	ldif_view_release(&view);
	return ret;
}

/* Where there is no directory none of the names is there. */
static int survey(struct judge *j, bool log, struct error *err)
{
	struct ldif_files *f = &j->s->files;
	struct ldif_overlay *overlay = NULL;
	int ret;

	if (f->content_fd < 0 && (!log || f->changes_fd < 0))
		return 0;
	ret = each_op(j, mention_op, err);
	ldif_overlay_free(j->before);
	j->before = NULL;
	if (ret == 0 && log)
		ret = ldif_files_overlay(f, NULL, NULL, &overlay, err);
	if (ret == 0)
		ret = read_directory(j, overlay, err);
	ldif_overlay_free(overlay);
	return ret;
}

/* ---- one after the other ---- */

/* Is there an entry of this name? *known_out: what is known of it from before
 * the export, or 0. */
static bool is_there(struct judge *j, struct sv dn, uint64_t *known_out)
{
	const uint64_t *known;
	struct sv before;

	*known_out = 0;
	switch (ldif_overlay_find(j->after, dn, &j->scratch, &before)) {
	case LDIF_NAME_FREE:
		return false;
	case LDIF_NAME_ADDED:
		return true;
	case LDIF_NAME_CONTENT:
		break;
	}
	known = hashmap_find(&j->names, before);
	if (known)
		*known_out = *known;
	return (*known_out & PRESENT) != 0;
}

static void judge_add(struct judge *j, size_t index)
{
	struct ldif_op *op = &j->ex->ops.at[index];
	uint64_t known = 0;

	if (!is_there(j, j->texts.dn, &known)) {
		note(j->after, j->fd, LDIF_ADD, &j->texts, op->begin,
		     ldif_op_end(j->ex, op));
	} else if (op->retry && (known & ADD) == index + 1 && known & SAME) {
		op->adopted = true;
		op->done = true;
	} else {
		op->refused = LDIF_EXISTS;
	}
}

static void judge_update(struct judge *j, struct ldif_op *op)
{
	uint64_t known;

	if (!is_there(j, j->texts.dn, &known))
		op->refused = LDIF_MISSING;
	else if (j->fd >= 0)
		note(j->after, j->fd, LDIF_MODIFY, &j->texts, op->begin,
		     ldif_op_end(j->ex, op));
}

/* What comes with a rename. */
static void note_rest(struct judge *j, const struct ldif_op *op)
{
	struct ldif_texts texts = { .dn = j->texts.new_dn };
	uint64_t end = ldif_op_end(j->ex, op);

	if (j->fd >= 0 && op->begin + op->rest < end)
		note(j->after, j->fd, LDIF_MODIFY, &texts, op->begin + op->rest,
		     end);
}

static void judge_rename(struct judge *j, struct ldif_op *op)
{
	uint64_t known;
	bool from = is_there(j, j->texts.dn, &known);
	bool to = is_there(j, j->texts.new_dn, &known);

	if (op->retry && !from && to) {
		op->renamed = true;
		note_rest(j, op);
	} else if (!from) {
		op->refused = LDIF_MISSING;
	} else if (to && !dn_equal(j->texts.dn, j->texts.new_dn)) {
		op->refused = LDIF_NAME_TAKEN;
	} else {
		note(j->after, j->fd, LDIF_RENAME, &j->texts, op->begin,
		     op->begin + op->rest);
		note_rest(j, op);
	}
}

static void judge_delete(struct judge *j, struct ldif_op *op)
{
	uint64_t known;

	if (is_there(j, j->texts.dn, &known))
		note(j->after, j->fd, LDIF_DELETE, &j->texts, op->begin,
		     ldif_op_end(j->ex, op));
	else
		op->done = true;
}

static void judge_op(struct judge *j, size_t index)
{
	struct ldif_op *op = &j->ex->ops.at[index];
	uint64_t middle = op->begin + op->rest;

	switch ((enum export_kind)op->kind) {
	case EXPORT_ADD:
		judge_add(j, index);
		break;
	case EXPORT_DELETE_ADD:
		note(j->after, j->fd, LDIF_DELETE, &j->texts, op->begin,
		     middle);
		note(j->after, j->fd, LDIF_ADD, &j->texts, middle,
		     ldif_op_end(j->ex, op));
		break;
	case EXPORT_UPDATE:
		judge_update(j, op);
		break;
	case EXPORT_RENAME:
		judge_rename(j, op);
		break;
	case EXPORT_DELETE:
		judge_delete(j, op);
		break;
	}
}

int ldif_judge(struct connector_session *s, bool log,
	       struct ldif_overlay **written, struct error *err)
{
	struct judge j = { .s = s, .ex = s->export };
	int ret;

	hashmap_init(&j.names);
	ret = survey(&j, log, err);
	j.after =
		ldif_overlay_new(s->config->types, s->config->type_count, NULL);
	j.fd = log ? -1 : spool_fd(&s->export->spool);
	if (ret == 0)
		ret = each_op(&j, judge_op, err);
	*written = j.after;
	hashmap_release(&j.names);
	arena_release(&j.scratch);
	return ret;
}
