/*
 * audit.h - commands by which a person changes or approves something
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include "cli/cli.h"

/*
 * After a command: when it is one of those, and there is a store, its words,
 * who gave them and its exit status become an entry of the audit log. Values
 * that are secret are never words of a command. What fails is a warning.
 */
void audit_record(struct cli *cli, enum run_exit exit);

#endif
