/*
 * mirror.c - references that stand in further attributes, of the entry itself
 * and of those that it names, where no server keeps these by themselves
 *
 * The entry's own further attribute goes in the same request. The others are
 * written behind all else of the operation, value by value: what is so already
 * does not matter, so that it can be repeated, and so that entries come right
 * that were not. When the own attribute is why a request was refused, it is
 * written value by value as well.
 *
 * A replacement does not tell which values go: they are read before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "model/dn.h"

const struct ldap_mirror *
ldap_mirror_of(const struct connector_session *session, const char *attr)
{
	const struct ldap_mirror *mirror = session->profile->mirror;

	if (!mirror || !sv_ieq_str(sv_from(attr), mirror->attr) ||
	    !sv_eq_str(ldap_session_setting(session, mirror->setting),
		       mirror->on))
		return NULL;
	return mirror;
}

static void put(struct ldap_job *job, const char *dn, const char *attr,
		struct sv value, enum attr_op op)
{
	job->follow[job->follow_count++] =
		(struct ldap_follow){ .dn = dn,
				      .attr = attr,
				      .value = value_reference(0, value),
				      .op = op == ATTR_DELETE ? ATTR_DELETE
							      : ATTR_ADD };
}

static void put_own(struct ldap_job *job, const struct ldap_mirror *mirror,
		    const char *self, struct sv value, enum attr_op op)
{
	put(job, self, mirror->own, value, op);
}

static void put_theirs(struct ldap_job *job, const struct ldap_mirror *mirror,
		       const char *self, struct sv value, enum attr_op op)
{
	const char *dn = arena_cstr(&job->arena, value);
	size_t k;

	for (k = 0; k < 2; k++)
		put(job, dn, mirror->theirs[k], sv_from(self), op);
}

/* Puts what one value means for the entry itself, or for the other. */
typedef void put_fn(struct ldap_job *job, const struct ldap_mirror *mirror,
		    const char *self, struct sv value, enum attr_op op);

static bool names(const struct values *values, struct sv dn)
{
	size_t i;

	for (i = 0; i < values->len; i++)
		if (dn_equal(values->at[i].text, dn))
			return true;
	return false;
}

/* What one change says, and what goes with the `old` values it replaces. */
static void put_change(struct ldap_job *job, const struct ldap_mirror *mirror,
		       const struct attr_change *attr, const struct values *old,
		       put_fn *one)
{
	const char *self = job->new_dn ? job->new_dn : job->dn;
	size_t i;

	for (i = 0; attr->op == ATTR_REPLACE && i < old->len; i++)
		if (!names(&attr->values, old->at[i].text))
			one(job, mirror, self, old->at[i].text, ATTR_DELETE);
	for (i = 0; i < attr->values.len; i++)
		one(job, mirror, self, attr->values.at[i].text, attr->op);
}

static const struct ldap_mirror *
mirror_at(const struct connector_session *session, const struct ldap_job *job,
	  size_t at)
{
	return ldap_mirror_of(session,
			      job->type->attrs[job->op.attrs[at].attr].name);
}

bool ldap_job_replaces(const struct connector_session *session,
		       const struct ldap_job *job)
{
	size_t i;

	for (i = 0; i < job->op.attr_count; i++)
		if (job->op.attrs[i].op == ATTR_REPLACE &&
		    mirror_at(session, job, i))
			return true;
	return false;
}

static struct values values_of(const struct connector_session *session,
			       LDAPMessage *entry, const char *name,
			       struct arena *arena)
{
	struct berval **found =
		entry ? ldap_get_values_len(session->ld, entry, name) : NULL;
	int count = ldap_count_values_len(found);
	struct values out = { NULL, 0 };
	int i;

	out.at = arena_array(arena, (size_t)count + 1, sizeof(*out.at));
	for (i = 0; found && i < count; i++)
		out.at[out.len++] = value_reference(
			0, arena_dup(arena, sv_make(found[i]->bv_val,
						    found[i]->bv_len)));
	ldap_value_free_len(found);
	return out;
}

void ldap_job_mirror(const struct connector_session *session,
		     struct ldap_job *job, LDAPMessage *entry)
{
	const struct ldap_mirror *mirror = session->profile->mirror;
	struct values old = { NULL, 0 };
	size_t total = 0;
	size_t i;

	job->follow_count = 0;
	job->follow_at = 0;
	if (!mirror || job->op.kind == EXPORT_DELETE)
		return;
	for (i = 0; i < job->op.attr_count; i++)
		if (mirror_at(session, job, i))
			total += job->op.attrs[i].values.len + 1;
	if (!total)
		return;
	old = values_of(session, entry, mirror->attr, &job->arena);
	job->follow = arena_array(&job->arena, 3 * (total + old.len),
				  sizeof(*job->follow));
	for (i = 0; i < job->op.attr_count; i++)
		if (mirror_at(session, job, i))
			put_change(job, mirror, &job->op.attrs[i], &old,
				   put_own);
	job->follow_at = job->follow_count;
	for (i = 0; i < job->op.attr_count; i++)
		if (mirror_at(session, job, i))
			put_change(job, mirror, &job->op.attrs[i], &old,
				   put_theirs);
}

int ldap_send_follow(struct connector_session *session, struct ldap_job *job)
{
	const struct ldap_follow *step = &job->follow[job->follow_at];
	struct arena *arena = &session->scratch;
	struct berval bytes = ldap_value_bytes(NULL, &step->value, arena);
	struct berval *values[] = { &bytes, NULL };
	LDAPMod mod = { .mod_op = LDAP_MOD_BVALUES |
				  (step->op == ATTR_DELETE ? LDAP_MOD_DELETE
							   : LDAP_MOD_ADD),
			.mod_type = arena_cstr(arena, sv_from(step->attr)) };
	LDAPMod *mods[] = { &mod, NULL };
	int code;

	mod.mod_bvalues = values;
	code = ldap_modify_ext(session->ld, step->dn, mods, NULL, NULL,
			       &job->msgid);
	arena_reset(arena);
	return code;
}
