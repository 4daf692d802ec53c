/*
 * template_settings.h - what a person sets before a template becomes a folder
 *
 * fields.yaml of a template says what can be set:
 *
 *	forests:
 *	  at_least: 2
 *	  help: who takes part
 *	  each:                     a list of maps with these settings
 *	    name:     { kind: name, help: of the agent }
 *	    suffixes: { kind: suffix, list: true, help: mail domains }
 *	    routing:  { kind: switch, default: false, help: ... }
 *
 *	target:
 *	  help: where accounts are made
 *	  of:                       one map
 *	    base: { kind: dn, help: ... }
 *
 * Kinds: text (default), name (unique in its list), dn, suffix (@domain),
 * attribute, number, duration, switch. With a default a setting may be left
 *out; an empty default is none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_TEMPLATE_SETTINGS_H
#define CLI_TEMPLATE_SETTINGS_H

#include "base/arena.h"
#include "base/vec.h"
#include "cli/templates.h"
#include "config/config.h"

struct setting_problems {
	struct config_problem *at;
	size_t len;
	size_t size;
};

/*
 * Reads settings and checks them. What is wrong is added to `problems` (to be
 * released); *out is complete then only when there are none: what was left out
 * has its default, and where a list may stand there is one. -1: not YAML.
 */
int template_settings(const struct template *template, const char *file,
		      struct sv text, struct arena *arena, struct node **out,
		      struct setting_problems *problems, struct error *err);

/* The template that the settings are for; SV_NULL: they do not say. */
struct sv template_of_settings(const struct node *settings);

#endif
