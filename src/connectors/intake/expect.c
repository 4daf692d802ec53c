/*
 * expect.c - is a file whole?
 *
 * A file that was cut off looks like one in which people are missing. Its last
 * line, the number of its rows, and the number that the last one had tell. The
 * trailer is looked for before the first row is given; what is counted is
 * compared before the end of data is said, so that nobody is taken for gone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/intake/intake_private.h"

#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL_SIZE ((size_t)64 * 1024)

/* POSIX knows no \d. */
static char *posix_pattern(struct sv trailer, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	char *text;
	size_t i;

	for (i = 0; i < trailer.len; i++) {
		if (trailer.ptr[i] == '\\' && i + 1 < trailer.len) {
			if (trailer.ptr[++i] == 'd')
				strbuf_adds(&out, "[0-9]");
			else
				strbuf_add(&out, &trailer.ptr[i - 1], 2);
		} else {
			strbuf_addc(&out, trailer.ptr[i]);
		}
	}
	text = arena_cstr(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return text;
}

const char *expect_pattern_problem(struct sv trailer, struct arena *arena)
{
	const char *why = NULL;
	char message[128];
	regex_t regex;
	int ret = regcomp(&regex, posix_pattern(trailer, arena), REG_EXTENDED);

	if (ret) {
		(void)regerror(ret, &regex, message, sizeof(message));
		return arena_printf(arena,
				    "'trailer' is no regular expression: %s",
				    message);
	}
	if (!regex.re_nsub)
		why = "'trailer' has no group for the number of rows, such as "
		      "'TRAILER;(\\d+)'";
	regfree(&regex);
	return why;
}

/* The last line that is not blank: [*from, *to) of the tail. */
static void last_line(struct sv tail, size_t *from, size_t *to)
{
	*to = tail.len;
	while (*to && strchr(" \t\r\n\x1a", tail.ptr[*to - 1]))
		--*to;
	*from = *to;
	while (*from && tail.ptr[*from - 1] != '\n')
		--*from;
}

static int match(struct taken *t, struct sv line, struct arena *arena,
		 struct error *err)
{
	struct sv trailer = t->source->trailer;
	char *text = arena_cstr(arena, line);
	regmatch_t groups[2];
	regex_t regex;
	int64_t rows;
	int ret;

	if (regcomp(&regex, posix_pattern(trailer, arena), REG_EXTENDED) != 0)
		return error_set(err, ERR_INVALID,
				 "'" SV_FMT "' is no regular expression",
				 SV_ARG(trailer));
	ret = regexec(&regex, text, 2, groups, 0);
	regfree(&regex);
	if (ret || groups[1].rm_so < 0)
		return error_set(
			err, ERR_INVALID,
			"'" SV_FMT "' is not whole: its last line should be as "
			"the trailer '" SV_FMT "' has it, but is '%.80s'; have "
			"it sent again, or correct `expect: trailer`",
			SV_ARG(t->file.name), SV_ARG(trailer), text);
	if (!sv_to_i64(sv_sub(line, (size_t)groups[1].rm_so,
			      (size_t)groups[1].rm_eo),
		       &rows) ||
	    rows < 0)
		return error_set(err, ERR_INVALID,
				 "'" SV_FMT "': the trailer '%.80s' has no "
				 "number of rows where `expect: trailer` has "
				 "its group",
				 SV_ARG(t->file.name), text);
	t->expected = (uint64_t)rows;
	t->has_trailer = true;
	return 0;
}

int expect_trailer(struct taken *t, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	int fd = t->plain >= 0 ? t->plain : t->fd;
	struct stat st;
	uint64_t at;
	ssize_t n;
	char *tail;
	size_t from;
	size_t to;
	int ret;

	if (!t->source->trailer.len)
		return 0;
	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "cannot read '" SV_FMT "'",
				   SV_ARG(t->file.name));
	at = (uint64_t)st.st_size > TAIL_SIZE ? (uint64_t)st.st_size - TAIL_SIZE
					      : 0;
	tail = arena_alloc(&scratch, TAIL_SIZE);
	n = pread(fd, tail, TAIL_SIZE, (off_t)at);
	if (n < 0) {
		ret = error_errno(err, errno, "cannot read '" SV_FMT "'",
				  SV_ARG(t->file.name));
	} else if (memchr(tail, '\0', (size_t)n)) {
		ret = error_set(err, ERR_INVALID,
				"'" SV_FMT "' is text of two bytes a "
				"character, or none: `expect: trailer` cannot "
				"be looked for in it",
				SV_ARG(t->file.name));
	} else {
		last_line(sv_make(tail, (size_t)n), &from, &to);
		ret = match(t, sv_make(tail + from, to - from), &scratch, err);
		t->file.end = at + from;
		if (ret == 0 && !t->file.end)
			ret = error_set(err, ERR_INVALID,
					"'" SV_FMT "' has nothing but its "
					"trailer",
					SV_ARG(t->file.name));
	}
	arena_release(&scratch);
	return ret;
}

int expect_same(const struct taken *t, struct error *err)
{
	struct stat st;

	if (!t->path)
		return 0; /* a copy of ours */
	if (fstat(t->fd, &st) < 0)
		return error_errno(err, errno, "cannot read '" SV_FMT "'",
				   SV_ARG(t->file.name));
	if ((uint64_t)st.st_size == t->size &&
	    (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec ==
		    t->time)
		return 0;
	return error_set(err, ERR_UNAVAILABLE,
			 "'" SV_FMT "' was written to while it was read; "
			 "import it again when its writer has finished, and "
			 "see to it with `ready`",
			 SV_ARG(t->file.name));
}

static int too_few(const struct taken *t, uint64_t rows, const char *wanted,
		   struct error *err)
{
	return error_set(err, ERR_INVALID,
			 "'" SV_FMT "' has %" PRIu64 " rows, but %s; nothing "
			 "was taken as gone",
			 SV_ARG(t->file.name), rows, wanted);
}

int expect_rows(const struct intake *in, const struct taken *t, uint64_t rows,
		struct error *err)
{
	const struct intake_source *s = t->source;
	int64_t last = 0;
	char wanted[256];

	if (s->rows > 0 && rows < (uint64_t)s->rows) {
		(void)snprintf(wanted, sizeof(wanted),
			       "`expect: rows` wants %" PRId64
			       " at least: have it sent again, or correct it",
			       s->rows);
		return too_few(t, rows, wanted, err);
	}
	if (s->percent > 0 && sv_to_i64(mark_last(in, s, "rows"), &last) &&
	    rows * 100 < (uint64_t)last * (uint64_t)s->percent) {
		(void)snprintf(wanted, sizeof(wanted),
			       "the last one had %" PRId64
			       " and `expect: percent` wants %" PRId64
			       " percent of that: have it sent again, or if so "
			       "many really left, lower it for one import",
			       last, s->percent);
		return too_few(t, rows, wanted, err);
	}
	return 0;
}
