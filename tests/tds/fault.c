/*
 * fault.c - what goes wrong on request
 *
 * By option --fault, or from any connection: EXEC tds_fault 'kind', number,
 * 'pattern', skip, times. A fault is for statements with the pattern in their
 * text; it passes over `skip` of them, then happens to `times`.
 *
 *   drop           after `number` rows the connection ends
 *   garbage        after `number` rows comes what is no TDS
 *   deadlock       the statement is a deadlock's victim
 *   error          it fails with this number
 *   lock           it waits for so many seconds
 *   before-commit  the connection ends, nothing was committed
 *   after-commit   it ends before the commit is told
 *   refuse         a login is not answered
 *   clear          no fault is left
 *   left           tells how many times are left
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

static bool contains(struct sv text, struct sv part)
{
	for (size_t i = 0; i + part.len <= text.len; i++) {
		if (sv_ieq(sv_sub(text, i, i + part.len), part))
			return true;
	}
	return false;
}

bool fault_now(struct client *client, const char *kind, struct sv text,
	       int64_t *number_out)
{
	struct server *server = client->server;
	struct fault *fault;
	bool happens = false;

	server_lock(server);
	vec_foreach(&server->faults, fault) {
		if (happens || fault->times <= 0 ||
		    !sv_eq_str(fault->kind, kind) ||
		    !contains(text, fault->pattern))
			continue;
		if (fault->skip > 0) {
			fault->skip--;
			continue;
		}
		fault->times--;
		*number_out = fault->number;
		happens = true;
	}
	server_unlock(server);
	return happens;
}

void fault_again(struct client *client, const char *kind, struct sv text)
{
	struct server *server = client->server;
	struct fault *fault;

	server_lock(server);
	vec_foreach(&server->faults, fault) {
		if (!sv_eq_str(fault->kind, kind) ||
		    !contains(text, fault->pattern))
			continue;
		fault->times++;
		break;
	}
	server_unlock(server);
}

void fault_add(struct server *server, const struct fault *fault)
{
	struct fault copy = *fault;

	server_lock(server);
	if (sv_eq_str(fault->kind, "clear")) {
		vec_clear(&server->faults);
	} else {
		copy.kind = arena_dup(&server->arena, fault->kind);
		copy.pattern = arena_dup(&server->arena, fault->pattern);
		vec_push(&server->faults, copy);
	}
	server_unlock(server);
}

int fault_parse(struct server *server, struct sv text)
{
	struct fault fault = { .times = 1 };
	int64_t *const numbers[] = { &fault.number, NULL, &fault.skip,
				     &fault.times };
	size_t end = sv_find(text, ':', 0);

	fault.kind = sv_sub(text, 0, end);
	fault.pattern = SV_LIT("");
	for (size_t i = 0; i < 4 && end < text.len; i++) {
		size_t from = end + 1;
		struct sv part;

		end = sv_find(text, ':', from);
		part = sv_sub(text, from, end);
		if (!numbers[i])
			fault.pattern = part;
		else if (part.len && !sv_to_i64(part, numbers[i]))
			return 0;
	}
	fault_add(server, &fault);
	return 1;
}

static struct datum value_of(const struct variables *args, size_t i)
{
	if (i < args->list.len)
		return args->list.at[i].value;
	return (struct datum){ .kind = DATUM_NULL };
}

static int tell_left(struct client *client)
{
	struct fault *fault;
	int64_t times = 0;

	server_lock(client->server);
	vec_foreach(&client->server->faults, fault)
		times += fault->times;
	server_unlock(client->server);
	return statement_rows(client,
			      arena_printf(&client->arena,
					   "SELECT %lld AS times",
					   (long long)times),
			      NULL, NULL);
}

int fault_call(struct client *client, struct variables *args)
{
	struct fault fault = { .times = 1, .pattern = SV_LIT("") };
	struct datum value = value_of(args, 0);

	fault.kind = value.kind == DATUM_TEXT ? value.s : SV_LIT("");
	if (sv_eq_str(fault.kind, "left"))
		return tell_left(client);
	fault.number = value_of(args, 1).i;
	value = value_of(args, 2);
	if (value.kind == DATUM_TEXT)
		fault.pattern = value.s;
	fault.skip = value_of(args, 3).i;
	value = value_of(args, 4);
	if (value.kind == DATUM_INT)
		fault.times = value.i;
	fault_add(client->server, &fault);
	reply_done(client, 0, false, 0);
	return 0;
}
