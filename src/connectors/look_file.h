/*
 * look_file.h - may a file be made or replaced?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LOOK_FILE_H
#define CONNECTORS_LOOK_FILE_H

#include "connector/connector.h"

/* As an export would: beside the file in its folder, which is made when it is
 * missing. Makes *out a no when not, else a yes when it is not a no. */
void look_at_file(const char *path, struct arena *arena,
		  struct connector_look *out);

#endif
