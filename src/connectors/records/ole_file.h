/*
 * ole_file.h - a stream out of a compound file, in which old Office programs
 * put their documents
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_OLE_FILE_H
#define CONNECTORS_RECORDS_OLE_FILE_H

#include "base/strbuf.h"

#include <stdbool.h>

/* Does it begin as a compound file does? */
bool ole_is(struct sv file);
/* The stream that has the first of the names (NULL ends them) that is there:
 * NULL, or what is wrong. */
const char *ole_read(struct sv file, const char *const *names,
		     struct strbuf *out);

#endif
