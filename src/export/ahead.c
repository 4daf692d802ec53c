/*
 * ahead.c - the next window is made while the connected system works
 *
 * A thread of its own hands a window over and reads the answers that are
 * there. Meanwhile what was answered before is written, the next window is
 * made, and its marks are written too: they are committed when all of the
 * window has been handed over and the export goes on, and taken back when it
 * does not. Only then it is handed over itself.
 *
 *	window 2	sent . . . . . . . . . . . . .	answered
 *	store		answers of 1, COMMIT, marks of 3	COMMIT
 *	window 3					sent . .
 *
 * The thread calls the connector and nothing else; nobody else calls it then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "export/ahead.h"

#include "export/window.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* So long, in milliseconds, others may have to wait for marks that are written
 * and not committed. */
#define PATIENCE 100

#define WINDOWS 3

struct answer {
	struct export_outcome outcome;
	struct sent *sent; /* NULL: it has one already */
};

struct ahead {
	struct export_step *step;
	struct window windows[WINDOWS];
	struct window *before; /* what is left of it has no answer */
	struct window *now;    /* being sent */
	struct window *next;
	/* what was answered and is not written */
	VEC(struct answer) answers;
	struct arena answers_arena;
	int64_t refused; /* of these */
	bool marked;     /* `next` is, in step->tx */
	bool slow;       /* the system takes longer than others may wait */
	/* of the thread */
	pthread_t thread;
	bool running;
	size_t outstanding;
	VEC(struct export_outcome) come;
	struct arena come_arena;
	int ret;
	struct error err;
};

static int begin(struct export_step *step, struct error *err)
{
	return step->tx ? 0
			: store_begin(step->store, STORE_DURABLE, &step->tx,
				      err);
}

static int commit(struct export_step *step, struct error *err)
{
	struct store_tx *tx = step->tx;

	step->tx = NULL;
	return tx ? store_commit(tx, err) : 0;
}

static void roll_back(struct export_step *step)
{
	store_rollback(step->tx);
	step->tx = NULL;
}

/* ---- what the thread does ---- */

static int read_answers(struct ahead *a)
{
	struct export_outcome outcome;
	int ret = 1;

	while (a->outstanding &&
	       (ret = connector_export_result(a->step->connector, false,
					      &a->come_arena, &outcome,
					      &a->err)) > 0) {
		vec_push(&a->come, outcome);
		a->outstanding--;
	}
	return ret < 0 ? -1 : 0;
}

static void *send_all(void *data)
{
	struct ahead *a = data;

	a->ret = window_put(a->step->connector, a->now, &a->err);
	if (a->ret == 0)
		a->ret = read_answers(a);
	return NULL;
}

static void send_now(struct ahead *a, bool aside)
{
	a->outstanding = a->now->open + a->before->open;
	error_clear(&a->err);
	a->running = aside &&
		     pthread_create(&a->thread, NULL, send_all, a) == 0;
	if (!a->running)
		(void)send_all(a);
}

/* Waits for the thread; with a time only so long. false: it is not through. */
static bool wait_for(struct ahead *a, int milliseconds)
{
	struct timespec until;

	if (!a->running)
		return true;
	if (milliseconds) {
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += milliseconds * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
	}
	if (milliseconds ? pthread_timedjoin_np(a->thread, NULL, &until) != 0
			 : pthread_join(a->thread, NULL) != 0)
		return false;
	a->running = false;
	return true;
}

/* ---- answers ---- */

/* The operation of this id; of two the one that has no answer yet. What was
 * answered for may come again: its references, last. */
static struct sent *find_sent(const struct ahead *a, uint64_t id,
			      struct window **in)
{
	struct window *each[] = { a->before, a->now };
	struct sent *found = NULL;
	uint64_t at;
	size_t i;

	for (i = 0; i < 2 && (!found || found->done); i++) {
		if (!idmap_get(&each[i]->by_id, id, &at))
			continue;
		*in = each[i];
		found = &each[i]->sent[at - 1];
	}
	return found;
}

static bool is_refusal(const struct ahead *a,
		       const struct export_outcome *outcome)
{
	return !outcome->ok || (outcome->references_later &&
				idmap_get(&a->step->again, outcome->id, NULL));
}

/* Whose answer it is. */
static int match(struct ahead *a, const struct export_outcome *outcome,
		 struct answer *out, struct error *err)
{
	struct window *window = NULL;
	struct sent *sent = find_sent(a, outcome->id, &window);

	if (!sent)
		return error_set(err, ERR_INTERNAL,
				 "connector '%s' answered for an operation "
				 "that was not sent",
				 a->step->connector->ops->name);
	*out = (struct answer){ *outcome, sent->done ? NULL : sent };
	if (sent->done)
		return 0;
	sent->done = true;
	window->open--;
	return 0;
}

/* What the thread has read is to be written. */
static int take_over(struct ahead *a, struct error *err)
{
	const struct export_outcome *outcome;
	struct arena arena = a->answers_arena;
	struct answer answer;
	int ret = 0;

	/* all of those before have been written */
	a->answers_arena = a->come_arena;
	a->come_arena = arena;
	vec_foreach(&a->come, outcome) {
		ret = match(a, outcome, &answer, err);
		if (ret < 0)
			break;
		vec_push(&a->answers, answer);
		a->refused += is_refusal(a, outcome);
	}
	vec_clear(&a->come);
	return ret;
}

static int write_answer(struct export_step *step, const struct answer *answer,
			struct error *err)
{
	const struct export_outcome *outcome = &answer->outcome;
	const struct planned *plain = order_plain(step, outcome);
	struct sent *sent = answer->sent;

	if (plain)
		return take_plain(step, plain, outcome, err);
	if (sent->sets &&
	    entry_load_export(step->store, (int64_t)sent->op.id, &step->arena,
			      &sent->entry, err) <= 0)
		return -1;
	if (sent->op.id & UNTIE_ID)
		return take_untied(step, &sent->entry, outcome, err);
	return take_outcome(step, &sent->entry, &sent->op, outcome, err);
}

static int write_answers(struct ahead *a, struct error *err)
{
	struct export_step *step = a->step;
	const struct answer *answer;
	int ret = begin(step, err);

	vec_foreach(&a->answers, answer) {
		if (ret == 0 && answer->sent)
			ret = write_answer(step, answer, err);
		arena_reset(&step->arena);
	}
	vec_clear(&a->answers);
	arena_reset(&a->answers_arena);
	a->refused = 0;
	return ret < 0 ? -1 : 0;
}

static size_t open_in(const struct ahead *a)
{
	return a->now->open + a->before->open;
}

/* Answers are written as they come; with `all` every one is waited for. */
static int take_answers(struct ahead *a, bool all, struct error *err)
{
	struct export_step *step = a->step;
	struct answer answer = { .sent = NULL };
	struct export_outcome outcome;
	int ret = 1;

	while (open_in(a) && (ret = connector_export_result(
				      step->connector, all, &step->arena,
				      &outcome, err)) > 0) {
		if (match(a, &outcome, &answer, err) < 0 ||
		    (answer.sent && write_answer(step, &answer, err) < 0))
			return -1;
		arena_reset(&step->arena);
	}
	if (ret == 0 && all)
		return error_set(err, ERR_INTERNAL,
				 "connector '%s' left %zu operations without "
				 "an outcome",
				 step->connector->ops->name, open_in(a));
	return ret < 0 ? -1 : 0;
}

/* What the answers were before the system failed is kept. */
static int keep_answers(struct ahead *a)
{
	struct error ignored = ERROR_INIT;

	if (write_answers(a, &ignored) == 0)
		(void)take_answers(a, false, &ignored);
	(void)commit(a->step, &ignored);
	return -1;
}

/* ---- the next window ---- */

static size_t end_of(const struct window *window)
{
	return window->from + window->len;
}

/* May the next window be made before this one has its answers? */
static bool may_look_ahead(const struct ahead *a)
{
	const struct export_step *step = a->step;
	size_t from = end_of(a->now);

	return from < step->plan.len && !step->plan.at[from].apart &&
	       !a->now->names_anchors &&
	       !(a->before->open && a->before->names_anchors);
}

/* Taken back with the transaction, so `past` is the first row of them. */
static void unmark(struct ahead *a, int64_t past)
{
	if (!a->marked)
		return;
	roll_back(a->step);
	a->step->next_past = past;
	a->marked = false;
}

static int mark_next(struct ahead *a, struct error *err)
{
	if (begin(a->step, err) < 0)
		return -1;
	a->marked = true;
	return window_mark(a->step, a->next, err);
}

/* While the thread sends; see above. */
static int make_next(struct ahead *a, struct error *err)
{
	if (write_answers(a, err) < 0) {
		roll_back(a->step);
		return -1;
	}
	if (commit(a->step, err) < 0 ||
	    window_build(a->step, a->next, end_of(a->now), err) < 0)
		return -1;
	return a->slow ? 0 : mark_next(a, err);
}

/* Hands over what has been marked, and makes the next when that is possible:
 * 1 it was, 0, -1. */
static int send_and_make(struct ahead *a, struct error *err)
{
	struct export_step *step = a->step;
	bool look_ahead = may_look_ahead(a);
	int64_t past = step->next_past;
	int ret = 0;

	send_now(a, look_ahead);
	if (look_ahead) {
		ret = make_next(a, err);
		a->slow = !wait_for(a, PATIENCE);
		if (a->slow)
			unmark(a, past);
		(void)wait_for(a, 0);
	} else {
		ret = write_answers(a, err);
	}
	window_wipe(a->now);
	if (ret == 0 && a->ret < 0) {
		*err = a->err;
		ret = -1;
	}
	if (ret < 0)
		unmark(a, past);
	if (take_over(a, err) < 0 || ret < 0)
		return keep_answers(a);
	return look_ahead;
}

/* What is sent next is in progress from now on. */
static int go_on(struct ahead *a, bool made, struct error *err)
{
	struct export_step *step = a->step;

	if (!made && (write_answers(a, err) < 0 ||
		      window_build(step, a->next, end_of(a->now), err) < 0))
		return -1;
	if ((!a->marked && mark_next(a, err) < 0) ||
	    window_take_unsent(step, a->next, err) < 0)
		return -1;
	a->marked = false;
	return commit(step, err);
}

/* All that was sent gets its answer. */
static int drain(struct ahead *a, struct error *err)
{
	if (write_answers(a, err) < 0 || take_answers(a, true, err) < 0)
		return keep_answers(a);
	return 0;
}

/* The window that was sent last becomes the one before, of which all has been
 * answered when the third begins. */
static void turn(struct ahead *a)
{
	struct window *empty = a->before;

	a->before = a->now;
	a->now = a->next;
	a->next = empty;
}

static bool too_many_errors(const struct ahead *a, size_t done)
{
	struct export_step *step = a->step;
	int64_t limit = step->options->guards->errors;

	if (!limit || step->result->errors + a->refused <= limit)
		return false;
	step->result->result = "stopped-error-limit";
	(void)snprintf(step->result->message, sizeof(step->result->message),
		       "more than %lld changes were refused; the export was "
		       "stopped after %zu of %zu. See them with: conjoin "
		       "errors %s",
		       (long long)limit, done, step->plan.len,
		       step->agent->name);
	return true;
}

static bool told_to_stop(const struct ahead *a, size_t done)
{
	struct export_step *step = a->step;
	const struct export_options *options = step->options;
	int permille = step->plan.len ? (int)(done * 1000 / step->plan.len)
				      : 1000;

	if (!options->progress ||
	    !options->progress(options->progress_data, done, permille))
		return false;
	step->result->result = "stopped-user";
	(void)snprintf(step->result->message, sizeof(step->result->message),
		       "stopped by the operator; %zu of %zu changes were "
		       "written",
		       done, step->plan.len);
	return true;
}

/* Is all that was sent to have its answer before what comes next? */
static bool must_drain(const struct ahead *a)
{
	size_t from = end_of(a->now);

	return a->before->open || from >= a->step->plan.len ||
	       a->step->plan.at[from].apart;
}

/* 1: the next window has been marked; 0: the export is to end; -1 */
static int write_next(struct ahead *a, struct error *err)
{
	int64_t past;
	int made;

	turn(a);
	past = a->step->next_past;
	made = send_and_make(a, err);
	if (made < 0)
		return -1;
	if (must_drain(a)) {
		unmark(a, past);
		if (drain(a, err) < 0)
			return -1;
	}
	if (too_many_errors(a, end_of(a->now)) ||
	    told_to_stop(a, end_of(a->now))) {
		unmark(a, past);
		return 0;
	}
	if (end_of(a->now) >= a->step->plan.len)
		return 0;
	return go_on(a, made, err) < 0 ? -1 : 1;
}

static void set_up(struct ahead *a, struct export_step *step)
{
	memset(a, 0, sizeof(*a));
	a->step = step;
	a->before = &a->windows[0];
	a->now = &a->windows[1];
	a->next = &a->windows[2];
}

static void release(struct ahead *a)
{
	size_t i;

	for (i = 0; i < WINDOWS; i++)
		window_release(&a->windows[i]);
	vec_release(&a->answers);
	vec_release(&a->come);
	arena_release(&a->answers_arena);
	arena_release(&a->come_arena);
}

int ahead_write(struct export_step *step, struct error *err)
{
	struct ahead a;
	int ret;

	set_up(&a, step);
	ret = go_on(&a, false, err) < 0 ? -1 : 1;
	while (ret > 0)
		ret = write_next(&a, err);
	if (ret == 0)
		ret = drain(&a, err);
	if (ret == 0)
		ret = commit(step, err);
	if (ret == 0)
		ret = connector_export_end(step->connector, err);
	release(&a);
	return ret;
}

/* ---- systems that write all at once, at the end ---- */

/* *more: the next window goes with it, and has been marked. 0, 1 told to stop,
 * -1. */
static int hand_over_next(struct ahead *a, bool *more, struct error *err)
{
	struct export_step *step = a->step;
	const struct export_options *options = step->options;
	size_t from = end_of(a->next);
	int64_t past = step->next_past;
	int ret = 0;

	turn(a);
	*more = from < step->plan.len && !step->plan.at[from].apart;
	/* there are no answers before the end */
	a->now->open = 0;
	send_now(a, *more);
	if (*more)
		ret = window_build(step, a->next, from, err);
	if (*more && ret == 0)
		ret = mark_next(a, err);
	(void)wait_for(a, 0);
	window_wipe(a->now);
	if (ret == 0 && a->ret < 0) {
		*err = a->err;
		ret = -1;
	}
	if (ret == 0 && options->progress)
		ret = options->progress(options->progress_data, from,
					(int)(from * 500 / step->plan.len)) !=
		      0;
	if (ret)
		unmark(a, past);
	return ret || !*more ? ret : go_on(a, true, err);
}

int ahead_hand_over(struct export_step *step, size_t *from, struct error *err)
{
	struct ahead a;
	bool more = true;
	int ret;

	set_up(&a, step);
	a.now->from = *from;
	ret = go_on(&a, false, err);
	while (ret == 0 && more)
		ret = hand_over_next(&a, &more, err);
	*from = end_of(a.now);
	release(&a);
	return ret;
}
