/*
 * plan_file.c - the file of a plan: written line by line, checked, read again
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/plan_document.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define set json_object_set_new

/* ---- the hash ---- */

/* The store's secret is longer than the key may be. */
static void hash_begin(crypto_generichash_state *state, struct store *store)
{
	(void)crypto_generichash_init(state, store_hash_key(store)->bytes,
				      crypto_generichash_KEYBYTES_MAX, 32);
}

static void hash_add(crypto_generichash_state *state, struct sv bytes)
{
	(void)crypto_generichash_update(state, (const unsigned char *)bytes.ptr,
					bytes.len);
}

static void hash_end(crypto_generichash_state *state, char out[65])
{
	unsigned char hash[32];

	(void)crypto_generichash_final(state, hash, sizeof(hash));
	(void)sodium_bin2hex(out, 65, hash, sizeof(hash));
}

const char *plan_store_id(struct store *store, struct arena *arena)
{
	crypto_generichash_state state;
	char hex[65];

	hash_begin(&state, store);
	hash_add(&state, SV_LIT("the store of a plan"));
	hash_end(&state, hex);
	hex[32] = '\0';
	return arena_cstr(arena, sv_from(hex));
}

const char *plan_rules_id(const struct config *config, struct arena *arena)
{
	return arena_printf(arena, "%016" PRIx64 "%016" PRIx64,
			    config->hash.high, config->hash.low);
}

/* ---- written ---- */

#define PART ((size_t)4 << 20) /* bytes that are written together */

/* One part is hashed and written by a thread of its own while the next one is
 * made. */
struct plan_writer {
	crypto_generichash_state hash;
	struct plan_document *document;
	struct file_replace file; /* with a path */
	char *path;
	FILE *stream; /* the file's, or one without a name */
	struct strbuf next;
	struct strbuf part; /* the thread's, while it runs */
	pthread_t thread;
	bool running;
	int failed; /* errno of a part that could not be written */
};

static void *write_part(void *data)
{
	struct plan_writer *writer = data;
	struct sv part = strbuf_sv(&writer->part);

	hash_add(&writer->hash, part);
	if (part.len &&
	    fwrite(part.ptr, 1, part.len, writer->stream) != part.len)
		writer->failed = errno;
	return NULL;
}

/* Until what was handed over is written. */
static int settle(struct plan_writer *writer, struct error *err)
{
	if (writer->running)
		(void)pthread_join(writer->thread, NULL);
	writer->running = false;
	if (!writer->failed)
		return 0;
	return error_errno(err, writer->failed, "cannot write '%s'",
			   writer->path ? writer->path : "a temporary file");
}

static int hand_over(struct plan_writer *writer, struct error *err)
{
	struct strbuf written;

	if (settle(writer, err) < 0)
		return -1;
	written = writer->part;
	writer->part = writer->next;
	writer->next = written;
	strbuf_reset(&writer->next);
	writer->running =
		pthread_create(&writer->thread, NULL, write_part, writer) == 0;
	/* no thread to be had: then now */
	if (!writer->running)
		(void)write_part(writer);
	return 0;
}

/* All of it. */
static int drain(struct plan_writer *writer, struct error *err)
{
	return hand_over(writer, err) < 0 ? -1 : settle(writer, err);
}

static int write_line(struct plan_writer *writer, struct sv line,
		      struct error *err)
{
	strbuf_addsv(&writer->next, line);
	strbuf_addc(&writer->next, '\n');
	return writer->next.len < PART ? 0 : hand_over(writer, err);
}

static int write_json(struct plan_writer *writer, const json_t *json,
		      struct error *err)
{
	char *text = json_dumps(json, JSON_COMPACT);
	int ret = write_line(writer, sv_from(text), err);

	free(text); /* jansson's */
	return ret;
}

int plan_writer_open(struct plan_document *document, struct store *store,
		     const char *path, struct plan_writer **out,
		     struct error *err)
{
	struct plan_writer *writer = mem_zalloc(sizeof(*writer));
	int ret = 0;

	*out = writer;
	writer->document = document;
	hash_begin(&writer->hash, store);
	writer->next.max = writer->part.max = STRBUF_NO_LIMIT;
	if (path) {
		writer->path = mem_strdup(path);
		ret = file_replace_open(&writer->file, path, 0600, err);
		writer->stream = writer->file.stream;
	} else {
		writer->stream = tmpfile();
		if (!writer->stream)
			ret = error_errno(err, errno,
					  "cannot make a temporary file");
	}
	if (ret == 0)
		ret = write_json(writer, document->head, err);
	document->first = (long)writer->next.len;
	return ret;
}

int plan_writer_add(struct plan_writer *writer, struct sv line,
		    struct error *err)
{
	writer->document->kept++;
	return write_line(writer, line, err);
}

static json_t *summary_json(const struct plan_document *document)
{
	json_t *json = json_object();

	(void)json_object_set(json, "agents", document->agents);
	(void)json_object_set(json, "causes", document->causes);
	(void)set(json, "in_several_causes", json_integer(document->several));
	(void)json_object_set(json, "warnings", document->warnings);
	(void)json_object_set(json, "conflicts", document->conflicts);
	(void)set(json, "guarded", json_boolean(document->guarded));
	(void)set(json, "objects", json_integer(document->count));
	return json;
}

static int write_end(struct plan_writer *writer, struct error *err)
{
	json_t *summary = summary_json(writer->document);
	json_t *last = json_object();
	int ret = write_json(writer, summary, err);
	char hash[65];

	if (ret == 0)
		ret = drain(writer, err);
	hash_end(&writer->hash, hash);
	(void)set(last, "hash", json_string(hash));
	if (ret == 0)
		ret = write_json(writer, last, err);
	if (ret == 0)
		ret = drain(writer, err);
	json_decref(last);
	json_decref(summary);
	return ret;
}

int plan_writer_commit(struct plan_writer *writer, struct error *err)
{
	struct plan_document *document = writer->document;

	if (write_end(writer, err) < 0)
		return -1;
	if (!writer->path) {
		document->lines = writer->stream;
		writer->stream = NULL;
		return fflush(document->lines) == 0
			       ? 0
			       : error_errno(err, errno,
					     "cannot write a temporary file");
	}
	writer->stream = NULL;
	if (file_replace_commit(&writer->file, err) < 0)
		return -1;
	document->lines = fopen(writer->path, "re");
	return document->lines ? 0
			       : error_errno(err, errno, "cannot read '%s'",
					     writer->path);
}

void plan_writer_free(struct plan_writer *writer)
{
	struct error ignored = ERROR_INIT;

	if (!writer)
		return;
	(void)settle(writer, &ignored);
	strbuf_release(&writer->next);
	strbuf_release(&writer->part);
	if (writer->path)
		file_replace_abort(&writer->file);
	else if (writer->stream)
		(void)fclose(writer->stream);
	mem_free(writer->path);
	mem_free(writer);
}

/* ---- checked ---- */

struct checking {
	crypto_generichash_state hash;
	const char *path;
	struct store *store;
	struct plan_document *out;
	char *line;
	size_t size;
	int64_t lines;
	json_t *summary; /* the last line but one, when it is one */
};

static int no_plan(const char *path, const char *why, struct error *err)
{
	return error_set(err, ERR_INVALID,
			 "'%s' is no whole plan: %s; make it "
			 "again with: conjoin plan --out",
			 path, why);
}

static json_t *parse(struct sv line)
{
	return json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, NULL);
}

static int take_head(struct checking *c, struct sv line, struct error *err)
{
	struct arena arena = ARENA_INIT;
	json_t *head = parse(line);
	json_int_t format =
		json_integer_value(json_object_get(head, "conjoin-plan"));
	bool own;

	if (head) {
		json_decref(c->out->head);
		c->out->head = head;
	}
	if (!format)
		return no_plan(c->path, "it does not begin like one", err);
	if (format != PLAN_FORMAT)
		return error_set(err, ERR_UNSUPPORTED,
				 "'%s' was made by another version of conjoin "
				 "(format %lld, this one has %d); make it anew",
				 c->path, (long long)format, PLAN_FORMAT);
	own = !strcmp(plan_text(head, "store"),
		      plan_store_id(c->store, &arena));
	arena_release(&arena);
	if (!own)
		return error_set(err, ERR_INVALID,
				 "'%s' is a plan of another store; nothing was "
				 "written",
				 c->path);
	c->out->first = ftell(c->out->lines);
	return 0;
}

static int take_summary(struct checking *c, struct error *err)
{
	static const struct {
		const char *name;
		size_t offset;
	} parts[] = {
		{ "agents", offsetof(struct plan_document, agents) },
		{ "causes", offsetof(struct plan_document, causes) },
		{ "warnings", offsetof(struct plan_document, warnings) },
		{ "conflicts", offsetof(struct plan_document, conflicts) },
	};
	struct plan_document *out = c->out;
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		json_t **to =
			(json_t **)(void *)((char *)out + parts[i].offset);
		json_t *part = json_object_get(c->summary, parts[i].name);

		if (!part || json_typeof(part) != json_typeof(*to))
			return no_plan(c->path, "its summary is missing", err);
		json_decref(*to);
		*to = json_incref(part);
	}
	out->several = json_integer_value(
		json_object_get(c->summary, "in_several_causes"));
	out->guarded = json_is_true(json_object_get(c->summary, "guarded"));
	out->count = json_integer_value(json_object_get(c->summary, "objects"));
	out->kept = out->count;
	if (out->count != c->lines - 1)
		return no_plan(c->path, "it has not all of its objects", err);
	return 0;
}

/* The last line: the hash is that of all lines before it. */
static int take_hash(struct checking *c, json_t *last, struct error *err)
{
	char found[65];
	bool same;

	hash_end(&c->hash, found);
	same = !strcmp(found, plan_text(last, "hash"));
	(void)json_object_set(c->out->head, "hash",
			      json_object_get(last, "hash"));
	json_decref(last);
	if (!same)
		return error_set(err, ERR_INVALID,
				 "'%s' is not as it was made: its hash is "
				 "another one; nothing was written",
				 c->path);
	if (getline(&c->line, &c->size, c->out->lines) > 0)
		return no_plan(c->path, "something was added", err);
	return take_summary(c, err);
}

static void keep_summary(struct checking *c, struct sv line)
{
	json_decref(c->summary);
	c->summary = sv_starts(line, SV_LIT("{\"agents\":")) ? parse(line)
							     : NULL;
}

/* Objects are not parsed here: the hash says that they are as they were. */
static int check_lines(struct checking *c, struct error *err)
{
	ssize_t len;

	while ((len = getline(&c->line, &c->size, c->out->lines)) > 0) {
		struct sv line = sv_make(c->line, (size_t)len - 1);

		if (c->line[len - 1] != '\n')
			return no_plan(c->path, "its end is missing", err);
		if (sv_starts(line, SV_LIT("{\"hash\":"))) {
			json_t *last = parse(line);

			return last ? take_hash(c, last, err)
				    : no_plan(c->path,
					      "a line of it cannot be read",
					      err);
		}
		hash_add(&c->hash, sv_make(c->line, (size_t)len));
		if (!c->lines && take_head(c, line, err) < 0)
			return -1;
		keep_summary(c, line);
		c->lines += !c->summary;
	}
	return no_plan(c->path,
		       c->lines ? "its end is missing"
				: "it does not begin like one",
		       err);
}

int plan_read(const char *path, struct store *store, struct plan_document *out,
	      struct error *err)
{
	struct checking c = { .path = path, .store = store, .out = out };
	int ret;

	out->lines = fopen(path, "re");
	if (!out->lines)
		return error_errno(err, errno, "cannot read '%s'", path);
	hash_begin(&c.hash, store);
	ret = check_lines(&c, err);
	json_decref(c.summary);
	free(c.line); /* the C library's */
	return ret;
}

/* ---- read ---- */

int plan_reader_begin(struct plan_reader *reader,
		      struct plan_document *document, struct error *err)
{
	memset(reader, 0, sizeof(*reader));
	reader->document = document;
	if (document->lines &&
	    fseek(document->lines, document->first, SEEK_SET) != 0)
		return error_errno(err, errno, "cannot read the plan");
	return 0;
}

int plan_reader_next(struct plan_reader *reader, struct sv *line_out,
		     struct error *err)
{
	ssize_t len;

	if (!reader->document->lines || reader->at == reader->document->kept)
		return 0;
	len = getline(&reader->line, &reader->size, reader->document->lines);
	if (len <= 0)
		return error_errno(err, errno, "cannot read the plan");
	reader->at++;
	*line_out = sv_make(reader->line, (size_t)len - 1);
	return 1;
}

int plan_reader_object(struct plan_reader *reader, json_t **out,
		       struct error *err)
{
	struct sv line = SV_NULL;
	int ret = plan_reader_next(reader, &line, err);

	if (ret <= 0)
		return ret;
	*out = parse(line);
	return *out ? 1
		    : error_set(err, ERR_CORRUPT,
				"object %lld of the plan cannot be read",
				(long long)reader->at);
}

void plan_reader_end(struct plan_reader *reader)
{
	free(reader->line); /* the C library's */
	reader->line = NULL;
}
