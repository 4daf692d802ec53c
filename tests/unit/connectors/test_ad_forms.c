/*
 * test_ad_forms.c - GUIDs, SIDs, times and passwords of Active Directory; names
 * of attributes that come in parts
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ad_private.h"
#include "connectors/ldap/ldap_private.h"

#include "session.h"

static struct arena arena = ARENA_INIT;

static void assert_text(struct sv s, const char *text)
{
	if (!sv_eq_str(s, text))
		fail_msg("'" SV_FMT "' is not '%s'", SV_ARG(s), text);
}

static void guids(void **state)
{
	char bytes[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	struct sv guid = sv_make(bytes, 16);
	const char *text = "03020100-0504-0706-0809-0a0b0c0d0e0f";

	(void)state;
	assert_text(ad_guid_text(guid, &arena), text);
	assert_true(sv_eq(ad_guid_bytes(sv_from(text), &arena), guid));
	assert_true(sv_eq(
		ad_guid_bytes(SV_LIT("{03020100-0504-0706-0809-0A0B0C0D0E0F}"),
			      &arena),
		guid));
	assert_null(ad_guid_text(sv_make(bytes, 15), &arena).ptr);
	assert_null(ad_guid_bytes(SV_LIT("03020100"), &arena).ptr);
	assert_null(
		ad_guid_bytes(SV_LIT("0302010g-0504-0706-0809-0a0b0c0d0e0f"),
			      &arena)
			.ptr);
	assert_null(
		ad_guid_bytes(SV_LIT("03020100050407060809-0a0b0c0d0e0f-0-"),
			      &arena)
			.ptr);
	arena_release(&arena);
}

static void sids(void **state)
{
	static const char *const bad[] = {
		"",
		"S-1",
		"S-1-",
		"S-1-5-",
		"S-1-5-x",
		"S-1--5",
		"X-1-5-2",
		"S-300-5",
		"S-1-5-",
		"S-1-5-4294967296",
		"S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
	};
	unsigned char bytes[] = { 1,  2, 0, 0, 0, 0, 0, 5,
				  32, 0, 0, 0, 1, 2, 3, 255 };
	struct sv sid = sv_make((char *)bytes, 16);
	size_t i;

	(void)state;
	assert_text(ad_sid_text(sid, &arena), "S-1-5-32-4278387201");
	assert_true(sv_eq(ad_sid_bytes(SV_LIT("S-1-5-32-4278387201"), &arena),
			  sid));
	assert_null(ad_sid_text(sv_make((char *)bytes, 15), &arena).ptr);
	assert_null(ad_sid_text(sv_make((char *)bytes, 7), &arena).ptr);
	bytes[1] = 16;
	assert_null(ad_sid_text(sid, &arena).ptr);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (ad_sid_bytes(sv_from(bad[i]), &arena).ptr)
			fail_msg("'%s' is taken for a SID", bad[i]);
	arena_release(&arena);
}

static void passwords(void **state)
{
	(void)state;
	assert_true(sv_eq(ad_password_bytes(SV_LIT("aä"), &arena),
			  SV_LIT("\"\0a\0\xe4\0\"\0")));
	assert_true(sv_eq(ad_password_bytes(SV_LIT("\xf0\x9f\x98\x80"), &arena),
			  SV_LIT("\"\0\x3d\xd8\x00\xde\"\0")));
	assert_true(sv_eq(ad_password_bytes(SV_LIT("\xff"), &arena),
			  SV_LIT("\xff")));
	arena_release(&arena);
}

static int read_as(enum value_type type, struct sv bytes, struct value *out)
{
	const struct attr_def def = { .name = "accountExpires", .type = type };
	const struct ldap_form *form;

	for (form = ad_forms; strcmp(form->name, "accountExpires") != 0;)
		form++;
	return form->read(&def, bytes, &arena, out);
}

static void times(void **state)
{
	struct sv never = SV_LIT("9223372036854775807");
	struct value value;

	(void)state;
	assert_int_equal(
		read_as(VALUE_DATETIME, SV_LIT("129699324000000000"), &value),
		1);
	assert_text(value_text(&value, &arena), "2012-01-01T23:00:00Z");
	assert_int_equal(read_as(VALUE_DATETIME, SV_LIT("0"), &value), 2);
	assert_int_equal(read_as(VALUE_DATETIME, never, &value), 2);
	assert_int_equal(read_as(VALUE_DATETIME, SV_LIT("x"), &value), 0);
	assert_int_equal(read_as(VALUE_INTEGER, never, &value), 1);
	assert_int_equal(value.number, INT64_MAX);
	assert_int_equal(read_as(VALUE_STRING, never, &value), 1);
	arena_release(&arena);
}

static void parts(void **state)
{
	struct sv base;
	size_t next;

	(void)state;
	assert_true(
		ldap_range_name(SV_LIT("member;range=0-1499"), &base, &next));
	assert_text(base, "member");
	assert_int_equal(next, 1500);
	assert_true(
		ldap_range_name(SV_LIT("member;range=1500-*"), &base, &next));
	assert_int_equal(next, 0);
	assert_false(ldap_range_name(SV_LIT("member"), &base, &next));
	assert_false(ldap_range_name(SV_LIT("userCertificate;binary"), &base,
				     &next));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guids),     cmocka_unit_test(sids),
		cmocka_unit_test(passwords), cmocka_unit_test(times),
		cmocka_unit_test(parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
