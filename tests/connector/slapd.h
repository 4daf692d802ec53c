/*
 * slapd.h - a private slapd and the configuration of an ldap agent for it
 *
 * tools/slapd.sh starts the server in a temporary folder; without slapd
 * installed a program fails and says so. slapd_fresh(), before every test,
 * leaves the suffix and one empty unit in the directory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CONNECTOR_SLAPD_H
#define TESTS_CONNECTOR_SLAPD_H

#include "connector/connector.h"

#include <ldap.h>
#include <sys/types.h>

#define ROOT "dc=example,dc=com"
#define BASE "ou=people," ROOT

/* The server that runs, as tools/slapd.sh tells. */
struct slapd {
	char folder[64];
	char url[128];
	char tls_url[128];
	char local_url[256]; /* may be empty */
	char ca_file[256];
	pid_t pid;
	LDAP *admin; /* the test's own connection */
};

extern struct slapd slapd;
extern struct arena test_arena; /* of one test */

/* For cmocka: around the program's tests, and before each. */
int slapd_begin(void **state);
int slapd_end(void **state);
int slapd_fresh(void **state);
/* What follows a kill: the same data, a new process. */
void slapd_again(void);
/* A shell command; what tools/slapd.sh prints is taken. */
int slapd_shell(const char *command);

/* An entry: names and values in turn, then NULL. The result code. */
int slapd_add(const char *dn, ...);
void slapd_add_unit(const char *dn);
void slapd_add_person(const char *id, const char *sn);
/* Deletes all below `dn`. */
void slapd_clear(const char *dn);
/* The first value of an attribute; "" when it has none, NULL when there is no
 * such entry. */
const char *slapd_look(const char *dn, const char *name);

/* Configuration: a text, a list of one, and a setting more (or another value
 * for one that is there). */
struct node *node_text(const char *s);
struct node *node_list(const char *one);
void node_set(struct node *map, const char *key, struct node *value);
/* An agent's connect: the server unencrypted, as its administrator. */
struct node *slapd_connect(void);
/* The agent with the first of test_types. */
struct connector_config slapd_config(struct node *connect);

enum { PERSON, UNIT, GROUP };
enum { UID, SN, TITLE, PHONE, MANAGER, PHOTO, PASSWORD, ROOM, CLASS, NOTE };

extern struct object_type test_types[];
extern struct attr_def person_attrs[];

void assert_message(const struct error *err, const char *part);

#endif
