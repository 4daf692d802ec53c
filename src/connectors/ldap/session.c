/*
 * session.c - one connection: find a server, sign in, ask what it can; and
 * again when it is lost
 *
 * Servers are tried in order; a password that one refuses is not tried at the
 * next, so that a wrong one does not lock the account.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "connectors/ldap/locate.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <time.h>

#define ACTIVE_DIRECTORY "1.2.840.113556.1.4.800"
#define AD_LIGHTWEIGHT   "1.2.840.113556.1.4.1851"

int ldap_session_code(struct connector_session *session)
{
	int code = LDAP_SERVER_DOWN;

	(void)ldap_get_option(session->ld, LDAP_OPT_RESULT_CODE, &code);
	return code ? code : LDAP_SERVER_DOWN;
}

int ldap_session_error(struct connector_session *session, int code,
		       const char *doing, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	char *text = NULL;

	if (ldap_result_fatal(code))
		session->lost = code;
	if (code == LDAP_TIMEOUT)
		return error_set(err, ERR_UNAVAILABLE,
				 "%s: cannot %s: no answer within %d s",
				 session->server, doing, session->timeout);
	if (code != LDAP_SERVER_DOWN) /* that would be an earlier answer's */
		(void)ldap_get_option(session->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE,
				      &text);
	error_set(err, ldap_result_err(code), "%s: cannot %s: " SV_FMT,
		  session->server, doing,
		  SV_ARG(ldap_result_text(code, text, &scratch)));
	ldap_memfree(text);
	arena_release(&scratch);
	return -1;
}

int ldap_session_read(struct connector_session *session, const char *dn,
		      const char *filter, char **attrs, LDAPMessage **out,
		      struct error *err)
{
	struct timeval tv = { session->timeout, 0 };
	char doing[200];
	int code;

	*out = NULL;
	code = ldap_search_ext_s(session->ld, dn, LDAP_SCOPE_BASE, filter,
				 attrs, 0, NULL, NULL, &tv, 0, out);
	if (!code && ldap_first_entry(session->ld, *out))
		return 1;
	ldap_msgfree(*out);
	*out = NULL;
	if (!code || code == LDAP_NO_SUCH_OBJECT ||
	    code == LDAP_INSUFFICIENT_ACCESS)
		return 0;
	(void)snprintf(doing, sizeof(doing), "read '%.150s'", dn);
	return ldap_session_error(session, code, doing, err);
}

struct sv ldap_session_setting(const struct connector_session *session,
			       const char *name)
{
	return setting_text(session->config->connect,
			    session->profile->settings, name);
}

int64_t ldap_session_number(const struct connector_session *session,
			    const char *name)
{
	return setting_number(session->config->connect,
			      session->profile->settings, name);
}

/* Without a DN: by what the connection itself proves, if anything. */
static int bind_external(struct connector_session *session, struct error *err)
{
	char nothing[] = "";
	struct berval none = { 0, nothing };
	int code;

	if (!ldap_session_setting(session, "certificate").len &&
	    strncmp(session->server, "ldapi:", 6) != 0)
		return 0;
	code = ldap_sasl_bind_s(session->ld, NULL, "EXTERNAL", &none, NULL,
				NULL, NULL);
	if (code)
		return ldap_session_error(session, code,
					  "sign in with the certificate or "
					  "local user (SASL EXTERNAL)",
					  err);
	return 0;
}

static int bind_password(struct connector_session *session, struct error *err)
{
	const struct connector_config *config = session->config;
	char *dn = arena_cstr(&session->arena,
			      ldap_session_setting(session, "bind_dn"));
	struct secret secret = SECRET_INIT;
	char doing[256];
	struct berval password;
	int code;

	if (config->secret(config->secret_data,
			   ldap_session_setting(session, "password"), &secret,
			   err) < 0)
		return error_context(err, "password of '%s'", dn);
	if (!secret.len) {
		secret_release(&secret);
		return error_set(err, ERR_DENIED,
				 "the password of '%s' is empty", dn);
	}
	password = (struct berval){ secret.len, secret.bytes };
	code = ldap_sasl_bind_s(session->ld, dn, LDAP_SASL_SIMPLE, &password,
				NULL, NULL, NULL);
	secret_release(&secret);
	if (!code)
		return 0;
	(void)snprintf(doing, sizeof(doing), "sign in as '%.200s'", dn);
	(void)ldap_session_error(session, code, doing, err);
	if (code == LDAP_INVALID_CREDENTIALS)
		error_set(err, ERR_DENIED,
			  "%s: the server refuses name or password of '%s' "
			  "(result code %d %s): check bind_dn and password",
			  session->server, dn, code, ldap_result_name(code));
	return -1;
}

static int sign_in(struct connector_session *session, struct error *err)
{
	if (ldap_session_setting(session, "principal").len)
		return ldap_kerberos_bind(session, err);
	if (ldap_session_setting(session, "bind_dn").len)
		return bind_password(session, err);
	return bind_external(session, err);
}

static bool offers(struct berval **values, const char *oid)
{
	for (; values && *values; values++)
		if (sv_eq_str(sv_make((*values)->bv_val, (*values)->bv_len),
			      oid))
			return true;
	return false;
}

static void read_contexts(struct connector_session *session,
			  struct berval **values)
{
	size_t count = (size_t)ldap_count_values_len(values);
	size_t i;

	session->contexts = arena_array(&session->arena, count + 1,
					sizeof(*session->contexts));
	for (i = 0; i < count; i++)
		session->contexts[i] =
			arena_dup(&session->arena, sv_make(values[i]->bv_val,
							   values[i]->bv_len));
	session->context_count = count;
	ldap_value_free_len(values);
}

/* Of each kind, how its agents say so. */
static const struct {
	const char *what;
	const char *type;
} kinds[] = {
	[LDAP_ACTIVE_DIRECTORY] = { "Active Directory", "ad" },
	[LDAP_OPENLDAP] = { "OpenLDAP", "openldap" },
	[LDAP_389] = { "389 Directory Server", "sun" },
};

static bool has_text(struct sv text, const char *part)
{
	size_t len = strlen(part);
	size_t i;

	for (i = 0; i + len <= text.len; i++)
		if (!strncasecmp(text.ptr + i, part, len))
			return true;
	return false;
}

static enum ldap_kind kind_of(struct connector_session *session,
			      LDAPMessage *root)
{
	struct berval **classes;
	struct sv vendor;
	bool openldap;

	if (session->tells_allowed)
		return LDAP_ACTIVE_DIRECTORY;
	classes = ldap_get_values_len(session->ld, root, "objectClass");
	openldap = offers(classes, "OpenLDAProotDSE");
	ldap_value_free_len(classes);
	if (openldap)
		return LDAP_OPENLDAP;
	vendor = ldap_entry_first(session->ld, root, "vendorName",
				  &session->arena);
	return has_text(vendor, "389 Project") ? LDAP_389 : LDAP_ANY_SERVER;
}

/* One that does not tell may be whatever the agent takes it for; but Active
 * Directory always tells. */
static int check_kind(struct connector_session *session, LDAPMessage *root,
		      struct error *err)
{
	enum ldap_kind wanted = session->profile->kind;
	enum ldap_kind kind = kind_of(session, root);

	if (wanted == LDAP_ANY_SERVER || kind == wanted)
		return 0;
	if (kind != LDAP_ANY_SERVER)
		return error_set(err, ERR_INVALID,
				 "%s: this server is %s, not %s: write 'type: "
				 "%s', or correct servers",
				 session->server, kinds[kind].what,
				 kinds[wanted].what, kinds[kind].type);
	if (wanted != LDAP_ACTIVE_DIRECTORY)
		return 0;
	return error_set(err, ERR_INVALID,
			 "%s: this server is not Active Directory: write "
			 "'type: ldap', or correct servers",
			 session->server);
}

/* What the server says of itself; one that does not is taken as plain. */
static int read_root(struct connector_session *session, struct error *err)
{
	char control[] = "supportedControl";
	char subschema[] = "subschemaSubentry";
	char contexts[] = "namingContexts";
	char capabilities[] = "supportedCapabilities";
	char service[] = "dsServiceName";
	char classes[] = "objectClass";
	char vendor[] = "vendorName";
	char *attrs[] = { control, subschema, contexts, capabilities,
			  service, classes,   vendor,   NULL };
	struct berval **values;
	LDAPMessage *result;
	LDAPMessage *root;
	struct sv dn;
	int ret;

	session->service = SV_NULL;
	ret = ldap_session_read(session, "", "(objectClass=*)", attrs, &result,
				err);
	if (ret <= 0)
		return ret;
	root = ldap_first_entry(session->ld, result);
	values = ldap_get_values_len(session->ld, root, control);
	session->paging = offers(values, LDAP_CONTROL_PAGEDRESULTS);
	session->post_read = offers(values, LDAP_CONTROL_POST_READ);
	session->sync = offers(values, LDAP_CONTROL_SYNC);
	session->permissive = offers(values, LDAP_CONTROL_X_PERMISSIVE_MODIFY);
	ldap_value_free_len(values);
	values = ldap_get_values_len(session->ld, root, capabilities);
	session->tells_allowed = offers(values, ACTIVE_DIRECTORY) ||
				 offers(values, AD_LIGHTWEIGHT);
	ldap_value_free_len(values);
	dn = ldap_entry_first(session->ld, root, subschema, &session->arena);
	session->subschema_dn = dn.ptr;
	session->service =
		ldap_entry_first(session->ld, root, service, &session->arena);
	read_contexts(session,
		      ldap_get_values_len(session->ld, root, contexts));
	ret = check_kind(session, root, err);
	ldap_msgfree(result);
	return ret;
}

static void hang_up(struct connector_session *session)
{
	if (session->ld)
		(void)ldap_unbind_ext(session->ld, NULL, NULL);
	session->ld = NULL;
}

static int try_server(struct connector_session *session, struct error *err)
{
	int ret = ldap_connect_server(session, err);

	if (!ret)
		ret = sign_in(session, err);
	if (!ret)
		ret = read_root(session, err);
	session->encrypted =
		!sv_eq_str(ldap_session_setting(session, "security"), "none") ||
		!strncmp(session->server, "ldapi:", 6);
	if (ret < 0)
		hang_up(session);
	return ret;
}

/* Once each, beginning with number `from`. */
static int try_servers(struct connector_session *session, size_t from,
		       size_t count, struct error *err)
{
	struct strbuf all = STRBUF_INIT(sizeof(err->msg));
	struct error one = ERROR_INIT;
	size_t i;

	for (i = 0; i < count; i++) {
		session->at = (from + i) % session->server_count;
		session->server = session->servers[session->at];
		if (!try_server(session, &one)) {
			strbuf_release(&all);
			return 0;
		}
		strbuf_addf(&all, "%s%s", i ? "; " : "", one.msg);
		if (one.code != ERR_UNAVAILABLE)
			break;
	}
	error_set(err, one.code, "%s",
		  all.overflow ? one.msg : strbuf_cstr(&all));
	strbuf_release(&all);
	return -1;
}

static int list_servers(struct connector_session *session, struct error *err)
{
	struct arena *arena = &session->arena;
	struct sv *names;
	size_t count = ldap_setting_names(session->config->connect, "servers",
					  arena, &names);
	size_t i;

	if (!count)
		return ldap_locate(session, err);
	session->server_count = count;
	session->servers =
		arena_array(arena, count + 1, sizeof(*session->servers));
	for (i = 0; i < count; i++)
		session->servers[i] = arena_cstr(arena, names[i]);
	return 0;
}

int ldap_session_move(struct connector_session *session, const char **servers,
		      size_t count, struct error *err)
{
	hang_up(session);
	session->servers = servers;
	session->server_count = count;
	session->losses = 0;
	return try_servers(session, 0, count, err);
}

/* ---- a connection that was lost ---- */

#define FIRST_PAUSE 250 /* ms */
#define LAST_PAUSE  5000
#define LOSSES      5 /* one after the other without anything new between */

static void pause_ms(int64_t ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* The same server once more; the others as well when they will do. */
static int try_again(struct connector_session *session, enum ldap_again which,
		     int lost, struct error *err)
{
	if (which == LDAP_AGAIN_SAME)
		return try_servers(session, session->at, 1, err);
	/* who was silent may be silent once more: last */
	return try_servers(session,
			   lost == LDAP_TIMEOUT ? session->at + 1 : session->at,
			   session->server_count, err);
}

/* Is it the one of before? One name may stand for several servers. */
static bool is_same(const struct connector_session *session, const char *server,
		    struct sv service)
{
	return session->server == server && sv_eq(session->service, service);
}

/* Until it answers or the time is over: 0, or -1 with the last error. */
static int call_again(struct connector_session *session, enum ldap_again which,
		      int lost, int64_t seconds, struct error *err)
{
	int64_t end = clock_monotonic_ms() + seconds * 1000;
	int64_t pause = FIRST_PAUSE;
	size_t at = session->at;
	int i;

	if (session->losses > 1)
		pause_ms(FIRST_PAUSE << session->losses);
	for (i = 0;; i++) {
		if (!try_again(session, which, lost, err))
			return 0;
		session->at = at;
		session->server = session->servers[at];
		if (err->code != ERR_UNAVAILABLE ||
		    clock_monotonic_ms() + pause > end)
			return -1;
		pause_ms(pause);
		pause = pause > LAST_PAUSE / 2 ? LAST_PAUSE : 2 * pause;
	}
}

int ldap_session_again(struct connector_session *session, enum ldap_again which,
		       struct error *err)
{
	int64_t seconds = ldap_session_number(session, "reconnect");
	const char *server = session->server;
	struct sv service = session->service;
	struct error before = *err;
	struct error again = ERROR_INIT;
	int lost = session->lost;

	if (!lost || !seconds || session->losses == LOSSES)
		return -1;
	session->losses++;
	hang_up(session);
	ldap_kerberos_free(session->kerberos); /* its ticket may be over */
	session->kerberos = NULL;
	if (call_again(session, which, lost, seconds, &again) < 0)
		return error_set(err, again.code,
				 "%s; tried again for up to %" PRId64 " s: %s",
				 before.msg, seconds, again.msg);
	session->lost = 0;
	log_warn("connection made again",
		 F_STR("agent", session->config->agent),
		 F_STR("server", session->server), F_STR("why", err->msg));
	error_clear(err);
	if (is_same(session, server, service))
		return 0;
	if (which == LDAP_AGAIN_ANY)
		return 1;
	return error_set(err, ERR_UNAVAILABLE,
			 "%s: another server answers by this name now, and may "
			 "not know what the one before does: run it again",
			 session->server);
}

static void report_first(void *data, const struct node *at, const char *message)
{
	struct error *err = data;

	if (err->code != ERR_NONE)
		return;
	error_set(err, ERR_INVALID, "%s", message);
	if (at->file)
		error_context(err, "%s:%d:%d", at->file, at->line, at->column);
}

/* A configuration that was not checked is not connected with: it might send
 * a password in the clear. */
static int check_config(const struct ldap_profile *profile,
			const struct connector_config *config,
			struct error *err)
{
	struct error first = ERROR_INIT;

	(void)setting_check(config->connect, profile->settings, report_first,
			    &first);
	ldap_check(profile, config, report_first, &first);
	if (first.code == ERR_NONE)
		return 0;
	return error_set(err, first.code, "%s", first.msg);
}

int ldap_session_open(const struct connector_ops *ops,
		      const struct connector_config *config,
		      struct connector_session **out, struct error *err)
{
	const struct ldap_profile *profile = ops->data;
	struct connector_session *session;
	struct sv anchor;

	if (check_config(profile, config, err) < 0)
		return -1;
	/* the library writes to sockets whose other end may be gone */
	(void)signal(SIGPIPE, SIG_IGN);
	session = mem_zalloc(sizeof(*session));
	session->config = config;
	session->profile = profile;
	session->known = ops->known_attrs;
	session->timeout = (int)ldap_session_number(session, "timeout");
	anchor = ldap_session_setting(session, "anchor");
	if (!sv_ieq_str(anchor, "dn"))
		session->anchor = arena_cstr(&session->arena, anchor);
	if (list_servers(session, err) < 0 ||
	    try_servers(session, 0, session->server_count, err) < 0) {
		ldap_session_close(session);
		return -1;
	}
	session->lost = 0;
	*out = session;
	return 0;
}

void ldap_session_close(struct connector_session *session)
{
	if (!session)
		return;
	ldap_import_free(session);
	ldap_export_free(session);
	ldap_listen_free(session);
	ldap_subschema_free(session->subschema);
	ldap_kerberos_free(session->kerberos);
	hang_up(session);
	arena_release(&session->scratch);
	arena_release(&session->arena);
	mem_free(session);
}
