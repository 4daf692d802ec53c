/*
 * tape_private.h - words that the writer and the reader of tapes share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTOR_TAPE_PRIVATE_H
#define CONNECTOR_TAPE_PRIVATE_H

#include "connector/tape.h"

#include <jansson.h>

#define TAPE_OPS      8
#define TAPE_ATTR_OPS 3

extern const char *const tape_ops[TAPE_OPS];           /* [change_op] */
extern const char *const tape_attr_ops[TAPE_ATTR_OPS]; /* [attr_op] */

/* A new reference; text that is no UTF-8 as {"bytes":BASE64}. */
json_t *tape_text(struct sv text);
/* 1: read into arena; 0: it is none. */
int tape_read_text(const json_t *json, struct arena *arena, struct sv *out);
json_t *tape_value(const struct value *value);
int tape_read_value(const json_t *json, struct arena *arena, struct value *out);

#endif
