/*
 * joiner_list.c - `conjoin join --from FILE`: a list that a person reviewed
 *
 * CSV with a row of titles; of its columns join, id (or agent and object) and
 * mv count, the others are for the reader. Lines whose join is yes are taken,
 * all others are left alone. The whole list is read before anything is done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/joiner.h"

#include "connectors/csv/csv_reader.h"
#include "inspect/search.h"

#include <string.h>

enum column { COL_JOIN, COL_AGENT, COL_ID, COL_OBJECT, COL_MV, COL_COUNT };

static const char *const columns[COL_COUNT] = { "join", "agent", "id", "object",
						"mv" };

struct line {
	struct hand_order order;
	const struct config_agent *agent;
	size_t line;
};

struct list {
	struct session *session;
	const char *path;
	size_t at[COL_COUNT]; /* 1 + place in the row, 0: there is none */
	VEC(struct line) lines;
};

static struct sv field(const struct list *list, const struct csv_row *row,
		       enum column column)
{
	size_t at = list->at[column];

	return at && at <= row->count ? sv_trim(row->fields[at - 1]) : SV_NULL;
}

static int wrong(const struct list *list, const struct csv_row *row,
		 const char *what, struct sv text, struct error *err)
{
	return error_set(err, ERR_INVALID, "%s:%zu: %s '" SV_FMT "'",
			 list->path, row->line, what, SV_ARG(text));
}

static int read_titles(struct list *list, const struct csv_row *row,
		       struct error *err)
{
	size_t i;
	size_t c;

	for (i = 0; i < row->count; i++)
		for (c = 0; c < COL_COUNT; c++)
			if (sv_ieq_str(sv_trim(row->fields[i]), columns[c]))
				list->at[c] = i + 1;
	if (list->at[COL_JOIN] && list->at[COL_MV] &&
	    (list->at[COL_ID] || (list->at[COL_AGENT] && list->at[COL_OBJECT])))
		return 0;
	return error_set(err, ERR_INVALID,
			 "%s:1: the list needs the columns join, id and mv (or "
			 "agent and object in place of id), as 'conjoin "
			 "candidates --bulk' writes them",
			 list->path);
}

static int find_object(struct list *list, const struct csv_row *row,
		       int64_t *out, struct error *err)
{
	struct session *session = list->session;
	struct sv id = field(list, row, COL_ID);
	struct sv agent = field(list, row, COL_AGENT);
	struct sv object = field(list, row, COL_OBJECT);
	int64_t *ids;
	int count;

	if (id.len && display_cs_id_parse(id, out))
		return 0;
	if (id.len)
		return wrong(list, row, "no id of an object:", id, err);
	count = search_cs_find(&session->display,
			       arena_cstr(&session->cli->arena, agent), object,
			       &session->cli->arena, &ids, err);
	if (count < 0)
		return error_context(err, "%s:%zu", list->path, row->line);
	if (count != 1)
		return wrong(list, row,
			     count ? "several objects are called"
				   : "there is no object",
			     object, err);
	*out = ids[0];
	return 0;
}

static int read_line(struct list *list, const struct csv_row *row,
		     struct error *err)
{
	struct session *session = list->session;
	struct line line = { .order = { .action = HAND_JOIN },
			     .line = row->line };
	struct sv mark = field(list, row, COL_JOIN);
	struct sv mv = field(list, row, COL_MV);
	const char *agent;

	if (!sv_ieq_str(mark, "yes"))
		return 0;
	if (!sv_to_i64(mv, &line.order.mv))
		return wrong(list, row, "no number of a metaverse object:", mv,
			     err);
	if (find_object(list, row, &line.order.cs, err) < 0)
		return -1;
	agent = store_name(session->store, NAME_AGENT, CS_AGENT(line.order.cs));
	line.agent = agent ? config_agent_find(session->config, sv_from(agent))
			   : NULL;
	if (!line.agent)
		return wrong(list, row, "no agent of the files has the object",
			     field(list, row, COL_ID), err);
	vec_push(&list->lines, line);
	return 0;
}

static int read_list(struct list *list, struct error *err)
{
	static const struct csv_dialect dialect = { .delimiter = ',',
						    .quote = '"' };
	struct csv_reader reader = { 0 };
	struct arena arena = ARENA_INIT;
	struct csv_row row;
	bool titled = false;
	int ret = csv_reader_open(&reader, list->path, &dialect, err);

	while (ret >= 0 &&
	       (ret = csv_reader_next(&reader, &arena, &row, err)) > 0) {
		csv_row_cut(&reader, &arena, &row);
		if (row.error)
			ret = error_set(err, ERR_INVALID, "%s:%zu: %s",
					list->path, row.line, row.error);
		else
			ret = titled ? read_line(list, &row, err)
				     : read_titles(list, &row, err);
		titled = true;
		arena_reset(&arena);
	}
	if (ret == 0 && !titled)
		ret = error_set(err, ERR_INVALID, "%s: the list is empty",
				list->path);
	csv_reader_close(&reader);
	arena_release(&arena);
	return ret;
}

/* --- carry out --------------------------------------------------------- */

/* The lines of one agent, in order. */
static size_t orders_of(struct list *list, const struct config_agent *agent,
			struct hand_order *orders, size_t *numbers)
{
	const struct line *line;
	size_t count = 0;

	vec_foreach(&list->lines, line) {
		if (line->agent != agent)
			continue;
		numbers[count] = line->line;
		orders[count++] = line->order;
	}
	return count;
}

static void tell(struct list *list, const struct hand_order *orders,
		 const size_t *numbers, size_t count)
{
	struct cli *cli = list->session->cli;
	size_t i;

	for (i = 0; i < count; i++)
		if (orders[i].why)
			cli_warn(cli, "%s:%zu: %s", list->path, numbers[i],
				 orders[i].why);
}

static enum run_exit join_agent(struct list *list,
				const struct config_agent *agent, json_t *runs,
				struct error *err)
{
	struct cli *cli = list->session->cli;
	size_t size = list->lines.len;
	struct hand_order *orders =
		arena_array(&cli->arena, size, sizeof(*orders));
	size_t *numbers = arena_array(&cli->arena, size, sizeof(*numbers));
	size_t count = orders_of(list, agent, orders, numbers);
	json_t *run = NULL;
	json_t *objects;
	enum run_exit exit;
	size_t i;

	if (!count)
		return RUN_OK;
	exit = joiner_run(list->session, agent, orders, count, &run, err);
	if (!cli->output.json)
		tell(list, orders, numbers, count);
	objects = json_array();
	for (i = 0; i < count; i++)
		(void)json_array_append_new(
			objects, joiner_order_json(list->session, &orders[i]));
	if (run) {
		(void)json_object_set_new(run, "objects", objects);
		(void)json_array_append_new(runs, run);
	} else {
		json_decref(objects);
	}
	return exit;
}

static enum run_exit join_all(struct list *list)
{
	struct cli *cli = list->session->cli;
	const struct config *config = list->session->config;
	struct error err = ERROR_INIT;
	json_t *runs = json_array();
	enum run_exit worst = RUN_OK;
	size_t a;

	for (a = 0; a < config->agent_count && worst < RUN_USAGE; a++) {
		enum run_exit exit =
			join_agent(list, &config->agents[a], runs, &err);

		worst = exit > worst ? exit : worst;
	}
	if (cli->output.json) {
		json_t *document = json_pack("{s:o}", "runs", runs);

		if (worst == RUN_FAILED)
			(void)json_object_set_new(document, "error",
						  cli_error_json(&err));
		output_json(&cli->output, document);
		return worst;
	}
	json_decref(runs);
	if (worst == RUN_FAILED)
		return cli_fail_as(cli, worst, &err);
	if (!list->lines.len && !cli->output.quiet)
		(void)puts("no line is marked: write yes into its column join");
	return worst;
}

enum run_exit joiner_from(struct cli *cli, const char *path)
{
	struct error err = ERROR_INIT;
	struct session session;
	struct list list = { .session = &session, .path = path };
	enum run_exit exit =
		session_open(&session, cli, SESSION_RUN, "join --from");

	if (exit != RUN_OK)
		return exit;
	if (read_list(&list, &err) < 0)
		exit = cli_fail_as(cli, RUN_USAGE, &err);
	else
		exit = join_all(&list);
	vec_release(&list.lines);
	session_close(&session);
	return exit;
}
