/*
 * test_directory.c - a directory's connector passes the suite on its server
 *
 * The system tests start the server and this program. They say by the
 * environment where it is: DIR_URL, DIR_CA_FILE (or not), DIR_BIND_DN,
 * DIR_PASSWORD, DIR_BASE; and with DIR_CONNECTOR whose it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ad.h"
#include "connectors/ldap/adlds.h"
#include "connectors/ldap/domino.h"
#include "connectors/ldap/edirectory.h"
#include "connectors/ldap/exchange55.h"

#include "conformance.h"

#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct directory {
	const struct connector_ops *ops;
	const char *type;
	const char *unit; /* RDN of the container that the suite works in */
	const char *rdn;  /* of an object */
	const char *phone;
	bool overlaps; /* a delta tells again of the last minutes */
} directories[] = {
	{ &ad_connector, "contact", "OU=Conformance", "cn", "otherTelephone",
	  false },
	{ &adlds_connector, "contact", "OU=Conformance", "cn", "otherTelephone",
	  false },
	{ &edirectory_connector, "inetOrgPerson", "ou=Conformance", "cn",
	  "telephoneNumber", true },
	{ &exchange55_connector, "organizationalPerson", "ou=Conformance", "cn",
	  "telephoneNumber", false },
	{ &domino_connector, "dominoPerson", "ou=Conformance", "cn",
	  "telephoneNumber", true },
};

static struct arena arena = ARENA_INIT;
static const struct directory *directory;
static LDAP *admin;

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	if (!value) {
		(void)fprintf(stderr, "test_directory: %s is not set\n", name);
		exit(1);
	}
	return value;
}

static char *writable(const char *text)
{
	return arena_cstr(&arena, sv_from(text));
}

static int sign_in(void)
{
	char *password = writable(setting("DIR_PASSWORD"));
	struct berval secret = { strlen(password), password };
	int version = LDAP_VERSION3;

	if (getenv("DIR_CA_FILE"))
		(void)ldap_set_option(NULL, LDAP_OPT_X_TLS_CACERTFILE,
				      setting("DIR_CA_FILE"));
	if (ldap_initialize(&admin, setting("DIR_URL")))
		return -1;
	(void)ldap_set_option(admin, LDAP_OPT_PROTOCOL_VERSION, &version);
	(void)ldap_set_option(admin, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	return ldap_sasl_bind_s(admin, setting("DIR_BIND_DN"), LDAP_SASL_SIMPLE,
				&secret, NULL, NULL, NULL);
}

/* The unit without anything in it. */
static int clear(const char *base)
{
	char *attrs[] = { writable(LDAP_NO_ATTRS), NULL };
	char *classes[] = { writable("organizationalUnit"), NULL };
	LDAPMod class = { .mod_op = LDAP_MOD_ADD,
			  .mod_type = writable("objectClass"),
			  .mod_values = classes };
	LDAPMod *mods[] = { &class, NULL };
	LDAPMessage *result = NULL;
	LDAPMessage *entry;
	int code;

	code = ldap_search_ext_s(admin, base, LDAP_SCOPE_ONELEVEL,
				 "(objectClass=*)", attrs, 0, NULL, NULL, NULL,
				 0, &result);
	if (code == LDAP_NO_SUCH_OBJECT) {
		ldap_msgfree(result);
		return ldap_add_ext_s(admin, base, mods, NULL, NULL);
	}
	for (entry = ldap_first_entry(admin, result); entry && !code;
	     entry = ldap_next_entry(admin, entry)) {
		char *dn = ldap_get_dn(admin, entry);

		code = ldap_delete_ext_s(admin, dn, NULL, NULL);
		ldap_memfree(dn);
	}
	ldap_msgfree(result);
	return code;
}

static char **split(const char *text)
{
	struct sv left = sv_from(text);
	char **out = arena_array(&arena, left.len + 2, sizeof(*out));
	size_t count = 0;

	while (left.len) {
		size_t end = sv_find(left, ';', 0);

		out[count++] = arena_cstr(&arena, sv_sub(left, 0, end));
		left = sv_sub(left, end + (end < left.len), left.len);
	}
	return out;
}

static int add(const char *base, const struct conformance_object *object)
{
	const char *names[] = { "objectClass", "sn", "title",
				directory->phone };
	const char *values[] = { directory->type, object->sn, object->title,
				 object->phones };
	LDAPMod all[4];
	LDAPMod *mods[5] = { NULL };
	size_t count = 0;
	size_t i;

	for (i = 0; i < 4; i++) {
		if (!values[i])
			continue;
		all[i] = (LDAPMod){ .mod_op = LDAP_MOD_ADD,
				    .mod_type = writable(names[i]),
				    .mod_values = split(values[i]) };
		mods[count++] = &all[i];
	}
	return ldap_add_ext_s(admin,
			      arena_printf(&arena, "%s=%s,%s", directory->rdn,
					   object->id, base),
			      mods, NULL, NULL);
}

/* By another client than the connector. */
static int change(struct conformance *c,
		  const struct conformance_object *object)
{
	char *dn = arena_printf(&arena, "%s=%s,%s", directory->rdn, object->id,
				c->base);
	const char *names[] = { "sn", "title", directory->phone };
	const char *values[] = { object->sn, object->title, object->phones };
	char *none[] = { NULL };
	LDAPMod all[3];
	LDAPMod *mods[4] = { NULL };
	size_t i;
	int code;

	for (i = 0; i < 3; i++) {
		all[i] = (LDAPMod){ .mod_op = LDAP_MOD_REPLACE,
				    .mod_type = writable(names[i]),
				    .mod_values = values[i] ? split(values[i])
							    : none };
		mods[i] = &all[i];
	}
	if (!object->sn)
		return ldap_delete_ext_s(admin, dn, NULL, NULL) ? -1 : 0;
	code = ldap_modify_ext_s(admin, dn, mods, NULL, NULL);
	if (code == LDAP_NO_SUCH_OBJECT)
		code = add(c->base, object);
	return code ? -1 : 0;
}

static int secret_of(void *data, struct sv reference, struct secret *out,
		     struct error *err)
{
	(void)data;
	(void)err;
	secret_set(out, sv_eq_str(reference, "env:wrong")
				? SV_LIT("wrong")
				: sv_from(setting("DIR_PASSWORD")));
	return 0;
}

static const struct node *connect_with(const char *base, const char *password)
{
	return conformance_map(
		&arena, "servers", conformance_text(&arena, setting("DIR_URL")),
		"bind_dn", conformance_text(&arena, setting("DIR_BIND_DN")),
		"password", conformance_text(&arena, password), "base",
		conformance_text(&arena, base),
		getenv("DIR_CA_FILE") ? "ca_file" : "security",
		conformance_text(&arena, getenv("DIR_CA_FILE")
						 ? setting("DIR_CA_FILE")
						 : "none"),
		NULL);
}

static int make(struct conformance *c, const struct conformance_object *objects,
		size_t count)
{
	int code = clear(c->base);
	size_t i;

	for (i = 0; i < count && !code; i++)
		code = add(c->base, &objects[i]);
	if (code)
		(void)fprintf(stderr, "test_directory: %s\n",
			      ldap_err2string(code));
	c->config.connect = connect_with(c->base, "env:right");
	c->config.folder = "/tmp";
	c->config.secret = secret_of;
	return code ? -1 : 0;
}

static const struct node *broken(struct conformance *c)
{
	return connect_with(c->base, "env:wrong");
}

static const struct directory *find_directory(struct sv name)
{
	size_t i;

	for (i = 0; i < sizeof(directories) / sizeof(*directories); i++)
		if (sv_eq_str(name, directories[i].ops->name))
			return &directories[i];
	(void)fprintf(stderr, "test_directory: DIR_CONNECTOR is of no use\n");
	exit(1);
}

int main(void)
{
	struct conformance c = {
		.make = make,
		.broken = broken,
		.system_anchor = true,
	};
	int failed;

	directory = find_directory(sv_from(setting("DIR_CONNECTOR")));
	c.ops = directory->ops;
	c.type = directory->type;
	c.rdn = directory->rdn;
	c.phone = directory->phone;
	c.overlaps = directory->overlaps;
	c.base = arena_printf(&arena, "%s,%s", directory->unit,
			      setting("DIR_BASE"));
	if (sign_in()) {
		(void)fprintf(stderr, "test_directory: cannot sign in\n");
		return 1;
	}
	failed = conformance_run(&c);
	c.change = change;
	failed += conformance_run(&c);
	(void)ldap_unbind_ext(admin, NULL, NULL);
	arena_release(&arena);
	return failed;
}
