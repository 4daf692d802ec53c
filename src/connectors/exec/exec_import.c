/*
 * exec_import.c - imports from a program
 *
 * An import has been read when the program says `end` with the right count, and
 * never else. A line is parsed once, when it comes; of a whole object the
 * attributes stay in the parsed form until somebody asks for them, and equal
 * lines are equal objects.
 *
 * When the program ends in the middle it is started once more and asked the
 * same. A delta is told again, which does no harm. Of a full import those
 * objects that were given are not given again: they are known by a hash of type
 * and anchor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/exec/exec_private.h"

#include "base/vec.h"

#include <inttypes.h>
#include <stdio.h>

struct exec_import {
	struct arena arena;
	bool delta;
	size_t most; /* of a sample; 0: all */
	struct sv since;
	struct sv watermark;
	bool early; /* the watermark came before the data */
	bool ended;
	bool again;     /* it was begun anew */
	uint64_t count; /* messages about objects, of this program */
	int64_t credit; /* how many more it may send */
	int permille;   /* -1: not known */
	struct hash_key key;
	VEC(struct hash128) given;
	struct hashmap known; /* of those that were given, when again */
};

void exec_import_free(struct connector_session *s)
{
	struct exec_import *im = s->import;

	if (!im)
		return;
	hashmap_release(&im->known);
	vec_release(&im->given);
	arena_release(&im->arena);
	mem_free(im);
	s->import = NULL;
}

bool exec_import_is_idle(const struct connector_session *s)
{
	return !s->import || s->import->ended;
}

static int take_watermark(struct connector_session *s,
			  const struct message *message, struct error *err)
{
	const struct message *at = message_get(message, "watermark");

	if (!at || at->kind == MESSAGE_NULL)
		return 0;
	if (at->kind != MESSAGE_TEXT)
		return exec_wrong(s, err, "a watermark is a text");
	if (at->text.len > EXEC_WATERMARK_MAX)
		return exec_wrong(s, err, "a watermark has 64 KiB at most");
	s->import->watermark = arena_dup(&s->import->arena, at->text);
	return at->text.len > 0;
}

static int ask(struct connector_session *s, struct error *err)
{
	struct exec_import *im = s->import;
	struct strbuf line = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct arena scratch = ARENA_INIT;
	struct message *answer;
	int ret;

	strbuf_addf(&line, "{\"msg\":\"import\",\"kind\":\"%s\",\"watermark\":",
		    im->delta ? "delta" : "full");
	message_put_text(&line, im->since);
	if (im->most)
		strbuf_addf(&line, ",\"most\":%zu", im->most);
	strbuf_addc(&line, '}');
	im->count = 0;
	im->credit = 0;
	im->watermark = SV_NULL;
	im->permille = -1;
	ret = exec_ask(s, strbuf_sv(&line), "ok", &scratch, &answer, err);
	if (ret == 0) {
		ret = take_watermark(s, answer, err);
		im->early = ret > 0;
	}
	arena_release(&scratch);
	strbuf_release(&line);
	return ret < 0 ? -1 : 0;
}

static void remember_given(struct exec_import *im)
{
	const struct hash128 *each;

	if (!im->again)
		hashmap_init(&im->known);
	im->again = true;
	vec_foreach(&im->given, each)
		*hashmap_at(&im->known,
			    sv_make((const char *)each, sizeof(*each))) = 1;
	vec_clear(&im->given);
}

/* After -1: it goes on from the beginning; or -1. */
static int begin_anew(struct connector_session *s, struct error *err)
{
	for (;;) {
		if (exec_again(s, err) == 0) {
			if (!s->import->delta)
				remember_given(s->import);
			if (ask(s, err) == 0)
				return 0;
		}
		if (!s->crashed || s->restarts < 1)
			return -1;
	}
}

static int begin(struct connector_session *s, struct error *err)
{
	return ask(s, err) < 0 ? begin_anew(s, err) : 0;
}

static void make_import(struct connector_session *s)
{
	struct exec_import *im = mem_zalloc(sizeof(*im));

	exec_import_free(s);
	hash_key_random(&im->key);
	s->import = im;
}

int exec_import_begin(struct connector_session *s, enum import_kind kind,
		      struct sv watermark, struct error *err)
{
	make_import(s);
	s->import->delta = kind == IMPORT_DELTA;
	if (s->import->delta && !watermark.len)
		return error_set(
			err, ERR_CONFLICT,
			"there is no watermark yet: run a full import");
	s->import->since = arena_dup(&s->import->arena, watermark);
	return begin(s, err);
}

int exec_import_some(struct connector_session *s, size_t most,
		     struct error *err)
{
	make_import(s);
	s->import->most = most;
	return begin(s, err);
}

/* --- messages ---------------------------------------------------------- */

static void allow_more(struct connector_session *s)
{
	char line[64];
	int len;

	if (!s->hello.credits || s->import->credit > EXEC_CREDIT / 2)
		return;
	len = snprintf(line, sizeof(line), "{\"msg\":\"more\",\"count\":%d}",
		       EXEC_CREDIT);
	exec_send(s, sv_make(line, (size_t)len));
	s->import->credit += EXEC_CREDIT;
}

static int take_end(struct connector_session *s, const struct message *message,
		    struct error *err)
{
	struct exec_import *im = s->import;
	struct sv early = im->watermark;
	int64_t count = -1;
	int mark;

	if (!message_number(message, "count", &count) || count < 0)
		return exec_wrong(s, err, "'end' needs the number 'count'");
	if ((uint64_t)count != im->count)
		return exec_wrong(s, err,
				  "'end' counts %" PRId64 " objects where it "
				  "gave %" PRIu64,
				  count, im->count);
	mark = take_watermark(s, message, err);
	if (mark < 0)
		return -1;
	/* what was given before the crash may be older than that */
	if (im->early)
		im->watermark = early;
	else if (im->again)
		im->watermark = SV_NULL;
	im->ended = true;
	im->permille = 1000;
	return 0;
}

static void take_progress(struct exec_import *im, const struct message *message)
{
	int64_t permille;

	if (message_number(message, "permille", &permille) && permille >= 0 &&
	    permille <= 1000)
		im->permille = (int)permille;
}

static bool may_come(const struct exec_import *im, const struct message *at)
{
	static const char *const changes[] = { "add", "update", "rename",
					       "delete", "present" };
	size_t i;

	if (exec_is(at, "object") || exec_is(at, "bad"))
		return true;
	for (i = 0; im->delta && i < 5; i++)
		if (exec_is(at, changes[i]))
			return true;
	return false;
}

static int count_it(struct connector_session *s, const struct message *message,
		    struct error *err)
{
	struct exec_import *im = s->import;
	struct sv name = message_text(message, "msg");

	if (!may_come(im, message))
		return exec_wrong(s, err,
				  "'" SV_FMT "' is no message of a %s import",
				  SV_ARG(name), im->delta ? "delta" : "full");
	im->count++;
	im->credit--;
	return 0;
}

int exec_import_message(struct connector_session *s, struct arena *arena,
			struct message **out, struct sv *line_out,
			struct error *err)
{
	struct exec_import *im = s->import;

	while (!im->ended) {
		allow_more(s);
		if (exec_expect(s, "go on with the import", arena, out, err) <
		    0) {
			if (begin_anew(s, err) < 0)
				return -1;
			continue;
		}
		if (exec_is(*out, "progress")) {
			take_progress(im, *out);
		} else if (exec_is(*out, "end")) {
			if (take_end(s, *out, err) < 0)
				return -1;
		} else {
			*line_out = message_line(s->parser);
			return count_it(s, *out, err) < 0 ? -1 : 1;
		}
	}
	return 0;
}

/* --- changes ----------------------------------------------------------- */

static struct sv place(const struct connector_session *s, uint64_t line,
		       struct arena *arena)
{
	const char *slash = strrchr(s->plan.argv[0], '/');

	return sv_from(arena_printf(arena, "output of %s:%" PRIu64,
				    slash ? slash + 1 : s->plan.argv[0], line));
}

/* The object is an error. */
static void bad(const struct connector_session *s, uint64_t line,
		struct arena *arena, struct change *out, const char *error,
		const char *message)
{
	out->where = place(s, line, arena);
	out->op = CHANGE_ERROR;
	out->error = error;
	out->message = sv_from(message);
	out->attrs = NULL;
	out->attr_count = 0;
}

/* Where the type stands; false: it is none of the agent's. */
static bool find_type(const struct connector_session *s,
		      const struct message *message, size_t *out)
{
	const struct connector_config *config = s->config;
	struct sv name = message_text(message, "type");

	*out = 0;
	if (!name.len && config->type_count == 1)
		return true;
	for (; *out < config->type_count; (*out)++)
		if (sv_ieq_str(name, config->types[*out].name))
			return true;
	*out = 0;
	return false;
}

static enum change_op op_of(const struct message *message)
{
	static const struct {
		const char *name;
		enum change_op op;
	} ops[] = {
		{ "object", CHANGE_OBJECT }, { "add", CHANGE_ADD },
		{ "update", CHANGE_UPDATE }, { "rename", CHANGE_RENAME },
		{ "delete", CHANGE_DELETE }, { "present", CHANGE_PRESENT },
		{ "bad", CHANGE_ERROR },
	};
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(*ops) - 1; i++)
		if (exec_is(message, ops[i].name))
			break;
	return ops[i].op;
}

/* An error as the reference lists them; else read-error. */
static const char *error_name(struct sv word)
{
	static const char *const names[] = {
		"parse-error",
		"read-error",
		"missing-anchor-component",
		"multi-valued-anchor-component",
		"missing-dn",
		"missing-object-type",
		"missing-change-type",
		"invalid-change-type",
		"need-full-object",
		"invalid-numeric-value",
		"invalid-boolean-value",
		"invalid-attribute-value",
		"invalid-base64-value",
		"unsupported-value-type",
		"multi-single-mismatch",
		"invalid-reference-value",
		"invalid-dn",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (sv_eq_str(word, names[i]))
			return names[i];
	return "read-error";
}

static void take_bad(const struct connector_session *s,
		     const struct message *message, struct arena *arena,
		     struct change *out)
{
	struct sv text = message_text(message, "message");

	bad(s, s->line, arena, out, error_name(message_text(message, "error")),
	    "");
	out->message = text.len ? text
				: SV_LIT("the program cannot read the object");
}

/* The text of a member that names an object; numbers are texts. */
static struct sv name_of(const struct message *message, const char *key)
{
	const struct message *at = message_get(message, key);

	return at && (at->kind == MESSAGE_TEXT || at->kind == MESSAGE_NUMBER)
		       ? at->text
		       : SV_NULL;
}

/* What every change needs to be told of an object: false, it is an error. */
static bool has_names(const struct connector_session *s, struct arena *arena,
		      struct change *out)
{
	bool dn = s->caps & CONNECTOR_CAP_DN;

	if (memchr(out->anchor.ptr ? out->anchor.ptr : "", '\0',
		   out->anchor.len)) {
		out->anchor = SV_NULL;
		bad(s, s->line, arena, out, "invalid-attribute-value",
		    "the anchor holds \\u0000");
	} else if (!dn && !out->anchor.len) {
		bad(s, s->line, arena, out, "missing-anchor-component",
		    "there is no 'anchor'");
	} else if (dn && !out->dn.len &&
		   !(out->anchor.len &&
		     (out->op == CHANGE_DELETE || out->op == CHANGE_PRESENT))) {
		bad(s, s->line, arena, out, "missing-dn", "there is no 'dn'");
	} else if (out->op == CHANGE_RENAME && !out->new_dn.len) {
		bad(s, s->line, arena, out, "missing-dn",
		    "there is no 'new_dn'");
	} else {
		return true;
	}
	return false;
}

static void read_attrs(const struct connector_session *s,
		       const struct message *message, uint64_t line,
		       struct arena *arena, struct change *out)
{
	bool change = out->op == CHANGE_UPDATE || out->op == CHANGE_RENAME;
	const char *problem;
	const char *error;

	if (exec_read_attrs(s, out->type, message_get(message, "attrs"), change,
			    arena, &out->attrs, &out->attr_count, &error,
			    &problem) < 0)
		bad(s, line, arena, out, error, problem);
}

/* An object whose attributes were not asked for yet. */
struct deferred {
	const struct message *message;
	uint64_t line;
};

/* A whole object whose line is its bytes; attributes when they are wanted. */
static void defer(const struct connector_session *s,
		  const struct message *message, struct sv line,
		  struct arena *arena, struct change *out)
{
	struct deferred *deferred = arena_alloc(arena, sizeof(*deferred));

	deferred->message = message;
	deferred->line = s->line;
	out->raw = line;
	out->raw_context = SV_LIT("exec 1");
	out->record = deferred;
	out->deferred = true;
}

void exec_import_expand(const struct connector_session *s, struct arena *arena,
			struct change *change)
{
	const struct deferred *deferred = change->record;

	read_attrs(s, deferred->message, deferred->line, arena, change);
}

static void make_change(const struct connector_session *s,
			const struct message *message, struct sv line,
			struct arena *arena, struct change *out)
{
	bool dn = s->caps & CONNECTOR_CAP_DN;
	bool known;

	memset(out, 0, sizeof(*out));
	out->op = op_of(message);
	out->anchor = name_of(message, "anchor");
	out->dn = dn ? name_of(message, "dn") : SV_NULL;
	out->new_dn = dn ? name_of(message, "new_dn") : SV_NULL;
	known = find_type(s, message, &out->type);
	out->container = message_true(message, "container") &&
			 (s->caps & CONNECTOR_CAP_TREE);
	if (out->op == CHANGE_ERROR) {
		take_bad(s, message, arena, out);
	} else if (!known && !out->container && out->op != CHANGE_DELETE) {
		out->op = CHANGE_FILTERED;
		out->where = place(s, s->line, arena);
	} else if (has_names(s, arena, out)) {
		if (out->op == CHANGE_OBJECT && !s->import->delta &&
		    !out->container)
			defer(s, message, line, arena, out);
		else if (known && out->op != CHANGE_DELETE &&
			 out->op != CHANGE_PRESENT)
			read_attrs(s, message, s->line, arena, out);
	}
}

/* It was given before the program was started again; from now on it has been.
 */
static bool was_given(struct connector_session *s, const struct change *change)
{
	struct exec_import *im = s->import;
	struct sv name = change->anchor.len ? change->anchor : change->dn;
	struct hash128 hash;

	if (im->delta || !name.len || (!im->again && s->restarts < 1))
		return false;
	hash = hash128(&im->key, name);
	hash.low ^= (uint64_t)change->type * UINT64_C(0x9E3779B97F4A7C15);
	if (im->again && hashmap_find(&im->known, sv_make((const char *)&hash,
							  sizeof(hash))))
		return true;
	if (s->restarts > 0)
		vec_push(&im->given, hash);
	return false;
}

int exec_import_next(struct connector_session *s, struct arena *arena,
		     struct change *out, struct error *err)
{
	struct message *message;
	struct sv line;
	int ret;

	do {
		ret = exec_import_message(s, arena, &message, &line, err);
		if (ret > 0)
			make_change(s, message, line, arena, out);
	} while (ret > 0 && was_given(s, out));
	return ret;
}

int exec_import_end(struct connector_session *s, struct arena *arena,
		    struct sv *watermark_out, struct error *err)
{
	(void)err;
	*watermark_out = arena_dup(arena, s->import->watermark);
	return 0;
}

int exec_import_progress(const struct connector_session *s)
{
	return s->import ? s->import->permille : -1;
}
