/*
 * connector_write.c - what is tried of a program by writing
 *
 * Two objects of the first type that has an attribute which identifies are
 * made, changed and deleted. What was there before stays as it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/connector_test.h"

#include <stdio.h>

#define FIRST  "conjoin-test-1"
#define SECOND "conjoin-test-2"
#define ODD    "two words, \"quoted\" \\ <b>; \xE5\xB1\xB1"

/* What is written to. */
struct subject {
	size_t type;
	size_t id;     /* the attribute that identifies */
	size_t single; /* a text that has one value */
	size_t multi;  /* a text that has several; or none */
	bool has_multi;
};

static const struct schema_attr *told_attr(const struct trial *trial,
					   const char *name)
{
	return schema_attr_find(&trial->told, sv_from(name));
}

/* 0 found; 1: err says what is missing. */
static int find_subject(const struct trial *trial, struct subject *out,
			struct error *err)
{
	const struct connector_config *config = &trial->config;
	size_t i;

	for (; out->type < config->type_count; out->type++) {
		const struct object_type *type = &config->types[out->type];
		bool has_id = false;
		bool has_single = false;

		out->has_multi = false;
		for (i = 0; i < type->attr_count; i++) {
			const struct schema_attr *attr =
				told_attr(trial, type->attrs[i].name);

			if (!attr || attr->type != VALUE_STRING)
				continue;
			if (attr->identifies) {
				out->id = i;
				has_id = true;
			} else if (!attr->read_only && attr->multi) {
				out->multi = i;
				out->has_multi = true;
			} else if (!attr->read_only) {
				out->single = i;
				has_single = true;
			}
		}
		if (has_id && has_single)
			return 0;
	}
	(void)error_set(err, ERR_UNSUPPORTED,
			"its schema has no type with a text that identifies "
			"and another one to write to");
	return 1;
}

/* Operations of one export with their outcomes. */
#define MOST 4

struct work {
	struct arena arena;
	struct subject subject;
	struct export_op ops[MOST];
	struct export_outcome outcomes[MOST];
	size_t len;
};

static int begin(const struct trial *trial, struct work *work,
		 struct error *err)
{
	memset(work, 0, sizeof(*work));
	return find_subject(trial, &work->subject, err);
}

static void put_value(struct work *work, struct export_op *op, size_t attr,
		      enum attr_op how, const char *text)
{
	struct attr_change *change = &op->attrs[op->attr_count++];

	change->attr = attr;
	change->op = how;
	change->values.at = arena_alloc(&work->arena, sizeof(struct value));
	change->values.at[0] = value_string(sv_from(text));
	change->values.len = text ? 1 : 0;
}

static struct export_op *put(struct work *work, enum export_kind kind,
			     const char *id)
{
	struct export_op *op = &work->ops[work->len];

	memset(op, 0, sizeof(*op));
	op->id = ++work->len;
	op->kind = kind;
	op->type = work->subject.type;
	op->attrs = arena_array(&work->arena, 8, sizeof(*op->attrs));
	if (kind != EXPORT_ADD)
		op->anchor = sv_from(id);
	return op;
}

static struct export_op *put_add(struct trial *trial, struct work *work,
				 const char *id, const char *text)
{
	const struct object_type *type =
		&trial->config.types[work->subject.type];
	const struct schema_type *told = &trial->told.types[work->subject.type];
	struct export_op *op = put(work, EXPORT_ADD, id);
	size_t i;

	put_value(work, op, work->subject.id, ATTR_REPLACE, id);
	put_value(work, op, work->subject.single, ATTR_REPLACE, text);
	if (work->subject.has_multi)
		put_value(work, op, work->subject.multi, ATTR_REPLACE, "1");
	for (i = 0; i < type->attr_count && op->attr_count < 8; i++)
		if (told->members[i].required && i != work->subject.id &&
		    i != work->subject.single && i != work->subject.multi)
			put_value(work, op, i, ATTR_REPLACE,
				  type->attrs[i].type == VALUE_STRING ? "x"
								      : "1");
	return op;
}

static int take_results(struct connector *connector, struct work *work,
			bool wait, struct error *err)
{
	struct export_outcome outcome;
	int ret;

	while ((ret = connector_export_result(connector, wait, &work->arena,
					      &outcome, err)) > 0)
		work->outcomes[outcome.id - 1] = outcome;
	return ret;
}

/* One export; 0: each operation has its result. */
static int run(struct trial *trial, struct work *work, struct error *err)
{
	struct connector connector;
	int ret;
	size_t i;

	if (trial_open(trial, &connector, err) < 0)
		return -1;
	ret = connector_export_begin(&connector, err);
	for (i = 0; ret == 0 && i < work->len; i++)
		ret = connector_export_put(&connector, &work->ops[i], err);
	if (ret == 0)
		ret = connector_export_end(&connector, err);
	if (ret == 0)
		ret = take_results(&connector, work, true, err);
	connector_close(&connector);
	return ret;
}

static int must(const struct work *work, size_t i, const char *what,
		struct error *err)
{
	const struct export_outcome *outcome = &work->outcomes[i];

	if (outcome->ok)
		return 0;
	return error_set(err, ERR_INVALID, "%s: %s: " SV_FMT, what,
			 outcome->error ? outcome->error : "no result",
			 SV_ARG(outcome->message));
}

static int must_not(const struct work *work, size_t i, const char *what,
		    const char *error, struct error *err)
{
	const struct export_outcome *outcome = &work->outcomes[i];

	if (!outcome->ok && outcome->error && !strcmp(outcome->error, error))
		return 0;
	return error_set(err, ERR_INVALID, "%s: %s", what,
			 outcome->ok      ? "it is done"
			 : outcome->error ? outcome->error
					  : "");
}

/* Whether the object is there with this value of an attribute (NULL: any). */
static int is_there(struct trial *trial, const struct work *work,
		    const char *id, size_t attr, const char *text,
		    struct error *err)
{
	const struct object_type *type =
		&trial->config.types[work->subject.type];
	struct value value = value_string(sv_from(text));
	const struct trial_object *object;
	struct trial_picture picture;
	bool found = false;
	size_t i;
	int ret = trial_read(trial, IMPORT_FULL, SV_NULL, &picture, err);

	object = ret == 0 ? trial_find(&picture, type->name, sv_from(id))
			  : NULL;
	for (i = 0; object && i < object->change->attr_count; i++) {
		const struct attr_change *change = &object->change->attrs[i];

		if (change->attr == attr &&
		    values_have(&change->values, &value, MATCH_EXACT))
			found = true;
	}
	trial_picture_release(&picture);
	if (ret < 0)
		return -1;
	return object && (!text || found) ? 1 : 0;
}

static int expect_there(struct trial *trial, const struct work *work,
			const char *id, size_t attr, const char *text,
			bool there, struct error *err)
{
	int ret = is_there(trial, work, id, attr, text, err);

	if (ret < 0)
		return -1;
	if (ret == (int)there)
		return 0;
	return error_set(err, ERR_INVALID,
			 "a full import behind it %s '%s'%s%s%s",
			 there ? "does not give" : "still gives", id,
			 text ? " with the value '" : "", text ? text : "",
			 text ? "'" : "");
}

static int done(struct work *work, int ret)
{
	arena_release(&work->arena);
	return ret;
}

/* --- checks ------------------------------------------------------------ */

static int nothing_is_fine(struct trial *trial, struct error *err)
{
	struct work work = { .len = 0 };

	return done(&work, run(trial, &work, err));
}

static int adds(struct trial *trial, struct error *err)
{
	struct work work;
	int ret = begin(trial, &work, err);

	if (ret == 0) {
		(void)put_add(trial, &work, FIRST, ODD);
		(void)put_add(trial, &work, SECOND, "plain");
		ret = run(trial, &work, err);
	}
	if (ret == 0)
		ret = must(&work, 0, "the add of '" FIRST "'", err);
	if (ret == 0)
		ret = must(&work, 1, "the add of '" SECOND "'", err);
	if (ret == 0)
		ret = expect_there(trial, &work, FIRST, work.subject.single,
				   ODD, true, err);
	return done(&work, ret);
}

static int refuses_what_cannot_be(struct trial *trial, struct error *err)
{
	struct export_op *op;
	struct work work;
	int ret = begin(trial, &work, err);

	if (ret == 0) {
		(void)put_add(trial, &work, FIRST, "other");
		op = put(&work, EXPORT_UPDATE, "conjoin-test-nobody");
		put_value(&work, op, work.subject.single, ATTR_REPLACE, "x");
		ret = run(trial, &work, err);
	}
	if (ret == 0)
		ret = must_not(&work, 0, "an add of what is there",
			       "cd-existing-object", err);
	if (ret == 0)
		ret = must_not(&work, 1, "an update of what is not there",
			       "cd-missing-object", err);
	return done(&work, ret);
}

static int adopts(struct trial *trial, struct error *err)
{
	struct work work;
	int ret = begin(trial, &work, err);

	if (ret == 0) {
		put_add(trial, &work, FIRST, ODD)->retry = true;
		put_add(trial, &work, SECOND, "other")->retry = true;
		ret = run(trial, &work, err);
	}
	if (ret == 0)
		ret = must(&work, 0, "the repeated add", err);
	if (ret == 0 && !work.outcomes[0].adopted)
		ret = error_set(err, ERR_INVALID, "'adopted' is not true");
	if (ret == 0)
		ret = must_not(&work, 1,
			       "a repeated add of an object with other values",
			       "cd-existing-object", err);
	return done(&work, ret);
}

/* One password of FIRST, or of nobody. 1: it was taken; 0: refused. */
static int try_password(const struct work *work, struct connector *connector,
			const char *id, const char *old, const char *new_one,
			struct arena *arena, struct error *err)
{
	struct secret secrets[2] = { SECRET_INIT, SECRET_INIT };
	struct password_op op = { .type = work->subject.type,
				  .anchor = sv_from(id),
				  .old_password = old ? &secrets[0] : NULL,
				  .new_password = &secrets[1] };
	struct export_outcome out;
	int ret;

	secret_set(&secrets[0], sv_from(old ? old : ""));
	secret_set(&secrets[1], sv_from(new_one));
	ret = connector_password(connector, &op, arena, &out, err);
	secret_release(&secrets[0]);
	secret_release(&secrets[1]);
	return ret < 0 ? -1 : out.ok;
}

static int takes_passwords(struct trial *trial, struct error *err)
{
	static const struct {
		const char *id;
		const char *old;
		const char *new_one;
		int taken;
		const char *what;
	} tries[] = {
		{ FIRST, NULL, "Try-\"\\\xC3\xA9-9137", 1,
		  "a set of a password" },
		{ FIRST, "Wrong-\xC3\xA9-4711", "Next-\xC3\xA9-9138", 0,
		  "a change with a wrong old password" },
		{ FIRST, "Try-\"\\\xC3\xA9-9137", "Next-\xC3\xA9-9138", 1,
		  "a change of a password" },
		{ "conjoin-test-nobody", NULL, "Try-\xC3\xA9-9139", 0,
		  "a set of a password of an object that is not there" },
	};
	struct connector connector;
	struct work work;
	size_t i;
	int ret = begin(trial, &work, err);

	if (ret == 0)
		ret = trial_open(trial, &connector, err);
	if (ret != 0)
		return done(&work, ret);
	for (i = 0; ret == 0 && i < sizeof(tries) / sizeof(*tries); i++) {
		int taken = try_password(&work, &connector, tries[i].id,
					 tries[i].old, tries[i].new_one,
					 &work.arena, err);

		if (taken < 0)
			ret = -1;
		else if (taken != tries[i].taken)
			ret = error_set(err, ERR_INVALID, "%s was %s",
					tries[i].what,
					taken ? "not refused" : "refused");
	}
	connector_close(&connector);
	return done(&work, ret);
}

static int updates(struct trial *trial, struct error *err)
{
	struct export_op *op;
	struct work work;
	int ret = begin(trial, &work, err);

	if (ret == 0) {
		op = put(&work, EXPORT_UPDATE, FIRST);
		put_value(&work, op, work.subject.single, ATTR_REPLACE, "new");
		if (work.subject.has_multi)
			put_value(&work, op, work.subject.multi, ATTR_ADD, "2");
		op = put(&work, EXPORT_UPDATE, SECOND);
		put_value(&work, op, work.subject.single, ATTR_REPLACE, NULL);
		ret = run(trial, &work, err);
	}
	if (ret == 0)
		ret = must(&work, 0, "an update with a value", err);
	if (ret == 0)
		ret = must(&work, 1, "an update that removes a value", err);
	if (ret == 0)
		ret = expect_there(trial, &work, FIRST, work.subject.single,
				   "new", true, err);
	if (ret == 0)
		ret = expect_there(trial, &work, SECOND, work.subject.single,
				   "plain", false, err);
	if (ret == 0 && work.subject.has_multi)
		ret = expect_there(trial, &work, FIRST, work.subject.multi, "1",
				   true, err);
	if (ret == 0 && work.subject.has_multi)
		ret = expect_there(trial, &work, FIRST, work.subject.multi, "2",
				   true, err);
	return done(&work, ret);
}

static int deletes_a_value(struct trial *trial, struct error *err)
{
	struct export_op *op;
	struct work work;
	int ret = begin(trial, &work, err);

	if (ret == 0 && !work.subject.has_multi) {
		(void)error_set(err, ERR_UNSUPPORTED,
				"the type has no text with several values");
		return done(&work, 1);
	}
	if (ret == 0) {
		op = put(&work, EXPORT_UPDATE, FIRST);
		put_value(&work, op, work.subject.multi, ATTR_DELETE, "1");
		ret = run(trial, &work, err);
	}
	if (ret == 0)
		ret = must(&work, 0, "an update that deletes a value", err);
	if (ret == 0)
		ret = expect_there(trial, &work, FIRST, work.subject.multi, "1",
				   false, err);
	if (ret == 0)
		ret = expect_there(trial, &work, FIRST, work.subject.multi, "2",
				   true, err);
	return done(&work, ret);
}

static int deletes(struct trial *trial, struct error *err)
{
	struct work work;
	int ret = begin(trial, &work, err);

	if (ret == 0) {
		(void)put(&work, EXPORT_DELETE, SECOND);
		ret = run(trial, &work, err);
	}
	if (ret == 0)
		ret = must(&work, 0, "the delete", err);
	if (ret == 0)
		ret = expect_there(trial, &work, SECOND, 0, NULL, false, err);
	if (ret == 0) {
		work.len = 0;
		put(&work, EXPORT_DELETE, SECOND)->retry = true;
		ret = run(trial, &work, err);
	}
	if (ret == 0)
		ret = must(&work, 0, "the repeated delete", err);
	return done(&work, ret);
}

static int tells_what_was_written(struct trial *trial, struct error *err)
{
	struct trial_picture full = { .bad = 0 };
	struct trial_picture delta = { .bad = 0 };
	struct work work;
	int ret = begin(trial, &work, err);

	if (ret == 0)
		ret = trial_read(trial, IMPORT_FULL, SV_NULL, &full, err);
	if (ret == 0) {
		(void)put(&work, EXPORT_DELETE, FIRST);
		(void)put_add(trial, &work, SECOND, "again");
		ret = run(trial, &work, err);
	}
	if (ret == 0)
		ret = must(&work, 0, "the delete", err);
	if (ret == 0)
		ret = must(&work, 1, "the add", err);
	if (ret == 0)
		ret = trial_read(trial, IMPORT_DELTA, full.watermark, &delta,
				 err);
	if (ret == 0 &&
	    !trial_find(&delta, trial->config.types[work.subject.type].name,
			SV_LIT(SECOND)))
		ret = error_set(err, ERR_INVALID,
				"the delta does not tell of the new object");
	if (ret == 0 && !delta.deletions)
		ret = error_set(err, ERR_INVALID,
				"the delta does not tell of the deletion");
	trial_picture_release(&full);
	trial_picture_release(&delta);
	return done(&work, ret);
}

static int leaves_nothing(struct trial *trial, struct error *err)
{
	struct work work;
	int ret = begin(trial, &work, err);

	if (ret == 0) {
		put(&work, EXPORT_DELETE, FIRST)->retry = true;
		put(&work, EXPORT_DELETE, SECOND)->retry = true;
		ret = run(trial, &work, err);
	}
	if (ret == 0)
		ret = expect_there(trial, &work, FIRST, 0, NULL, false, err);
	if (ret == 0)
		ret = expect_there(trial, &work, SECOND, 0, NULL, false, err);
	return done(&work, ret);
}

const struct trial_check trial_writing[] = {
	{ "exports nothing", "ok to export, end with the count 0",
	  CONNECTOR_CAP_EXPORT, nothing_is_fine },
	{ "adds objects", "results, and the objects in the next full import",
	  CONNECTOR_CAP_EXPORT, adds },
	{ "refuses what cannot be",
	  "cd-existing-object and cd-missing-object of these, no more",
	  CONNECTOR_CAP_EXPORT, refuses_what_cannot_be },
	{ "adopts what it added before",
	  "ok and adopted when the values are the same, else "
	  "cd-existing-object",
	  CONNECTOR_CAP_EXPORT, adopts },
	{ "sets and changes a password",
	  "results; not with a wrong old one, nor of what is not there",
	  CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_PASSWORD_SET |
		  CONNECTOR_CAP_PASSWORD_CHANGE,
	  takes_passwords },
	{ "updates values", "the new values in the next full import",
	  CONNECTOR_CAP_EXPORT, updates },
	{ "deletes a single value", "the others stay", CONNECTOR_CAP_EXPORT,
	  deletes_a_value },
	{ "deletes an object, and once more when asked with retry",
	  "ok twice, and the object is gone", CONNECTOR_CAP_EXPORT, deletes },
	{ "tells in a delta what was written",
	  "the new object and the deletion",
	  CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_DELTA, tells_what_was_written },
	{ "is left as it was", "no object of these checks any more",
	  CONNECTOR_CAP_EXPORT, leaves_nothing },
	{ NULL, NULL, 0, NULL },
};
