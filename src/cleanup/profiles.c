/*
 * profiles.c - the checks that come with the program
 *
 * `idfix` and `idfix-dedicated` find what IdFix 2.6 found, for the two kinds of
 * tenants it knew; where its documents and its code differed, what it was meant
 * to do. `m365` is what Microsoft asks for before directories are synchronized
 * with Microsoft 365.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cleanup/cleanup_private.h"

#include <string.h>

/* clang-format off */

/* Objects that neither kind of tenant looks at. */
#define SKIP_ALWAYS \
	"skip:\n" \
	"  - 'Right([cn], 1) = \"$\"'\n" \
	"  - 'InStr([cn], \"Admini\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"CAS_{\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"DiscoverySearchMailbox\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"FederatedEmail\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"Guest\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"HTTPConnector\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"krbtgt\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"iusr_\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"iwam\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"msol\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"support_\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"SystemMailbox\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"WWIOadmini\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"HealthMailbox\", 1, vbTextCompare) = 1'\n" \
	"  - 'InStr([cn], \"Exchange Online-ApplicationAccount\", 1, vbTextCompare) = 1'\n" \
	"  # left over by a conflict between domain controllers\n" \
	"  - 'InStr([@dn], \"\\0ACNF:\", 1, vbTextCompare) > 0'\n" \
	"  - 'CStr([isCriticalSystemObject]) = \"True\"'\n"

static const char IDFIX[] =
	"about: what IdFix finds for a tenant of many customers\n"
	SKIP_ALWAYS
	"  # accounts of Exchange and of the synchronization itself\n"
	"  - 'InStr([sAMAccountName], \"CAS_\", 1, vbTextCompare) = 1'\n"
	"  - 'InStr([sAMAccountName], \"SUPPORT_\", 1, vbTextCompare) = 1'\n"
	"  - 'InStr([sAMAccountName], \"MSOL_\", 1, vbTextCompare) = 1'\n"
	"  - 'InStr([mailNickname], \"CAS_\", 1, vbTextCompare) = 1'\n"
	"  - 'InStr([mailNickname], \"SystemMailbox\", 1, vbTextCompare) = 1'\n"
	"  - 'CStr([msExchHideFromAddressLists]) = \"True\" && InStr([displayName], \"MSOL\", 1, vbTextCompare) = 1'\n"
	"  - 'IsPresent(CStr([msExchRecipientTypeDetails])) && InStr(\",4096,8192,16384,4194304,8388608,16777216,536870912,\", \",\" & CStr([msExchRecipientTypeDetails]) & \",\") > 0'\n"
	"  # groups that are not mail-enabled\n"
	"  - '[@type] = \"group\" && Left(CStr([groupType]), 1) = \"-\" && Not(IsPresent([mail]))'\n"
	"  - '[@type] = \"group\" && Left(CStr([groupType]), 1) <> \"-\" && Count([proxyAddresses]) = 0'\n"
	"checks:\n"
	"  displayName:\n"
	"    - { length: 255 }\n"
	"    - { blank: true, fix: '[cn]' }\n"
	"  givenName:\n"
	"    - { length: 63 }\n"
	"  mail:\n"
	"    - { length: 256 }\n"
	"    - { unique: true, action: 'IIF(IsPresent([mailNickname]), \"COMPLETE\", \"EDIT\")' }\n"
	"  mailNickname:\n"
	"    - { length: 64 }\n"
	"    - { begins: '.', fix: '[cn]' }\n"
	"    - { unique: true, action: 'IIF(IsPresent([homeMDB]), \"COMPLETE\", \"EDIT\")' }\n"
	"  proxyAddresses:\n"
	"    - { length: 256 }\n"
	"    - colon\n"
	"    - { unique: true, action: 'IIF(InStr([@value], \"smtp:\", 1, vbTextCompare) = 0, \"EDIT\", IIF(IsPresent([mailNickname]), \"COMPLETE\", \"REMOVE\"))' }\n"
	"    - { characters: '<>();,[]\"', white_space: true, of: smtp }\n"
	"    - { address: true, of: smtp }\n"
	"    - { characters: \"\\f\\n\\r\\t\\v[]\\\"'\", of: x400 }\n"
	"    - { characters: '<>(),[]\"', white_space: true, of: other }\n"
	"  sAMAccountName:\n"
	"    - { length: 20, types: [user, inetOrgPerson] }\n"
	"    - { length: 256, when: '[@type] <> \"user\" && [@type] <> \"inetOrgPerson\"' }\n"
	"    - { characters: '\\\"|,/[]:<>+=;?*', fix: '[cn]' }\n"
	"    - { unique: true, when: 'Not(IsPresent([userPrincipalName]))', action: 'IIF(IsPresent([mailNickname]), \"COMPLETE\", \"EDIT\")' }\n"
	"  targetAddress:\n"
	"    - { length: 255 }\n"
	"    - colon\n"
	"    - { unique: true, action: '\"EDIT\"' }\n"
	"    - { characters: '\\<>();,[]\"', white_space: true, of: smtp }\n"
	"    - { address: true, of: smtp }\n"
	"    - { characters: '\\<>(),[]\"', white_space: true, of: [x400, other] }\n"
	"  userPrincipalName:\n"
	"    - { length: 113 }\n"
	"    - { characters: '\\%&*+/=?{}|<>();:,[]\"\xc3\xa4\xc3\xab\xc3\xaf\xc3\xb6\xc3\xbc\xc3\xbf\xc3\x84\xc3\x8b\xc3\x8f\xc3\x96\xc3\x9c\xc5\xb8', white_space: true }\n"
	"    - address\n"
	"    - { unique: true, action: 'IIF(IsPresent([mailNickname]), \"COMPLETE\", \"EDIT\")' }\n";

static const char IDFIX_DEDICATED[] =
	"about: what IdFix finds for a dedicated tenant\n"
	SKIP_ALWAYS
	"checks:\n"
	"  displayName:\n"
	"    - { length: 256 }\n"
	"    - trim\n"
	"    - { blank: true, types: group, fix: 'Left([cn], 255)' }\n"
	"  mail:\n"
	"    - { length: 256 }\n"
	"    - { characters: '', white_space: true }\n"
	"    - { address: true }\n"
	"    - { unique: true, action: 'IIF(IsPresent([mailNickname]), \"COMPLETE\", \"EDIT\")' }\n"
	"  mailNickname:\n"
	"    - { length: 64 }\n"
	"    - { characters: '\\!#$%&*+/=?^`{}|~<>()'';:,[]\"@', white_space: true }\n"
	"    - { unique: true, action: 'IIF(IsPresent([homeMDB]), \"COMPLETE\", \"EDIT\")' }\n"
	"    - { blank: true, types: [contact, user], fix: 'Coalesce(IIF(IsPresent([givenName]) && IsPresent([sn]), [givenName] & \".\" & [sn], NULL), [sAMAccountName], [cn])' }\n"
	"    - { begins: '.', fix: '[cn]' }\n"
	"    - { ends: '.', fix: '[cn]' }\n"
	"  proxyAddresses:\n"
	"    - { length: 256 }\n"
	"    - colon\n"
	"    - { unique: true, action: 'IIF(InStr([@value], \"smtp:\", 1, vbTextCompare) = 0, \"EDIT\", IIF(IsPresent([mailNickname]), \"COMPLETE\", \"REMOVE\"))' }\n"
	"    - { address: true, of: smtp }\n"
	"  targetAddress:\n"
	"    - { length: 256 }\n"
	"    - { blank: true, types: contact, when: 'IsPresent([mail])', fix: 'Left(\"SMTP:\" & [mail], 256)' }\n"
	"    - { blank: true, types: user, when: 'Not(IsPresent([homeMDB]))' }\n"
	"    - { address: true, of: smtp }\n"
	"    - if: 'InStr([@value], \"smtp:\", 1, vbTextCompare) = 1 && IsPresent([mail]) && LCase(Mid([@value], 6)) <> LCase([mail])'\n"
	"      error: Format\n"
	"      types: contact\n"
	"      fix: 'Left(\"SMTP:\" & [mail], 256)'\n";

static const char M365[] =
	"about: what Microsoft 365 wants before directories are synchronized with it\n"
	SKIP_ALWAYS
	"checks:\n"
	"  displayName:\n"
	"    - { length: 256 }\n"
	"    - { blank: true, fix: '[cn]' }\n"
	"  givenName:\n"
	"    - { length: 64 }\n"
	"  mail:\n"
	"    - { address: true }\n"
	"    - { unique: addresses, action: 'IIF(IsPresent([mailNickname]), \"COMPLETE\", \"EDIT\")' }\n"
	"  mailNickname:\n"
	"    - { length: 64 }\n"
	"    - { begins: '.', fix: '[cn]' }\n"
	"    - { characters: '', white_space: true, diacritics: true }\n"
	"    - unique\n"
	"  proxyAddresses:\n"
	"    - { length: 256 }\n"
	"    - colon\n"
	"    - { characters: '<>();,[]\"', white_space: true, diacritics: true, of: smtp }\n"
	"    - { address: true, of: smtp }\n"
	"    - { unique: addresses, action: 'IIF(IsPresent([mailNickname]), \"COMPLETE\", \"REMOVE\")' }\n"
	"  sAMAccountName:\n"
	"    - { length: 20, types: [user, inetOrgPerson] }\n"
	"    - { characters: '[\\\"|,/:<>+=;?*'']', fix: '[cn]' }\n"
	"    - { unique: true, when: 'Not(IsPresent([userPrincipalName]))' }\n"
	"  targetAddress:\n"
	"    - { length: 256 }\n"
	"    - { characters: '\\<>();,[]\"', white_space: true, of: smtp }\n"
	"    - { address: true, of: smtp }\n"
	"    - unique\n"
	"  userPrincipalName:\n"
	"    - { blank: true, types: [user, inetOrgPerson], fix: '[mail]' }\n"
	"    - { characters: '\\%&*+/=?{}|<>();:,[]\"', white_space: true, diacritics: true }\n"
	"    - address\n"
	"    # at most 64 characters before the @ and 48 behind it\n"
	"    - if: 'InStr([@value], \"@\") > 65'\n"
	"      error: Length\n"
	"      fix: 'Left([@value], 64) & Mid([@value], InStr([@value], \"@\"))'\n"
	"    - { if: 'Len([@value]) - InStr([@value], \"@\") > 48', error: Length }\n"
	"    - unique\n";

/* clang-format on */

const char *const checks_names[] = { "idfix", "idfix-dedicated", "m365", NULL };

static const char *const texts[] = { IDFIX, IDFIX_DEDICATED, M365 };

const char *checks_text(const char *name)
{
	size_t i;

	for (i = 0; checks_names[i]; i++)
		if (!strcmp(checks_names[i], name))
			return texts[i];
	return NULL;
}
