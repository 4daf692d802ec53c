/*
 * fetch.h - one connection to a web or sftp server, by libcurl
 *
 * fetch.c takes files from it, upload.c puts them there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_INTAKE_FETCH_H
#define CONNECTORS_INTAKE_FETCH_H

#include "connectors/intake/intake_private.h"

#include <curl/curl.h>

#define FETCH_TAG_MAX 1024

/* One connection, and what an answer is put into. */
struct fetch {
	const struct intake_source *source;
	const char *doing; /* for messages: "fetch" */
	CURL *curl;
	int key; /* the private key, in memory; or -1 */
	char why[CURL_ERROR_SIZE];
	int fd; /* -1: into text */
	struct strbuf text;
	uint64_t size;
	int write_errno;
	bool too_big;
	char etag[FETCH_TAG_MAX];
	char modified[FETCH_TAG_MAX];
	struct curl_slist *headers;
};

int fetch_open(struct fetch *fetch, const struct intake_source *source,
	       struct error *err);
void fetch_close(struct fetch *fetch);
bool fetch_is_sftp(const struct intake_source *source);
/* One request; its answer's status is not looked at. */
int fetch_perform(struct fetch *fetch, const char *url, struct error *err);
/* What a web server answered: 1 well; 0 it is the same; -1 */
int fetch_status(const struct fetch *fetch, const char *url, struct error *err);

#endif
