/*
 * ldif.c - the ldif connector: settings, session
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif.h"

#include "connectors/ldap_schema.h"
#include "connectors/ldif/ldif_private.h"
#include "connectors/look_file.h"
#include "model/dn.h"

#include <stdio.h>

static const struct setting_def settings[] = {
	{ .name = "path",
	  .type = SETTING_PATH,
	  .required = true,
	  .help = "The LDIF file with the entries; made by the first export" },
	{ .name = "changes",
	  .type = SETTING_PATH,
	  .help = "A file of change records: exports are appended to it, delta "
		  "imports read it" },
	LDIF_ENTRY_SETTINGS,
	{ .name = "max_line",
	  .type = SETTING_NUMBER,
	  .fallback = "76",
	  .help = "Longer lines are folded when written; 0 folds none" },
	LDIF_FILE_SETTINGS,
	{ .name = NULL },
};

static struct intake_nodes intake_nodes(const struct node *connect)
{
	return (struct intake_nodes){ connect, { NULL, NULL }, settings };
}

uint32_t ldif_caps(const struct connector_ops *ops, const struct node *connect)
{
	struct intake_nodes nodes = intake_nodes(connect);
	uint32_t caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DN;

	(void)ops;
	if (intake_is_plain(&nodes, setting_text(connect, settings, "path")))
		caps |= CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_RENAME |
			CONNECTOR_CAP_AT_ONCE;
	if (setting_text(connect, settings, "changes").len)
		caps |= CONNECTOR_CAP_DELTA;
	if (setting_switch(connect, settings, "tree"))
		caps |= CONNECTOR_CAP_TREE;
	return caps;
}

void ldif_bases(const struct node *connect, struct arena *arena,
		struct sv **out, size_t *count_out)
{
	const struct node *bases = node_get(connect, "bases");
	size_t i;

	*out = NULL;
	*count_out = 0;
	if (!bases)
		return;
	*count_out = bases->kind == NODE_SCALAR ? 1 : bases->len;
	*out = arena_array(arena, *count_out, sizeof(**out));
	for (i = 0; i < *count_out; i++)
		(*out)[i] = bases->kind == NODE_SCALAR ? bases->text
						       : bases->items[i]->text;
}

/* Its change records say by themselves what happened. */
static struct outlet_place outlet_place(const struct connector_config *config)
{
	return (struct outlet_place){
		.config = config,
		.own = node_get(config->connect, "export"),
		.outer = { config->connect, NULL },
		.wordless = true,
	};
}

static void check_outlet(const struct connector_config *config,
			 setting_report_fn report, void *data)
{
	struct outlet_place place = outlet_place(config);
	struct sv content;

	if (!place.own)
		return;
	outlet_check(&place, report, data);
	content = setting_text(place.own, outlet_settings, "content");
	if (node_get(config->connect, "changes") &&
	    !sv_eq_str(content, "changes"))
		report(data, place.own,
		       "with 'changes' an export does not write the whole "
		       "directory: hand on content: changes");
	if (node_get(place.own, "trailer"))
		report(data, node_get(place.own, "trailer"),
		       "a directory has no trailer");
}

/* The log of changes belongs to a directory that exports write. */
static void check_intake(const struct node *connect, setting_report_fn report,
			 void *data)
{
	static const char *const names[] = { "ready", "claim", "expect" };
	struct intake_nodes nodes = intake_nodes(connect);
	struct sv path = setting_text(connect, settings, "path");
	int64_t keep = setting_number(connect, settings, "keep");
	const struct node *changes = node_get(connect, "changes");
	size_t i;

	intake_check(&nodes, path, 0, report, data);
	if (keep < 0 || keep > 10000)
		report(data, node_get(connect, "keep"),
		       "'keep' must be 0 to 10000 versions");
	if (sv_eq_str(setting_text(connect, settings, "take"), "each"))
		report(data, node_get(connect, "take"),
		       "a directory is one file: take newest or oldest");
	if (changes && !intake_is_plain(&nodes, path))
		report(data, changes,
		       "'changes' lies beside a file that exports write: no "
		       "pattern, no claim, no other machine");
	for (i = 0; changes && i < sizeof(names) / sizeof(*names); i++)
		if (node_get(connect, names[i]))
			report(data, node_get(connect, names[i]),
			       "this is for files that others write: not with "
			       "'changes'");
}

void ldif_check_all(const struct connector_config *config,
		    setting_report_fn report, void *data)
{
	const struct node *connect = config->connect;
	const struct node *bases = node_get(connect, "bases");
	struct arena scratch = ARENA_INIT;
	struct sv *names;
	size_t count;
	size_t i;
	int64_t width = setting_number(connect, settings, "max_line");

	check_intake(connect, report, data);
	check_outlet(config, report, data);
	ldif_bases(connect, &scratch, &names, &count);
	for (i = 0; i < count; i++)
		if (!dn_valid(names[i]))
			report(data,
			       bases->kind == NODE_LIST ? bases->items[i]
							: bases,
			       "a base must be a DN, such as dc=corp,dc=test");
	if (width < 0 || (width > 0 && width < 16) || width > 1000000)
		report(data, node_get(connect, "max_line"),
		       "'max_line' must be 0, or 16 or more");
	if (sv_eq(setting_text(connect, settings, "path"),
		  setting_text(connect, settings, "changes")))
		report(data, node_get(connect, "changes"),
		       "'changes' must be another file than 'path'");
	arena_release(&scratch);
}

static void ldif_check(const struct connector_ops *ops,
		       const struct connector_config *config,
		       setting_report_fn report, void *data)
{
	(void)ops;
	ldif_check_all(config, report, data);
}

void ldif_close(struct connector_session *session)
{
	if (!session)
		return;
	ldif_import_free(session->import);
	intake_free(session->intake);
	ldif_export_free(session->export);
	arena_release(&session->arena);
	mem_free(session);
}

int ldif_source_load(const struct connector_config *config, struct arena *arena,
		     struct intake_source **out, struct error *err)
{
	struct intake_nodes nodes = intake_nodes(config->connect);

	return intake_source_load(
		config, &nodes, setting_text(config->connect, settings, "path"),
		"full *", INTAKE_OPTIONAL, arena, out, err);
}

int ldif_open_as(const struct connector_config *config,
		 const struct ldif_syntax *syntax,
		 struct connector_session **out, struct error *err)
{
	struct connector_session *s = mem_zalloc(sizeof(*s));
	struct ldif_files *files = &s->files;
	struct sv anchor = setting_text(config->connect, settings, "anchor");
	struct intake_nodes nodes = intake_nodes(config->connect);
	struct outlet_place outlet;

	/* Files are opened when an import or export begins. */
	s->config = config;
	files->syntax = syntax;
	files->content_fd = -1;
	files->changes_fd = -1;
	files->types = config->types;
	files->type_count = config->type_count;
	files->content_name = setting_text(config->connect, settings, "path");
	files->changes_name =
		setting_text(config->connect, settings, "changes");
	files->content = connector_path(config, files->content_name, &s->arena);
	files->content_end = UINT64_MAX;
	s->path = files->content;
	s->name = files->content_name;
	s->plain = intake_is_plain(&nodes, s->name);
	s->keep = setting_number(config->connect, settings, "keep");
	if (files->changes_name.len)
		files->changes =
			connector_path(config, files->changes_name, &s->arena);
	if (!sv_ieq_str(anchor, "dn"))
		s->anchor = anchor;
	s->tree = setting_switch(config->connect, settings, "tree");
	s->width =
		(size_t)setting_number(config->connect, settings, "max_line");
	outlet = outlet_place(config);
	if (outlet.own)
		s->outlet = arena_zalloc(&s->arena, sizeof(*s->outlet));
	if ((s->outlet &&
	     outlet_load(&outlet, &s->arena, s->outlet, err) < 0) ||
	    ldif_source_load(config, &s->arena, &s->source, err) < 0) {
		ldif_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

static int ldif_open(const struct connector_ops *ops,
		     const struct connector_config *config,
		     struct connector_session **out, struct error *err)
{
	(void)ops;
	return ldif_open_as(config, NULL, out, err);
}

int ldif_look(struct connector_session *s, struct arena *arena,
	      struct connector_look *out, struct error *err)
{
	(void)err;
	if (!s->plain)
		return 0;
	look_at_file(s->files.content, arena, out);
	if (s->files.changes)
		look_at_file(s->files.changes, arena, out);
	return 0;
}

const struct connector_ops ldif_connector = {
	.abi = CONNECTOR_ABI,
	.name = "ldif",
	.help = "A directory kept in an LDIF file (RFC 2849), optionally with "
		"a file of changes.",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA |
		CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_DN | CONNECTOR_CAP_TREE |
		CONNECTOR_CAP_RENAME | CONNECTOR_CAP_AT_ONCE,
	.settings = settings,
	.known_attrs = ldap_known_attrs,
	.caps_of = ldif_caps,
	.bases = ldif_bases,
	.check = ldif_check,
	.local_attrs = ldif_local_attrs,
	.open = ldif_open,
	.close = ldif_close,
	.look = ldif_look,
	.schema = ldif_schema,
	.sample = ldif_sample,
	.import_begin = ldif_import_begin,
	.next = ldif_import_next,
	.expand = ldif_import_expand,
	.import_end = ldif_import_end,
	.import_kept = ldif_import_kept,
	.import_flawed = ldif_import_flawed,
	.import_note = ldif_import_note,
	.import_progress = ldif_import_progress,
	.export_begin = ldif_export_begin,
	.export_put = ldif_export_put,
	.export_result = ldif_export_result,
	.export_end = ldif_export_end,
};
