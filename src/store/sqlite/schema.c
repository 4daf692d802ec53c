/*
 * schema.c - the tables, as numbered steps that are only added to
 *
 * meta.version is the number of steps that a store has been through.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sqlite/sqlite_private.h"

static const char STEP_1[] =
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
	"CREATE TABLE name (kind INTEGER, number INTEGER, name TEXT,"
	" PRIMARY KEY (kind, number)) WITHOUT ROWID;"

	/* connector space: what the last import read */
	"CREATE TABLE cs (id INTEGER PRIMARY KEY, type INTEGER, flags INTEGER,"
	" parent INTEGER, rdn BLOB, anchor BLOB, image BLOB);"
	"CREATE INDEX cs_parent ON cs (parent) WHERE parent > 0;"
	"CREATE TABLE cs_anchor (agent INTEGER, h INTEGER, id INTEGER,"
	" high INTEGER, low INTEGER, PRIMARY KEY (agent, h, id)) WITHOUT ROWID;"
	"CREATE TABLE cs_key (h INTEGER, id INTEGER, PRIMARY KEY (h, id))"
	" WITHOUT ROWID;"
	"CREATE TABLE cs_ref (target INTEGER, source INTEGER,"
	" PRIMARY KEY (target, source)) WITHOUT ROWID;"

	/* what is in motion */
	"CREATE TABLE link (cs INTEGER PRIMARY KEY, mv INTEGER,"
	" rule_set INTEGER, state INTEGER, how INTEGER, wanted INTEGER,"
	" time INTEGER, last_mv INTEGER);"
	"CREATE INDEX link_mv ON link (mv) WHERE mv > 0;"
	"CREATE INDEX link_last_mv ON link (last_mv) WHERE last_mv > 0;"
	"CREATE TABLE pending_import (cs INTEGER PRIMARY KEY, op INTEGER,"
	" renamed INTEGER, old_dn BLOB, synced BLOB, confirmed BLOB,"
	" indexed INTEGER);"
	"CREATE TABLE pending_export (cs INTEGER PRIMARY KEY, op INTEGER,"
	" in_progress INTEGER, parent INTEGER, rdn BLOB, attrs BLOB);"
	"CREATE TABLE awaiting (cs INTEGER PRIMARY KEY, op INTEGER,"
	" in_progress INTEGER, parent INTEGER, rdn BLOB, attrs BLOB);"
	"CREATE TABLE merged (cs INTEGER PRIMARY KEY, image BLOB);"
	"CREATE TABLE cs_error (cs INTEGER, kind INTEGER, code TEXT,"
	" message TEXT, first INTEGER, last INTEGER, count INTEGER,"
	" PRIMARY KEY (cs, kind)) WITHOUT ROWID;"
	"CREATE TABLE queue (cs INTEGER PRIMARY KEY);"

	/* metaverse */
	"CREATE TABLE mv (id INTEGER PRIMARY KEY, guid BLOB, type INTEGER,"
	" projected INTEGER, image BLOB, lineage BLOB);"
	"CREATE TABLE mv_key (h INTEGER, id INTEGER, PRIMARY KEY (h, id))"
	" WITHOUT ROWID;"
	"CREATE TABLE mv_ref (target INTEGER, source INTEGER,"
	" PRIMARY KEY (target, source)) WITHOUT ROWID;"
	"CREATE TABLE mv_wait (h INTEGER, id INTEGER, PRIMARY KEY (h, id))"
	" WITHOUT ROWID;"
	"CREATE INDEX mv_wait_id ON mv_wait (id);"
	"CREATE TABLE mv_queue (mv INTEGER PRIMARY KEY);"

	/* history */
	"CREATE TABLE run (id INTEGER PRIMARY KEY, agent TEXT, profile TEXT,"
	" user TEXT, host TEXT, process INTEGER, started INTEGER,"
	" ended INTEGER, result TEXT, message TEXT, rules BLOB);"
	"CREATE TABLE step (id INTEGER PRIMARY KEY, run INTEGER,"
	" number INTEGER, kind TEXT, started INTEGER, ended INTEGER,"
	" result TEXT, message TEXT);"
	"CREATE INDEX step_run ON step (run);"
	"CREATE TABLE counter (step INTEGER, target INTEGER, name TEXT,"
	" value INTEGER, ids BLOB, PRIMARY KEY (step, target, name))"
	" WITHOUT ROWID;"
	"CREATE TABLE discovery_error (id INTEGER PRIMARY KEY, step INTEGER,"
	" code TEXT, message TEXT, place TEXT, anchor BLOB);"
	"CREATE INDEX discovery_error_step ON discovery_error (step);"
	"CREATE TABLE allowed (run INTEGER, token TEXT, user TEXT,"
	" time INTEGER);"
	"CREATE TABLE lease (one INTEGER PRIMARY KEY CHECK (one = 1),"
	" fencing INTEGER, run INTEGER, since INTEGER, process INTEGER,"
	" host TEXT, what TEXT);"
	"INSERT INTO lease VALUES (1, 0, 0, 0, 0, '', '');";

static const char STEP_2[] =
	/* what is to be looked at again when its time has come */
	"CREATE TABLE due (kind INTEGER, id INTEGER, time INTEGER,"
	" since INTEGER, why TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;"
	"CREATE INDEX due_time ON due (time);"
	"ALTER TABLE link ADD COLUMN leaving INTEGER;"
	"CREATE TABLE rules_used (part TEXT PRIMARY KEY, text TEXT)"
	" WITHOUT ROWID;"
	/* exports that were refused or did not come back as they were sent */
	"CREATE TABLE retry (cs INTEGER PRIMARY KEY, kind INTEGER,"
	" failures INTEGER, next INTEGER, since INTEGER, what INTEGER);"
	/* passwords of new objects that somebody is to be told, sealed */
	"CREATE TABLE delivery (id INTEGER PRIMARY KEY, agent INTEGER,"
	" rule_set INTEGER, what BLOB);"
	/* changes of reference sets, beside the images that have the sets */
	"CREATE TABLE member (source INTEGER, attribute INTEGER,"
	" target INTEGER, flags INTEGER, PRIMARY KEY (source, attribute,"
	" target)) WITHOUT ROWID;"
	"CREATE INDEX member_moving ON member (source) WHERE flags >= 256;"
	"ALTER TABLE cs_ref ADD COLUMN attribute INTEGER;"
	"ALTER TABLE mv_ref ADD COLUMN attribute INTEGER;"
	"ALTER TABLE pending_import ADD COLUMN sets INTEGER;"
	/* by agent, 0: the whole store; a driver whose lock does not end with
	 * the process uses the time */
	"ALTER TABLE lease RENAME TO lease_of_all;"
	"CREATE TABLE lease (agent INTEGER PRIMARY KEY, fencing INTEGER,"
	" run INTEGER, since INTEGER, process INTEGER, host TEXT, what TEXT,"
	" held_until INTEGER);"
	"INSERT INTO lease SELECT 0, fencing, run, since, process, host,"
	" what, 0 FROM lease_of_all;"
	"DROP TABLE lease_of_all;"
	/* what was before (past.h) */
	"CREATE TABLE past (id INTEGER PRIMARY KEY, object INTEGER,"
	" kind INTEGER, type INTEGER, time INTEGER, answer TEXT,"
	" what BLOB);"
	"CREATE INDEX past_object ON past (object);"
	"ALTER TABLE mv ADD COLUMN run INTEGER;"
	"ALTER TABLE mv ADD COLUMN created INTEGER;"
	"CREATE TABLE audit (id INTEGER PRIMARY KEY, time INTEGER,"
	" user TEXT, host TEXT, command TEXT, result TEXT, hash BLOB);"
	"CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN"
	" SELECT RAISE(ABORT, 'the audit log is only added to'); END;"
	"CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit BEGIN"
	" SELECT RAISE(ABORT, 'the audit log is only added to'); END;"
	/* objects that a run was undone for (hold.h) */
	"CREATE TABLE hold (cs INTEGER PRIMARY KEY, kind INTEGER, mv INTEGER,"
	" rule_set INTEGER, run INTEGER, since INTEGER, wanted INTEGER,"
	" who TEXT, name BLOB, attrs BLOB);"
	"CREATE INDEX hold_mv ON hold (mv);"
	/* counts the imported objects of a type */
	"CREATE INDEX cs_type ON cs (type) WHERE type > 0 AND"
	" image IS NOT NULL;";

static const char STEP_3[] =
	/* An index whose condition names a column is written with that column,
	 * so the images, which change, are named by none: flags has
	 * CS_NO_IMAGE. With the rule set a link's own row is seldom needed. */
	"DROP INDEX cs_type;"
	"UPDATE cs SET flags = flags | 8 WHERE image IS NULL;"
	"CREATE INDEX cs_type ON cs (type) WHERE type > 0 AND flags < 8;"
	"DROP INDEX link_mv;"
	"CREATE INDEX link_mv ON link (mv, rule_set) WHERE mv > 0;";

const char *const sqlite_schema_steps[] = { STEP_1, STEP_2, STEP_3, NULL };
