/*
 * deliver.c - passwords of new objects are handed over, once
 *
 *	in the pending export --the add succeeded--> delivery --told-->
 *forgotten
 *
 * The first arrow is one transaction, with the outcome. The second is not:
 * what was told and not yet forgotten when the program was killed is told
 * again, with the same id. What lies in the store is sealed at any time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "export/export_private.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct config_deliver *
find_deliver(struct store *store, const struct config_agent *agent,
	     uint32_t rule_set)
{
	const char *name = store_name(store, NAME_RULE_SET, rule_set);
	const char *dot = name ? strrchr(name, '.') : NULL;
	size_t i;

	for (i = 0; dot && i < agent->rule_set_count; i++)
		if (!strcmp(agent->rule_sets[i].name, dot + 1))
			return agent->rule_sets[i].provision.deliver;
	return NULL;
}

static bool is_sealed(const struct values *values)
{
	return values->len && seal_is(values->at[0].text);
}

bool deliver_secret(const struct values *values)
{
	return is_sealed(values);
}

/* ---- what is told ---- */

static void set(json_t *json, const char *key, struct sv text)
{
	(void)json_object_set_new(json, key, json_stringn(text.ptr, text.len));
}

/* One value as a text, several as a list; a password is opened. */
static int values_json(struct export_step *step, const struct values *values,
		       json_t **out, struct error *err)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < values->len; i++) {
		struct sv text = value_text(&values->at[i], &step->arena);

		if (seal_is(text)) {
			if (seal_open(step->options->seal, text, &step->arena,
				      &text, err) < 0) {
				json_decref(list);
				return -1;
			}
			vec_push(&step->opened, text);
		}
		(void)json_array_append_new(list,
					    json_stringn(text.ptr, text.len));
	}
	*out = list;
	if (values->len == 1) {
		*out = json_incref(json_array_get(list, 0));
		json_decref(list);
	}
	return 0;
}

/* Passwords under "values", what else the object was made with beside. */
static int attrs_json(struct export_step *step, const struct entry *entry,
		      json_t *json, struct error *err)
{
	json_t *secret = json_object();
	json_t *others = json_object();
	size_t i;

	(void)json_object_set_new(json, "values", secret);
	(void)json_object_set_new(json, "attributes", others);
	for (i = 0; i < entry->pending.attrs.len; i++) {
		const struct image_attr *attr = &entry->pending.attrs.attrs[i];
		json_t *value;

		if (!attr->values.len ||
		    attr->values.at[0].type == VALUE_REFERENCE ||
		    attr->values.at[0].type == VALUE_BINARY)
			continue;
		if (values_json(step, &attr->values, &value, err) < 0)
			return -1;
		(void)json_object_set_new(
			is_sealed(&attr->values) ? secret : others,
			store_attr_name(step->store, attr->attr), value);
	}
	return 0;
}

static int describe(struct export_step *step, const struct entry *entry,
		    json_t *json, struct error *err)
{
	unsigned char uuid[16];
	char text[40];
	struct sv dn;

	uuid_random(uuid);
	uuid_format(uuid, text);
	set(json, "id", sv_from(text));
	clock_format_iso(clock_now(), text);
	set(json, "time", sv_from(text));
	set(json, "agent", sv_from(step->agent->name));
	if (tree_dn(&step->tree, entry->row.parent, entry->row.rdn,
		    TREE_EXPECTED, &step->arena, &dn, err) < 0)
		return -1;
	set(json, "dn", dn);
	set(json, "anchor", entry->row.anchor);
	return attrs_json(step, entry, json, err);
}

bool deliver_any(const struct image *attrs)
{
	size_t i;

	for (i = 0; i < attrs->len; i++)
		if (is_sealed(&attrs->attrs[i].values))
			return true;
	return false;
}

int deliver_keep(struct export_step *step, const struct entry *entry,
		 struct error *err)
{
	struct delivery_row row = { .agent = step->number };
	struct link_row link;
	json_t *json;
	char *text = NULL;
	int ret;

	if (!deliver_any(&entry->pending.attrs))
		return 0;
	if (store_link_get(step->store, entry->row.id, &link, err) < 0)
		return -1;
	row.rule_set = link.rule_set;
	if (!find_deliver(step->store, step->agent, row.rule_set))
		return 0;
	json = json_object();
	ret = describe(step, entry, json, err);
	if (ret == 0) {
		text = json_dumps(json, JSON_COMPACT);
		ret = seal_close(step->options->seal, sv_from(text),
				 &step->arena, &row.what, err);
		seal_wipe(sv_from(text));
		free(text); /* jansson's */
	}
	json_decref(json);
	export_wipe(step);
	if (ret < 0)
		return -1;
	return store_delivery_put(step->tx, &row, err);
}

/* ---- telling ---- */

#define BATCH 100 /* lines of a file that are made durable together */

struct telling {
	struct store *store;
	const struct config *config;
	const struct config_agent *agent;
	struct seal *seal;
	struct arena arena;
	const struct config_deliver *open; /* whose file is open */
	int fd;
	VEC(int64_t) told; /* and not forgotten yet */
};

static const char *path_of(struct telling *t, const char *file)
{
	return file[0] == '/' ? file
			      : arena_printf(&t->arena, "%s/%s",
					     t->config->folder, file);
}

static int forget(struct telling *t, struct error *err)
{
	struct store_tx *tx;
	const int64_t *id;

	if (!t->told.len)
		return 0;
	if (store_begin(t->store, STORE_DURABLE, &tx, err) < 0)
		return -1;
	vec_foreach(&t->told, id)
		if (store_delivery_delete(tx, *id, err) < 0) {
			store_rollback(tx);
			return -1;
		}
	vec_clear(&t->told);
	return store_commit(tx, err);
}

/* What was written is on the disk, then it is forgotten. 1: the file failed,
 * *why tells; its lines are told again. */
static int settle(struct telling *t, struct error *why, struct error *err)
{
	int failed = 0;

	if (t->open) {
		const char *path = path_of(t, t->open->file);

		if (fsync(t->fd) < 0) {
			(void)error_errno(why, errno, "cannot write '%s'",
					  path);
			vec_clear(&t->told);
			failed = 1;
		}
		(void)close(t->fd);
		t->open = NULL;
	}
	return forget(t, err) < 0 ? -1 : failed;
}

static int open_file(struct telling *t, const struct config_deliver *to,
		     struct error *why)
{
	const char *path = path_of(t, to->file);

	if (file_make_parent(path, why) < 0)
		return -1;
	t->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY,
		     0600);
	if (t->fd < 0)
		return error_errno(why, errno, "cannot write '%s'", path);
	t->open = to;
	return 0;
}

static int write_line(struct telling *t, const struct config_deliver *to,
		      struct sv plain, struct error *why)
{
	struct strbuf line = STRBUF_INIT(STRBUF_NO_LIMIT);
	ssize_t n;
	int ret = 0;

	box_seal(to->to, plain, &line);
	strbuf_addc(&line, '\n');
	n = write(t->fd, line.ptr, line.len);
	if (n < 0 || (size_t)n != line.len)
		ret = error_errno(why, n < 0 ? errno : ENOSPC,
				  "cannot write '%s'", path_of(t, to->file));
	strbuf_release(&line);
	return ret;
}

/* 0: told; 1: not, *why tells; -1: the store failed */
static int tell(struct telling *t, const struct delivery_row *row,
		const struct config_deliver *to, struct error *why,
		struct error *err)
{
	struct sv plain;
	int ret;

	if (seal_open(t->seal, row->what, &t->arena, &plain, why) < 0)
		return 1;
	if (to->command)
		ret = process_feed(to->command, t->config->folder, plain,
				   (int)to->timeout, why);
	else if (t->open != to)
		ret = open_file(t, to, why);
	else
		ret = 0;
	if (ret == 0 && !to->command)
		ret = write_line(t, to, plain, why);
	seal_wipe(plain);
	if (ret < 0)
		return 1;
	vec_push(&t->told, row->id);
	if (!to->command && t->told.len < BATCH)
		return 0;
	return settle(t, why, err);
}

static int tell_next(struct telling *t, const struct delivery_row *row,
		     struct error *why, struct error *err)
{
	const struct config_deliver *to =
		find_deliver(t->store, t->agent, row->rule_set);

	if (!to) {
		/* nobody is to be told any more */
		vec_push(&t->told, row->id);
		return 0;
	}
	if (t->open && t->open != to) {
		int ret = settle(t, why, err);

		if (ret)
			return ret;
	}
	return tell(t, row, to, why, err);
}

static void complain(const struct config_agent *agent,
		     const struct error *first, struct export_result *out)
{
	if (!strcmp(out->result, "success"))
		out->result = "completed-warnings";
	if (!out->message[0])
		(void)snprintf(out->message, sizeof(out->message),
			       "%lld initial password%s could not be handed "
			       "over: %s; the next export of %s tries again",
			       (long long)out->undelivered,
			       out->undelivered == 1 ? "" : "s", first->msg,
			       agent->name);
}

int export_deliver(struct store *store, const struct config *config,
		   const struct config_agent *agent, struct seal *seal,
		   struct export_result *out, struct error *err)
{
	uint32_t number =
		store_name_find(store, NAME_AGENT, sv_from(agent->name));
	struct telling t = {
		.store = store, .config = config, .agent = agent, .seal = seal
	};
	struct error first = ERROR_INIT;
	struct delivery_row row = { .id = 0 };
	int ret = 0;

	while (ret == 0 && number &&
	       (ret = store_delivery_next(store, number, row.id, &t.arena, &row,
					  err)) > 0) {
		struct error why = ERROR_INIT;

		ret = tell_next(&t, &row, &why, err);
		if (ret > 0) {
			if (!out->undelivered++)
				first = why;
			ret = 0;
		}
		if (!t.open)
			arena_reset(&t.arena);
	}
	if (ret == 0) {
		struct error why = ERROR_INIT;

		ret = settle(&t, &why, err);
		if (ret > 0 && !out->undelivered++)
			first = why;
	}
	arena_release(&t.arena);
	vec_release(&t.told);
	if (out->undelivered)
		complain(agent, &first, out);
	return ret < 0 ? -1 : 0;
}
