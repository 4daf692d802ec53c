/*
 * program.c - another program beside us, spoken with in lines
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/exec/program.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "connectors/exec/message.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK       ((size_t)256 * 1024)
#define PIPE_SIZE   (1 << 20)
#define KILL_MS     2000
#define MAX_GROUPS  64
#define FIRST_OTHER 3 /* files from here on are not the program's */
#define EPITAPH_MS  1000

/* --- starting ---------------------------------------------------------- */

/* Who the program is to be. */
struct identity {
	bool change;
	uid_t uid;
	gid_t gid;
	gid_t groups[MAX_GROUPS];
	int group_count;
};

static int find_identity(const struct program_plan *plan,
			 struct identity *identity, struct error *err)
{
	struct passwd *found;

	memset(identity, 0, sizeof(*identity));
	if (!plan->user)
		return 0;
	found = getpwnam(plan->user);
	if (!found)
		return error_set(err, ERR_INVALID, "there is no user '%s' here",
				 plan->user);
	if (found->pw_uid == geteuid())
		return 0;
	if (geteuid() != 0)
		return error_set(err, ERR_DENIED,
				 "only root can start a program as '%s'",
				 plan->user);
	identity->change = true;
	identity->uid = found->pw_uid;
	identity->gid = found->pw_gid;
	identity->group_count = MAX_GROUPS;
	if (getgrouplist(plan->user, found->pw_gid, identity->groups,
			 &identity->group_count) < 0)
		identity->group_count = MAX_GROUPS;
	return 0;
}

static void limit(int what, uint64_t most)
{
	struct rlimit limits;

	limits.rlim_cur = most;
	limits.rlim_max = most;
	(void)setrlimit((__rlimit_resource_t)what, &limits);
}

/* What the program inherits of our signals is nothing. */
static void forget_signals(void)
{
	struct sigaction action;
	sigset_t none;
	int i;

	memset(&action, 0, sizeof(action));
	action.sa_handler = SIG_DFL;
	for (i = 1; i < NSIG; i++)
		(void)sigaction(i, &action, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the new process: nothing but system calls. Returns only when that failed,
 * with errno. */
static void become(const struct program_plan *plan,
		   const struct identity *identity, const int files[3],
		   int report)
{
	int i;

	(void)setpgid(0, 0);
	forget_signals();
	/* above 2 first, so that none of them is closed before it is moved */
	for (i = 0; i < 3; i++)
		if (dup2(files[i], i) < 0)
			return;
	if (report != FIRST_OTHER && dup2(report, FIRST_OTHER) < 0)
		return;
	(void)fcntl(FIRST_OTHER, F_SETFD, FD_CLOEXEC);
	(void)close_range(FIRST_OTHER + 1, ~0U, 0);
	limit(RLIMIT_CORE, 0);
	if (plan->memory)
		limit(RLIMIT_AS, plan->memory);
	if (identity->change &&
	    (setgroups((size_t)identity->group_count, identity->groups) < 0 ||
	     setgid(identity->gid) < 0 || setuid(identity->uid) < 0))
		return;
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (chdir(plan->folder) < 0)
		return;
	(void)execve(plan->argv[0], (char *const *)(uintptr_t)plan->argv,
		     (char *const *)(uintptr_t)plan->environment);
}

/* A copy of the file's number that is above those which it is moved to. */
static int above(int fd)
{
	int copy;

	if (fd < 0 || fd > FIRST_OTHER)
		return fd;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_OTHER + 1);
	(void)close(fd);
	return copy;
}

#define ENDS 8 /* of four pipes: input, output, errors, report */

static int make_pipes(int ends[ENDS])
{
	int i;

	for (i = 0; i < ENDS; i++)
		ends[i] = -1;
	for (i = 0; i < ENDS; i += 2) {
		if (pipe2(ends + i, O_CLOEXEC) < 0)
			return -1;
		ends[i] = above(ends[i]);
		ends[i + 1] = above(ends[i + 1]);
		if (ends[i] < 0 || ends[i + 1] < 0)
			return -1;
	}
	return 0;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void unblock(int fd)
{
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
}

/* 0: it runs what it is to run; else errno of what failed. */
static int launch(struct program *program, const struct identity *identity,
		  int ends[ENDS])
{
	const int files[3] = { ends[0], ends[3], ends[5] };
	int code = 0;
	ssize_t n;

	program->pid = fork();
	if (program->pid == 0) {
		become(program->plan, identity, files, ends[7]);
		code = errno;
		(void)!write(FIRST_OTHER, &code, sizeof(code));
		_exit(127);
	}
	if (program->pid < 0) {
		program->pid = 0;
		return errno;
	}
	(void)setpgid(program->pid, program->pid);
	close_end(&ends[7]);
	do {
		n = read(ends[6], &code, sizeof(code));
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(code) ? code : 0;
}

static void reap(struct program *program)
{
	siginfo_t info;

	/* the number is its group's until it is waited for */
	while (waitid(P_PID, (id_t)program->pid, &info, WEXITED | WNOWAIT) <
		       0 &&
	       errno == EINTR)
		;
	(void)kill(-program->pid, SIGKILL);
	while (waitpid(program->pid, &program->status, 0) < 0 && errno == EINTR)
		;
	program->pid = 0;
}

int program_start(struct program *program, const struct program_plan *plan,
		  struct error *err)
{
	struct identity identity;
	int ends[ENDS];
	int code;
	int i;

	if (find_identity(plan, &identity, err) < 0)
		return -1;
	memset(program, 0, sizeof(*program));
	program->plan = plan;
	program->inbox = (struct strbuf)STRBUF_INIT(STRBUF_NO_LIMIT);
	program->outbox = (struct strbuf)STRBUF_INIT(STRBUF_NO_LIMIT);
	program->noise = (struct strbuf)STRBUF_INIT(PROGRAM_NOISE_LINE);
	program->in = program->out = program->errors = -1;
	code = make_pipes(ends) < 0 ? errno : launch(program, &identity, ends);
	if (code == 0) {
		program->in = ends[1];
		program->out = ends[2];
		program->errors = ends[4];
		ends[1] = ends[2] = ends[4] = -1;
		unblock(program->in);
		unblock(program->out);
		unblock(program->errors);
	} else if (program->pid) {
		reap(program);
	}
	for (i = 0; i < ENDS; i++)
		close_end(&ends[i]);
	if (code == 0)
		return 0;
	return error_errno(err, code, "cannot start '%s'", plan->argv[0]);
}

/* --- standard error ---------------------------------------------------- */

static void end_noise(struct program *program)
{
	struct sv text = strbuf_sv(&program->noise);

	if (text.len) {
		(void)snprintf(program->last_words, sizeof(program->last_words),
			       SV_FMT, SV_ARG(text));
		if (program->noisy < PROGRAM_NOISE)
			log_warn("connector says",
				 F_STR("agent", program->plan->agent),
				 F_SV("text", text));
		else if (program->noisy == PROGRAM_NOISE)
			log_warn("connector says more than is shown",
				 F_STR("agent", program->plan->agent));
		program->noisy++;
	}
	strbuf_reset(&program->noise);
}

static void read_noise(struct program *program)
{
	char block[4096];
	ssize_t n = read(program->errors, block, sizeof(block));
	ssize_t i;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_noise(program);
		close_end(&program->errors);
		return;
	}
	for (i = 0; i < n; i++) {
		if (block[i] == '\n')
			end_noise(program);
		else if (program->noise.len < PROGRAM_NOISE_LINE)
			strbuf_addc(&program->noise, block[i]);
	}
}

/* --- reading and writing ----------------------------------------------- */

static void write_some(struct program *program)
{
	size_t left = program->outbox.len - program->sent;
	ssize_t n;

	if (!left || program->in < 0)
		return;
	n = write(program->in, program->outbox.ptr + program->sent, left);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		n = (ssize_t)left; /* it is gone, which its output will tell */
	if (n > 0)
		program->sent += (size_t)n;
	if (program->sent < program->outbox.len)
		return;
	/* there may have been secrets in it */
	explicit_bzero(program->outbox.ptr, program->outbox.len);
	strbuf_reset(&program->outbox);
	program->sent = 0;
}

void program_send(struct program *program, struct sv line)
{
	strbuf_addsv(&program->outbox, line);
	strbuf_addc(&program->outbox, '\n');
	write_some(program);
}

size_t program_unsent(const struct program *program)
{
	return program->in < 0 || program->ended
		       ? 0
		       : program->outbox.len - program->sent;
}

/* 1: something was read, or the end was; 0: there is nothing now. */
static int read_some(struct program *program)
{
	char *room;
	ssize_t n;

	if (program->ended)
		return 0;
	if (program->at) {
		memmove(program->inbox.ptr, program->inbox.ptr + program->at,
			program->inbox.len - program->at);
		program->inbox.len -= program->at;
		program->searched -= program->at;
		program->at = 0;
	}
	room = strbuf_room(&program->inbox, BLOCK);
	n = read(program->out, room, BLOCK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		program->ended = true;
		return 1;
	}
	strbuf_grew(&program->inbox, (size_t)n);
	return 1;
}

void program_pump(struct program *program, int timeout_ms)
{
	struct pollfd files[3] = {
		{ program->ended ? -1 : program->out, POLLIN, 0 },
		{ program->errors, POLLIN, 0 },
		{ program_unsent(program) ? program->in : -1, POLLOUT, 0 },
	};

	if (poll(files, 3, timeout_ms) <= 0)
		return;
	if (files[1].revents)
		read_noise(program);
	if (files[2].revents)
		write_some(program);
	if (files[0].revents)
		(void)read_some(program);
}

static bool take_line(struct program *program, struct sv *out)
{
	const char *at = program->inbox.ptr;
	const char *end = NULL;

	if (program->inbox.len > program->searched)
		end = memchr(at + program->searched, '\n',
			     program->inbox.len - program->searched);
	if (!end) {
		program->searched = program->inbox.len;
		return false;
	}
	*out = sv_make(at + program->at, (size_t)(end - at) - program->at);
	program->at = (size_t)(end - at) + 1;
	program->searched = program->at;
	return true;
}

int program_line(struct program *program, int timeout_ms, struct sv *out,
		 struct error *err)
{
	int64_t until = clock_monotonic_ms() + timeout_ms;

	for (;;) {
		int64_t left;

		if (take_line(program, out))
			return PROGRAM_LINE;
		if (program->inbox.len - program->at > MESSAGE_BYTES)
			return error_set(err, ERR_INVALID,
					 "it is longer than 16 MiB");
		if (program->ended)
			return PROGRAM_ENDED;
		if (read_some(program))
			continue;
		left = until - clock_monotonic_ms();
		if (left <= 0)
			return PROGRAM_SILENT;
		program_pump(program, (int)left);
	}
}

/* --- the end ----------------------------------------------------------- */

/* 1: it ended within this time. What it says meanwhile is listened to. */
static bool wait_for(struct program *program, int timeout_ms)
{
	int64_t until = clock_monotonic_ms() + timeout_ms;
	int fd = pidfd_open(program->pid, 0);
	struct pollfd files[2] = { { fd, POLLIN, 0 },
				   { program->errors, POLLIN, 0 } };
	bool ended = false;

	while (fd >= 0 && !ended) {
		int64_t left = until - clock_monotonic_ms();

		if (left <= 0)
			break;
		files[1].fd = program->errors;
		(void)poll(files, 2, (int)left);
		if (files[1].revents && program->errors >= 0)
			read_noise(program);
		ended = files[0].revents != 0;
	}
	if (fd >= 0)
		(void)close(fd);
	return ended;
}

static void drain_noise(struct program *program)
{
	struct pollfd file = { program->errors, POLLIN, 0 };
	int most = 256; /* another may hold it open and write for ever */

	while (program->errors >= 0 && most-- && poll(&file, 1, 0) > 0)
		read_noise(program);
	if (program->errors >= 0)
		end_noise(program);
}

void program_stop(struct program *program, int grace_ms)
{
	close_end(&program->in);
	close_end(&program->out);
	if (program->pid) {
		if (!wait_for(program, grace_ms)) {
			(void)kill(-program->pid, SIGTERM);
			if (!wait_for(program, KILL_MS))
				(void)kill(-program->pid, SIGKILL);
		}
		drain_noise(program);
		reap(program);
	}
	close_end(&program->errors);
	if (program->outbox.ptr)
		explicit_bzero(program->outbox.ptr, program->outbox.size);
	strbuf_release(&program->outbox);
	strbuf_release(&program->inbox);
	strbuf_release(&program->noise);
	program->at = program->searched = program->sent = 0;
	program->ended = true;
}

void program_epitaph(struct program *program, char *out, size_t size)
{
	const char *last = program->last_words;
	const char *colon;

	/* what closed its output and goes on is ended */
	program_stop(program, EPITAPH_MS);
	colon = *last ? ": " : "";
	if (WIFSIGNALED(program->status))
		(void)snprintf(out, size, "was ended by signal %d%s%s",
			       WTERMSIG(program->status), colon, last);
	else
		(void)snprintf(out, size, "ended with status %d%s%s",
			       WEXITSTATUS(program->status), colon, last);
}
