/*
 * ldap_private.h - what the files of the ldap connector share
 *
 *	profile.h    what one directory does otherwise than another
 *	ldap.c       any directory; openldap.c, sun.c, ad.c: these
 *	settings.c   what of the configuration does not go together
 *	scope.c      which entries belong to the agent, and where to search
 *	connect.c    reach a server, encrypt
 *	locate.c     servers by DNS
 *	session.c    sign in, failover, connecting again
 *	kerberos.c   sign in by ticket
 *	look.c       the server's certificate, may the account write
 *	describe.h   what the directory can hold, a sample of what it holds
 *	result.c     the server's result codes in our words
 *	subschema.c  classes and names of attributes as the server knows them
 *	entry.c      an entry that was read becomes a change
 *	range.c      values that come in parts
 *	import.c     paged searches, one after the other
 *	referral.c   what lies on other servers
 *	delta.c      changes only: what the ways to read them share
 *	sync.c, timestamp.c, changelog.c  such ways
 *	listen.c     to be told that something changed
 *	export.c     many operations outstanding at once, in a safe order
 *	job.c        one operation from its sending to its outcome
 *	request.c    the requests themselves
 *	mirror.c     references that stand in several attributes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_LDAP_PRIVATE_H
#define CONNECTORS_LDAP_LDAP_PRIVATE_H

#include "base/hash.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "connector/connector.h"
#include "connectors/ldap/profile.h"

#include <ldap.h>

struct ldap_export;
struct ldap_delta;
struct ldap_import;
struct ldap_job;
struct ldap_kerberos;
struct ldap_subschema;
struct ldap_wanted;

/* settings.c */

/* The texts of a SETTING_NAMES value: a list, or one text. */
size_t ldap_setting_names(const struct node *map, const char *key,
			  struct arena *arena, struct sv **out);
/* scope.c */

enum ldap_place {
	LDAP_OUTSIDE,  /* not this agent's */
	LDAP_ANCESTOR, /* only because included ones lie below it */
	LDAP_INSIDE,
};

/* A subtree that `include` or `exclude` names; the deepest one decides. */
struct ldap_region {
	struct sv dn;
	struct sv folded;
	bool included;
};

struct ldap_partition {
	struct sv base;
	struct sv folded;
	struct ldap_region *regions;
	size_t count;
};

/* What a search finds. */
enum ldap_means {
	LDAP_MEANS_OBJECTS,
	LDAP_MEANS_CONTAINERS, /* never an object */
	LDAP_MEANS_GONE,       /* not this agent's any more */
	LDAP_MEANS_HOLDERS,    /* may have been moved: all below is read
				* in the next round */
};

/* One search of an import. */
struct ldap_search {
	const struct ldap_partition *partition; /* NULL: whichever fits */
	const char *base;
	int scope;
	const char *filter;
	enum ldap_means means;
	/* The rest is for deltas. */
	bool may_be_gone;           /* the base */
	bool moved;                 /* what lies outside was inside perhaps */
	bool deleted;               /* show what is deleted, too */
	struct ldap_wanted *wanted; /* NULL: all that is configured */
	/* Takes what was made of an entry: 1 it is a change, 0 it is none. */
	int (*take)(struct connector_session *session, struct arena *arena,
		    struct change *change);
};

#define LDAP_ANYTHING "(objectClass=*)"
/* What holds other entries but is seldom an object. */
#define LDAP_CONTAINERS                                                        \
	"(|(objectClass=organizationalUnit)(objectClass=organization)"         \
	"(objectClass=domain)(objectClass=dcObject)(objectClass=container)"    \
	"(objectClass=country)(objectClass=locality)"                          \
	"(hasSubordinates=TRUE)(numSubordinates>=1))"

size_t ldap_partitions(const struct node *connect, struct arena *arena,
		       struct ldap_partition **out);
enum ldap_place ldap_place_of(const struct ldap_partition *partition,
			      struct sv dn, struct arena *scratch);
/* The searches that find all of a partition, its containers first. */
size_t ldap_searches(const struct ldap_partition *partition, struct sv filter,
		     struct arena *arena, struct ldap_search **out);
/* `dn` is `container` or lies below it; both folded. */
bool ldap_folded_within(struct sv dn, struct sv container);

/* connect.c */

/* Opens session->ld to session->server; on -1 it may be open still. */
int ldap_connect_server(struct connector_session *session, struct error *err);

/* kerberos.c */

/* Signs in as `principal`; what it needs stays until the session is closed. */
int ldap_kerberos_bind(struct connector_session *session, struct error *err);
void ldap_kerberos_free(struct ldap_kerberos *kerberos);

/* session.c */

/* A group of which the SID is known. */
struct ldap_known_group {
	struct sv sid;
	struct sv dn; /* empty: there is none */
	struct ldap_known_group *next;
};

struct connector_session {
	const struct ldap_profile *profile;
	const struct attr_def *known; /* attributes; ends with name NULL */
	const struct connector_config *config;
	struct arena arena;   /* as long as the session */
	struct arena scratch; /* within one function; reset by it */
	LDAP *ld;
	const char **servers; /* URLs, as configured */
	size_t server_count;
	size_t at;          /* which of them it is */
	const char *server; /* its URL */
	struct sv service; /* what tells it from others of its name; or empty */
	int lost;          /* result code that the connection ended with; 0 */
	int losses;        /* since something new was read or written */
	int timeout;       /* seconds */
	bool encrypted;
	bool paging;
	bool post_read;
	bool permissive;
	bool sync;                /* RFC 4533 */
	bool tells_allowed;       /* what an account may make */
	const char *subschema_dn; /* or NULL */
	struct sv *contexts;      /* naming contexts */
	size_t context_count;
	const char *anchor; /* NULL: objects are known by their DN */
	struct ldap_subschema *subschema; /* NULL until it is needed */
	struct ldap_kerberos *kerberos;   /* or NULL */
	struct ldap_known_group *groups;  /* that were looked for */
	struct ldap_import *import;
	struct sv watermark; /* that the import began with */
	struct hash_key key; /* of the import */
	struct error failed; /* the import ended with it */
	struct ldap_export *export;
	struct ldap_listen *listen;
};

struct sv ldap_session_setting(const struct connector_session *session,
			       const char *name);
int64_t ldap_session_number(const struct connector_session *session,
			    const char *name);

/* Leaves its servers for others, and signs in at one of these. */
int ldap_session_move(struct connector_session *session, const char **servers,
		      size_t count, struct error *err);

/* Which server will do. */
enum ldap_again {
	LDAP_AGAIN_ANY,
	LDAP_AGAIN_SAME, /* nobody else knows what was written a moment ago */
};

/*
 * After an error that may be the end of the connection: makes it again, as long
 * as the setting `reconnect` says. What was outstanding on it is gone. 0: to
 * the same server; 1: to another one, and err is empty again; -1: it was
 * another error, or in vain.
 */
int ldap_session_again(struct connector_session *session, enum ldap_again which,
		       struct error *err);

/* Sets err from a result code; `doing` as in "search 'dc=x'". Notes that the
 * connection is lost when the code says so. */
int ldap_session_error(struct connector_session *session, int code,
		       const char *doing, struct error *err);
/* The library's last result code of this connection. */
int ldap_session_code(struct connector_session *session);
/* Reads one entry: 1 found (ldap_msgfree() it), 0 there is none, -1. */
int ldap_session_read(struct connector_session *session, const char *dn,
		      const char *filter, char **attrs, LDAPMessage **out,
		      struct error *err);

/* result.c */

/* "noSuchObject"; "other" for numbers that are not known. */
const char *ldap_result_name(int code);
/* What a program shall do about it when it ends a run. */
enum err_code ldap_result_err(int code);
/* The connection or the server is gone: nothing more can be asked. */
bool ldap_result_fatal(int code);
/* "TEXT (result code 68 entryAlreadyExists)", memory from arena. */
struct sv ldap_result_text(int code, const char *text, struct arena *arena);

/* subschema.c */

/* Reads the server's classes and attribute types at the first call; a server
 * that does not tell has none. */
int ldap_subschema_load(struct connector_session *session, struct error *err);
/* -1, ERR_INVALID: an attribute of the configuration is not in it. */
int ldap_subschema_check(struct connector_session *session, struct error *err);
void ldap_subschema_free(struct ldap_subschema *subschema);
/* The most specific structural class among `classes`; empty: not known. */
struct sv ldap_subschema_structural(const struct ldap_subschema *subschema,
				    const struct berval *classes);
/* Two names of the same attribute type. */
bool ldap_subschema_same(const struct ldap_subschema *subschema, struct sv a,
			 struct sv b);

/* entry.c */

/* Names of attributes, as ldap_search_ext() wants them. */
struct ldap_wanted {
	char **names; /* ends with NULL */
	char **bases; /* without the options that are asked for */
	size_t count;
	struct namemap *map; /* server's name -> index into names, or NONE */
};

void ldap_wanted_init(struct ldap_wanted *wanted,
		      const struct connector_session *session,
		      struct arena *arena);
/* The class and the anchor only. */
void ldap_wanted_identity(struct ldap_wanted *wanted,
			  const struct connector_session *session,
			  struct arena *arena);
void ldap_wanted_release(struct ldap_wanted *wanted);

/* 1: *out filled; 0: not this agent's; -1: err is set. `wanted` learns the
 * server's names. */
int ldap_entry_change(struct connector_session *session,
		      struct ldap_wanted *wanted,
		      const struct ldap_search *search, LDAPMessage *entry,
		      struct arena *arena, struct change *out,
		      struct error *err);
/* One value as the connector contract has it: 1 read, views into `bytes` stay
 * views; 0 it is no such; 2 it stands for no value. `form` may be NULL. */
int ldap_entry_value(const struct ldap_form *form, const struct attr_def *def,
		     struct sv bytes, struct arena *arena, struct value *out);
/* The text of an entry's anchor; SV_NULL: it has none. */
struct sv ldap_entry_anchor(const struct connector_session *session,
			    LDAPMessage *entry, struct arena *arena);
/* The text of an anchor from the bytes of its value. */
struct sv ldap_anchor_text(const struct connector_session *session,
			   struct sv bytes, struct arena *arena);
/* The entry's first value of an attribute, copied; SV_NULL: none. */
struct sv ldap_entry_first(LDAP *ld, LDAPMessage *entry, const char *name,
			   struct arena *arena);

/* range.c */

/* Reads the values of `name` from number `from` on and puts them behind
 * *values, which stays the library's memory. */
int ldap_range_read(struct connector_session *session, const char *dn,
		    const char *name, size_t from, struct arena *arena,
		    struct berval **values, struct error *err);
/* "member;range=0-1499" is a part of "member": true, and the number behind the
 * part's last; 0: it is the last part. */
bool ldap_range_name(struct sv name, struct sv *base_out, size_t *next_out);

/* referral.c */

/* A place on another server; memory from the import's arena. */
struct ldap_referral {
	const char **servers; /* any of them */
	size_t count;
	const char *base;
	int scope;
	const struct ldap_partition *partition;
	int depth;
};

bool ldap_follows(const struct connector_session *session);
/* What a search refers to, to be read later. */
int ldap_referral_note(struct connector_session *session,
		       const struct ldap_search *search, char **urls,
		       struct error *err);
/* Goes to the next place, whose searches are planned: 1; 0 there is none; -1 */
int ldap_referral_next(struct connector_session *session, struct error *err);

/* import.c */

struct ldap_import {
	struct arena arena;
	struct arena round; /* of what a delta tells and plans at a time */
	struct ldap_wanted wanted;
	struct ldap_wanted identity; /* empty until something is compared */
	struct ldap_partition *partitions;
	size_t partition_count;
	VEC(struct ldap_search) searches;
	size_t search; /* the one that runs or comes next */
	VEC(struct change) told;
	size_t told_at;
	VEC(struct sv) holders; /* DNs, in `arena` */
	int page_size;          /* 0: no paging */
	int msgid;              /* of the request that is outstanding, or 0 */
	VEC(LDAPMessage *) page;
	size_t at;                      /* the first of the page not taken */
	struct ldap_search page_search; /* that found the page */
	size_t page_at;                 /* its number */
	/* Of a full import: what the search `seen_search` gave, and what is not
	 * given again since it was begun anew. */
	VEC(struct hash128) seen;
	size_t seen_search;
	struct idmap given; /* low -> high */
	bool begun_anew;
	const struct ldap_delta *delta; /* NULL: no delta can follow */
	void *delta_data;               /* its own, in `arena` */
	bool full;
	struct sv mark; /* of a full import: where deltas begin */
	VEC(struct ldap_referral) referrals;
	size_t referral_at;
	int depth;               /* of the referral that is followed */
	struct namemap *visited; /* "SERVER/BASE"; or NULL */
};

void ldap_import_free(struct connector_session *session);

/* delta.c */

/* A way to read changes only. */
struct ldap_delta {
	const char *name; /* in watermarks, and of the setting `delta` */
	bool one_server;  /* its mark means nothing to another one */
	/* Before a full import: where what is not in it begins, a text without
	 * line breaks. 1 noted; 0 the server or the account cannot; -1. */
	int (*note)(struct connector_session *session, struct arena *arena,
		    struct sv *mark_out, struct error *err);
	/* Goes on from there; ERR_CONFLICT: that is not possible any more. */
	int (*begin)(struct connector_session *session, struct sv mark,
		     struct error *err);
	/* When all that was told and planned is taken: tells and plans more, in
	 * import->round. 1: there may be more; 0: that was all; -1. */
	int (*more)(struct connector_session *session, struct error *err);
	/* After the last: where the next begins. */
	int (*mark)(struct connector_session *session, struct arena *arena,
		    struct sv *mark_out, struct error *err);
	void (*release)(struct connector_session *session); /* or NULL */
};

extern const struct ldap_delta ldap_sync;
extern const struct ldap_delta ldap_timestamp; /* without deletions */
extern const struct ldap_delta ldap_compare;   /* with them */
extern const struct ldap_delta ldap_changelog;

/* Before a full import: chooses a way and notes where deltas will begin. */
int ldap_delta_note(struct connector_session *session, struct error *err);
int ldap_delta_begin(struct connector_session *session, struct sv watermark,
		     struct error *err);
int ldap_delta_end(struct connector_session *session, struct arena *arena,
		   struct sv *watermark_out, struct error *err);
void ldap_tell_deleted(struct connector_session *session, struct sv anchor);
/* Plans to read what `filter` finds at or below `base`, with regard to the
 * agent's own filter: what does not pass that is gone, or a container. */
void ldap_plan_changed(struct connector_session *session,
		       const struct ldap_search *search);
/* Plans to read those whose attribute `name` is one of `values`, many in one
 * search; `search` says the rest. */
void ldap_plan_values(struct connector_session *session, const char *name,
		      const struct sv *values, size_t count,
		      const struct ldap_search *search);
/* Plans to name all that are there: what is not is gone (CHANGE_PRESENT). */
void ldap_plan_present(struct connector_session *session);
/* Plans to look for what holds others among what `filter` finds. */
void ldap_plan_holders(struct connector_session *session, const char *base,
		       const char *filter);
/* The same among those whose attribute is one of `values`. */
void ldap_plan_value_holders(struct connector_session *session,
			     const char *name, const struct sv *values,
			     size_t count, const char *base);
/* Plans to read all below those that were found; false: there are none. */
bool ldap_plan_below(struct connector_session *session);
/* The naming context that `dn` lies in; `dn` itself when none is known. */
struct sv ldap_context_of(const struct connector_session *session,
			  struct sv dn);
size_t ldap_contexts_of(const struct connector_session *session,
			const struct ldap_partition *partitions, size_t count,
			struct arena *arena, struct sv **out);
/* The naming contexts of the import's partitions, each once. */
size_t ldap_contexts(const struct connector_session *session,
		     struct arena *arena, struct sv **out);
/* The next word of a mark in base64, decoded; false: there is none. */
bool ldap_mark_word(struct sv mark, size_t *at, struct arena *arena,
		    struct sv *out);
/* "(&AB)", memory from arena. */
const char *ldap_filter_and(const char *a, const char *b, struct arena *arena);
/* The bytes of a filter's value, each escaped. */
struct sv ldap_filter_bytes(struct sv bytes, struct arena *arena);

/* listen.c: ways to be told, for profiles */

struct ldap_listen {
	int *msgids; /* a search for each naming context */
	size_t count;
};

int ldap_listen_notification(struct connector_session *session,
			     const char *base, int *msgid);
int ldap_listen_psearch(struct connector_session *session, const char *base,
			int *msgid);
void ldap_listen_free(struct connector_session *session);
/* sync.c */
int ldap_listen_sync(struct connector_session *session, const char *base,
		     int *msgid);

/* export.c */

void ldap_export_free(struct connector_session *session);

/* job.c */

enum ldap_job_state {
	JOB_NEW,
	JOB_ADDING,
	JOB_READING,
	JOB_COMPARING,
	JOB_DELETING,
	JOB_RENAMING,
	JOB_FINDING_NEW,
	JOB_FINDING_OLD,
	JOB_MODIFYING,
	JOB_DIFFING,
	JOB_LISTING,
	JOB_FOLLOWING,
	JOB_DONE,
};

struct ldap_job {
	enum ldap_job_state state;
	int msgid; /* while a request is outstanding; or 0 */
	struct arena arena;
	const struct object_type *type;
	struct export_op given;    /* a copy, as it came */
	struct export_op op;       /* what of it is to be sent next */
	const char *dn;            /* what is written to now */
	const char *new_dn;        /* of a rename; or NULL */
	bool diffed;               /* only what is missing is left in op */
	struct attr_change *later; /* values that did not go into op */
	size_t later_count;
	size_t later_at;
	struct ldap_follow *follow; /* what is written behind all of it */
	size_t follow_count;
	size_t follow_at;
	bool own_apart; /* the mirror's own attribute is among these */
	int refused;    /* result code that is being looked into */
	struct sv refused_text;
	struct export_outcome outcome; /* in JOB_DONE */
};

/* Copies the operation; `chunk` values of references go in one request. */
void ldap_job_init(struct ldap_job *job, const struct export_op *op,
		   const struct object_type *type, size_t chunk);
/* As it was then, and a retry: whether it was done is not known. */
void ldap_job_again(struct ldap_job *job, size_t chunk);
/* Sends the first request; it may be done at once. -1: the connection is
 * gone. */
int ldap_job_start(struct connector_session *session, struct ldap_job *job,
		   struct error *err);
/* Takes the answer to the outstanding request and sends what follows. */
int ldap_job_answer(struct connector_session *session, struct ldap_job *job,
		    LDAPMessage *message, struct error *err);
/* "add 'uid=ann,dc=x'" */
void ldap_job_describe(const struct ldap_job *job, struct strbuf *out);

/* mirror.c */

/* One value of one entry's attribute, more or less. */
struct ldap_follow {
	const char *dn;
	const char *attr;
	struct value value;
	enum attr_op op;
};

/* The mirror of this attribute, where it is to be written; or NULL. */
const struct ldap_mirror *
ldap_mirror_of(const struct connector_session *session, const char *attr);
/* After ldap_job_init(), and again when the entry was read: what follows from
 * the operation. */
void ldap_job_mirror(const struct connector_session *session,
		     struct ldap_job *job, LDAPMessage *entry);
/* It has a replacement whose old values must be known. */
bool ldap_job_replaces(const struct connector_session *session,
		       const struct ldap_job *job);
/* The request of job->follow_at as request.c sends others. */
int ldap_send_follow(struct connector_session *session, struct ldap_job *job);

/* request.c */

/* The bytes of a value, memory from arena. */
struct berval ldap_value_bytes(const struct ldap_form *form,
			       const struct value *value, struct arena *arena);
/* Each sends one request and sets job->msgid; the library's result code.
 * A modification that would say nothing is not sent: msgid stays 0. */
int ldap_send_add(struct connector_session *session, struct ldap_job *job);
int ldap_send_modify(struct connector_session *session, struct ldap_job *job);
int ldap_send_rename(struct connector_session *session, struct ldap_job *job);
int ldap_send_delete(struct connector_session *session, struct ldap_job *job);
/* Reads `dn`: the anchor, and with `whole` what the operation writes. */
int ldap_send_read(struct connector_session *session, struct ldap_job *job,
		   const char *dn, bool whole);

/* The entry has every value that the add carries. */
bool ldap_job_matches(struct connector_session *session, struct ldap_job *job,
		      LDAPMessage *entry);
/* Takes from the operation what the entry already shows. */
void ldap_job_diff(struct connector_session *session, struct ldap_job *job,
		   LDAPMessage *entry);
/* Anchor and DN of the outcome out of the post-read control (RFC 4527), when
 * it is among `controls`. */
void ldap_job_post_read(struct connector_session *session, struct ldap_job *job,
			LDAPControl **controls);

#endif
