/*
 * range.c - values that come in parts ("member;range=0-1499")
 *
 * Called by entry.c for an attribute of which the server gave the first values
 * only. The others are read one part after the other, as large as the server
 * makes them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include <stdio.h>
#include <string.h>

bool ldap_range_name(struct sv name, struct sv *base_out, size_t *next_out)
{
	struct sv option = SV_LIT(";range=");
	size_t at = sv_find(name, ';', 0);
	int64_t last;
	size_t dash;

	if (!sv_starts(sv_sub(name, at, name.len), option))
		return false;
	dash = sv_find(name, '-', at);
	*base_out = sv_sub(name, 0, at);
	*next_out = 0;
	if (dash < name.len &&
	    sv_to_i64(sv_sub(name, dash + 1, name.len), &last) && last >= 0)
		*next_out = (size_t)last + 1;
	return true;
}

static size_t count_of(const struct berval *values)
{
	size_t count = 0;

	while (values && values[count].bv_val)
		count++;
	return count;
}

/* Puts copies behind *values. */
static void append(struct berval **values, struct berval **more,
		   struct arena *arena)
{
	size_t count = count_of(*values);
	size_t added = (size_t)ldap_count_values_len(more);
	size_t i;

	*values =
		ber_memrealloc(*values, (count + added + 1) * sizeof(**values));
	for (i = 0; i < added; i++) {
		struct sv copy = arena_dup(
			arena, sv_make(more[i]->bv_val, more[i]->bv_len));

		(*values)[count + i].bv_val = arena_cstr(arena, copy);
		(*values)[count + i].bv_len = copy.len;
	}
	(*values)[count + added] = (struct berval){ 0, NULL };
}

/* The part in an answer; where the next begins, 0 when this was the last. */
static size_t take_part(struct connector_session *session, LDAPMessage *entry,
			const char *name, struct arena *arena,
			struct berval **values)
{
	BerElement *ber = NULL;
	size_t next = 0;
	char *attr;

	for (attr = ldap_first_attribute(session->ld, entry, &ber); attr;
	     attr = ldap_next_attribute(session->ld, entry, ber)) {
		struct berval **part;
		struct sv base;

		if (ldap_range_name(sv_from(attr), &base, &next) &&
		    sv_ieq_str(base, name)) {
			part = ldap_get_values_len(session->ld, entry, attr);
			if (part)
				append(values, part, arena);
			ldap_value_free_len(part);
			ldap_memfree(attr);
			break;
		}
		ldap_memfree(attr);
	}
	ber_free(ber, 0);
	return next;
}

int ldap_range_read(struct connector_session *session, const char *dn,
		    const char *name, size_t from, struct arena *arena,
		    struct berval **values, struct error *err)
{
	while (from) {
		char *part = arena_printf(arena, "%s;range=%zu-*", name, from);
		char *attrs[] = { part, NULL };
		LDAPMessage *result;
		size_t next;
		int ret = ldap_session_read(session, dn, "(objectClass=*)",
					    attrs, &result, err);

		if (ret < 0)
			return -1;
		if (!ret)
			return error_set(err, ERR_UNAVAILABLE,
					 "%s: '%s' went away while its values "
					 "were read: run the import again",
					 session->server, dn);
		next = take_part(session, ldap_first_entry(session->ld, result),
				 name, arena, values);
		ldap_msgfree(result);
		from = next > from ? next : 0;
	}
	return 0;
}
