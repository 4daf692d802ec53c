/*
 * listen.c - threads that wait for news of connected systems
 *
 *	CLOSED --open--> LISTENING --error--> CLOSED, after a pause
 *	                            refused--> the thread ends
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run/listen.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS     500 /* between looks whether it is to stop */
#define FIRST_PAUSE 1000
#define LAST_PAUSE  60000

struct listener {
	const struct config_agent *agent;
	struct listen_options options;
	struct connector_config setup;
	pthread_t thread;
	pthread_mutex_t mutex; /* for what follows */
	pthread_cond_t stop;
	bool stopped;
	unsigned news;
	struct error why;
};

/* Of all listeners: one configuration's secrets. */
static pthread_mutex_t secrets = PTHREAD_MUTEX_INITIALIZER;

static int one_secret(void *data, struct sv reference, struct secret *out,
		      struct error *err)
{
	const struct listen_options *options = data;
	int ret;

	(void)pthread_mutex_lock(&secrets);
	ret = options->secret(options->secret_data, reference, out, err);
	(void)pthread_mutex_unlock(&secrets);
	return ret;
}

static void tell(struct listener *listener, unsigned news,
		 const struct error *why)
{
	ssize_t ignored;

	(void)pthread_mutex_lock(&listener->mutex);
	listener->news |= news;
	if (why)
		listener->why = *why;
	(void)pthread_mutex_unlock(&listener->mutex);
	ignored = write(listener->options.wake, "", 1);
	(void)ignored; /* a full pipe wakes as well */
}

static bool is_stopped(struct listener *listener)
{
	bool stopped;

	(void)pthread_mutex_lock(&listener->mutex);
	stopped = listener->stopped;
	(void)pthread_mutex_unlock(&listener->mutex);
	return stopped;
}

static void pause_for(struct listener *listener, int ms)
{
	struct timespec end;
	int ret = 0;

	(void)clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += ms / 1000;
	(void)pthread_mutex_lock(&listener->mutex);
	while (!listener->stopped && ret != ETIMEDOUT)
		ret = pthread_cond_timedwait(&listener->stop, &listener->mutex,
					     &end);
	(void)pthread_mutex_unlock(&listener->mutex);
}

/* One session, until its end: -1, err tells why; 0 it was stopped. *pause is
 * the first again when it has listened. */
static int listen_once(struct listener *listener, int *pause, struct error *err)
{
	struct connector connector;
	int ret;

	if (connector_open(&connector, listener->agent->ops, &listener->setup,
			   err) < 0)
		return -1;
	ret = connector_wait(&connector, 0, err);
	if (ret >= 0) {
		*pause = FIRST_PAUSE;
		tell(listener, LISTEN_BEGAN | LISTEN_CHANGED, NULL);
	}
	while (ret >= 0 && !is_stopped(listener)) {
		ret = connector_wait(&connector, WAIT_MS, err);
		if (ret > 0)
			tell(listener, LISTEN_CHANGED, NULL);
	}
	connector_close(&connector);
	return ret < 0 ? -1 : 0;
}

static void *run(void *data)
{
	struct listener *listener = data;
	int pause = FIRST_PAUSE;

	while (!is_stopped(listener)) {
		struct error err = ERROR_INIT;

		if (listen_once(listener, &pause, &err) == 0)
			break;
		if (err.code == ERR_UNSUPPORTED) {
			tell(listener, LISTEN_REFUSED, &err);
			break;
		}
		tell(listener, LISTEN_LOST, &err);
		pause_for(listener, pause);
		pause = pause > LAST_PAUSE / 2 ? LAST_PAUSE : 2 * pause;
	}
	return NULL;
}

/* Signals are the main thread's. */
static int start_thread(struct listener *listener)
{
	sigset_t all;
	sigset_t before;
	int ret;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&listener->thread, NULL, run, listener);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

struct listener *listen_start(const struct config_agent *agent,
			      const struct listen_options *options)
{
	struct listener *listener = mem_zalloc(sizeof(*listener));

	listener->agent = agent;
	listener->options = *options;
	listener->setup = (struct connector_config){
		.agent = agent->name,
		.folder = options->config->folder,
		.connect = agent->connect,
		.types = agent->types,
		.type_count = agent->type_count,
		.secret = one_secret,
		.secret_data = &listener->options,
	};
	(void)pthread_mutex_init(&listener->mutex, NULL);
	(void)pthread_cond_init(&listener->stop, NULL);
	if (start_thread(listener) == 0)
		return listener;
	(void)pthread_cond_destroy(&listener->stop);
	(void)pthread_mutex_destroy(&listener->mutex);
	mem_free(listener);
	return NULL;
}

unsigned listen_take(struct listener *listener, struct error *why)
{
	unsigned news;

	(void)pthread_mutex_lock(&listener->mutex);
	news = listener->news;
	listener->news = 0;
	*why = listener->why;
	(void)pthread_mutex_unlock(&listener->mutex);
	return news;
}

void listen_stop(struct listener *listener)
{
	if (!listener)
		return;
	(void)pthread_mutex_lock(&listener->mutex);
	listener->stopped = true;
	(void)pthread_cond_signal(&listener->stop);
	(void)pthread_mutex_unlock(&listener->mutex);
	(void)pthread_join(listener->thread, NULL);
	(void)pthread_cond_destroy(&listener->stop);
	(void)pthread_mutex_destroy(&listener->mutex);
	mem_free(listener);
}
