/*
 * connector.h - the contract between the engine and a connected system's code
 *
 * A connector is a constant table of operations plus capability bits. It never
 * sees the store and keeps nothing past its session; the engine keeps the
 * watermark. An operation that is absent is NULL and its bit is not set.
 * Engine code calls the connector_*() wrappers below, which check the bit and
 * put the agent's name before errors. tests/connector/ proves the contract.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTOR_CONNECTOR_H
#define CONNECTOR_CONNECTOR_H

#include "base/arena.h"
#include "base/error.h"
#include "base/secret.h"
#include "connector/schema.h"
#include "model/object.h"
#include "model/setting.h"

#include <stdbool.h>
#include <stdint.h>

#define CONNECTOR_ABI 9

enum connector_cap {
	CONNECTOR_CAP_IMPORT = 1U << 0, /* full import */
	CONNECTOR_CAP_DELTA = 1U << 1,  /* delta import, when configured */
	CONNECTOR_CAP_EXPORT = 1U << 2,
	CONNECTOR_CAP_DN = 1U << 3,   /* objects have DNs; references are DNs
				       * and anchors are unique per agent */
	CONNECTOR_CAP_TREE = 1U << 4, /* parents must exist; containers are
				       * staged */
	CONNECTOR_CAP_RENAME = 1U << 5,
	CONNECTOR_CAP_AT_ONCE = 1U << 6,          /* nothing is written before
						   * export_end, then all of it */
	CONNECTOR_CAP_REFERENCES_LATER = 1U << 7, /* an add takes no
						   * references: they are
						   * written when all else
						   * is */
	CONNECTOR_CAP_INTEGRITY = 1U << 8, /* the system takes references to
					    * what is deleted away itself, and
					    * a delta does not tell of it */
	CONNECTOR_CAP_NOTIFY = 1U << 9,    /* tells that something changed,
					    * when configured */
	CONNECTOR_CAP_WHOLE = 1U << 10,    /* an update is sent with all values
					    * that the object is to have: what
					    * it has cannot be looked up */
	CONNECTOR_CAP_PASSWORD_SET = 1U << 11,    /* an administrator's */
	CONNECTOR_CAP_PASSWORD_CHANGE = 1U << 12, /* with the old one */
};

/* An anchor of several attributes is their texts joined by '|'. */

struct connector_session; /* defined by each connector */

/* What an agent's configuration gives to its connector; borrowed, outlives the
 * session. */
struct connector_config {
	const char *agent;
	const char
		*folder; /* of the configuration: relative paths start here */
	const struct node *connect; /* checked against ops->settings */
	const struct object_type *types;
	size_t type_count;
	/* The secret behind a setting ("secret:ad"): 0 filled, -1 err is set.
	 */
	int (*secret)(void *data, struct sv reference, struct secret *out,
		      struct error *err);
	void *secret_data;
	/* Only schema() and sample() follow, for somebody who is setting the
	 * agent up: what identifies an object and where objects lie need not
	 * be set yet, and there may be no types. */
	bool explore;
};

/* What local_attrs tells; memory from its arena. */
struct local_attrs {
	const char *file; /* as the configuration names it */
	const char **names;
	size_t count;
	bool complete; /* an attribute that is not among them is not there */
};

enum import_kind { IMPORT_FULL, IMPORT_DELTA };

/* A value of one attribute, as an export rule of the configuration gives it. */
struct connector_rule {
	const char *attr;
	const char *rule; /* for example BitOr(Current("flags"), 2) */
};

enum connector_may {
	CONNECTOR_MAY_UNKNOWN, /* it cannot be asked without writing */
	CONNECTOR_MAY_YES,
	CONNECTOR_MAY_NOT,
};

/* What a session tells of its system besides data. */
struct connector_look {
	const char *server;    /* that was reached, or NULL */
	struct sv certificate; /* DER, as the server sends it; or empty */
	enum connector_may write;
	const char *why; /* of CONNECTOR_MAY_NOT */
};

/* A password for an object's account; borrowed for the call. It goes to the
 * system and to nothing else: not to a log, an argument, a tape or a message.
 */
struct password_op {
	size_t type; /* of the agent's types */
	struct sv anchor;
	struct sv dn;                      /* where objects have them */
	const struct secret *old_password; /* NULL: it is set, not changed */
	const struct secret *new_password;
};

struct connector_ops {
	uint32_t abi;     /* CONNECTOR_ABI it was built with */
	const char *name; /* "ldap": stable, kept in the store */
	const char *help; /* one sentence */
	uint32_t caps;    /* all that it can do, enum connector_cap */
	const struct setting_def *settings;

	/* Attributes whose type is known without asking the system; ends with
	 * name NULL; may be NULL. */
	const struct attr_def *known_attrs;

	/* For the operations below that are given this table: what they need
	 * to know of it when several tables share them; or NULL. */
	const void *data;

	/* What this configuration can do: caps less what is not set up (no
	 * delta file, say). NULL: caps. */
	uint32_t (*caps_of)(const struct connector_ops *ops,
			    const struct node *connect);

	/* The DNs that objects lie under and that need no parent (bases);
	 * memory from arena. NULL: none. */
	void (*bases)(const struct node *connect, struct arena *arena,
		      struct sv **out, size_t *count_out);

	/* How an account of this object type is disabled (`meanwhile: disable`
	 * of a deprovisioning that waits): rules that are evaluated once, in
	 * the place of the rule set's export rules; ends with attr NULL. NULL
	 * or nothing: this system knows no disabled accounts. */
	const struct connector_rule *(*disable)(const char *type);

	/* What only this connector can tell of `connect`, beyond the settings
	 * table (missing combinations, types); reports as setting_check does.
	 * NULL: nothing. */
	void (*check)(const struct connector_ops *ops,
		      const struct connector_config *config,
		      setting_report_fn report, void *data);

	/* The attributes that objects of a type have in a file that lies here,
	 * for warnings before anything is imported: 1 filled, 0 cannot be
	 * told. NULL: never. */
	int (*local_attrs)(const struct connector_config *config, size_t type,
			   struct arena *arena, struct local_attrs *out);

	/* Connects and authenticates. On -1 nothing is left open. */
	int (*open)(const struct connector_ops *ops,
		    const struct connector_config *config,
		    struct connector_session **out, struct error *err);
	/* Accepts NULL. */
	void (*close)(struct connector_session *session);

	/* Fills in what it can tell without writing; memory from arena. NULL:
	 * nothing. */
	int (*look)(struct connector_session *session, struct arena *arena,
		    struct connector_look *out, struct error *err);

	/* What the system can hold; memory from arena. NULL: it cannot tell. */
	int (*schema)(struct connector_session *session, struct arena *arena,
		      struct schema *out, struct error *err);
	/* Some objects as they are, `most` at most: of one type with all
	 * attributes but those that hold passwords, or with type NULL of
	 * whatever type, perhaps without attributes. They are the first that
	 * come, not chosen. There with schema(). */
	int (*sample)(struct connector_session *session, const char *type,
		      size_t most, struct arena *arena,
		      struct schema_sample *out, struct error *err);

	/* Starts an import; `watermark` is what the last complete import's
	 * import_end gave, empty before the first. A delta whose watermark is
	 * no longer of use fails with ERR_CONFLICT: a full import is needed.
	 * 0: begun; 1: a full import that finds nothing new since the last:
	 * there is nothing to read, all stays as it is, nothing follows. */
	int (*import_begin)(struct connector_session *session,
			    enum import_kind kind, struct sv watermark,
			    struct error *err);
	/* 1: *out filled, memory from arena (valid until the caller resets it);
	 * 0: end of data; -1: err is set, the run ends. A bad object is
	 * CHANGE_ERROR, not -1; it has the anchor or DN whenever they can be
	 * told, or else nothing can be found gone. With out->deferred the
	 * attributes are left to `expand`. */
	int (*next)(struct connector_session *session, struct arena *arena,
		    struct change *out, struct error *err);
	/* Fills in what next() deferred; the change may turn out to be a
	 * CHANGE_ERROR. May be called while another thread is in next(), so it
	 * reads nothing of the session but what stands since import_begin.
	 * NULL: nothing is ever deferred. */
	void (*expand)(const struct connector_session *session,
		       struct arena *arena, struct change *change);
	/* Where the first value of this attribute stands in change->record, for
	 * an error: "data/hr.csv:12:3". Called as expand is, and after it.
	 * NULL: nobody can tell. */
	struct sv (*place)(const struct connector_session *session,
			   struct arena *arena, const struct change *change,
			   size_t attr);
	/* After the end of data: the watermark, taken before reading began;
	 * empty when a delta import cannot follow. */
	int (*import_end)(struct connector_session *session,
			  struct arena *arena, struct sv *watermark_out,
			  struct error *err);
	/* Once behind import_end, when what was read and the watermark are safe
	 * in the store: whatever told of it in the system may go. On -1 it may
	 * be told again; the import stands. NULL: nothing is to be done. */
	int (*import_kept)(struct connector_session *session,
			   struct error *err);
	/* In its place when some of what was read could not be imported: all
	 * else is in the store, the watermark is the one of before. A delta
	 * would bring the same again. NULL: nothing is to be done. */
	int (*import_flawed)(struct connector_session *session, int64_t errors,
			     struct error *err);
	/* Behind import_end, or when nothing was begun: a sentence for the
	 * run's result, which lives as long as the session; or NULL. */
	const char *(*import_note)(const struct connector_session *session);
	/* How much of the data has been read, 0..1000; -1 not known. NULL: not
	 * known. For progress only. */
	int (*import_progress)(const struct connector_session *session);

	/* What whoever runs the system has to do there once, for the delta
	 * import to find what changed: as text that can be run there, memory
	 * from arena. Writes nothing. ERR_UNSUPPORTED: nothing can be done. */
	int (*delta_setup)(struct connector_session *session,
			   struct arena *arena, struct sv *out,
			   struct error *err);

	/* Waits until something has changed in the system: 1 since the first
	 * call, or the last one that said so; 0 nothing within `timeout_ms`;
	 * -1 it cannot be told any more. What changed is for a delta import to
	 * find; one change may be told twice, or several at once. The session
	 * is for nothing else. */
	int (*wait)(struct connector_session *session, int timeout_ms,
		    struct error *err);

	/* An export in parts: begun and ended several times in a session. */
	int (*export_begin)(struct connector_session *session,
			    struct error *err);
	/* Takes one change; may return before the system has answered. `op` is
	 * borrowed for the call. An object's failure is an outcome, not -1. */
	int (*export_put)(struct connector_session *session,
			  const struct export_op *op, struct error *err);
	/* 1: one outcome, in any order, memory from arena; 0: none is
	 * outstanding that has been answered. With wait, blocks until one is
	 * there or nothing is outstanding. */
	int (*export_result)(struct connector_session *session, bool wait,
			     struct arena *arena, struct export_outcome *out,
			     struct error *err);
	/* Sends what is left; with CAP_AT_ONCE writes it all durably. After it
	 * export_result gives the outcomes that are still missing. On -1 the
	 * outcome of everything without one is unknown. */
	int (*export_end)(struct connector_session *session, struct error *err);

	/* Sets or changes a password, outside of an import or export: 0, the
	 * system answered and *out has its outcome, memory from arena, without
	 * any password in it; -1: whether it did is not known. What was copied
	 * on the way is wiped. There with CAP_PASSWORD_SET or _CHANGE. */
	int (*password)(struct connector_session *session,
			const struct password_op *op, struct arena *arena,
			struct export_outcome *out, struct error *err);
};

/* An open session with its table. */
struct connector {
	const struct connector_ops *ops;
	const struct connector_config *config;
	struct connector_session *session;
	uint32_t caps;
};

int connector_open(struct connector *connector, const struct connector_ops *ops,
		   const struct connector_config *config, struct error *err);
void connector_close(struct connector *connector);
/* All of *out is empty where the connector tells nothing. */
int connector_look(struct connector *connector, struct arena *arena,
		   struct connector_look *out, struct error *err);
/* ERR_UNSUPPORTED where the connector cannot tell. */
int connector_schema(struct connector *connector, struct arena *arena,
		     struct schema *out, struct error *err);
int connector_sample(struct connector *connector, const char *type, size_t most,
		     struct arena *arena, struct schema_sample *out,
		     struct error *err);
uint32_t connector_caps(const struct connector_ops *ops,
			const struct node *connect);
/* 0: begun; 1: nothing new; -1 */
int connector_import_begin(struct connector *connector, enum import_kind kind,
			   struct sv watermark, struct error *err);
/* The next change, with all its attributes. */
int connector_next(struct connector *connector, struct arena *arena,
		   struct change *out, struct error *err);
/* The same, as the connector gives it: attributes may be deferred. */
int connector_next_deferred(struct connector *connector, struct arena *arena,
			    struct change *out, struct error *err);
/* Fills in the attributes when they were deferred; from any thread. */
void connector_expand(const struct connector *connector, struct arena *arena,
		      struct change *change);
/* Where a value of the attribute stands; empty: it cannot be told. From any
 * thread. */
struct sv connector_place(const struct connector *connector,
			  struct arena *arena, const struct change *change,
			  size_t attr);
int connector_import_end(struct connector *connector, struct arena *arena,
			 struct sv *watermark_out, struct error *err);
int connector_import_kept(struct connector *connector, struct error *err);
int connector_import_flawed(struct connector *connector, int64_t errors,
			    struct error *err);
/* NULL: there is none. */
const char *connector_import_note(const struct connector *connector);
int connector_import_progress(const struct connector *connector);
/* ERR_UNSUPPORTED where the system needs nothing, or none is configured. */
int connector_delta_setup(struct connector *connector, struct arena *arena,
			  struct sv *out, struct error *err);
int connector_wait(struct connector *connector, int timeout_ms,
		   struct error *err);
int connector_export_begin(struct connector *connector, struct error *err);
int connector_export_put(struct connector *connector,
			 const struct export_op *op, struct error *err);
int connector_export_result(struct connector *connector, bool wait,
			    struct arena *arena, struct export_outcome *out,
			    struct error *err);
int connector_export_end(struct connector *connector, struct error *err);
/* ERR_UNSUPPORTED where the agent is not set up for it; else as the operation
 * says. Any password in the outcome's message or in err becomes "***". */
int connector_password(struct connector *connector,
		       const struct password_op *op, struct arena *arena,
		       struct export_outcome *out, struct error *err);

/* A table of connectors, ends with NULL. */
const struct connector_ops *
connector_find(const struct connector_ops *const *table, struct sv name);

/* `path` as it stands when absolute, else below the configuration folder. */
char *connector_path(const struct connector_config *config, struct sv path,
		     struct arena *arena);

#endif
