/*
 * sharing.h - how the processes that share a run know each other
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_SHARING_H
#define CLI_SHARING_H

#include "config/config.h"

#define SHARING_RULES 40

/* The configuration's hash as a word. */
void sharing_rules(const struct config *config, char out[SHARING_RULES]);

#endif
