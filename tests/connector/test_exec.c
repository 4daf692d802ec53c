/*
 * test_exec.c - the exec connector keeps the contract, with the examples
 *
 * The one in Python reads, tells what changed and writes; the one in shell
 * reads only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/exec/exec.h"

#include "conformance.h"
#include "password_suite.h"
#include "scratch.h"

#include <stdio.h>
#include <string.h>

enum variant { PYTHON, SHELL };

static struct scratch scratch;

static struct node *text(const char *s)
{
	return conformance_text(&scratch.arena, s);
}

static void put_json(struct strbuf *out, const char *name, const char *value)
{
	const char *c;

	if (!value)
		return;
	strbuf_addf(out, "%s\"%s\":[\"",
		    strbuf_cstr(out)[out->len - 1] == '{' ? "" : ",", name);
	for (c = value; *c; c++) {
		if (*c == ';')
			strbuf_adds(out, "\",\"");
		else
			strbuf_addf(out, *c == '"' ? "\\%c" : "%c", *c);
	}
	strbuf_adds(out, "\"]");
}

static int write_json(const struct conformance_object *objects, size_t count,
		      bool spoilt)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;
	int ret;

	strbuf_adds(&out, "{\"file\":\"f\",\"now\":1,\"people\":{");
	for (i = 0; i < count; i++) {
		const struct conformance_object *o = &objects[i];

		strbuf_addf(&out, "%s\"%s\":{\"changed\":1,\"attrs\":{",
			    i ? "," : "", o->id);
		put_json(&out, "uid", o->id);
		put_json(&out, "sn", o->sn);
		put_json(&out, "title", o->title);
		put_json(&out, "telephoneNumber", o->phones);
		strbuf_adds(&out, "}}");
	}
	if (spoilt)
		strbuf_addf(&out, "%s\"bad\":{\"changed\":1}",
			    count ? "," : "");
	strbuf_adds(&out, "}}");
	ret = scratch_put(&scratch, "people", "w", strbuf_sv(&out));
	strbuf_release(&out);
	return ret;
}

static int write_lines(const struct conformance_object *objects, size_t count)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	size_t i;
	size_t k;
	int ret;

	for (i = 0; i < count; i++) {
		const struct conformance_object *o = &objects[i];
		size_t begin;

		strbuf_addf(&out, "%s:%s:%s:", o->id, o->sn ? o->sn : "",
			    o->title ? o->title : "");
		begin = out.len;
		strbuf_addf(&out, "%s\n", o->phones ? o->phones : "");
		for (k = begin; k < out.len; k++)
			if (out.ptr[k] == ';')
				out.ptr[k] = ',';
	}
	ret = scratch_put(&scratch, "people", "w",
			  sv_make(strbuf_cstr(&out), out.len));
	strbuf_release(&out);
	return ret;
}

static struct node *settings(enum variant variant, const char *file)
{
	struct arena *arena = &scratch.arena;
	struct node *can =
		variant == PYTHON
			? conformance_list(arena, text("import"), text("delta"),
					   text("export"), text("at-once"),
					   text("schema"), NULL)
			: conformance_list(arena, text("import"), NULL);

	return conformance_map(
		arena, "command",
		text(variant == PYTHON ? EXAMPLES "/python/people.py"
				       : EXAMPLES "/shell/people.sh"),
		"can", can, "options",
		conformance_map(arena, "file",
				text(arena_printf(arena, "%s/%s",
						  scratch.folder, file)),
				NULL),
		"timeout", text("30"), NULL);
}

/* What is there, as far as spoil() needs it. */
#define MADE 8

static struct conformance_object made[MADE];
static size_t made_count;

static int make(struct conformance *c, const struct conformance_object *objects,
		size_t count)
{
	const enum variant *variant = c->data;

	if (scratch_make(&scratch) < 0)
		return -1;
	made_count = count < MADE ? count : MADE;
	if (count)
		memcpy(made, objects, made_count * sizeof(*made));
	c->config.folder = scratch.folder;
	c->config.connect = settings(*variant, "people");
	return *variant == PYTHON ? write_json(objects, count, false)
				  : write_lines(objects, count);
}

static void unmake(struct conformance *c)
{
	(void)c;
	scratch_remove(&scratch);
}

static int spoil(struct conformance *c)
{
	(void)c;
	return write_json(made, made_count, true);
}

static const struct node *broken(struct conformance *c)
{
	const enum variant *variant = c->data;

	return settings(*variant, "nowhere/people");
}

/* --- passwords --------------------------------------------------------- */

static int is_said(struct conformance *c, const char *anchor, const char *old,
		   const char *new_one, const char *expected)
{
	const char *said =
		password_try(c->ops, &c->config, anchor, old, new_one);

	if (strcmp(said, expected) == 0)
		return 0;
	(void)fprintf(stderr, "passwords: '%s', not '%s'\n", said, expected);
	return 1;
}

static int passwords(struct conformance *c)
{
	static const struct conformance_object ann = { "ann", "A", NULL, NULL };
	static struct object_type person = { .name = "person" };
	struct connector_config config = c->config;
	struct arena *arena = &scratch.arena;
	int failed;

	if (make(c, &ann, 1) < 0)
		return 1;
	config = c->config;
	c->config.agent = "passwords";
	c->config.types = &person;
	c->config.type_count = 1;
	c->config.connect = conformance_map(
		arena, "command", text(EXAMPLES "/python/people.py"), "can",
		conformance_list(arena, text("import"), text("password"), NULL),
		"options",
		conformance_map(
			arena, "file",
			text(arena_printf(arena, "%s/people", scratch.folder)),
			NULL),
		NULL);
	failed = is_said(c, "ann", NULL, "o'\"\\\xC3\xA9\n345", "ok") +
		 is_said(c, "ann", "o'\"\\\xC3\xA9\n345", "12345678", "ok") +
		 is_said(c, "ann", "wrong", "123456789",
			 "permission-issue: the old password is *****") +
		 is_said(c, "ann", NULL, "1234567",
			 "password-policy-violation: 8 characters at least") +
		 is_said(c, "bob", NULL, "12345678",
			 "cd-missing-object: there is no bob") +
		 is_said(c, "ann", NULL, "\xFF",
			 "invalid-attribute-value: the password has bytes that "
			 "are no text");
	unmake(c);
	c->config = config;
	return failed;
}

int main(void)
{
	enum variant variant = PYTHON;
	struct conformance c = { .ops = &exec_connector,
				 .type = "person",
				 .make = make,
				 .unmake = unmake,
				 .spoil = spoil,
				 .broken = broken,
				 .data = &variant };
	int failed = conformance_run(&c) + passwords(&c);

	variant = SHELL;
	c.spoil = NULL;
	return failed + conformance_run(&c);
}
