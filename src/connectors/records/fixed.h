/*
 * fixed.h - what the parts of the fixed format share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_FIXED_H
#define CONNECTORS_RECORDS_FIXED_H

#include "connectors/records/record_format.h"

struct fixed_column {
	struct sv name;
	size_t start; /* of the line, 0 based */
	size_t width;
	bool right; /* its values stand at the right */
	char pad;
};

/* The columns of one kind of line. */
struct fixed_layout {
	struct sv type;   /* of the objects; or empty */
	struct sv begins; /* what the line begins with; or empty */
	struct fixed_column *columns;
	size_t count;
	size_t width; /* of the whole line */
};

struct fixed {
	struct fixed_layout *layouts;
	size_t count;
	bool several; /* they say what a line is */
	bool bytes;   /* widths are in bytes */
	bool lines;   /* records end with their line */
	bool shorter; /* a line may lack what follows */
	size_t header;
	struct sv trailer; /* what the last line begins with; or empty */
	size_t count_at;   /* where it tells how many there are ... */
	size_t count_width;
};

extern const struct setting_def fixed_column_settings[];
extern const struct setting_def fixed_file_settings[];
extern const struct setting_def fixed_settings[];

int fixed_load(struct records_source *source, struct arena *arena,
	       struct error *err);
/* The layout that a line is of, or NULL. */
const struct fixed_layout *fixed_layout_of(const struct fixed *fixed,
					   struct sv line);
/* The byte at which character (or byte) `n` of a line begins. */
size_t fixed_offset(const struct fixed *fixed, struct sv line, size_t n);
/* The length of a text in what widths are in. */
size_t fixed_length(const struct fixed *fixed, struct sv text);

int fixed_compose(struct record_edit *edit);
/* The trailer with the count of what was written. */
int fixed_finish(struct record_writer *writer, struct sv *tail,
		 struct arena *arena, struct error *err);

#endif
