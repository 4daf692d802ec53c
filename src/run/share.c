/*
 * share.c - other processes that take a part of a full synchronization
 *
 * Called by step.c when a run is to use several processes. The leading one
 * starts them, hands them ranges of the agent's objects, one after another as
 * they become free, and collects which of these would stay as they are
 * (sync/quiet.c). They read a snapshot and write nothing, so whatever becomes
 * of one of them does no harm: its range is given to another, and when there is
 * none left the leading process takes what nobody has looked at. When few
 * objects stay as they are it takes all of them itself.
 *
 *	leading -> other   "FROM TO\n"
 *	other -> leading   how many of each kind, then the ids
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/share.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RANGE       INT64_C(4096)
#define FIRST_RANGE INT64_C(512)
/* After so many it is asked whether one of `WORTH` stays as it is. */
#define ENOUGH      2000
#define WORTH       4

/* What a range begins with in an answer; the ids follow. */
struct share_head {
	int64_t objects;
	int64_t others;
	int64_t targets;
};

struct helper {
	pid_t pid;
	int fd; /* -1: it has ended */
	int64_t from;
	int64_t to; /* 0: it has no range */
	struct strbuf answer;
};

struct range {
	int64_t from;
	int64_t to;
};

struct sharing {
	const struct share *share;
	const struct sync_span *span;
	struct helper *helpers;
	int count;
	int64_t next;            /* the first id that nobody was given */
	VEC(struct range) again; /* of helpers that ended */
	struct sync_quiet *found;
	bool gave_up;
};

/* ---- the other processes ---- */

static void start(const struct share *share, struct helper *helper)
{
	posix_spawn_file_actions_t actions;
	int ends[2];

	helper->fd = -1;
	helper->answer = (struct strbuf)STRBUF_INIT(STRBUF_NO_LIMIT);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, ends[1], 0);
	(void)posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	if (posix_spawn(&helper->pid, share->argv[0], &actions, NULL,
			(char *const *)(uintptr_t)share->argv, environ) == 0)
		helper->fd = ends[0];
	else
		(void)close(ends[0]);
	(void)close(ends[1]);
	(void)posix_spawn_file_actions_destroy(&actions);
}

/* It sees the end of its input; one that is at work is not waited for. */
static void end(struct helper *helper)
{
	if (helper->fd < 0)
		return;
	(void)close(helper->fd);
	helper->fd = -1;
	if (helper->to)
		(void)kill(helper->pid, SIGKILL);
	while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void lose(struct sharing *sharing, struct helper *helper)
{
	struct range range = { helper->from, helper->to };

	if (range.to)
		vec_push(&sharing->again, range);
	end(helper);
	helper->to = 0;
	strbuf_reset(&helper->answer);
}

/* ---- ranges ---- */

/* Small ones first: soon it is known whether the rest is worth it. */
static bool next_range(struct sharing *sharing, struct range *out)
{
	const struct sync_quiet *found = sharing->found;
	size_t done = found->objects.len + found->others.len;
	int64_t size = done < ENOUGH ? FIRST_RANGE : RANGE;

	if (sharing->again.len) {
		*out = sharing->again.at[--sharing->again.len];
		return true;
	}
	if (sharing->next > sharing->span->last)
		return false;
	out->from = sharing->next;
	out->to = sharing->next + size - 1;
	if (out->to > sharing->span->last)
		out->to = sharing->span->last;
	sharing->next = out->to + 1;
	return true;
}

static void hand_out(struct sharing *sharing, struct helper *helper)
{
	struct range range;
	char text[64];
	int len;

	if (helper->fd < 0 || !next_range(sharing, &range))
		return;
	helper->from = range.from;
	helper->to = range.to;
	len = snprintf(text, sizeof(text), "%lld %lld\n", (long long)range.from,
		       (long long)range.to);
	if (send(helper->fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		lose(sharing, helper);
}

/* ---- answers ---- */

#define TAKE(to, ids, count)                                                   \
	do {                                                                   \
		if (count) {                                                   \
			vec_reserve((to), (to)->len + (size_t)(count));        \
			memcpy((to)->at + (to)->len, (ids),                    \
			       (size_t)(count) * sizeof(int64_t));             \
			(to)->len += (size_t)(count);                          \
		}                                                              \
	} while (0)

static bool is_sound(const struct share_head *head)
{
	return head->objects >= 0 && head->others >= 0 && head->targets >= 0 &&
	       head->objects + head->others <= RANGE &&
	       head->targets < INT64_C(1) << 30;
}

static void consider(struct sharing *sharing)
{
	const struct sync_quiet *found = sharing->found;
	size_t done = found->objects.len + found->others.len;

	if (done >= ENOUGH && found->objects.len < done / WORTH)
		sharing->gave_up = true;
}

/* True: the answer is whole, and taken. */
static bool take_answer(struct sharing *sharing, struct helper *helper)
{
	struct sync_quiet *found = sharing->found;
	const char *at = helper->answer.ptr + sizeof(struct share_head);
	struct share_head head;
	size_t size;

	if (helper->answer.len < sizeof(head))
		return false;
	memcpy(&head, helper->answer.ptr, sizeof(head));
	if (!helper->to || !is_sound(&head)) {
		lose(sharing, helper);
		return false;
	}
	size = (size_t)(head.objects + head.others + head.targets) *
	       sizeof(int64_t);
	if (helper->answer.len < sizeof(head) + size)
		return false;
	TAKE(&found->objects, at, head.objects);
	at += (size_t)head.objects * sizeof(int64_t);
	TAKE(&found->others, at, head.others);
	at += (size_t)head.others * sizeof(int64_t);
	TAKE(&found->targets, at, head.targets);
	strbuf_reset(&helper->answer);
	helper->to = 0;
	consider(sharing);
	return true;
}

static void receive(struct sharing *sharing, struct helper *helper)
{
	char room[65536];
	ssize_t len = recv(helper->fd, room, sizeof(room), 0);

	if (len < 0 && errno == EINTR)
		return;
	if (len <= 0) {
		lose(sharing, helper);
		return;
	}
	strbuf_add(&helper->answer, room, (size_t)len);
	if (take_answer(sharing, helper))
		hand_out(sharing, helper);
}

/* ---- the loop ---- */

/* One that became free before another was lost may take that one's range. */
static void employ(struct sharing *sharing)
{
	int i;

	for (i = 0; i < sharing->count; i++)
		if (!sharing->helpers[i].to)
			hand_out(sharing, &sharing->helpers[i]);
}

static int wait_for_some(struct sharing *sharing, struct pollfd *polls)
{
	int busy = 0;
	int i;

	for (i = 0; i < sharing->count; i++) {
		const struct helper *helper = &sharing->helpers[i];

		polls[i].fd = helper->to ? helper->fd : -1;
		polls[i].events = POLLIN;
		polls[i].revents = 0;
		busy += helper->to != 0;
	}
	return busy ? poll(polls, (nfds_t)sharing->count, -1) : 0;
}

/* Until all ranges are done, or nobody is left, or it is not worth it. */
static void work(struct sharing *sharing)
{
	struct pollfd *polls = mem_alloc(SHARE_MOST * sizeof(*polls));
	int i;

	while (!sharing->gave_up) {
		employ(sharing);
		i = wait_for_some(sharing, polls);
		if (i == 0)
			break;
		if (i < 0 && errno == EINTR && sharing->share->stop &&
		    sharing->share->stop(sharing->share->stop_data))
			break;
		for (i = 0; i < sharing->count; i++)
			if (polls[i].revents)
				receive(sharing, &sharing->helpers[i]);
	}
	mem_free(polls);
}

static bool all_done(const struct sharing *sharing)
{
	int i;

	for (i = 0; i < sharing->count; i++)
		if (sharing->helpers[i].to)
			return false;
	return !sharing->again.len && sharing->next > sharing->span->last;
}

int share_find(void *data, const struct sync_span *span,
	       struct sync_quiet *found, struct error *err)
{
	const struct share *share = data;
	struct sharing sharing = {
		.share = share,
		.span = span,
		.count = share->processes,
		.next = span->first,
		.found = found,
	};
	char now[32];
	bool done;
	int i;

	(void)err;
	(void)snprintf(now, sizeof(now), "%lld", (long long)span->now);
	share->argv[share->now_at] = now;
	sharing.helpers = mem_zalloc(SHARE_MOST * sizeof(*sharing.helpers));
	for (i = 0; i < sharing.count; i++)
		start(share, &sharing.helpers[i]);
	work(&sharing);
	done = all_done(&sharing);
	for (i = 0; i < sharing.count; i++) {
		end(&sharing.helpers[i]);
		strbuf_release(&sharing.helpers[i].answer);
	}
	mem_free(sharing.helpers);
	vec_release(&sharing.again);
	share->argv[share->now_at] = NULL;
	return done;
}

/* ---- the other side ---- */

static int next_line(void *data, int64_t *from, int64_t *to, struct error *err)
{
	char line[64];
	struct sv text;
	size_t blank;

	(void)data;
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	text = sv_trim(sv_from(line));
	blank = sv_find(text, ' ', 0);
	if (blank < text.len && sv_to_i64(sv_sub(text, 0, blank), from) &&
	    sv_to_i64(sv_sub(text, blank + 1, text.len), to))
		return 1;
	return error_set(err, ERR_INVALID, "'" SV_FMT "' is no range of ids",
			 SV_ARG(text));
}

static int write_ids(const int64_t *ids, size_t count)
{
	return count && fwrite(ids, sizeof(*ids), count, stdout) != count ? -1
									  : 0;
}

static int answer(void *data, const struct sync_quiet *found, struct error *err)
{
	struct share_head head = { (int64_t)found->objects.len,
				   (int64_t)found->others.len,
				   (int64_t)found->targets.len };

	(void)data;
	if (fwrite(&head, sizeof(head), 1, stdout) != 1 ||
	    write_ids(found->objects.at, found->objects.len) < 0 ||
	    write_ids(found->others.at, found->others.len) < 0 ||
	    write_ids(found->targets.at, found->targets.len) < 0 ||
	    fflush(stdout) != 0)
		return error_errno(err, errno,
				   "cannot answer the process that leads the "
				   "synchronization");
	return 0;
}

int share_serve(struct store *store, const struct config *config,
		const struct config_agent *agent, int64_t now,
		struct error *err)
{
	const struct sync_sharing sharing = { now, NULL, next_line, answer };

	return sync_share(store, config, agent, &sharing, err);
}
