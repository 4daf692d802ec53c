/*
 * sql.c - the table of the connector for databases over ODBC
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/sql.h"

#include "connectors/sql/odbc_settings.h"
#include "connectors/sql/sql_private.h"

#include <stdio.h>

static const struct setting_def settings[] = {
	ODBC_SETTINGS,
	SQL_SOURCE_SETTINGS,
	SQL_EXPORT_SETTINGS,
	{ .name = NULL },
};

static bool is_set(const struct node *connect, const char *name)
{
	const struct node *node = node_get(connect, name);

	return node && (node->kind != NODE_SCALAR || node->text.len);
}

/* Files of Access cannot be written to: the dialect is set, or its driver. */
static uint32_t caps_of(const struct connector_ops *ops,
			const struct node *connect)
{
	uint32_t caps = sql_caps_of(ops, connect);
	const struct sql_dialect *dialect =
		sql_dialect_find(setting_text(connect, settings, "dialect"));

	if ((dialect && dialect->read_only) ||
	    sv_ieq_str(setting_text(connect, settings, "driver"), "MDBTools"))
		caps &= ~(uint32_t)(CONNECTOR_CAP_EXPORT |
				    CONNECTOR_CAP_PASSWORD_SET |
				    CONNECTOR_CAP_PASSWORD_CHANGE);
	return caps;
}

static void check_number(const struct connector_config *config,
			 const char *name, int64_t least, int64_t most,
			 setting_report_fn report, void *data)
{
	const struct node *at = node_get(config->connect, name);
	char text[100];
	int64_t number;

	if (!at || at->kind != NODE_SCALAR || !sv_to_i64(at->text, &number) ||
	    (number >= least && number <= most))
		return;
	(void)snprintf(text, sizeof(text), "'%s' must be between %lld and %lld",
		       name, (long long)least, (long long)most);
	report(data, at, text);
}

static void check(const struct connector_ops *ops,
		  const struct connector_config *config,
		  setting_report_fn report, void *data)
{
	const struct node *connect = config->connect;

	sql_check(ops, config, report, data);
	if (is_set(connect, "dsn") == is_set(connect, "driver"))
		report(data,
		       is_set(connect, "dsn") ? node_get(connect, "dsn")
					      : connect,
		       "write 'driver', a name that 'odbcinst -q -d' lists, or "
		       "'dsn', one that 'odbcinst -q -s' lists");
	check_number(config, "port", 1, 65535, report, data);
	check_number(config, "timeout", 1, 86400, report, data);
	check_number(config, "lock_timeout", 1, 86400, report, data);
}

const struct connector_ops sql_connector = {
	.abi = CONNECTOR_ABI,
	.name = "sql",
	.help = "tables of any database that has an ODBC driver",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA |
		CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_PASSWORD_SET |
		CONNECTOR_CAP_PASSWORD_CHANGE,
	.settings = settings,
	.data = &sql_odbc,
	.caps_of = caps_of,
	.check = check,
	SQL_SESSION_OPERATIONS,
};
