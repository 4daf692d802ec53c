/*
 * fuzz_nt4.c - any bytes as what rpcclient printed
 *
 * What is found in a line must lie within it, and the lines within the input.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/nt4/nt4_parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct sv part, struct sv whole)
{
	if (part.len && (part.ptr < whole.ptr ||
			 part.ptr + part.len > whole.ptr + whole.len))
		abort();
}

static void parse(struct sv line)
{
	struct nt4_account account;
	struct sv name;
	struct sv value;
	uint32_t rid;

	if (nt4_parse_account(line, &account)) {
		check_within(account.name, line);
		check_within(account.full_name, line);
		check_within(account.description, line);
	}
	if (nt4_parse_group(line, &name, &rid))
		check_within(name, line);
	(void)nt4_parse_member(line, &rid);
	if (nt4_parse_sid(line, &name))
		check_within(name, line);
	if (nt4_parse_field(line, &name, &value)) {
		check_within(name, line);
		check_within(value, line);
	}
	(void)nt4_parse_name(line, SV_LIT("ann"), &rid);
	check_within(nt4_find_status(line), line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv text = sv_make((const char *)data, size);
	struct sv line;
	size_t at = 0;

	while (nt4_next_line(text, &at, &line)) {
		check_within(line, text);
		parse(line);
	}
	check_within(nt4_find_status(text), text);
	return 0;
}
