/*
 * reply.c - the tokens of an answer
 *
 * The end of a statement (DONE) says whether more is to come, so it waits for
 * the next token, or for the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include <stdarg.h>
#include <stdio.h>

enum done {
	DONE_MORE = 0x01,
	DONE_ERROR = 0x02,
	DONE_COUNT = 0x10,
	DONE_CANCELLED = 0x20,
};

enum token_byte {
	TDS_RETURNSTATUS = 0x79,
	TDS_COLMETADATA = 0x81,
	TDS_ERROR = 0xaa,
	TDS_INFO = 0xab,
	TDS_RETURNVALUE = 0xac,
	TDS_ROW = 0xd1,
	TDS_NBCROW = 0xd2,
	TDS_ENVCHANGE = 0xe3,
	TDS_DONE = 0xfd,
	TDS_DONEPROC = 0xfe,
	TDS_DONEINPROC = 0xff,
};

void reply_flush(struct client *client)
{
	pipe_write(client->pipe, client->out.ptr, client->out.len);
	strbuf_reset(&client->out);
}

static void add_done(struct client *client, unsigned token, unsigned status,
		     unsigned command, uint64_t count)
{
	struct strbuf *out = &client->out;

	add_u8(out, token);
	add_u16(out, status);
	add_u16(out, command);
	if (client->version >= 72)
		add_u64(out, count);
	else
		add_u32(out, (uint32_t)count);
}

static void send_pending(struct client *client, unsigned more)
{
	if (!client->pending)
		return;
	client->pending = false;
	if (client->in_procedure)
		more = DONE_MORE;
	add_done(client, client->in_procedure ? TDS_DONEINPROC : TDS_DONE,
		 client->done_status | more, client->done_command,
		 client->done_count);
	reply_flush(client);
}

void reply_done(struct client *client, unsigned command, bool counted,
		uint64_t count)
{
	send_pending(client, DONE_MORE);
	client->pending = true;
	client->done_status = counted && !client->nocount ? DONE_COUNT : 0;
	client->done_command = command;
	client->done_count = counted ? count : 0;
}

void reply_end(struct client *client)
{
	if (!client->pending)
		reply_done(client, 0, false, 0);
	send_pending(client, 0);
	pipe_finish(client->pipe);
}

void reply_cancelled(struct client *client)
{
	client->pending = false;
	strbuf_reset(&client->out);
	add_done(client, TDS_DONE, DONE_CANCELLED, 0, 0);
	reply_flush(client);
	pipe_finish(client->pipe);
}

/* ---- results ---- */

static void add_user_type(struct client *client)
{
	add_u16(&client->out, 0);
	if (client->version >= 72)
		add_u16(&client->out, 0);
}

void reply_columns(struct client *client, const char **names,
		   const struct type *types, const bool *nullable, size_t count)
{
	struct strbuf *out = &client->out;

	send_pending(client, DONE_MORE);
	add_u8(out, TDS_COLMETADATA);
	add_u16(out, (unsigned)count);
	for (size_t i = 0; i < count; i++) {
		add_user_type(client);
		add_u16(out, nullable[i] ? 0x09 : 0x08);
		wire_add_type(out, &types[i], client->version);
		if (types[i].id == T_TEXT || types[i].id == T_NTEXT ||
		    types[i].id == T_IMAGE) {
			if (client->version >= 72)
				add_u8(out, 1);
			add_us_varchar(out, SV_LIT("t"));
		}
		add_b_varchar(out, sv_from(names[i]));
	}
	reply_flush(client);
}

static size_t add_null_bits(struct strbuf *out, const struct datum *values,
			    size_t count)
{
	size_t nulls = 0;

	for (size_t i = 0; i < count; i++)
		nulls += values[i].kind == DATUM_NULL;
	if (!nulls)
		return 0;
	add_u8(out, TDS_NBCROW);
	for (size_t i = 0; i < count; i += 8) {
		unsigned bits = 0;

		for (size_t k = i; k < i + 8 && k < count; k++)
			bits |= (values[k].kind == DATUM_NULL ? 1U : 0U)
				<< (k - i);
		add_u8(out, bits);
	}
	return nulls;
}

int reply_row(struct client *client, const struct type *types,
	      const struct datum *values, size_t count)
{
	struct strbuf *out = &client->out;
	size_t nulls = 0;

	if (client->version >= 73)
		nulls = add_null_bits(out, values, count);
	if (!nulls)
		add_u8(out, TDS_ROW);
	for (size_t i = 0; i < count; i++) {
		if (nulls && values[i].kind == DATUM_NULL)
			continue;
		if (!wire_add_value(out, &types[i], &values[i])) {
			strbuf_reset(out);
			return 0;
		}
	}
	reply_flush(client);
	return 1;
}

/* ---- messages ---- */

static void add_message(struct client *client, unsigned token, int number,
			int severity, struct sv text)
{
	struct strbuf *out = &client->out;
	size_t from;

	send_pending(client, DONE_MORE);
	add_u8(out, token);
	add_u16(out, 0);
	from = out->len;
	add_u32(out, (uint32_t)number);
	add_u8(out, 1);
	add_u8(out, (unsigned)severity);
	add_us_varchar(out, text);
	add_b_varchar(out, sv_from(client->server->options.server));
	add_b_varchar(out, SV_LIT(""));
	if (client->version >= 72)
		add_u32(out, 1);
	else
		add_u16(out, 1);
	out->ptr[from - 2] = (char)(out->len - from);
	out->ptr[from - 1] = (char)((out->len - from) >> 8);
	reply_flush(client);
}

void reply_error(struct client *client, int number, int severity,
		 const char *format, ...)
{
	struct strbuf text = STRBUF_INIT(4000);
	char space[1000];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(space, sizeof(space), format, args);
	va_end(args);
	strbuf_adds(&text, space);
	add_message(client, TDS_ERROR, number, severity, strbuf_sv(&text));
	strbuf_release(&text);
	client->last_error = number;
	if (pipe_nowhere(client->pipe))
		(void)fprintf(stderr, "tds-server: %d: %s\n", number, space);
	client->pending = true;
	client->done_status = DONE_ERROR;
	client->done_command = 0;
	client->done_count = 0;
}

void reply_info(struct client *client, int number, struct sv text)
{
	add_message(client, TDS_INFO, number, 0, text);
}

static void add_change(struct client *client, unsigned type, struct sv body)
{
	send_pending(client, DONE_MORE);
	add_u8(&client->out, TDS_ENVCHANGE);
	add_u16(&client->out, (unsigned)body.len + 1);
	add_u8(&client->out, type);
	strbuf_addsv(&client->out, body);
	reply_flush(client);
}

void reply_change(struct client *client, unsigned type, struct sv new_value,
		  struct sv old_value)
{
	struct strbuf body = STRBUF_INIT(2000);

	add_b_varchar(&body, new_value);
	add_b_varchar(&body, old_value);
	add_change(client, type, strbuf_sv(&body));
	strbuf_release(&body);
}

void reply_change_bytes(struct client *client, unsigned type,
			struct sv new_value, struct sv old_value)
{
	struct strbuf body = STRBUF_INIT(2000);

	add_u8(&body, (unsigned)new_value.len);
	strbuf_addsv(&body, new_value);
	add_u8(&body, (unsigned)old_value.len);
	strbuf_addsv(&body, old_value);
	add_change(client, type, strbuf_sv(&body));
	strbuf_release(&body);
}

static void add_return_value(struct client *client, const struct variable *var,
			     unsigned ordinal)
{
	struct strbuf *out = &client->out;
	struct type type = type_sent(var->type, client->version);

	add_u8(out, TDS_RETURNVALUE);
	add_u16(out, ordinal);
	add_b_varchar(out, var->name);
	add_u8(out, 1);
	add_user_type(client);
	add_u16(out, 1);
	wire_add_type(out, &type, client->version);
	if (!wire_add_value(out, &type, &var->value))
		(void)wire_add_value(out, &type,
				     &(struct datum){ .kind = DATUM_NULL });
	reply_flush(client);
}

void reply_procedure(struct client *client, struct variables *outputs,
		     bool more)
{
	unsigned ordinal = 0;
	struct variable *var;

	send_pending(client, DONE_MORE);
	add_u8(&client->out, TDS_RETURNSTATUS);
	add_u32(&client->out, (uint32_t)client->return_status);
	reply_flush(client);
	vec_foreach(&outputs->list, var) {
		if (var->output)
			add_return_value(client, var, ordinal);
		ordinal++;
	}
	add_done(client, TDS_DONEPROC, more ? DONE_MORE : 0, 0, 0);
	reply_flush(client);
	if (!more)
		pipe_finish(client->pipe);
}
