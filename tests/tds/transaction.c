/*
 * transaction.c - transactions, and who waits for whom
 *
 * SQLite's own begins with the first statement that writes, so that reads
 * before it see what others commit (READ COMMITTED); with SNAPSHOT it begins
 * with the first one. A table that a transaction wrote to is locked until its
 * end for all who read it otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <unistd.h>

static int exec(struct client *client, const char *sql)
{
	return sqlite3_exec(client->db, sql, NULL, NULL, NULL);
}

bool client_may_wait(struct client *client)
{
	if (pipe_cancelled(client->pipe))
		return false;
	if (client->lock_timeout >= 0 &&
	    clock_monotonic_ms() >= client->wait_end)
		return false;
	(void)usleep(2000);
	return true;
}

static void forget_locks(struct client *client)
{
	struct server *server = client->server;
	size_t kept = 0;

	server_lock(server);
	for (size_t i = 0; i < server->held.len; i++) {
		if (server->held.at[i].client != client)
			server->held.at[kept++] = server->held.at[i];
	}
	server->held.len = kept;
	client->first_version = 0;
	server_unlock(server);
}

static void hold(struct client *client, const char *table)
{
	struct server *server = client->server;
	struct held *held;
	bool known = false;

	server_lock(server);
	vec_foreach(&server->held, held)
		known = known || (held->client == client &&
				  sv_ieq_str(held->table, table));
	if (!known) {
		struct held one = { arena_dup(&server->arena, sv_from(table)),
				    client };

		vec_push(&server->held, one);
	}
	server_unlock(server);
}

static bool is_held(struct client *client, const char *table)
{
	struct server *server = client->server;
	struct held *held;
	bool found = false;

	server_lock(server);
	vec_foreach(&server->held, held)
		found = found || (held->client != client &&
				  sv_ieq_str(held->table, table));
	server_unlock(server);
	return found;
}

static void end(struct client *client)
{
	client->begun = false;
	client->wrote = false;
	client->tracked = false;
	forget_locks(client);
}

/* SQLite's ROLLBACK ends what still runs. */
static void roll_back(struct client *client)
{
	if (client->begun)
		(void)exec(client, "ROLLBACK");
	end(client);
}

/* 0; -1 the error is sent, or the connection is gone. */
static int commit(struct client *client)
{
	int64_t number;

	if (client->wrote &&
	    fault_now(client, "before-commit", SV_LIT(""), &number)) {
		roll_back(client);
		pipe_drop(client->pipe, false);
		return -1;
	}
	if (client->tracked)
		(void)exec(client,
			   "UPDATE tds_tracking SET version = version + 1");
	if (client->begun && exec(client, "COMMIT") != SQLITE_OK) {
		reply_error(client, 3998, 16,
			    "The transaction cannot be committed: %s",
			    sqlite3_errmsg(client->db));
		roll_back(client);
		return -1;
	}
	if (client->wrote &&
	    fault_now(client, "after-commit", SV_LIT(""), &number)) {
		end(client);
		pipe_drop(client->pipe, false);
		return -1;
	}
	end(client);
	return 0;
}

/* ---- as statements and requests have it ---- */

static void tell(struct client *client, unsigned type)
{
	char bytes[8];
	struct sv id = sv_make(bytes, sizeof(bytes));

	if (client->version < 72)
		return;
	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(client->transaction >> (8 * i));
	if (type == 8)
		reply_change_bytes(client, type, id, SV_LIT(""));
	else
		reply_change_bytes(client, type, SV_LIT(""), id);
}

int transaction_begin(struct client *client)
{
	static atomic_uint_fast64_t last = 1;

	if (client->trancount++ == 0) {
		client->transaction = atomic_fetch_add(&last, 1);
		tell(client, 8);
	}
	return 0;
}

int transaction_commit(struct client *client)
{
	int ret;

	if (client->trancount == 0 || --client->trancount > 0)
		return 0;
	ret = commit(client);
	if (ret == 0)
		tell(client, 9);
	return ret;
}

void transaction_rollback(struct client *client)
{
	bool open = client->trancount > 0;

	client->trancount = 0;
	roll_back(client);
	if (open && !pipe_broken(client->pipe))
		tell(client, 10);
}

int transaction_write(struct client *client, struct statement *st)
{
	char **table;
	int ret;

	if (!client->begun) {
		ret = exec(client, "BEGIN IMMEDIATE");
		if (ret != SQLITE_OK)
			return run_error(client, st, ret);
		client->begun = true;
	}
	client->wrote = true;
	if (client->trancount)
		vec_foreach(&st->writes, table)
			hold(client, *table);
	return 0;
}

int transaction_read(struct client *client, struct statement *st)
{
	char **table;

	if (client->trancount && client->isolation == SNAPSHOT &&
	    !client->begun) {
		if (exec(client, "BEGIN") != SQLITE_OK)
			return run_error(client, st, SQLITE_BUSY);
		client->begun = true;
	}
	if (client->isolation != READ_COMMITTED)
		return 0;
	vec_foreach(&st->reads, table) {
		while (is_held(client, *table)) {
			if (client_may_wait(client))
				continue;
			if (!pipe_cancelled(client->pipe))
				reply_error(client, 1222, 16,
					    "Lock request time out period "
					    "exceeded.");
			return -1;
		}
	}
	return 0;
}

int transaction_after(struct client *client, bool good)
{
	if (client->trancount || !client->begun)
		return 0;
	if (good)
		return commit(client);
	roll_back(client);
	return 0;
}
