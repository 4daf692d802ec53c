/*
 * harness.h - imports from a connector that reads a script, into a real store
 *
 * A script is lines of fields with '|' between them:
 *
 *	object|ANCHOR|DN|name=Ann|phones=1;2      the whole object
 *	add|...   update|...|phones+=3|phones-=1  delete|ANCHOR|DN
 *	rename|ANCHOR|DN>NEWDN|...
 *	container||DN           present|ANCHOR
 *	error|ANCHOR||CODE      fail      (the connected system is lost)
 *
 * With the_session.context set, whole objects come as raw records whose
 * attributes are deferred.
 *
 * An object of the second type is "object:team|...". After an import the
 * counters are one text, "stage-add 2, stage-update 1".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_IMPORT_HARNESS_H
#define TESTS_UNIT_IMPORT_HARNESS_H

#include "import/import.h"
#include "model/dn.h"
#include "store/mv.h"
#include "store/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- what is configured ---- */

enum {
	A_DN = ATTR_DN,
	A_NAME,
	A_TITLE,
	A_PHONES,
	A_CODE,
	A_MANAGER,
	A_BADGE,
	A_MEMBER,
	A_CLASS,
	A_PASSWORD,
	A_COUNT = A_PASSWORD,
};

static const char *const attr_names[] = {
	NULL,      "dn",    "name",   "title",       "phones",      "code",
	"manager", "badge", "member", "objectClass", "userPassword"
};

static const struct attr_def person_attrs[] = {
	{ .name = "name", .type = VALUE_STRING },
	{ .name = "title", .type = VALUE_STRING },
	{ .name = "phones", .type = VALUE_STRING, .multi = true },
	{ .name = "code",
	  .type = VALUE_STRING,
	  .multi = true,
	  .match = MATCH_EXACT },
	{ .name = "manager", .type = VALUE_REFERENCE, .to = "person" },
	{ .name = "badge", .type = VALUE_INTEGER },
	{ .name = "objectClass", .type = VALUE_STRING, .multi = true },
	{ .name = "userPassword", .type = VALUE_STRING },
};
static attr_id person_ids[] = { A_NAME,    A_TITLE, A_PHONES, A_CODE,
				A_MANAGER, A_BADGE, A_CLASS,  A_PASSWORD };

static const struct attr_def team_attrs[] = {
	{ .name = "name", .type = VALUE_STRING },
	{ .name = "member",
	  .type = VALUE_REFERENCE,
	  .multi = true,
	  .to = "person" },
};
static attr_id team_ids[] = { A_NAME, A_MEMBER };

static struct object_type types[] = {
	{ "person", person_attrs, 8 },
	{ "team", team_attrs, 2 },
};
static attr_id *type_ids[] = { person_ids, team_ids };

/* ---- the connector ---- */

struct connector_session {
	const char *rest;
	enum import_kind kind;
	char watermark_in[32];
	const char *watermark_out;
	uint64_t objects; /* made, besides the script */
	uint64_t made;
	const char *context; /* of raw records; NULL: there are none */
	_Atomic unsigned expanded;
	void (*at_kept)(void *data); /* while import_kept is called */
	void *at_kept_data;
	int kept; /* how often */
	bool kept_fails;
};

static struct connector_session the_session;

static inline int script_open(const struct connector_ops *ops,
			      const struct connector_config *config,
			      struct connector_session **out, struct error *err)
{
	(void)ops;
	(void)config;
	(void)err;
	*out = &the_session;
	return 0;
}

static inline void script_close(struct connector_session *s)
{
	(void)s;
}

static inline int script_begin(struct connector_session *s,
			       enum import_kind kind, struct sv watermark,
			       struct error *err)
{
	(void)err;
	s->kind = kind;
	(void)snprintf(s->watermark_in, sizeof(s->watermark_in), SV_FMT,
		       SV_ARG(watermark));
	return 0;
}

static inline struct values script_values(struct arena *arena, struct sv text)
{
	struct values values = { NULL, 0 };
	size_t from = 0;

	values.at = arena_array(arena, text.len + 1, sizeof(*values.at));
	while (from < text.len) {
		size_t end = sv_find(text, ';', from);

		values.at[values.len++] = value_string(sv_sub(text, from, end));
		from = end + 1;
	}
	return values;
}

static inline void script_attr(struct arena *arena, struct change *change,
			       struct sv field)
{
	size_t eq = sv_find(field, '=', 0);
	struct attr_change *attr = &change->attrs[change->attr_count++];
	struct sv name = sv_sub(field, 0, eq);

	attr->op = ATTR_REPLACE;
	if (sv_ends(name, SV_LIT("+")))
		attr->op = ATTR_ADD;
	else if (sv_ends(name, SV_LIT("-")))
		attr->op = ATTR_DELETE;
	if (attr->op != ATTR_REPLACE)
		name.len--;
	assert_true(object_type_attr(&types[change->type], name, &attr->attr));
	attr->values = script_values(arena, sv_sub(field, eq + 1, field.len));
}

static inline struct sv script_field(struct sv line, size_t *at)
{
	size_t end = sv_find(line, '|', *at);
	struct sv field = *at < line.len ? sv_sub(line, *at, end) : SV_NULL;

	*at = end + 1;
	return field;
}

static inline void script_op(struct change *out, struct sv op)
{
	static const struct {
		const char *name;
		enum change_op op;
	} ops[] = {
		{ "object", CHANGE_OBJECT },   { "container", CHANGE_OBJECT },
		{ "add", CHANGE_ADD },         { "update", CHANGE_UPDATE },
		{ "rename", CHANGE_RENAME },   { "delete", CHANGE_DELETE },
		{ "error", CHANGE_ERROR },     { "filtered", CHANGE_FILTERED },
		{ "present", CHANGE_PRESENT },
	};
	size_t colon = sv_find(op, ':', 0);
	size_t i;

	out->type = colon < op.len;
	op.len = colon;
	out->container = sv_eq_str(op, "container");
	for (i = 0; !sv_eq_str(op, ops[i].name); i++)
		assert_true(i < sizeof(ops) / sizeof(*ops));
	out->op = ops[i].op;
}

static inline int script_next(struct connector_session *s, struct arena *arena,
			      struct change *out, struct error *err)
{
	struct sv line = sv_from(s->rest);
	size_t at = 0;
	size_t arrow;
	struct sv field;

	if (s->made < s->objects) {
		out->op = CHANGE_OBJECT;
		out->anchor = sv_from(arena_printf(
			arena, "n%llu", (unsigned long long)++s->made));
		out->attrs = arena_array(arena, 1, sizeof(*out->attrs));
		out->attr_count = 1;
		out->attrs[0].values = script_values(arena, out->anchor);
		return 1;
	}
	line.len = sv_find(line, '\n', 0);
	s->rest += line.len + (s->rest[line.len] == '\n');
	if (!line.len)
		return 0;
	if (sv_eq_str(line, "fail"))
		return error_set(err, ERR_UNAVAILABLE, "the line is cut");
	script_op(out, script_field(line, &at));
	out->anchor = script_field(line, &at);
	out->dn = script_field(line, &at);
	arrow = sv_find(out->dn, '>', 0);
	if (arrow < out->dn.len) {
		out->new_dn = sv_sub(out->dn, arrow + 1, out->dn.len);
		out->dn.len = arrow;
	}
	if (out->op == CHANGE_ERROR) {
		out->error = arena_cstr(arena, script_field(line, &at));
		out->message = SV_LIT("cannot be read");
		return 1;
	}
	if (s->context && out->op == CHANGE_OBJECT && !out->container) {
		struct sv *rest = arena_alloc(arena, sizeof(*rest));

		*rest = sv_sub(line, at < line.len ? at : line.len, line.len);
		out->record = rest;
		out->deferred = true;
		out->raw = line;
		out->raw_context = sv_from(s->context);
		return 1;
	}
	out->attrs = arena_array(arena, line.len, sizeof(*out->attrs));
	while ((field = script_field(line, &at)).len)
		script_attr(arena, out, field);
	return 1;
}

static inline void script_expand(const struct connector_session *s,
				 struct arena *arena, struct change *change)
{
	const struct sv *rest = change->record;
	struct sv field;
	size_t at = 0;

	(void)s;
	the_session.expanded++;
	change->attrs =
		arena_array(arena, rest->len + 1, sizeof(*change->attrs));
	while ((field = script_field(*rest, &at)).len)
		script_attr(arena, change, field);
}

static inline int script_end(struct connector_session *s, struct arena *arena,
			     struct sv *watermark_out, struct error *err)
{
	(void)err;
	if (s->watermark_out)
		*watermark_out = arena_dup(arena, sv_from(s->watermark_out));
	return 0;
}

static inline int script_kept(struct connector_session *s, struct error *err)
{
	if (s->at_kept)
		s->at_kept(s->at_kept_data);
	s->kept++;
	if (s->kept_fails)
		return error_set(err, ERR_UNAVAILABLE, "the line is cut");
	return 0;
}

static const struct connector_ops script_ops = {
	.abi = CONNECTOR_ABI,
	.name = "script",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA,
	.open = script_open,
	.close = script_close,
	.import_begin = script_begin,
	.next = script_next,
	.expand = script_expand,
	.import_end = script_end,
	.import_kept = script_kept,
};

/* ---- a store and its agent ---- */

struct fixture {
	char folder[64];
	char url[128];
	struct store *store;
	struct config config;
	struct config_agent agent;
	struct config_guards guards;
	struct import_options options;
	struct counters counters;
	struct import_result result;
	struct tree tree;
	struct arena arena;
	struct error err;
};

#define OK(f, call)                                                            \
	do {                                                                   \
		if ((call) < 0)                                                \
			fail_msg("%s", (f)->err.msg);                          \
	} while (0)

static inline int make_fixture(void **state, uint32_t caps)
{
	struct fixture *f = mem_zalloc(sizeof(*f));

	(void)snprintf(f->folder, sizeof(f->folder),
		       "/tmp/conjoin-import-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	(void)snprintf(f->url, sizeof(f->url), "sqlite:%s/store.db", f->folder);
	OK(f, store_open(f->url, STORE_CREATE, &f->store, &f->err));
	OK(f, store_bind_attributes(f->store, attr_names, A_COUNT, &f->err));
	f->agent.name = "hr";
	f->agent.ops = &script_ops;
	f->agent.caps = script_ops.caps | caps;
	f->agent.types = types;
	f->agent.type_attr_ids = type_ids;
	f->agent.type_count = 2;
	f->config.agents = &f->agent;
	f->config.agent_count = 1;
	f->guards.deletions = (struct config_limit){ true, true, 2000 };
	f->guards.above = 20;
	f->guards.errors = 1000;
	f->guards.empty_stop = true;
	f->options.guards = &f->guards;
	memset(&the_session, 0, sizeof(the_session));
	*state = f;
	return 0;
}

/* An agent without DNs, and one with. */
static inline int plain_setup(void **state)
{
	return make_fixture(state, 0);
}

static inline int dn_setup(void **state)
{
	return make_fixture(state, CONNECTOR_CAP_DN);
}

static inline int fixture_teardown(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	struct fixture *f = *state;
	char path[160];
	size_t i;

	store_close(f->store);
	for (i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "%s/store.db%s", f->folder,
			       suffixes[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(f->folder), 0);
	counters_release(&f->counters);
	arena_release(&f->arena);
	mem_free(f);
	return 0;
}

/* What import_run returned; the result and the counters are in the fixture. */
static inline int try_import(struct fixture *f, enum import_kind kind,
			     const char *script)
{
	struct connector_config config = { .agent = "hr", .folder = f->folder };
	struct connector connector;
	int ret;

	counters_release(&f->counters);
	error_clear(&f->err);
	the_session.rest = script;
	the_session.made = 0;
	f->options.kind = kind;
	OK(f, connector_open(&connector, &script_ops, &config, &f->err));
	ret = import_run(f->store, &f->config, &f->agent, &connector,
			 &f->options, &f->counters, &f->result, &f->err);
	connector_close(&connector);
	return ret;
}

static inline void expect_counters(struct fixture *f, const char *expected)
{
	static const char *const names[] = {
		"stage-no-change",  "stage-add",          "stage-update",
		"stage-rename",     "stage-delete",       "stage-delete-add",
		"filtered-objects", "filtered-deletions", "stage-failure",
	};
	struct strbuf text = STRBUF_INIT(1000);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int64_t n = counters_get(&f->counters, 0, names[i]);

		if (n)
			strbuf_addf(&text, "%s%s %lld", text.len ? ", " : "",
				    names[i], (long long)n);
	}
	assert_string_equal(strbuf_cstr(&text), expected);
	strbuf_release(&text);
}

static inline void import_as(struct fixture *f, enum import_kind kind,
			     const char *script, const char *result,
			     const char *counters)
{
	OK(f, try_import(f, kind, script));
	if (strcmp(f->result.result, result) != 0)
		fail_msg("%s: %s", f->result.result, f->result.message);
	expect_counters(f, counters);
}

static inline void full(struct fixture *f, const char *script,
			const char *counters)
{
	import_as(f, IMPORT_FULL, script, "success", counters);
}

static inline void delta(struct fixture *f, const char *script,
			 const char *counters)
{
	import_as(f, IMPORT_DELTA, script, "success", counters);
}

/* ---- looking ---- */

/* The id of what has this anchor, placeholders too; 0: none. */
static inline int64_t find(struct fixture *f, const char *anchor)
{
	struct cs_row rows[64];
	int64_t after = 0;
	int count;
	int i;

	while ((count = store_cs_scan(f->store, 1, after, rows, 64, &f->arena,
				      &f->err)) > 0) {
		for (i = 0; i < count; i++)
			if (sv_eq_str(rows[i].anchor, anchor))
				return rows[i].id;
		after = rows[count - 1].id;
	}
	OK(f, count);
	return 0;
}

static inline int64_t find_dn(struct fixture *f, const char *dn)
{
	struct tree tree;
	int64_t id = 0;

	tree_init(&tree, f->store, 1);
	OK(f, tree_find(&tree, sv_from(dn), TREE_IMPORTED, &id, &f->err));
	tree_release(&tree);
	return id;
}

static inline struct entry load(struct fixture *f, int64_t id)
{
	struct entry entry;
	int ret = entry_load(f->store, id, &f->arena, &entry, &f->err);

	OK(f, ret);
	assert_int_equal(ret, 1);
	return entry;
}

/* "1;2": the attribute's values, references as "#id"; "" is none. */
static inline const char *values_of(struct fixture *f,
				    const struct image *image, attr_id attr)
{
	const struct values *values = image_get(image, attr);
	const char *text = "";
	size_t i;

	for (i = 0; values && i < values->len; i++)
		text = arena_printf(
			&f->arena, "%s%s" SV_FMT, text, i ? ";" : "",
			SV_ARG(value_text(&values->at[i], &f->arena)));
	return text;
}

static inline void expect_attr(struct fixture *f, const char *anchor,
			       attr_id attr, const char *expected)
{
	struct entry entry = load(f, find(f, anchor));

	assert_string_equal(values_of(f, &entry.image, attr), expected);
}

static inline void expect_reference(struct fixture *f, const char *anchor,
				    attr_id attr, int64_t target)
{
	int64_t *sources;
	int64_t source = find(f, anchor);
	int count;

	expect_attr(f, anchor, attr,
		    target ? arena_printf(&f->arena, "#%lld", (long long)target)
			   : "");
	if (!target)
		return;
	count = store_cs_referrers(f->store, target, &f->arena, &sources,
				   &f->err);
	while (count > 0 && sources[count - 1] != source)
		count--;
	assert_true(count > 0);
}

static inline void expect_import(struct fixture *f, const char *anchor,
				 enum import_op op)
{
	struct entry entry = load(f, find(f, anchor));

	assert_int_equal(entry.import, op);
}

/* "cs:code" of every object in error */
static inline int add_error(void *data, const struct cs_error *row)
{
	struct strbuf *text = data;

	strbuf_addf(text, "%lld:" SV_FMT ";", (long long)CS_SEQUENCE(row->cs),
		    SV_ARG(row->code));
	return 0;
}

static inline void expect_errors(struct fixture *f, const char *expected)
{
	struct strbuf text = STRBUF_INIT(1000);

	OK(f, store_error_scan(f->store, 0, add_error, &text, &f->err));
	assert_string_equal(strbuf_cstr(&text), expected);
	strbuf_release(&text);
}

static inline const char *watermark(struct fixture *f)
{
	struct sv value;

	OK(f, store_meta_get(f->store, "watermark.hr", &f->arena, &value,
			     &f->err));
	return value.ptr ? value.ptr : "";
}

/* ---- what synchronization and export would do ---- */

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

/* Takes all that is staged. */
static inline void consume(struct fixture *f)
{
	struct store_tx *tx = begin(f);
	int64_t ids[100];
	int count;
	int i;

	while ((count = store_pending_import_ids(f->store, 1, 0,
						 PENDING_IMPORT_ALL, ids, 100,
						 &f->err)) > 0) {
		for (i = 0; i < count; i++) {
			struct entry entry = load(f, ids[i]);
			uint64_t h =
				key_of_anchor(f->store, 1,
					      f->agent.caps & CONNECTOR_CAP_DN
						      ? 0
						      : entry.row.type,
					      entry.row.anchor);
			bool gone = entry.import == IMPORT_DELETE;

			entry.import = IMPORT_NONE;
			OK(f, gone ? entry_remove(tx, &entry, h, &f->err)
				   : entry_put_import(tx, &entry, &f->err));
		}
	}
	commit(f, tx);
}

static inline struct values one_value(struct fixture *f, const char *text)
{
	return script_values(&f->arena, sv_from(text));
}

/* attr, "values", attr, "values" ... 0 */
static inline struct image image_v(struct fixture *f, va_list args)
{
	struct image image = IMAGE_EMPTY;
	attr_id attr;

	while ((attr = va_arg(args, attr_id)))
		image_put(&image, attr,
			  one_value(f, va_arg(args, const char *)), &f->arena);
	return image;
}

/* The object is awaited with these values, as after an export. */
static inline void await(struct fixture *f, int64_t id, enum export_op_kind op,
			 ...)
{
	struct entry entry = load(f, id);
	struct store_tx *tx = begin(f);
	va_list args;

	va_start(args, op);
	entry.awaiting.op = op;
	entry.awaiting.attrs = image_v(f, args);
	va_end(args);
	OK(f, entry_put_awaiting(tx, &entry, &f->err));
	commit(f, tx);
}

/* A provisioned object that no import has seen; an empty anchor or DN is
 * none. Pending, or awaited when `exported`. */
static inline int64_t provision(struct fixture *f, const char *anchor,
				const char *dn, bool exported, ...)
{
	struct store_tx *tx = begin(f);
	struct entry entry;
	struct tree tree;
	struct export_state *state = exported ? &entry.awaiting
					      : &entry.pending;
	va_list args;

	memset(&entry, 0, sizeof(entry));
	tree_init(&tree, f->store, 1);
	entry.row.id = store_cs_new_id(tx, 1);
	entry.row.type = store_name_find(f->store, NAME_TYPE, SV_LIT("person"));
	entry.row.anchor = sv_from(*anchor ? anchor : NULL);
	if (*dn) {
		OK(f, tree_place(&tree, tx, sv_from(dn), &entry.row.parent,
				 &entry.row.rdn, &f->err));
		tree_add_key(&tree,
			     key_of_name(f->store, 1, entry.row.parent,
					 entry.row.rdn),
			     entry.row.id);
	}
	va_start(args, exported);
	state->op = PENDING_ADD;
	state->attrs = image_v(f, args);
	va_end(args);
	if (*anchor) {
		struct anchor_key key = {
			key_of_anchor(f->store, 1, *dn ? 0 : entry.row.type,
				      entry.row.anchor),
			entry.row.id,
			{ 0, 0 },
		};

		OK(f, store_anchor_put(tx, 1, &key, &f->err));
	}
	OK(f, entry_put_row(tx, &entry, &f->err));
	OK(f, entry_put_pending(tx, &entry, &f->err));
	OK(f, entry_put_awaiting(tx, &entry, &f->err));
	OK(f, tree_flush(&tree, tx, &f->err));
	commit(f, tx);
	tree_release(&tree);
	return entry.row.id;
}

/* The object is renamed by an export, and not seen again yet. */
static inline void export_rename(struct fixture *f, int64_t id, const char *dn)
{
	struct entry entry = load(f, id);
	struct store_tx *tx = begin(f);
	struct tree tree;

	tree_init(&tree, f->store, 1);
	entry.awaiting.op = PENDING_UPDATE;
	OK(f, tree_place(&tree, tx, sv_from(dn), &entry.awaiting.parent,
			 &entry.awaiting.rdn, &f->err));
	tree_add_key(&tree,
		     key_of_name(f->store, 1, entry.awaiting.parent,
				 entry.awaiting.rdn),
		     id);
	OK(f, entry_put_awaiting(tx, &entry, &f->err));
	OK(f, tree_flush(&tree, tx, &f->err));
	commit(f, tx);
	tree_release(&tree);
}

#define PLAIN(fn)                                                              \
	cmocka_unit_test_setup_teardown(fn, plain_setup, fixture_teardown)
#define WITH_DN(fn)                                                            \
	cmocka_unit_test_setup_teardown(fn, dn_setup, fixture_teardown)

#endif
