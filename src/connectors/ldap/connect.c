/*
 * connect.c - reach one server and encrypt the connection
 *
 * Nothing that a user's own LDAP settings say weakens the check of
 * certificates. The library bounds the time of connecting but not that of the
 * TLS handshake, so a watch takes the connection away from a server that
 * falls silent in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "base/file.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Shuts the connection down unless it is stopped in time. */
struct watch {
	struct ldap_conncb callback; /* the library calls it once connected */
	int seconds;
	int fd; /* the same socket by a number of our own; -1: not connected */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t stop;
	bool stopped;
	bool fired;
};

static void *watch_run(void *data)
{
	struct watch *watch = data;
	struct timespec end;
	int ret = 0;

	(void)clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += watch->seconds;
	(void)pthread_mutex_lock(&watch->mutex);
	while (!watch->stopped && ret != ETIMEDOUT)
		ret = pthread_cond_timedwait(&watch->stop, &watch->mutex, &end);
	if (!watch->stopped) {
		watch->fired = true;
		(void)shutdown(watch->fd, SHUT_RDWR);
	}
	(void)pthread_mutex_unlock(&watch->mutex);
	return NULL;
}

/* A server that stops in the middle of a message must not hang us. */
static void set_socket_timeout(int fd, int seconds)
{
	struct timeval tv = { seconds, 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

/* Signals are left to the other threads. */
static bool watch_start(struct watch *watch)
{
	sigset_t all;
	sigset_t before;
	int ret;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&watch->thread, NULL, watch_run, watch);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !ret;
}

static int on_connected(LDAP *ld, Sockbuf *sb, LDAPURLDesc *url,
			struct sockaddr *address, struct ldap_conncb *callback)
{
	struct watch *watch = callback->lc_arg;
	int fd = -1;

	(void)ld;
	(void)url;
	(void)address;
	if (watch->fd >= 0 ||
	    ber_sockbuf_ctrl(sb, LBER_SB_OPT_GET_FD, &fd) < 0 || fd < 0)
		return 0;
	set_socket_timeout(fd, watch->seconds);
	watch->fd = dup(fd);
	if (watch->fd >= 0 && !watch_start(watch)) {
		(void)close(watch->fd);
		watch->fd = -1;
	}
	return 0;
}

static void on_closed(LDAP *ld, Sockbuf *sb, struct ldap_conncb *callback)
{
	(void)ld;
	(void)sb;
	(void)callback;
}

static void watch_begin(struct watch *watch, int seconds)
{
	*watch = (struct watch){ .seconds = seconds, .fd = -1 };
	watch->callback =
		(struct ldap_conncb){ on_connected, on_closed, watch };
	(void)pthread_mutex_init(&watch->mutex, NULL);
	(void)pthread_cond_init(&watch->stop, NULL);
}

static void watch_end(struct watch *watch)
{
	(void)pthread_mutex_lock(&watch->mutex);
	watch->stopped = true;
	(void)pthread_cond_signal(&watch->stop);
	(void)pthread_mutex_unlock(&watch->mutex);
	if (watch->fd >= 0) {
		(void)pthread_join(watch->thread, NULL);
		(void)close(watch->fd);
	}
	(void)pthread_cond_destroy(&watch->stop);
	(void)pthread_mutex_destroy(&watch->mutex);
}

/* A file that a setting names, as a path; NULL: not set; -1: not there. */
static int setting_file(struct connector_session *session, const char *name,
			char **out, struct error *err)
{
	struct sv text = ldap_session_setting(session, name);

	*out = NULL;
	if (!text.len)
		return 0;
	*out = connector_path(session->config, text, &session->arena);
	if (!file_exists(*out))
		return error_set(err, ERR_NOTFOUND, "%s '%s' does not exist",
				 name, *out);
	return 0;
}

static int set_tls(struct connector_session *session, struct error *err)
{
	int demand = LDAP_OPT_X_TLS_DEMAND;
	int least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
	int client = 0;
	char *ca;
	char *certificate;
	char *key;

	if (setting_file(session, "ca_file", &ca, err) < 0 ||
	    setting_file(session, "certificate", &certificate, err) < 0 ||
	    setting_file(session, "key", &key, err) < 0)
		return -1;
	if (ldap_set_option(session->ld, LDAP_OPT_X_TLS_REQUIRE_CERT,
			    &demand) ||
	    ldap_set_option(session->ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least))
		return error_set(err, ERR_UNSUPPORTED,
				 "the LDAP library has no TLS");
	if (ca) {
		(void)ldap_set_option(session->ld, LDAP_OPT_X_TLS_CACERTDIR,
				      NULL);
		(void)ldap_set_option(session->ld, LDAP_OPT_X_TLS_CACERTFILE,
				      ca);
	}
	if (certificate) {
		(void)ldap_set_option(session->ld, LDAP_OPT_X_TLS_CERTFILE,
				      certificate);
		(void)ldap_set_option(session->ld, LDAP_OPT_X_TLS_KEYFILE, key);
	}
	if (ldap_set_option(session->ld, LDAP_OPT_X_TLS_NEWCTX, &client))
		return error_set(err, ERR_INVALID,
				 "cannot use the certificates in '%s'%s%s: "
				 "they must be PEM files",
				 ca ? ca : "the system's store",
				 certificate ? " and " : "",
				 certificate ? certificate : "");
	return 0;
}

/* A connection on which nobody speaks for long must not die unseen. */
static void set_keepalive(LDAP *ld)
{
	int idle = 60;
	int probes = 4;
	int interval = 15;

	(void)ldap_set_option(ld, LDAP_OPT_X_KEEPALIVE_IDLE, &idle);
	(void)ldap_set_option(ld, LDAP_OPT_X_KEEPALIVE_PROBES, &probes);
	(void)ldap_set_option(ld, LDAP_OPT_X_KEEPALIVE_INTERVAL, &interval);
}

static int set_options(struct connector_session *session, struct error *err)
{
	struct timeval tv = { session->timeout, 0 };
	int version = LDAP_VERSION3;
	int zero = 0;

	(void)ldap_set_option(session->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	(void)ldap_set_option(session->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	(void)ldap_set_option(session->ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
	(void)ldap_set_option(session->ld, LDAP_OPT_DEREF, &zero);
	(void)ldap_set_option(session->ld, LDAP_OPT_SIZELIMIT, &zero);
	(void)ldap_set_option(session->ld, LDAP_OPT_TIMELIMIT, &zero);
	(void)ldap_set_option(session->ld, LDAP_OPT_NETWORK_TIMEOUT, &tv);
	(void)ldap_set_option(session->ld, LDAP_OPT_TIMEOUT, &tv);
	set_keepalive(session->ld);
	return set_tls(session, err);
}

/* Answers that came together are read together; the library asks what was read
 * before it asks the socket. TLS and what else is put on top read from it. */
static void read_ahead(LDAP *ld)
{
	Sockbuf *sb = NULL;

	if (!ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sb) && sb)
		(void)ber_sockbuf_add_io(sb, &ber_sockbuf_io_readahead,
					 LBER_SBIOD_LEVEL_PROVIDER, NULL);
}

/* `errnum` is that of a connection that failed. */
static int reach(struct connector_session *session, LDAP *ld, int *errnum)
{
	bool starttls = sv_eq_str(ldap_session_setting(session, "security"),
				  "starttls");
	struct ldap_conncb *callback;
	struct watch watch;
	int code;

	watch_begin(&watch, session->timeout);
	callback = &watch.callback;
	(void)ldap_set_option(ld, LDAP_OPT_CONNECT_CB, callback);
	errno = 0;
	code = ldap_connect(ld);
	*errnum = errno;
	if (!code)
		read_ahead(ld);
	if (!code && starttls)
		code = ldap_start_tls_s(ld, NULL, NULL);
	(void)ldap_get_option(ld, LDAP_OPT_CONNECT_CB, callback); /* removes */
	watch_end(&watch);
	return watch.fired ? LDAP_TIMEOUT : code;
}

/* Asks once more without looking at the certificate, and sends nothing: not
 * every TLS library says that it was the certificate. */
static bool reaches_unverified(struct connector_session *session)
{
	struct timeval tv = { session->timeout, 0 };
	int version = LDAP_VERSION3;
	int never = LDAP_OPT_X_TLS_NEVER;
	int client = 0;
	LDAP *ld = NULL;
	int errnum;
	int code;

	if (ldap_initialize(&ld, session->server))
		return false;
	(void)ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	(void)ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &tv);
	(void)ldap_set_option(ld, LDAP_OPT_TIMEOUT, &tv);
	(void)ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &never);
	(void)ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client);
	code = reach(session, ld, &errnum);
	(void)ldap_unbind_ext(ld, NULL, NULL);
	return code == LDAP_SUCCESS;
}

static int not_reached(struct connector_session *session, int code, int errnum,
		       struct error *err)
{
	bool tls =
		!sv_eq_str(ldap_session_setting(session, "security"), "none");
	char *text = NULL;
	const char *why;

	if (code == LDAP_TIMEOUT)
		return error_set(err, ERR_UNAVAILABLE,
				 "%s: no answer within %d s", session->server,
				 session->timeout);
	(void)ldap_get_option(session->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
	if (text && *text && *text != '(') /* "(unknown error code)" */
		why = text;
	else if (errnum && errnum != ENOTCONN)
		why = strerror(errnum);
	else if (code == LDAP_SERVER_DOWN || code == LDAP_CONNECT_ERROR)
		why = "connection refused, or no such host";
	else
		why = ldap_err2string(code);
	error_set(err, ERR_UNAVAILABLE, "%s: %s", session->server, why);
	if (tls && reaches_unverified(session))
		error_set(err, ERR_UNAVAILABLE,
			  "%s: the server's certificate is not accepted%s%s: "
			  "it must be in date, issued for this host and signed "
			  "by an authority in ca_file",
			  session->server, why == text ? ": " : "",
			  why == text ? why : "");
	ldap_memfree(text);
	return -1;
}

int ldap_connect_server(struct connector_session *session, struct error *err)
{
	int code = ldap_initialize(&session->ld, session->server);
	int errnum = 0;

	if (code)
		return error_set(err, ERR_INVALID,
				 "'%s' is no server's URL: %s", session->server,
				 ldap_err2string(code));
	if (set_options(session, err) < 0)
		return -1;
	code = reach(session, session->ld, &errnum);
	return code ? not_reached(session, code, errnum, err) : 0;
}
