/*
 * dsml.c - the dsml connector: the ldif connector over another syntax
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/dsml.h"

#include "connectors/ldap_schema.h"
#include "connectors/ldif/dsml_scan.h"
#include "connectors/ldif/ldif_private.h"
#include "connectors/ldif/ldif_syntax.h"

/* "path" and "changes" mean what they mean to ldif, whose code reads them. */
static const struct setting_def settings[] = {
	{ .name = "path",
	  .type = SETTING_PATH,
	  .required = true,
	  .help = "The document with the entries; made by the first export" },
	{ .name = "changes",
	  .type = SETTING_PATH,
	  .help = "A document of requests: exports add theirs to it, delta "
		  "imports read it" },
	LDIF_ENTRY_SETTINGS,
	{ .name = "version",
	  .type = SETTING_CHOICE,
	  .fallback = "2",
	  .words = "1|2",
	  .help = "Of DSML, for a document that an export makes; one that is "
		  "there keeps its own" },
	{ .name = "document",
	  .type = SETTING_CHOICE,
	  .fallback = "entries",
	  .words = "entries|requests",
	  .help = "What a document of version 2 that an export makes has: "
		  "entries, as a search finds them, or requests to add them" },
	LDIF_FILE_SETTINGS,
	{ .name = NULL },
};

static void dsml_check(const struct connector_ops *ops,
		       const struct connector_config *config,
		       setting_report_fn report, void *data)
{
	const struct node *connect = config->connect;

	(void)ops;
	ldif_check_all(config, report, data);
	if (node_get(connect, "document") &&
	    sv_eq_str(setting_text(connect, settings, "version"), "1"))
		report(data, node_get(connect, "document"),
		       "'document' is for version 2: version 1 has entries "
		       "only");
}

static int dsml_local_attrs(const struct connector_config *config, size_t type,
			    struct arena *arena, struct local_attrs *out)
{
	(void)type;
	return ldif_local_attrs_as(&dsml_syntax, config, arena, out);
}

static int dsml_open(const struct connector_ops *ops,
		     const struct connector_config *config,
		     struct connector_session **out, struct error *err)
{
	struct sv version = setting_text(config->connect, settings, "version");
	struct sv document =
		setting_text(config->connect, settings, "document");

	(void)ops;
	if (ldif_open_as(config, &dsml_syntax, out, err) < 0)
		return -1;
	(*out)->width = 0;
	(*out)->form = sv_eq_str(version, "1")           ? DSML_ENTRY
		       : sv_eq_str(document, "requests") ? DSML_ADD
							 : DSML_RESULT;
	return 0;
}

const struct connector_ops dsml_connector = {
	.abi = CONNECTOR_ABI,
	.name = "dsml",
	.help = "A directory kept in a DSML document (version 1 or 2), "
		"optionally with one of requests.",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA |
		CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_DN | CONNECTOR_CAP_TREE |
		CONNECTOR_CAP_RENAME | CONNECTOR_CAP_AT_ONCE,
	.settings = settings,
	.known_attrs = ldap_known_attrs,
	.caps_of = ldif_caps,
	.bases = ldif_bases,
	.check = dsml_check,
	.local_attrs = dsml_local_attrs,
	.open = dsml_open,
	.close = ldif_close,
	.look = ldif_look,
	.schema = ldif_schema,
	.sample = ldif_sample,
	.import_begin = ldif_import_begin,
	.next = ldif_import_next,
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
