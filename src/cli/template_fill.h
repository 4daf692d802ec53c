/*
 * template_fill.h - the texts of templates: what stands in {{...}} is filled in
 *
 *	{{name}}                     a setting; {{.}} the item of a list;
 *{{a.b}} the b of the map a
 *	{{list name}}                all items, as a list of YAML
 *	{{#each name}} .. {{/each}}  for each item of a list, whose settings are
 *	                             found first; {{#each name " || "}}: with
 *	                             this text between them
 *	{{#others name}} .. {{/others}}  the same without the item that it is in
 *	{{#if name}} .. {{else}} .. {{/if}}  there is a value that is not false;
 *	                             {{#if not name}}; a.b: one of the items of
 *a has a true b
 *
 * A line that holds nothing but such an opening or closing leaves no line.
 *
 * What a value becomes follows from where it stands, so that no value can be
 * read as anything else: in a comment its text, outside of quotes a YAML
 * scalar, in quotes (a rule) a text of the expression language, there in its
 * double quotes the text with these escaped. Directly behind a letter or a
 * digit, '_', '[' or '%' it is a part of a name and must be fit for one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_TEMPLATE_FILL_H
#define CLI_TEMPLATE_FILL_H

#include "base/error.h"
#include "base/strbuf.h"
#include "model/setting.h"

/* The settings around, inner ones first. */
struct fill_scope {
	const struct node *node; /* a map, or an item of a list */
	const struct fill_scope *up;
};

/* Adds the filled text; an error is a mistake of the template. */
int template_fill(struct sv text, const struct fill_scope *scope,
		  struct strbuf *out, struct error *err);

/* Letters, digits, '-', '_', '.' and ';', beginning with a letter: such a value
 * is the same wherever it stands. */
bool template_is_name(struct sv text);

#endif
