/*
 * audit.c - the chain of the audit log
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/audit.h"

#include "base/clock.h"
#include "base/strbuf.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static void add_field(struct strbuf *out, const char *text)
{
	strbuf_addf(out, "%zu:%s", strlen(text), text);
}

void audit_hash(struct audit_row *row, const unsigned char before[AUDIT_HASH])
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_LIMIT);
	char time[40];
	char id[24];

	(void)snprintf(id, sizeof(id), "%" PRId64, row->id);
	clock_format_iso(row->time, time);
	strbuf_add(&text, (const char *)before, AUDIT_HASH);
	add_field(&text, id);
	add_field(&text, time);
	add_field(&text, row->user);
	add_field(&text, row->host);
	add_field(&text, row->command);
	add_field(&text, row->result);
	(void)crypto_hash_sha256(row->hash,
				 (const unsigned char *)strbuf_sv(&text).ptr,
				 text.len);
	strbuf_release(&text);
}
