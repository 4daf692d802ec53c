/*
 * errors_act.h - what a person does with an error: retry, ignore, quarantine
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_ERRORS_ACT_H
#define CLI_ERRORS_ACT_H

#include "cli/cli.h"

/* The first word is one of the verbs. */
bool errors_is_verb(const char *word);
/* All of the command, when it is. */
enum run_exit errors_act(struct cli *cli);

#endif
