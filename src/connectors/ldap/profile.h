/*
 * profile.h - what one kind of directory server does otherwise than another
 *
 * All that speaks LDAP is written once. A directory is a constant table of
 * this kind in a file of its own (ldap.c, ad.c ...), with its connector table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDAP_PROFILE_H
#define CONNECTORS_LDAP_PROFILE_H

#include "connector/connector.h"

struct ldap_delta;

/* An attribute whose bytes are not what the connector contract has. */
struct ldap_form {
	const char *name; /* NULL ends a table */
	/* 1 read, memory from arena; 0 it is no such value; 2 it stands for
	 * none. NULL: as others. */
	int (*read)(const struct attr_def *def, struct sv bytes,
		    struct arena *arena, struct value *out);
	/* The bytes of a value. NULL: as others. */
	struct sv (*write)(const struct value *value, struct arena *arena);
	/* What is written for no value; empty: the attribute is removed. */
	struct sv none;
};

/* An attribute that the server does not have: it is made of others. */
struct ldap_derived {
	const char *name;    /* NULL ends a table */
	const char *from[2]; /* what it is made of, one value each */
	/* 1 made, memory from arena; 0 there is none; -1. */
	int (*make)(struct connector_session *session, const struct sv from[2],
		    struct arena *arena, struct value *out, struct error *err);
};

/* A reference that stands in further attributes, which the server does not keep
 * by themselves. */
struct ldap_mirror {
	const char *setting; /* it is written where this setting ... */
	const char *on;      /* ... is that */
	const char *attr;
	const char *own;       /* of the same entry: the same values */
	const char *theirs[2]; /* of the entry that is named: this one */
};

/* A server that tells what it is is refused by another one's profile. */
enum ldap_kind {
	LDAP_ANY_SERVER,
	LDAP_ACTIVE_DIRECTORY,
	LDAP_OPENLDAP,
	LDAP_389,
};

struct ldap_profile {
	const char *name;
	const struct setting_def *settings;
	const struct ldap_form *forms;      /* or NULL */
	const struct ldap_derived *derived; /* or NULL */
	/* Attributes that never go over a connection that is not encrypted;
	 * ends with NULL. NULL: none. */
	const char *const *secrets;
	enum ldap_kind kind;
	/* The last of an entry's classes is the most specific structural one,
	 * and the server may mean something else by structuralObjectClass. */
	bool classes_in_order;
	/* Values come in parts: "member;range=0-1499". */
	bool ranges;
	/* A value that is there already, or gone already, is no error. */
	bool permissive;
	/* Its references to what is deleted go by themselves
	 * (CONNECTOR_CAP_INTEGRITY). */
	bool integrity;
	/* It does not rename or move entries. */
	bool fixed_names;
	/* The attribute that an RDN names may have another value than the RDN:
	 * an add carries no more than what it was given. */
	bool rdn_apart;
	/* Values of references in one request at most; 0: any number. */
	size_t chunk;
	/* The error of a refusal by the server's text; NULL: by its code. */
	const char *(*error_of)(int code, const char *text);
	const struct ldap_mirror *mirror; /* or NULL */
	/* Asks to be told of changes at or below `base` as they come: the
	 * result code of sending, and the message id. NULL: the directory
	 * cannot. */
	int (*listen)(struct connector_session *session, const char *base,
		      int *msgid);
	/* Ways to read changes only, best first, which the setting `delta`
	 * means by "auto"; and others that it must name. Each ends with NULL;
	 * NULL: none. */
	const struct ldap_delta *const *deltas;
	const struct ldap_delta *const *deltas_by_name;
	/* Types and attributes, where the server tells more than by RFC 4512:
	 * 1 filled, 0 this one does not, -1. NULL: by that. */
	int (*describe)(struct connector_session *session, struct arena *arena,
			struct schema *out, struct error *err);
};

const struct ldap_form *ldap_form_of(const struct ldap_profile *profile,
				     const char *name);

/* What a profile can do with this configuration. */
uint32_t ldap_caps(const struct ldap_profile *profile,
		   const struct node *connect);
void ldap_check(const struct ldap_profile *profile,
		const struct connector_config *config, setting_report_fn report,
		void *data);

/* ---- the operations of connector tables, whose data is a profile ---- */

uint32_t ldap_ops_caps(const struct connector_ops *ops,
		       const struct node *connect);
void ldap_ops_check(const struct connector_ops *ops,
		    const struct connector_config *config,
		    setting_report_fn report, void *data);
int ldap_session_open(const struct connector_ops *ops,
		      const struct connector_config *config,
		      struct connector_session **out, struct error *err);
void ldap_bases(const struct node *connect, struct arena *arena,
		struct sv **out, size_t *count_out);
void ldap_session_close(struct connector_session *session);
/* look.c */
int ldap_look(struct connector_session *session, struct arena *arena,
	      struct connector_look *out, struct error *err);
/* describe.c, sample.c */
int ldap_describe(struct connector_session *session, struct arena *arena,
		  struct schema *out, struct error *err);
int ldap_sample(struct connector_session *session, const char *type,
		size_t most, struct arena *arena, struct schema_sample *out,
		struct error *err);
int ldap_import_begin(struct connector_session *session, enum import_kind kind,
		      struct sv watermark, struct error *err);
int ldap_import_next(struct connector_session *session, struct arena *arena,
		     struct change *out, struct error *err);
int ldap_import_end(struct connector_session *session, struct arena *arena,
		    struct sv *watermark_out, struct error *err);
/* listen.c */
int ldap_wait(struct connector_session *session, int timeout_ms,
	      struct error *err);
int ldap_export_begin(struct connector_session *session, struct error *err);
int ldap_export_put(struct connector_session *session,
		    const struct export_op *op, struct error *err);
int ldap_export_result(struct connector_session *session, bool wait,
		       struct arena *arena, struct export_outcome *out,
		       struct error *err);
int ldap_export_end(struct connector_session *session, struct error *err);

#define LDAP_OPERATIONS                                                        \
	.caps_of = ldap_ops_caps, .check = ldap_ops_check,                     \
	.open = ldap_session_open, .bases = ldap_bases,                        \
	.close = ldap_session_close, .look = ldap_look,                        \
	.schema = ldap_describe, .sample = ldap_sample,                        \
	.import_begin = ldap_import_begin, .next = ldap_import_next,           \
	.import_end = ldap_import_end, .wait = ldap_wait,                      \
	.export_begin = ldap_export_begin, .export_put = ldap_export_put,      \
	.export_result = ldap_export_result, .export_end = ldap_export_end

/* What is there whatever is configured. */
#define LDAP_CAPS                                                              \
	(CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_DN |      \
	 CONNECTOR_CAP_TREE | CONNECTOR_CAP_RENAME)

/* ---- settings that every profile has ---- */

extern const struct setting_def ldap_partition_settings[];

#define LDAP_SETTING(n, t, f, h)                                               \
	{                                                                      \
		.name = (n), .type = (t), .fallback = (f), .help = (h)         \
	}
#define LDAP_CONNECTION_SETTINGS                                                  \
	{ .name = "servers",                                                      \
	  .type = SETTING_NAMES,                                                  \
	  .help = "URLs of the servers, tried in this order" },                   \
		LDAP_SETTING("bind_dn", SETTING_TEXT, NULL,                       \
			     "who to sign in as; without it by client "           \
			     "certificate, on ldapi:// as the process's "         \
			     "user, else not at all"),                            \
		LDAP_SETTING("password", SETTING_SECRET, NULL,                    \
			     "password of bind_dn or principal"),                 \
		LDAP_SETTING("principal", SETTING_TEXT, NULL,                     \
			     "who to sign in as by Kerberos, as "                 \
			     "NAME@REALM"),                                       \
		LDAP_SETTING("keytab", SETTING_PATH, NULL,                        \
			     "keys of principal, in the place of a "              \
			     "password"),                                         \
		LDAP_SETTING("ticket_cache", SETTING_PATH, NULL,                  \
			     "a cache with a ticket of principal that "           \
			     "something else keeps valid"),                       \
		{ .name = "security",                                             \
		  .type = SETTING_CHOICE,                                         \
		  .fallback = "tls",                                              \
		  .words = "tls|starttls|sign-and-encrypt|none",                  \
		  .help = "how the connection is encrypted: "                     \
			  "sign-and-encrypt by Kerberos; none must be written" }, \
		LDAP_SETTING("ca_file", SETTING_PATH, NULL,                       \
			     "the authorities that servers' certificates "        \
			     "must come from; default: the system's"),            \
		LDAP_SETTING("certificate", SETTING_PATH, NULL,                   \
			     "client certificate (PEM)"),                         \
		LDAP_SETTING("key", SETTING_PATH, NULL,                           \
			     "private key of certificate (PEM)"),                 \
		LDAP_SETTING("timeout", SETTING_NUMBER, "30",                     \
			     "seconds that a server may be silent"),              \
		LDAP_SETTING(                                                     \
			"reconnect", SETTING_NUMBER, "60",                        \
			"seconds for which a connection that was lost is "        \
			"tried to be made again; 0: the run ends")

#define LDAP_SCOPE_SETTINGS                                                    \
	LDAP_SETTING("base", SETTING_TEXT, NULL, "short for one partition"),   \
		{ .name = "partitions",                                        \
		  .type = SETTING_GROUPS,                                      \
		  .group = ldap_partition_settings,                            \
		  .help = "parts of the directory that belong to the agent" }, \
		LDAP_SETTING("filter", SETTING_TEXT, "(objectClass=*)",        \
			     "which entries are objects (RFC 4515)"),          \
		{ .name = "referrals",                                         \
		  .type = SETTING_CHOICE,                                      \
		  .fallback = "ignore",                                        \
		  .words = "ignore|follow",                                    \
		  .help = "what lies on other servers: not this agent's, or "  \
			  "read there by full imports, without deltas" },      \
		LDAP_SETTING("page_size", SETTING_NUMBER, "1000",              \
			     "entries asked for at once; 0: no paging")

#define LDAP_WATCH_SETTING                                                     \
	LDAP_SETTING("watch", SETTING_SWITCH, "false",                         \
		     "conjoin watch is told by the server when something "     \
		     "changes")

#define LDAP_EXPORT_SETTINGS                                                   \
	{ .name = "references",                                                \
	  .type = SETTING_CHOICE,                                              \
	  .fallback = "auto",                                                  \
	  .words = "auto|later",                                               \
	  .help = "auto: written with their entry, and behind all others "     \
		  "when the server refuses that; later: always behind" },      \
		LDAP_SETTING("operations", SETTING_NUMBER, "64",               \
			     "changes that may be outstanding at once in an "  \
			     "export")

#endif
