/*
 * test_shipped.c - expressions of shipped rules, each with its results
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

static void t01_dn_in_hex(void **state)
{
	(void)state;
	has("sourceAnchor", VALUE_STRING, "Hello world!");
	gives("\"CN={\" & ConvertToUTF8Hex([sourceAnchor]) & \"}\"",
	      "CN={48656C6C6F20776F726C6421}");
}

static void t02_member_count(void **state)
{
	const char *text =
		"IIF(([memberCount]> 50000),Error(\"Maximum Group member count "
		"exceeded\"),IgnoreThisFlow)";

	(void)state;
	has("memberCount", VALUE_INTEGER, "50000");
	gives(text, "IgnoreThisFlow");
	forget();
	has("memberCount", VALUE_INTEGER, "50001");
	gives(text, "error: Maximum Group member count exceeded");
}

static void t03_source_anchor(void **state)
{
	const char *text =
		"IIF(IsPresent([cloudSourceAnchor]),IIF([cloudSourceAnchor] = "
		"[sourceAnchor],[sourceAnchor],Error(\"SourceAnchor attribute "
		"has changed.\")),[sourceAnchor])";

	(void)state;
	has("cloudSourceAnchor", VALUE_STRING, NULL);
	has("sourceAnchor", VALUE_STRING, "A");
	gives(text, "A");
	forget();
	has("cloudSourceAnchor", VALUE_STRING, "A");
	has("sourceAnchor", VALUE_STRING, "A");
	gives(text, "A");
	forget();
	has("cloudSourceAnchor", VALUE_STRING, "A");
	has("sourceAnchor", VALUE_STRING, "B");
	gives(text, "error: SourceAnchor attribute has changed.");
}

static void t04_connector_id(void **state)
{
	(void)state;
	gives("%Connector.ID%", "{0e1b}");
}

static void t05_domain_fqdn(void **state)
{
	(void)state;
	gives("%Domain.FQDN%", "sales.fabrikam.com");
}

static void t06_sid(void **state)
{
	(void)state;
	has("objectSid", VALUE_BINARY, "01010000000000050A000000");
	gives("StringFromSid([objectSid])", "S-1-5-10");
}

static void t07_password_last_set(void **state)
{
	const char *text =
		"IIF(IsPresent([pwdLastSet]),CStr(FormatDateTime(DateFromNum("
		"[pwdLastSet]),\"yyyyMMddHHmmss.0Z\")),NULL)";

	(void)state;
	has("pwdLastSet", VALUE_INTEGER, "129699324000000000");
	gives(text, "20120101230000.0Z");
	forget();
	has("pwdLastSet", VALUE_INTEGER, NULL);
	gives(text, "NULL");
}

static void t08_anchor_from_guid(void **state)
{
	const char *text = "IIF(IsPresent([msExchRecipientTypeDetails]),IIF("
			   "[msExchRecipientTypeDetails]=2,NULL,IIF(IsString("
			   "[objectGUID]),CStr([objectGUID]),ConvertToBase64("
			   "[objectGUID]))),IIF(IsString([objectGUID]),CStr("
			   "[objectGUID]),ConvertToBase64([objectGUID])))";
	static const char *const types[] = { NULL, "2", "1" };
	static const char *const results[] = {
		"AAECAwQFBgcICQoLDA0ODw==", "NULL", "AAECAwQFBgcICQoLDA0ODw=="
	};
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		forget();
		has("objectGUID", VALUE_BINARY,
		    "000102030405060708090A0B0C0D0E0F");
		has("msExchRecipientTypeDetails", VALUE_INTEGER, types[i]);
		gives(text, results[i]);
	}
}

static void t09_principal_name(void **state)
{
	const char *text =
		"IIF(IsPresent([userPrincipalName]),[userPrincipalName], "
		"IIF(IsPresent([sAMAccountName]),([sAMAccountName]&\"@\"&"
		"%Domain.FQDN%),Error(\"AccountName is not present\")))";

	(void)state;
	has("userPrincipalName", VALUE_STRING, NULL);
	has("sAMAccountName", VALUE_STRING, "jdoe");
	gives(text, "jdoe@sales.fabrikam.com");
	forget();
	has("userPrincipalName", VALUE_STRING, NULL);
	has("sAMAccountName", VALUE_STRING, NULL);
	gives(text, "error: AccountName is not present");
	forget();
	has("userPrincipalName", VALUE_STRING, "u@x");
	has("sAMAccountName", VALUE_STRING, "jdoe");
	gives(text, "u@x");
}

#define TYPE_BITS                                                              \
	"CBool(IIF(IsPresent([msExchRecipientTypeDetails]),BitAnd("            \
	"[msExchRecipientTypeDetails],&H21C07000) > 0,NULL))"
#define CONFLICT "CBool(InStr(DNComponent(CRef([dn]),1),\"\\\\0ACNF:\")>0)"
#define FILTERED                                                               \
	"IIF(IsPresent([isCriticalSystemObject]) || "                          \
	"IsPresent([sAMAccountName]) = False || "                              \
	"[sAMAccountName] = \"SUPPORT_388945a0\" || "                          \
	"Left([mailNickname], 14) = \"SystemMailbox{\" || "                    \
	"Left([sAMAccountName], 4) = \"AAD_\" || "                             \
	"(Left([mailNickname], 4) = \"CAS_\" && "                              \
	"(InStr([mailNickname], \"}\") > 0)) || "                              \
	"(Left([sAMAccountName], 4) = \"CAS_\" && "                            \
	"(InStr([sAMAccountName], \"}\") > 0)) || "                            \
	"Left([sAMAccountName], 5) = \"MSOL_\" || " TYPE_BITS " || " CONFLICT  \
	", True, NULL)"

static void filtered_user(const char *sam, const char *dn)
{
	forget();
	has("isCriticalSystemObject", VALUE_BOOLEAN, NULL);
	has("sAMAccountName", VALUE_STRING, sam);
	has("mailNickname", VALUE_STRING, NULL);
	has("msExchRecipientTypeDetails", VALUE_INTEGER, NULL);
	has("dn", VALUE_REFERENCE, dn);
}

static void t10_cloud_filtered(void **state)
{
	(void)state;
	filtered_user("MSOL_123", "CN=a,DC=x");
	gives(FILTERED, "True");
	filtered_user("jdoe", "CN=a,DC=x");
	gives(FILTERED, "NULL");
	filtered_user(NULL, "CN=a,DC=x");
	gives(FILTERED, "True");
	filtered_user("jdoe", "CN=Bob\\0ACNF:guid,DC=x");
	gives(FILTERED, "True");
	filtered_user("cas_{1}", "CN=a,DC=x");
	gives(FILTERED, "True");
}

static void t11_type_bits(void **state)
{
	static const int64_t bits[] = { 0x1000,    0x2000,   0x4000,
					0x400000,  0x800000, 0x1000000,
					0x20000000 };
	char text[32];
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		forget();
		(void)snprintf(text, sizeof(text), "%lld", (long long)bits[i]);
		has("msExchRecipientTypeDetails", VALUE_INTEGER, text);
		gives(TYPE_BITS, "True");
	}
	forget();
	has("msExchRecipientTypeDetails", VALUE_INTEGER, "1");
	gives(TYPE_BITS, "False");
	forget();
	has("msExchRecipientTypeDetails", VALUE_INTEGER, NULL);
	gives(TYPE_BITS, "False");
}

static void t12_conflict_object(void **state)
{
	(void)state;
	has("dn", VALUE_STRING, "CN=Bob\\0ACNF:guid,DC=x");
	gives(CONFLICT, "True");
	forget();
	has("dn", VALUE_STRING, "CN=Bob,DC=x");
	gives(CONFLICT, "False");
}

static void t13_imported_value(void **state)
{
	(void)state;
	has_view(EXPR_VIEW_IMPORTED, "sourceAnchor", VALUE_STRING, NULL);
	has("sourceAnchor", VALUE_STRING, "A");
	gives("ImportedValue(\"sourceAnchor\")", "NULL");
	forget();
	has_view(EXPR_VIEW_IMPORTED, "sourceAnchor", VALUE_STRING, "A");
	gives("ImportedValue(\"sourceAnchor\")", "A");
}

static void t14_country_code(void **state)
{
	const char *text = "IIF(IsNullOrEmpty([countryCode]),IgnoreThisFlow,"
			   "[countryCode])";

	(void)state;
	has("countryCode", VALUE_INTEGER, NULL);
	gives(text, "IgnoreThisFlow");
	forget();
	has("countryCode", VALUE_INTEGER, "44");
	gives(text, "44");
}

static void t15_account_enabled(void **state)
{
	static const char *const controls[] = { "512", "514", "66048",
						"66050" };
	static const char *const results[] = { "True", "False", "True",
					       "False" };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		forget();
		has("userAccountControl", VALUE_INTEGER, controls[i]);
		gives("IIF(BitAnd([userAccountControl],2)=0,True,False)",
		      results[i]);
	}
}

static void t16_description(void **state)
{
	const char *text =
		"IIF(IsNullOrEmpty([description]),NULL,Left(Trim(Item("
		"[description],1)),448))";
	char long_text[501];
	char expected[449];

	(void)state;
	has_multi("description", VALUE_STRING, "  abc  ");
	gives(text, "abc");
	forget();
	has_multi("description", VALUE_STRING, NULL);
	gives(text, "NULL");
	forget();
	memset(long_text, 'x', 500);
	long_text[500] = '\0';
	memset(expected, 'x', 448);
	expected[448] = '\0';
	has_multi("description", VALUE_STRING, long_text);
	gives(text, expected);
}

static void t17_display_name(void **state)
{
	(void)state;
	has("displayName", VALUE_STRING, "");
	has("cn", VALUE_STRING, "Bob");
	gives("IIF(IsNullOrEmpty([displayName]),[cn],[displayName])", "Bob");
}

static void t18_proxy_addresses(void **state)
{
	(void)state;
	has_view(EXPR_VIEW_IMPORTED, "proxyAddresses", VALUE_STRING,
		 " SMTP:a@x |SMTP:a@x|smtp:b@x");
	gives("RemoveDuplicates(Trim(ImportedValue(\"proxyAddresses\")))",
	      "SMTP:a@x | smtp:b@x");
}

static void t19_source_object_type(void **state)
{
	static const char *const types[] = { "2", "1", NULL };
	static const char *const results[] = { "NULL", "User", "User" };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		forget();
		has("msExchRecipientTypeDetails", VALUE_INTEGER, types[i]);
		gives("IIF(IsPresent([msExchRecipientTypeDetails]), IIF("
		      "[msExchRecipientTypeDetails]=2, NULL, \"User\"), "
		      "\"User\")",
		      results[i]);
	}
}

static void t20_senders_hash(void **state)
{
	(void)state;
	has("cloudSOAExchMailbox", VALUE_BOOLEAN, "false");
	has("cloudMSExchSafeSendersHash", VALUE_BINARY, "0102");
	gives("IIF([cloudSOAExchMailbox] = "
	      "True,[cloudMSExchSafeSendersHash],IgnoreThisFlow)",
	      "IgnoreThisFlow");
}

static void t21_mail_enabled(void **state)
{
	const char *text =
		"IIF(( (IsPresent([proxyAddresses]) = True) && "
		"(Contains([proxyAddresses], \"SMTP:\") > 0) && "
		"(InStr(Item([proxyAddresses], Contains([proxyAddresses], "
		"\"SMTP:\")), \"@\") > 0)) ||  (IsPresent([mail]) = True && "
		"(InStr([mail], \"@\") > 0)), True, False)";
	static const char *const cases[][3] = {
		{ "smtp:a@x", NULL, "False" },
		{ "SMTP:a@x", NULL, "True" },
		{ "smtp:b@x|SMTP:a@x", NULL, "True" },
		{ NULL, "a@x", "True" },
		{ NULL, "ax", "False" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++) {
		forget();
		has_multi("proxyAddresses", VALUE_STRING, cases[i][0]);
		has("mail", VALUE_STRING, cases[i][1]);
		gives(text, cases[i][2]);
	}
}

static void t22_security_enabled(void **state)
{
	(void)state;
	has("groupType", VALUE_INTEGER, "-2147483646");
	gives("CBool(BitAnd([groupType],-2147483648))", "True");
	forget();
	has("groupType", VALUE_INTEGER, "2");
	gives("CBool(BitAnd([groupType],-2147483648))", "False");
}

static void t23_member_count(void **state)
{
	(void)state;
	has("member", VALUE_REFERENCE, "cn=a|cn=b|cn=c");
	gives("ValueCount(\"member\")", "3");
}

static void t24_cloud_mailbox(void **state)
{
	static const char *const types[] = { "1073741824", "6", NULL };
	static const char *const results[] = { "True", "False", "False" };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		forget();
		has("cloudMSExchRecipientDisplayType", VALUE_INTEGER, types[i]);
		gives("CBool(IIF(IsNullOrEmpty("
		      "[cloudMSExchRecipientDisplayType]),NULL,BitAnd("
		      "[cloudMSExchRecipientDisplayType],&HFF) = 0))",
		      results[i]);
	}
}

static void t25_x500(void **state)
{
	const char *text =
		"IIF(IsNullOrEmpty([cloudLegacyExchangeDN]),NULL,\"x500:\" & "
		"[cloudLegacyExchangeDN])";

	(void)state;
	has("cloudLegacyExchangeDN", VALUE_STRING, "/o=Org/cn=a");
	gives(text, "x500:/o=Org/cn=a");
	forget();
	has("cloudLegacyExchangeDN", VALUE_STRING, NULL);
	gives(text, "NULL");
}

static void t26_mail_nickname(void **state)
{
	(void)state;
	has("mailNickname", VALUE_STRING, NULL);
	has("cn", VALUE_STRING, "Bob");
	gives("IIF(IsPresent([mailNickname]), [mailNickname], [cn])", "Bob");
}

static void t27_computer_filtered(void **state)
{
	(void)state;
	has_multi("userCertificate", VALUE_BINARY, NULL);
	gives("IIF(IsNullOrEmpty([userCertificate]),True,NULL)", "True");
	forget();
	has_multi("userCertificate", VALUE_BINARY, "00|01");
	gives("IIF(IsNullOrEmpty([userCertificate]),True,NULL)", "NULL");
}

static void t28_primary_address(void **state)
{
	(void)state;
	has("proxyAddresses", VALUE_STRING, "smtp:b@x|SMTP:a@x");
	gives("Mid(Item([proxyAddresses],Contains([proxyAddresses], "
	      "\"SMTP:\")),6)",
	      "a@x");
}

static void t29_word_per_value(void **state)
{
	(void)state;
	has("proxyAddresses", VALUE_STRING, "SMTP:a@x|smtp:b@y");
	gives("Word([proxyAddresses],1,\"@\") & \"@contoso.com\"",
	      "SMTP:a@contoso.com | smtp:b@contoso.com");
}

static void t30_switch(void **state)
{
	const char *text =
		"Switch([city]=\"London\",\"English\",[city]=\"Rome\","
		"\"Italian\",True,Error(\"Unknown city\"))";

	(void)state;
	has("city", VALUE_STRING, "Rome");
	gives(text, "Italian");
	forget();
	has("city", VALUE_STRING, "Oslo");
	gives(text, "error: Unknown city");
}

/* What stands in the folder of a customer that synchronizes two forests. */
static void two_forests(void **state)
{
	(void)state;
	has("proxyAddresses", VALUE_STRING, "SMTP:a@x|x500:/o=1|X500:/o=2");
	gives("Select($p, Where($q, [proxyAddresses], LCase(Left($q, 5)) = "
	      "\"x500:\"), Mid($p, 6))",
	      "/o=1 | /o=2");
	has("homeMDB", VALUE_REFERENCE, "cn=mdb");
	has("targetAddress", VALUE_STRING, "t");
	gives("IIF(IsPresent([homeMDB]), Coalesce(ProxyForSuffix("
	      "[proxyAddresses], %Suffixes%), Error(\"no proxy address in the "
	      "suffix\")), [targetAddress])",
	      "SMTP:a@x");
	has("legacyExchangeDN", VALUE_STRING, "/o=2|/o=3");
	gives("Proxies([proxyAddresses], \"X500:\" & [legacyExchangeDN])",
	      "SMTP:a@x | x500:/o=1 | X500:/o=2 | X500:/o=3");
	has("cn", VALUE_STRING, "Bob");
	gives("\"CN=\" & EscapeDNComponent(Left([cn], 58) & \"(\" & CStr($n - "
	      "1) & \")\") & \",DC=x\"",
	      "CN=Bob(1),DC=x");
	has("dn", VALUE_STRING, "CN=a,OU=Admins,DC=corp,DC=test");
	gives("Not(InContainer([dn], \"OU=Admins,DC=corp,DC=test\"))", "False");
	has_view(EXPR_VIEW_CURRENT, "userAccountControl", VALUE_INTEGER, "514");
	has("active", VALUE_BOOLEAN, "true");
	gives("IIF([active], BitAnd(Current(\"userAccountControl\"), -3), "
	      "BitOr(Current(\"userAccountControl\"), 2))",
	      "512");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(t01_dn_in_hex),
		CASE(t02_member_count),
		CASE(t03_source_anchor),
		CASE(t04_connector_id),
		CASE(t05_domain_fqdn),
		CASE(t06_sid),
		CASE(t07_password_last_set),
		CASE(t08_anchor_from_guid),
		CASE(t09_principal_name),
		CASE(t10_cloud_filtered),
		CASE(t11_type_bits),
		CASE(t12_conflict_object),
		CASE(t13_imported_value),
		CASE(t14_country_code),
		CASE(t15_account_enabled),
		CASE(t16_description),
		CASE(t17_display_name),
		CASE(t18_proxy_addresses),
		CASE(t19_source_object_type),
		CASE(t20_senders_hash),
		CASE(t21_mail_enabled),
		CASE(t22_security_enabled),
		CASE(t23_member_count),
		CASE(t24_cloud_mailbox),
		CASE(t25_x500),
		CASE(t26_mail_nickname),
		CASE(t27_computer_filtered),
		CASE(t28_primary_address),
		CASE(t29_word_per_value),
		CASE(t30_switch),
		CASE(two_forests),
	};

	return cmocka_run_group_tests(tests, NULL, release_all);
}
