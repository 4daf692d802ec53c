/*
 * compare.c - how SQL Server compares texts, dates and long numbers
 *
 * Collations of SQLite: a column of such a type has one of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tds.h"

#include <stdio.h>
#include <stdlib.h>

static int fold(const unsigned char *text, size_t len, size_t i)
{
	int c = text[i];

	if (c >= 'A' && c <= 'Z')
		return c + 32;
	/* the letters of Latin-1 in UTF-8 */
	if (i > 0 && text[i - 1] == 0xc3 && c >= 0x80 && c <= 0x9e && c != 0x97)
		return c + 32;
	(void)len;
	return c;
}

/* Without case, and without blanks at the end. */
static int compare_ci(void *data, int a_len, const void *a, int b_len,
		      const void *b)
{
	const unsigned char *left = a;
	const unsigned char *right = b;
	size_t n = (size_t)a_len;
	size_t m = (size_t)b_len;

	(void)data;
	while (n && left[n - 1] == ' ')
		n--;
	while (m && right[m - 1] == ' ')
		m--;
	for (size_t i = 0; i < n && i < m; i++) {
		int diff = fold(left, n, i) - fold(right, m, i);

		if (diff)
			return diff;
	}
	return n < m ? -1 : n > m;
}

static int compare_date(void *data, int a_len, const void *a, int b_len,
			const void *b)
{
	struct moment left;
	struct moment right;

	if (!moment_parse(sv_make(a, (size_t)a_len), &left) ||
	    !moment_parse(sv_make(b, (size_t)b_len), &right))
		return compare_ci(data, a_len, a, b_len, b);
	moment_move(&left, left.offset * INT64_C(-600000000));
	moment_move(&right, right.offset * INT64_C(-600000000));
	if (left.days != right.days)
		return left.days < right.days ? -1 : 1;
	return left.ticks < right.ticks ? -1 : left.ticks > right.ticks;
}

static int compare_number(void *data, int a_len, const void *a, int b_len,
			  const void *b)
{
	char left[80] = "";
	char right[80] = "";
	long double x;
	long double y;

	(void)data;
	(void)snprintf(left, sizeof(left), "%.*s", a_len, (const char *)a);
	(void)snprintf(right, sizeof(right), "%.*s", b_len, (const char *)b);
	x = strtold(left, NULL);
	y = strtold(right, NULL);
	return x < y ? -1 : x > y;
}

void compare_add(sqlite3 *db)
{
	(void)sqlite3_create_collation(db, "SQL_CI", SQLITE_UTF8, NULL,
				       compare_ci);
	(void)sqlite3_create_collation(db, "SQL_DATE", SQLITE_UTF8, NULL,
				       compare_date);
	(void)sqlite3_create_collation(db, "SQL_NUMBER", SQLITE_UTF8, NULL,
				       compare_number);
}
