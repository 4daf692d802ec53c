/*
 * json_compose.c - an object with other values, all else as it stands
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/records/json.h"
#include "connectors/records/json_scan.h"

/* A value, and the name it has in its object. */
struct json_node {
	enum json_kind kind;
	struct sv name;
	struct sv lead;  /* white space before the name */
	struct sv head;  /* the name as it is written, and the colon */
	struct sv value; /* of all but objects */
	struct sv close; /* of an object: white space before its end */
	struct json_node *first;
	struct json_node *next;
};

/* --- from text --------------------------------------------------------- */

static struct json_node *read_value(struct json_scan *s, struct arena *arena);

static bool read_members(struct json_scan *s, struct json_node *node,
			 struct arena *arena)
{
	struct json_node **at = &node->first;
	bool first = true;
	size_t from;

	if (!json_enter(s))
		return false;
	from = s->at;
	while (json_more(s, first)) {
		struct json_node *member;
		struct sv name;
		size_t begin;
		size_t head;

		begin = first ? from : s->at;
		first = false;
		(void)json_peek(s);
		head = s->at;
		if (!json_member(s, arena, &name))
			return false;
		(void)json_peek(s);
		from = s->at;
		*at = read_value(s, arena);
		if (!*at)
			return false;
		member = *at;
		member->name = name;
		member->lead = sv_sub(s->text, begin, head);
		member->head = sv_sub(s->text, head, from);
		at = &member->next;
		from = s->at;
	}
	if (!s->error)
		node->close = sv_sub(s->text, from, s->at - 1);
	return !s->error;
}

static struct json_node *read_value(struct json_scan *s, struct arena *arena)
{
	struct json_node *node = arena_zalloc(arena, sizeof(*node));
	size_t from;

	node->kind = json_peek(s);
	from = s->at;
	if (node->kind == JSON_OBJECT)
		return read_members(s, node, arena) ? node : NULL;
	if (!json_skip(s))
		return NULL;
	node->value = sv_sub(s->text, from, s->at);
	return node;
}

/* --- changes ----------------------------------------------------------- */

/* A place in an object: the member that a name leads to, or the object that it
 * would be a new member of. */
struct spot {
	struct json_node *object;
	struct json_node *member; /* or NULL */
	struct sv name;           /* what is left of the name */
	bool list;                /* it leads into a list */
};

static struct spot find_spot(struct json_node *object, struct sv name)
{
	struct spot spot = { .object = object, .name = name };
	struct json_node *m;

	for (m = object->first; m; m = m->next)
		if (sv_ieq(m->name, name) &&
		    (!spot.member || m->kind != JSON_OBJECT))
			spot.member = m;
	if (spot.member)
		return spot;
	for (m = object->first; m; m = m->next) {
		size_t len = m->name.len;

		if (name.len <= len + 1 || name.ptr[len] != '.' ||
		    !sv_ieq(m->name, sv_sub(name, 0, len)))
			continue;
		if (m->kind == JSON_OBJECT)
			return find_spot(m, sv_sub(name, len + 1, name.len));
		spot.list = m->kind == JSON_ARRAY;
	}
	return spot;
}

static struct sv word_or_string(const struct record_set *set, struct sv text,
				struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv made;

	if (set->def &&
	    (set->def->type == VALUE_INTEGER ||
	     set->def->type == VALUE_BOOLEAN) &&
	    json_is_word(text))
		return text;
	json_add_string(&out, text);
	made = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return made;
}

static struct sv set_value(const struct record_set *set, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv made;
	size_t i;

	if (set->count == 1 &&
	    !(set->def && set->def->multi && !set->def->separator.len))
		return word_or_string(set, set->values[0], arena);
	strbuf_addc(&out, '[');
	for (i = 0; i < set->count; i++) {
		if (i)
			strbuf_addc(&out, ',');
		strbuf_addsv(&out, word_or_string(set, set->values[i], arena));
	}
	strbuf_addc(&out, ']');
	made = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return made;
}

static void drop(struct spot *spot)
{
	struct json_node **at = &spot->object->first;

	while (*at && *at != spot->member)
		at = &(*at)->next;
	if (*at)
		*at = spot->member->next;
}

/* A new member, written as the last one is. */
static struct json_node *append(struct json_node *object, struct sv name,
				struct arena *arena)
{
	struct json_node *made = arena_zalloc(arena, sizeof(*made));
	struct strbuf head = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct json_node **at = &object->first;
	bool blank = false;

	while (*at) {
		made->lead = (*at)->lead;
		blank = sv_ends((*at)->head, SV_LIT(" "));
		at = &(*at)->next;
	}
	json_add_string(&head, name);
	strbuf_adds(&head, blank ? ": " : ":");
	made->name = name;
	made->head = arena_dup(arena, strbuf_sv(&head));
	strbuf_release(&head);
	*at = made;
	return made;
}

/* Makes the objects that the name leads through. */
static struct json_node *make_member(struct spot *spot, struct arena *arena)
{
	struct json_node *object = spot->object;
	struct sv name = spot->name;
	size_t dot;

	while ((dot = sv_find(name, '.', 0)) < name.len) {
		struct spot step = find_spot(object, sv_sub(name, 0, dot));

		if (!step.member || step.member->kind != JSON_OBJECT) {
			object = append(object, sv_sub(name, 0, dot), arena);
			object->kind = JSON_OBJECT;
		} else {
			object = step.member;
		}
		name = sv_sub(name, dot + 1, name.len);
	}
	return append(object, name, arena);
}

/* Is there an object in a list, or in one that lies in it? */
static bool has_objects(struct json_scan *s)
{
	enum json_kind kind = json_peek(s);
	bool first = true;

	if (kind != JSON_ARRAY)
		return !json_skip(s) || kind == JSON_OBJECT;
	if (!json_enter(s))
		return true;
	while (json_more(s, first)) {
		first = false;
		if (has_objects(s))
			return true;
	}
	return false;
}

static bool holds_more(const struct json_node *node)
{
	struct json_scan scan = json_scan(node->value);

	return node->kind == JSON_OBJECT ||
	       (node->kind == JSON_ARRAY && has_objects(&scan));
}

/* A name may come twice: one of them stays. */
static void drop_others(struct json_node *root, const struct record_set *set,
			struct json_node *kept)
{
	struct sv name = kept->name;
	struct spot other;

	kept->name = SV_NULL;
	for (;;) {
		other = find_spot(root, set->name);
		if (!other.member || holds_more(other.member))
			break;
		drop(&other);
	}
	kept->name = name;
}

static int set_member(struct record_edit *edit, struct json_node *root,
		      const struct record_set *set)
{
	struct spot spot = find_spot(root, set->name);

	if (spot.list || (spot.member && holds_more(spot.member)))
		return record_refuse(
			edit, "invalid-attribute-value",
			arena_printf(edit->arena,
				     "'" SV_FMT "' lies in a list of objects "
				     "or is one, which cannot be written",
				     SV_ARG(set->name)));
	if (spot.member)
		drop_others(root, set, spot.member);
	if (!set->count) {
		if (spot.member)
			drop(&spot);
		return 0;
	}
	if (!spot.member)
		spot.member = make_member(&spot, edit->arena);
	spot.member->kind = JSON_WORD;
	spot.member->value = set_value(set, edit->arena);
	return 0;
}

/* --- to text ----------------------------------------------------------- */

static void write_node(const struct json_node *node, struct strbuf *out)
{
	const struct json_node *m;

	if (node->kind != JSON_OBJECT) {
		strbuf_addsv(out, node->value);
		return;
	}
	strbuf_addc(out, '{');
	for (m = node->first; m; m = m->next) {
		if (m != node->first)
			strbuf_addc(out, ',');
		strbuf_addsv(out, m->lead);
		strbuf_addsv(out, m->head);
		write_node(m, out);
	}
	strbuf_addsv(out, node->close);
	strbuf_addc(out, '}');
}

int json_compose(struct record_edit *edit)
{
	struct json_scan scan =
		json_scan(edit->old.len ? edit->old : SV_LIT("{}"));
	struct json_node *root = read_value(&scan, edit->arena);
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;

	if (!root || root->kind != JSON_OBJECT)
		return record_refuse(edit, "cd-error",
				     "the record in the file is broken");
	for (i = 0; i < edit->count; i++)
		if (set_member(edit, root, &edit->sets[i]) < 0)
			return -1;
	write_node(root, &out);
	edit->out = arena_dup(edit->arena, strbuf_sv(&out));
	strbuf_release(&out);
	return 0;
}
