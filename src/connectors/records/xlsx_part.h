/*
 * xlsx_part.h - parts of a workbook's archive, for those who look into them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_XLSX_PART_H
#define CONNECTORS_RECORDS_XLSX_PART_H

#include "base/error.h"
#include "connectors/records/xml_scan.h"

#include <zip.h>

/* The text of a part of `most` bytes; empty when there is none. */
int xlsx_read_part(zip_t *zip, const char *name, zip_uint64_t most,
		   struct strbuf *text, struct error *err);
/* Visits the elements of a part that a path leads to; begun() at the end of
 * each. */
int xlsx_each_element(struct sv text, const char *steps,
		      const struct xml_visit *visit, void (*begun)(void *data),
		      struct error *err);

#endif
