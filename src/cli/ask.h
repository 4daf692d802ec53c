/*
 * ask.h - what nobody may see on the command line: asked for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "base/error.h"
#include "base/secret.h"

/* One line of a descriptor, without its end. On a terminal `prompt` is told
 * and nothing shown of what is typed. */
int ask_secret(int fd, const char *prompt, struct secret *out,
	       struct error *err);

#endif
