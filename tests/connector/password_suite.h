/*
 * password_suite.h - passwords through the contract, for tests
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CONNECTOR_PASSWORD_SUITE_H
#define TESTS_CONNECTOR_PASSWORD_SUITE_H

#include "connector/connector.h"

/* Sets (`old` NULL) or changes a password of an object of the first type, in a
 * session of its own: "ok", an error and its message, or "FAILED: " and why;
 * valid until the next call. */
const char *password_try(const struct connector_ops *ops,
			 const struct connector_config *config,
			 const char *anchor, const char *old,
			 const char *new_one);

#endif
