/*
 * tape.h - what a connector delivered to an import, kept in a file
 *
 * A tape is JSON lines: a header (format, agent, kind of step), one line for
 * each change, and an end with their number. Recording wraps an open connector;
 * replaying is a connector of its own that needs no system. Values of
 * attributes that hold passwords are not written, nor is any setting.
 *
 *	{"tape":1,"agent":"hr","step":"full-import"}
 *	{"op":"object","type":"person","anchor":"1","attrs":[
 *		{"name":"title","values":["Clerk"]}]}
 *	{"end":1}
 *
 * A value is a text, {"bytes":BASE64} when it is no UTF-8, {"binary":BASE64},
 * a number, true or false, {"datetime":TEXT} or {"reference":TEXT}.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTOR_TAPE_H
#define CONNECTOR_TAPE_H

#include "connector/connector.h"

#define TAPE_VERSION 1

/* "full-import", "delta-import" */
const char *tape_step(enum import_kind kind);

/*
 * *out gives what `inner` gives, and writes it to the file, which appears when
 * the import has ended. inner outlives it and is closed by the caller.
 */
int tape_record(struct connector *out, struct connector *inner,
		const char *path, struct error *err);

/*
 * *out gives what was recorded. 1; 0: the file is of another kind of step, err
 * says so; -1: it cannot be read, or is another agent's. Attributes that the
 * configuration does not name any more are passed over.
 */
int tape_replay(struct connector *out, const struct connector_config *config,
		uint32_t caps, const char *path, enum import_kind kind,
		struct error *err);

#endif
