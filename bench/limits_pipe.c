/*
 * limits_pipe.c - lines of JSON through a pipe into a parser, and nothing else
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>

#define BLOCK ((size_t)256 * 1024)

/* Another process that writes the file into the pipe. */
static void feed(const char *path, int to)
{
	char *block = mem_alloc(BLOCK);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	while (fd >= 0 && (n = read(fd, block, BLOCK)) > 0)
		if (write(to, block, (size_t)n) != n)
			_exit(1);
	_exit(n == 0 ? 0 : 1);
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
	(void)ctx;
	(void)text;
	(void)len;
	return 1;
}

static int on_map(void *ctx)
{
	uint64_t *count = ctx;

	(*count)++;
	return 1;
}

static int parse_all(int from, uint64_t *count, struct error *err)
{
	static const yajl_callbacks callbacks = { .yajl_map_key = on_key,
						  .yajl_string = on_key,
						  .yajl_start_map = on_map };
	yajl_handle parser = yajl_alloc(&callbacks, NULL, count);
	char *block = mem_alloc(BLOCK);
	ssize_t n;
	int ret = 0;

	(void)yajl_config(parser, yajl_allow_multiple_values, 1);
	while (ret == 0 && (n = read(from, block, BLOCK)) > 0)
		if (yajl_parse(parser, (unsigned char *)block, (size_t)n) !=
		    yajl_status_ok)
			ret = error_set(err, ERR_INVALID, "a line is no JSON");
	yajl_free(parser);
	mem_free(block);
	return ret;
}

int limit_pipe(char **words, struct error *err)
{
	double started = limit_now();
	uint64_t count = 0;
	int ends[2];
	int status = 1;
	pid_t pid;
	int ret;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "cannot make a pipe");
	(void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
	pid = fork();
	if (pid == 0) {
		(void)close(ends[0]);
		feed(words[0], ends[1]);
	}
	(void)close(ends[1]);
	ret = parse_all(ends[0], &count, err);
	(void)close(ends[0]);
	(void)waitpid(pid, &status, 0);
	if (ret == 0 && status != 0)
		ret = error_set(err, ERR_UNAVAILABLE, "cannot read '%s'",
				words[0]);
	return limit_report(ret, started, count);
}
