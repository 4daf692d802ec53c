/*
 * kerberos.c - sign in by Kerberos (SASL GSSAPI)
 *
 * The ticket is the agent's own: from a ticket cache that somebody keeps, or
 * asked for with a keytab or a password and kept in memory as long as the
 * session. Where the connection has no TLS, what goes over it is signed and
 * encrypted by the ticket's key; over TLS it is not done twice, which Active
 * Directory refuses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap_private.h"

#include "base/file.h"

#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include <sasl/sasl.h>
#include <stdio.h>

struct ldap_kerberos {
	krb5_context context;
	krb5_ccache cache; /* our own; or NULL */
};

void ldap_kerberos_free(struct ldap_kerberos *kerberos)
{
	if (!kerberos)
		return;
	if (kerberos->cache)
		(void)krb5_cc_destroy(kerberos->context, kerberos->cache);
	krb5_free_context(kerberos->context);
	mem_free(kerberos);
}

static int failed(krb5_context context, krb5_error_code code,
		  const char *principal, struct error *err)
{
	enum err_code kind = ERR_DENIED;
	const char *text = krb5_get_error_message(context, code);
	const char *remedy = "check principal, password or keytab";

	if (code == KRB5_KDC_UNREACH || code == KRB5_REALM_UNKNOWN ||
	    code == KRB5_REALM_CANT_RESOLVE) {
		kind = ERR_UNAVAILABLE;
		remedy = "check the realm in krb5.conf";
	} else if (code == KRB5KRB_AP_ERR_SKEW) {
		remedy = "set this machine's clock: it may differ by 5 minutes";
	}
	(void)error_set(err, kind, "cannot get a ticket for '%s': %s: %s",
			principal, text, remedy);
	krb5_free_error_message(context, text);
	return -1;
}

static krb5_error_code ask_with_keytab(krb5_context context, krb5_principal who,
				       const char *path, krb5_creds *out)
{
	krb5_keytab keytab;
	krb5_error_code code = krb5_kt_resolve(context, path, &keytab);

	if (code)
		return code;
	code = krb5_get_init_creds_keytab(context, out, who, keytab, 0, NULL,
					  NULL);
	(void)krb5_kt_close(context, keytab);
	return code;
}

static krb5_error_code keep(struct ldap_kerberos *kerberos, krb5_principal who,
			    krb5_creds *creds)
{
	krb5_error_code code;

	code = krb5_cc_new_unique(kerberos->context, "MEMORY", NULL,
				  &kerberos->cache);
	if (!code)
		code = krb5_cc_initialize(kerberos->context, kerberos->cache,
					  who);
	if (!code)
		code = krb5_cc_store_cred(kerberos->context, kerberos->cache,
					  creds);
	return code;
}

/* A ticket of our own, with the keytab or else the password. */
static int get_ticket(struct connector_session *session, const char *principal,
		      struct error *err)
{
	const struct connector_config *config = session->config;
	krb5_context context = session->kerberos->context;
	struct sv keytab = ldap_session_setting(session, "keytab");
	struct secret secret = SECRET_INIT;
	krb5_principal who = NULL;
	krb5_creds creds = { 0 };
	krb5_error_code code;

	if (!keytab.len &&
	    config->secret(config->secret_data,
			   ldap_session_setting(session, "password"), &secret,
			   err) < 0)
		return error_context(err, "password of '%s'", principal);
	code = krb5_parse_name(context, principal, &who);
	if (!code && keytab.len)
		code = ask_with_keytab(
			context, who,
			connector_path(config, keytab, &session->arena),
			&creds);
	else if (!code)
		code = krb5_get_init_creds_password(context, &creds, who,
						    secret.bytes, NULL, NULL, 0,
						    NULL, NULL);
	secret_release(&secret);
	if (!code)
		code = keep(session->kerberos, who, &creds);
	krb5_free_cred_contents(context, &creds);
	krb5_free_principal(context, who);
	return code ? failed(context, code, principal, err) : 0;
}

/* The name of the ticket cache to use, memory from the session's arena. */
static int find_cache(struct connector_session *session, const char *principal,
		      const char **out, struct error *err)
{
	struct sv path = ldap_session_setting(session, "ticket_cache");
	struct ldap_kerberos *kerberos = session->kerberos;
	char *name = NULL;

	if (path.len) {
		char *file =
			connector_path(session->config, path, &session->arena);

		if (!file_exists(file))
			return error_set(err, ERR_DENIED,
					 "ticket_cache '%s' does not exist",
					 file);
		*out = arena_printf(&session->arena, "FILE:%s", file);
		return 0;
	}
	if (!kerberos->cache && get_ticket(session, principal, err) < 0)
		return -1;
	if (krb5_cc_get_full_name(kerberos->context, kerberos->cache, &name))
		return error_set(err, ERR_INTERNAL,
				 "the Kerberos library names no ticket cache");
	*out = arena_cstr(&session->arena, sv_from(name));
	krb5_free_string(kerberos->context, name);
	return 0;
}

/* SASL asks for names: the ticket has said who we are. */
static int interact(LDAP *ld, unsigned flags, void *defaults, void *data)
{
	sasl_interact_t *one = data;

	(void)ld;
	(void)flags;
	(void)defaults;
	for (; one->id != SASL_CB_LIST_END; one++) {
		one->result = one->defresult ? one->defresult : "";
		one->len = (unsigned)strlen(one->result);
	}
	return LDAP_SUCCESS;
}

/* How strong the mechanism's own protection must be, and may be. */
static const char *protection(const struct connector_session *session)
{
	struct sv security = ldap_session_setting(session, "security");

	if (sv_eq_str(security, "sign-and-encrypt"))
		return "minssf=112";
	return sv_eq_str(security, "none") ? "minssf=0" : "maxssf=0";
}

static int bind_with(struct connector_session *session, const char *cache,
		     const char *principal, struct error *err)
{
	const char *before = NULL;
	int binding = LDAP_OPT_X_SASL_CBINDING_TLS_ENDPOINT;
	char doing[256];
	OM_uint32 minor;
	int code;

	(void)ldap_set_option(session->ld, LDAP_OPT_X_SASL_SECPROPS,
			      protection(session));
	/* servers may insist that the ticket is bound to the TLS connection */
	(void)ldap_set_option(session->ld, LDAP_OPT_X_SASL_CBINDING, &binding);
	(void)ldap_set_option(session->ld, LDAP_OPT_X_SASL_NOCANON,
			      LDAP_OPT_ON);
	if (gss_krb5_ccache_name(&minor, cache, &before) != GSS_S_COMPLETE)
		return error_set(err, ERR_INTERNAL,
				 "the Kerberos library does not take the "
				 "ticket cache '%s'",
				 cache);
	code = ldap_sasl_interactive_bind_s(session->ld, NULL, "GSSAPI", NULL,
					    NULL, LDAP_SASL_QUIET, interact,
					    NULL);
	(void)gss_krb5_ccache_name(&minor, NULL, NULL);
	if (!code)
		return 0;
	(void)snprintf(doing, sizeof(doing),
		       "sign in as '%.200s' by Kerberos (SASL GSSAPI)",
		       principal);
	(void)ldap_session_error(session, code, doing, err);
	if (code == LDAP_AUTH_UNKNOWN)
		error_set(err, ERR_UNSUPPORTED,
			  "%s: cannot %s: the library has no such mechanism: "
			  "install libsasl2-modules-gssapi-mit",
			  session->server, doing);
	return -1;
}

int ldap_kerberos_bind(struct connector_session *session, struct error *err)
{
	const char *principal = arena_cstr(
		&session->arena, ldap_session_setting(session, "principal"));
	const char *cache = NULL;

	if (!session->kerberos) {
		session->kerberos = mem_zalloc(sizeof(*session->kerberos));
		if (krb5_init_context(&session->kerberos->context)) {
			mem_free(session->kerberos);
			session->kerberos = NULL;
			return error_set(err, ERR_INVALID,
					 "krb5.conf cannot be read: check it, "
					 "and KRB5_CONFIG");
		}
	}
	if (find_cache(session, principal, &cache, err) < 0)
		return error_context(err, "%s", session->server);
	return bind_with(session, cache, principal, err);
}
