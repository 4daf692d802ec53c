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
#include <fcntl.h>
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

static int find_count(const struct intake_source *source, struct sv name,
		      struct sv line, regmatch_t groups[2], struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct sv trailer = source->trailer;
	char *text = arena_cstr(&scratch, line);
	regex_t regex;
	int ret =
		regcomp(&regex, posix_pattern(trailer, &scratch), REG_EXTENDED);

	if (ret) {
		ret = error_set(err, ERR_INVALID,
				"'" SV_FMT "' is no regular expression",
				SV_ARG(trailer));
	} else {
		ret = regexec(&regex, text, 2, groups, 0);
		regfree(&regex);
		if (ret || groups[1].rm_so < 0)
			ret = error_set(err, ERR_INVALID,
					"'" SV_FMT "' is not whole: its last "
					"line should be as the trailer '" SV_FMT
					"' has it, but is '%.80s'; have it "
					"sent again, or correct `expect: "
					"trailer`",
					SV_ARG(name), SV_ARG(trailer), text);
	}
	arena_release(&scratch);
	return ret ? -1 : 0;
}

static int read_count(const struct intake_source *source, struct sv name,
		      struct sv line, uint64_t *out, struct error *err)
{
	regmatch_t groups[2] = { { -1, -1 }, { -1, -1 } };
	int64_t rows;

	if (find_count(source, name, line, groups, err) < 0)
		return -1;
	if (!sv_to_i64(sv_sub(line, (size_t)groups[1].rm_so,
			      (size_t)groups[1].rm_eo),
		       &rows) ||
	    rows < 0)
		return error_set(err, ERR_INVALID,
				 "'" SV_FMT "': the trailer '%.*s' has no "
				 "number of rows where `expect: trailer` has "
				 "its group",
				 SV_ARG(name),
				 (int)(line.len < 80 ? line.len : 80),
				 line.ptr);
	*out = (uint64_t)rows;
	return 0;
}

/* The line that is the trailer of a file: where it begins, what it says. */
static int find_trailer(const struct intake_source *source, int fd,
			struct sv name, uint64_t *end_out, uint64_t *rows_out,
			struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct stat st;
	uint64_t at = 0;
	ssize_t n = -1;
	char *tail = arena_alloc(&scratch, TAIL_SIZE);
	size_t from;
	size_t to;
	int ret;

	if (fstat(fd, &st) == 0) {
		if ((uint64_t)st.st_size > TAIL_SIZE)
			at = (uint64_t)st.st_size - TAIL_SIZE;
		n = pread(fd, tail, TAIL_SIZE, (off_t)at);
	}
	if (n < 0) {
		ret = error_errno(err, errno, "cannot read '" SV_FMT "'",
				  SV_ARG(name));
	} else if (memchr(tail, '\0', (size_t)n)) {
		ret = error_set(err, ERR_INVALID,
				"'" SV_FMT "' is text of two bytes a "
				"character, or none: `expect: trailer` cannot "
				"be looked for in it",
				SV_ARG(name));
	} else {
		last_line(sv_make(tail, (size_t)n), &from, &to);
		ret = read_count(source, name, sv_make(tail + from, to - from),
				 rows_out, err);
		*end_out = at + from;
		if (ret == 0 && !*end_out)
			ret = error_set(err, ERR_INVALID,
					"'" SV_FMT "' has nothing but its "
					"trailer",
					SV_ARG(name));
	}
	arena_release(&scratch);
	return ret;
}

int expect_trailer(struct taken *t, struct error *err)
{
	if (!t->source->trailer.len)
		return 0;
	t->has_trailer = true;
	return find_trailer(t->source, t->plain >= 0 ? t->plain : t->fd,
			    t->file.name, &t->file.end, &t->expected, err);
}

bool intake_expects_trailer(const struct intake_source *source)
{
	return source->trailer.len > 0;
}

int intake_trailer(const struct intake_source *source, const char *path,
		   uint64_t *end_out, struct error *err)
{
	uint64_t rows;
	int fd;
	int ret;

	if (!source->trailer.len)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "cannot read '%s'", path);
	ret = find_trailer(source, fd, source->name, end_out, &rows, err);
	(void)close(fd);
	return ret < 0 ? -1 : 1;
}

int intake_trailer_with(const struct intake_source *source, struct sv line,
			uint64_t rows, struct arena *arena, struct sv *out,
			struct error *err)
{
	regmatch_t groups[2] = { { -1, -1 }, { -1, -1 } };
	size_t from;
	size_t to;

	if (!source->trailer.len)
		return 0;
	if (find_count(source, source->name, line, groups, err) < 0)
		return -1;
	from = (size_t)groups[1].rm_so;
	to = (size_t)groups[1].rm_eo;
	/* as many digits as there were: 0012 */
	*out = sv_from(
		arena_printf(arena, SV_FMT "%0*" PRIu64 SV_FMT,
			     SV_ARG(sv_sub(line, 0, from)),
			     line.ptr[from] == '0' ? (int)(to - from) : 0, rows,
			     SV_ARG(sv_sub(line, to, line.len))));
	return 1;
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
