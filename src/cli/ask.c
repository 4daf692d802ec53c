/*
 * ask.c - what nobody may see on the command line: asked for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/ask.h"

#include "base/arena.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define MAX_LINE 65600

static int read_line(int fd, struct secret *out, struct error *err)
{
	char *line = mem_alloc(MAX_LINE);
	size_t len = 0;
	ssize_t n;
	char c;
	int ret = 0;

	while ((n = read(fd, &c, 1)) > 0 && c != '\n') {
		if (len == MAX_LINE) {
			ret = error_set(err, ERR_LIMIT,
					"the value is longer than %d bytes",
					MAX_LINE);
			break;
		}
		line[len++] = c;
	}
	if (n < 0)
		ret = error_errno(err, errno, "cannot read the value");
	if (len && line[len - 1] == '\r')
		len--;
	if (ret == 0)
		secret_set(out, sv_make(line, len));
	explicit_bzero(line, MAX_LINE);
	mem_free(line);
	return ret;
}

int ask_secret(int fd, const char *prompt, struct secret *out,
	       struct error *err)
{
	struct termios before;
	struct termios silent;
	int ret;

	if (!isatty(fd))
		return read_line(fd, out, err);
	if (tcgetattr(fd, &before) < 0)
		return error_errno(err, errno, "cannot read the value");
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	/* before anybody can type: what came earlier is no answer */
	(void)tcsetattr(fd, TCSAFLUSH, &silent);
	(void)fprintf(stderr, "%s (not shown): ", prompt);
	ret = read_line(fd, out, err);
	(void)tcsetattr(fd, TCSAFLUSH, &before);
	(void)fputc('\n', stderr);
	return ret;
}
