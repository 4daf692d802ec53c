/*
 * tell.h - what `preview` and `explain` share: the object, values, sections
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_TELL_H
#define CLI_TELL_H

#include "cli/session.h"
#include "inspect/preview.h"

/*
 * Opens a right configuration and its store, begins a read snapshot and finds
 * the object that the words name. RUN_OK: *used_out words were taken; else it
 * has been reported and nothing is left open.
 */
enum run_exit tell_open(struct session *session, struct cli *cli,
			struct subject *out, size_t *used_out);
void tell_close(struct session *session);

/* {"kind":"cs"|"mv","id",...}: which object it is about. */
json_t *tell_object_json(const struct subject_view *view, struct arena *arena);
/* One line that says the same. */
void tell_object(struct cli *cli, const struct subject_view *view);

/* What would happen to the object, as `preview` tells it: text, or JSON. */
void tell_preview(struct cli *cli, const struct subject_view *view,
		  const struct preview *preview);

/* A heading at the beginning of a line. */
void tell_heading(struct cli *cli, const char *text);

/* Joined by "; ", escaped; at most `limit` values, none longer than that many
 * columns; 0: all of them. "(none)" without values. */
const char *tell_values(struct cli *cli, const struct display_texts *texts,
			size_t limit);
/* "old -> new" */
const char *tell_change(struct cli *cli, const struct display_texts *before,
			const struct display_texts *after, size_t limit);
/* What tell_values() takes where several lines stand below one another. */
#define TELL_SHORT 60

/* Prints `text` and blanks up to `width` columns. */
void tell_padded(const char *text, size_t width);
/* The larger one of `width` and the columns of `text`, but not above `most`. */
size_t tell_wider(const char *text, size_t width, size_t most);

/* "  agents/hr.yaml:12", dimmed; nothing without a rule. */
void tell_place(struct cli *cli, const char *rule);

#endif
