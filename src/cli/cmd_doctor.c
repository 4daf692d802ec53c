/*
 * cmd_doctor.c - `conjoin doctor`: everything that is or may go wrong
 *
 * Goes on whatever it finds: each look-at is on its own. Changes nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/doctor.h"

#include <stdarg.h>

static const struct option_def options[] = {
	{ "quick", NULL, false,
	  "leave out what reads through the store: its integrity, the links" },
	{ "max-age", "DAYS", false,
	  "a run that succeeded longer ago is late; default: 7" },
	{ "certificates", "DAYS", false,
	  "certificates that end sooner are told; default: 30" },
	{ NULL, NULL, false, NULL },
};

/* --- findings ---------------------------------------------------------- */

static const char *level_name(enum finding_level level)
{
	switch (level) {
	case FINDING_OK:
		return "ok";
	case FINDING_WARNING:
		return "warning";
	case FINDING_ERROR:
		return "error";
	}
	return "";
}

static enum output_style level_style(enum finding_level level)
{
	switch (level) {
	case FINDING_OK:
		return STYLE_GOOD;
	case FINDING_WARNING:
		return STYLE_WARN;
	case FINDING_ERROR:
		return STYLE_BAD;
	}
	return STYLE_NONE;
}

static void print(struct doctor *doctor, enum finding_level level,
		  const char *area, const char *agent, const char *fix,
		  const char *text)
{
	struct cli *cli = doctor->cli;

	if (cli->output.json || (cli->output.quiet && level == FINDING_OK))
		return;
	(void)printf("%s%-8s%s %s%s%s: %s\n",
		     output_style(&cli->output, stdout, level_style(level)),
		     level_name(level),
		     output_style(&cli->output, stdout, STYLE_NONE), area,
		     agent ? " " : "", agent ? agent : "",
		     output_safe(sv_from(text), &cli->arena));
	if (fix && level != FINDING_OK)
		(void)printf("         to do: %s\n", fix);
	(void)fflush(stdout);
}

void doctor_tell(struct doctor *doctor, enum finding_level level,
		 const char *area, const char *agent, const char *fix,
		 const char *fmt, ...)
{
	json_t *json = json_object();
	char text[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	doctor->counts[level]++;
	(void)json_object_set_new(json, "level",
				  json_of_text(level_name(level)));
	(void)json_object_set_new(json, "area", json_of_text(area));
	(void)json_object_set_new(json, "agent", json_of_text(agent));
	(void)json_object_set_new(json, "text", json_of_text(text));
	(void)json_object_set_new(
		json, "fix", json_of_text(level == FINDING_OK ? NULL : fix));
	(void)json_array_append_new(doctor->findings, json);
	print(doctor, level, area, agent, fix, text);
}

/* --- the configuration ------------------------------------------------- */

static void configuration(struct doctor *doctor)
{
	const struct config *config = doctor->session->config;
	size_t warnings;

	config_review(doctor->session->config);
	warnings = config->problem_count - config->error_count;
	if (config->error_count)
		doctor_tell(doctor, FINDING_ERROR, "configuration", NULL,
			    "conjoin check tells where",
			    "%zu error%s every command from running",
			    config->error_count,
			    config->error_count == 1 ? " keeps" : "s keep");
	else if (warnings)
		doctor_tell(doctor, FINDING_WARNING, "configuration", NULL,
			    "conjoin check tells where", "%zu warning%s",
			    warnings, warnings == 1 ? "" : "s");
	else
		doctor_tell(doctor, FINDING_OK, "configuration", NULL, NULL,
			    "right, %zu agent%s", config->agent_count,
			    config->agent_count == 1 ? "" : "s");
	if (!config->provisioning)
		doctor_tell(doctor, FINDING_WARNING, "configuration", NULL,
			    "set provisioning: on in conjoin.yaml when the "
			    "first load is done",
			    "provisioning is off: no account is made or taken "
			    "away");
}

/* --- the command ------------------------------------------------------- */

static void end(struct doctor *doctor)
{
	struct cli *cli = doctor->cli;
	json_t *document;

	if (!cli->output.json) {
		if (!cli->output.quiet)
			(void)printf(
				"%lld error%s, %lld warning%s\n",
				(long long)doctor->counts[FINDING_ERROR],
				doctor->counts[FINDING_ERROR] == 1 ? "" : "s",
				(long long)doctor->counts[FINDING_WARNING],
				doctor->counts[FINDING_WARNING] == 1 ? ""
								     : "s");
		return;
	}
	document = json_object();
	(void)json_object_set(document, "findings", doctor->findings);
	(void)json_object_set_new(document, "errors",
				  json_integer(doctor->counts[FINDING_ERROR]));
	(void)json_object_set_new(
		document, "warnings",
		json_integer(doctor->counts[FINDING_WARNING]));
	output_json(&cli->output, document);
}

static enum run_exit look(struct doctor *doctor)
{
	configuration(doctor);
	if (doctor->session->config->error_count) {
		end(doctor);
		return RUN_USAGE;
	}
	doctor_systems(doctor);
	doctor_store(doctor);
	end(doctor);
	return doctor->counts[FINDING_ERROR] ? RUN_FAILED : RUN_OK;
}

static enum run_exit run(struct cli *cli)
{
	struct session session;
	struct doctor doctor = { .session = &session,
				 .cli = cli,
				 .now = clock_now(),
				 .quick = args_has(&cli->args, "quick") };
	struct error err = ERROR_INIT;
	int64_t days = 7;
	int64_t certificates = 30;
	enum run_exit exit;

	if (args_number(&cli->args, "max-age", &days, &err) < 0 ||
	    args_number(&cli->args, "certificates", &certificates, &err) < 0)
		return cli_misuse(cli, "%s", err.msg);
	if (days > 36500 || certificates > 36500)
		return cli_misuse(cli, "a hundred years are enough");
	doctor.late = days * CLOCK_SECOND * 86400;
	doctor.ahead = certificates * CLOCK_SECOND * 86400;
	exit = session_open(&session, cli, SESSION_CONFIG, NULL);
	if (exit != RUN_OK)
		return exit;
	doctor.findings = json_array();
	exit = look(&doctor);
	json_decref(doctor.findings);
	session_close(&session);
	return exit;
}

const struct command command_doctor = {
	.name = "doctor",
	.usage = "",
	.help = "everything that is or may go wrong, and what to do",
	.more = "The configuration, each connected system (reached, signed in, "
		"read from), certificates near\ntheir end, the store's "
		"integrity, the disk, the clock, runs that are late or failed, "
		"watermarks,\nobjects in error, links that the join rules would "
		"make differently now. Changes nothing.\n",
	.options = options,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
