/*
 * ldif_export.c - export to LDIF files, all at the end
 *
 * Each operation's records go to a spool at once. At the end it is decided
 * what becomes of each (ldif_judge.c): by reading the directory when it is
 * rewritten anyway or when an operation is a repetition whose outcome is
 * unknown, else the engine is trusted. Then either the content is rewritten
 * with the records applied, or they are appended to the log of changes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif_export.h"

#include "base/file.h"
#include "base/hash.h"
#include "connectors/format.h"
#include "connectors/ldap_schema.h"
#include "connectors/ldif/ldif_syntax.h"
#include "model/dn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *error;
	const char *message;
} refusals[] = {
	[LDIF_INVALID_DN] = { "invalid-dn", "refused before it was written" },
	[LDIF_NO_ANCHOR] = { "missing-anchor-component",
			     "refused before it was written" },
	[LDIF_BREAKS_NAME] = { "modify-naming-attribute",
			       "refused before it was written" },
	[LDIF_EXISTS] = { "cd-existing-object",
			  "an entry of this name is there already" },
	[LDIF_MISSING] = { "cd-missing-object",
			   "there is no entry of this name" },
	[LDIF_NAME_TAKEN] = { "rename-to-existing-dn",
			      "the new name is taken by another entry" },
};

void ldif_export_free(struct ldif_export *ex)
{
	if (!ex)
		return;
	spool_release(&ex->spool);
	spool_release(&ex->texts);
	spool_release(&ex->found);
	spool_reader_release(&ex->answers.reader);
	strbuf_release(&ex->text);
	vec_release(&ex->ops);
	idmap_release(&ex->found_of);
	arena_release(&ex->scratch);
	mem_free(ex);
}

int ldif_export_begin(struct connector_session *s, struct error *err)
{
	struct ldif_export *ex;

	(void)err;
	ldif_export_free(s->export);
	ex = mem_zalloc(sizeof(*ex));
	ex->text.max = STRBUF_NO_LIMIT;
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
 * server does. Memory from ex->scratch. */
static enum ldif_refusal complete_anchor(struct connector_session *s,
					 const struct ldap_attr *attrs,
					 size_t count, struct sv *anchor_out)
{
	struct arena *scratch = &s->export->scratch;
	unsigned char uuid[16];
	char text[37];
	size_t i;

	if (!s->anchor.len)
		return LDIF_ACCEPTED;
	for (i = 0; i < count; i++)
		if (sv_ieq(attrs[i].name, s->anchor) && attrs[i].values.len)
			break;
	if (i < count) {
		*anchor_out = format_value(&attrs[i].values.at[0], attrs[i].def,
					   FORMAT_LDAP, scratch);
		return LDIF_ACCEPTED;
	}
	if (!sv_ieq_str(s->anchor, "entryUUID"))
		return LDIF_NO_ANCHOR;
	uuid_random(uuid);
	uuid_format(uuid, text);
	*anchor_out = arena_dup(scratch, sv_from(text));
	ldif_write_line(&s->export->text, s->anchor, *anchor_out, s->width);
	return LDIF_ACCEPTED;
}

static enum ldif_refusal write_add(struct connector_session *s,
				   const struct export_op *op,
				   struct sv *anchor_out)
{
	const struct object_type *type = &s->config->types[op->type];
	struct arena *scratch = &s->export->scratch;
	enum ldif_refusal refused;
	struct ldap_attr *attrs;
	size_t count;
	size_t i;
	size_t j;

	count = ldap_add_attrs(type, op, scratch, &attrs);
	begin_record(s, op->dn, NULL, "add");
	for (i = 0; i < count; i++)
		for (j = 0; j < attrs[i].values.len; j++)
			ldif_write_line(&s->export->text, attrs[i].name,
					format_value(&attrs[i].values.at[j],
						     attrs[i].def, FORMAT_LDAP,
						     scratch),
					s->width);
	refused = complete_anchor(s, attrs, count, anchor_out);
	end_record(s);
	return refused;
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
static enum ldif_refusal write_modify(struct connector_session *s,
				      const struct export_op *op, struct sv dn)
{
	const struct object_type *type = &s->config->types[op->type];
	struct arena *scratch = &s->export->scratch;
	enum ldif_refusal refused = LDIF_ACCEPTED;
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
			if (breaks_name(def, change, dn, scratch))
				refused = LDIF_BREAKS_NAME;
			write_mod(s, def, change, scratch);
		}
	}
	end_record(s);
	return refused;
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

static bool can_be_named(const struct connector_session *s, struct sv dn)
{
	const struct ldif_syntax *syntax = s->files.syntax;

	return dn_valid(dn) && (!syntax || syntax->can_hold(dn));
}

/* The records of an operation, into `text`. */
static enum ldif_refusal write_op(struct connector_session *s,
				  const struct export_op *op,
				  struct ldif_op *out, struct sv *anchor_out)
{
	enum ldif_refusal refused = LDIF_ACCEPTED;

	if (!can_be_named(s, op->dn) ||
	    (op->kind == EXPORT_RENAME && !can_be_named(s, op->new_dn)))
		return LDIF_INVALID_DN;
	switch (op->kind) {
	case EXPORT_ADD:
		return write_add(s, op, anchor_out);
	case EXPORT_UPDATE:
		return write_modify(s, op, op->dn);
	case EXPORT_RENAME:
		write_rename(s, op);
		out->rest = (uint32_t)s->export->text.len;
		if (op->attr_count)
			refused = write_modify(s, op, op->new_dn);
		break;
	case EXPORT_DELETE_ADD:
	case EXPORT_DELETE:
		begin_record(s, op->dn, s->config->types[op->type].name,
			     "delete");
		end_record(s);
		out->rest = (uint32_t)s->export->text.len;
		if (op->kind == EXPORT_DELETE_ADD)
			refused = write_add(s, op, anchor_out);
		break;
	}
	return refused;
}

static int put_text(struct ldif_export *ex, struct sv text, struct error *err)
{
	uint64_t len = text.len;

	if (spool_add(&ex->texts, sv_make((const char *)&len, sizeof(len)),
		      err) < 0)
		return -1;
	return spool_add(&ex->texts, text, err);
}

int ldif_export_put(struct connector_session *s, const struct export_op *op,
		    struct error *err)
{
	struct ldif_export *ex = s->export;
	struct sv anchor = SV_NULL;
	struct ldif_op kept = { .id = op->id,
				.kind = (uint8_t)op->kind,
				.retry = op->retry,
				.begin = spool_size(&ex->spool) };

	strbuf_reset(&ex->text);
	arena_reset(&ex->scratch);
	kept.refused = (uint8_t)write_op(s, op, &kept, &anchor);
	vec_push(&ex->ops, kept);
	if (put_text(ex, op->dn, err) < 0 ||
	    put_text(ex, op->new_dn, err) < 0 || put_text(ex, anchor, err) < 0)
		return -1;
	return kept.refused ? 0
			    : spool_add(&ex->spool, strbuf_sv(&ex->text), err);
}

static int next_text(const struct ldif_export *ex, struct spool_reader *reader,
		     struct arena *arena, struct sv *out, struct error *err)
{
	struct sv bytes;
	uint64_t len;

	if (spool_next(&ex->texts, reader, sizeof(len), &bytes, err) < 0)
		return -1;
	memcpy(&len, bytes.ptr, sizeof(len));
	if (spool_next(&ex->texts, reader, (size_t)len, &bytes, err) < 0)
		return -1;
	*out = arena_dup(arena, bytes);
	return 0;
}

int ldif_texts_next(const struct ldif_export *ex, struct ldif_texts *texts,
		    struct arena *arena, struct error *err)
{
	if (next_text(ex, &texts->reader, arena, &texts->dn, err) < 0 ||
	    next_text(ex, &texts->reader, arena, &texts->new_dn, err) < 0)
		return -1;
	return next_text(ex, &texts->reader, arena, &texts->anchor, err);
}

uint64_t ldif_op_end(const struct ldif_export *ex, const struct ldif_op *op)
{
	return op + 1 < ex->ops.at + ex->ops.len ? op[1].begin : ex->end;
}

uint64_t ldif_op_begin(const struct ldif_export *ex, const struct ldif_op *op)
{
	if (op->done)
		return ldif_op_end(ex, op);
	return op->renamed ? op->begin + op->rest : op->begin;
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

/* Reads records of the spool that come in its order. */
struct spooled {
	const struct spool *spool;
	struct spool_reader reader;
	uint64_t at;
};

/* An entry that this export adds: its record, but for what makes it one. */
static int write_whole(struct spooled *from, const struct ldif_record *record,
		       FILE *to, struct error *err)
{
	static const struct sv mark = { "\nchangetype: add\n", 17 };
	const char *found;
	struct sv text;
	size_t before;

	if (record->begin > from->at &&
	    spool_next(from->spool, &from->reader,
		       (size_t)(record->begin - from->at), &text, err) < 0)
		return -1;
	from->at = record->end;
	if (spool_next(from->spool, &from->reader,
		       (size_t)(record->end - record->begin), &text, err) < 0)
		return -1;
	found = memmem(text.ptr, text.len, mark.ptr, mark.len);
	if (!found)
		return error_set(err, ERR_INTERNAL,
				 "a temporary file has changed");
	before = (size_t)(found - text.ptr) + 1;
	(void)fwrite(text.ptr, 1, before, to);
	(void)fwrite(found + mark.len, 1, text.len - before - mark.len + 1, to);
	return 1;
}

static int write_view(struct connector_session *s, struct ldif_overlay *overlay,
		      FILE *to, struct error *err)
{
	struct spooled spooled = { .spool = &s->export->spool };
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct arena scratch = ARENA_INIT;
	struct ldif_view view;
	struct ldif_item item;
	int ret;

	ldif_view_init(&view, &s->files, overlay);
	view.whole = ldif_overlay_fd(overlay) == spool_fd(spooled.spool);
	while ((ret = ldif_view_next(&view, &scratch, &item, err)) > 0) {
		if (item.kind == LDIF_ITEM_WHOLE) {
			ret = write_whole(&spooled, &item.record, to, err);
			if (ret < 0)
				break;
			continue;
		}
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
	spool_reader_release(&spooled.reader);
	arena_release(&scratch);
	strbuf_release(&text);
	return ret;
}

static int write_ldif(struct connector_session *s, struct ldif_overlay *overlay,
		      const char *included, uint64_t included_to, FILE *to,
		      struct error *err)
{
	(void)fprintf(to, "version: 1\n");
	if (included[0])
		(void)fprintf(to, "# conjoin: includes %s %" PRIu64 "\n",
			      included, included_to);
	(void)fputc('\n', to);
	return write_view(s, overlay, to, err);
}

/* A new content file: the old one with an overlay applied. */
static int rewrite(struct connector_session *s, struct ldif_overlay *overlay,
		   const char *included, uint64_t included_to,
		   struct error *err)
{
	const struct ldif_syntax *syntax = s->files.syntax;
	struct file_replace file;
	int ret;

	if (spool_replace(&file, s->files.content, err) < 0)
		return -1;
	if (syntax)
		ret = syntax->write_content(s, overlay, included, included_to,
					    file.stream, err);
	else
		ret = write_ldif(s, overlay, included, included_to, file.stream,
				 err);
	if (ret == 0 && ferror(file.stream))
		ret = error_errno(err, errno, "cannot write '%s'",
				  s->files.content);
	if (ret == 0 && s->outlet && !s->outlet->changes)
		ret = outlet_copy(s->outlet, &file, err);
	if (ret == 0)
		ret = intake_keep_old(s->files.content, s->keep, err);
	if (ret == 0)
		return file_replace_commit(&file, err);
	file_replace_abort(&file);
	return ret;
}

static int copy_part(struct connector_session *s, uint64_t begin, uint64_t end,
		     FILE *to, struct error *err)
{
	const struct ldif_syntax *syntax = s->files.syntax;

	if (syntax)
		return syntax->write_records(s, begin, end, to, err);
	return spool_copy(spool_fd(&s->export->spool), begin, end, to, err);
}

/* What lies together is copied together; then the log's end. */
static int copy_records(struct connector_session *s, FILE *to,
			struct error *err)
{
	const struct ldif_export *ex = s->export;
	const struct ldif_op *op;
	uint64_t from = 0;
	uint64_t end = 0;

	vec_foreach(&ex->ops, op) {
		uint64_t begin = ldif_op_begin(ex, op);

		if (op->refused || begin == ldif_op_end(ex, op))
			continue;
		if (begin != end) {
			if (copy_part(s, from, end, to, err) < 0)
				return -1;
			from = begin;
		}
		end = ldif_op_end(ex, op);
	}
	return copy_part(s, from, end, to, err);
}

/* What a new log begins with. */
static int write_head(struct connector_session *s, const char *generation,
		      bool others, FILE *to, struct error *err)
{
	struct ldif_files *f = &s->files;
	int ret = 0;

	if (f->syntax)
		return f->syntax->write_log(s, generation, others, to, err);
	(void)fprintf(to, "version: 1\n# conjoin: generation %s\n\n",
		      generation);
	if (others) {
		ret = spool_copy(f->changes_fd, 0, f->changes_end, to, err);
		(void)fputs("\n\n", to);
	}
	return ret;
}

static void write_log_end(const struct connector_session *s, FILE *to)
{
	if (s->files.syntax)
		(void)fputs(s->files.syntax->log_end, to);
}

/* A new log: a generation, what a foreign log held, the export's records. */
static int write_log(struct connector_session *s, bool records,
		     struct error *err)
{
	struct ldif_files *f = &s->files;
	struct file_replace file;
	unsigned char uuid[16];
	char text[37];
	int ret;

	if (spool_replace(&file, f->changes, err) < 0)
		return -1;
	uuid_random(uuid);
	uuid_format(uuid, text);
	ret = write_head(s, text, records && f->generation[0] == '~',
			 file.stream, err);
	if (ret == 0 && records)
		ret = copy_records(s, file.stream, err);
	write_log_end(s, file.stream);
	if (ret == 0 && ferror(file.stream))
		ret = error_errno(err, errno, "cannot write '%s'", f->changes);
	if (ret == 0)
		return file_replace_commit(&file, err);
	file_replace_abort(&file);
	return ret;
}

static int write_part(struct connector_session *s, FILE *to, struct error *err)
{
	int ret = 0;

	if (s->files.syntax)
		ret = write_head(s, "-", false, to, err);
	else
		(void)fputs("version: 1\n\n", to);
	if (ret == 0)
		ret = copy_records(s, to, err);
	write_log_end(s, to);
	return ret;
}

/* What this export changes, as a file of its own. */
static int hand_on(struct connector_session *s, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct file_replace file;
	const char *path;
	int ret;

	if (!s->outlet || !s->outlet->changes)
		return 0;
	if (outlet_open(s->outlet, &scratch, &file, &path, err) < 0) {
		arena_release(&scratch);
		return -1;
	}
	ret = write_part(s, file.stream, err);
	if (ret == 0 && ferror(file.stream))
		ret = error_errno(err, errno, "cannot write '%s'", path);
	if (ret == 0)
		ret = outlet_close(s->outlet, &file, path, err);
	else
		file_replace_abort(&file);
	arena_release(&scratch);
	return ret;
}

/* Takes away what could not be written. */
static bool restore_log(const struct connector_session *s, int fd)
{
	const char *end = s->files.syntax ? s->files.syntax->log_end : "";
	uint64_t at = s->files.changes_end;
	size_t len = strlen(end);

	return ftruncate(fd, (off_t)at) == 0 &&
	       pwrite(fd, end, len, (off_t)at) == (ssize_t)len;
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
		ret = copy_records(s, to, err);
	write_log_end(s, to);
	if (ret == 0 && (fflush(to) != 0 || fsync(fd) < 0))
		ret = error_errno(err, errno, "cannot write '%s'", f->changes);
	if (ret < 0 && !restore_log(s, fd))
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
	const struct ldif_op *op;

	vec_foreach(&ex->ops, op)
		if (op->retry)
			return true;
	return false;
}

static bool anything_to_write(const struct ldif_export *ex)
{
	const struct ldif_op *op;

	vec_foreach(&ex->ops, op)
		if (!op->refused && ldif_op_begin(ex, op) < ldif_op_end(ex, op))
			return true;
	return false;
}

static int append(struct connector_session *s, struct error *err)
{
	if (fold(s, err) < 0)
		return -1;
	return ldif_files_owned(&s->files) ? append_log(s, err)
					   : write_log(s, true, err);
}

static int write_all(struct connector_session *s, struct error *err)
{
	struct ldif_files *f = &s->files;
	bool log = f->changes && (f->content_fd >= 0 || f->changes_fd >= 0);
	struct ldif_overlay *written = NULL;
	int ret = 0;

	if (!log || has_retry(s->export))
		ret = ldif_judge(s, log, &written, err);
	if (ret == 0 && anything_to_write(s->export))
		ret = hand_on(s, err);
	if (ret == 0 && anything_to_write(s->export))
		ret = log ? append(s, err)
			  : rewrite(s, written, f->included, f->included_to,
				    err);
	ldif_overlay_free(written);
	return ret;
}

int ldif_export_end(struct connector_session *s, struct error *err)
{
	struct ldif_export *ex = s->export;
	int ret;

	if (!ex->ops.len || ex->done) {
		ex->done = true;
		return 0;
	}
	if (intake_check_plain(s->path, s->name, err) < 0)
		return -1;
	ldif_files_close(&s->files);
	ex->end = spool_size(&ex->spool);
	if (spool_flush(&ex->spool, err) < 0 ||
	    spool_flush(&ex->texts, err) < 0 ||
	    ldif_files_open(&s->files, err) < 0)
		return -1;
	ret = write_all(s, err);
	ldif_files_close(&s->files);
	if (ret == 0 && spool_size(&ex->found))
		ret = spool_flush(&ex->found, err);
	ex->done = ret == 0;
	return ret;
}

/* The anchor that the directory gave an entry that was adopted: 1, 0, -1 */
static int found_anchor(const struct ldif_export *ex, size_t index,
			struct arena *arena, struct sv *out, struct error *err)
{
	uint64_t at;
	uint64_t len;

	if (!idmap_get(&ex->found_of, index + 1, &at))
		return 0;
	if (spool_read_fd(spool_fd(&ex->found), at - 1, sizeof(len),
			  (char *)&len, err) < 0 ||
	    spool_read(&ex->found, at - 1 + sizeof(len),
		       at - 1 + sizeof(len) + len, arena, out, err) < 0)
		return -1;
	return 1;
}

int ldif_export_result(struct connector_session *s, bool wait,
		       struct arena *arena, struct export_outcome *out,
		       struct error *err)
{
	struct ldif_export *ex = s->export;
	const struct ldif_op *op;
	struct ldif_texts *texts;

	(void)wait;
	memset(out, 0, sizeof(*out));
	if (!ex || !ex->done || ex->given == ex->ops.len)
		return 0;
	texts = &ex->answers;
	op = &ex->ops.at[ex->given++];
	out->id = op->id;
	out->ok = !op->refused;
	out->adopted = op->adopted;
	out->error = refusals[op->refused].error;
	if (op->refused)
		out->message = sv_from(refusals[op->refused].message);
	if (ldif_texts_next(ex, texts, arena, err) < 0)
		return -1;
	if (!out->ok || op->kind == EXPORT_DELETE)
		return 1;
	out->dn = op->kind == EXPORT_RENAME ? texts->new_dn : texts->dn;
	out->anchor = s->anchor.len ? texts->anchor : out->dn;
	if (found_anchor(ex, ex->given - 1, arena, &out->anchor, err) < 0)
		return -1;
	return 1;
}
