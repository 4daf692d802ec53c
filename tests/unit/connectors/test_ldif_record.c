/*
 * test_ldif_record.c - RFC 2849, sentence by sentence
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif_record.h"

#include "session.h"

static void tell_mods(struct strbuf *log, const struct ldif_record *r)
{
	static const char *const words[] = { "replace", "add", "delete" };
	size_t i;
	size_t j;

	for (i = 0; i < r->mod_count; i++) {
		strbuf_addf(log, " %s " SV_FMT, words[r->mods[i].op],
			    SV_ARG(r->mods[i].name));
		for (j = 0; j < r->mods[i].count; j++)
			strbuf_addf(log, "[" SV_FMT "]",
				    SV_ARG(r->mods[i].values[j]));
	}
}

/* One record after the other, as text. */
static const char *records(struct sv text)
{
	static const char *const kinds[] = { "content", "add", "delete",
					     "modify", "rename" };
	static char told[8192];
	struct strbuf log = STRBUF_INIT(sizeof(told) - 1);
	struct arena arena = ARENA_INIT;
	struct ldif_reader reader;
	struct ldif_record r;
	struct error err = ERROR_INIT;
	size_t i;
	int ret;

	ldif_reader_init_text(&reader, text, "x.ldif");
	while ((ret = ldif_reader_next(&reader, &arena, &r, &err)) > 0) {
		if (r.error) {
			strbuf_addf(&log, "%zu %s <" SV_FMT ">\n", r.line,
				    r.error, SV_ARG(r.dn));
			assert_true(r.message.len > 0);
			continue;
		}
		strbuf_addf(&log, "%zu %s <" SV_FMT ">", r.line, kinds[r.kind],
			    SV_ARG(r.dn));
		for (i = 0; i < r.line_count; i++)
			strbuf_addf(&log, " " SV_FMT "[" SV_FMT "]",
				    SV_ARG(r.lines[i].name),
				    SV_ARG(r.lines[i].value));
		tell_mods(&log, &r);
		if (r.kind == LDIF_RENAME)
			strbuf_addf(&log, " -> <" SV_FMT "> %d",
				    SV_ARG(r.new_dn), r.delete_old);
		strbuf_addc(&log, '\n');
	}
	if (ret < 0)
		strbuf_addf(&log, "failed %s\n", err.msg);
	ldif_reader_release(&reader);
	arena_release(&arena);
	(void)snprintf(told, sizeof(told), "%s", strbuf_cstr(&log));
	strbuf_release(&log);
	return told;
}

#define RECORDS(text) records(SV_LIT(text))

static void content(void **state)
{
	(void)state;
	assert_string_equal(RECORDS(""), "");
	assert_string_equal(RECORDS("\n\n# nothing\n\n"), "");
	assert_string_equal(RECORDS("version: 1\n"), "");
	assert_string_equal(RECORDS("version: 1\ndn: cn=a\ncn: a\n\n\n"
				    "dn:cn=b\ncn:b\nempty:\nempty: \n"),
			    "2 content <cn=a> cn[a]\n"
			    "6 content <cn=b> cn[b] empty[] empty[]\n");
	assert_string_equal(RECORDS("version: 1\r\n\r\ndn: cn=a\r\ncn: a\r\n"
				    "\r\ndn: cn=b\r\ncn: b"),
			    "3 content <cn=a> cn[a]\n6 content <cn=b> cn[b]\n");
	assert_string_equal(RECORDS("\xEF\xBB\xBF"
				    "dn: cn=a\ncn: a\n"),
			    "1 content <cn=a> cn[a]\n");
	assert_string_equal(RECORDS("version: 2\n\ndn: cn=a\n"),
			    "failed 'x.ldif' is LDIF of version '2': only "
			    "version 1 is read\n");
}

static void folding_and_comments(void **state)
{
	(void)state;
	assert_string_equal(RECORDS("# a comment\n  that goes on\n"
				    "dn: cn=a,\n ou=long\n# another\n and on\n"
				    "description: one\n  two\n \n  three\n"),
			    "3 content <cn=a,ou=long> description[one two "
			    "three]\n");
	assert_string_equal(RECORDS("dn:: Y249\n YQ==\ncn:: YQ\n ==\n"),
			    "1 content <cn=a> cn[a]\n");
	assert_string_equal(RECORDS(" folded first\n\ndn: cn=b\n"),
			    "3 content <cn=b>\n");
}

static void names_and_options(void **state)
{
	(void)state;
	assert_string_equal(RECORDS("dn: cn=a\nuserCertificate;binary:: AQI=\n"
				    "cn;lang-de: \xC3\xA4\n2.5.4.3: a\n"),
			    "1 content <cn=a> userCertificate;binary[\x01\x02] "
			    "cn;lang-de[\xC3\xA4] 2.5.4.3[a]\n");
}

static void bad_records(void **state)
{
	(void)state;
	assert_string_equal(RECORDS("dn: cn=a\nno colon\n\ndn: cn=b\ncn: b\n"),
			    "2 parse-error <cn=a>\n4 content <cn=b> cn[b]\n");
	assert_string_equal(RECORDS("cn: a\n"), "1 missing-dn <>\n");
	assert_string_equal(RECORDS("dn:\ncn: a\n"), "1 missing-dn <>\n");
	assert_string_equal(RECORDS("dn: not a name\ncn: a\n"),
			    "1 invalid-dn <>\n");
	assert_string_equal(RECORDS("dn: cn=\xFF\ncn: a\n"),
			    "1 invalid-dn <>\n");
	assert_string_equal(RECORDS("dn: cn=a\ncn:: !\n"),
			    "2 invalid-base64-value <cn=a>\n");
	assert_string_equal(RECORDS("dn: cn=a\njpegPhoto:< file:///etc/passwd\n"
				    "\ndn: cn=b\n"),
			    "2 unsupported-value-type <cn=a>\n"
			    "4 content <cn=b>\n");
	assert_string_equal(RECORDS("dn: cn=a\ndn: cn=b\n"),
			    "2 parse-error <cn=a>\n");
	assert_string_equal(RECORDS("dn: cn=a\n-\n"), "2 parse-error <cn=a>\n");
	assert_string_equal(RECORDS("dn: cn=a\nbad name: x\n"),
			    "2 parse-error <cn=a>\n");
}

static void changes(void **state)
{
	(void)state;
	assert_string_equal(
		RECORDS("dn: cn=a\ncontrol: 1.2.3 true\ncontrol: 1.2.4\n"
			"changetype: add\ncn: a\n\n"
			"dn: cn=a\nchangetype: delete\n\n"
			"dn: cn=a\nchangetype: modify\nadd: mail\nmail: x\n"
			"mail: y\n-\ndelete: title\n-\ndelete: sn\nsn: z\n-\n"
			"replace: l\n-\nreplace: o\no: p\n\n"
			"dn: cn=a,ou=x\nchangetype: modrdn\nnewrdn: cn=b\n"
			"deleteoldrdn: 1\n\n"
			"dn: cn=a,ou=x\nchangetype: moddn\nnewrdn: cn=a\n"
			"deleteoldrdn: 0\nnewsuperior: ou=y\n"),
		"1 add <cn=a> cn[a]\n"
		"7 delete <cn=a>\n"
		"10 modify <cn=a> add mail[x][y] replace title delete sn[z] "
		"replace l replace o[p]\n"
		"26 rename <cn=a,ou=x> -> <cn=b,ou=x> 1\n"
		"31 rename <cn=a,ou=x> -> <cn=a,ou=y> 0\n");
}

static void bad_changes(void **state)
{
	(void)state;
	assert_string_equal(RECORDS("dn: cn=a\nchangetype: replace\n"),
			    "2 invalid-change-type <cn=a>\n");
	assert_string_equal(RECORDS("dn: cn=a\nchangetype:\n"),
			    "2 missing-change-type <cn=a>\n");
	assert_string_equal(RECORDS("dn: cn=a\nchangetype: delete\ncn: a\n"),
			    "3 parse-error <cn=a>\n");
	assert_string_equal(
		RECORDS("dn: cn=a\nchangetype: modify\nincrement: n\nn: 1\n"),
		"3 invalid-modification-type <cn=a>\n");
	assert_string_equal(
		RECORDS("dn: cn=a\nchangetype: modify\nadd: a\nb: 1\n"),
		"4 conflicting-modification-types <cn=a>\n");
	assert_string_equal(
		RECORDS("dn: cn=a\nchangetype: modify\nadd: a\n-\n"),
		"3 parse-error <cn=a>\n");
	assert_string_equal(
		RECORDS("dn: cn=a\nchangetype: modrdn\nnewrdn: cn=b,ou=c\n"),
		"3 parse-error <cn=a>\n");
	assert_string_equal(
		RECORDS("dn: cn=a\nchangetype: modrdn\nnewrdn: cn=b\n"
			"deleteoldrdn: yes\n"),
		"4 parse-error <cn=a>\n");
	assert_string_equal(
		RECORDS("dn: cn=a\nchangetype: modrdn\nnewrdn: cn=b\n"),
		"3 parse-error <cn=a>\n");
	assert_string_equal(
		RECORDS("dn: cn=a\nchangetype: modrdn\nnewrdn: cn=b\n"
			"deleteoldrdn: 1\nnewsuperior: x\n"),
		"5 invalid-dn <cn=a>\n");
}

static const char *written(struct sv value, size_t width)
{
	static char told[512];
	struct strbuf out = STRBUF_INIT(sizeof(told) - 1);

	ldif_write_line(&out, SV_LIT("cn"), value, width);
	(void)snprintf(told, sizeof(told), "%s", strbuf_cstr(&out));
	strbuf_release(&out);
	return told;
}

static void writing(void **state)
{
	(void)state;
	assert_string_equal(written(SV_LIT("a b"), 76), "cn: a b\n");
	assert_string_equal(written(SV_LIT(""), 76), "cn:\n");
	assert_string_equal(written(SV_LIT(" a"), 76), "cn:: IGE=\n");
	assert_string_equal(written(SV_LIT("a "), 76), "cn:: YSA=\n");
	assert_string_equal(written(SV_LIT(":a"), 76), "cn:: OmE=\n");
	assert_string_equal(written(SV_LIT("<a"), 76), "cn:: PGE=\n");
	assert_string_equal(written(SV_LIT("a:<"), 76), "cn: a:<\n");
	assert_string_equal(written(SV_LIT("\xC3\xA4"), 76), "cn:: w6Q=\n");
	assert_string_equal(written(SV_LIT("a\nb"), 76), "cn:: YQpi\n");
	assert_string_equal(written(SV_LIT("a\0b"), 76), "cn:: YQBi\n");
	assert_string_equal(written(SV_LIT("123456789"), 8),
			    "cn: 1234\n 56789\n");
	assert_string_equal(written(SV_LIT("1234567890123"), 8),
			    "cn: 1234\n 5678901\n 23\n");
	assert_string_equal(written(SV_LIT("123456789"), 0), "cn: 123456789\n");
}

/* Records across the reader's buffer, read back whole. */
static void large_records(void **state)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct strbuf value = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct scratch scratch = { .folder = "" };
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct ldif_reader reader;
	struct ldif_record r;
	uint64_t last = 0;
	size_t lines = 1;
	size_t count = 0;
	FILE *file;
	size_t i;

	(void)state;
	for (i = 0; i < 300000; i++)
		strbuf_addc(&value, (char)(i % 251));
	for (i = 0; i < 12; i++) {
		strbuf_addf(&text, "dn: cn=%zu\n", i);
		ldif_write_line(&text, SV_LIT("photo"), strbuf_sv(&value), 76);
		strbuf_addc(&text, '\n');
	}
	assert_int_equal(scratch_make(&scratch), 0);
	assert_int_equal(scratch_put(&scratch, "x", "w", strbuf_sv(&text)), 0);
	file = fopen(scratch_path(&scratch, "x"), "r");
	assert_non_null(file);
	ldif_reader_init(&reader, NULL, fileno(file), "x", 0, UINT64_MAX);
	while (ldif_reader_next(&reader, &arena, &r, &err) > 0) {
		assert_null(r.error);
		assert_int_equal(r.line, lines);
		assert_int_equal(r.line_count, 1);
		assert_true(sv_eq(r.lines[0].value, strbuf_sv(&value)));
		assert_true(r.closed);
		assert_true(r.begin >= last && r.end <= text.len);
		last = r.end;
		for (i = (size_t)r.begin; i < r.end; i++)
			lines += text.ptr[i] == '\n';
		lines++;
		count++;
		arena_reset(&arena);
	}
	assert_int_equal(count, 12);
	ldif_reader_release(&reader);
	assert_int_equal(fclose(file), 0);
	scratch_remove(&scratch);
	arena_release(&arena);
	strbuf_release(&text);
	strbuf_release(&value);
}

/* What ldif_parse_keys() tells of a record by its class and uid. */
static const char *keys_of(const char *text)
{
	static const struct sv keys[] = { { "objectClass", 11 }, { "uid", 3 } };
	static char told[512];
	struct strbuf log = STRBUF_INIT(sizeof(told) - 1);
	struct arena arena = ARENA_INIT;
	struct ldif_record r;
	size_t i;

	if (!ldif_parse_keys(sv_from(text), 7, keys, 2, &arena, &r)) {
		arena_release(&arena);
		return "not";
	}
	assert_true(sv_eq_str(r.whole, text));
	strbuf_addf(&log, "%zu <" SV_FMT ">", r.line, SV_ARG(r.dn));
	for (i = 0; i < r.line_count; i++)
		strbuf_addf(&log, " " SV_FMT "[" SV_FMT "]",
			    SV_ARG(r.lines[i].name), SV_ARG(r.lines[i].value));
	(void)snprintf(told, sizeof(told), "%s", strbuf_cstr(&log));
	strbuf_release(&log);
	arena_release(&arena);
	return told;
}

/* Whose entry it is, is told by some lines; what cannot be told so is read as
 * a whole, and so is what is no entry or in error. */
static void some_lines(void **state)
{
	(void)state;
	assert_string_equal(keys_of("dn: cn=a\ncn: a\nUID: 1\nsn:: !\n"),
			    "7 <cn=a> UID[1]");
	assert_string_equal(keys_of("# made\nversion: 1\ndn: cn=a\r\n"
				    "objectclass: to\r\n p\r\nuid;x: 2\n"),
			    "9 <cn=a> objectclass[top]");
	assert_string_equal(keys_of("dn:: Y249YQ==\nuidx: 1\nuid:\n  1\n 2"),
			    "7 <cn=a> uid[12]");
	assert_string_equal(keys_of("dn: cn=\n a\n# uid: 3\n  4\nuid:: MQ==\n"),
			    "7 <cn=a> uid[1]");
	assert_string_equal(keys_of("uid: 1\ndn: cn=a\n"), "not");
	assert_string_equal(keys_of("dn: a\n"), "not");
	assert_string_equal(keys_of("dn: cn=a\ndn: cn=b\n"), "not");
	assert_string_equal(keys_of("dn: cn=a\nuid:: !\n"), "not");
	assert_string_equal(keys_of("dn: cn=a\nuid:< file:x\n"), "not");
	assert_string_equal(keys_of("dn: cn=a\nchangetype: add\nuid: 1\n"),
			    "not");
	assert_string_equal(keys_of("dn: cn=a\ncontrol: 1.2\n"), "not");
	assert_string_equal(keys_of("dn: cn=a\n-\n"), "not");
	assert_string_equal(keys_of(" dn: cn=a\n"), "not");
	assert_string_equal(keys_of("# dn: cn=a\n"), "not");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content),
		cmocka_unit_test(folding_and_comments),
		cmocka_unit_test(names_and_options),
		cmocka_unit_test(bad_records),
		cmocka_unit_test(changes),
		cmocka_unit_test(bad_changes),
		cmocka_unit_test(writing),
		cmocka_unit_test(large_records),
		cmocka_unit_test(some_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
