/*
 * fuzz_review_file.c - any bytes as a file in which values were decided about
 *
 * What is taken of it is text, of one agent, and a guarded text is read back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "cli/review_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int fine)
{
	if (!fine)
		abort();
}

static void check_edit(const struct cleanup_edit *edit, struct arena *arena)
{
	check(edit->action != CLEANUP_NONE && edit->line > 1);
	check(text_is_utf8(edit->value) && text_is_utf8(edit->update));
	check(sv_eq(review_unguard(review_guard(edit->update, arena)),
		    edit->update));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct review_rows rows = { .edits = VEC_INIT };
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	const struct cleanup_edit *edit;
	int ret = review_read_text("file", sv_make((const char *)data, size),
				   &arena, &rows, &err);

	check((ret < 0) == (err.code != ERR_NONE));
	if (ret == 0) {
		check(!rows.edits.len || (rows.agent && rows.checks));
		vec_foreach(&rows.edits, edit)
			check_edit(edit, &arena);
	}
	vec_release(&rows.edits);
	arena_release(&arena);
	return 0;
}
