/*
 * ahead.h - the operations of a plan are handed over to the connector
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPORT_AHEAD_H
#define EXPORT_AHEAD_H

#include "export/export_private.h"

/* Writes the plan, window by window, and what became of it. */
int ahead_write(struct export_step *step, struct error *err);

/* Where all is written at the end: hands over what is planned from *from on,
 * as much as may be written together; *from is then what comes next. 0, 1 told
 * to stop, -1. */
int ahead_hand_over(struct export_step *step, size_t *from, struct error *err);

#endif
