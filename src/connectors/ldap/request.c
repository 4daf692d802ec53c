/*
 * request.c - the requests of an export, and what entries tell about them
 *
 * The library encodes a request before it returns, so all that is built for
 * one lives in the session's scratch arena.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "base/clock.h"
#include "base/text.h"
#include "connectors/ldap_schema.h"
#include "model/dn.h"

struct berval ldap_value_bytes(const struct ldap_form *form,
			       const struct value *value, struct arena *arena)
{
	struct sv text = value->text;
	char time[40];

	if (form && form->write) {
		text = form->write(value, arena);
		return (struct berval){ text.len, arena_cstr(arena, text) };
	}
	switch (value->type) {
	case VALUE_BOOLEAN:
		text = value->number ? SV_LIT("TRUE") : SV_LIT("FALSE");
		break;
	case VALUE_DATETIME:
		clock_format_generalized(value->number, time);
		text = sv_from(time);
		break;
	case VALUE_INTEGER:
		text = value_text(value, arena);
		break;
	case VALUE_NULL:
	case VALUE_STRING:
	case VALUE_BINARY:
	case VALUE_REFERENCE:
		break;
	}
	return (struct berval){ text.len, arena_cstr(arena, text) };
}

static LDAPMod *new_mod(const struct ldap_profile *profile, int op,
			struct sv name, const struct values *values,
			struct arena *arena)
{
	struct berval *bytes =
		arena_array(arena, values->len + 1, sizeof(*bytes));
	LDAPMod *mod = arena_zalloc(arena, sizeof(*mod));
	const struct ldap_form *form;
	size_t i;

	mod->mod_op = op | LDAP_MOD_BVALUES;
	mod->mod_type = arena_cstr(arena, name);
	form = ldap_form_of(profile, mod->mod_type);
	mod->mod_bvalues =
		arena_array(arena, values->len + 1, sizeof(*mod->mod_bvalues));
	for (i = 0; i < values->len; i++) {
		bytes[i] = ldap_value_bytes(form, &values->at[i], arena);
		mod->mod_bvalues[i] = &bytes[i];
	}
	return mod;
}

/* The same values of the mirror's own attribute: 1 *out is set, 0 */
static size_t add_own(const struct connector_session *session,
		      const struct ldap_job *job, const LDAPMod *mod,
		      LDAPMod **out, struct arena *arena)
{
	const struct ldap_mirror *mirror =
		ldap_mirror_of(session, mod->mod_type);

	if (!mirror || job->own_apart)
		return 0;
	*out = arena_alloc(arena, sizeof(**out));
	**out = *mod;
	(*out)->mod_type = arena_cstr(arena, sv_from(mirror->own));
	return 1;
}

/* What an add under the job's present name carries. */
static size_t add_attrs(const struct connector_session *session,
			const struct ldap_job *job, struct arena *arena,
			struct ldap_attr **out)
{
	struct export_op op = job->op;
	size_t count;
	size_t i;
	size_t k;

	op.dn = sv_from(job->dn);
	count = ldap_add_attrs(job->type, &op, arena, out);
	for (i = 0; session->profile->rdn_apart && i < count; i++)
		for (k = 0; k < op.attr_count; k++)
			if ((*out)[i].def &&
			    (*out)[i].def ==
				    &job->type->attrs[op.attrs[k].attr] &&
			    op.attrs[k].values.len)
				(*out)[i].values = op.attrs[k].values;
	return count;
}

/* Asks for the anchor in the answer; NULL: not needed or not to be had. */
static LDAPControl *post_read_control(struct connector_session *session)
{
	LDAPControl *control = NULL;
	struct berval *value = NULL;
	char *names[2];
	BerElement *ber;

	if (!session->post_read || !session->anchor)
		return NULL;
	ber = ber_alloc_t(LBER_USE_DER);
	names[0] = arena_cstr(&session->scratch, sv_from(session->anchor));
	names[1] = NULL;
	if (ber && ber_printf(ber, "{v}", names) >= 0 &&
	    ber_flatten(ber, &value) >= 0 &&
	    ldap_control_create(LDAP_CONTROL_POST_READ, 0, value, 1, &control))
		control = NULL;
	ber_bvfree(value);
	ber_free(ber, 1);
	return control;
}

int ldap_send_add(struct connector_session *session, struct ldap_job *job)
{
	struct arena *arena = &session->scratch;
	LDAPControl *controls[2] = { NULL, NULL };
	struct ldap_attr *attrs;
	size_t count = add_attrs(session, job, arena, &attrs);
	LDAPMod **mods = arena_array(arena, 2 * count + 1, sizeof(LDAPMod *));
	size_t used = 0;
	size_t i;
	int code;

	for (i = 0; i < count; i++) {
		mods[used++] = new_mod(session->profile, LDAP_MOD_ADD,
				       attrs[i].name, &attrs[i].values, arena);
		used += add_own(session, job, mods[used - 1], &mods[used],
				arena);
	}
	controls[0] = post_read_control(session);
	code = ldap_add_ext(session->ld, job->dn, mods, controls, NULL,
			    &job->msgid);
	if (controls[0])
		ldap_control_free(controls[0]);
	arena_reset(arena);
	return code;
}

static int mod_op(enum attr_op op)
{
	switch (op) {
	case ATTR_REPLACE:
		return LDAP_MOD_REPLACE;
	case ATTR_ADD:
		return LDAP_MOD_ADD;
	case ATTR_DELETE:
		return LDAP_MOD_DELETE;
	}
	return LDAP_MOD_REPLACE;
}

/* NULL: it says nothing. */
static LDAPMod *modification(const struct connector_session *session,
			     const struct ldap_job *job,
			     const struct attr_change *attr,
			     struct arena *arena)
{
	const struct attr_def *def = &job->type->attrs[attr->attr];
	const struct ldap_form *form =
		ldap_form_of(session->profile, def->name);
	struct value none;
	struct values one = { &none, 1 };

	if (!attr->values.len && form && form->none.len &&
	    def->type == VALUE_DATETIME) {
		none = value_string(form->none);
		return new_mod(session->profile, LDAP_MOD_REPLACE,
			       sv_from(def->name), &one, arena);
	}
	if (!attr->values.len && attr->op != ATTR_REPLACE)
		return NULL;
	return new_mod(session->profile, mod_op(attr->op), sv_from(def->name),
		       &attr->values, arena);
}

int ldap_send_modify(struct connector_session *session, struct ldap_job *job)
{
	struct arena *arena = &session->scratch;
	char permissive[] = LDAP_CONTROL_X_PERMISSIVE_MODIFY;
	LDAPControl control = { permissive, { 0, NULL }, 0 };
	LDAPControl *controls[2] = { NULL, NULL };
	LDAPMod **mods = arena_array(arena, 2 * job->op.attr_count + 1,
				     sizeof(LDAPMod *));
	size_t count = 0;
	size_t i;
	int code = LDAP_SUCCESS;

	for (i = 0; i < job->op.attr_count; i++) {
		mods[count] =
			modification(session, job, &job->op.attrs[i], arena);
		if (!mods[count])
			continue;
		count++;
		count += add_own(session, job, mods[count - 1], &mods[count],
				 arena);
	}
	if (session->permissive &&
	    (job->op.retry || session->profile->permissive))
		controls[0] = &control;
	job->msgid = 0;
	if (count)
		code = ldap_modify_ext(session->ld, job->dn, mods, controls,
				       NULL, &job->msgid);
	arena_reset(arena);
	return code;
}

int ldap_send_rename(struct connector_session *session, struct ldap_job *job)
{
	struct arena *arena = &session->scratch;
	struct sv old_rdn;
	struct sv old_parent = SV_NULL;
	struct sv rdn;
	struct sv parent;
	int code = LDAP_INVALID_DN_SYNTAX;

	if (dn_split(sv_from(job->new_dn), &rdn, &parent) &&
	    dn_split(sv_from(job->dn), &old_rdn, &old_parent))
		code = ldap_rename(session->ld, job->dn, arena_cstr(arena, rdn),
				   dn_equal(parent, old_parent)
					   ? NULL
					   : arena_cstr(arena, parent),
				   1, NULL, NULL, &job->msgid);
	arena_reset(arena);
	return code;
}

int ldap_send_delete(struct connector_session *session, struct ldap_job *job)
{
	return ldap_delete_ext(session->ld, job->dn, NULL, NULL, &job->msgid);
}

int ldap_send_read(struct connector_session *session, struct ldap_job *job,
		   const char *dn, bool whole)
{
	struct arena *arena = &session->scratch;
	struct ldap_attr *attrs;
	size_t count = whole ? add_attrs(session, job, arena, &attrs) : 0;
	char **names = arena_array(arena, count + job->op.attr_count + 3,
				   sizeof(*names));
	size_t used = 0;
	size_t i;
	int code;

	names[used++] = arena_cstr(arena, session->anchor
						  ? sv_from(session->anchor)
						  : SV_LIT(LDAP_NO_ATTRS));
	for (i = 0; i < count; i++)
		names[used++] = arena_cstr(arena, attrs[i].name);
	for (i = 0; whole && i < job->op.attr_count; i++)
		names[used++] = arena_cstr(
			arena,
			sv_from(job->type->attrs[job->op.attrs[i].attr].name));
	code = ldap_search_ext(session->ld, dn, LDAP_SCOPE_BASE,
			       "(objectClass=*)", names, 0, NULL, NULL, NULL, 0,
			       &job->msgid);
	arena_reset(arena);
	return code;
}

/* Values of an entry's attribute, for the question "is it there?". */
struct present {
	struct namemap *keys;
	struct arena arena;
};

static struct sv key_of(const struct value *value, bool exact,
			struct arena *arena)
{
	if (value->type == VALUE_REFERENCE)
		return dn_fold(value->text, arena);
	if (value->type == VALUE_STRING && !exact)
		return text_fold(value->text, arena);
	return value_text(value, arena);
}

static bool is_exact(const struct attr_def *def)
{
	return def && def->match == MATCH_EXACT;
}

static void present_add(struct present *present, const struct ldap_form *form,
			const struct attr_def *def, const struct berval *bytes)
{
	struct sv text = sv_make(bytes->bv_val, bytes->bv_len);
	struct value value = value_string(text);

	if (def &&
	    ldap_entry_value(form, def, text, &present->arena, &value) != 1)
		return;
	namemap_put(present->keys,
		    key_of(&value, is_exact(def), &present->arena), 1);
}

static void present_read(struct present *present,
			 const struct connector_session *session,
			 LDAPMessage *entry, const char *name,
			 const struct attr_def *def)
{
	const struct ldap_form *form = ldap_form_of(session->profile, name);
	LDAP *ld = session->ld;
	const struct attr_def *known = ldap_known_attr(sv_from(name));
	struct berval **values = ldap_get_values_len(ld, entry, name);
	size_t i;

	*present = (struct present){ .keys = namemap_new(false) };
	if (!values && known) /* the configuration may use an alias */
		values = ldap_get_values_len(ld, entry, known->name);
	for (i = 0; values && values[i]; i++)
		present_add(present, form, def, values[i]);
	ldap_value_free_len(values);
}

static bool present_has(struct present *present, const struct attr_def *def,
			const struct value *value)
{
	return namemap_get(present->keys,
			   key_of(value, is_exact(def), &present->arena), NULL);
}

static void present_release(struct present *present)
{
	namemap_free(present->keys);
	arena_release(&present->arena);
}

/* Attributes that servers keep in another form or do not show. */
static bool write_only(struct sv name)
{
	return sv_ieq_str(name, "userPassword") ||
	       sv_ieq_str(name, "unicodePwd");
}

/* Some servers show superior classes, some only what was given. */
static bool has_classes(struct connector_session *session, LDAPMessage *entry,
			const struct values *wanted)
{
	struct berval **classes =
		ldap_get_values_len(session->ld, entry, "objectClass");
	bool has = true;
	size_t i;
	size_t k;

	for (i = 0; i < wanted->len && has; i++) {
		char *name = arena_cstr(&session->scratch, wanted->at[i].text);

		has = false;
		for (k = 0; classes && classes[k] && !has; k++)
			has = ldap_class_is(
				sv_make(classes[k]->bv_val, classes[k]->bv_len),
				name);
	}
	ldap_value_free_len(classes);
	return has;
}

bool ldap_job_matches(struct connector_session *session, struct ldap_job *job,
		      LDAPMessage *entry)
{
	struct ldap_attr *attrs;
	size_t count = add_attrs(session, job, &session->scratch, &attrs);
	bool matches = true;
	size_t i;
	size_t k;

	for (i = 0; i < count && matches; i++) {
		struct present present;

		if (write_only(attrs[i].name))
			continue;
		if (sv_ieq_str(attrs[i].name, "objectClass")) {
			matches = has_classes(session, entry, &attrs[i].values);
			continue;
		}
		present_read(&present, session, entry,
			     arena_cstr(&session->scratch, attrs[i].name),
			     attrs[i].def);
		for (k = 0; k < attrs[i].values.len && matches; k++)
			matches = present_has(&present, attrs[i].def,
					      &attrs[i].values.at[k]);
		present_release(&present);
	}
	arena_reset(&session->scratch);
	return matches;
}

void ldap_job_diff(struct connector_session *session, struct ldap_job *job,
		   LDAPMessage *entry)
{
	size_t i;
	size_t k;

	for (i = 0; i < job->op.attr_count; i++) {
		struct attr_change *attr = &job->op.attrs[i];
		const struct attr_def *def = &job->type->attrs[attr->attr];
		struct present present;
		struct value *left;
		size_t count = 0;

		if (attr->op == ATTR_REPLACE)
			continue;
		present_read(&present, session, entry, def->name, def);
		left = arena_array(&job->arena, attr->values.len + 1,
				   sizeof(*left));
		for (k = 0; k < attr->values.len; k++)
			if (present_has(&present, def, &attr->values.at[k]) ==
			    (attr->op == ATTR_DELETE))
				left[count++] = attr->values.at[k];
		attr->values = (struct values){ left, count };
		present_release(&present);
	}
}

static void read_post_entry(struct connector_session *session,
			    struct ldap_job *job, BerElement *ber)
{
	struct berval dn;
	struct berval name;

	if (ber_scanf(ber, "{m{", &dn) == LBER_ERROR)
		return;
	job->outcome.dn = arena_dup(&job->arena, sv_make(dn.bv_val, dn.bv_len));
	while (ber_scanf(ber, "{m", &name) != LBER_ERROR) {
		BerVarray values = NULL;

		if (ber_scanf(ber, "[W]}", &values) == LBER_ERROR)
			return;
		if (values && values[0].bv_val &&
		    sv_ieq_str(sv_make(name.bv_val, name.bv_len),
			       session->anchor))
			job->outcome.anchor = ldap_anchor_text(
				session,
				sv_make(values[0].bv_val, values[0].bv_len),
				&job->arena);
		ber_bvarray_free(values);
	}
}

void ldap_job_post_read(struct connector_session *session, struct ldap_job *job,
			LDAPControl **controls)
{
	LDAPControl *control =
		ldap_control_find(LDAP_CONTROL_POST_READ, controls, NULL);
	BerElement *ber;

	if (!control || !session->anchor)
		return;
	ber = ber_init(&control->ldctl_value);
	if (!ber)
		return;
	read_post_entry(session, job, ber);
	ber_free(ber, 1);
}
