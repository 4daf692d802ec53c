/*
 * job.c - one operation of an export, from its first request to its outcome
 *
 *	NEW --start--> ADDING    add
 *	               DELETING  delete, delete-add
 *	               RENAMING  rename
 *	               MODIFYING update
 *
 *	ADDING      done -> READING, when the anchor did not come with the
 *answer it exists, and this is a retry -> COMPARING READING     -> DONE
 *	COMPARING   the entry is as it was sent -> DONE, adopted; else refused
 *	DELETING    of a delete-add -> ADDING
 *	RENAMING    done -> MODIFYING, when there are attributes
 *	            not there -> FINDING_NEW
 *	FINDING_NEW it bears its new name already -> as if it was renamed now
 *	            else -> FINDING_OLD, to tell a missing entry from a missing
 *	            parent -> DONE, refused
 *	MODIFYING   a value is there or gone, on a retry -> DIFFING
 *	DIFFING     -> MODIFYING with what is still missing
 *	LISTING     before a modification whose old values must be known
 *	            -> MODIFYING
 *	FOLLOWING   behind all else, where references stand in further
 *	            attributes (mirror.c) -> the next of them
 *	ADDING, MODIFYING  refused as a missing target of a reference may be
 *	            -> the same once more, without its references
 *	any         -> DONE
 *	any         -> NEW, when its answer will never come: as a retry
 *
 * Where a request takes only so many values, those left over follow in
 * MODIFYING, part by part, before it is DONE.
 *
 * Transitions are made by the on_...() function of the state that is left.
 * What one entry's request meets is that entry's outcome; a server that does
 * not serve any more ends the export.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "model/dn.h"

#include <assert.h>

static void set_state(struct ldap_job *job, enum ldap_job_state state)
{
	assert(job->state != JOB_DONE);
	job->state = state;
}

static struct attr_change *copy_attrs(const struct export_op *op,
				      struct arena *arena)
{
	struct attr_change *attrs =
		arena_array(arena, op->attr_count + 1, sizeof(*attrs));
	size_t i;

	for (i = 0; i < op->attr_count; i++) {
		attrs[i] = op->attrs[i];
		attrs[i].values = values_dup(&op->attrs[i].values, arena);
	}
	return attrs;
}

/* How many parts behind the first an attribute's values are. */
static size_t parts_behind(const struct attr_change *attr, size_t chunk)
{
	if (!chunk || attr->values.len <= chunk ||
	    attr->values.at[0].type != VALUE_REFERENCE)
		return 0;
	return (attr->values.len - 1) / chunk;
}

static void put_later(struct ldap_job *job, struct attr_change *attr,
		      size_t chunk)
{
	size_t parts = parts_behind(attr, chunk);
	size_t i;

	for (i = 1; i <= parts; i++) {
		struct attr_change *part = &job->later[job->later_count++];
		size_t len = attr->values.len - i * chunk;

		*part = *attr;
		if (part->op == ATTR_REPLACE)
			part->op = ATTR_ADD;
		part->values.at += i * chunk;
		part->values.len = len < chunk ? len : chunk;
	}
	if (parts)
		attr->values.len = chunk;
}

static void split_values(struct ldap_job *job, size_t chunk)
{
	size_t count = 0;
	size_t i;

	job->later_at = 0;
	job->later_count = 0;
	for (i = 0; i < job->op.attr_count; i++)
		count += parts_behind(&job->op.attrs[i], chunk);
	job->later =
		count ? arena_array(&job->arena, count, sizeof(*job->later))
		      : NULL;
	for (i = 0; count && i < job->op.attr_count; i++)
		put_later(job, &job->op.attrs[i], chunk);
}

static void begin(struct ldap_job *job, size_t chunk)
{
	struct arena *arena = &job->arena;
	size_t count = job->given.attr_count;

	job->state = JOB_NEW;
	job->msgid = 0;
	job->op = job->given;
	job->op.attrs = arena_array(arena, count + 1, sizeof(*job->op.attrs));
	if (count)
		memcpy(job->op.attrs, job->given.attrs,
		       count * sizeof(*job->op.attrs));
	job->dn = arena_cstr(arena, job->op.dn);
	job->new_dn = job->op.new_dn.len ? arena_cstr(arena, job->op.new_dn)
					 : NULL;
	job->diffed = false;
	job->follow = NULL;
	job->follow_count = 0;
	job->follow_at = 0;
	job->own_apart = false;
	job->refused = LDAP_SUCCESS;
	job->refused_text = SV_NULL;
	job->outcome = (struct export_outcome){ .id = job->op.id };
	split_values(job, chunk);
}

void ldap_job_init(struct ldap_job *job, const struct export_op *op,
		   const struct object_type *type, size_t chunk)
{
	struct arena *arena = &job->arena;

	job->type = type;
	job->given = *op;
	job->given.attrs = copy_attrs(op, arena);
	job->given.anchor = arena_dup(arena, op->anchor);
	job->given.dn = arena_dup(arena, op->dn);
	job->given.new_dn = arena_dup(arena, op->new_dn);
	begin(job, chunk);
}

void ldap_job_again(struct ldap_job *job, size_t chunk)
{
	job->given.retry = true;
	begin(job, chunk);
}

void ldap_job_describe(const struct ldap_job *job, struct strbuf *out)
{
	static const char *const words[] = {
		[EXPORT_ADD] = "add",
		[EXPORT_UPDATE] = "modify",
		[EXPORT_RENAME] = "rename",
		[EXPORT_DELETE] = "delete",
		[EXPORT_DELETE_ADD] = "delete and add",
	};

	strbuf_addf(out, "%s '%.200s'", words[job->op.kind], job->dn);
}

static int done(struct ldap_job *job)
{
	set_state(job, JOB_DONE);
	job->msgid = 0;
	job->outcome.ok = true;
	if (!job->outcome.dn.len)
		job->outcome.dn = sv_from(job->dn);
	if (!job->outcome.anchor.len && job->op.kind != EXPORT_ADD &&
	    job->op.kind != EXPORT_DELETE_ADD)
		job->outcome.anchor = job->op.anchor;
	return 0;
}

static const char *error_of(const struct ldap_profile *profile, int code,
			    const char *text, enum ldap_job_state state)
{
	const char *known = profile->error_of ? profile->error_of(code, text)
					      : NULL;

	if (known)
		return known;
	switch (code) {
	case LDAP_ALREADY_EXISTS:
		return state == JOB_RENAMING ? "rename-to-existing-dn"
					     : "cd-existing-object";
	case LDAP_NO_SUCH_OBJECT:
		return state == JOB_ADDING ? "non-existent-parent"
					   : "cd-missing-object";
	case LDAP_TYPE_OR_VALUE_EXISTS:
	case LDAP_NO_SUCH_ATTRIBUTE:
		return "cd-existing-attribute-or-value";
	case LDAP_CONSTRAINT_VIOLATION:
		return "constraint-violation";
	case LDAP_INVALID_SYNTAX:
		return "invalid-attribute-value";
	case LDAP_OBJECT_CLASS_VIOLATION:
	case LDAP_UNDEFINED_TYPE:
	case LDAP_NO_OBJECT_CLASS_MODS:
		return "schema-violation";
	case LDAP_INSUFFICIENT_ACCESS:
	case LDAP_STRONG_AUTH_REQUIRED:
	case LDAP_CONFIDENTIALITY_REQUIRED:
	case LDAP_INAPPROPRIATE_AUTH:
		return "permission-issue";
	case LDAP_INVALID_DN_SYNTAX:
		return "invalid-dn";
	case LDAP_NAMING_VIOLATION:
		return state == JOB_MODIFYING ? "modify-naming-attribute"
					      : "invalid-dn";
	case LDAP_NOT_ALLOWED_ON_RDN:
		return "modify-naming-attribute";
	default:
		return "cd-error";
	}
}

static int refused_as(struct ldap_job *job, const char *error,
		      struct sv message)
{
	set_state(job, JOB_DONE);
	job->msgid = 0;
	job->outcome.ok = false;
	job->outcome.error = error;
	job->outcome.message = message;
	return 0;
}

/* A request could not be sent, or was refused. */
static int refused(struct connector_session *session, struct ldap_job *job,
		   int code, const char *text, struct error *err)
{
	struct strbuf doing = STRBUF_INIT(300);

	if (!ldap_result_fatal(code))
		return refused_as(
			job, error_of(session->profile, code, text, job->state),
			ldap_result_text(code, text, &job->arena));
	ldap_job_describe(job, &doing);
	(void)ldap_session_error(session, code, strbuf_cstr(&doing), err);
	strbuf_release(&doing);
	return -1;
}

/* A request was to be sent in `state`. */
static int sent(struct connector_session *session, struct ldap_job *job,
		enum ldap_job_state state, int code, struct error *err)
{
	set_state(job, state);
	return code ? refused(session, job, code, NULL, err) : 0;
}

static int start_add(struct connector_session *session, struct ldap_job *job,
		     struct error *err)
{
	return sent(session, job, JOB_ADDING, ldap_send_add(session, job), err);
}

static bool is_new(const struct ldap_job *job)
{
	return job->op.kind == EXPORT_ADD || job->op.kind == EXPORT_DELETE_ADD;
}

/* Sends the next of what follows. */
static int follow(struct connector_session *session, struct ldap_job *job,
		  struct error *err)
{
	if (job->follow_at == job->follow_count)
		return done(job);
	return sent(session, job, JOB_FOLLOWING, ldap_send_follow(session, job),
		    err);
}

/* Sends what op says, and what is left for later when that is nothing. */
static int start_modify(struct connector_session *session, struct ldap_job *job,
			struct error *err)
{
	int code = ldap_send_modify(session, job);

	while (!code && !job->msgid && job->later_at < job->later_count) {
		job->op.attrs = &job->later[job->later_at++];
		job->op.attr_count = 1;
		job->diffed = false;
		code = ldap_send_modify(session, job);
	}
	if (!code && !job->msgid)
		return follow(session, job, err);
	return sent(session, job, JOB_MODIFYING, code, err);
}

static int list_and_modify(struct connector_session *session,
			   struct ldap_job *job, struct error *err)
{
	if (session->profile->mirror && ldap_job_replaces(session, job))
		return sent(session, job, JOB_LISTING,
			    ldap_send_read(session, job, job->dn, true), err);
	return start_modify(session, job, err);
}

/* What was sent is done. */
static int go_on(struct connector_session *session, struct ldap_job *job,
		 struct error *err)
{
	job->op.attr_count = 0;
	return start_modify(session, job, err);
}

static bool is_secret(const struct ldap_profile *profile, const char *name)
{
	const char *const *secret;

	for (secret = profile->secrets; secret && *secret; secret++)
		if (sv_ieq_str(sv_from(name), *secret))
			return true;
	return false;
}

static bool has_secret(const struct connector_session *session,
		       const struct ldap_job *job)
{
	size_t i;

	for (i = 0; i < job->op.attr_count; i++)
		if (is_secret(session->profile,
			      job->type->attrs[job->op.attrs[i].attr].name))
			return true;
	return false;
}

int ldap_job_start(struct connector_session *session, struct ldap_job *job,
		   struct error *err)
{
	const struct export_op *op = &job->op;
	bool rename = op->kind == EXPORT_RENAME;

	if (!session->encrypted && has_secret(session, job))
		return refused_as(job, "encryption-not-enabled",
				  SV_LIT("a password is not sent over a "
					 "connection that is not encrypted: "
					 "use ldaps://, or 'security: "
					 "starttls' or 'sign-and-encrypt'"));

	if (!dn_valid(op->dn) || memchr(op->dn.ptr, '\0', op->dn.len) ||
	    ((rename || job->new_dn) &&
	     (!dn_valid(op->new_dn) ||
	      memchr(op->new_dn.ptr, '\0', op->new_dn.len))))
		return refused_as(job, "invalid-dn",
				  SV_LIT("this is not a DN"));
	switch (op->kind) {
	case EXPORT_ADD:
		return start_add(session, job, err);
	case EXPORT_UPDATE:
		return list_and_modify(session, job, err);
	case EXPORT_RENAME:
		return sent(session, job, JOB_RENAMING,
			    ldap_send_rename(session, job), err);
	case EXPORT_DELETE:
	case EXPORT_DELETE_ADD:
		return sent(session, job, JOB_DELETING,
			    ldap_send_delete(session, job), err);
	}
	return 0;
}

/* The server's answer to the outstanding request. */
struct answer {
	int code;
	const char *text;
	LDAPControl **controls;
	LDAPMessage *entry; /* of a read; or NULL */
};

/* Keeps a refusal while the cause is looked for. */
static int look(struct connector_session *session, struct ldap_job *job,
		const struct answer *answer, enum ldap_job_state state,
		const char *dn, struct error *err)
{
	if (answer) {
		job->refused = answer->code;
		job->refused_text = ldap_result_text(answer->code, answer->text,
						     &job->arena);
	}
	return sent(
		session, job, state,
		ldap_send_read(session, job, dn,
			       state == JOB_COMPARING || state == JOB_DIFFING),
		err);
}

static bool is_reference(const struct attr_change *change)
{
	return change->values.len &&
	       change->values.at[0].type == VALUE_REFERENCE;
}

/* False: it has none. */
static bool drop_references(struct ldap_job *job)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < job->op.attr_count; i++)
		if (!is_reference(&job->op.attrs[i]))
			job->op.attrs[kept++] = job->op.attrs[i];
	if (kept == job->op.attr_count)
		return false;
	job->op.attr_count = kept;
	job->later_at = job->later_count;
	job->follow_at = job->follow_count;
	job->outcome.references_later = true;
	return true;
}

static bool has_references_only(const struct ldap_job *job)
{
	size_t i;

	for (i = 0; i < job->op.attr_count; i++)
		if (!is_reference(&job->op.attrs[i]))
			return false;
	return true;
}

/*
 * Active Directory says 32 where a value names an entry that is not there, as
 * where the entry's own parent is missing; others say 19, as for a value that
 * they do not allow. Which of it is meant shows when it goes without: then the
 * references come again behind all else, and what is refused then is refused.
 */
static bool may_lack_target(int code)
{
	return code == LDAP_NO_SUCH_OBJECT || code == LDAP_CONSTRAINT_VIOLATION;
}

static int on_added(struct connector_session *session, struct ldap_job *job,
		    const struct answer *answer, struct error *err)
{
	if (answer->code == LDAP_ALREADY_EXISTS && job->op.retry)
		return look(session, job, answer, JOB_COMPARING, job->dn, err);
	if (may_lack_target(answer->code) && drop_references(job))
		return start_add(session, job, err);
	if (answer->code)
		return refused(session, job, answer->code, answer->text, err);
	ldap_job_post_read(session, job, answer->controls);
	if (!session->anchor || job->outcome.anchor.len)
		return go_on(session, job, err);
	return look(session, job, NULL, JOB_READING, job->dn, err);
}

static void take_anchor(struct connector_session *session, struct ldap_job *job,
			const struct answer *answer)
{
	if (session->anchor && answer->entry)
		job->outcome.anchor =
			ldap_entry_anchor(session, answer->entry, &job->arena);
}

/* The add was done: without an anchor the next import will tell it. */
static int on_read(struct connector_session *session, struct ldap_job *job,
		   const struct answer *answer, struct error *err)
{
	take_anchor(session, job, answer);
	return go_on(session, job, err);
}

static int on_compared(struct connector_session *session, struct ldap_job *job,
		       const struct answer *answer, struct error *err)
{
	bool ours = answer->entry &&
		    ldap_job_matches(session, job, answer->entry);

	/* cut off before its references were written */
	if (answer->entry && !ours && drop_references(job))
		ours = ldap_job_matches(session, job, answer->entry);
	if (!ours)
		return refused_as(job, "cd-existing-object", job->refused_text);
	take_anchor(session, job, answer);
	job->outcome.adopted = true;
	return go_on(session, job, err);
}

static int on_deleted(struct connector_session *session, struct ldap_job *job,
		      const struct answer *answer, struct error *err)
{
	bool gone = answer->code == LDAP_NO_SUCH_OBJECT && job->op.retry;

	if (answer->code && !gone)
		return refused(session, job, answer->code, answer->text, err);
	if (job->op.kind == EXPORT_DELETE)
		return done(job);
	if (job->new_dn)
		job->dn = job->new_dn;
	return start_add(session, job, err);
}

static int renamed(struct connector_session *session, struct ldap_job *job,
		   struct error *err)
{
	job->dn = job->new_dn;
	job->outcome.dn = sv_from(job->dn);
	return list_and_modify(session, job, err);
}

static int on_renamed(struct connector_session *session, struct ldap_job *job,
		      const struct answer *answer, struct error *err)
{
	if (answer->code == LDAP_NO_SUCH_OBJECT)
		return look(session, job, answer, JOB_FINDING_NEW, job->new_dn,
			    err);
	if (answer->code)
		return refused(session, job, answer->code, answer->text, err);
	return renamed(session, job, err);
}

/* It is our entry by its anchor, or because only we can have moved it. */
static int on_found_new(struct connector_session *session, struct ldap_job *job,
			const struct answer *answer, struct error *err)
{
	bool ours = answer->entry && job->op.retry;

	if (answer->entry && session->anchor && job->op.anchor.len)
		ours = sv_eq(
			ldap_entry_anchor(session, answer->entry, &job->arena),
			job->op.anchor);
	if (ours)
		return renamed(session, job, err);
	return look(session, job, NULL, JOB_FINDING_OLD, job->dn, err);
}

static int on_found_old(struct ldap_job *job, const struct answer *answer)
{
	return refused_as(job,
			  answer->entry ? "non-existent-parent"
					: "cd-missing-object",
			  job->refused_text);
}

static int on_modified(struct connector_session *session, struct ldap_job *job,
		       const struct answer *answer, struct error *err)
{
	bool half = answer->code == LDAP_TYPE_OR_VALUE_EXISTS ||
		    answer->code == LDAP_NO_SUCH_ATTRIBUTE;

	if (half && job->follow_count && !job->own_apart) {
		job->own_apart = true;
		job->follow_at = 0;
		return start_modify(session, job, err);
	}
	if (half && (job->op.retry || job->own_apart) && !job->diffed)
		return look(session, job, answer, JOB_DIFFING, job->dn, err);
	if (may_lack_target(answer->code) && !has_references_only(job) &&
	    drop_references(job))
		return start_modify(session, job, err);
	if (answer->code && is_new(job)) {
		/* it is there: its references come again behind all else */
		job->outcome.references_later = true;
		return done(job);
	}
	if (answer->code)
		return refused(session, job, answer->code, answer->text, err);
	return go_on(session, job, err);
}

static int on_diffed(struct connector_session *session, struct ldap_job *job,
		     const struct answer *answer, struct error *err)
{
	if (!answer->entry)
		return refused_as(job, "cd-existing-attribute-or-value",
				  job->refused_text);
	ldap_job_diff(session, job, answer->entry);
	job->diffed = true;
	return start_modify(session, job, err);
}

/* It may be so already, and who is gone is in nothing any more. */
static bool is_so(const struct ldap_follow *step, int code)
{
	if (step->op == ATTR_ADD)
		return code == LDAP_TYPE_OR_VALUE_EXISTS;
	return code == LDAP_NO_SUCH_ATTRIBUTE || code == LDAP_NO_SUCH_OBJECT;
}

static int on_followed(struct connector_session *session, struct ldap_job *job,
		       const struct answer *answer, struct error *err)
{
	const struct ldap_follow *step = &job->follow[job->follow_at];
	const char *text;

	if (answer->code && !is_so(step, answer->code)) {
		text = answer->text && *answer->text
			       ? answer->text
			       : ldap_err2string(answer->code);
		return refused(session, job, answer->code,
			       arena_printf(&job->arena,
					    "%s (of the attribute '%s' of "
					    "'%.200s')",
					    text, step->attr, step->dn),
			       err);
	}
	job->follow_at++;
	return follow(session, job, err);
}

static int dispatch(struct connector_session *session, struct ldap_job *job,
		    const struct answer *answer, struct error *err)
{
	switch (job->state) {
	case JOB_ADDING:
		return on_added(session, job, answer, err);
	case JOB_READING:
		return on_read(session, job, answer, err);
	case JOB_COMPARING:
		return on_compared(session, job, answer, err);
	case JOB_DELETING:
		return on_deleted(session, job, answer, err);
	case JOB_RENAMING:
		return on_renamed(session, job, answer, err);
	case JOB_FINDING_NEW:
		return on_found_new(session, job, answer, err);
	case JOB_FINDING_OLD:
		return on_found_old(job, answer);
	case JOB_MODIFYING:
		return on_modified(session, job, answer, err);
	case JOB_DIFFING:
		return on_diffed(session, job, answer, err);
	case JOB_LISTING:
		ldap_job_mirror(session, job, answer->entry);
		return start_modify(session, job, err);
	case JOB_FOLLOWING:
		return on_followed(session, job, answer, err);
	case JOB_NEW:
	case JOB_DONE:
		break;
	}
	return 0;
}

int ldap_job_answer(struct connector_session *session, struct ldap_job *job,
		    LDAPMessage *message, struct error *err)
{
	struct answer answer = { .code = LDAP_OTHER };
	char *text = NULL;
	int code;
	int ret;

	job->msgid = 0;
	code = ldap_parse_result(session->ld, message, &answer.code, NULL,
				 &text, NULL, &answer.controls, 0);
	if (code)
		answer.code = code;
	answer.text = text;
	answer.entry = ldap_first_entry(session->ld, message);
	if (ldap_result_fatal(answer.code))
		ret = refused(session, job, answer.code, text, err);
	else
		ret = dispatch(session, job, &answer, err);
	ldap_memfree(text);
	ldap_controls_free(answer.controls);
	return ret;
}
