/*
 * postgresql.c - the table of the connector for PostgreSQL
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/sql/postgresql.h"

#include "connectors/sql/libpq_settings.h"
#include "connectors/sql/sql_private.h"

static const struct setting_def settings[] = {
	LIBPQ_SETTINGS,
	SQL_SOURCE_SETTINGS,
	SQL_EXPORT_SETTINGS,
	{ .name = NULL },
};

const struct connector_ops postgresql_connector = {
	.abi = CONNECTOR_ABI,
	.name = "postgresql",
	.help = "tables of a PostgreSQL database",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_DELTA |
		CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_NOTIFY |
		CONNECTOR_CAP_PASSWORD_SET | CONNECTOR_CAP_PASSWORD_CHANGE,
	.settings = settings,
	.data = &sql_libpq,
	SQL_OPERATIONS,
};
