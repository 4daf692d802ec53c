/*
 * conformance.h - one suite that every connector passes
 *
 * A connector's test program says how a target with given objects is made; the
 * suite then checks the sentences of connector/connector.h one by one through
 * the wrappers that the engine uses, skipping only what the capability bits
 * disclaim.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CONNECTOR_CONFORMANCE_H
#define TESTS_CONNECTOR_CONFORMANCE_H

#include "connector/connector.h"

/* One person of a target: attributes uid, sn, title and telephoneNumber; those
 * that are NULL have no value. */
struct conformance_object {
	const char *id; /* uid: anchor or RDN */
	const char *sn;
	const char *title;
	const char *phones; /* several separated by ';' */
};

/* The suite's object type has these attributes, in this order. */
enum conformance_attr {
	CONFORMANCE_UID,
	CONFORMANCE_SN,
	CONFORMANCE_TITLE,
	CONFORMANCE_PHONE, /* multi */
	CONFORMANCE_ATTRS,
};

struct conformance {
	const struct connector_ops *ops;
	const char *type; /* of the objects: "person", "inetOrgPerson" */
	/* DN systems: objects are "uid=ID,BASE"; make() sees to it that the
	 * base is there. NULL: the anchor is the id. */
	const char *base;
	/* Where they are not "uid" and "telephoneNumber"; or NULL. */
	const char *rdn;
	const char *phone;

	/* A fresh target with these objects and nothing else; fills
	 * config.connect, config.folder and config.secret. 0, or -1. */
	int (*make)(struct conformance *c,
		    const struct conformance_object *objects, size_t count);
	/* Takes it away; may be NULL. */
	void (*unmake)(struct conformance *c);
	/* Adds one object that cannot be read. NULL: this system has none. */
	int (*spoil)(struct conformance *c);
	/* For sources whose deltas are not the connector's own exports: as if
	 * `object` had been added or changed, or with sn NULL deleted. */
	int (*change)(struct conformance *c,
		      const struct conformance_object *object);
	/* A configuration that passes its check and that an import cannot
	 * begin with. NULL: none. */
	const struct node *(*broken)(struct conformance *c);
	/* The anchor is made by the system and read back after an add. */
	bool system_anchor;
	/* A delta may tell again what the last one told. */
	bool overlaps;
	/* Only operations that repeat one of unknown outcome are checked
	 * against the target: for the others the engine is trusted. */
	bool trusting;

	struct connector_config config; /* agent and types: by the suite */
	void *data;                     /* of the program */
};

/* Runs the suite; the number of tests that failed. */
int conformance_run(struct conformance *c);

/* Configuration for tests: memory from arena. */
struct node *conformance_text(struct arena *arena, const char *text);
/* Pairs of a key (const char *) and its value (struct node *), then NULL. */
struct node *conformance_map(struct arena *arena, ...);
/* Values (struct node *), then NULL. */
struct node *conformance_list(struct arena *arena, ...);

#endif
