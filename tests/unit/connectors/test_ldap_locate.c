/*
 * test_ldap_locate.c - servers by DNS: the answer, and the order
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/locate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* As a name server sends it: the question, three records, one of them no SRV;
 * the second name is told by where the first one stands. */
static const unsigned char answer[] = {
	0,
	1,
	0x81,
	0x80,
	0,
	1,
	0,
	3,
	0,
	0,
	0,
	0,
	/* question: s.corp.test SRV IN, at 12 */
	1,
	's',
	4,
	'c',
	'o',
	'r',
	'p',
	4,
	't',
	'e',
	's',
	't',
	0,
	0,
	33,
	0,
	1,
	/* dc1.corp.test, priority 10, weight 5, port 389 */
	0xc0,
	12,
	0,
	33,
	0,
	1,
	0,
	0,
	2,
	88,
	0,
	12,
	0,
	10,
	0,
	5,
	1,
	133,
	3,
	'd',
	'c',
	'1',
	0xc0,
	14,
	/* an A record */
	0xc0,
	12,
	0,
	1,
	0,
	1,
	0,
	0,
	2,
	88,
	0,
	4,
	127,
	0,
	0,
	1,
	/* dc2.corp.test, priority 0, weight 0, port 3268 */
	0xc0,
	12,
	0,
	33,
	0,
	1,
	0,
	0,
	2,
	88,
	0,
	12,
	0,
	0,
	0,
	0,
	12,
	196,
	3,
	'd',
	'c',
	'2',
	0xc0,
	14,
};

static void test_parse(void **state)
{
	struct arena arena = ARENA_INIT;
	struct ldap_srv *list;
	size_t len;

	(void)state;
	assert_int_equal(ldap_srv_parse(answer, sizeof(answer), &arena, &list),
			 2);
	assert_string_equal(list[0].target, "dc1.corp.test");
	assert_int_equal(list[0].priority, 10);
	assert_int_equal(list[0].weight, 5);
	assert_int_equal(list[0].port, 389);
	assert_string_equal(list[1].target, "dc2.corp.test");
	assert_int_equal(list[1].port, 3268);
	/* cut off anywhere */
	for (len = 0; len < sizeof(answer); len++) {
		unsigned char *part = arena_alloc(&arena, len + 1);

		memcpy(part, answer, len);
		assert_true(ldap_srv_parse(part, len, &arena, &list) < 2);
	}
	arena_release(&arena);
}

static uint32_t next_number(void *data)
{
	uint32_t *number = data;

	return (*number)++;
}

/* How often `first` comes first among those of one priority. */
static int count_first(const struct ldap_srv *list, size_t count,
		       const char *first)
{
	uint32_t number = 0;
	int found = 0;
	int i;

	for (i = 0; i < 303; i++) {
		struct ldap_srv copy[4];

		memcpy(copy, list, count * sizeof(*list));
		number = (uint32_t)i;
		ldap_srv_order(copy, count, next_number, &number);
		found += !strcmp(copy[0].target, first);
	}
	return found;
}

static void test_order(void **state)
{
	const struct ldap_srv list[] = {
		{ 20, 100, 389, "last" },
		{ 10, 75, 389, "much" },
		{ 10, 25, 389, "little" },
		{ 10, 0, 389, "none" },
	};
	struct ldap_srv one[4];
	uint32_t number = 7;

	(void)state;
	memcpy(one, list, sizeof(list));
	ldap_srv_order(one, 4, next_number, &number);
	assert_string_equal(one[3].target, "last");
	assert_int_equal(count_first(list, 4, "much"), 225);
	assert_int_equal(count_first(list, 4, "little"), 75);
	assert_int_equal(count_first(list, 4, "none"), 3);
	assert_int_equal(count_first(list, 4, "last"), 0);
	ldap_srv_order(one, 0, next_number, &number);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
