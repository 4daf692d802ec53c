/*
 * dsml_read.h - records out of a DSML file, for ldif_reader
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_DSML_READ_H
#define CONNECTORS_LDIF_DSML_READ_H

#include "connectors/ldif/dsml_scan.h"

int dsml_reader_next(struct ldif_reader *reader, struct arena *arena,
		     struct ldif_record *out, struct error *err);
void dsml_reader_release(struct ldif_reader *reader);

/* What is known of the document so far; NULL before anything was read. */
const struct dsml_frame *dsml_reader_frame(const struct ldif_reader *reader);
/* Where the last record ended. */
uint64_t dsml_reader_last(const struct ldif_reader *reader);

#endif
