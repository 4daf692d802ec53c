/*
 * log.h - events with typed fields, one line each, to standard error
 *
 *	log_info(log, "import finished", F_STR("agent", name), F_U64("n", n));
 *
 * error = act now, warn = may need to, info = a line per step, debug = per
 * object. The default level is warn; CONJOIN_LOG sets another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/sv.h"

#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

struct log_field {
	const char *name; /* NULL ends a list */
	struct sv text;
	uint64_t number;
	int is_number;
};

#define F_STR(name, s) ((struct log_field){ (name), sv_from(s), 0, 0 })
#define F_SV(name, s)  ((struct log_field){ (name), (s), 0, 0 })
#define F_U64(name, n) ((struct log_field){ (name), SV_NULL, (n), 1 })
#define F_END          ((struct log_field){ NULL, SV_NULL, 0, 0 })

void log_set_level(enum log_level level);
/* Takes the level from CONJOIN_LOG (error, warn, info, debug) when it is set.
 */
void log_init(void);
void log_event(enum log_level level, const char *event,
	       const struct log_field *fields);

#define log_error(event, ...)                                                  \
	log_event(LOG_LEVEL_ERROR, event,                                      \
		  (const struct log_field[]){ __VA_ARGS__, F_END })
#define log_warn(event, ...)                                                   \
	log_event(LOG_LEVEL_WARN, event,                                       \
		  (const struct log_field[]){ __VA_ARGS__, F_END })
#define log_info(event, ...)                                                   \
	log_event(LOG_LEVEL_INFO, event,                                       \
		  (const struct log_field[]){ __VA_ARGS__, F_END })
#define log_debug(event, ...)                                                  \
	log_event(LOG_LEVEL_DEBUG, event,                                      \
		  (const struct log_field[]){ __VA_ARGS__, F_END })

#endif
