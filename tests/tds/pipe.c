/*
 * pipe.c - messages in packets, in the clear or under TLS
 *
 * TLS begins inside packets of PRELOGIN and goes on around all packets. One
 * BIO does both: `wrapped` says whether it takes off and puts on headers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER 8

struct pipe {
	int fd;
	bool broken;
	bool cancelled;
	uint8_t *out;
	size_t out_len;
	size_t size; /* of a packet, with its header */
	uint8_t number;
	SSL *ssl;
	bool wrapped;
	size_t wrapped_left; /* of the packet that is being read */
	struct strbuf wrapped_out;
};

#define PIPE_MAX 32768

struct pipe *pipe_new(int fd)
{
	struct pipe *pipe = mem_zalloc(sizeof(*pipe));

	pipe->fd = fd;
	pipe->size = 4096;
	pipe->out = mem_alloc(PIPE_MAX);
	pipe->out_len = HEADER;
	pipe->wrapped_out = (struct strbuf)STRBUF_INIT(1 << 20);
	return pipe;
}

void pipe_free(struct pipe *pipe)
{
	pipe_end_tls(pipe);
	if (pipe->fd >= 0)
		(void)close(pipe->fd);
	strbuf_release(&pipe->wrapped_out);
	mem_free(pipe->out);
	mem_free(pipe);
}

void pipe_set_size(struct pipe *pipe, unsigned size)
{
	pipe->size = size;
}

/* ---- bytes ---- */

static int read_plain(struct pipe *pipe, uint8_t *to, size_t len)
{
	while (len) {
		ssize_t got = recv(pipe->fd, to, len, 0);

		if (got <= 0)
			return -1;
		to += got;
		len -= (size_t)got;
	}
	return 0;
}

static int write_plain(struct pipe *pipe, const uint8_t *from, size_t len)
{
	while (len) {
		ssize_t sent = send(pipe->fd, from, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return -1;
		from += sent;
		len -= (size_t)sent;
	}
	return 0;
}

static void put_header(uint8_t *to, enum packet type, bool last, size_t len,
		       uint8_t number)
{
	to[0] = (uint8_t)type;
	to[1] = last ? 1 : 0;
	to[2] = (uint8_t)(len >> 8);
	to[3] = (uint8_t)len;
	to[4] = 0;
	to[5] = 0;
	to[6] = number;
	to[7] = 0;
}

static int flush_wrapped(struct pipe *pipe)
{
	uint8_t header[HEADER];
	size_t len = pipe->wrapped_out.len;
	int ret;

	if (!len)
		return 0;
	put_header(header, PACKET_PRELOGIN, true, len + HEADER, 1);
	ret = write_plain(pipe, header, HEADER);
	if (ret == 0)
		ret = write_plain(pipe, (uint8_t *)pipe->wrapped_out.ptr, len);
	strbuf_reset(&pipe->wrapped_out);
	return ret;
}

static int bio_write(BIO *bio, const char *from, int len)
{
	struct pipe *pipe = BIO_get_data(bio);

	if (pipe->wrapped) {
		strbuf_add(&pipe->wrapped_out, from, (size_t)len);
		return len;
	}
	return write_plain(pipe, (const uint8_t *)from, (size_t)len) < 0 ? -1
									 : len;
}

static int bio_read(BIO *bio, char *to, int len)
{
	struct pipe *pipe = BIO_get_data(bio);
	uint8_t header[HEADER];
	ssize_t got;

	if (pipe->wrapped) {
		if (flush_wrapped(pipe) < 0)
			return -1;
		if (!pipe->wrapped_left) {
			if (read_plain(pipe, header, HEADER) < 0)
				return -1;
			pipe->wrapped_left =
				(size_t)(header[2] << 8 | header[3]) - HEADER;
		}
		if ((size_t)len > pipe->wrapped_left)
			len = (int)pipe->wrapped_left;
	}
	got = recv(pipe->fd, to, (size_t)len, 0);
	if (got > 0 && pipe->wrapped)
		pipe->wrapped_left -= (size_t)got;
	return (int)got;
}

static long bio_control(BIO *bio, int command, long number, void *data)
{
	(void)bio;
	(void)number;
	(void)data;
	return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void make_method(void)
{
	method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tds");
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_ctrl(method, bio_control);
}

int pipe_begin_tls(struct pipe *pipe, struct ssl_ctx_st *context)
{
	BIO *bio;

	(void)pthread_once(&method_once, make_method);
	bio = BIO_new(method);
	BIO_set_data(bio, pipe);
	BIO_set_init(bio, 1);
	pipe->ssl = SSL_new(context);
	SSL_set_bio(pipe->ssl, bio, bio);
	pipe->wrapped = true;
	if (SSL_accept(pipe->ssl) <= 0 || flush_wrapped(pipe) < 0)
		return -1;
	pipe->wrapped = false;
	return 0;
}

void pipe_end_tls(struct pipe *pipe)
{
	SSL_free(pipe->ssl);
	pipe->ssl = NULL;
}

static int read_all(struct pipe *pipe, uint8_t *to, size_t len)
{
	if (!pipe->ssl)
		return read_plain(pipe, to, len);
	while (len) {
		int got = SSL_read(pipe->ssl, to, (int)len);

		if (got <= 0)
			return -1;
		to += got;
		len -= (size_t)got;
	}
	return 0;
}

static void write_all(struct pipe *pipe, const uint8_t *from, size_t len)
{
	if (pipe->broken || pipe->fd < 0)
		return;
	if (pipe->ssl ? SSL_write(pipe->ssl, from, (int)len) <= 0
		      : write_plain(pipe, from, len) < 0)
		pipe->broken = true;
}

/* ---- messages ---- */

static int read_packet(struct pipe *pipe, struct strbuf *body,
		       enum packet *type, bool *last)
{
	uint8_t header[HEADER];
	size_t len;
	char *room;

	if (pipe->broken || read_all(pipe, header, HEADER) < 0)
		return 0;
	len = (size_t)(header[2] << 8 | header[3]);
	if (len < HEADER)
		return 0;
	len -= HEADER;
	room = strbuf_room(body, len + 1);
	if (!room || read_all(pipe, (uint8_t *)room, len) < 0)
		return 0;
	strbuf_grew(body, len);
	*type = (enum packet)header[0];
	*last = header[1] & 1;
	/* the client takes back what it began to send */
	if (header[1] & 2)
		strbuf_reset(body);
	return 1;
}

int pipe_read(struct pipe *pipe, struct strbuf *body, enum packet *type)
{
	bool last = false;

	strbuf_reset(body);
	while (!last) {
		if (!read_packet(pipe, body, type, &last))
			return 0;
	}
	return 1;
}

static void send_packet(struct pipe *pipe, bool last)
{
	put_header(pipe->out, PACKET_ANSWER, last, pipe->out_len,
		   ++pipe->number);
	write_all(pipe, pipe->out, pipe->out_len);
	pipe->out_len = HEADER;
}

void pipe_write(struct pipe *pipe, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;

	while (len) {
		size_t part = pipe->size - pipe->out_len;

		if (!part) {
			send_packet(pipe, false);
			(void)pipe_cancelled(pipe);
			continue;
		}
		if (part > len)
			part = len;
		memcpy(pipe->out + pipe->out_len, from, part);
		pipe->out_len += part;
		from += part;
		len -= part;
	}
}

void pipe_finish(struct pipe *pipe)
{
	send_packet(pipe, true);
	pipe->number = 0;
}

bool pipe_cancelled(struct pipe *pipe)
{
	struct pollfd wait = { .fd = pipe->fd, .events = POLLIN };
	uint8_t header[HEADER];

	if (pipe->broken || pipe->cancelled)
		return true;
	if (pipe->fd < 0)
		return false;
	if (!(pipe->ssl && SSL_pending(pipe->ssl)) && poll(&wait, 1, 0) <= 0)
		return false;
	if (read_all(pipe, header, HEADER) == 0 &&
	    header[0] == PACKET_ATTENTION)
		pipe->cancelled = true;
	else
		pipe->broken = true;
	return true;
}

void pipe_clear_cancel(struct pipe *pipe)
{
	pipe->cancelled = false;
}

bool pipe_broken(const struct pipe *pipe)
{
	return pipe->broken;
}

bool pipe_nowhere(const struct pipe *pipe)
{
	return pipe->fd < 0;
}

void pipe_drop(struct pipe *pipe, bool garbage)
{
	static const uint8_t bytes[64] = { 4, 1, 0,    64,   0,   0,
					   1, 0, 0x77, 0x88, 0x99 };

	if (pipe->out_len > HEADER)
		send_packet(pipe, false);
	if (garbage)
		write_all(pipe, bytes, sizeof(bytes));
	pipe->broken = true;
	(void)shutdown(pipe->fd, SHUT_RDWR);
}
