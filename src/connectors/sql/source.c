/*
 * source.c - what the settings of an sql agent say of each type of object
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/zone.h"
#include "connectors/sql/export.h"

#include <stdio.h>

/* clang-format off */
#define KEY_AND_VALUE                                                          \
	{ .name = "key", .type = SETTING_NAMES,                                \
	  .help = "its columns that equal the anchor's, in order; not set: "   \
		  "they are named as those" },                                 \
	{ .name = "value", .type = SETTING_NAMES, .required = true,            \
	  .help = "the column with a value; of several the first that has "    \
		  "one" }
/* clang-format on */

const struct setting_def sql_child_settings[] = {
	{ .name = "table",
	  .type = SETTING_TEXT,
	  .required = true,
	  .help = "the table with a row for each value" },
	KEY_AND_VALUE,
	{ .name = NULL },
};

const struct setting_def sql_attribute_settings[] = {
	{ .name = "table",
	  .type = SETTING_TEXT,
	  .required = true,
	  .help = "the table with a row for each value" },
	{ .name = "name",
	  .type = SETTING_TEXT,
	  .required = true,
	  .help = "the column that names the attribute" },
	KEY_AND_VALUE,
	{ .name = NULL },
};

const struct setting_def sql_password_settings[] = {
	{ .name = "set",
	  .type = SETTING_TEXT,
	  .help = "the statement that sets a password, with :new_password and "
		  "the anchor's columns" },
	{ .name = "change",
	  .type = SETTING_TEXT,
	  .help = "the statement that changes one, with :old_password as "
		  "well" },
	{ .name = NULL },
};

const struct setting_def sql_write_settings[] = {
	{ .name = "add",
	  .type = SETTING_TEXT,
	  .help = "the statement that makes an object, with :attribute in the "
		  "place of values" },
	{ .name = "update",
	  .type = SETTING_TEXT,
	  .help = "the statement that changes one" },
	{ .name = "delete",
	  .type = SETTING_TEXT,
	  .help = "the statement that removes one" },
	{ .name = NULL },
};

const struct setting_def sql_delta_settings[] = {
	{ .name = "by",
	  .type = SETTING_CHOICE,
	  .required = true,
	  .words = "history|view|timestamp|version|change-tracking|"
		   "versioning|logical",
	  .help = "what tells of changes" },
	{ .name = "table",
	  .type = SETTING_TEXT,
	  .help = "view: the view or table with a row for each change; "
		  "history: the table that triggers write to" },
	{ .name = "sequence",
	  .type = SETTING_TEXT,
	  .help = "view: the column by which changes are in order; history: "
		  "the column with what the change was made in" },
	{ .name = "change",
	  .type = SETTING_TEXT,
	  .help = "view: the column that says what happened" },
	{ .name = "add",
	  .type = SETTING_TEXT,
	  .fallback = "Add",
	  .help = "view: the word for a new object" },
	{ .name = "modify",
	  .type = SETTING_TEXT,
	  .fallback = "Modify",
	  .help = "view: the word for a changed one; its row is whole" },
	{ .name = "delete",
	  .type = SETTING_TEXT,
	  .fallback = "Delete",
	  .help = "view: the word for one that is gone; its row needs only "
		  "the anchor" },
	{ .name = "modify_attribute",
	  .type = SETTING_TEXT,
	  .fallback = "Modify_Attribute",
	  .help = "view: the word for one of which one attribute changed" },
	{ .name = "attribute",
	  .type = SETTING_TEXT,
	  .help = "view: the column that names this attribute" },
	{ .name = "after",
	  .type = SETTING_TEXT,
	  .help = "view: a statement that is run when what was read is safe in "
		  "the store, with :last in the place of the largest sequence "
		  "that was read" },
	{ .name = "column",
	  .type = SETTING_TEXT,
	  .help = "timestamp, version: the column that every change of a row "
		  "moves on" },
	{ .name = "overlap",
	  .type = SETTING_DURATION,
	  .fallback = "10 minutes",
	  .help = "how long a transaction may take at most: so much is read "
		  "once more" },
	{ .name = "deletions",
	  .type = SETTING_CHOICE,
	  .words = "compare|none",
	  .fallback = "compare",
	  .help = "timestamp, version: compare reads which objects there are; "
		  "none leaves them to a full import" },
	{ .name = "slot",
	  .type = SETTING_TEXT,
	  .help = "logical: the replication slot; default: conjoin_AGENT" },
	{ .name = "publication",
	  .type = SETTING_TEXT,
	  .help = "logical: the publication with the tables; default: named "
		  "as the slot" },
	{ .name = "keep",
	  .type = SETTING_DURATION,
	  .fallback = "30 days",
	  .help = "history: how long its rows are kept; after a longer pause "
		  "a full import is needed" },
	{ .name = NULL },
};

const struct setting_def sql_type_settings[] = {
	SQL_TYPE_SETTINGS,
	{ .name = NULL },
};

static const struct setting_def source_settings[] = {
	SQL_SOURCE_SETTINGS,
	{ .name = NULL },
};

/* Of one type, else of all. */
static const struct node *node_of(const struct node *own,
				  const struct node *all, const char *name)
{
	const struct node *node = node_get(own, name);

	return node ? node : node_get(all, name);
}

static struct sv text_of(const struct node *map, const char *name)
{
	const struct node *node = node_get(map, name);

	return node && node->kind == NODE_SCALAR ? node->text : SV_NULL;
}

static size_t names_of(const struct node *node, struct arena *arena,
		       struct sv **out)
{
	size_t count = 0;
	size_t i;

	*out = NULL;
	if (!node || node->kind == NODE_MAP)
		return 0;
	*out = arena_array(arena, node->kind == NODE_LIST ? node->len + 1 : 1,
			   sizeof(**out));
	if (node->kind == NODE_SCALAR && node->text.len)
		(*out)[count++] = node->text;
	for (i = 0; node->kind == NODE_LIST && i < node->len; i++)
		if (node->items[i]->kind == NODE_SCALAR)
			(*out)[count++] = node->items[i]->text;
	return count;
}

static void load_child(const struct sql_source *source, const struct node *node,
		       struct sv attr, struct arena *arena,
		       struct sql_child *child)
{
	child->attr = attr;
	child->table = text_of(node, "table");
	child->name = text_of(node, "name");
	child->key_count = names_of(node_get(node, "key"), arena, &child->keys);
	child->value_count =
		names_of(node_get(node, "value"), arena, &child->values);
	if (!child->key_count) {
		child->keys = source->anchors;
		child->key_count = source->anchor_count;
	}
}

static void load_children(const struct node *own, struct arena *arena,
			  struct sql_source *source)
{
	const struct node *values = node_get(own, "values");
	const struct node *named = node_get(own, "attributes");
	size_t i;

	source->children = arena_array(arena,
				       (values ? values->len : 0) +
					       (named ? named->len : 0) + 1,
				       sizeof(*source->children));
	for (i = 0; values && values->kind == NODE_MAP && i < values->len; i++)
		load_child(source, values->items[i], values->keys[i]->text,
			   arena, &source->children[source->child_count++]);
	for (i = 0; named && named->kind == NODE_LIST && i < named->len; i++)
		load_child(source, named->items[i], SV_NULL, arena,
			   &source->children[source->child_count++]);
}

static int load_source(const struct connector_config *config,
		       const struct node *own, struct arena *arena,
		       struct sql_source *source, struct error *err)
{
	const struct node *all = config->connect;
	const struct node *write = node_get(own, "write");
	const struct node *passwords = node_get(own, "passwords");
	size_t i;

	source->table = text_of(own, "table");
	source->query = text_of(own, "query");
	source->anchor_count =
		names_of(node_of(own, all, "anchor"), arena, &source->anchors);
	source->delta = node_get(own, "delta");
	source->add = text_of(write, "add");
	source->update = text_of(write, "update");
	source->remove = text_of(write, "delete");
	source->password_set = text_of(passwords, "set");
	source->password_change = text_of(passwords, "change");
	load_children(own, arena, source);
	if (config->explore)
		return 0;
	if (!source->table.len == !source->query.len || !source->anchor_count)
		return error_set(err, ERR_INVALID,
				 "'anchor' and one of 'table' and 'query' must "
				 "be set");
	for (i = 0; i < source->child_count; i++)
		if (source->children[i].key_count != source->anchor_count)
			return error_set(err, ERR_INVALID,
					 "the key of '" SV_FMT "' must have "
					 "as many columns as the anchor",
					 SV_ARG(source->children[i].table));
	return 0;
}

/* Somebody sets the agent up: its types are those that stand there. */
static int explore_types(const struct connector_config *config,
			 const struct node *types, struct arena *arena,
			 struct sql_source **out, size_t *count_out,
			 struct error *err)
{
	size_t i;

	*count_out = types->len;
	*out = arena_array(arena, types->len + 1, sizeof(**out));
	for (i = 0; i < types->len; i++) {
		(*out)[i].type = i;
		if (load_source(config, types->items[i], arena, &(*out)[i],
				err) < 0)
			return -1;
	}
	return 0;
}

int sql_sources_load(const struct connector_config *config, struct arena *arena,
		     struct sql_source **out, size_t *count_out,
		     struct error *err)
{
	const struct node *types = node_get(config->connect, "types");
	struct sql_source *s;
	size_t i;

	*count_out = types ? config->type_count : 1;
	if (types && config->explore)
		return explore_types(config, types, arena, out, count_out, err);
	*out = arena_array(arena, *count_out + 1, sizeof(**out));
	if (!types) {
		s = *out;
		s->type_column = text_of(config->connect, "type");
		s->type = s->type_column.len ? SQL_TYPE_BY_COLUMN : 0;
		return load_source(config, config->connect, arena, s, err);
	}
	for (i = 0; i < config->type_count; i++) {
		const struct node *own = node_get(types, config->types[i].name);

		(*out)[i].type = i;
		if (!own)
			return error_set(err, ERR_INVALID,
					 "no table is set for the type '%s'",
					 config->types[i].name);
		if (load_source(config, own, arena, &(*out)[i], err) < 0)
			return error_context(err, "type '%s'",
					     config->types[i].name);
	}
	return 0;
}

/* The group has the setting, or with NULL is there, for some type. */
static bool has_group(const struct node *connect, const char *group,
		      const char *setting)
{
	const struct node *types = node_get(connect, "types");
	const struct node *at;
	size_t i;

	for (i = 0; types && types->kind == NODE_MAP && i < types->len; i++) {
		at = node_get(types->items[i], group);
		if (at && (!setting || node_get(at, setting)))
			return true;
	}
	at = node_get(connect, group);
	return at && (!setting || node_get(at, setting));
}

uint32_t sql_caps_of(const struct connector_ops *ops,
		     const struct node *connect)
{
	const struct sql_driver *driver = ops->data;
	uint32_t caps = ops->caps;

	if (!has_group(connect, "passwords", "set"))
		caps &= ~(uint32_t)CONNECTOR_CAP_PASSWORD_SET;
	if (!has_group(connect, "passwords", "change"))
		caps &= ~(uint32_t)CONNECTOR_CAP_PASSWORD_CHANGE;
	if (!has_group(connect, "delta", NULL))
		caps &= ~(uint32_t)CONNECTOR_CAP_DELTA;
	if (!driver->wait || !text_of(connect, "watch").len)
		caps &= ~(uint32_t)CONNECTOR_CAP_NOTIFY;
	return caps;
}

/* --- check ------------------------------------------------------------- */

struct check {
	const struct connector_config *config;
	setting_report_fn report;
	void *data;
	struct arena arena;
};

static void problem(const struct check *c, const struct node *at,
		    const char *message)
{
	c->report(c->data, at ? at : c->config->connect, message);
}

static void check_keys(struct check *c, const struct node *child,
		       size_t anchor_count)
{
	struct sv *keys;
	size_t count = names_of(node_get(child, "key"), &c->arena, &keys);

	if (count && anchor_count && count != anchor_count)
		problem(c, node_get(child, "key"),
			arena_printf(&c->arena,
				     "the key has %zu columns and the anchor "
				     "%zu: they belong together one by one",
				     count, anchor_count));
}

static void check_children(struct check *c, const struct node *own,
			   size_t anchor_count)
{
	const struct node *values = node_get(own, "values");
	const struct node *named = node_get(own, "attributes");
	size_t i;

	for (i = 0; values && values->kind == NODE_MAP && i < values->len; i++)
		check_keys(c, values->items[i], anchor_count);
	for (i = 0; named && named->kind == NODE_LIST && i < named->len; i++)
		check_keys(c, named->items[i], anchor_count);
}

/* What each way to find changes needs and what it has no use for. */
static const struct {
	const char *by;
	const char *needs;
	const char *why;
} needed[] = {
	{ "view", "table", "the view or table with the changes" },
	{ "view", "change", "the column that says what happened" },
	{ "timestamp", "column", "the column with the moment of a change" },
	{ "version", "column", "the column that every change moves on" },
};

static void check_delta(struct check *c, const struct node *own)
{
	const struct node *delta = node_get(own, "delta");
	struct sv after = text_of(delta, "after");
	size_t i;

	for (i = 0; delta && i < sizeof(needed) / sizeof(*needed); i++)
		if (sv_eq_str(text_of(delta, "by"), needed[i].by) &&
		    !text_of(delta, needed[i].needs).len)
			problem(c, delta,
				arena_printf(&c->arena, "'%s' is missing: %s",
					     needed[i].needs, needed[i].why));
	if (after.len && !sv_eq_str(text_of(delta, "by"), "view"))
		problem(c, node_get(delta, "after"),
			"'after' is for 'by: view' only");
	else if (after.len && !text_of(delta, "sequence").len)
		problem(c, node_get(delta, "after"),
			"'after' needs 'sequence', the column whose largest "
			"value :last stands for");
}

/* What statements of one's own ask for can be told without a database. */
static void check_own(struct check *c, const struct node *own,
		      const struct sql_source *source)
{
	static const struct object_type no_type = { .name = "" };
	static const struct {
		const char *group;
		const char *setting;
		const char *name;
		unsigned flags;
	} of[] = {
		{ "passwords", "set", "passwords.set", SQL_OWN_SETS },
		{ "passwords", "change", "passwords.change",
		  SQL_OWN_SETS | SQL_OWN_CHANGES },
		{ "write", "add", "write.add", SQL_OWN_LOOSE },
		{ "write", "update", "write.update", SQL_OWN_LOOSE },
		{ "write", "delete", "write.delete", SQL_OWN_LOOSE },
	};
	const struct sql_writer writer = { .source = source, .type = &no_type };
	struct error err = ERROR_INIT;
	struct sql_own parsed;
	size_t i;

	for (i = 0; i < sizeof(of) / sizeof(*of); i++) {
		const struct node *at =
			node_get(node_get(own, of[i].group), of[i].setting);

		if (at && sql_own_parse(&writer, &sql_postgresql, of[i].name,
					at->text, of[i].flags, &c->arena,
					&parsed, &err) < 0)
			problem(c, at, err.msg);
	}
}

static void check_source(struct check *c, const struct node *own)
{
	const struct node *all = c->config->connect;
	bool query = text_of(own, "query").len > 0;
	struct sv *names = NULL;
	size_t anchor_count =
		names_of(node_of(own, all, "anchor"), &c->arena, &names);
	struct sql_source source = { .anchors = names,
				     .anchor_count = anchor_count };

	if (!text_of(own, "table").len && !query)
		problem(c, own,
			"'table' is missing: the table or view with a row for "
			"each object, or a SELECT as 'query'");
	if (text_of(own, "table").len && query)
		problem(c, node_get(own, "query"),
			"write 'table' or 'query', not both");
	if (!anchor_count)
		problem(c, own,
			"'anchor' is missing: the columns that identify an "
			"object for ever");
	check_children(c, own, anchor_count);
	check_delta(c, own);
	load_children(own, &c->arena, &source);
	check_own(c, own, &source);
}

static void check_types(struct check *c, const struct node *types)
{
	const struct node *all = c->config->connect;
	static const char *const alone[] = { "table",      "query", "values",
					     "attributes", "write", "delta",
					     "type" };
	size_t i;

	for (i = 0; i < sizeof(alone) / sizeof(*alone); i++)
		if (node_get(all, alone[i]))
			problem(c, node_get(all, alone[i]),
				arena_printf(&c->arena,
					     "'%s' stands inside each type "
					     "when there is 'types'",
					     alone[i]));
	for (i = 0; types->kind == NODE_MAP && i < types->len; i++)
		check_source(c, types->items[i]);
	for (i = 0; i < c->config->type_count; i++)
		if (!node_get(types, c->config->types[i].name))
			problem(c, types,
				arena_printf(&c->arena,
					     "no table is set for the type "
					     "'%s' of a rule set",
					     c->config->types[i].name));
}

static void check_zone(struct check *c)
{
	const struct node *node = node_get(c->config->connect, "time_zone");
	struct error err = ERROR_INIT;
	struct zone *zone = NULL;

	if (!node || node->kind != NODE_SCALAR)
		return;
	if (zone_open(node->text, &zone, &err) < 0)
		problem(c, node, err.msg);
	zone_close(zone);
}

void sql_check(const struct connector_ops *ops,
	       const struct connector_config *config, setting_report_fn report,
	       void *data)
{
	const struct sql_driver *driver = ops->data;
	const struct node *connect = config->connect;
	const struct node *types = node_get(connect, "types");
	struct check c = { config, report, data, ARENA_INIT };

	check_zone(&c);
	if (config->explore) {
		arena_release(&c.arena);
		return;
	}
	if (!driver->wait && node_get(connect, "watch"))
		problem(&c, node_get(connect, "watch"),
			"this database gives no notice of changes: leave "
			"'watch' out");
	if (types) {
		check_types(&c, types);
	} else {
		check_source(&c, connect);
		if (config->type_count > 1 && !node_get(connect, "type"))
			problem(&c, connect,
				"the rule sets have several types: write "
				"'types' with a table for each, or 'type' with "
				"the column that names it");
	}
	arena_release(&c.arena);
}

struct sv sql_session_setting(const struct connector_session *session,
			      const char *name)
{
	return setting_text(session->config->connect, source_settings, name);
}
