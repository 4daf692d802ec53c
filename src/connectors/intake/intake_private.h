/*
 * intake_private.h - what the files of the intake share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_INTAKE_INTAKE_PRIVATE_H
#define CONNECTORS_INTAKE_INTAKE_PRIVATE_H

#include "base/strbuf.h"
#include "base/vec.h"
#include "connectors/file_hash.h"
#include "connectors/intake/intake.h"

enum intake_order { INTAKE_NEWEST, INTAKE_OLDEST, INTAKE_EACH };

struct intake_source {
	const struct connector_config *config;
	const char *id;
	struct sv name;   /* as the configuration has it */
	const char *path; /* where it lies, or its URL */
	unsigned flags;   /* enum intake_flags */
	bool remote;
	bool pattern; /* the last part of the path is one */
	enum intake_order take;
	bool by_name;
	bool again;
	int64_t stable; /* ready: so old, or -1 */
	const char *marker;
	bool lock;
	const char *processing; /* NULL: nothing is claimed */
	const char *done;
	const char *failed;
	int64_t keep; /* in `done`; 0: for ever */
	struct sv trailer;
	int64_t rows;    /* at least so many */
	int64_t percent; /* at least so many of the last time's */
	uint64_t max_size;
	uint64_t max_ratio;
	uint64_t most; /* enough of an unpacked file; 0: all */
	struct sv user;
	struct sv password; /* references to secrets */
	struct sv key;
	struct sv passphrase;
	const char *ca_file;
	const char *known_hosts;
	int64_t timeout;
};

/* A file that is there. */
struct candidate {
	char *path;
	struct sv base; /* its name as it came */
	int64_t time;   /* of its last change, in nanoseconds */
	uint64_t size;
	bool claimed; /* it lies in `processing` */
};

struct candidates {
	VEC(struct candidate) list;
};

enum taken_state {
	TAKEN_READING,
	TAKEN_READ,   /* to the end, as it should be */
	TAKEN_BEFORE, /* its changes were imported before */
	TAKEN_FAILED,
};

/* A file that is being read. */
struct taken {
	struct intake_file file;
	const struct intake_source *source;
	enum taken_state state;
	bool last;  /* of its source */
	char *path; /* where the file itself lies; NULL: fetched */
	struct sv base;
	bool claimed;
	int fd;    /* of the file as it came, locked when claimed */
	int plain; /* of the unpacked one; -1: none */
	int64_t time;
	uint64_t size;
	char hash[FILE_HASH_SIZE]; /* or "" */
	struct sv tag;             /* of a server; or empty */
	uint64_t expected;         /* rows by the trailer */
	bool has_trailer;
};

/* Files of one source that are older than the one that is read. */
struct passed {
	const struct intake_source *source;
	char *path;
	struct sv base;
};

/* What was found of a source. */
struct found {
	const struct intake_source *source;
	struct candidates files; /* to be read, oldest first */
	uint64_t rows;           /* of those that were read */
	bool ended;              /* all of them were */
};

struct intake {
	const struct connector_config *config;
	struct arena arena;
	VEC(struct mark_line *) old; /* of the watermark before */
	VEC(struct found *) found;
	VEC(struct taken *) taken;
	VEC(struct passed) passed;
	struct strbuf note;
};

/* ---- settings.c ---- */

/* The part behind the last '/'. */
struct sv intake_base(struct sv path);
/* The folder of a path. */
char *intake_folder(const char *path, struct arena *arena);
/* Does a file's name fit the source's path? */
bool intake_fits(const struct intake_source *source, struct sv base);
/* A duration for a message, "30 seconds". */
char *intake_duration(int64_t duration, struct arena *arena);

/* ---- find.c: which files are there ---- */

/* Those of this machine, oldest first, without what others are reading. */
int find_local(const struct intake_source *source, bool claimed_too,
	       struct arena *arena, struct candidates *out, struct error *err);
/* Those that were imported before and lie in `done`. */
void find_done(const struct intake_source *source, struct arena *arena,
	       struct candidates *out);
/* The name a file in `done` came with, or empty. */
struct sv find_done_name(struct sv base);
/* 1: complete; 0: not yet, *why_out says why. */
int find_ready(const struct intake_source *source, const char *path,
	       struct arena *arena, const char **why_out);
/* The marker's path for a file. */
char *find_marker(const struct intake_source *source, const char *path,
		  struct arena *arena);
int find_older(const void *a, const void *b);
int find_by_name(const void *a, const void *b);

/* ---- claim.c: folders for what is read ---- */

/* As rename, but never over another file: EEXIST. */
int claim_rename(const char *from, const char *to);
/* Moves a file into `processing`: 1 it is ours, 0 somebody else has it; sets
 * path and fd. */
int claim_take(struct taken *taken, struct arena *arena, struct error *err);
int claim_done(const struct taken *taken, struct error *err);
int claim_failed(struct taken *taken, const struct error *why,
		 struct error *err);
/* A file that is too old to be read goes to `done`. */
int claim_passed(const struct passed *passed, struct error *err);
/* Removes from `done` what is older than `keep`. */
void claim_purge(const struct intake_source *source);

/* ---- unpack.c: gzip and zip ---- */

/* A temporary file without a name, or -1. */
int unpack_temporary(struct error *err);
/* 1: it was a compressed file, *fd_out is what was in it; 0: it is none. */
int unpack_file(const struct intake_source *source, int fd, struct sv name,
		int *fd_out, struct error *err);

/* ---- fetch.c: files of other machines ---- */

/* Into a temporary file: 1; 0: it is the one of `tag`. */
int fetch_file(const struct intake_source *source, const char *url,
	       struct sv tag, struct arena *arena, int *fd_out,
	       struct sv *tag_out, struct error *err);
/* The files of an sftp folder that fit, oldest first. */
int fetch_list(const struct intake_source *source, struct arena *arena,
	       struct candidates *out, struct error *err);

/* ---- upload.c: files to other machines ---- */

int upload_file(const struct intake_source *source, const char *path,
		const char *url, struct error *err);

/* ---- expect.c: is it whole? ---- */

/* What is wrong with a trailer's pattern, or NULL. */
const char *expect_pattern_problem(struct sv trailer, struct arena *arena);
/* Finds the trailer of a plain file and sets file.end. */
int expect_trailer(struct taken *taken, struct error *err);
int expect_same(const struct taken *taken, struct error *err);
int expect_rows(const struct intake *intake, const struct taken *taken,
		uint64_t rows, struct error *err);

/* ---- mark.c: what was read before ---- */

/* A line of the mark: what, a value without blanks, the source. */
struct mark_line {
	struct sv word; /* "seen", "rows", "tag" */
	struct sv value;
	struct sv id;
};

void mark_parse(struct intake *intake, struct sv mark);
bool mark_seen(const struct intake *intake, const struct intake_source *source,
	       const char *hash);
/* The value of the last such line of a source, or empty. */
struct sv mark_last(const struct intake *intake,
		    const struct intake_source *source, const char *word);

/* Adds a sentence to what the run's result tells. */
void intake_tell(struct intake *intake, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
