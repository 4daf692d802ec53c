/*
 * encode.c - images become bytes on a thread of their own
 *
 * A batch is written in the order of its jobs; the encoder runs ahead of the
 * writer. Without a thread the writer encodes what it comes to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sync/sync_private.h"

#include <pthread.h>

/* Jobs after which the writer is told. */
#define STRIDE 64

struct encoder {
	const struct attr_map *map;
	struct encode_job *jobs;
	size_t len;
	struct arena arena; /* of the bytes */
	struct strbuf work;
	pthread_t thread;
	bool threaded;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	size_t done;
};

static void encode(struct encoder *encoder, struct encode_job *job)
{
	strbuf_reset(&encoder->work);
	image_encode(job->image, encoder->map, &encoder->work);
	job->bytes = arena_dup(&encoder->arena, strbuf_sv(&encoder->work));
	if (!job->lineage)
		return;
	strbuf_reset(&encoder->work);
	lineage_encode(job->lineage, encoder->map, &encoder->work);
	job->lineage_bytes =
		arena_dup(&encoder->arena, strbuf_sv(&encoder->work));
}

static void tell(struct encoder *encoder, size_t done)
{
	(void)pthread_mutex_lock(&encoder->mutex);
	encoder->done = done;
	(void)pthread_cond_signal(&encoder->changed);
	(void)pthread_mutex_unlock(&encoder->mutex);
}

static void *encode_all(void *data)
{
	struct encoder *encoder = data;
	size_t i;

	for (i = 0; i < encoder->len; i++) {
		encode(encoder, &encoder->jobs[i]);
		if (i % STRIDE == STRIDE - 1)
			tell(encoder, i + 1);
	}
	tell(encoder, encoder->len);
	return NULL;
}

struct encoder *encoder_start(const struct attr_map *map,
			      struct encode_job *jobs, size_t len)
{
	struct encoder *encoder = mem_zalloc(sizeof(*encoder));

	encoder->map = map;
	encoder->jobs = jobs;
	encoder->len = len;
	encoder->work.max = STRBUF_NO_LIMIT;
	(void)pthread_mutex_init(&encoder->mutex, NULL);
	(void)pthread_cond_init(&encoder->changed, NULL);
	encoder->threaded = len > STRIDE &&
			    pthread_create(&encoder->thread, NULL, encode_all,
					   encoder) == 0;
	return encoder;
}

const struct encode_job *encoder_wait(struct encoder *encoder, size_t at)
{
	if (!encoder->threaded) {
		encode(encoder, &encoder->jobs[at]);
		return &encoder->jobs[at];
	}
	(void)pthread_mutex_lock(&encoder->mutex);
	while (encoder->done <= at)
		(void)pthread_cond_wait(&encoder->changed, &encoder->mutex);
	(void)pthread_mutex_unlock(&encoder->mutex);
	return &encoder->jobs[at];
}

void encoder_stop(struct encoder *encoder)
{
	if (encoder->threaded)
		(void)pthread_join(encoder->thread, NULL);
	(void)pthread_mutex_destroy(&encoder->mutex);
	(void)pthread_cond_destroy(&encoder->changed);
	strbuf_release(&encoder->work);
	arena_release(&encoder->arena);
	mem_free(encoder);
}
