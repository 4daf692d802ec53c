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

/* --- certificates ------------------------------------------------------ */

static bool certificate_end(const X509 *certificate, int64_t *out)
{
	struct civil_time civil = { 0 };
	struct tm tm;

	if (!ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm))
		return false;
	civil.year = tm.tm_year + 1900;
	civil.month = tm.tm_mon + 1;
	civil.day = tm.tm_mday;
	civil.hour = tm.tm_hour;
	civil.minute = tm.tm_min;
	civil.second = tm.tm_sec;
	return clock_from_civil(&civil, out);
}

static void tell_end(struct doctor *doctor, const struct config_agent *agent,
		     const char *what, int64_t end, const char *fix)
{
	doctor_tell(doctor,
		    end <= doctor->now                  ? FINDING_ERROR
		    : end < doctor->now + doctor->ahead ? FINDING_WARNING
							: FINDING_OK,
		    "certificate", agent->name, fix, "%s %s on %s", what,
		    end <= doctor->now ? "ended" : "ends",
		    output_time(end, &doctor->cli->arena));
}

/* As the server sends it, whatever lies in files. */
static void tell_server_certificate(struct doctor *doctor,
				    const struct config_agent *agent,
				    const struct connector_look *look)
{
	const unsigned char *der = (const unsigned char *)look->certificate.ptr;
	X509 *certificate = NULL;
	int64_t end;

	if (look->certificate.len)
		certificate = d2i_X509(NULL, &der, (long)look->certificate.len);
	if (certificate && certificate_end(certificate, &end))
		tell_end(doctor, agent,
			 arena_printf(&doctor->cli->arena,
				      "the certificate of %s", look->server),
			 end, "have it renewed at the server");
	X509_free(certificate);
}

/* --- what may be written ----------------------------------------------- */

static bool writes(const struct config_agent *agent)
{
	size_t i;

	for (i = 0; i < agent->rule_set_count; i++)
		if (agent->rule_sets[i].export_count ||
		    agent->rule_sets[i].provisions)
			return true;
	return false;
}

static void tell_writing(struct doctor *doctor,
			 const struct config_agent *agent,
			 const struct connector_look *look)
{
	switch (look->write) {
	case CONNECTOR_MAY_YES:
		doctor_tell(doctor, FINDING_OK, "writing", agent->name, NULL,
			    "may be written to");
		break;
	case CONNECTOR_MAY_NOT:
		doctor_tell(doctor, FINDING_ERROR, "writing", agent->name,
			    "give the account the right to write there, or "
			    "correct the path or base under connect",
			    "cannot be written to: %s", look->why);
		break;
	case CONNECTOR_MAY_UNKNOWN:
		doctor_tell(doctor, FINDING_OK, "writing", agent->name, NULL,
			    "not tried: this system cannot be asked without "
			    "writing");
		break;
	}
}

static void tell_look(struct doctor *doctor, const struct config_agent *agent,
		      const struct connector_look *look,
		      const struct error *unseen)
{
	tell_server_certificate(doctor, agent, look);
	if (unseen->code != ERR_NONE)
		doctor_tell(doctor, FINDING_WARNING, "writing", agent->name,
			    "see what the system says to that",
			    "cannot be told: %s", unseen->msg);
	else if (writes(agent))
		tell_writing(doctor, agent, look);
}

/* --- each -------------------------------------------------------------- */

static void tell_read(struct doctor *doctor, const struct config_agent *agent,
		      int ret, const struct error *err)
{
	if (ret < 0 && err->code == ERR_NOTFOUND)
		doctor_tell(
			doctor, FINDING_WARNING, "system", agent->name,
			"correct the path under connect; a target's file is "
			"made by its first export",
			"there is nothing to read: %s", err->msg);
	else if (ret < 0)
		doctor_tell(doctor, FINDING_ERROR, "system", agent->name,
			    "give the account of the agent the right to read, "
			    "or correct what it reads",
			    "reached, but cannot be read: %s", err->msg);
	else if (agent->caps & CONNECTOR_CAP_IMPORT)
		doctor_tell(doctor, FINDING_OK, "system", agent->name, NULL,
			    ret ? "reached and read" : "reached; it is empty");
	else
		doctor_tell(doctor, FINDING_OK, "system", agent->name, NULL,
			    "reached");
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
	struct connector_look look;
	struct connector connector;
	struct error unseen = ERROR_INIT;
	struct error err = ERROR_INIT;
	int ret = 0;

	if (connector_open(&connector, agent->ops, &config, &err) < 0) {
		doctor_tell(doctor, FINDING_ERROR, "system", agent->name,
			    "see that it runs, is reached from here and takes "
			    "the sign-in under connect of the agent's file",
			    "cannot be reached: %s", err.msg);
		return;
	}
	(void)connector_look(&connector, &doctor->cli->arena, &look, &unseen);
	if (agent->caps & CONNECTOR_CAP_IMPORT)
		ret = read_first(&connector, &err);
	tell_read(doctor, agent, ret, &err);
	connector_close(&connector);
	tell_look(doctor, agent, &look, &unseen);
}

/* --- files of certificates --------------------------------------------- */

/* The end of the certificate that ends first: 1 *out, 0 none in the file. */
static int first_end(const char *path, int64_t *out)
{
	FILE *file = fopen(path, "re");
	X509 *certificate;
	int found = 0;

	if (!file)
		return 0;
	while ((certificate = PEM_read_X509(file, NULL, NULL, NULL))) {
		int64_t end;

		if (certificate_end(certificate, &end) &&
		    (!found || end < *out)) {
			*out = end;
			found = 1;
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
	tell_end(doctor, agent, arena_printf(&doctor->cli->arena, "'%s'", path),
		 end, "have it renewed and put the new one into the file");
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
