/*
 * doctor_store.c - the store, its disk, the clock, runs, errors, links
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/doctor.h"
#include "import/import.h"
#include "inspect/candidates.h"
#include "store/copy.h"
#include "store/hold.h"
#include "store/status.h"

#include <string.h>
#include <sys/statvfs.h>

#define DAY (CLOCK_SECOND * 86400)

static const char *ago(const struct doctor *doctor, int64_t time)
{
	return output_duration((doctor->now - time) / (CLOCK_SECOND / 1000),
			       &doctor->cli->arena);
}

/* --- the store and where it lies --------------------------------------- */

#define DISK_LEAST ((int64_t)200 << 20)

static void disk(struct doctor *doctor, const char *path, int64_t size)
{
	struct arena *arena = &doctor->cli->arena;
	enum finding_level level = FINDING_OK;
	struct statvfs fs;
	int64_t room;

	if (statvfs(path, &fs) < 0)
		return;
	room = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	if (room < DISK_LEAST)
		level = FINDING_ERROR;
	else if (room < size)
		level = FINDING_WARNING;
	doctor_tell(doctor, level, "disk", NULL,
		    "make room there, or move the store: a full "
		    "synchronization and a backup may need as much as the "
		    "store has",
		    "%s free where the store lies, which has %s",
		    output_bytes(room, arena), output_bytes(size, arena));
}

static void integrity(struct doctor *doctor)
{
	struct error err = ERROR_INIT;
	int ret = store_verify(doctor->session->store, &err);

	if (ret < 0)
		doctor_tell(doctor, FINDING_ERROR, "store", NULL,
			    "conjoin restore brings back the last backup", "%s",
			    err.msg);
	else if (ret == 0)
		doctor_tell(doctor, FINDING_OK, "store", NULL, NULL,
			    "read through: it is whole");
}

static void store_and_disk(struct doctor *doctor)
{
	struct store_info info;
	struct error err = ERROR_INIT;

	if (store_info(doctor->session->store, &info, &err) < 0) {
		doctor_tell(doctor, FINDING_ERROR, "store", NULL,
			    "see that it is there and may be read", "%s",
			    err.msg);
		return;
	}
	if (!doctor->quick)
		integrity(doctor);
	else
		doctor_tell(doctor, FINDING_OK, "store", NULL, NULL,
			    "%s, opens", info.name);
	if (!strcmp(info.kind, "sqlite"))
		disk(doctor, info.name, info.size);
}

/* --- runs -------------------------------------------------------------- */

struct runs {
	struct doctor *doctor;
	int64_t newest;        /* when a step began, of all */
	const char *seen[256]; /* agents that imported */
	size_t seen_count;
};

static void tell_step(struct runs *runs, const struct config_agent *agent,
		      const struct step_row *row)
{
	struct doctor *doctor = runs->doctor;
	enum run_exit exit = result_exit(row->result);
	int64_t when = row->ended ? row->ended : row->started;

	if (!row->ended && !strcmp(row->result, "in-progress"))
		return;
	if (exit >= RUN_STOPPED)
		doctor_tell(doctor, FINDING_ERROR, "run", agent->name,
			    "conjoin runs tells more; put right what it says "
			    "and run it again",
			    "the last %s, %s ago: %s%s%s", row->kind,
			    ago(doctor, when), row->result,
			    row->message && *row->message ? ": " : "",
			    row->message ? row->message : "");
	else if (exit == RUN_ERRORS)
		doctor_tell(doctor, FINDING_WARNING, "run", agent->name,
			    "conjoin errors lists the objects, and what to do",
			    "the last %s, %s ago: %s", row->kind,
			    ago(doctor, when), row->result);
	else if (when < doctor->now - doctor->late)
		doctor_tell(doctor, FINDING_WARNING, "run", agent->name,
			    "see that the schedule still runs (docs/how-to/"
			    "schedule.md)",
			    "the last %s was %s ago", row->kind,
			    ago(doctor, when));
	else
		doctor_tell(doctor, FINDING_OK, "run", agent->name, NULL,
			    "%s: %s, %s ago", row->kind, row->result,
			    ago(doctor, when));
}

static int on_step(void *data, const char *name, const struct step_row *row)
{
	struct runs *runs = data;
	const struct config_agent *agent =
		config_agent_find(runs->doctor->session->config, sv_from(name));

	if (row->started > runs->newest)
		runs->newest = row->started;
	if (!agent)
		return 0;
	tell_step(runs, agent, row);
	if (sv_ends(sv_from(row->kind), SV_LIT("-import")) &&
	    runs->seen_count < 256)
		runs->seen[runs->seen_count++] = agent->name;
	return 0;
}

static bool imported(const struct runs *runs, const char *name)
{
	size_t i;

	for (i = 0; i < runs->seen_count; i++)
		if (!strcmp(runs->seen[i], name))
			return true;
	return false;
}

/* A delta that could follow needs the watermark of an import. */
static void watermark(struct runs *runs, const struct config_agent *agent)
{
	struct doctor *doctor = runs->doctor;
	struct error err = ERROR_INIT;

	if (!(agent->caps & CONNECTOR_CAP_IMPORT))
		return;
	if (!imported(runs, agent->name))
		doctor_tell(doctor, FINDING_WARNING, "run", agent->name,
			    "run its full-import, or cycle",
			    "it was never imported");
	else if ((agent->caps & CONNECTOR_CAP_DELTA) &&
		 import_has_watermark(doctor->session->store, agent, &err) == 0)
		doctor_tell(doctor, FINDING_WARNING, "run", agent->name,
			    "run its full-import",
			    "it has no watermark: no delta-import can follow");
}

#define AHEAD (CLOCK_SECOND * 300)

static void runs_and_clock(struct doctor *doctor)
{
	const struct config *config = doctor->session->config;
	struct runs runs = { .doctor = doctor };
	struct error err = ERROR_INIT;
	size_t i;

	if (store_last_steps(doctor->session->store, on_step, &runs, &err) <
	    0) {
		doctor_tell(doctor, FINDING_ERROR, "store", NULL,
			    "conjoin restore brings back the last backup", "%s",
			    err.msg);
		return;
	}
	for (i = 0; i < config->agent_count; i++)
		watermark(&runs, &config->agents[i]);
	if (runs.newest > doctor->now + AHEAD)
		doctor_tell(doctor, FINDING_ERROR, "clock", NULL,
			    "set the clock and keep it right (NTP): rules with "
			    "Now() and what is due go by it",
			    "a run began at %s, which is still to come",
			    output_time(runs.newest, &doctor->cli->arena));
	else
		doctor_tell(doctor, FINDING_OK, "clock", NULL, NULL, "%s",
			    output_time(doctor->now, &doctor->cli->arena));
}

/* --- objects and links ------------------------------------------------- */

static void waiting(struct doctor *doctor, const struct config_agent *agent,
		    uint32_t number)
{
	struct store_waiting waiting;
	struct error err = ERROR_INIT;

	if (store_waiting(doctor->session->store, number, &waiting, &err) < 0) {
		doctor_tell(doctor, FINDING_ERROR, "store", NULL,
			    "conjoin restore brings back the last backup", "%s",
			    err.msg);
		return;
	}
	if (waiting.errors)
		doctor_tell(doctor, FINDING_WARNING, "objects", agent->name,
			    "conjoin errors tells the causes and what to do",
			    "%lld in error, %lld of them in quarantine",
			    (long long)waiting.errors,
			    (long long)waiting.quarantined);
}

static void held(struct doctor *doctor)
{
	struct error err = ERROR_INIT;
	int64_t count = store_hold_count(doctor->session->store, &err);

	if (count < 0)
		doctor_tell(doctor, FINDING_ERROR, "store", NULL,
			    "conjoin restore brings back the last backup", "%s",
			    err.msg);
	else if (count)
		doctor_tell(doctor, FINDING_WARNING, "objects", NULL,
			    "conjoin pending --held lists them, conjoin "
			    "release ends it",
			    "%lld held since a run was undone: nothing is "
			    "exported to them",
			    (long long)count);
}

static int count_link(void *data, const struct candidates_link *link)
{
	int64_t *count = data;

	(void)link;
	++*count;
	return 0;
}

static void links(struct doctor *doctor, const struct config_agent *agent)
{
	struct error err = ERROR_INIT;
	int64_t count = 0;

	if (candidates_review(&doctor->session->display, agent, count_link,
			      &count, &err) < 0)
		doctor_tell(doctor, FINDING_ERROR, "links", agent->name,
			    "see the message", "%s", err.msg);
	else if (count)
		doctor_tell(doctor, FINDING_WARNING, "links", agent->name,
			    "conjoin candidates --review lists them; "
			    "disconnect and join by hand what is wrong",
			    "%lld link%s that the join rules would make "
			    "differently now",
			    (long long)count, count == 1 ? "" : "s");
}

/* --- all --------------------------------------------------------------- */

void doctor_store(struct doctor *doctor)
{
	struct session *session = doctor->session;
	const struct config *config = session->config;
	struct error err = ERROR_INIT;
	size_t i;

	if (store_open(config->store, STORE_READ, &session->store, &err) < 0) {
		session->store = NULL;
		doctor_tell(doctor,
			    err.code == ERR_NOTFOUND ? FINDING_WARNING
						     : FINDING_ERROR,
			    "store", NULL,
			    err.code == ERR_NOTFOUND
				    ? "the first run makes it"
				    : "see that it is there and may be read",
			    "%s", err.msg);
		return;
	}
	if (store_bind_attributes(session->store, config->attr_names,
				  config->attr_count, &err) < 0) {
		doctor_tell(doctor, FINDING_ERROR, "store", NULL,
			    "conjoin restore brings back the last backup", "%s",
			    err.msg);
		return;
	}
	display_init(&session->display, session->store, config);
	store_and_disk(doctor);
	runs_and_clock(doctor);
	held(doctor);
	for (i = 0; i < config->agent_count; i++) {
		uint32_t number =
			store_name_find(session->store, NAME_AGENT,
					sv_from(config->agents[i].name));

		if (!number)
			continue;
		waiting(doctor, &config->agents[i], number);
		if (!doctor->quick)
			links(doctor, &config->agents[i]);
	}
}
