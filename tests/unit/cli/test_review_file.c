/*
 * test_review_file.c - the file in which a person decides about values
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/review_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD                                                                   \
	"distinguishedName,commonName,objectClass,attribute,error,value,"      \
	"update,action,set,anchor,agent,checks\n"

/* "LINE:attribute:value>update:ACTION " of each row with an action, or the
 * error. */
static const char *read_text(struct sv text)
{
	static char told[2048];
	struct strbuf log = STRBUF_INIT(sizeof(told) - 1);
	struct review_rows rows = { .edits = VEC_INIT };
	const struct cleanup_edit *edit;
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;

	if (review_read_text("", text, &arena, &rows, &err) < 0)
		strbuf_adds(&log, err.msg);
	else
		vec_foreach(&rows.edits, edit)
			strbuf_addf(&log,
				    "%zu:" SV_FMT ":" SV_FMT ">" SV_FMT ":%s ",
				    edit->line, SV_ARG(edit->attr),
				    SV_ARG(edit->value), SV_ARG(edit->update),
				    cleanup_action_name(edit->action));
	(void)snprintf(told, sizeof(told), "%s", strbuf_cstr(&log));
	strbuf_release(&log);
	vec_release(&rows.edits);
	arena_release(&arena);
	return told;
}

#define READ(text) read_text(SV_LIT(text))

static void rows(void **state)
{
	(void)state;
	assert_string_equal(READ(HEAD), "");
	assert_string_equal(READ(HEAD "d,n,t,mail,E,a,b,EDIT,,1,ad,idfix\n"
				      "d,n,t,mail,E,c,,Remove ,,1,ad,idfix\n"
				      "d,n,t,mail,E,d,,,,1,ad,idfix\n"
				      ",,,,,,,,,,,\n"
				      "d,n,t,sn,E,e,,COMPLETE,,1,ad,idfix\n"),
			    "2:mail:a>b:EDIT 3:mail:c>:REMOVE "
			    "6:sn:e>:COMPLETE ");
	assert_string_equal(
		READ(HEAD "d,n,t,mail,E,'=a,'-b,EDIT,,1,ad,idfix\r\n"
			  "d,n,t,mail,E,\"a,\"\"b\n\",'c,EDIT,,1,ad,idfix\r\n"),
		"2:mail:=a>-b:EDIT 3:mail:a,\"b\n>'c:EDIT ");
}

static void faults(void **state)
{
	(void)state;
	assert_non_null(strstr(READ(""), "is empty: make it with"));
	assert_non_null(strstr(READ("a,b\n"),
			       ":1: column 1 is not 'distinguishedName'"));
	assert_string_equal(READ(HEAD "d,n,t\n"),
			    ":2: 3 columns instead of 12");
	assert_string_equal(READ(HEAD "d,n,t,mail,E,a,b,UNDO,,1,ad,idfix\n"),
			    ":2: 'UNDO' is no action: EDIT, REMOVE, COMPLETE, "
			    "or nothing");
	assert_string_equal(READ(HEAD "d,n,t,mail,E,a,b,,,1,ad,idfix\n"
				      "d,n,t,mail,E,a,b,,,1,hr,idfix\n"),
			    ":3: 'agent' is 'hr', in the rows before it is "
			    "'ad'");
	assert_string_equal(READ(HEAD "d,n,t,mail,E,a,\xe4,EDIT,,1,ad,m365\n"),
			    ":2: 'update' is not UTF-8: save the file as 'CSV "
			    "UTF-8'");
	assert_string_equal(READ(HEAD "d,n,t,mail,E,a,\0,EDIT,,1,ad,m365\n"),
			    ":2: 'update' has a byte 0");
}

static void formulas(void **state)
{
	static const char *const texts[] = {
		"",    "a",    "=a",   "+a", "-a", "@a",     "\ta", "'a",
		"'=a", "''=a", "'''a", "'",  "''", "o'neil", "'-",  "=",
	};
	struct arena arena = ARENA_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct sv text = sv_from(texts[i]);
		struct sv guarded = review_guard(text, &arena);

		assert_true(sv_eq(review_unguard(guarded), text));
		assert_false(guarded.len && strchr("=+-@\t", guarded.ptr[0]));
	}
	assert_true(sv_eq_str(review_guard(SV_LIT("=1"), &arena), "'=1"));
	assert_true(sv_eq_str(review_guard(SV_LIT("'a"), &arena), "'a"));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(faults),
		cmocka_unit_test(formulas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
