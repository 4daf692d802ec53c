/*
 * progress.c - draw the live line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/progress.h"

#include "base/clock.h"

#include <string.h>
#include <unistd.h>

#define DRAW_MS   100
/* a rate over less than this says nothing */
#define STEADY_MS 1000

void progress_begin(struct progress *progress, const struct output *output,
		    const char *agent, const char *step)
{
	memset(progress, 0, sizeof(*progress));
	progress->live = !output->quiet && isatty(STDERR_FILENO) == 1;
	progress->started = clock_monotonic_ms();
	(void)snprintf(progress->what, sizeof(progress->what), "%s %s", agent,
		       step);
}

void progress_text(uint64_t objects, int permille, int64_t milliseconds,
		   struct strbuf *out)
{
	struct arena arena = ARENA_INIT;

	strbuf_addf(out, "%s object%s", output_number((int64_t)objects, &arena),
		    objects == 1 ? "" : "s");
	if (milliseconds >= STEADY_MS)
		strbuf_addf(
			out, ", %s/s",
			output_number((int64_t)objects * 1000 / milliseconds,
				      &arena));
	if (permille >= 0)
		strbuf_addf(out, ", %d%%", permille / 10);
	if (permille > 0 && permille <= 1000 && milliseconds >= STEADY_MS)
		strbuf_addf(out, ", %s left",
			    output_duration(milliseconds * (1000 - permille) /
						    permille / 1000 * 1000,
					    &arena));
	arena_release(&arena);
}

void progress_update(struct progress *progress, uint64_t objects, int permille)
{
	struct strbuf text = STRBUF_INIT(256);
	int64_t now = clock_monotonic_ms();

	if (!progress->live || now - progress->drawn < DRAW_MS)
		return;
	progress->drawn = now;
	progress->shown = true;
	progress_text(objects, permille, now - progress->started, &text);
	(void)fprintf(stderr, "\r\033[K%s: %s", progress->what,
		      strbuf_cstr(&text));
	(void)fflush(stderr);
	strbuf_release(&text);
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		(void)fputs("\r\033[K", stderr);
	progress->shown = false;
}
