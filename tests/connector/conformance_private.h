/*
 * conformance_private.h - what the files of the suite share
 *
 * The sentences of connector/connector.h are one test each: those about imports
 * in conformance_imports.c, about exports in conformance_exports.c, all others
 * in conformance.c, which runs them in this order. A function here fails the
 * test that calls it when what it says cannot be done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CONNECTOR_CONFORMANCE_PRIVATE_H
#define TESTS_CONNECTOR_CONFORMANCE_PRIVATE_H

#include "conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka wants what stands above. */
#include <cmocka.h>

/* The connector that is tested now. */
extern struct conformance *conformance_now;

/* The attributes as this connector's target names them. */
extern const char *conformance_attr_names[CONFORMANCE_ATTRS];

/* Objects that most tests begin with: k1, k2 and k3. */
extern const struct conformance_object conformance_three[3];

/* The test of this name, in the tables below. */
#define SENTENCE(name) cmocka_unit_test_teardown(name, conformance_after_each)

/* How many there are, and the tests: one group with those of conformance.c. */
#define CONFORMANCE_IMPORTS 11
#define CONFORMANCE_EXPORTS 13

extern const struct CMUnitTest conformance_imports[CONFORMANCE_IMPORTS];
extern const struct CMUnitTest conformance_exports[CONFORMANCE_EXPORTS];

/* Takes the target away, whether the test passed or not. */
int conformance_after_each(void **state);
/* Makes the target with these objects, and checks its configuration. */
void conformance_make(const struct conformance_object *objects, size_t count);
/* What the connector can do as it is configured: after conformance_make. */
uint32_t conformance_caps(void);
/* It can export: after conformance_make. */
bool conformance_can_export(void);
/* Begins a session with the target. */
void conformance_open(struct connector *connector);
/* The values of a text with ';' between them, NULL: none. */
struct values conformance_values(struct arena *arena, const char *text);
/* The DN of the object with this id; SV_NULL where there are none. */
struct sv conformance_dn(struct arena *arena, const char *id);

/* One object as it was read. */
struct picture_object {
	char id[64];
	struct sv anchor;
	struct sv dn;
	struct values values[CONFORMANCE_ATTRS];
	bool told; /* by the delta that is read */
};

/* All that was read of a target; begins with zeros. */
struct picture {
	struct arena arena;
	struct picture_object *at;
	size_t len;
	size_t size;
	size_t errors;
	size_t changes;
	bool compares; /* the delta names all that are there */
	struct sv watermark;
	bool unkept;      /* what is read is not kept, nor the watermark */
	struct error err; /* when reading failed */
	bool failed;
};

/* Frees it and makes it empty again. */
void picture_release(struct picture *picture);
/* Reads into the picture; a failure is left in picture->err. Nothing that
 * next() gave is forgotten before the end, and what it deferred is asked for
 * then. */
void picture_read(struct picture *picture, enum import_kind kind);
/* A full import, which must succeed, into an emptied picture. */
void picture_read_full(struct picture *picture);
/* Brings the picture up to date by a delta import, which must succeed. */
void picture_read_delta(struct picture *picture);
/* The object with this id, or NULL. */
struct picture_object *picture_find(const struct picture *picture,
				    const char *id);
/* As picture_find, of one that must be there. */
const struct picture_object *picture_get(const struct picture *picture,
					 const char *id);
/* The picture holds these objects and no others. */
void picture_check(const struct picture *picture,
		   const struct conformance_object *objects, size_t count);
/* A full import finds these objects and no others. */
void picture_check_target(const struct conformance_object *objects,
			  size_t count);

#define BATCH_OPS 16

/* Operations of one export, and their outcomes at the same places. */
struct batch {
	struct arena arena;
	struct export_op ops[BATCH_OPS];
	struct export_outcome outcomes[BATCH_OPS];
	size_t len;
	struct picture before; /* the target as it was: for anchors */
};

/* An empty batch for the target as it is now. */
void batch_init(struct batch *batch);
/* Frees it. */
void batch_release(struct batch *batch);
/* For other operations on the target as it was when the batch began. */
void batch_empty(struct batch *batch);
/* One more operation on the object with this id, without attributes. */
struct export_op *batch_put(struct batch *batch, enum export_kind kind,
			    const char *id);
/* One more change of an attribute; values as conformance_values takes them. */
void batch_put_attr(struct batch *batch, struct export_op *op,
		    enum conformance_attr attr, enum attr_op how,
		    const char *text);
/* All attributes that the object has. */
void batch_put_object(struct batch *batch, struct export_op *op,
		      const struct conformance_object *object);
/* One more operation, which adds the object. */
struct export_op *batch_put_add(struct batch *batch,
				const struct conformance_object *object);
/* Exports the batch in a session of its own: an outcome for each operation. */
void batch_run(struct batch *batch);
/* The i-th operation was done. */
void batch_check_ok(const struct batch *batch, size_t i);
/* The i-th operation was refused with this error, and a message. */
void batch_check_refused(const struct batch *batch, size_t i,
			 const char *error);

#endif
