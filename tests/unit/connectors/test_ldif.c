/*
 * test_ldif.c - content, changes, watermarks and exports of an LDIF directory
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif.h"

#include "session.h"

static const struct attr_def person_attrs[] = {
	{ .name = "cn", .type = VALUE_STRING, .multi = true },
	{ .name = "title", .type = VALUE_STRING, .multi = true },
	{ .name = "mail", .type = VALUE_STRING, .multi = true },
	{ .name = "photo", .type = VALUE_BINARY, .multi = true },
};
static const struct attr_def group_attrs[] = {
	{ .name = "member", .type = VALUE_REFERENCE, .multi = true },
	{ .name = "objectClass", .type = VALUE_STRING, .multi = true },
	{ .name = "deputy", .type = VALUE_REFERENCE, .multi = true },
};
static const struct object_type types[] = {
	{ "inetOrgPerson", person_attrs, 4 },
	{ "groupOfNames", group_attrs, 3 },
};

static struct session s;

#define PERSON  "objectClass: inetOrgPerson\n"
#define FULL()  import(&s, IMPORT_FULL)
#define DELTA() import(&s, IMPORT_DELTA)

static int set_up(void **state)
{
	(void)state;
	session_make(&s, &ldif_connector, types, 2);
	set_connect(&s, "path: d.ldif; changes: c.ldif");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	session_remove(&s);
	return 0;
}

static void content(const char *text)
{
	assert_int_equal(scratch_write(&s.scratch, "d.ldif", text), 0);
}

static void changes(const char *text)
{
	assert_int_equal(scratch_write(&s.scratch, "c.ldif", text), 0);
}

static void more_changes(const char *text)
{
	assert_int_equal(scratch_append(&s.scratch, "c.ldif", text), 0);
}

static const char *content_text(void)
{
	return scratch_read(&s.scratch, "d.ldif").ptr;
}

static void types_and_values(void **state)
{
	(void)state;
	content("dn: ou=p,dc=x\nobjectClass: organizationalUnit\n\n"
		"dn: cn=a,ou=p,dc=x\nobjectClass: top\nobjectClass: person\n"
		"objectClass: inetOrgPerson\nobjectClass: posixAccount\n"
		"cn: a\nCN: aa\nTitle: T\nsn: none\nphoto:: AQI=\n"
		"mail:: /w==\n\n"
		"dn: cn=g,dc=x\nobjectClass: groupOfNames\n"
		"objectClass: inetOrgPerson\ncn: g\n\n"
		"dn: cn=h,dc=x\nmember: cn=a,ou=p,dc=x\n"
		"objectClass: groupOfNames\n");
	set_connect(&s, "path: d.ldif");
	s.filtered = true;
	assert_non_null(FULL());
	assert_true(sv_starts(
		strbuf_sv(&s.log),
		SV_LIT("filtered d.ldif:1 ou=p,dc=x\nobject inetOrgPerson cn=a,ou=p,dc=x: cn=a,aa title=T "
		       "photo=")));
	assert_non_null(
		strstr(strbuf_cstr(&s.log),
		       "title=T photo=\x01\x02(binary) mail=\xFF(binary)\n"));
	assert_non_null(
		strstr(strbuf_cstr(&s.log),
		       "object inetOrgPerson cn=g,dc=x: cn=g\n"
		       "object groupOfNames cn=h,dc=x: member=cn=a,ou=p,dc=x "
		       "objectClass=groupOfNames\n"));
	assert_null(strstr(strbuf_cstr(&s.log), "container"));
	set_connect(&s, "path: d.ldif; tree: yes; bases[]: dc=x");
	assert_string_equal(check_session(&s), "");
	assert_non_null(FULL());
	assert_true(
		sv_starts(strbuf_sv(&s.log), SV_LIT("container ou=p,dc=x\n")));
	assert_true(connector_caps(s.ops, s.config.connect) &
		    CONNECTOR_CAP_TREE);
}

static void anchors(void **state)
{
	(void)state;
	set_connect(&s, "path: d.ldif; anchor: uid");
	content("dn: cn=a\n" PERSON "uid: 1\n\n"
		"dn: cn=b\n" PERSON "cn: b\n\n"
		"dn: cn=c\n" PERSON "uid: 1\nuid: 2\n");
	assert_string_equal(
		FULL(),
		"object inetOrgPerson 1 (cn=a)\n"
		"error missing-anchor-component d.ldif:5 [cn=b] 'uid' has no "
		"value\n"
		"error multi-valued-anchor-component d.ldif:9 [cn=c] 'uid' has "
		"several values\n");
}

static void errors_and_the_rest(void **state)
{
	(void)state;
	content("dn: cn=a\n" PERSON "oops\n\ndn: cn=b\n" PERSON "\n"
		"dn: cn=c\nchangetype: delete\n\nsn: x\n");
	assert_string_equal(
		FULL(),
		"error parse-error d.ldif:3 [cn=a] a line that is not 'name: "
		"value'\n"
		"object inetOrgPerson cn=b\n"
		"error parse-error d.ldif:8 [cn=c] a change record among the "
		"entries: changes belong into the file of `changes`\n"
		"error missing-dn d.ldif:11 [] a record begins with its dn\n");
	assert_int_equal(unlink(scratch_path(&s.scratch, "d.ldif")), 0);
	assert_string_equal(FULL(), ""); /* no file is an empty directory */
	set_connect(&s, "path: .");
	assert_string_equal(FULL(), "failed");
}

static void changes_on_top_of_content(void **state)
{
	(void)state;
	content("dn: cn=a,ou=p\n" PERSON "cn: a\nmail: m\n\n"
		"dn: cn=b,ou=p\n" PERSON "cn: b\n\n"
		"dn: cn=c,ou=p\n" PERSON "cn: c\n\n"
		"dn: cn=d,ou=p\n" PERSON "cn: d\n");
	changes("dn: CN=A,ou=p\nchangetype: modify\nadd: mail\nmail: M\n"
		"mail: n\n-\nreplace: title\ntitle: T\n\n"
		"dn: cn=b,ou=p\nchangetype: delete\n\n"
		"dn: cn=c,ou=p\nchangetype: modrdn\nnewrdn: cn=cc\n"
		"deleteoldrdn: 1\n\n"
		"dn: cn=e,ou=p\nchangetype: add\n" PERSON "cn: e\n\n"
		"dn: cn=cc,ou=p\nchangetype: modify\nadd: mail\nmail: c\n\n"
		"dn: cn=nobody\nchangetype: modify\nadd: mail\nmail: c\n\n"
		"broken\n\n"
		"dn: cn=e,ou=p\nchangetype: modify\nadd: mail\nmail: e");
	assert_string_equal(
		FULL(),
		"error parse-error c.ldif:33 [] a line that is not 'name: "
		"value'\n"
		"object inetOrgPerson cn=a,ou=p: cn=a mail=M,n title=T\n"
		"object inetOrgPerson cn=cc,ou=p: cn=cc mail=c\n"
		"object inetOrgPerson cn=d,ou=p: cn=d\n"
		"object inetOrgPerson cn=e,ou=p: cn=e mail=e\n"
		"error read-error c.ldif [cn=nobody] a change of an entry that "
		"is not in the directory\n");
}

static void renamed_parents_take_their_children_along(void **state)
{
	(void)state;
	content("dn: ou=p\nobjectClass: organizationalUnit\n\n"
		"dn: cn=a,ou=p\n" PERSON "\n"
		"dn: cn=b,ou=p\n" PERSON "\n"
		"dn: cn=c,cn=b,ou=p\n" PERSON "\n"
		"dn: cn=d,ou=q\n" PERSON);
	changes("dn: cn=b,ou=p\nchangetype: modify\nadd: mail\nmail: 1\n\n"
		"dn: cn=n,ou=p\nchangetype: add\n" PERSON "\n"
		"dn: ou=p\nchangetype: moddn\nnewrdn: ou=P2\ndeleteoldrdn: 1\n"
		"newsuperior: o=new\n\n"
		"dn: cn=a,ou=p2,o=new\nchangetype: modify\nadd: mail\n"
		"mail: 2\n\n"
		"dn: cn=c,cn=b,ou=p2,o=new\nchangetype: modify\nadd: mail\n"
		"mail: 3\n\n"
		"dn: cn=b,ou=p2,o=new\nchangetype: modrdn\nnewrdn: cn=bb\n"
		"deleteoldrdn: 0\n");
	assert_string_equal(
		FULL(), "object inetOrgPerson cn=a,ou=p2,o=new: mail=2\n"
			"object inetOrgPerson cn=bb,ou=p2,o=new: mail=1 cn=bb\n"
			"object inetOrgPerson cn=c,cn=bb,ou=p2,o=new: mail=3\n"
			"object inetOrgPerson cn=d,ou=q\n"
			"object inetOrgPerson cn=n,ou=P2,o=new\n");
}

static void names_that_are_used_again(void **state)
{
	(void)state;
	content("dn: cn=a\n" PERSON "title: old\n\n"
		"dn: cn=b\n" PERSON "title: b\n");
	changes("dn: cn=a\nchangetype: delete\n\n"
		"dn: cn=a\nchangetype: add\n" PERSON "title: new\n\n"
		"dn: cn=b\nchangetype: modrdn\nnewrdn: cn=x\n"
		"deleteoldrdn: 1\n\n"
		"dn: cn=a\nchangetype: modrdn\nnewrdn: cn=b\n"
		"deleteoldrdn: 1\n\n");
	assert_string_equal(FULL(),
			    "object inetOrgPerson cn=x: title=b cn=x\n"
			    "object inetOrgPerson cn=b: title=new cn=b\n");
}

#define GROUP     "objectClass: groupOfNames\n"
#define HAS(text) assert_non_null(strstr(strbuf_cstr(&s.log), text))

static void renamed(const char *dn, const char *rdn)
{
	more_changes(arena_printf(&s.scratch.arena,
				  "dn: %s\nchangetype: modrdn\nnewrdn: %s\n"
				  "deleteoldrdn: 1\n\n",
				  dn, rdn));
}

static void member_changed(const char *how, const char *value)
{
	more_changes(arena_printf(&s.scratch.arena,
				  "dn: cn=g\nchangetype: modify\n"
				  "%s: member\nmember: %s\n\n",
				  how, value));
}

static void references_follow_renames(void **state)
{
	(void)state;
	content("dn: cn=a,ou=p\n" PERSON "\ndn: cn=b,ou=p\n" PERSON "\n"
		"dn: cn=g\n" GROUP "member: CN=A, ou=P\nmember: CN=B, ou=P\n"
		"deputy: cn=none,ou=p\nmember: cn=x,ou=q\n\n"
		"dn: cn=h\n" GROUP "member: cn=X, ou=q\n");
	changes("dn: cn=n\nchangetype: add\n" GROUP "member: cn=a,ou=p\n\n"
		"dn: cn=g\nchangetype: modify\nadd: deputy\n"
		"deputy: cn=a,ou=p\n\n");
	renamed("cn=a,ou=p", "cn=aa");
	assert_string_equal(
		FULL(), "object inetOrgPerson cn=aa,ou=p: cn=aa\n"
			"object inetOrgPerson cn=b,ou=p\n"
			"object groupOfNames cn=g: objectClass=groupOfNames "
			"member=cn=aa,ou=p,CN=B, ou=P,cn=x,ou=q "
			"deputy=cn=none,ou=p,cn=aa,ou=p\n"
			"object groupOfNames cn=h: objectClass=groupOfNames "
			"member=cn=X, ou=q\n"
			"object groupOfNames cn=n: objectClass=groupOfNames "
			"member=cn=aa,ou=p\n");
	/* A container takes what names the entries below it along. */
	more_changes("dn: ou=p\nchangetype: moddn\nnewrdn: ou=p\n"
		     "deleteoldrdn: 1\nnewsuperior: o=new\n\n");
	assert_non_null(FULL());
	HAS("member=cn=aa,ou=p,o=new,CN=B,ou=p,o=new,cn=x,ou=q "
	    "deputy=cn=none,ou=p,o=new,cn=aa,ou=p,o=new\n");
	HAS("cn=n: objectClass=groupOfNames member=cn=aa,ou=p,o=new\n");
}

static void references_in_chains_and_swaps(void **state)
{
	(void)state;
	content("dn: cn=a\n" PERSON "\ndn: cn=b\n" PERSON "\n"
		"dn: cn=c\n" PERSON "\ndn: ou=x\nobjectClass: "
		"organizationalUnit\n\ndn: ou=y\nobjectClass: "
		"organizationalUnit\n\ndn: cn=1,ou=x\n" PERSON "title: x\n\n"
		"dn: cn=1,ou=y\n" PERSON "title: y\n\ndn: cn=g\n" GROUP
		"member: cn=a\nmember: cn=b\nmember: cn=c\n"
		"member: cn=1,ou=x\n");
	renamed("cn=a", "cn=t");
	renamed("cn=b", "cn=a");
	renamed("cn=t", "cn=b");
	renamed("cn=c", "cn=d");
	renamed("cn=d", "cn=e");
	renamed("ou=x", "ou=t");
	more_changes("dn: cn=1,ou=t\nchangetype: modify\nreplace: mail\n"
		     "mail: m\n\n");
	renamed("ou=y", "ou=x");
	renamed("ou=t", "ou=y");
	assert_string_equal(
		FULL(), "object inetOrgPerson cn=b: cn=b\n"
			"object inetOrgPerson cn=a: cn=a\n"
			"object inetOrgPerson cn=e: cn=e\n"
			"object inetOrgPerson cn=1,ou=y: title=x mail=m\n"
			"object inetOrgPerson cn=1,ou=x: title=y\n"
			"object groupOfNames cn=g: objectClass=groupOfNames "
			"member=cn=b,cn=a,cn=e,cn=1,ou=y\n");
}

/* A record speaks of the names of its time. */
static void references_written_after_a_rename(void **state)
{
	(void)state;
	content("dn: cn=a\n" PERSON "\ndn: cn=b\n" PERSON "\n"
		"dn: cn=c\n" PERSON "\ndn: cn=g\n" GROUP
		"member: cn=a\nmember: cn=b\ndeputy: cn=c\n");
	renamed("cn=a", "cn=z");
	more_changes("dn: cn=a\nchangetype: add\n" PERSON "\n");
	member_changed("add", "cn=a");
	assert_non_null(FULL());
	HAS("member=cn=z,cn=b,cn=a deputy=cn=c\n");
	member_changed("delete", "cn=z");
	assert_non_null(FULL());
	HAS("member=cn=b,cn=a deputy=cn=c\n");
	/* The name of one who left is taken by another. */
	member_changed("delete", "cn=a");
	more_changes("dn: cn=a\nchangetype: delete\n\n");
	renamed("cn=b", "cn=a");
	assert_non_null(FULL());
	HAS("member=cn=a deputy=cn=c\n");
	/* Two values that come to name one entry are one. */
	member_changed("add", "CN=later");
	renamed("cn=a", "cn=later");
	assert_non_null(FULL());
	HAS("member=CN=later deputy=cn=c\n");
	/* What is gone cannot be renamed. */
	more_changes("dn: cn=c\nchangetype: delete\n\n");
	renamed("cn=c", "cn=never");
	assert_non_null(FULL());
	HAS("member=CN=later deputy=cn=c\n");
}

/* A new container of the old name has nothing to do with what moved away. */
static void a_new_container_of_an_old_name(void **state)
{
	(void)state;
	content("dn: ou=p\nobjectClass: organizationalUnit\n\n"
		"dn: cn=a,ou=p\n" PERSON "title: old\n\n"
		"dn: cn=b,ou=p\n" PERSON "title: old\n\n"
		"dn: cn=g\n" GROUP "member: cn=a,ou=p\n");
	renamed("ou=p", "ou=q");
	more_changes("dn: ou=p\nchangetype: add\n"
		     "objectClass: organizationalUnit\n\n"
		     "dn: cn=a,ou=p\nchangetype: add\n" PERSON "title: new\n\n"
		     "dn: cn=b,ou=p\nchangetype: modify\nadd: mail\n"
		     "mail: lost\n\n");
	assert_string_equal(
		FULL(), "object inetOrgPerson cn=a,ou=q: title=old\n"
			"object inetOrgPerson cn=b,ou=q: title=old\n"
			"object groupOfNames cn=g: objectClass=groupOfNames "
			"member=cn=a,ou=q\n"
			"object inetOrgPerson cn=a,ou=p: title=new\n"
			"error read-error c.ldif [cn=b,ou=p] a change of an "
			"entry that is not in the directory\n");
	/* An entry that was added over another replaces it. */
	changes("dn: cn=a,ou=p\nchangetype: add\n" PERSON "\n");
	renamed("cn=a,ou=p", "cn=z");
	assert_string_equal(
		FULL(), "object inetOrgPerson cn=b,ou=p: title=old\n"
			"object groupOfNames cn=g: objectClass=groupOfNames "
			"member=cn=z,ou=p\n"
			"object inetOrgPerson cn=z,ou=p: cn=z\n");
}

/* What left a name does not hide who comes to it with another container. */
static void another_container_of_an_old_name(void **state)
{
	(void)state;
	content("dn: ou=p\nobjectClass: organizationalUnit\n\n"
		"dn: ou=q\nobjectClass: organizationalUnit\n\n"
		"dn: cn=a,ou=p\n" PERSON "title: p\n\n"
		"dn: cn=a,ou=q\n" PERSON "title: q\n\n"
		"dn: cn=g\n" GROUP "member: cn=a,ou=p\nmember: cn=a,ou=q\n");
	renamed("cn=a,ou=p", "cn=b");
	renamed("ou=p", "ou=r");
	renamed("ou=q", "ou=p");
	renamed("cn=a,ou=p", "cn=c");
	assert_string_equal(
		FULL(), "object inetOrgPerson cn=b,ou=r: title=p cn=b\n"
			"object inetOrgPerson cn=c,ou=p: title=q cn=c\n"
			"object groupOfNames cn=g: objectClass=groupOfNames "
			"member=cn=b,ou=r,cn=c,ou=p\n");
}

static void deltas_of_a_foreign_log(void **state)
{
	(void)state;
	content("dn: cn=a\n" PERSON "cn: a\n\ndn: cn=g\nobjectClass: "
		"groupOfNames\n\ndn: ou=u\nobjectClass: organizationalUnit\n");
	assert_non_null(FULL());
	assert_string_equal(DELTA(), "");
	changes("dn: cn=a\nchangetype: modify\nadd: mail\nmail: 1\n-\n"
		"delete: cn\ncn: a\n\n");
	assert_string_equal(DELTA(),
			    "update inetOrgPerson cn=a: mail+1 cn-a\n");
	assert_string_equal(DELTA(), "");
	more_changes("dn: cn=a\nchangetype: modrdn\nnewrdn: cn=b\n"
		     "deleteoldrdn: 1\n\n"
		     "dn: cn=b\nchangetype: modify\nreplace: mail\n\n"
		     "dn: cn=g\nchangetype: modify\nadd: member\n"
		     "member: cn=b\n\n"
		     "dn: ou=u\nchangetype: modify\nadd: ou\nou: v\n\n"
		     "dn: cn=n\nchangetype: add\n" PERSON "\n"
		     "dn: cn=n\nchangetype: modify\nadd: title\ntitle: T\n\n"
		     "dn: cn=lost\nchangetype: modify\nadd: title\ntitle: T\n\n"
		     "dn: cn=n\nchangetype: delete\n\n"
		     "dn: cn=z\n" PERSON);
	assert_string_equal(
		DELTA(),
		"rename inetOrgPerson cn=a -> cn=b: cn-a cn+b\n"
		"update inetOrgPerson cn=b: mail=\n"
		"update groupOfNames cn=g: member+cn=b\n"
		"add inetOrgPerson cn=n\n"
		"update inetOrgPerson cn=n: title+T\n"
		"error need-full-object c.ldif:37 [cn=lost] a change of an "
		"entry that is not in the directory\n"
		"delete inetOrgPerson cn=n\n"
		"error missing-change-type c.ldif:45 [cn=z] an entry among the "
		"changes: a changetype is missing\n");
	assert_string_equal(DELTA(), "");
	/* Another file under this name, or a shorter one. */
	changes("dn: cn=a\nchangetype: delete\n");
	assert_string_equal(DELTA(), "failed");
	assert_int_equal(s.err.code, ERR_CONFLICT);
}

static void content_changed_by_hand_is_a_conflict(void **state)
{
	(void)state;
	content("dn: cn=a\n" PERSON);
	assert_non_null(FULL());
	content("dn: cn=a\n" PERSON "\ndn: cn=b\n" PERSON);
	assert_string_equal(DELTA(), "failed");
	assert_int_equal(s.err.code, ERR_CONFLICT);
}

static void export_makes_the_content(void **state)
{
	struct export_op ops[3] = { op_of(1, EXPORT_ADD, NULL,
					  "cn=Ann \\+ Bob,ou=p,dc=x"),
				    op_of(2, EXPORT_ADD, NULL, "cn=g,dc=x"),
				    op_of(3, EXPORT_ADD, NULL, "nonsense") };

	(void)state;
	set_attrs(&s, &ops[0], "title=T mail=a,b");
	ops[1].type = 1;
	set_attrs(&s, &ops[1], "member=cn=x objectClass=posixGroup");
	assert_string_equal(FULL(), "");
	assert_int_equal(s.watermark.len, 0); /* no delta can follow */
	assert_string_equal(export(&s, ops, 3),
			    "1 ok cn=Ann \\+ Bob,ou=p,dc=x\n2 ok cn=g,dc=x\n"
			    "3 invalid-dn\n");
	assert_string_equal(
		content_text(),
		"version: 1\n\n"
		"dn: cn=Ann \\+ Bob,ou=p,dc=x\nobjectClass: top\n"
		"objectClass: person\nobjectClass: organizationalPerson\n"
		"objectClass: inetOrgPerson\ntitle: T\nmail: a\nmail: b\n"
		"cn: Ann + Bob\n\n"
		"dn: cn=g,dc=x\nobjectClass: top\nobjectClass: groupOfNames\n"
		"objectClass: posixGroup\nmember: cn=x\ncn: g\n\n");
	assert_int_equal(scratch_read(&s.scratch, "c.ldif").len, 0);
}

static void export_rewrites_without_a_log(void **state)
{
	struct export_op ops[3] = { op_of(1, EXPORT_UPDATE, NULL, "cn=A"),
				    op_of(2, EXPORT_DELETE, NULL, "cn=b"),
				    op_of(3, EXPORT_UPDATE, NULL, "cn=c") };

	(void)state;
	set_connect(&s, "path: d.ldif");
	content("version: 1\n\n# by hand\n\ndn: cn=a\n" PERSON "cn: a\n"
		"jpegPhoto:: AAAA\n\n"
		"# Bob\n\ndn: cn=b\n" PERSON "\nwhat is this\n\n"
		"dn: cn=c\n" PERSON "# inside\nsn:   kept as it is\ncn: c");
	set_attrs(&s, &ops[0], "title=T");
	set_attrs(&s, &ops[2], "cn-c");
	assert_string_equal(export(&s, ops, 3),
			    "1 ok cn=A\n2 ok\n3 modify-naming-attribute\n");
	assert_string_equal(content_text(),
			    "version: 1\n\n# by hand\n\n"
			    "dn: cn=a\n" PERSON "cn: a\njpegPhoto:: AAAA\n"
			    "title: T\n\n"
			    "# Bob\n\nwhat is this\n\n"
			    "dn: cn=c\n" PERSON
			    "# inside\nsn:   kept as it is\ncn: c\n\n");
}

static void export_keeps_references_right(void **state)
{
	struct export_op ops[4] = { op_of(1, EXPORT_RENAME, NULL, "ou=p"),
				    op_of(2, EXPORT_UPDATE, NULL, "cn=a,ou=Q"),
				    op_of(3, EXPORT_RENAME, NULL, "cn=b,ou=Q"),
				    op_of(4, EXPORT_UPDATE, NULL,
					  "cn=a,ou=p") };

	(void)state;
	set_connect(&s, "path: d.ldif");
	content("dn: cn=h\n" GROUP "member:   cn=x,ou=r\n\n"
		"dn: ou=p\nobjectClass: organizationalUnit\nou: p\n\n"
		"dn: cn=a,ou=p\n" PERSON "cn: a\nmanager: cn=B,ou=P\n\n"
		"dn: cn=b,ou=p\n" PERSON "cn: b\ntitle:   kept\n\n"
		"dn: cn=c,ou=p\n" PERSON "cn: c\n\n"
		"dn: cn=g\n" GROUP "member: CN=A, OU=p\nmember: cn=x, ou=r\n"
		"deputy: cn=c,ou=p\n");
	ops[0].new_dn = SV_LIT("ou=Q");
	set_attrs(&s, &ops[1], "title=T");
	ops[2].new_dn = SV_LIT("cn=bb,ou=Q");
	set_attrs(&s, &ops[3], "title=T");
	assert_string_equal(export(&s, ops, 4),
			    "1 ok ou=Q\n2 ok cn=a,ou=Q\n3 ok cn=bb,ou=Q\n"
			    "4 cd-missing-object\n");
	assert_string_equal(
		content_text(),
		"version: 1\n\ndn: cn=h\n" GROUP "member:   cn=x,ou=r\n\n"
		"dn: ou=Q\nobjectClass: organizationalUnit\nou: Q\n\n"
		"dn: cn=a,ou=Q\n" PERSON "cn: a\nmanager: cn=bb,ou=Q\n"
		"title: T\n\n"
		"dn: cn=bb,ou=Q\n" PERSON "cn: bb\ntitle: kept\n\n"
		"dn: cn=c,ou=Q\n" PERSON "cn: c\n\n"
		"dn: cn=g\n" GROUP "member: CN=A,ou=Q\nmember: cn=x, ou=r\n"
		"deputy: cn=c,ou=Q\n\n");
}

/* The new name of a container counts only when it was renamed. */
static void export_below_a_refused_rename(void **state)
{
	struct export_op ops[3] = { op_of(1, EXPORT_RENAME, NULL, "ou=p"),
				    op_of(2, EXPORT_UPDATE, NULL, "cn=a,ou=q"),
				    op_of(3, EXPORT_UPDATE, NULL,
					  "cn=b,ou=q") };

	(void)state;
	set_connect(&s, "path: d.ldif");
	content("dn: ou=p\nou: p\n\ndn: ou=q\nou: q\n\n"
		"dn: cn=a,ou=p\n" PERSON "\ndn: cn=b,ou=q\n" PERSON);
	ops[0].new_dn = SV_LIT("ou=q");
	set_attrs(&s, &ops[1], "title=T");
	set_attrs(&s, &ops[2], "title=T");
	assert_string_equal(export(&s, ops, 3),
			    "1 rename-to-existing-dn\n2 cd-missing-object\n"
			    "3 ok cn=b,ou=q\n");
	assert_string_equal(content_text(),
			    "version: 1\n\ndn: ou=p\nou: p\n\n"
			    "dn: ou=q\nou: q\n\ndn: cn=a,ou=p\n" PERSON
			    "\ndn: cn=b,ou=q\n" PERSON "title: T\n\n");
}

static void exports_are_appended(void **state)
{
	struct export_op ops[3] = { op_of(1, EXPORT_UPDATE, NULL, "cn=a"),
				    op_of(2, EXPORT_RENAME, NULL, "cn=b,ou=p"),
				    op_of(3, EXPORT_ADD, NULL, "cn=c") };
	struct sv before;
	struct sv text;

	(void)state;
	content("dn: cn=a\n" PERSON "mail: 1\n\ndn: cn=b,ou=p\n" PERSON);
	before = scratch_read(&s.scratch, "d.ldif");
	assert_non_null(FULL());
	set_attrs(&s, &ops[0], "mail+2 mail-1 title=");
	ops[1].new_dn = SV_LIT("cn=bb,ou=q");
	set_attrs(&s, &ops[1], "title=T");
	set_attrs(&s, &ops[2], "mail=3");
	assert_string_equal(export(&s, ops, 3),
			    "1 ok cn=a\n2 ok cn=bb,ou=q\n3 ok cn=c\n");
	assert_true(sv_eq(scratch_read(&s.scratch, "d.ldif"), before));
	text = scratch_read(&s.scratch, "c.ldif");
	assert_true(
		sv_starts(text, SV_LIT("version: 1\n# conjoin: generation ")));
	assert_non_null(strstr(
		text.ptr,
		"\n\n# type: inetOrgPerson\ndn: cn=a\nchangetype: modify\n"
		"delete: mail\nmail: 1\n-\nadd: mail\nmail: 2\n-\n"
		"replace: title\n-\n\n"
		"# type: inetOrgPerson\ndn: cn=b,ou=p\nchangetype: modrdn\n"
		"newrdn: cn=bb\ndeleteoldrdn: 1\nnewsuperior: ou=q\n\n"
		"# type: inetOrgPerson\ndn: cn=bb,ou=q\nchangetype: modify\n"
		"replace: title\ntitle: T\n-\n\n"
		"dn: cn=c\nchangetype: add\nobjectClass: top\n"));
	assert_string_equal(
		DELTA(),
		"update inetOrgPerson cn=a: mail-1 mail+2 title=\n"
		"rename inetOrgPerson cn=b,ou=p -> cn=bb,ou=q: cn-b cn+bb\n"
		"update inetOrgPerson cn=bb,ou=q: title=T\n"
		"add inetOrgPerson cn=c: mail=3 cn=c\n");
	assert_string_equal(export(&s, &ops[0], 1), "1 ok cn=a\n");
	assert_string_equal(
		DELTA(), "update inetOrgPerson cn=a: mail-1 mail+2 title=\n");
	assert_string_equal(FULL(),
			    "object inetOrgPerson cn=a: mail=2\n"
			    "object inetOrgPerson cn=bb,ou=q: cn=bb title=T\n"
			    "object inetOrgPerson cn=c: mail=3 cn=c\n");
	assert_string_equal(DELTA(), "");
}

/* What a crash left half written is not read, and cut off by the next. */
static void a_torn_tail(void **state)
{
	struct export_op op = op_of(1, EXPORT_UPDATE, NULL, "cn=a");

	(void)state;
	content("dn: cn=a\n" PERSON);
	assert_non_null(FULL());
	set_attrs(&s, &op, "mail=1");
	assert_string_equal(export(&s, &op, 1), "1 ok cn=a\n");
	more_changes("# type: inetOrgPerson\ndn: cn=a\nchangetype: modify\n"
		     "replace: mail\nmail: to");
	assert_string_equal(DELTA(), "update inetOrgPerson cn=a: mail=1\n");
	assert_string_equal(FULL(), "object inetOrgPerson cn=a: mail=1\n");
	op.attrs[0].values.at[0].text = SV_LIT("2");
	assert_string_equal(export(&s, &op, 1), "1 ok cn=a\n");
	assert_string_equal(DELTA(), "update inetOrgPerson cn=a: mail=2\n");
	assert_string_equal(FULL(), "object inetOrgPerson cn=a: mail=2\n");
	assert_null(strstr(scratch_read(&s.scratch, "c.ldif").ptr, "mail: to"));
}

static void exports_join_a_foreign_log(void **state)
{
	struct export_op op = op_of(1, EXPORT_UPDATE, NULL, "cn=a");

	(void)state;
	content("dn: cn=a\n" PERSON);
	changes("dn: cn=a\nchangetype: modify\nadd: mail\nmail: 1");
	set_attrs(&s, &op, "mail+2");
	assert_non_null(FULL());
	assert_string_equal(export(&s, &op, 1), "1 ok cn=a\n");
	/* it lies behind another head now */
	assert_string_equal(DELTA(), "update inetOrgPerson cn=a: mail+2\n");
	assert_string_equal(FULL(), "object inetOrgPerson cn=a: mail=1,2\n");
	assert_string_equal(DELTA(), "");
}

static void another_log_was_taken_over(void **state)
{
	struct export_op op = op_of(1, EXPORT_UPDATE, NULL, "cn=a");
	struct sv mark;

	(void)state;
	content("dn: cn=a\n" PERSON);
	changes("dn: cn=a\nchangetype: modify\nadd: mail\nmail: 1\n\n");
	assert_non_null(FULL());
	mark = s.watermark;
	/* others began anew before the export */
	changes("dn: cn=a\nchangetype: modify\nadd: mail\nmail: 7\n\n");
	set_attrs(&s, &op, "mail+2");
	assert_string_equal(export(&s, &op, 1), "1 ok cn=a\n");
	s.watermark = mark;
	assert_string_equal(DELTA(), "failed");
	assert_int_equal(s.err.code, ERR_CONFLICT);
}

static void export_long(const char *dn, size_t len)
{
	struct export_op op = op_of(1, EXPORT_UPDATE, NULL, dn);
	char *text = mem_zalloc(len + 8);

	memset(text, 'x', len);
	memcpy(text, "title=", 6);
	set_attrs(&s, &op, text);
	assert_string_equal(export(&s, &op, 1), "1 ok cn=a\n");
	mem_free(text);
}

static void a_long_log_is_folded(void **state)
{
	struct sv mark;

	(void)state;
	content("dn: cn=a\n" PERSON "\ndn: cn=b\n" PERSON);
	assert_non_null(FULL());
	mark = s.watermark;
	export_long("cn=a", 1200000);
	assert_non_null(DELTA());
	assert_true(scratch_read(&s.scratch, "c.ldif").len > 1200000);
	/* Folded first: the new change is the only one in a new log. */
	export_long("cn=a", 20);
	assert_true(scratch_read(&s.scratch, "c.ldif").len < 1000);
	assert_true(scratch_read(&s.scratch, "d.ldif").len > 1200000);
	assert_non_null(strstr(content_text(), "# conjoin: includes "));
	/* All of the old log had been read, so the delta goes on. */
	assert_string_equal(
		DELTA(), "update inetOrgPerson cn=a: title=xxxxxxxxxxxxxx\n");
	assert_string_equal(FULL(),
			    "object inetOrgPerson cn=a: title=xxxxxxxxxxxxxx\n"
			    "object inetOrgPerson cn=b\n");
	assert_string_equal(DELTA(), "");
	/* Who had not read it needs a full import. */
	s.watermark = mark;
	assert_string_equal(DELTA(), "failed");
	assert_int_equal(s.err.code, ERR_CONFLICT);
}

static void folding_keeps_references_right(void **state)
{
	struct export_op op = op_of(1, EXPORT_RENAME, NULL, "cn=b");

	(void)state;
	content("dn: cn=a\n" PERSON "\ndn: cn=b\n" PERSON "\n"
		"dn: cn=g\n" GROUP "member: cn=b\n");
	op.new_dn = SV_LIT("cn=z");
	assert_string_equal(export(&s, &op, 1), "1 ok cn=z\n");
	export_long("cn=a", 1200000);
	export_long("cn=a", 20);
	assert_non_null(strstr(content_text(), "# conjoin: includes "));
	assert_non_null(
		strstr(content_text(), "dn: cn=g\n" GROUP "member: cn=z\n"));
	/* The name is free again: what the content says now is meant so. */
	op = op_of(1, EXPORT_ADD, NULL, "cn=b");
	assert_string_equal(export(&s, &op, 1), "1 ok cn=b\n");
	assert_non_null(FULL());
	HAS("member=cn=z\n");
}

/* Killed after the new content and before the new log: nothing twice. */
static void a_crash_while_folding(void **state)
{
	struct export_op op = op_of(1, EXPORT_RENAME, NULL, "cn=b");
	struct sv log;

	(void)state;
	content("dn: cn=a\n" PERSON "\ndn: cn=b\n" PERSON);
	assert_non_null(FULL());
	op.new_dn = SV_LIT("cn=z");
	assert_string_equal(export(&s, &op, 1), "1 ok cn=z\n");
	export_long("cn=a", 1200000);
	log = scratch_read(&s.scratch, "c.ldif");
	assert_non_null(DELTA());
	export_long("cn=a", 20);
	assert_int_equal(scratch_put(&s.scratch, "c.ldif", "w", log), 0);
	assert_string_equal(DELTA(), "");
	assert_non_null(FULL());
	assert_null(strstr(strbuf_cstr(&s.log), "error"));
	assert_non_null(strstr(strbuf_cstr(&s.log),
			       "object inetOrgPerson cn=z: cn=z\n"));
	/* The next export ends what was begun. */
	export_long("cn=a", 20);
	assert_true(scratch_read(&s.scratch, "c.ldif").len < 1000);
	assert_non_null(FULL());
	assert_non_null(strstr(strbuf_cstr(&s.log), "title=xxxxxxxxxxxxxx\n"));
}

static void repeated_operations_are_checked(void **state)
{
	struct export_op ops[4] = { op_of(1, EXPORT_ADD, NULL, "cn=a"),
				    op_of(2, EXPORT_ADD, NULL, "cn=b"),
				    op_of(3, EXPORT_RENAME, NULL, "cn=old"),
				    op_of(4, EXPORT_DELETE, NULL, "cn=gone") };
	size_t before;
	size_t i;

	(void)state;
	content("dn: cn=a\nobjectClass: top\nobjectClass: person\n"
		"objectClass: organizationalPerson\n" PERSON
		"cn: a\nmail: 1\nmail: 2\n\n"
		"dn: cn=new\n" PERSON);
	changes("dn: cn=b\nchangetype: add\n" PERSON "mail: other\n\n");
	set_attrs(&s, &ops[0], "mail=2");
	set_attrs(&s, &ops[1], "mail=2");
	ops[2].new_dn = SV_LIT("cn=new");
	for (i = 0; i < 4; i++)
		ops[i].retry = true;
	before = scratch_read(&s.scratch, "c.ldif").len;
	assert_string_equal(export(&s, ops, 4),
			    "1 adopted cn=a\n2 cd-existing-object\n"
			    "3 ok cn=new\n4 ok\n");
	assert_int_equal(scratch_read(&s.scratch, "c.ldif").len, before);
}

static void anchors_are_made(void **state)
{
	struct export_op ops[2] = { op_of(1, EXPORT_ADD, NULL, "cn=a"),
				    op_of(2, EXPORT_ADD, NULL, "cn=b") };
	struct sv told;

	(void)state;
	set_connect(&s, "path: d.ldif; anchor: entryUUID");
	told = sv_from(export(&s, ops, 1));
	assert_true(sv_starts(told, SV_LIT("1 ok ")));
	assert_int_equal(told.len, 5 + 36 + 1);
	assert_non_null(strstr(content_text(), "entryUUID: "));
	set_connect(&s, "path: d.ldif; anchor: uid");
	assert_string_equal(export(&s, &ops[1], 1),
			    "2 missing-anchor-component\n");
	ops[1].dn = SV_LIT("uid=x+cn=b");
	assert_string_equal(export(&s, &ops[1], 1), "2 ok x\n");
	assert_non_null(strstr(content_text(), "cn: b\n"));
}

static void checks(void **state)
{
	(void)state;
	set_connect(&s, "path: d; changes: d; max_line: 3; bases[]: dc=x|y");
	assert_string_equal(check_session(&s),
			    "a base must be a DN, such as dc=corp,dc=test\n"
			    "'max_line' must be 0, or 16 or more\n"
			    "'changes' must be another file than 'path'\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(types_and_values),
		TEST(anchors),
		TEST(errors_and_the_rest),
		TEST(changes_on_top_of_content),
		TEST(renamed_parents_take_their_children_along),
		TEST(names_that_are_used_again),
		TEST(references_follow_renames),
		TEST(references_in_chains_and_swaps),
		TEST(references_written_after_a_rename),
		TEST(a_new_container_of_an_old_name),
		TEST(another_container_of_an_old_name),
		TEST(deltas_of_a_foreign_log),
		TEST(content_changed_by_hand_is_a_conflict),
		TEST(export_makes_the_content),
		TEST(export_rewrites_without_a_log),
		TEST(export_keeps_references_right),
		TEST(export_below_a_refused_rename),
		TEST(exports_are_appended),
		TEST(a_torn_tail),
		TEST(exports_join_a_foreign_log),
		TEST(another_log_was_taken_over),
		TEST(a_long_log_is_folded),
		TEST(folding_keeps_references_right),
		TEST(a_crash_while_folding),
		TEST(repeated_operations_are_checked),
		TEST(anchors_are_made),
		TEST(checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
