/*
 * main.c - tds-server: Microsoft SQL Server for tests, over SQLite
 *
 *   tds-server --database FILE --user NAME:PASSWORD [--user ...]
 *              [--listen ADDRESS] [--port N] [--name DATABASE]
 *              [--major N] [--tls CERTIFICATE:KEY] [--tls-only]
 *              [--init FILE] [--fault KIND:NUMBER:PATTERN:SKIP:TIMES]
 *
 * It prints "PORT=n" and "READY", and serves until it is ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct arguments {
	const char *address;
	unsigned port;
	const char *init;
	const char *tls;
};

static void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "tds-server: %s: %s\n", what, why);
	exit(1);
}

static void add_login(struct server *server, const char *text)
{
	struct sv both = sv_from(text);
	size_t colon = sv_find(both, ':', 0);
	struct login login = { sv_sub(both, 0, colon),
			       colon < both.len
				       ? sv_sub(both, colon + 1, both.len)
				       : SV_LIT("") };

	vec_push(&server->logins, login);
}

static void read_arguments(int argc, char **argv, struct server *server,
			   struct arguments *args)
{
	static const struct option options[] = {
		{ "database", required_argument, NULL, 'd' },
		{ "user", required_argument, NULL, 'u' },
		{ "listen", required_argument, NULL, 'l' },
		{ "port", required_argument, NULL, 'p' },
		{ "name", required_argument, NULL, 'n' },
		{ "major", required_argument, NULL, 'm' },
		{ "tls", required_argument, NULL, 't' },
		{ "tls-only", no_argument, NULL, 'T' },
		{ "init", required_argument, NULL, 'i' },
		{ "fault", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			server->options.database = optarg;
			break;
		case 'u':
			add_login(server, optarg);
			break;
		case 'l':
			args->address = optarg;
			break;
		case 'p':
			args->port = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			server->options.name = optarg;
			break;
		case 'm':
			server->options.major = (int)strtol(optarg, NULL, 10);
			break;
		case 't':
			args->tls = optarg;
			break;
		case 'T':
			server->options.prelogin_needed = true;
			break;
		case 'i':
			args->init = optarg;
			break;
		case 'f':
			if (!fault_parse(server, sv_from(optarg)))
				die(optarg, "is not a fault");
			break;
		default:
			exit(2);
		}
	}
	if (!server->options.database)
		die("--database", "is missing");
}

static SSL_CTX *tls_context(const char *files)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	struct sv both = sv_from(files);
	size_t colon = sv_find(both, ':', 0);
	char certificate[4096];

	(void)snprintf(certificate, sizeof(certificate), SV_FMT,
		       SV_ARG(sv_sub(both, 0, colon)));
	/* as SQL Server before 2022 */
	(void)SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	if (colon >= both.len ||
	    SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, files + colon + 1,
					SSL_FILETYPE_PEM) != 1)
		die(files, "cannot be used for TLS");
	return context;
}

/* ---- a file of batches, with GO between them ---- */

static bool is_go(struct sv line)
{
	return sv_ieq_str(sv_trim(line), "GO");
}

static int run_batch(struct client *client, struct sv text)
{
	struct variables vars = { VEC_INIT };
	int ret = batch_run(client, text, &vars);

	vec_release(&vars.list);
	client->pending = false;
	arena_reset(&client->arena);
	return ret;
}

static void run_file(struct server *server, const char *path)
{
	struct strbuf text = STRBUF_INIT((size_t)1 << 30);
	struct client *client = client_new(server, -1);
	FILE *file = fopen(path, "r");
	size_t from = 0;
	size_t at = 0;

	if (!file || !client)
		die(path, strerror(errno));
	for (;;) {
		char *room = strbuf_room(&text, 65536);
		size_t got = room ? fread(room, 1, 65536, file) : 0;

		if (!got)
			break;
		strbuf_grew(&text, got);
	}
	(void)fclose(file);
	for (; at < text.len; at++) {
		size_t begin = at;
		bool go;

		at = sv_find(strbuf_sv(&text), '\n', at);
		go = is_go(sv_sub(strbuf_sv(&text), begin, at));
		if (!go && at + 1 < text.len)
			continue;
		if (run_batch(client, sv_sub(strbuf_sv(&text), from,
					     go ? begin : text.len)) < 0)
			die(path, "failed");
		from = at + 1;
	}
	client_free(client);
	strbuf_release(&text);
}

/* ---- listening ---- */

static void *serve(void *data)
{
	struct client *client = data;

	client_serve(client);
	client_free(client);
	return NULL;
}

static int listen_on(const struct arguments *args)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)args->port)
	};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 },
			 sizeof(int));
	if (inet_pton(AF_INET, args->address, &address.sin_addr) != 1 ||
	    bind(fd, (struct sockaddr *)&address, len) < 0 ||
	    listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		die(args->address, strerror(errno));
	(void)printf("PORT=%u\nREADY\n", ntohs(address.sin_port));
	(void)fflush(stdout);
	return fd;
}

static void accept_all(struct server *server, int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct client *client;
		pthread_attr_t attr;

		if (fd < 0)
			continue;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 },
				 sizeof(int));
		client = client_new(server, fd);
		if (!client)
			continue;
		(void)pthread_attr_init(&attr);
		(void)pthread_attr_setdetachstate(&attr,
						  PTHREAD_CREATE_DETACHED);
		if (pthread_create(&client->thread, &attr, serve, client) != 0)
			client_free(client);
		(void)pthread_attr_destroy(&attr);
	}
}

int main(int argc, char **argv)
{
	static struct server server = {
		.options = { .name = "hr", .server = "TDS", .major = 16 },
		.mutex = PTHREAD_MUTEX_INITIALIZER,
	};
	struct arguments args = { .address = "127.0.0.1" };

	(void)signal(SIGPIPE, SIG_IGN);
	read_arguments(argc, argv, &server, &args);
	if (args.tls)
		server.options.tls = tls_context(args.tls);
	if (server_begin(&server) < 0)
		return 1;
	if (args.init)
		run_file(&server, args.init);
	accept_all(&server, listen_on(&args));
	return 0;
}
