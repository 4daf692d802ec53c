/*
 * memory.c - a directory in memory, with faults to order
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/memory/memory.h"

#include "base/file.h"
#include "base/text.h"
#include "connectors/format.h"
#include "connectors/ldap_schema.h"
#include "connectors/ldif/ldif_map.h"
#include "connectors/memory/memory_state.h"
#include "model/dn.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const struct setting_def fail_settings[] = {
	{ .name = "operation",
	  .type = SETTING_CHOICE,
	  .required = true,
	  .words = "open|next|put|result",
	  .help = "Which operation fails" },
	{ .name = "at",
	  .type = SETTING_NUMBER,
	  .fallback = "1",
	  .help = "At which of its calls in a session, the first is 1" },
	{ .name = "code",
	  .type = SETTING_CHOICE,
	  .fallback = "unavailable",
	  .words = "unavailable|object|crash",
	  .help = "The system is lost, one object is refused, or conjoin is "
		  "killed" },
	{ .name = NULL },
};

static const struct setting_def refuse_settings[] = {
	{ .name = "attribute",
	  .type = SETTING_TEXT,
	  .required = true,
	  .help = "The attribute" },
	{ .name = "longer",
	  .type = SETTING_NUMBER,
	  .required = true,
	  .help = "Values of more characters are refused" },
	{ .name = NULL },
};

static const struct setting_def settings[] = {
	{ .name = "path",
	  .type = SETTING_PATH,
	  .help = "A file that keeps the directory between runs, LDIF" },
	{ .name = "content",
	  .type = SETTING_TEXT,
	  .help = "The directory at the beginning, LDIF" },
	{ .name = "anchors",
	  .type = SETTING_CHOICE,
	  .fallback = "dn",
	  .words = "dn|system",
	  .help = "What identifies an entry: its name, or a number that is "
		  "made with it" },
	{ .name = "tree",
	  .type = SETTING_SWITCH,
	  .fallback = "no",
	  .help = "Parents must exist; entries of other types are containers" },
	{ .name = "bases",
	  .type = SETTING_NAMES,
	  .help = "With tree: the DNs that need no parent" },
	{ .name = "at_once",
	  .type = SETTING_SWITCH,
	  .fallback = "no",
	  .help = "Nothing is written before the end of an export" },
	{ .name = "references",
	  .type = SETTING_CHOICE,
	  .fallback = "any",
	  .words = "any|existing|later",
	  .help = "Which may be written: all, those whose target is there, or "
		  "those to a target that is there and not with an add" },
	{ .name = "fail",
	  .type = SETTING_GROUP,
	  .group = fail_settings,
	  .help = "A fault to order" },
	{ .name = "ignore",
	  .type = SETTING_NAMES,
	  .help = "Attributes whose changes are accepted and forgotten" },
	{ .name = "refuse",
	  .type = SETTING_GROUPS,
	  .group = refuse_settings,
	  .help = "Attributes whose long values are refused" },
	{ .name = NULL },
};

/* An operation of an export, kept until its end, or its outcome. */
struct item {
	struct export_op op;
	struct export_outcome outcome;
	bool applied;
};

struct connector_session {
	const struct connector_config *config;
	struct memory_state state;
	const char *path; /* or NULL */
	struct arena arena;
	bool system;
	bool tree;
	bool at_once;
	bool references_checked;
	struct sv *bases;
	size_t base_count;
	/* fault to order */
	struct sv fail_operation;
	int64_t fail_at;
	bool fail_object;
	bool fail_crash;
	int64_t calls;
	/* import */
	enum import_kind kind;
	uint64_t since;
	struct sv watermark;
	struct memory_entry **order; /* what is read, in this order */
	size_t order_len;
	size_t at;
	/* export */
	VEC(struct item *) items;
	size_t given;
};

static size_t names_of(const struct node *node, struct arena *arena,
		       struct sv **out)
{
	size_t count = !node ? 0 : node->kind == NODE_SCALAR ? 1 : node->len;
	size_t i;

	*out = arena_array(arena, count, sizeof(**out));
	for (i = 0; i < count; i++)
		(*out)[i] = node->kind == NODE_SCALAR ? node->text
						      : node->items[i]->text;
	return count;
}

static void memory_bases(const struct node *connect, struct arena *arena,
			 struct sv **out, size_t *count_out)
{
	*count_out = names_of(node_get(connect, "bases"), arena, out);
}

#define ALL_CAPS                                                               \
	(CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA | CONNECTOR_CAP_EXPORT |   \
	 CONNECTOR_CAP_DN | CONNECTOR_CAP_TREE | CONNECTOR_CAP_RENAME |        \
	 CONNECTOR_CAP_AT_ONCE | CONNECTOR_CAP_REFERENCES_LATER)

static uint32_t memory_caps(const struct connector_ops *ops,
			    const struct node *connect)
{
	uint32_t caps = ALL_CAPS;

	(void)ops;
	if (!setting_switch(connect, settings, "tree"))
		caps &= ~(uint32_t)CONNECTOR_CAP_TREE;
	if (!setting_switch(connect, settings, "at_once"))
		caps &= ~(uint32_t)CONNECTOR_CAP_AT_ONCE;
	if (!sv_eq_str(setting_text(connect, settings, "references"), "later"))
		caps &= ~(uint32_t)CONNECTOR_CAP_REFERENCES_LATER;
	return caps;
}

/* Is this the call that is to fail? */
static bool fails(struct connector_session *s, const char *operation)
{
	if (!sv_eq_str(s->fail_operation, operation))
		return false;
	if (++s->calls != s->fail_at)
		return false;
	/* the system is another one: it keeps what it was told until then */
	if (s->fail_crash) {
		if (s->path)
			(void)memory_state_save(&s->state, s->path, NULL);
		(void)raise(SIGKILL);
	}
	return true;
}

static int lost(struct error *err)
{
	return error_set(err, ERR_UNAVAILABLE,
			 "the memory is lost, as `fail` orders");
}

static void memory_close(struct connector_session *s)
{
	if (!s)
		return;
	if (s->path)
		(void)memory_state_save(&s->state, s->path, NULL);
	memory_state_release(&s->state);
	vec_release(&s->items);
	arena_release(&s->arena);
	mem_free(s);
}

static int load(struct connector_session *s, struct error *err)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	const struct node *connect = s->config->connect;
	int ret = 0;

	if (s->path && file_exists(s->path))
		ret = file_read(s->path, &text, err);
	else
		strbuf_addsv(&text, setting_text(connect, settings, "content"));
	if (ret == 0)
		ret = memory_state_load(&s->state, strbuf_sv(&text),
					s->path ? s->path : "content", err);
	strbuf_release(&text);
	return ret;
}

static int memory_open(const struct connector_ops *ops,
		       const struct connector_config *config,
		       struct connector_session **out, struct error *err)
{
	struct connector_session *s = mem_zalloc(sizeof(*s));
	const struct node *connect = config->connect;
	const struct node *fail = node_get(connect, "fail");
	struct sv path = setting_text(connect, settings, "path");

	(void)ops;
	s->config = config;
	s->system =
		sv_eq_str(setting_text(connect, settings, "anchors"), "system");
	s->tree = setting_switch(connect, settings, "tree");
	s->at_once = setting_switch(connect, settings, "at_once");
	s->references_checked = !sv_eq_str(
		setting_text(connect, settings, "references"), "any");
	memory_bases(connect, &s->arena, &s->bases, &s->base_count);
	if (fail) {
		s->fail_operation =
			setting_text(fail, fail_settings, "operation");
		s->fail_at = setting_number(fail, fail_settings, "at");
		s->fail_object = sv_eq_str(
			setting_text(fail, fail_settings, "code"), "object");
		s->fail_crash = sv_eq_str(
			setting_text(fail, fail_settings, "code"), "crash");
	}
	if (path.len)
		s->path = connector_path(config, path, &s->arena);
	if (fails(s, "open") ? lost(err) < 0 : load(s, err) < 0) {
		s->path = NULL;
		memory_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

static int by_change(const void *a, const void *b)
{
	const struct memory_entry *x = *(struct memory_entry *const *)a;
	const struct memory_entry *y = *(struct memory_entry *const *)b;

	if (x->changed == y->changed)
		return 0;
	return x->changed < y->changed ? -1 : 1;
}

/* All that is there; of a delta what changed, in the order of the changes. */
static void plan_reading(struct connector_session *s)
{
	size_t i;

	s->order = arena_array(&s->arena, s->state.entries.len,
			       sizeof(struct memory_entry *));
	s->order_len = 0;
	s->at = 0;
	for (i = 0; i < s->state.entries.len; i++) {
		struct memory_entry *e = s->state.entries.at[i];

		if (s->kind == IMPORT_FULL ? !e->gone : e->changed > s->since)
			s->order[s->order_len++] = e;
	}
	if (s->kind == IMPORT_DELTA && s->order_len)
		qsort(s->order, s->order_len, sizeof(*s->order), by_change);
}

static int memory_import_begin(struct connector_session *s,
			       enum import_kind kind, struct sv watermark,
			       struct error *err)
{
	struct sv begin = sv_from(
		arena_printf(&s->arena, "memory1 %s ", s->state.generation));
	int64_t since = 0;

	s->kind = kind;
	s->since = 0;
	s->watermark = sv_from(arena_printf(&s->arena, SV_FMT "%" PRIu64,
					    SV_ARG(begin), s->state.counter));
	if (kind == IMPORT_FULL) {
		plan_reading(s);
		return 0;
	}
	if (!sv_starts(watermark, begin) ||
	    !sv_to_i64(sv_sub(watermark, begin.len, watermark.len), &since) ||
	    since < 0 || (uint64_t)since > s->state.counter)
		return error_set(err, ERR_CONFLICT,
				 "the changes do not continue what was "
				 "imported last: run a full import");
	s->since = (uint64_t)since;
	plan_reading(s);
	return 0;
}

static struct sv anchor_of(const struct connector_session *s,
			   const struct memory_entry *e, struct sv dn,
			   struct arena *arena)
{
	if (!s->system)
		return dn;
	return sv_from(arena_printf(arena, "%" PRIu64, e->anchor));
}

static int give_error(struct change *out, const char *error, struct sv message,
		      struct sv place)
{
	out->op = CHANGE_ERROR;
	out->error = error;
	out->message = message;
	out->where = place;
	out->attrs = NULL;
	out->attr_count = 0;
	return 1;
}

/* Every attribute of the type that the entry lacks is gone. */
static void add_gone(const struct object_type *type, struct arena *arena,
		     struct change *out)
{
	struct attr_change *attrs =
		arena_array(arena, type->attr_count, sizeof(*attrs));
	size_t i;
	size_t j;

	for (i = 0; i < out->attr_count; i++)
		attrs[i] = out->attrs[i];
	for (i = 0; i < type->attr_count; i++) {
		for (j = 0; j < out->attr_count; j++)
			if (attrs[j].attr == i)
				break;
		if (j < out->attr_count)
			continue;
		attrs[out->attr_count].attr = i;
		attrs[out->attr_count].op = ATTR_REPLACE;
		attrs[out->attr_count++].values.len = 0;
	}
	out->attrs = attrs;
}

/* 1: the entry is given; 0: nothing is to be told of it. */
static int give_entry(struct connector_session *s, const struct memory_entry *e,
		      struct arena *arena, struct change *out)
{
	const struct connector_config *config = s->config;
	struct ldif_line *lines;
	size_t count;
	bool known;
	size_t i;

	memset(out, 0, sizeof(*out));
	out->dn = arena_dup(arena, e->entry.dn);
	out->anchor = anchor_of(s, e, out->dn, arena);
	if (e->error)
		return s->kind == IMPORT_FULL &&
		       give_error(out, e->error, arena_dup(arena, e->message),
				  SV_LIT("memory"));
	count = ldif_entry_lines(&e->entry, arena, &lines);
	for (i = 0; i < count; i++)
		lines[i].value = arena_dup(arena, lines[i].value);
	known = ldif_map_type(lines, count, config->types, config->type_count,
			      &out->type);
	out->container = !known && s->tree;
	if (e->gone) {
		out->op = CHANGE_DELETE;
		return e->created <= s->since;
	}
	if (!known && !s->tree) {
		out->op = CHANGE_FILTERED;
		out->where = SV_LIT("memory");
		return 1;
	}
	if (known)
		ldif_map_lines(&config->types[out->type], lines, count, arena,
			       out);
	if (s->kind == IMPORT_FULL) {
		out->op = CHANGE_OBJECT;
	} else if (e->created > s->since) {
		out->op = CHANGE_ADD;
	} else {
		out->op = CHANGE_UPDATE;
		if (e->renamed > s->since) {
			out->op = CHANGE_RENAME;
			out->new_dn = out->dn;
			out->dn = arena_dup(arena, e->old_dn);
			out->anchor = anchor_of(s, e, out->dn, arena);
		}
		if (known)
			add_gone(&config->types[out->type], arena, out);
	}
	return 1;
}

static int memory_next(struct connector_session *s, struct arena *arena,
		       struct change *out, struct error *err)
{
	while (s->at < s->order_len) {
		const struct memory_entry *e = s->order[s->at++];

		if (!give_entry(s, e, arena, out))
			continue;
		if (!fails(s, "next"))
			return 1;
		if (!s->fail_object)
			return lost(err);
		return give_error(out, "read-error",
				  SV_LIT("not read, as `fail` orders"),
				  SV_LIT("memory"));
	}
	return 0;
}

static int memory_import_end(struct connector_session *s, struct arena *arena,
			     struct sv *watermark_out, struct error *err)
{
	(void)err;
	*watermark_out = arena_dup(arena, s->watermark);
	return 0;
}

static int memory_progress(const struct connector_session *s)
{
	return s->order_len ? (int)(s->at * 1000 / s->order_len) : 1000;
}

static int memory_export_begin(struct connector_session *s, struct error *err)
{
	(void)err;
	vec_clear(&s->items);
	s->given = 0;
	return 0;
}

static void refuse(struct item *item, const char *error, struct sv message)
{
	item->outcome.ok = false;
	item->outcome.error = error;
	item->outcome.message = message;
}

static bool ignored(const struct connector_session *s, const char *name)
{
	const struct node *node = node_get(s->config->connect, "ignore");
	size_t i;

	if (!node)
		return false;
	if (node->kind == NODE_SCALAR)
		return sv_ieq_str(node->text, name);
	for (i = 0; i < node->len; i++)
		if (sv_ieq_str(node->items[i]->text, name))
			return true;
	return false;
}

/* The longest value that an attribute takes; -1: any. */
static int64_t longest(const struct connector_session *s, const char *name)
{
	const struct node *node = node_get(s->config->connect, "refuse");
	size_t i;

	for (i = 0; node && i < node->len; i++)
		if (sv_ieq_str(setting_text(node->items[i], refuse_settings,
					    "attribute"),
			       name))
			return setting_number(node->items[i], refuse_settings,
					      "longer");
	return -1;
}

static int check_lengths(struct connector_session *s, struct item *item)
{
	const struct object_type *type = &s->config->types[item->op.type];
	size_t i;
	size_t j;

	for (i = 0; i < item->op.attr_count; i++) {
		const struct attr_change *change = &item->op.attrs[i];
		const char *name = type->attrs[change->attr].name;
		int64_t most = longest(s, name);

		for (j = 0; most >= 0 && j < change->values.len; j++) {
			if (change->op == ATTR_DELETE ||
			    text_len(change->values.at[j].text) <= (size_t)most)
				continue;
			refuse(item, "constraint-violation",
			       sv_from(arena_printf(
				       &s->arena,
				       "%s: value #%zu is longer than %" PRId64
				       " (result code 19 constraintViolation)",
				       name, j, most)));
			return -1;
		}
	}
	return 0;
}

/* Values go before others come. */
static void apply_attrs(struct connector_session *s, struct memory_entry *e,
			const struct item *item)
{
	const struct object_type *type = &s->config->types[item->op.type];
	struct arena *arena = &s->state.arena;
	int pass;
	size_t i;
	size_t j;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < item->op.attr_count; i++) {
			const struct attr_change *change = &item->op.attrs[i];
			const struct attr_def *def = &type->attrs[change->attr];
			struct ldif_mod mod = { .op = change->op,
						.name = sv_from(def->name) };

			if ((change->op == ATTR_DELETE) != (pass == 0) ||
			    ignored(s, def->name))
				continue;
			mod.name = arena_dup(arena, mod.name);
			mod.count = change->values.len;
			mod.values = arena_array(arena, mod.count,
						 sizeof(*mod.values));
			for (j = 0; j < mod.count; j++)
				mod.values[j] = arena_dup(
					arena,
					format_value(&change->values.at[j], def,
						     FORMAT_LDAP, arena));
			ldif_entry_apply(&e->entry, &mod);
		}
	}
}

static void apply_add_attrs(struct connector_session *s, struct memory_entry *e,
			    const struct item *item)
{
	struct arena *arena = &s->state.arena;
	struct ldap_attr *attrs;
	size_t count = ldap_add_attrs(&s->config->types[item->op.type],
				      &item->op, arena, &attrs);
	size_t i;
	size_t j;

	for (i = 0; i < count; i++) {
		const char *name = arena_cstr(arena, attrs[i].name);

		for (j = 0; !ignored(s, name) && j < attrs[i].values.len; j++)
			ldif_entry_add(
				&e->entry, sv_from(name),
				arena_dup(arena,
					  format_value(&attrs[i].values.at[j],
						       attrs[i].def,
						       FORMAT_LDAP, arena)));
	}
}

/* Does the entry carry what the add sends? */
static bool carries(const struct connector_session *s,
		    const struct memory_entry *e, const struct item *item)
{
	const struct object_type *type = &s->config->types[item->op.type];
	struct arena scratch = ARENA_INIT;
	bool same = true;
	size_t i;
	size_t j;
	size_t k;

	for (i = 0; same && i < item->op.attr_count; i++) {
		const struct attr_change *change = &item->op.attrs[i];
		const struct attr_def *def = &type->attrs[change->attr];
		struct ldif_attr *attr =
			ldif_entry_attr(&e->entry, sv_from(def->name));

		for (j = 0; same && j < change->values.len; j++) {
			struct sv text = format_value(&change->values.at[j],
						      def, FORMAT_LDAP,
						      &scratch);

			same = false;
			for (k = 0; attr && k < attr->len && !same; k++)
				same = ldif_value_same(attr->name,
						       attr->values[k], text);
		}
	}
	arena_release(&scratch);
	return same;
}

static bool parent_there(const struct connector_session *s, struct sv dn)
{
	struct sv rdn;
	struct sv parent;
	size_t i;

	if (!s->tree || !dn_split(dn, &rdn, &parent))
		return true;
	for (i = 0; i < s->base_count; i++)
		if (dn_equal(s->bases[i], dn) || dn_equal(s->bases[i], parent))
			return true;
	return memory_find(&s->state, parent) != NULL;
}

static bool refers(const struct attr_change *change)
{
	return change->op != ATTR_DELETE && change->values.len &&
	       change->values.at[0].type == VALUE_REFERENCE;
}

/* Without its references, when what one of them names is not there. */
static void check_references(struct connector_session *s, struct item *item)
{
	struct export_op *op = &item->op;
	bool missing = false;
	size_t kept = 0;
	size_t i;
	size_t j;

	for (i = 0; i < op->attr_count; i++)
		for (j = 0;
		     refers(&op->attrs[i]) && j < op->attrs[i].values.len; j++)
			missing |= !memory_find(&s->state,
						op->attrs[i].values.at[j].text);
	if (!missing)
		return;
	item->outcome.references_later = true;
	for (i = 0; i < op->attr_count; i++)
		if (!refers(&op->attrs[i]))
			op->attrs[kept++] = op->attrs[i];
	op->attr_count = kept;
}

static void apply_add(struct connector_session *s, struct item *item)
{
	struct memory_entry *e = memory_find(&s->state, item->op.dn);

	if (e && item->op.retry && carries(s, e, item)) {
		item->outcome.adopted = true;
	} else if (e) {
		refuse(item, "cd-existing-object",
		       SV_LIT("an entry of this name is there already"));
		return;
	} else if (!parent_there(s, item->op.dn)) {
		refuse(item, "non-existent-parent",
		       SV_LIT("the parent is not there"));
		return;
	} else {
		e = memory_add(&s->state, item->op.dn);
		apply_add_attrs(s, e, item);
	}
	item->outcome.anchor = anchor_of(s, e, e->entry.dn, &s->arena);
	item->outcome.dn = e->entry.dn;
}

static void apply_delete(struct connector_session *s, struct item *item)
{
	struct memory_entry *e = memory_find(&s->state, item->op.dn);

	if (!e && !item->op.retry)
		refuse(item, "cd-missing-object",
		       SV_LIT("there is no entry of this name"));
	else if (e && s->tree && memory_has_children(&s->state, item->op.dn))
		refuse(item, "cd-error",
		       SV_LIT("entries lie below it (result code 66 "
			      "notAllowedOnNonLeaf)"));
	else if (e)
		memory_delete(&s->state, e);
}

static void apply_rename(struct connector_session *s, struct item *item)
{
	const struct export_op *op = &item->op;
	struct memory_entry *e = memory_find(&s->state, op->dn);
	struct memory_entry *taken = memory_find(&s->state, op->new_dn);

	if (!e && taken && op->retry) {
		e = taken;
	} else if (!e) {
		refuse(item, "cd-missing-object",
		       SV_LIT("there is no entry of this name"));
		return;
	} else if (taken && taken != e) {
		refuse(item, "rename-to-existing-dn",
		       SV_LIT("the new name is taken by another entry"));
		return;
	} else if (!parent_there(s, op->new_dn)) {
		refuse(item, "non-existent-parent",
		       SV_LIT("the parent is not there"));
		return;
	} else {
		memory_rename(&s->state, e, op->new_dn);
	}
	if (op->attr_count) {
		apply_attrs(s, e, item);
		memory_touch(&s->state, e);
	}
	item->outcome.anchor = anchor_of(s, e, e->entry.dn, &s->arena);
	item->outcome.dn = e->entry.dn;
}

static void apply_update(struct connector_session *s, struct item *item)
{
	struct memory_entry *e = memory_find(&s->state, item->op.dn);

	if (!e) {
		refuse(item, "cd-missing-object",
		       SV_LIT("there is no entry of this name"));
		return;
	}
	apply_attrs(s, e, item);
	memory_touch(&s->state, e);
	item->outcome.anchor = anchor_of(s, e, e->entry.dn, &s->arena);
	item->outcome.dn = e->entry.dn;
}

static void apply(struct connector_session *s, struct item *item)
{
	const struct export_op *op = &item->op;

	item->applied = true;
	if (item->outcome.error)
		return;
	item->outcome.ok = true;
	if (!dn_valid(op->dn) ||
	    (op->kind == EXPORT_RENAME && !dn_valid(op->new_dn))) {
		refuse(item, "invalid-dn", SV_LIT("this is not a name"));
		return;
	}
	if (check_lengths(s, item) < 0)
		return;
	if (s->references_checked)
		check_references(s, item);
	switch (op->kind) {
	case EXPORT_ADD:
		apply_add(s, item);
		break;
	case EXPORT_UPDATE:
		apply_update(s, item);
		break;
	case EXPORT_RENAME:
		apply_rename(s, item);
		break;
	case EXPORT_DELETE:
		apply_delete(s, item);
		break;
	case EXPORT_DELETE_ADD:
		item->op.retry = true;
		apply_delete(s, item);
		item->op.retry = false;
		if (item->outcome.ok)
			apply_add(s, item);
		break;
	}
}

static void keep_op(struct connector_session *s, struct item *item,
		    const struct export_op *op)
{
	size_t i;

	item->op = *op;
	item->op.anchor = arena_dup(&s->arena, op->anchor);
	item->op.dn = arena_dup(&s->arena, op->dn);
	item->op.new_dn = arena_dup(&s->arena, op->new_dn);
	item->op.attrs =
		arena_array(&s->arena, op->attr_count, sizeof(*op->attrs));
	for (i = 0; i < op->attr_count; i++) {
		item->op.attrs[i] = op->attrs[i];
		item->op.attrs[i].values =
			values_dup(&op->attrs[i].values, &s->arena);
	}
}

static int memory_export_put(struct connector_session *s,
			     const struct export_op *op, struct error *err)
{
	struct item *item = arena_zalloc(&s->arena, sizeof(*item));

	keep_op(s, item, op);
	item->outcome.id = op->id;
	if (fails(s, "put")) {
		if (!s->fail_object)
			return lost(err);
		refuse(item, "cd-error", SV_LIT("refused, as `fail` orders"));
	}
	vec_push(&s->items, item);
	if (!s->at_once)
		apply(s, item);
	return 0;
}

static int memory_export_result(struct connector_session *s, bool wait,
				struct arena *arena, struct export_outcome *out,
				struct error *err)
{
	const struct item *item;

	(void)wait;
	if (s->given == s->items.len || !s->items.at[s->given]->applied)
		return 0;
	item = s->items.at[s->given++];
	*out = item->outcome;
	out->message = arena_dup(arena, out->message);
	out->anchor = arena_dup(arena, out->anchor);
	out->dn = arena_dup(arena, out->dn);
	if (!fails(s, "result"))
		return 1;
	if (!s->fail_object)
		return lost(err);
	*out = (struct export_outcome){ .id = out->id,
					.error = "cd-error",
					.message = SV_LIT(
						"refused, as `fail` orders") };
	return 1;
}

static int memory_export_end(struct connector_session *s, struct error *err)
{
	size_t i;

	for (i = 0; i < s->items.len; i++)
		if (!s->items.at[i]->applied)
			apply(s, s->items.at[i]);
	return s->path ? memory_state_save(&s->state, s->path, err) : 0;
}

const struct connector_ops memory_connector = {
	.abi = CONNECTOR_ABI,
	.name = "memory",
	.help = "A directory in memory, for tests of configurations.",
	.caps = ALL_CAPS,
	.settings = settings,
	.known_attrs = ldap_known_attrs,
	.caps_of = memory_caps,
	.bases = memory_bases,
	.open = memory_open,
	.close = memory_close,
	.import_begin = memory_import_begin,
	.next = memory_next,
	.import_end = memory_import_end,
	.import_progress = memory_progress,
	.export_begin = memory_export_begin,
	.export_put = memory_export_put,
	.export_result = memory_export_result,
	.export_end = memory_export_end,
};
