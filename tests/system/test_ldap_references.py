"""References in a circle, into a server that takes none to what is not there.

SPDX-License-Identifier: Apache-2.0
"""
import pytest

from helpers import Folder

CONJOIN = """conjoin: 1
agents: [hr, dir]
provisioning: on
metaverse:
  person:
    attributes:
      employeeID: { type: string, index: true }
      name:       string
      deputy:     reference
"""

HR = """type: csv
connect: { path: data/hr.csv, anchor: id }
objects:
  person:
    metaverse: person
    project: true
    attributes: { deputy: { type: reference, to: person } }
    import: { employeeID: id, name: name, deputy: deputy }
"""

DIR = """type: ldap
connect: { servers: ['URL'], bind_dn: 'BIND', password: file:password,
           security: none, base: 'BASE', references: HOW }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    join: [ { employeeID: employeeNumber } ]
    provision: { dn: '"uid=" & [employeeID] & ",BASE"' }
    export: { employeeNumber: employeeID, sn: name, cn: name,
              secretary: deputy }
"""

LOOKS = """overlay constraint
constraint_attribute secretary uri ldap:///{0}?entryDN?sub?(objectClass=*)
"""


@pytest.mark.parametrize("how", ["auto", "later"])
def test_deputies_of_each_other(tmp_path, make_slapd, how):
    base = "o=circle"
    slapd = make_slapd(suffix=base, conf=LOOKS.format(base))
    path = tmp_path / "conf"
    for name, text in {
            "conjoin.yaml": CONJOIN,
            "agents/hr.yaml": HR,
            "agents/dir.yaml": DIR.replace("URL", slapd.url)
            .replace("BIND", slapd.bind_dn).replace("BASE", base)
            .replace("HOW", how),
            "password": slapd.password + "\n",
            "data/hr.csv": "id,name,deputy\n1,Ann,2\n2,Bob,1\n3,Cid,3\n",
    }.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    (path / "password").chmod(0o600)
    folder = Folder(path)
    folder.ok("cycle")
    found = slapd.search("(uid=*)", "secretary")
    assert found == {
        f"uid=1,{base}": {"secretary": [f"uid=2,{base}"]},
        f"uid=2,{base}": {"secretary": [f"uid=1,{base}"]},
        f"uid=3,{base}": {"secretary": [f"uid=3,{base}"]},
    }
    assert folder.json("errors")["errors"] == []
    assert folder.json("pending", "--exports")["exports"] == []
