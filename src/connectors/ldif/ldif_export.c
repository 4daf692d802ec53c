/*
 * ldif_export.c - export to LDIF files, all at the end
 *
 * Each operation's records go to a spool at once. At the end it is decided
 * what becomes of each: by reading the directory when it is rewritten anyway or
 * when an operation is a repetition whose outcome is unknown, else the engine
 * is trusted. Then either the content is rewritten with the records applied,
 * or they are appended to the log of changes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/file.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/vec.h"
#include "connectors/format.h"
#include "connectors/ldap_schema.h"
#include "connectors/ldif/ldif_private.h"
#include "connectors/spool.h"
#include "model/dn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* One operation: its records are [begin, end) of the spool; those from
 * `rest` on remain when a rename proves to be done. */
struct item {
	uint64_t id;
	enum export_kind kind;
	bool retry;
	struct sv dn;
	struct sv new_dn;
	struct sv anchor;
	uint64_t begin;
	uint64_t rest;
	uint64_t end;
	bool adopted;
	const char *error;
	struct sv message;
};

/* A name that the directory may have now and an operation is about. */
struct mention {
	bool present;
	struct item *add; /* a repeated add of it, or NULL */
	bool same;        /* it carries what that add sent */
};

struct ldif_export {
	struct arena arena;
	struct spool spool;
	struct strbuf text;
	VEC(struct item *) items;
	size_t given; /* outcomes handed out; none before `done` */
	bool done;
	struct namemap *names; /* folded DN -> mention */
	VEC(struct mention) mentions;
	struct ldif_overlay *expected; /* the renames put so far */
};

void ldif_export_free(struct ldif_export *ex)
{
	if (!ex)
		return;
	spool_release(&ex->spool);
	strbuf_release(&ex->text);
	vec_release(&ex->items);
	vec_release(&ex->mentions);
	namemap_free(ex->names);
	ldif_overlay_free(ex->expected);
	arena_release(&ex->arena);
	mem_free(ex);
}

int ldif_export_begin(struct connector_session *s, struct error *err)
{
	struct ldif_export *ex;

	(void)err;
	ldif_export_free(s->export);
	ex = mem_zalloc(sizeof(*ex));
	ex->text.max = STRBUF_NO_LIMIT;
	ex->names = namemap_new(false);
	ex->expected =
		ldif_overlay_new(s->config->types, s->config->type_count);
	s->export = ex;
	return 0;
}

static void begin_record(struct connector_session *s, struct sv dn,
			 const char *type, const char *change)
{
	struct strbuf *out = &s->export->text;

	if (type)
		strbuf_addf(out, "# type: %s\n", type);
	ldif_write_line(out, SV_LIT("dn"), dn, s->width);
	strbuf_addf(out, "changetype: %s\n", change);
}

static void end_record(struct connector_session *s)
{
	strbuf_addc(&s->export->text, '\n');
}

/* An anchor that is nowhere among the values: entryUUID is made here, as a
 * server does. */
static const char *complete_anchor(struct connector_session *s,
				   struct item *item,
				   const struct ldap_attr *attrs, size_t count)
{
	struct strbuf *out = &s->export->text;
	unsigned char uuid[16];
	char text[37];
	size_t i;

	if (!s->anchor.len) {
		item->anchor = item->dn;
		return NULL;
	}
	for (i = 0; i < count; i++)
		if (sv_ieq(attrs[i].name, s->anchor) && attrs[i].values.len)
			break;
	if (i < count) {
		item->anchor = arena_dup(&s->export->arena,
					 format_value(&attrs[i].values.at[0],
						      attrs[i].def, FORMAT_LDAP,
						      &s->export->arena));
		return NULL;
	}
	if (!sv_ieq_str(s->anchor, "entryUUID"))
		return "missing-anchor-component";
	uuid_random(uuid);
	uuid_format(uuid, text);
	item->anchor = arena_dup(&s->export->arena, sv_from(text));
	ldif_write_line(out, s->anchor, item->anchor, s->width);
	return NULL;
}

static const char *write_add(struct connector_session *s,
			     const struct export_op *op, struct item *item)
{
	const struct object_type *type = &s->config->types[op->type];
	struct arena scratch = ARENA_INIT;
	struct ldap_attr *attrs;
	const char *error;
	size_t count;
	size_t i;
	size_t j;

	count = ldap_add_attrs(type, op, &scratch, &attrs);
	begin_record(s, op->dn, NULL, "add");
	for (i = 0; i < count; i++)
		for (j = 0; j < attrs[i].values.len; j++)
			ldif_write_line(&s->export->text, attrs[i].name,
					format_value(&attrs[i].values.at[j],
						     attrs[i].def, FORMAT_LDAP,
						     &scratch),
					s->width);
	error = complete_anchor(s, item, attrs, count);
	end_record(s);
	arena_release(&scratch);
	return error;
}

/* Would the change take away a value that stands in the name? */
static bool breaks_name(const struct attr_def *def,
			const struct attr_change *change, struct sv dn,
			struct arena *arena)
{
	struct sv rdn;
	struct sv parent;
	struct sv name;
	struct sv value;
	bool found;
	size_t i;
	size_t j;

	if (change->op == ATTR_ADD || !dn_split(dn, &rdn, &parent))
		return false;
	for (i = 0; ldap_rdn_part(rdn, i, arena, &name, &value); i++) {
		if (!sv_ieq_str(name, def->name))
			continue;
		found = false;
		for (j = 0; j < change->values.len && !found; j++)
			found = ldif_value_same(
				name,
				format_value(&change->values.at[j], def,
					     FORMAT_LDAP, arena),
				value);
		if (found == (change->op == ATTR_DELETE))
			return true;
	}
	return false;
}

static void write_mod(struct connector_session *s, const struct attr_def *def,
		      const struct attr_change *change, struct arena *arena)
{
	static const char *const words[] = { "replace", "add", "delete" };
	struct strbuf *out = &s->export->text;
	size_t i;

	strbuf_addf(out, "%s: %s\n", words[change->op], def->name);
	for (i = 0; i < change->values.len; i++)
		ldif_write_line(out, sv_from(def->name),
				format_value(&change->values.at[i], def,
					     FORMAT_LDAP, arena),
				s->width);
	strbuf_adds(out, "-\n");
}

/* Values go before others come, so that one may take another's place. */
static const char *write_modify(struct connector_session *s,
				const struct export_op *op, struct sv dn)
{
	const struct object_type *type = &s->config->types[op->type];
	struct arena scratch = ARENA_INIT;
	const char *error = NULL;
	int pass;
	size_t i;

	begin_record(s, dn, type->name, "modify");
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < op->attr_count; i++) {
			const struct attr_change *change = &op->attrs[i];
			const struct attr_def *def = &type->attrs[change->attr];

			if ((change->op == ATTR_DELETE) != (pass == 0) ||
			    (change->op != ATTR_REPLACE && !change->values.len))
				continue;
			if (breaks_name(def, change, dn, &scratch))
				error = "modify-naming-attribute";
			write_mod(s, def, change, &scratch);
		}
	}
	end_record(s);
	arena_release(&scratch);
	return error;
}

static void write_rename(struct connector_session *s,
			 const struct export_op *op)
{
	struct strbuf *out = &s->export->text;
	struct sv old_rdn;
	struct sv old_parent;
	struct sv rdn;
	struct sv parent;

	(void)dn_split(op->dn, &old_rdn, &old_parent);
	(void)dn_split(op->new_dn, &rdn, &parent);
	begin_record(s, op->dn, s->config->types[op->type].name, "modrdn");
	ldif_write_line(out, SV_LIT("newrdn"), rdn, s->width);
	strbuf_adds(out, "deleteoldrdn: 1\n");
	if (!sv_eq(parent, old_parent))
		ldif_write_line(out, SV_LIT("newsuperior"), parent, s->width);
	end_record(s);
}

/* The records of an operation, into `text`; the name of its error, or NULL. */
static const char *write_op(struct connector_session *s,
			    const struct export_op *op, struct item *item)
{
	const char *error = NULL;

	if (!dn_valid(op->dn) ||
	    (op->kind == EXPORT_RENAME && !dn_valid(op->new_dn)))
		return "invalid-dn";
	switch (op->kind) {
	case EXPORT_ADD:
		return write_add(s, op, item);
	case EXPORT_UPDATE:
		return write_modify(s, op, op->dn);
	case EXPORT_RENAME:
		write_rename(s, op);
		item->rest = item->begin + s->export->text.len;
		return op->attr_count ? write_modify(s, op, op->new_dn) : NULL;
	case EXPORT_DELETE_ADD:
	case EXPORT_DELETE:
		begin_record(s, op->dn, s->config->types[op->type].name,
			     "delete");
		end_record(s);
		if (op->kind == EXPORT_DELETE_ADD)
			error = write_add(s, op, item);
		break;
	}
	return error;
}

static void mention_folded(struct ldif_export *ex, struct sv folded,
			   struct item *add)
{
	uint64_t at;

	if (!namemap_get(ex->names, folded, &at)) {
		at = ex->mentions.len;
		vec_push(&ex->mentions, (struct mention){ .add = NULL });
		namemap_put(ex->names, folded, at);
	}
	if (add)
		ex->mentions.at[at].add = add;
}

/* The name as it is given and, when it is one that comes with a rename before
 * in this export, the one that this entry has now. */
static void mention(struct ldif_export *ex, struct sv dn, struct item *add)
{
	struct arena scratch = ARENA_INIT;
	struct sv now;

	mention_folded(ex, dn_fold(dn, &scratch), add);
	if (ldif_overlay_find(ex->expected, dn, &scratch, &now) ==
	    LDIF_NAME_CONTENT)
		mention_folded(ex, now, add);
	arena_release(&scratch);
}

/* Notes what an operation does to names. */
static void note_name(struct ldif_overlay *overlay, enum ldif_kind kind,
		      const struct item *item)
{
	struct ldif_record record = { .kind = kind,
				      .dn = item->dn,
				      .new_dn = item->new_dn };

	ldif_overlay_note(overlay, -1, &record);
}

/* 1: the mention of this name; 0: no operation mentions it. */
static int find_mention(struct ldif_export *ex, struct sv dn,
			struct arena *scratch, struct mention **out)
{
	uint64_t at = 0;

	if (!namemap_get(ex->names, dn_fold(dn, scratch), &at))
		return 0;
	*out = &ex->mentions.at[at];
	return 1;
}

int ldif_export_put(struct connector_session *s, const struct export_op *op,
		    struct error *err)
{
	struct ldif_export *ex = s->export;
	struct item *item = arena_zalloc(&ex->arena, sizeof(*item));

	item->id = op->id;
	item->kind = op->kind;
	item->retry = op->retry;
	item->dn = arena_dup(&ex->arena, op->dn);
	item->new_dn = arena_dup(&ex->arena, op->new_dn);
	item->begin = spool_size(&ex->spool);
	item->rest = item->begin;
	strbuf_reset(&ex->text);
	item->error = write_op(s, op, item);
	vec_push(&ex->items, item);
	if (item->error) {
		item->message = SV_LIT("refused before it was written");
		return 0;
	}
	mention(ex, op->dn, op->kind == EXPORT_ADD && op->retry ? item : NULL);
	if (op->kind == EXPORT_RENAME) {
		mention(ex, op->new_dn, NULL);
		note_name(ex->expected, LDIF_RENAME, item);
	}
	if (spool_add(&ex->spool, strbuf_sv(&ex->text), err) < 0)
		return -1;
	item->end = spool_size(&ex->spool);
	return 0;
}

/* Does the entry carry each value that the add sent? */
static int carries(struct ldif_export *ex, const struct item *add,
		   const struct ldif_line *lines, size_t count,
		   struct arena *arena, bool *out, struct error *err)
{
	struct ldif_record sent;
	struct ldif_entry entry;
	struct ldif_attr *attr;
	size_t i;
	size_t j;

	if (ldif_reread(spool_fd(&ex->spool), add->begin, add->end, arena,
			&sent, err) < 0)
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

static int survey_entry(struct connector_session *s, struct sv dn,
			const struct ldif_line *lines, size_t count,
			struct arena *arena, struct error *err)
{
	struct ldif_export *ex = s->export;
	struct mention *m;
	size_t i;

	if (!find_mention(ex, dn, arena, &m))
		return 0;
	m->present = true;
	if (!m->add)
		return 0;
	if (carries(ex, m->add, lines, count, arena, &m->same, err) < 0)
		return -1;
	for (i = 0; m->same && s->anchor.len && i < count; i++)
		if (sv_ieq(lines[i].name, s->anchor))
			m->add->anchor = arena_dup(&ex->arena, lines[i].value);
	return 0;
}

/* Which of the names that the operations mention are there. */
static int survey(struct connector_session *s, struct ldif_overlay *overlay,
		  struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct ldif_line *lines;
	struct ldif_view view;
	struct ldif_item item;
	size_t count;
	int ret;

	ldif_view_init(&view, &s->files, overlay);
	while ((ret = ldif_view_next(&view, &scratch, &item, err)) > 0) {
		if (item.kind == LDIF_ITEM_SAME) {
			ret = survey_entry(s, item.record.dn, item.record.lines,
					   item.record.line_count, &scratch,
					   err);
		} else if (item.kind == LDIF_ITEM_ENTRY) {
			count = ldif_entry_lines(&item.entry, &scratch, &lines);
			ret = survey_entry(s, item.entry.dn, lines, count,
					   &scratch, err);
		}
		if (ret < 0)
			break;
		arena_reset(&scratch);
	}
	ldif_view_release(&view);
	arena_release(&scratch);
	return ret < 0 ? -1 : 0;
}

static void refuse(struct item *item, const char *error, const char *message)
{
	item->error = error;
	item->message = sv_from(message);
}

/* Names as the operations judged so far leave them. */
struct judge {
	struct ldif_export *ex;
	struct ldif_overlay *names;
	struct arena scratch;
};

/* Is there an entry of this name? *m_out: what the directory had of it before
 * the export, or NULL. */
static bool is_there(struct judge *j, struct sv dn, struct mention **m_out)
{
	struct sv before;
	uint64_t at;

	*m_out = NULL;
	switch (ldif_overlay_find(j->names, dn, &j->scratch, &before)) {
	case LDIF_NAME_FREE:
		return false;
	case LDIF_NAME_ADDED:
		return true;
	case LDIF_NAME_CONTENT:
		break;
	}
	if (!namemap_get(j->ex->names, before, &at))
		return false;
	*m_out = &j->ex->mentions.at[at];
	return (*m_out)->present;
}

static void judge_add(struct judge *j, struct item *item)
{
	struct mention *m;

	if (item->kind == EXPORT_DELETE_ADD || !is_there(j, item->dn, &m)) {
		note_name(j->names, LDIF_ADD, item);
	} else if (item->retry && m && m->add == item && m->same) {
		item->adopted = true;
		item->begin = item->end;
	} else {
		refuse(item, "cd-existing-object",
		       "an entry of this name is there already");
	}
}

static void judge_rename(struct judge *j, struct item *item)
{
	struct mention *m;
	bool from = is_there(j, item->dn, &m);
	bool to = is_there(j, item->new_dn, &m);

	if (item->retry && !from && to) {
		item->begin = item->rest;
	} else if (!from) {
		refuse(item, "cd-missing-object",
		       "there is no entry of this name");
	} else if (to && !dn_equal(item->dn, item->new_dn)) {
		refuse(item, "rename-to-existing-dn",
		       "the new name is taken by another entry");
	} else {
		note_name(j->names, LDIF_RENAME, item);
	}
}

static void judge_item(struct judge *j, struct item *item)
{
	struct mention *m;

	switch (item->kind) {
	case EXPORT_ADD:
	case EXPORT_DELETE_ADD:
		judge_add(j, item);
		break;
	case EXPORT_UPDATE:
		if (!is_there(j, item->dn, &m))
			refuse(item, "cd-missing-object",
			       "there is no entry of this name");
		break;
	case EXPORT_RENAME:
		judge_rename(j, item);
		break;
	case EXPORT_DELETE:
		if (is_there(j, item->dn, &m))
			note_name(j->names, LDIF_DELETE, item);
		else
			item->begin = item->end;
		break;
	}
}

/* What becomes of each operation, one after the other, when the present names
 * are known. */
static void judge(struct connector_session *s)
{
	struct judge j = { .ex = s->export, .scratch = ARENA_INIT };
	struct item **at;

	j.names = ldif_overlay_new(s->config->types, s->config->type_count);
	vec_foreach(&s->export->items, at) {
		if (!(*at)->error)
			judge_item(&j, *at);
		arena_reset(&j.scratch);
	}
	ldif_overlay_free(j.names);
	arena_release(&j.scratch);
}

/* The spool's records that are to be written, as an overlay. */
static int export_overlay(struct connector_session *s,
			  struct ldif_overlay **out, struct error *err)
{
	struct ldif_export *ex = s->export;
	struct arena scratch = ARENA_INIT;
	struct ldif_reader reader;
	struct ldif_record record;
	struct item **at;
	int ret = 0;

	*out = ldif_overlay_new(s->config->types, s->config->type_count);
	vec_foreach(&ex->items, at) {
		const struct item *item = *at;

		if (item->error || item->begin == item->end)
			continue;
		ldif_reader_init(&reader, spool_fd(&ex->spool), "the spool",
				 item->begin, item->end);
		while ((ret = ldif_reader_next(&reader, &scratch, &record,
					       err)) > 0)
			ldif_overlay_note(*out, spool_fd(&ex->spool), &record);
		ldif_reader_release(&reader);
		arena_reset(&scratch);
		if (ret < 0)
			break;
	}
	arena_release(&scratch);
	return ret;
}

/* Comments between records stay, but for ours. */
static void write_lead(struct sv lead, FILE *to)
{
	bool comment = false;
	size_t at = 0;

	while (at < lead.len) {
		size_t end = sv_find(lead, '\n', at);
		struct sv line = sv_sub(lead, at, end);

		at = end + 1;
		if (sv_starts(line, SV_LIT("# conjoin: ")))
			continue;
		if (sv_trim(line).len)
			(void)fprintf(to, SV_FMT "\n", SV_ARG(line));
		else if (comment)
			(void)fputc('\n', to);
		comment = sv_trim(line).len > 0;
	}
}

/* An entry as it was read, without a comment of ours that stood before it. */
static void write_same(struct sv raw, FILE *to)
{
	while (sv_starts(raw, SV_LIT("# conjoin: "))) {
		size_t end = sv_find(raw, '\n', 0);

		raw = sv_sub(raw, end < raw.len ? end + 1 : end, raw.len);
	}
	(void)fwrite(raw.ptr, 1, raw.len, to);
	if (raw.len && raw.ptr[raw.len - 1] != '\n')
		(void)fputc('\n', to);
	(void)fputc('\n', to);
}

static int write_view(struct connector_session *s, struct ldif_overlay *overlay,
		      FILE *to, struct error *err)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct arena scratch = ARENA_INIT;
	struct ldif_view view;
	struct ldif_item item;
	int ret;

	ldif_view_init(&view, &s->files, overlay);
	while ((ret = ldif_view_next(&view, &scratch, &item, err)) > 0) {
		write_lead(item.lead, to);
		if (item.kind == LDIF_ITEM_ENTRY) {
			strbuf_reset(&text);
			ldif_entry_write(&item.entry, &text, s->width);
			write_same(strbuf_sv(&text), to);
		} else if (item.kind == LDIF_ITEM_SAME ||
			   item.kind == LDIF_ITEM_ERROR) {
			write_same(item.raw, to);
		}
		arena_reset(&scratch);
	}
	ldif_view_release(&view);
	arena_release(&scratch);
	strbuf_release(&text);
	return ret;
}

/* A new content file: the old one with an overlay applied. */
static int rewrite(struct connector_session *s, struct ldif_overlay *overlay,
		   const char *included, uint64_t included_to,
		   struct error *err)
{
	struct file_replace file;
	int ret;

	if (spool_replace(&file, s->files.content, err) < 0)
		return -1;
	(void)fprintf(file.stream, "version: 1\n");
	if (included[0])
		(void)fprintf(file.stream,
			      "# conjoin: includes %s %" PRIu64 "\n", included,
			      included_to);
	(void)fputc('\n', file.stream);
	ret = write_view(s, overlay, file.stream, err);
	if (ret == 0 && ferror(file.stream))
		ret = error_errno(err, errno, "cannot write '%s'",
				  s->files.content);
	if (ret == 0)
		return file_replace_commit(&file, err);
	file_replace_abort(&file);
	return ret;
}

static int write_content(struct connector_session *s, struct error *err)
{
	struct ldif_overlay *overlay = NULL;
	int ret = export_overlay(s, &overlay, err);

	if (ret == 0)
		ret = rewrite(s, overlay, s->files.included,
			      s->files.included_to, err);
	ldif_overlay_free(overlay);
	return ret;
}

static int copy_items(struct ldif_export *ex, FILE *to, struct error *err)
{
	struct item **at;

	vec_foreach(&ex->items, at) {
		const struct item *item = *at;

		if (!item->error &&
		    spool_copy(spool_fd(&ex->spool), item->begin, item->end, to,
			       err) < 0)
			return -1;
	}
	return 0;
}

/* A new log: a generation, what a foreign log held, the export's records. */
static int write_log(struct connector_session *s, bool items, struct error *err)
{
	struct ldif_files *f = &s->files;
	struct file_replace file;
	unsigned char uuid[16];
	char text[37];
	int ret = 0;

	if (spool_replace(&file, f->changes, err) < 0)
		return -1;
	uuid_random(uuid);
	uuid_format(uuid, text);
	(void)fprintf(file.stream, "version: 1\n# conjoin: generation %s\n\n",
		      text);
	if (items && f->generation[0] == '~') {
		ret = spool_copy(f->changes_fd, 0, f->changes_end, file.stream,
				 err);
		(void)fputs("\n\n", file.stream);
	}
	if (ret == 0 && items)
		ret = copy_items(s->export, file.stream, err);
	if (ret == 0 && ferror(file.stream))
		ret = error_errno(err, errno, "cannot write '%s'", f->changes);
	if (ret == 0)
		return file_replace_commit(&file, err);
	file_replace_abort(&file);
	return ret;
}

/* Behind the last whole record; what a crash cut off is cut away. On failure
 * the log is as it was. */
static int append_log(struct connector_session *s, struct error *err)
{
	struct ldif_files *f = &s->files;
	int fd = open(f->changes, O_WRONLY | O_CLOEXEC);
	FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
	int ret;

	if (!to) {
		(void)error_errno(err, errno, "cannot write '%s'", f->changes);
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	if (ftruncate(fd, (off_t)f->changes_end) < 0 ||
	    fseeko(to, (off_t)f->changes_end, SEEK_SET) < 0)
		ret = error_errno(err, errno, "cannot write '%s'", f->changes);
	else
		ret = copy_items(s->export, to, err);
	if (ret == 0 && (fflush(to) != 0 || fsync(fd) < 0))
		ret = error_errno(err, errno, "cannot write '%s'", f->changes);
	if (ret < 0 && ftruncate(fd, (off_t)f->changes_end) < 0)
		(void)error_context(err, "and the part cannot be taken back");
	(void)fclose(to);
	return ret;
}

#define FOLD_SIZE ((uint64_t)1024 * 1024)

static void set_bad(void *data, const struct ldif_record *record)
{
	(void)record;
	*(bool *)data = true;
}

/* Puts a log that has grown too long into the content; not one with records in
 * error, which would be lost. */
static int fold(struct connector_session *s, struct error *err)
{
	struct ldif_files *f = &s->files;
	struct ldif_overlay *overlay = NULL;
	bool bad = false;
	int ret = 0;

	if (!ldif_files_owned(f) || f->changes_end < FOLD_SIZE ||
	    f->changes_end < f->content_size)
		return 0;
	if (ldif_files_start(f) < f->changes_end) {
		ret = ldif_files_overlay(f, set_bad, &bad, &overlay, err);
		if (ret == 0 && !bad)
			ret = rewrite(s, overlay, f->generation, f->changes_end,
				      err);
		ldif_overlay_free(overlay);
	}
	if (ret == 0 && bad)
		return 0;
	if (ret == 0)
		ret = write_log(s, false, err);
	if (ret < 0)
		return -1;
	ldif_files_close(f);
	return ldif_files_open(f, err);
}

static bool has_retry(const struct ldif_export *ex)
{
	size_t i;

	for (i = 0; i < ex->items.len; i++)
		if (ex->items.at[i]->retry)
			return true;
	return false;
}

static bool anything_to_write(const struct ldif_export *ex)
{
	size_t i;

	for (i = 0; i < ex->items.len; i++)
		if (!ex->items.at[i]->error &&
		    ex->items.at[i]->begin < ex->items.at[i]->end)
			return true;
	return false;
}

static int write_all(struct connector_session *s, struct error *err)
{
	struct ldif_files *f = &s->files;
	bool append = f->changes && (f->content_fd >= 0 || f->changes_fd >= 0);
	struct ldif_overlay *overlay = NULL;
	int ret = 0;

	if (!append || has_retry(s->export)) {
		if (append)
			ret = ldif_files_overlay(f, NULL, NULL, &overlay, err);
		if (ret == 0)
			ret = survey(s, overlay, err);
		ldif_overlay_free(overlay);
		if (ret < 0)
			return -1;
		judge(s);
	}
	if (!anything_to_write(s->export))
		return 0;
	if (!append)
		return write_content(s, err);
	if (fold(s, err) < 0)
		return -1;
	return ldif_files_owned(f) ? append_log(s, err)
				   : write_log(s, true, err);
}

int ldif_export_end(struct connector_session *s, struct error *err)
{
	struct ldif_export *ex = s->export;
	int ret;

	if (!ex->items.len || ex->done) {
		ex->done = true;
		return 0;
	}
	ldif_files_close(&s->files);
	if (spool_flush(&ex->spool, err) < 0 ||
	    ldif_files_open(&s->files, err) < 0)
		return -1;
	ret = write_all(s, err);
	ldif_files_close(&s->files);
	ex->done = ret == 0;
	return ret;
}

int ldif_export_result(struct connector_session *s, bool wait,
		       struct arena *arena, struct export_outcome *out,
		       struct error *err)
{
	struct ldif_export *ex = s->export;
	const struct item *item;

	(void)wait;
	(void)err;
	memset(out, 0, sizeof(*out));
	if (!ex || !ex->done || ex->given == ex->items.len)
		return 0;
	item = ex->items.at[ex->given++];
	out->id = item->id;
	out->ok = !item->error;
	out->adopted = item->adopted;
	out->error = item->error;
	out->message = arena_dup(arena, item->message);
	if (!out->ok || item->kind == EXPORT_DELETE)
		return 1;
	out->dn = arena_dup(arena, item->kind == EXPORT_RENAME ? item->new_dn
							       : item->dn);
	out->anchor = arena_dup(arena, s->anchor.len ? item->anchor : out->dn);
	return 1;
}
