/*
 * process.c - another program, without a shell
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Its standard input is `in`; a group of its own can be killed as a whole. */
static int start(const char *const *argv, const char *folder, int in,
		 pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int code;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	(void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO,
					       "/dev/null", O_WRONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO,
					       "/dev/null", O_WRONLY, 0);
	(void)posix_spawn_file_actions_addchdir_np(&actions, folder);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	(void)posix_spawnattr_setpgroup(&attr, 0);
	code = posix_spawnp(pid, argv[0], &actions, &attr,
			    (char *const *)(uintptr_t)argv, environ);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&actions);
	return code;
}

/* It need not read it: what counts is how it ends. */
static void give(int fd, struct sv input, int seconds)
{
	struct timeval limit = { seconds, 0 };
	size_t at = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	while (at < input.len) {
		ssize_t n =
			send(fd, input.ptr + at, input.len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	(void)close(fd);
}

/* 1: it ended; 0: it takes too long */
static int wait_for(pid_t pid, int64_t until, int *status)
{
	struct timespec nap = { 0, 1000000 };

	for (;;) {
		pid_t ended = waitpid(pid, status, WNOHANG);

		if (ended == pid || (ended < 0 && errno != EINTR))
			return 1;
		if (clock_monotonic_ms() >= until)
			return 0;
		(void)nanosleep(&nap, NULL);
		if (nap.tv_nsec < 50000000)
			nap.tv_nsec *= 2;
	}
}

int process_feed(const char *const *argv, const char *folder, struct sv input,
		 int seconds, struct error *err)
{
	int64_t until = clock_monotonic_ms() + (int64_t)seconds * 1000;
	int ends[2];
	int status = 0;
	int code;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, errno, "cannot start '%s'", argv[0]);
	code = start(argv, folder, ends[1], &pid);
	(void)close(ends[1]);
	if (code) {
		(void)close(ends[0]);
		return error_errno(err, code, "cannot start '%s'", argv[0]);
	}
	give(ends[0], input, seconds);
	if (!wait_for(pid, until, &status)) {
		(void)kill(-pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
		return error_set(err, ERR_UNAVAILABLE,
				 "'%s' took longer than %d seconds and was "
				 "killed",
				 argv[0], seconds);
	}
	if (WIFSIGNALED(status))
		return error_set(err, ERR_UNAVAILABLE,
				 "'%s' was ended by signal %d", argv[0],
				 WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return error_set(err, ERR_UNAVAILABLE,
				 "'%s' ended with status %d", argv[0],
				 WEXITSTATUS(status));
	return 0;
}
