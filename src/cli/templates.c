/*
 * templates.c - the texts of the folders that `conjoin init` makes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/templates.h"

#include <string.h>

/* clang-format off */

static const char HR_CONJOIN[] =
	"# People come from the HR file (agents/hr.yaml), become persons of the metaverse\n"
	"# described here, and are kept as entries of a directory (agents/directory.yaml).\n"
	"#\n"
	"#   conjoin check       is all of this right?\n"
	"#   conjoin cycle       import, synchronize, export, until all is done\n"
	"conjoin: 1\n"
	"store: sqlite:state/conjoin.db\n"
	"\n"
	"# The best contributor first. A name here is a file in agents/.\n"
	"agents: [hr, directory]\n"
	"\n"
	"# %Suffix% and %MailDomain% in expressions; --set Suffix=... overrides.\n"
	"parameters:\n"
	"  Suffix: 'ou=people,dc=example,dc=com'\n"
	"  MailDomain: example.com\n"
	"\n"
	"metaverse:\n"
	"  person:\n"
	"    attributes:\n"
	"      employeeID:      { type: string, index: true }\n"
	"      givenName:       string\n"
	"      sn:              string\n"
	"      displayName:     string\n"
	"      uid:             { type: string, index: true }\n"
	"      title:           string\n"
	"      department:      string\n"
	"      telephoneNumber: string\n"
	"      manager:         reference\n"
	"    # A person ends when HR no longer has a row for them.\n"
	"    delete: { when: [hr] }\n"
	"\n"
	"# Stop before harm: an import or export that would delete more than this stops,\n"
	"# and says how to let it pass. These are the defaults, written out.\n"
	"guards:\n"
	"  import: { deletions: 20%, above: 20, empty: stop }\n"
	"  export: { deletions: 20%, above: 20 }\n";

static const char HR_AGENT[] =
	"# The HR file: one row a person. `conjoin help connector csv` lists what may\n"
	"# stand under connect.\n"
	"type: csv\n"
	"connect: { path: data/hr.csv, anchor: id }\n"
	"objects:\n"
	"  person:\n"
	"    attributes:\n"
	"      manager_id: { type: reference, to: person }   # the id of another row\n"
	"    metaverse: person\n"
	"    # Whoever has left is no person of the metaverse.\n"
	"    filter: [ '[status] = \"left\"' ]\n"
	"    join: [ { employeeID: id } ]\n"
	"    project: true\n"
	"    import:\n"
	"      employeeID:      id\n"
	"      givenName:       'Trim([first])'\n"
	"      sn:              'Trim([last])'\n"
	"      displayName:     'Trim([first]) & \" \" & Trim([last])'\n"
	"      title:           title\n"
	"      department:      department\n"
	"      telephoneNumber: phone\n"
	"      manager:         manager_id\n";

static const char HR_DIRECTORY[] =
	"# The directory, here an LDIF file, so that nothing else is needed to begin.\n"
	"# A real server is `type: ldap`; `conjoin help connector ldap` lists its settings.\n"
	"type: ldif\n"
	"connect: { path: out/directory.ldif, anchor: dn }\n"
	"objects:\n"
	"  person:\n"
	"    type: inetOrgPerson\n"
	"    metaverse: person\n"
	"    # An entry that is there already belongs to the person with its number.\n"
	"    join: [ { employeeID: employeeNumber } ]\n"
	"    # Who has none gets one.\n"
	"    provision:\n"
	"      require: [ sn, displayName, employeeID ]\n"
	"      dn: '\"cn=\" & EscapeDNComponent([displayName]) & \",\" & %Suffix%'\n"
	"      unique:                       # tried in this order when a name is taken\n"
	"        dn:\n"
	"          - '\"cn=\" & EscapeDNComponent([displayName] & \" \" & CStr($n)) & \",\" & %Suffix%'\n"
	"        uid:\n"
	"          - 'LCase(Left([givenName], 1) & [sn])'\n"
	"          - 'LCase(Left([givenName], 1) & [sn]) & CStr($n)'\n"
	"      rename: true                  # the entry follows when the name changes\n"
	"    import:\n"
	"      uid: uid                      # chosen once, kept by the metaverse\n"
	"    export:\n"
	"      employeeNumber:   employeeID\n"
	"      givenName:        givenName\n"
	"      sn:               sn\n"
	"      displayName:      displayName\n"
	"      title:            title\n"
	"      departmentNumber: department\n"
	"      telephoneNumber:  telephoneNumber\n"
	"      mail:             '[uid] & \"@\" & %MailDomain%'\n"
	"      manager:          manager\n"
	"    # Whose person ends loses the entry. The default would only disconnect it.\n"
	"    deprovision: delete\n";

static const char HR_DATA[] =
	"id,first,last,title,department,phone,status,manager_id\n"
	"1001,Maria,Rossi,Managing Director,Management,+49 30 1234-100,active,\n"
	"1002,James,Okafor,Head of Sales,Sales,+49 30 1234-110,active,1001\n"
	"1003,Lena,Fischer,Head of Engineering,Engineering,+49 30 1234-120,active,1001\n"
	"1004,Ann,Lee,Account Manager,Sales,+49 30 1234-111,active,1002\n"
	"1005,Omar,Haddad,Software Engineer,Engineering,+49 30 1234-121,active,1003\n"
	"1006,Peter,Novak,Account Manager,Sales,,left,1002\n";

static const char HR_GITIGNORE[] =
	"# the store, secrets and their key\n"
	"state/\n"
	"# written by conjoin\n"
	"out/\n";

/* clang-format on */

static const struct template_file hr_to_directory[] = {
	{ "conjoin.yaml", HR_CONJOIN },
	{ "agents/hr.yaml", HR_AGENT },
	{ "agents/directory.yaml", HR_DIRECTORY },
	{ "data/hr.csv", HR_DATA },
	{ ".gitignore", HR_GITIGNORE },
	{ NULL, NULL },
};

const struct template templates[] = {
	{ "hr-to-directory",
	  "people of an HR file (csv) become entries of a directory (ldif)",
	  hr_to_directory },
	{ NULL, NULL, NULL },
};

const struct template *template_find(const char *name)
{
	const struct template *template;

	for (template = templates; template->name; template ++)
		if (!strcmp(template->name, name))
			return template;
	return NULL;
}
