/*
 * plan_document.c - a plan is gone through: counted, written, compared
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/plan_document.h"

#include "cli/show.h"

#include <string.h>

#define set json_object_set_new

#define MOVES_MANY 10  /* a warning, from so many objects that move along */
#define WARN_MOST  100 /* of a kind; the others are counted */

void plan_document_init(struct plan_document *document)
{
	memset(document, 0, sizeof(*document));
	document->head = json_object();
	document->agents = json_object();
	document->causes = json_object();
	document->warnings = json_array();
	document->conflicts = json_array();
}

void plan_document_release(struct plan_document *document)
{
	json_decref(document->head);
	json_decref(document->agents);
	json_decref(document->causes);
	json_decref(document->warnings);
	json_decref(document->conflicts);
	if (document->lines)
		(void)fclose(document->lines);
	memset(document, 0, sizeof(*document));
}

/* ---- counted ---- */

struct collecting {
	const struct plan_collector *how;
	struct plan_document *out;
	struct plan_record record;
	struct arena arena;
	int64_t privileged;
	int64_t moving;
	struct error *err;
};

static void count_on(json_t *counts, const char *key)
{
	json_int_t count = json_integer_value(json_object_get(counts, key));

	(void)set(counts, key, json_integer(count + 1));
}

static json_t *counts_of(struct collecting *c, const char *agent)
{
	json_t *counts = json_object_get(c->out->agents, agent);

	if (!counts) {
		counts = json_object();
		(void)set(c->out->agents, agent, counts);
	}
	return counts;
}

/* An object that several have is in the group of each, once. */
static void count_causes(struct collecting *c, const struct cause_list *list)
{
	size_t groups = 0;
	size_t i;
	size_t k;

	for (i = 0; i < list->len; i++) {
		for (k = 0; k < i; k++)
			if (list->at[k].text == list->at[i].text)
				break;
		if (k < i)
			continue;
		count_on(c->out->causes, list->at[i].text);
		groups++;
	}
	c->out->several += groups > 1;
}

/* ---- warned of ---- */

__attribute__((format(printf, 2, 3))) static void warn(struct collecting *c,
						       const char *fmt, ...)
{
	char line[2048];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	(void)json_array_append_new(c->out->warnings, json_of_text(line));
}

static void warn_of(struct collecting *c, const struct plan_object *object)
{
	const struct display_cs *cs = object->object;
	const char *name;

	if (!object->privileged && object->moves < MOVES_MANY)
		return;
	name = output_safe(show_name(cs, &c->arena), &c->arena);
	if (object->privileged && c->privileged++ < WARN_MOST)
		warn(c, "%s: %s of '%s', which has power over others",
		     cs->agent, cs->pending.operation, name);
	if (object->moves >= MOVES_MANY && c->moving++ < WARN_MOST)
		warn(c, "%s: '%s' is renamed and moves %lld objects below it",
		     cs->agent, name, (long long)object->moves);
}

static void warn_of_more(struct collecting *c)
{
	if (c->privileged > WARN_MOST)
		warn(c, "%lld more objects that have power over others",
		     (long long)(c->privileged - WARN_MOST));
	if (c->moving > WARN_MOST)
		warn(c, "%lld more objects are renamed and move what is below",
		     (long long)(c->moving - WARN_MOST));
}

/* ---- gone through ---- */

static bool is_kept(const struct collecting *c)
{
	const struct plan_collector *how = c->how;

	return how->writer && (how->keep < 0 || c->out->kept < how->keep);
}

static int on_object(void *data, const struct plan_object *object)
{
	struct collecting *c = data;
	const struct plan_collector *how = c->how;
	const struct display_cs *cs = object->object;
	bool kept = is_kept(c);
	int ret = 0;

	c->out->count++;
	count_on(counts_of(c, cs->agent), cs->pending.operation);
	count_causes(c, &object->causes);
	warn_of(c, object);
	if (kept || how->comparison)
		plan_record_make(&c->record, object, how->session->config,
				 &c->arena);
	if (kept)
		ret = plan_writer_add(how->writer, strbuf_sv(&c->record.line),
				      c->err);
	if (ret == 0 && how->comparison)
		ret = plan_comparison_take(how->comparison, &c->record, object,
					   c->err);
	arena_reset(&c->arena);
	return ret;
}

static int on_agent(void *data, const struct plan_agent *agent)
{
	struct collecting *c = data;
	json_t **tokens = c->how->tokens;

	if (agent->guard[0]) {
		/* what it says to do is for an export, not for a plan */
		const char *end = strstr(agent->guard, "; nothing was written");
		int len = (int)(end ? (size_t)(end - agent->guard)
				    : strlen(agent->guard));

		warn(c, "%s: the guard would stop it: %.*s", agent->name, len,
		     agent->guard);
		c->out->guarded = true;
	}
	if (agent->quarantined)
		warn(c, "%s: %lld changes are in quarantine and not tried",
		     agent->name, (long long)agent->quarantined);
	if (tokens && json_object_get(c->out->agents, agent->name))
		(void)set(*tokens, agent->name, json_string(agent->token));
	return 0;
}

int plan_collect(const struct plan_collector *collector,
		 struct plan_document *out, struct error *err)
{
	struct collecting c = { .how = collector, .out = out, .err = err };
	const struct plan_list list = { &c, collector->tokens != NULL,
					on_object, on_agent };
	int ret;

	if (collector->tokens)
		*collector->tokens = json_object();
	ret = plan_each(collector->plan, collector->agent, collector->only,
			&list, err);
	warn_of_more(&c);
	strbuf_release(&c.record.line);
	arena_release(&c.arena);
	if (ret == 0 && collector->comparison)
		ret = plan_comparison_end(collector->comparison, err);
	return ret;
}

/* ---- a part of it ---- */

int plan_cursor_begin(struct plan_cursor *cursor,
		      struct plan_document *document,
		      const struct plan_view *view, struct error *err)
{
	memset(cursor, 0, sizeof(*cursor));
	cursor->view = view;
	return plan_reader_begin(&cursor->reader, document, err);
}

static bool has_cause(const json_t *object, const char *text)
{
	json_t *cause;
	size_t i;

	json_array_foreach(json_object_get(object, "causes"), i,
			   cause) if (!strcmp(plan_text(cause, "cause"),
					      text)) return true;
	return false;
}

/* Nothing is chosen among the rest, so they need not be looked at. */
static int count_left(struct plan_cursor *cursor)
{
	cursor->left = cursor->reader.document->count - cursor->reader.at;
	return 0;
}

int plan_cursor_next(struct plan_cursor *cursor, json_t **out,
		     struct error *err)
{
	const struct plan_view *view = cursor->view;
	bool chosen = view->cause || view->only;
	json_t *object;
	int ret;

	for (;;) {
		bool full = view->limit && cursor->shown == view->limit;

		if (full && !chosen)
			return count_left(cursor);
		ret = plan_reader_object(&cursor->reader, &object, err);
		if (ret <= 0)
			return ret;
		if ((!view->only || view->only[cursor->reader.at - 1]) &&
		    (!view->cause || has_cause(object, view->cause)) &&
		    cursor->passed++ >= view->offset) {
			if (!full)
				break;
			cursor->left++;
		}
		json_decref(object);
	}
	cursor->shown++;
	*out = object;
	return 1;
}

void plan_cursor_end(struct plan_cursor *cursor)
{
	plan_reader_end(&cursor->reader);
}
