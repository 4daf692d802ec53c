/*
 * process.c - another program, without a shell
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/process.h"

#include "base/arena.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOWHERE (-1)
#define FILES   4 /* standard input, output and error, and one more */

/* Its files are `files`, or /dev/null where that is NOWHERE (no fourth then); a
 * group of its own can be killed as a whole. */
static int start(const char *const *argv, const char *folder,
		 const int files[FILES], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int code;
	int i;

	(void)posix_spawn_file_actions_init(&actions);
	for (i = 0; i < FILES; i++) {
		if (files[i] != NOWHERE)
			(void)posix_spawn_file_actions_adddup2(&actions,
							       files[i], i);
		else if (i < 3)
			(void)posix_spawn_file_actions_addopen(
				&actions, i, "/dev/null", O_WRONLY, 0);
	}
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

/* Waits for its end; its exit status. */
static int finish(const char *name, pid_t pid, int64_t until, int seconds,
		  int *status_out, struct error *err)
{
	int status = 0;

	if (!wait_for(pid, until, &status)) {
		(void)kill(-pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
		return error_set(err, ERR_UNAVAILABLE,
				 "'%s' took longer than %d seconds and was "
				 "killed",
				 name, seconds);
	}
	if (WIFSIGNALED(status))
		return error_set(err, ERR_UNAVAILABLE,
				 "'%s' was ended by signal %d", name,
				 WTERMSIG(status));
	*status_out = WEXITSTATUS(status);
	return 0;
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
	code = start(argv, folder,
		     (const int[FILES]){ ends[1], NOWHERE, NOWHERE, NOWHERE },
		     &pid);
	(void)close(ends[1]);
	if (code) {
		(void)close(ends[0]);
		return error_errno(err, code, "cannot start '%s'", argv[0]);
	}
	give(ends[0], input, seconds);
	if (finish(argv[0], pid, until, seconds, &status, err) < 0)
		return -1;
	if (status != 0)
		return error_set(err, ERR_UNAVAILABLE,
				 "'%s' ended with status %d", argv[0], status);
	return 0;
}

/* A file in memory with these bytes, at its beginning. */
static int memory_file(struct sv bytes)
{
	int fd = memfd_create("conjoin", MFD_CLOEXEC);
	size_t at = 0;

	while (fd >= 0 && at < bytes.len) {
		ssize_t n = write(fd, bytes.ptr + at, bytes.len - at);

		if (n < 0 && errno != EINTR)
			break;
		at += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

static struct sv read_all(int fd, struct arena *arena)
{
	struct stat info;
	size_t at = 0;
	char *text;

	if (fstat(fd, &info) < 0 || info.st_size <= 0)
		return SV_NULL;
	text = arena_alloc(arena, (size_t)info.st_size + 1);
	while (at < (size_t)info.st_size) {
		ssize_t n = pread(fd, text + at, (size_t)info.st_size - at,
				  (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	text[at] = '\0';
	return sv_make(text, at);
}

static int talk_with(const char *const *argv, struct process_talk *talk,
		     const int files[FILES], int seconds, struct error *err)
{
	int64_t until = clock_monotonic_ms() + (int64_t)seconds * 1000;
	pid_t pid;
	int code;

	if (files[0] < 0 || files[1] < 0 || files[2] < 0)
		return error_errno(err, errno, "cannot start '%s'", argv[0]);
	code = start(argv, "/", files, &pid);
	if (code)
		return error_errno(err, code, "cannot start '%s'", argv[0]);
	return finish(argv[0], pid, until, seconds, &talk->status, err);
}

int process_talk(const char *const *argv, struct process_talk *talk,
		 int seconds, struct arena *arena, struct error *err)
{
	int files[FILES] = { memory_file(talk->input), memory_file(SV_NULL),
			     memory_file(SV_NULL),
			     talk->secret.len ? memory_file(talk->secret)
					      : NOWHERE };
	int ret = talk_with(argv, talk, files, seconds, err);
	int i;

	if (ret == 0) {
		talk->out = read_all(files[1], arena);
		talk->errors = read_all(files[2], arena);
	}
	for (i = 0; i < FILES; i++)
		if (files[i] >= 0)
			(void)close(files[i]);
	return ret;
}
