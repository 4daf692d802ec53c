/*
 * session.c - one connection: find a server, sign in, ask what it can
 *
 * Servers are tried in order; a password that one refuses is not tried at the
 * next, so that a wrong one does not lock the account.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

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

	if (code == LDAP_TIMEOUT)
		return error_set(err, ERR_UNAVAILABLE,
				 "%s: cannot %s: no answer within %d s",
				 session->server, doing, session->timeout);
	(void)ldap_get_option(session->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
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

/* What the server says of itself; one that does not is taken as plain. */
static int read_root(struct connector_session *session, struct error *err)
{
	char control[] = "supportedControl";
	char subschema[] = "subschemaSubentry";
	char contexts[] = "namingContexts";
	char capabilities[] = "supportedCapabilities";
	char *attrs[] = { control, subschema, contexts, capabilities, NULL };
	struct berval **values;
	LDAPMessage *result;
	LDAPMessage *root;
	struct sv dn;
	int ret;

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
	read_contexts(session,
		      ldap_get_values_len(session->ld, root, contexts));
	ldap_msgfree(result);
	return 0;
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
	if (ret < 0 && session->ld) {
		(void)ldap_unbind_ext(session->ld, NULL, NULL);
		session->ld = NULL;
	}
	return ret;
}

static int try_servers(struct connector_session *session, struct error *err)
{
	struct strbuf all = STRBUF_INIT(sizeof(err->msg));
	struct error one = ERROR_INIT;
	struct sv *servers;
	size_t count = ldap_setting_names(session->config->connect, "servers",
					  &session->arena, &servers);
	size_t i;

	for (i = 0; i < count; i++) {
		session->server = arena_cstr(&session->arena, servers[i]);
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
	session->timeout = (int)ldap_session_number(session, "timeout");
	anchor = ldap_session_setting(session, "anchor");
	if (!sv_ieq_str(anchor, "dn"))
		session->anchor = arena_cstr(&session->arena, anchor);
	if (try_servers(session, err) < 0) {
		ldap_session_close(session);
		return -1;
	}
	*out = session;
	return 0;
}

void ldap_session_close(struct connector_session *session)
{
	if (!session)
		return;
	ldap_import_free(session);
	ldap_export_free(session);
	ldap_subschema_free(session->subschema);
	ldap_kerberos_free(session->kerberos);
	if (session->ld)
		(void)ldap_unbind_ext(session->ld, NULL, NULL);
	arena_release(&session->scratch);
	arena_release(&session->arena);
	mem_free(session);
}
