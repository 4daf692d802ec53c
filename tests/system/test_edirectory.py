"""eDirectory, played by a stand-in: OpenLDAP behind a front that makes GUIDs
and answers in NDS errors.

SPDX-License-Identifier: Apache-2.0
"""
import re

import pytest

from helpers import ROOT, Folder, conforms, counted

MAIN = """\
conjoin: 1
agents: [%s]
guards: { import: { deletions: 100%% }, export: { deletions: 100%% } }
metaverse:
  person:
    attributes:
      id: { type: string, index: true }
      name: { type: string, index: true }
      active: boolean
      links: [string]
  group:
    attributes: { name: { type: string, index: true }, member: [reference] }
"""

AGENT = """\
type: edirectory
connect:
  servers: %(url)s
  bind_dn: %(bind)s
  password: file:password
  ca_file: %(ca)s
  %(more)s
  partitions: [ { base: o=corp, include: ['ou=in'] } ]
"""

READ = """\
objects:
  inetOrgPerson:
    metaverse: person
    project: true
    import: { name: cn, links: DirXML-Associations }
  groupOfNames:
    metaverse: group
    project: true
    import: { name: cn, member: member }
"""

INTEGRITY = ("overlay refint\nrefint_attributes member groupMembership "
             "equivalentToMe securityEquals\nrefint_nothing cn=none\n")


@pytest.fixture
def server(make_standin):
    server = make_standin("edirectory", "o=corp", tls=True, conf=INTEGRITY)
    server.add("dn: ou=in,o=corp\nobjectClass: organizationalUnit\n\n"
               "dn: ou=out,o=corp\nobjectClass: organizationalUnit\n\n")
    return server


def person(name, where="ou=in"):
    return (f"dn: cn={name},{where},o=corp\nobjectClass: inetOrgPerson\n"
            f"sn: {name}\n\n")


def folder_for(path, server, objects=READ, more="", agents="edir"):
    folder = Folder(path / "conf")
    folder.write("conjoin.yaml", MAIN % agents)
    folder.write("agents/edir.yaml", AGENT % {
        "url": server.tls_url, "bind": server.bind_dn, "more": more,
        "ca": server.ca_file} + objects)
    folder.write("password", server.password)
    (folder.path / "password").chmod(0o600)
    return folder


def run(folder, profile):
    found = {}
    for step in folder.json("run", "edir", profile)["steps"]:
        found.update(counted(step))
    return found


def names(folder):
    found = folder.json("search", "cs", "edir", "--type",
                        "inetOrgPerson")["objects"]
    return sorted(re.match("cn=([^,]*),", one["dn"]).group(1)
                  for one in found)


def unchanged(folder):
    found = run(folder, "full-import")
    assert set(found) <= {"stage-no-change"}, found


def test_conformance(server):
    server.tls_url = server.ca_file = None
    conforms("edirectory", server)


def test_delta(tmp_path, server):
    """What is gone, or lies elsewhere, is found by comparison."""
    server.add(person("ann") + person("bob") + person("cid")
               + "dn: cn=g,ou=in,o=corp\nobjectClass: groupOfNames\n"
               "member: cn=ann,ou=in,o=corp\nmember: cn=bob,ou=in,o=corp\n")
    folder = folder_for(tmp_path, server)
    assert run(folder, "full-import-full-sync")["stage-add"] == 4
    found = folder.json("search", "cs", "edir", "--type", "inetOrgPerson")
    assert all(re.fullmatch(r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}",
                            one["anchor"]) for one in found["objects"])
    assert "stage-update" not in run(folder, "delta-import")
    server.add(person("dot")
               + "dn: cn=bob,ou=in,o=corp\nchangetype: delete\n\n"
               "dn: cn=cid,ou=in,o=corp\nchangetype: modrdn\nnewrdn: cn=cid\n"
               "deleteoldrdn: 1\nnewsuperior: ou=out,o=corp\n\n"
               "dn: cn=ann,ou=in,o=corp\nchangetype: modrdn\n"
               "newrdn: cn=anna\ndeleteoldrdn: 1\n")
    found = run(folder, "delta-import-delta-sync")
    assert found["stage-add"] == 1 and found["stage-rename"] == 1
    assert found["stage-delete"] == 2
    assert names(folder) == ["anna", "dot"]
    unchanged(folder)


def test_delta_without_deletions(tmp_path, server):
    server.add(person("ann") + person("bob"))
    folder = folder_for(tmp_path, server, more="delta: timestamp")
    run(folder, "full-import")
    server.add(person("cid")
               + "dn: cn=bob,ou=in,o=corp\nchangetype: delete\n")
    run(folder, "delta-import")
    assert names(folder) == ["ann", "bob", "cid"]


def test_guard_of_a_delta(tmp_path, server):
    """The account sees nobody any more, say: a guard stops the deletions."""
    server.add("".join(person(f"p{i}") for i in range(9)))
    folder = folder_for(tmp_path, server)
    folder.replace("conjoin.yaml", "guards: { import: { deletions: 100% }",
                   "guards: { import: { deletions: 3 }")
    run(folder, "full-import")
    server.add("".join(f"dn: cn=p{i},ou=in,o=corp\nchangetype: delete\n\n"
                       for i in range(4)))
    step = folder.json("run", "edir", "delta-import", status=3)["steps"][-1]
    assert step["result"] == "stopped-deletion-threshold-exceeded"
    assert len(names(folder)) == 9


HR = """\
type: csv
connect:
  types:
    person: { path: data/people.csv, anchor: id }
    group: { path: data/groups.csv, anchor: id }
objects:
  person:
    metaverse: person
    project: true
    attributes: { active: { type: boolean } }
    import: { id: id, name: name, active: active }
  group:
    metaverse: group
    project: true
    attributes:
      member: { type: reference, to: person, multi: true, separator: ';' }
    import: { name: id, member: member }
"""

WRITE = """\
objects:
  inetOrgPerson:
    metaverse: person
    join: [ { id: employeeNumber } ]
    provision:
      when: '[active]'
      dn: '"cn=" & [name] & ",ou=in,o=corp"'
      initial: { sn: name, userPassword: '"Pass-1-" & [id]' }
    export: { employeeNumber: id }
    deprovision: { after: 30 days, then: delete, meanwhile: disable }
  groupOfNames:
    metaverse: group
    join: [ { name: cn } ]
    provision: { dn: '"cn=" & [name] & ",ou=in,o=corp"' }
    export: { member: member }
    deprovision: delete
"""


def writing(path, server, groups, people="1,Ann,1\n2,Bob,1\n", **more):
    folder = folder_for(path, server, WRITE, agents="hr, edir", **more)
    folder.write("agents/hr.yaml", HR)
    folder.write("data/people.csv", "id,name,active\n" + people)
    folder.write("data/groups.csv", "id,member\n" + groups)
    return folder


ANN, BOB, TEAM = (f"cn={name},ou=in,o=corp" for name in ("Ann", "Bob", "team"))
SIDES = ("groupMembership", "securityEquals")


def links(server):
    """Who belongs where, by each of the four attributes."""
    found = server.search("(cn=*)", "member", "equivalentToMe", *SIDES)
    return {dn: {name: sorted(values) for name, values in entry.items()}
            for dn, entry in found.items()}


def test_membership(tmp_path, server):
    """All four attributes, also where some of them are there already."""
    folder = writing(tmp_path, server, "team,1\n")
    folder.ok("cycle")
    assert links(server) == {
        ANN: {side: [TEAM] for side in SIDES}, BOB: {},
        TEAM: {"member": [ANN], "equivalentToMe": [ANN]}}
    server.add(f"dn: {BOB}\nchangetype: modify\nadd: securityEquals\n"
               f"securityEquals: {TEAM}\n\n"
               f"dn: {TEAM}\nchangetype: modify\nadd: equivalentToMe\n"
               f"equivalentToMe: {BOB}\n")
    folder.write("data/groups.csv", "id,member\nteam,2\n")
    folder.ok("cycle")
    assert links(server) == {
        ANN: {}, BOB: {side: [TEAM] for side in SIDES},
        TEAM: {"member": [BOB], "equivalentToMe": [BOB]}}
    folder.write("data/groups.csv", "id,member\nteam,1;2\n")
    folder.ok("cycle")
    folder.write("data/groups.csv", "id,member\nteam,1\n")
    folder.ok("cycle")
    assert links(server)[BOB] == {}
    assert links(server)[ANN] == {side: [TEAM] for side in SIDES}
    assert folder.json("errors")["errors"] == []
    assert folder.json("pending", "--exports")["exports"] == []


def test_member_alone(tmp_path, server):
    folder = writing(tmp_path, server, "team,1\n", more="membership: member")
    folder.ok("cycle")
    assert links(server) == {ANN: {}, BOB: {}, TEAM: {"member": [ANN]}}


def test_disabled(tmp_path, server):
    folder = writing(tmp_path, server, "")
    folder.ok("cycle")
    folder.write("data/people.csv", "id,name,active\n1,Ann,1\n2,Bob,0\n")
    folder.ok("cycle")
    found = server.search("(cn=*)", "loginDisabled")
    assert found == {ANN: {}, BOB: {"loginDisabled": ["TRUE"]}}


def test_refusals(tmp_path, server):
    """By the number of the NDS error, whatever the result code."""
    folder = writing(tmp_path, server, "")
    folder.replace("agents/edir.yaml", '"Pass-1-" & [id]', '"x"')
    folder.ok("cycle", status=1)
    errors = folder.json("errors")["errors"]
    assert {one["code"] for one in errors} == {"password-policy-violation"}
    assert "(-216)" in str(errors)


def test_document(tmp_path):
    """What the reference shows is right."""
    text = (ROOT / "docs/reference/connectors/edirectory.md").read_text()
    shown, more = re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)
    folder = Folder(tmp_path / "conf")
    folder.write("conjoin.yaml", MAIN % "edir")
    folder.write("agents/edir.yaml", shown + more)
    folder.ok("check")
    found = folder.ok("help", "connector", "edirectory").out
    for setting in re.findall(r"^\| `(\w+)` \|", text.split("## Values")[0],
                              re.M):
        assert setting in found
