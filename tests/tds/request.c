/*
 * request.c - a connection's requests, one after the other
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

/* From 7.2 on there are headers before the request. */
static struct sv without_headers(const struct client *client, struct sv body)
{
	struct cursor c = { (const uint8_t *)body.ptr,
			    (const uint8_t *)body.ptr + body.len, false };
	size_t len;

	if (client->version < 72)
		return body;
	len = take_u32(&c);
	return len <= body.len ? sv_sub(body, len, body.len) : SV_LIT("");
}

static void end_request(struct client *client)
{
	if (pipe_cancelled(client->pipe)) {
		if (!pipe_broken(client->pipe))
			reply_cancelled(client);
		pipe_clear_cancel(client->pipe);
	} else {
		reply_end(client);
	}
}

static void batch(struct client *client, struct sv body)
{
	struct variables vars = { VEC_INIT };
	struct sv text =
		utf16_text(without_headers(client, body), &client->arena);

	client->nocount = false;
	(void)batch_run(client, text, &vars);
	vec_release(&vars.list);
	end_request(client);
}

/* ---- RPC ---- */

static struct sv procedure_name(struct cursor *c, struct arena *arena)
{
	static const char *const known[] = {
		[10] = "sp_executesql", [11] = "sp_prepare",
		[12] = "sp_execute",    [13] = "sp_prepexec",
		[15] = "sp_unprepare",
	};
	unsigned len = take_u16(c);
	unsigned id;

	if (len != 0xffff)
		return take_utf16(c, len, arena);
	id = take_u16(c);
	if (id < sizeof(known) / sizeof(known[0]) && known[id])
		return sv_from(known[id]);
	return sv_from(arena_printf(arena, "procedure %u", id));
}

static bool at_separator(const struct client *client, const struct cursor *c)
{
	unsigned separator = client->version >= 72 ? 0xff : 0x80;

	return c->at < c->end && *c->at == separator;
}

static void take_arguments(struct client *client, struct cursor *c,
			   struct variables *args)
{
	while (!c->broken && c->at < c->end && !at_separator(client, c)) {
		struct variable *arg = variable_add(args, SV_LIT(""));
		unsigned len = take_u8(c);

		arg->name = take_utf16(c, len, &client->arena);
		arg->output = take_u8(c) & 1;
		take_typed(c, client->version, &client->arena, &arg->type,
			   &arg->value);
	}
}

/* What stands behind dots: "[dbo].[p]" is p. */
static struct sv last_part(struct client *client, struct sv name)
{
	struct token *tokens;
	size_t count = 0;

	if (!lex(name, &client->arena, &tokens, &count) || !count)
		return name;
	return tokens[count - 1].value;
}

/* Whether there is one more behind it. What comes from the client when all is
 * answered is its next request. */
static bool one_procedure(struct client *client, struct cursor *c)
{
	struct variables args = { VEC_INIT };
	struct sv name = procedure_name(c, &client->arena);
	bool more;

	(void)take_u16(c);
	take_arguments(client, c, &args);
	client->in_procedure++;
	client->return_status = 0;
	if (c->broken)
		reply_error(client, 8009, 16,
			    "The incoming tabular data stream (TDS) remote "
			    "procedure call (RPC) protocol stream is "
			    "incorrect.");
	else
		(void)procedure_call(client, last_part(client, name), &args);
	more = !c->broken && at_separator(client, c);
	if (more)
		c->at++;
	if (pipe_cancelled(client->pipe)) {
		end_request(client);
		more = false;
	} else {
		reply_procedure(client, &args, more);
	}
	client->in_procedure--;
	vec_release(&args.list);
	return more;
}

void request_procedure(struct client *client, struct sv body)
{
	struct cursor c;
	bool more = true;

	body = without_headers(client, body);
	c = (struct cursor){ (const uint8_t *)body.ptr,
			     (const uint8_t *)body.ptr + body.len, false };
	client->nocount = false;
	while (more)
		more = one_procedure(client, &c);
}

/* ---- transactions ---- */

enum request {
	REQUEST_BEGIN = 5,
	REQUEST_COMMIT = 7,
	REQUEST_ROLLBACK = 8,
};

static void set_isolation(struct client *client, unsigned level)
{
	if (level == 5)
		client->isolation = SNAPSHOT;
	else if (level == 1)
		client->isolation = READ_UNCOMMITTED;
	else if (level)
		client->isolation = READ_COMMITTED;
}

static void skip_name(struct cursor *c)
{
	unsigned len = take_u8(c);

	(void)take_bytes(c, len * 2);
}

void request_transaction(struct client *client, struct sv body)
{
	struct cursor c;
	unsigned type;
	bool again = false;
	int ret = 0;

	body = without_headers(client, body);
	c = (struct cursor){ (const uint8_t *)body.ptr,
			     (const uint8_t *)body.ptr + body.len, false };
	type = take_u16(&c);
	if (type == REQUEST_BEGIN) {
		set_isolation(client, take_u8(&c));
		ret = transaction_begin(client);
	} else if (client->trancount == 0) {
		reply_error(client, type == REQUEST_COMMIT ? 3902 : 3903, 16,
			    "The request has no corresponding BEGIN "
			    "TRANSACTION.");
		ret = -1;
	} else {
		skip_name(&c);
		again = take_u8(&c) & 1;
		if (type == REQUEST_COMMIT)
			ret = transaction_commit(client);
		else
			transaction_rollback(client);
	}
	if (ret == 0 && again) {
		set_isolation(client, take_u8(&c));
		(void)transaction_begin(client);
	}
	end_request(client);
}

/* ---- the connection ---- */

static void serve_one(struct client *client, enum packet type, struct sv body)
{
	switch (type) {
	case PACKET_BATCH:
		batch(client, body);
		break;
	case PACKET_RPC:
		request_procedure(client, body);
		break;
	case PACKET_TRANSACTION:
		request_transaction(client, body);
		break;
	case PACKET_ATTENTION:
		reply_cancelled(client);
		break;
	case PACKET_ANSWER:
	case PACKET_BULK:
	case PACKET_LOGIN:
	case PACKET_PRELOGIN:
		reply_error(client, 4002, 16,
			    "The incoming tabular data stream (TDS) protocol "
			    "stream is incorrect.");
		reply_end(client);
		break;
	}
}

void client_serve(struct client *client)
{
	struct strbuf body = STRBUF_INIT((size_t)1 << 28);
	enum packet type;

	if (client_login(client)) {
		while (!pipe_broken(client->pipe) &&
		       pipe_read(client->pipe, &body, &type)) {
			serve_one(client, type, strbuf_sv(&body));
			arena_reset(&client->arena);
		}
	}
	transaction_rollback(client);
	strbuf_release(&body);
}
