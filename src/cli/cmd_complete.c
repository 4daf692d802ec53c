/*
 * cmd_complete.c - `conjoin complete`: what may stand where a shell's cursor is
 *
 * The completions of bash, zsh and fish call this for every word, so that they
 * know no command, option, agent or profile themselves. What a word may be is
 * read from the usage of its command: words in capitals are looked up (AGENT,
 * PROFILE, COMMAND ...), small ones stand for themselves. A folder that cannot
 * be read completes no names, and nothing is ever reported.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/cli.h"
#include "cli/connectors.h"
#include "cli/templates.h"
#include "config/config.h"

#include <ctype.h>
#include <string.h>

#define POSITIONS_MAX 16

struct completion {
	struct cli *cli;
	const struct command *command; /* NULL: not typed yet */
	const char *folder;
	const char *words[POSITIONS_MAX]; /* behind the command */
	size_t count;
	struct sv begin; /* of the word at the cursor */
};

/* A line of the answer: the word, and behind a tab what it is. */
static void offer(const struct completion *c, const char *word,
		  const char *help)
{
	if (sv_starts(sv_from(word), c->begin))
		(void)printf("%s%s%s\n", word, help ? "\t" : "",
			     help ? help : "");
}

/* --- names of the folder ----------------------------------------------- */

static struct config *load(const struct completion *c)
{
	const struct config_options options = { connectors, NULL, 0 };
	struct error err = ERROR_INIT;
	struct config *config;

	if (config_load(c->folder, &options, &config, &err) < 0)
		return NULL;
	return config;
}

static void offer_agents(const struct completion *c)
{
	struct config *config = load(c);
	size_t i;

	for (i = 0; config && i < config->agent_count; i++)
		offer(c, config->agents[i].name,
		      config->agents[i].ops ? config->agents[i].ops->name
					    : NULL);
	config_free(config);
}

static void offer_profiles(const struct completion *c)
{
	struct config *config = load(c);
	const struct config_agent *agent = NULL;
	const char *name;
	size_t i;

	if (config && c->count)
		agent = config_agent_find(config, sv_from(c->words[0]));
	for (i = 0; agent && (name = config_profile_name(agent, i)); i++)
		offer(c, name, NULL);
	config_free(config);
}

static void offer_types(const struct completion *c)
{
	struct config *config = load(c);
	size_t i;

	for (i = 0; config && i < config->mv_type_count; i++)
		offer(c, config->mv_types[i].name, NULL);
	config_free(config);
}

/* --- names of the program ---------------------------------------------- */

static void offer_commands(const struct completion *c)
{
	const struct command *const *command;

	for (command = commands; *command; command++)
		if (!(*command)->hidden)
			offer(c, (*command)->name, (*command)->help);
}

static void offer_connectors(const struct completion *c)
{
	size_t i;

	for (i = 0; connectors[i]; i++)
		offer(c, connectors[i]->name, connectors[i]->help);
}

static void offer_functions(const struct completion *c)
{
	struct expr_function function;
	size_t i;

	for (i = 0; i < expr_function_count(); i++) {
		expr_function(i, &function);
		offer(c, function.name, function.help);
	}
}

static void offer_templates(const struct completion *c)
{
	size_t i;

	for (i = 0; templates[i].name; i++)
		offer(c, templates[i].name, templates[i].help);
}

static void offer_folders(const struct completion *c)
{
	(void)c;
	(void)puts(":folders");
}

static void offer_files(const struct completion *c)
{
	(void)c;
	(void)puts(":files");
}

/* What a word in capitals stands for; others are the user's own. */
static const struct {
	const char *word;
	void (*offer)(const struct completion *c);
} KINDS[] = {
	{ "AGENT", offer_agents },       { "TARGET", offer_agents },
	{ "PROFILE", offer_profiles },   { "TYPE", offer_types },
	{ "COMMAND", offer_commands },   { "CONNECTOR", offer_connectors },
	{ "FUNCTION", offer_functions }, { "TEMPLATE", offer_templates },
	{ "DIR", offer_folders },        { "FOLDER", offer_folders },
	{ "FILE", offer_files },
};

/* One alternative of a usage or of an option's value. */
static void offer_kind(const struct completion *c, struct sv word)
{
	size_t i;

	if (!word.len)
		return;
	if (islower((unsigned char)word.ptr[0])) {
		offer(c, arena_cstr(&c->cli->arena, word), NULL);
		return;
	}
	for (i = 0; i < sizeof(KINDS) / sizeof(*KINDS); i++)
		if (sv_eq_str(word, KINDS[i].word))
			KINDS[i].offer(c);
}

/* --- a command's usage ------------------------------------------------- */

/*
 * "[COMMAND | connector CONNECTOR | functions [FUNCTION]]" is walked word by
 * word. A bar goes back to where its group began; `fits` tells whether the
 * small words before this place are those that were typed.
 */
struct walk {
	const struct completion *c;
	size_t position;
	bool fits;
	struct {
		size_t position;
		bool fits;
	} groups[8];
	size_t depth;
};

static bool word_fits(const struct walk *w, struct sv word)
{
	size_t end = sv_find(word, '|', 0);
	const char *typed = w->c->words[w->position];

	if (!islower((unsigned char)word.ptr[0]))
		return true;
	for (;;) {
		if (sv_eq_str(sv_sub(word, 0, end), typed))
			return true;
		if (end == word.len)
			return false;
		word = sv_sub(word, end + 1, word.len);
		end = sv_find(word, '|', 0);
	}
}

/* "DN|ANCHOR" or "CLAUSE..." */
static void walk_word(struct walk *w, struct sv word)
{
	size_t target = w->c->count;
	bool again = sv_ends(word, SV_LIT("..."));
	size_t end;

	if (again)
		word.len -= 3;
	if (!word.len || word.ptr[0] == '-' || !w->fits)
		return;
	if (w->position < target && w->position < POSITIONS_MAX) {
		w->fits = word_fits(w, word);
		w->position++;
		if (!again)
			return;
	} else if (w->position != target) {
		return;
	}
	for (;; word = sv_sub(word, end + 1, word.len)) {
		end = sv_find(word, '|', 0);
		offer_kind(w->c, sv_sub(word, 0, end));
		if (end == word.len)
			break;
	}
	w->position = target + 1;
}

static void walk_sign(struct walk *w, char sign)
{
	size_t top = sizeof(w->groups) / sizeof(*w->groups) - 1;

	if (sign == '[' && w->depth < top) {
		w->depth++;
		w->groups[w->depth].position = w->position;
		w->groups[w->depth].fits = w->fits;
	} else if (sign == ']' && w->depth) {
		w->depth--;
	} else if (sign == '|') {
		w->position = w->groups[w->depth].position;
		w->fits = w->groups[w->depth].fits;
	}
}

static void offer_words(const struct completion *c)
{
	struct walk w = { .c = c, .fits = true };
	struct sv rest = sv_from(c->command->usage);
	size_t len;

	w.groups[0].fits = true;
	while (rest.len) {
		if (strchr(" []", rest.ptr[0]) ||
		    (rest.ptr[0] == '|' && rest.len > 1 &&
		     rest.ptr[1] == ' ')) {
			walk_sign(&w, rest.ptr[0]);
			rest = sv_sub(rest, 1, rest.len);
			continue;
		}
		for (len = 1; len < rest.len && !strchr(" []", rest.ptr[len]);)
			len++;
		walk_word(&w, sv_sub(rest, 0, len));
		rest = sv_sub(rest, len, rest.len);
	}
}

/* --- options ----------------------------------------------------------- */

static const struct option_def *find_option(const struct completion *c,
					    const char *word)
{
	const struct option_def *tables[] = { common_options,
					      c->command ? c->command->options
							 : NULL };
	const struct option_def *def;
	size_t i;

	for (i = 0; i < 2; i++)
		for (def = tables[i]; def && def->name; def++)
			if (!strcmp(def->name, word))
				return def;
	return NULL;
}

static void offer_options(const struct completion *c,
			  const struct option_def *defs)
{
	for (; defs && defs->name; defs++)
		offer(c, arena_printf(&c->cli->arena, "--%s", defs->name),
		      defs->help);
}

/* Takes in the word before the cursor; the option that it leaves open. */
static const struct option_def *
take_word(struct completion *c, const char *word, const struct option_def *open)
{
	const struct option_def *def;

	if (open) {
		if (!strcmp(open->name, "folder"))
			c->folder = word;
		return NULL;
	}
	if (word[0] == '-') {
		def = strncmp(word, "--", 2) ? NULL : find_option(c, word + 2);
		return def && def->value ? def : NULL;
	}
	if (!c->command)
		c->command = cli_command_find(word);
	else if (c->count < POSITIONS_MAX)
		c->words[c->count++] = word;
	return NULL;
}

static enum run_exit run(struct cli *cli)
{
	struct completion c = { .cli = cli, .folder = cli->folder };
	const struct option_def *open = NULL;
	size_t count = cli->args.words.len;
	size_t i;

	for (i = 0; i + 1 < count; i++)
		open = take_word(&c, cli_word(cli, i), open);
	c.begin = sv_from(count ? cli_word(cli, count - 1) : "");
	if (open) {
		offer_kind(&c, sv_from(open->value));
	} else if (sv_starts(c.begin, SV_LIT("-"))) {
		offer_options(&c, c.command ? c.command->options : NULL);
		offer_options(&c, common_options);
	} else if (c.command) {
		offer_words(&c);
	} else {
		offer_commands(&c);
	}
	return RUN_OK;
}

const struct command command_complete = {
	.name = "complete",
	.usage = "-- WORD...",
	.help = "what the last of the words may be, for the shells",
	.min_words = 0,
	.max_words = SIZE_MAX,
	.hidden = true,
	.run = run,
};
