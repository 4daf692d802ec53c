"""The directories of Exchange 5.5 and Domino, each played by a stand-in:
OpenLDAP behind a front, see tools/standin.

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
      name: string
      alias: string
      hidden: boolean
      sid: string
  group:
    attributes: { name: { type: string, index: true }, member: [reference] }
"""

AGENT = """\
type: %(kind)s
connect:
  servers: %(url)s
  bind_dn: %(bind)s
  password: file:password
  %(secure)s
  base: '%(base)s'
"""

READ = {
    "exchange55": """\
objects:
  organizationalPerson:
    metaverse: person
    project: true
    attributes: { Assoc-NT-Account: { type: string } }
    import:
      id: rdn
      name: cn
      alias: uid
      hidden: Hide-From-Address-Book
      sid: Assoc-NT-Account
  groupOfNames:
    metaverse: group
    project: true
    import: { name: rdn, member: member }
""",
    "domino": """\
objects:
  dominoPerson:
    metaverse: person
    project: true
    import: { id: dominoUNID, name: cn, alias: uid }
  dominoGroup:
    metaverse: group
    project: true
    import: { name: cn, member: member }
""",
}
CLASSES = {"exchange55": ("organizationalPerson", "groupOfNames"),
           "domino": ("dominoPerson", "dominoGroup")}
INTEGRITY = ("overlay refint\nrefint_attributes member manager\n"
             "refint_nothing cn=none\n")


@pytest.fixture(params=["exchange55", "domino"])
def server(request, make_standin):
    server = make_standin(request.param, "o=Corp", tls=True, conf=INTEGRITY)
    server.unit = "ou=Recipients,o=Corp"
    server.add(f"dn: {server.unit}\nobjectClass: organizationalUnit\n")
    return server


def only(kind):
    return pytest.mark.parametrize("server", [kind], indirect=True)


def person(server, name, **values):
    lines = [f"dn: cn={name},{server.unit}",
             f"objectClass: {CLASSES[server.kind][0]}", f"sn: {name}"]
    lines += [f"{key.replace('_', '-')}: {value}"
              for key, value in values.items()]
    return "\n".join(lines) + "\n\n"


def folder_for(path, server, objects=None, agents="dir", **more):
    folder = Folder(path / "conf")
    folder.write("conjoin.yaml", MAIN % agents)
    folder.write("agents/dir.yaml", AGENT % {
        "kind": server.kind, "url": server.tls_url, "bind": server.bind_dn,
        "secure": f"ca_file: {server.ca_file}", "base": server.base, **more}
        + (objects or READ[server.kind]))
    folder.write("password", server.password)
    (folder.path / "password").chmod(0o600)
    return folder


def run(folder, profile, status=0):
    found = {}
    for step in folder.json("run", "dir", profile, status=status)["steps"]:
        found.update(counted(step))
    return found


def unchanged(folder):
    found = run(folder, "full-import")
    assert set(found) <= {"stage-no-change"}, found


def test_conformance(server):
    server.tls_url = server.ca_file = None
    conforms(server.kind, server)


def test_delta(tmp_path, server):
    """Changes by numbers or times, deletions by comparison."""
    group = CLASSES[server.kind][1]
    server.add(person(server, "ann") + person(server, "bob")
               + f"dn: cn=g,{server.unit}\nobjectClass: {group}\n"
               f"member: cn=ann,{server.unit}\n")
    folder = folder_for(tmp_path, server)
    assert run(folder, "full-import-full-sync")["stage-add"] == 3
    assert "stage-update" not in run(folder, "delta-import")
    server.add(person(server, "dot")
               + f"dn: cn=bob,{server.unit}\nchangetype: delete\n\n"
               f"dn: cn=g,{server.unit}\nchangetype: modify\nadd: member\n"
               f"member: cn=dot,{server.unit}\n")
    found = run(folder, "delta-import-delta-sync")
    assert found["stage-add"] == 1 and found["stage-delete"] == 1
    assert found["stage-update"] == 1
    unchanged(folder)
    assert "stage-update" not in run(folder, "delta-import")


# --- Exchange 5.5 ---

PEOPLE = """\
type: csv
connect: { path: data/people.csv, anchor: id }
objects:
  person:
    metaverse: person
    project: true
    attributes: { hidden: { type: boolean } }
    import: { id: id, name: name, alias: alias, hidden: hidden, sid: sid }
"""

MAILBOX = """\
objects:
  organizationalPerson:
    metaverse: person
    attributes: { Assoc-NT-Account: { type: string } }
    join: [ { id: rdn } ]
    provision:
      dn: '"cn=" & EscapeDNComponent([id]) & ",ou=Recipients,o=Corp"'
      initial: { sn: name, cn: name }
    export:
      uid: alias
      Hide-From-Address-Book: hidden
      Assoc-NT-Account: sid
    deprovision: delete
"""
SID = "S-1-5-21-1004336348-1177238915-682003330-1001"


def writing(path, server, objects, people):
    folder = folder_for(path, server, objects, "hr, dir")
    folder.write("agents/hr.yaml", PEOPLE)
    folder.write("data/people.csv", "id,name,alias,hidden,sid\n" + people)
    folder.ok("check")
    return folder


@only("exchange55")
def test_display_name_is_not_the_rdn(tmp_path, server):
    """cn is what people read, rdn is what the entry is called."""
    folder = writing(tmp_path, server, MAILBOX,
                     f"AnnB,Ann Brown,abrown,1,{SID}\n")
    folder.ok("cycle")
    found = server.search("(uid=abrown)", "cn", "rdn", "Assoc-NT-Account",
                          "Hide-From-Address-Book")
    assert found == {"cn=AnnB,ou=Recipients,o=Corp": {
        "cn": ["Ann Brown"], "rdn": ["AnnB"],
        "Hide-From-Address-Book": ["TRUE"],
        "Assoc-NT-Account": [bytes.fromhex("010500000000000515000000dcf4dc3b"
                                           "833d2b46828ba628e9030000")]}}
    assert folder.json("errors")["errors"] == []
    assert folder.json("pending", "--exports")["exports"] == []
    folder = folder_for(tmp_path / "read", server)
    run(folder, "full-import-full-sync")
    (found,) = folder.json("search", "mv", "person")["objects"]
    assert found["attributes"] == {
        "id": ["AnnB"], "name": ["Ann Brown"], "alias": ["abrown"],
        "hidden": ["true"], "sid": [SID]}


@only("exchange55")
def test_another_server(tmp_path, server):
    """Each counts for itself."""
    server.add(person(server, "ann"))
    folder = folder_for(tmp_path, server)
    run(folder, "full-import")
    folder.replace("agents/dir.yaml", server.tls_url, server.tls_url + "/")
    step = folder.json("run", "dir", "delta-import", status=4)["steps"][-1]
    assert step["result"] == "no-start-full-import-required"
    assert "another server" in step["message"]


# --- both ---

@pytest.mark.parametrize("server", ["exchange55", "domino"], indirect=True)
def test_names_are_fixed(tmp_path, server):
    """The check of the configuration says so."""
    kind = CLASSES[server.kind][0]
    folder = folder_for(tmp_path, server, f"""\
objects:
  {kind}:
    metaverse: person
    provision:
      dn: '"cn=" & [id] & ",ou=Recipients,o=Corp"'
      rename: true
    export: {{ sn: name }}
""")
    done = folder.ok("check", status=2)
    assert "rename" in done.out + done.err


@only("domino")
def test_password_needs_encryption(tmp_path, server):
    server.tls_url, url = server.url, server.tls_url
    folder = folder_for(tmp_path, server, MAILBOX.replace(
        "organizationalPerson", "dominoPerson").replace(
        "    attributes: { Assoc-NT-Account: { type: string } }\n", "").replace(
        "rdn", "employeeNumber").replace("sn: name, cn: name",
                                         "sn: name, userPassword: alias")
        .split("      uid: alias", maxsplit=1)[0]
        + "      employeeNumber: id\n", "hr, dir")
    folder.replace("agents/dir.yaml", f"ca_file: {server.ca_file}",
                   "security: none")
    folder.write("agents/hr.yaml", PEOPLE)
    folder.write("data/people.csv",
                 "id,name,alias,hidden,sid\n1,Ann,secret9,,\n")
    folder.ok("cycle", status=1)
    (error,) = folder.json("errors")["errors"]
    assert error["code"] == "encryption-not-enabled"
    folder.replace("agents/dir.yaml", "security: none",
                   f"ca_file: {server.ca_file}")
    folder.replace("agents/dir.yaml", server.url, url)
    folder.ok("cycle")
    found = server.search("(employeeNumber=1)", "userPassword")
    assert found == {"cn=1,ou=Recipients,o=Corp":
                     {"userPassword": ["secret9"]}}


@pytest.mark.parametrize("kind", ["exchange55", "domino"])
def test_document(tmp_path, kind):
    """What the reference shows is right."""
    text = (ROOT / f"docs/reference/connectors/{kind}.md").read_text()
    shown, more = re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)
    folder = Folder(tmp_path / "conf")
    folder.write("conjoin.yaml", MAIN % "dir")
    folder.write("agents/dir.yaml", shown + more)
    folder.ok("check")
    found = folder.ok("help", "connector", kind).out
    for setting in re.findall(r"^\| `(\w+)` \|", text.split("## ")[1], re.M):
        assert setting in found
