/*
 * outlet.h - where an export puts a file for others, besides its own place
 *
 * An export rewrites the file at `path`, or leaves it to whoever writes it and
 * tells what changed in a file of its own. Either may be handed on: to a name
 * of its own for each run, to a folder, to a server. A file of this machine is
 * written under a hidden name, synced and renamed; one for a server is complete
 * before the first byte is sent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_INTAKE_OUTLET_H
#define CONNECTORS_INTAKE_OUTLET_H

#include "base/file.h"
#include "connectors/intake/intake.h"

extern const struct setting_def outlet_settings[];

enum outlet_word { OUTLET_ADD, OUTLET_MODIFY, OUTLET_DELETE, OUTLET_WORDS };

struct outlet {
	bool changes;   /* what changed; else a copy of the whole file */
	struct sv path; /* as the configuration has it; empty: none */
	struct intake_source *to;
	struct sv change; /* the name that says what happened */
	struct sv words[OUTLET_WORDS];
	struct sv trailer; /* the last line, "{rows}" is their number */
};

/* Where the settings of one stand: `own` is the group `export`, what `remote`
 * it lacks is taken from the others; `delta` tells names and words that are not
 * set. */
struct outlet_place {
	const struct connector_config *config;
	const struct node *own;
	const struct node *outer[2];
	const struct node *delta; /* or NULL */
	const struct setting_def *delta_defs;
	bool wordless; /* the format has words of its own */
};

int outlet_load(const struct outlet_place *place, struct arena *arena,
		struct outlet *out, struct error *err);
void outlet_check(const struct outlet_place *place, setting_report_fn report,
		  void *data);

/* A new file to be handed on; *path_out is what outlet_close() wants to know.
 * file_replace_abort() drops it. */
int outlet_open(const struct outlet *outlet, struct arena *arena,
		struct file_replace *file, const char **path_out,
		struct error *err);
/* It is complete: 0 when it is there, durably or on the server. */
int outlet_close(const struct outlet *outlet, struct file_replace *file,
		 const char *path, struct error *err);
/* Hands a copy on of a file that is complete and has not taken its place. */
int outlet_copy(const struct outlet *outlet, struct file_replace *file,
		struct error *err);

/* The trailer of a file with so many rows; empty: none is set. */
struct sv outlet_trailer(const struct outlet *outlet, uint64_t rows,
			 struct arena *arena);

#endif
