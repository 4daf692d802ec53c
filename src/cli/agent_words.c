/*
 * agent_words.c - attributes of different systems that mean the same
 *
 * Names are compared without case and without what is no letter or digit, so
 * "Last Name" is "lastname". Directories follow RFC 4519 and 2798; files of
 * personnel offices and telephone systems are called as they are here and
 * there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/agent.h"

#include <ctype.h>
#include <string.h>

#define WORDS_MAX 16

/* Each row means one thing, the most usual name first. */
static const char *const rows[][WORDS_MAX] = {
	{ "employeeid", "employeenumber", "employeeno", "empid", "empno",
	  "personnelnumber", "personalnumber", "personid", "staffid",
	  "staffnumber", "workerid", "id" },
	{ "givenname", "firstname", "first", "forename", "gn", "vorname",
	  "prenom", "nome" },
	{ "sn", "surname", "lastname", "last", "familyname", "nachname", "nom",
	  "cognome" },
	{ "displayname", "fullname", "name", "cn", "commonname" },
	{ "name", "cn", "commonname", "groupname", "displayname", "team" },
	{ "mail", "email", "emailaddress", "mailaddress", "rfc822mailbox",
	  "primaryemail", "workemail" },
	{ "telephonenumber", "telephone", "phone", "phonenumber", "workphone",
	  "officephone", "businessphone", "telefon" },
	{ "mobile", "mobilephone", "cell", "cellphone", "mobilenumber" },
	{ "facsimiletelephonenumber", "fax", "faxnumber" },
	{ "title", "jobtitle", "job", "position", "function" },
	{ "department", "departmentname", "dept", "departmentnumber", "orgunit",
	  "unit", "abteilung", "ou" },
	{ "company", "companyname", "organization", "organisation", "o",
	  "employer" },
	{ "manager", "managerid", "supervisor", "supervisorid", "boss",
	  "reportsto", "bossid" },
	{ "uid", "userid", "username", "login", "loginname", "logon",
	  "accountname", "samaccountname", "account" },
	{ "samaccountname", "accountname", "uid", "userid", "username", "login",
	  "account" },
	{ "userprincipalname", "upn" },
	{ "l", "location", "city", "town", "locality", "site" },
	{ "location", "l", "city", "site", "office",
	  "physicaldeliveryofficename" },
	{ "physicaldeliveryofficename", "office", "room", "roomnumber" },
	{ "st", "state", "province", "stateorprovincename", "region" },
	{ "street", "streetaddress", "address" },
	{ "postalcode", "zip", "zipcode", "postcode", "plz" },
	{ "c", "country", "countrycode", "countryname", "co" },
	{ "employeetype", "type", "staffcategory", "contracttype" },
	{ "startdate", "hiredate", "entrydate", "joined", "since" },
	{ "enddate", "leavingdate", "terminationdate", "exitdate", "until" },
	{ "active", "enabled", "isactive" },
	{ "status", "employmentstatus" },
	{ "nickname", "preferredname", "knownas" },
	{ "initials", "middleinitial" },
	{ "description", "comment", "notes", "info" },
	{ "member", "members", "uniquemember", "memberuid" },
	{ "owner", "managedby", "responsible" },
	{ "objectguid", "guid" },
	{ "objectsid", "sid" },
	{ "proxyaddresses", "aliases", "mailaliases" },
};

#define ROWS (sizeof(rows) / sizeof(*rows))

/* The letters and digits of a name, small. */
static void reduce(const char *name, char *out, size_t size)
{
	size_t len = 0;

	for (; *name && len + 1 < size; name++)
		if (isalnum((unsigned char)*name))
			out[len++] = (char)tolower((unsigned char)*name);
	out[len] = '\0';
}

/* 1-based place in a row; 0: it is not there. */
static unsigned place_in(const char *const *row, const char *word)
{
	unsigned i;

	for (i = 0; i < WORDS_MAX && row[i]; i++)
		if (!strcmp(row[i], word))
			return i + 1;
	return 0;
}

/* A row is that of a metaverse attribute when one of its first names is; what
 * comes later is too vague for that. */
#define FIRST_NAMES 4

/* "members" of "member": tables and columns have such names. */
static bool is_plural(const char *word, const char *name)
{
	size_t len = strlen(word);

	return !strncmp(word, name, len) && !strcmp(name + len, "s");
}

unsigned agent_word_rank(const char *mv, const char *name)
{
	char left[100];
	char right[100];
	unsigned best = 0;
	size_t i;

	reduce(mv, left, sizeof(left));
	reduce(name, right, sizeof(right));
	if (!*left || !*right)
		return 0;
	if (!strcmp(left, right))
		return 1;
	if (is_plural(left, right))
		return 2;
	for (i = 0; i < ROWS; i++) {
		unsigned of_mv = place_in(rows[i], left);
		unsigned of_name = place_in(rows[i], right);
		unsigned rank = of_mv * 20 + of_name;

		if (of_mv && of_mv <= FIRST_NAMES && of_name &&
		    (!best || rank < best))
			best = rank;
	}
	return best;
}

static unsigned rank_in(const char *const *words, const char *name)
{
	char reduced[100];
	unsigned place;

	reduce(name, reduced, sizeof(reduced));
	place = place_in(words, reduced);
	return place ? place : WORDS_MAX + 1;
}

unsigned agent_anchor_rank(const char *name)
{
	static const char *const words[WORDS_MAX] = {
		"entryuuid",      "objectguid",
		"nsuniqueid",     "id",
		"employeeid",     "personid",
		"employeenumber", "empid",
		"empno",          "personnelnumber",
		"personalnumber", "staffid",
		"uuid",           "guid",
		"number",
	};

	return rank_in(words, name);
}

unsigned agent_join_rank(const char *name)
{
	static const char *const words[WORDS_MAX] = {
		"employeeid",
		"employeenumber",
		"personid",
		"id",
		"sourceanchor",
		"uid",
		"samaccountname",
		"accountname",
		"userprincipalname",
		"mail",
		"name",
		"cn",
	};

	return rank_in(words, name);
}
