/*
 * confirm.c - exports that come back with an import
 *
 * A value that came back as it was sent is confirmed: it is part of what
 * synchronization stands on at once. One that came back different returns to
 * pending export, with a warning against the object.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import/import_private.h"

#include "base/clock.h"
#include "base/map.h"
#include "model/secret_attr.h"
#include "store/retry.h"

#include <stdio.h>
#include <string.h>

#define MISSED                                                                 \
	"exported, but the system came back with another %s%s; it is "         \
	"pending again"
#define FEW 16 /* beyond, references are looked up in a map */

static bool has_all(const struct values *set, const struct values *wanted)
{
	size_t i;

	for (i = 0; i < wanted->len; i++)
		if (!values_have(set, &wanted->at[i], MATCH_IGNORE_CASE))
			return false;
	return true;
}

static const struct attr_def *def_of(const struct config_agent *agent,
				     attr_id attr)
{
	size_t t;
	size_t i;

	for (t = 0; t < agent->type_count; t++)
		for (i = 0; i < agent->types[t].attr_count; i++)
			if (agent->type_attr_ids[t][i] == attr)
				return &agent->types[t].attrs[i];
	return NULL;
}

/* Those of `all` that are not among `known`. */
static struct values without(const struct values *all,
			     const struct values *known, enum match_rule match,
			     struct arena *arena)
{
	struct idmap ids = IDMAP_INIT;
	bool references = known->len > FEW &&
			  known->at[0].type == VALUE_REFERENCE;
	struct values out = { NULL, 0 };
	size_t i;

	out.at = arena_array(arena, all->len, sizeof(*out.at));
	for (i = 0; references && i < known->len; i++)
		idmap_put(&ids, (uint64_t)known->at[i].number, 1);
	for (i = 0; i < all->len; i++)
		if (references ? !idmap_get(&ids, (uint64_t)all->at[i].number,
					    NULL)
			       : !values_have(known, &all->at[i], match))
			out.at[out.len++] = all->at[i];
	idmap_release(&ids);
	return out;
}

/* What became of the values of one attribute. */
struct verdict {
	struct values lost; /* sent, and not there */
	struct values more; /* there, and not sent */
	struct values
		kept; /* of them: there still, though the export took it away */
	struct values stay; /* as the system has them, without foreign ones */
	bool rewritten;     /* it came back in another case */
};

/* Value by value: what others put there besides is a change of theirs. */
static bool came_back(struct import *import, const struct entry *entry,
		      attr_id attr, const struct values *sent,
		      const struct image *new, struct verdict *out)
{
	const char *name = store_attr_name(import->store, attr);
	const struct attr_def *def = def_of(import->agent, attr);
	const struct values none = { NULL, 0 };
	const struct values *now = image_get(new, attr);
	const struct values *before = image_get(&entry->image, attr);
	enum match_rule match = def ? def->match : MATCH_IGNORE_CASE;
	struct arena *arena = &import->arena;
	struct values foreign;

	memset(out, 0, sizeof(*out));
	if (!now)
		now = &none;
	out->stay = *now;
	if (attr_is_write_only(name)) {
		out->stay = *sent;
		return true;
	}
	/* a directory adds superior classes by itself */
	if (name && sv_ieq_str(sv_from(name), "objectClass") &&
	    has_all(now, sent))
		return true;
	if (values_same(sent, now, match)) {
		out->rewritten = now->len && !values_identical(sent, now);
		return true;
	}
	out->lost = without(sent, now, match, arena);
	out->more = without(now, sent, match, arena);
	out->kept = out->more;
	if (!def || !def->multi)
		return false;
	foreign = out->more;
	if (before && entry->awaiting.op == PENDING_UPDATE)
		foreign = without(&foreign, before, match, arena);
	out->kept = without(&out->more, &foreign, match, arena);
	out->stay = without(now, &foreign, match, arena);
	return !out->lost.len && !out->kept.len;
}

/* ---- in words ---- */

static struct sv squeezed(struct sv text, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv copy;
	size_t i;

	for (i = 0; i < text.len; i++)
		if (!strchr(" \t\r\n", text.ptr[i]) || !text.ptr[i])
			strbuf_addc(&out, text.ptr[i]);
	copy = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return copy;
}

/* How a text was written in another way; NULL: it is another text. */
static const char *rewritten(const struct value *sent, const struct value *now,
			     struct arena *arena)
{
	if (sent->type != VALUE_STRING || now->type != VALUE_STRING)
		return NULL;
	if (value_same(sent, now, MATCH_IGNORE_CASE))
		return "in another case";
	if (sv_ieq(squeezed(sent->text, arena), squeezed(now->text, arena)))
		return "with other white space";
	if (now->text.len && sv_starts(sent->text, now->text))
		return "cut off";
	return NULL;
}

#define SHOWN 60 /* bytes of a value */

static void add_value(struct strbuf *out, const struct value *value,
		      struct arena *arena)
{
	struct sv text = value->type == VALUE_BINARY ? SV_LIT("(binary)")
						     : value_text(value, arena);
	size_t end = text.len;

	if (end > SHOWN)
		for (end = SHOWN; end && (text.ptr[end] & 0xc0) == 0x80; end--)
			;
	strbuf_addf(out, "'" SV_FMT "%s'", SV_ARG(sv_sub(text, 0, end)),
		    end < text.len ? "..." : "");
}

static void add_values(struct strbuf *out, const char *what,
		       const struct values *values, struct arena *arena)
{
	if (!values->len)
		return;
	strbuf_addf(out, "%s ", what);
	add_value(out, &values->at[0], arena);
	if (values->len > 1)
		strbuf_addf(out, " and %zu more", values->len - 1);
}

/* What came back in the place of what was sent, and how it was written. */
static const struct value *twin_of(const struct verdict *verdict,
				   const char **how_out, struct arena *arena)
{
	size_t i;

	*how_out = NULL;
	for (i = 0; verdict->lost.len && i < verdict->more.len; i++) {
		*how_out = rewritten(&verdict->lost.at[0], &verdict->more.at[i],
				     arena);
		if (*how_out)
			return &verdict->more.at[i];
	}
	return NULL;
}

/* "'mail' (lacks 'A@x'; has 'A @x' instead: with other white space)" */
static void describe(struct import *import, struct strbuf *out, attr_id attr,
		     const struct verdict *verdict)
{
	const char *name = store_attr_name(import->store, attr);
	struct arena *arena = &import->arena;
	const struct value *twin;
	const char *how;

	strbuf_addf(out, "%s'%s'", out->len ? ", " : "", name);
	if (attr_is_secret(name))
		return;
	twin = twin_of(verdict, &how, arena);
	strbuf_adds(out, " (");
	add_values(out, "lacks", &verdict->lost, arena);
	if (twin) {
		strbuf_adds(out, "; has ");
		add_value(out, twin, arena);
		strbuf_addf(out, " instead, %s", how);
	} else if (verdict->kept.len) {
		add_values(out, verdict->lost.len ? "; has" : "still has",
			   &verdict->kept, arena);
	}
	strbuf_addc(out, ')');
}

static int warn(struct import *import, int64_t id, const char *message,
		struct error *err)
{
	struct cs_error row = {
		.cs = id,
		.kind = ERROR_IMPORT,
		.code = SV_LIT("exported-change-not-reimported"),
		.message = sv_from(message),
		.last = clock_now(),
	};

	import->result->warnings++;
	return store_error_put(import->tx, &row, err);
}

static int put_back(struct import *import, struct entry *entry,
		    struct error *err)
{
	if (entry_put_awaiting(import->tx, entry, err) < 0)
		return -1;
	return entry_put_pending(import->tx, entry, err);
}

/* It is pending again. */
static int contradicted(struct import *import, struct entry *entry,
			const char *message, struct error *err)
{
	if (put_back(import, entry, err) < 0 ||
	    warn(import, entry->row.id, message, err) < 0)
		return -1;
	return retry_failed(import->tx, entry->row.id, RETRY_CONTRADICTED, err);
}

static int confirmed(struct import *import, struct entry *entry,
		     struct error *err)
{
	if (put_back(import, entry, err) < 0)
		return -1;
	return confirm_confirmed(import, entry->row.id, err);
}

static const struct values *or_none(const struct values *values)
{
	static const struct values none = { NULL, 0 };

	return values ? values : &none;
}

int confirm_contradicted(struct import *import, int64_t id,
			 const struct image *lost, const struct image *kept,
			 struct error *err)
{
	struct strbuf names = STRBUF_INIT(600);
	struct image all = image_copy(lost, &import->arena);
	char message[800];
	size_t i;
	int ret;

	image_apply(&all, kept, &import->arena);
	for (i = 0; i < all.len; i++) {
		attr_id attr = all.attrs[i].attr;
		struct verdict verdict = {
			.lost = *or_none(image_get(lost, attr)),
			.kept = *or_none(image_get(kept, attr)),
		};

		describe(import, &names, attr, &verdict);
	}
	(void)snprintf(message, sizeof(message), MISSED, "value of ",
		       strbuf_cstr(&names));
	ret = warn(import, id, message, err);
	strbuf_release(&names);
	return ret < 0 ? -1
		       : retry_failed(import->tx, id, RETRY_CONTRADICTED, err);
}

int confirm_confirmed(struct import *import, int64_t id, struct error *err)
{
	if (store_error_delete(import->tx, id, ERROR_IMPORT, err) < 0)
		return -1;
	return store_retry_delete(import->tx, id, RETRY_CONTRADICTED, err);
}

/* Back to pending, below what is newer there. */
static void take_back(struct entry *entry, const struct image *attrs,
		      struct arena *arena)
{
	struct export_state *pending = &entry->pending;
	size_t i;

	if (pending->op == PENDING_NONE)
		pending->op = PENDING_UPDATE;
	for (i = 0; i < attrs->len; i++)
		if (!image_get(&pending->attrs, attrs->attrs[i].attr))
			image_put(&pending->attrs, attrs->attrs[i].attr,
				  attrs->attrs[i].values, arena);
}

/* An add whose outcome was never known is in the system after all. */
static void adopt_in_progress(struct entry *entry)
{
	if (!entry->pending.in_progress || entry->pending.op != PENDING_ADD ||
	    entry->row.has_image)
		return;
	entry->awaiting = entry->pending;
	entry->awaiting.in_progress = false;
	memset(&entry->pending, 0, sizeof(entry->pending));
}

/* What is left to be awaited after a report that speaks of a part only. */
static void keep_unmentioned(struct entry *entry, const struct report *report,
			     struct arena *arena)
{
	struct export_state *awaiting = &entry->awaiting;
	struct image left = IMAGE_EMPTY;
	size_t i;

	for (i = 0; !report->whole && i < awaiting->attrs.len; i++) {
		const struct image_attr *sent = &awaiting->attrs.attrs[i];

		if (!image_has(&report->attrs, sent->attr))
			image_put(&left, sent->attr, sent->values, arena);
	}
	if (report->whole || report->named) {
		awaiting->parent = 0;
		awaiting->rdn = SV_NULL;
	}
	awaiting->attrs = left;
	if (!left.len && !awaiting->rdn.len)
		memset(awaiting, 0, sizeof(*awaiting));
	else
		awaiting->op = PENDING_UPDATE;
}

static bool is_merged(const struct config_agent *agent, attr_id attr)
{
	size_t r;
	size_t i;

	for (r = 0; r < agent->rule_set_count; r++) {
		const struct config_rule_set *rs = &agent->rule_sets[r];

		for (i = 0; i < rs->export_count; i++)
			if (rs->exports[i].attr == attr &&
			    rs->exports[i].merge != MERGE_NO)
				return true;
	}
	return false;
}

/* The system writes a text in its own way, in capitals for example: what was
 * sent and what it made of it are kept together, so that a sync knows that
 * there is nothing to send. */
static void note_rewritten(struct import *import, attr_id attr,
			   const struct values *sent, const struct values *now,
			   struct image *rewritten)
{
	struct values both = { NULL, sent->len + now->len };

	if (is_merged(import->agent, attr))
		return;
	both.at = arena_array(&import->arena, both.len, sizeof(*both.at));
	memcpy(both.at, sent->at, sent->len * sizeof(*both.at));
	memcpy(both.at + sent->len, now->at, now->len * sizeof(*both.at));
	image_put(rewritten, attr, both, &import->arena);
}

static int keep_rewritten(struct import *import, const struct entry *entry,
			  const struct image *rewritten, struct error *err)
{
	const struct attr_map *map = store_attr_map(import->store);
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct image all = IMAGE_EMPTY;
	struct sv known;
	int ret;

	if (!rewritten->len)
		return 0;
	ret = store_merged_get(import->store, entry->row.id, &import->arena,
			       &known, err);
	if (ret > 0)
		ret = image_decode(known, map, &import->arena, &all, err);
	if (ret < 0)
		return -1;
	image_apply(&all, rewritten, &import->arena);
	image_encode(&all, map, &bytes);
	ret = store_merged_put(import->tx, entry->row.id, strbuf_sv(&bytes),
			       err);
	strbuf_release(&bytes);
	return ret;
}

/* Each awaited value that the report speaks of: it came back, or did not. */
static void compare(struct import *import, struct entry *entry,
		    const struct image *new, const struct report *report,
		    struct image *missed, struct image *rewritten,
		    struct strbuf *names)
{
	size_t i;

	for (i = 0; i < entry->awaiting.attrs.len; i++) {
		const struct image_attr *sent = &entry->awaiting.attrs.attrs[i];
		struct verdict verdict;

		if (!report->whole && !image_has(&report->attrs, sent->attr))
			continue;
		if (came_back(import, entry, sent->attr, &sent->values, new,
			      &verdict)) {
			image_put(&entry->confirmed, sent->attr, verdict.stay,
				  &import->arena);
			if (verdict.rewritten)
				note_rewritten(
					import, sent->attr, &sent->values,
					image_get(new, sent->attr), rewritten);
			continue;
		}
		image_put(missed, sent->attr, sent->values, &import->arena);
		describe(import, names, sent->attr, &verdict);
	}
}

int confirm_exports(struct import *import, struct entry *entry,
		    const struct image *new, const struct report *report,
		    struct error *err)
{
	struct strbuf names = STRBUF_INIT(600);
	struct image missed = IMAGE_EMPTY;
	struct image rewritten = IMAGE_EMPTY;
	char message[800];
	bool renamed_back;
	int ret = 0;

	adopt_in_progress(entry);
	if (entry->awaiting.op == PENDING_NONE)
		return 0;
	if (entry->awaiting.op == PENDING_DELETE)
		return confirm_lost(import, entry,
				    "the object was deleted by an export but "
				    "is there again",
				    err);
	compare(import, entry, new, report, &missed, &rewritten, &names);
	renamed_back = entry->awaiting.rdn.len && !report->same_name &&
		       (report->whole || report->named);
	if (renamed_back && !entry->pending.rdn.len) {
		entry->pending.parent = entry->awaiting.parent;
		entry->pending.rdn = entry->awaiting.rdn;
	}
	if (missed.len || renamed_back) {
		take_back(entry, &missed, &import->arena);
		(void)snprintf(message, sizeof(message), MISSED,
			       missed.len ? "value of " : "name",
			       strbuf_cstr(&names));
		keep_unmentioned(entry, report, &import->arena);
		ret = contradicted(import, entry, message, err);
	} else {
		keep_unmentioned(entry, report, &import->arena);
		ret = confirmed(import, entry, err);
	}
	strbuf_release(&names);
	return ret < 0 ? -1 : keep_rewritten(import, entry, &rewritten, err);
}

int confirm_lost(struct import *import, struct entry *entry,
		 const char *message, struct error *err)
{
	struct export_state newer = entry->pending;

	if (entry->awaiting.op == PENDING_ADD) {
		entry->pending = entry->awaiting;
		image_apply(&entry->pending.attrs, &newer.attrs,
			    &import->arena);
		if (newer.rdn.len) {
			entry->row.parent = newer.parent;
			entry->row.rdn = newer.rdn;
			entry->pending.rdn = SV_NULL;
		}
		if (newer.op == PENDING_DELETE)
			entry->pending = newer;
	} else if (newer.op == PENDING_NONE) {
		entry->pending = entry->awaiting;
	}
	memset(&entry->awaiting, 0, sizeof(entry->awaiting));
	return contradicted(import, entry, message, err);
}
