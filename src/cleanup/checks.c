/*
 * checks.c - the YAML text of checks becomes rules
 *
 *     skip: [ CONDITION ]          objects that are not looked at
 *     checks:
 *       ATTRIBUTE: [ RULE ]        in their order
 *
 * A rule is `unique`, `address` ..., or a map with one of them and what goes
 * with it (docs/reference/cleanup.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cleanup/cleanup_private.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct reading {
	struct checks *checks;
	struct arena *arena;
	struct error *err;
	VEC(struct sv) groups; /* names of groups that attributes share */
	size_t group_count;    /* with those that have no name */
};

static int wrong(struct reading *reading, const struct node *at,
		 const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int wrong(struct reading *reading, const struct node *at,
		 const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return error_set(reading->err, ERR_INVALID, "%s:%d:%d: %s", at->file,
			 at->line, at->column, text);
}

static int compile(struct reading *reading, const struct node *node,
		   struct where **out)
{
	struct expr_message problem;
	struct checks *checks = reading->checks;

	if (node->kind != NODE_SCALAR)
		return wrong(reading, node, "an expression is wanted here");
	if (where_compile_any(checks->display, checks->agent, node->text,
			      reading->arena, out, &problem) < 0)
		return wrong(reading, node, "at character %zu: %s",
			     text_len(sv_sub(node->text, 0, problem.offset)) +
				     1,
			     problem.text);
	checks->needs_names |= where_needs_names(*out);
	return 0;
}

/* ---- the words of a rule ---- */

enum word {
	WORD_LENGTH,
	WORD_BLANK,
	WORD_UNIQUE,
	WORD_CHARACTERS,
	WORD_BEGINS,
	WORD_ENDS,
	WORD_TRIM,
	WORD_COLON,
	WORD_ADDRESS,
	WORD_IF,
	/* what goes with them */
	WORD_WHITE_SPACE,
	WORD_DIACRITICS,
	WORD_OF,
	WORD_TYPES,
	WORD_WHEN,
	WORD_FIX,
	WORD_ACTION,
	WORD_ERROR,
	WORD_COUNT,
};

static const char *const words[WORD_COUNT] = {
	"length", "blank", "unique",  "characters", "begins",      "ends",
	"trim",   "colon", "address", "if",         "white_space", "diacritics",
	"of",     "types", "when",    "fix",        "action",      "error",
};

#define WORDS_OF_RULES WORD_WHITE_SPACE

static int find_word(struct reading *reading, const struct node *at,
		     struct sv text)
{
	const char *near;
	int i;

	for (i = 0; i < WORD_COUNT; i++)
		if (sv_eq_str(text, words[i]))
			return i;
	near = sv_nearest(text, words, WORD_COUNT);
	return wrong(reading, at, "no rule '" SV_FMT "'%s%s%s", SV_ARG(text),
		     near ? ": did you mean '" : "", near ? near : "",
		     near ? "'?" : "");
}

static int read_switch(struct reading *reading, const struct node *node,
		       bool *out)
{
	*out = sv_eq_str(node->text, "true");
	if (node->kind != NODE_SCALAR ||
	    (!*out && !sv_eq_str(node->text, "false")))
		return wrong(reading, node, "true or false is wanted here");
	return 0;
}

static int read_number(struct reading *reading, const struct node *node,
		       size_t *out)
{
	int64_t number;

	if (node->kind != NODE_SCALAR || !sv_to_i64(node->text, &number) ||
	    number < 1)
		return wrong(reading, node,
			     "a number of 1 or more is wanted "
			     "here");
	*out = (size_t)number;
	return 0;
}

/* A text or a list of texts. */
static int read_texts(struct reading *reading, const struct node *node,
		      const char *const **out, size_t *count_out)
{
	size_t count = node->kind == NODE_LIST ? node->len : 1;
	const char **texts =
		arena_array(reading->arena, count + 1, sizeof(*texts));
	size_t i;

	for (i = 0; i < count; i++) {
		const struct node *item =
			node->kind == NODE_LIST ? node->items[i] : node;

		if (item->kind != NODE_SCALAR)
			return wrong(reading, item, "a text is wanted here");
		texts[i] = arena_cstr(reading->arena, item->text);
	}
	*out = texts;
	*count_out = count;
	return 0;
}

static int read_of(struct reading *reading, const struct node *node,
		   struct rule *rule)
{
	static const char *const kinds[] = { "smtp", "x400", "other" };
	const char *const *texts;
	size_t count;
	size_t i;
	size_t kind;

	if (read_texts(reading, node, &texts, &count) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		for (kind = 0; kind < 3; kind++)
			if (!strcmp(texts[i], kinds[kind]))
				break;
		if (kind == 3)
			return wrong(reading, node,
				     "values are smtp, x400 or other, not '%s'",
				     texts[i]);
		rule->of |= 1U << kind;
	}
	return 0;
}

/* `true`: of this attribute alone; a name: with all that have the name. */
static int read_unique(struct reading *reading, const struct node *node,
		       struct rule *rule)
{
	size_t i;

	if (node->kind != NODE_SCALAR)
		return wrong(reading, node, "true or a name is wanted here");
	rule->address = !sv_eq_str(node->text, "true");
	for (i = 0; rule->address && i < reading->groups.len; i++)
		if (sv_eq(reading->groups.at[i], node->text)) {
			rule->group = i + 1;
			return 0;
		}
	vec_push(&reading->groups, rule->address ? node->text : SV_NULL);
	rule->group = reading->groups.len;
	return 0;
}

static int read_error(struct reading *reading, const struct node *node,
		      struct rule *rule)
{
	unsigned bit;

	for (bit = CLEANUP_FORMAT; bit <= CLEANUP_LENGTH; bit <<= 1)
		if (node->kind == NODE_SCALAR &&
		    sv_eq_str(node->text,
			      cleanup_error_names(bit, reading->arena)))
			rule->error = bit;
	if (!rule->error)
		return wrong(reading, node, "an error is %s",
			     cleanup_error_names(2 * CLEANUP_LENGTH - 1,
						 reading->arena));
	return 0;
}

static int read_word(struct reading *reading, enum word word,
		     const struct node *node, struct rule *rule)
{
	bool on = true;

	if (word < WORDS_OF_RULES)
		rule->kind = (enum rule_kind)word;
	switch (word) {
	case WORD_LENGTH:
		return read_number(reading, node, &rule->length);
	case WORD_UNIQUE:
		return read_unique(reading, node, rule);
	case WORD_CHARACTERS:
	case WORD_BEGINS:
	case WORD_ENDS:
		rule->characters =
			sv_from(arena_cstr(reading->arena, node->text));
		return node->kind == NODE_SCALAR
			       ? 0
			       : wrong(reading, node,
				       "characters are wanted here");
	case WORD_BLANK:
	case WORD_TRIM:
	case WORD_COLON:
	case WORD_ADDRESS:
		if (read_switch(reading, node, &on) < 0)
			return -1;
		return on ? 0
			  : wrong(reading, node, "leave the rule out instead");
	case WORD_WHITE_SPACE:
		return read_switch(reading, node, &rule->white_space);
	case WORD_DIACRITICS:
		return read_switch(reading, node, &rule->diacritics);
	case WORD_IF:
		return compile(reading, node, &rule->condition);
	case WORD_OF:
		return read_of(reading, node, rule);
	case WORD_TYPES:
		return read_texts(reading, node, &rule->types,
				  &rule->type_count);
	case WORD_WHEN:
		return compile(reading, node, &rule->when);
	case WORD_FIX:
		return compile(reading, node, &rule->fix);
	case WORD_ACTION:
		return compile(reading, node, &rule->action);
	case WORD_ERROR:
		return read_error(reading, node, rule);
	case WORD_COUNT:
		break;
	}
	return 0;
}

static int read_rule(struct reading *reading, const struct node *node,
		     struct rule *rule)
{
	const struct node is_true = { .kind = NODE_SCALAR,
				      .text = SV_LIT("true"),
				      .file = node->file,
				      .line = node->line,
				      .column = node->column };
	int kinds = 0;
	size_t i;

	if (node->kind == NODE_LIST)
		return wrong(reading, node, "a rule is a word or a map");
	if (node->kind == NODE_SCALAR) {
		int word = find_word(reading, node, node->text);

		return word < 0 ? -1
				: read_word(reading, (enum word)word, &is_true,
					    rule);
	}
	for (i = 0; i < node->len; i++) {
		int word =
			find_word(reading, node->keys[i], node->keys[i]->text);

		if (word < 0 || read_word(reading, (enum word)word,
					  node->items[i], rule) < 0)
			return -1;
		kinds += word < (int)WORDS_OF_RULES;
	}
	if (kinds != 1)
		return wrong(reading, node,
			     "a rule has one of length, blank, unique, "
			     "characters, begins, ends, trim, colon, address "
			     "and if");
	if ((rule->kind == RULE_IF) != (rule->error != 0))
		return wrong(reading, node, "'if' and 'error' go together");
	return 0;
}

/* ---- attributes ---- */

bool checks_find_attr(const struct checks *checks, struct sv name,
		      uint32_t *number_out, const char **name_out)
{
	struct store *store = checks->display->store;
	const char *known;
	uint32_t i;

	for (i = 1; (known = store_attr_name(store, i)); i++)
		if (sv_ieq_str(name, known))
			break;
	if (!known || display_is_secret(known))
		return false;
	*number_out = i;
	*name_out = known;
	return true;
}

static int read_check(struct reading *reading, const struct node *key,
		      const struct node *list)
{
	struct checks *checks = reading->checks;
	struct check *check = &checks->checks[checks->count];
	size_t i;

	if (list->kind != NODE_LIST)
		return wrong(reading, list, "a list of rules is wanted here");
	check->rules = arena_zalloc(reading->arena,
				    (list->len + 1) * sizeof(*check->rules));
	for (i = 0; i < list->len; i++)
		if (read_rule(reading, list->items[i], &check->rules[i]) < 0)
			return -1;
	check->count = list->len;
	if (checks_find_attr(checks, key->text, &check->number, &check->attr))
		checks->count++;
	else
		checks->unread[checks->unread_count++] =
			arena_cstr(reading->arena, key->text);
	return 0;
}

static int read_checks(struct reading *reading, const struct node *map)
{
	struct checks *checks = reading->checks;
	size_t i;

	if (map->kind != NODE_MAP || !map->len)
		return wrong(reading, map,
			     "a map from attributes to rules is "
			     "wanted here");
	checks->checks = arena_zalloc(reading->arena,
				      map->len * sizeof(*checks->checks));
	checks->unread =
		arena_array(reading->arena, map->len, sizeof(*checks->unread));
	for (i = 0; i < map->len; i++)
		if (read_check(reading, map->keys[i], map->items[i]) < 0)
			return -1;
	return 0;
}

static int read_skips(struct reading *reading, const struct node *list)
{
	struct checks *checks = reading->checks;
	size_t i;

	if (list->kind != NODE_LIST)
		return wrong(reading, list,
			     "a list of conditions is wanted here");
	checks->skip = arena_array(reading->arena, list->len + 1,
				   sizeof(*checks->skip));
	for (i = 0; i < list->len; i++)
		if (compile(reading, list->items[i], &checks->skip[i]) < 0)
			return -1;
	checks->skip_count = list->len;
	return 0;
}

static int read_root(struct reading *reading, const struct node *root)
{
	static const char *const known[] = { "about", "skip", "checks" };
	size_t i;

	if (root->kind != NODE_MAP)
		return wrong(reading, root, "a map with 'checks' is wanted");
	for (i = 0; i < root->len; i++) {
		struct sv key = root->keys[i]->text;
		int ret = 0;

		if (sv_eq_str(key, "skip"))
			ret = read_skips(reading, root->items[i]);
		else if (sv_eq_str(key, "checks"))
			ret = read_checks(reading, root->items[i]);
		else if (!sv_eq_str(key, "about"))
			ret = wrong(reading, root->keys[i],
				    "no '" SV_FMT "' here: did you mean '%s'?",
				    SV_ARG(key),
				    sv_nearest(key, known, 3)
					    ? sv_nearest(key, known, 3)
					    : "checks");
		if (ret < 0)
			return -1;
	}
	if (!reading->checks->checks)
		return wrong(reading, root, "there are no 'checks'");
	return 0;
}

int checks_read(struct display *display, const struct config_agent *agent,
		const char *file, struct sv text, struct arena *arena,
		struct checks **out, struct error *err)
{
	struct checks *checks = arena_zalloc(arena, sizeof(*checks));
	struct reading reading = { .checks = checks,
				   .arena = arena,
				   .err = err };
	const char *ignored;
	struct node *root;
	int ret;

	*checks = (struct checks){ .display = display, .agent = agent };
	checks->agent_number = store_name_find(display->store, NAME_AGENT,
					       sv_from(agent->name));
	if (!checks_find_attr(checks, SV_LIT("cn"), &checks->name, &ignored))
		checks->name = UINT32_MAX;
	ret = config_yaml(file, text, arena, &root, err);
	if (ret == 0)
		ret = read_root(&reading, root);
	vec_release(&reading.groups);
	*out = checks;
	return ret;
}

const char *const *checks_unread(const struct checks *checks, size_t *count_out)
{
	*count_out = checks->unread_count;
	return checks->unread;
}
