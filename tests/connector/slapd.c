/*
 * slapd.c - start, fill and look into the private slapd
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "slapd.h"

#include "conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

struct slapd slapd;
struct arena test_arena;

int slapd_shell(const char *command)
{
	char line[512];
	FILE *pipe = popen(command, "r");

	if (!pipe)
		return -1;
	while (fgets(line, sizeof(line), pipe)) {
		line[strcspn(line, "\n")] = '\0';
		(void)sscanf(line, "LDAP_URL=%127s", slapd.url);
		(void)sscanf(line, "LDAPS_URL=%127s", slapd.tls_url);
		(void)sscanf(line, "LDAPI_URL=%255s", slapd.local_url);
		(void)sscanf(line, "LDAP_CA_FILE=%255s", slapd.ca_file);
		(void)sscanf(line, "LDAP_PID=%d", &slapd.pid);
	}
	return pclose(pipe);
}

static int tool(const char *verb, const char *options)
{
	char command[1024];

	(void)snprintf(command, sizeof(command),
		       "%s/../../tools/slapd.sh %s %s %s", TEST_DATA, verb,
		       slapd.folder, options);
	return slapd_shell(command);
}

static int start(void)
{
	struct berval password = { 6, (char[]){ "secret" } };
	int version = LDAP_VERSION3;

	char options[256];

	(void)snprintf(options, sizeof(options), "--tls --conf %s/slapd.conf",
		       TEST_DATA);
	if (tool("start", options) ||
	    ldap_initialize(&slapd.admin, slapd.url) ||
	    ldap_set_option(slapd.admin, LDAP_OPT_PROTOCOL_VERSION, &version) ||
	    ldap_sasl_bind_s(slapd.admin, "cn=admin," ROOT, LDAP_SASL_SIMPLE,
			     &password, NULL, NULL, NULL)) {
		(void)fprintf(stderr,
			      "slapd did not start; is it installed? (apt-get "
			      "install slapd ldap-utils openssl)\n");
		return -1;
	}
	return 0;
}

static void admin_close(void)
{
	if (slapd.admin)
		(void)ldap_unbind_ext(slapd.admin, NULL, NULL);
	slapd.admin = NULL;
}

/* One that was killed keeps its port until it is gone, or a zombie. */
static void wait_for_end(void)
{
	char path[40];
	char text[300];
	const char *state = NULL;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)slapd.pid);
	while ((!state || !strchr("ZX", state[2])) &&
	       (file = fopen(path, "r"))) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		(void)fclose(file);
		state = strrchr(text, ')');
	}
}

void slapd_again(void)
{
	admin_close();
	wait_for_end();
	assert_int_equal(start(), 0);
}

int slapd_begin(void **state)
{
	(void)state;
	(void)snprintf(slapd.folder, sizeof(slapd.folder),
		       "/tmp/conjoin-ldap-XXXXXX");
	return mkdtemp(slapd.folder) ? start() : -1;
}

int slapd_end(void **state)
{
	char command[128];

	(void)state;
	admin_close();
	(void)tool("stop", "");
	(void)snprintf(command, sizeof(command), "rm -rf %s", slapd.folder);
	arena_release(&test_arena);
	return slapd_shell(command);
}

int slapd_add(const char *dn, ...)
{
	LDAPMod mods[16];
	LDAPMod *list[17] = { NULL };
	struct berval values[16];
	struct berval *ends[16][2];
	const char *name;
	va_list args;
	size_t n = 0;

	va_start(args, dn);
	while ((name = va_arg(args, const char *))) {
		const char *value = va_arg(args, const char *);

		values[n] = (struct berval){ strlen(value),
					     (char *)(uintptr_t)value };
		ends[n][0] = &values[n];
		ends[n][1] = NULL;
		mods[n] = (LDAPMod){ .mod_op = LDAP_MOD_ADD | LDAP_MOD_BVALUES,
				     .mod_type = (char *)(uintptr_t)name };
		mods[n].mod_bvalues = ends[n];
		list[n] = &mods[n];
		n++;
	}
	va_end(args);
	list[n] = NULL;
	return ldap_add_ext_s(slapd.admin, dn, list, NULL, NULL);
}

void slapd_add_unit(const char *dn)
{
	assert_int_equal(
		slapd_add(dn, "objectClass", "organizationalUnit", NULL), 0);
}

void slapd_add_person(const char *id, const char *sn)
{
	char *dn = arena_printf(&test_arena, "uid=%s," BASE, id);

	assert_int_equal(slapd_add(dn, "objectClass", "inetOrgPerson", "cn", id,
				   "sn", sn, NULL),
			 0);
}

void slapd_clear(const char *dn)
{
	LDAPMessage *result = NULL;
	LDAPMessage *entry;
	char *none[] = { (char[]){ "1.1" }, NULL };

	(void)ldap_search_ext_s(slapd.admin, dn, LDAP_SCOPE_ONELEVEL,
				"(objectClass=*)", none, 0, NULL, NULL, NULL, 0,
				&result);
	for (entry = ldap_first_entry(slapd.admin, result); entry;
	     entry = ldap_next_entry(slapd.admin, entry)) {
		char *name = ldap_get_dn(slapd.admin, entry);

		if (ldap_delete_ext_s(slapd.admin, name, NULL, NULL)) {
			slapd_clear(name);
			(void)ldap_delete_ext_s(slapd.admin, name, NULL, NULL);
		}
		ldap_memfree(name);
	}
	ldap_msgfree(result);
}

const char *slapd_look(const char *dn, const char *name)
{
	LDAPMessage *result = NULL;
	struct berval **values;
	const char *out = NULL;
	char *names[] = { (char *)(uintptr_t)name, NULL };
	int code;

	code = ldap_search_ext_s(slapd.admin, dn, LDAP_SCOPE_BASE,
				 "(objectClass=*)", names, 0, NULL, NULL, NULL,
				 0, &result);
	if (!code) {
		values = ldap_get_values_len(
			slapd.admin, ldap_first_entry(slapd.admin, result),
			name);
		out = values ? arena_cstr(&test_arena,
					  sv_make(values[0]->bv_val,
						  values[0]->bv_len))
			     : "";
		ldap_value_free_len(values);
	}
	ldap_msgfree(result);
	return out;
}

int slapd_fresh(void **state)
{
	(void)state;
	arena_reset(&test_arena);
	slapd_clear(ROOT);
	slapd_add_unit(BASE);
	return 0;
}

static int secret_of(void *data, struct sv reference, struct secret *out,
		     struct error *err)
{
	(void)data;
	if (!sv_starts(reference, SV_LIT("env:")))
		return error_set(err, ERR_INVALID, "not set");
	secret_set(out, sv_sub(reference, 4, reference.len));
	return 0;
}

struct attr_def person_attrs[] = {
	{ .name = "uid", .type = VALUE_STRING },
	{ .name = "sn", .type = VALUE_STRING },
	{ .name = "title", .type = VALUE_STRING },
	{ .name = "telephoneNumber", .type = VALUE_STRING, .multi = true },
	{ .name = "manager", .type = VALUE_REFERENCE },
	{ .name = "jpegPhoto", .type = VALUE_STRING },
	{ .name = "userPassword", .type = VALUE_STRING },
	{ .name = "roomNumber", .type = VALUE_INTEGER },
	{ .name = "objectClass", .type = VALUE_STRING, .multi = true },
	{ .name = "description", .type = VALUE_STRING, .multi = true },
};

static struct attr_def unit_attrs[] = {
	{ .name = "ou", .type = VALUE_STRING },
	{ .name = "description", .type = VALUE_STRING },
};

static struct attr_def group_attrs[] = {
	{ .name = "cn", .type = VALUE_STRING },
	{ .name = "member", .type = VALUE_REFERENCE, .multi = true },
};

struct object_type test_types[] = {
	{ "inetOrgPerson", person_attrs,
	  sizeof(person_attrs) / sizeof(*person_attrs) },
	{ "organizationalUnit", unit_attrs, 2 },
	{ "groupOfNames", group_attrs, 2 },
};

struct node *node_text(const char *s)
{
	return conformance_text(&test_arena, s);
}

struct node *node_list(const char *one)
{
	return conformance_list(&test_arena, node_text(one), NULL);
}

void node_set(struct node *map, const char *key, struct node *value)
{
	size_t i;

	for (i = 0; i < map->len; i++)
		if (sv_eq_str(map->keys[i]->text, key))
			break;
	if (i == map->len) {
		struct node **keys =
			arena_array(&test_arena, i + 1, sizeof(*keys));
		struct node **items =
			arena_array(&test_arena, i + 1, sizeof(*items));

		memcpy(keys, map->keys, i * sizeof(*keys));
		memcpy(items, map->items, i * sizeof(*items));
		map->keys = keys;
		map->items = items;
		map->len++;
		map->keys[i] = node_text(key);
	}
	map->items[i] = value;
}

struct connector_config slapd_config(struct node *connect)
{
	return (struct connector_config){ .agent = "test",
					  .folder = "/tmp",
					  .connect = connect,
					  .types = test_types,
					  .type_count = 1,
					  .secret = secret_of };
}

struct node *slapd_connect(void)
{
	return conformance_map(&test_arena, "servers", node_list(slapd.url),
			       "bind_dn", node_text("cn=admin," ROOT),
			       "password", node_text("env:secret"), "security",
			       node_text("none"), "base", node_text(BASE),
			       NULL);
}

void assert_message(const struct error *err, const char *part)
{
	if (!strstr(err->msg, part))
		fail_msg("no '%s' in '%s'", part, err->msg);
}
