/*
 * harness.h - exports through a connector that writes down what it is told
 *
 * Every operation is a line:
 *
 *	add cn=a,o=x name=Ann
 *	update cn=a,o=x title=New phones-1 phones+2;3
 *	rename cn=a,o=x -> cn=b,o=x title=New
 *	retry delete cn=a,o=x
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_EXPORT_HARNESS_H
#define TESTS_UNIT_EXPORT_HARNESS_H

#include "export/export.h"
#include "store/mv.h"
#include "store/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	A_DN = ATTR_DN,
	A_NAME,
	A_TITLE,
	A_PHONES,
	A_MANAGER,
	A_MEMBER,
	A_COUNT = A_MEMBER,
};

static const char *const attr_names[] = { NULL,     "dn",      "name",  "title",
					  "phones", "manager", "member" };
static const struct attr_def person_attrs[] = {
	{ .name = "name", .type = VALUE_STRING },
	{ .name = "title", .type = VALUE_STRING },
	{ .name = "phones", .type = VALUE_STRING, .multi = true },
	{ .name = "manager", .type = VALUE_REFERENCE },
	{ .name = "member", .type = VALUE_REFERENCE, .multi = true },
};
static attr_id person_ids[] = { A_NAME, A_TITLE, A_PHONES, A_MANAGER,
				A_MEMBER };
static struct object_type types[] = { { "person", person_attrs, 5 },
				      { "group", person_attrs, 5 } };
static attr_id *type_ids[] = { person_ids, person_ids };

/* ---- the connector ---- */

#define ANSWERS 20000

struct connector_session {
	struct strbuf log;
	uint64_t answers[ANSWERS];
	bool refused[ANSWERS];
	bool adds[ANSWERS];
	bool without[ANSWERS];
	size_t put;
	size_t taken;
	size_t widest; /* most that were outstanding at a time */
	bool at_end;   /* export_end was called */
	/* what is to happen */
	const char *refuse; /* operations whose line has this */
	const char *later;  /* done without their references */
	size_t fail_put;    /* the n-th fails */
	size_t fail_result;
	size_t mute; /* answers that never come */
	bool fail_end;
	bool backwards; /* the last answer first */
	bool anchors;   /* an add gets the anchor "aN" */
	/* A system that does what it is told: false is refused. Of those that
	 * write at once all of it is done at the end. */
	bool (*perform)(const struct export_op *op);
	bool cut_behind; /* what fails was done before the line was cut */
	VEC(struct export_op) held;
	struct arena arena;
};

static struct connector_session fake;

static inline int fake_open(const struct connector_ops *ops,
			    const struct connector_config *config,
			    struct connector_session **out, struct error *err)
{
	(void)ops;
	(void)config;
	(void)err;
	*out = &fake;
	return 0;
}

static inline void fake_close(struct connector_session *s)
{
	(void)s;
}

static inline void log_attrs(struct strbuf *line, const struct export_op *op)
{
	size_t i;
	size_t k;

	for (i = 0; i < op->attr_count; i++) {
		const struct attr_change *attr = &op->attrs[i];

		strbuf_addf(line, " %s%c", person_attrs[attr->attr].name,
			    attr->op == ATTR_ADD      ? '+'
			    : attr->op == ATTR_DELETE ? '-'
						      : '=');
		for (k = 0; k < attr->values.len; k++)
			strbuf_addf(line, "%s" SV_FMT, k ? ";" : "",
				    SV_ARG(attr->values.at[k].text));
	}
}

static inline bool at_once_is_on(void);

/* Names only. */
static inline void hold(struct connector_session *s, const struct export_op *op)
{
	struct export_op copy = *op;

	copy.dn = arena_dup(&s->arena, op->dn);
	copy.new_dn = arena_dup(&s->arena, op->new_dn);
	vec_push(&s->held, copy);
}

static inline int fake_begin(struct connector_session *s, struct error *err)
{
	(void)err;
	s->at_end = false;
	vec_clear(&s->held);
	return 0;
}

static inline int fake_put(struct connector_session *s,
			   const struct export_op *op, struct error *err)
{
	static const char *const kinds[] = { "add", "update", "rename",
					     "delete", "delete-add" };
	struct strbuf line = STRBUF_INIT(100000);
	bool cut = s->fail_put && s->put + 1 == s->fail_put;
	bool refused = false;

	if (cut && !s->cut_behind)
		return error_set(err, ERR_UNAVAILABLE, "the line is cut");
	if (s->perform && at_once_is_on())
		hold(s, op);
	else if (s->perform)
		refused = !s->perform(op);
	if (cut)
		return error_set(err, ERR_UNAVAILABLE, "the line is cut");
	strbuf_addf(&line, "%s%s " SV_FMT, op->retry ? "retry " : "",
		    kinds[op->kind], SV_ARG(op->dn.len ? op->dn : op->anchor));
	if (op->new_dn.len)
		strbuf_addf(&line, " -> " SV_FMT, SV_ARG(op->new_dn));
	log_attrs(&line, op);
	assert_true(s->put < ANSWERS);
	s->answers[s->put] = op->id;
	s->adds[s->put] = op->kind == EXPORT_ADD;
	s->without[s->put] = s->later && strstr(strbuf_cstr(&line), s->later);
	s->refused[s->put++] =
		refused || (s->refuse && strstr(strbuf_cstr(&line), s->refuse));
	if (s->put - s->taken > s->widest)
		s->widest = s->put - s->taken;
	strbuf_addf(&s->log, "%s\n", strbuf_cstr(&line));
	strbuf_release(&line);
	return 0;
}

static inline int fake_result(struct connector_session *s, bool wait,
			      struct arena *arena, struct export_outcome *out,
			      struct error *err)
{
	size_t at = s->backwards ? s->put - 1 : s->taken;

	(void)wait;
	if (s->fail_result && s->taken + 1 >= s->fail_result)
		return error_set(err, ERR_UNAVAILABLE, "the line is cut");
	if (s->taken + s->mute >= s->put)
		return 0;
	out->id = s->answers[at];
	out->ok = !s->refused[at];
	out->references_later = s->without[at];
	if (!out->ok) {
		out->error = "permission-issue";
		out->message = SV_LIT("insufficient access");
	} else if (s->anchors && s->adds[at]) {
		out->anchor = sv_from(arena_printf(arena, "a%zu", at));
	}
	s->taken++;
	if (s->backwards) {
		/* fold the list, so that the next one is the one before */
		memmove(&s->answers[s->taken], &s->answers[s->taken - 1],
			(s->put - s->taken) * sizeof(*s->answers));
		memmove(&s->refused[s->taken], &s->refused[s->taken - 1],
			(s->put - s->taken) * sizeof(*s->refused));
	}
	return 1;
}

static inline int fake_end(struct connector_session *s, struct error *err)
{
	size_t i;

	s->at_end = true;
	if (s->fail_end && !s->cut_behind)
		return error_set(err, ERR_UNAVAILABLE, "the disk is full");
	for (i = 0; i < s->held.len; i++)
		if (!s->perform(&s->held.at[i]))
			s->refused[s->put - s->held.len + i] = true;
	if (s->fail_end)
		return error_set(err, ERR_UNAVAILABLE, "the disk is full");
	return 0;
}

static struct connector_ops fake_ops = {
	.abi = CONNECTOR_ABI,
	.name = "fake",
	.open = fake_open,
	.close = fake_close,
	.export_begin = fake_begin,
	.export_put = fake_put,
	.export_result = fake_result,
	.export_end = fake_end,
};

static inline bool at_once_is_on(void)
{
	return (fake_ops.caps & CONNECTOR_CAP_AT_ONCE) != 0;
}

/* ---- a store and its agent ---- */

struct fixture {
	char folder[64];
	struct store *store;
	struct config config;
	struct config_agent agent;
	struct config_guards guards;
	struct export_options options;
	struct counters counters;
	struct export_result result;
	struct tree tree;
	struct arena arena;
	struct error err;
};

#define OK(f, call)                                                            \
	do {                                                                   \
		if ((call) < 0)                                                \
			fail_msg("%s", (f)->err.msg);                          \
	} while (0)

static inline struct store_tx *begin(struct fixture *f)
{
	struct store_tx *tx = NULL;

	OK(f, store_begin(f->store, STORE_BULK, &tx, &f->err));
	return tx;
}

static inline void commit(struct fixture *f, struct store_tx *tx)
{
	OK(f, store_commit(tx, &f->err));
}

static inline int make_fixture(void **state, uint32_t caps)
{
	struct fixture *f = mem_zalloc(sizeof(*f));
	struct store_tx *tx;
	char url[128];

	(void)snprintf(f->folder, sizeof(f->folder),
		       "/tmp/conjoin-export-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	(void)snprintf(url, sizeof(url), "sqlite:%s/store.db", f->folder);
	OK(f, store_open(url, STORE_CREATE, &f->store, &f->err));
	OK(f, store_bind_attributes(f->store, attr_names, A_COUNT, &f->err));
	fake_ops.caps = caps | CONNECTOR_CAP_EXPORT;
	f->agent.name = "dir";
	f->agent.ops = &fake_ops;
	f->agent.caps = fake_ops.caps;
	f->agent.types = types;
	f->agent.type_attr_ids = type_ids;
	f->agent.type_count = 2;
	f->config.agents = &f->agent;
	f->config.agent_count = 1;
	f->options.guards = &f->guards;
	tx = begin(f);
	(void)store_name_add(tx, NAME_AGENT, SV_LIT("dir"), &f->err);
	(void)store_name_add(tx, NAME_TYPE, SV_LIT("person"), &f->err);
	(void)store_name_add(tx, NAME_TYPE, SV_LIT("group"), &f->err);
	commit(f, tx);
	tree_init(&f->tree, f->store, 1);
	memset(&fake, 0, sizeof(fake));
	fake.log.max = STRBUF_NO_LIMIT;
	*state = f;
	return 0;
}

#define TREE_CAPS (CONNECTOR_CAP_DN | CONNECTOR_CAP_TREE | CONNECTOR_CAP_RENAME)

static inline int plain_setup(void **state)
{
	return make_fixture(state, 0);
}

static inline int tree_setup(void **state)
{
	return make_fixture(state, TREE_CAPS);
}

static inline int at_once_setup(void **state)
{
	return make_fixture(state, TREE_CAPS | CONNECTOR_CAP_AT_ONCE);
}

static inline int fixture_teardown(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	struct fixture *f = *state;
	char path[160];
	size_t i;

	tree_release(&f->tree);
	store_close(f->store);
	for (i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "%s/store.db%s", f->folder,
			       suffixes[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(f->folder), 0);
	counters_release(&f->counters);
	strbuf_release(&fake.log);
	vec_release(&fake.held);
	arena_release(&fake.arena);
	arena_release(&f->arena);
	mem_free(f);
	return 0;
}

/* ---- objects ---- */

static inline struct values values_of_text(struct fixture *f, const char *text)
{
	struct values values = { NULL, 0 };
	struct sv all = sv_from(text);
	size_t from = 0;

	values.at = arena_array(&f->arena, all.len + 1, sizeof(*values.at));
	while (from < all.len) {
		size_t end = sv_find(all, ';', from);
		struct sv one = sv_sub(all, from, end);
		struct value *value = &values.at[values.len++];

		*value = value_string(one);
		/* "#7": a reference to the object 7 of the agent */
		if (one.ptr[0] == '#')
			*value = value_reference(CS_ID(1, atoll(one.ptr + 1)),
						 SV_NULL);
		from = end + 1;
	}
	return values;
}

/* attr, "values" ... 0 */
static inline struct image image_v(struct fixture *f, va_list args)
{
	struct image image = IMAGE_EMPTY;
	attr_id attr;

	while ((attr = va_arg(args, attr_id)))
		image_put(&image, attr,
			  values_of_text(f, va_arg(args, const char *)),
			  &f->arena);
	return image;
}

static inline void place(struct fixture *f, struct store_tx *tx,
			 struct entry *entry, const char *dn)
{
	if (!dn)
		return;
	OK(f, tree_place(&f->tree, tx, sv_from(dn), &entry->row.parent,
			 &entry->row.rdn, &f->err));
	tree_add_key(
		&f->tree,
		key_of_name(f->store, 1, entry->row.parent, entry->row.rdn),
		entry->row.id);
}

/* An object that the last import read; type 0: a container. */
static inline int64_t object_of(struct fixture *f, uint32_t type,
				const char *anchor, const char *dn,
				struct image image)
{
	struct store_tx *tx = begin(f);
	struct entry entry;

	memset(&entry, 0, sizeof(entry));
	entry.row.id = store_cs_new_id(tx, 1);
	entry.row.type = type;
	entry.row.flags = type ? 0 : CS_CONTAINER;
	entry.row.has_image = true;
	entry.row.anchor = sv_from(anchor);
	entry.image = image;
	place(f, tx, &entry, dn);
	OK(f, entry_put_row(tx, &entry, &f->err));
	OK(f, tree_flush(&f->tree, tx, &f->err));
	commit(f, tx);
	return entry.row.id;
}

static inline int64_t object(struct fixture *f, const char *anchor,
			     const char *dn, ...)
{
	struct image image;
	va_list args;

	va_start(args, dn);
	image = image_v(f, args);
	va_end(args);
	return object_of(f, 1, anchor, dn, image);
}

/* A pending add; type 0: a container. */
static inline int64_t provision_of(struct fixture *f, uint32_t type,
				   const char *dn, struct image image)
{
	struct store_tx *tx = begin(f);
	struct entry entry;

	memset(&entry, 0, sizeof(entry));
	entry.row.id = store_cs_new_id(tx, 1);
	entry.row.type = type;
	entry.row.flags = type ? 0 : CS_CONTAINER;
	entry.pending.op = PENDING_ADD;
	entry.pending.attrs = image;
	place(f, tx, &entry, dn);
	OK(f, entry_put_row(tx, &entry, &f->err));
	OK(f, entry_put_pending(tx, &entry, &f->err));
	OK(f, tree_flush(&f->tree, tx, &f->err));
	commit(f, tx);
	return entry.row.id;
}

static inline int64_t provision(struct fixture *f, const char *dn, ...)
{
	struct image image;
	va_list args;

	va_start(args, dn);
	image = image_v(f, args);
	va_end(args);
	return provision_of(f, 1, dn, image);
}

static inline int64_t container(struct fixture *f, const char *dn)
{
	return provision_of(f, 0, dn, IMAGE_EMPTY);
}

static inline struct entry load(struct fixture *f, int64_t id)
{
	struct entry entry;

	OK(f, entry_load(f->store, id, &f->arena, &entry, &f->err));
	return entry;
}

/* A pending change of what is there; `dn`: its new name, or NULL. */
static inline void pend(struct fixture *f, int64_t id, enum export_op_kind op,
			const char *dn, ...)
{
	struct entry entry = load(f, id);
	struct store_tx *tx = begin(f);
	va_list args;

	va_start(args, dn);
	entry.pending.op = op;
	entry.pending.attrs = image_v(f, args);
	va_end(args);
	if (dn)
		OK(f,
		   tree_place(&f->tree, tx, sv_from(dn), &entry.pending.parent,
			      &entry.pending.rdn, &f->err));
	OK(f, entry_put_pending(tx, &entry, &f->err));
	commit(f, tx);
}

/* ---- the step ---- */

/* The guard, then the export when it goes on; what export_run returned. */
static inline int try_export(struct fixture *f)
{
	struct connector_config config = { .agent = "dir",
					   .folder = f->folder };
	struct connector connector;
	int ret;

	counters_release(&f->counters);
	error_clear(&f->err);
	strbuf_reset(&fake.log);
	fake.put = fake.taken = fake.widest = 0;
	fake.at_end = false;
	OK(f, export_guard(f->store, &f->config, &f->agent, &f->options,
			   &f->result, &f->err));
	if (f->result.message[0])
		return 0;
	OK(f, connector_open(&connector, &fake_ops, &config, &f->err));
	ret = export_run(f->store, &f->config, &f->agent, &connector,
			 &f->options, &f->counters, &f->result, &f->err);
	connector_close(&connector);
	return ret;
}

static inline void expect_log(const char *expected)
{
	assert_string_equal(strbuf_cstr(&fake.log), expected);
}

static inline void export_as(struct fixture *f, const char *result,
			     const char *log)
{
	OK(f, try_export(f));
	assert_string_equal(f->result.result, result);
	expect_log(log);
}

static inline void export_ok(struct fixture *f, const char *log)
{
	export_as(f, "success", log);
}

/* How many are pending, in progress, awaited. */
static inline void expect_states(struct fixture *f, int pending, int progress,
				 int awaiting)
{
	int64_t *ids = mem_alloc(ANSWERS * sizeof(*ids));
	int count =
		store_pending_export_ids(f->store, 1, 0, ids, ANSWERS, &f->err);
	int in_progress = 0;
	int i;

	OK(f, count);
	for (i = 0; i < count; i++) {
		struct pending_export row;

		OK(f, store_pending_export_get(f->store, ids[i], &f->arena,
					       &row, &f->err));
		in_progress += row.in_progress;
	}
	assert_int_equal(count, pending);
	assert_int_equal(in_progress, progress);
	assert_int_equal(
		store_awaiting_ids(f->store, 1, 0, ids, ANSWERS, &f->err),
		awaiting);
	mem_free(ids);
}

static inline int64_t counted(struct fixture *f, const char *name)
{
	return counters_get(&f->counters, 0, name);
}

static inline int later_setup(void **state)
{
	return make_fixture(state, TREE_CAPS | CONNECTOR_CAP_REFERENCES_LATER);
}

static inline int later_at_once_setup(void **state)
{
	return make_fixture(state, TREE_CAPS | CONNECTOR_CAP_AT_ONCE |
					   CONNECTOR_CAP_REFERENCES_LATER);
}

#define PLAIN(fn)                                                              \
	cmocka_unit_test_setup_teardown(fn, plain_setup, fixture_teardown)
#define TREE(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, tree_setup, fixture_teardown)
#define AT_ONCE(fn)                                                            \
	cmocka_unit_test_setup_teardown(fn, at_once_setup, fixture_teardown)

#define LATER(fn)                                                              \
	cmocka_unit_test_setup_teardown(fn, later_setup, fixture_teardown)
#define LATER_AT_ONCE(fn)                                                      \
	cmocka_unit_test_setup_teardown(fn, later_at_once_setup,               \
					fixture_teardown)

#endif
