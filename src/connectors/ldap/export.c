/*
 * export.c - many operations outstanding at once, in an order that is safe
 *
 * A server may work on outstanding operations in any order. An operation
 * therefore waits until none is outstanding that it could collide with: one on
 * the same entry, one that makes, moves or takes away an entry above its own,
 * one below an entry that it makes, moves or takes away itself, and one that
 * makes, moves or takes away an entry that its values name. Those put later
 * wait behind it.
 *
 * When the connection is lost, it is made again to the same server, and what
 * was outstanding begins anew as a retry: it may have been done. After silence
 * that is not so, since the server may still be at it. Then, and where the
 * server does not come back, the outcomes that had arrived are given out first;
 * the error comes when none is left.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "model/dn.h"

#include <sys/time.h>

/* A DN that an operation touches, as hashes of its folded form: equal hashes
 * of different DNs only make an operation wait. */
struct touch {
	uint64_t self;
	uint64_t *above; /* of its ancestors */
	size_t depth;
};

struct slot {
	struct ldap_job job;
	struct touch touch[2];
	size_t touch_count;
	uint64_t *refs; /* the DNs that its values name */
	size_t ref_count;
};

struct slots {
	struct slot **at;
	size_t len;
	size_t size;
};

struct ldap_export {
	size_t window;
	struct hash_key key;
	struct slots outstanding; /* in the order of sending */
	struct slots finished;
	size_t delivered; /* of those finished */
	struct slots spare;
	struct error failed;
};

static void free_slots(struct slots *slots)
{
	size_t i;

	for (i = 0; i < slots->len; i++) {
		if (!slots->at[i])
			continue;
		arena_release(&slots->at[i]->job.arena);
		mem_free(slots->at[i]);
	}
	vec_release(slots);
}

void ldap_export_free(struct connector_session *session)
{
	struct ldap_export *export = session->export;

	if (!export)
		return;
	free_slots(&export->outstanding);
	free_slots(&export->finished);
	free_slots(&export->spare);
	mem_free(export);
	session->export = NULL;
}

int ldap_export_begin(struct connector_session *session, struct error *err)
{
	(void)err;
	ldap_export_free(session);
	session->losses = 0;
	session->export = mem_zalloc(sizeof(*session->export));
	session->export->window =
		(size_t)ldap_session_number(session, "operations");
	hash_key_random(&session->export->key);
	return 0;
}

static struct slot *new_slot(struct ldap_export *export)
{
	if (export->spare.len)
		return export->spare.at[--export->spare.len];
	return mem_zalloc(sizeof(struct slot));
}

static void spare_slot(struct ldap_export *export, struct slot *slot)
{
	arena_reset(&slot->job.arena);
	vec_push(&export->spare, slot);
}

static void set_touch(struct slot *slot, struct sv dn,
		      const struct hash_key *key)
{
	struct arena *arena = &slot->job.arena;
	struct touch *touch = &slot->touch[slot->touch_count];
	struct sv parent = dn_fold(dn, arena);
	size_t depth = dn_depth(parent);
	struct sv rdn;

	slot->touch_count++;
	touch->self = hash64(key, parent);
	touch->above = arena_array(arena, depth + 1, sizeof(*touch->above));
	touch->depth = 0;
	while (touch->depth < depth && dn_split(parent, &rdn, &parent) &&
	       parent.len)
		touch->above[touch->depth++] = hash64(key, parent);
}

static size_t count_refs(const struct export_op *op)
{
	size_t count = 0;
	size_t i;
	size_t k;

	for (i = 0; i < op->attr_count; i++)
		for (k = 0; k < op->attrs[i].values.len; k++)
			count += op->attrs[i].values.at[k].type ==
				 VALUE_REFERENCE;
	return count;
}

static void set_refs(struct slot *slot, const struct hash_key *key,
		     struct arena *scratch)
{
	const struct export_op *op = &slot->job.op;
	size_t count = count_refs(op);
	size_t i;
	size_t k;

	slot->refs =
		arena_array(&slot->job.arena, count + 1, sizeof(*slot->refs));
	slot->ref_count = 0;
	for (i = 0; count && i < op->attr_count; i++) {
		for (k = 0; k < op->attrs[i].values.len; k++) {
			const struct value *value = &op->attrs[i].values.at[k];

			if (value->type != VALUE_REFERENCE)
				continue;
			slot->refs[slot->ref_count++] =
				hash64(key, dn_fold(value->text, scratch));
			arena_reset(scratch);
		}
	}
}

static void init_slot(struct connector_session *session, struct slot *slot,
		      const struct export_op *op)
{
	const struct hash_key *key = &session->export->key;

	ldap_job_init(&slot->job, op, &session->config->types[op->type],
		      session->profile->chunk);
	if (session->profile->mirror)
		ldap_job_mirror(session, &slot->job, NULL);
	slot->touch_count = 0;
	set_touch(slot, op->dn, key);
	if (op->new_dn.len)
		set_touch(slot, op->new_dn, key);
	set_refs(slot, key, &session->scratch);
}

static bool has_hash(const uint64_t *hashes, size_t count, uint64_t hash)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (hashes[i] == hash)
			return true;
	return false;
}

/* It makes, moves or takes away an entry. */
static bool structural(const struct slot *slot)
{
	return slot->job.op.kind != EXPORT_UPDATE;
}

static bool touches_collide(const struct slot *a, const struct touch *at,
			    const struct slot *b, const struct touch *bt)
{
	return at->self == bt->self ||
	       (structural(a) && has_hash(bt->above, bt->depth, at->self)) ||
	       (structural(b) && has_hash(at->above, at->depth, bt->self));
}

static bool names_touched(const struct slot *a, const struct slot *b)
{
	size_t i;

	for (i = 0; i < b->touch_count; i++)
		if (has_hash(a->refs, a->ref_count, b->touch[i].self))
			return true;
	return false;
}

/* `later` may not be outstanding together with `earlier`. */
static bool collide(const struct slot *earlier, const struct slot *later)
{
	size_t i;
	size_t k;

	for (i = 0; i < earlier->touch_count; i++)
		for (k = 0; k < later->touch_count; k++)
			if (touches_collide(earlier, &earlier->touch[i], later,
					    &later->touch[k]))
				return true;
	if (structural(earlier) && names_touched(later, earlier))
		return true;
	return structural(later) && later->job.op.kind != EXPORT_ADD &&
	       names_touched(earlier, later);
}

static bool must_wait(const struct ldap_export *export, const struct slot *slot)
{
	size_t i;

	if (export->outstanding.len >= export->window)
		return true;
	for (i = 0; i < export->outstanding.len; i++)
		if (collide(export->outstanding.at[i], slot))
			return true;
	return false;
}

static void finish(struct ldap_export *export, size_t at)
{
	struct slots *slots = &export->outstanding;

	vec_push(&export->finished, slots->at[at]);
	slots->len--;
	memmove(&slots->at[at], &slots->at[at + 1],
		(slots->len - at) * sizeof(struct slot *));
}

/* Message 0 comes unasked: the server is about to close the connection. */
static int unasked(struct connector_session *session, LDAPMessage *message,
		   struct error *err)
{
	char *text = NULL;
	int code = LDAP_UNAVAILABLE;

	(void)ldap_parse_result(session->ld, message, &code, NULL, &text, NULL,
				NULL, 0);
	session->lost = LDAP_UNAVAILABLE;
	error_set(err, ERR_UNAVAILABLE,
		  "%s: the server closes the connection: %s (result code %d "
		  "%s)",
		  session->server, text && *text ? text : ldap_err2string(code),
		  code, ldap_result_name(code));
	ldap_memfree(text);
	return -1;
}

/* The oldest operation stands for all that wait for an answer. */
static int no_answer(struct connector_session *session, int code,
		     struct error *err)
{
	struct ldap_export *export = session->export;
	struct strbuf doing = STRBUF_INIT(400);

	ldap_job_describe(&export->outstanding.at[0]->job, &doing);
	if (export->outstanding.len > 1)
		strbuf_addf(&doing, " and %zu more",
			    export->outstanding.len - 1);
	(void)ldap_session_error(session, code, strbuf_cstr(&doing), err);
	strbuf_release(&doing);
	return -1;
}

/* All that is outstanding anew; -1: the connection is lost again. */
static int begin_anew(struct connector_session *session)
{
	struct ldap_export *export = session->export;
	size_t i = 0;

	while (i < export->outstanding.len) {
		struct ldap_job *job = &export->outstanding.at[i]->job;

		ldap_job_again(job, session->profile->chunk);
		if (session->profile->mirror)
			ldap_job_mirror(session, job, NULL);
		if (ldap_job_start(session, job, &export->failed) < 0)
			return -1;
		if (job->state == JOB_DONE)
			finish(export, i);
		else
			i++;
	}
	return 0;
}

/* After a failure: 0 the export goes on, -1 it does not. */
static int recover(struct connector_session *session)
{
	struct ldap_export *export = session->export;
	int ret = -1;

	while (ret < 0) {
		if (session->lost == LDAP_TIMEOUT ||
		    ldap_session_again(session, LDAP_AGAIN_SAME,
				       &export->failed) < 0)
			return -1;
		ret = begin_anew(session);
	}
	export->failed = (struct error)ERROR_INIT;
	return 0;
}

/* 1: an answer was taken; 0: there is none yet; -1: the connection is gone. */
static int read_answer(struct connector_session *session, bool wait)
{
	struct ldap_export *export = session->export;
	struct timeval tv = { wait ? session->timeout : 0, 0 };
	struct error *err = &export->failed;
	LDAPMessage *message = NULL;
	size_t i;
	int ret;

	ret = ldap_result(session->ld, LDAP_RES_ANY, LDAP_MSG_ALL, &tv,
			  &message);
	if (ret < 0)
		return no_answer(session, ldap_session_code(session), err);
	if (!ret)
		return wait ? no_answer(session, LDAP_TIMEOUT, err) : 0;
	ret = ldap_msgid(message) ? 0 : unasked(session, message, err);
	for (i = 0; !ret && i < export->outstanding.len; i++) {
		struct ldap_job *job = &export->outstanding.at[i]->job;

		if (job->msgid != ldap_msgid(message))
			continue;
		ret = ldap_job_answer(session, job, message, err);
		if (!ret && job->state == JOB_DONE)
			finish(export, i);
		break;
	}
	ldap_msgfree(message);
	if (ret >= 0)
		session->losses = 0;
	return ret < 0 ? -1 : 1;
}

/* The same, over a new connection when need be. */
static int take_answer(struct connector_session *session, bool wait)
{
	int ret = read_answer(session, wait);

	return ret < 0 && !recover(session) ? 1 : ret;
}

static bool has_outcome(const struct ldap_export *export)
{
	return export->delivered < export->finished.len;
}

/* The connection is gone; what was answered before is given out first. */
static int lost(const struct ldap_export *export, struct error *err)
{
	if (has_outcome(export))
		return 0;
	return error_set(err, export->failed.code, "%s", export->failed.msg);
}

/* Waits for room, then takes all that has been answered meanwhile. */
static int make_room(struct connector_session *session, const struct slot *slot)
{
	struct ldap_export *export = session->export;
	int ret;

	while (must_wait(export, slot)) {
		if (take_answer(session, true) < 0)
			return -1;
		do
			ret = export->outstanding.len
				      ? take_answer(session, false)
				      : 0;
		while (ret > 0);
		if (ret < 0)
			return -1;
	}
	return 0;
}

int ldap_export_put(struct connector_session *session,
		    const struct export_op *op, struct error *err)
{
	struct ldap_export *export = session->export;
	struct slot *slot;

	if (export->failed.code != ERR_NONE)
		return lost(export, err);
	slot = new_slot(export);
	init_slot(session, slot, op);
	if (make_room(session, slot) < 0) {
		spare_slot(export, slot);
		return lost(export, err);
	}
	vec_push(&export->outstanding, slot);
	if (ldap_job_start(session, &slot->job, &export->failed) < 0)
		return recover(session) < 0 ? lost(export, err) : 0;
	if (slot->job.state == JOB_DONE)
		finish(export, export->outstanding.len - 1);
	return 0;
}

static void deliver(struct ldap_export *export, struct arena *arena,
		    struct export_outcome *out)
{
	struct slot *slot = export->finished.at[export->delivered];

	export->finished.at[export->delivered++] = NULL;
	*out = slot->job.outcome;
	out->message = arena_dup(arena, out->message);
	out->anchor = arena_dup(arena, out->anchor);
	out->dn = arena_dup(arena, out->dn);
	spare_slot(export, slot);
	if (export->delivered == export->finished.len) {
		vec_clear(&export->finished);
		export->delivered = 0;
	}
}

int ldap_export_result(struct connector_session *session, bool wait,
		       struct arena *arena, struct export_outcome *out,
		       struct error *err)
{
	struct ldap_export *export = session->export;
	int ret = 1;

	while (!has_outcome(export) && export->failed.code == ERR_NONE &&
	       export->outstanding.len && ret > 0)
		ret = take_answer(session, wait);
	if (has_outcome(export)) {
		deliver(export, arena, out);
		return 1;
	}
	return export->failed.code == ERR_NONE ? 0 : lost(export, err);
}

int ldap_export_end(struct connector_session *session, struct error *err)
{
	/* All has been sent; ldap_export_result() waits for the answers. */
	if (session->export->failed.code != ERR_NONE)
		return lost(session->export, err);
	return 0;
}
