/*
 * test_ldap.c - the ldap connector connects to a real slapd and reads it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap.h"
#include "connectors/ldap/openldap.h"

#include "base/clock.h"
#include "base/map.h"
#include "conformance.h"
#include "slapd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connecting fails with this code and message. */
static void assert_refused(struct node *connect, enum err_code code,
			   const char *part)
{
	struct connector_config config = slapd_config(connect);
	struct connector c;
	struct error err = ERROR_INIT;

	assert_int_equal(connector_open(&c, &ldap_connector, &config, &err),
			 -1);
	assert_int_equal(err.code, code);
	assert_message(&err, part);
	connector_close(&c);
}

static void assert_connects(struct node *connect)
{
	struct connector_config config = slapd_config(connect);
	struct connector c;
	struct error err = ERROR_INIT;

	if (connector_open(&c, &ldap_connector, &config, &err))
		fail_msg("%s", err.msg);
	connector_close(&c);
}

/* --- connecting --- */

static struct node *encrypted(const char *url)
{
	struct node *connect = slapd_connect();

	node_set(connect, "servers", node_list(url));
	node_set(connect, "security", node_text("tls"));
	node_set(connect, "ca_file", node_text(slapd.ca_file));
	return connect;
}

static void test_tls(void **state)
{
	struct node *connect = encrypted(slapd.tls_url);
	char *other = arena_printf(&test_arena, "%s/other.pem", slapd.folder);
	char *command = arena_printf(
		&test_arena,
		"openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:prime256v1 -nodes -keyout %s.key -out %s "
		"-subj /CN=other -days 2 2>/dev/null",
		other, other);

	(void)state;
	assert_connects(connect);
	assert_int_equal(slapd_shell(command), 0);
	node_set(connect, "ca_file", node_text(other));
	assert_refused(connect, ERR_UNAVAILABLE, "cannot connect: ldaps://");
	assert_refused(connect, ERR_UNAVAILABLE, "certificate");
	node_set(connect, "ca_file", node_text("nowhere.pem"));
	assert_refused(connect, ERR_NOTFOUND, "/tmp/nowhere.pem");
	connect = encrypted(slapd.url);
	node_set(connect, "security", node_text("starttls"));
	assert_connects(connect);
	node_set(connect, "ca_file", node_text(other));
	assert_refused(connect, ERR_UNAVAILABLE, "certificate");
}

/* The user's own LDAP settings do not switch the check off. */
static void test_tls_environment(void **state)
{
	struct node *connect = encrypted(slapd.tls_url);

	(void)state;
	node_set(connect, "ca_file",
		 node_text("/etc/ssl/certs/ca-certificates.crt"));
	(void)setenv("LDAPTLS_REQCERT", "never", 1);
	if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) == 0)
		assert_refused(connect, ERR_UNAVAILABLE, "certificate");
	(void)unsetenv("LDAPTLS_REQCERT");
}

static void test_plain_must_be_written(void **state)
{
	struct node *connect = slapd_connect();

	(void)state;
	node_set(connect, "security", node_text("tls"));
	assert_refused(connect, ERR_INVALID, "ldap:// is not encrypted");
	node_set(connect, "servers", node_list(slapd.tls_url));
	node_set(connect, "security", node_text("none"));
	assert_refused(connect, ERR_INVALID, "ldaps:// is encrypted");
	node_set(connect, "security", node_text("starttls"));
	assert_refused(connect, ERR_INVALID, "StartTLS");
}

static void test_sign_in(void **state)
{
	struct node *connect = slapd_connect();

	(void)state;
	node_set(connect, "password", node_text("env:wrong"));
	assert_refused(connect, ERR_DENIED, "'cn=admin," ROOT "'");
	assert_refused(connect, ERR_DENIED, "invalidCredentials");
	node_set(connect, "password", node_text("env:"));
	assert_refused(connect, ERR_DENIED, "is empty");
	node_set(connect, "password", node_text("secret:none"));
	assert_refused(connect, ERR_INVALID, "not set");
	assert_connects(conformance_map(
		&test_arena, "servers", node_text(slapd.url), "security",
		node_text("none"), "base", node_text(BASE), NULL));
	if (*slapd.local_url)
		assert_connects(conformance_map(&test_arena, "servers",
						node_text(slapd.local_url),
						"base", node_text(BASE), NULL));
}

static void test_failover(void **state)
{
	struct node *connect = slapd_connect();

	(void)state;
	node_set(connect, "servers",
		 conformance_list(&test_arena, node_text("ldap://127.0.0.1:1"),
				  node_text(slapd.url), NULL));
	assert_connects(connect);
	node_set(connect, "servers",
		 conformance_list(&test_arena, node_text("ldap://127.0.0.1:1"),
				  node_text("ldap://127.0.0.1:2"), NULL));
	assert_refused(connect, ERR_UNAVAILABLE,
		       "ldap://127.0.0.1:1: connection refused, or no such "
		       "host; ldap://127.0.0.1:2: ");
	node_set(connect, "servers", node_list("ldap://nowhere.invalid"));
	assert_refused(connect, ERR_UNAVAILABLE, "ldap://nowhere.invalid: ");
}

/* A server that takes the connection and says nothing. */
static void test_silent_server(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct node *connect = slapd_connect();
	int64_t began = clock_monotonic_ms();
	char url[64];

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size),
			 0);
	node_set(connect, "timeout", node_text("1"));
	(void)snprintf(url, sizeof(url), "ldap://127.0.0.1:%d",
		       ntohs(address.sin_port));
	node_set(connect, "servers", node_list(url));
	assert_refused(connect, ERR_UNAVAILABLE, "no answer within 1 s");
	node_set(connect, "security", node_text("starttls"));
	assert_refused(connect, ERR_UNAVAILABLE, url);
	(void)snprintf(url, sizeof(url), "ldaps://127.0.0.1:%d",
		       ntohs(address.sin_port));
	node_set(connect, "servers", node_list(url));
	node_set(connect, "security", node_text("tls"));
	assert_refused(connect, ERR_UNAVAILABLE, url);
	assert_true(clock_monotonic_ms() - began < 20000);
	(void)close(fd);
}

static void count_problem(void *data, const struct node *at,
			  const char *message)
{
	const char **last = data;

	(void)at;
	last[0] = arena_cstr(&test_arena, sv_from(message));
}

static void assert_problem(struct node *connect, const char *part)
{
	struct connector_config config = slapd_config(connect);
	const char *last = "no problem";

	ldap_connector.check(&ldap_connector, &config, count_problem, &last);
	if (!strstr(last, part))
		fail_msg("no '%s' in '%s'", part, last);
}

static void assert_problem_with(const char *key, struct node *value,
				const char *part)
{
	struct node *connect = slapd_connect();

	node_set(connect, key, value);
	assert_problem(connect, part);
}

static void test_check(void **state)
{
	struct node *partition =
		conformance_map(&test_arena, "base", node_text(ROOT), NULL);
	struct node *inner =
		conformance_map(&test_arena, "base", node_text(BASE), NULL);
	struct node *connect = slapd_connect();

	(void)state;
	assert_problem(slapd_connect(), "no problem");
	assert_problem_with("servers", node_list("dc1.corp.test"),
			    "no server's");
	assert_problem_with("servers", node_list("ldap://h/dc=x"), "'base'");
	assert_problem_with("base", node_text("people"), "not a DN");
	assert_problem_with("filter", node_text("uid=*"), "no filter");
	assert_problem_with("filter", node_text("(uid=*))("), "no filter");
	assert_problem_with("filter", node_text("(|(uid=*)(cn=a))"),
			    "no problem");
	assert_problem_with("operations", node_text("0"), "between 1 and 500");
	assert_problem_with("certificate", node_text("c.pem"),
			    "'key' is missing");
	assert_problem_with("partitions",
			    conformance_list(&test_arena, partition, NULL),
			    "not both");
	connect = conformance_map(
		&test_arena, "servers", node_list(slapd.tls_url), "partitions",
		conformance_list(&test_arena, partition, inner, NULL), NULL);
	assert_problem(connect, "lies in another partition's");
	connect = conformance_map(&test_arena, "servers",
				  node_list(slapd.tls_url), NULL);
	assert_problem(connect, "'base' is missing");
}

/* --- import --- */

/* What an import read: DNs, with '+' for objects, '-' for containers and '!'
 * for errors, in the order of DNs. */
struct picture {
	char *lines[4000];
	size_t count;
	struct change last; /* of the last object */
	struct error err;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_all(struct connector *c, struct picture *picture)
{
	struct change change;
	int ret =
		connector_import_begin(c, IMPORT_FULL, SV_NULL, &picture->err);

	while (!ret) {
		ret = connector_next(c, &test_arena, &change, &picture->err);
		if (ret <= 0)
			return ret;
		picture->lines[picture->count++] =
			arena_printf(&test_arena, "%c" SV_FMT,
				     change.op == CHANGE_ERROR      ? '!'
				     : change.op == CHANGE_FILTERED ? '~'
				     : change.container             ? '-'
								    : '+',
				     SV_ARG(change.dn));
		if (!change.container)
			picture->last = change;
		ret = 0;
	}
	return ret;
}

static int import(struct node *connect, size_t type_count,
		  struct picture *picture)
{
	struct connector_config config = slapd_config(connect);
	struct connector c;
	struct sv watermark;
	int ret;

	config.type_count = type_count;
	memset(picture, 0, sizeof(*picture));
	ret = connector_open(&c, &ldap_connector, &config, &picture->err);
	if (!ret)
		ret = read_all(&c, picture);
	if (!ret)
		ret = connector_import_end(&c, &test_arena, &watermark,
					   &picture->err);
	connector_close(&c);
	qsort(picture->lines, picture->count, sizeof(char *), by_text);
	return ret;
}

static struct sv value_of(const struct change *change, size_t attr)
{
	size_t i;

	for (i = 0; i < change->attr_count; i++)
		if (change->attrs[i].attr == attr)
			return change->attrs[i].values.at[0].text;
	return SV_NULL;
}

static void assert_picture(struct node *connect, size_t type_count, ...)
{
	static struct picture picture;
	const char *line;
	va_list args;
	size_t i = 0;

	if (import(connect, type_count, &picture))
		fail_msg("%s", picture.err.msg);
	va_start(args, type_count);
	while ((line = va_arg(args, const char *))) {
		assert_true(i < picture.count);
		assert_string_equal(picture.lines[i], line);
		i++;
	}
	va_end(args);
	assert_int_equal(i, picture.count);
}

static void test_import_values(void **state)
{
	static struct picture picture;
	struct change *last = &picture.last;

	(void)state;
	assert_int_equal(slapd_add("uid=ann," BASE, "objectClass",
				   "inetOrgPerson", "cn", "Ann", "sn",
				   "M\xc3\xbcller", "jpegPhoto", "\xff\xd8\xff",
				   "manager", "uid=bob," BASE, "roomNumber",
				   "12", NULL),
			 0);
	assert_int_equal(import(slapd_connect(), 1, &picture), 0);
	assert_int_equal(picture.count, 2);
	assert_int_equal(last->type, PERSON);
	assert_int_equal(last->anchor.len, 36);
	assert_true(sv_eq_str(value_of(last, SN), "M\xc3\xbcller"));
	assert_true(sv_eq_str(value_of(last, UID), "ann"));
	assert_true(sv_eq_str(value_of(last, MANAGER), "uid=bob," BASE));
	assert_int_equal(value_of(last, PHOTO).len, 3);
	assert_int_equal(value_of(last, TITLE).len, 0);
	assert_int_equal(last->attrs[4].values.at[0].type, VALUE_INTEGER);
	assert_int_equal(last->attrs[4].values.at[0].number, 12);
	assert_int_equal(last->attrs[3].values.at[0].type, VALUE_BINARY);
}

static void test_import_bad_values(void **state)
{
	static struct picture picture;
	struct node *connect = slapd_connect();

	(void)state;
	assert_int_equal(slapd_add("uid=ann," BASE, "objectClass",
				   "inetOrgPerson", "cn", "Ann", "sn", "Ann",
				   "roomNumber", "3rd", NULL),
			 0);
	assert_int_equal(import(slapd_connect(), 1, &picture), 0);
	assert_int_equal(picture.last.op, CHANGE_ERROR);
	assert_string_equal(picture.last.error, "invalid-numeric-value");
	assert_int_equal(picture.last.anchor.len, 36);
	node_set(connect, "anchor", node_text("employeeNumber"));
	assert_int_equal(import(connect, 1, &picture), 0);
	assert_string_equal(picture.last.error, "missing-anchor-component");
	assert_true(sv_eq_str(picture.last.dn, "uid=ann," BASE));
	node_set(connect, "anchor", node_text("dn"));
	person_attrs[ROOM].type = VALUE_STRING;
	assert_int_equal(import(connect, 1, &picture), 0);
	person_attrs[ROOM].type = VALUE_INTEGER;
	assert_int_equal(picture.last.op, CHANGE_OBJECT);
	assert_true(sv_eq_str(picture.last.anchor, "uid=ann," BASE));
}

/* An attribute may be configured by another of its names. */
static void test_import_alias(void **state)
{
	static struct picture picture;

	(void)state;
	slapd_add_person("ann", "Arbor");
	person_attrs[SN].name = "surname";
	assert_int_equal(import(slapd_connect(), 1, &picture), 0);
	person_attrs[SN].name = "sn";
	assert_true(sv_eq_str(value_of(&picture.last, SN), "Arbor"));
}

static void make_tree(void)
{
	slapd_add_unit("ou=staff," ROOT);
	slapd_add_unit("ou=service,ou=staff," ROOT);
	slapd_add_unit("ou=keep,ou=service,ou=staff," ROOT);
	slapd_add_unit("ou=other," ROOT);
	slapd_add("uid=a,ou=staff," ROOT, "objectClass", "inetOrgPerson", "cn",
		  "a", "sn", "a", NULL);
	slapd_add("uid=b,ou=service,ou=staff," ROOT, "objectClass",
		  "inetOrgPerson", "cn", "b", "sn", "b", NULL);
	slapd_add("uid=c,ou=keep,ou=service,ou=staff," ROOT, "objectClass",
		  "inetOrgPerson", "cn", "c", "sn", "c", NULL);
	slapd_add("uid=d,ou=other," ROOT, "objectClass", "inetOrgPerson", "cn",
		  "d", "sn", "d", NULL);
	slapd_add("uid=e,ou=staff," ROOT, "objectClass", "account", NULL);
}

static void test_import_scope(void **state)
{
	struct node *partition = conformance_map(
		&test_arena, "base", node_text(ROOT), "include",
		conformance_list(&test_arena, node_text("OU=Staff"),
				 node_text("ou=keep,ou=service,ou=staff," ROOT),
				 NULL),
		"exclude", node_list("ou=service, ou=staff"), NULL);
	struct node *connect = conformance_map(
		&test_arena, "servers", node_text(slapd.url), "security",
		node_text("none"), "partitions",
		conformance_list(&test_arena, partition, NULL), NULL);

	(void)state;
	make_tree();
	assert_picture(connect, 2, "+ou=keep,ou=service,ou=staff," ROOT,
		       "+ou=staff," ROOT, "+uid=a,ou=staff," ROOT,
		       "+uid=c,ou=keep,ou=service,ou=staff," ROOT, "-" ROOT,
		       "-ou=service,ou=staff," ROOT, "-uid=e,ou=staff," ROOT,
		       "~uid=b,ou=service,ou=staff," ROOT, NULL);
	node_set(partition, "include",
		 conformance_list(&test_arena,
				  node_text("ou=keep,ou=service,ou=staff"),
				  NULL));
	node_set(partition, "exclude", conformance_list(&test_arena, NULL));
	assert_picture(connect, 1, "+uid=c,ou=keep,ou=service,ou=staff," ROOT,
		       "-" ROOT, "-ou=keep,ou=service,ou=staff," ROOT,
		       "-ou=service,ou=staff," ROOT, "-ou=staff," ROOT, NULL);
}

static void test_import_filter(void **state)
{
	struct node *connect = slapd_connect();

	(void)state;
	make_tree();
	node_set(connect, "base", node_text("ou=staff," ROOT));
	node_set(connect, "filter", node_text("(|(uid=a)(uid=b))"));
	node_set(connect, "page_size", node_text("1"));
	assert_picture(connect, 2, "+uid=a,ou=staff," ROOT,
		       "+uid=b,ou=service,ou=staff," ROOT,
		       "-ou=keep,ou=service,ou=staff," ROOT,
		       "-ou=service,ou=staff," ROOT, "-ou=staff," ROOT, NULL);
}

static void test_import_fails(void **state)
{
	static struct picture picture;
	struct node *connect = slapd_connect();

	(void)state;
	node_set(connect, "base", node_text("ou=nobody," ROOT));
	assert_int_equal(import(connect, 1, &picture), -1);
	assert_int_equal(picture.err.code, ERR_NOTFOUND);
	assert_message(&picture.err, "'ou=nobody," ROOT "'");
	node_set(connect, "base", node_text(BASE));
	node_set(connect, "filter", node_text("(uid=(x))"));
	assert_int_equal(import(connect, 1, &picture), -1);
	assert_int_equal(picture.err.code, ERR_INVALID);
	assert_message(&picture.err, "'(uid=(x))'");
}

static void add_people(size_t count)
{
	char id[32];
	size_t i;

	for (i = 0; i < count; i++) {
		(void)snprintf(id, sizeof(id), "p%zu", i);
		slapd_add_person(id, "Person");
	}
}

static void test_import_pages(void **state)
{
	static struct picture picture;
	struct node *connect = slapd_connect();
	struct node *nobody = conformance_map(
		&test_arena, "servers", node_text(slapd.url), "security",
		node_text("none"), "base", node_text(BASE), NULL);

	(void)state;
	add_people(1500);
	node_set(connect, "page_size", node_text("100"));
	assert_int_equal(import(connect, 1, &picture), 0);
	assert_int_equal(picture.count, 1501);
	node_set(connect, "page_size", node_text("0"));
	assert_int_equal(import(connect, 1, &picture), 0);
	assert_int_equal(picture.count, 1501);
	/* the server's limit for others than its administrator is 500 */
	assert_int_equal(import(nobody, 1, &picture), -1);
	assert_int_equal(picture.err.code, ERR_UNAVAILABLE);
	assert_message(&picture.err, "sizeLimitExceeded");
}

static void test_import_killed(void **state)
{
	struct node *connect = slapd_connect();
	struct connector_config config = slapd_config(connect);
	struct error err = ERROR_INIT;
	struct change change;
	struct connector c;
	int ret;

	(void)state;
	add_people(1000);
	node_set(connect, "page_size", node_text("50"));
	node_set(connect, "reconnect", node_text("1"));
	assert_int_equal(connector_open(&c, &ldap_connector, &config, &err), 0);
	assert_int_equal(connector_import_begin(&c, IMPORT_FULL, SV_NULL, &err),
			 0);
	assert_int_equal(connector_next(&c, &test_arena, &change, &err), 1);
	assert_int_equal(kill(slapd.pid, SIGKILL), 0);
	while ((ret = connector_next(&c, &test_arena, &change, &err)) > 0)
		;
	assert_int_equal(ret, -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_message(&err, "search '" BASE "'");
	assert_message(&err, "tried again for up to 1 s: ldap://");
	assert_int_equal(connector_next(&c, &test_arena, &change, &err), -1);
	connector_close(&c);
	slapd_again();
}

/* The server is killed and started again twice: everybody comes once. */
static void assert_goes_on(const char *page_size)
{
	struct node *connect = slapd_connect();
	struct connector_config config = slapd_config(connect);
	struct namemap *seen = namemap_new(true);
	struct error err = ERROR_INIT;
	struct change change;
	struct connector c;
	size_t count = 0;

	node_set(connect, "page_size", node_text(page_size));
	assert_int_equal(connector_open(&c, &ldap_connector, &config, &err), 0);
	assert_int_equal(connector_import_begin(&c, IMPORT_FULL, SV_NULL, &err),
			 0);
	while (connector_next(&c, &test_arena, &change, &err) > 0) {
		assert_false(namemap_get(seen, change.dn, NULL));
		namemap_put(seen, change.dn, 1);
		count++;
		if (count != 70 && count != 400)
			continue;
		assert_int_equal(kill(slapd.pid, SIGKILL), 0);
		slapd_again();
	}
	if (err.code != ERR_NONE)
		fail_msg("%s", err.msg);
	assert_int_equal(count, 1001);
	namemap_free(seen);
	connector_close(&c);
}

static void test_import_goes_on(void **state)
{
	(void)state;
	add_people(1000);
	assert_goes_on("20");
	assert_goes_on("0");
}

/* The signal is sent at once, and obeyed a moment later. */
static void halt_server(void)
{
	char path[40];
	char text[300];
	const char *state = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)slapd.pid);
	assert_int_equal(kill(slapd.pid, SIGSTOP), 0);
	while (!state || state[2] != 'T') {
		FILE *file = fopen(path, "r");
		size_t len;

		assert_non_null(file);
		len = fread(text, 1, sizeof(text) - 1, file);
		text[len] = '\0';
		(void)fclose(file);
		state = strrchr(text, ')');
		assert_non_null(state);
	}
}

/* A server that is silent is left after `timeout`. */
static void test_import_silent(void **state)
{
	struct node *connect = slapd_connect();
	struct connector_config config = slapd_config(connect);
	struct error err = ERROR_INIT;
	struct change change;
	struct connector c;
	int ret;

	(void)state;
	add_people(1000);
	node_set(connect, "page_size", node_text("10"));
	node_set(connect, "timeout", node_text("3"));
	node_set(connect, "reconnect", node_text("0"));
	assert_int_equal(connector_open(&c, &ldap_connector, &config, &err), 0);
	assert_int_equal(connector_import_begin(&c, IMPORT_FULL, SV_NULL, &err),
			 0);
	assert_int_equal(connector_next(&c, &test_arena, &change, &err), 1);
	halt_server();
	while ((ret = connector_next(&c, &test_arena, &change, &err)) > 0)
		;
	assert_int_equal(kill(slapd.pid, SIGCONT), 0);
	assert_int_equal(ret, -1);
	assert_message(&err, "no answer within 3 s");
	connector_close(&c);
}

/* --- the suite of all connectors --- */

static int make_target(struct conformance *c,
		       const struct conformance_object *objects, size_t count)
{
	struct connector_config config = slapd_config(slapd_connect());
	size_t i;

	slapd_clear(ROOT);
	slapd_add_unit(BASE);
	for (i = 0; i < count; i++) {
		char *dn = arena_printf(&test_arena, "uid=%s," BASE,
					objects[i].id);
		LDAPMod phone = { .mod_op = LDAP_MOD_ADD,
				  .mod_type = (char[]){ "telephoneNumber" } };
		LDAPMod title = { .mod_op = LDAP_MOD_ADD,
				  .mod_type = (char[]){ "title" } };
		LDAPMod *mods[2] = { &phone, NULL };
		char *values[2] = { NULL, NULL };
		struct sv left = sv_from(objects[i].phones);

		slapd_add_person(objects[i].id, objects[i].sn);
		while (left.len) {
			size_t end = sv_find(left, ';', 0);

			values[0] =
				arena_cstr(&test_arena, sv_sub(left, 0, end));
			phone.mod_values = values;
			assert_int_equal(ldap_modify_ext_s(slapd.admin, dn,
							   mods, NULL, NULL),
					 0);
			left = sv_sub(left, end + (end < left.len), left.len);
		}
		if (!objects[i].title)
			continue;
		values[0] = arena_cstr(&test_arena, sv_from(objects[i].title));
		title.mod_values = values;
		mods[0] = &title;
		assert_int_equal(
			ldap_modify_ext_s(slapd.admin, dn, mods, NULL, NULL),
			0);
	}
	c->config.connect = config.connect;
	c->config.folder = config.folder;
	c->config.secret = config.secret;
	return 0;
}

static const struct node *broken_target(struct conformance *c)
{
	struct node *connect = slapd_connect();

	(void)c;
	node_set(connect, "password", node_text("env:wrong"));
	return connect;
}

static int run_conformance(void)
{
	struct conformance c = { .ops = &ldap_connector,
				 .type = "inetOrgPerson",
				 .base = BASE,
				 .make = make_target,
				 .broken = broken_target,
				 .system_anchor = true };
	int failed;

	if (slapd_begin(NULL))
		return 1;
	failed = conformance_run(&c);
	c.ops = &openldap_connector;
	failed += conformance_run(&c);
	return failed + (slapd_end(NULL) != 0);
}

#define TEST(f) cmocka_unit_test_setup(f, slapd_fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tls),
		TEST(test_tls_environment),
		TEST(test_plain_must_be_written),
		TEST(test_sign_in),
		TEST(test_failover),
		TEST(test_silent_server),
		TEST(test_check),
		TEST(test_import_values),
		TEST(test_import_bad_values),
		TEST(test_import_alias),
		TEST(test_import_scope),
		TEST(test_import_filter),
		TEST(test_import_fails),
		TEST(test_import_pages),
		TEST(test_import_killed),
		TEST(test_import_goes_on),
		TEST(test_import_silent),
	};

	return cmocka_run_group_tests(tests, slapd_begin, slapd_end) +
	       run_conformance();
}
