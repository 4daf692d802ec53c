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
#include "store/retry.h"

#include <stdio.h>
#include <string.h>

/* Attributes that a directory takes but never shows. */
static bool write_only(const char *name)
{
	return name && (sv_ieq_str(sv_from(name), "userPassword") ||
			sv_ieq_str(sv_from(name), "unicodePwd"));
}

static bool has_all(const struct values *set, const struct values *wanted)
{
	size_t i;

	for (i = 0; i < wanted->len; i++)
		if (!values_have(set, &wanted->at[i], MATCH_IGNORE_CASE))
			return false;
	return true;
}

static enum match_rule match_of(const struct config_agent *agent, attr_id attr)
{
	size_t t;
	size_t i;

	for (t = 0; t < agent->type_count; t++)
		for (i = 0; i < agent->types[t].attr_count; i++)
			if (agent->type_attr_ids[t][i] == attr)
				return agent->types[t].attrs[i].match;
	return MATCH_IGNORE_CASE;
}

static bool came_back(const struct import *import, attr_id attr,
		      const struct values *sent, const struct image *new)
{
	const char *name = store_attr_name(import->store, attr);
	const struct values none = { NULL, 0 };
	const struct values *now = image_get(new, attr);

	if (write_only(name))
		return true;
	if (!now)
		now = &none;
	/* a directory adds superior classes by itself */
	if (name && sv_ieq_str(sv_from(name), "objectClass"))
		return has_all(now, sent);
	return values_same(sent, now, match_of(import->agent, attr));
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

static int put_back(struct import *import, const struct entry *entry,
		    struct error *err)
{
	if (entry_put_awaiting(import->tx, entry, err) < 0)
		return -1;
	return entry_put_pending(import->tx, entry, err);
}

/* It is pending again. */
static int contradicted(struct import *import, const struct entry *entry,
			const char *message, struct error *err)
{
	if (put_back(import, entry, err) < 0 ||
	    warn(import, entry->row.id, message, err) < 0)
		return -1;
	return retry_failed(import->tx, entry->row.id, RETRY_CONTRADICTED, err);
}

static int confirmed(struct import *import, const struct entry *entry,
		     struct error *err)
{
	if (put_back(import, entry, err) < 0 ||
	    store_error_delete(import->tx, entry->row.id, ERROR_IMPORT, err) <
		    0)
		return -1;
	return store_retry_delete(import->tx, entry->row.id, RETRY_CONTRADICTED,
				  err);
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

static void add_name(struct import *import, struct strbuf *names, attr_id attr)
{
	strbuf_addf(names, "%s'%s'", names->len ? ", " : "",
		    store_attr_name(import->store, attr));
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

/* Each awaited value that the report speaks of: it came back, or did not. */
static void compare(struct import *import, struct entry *entry,
		    const struct image *new, const struct report *report,
		    struct image *missed, struct strbuf *names)
{
	size_t i;

	for (i = 0; i < entry->awaiting.attrs.len; i++) {
		const struct image_attr *sent = &entry->awaiting.attrs.attrs[i];
		const struct values *now = image_get(new, sent->attr);

		if (!report->whole && !image_has(&report->attrs, sent->attr))
			continue;
		if (came_back(import, sent->attr, &sent->values, new)) {
			image_put(&entry->confirmed, sent->attr,
				  now ? *now : sent->values, &import->arena);
			continue;
		}
		image_put(missed, sent->attr, sent->values, &import->arena);
		add_name(import, names, sent->attr);
	}
}

int confirm_exports(struct import *import, struct entry *entry,
		    const struct image *new, const struct report *report,
		    struct error *err)
{
	struct strbuf names = STRBUF_INIT(256);
	struct image missed = IMAGE_EMPTY;
	char message[400];
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
	compare(import, entry, new, report, &missed, &names);
	renamed_back = entry->awaiting.rdn.len && !report->same_name &&
		       (report->whole || report->named);
	if (renamed_back && !entry->pending.rdn.len) {
		entry->pending.parent = entry->awaiting.parent;
		entry->pending.rdn = entry->awaiting.rdn;
	}
	if (missed.len || renamed_back) {
		take_back(entry, &missed, &import->arena);
		(void)snprintf(message, sizeof(message),
			       "exported, but the system came back with "
			       "another %s%s; it is pending again",
			       missed.len ? "value of " : "name",
			       strbuf_cstr(&names));
		keep_unmentioned(entry, report, &import->arena);
		ret = contradicted(import, entry, message, err);
	} else {
		keep_unmentioned(entry, report, &import->arena);
		ret = confirmed(import, entry, err);
	}
	strbuf_release(&names);
	return ret;
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
