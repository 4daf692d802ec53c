/*
 * feed.h - the files of one kind of objects: all of them, and their changes
 *
 * What csv and the formats of records have in common between their settings
 * and the intake. An agent has one feed, or one for each of its types; an
 * import reads the files of all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_INTAKE_FEED_H
#define CONNECTORS_INTAKE_FEED_H

#include "connectors/intake/outlet.h"
#include "connectors/text_input.h"

extern const struct setting_def feed_delta_settings[];

/* clang-format off */
/* What a connector's table of settings has beside `path`. */
#define FEED_SETTINGS                                                          \
	{ .name = "delta", .type = SETTING_GROUP,                              \
	  .group = feed_delta_settings,                                        \
	  .help = "A file of changes for the delta import" },                  \
	{ .name = "export", .type = SETTING_GROUP, .group = outlet_settings,   \
	  .help = "What an export hands on, besides the file at `path`" },     \
	{ .name = "keep", .type = SETTING_NUMBER, .fallback = "0",             \
	  .help = "So many old versions of a file that exports replace stay "  \
		  "beside it" },                                               \
	INTAKE_SETTINGS
/* clang-format on */

enum feed_word { FEED_ADD, FEED_MODIFY, FEED_DELETE, FEED_WORDS };

struct feed {
	struct sv name;   /* as the configuration names it */
	const char *path; /* where it lies */
	bool plain;       /* exactly there: what an export rewrites */
	int64_t keep;     /* old versions beside it */
	bool expects_trailer;
	struct intake_source *full;
	struct intake_source *changes; /* NULL: none */
	struct sv change;              /* the name that says what happened */
	struct sv words[FEED_WORDS];
	struct outlet *outlet; /* NULL: exports rewrite `path` and no more */
};

/* Where a feed's settings stand. */
struct feed_place {
	const struct connector_config *config;
	const struct node *own;         /* of this file; else those of all */
	const struct setting_def *defs; /* a table with FEED_SETTINGS */
	const char *id;                 /* of its type, or "*" */
	unsigned flags;                 /* enum intake_flags */
};

/* Memory from arena. */
int feed_load(const struct feed_place *place, struct arena *arena,
	      struct feed *feed, struct error *err);
/* Reports what is wrong with what feed_load() reads, beyond the table. */
void feed_check(const struct feed_place *place, setting_report_fn report,
		void *data);

bool feeds_have_delta(const struct node *connect);
/* What of exports they can do: enum connector_cap. */
uint32_t feeds_export_caps(const struct node *connect,
			   const struct setting_def *defs);
/* All files lie where `path` says: exports can rewrite them. */
bool feeds_are_plain(const struct node *connect,
		     const struct setting_def *defs);

/* Where the trailer of a file that an export rewrites begins, when one is
 * expected; else *end_out is 0. */
int feed_trailer(const struct feed *feed, const char *path, uint64_t *end_out,
		 struct error *err);
/* 1: *out is the line with the number of rows that stands behind them; 0: none
 * is expected; -1. `in` is the file that is rewritten, all of it up to its
 * trailer read; NULL: there is none. */
int feed_new_trailer(const struct feed *feed, struct text_input *in,
		     uint64_t rows, struct arena *arena, struct sv *out,
		     struct error *err);

/* Exports tell what changed, and leave the file at `path` alone. */
static inline bool feed_tells_changes(const struct feed *feed)
{
	return feed->outlet && feed->outlet->changes;
}

/* The file that an export writes: in the place of the old one, or of changes;
 * *path_out is for feed_commit(). */
int feed_replace(const struct feed *feed, struct arena *arena,
		 struct file_replace *file, const char **path_out,
		 struct error *err);
/* All of it is written: it is handed on, takes its place, and the old one is
 * kept as `keep` says. */
int feed_commit(const struct feed *feed, struct file_replace *file,
		const char *path, struct error *err);

/* The word of a change, in any case: 1 found, 0 it is none of the three. */
int feed_word(const struct feed *feed, struct sv word, enum change_op *out);

/* A file that an import reads, and whose it is. */
struct feed_file {
	size_t feed;
	struct intake_file file;
};

/*
 * Starts an import of all feeds: finds, claims, fetches and unpacks their
 * files. `kind` names the connector in the watermark. 0: *files_out, of a full
 * import perhaps none where files are optional; 1: nothing is new; -1: err is
 * set. *out is the caller's in any case.
 */
int feeds_begin(const struct connector_config *config, const char *kind,
		const struct feed *const *feeds, size_t count, bool delta,
		struct sv watermark, struct arena *arena, struct intake **out,
		struct feed_file **files_out, size_t *file_count_out,
		struct error *err);

/* The watermark of what was taken. */
struct sv feeds_mark(const struct intake *intake, const char *kind,
		     const struct connector_config *config,
		     struct arena *arena);

#endif
