/*
 * secret_attr.h - attributes whose values nobody is shown
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MODEL_SECRET_ATTR_H
#define MODEL_SECRET_ATTR_H

#include <stdbool.h>

/* Its name says that it holds a password or what serves as one. */
bool attr_is_secret(const char *name);
/* A directory takes it but never shows it. */
bool attr_is_write_only(const char *name);

#endif
