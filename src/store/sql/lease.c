/*
 * lease.c - who writes: the lease of an agent, or of the whole store
 *
 * The lease itself is the driver's. The rows of `lease`, one for the whole and
 * one for each agent that ever had one of its own, tell people who holds it,
 * and have the fencing number that is checked when a transaction begins.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "store/history.h"
#include "store/sql/sql_private.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool lease_covers(const struct store *store, uint32_t agent)
{
	return store->snapshot || (store->leased && (!store->scope || !agent ||
						     agent == store->scope));
}

bool store_leased_whole(const struct store *store)
{
	return store->leased && !store->scope;
}

int lease_check(struct store *store, int64_t fencing, struct error *err)
{
	if (!store->leased || fencing == store->fencing)
		return 0;
	return error_set(err, ERR_CONFLICT,
			 "another process has taken over the store '%s'",
			 store->db->name);
}

/* ---- holders ---- */

static int read_holder(struct store *store, uint32_t agent,
		       struct store_holder *out, struct error *err)
{
	struct statement *stmt;
	int ret = sql_first(store,
			    "SELECT run, since, process, host, what FROM lease"
			    " WHERE agent = ?1",
			    &stmt, err, "i", (int64_t)agent);

	memset(out, 0, sizeof(*out));
	out->agent = agent;
	if (ret > 0) {
		out->run = sql_int(stmt, 0);
		out->since = sql_int(stmt, 1);
		out->process = sql_int(stmt, 2);
		(void)snprintf(out->host, sizeof(out->host), "%s",
			       sql_text(stmt, 3));
		(void)snprintf(out->what, sizeof(out->what), "%s",
			       sql_text(stmt, 4));
		sql_reset(stmt);
	}
	return ret < 0 ? -1 : 0;
}

int store_holders(struct store *store, struct store_holders *out,
		  struct error *err)
{
	uint32_t agents[STORE_HOLDERS];
	int i;

	out->count = store->db->driver->leased(store->db, agents, STORE_HOLDERS,
					       err);
	for (i = 0; i < out->count; i++)
		if (read_holder(store, agents[i], &out->at[i], err) < 0)
			return -1;
	return out->count < 0 ? -1 : 0;
}

int store_lease_held(struct store *store, struct store_holder *holder_out,
		     struct error *err)
{
	struct store_holders holders;

	if (store_holders(store, &holders, err) < 0)
		return -1;
	if (holders.count)
		*holder_out = holders.at[0];
	return holders.count > 0;
}

bool store_run_going_on(const struct run_row *row,
			const struct store_holders *holders)
{
	int i;

	for (i = 0; i < holders->count; i++)
		if (holders->at[i].process == row->process &&
		    strcmp(holders->at[i].host, row->host) == 0 &&
		    row->id >= holders->at[i].run)
			return true;
	return false;
}

static bool excludes(uint32_t a, uint32_t b)
{
	return !a || !b || a == b;
}

/* Who is in the way; when it has just gone, who had the lease before us. */
static int in_the_way(struct store *store, uint32_t agent,
		      struct store_holder *out, struct error *err)
{
	struct store_holders holders;
	int i;

	if (store_holders(store, &holders, err) < 0)
		return -1;
	for (i = 0; i < holders.count; i++) {
		if (!excludes(agent, holders.at[i].agent))
			continue;
		*out = holders.at[i];
		return 0;
	}
	return read_holder(store, agent, out, err);
}

/* ---- taking it ---- */

static int write_holder(struct store *store, uint32_t agent, const char *what,
			struct error *err)
{
	struct store_tx *tx;
	char host[64] = "";

	(void)gethostname(host, sizeof(host) - 1);
	if (store_begin(store, STORE_BULK, &tx, err) < 0)
		return -1;
	if (sql_number(store,
		       "UPDATE lease SET fencing = fencing + 1, run ="
		       " (SELECT coalesce(max(id), 0) + 1 FROM run),"
		       " since = ?1, process = ?2, host = ?3, what = ?4"
		       " WHERE agent = ?5 RETURNING fencing",
		       &store->fencing, err, "iissi", clock_now(),
		       (int64_t)getpid(), host, what, (int64_t)agent) < 0) {
		store_rollback(tx);
		return -1;
	}
	return store_commit(tx, err);
}

/* Others may have added names while we waited. */
static int take(struct store *store, uint32_t agent, const char *what,
		struct store_holder *holder_out, struct error *err)
{
	const struct sql_driver *driver = store->db->driver;
	int ret = driver->lease(store->db, agent, err);

	if (ret == 0)
		return in_the_way(store, agent, holder_out, err);
	if (ret < 0 || write_holder(store, agent, what, err) < 0 ||
	    driver->keep_lease(store->db, store->fencing, err) < 0)
		return -1;
	store->leased = true;
	store->scope = agent;
	return store_load_names(store, err) < 0 ? -1 : 1;
}

int store_lease(struct store *store, const char *what,
		struct store_holder *holder_out, struct error *err)
{
	return take(store, 0, what, holder_out, err);
}

/* Its number, made when it has none. */
static uint32_t number_of(struct store *store, const char *agent,
			  struct error *err)
{
	uint32_t number = store_name_find(store, NAME_AGENT, sv_from(agent));
	struct store_tx *tx;

	if (number || store_begin(store, STORE_ALONE, &tx, err) < 0)
		return number;
	if (store_load_names(store, err) == 0)
		number = store_name_add(tx, NAME_AGENT, sv_from(agent), err);
	if (!number)
		store_rollback(tx);
	else if (store_commit(tx, err) < 0)
		number = 0;
	return number;
}

int store_lease_agent(struct store *store, const char *agent, const char *what,
		      struct store_holder *holder_out, struct error *err)
{
	uint32_t number;

	if (!store->db->driver->scopes)
		return store_lease(store, what, holder_out, err);
	number = number_of(store, agent, err);
	return number ? take(store, number, what, holder_out, err) : -1;
}

/* ---- taking it from another ---- */

int store_take_over(struct store *store, uint32_t agent, const char *what,
		    struct store_holders *before_out, struct error *err)
{
	const struct sql_driver *driver = store->db->driver;
	struct store_holder other;
	int count = 0;
	int ret;
	int i;

	if (!driver->scopes)
		agent = 0;
	if (store_holders(store, before_out, err) < 0)
		return -1;
	for (i = 0; i < before_out->count; i++)
		if (excludes(agent, before_out->at[i].agent))
			before_out->at[count++] = before_out->at[i];
	before_out->count = count;
	if (count && !driver->take_over)
		return 0;
	if (count && driver->take_over(store->db, agent, err) < 0)
		return -1;
	ret = take(store, agent, what, &other, err);
	if (ret == 0)
		return error_set(err, ERR_CONFLICT,
				 "process %lld on %s (%s) was quicker to take "
				 "the lease of the store '%s'; try again",
				 (long long)other.process, other.host,
				 other.what, store->db->name);
	return ret;
}
