/*
 * cmd_search.c - `conjoin search mv|cs`: objects by clause, type, state, name
 *
 * One object is shown with all its parts, several as a table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/columns.h"
#include "cli/moment.h"
#include "cli/session.h"
#include "cli/show.h"
#include "inspect/search.h"
#include "model/dn.h"

#include <string.h>

#define TERMINAL_LIMIT 100

static const struct option_def options[] = {
	{ "type", "TYPE", false, "objects of this type" },
	{ "state", "STATE", false,
	  "cs: connector, disconnector, filtered, explicit, pending-import, "
	  "pending-export, awaiting, error, placeholder, container or transient" },
	{ "where", "CONDITION", false,
	  "objects for which it is true, in the language of rules" },
	{ "columns", "A,B,...", false,
	  "show these: attributes, and id, agent, type, state, name, dn, "
	  "anchor, mv, rule_set, error, pending, connectors" },
	{ "sort", "[-]COLUMN", false, "in this order; -: downwards" },
	{ "csv", NULL, false, "as CSV" },
	{ "as-of", "TIME", false,
	  "mv: as it was then; 2026-01-31, 2026-01-31T18:00:00Z, '7 days'" },
	{ "limit", "N", false,
	  "at most N objects; default on a terminal: 100; 0: all" },
	{ NULL, NULL, false, NULL },
};

struct finding {
	struct session *session;
	struct cli *cli;
	struct search_query query;
	VEC(struct search_clause) clauses;
	int64_t limit; /* 0: none */
	int64_t count;
	bool more;
	int64_t first; /* id */
	bool listed;   /* by columns */
	struct columns columns;
	struct error failed; /* of the output */
	struct table table;
	struct json_stream stream;
};

/* --- the words --------------------------------------------------------- */

static int read_limit(struct finding *finding, struct error *err)
{
	const struct cli *cli = finding->cli;

	if (!cli->output.json && cli->output.terminal &&
	    !args_has(&cli->args, "csv"))
		finding->limit = TERMINAL_LIMIT;
	return args_number(&cli->args, "limit", &finding->limit, err);
}

static int read_state(struct finding *finding, struct error *err)
{
	struct cli *cli = finding->cli;
	const char *state = args_value(&cli->args, "state");
	size_t count = 0;
	bool known = false;

	for (; search_states[count]; count++)
		if (state && !strcmp(state, search_states[count]))
			known = true;
	if (state && !known)
		return error_set(
			err, ERR_INVALID, "no state '%s'%s", state,
			cli_near(cli, state, search_states, count, ""));
	finding->query.state = state;
	return 0;
}

/* A word that is no clause: an object's name, or in the metaverse a type. */
static int read_name(struct finding *finding, struct sv word, bool first,
		     struct error *err)
{
	int64_t id;

	if (!first || finding->query.name.len)
		return error_set(err, ERR_INVALID,
				 "'" SV_FMT "' is not a clause: write "
				 "ATTRIBUTE=VALUE, ^=, ~= or !=",
				 SV_ARG(word));
	if (finding->query.agent || sv_to_i64(word, &id))
		finding->query.name = word;
	else
		finding->query.type = word.ptr;
	return 0;
}

static int read_as_of(struct finding *finding, struct error *err)
{
	const char *as_of = args_value(&finding->cli->args, "as-of");

	if (!as_of)
		return 0;
	if (finding->query.agent)
		return error_set(err, ERR_INVALID,
				 "--as-of looks at the metaverse: search mv");
	return moment_read(as_of, &finding->query.as_of, err);
}

static bool is_attr(struct store *store, struct sv name)
{
	const char *known;
	uint32_t i;

	for (i = 1; (known = store_attr_name(store, i)); i++)
		if (sv_ieq_str(name, known))
			return true;
	return false;
}

/* A DN looks like a clause; it is one when there is no such object but such an
 * attribute. */
static int is_name(struct finding *finding, struct sv word, struct error *err)
{
	struct search_clause clause;
	int64_t *ids;
	int count;

	if (!finding->query.agent || !dn_valid(word))
		return 0;
	count = search_cs_find(&finding->session->display, finding->query.agent,
			       word, &finding->cli->arena, &ids, err);
	if (count)
		return count;
	return dn_depth(word) > 1 && search_clause_parse(word, &clause) &&
	       !is_attr(finding->session->store, clause.attr);
}

static int read_words(struct finding *finding, size_t from, struct error *err)
{
	struct cli *cli = finding->cli;
	size_t i;

	for (i = from; i < cli->args.words.len; i++) {
		struct sv word = sv_from(cli_word(cli, i));
		struct search_clause clause;
		int name = is_name(finding, word, err);

		if (name < 0)
			return -1;
		if (!name && search_clause_parse(word, &clause))
			vec_push(&finding->clauses, clause);
		else if (read_name(finding, word, i == from, err) < 0)
			return -1;
	}
	finding->query.clauses = finding->clauses.at;
	finding->query.clause_count = finding->clauses.len;
	return 0;
}

/* --- what is found ----------------------------------------------------- */

/* false: enough */
static bool count_one(struct finding *finding, int64_t id)
{
	bool full = finding->limit && finding->count >= finding->limit;

	/* the first of what is sorted may come last */
	if (full) {
		finding->more = true;
		if (!finding->columns.sort)
			return false;
	}
	if (!finding->count++)
		finding->first = id;
	return true;
}

/* Values that were searched by are worth a column. */
static void add_searched(struct finding *finding,
			 const struct display_attrs *attrs)
{
	const struct search_clause *clause;

	vec_foreach(&finding->clauses, clause)
		table_add(&finding->table, show_first(attrs, clause->attr));
}

static int on_mv(void *data, const struct display_mv *object)
{
	struct finding *finding = data;
	struct arena arena = ARENA_INIT;
	struct strbuf agents = STRBUF_INIT(1000);
	size_t i;

	if (!count_one(finding, object->id))
		return 1;
	if (finding->listed) {
		if (columns_mv(&finding->columns, object,
			       finding->cli->output.json
				       ? show_mv_json(object, &arena)
				       : NULL,
			       &finding->failed) < 0)
			return 1;
	} else if (finding->cli->output.json) {
		json_stream_add(&finding->stream, show_mv_json(object, &arena));
	} else {
		table_addf(&finding->table, "%lld", (long long)object->id);
		table_add(&finding->table, sv_from(object->type));
		table_add(&finding->table, show_title(&object->attrs));
		add_searched(finding, &object->attrs);
		for (i = 0; i < object->connector_count; i++)
			strbuf_addf(&agents, "%s%s", i ? ", " : "",
				    object->connectors[i].agent);
		table_add(&finding->table, strbuf_sv(&agents));
	}
	strbuf_release(&agents);
	arena_release(&arena);
	return 0;
}

static void add_motion(struct finding *finding, const struct display_cs *object)
{
	struct strbuf text = STRBUF_INIT(400);

	if (object->import)
		strbuf_addf(&text, "import %s", object->import);
	if (object->pending.operation)
		strbuf_addf(&text, "%sexport %s", text.len ? ", " : "",
			    object->pending.operation);
	if (object->awaiting.operation)
		strbuf_addf(&text, "%sawaiting %s", text.len ? ", " : "",
			    object->awaiting.operation);
	if (object->has_error)
		strbuf_addf(&text, "%serror " SV_FMT, text.len ? ", " : "",
			    SV_ARG(object->error.code));
	table_add(&finding->table, strbuf_sv(&text));
	strbuf_release(&text);
}

static int on_cs(void *data, const struct display_cs *object)
{
	struct finding *finding = data;
	struct arena arena = ARENA_INIT;

	if (!count_one(finding, object->id))
		return 1;
	if (finding->listed) {
		if (columns_cs(&finding->columns, object,
			       finding->cli->output.json
				       ? show_cs_json(object, SHOW_ALL, &arena)
				       : NULL,
			       &finding->failed) < 0)
			return 1;
	} else if (finding->cli->output.json) {
		json_stream_add(&finding->stream,
				show_cs_json(object, SHOW_ALL, &arena));
	} else {
		table_add(&finding->table,
			  sv_from(display_cs_id(object->id, &arena)));
		table_add(&finding->table, sv_from(object->type));
		table_add(&finding->table, sv_from(object->state));
		table_add(&finding->table, show_name(object, &arena));
		add_searched(finding, &object->expected);
		add_motion(finding, object);
	}
	arena_release(&arena);
	return 0;
}

/* --- the output -------------------------------------------------------- */

#define MAX_COLUMNS 32

static size_t make_columns(struct finding *finding,
			   struct table_column out[MAX_COLUMNS])
{
	static const struct table_column mv[] = { { "ID", true },
						  { "TYPE", false },
						  { "NAME", false } };
	static const struct table_column cs[] = { { "ID", false },
						  { "TYPE", false },
						  { "STATE", false },
						  { "NAME", false } };
	bool in_cs = finding->query.agent != NULL;
	size_t count = in_cs ? 4 : 3;
	const struct search_clause *clause;

	memcpy(out, in_cs ? cs : mv, count * sizeof(*out));
	vec_foreach(&finding->clauses, clause)
		out[count++] = (struct table_column){
			output_safe(clause->attr, &finding->cli->arena), false
		};
	out[count++] =
		(struct table_column){ in_cs ? "STAGED" : "CONNECTORS", false };
	return count;
}

static int show_one_mv(void *data, const struct display_mv *object)
{
	show_mv(data, object);
	return 0;
}

static int show_one_cs(void *data, const struct display_cs *object)
{
	show_cs(data, object);
	return 0;
}

static int show_one(struct finding *finding, struct error *err)
{
	struct cli *cli = finding->cli;
	struct search_query one = { .agent = finding->query.agent,
				    .as_of = finding->query.as_of };

	if (one.agent) {
		one.name = sv_from(display_cs_id(finding->first, &cli->arena));
		return search_cs(&finding->session->display, &one, show_one_cs,
				 cli, err);
	}
	one.name = sv_from(
		arena_printf(&cli->arena, "%lld", (long long)finding->first));
	return search_mv(&finding->session->display, &one, show_one_mv, cli,
			 err);
}

static int print_found(struct finding *finding, struct error *err)
{
	if (finding->count == 0) {
		(void)puts("nothing found");
		return 0;
	}
	if (finding->count == 1 && !finding->more && !finding->listed)
		return show_one(finding, err);
	if (!finding->listed)
		table_print(&finding->table, &finding->cli->output);
	if (finding->more)
		(void)printf("the first %lld; --limit N shows more\n",
			     (long long)finding->limit);
	else if (!finding->cli->output.quiet)
		(void)printf("%lld objects\n", (long long)finding->count);
	return 0;
}

static int search(struct finding *finding, struct error *err)
{
	struct table_column columns[MAX_COLUMNS];
	struct session *session = finding->session;
	bool json = finding->cli->output.json;
	int ret;

	table_init(&finding->table, columns, make_columns(finding, columns));
	if (json) {
		json_stream_begin(&finding->stream, &finding->cli->output);
		json_stream_list(&finding->stream, "objects");
	}
	if (finding->query.agent)
		ret = search_cs(&session->display, &finding->query, on_cs,
				finding, err);
	else
		ret = search_mv(&session->display, &finding->query, on_mv,
				finding, err);
	if (ret == 0 && finding->failed.code != ERR_NONE) {
		*err = finding->failed;
		ret = -1;
	}
	if (ret == 0 && finding->listed && finding->count)
		ret = columns_end(&finding->columns,
				  json ? &finding->stream : NULL, err);
	if (json)
		json_stream_end(&finding->stream, true,
				ret < 0 ? cli_error_json(err) : NULL);
	else if (ret == 0 && !finding->columns.csv)
		ret = print_found(finding, err);
	table_release(&finding->table);
	return ret;
}

/* Objects of which the condition cannot be judged are not among those found. */
static void tell_failed(struct finding *finding)
{
	const char *why;
	int64_t count = finding->query.where
				? where_failed(finding->query.where, &why)
				: 0;

	if (count)
		cli_warn(finding->cli,
			 "--where cannot be judged of %lld object%s, which %s "
			 "left out: %s",
			 (long long)count, count == 1 ? "" : "s",
			 count == 1 ? "is" : "are", why);
}

static int read_where(struct finding *finding, struct error *err)
{
	struct session *session = finding->session;
	const char *text = args_value(&finding->cli->args, "where");
	const struct config_agent *agent = NULL;

	if (!text)
		return 0;
	if (finding->query.agent)
		agent = config_agent_find(session->config,
					  sv_from(finding->query.agent));
	return where_compile(&session->display, agent, sv_from(text),
			     &finding->cli->arena, &finding->query.where, err);
}

static int read_columns(struct finding *finding, struct error *err)
{
	static const char *const mv[] = { "@id", "@type", "@name",
					  "@connectors" };
	static const char *const cs[] = { "@id",   "@type",    "@state",
					  "@name", "@pending", "@error" };
	bool in_cs = finding->query.agent != NULL;
	int ret = columns_begin(&finding->columns, finding->cli,
				in_cs ? cs : mv, in_cs ? 6 : 4, finding->limit,
				err);

	/* columns are for people; --json has all there is */
	finding->listed = ret > 0 &&
			  (!finding->cli->output.json || finding->columns.sort);
	return ret < 0 ? -1 : 0;
}

static int prepare(struct finding *finding, size_t from, struct error *err)
{
	if (read_limit(finding, err) < 0 || read_state(finding, err) < 0 ||
	    read_as_of(finding, err) < 0 ||
	    read_words(finding, from, err) < 0 || read_where(finding, err) < 0)
		return -1;
	if (finding->clauses.len > MAX_COLUMNS - 8)
		return error_set(err, ERR_LIMIT, "more than %d clauses",
				 MAX_COLUMNS - 8);
	if (args_value(&finding->cli->args, "type"))
		finding->query.type = args_value(&finding->cli->args, "type");
	return read_columns(finding, err);
}

static enum run_exit find(struct session *session, bool in_cs)
{
	struct cli *cli = session->cli;
	struct finding finding = { .session = session, .cli = cli };
	struct error err = ERROR_INIT;
	enum run_exit exit = RUN_OK;
	uint32_t number;

	if (in_cs) {
		finding.query.agent = cli_word(cli, 1);
		if (session_agent_number(session, cli_word(cli, 1), &number) <
		    0)
			return RUN_USAGE;
	}
	if (store_read_begin(session->store, &err) < 0)
		return cli_fail_as(cli, RUN_FAILED, &err);
	if (prepare(&finding, in_cs ? 2 : 1, &err) < 0)
		exit = cli_fail(cli, &err);
	else if (search(&finding, &err) < 0)
		exit = cli->output.json ? cli_exit_of(err.code)
					: cli_fail(cli, &err);
	else
		tell_failed(&finding);
	store_read_end(session->store);
	columns_release(&finding.columns);
	vec_release(&finding.clauses);
	return exit;
}

static enum run_exit run(struct cli *cli)
{
	static const char *const spaces[] = { "mv", "cs" };
	const char *space = cli_word(cli, 0);
	bool in_cs = !strcmp(space, "cs");
	struct session session;
	enum run_exit exit;

	if (!in_cs && strcmp(space, "mv") != 0)
		return cli_misuse(cli,
				  "'%s' is neither mv (the metaverse) nor cs "
				  "(a connector space)%s",
				  space, cli_near(cli, space, spaces, 2, ""));
	if (in_cs && !cli_word(cli, 1))
		return cli_misuse(cli, "the connector space of which agent?");
	exit = session_open(&session, cli, SESSION_READ, NULL);
	if (exit != RUN_OK)
		return exit;
	exit = find(&session, in_cs);
	session_close(&session);
	return exit;
}

const struct command command_search = {
	.name = "search",
	.usage = "mv [TYPE|ID] [CLAUSE...] | cs AGENT [DN|ANCHOR] [CLAUSE...]",
	.help = "objects of the metaverse or of an agent's connector space",
	.more = "A clause is ATTRIBUTE=VALUE; all clauses must hold. ^= means "
		"begins with, ~= contains,\n!= no value is; =* has a value, "
		"!=* has none. In a connector space dn and anchor are\n"
		"attributes too. One object is shown with all its parts.\n"
		"--where takes any condition of the language of rules; beside "
		"attributes it knows [@state],\n[@type], [@agent], "
		"[@rule_set], [@mv], [@dn], [@anchor], [@id], [@error] and "
		"[@pending].\n\n"
		"  conjoin search mv person sn^=Le department=Sales\n"
		"  conjoin search cs hr 1001\n"
		"  conjoin search cs directory --state pending-export\n"
		"  conjoin search mv person --where 'Len([title]) > 40' "
		"--columns employeeID,title --sort -title\n",
	.options = options,
	.min_words = 1,
	.max_words = 64,
	.run = run,
};
