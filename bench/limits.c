/*
 * limits.c - what the hardware and SQLite allow, without the engine
 *
 *	bench_limits write BEFORE|- AFTER NEW OBJECTS
 *	bench_limits parse FILE
 *	bench_limits scan STORE
 *	bench_limits durable STORE ROWS
 *	bench_limits bytes FILE NEW
 *	bench_limits adds URL BIND_DN PASSWORD FILE OUTSTANDING
 *	bench_limits pipe FILE
 *	bench_limits ldif FILE
 *	bench_limits fixed FILE WIDTH COLUMNS
 *	bench_limits rows|updates ...: see limits_sql.c
 *
 * Called by bench.py next to the step that each stands beside. Prints how many
 * seconds it took and how many rows, or bytes, it handled; what is read only to
 * have something to write is not timed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limits.h"

#include "base/file.h"
#include "bench/rows.h"
#include "connectors/csv/csv_reader.h"
#include "store/sql/sql_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double limit_now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int limit_report(int ret, double started, uint64_t count)
{
	if (ret == 0)
		(void)printf("%.6f %" PRIu64 "\n", limit_now() - started,
			     count);
	return ret;
}

int limit_number(const char *word, uint64_t *out, struct error *err)
{
	char *end;

	*out = strtoull(word, &end, 10);
	return *out && !*end ? 0
			     : error_set(err, ERR_INVALID,
					 "'%s' is no number above 0", word);
}

/* The rows that a step wrote, into a new store. */
static int limit_write(char **words, struct error *err)
{
	const char *before = strcmp(words[0], "-") ? words[0] : NULL;
	struct rows rows = { .arena = ARENA_INIT };
	int64_t objects = strtoll(words[3], NULL, 10);
	double started;
	int ret = rows_read(&rows, before, words[1], objects > 0 ? objects : 1,
			    err);

	if (ret == 0) {
		started = limit_now();
		ret = rows_write(&rows, words[2], err);
		(void)limit_report(ret, started, rows.list.len);
	}
	rows_release(&rows);
	return ret;
}

/* All rows of a CSV file, cut into fields. */
static int limit_parse(char **words, struct error *err)
{
	const struct csv_dialect dialect = { .delimiter = ',', .quote = '"' };
	struct arena arena = ARENA_INIT;
	struct csv_reader reader;
	struct csv_row row;
	uint64_t count = 0;
	double started = limit_now();
	int ret = csv_reader_open(&reader, words[0], &dialect, err);

	if (ret < 0)
		return -1;
	while ((ret = csv_reader_next(&reader, &arena, &row, err)) > 0) {
		if (++count % 1024 == 0)
			arena_reset(&arena);
	}
	csv_reader_close(&reader);
	arena_release(&arena);
	return limit_report(ret, started, count);
}

/* Touches each byte of each row; `types` of its columns: i, b. */
static int read_table(struct store *store, const char *text, const char *types,
		      uint64_t *count, unsigned *sum, struct error *err)
{
	struct statement *stmt;
	int ret;

	for (ret = sql_first(store, text, &stmt, err, ""); ret > 0;
	     ret = sql_next(stmt, err)) {
		int i;

		for (i = 0; types[i]; i++) {
			struct sv bytes = SV_NULL;
			size_t k;

			if (types[i] == 'i')
				*sum += (unsigned)sql_int(stmt, i);
			else
				bytes = sql_view(stmt, i);
			for (k = 0; k < bytes.len; k++)
				*sum += (unsigned char)bytes.ptr[k];
		}
		(*count)++;
	}
	return ret;
}

/* All images of both spaces. */
static int limit_scan(char **words, struct error *err)
{
	struct arena arena = ARENA_INIT;
	volatile unsigned kept;
	unsigned sum = 0;
	uint64_t count = 0;
	struct store *store;
	double started = limit_now();
	int ret = store_open(arena_printf(&arena, "sqlite:%s", words[0]),
			     STORE_READ, &store, err);

	if (ret == 0)
		ret = read_table(store, "SELECT * FROM cs", "iiiibbb", &count,
				 &sum, err);
	if (ret == 0)
		ret = read_table(store, "SELECT * FROM mv", "ibiibb", &count,
				 &sum, err);
	kept = sum; /* so that no compiler leaves the sums away */
	(void)kept;
	store_close(store);
	arena_release(&arena);
	return limit_report(ret, started, count);
}

static int change_rows(struct store *store, int64_t rows, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct store_tx *tx;
	int64_t *ids;
	struct sv *images;
	struct statement *stmt;
	double started;
	int64_t count = 0;
	int64_t i;
	int ret;

	ids = arena_array(&arena, (size_t)rows, sizeof(*ids));
	images = arena_array(&arena, (size_t)rows, sizeof(*images));
	for (ret = sql_first(store,
			     "SELECT id, image FROM cs WHERE image IS NOT"
			     " NULL ORDER BY id * 2654435761 % 1000003"
			     " LIMIT ?1",
			     &stmt, err, "i", rows);
	     ret > 0; ret = sql_next(stmt, err)) {
		ids[count] = sql_int(stmt, 0);
		images[count++] = sql_bytes(stmt, 1, &arena);
	}
	started = limit_now();
	if (ret == 0)
		ret = store_begin(store, STORE_DURABLE, &tx, err);
	for (i = 0; ret == 0 && i < count; i++)
		ret = sql_run(store, "UPDATE cs SET image = ?2 WHERE id = ?1",
			      err, "ib", ids[i], images[i]);
	if (ret == 0)
		ret = store_commit(tx, err);
	(void)limit_report(ret, started, (uint64_t)count);
	arena_release(&arena);
	return ret;
}

/* Rows here and there, in one transaction that survives a power cut. */
static int limit_durable(char **words, struct error *err)
{
	struct arena arena = ARENA_INIT;
	int64_t rows = strtoll(words[1], NULL, 10);
	struct store *store;
	int ret = store_open(arena_printf(&arena, "sqlite:%s", words[0]),
			     STORE_CREATE, &store, err);

	if (ret == 0)
		ret = change_rows(store, rows > 0 ? rows : 1, err);
	store_close(store);
	arena_release(&arena);
	return ret;
}

static int write_file(const char *path, struct sv bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t done = 0;
	int ret = fd < 0 ? -1 : 0;

	while (ret == 0 && done < bytes.len) {
		ssize_t n = write(fd, bytes.ptr + done, bytes.len - done);

		if (n < 0)
			ret = -1;
		else
			done += (size_t)n;
	}
	if (ret == 0)
		ret = fsync(fd);
	if (fd >= 0 && close(fd) < 0)
		ret = -1;
	return ret;
}

/* The bytes of a file, written and synced. */
static int limit_bytes(char **words, struct error *err)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	double started;
	int ret = file_read(words[0], &bytes, err);

	if (ret == 0) {
		started = limit_now();
		ret = write_file(words[1], strbuf_sv(&bytes));
		(void)limit_report(ret, started, bytes.len);
		if (ret < 0)
			(void)error_errno(err, errno, "cannot write '%s'",
					  words[1]);
	}
	strbuf_release(&bytes);
	return ret;
}

static const struct {
	const char *verb;
	int words;
	int (*run)(char **words, struct error *err);
} limits[] = {
	{ "write", 4, limit_write },     { "parse", 1, limit_parse },
	{ "scan", 1, limit_scan },       { "durable", 2, limit_durable },
	{ "bytes", 2, limit_bytes },     { "adds", 5, limit_adds },
	{ "pipe", 1, limit_pipe },       { "rows", 3, limit_rows },
	{ "updates", 5, limit_updates }, { "ldif", 1, limit_ldif },
	{ "fixed", 3, limit_fixed },
};

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		if (argc != limits[i].words + 2 ||
		    strcmp(argv[1], limits[i].verb) != 0)
			continue;
		if (limits[i].run(argv + 2, &err) == 0)
			return 0;
		(void)fprintf(stderr, "bench_limits: %s\n", err.msg);
		return 1;
	}
	(void)fprintf(stderr, "bench_limits: see the head of limits.c for "
			      "what can be measured\n");
	return 2;
}
