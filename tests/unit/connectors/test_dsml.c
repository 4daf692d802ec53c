/*
 * test_dsml.c - documents of DSML 1 and 2, their logs and what is refused
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/dsml.h"

#include "session.h"

static const struct attr_def person_attrs[] = {
	{ .name = "cn", .type = VALUE_STRING, .multi = true },
	{ .name = "title", .type = VALUE_STRING, .multi = true },
	{ .name = "mail", .type = VALUE_STRING, .multi = true },
	{ .name = "photo", .type = VALUE_BINARY, .multi = true },
};
static const struct attr_def group_attrs[] = {
	{ .name = "member", .type = VALUE_REFERENCE, .multi = true },
};
static const struct object_type types[] = {
	{ "inetOrgPerson", person_attrs, 4 },
	{ "groupOfNames", group_attrs, 1 },
};

static struct session s;

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define FULL()     import(&s, IMPORT_FULL)
#define DELTA()    import(&s, IMPORT_DELTA)
#define PERSON     "<attr name='objectClass'><value>inetOrgPerson</value></attr>"
#define NS2        "xmlns='urn:oasis:names:tc:DSML:2:0:core'"

static int set_up(void **state)
{
	(void)state;
	session_make(&s, &dsml_connector, types, 2);
	set_connect(&s, "path: d.xml; changes: c.xml");
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
	assert_int_equal(scratch_write(&s.scratch, "d.xml", text), 0);
}

static void changes(const char *text)
{
	assert_int_equal(scratch_write(&s.scratch, "c.xml", text), 0);
}

static const char *text_of(const char *name)
{
	return scratch_read(&s.scratch, name).ptr;
}

static void found(const char *name, const char *part)
{
	if (!strstr(text_of(name), part))
		fail_msg("'%s' is not in:\n%s", part, text_of(name));
}

static void version_1(void **state)
{
	(void)state;
	content("<?xml version='1.0' encoding='UTF-8'?>\n"
		"<dsml:dsml xmlns:dsml='http://www.dsml.org/DSML' "
		"complete='true'>\n"
		"<dsml:directory-schema><dsml:attribute-type id='cn'>"
		"<dsml:name>cn</dsml:name></dsml:attribute-type>"
		"</dsml:directory-schema>\n"
		"<dsml:directory-entries>\n"
		"<dsml:entry dn='cn=a &amp; b,ou=p'>\n"
		" <dsml:objectclass><dsml:oc-value>top</dsml:oc-value>\n"
		"  <dsml:oc-value ref='#x'> inetOrgPerson\n</dsml:oc-value>"
		"</dsml:objectclass>\n"
		" <dsml:attr name='cn'><dsml:value>a &amp; b</dsml:value>"
		"<dsml:value><![CDATA[<c> ]]></dsml:value></dsml:attr>\n"
		" <dsml:attr name='photo'><dsml:value encoding='base64'>AQ\n"
		"  I=</dsml:value></dsml:attr></dsml:entry>\n"
		"<dsml:entry dn='ou=p'/>"
		"</dsml:directory-entries></dsml:dsml>\n");
	s.filtered = true;
	assert_string_equal(FULL(),
			    "object inetOrgPerson cn=a & b,ou=p: cn=a & b,<c>  "
			    "photo=\x01\x02(binary)\n"
			    "filtered d.xml:12 ou=p\n");
}

static void version_2(void **state)
{
	(void)state;
	content("<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/"
		"envelope/'><e:Header><x/></e:Header><e:Body>\n"
		"<batchResponse " NS2 "><searchResponse requestID='1'>\n"
		"<searchResultEntry dn='cn=a'><control type='1.2'>"
		"<controlValue>x</controlValue></control>" PERSON
		"<attr name='cn'><value>a</value></attr>"
		"<attr name='photo'><value xsi:type='xsd:base64Binary'>/w=="
		"</value></attr></searchResultEntry>\n"
		"<searchResultReference><ref>ldap://x</ref>"
		"</searchResultReference>"
		"<searchResultDone><resultCode code='0'/></searchResultDone>"
		"</searchResponse><addResponse requestID='7'>"
		"<resultCode code='68' descr='entryAlreadyExists'/>"
		"<errorMessage> is there\n</errorMessage></addResponse>\n"
		"<delResponse><resultCode code='0'/></delResponse>"
		"</batchResponse></e:Body></e:Envelope>");
	assert_string_equal(FULL(),
			    "object inetOrgPerson cn=a: cn=a "
			    "photo=\xFF(binary)\n"
			    "error read-error d.xml:5 [] a request '7' was "
			    "answered by the error 68 entryAlreadyExists: is "
			    "there\n");
	content("<batchRequest " NS2 "><authRequest principal='x'/>"
		"<addRequest dn='cn=b'>" PERSON "</addRequest>"
		"<delRequest dn='cn=c'/></batchRequest>");
	assert_string_equal(
		FULL(),
		"object inetOrgPerson cn=b\n"
		"error parse-error d.xml:1 [cn=c] a change record among the "
		"entries: changes belong into the file of `changes`\n");
}

static void refused(const char *text, const char *why)
{
	content(text);
	assert_string_equal(FULL(), "failed");
	if (!strstr(s.err.msg, why))
		fail_msg("'%s' is not in: %s", why, s.err.msg);
}

/* Whoever would be taken to be gone by mistake. */
static void what_does_not_tell_all(void **state)
{
	(void)state;
	refused("", "no element found");
	refused("<html/>", "'html': this is not a DSML document");
	refused("<dsml><directory-schema/></dsml>", "has no directory-entries");
	refused("<batchResponse/>", "has no directory-entries");
	refused("<dsml><directory-entries><entry dn='cn=a'/>",
		"no element found");
	refused("<dsml><directory-entries><entri dn='cn=a'/>"
		"</directory-entries></dsml>",
		"'entri' has no place here");
	refused("<dsml><directory-entries><addRequest dn='cn=a'/>"
		"</directory-entries></dsml>",
		"'addRequest' has no place here");
	refused("<!DOCTYPE x [<!ENTITY a 'b'>]><batchRequest/>",
		"a document type, which is not taken");
	refused("<searchResponse><searchResultDone><resultCode code='4' "
		"descr='sizeLimitExceeded'/></searchResultDone>"
		"</searchResponse>",
		"not all is told: a request was answered by the error 4 "
		"sizeLimitExceeded");
	refused("<batchResponse><errorResponse requestID='3' "
		"type='couldNotConnect'><message>no</message></errorResponse>"
		"</batchResponse>",
		"a request '3' was answered by the error couldNotConnect: no");
	refused("<Envelope><Body><Fault/></Body></Envelope>", "a SOAP fault");
	refused("<batchRequest><addRequest dn='cn=a'>\n<attr></addRequest>",
		"d.xml':2:9: mismatched tag");
}

static void errors_and_the_rest(void **state)
{
	(void)state;
	content("<batchRequest>\n<addRequest/>\n<addRequest dn='x'/>\n"
		"<addRequest dn='cn=a'><attr name='photo'>"
		"<value xsi:type='xsd:base64Binary'>%</value></attr>"
		"</addRequest>\n"
		"<addRequest dn='cn=b'><attr><value/></attr></addRequest>\n"
		"<addRequest dn='cn=c'><attr name='a'>"
		"<value xsi:type='xsd:anyURI'>u</value></attr></addRequest>\n"
		"<addRequest dn='cn=d'><modification name='a'/></addRequest>\n"
		"<addRequest dn='cn=e'><attr name='a'><value>x<y/></value>"
		"</attr></addRequest>\n"
		"<addRequest dn='cn=f'>" PERSON "</addRequest></batchRequest>");
	assert_string_equal(
		FULL(),
		"error missing-dn d.xml:2 [] an element without its dn\n"
		"error invalid-dn d.xml:3 [] 'x' is not a name\n"
		"error invalid-base64-value d.xml:4 [cn=a] the value of "
		"'photo' is not base64\n"
		"error parse-error d.xml:5 [cn=b] an attribute without its "
		"name\n"
		"error unsupported-value-type d.xml:6 [cn=c] the value of 'a' "
		"is a URI, which is not followed: write the value itself\n"
		"error parse-error d.xml:7 [cn=d] 'modification' does not "
		"belong here\n"
		"error parse-error d.xml:8 [cn=e] 'y' does not belong here\n"
		"object inetOrgPerson cn=f\n");
}

static void requests_on_top(void **state)
{
	(void)state;
	content("<dsml><directory-entries>"
		"<entry dn='cn=a,ou=p'><objectclass><oc-value>inetOrgPerson"
		"</oc-value></objectclass><attr name='cn'><value>a</value>"
		"</attr></entry><entry dn='cn=b,ou=p'><objectclass>"
		"<oc-value>inetOrgPerson</oc-value></objectclass></entry>"
		"<entry dn='cn=g'><objectclass><oc-value>groupOfNames"
		"</oc-value></objectclass><attr name='member'>"
		"<value>cn=a,ou=p</value></attr></entry>"
		"</directory-entries></dsml>");
	changes("<batchRequest " NS2 ">\n"
		"<modifyRequest dn='CN=A,ou=p'><modification name='mail' "
		"operation='add'><value>m</value><value>n</value>"
		"</modification><modification name='title' "
		"operation='replace'><value>T</value></modification>"
		"</modifyRequest>\n"
		"<delRequest dn='cn=b,ou=p'><control type='1.2'/>"
		"</delRequest>\n"
		"<modDNRequest dn='cn=a,ou=p' newrdn='cn=aa' "
		"deleteoldrdn='true' newSuperior='ou=q'/>\n"
		"<addRequest dn='cn=d,ou=p'>" PERSON "</addRequest>\n"
		"<searchRequest dn='' scope='baseObject'/>\n"
		"<modifyRequest dn='cn=d,ou=p'><modification name='mail' "
		"operation='add'/></modifyRequest>\n"
		"<modifyRequest dn='cn=d,ou=p'><modification name='mail' "
		"operation='x'/></modifyRequest>\n"
		"</batchRequest>");
	assert_string_equal(
		FULL(),
		"error parse-error c.xml:7 [cn=d,ou=p] a modification that "
		"adds no value\n"
		"error invalid-modification-type c.xml:8 [cn=d,ou=p] the "
		"operation of a modification must be add, delete or replace\n"
		"object inetOrgPerson cn=aa,ou=q: cn=aa mail=m,n title=T\n"
		"object groupOfNames cn=g: member=cn=aa,ou=q\n"
		"object inetOrgPerson cn=d,ou=p\n");
}

/* A log of others that grows, then is another. */
static void deltas_of_others(void **state)
{
	(void)state;
	content("<batchRequest><addRequest dn='cn=a'>" PERSON
		"</addRequest></batchRequest>");
	changes("<batchRequest>\n<modifyRequest dn='cn=a'><modification "
		"name='mail' operation='replace'><value>m</value>"
		"</modification></modifyRequest>\n</batchRequest>");
	assert_string_equal(FULL(), "object inetOrgPerson cn=a: mail=m\n");
	assert_string_equal(DELTA(), "");
	changes("<batchRequest>\n<modifyRequest dn='cn=a'><modification "
		"name='mail' operation='replace'><value>m</value>"
		"</modification></modifyRequest>\n"
		"<modDNRequest dn='cn=a' newrdn='cn=b'/>\n"
		"<modifyRequest dn='cn=b'><modification name='mail' "
		"operation='delete'><value>m</value></modification>"
		"<modification name='title' operation='delete'/>"
		"</modifyRequest>\n</batchRequest>");
	assert_string_equal(DELTA(),
			    "rename inetOrgPerson cn=a -> cn=b: cn-a cn+b\n"
			    "update inetOrgPerson cn=b: mail-m title=\n");
	assert_string_equal(DELTA(), "");
	changes("<batchRequest><delRequest dn='cn=b'/></batchRequest>");
	assert_string_equal(DELTA(), "failed");
	assert_int_equal(s.err.code, ERR_CONFLICT);
}

static void encodings(void **state)
{
	struct export_op op = op_of(1, EXPORT_DELETE, NULL, "cn=\xC3\xA9");

	(void)state;
	set_connect(&s, "path: d.xml");
	content("<?xml version='1.0' encoding='ISO-8859-1'?>\n<batchRequest>"
		"<addRequest dn='cn=\xE9'>" PERSON "</addRequest>"
		"</batchRequest>");
	assert_string_equal(FULL(), "object inetOrgPerson cn=\xC3\xA9\n");
	assert_string_equal(export(&s, &op, 1), "failed");
	assert_non_null(strstr(s.err.msg, "is not UTF-8"));
	found("d.xml", "encoding='ISO-8859-1'");
}

static const char *export_some(const char *connect)
{
	struct export_op ops[2] = { op_of(1, EXPORT_ADD, NULL, "cn=a & b"),
				    op_of(2, EXPORT_ADD, NULL, "cn=c") };

	(void)unlink(scratch_path(&s.scratch, "d.xml"));
	set_connect(&s, connect);
	assert_string_equal(check_session(&s), "");
	set_attrs(&s, &ops[0], "title=<T>,\x01 mail=_");
	assert_string_equal(export(&s, ops, 2), "1 ok cn=a & b\n2 ok cn=c\n");
	assert_string_equal(FULL(),
			    "object inetOrgPerson cn=a & b: title=<T>,\x01 "
			    "mail=  cn=a & b\n"
			    "object inetOrgPerson cn=c: cn=c\n");
	return text_of("d.xml");
}

static void export_makes_the_content(void **state)
{
	(void)state;
	assert_string_equal(
		export_some("path: d.xml; version: 1"),
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<dsml:dsml xmlns:dsml=\"http://www.dsml.org/DSML\">\n"
		"<dsml:directory-entries>\n"
		"  <dsml:entry dn=\"cn=a &amp; b\">\n"
		"    <dsml:objectclass><dsml:oc-value>top</dsml:oc-value>"
		"<dsml:oc-value>person</dsml:oc-value>"
		"<dsml:oc-value>organizationalPerson</dsml:oc-value>"
		"<dsml:oc-value>inetOrgPerson</dsml:oc-value>"
		"</dsml:objectclass>\n"
		"    <dsml:attr name=\"title\">"
		"<dsml:value>&lt;T&gt;</dsml:value>"
		"<dsml:value encoding=\"base64\">AQ==</dsml:value>"
		"</dsml:attr>\n"
		"    <dsml:attr name=\"mail\"><dsml:value> </dsml:value>"
		"</dsml:attr>\n"
		"    <dsml:attr name=\"cn\">"
		"<dsml:value>a &amp; b</dsml:value></dsml:attr>\n"
		"  </dsml:entry>\n"
		"  <dsml:entry dn=\"cn=c\">\n"
		"    <dsml:objectclass><dsml:oc-value>top</dsml:oc-value>"
		"<dsml:oc-value>person</dsml:oc-value>"
		"<dsml:oc-value>organizationalPerson</dsml:oc-value>"
		"<dsml:oc-value>inetOrgPerson</dsml:oc-value>"
		"</dsml:objectclass>\n"
		"    <dsml:attr name=\"cn\"><dsml:value>c</dsml:value>"
		"</dsml:attr>\n"
		"  </dsml:entry>\n"
		"</dsml:directory-entries>\n</dsml:dsml>\n");
	(void)export_some("path: d.xml");
	found("d.xml", "xsd=\"http://www.w3.org/2001/XMLSchema\">\n"
		       "<searchResponse>\n  <searchResultEntry dn=\"cn=a ");
	found("d.xml", "<value xsi:type=\"xsd:base64Binary\">AQ==</value>");
	found("d.xml", "  </searchResultEntry>\n  <searchResultDone>"
		       "<resultCode code=\"0\"/></searchResultDone>\n"
		       "</searchResponse>\n</batchResponse>\n");
	(void)export_some("path: d.xml; document: requests");
	found("d.xml", "processing=\"sequential\">\n  <addRequest dn=\"cn=a");
}

/* What nobody asked to change stays as it is. */
static void export_keeps_the_rest(void **state)
{
	struct export_op ops[4] = { op_of(1, EXPORT_UPDATE, NULL, "cn=A"),
				    op_of(2, EXPORT_DELETE, NULL, "cn=b"),
				    op_of(3, EXPORT_ADD, NULL, "cn=n"),
				    op_of(4, EXPORT_RENAME, NULL, "cn=c") };

	(void)state;
	set_connect(&s, "path: d.xml");
	content("\xEF\xBB\xBF<?xml version='1.0'?><!-- ours -->\n"
		"<x:dsml xmlns:x='http://www.dsml.org/DSML'>"
		"<x:directory-schema><x:class id='p'/></x:directory-schema>\n"
		"<x:directory-entries>\n"
		"\t<x:entry dn='cn=a'><x:objectclass><x:oc-value>inetOrgPerson"
		"</x:oc-value></x:objectclass></x:entry>\n"
		"\t<!-- of b --><x:entry dn='cn=b'></x:entry>\n"
		"\t<x:entry dn='cn=c'><x:attr name='cn'><x:value>c</x:value>"
		"</x:attr></x:entry>\n"
		"\t<x:entry   dn='cn=g'/><!-- end -->\n"
		"</x:directory-entries></x:dsml>");
	set_attrs(&s, &ops[0], "title=T");
	ops[3].new_dn = SV_LIT("cn=d");
	assert_string_equal(export(&s, ops, 4),
			    "1 ok cn=A\n2 ok\n3 ok cn=n\n4 ok cn=d\n");
	assert_string_equal(
		text_of("d.xml"),
		"<?xml version='1.0'?><!-- ours -->\n"
		"<x:dsml xmlns:x='http://www.dsml.org/DSML'>"
		"<x:directory-schema><x:class id='p'/></x:directory-schema>\n"
		"<x:directory-entries>\n"
		"\t<x:entry dn=\"cn=a\">\n    <x:objectclass><x:oc-value>"
		"inetOrgPerson</x:oc-value></x:objectclass>\n"
		"    <x:attr name=\"title\"><x:value>T</x:value></x:attr>\n"
		"  </x:entry>\n"
		"\t<!-- of b -->\n"
		"\t<x:entry dn=\"cn=d\">\n    <x:attr name=\"cn\">"
		"<x:value>d</x:value></x:attr>\n  </x:entry>\n"
		"\t<x:entry   dn='cn=g'/>\n"
		"  <x:entry dn=\"cn=n\">\n    <x:objectclass>"
		"<x:oc-value>top</x:oc-value><x:oc-value>person</x:oc-value>"
		"<x:oc-value>organizationalPerson</x:oc-value>"
		"<x:oc-value>inetOrgPerson</x:oc-value></x:objectclass>\n"
		"    <x:attr name=\"cn\"><x:value>n</x:value></x:attr>\n"
		"  </x:entry><!-- end -->\n"
		"</x:directory-entries></x:dsml>");
}

static void export_into_an_empty_document(void **state)
{
	struct export_op op = op_of(1, EXPORT_ADD, NULL, "cn=n");

	(void)state;
	set_connect(&s, "path: d.xml");
	content("<d:dsml><d:directory-entries /></d:dsml>");
	assert_string_equal(export(&s, &op, 1), "1 ok cn=n\n");
	found("d.xml", "<d:dsml><d:directory-entries >\n  <d:entry dn=");
	found("d.xml", "</d:entry>\n</d:directory-entries></d:dsml>");
	content("<batchResponse><searchResponse><searchResultDone>"
		"<resultCode code='0'/></searchResultDone></searchResponse>"
		"</batchResponse>");
	assert_string_equal(export(&s, &op, 1), "1 ok cn=n\n");
	found("d.xml", "</searchResultEntry><searchResultDone>");
	assert_string_equal(FULL(), "object inetOrgPerson cn=n: cn=n\n");
	content("<batchRequest/>");
	op.dn = SV_LIT("cn=a\x01");
	assert_string_equal(export(&s, &op, 1), "1 invalid-dn\n");
}

static void exports_are_appended(void **state)
{
	struct export_op ops[4] = { op_of(1, EXPORT_UPDATE, NULL, "cn=a"),
				    op_of(2, EXPORT_RENAME, NULL, "cn=b"),
				    op_of(3, EXPORT_DELETE, NULL, "cn=c"),
				    op_of(4, EXPORT_ADD, NULL, "cn=n") };

	(void)state;
	content("<batchRequest><addRequest dn='cn=a'>" PERSON "</addRequest>"
		"<addRequest dn='cn=b'>" PERSON "</addRequest>"
		"<addRequest dn='cn=c'>" PERSON "</addRequest></batchRequest>");
	assert_non_null(FULL());
	set_attrs(&s, &ops[0], "title=T mail+m mail-o");
	ops[1].new_dn = SV_LIT("cn=d,ou=p");
	assert_string_equal(export(&s, ops, 4),
			    "1 ok cn=a\n2 ok cn=d,ou=p\n3 ok\n4 ok cn=n\n");
	found("c.xml", "  <modifyRequest dn=\"cn=a\">\n"
		       "    <!-- type: inetOrgPerson -->\n"
		       "    <modification name=\"mail\" operation=\"delete\">"
		       "<value>o</value></modification>\n"
		       "    <modification name=\"title\" operation=\"replace\">"
		       "<value>T</value></modification>\n"
		       "    <modification name=\"mail\" operation=\"add\">"
		       "<value>m</value></modification>\n"
		       "  </modifyRequest>\n\n"
		       "  <modDNRequest dn=\"cn=b\" newrdn=\"cn=d\" "
		       "deleteoldrdn=\"true\" newSuperior=\"ou=p\">\n");
	found("c.xml", "  </addRequest>\n\n</batchRequest>\n");
	assert_string_equal(
		DELTA(), "update inetOrgPerson cn=a: mail-o title=T mail+m\n"
			 "rename inetOrgPerson cn=b -> cn=d,ou=p: cn-b cn+d\n"
			 "delete inetOrgPerson cn=c\n"
			 "add inetOrgPerson cn=n: cn=n\n");
	assert_string_equal(export(&s, &ops[0], 1), "1 ok cn=a\n");
	assert_string_equal(
		DELTA(), "update inetOrgPerson cn=a: mail-o title=T mail+m\n");
	assert_string_equal(DELTA(), "");
	assert_string_equal(FULL(),
			    "object inetOrgPerson cn=a: title=T mail=m\n"
			    "object inetOrgPerson cn=d,ou=p: cn=d\n"
			    "object inetOrgPerson cn=n: cn=n\n");
}

/* What a crash left half written is not read, and cut off. */
static void a_torn_log(void **state)
{
	struct export_op op = op_of(1, EXPORT_UPDATE, NULL, "cn=a");

	(void)state;
	content("<batchRequest><addRequest dn='cn=a'>" PERSON
		"</addRequest></batchRequest>");
	assert_non_null(FULL());
	set_attrs(&s, &op, "title=T");
	assert_string_equal(export(&s, &op, 1), "1 ok cn=a\n");
	assert_int_equal(
		scratch_write(&s.scratch, "c.xml",
			      arena_printf(&s.scratch.arena,
					   "%.*s  <modifyRequest dn",
					   (int)strlen(text_of("c.xml")) - 16,
					   text_of("c.xml"))),
		0);
	assert_string_equal(DELTA(), "update inetOrgPerson cn=a: title=T\n");
	assert_string_equal(DELTA(), "");
	set_attrs(&s, &op, "mail=m");
	op.attrs++;
	op.attr_count = 1;
	assert_string_equal(export(&s, &op, 1), "1 ok cn=a\n");
	assert_string_equal(DELTA(), "update inetOrgPerson cn=a: mail=m\n");
	found("c.xml", "</modifyRequest>\n\n  <modifyRequest dn=\"cn=a\">");
}

static void a_log_of_others_is_taken_over(void **state)
{
	struct export_op op = op_of(1, EXPORT_UPDATE, NULL, "cn=a");

	(void)state;
	content("<batchRequest><addRequest dn='cn=a'>" PERSON
		"</addRequest></batchRequest>");
	changes("<x:batchRequest>\n<x:modifyRequest dn='cn=a'>"
		"<x:modification name='mail' operation='replace'>"
		"<x:value>m</x:value></x:modification></x:modifyRequest>"
		"</x:batchRequest>");
	assert_non_null(FULL());
	set_attrs(&s, &op, "title=T");
	assert_string_equal(export(&s, &op, 1), "1 ok cn=a\n");
	assert_string_equal(DELTA(), "failed");
	assert_string_equal(FULL(),
			    "object inetOrgPerson cn=a: mail=m title=T\n");
	changes("<batchRequest><modifyRequest/></batchRequest>");
	assert_string_equal(export(&s, &op, 1), "failed");
	assert_non_null(strstr(s.err.msg, "a request that cannot be read"));
}

static void export_long(size_t len)
{
	struct export_op op = op_of(1, EXPORT_UPDATE, NULL, "cn=a");
	char *text = arena_alloc(&s.scratch.arena, len + 7);

	memset(text, 'x', len + 6);
	memcpy(text, "title=", 6);
	text[len + 6] = '\0';
	set_attrs(&s, &op, text);
	assert_string_equal(export(&s, &op, 1), "1 ok cn=a\n");
}

static void a_long_log_is_folded(void **state)
{
	(void)state;
	content("<?xml version='1.0'?>\n<batchRequest><addRequest dn='cn=a'>" PERSON
		"</addRequest></batchRequest>");
	assert_non_null(FULL());
	export_long(1200000);
	assert_non_null(DELTA());
	export_long(2);
	found("d.xml", "<?xml version='1.0'?>\n<!-- conjoin: includes ");
	found("d.xml", " -->\n<batchRequest><addRequest dn=\"cn=a\">");
	assert_string_equal(DELTA(), "update inetOrgPerson cn=a: title=xx\n");
	export_long(3000000);
	assert_non_null(DELTA());
	export_long(3);
	found("d.xml", "?>\n<!-- conjoin: includes ");
	assert_null(
		strstr(strstr(text_of("d.xml"), "includes") + 8, "includes"));
	assert_string_equal(DELTA(), "update inetOrgPerson cn=a: title=xxx\n");
	assert_string_equal(FULL(), "object inetOrgPerson cn=a: title=xxx\n");
}

static void checks(void **state)
{
	(void)state;
	set_connect(&s, "path: d.xml; version: 1; document: requests");
	assert_string_equal(check_session(&s),
			    "'document' is for version 2: version 1 has "
			    "entries only\n");
	set_connect(&s, "path: d.xml; changes: d.xml");
	assert_string_equal(check_session(&s),
			    "'changes' must be another file than 'path'\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(version_1),
		TEST(version_2),
		TEST(what_does_not_tell_all),
		TEST(errors_and_the_rest),
		TEST(requests_on_top),
		TEST(deltas_of_others),
		TEST(encodings),
		TEST(export_makes_the_content),
		TEST(export_keeps_the_rest),
		TEST(export_into_an_empty_document),
		TEST(exports_are_appended),
		TEST(a_torn_log),
		TEST(a_log_of_others_is_taken_over),
		TEST(a_long_log_is_folded),
		TEST(checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
