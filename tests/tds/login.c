/*
 * login.c - PRELOGIN, LOGIN7 and what answers them
 *
 * A client of 7.0 begins with LOGIN7.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include <stdio.h>

enum encryption {
	ENCRYPT_LOGIN,
	ENCRYPT_ALL,
	ENCRYPT_NEVER,
	ENCRYPT_NEEDED,
};

/* The byte that the client's PRELOGIN has for encryption. */
static enum encryption asked_encryption(struct sv body)
{
	const uint8_t *b = (const uint8_t *)body.ptr;

	for (size_t at = 0; at + 5 <= body.len && b[at] != 0xff; at += 5) {
		size_t offset = (size_t)(b[at + 1] << 8 | b[at + 2]);

		if (b[at] == 1 && offset < body.len)
			return (enum encryption)b[offset];
	}
	return ENCRYPT_NEVER;
}

/* What is said of it, and what it comes to. */
static enum encryption agreed(const struct client *client,
			      enum encryption asked)
{
	if (!client->server->options.tls)
		return ENCRYPT_NEVER;
	if (client->server->options.prelogin_needed)
		return asked == ENCRYPT_NEVER ? ENCRYPT_NEEDED : ENCRYPT_ALL;
	if (asked == ENCRYPT_NEEDED)
		return ENCRYPT_ALL;
	return asked;
}

static void answer_prelogin(struct client *client, enum encryption encryption)
{
	uint8_t answer[] = {
		0,    0,
		21,   0,
		6, /* version */
		1,    0,
		27,   0,
		1, /* encryption */
		2,    0,
		28,   0,
		1, /* instance */
		4,    0,
		29,   0,
		1, /* several results at once */
		0xff, (uint8_t)client->server->options.major,
		0,    0,
		0,    0,
		0,    (uint8_t)encryption,
		0,    0,
	};

	pipe_write(client->pipe, answer, sizeof(answer));
	pipe_finish(client->pipe);
}

struct login7 {
	uint32_t version;
	uint32_t packet_size;
	struct sv user;
	struct sv password;
	struct sv database;
	struct sv host;
	bool trusted;
};

static struct sv field(struct sv body, size_t at, struct arena *arena)
{
	struct cursor c = { (const uint8_t *)body.ptr + at,
			    (const uint8_t *)body.ptr + body.len, false };
	size_t offset = take_u16(&c);
	size_t units = take_u16(&c);

	if (c.broken || offset + units * 2 > body.len)
		return SV_LIT("");
	return utf16_text(sv_sub(body, offset, offset + units * 2), arena);
}

/* Each byte's halves are changed over, and its bits with a5. */
static void uncover(struct sv body, size_t at)
{
	const uint8_t *b = (const uint8_t *)body.ptr;
	size_t offset = (size_t)(b[at] | b[at + 1] << 8);
	size_t len = (size_t)(b[at + 2] | b[at + 3] << 8) * 2;

	for (size_t i = offset; i < offset + len && i < body.len; i++) {
		uint8_t byte = b[i] ^ 0xa5;

		memcpy((char *)(uintptr_t)body.ptr + i,
		       &(uint8_t){ (uint8_t)(byte << 4 | byte >> 4) }, 1);
	}
}

static int read_login(struct client *client, struct sv body, struct login7 *out)
{
	struct cursor c = { (const uint8_t *)body.ptr,
			    (const uint8_t *)body.ptr + body.len, false };

	if (body.len < 86)
		return 0;
	(void)take_u32(&c);
	out->version = take_u32(&c);
	out->packet_size = take_u32(&c);
	out->trusted = (unsigned char)body.ptr[25] & 0x80;
	uncover(body, 44);
	out->host = field(body, 36, &client->arena);
	out->user = field(body, 40, &client->arena);
	out->password = field(body, 44, &client->arena);
	out->database = field(body, 68, &client->arena);
	return 1;
}

/* ---- the answer ---- */

static int version_of(const struct login7 *login)
{
	switch (login->version >> 24) {
	case 0x70:
		return 70;
	case 0x71:
		return 71;
	case 0x72:
		return 72;
	case 0x73:
		return 73;
	case 0x74:
		return 74;
	default:
		return 0;
	}
}

static bool may_log_in(struct client *client, const struct login7 *login)
{
	struct server *server = client->server;
	struct login *known;
	bool found = false;

	server_lock(server);
	vec_foreach(&server->logins, known) {
		if (sv_ieq(known->user, login->user) &&
		    sv_eq(known->password, login->password))
			found = true;
	}
	server_unlock(server);
	return found && !login->trusted;
}

static void acknowledge(struct client *client)
{
	static const uint8_t versions[][4] = {
		{ 0x07, 0, 0, 0 },          { 0x71, 0, 0, 0x01 },
		{ 0x72, 0x09, 0x00, 0x02 }, { 0x73, 0x0b, 0x00, 0x03 },
		{ 0x74, 0x00, 0x00, 0x04 },
	};
	size_t from;

	reply_flush(client);
	add_u8(&client->out, 0xad);
	add_u16(&client->out, 0);
	from = client->out.len;
	add_u8(&client->out, 1);
	strbuf_add(&client->out, versions[client->version - 70], 4);
	add_b_varchar(&client->out, SV_LIT("Microsoft SQL Server"));
	add_u8(&client->out, (unsigned)client->server->options.major);
	add_u8(&client->out, 0);
	add_u16(&client->out, 0);
	client->out.ptr[from - 2] = (char)(client->out.len - from);
	client->out.ptr[from - 1] = (char)((client->out.len - from) >> 8);
	reply_flush(client);
}

static void welcome(struct client *client, const struct login7 *login)
{
	static const char collation[5] = { 0x09, 0x04, (char)0xd0, 0, 0x34 };
	struct sv name = sv_from(client->server->options.name);
	char text[16];

	reply_change(client, 1, name, SV_LIT("master"));
	reply_info(client, 5701,
		   sv_from(arena_printf(&client->arena,
					"Changed database context to '" SV_FMT
					"'.",
					SV_ARG(name))));
	if (client->version > 70)
		reply_change_bytes(client, 7, sv_make(collation, 5),
				   SV_LIT(""));
	else
		reply_change(client, 3, SV_LIT("cp1252"), SV_LIT(""));
	reply_change(client, 2, SV_LIT("us_english"), SV_LIT(""));
	reply_info(client, 5703,
		   SV_LIT("Changed language setting to us_english."));
	acknowledge(client);
	client->packet_size = login->packet_size;
	if (client->packet_size < 512 || client->packet_size > 32767)
		client->packet_size = 4096;
	(void)snprintf(text, sizeof(text), "%u", client->packet_size);
	reply_change(client, 4, sv_from(text), SV_LIT("4096"));
	reply_end(client);
	pipe_set_size(client->pipe, client->packet_size);
}

static int answer_login(struct client *client, struct sv body)
{
	struct login7 login = { 0 };
	int64_t number;

	client->version = 74;
	if (!read_login(client, body, &login) ||
	    !(client->version = version_of(&login)))
		return 0;
	if (fault_now(client, "refuse", login.user, &number))
		return 0;
	if (!may_log_in(client, &login)) {
		reply_error(client, 18456, 14, "Login failed for user '%.*s'.",
			    SV_ARG(login.user));
		reply_end(client);
		return 0;
	}
	if (login.database.len &&
	    !sv_ieq_str(login.database, client->server->options.name)) {
		reply_error(client, 4060, 11,
			    "Cannot open database \"%.*s\" requested by the "
			    "login. The login failed.",
			    SV_ARG(login.database));
		reply_end(client);
		return 0;
	}
	(void)snprintf(client->user, sizeof(client->user), SV_FMT,
		       SV_ARG(login.user));
	(void)snprintf(client->host, sizeof(client->host), SV_FMT,
		       SV_ARG(login.host));
	welcome(client, &login);
	return 1;
}

static int run_login(struct client *client, struct strbuf *body)
{
	enum encryption encryption = ENCRYPT_NEVER;
	enum packet type;

	if (!pipe_read(client->pipe, body, &type))
		return 0;
	if (type == PACKET_PRELOGIN) {
		encryption = agreed(client, asked_encryption(strbuf_sv(body)));
		answer_prelogin(client, encryption);
		if (encryption == ENCRYPT_NEEDED)
			return 0;
		if (encryption != ENCRYPT_NEVER &&
		    pipe_begin_tls(client->pipe, client->server->options.tls) <
			    0)
			return 0;
		if (!pipe_read(client->pipe, body, &type))
			return 0;
		if (encryption == ENCRYPT_LOGIN)
			pipe_end_tls(client->pipe);
	}
	return type == PACKET_LOGIN && answer_login(client, strbuf_sv(body));
}

int client_login(struct client *client)
{
	struct strbuf body = STRBUF_INIT(1 << 20);
	int ret = run_login(client, &body);

	strbuf_release(&body);
	arena_reset(&client->arena);
	return ret;
}
