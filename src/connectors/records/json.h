/*
 * json.h - an object of JSON as a record
 *
 * Members of objects in objects have names joined by dots; the values of a list
 * are values of one name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_RECORDS_JSON_H
#define CONNECTORS_RECORDS_JSON_H

#include "connectors/records/record_format.h"

void json_parse(const struct record_reader *reader, bool keys,
		struct arena *arena, struct record *record);
/* edit->out without anything behind the object. */
int json_compose(struct record_edit *edit);

#endif
