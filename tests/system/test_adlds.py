"""AD LDS: against an application partition of a Samba domain, which is one of
the same kind; and, for what only AD LDS has, against a stand-in.

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
      id:     { type: string, index: true }
      name:   string
      sid:    { type: string, index: true }
      active: boolean
      boss:   reference
  group:
    attributes: { name: string, member: [reference] }
"""

AGENT = """\
type: adlds
connect:
  servers: %(url)s
  bind_dn: %(bind)s
  password: file:password
  %(secure)s
  %(more)s
  base: %(base)s
objects:
  inetOrgPerson:
    metaverse: person
    project: true
    import: { name: cn, boss: manager }
  group:
    metaverse: group
    project: true
    import: { name: cn, member: member }
"""


@pytest.fixture(scope="module")
def partition(make_samba):
    """A naming context beside the domain, with something deleted in it."""
    server = make_samba("APP.TEST", "127.0.0.51", "dns")
    server.base = f"DC=DomainDnsZones,{server.base}"
    server.add(f"dn: OU=Gone,{server.base}\nobjectClass: organizationalUnit\n"
               f"\ndn: OU=Gone,{server.base}\nchangetype: delete\n")
    return server


def folder_with(path, server, base, more="", agent=AGENT, agents="lds"):
    folder = Folder(path / "conf")
    folder.write("conjoin.yaml", MAIN % agents)
    folder.write("agents/lds.yaml", agent % {
        "url": server.tls_url or server.url, "bind": server.bind_dn,
        "secure": f"ca_file: {server.ca_file}" if server.ca_file
        else "security: none", "more": more, "base": base})
    folder.write("password", server.password)
    (folder.path / "password").chmod(0o600)
    folder.ok("check")
    return folder


def run(folder, profile, agent="lds"):
    found = {}
    for step in folder.json("run", agent, profile)["steps"]:
        found.update(counted(step))
    return found


def unchanged(folder):
    found = run(folder, "full-import")
    assert set(found) <= {"stage-no-change"}, found


def test_conformance(partition):
    conforms("adlds", partition)


@pytest.mark.parametrize("way", ["dirsync", "usn"])
def test_delta(tmp_path, partition, way):
    unit = f"OU={way},{partition.base}"
    person = (f"dn: CN=%s,{unit}\nobjectClass: inetOrgPerson\n"
              f"sAMAccountName: {way}%s\n\n")
    partition.add(f"dn: {unit}\nobjectClass: organizationalUnit\n\n"
                  + person % ("Ann", "a") + person % ("Bob", "b")
                  + f"dn: CN=G,{unit}\nobjectClass: group\n"
                  f"sAMAccountName: {way}g\nmember: CN=Ann,{unit}\n")
    folder = folder_with(tmp_path, partition, unit, f"delta: {way}")
    assert run(folder, "full-import-full-sync")["stage-add"] == 3
    assert run(folder, "delta-import") == {}
    partition.add(person % ("Cid", "c")
                  + f"dn: CN=G,{unit}\nchangetype: modify\nadd: member\n"
                  f"member: CN=Bob,{unit}\n\n"
                  f"dn: CN=Bob,{unit}\nchangetype: modrdn\nnewrdn: CN=Rob\n"
                  f"deleteoldrdn: 1\n\ndn: CN=Ann,{unit}\n"
                  "changetype: delete\n")
    found = run(folder, "delta-import-delta-sync")
    assert found["stage-add"] == 1 and found["stage-rename"] == 1
    assert found["stage-delete"] == 1 and found["stage-update"] == 1
    unchanged(folder)


def test_document(tmp_path):
    """What the reference shows is right."""
    text = (ROOT / "docs/reference/connectors/adlds.md").read_text()
    shown, proxies, accounts = re.findall(r"^```yaml\n(.*?)^```$", text,
                                          re.M | re.S)
    folder = Folder(tmp_path / "conf")
    folder.write("conjoin.yaml", MAIN % "lds")
    for more in (proxies, accounts):
        folder.write("agents/lds.yaml", shown + more)
        folder.ok("check")
    found = folder.ok("help", "connector", "adlds").out
    for setting in re.findall(r"^\| `(\w+)` \|", text.split("## Values")[0],
                              re.M):
        assert setting in found


# --- what only AD LDS has, against a stand-in ---

PEOPLE = """\
type: csv
connect: { path: data/people.csv, anchor: id }
objects:
  person:
    metaverse: person
    attributes: { active: { type: boolean } }
    project: true
    import: { id: id, name: name, sid: sid, active: active }
"""

WRITE = AGENT.split("objects:", maxsplit=1)[0] + """\
objects:
  user:
    metaverse: person
    join: [ { id: title } ]
    provision:
      when: '[active]'
      dn: '"CN=" & [name] & ",%(base)s"'
      initial: { sn: id, userPassword: '"Pass-wörd-1"' }
    deprovision: { after: 30 days, then: delete, meanwhile: disable }
    attributes: { objectGUID: { type: string } }
    export: { title: id }
  userProxy:
    metaverse: person
    attributes: { objectSid: { type: string } }
    join: [ { sid: objectSid } ]
    provision:
      when: 'IsPresent([sid])'
      dn: '"CN=" & [name] & "-proxy,%(base)s"'
      initial: { objectSid: sid }
    deprovision: delete
"""
SID = "S-1-5-21-1004336348-1177238915-682003330-512"


@pytest.fixture
def instance(make_standin):
    """An instance with a partition of a name as no domain has it."""
    return make_standin("adlds", "o=app", tls=True)


def writing(path, server, people, **more):
    folder = Folder(path / "conf")
    folder.write("agents/hr.yaml", PEOPLE)
    folder.write("data/people.csv", "id,name,sid,active\n" + people)
    return folder_with(path, server, server.base, agent=WRITE,
                       agents="hr, lds", **more)


def test_accounts(tmp_path, instance):
    folder = writing(tmp_path, instance, f"1,Ann,{SID},1\n2,Bob,,1\n")
    folder.ok("cycle")
    found = instance.search("(cn=*)", "objectSid", "userPassword", "title",
                            "msDS-UserAccountDisabled", "objectClass")
    assert found["cn=Ann,o=app"]["userPassword"] == ["Pass-wörd-1"]
    assert found["cn=Ann-proxy,o=app"]["objectSid"] == [bytes.fromhex(
        "010500000000000515000000dcf4dc3b833d2b46828ba62800020000")]
    assert found["cn=Ann-proxy,o=app"]["objectClass"][-1] == "userProxy"
    # one leaves, the other's proxy stays as it is
    folder.write("data/people.csv",
                 f"id,name,sid,active\n1,Ann,{SID},1\n2,Bob,,0\n")
    folder.ok("cycle")
    found = instance.search("(cn=*)", "msDS-UserAccountDisabled")
    assert found["cn=Bob,o=app"] == {"msDS-UserAccountDisabled": ["TRUE"]}
    assert found["cn=Ann,o=app"] == {}
    assert folder.json("errors")["errors"] == []
    assert folder.json("pending", "--exports")["exports"] == []


def test_sid_of_a_proxy_stays(tmp_path, instance):
    folder = writing(tmp_path, instance, f"1,Ann,{SID},1\n")
    folder.replace("agents/lds.yaml", "initial: { objectSid: sid }\n",
                   "# no initial value\n    export: { objectSid: sid }\n")
    folder.ok("cycle")
    folder.replace("data/people.csv", "-512", "-513")
    folder.ok("cycle", status=1)
    (error,) = folder.json("errors")["errors"]
    assert error["code"] == "constraint-violation"


def test_passwords_need_encryption(tmp_path, instance):
    instance.ca_file = instance.tls_url = None
    folder = writing(tmp_path, instance, "1,Ann,,1\n")
    folder.ok("cycle", status=1)
    (error,) = folder.json("errors")["errors"]
    assert error["code"] == "encryption-not-enabled"
