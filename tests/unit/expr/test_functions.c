/*
 * test_functions.c - every function: its example, and its edges
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include "certificate.h"

#include "base/file.h"

/* The object that the examples of the table are about. */
static void sample_object(void)
{
	forget();
	has("city", VALUE_STRING, "Rome");
	has("sn", VALUE_STRING, "Smith");
	has("mail", VALUE_STRING, "ann@contoso.com");
	has("member", VALUE_REFERENCE, "cn=a|cn=b|cn=c");
	has("userCertificate", VALUE_BINARY, cert_ann(&sample_arena));
	has_view(EXPR_VIEW_IMPORTED, "mail", VALUE_STRING, "ann@contoso.com");
	has_view(EXPR_VIEW_METAVERSE, "mail", VALUE_STRING, "ANN@contoso.com");
	has_view(EXPR_VIEW_CURRENT, "userAccountControl", VALUE_INTEGER, "512");
}

static void examples(void **state)
{
	struct strbuf out = STRBUF_INIT(4096);
	struct expr_function fn;
	size_t i;

	(void)state;
	for (i = 0; i < expr_function_count(); i++) {
		sample_object();
		expr_function(i, &fn);
		assert_non_null(strstr(fn.example, fn.name));
		if (fn.gives) {
			gives(fn.example, fn.gives);
			continue;
		}
		strbuf_reset(&out);
		evaluate(sv_from(fn.example), false, &out);
		assert_null(strstr(strbuf_cstr(&out), ": "));
	}
	strbuf_release(&out);
}

/* The reference page has each function with its signature and example. */
static void reference_page(void **state)
{
	struct strbuf page = STRBUF_INIT((size_t)1 << 20);
	struct strbuf want = STRBUF_INIT(4096);
	struct error err = ERROR_INIT;
	struct expr_function fn;
	size_t i;

	(void)state;
	assert_int_equal(file_read(TEST_DATA "/../../../docs/reference/"
					     "functions.md",
				   &page, &err),
			 0);
	for (i = 0; i < expr_function_count(); i++) {
		expr_function(i, &fn);
		strbuf_reset(&want);
		expr_function_signature(i, &want);
		if (!strstr(strbuf_cstr(&page), strbuf_cstr(&want)) ||
		    !strstr(strbuf_cstr(&page), fn.example))
			print_message("not in the page: %s\n",
				      strbuf_cstr(&want));
		assert_non_null(strstr(strbuf_cstr(&page), strbuf_cstr(&want)));
		assert_non_null(strstr(strbuf_cstr(&page), fn.example));
	}
	strbuf_release(&page);
	strbuf_release(&want);
}

static void signatures(void **state)
{
	struct strbuf out = STRBUF_INIT(4096);
	struct expr_function fn;
	size_t i;

	(void)state;
	for (i = 0; i < expr_function_count(); i++) {
		expr_function(i, &fn);
		strbuf_reset(&out);
		expr_function_signature(i, &out);
		if (!strcmp(fn.name, "InStr"))
			assert_string_equal(
				strbuf_cstr(&out),
				"num InStr(str text, str find[, num start[, "
				"enum compare]])");
		if (!strcmp(fn.name, "Proxies"))
			assert_string_equal(strbuf_cstr(&out),
					    "mvstr Proxies(mvstr current, "
					    "mvstr new, ...)");
		if (!strcmp(fn.name, "Select"))
			assert_string_equal(strbuf_cstr(&out),
					    "mvvar Select($name, mvvar "
					    "values, var result)");
	}
	strbuf_release(&out);
}

struct row {
	const char *text;
	const char *expected;
};

static void all_give(const struct row *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		gives(rows[i].text, rows[i].expected);
}

#define ALL_GIVE(rows) all_give(rows, sizeof(rows) / sizeof(*(rows)))

static void text_search(void **state)
{
	static const struct row rows[] = {
		{ "InStr(\"repEated\", \"e\", 3, vbBinaryCompare)", "7" },
		{ "InStr(\"repEated\", \"e\", 3, vbTextCompare)", "4" },
		{ "InStr(\"repEated\", \"E\")", "4" },
		{ "InStr([gone], \"e\")", "0" },
		{ "InStr(\"abc\", [gone])", "0" },
		{ "InStr(\"abc\", \"\")", "1" },
		{ "InStr(\"abc\", \"c\", 4)", "0" },
		{ "InStr(\"abc\", \"a\", -5)", "1" },
		{ "InStr(\"\", \"a\")", "0" },
		{ "InStr(\"\xc3\xa4\xc3\xb6\xc3\xbc\", \"\xc3\xbc\")", "3" },
		{ "InStr(\"\xc3\xa4\xc3\x96\xc3\xbc\", \"\xc3\xb6\", 1, "
		  "CaseInsensitive)",
		  "2" },
		{ "InStrRev(\"abcabc\", \"abc\", 4)", "1" },
		{ "InStrRev(\"abcabc\", \"abc\", -1)", "4" },
		{ "InStrRev(\"abcabc\", \"x\")", "0" },
		{ "InStrRev(\"abcABC\", \"abc\", 6, vbTextCompare)", "4" },
		{ "InStrRev([gone], \"x\")", "0" },
		{ "InStrRev(\"a\", \"abc\")", "0" },
	};

	(void)state;
	has("gone", VALUE_STRING, NULL);
	ALL_GIVE(rows);
}

static void text_pieces(void **state)
{
	static const struct row rows[] = {
		{ "Left(\"abc\", 0)", "" },
		{ "Left(\"abc\", -1)", "abc" },
		{ "Left(\"abc\", 9)", "abc" },
		{ "Left([gone], 2)", "" },
		{ "Left(\"\xc3\xa4\xc3\xb6\", 1)", "\xc3\xa4" },
		{ "Right(\"abc\", 0)", "" },
		{ "Right(\"abc\", -1)", "abc" },
		{ "Right(\"abc\", 9)", "abc" },
		{ "Right(\"abc\", 2)", "bc" },
		{ "Right([gone], 2)", "" },
		{ "Mid(\"John Doe\", 6, 999)", "Doe" },
		{ "Mid(\"Britta Simon\", 3, 5)", "itta " },
		{ "Mid(\"abc\", 2)", "bc" },
		{ "Mid(\"abc\", 2, 0)", "" },
		{ "Mid(\"abc\", 2, -1)", "" },
		{ "Mid(\"abc\", 4, 1)", "abc" },
		{ "Mid(\"abc\", 0, 1)", "abc" },
		{ "Mid(\"abc\", -3)", "abc" },
		{ "Mid([gone], 2, 3)", "" },
		{ "Len([gone])", "0" },
		{ "Len(\"\xc3\xa4\xf0\x9f\x98\x80\")", "2" },
		{ "Word(\"Test;;Function\", 2, \";\")", "" },
		{ "Word(\"Test;of%function;\", 3, \";$&%\")", "function" },
		{ "Word(\"a b\", 2, \" \")", "b" },
		{ "Word(\"a b\", 3, \" \")", "" },
		{ "Word(\"a b\", 0, \" \")", "" },
		{ "Word([gone], 1, \" \")", "" },
		{ "Word(\"a b\", 1, \"\")", "a b" },
		{ "Word(\"a\xc3\xa4"
		  "b\", 2, \"\xc3\xa4\")",
		  "b" },
	};

	(void)state;
	has("gone", VALUE_STRING, NULL);
	ALL_GIVE(rows);
}

static void text_case_and_blanks(void **state)
{
	static const struct row rows[] = {
		{ "LCase([gone])", "NULL" },
		{ "UCase(\"stra\xc3\x9f"
		  "e \xc3\xa4\")",
		  "STRA\xc3\x9f"
		  "E \xc3\x84" },
		{ "PCase(\"TEsT\")", "Test" },
		{ "PCase(\" TEsT\")", " Test" },
		{ "PCase(\"$TEsT\")", "$Test" },
		{ "PCase(\"\xc3\xa9mile  ZOLA-x\")", "\xc3\x89mile  Zola-x" },
		{ "PCase([gone])", "NULL" },
		{ "Trim(\" \t\r\n a b \xc2\xa0\")", "a b" },
		{ "Trim(\"   \")", "" },
		{ "Trim([gone])", "NULL" },
		{ "LTrim(\"\xe3\x80\x80 a \")", "a " },
		{ "RTrim(\" a \xe2\x80\x83\")", " a" },
		{ "PadLeft(\"User\", 4, \"0\")", "User" },
		{ "PadLeft(\"User\", -4, \"0\")", "User" },
		{ "PadLeft([gone], 4, \"0\")", "" },
		{ "PadLeft(\"\", 2, \" \")", "  " },
		{ "PadRight(\"\xc3\xa4\", 3, \"\xc3\xb6\")",
		  "\xc3\xa4\xc3\xb6\xc3\xb6" },
		{ "PadRight([gone], 4, \"0\")", "" },
	};

	(void)state;
	has("gone", VALUE_STRING, NULL);
	ALL_GIVE(rows);
	says("PadLeft(\"a\", 3, [gone])",
	     "argument 3 is NULL, it must be one character");
}

static void text_replacing(void **state)
{
	static const struct row rows[] = {
		{ "Replace(\"aAa\", \"a\", \"b\")", "bAb" },
		{ "Replace([gone], \"a\", \"b\")", "NULL" },
		{ "Replace(\"abc\", \"\", \"x\")", "abc" },
		{ "Replace(\"abc\", [gone], \"x\")", "abc" },
		{ "Replace(\"abc\", \"b\", NULL)", "ac" },
		{ "Replace(\"a,b\", \",\", \"\\r\\n\\t\")", "a\r\n\tb" },
		{ "Replace(\"a\" & CRLF & \"b\", \"\\r\\n\", \"-\")", "a-b" },
		{ "Replace(\"a\\\\x\", \"\\\\\", \"/\")", "a/x" },
		{ "ReplaceChars(\"aAbc\", \"a:1,b:,c:xy\")", "1Axy" },
		{ "ReplaceChars([gone], \"a:b\")", "NULL" },
		{ "ReplaceChars(\"abc\", \"\")", "abc" },
		{ "ReplaceChars(\"abc\", [map])",
		  "error: ReplaceChars(\"abc\", [map]): argument 2 must be a "
		  "list of CHARACTER:REPLACEMENT with commas between, not "
		  "'xx:y'" },
		{ "ReplaceString(\"a-b\", \"-\", \"\\n\")", "a\nb" },
	};

	(void)state;
	has("gone", VALUE_STRING, NULL);
	has("map", VALUE_STRING, "xx:y");
	ALL_GIVE(rows);
	says("ReplaceChars(\"a\", \":b\")", "18: ");
	says("ReplaceChars(\"a\", \"b\")", "18: ");
}

static void conversions(void **state)
{
	static const struct row rows[] = {
		{ "CBool(NULL)", "False" },
		{ "CBool(0)", "False" },
		{ "CBool(-1)", "True" },
		{ "CBool(\"TRUE\")", "True" },
		{ "CBool(\"no\")", "False" },
		{ "CBool(True)", "True" },
		{ "CNum(\" -42 \")", "-42" },
		{ "CNum(42)", "42" },
		{ "CNum([gone])", "NULL" },
		{ "CRef([dn])", "CN=Ann,DC=x" },
		{ "CRef(\"\")", "NULL" },
		{ "CStr([dn])", "CN=Ann,DC=x" },
		{ "CStr(True)", "True" },
		{ "CStr(\"a\")", "a" },
		{ "CStr([gone])", "NULL" },
		{ "CStr([utf8])", "Hi" },
		{ "CGuid(\"03020100-0504-0706-0809-0a0b0c0d0e0f\")",
		  "000102030405060708090a0b0c0d0e0f" },
		{ "ConvertFromBase64(\"SGk=\", UTF8)", "Hi" },
		{ "ConvertFromBase64(\"SGk=\", \"ASCII\")", "Hi" },
		{ "ConvertFromBase64(ConvertToBase64(\"\xf0\x9f\x98\x80\"))",
		  "\xf0\x9f\x98\x80" },
		{ "ConvertToBase64([utf8])", "SGk=" },
		{ "ConvertToUTF8Hex(\"\xc3\xa4\")", "C3A4" },
		{ "ConvertFromUTF8Hex(\"c3a4\")", "\xc3\xa4" },
		{ "ConvertToUTF8Hex([gone])", "NULL" },
		{ "StringFromSid([sid])", "S-1-5-21-1-2-3-500" },
		{ "CBin(-1, 2)", "ffff" },
		{ "CBin(258, 2)", "0201" },
	};

	(void)state;
	has("gone", VALUE_STRING, NULL);
	has("dn", VALUE_REFERENCE, "CN=Ann,DC=x");
	has("utf8", VALUE_BINARY, "4869");
	has("raw", VALUE_BINARY, "ff00");
	has("sid", VALUE_BINARY,
	    "0105000000000005150000000100000002000000"
	    "03000000F4010000");
	ALL_GIVE(rows);
	says("CBool(\"maybe\")", "'maybe' is neither true nor false");
	says("CNum(\"4.2\")", "'4.2' is not a whole number");
	says("CNum(\"\")", "'' is not a whole number");
	says("CGuid(\"x\")", "'x' is not a GUID");
	says("CStr([raw])", "these bytes are not text");
	says("StringFromSid([raw])", "these 2 bytes are not a SID");
	says("StringFromGuid([raw])", "a GUID has 16 bytes, not 2");
	says("ConvertFromBase64(\"?\")", "this is not base64");
	says("ConvertFromBase64(\"/w==\", UTF8)", "this is not UTF-8");
	says("ConvertFromBase64(\"/w==\", ASCII)", "this is not ASCII");
	says("ConvertFromBase64(\"SGkh\")", "this is not UTF-16");
	says("ConvertFromBase64(\"ANg=\")", "this is not UTF-16");
	says("ConvertFromUTF8Hex(\"4\")", "'4' is not hexadecimal UTF-8");
	says("ConvertFromUTF8Hex(\"FF\")", "'FF' is not hexadecimal UTF-8");
	says("CBin(1, 9)", "1 to 8 bytes can be made, not 9");
}

static void asking(void **state)
{
	static const struct row rows[] = {
		{ "IsBitSet(&HF, 16)", "False" },
		{ "IsBitSet([none], 1)", "False" },
		{ "IsDate(\"2013-02-30\")", "False" },
		{ "IsDate(Now())", "True" },
		{ "IsDate([gone])", "False" },
		{ "IsEmpty([gone])", "False" },
		{ "IsEmpty([list])", "False" },
		{ "IsGuid(\"x\")", "False" },
		{ "IsGuid(\"03020100-0504-0706-0809-0A0B0C0D0E0F\")", "True" },
		{ "IsGuid(\"{03020100-0504-0706-0809-0A0B0C0D0E0F\")",
		  "False" },
		{ "IsNull([gone])", "True" },
		{ "IsNull(\"\")", "False" },
		{ "IsNullOrEmpty([gone])", "True" },
		{ "IsNullOrEmpty([list])", "False" },
		{ "IsNumeric(\"4x\")", "False" },
		{ "IsNumeric([none])", "False" },
		{ "IsPresent(\"\")", "False" },
		{ "IsPresent([list])", "True" },
		{ "IsPresent(0)", "True" },
		{ "IsPresent(False)", "True" },
		{ "IsString(\"a\")", "True" },
		{ "IsString([raw])", "False" },
		{ "IsString([gone])", "False" },
	};

	(void)state;
	has("gone", VALUE_STRING, NULL);
	has("none", VALUE_INTEGER, NULL);
	has("raw", VALUE_BINARY, "4142");
	has_multi("list", VALUE_STRING, "a|b");
	ALL_GIVE(rows);
}

static void dates(void **state)
{
	static const struct row rows[] = {
		{ "CDate(\"2013-01-10\")", "2013-01-10T00:00:00Z" },
		{ "CDate(\"1/2/2013 16:05\")", "2013-01-02T16:05:00Z" },
		{ "CDate(\"2013/1/2 4:05:06.5 am\")",
		  "2013-01-02T04:05:06.5Z" },
		{ "CDate(\"2013-01-10 12 AM\")", "2013-01-10T00:00:00Z" },
		{ "CDate(\"2013-01-10 12:30 PM\")", "2013-01-10T12:30:00Z" },
		{ "CDate(\"2013-01-10T10:00:00+02:00\")",
		  "2013-01-10T08:00:00Z" },
		{ "CDate(\"2013-01-10 10:00 +0530\")", "2013-01-10T04:30:00Z" },
		{ "CDate(\"20130110100000Z\")", "2013-01-10T10:00:00Z" },
		{ "CDate(\"2013-01-10 10:00 GMT\")", "2013-01-10T10:00:00Z" },
		{ "CDate(Now())", "2026-11-21T09:30:00Z" },
		{ "CDate([gone])", "NULL" },
		{ "DateAdd(\"yyyy\", 1, CDate(\"2020-02-29\"))",
		  "2021-02-28T00:00:00Z" },
		{ "DateAdd(\"m\", 1, CDate(\"2023-01-31\"))",
		  "2023-02-28T00:00:00Z" },
		{ "DateAdd(\"m\", -13, CDate(\"2023-03-31\"))",
		  "2022-02-28T00:00:00Z" },
		{ "DateAdd(\"q\", 1, CDate(\"2023-11-30\"))",
		  "2024-02-29T00:00:00Z" },
		{ "DateAdd(\"d\", -1, CDate(\"2023-01-01\"))",
		  "2022-12-31T00:00:00Z" },
		{ "DateAdd(\"y\", 1, CDate(\"2023-01-01\"))",
		  "2023-01-02T00:00:00Z" },
		{ "DateAdd(\"w\", 1, CDate(\"2023-01-01\"))",
		  "2023-01-02T00:00:00Z" },
		{ "DateAdd(\"ww\", 2, CDate(\"2023-01-01\"))",
		  "2023-01-15T00:00:00Z" },
		{ "DateAdd(\"h\", 25, CDate(\"2023-01-01\"))",
		  "2023-01-02T01:00:00Z" },
		{ "DateAdd(\"n\", 90, CDate(\"2023-01-01\"))",
		  "2023-01-01T01:30:00Z" },
		{ "DateAdd(\"s\", 61, CDate(\"2023-01-01\"))",
		  "2023-01-01T00:01:01Z" },
		{ "FormatDateTime(CDate(\"2023-07-04 15:06:07.89\"), \"d/M/yy "
		  "h:m:s tt fff FFFF\")",
		  "4/7/23 3:6:7 PM 890 89" },
		{ "FormatDateTime(CDate(\"2023-07-04\"), \"dddd ddd MMMM "
		  "MMM 'day' dd \\d HH hh t zzz K\")",
		  "Tuesday Tue July Jul day 04 d 00 12 A +00:00 Z" },
		{ "FormatDateTime(CDate(\"2023-07-04\"), "
		  "\"yyyyMMddHHmmss.0Z\")",
		  "20230704000000.0Z" },
		{ "FormatDateTime([when], \"yyyy\")", "NULL" },
		{ "DateTimeFormat(Now(), \"yyyy\")", "2026" },
		{ "Now()", "2026-11-21T09:30:00Z" },
		{ "NumFromDate(DateFromNum(0))", "0" },
	};

	(void)state;
	has("gone", VALUE_STRING, NULL);
	has("when", VALUE_DATETIME, NULL);
	ALL_GIVE(rows);
	says("CDate(\"yesterday\")", "'yesterday' is not a date");
	says("CDate(\"13/25/2007\")", "is not a date");
	says("CDate(\"2013-01-10 25:00\")", "is not a date");
	says("CDate(\"2013-01-10 13:00 PM\")", "is not a date");
	says("CDate(\"2013-01-10 10:00 +99\")", "is not a date");
	says("DateTimeFormat(\"x\", \"yyyy\")", "'x' is not a date");
	says("DateAdd(\"yyyy\", 9000, Now())", "outside the years 1 to 9999");
	says("DateAdd(\"s\", 9223372036854775807, Now())", "outside");
	says("FormatDateTime(DateFromNum(9223372036854775807), \"yyyy\")",
	     "outside the years");
}

#define SAMPLE "\"cn=Joe,ou=Atlanta,ou=GA,ou=US,dc=contoso,dc=com\""

static void directories(void **state)
{
	static const struct row rows[] = {
		{ "DNComponent(" SAMPLE ", 2)", "Atlanta" },
		{ "DNComponent(" SAMPLE ", 6)", "com" },
		{ "DNComponent(" SAMPLE ", 7)", "NULL" },
		{ "DNComponent(" SAMPLE ", 0)", "NULL" },
		{ "DNComponent([gone], 1)", "NULL" },
		{ "DNComponent(\"no dn\", 1)", "NULL" },
		{ "DNComponent(\"cn=Smith\\, Ann+uid=5,dc=x\", 1)",
		  "Smith\\, Ann" },
		{ "DNComponentRev(" SAMPLE ", 3)", "US" },
		{ "DNComponentRev(" SAMPLE ", 1)", "com" },
		{ "DNComponentRev(" SAMPLE ", 6)", "Joe" },
		{ "DNComponentRev(" SAMPLE ", 7)", "NULL" },
		{ "DNComponentRev(" SAMPLE ", 1, \"DC\")", "US" },
		{ "DNComponentRev(" SAMPLE ", 4, DC)", "Joe" },
		{ "DNComponentRev(" SAMPLE ", 5, DC)", "NULL" },
		{ "EscapeDNComponent(\"a,b+c\"\"d\\\\e<f>g;h=i\")",
		  "a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h\\=i" },
		{ "EscapeDNComponent(\"# a \")", "\\# a\\ " },
		{ "EscapeDNComponent(\"cn=Smith, Ann\")", "cn=Smith\\, Ann" },
		{ "EscapeDNComponent(\"CN=a\", \"UID=5,6\")",
		  "CN=a+UID=5\\,6" },
		{ "EscapeDNComponent([gone])", "NULL" },
		{ "InContainer(\"OU=Staff,DC=x\", \"OU=Staff,DC=x\")",
		  "False" },
		{ "InContainer(\"CN=a,OU=NotStaff,DC=x\", \"OU=Staff,DC=x\")",
		  "False" },
		{ "InContainer(\"CN=a,OU=b,OU=Staff,DC=x\", \"ou=staff , "
		  "dc=x\")",
		  "True" },
		{ "InContainer([gone], \"DC=x\")", "False" },
		{ "DomainOf(\"OU=a\")", "NULL" },
		{ "DomainOf([gone])", "NULL" },
		{ "DomainOf(\"CN=a,DC=eu,DC=corp,DC=com\")", "eu.corp.com" },
	};

	(void)state;
	has("gone", VALUE_STRING, NULL);
	ALL_GIVE(rows);
}

static void chance(void **state)
{
	struct strbuf out = STRBUF_INIT(4096);
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		strbuf_reset(&out);
		evaluate(SV_LIT("RandomPassword(12)"), false, &out);
		assert_int_equal(out.len, 12);
		assert_non_null(
			strpbrk(strbuf_cstr(&out), "ABCDEFGHJKLMNPQRSTUVWXYZ"));
		assert_non_null(
			strpbrk(strbuf_cstr(&out), "abcdefghijkmnpqrstuvwxyz"));
		assert_non_null(strpbrk(strbuf_cstr(&out), "23456789"));
		assert_non_null(strpbrk(strbuf_cstr(&out), "!#$%*+-=?@_"));
		assert_null(strpbrk(strbuf_cstr(&out), "0Oo1lI|"));
		gives("With($x, RandomNum(3, 5), $x >= 3 && $x <= 5)", "True");
	}
	strbuf_release(&out);
	gives("RandomNum(-5, -5)", "-5");
	gives("IsNumeric(RandomNum(-9223372036854775808, "
	      "9223372036854775807))",
	      "True");
	gives("IsGuid(Guid())", "True");
	gives("Guid() = Guid()", "False");
	says("RandomNum(2, 1)", "2 is larger than 1");
	says("RandomPassword(7)", "a password has 8 to 256 characters");
}

static void lists(void **state)
{
	static const struct row rows[] = {
		{ "Contains([p], \"A@X\")", "0" },
		{ "Contains([p], \"A@X\", CaseInsensitive)", "1" },
		{ "Contains([p], \"@y\")", "2" },
		{ "Contains([gone], \"a\")", "0" },
		{ "Contains([p], NULL)", "0" },
		{ "Contains([m], \"CN=B, DC=x\")", "2" },
		{ "Contains([m], \"CN=B\")", "0" },
		{ "Count([gone])", "0" },
		{ "Count(\"x\")", "1" },
		{ "Count([m])", "2" },
		{ "Item([p], 1)", "SMTP:a@x" },
		{ "ItemOrNull([p], 3)", "NULL" },
		{ "ItemOrNull([p], 0)", "NULL" },
		{ "ItemOrNull([gone], 1)", "NULL" },
		{ "Join([p])", "SMTP:a@x smtp:b@y" },
		{ "Join([p], \"\")", "SMTP:a@xsmtp:b@y" },
		{ "Join([gone], \",\")", "NULL" },
		{ "RemoveDuplicates([m])", "cn=a,dc=x | cn=b,dc=x" },
		{ "RemoveDuplicates([gone])", "NULL" },
		{ "RemoveDuplicates([n])", "3 | 1 | 2" },
		{ "Split(\"a;;b\", \";\")", "a |  | b" },
		{ "Split(\"abc\", \";\")", "abc" },
		{ "Split(\"a;b;c\", \";\", 2)", "a | b;c" },
		{ "Split(\"a;b;c\", \";\", 1)", "a;b;c" },
		{ "Split(\"a;b\", \";\", 0)", "a | b" },
		{ "Split([gone], \";\")", "NULL" },
		{ "Split(\"\", \";\")", "NULL" },
		{ "ValueCount(\"p\")", "2" },
		{ "ValueCount(\"gone\")", "0" },
		{ "Count(RemoveDuplicates(Split(\"a,b,c,d,e,f,g,h,i,j,k,l,m,"
		  "A,B,C,D,E,F,n\", \",\")))",
		  "14" },
		{ "Join(RemoveDuplicates(Split(\"z,b,c,d,e,f,g,h,i,j,k,l,m,"
		  "Z,B,C,D,E,F,a\", \",\")), \"\")",
		  "zbcdefghijklma" },
	};

	(void)state;
	has("gone", VALUE_STRING, NULL);
	has_multi("p", VALUE_STRING, "SMTP:a@x|smtp:b@y");
	has_multi("m", VALUE_REFERENCE, "cn=a,dc=x|cn=b,dc=x");
	has_multi("n", VALUE_INTEGER, "3|1|3|2|1");
	ALL_GIVE(rows);
	says("Item([p], 3)", "error: Item([p], 3): there is no value 3, the "
			     "list has 2");
	says("Item([gone], 1)", "there is no value 1, the list has 0");
	says("Split(\"a\", \"ab\")", "must be one character");
}

static void decisions(void **state)
{
	static const struct row rows[] = {
		{ "IIF(True, \"a\", Error(\"x\"))", "a" },
		{ "IIF(NULL, Error(\"x\"), \"b\")", "b" },
		{ "Switch(False, 1, False, 2)", "NULL" },
		{ "Switch(False, Error(\"x\"), True, 2, True, 3)", "2" },
		{ "Switch(True, 1, CBool(Error(\"x\")), 2)", "error: x" },
		{ "Coalesce([gone], [gone])", "NULL" },
		{ "Coalesce([gone], 0)", "0" },
		{ "Coalesce(\"a\", Error(\"x\"))", "a" },
		{ "Coalesce([gone], Error(\"x\"))", "error: x" },
		{ "Coalesce([gone], IgnoreThisFlow)", "IgnoreThisFlow" },
		{ "Coalesce(\"SMTP:\" & [gone], \"x\")", "SMTP:" },
		{ "Coalesce([p], \"x\")", "a | b" },
		{ "Not(True)", "False" },
		{ "Error([gone])", "error: error" },
		{ "\"a\" & Error(\"x\")", "error: x" },
		{ "Lookup(\"countries\", \"DE\", \"name\")", "NULL" },
		{ "Lookup(\"countries\", [gone], \"name\")", "NULL" },
		{ "Concatenate(\"a\", [gone], \"b\", \"c\", \"d\", \"e\")",
		  "abcde" },
		{ "Eq([gone], \"x\")", "False" },
		{ "NotEquals([gone], \"x\")", "True" },
		{ "IIF(Eq([p], \"a\"), \"t-\" + [p], [p])", "t-a | b" },
		{ "CRLF()", "\r\n" },
	};

	(void)state;
	has("gone", VALUE_STRING, NULL);
	has_multi("p", VALUE_STRING, "a|b");
	ALL_GIVE(rows);
}

static void proxies(void **state)
{
	static const struct row rows[] = {
		{ "Proxies(NULL, NULL)", "NULL" },
		{ "Proxies([gone], [gone], \"SMTP:a@x\")", "SMTP:a@x" },
		{ "Proxies([p], NULL)", "SMTP:a@x | smtp:b@x | sip:a@x" },
		/* there already: prefix and case do not count */
		{ "Proxies([p], \"SMTP:A@X\")",
		  "SMTP:a@x | smtp:b@x | sip:a@x" },
		{ "Proxies([p], \"smtp:A@x\")",
		  "SMTP:a@x | smtp:b@x | sip:a@x" },
		{ "Proxies([p], \"Smtp:B@x\")",
		  "SMTP:a@x | smtp:b@x | sip:a@x" },
		/* a new primary address */
		{ "Proxies([p], \"SMTP:c@x\")",
		  "smtp:a@x | smtp:b@x | sip:a@x | SMTP:c@x" },
		{ "Proxies([p], \"SMTP:B@x\")",
		  "smtp:a@x | sip:a@x | SMTP:B@x" },
		/* one sip: only */
		{ "Proxies([p], \"sip:b@x\")",
		  "SMTP:a@x | smtp:b@x | sip:b@x" },
		/* colons in the address stay */
		{ "Proxies([p], \"X500:/o=a:b\")",
		  "SMTP:a@x | smtp:b@x | sip:a@x | X500:/o=a:b" },
		{ "Proxies([p], \"X500:\" & [gone])",
		  "SMTP:a@x | smtp:b@x | sip:a@x" },
		{ "ProxyForSuffix([p], \"@x\")", "SMTP:a@x" },
		{ "ProxyForSuffix([many], %Suffixes%)", "SMTP:a@corp.com" },
		{ "ProxyForSuffix([many], \"corp.com\")", "SMTP:a@corp.com" },
		{ "ProxyForSuffix([many], \"@NOTCORP.com\")",
		  "SMTP:z@notcorp.com" },
		{ "ProxyForSuffix([many], \"orp.com\")", "NULL" },
		{ "ProxyForSuffix([gone], \"@x\")", "NULL" },
		{ "ProxyForSuffix([p], NULL)", "NULL" },
		{ "LegacyName(\"J\u00f6rg \u00c7\u00d1\u00ff\u00df\u00c6\")",
		  "Jorg CNyssAE" },
		/* composed first; beyond Latin-1, and what X.400 has not */
		{ "LegacyName(\"Jo\u0308rg \u0141\u674e\u00bf/#\u00d7\")",
		  "Jorg " },
		{ "LegacyName(\"a!%&'()*+,-.:<=>@[]_|\"\"z\")",
		  "a!%&'()*+,-.:<=>@[]_|'z" },
		{ "LegacyName(\"/;?{}~^\")", "" },
		{ "LegacyName([gone])", "NULL" },
		{ "ProxyForSuffix([p], \"@y\")", "NULL" },
	};

	(void)state;
	has("gone", VALUE_STRING, NULL);
	has_multi("p", VALUE_STRING, "SMTP:a@x|smtp:b@x|sip:a@x");
	has_multi("many", VALUE_STRING,
		  "SMTP:z@notcorp.com|smtp:b@corp.com|smtp:a@corp.com|"
		  "smtp:q@x|X400:c@corp.com");
	ALL_GIVE(rows);
	says("Proxies([p], \"c@x\")", "'c@x' is not a proxy address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(examples),       CASE(reference_page),
		CASE(signatures),     CASE(text_search),
		CASE(text_pieces),    CASE(text_case_and_blanks),
		CASE(text_replacing), CASE(conversions),
		CASE(asking),         CASE(dates),
		CASE(directories),    CASE(chance),
		CASE(lists),          CASE(decisions),
		CASE(proxies),
	};

	return cmocka_run_group_tests(tests, NULL, release_all);
}
