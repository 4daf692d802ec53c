/*
 * nt4_parse.h - what rpcclient and net print, line by line
 *
 * Each takes one line and says whether it is of its kind; others are passed
 * over by the caller, since values may hold line breaks. What is filled in are
 * views into the line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_NT4_NT4_PARSE_H
#define CONNECTORS_NT4_NT4_PARSE_H

#include "base/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The next line of a text, without its end; false: there is none. */
bool nt4_next_line(struct sv text, size_t *at, struct sv *line);

struct nt4_account {
	uint32_t rid;
	uint32_t flags;
	struct sv name;
	struct sv full_name;
	struct sv description;
};

/* "index: 0x1 RID: 0x1f4 acb: 0x00000010 Account: ann\tName: Ann\tDesc: x" */
bool nt4_parse_account(struct sv line, struct nt4_account *out);
/* "group:[Domain Admins] rid:[0x200]" */
bool nt4_parse_group(struct sv line, struct sv *name, uint32_t *rid);
/* "\trid:[0x1f4] attr:[0x7]" */
bool nt4_parse_member(struct sv line, uint32_t *rid);
/* "\tsid:[S-1-5-21-...]" */
bool nt4_parse_sid(struct sv line, struct sv *sid);
/* "\tHome Drive  :\t\\\\PDC\\ann": label and value without blanks around */
bool nt4_parse_field(struct sv line, struct sv *label, struct sv *value);
/* "name ann: 0x3e9 (1)" */
bool nt4_parse_name(struct sv line, struct sv name, uint32_t *rid);
/* "0x3e9" or "1001", and nothing else */
bool nt4_parse_number(struct sv text, uint32_t *out);

/* The first word NT_STATUS_... of a text; empty: there is none. */
struct sv nt4_find_status(struct sv text);

#endif
