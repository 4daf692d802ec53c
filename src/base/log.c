/*
 * log.c - write events as "time level event name=value ..."
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>

static enum log_level threshold = LOG_LEVEL_WARN;

static const char *const LEVELS[] = { "error", "warn", "info", "debug" };

void log_set_level(enum log_level level)
{
	threshold = level;
}

void log_init(void)
{
	const char *name = getenv("CONJOIN_LOG");
	size_t i;

	for (i = 0; name && i < sizeof(LEVELS) / sizeof(*LEVELS); i++)
		if (sv_ieq_str(sv_from(name), LEVELS[i]))
			threshold = (enum log_level)i;
}

/* Control characters would forge lines; they are shown as \xNN. */
static void add_text(struct strbuf *sb, struct sv text)
{
	size_t i;

	strbuf_addc(sb, '"');
	for (i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			strbuf_addf(sb, "\\x%02x", c);
		else
			strbuf_addc(sb, (char)c);
	}
	strbuf_addc(sb, '"');
}

void log_event(enum log_level level, const char *event,
	       const struct log_field *fields)
{
	struct strbuf sb = STRBUF_INIT(8192);
	char time[40];

	if (level > threshold)
		return;
	clock_format_iso(clock_now(), time);
	strbuf_addf(&sb, "%s %s %s", time, LEVELS[level], event);
	for (; fields->name; fields++) {
		strbuf_addf(&sb, " %s=", fields->name);
		if (fields->is_number)
			strbuf_addf(&sb, "%llu",
				    (unsigned long long)fields->number);
		else
			add_text(&sb, fields->text);
	}
	(void)fprintf(stderr, "%s\n", strbuf_cstr(&sb));
	strbuf_release(&sb);
}
