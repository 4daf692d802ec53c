/*
 * changelog.c - changes by the log that 389 Directory Server and its family
 *keep (cn=changelog, "retro changelog")
 *
 * Entries of the log have growing numbers and name what changed. What is there
 * is read anew as a whole, by its unique id where the log has it, else by its
 * name. Where the log was trimmed behind the last import, or made anew, a full
 * import is asked for.
 *
 * Each server of a replicated directory keeps a log of its own and numbers it
 * for itself, so the mark names the server.
 *
 *	mark: the number of the last entry, and the server's URL
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "model/dn.h"

#include <inttypes.h>
#include <stdio.h>

#define BLOCK 1000 /* numbers of the log at a time */

struct log {
	char *base;
	int64_t first;
	int64_t last;
	int64_t at; /* the last number that was read */
};

/* One entry of it. */
struct record {
	struct sv type;
	struct sv dn;
	struct sv id;
	struct sv new_rdn;
	struct sv new_superior;
};

/* What the server says of its log: 1, 0 it keeps none, -1 */
static int read_log(struct connector_session *session, struct log *log,
		    struct error *err)
{
	struct arena *arena = &session->import->arena;
	char base[] = "changelog";
	char first[] = "firstchangenumber";
	char last[] = "lastchangenumber";
	char *attrs[] = { base, first, last, NULL };
	LDAPMessage *result;
	LDAPMessage *root;
	struct sv dn;
	int ret = ldap_session_read(session, "", LDAP_ANYTHING, attrs, &result,
				    err);

	if (ret <= 0)
		return ret;
	root = ldap_first_entry(session->ld, result);
	dn = ldap_entry_first(session->ld, root, base, arena);
	log->base = dn.len ? arena_cstr(arena, dn) : NULL;
	ret = dn.len &&
	      sv_to_i64(ldap_entry_first(session->ld, root, first, arena),
			&log->first) &&
	      sv_to_i64(ldap_entry_first(session->ld, root, last, arena),
			&log->last);
	ldap_msgfree(result);
	return ret;
}

static struct sv mark_of(const struct connector_session *session,
			 int64_t number, struct arena *arena)
{
	return sv_from(
		arena_printf(arena, "%" PRId64 " %s", number, session->server));
}

static int note(struct connector_session *session, struct arena *arena,
		struct sv *mark_out, struct error *err)
{
	struct log log = { .last = 0 };
	int ret = read_log(session, &log, err);

	if (ret > 0)
		*mark_out = mark_of(session, log.last, arena);
	return ret;
}

static int begin(struct connector_session *session, struct sv mark,
		 struct error *err)
{
	struct ldap_import *import = session->import;
	struct log *log = arena_zalloc(&import->arena, sizeof(*log));
	size_t blank = sv_find(mark, ' ', 0);
	int ret;

	import->delta_data = log;
	ret = read_log(session, log, err);
	if (ret < 0)
		return -1;
	if (!sv_eq_str(sv_sub(mark, blank + 1, mark.len), session->server))
		return error_set(err, ERR_CONFLICT,
				 "%s: the last import was of another server, "
				 "and each numbers its change log for itself: "
				 "run a full-import",
				 session->server);
	if (!ret || !sv_to_i64(sv_sub(mark, 0, blank), &log->at) ||
	    log->last < log->at)
		return error_set(err, ERR_CONFLICT,
				 "%s: the server's change log is not that of "
				 "the last import: run a full-import",
				 session->server);
	if (log->first > log->at + 1)
		return error_set(err, ERR_CONFLICT,
				 "%s: the server's change log begins with "
				 "number %" PRId64 ", the last import ended "
				 "with %" PRId64 ": it was trimmed meanwhile; "
				 "run a full-import",
				 session->server, log->first, log->at);
	return 0;
}

static bool is_ours(const struct connector_session *session, struct sv dn)
{
	const struct ldap_import *import = session->import;
	size_t i;

	for (i = 0; i < import->partition_count; i++)
		if (dn_within(dn, ldap_context_of(session,
						  import->partitions[i].base)))
			return true;
	return false;
}

static void read_record(struct connector_session *session, LDAPMessage *entry,
			struct record *out)
{
	struct arena *round = &session->import->round;
	LDAP *ld = session->ld;

	out->type = ldap_entry_first(ld, entry, "changeType", round);
	out->dn = ldap_entry_first(ld, entry, "targetDn", round);
	out->id = ldap_entry_first(ld, entry, "targetUniqueId", round);
	out->new_rdn = ldap_entry_first(ld, entry, "newRdn", round);
	out->new_superior = ldap_entry_first(ld, entry, "newSuperior", round);
}

/* The name that it was given: all below has come along. */
static void plan_renamed(struct connector_session *session,
			 const struct record *record)
{
	struct arena *round = &session->import->round;
	struct ldap_search search = {
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = LDAP_ANYTHING,
		.may_be_gone = true,
		.moved = true,
	};
	struct sv parent = record->new_superior;
	struct sv rdn;

	if (!parent.len && !dn_split(record->dn, &rdn, &parent))
		return;
	search.base =
		arena_cstr(round, dn_join(record->new_rdn, parent, round));
	ldap_plan_changed(session, &search);
}

static void plan_named(struct connector_session *session, struct sv dn)
{
	struct ldap_search search = {
		.base = arena_cstr(&session->import->round, dn),
		.scope = LDAP_SCOPE_BASE,
		.filter = LDAP_ANYTHING,
		.may_be_gone = true,
	};

	ldap_plan_changed(session, &search);
}

static void tell_deleted(struct connector_session *session,
			 const struct record *record)
{
	struct change change = { .op = CHANGE_DELETE, .dn = record->dn };

	if (record->id.len)
		ldap_tell_deleted(session, record->id);
	else
		vec_push(&session->import->told, change);
}

struct plan {
	struct sv *ids;
	size_t count;
	struct namemap *seen;
};

static void plan_record(struct connector_session *session,
			const struct record *record, struct plan *plan)
{
	if (!is_ours(session, record->dn))
		return;
	if (sv_ieq_str(record->type, "delete")) {
		tell_deleted(session, record);
	} else if (sv_ieq_str(record->type, "modrdn") ||
		   sv_ieq_str(record->type, "moddn")) {
		plan_renamed(session, record);
	} else if (!record->id.len) {
		plan_named(session, record->dn);
	} else if (!namemap_get(plan->seen, record->id, NULL)) {
		namemap_put(plan->seen, record->id, 1);
		plan->ids[plan->count++] = record->id;
	}
}

static void plan_ids(struct connector_session *session, const struct plan *plan)
{
	struct arena *round = &session->import->round;
	struct ldap_search search = { .scope = LDAP_SCOPE_SUBTREE,
				      .moved = true };
	struct sv *contexts;
	size_t count = ldap_contexts(session, round, &contexts);
	size_t i;

	for (i = 0; i < count; i++) {
		search.base = arena_cstr(round, contexts[i]);
		ldap_plan_values(session, session->anchor, plan->ids,
				 plan->count, &search);
	}
}

static void plan_block(struct connector_session *session, LDAPMessage *result)
{
	size_t most = (size_t)ldap_count_entries(session->ld, result);
	struct plan plan = {
		.ids = arena_array(&session->import->round, most + 1,
				   sizeof(struct sv)),
		.seen = namemap_new(true),
	};
	LDAPMessage *entry;

	for (entry = ldap_first_entry(session->ld, result); entry;
	     entry = ldap_next_entry(session->ld, entry)) {
		struct record record;

		read_record(session, entry, &record);
		plan_record(session, &record, &plan);
	}
	plan_ids(session, &plan);
	namemap_free(plan.seen);
}

static int more(struct connector_session *session, struct error *err)
{
	struct log *log = session->import->delta_data;
	struct arena *round = &session->import->round;
	struct timeval tv = { session->timeout, 0 };
	char type[] = "changeType";
	char dn[] = "targetDn";
	char id[] = "targetUniqueId";
	char rdn[] = "newRdn";
	char superior[] = "newSuperior";
	char *attrs[] = { type, dn, id, rdn, superior, NULL };
	LDAPMessage *result = NULL;
	int64_t to = log->at + BLOCK;
	int code;

	if (log->at >= log->last)
		return 0;
	if (to > log->last)
		to = log->last;
	code = ldap_search_ext_s(session->ld, log->base, LDAP_SCOPE_ONELEVEL,
				 arena_printf(round,
					      "(&(changeNumber>=%" PRId64
					      ")(changeNumber<=%" PRId64 "))",
					      log->at + 1, to),
				 attrs, 0, NULL, NULL, &tv, 0, &result);
	if (code) {
		ldap_msgfree(result);
		return ldap_session_error(session, code, "read the change log",
					  err);
	}
	if (!ldap_count_entries(session->ld, result)) {
		ldap_msgfree(result);
		return error_set(err, ERR_DENIED,
				 "%s: there are no entries %" PRId64
				 " to %" PRId64 " in '%s', or the account may "
				 "not read them",
				 session->server, log->at + 1, to, log->base);
	}
	plan_block(session, result);
	ldap_msgfree(result);
	log->at = to;
	return 1;
}

static int mark(struct connector_session *session, struct arena *arena,
		struct sv *mark_out, struct error *err)
{
	const struct log *log = session->import->delta_data;

	(void)err;
	*mark_out = mark_of(session, log->at, arena);
	return 0;
}

const struct ldap_delta ldap_changelog = {
	.name = "changelog",
	.one_server = true,
	.note = note,
	.begin = begin,
	.more = more,
	.mark = mark,
};
