/*
 * connectors.c - the one place that names every connector
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/connectors.h"

#include "connectors/csv/csv.h"
#include "connectors/exec/exec.h"
#include "connectors/ldap/ad.h"
#include "connectors/ldap/adlds.h"
#include "connectors/ldap/domino.h"
#include "connectors/ldap/edirectory.h"
#include "connectors/ldap/exchange55.h"
#include "connectors/ldap/ldap.h"
#include "connectors/ldap/openldap.h"
#include "connectors/ldap/sun.h"
#include "connectors/ldif/dsml.h"
#include "connectors/ldif/ldif.h"
#include "connectors/memory/memory.h"
#include "connectors/nt4/nt4.h"
#include "connectors/records/records.h"
#include "connectors/sql/postgresql.h"
#include "connectors/sql/sql.h"

/* clang-format off */
const struct connector_ops *const connectors[] = {
	&csv_connector,
	&delimited_connector,
	&ldif_connector,
	&dsml_connector,
	&json_connector,
	&jsonl_connector,
	&fixed_connector,
	&avp_connector,
	&xml_connector,
	&xls_connector,
	&xlsx_connector,
	&dbf_connector,
	&access_connector,
	&ldap_connector,
	&ad_connector,
	&adlds_connector,
	&openldap_connector,
	&sun_connector,
	&edirectory_connector,
	&domino_connector,
	&exchange55_connector,
	&nt4_connector,
	&postgresql_connector,
	&exec_connector,
	&sql_connector,
	&memory_connector,
	NULL,
};
/* clang-format on */
