/*
 * forks.c - the program `conjoin` many times without its start
 *
 * For the model test, which calls it a hundred thousand times: the libraries
 * are loaded once, each command is a fork of this process and its exit. A
 * request is a line of words with the byte 31 between them: CONJOIN_FAKE_TIME
 * or nothing, after how many microseconds it is killed or nothing, the files
 * for standard output and standard error, the command's words. The answers are
 * the number of the process, at once, and its status, when it has ended: as a
 * shell has it, 128 and the signal when it was killed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS 64

enum {
	WORD_TIME,
	WORD_KILL,
	WORD_OUT,
	WORD_ERR,
	WORD_COMMAND, /* the first of the command, in place of the program */
};

static size_t split(char *line, char **words)
{
	size_t count = 0;

	line[strcspn(line, "\n")] = '\0';
	while (line && count < MAX_WORDS)
		words[count++] = strsep(&line, "\x1f");
	return count;
}

static int redirect(const char *path, int to)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int ret = fd < 0 ? -1 : dup2(fd, to);

	if (fd >= 0)
		close(fd);
	return ret;
}

/* kill -9 at that moment, whatever it is doing. */
static int kill_after(const char *text)
{
	long wait = strtol(text, NULL, 10);
	struct itimerspec when = {
		.it_value = { .tv_sec = wait / 1000000,
			      .tv_nsec = wait % 1000000 * 1000 + 1 }
	};
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGKILL };
	timer_t timer;

	return timer_create(CLOCK_MONOTONIC, &event, &timer) < 0
		       ? -1
		       : timer_settime(timer, 0, &when, NULL);
}

static _Noreturn void child(size_t count, char **words)
{
	const char *args[MAX_WORDS] = { "conjoin" };
	int status;

	if (redirect("/dev/null", STDIN_FILENO) < 0 ||
	    redirect(words[WORD_OUT], STDOUT_FILENO) < 0 ||
	    redirect(words[WORD_ERR], STDERR_FILENO) < 0)
		_exit(126);
	if (*words[WORD_TIME] &&
	    setenv("CONJOIN_FAKE_TIME", words[WORD_TIME], 1) < 0)
		_exit(126);
	if (*words[WORD_KILL] && kill_after(words[WORD_KILL]) < 0)
		_exit(126);
	for (size_t i = WORD_COMMAND; i < count; i++)
		args[1 + i - WORD_COMMAND] = words[i];
	status = cli_main((int)(1 + count - WORD_COMMAND), args);
	fflush(NULL);
	_exit(status);
}

static int serve(char *line)
{
	char *words[MAX_WORDS];
	size_t count = split(line, words);
	int status;
	pid_t pid;

	if (count <= WORD_COMMAND)
		return -1;
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0)
		child(count, words);
	printf("%d\n", (int)pid);
	fflush(stdout);
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	printf("%d\n", WIFEXITED(status) ? WEXITSTATUS(status)
					 : 128 + WTERMSIG(status));
	fflush(stdout);
	return 0;
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	while (ret == 0 && getline(&line, &size, stdin) > 0)
		ret = serve(line);
	free(line);
	return ret == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
