/*
 * build.c - a pending export as an operation for the connector
 *
 * Of several values only the difference is sent; a single one is replaced.
 * References become the DN or anchor of their target.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "export/export_private.h"

#include "model/dn.h"

#include <string.h>

/* Classes of containers, by the attribute that names them. */
static const struct {
	const char *naming;
	const char *type;
} CONTAINERS[] = {
	{ "ou", "organizationalUnit" },
	{ "o", "organization" },
	{ "dc", "domain" },
	{ "c", "country" },
	{ "l", "locality" },
	{ "cn", "container" },
};
#define CONTAINER_COUNT (sizeof(CONTAINERS) / sizeof(*CONTAINERS))

void export_types(const struct config_agent *agent, struct arena *arena,
		  struct object_type **out, size_t *count_out)
{
	size_t i;

	*count_out = agent->type_count + CONTAINER_COUNT;
	*out = arena_array(arena, *count_out, sizeof(**out));
	for (i = 0; i < agent->type_count; i++)
		(*out)[i] = agent->types[i];
	for (i = 0; i < CONTAINER_COUNT; i++)
		(*out)[agent->type_count + i].name = CONTAINERS[i].type;
}

static size_t container_type(struct export_step *step, struct sv rdn)
{
	struct sv type = SV_NULL;
	struct sv value;
	size_t i;

	(void)dn_component(rdn, 1, &step->arena, &type, &value);
	for (i = 0; i + 1 < CONTAINER_COUNT; i++)
		if (sv_ieq_str(type, CONTAINERS[i].naming))
			break;
	return step->agent->type_count + i;
}

static int find_type(struct export_step *step, const struct entry *entry,
		     size_t *out, struct error *err)
{
	size_t i;

	if (!entry->row.type) {
		*out = container_type(step, entry->row.rdn);
		return 0;
	}
	for (i = 0; i < step->agent->type_count; i++) {
		const char *name = step->agent->types[i].name;

		if (store_name_find(step->store, NAME_TYPE, sv_from(name)) ==
		    entry->row.type) {
			*out = i;
			return 0;
		}
	}
	return error_set(err, ERR_INVALID,
			 "no-export-to-this-object-type: type '%s' is not in "
			 "the configuration of '%s'",
			 store_name(step->store, NAME_TYPE, entry->row.type),
			 step->agent->name);
}

/* By the name that it had it would be whoever has that now. 1: it has one. */
static int check_name(struct export_step *step, int64_t id, int64_t parent,
		      struct sv rdn, struct error *err)
{
	struct sv dn;
	int ret = step->any_nameless ? export_nameless(step->store, id, err)
				     : 0;

	if (ret <= 0)
		return ret < 0 ? -1 : 1;
	if (tree_dn(&step->tree, parent, rdn, TREE_EXPECTED, &step->arena, &dn,
		    err) < 0)
		return -1;
	return error_set(err, ERR_INVALID,
			 "dn-attributes-failure: it refers to the object that "
			 "was '" SV_FMT "' until another one took that name; "
			 "it is sent when an import tells its new name",
			 SV_ARG(dn));
}

/* As the target will be called; there may be many. */
static int reference_text(struct export_step *step, struct value *value,
			  struct error *err)
{
	const struct sv *known =
		idmap_get_ptr(&step->names, (uint64_t)value->number);
	struct arena scratch = ARENA_INIT;
	struct sv anchor;
	int64_t parent;
	struct sv rdn;
	int ret;

	if (known) {
		value->text = *known;
		return 0;
	}
	ret = store_expected_name(step->store, value->number, &scratch, &parent,
				  &rdn, &anchor, err);
	value->text = SV_NULL;
	if (ret > 0 && !step->has_dn)
		value->text = arena_dup(&step->arena, anchor);
	else if (ret > 0)
		ret = check_name(step, value->number, parent, rdn, err);
	if (ret > 0 && step->has_dn)
		ret = tree_dn(&step->tree, parent, rdn, TREE_EXPECTED,
			      &step->arena, &value->text, err);
	arena_release(&scratch);
	return ret < 0 ? -1 : 0;
}

/* A copy whose references have their text; one without is left out. */
static int send_values(struct export_step *step, const struct values *values,
		       struct values *out, struct error *err)
{
	size_t i;

	*out = (struct values){ NULL, 0 };
	if (!values)
		return 0;
	out->at = arena_array(&step->arena, values->len, sizeof(*out->at));
	for (i = 0; i < values->len; i++) {
		struct value value = values->at[i];

		if (value.type == VALUE_REFERENCE) {
			if (reference_text(step, &value, err) < 0)
				return -1;
			if (!value.text.len)
				continue;
		} else if (seal_is(value.text)) {
			if (seal_open(step->options->seal, value.text,
				      &step->arena, &value.text, err) < 0)
				return -1;
			vec_push(&step->opened, value.text);
		}
		out->at[out->len++] = value;
	}
	return 0;
}

static struct values less(struct export_step *step, const struct values *all,
			  const struct values *known)
{
	struct idmap ids = IDMAP_INIT;
	struct values out = { NULL, 0 };
	bool many = known->len > 16 && known->at[0].type == VALUE_REFERENCE;
	size_t i;

	out.at = arena_array(&step->arena, all->len, sizeof(*out.at));
	for (i = 0; many && i < known->len; i++)
		idmap_put(&ids, (uint64_t)known->at[i].number, 1);
	for (i = 0; i < all->len; i++)
		if (many ? !idmap_get(&ids, (uint64_t)all->at[i].number, NULL)
			 : !values_have(known, &all->at[i], MATCH_EXACT))
			out.at[out.len++] = all->at[i];
	idmap_release(&ids);
	return out;
}

static int add_change(struct export_step *step, struct export_op *op,
		      size_t attr, enum attr_op how,
		      const struct values *values, struct error *err)
{
	struct attr_change *change = &op->attrs[op->attr_count];

	change->attr = attr;
	change->op = how;
	if (send_values(step, values, &change->values, err) < 0)
		return -1;
	if (how != ATTR_REPLACE && !change->values.len)
		return 0;
	op->attr_count++;
	return 0;
}

static int attr_changes(struct export_step *step, const struct entry *entry,
			struct export_op *op, const struct image_attr *wanted,
			size_t attr, const struct image *written,
			struct error *err)
{
	const struct values none = { NULL, 0 };
	const struct values *before = image_get(written, wanted->attr);
	const struct attr_def *def = &step->agent->types[op->type].attrs[attr];
	struct values gone;
	struct values come;

	if (!before)
		before = &none;
	if (entry->pending.op == PENDING_ADD ||
	    entry->pending.op == PENDING_DELETE_ADD || !def->multi ||
	    !before->len || !wanted->values.len)
		return add_change(step, op, attr, ATTR_REPLACE, &wanted->values,
				  err);
	gone = less(step, before, &wanted->values);
	come = less(step, &wanted->values, before);
	/* nothing in common: one replacement says it */
	if (gone.len == before->len)
		return add_change(step, op, attr, ATTR_REPLACE, &wanted->values,
				  err);
	if (gone.len && add_change(step, op, attr, ATTR_DELETE, &gone, err) < 0)
		return -1;
	return come.len ? add_change(step, op, attr, ATTR_ADD, &come, err) : 0;
}

bool build_withholds(const struct export_step *step, const struct entry *entry)
{
	return (step->connector->caps & CONNECTOR_CAP_REFERENCES_LATER) &&
	       (entry->pending.op == PENDING_ADD ||
		entry->pending.op == PENDING_DELETE_ADD);
}

static bool is_reference(const struct image_attr *attr)
{
	return attr->values.len && attr->values.at[0].type == VALUE_REFERENCE;
}

static int all_changes(struct export_step *step, const struct entry *entry,
		       struct export_op *op, struct error *err)
{
	struct image written = entry_written(entry, &step->arena);
	const struct image *wanted = &entry->pending.attrs;
	bool withholds = build_withholds(step, entry);
	size_t i;
	size_t k;

	op->attrs = arena_array(&step->arena, wanted->len * 2 + 1,
				sizeof(*op->attrs));
	if (op->type >= step->agent->type_count)
		return 0;
	for (i = 0; i < wanted->len; i++) {
		const attr_id *ids = step->agent->type_attr_ids[op->type];
		size_t count = step->agent->types[op->type].attr_count;

		if (withholds && is_reference(&wanted->attrs[i]))
			continue;
		for (k = 0; k < count && ids[k] != wanted->attrs[i].attr; k++)
			;
		if (k < count &&
		    attr_changes(step, entry, op, &wanted->attrs[i], k,
				 &written, err) < 0)
			return -1;
	}
	return 0;
}

/* All that it will have; what has no values is not named. */
static int whole_object(struct export_step *step, const struct entry *entry,
			struct export_op *op, struct error *err)
{
	struct image expected = entry_expected(entry, &step->arena);
	const attr_id *ids = step->agent->type_attr_ids[op->type];
	size_t count = step->agent->types[op->type].attr_count;
	size_t i;

	op->attrs = arena_array(&step->arena, count + 1, sizeof(*op->attrs));
	for (i = 0; i < count; i++) {
		const struct values *values = image_get(&expected, ids[i]);

		if (values && values->len &&
		    add_change(step, op, i, ATTR_REPLACE, values, err) < 0)
			return -1;
	}
	return 0;
}

enum export_kind build_kind(const struct entry *entry)
{
	switch (entry->pending.op) {
	case PENDING_NONE:
	case PENDING_UPDATE:
		break;
	case PENDING_ADD:
		return EXPORT_ADD;
	case PENDING_DELETE_ADD:
		return EXPORT_DELETE_ADD;
	case PENDING_DELETE:
		return EXPORT_DELETE;
	}
	return entry->pending.rdn.len ? EXPORT_RENAME : EXPORT_UPDATE;
}

#define NAMES_BYTES ((size_t)16 << 20)

/* What is written is what others in the same export refer to. */
static void keep_name(struct export_step *step, int64_t id, struct sv dn)
{
	struct sv *kept;

	if (!dn.len || arena_size(&step->run_arena) > NAMES_BYTES)
		return;
	kept = arena_alloc(&step->run_arena, sizeof(*kept));
	*kept = arena_dup(&step->run_arena, dn);
	idmap_put_ptr(&step->names, (uint64_t)id, kept);
}

int build_op(struct export_step *step, const struct entry *entry,
	     struct export_op *out, struct error *err)
{
	int64_t parent;
	struct sv rdn;

	memset(out, 0, sizeof(*out));
	out->id = (uint64_t)entry->row.id;
	out->retry = entry->pending.in_progress;
	out->anchor = entry->row.anchor;
	if (find_type(step, entry, &out->type, err) < 0)
		return -1;
	entry_written_name(entry, &parent, &rdn);
	if (tree_dn(&step->tree, parent, rdn, TREE_EXPECTED, &step->arena,
		    &out->dn, err) < 0)
		return -1;
	out->kind = build_kind(entry);
	if (out->kind == EXPORT_DELETE)
		return 0;
	if (out->kind == EXPORT_RENAME &&
	    tree_dn(&step->tree, entry->pending.parent, entry->pending.rdn,
		    TREE_EXPECTED, &step->arena, &out->new_dn, err) < 0)
		return -1;
	keep_name(step, entry->row.id, out->new_dn.len ? out->new_dn : out->dn);
	if (out->kind == EXPORT_UPDATE &&
	    step->connector->caps & CONNECTOR_CAP_WHOLE &&
	    out->type < step->agent->type_count)
		return whole_object(step, entry, out, err);
	return all_changes(step, entry, out, err);
}

static struct values row_values(struct export_step *step,
				const struct member *rows, size_t count,
				bool wanted)
{
	struct values out = { NULL, 0 };
	size_t i;

	out.at = arena_array(&step->arena, count, sizeof(*out.at));
	for (i = 0; i < count; i++)
		if (rows[i].flags & MEMBER_PENDING &&
		    member_in_expected(&rows[i]) == wanted &&
		    member_in_written(&rows[i]) != wanted)
			out.at[out.len++] =
				value_reference(rows[i].target, SV_NULL);
	return out;
}

/* `rows` of one attribute. */
static int set_changes(struct export_step *step, const struct member *rows,
		       size_t count, struct export_op *op, struct error *err)
{
	const struct attr_map *map = store_attr_map(step->store);
	const attr_id *ids = step->agent->type_attr_ids[op->type];
	size_t len = step->agent->types[op->type].attr_count;
	struct values gone = row_values(step, rows, count, false);
	struct values come = row_values(step, rows, count, true);
	size_t k;

	for (k = 0; k < len && ids[k] != map->from_store[rows->attr]; k++)
		;
	if (k == len)
		return 0;
	if (gone.len && add_change(step, op, k, ATTR_DELETE, &gone, err) < 0)
		return -1;
	return come.len ? add_change(step, op, k, ATTR_ADD, &come, err) : 0;
}

int build_sets(struct export_step *step, const struct entry *entry,
	       const struct member *rows, size_t count, struct export_op *out,
	       struct error *err)
{
	size_t from;
	size_t to;

	memset(out, 0, sizeof(*out));
	out->id = (uint64_t)entry->row.id;
	out->kind = EXPORT_UPDATE;
	out->retry = entry->pending.in_progress;
	out->anchor = entry->row.anchor;
	if (find_type(step, entry, &out->type, err) < 0 ||
	    tree_dn(&step->tree, entry->row.parent, entry->row.rdn,
		    TREE_EXPECTED, &step->arena, &out->dn, err) < 0)
		return -1;
	keep_name(step, entry->row.id, out->dn);
	out->attrs =
		arena_array(&step->arena, 2 * count + 1, sizeof(*out->attrs));
	for (from = 0; from < count; from = to) {
		for (to = from; to < count && rows[to].attr == rows[from].attr;
		     to++)
			;
		if (set_changes(step, rows + from, to - from, out, err) < 0)
			return -1;
	}
	return 0;
}

int build_passing_name(struct export_step *step, int64_t id, struct sv rdn,
		       struct sv *out, struct error *err)
{
	struct sv value;
	struct sv type;

	if (!dn_component(rdn, 1, &step->arena, &type, &value))
		return error_set(err, ERR_INVALID,
				 "invalid-dn: '" SV_FMT "' has no name",
				 SV_ARG(rdn));
	*out = sv_from(arena_printf(&step->arena, SV_FMT "=conjoin-%llx",
				    SV_ARG(type), (unsigned long long)id));
	return 0;
}

int build_untie(struct export_step *step, const struct entry *entry,
		struct export_op *out, struct error *err)
{
	int64_t parent;
	struct sv rdn;

	memset(out, 0, sizeof(*out));
	out->id = (uint64_t)entry->row.id | UNTIE_ID;
	out->kind = EXPORT_RENAME;
	out->retry = entry->pending.aside;
	out->anchor = entry->row.anchor;
	entry_written_name(entry, &parent, &rdn);
	if (find_type(step, entry, &out->type, err) < 0 ||
	    tree_dn(&step->tree, parent, rdn, TREE_EXPECTED, &step->arena,
		    &out->dn, err) < 0 ||
	    build_passing_name(step, entry->row.id, rdn, &rdn, err) < 0)
		return -1;
	return tree_dn(&step->tree, parent, rdn, TREE_EXPECTED, &step->arena,
		       &out->new_dn, err);
}
