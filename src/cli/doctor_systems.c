/*
 * doctor_systems.c - are the connected systems there, may we read, how long do
 * certificates last
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "cli/doctor.h"
#include "connector/connector.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- reach and read ---------------------------------------------------- */

/* The first object, if there is one: 1, 0, -1 */
static int read_first(struct connector *connector, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct change change;
	int ret = connector_import_begin(connector, IMPORT_FULL, SV_NULL, err);

	if (ret == 0)
		ret = connector_next(connector, &arena, &change, err);
	arena_release(&arena);
	return ret;
}

static void try_agent(struct doctor *doctor, const struct config_agent *agent)
{
	struct session *session = doctor->session;
	const struct connector_config config = {
		.agent = agent->name,
		.folder = session->config->folder,
		.connect = agent->connect,
		.types = agent->types,
		.type_count = agent->type_count,
		.secret = secrets_resolve,
		.secret_data = &session->secrets,
	};
	struct connector connector;
	struct error err = ERROR_INIT;
	int ret = 0;

	if (connector_open(&connector, agent->ops, &config, &err) < 0) {
		doctor_tell(doctor, FINDING_ERROR, "system", agent->name,
			    "see that it runs, is reached from here and takes "
			    "the sign-in under connect of the agent's file",
			    "cannot be reached: %s", err.msg);
		return;
	}
	if (agent->caps & CONNECTOR_CAP_IMPORT)
		ret = read_first(&connector, &err);
	connector_close(&connector);
	if (ret < 0 && err.code == ERR_NOTFOUND)
		doctor_tell(
			doctor, FINDING_WARNING, "system", agent->name,
			"correct the path under connect; a target's file is "
			"made by its first export",
			"there is nothing to read: %s", err.msg);
	else if (ret < 0)
		doctor_tell(doctor, FINDING_ERROR, "system", agent->name,
			    "give the account of the agent the right to read, "
			    "or correct what it reads",
			    "reached, but cannot be read: %s", err.msg);
	else if (agent->caps & CONNECTOR_CAP_IMPORT)
		doctor_tell(doctor, FINDING_OK, "system", agent->name, NULL,
			    ret ? "reached and read" : "reached; it is empty");
	else
		doctor_tell(doctor, FINDING_OK, "system", agent->name, NULL,
			    "reached");
}

/* --- certificates ------------------------------------------------------ */

/* The end of the certificate that ends first: 1 *out, 0 none in the file. */
static int first_end(const char *path, int64_t *out)
{
	FILE *file = fopen(path, "re");
	X509 *certificate;
	int found = 0;

	if (!file)
		return 0;
	while ((certificate = PEM_read_X509(file, NULL, NULL, NULL))) {
		struct civil_time civil = { 0 };
		struct tm tm;
		int64_t end;

		if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm)) {
			civil.year = tm.tm_year + 1900;
			civil.month = tm.tm_mon + 1;
			civil.day = tm.tm_mday;
			civil.hour = tm.tm_hour;
			civil.minute = tm.tm_min;
			civil.second = tm.tm_sec;
			if (clock_from_civil(&civil, &end) &&
			    (!found || end < *out)) {
				*out = end;
				found = 1;
			}
		}
		X509_free(certificate);
	}
	(void)fclose(file);
	return found;
}

static void try_certificate(struct doctor *doctor,
			    const struct config_agent *agent, const char *key)
{
	const struct connector_config config = {
		.folder = doctor->session->config->folder
	};
	const struct node *node = agent->connect ? node_get(agent->connect, key)
						 : NULL;
	const char *path;
	int64_t end;

	if (!node || node->kind != NODE_SCALAR)
		return;
	path = connector_path(&config, node->text, &doctor->cli->arena);
	if (!first_end(path, &end)) {
		doctor_tell(doctor, FINDING_WARNING, "certificate", agent->name,
			    "see that the file is there and is PEM",
			    "'%s' has no certificate that can be read", path);
		return;
	}
	doctor_tell(doctor,
		    end <= doctor->now                  ? FINDING_ERROR
		    : end < doctor->now + doctor->ahead ? FINDING_WARNING
							: FINDING_OK,
		    "certificate", agent->name,
		    "have it renewed and put the new one into the file",
		    "'%s' %s on %s", path,
		    end <= doctor->now ? "ended" : "ends",
		    output_time(end, &doctor->cli->arena));
}

void doctor_systems(struct doctor *doctor)
{
	const struct config *config = doctor->session->config;
	size_t i;

	for (i = 0; i < config->agent_count; i++) {
		const struct config_agent *agent = &config->agents[i];

		try_agent(doctor, agent);
		try_certificate(doctor, agent, "ca_file");
		try_certificate(doctor, agent, "certificate");
	}
}
